"""From one hop to the next (RFC 9110 section 15.4): which address, which method, and what may be carried along.

To another origin go only headers that say nothing about us: no secret, no credentials, no signature, no
body that holds a secret; and what was once left behind does not come back. An address is a template on every
hop, since records show placeholders, but only secrets that this request sends are filled in, and a Location
with one of them leads to the origin that has it already, or nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from archiver.model import Exchange, Failure, Request
from archiver.net.redact import names_in

REDIRECTS = frozenset({301, 302, 303, 307, 308})
CARRIED = frozenset({"accept", "accept-encoding", "accept-language", "range", "user-agent"})
"""Header names that may go to another origin."""
BODY_HEADERS = frozenset({"content-type", "content-encoding", "content-language", "content-location", "content-length"})
VALIDATING = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"})
"""Conditions are about the address that was asked: they lead no further (RFC 9110 section 15.4)."""
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a chain, before it is made. `url`, headers and body are templates.

    `refused` is why the step must not be made: it is then recorded as blocked, without being asked.
    """

    url: str
    method: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    signer: bool = False
    number: int = 0
    parent: str = ""
    refused: str = ""


def first_hop(request: Request) -> Hop:
    """The step that the request asks for."""
    return Hop(
        url=request.url,
        method=request.method.upper(),
        headers=request.headers,
        body=request.body,
        signer=request.signer,
    )


def location(exchange: Exchange) -> str | None:
    """Where a whole redirect answer points, as it is written; None when the answer is no redirect.

    Bytes that are UTF-8 are read as UTF-8: servers send such addresses, and header values come as Latin-1.
    """
    if exchange.status not in REDIRECTS or exchange.failure not in (Failure.NONE, Failure.DECODING, Failure.TRUNCATED):
        return None
    values = {value for name, value in exchange.headers if name == "location"}
    if len(values) != 1:
        return None
    value = values.pop()
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    return value or None


def next_hop(hop: Hop, exchange: Exchange, target: str, *, holds_secret: bool) -> Hop:
    """The step that a Location asks for. `holds_secret` tells that `target` contains a secret of this request."""
    try:
        url = urljoin(hop.url, target)
        same = _same_origin(hop.url, url)
    except ValueError as error:
        url, same, refused = target, False, f"not a valid address: {error}"
    else:
        refused = "the redirect would carry a secret to another origin" if holds_secret and not same else ""
    if "#" not in url and "#" in hop.url:
        url += "#" + hop.url.partition("#")[2]
    step = replace(hop, url=url, number=hop.number + 1, parent=exchange.uid, refused=refused)
    step = replace(step, headers=tuple(pair for pair in step.headers if pair[0].lower() not in VALIDATING))
    drop_body = (exchange.status == 303 and hop.method not in ("GET", "HEAD")) or (
        exchange.status in (301, 302) and hop.method == "POST"
    )
    if drop_body:
        headers = tuple((name, value) for name, value in step.headers if name.lower() not in BODY_HEADERS)
        step = replace(step, method="GET", body=b"", headers=headers)
    if same:
        return step
    if names_in(step.body.decode("latin-1")):
        step = replace(step, refused="the redirect would carry a secret to another origin")
    kept = tuple(
        (name, value)
        for name, value in step.headers
        if not names_in(value) and (name.lower() in CARRIED or (step.body and name.lower() in BODY_HEADERS))
    )
    return replace(step, headers=kept, signer=False)


def _same_origin(url: str, other: str) -> bool:
    """Whether credentials may go from one address to the other: same origin, or the same host's step up to https."""
    before, after = urlsplit(url), urlsplit(other)
    scheme, new = before.scheme.lower(), after.scheme.lower()
    if (before.hostname or "").rstrip(".") != (after.hostname or "").rstrip("."):
        return False
    port, new_port = before.port or DEFAULT_PORTS.get(scheme), after.port or DEFAULT_PORTS.get(new)
    upgrade = (scheme, port, new, new_port) == ("http", 80, "https", 443)
    return upgrade or (scheme, port) == (new, new_port)


def follow(
    request: Request,
    ask: Callable[[Hop], Exchange],
    *,
    max_redirects: int,
    holds_secret: Callable[[str], bool] = lambda target: False,
) -> tuple[Exchange, ...]:
    """Ask the request and, if it wants that, what the answers redirect to. The last exchange is the answer.

    A chain that turns in a circle or is too long ends with its last answer marked REDIRECTS.
    """
    hop = first_hop(request)
    made: list[Exchange] = []
    seen: set[tuple[str, str]] = set()
    while True:
        seen.add((hop.method, hop.url.partition("#")[0]))
        made.append(ask(hop))
        last = made[-1]
        target = location(last) if request.follow and not hop.refused else None
        if target is None:
            return tuple(made)
        hop = next_hop(hop, last, target, holds_secret=holds_secret(target))
        reason = ""
        if (hop.method, hop.url.partition("#")[0]) in seen:
            reason = "the redirects turn in a circle"
        elif len(made) > max_redirects:
            reason = f"more than {max_redirects} redirects"
        if reason:
            detail = f"{last.detail}; {reason}" if last.detail else reason
            made[-1] = replace(last, failure=Failure.REDIRECTS, detail=detail)
            return tuple(made)
