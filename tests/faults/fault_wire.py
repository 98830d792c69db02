"""What failing servers send, from bytes and nothing else: each is a function of one connection."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator
from functools import cache

import brotli
import zstandard
from fault_servers import Line, Serve

HTML = "Content-Type: text/html; charset=utf-8"
PAGE = b"<!doctype html><html lang=en><title>Fine</title><body><p>The bridge is open.</p></body></html>"


def head(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers]).encode("latin-1") + b"\r\n\r\n"


def message(body: bytes = PAGE, *headers: str, status: str = "200 OK") -> bytes:
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def fine(line: Line) -> None:
    """A page, to every request."""
    answer(message(PAGE, HTML))(line)


def answer(data: bytes) -> Serve:
    """The same bytes to every request of a kept connection."""

    def serve(line: Line) -> None:
        while line.request():
            line.send(data)

    return serve


def status(text: str, *headers: str, body: bytes = PAGE) -> Serve:
    return answer(message(body, HTML, *headers, status=text))


def then_close(*parts: bytes) -> Serve:
    """Bytes, then the end of the connection."""

    def serve(line: Line) -> None:
        if line.request():
            line.send(*parts)

    return serve


def then_hang(*parts: bytes) -> Serve:
    """Bytes, then nothing more."""

    def serve(line: Line) -> None:
        if line.request():
            line.send(*parts)
            line.hang()

    return serve


def then_reset(*parts: bytes) -> Serve:
    """Bytes, then RST."""

    def serve(line: Line) -> None:
        if line.request():
            line.send(*parts)
            line.reset()

    return serve


def dripping(first: bytes, piece: bytes) -> Serve:
    """A beginning, then piece after piece, slower than any bound allows."""

    def serve(line: Line) -> None:
        if line.request():
            line.send(first)
            line.drip(itertools.repeat(piece))

    return serve


def pouring(first: bytes, piece: bytes, times: int | None = None) -> Serve:
    """A beginning, then pieces as fast as they are taken: without end, or so many."""

    def serve(line: Line) -> None:
        if line.request():
            line.send(first)
            line.pour(itertools.repeat(piece) if times is None else itertools.repeat(piece, times))

    return serve


def moving(*locations: str, code: str = "302 Found") -> Serve:
    """Redirects, with as many Location fields as are given; {port} is the server's own."""

    def serve(line: Line) -> None:
        while line.request():
            fields = [f"Location: {where.replace('{port}', str(line.place.port))}" for where in locations]
            line.send(message(b"", *fields, status=code))

    return serve


def chain(line: Line) -> None:
    """Redirects to ever new addresses."""
    for number in itertools.count(1):
        if not line.request():
            return
        line.send(message(b"", f"Location: /{number}", status="302 Found"))
        if number > 50:
            return


def dies_when_kept(line: Line) -> None:
    """Says that the connection is kept, and ends it after the answer."""
    if line.request():
        line.send(message(PAGE, HTML, "Connection: keep-alive"))


def dies_at_first(data: bytes) -> Serve:
    """The first connection breaks after these bytes; the second is served."""

    def serve(line: Line) -> None:
        if line.number == 1:
            then_close(data)(line)
        else:
            fine(line)

    return serve


def two_answers(line: Line) -> None:
    """One request is answered twice: what stands after the first message is no answer to the next request."""
    false = message(b"<p>This answers nothing that was asked.</p>", HTML)
    answer(message(PAGE, HTML) + false)(line)


def interim(*heads: str, times: int | None = 1) -> Serve:
    """1xx heads before the answer; without end where `times` is None."""

    def serve(line: Line) -> None:
        while line.request():
            heads_sent = b"".join(head(text, "Link: </style.css>; rel=preload") for text in heads)
            if times is None:
                line.pour(itertools.repeat(heads_sent * 50))
                return
            line.send(heads_sent * times + message(PAGE, HTML))

    return serve


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n", fields: tuple[str, ...] = (HTML,)) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head("200 OK", "Transfer-Encoding: chunked", *fields) + framed + end


def coded(body: bytes, *names: str) -> bytes:
    return message(body, HTML, f"Content-Encoding: {', '.join(names)}")


@cache
def zeros(size: int) -> bytes:
    """So many zeros, compressed as far as deflate goes: about 1,000:1."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    return b"".join(coder.compress(piece) for _ in range(size >> 20)) + coder.flush()


def many_chunk_lines() -> Iterator[bytes]:
    """Chunks of one byte, no two lines alike: nearly all of it is framing."""
    padding = b"x" * 400
    for number in itertools.count():
        yield b"".join(b"1;%x%b\r\nx\r\n" % (at, padding) for at in range(number * 100, number * 100 + 100))


def framing_flood(line: Line) -> None:
    if line.request():
        line.send(head("200 OK", "Transfer-Encoding: chunked", HTML))
        line.pour(many_chunk_lines())


def endless_extension(line: Line) -> None:
    if line.request():
        line.send(head("200 OK", "Transfer-Encoding: chunked", HTML), b"5\r\nabcde\r\n5;")
        line.pour(itertools.repeat(b"x" * 65536))


def frame(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """A frame of HTTP/2 on stream 0 (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + bytes(4) + payload


HTTP2 = frame(4, b"") + frame(7, bytes(4) + (13).to_bytes(4, "big") + b"HTTP/1.1 is not spoken here")
"""SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED turned round: what a server that speaks HTTP/2 alone says."""

TLS_ALERTS = {"no_application_protocol": 120, "protocol_version": 70, "internal_error": 80, "unrecognized_name": 112}


def alert(name: str) -> Serve:
    """A fatal TLS alert to the ClientHello (RFC 8446 section 6)."""

    def serve(line: Line) -> None:
        line.connection.recv(65536)
        line.send(b"\x15\x03\x03\x00\x02\x02" + bytes([TLS_ALERTS[name]]))
        line.hang()

    return serve


def in_handshake(*parts: bytes, then: str = "close") -> Serve:
    """Bytes in answer to the ClientHello, then `then`."""

    def serve(line: Line) -> None:
        line.connection.recv(65536)
        line.send(*parts)
        if then == "hang":
            line.hang()
        if then == "reset":
            line.reset()
        if then == "drip":
            line.drip(itertools.repeat(b"\x16\x03\x03"))

    return serve


GZIPPED = gzip.compress(PAGE * 200, mtime=0)
TWICE = gzip.compress(gzip.compress(PAGE, mtime=0), mtime=0)
BROTLI, ZSTD = brotli.compress(PAGE * 200), zstandard.compress(PAGE * 200)
