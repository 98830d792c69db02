"""Which part of a file a request asks for: Range, If-Range and If-None-Match of RFC 9110. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PART = re.compile(r"([0-9]*)[ \t]*-[ \t]*([0-9]*)")
_DIGITS = 18
"""More digits than any file has bytes: such a number is as good as any beyond its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is answered: a status (200, 206, 304, 416) and the bytes [start, end)."""

    status: int
    start: int = 0
    end: int = 0


def wanted(size: int, etag: str, method: str, headers: Mapping[str, str]) -> Part:
    """The part that headers (by their names in lower case) ask for, of a file of `size` bytes whose strong tag is
    `etag`. A Range that is no range at all is as if it were not there (section 14.2). Several ranges at once are
    refused: players ask for one, and many small ones are an attack (section 17.15)."""
    if unchanged(etag, headers.get("if-none-match", "")):
        return Part(status=304)
    whole = Part(status=200, end=size)
    given = headers.get("range", "")
    if method != "GET" or not given or not _holds(etag, headers.get("if-range", "")):
        return whole
    unit, equals, ranges = given.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return whole
    several = [part.strip(" \t") for part in ranges.split(",")]
    found = [_PART.fullmatch(part) for part in several if part]
    if not found or any(one is None or (not one[1] and not one[2]) for one in found):
        return whole
    if len(found) > 1 or found[0] is None:
        return Part(status=416)
    first, last = _number(found[0][1]), _number(found[0][2])
    if first is None:
        start, end = max(0, size - (last or 0)), size
    elif last is not None and last < first:
        return whole
    else:
        start, end = first, size if last is None else min(size, last + 1)
    return Part(status=206, start=start, end=end) if start < end else Part(status=416)


def unchanged(etag: str, told: str) -> bool:
    """Whether If-None-Match names what is here; weak tags count (section 13.1.2)."""
    tags = [tag.strip(" \t").removeprefix("W/") for tag in told.split(",")]
    return told.strip(" \t") == "*" or etag in tags


def _holds(etag: str, told: str) -> bool:
    """Whether If-Range lets a part be sent: only the very tag does; dates say nothing here, so they never do."""
    return not told or told.strip(" \t") == etag


def _number(digits: str) -> int | None:
    if not digits:
        return None
    return int(digits) if len(digits.lstrip("0")) <= _DIGITS else 10**_DIGITS
