"""Archives of every schema that there was are opened by today's code: a copy first, and no byte of evidence changed.

The files of `schemas/` were made by the code of the last commit before the next schema came, which ran `data/demo`
(invented people) and, from schema 3 on, made a key whose private part is lost on purpose.
"""

from __future__ import annotations

import lzma
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from archiver.errors import InputError, IntegrityError
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.jobs.verify import Options, verify
from archiver.store import backups
from archiver.store.archive import GUARDED, migrations, open_archive
from tests.jobs.running import Desk

SCHEMAS = Path(__file__).parent / "schemas"
NEWEST = migrations()[-1][0]
OLDER = range(1, NEWEST)
NOW = "2026-11-23T09:00:00.000000Z"
KILLS = 5
EVIDENCE = (*GUARDED, "blob_chunks")


def laid(folder: Path, version: int) -> Path:
    """An archive as the code of that schema left it."""
    path = folder / "archive.db"
    path.write_bytes(lzma.decompress((SCHEMAS / f"schema{version}.db.xz").read_bytes()))
    return path


def evidence(path: Path, columns: dict[str, list[str]] | None = None) -> dict[str, list[tuple[object, ...]]]:
    """Every row of evidence, byte for byte; of the given columns, for newer schemas may have more."""
    found = {}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        there = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        for table in EVIDENCE:
            names = columns[table] if columns and table in columns else columns_of(db, table)
            if table in there and (columns is None or table in columns):
                found[table] = sorted(db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall(), key=repr)
    return found


