"""Rows of readings written past intake, which would clean them: every column that is not named is empty."""

from __future__ import annotations

import sqlite3


def fill(sql: sqlite3.Connection, table: str, **values: object) -> int:
    """Adds a row, and gives its local id. Columns that may not be null get 0 or empty text."""
    empty = {"TEXT": "", "INTEGER": 0}
    for _, name, kind, notnull, _, pk in sql.execute(f"PRAGMA table_info({table})"):
        if notnull and not pk:
            values.setdefault(name, empty[kind])
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    made = sql.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
    return int(made.lastrowid or 0)


def post(sql: sqlite3.Connection, ref: str, **values: object) -> int:
    """Adds a post with its ref."""
    platform, kind, remote = ref.split(":", 2)
    key = fill(sql, "refs", ref=ref, platform=platform, kind=kind, remote_id=remote)
    return fill(sql, "posts", **{"id": key, "platform": platform, "outcome": "live", **values})
