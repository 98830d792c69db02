"""Who vouches for the log, who is still to be asked, and whose certificates end soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from archiver.custody import certificates
from archiver.errors import ParseError
from archiver.net.clock import time_of
from archiver.store.anchors import Anchors, Token

RENEW_DAYS = 90
"""A timestamp is taken again this many days before its certificates end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """One service: the greatest checkpoint that it answered about; the one that was `verified` last, and what time it
    stated for that (0 and empty where none could be verified); until when the certificates of that answer are good,
    and whether that is soon; `qualified` is what the configuration said of the service then."""

    kind: str
    service: str
    size: int
    verified: int
    at: str
    until: str
    ends_soon: bool
    qualified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A service that is to be asked about the checkpoint of `size` leaves, and how the last try ended."""

    kind: str
    service: str
    size: int
    due_at: str
    attempts: int
    last: str


def until(held: Anchors, token: Token) -> str:
    """Until when every certificate of a token's chain is good; empty where that is not known."""
    ends: list[str] = []
    for sha256 in token.chain:
        der = held.certificate(sha256)
        if der is None:
            continue
        try:
            ends.append(certificates.describe(der).not_after)
        except ParseError:
            continue
    return min(ends, default="")


def overview(held: Anchors, now: str) -> tuple[list[Vouching], list[Unanswered]]:
    """Every service that answered once, and every question that is open, at `now`."""
    vouching = []
    for kind, service in held.services():
        newest = held.newest(kind, service, verified=True)
        ends = until(held, newest) if newest is not None else ""
        vouching.append(
            Vouching(
                kind=kind,
                service=service,
                size=held.covered(kind, service),
                verified=newest.size if newest is not None else 0,
                at=newest.at if newest is not None else "",
                until=ends,
                ends_soon=bool(ends) and time_of(ends) - time_of(now) < timedelta(days=RENEW_DAYS),
                qualified=newest is not None and held.qualified(newest),
            )
        )
    waiting = [
        Unanswered(
            kind=one.kind,
            service=one.service,
            size=one.size,
            due_at=one.due_at,
            attempts=one.attempts,
            last=one.last,
        )
        for one in held.waiting()
    ]
    return vouching, waiting
