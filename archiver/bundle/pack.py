"""A zip that is written once, in flat memory: entries stored as they are, the same entries always as the same bytes.

Its directory is sorted by name and kept on the disk until the end, so that the number of entries costs no memory
(APPNOTE 6.3.10; 64 bit records where they are needed and there alone). Into a file that cannot be sought in (an entry
of another zip) lengths follow the entries.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
from binascii import crc32
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

from archiver.bundle.spool import Sorter, Spools

LARGE = 1 << 31
"""From this size on an entry is written with 64 bit lengths: half of what 32 bits hold, since sizes are estimates."""
WORTH = 1 << 15
"""Smaller pieces are hashed sooner than handed to a thread."""
WAITING = 8 << 20
"""So many bytes at most wait for their SHA-512."""
PIECE = 1 << 18
"""Small pieces of an entry are gathered to so many bytes."""
EDGE, COUNT = (1 << 31) - 1, 0xFFFF
"""Above them lengths, places and the number of entries stand in 64 bits, as in the zips that Python makes."""
_FULL = 0xFFFFFFFF
_MODE = (stat.S_IFREG | 0o644) << 16
_DAY = 1 << 5 | 1  # 1980-01-01
_UNIX, _PLAIN, _WIDE, _AFTER = 3, 20, 45, 8
_LOCAL, _CENTRAL = struct.Struct("<4s2B4H3L2H"), struct.Struct("<4s4B4H3L5H2L")
_LENGTHS, _LENGTHS_WIDE = struct.Struct("<3L"), struct.Struct("<L2Q")


class Digests:
    """What was written: SHA-256 and SHA-512 in hexadecimal (the latter empty where nobody asked), size in bytes."""

    __slots__ = ("_sha512", "sha256", "size")

    def __init__(self, sha256: str, sha512: str | Future[str], size: int) -> None:
        self.sha256, self._sha512, self.size = sha256, sha512, size

    @property
    def sha512(self) -> str:
        """It may be on its way still: then this waits."""
        return self._sha512 if isinstance(self._sha512, str) else self._sha512.result()


class Aside:
    """One thread that hashes by SHA-512, which takes as long as all the rest, a bounded way behind the writer."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[tuple[int, Future[str]]] = deque()
        self._size = 0

    def digest(self, data: bytes) -> str | Future[str]:
        """The SHA-512 of a whole file."""
        return self._later(hashlib.sha512(), data) if len(data) >= WORTH else hashlib.sha512(data).hexdigest()

    def update(self, hashing: hashlib._Hash, data: bytes) -> Future[str]:
        """The SHA-512 of a file up to here; pieces are taken in the order in which they are given."""
        return self._later(hashing, data)

    def _later(self, hashing: hashlib._Hash, data: bytes) -> Future[str]:
        self._size += len(data)
        while self._size > WAITING and self._waiting:
            size, earlier = self._waiting.popleft()
            earlier.result()
            self._size -= size
        made = self._pool.submit(_hashed, hashing, data)
        self._waiting.append((len(data), made))
        return made

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _hashed(hashing: hashlib._Hash, data: bytes) -> str:
    hashing.update(data)
    return hashing.hexdigest()


class Stream(io.RawIOBase):
    """The file of one entry, for writing alone; it is hashed as it passes. `size` counts what was given; `digests` are
    there after `end`."""

    digests: Digests

    def __init__(self, target: IO[bytes], aside: Aside | None) -> None:
        self._target, self._aside = target, aside
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()
        self._last: str | Future[str] = self._sha512.hexdigest() if aside is not None else ""
        self._held: list[bytes] = []
        self._gathered = 0
        self.size, self.crc = 0, 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # typeshed: any Buffer
        self._held.append(data)
        self._gathered += len(data)
        self.size += len(data)
        if self._gathered >= PIECE:
            self._pass()
        return len(data)

    def _pass(self) -> None:
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._gathered = [], 0
        if self._aside is not None:
            self._last = self._aside.update(self._sha512, data)
        self._target.write(data)
        self._sha256.update(data)
        self.crc = crc32(data, self.crc)

    def end(self) -> None:
        """After the last piece."""
        if self._held:
            self._pass()
        self.digests = Digests(self._sha256.hexdigest(), self._last, self.size)


