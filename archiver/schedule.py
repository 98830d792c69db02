"""When a ref is looked at again. Pure: times are handed in and out as UTC ISO 8601 text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from archiver.model import Outcome

RETRY_FIRST = timedelta(minutes=15)
RETRY_MOST = timedelta(days=1)
AGES = (
    # (looked at for less than, look again after)
    (timedelta(days=2), timedelta(days=1)),
    (timedelta(days=14), timedelta(days=3)),
    (timedelta(days=60), timedelta(days=14)),
    (timedelta(days=365), timedelta(days=30)),
)
RAREST = timedelta(days=90)
ATTEMPT_FAILED = frozenset(
    {Outcome.UNREACHABLE, Outcome.RATE_LIMITED, Outcome.REFUSED, Outcome.TRUNCATED, Outcome.UNREADABLE, Outcome.UNKNOWN}
)
NEVER = frozenset({Outcome.BLOCKED, Outcome.TOO_LARGE})


def parse_time(text: str) -> datetime:
    """UTC ISO 8601 text with Z → an aware moment. ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return moment.astimezone(UTC)


def time_text(moment: datetime) -> str:
    """An aware moment → UTC ISO 8601 text with microseconds and Z: text of equal length sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def next_look(
    outcome: Outcome, *, purpose: str, now: str, added_at: str, attempts: int, retry_after: float = 0.0
) -> str | None:
    """When a ref is due again after a look that ended in `outcome`; None for never.

    A failed attempt comes back after 15 minutes, doubling up to a day (`attempts` failed before this one), and
    never before what the server asked for (`retry_after`, seconds). A post that answered is looked at again
    often while it is new and ever more rarely after. Media, files and short links that answered are settled.
    """
    at = parse_time(now)
    if outcome in NEVER:
        return None
    if outcome in ATTEMPT_FAILED:
        wait = min(RETRY_FIRST * 2 ** min(attempts, 10), RETRY_MOST)
        return time_text(at + max(wait, timedelta(seconds=retry_after)))
    if purpose in ("media", "short"):
        return None
    age = at - parse_time(added_at)
    return time_text(at + next((wait for limit, wait in AGES if age < limit), RAREST))
