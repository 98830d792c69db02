"""Timestamps whose certificates ended or were given up since: a later token, over a head that holds them, holds them.

A signature by a certificate that is no longer good may be made by anybody who has its key now. That this one was made
before shows by a newer token: each token is a leaf of the log (`anchor`), so whatever vouches for a later head vouches
that the token was there by then (renewal as in RFC 3161, section 4, and RFC 4998, section 5, by the tree of the log).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from archiver.jobs.verifying_found import Findings, Place
from archiver.schedule import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """One verified token: over the head of `size` leaves, itself the leaf `leaf`, stating `time`. `until` says from
    when on its signature alone says nothing (empty: never), and `why`."""

    kind: str
    service: str
    size: int
    leaf: int
    time: str
    until: str = ""
    why: str = ""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.service}"


@dataclass(slots=True, kw_only=True)
class _Group:
    """Tokens of one service that are held by others, for one reason."""

    count: int
    first: str
    by: Vouched


def renewed(tokens: Iterable[Vouched], now: str, unchecked: Findings) -> tuple[list[Vouched], list[str]]:
    """The tokens that hold at `now` (ISO 8601, UTC), by themselves or by newer ones, and notes on the latter. The
    others are unchecked, each with the reason."""
    moment = parse_time(now)
    sound: list[tuple[Vouched, datetime]] = []  # from the newest leaf to the oldest
    groups: dict[tuple[str, str], _Group] = {}
    for token in sorted(tokens, key=lambda token: -token.leaf):
        if not token.until or parse_time(token.until) > moment:
            sound.append((token, parse_time(token.time)))
            continue
        ended = parse_time(token.until)
        by = next((one for one, time in reversed(sound) if one.size > token.leaf and time <= ended), None)
        if by is None:
            reason = f"{token.why} {token.until}, and no token from before then vouches that it was there: who has the "
            place = Place(table="log_anchor", key=f"{token.label} on {token.size}", leaf=token.leaf)
            unchecked.add("anchor", f"{reason}key of that certificate now could have made it", place)
            continue
        sound.append((token, parse_time(token.time)))
        group = groups.setdefault((token.label, token.why), _Group(count=0, first=token.until, by=by))
        group.count += 1
        group.first = min(group.first, token.until)
    held = [token for token, _ in reversed(sound)]
    return held, [_told(label, why, group) for (label, why), group in groups.items()]


def _told(label: str, why: str, group: _Group) -> str:
    what = "1 timestamp" if group.count == 1 else f"{group.count} timestamps"
    by = f"held, renewed by {group.by.label} at {group.by.time} over {group.by.size} leaves"
    first = "" if group.count == 1 else "the first at "
    return f"{what} of {label}: {why} {first}{group.first}; {by}."
