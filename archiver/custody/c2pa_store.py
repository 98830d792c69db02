"""Where a file keeps its C2PA manifest store: JPEG (APP11), PNG (`caBX`), RIFF (`C2PA`) and ISO BMFF (a `uuid` box).

C2PA specification 2.2, appendix A; ISO/IEC 19566-5 annex D for the segments of a JPEG. Bytes are walked once, from one
length to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.custody import jumbf
from archiver.errors import ParseError

MAX_STORE = 32 << 20
MAX_PIECES = 1 << 16
"""Segments, chunks or boxes of a file that are walked: a real one has some thousands."""
BMFF_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_STORE = b"c2pa" + jumbf.UUID_TAIL
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_RIFF_KINDS = (b"WEBP", b"WAVE", b"AVI ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The bytes of a manifest store, and the ranges [start, end) of the file that hold it, with what wraps it."""

    data: bytes
    ranges: tuple[tuple[int, int], ...]


def find(data: bytes) -> Store | None:
    """The manifest store of a file; None when it has none, or is of a format in which none is looked for.

    ParseError when there are several, when one is larger than 32 MiB, when its pieces do not fit each other, or when
    the file is cut into more than 65,536. Where
    the file itself is damaged, what stands before the damage is read.
    """
    if data.startswith(b"\xff\xd8\xff"):
        found = list(_jpeg(data))
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        found = list(_png(data))
    elif data.startswith(b"RIFF") and data[8:12] in _RIFF_KINDS:
        found = list(_riff(data))
    elif data[4:8] == b"ftyp":
        found = list(_bmff(data))
    else:
        return None
    if len(found) > 1:
        raise ParseError(f"{len(found)} manifest stores in one file: which one is meant cannot be told")
    if found and len(found[0].data) > MAX_STORE:
        raise ParseError(f"the manifest store is larger than {MAX_STORE} bytes")
    return found[0] if found else None


def mark(head: bytes) -> bytes:
    """The bytes without which a file that begins so (12 bytes tell) holds no store; empty where none is looked for."""
    if head.startswith(b"\xff\xd8\xff"):
        return b"jumb"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"caBX"
    if head.startswith(b"RIFF") and head[8:12] in _RIFF_KINDS:
        return b"C2PA"
    return BMFF_UUID if head[4:8] == b"ftyp" else b""


def _counted(count: int) -> int:
    if count >= MAX_PIECES:
        raise ParseError(f"the file is cut into more than {MAX_PIECES} pieces")
    return count + 1


def _cut_off(held: bool, at: int) -> None:
    """A file that ends too soon has no manifest, unless it ends inside of one."""
    if held:
        raise ParseError("the manifest store is cut off", pointer=f"byte {at}")


def _jpeg(data: bytes) -> Iterator[Store]:
    """The segments before the picture itself: `JP`, a number of the box, a number of the piece, then the header of
    the box in each piece."""
    pieces: dict[int, list[tuple[int, int, int]]] = {}
    at, count = 2, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        count = _counted(count)
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        if marker in (0xDA, 0xD9):
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            break
        if marker == 0xEB and data[at + 4 : at + 6] == b"JP" and end - at >= 20:
            number = int.from_bytes(data[at + 6 : at + 8], "big")
            pieces.setdefault(number, []).append((int.from_bytes(data[at + 8 : at + 12], "big"), at, end))
        at = end
    for found in pieces.values():
        yield from _joined(data, found)


def _joined(data: bytes, pieces: list[tuple[int, int, int]]) -> Iterator[Store]:
    """The box that these segments hold, when it is a manifest store."""
    first = pieces[0][1]
    size = int.from_bytes(data[first + 12 : first + 16], "big")
    long = 8 if size == 1 else 0
    if long:
        size = int.from_bytes(data[first + 20 : first + 28], "big")
    if data[first + 16 : first + 20] != b"jumb" or data[first + 28 + long : first + 44 + long] != _STORE:
        return
    head = data[first + 12 : first + 20 + long]
    for expected, (number, at, _) in enumerate(pieces, 1):
        if number != expected:
            raise ParseError(f"piece {expected} of the manifest store is missing", pointer=f"byte {at}")
        if data[at + 12 : at + 20 + long] != head:
            raise ParseError("a piece of the manifest store has another head", pointer=f"byte {at}")
    whole = head + b"".join(data[at + 20 + long : end] for _, at, end in pieces)
    if len(whole) < size:
        raise ParseError(f"the manifest store has {len(whole)} of its {size} bytes")
    yield Store(data=whole, ranges=tuple((at, end) for _, at, end in pieces))


def _png(data: bytes) -> Iterator[Store]:
    at, count = 8, 0
    while at + 12 <= len(data):
        count = _counted(count)
        end, held = at + 12 + int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8] == b"caBX"
        if end > len(data):
            return _cut_off(held, at)
        if held:
            yield Store(data=data[at + 8 : end - 4], ranges=((at, end),))
        at = end


def _riff(data: bytes) -> Iterator[Store]:
    at, count = 12, 0
    while at + 8 <= len(data):
        count = _counted(count)
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end, held = at + 8 + size, data[at : at + 4] == b"C2PA"
        if end > len(data):
            return _cut_off(held, at)
        if held:
            yield Store(data=data[at + 8 : end], ranges=((at, end),))
        at = end + size % 2


def _bmff(data: bytes) -> Iterator[Store]:
    at, count = 0, 0
    while at + 8 <= len(data):
        count = _counted(count)
        try:
            kind, start, end = jumbf.header(data, at, len(data))
        except ParseError:
            return _cut_off(data[at + 4 : at + 24] == b"uuid" + BMFF_UUID, at)
        if kind == "uuid" and data[start : start + 16] == BMFF_UUID:
            purpose, _, rest = data[start + 20 : min(end, start + 64)].partition(b"\0")
            if purpose == b"manifest" and len(rest) >= 8:
                yield Store(data=data[start + 20 + len(purpose) + 9 : end], ranges=((at, end),))
        at = end
