"""`parse`: from an answer to a reading, by the route that was asked."""

from __future__ import annotations

import re

from archiver.errors import ParseError
from archiver.model import Answer, Outcome, Reading, Ref, Request
from archiver.platforms import fields
from archiver.platforms.outcomes import http
from archiver.platforms.x import activity, entities, graphql, legacy, mirrors, oembed, syndication, tco, v2, wayback
from archiver.platforms.x.address import post_ref
from archiver.platforms.x.sheet import Sheet

_ARCHIVE = re.compile(rb"\s*window\.YTD\.\w+\.part\d+\s*=\s*")
_OWN_STATUS = frozenset({"syndication", "oembed"})
"""Routes whose bare 404 is about the post; of the others only the body is."""
_ABOUT_THE_POST = frozenset({Outcome.NOT_FOUND, Outcome.DELETED, Outcome.WITHHELD})


def parse(request: Request, answer: Answer) -> Reading:
    """What an answer says, by `request.route`: syndication, v1.1, graphql, guest, v2, oembed, wayback, fxtwitter,
    vxtwitter or tco.

    There is always a finding for `request.ref`. Raises ParseError, with a pointer, for a body that is not what
    its route promises, and for a route that is not X's.
    """
    sheet = Sheet()
    status = answer.status or 0
    if request.route == "tco":
        tco.read(request.ref, answer, sheet)
    elif not _by_status(request, status, answer.body, sheet):
        _body(request.route, request, answer.body, sheet, status)
    _answered(request.ref, sheet)
    return sheet.reading()


def parse_shape(kind: str, body: bytes, ref: Ref | None = None) -> Reading:
    """What a recorded body of a shape says, without a request: imports and recorded files.

    `kind` is a route of `parse` or twitter-archive; `ref` the post that was asked for, where one is known.
    Raises ParseError with a pointer.
    """
    sheet = Sheet()
    _shape(kind, body, ref, sheet, 200, "")
    return sheet.reading()


def _by_status(request: Request, status: int, body: bytes, sheet: Sheet) -> bool:
    """Whether the status alone decides: an error whose body is not the JSON that the route uses for errors, and any of
    a server that fails, whatever its body says."""
    outcome = http(status)
    if outcome is None:
        return False
    speaks = request.route in {"v1.1", "v2", "graphql", "fxtwitter", "oembed"} and body.lstrip()[:1] == b"{"
    if speaks and outcome is not Outcome.RATE_LIMITED and status < 500:
        part = Sheet()
        try:
            _body(request.route, request, body, part, status)
        except ParseError as error:
            sheet.note(error.message, error.pointer)
        else:
            sheet.take(part)
            if request.ref in part.findings:
                return True
    if outcome is Outcome.LOGIN_REQUIRED:
        outcome = Outcome.REFUSED  # our credentials, not the post
    if request.route not in _OWN_STATUS and outcome in _ABOUT_THE_POST:
        # A copy that the archive lacks, a query id that has rotated, a mirror without this path.
        outcome = Outcome.UNKNOWN
    sheet.find(request.ref, outcome, f"HTTP {status}", "status")
    return True


def _body(route: str, request: Request, body: bytes, sheet: Sheet, status: int) -> None:
    given = dict(request.given)
    if route == "wayback" and given.get("stage") == "index":
        wayback.read_index(body, request.ref, sheet)
    elif route == "guest":
        guest_token(body)
        sheet.find(request.ref, Outcome.UNKNOWN, "a guest token", "/guest_token")
    else:
        _shape(route, body, request.ref, sheet, status, given.get("timestamp", ""))


def _shape(kind: str, body: bytes, asked: Ref | None, sheet: Sheet, status: int, when: str) -> None:
    if kind == "wayback":
        wayback.read_copy(body, asked, sheet, when)
        return
    if kind == "twitter-archive":
        _archive(body, sheet)
        return
    node = fields.load(body)
    if kind == "syndication":
        if asked is None:
            syndication.read_post(node, sheet)
        else:
            syndication.read(node, asked, sheet)
    elif kind == "v1.1":
        if activity.is_activity(node):
            activity.read(node, sheet)
        else:
            legacy.read(node, asked, sheet)
    elif kind == "graphql":
        graphql.read(node, asked, sheet)
    elif kind == "v2":
        v2.read(node, asked, sheet)
    elif kind == "fxtwitter":
        mirrors.read_fx(node, asked or post_ref(entities.id_of(node.at("status", "id"))), sheet)
    elif kind == "vxtwitter":
        mirrors.read_vx(node, sheet)
    elif kind == "oembed":
        oembed.read(node, asked, sheet, status)
    else:
        raise ParseError(f"{kind!r} is not a route of X", pointer="/")


def guest_token(body: bytes) -> str:
    """The token of guest/activate: a session value, digits."""
    return fields.load(body).at("guest_token").digits()


def _archive(body: bytes, sheet: Sheet) -> None:
    """`tweets.js` of an own-account export: JSON behind an assignment; the author is not named in it."""
    start = _ARCHIVE.match(body)
    if start is None:
        raise ParseError("not a part of an archive", pointer="text:1:1")
    entries = tuple(fields.load(body[start.end() :]).items())
    legacy.read_each(tuple(entry.at("tweet") for entry in entries), sheet)


def _answered(asked: Ref, sheet: Sheet) -> None:
    """A finding for what was asked: a later version stands for it only when the answer names both as versions."""
    if asked in sheet.findings:
        return
    same = {alias.ref for alias in sheet.aliases.values() if alias.alias == asked} | {asked}
    group = same | {alias.alias for alias in sheet.aliases.values() if alias.ref in same}
    for ref in group:
        found = sheet.findings.get(ref)
        if found is not None and ref in sheet.posts:
            sheet.find(asked, found.outcome, f"shown as version {ref.id}", found.pointer)
            return
    sheet.find(asked, Outcome.UNKNOWN, "the answer is not about it", "/")
    if sheet.posts:
        sheet.note(f"the answer does not show {asked}", "/")
