"""Copies of an archive file: made by SQLite of one state of it, private, and durable before they have their name.

`VACUUM INTO` reads one snapshot and leaves out free pages: a run may go on writing meanwhile, and nothing that was
erased from the archive is in the copy. Before a migration such a copy is made beside the archive.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import InputError, IntegrityError

MARGIN = 16 << 20
"""Bytes that stay free beside a copy: a run may write on while it is made."""
_OTHER = "Make room, or name another place"
ELSEWHERE = "Make room there, or let `archiver backup PATH --migrate` put the copy on another disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a file holds of evidence, by what names it: `logs` are (name, leaves, hash of the last leaf), `captures` and
    `blobs` the highest keys."""

    logs: tuple[tuple[str, int, bytes], ...]
    captures: int
    blobs: int

    @property
    def leaves(self) -> int:
        return sum(size for _, size, _ in self.logs)


def held(db: sqlite3.Connection) -> Held:
    """What a file holds now, found by index."""
    logs = []
    for origin, name in db.execute("SELECT id, name FROM origin ORDER BY id").fetchall():
        sql = "SELECT idx, hash FROM log_leaf WHERE origin = ? ORDER BY idx DESC LIMIT 1"
        last = db.execute(sql, (origin,)).fetchone()
        logs.append((str(name), 0 if last is None else int(last[0]) + 1, b"" if last is None else bytes(last[1])))
    highest = [
        int(db.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]) for table in ("captures", "blobs")
    ]
    return Held(logs=tuple(logs), captures=highest[0], blobs=highest[1])


def _continues(db: sqlite3.Connection, before: Held) -> bool:
    """Whether a file holds at least what was held before: each log with that leaf at that place."""
    for name, size, last in before.logs:
        sql = "SELECT l.hash FROM log_leaf l JOIN origin o ON o.id = l.origin WHERE o.name = ? AND l.idx = ?"
        row = db.execute(sql, (name, size - 1)).fetchone()
        if size and (row is None or bytes(row[0]) != last):
            return False
    now = held(db)
    return now.captures >= before.captures and now.blobs >= before.blobs


def size_of(db: sqlite3.Connection) -> int:
    """Bytes that a copy takes at most."""
    page, count, free = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_size", "page_count", "freelist_count")
    )
    return page * (count - free)


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def told(size: int) -> str:
    """Bytes as people read them: `1.2 GB`."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


@contextmanager
def copied(db: sqlite3.Connection, source: Path, target: Path) -> Iterator[Path]:
    """A whole copy of the file behind `db`, under a name of its own beside `target`, with the permissions of `source`,
    on the disk. Whoever is content with it calls `publish`; what has that name at the end is removed.

    InputError when there is no room, or another copy to the same place is being made."""
    aside = target.with_name(f".{target.name}.part")
    need, free = size_of(db), free_bytes(target.parent)
    if free < need + MARGIN:
        reason = f"a copy of {source} needs {told(need + MARGIN)}, and {told(free)} are free"
        raise InputError(reason, place=str(target.parent), hint=_OTHER)
    try:
        handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError(f"no copy can be written there: {error.strerror}", place=str(target), hint=_OTHER) from error
    try:
        _alone(handle, aside, target)
        try:
            os.ftruncate(handle, 0)  # what a crash left of an earlier copy
            _forget_journal(aside)  # SQLite would roll it back into the new one
            try:
                db.execute("VACUUM INTO ?", (str(aside.absolute()),))
            except sqlite3.OperationalError as error:
                raise InputError(f"the copy cannot be written: {error}", place=str(target), hint=_OTHER) from error
            found = source.stat()
            if os.geteuid() == 0:
                os.fchown(handle, found.st_uid, found.st_gid)
            os.fchmod(handle, found.st_mode & 0o666)
            os.fsync(handle)
            yield aside
        finally:
            _forget_journal(aside)
            aside.unlink(missing_ok=True)
    finally:
        os.close(handle)  # not before: closing any handle ends SQLite's own locks on the file


def _forget_journal(aside: Path) -> None:
    aside.with_name(f"{aside.name}-journal").unlink(missing_ok=True)


def sweep(folder: Path, start: str) -> None:
    """Removes what killed processes left of copies whose names begin so. A copy that is being made stays."""
    for stale in folder.glob(f".{_plain(start)}*.part"):
        try:
            handle = os.open(stale, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _forget_journal(stale)
            stale.unlink()
        except OSError:
            continue
        finally:
            os.close(handle)


def _alone(handle: int, aside: Path, target: Path) -> None:
    """Whether no other process makes a copy under this name. The system forgets it when the process ends."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.path.samestat(os.fstat(handle), os.stat(aside))
    except (BlockingIOError, FileNotFoundError):
        mine = False
    if not mine:
        raise InputError("another copy is being made there", place=str(target), hint="Wait for it to end")


