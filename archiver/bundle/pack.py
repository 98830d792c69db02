"""A zip that is written once, in flat memory: entries stored as they are, the same entries always as the same bytes."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

EPOCH = (1980, 1, 1, 0, 0, 0)
LARGE = 1 << 31
"""From this size on an entry is written with 64 bit lengths: half of what 32 bits hold, since sizes are estimates."""
WORTH = 1 << 15
"""Smaller pieces are hashed sooner than handed to a thread."""
_MODE = stat.S_IFREG | 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What was written: SHA-256 and SHA-512 in hexadecimal (the latter empty where nobody asked), size in bytes."""

    sha256: str
    sha512: str
    size: int


class Stream(io.RawIOBase):
    """The file of one entry, for writing alone; it is hashed as it passes. `aside` is a thread that hashes large pieces
    by SHA-512, which takes as long as all the rest."""

    def __init__(self, target: IO[bytes], aside: ThreadPoolExecutor | None) -> None:
        self._target, self._aside = target, aside
        self._sha256, self._sha512 = hashlib.sha256(), None if aside is None else hashlib.sha512()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # typeshed: any Buffer
        hashing = None
        if self._sha512 is not None and self._aside is not None and len(data) >= WORTH:
            hashing = self._aside.submit(self._sha512.update, data)
        elif self._sha512 is not None:
            self._sha512.update(data)
        try:
            self._target.write(data)
            self._sha256.update(data)
        finally:
            if hashing is not None:
                hashing.result()
        self.size += len(data)
        return len(data)

    @property
    def digests(self) -> Digests:
        sha512 = "" if self._sha512 is None else self._sha512.hexdigest()
        return Digests(sha256=self._sha256.hexdigest(), sha512=sha512, size=self.size)


class Pack:
    """Writes a zip into an open file. `close` sorts its directory by name; leaving it by an error writes no more.
    `both` asks for SHA-512 too."""

    def __init__(self, file: IO[bytes], *, both: bool = True) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._aside = ThreadPoolExecutor(1) if both else None

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, kind: object, *unused: object) -> None:
        if self._aside is not None:
            self._aside.shutdown()
        if kind is not None:
            self._zip.fp = None  # else it would write its directory once more when it is collected

    @contextmanager
    def entry(self, name: str, *, about: int = 0) -> Iterator[Stream]:
        """One entry, while it is written. `about` is its size as far as it is known. ValueError for a name that not
        every reader of bags would take: ASCII without spaces, control characters and percent signs."""
        if not (name.isascii() and name.isprintable()) or " " in name or "%" in name or "\\" in name:
            raise ValueError(f"{name!r} is no name for a file of a bundle")
        info = zipfile.ZipInfo(name, EPOCH)
        info.create_system, info.external_attr = 3, _MODE << 16
        with self._zip.open(info, "w", force_zip64=about >= LARGE) as target:
            yield Stream(target, self._aside)

    def add(self, name: str, pieces: Iterable[bytes], *, about: int = 0) -> Digests:
        """One entry from its pieces."""
        with self.entry(name, about=about) as stream:
            for piece in pieces:
                stream.write(piece)
        return stream.digests

    def close(self) -> None:
        self._zip.filelist.sort(key=lambda info: info.filename)
        self._zip.close()
