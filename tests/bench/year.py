"""A year in a minute (`make bench-year`): how soon the schedule sees that posts were edited, vanished or came back, and
what it asks for that. A simulated clock, no network, the real `schedule.next_look`; the same for each seed of chance.

Refs come evenly over the year, as a newsroom adds them, each an hour after it was posted. Cron runs each quarter of an
hour, and so many requests a day are all that may be asked: what is due and finds none left waits, by the time at which
it was due. Two looks of a hundred fail and are tried again.

What happens to posts:

- gone: Pew Research Center, "When Online Content Disappears" (May 2024), followed 4.8 million tweets of spring 2023
  for three months: 1 % were gone after an hour, 3 % after a day, 10 % after a week, 15 % after a month, 18 % at the
  end; half of the gone had gone within six days, nine of ten within 46. Beyond, assumed: 24 % after a year (Zubiaga,
  "A Longitudinal Assessment of the Persistence of Twitter Datasets", 2018, finds that sets of tweets shrink on for
  years).
- returns: of all tweets in that study 6 % vanished and came back. How long they were away is not told; assumed: from an
  hour to sixty days, each order of time as likely as the next.
- edits: no rate for posts of today's platforms was found; assumed: 3 % are edited once, from ten minutes to ninety days
  after they were posted, each order of time as likely (Chen and Lim, "Now You See It, Now You Don't", SNOW 2017, find
  on 145,955 posts of Facebook pages that what is recent is changed most).

A change is seen by the first look after it that still finds it; one that was undone or followed by another before any
look came is never seen.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

from archiver import schedule
from archiver.model import Outcome
from archiver.schedule import Policy

HOUR, DAY = 3_600.0, 86_400.0
YEAR = 365 * DAY
TICK = HOUR / 4
AGE = HOUR
FAILED = 0.02
GONE = ((AGE, 0.01), (DAY, 0.03), (7 * DAY, 0.10), (30 * DAY, 0.15), (90 * DAY, 0.18), (YEAR, 0.24))
RETURNED, EDITED = 0.06, 0.03
AWAY = (HOUR, 60 * DAY)
EDITS = (HOUR / 6, 90 * DAY)
START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("gone", "returned", "edited")

Next = Callable[[Outcome, float, float, float, int, float], float | None]
"""(outcome, now, added, changed, failed looks before, chance) → when it is due; seconds since the start."""


@dataclass(slots=True)
class History:
    """What happens to one post: changes in order, as (time, kind, whether it is shown from then on)."""

    added: float
    changes: list[tuple[float, str, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Told:
    """What a policy saw: delays by kind in seconds, changes that it missed, requests, the most on one day."""

    delays: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    missed: int = 0
    requests: int = 0
    busiest: int = 0


def histories(count: int, seed: int) -> list[History]:
    """Posts as they come over a year."""
    draw = random.Random(seed)
    return [_history(draw, draw.uniform(0, YEAR)) for _ in range(count)]


def _history(draw: random.Random, added: float) -> History:
    posted, found = added - AGE, History(added)
    gone = age_at(draw.uniform(GONE[0][1], 1.0))
    if draw.random() < RETURNED:
        left = gone if gone is not None else age_at(draw.uniform(GONE[0][1], GONE[-1][1]))
        assert left is not None
        found.changes += [(posted + left, "gone", False), (posted + left + _any(draw, AWAY), "returned", True)]
    elif gone is not None:
        found.changes.append((posted + gone, "gone", False))
    if draw.random() < EDITED:
        at = posted + _any(draw, EDITS)
        shown = next((state for when, _, state in reversed(found.changes) if when <= at), True)
        if shown and at > added:
            found.changes.append((at, "edited", True))
    found.changes = sorted(change for change in found.changes if change[0] < YEAR)
    return found


def age_at(share: float) -> float | None:
    """The age at which so large a share of posts has gone: between the known points evenly in the logarithm of time."""
    for (age, low), (later, high) in pairwise(GONE):
        if share < high:
            part = (share - low) / (high - low)
            return math.exp(math.log(age) + part * (math.log(later) - math.log(age)))
    return None


def _any(draw: random.Random, bounds: tuple[float, float]) -> float:
    return math.exp(draw.uniform(math.log(bounds[0]), math.log(bounds[1])))


def watched(policy: Policy) -> Next:
    """The schedule as runs use it."""

    def due(outcome: Outcome, now: float, added: float, changed: float, attempts: int, chance: float) -> float | None:
        text = schedule.next_look(
            outcome,
            purpose="post",
            now=_text(now),
            added_at=_text(added),
            attempts=attempts,
            policy=policy,
            changed_at=_text(changed) if changed else "",
            jitter=chance,
        )
        return None if text is None else (schedule.parse_time(text) - START).total_seconds()

    return due


def fixed(interval: float) -> Next:
    """The same interval for all, whatever was found."""

    def due(outcome: Outcome, now: float, added: float, changed: float, attempts: int, chance: float) -> float | None:
        return now + interval

    return due


@cache
def _text(moment: float) -> str:
    return schedule.time_text(START + timedelta(seconds=moment))


def play(posts: Sequence[History], due: Next, *, budget: float = math.inf, seed: int = 1) -> Told:
    """A year of cron over these posts."""
    draw, told = random.Random(seed), Told()
    waiting = [(_tick(post.added), number) for number, post in enumerate(posts)]
    late: list[tuple[float, int]] = []  # what found no request left on its day, by when it was due
    heapq.heapify(waiting)
    seen, attempts = [0] * len(posts), [0] * len(posts)
    changed, shown, first = [0.0] * len(posts), [True] * len(posts), [True] * len(posts)
    today, asked, now = 0, 0, 0.0
    while waiting or late:
        if late and asked < budget:
            number = heapq.heappop(late)[1]
        elif waiting and waiting[0][0] < (today + 1) * DAY:
            now, number = heapq.heappop(waiting)
            if asked >= budget:
                heapq.heappush(late, (now, number))
                continue
        else:
            today = today + 1 if late else int(waiting[0][0] // DAY)
            now, asked = today * DAY, 0
            if now >= YEAR:
                break
            continue
        asked, told.requests = asked + 1, told.requests + 1
        told.busiest = max(told.busiest, asked)
        post, outcome = posts[number], Outcome.UNREACHABLE
        if draw.random() >= FAILED:
            new = list[tuple[float, str, bool]]()
            while seen[number] < len(post.changes) and post.changes[seen[number]][0] <= now:
                new.append(post.changes[seen[number]])
                seen[number] += 1
            told_now = _see(new, shown=shown[number], first=first[number])
            for when, kind, _ in told_now:
                told.delays[kind].append(now - when)
            if told_now:
                changed[number] = now
            shown[number], first[number] = new[-1][2] if new else shown[number], False
            outcome = Outcome.LIVE if shown[number] else Outcome.NOT_FOUND
        then = due(outcome, now, post.added, changed[number], attempts[number], draw.random())
        attempts[number] = attempts[number] + 1 if outcome is Outcome.UNREACHABLE else 0
        if then is not None:
            heapq.heappush(waiting, (_tick(then), number))
    told.missed = sum(len(post.changes) for post in posts) - sum(map(len, told.delays.values()))
    return told


def _see(new: list[tuple[float, str, bool]], *, shown: bool, first: bool) -> list[tuple[float, str, bool]]:
    """Which of the changes since the last look this one shows: the one that led to another state than was seen last,
    and other words than were seen before."""
    turns = [change for change in new if change[1] != "edited"]
    found = [turns[-1]] if turns and turns[-1][2] != shown else []
    if new and new[-1][2] and not first:
        found += [change for change in new if change[1] == "edited"]
    return found


def _tick(moment: float) -> float:
    """The first run at that moment or after."""
    return math.ceil(moment / TICK) * TICK


def share(values: Sequence[float], part: float) -> float:
    """The value below which so large a part of them lies; infinite where there are none."""
    if not values:
        return math.inf
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def compare(count: int, seed: int, policy: Policy = schedule.DEFAULT) -> dict[str, Told]:
    """The policy beside a daily recheck of all, a daily recheck that may ask no more than the policy did in all, and
    the fixed interval that asks as much."""
    posts = histories(count, seed)
    ours = play(posts, watched(policy), seed=seed)
    mean = math.ceil(ours.requests / 365)
    interval = same_budget(posts, ours.requests)
    return {
        "this schedule": ours,
        f"the same, {mean:,} a day at most": play(posts, watched(policy), budget=mean, seed=seed),
        "daily, without a bound": play(posts, fixed(DAY), seed=seed),
        f"daily, {mean:,} a day at most": play(posts, fixed(DAY), budget=mean, seed=seed),
        f"every {interval / DAY:.1f} days, same budget": play(posts, fixed(interval), seed=seed),
    }


def same_budget(posts: Sequence[History], requests: int) -> float:
    """The interval at which looks at all posts until the end of the year come to so many requests."""
    total = sum(YEAR - post.added for post in posts)
    return max(TICK, total / max(1, requests - len(posts)))


def table(found: dict[str, Told], count: int) -> list[str]:
    lines = [f"{'policy':<32}{'requests':>10}{'a day':>8}{'median':>9}{'95 %':>9}{'mean':>9}{'unseen':>8}"]
    for name, told in found.items():
        delays = [delay for kind in KINDS for delay in told.delays[kind]]
        figures = (share(delays, 0.5), share(delays, 0.95), statistics.fmean(delays) if delays else math.inf)
        hours = "".join(f"{figure / HOUR:>8.1f}h" for figure in figures)
        lines.append(f"{name:<32}{told.requests:>10,}{told.requests / 365:>8,.0f}{hours}{told.missed:>8}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("refs", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.perf_counter()
    found = compare(given.refs, given.seed)
    ours = found["this schedule"]
    changes = sum(map(len, ours.delays.values())) + ours.missed
    print(f"{given.refs:,} refs that come over a year, {changes:,} changes; delay until a change was seen")
    print("\n".join(table(found, given.refs)))
    for kind in KINDS:
        told = (f"{name} {share(one.delays[kind], 0.5) / HOUR:.1f}h" for name, one in found.items())
        print(f"median, {kind}: {'; '.join(told)}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
