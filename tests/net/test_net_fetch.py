"""Fetcher against a loopback server that sends exact bytes: what is recorded is what was sent."""

from __future__ import annotations

import contextvars
import gzip
import hashlib
import os
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpcore
import httpx
import pytest
from rawserver import RawServer, Reply, message

from archiver.custody.framing import join
from archiver.errors import InputError
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.fetch import Fetcher, Policy
from archiver.net.lookup import resolve
from archiver.net.tape import Stopped, Tape
from archiver.net.wire import TAPE, TRIED, GuardedBackend, transport

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
    body = exchange.body or BytesIO()
    body.seek(0)
    return join(exchange.response_head, body, exchange.framing)


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


BROKEN = {
    "short body": (Reply(message(TEXT)[:-1000], "close"), Failure.TRUNCATED),
    "short head": (Reply(b"HTTP/1.1 200 OK\r\nContent-", "close"), Failure.TRUNCATED),
    "short chunk": (Reply(CHUNKED + b"\r\n5\r\nab", "close"), Failure.TRUNCATED),
    "no last chunk": (Reply(CHUNKED + b"\r\n2\r\nab\r\n", "close"), Failure.TRUNCATED),
    "no end of trailers": (Reply(CHUNKED + b"\r\n2\r\nab\r\n0\r\nX: 1\r\n", "close"), Failure.TRUNCATED),
    "no answer": (Reply(b"", "close"), Failure.RESET),
    "reset before": (Reply(b"", "reset"), Failure.RESET),
    "reset inside": (Reply((message(TEXT)[:-1000], b""), "reset", 0.05), Failure.RESET),
    "no HTTP": (Reply(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "close"), Failure.PROTOCOL),
    "bad chunk": (Reply(CHUNKED + b"\r\n2\r\nab\r\nzz\r\n", "close"), Failure.PROTOCOL),
    "chunk too long": (Reply(CHUNKED + b"\r\n2\r\nabc\r\n0\r\n\r\n", "close"), Failure.PROTOCOL),
    "not chunked": (Reply(CHUNKED + b"\r\n<p>no chunk</p>\r\n", "close"), Failure.PROTOCOL),
    "two lengths": (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), Failure.PROTOCOL),
    "negative length": (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nabc"), Failure.PROTOCOL),
    "bad field": (Reply(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Failure.PROTOCOL),
    "switching": (Reply(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Failure.PROTOCOL),
    "not gzip": (Reply(message(TEXT, "Content-Encoding: gzip")), Failure.DECODING),
    "short gzip": (Reply(message(GZIP[:-3], "Content-Encoding: gzip")), Failure.DECODING),
    "unknown coding": (Reply(message(TEXT, "Content-Encoding: aes128gcm")), Failure.DECODING),
    "bomb": (Reply(message(gzip.compress(bytes(9 << 20)), "Content-Encoding: gzip")), Failure.TOO_LARGE),
    "huge length": (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc", "hang"), Failure.TOO_LARGE),
    "many headers": (Reply(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"\r\n"), Failure.TOO_LARGE),
    "large head": (Reply(b"HTTP/1.1 200 OK\r\na: " + b"b" * 200_000 + b"\r\n\r\n"), Failure.TOO_LARGE),
    "endless 1xx": (Reply(b"HTTP/1.1 102 Processing\r\n\r\n" * 10_000), Failure.TOO_LARGE),
    "long chunk line": (Reply(CHUNKED + b"\r\n2;" + b"x" * 200_000 + b"\r\nab\r\n0\r\n\r\n"), Failure.PROTOCOL),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_server_does_wrong_is_recorded_not_raised(name: str, fetcher: Fetcher) -> None:
    reply, failure = BROKEN[name]
    with RawServer({"/": reply}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/")))
        assert (exchange.failure, bool(exchange.detail)) == (failure, True), exchange.detail
        assert b"".join(reply.parts).startswith(wire(exchange))
        assert [exchange.sent] == server.got
    assert exchange.entity_sha256 == "" or "content-encoding" not in dict(exchange.headers)
    assert (exchange.status is None) == (exchange.headers == ())


def test_partial_bodies_are_kept(fetcher: Fetcher) -> None:
    with RawServer({"/": BROKEN["short body"][0]}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/")))
    assert content(exchange) == TEXT[:-1000]
    assert (exchange.status, exchange.expected, exchange.size) == (200, len(TEXT), len(TEXT) - 1000)


def test_a_body_that_ends_with_the_connection_is_whole_and_says_so(fetcher: Fetcher) -> None:
    sent = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + TEXT
    with RawServer({"/": Reply(sent, "close")}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/")))
    assert (exchange.failure, wire(exchange)) == (Failure.NONE, sent)
    assert "no length was declared" in exchange.detail
    assert exchange.connection.http_version == "HTTP/1.0"


def test_bytes_after_the_end_never_answer_the_next_request(fetcher: Fetcher) -> None:
    smuggled = message(b"not yours")
    first = message(b"mine") + smuggled
    with RawServer({"/1": Reply(first), "/2": Reply(message(b"second"))}) as server:
        (one,) = fetcher.fetch(request(server.url("/1")))
        (two,) = fetcher.fetch(request(server.url("/2")))
        assert server.connections == 2
    assert (content(one), content(two)) == (b"mine", b"second")
    assert f"{len(smuggled)} bytes stood after" in one.detail
    assert wire(one) == first


def test_connections_are_kept_and_a_kept_one_that_ended_is_no_failure(fetcher: Fetcher) -> None:
    kept, ended = Reply(message(b"1")), Reply(message(b"2"), "close")
    with RawServer({"/kept": kept, "/ended": ended}) as server:
        for path in ("/kept", "/kept", "/ended", "/kept", "/ended", "/kept"):
            (exchange,) = fetcher.fetch(request(server.url(path)))
            assert exchange.failure is Failure.NONE, exchange.detail
        assert server.connections == 3
        assert len(server.got) == 6


def test_head_and_post(fetcher: Fetcher) -> None:
    with RawServer(
        {"/": Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), "/p": Reply(message(b"ok"))}
    ) as server:
        (head,) = fetcher.fetch(request(server.url("/"), method="HEAD"))
        (post,) = fetcher.fetch(request(server.url("/p"), method="POST", body=b"a=1"))
        assert server.got[1].endswith(b"Content-Length: 3\r\n\r\na=1")
        assert server.got == [head.sent, post.sent]
    assert (head.failure, head.size, head.expected) == (Failure.NONE, 0, 5)


def test_large_bodies_wait_in_a_file(fetcher: Fetcher) -> None:
    body = bytes(range(256)) * 4096 * 5
    with RawServer({"/": Reply(message(body))}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/")))
    assert exchange.body is not None
    assert not isinstance(exchange.body, BytesIO)
    assert content(exchange) == body
    exchange.body.close()


@pytest.mark.parametrize("coded", [False, True])
def test_memory_stays_flat(coded: bool, fetcher: Fetcher) -> None:
    piece = os.urandom(1 << 20)
    if coded:
        member = gzip.compress(piece, 1)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (32 * len(member))
        parts = (head, *[member] * 32)
    else:
        parts = (CHUNKED + b"\r\n", *[b"100000\r\n" + piece + b"\r\n"] * 32, b"0\r\n\r\n")
    with RawServer({"/": Reply(parts)}) as server:
        tracemalloc.start()
        try:
            (exchange,) = fetcher.fetch(request(server.url("/")))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert exchange.failure is Failure.NONE, exchange.detail
    assert exchange.entity_sha256 == hashlib.sha256(piece * 32).hexdigest()
    assert peak < 6 << 20
    assert exchange.body is not None
    exchange.body.close()


def test_a_closed_fetcher_ends_in_failures() -> None:
    fetcher = Fetcher(policy(read_timeout=0.2), {})
    with RawServer({"/": Reply(b"", "hang")}) as server, ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(fetcher.fetch, request(server.url("/")))
        assert server.asked.wait(2)
        fetcher.close()
        (exchange,) = under_way.result()
    assert exchange.failure in (Failure.RESET, Failure.TIMEOUT)
    assert fetcher.fetch(request("http://a.example/"))[0].failure is Failure.DNS


def test_a_connection_that_is_just_being_made_is_ended_too() -> None:
    """The pool knows a connection only after it was made: one that it does not know yet is ended by the backend."""
    backend, tape = GuardedBackend(policy(), resolve), recording()
    token = TAPE.set(tape)
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
            port = silent.getsockname()[1]
            made = backend.connect_tcp("127.0.0.1", port)
            made.write(b"GET / HTTP/1.1\r\n\r\n")
            context = contextvars.copy_context()
            reading = pool.submit(context.run, made.read, 1, 60.0)
            backend.close()
            with pytest.raises(Stopped) as ended:
                reading.result(2)
            assert ended.value.failure is Failure.RESET
            for again in (
                lambda: made.write(b"x"),
                lambda: made.read(1),
                lambda: backend.connect_tcp("127.0.0.1", port),
            ):
                with pytest.raises(Stopped, match="closed on this side") as refused:
                    again()
                assert refused.value.failure is Failure.RESET
    finally:
        TAPE.reset(token)


def recording() -> Tape:
    return Tape(method="GET", policy=policy(), max_bytes=1000, deadline=time.monotonic() + 5)


@pytest.mark.parametrize("sent", [message(bytes(5000)), CHUNKED + b"\r\n" + chunked(bytes(5000))])
def test_the_smaller_bound_of_bytes_holds(sent: bytes) -> None:
    with RawServer({"/": Reply(sent)}) as server, Fetcher(policy(max_bytes=6000), {}) as fetcher:
        assert fetcher.fetch(request(server.url("/")))[-1].failure is Failure.NONE
        assert fetcher.fetch(request(server.url("/"), max_bytes=5000))[-1].failure is Failure.NONE
        (small,) = fetcher.fetch(request(server.url("/"), max_bytes=4999))
    with RawServer({"/": Reply(sent)}) as server, Fetcher(policy(max_bytes=4999), {}) as fetcher:
        (large,) = fetcher.fetch(request(server.url("/"), max_bytes=6000))
    assert small.failure is large.failure is Failure.TOO_LARGE
    assert (small.status, small.expected is None) == (200, b"chunked" in sent)


def test_chunk_framing_is_bounded(fetcher: Fetcher) -> None:
    lines = b"".join(b"1;%0900d\r\nx\r\n" % number for number in range(5_000))
    with RawServer({"/": Reply(CHUNKED + b"\r\n" + lines)}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/")))
    assert (exchange.failure, "framing" in exchange.detail) == (Failure.TOO_LARGE, True)


@pytest.mark.parametrize(
    ("reply", "changes", "words"),
    [
        (Reply(b"", "hang"), {"read_timeout": 0.1}, "no byte for 0.1 s"),
        (Reply(message(TEXT)[:99], "hang"), {"read_timeout": 0.1}, "no byte for 0.1 s"),
        (
            Reply(tuple(b"%c" % byte for byte in message(TEXT)), pause=0.01),
            {"total_timeout": 0.2},
            "not complete after",
        ),
    ],
)
def test_slow_servers_run_out_of_time(reply: Reply, changes: dict[str, object], words: str) -> None:
    with RawServer({"/": reply}) as server, Fetcher(policy(**changes), {}) as fetcher:
        (exchange,) = fetcher.fetch(request(server.url("/")))
    assert exchange.failure is Failure.TIMEOUT
    assert words in exchange.detail
    assert exchange.ended_at > exchange.started_at


def test_nobody_there_and_no_such_name() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with RawServer({}) as server:
        port = server.port
    with Fetcher(policy(), {}, resolve=nobody) as fetcher:
        (refused,) = fetcher.fetch(request(f"http://127.0.0.1:{port}/"))
        (unknown,) = fetcher.fetch(request("http://nobody.example/"))
    assert (refused.failure, refused.status, refused.connection.peer_port) == (Failure.CONNECT, None, port)
    assert (unknown.failure, "no such name" in unknown.detail) == (Failure.DNS, True)
    with Fetcher(policy(), {}, resolve=lambda host, port: []) as fetcher:
        assert fetcher.fetch(request("http://nobody.example/"))[0].failure is Failure.DNS


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["x"]]
)
def test_every_resolved_address_is_checked(addresses: list[str]) -> None:
    asked: list[str] = []

    def system(host: str, port: int) -> list[str]:
        asked.append(host)
        return addresses

    with RawServer({"/": Reply(message())}) as server, Fetcher(policy(allow_private=()), {}, resolve=system) as fetcher:
        (exchange,) = fetcher.fetch(request(server.url("/", "rebind.example")))
        assert (server.connections, server.got) == (0, [])
    assert (exchange.failure, exchange.sent, asked) == (Failure.BLOCKED, b"", ["rebind.example"])
    assert exchange.connection.dns == tuple(addresses)


@pytest.mark.parametrize("name", ["xn--a", "xn--a.example", "xn--0.xn--a"])
def test_a_name_that_is_no_punycode_is_asked_for_as_it_stands(name: str) -> None:
    """httpx decodes it where its `host` is asked for, and raises what is no error of its own: one link ended a run."""

    def nobody(host: str, port: int) -> list[str]:
        raise OSError(f"no such name: {host}")

    with Fetcher(policy(), {}, resolve=nobody) as fetcher:
        (exchange,) = fetcher.fetch(request(f"http://{name}/"))
    assert (exchange.failure, f"no such name: {name}" in exchange.detail) == (Failure.DNS, True)


def test_a_name_of_very_many_addresses_has_us_knock_at_a_few() -> None:
    """Who owns a name says whom it resolves to: thousands of addresses would have been tried for each request."""
    many = [f"127.0.0.{n}" for n in range(2, 102)]
    with RawServer({}) as server:
        port = server.port
    with Fetcher(policy(allow_private=("127.0.0.0/8",)), {}, resolve=lambda host, port: many) as fetcher:
        (exchange,) = fetcher.fetch(request(f"http://many.example:{port}/"))
    tried = [address for address in many if f"{address}: " in exchange.detail]
    assert (exchange.failure, tried) == (Failure.CONNECT, many[:TRIED])
    assert "92 more" in exchange.detail


def test_the_system_resolver_cannot_lead_to_loopback_either() -> None:
    with RawServer({"/": Reply(message())}) as server, Fetcher(policy(allow_private=()), {}) as fetcher:
        (exchange,) = fetcher.fetch(request(server.url("/", "localhost")))
        assert server.connections == 0
    assert (exchange.failure, "loopback" in exchange.detail) == (Failure.BLOCKED, True)


def test_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with (
        RawServer({"/": Reply(message(b"x"))}) as server,
        Fetcher(policy(), {}, resolve=lambda host, port: answers.pop(0)) as fetcher,
    ):
        (exchange,) = fetcher.fetch(request(server.url("/", "rebind.example")))
    assert (exchange.failure, len(answers)) == (Failure.NONE, 1)
    assert f"Host: rebind.example:{server.port}".encode() in exchange.sent


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": (("X", "a\r\nb: c"),)},
        {"headers": (("X y", "a"),)},
        {"headers": (("Host", "other.example"),)},
        {"headers": (("Transfer-Encoding", "chunked"),)},
        {"method": "GET /"},
        {"headers": (("X", "{secret:NONE}"),)},
        {"body": b"{secret:NONE}"},
    ],
)
def test_requests_that_we_must_not_send_are_errors_of_ours(changes: dict[str, object], fetcher: Fetcher) -> None:
    with RawServer({"/": Reply(message())}) as server, pytest.raises(InputError):
        fetcher.fetch(request(server.url("/"), **changes))


def test_threads_share_a_fetcher_and_each_gets_its_own(fetcher: Fetcher) -> None:
    routes = {f"/{number}": Reply(message(b"%d" % number * 5000)) for number in range(40)}
    with RawServer(routes) as server, ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda number: fetcher.fetch(request(server.url(f"/{number}"))), range(40)))
        assert server.connections <= 4
    assert [content(exchange) for (exchange,) in found] == [b"%d" % number * 5000 for number in range(40)]
    assert all(f"GET /{number} ".encode() in exchange.sent for number, (exchange,) in enumerate(found))
    assert len({exchange.uid for (exchange,) in found}) == 40


def test_private_names_of_the_libraries_are_still_there() -> None:
    """`_pool` is httpx's own name, `suppress_ragged_eofs` an attribute of SSLSocket without a promise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    backend = GuardedBackend(policy(), resolve)
    outer = transport(backend, context)
    assert httpx.__version__.startswith("0.28.")
    assert isinstance(outer._pool, httpcore.ConnectionPool)
    assert outer._pool._network_backend is backend
    assert type(httpx.HTTPTransport(verify=context)._pool) is httpcore.ConnectionPool
    with socket.socket() as plain, context.wrap_socket(plain, server_hostname="a.example") as wrapped:
        assert wrapped.suppress_ragged_eofs is True
