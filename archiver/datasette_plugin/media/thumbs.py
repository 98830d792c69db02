"""Small pictures, made when they are asked for and kept in memory for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 32 << 20
"""Bytes that are kept."""
MADE = 1
"""Raised when small pictures are made in another way, so that browsers fetch them anew."""


class Kept:
    """Small pictures by the hash of the file and whether they only hint at it; the least used go first."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._held, self._size = most, OrderedDict[tuple[str, bool], bytes](), 0
        self._lock = threading.Lock()

    def get(self, sha256: str, *, coarse: bool) -> bytes | None:
        """A picture that is kept."""
        with self._lock:
            found = self._held.get((sha256, coarse))
            if found is not None:
                self._held.move_to_end((sha256, coarse))
            return found

    def put(self, sha256: str, made: bytes, *, coarse: bool) -> None:
        """Keeps a picture."""
        with self._lock:
            self._size += len(made) - len(self._held.pop((sha256, coarse), b""))
            self._held[(sha256, coarse)] = made
            while self._size > self._most:
                self._size -= len(self._held.popitem(last=False)[1])

    def forget(self, sha256: str) -> None:
        """Drops what was made of a file, which is erased."""
        with self._lock:
            for coarse in (False, True):
                self._size -= len(self._held.pop((sha256, coarse), b""))

    def __len__(self) -> int:
        return self._size


KEPT = Kept()


def etag(sha256: str, *, coarse: bool) -> str:
    """The tag of a small picture."""
    return f'"{sha256[:32]}-{"hint" if coarse else "small"}{MADE}"'
