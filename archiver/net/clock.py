"""Times as the archive writes them: UTC, ISO 8601 with microseconds and Z."""

from __future__ import annotations

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    """A time with a zone as text, for example `2026-11-22T18:40:17.000000Z`. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def time_of(text: str) -> datetime:
    """The inverse of `text_of`; any ISO 8601 time with a zone is read. Raises ValueError for others."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def utc_now() -> str:
    """The time now, as text."""
    return text_of(datetime.now(UTC))
