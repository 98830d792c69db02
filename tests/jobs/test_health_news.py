"""What cron mails: what is new or stands for a day, once; that it is over, once; and how runs end for programs: the
line, the log and the metrics."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import story
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from running import Desk, lines

from archiver.errors import InputError
from archiver.jobs import eventlog, happened, hooks, metrics, news
from archiver.jobs.config import load
from archiver.jobs.eventlog import EVENTS, EventLog
from archiver.jobs.holding import hold
from archiver.jobs.trouble import ATTENTION, BROKEN, Trouble, of_error
from archiver.net.clock import text_of, time_of

DISK = Trouble(key="disk", level=ATTENTION, what="400 MB are free", next="Make room")
ROUTE = Trouble(key="route x.b", level=ATTENTION, what="x.b answers nothing", next="Nothing is lost", again=False)
START = "2026-03-16T09:00:00.000000Z"


def at(minutes: int) -> str:
    return text_of(time_of(START) + timedelta(minutes=minutes))


def told(path: Path, minutes: int, *troubles: Trouble, whole: bool = True) -> tuple[list[str], list[str]]:
    found = news.news(path, troubles, at(minutes), whole=whole)
    return [one.key for one in found.troubles], found.over


def test_a_standing_trouble_is_told_once_a_day_and_its_end_once(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    year = [told(path, minute, DISK) for minute in range(0, 3 * 24 * 60, 15)]
    assert [n for n, (keys, _) in enumerate(year) if keys] == [0, 96, 192]
    after = [told(path, minute) for minute in range(3 * 24 * 60, 4 * 24 * 60, 15)]
    assert [n for n, (_, over) in enumerate(after) if over] == [3], "an hour after it was last seen"
    assert after[3] == ([], ["400 MB are free"])
    assert told(path, 9 * 24 * 60, DISK) == (["disk"], []), "it is new again"


def test_what_no_person_can_mend_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    year = [told(path, minute, ROUTE) for minute in range(0, 30 * 24 * 60, 60)]
    assert [n for n, (keys, _) in enumerate(year) if keys] == [0]


def test_worse_is_told_at_once_and_better_is_not(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    assert told(path, 0, DISK)[0] == ["disk"]
    assert told(path, 15, replace(DISK, level=BROKEN))[0] == ["disk"]
    assert told(path, 30, DISK)[0] == []
    assert told(path, 45, replace(DISK, level=BROKEN))[0] == ["disk"]


def test_what_comes_and_goes_is_not_told_each_time(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    day = [told(path, minute, *([DISK] if minute % 30 else [])) for minute in range(0, 24 * 60, 15)]
    assert sum(bool(keys) for keys, _ in day) == 1
    assert not any(over for _, over in day)


def test_a_run_a_day_tells_an_end_at_once(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    told(path, 0, DISK)
    assert told(path, 24 * 60) == ([], ["400 MB are free"])


def test_a_run_that_an_error_ended_says_nothing_is_over(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    told(path, 0, DISK)
    error = of_error("the archive cannot be written: disk full (13 of 400)", "Make room", level=BROKEN)
    assert told(path, 600, error, whole=False) == ([error.key], [])
    again = of_error("the archive cannot be written: disk full (99 of 400)", "Make room", level=BROKEN)
    assert told(path, 615, again, whole=False) == ([], []), "numbers make no other trouble of it"


def test_a_clock_that_goes_back_silences_nothing_for_long(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    told(path, 400 * 24 * 60, DISK)
    assert told(path, 0, DISK)[0] == []
    assert told(path, 24 * 60, DISK)[0] == ["disk"]
    told(path, 500 * 24 * 60, DISK)
    assert told(path, 24 * 60)[1] == []
    assert told(path, 26 * 60)[1] == ["400 MB are free"]


def test_its_file_has_one_size_and_is_written_in_place(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    told(path, 0, DISK)
    first = news.path_of(path).stat()
    many = [replace(DISK, key=f"k{n}", what="w" * 9000) for n in range(500)]
    told(path, 15, *many)
    now = news.path_of(path).stat()
    assert (now.st_ino, now.st_size, now.st_mode & 0o777) == (first.st_ino, news.SIZE, 0o600)
    assert 0 < len(news.read(path)) <= news.MOST


@given(raw=st.one_of(st.binary(max_size=200), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["disk", "level", "what", "told_at", "seen_at"]), inner, max_size=5), max_leaves=12,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_whatever_stands_in_its_file_is_told_anew(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("news") / "archive.db"
    news.path_of(path).write_bytes(raw)
    assert told(path, 0, DISK)[0] == ["disk"]
    assert told(path, 15, DISK)[0] == []


def test_where_it_cannot_be_written_everything_is_told(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    news.path_of(path).mkdir()
    assert [told(path, minute, DISK)[0] for minute in (0, 15)] == [["disk"], ["disk"]]


# ---- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[story.World, Desk, Path]]:
    with story.playing() as world:
        world.x.busy.clear()
        desk = Desk(tmp_path, world.configure(tmp_path))
        yield world, desk, desk.seed("list.txt", lines([world.paper.url("/story")]))


def test_quiet_is_silent_where_all_is_well(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    ended = desk.call("run", seed, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_quiet_is_silent_on_what_will_be_tried_again_and_the_exit_code_says_it(
    house: tuple[story.World, Desk, Path],
) -> None:
    world, desk, seed = house
    desk.call("run", seed)
    seed.write_text(lines([world.blog.url("/round")]))
    ended = desk.call("run", seed, "--quiet")
    assert (ended.code, ended.out, ended.err) == (1, "", "")


def test_quiet_says_in_one_line_what_a_person_must_do_once(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    missing = seed.with_name("missing.txt")
    ended = desk.call("run", missing, "--quiet")
    assert ended.code & 2
    assert ended.out.count("\n") == 1
    assert "missing.txt" in ended.out
    assert str(desk.db) in ended.out
    again = desk.call("run", missing, "--quiet")
    assert (again.code & 2, again.out, again.err) == (2, "", "")


def test_quiet_tells_a_broken_log(house: tuple[story.World, Desk, Path]) -> None:
    world, desk, seed = house
    desk.call("run", seed, "--quiet")
    copy = desk.db.read_bytes()
    seed.write_text(lines([world.blog.url("/notes")]))
    desk.call("run", seed, "--quiet")
    desk.db.write_bytes(copy)
    ended = desk.call("run", seed, "--quiet")
    assert ended.code & 4
    assert ended.out.startswith(f"archiver: {desk.db}: broken: the log")
    assert "See docs/custody.md" in ended.out
    assert ended.out.count("\n") == 1


def test_quiet_tells_an_error_once_a_day(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    whole = desk.config.read_text()
    desk.config.write_text("[paces]\n")
    ended = desk.call("run", seed, "--quiet")
    assert (ended.code, ended.out.count("\n")) == (2, 1)
    assert "unknown table [paces]" in ended.out
    assert (desk.call("run", seed, "--quiet").out, desk.call("run", seed, "--quiet").code) == ("", 2)
    desk.config.write_text(whole)
    assert desk.call("run", seed, "--quiet").out == ""
    sooner = news.read(desk.db)
    (key,) = sooner
    kept = {key: {"level": "a", "what": sooner[key].what, "told_at": START, "seen_at": START}}
    news.path_of(desk.db).write_text(json.dumps(kept))
    over = desk.call("run", seed, "--quiet")
    assert over.out.startswith(f"archiver: {desk.db}: over: the run did not end well")
    assert desk.call("run", seed, "--quiet").out == ""


def test_quiet_tells_a_damaged_archive_once(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    whole = bytearray(desk.db.read_bytes())
    whole[4096 : len(whole) // 2] = bytes(len(whole) // 2 - 4096)
    desk.db.write_bytes(whole)
    ended = desk.call("run", seed, "--quiet")
    assert ended.code in (2, 4)
    assert (ended.out.count("\n"), ended.out.startswith(f"archiver: {desk.db}: broken: ")) == (1, True)
    assert desk.call("run", seed, "--quiet").out == ""


def test_quiet_steps_aside_silently_for_another_run(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    with hold(desk.db, "run"):
        assert desk.call("run", seed, "--quiet") == replace(desk.call("run", seed, "--quiet"), code=0, out="", err="")
        loud = desk.call("run", seed)
        assert loud.code == 1
        assert "another archiver is at work" in loud.err
        old = {"pid": os.getpid(), "machine": socket.gethostname(), "since": 1.0, "doing": "run", "beat": 2.0}
        desk.db.with_name(desk.db.name + ".lock").write_text(json.dumps(old) + "\n")
        stuck = desk.call("run", seed, "--quiet")
        assert stuck.code == 1
        assert "it may be stuck" in stuck.out
        assert f"kill {os.getpid()}" in stuck.out
        assert desk.call("run", seed, "--quiet").out == ""


def test_one_line(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    ended = desk.call("run", seed, "--brief")
    assert ended.out.count("\n") == 1
    looks = desk.value("SELECT looks FROM work_runs")
    assert ended.out.startswith(f"archiver: {desk.db}: {looks} looks (")
    assert desk.call("run", seed, "--brief", "--quiet").code == 2


# ---- the log for programs ---------------------------------------------------------------------------------


def read(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_log_says_what_happened_and_no_words(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    file = desk.folder / "runs.jsonl"
    ended = desk.call("run", seed, "--log-json", file)
    said = read(file.read_text())
    assert (said[0]["event"], said[-1]["event"]) == ("start", "end")
    for line in said:
        assert set(line) <= {"at", "event", "run", *EVENTS[line["event"]]}
        assert line["run"] == 1
    uids = [line["uid"] for line in said if line["event"] == "capture"]
    assert uids == [row[0] for row in desk.table("SELECT uid FROM captures WHERE tier = 'wire' ORDER BY id")]
    looks = [line for line in said if line["event"] == "outcome"]
    assert len(looks) == desk.value("SELECT looks FROM work_runs")
    assert said[-1]["exit"] == ended.code == desk.value("SELECT exit_code FROM work_runs")
    assert said[-1]["captures"] == len(uids)
    for words in (story.FIRST, story.THIRD, story.PICTURE):
        assert words[:30] not in file.read_text()
    desk.call("run", seed, "--log-json", file)
    assert read(file.read_text())[-1]["run"] == 2
    out = desk.call("run", seed, "--log-json", "-")
    assert [line["event"] for line in read(out.out)] == ["start", "end"]


def test_the_log_names_who_paused_and_holds_no_secret(
    house: tuple[story.World, Desk, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, desk, seed = house
    monkeypatch.setenv("X_BEARER_TOKEN", world.x.bearer or "top-secret-value")
    post = world.tweets["first"].id
    seed.write_text(lines([f"https://x.com/vera_quill/status/{post}"]))
    busy = story.message(b"", "Retry-After: 4000", status="429 Too Many Requests")
    world.x.server.respond = lambda target, raw: busy
    ended = desk.call("run", seed, "--log-json", "-")
    said = read(ended.out)
    assert [line["host"] for line in said if line["event"] == "paused"]
    assert "top-secret-value" not in ended.out
    assert ended.code == 1


def test_a_run_that_cannot_begin_ends_its_log(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.config.write_text("[paces]\n")
    ended = desk.call("run", seed, "--log-json", "-")
    failed, end = read(ended.out)
    assert (failed["event"], failed["kind"], end["event"], end["exit"]) == ("failed", "InputError", "end", 2)


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventlog, "MOST", 10)
    monkeypatch.setattr(eventlog, "FILE", 1000)
    path = tmp_path / "log"
    for _ in range(3):
        log = EventLog.to(str(path))
        for _ in range(50):
            log.say("note", text="x" * 9000)
        log.say("end", exit=0, left_out=log.left_out)
        log.close()
        assert read(path.read_text())[-1]["left_out"] == 40
        assert len(path.read_text()) < 12 * 700
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1"]


def test_a_log_that_cannot_be_written_harms_no_run(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    ended = desk.call("run", seed, "--log-json", "/dev/full")
    assert ended.code in (0, 1)
    assert desk.value("SELECT count(*) FROM captures") > 5
    assert "the log for programs ended early: No space left on device" in ended.out


# ---- metrics ----------------------------------------------------------------------------------------------


def samples(path: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(path.read_text()):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "archive"))
            assert (sample.name, labels) not in found
            found[sample.name.removeprefix("quotechain_"), labels] = sample.value
    return found


def test_metrics_are_what_the_archive_says(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    path = desk.folder / "quotechain.prom"
    ended = desk.call("run", seed, "--metrics", path, "--quiet")
    told = samples(path)
    assert told["run_exit_code", ()] == ended.code
    assert told["log_leaves", ()] == told["log_signed_leaves", ()] == desk.value("SELECT count(*) FROM log_leaf")
    assert told["blob_bytes", ()] == desk.value("SELECT sum(size) FROM blobs")
    assert told["queue_refs", (("state", "scheduled"),)] == desk.value(
        "SELECT count(*) FROM work_queue WHERE due_at IS NOT NULL"
    )
    assert told["health", (("verdict", "ok"),)] == 1
    looks = {labels[0][1]: value for (name, labels), value in told.items() if name == "run_looks"}
    assert sum(looks.values()) == desk.value("SELECT looks FROM work_runs")
    assert told["run_received_bytes", ()] == desk.value("SELECT received FROM work_runs") > 0
    success = told["last_success_timestamp_seconds", ()]
    assert abs(success - path.stat().st_mtime) < 60
    assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(desk.folder.glob("*.new")) == sorted(desk.folder.glob(".*")) == []


def test_metrics_are_written_on_failure_and_keep_the_last_success(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    path = desk.folder / "quotechain.prom"
    desk.config.write_text(f"{desk.config.read_text()}\n[metrics]\nfile = {json.dumps(str(path))}\n")
    desk.call("run", seed)
    before = samples(path)["last_success_timestamp_seconds", ()]
    desk.db.rename(desk.db.with_suffix(".aside"))
    desk.db.write_bytes(b"no archive at all, and long enough to be looked at" * 99)
    assert desk.call("run", seed).code == 2
    told = samples(path)
    assert (told["run_exit_code", ()], told["last_success_timestamp_seconds", ()]) == (2, before)
    assert desk.call("run", seed).code == 2
    assert samples(path)["last_success_timestamp_seconds", ()] == before


def test_metrics_that_cannot_be_written_are_told(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    ended = desk.call("run", seed, "--metrics", desk.folder / "nowhere" / "a.prom")
    assert ended.code in (0, 1)
    assert "the metrics cannot be written" in ended.err


def test_labels_are_escaped() -> None:
    hostile = 'a"b\\c\nd'
    text = metrics.written([metrics.Metric(name="n", about='x\ny "z" \\', samples=(({"l": hostile}, 1.5),))], hostile)
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"archive": hostile, "l": hostile}
    assert family.documentation == 'x\ny "z" \\'


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("metrics = 1\n", "must be a table"),
        ("[metrics]\nfiles = ''\n", "unknown key"),
        ("[metrics]\nfile = 1\n", "a text"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, told_of: str) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=told_of):
        load(path, environment={})


def test_the_archive_is_left_as_it_is_by_whoever_looks(house: tuple[story.World, Desk, Path]) -> None:
    _, desk, seed = house
    desk.call("run", seed)
    before = desk.db.read_bytes()
    desk.call("status")
    with closing(sqlite3.connect(desk.db)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert desk.db.read_bytes() == before


# ---- the documentation ------------------------------------------------------------------------------------

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "operation.md").read_text("utf-8")


def test_every_line_of_the_log_and_every_metric_is_documented(house: tuple[story.World, Desk, Path]) -> None:
    for event, fields in EVENTS.items():
        assert f"`{event}`" in DOCUMENTED
        for field in fields:
            assert f"`{field}`" in DOCUMENTED, field
    _, desk, seed = house
    path = desk.folder / "quotechain.prom"
    desk.call("run", seed, "--metrics", path)
    for name, labels in samples(path):
        assert f"`{name}`" in DOCUMENTED, name
        assert all(f"`{label}`" in DOCUMENTED for label, _ in labels), labels


def test_every_kind_of_event_is_documented() -> None:
    for kind in (*happened.TYPES.values(), "quotation.altered", "retracted"):
        assert f"`{kind}`" in DOCUMENTED
    for kind in hooks.KINDS:
        assert f'"{kind}"' in DOCUMENTED
