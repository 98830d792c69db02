"""DER (ITU-T X.690), as much as timestamps need: elements read strictly one after the other, and a few written.

Only what DER allows is read: definite lengths in their shortest form. Whatever else is a ParseError whose pointer
names the byte, counted in the data at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from archiver.errors import ParseError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8 = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
TIME, SEQUENCE, SET = 0x18, 0x30, 0x31
CONTEXT, CONSTRUCTED = 0x80, 0xA0
"""The tag [n] of a context: `CONTEXT + n` around bytes, `CONSTRUCTED + n` around elements."""
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]{1,9})?Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element: its tag byte, its content, and all its bytes as they stand in the data."""

    tag: int
    content: bytes
    raw: bytes

    def items(self, what: str) -> Items:
        """The elements inside."""
        return Items(self.content, what)

    def integer(self, what: str) -> int:
        data = self.of(INTEGER, what).content
        if not data or (len(data) > 1 and data[0] in (0, 0xFF) and (data[0] ^ data[1]) < 0x80):
            raise ParseError(f"{what} is not a DER integer")
        return int.from_bytes(data, "big", signed=True)

    def boolean(self, what: str) -> bool:
        if self.of(BOOLEAN, what).content not in (b"\x00", b"\xff"):
            raise ParseError(f"{what} is not a DER boolean")
        return self.content == b"\xff"

    def oid(self, what: str) -> str:
        """An object identifier with dots."""
        data, arcs, value = self.of(OID, what).content, [], 0
        if not data or data[-1] & 0x80 or len(data) > 64:
            raise ParseError(f"{what} is not an object identifier")
        fresh = True
        for byte in data:
            if fresh and byte == 0x80:
                raise ParseError(f"{what} is not an object identifier in DER")
            value, fresh = value << 7 | byte & 0x7F, not byte & 0x80
            if fresh:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

    def octets(self, what: str) -> bytes:
        return self.of(OCTET_STRING, what).content

    def time(self, what: str) -> str:
        """A GeneralizedTime as RFC 3161 wants it (UTC, with seconds), in ISO 8601. Zeros at the end of a fraction,
        which DER forbids and services send, are read."""
        found = _TIME.fullmatch(self.of(TIME, what).content.decode("latin-1"))
        if found is None:
            raise ParseError(f"{what} is not a time in UTC with seconds")
        year, month, day, hour, minute, second, fraction = found.groups()
        text = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ParseError(f"{what} is no day or time") from None
        return f"{text}{fraction or ''}Z"

    def of(self, tag: int, what: str) -> Element:
        """Itself, when it bears this tag."""
        if self.tag != tag:
            raise ParseError(f"{what} bears the tag {self.tag:#04x}, not {tag:#04x}")
        return self


class Items:
    """The elements of some data, taken one after the other; `end` refuses what is left over."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._what, self._at = data, what, 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def next(self, what: str, tag: int | None = None) -> Element:
        element = self._read(what)
        if tag is not None:
            element.of(tag, what)
        self._at += len(element.raw)
        return element

    def maybe(self, what: str, tag: int) -> Element | None:
        """The next element, when it bears this tag."""
        if not self.more() or self._data[self._at] != tag:
            return None
        return self.next(what)

    def sequence(self, what: str) -> Items:
        return self.next(what, SEQUENCE).items(what)

    def end(self) -> None:
        if self.more():
            raise self._error(f"{self._what} holds more than it should")

    def rest(self, what: str) -> tuple[Element, ...]:
        """All that is left."""
        found = []
        while self.more():
            found.append(self.next(what))
        return tuple(found)

    def _error(self, message: str) -> ParseError:
        return ParseError(message, pointer=f"byte {self._at} of {self._what}")

    def _read(self, what: str) -> Element:
        data, at = self._data, self._at
        if len(data) < at + 2:
            raise self._error(f"{what} is missing")
        tag, length, head = data[at], data[at + 1], 2
        if tag & 0x1F == 0x1F:
            raise self._error(f"{what} bears a long tag")
        if length & 0x80:
            count = length & 0x7F
            coded = data[at + 2 : at + 2 + count]
            length, head = int.from_bytes(coded, "big"), 2 + count
            if not 1 <= count <= 4 or len(coded) < count or length < 0x80 or coded[0] == 0:
                raise self._error(f"the length of {what} is not in DER")
        raw = data[at : at + head + length]
        if len(raw) < head + length:
            raise self._error(f"{what} is cut off")
        return Element(tag=tag, content=raw[head:], raw=raw)


def whole(data: bytes, what: str) -> Element:
    """The one element that the data are."""
    items = Items(data, what)
    element = items.next(what)
    items.end()
    return element


def write(tag: int, *parts: bytes) -> bytes:
    """One element around these bytes."""
    content = b"".join(parts)
    size = len(content)
    coded = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, size] if size < 0x80 else [tag, 0x80 | len(coded), *coded]) + content


def write_integer(value: int) -> bytes:
    bits = (value if value >= 0 else ~value).bit_length()  # -128 fits into one byte, as 127 does
    return write(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


def write_oid(dotted: str) -> bytes:
    """ValueError for what is no object identifier."""
    arcs = [int(arc) for arc in dotted.split(".") if arc.isascii() and arc.isdigit()]
    if len(arcs) < 2 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or ".".join(map(str, arcs)) != dotted:
        raise ValueError(f"{dotted!r} is no object identifier")
    coded = b""
    for arc in (40 * arcs[0] + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        coded += bytes(reversed(groups))
    return write(OID, coded)
