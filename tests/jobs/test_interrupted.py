"""Runs that are killed, interrupted or refused: nothing is lost, nothing twice, and nobody waits."""

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import story
from playing import Reply, message
from running import Desk, lines, sound

from archiver.jobs.holding import holder


@pytest.fixture
def world() -> Iterator[story.World]:
    with story.playing() as world:
        yield world


def desk_of(world: story.World, folder: Path, *, pause: float = 0.0) -> tuple[Desk, Path]:
    for server in world.servers:
        server.pause = pause
    desk = Desk(folder, world.configure(folder))
    return desk, desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")]))


POSTS = (
    "SELECT r.ref, p.handle, p.text, p.posted_at, p.outcome, p.versions FROM posts p JOIN refs r ON r.id = p.id "
    "ORDER BY r.ref"
)
EDGES = (
    "SELECT e.kind, s.ref, t.ref, e.evidence FROM edges e JOIN refs s ON s.id = e.source "
    "JOIN refs t ON t.id = e.target ORDER BY 1, 2, 3, 4"
)
VERDICTS = "SELECT m.quoted, x.verdict FROM matches x JOIN mentions m ON m.id = x.mention ORDER BY 1, 2"
AGAIN = (
    "SELECT max(n) FROM (SELECT count(*) AS n FROM captures WHERE route NOT IN ('did', 'plc-log') AND status <> 429 "
    "GROUP BY url)"
)


def test_a_run_that_was_killed_is_taken_up_where_it_stood(world: story.World, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole, seed = desk_of(world, tmp_path / "whole")
    assert whole.call("run", seed).code == 0
    world.x.busy[world.tweets["busy"].id] = "1"
    for server in world.servers:
        server.log.clear()
    (tmp_path / "killed").mkdir()
    desk, seed = desk_of(world, tmp_path / "killed", pause=0.05)
    kills = 0
    for wanted in (4, 12):
        running = desk.start("run", seed)
        while running.poll() is None and len(world.log()) < wanted:
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=10)
        assert running.returncode == -signal.SIGKILL
        kills += 1
        sound(desk)
        assert desk.value("SELECT count(*) FROM captures WHERE route = 'seed'") == 1
    between = desk.value("SELECT count(*) FROM captures")
    assert 0 < between < whole.value("SELECT count(*) FROM captures"), "it was killed in the middle"
    ended = desk.call("run", seed)
    print(f"{kills} kills, {between} captures kept, {len(world.log())} requests in all")
    assert ended.code == 0
    sound(desk)
    for query in (POSTS, EDGES, VERDICTS):
        assert desk.table(query) == whole.table(query)
        assert desk.table(query)
    assert whole.value(AGAIN) == 1
    assert desk.value(AGAIN) <= 1 + kills, "a look that was not over at a kill is made again"
    kept = Counter(row[0] for row in desk.table("SELECT sent FROM captures WHERE tier = 'wire'"))
    asked = Counter(asked.raw for asked in world.log())
    assert not kept - asked, "nothing is recorded that was not asked"
    assert sum((asked - kept).values()) <= kills * len(world.servers) * 4, "only what was under way at a kill"
    orphans = "SELECT count(*) FROM blob_chunks WHERE blob_id NOT IN (SELECT id FROM blobs)"
    assert desk.value(orphans) == 0
    check = desk.call("rebuild", "--check", "--json")
    assert (check.code, check.json["differences"]) == (0, {})


def test_an_interrupted_run_ends_at_once_though_a_server_asked_for_a_pause(world: story.World, tmp_path: Path) -> None:
    desk, seed = desk_of(world, tmp_path)
    world.x.busy[world.tweets["busy"].id] = "45"
    running = desk.start("run", seed)
    busy = f"id={world.tweets['busy'].id}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not any(busy in target for target in world.x.server.targets()):
        time.sleep(0.01)
    time.sleep(0.3)
    assert running.poll() is None, "it waits for the server's pause to be over"
    _interrupt(running)
    assert [busy in target for target in world.x.server.targets()].count(True) == 1, "and does not ask before it"
    sound(desk)
    assert desk.call("run", seed).code in (0, 1)
    assert desk.call("rebuild", "--check").code == 0


def test_an_interrupted_run_does_not_wait_for_a_server_that_hangs(world: story.World, tmp_path: Path) -> None:
    desk, seed = desk_of(world, tmp_path)
    world.blog.pages["/notes"] = Reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", then="hang")
    running = desk.start("run", seed)
    assert world.blog.server.wait_for(1)
    assert world.bluesky.net.connections == 0
    time.sleep(0.3)
    _interrupt(running)
    sound(desk)
    world.blog.pages["/notes"] = message(b"<p>nothing</p>", "Content-Type: text/html")
    assert desk.call("run", seed).code == 0


def _interrupt(running: "subprocess.Popen[str]") -> None:
    since = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=40)
    assert time.monotonic() - since < 20.0, "nobody waited for the server's pause, or for what hangs"
    assert running.returncode not in (0, -signal.SIGINT)
    assert "Traceback" not in told, told


