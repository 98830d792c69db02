"""What a disk, another program or a damaged file refuses, told with its place and the next step."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from pathlib import Path

from archiver.errors import ArchiverError, InputError, IntegrityError

DatabaseError = sqlite3.DatabaseError
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def _kind(error: BaseException) -> int:
    """SQLite's errors carry its extended code, whose low byte is the kind; 0 for others."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF if isinstance(error, sqlite3.Error) else 0


def no_room(error: BaseException) -> bool:
    """Whether the disk, not this program, refused: full, read-only or broken."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)
    return _kind(error) in _NO_ROOM


def refusal(error: BaseException, path: Path) -> ArchiverError | None:
    """What is told of an error that came while the archive at `path` was used; None where it is none of these."""
    if isinstance(error, OSError):
        if not no_room(error):
            return None
        # SQLite raises errors of its own, so this is a file beside the archive, or a body that is still coming.
        place = str(error.filename or tempfile.gettempdir())
        hint = "What was recorded is kept. Make room there, or check the permissions, and run again"
        return InputError(f"cannot be written: {error.strerror or error}", place=place, hint=hint)
    kind = _kind(error)
    if kind in _NO_ROOM:
        hint = "What was recorded is kept. Make room, or check the disk and the permissions, and run again"
        return InputError(f"the archive cannot be written: {error}", place=str(path), hint=hint)
    if kind in _HELD:
        hint = "What was recorded is kept. Close what has it open for writing, and run again"
        return InputError(f"the archive is held by another program: {error}", place=str(path), hint=hint)
    if kind in _DAMAGED:
        return IntegrityError(
            f"{path} is damaged: {error}. Keep the file as it is, and go on with a backup; `archiver verify` says what "
            "of a file holds"
        )
    return None
