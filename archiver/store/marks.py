"""Where words come from: winnowed runs of six words, over documents, over the texts of posts and over quoted words.

A *mark* is the fingerprint of a run of six words. Of every three such runs in a row the smallest is kept (Schleimer,
Wilkerson and Aiken 2003), on all sides alike: so two texts that share a run of eight words share a mark, however
common the words are in the rest of the archive. A mark proposes a place; the words decide (`jobs.sources`).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import pairwise

from archiver.quotes.tokens import tokenise
from archiver.store.archive import Archive

WORDS, WINDOW = 6, 3
RUN = WORDS + WINDOW - 1
"""Words in a row that two texts must share."""
PIECE = 1 << 16  # code points: a long text is taken in pieces, so that memory does not grow with it
MOST_PLACES = 64  # of one mark in one document that are looked at: a run may stand there ten thousand times
BATCH = 4096

# Indexes, not readings: datasette-metadata.json hides them (Datasette 0.65 shows names with an underscore).
_TABLES = {
    "_document_marks": "at INTEGER NOT NULL, PRIMARY KEY (mark, id, at)",
    "_version_marks": "PRIMARY KEY (mark, id)",
    "_passage_marks": "PRIMARY KEY (mark, id)",
}
# Which captures read as a document, and which documents were read at one address.
_INDEXES = {"captures_document": "entity_sha256", "captures_address": "url"}
READ = "route IN ('page', 'seed')"
"""Only captures of these routes read as documents: the condition of both indexes."""


def create(db: sqlite3.Connection) -> None:
    """Makes the tables, and the indexes of captures that lead to documents, inside the caller's transaction."""
    for table, columns in _TABLES.items():
        db.execute(
            f"CREATE TABLE {table} (mark INTEGER NOT NULL, id INTEGER NOT NULL, {columns}) STRICT, WITHOUT ROWID"
        )
    for index, column in _INDEXES.items():
        db.execute(f"CREATE INDEX IF NOT EXISTS {index} ON captures ({column}) WHERE {READ}")


def drop(db: sqlite3.Connection) -> None:
    """Drops all of them, inside the caller's transaction."""
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for index in _INDEXES:
        db.execute(f"DROP INDEX IF EXISTS {index}")


def winnowed(text: str) -> Iterator[list[tuple[int, int]]]:
    """The marks of a text, piece by piece: each with the place of its first word, in code points. 48-bit BLAKE2b, the
    same in each run. Nothing for a text of fewer than eight words."""
    start = 0
    while start < len(text):
        end = _cut(text, start + PIECE)
        tokens = tokenise(text[start:end])
        count = len(tokens.keys)
        yield [(mark, start + tokens.span(n, n + 1).start) for n, mark in _least(tokens.keys)]
        if end == len(text):
            return
        # The next piece begins some words before: a run over the cut stands whole in one of them.
        start += tokens.span(count - 2 * RUN, count).start if count > 2 * RUN else end - start


def _cut(text: str, end: int) -> int:
    """The last place before `end` where no word is cut, if there is one near."""
    if end >= len(text):
        return len(text)
    return next((place for place in range(end, end - 1000, -1) if text[place - 1].isspace()), end)


