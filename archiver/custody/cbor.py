"""CBOR (RFC 8949), as much as provenance manifests need: one item of foreign data, decoded in bounded work.

No tag is interpreted, so that a tag cannot make this build a number of a million digits, a date or a pattern. What
two decoders could read in two ways (a key that stands twice, a string that is no UTF-8, bytes after the item) is a
ParseError whose pointer names the byte.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from archiver.errors import ParseError

MAX_DEPTH = 32
MAX_ITEMS = 1 << 14
"""Items of one decoding, so that a megabyte of small ones does not become a hundred megabytes of objects."""
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_END = object()


@dataclass(frozen=True, slots=True)
class Tag:
    """A tagged item."""

    number: int
    value: Value


Value = int | float | str | bytes | bool | None | list["Value"] | dict[int | str, "Value"] | Tag
"""A decoded item; `undefined` and the simple values without a meaning read as None."""


def decode(data: bytes) -> Value:
    """The one item that the data are. ParseError for anything else, and beyond the bounds above."""
    reader = _Reader(data)
    value = reader.item(0)
    if reader.at != len(data):
        raise reader.error("bytes follow the item")
    return value


def encode_bytes(value: bytes) -> bytes:
    """A byte string as a deterministic encoder writes it."""
    return _head(2, len(value)) + value


def encode_text(value: str) -> bytes:
    """A text string as a deterministic encoder writes it."""
    data = value.encode()
    return _head(3, len(data)) + data


def _head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    more = next(n for n in range(4) if length < 1 << (8 << n))
    return bytes([major << 5 | 24 + more]) + length.to_bytes(1 << more, "big")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.count = data, 0, 0

    def error(self, message: str) -> ParseError:
        return ParseError(f"CBOR: {message}", pointer=f"byte {self.at}")

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise self.error("the data end inside an item")
        self.at += size
        return self.data[self.at - size : self.at]

    def item(self, depth: int) -> Value:
        value = self._read(depth)
        if value is _END:
            raise self.error("an end where an item should be")
        return value  # type: ignore[return-value]  # the sentinel is the one value that is none

    def _read(self, depth: int) -> Value | object:
        self.count += 1
        if self.count > MAX_ITEMS:
            raise self.error(f"more than {MAX_ITEMS} items")
        if depth > MAX_DEPTH:
            raise self.error(f"items inside more than {MAX_DEPTH} others")
        first = self.take(1)[0]
        major, info = first >> 5, first & 0x1F
        if major == 7:
            return self._simple(info)
        if info == 31:
            if major in (0, 1, 6):
                raise self.error("a number without an end")
            return self._open(major, depth)
        if info > 27:
            raise self.error("a length that is reserved")
        number = info if info < 24 else int.from_bytes(self.take(1 << (info - 24)), "big")
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self.take(number)
            case 3:
                return self._text(self.take(number))
            case 4 | 5 if number > len(self.data) - self.at:
                raise self.error("more items are announced than there are bytes")
            case 4:
                return [self.item(depth + 1) for _ in range(number)]
            case 5:
                found: dict[int | str, Value] = {}
                for _ in range(number):
                    self._pair(found, self.item(depth + 1), depth)
                return found
        return Tag(number, self.item(depth + 1))

    def _open(self, major: int, depth: int) -> Value:
        """What goes on until its end: strings in pieces, arrays and maps."""
        if major in (2, 3):
            pieces = []
            while (first := self.take(1)[0]) != 0xFF:
                if first >> 5 != major or first & 0x1F == 31:
                    raise self.error("a piece of a string is of another kind")
                self.at -= 1
                pieces.append(self.item(depth + 1))
            if major == 2:
                return b"".join(piece for piece in pieces if isinstance(piece, bytes))
            return "".join(piece for piece in pieces if isinstance(piece, str))
        if major == 4:
            items: list[Value] = []
            while (item := self._read(depth + 1)) is not _END:
                items.append(item)  # type: ignore[arg-type]  # as above
            return items
        found: dict[int | str, Value] = {}
        while (key := self._read(depth + 1)) is not _END:
            self._pair(found, key, depth)
        return found

    def _pair(self, found: dict[int | str, Value], key: object, depth: int) -> None:
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise self.error("a key of a map is neither a number nor text")
        if key in found:
            raise self.error("a key stands twice in a map")
        found[key] = self.item(depth + 1)

    def _simple(self, info: int) -> Value | object:
        if info in _FLOATS:
            kind, size = _FLOATS[info]
            return float(struct.unpack(kind, self.take(size))[0])
        if info == 24 and self.take(1)[0] < 32:
            raise self.error("a simple value in a longer form than it needs")
        if info in (28, 29, 30):
            raise self.error("a simple value that is reserved")
        return {20: False, 21: True, 31: _END}.get(info)

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self.error("text is not UTF-8") from None