def test_two_runs_at_once_are_one_too_many(world: story.World, tmp_path: Path) -> None:
    desk, seed = desk_of(world, tmp_path)
    came, free, respond = threading.Event(), threading.Event(), world.paper.server.respond

    def held_up(target: str, raw: bytes) -> Reply:
        came.set()
        free.wait(60)
        return respond(target, raw)

    world.paper.server.respond = held_up
    first = desk.start("run", seed)
    assert came.wait(20)
    second = desk.call("run", seed)
    assert second.code == 1, "nothing is wrong with what was given, and nothing was done"
    (told,) = second.err.splitlines()
    assert f"another archiver is at work on this archive: run, process {first.pid} on " in told
    assert "last sign of life" in told
    assert str(desk.db) in told
    quiet = desk.call("run", seed, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", ""), "cron has no mail of a run that takes long"
    held = holder(desk.db)
    assert held is not None
    assert (held.pid, held.doing, held.stuck) == (first.pid, "run", False)
    status = desk.call("status", "--json")
    assert status.code == 0, "reading is never refused"
    assert first.poll() is None, "the first is still at work"
    free.set()
    _, told = first.communicate(timeout=60)
    assert first.returncode == 0, told
    assert holder(desk.db) is None
    sound(desk)
    assert desk.value(AGAIN) == 1


def test_offline_asks_nobody_and_loses_nothing(world: story.World, tmp_path: Path) -> None:
    world.x.busy.clear()
    desk, seed = desk_of(world, tmp_path)
    text = desk.seed("note.md", f"> {story.FIRST}\n\n— Vera Quill (@vera_quill) October 24, 2024\n")
    ended = desk.call("run", seed, text, "--offline", "--json")
    assert (ended.code, ended.json["offline"], ended.json["captures"]) == (0, True, 0)
    assert ended.json["scheduled"] == 2
    added = desk.call("add", seed, "--json")
    assert (added.code, added.json["known"]) == (0, 1)
    assert [server.connections for server in world.servers] == [0] * 6
    assert desk.call("run", seed).code == 0
    assert world.paper.server.connections
    verdicts = desk.table("SELECT verdict FROM matches x JOIN mentions m ON m.id = x.mention WHERE m.markup <> ''")
    assert ("exact",) in verdicts


def test_a_recording_is_not_replayed_into_an_archive_of_the_wire(world: story.World, tmp_path: Path) -> None:
    world.x.busy.clear()
    desk, seed = desk_of(world, tmp_path)
    assert desk.call("run", seed).code == 0
    before = desk.table("SELECT count(*), max(leaf) FROM captures")
    (tmp_path / "recording").mkdir()
    (tmp_path / "recording" / "index.json").write_text("[]\n")
    other = desk.seed("other.txt", lines([world.blog.url("/plain")]))
    refused = desk.call("run", other, "--replay", tmp_path / "recording")
    assert refused.code == 2
    assert f"{desk.db}: this archive holds wire captures" in refused.err
    assert desk.table("SELECT count(*), max(leaf) FROM captures") == before
    both = desk.call("run", seed, "--offline", "--replay", tmp_path / "recording")
    assert (both.code, "exclude each other" in both.err) == (2, True)
    demo = Desk(tmp_path / "demo", desk.config)
    demo.folder.mkdir()
    replayed = demo.call("run", other, "--replay", tmp_path / "recording", "--json")
    assert replayed.json["outcomes"] == {"unreachable": 1}, "what is not in the recording says nothing of the page"
    assert demo.table("SELECT DISTINCT tier FROM captures ORDER BY tier") == [("import",), ("replay",)]
    asked = len(world.log())
    wire = demo.call("run", other)
    assert (wire.code, "this archive holds replay captures" in wire.err) == (2, True)
    assert len(world.log()) == asked


def test_a_run_that_is_bounded_ends_in_order_and_the_next_goes_on(world: story.World, tmp_path: Path) -> None:
    desk, seed = desk_of(world, tmp_path)
    first = desk.call("run", seed, "--max-bytes", "1B", "--json")
    assert first.code == 0, first.err
    assert 1 <= first.json["looks"] < 16
    (note,) = [note for note in first.json["notes"] if "--max-bytes 1B" in note]
    assert "for the next run" in note
    sound(desk)
    assert desk.value("SELECT count(*) FROM log_checkpoint") == 1, "what came is signed"
    assert desk.call("rebuild", "--check").code == 0
    bounded = desk.call("run", seed, "--max-time", "1h", "--json")
    assert (bounded.code, [note for note in bounded.json["notes"] if "--max" in note]) == (0, [])
    assert desk.value("SELECT count(*) FROM posts") == 10
    waits = desk.call("run", seed, "--max-time", "soon")
    assert (waits.code, "'soon' is no length of time" in waits.err) == (2, True)
