"""Counts that are kept, not counted: pages say how many there are of millions without walking over them.

Of readings they stand in the table `tallies`, kept by triggers on the tables that are counted, in the transaction that
changes these: so they are exact at any moment, and a rebuild makes them again with the tables. Evidence has no such
triggers, so that nothing can keep a capture from being recorded. It only grows, so what was summed up to one local id
stays true: work remembers that sum (see `advance`), and whoever asks adds the rows behind it.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

from archiver.store.archive import Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often rows of one table have the same words. `words` are up to three expressions on a row `{r}`, `when` the
    rows that count, `at` a time of each, whose first and last are kept: only for tables that lose no row."""

    name: str
    about: str
    table: str
    words: tuple[str, ...] = ()
    when: str = ""
    at: str = ""

    @property
    def columns(self) -> tuple[str, str, str]:
        """The three words as SQL, empty where there are fewer."""
        first, second, third, *_ = (*self.words, "''", "''", "''")
        return first, second, third


_CAPTURE = "(SELECT {0} FROM captures WHERE id = {{r}}.capture)"
TALLIES = (
    Tally(name="posts", about="posts by platform and outcome", table="posts", words=("{r}.platform", "{r}.outcome")),
    Tally(name="refs", about="refs by platform and kind", table="refs", words=("{r}.platform", "{r}.kind")),
    Tally(
        name="outcomes",
        about="what captures said, by platform, route and outcome",
        table="outcomes",
        words=(_CAPTURE.format("platform"), _CAPTURE.format("route"), "{r}.outcome"),
        at=_CAPTURE.format("observed_at"),
    ),
    Tally(name="documents", about="documents by media type", table="documents", words=("{r}.media_type",)),
    Tally(name="mentions", about="mentions by kind and platform", table="mentions", words=("{r}.kind", "{r}.platform")),
    Tally(name="versions", about="versions of posts", table="versions"),
    Tally(name="edits", about="edits by what showed them", table="edits", words=("{r}.shown_by",)),
    Tally(name="accounts", about="accounts by platform", table="accounts", words=("{r}.platform",)),
    Tally(name="edges", about="edges by kind and evidence", table="edges", words=("{r}.kind", "{r}.evidence")),
    Tally(name="media", about="media of posts by kind", table="media", words=("{r}.kind",)),
    Tally(name="unread", about="places that a parser could not read", table="unread"),
    Tally(
        name="resolutions", about="mentions by status and how it is known", table="resolutions",
        words=("{r}.status", "{r}.how"),
    ),
    Tally(name="events", about="events by kind and outcome", table="events", words=("{r}.kind", "{r}.outcome")),
    Tally(
        name="matches", about="all matches by verdict and how the post was found", table="matches",
        words=("{r}.verdict", "{r}.found_by"),
    ),
    Tally(
        name="verdicts", about="leading verdicts by verdict, rules and how the post was found", table="matches",
        words=("{r}.verdict", "{r}.policy", "{r}.found_by"), when="{r}.rank = 0",
    ),
)  # fmt: skip


def create(db: sqlite3.Connection) -> None:
    """Counts what is there and makes the triggers, inside the caller's transaction, after the tables."""
    for tally in TALLIES:
        count(db, tally)
        add = _program(tally, "NEW", _ADDED)
        drop = _program(tally, "OLD", _TAKEN, _EMPTY)
        name, table = f"tally_{tally.name}", tally.table
        db.execute(f"CREATE TRIGGER {name}_insert AFTER INSERT ON {table}{_when(tally, 'NEW')} BEGIN {add} END")
        db.execute(f"CREATE TRIGGER {name}_delete AFTER DELETE ON {table}{_when(tally, 'OLD')} BEGIN {drop} END")
        # An UPDATE takes the old row out and puts the new one in: one trigger for each, so that `when` can differ.
        of = ", ".join(sorted(_read(db, tally)))
        if of:
            changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in sorted(_read(db, tally)))
            for suffix, row, body in (("out", "OLD", drop), ("in", "NEW", add)):
                db.execute(
                    f"CREATE TRIGGER {name}_{suffix} AFTER UPDATE OF {of} ON {table}{_when(tally, row, changed)} "
                    f"BEGIN {body} END"
                )