class Pack:
    """Writes a zip into an open file, from where it stands. `close` writes its directory, by name; leaving it by an
    error writes no more. `both` asks for SHA-512 too."""

    def __init__(self, file: IO[bytes], spools: Spools | None = None, *, both: bool = True) -> None:
        self._file, self._seekable = file, file.seekable()
        self._at = 0
        self._start = file.tell() if self._seekable else 0
        self._directory = Sorter(spools or Spools())
        self._aside = Aside() if both else None

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._aside is not None:
            self._aside.close()

    @contextmanager
    def entry(self, name: str, *, about: int = 0) -> Iterator[Stream]:
        """One entry, while it is written. `about` is its size as far as it is known. ValueError for a name that not
        every reader of bags would take: ASCII without spaces, control characters and percent signs; or for an entry
        that is larger than a zip may hold and was said to be small."""
        wide, flags, start = about >= LARGE, 0 if self._seekable else _AFTER, self._at
        unknown = _FULL if wide and self._seekable else 0
        self._put(_local(name, flags, 0, unknown, wide=wide))
        stream = Stream(self._file, self._aside)
        yield stream
        stream.end()
        size = stream.size
        self._at += size
        if size > EDGE and not wide:
            raise ValueError(f"{name} has {size} bytes and was said to have {about}")
        if self._seekable:
            self._file.seek(self._start + start)
            self._file.write(_local(name, 0, stream.crc, size, wide=wide))
            self._file.seek(self._start + self._at)
        else:
            lengths = _LENGTHS_WIDE if wide else _LENGTHS
            self._put(b"PK\x07\x08" + lengths.pack(stream.crc, size, size))
        self._listed(name, flags, stream.crc, size, start, wide=wide)

    def add(self, name: str, pieces: Iterable[bytes], *, about: int = 0) -> Digests:
        """One entry from its pieces."""
        rest = iter(pieces)
        first, second = next(rest, b""), next(rest, None)
        if second is None:
            return self.put(name, first)
        with self.entry(name, about=about) as stream:
            stream.write(first)
            stream.write(second)
            for piece in rest:
                stream.write(piece)
        return stream.digests

    def put(self, name: str, data: bytes) -> Digests:
        """One entry that is in memory."""
        size, start = len(data), self._at
        wide = size > EDGE
        sha512 = self._aside.digest(data) if self._aside is not None else ""
        crc = crc32(data)
        self._put(_local(name, 0, crc, size, wide=wide))
        self._put(data)
        self._listed(name, 0, crc, size, start, wide=wide)
        return Digests(hashlib.sha256(data).hexdigest(), sha512, size)

    def close(self) -> None:
        """The directory. ValueError for two entries of one name."""
        start, last = self._at, b""
        for line in self._directory:
            name, _, told = line.partition(b"\0")
            if name == last:
                raise ValueError(f"{name.decode()} stands twice in a zip")
            last = name
            flags, crc, size, place, wide = map(int, told.split())
            self._put(_central(name, flags, crc, size, place, wide=bool(wide)))
        count, size = len(self._directory), self._at - start
        if count > COUNT or max(start, size) > EDGE:
            end = self._at
            self._put(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, _WIDE, _WIDE, 0, 0, count, count, size, start))
            self._put(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
        few, size, start = min(count, 0xFFFF), min(size, _FULL), min(start, _FULL)
        self._put(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, few, few, size, start, 0))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def _listed(self, name: str, flags: int, crc: int, size: int, start: int, *, wide: bool) -> None:
        self._directory.add(b"%b\0%d %d %d %d %d" % (name.encode(), flags, crc, size, start, wide))


def _local(name: str, flags: int, crc: int, size: int, *, wide: bool) -> bytes:
    """The header before an entry."""
    if not (name.isascii() and name.isprintable()) or " " in name or "%" in name or "\\" in name:
        raise ValueError(f"{name!r} is no name for a file of a bundle")
    extra = struct.pack("<2H2Q", 1, 16, size, size) if wide else b""
    least, told = (_WIDE, _FULL) if wide else (_PLAIN, size)
    given = (least, 0, flags, 0, 0, _DAY, crc, told, told, len(name), len(extra))
    return _LOCAL.pack(b"PK\x03\x04", *given) + name.encode("ascii") + extra


def _central(name: bytes, flags: int, crc: int, size: int, place: int, *, wide: bool) -> bytes:
    """The line of an entry in the directory."""
    far = [*([size, size] if size > EDGE else []), *([place] if place > EDGE else [])]
    extra = struct.pack(f"<2H{len(far)}Q", 1, 8 * len(far), *far) if far else b""
    least = _WIDE if far or wide else _PLAIN
    told, place = _FULL if size > EDGE else size, _FULL if place > EDGE else place
    given = (least, _UNIX, least, 0, flags, 0, 0, _DAY, crc, told, told, len(name), len(extra), 0, 0, 0, _MODE, place)
    return _CENTRAL.pack(b"PK\x01\x02", *given) + name + extra