def publish(aside: Path, target: Path, *, replace: bool) -> None:
    """Gives a copy its name, whole or not at all, and for good. InputError when it exists and is not replaced."""
    if not replace and (target.exists() or target.is_symlink()):
        raise InputError("there is a file already", place=str(target), hint="Choose another name, or give --force")
    os.replace(aside, target)
    beside = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(beside)
    finally:
        os.close(beside)


def check(path: Path, before: Held) -> None:
    """Asks SQLite whether a copy is sound. IntegrityError when it is not, or holds less than `before`."""
    db = _opened(path)
    try:
        faults = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)")]
        if faults != ["ok"]:
            raise IntegrityError(f"SQLite finds the copy unsound: {'; '.join(faults)}")
        if not _continues(db, before):
            raise IntegrityError("the copy does not hold what the archive held before it was made")
    except sqlite3.DatabaseError as error:
        raise IntegrityError(f"the copy cannot be read: {error}") from error
    finally:
        db.close()


def first_leaf(path: Path) -> bytes:
    """The hash of the first leaf of a file that nobody writes to: what tells one archive from another, whatever its log
    is called now. Empty where there is none; DatabaseError for what is no archive. Makes no file beside it."""
    db = _opened(path, more="&immutable=1")
    try:
        row = db.execute("SELECT hash FROM log_leaf WHERE idx = 0 ORDER BY origin LIMIT 1").fetchone()
    finally:
        db.close()
    return b"" if row is None else bytes(row[0])


def _opened(path: Path, more: str = "") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{more}", uri=True, timeout=30)


# ---- before a migration -----------------------------------------------------------------------------------


def before_migration(db: sqlite3.Connection, path: Path, version: int, now: str) -> Path | None:
    """A checked copy of an archive of schema `version`, beside it, named by version and time; one of just this state,
    that an earlier try made, is taken again. None for an archive that holds nothing. InputError when there is no room.
    """
    have = held(db)
    if not have.leaves:
        return None
    stem = f"{path.name}.schema{version}-"
    for older in of_migrations(path):
        if older.name.startswith(stem) and same(older, have):
            return older
    sweep(path.parent, stem)
    stamp = "".join(char for char in now.partition(".")[0] if char.isalnum()).removesuffix("Z")
    target = path.with_name(f"{stem}{stamp}Z.backup")
    try:
        with copied(db, path, target) as aside:
            check(aside, have)
            publish(aside, target, replace=False)
    except InputError as error:
        reason = f"it has schema {version} and is copied before this version brings it up to date: {error.message}"
        raise InputError(reason, place=str(path), hint=ELSEWHERE) from error
    return target


def of_migrations(path: Path) -> list[Path]:
    """The copies that migrations left beside an archive, newest name first."""
    return sorted(path.parent.glob(f"{_plain(path.name)}.schema*-*.backup"), reverse=True)


def _plain(name: str) -> str:
    """A name in which glob sees no pattern."""
    return "".join(f"[{char}]" if char in "[]*?" else char for char in name)


def same(path: Path, have: Held) -> bool:
    """Whether a file is a sound copy of just that state."""
    try:
        db = _opened(path)
        try:
            if held(db) != have:
                return False
        finally:
            db.close()
        check(path, have)
    except (sqlite3.DatabaseError, IntegrityError):
        return False
    return True
