"""The folder format of recorded answers: `index.json` beside files with bodies.

`index.json` is UTF-8 JSON: a list with one object for each method and address,

    {"method": "GET", "url": "https://a.example/1", "status": 200, "headers": [["Content-Type", "text/plain"]],
     "body_file": "1.txt", "observed_at": "2026-01-02T03:04:05Z"}

or, for an address that was asked more than once, `{"method", "url", "times": [ANSWER, …]}`, the answers in the
order in which they are served. Members of an answer:

    observed_at  when it was observed: a time with a zone (required); never earlier than the answer before it
    status       100 to 999; absent for what never answered, which then has a `failure`
    headers      list of [name, value]
    head         the exact head as Latin-1 text; status and headers are then read from it, and must agree if given
    body_file    path below the folder, with /; the body without chunk framing, still content-coded; absent: no body
    failure      a Failure, for example "timeout" or "truncated"; absent: the whole message came
    detail       one line about the failure
    peer_ip      the address of the server

`method` defaults to GET. `str` writes this form and `parse` reads it: `Recording.parse(str(x)) == x`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any

from archiver.custody.framing import parse_head
from archiver.errors import ParseError
from archiver.model import Failure
from archiver.net.clock import text_of, time_of
from archiver.platforms.fields import Node, load

INDEX = "index.json"
_BODY_FILE = re.compile(r"(?!\.{1,2}(?:/|$))[^/\\\x00]+(?:/(?!\.{1,2}(?:/|$))[^/\\\x00]+)*")
_MEMBERS = frozenset({"observed_at", "status", "headers", "head", "body_file", "failure", "detail", "peer_ip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """One answer, as the module docstring names its members. `observed_at` is UTC with microseconds and Z."""

    observed_at: str
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    head: str = ""
    body_file: str = ""
    failure: Failure = Failure.NONE
    detail: str = ""
    peer_ip: str = ""

    def members(self) -> dict[str, Any]:
        """The JSON members: those that say something."""
        found: dict[str, Any] = {"status": self.status, "headers": [list(pair) for pair in self.headers]}
        found |= {"head": self.head, "body_file": self.body_file, "failure": self.failure.value}
        found |= {"detail": self.detail, "peer_ip": self.peer_ip}
        return {name: value for name, value in found.items() if value not in (None, "", [])} | {
            "observed_at": self.observed_at
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A method and address with its answers, in the order in which they are served."""

    url: str
    method: str = "GET"
    answers: tuple[RecordedAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The content of an index.json."""

    requests: tuple[RecordedRequest, ...] = ()

    def __str__(self) -> str:
        entries: list[dict[str, Any]] = []
        for request in self.requests:
            answers = [answer.members() for answer in request.answers]
            rest = answers[0] if len(answers) == 1 else {"times": answers}
            entries.append({"method": request.method, "url": request.url} | rest)
        return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def parse(cls, text: str) -> Recording:
        """The inverse of `str`. Raises ParseError with a pointer."""
        requests: list[RecordedRequest] = []
        seen: set[tuple[str, str]] = set()
        try:
            source = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ParseError(f"not UTF-8: {error.reason}") from None
        for node in load(source).items():
            request = _request(node)
            if (request.method, request.url) in seen:
                raise ParseError("the same method and address stand twice; use times", pointer=node.pointer)
            seen.add((request.method, request.url))
            requests.append(request)
        return cls(requests=tuple(requests))


def _request(node: Node) -> RecordedRequest:
    method, url = node.string("method", "GET"), node.at("url").text()
    if not re.fullmatch(r"[A-Z]{1,20}", method):
        raise ParseError("not a method in capitals", pointer=f"{node.pointer}/method")
    if not url:
        raise ParseError("no address", pointer=f"{node.pointer}/url")
    times = node.get("times")
    if times is None:
        _known(node, _MEMBERS | {"method", "url", "times"})
        return RecordedRequest(method=method, url=url, answers=(_answer(node),))
    _known(node, frozenset({"method", "url", "times"}))
    answers: list[RecordedAnswer] = []
    for item in times.items():
        _known(item, _MEMBERS)
        answers.append(_answer(item))
        if len(answers) > 1 and answers[-2].observed_at > answers[-1].observed_at:
            raise ParseError("observed before the answer before it", pointer=f"{item.pointer}/observed_at")
    if not answers:
        raise times.fail("at least one answer")
    return RecordedRequest(method=method, url=url, answers=tuple(answers))


def _known(node: Node, names: frozenset[str]) -> None:
    if type(node.value) is not dict:
        raise node.fail("an object")
    if unknown := sorted(set(node.value) - names):
        raise ParseError(f"unknown member {unknown[0][:80]!r}", pointer=node.pointer or "/")


def _answer(node: Node) -> RecordedAnswer:
    headers = tuple(_pair(item) for item in node.list("headers"))
    status, head, failure = node.get("status"), node.string("head"), node.string("failure")
    code = None if status is None else status.number()
    if code is not None and not 100 <= code <= 999:
        raise ParseError("not a status of three digits", pointer=f"{node.pointer}/status")
    if head:
        code, headers = _from_head(head, code, headers, f"{node.pointer}/head")
    if failure not in {known.value for known in Failure}:
        raise ParseError("not a failure", pointer=f"{node.pointer}/failure")
    if code is None and not failure:
        raise ParseError("an answer has a status or a failure", pointer=node.pointer)
    body_file, peer_ip = node.string("body_file"), node.string("peer_ip")
    if body_file and (not _BODY_FILE.fullmatch(body_file) or re.match("[A-Za-z]:", body_file)):
        raise ParseError("not a path below the folder", pointer=f"{node.pointer}/body_file")
    if peer_ip:
        try:
            ipaddress.ip_address(peer_ip)
        except ValueError:
            raise ParseError("not an IP address", pointer=f"{node.pointer}/peer_ip") from None
    return RecordedAnswer(
        observed_at=text_of(time_of(node.at("observed_at").time())),
        status=code,
        headers=headers,
        head=head,
        body_file=body_file,
        failure=Failure(failure),
        detail=node.string("detail"),
        peer_ip=peer_ip,
    )


def _pair(node: Node) -> tuple[str, str]:
    items = tuple(node.items())
    if len(items) != 2:
        raise node.fail("a pair of name and value")
    name, value = items[0].text(), items[1].text()
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise items[0].fail("a header name")
    if not re.fullmatch(r"[^\r\n\x00]*", value) or not all(character <= "\xff" for character in value):
        raise items[1].fail("a header value in Latin-1")
    return name, value


def _from_head(
    head: str, status: int | None, headers: tuple[tuple[str, str], ...], pointer: str
) -> tuple[int, tuple[tuple[str, str], ...]]:
    if not all(character <= "\xff" for character in head) or not re.search(r"\n\r?\n\Z", head):
        raise ParseError("not a head in Latin-1 with its empty line", pointer=pointer)
    try:
        parsed = parse_head(head.encode("latin-1"))
    except ParseError as error:
        raise ParseError(error.message, pointer=pointer) from None
    given = tuple((name.lower(), value.strip(" \t")) for name, value in headers)
    if (status is not None and status != parsed.status) or (given and given != parsed.headers):
        raise ParseError("status or headers disagree with the head", pointer=pointer)
    return parsed.status, parsed.headers
