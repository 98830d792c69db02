"""Runs of three words: which texts share words with which quotations, by an index on both sides.

What a look-up gives depends only on the texts that share runs with it, never on how common a word is in the whole
archive: so a new text concerns exactly the quotations that share runs with it, and nothing else need be settled again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

from archiver.quotes import shingles
from archiver.store.archive import Archive

LENGTH = 3
LONG = 12  # a quotation of so many runs shares two with what it may quote, a shorter one shares one

# Indexes, not readings: datasette-metadata.json hides them (Datasette 0.65 shows names with an underscore).
_TABLES = {"_version_runs": "", "_mention_runs": "least INTEGER NOT NULL, "}


def create(db: sqlite3.Connection) -> None:
    """Makes both indexes, and the one by which a signature finds posts, inside the caller's transaction."""
    for table, more in _TABLES.items():
        db.execute(
            f"CREATE TABLE {table} (run INTEGER NOT NULL, id INTEGER NOT NULL, {more}PRIMARY KEY (run, id)) "
            "STRICT, WITHOUT ROWID"
        )
    db.execute("CREATE INDEX posts_signed ON posts (platform, lower(handle))")  # sqlite-utils makes none of expressions


def drop(db: sqlite3.Connection) -> None:
    """Drops both indexes, inside the caller's transaction."""
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")


def runs_of(text: str) -> frozenset[int]:
    """40-bit fingerprints of the runs of three words of a text, or of all its words when it has fewer. A chance
    collision proposes a candidate too many; it never decides."""
    keys = [word for word, _ in shingles.words(text)]
    if not keys:
        return frozenset()
    pieces = ("\0".join(keys[n : n + LENGTH]) for n in range(max(1, len(keys) - LENGTH + 1)))
    encoded = (piece.encode("utf-8", "surrogatepass") for piece in pieces)
    return frozenset(int.from_bytes(hashlib.blake2b(piece, digest_size=5).digest(), "big") for piece in encoded)


def least_shared(runs: int) -> int:
    """How many runs a text must share with a quotation of so many."""
    return 2 if runs >= LONG else 1


def add_version(archive: Archive, version: int, text: str) -> None:
    """Indexes the text of a version."""
    rows = ((run, version) for run in sorted(runs_of(text)))
    archive.db.executemany("INSERT OR IGNORE INTO _version_runs (run, id) VALUES (?, ?)", rows)


def add_mention(archive: Archive, mention: int, quoted: str) -> None:
    """Indexes the quoted words of a mention."""
    runs = runs_of(quoted)
    rows = ((run, mention, least_shared(len(runs))) for run in sorted(runs))
    archive.db.executemany("INSERT OR IGNORE INTO _mention_runs (run, id, least) VALUES (?, ?, ?)", rows)


def versions_sharing(archive: Archive, quoted: str, limit: int) -> list[int]:
    """Versions that may hold the words, most shared runs first; equals by claimed time, ref and content."""
    runs = runs_of(quoted)
    rows = archive.all(
        "WITH hits AS (SELECT id, count(*) AS shared FROM _version_runs WHERE run IN (SELECT value FROM json_each(?)) "
        "GROUP BY id HAVING shared >= ?) SELECT v.id FROM hits h JOIN versions v ON v.id = h.id "
        "JOIN refs r ON r.id = v.post ORDER BY h.shared DESC, v.posted_at, r.ref, v.sha256 LIMIT ?",
        json.dumps(sorted(runs)),
        least_shared(len(runs)),
        limit,
    )
    return [int(row[0]) for row in rows]


def mentions_sharing(archive: Archive, text: str) -> set[int]:
    """Mentions that `versions_sharing` would give a version with this text for, limits aside."""
    rows = archive.all(
        "SELECT id FROM _mention_runs WHERE run IN (SELECT value FROM json_each(?)) "
        "GROUP BY id HAVING count(*) >= max(least)",
        json.dumps(sorted(runs_of(text))),
    )
    return {int(row[0]) for row in rows}
