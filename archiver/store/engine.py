"""The SQLite that this program runs on."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

STRICT = (3, 37, 0)
"""From here on SQLite knows STRICT tables (and VACUUM INTO since 3.27, which copies are made with)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`missing` are what the archive needs and this build does not have. `resets`: it has the WAL-reset bug
    (sqlite.org/wal.html: two connections that write and checkpoint at once may damage the file; 3.7.0 to 3.51.2, but
    for 3.44.6 and 3.50.7)."""

    version: str
    missing: tuple[str, ...]
    resets: bool


def engine() -> Engine:
    """What this Python was linked with."""
    version = sqlite3.sqlite_version_info
    db = sqlite3.connect(":memory:")
    try:
        options = {row[0] for row in db.execute("PRAGMA compile_options")}
    finally:
        db.close()
    missing = [] if version >= STRICT else [f"version {'.'.join(map(str, STRICT))} or newer"]
    missing += ["full-text search (FTS5)"] if "ENABLE_FTS5" not in options else []
    missing += ["threads (THREADSAFE)"] if "THREADSAFE=0" in options else []
    missing += ["JSON functions"] if "OMIT_JSON" in options else []
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return Engine(version=sqlite3.sqlite_version, missing=tuple(missing), resets=not mended)
