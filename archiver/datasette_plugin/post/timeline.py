"""Captures along time: one lane a route. Pure: from rows to places in per cent, so that the picture fits any width
and its words keep their size. Marks that would touch are folded into one; labels stand alone on their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.schedule import parse_time

LANES = 12
"""Routes with a lane of their own; the others share the last."""
NEAR = 5.0
"""Per cent of the width that a mark takes on a narrow screen."""
OTHERS = "other routes"
SHOWN, GONE, FAILED = "shown", "gone", "failed"
_GONE = frozenset(
    "deleted suspended protected withheld age-gated login-required not-found unavailable".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One capture, or several that stand close together. `at` is per cent from the left; `state` is shown (the platform
    shows the post), gone (it says that it does not) or failed (nothing can be said), the worst for the post of those
    folded; `fresh` says that words were shown which this route had not shown before."""

    at: float
    state: str
    count: int
    fresh: bool
    first: str
    last: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    route: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Lanes in the order of their first capture; `ticks` are places in per cent with a label each, none too near to
    another; `first` and `last` are the times at both ends."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    first: str
    last: str


def drawn(rows: Sequence[dict[str, object]]) -> Timeline | None:
    """The picture of captures: rows of route, observed_at, outcome and fresh, in any order. None where there is no time
    that can be read."""
    known = sorted((one for one in map(_read, rows) if one is not None), key=lambda one: one[0])
    if not known:
        return None
    first, last = known[0][0], known[-1][0]
    width = (last - first).total_seconds()
    routes = list(dict.fromkeys(row["route"] for _, row in known))
    kept = routes if len(routes) <= LANES else routes[: LANES - 1]
    held: dict[str, list[tuple[float, dict[str, object]]]] = {}
    for at, row in known:
        lane = str(row["route"]) if row["route"] in kept else OTHERS
        place = 50.0 if not width else 3 + 94 * (at - first).total_seconds() / width
        held.setdefault(lane, []).append((place, row))
    return Timeline(
        lanes=tuple(Lane(route=route, marks=_folded(held[route])) for route in held),
        ticks=_ticks(first, last),
        first=str(known[0][1]["observed_at"]),
        last=str(known[-1][1]["observed_at"]),
    )


def _read(row: dict[str, object]) -> tuple[datetime, dict[str, object]] | None:
    try:
        return parse_time(str(row["observed_at"])), row
    except ValueError:
        return None


def state(outcome: object) -> str:
    """What an outcome means for the post."""
    return SHOWN if outcome == "live" else GONE if outcome in _GONE else FAILED


def _folded(placed: Sequence[tuple[float, dict[str, object]]]) -> tuple[Mark, ...]:
    groups: list[list[tuple[float, dict[str, object]]]] = []
    for at, row in placed:
        if groups and at - groups[-1][0][0] < NEAR:
            groups[-1].append((at, row))
        else:
            groups.append([(at, row)])
    return tuple(map(_mark, groups))


def _mark(group: Sequence[tuple[float, dict[str, object]]]) -> Mark:
    rows = [row for _, row in group]
    states = {state(row["outcome"]) for row in rows}
    return Mark(
        at=round(group[0][0], 2),
        state=next(one for one in (GONE, FAILED, SHOWN) if one in states),
        count=len(rows),
        fresh=any(row.get("fresh") for row in rows),
        first=str(rows[0]["observed_at"]),
        last=str(rows[-1]["observed_at"]),
        outcomes=tuple(sorted({str(row["outcome"]) for row in rows})),
    )


def _ticks(first: datetime, last: datetime) -> tuple[tuple[float, str], ...]:
    """Both ends; days where they lie on different days, else minutes."""
    if first == last:
        return ((50.0, f"{first:%Y-%m-%d %H:%M}"),)
    form = "%Y-%m-%d" if first.date() != last.date() else "%Y-%m-%d %H:%M"
    begin, end = format(first, form), format(last, form)
    if begin == end:
        return ((3.0, f"{first:%Y-%m-%d %H:%M:%S}"), (97.0, f"{last:%H:%M:%S}"))
    return ((3.0, begin), (97.0, end if first.date() != last.date() else f"{last:%H:%M}"))
