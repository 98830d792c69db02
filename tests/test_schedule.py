"""When a ref is looked at again: by policy, by what was found, and by a clock that may go back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import schedule
from archiver.errors import InputError
from archiver.model import Outcome
from archiver.schedule import DEFAULT, Period, Policy, eager, next_look
from archiver.store import fates

NEW = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = Policy(
    first=Period.parse("6h"),
    grow=0.1,
    rarest=Period.parse("14d"),
    gone_for=Period.parse("90d"),
    gone_rarest=Period.parse("30d"),
)
periods = st.integers(0, 36_500 * 86_400).map(lambda seconds: Period(seconds=seconds))
ends = st.none() | periods
policies = st.builds(
    Policy,
    first=periods,
    grow=st.floats(0, 10),
    rarest=periods,
    gone_for=ends,
    gone_rarest=periods,
    stop=ends,
    never=st.booleans(),
)


def pause(
    outcome: Outcome = Outcome.LIVE,
    *,
    age: timedelta = timedelta(),
    changed: timedelta | None = None,
    purpose: str = "post",
    attempts: int = 0,
    retry_after: float = 0.0,
    policy: Policy = PLAIN,
    answered: bool = True,
    jitter: float = 0.0,
) -> timedelta | None:
    """How long after a look at a ref of that age the next is due; `changed` so long before the look."""
    now = NEW + age
    due = next_look(
        outcome,
        purpose=purpose,
        now=schedule.time_text(now),
        added_at=schedule.time_text(NEW),
        attempts=attempts,
        retry_after=retry_after,
        policy=policy,
        changed_at="" if changed is None else schedule.time_text(now - changed),
        answered=answered,
        jitter=jitter,
    )
    return None if due is None else schedule.parse_time(due) - now


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@given(periods)
def test_a_period_is_read_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [("90m", 5400, "90m"), ("48h", 172_800, "2d"), ("2w", 1_209_600, "14d"), ("0s", 0, "0d"), ("61s", 61, "61s")],
)
def test_periods_in_words(text: str, seconds: int, written: str) -> None:
    assert Period.parse(text) == Period(seconds=seconds)
    assert str(Period.parse(text)) == written


@pytest.mark.parametrize(
    "text", ["", "6", "h", "6 h", "-6h", "06h", "6H", "1.5h", "6h30m", "1y", "never", "36501d", "٣d"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"length of time|hundred years"):
        Period.parse(text)


def test_what_is_new_is_looked_at_often_and_then_ever_more_rarely() -> None:
    ages = [timedelta(), DAY, 10 * DAY, 100 * DAY, 1000 * DAY]
    assert [pause(age=age) for age in ages] == [6 * HOUR, 6 * HOUR, DAY, 10 * DAY, 14 * DAY]


def test_what_has_changed_is_new_again() -> None:
    assert pause(age=1000 * DAY, changed=timedelta()) == 6 * HOUR
    assert pause(age=1000 * DAY, changed=50 * DAY) == 5 * DAY


def test_what_has_vanished_is_looked_at_for_a_while() -> None:
    for outcome in sorted(schedule.VANISHED):
        assert pause(outcome, age=400 * DAY, changed=timedelta()) == 6 * HOUR
        assert pause(outcome, age=400 * DAY, changed=89 * DAY) == 8.9 * DAY
        assert pause(outcome, age=400 * DAY, changed=90 * DAY) is None
    endless = replace(PLAIN, gone_for=None)
    assert pause(Outcome.DELETED, age=4000 * DAY, policy=endless) == 30 * DAY


def test_what_has_vanished_is_what_the_readings_call_gone() -> None:
    assert frozenset(fates.GONE) == schedule.VANISHED


def test_failed_looks_back_off_up_to_a_day_and_then_to_the_rarest() -> None:
    found = [pause(Outcome.UNREACHABLE, attempts=attempts) for attempts in range(30)]
    assert found[:7] == [15 * MINUTE * 2**n for n in range(7)]
    assert found[7:14] == [DAY] * 7
    assert found[14:21] == [2 * DAY] * 7
    assert found[21:28] == [4 * DAY] * 7
    assert pause(Outcome.UNREACHABLE, attempts=10_000) == 14 * DAY


@pytest.mark.parametrize("outcome", sorted(schedule.ATTEMPT_FAILED))
@pytest.mark.parametrize("purpose", ["post", "page", "media", "short", "seed"])
def test_what_a_server_asked_for_is_waited(outcome: Outcome, purpose: str) -> None:
    waited = pause(outcome, purpose=purpose, retry_after=5400, jitter=1.0)
    assert waited == 90 * MINUTE
    assert pause(outcome, purpose=purpose, retry_after=60) == 15 * MINUTE


def test_chance_lengthens_what_failed_and_shortens_what_answered() -> None:
    assert pause(Outcome.REFUSED, jitter=1.0) == 15 * MINUTE * 1.25
    assert pause(age=10 * DAY, jitter=1.0) == 0.9 * DAY
    assert pause(age=10 * DAY, jitter=0.5) == 0.95 * DAY


def test_files_and_short_links_that_answered_are_settled() -> None:
    for purpose in ("media", "short"):
        assert pause(purpose=purpose) is None
        assert pause(Outcome.NOT_FOUND, purpose=purpose, age=4 * DAY) is None
        assert pause(Outcome.UNREACHABLE, purpose=purpose, policy=replace(PLAIN, never=True)) == 15 * MINUTE


def test_a_file_that_is_not_there_yet_is_asked_for_while_it_may_still_come() -> None:
    """Servers show a post before its pictures and films are ready."""
    assert pause(Outcome.NOT_FOUND, purpose="media") == 6 * HOUR
    assert pause(Outcome.REFUSED, purpose="media") == 15 * MINUTE
    assert pause(Outcome.DELETED, purpose="media", age=2 * DAY) == 6 * HOUR
    assert pause(Outcome.NOT_FOUND, purpose="media", policy=replace(PLAIN, never=True)) is None
    assert pause(Outcome.NOT_FOUND, purpose="short") is None


def test_what_we_refused_ourselves_is_no_answer_and_is_tried_rarely() -> None:
    assert pause(Outcome.BLOCKED) == 14 * DAY
    assert pause(Outcome.TOO_LARGE) == 30 * DAY
    over = replace(PLAIN, stop=Period.parse("7d"))
    for outcome, rarely in ((Outcome.BLOCKED, 14 * DAY), (Outcome.TOO_LARGE, 30 * DAY)):
        for purpose in ("media", "short", "page", "post", "seed"):
            assert pause(outcome, purpose=purpose, age=200 * DAY, answered=False) == rarely
            assert pause(outcome, purpose=purpose, policy=replace(PLAIN, never=True), answered=False) == rarely
            assert pause(outcome, purpose=purpose, age=8 * DAY, policy=over, answered=False) == rarely
        assert pause(outcome, policy=replace(PLAIN, never=True)) is None, "an earlier look was answered"
        assert pause(outcome, age=8 * DAY, policy=over) is None
        assert pause(outcome, jitter=1.0) == 0.9 * rarely


def test_a_watch_ends_but_what_never_answered_is_not_lost() -> None:
    short = replace(PLAIN, stop=Period.parse("30d"))
    assert pause(age=29 * DAY, policy=short) is None, "the next would be after the end"
    assert pause(age=20 * DAY, policy=short) == 2 * DAY
    assert pause(age=31 * DAY, changed=timedelta(), policy=short) is None, "a change does not lengthen it"
    assert pause(Outcome.UNREACHABLE, age=31 * DAY, policy=short) is None
    assert pause(Outcome.UNREACHABLE, age=31 * DAY, policy=short, answered=False) == 15 * MINUTE


def test_once_is_once_where_it_was_answered() -> None:
    once = replace(PLAIN, never=True)
    assert pause(policy=once) is None
    assert pause(Outcome.NOT_FOUND, policy=once) is None
    assert pause(Outcome.UNREACHABLE, policy=once) is None
    assert pause(Outcome.UNREACHABLE, policy=once, answered=False) == 15 * MINUTE


def test_a_clock_that_went_back_makes_nothing_younger_than_new() -> None:
    assert pause(age=-400 * DAY) == 6 * HOUR
    assert pause(age=50 * DAY, changed=-10 * DAY) == 6 * HOUR


@given(st.sampled_from(Outcome), policies, st.integers(-4000, 4000), st.integers(0, 10**6), st.floats(0, 1))
def test_no_policy_makes_a_look_due_at_once_for_ever_or_breaks_off(
    outcome: Outcome, policy: Policy, age: int, attempts: int, jitter: float
) -> None:
    found = pause(outcome, age=age * DAY, attempts=attempts, policy=policy, jitter=jitter)
    if found is not None:
        low = (
            RETRY
            if outcome in schedule.ATTEMPT_FAILED
            else 0.9 * min(policy.first, policy.rarest, policy.gone_rarest).delta
        )
        assert found >= low - timedelta(microseconds=1)


RETRY = schedule.RETRY_FIRST


@given(
    st.lists(policies, min_size=1, max_size=4), st.sampled_from([Outcome.LIVE, Outcome.DELETED]), st.integers(0, 4000)
)
def test_the_most_eager_looks_no_later_than_any(several: list[Policy], outcome: Outcome, age: int) -> None:
    each = [pause(outcome, age=age * DAY, policy=policy) for policy in several]
    both = pause(outcome, age=age * DAY, policy=eager(several))
    known = [one for one in each if one is not None]
    if known:
        assert both is not None
        assert both <= min(known)


def test_nobody_is_as_eager_as_the_default() -> None:
    assert eager([]) == DEFAULT
    assert eager([replace(PLAIN, never=True)]).never
    assert eager([replace(PLAIN, never=True), PLAIN]) == PLAIN
