"""Rows that follow from the others of a large archive: what happened to posts, what files are, who carries them."""

from __future__ import annotations

import sqlite3
from random import Random

from archiver.store import tallies
from archiver.store.archive import Archive

GONE = "'deleted', 'not-found', 'suspended', 'protected', 'unavailable'"


def follow(archive: Archive) -> None:
    """Fills the tables, inside the caller's transaction."""
    db = archive.db
    db.execute(
        "INSERT INTO events (post, kind, outcome, at, platform, month, told_at, capture_before, capture) "
        "SELECT id, 'gone', outcome, outcome_at, platform, substr(outcome_at, 1, 7), outcome_at, max(id - 1, 1), "
        f"id + 1 FROM posts WHERE outcome IN ({GONE})"
    )
    db.execute(
        "INSERT INTO events (post, kind, outcome, at, platform, month, told_at, capture_before, capture, "
        "before, after) SELECT e.post, 'edited', e.shown_by, c.observed_at, p.platform, substr(c.observed_at, 1, 7), "
        'c.observed_at, e.capture_before, e.capture_after, e."before", e."after" FROM edits e '
        "JOIN posts p ON p.id = e.post "
        "JOIN captures c ON c.id = e.capture_after"
    )
    pictures(db)
    db.execute(
        "INSERT INTO media_carriers (blob, post, capture, platform, author, kind, sensitive, described) "
        "SELECT f.blob, p.id, f.capture, p.platform, p.author, b.kind, v.sensitive, m.alt <> '' "
        "FROM media m JOIN posts p ON p.id = m.post JOIN files f ON f.ref = m.file "
        "JOIN versions v ON v.id = p.id JOIN media_blobs b ON b.blob = f.blob"
    )
    for tally in tallies.TALLIES:
        tallies.count(db, tally)
    tallies.advance(archive)


def pictures(db: sqlite3.Connection) -> None:
    """Every tenth picture is near an earlier one."""
    random, before = Random(0), 0
    rows = db.execute("SELECT f.blob, f.capture, f.sniffed_type FROM files f ORDER BY f.blob").fetchall()
    for blob, capture, media_type in rows:
        seen = random.getrandbits(64) if blob % 10 else before ^ 1 << random.randrange(64)
        before = seen
        still = media_type.startswith("image/")
        dhash = f"{seen:016x}" if still else ""
        db.execute(
            "INSERT INTO media_blobs (blob, kind, media_type, width, height, animated, dhash, quarter_a, quarter_b, "
            "quarter_c, quarter_d, capture, reason) VALUES (?, ?, ?, 1200, 800, 0, ?, ?, ?, ?, ?, ?, '')",
            (blob, "picture" if still else "video", media_type, dhash, *(dhash[at : at + 4] for at in range(0, 16, 4)),
             capture),
        )  # fmt: skip
