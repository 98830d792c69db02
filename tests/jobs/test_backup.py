"""`archiver backup`: a checked copy, also beside a run; and what it takes to put one back."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from archiver.errors import IntegrityError
from archiver.jobs import backup as jobs
from archiver.jobs import keyring
from archiver.jobs.config import Config, load
from archiver.jobs.verify import Options, verify
from archiver.store import backups
from archiver.store.archive import migrations, open_reader
from tests.jobs.running import Desk, Ended
from tests.store.test_migrations import evidence, laid

TEXT = "> The ferry carried nineteen people this morning.\n> — @bo_of_lanternwick, 14 March 2026\n"
OPERATION = Path(__file__).parents[2] / "docs" / "operation.md"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An archive with a key and one document. Runs ask nobody."""
    home = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    made = Desk(tmp_path, tmp_path / "archiver.toml")
    made.config.write_text('[archive]\norigin = "backups.example/log"\n')
    assert grow(made, "first").code == 0
    return made


def grow(desk: Desk, name: str) -> Ended:
    """One run that stores one document more."""
    (desk.folder / f"{name}.md").write_text(TEXT + name)
    return desk.call("run", desk.folder / f"{name}.md", "--offline")


def leaves(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM log_leaf").fetchone()[0])


def test_a_copy_holds_the_evidence_says_so_and_verifies(desk: Desk, tmp_path: Path) -> None:
    os.chmod(desk.db, 0o640)
    told = desk.call("backup", tmp_path / "copy.db", "--json")
    assert told.code == 0, told.err
    made = told.json
    copy = tmp_path / "copy.db"
    assert evidence(copy) == evidence(desk.db)
    assert copy.stat().st_mode & 0o777 == 0o640
    assert made["logs"] == [{"name": "backups.example/log", "leaves": leaves(desk.db), "signed": leaves(desk.db)}]
    assert made["held"]["leaves"] == leaves(desk.db)
    assert made["schema"] == migrations()[-1][0]
    assert [Path(path).suffix for path in made["keys"]] == [".key", ".seen"]
    assert verify(copy, load(desk.config), Options()).wrong_counts == {}
    assert not copy.with_name("copy.db-wal").exists()
    assert not list(tmp_path.glob(".*.part*"))
    secret = Path(made["keys"][0]).read_text().split("+")[-1].strip()
    assert secret.encode() not in copy.read_bytes()
    assert desk.call("backup", tmp_path / "plain.db").out.count("Keys are not in it") == 1
    assert desk.call("backup", tmp_path / "quiet.db", "--quiet").out == ""


def test_nothing_is_overwritten_but_an_archive_and_by_force(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("a letter")
    for arguments in ((), ("--force",)):
        refused = desk.call("backup", copy, *arguments)
        assert refused.code == 2
        assert copy.read_text() == "a letter"
    assert desk.call("backup", desk.db, "--force").code == 2
    linked = tmp_path / "linked.db"
    linked.symlink_to(desk.db)
    assert "archive itself" in desk.call("backup", linked, "--force").err
    assert "no such folder" in desk.call("backup", tmp_path / "unmounted" / "copy.db").err
    copy.unlink()
    assert desk.call("backup", copy).code == 0
    grow(desk, "second")
    assert "already" in desk.call("backup", copy).err
    assert desk.call("backup", copy, "--force").code == 0
    assert leaves(copy) == leaves(desk.db)


def test_dated_copies_are_kept_so_many_and_strangers_stay(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    other = Desk(tmp_path / "other", desk.config)
    other.folder.mkdir()
    grow(other, "other")
    os.replace(other.db, folder / "archive-20250101T000000Z.db")
    (folder / "archive-20250102T000000Z.db").write_text("no archive")
    (folder / "notes.txt").write_text("mine")
    config = load(desk.config)
    times = [f"2026-11-2{day}T03:00:00.000000Z" for day in (1, 2, 3, 4)]
    for at in times:
        made = jobs.back_up(desk.db, config, folder, keep=2, now=lambda at=at: at)  # type: ignore[misc]
    assert made.removed == [str(folder / "archive-20261122T030000Z.db")]
    assert any("2 files" in note for note in made.notes)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("archive-20250101T000000Z.db", "archive-20250102T000000Z.db"),
        *("archive-20261123T030000Z.db", "archive-20261124T030000Z.db", "notes.txt"),
    ]
    # A clock that went back: the copy that was just made stays.
    made = jobs.back_up(desk.db, config, folder, keep=1, now=lambda: "2020-01-01T00:00:00.000000Z")
    assert Path(made.path).name == "archive-20200101T000000Z.db"
    assert Path(made.path).exists()
    assert len(made.removed) == 2
    assert desk.call("backup", tmp_path / "copy.db", "--keep", "2").code == 2


def test_a_damaged_archive_gives_no_copy_and_costs_no_older_one(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    jobs.back_up(desk.db, load(desk.config), folder, keep=1, now=lambda: "2026-11-21T03:00:00.000000Z")
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("DROP TRIGGER blob_chunks_no_update")
        db.execute("UPDATE blob_chunks SET data = zeroblob(length(data)) WHERE blob_id = 1")
        db.commit()
    refused = desk.call("backup", folder, "--keep", "1")
    assert refused.code == 4
    assert "no backup was made" in refused.err
    assert "blob" in refused.err
    assert len(list(folder.iterdir())) == 1
    refused = desk.call("backup", next(folder.iterdir()), "--force")
    assert refused.code == 4
    assert verify(next(folder.iterdir()), load(desk.config), Options()).wrong_counts == {}


def test_an_archive_that_was_rolled_back_gives_no_copy(desk: Desk, tmp_path: Path) -> None:
    old = desk.db.read_bytes()
    grow(desk, "second")
    desk.db.write_bytes(old)
    refused = desk.call("backup", tmp_path / "copy.db")
    assert refused.code == 4
    assert not (tmp_path / "copy.db").exists()


def test_no_room_is_told_before_anything_is_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "free_bytes", lambda folder: 1000)
    refused = desk.call("backup", tmp_path / "copy.db")
    assert refused.code == 2
    assert "1.0 KB are free" in refused.err
    assert not list(tmp_path.glob("*copy.db*"))


def test_a_full_disk_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    """Where more is written than the check foresaw: a bound of the process, as a disk that fills up meanwhile."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from archiver.cli import main; main(sys.argv[1:])"
    )
    arguments = desk.command("backup", tmp_path / "copy.db")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*copy.db*"))
    assert not list(tmp_path.glob(".*part*"))


@pytest.mark.parametrize("runs", [1, pytest.param(12, marks=pytest.mark.heavy)])
def test_beside_runs_that_write_the_copy_is_one_state(desk: Desk, tmp_path: Path, runs: int) -> None:
    """Copies while other processes capture and sign: each holds a whole log, at least as long as when it began."""
    config, sizes, beside = load(desk.config), list[int](), 0
    for number in range(runs):
        (tmp_path / "moving.md").write_text(TEXT * 20 + str(number) * 3)
        running = desk.start("run", tmp_path / "moving.md", "--offline")
        while running.poll() is None:
            begun = leaves(desk.db)
            made = jobs.back_up(desk.db, config, tmp_path / "copy.db", force=True)
            assert made.logs[0].leaves >= begun
            sizes.append(made.logs[0].leaves)
            beside += 1
        assert running.communicate()[1] == ""
        assert running.returncode == 0
    assert sizes == sorted(sizes)
    assert beside >= runs
    assert verify(desk.db, config, Options()).wrong_counts == {}
    print(f"{len(sizes)} copies beside {runs} runs: from {sizes[0]} to {sizes[-1]} leaves")


def test_killed_at_any_moment_it_leaves_whole_copies_alone(desk: Desk, tmp_path: Path) -> None:
    """SIGKILL from the moment on at which it began to write: what has a name is whole; the next one sweeps up."""
    folder = tmp_path / "copies"
    folder.mkdir()
    killed = 0
    config = load(desk.config)
    for number, pause in enumerate((0.0, 0.01, 0.02, 0.04)):
        running = desk.start("backup", folder / f"archive-2026110{number}T000000Z.db")
        while running.poll() is None and not list(folder.glob(".*.part")):
            time.sleep(0.001)
        time.sleep(pause)
        running.kill()
        running.communicate()
        killed += running.returncode != 0
    for copy in folder.glob("*.db"):
        assert evidence(copy) == evidence(desk.db)
        assert verify(copy, config, Options()).wrong_counts == {}
    (folder / ".archive-20250101T000000Z.db.part").write_bytes(b"half")
    jobs.back_up(desk.db, config, folder, keep=1)
    assert not list(folder.glob(".*"))
    assert len(list(folder.iterdir())) == 1
    assert killed
    print(f"{killed} of 4 copies were killed while they were made")


def test_a_copy_that_is_being_made_is_not_swept_away(desk: Desk, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(desk.db, isolation_level=None)) as db,
        backups.copied(db, desk.db, tmp_path / "archive-1.db") as aside,
    ):
        backups.sweep(tmp_path, "archive-")
        assert aside.exists()


def test_a_migration_may_have_its_copy_on_another_disk(tmp_path: Path) -> None:
    path = laid(tmp_path, 7)
    other = tmp_path / "disk"
    other.mkdir()
    desk = Desk(tmp_path, tmp_path / "archiver.toml")
    desk.config.write_text("")
    done = desk.call("backup", other / "before.db", "--migrate")
    assert done.code == 0, done.err
    assert "schema 7" in done.out
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == migrations()[-1][0]
    assert not list(tmp_path.glob("*.backup"))
    with closing(open_reader(other / "before.db").db) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 7


def test_a_copy_that_lost_a_leaf_on_its_way_is_refused(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backups.check

    def check(path: Path, before: backups.Held) -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute("DROP TRIGGER log_leaf_no_delete")
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("DELETE FROM log_leaf WHERE idx = (SELECT max(idx) FROM log_leaf)")
            db.commit()
        real(path, before)

    monkeypatch.setattr(backups, "check", check)
    with pytest.raises(IntegrityError, match="does not hold what the archive held"):
        jobs.back_up(desk.db, load(desk.config), tmp_path / "copy.db")
    assert not list(tmp_path.glob("*copy.db*"))


# ---- putting one back -------------------------------------------------------------------------------------


def procedure(heading: str) -> list[str]:
    """The commands under a heading of docs/operation.md."""
    text = OPERATION.read_text("utf-8").split(f"### {heading}\n")[1].split("\n### ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def followed(desk: Desk, heading: str, **words: str) -> list[subprocess.CompletedProcess[str]]:
    """The commands of the documentation, run by a shell in the folder of the archive."""
    done = []
    shims = desk.folder / "bin"
    shims.mkdir(exist_ok=True)
    shim = shims / "archiver"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m archiver "$@"\n')
    shim.chmod(0o755)
    for command in procedure(heading):
        for word, text in words.items():
            command = command.replace(word, text)
        environment = {**os.environ, "PATH": f"{shims}:{os.environ['PATH']}"}
        done.append(
            subprocess.run(
                command, shell=True, cwd=desk.folder, env=environment, capture_output=True, text=True, check=False
            )
        )
    return done


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """As the documentation supposes it: the archive is data/archive.db in the folder in which commands run."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "copies").mkdir()
    made = Desk(tmp_path / "data", tmp_path / "archiver.toml")
    made.config.write_text('[archive]\norigin = "restored.example/log"\n')
    assert grow(made, "first").code == 0
    return made


def test_a_copy_that_holds_all_that_was_signed_is_put_back(at_home: Desk) -> None:
    desk = Desk(at_home.folder.parent, at_home.config)
    assert at_home.call("backup", "copies/archive-20261123T030000Z.db").code == 0
    lost = leaves(at_home.db)
    # The disk lost the file; a write-ahead log of it is still there, and would be read into any file of that name.
    at_home.db.write_bytes(b"")
    at_home.db.with_name("archive.db-wal").write_bytes(b"of another file")
    done = followed(desk, "Putting a backup back", COPY="copies/archive-20261123T030000Z.db")
    assert [one.returncode for one in done] == [0] * len(done), [one.stderr for one in done]
    assert leaves(at_home.db) == lost
    assert grow(at_home, "after").code == 0
    assert at_home.call("rebuild", "--check").code == 0
    assert verify(at_home.db, load(at_home.config), Options()).wrong_counts == {}


def test_a_copy_that_is_older_than_what_was_signed_goes_on_under_another_name(at_home: Desk) -> None:
    desk = Desk(at_home.folder.parent, at_home.config)
    assert at_home.call("backup", "copies/archive-20261123T030000Z.db").code == 0
    assert grow(at_home, "lost").code == 0
    at_home.db.unlink()
    done = followed(desk, "Putting a backup back", COPY="copies/archive-20261123T030000Z.db")
    checked = done[-1]
    assert checked.returncode == 4, "verify says that a longer log was signed"
    assert "restored.example/log" in checked.stdout + checked.stderr
    refused = grow(at_home, "after")
    assert refused.code == 4
    assert "new-origin" in refused.out + refused.err
    done = followed(desk, "When the backup is older than what was signed")
    assert [one.returncode for one in done] == [0] * len(done), [one.stdout + one.stderr for one in done]
    assert grow(at_home, "later").code == 0
    assert verify(at_home.db, load(at_home.config), Options()).wrong_counts == {}
    with closing(open_reader(at_home.db).db) as db:
        names = [row[0] for row in db.execute("SELECT name FROM origin")]
    assert names != ["restored.example/log"]
    assert keyring.seen(load(at_home.config), "restored.example/log") is not None, "what was signed is remembered"
    assert at_home.call("backup", "copies/new.db").code == 0


def test_without_a_configuration_a_copy_is_made_as_well(tmp_path: Path) -> None:
    laid(tmp_path, 7)
    made = jobs.back_up(tmp_path / "archive.db", Config(), tmp_path / "copy.db")
    assert made.schema == 7
    assert made.logs[0].signed == made.logs[0].leaves > 100
