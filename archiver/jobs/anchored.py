"""Who vouches for the log, who is still to be asked, and whose certificates end soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from archiver.custody import certificates
from archiver.errors import ParseError
from archiver.net.clock import time_of
from archiver.schedule import parse_time, time_text
from archiver.store.anchors import Anchors, Stamp, Token

RENEW_DAYS = 90
"""A timestamp is taken again this many days before its certificates end, where the configuration says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """One service: the greatest checkpoint that it answered about; the one that was `verified` last, and what time it
    stated for that (0 and empty where none could be verified); until when the certificates of that answer are good,
    from when on another is taken, and whether that has come; `qualified` is what the configuration said of the service
    then."""

    kind: str
    service: str
    size: int
    verified: int
    at: str
    until: str
    renew_at: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """The timestamps that hold for the shortest time, each counted with the newer ones that cover it: `count` of them,
    by `service`, from the leaf `leaf` on; until when, and from when on another is to be taken."""

    service: str
    count: int
    leaf: int
    until: str
    renew_at: str


def until(held: Anchors, token: Token | Stamp) -> str:
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


def exposed(held: Anchors, now: str, renew_days: int) -> Exposed | None:
    """The timestamps that will be the first to hold no more, if nothing is done. A timestamp is held past its own
    certificates by one over a head that covers its leaf and was taken before they ended. Those that ended already, with
    nothing to hold them, cannot be helped. None where none is known to end."""
    chains: dict[tuple[str, ...], list[Stamp]] = {}
    for stamp in held.timestamps():
        chains.setdefault(stamp.chain, []).append(stamp)
    lives: dict[tuple[str, ...], str] = {}
    # Of one chain the last timestamp is covered by the fewest: what holds it holds the others, too.
    for chain, stamps in sorted(chains.items(), key=lambda item: -item[1][-1].leaf):
        last = stamps[-1]
        if end := until(held, last):
            over = [life for other, life in lives.items() if _covers(chains[other], last, end)]
            lives[chain] = max([end, *over], key=parse_time)
    alive = {chain: life for chain, life in lives.items() if parse_time(life) > parse_time(now)}
    if not alive:
        return None
    first = min(alive.values(), key=parse_time)
    concerned = [stamp for chain, life in alive.items() if life == first for stamp in chains[chain]]
    return Exposed(
        service=concerned[0].service,
        count=len(concerned),
        leaf=max(stamp.leaf for stamp in concerned),
        until=first,
        renew_at=renew_at(first, renew_days),
    )


def _covers(stamps: list[Stamp], older: Stamp, end: str) -> bool:
    """Whether one of the timestamps is over a head that holds an older one, and was taken before that ended."""
    return any(one.size > older.leaf and parse_time(one.at) <= parse_time(end) for one in stamps)


def renew_at(ends: str, renew_days: int) -> str:
    """From when on another timestamp is taken; empty where no end is known."""
    return time_text(parse_time(ends) - timedelta(days=renew_days)) if ends else ""


def overview(held: Anchors, now: str, renew_days: int = RENEW_DAYS) -> tuple[list[Vouching], list[Unanswered]]:
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
                renew_at=renew_at(ends, renew_days),
                ends_soon=bool(ends) and time_of(ends) - time_of(now) < timedelta(days=renew_days),
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
