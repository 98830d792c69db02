"""Choices read from bytes: whoever makes the bytes, a fuzzer or a property test, decides what is tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chooser:
    """Reads choices from the front of its bytes. Where they end, each choice is the first, so every input is finite."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def byte(self) -> int:
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def number(self, below: int) -> int:
        """From 0 to `below` - 1."""
        value, span = self.byte(), 256
        while span < below:
            value, span = value << 8 | self.byte(), span << 8
        return value % max(below, 1)

    def pick(self, of: Sequence[T]) -> T:
        return of[self.number(len(of))]

    def some(self, most: int) -> bytes:
        """Up to `most` of the next bytes as they are."""
        start, self._at = self._at, min(len(self._data), self._at + self.number(most + 1) + 1)
        return self._data[start + 1 : self._at]

    def rest(self) -> bytes:
        start, self._at = self._at, len(self._data)
        return self._data[start:]

    @property
    def more(self) -> bool:
        return self._at < len(self._data)
