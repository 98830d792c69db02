"""Disks that are full, folders that cannot be written, names that are no text: clear messages, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from archiver.errors import InputError, IntegrityError
from archiver.jobs.config import Config
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import open_session
from archiver.model import Ref
from archiver.platforms import all_platforms
from archiver.store.archive import APPLICATION_ID, open_archive, open_reader, statements_of
from tests.jobs.histories import Pen, Toy
from tests.jobs.running import Desk, sound

NOW = "2026-01-02T03:04:05.000000Z"


def fill(path: Path) -> None:
    """Takes seeds until there is no page left."""
    with open_session(path, Config()) as session:
        pages = int(str(session.archive.value("PRAGMA page_count")))
        session.archive.db.execute(f"PRAGMA max_page_count={pages + 40}")
        pen = Pen(session)
        for number in range(1000):
            pen.document(f"> Words {number} that stand in a document of their own.\n" + "x" * 2000, name=f"{number}.md")


def test_a_full_disk_is_told_and_what_was_recorded_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    path = tmp_path / "archive.db"
    with pytest.raises(InputError, match=r"is full.*Make room"):
        fill(path)
    with open_session(path, Config()) as session:
        kept = int(str(session.archive.value("SELECT count(*) FROM captures")))
    assert kept > 2
    sound(Desk(tmp_path, tmp_path / "none.toml"))
    with open_session(path, Config()) as session:
        Pen(session).settle()
        assert session.archive.value("SELECT count(*) FROM documents") == kept


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"cannot be written here"), open_session(tmp_path / "file" / "a.db", Config()):
        raise AssertionError


def test_a_crash_while_an_archive_is_made_leaves_a_file_that_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    half = sqlite3.connect(path)
    half.execute("PRAGMA journal_mode=WAL")
    half.close()
    assert path.stat().st_size > 0
    made = open_archive(path, now=NOW, origin="test.example/log")
    assert made.value("PRAGMA application_id") == APPLICATION_ID
    made.close()


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(InputError, match="no archive"):
        open_archive(path, now=NOW, origin="test.example/log")


def test_a_migration_that_ends_within_a_statement_is_refused() -> None:
    assert list(statements_of("CREATE TABLE a (x);\n-- the end\n")) == ["CREATE TABLE a (x);\n"]
    with pytest.raises(IntegrityError, match="CREATE TABLE b"):
        list(statements_of("CREATE TABLE a (x);\nCREATE TABLE b (x)\n"))


def test_a_transaction_that_cannot_be_committed_is_undone(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.db", now=NOW, origin="test.example/log")
    archive.db.execute("PRAGMA foreign_keys=ON")
    archive.db.execute("CREATE TABLE late (x INTEGER REFERENCES origin(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), archive.transaction():
        archive.db.execute("INSERT INTO late VALUES (99)")
    assert not archive.db.in_transaction
    assert archive.value("SELECT count(*) FROM late") == 0
    archive.close()


def test_a_name_that_is_no_utf8_is_stored_with_escapes(tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"Words without a quotation.\n")
    report = run_archive(tmp_path / "a.db", Config(), Options(seeds=(str(folder),), offline=True, command="\udce9"))
    assert (report.stored, report.problems) == (1, [])
    reader = open_reader(tmp_path / "a.db")
    assert str(reader.value("SELECT url FROM captures")).endswith("/caf\\udce9.txt")
    reader.close()


def test_a_ref_whose_platform_is_gone_does_not_stop_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_session(path, Config()) as session:
        session.frontier.add(
            Ref.parse("gone:post:1"),
            host="gone.example",
            purpose="post",
            depth=0,
            seed="a.md",
            now="2026-01-02T00:00:00Z",
        )
    report = run_archive(path, Config(), Options())
    assert report.failed
    assert report.failures == ["a.md: gone:post:1: no platform of this version knows it"]
    assert run_archive(path, Config(), Options()).failures == []
