"""Which routes work today, from what our own captures came to: no platform is asked for it.

Each run adds its captures to `work_routes`, by route and day (UTC); who reads adds the captures behind that sum. What
counts are structured outcomes of captures that were asked of the network, never words of a page: *answered* is an
answer that could be read, whatever it said of the post; *refused* one that kept it from us (too many requests, a login,
a server that is busy); *failed* none at all, or one that could not be read. What our own guard refused says nothing of
a route, nor does a redirect on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from archiver.model import Failure, Outcome
from archiver.net.clock import text_of, time_of
from archiver.store import fates
from archiver.store.archive import Archive, Row

STATE = "told routes"
"""Under this name work remembers the last capture that is counted."""
FEW = 3
"""Tries below which nothing is said of a route."""
KEPT, WEEK = timedelta(days=400), timedelta(days=7)
WORKS, PARTLY, FAILS, UNKNOWN = "works", "partly", "fails", "unknown"
_REFUSED = frozenset({Outcome.RATE_LIMITED, Outcome.REFUSED})
_FAILED = frozenset({Outcome.UNREACHABLE, Outcome.UNREADABLE, Outcome.TRUNCATED, Outcome.UNKNOWN})
_OURS = frozenset({Failure.BLOCKED, Failure.TOO_LARGE, Failure.NOT_RECORDED, Failure.REDIRECTS})
Counts = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route by `PLATFORM.NAME`, with (answered, refused, failed) since yesterday's midnight and in seven days (UTC),
    and when it last answered (empty: not within our memory). `state` is `works` where half of the tries or more were
    answered, `partly` where some, `fails` where none; `unknown` after fewer than three tries within the week."""

    name: str
    platform: str
    day: Counts
    week: Counts
    last_answer: str
    state: str


def count(archive: Archive, now: str) -> None:
    """Adds the captures since the last time, inside the caller's transaction, and drops days that are too old."""
    found, last = _since(archive, now)
    for (route, day), (tries, answer) in found.items():
        archive.db.execute(
            "INSERT INTO work_routes (route, day, answered, refused, failed, last_answer) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (route, day) DO UPDATE SET answered = answered + excluded.answered, "
            "refused = refused + excluded.refused, failed = failed + excluded.failed, "
            "last_answer = max(last_answer, excluded.last_answer)",
            (route, day, *tries, answer),
        )
    if last is not None:
        archive.db.execute(
            "INSERT INTO work_state (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (STATE, str(last)),
        )
        archive.db.execute("DELETE FROM work_routes WHERE day < ?", (_day(now, KEPT),))


def routes(archive: Archive, now: str) -> list[Route]:
    """Every route that was tried within seven days, or answered within our memory, by name."""
    days: dict[str, dict[str, Counts]] = {}
    answers: dict[str, str] = {}
    recent = archive.all("SELECT * FROM work_routes WHERE day >= ? ORDER BY route, day", _day(now, WEEK))
    for row in recent:
        days.setdefault(row["route"], {})[row["day"]] = (row["answered"], row["refused"], row["failed"])
    for row in archive.all("SELECT route, max(last_answer) AS at FROM work_routes GROUP BY route ORDER BY route"):
        days.setdefault(row["route"], {})
        answers[row["route"]] = row["at"]
    for (route, day), (tries, answer) in _since(archive, now)[0].items():
        known = days.setdefault(route, {})
        known[day] = _add(known.get(day, (0, 0, 0)), tries)
        answers[route] = max(answers.get(route, ""), answer)
    today, week = _day(now, timedelta(days=1)), _day(now, WEEK)
    return [_route(name, days[name], answers.get(name, ""), today, week) for name in sorted(days)]


def platforms(found: Iterable[Route]) -> dict[str, str]:
    """Each platform with the best state of its routes: it works as long as one of them does."""
    best: dict[str, str] = {}
    order = (WORKS, PARTLY, FAILS, UNKNOWN)
    for route in found:
        before = best.get(route.platform, UNKNOWN)
        best[route.platform] = min(before, route.state, key=order.index)
    return best


