"""Times in a chain: what posts claim, what their ids say by themselves, and where the two cannot both be true. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from archiver.model import EdgeKind
from archiver.platforms.x.snowflake import is_id, snowflake_second
from archiver.schedule import parse_time

Row = dict[str, Any]
_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_APART = timedelta(minutes=1)
"""A claimed time and the time in an id may differ so much: apps make both, one after the other."""
LATER = (EdgeKind.QUOTES, EdgeKind.REPOSTS, EdgeKind.REPLIES_TO)
"""Edges whose source is later than their target."""


def id_time(ref: str) -> str:
    """The UTC time that an id carries, to the second; empty where it carries none that is known here: ids of X since
    November 2010, and record keys of Bluesky (https://atproto.com/specs/tid), which the author's own app makes.

    >>> id_time("x:post:2030916496389046272")
    '2026-03-09T08:00:00Z'
    """
    platform, _, rest = ref.partition(":")
    kind, _, remote = rest.partition(":")
    if (platform, kind) == ("x", "post"):
        return snowflake_second(remote) if is_id(remote) else ""
    key = remote.rpartition("/")[2]
    if (platform, kind) != ("bluesky", "post") or not _TID.fullmatch(key):
        return ""
    number = 0
    for digit in key:
        number = number * 32 + _DIGITS.index(digit)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number >> 10)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def earliest(things: Iterable[Row]) -> Row | None:
    """The thing that claims the earliest time, with that time; None where none claims any."""
    dated = [(moment, thing["ref"], thing["posted_at"]) for thing in things if (moment := _moment(thing["posted_at"]))]
    if not dated:
        return None
    _, ref, claimed = min(dated)
    return {"ref": ref, "posted_at": claimed}


def contradictions(things: Mapping[str, Row], links: Iterable[tuple[str, str, set[str]]]) -> list[Row]:
    """Times that cannot both be true: a claimed time against the id, and a thing that points to a later one. `links`
    are (source, target, kinds of edges)."""
    found: list[Row] = []
    for ref, thing in things.items():
        claimed, carried = _moment(thing["posted_at"]), _moment(thing["id_time"])
        if claimed and carried and abs(claimed - carried) > _APART:
            row = {"what": "id", "ref": ref, "time": thing["posted_at"], "other": ref, "other_time": thing["id_time"]}
            found.append(row)
    for source, target, kinds in links:
        first, second = things.get(source), things.get(target)
        if first is None or second is None or not kinds & set(LATER):
            continue
        one, two = _moment(first["posted_at"]), _moment(second["posted_at"])
        if one and two and one < two:
            row = {"what": "order", "ref": source, "time": first["posted_at"]}
            found.append(row | {"other": target, "other_time": second["posted_at"]})
    return found


def _moment(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
