"""Asking only for what has changed: the condition that a request may carry (decision 0033).

A page or file that this archive holds whole is asked for with the validator of that capture. A 304 is a capture of its
own, without a body; what it says is read by the platform from that capture alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from archiver import schedule
from archiver.custody import framing
from archiver.errors import ParseError
from archiver.jobs import read
from archiver.jobs.session import Session
from archiver.model import Answer, Request
from archiver.net.redact import names_in
from archiver.platforms.web.unchanged import (
    CONDITIONS,
    MODIFIED_SINCE,
    NONE_MATCH,
    SINCE,
    condition_of,
    etag,
    http_date,
    trusted,
)
from archiver.store import erasing
from archiver.store.evidence import load_request

ROUTES = frozenset({"page", "media"})
"""Of web pages and files a 304 says all that is needed. Plans of posts need the words of the answer again."""
WHOLE_AFTER = timedelta(days=30)
"""So old may the whole capture be at most: a server that answers 304 for ever is found out by then."""
STEADY = timedelta(seconds=60)
"""A date of change that is nearer to the answer than this may stand for two versions (RFC 9110 section 8.8.2.2)."""
LOOKED_AT = 20
"""So many of the last 304s are looked through for one that was not believed: such a server is asked for the whole."""
_DATE = re.compile(r"[A-Za-z0-9,: +-]{1,64}")
_WHOLE = (
    "SELECT c.uid, c.request, c.observed_at, c.response_head FROM captures c INDEXED BY captures_ref "
    "CROSS JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf "
    "WHERE c.ref = ?1 AND c.route = ?2 AND c.url = ?3 AND c.method = 'GET' AND c.tier = 'wire' AND c.hop = 0 "
    "AND c.status = 200 AND c.failure = '' AND c.rebuilt = 0 AND length(l.data) > 0 "
    "AND EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = c.blob) ORDER BY +c.id DESC LIMIT 1"
)
_REDACTED = f"SELECT 1 FROM captures c WHERE c.uid = ? AND EXISTS ({erasing.KEPT})"
_NOT_MODIFIED = (
    "SELECT c.*, NULL AS sha256 FROM captures c INDEXED BY captures_ref WHERE c.ref = ?1 AND c.route = ?2 "
    "AND c.status = 304 ORDER BY +c.id DESC LIMIT ?3"
)


def conditional(session: Session, request: Request) -> Request:
    """The request with a condition where the archive holds a whole answer to it, not too old, that bears a validator;
    else the request as it is. What carries a secret or a signature is never asked under a condition."""
    if request.ref.platform != "web" or request.route not in ROUTES or request.method != "GET":
        return request
    if request.signer or request.body:
        return request
    if names_in(request.url) or any(names_in(value) for _, value in request.headers):
        return request
    ref = str(request.ref)
    held = session.archive.one(_WHOLE, ref, request.route, request.url)
    if held is None or _bare(load_request(held["request"])) != _bare(request):
        return request
    now, seen = schedule.parse_time(session.now()), schedule.parse_time(held["observed_at"])
    if not timedelta(0) <= now - seen <= WHOLE_AFTER:
        return request
    added = validator(held["response_head"], seen)
    if added is None or not _honest(session, ref, request.route):
        return request
    if session.archive.one(_REDACTED, held["uid"]) is not None:
        return request
    return replace(request, headers=(*request.headers, added), given=(*request.given, (SINCE, held["uid"])))


def refused(answer: Answer) -> bool:
    """Whether an answer is a 304 to our condition that cannot be believed, so that the whole has to be asked for."""
    asked = bool(condition_of(answer.request)[0])
    return answer.status == 304 and asked and not trusted(answer.request, answer)


def validator(head: bytes, seen: datetime) -> tuple[str, str] | None:
    """The condition that the head of a whole answer gives, as header name and value: by its entity tag, else by its
    date where that is steady; None where it gives none. `seen` is when it came, for heads without a Date."""
    try:
        fields = framing.parse_head(head).headers
    except ParseError:
        return None
    tags = [value.strip(" \t") for name, value in fields if name == "etag"]
    if tags:
        return (NONE_MATCH, tags[0]) if len(tags) == 1 and etag(tags[0]) else None
    dates = [value.strip(" \t") for name, value in fields if name == "last-modified"]
    changed = http_date(dates[0]) if len(dates) == 1 else None
    if changed is None or not _DATE.fullmatch(dates[0]):
        return None
    sent = http_date(next((value for name, value in fields if name == "date"), "")) or seen
    return (MODIFIED_SINCE, dates[0]) if sent - changed >= STEADY else None


def _bare(request: Request) -> tuple[object, ...]:
    headers = tuple(pair for pair in request.headers if pair[0].lower() not in CONDITIONS)
    return request.method, request.url, headers, request.body, request.signer


def _honest(session: Session, ref: str, route: str) -> bool:
    rows = session.archive.all(_NOT_MODIFIED, ref, route, LOOKED_AT)
    return not any(refused(read.answer_from_capture(session, row)) for row in rows)
