"""Candidates: which texts share words with which quotations, by an index on both sides.

A *key* is the fingerprint of a run of three words, or of a pair of words in a row that are not short. What a look-up
gives depends only on the texts that share keys with it, never on how common a word is in the whole archive: so a new
text concerns exactly the quotations that share keys with it, and nothing else need be settled again.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from archiver.quotes.tokens import tokenise
from archiver.store.archive import Archive, Row

LENGTH = 3
PAIR_LETTERS = 9  # letters of both words of a pair together: "great cast" has nine, "of the" and "will have" fewer
LONG = 12  # a quotation of so many keys shares two with what it may quote, a shorter one shares one
MOST_KEYS = 4096  # of a longer passage (some 2,500 words) those of the smallest fingerprints are looked up
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
UNDATED = 1 << 32  # minutes: what claims no time stands after what does
SIGNED = "day <> '' AND quote_start IS NOT NULL"
"""Mentions that bear a day under words: the condition of the index by which a new post finds its signatures."""

# Indexes, not readings: datasette-metadata.json hides them (Datasette 0.65 shows names with an underscore).
# `minute` (since 1970, as the post claims) and `keys` (how many the text has) order equals without a look at each.
_TABLES = {
    "_version_runs": "minute INTEGER NOT NULL, keys INTEGER NOT NULL, ",
    "_mention_runs": "least INTEGER NOT NULL, ",
}


def create(db: sqlite3.Connection) -> None:
    """Makes both indexes, and those by which a signature finds texts, inside the caller's transaction."""
    for table, more in _TABLES.items():
        db.execute(
            f"CREATE TABLE {table} (run INTEGER NOT NULL, id INTEGER NOT NULL, {more}PRIMARY KEY (run, id)) "
            "STRICT, WITHOUT ROWID"
        )
    # sqlite-utils makes no indexes of expressions.
    db.execute("CREATE INDEX posts_signed ON posts (lower(handle), platform, posted_at)")
    db.execute("CREATE INDEX sightings_signed ON sightings (lower(handle), version)")
    db.execute(f"CREATE INDEX mentions_signed ON mentions (platform, day) WHERE {SIGNED}")


def drop(db: sqlite3.Connection) -> None:
    """Drops both indexes, inside the caller's transaction."""
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")


def runs_of(text: str) -> frozenset[int]:
    """The keys of a text: 32-bit fingerprints. A chance collision proposes a candidate too many; it never decides."""
    tokens = tokenise(text)
    apart = frozenset(mark.place for mark in tokens.marks if mark.kind == "ellipsis")
    return keys_of(tokens.keys, apart)


def keys_of(words: Sequence[str], apart: frozenset[int] = frozenset()) -> frozenset[int]:
    """The keys of words that are ready for comparison. `apart` are the places (words before them) of ellipses: words
    around one were no neighbours. Of fewer than three words the whole is one key."""
    if not words:
        return frozenset()
    pieces = {"\0".join(words[n : n + LENGTH]) for n in range(max(1, len(words) - LENGTH + 1))}
    for n in range(1, len(words)):
        if len(words[n - 1]) + len(words[n]) >= PAIR_LETTERS and n not in apart:
            pieces.add(f"\1{words[n - 1]}\0{words[n]}")
    return frozenset(map(_fingerprint, pieces))


def run(words: Sequence[str]) -> int:
    """The key of the first three words."""
    return _fingerprint("\0".join(words[:LENGTH]))


def _fingerprint(piece: str) -> int:
    digest = hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)


def looked_up(text: str) -> list[int]:
    """The keys by which a quotation is looked up, in order: all, or of a long passage the `MOST_KEYS` smallest. That
    is a sample which depends on the passage alone, so that its cost is bounded and its candidates stay the same."""
    return heapq.nsmallest(MOST_KEYS, runs_of(text))


def least_shared(keys: int) -> int:
    """How many keys a text must share with a quotation of so many."""
    return 2 if keys >= LONG else 1


def minute_of(posted_at: str) -> int:
    """The minute since 1970 of a time as ISO 8601; `UNDATED` where there is none."""
    try:
        when = datetime.fromisoformat(posted_at)
        return (when.replace(tzinfo=when.tzinfo or UTC) - _1970) // timedelta(minutes=1)
    except ValueError:
        return UNDATED


def add_version(archive: Archive, version: int, text: str) -> None:
    """Indexes the text of a version, whose row is there already."""
    minute = minute_of(str(archive.value("SELECT posted_at FROM versions WHERE id = ?", version)))
    keys = runs_of(text)
    rows = ((run, version, minute, len(keys)) for run in sorted(keys))
    archive.db.executemany("INSERT OR IGNORE INTO _version_runs (run, id, minute, keys) VALUES (?, ?, ?, ?)", rows)


def add_mention(archive: Archive, mention: int, quoted: str) -> None:
    """Indexes the quoted words of a mention."""
    keys = looked_up(quoted)
    rows = ((run, mention, least_shared(len(keys))) for run in keys)
    archive.db.executemany("INSERT OR IGNORE INTO _mention_runs (run, id, least) VALUES (?, ?, ?)", rows)


