"""Recordings: the folder format, WARC files, and answers that are served as they were observed."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody.framing import join
from archiver.errors import InputError, ParseError
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.recording import RecordedAnswer, RecordedRequest, Recording
from archiver.net.replay import ReplayFetcher, normalised

REF = Ref(platform="web", kind="page", id="http://a.example/")
TEXT = b'{"text": "a post"}'

INDEX: list[dict[str, Any]] = [
    {"method": "GET", "url": "https://a.example/1", "status": 200, "observed_at": "2026-01-02T03:04:05.000000Z",
     "headers": [["Content-Type", "application/json"], ["Content-Encoding", "gzip"]], "body_file": "bodies/1.json.gz",
     "peer_ip": "192.0.2.7"},
    {"method": "GET", "url": "https://a.example/edited", "times": [
        {"status": 200, "observed_at": "2026-01-02T00:00:00.000000Z", "body_file": "old.txt"},
        {"status": 200, "observed_at": "2026-02-02T00:00:00.000000Z", "body_file": "new.txt"},
        {"status": 404, "observed_at": "2026-03-02T00:00:00.000000Z"}]},
    {"method": "GET", "url": "https://a.example/moved", "observed_at": "2026-01-02T00:00:00.000000Z",
     "status": 301, "head": "HTTP/1.1 301 Moved\r\nLocation: /1\r\nContent-Length: 0\r\n\r\n",
     "headers": [["location", "/1"], ["content-length", "0"]]},
    {"method": "GET", "url": "https://a.example/dead", "observed_at": "2026-01-02T00:00:00.000000Z",
     "failure": "timeout", "detail": "no byte for 30 s"},
    {"method": "POST", "url": "https://a.example/1", "observed_at": "2026-01-02T00:00:00.000000Z", "status": 403},
    {"method": "GET", "url": "https://a.example/short", "observed_at": "2026-01-02T00:00:00.000000Z",
     "status": 200, "headers": [["Content-Length", "99"]], "body_file": "old.txt"},
    {"method": "GET", "url": "https://a.example/loop", "observed_at": "2026-01-02T00:00:00.000000Z",
     "status": 302, "headers": [["Location", "http://b.example/loop"]]},
    {"method": "GET", "url": "http://b.example:80/loop#x", "observed_at": "2026-01-02T00:00:00.000000Z",
     "status": 302, "headers": [["Location", "https://a.example:443/loop"]]},
]  # fmt: skip


def request(url: str, **changes: object) -> Request:
    return Request(ref=REF, route="test", url=url, **changes)  # type: ignore[arg-type]


def wire(exchange: Exchange) -> bytes:
    return join(exchange.response_head, exchange.body or BytesIO(), exchange.framing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bodies").mkdir()
    (tmp_path / "bodies" / "1.json.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "old.txt").write_bytes(b"old words")
    (tmp_path / "new.txt").write_bytes(b"new words")
    (tmp_path / "index.json").write_text(json.dumps(INDEX), "utf-8")
    return tmp_path


def test_answers_come_from_the_folder(folder: Path) -> None:
    numbers = count()
    with ReplayFetcher(folder, uids=lambda: f"uid-{next(numbers)}") as fetcher:
        (exchange,) = fetcher.fetch(request("https://a.example/1"))
    assert (exchange.uid, exchange.tier, exchange.status, exchange.failure) == ("uid-0", "replay", 200, Failure.NONE)
    assert exchange.started_at == exchange.ended_at == "2026-01-02T03:04:05.000000Z"
    assert exchange.headers == (("content-type", "application/json"), ("content-encoding", "gzip"))
    assert (exchange.entity_sha256, exchange.sniffed_type) == (hashlib.sha256(TEXT).hexdigest(), "application/json")
    assert (exchange.rebuilt, exchange.source_pointer, exchange.connection.peer_ip) == (True, "/0", "192.0.2.7")
    assert wire(exchange).startswith(b"HTTP/1.1 200 \r\nContent-Type: application/json\r\n")


def test_repeated_asks_are_served_in_order_and_the_last_stays(folder: Path) -> None:
    fetcher = ReplayFetcher(folder)
    made = [fetcher.fetch(request("https://a.example/edited"))[-1] for _ in range(5)]
    assert [exchange.status for exchange in made] == [200, 200, 404, 404, 404]
    assert [wire(exchange)[-9:] for exchange in made[:2]] == [b"old words", b"new words"]
    assert [exchange.started_at[:7] for exchange in made] == ["2026-01", "2026-02", "2026-03", "2026-03", "2026-03"]
    assert len({exchange.uid for exchange in made}) == 5


def test_redirects_are_followed_within_the_recording(folder: Path) -> None:
    fetcher = ReplayFetcher(folder)
    first, second = fetcher.fetch(request("https://a.example/moved"))
    assert (first.status, first.rebuilt, second.status, second.parent) == (301, False, 200, first.uid)
    assert len(fetcher.fetch(request("https://a.example/moved", follow=False))) == 1
    loop = fetcher.fetch(request("https://a.example/loop"))
    assert [exchange.failure for exchange in loop][-1] is Failure.REDIRECTS


def test_failures_are_replayed_too(folder: Path) -> None:
    fetcher = ReplayFetcher(folder)
    (dead,) = fetcher.fetch(request("https://a.example/dead"))
    assert (dead.failure, dead.status, dead.body, dead.response_head) == (Failure.TIMEOUT, None, None, b"")
    assert dead.detail == "no byte for 30 s"
    (short,) = fetcher.fetch(request("https://a.example/short"))
    assert (short.failure, short.expected, short.size) == (Failure.TRUNCATED, 99, 9)


@pytest.mark.parametrize(
    ("method", "url", "recorded"),
    [
        ("GET", "https://a.example/1#part", True),
        ("GET", "HTTPS://A.example:443/1", True),
        ("POST", "https://a.example/1", True),
        ("GET", "http://a.example/1", False),
        ("GET", "https://a.example:8443/1", False),
        ("GET", "https://a.example/1?", True),
        ("GET", "https://a.example/1?x", False),
        ("GET", "https://a.example/1/", False),
        ("GET", "https://a.example/%31", False),
        ("HEAD", "https://a.example/1", False),
        ("GET", "https://www.a.example/1", False),
    ],
)
def test_nothing_fuzzy_is_matched(method: str, url: str, recorded: bool, folder: Path) -> None:
    (exchange,) = ReplayFetcher(folder).fetch(request(url, method=method))
    assert (exchange.failure is Failure.NOT_RECORDED) is not recorded
    if not recorded:
        assert (exchange.status, exchange.body, exchange.started_at[:7]) == (None, None, "2026-03")


def test_addresses_that_cannot_be_taken_apart_stay_as_they_are() -> None:
    assert normalised("http://[::1/#x") == "http://[::1/"
    assert normalised("http://a.example:99999/#x") == "http://a.example:99999/"
    assert normalised("HTTP://A.example:80#x") == "http://a.example/"


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
values = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\x00"), max_size=9)
answers = st.builds(
    RecordedAnswer,
    observed_at=st.just("2026-01-02T03:04:05.000006Z"),
    status=st.integers(100, 999),
    headers=st.lists(st.tuples(names, values), max_size=3).map(tuple),
    body_file=st.sampled_from(["", "a", "b/c.txt", "ü.json", "a..b/..c"]),
    failure=st.sampled_from(Failure),
    detail=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=9),
    peer_ip=st.sampled_from(["", "192.0.2.1", "2001:db8::1"]),
)
recordings = st.builds(
    Recording,
    requests=st.lists(
        st.builds(
            RecordedRequest,
            url=st.text("abc", min_size=1, max_size=9).map(lambda path: f"https://a.example/{path}"),
            method=st.sampled_from(["GET", "POST"]),
            answers=st.lists(answers, min_size=1, max_size=3).map(tuple),
        ),
        max_size=3,
        unique_by=lambda entry: (entry.method, entry.url),
    ).map(tuple),
)


@given(recordings)
def test_recordings_are_read_as_they_are_written(recording: Recording) -> None:
    assert Recording.parse(str(recording)) == recording


def test_the_fixture_is_written_as_it_is_read() -> None:
    recording = Recording.parse(json.dumps(INDEX))
    assert Recording.parse(str(recording)) == recording


WRONG: list[Any] = [None, True, 7, -1, 1.5, "x", "", [], {}, [[]], {"a": {"b": 1}}]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


def changed(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    value = copy.deepcopy(value)
    node = value
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = wrong
    return value


def test_wrong_values_anywhere_are_refused_with_a_pointer_or_read_rightly() -> None:
    refused: list[ParseError] = []
    for path in paths(INDEX):
        for wrong in WRONG:
            text = json.dumps(changed(INDEX, path, wrong))
            try:
                recording = Recording.parse(text)
            except ParseError as error:
                refused.append(error)
            else:
                assert Recording.parse(str(recording)) == recording
    assert len(refused) > 500
    assert all(error.pointer for error in refused)


def entry(**members: Any) -> dict[str, Any]:
    return {"url": "https://a.example/", "status": 200, "observed_at": "2026-01-01T00:00:00Z"} | members


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 50_000,
        json.dumps([entry(), entry()]),
        json.dumps([entry(unknown=1)]),
        json.dumps([entry(method="get")]),
        json.dumps([entry(status=99)]),
        json.dumps([entry(status=None)]),
        json.dumps([entry(observed_at="2026-01-01T00:00:00")]),
        json.dumps([entry(body_file="../secret")]),
        json.dumps([entry(body_file="/etc/passwd")]),
        json.dumps([entry(body_file="a/../../b")]),
        json.dumps([entry(body_file="C:x")]),
        json.dumps([entry(body_file="a\\b")]),
        json.dumps([entry(body_file="./a")]),
        json.dumps([entry(headers=[["A", "b\r\nc: d"]])]),
        json.dumps([entry(headers=[["A b", "c"]])]),
        json.dumps([entry(headers=[["A", "\u0100"]])]),
        json.dumps([entry(head="HTTP/1.1 404 No\r\n\r\n")]),
        json.dumps([entry(head="HTTP/1.1 200 OK\r\nA: b\r\n\r\n", headers=[["A", "c"]])]),
        json.dumps([entry(head="HTTP/1.1 200 OK\r\n")]),
        json.dumps([entry(head="nothing\r\n\r\n")]),
        json.dumps([entry(failure="tired")]),
        json.dumps([entry(peer_ip="a.example")]),
        json.dumps([entry(times=[])]),
        json.dumps([{"url": "x", "times": []}]),
        json.dumps([{"url": "x", "times": [
            {"status": 200, "observed_at": "2026-01-02T00:00:00Z"},
            {"status": 200, "observed_at": "2026-01-01T00:00:00Z"},
        ]}]),
    ],
)  # fmt: skip
def test_recordings_that_cannot_be_trusted_are_refused(text: str) -> None:
    with pytest.raises(ParseError):
        Recording.parse(text)


def test_folders_that_cannot_be_read_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        ReplayFetcher(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps([entry(body_file="gone.txt")]), "utf-8")
    with pytest.raises(InputError, match="no body"):
        ReplayFetcher(tmp_path).fetch(request("https://a.example/"))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_bytes(b"private")
    inside = tmp_path / "recording"
    inside.mkdir()
    (inside / "link.txt").symlink_to(tmp_path / "outside.txt")
    (inside / "index.json").write_text(json.dumps([entry(body_file="link.txt")]), "utf-8")
    with pytest.raises(InputError, match="out of the folder"):
        ReplayFetcher(inside).fetch(request("https://a.example/"))


# -- WARC ---------------------------------------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-Odd:  1 \r\n\r\n4;a=b\r\nfour\r\n0\r\nT: 1\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour"


def record(kind: str, url: str, block: bytes, *fields: str, version: str = "1.1", date: str = "2026-01-02") -> bytes:
    digest = "sha256:" + hashlib.sha256(block).hexdigest()
    content = {"response": "application/http; msgtype=response", "request": "application/http; msgtype=request"}
    lines = [
        f"WARC/{version}",
        f"WARC-Type: {kind}",
        f"WARC-Date: {date}T00:00:00Z",
        *([f"WARC-Target-URI: {url}"] if url else []),
        f"Content-Type: {content.get(kind, 'application/warc-fields')}",
        f"WARC-Block-Digest: {digest}",
        *(() if "WARC-Record-ID" in "".join(fields) else ("WARC-Record-ID: <urn:x>",)),
        *fields,
        f"Content-Length: {len(block)}",
        "",
        "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"


RECORDS = [
    record("warcinfo", "", b"software: test\r\n"),
    record("request", "https://a.example/c", b"GET /c HTTP/1.1\r\nHost: a.example\r\n\r\n",
           "WARC-Record-ID: <urn:q1>", "WARC-Concurrent-To: <urn:r1>"),
    record("response", "https://a.example/c", CHUNKED, "WARC-Record-ID: <urn:r1>", "WARC-IP-Address: 192.0.2.9"),
    record("response", "<https://a.example/p>", PLAIN.replace(b"four", b"newr"), "WARC-Record-ID: <urn:r3>",
           "WARC-Concurrent-To: <urn:q3>", version="1.0", date="2026-03-01"),
    record("request", "https://a.example/p", b"POST /p HTTP/1.1\r\nHost: a.example\r\n\r\nx",
           "WARC-Record-ID: <urn:q3>"),
    record("response", "https://a.example/twice", PLAIN, date="2026-02-02"),
    record("response", "https://a.example/twice", PLAIN.replace(b"four", b"fore"), date="2026-01-01"),
    record("response", "https://a.example/cut", PLAIN[:-2], "WARC-Truncated: length"),
    record("response", "https://a.example/dechunked", CHUNKED.split(b"4;")[0] + b"<p>hi</p>"),
    record("response", "https://a.example/odd", b"\x16\x03\x01"),
    record("revisit", "https://a.example/again", b"HTTP/1.1 200 OK\r\n\r\n"),
    record("resource", "https://a.example/resource", b"bytes"),
]  # fmt: skip


def plain_file(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(records))
    return path


def gzip_file(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(map(gzip.compress, records)))
    return path


Write = Callable[[Path, list[bytes]], Path]
both = pytest.mark.parametrize(("name", "write"), [("x.warc", plain_file), ("x.warc.gz", gzip_file)])


@both
def test_a_warc_gives_exact_bytes(name: str, write: Write, tmp_path: Path) -> None:
    fetcher = ReplayFetcher(write(tmp_path / name, RECORDS))
    (exchange,) = fetcher.fetch(request("https://a.example/c"))
    assert wire(exchange) == CHUNKED
    assert exchange.sent == b"GET /c HTTP/1.1\r\nHost: a.example\r\n\r\n"
    assert (exchange.status, exchange.failure, exchange.rebuilt) == (200, Failure.NONE, False)
    assert (exchange.size, exchange.sha256) == (4, hashlib.sha256(b"four").hexdigest())
    assert (exchange.started_at, exchange.connection.peer_ip) == ("2026-01-02T00:00:00.000000Z", "192.0.2.9")
    assert exchange.source_pointer.startswith("warc:")
    (post,) = fetcher.fetch(request("https://a.example/p", method="POST"))
    assert wire(post).endswith(b"newr")
    for url in ("https://a.example/p", "https://a.example/again", "https://a.example/resource"):
        assert fetcher.fetch(request(url))[0].failure is Failure.NOT_RECORDED


@both
def test_records_of_one_address_are_served_as_observed(name: str, write: Write, tmp_path: Path) -> None:
    fetcher = ReplayFetcher(write(tmp_path / name, RECORDS))
    made = [fetcher.fetch(request("https://a.example/twice"))[0] for _ in range(3)]
    assert [wire(exchange)[-4:] for exchange in made] == [b"fore", b"four", b"four"]


@both
def test_records_that_are_not_whole_say_so(name: str, write: Write, tmp_path: Path) -> None:
    fetcher = ReplayFetcher(write(tmp_path / name, RECORDS))
    (cut,) = fetcher.fetch(request("https://a.example/cut"))
    assert (cut.failure, cut.expected, cut.size) == (Failure.TRUNCATED, 4, 2)
    (dechunked,) = fetcher.fetch(request("https://a.example/dechunked"))
    assert (dechunked.failure, wire(dechunked)[-9:]) == (Failure.NONE, b"<p>hi</p>")
    (odd,) = fetcher.fetch(request("https://a.example/odd"))
    assert (odd.failure, odd.status) == (Failure.PROTOCOL, None)


@both
def test_a_tampered_record_is_refused(name: str, write: Write, tmp_path: Path) -> None:
    tampered = [record.replace(b"\r\n\r\nfour", b"\r\n\r\nfive") for record in RECORDS]
    with pytest.raises(InputError, match="block digest"):
        ReplayFetcher(write(tmp_path / name, tampered))


@pytest.mark.parametrize(
    "data", [b"no warc at all\r\n", b"\x1f\x8b\x08\x00broken", b"WARC/1.1\r\n", gzip.compress(b"x", mtime=0)]
)
def test_what_is_no_warc_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.warc"
    path.write_bytes(data)
    with pytest.raises(InputError):
        ReplayFetcher(path)
    with pytest.raises(InputError):
        ReplayFetcher(tmp_path / "none.warc")


@both
def test_a_file_cut_anywhere_never_raises_another_error(name: str, write: Write, tmp_path: Path) -> None:
    whole = write(tmp_path / name, RECORDS).read_bytes()
    path = tmp_path / f"cut-{name}"
    for cut in range(0, len(whole), 61):
        path.write_bytes(whole[:cut])
        try:
            fetcher = ReplayFetcher(path)
        except InputError:
            continue
        (exchange,) = fetcher.fetch(request("https://a.example/c"))
        assert exchange.failure in (Failure.NONE, Failure.NOT_RECORDED, Failure.TRUNCATED, Failure.PROTOCOL)
        assert exchange.failure is not Failure.NONE or wire(exchange) == CHUNKED
