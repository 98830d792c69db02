"""What is left of words in the files of an archive, and which other files may hold them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.custody import redaction
from archiver.store.archive import APPLICATION_ID, Archive, Row

PIECE = 8 << 20


def files_of(path: Path) -> list[Path]:
    """The archive's own files."""
    names = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal", ".lock"))]
    return [name for name in names if name.is_file()]


def remains(path: Path, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Which pieces of text the archive's files still hold, in any form: file name → pieces."""
    wanted = {piece: redaction.forms(piece) for piece in words}
    longest = max((len(form) for many in wanted.values() for form in many), default=1)
    found: dict[str, tuple[str, ...]] = {}
    for name in files_of(path):
        here: dict[str, None] = {}
        with name.open("rb") as file:
            tail = b""
            while block := file.read(PIECE):
                data = tail + block
                here |= {piece: None for piece, many in wanted.items() if any(form in data for form in many)}
                tail = data[-longest:]
        if here:
            found[name.name] = tuple(here)
    return found


_SAYING = (
    ("documents", "text", "id"),
    ("versions", "text", "post"),
    ("versions", "warning", "post"),
    ("media", "alt", "post"),
    ("pages", "title", "ref"),
    ("pages", "description", "ref"),
)


def holders(archive: Archive, piece: str) -> Iterator[str]:
    """What holds a piece of text on purpose or by oversight: refs of posts and documents, hashes of bodies, leaves."""
    for table, column, key in _SAYING:
        for row in archive.db.execute(
            f"SELECT DISTINCT r.ref FROM {table} t JOIN refs r ON r.id = t.{key} WHERE instr(t.{column}, ?) ORDER BY 1",
            (piece,),
        ):
            yield str(row[0])
    for form in sorted(redaction.forms(piece)):
        for row in archive.db.execute(
            "SELECT DISTINCT b.sha256 FROM blob_chunks k JOIN blobs b ON b.id = k.blob_id WHERE instr(k.data, ?) "
            "ORDER BY 1",
            (form,),
        ):
            yield str(row[0])
        for row in archive.db.execute("SELECT idx FROM log_leaf WHERE instr(data, ?) ORDER BY idx", (form,)):
            yield f"leaf {row[0]}"


def backups(path: Path) -> list[str]:
    """Files beside an archive that may hold what was erased: other archives and SQLite files, files that begin with its
    name, and packed ones. None of them is touched."""
    own, found = set(files_of(path)), []
    for entry in sorted(os.scandir(path.parent), key=lambda entry: entry.name):
        item = Path(entry.path)
        if item in own or not entry.is_file():
            continue
        with item.open("rb") as file:
            head = file.read(100)
        database = head.startswith(b"SQLite format 3\0")
        if database and head[68:72] == APPLICATION_ID.to_bytes(4, "big"):
            found.append(f"{entry.name} (an archive)")
        elif database or _of(path, entry.name):
            found.append(entry.name)
        elif head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")):
            found.append(f"{entry.name} (packed)")
    return found


def _of(path: Path, name: str) -> bool:
    """Whether a file has the name of the archive with something behind it: archive.db.bak, archive-2026.db."""
    return re.match(re.escape(path.stem) + r"(?![^\W_])", name) is not None


def exported(archive: Archive) -> list[Row]:
    """The newest exports: what left the house cannot be reached, and a leaf says only what was asked for."""
    return archive.all("SELECT at, what, who FROM exports ORDER BY id DESC LIMIT 20")
