"""Content coding undone (RFC 9110 section 8.4), bounded in size and ratio: gzip, deflate, br, zstd.

We only ask for gzip. The others occur in imported recordings, and some servers send them unasked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

from archiver.errors import ParseError

MAX_ENTITY = 1 << 30
MAX_RATIO = 200
RATIO_FREE = 1 << 20
"""Decoded bytes up to which no ratio is looked at: small texts compress well without being bombs."""
MAX_CODINGS = 3
PIECE = 64 * 1024


class BoundError(ParseError):
    """The decoded content is larger than allowed: a decompression bomb, or simply too large."""


class _Coding(Protocol):
    """One coding undone: `feed` yields pieces of bounded size, `finish` raises ParseError when the end is missing."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


class _Gzip:
    """RFC 1952: members one after the other; what follows the last member and is none is ignored, as browsers do."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._pending = b""
        self._members = 0
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        data, self._pending = self._pending + data, b""
        while data and not self._over:
            if self._inflate.eof:
                if len(data) < 2 and b"\x1f".startswith(data):
                    self._pending = data
                    return
                if not data.startswith(b"\x1f\x8b"):
                    self._over = True
                    return
                self._inflate = zlib.decompressobj(wbits=31)
            piece = self._inflate.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail

    def finish(self) -> None:
        if not self._inflate.eof:
            raise ParseError("gzip: the end is missing")


class _Deflate:
    """RFC 1950, or the bare RFC 1951 that some servers send under the same name."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj()
        self._start = b""
        self._decided = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._decided:
            self._start += data
            if len(self._start) < 2:
                return
            data, self._decided = self._start, True
            if data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31:
                self._inflate = zlib.decompressobj(wbits=-15)
        while data and not self._inflate.eof:
            piece = self._inflate.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail

    def finish(self) -> None:
        if not self._inflate.eof:
            raise ParseError("deflate: the end is missing")


class _Brotli:
    """RFC 7932. Each piece is bounded by the decoder: otherwise a small one could fill the memory."""

    def __init__(self) -> None:
        import brotli  # here, for hardly any answer needs it

        self._decoder, self._error = brotli.Decompressor(), brotli.error

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            piece = self._decoder.process(data, output_buffer_limit=PIECE)
            while True:
                if piece:
                    yield piece
                if self._decoder.is_finished() or self._decoder.can_accept_more_data():
                    return
                piece = self._decoder.process(b"", output_buffer_limit=PIECE)
        except self._error as error:
            raise ParseError(f"br: {error}") from None

    def finish(self) -> None:
        if not self._decoder.is_finished():
            raise ParseError("br: the end is missing")


class _Zstd:
    """RFC 8878 with its recommended window of 8 MiB. Fed by 512 bytes, since one block of 4 bytes can give 128 KiB."""

    def __init__(self) -> None:
        import zstandard  # here, for hardly any answer needs it

        self._decoder = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
        self._error = zstandard.ZstdError

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            for at in range(0, len(data), 512):
                if self._decoder.eof:
                    return
                piece = self._decoder.decompress(data[at : at + 512])
                if piece:
                    yield piece
        except self._error as error:
            raise ParseError(f"zstd: {error}") from None

    def finish(self) -> None:
        if not self._decoder.eof:
            raise ParseError("zstd: the end is missing")


def _coding(name: str) -> _Coding:
    match name:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise ParseError(f"no decoder for content coding {name!r}")


def codings(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The content codings of a message in the order in which they were applied; `identity` is left out."""
    named = (part for name, value in headers if name.lower() == "content-encoding" for part in value.split(","))
    return tuple(name for part in named if (name := part.strip().lower()) not in ("", "identity"))


class Decoder:
    """Undoes the content codings of one message as it arrives. Raises ParseError, BoundError when a bound is hit.

    `limit` bounds the decoded bytes; beyond 1 MiB, `ratio` bounds decoded : received bytes. Both hold for
    every coding of a chain, so that a bomb inside a bomb is caught too.
    """

    def __init__(self, headers: Iterable[tuple[str, str]], *, limit: int = MAX_ENTITY, ratio: int = MAX_RATIO) -> None:
        names = codings(headers)
        if len(names) > MAX_CODINGS:
            raise BoundError(f"{len(names)} content codings; {MAX_CODINGS} are undone")
        self._codings = [_coding(name) for name in reversed(names)]
        self._sizes = [0] * len(names)
        self._limit, self._ratio = limit, ratio
        self._received = 0

    @property
    def codes(self) -> bool:
        """Whether there is any coding to undo; if not, the content is the body."""
        return bool(self._codings)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded pieces that these bytes give."""
        self._received += len(data)
        if not self._codings and self._received > self._limit:
            raise BoundError(f"more than {self._limit} bytes")
        try:
            yield from self._through(0, data)
        except zlib.error as error:
            raise ParseError(f"content coding: {error}") from None

    def _through(self, stage: int, data: bytes) -> Iterator[bytes]:
        if stage == len(self._codings):
            yield data
            return
        for piece in self._codings[stage].feed(data):
            self._sizes[stage] += len(piece)
            self._check(self._sizes[stage])
            yield from self._through(stage + 1, piece)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BoundError(f"more than {self._limit} bytes after decoding")
        if size > RATIO_FREE and size > self._ratio * self._received:
            raise BoundError(f"decoded {size} bytes from {self._received}: more than {self._ratio} to 1")

    def finish(self) -> None:
        """The message is over. Raises ParseError when a coding's end is missing; no bytes are an empty entity."""
        if self._received:
            for coding in self._codings:
                coding.finish()


def decoded(
    body: BinaryIO, headers: Iterable[tuple[str, str]], *, limit: int = MAX_ENTITY, ratio: int = MAX_RATIO
) -> Iterator[bytes]:
    """The decoded pieces of a body open at 0. Raises ParseError as Decoder does."""
    decoder = Decoder(headers, limit=limit, ratio=ratio)
    while data := body.read(PIECE):
        yield from decoder.feed(data)
    decoder.finish()


def entity(
    body: BinaryIO, headers: Iterable[tuple[str, str]], limit: int = MAX_ENTITY, *, first: int | None = None
) -> bytes:
    """The decoded content of a body open at 0, of at most `limit` bytes; its `first` bytes where that is given. Raises
    ParseError as Decoder does, also for what stands behind the first bytes."""
    whole = BytesIO()  # hands out what it holds: joined pieces would stand in memory twice
    for piece in decoded(body, headers, limit=limit):
        whole.write(piece if first is None else piece[: first - whole.tell()])
    return whole.getvalue()
