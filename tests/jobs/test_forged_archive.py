"""What the owner of the file can change with SQL so that people are told something else: `archiver verify` names it, or
says that it does not look there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sealed
from sealed import Desk, owner

from archiver.custody import note
from archiver.render.verify import print_verified
from archiver.store.schema import programs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return sealed.build(tmp_path_factory.mktemp("sealed") / "desk")


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return sealed.copied(made, tmp_path / "desk")


COPIED = "INSERT INTO {table} SELECT {columns} FROM {table} WHERE {where}"


def copied(desk: Desk, table: str, where: str, **changes: str) -> str:
    """A statement that puts a row beside another, changed."""
    with owner(desk) as db:
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    columns = ", ".join(changes.get(name, name) for name in names)
    return COPIED.format(table=table, columns=columns, where=where)


def named(desk: Desk, *statements: str) -> list[tuple[str, str, str]]:
    """What is found wrong after a change: table, row and reason."""
    with owner(desk) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            db.execute(statement)
    return [(one.place.table, one.place.key, one.reason) for one in desk.verify().wrong]


def test_a_sound_archive_says_what_it_did_not_compare(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    report = desk.verify()
    assert report.wrong == []
    print_verified(report, as_json=False)
    out = capsys.readouterr().out
    assert "Note: What was read of the evidence (posts, outcomes, verdicts, documents" in out
    assert "`archiver rebuild --check` does" in out
    assert "Note: Nor sniffed_type of blobs" in out


def test_a_second_row_for_a_leaf(desk: Desk) -> None:
    """One of the two is what the leaf says; people see both."""
    told = named(desk, copied(desk, "reading_marks", "id = 7", id="-7", sha256=f"'{'0' * 64}'"))
    assert any(table == "reading_marks" and "is one more for this leaf" in reason for table, _, reason in told), told


def test_a_table_of_evidence_that_was_dropped(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DROP TABLE reading_marks")
    told = [(one.place.table, one.place.key, one.reason) for one in desk.verify().wrong]
    assert any(table == "reading_marks" and "has no row" in reason for table, _, reason in told), told


def test_rows_of_a_log_that_is_not_there(desk: Desk) -> None:
    """Nothing that goes through the logs meets them."""
    changes = {"id": "900", "uid": "'0190-999999'", "origin": "9", "url": "'https://social.example/deleted'"}
    told = named(desk, copied(desk, "captures", "leaf = 4", **changes))
    assert ("captures", "", "1 rows name a log that is not there") in told
    told = named(desk, "UPDATE log_checkpoint SET origin = -1 WHERE size = 282")
    assert ("log_checkpoint", "", "1 rows name a log that is not there") in told


def test_another_key_told_to_be_that_of_the_log(desk: Desk) -> None:
    key = note.verifier_key(sealed.ORIGIN, bytes([7]) * 32)
    told = named(desk, f"UPDATE origin SET vkey = '{key}'")
    assert ("origin", sealed.ORIGIN, f"its key is {key}, and no leaf says that this one signs it") in told


def test_a_view_that_shows_something_else(desk: Desk) -> None:
    told = named(desk, "DROP VIEW gone", "CREATE VIEW gone AS SELECT * FROM posts WHERE 0")
    assert told == [("view", "gone", "is not the view that this version makes")]


def test_a_trigger_that_changes_what_is_read(desk: Desk) -> None:
    """It would do so again while `rebuild --check` makes all readings anew."""
    with owner(desk) as db:
        body = "BEGIN UPDATE posts SET outcome = 'live'; END"
        db.execute(f"CREATE TRIGGER mine AFTER UPDATE ON work_state {body}")
    report = desk.verify()
    (told,) = report.unchecked
    assert (report.wrong, told.place.table, told.place.key) == ([], "trigger", "mine")
    with closing(sqlite3.connect(desk.db)) as db, db:
        db.execute("DROP TRIGGER mine")
    assert desk.verify().unchecked == []


def test_what_this_version_makes_is_what_an_archive_has(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.db)) as db:
        held = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"))
    assert held == programs()
    assert len(held) > 40
