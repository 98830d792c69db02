"""The picture of captures along time: nothing collides, nothing is lost, and no time can break it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from archiver.datasette_plugin.post.timeline import LANES, NEAR, OTHERS, drawn
from archiver.model import Outcome

MOMENTS = st.datetimes(min_value=datetime(2006, 1, 1), max_value=datetime(2099, 1, 1))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "route": st.sampled_from([f"route{n}" for n in range(20)]),
            "observed_at": MOMENTS.map(lambda at: at.isoformat() + "Z"),
            "outcome": st.sampled_from([outcome.value for outcome in Outcome]),
            "fresh": st.booleans(),
        }
    ),
    max_size=60,
)


def row(at: datetime, outcome: str = "live", route: str = "posts", fresh: bool = False) -> dict[str, object]:
    return {"route": route, "observed_at": at.isoformat().replace("+00:00", "Z"), "outcome": outcome, "fresh": fresh}


BEGIN = datetime(2026, 3, 16, 9, tzinfo=UTC)


@given(ROWS)
def test_nothing_collides_and_nothing_is_lost(rows: list[dict[str, object]]) -> None:
    picture = drawn(rows)
    if picture is None:
        assert not rows
        return
    assert sum(mark.count for lane in picture.lanes for mark in lane.marks) == len(rows)
    assert len(picture.lanes) <= LANES
    for lane in picture.lanes:
        places = [mark.at for mark in lane.marks]
        assert all(0 <= at <= 100 for at in places)
        assert all(after - before >= NEAR - 0.02 for before, after in pairwise(places))
    assert len({place for place, _ in picture.ticks}) == len(picture.ticks)


def test_what_stands_close_together_is_one_mark_with_the_worst_of_it() -> None:
    later = BEGIN + timedelta(days=14)
    picture = drawn([row(BEGIN), row(BEGIN + timedelta(hours=1), "unreachable"), row(later, "deleted"), row(later)])
    assert picture is not None
    (lane,) = picture.lanes
    assert [(mark.count, mark.state) for mark in lane.marks] == [(2, "failed"), (2, "gone")]
    assert lane.marks[0].outcomes == ("live", "unreachable")
    assert [label for _, label in picture.ticks] == ["2026-03-16", "2026-03-30"]


def test_routes_beyond_the_lanes_share_the_last() -> None:
    picture = drawn([row(BEGIN + timedelta(days=n), route=f"r{n}") for n in range(30)])
    assert picture is not None
    assert len(picture.lanes) == LANES
    assert picture.lanes[-1].route == OTHERS
    assert sum(mark.count for mark in picture.lanes[-1].marks) == 30 - LANES + 1


def test_one_moment_stands_in_the_middle() -> None:
    picture = drawn([row(BEGIN), row(BEGIN)])
    assert picture is not None
    assert picture.lanes[0].marks[0].at == 50
    assert picture.ticks == ((50.0, "2026-03-16 09:00"),)


def test_times_that_cannot_be_read_are_left_out() -> None:
    assert drawn([]) is None
    assert drawn([{"route": "a", "observed_at": "yesterday", "outcome": "live"}]) is None
    picture = drawn([{"route": "a", "observed_at": "", "outcome": "live"}, row(BEGIN)])
    assert picture is not None
    assert len(picture.lanes) == 1


def test_a_lane_of_a_second_tells_seconds() -> None:
    picture = drawn([row(BEGIN), row(BEGIN + timedelta(seconds=2))])
    assert picture is not None
    assert [label for _, label in picture.ticks] == ["2026-03-16 09:00:00", "09:00:02"]
