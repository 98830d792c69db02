"""The archive file: opening, migrations, append-only guards, transactions."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

from archiver.errors import ArchiverError, InputError, IntegrityError
from archiver.store import backups
from archiver.store.refusals import no_room as no_room
from archiver.store.refusals import refusal
from archiver.store.straight import Straight

Row = sqlite3.Row
DatabaseError = sqlite3.DatabaseError
APPLICATION_ID = 0x51554F54  # "QUOT"
GUARDED = (
    *("captures", "blobs", "log_leaf", "log_tile", "statements", "derived", "reading_marks", "certificates"),
    *("log_key", "log_checkpoint", "log_anchor", "erasures", "exports", "fixities"),
    "revocations",
)
_KEYS = {
    "captures": "id = NEW.id OR uid = NEW.uid",
    "blobs": "id = NEW.id OR sha256 = NEW.sha256",
    "log_leaf": "origin = NEW.origin AND idx = NEW.idx",
    "log_tile": "origin = NEW.origin AND level = NEW.level AND n = NEW.n",
    "statements": "id = NEW.id OR uid = NEW.uid",
    "derived": "id = NEW.id OR uid = NEW.uid",
    "reading_marks": "id = NEW.id",
    "certificates": "sha256 = NEW.sha256",
    "log_key": "origin = NEW.origin AND leaf = NEW.leaf",
    "log_checkpoint": "origin = NEW.origin AND size = NEW.size",
    "log_anchor": "id = NEW.id OR (origin = NEW.origin AND size = NEW.size AND kind = NEW.kind "
    "AND service = NEW.service AND token = NEW.token)",
    "erasures": "id = NEW.id OR uid = NEW.uid",
    "exports": "id = NEW.id OR uid = NEW.uid",
    "fixities": "id = NEW.id OR (origin = NEW.origin AND leaf = NEW.leaf)",
    "revocations": "sha256 = NEW.sha256 AND certificate = NEW.certificate",
}


class Archive:
    """One archive file and its one writing connection. Threads other than the opener must not touch it.

    `straight` reads large values past SQLite, in processes that do nothing but read. `backup` is the copy that was made
    before this opening brought the file to a newer schema.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.db = path, connection
        self.straight: Straight | None = None
        self.backup: Path | None = None

    def close(self) -> None:
        """Truncates the write-ahead log, so that readers and copies find one whole file. Where that cannot be done
        (a full disk, a damaged file), what was committed stands in the write-ahead log beside it."""
        with suppress(sqlite3.DatabaseError):
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One atomic change. Nested use joins the outer transaction."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:  # SQLite itself has rolled back what a full disk broke off
                self.db.execute("ROLLBACK")
            raise

    def one(self, sql: str, *parameters: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.db.execute(sql, parameters).fetchone()
        return row

    def value(self, sql: str, *parameters: object) -> object:
        """The first column of the first row; IntegrityError when there is none."""
        row = self.one(sql, *parameters)
        if row is None:
            raise IntegrityError(f"nothing found by: {sql}")
        return row[0]

    def all(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Every row."""
        return self.db.execute(sql, parameters).fetchall()


def open_archive(
    path: Path, *, now: str, origin: str, site: str = "", create: bool = True, backup: Path | None = None
) -> Archive:
    """Opens, creates or migrates an archive. `origin` names a new log, `now` is its birth. Before a migration the file
    is copied beside itself, unless `backup` is a copy of just this state.

    Raises InputError when the file is no archive, was made by a newer version, or cannot be opened or copied;
    IntegrityError when it is to be migrated and is not sound.
    """
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh and not create:
        raise InputError("no archive here yet", place=str(path), hint="Run `archiver run SEED` first")
    try:
        if fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.row_factory = sqlite3.Row
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        # A file without any table is an archive that a crash kept from being made.
        empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if mark != APPLICATION_ID and not (mark == 0 and empty):
            raise InputError("this is an SQLite file, but no archive", place=str(path), hint="Choose another --db")
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        archive = Archive(path, connection)
        _migrate(archive, now=now, origin=origin, site=site, backup=backup)
        with archive.transaction():
            connection.execute("DELETE FROM blob_chunks WHERE blob_id > (SELECT coalesce(max(id), 0) FROM blobs)")
    except (sqlite3.DatabaseError, OSError) as error:
        raise _unopened(error, path) from error
    return archive


def open_reader(path: Path) -> Archive:
    """An existing archive for reading only. Raises InputError when there is none."""
    if not path.exists():
        raise InputError("no archive here yet", place=str(path), hint="Run `archiver run SEED` first")
    # Reading needs files beside a write-ahead log; where none can be made and none is left, the file is all there is.
    whole = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    mode = "mode=ro&immutable=1" if whole else "mode=ro"
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=30)
        connection.row_factory = sqlite3.Row
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise InputError("this is an SQLite file, but no archive", place=str(path), hint="Choose another --db")
    except sqlite3.DatabaseError as error:
        raise _unopened(error, path) from error
    return Archive(path, connection)


def _unopened(error: sqlite3.DatabaseError | OSError, path: Path) -> ArchiverError:
    told = refusal(error, path)
    if told is None or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:  # perhaps never one of ours
        return InputError(f"cannot be opened: {error}", place=str(path), hint="Choose another --db")
    if isinstance(told, InputError):  # nothing was recorded yet that could be kept
        hint = told.hint.removeprefix("What was recorded is kept. ")
        return InputError(f"cannot be opened: {error}", place=told.place, hint=hint)
    return told


def migrations() -> list[tuple[int, str]]:
    """The numbered migrations shipped with this version, in order."""
    found = []
    for item in resources.files("archiver.store").iterdir():
        match = re.fullmatch(r"(\d{4})_\w+\.sql", item.name)
        if match:
            found.append((int(match.group(1)), item.read_text("utf-8")))
    return sorted(found)


def statements_of(script: str) -> Iterator[str]:
    """The statements of a script, one by one (`executescript` would commit in between)."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip() and not all(line.startswith("--") for line in text.strip().splitlines()):
        raise IntegrityError(f"a script ends within a statement: {text.strip()[:80]}")


def _migrate(archive: Archive, *, now: str, origin: str, site: str, backup: Path | None) -> None:
    version = int(archive.db.execute("PRAGMA user_version").fetchone()[0])
    shipped = migrations()
    if version > shipped[-1][0]:
        raise InputError(
            f"this archive has schema {version}, this version knows {shipped[-1][0]}",
            place=str(archive.path),
            hint="Install the newer quotechain",
        )
    if version == shipped[-1][0]:
        return
    if version:
        archive.backup = _copied(archive, version, now, backup)
    with archive.transaction():
        if archive.db.execute("PRAGMA user_version").fetchone()[0] != version:
            return  # another process was quicker
        if version == 0:
            archive.db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for number, script in shipped:
            if number > version:
                for statement in statements_of(script):
                    archive.db.execute(statement)
                archive.db.execute(f"PRAGMA user_version = {number}")
        if version == 0:
            archive.db.execute("INSERT INTO origin (name, site, opened) VALUES (?, ?, ?)", (origin, site, now))
        guard(archive.db)


def _copied(archive: Archive, version: int, now: str, backup: Path | None) -> Path | None:
    """The copy of an archive that is about to be migrated."""
    if backup is None:
        return backups.before_migration(archive.db, archive.path, version, now)
    if not backups.same(backup, backups.held(archive.db)):
        reason = "this is no copy of the archive as it is now"
        raise InputError(reason, place=str(backup), hint="Make another with `archiver backup`")
    return backup


def guard(db: sqlite3.Connection) -> None:
    """(Re)creates the append-only triggers. Every migration ends with it: rebuilding a table drops its triggers.

    Erasing is the one way around them: a leaf that an `erase` leaf names may lose its bytes, its capture what it sent
    and got, its statement the reason, and a blob that it names its chunks. Hashes, sizes and times can never change."""
    may = _may_be_erased(db)
    for table in GUARDED:
        for action in ("UPDATE", "DELETE"):
            allowed = f"WHEN NOT ({may[table]}) " if action == "UPDATE" and table in may else ""
            db.execute(f"DROP TRIGGER IF EXISTS {table}_no_{action.lower()}")
            db.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {allowed}"
                f"BEGIN SELECT raise(ABORT, '{table} is evidence: it is never changed'); END"
            )
        # INSERT OR REPLACE would slip past a delete trigger on connections without recursive_triggers.
        db.execute(f"DROP TRIGGER IF EXISTS {table}_no_replace")
        db.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {_KEYS[table]}) "
            f"BEGIN SELECT raise(ABORT, '{table} is evidence: it is never replaced'); END"
        )
    for action in ("UPDATE", "DELETE"):
        erased = f"AND NOT EXISTS ({_ERASED_BLOB}) " if action == "DELETE" and may else ""
        db.execute(f"DROP TRIGGER IF EXISTS blob_chunks_no_{action.lower()}")
        db.execute(
            f"CREATE TRIGGER blob_chunks_no_{action.lower()} BEFORE {action} ON blob_chunks "
            f"WHEN EXISTS (SELECT 1 FROM blobs WHERE id = OLD.blob_id) {erased}"
            "BEGIN SELECT raise(ABORT, 'a published blob is evidence: it is never changed'); END"
        )


