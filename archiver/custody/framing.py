"""HTTP/1.1 response messages (RFC 9112) cut into head, body and chunk framing, and joined again byte for byte.

The archive keeps the body without its chunk framing, so that the same media are the same blob on every
server, and keeps the framing beside it, so that the wire message can be rebuilt:
`join` undoes `split` for any bytes, cut anywhere.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from archiver.errors import ParseError

BLANK_LINE = re.compile(rb"\n\r?\n")
STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?:[ \t]([^\r\n]*))?")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")
DIGITS = re.compile(r"[0-9]{1,19}")
LINE_BEGINNING = re.compile(rb"[0-9A-Fa-f]{0,16}|[0-9A-Fa-f]{1,16}[ \t]*(?:;[^\r\n]*)?\r?")
MAX_CHUNK_LINE = 16 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A response head: `version` as in `HTTP/1.1`, header names in lower case, values read as Latin-1."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """What stood around the body: `chunks` are (chunk line without CRLF, how often in a row).

    `open` means that the data of the last chunk were not followed by CRLF (a cut or damaged message).
    `tail` is everything after: trailer fields and the final CRLF, a half chunk line, bytes after the end of
    the message. Text stands for bytes as Latin-1. The text form is JSON with exactly these three members.
    """

    chunks: tuple[tuple[str, int], ...] = ()
    open: bool = False
    tail: str = ""

    def __str__(self) -> str:
        members = {"chunks": self.chunks, "open": self.open, "tail": self.tail}
        return json.dumps(members, separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def parse(cls, text: str) -> Framing:
        """The inverse of `str`. Raises ParseError for any text that `str` does not write."""
        try:
            members = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"framing is not JSON: {error}") from None
        if not isinstance(members, dict) or set(members) != {"chunks", "open", "tail"}:
            raise ParseError("framing has the members chunks, open and tail")
        chunks, is_open, tail = members["chunks"], members["open"], members["tail"]
        if not isinstance(is_open, bool):
            raise ParseError("not a boolean", pointer="/open")
        if not isinstance(tail, str) or not _latin1(tail):
            raise ParseError("not Latin-1 text", pointer="/tail")
        if not isinstance(chunks, list):
            raise ParseError("not a list", pointer="/chunks")
        runs = tuple(_run(run, at, last=at == len(chunks) - 1) for at, run in enumerate(chunks))
        if is_open and (not runs or not _chunk_size(runs[-1][0])):
            raise ParseError("no chunk is open", pointer="/open")
        framing = cls(chunks=runs, open=is_open, tail=tail)
        if str(framing) != text:
            raise ParseError("framing is not in its one written form")
        return framing


def _latin1(text: str) -> bool:
    return all(character <= "\xff" for character in text)


def _run(run: object, at: int, *, last: bool) -> tuple[str, int]:
    match run:
        case [str(line), int(count)] if not isinstance(count, bool) and count > 0 and _latin1(line):
            if not CHUNK_LINE.fullmatch(line.encode("latin-1") + b"\r\n"):
                raise ParseError("not a chunk line", pointer=f"/chunks/{at}/0")
            if not _chunk_size(line) and not (last and count == 1):
                raise ParseError("a chunk of size 0 is the last one", pointer=f"/chunks/{at}")
            return line, count
    raise ParseError("not a pair of chunk line and count", pointer=f"/chunks/{at}")


def _chunk_size(line: str) -> int:
    return int(re.split(r"[ \t;]", line, maxsplit=1)[0], 16)


def parse_head(raw: bytes) -> Head:
    """The final response head in exact head bytes (1xx heads may stand in front). Raises ParseError.

    Continuation lines (obsolete folding) are joined by one space, as RFC 9112 section 5.2 says.
    """
    block, at = raw, 0
    while True:
        end = BLANK_LINE.search(raw, at)
        block = raw[at : end.end() if end else len(raw)]
        head = _parse_block(block)
        if end is None or end.end() == len(raw) or not _interim(head.status):
            return head
        at = end.end()


def _interim(status: int) -> bool:
    return 100 <= status < 200 and status != 101


def _parse_block(block: bytes) -> Head:
    lines = [line.removesuffix(b"\r") for line in block.split(b"\n")]
    status = STATUS_LINE.fullmatch(lines[0])
    if status is None:
        raise ParseError("no status line", pointer="text:1:1")
    headers: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            break
        if line[:1] in b" \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {_text(line)}".strip(" "))
            continue
        field, colon, content = line.partition(b":")
        if not colon or not field.strip():
            raise ParseError("not a header field", pointer=f"text:{number}:1")
        headers.append((_text(field).lower(), _text(content)))
    return Head(
        version=f"HTTP/{status[1].decode()}",
        status=int(status[2]),
        reason=(status[3] or b"").decode("latin-1"),
        headers=tuple(headers),
    )


def _text(field: bytes) -> str:
    return field.strip(b" \t").decode("latin-1")


def declared_length(head: Head) -> int | None:
    """Content-Length in bytes; None when there is none or its values disagree (RFC 9112 section 6.3)."""
    values = {part.strip() for value in head.values("content-length") for part in value.split(",")}
    return int(values.pop()) if len(values) == 1 and all(map(DIGITS.fullmatch, values)) else None


def is_chunked(head: Head) -> bool:
    """Whether the last transfer coding is `chunked`."""
    codings = [part.strip().lower() for value in head.values("transfer-encoding") for part in value.split(",")]
    return bool(codings) and codings[-1] == "chunked"


class Splitter:
    """Cuts one response message as it arrives. `feed` returns body bytes; what stood around them is kept aside.

    After the last `feed`, call `close` when the connection ended. `raw_head` are the exact head bytes so far,
    `head` the parsed final head (None until it is whole, or when it is no HTTP head), `expected` the declared
    length, `complete` whether the message came whole, `excess` how many bytes stood after its end,
    `overhead` the bytes kept beside head and body, so that a caller can bound them.
    """

    def __init__(self, method: str = "GET") -> None:
        self._method = method.upper()
        self._state = "head"
        self._scan = self._block = self._left = 0
        self._pending = bytearray()
        self._lines, self._counts, self._line_before = bytearray(), array("Q"), b""  # no objects: lines can be many
        self._open = False
        self._notes = 0
        self._raw = bytearray()
        self.head: Head | None = None
        self.expected: int | None = None
        self.excess = 0
        self.size = 0
        self.complete = False

    @property
    def raw_head(self) -> bytes:
        return bytes(self._raw)

    @property
    def head_size(self) -> int:
        return len(self._raw)

    @property
    def overhead(self) -> int:
        return self._notes + len(self._pending)

    @property
    def by_close(self) -> bool:
        """Whether only the end of the connection ends this body."""
        return self._state == "close"

    def feed(self, data: bytes) -> bytes:
        if self._state == "head":
            data = self._find_head(data)
        if not data:
            return b""
        match self._state:
            case "length":
                body = self._measured(data)
            case "close":
                body = data
            case "after":
                self._pending += data
                self.excess += len(data)
                body = b""
            case _:
                body = self._chunked(data)
        self.size += len(body)
        return body

    def close(self) -> None:
        """The connection ended: a body without a declared length is complete now."""
        self.complete = self.complete or (self.by_close and self.head is not None)

    def framing(self) -> str:
        """The text of the Framing of what was fed so far; empty when head and body are the whole message."""
        if not self._counts and not self._pending:
            return ""
        tail = self._pending.decode("latin-1")
        runs = zip(self._lines.decode("latin-1").split("\n"), self._counts, strict=False)
        return str(Framing(chunks=tuple(runs), open=self._open, tail=tail))

    def _find_head(self, data: bytes) -> bytes:
        self._raw += data
        while (blank := BLANK_LINE.search(self._raw, max(self._scan - 2, self._block))) is not None:
            end = blank.end()
            try:
                head = _parse_block(bytes(self._raw[self._block : end]))
            except ParseError:
                head = None
            if head is not None and _interim(head.status):
                self._block = self._scan = end
                continue
            rest = bytes(self._raw[end:])
            del self._raw[end:]
            self._begin_body(head)
            return rest
        self._scan = len(self._raw)
        return b""

    def _begin_body(self, head: Head | None) -> None:
        self.head = head
        if head is None:
            self._state = "close"
            return
        self.expected = declared_length(head)
        if self._method == "HEAD" or head.status in (204, 304):
            self._state, self.complete = "after", True
        elif is_chunked(head):
            self._state, self.expected = "line", None
        elif self.expected is not None:
            self._left = self.expected
            self._state, self.complete = ("length", False) if self._left else ("after", True)
        else:
            self._state = "close"

    def _measured(self, data: bytes) -> bytes:
        body = data if len(data) <= self._left else data[: self._left]
        self._left -= len(body)
        if not self._left:
            self._state, self.complete = "after", True
            self.excess = len(data) - len(body)
            self._pending += data[len(body) :]
        return body

    def _chunked(self, data: bytes) -> bytes:
        if self._state == "data" and len(data) <= self._left:  # the common case of large chunks: no copy
            self._take(len(data))
            return data
        out: list[bytes] = []
        at = 0
        while at < len(data):
            match self._state:
                case "data":
                    piece = data[at : at + self._left]
                    out.append(piece)
                    at += len(piece)
                    self._take(len(piece))
                case "crlf":
                    at = self._after_data(data, at)
                case "line":
                    at = self._line(data, at)
                case "close":
                    out.append(bytes(self._pending) + data[at:])
                    self._pending.clear()
                    at = len(data)
                case _:
                    self._pending += data[at:]
                    at = len(data)
                    self._find_end()
        if self._state == "close" and self._pending:
            out.append(bytes(self._pending))
            self._pending.clear()
        return b"".join(out)

    def _take(self, size: int) -> None:
        self._left -= size
        if not self._left:
            self._state = "crlf"

    def _after_data(self, data: bytes, at: int) -> int:
        piece = data[at : at + 2 - len(self._pending)]
        self._pending += piece
        if self._pending == b"\r\n":
            self._pending.clear()
            self._open, self._state = False, "line"
        elif self._pending != b"\r":
            self._state = "damaged"
        return at + len(piece)

    def _line(self, data: bytes, at: int) -> int:
        stop = data.find(b"\n", at) + 1 or len(data)
        self._pending += data[at:stop]
        line = CHUNK_LINE.fullmatch(self._pending)
        if line is not None:
            self._left = int(line[1], 16)
            self._note(bytes(self._pending[:-2]))
            self._pending.clear()
            self._open, self._state = (True, "data") if self._left else (False, "trailer")
        elif len(self._pending) > MAX_CHUNK_LINE or not LINE_BEGINNING.fullmatch(self._pending):
            # A head that says chunked before a body that is not (records of some archives): the bytes are the body.
            self._state = "damaged" if self._counts else "close"
        return stop

    def _note(self, line: bytes) -> None:
        if self._counts and line == self._line_before:
            self._counts[-1] += 1
        else:
            self._lines += line + b"\n"
            self._counts.append(1)
            self._line_before = line
            self._notes += len(line) + 9

    def _find_end(self) -> None:
        if self._state != "trailer":
            return
        first = re.match(rb"\r?\n", self._pending)
        end = first or BLANK_LINE.search(self._pending)
        if end is not None:
            self._state, self.complete = "after", True
            self.excess = len(self._pending) - end.end()


def split(message: bytes, method: str = "GET") -> tuple[bytes, bytes, str]:
    """Head, body and framing text of a whole message (the answer to `method`). Never fails: damage stays in them."""
    splitter = Splitter(method)
    body = splitter.feed(message)
    return splitter.raw_head, body, splitter.framing()


def pieces(head: bytes, body: BinaryIO, framing: str) -> Iterator[bytes]:
    """The wire message in pieces, from a body open at 0. Raises ParseError when body and framing do not fit."""
    yield head
    shape = Framing.parse(framing) if framing else Framing()
    last = len(shape.chunks) - 1
    for at, (line, count) in enumerate(shape.chunks):
        size = _chunk_size(line)
        for turn in range(count):
            yield line.encode("latin-1") + b"\r\n"
            if shape.open and at == last and turn == count - 1:
                break
            yield from _exactly(body, size)
            yield b"\r\n" if size else b""
    if shape.open or not shape.chunks:
        left = _chunk_size(shape.chunks[-1][0]) if shape.open else None
        while piece := body.read(PIECE):
            if left is not None and (left := left - len(piece)) < 0:
                raise ParseError("the body is longer than its framing")
            yield piece
    elif body.read(1):
        raise ParseError("the body is longer than its framing")
    yield shape.tail.encode("latin-1")


def _exactly(body: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = body.read(min(size, PIECE))
        if not piece:
            raise ParseError("the body is shorter than its framing")
        size -= len(piece)
        yield piece


def join(head: bytes, body: BinaryIO, framing: str) -> bytes:
    """The wire message, byte for byte; the inverse of `split`. Raises ParseError when body and framing do not fit."""
    return b"".join(pieces(head, body, framing))
