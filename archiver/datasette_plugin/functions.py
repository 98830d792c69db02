"""What Datasette's connections to an archive may do: how large a value may be, and what they may not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LENGTH = 0
"""SQLITE_LIMIT_LENGTH of https://www.sqlite.org/c3ref/c_limit_attached.html."""
ASKED = 4 << 20
"""Bytes of one value in SQL that somebody writes: `zeroblob(300000000)` took 9 GB of memory without it."""
OURS = 64 << 20
"""Bytes of one value in the queries of our own pages."""
PATIENCE = 1000
"""Milliseconds that a page waits for a file that another program locks, before it says so."""
_READ, _OK, _DENY = 20, 0, 1
"""Codes of https://www.sqlite.org/c3ref/c_alter_table.html."""
_INDEX = re.compile(r"_fts(?:_[a-z]+)?$")


def prepare(conn: Any) -> None:
    """Bounds each connection that Datasette opens, so that no query can take the memory of the machine, and no lock
    can keep all threads waiting."""
    conn.setlimit(LENGTH, ASKED)
    conn.execute(f"PRAGMA busy_timeout = {PATIENCE:d}")


@contextmanager
def widened(conn: Any) -> Iterator[None]:
    """Lets a page of ours read large documents meanwhile."""
    conn.setlimit(LENGTH, OURS)
    try:
        yield
    finally:
        conn.setlimit(LENGTH, ASKED)


@contextmanager
def without(conn: Any, closed: frozenset[str]) -> Iterator[None]:
    """Refuses meanwhile each statement that reads one of these tables (in small letters), a view of them, or the index
    of their words."""
    if not closed:
        yield
        return

    def may(action: int, table: str | None, _column: str | None, _database: str | None, view: str | None) -> int:
        names = (table or "", view or "") if action == _READ else ()
        return _DENY if any(_INDEX.sub("", name.lower()) in closed or name.lower() in closed for name in names) else _OK

    conn.set_authorizer(may)  # statements that were prepared before are prepared anew
    try:
        yield
    finally:
        conn.set_authorizer(None)