def state_of(day: Counts, week: Counts) -> str:
    """What the tries of a route say: those since yesterday, or of the week where these are too few."""
    tries = day if sum(day) >= FEW else week
    if sum(tries) < FEW:
        return UNKNOWN
    if not tries[0]:
        return FAILS
    return WORKS if 2 * tries[0] >= sum(tries) else PARTLY


def _route(name: str, days: Mapping[str, Counts], answer: str, since: str, week: str) -> Route:
    near, far = (0, 0, 0), (0, 0, 0)
    for day, tries in days.items():
        far = _add(far, tries) if day >= week else far
        near = _add(near, tries) if day >= since else near
    platform = name.partition(".")[0]
    return Route(name=name, platform=platform, day=near, week=far, last_answer=answer, state=state_of(near, far))


def _add(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _day(now: str, ago: timedelta) -> str:
    return text_of(time_of(now) - ago)[:10]


_BEHIND = """
SELECT c.id, c.platform, c.route, c.status, c.failure, c.observed_at,
    (SELECT group_concat(o.outcome) FROM outcomes o WHERE o.capture = c.id) AS outcomes,
    (SELECT o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref WHERE o.capture = c.id AND r.ref = c.ref) AS own
FROM captures c WHERE c.id > ? AND c.tier = 'wire' ORDER BY c.id
"""


def _since(archive: Archive, now: str) -> tuple[dict[tuple[str, str], tuple[Counts, str]], int | None]:
    """Tries by route and day behind what is counted, with the last answer; and the last capture among them, None where
    none came."""
    row = archive.one("SELECT value FROM work_state WHERE name = ?", STATE)
    upto = int(row[0]) if row is not None else _a_week_ago(archive, now)
    found: dict[tuple[str, str], tuple[Counts, str]] = {}
    for capture in archive.db.execute(_BEHIND, (upto,)):
        place = told(capture)
        if place is None:
            continue
        tries: list[int] = [0, 0, 0]
        tries[place] = 1
        at = str(capture["observed_at"])
        key = f"{capture['platform']}.{capture['route']}", at[:10]
        known, answer = found.get(key, ((0, 0, 0), ""))
        found[key] = (_add(known, (tries[0], tries[1], tries[2])), max(answer, at if place == 0 else ""))
    last = archive.one("SELECT max(id) FROM captures")
    newest = 0 if last is None or last[0] is None else int(last[0])
    return found, newest if newest > upto or (row is None and newest) else None


def told(capture: Row) -> int | None:
    """0: answered, 1: refused, 2: failed; None where a capture says nothing of its route."""
    if capture["failure"] in _OURS:
        return None
    outcomes = [capture["own"]] if capture["own"] else (capture["outcomes"] or "").split(",")
    if any(outcome == Outcome.LIVE or outcome in fates.GONE for outcome in outcomes):
        return 0
    if any(outcome in _REFUSED for outcome in outcomes):
        return 1
    if any(outcome in _FAILED for outcome in outcomes) or capture["failure"]:
        return 2
    status = capture["status"] or 0
    if status in (401, 403, 429) or status >= 500:
        return 1
    return 0 if 200 <= status < 300 or status == 304 else None


def _a_week_ago(archive: Archive, now: str) -> int:
    """The last capture before the last seven days, by halving: ids grow with time. An archive whose work was lost, or
    that an older version wrote, is counted from there."""
    since, low = _day(now, WEEK), 0
    high = int(str(archive.value("SELECT coalesce(max(id), 0) FROM captures")))
    while low < high:
        middle = (low + high + 1) // 2
        row = archive.one("SELECT observed_at FROM captures WHERE id <= ? ORDER BY id DESC LIMIT 1", middle)
        if row is not None and str(row[0]) >= since:
            high = middle - 1
        else:
            low = middle
    return low
