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
from archiver.store.straight import Row, Straight

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
    groups = groupby(_chunks(archive, [blob for blob, _, _ in batch.blobs]), key=itemgetter(0))
    at, chunks = next(groups, (None, iter(())))
    for blob, sha256, size in sorted(batch.blobs):
        there, place = at == blob, Place(table="blobs", key=sha256)
        if not there and sha256 in batch.erased:
            found.erased += 1
            continue
        if not there and size and (elsewhere := _elsewhere(archive, blob)):
            found.unchecked.add("blob", f"its bytes are kept elsewhere: {elsewhere}", place)
            continue
        seen = _hashed(archive, chunks if there else (), straight=archive.straight)
        if archive.straight is not None and seen.value != sha256:  # only SQLite's own word is held against a blob
            seen = _hashed(archive, _chunks(archive, [blob]), straight=None)
        found.blobs += 1
        found.size += seen.length
        if seen.fault:
            found.wrong.add("blob", seen.fault, place)
        elif seen.value != sha256:
            reason = f"its {seen.length} bytes have the hash {seen.value}"
            reason += "" if seen.length == size else f", and {size} are said to be its size"
            found.wrong.add("blob", reason, place)
        elif seen.length != size:
            found.wrong.add("blob", f"has {seen.length} bytes, not {size}", place)
        if there:
            at, chunks = next(groups, (None, iter(())))
    return found


def _chunks(archive: Archive, blobs: list[int]) -> Iterator[Chunk]:
    """The chunks of many blobs in one statement: for small ones, a statement for each took as long as hashing."""
    cursor = archive.db.cursor()
    cursor.row_factory = None
    return cursor.execute(_CHUNKS, (SMALL, json.dumps(blobs)))


@dataclass(slots=True, kw_only=True)
class _Hashed:
    """The length and SHA-256 of a blob, or what is wrong with its chunks."""

    length: int = 0
    value: str = ""
    fault: str = ""


def _hashed(archive: Archive, chunks: Iterable[Chunk], *, straight: Straight | None) -> _Hashed:
    found, digest = _Hashed(), hashlib.sha256()
    for number, (blob, n, rowid, kind, length, data) in enumerate(chunks):
        if n != number or kind != "blob":
            found.fault = "chunks of it are missing" if n != number else f"chunk {n} of it is no bytes"
            return found
        found.length += length
        if data is not None:
            digest.update(data)
        elif straight is not None:
            try:
                for part in straight.read(Row(rowid=rowid, blob=blob, n=n, length=length)):
                    digest.update(part)
            except LookupError:
                return found
        else:
            with archive.db.blobopen("blob_chunks", "data", rowid, readonly=True) as handle:
                while piece := handle.read(PIECE):
                    digest.update(piece)
    found.value = digest.hexdigest()
    return found


def _elsewhere(archive: Archive, blob: int) -> str:
    stores = archive.all("SELECT store FROM blob_at WHERE blob = ? AND store <> 'sqlite' ORDER BY store", blob)
    return ", ".join(row[0] for row in stores)
