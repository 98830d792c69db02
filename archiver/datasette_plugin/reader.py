"""Reading an archive for one page: one snapshot, bounded time, and each query is kept to be shown under the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from inspect import cleandoc
from pathlib import Path
from typing import Any, TypeVar

from datasette.utils import sqlite_timelimit

from archiver.datasette_plugin.functions import widened, without
from archiver.errors import PageError
from archiver.store.archive import Archive, DatabaseError, migrations

Found = TypeVar("Found")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One statement that made a page: `name` says what it answers, parameters are named."""

    name: str
    sql: str
    parameters: dict[str, object]


@dataclass(slots=True, kw_only=True)
class Reader:
    """The archive as one page sees it. `archive` serves the functions of `jobs` that read: what it runs is not kept."""

    archive: Archive
    database: str
    queries: list[Query] = field(default_factory=list)

    def rows(self, name: str, sql: str, **parameters: object) -> list[Row]:
        """Every row as plain values. Parameters are named in the SQL (`:ref`)."""
        self._keep(name, sql, parameters)
        return [dict(row) for row in self.archive.db.execute(sql, parameters)]

    def row(self, name: str, sql: str, **parameters: object) -> Row | None:
        """The first row, or None."""
        self._keep(name, sql, parameters)
        found = self.archive.db.execute(sql, parameters).fetchone()
        return None if found is None else dict(found)

    def value(self, name: str, sql: str, **parameters: object) -> Any:
        """The first column of the first row, or None where there is no row."""
        self._keep(name, sql, parameters)
        found = self.archive.db.execute(sql, parameters).fetchone()
        return None if found is None else found[0]

    def _keep(self, name: str, sql: str, parameters: dict[str, object]) -> None:
        if all(query.name != name for query in self.queries):
            self.queries.append(Query(name=name, sql=cleandoc(sql), parameters=dict(parameters)))


async def read(
    datasette: Any, database: str, gather: Callable[[Reader], Found], *, milliseconds: int, closed: frozenset[str]
) -> Found:
    """Runs `gather` in one of Datasette's threads, on its connection, in one snapshot of the file. A query that runs
    beyond `milliseconds` after the start is broken off (OperationalError "interrupted"); one that reads a table which
    is `closed` to the reader (see `allowed.ensure`) is refused (DatabaseError, SQLITE_AUTH)."""
    held = datasette.databases[database]

    def run(conn: Any) -> Found:
        reader = Reader(archive=Archive(Path(held.path), conn), database=database)
        with sqlite_timelimit(conn, milliseconds), widened(conn), without(conn, closed), _snapshot(conn):
            _known_schema(reader)
            return gather(reader)

    found: Found = await held.execute_fn(run)
    return found


NEWEST = migrations()[-1][0]
"""The newest schema of evidence that this version knows."""


def _known_schema(reader: Reader) -> None:
    """PageError where a newer version wrote the archive: its words could mean something else by now."""
    found = reader.archive.value("PRAGMA user_version")
    if isinstance(found, int) and found > NEWEST:
        told = f"This archive was written by a newer quotechain (schema {found}, this one knows {NEWEST})"
        raise PageError(503, told, hint="Install the newer version, then start the server again")


@contextmanager
def _snapshot(conn: Any) -> Iterator[None]:
    conn.execute("BEGIN")
    try:
        yield
    finally:
        with suppress(DatabaseError):
            conn.execute("ROLLBACK")
