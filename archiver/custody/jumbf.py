"""JUMBF (ISO/IEC 19566-5): boxes in boxes, each with a label, as C2PA manifests are kept."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.errors import ParseError

MAX_DEPTH = 5
"""A store holds manifests, these hold stores of assertions, and these hold assertions."""
MAX_BOXES = 4096
UUID_TAIL = bytes.fromhex("00110010800000aa00389b71")
"""How the types of C2PA and of plain content end; four letters stand before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box: four letters, and its content as it stands in the data."""

    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Superbox:
    """A described box: `type` is the UUID of its description (bytes), `content` is all that it holds, description
    included, which is what hashes of C2PA are over."""

    type: bytes
    label: str
    content: bytes
    boxes: tuple[Box, ...]
    children: tuple[Superbox, ...]

    def is_a(self, letters: str) -> bool:
        """Whether its type is the one that C2PA writes as four letters (`c2ma`)."""
        return self.type == letters.encode() + UUID_TAIL

    def child(self, label: str) -> Superbox | None:
        """The one box of this label inside. ParseError when there are several: which is meant could be argued."""
        found = [child for child in self.children if child.label == label]
        if len(found) > 1:
            raise ParseError(f"{len(found)} boxes bear the label {label[:80]!r}", pointer=self.label)
        return found[0] if found else None

    def payload(self, kind: str) -> bytes:
        """The content of its one box of this kind."""
        found = [box.content for box in self.boxes if box.kind == kind]
        if len(found) != 1:
            raise ParseError(f"{len(found)} boxes of the kind {kind} where one should be", pointer=self.label)
        return found[0]


def header(data: bytes, at: int, end: int) -> tuple[str, int, int]:
    """The kind, the start of the content and the end of the box that begins at `at` (also of ISO BMFF, where boxes
    are the same). ParseError when it does not fit before `end`."""
    if end - at < 8:
        raise ParseError("a box is cut off", pointer=f"byte {at}")
    size, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8].decode("latin-1"), at + 8
    if size == 1:
        if end - at < 16:
            raise ParseError("a box is cut off", pointer=f"byte {at}")
        size, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
    stop = end if size == 0 else at + size
    if stop < start or stop > end:
        raise ParseError(f"a box says that it has {size} bytes", pointer=f"byte {at}")
    return kind, start, stop


def parse(data: bytes) -> Superbox:
    """The one superbox that the data begin with; zeros may follow it, since stores are padded."""
    kind, start, stop = header(data, 0, len(data))
    if kind != "jumb":
        raise ParseError(f"a box of the kind {kind!r} where a superbox should be", pointer="byte 0")
    if data[stop:].strip(b"\0"):
        raise ParseError("bytes follow the superbox", pointer=f"byte {stop}")
    return _Boxes().superbox(data[start:stop], 0)


class _Boxes:
    def __init__(self) -> None:
        self.count = 0

    def superbox(self, content: bytes, depth: int) -> Superbox:
        if depth > MAX_DEPTH:
            raise ParseError(f"boxes inside more than {MAX_DEPTH} others")
        boxes: list[Box] = []
        children: list[Superbox] = []
        at = 0
        while at < len(content):
            self.count += 1
            if self.count > MAX_BOXES:
                raise ParseError(f"more than {MAX_BOXES} boxes")
            kind, start, stop = header(content, at, len(content))
            if (at == 0) != (kind == "jumd"):
                raise ParseError("the first box of a superbox, and no other, is its description")
            if kind == "jumb":
                children.append(self.superbox(content[start:stop], depth + 1))
            else:
                boxes.append(Box(kind=kind, content=content[start:stop]))
            at = stop
        if not boxes:
            raise ParseError("a superbox is not described")
        type, label = _description(boxes[0].content)
        return Superbox(type=type, label=label, content=content, boxes=tuple(boxes[1:]), children=tuple(children))


def _description(data: bytes) -> tuple[bytes, str]:
    if len(data) < 17:
        raise ParseError("the description of a box is cut off")
    if not data[16] & 2:
        return data[:16], ""
    end = data.find(b"\0", 17)
    if end < 0:
        raise ParseError("the label of a box does not end")
    try:
        return data[:16], data[17:end].decode()
    except UnicodeDecodeError:
        raise ParseError("the label of a box is not UTF-8") from None
