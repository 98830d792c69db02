"""Bytes by their SHA-256, in chunks of 1 MiB beside a table of metadata."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from archiver.errors import IntegrityError
from archiver.store.archive import Archive

CHUNK = 1 << 20
BATCH = 4  # chunks a transaction while a large body is still unpublished


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A body that is not visible yet: the id that chunks were committed under (0 when none were, or when the archive
    has the blob already), and the chunks that are left, each with its number."""

    sha256: str
    size: int
    sniffed_type: str
    reserved: int
    pending: tuple[tuple[int, bytes], ...]


class BlobStore:
    """The blobs of one archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._last = -1

    def put(
        self, sha256: str, size: int, chunks: Iterable[bytes], *, sniffed_type: str = ""
    ) -> Literal["created", "present"]:
        """Stores and publishes a blob. IntegrityError when the bytes are not what `sha256` and `size` say."""
        if self._held(sha256):
            return "present"
        staged = self.stage(sha256, size, chunks, sniffed_type=sniffed_type)
        with self.archive.transaction():
            self.publish(staged)
        return "created"

    def stage(self, sha256: str, size: int, chunks: Iterable[bytes], *, sniffed_type: str = "") -> Staged:
        """Takes the bytes in bounded memory. Chunks of a large body commit under a reserved id, where nobody sees
        them until `publish`; a crash in between leaves what the next start deletes."""
        if self._held(sha256):
            return Staged(sha256=sha256, size=size, sniffed_type=sniffed_type, reserved=0, pending=())
        reserved, seen, length = 0, hashlib.sha256(), 0
        pending: list[tuple[int, bytes]] = []
        for n, chunk in enumerate(_rechunk(chunks)):
            if len(pending) == BATCH:
                with self.archive.transaction():
                    reserved = reserved or self._reserve()
                    self._insert(reserved, pending)
                pending.clear()
            seen.update(chunk)
            length += len(chunk)
            pending.append((n, chunk))
        if length != size or seen.hexdigest() != sha256:
            raise IntegrityError(f"{length} bytes with hash {seen.hexdigest()} were given as {size} bytes {sha256}")
        return Staged(sha256=sha256, size=size, sniffed_type=sniffed_type, reserved=reserved, pending=tuple(pending))

    def publish(self, staged: Staged) -> int:
        """Makes a staged blob visible, inside the caller's transaction. The local id.

        Several bodies may be staged before the first is published (the hops of one try), and two of them may be the
        same: so what is there already, and which id is free, is asked here again.
        """
        blob = self.find(staged.sha256)
        if blob is not None:
            if (staged.reserved or staged.pending) and not self._held(staged.sha256):
                self._restore(blob, staged)
            elif staged.reserved:
                self.archive.db.execute("DELETE FROM blob_chunks WHERE blob_id = ?", (staged.reserved,))
            return blob
        if not staged.reserved and not staged.pending and staged.size:
            raise IntegrityError(f"blob {staged.sha256} was never stored")
        blob = staged.reserved or self._reserve()
        self._insert(blob, staged.pending)
        self.archive.db.execute(
            "INSERT INTO blobs (id, sha256, size, sniffed_type) VALUES (?, ?, ?, ?)",
            (blob, staged.sha256, staged.size, staged.sniffed_type),
        )
        self.archive.db.execute("INSERT INTO blob_at (blob, store) VALUES (?, 'sqlite')", (blob,))
        return blob

    def _held(self, sha256: str) -> bool:
        """Whether the bytes are here. Of what was erased the row is left, and the same bytes may come once more."""
        return (
            self.archive.one(
                "SELECT 1 FROM blobs b WHERE b.sha256 = ? AND EXISTS (SELECT 1 FROM blob_at WHERE blob = b.id)", sha256
            )
            is not None
        )

    def _restore(self, blob: int, staged: Staged) -> None:
        """Bytes that came again after they were erased, under the row that was kept."""
        self.archive.db.execute("UPDATE blob_chunks SET blob_id = ? WHERE blob_id = ?", (blob, staged.reserved))
        self._insert(blob, staged.pending)
        self.archive.db.execute("INSERT INTO blob_at (blob, store) VALUES (?, 'sqlite')", (blob,))

    def _insert(self, blob: int, chunks: Iterable[tuple[int, bytes]]) -> None:
        rows = ((blob, n, data) for n, data in chunks)
        self.archive.db.executemany("INSERT INTO blob_chunks (blob_id, n, data) VALUES (?, ?, ?)", rows)

    def _reserve(self) -> int:
        """An id that no blob, published or not, has had. One writer holds the archive, so it may count by itself."""
        if self._last < 0:
            row = self.archive.one(
                "SELECT max((SELECT coalesce(max(id), 0) FROM blobs), "
                "(SELECT coalesce(max(blob_id), 0) FROM blob_chunks))"
            )
            self._last = int(row[0] if row else 0)
        self._last += 1
        return self._last

    def find(self, sha256: str) -> int | None:
        """The local id of a published blob."""
        row = self.archive.one("SELECT id FROM blobs WHERE sha256 = ?", sha256)
        return None if row is None else int(row[0])

    def get(self, sha256: str) -> Iterator[bytes]:
        """The bytes, chunk by chunk. IntegrityError when the archive has no such blob."""
        row = self.archive.one(
            "SELECT b.id, c.data FROM blobs b LEFT JOIN blob_chunks c ON c.blob_id = b.id AND c.n = 0 "
            "WHERE b.sha256 = ?",
            sha256,
        )
        if row is None:
            raise IntegrityError(f"no blob {sha256}")
        blob, n, data = row["id"], 0, row["data"]
        while data is not None:
            yield data
            if len(data) < CHUNK:  # only the last one is
                return
            n += 1
            row = self.archive.one("SELECT data FROM blob_chunks WHERE blob_id = ? AND n = ?", blob, n)
            data = None if row is None else row["data"]

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as a file that is read once, from its start, one chunk in memory at a time."""
        return cast(BinaryIO, io.BufferedReader(_Pieces(self.get(sha256)), CHUNK))

    def range(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes [start, end), reading only the chunks that hold them."""
        blob = self.find(sha256)
        if blob is None:
            raise IntegrityError(f"no blob {sha256}")
        for n in range(start // CHUNK, max(start, end - 1) // CHUNK + 1):
            row = self.archive.one("SELECT data FROM blob_chunks WHERE blob_id = ? AND n = ?", blob, n)
            if row is None:
                return
            piece = row[0][max(0, start - n * CHUNK) : end - n * CHUNK]
            if piece:
                yield piece


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file for reading."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any Buffer
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size


def _rechunk(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Any pieces as pieces of exactly CHUNK bytes, but for the last. An empty body has none."""
    held = bytearray()
    for chunk in chunks:
        if not held and len(chunk) == CHUNK:
            yield bytes(chunk)
            continue
        held += chunk
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)
