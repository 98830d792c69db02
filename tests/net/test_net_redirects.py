"""Redirects hop by hop, and what must not be carried along: credentials, secrets, signatures."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from rawserver import RawServer, Reply, message, redirect

from archiver.custody.content import entity
from archiver.errors import InputError
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.fetch import Fetcher, Policy
from archiver.net.redact import Redactor, checked, fill

REF = Ref(platform="web", kind="page", id="http://a.example/")
SECRET = 'tOken/+ "<value>"='
SECRETS = {"TOKEN": SECRET, "OTHER": "never-used-value"}
LOOPBACK = Policy(user_agent="test", allow_private=("127.0.0.1",), read_timeout=2.0, total_timeout=5.0)


def request(url: str, **changes: object) -> Request:
    return Request(ref=REF, route="test", url=url, **changes)  # type: ignore[arg-type]


def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(LOOPBACK, SECRETS, resolve=loopback) as made:
        yield made


def everything(exchange: Exchange) -> bytes:
    """All that would be stored of an exchange, decoded bodies too."""
    body = b""
    if exchange.body is not None:
        exchange.body.seek(0)
        body = exchange.body.read()
        exchange.body.seek(0)
        if exchange.failure is Failure.NONE:
            body += entity(exchange.body, exchange.headers)
    texts = (exchange.url, exchange.framing, exchange.detail, repr(exchange.headers), repr(exchange.request))
    return exchange.sent + exchange.response_head + body + "".join(texts).encode()


def test_each_hop_is_an_exchange(fetcher: Fetcher) -> None:
    routes = {"/1": redirect("/2", 301), "/2": redirect("//127.0.0.1:{port}/3"), "/3": Reply(message(b"end"))}
    with RawServer(routes) as server:
        server.routes["/2"] = redirect(f"//{server.authority}/3?q=ü", 308)
        server.routes["/3?q=%C3%BC"] = server.routes["/3"]
        first, second, third = fetcher.fetch(request(server.url("/1#part")))
        assert [exchange.status for exchange in (first, second, third)] == [301, 308, 200]
        assert [exchange.hop for exchange in (first, second, third)] == [0, 1, 2]
        assert (first.parent, second.parent, third.parent) == ("", first.uid, second.uid)
        assert first.uid < second.uid < third.uid
        assert third.url == server.url("/3?q=ü#part")
        assert server.got == [first.sent, second.sent, third.sent]
        assert server.connections == 1
        (only,) = fetcher.fetch(request(server.url("/1"), follow=False))
        assert (only.status, only.failure) == (301, Failure.NONE)


def test_circles_and_long_chains_end(fetcher: Fetcher) -> None:
    chain = {f"/c{number}": redirect(f"/c{number + 1}") for number in range(9)}
    with RawServer({"/self": redirect("/self#x"), "/a": redirect("/b"), "/b": redirect("/a"), **chain}) as server:
        for path, count, words in (("/self", 1, "circle"), ("/a", 2, "circle"), ("/c0", 6, "more than 5")):
            made = fetcher.fetch(request(server.url(path)))
            assert (len(made), made[-1].failure, made[-1].status) == (count, Failure.REDIRECTS, 302)
            assert words in made[-1].detail
            assert all(exchange.failure is Failure.NONE for exchange in made[:-1])


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://127.0.0.1:1/", "loopback"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://[::ffff:127.0.0.1]/", "IPv4-mapped"),
        ("http://0x7f.1/", "four decimal numbers"),
        ("http://localhost/", "loopback"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://user:pass@a.example/", "credentials"),
        ("//user@a.example/", "credentials"),
        ("file:///etc/passwd", "scheme"),
        ("app://open?id=1", "scheme"),
        ("http://[::1", "not a valid address"),
        ("http://[::1#x", "not a valid address"),
        ("http://a.example:99999/", "port|valid"),
    ],
)
def test_each_hop_is_guarded(location: str, words: str) -> None:
    with RawServer({"/": redirect(location)}) as server:
        narrow = Policy(user_agent="test", allow_private=(server.authority,))
        with Fetcher(narrow, {}) as fetcher:
            first, second = fetcher.fetch(request(server.url("/")))
        assert len(server.got) == 1
    assert (first.status, first.failure) == (302, Failure.NONE)
    assert (second.status, second.failure, second.sent) == (None, Failure.BLOCKED, b"")
    assert (second.parent, second.hop) == (first.uid, 1)
    assert any(word in second.detail for word in words.split("|")), second.detail


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("GET", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("HEAD", 302, "HEAD"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
    ],
)
def test_methods_change_as_the_standard_says(method: str, status: int, then: str, fetcher: Fetcher) -> None:
    body = b"a=1" if method in ("POST", "PUT") else b""
    end = message(b"end") if then != "HEAD" else message(b"")
    with RawServer({"/": redirect("/end", status), "/end": Reply(end)}) as server:
        fetcher.fetch(request(server.url("/"), method=method, body=body, headers=(("Content-Type", "text/x"),)))
        second = server.got[1]
    assert second.startswith(f"{then} /end ".encode())
    assert second.endswith(b"\r\n\r\na=1") == (then in ("POST", "PUT"))
    assert (b"Content-Type" in second) == (then in ("POST", "PUT", "HEAD") or (method, then) == ("GET", "GET"))


PRIVATE = (
    ("Authorization", "Bearer plain-in-the-plan"),
    ("Cookie", "session=1"),
    ("X-Guest-Token", "123"),
    ("X-Api", "{secret:TOKEN}"),
    ("Accept", "text/{secret:TOKEN}"),
    ("Accept-Language", "de"),
)


def test_nothing_private_goes_to_another_origin_nor_comes_back(fetcher: Fetcher) -> None:
    with RawServer({}) as server:
        other, home = server.url("/2", "b.example"), server.url("/3", "a.example")
        server.routes |= {"/1": redirect(other), "/2": redirect(home), "/3": Reply(message(b"end"))}
        made = fetcher.fetch(request(server.url("/1", "a.example"), headers=PRIVATE))
        assert [exchange.status for exchange in made] == [302, 302, 200]
        first, *others = server.got
    assert SECRET.encode() in first
    for sent in others:
        assert b"Accept-Language: de" in sent
        for word in (b"Authorization", b"Cookie", b"X-Guest-Token", b"X-Api", b"{secret", b"tOken"):
            assert word not in sent
    assert b"X-Api: {secret:TOKEN}" in made[0].sent


def test_the_same_origin_gets_the_same_headers(fetcher: Fetcher) -> None:
    with RawServer({"/1": redirect("/2"), "/2": Reply(message(b"end"))}) as server:
        made = fetcher.fetch(request(server.url("/1"), headers=PRIVATE))
        assert server.got[1].count(SECRET.encode()) == 2
    assert made[1].sent.count(b"{secret:TOKEN}") == 2
    assert b"tOken" not in made[1].sent


@pytest.mark.parametrize("target", ["http://b.example/?t={}", "https://127.0.0.1:1/{}"])
def test_a_server_cannot_send_a_secret_elsewhere(target: str, fetcher: Fetcher) -> None:
    echoed = target.format("tOken%2F%2B%20%22%3Cvalue%3E%22%3D")
    with RawServer({"/": redirect(echoed)}) as server:
        first, second = fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
        assert (second.failure, len(server.got)) == (Failure.BLOCKED, 1)
    assert second.url == target.format("{secret:TOKEN}")
    assert dict(first.headers)["location"] == target.format("{secret:TOKEN}")
    assert b"tOken" not in everything(first) + everything(second)


def test_a_secret_may_go_back_to_the_origin_that_has_it(fetcher: Fetcher) -> None:
    spelled = "tOken%2F%2B%20%22%3Cvalue%3E%22%3D"
    with RawServer({"/": redirect(f"/2?t={spelled}"), f"/2?t={spelled}": Reply(message(b"end"))}) as server:
        made = fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
        assert (made[-1].status, made[-1].url) == (200, server.url("/2?t={secret:TOKEN}"))
    assert b"tOken" not in everything(made[0]) + everything(made[1])


def test_a_server_cannot_make_us_fill_in_a_secret(fetcher: Fetcher) -> None:
    with RawServer({"/": redirect("/2?t={secret:OTHER}")}) as server:
        fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
        assert b"never-used-value" not in b"".join(server.got)
        assert b"{secret:OTHER}" in server.got[1]


def test_a_body_with_a_secret_stays_at_home(fetcher: Fetcher) -> None:
    with RawServer({"/end": Reply(message())}) as server:
        server.routes["/"] = redirect(server.url("/end", "b.example"), 307)
        made = fetcher.fetch(request(server.url("/", "a.example"), method="POST", body=b"t={secret:TOKEN}"))
        assert (made[-1].failure, len(server.got)) == (Failure.BLOCKED, 1)
        plain = fetcher.fetch(request(server.url("/", "a.example"), method="POST", body=b"t=1"))
        assert (plain[-1].failure, server.got[-1].endswith(b"t=1")) == (Failure.NONE, True)


def test_secrets_are_sent_but_never_recorded(fetcher: Fetcher) -> None:
    asked = {
        "headers": (("X-Api", "{secret:TOKEN}"), ("Content-Type", "application/x-www-form-urlencoded")),
        "method": "POST",
        "body": b"a={secret:TOKEN}&b=1",
    }
    spelled = "tOken%2F%2B%20%22%3Cvalue%3E%22%3D"
    with RawServer({f"/?t={spelled}": Reply(message(b"nothing to see"))}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/?t={secret:TOKEN}"), **asked))
        (got,) = server.got
    assert (exchange.status, exchange.rebuilt) == (200, False)
    assert f"/?t={spelled} ".encode() in got
    assert f"X-Api: {SECRET}\r\n".encode() in got
    assert got.endswith(b"a=tOken%2F%2B+%22%3Cvalue%3E%22%3D&b=1")
    assert exchange.sent.startswith(b"POST /?t={secret:TOKEN} HTTP/1.1")
    assert exchange.sent.endswith(b"a={secret:TOKEN}&b=1")
    assert b"tOken" not in everything(exchange)


def test_secrets_in_json_are_escaped(fetcher: Fetcher) -> None:
    with RawServer({"/": Reply(message())}) as server:
        headers = (("Content-Type", "application/json"),)
        (exchange,) = fetcher.fetch(
            request(server.url("/"), method="POST", body=b'{"t": "{secret:TOKEN}"}', headers=headers)
        )
        assert server.got[0].endswith(b'{"t": "tOken/+ \\"<value>\\"="}')
    assert exchange.sent.endswith(b'{"t": "{secret:TOKEN}"}')


ECHO = f"<p>you sent {SECRET}, that is tOken%2f%2b%20%22%3cvalue%3e%22%3d</p>".encode() * 3000
CODED = {
    "identity": (ECHO, ()),
    "gzip": (gzip.compress(ECHO), ("Content-Encoding: gzip",)),
    "deflate": (zlib.compress(ECHO), ("Content-Encoding: deflate",)),
    "twice": (gzip.compress(zlib.compress(ECHO)), ("Content-Encoding: deflate, gzip",)),
}


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_echoed_secret_is_taken_out_of_the_body(name: str, chunked: bool, fetcher: Fetcher) -> None:
    body, headers = CODED[name]
    reply = message(body, *headers)
    if chunked:
        lines = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""]).encode()
        reply = lines + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with RawServer({"/": Reply(reply)}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
    assert (exchange.failure, exchange.rebuilt, exchange.framing) == (Failure.NONE, True, "")
    assert "a secret was taken out of the body" in exchange.detail
    assert b"tOken" not in everything(exchange)
    assert exchange.body is not None
    exchange.body.seek(0)
    assert entity(exchange.body, exchange.headers).count(b"{secret:TOKEN}") == 6000


def test_a_secret_echoed_in_head_or_framing_is_taken_out(fetcher: Fetcher) -> None:
    head = f"HTTP/1.1 200 OK\r\nX-Echo: {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with RawServer({"/": Reply(head + f"2;x={SECRET}\r\nok\r\n0\r\n\r\n".encode())}) as server:
        (exchange,) = fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
    assert (exchange.failure, exchange.framing, exchange.rebuilt) == (Failure.NONE, "", True)
    assert dict(exchange.headers)["x-echo"] == "{secret:TOKEN}"
    assert b"tOken" not in everything(exchange)


def test_a_body_cut_inside_an_echo_keeps_no_whole_secret(fetcher: Fetcher) -> None:
    with RawServer({"/": Reply(message(gzip.compress(ECHO))[:-20], "close")}) as server:
        server.routes["/"] = Reply(message(gzip.compress(ECHO), "Content-Encoding: gzip")[:-20], "close")
        (exchange,) = fetcher.fetch(request(server.url("/"), headers=(("X", "{secret:TOKEN}"),)))
    assert (exchange.failure, exchange.rebuilt) == (Failure.TRUNCATED, True)
    assert exchange.body is not None
    assert b"tOken/" not in zlib.decompressobj(31).decompress(exchange.body.read())


@pytest.mark.parametrize("step", [1, 5, 17, 1000])
def test_secrets_are_found_across_pieces(step: int) -> None:
    redactor = Redactor(SECRETS)
    text = (b"a" + SECRET.encode() + b"b never-used-valuenever-used-value") * 20
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    expected = b"a{secret:TOKEN}b {secret:OTHER}{secret:OTHER}" * 20
    assert b"".join(redactor.stream(iter(pieces))) == redactor.data(text) == expected
    assert redactor.occurs_in(iter(pieces))
    assert not redactor.occurs_in(iter([b"never-used-valu", b"x"]))
    assert not Redactor({})


@pytest.mark.parametrize(
    "secrets",
    [{"A": "short"}, {"A": "with\nline"}, {"A": "ümlaut-value"}, {"a b": "long-enough"}, {"A": " padded-value"}],
)
def test_secrets_that_could_not_be_kept_out_are_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        checked(secrets)
    assert all(value not in str(caught.value) for value in secrets.values())


def test_unknown_names_are_refused() -> None:
    assert fill("a {secret:TOKEN} {secret} {secret:NONE}", SECRETS) == f"a {SECRET} {{secret}} {{secret:NONE}}"
    with Fetcher(LOOPBACK, SECRETS) as fetcher, pytest.raises(InputError, match="NONE"):
        fetcher.fetch(request("http://a.example/{secret:NONE}"))
