"""What an X id says by itself: its time, the ids of a day, and the token that the syndication endpoint asks for."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from archiver.errors import InputError

EPOCH_MS = 1288834974657
"""2010-11-04T01:42:54.657Z, the moment that Snowflake ids count from."""
FIRST_TIMED = 300_000_000_000_000
"""Ids below were handed out one after the other (until November 2010): they carry no time."""

_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_START = datetime(1970, 1, 1, tzinfo=UTC)
_ZEROS_OR_DOT = re.compile(r"0+|\.")


def is_id(text: str) -> bool:
    """Whether a text is an id: 1 to 20 ASCII digits without a leading zero."""
    return _ID.fullmatch(text) is not None


def snowflake_time(id: str) -> str | None:
    """The UTC time (ISO 8601, milliseconds, Z) at which an id was made; None for ids below 3e14, which carry none.

    Raises InputError for what is no id.
    """
    moment = _moment(id)
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def snowflake_second(id: str) -> str:
    """The same, cut to the second as X's own `created_at` is; empty for ids that carry no time."""
    moment = _moment(id)
    return "" if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(id: str) -> datetime | None:
    if not is_id(id):
        raise InputError(f"{id[:40]!r} is not an X id", hint="An id is 1 to 20 digits")
    number = int(id)
    return None if number < FIRST_TIMED else _START + timedelta(milliseconds=(number >> 22) + EPOCH_MS)


def day_ids(day: str) -> tuple[str, str]:
    """The first and last id of a UTC day (YYYY-MM-DD), both inclusive.

    >>> day_ids("2024-10-28")
    ('1850688931230646272', '1851051319096246271')

    Raises InputError for what is no day, and for days before ids carried a time.
    """
    try:
        start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        begin = (start - _START) // timedelta(milliseconds=1) - EPOCH_MS
    except ValueError:
        raise InputError(f"{day[:40]!r} is not a day", hint="Write YYYY-MM-DD") from None
    end = begin + 86_400_000
    last = (end << 22) - 1
    if len(day) != 10 or last < FIRST_TIMED:
        raise InputError(f"{day[:40]!r} has no ids that carry a time", hint="They begin on 2010-11-04")
    return str(max(begin << 22, FIRST_TIMED)), str(last)


def token(id: str) -> str:
    """The `token` of cdn.syndication.twimg.com/tweet-result: `((Number(id)/1e15)*Math.PI).toString(36)` without
    zeros and the point, in V8's arithmetic, digit for digit.

    >>> token("20")
    '6dq1a2xwd93'

    Raises InputError for what is no id.
    """
    if not is_id(id):
        raise InputError(f"{id[:40]!r} is not an X id", hint="An id is 1 to 20 digits")
    return _ZEROS_OR_DOT.sub("", _radix36(float(id) / 1e15 * math.pi))


def _radix36(value: float) -> str:
    """V8's shortest-by-half-an-ulp digits of a double ≥ 0 below 2^53, in base 36."""
    whole = int(value)
    fraction = value - whole
    delta = max(0.5 * (math.nextafter(value, math.inf) - value), math.nextafter(0.0, 1.0))
    digits: list[int] = []
    if fraction >= delta:
        while True:
            fraction *= 36
            delta *= 36
            digit = int(fraction)
            digits.append(digit)
            fraction -= digit
            if (fraction > 0.5 or (fraction == 0.5 and digit & 1)) and fraction + delta > 1:
                # Round up: a digit above 35 carries into the one before, at last into the integer part.
                while digits and digits[-1] == 35:
                    digits.pop()
                if digits:
                    digits[-1] += 1
                else:
                    whole += 1
                break
            if fraction < delta:
                break
    head = ""
    while True:
        whole, rest = divmod(whole, 36)
        head = _DIGITS[rest] + head
        if not whole:
            break
    return head + ("." + "".join(_DIGITS[digit] for digit in digits) if digits else "")
