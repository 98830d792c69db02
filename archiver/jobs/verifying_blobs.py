"""Every blob hashed again, from its chunks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from archiver.jobs.verifying_found import Findings, Place
from archiver.store.archive import Archive

BATCH_BYTES, BATCH_BLOBS = 16 << 20, 2000
"""What is handed to a process at once. What it maps of the file meanwhile counts as its memory."""
PIECE = 1 << 20
SMALL = 1 << 16
"""Chunks up to here come with the rows that name them: to open a handle for each takes longer than to copy it twice."""
_CHUNKS = """
    SELECT blob_id, n, rowid, typeof(data), length(data), CASE WHEN length(data) <= ? THEN data END
    FROM blob_chunks WHERE blob_id IN (SELECT value FROM json_each(?)) ORDER BY blob_id, n
"""
Chunk = tuple[int, int, int, str, int, Any]
"""blob, number, rowid, SQLite's type, length, and the bytes of a small one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Blobs to hash: id, SHA-256, size; `erased` are those of them that were taken out on purpose."""

    blobs: tuple[tuple[int, str, int], ...]
    erased: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class BatchFound:
    """How many blobs and bytes were hashed."""

    blobs: int = 0
    size: int = 0
    erased: int = 0
    wrong: Findings = field(default_factory=Findings)
    unchecked: Findings = field(default_factory=Findings)


def batches(blobs: Iterable[tuple[int, str, int]], erased: frozenset[str]) -> Iterator[Batch]:
    """Neighbours together, so that the file is read from its start to its end."""
    held: list[tuple[int, str, int]] = []
    size = 0

    def batch() -> Batch:
        return Batch(blobs=tuple(held), erased=frozenset(sha256 for _, sha256, _ in held if sha256 in erased))

    for blob in blobs:
        held.append(blob)
        size += blob[2]
        if size >= BATCH_BYTES or len(held) >= BATCH_BLOBS:
            yield batch()
            held.clear()
            size = 0
    if held:
        yield batch()


def check_batch(archive: Archive, batch: Batch) -> BatchFound:
    """Reads and hashes the blobs of a batch, one piece in memory at a time."""
    found = BatchFound()
    groups = groupby(_chunks(archive, batch), key=itemgetter(0))
    at, chunks = next(groups, (None, iter(())))
    for blob, sha256, size in sorted(batch.blobs):
        if at == blob:
            _check(archive, (blob, sha256, size), chunks, found)
            at, chunks = next(groups, (None, iter(())))
        elif sha256 in batch.erased:
            found.erased += 1
        elif size and (elsewhere := _elsewhere(archive, blob)):
            place = Place(table="blobs", key=sha256)
            found.unchecked.add("blob", f"its bytes are kept elsewhere: {elsewhere}", place)
        else:
            _check(archive, (blob, sha256, size), iter(()), found)
    return found


def _chunks(archive: Archive, batch: Batch) -> Iterator[Chunk]:
    """The chunks of all blobs of a batch in one statement: for small blobs, one for each took as long as hashing."""
    cursor = archive.db.cursor()
    cursor.row_factory = None
    return cursor.execute(_CHUNKS, (SMALL, json.dumps([blob for blob, _, _ in batch.blobs])))


def _check(archive: Archive, blob: tuple[int, str, int], chunks: Iterator[Chunk], found: BatchFound) -> None:
    """One blob. Large chunks are read through SQLite's handle for such, which copies once where a SELECT copies
    twice."""
    _, sha256, size = blob
    at = Place(table="blobs", key=sha256)
    found.blobs += 1
    seen, length = hashlib.sha256(), 0
    for number, (_, n, rowid, kind, has, data) in enumerate(chunks):
        if n != number or kind != "blob":
            found.wrong.add("blob", "chunks of it are missing" if n != number else f"chunk {n} of it is no bytes", at)
            return
        length += has
        if data is not None:
            seen.update(data)
            continue
        with archive.db.blobopen("blob_chunks", "data", rowid, readonly=True) as handle:
            while piece := handle.read(PIECE):
                seen.update(piece)
    found.size += length
    value = seen.hexdigest()
    if value != sha256:
        reason = f"its {length} bytes have the hash {value}"
        found.wrong.add("blob", reason if length == size else f"{reason}, and {size} are said to be its size", at)
    elif length != size:
        found.wrong.add("blob", f"has {length} bytes, not {size}", at)


def _elsewhere(archive: Archive, blob: int) -> str:
    stores = archive.all("SELECT store FROM blob_at WHERE blob = ? AND store <> 'sqlite' ORDER BY store", blob)
    return ", ".join(row[0] for row in stores)