def versions_sharing(archive: Archive, quoted: str, limit: int, *, handle: str = "", platform: str = "") -> list[int]:
    """Versions that may hold the words, most shared keys first; of equals those that hold no other words, then by
    claimed time (none last), ref and content.

    With `handle` or `platform` only versions of posts of that platform that were seen with that handle, in whatever
    version of theirs: the limit counts what is left.
    """
    keys = looked_up(quoted)
    rows: Iterable[Row] = archive.db.execute(
        "SELECT id, count(*) AS shared, min(keys) > count(*) AS more, min(minute) AS at FROM _version_runs "
        "WHERE run IN (SELECT value FROM json_each(?)) GROUP BY id HAVING shared >= ? ORDER BY shared DESC, more, at",
        (json.dumps(keys), least_shared(len(keys))),
    )
    if handle or platform:
        rows = list(rows)
        fitting = narrowed(archive, {row["id"] for row in rows}, handle, platform)
        rows = [row for row in rows if row["id"] in fitting]
    found: list[int] = []
    for _, equals in groupby(rows, lambda row: (row["shared"], row["more"], row["at"])):
        if len(found) >= limit:
            break
        ids = [int(row["id"]) for row in equals]
        found += in_order(archive, ids) if len(ids) > 1 else ids
    return found[:limit]


# CROSS JOIN keeps SQLite from beginning with the posts: it does not know how few the versions are.
_EACH = (
    "SELECT v.id FROM json_each(:ids) j CROSS JOIN versions v ON v.id = j.value CROSS JOIN posts p ON p.id = v.post "
    "CROSS JOIN refs r ON r.id = v.post"
)


def narrowed(archive: Archive, ids: set[int], handle: str, platform: str) -> set[int]:
    """Those of the versions whose post is of the platform and was seen with the handle, in whatever version of it."""
    if not handle:
        return _ids(archive, f"{_EACH} WHERE p.platform = :platform", ids=json.dumps(sorted(ids)), platform=platform)
    same, names = _same_handle("lower(s.handle)", handle)
    fits = "(:platform = '' OR p.platform = :platform)"
    few = " + ".join(f"(SELECT count(*) FROM (SELECT 1 FROM sightings s WHERE {one} LIMIT :most))" for one in same)
    shown = archive.db.execute(f"SELECT {few}", {**names, "most": len(ids)}).fetchone()[0]
    if shown < len(ids):
        query = "SELECT o.id FROM sightings s CROSS JOIN versions v ON v.id = s.version "
        query += f"CROSS JOIN versions o ON o.post = v.post CROSS JOIN posts p ON p.id = v.post WHERE {fits} AND "
        return ids & _ids(archive, " UNION ".join(query + one for one in same), platform=platform, **names)
    query = f"{_EACH} WHERE EXISTS (SELECT 1 FROM versions o JOIN sightings s ON s.version = o.id "
    query += f"WHERE o.post = v.post AND ({' OR '.join(same)})) AND {fits}"
    return _ids(archive, query, ids=json.dumps(sorted(ids)), platform=platform, **names)


def _same_handle(column: str, handle: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Conditions on a column in lower case of which one holds (each alone can use an index), and their parameters: the
    same handle without case (of ASCII letters); a server's part counts only where both have one."""
    given = handle.removeprefix("@").lower()
    user, at, _ = given.partition("@")
    if at:
        return (f"{column} IN (:given, :user)",), {"given": given, "user": user}
    names = {"given": given, "first": f"{given}@", "after": f"{given}A"}  # "A" follows "@"
    return (f"{column} = :given", f"{column} > :first AND {column} < :after"), names


def _ids(archive: Archive, query: str, **names: object) -> set[int]:
    return {int(row[0]) for row in archive.db.execute(query, names)}


def in_order(archive: Archive, ids: Sequence[int]) -> list[int]:
    """Versions by claimed time (none first), ref and content."""
    query = f"{_EACH} ORDER BY v.posted_at, r.ref, v.sha256"
    return [int(row[0]) for row in archive.db.execute(query, {"ids": json.dumps(ids)})]


def versions_of_day(archive: Archive, platform: str, handle: str, first_day: str, last_day: str) -> list[int]:
    """Versions of the posts that a handle, as last seen, claims to have posted on the days from `first_day` to
    `last_day` (UTC, YYYY-MM-DD, both included); by claimed time, ref and content."""
    same, names = _same_handle("lower(p.handle)", handle)
    query = "SELECT v.id, p.posted_at, r.ref, v.sha256 FROM posts p INDEXED BY posts_signed "
    query += "JOIN versions v ON v.post = p.id JOIN refs r ON r.id = p.id WHERE p.platform = :platform "
    query += "AND p.posted_at >= :first_day AND p.posted_at < date(:last_day, '+1 day') AND "
    days = {"platform": platform, "first_day": first_day, "last_day": last_day}
    union = " UNION ".join(query + one for one in same)
    return [int(row[0]) for row in archive.db.execute(f"{union} ORDER BY 2, 3, 4", {**names, **days})]


def mentions_sharing(archive: Archive, text: str) -> set[int]:
    """Mentions that `versions_sharing` would give a version with this text for, limits and narrowing aside."""
    rows = archive.all(
        "SELECT id FROM _mention_runs WHERE run IN (SELECT value FROM json_each(?)) "
        "GROUP BY id HAVING count(*) >= max(least)",
        json.dumps(sorted(runs_of(text))),
    )
    return {int(row[0]) for row in rows}