def _least(words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Of each window of runs the one of the smallest fingerprint: its first word's number, and the fingerprint."""
    if len(words) < RUN:
        return
    hashes = list(map(mark_of, zip(*(words[n:] for n in range(WORDS)), strict=False)))
    last = -1
    for n, window in enumerate(zip(*(hashes[m:] for m in range(WINDOW)), strict=False)):
        least = n + window.index(min(window))
        if least != last:
            last = least
            yield least, hashes[least]


def mark_of(words: tuple[str, ...]) -> int:
    """The fingerprint of a run of words that are ready for comparison."""
    digest = hashlib.blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def marks_of(text: str) -> list[int]:
    """The marks of a text without their places, in order."""
    return sorted({mark for piece in winnowed(text) for mark, _ in piece})


def first_mark(words: tuple[str, ...]) -> int:
    """The mark that every text has that holds these words, eight or more; 0 for fewer."""
    return next((mark for _, mark in _least(words[:RUN])), 0)


# ---- writing ----------------------------------------------------------------------------------------------------


def add_document(archive: Archive, document: int, text: str) -> None:
    """Indexes the text of a document."""
    for piece in winnowed(text):
        rows = ((mark, document, at) for mark, at in sorted(piece))
        archive.db.executemany("INSERT OR IGNORE INTO _document_marks (mark, id, at) VALUES (?, ?, ?)", rows)


def add_version(archive: Archive, version: int, text: str) -> None:
    """Indexes the text of a version of a post."""
    _add(archive, "_version_marks", version, text)


def add_passage(archive: Archive, mention: int, quoted: str) -> None:
    """Indexes the quoted words of a mention."""
    _add(archive, "_passage_marks", mention, quoted)


def _add(archive: Archive, table: str, key: int, text: str) -> None:
    for piece in winnowed(text):
        rows = ((mark, key) for mark in sorted({mark for mark, _ in piece}))
        archive.db.executemany(f"INSERT OR IGNORE INTO {table} (mark, id) VALUES (?, ?)", rows)


# ---- looking up -------------------------------------------------------------------------------------------------


# The rows of marks beside those of some documents. Those are stepped over, not read: a document that says one thing ten
# thousand times has ten thousand rows of one mark.
BESIDE = (
    "json_each(?) m CROSS JOIN json_each(?) g CROSS JOIN _document_marks k ON k.mark = m.value "
    "AND k.id > json_extract(g.value, '$[0]') AND k.id < json_extract(g.value, '$[1]')"
)


def gaps(apart: Iterable[int]) -> str:
    """The ranges between some local ids, as JSON pairs whose ends are not included."""
    ends = [-1, *sorted(set(apart)), 1 << 62]
    return json.dumps([[low, high] for low, high in pairwise(ends)])


def documents_sharing(archive: Archive, marks: list[int], apart: Iterable[int], limit: int) -> list[int]:
    """Documents that share marks, those that share most first; equals by their first capture. None of `apart`."""
    rows = archive.all(
        f"SELECT h.id FROM (SELECT k.id, count(DISTINCT k.mark) AS shared FROM {BESIDE} GROUP BY k.id) h "
        "JOIN documents d ON d.id = h.id JOIN captures c ON c.id = d.capture "
        "ORDER BY h.shared DESC, c.origin, c.leaf, d.sha256 LIMIT ?",
        json.dumps(marks),
        gaps(apart),
        limit,
    )
    return [int(row[0]) for row in rows]


def places(archive: Archive, marks: list[int], document: int) -> list[int]:
    """Where marks stand in the text of one document, in order: of each mark the first `MOST_PLACES`."""
    rows = archive.all(
        "SELECT DISTINCT k.at FROM json_each(?2) m JOIN _document_marks k ON k.mark = m.value AND k.id = ?1 "
        "AND k.at <= coalesce((SELECT o.at FROM _document_marks o WHERE o.mark = m.value AND o.id = ?1 "
        f"ORDER BY o.at LIMIT 1 OFFSET {MOST_PLACES - 1}), 1 << 62) ORDER BY k.at",
        document,
        json.dumps(marks),
    )
    return [int(row[0]) for row in rows]


def versions_sharing(archive: Archive, marks: list[int], limit: int) -> list[int]:
    """Versions of posts that share marks, those that share most first; equals by claimed time (none last), ref and
    content."""
    rows = archive.all(
        "SELECT h.id FROM (SELECT id, count(*) AS shared FROM _version_marks "
        "WHERE mark IN (SELECT value FROM json_each(?)) GROUP BY id) h JOIN versions v ON v.id = h.id "
        "JOIN refs r ON r.id = v.post ORDER BY h.shared DESC, v.posted_at = '', v.posted_at, r.ref, v.sha256 LIMIT ?",
        json.dumps(marks),
        limit,
    )
    return [int(row[0]) for row in rows]


def waiting_for(archive: Archive, text: str) -> set[int]:
    """The documents whose quoted words or phrases share a mark with a text: those that it may be a source for."""
    found: set[int] = set()
    for piece in winnowed(text):
        marks = sorted({mark for mark, _ in piece})
        for n in range(0, len(marks), BATCH):
            batch = json.dumps(marks[n : n + BATCH])
            rows = archive.all(
                "SELECT m.document FROM json_each(?1) j JOIN _passage_marks p ON p.mark = j.value "
                "JOIN mentions m ON m.id = p.id "
                "UNION SELECT p.document FROM json_each(?1) j JOIN phrases p ON p.mark = j.value",
                batch,
            )
            found |= {int(row[0]) for row in rows}
    return found