# What an erase leaf names: triggers ask the log itself. Such leaves are never erased, so their bytes are JSON.
_ERASE_LEAF = "SELECT 1 FROM erasures e JOIN log_leaf l ON l.origin = e.origin AND l.idx = e.leaf, json_each("
_ERASED_LEAF = (
    _ERASE_LEAF + "CAST(l.data AS TEXT), '$.leaf_indexes') j WHERE e.origin = OLD.origin AND j.value = {leaf} || ''"
)
_ERASED_BLOB = (
    _ERASE_LEAF + "CAST(l.data AS TEXT), '$.sha256') j JOIN blobs b ON b.sha256 = j.value WHERE b.id = OLD.blob_id"
)
EMPTIED = ("sent", "response_head", "framing", "url", "detail", "request")
"""Columns of a capture that may hold what was said or name who said it. `request` keeps its ref and route."""


def _may_be_erased(db: sqlite3.Connection) -> dict[str, str]:
    """The updates of evidence that an erasure may make, as conditions on OLD and NEW."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'erasures'").fetchone() is None:
        return {}
    same = _unchanged(db, "captures", EMPTIED)
    empty = " AND ".join(f"length(NEW.{name}) = 0" for name in EMPTIED if name != "request")
    bare = "json_extract(NEW.request, '$.url', '$.body', '$.headers', '$.given') = '[\"\",\"\",[],[]]'"
    return {
        "log_leaf": "NEW.origin = OLD.origin AND NEW.idx = OLD.idx AND NEW.hash = OLD.hash AND length(NEW.data) = 0 "
        "AND NOT EXISTS (SELECT 1 FROM erasures WHERE origin = OLD.origin AND leaf = OLD.idx) "
        f"AND EXISTS ({_ERASED_LEAF.format(leaf='OLD.idx')})",
        "captures": f"{same} AND {empty} AND {bare} AND EXISTS ({_ERASED_LEAF.format(leaf='OLD.leaf')})",
        "statements": f"{_unchanged(db, 'statements', ('reason',))} AND NEW.reason = '' "
        f"AND EXISTS ({_ERASED_LEAF.format(leaf='OLD.leaf')})",
    }


def _unchanged(db: sqlite3.Connection, table: str, but: tuple[str, ...]) -> str:
    columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    return " AND ".join(f"NEW.{name} IS OLD.{name}" for name in columns if name not in but)
