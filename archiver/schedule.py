"""When a ref is looked at again. Pure: times are handed in and out as UTC ISO 8601 text, chance as a number 0..1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.errors import InputError
from archiver.model import Outcome

RETRY_FIRST = timedelta(minutes=15)
RETRY_DAILY = timedelta(days=1)
RETRIES = 7
"""Failed looks in a row until the pause has grown to a day; each as many more of a day and above double it again."""
RETRY_SPREAD, SPREAD = 0.25, 0.1
"""The largest share by which chance lengthens the pause after a failed look, and shortens that after an answer."""
ATTEMPT_FAILED = frozenset(
    {Outcome.UNREACHABLE, Outcome.RATE_LIMITED, Outcome.REFUSED, Outcome.TRUNCATED, Outcome.UNREADABLE, Outcome.UNKNOWN}
)
OURS = frozenset({Outcome.BLOCKED, Outcome.TOO_LARGE})
"""What we refused ourselves: no failure of the host, no answer, and nothing that is tried again soon."""
VANISHED = frozenset(Outcome) - ATTEMPT_FAILED - OURS - {Outcome.LIVE}
"""The platform answered, and does not show it (any more)."""
SETTLED = frozenset({"media", "short"})
"""Purposes of refs that are not looked at again once they were answered; of media see `COMES`."""
COMES = timedelta(days=3)
"""So long a file that is not there may still come: servers show a post before its media are ready."""
LONGEST = timedelta(days=36_500)

_DAY = 86_400
_UNITS = {"d": _DAY, "h": 3_600, "m": 60, "s": 1}
_PERIOD = re.compile(r"(0|[1-9][0-9]{0,10})([smhdw])")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """A length of time in whole seconds, up to a hundred years, written with its largest whole unit.

    >>> str(Period.parse("48h")), str(Period.parse("90m")), str(Period.parse("1w"))
    ('2d', '90m', '7d')
    """

    seconds: int

    def __str__(self) -> str:
        unit = next(name for name, size in _UNITS.items() if self.seconds % size == 0)
        return f"{self.seconds // _UNITS[unit]}{unit}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """The inverse of `str`; weeks (`2w`) are read, too. InputError for anything else."""
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise InputError(f"{text!r} is no length of time", hint="Write a number and s, m, h, d or w: 90m, 6h, 30d")
        seconds = int(match[1]) * (7 * _DAY if match[2] == "w" else _UNITS[match[2]])
        if seconds > LONGEST.total_seconds():
            raise InputError(f"{text!r} is longer than a hundred years", hint='Write "never" where nothing is to end')
        return cls(seconds=seconds)

    @property
    def delta(self) -> timedelta:
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a ref is watched. The pause after an answer is `grow` times the age, from `first` up to `rarest`; the age is
    the time since the ref was new or was last seen to change (edited, gone, returned). What has vanished is looked at
    for `gone_for` (None: for good), at least every `gone_rarest`. The watch ends `stop` after the ref came (None:
    never). With `never` one answer is all."""

    first: Period = Period(seconds=_DAY // 4)
    grow: float = 0.1
    rarest: Period = Period(seconds=14 * _DAY)
    gone_for: Period | None = Period(seconds=365 * _DAY)
    gone_rarest: Period = Period(seconds=30 * _DAY)
    stop: Period | None = None
    never: bool = False


DEFAULT = Policy()


def eager(policies: Sequence[Policy]) -> Policy:
    """What looks no later than any of these: for a ref that several seeds keep. The default where there is none; those
    that never look do not count where another does."""
    looking = [policy for policy in policies if not policy.never]
    if not looking:
        return policies[0] if policies else DEFAULT
    return Policy(
        first=min(policy.first for policy in looking),
        grow=min(policy.grow for policy in looking),
        rarest=min(policy.rarest for policy in looking),
        gone_for=_longest([policy.gone_for for policy in looking]),
        gone_rarest=min(policy.gone_rarest for policy in looking),
        stop=_longest([policy.stop for policy in looking]),
    )


def _longest(periods: Sequence[Period | None]) -> Period | None:
    known = [period for period in periods if period is not None]
    return max(known) if len(known) == len(periods) else None


def parse_time(text: str) -> datetime:
    """UTC ISO 8601 text with Z → an aware moment. ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def time_text(moment: datetime) -> str:
    """An aware moment → UTC ISO 8601 text with microseconds and Z: text of equal length sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def next_look(
    outcome: Outcome,
    *,
    purpose: str,
    now: str,
    added_at: str,
    attempts: int,
    retry_after: float = 0.0,
    policy: Policy = DEFAULT,
    changed_at: str = "",
    answered: bool = True,
    jitter: float = 0.0,
) -> str | None:
    """When a ref is due again after a look that ended in `outcome`; None for never.

    A failed look comes back after 15 minutes, doubling up to a day (`attempts` failed before this one), after a week
    of daily ones doubling again up to the policy's `rarest`, lengthened by up to a quarter of the pause by `jitter`
    (0..1), and never before what the server asked for (`retry_after`, seconds). What answered is looked at again by
    `policy`, often while it is new or has just changed (`changed_at`, empty: never) and ever more rarely after; jitter
    shortens that pause by up to a tenth. Media, files and short links that answered are settled, but a file that is not
    there is asked for while it may still come. What we refused ourselves is no answer: it is tried as rarely as
    anything, what was too large as rarely as what has vanished. A watch that is over tries again only what never gave
    an answer (`answered` false): that would be lost. A clock that went back makes nothing younger than new.
    """
    at = parse_time(now)
    ends = None if policy.stop is None else parse_time(added_at) + policy.stop.delta
    if outcome in ATTEMPT_FAILED or outcome in OURS:
        over = policy.never or (ends is not None and at >= ends)
        if over and answered and purpose not in SETTLED:
            return None
        if outcome in ATTEMPT_FAILED:
            pause = _retry(attempts, policy) * (1 + RETRY_SPREAD * jitter)
            return time_text(at + max(pause, timedelta(seconds=retry_after)))
        # Rules, addresses, limits and servers change; asking our rules costs nobody anything, a large body does.
        rarest = policy.rarest if outcome is Outcome.BLOCKED else max(policy.rarest, policy.gone_rarest)
        return time_text(at + rarest.delta * (1 - SPREAD * jitter))
    since = max(parse_time(added_at), parse_time(changed_at or added_at))
    age = max(at - since, timedelta())
    late = purpose == "media" and outcome in VANISHED and age < COMES
    if policy.never or (purpose in SETTLED and not late):
        return None
    rarest = policy.rarest
    if outcome in VANISHED:
        if policy.gone_for is not None and age >= policy.gone_for.delta:
            return None
        rarest = policy.gone_rarest
    pause = min(max(policy.first.delta, policy.grow * min(age, LONGEST)), rarest.delta)
    due = at + pause * (1 - SPREAD * jitter)
    return None if ends is not None and due > ends else time_text(due)


def _retry(attempts: int, policy: Policy) -> timedelta:
    """The pause after the failed look that follows `attempts` others."""
    if attempts < RETRIES:
        return min(RETRY_FIRST * (1 << attempts), RETRY_DAILY)
    doubled = RETRY_DAILY * (1 << min((attempts - RETRIES) // RETRIES, 16))
    return max(RETRY_DAILY, min(doubled, policy.rarest.delta))
