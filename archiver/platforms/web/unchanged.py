"""What a 304 (Not Modified) says, read from the request and the answer alone (RFC 9110 sections 13 and 15.4.5).

A condition is put to a page or file that this archive holds whole: its request names the capture under `SINCE` and
carries that capture's validator. Nothing else makes a 304 believable, for some servers send it to whatever is asked.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from archiver.model import Answer, Failure, Request

SINCE = "unchanged.since"
"""In `given` of a request with a condition: the uid of the capture whose validator it carries."""
ROBOTS = "robots.capture"
"""In `given` of a request for a crawled page: the capture of the robots.txt that let it pass, or forbade it."""
REFERS = (SINCE, ROBOTS)
"""What a request names by its uid, and what cannot be understood without it."""
NONE_MATCH, MODIFIED_SINCE = "If-None-Match", "If-Modified-Since"
CONDITIONS = frozenset({NONE_MATCH.lower(), MODIFIED_SINCE.lower()})
_ETAG = re.compile(r'(W/)?("[\x21\x23-\x7a\x7c-\x7e\x80-\xff]{0,256}")')


def etag(text: str) -> tuple[bool, str] | None:
    """(weak, opaque tag) of an entity tag (section 8.8.3); None for what is none, is longer than 256 characters or
    holds a brace: what a server sends must never name a secret of ours when it is sent back.

    >>> etag('W/"a"')
    (True, '"a"')
    """
    found = _ETAG.fullmatch(text.strip(" \t"))
    return None if found is None else (found[1] is not None, found[2])


def http_date(text: str) -> datetime | None:
    """An HTTP date with its zone; None for anything else, also for numbers that no date can hold."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return None if moment.tzinfo is None else moment


def condition_of(request: Request) -> tuple[str, str]:
    """The condition that a request puts, as header name and value; two empty texts where it puts none."""
    return next(((name, value) for name, value in request.headers if name.lower() in CONDITIONS), ("", ""))


def believed(request: Request, answer: Answer) -> tuple[str, str]:
    """(capture, how) for a 304 that says that what this capture showed is still there; ("", why not) for any other."""
    since = dict(request.given).get(SINCE, "")
    name, value = condition_of(request)
    if answer.failure is not Failure.NONE:
        return "", f"the answer did not come whole: {answer.failure}"
    if not since or not value:
        return "", "nothing was asked under a condition"
    if answer.url != request.url:
        return "", "another address answered than the one whose state is known"
    if name.lower() == NONE_MATCH.lower():
        asked = etag(value)
        told = [etag(text) for key, text in answer.headers if key == "etag"]
        if asked is None or any(one is None or one[1] != asked[1] for one in told):
            return "", "it names another version than was asked about"
        weak = asked[0] or any(one is not None and one[0] for one in told)
        return since, "by a weak entity tag" if weak else "by its entity tag"
    dates = [http_date(text) for key, text in answer.headers if key == "last-modified"]
    asked_date = http_date(value)
    if asked_date is None or any(one is None or one > asked_date for one in dates):
        return "", "it names a later change than was asked about"
    return since, "by its date"


def trusted(request: Request, answer: Answer) -> bool:
    """Whether an answer is a 304 that can be believed."""
    return answer.status == 304 and bool(believed(request, answer)[0])
