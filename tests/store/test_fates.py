"""What happened to a post between two observations: gone, returned, edited, and what is no event at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.store.fates import ABSENT, GONE, departures, outcome_of, rewordings


def answers(*rows: str) -> list[dict[str, Any]]:
    """`DAY.MINUTE:route:outcome[:reason]`, each from a capture of its own; `+route` where another was asked about."""
    made = []
    for number, row in enumerate(rows):
        when, route, outcome, *reason = row.split(":")
        day, minute = when.split(".")
        at = f"2026-03-{int(day):02}T09:{int(minute):02}:00.000000Z"
        own, route = not route.startswith("+"), route.removeprefix("+")
        more = {"own": own, "observed_at": at, "capture": number}
        made.append({"route": route, "outcome": outcome, "reason": "".join(reason), **more})
    return made


def told(*rows: str, requested: str = "") -> list[tuple[object, ...]]:
    """(kind, outcome, day of the first sign, day and minute of the outcome, capture before, capture)."""
    return [
        (e.kind, e.outcome, int(e.at[8:10]), f"{int(e.told_at[8:10])}.{int(e.told_at[14:16])}", e.before, e.capture)
        for e in departures(answers(*rows), requested)
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((), []),
        (("1.0:a:live", "2.0:a:live"), []),
        (("1.0:a:live", "2.0:a:not-found"), [("gone", "not-found", 2, "2.0", 0, 1)]),
        # Never shown: nothing is known to have gone.
        (("1.0:a:deleted", "2.0:a:deleted"), []),
        # What failed, or what a server refused, says nothing of the post.
        (("1.0:a:live", "2.0:a:refused", "2.1:a:unreachable", "3.0:a:rate-limited"), []),
        # Routes that are asked one after another make one event with the most telling outcome.
        (
            ("1.0:a:live", "1.1:b:live", "2.0:a:unavailable", "2.1:b:not-found", "2.2:c:deleted"),
            [("gone", "deleted", 2, "2.2", 1, 2)],
        ),
        (("1.0:a:live", "2.0:a:suspended", "9.0:a:suspended"), [("gone", "suspended", 2, "2.0", 0, 1)]),
        (("1.0:a:live", "2.0:a:not-found", "9.5:a:deleted"), [("gone", "deleted", 2, "9.5", 0, 1)]),
        (("1.0:p:live", f"2.0:p:not-found:{ABSENT}"), [("gone", "deleted", 2, "2.0", 0, 1)]),
        # One route is cut off, another shows the post in the same look: they disagree.
        (("1.0:a:live", "2.0:a:not-found", "2.1:b:live", "3.0:a:not-found", "3.1:b:live"), []),
        # The route that said so shows it again.
        (
            ("1.0:a:live", "2.0:a:not-found", "2.9:a:live"),
            [("gone", "not-found", 2, "2.0", 0, 1), ("returned", "live", 2, "2.9", 1, 2)],
        ),
        # Another route shows it a day later.
        (
            ("1.0:a:live", "2.0:a:protected", "3.0:b:live"),
            [("gone", "protected", 2, "2.0", 0, 1), ("returned", "live", 3, "3.0", 1, 2)],
        ),
        (
            ("1.0:a:live", "2.0:a:protected", "4.0:a:live", "5.0:a:deleted"),
            [
                ("gone", "protected", 2, "2.0", 0, 1),
                ("returned", "live", 4, "4.0", 1, 2),
                ("gone", "deleted", 5, "5.0", 2, 3),
            ],
        ),
    ],
)
def test_what_went_and_came_back(rows: tuple[str, ...], expected: list[tuple[object, ...]]) -> None:
    assert told(*rows) == expected


def test_a_request_of_the_author_is_never_taken_back() -> None:
    rows = ("1.0:relay:live", "2.0:relay:deleted:asked by a", "3.0:relay:live")
    assert told(*rows, requested="asked by a") == [("gone", "deleted", 2, "2.0", 0, 1)]
    assert [event[0] for event in told(*rows, requested="asked by b")] == ["gone", "returned"]
    assert told(*rows[1:2], requested="asked by a") == [("gone", "deleted", 2, "2.0", None, 0)]


def test_what_is_shown_beside_another_has_not_come_back() -> None:
    """A platform goes on to show a post by value in the answer about one that quotes it."""
    rows = ("1.0:a:live", "2.0:a:deleted", "3.0:+a:live", "3.1:a:deleted", "4.0:+a:live", "4.1:a:deleted")
    assert told(*rows) == [("gone", "deleted", 2, "2.0", 0, 1)]
    assert outcome_of(answers(*rows[:3]))[0] == "deleted"  # type: ignore[arg-type]
    assert [event[0] for event in told(*rows, "5.0:a:live")] == ["gone", "returned"], "its own address says so"
    assert [event[0] for event in told(*rows, "5.0:+b:live")] == ["gone", "returned"], "another route has said nothing"


def test_what_only_stood_beside_another_can_go() -> None:
    assert told("1.0:+a:live", "2.0:a:deleted") == [("gone", "deleted", 2, "2.0", 0, 1)]
    assert told("1.0:a:deleted", "2.0:+a:live") == []


ROWS = st.lists(
    st.tuples(
        st.integers(1, 28),
        st.sampled_from(["a", "b", "c", "+a", "+b"]),
        st.sampled_from(["live", "refused", "unreachable", *map(str, GONE)]),
    ),
    max_size=12,
)


@given(ROWS)
def test_the_last_event_agrees_with_the_outcome(rows: list[tuple[int, str, str]]) -> None:
    made = answers(*(f"{day}.0:{route}:{outcome}" for day, route, outcome in sorted(rows, key=lambda row: row[0])))
    events, (outcome, _) = departures(made), outcome_of(made)  # type: ignore[arg-type]
    shown = any(row["outcome"] == "live" and row["own"] for row in made)
    if events and events[-1].kind == "gone":
        assert events[-1].outcome == outcome
    elif shown:
        assert outcome == "live"
    assert [event.kind for event in events] == ["gone", "returned"] * (len(events) // 2) + ["gone"] * (len(events) % 2)
    for event in events:
        assert event.before is not None
        assert event.before < event.capture


def edit(after: int, capture: int, *, before: int | None = None, capture_before: int | None = None) -> dict[str, Any]:
    by = {"shown_by": "marker" if before is None else "same-route"}
    return {
        "after": after,
        "before": before,
        "capture_after": capture,
        "capture_before": capture_before,
        "shown_by": by,
    }


WORDS = {1: ("ninety", ""), 2: ("nineteen", ""), 3: ("nineteen", ""), 4: ("nine", ""), 5: ("nineteen", "warned")}
SEEN = {n: f"2026-03-{n // 10 + 1:02}T09:00:0{n % 10}.000000Z" for n in range(60)}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], []),
        ([edit(2, 10, before=1, capture_before=0)], [(1, 2, 0, 10)]),
        # Three routes, and a marker, show one edit.
        ([edit(2, 10), edit(3, 11, before=1, capture_before=1), edit(2, 12)], [(1, 2, 1, 10)]),
        # There and back again.
        (
            [edit(2, 10, before=1, capture_before=0), edit(1, 20, before=2, capture_before=10), edit(3, 31)],
            [(1, 2, 0, 10), (2, 1, 10, 20), (None, 3, None, 31)],
        ),
        # A marker alone: what stood there before is not known.
        ([edit(2, 10), edit(2, 50)], [(None, 2, None, 10)]),
        # The words stayed, so the media or their descriptions changed: told apart from the edit of the words.
        (
            [edit(2, 10, before=1, capture_before=0), edit(3, 40, before=2, capture_before=10)],
            [(1, 2, 0, 10), (2, 3, 10, 40)],
        ),
        ([edit(5, 10, before=2, capture_before=0), edit(4, 11, before=5)], [(2, 5, 0, 10), (5, 4, None, 11)]),
    ],
)
def test_each_edit_is_told_once(edits: list[dict[str, Any]], expected: list[tuple[object, ...]]) -> None:
    found = rewordings(edits, WORDS, SEEN)
    assert [(*event.versions, event.before, event.capture) for event in found] == expected
    assert {event.kind for event in found} <= {"edited"}
    assert [event.at for event in found] == [SEEN[event.capture] for event in found]
