"""A year of a small archive, simulated: what the schedule is for. `make bench-year` prints it for ten thousand refs."""

from __future__ import annotations

import statistics

import pytest

from archiver import schedule
from tests.bench import year
from tests.bench.year import DAY, HOUR, KINDS


def test_posts_vanish_as_published() -> None:
    """Half of those gone after three months had gone within six days, nine of ten within 46."""
    assert year.age_at(0.5) is None
    for age, share in year.GONE[1:-1]:
        assert year.age_at(share) == pytest.approx(age)
    half, most = year.age_at(0.09), year.age_at(0.162)
    assert half is not None
    assert most is not None
    assert 5 * DAY < half < 6.5 * DAY
    assert 45 * DAY < most < 48 * DAY
    posts = year.histories(4000, 1)
    old = [post for post in posts if post.added < year.YEAR - 90 * DAY]
    gone = sum(any(kind == "gone" and at - post.added < 90 * DAY for at, kind, _ in post.changes) for post in old)
    assert 0.18 < gone / len(old) < 0.25, "with those that come back"


def test_the_schedule_sees_changes_sooner_than_a_fixed_interval_that_asks_as_much() -> None:
    """The median and the mean of the delay. Not the longest delays: what changes when it is old is seen later."""
    posts = year.histories(400, 7)
    ours = year.play(posts, year.watched(schedule.DEFAULT), seed=7)
    fixed = year.play(posts, year.fixed(year.same_budget(posts, ours.requests)), seed=7)
    assert ours.requests == pytest.approx(fixed.requests, rel=0.05)
    sooner, later = ([delay for kind in KINDS for delay in told.delays[kind]] for told in (ours, fixed))
    assert len(sooner) >= len(later) > 60
    assert 3 * statistics.median(sooner) < statistics.median(later)
    assert statistics.fmean(sooner) < statistics.fmean(later)
    assert max(sooner) <= schedule.DEFAULT.gone_rarest.seconds + 3 * HOUR


def test_a_budget_a_day_is_kept_and_the_same_seed_draws_the_same_year() -> None:
    posts = year.histories(100, 3)
    one, other = (year.play(posts, year.watched(schedule.DEFAULT), budget=5, seed=3) for _ in range(2))
    assert one == other
    assert one.busiest == 5
    assert one.requests <= 5 * 365
