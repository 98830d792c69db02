"""Overview, seeds, runs and queue: what they say is what the archive holds, whatever stands in it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver import cli_verify
from archiver.cli import main
from archiver.datasette_plugin.rooms import home, queue, runs
from archiver.net.clock import time_of
from archiver.net.uid import new_uid, uuid7
from archiver.store import tallies
from archiver.store.archive import open_archive
from archiver.store.schema import create
from tests.datasette_plugin.opening import Room

EVIL = '"><script>alert(1)</script>\u202e\u0007'


@pytest.fixture(scope="module")
def sql(db: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


@pytest.fixture
def own(db: Path, tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, Room]]:
    """A copy of the archive that a test may change, and a room on it."""
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    opened = Room(copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        yield connection, opened
    opened.close()


def one(sql: sqlite3.Connection, query: str, *given: object) -> object:
    return sql.execute(query, given).fetchone()[0]


# ---- overview ---------------------------------------------------------------------------------------------------


def test_the_overview_says_what_is_there(room: Room, sql: sqlite3.Connection) -> None:
    found = room.json("/archive/-/home.json")
    for name in (
        "documents",
        "mentions",
        "posts",
        "versions",
        "edits",
        "edges",
        "media",
        "captures",
        "blobs",
        "unread",
    ):
        assert found["holds"][name] == one(sql, f"SELECT count(*) FROM {name}"), name
    assert found["holds"]["bytes"] == one(sql, "SELECT sum(size) FROM blobs")
    assert found["holds"]["failed_captures"] == one(sql, "SELECT count(*) FROM captures WHERE failure <> ''")
    for key, query in (
        ("outcomes", "SELECT outcome, count(*) FROM posts GROUP BY 1"),
        ("platforms", "SELECT platform, count(*) FROM posts GROUP BY 1"),
        ("verdicts", "SELECT verdict, count(*) FROM matches WHERE rank = 0 GROUP BY 1"),
        ("resolutions", "SELECT status, count(*) FROM resolutions GROUP BY 1"),
    ):
        assert {row["word"]: row["n"] for row in found[key]} == dict(sql.execute(query)), key
    assert found["whole"]["leaves"] == one(sql, "SELECT count(*) FROM log_leaf")
    assert found["whole"]["signed"] == 0, "a recording that is replayed is signed by nobody"
    assert not found["whole"]["rebuild"]
    assert found["whole"]["captures_not_read"] == 0
    assert {event["kind"] for event in found["lately"]} >= {"gone", "edited"}
    assert {row["verdict"] for row in found["altered"]} == {"altered", "spliced"}


def test_the_overview_shows_what_its_json_says(room: Room) -> None:
    page, found = room.text("/archive/-/home"), room.json("/archive/-/home.json")
    assert f"<b>{found['holds']['posts']}</b>" in page
    assert "nineteen people" in page
    assert f'href="/archive/-/capture/{found["fresh"]["capture"]["uid"]}"' in page
    assert "a recording that was replayed" in page
    assert "not signed" in page
    for name in ("documents", "quotations", "gone", "media", "custody", "seeds", "runs", "queue"):
        assert f'href="/archive/-/{name}' in page, name


def test_the_overview_names_a_command_that_exists_and_documents_as_other_pages_do(room: Room) -> None:
    page = room.text("/archive/-/home")
    (option,) = re.findall(r"archiver verify (--[a-z]+)", page)
    assert option in {name for parameter in cli_verify.verify.params for name in parameter.opts}
    assert ">bulletin.txt</a>" in page.replace("<bdi>", "").replace("</bdi>", "")
    assert "seed:data" not in page.split("<main")[1].split("<footer")[0].split("The SQL of this page")[0]


def test_nothing_compared_is_not_called_faithful(tmp_path: Path) -> None:
    text, recording = tmp_path / "text.txt", tmp_path / "recording"
    text.write_text("“The bridge is older than the harbour wall, and nobody asked for it to be closed for so long.”\n")
    recording.mkdir()
    (recording / "index.json").write_text("[]", "utf-8")
    db = tmp_path / "archive.db"
    asked = ["run", str(text), "--replay", str(recording), "--db", str(db)]
    assert CliRunner().invoke(main, asked, catch_exceptions=False).exit_code in (0, 1)
    opened = Room(db)
    try:
        page = opened.text("/archive/-/home")
    finally:
        opened.close()
    assert "No quotation was compared with a post yet." in page
    assert "None of the quotations that were compared" not in page
    assert re.search(r"<b>1</b> <a [^>]*>document</a>", page)


def test_datasettes_first_pages_tell_it_in_short(room: Room, sql: sqlite3.Connection) -> None:
    for path in ("/", "/archive"):
        page = room.text(path)
        assert 'href="/archive/-/home"' in page
        short = page.split('class="qc-short"')[1].split("</div>")[0]
        assert f"<b>{one(sql, 'SELECT count(*) FROM captures')}</b>" in short
        assert 'href="/archive/-/quotations?verdict=altered"' in short


def test_nothing_is_told_in_short_to_who_may_not_see_it(db: Path) -> None:
    closed = Room(db, metadata={"databases": {"archive": {"tables": {"posts": {"allow": False}}}}})
    try:
        assert "qc-number" not in closed.text("/archive")
        assert closed.get("/archive/-/home").status_code == 403
    finally:
        closed.close()


def test_an_empty_archive_says_what_to_do_first(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "archive.db", now="2026-03-16T09:00:00.000000Z", origin="empty.example/log")
    with archive.transaction():
        create(archive.db)
    archive.close()
    empty = Room(tmp_path / "archive.db")
    try:
        page = empty.text("/archive/-/home")
        assert "This archive is empty" in page
        assert "archiver run article.html" in page
        assert empty.json("/archive/-/home.json")["holds"]["posts"] == 0
        assert "archiver run article.html" in empty.text("/archive")
        for name, said in (
            ("seeds", "No seed was given"),
            ("runs", "No run is known"),
            ("queue", "Nothing is planned"),
        ):
            assert said in empty.text(f"/archive/-/{name}")
    finally:
        empty.close()


def test_what_is_not_whole_is_said(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    db.execute("UPDATE work_state SET value = '1' WHERE name = 'read_upto'")
    db.execute("UPDATE work_state SET value = '3' WHERE name = 'readings_version'")
    leaf = one(db, "SELECT max(idx) FROM log_leaf")
    db.execute("INSERT INTO log_leaf (origin, idx, data, hash) VALUES (1, ?, x'', x'')", (int(str(leaf)) + 1,))
    at = "2026-04-01T09:00:00.000000Z"
    db.execute("INSERT INTO fixities (origin, leaf, at, checked, wrong) VALUES (1, ?, ?, 9, 2)", (leaf, at))
    db.execute("INSERT INTO log_checkpoint (origin, size, root, note, at) VALUES (1, 5, x'', '', ?)", (at,))
    whole = room.json("/archive/-/home.json")["whole"]
    assert whole["rebuild"] is True
    assert whole["captures_not_read"] == one(db, "SELECT count(*) FROM captures WHERE leaf > 1")
    assert (whole["signed"], whole["fixity"]["wrong"]) == (5, 2)
    page = room.text("/archive/-/home")
    for said in ("of another version", "signed in part", "2 wrong"):
        assert said in page


# ---- seeds ------------------------------------------------------------------------------------------------------


def test_every_seed_is_listed_with_its_coverage(room: Room, sql: sqlite3.Connection) -> None:
    found = room.json("/archive/-/seeds.json")
    names = [row[0] for row in sql.execute("SELECT DISTINCT url FROM captures WHERE tier = 'import' ORDER BY url")]
    assert [seed["url"] for seed in found["seeds"]] == names
    for seed in found["seeds"]:
        covered = seed["coverage"]
        assert covered["captured"] + covered["gone"] + covered["unseen"] + covered["unresolved"] == seed["mentions"]
        assert seed["queued"]["planned"] == one(
            sql, "SELECT count(*) FROM work_queue WHERE seed = ? AND due_at IS NOT NULL", seed["name"]
        )
    resolved = one(
        sql,
        "SELECT count(*) FROM resolutions s JOIN mentions m ON m.id = s.mention JOIN documents d ON d.id = m.document "
        "JOIN captures c ON c.id = d.capture WHERE s.status = 'resolved' AND c.tier = 'import'",
    )
    assert sum(s["coverage"][k] for s in found["seeds"] for k in ("captured", "gone", "unseen")) == resolved
    page = room.text("/archive/-/seeds")
    assert "no address of a post stands in it" in page
    assert 'aria-current="page">Seeds</a>' in page


def test_seeds_of_a_collection_and_by_name(room: Room) -> None:
    every = room.json("/archive/-/seeds.json")
    name = every["collections"][0]["name"]
    chosen = room.json(f"/archive/-/seeds.json?collection={name}")
    assert 0 < len(chosen["seeds"]) <= len(every["seeds"])
    assert room.json("/archive/-/seeds.json?collection=none")["seeds"] == []
    assert "No seed of this name" in room.text("/archive/-/seeds?q=zzz")
    first = every["seeds"][0]["name"]
    assert [s["name"] for s in room.json(f"/archive/-/seeds.json?q={first}")["seeds"]] == [first]


def test_pages_of_seeds_hold_each_once(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    leaf = int(str(one(db, "SELECT max(idx) FROM log_leaf")))
    for number in range(60):
        imported(db, leaf + 1 + number, f"seed:more-{number:03}")
    seen, path = [], "/archive/-/seeds.json?q=more-"
    while path:
        found = room.json(path)
        seen += [seed["name"] for seed in found["seeds"]]
        path = found["more"].replace("/-/seeds?", "/-/seeds.json?")
    assert seen == [f"more-{number:03}" for number in range(60)]


def imported(db: sqlite3.Connection, leaf: int, url: str, ref: str = "doc:document:0") -> None:
    db.execute("INSERT INTO log_leaf (origin, idx, data, hash) VALUES (1, ?, x'', x'')", (leaf,))
    db.execute(
        "INSERT INTO captures (uid, origin, leaf, tier, platform, route, ref, request, method, url, observed_at, "
        "recorded_at, ended_at, sent, response_head, failure, detail, tool_version, config_sha256) VALUES "
        "(?, 1, ?, 'import', 'web', 'seed', ?, '{}', 'GET', ?, '', '', '', x'', x'', ?, ?, '0', '')",
        (new_uid(), leaf, ref, url, "dns" if "fail" in url else "", EVIL),
    )


# ---- runs -------------------------------------------------------------------------------------------------------


def test_runs_tell_what_they_captured_and_what_failed(room: Room, sql: sqlite3.Connection) -> None:
    found = room.json("/archive/-/runs.json")
    rows = sql.execute("SELECT started_at, captures, exit_code FROM work_runs ORDER BY id DESC").fetchall()
    assert [(r["started_at"], r["captures"], r["exit_code"]) for r in found["runs"]] == rows
    failed = sum(one["n"] for run in found["runs"] for one in run["failed"])
    assert failed == one(sql, "SELECT count(*) FROM captures WHERE failure <> ''")
    started = found["runs"][0]["started_at"]
    assert f'href="{room_path(started)}"' in room.text("/archive/-/runs")
    every = room.json(f"{room_path(started)}.json?show=all")
    assert len(every["captures"]) == min(runs.CAPTURES, found["runs"][0]["captures"])
    assert all(capture["failure"] for capture in room.json(f"{room_path(started)}.json")["captures"])
    assert "as a table" in room.text(room_path(started))


def room_path(started: str) -> str:
    return f"/archive/-/run/{started.replace('.', '~2E')}"


def test_a_run_that_is_not_known_is_told(room: Room) -> None:
    assert "No run started at" in room.text("/archive/-/run/2020-01-01T00:00:00Z", 404)
    assert "is no time" in room.text("/archive/-/run/%3Cscript%3E", 400)
    assert "is no time" in room.text("/archive/-/runs?before=yesterday", 400)
    assert "is no time" in room.text("/archive/-/runs?before=2020-01-01", 400), "a time without a zone"
    assert "There is no show" in room.text(f"{room_path('2020-01-01T00:00:00Z')}?show=some", 400)


def test_exit_codes_in_words() -> None:
    assert runs.told(0) == runs.told(None) == []
    assert runs.told(5) == ["something stays queued", "the log is not the one that was signed"]


def test_a_run_that_did_not_end_says_so(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    db.execute("INSERT INTO work_runs (started_at, command) VALUES ('2027-01-01T00:00:00.000000Z', ?)", (EVIL,))
    db.execute("INSERT INTO work_runs (started_at, command) VALUES ('2027-01-02T00:00:00.000000Z', 'archiver run')")
    told = room.json("/archive/-/runs.json")["runs"]
    assert [run["state"] for run in told[:3]] == ["at work, or broken off", "broken off", "ended"]
    for path in ("/archive/-/runs", room_path("2027-01-01T00:00:00.000000Z")):
        harmless(room.text(path))


def test_the_uids_of_a_time_are_those_of_its_captures() -> None:
    first, last = runs.bounds("2026-03-16T09:00:00.000000Z", "2026-03-16T09:00:00.000000Z")
    ms = int(time_of("2026-03-16T09:00:00.000000Z").timestamp() * 1000)
    for low in (bytes(10), b"\xff" * 10):
        assert first <= uuid7(ms, low) < last
        assert not first <= uuid7(ms + 1, low) < last
        assert not first <= uuid7(ms - 1, low) < last


# ---- queue ------------------------------------------------------------------------------------------------------


def walk(room: Room, asked: str) -> list[str]:
    """All refs of all pages."""
    seen: list[str] = []
    path = f"/archive/-/queue.json{asked}"
    while path:
        found = room.json(path)
        seen += [row["ref"] for row in found["refs"]]
        path = found["more"].replace("/-/queue?", "/-/queue.json?")
    return seen


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("", "due_at IS NOT NULL"),
        ("?state=due", "due_at <= '2026-11-01'"),
        ("?state=failed", "due_at IS NOT NULL AND attempts > 0"),
        ("?state=settled", "due_at IS NULL"),
        ("?host=h3.example", "due_at IS NOT NULL AND host = 'h3.example'"),
        ("?host=h3.example&state=failed", "due_at IS NOT NULL AND host = 'h3.example' AND attempts > 0"),
        ("?seed=s1.html&state=due", "due_at <= '2026-11-01' AND seed = 's1.html'"),
    ],
    ids=("planned", "due", "failed", "settled", "host", "host failed", "seed due"),
)
def test_each_ref_of_the_queue_stands_on_one_page(own: tuple[sqlite3.Connection, Room], asked: str, where: str) -> None:
    db, room = own
    db.execute("DELETE FROM work_queue")
    times = ("2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z", None)
    rows = [
        (f"x:post:{n}", f"h{n % 5}.example", f"s{n % 3}.html", times[n % 3] if n % 4 else times[0], n % 2)
        for n in range(400)
    ]
    db.executemany("INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, due_at, attempts) "
                   "VALUES (?, ?, 'post', 0, ?, 1, '', ?, ?)", rows)  # fmt: skip
    wanted = [row[0] for row in db.execute(f"SELECT ref FROM work_queue WHERE {where} ORDER BY due_at, ref")]
    assert len(wanted) > 10
    assert walk(room, asked) == wanted


def test_a_seed_that_is_kept_no_longer_is_told_with_the_reason(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    name = one(db, "SELECT substr(url, 6) FROM captures WHERE tier = 'import' AND url <> '' ORDER BY url LIMIT 1")
    assert "kept no longer" not in room.text("/archive/-/seeds")
    db.execute("INSERT OR REPLACE INTO work_seeds (seed, seen_at, dropped_at, reason) "
               "VALUES (?, '', '2026-03-01T00:00:00Z', ?)", (name, f"the case is closed {EVIL}"))  # fmt: skip
    told = room.text("/archive/-/seeds")
    assert "kept no longer since" in told
    assert "the case is closed" in told
    assert "<script>alert" not in told


def test_why_nothing_is_looked_at_again_and_who_is_left_alone_is_told(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    db.execute("DELETE FROM work_queue")
    ref = db.execute("SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id ORDER BY r.ref LIMIT 1").fetchone()[0]
    ends = ((ref, "post", 0), ("web:media:https://m.example/1", "media", 1), ("x:post:9", "post", 1))
    db.executemany("INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, kept, last_at) "
                   "VALUES (?, 'h.example', ?, 0, 's.txt', 1, '', ?, '2026-03-01T00:00:00Z')", ends)  # fmt: skip
    told = room.text("/archive/-/queue?state=settled")
    assert all(why in told for why in ("none: no seed keeps it", "none: it was answered", "none: its watch is over"))
    assert "none: no seed keeps it" in room.text(f"/archive/-/post/{ref}")
    db.execute("UPDATE work_queue SET kept = 1")
    assert "none: its watch is over" in room.text(f"/archive/-/post/{ref}")
    db.execute("INSERT OR REPLACE INTO work_hosts (host, not_before, failures, opened_at) "
               "VALUES ('h.example', '2099-01-01T00:00:00Z', 7, '2026-03-01T00:00:00Z')")  # fmt: skip
    assert ": 7 requests in a row failed" in room.text("/archive/-/queue")
    db.execute("UPDATE work_hosts SET failures = 0, opened_at = ''")
    assert ": it asked for that" in room.text("/archive/-/queue")


def test_pages_of_one_queue_have_titles_of_their_own(room: Room) -> None:
    queue = "/archive/-/queue"
    asked = ("", "?host=t.co", "?seed=data/demo/seeds/notes.md", "?state=due")
    titles = [re.findall(r"<title>(.*?)</title>", room.text(queue + one)) for one in asked]
    assert titles[1] == ["Queue of t.co in archive"]
    assert len({title for (title,) in titles}) == len(asked)


def test_the_queue_tells_its_hosts(room: Room, sql: sqlite3.Connection) -> None:
    hosts = [row[0] for row in sql.execute("SELECT DISTINCT host FROM work_queue ORDER BY host")]
    found = room.json("/archive/-/queue.json")
    assert [row["host"] for row in found["hosts"]] == hosts[: queue.HOSTS]
    assert all(row["next"] for row in found["hosts"] if row["failed"])


def test_what_cannot_be_asked_of_the_queue_is_told(room: Room) -> None:
    assert "not of both" in room.text("/archive/-/queue?host=a&seed=b", 400)
    assert "There is no state" in room.text("/archive/-/queue?state=all", 400)
    assert "Nothing" in room.text("/archive/-/queue?host=none.example")


# ---- hostile, large, and searched by index ----------------------------------------------------------------------


def harmless(page: str) -> None:
    page = re.sub(r' value="[^"]*"', "", page)  # a form gives back what was typed, whatever it was
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert '"><script>' not in page


def test_nothing_that_stands_in_the_archive_runs(own: tuple[sqlite3.Connection, Room]) -> None:
    db, room = own
    leaf = int(str(one(db, "SELECT max(idx) FROM log_leaf")))
    started = "2020-01-01T00:00:00.000000Z"
    run = (started, "2099-01-01T00:00:00Z", EVIL)
    db.execute("INSERT INTO work_runs (started_at, ended_at, command, exit_code) VALUES (?, ?, ?, 7)", run)
    imported(db, leaf + 1, f"seed:{EVIL}", ref=f"x:post:{EVIL}")
    imported(db, leaf + 2, f"seed:fail{EVIL}", ref=f"web:page:{EVIL}")
    db.execute("UPDATE work_queue SET host = ?, seed = ?, last_outcome = ?, last_at = ?, purpose = ?", (EVIL,) * 5)
    db.execute("UPDATE collections SET name = ?", (EVIL,))
    db.execute("UPDATE documents SET title = ?", (EVIL,))
    db.execute("UPDATE resolutions SET reason = ?, status = ?", (EVIL, EVIL))
    db.execute("UPDATE mentions SET quoted = ?, handle = ?", (EVIL, EVIL))
    db.execute("UPDATE posts SET text = ?, handle = ?, platform = ?, outcome = ?", (EVIL,) * 4)
    for path in (
        "home",
        "seeds",
        "runs",
        "queue",
        "run/2020-01-01T00:00:00~2E000000Z",
        "run/2020-01-01T00:00:00~2E000000Z?show=all",
    ):
        harmless(room.text(f"/archive/-/{path}"))
    harmless(room.text("/archive"))
    quoted = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE"
    for path in (
        f"queue?host={quoted}",
        f"seeds?q={quoted}",
        f"seeds?collection={quoted}",
        f"queue?seed={quoted}&ref=1&due=2",
    ):
        harmless(room.text(f"/archive/-/{path}"))


def test_every_query_of_these_pages_uses_an_index(room: Room, sql: sqlite3.Connection) -> None:
    big = {"captures", "posts", "mentions", "matches", "resolutions", "work_queue", "outcomes", "blobs", "refs"}
    big |= {"events", *"cmpqorxye"}
    for path in (
        "home",
        "seeds",
        "seeds?collection=seeds",
        "runs",
        "queue",
        "queue?state=failed&due=1&ref=2",
        "queue?host=a&state=due",
    ):
        name, _, more = path.partition("?")
        for query in room.json(f"/archive/-/{name}.json?{more}")["queries"]:
            plan = [row[3] for row in sql.execute(f"EXPLAIN QUERY PLAN {query['sql']}", query["parameters"])]
            for step in plan:
                scan = re.fullmatch(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX \w+)?", step)
                ordered = "LIMIT" in query["sql"] and "USING" in step
                assert scan is None or scan[1] not in big or ordered, (query["name"], step)


def test_a_count_that_lags_is_told_by_nobody_but_the_rows(own: tuple[sqlite3.Connection, Room]) -> None:
    """Sums over evidence that are remembered from earlier are carried on to the last row."""
    db, room = own
    before = room.json("/archive/-/home.json")["holds"]
    held = [3, 2, [["x", "", 3]], 2, 10]
    db.execute("INSERT OR REPLACE INTO work_state (name, value) VALUES (?, ?)", (tallies.STATE, json.dumps(held)))
    size = int(str(one(db, "SELECT sum(size) FROM blobs WHERE id <= 2")))
    after = room.json("/archive/-/home.json")["holds"]
    assert after["captures"] == before["captures"]
    assert after["bytes"] == before["bytes"] - size + 10
    assert home.MOST > 0
