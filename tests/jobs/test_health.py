"""The verdict on an archive: what needs a person is said with a next step, what heals itself is not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import story
from running import Desk, lines

from archiver.jobs import health, routes
from archiver.jobs.anchored import Unanswered
from archiver.jobs.backlog import Backlog
from archiver.jobs.config import load
from archiver.jobs.health import judge
from archiver.jobs.holding import Holder
from archiver.jobs.session import open_session
from archiver.jobs.status import Disk, Status, Waits, status_of
from archiver.jobs.trouble import ATTENTION, BROKEN, OK
from archiver.store.archive import open_archive, open_reader

NOW = "2026-03-16T09:00:00.000000Z"
RUN: dict[str, object] = {
    "started_at": "2026-03-16T08:45:00.000000Z",
    "ended_at": "2026-03-16T08:46:00.000000Z",
    "command": "run",
    "captures": 3,
    "failures": 0,
    "exit_code": 1,
}
WELL = Status(
    at=NOW,
    origin="log.example/one",
    counts={},
    blob_bytes=0,
    leaves=10,
    keys=["00aa"],
    signed=10,
    signed_at="2026-03-16T08:46:00.000000Z",
    outcomes={},
    verdicts={},
    resolutions={},
    scheduled=100,
    waiting=40,
    next_due="2026-03-16T09:10:00.000000Z",
    hosts=[],
    runs=[RUN],
    older={},
    replaced=0,
    vouching=[],
    unanswered=[],
    exposed=None,
    backlog=Backlog(scheduled=100, due=12, waiting=40),
    disk=Disk(free=50 << 30, total=100 << 30),
    last_success="2026-03-16T08:46:00.000000Z",
    last_ended="2026-03-16T08:46:00.000000Z",
)


def route(name: str, day: routes.Counts, *, last: str = "") -> routes.Route:
    state = routes.state_of(day, day)
    return routes.Route(name=name, platform=name.partition(".")[0], day=day, week=day, last_answer=last, state=state)


def asked(*found: routes.Route) -> dict[str, Any]:
    return {"routes": list(found), "platforms": routes.platforms(found)}


def run(**changes: object) -> dict[str, Any]:
    return {"runs": [RUN | changes]}


def test_failures_that_are_tried_again_are_no_trouble() -> None:
    assert judge(WELL) == health.Health(verdict=OK, troubles=[])


@pytest.mark.parametrize(
    ("changes", "key", "level", "told"),
    [
        (run(exit_code=4), "integrity", BROKEN, "does not agree"),
        (run(exit_code=5), "integrity", BROKEN, "does not agree"),
        (run(exit_code=2), "input", ATTENTION, "could not use a seed"),
        (run(ended_at=None, exit_code=None), "died", ATTENTION, "did not end"),
        (run(started_at="2026-03-17T08:45:00.000000Z"), "clock", ATTENTION, "still to come"),
        ({"holder": Holder(pid=7, silent=7200.0)}, "stuck", BROKEN, "may be stuck"),
        ({"last_ended": "2026-03-15T08:00:00.000000Z"}, "silent", ATTENTION, "2026-03-15 08:00Z"),
        ({"last_ended": "2026-03-01T08:00:00.000000Z"}, "silent", BROKEN, "no run has ended since"),
        ({"disk": Disk(free=100 << 20, total=1 << 30)}, "disk", ATTENTION, "105 MB are free"),
        ({"disk": Disk(free=10 << 20, total=1 << 30)}, "disk", BROKEN, "10.5 MB"),
        ({"disk": Disk(free=9 << 30, total=90 << 30, growth=5 << 30)}, "disk", ATTENTION, "5.4 GB a week"),
        ({"keys": []}, "unsigned", ATTENTION, "no key"),
        ({"signed": 4, "signed_at": "2026-03-14T00:00:00.000000Z"}, "unsigned", ATTENTION, "6 leaves"),
        ({"backlog": Backlog(overdue=900, before=800, oldest=NOW)}, "backlog", ATTENTION, "900 refs"),
        (asked(route("x.syndication", (0, 6, 2))), "platform x", ATTENTION, "6 refused, 2 failed"),
        (asked(route("x.a", (9, 0, 0)), route("x.b", (0, 0, 5))), "route x.b", ATTENTION, "x.b answers nothing"),
        (
            {"hooks": [Waits(channel="webhook", events=3, since="2026-03-16T01:00:00.000000Z", failing="")]},
            "hook webhook",
            ATTENTION,
            "3 events",
        ),
        (
            {
                "unanswered": [
                    Unanswered(kind="ots", service="a", size=9, due_at=NOW, attempts=30, last="it answered 500")
                ]
            },
            "anchor ots a",
            ATTENTION,
            "it answered 500",
        ),
    ],
)
def test_each_trouble_is_named_with_a_next_step(changes: dict[str, Any], key: str, level: str, told: str) -> None:
    found = judge(replace(WELL, **changes))
    assert found.verdict == level
    (trouble,) = found.troubles
    assert (trouble.key, trouble.level) == (key, level)
    assert told in trouble.what
    assert len(trouble.next) > 10


@pytest.mark.parametrize(
    "changes",
    [
        {"backlog": Backlog(overdue=900, before=1200, oldest=NOW)},  # it is being worked off
        {"backlog": Backlog(overdue=4, oldest=NOW)},
        {"backlog": Backlog(scheduled=9, switched_off=9)},
        {"last_success": "2026-03-01T08:00:00.000000Z"},  # a seed cannot be used since then, and runs end
        {"last_ended": "2026-03-01T08:00:00.000000Z", "backlog": Backlog()},  # nothing is due, so nobody ran
        {"holder": Holder(pid=7, silent=60.0), **run(ended_at=None, exit_code=None)},
        asked(route("x.a", (0, 0, 4))),  # too few
        asked(route("x.a", (1, 30, 0)), route("x.b", (9, 0, 0))),
        asked(route("web.page", (2, 1, 40))),  # many hosts, of which some answer
        {"hooks": [Waits(channel="webhook", events=3, since="2026-03-16T08:30:00.000000Z", failing="")]},
        {"unanswered": [Unanswered(kind="ots", service="a", size=9, due_at=NOW, attempts=2, last="")]},
        {"signed": 4},
        {"disk": Disk()},
    ],
)
def test_what_heals_itself_needs_nobody(changes: dict[str, Any]) -> None:
    assert judge(replace(WELL, **changes)).verdict == OK


def test_the_worst_trouble_is_the_verdict() -> None:
    found = judge(replace(WELL, keys=[], disk=Disk(free=1, total=9)))
    assert (found.verdict, [one.key for one in found.troubles]) == (BROKEN, ["disk", "unsigned"])


# ---- of real runs -----------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[story.World, Desk]]:
    with story.playing() as world:
        world.x.busy.clear()
        yield world, Desk(tmp_path, world.configure(tmp_path))


def test_status_says_how_it_is_which_routes_work_and_why(desk: tuple[story.World, Desk]) -> None:
    world, house = desk
    seed = house.seed("list.txt", lines([world.paper.url("/story")]))
    assert house.call("run", seed).code in (0, 1)
    shown = house.call("status")
    assert shown.out.startswith("Health: ok; the last run that ended well:")
    assert "x.syndication: works; since yesterday" in shown.out
    told = house.call("status", "--json").json
    assert told["health"] == {"verdict": "ok", "troubles": []}
    assert {one["name"] for one in told["routes"]} >= {"x.syndication", "web.page"}
    assert house.call("status", "--check").code == 0
    for table in ("documents", "mentions", "posts", "versions", "captures", "blobs", "edges", "matches"):
        assert told["counts"][table] == house.value(f"SELECT count(*) FROM {table}"), table
    assert told["blob_bytes"] == house.value("SELECT sum(size) FROM blobs")
    outcomes = dict(house.table("SELECT outcome, count(*) FROM posts WHERE outcome <> '' GROUP BY outcome"))
    assert told["outcomes"] == outcomes
    counted = house.table("SELECT count(*) FROM captures WHERE tier = 'wire' AND route = 'syndication'")
    assert sum(next(one["day"] for one in told["routes"] if one["name"] == "x.syndication")) == counted[0][0]
    with closing(sqlite3.connect(house.db)) as db:
        db.execute("UPDATE work_runs SET exit_code = 4")
        db.commit()
    assert house.call("status", "--check").code == 4
    assert house.call("status").code == 0


def test_a_killed_run_is_told_until_the_next_one_ends(desk: tuple[story.World, Desk]) -> None:
    world, house = desk
    seed = house.seed("list.txt", lines([world.paper.url("/story")]))
    house.call("run", seed)
    with closing(sqlite3.connect(house.db)) as db:
        db.execute("INSERT INTO work_runs (started_at, command) VALUES ('2026-01-01T00:00:00.000000Z', 'run')")
        db.commit()
    killed = house.call("status", "--check")
    assert killed.code == 1
    assert "did not end" in killed.out
    house.call("run", seed)
    assert house.call("status", "--check").code == 0


def test_a_platform_that_answers_nothing_is_told_and_one_that_heals_is_not(desk: tuple[story.World, Desk]) -> None:
    world, house = desk
    ids = [1850000000000000000 + n * 10**12 for n in range(6)]
    seed = house.seed("list.txt", lines(f"https://x.com/a/status/{id}" for id in ids))
    world.x.server.respond = lambda target, raw: story.message(b"", status="403 Forbidden")
    assert house.call("run", seed).code == 1
    told = house.call("status", "--json").json
    assert told["platforms"]["x"] == "fails"
    assert [one["key"] for one in told["health"]["troubles"]] == ["platform x"]
    with closing(open_reader(house.db)) as archive:
        counted = {one.name: one.day for one in routes.routes(archive, told["at"])}
    rows = house.table(
        "SELECT 'x.' || route, count(*) FROM captures WHERE tier = 'wire' AND platform = 'x' GROUP BY route"
    )
    assert {name: sum(counted[name]) for name, _ in rows} == dict(rows)


def test_routes_are_counted_once_also_after_work_was_lost(desk: tuple[story.World, Desk]) -> None:
    world, house = desk
    seed = house.seed("list.txt", lines([world.paper.url("/story")]))
    house.call("run", seed)
    before = house.table("SELECT * FROM work_routes ORDER BY route")
    house.call("run", seed)
    assert house.table("SELECT * FROM work_routes ORDER BY route") == before
    assert house.call("rebuild").code == 0
    house.call("run", seed)
    assert house.table("SELECT * FROM work_routes ORDER BY route") == before
    with closing(sqlite3.connect(house.db)) as db:
        db.execute("DELETE FROM work_routes")
        db.execute("DELETE FROM work_state WHERE name = 'told routes'")
        db.commit()
    counted = house.call("status", "--json").json["routes"]
    assert {one["name"]: one["day"] for one in counted} == {row[0]: list(row[2:5]) for row in before}


@pytest.mark.parametrize(
    ("capture", "told"),
    [
        ({"own": "live"}, 0),
        ({"own": "deleted", "status": 404}, 0),
        ({"own": "rate-limited", "status": 429}, 1),
        ({"own": "refused", "status": 200}, 1),
        ({"own": "unreadable", "status": 200}, 2),
        ({"own": "unreachable", "failure": "timeout"}, 2),
        ({"own": "blocked", "failure": "blocked"}, None),
        ({"own": "unreachable", "failure": "blocked"}, None),
        ({"own": "too-large", "failure": "too-large"}, None),
        ({"outcomes": "unknown,live"}, 0),
        ({"status": 302}, None),
        ({"status": 304}, 0),
        ({"status": 503}, 1),
        ({"status": 404}, None),
        ({"failure": "reset"}, 2),
    ],
)
def test_what_a_capture_says_of_its_route(capture: dict[str, Any], told: int | None) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        row = {"own": None, "outcomes": None, "status": None, "failure": ""} | capture
        sql = "SELECT " + ", ".join(f"? AS {name}" for name in row)
        assert routes.told(db.execute(sql, tuple(row.values())).fetchone()) == told


@pytest.mark.parametrize(
    ("day", "week", "state"),
    [
        ((0, 0, 0), (0, 0, 0), "unknown"),
        ((0, 0, 2), (0, 0, 2), "unknown"),
        ((0, 0, 2), (5, 0, 2), "works"),
        ((0, 1, 2), (90, 1, 2), "fails"),
        ((1, 2, 0), (1, 2, 0), "partly"),
        ((2, 1, 1), (2, 1, 1), "works"),
    ],
)
def test_how_a_route_is_called(day: routes.Counts, week: routes.Counts, state: str) -> None:
    assert routes.state_of(day, week) == state


def test_a_backlog_that_grows_is_seen_from_what_runs_left(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with open_session(path, load(None, environment={}), now=lambda: NOW):
        pass  # readings are made
    archive = open_archive(path, now=NOW, origin="log.example/one")
    for n in range(9):
        archive.db.execute(
            "INSERT INTO work_queue (ref, host, purpose, depth, priority, added_at, due_at, attempts) "
            "VALUES (?, 'x.example', 'post', 0, 0, ?, '2026-03-14T00:00:00.000000Z', ?)",
            (f"x:post:{n}", NOW, n % 2),
        )
    for day, overdue in (("14", 8), ("15", 7)):
        archive.db.execute(
            "INSERT INTO work_runs (started_at, ended_at, command, summary, exit_code) VALUES (?1, ?1, 'run', ?2, 0)",
            (f"2026-03-{day}T08:00:00.000000Z", json.dumps({"overdue": overdue})),
        )
    status = status_of(archive, now=lambda: NOW)
    assert (status.backlog.due, status.backlog.overdue, status.backlog.before, status.waiting) == (9, 9, 7, 4)
    assert "backlog" in [one.key for one in judge(status).troubles]
    off = status_of(archive, now=lambda: NOW, off=lambda host: host == "x.example")
    assert (off.backlog.due, off.backlog.overdue, off.backlog.switched_off, off.scheduled) == (0, 0, 9, 9)
    archive.close()


def test_an_archive_of_an_older_schema_can_be_asked(desk: tuple[story.World, Desk]) -> None:
    world, house = desk
    house.call("run", house.seed("list.txt", lines([world.paper.url("/story")])))
    now = house.call("status", "--json").json
    with closing(sqlite3.connect(house.db)) as db:
        for table in ("work_days", "work_routes", "work_told", "tallies"):
            db.execute(f"DROP TABLE {table}")
    older = house.call("status", "--json").json
    for name in ("counts", "blob_bytes", "outcomes", "verdicts", "resolutions", "scheduled", "leaves"):
        assert older[name] == now[name], name