def count(db: sqlite3.Connection, tally: Tally) -> None:
    """Counts all rows of one tally from the start."""
    db.execute("DELETE FROM tallies WHERE name = ?", (tally.name,))
    first, second, third = (word.format(r="t") for word in tally.columns)
    at = tally.at.format(r="t") or "''"
    where = f" WHERE {tally.when.format(r='t')}" if tally.when else ""
    db.execute(
        "INSERT INTO tallies (name, a, b, c, n, first_at, last_at) SELECT ?, a, b, c, count(*), min(at), max(at) FROM "
        f"(SELECT {first} AS a, {second} AS b, {third} AS c, {at} AS at FROM {tally.table} t{where}) GROUP BY a, b, c",
        (tally.name,),
    )


_KEY = "name = '{name}' AND a = {a} AND b = {b} AND c = {c}"
_ADDED = (
    "INSERT INTO tallies (name, a, b, c, n, first_at, last_at) VALUES ('{name}', {a}, {b}, {c}, 1, {at}, {at}) "
    "ON CONFLICT (name, a, b, c) DO UPDATE SET n = n + 1{times};"
)
_TAKEN = "UPDATE tallies SET n = n - 1 WHERE " + _KEY + ";"
_EMPTY = "DELETE FROM tallies WHERE " + _KEY + " AND n = 0;"


def _program(tally: Tally, row: str, *statements: str) -> str:
    a, b, c = (word.format(r=row) for word in tally.columns)
    at = tally.at.format(r=row) or "''"
    times = ", first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)" * bool(tally.at)
    return " ".join(text.format(name=tally.name, a=a, b=b, c=c, at=at, times=times) for text in statements)


def _when(tally: Tally, row: str, also: str = "") -> str:
    parts = [f"({part})" for part in (tally.when.format(r=row), also) if part]
    return f" WHEN {' AND '.join(parts)}" if parts else ""


def _read(db: sqlite3.Connection, tally: Tally) -> set[str]:
    """The columns of its own table on which a tally depends."""
    text = " ".join((*tally.words, tally.when, tally.at))
    columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (tally.table,))]
    return {
        name
        for name in columns
        if f"{{r}}.{name} " in f"{text} " or f"{{r}}.{name}," in text or f"{{r}}.{name})" in text
    }


# ---- evidence ---------------------------------------------------------------------------------------------------

STATE = "counted"
EVERY = 1024
"""Captures after which the sum is carried on: as many rows at most are added when it is asked for, in a run."""


@dataclass(slots=True, kw_only=True)
class Held:
    """Captures by platform and by how they failed (empty: they did not), and blobs with their bytes, among them what
    was erased since; `capture` and `blob` are the last local ids that are counted."""

    capture: int = 0
    blob: int = 0
    by: dict[tuple[str, str], int] = field(default_factory=dict)
    blobs: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return json.dumps([self.capture, self.blob, self.rows(), self.blobs, self.bytes])

    @classmethod
    def parse(cls, text: str) -> Held:
        """The inverse of `str`; of an empty text nothing is counted yet."""
        capture, blob, rows, blobs, size = json.loads(text or "[0, 0, [], 0, 0]")
        by = {(platform, failure): n for platform, failure, n in rows}
        return cls(capture=capture, blob=blob, by=by, blobs=blobs, bytes=size)

    def rows(self) -> list[tuple[str, str, int]]:
        """Platform, failure, and how many captures."""
        return [(platform, failure, n) for (platform, failure), n in sorted(self.by.items())]

    @property
    def captures(self) -> dict[str, int]:
        """Captures by how they failed."""
        found: dict[str, int] = {}
        for (_, failure), n in self.by.items():
            found[failure] = found.get(failure, 0) + n
        return found


def held(archive: Archive) -> Held:
    """What stands in evidence, exactly: the sum that is remembered, and what came behind it."""
    row = archive.one("SELECT value FROM work_state WHERE name = ?", STATE)
    found = Held.parse("" if row is None else str(row[0]))
    # All of them are counted from an index; those behind an id by that id.
    rest = "NOT INDEXED WHERE id > ?" if found.capture else "WHERE ? = 0"
    query = f"SELECT platform, failure, count(*), max(id) FROM captures {rest} GROUP BY platform, failure"
    for platform, failure, more, last in archive.all(query, found.capture):
        found.by[platform, failure] = found.by.get((platform, failure), 0) + more
        found.capture = max(found.capture, last)
    count, size, last = archive.all(
        "SELECT count(*), coalesce(sum(size), 0), max(id) FROM blobs WHERE id > ?", found.blob
    )[0]
    found.blobs, found.bytes, found.blob = found.blobs + count, found.bytes + size, last or found.blob
    return found


def advance(archive: Archive) -> None:
    """Carries the sum on to the last row, inside the caller's transaction."""
    archive.db.execute(
        "INSERT INTO work_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (STATE, str(held(archive))),
    )
