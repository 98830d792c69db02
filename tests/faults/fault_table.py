"""What servers and networks do wrong, and what the archiver must make of it: one line a behaviour.

`outcome` is what the look says of the page, `failure` what the last capture says of the transport (| stands between
two where the moment decides), `again` when it is looked at again: `soon` (a failed attempt: after a quarter of an hour,
doubled up to a day), `asked` (not before the server asked for), `watched` (an answer: as often as the policy looks at
such posts), `rarely` (not sooner than after a week).
docs/faults.md is written from this table (`python tests/faults/fault_docs.py`).
"""

from __future__ import annotations

import email.utils
import gzip
import time
import zlib
from dataclasses import dataclass

import brotli
import fault_wire as wire
import zstandard
from fault_servers import NO_SUCH_NAME, SERVER_FAILURE, Line, Serve, Told
from fault_wire import HTML, PAGE, head, message, status

HOME, OTHER = "127.0.0.1", "127.0.0.2"
"""The address that may be asked, and another private one that may not."""
IN_TWO_HOURS = email.utils.formatdate(time.time() + 7200, usegmt=True)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One behaviour. `name` is also the host that shows it; `tls` the certificate, or `raw` where the server does what
    it likes instead of a handshake; `told` what the name server says; `status` of the last answer; `captures` how many
    exchanges are recorded at least and at most; `most` bytes are taken from the server at most."""

    group: str
    name: str
    does: str
    serve: Serve
    outcome: str
    failure: str = ""
    status: int | None = None
    again: str
    tls: str = ""
    told: tuple[Told, ...] = (Told(addresses=(HOME,)),)
    address: str = HOME
    closed: bool = False
    captures: tuple[int, int] = (1, 3)
    most: int = 0

    @property
    def host(self) -> str:
        return f"{self.name}.faults.example"


def _statuses() -> tuple[Fault, ...]:
    def of(name: str, does: str, text: str, outcome: str, again: str, *headers: str, body: bytes = PAGE) -> Fault:
        return Fault(
            group="Statuses",
            name=name,
            does=does,
            serve=status(text, *headers, body=body),
            outcome=outcome,
            status=int(text[:3]),
            again=again,
        )

    absent = b"<p>This post was deleted. Log in to see it.</p>"
    return (
        of("ok", "200 with a page", "200 OK", "live", "watched"),
        of("created", "202 in place of a page, as some bot walls do", "202 Accepted", "unknown", "soon"),
        Fault(
            group="Statuses",
            name="no-content",
            does="204: nothing to show",
            serve=wire.answer(head("204 No Content")),
            outcome="unknown",
            status=204,
            again="soon",
        ),
        of("partial", "206 to a request that asked for all", "206 Partial Content", "truncated", "soon"),
        of("choices", "300 with no address", "300 Multiple Choices", "unknown", "soon"),
        Fault(
            group="Statuses",
            name="not-modified",
            does="304 to a request that had no condition",
            serve=wire.answer(head("304 Not Modified", 'ETag: "1"')),
            outcome="unknown",
            status=304,
            again="soon",
        ),
        of("bad-request", "400", "400 Bad Request", "refused", "soon"),
        of("login", "401", "401 Unauthorized", "login-required", "watched", "WWW-Authenticate: Basic"),
        of("forbidden", "403", "403 Forbidden", "refused", "soon"),
        of(
            "bot-wall", "403 whose page says that the post was deleted", "403 Forbidden", "refused", "soon", body=absent
        ),
        of("not-found", "404", "404 Not Found", "not-found", "watched"),
        of("gone", "410: the one status that says that it was there and is gone", "410 Gone", "deleted", "watched"),
        of("teapot", "418", "418 I'm a teapot", "refused", "soon"),
        of("withheld", "451", "451 Unavailable For Legal Reasons", "withheld", "watched"),
        of("busy", "429 and no word of how long", "429 Too Many Requests", "rate-limited", "soon"),
        of("busy-seconds", "429 for two hours", "429 Too Many Requests", "rate-limited", "asked", "Retry-After: 7200"),
        of(
            "busy-date",
            "429 until a date",
            "429 Too Many Requests",
            "rate-limited",
            "asked",
            f"Retry-After: {IN_TWO_HOURS}",
        ),
        of(
            "busy-forever",
            "429 for 31 years",
            "429 Too Many Requests",
            "rate-limited",
            "asked",
            "Retry-After: 999999999",
        ),
        of(
            "busy-nonsense",
            "429 for a time that is none",
            "429 Too Many Requests",
            "rate-limited",
            "soon",
            "Retry-After: -1e9 fortnights",
        ),
        of(
            "busy-past",
            "429 until a day long past",
            "429 Too Many Requests",
            "rate-limited",
            "soon",
            "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT",
        ),
        of("broken", "500", "500 Internal Server Error", "unreachable", "soon"),
        of("bad-gateway", "502", "502 Bad Gateway", "unreachable", "soon"),
        of("unavailable", "503", "503 Service Unavailable", "unreachable", "soon"),
        of(
            "maintenance",
            "503 for two hours, whose page says that the post was deleted",
            "503 Service Unavailable",
            "unreachable",
            "asked",
            "Retry-After: 7200",
            body=absent,
        ),
        of("cloud-down", "520, as proxies say that their server failed", "520 Unknown", "unreachable", "soon"),
        of("nine-nines", "999, as one network refuses robots", "999 Request denied", "unreachable", "soon"),
    )


def _redirects() -> tuple[Fault, ...]:
    def of(name: str, does: str, serve: Serve, outcome: str, failure: str, again: str, code: int | None) -> Fault:
        return Fault(
            group="Redirects",
            name=name,
            does=does,
            serve=serve,
            outcome=outcome,
            failure=failure,
            again=again,
            status=code,
            captures=(1, 7),
        )

    blocked = ("blocked", "blocked", "rarely", None)
    return (
        of("to-itself", "to itself", wire.moving("/"), "refused", "redirects", "soon", 302),
        of("in-a-circle", "without end", wire.chain, "refused", "redirects", "soon", 302),
        of("to-nowhere", "with no address", wire.moving(), "unknown", "", "soon", 302),
        of("two-ways", "to two addresses", wire.moving("/1", "/2"), "unknown", "", "soon", 302),
        of("to-private", "to a private address", wire.moving(f"http://{OTHER}:{{port}}/"), *blocked),
        of("to-metadata", "to a cloud's metadata", wire.moving("http://169.254.169.254/latest/"), *blocked),
        of("to-mapped", "to an IPv4 address in IPv6", wire.moving("http://[::ffff:7f00:2]:{port}/"), *blocked),
        of("to-number", "to an address as one number", wire.moving("http://2130706434:{port}/"), *blocked),
        of("to-file", "to file:", wire.moving("file:///etc/passwd"), *blocked),
        of("to-script", "to javascript:", wire.moving("javascript:alert(1)"), *blocked),
        of("to-user", "to an address with credentials", wire.moving("http://a:b@fine.faults.example/"), *blocked),
        of("to-control", "with a control character", wire.moving("http://fine.faults.example/\x01\x7f"), *blocked),
        of("to-bad-port", "to port 99999", wire.moving("http://fine.faults.example:99999/"), *blocked),
    )


def _sizes() -> tuple[Fault, ...]:
    def of(
        name: str, does: str, serve: Serve, failure: str = "too-large", code: int | None = 200, most: int = 8 << 20
    ) -> Fault:
        return Fault(
            group="Sizes",
            name=name,
            does=does,
            serve=serve,
            outcome="too-large",
            failure=failure,
            again="rarely",
            status=code,
            most=most,
            captures=(1, 1),
        )

    large = "X: " + "y" * (1 << 20)
    nested = gzip.compress(wire.zeros(64 << 20), 9, mtime=0)
    br, zstd = brotli.compress(bytes(64 << 20), quality=1), zstandard.compress(bytes(64 << 20))
    flood = [f"Set-Cookie: c{n}={'x' * 60}; Path=/; Max-Age=31536000" for n in range(10_000)]
    return (
        of(
            "declares-much",
            "10 GB declared",
            wire.then_hang(head("200 OK", "Content-Length: 10737418240", HTML)),
            most=1 << 10,
        ),
        of(
            "sends-much",
            "10 GB sent, no length",
            wire.pouring(head("200 OK", HTML), bytes(1 << 16), 10 << 14),
        ),
        of(
            "sends-chunks",
            "10 GB sent in chunks",
            wire.pouring(
                head("200 OK", "Transfer-Encoding: chunked", HTML), b"10000\r\n" + bytes(1 << 16) + b"\r\n", 10 << 14
            ),
        ),
        of("bomb", "gzip that becomes 64 MB, 1,000:1", wire.answer(wire.coded(wire.zeros(64 << 20), "gzip"))),
        of("br-bomb", "br that becomes 64 MB", wire.answer(wire.coded(br, "br"))),
        of("zstd-bomb", "zstd that becomes 64 MB", wire.answer(wire.coded(zstd, "zstd"))),
        of("nested-bomb", "a bomb in a bomb", wire.answer(wire.coded(nested, "gzip", "gzip"))),
        of("many-codings", "six content codings", wire.answer(wire.coded(PAGE, *["gzip"] * 6))),
        of("many-headers", "10,000 header fields", wire.then_hang(head("200 OK", *["X: y"] * 10_000)), code=200),
        of("large-header", "a header field of 1 MB", wire.then_hang(head("200 OK", large)), code=None),
        of("cookies", "a flood of Set-Cookie", wire.then_hang(head("200 OK", *flood)), code=None),
        of("early-hints", "103 without end", wire.interim("103 Early Hints", times=None), code=None),
        of("framing", "chunks of one byte, each line another", wire.framing_flood, most=16 << 20),
    )


def _framing() -> tuple[Fault, ...]:
    def of(name: str, does: str, serve: Serve, outcome: str, failure: str = "", code: int | None = None) -> Fault:
        return Fault(
            group="Messages",
            name=name,
            does=does,
            serve=serve,
            outcome=outcome,
            failure=failure,
            again="watched" if outcome == "live" else "soon",
            status=code,
        )

    def broken(name: str, does: str, serve: Serve, failure: str = "protocol", code: int | None = None) -> Fault:
        return of(name, does, serve, "unreachable", failure, code)

    def cut(name: str, does: str, serve: Serve, code: int | None = 200) -> Fault:
        return of(name, does, serve, "truncated", "truncated", code)

    def headed(name: str, does: str, *headers: str) -> Fault:
        return broken(name, does, wire.then_close(head("200 OK", HTML, *headers), PAGE), code=200)

    def chunked(name: str, does: str, end: bytes) -> Fault:
        return broken(name, does, wire.then_close(wire.chunks(PAGE, end=end)), code=200)

    def live(name: str, does: str, serve: Serve) -> Fault:
        return of(name, does, serve, "live", "", 200)

    upgrade = head("101 Switching Protocols", "Upgrade: x")
    part = wire.chunks(PAGE, b"half of a chunk")[:-14]
    return (
        cut("short", "fewer bytes than declared", wire.then_close(head("200 OK", "Content-Length: 9999"), PAGE)),
        live("long", "more bytes than declared", wire.then_close(message(PAGE, HTML) + b"x" * 999)),
        live("two-answers", "two answers to one request", wire.two_answers),
        live("by-close", "no length: it ends with the connection", wire.then_close(head("200 OK", HTML), PAGE)),
        live("as-http-1.0", "HTTP/1.0", wire.then_close(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE)),
        headed("two-lengths", "two lengths that differ", "Content-Length: 5", "Content-Length: 6"),
        headed("no-number", "a length that is no number", "Content-Length: -1"),
        headed("huge-number", "a length of 31 digits", f"Content-Length: 1{'0' * 30}"),
        headed("odd-coding", "a transfer coding of its own", "Transfer-Encoding: rot13"),
        live("trailers", "chunks with trailers", wire.answer(wire.chunks(PAGE, end=b"0\r\nX-End: 1\r\nY: 2\r\n\r\n"))),
        cut("cut-chunks", "chunks that end in the middle", wire.then_close(part)),
        chunked("bad-chunk", "a chunk size that is no number", b"zz\r\n"),
        chunked("negative-chunk", "a negative chunk size", b"-5\r\nabcde\r\n"),
        chunked("huge-chunk", "a chunk size of 30 digits", b"f" * 30 + b"\r\nx"),
        chunked("no-crlf", "chunks that run into each other", b"3\r\nabcdefgh"),
        broken("endless-extension", "a chunk extension without end", wire.endless_extension, code=200),
        live("continues", "100 before the answer", wire.interim("100 Continue")),
        live("hints", "103 twenty times before the answer", wire.interim("103 Early Hints", times=20)),
        broken(
            "switches",
            "101 to a request that asked for no other protocol",
            wire.then_close(upgrade),
            code=101,
        ),
        broken("no-status", "no status line", wire.then_close(b"Content-Length: 4\r\n\r\nbody")),
        broken("http-0.9", "HTTP/0.9: a page with no head", wire.then_close(PAGE)),
        broken("garbage", "random bytes", wire.then_close(bytes(range(256)) * 8)),
        broken("ssh", "another protocol", wire.then_close(b"SSH-2.0-OpenSSH_9.2\r\n")),
        broken("http-2", "HTTP/2: SETTINGS and GOAWAY", wire.then_close(wire.HTTP2)),
        broken("status-words", "a status that is no number", wire.then_close(b"HTTP/1.1 OK 200\r\n\r\n" + PAGE)),
        broken("no-colon", "a header line with no colon", wire.then_close(head("200 OK", "what is this"), PAGE)),
        headed("nul-header", "NUL in a header", "X: a\x00b"),
        cut("half-head", "a head that ends in the middle", wire.then_close(b"HTTP/1.1 200 OK\r\nContent-Ty"), None),
    )


def _codings() -> tuple[Fault, ...]:
    def of(name: str, does: str, data: bytes, *names: str, outcome: str = "unreadable") -> Fault:
        bad = outcome != "live"
        return Fault(
            group="Content",
            name=name,
            does=does,
            serve=wire.answer(wire.coded(data, *names)),
            outcome=outcome,
            failure="decoding" if bad else "",
            again="soon" if bad else "watched",
            status=200,
            captures=(1, 1),
        )

    def page(name: str, does: str, body: bytes, *headers: str) -> Fault:
        return Fault(
            group="Content",
            name=name,
            does=does,
            serve=wire.answer(message(body, *headers)),
            outcome="live",
            again="watched",
            status=200,
        )

    damaged = bytearray(wire.GZIPPED)
    damaged[-6] ^= 0xFF
    return (
        of("gzip", "gzip", wire.GZIPPED, "gzip", outcome="live"),
        of("gzip-twice", "gzip in gzip", wire.TWICE, "gzip", "gzip", outcome="live"),
        of("gzip-cut", "gzip without its end", wire.GZIPPED[:-20], "gzip"),
        of("gzip-damaged", "gzip with a wrong checksum", bytes(damaged), "gzip"),
        of("gzip-not", "gzip declared, but plain", PAGE, "gzip"),
        of("deflate-cut", "deflate without its end", zlib.compress(PAGE * 50)[:-9], "deflate"),
        of("br", "br, not asked for", wire.BROTLI, "br", outcome="live"),
        of("br-cut", "br without its end, not asked for", wire.BROTLI[:-5], "br"),
        of("zstd", "zstd, not asked for", wire.ZSTD, "zstd", outcome="live"),
        of("zstd-cut", "zstd without its end, not asked for", wire.ZSTD[:-5], "zstd"),
        of("odd-content", "a content coding of its own", PAGE, "x-secret"),
        page("empty", "200 with nothing in it", b"", HTML),
        page("nuls", "HTML with NULs", PAGE.replace(b"bridge", b"bri\x00dge\x00"), HTML),
        page("wrong-charset", "UTF-8 declared as UTF-16", PAGE, "Content-Type: text/html; charset=utf-16"),
        page("odd-charset", "a charset that is none", PAGE, "Content-Type: text/html; charset=klingon-8"),
        page("not-text", "random bytes declared as HTML", bytes(range(256)) * 40, HTML),
        page("deep", "20,000 elements in each other", b"<div>" * 20_000, HTML),
        page("no-type", "no Content-Type", PAGE),
    )


def _times() -> tuple[Fault, ...]:
    def of(name: str, does: str, serve: Serve, failure: str, code: int | None = None, outcome: str = "") -> Fault:
        return Fault(
            group="Connections",
            name=name,
            does=does,
            serve=serve,
            outcome=outcome or "unreachable",
            failure=failure,
            again="soon",
            status=code,
        )

    def at_once(line: Line) -> None:
        line.reset()

    def leaves(line: Line) -> None:
        del line

    started = head("200 OK", "Content-Length: 9999", HTML)
    return (
        of("silent", "takes the request, says nothing", wire.then_hang(), "timeout"),
        of("slow-head", "a head byte by byte", wire.dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y"), "timeout"),
        of("slow-body", "a body byte by byte", wire.dripping(started, b"y"), "timeout", 200),
        of("slow-interim", "102 again and again", wire.dripping(b"", head("102 Processing")), "timeout"),
        of("stalls-in-head", "stalls in the head", wire.then_hang(b"HTTP/1.1 200 OK\r\nX: y"), "timeout"),
        of("stalls-in-body", "stalls in the body", wire.then_hang(started + PAGE), "timeout", 200),
        of("reset-at-once", "RST before the request", at_once, "connect|reset"),
        of("reset-asked", "RST after the request", wire.then_reset(), "reset"),
        of("reset-in-head", "RST in the head", wire.then_reset(b"HTTP/1.1 200 OK\r\nX:"), "reset"),
        of("reset-in-body", "RST in the body", wire.then_reset(started + PAGE), "reset", 200),
        of("leaves", "closes before the request", leaves, "reset"),
        of("leaves-asked", "closes after the request", wire.then_close(), "reset"),
        Fault(
            group="Connections",
            name="refuses",
            does="refuses the connection",
            serve=leaves,
            closed=True,
            outcome="unreachable",
            failure="connect",
            again="soon",
        ),
        Fault(
            group="Connections",
            name="kept-dies",
            does="ends the connection that it said it keeps",
            serve=wire.dies_when_kept,
            outcome="live",
            status=200,
            again="watched",
        ),
    )


def _tls() -> tuple[Fault, ...]:
    def of(name: str, does: str, tls: str, serve: Serve, failure: str = "tls", outcome: str = "unreachable") -> Fault:
        live = outcome == "live"
        return Fault(
            group="TLS",
            name=name,
            does=does,
            tls=tls,
            serve=serve,
            outcome=outcome,
            failure=failure,
            status=200 if live else None,
            again="watched" if live else "soon",
        )

    def leaves(line: Line) -> None:
        line.connection.recv(65536)

    drips = wire.in_handshake(b"\x16\x03\x03\x40\x00", then="drip")
    return (
        of("tls", "a good certificate", "good", wire.fine, "", "live"),
        of("expired", "a certificate that has expired", "expired", wire.fine),
        of("not-yet", "a certificate that is not valid yet", "not-yet", wire.fine),
        of("wrong-host", "another host's certificate", "wrong-host", wire.fine),
        of("self-signed", "a certificate that it signed itself", "self-signed", wire.fine),
        of("tls-1.0", "TLS 1.0 alone", "raw", wire.alert("protocol_version")),
        of("h2-alone", "HTTP/2 alone, and says so in the handshake", "raw", wire.alert("no_application_protocol")),
        of("h2-anyway", "HTTP/2 though HTTP/1.1 was offered", "good", wire.then_close(wire.HTTP2), "protocol"),
        of("tls-error", "an alert", "raw", wire.alert("internal_error")),
        of("tls-leaves", "closes in the handshake", "raw", leaves),
        of("tls-reset", "RST in the handshake", "raw", wire.in_handshake(b"\x16\x03\x03", then="reset")),
        of("tls-garbage", "garbage in the handshake", "raw", wire.in_handshake(bytes(range(256)))),
        of("tls-plain", "plain HTTP", "raw", wire.in_handshake(message(PAGE, HTML))),
        of("tls-hangs", "says nothing in the handshake", "raw", wire.in_handshake(then="hang"), "timeout"),
        of(
            "tls-drips",
            "a handshake byte by byte",
            "raw",
            drips,
            "timeout",
        ),
    )


def _names() -> tuple[Fault, ...]:
    def of(
        name: str,
        does: str,
        *told: Told,
        outcome: str = "unreachable",
        failure: str = "dns",
        again: str = "soon",
        serve: Serve = wire.fine,
        address: str = HOME,
        code: int | None = None,
    ) -> Fault:
        return Fault(
            group="Names and addresses",
            name=name,
            does=does,
            told=told,
            serve=serve,
            outcome=outcome,
            failure=failure,
            again=again,
            address=address,
            status=code,
            captures=(1, 5),
        )

    def at(*addresses: str) -> Told:
        return Told(addresses=addresses)

    blocked = {"outcome": "blocked", "failure": "blocked", "again": "rarely"}
    live = {"outcome": "live", "failure": "", "again": "watched", "code": 200}
    return (
        of("no-such-name", "the name does not exist", Told(code=NO_SUCH_NAME)),
        of("name-fails", "the name server fails", Told(code=SERVER_FAILURE)),
        of("name-silent", "the name server does not answer", Told(silent=True)),
        of("no-address", "the name has no address", Told()),
        of("ipv6-only", "has IPv6 alone", at("::1"), address="::1", **live),
        of("ipv6-dead", "its IPv6 refuses, its IPv4 serves", at("::1", HOME), **live),
        of("private-name", "a public name for a private address", at(OTHER), **blocked),
        of("one-private", "one private address among others", at(HOME, OTHER), **blocked),
        of("metadata-name", "a name for a cloud's metadata", at("169.254.169.254"), **blocked),
        of("mapped-name", "a private IPv4 address in IPv6", at("::ffff:127.0.0.2"), **blocked),
        of("unspecified", "the name is blocked: 0.0.0.0", at("0.0.0.0"), **blocked),
        of("rebinds", "another address at the second look-up, a private one", at(HOME), at(OTHER), **live),
        of(
            "rebinds-moving",
            "the same, and a redirect to itself that makes the second look-up",
            at(HOME),
            at(OTHER),
            serve=wire.then_close(message(b"", "Location: /again", "Connection: close", status="302 Found")),
            **blocked,
        ),
    )


FAULTS: tuple[Fault, ...] = (
    *_statuses(),
    *_redirects(),
    *_sizes(),
    *_framing(),
    *_codings(),
    *_times(),
    *_tls(),
    *_names(),
)
