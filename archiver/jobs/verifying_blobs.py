"""Every blob hashed again, from its chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archiver.jobs.verifying_found import Findings, Place
from archiver.store.archive import Archive

BATCH_BYTES, BATCH_BLOBS = 32 << 20, 2000
"""What is handed to a process at once: as much as a half second's work, so that none waits long for another."""
PIECE = 1 << 20


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
    for blob, sha256, size in batch.blobs:
        at = Place(table="blobs", key=sha256)
        chunks = archive.db.execute(
            "SELECT rowid, n, length(data) FROM blob_chunks WHERE blob_id = ? ORDER BY n", (blob,)
        ).fetchall()
        if not chunks and sha256 in batch.erased:
            found.erased += 1
            continue
        if not chunks and size and (elsewhere := _elsewhere(archive, blob)):
            found.unchecked.add("blob", f"its bytes are kept elsewhere: {elsewhere}", at)
            continue
        found.blobs += 1
        if [row[1] for row in chunks] != list(range(len(chunks))):
            found.wrong.add("blob", "chunks of it are missing", at)
            continue
        length = sum(row[2] for row in chunks)
        found.size += length
        value = _digest(archive, chunks)
        if value != sha256:
            reason = f"its {length} bytes have the hash {value}"
            found.wrong.add("blob", reason if length == size else f"{reason}, and {size} are said to be its size", at)
        elif length != size:
            found.wrong.add("blob", f"has {length} bytes, not {size}", at)
    return found


def _digest(archive: Archive, chunks: list[tuple[int, int, int]]) -> str:
    """Read through SQLite's handle for large values, which copies once where a SELECT copies twice."""
    seen = hashlib.sha256()
    if len(chunks) == 1 and chunks[0][2] <= 1 << 16:
        row = archive.db.execute("SELECT data FROM blob_chunks WHERE rowid = ?", (chunks[0][0],)).fetchone()
        seen.update(row[0])
        return seen.hexdigest()
    for rowid, _, _ in chunks:
        with archive.db.blobopen("blob_chunks", "data", rowid, readonly=True) as data:
            while piece := data.read(PIECE):
                seen.update(piece)
    return seen.hexdigest()


def _elsewhere(archive: Archive, blob: int) -> str:
    stores = archive.all("SELECT store FROM blob_at WHERE blob = ? AND store <> 'sqlite' ORDER BY store", blob)
    return ", ".join(row[0] for row in stores)
