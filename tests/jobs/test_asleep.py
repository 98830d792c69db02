"""What reaches an operator who is asleep: what must be heard of is mailed, once, with the right next step, and nothing
is said to be over that is not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import story
from click.testing import CliRunner
from running import Desk, Ended, lines
from test_health import NOW, RUN, WELL
from test_health_news import START, at, told

from archiver.cli import main
from archiver.errors import InputError
from archiver.jobs import afterwards, holding, keyring, news
from archiver.jobs.config import load
from archiver.jobs.health import judge
from archiver.jobs.status import status_of
from archiver.jobs.trouble import ATTENTION, Trouble, of_text
from archiver.net.clock import text_of, time_of
from archiver.store.archive import open_reader


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[story.World, Desk]]:
    """An archive with a folder of seeds, as cron runs it: in its folder, without naming a seed."""
    with story.playing() as world:
        world.x.busy.clear()
        monkeypatch.chdir(tmp_path)
        desk = Desk(tmp_path, world.configure(tmp_path))
        desk.seed("list.txt", lines([world.paper.url("/story")]))
        desk.call("run")
        yield world, desk


def quiet(desk: Desk, *arguments: str | Path) -> Ended:
    return desk.call("run", "--quiet", *arguments)


def later(desk: Desk) -> None:
    """Two hours pass since anything was told or seen."""
    kept = json.loads(news.path_of(desk.db).read_bytes())
    back = {name: text_of(time_of(one["seen_at"]) - timedelta(hours=2)) for name, one in kept.items()}
    news.path_of(desk.db).write_text(json.dumps({name: one | {"seen_at": back[name]} for name, one in kept.items()}))


# ---- an archive that is not the one that it was -----------------------------------------------------------


def test_a_new_archive_where_one_was_is_told(house: tuple[story.World, Desk]) -> None:
    """A disk that is not mounted leaves an empty folder, in which a run would begin anew for years, without a word."""
    _, desk = house
    assert quiet(desk).out == ""
    named = [line for line in desk.config.read_text().splitlines() if not line.startswith("origin")]
    desk.config.write_text("\n".join(named))
    for path in desk.folder.glob("archive.db*"):
        path.rename(desk.folder / f"aside-{path.name}")
    made = quiet(desk)
    assert "a new archive was made" in made.out
    assert "mounted" in made.out
    assert made.out.count("\n") == 1
    later(desk)
    assert quiet(desk).out == "", "it happened, so nothing is over"


# ---- seeds ------------------------------------------------------------------------------------------------


def test_a_folder_of_seeds_that_is_gone_is_told(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    assert quiet(desk).out == ""
    (desk.folder / "seeds").rename(desk.folder / "elsewhere")
    gone = quiet(desk)
    assert gone.code & 2
    assert "seeds: " in gone.out
    assert "archiver seeds drop 'seeds/*' --reason" in gone.out
    assert "take it away" not in gone.out
    assert quiet(desk).out == ""
    later(desk)
    assert quiet(desk).out == "", "it still is"
    desk.call("seeds", "drop", "seeds/*", "--reason", "closed")
    assert quiet(desk).code & 2 == 0, "a person said so"


def test_a_seed_that_was_taken_away_is_told_with_what_is_not_watched_any_more(house: tuple[story.World, Desk]) -> None:
    world, desk = house
    desk.seed("other.txt", lines([world.blog.url("/notes")]))
    quiet(desk)
    (desk.folder / "seeds" / "other.txt").unlink()
    lost = quiet(desk)
    assert "seeds/other.txt" in lost.out
    assert "not looked at again" in lost.out
    assert "archiver seeds keep" in lost.out
    later(desk)
    assert quiet(desk).out == ""


def test_a_seed_that_cannot_be_read_is_over_when_it_can_be(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    bad = desk.seed("feed.json", '{"version": "https://jsonfeed.org/version/1.1", oops')
    assert "seeds/feed.json: not JSON" in quiet(desk).out
    later(desk)
    assert quiet(desk).out == "", "it is as unreadable as it was"
    bad.unlink()
    later(desk)
    assert "over: seeds/feed.json: not JSON" in quiet(desk).out


def test_names_that_differ_by_a_number_are_two(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    seeds = [desk.folder / f"missing{n}.txt" for n in range(1, 4)]
    assert "And 2 more" in quiet(desk, *seeds).out
    assert quiet(desk, *seeds).out == ""


def test_more_than_can_be_remembered_is_told_once_a_day(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    seeds = [desk.folder / f"файл-которого-нет-{n:03}-{'щ' * 60}.txt" for n in range(150)]
    first = quiet(desk, *seeds)
    assert "archiver run --offline" in first.out, "who wants to see all is told where"
    assert quiet(desk, *seeds).out == ""


def test_a_seed_that_a_person_keeps_is_kept_although_its_file_is_gone(house: tuple[story.World, Desk]) -> None:
    world, desk = house
    other = desk.seed("other.txt", lines([world.blog.url("/notes")]))
    quiet(desk)
    other.unlink()
    assert "put it back, or `archiver seeds keep NAME`" in quiet(desk).out
    desk.call("seeds", "keep", "seeds/other.txt")
    quiet(desk)
    (kept,) = desk.rows("SELECT dropped_at FROM work_seeds WHERE seed = 'seeds/other.txt'")
    assert kept["dropped_at"] == ""


# ---- keys, logs and metrics -------------------------------------------------------------------------------


def test_a_key_that_is_gone_is_told_at_once(house: tuple[story.World, Desk]) -> None:
    world, desk = house
    quiet(desk)
    key = keyring.key_path(load(desk.config), desk.value("SELECT name FROM origin"))
    key.rename(key.with_suffix(".away"))
    desk.seed("other.txt", lines([world.blog.url("/notes")]))
    ended = quiet(desk)
    assert "unsigned" in ended.out
    assert str(key) in ended.out
    assert "archiver keys rotate" in ended.out
    assert quiet(desk).out == ""
    key.with_suffix(".away").rename(key)
    later(desk)
    assert "over: checkpoints are unsigned" in quiet(desk).out


def test_a_key_file_that_is_wrong_is_not_to_be_taken_away(house: tuple[story.World, Desk]) -> None:
    world, desk = house
    quiet(desk)
    key = keyring.key_path(load(desk.config), desk.value("SELECT name FROM origin"))
    key.chmod(0o644)
    desk.seed("other.txt", lines([world.blog.url("/notes")]))
    ended = quiet(desk)
    assert ended.code & 2
    assert key.name in ended.out
    assert "take it away" not in ended.out
    assert "archiver doctor" in ended.out


@pytest.mark.parametrize("where", ["no-such-folder/log", "folder"])
def test_a_log_that_cannot_be_opened_costs_no_run(house: tuple[story.World, Desk], where: str) -> None:
    world, desk = house
    (desk.folder / "folder").mkdir()
    quiet(desk)
    desk.seed("other.txt", lines([world.blog.url("/notes")]))
    captures = desk.value("SELECT count(*) FROM captures")
    ended = quiet(desk, "--log-json", desk.folder / where)
    assert desk.value("SELECT count(*) FROM captures") > captures
    assert ended.code in (0, 1)
    assert where in ended.out
    assert quiet(desk, "--log-json", desk.folder / where).out == ""
    loud = desk.call("run", "--log-json", desk.folder / where)
    assert where in loud.out + loud.err


def test_a_log_that_ends_early_and_metrics_that_cannot_be_written_are_told_once(
    house: tuple[story.World, Desk],
) -> None:
    _, desk = house
    assert "the log for programs ended early" in quiet(desk, "--log-json", "/dev/full").out
    metrics = ("--metrics", desk.folder / "no-such-folder" / "x.prom")
    ended = quiet(desk, *metrics)
    assert "the metrics cannot be written" in ended.out + ended.err
    again = quiet(desk, *metrics)
    assert (again.out, again.err) == ("", "")


# ---- what stands, and for how long ------------------------------------------------------------------------


def test_what_is_told_first_on_a_full_disk_is_told_once(tmp_path: Path) -> None:
    """The room for what was told is taken while there is some."""
    path = tmp_path / "archive.db"
    assert told(path, 0) == ([], [])
    assert news.path_of(path).stat().st_size == news.SIZE
    before = news.path_of(path).stat().st_mtime_ns
    assert told(path, 15) == ([], [])
    assert news.path_of(path).stat().st_mtime_ns == before, "where nothing changed nothing is written"


def test_what_happened_is_told_once_a_day_and_is_never_over(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    one = Trouble(key="leapt", level=ATTENTION, what="the clock leapt", next="Look at it", passing=True)
    assert [told(path, minute, one)[0] for minute in (0, 15, 24 * 60)] == [["leapt"], [], ["leapt"]]
    assert told(path, 26 * 60) == ([], [])
    assert told(path, 27 * 60) == ([], [])


def test_what_often_heals_itself_is_told_when_it_has_stood_for_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    down = Trouble(key="platform x", level=ATTENTION, what="nothing of x can be read", next="Wait", heals=True)
    assert [told(path, minute, down)[0] for minute in (0, 15, 30, 45)] == [[], [], [], []]
    assert told(path, 60, down)[0] == ["platform x"]
    assert told(path, 75, down)[0] == []
    assert told(path, 60 + 24 * 60, down)[0] == ["platform x"]
    assert told(path, 27 * 60)[1] == ["nothing of x can be read"]
    assert told(path, 30 * 60, down) == ([], [])
    assert told(path, 30 * 60 + 15) == ([], [])
    assert told(path, 32 * 60) == ([], []), "nobody heard of it, so nobody hears that it is over"
    assert told(path, 33 * 60, down) == ([], [])


def test_what_heals_is_told_at_once_where_nothing_can_be_remembered(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    news.path_of(path).mkdir()
    down = Trouble(key="platform x", level=ATTENTION, what="nothing of x can be read", next="Wait", heals=True)
    assert [told(path, minute, down)[0] for minute in (0, 15)] == [["platform x"], ["platform x"]]


def test_a_run_a_day_tells_it_the_second_time(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    down = Trouble(key="platform x", level=ATTENTION, what="nothing of x can be read", next="Wait", heals=True)
    assert [told(path, day * 24 * 60, down)[0] for day in range(3)] == [[], ["platform x"], ["platform x"]]


def test_a_server_that_is_down_for_one_run_wakes_nobody(house: tuple[story.World, Desk]) -> None:
    world, desk = house
    desk.seed("posts.txt", lines(f"https://x.com/a/status/{1850000000000000000 + n * 10**12}" for n in range(6)))
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("DELETE FROM work_routes")  # nothing was asked of it for days
        db.commit()
    up = world.x.server.respond
    world.x.server.respond = lambda target, raw: story.message(b"", status="403 Forbidden")
    assert quiet(desk).out == ""
    assert "platform x" in {one["key"] for one in desk.call("status", "--json").json["health"]["troubles"]}
    world.x.server.respond = up
    assert quiet(desk, "--recheck").out == ""
    later(desk)
    assert quiet(desk).out == ""


def test_two_of_one_name_are_told_as_one(tmp_path: Path) -> None:
    one = of_text(ATTENTION, "input", "a.txt: no such file", "Mend it")
    assert told(tmp_path / "archive.db", 0, one, one)[0] == [one.key]
    assert told(tmp_path / "archive.db", 15, one, one)[0] == []


@pytest.mark.parametrize("code", [2, 4])
def test_runs_that_end_are_not_missing(house: tuple[story.World, Desk], code: int) -> None:
    """A seed that cannot be used is told as that, and sends nobody to look for cron."""
    _, desk = house
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("UPDATE work_runs SET exit_code = ?", (code,))
        db.commit()
    ahead = text_of(time_of(desk.value("SELECT max(started_at) FROM work_runs")) + timedelta(hours=20))
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("UPDATE work_runs SET started_at = '2020-01-01T00:00:00.000000Z' WHERE id = 1")
        db.execute("INSERT INTO work_runs (started_at, ended_at, command, exit_code) VALUES (?1, ?1, 'run', ?2)",
                   (ahead, code))  # fmt: skip
        db.commit()
    with closing(open_reader(desk.db)) as archive:
        status = status_of(archive, now=lambda: text_of(time_of(ahead) + timedelta(hours=1)))
    assert "silent" not in {one.key for one in judge(status).troubles}


def test_runs_that_never_end_are_missing_however_many_they_were(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    first = desk.value("SELECT ended_at FROM work_runs")
    with closing(sqlite3.connect(desk.db)) as db:
        killed = [(text_of(time_of(first) + timedelta(minutes=15 * n)),) for n in range(1, 1100)]
        db.executemany("INSERT INTO work_runs (started_at, command) VALUES (?, 'run')", killed)
        db.commit()
    with closing(open_reader(desk.db)) as archive:
        status = status_of(archive, now=lambda: text_of(time_of(killed[-1][0]) + timedelta(minutes=5)))
    assert status.last_success == first
    (silent,) = [one for one in judge(status).troubles if one.key == "silent"]
    assert silent.level == "broken"


def test_runs_of_which_none_ever_ended_are_missing() -> None:
    runs = [RUN | {"started_at": NOW, "ended_at": None, "exit_code": None}]
    never = replace(WELL, runs=runs, last_success="", last_ended="", first_run="2026-03-01T00:00:00.000000Z")
    assert {"silent", "died"} <= {one.key for one in judge(never).troubles}


def test_a_backlog_shrinks_also_where_a_run_starts_each_minute(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    summary = json.dumps({"due": 900, "overdue": 900, "happened": 0})
    with closing(sqlite3.connect(desk.db)) as db:
        rows = [(at(minute), at(minute), summary) for minute in range(2 * 24 * 60)]
        sql = "INSERT INTO work_runs (started_at, ended_at, command, exit_code, summary) VALUES (?, ?, 'run', 0, ?)"
        db.executemany(sql, rows)
        db.commit()
    with closing(open_reader(desk.db)) as archive:
        status = status_of(archive, now=lambda: at(2 * 24 * 60))
    assert status.backlog.before == 900
    worked_off = replace(WELL, backlog=replace(status.backlog, overdue=800, oldest=START))
    assert "backlog" not in {one.key for one in judge(worked_off).troubles}


# ---- who steps aside --------------------------------------------------------------------------------------


def test_a_configuration_that_cannot_be_read_is_told_also_beside_a_run(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    desk.config.write_text("[paces]\n")
    with holding.hold(desk.db, "run"):
        ended = quiet(desk)
    assert ended.code == 2
    assert "unknown table [paces]" in ended.out


def test_who_stepped_aside_for_a_run_that_has_just_ended_is_silent(house: tuple[story.World, Desk]) -> None:
    _, desk = house
    with holding.hold(desk.db, "run"), pytest.raises(InputError) as refused, holding.hold(desk.db, "run"):
        pass
    ended = afterwards.ended_with(refused.value, 0.0)
    assert (ended.code, afterwards.troubles(ended, None)) == (1, [])


def test_an_error_without_a_next_step_of_its_own_names_one_that_works(house: tuple[story.World, Desk]) -> None:
    """`status` reads the same configuration and ends with the same words."""
    _, desk = house
    desk.config.write_text("[archive")
    ended = quiet(desk)
    assert ended.out.rstrip().endswith("archiver doctor.")


# ---- what is not as it was --------------------------------------------------------------------------------


def test_a_configuration_that_is_gone_is_told(house: tuple[story.World, Desk]) -> None:
    """Hosts that are switched off in it would be asked, and nobody would hear of it."""
    _, desk = house
    archive = str(desk.db)
    bare = ["run", "--quiet", "--offline", "--db", archive]
    assert quiet(desk).out == ""
    desk.config.rename(desk.folder / "aside.toml")
    gone = CliRunner().invoke(main, bare)
    assert f"earlier runs read {desk.config}" in gone.stdout
    assert CliRunner().invoke(main, bare).stdout == ""
    desk.config.write_text("")
    later(desk)
    assert "over: earlier runs read" in CliRunner().invoke(main, bare).stdout


def test_a_secret_that_cron_does_not_have_is_told(
    house: tuple[story.World, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, desk = house
    monkeypatch.delenv("X_BEARER_TOKEN", raising=False)
    desk.config.write_text(desk.config.read_text() + '[secrets]\nnames = ["X_BEARER_TOKEN"]\n')
    assert "the secret X_BEARER_TOKEN is named" in quiet(desk).out
    assert quiet(desk).out == ""
    assert "the secret X_BEARER_TOKEN is named" in desk.call("run").out
    monkeypatch.setenv("X_BEARER_TOKEN", "abc")
    later(desk)
    assert "over: the secret X_BEARER_TOKEN" in quiet(desk).out


def test_an_archive_on_a_read_only_disk_sends_nobody_to_another(
    house: tuple[story.World, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, desk = house
    lock = desk.db.with_name(desk.db.name + ".lock")
    lock.unlink()
    lock.mkdir()  # what root cannot open for writing either
    ended = desk.call("run")
    assert ended.code == 2
    assert "--db" not in ended.err.replace(f"--db {desk.db}", "")
    assert "archiver doctor" in ended.err


def test_a_monitor_hears_of_what_only_a_run_can_see(
    house: tuple[story.World, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd mails nobody: there `status --check` is all that is heard."""
    _, desk = house
    monkeypatch.delenv("X_BEARER_TOKEN", raising=False)
    whole = desk.config.read_text()
    desk.config.write_text(whole + '[secrets]\nnames = ["X_BEARER_TOKEN"]\n')
    quiet(desk)
    seen = desk.call("status", "--check")
    assert seen.code == 1
    assert "the secret X_BEARER_TOKEN is named" in seen.out
    (trouble,) = desk.call("status", "--json").json["health"]["troubles"]
    assert trouble["key"] == "secret X_BEARER_TOKEN"
    desk.config.write_text(whole)
    quiet(desk)
    assert desk.call("status", "--check").code == 0
    desk.seed("feed.json", '{"version": "https://jsonfeed.org/version/1.1", oops')
    quiet(desk)
    quiet(desk)
    assert desk.call("status", "--check").code == 0, "a file that was told once, and stays as it is, by choice"


@pytest.mark.parametrize("value", ["", "{", "7", "[7]", '[{"key": 1}]', '[{"key": "a", "level": "bad", "what": "b"}]'])
def test_whatever_work_remembers_of_troubles_breaks_no_status(house: tuple[story.World, Desk], value: str) -> None:
    _, desk = house
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("INSERT OR REPLACE INTO work_state (name, value) VALUES ('troubles', ?)", (value,))
        db.commit()
    assert desk.call("status", "--check").code == 0