def columns_of(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def columns(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as db:
        return {table: names for table in EVIDENCE if (names := columns_of(db, table))}


def test_there_is_an_archive_of_every_older_schema() -> None:
    assert sorted(path.name for path in SCHEMAS.glob("*.xz")) == sorted(f"schema{n}.db.xz" for n in OLDER)
    assert all(path.stat().st_size < 200_000 for path in SCHEMAS.glob("*.xz"))


@pytest.mark.parametrize("version", OLDER)
def test_an_archive_of_each_schema_is_opened_and_loses_nothing(version: int, tmp_path: Path) -> None:
    path = laid(tmp_path, version)
    before, shape = evidence(path), columns(path)
    assert len(before["captures"]) > 50
    with open_session(path, Config()) as session:
        assert session.archive.value("PRAGMA user_version") == NEWEST
        assert any("as it was it is kept as" in note for note in session.notes)
        kept = session.archive.backup
    assert kept is not None
    assert evidence(path, shape) == before, "evidence changed"
    assert evidence(kept) == before, "the copy is another one"
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == version
    report = verify(path, Config(), Options())
    assert report.wrong_counts == {}
    assert verify(kept, Config(), Options()).wrong_counts == {}


@pytest.mark.parametrize(
    "version",
    [number if number in (1, 3, OLDER[-1]) else pytest.param(number, marks=pytest.mark.heavy) for number in OLDER],
)
def test_readings_of_each_schema_are_made_again(version: int, tmp_path: Path) -> None:
    laid(tmp_path, version)
    desk = Desk(tmp_path, tmp_path / "archiver.toml")
    desk.config.write_text("")
    ran = desk.call("run", "--offline")
    assert ran.code in (0, 1), ran.err
    checked = desk.call("rebuild", "--check", "--json")
    assert checked.code == 0, checked.out
    assert checked.json["differences"] == {}
    assert checked.json["captures"] > 50
    assert desk.value("SELECT count(*) FROM posts") > 10
    assert desk.call("show", "x:post:2032522075960246272").code == 0


def test_between_the_upgrade_and_the_next_run_nothing_is_called_unknown(tmp_path: Path) -> None:
    """A command that writes drops readings of older versions; only a run or a rebuild makes them again."""
    path = laid(tmp_path, 7)
    desk = Desk(tmp_path, tmp_path / "archiver.toml")
    desk.config.write_text("")
    with open_session(path, Config()):
        pass
    for command in (("show", "x:post:2032522075960246272"), ("export", "x:post:2032522075960246272", "--to", "b.zip")):
        told = desk.call(*command)
        assert told.code == 2
        assert "is to be read again by this version" in told.err
        assert "knows nothing" not in told.err
    assert desk.call("rebuild").code == 0
    assert desk.call("show", "x:post:2032522075960246272").code == 0
    assert "knows nothing" in desk.call("show", "x:post:20").err


def test_a_current_or_an_empty_archive_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    for _ in range(2):
        open_archive(path, now=NOW, origin="test.example/log").close()
    (tmp_path / "x").mkdir()
    old = laid(tmp_path / "x", OLDER[-1])
    with open_session(old, Config()):
        pass
    with open_session(old, Config()) as session:
        assert session.archive.backup is None
    assert list(tmp_path.glob("*.backup")) == []
    assert len(list((tmp_path / "x").glob("*.backup"))) == 1


def test_no_room_for_the_copy_is_told_and_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = laid(tmp_path, 7)
    before = evidence(path)
    monkeypatch.setattr(backups, "free_bytes", lambda folder: backups.MARGIN + 1000)
    told = r"schema 7 and is copied before.*needs 18\.2 MB, and 16\.8 MB are free.*--migrate"
    with pytest.raises(InputError, match=told):
        open_archive(path, now=NOW, origin="")
    assert evidence(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 7
    assert [name for name in os.listdir(tmp_path) if "backup" in name] == []


def test_an_unsound_archive_is_not_migrated(tmp_path: Path) -> None:
    path = laid(tmp_path, 7)
    with closing(sqlite3.connect(path)) as db:  # an index that lost its rows: integrity_check finds it, no query does
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'captures_ref'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(path.read_bytes())
    start = (root - 1) * size
    data[start : start + 12] = bytes([10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="unsound"):
        open_archive(path, now=NOW, origin="")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 7


def test_a_copy_of_another_state_is_not_taken_for_the_backup(tmp_path: Path) -> None:
    path = laid(tmp_path, 7)
    (tmp_path / "other").mkdir()
    other = laid(tmp_path / "other", 6)
    with pytest.raises(InputError, match="no copy of the archive as it is now"):
        open_archive(path, now=NOW, origin="", backup=other)
    same = tmp_path / "same.db"
    same.write_bytes(path.read_bytes())
    opened = open_archive(path, now=NOW, origin="", backup=same)
    assert opened.value("PRAGMA user_version") == NEWEST
    opened.close()
    assert list(tmp_path.glob("*.backup")) == []


def test_a_broken_older_copy_is_not_taken_again(tmp_path: Path) -> None:
    path = laid(tmp_path, 7)
    (tmp_path / "archive.db.schema7-20260101T000000Z.backup").write_bytes(path.read_bytes()[:200_000])
    opened = open_archive(path, now=NOW, origin="")
    assert opened.backup is not None
    assert opened.backup.name == "archive.db.schema7-20261123T090000Z.backup"
    opened.close()


def test_killed_at_any_moment_a_migration_is_taken_up_again(tmp_path: Path) -> None:
    """SIGKILL while an archive is copied and migrated, at moments spread over the time that it takes."""
    code = "import sys; from pathlib import Path; from archiver.store.archive import open_archive as o\n"
    code += f"print('on', flush=True); o(Path(sys.argv[1]), now={NOW!r}, origin='').close(); print('done', flush=True)"
    command = [sys.executable, "-c", code]
    (tmp_path / "whole").mkdir()
    path = laid(tmp_path / "whole", 1)
    before, shape = evidence(path), columns(path)
    took = 0.0
    with subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "on\n"
        began = time.monotonic()
        assert running.stdout.readline() == "done\n"
        took = time.monotonic() - began
    killed = 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = laid(folder, 1)
        with subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(took * (number + 0.5) / KILLS)
            running.send_signal(signal.SIGKILL)
            killed += running.stdout.read() == ""
        for kept in folder.glob("*.backup"):
            assert evidence(kept) == before, "a copy that has its name is whole"
        with open_session(path, Config()) as session:
            assert session.archive.value("PRAGMA user_version") == NEWEST
            assert session.archive.value("PRAGMA integrity_check") == "ok"
        assert evidence(path, shape) == before
        assert len(list(folder.glob("*.backup"))) == 1, sorted(os.listdir(folder))
        assert not list(folder.glob(".*.part*"))
    assert killed
    print(f"{killed} of {KILLS} kills hit a migration of {took:.2f} s")


def test_two_copies_to_one_place_exclude_each_other(tmp_path: Path) -> None:
    path = laid(tmp_path, 7)
    with closing(backups._opened(path)) as db, backups.copied(db, path, tmp_path / "copy.db") as aside:
        assert aside.stat().st_mode & 0o777 == path.stat().st_mode & 0o666
        with (
            pytest.raises(InputError, match="another copy is being made"),
            backups.copied(db, path, tmp_path / "copy.db"),
        ):
            raise AssertionError
        assert aside.exists(), "the first one goes on"
    assert not aside.exists()
