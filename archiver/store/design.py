"""What sqlite-utils makes of `schema.TABLES`, written to readings.sql: `python -m archiver.store.design`.

The statements are kept, so that a first run need not load sqlite-utils and work them out again (a tenth of a second).
A test holds readings.sql to what is made here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.db import Table as MadeTable

from archiver.store.archive import migrations, statements_of
from archiver.store.schema import SCRIPT, TABLES, Table
from archiver.store.views import LABELS, VIEWS


def script() -> str:
    """Every statement that makes a table, an index, a trigger or a view of the readings."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for _, evidence in migrations():
        for statement in statements_of(evidence):
            db.execute(statement)
    (before,) = db.execute("SELECT max(rowid) FROM sqlite_schema").fetchone()
    _make(db)
    made = db.execute(
        "SELECT sql FROM sqlite_schema WHERE rowid > ? AND sql IS NOT NULL AND name NOT IN "
        "(SELECT name FROM pragma_table_list WHERE type = 'shadow') ORDER BY rowid",
        (before,),
    )
    text = "".join(f"{sql};\n" for (sql,) in made)
    db.close()
    return text


def _make(db: sqlite3.Connection) -> None:
    wrapped = Database(db, recursive_triggers=False)
    for table in TABLES:
        made = MadeTable(wrapped, table.name).create(
            table.columns,
            pk=table.pk,
            not_null={name for name in table.columns if name != table.pk and name not in _nullable(table)},
            foreign_keys=[(column, other, "id") for column, other in table.keys.items()],
            strict=True,
        )
        if table.unique != (table.pk,):
            made.create_index(table.unique, unique=True, index_name=f"{table.name}_key")
        for columns in table.indexes:
            made.create_index(columns, index_name=f"{table.name}_{'_'.join(columns)}")
        if table.search:
            made.enable_fts(table.search, fts_version="FTS5", create_triggers=True, tokenize="unicode61")
        if table.name in LABELS:
            db.execute(f"ALTER TABLE {table.name} ADD COLUMN label TEXT GENERATED ALWAYS AS ({LABELS[table.name]})")
    for view in VIEWS:
        db.execute(f"CREATE VIEW {view.name} AS {view.sql}")


def _nullable(table: Table) -> set[str]:
    """Columns that may be null: references that need not be there, numbers that need not be known."""
    return {
        "mentions": {"quote_start", "quote_end", "target"},
        "mention_links": {"ref"},
        "posts": {"author"},
        "edits": {"before", "capture_before"},
        "events": {"before", "after", "capture_before"},
        "media": {"file"},
        "files": {"blob"},
        "media_carriers": {"author"},
        "proofs": {"valid"},
        "resolutions": {"ref", "candidate"},
        "matches": {"version", "post", "quoted_start", "quoted_end", "original_start", "original_end"},
        "sources": {"version"},
    }.get(table.name, set())


if __name__ == "__main__":
    Path(__file__).with_name(SCRIPT).write_text(script(), "utf-8")
