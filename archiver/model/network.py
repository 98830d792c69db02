"""What is asked and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archiver.model.words import Failure, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that a platform plans. What a parser needs later stands here, so that reading is repeatable.

    `ref` is what the request is about and `refs` the others of a batch. `given` are facts taken from earlier
    answers (a DID's signing key, a PDS address): they are recorded with the capture. A header or URL may hold
    `{secret:NAME}`; the network replaces it, records keep the placeholder. `signer` asks for an HTTP
    signature of our own actor. `follow` is whether redirects are followed (each hop is a capture).
    `max_bytes` 0 means the configured bound.
    """

    ref: Ref
    route: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    refs: tuple[Ref, ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    signer: bool = False
    follow: bool = True
    max_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a request, decoded: transport facts and the entity (empty when `failure` says so).

    `url` is the address that answered (after redirects), `status` None when no response head came. `at` is
    when it was observed. Header names are lower case.
    """

    request: Request
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""
    failure: Failure = Failure.NONE
    detail: str = ""
    at: str = ""

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key == name.lower()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person configured that a platform's plan may depend on. `secrets` are names, never values.

    `endpoints` maps `platform.route` to a base address, so that a mirror or a test server can stand in.
    """

    endpoints: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)

    def endpoint(self, name: str, default: str) -> str:
        """The configured base address without a trailing slash."""
        return self.endpoints.get(name, default).rstrip("/")
