"""Fetcher against a loopback server that sends exact bytes: what is recorded is what was sent."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from archiver.custody.framing import join
from archiver.model import Failure, Ref, Request
from archiver.net.exchange import Exchange
from archiver.net.fetch import Fetcher, Policy

sys.path.insert(0, str(Path(__file__).parent))
from rawserver import RawServer, Reply, message

REF = Ref(platform="web", kind="page", id="http://a.example/")
TEXT = b"The quick brown fox jumps over the lazy dog. " * 400
GZIP = gzip.compress(TEXT, mtime=0)
CRLF = b"\r\n"


def policy(**changes: object) -> Policy:
    settings: dict[str, object] = {
        "user_agent": "quotechain-test/1",
        "allow_private": ("127.0.0.1",),
        "connect_timeout": 2.0,
        "read_timeout": 2.0,
        "total_timeout": 5.0,
    }
    return Policy(**(settings | changes))  # type: ignore[arg-type]


def request(url: str, **changes: object) -> Request:
    return Request(ref=REF, route="test", url=url, **changes)  # type: ignore[arg-type]


def wire(exchange: Exchange) -> bytes:
    """The message rebuilt from what is recorded."""
    return join(exchange.response_head, exchange.body or BytesIO(), exchange.framing)


def content(exchange: Exchange) -> bytes:
    assert exchange.body is not None
    exchange.body.seek(0)
    return exchange.body.read()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(policy(), {}) as made:
        yield made


def chunked(*chunks: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    lines = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return lines + b"0\r\n" + trailer + CRLF


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"

WHOLE = {
    "plain": message(TEXT, "Content-Type: text/plain"),
    "empty": message(b""),
    "gzip": message(GZIP, "Content-Encoding: gzip"),
    "deflate": message(zlib.compress(TEXT), "Content-Encoding: deflate"),
    "raw deflate": message(zlib.compress(TEXT, wbits=-15), "Content-Encoding: deflate"),
    "two members": message(gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]), "Content-Encoding: gzip"),
    "chunked": CHUNKED + CRLF + chunked(TEXT[:5000], TEXT[5000:]),
    "chunked gzip": CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunked(GZIP[:7], GZIP[7:]),
    "extensions": CHUNKED + CRLF + chunked(TEXT, extension=b';sig="\xe9;x"'),
    "trailers": CHUNKED + b"Trailer: X-Sum\r\n\r\n" + chunked(TEXT, trailer=b"X-Sum: 1\r\nX-More: 2\r\n"),
    "large chunks": CHUNKED + CRLF + chunked(TEXT * 20, TEXT * 20, TEXT),
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + message(TEXT),
    "two interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + message(TEXT),
    "folded": b"HTTP/1.1 200 OK\r\nX-Long: one\r\n\t two\r\nContent-Length: 2\r\n\r\nok",
    "Latin-1": b"HTTP/1.1 200 D\xe9j\xe0\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nok",
    "odd case": b"HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:2\r\nx:\r\n\r\nok",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_recorded_bytes_are_the_sent_bytes(name: str, fetcher: Fetcher) -> None:
    sent = WHOLE[name]
    with RawServer({"/x?q=1": Reply(sent)}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/x?q=1"), headers=(("X-Asked", "yes"),)))
        assert exchange.failure is Failure.NONE, exchange.detail
        assert wire(exchange) == sent
        assert [exchange.sent] == server.got
    body = content(exchange)
    assert (exchange.size, exchange.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    coded = "content-encoding" in dict(exchange.headers)
    assert exchange.entity_sha256 == (hashlib.sha256(TEXT).hexdigest() if coded else exchange.sha256)
    assert exchange.connection.peer_ip == "127.0.0.1"
    assert exchange.started_at <= exchange.first_byte_at <= exchange.ended_at
    assert exchange.status in (200, 204, 304)


def test_exactly_these_headers_are_sent(fetcher: Fetcher) -> None:
    with RawServer({"/": Reply(message())}) as server:
        fetcher.fetch(request(server.url("/"), headers=(("accept", "image/*"), ("Accept-Encoding", "identity"))))
        lines = [
            "GET / HTTP/1.1",
            f"Host: {server.authority}",
            "User-Agent: quotechain-test/1",
            "accept: image/*",
            "Accept-Encoding: identity",
        ]
        assert server.got == ["\r\n".join([*lines, "", ""]).encode()]
