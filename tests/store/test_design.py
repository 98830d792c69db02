"""readings.sql is what sqlite-utils makes of the description of the tables."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from archiver.store import design, schema
from archiver.store.archive import migrations, statements_of

KEPT = Path(schema.__file__).with_name(schema.SCRIPT)


def evidence() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for _, script in migrations():
        for statement in statements_of(script):
            db.execute(statement)
    return db


def test_the_kept_statements_are_what_sqlite_utils_makes() -> None:
    assert KEPT.read_text("utf-8") == design.script(), "run `python -m archiver.store.design`"


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {**schema.TABLES[0].columns, "note": str}},
        {"unique": ("platform", "remote_id")},
        {"indexes": ()},
        {"search": ("remote_id",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_description_is_noticed(change: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    changed = dataclasses.replace(schema.TABLES[0], **change)  # type: ignore[arg-type]
    monkeypatch.setattr(design, "TABLES", (changed, *schema.TABLES[1:]))
    assert design.script() != KEPT.read_text("utf-8")


def test_every_table_is_made_with_its_columns_and_can_be_dropped_and_made_again() -> None:
    db = evidence()
    before = set(db.execute("SELECT name FROM sqlite_schema"))
    for _ in range(2):
        db.execute("BEGIN")
        schema.drop(db)
        schema.create(db)
        db.execute("COMMIT")
        for table in schema.TABLES:
            made = {row[1] for row in db.execute(f"PRAGMA table_info({table.name})")}
            assert made == set(table.columns)
    schema.drop(db)
    assert set(db.execute("SELECT name FROM sqlite_schema")) == before
    db.close()
