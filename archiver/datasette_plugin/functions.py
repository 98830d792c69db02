"""What Datasette's connections to an archive may do: how large a value may be."""

from __future__ import annotations

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
