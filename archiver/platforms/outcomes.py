"""Outcomes that HTTP and the transport decide alone. Never from words in a page."""

from __future__ import annotations

from archiver.model import Answer, Failure, Outcome

_FAILURES = {
    Failure.BLOCKED: Outcome.BLOCKED,
    Failure.TOO_LARGE: Outcome.TOO_LARGE,
    Failure.TRUNCATED: Outcome.TRUNCATED,
    Failure.DECODING: Outcome.UNREADABLE,
    Failure.REDIRECTS: Outcome.REFUSED,
}


def transport(answer: Answer) -> Outcome | None:
    """The outcome of an answer that did not come whole; None when a whole message came and a parser must decide."""
    if answer.failure is not Failure.NONE:
        return _FAILURES.get(answer.failure, Outcome.UNREACHABLE)
    return Outcome.UNREACHABLE if answer.status is None else None


def http(status: int) -> Outcome | None:
    """What a status alone says (RFC 9110); None for 2xx and 3xx, where the content must decide.

    404 and 410 claim different things, so they stay apart: 410 says that the thing was there and is gone. A server
    that fails (5xx) speaks of the attempt alone: an outage must not make what was live look gone.
    """
    named = {
        401: Outcome.LOGIN_REQUIRED,
        403: Outcome.REFUSED,
        404: Outcome.NOT_FOUND,
        410: Outcome.DELETED,
        429: Outcome.RATE_LIMITED,
        451: Outcome.WITHHELD,
    }
    if status in named:
        return named[status]
    if status >= 500:
        return Outcome.UNREACHABLE
    return Outcome.REFUSED if status >= 400 else None
