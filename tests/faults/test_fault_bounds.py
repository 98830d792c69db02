"""What servers can make a run take: memory and time stay bounded whatever they send, also many of them at once."""

from __future__ import annotations

import gzip
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import fault_wire as wire
import pytest
from fault_runs import World, has_ipv6
from fault_servers import Line, Serve
from fault_table import FAULTS, Fault
from fault_wire import HTML, PAGE, head

from archiver.custody.framing import Framing, Splitter, join
from archiver.jobs import read
from archiver.model import Failure, Outcome, Ref, Request
from archiver.store.fates import GONE

MEMORY = 150_000_000
PATIENT = (("total_timeout = 1.3", "total_timeout = 60.0"), ("read_timeout = 1.0", "read_timeout = 20.0"))
REF = Ref.parse("web:page:https://a.example/")
X = Ref.parse("x:post:1850800000000000000")


def fault(name: str, serve: Serve, outcome: str) -> Fault:
    return Fault(group="", name=name, does="", serve=serve, outcome=outcome, again="")


def configured(world: World, *changes: tuple[str, str], more: str = "") -> None:
    path = world.folder / "archiver.toml"
    text = path.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text + more, "utf-8")


def tiny_chunks(line: Line) -> None:
    """Chunks of one byte with lines as short as two that differ can be."""
    if line.request():
        line.send(head("200 OK", "Transfer-Encoding: chunked", HTML))
        lines = b"".join(b"1;%x\r\nx\r\n" % number for number in range(0x1000, 0x9000))
        line.pour(itertools.repeat(lines))


def much(piece: bytes, size: int) -> bytes:
    """A page of so many bytes, in gzip, at a ratio that is no bomb's."""
    numbers = itertools.count()
    made = b"".join(piece * 20 + b"<!--%x-->" % (next(numbers) * 2654435761 % (1 << 32)) for _ in range(2000))
    return gzip.compress(made * (size // len(made)), 6, mtime=0)


@pytest.mark.heavy
def test_many_hostile_servers_at_once_do_not_fill_the_memory(tmp_path: Path) -> None:
    tree = [much(b"<a href=/x>", 30 << 20), much(b"<p>x</p>", 30 << 20), much(b"<div>", 30 << 20)]
    faults = [
        *(fault(f"tiny-{n}", tiny_chunks, "too-large") for n in range(8)),
        *(fault(f"pours-{n}", wire.pouring(head("200 OK", HTML), bytes(1 << 16)), "too-large") for n in range(8)),
        *(fault(f"bomb-{n}", wire.answer(wire.coded(wire.zeros(64 << 20), "gzip")), "too-large") for n in range(4)),
        *(fault(f"tree-{n}", wire.answer(wire.coded(body, "gzip")), "live") for n, body in enumerate(tree)),
    ]
    world = World(folder=tmp_path, faults=faults)
    configured(world, *PATIENT, ("max_bytes = 4194304", "max_bytes = 67108864"))
    with world.serving():
        ended = world.run(*map(world.address, faults), seconds=280)
    print(f"{len(faults)} hostile servers: {ended.took:.1f} s, {ended.peak / 1e6:.0f} MB")
    assert {name: seen.outcome for name, seen in world.seen().items()} == {f.name: f.outcome for f in faults}
    assert ended.peak < MEMORY
    assert world.call("verify", world.db, seconds=100).code == 0


SPEAK = {"not-found", "gone", "login", "withheld"}
"""Faults that are none: these statuses speak of the post, or of who may see it."""
TELLING = ("ok", "created", "no-content", "forbidden", "bot-wall", "busy", "maintenance", "broken", "bomb", "short")
TELLING += ("http-2", "gzip-cut", "empty", "nuls", "not-text", "silent", "stalls-in-body", "reset-asked")
"""Faults that stand in for a platform's routes, one run each: the first is a page in place of what was asked for."""
ROUTES = ("x.syndication", "x.fxtwitter", "x.oembed", "x.wayback", "bluesky.appview", "bluesky.plc")
ADDRESSES = (
    "https://x.com/ada/status/1848273012126646272",
    "https://bsky.app/profile/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/post/3l7gexamp2kc2",
)


def fates(world: World) -> set[str]:
    """Every outcome that is told of a post."""
    rows = world.rows("SELECT outcome FROM posts WHERE outcome <> ''")
    rows += world.rows("SELECT last_outcome AS outcome FROM work_queue WHERE ref NOT LIKE 'web:%'")
    return {row["outcome"] for row in rows}


@pytest.mark.heavy
def test_no_fault_of_a_server_of_the_fediverse_is_taken_for_a_fate(tmp_path: Path) -> None:
    faults = [one for one in FAULTS if one.name not in SPEAK and (":" not in one.address or has_ipv6())]
    world = World(folder=tmp_path, faults=faults)
    with world.serving():
        ended = world.run(*(world.address(one, "/@ada/113300000000000001") for one in faults), seconds=200)
    assert "Traceback" not in ended.err, ended.err
    posts = world.rows("SELECT count(*) AS n FROM work_queue WHERE ref LIKE 'fediverse:%'")[0]["n"]
    print(f"{posts} posts of the fediverse: {sorted(fates(world))}, {ended.took:.1f} s, {ended.peak / 1e6:.0f} MB")
    assert posts == len(faults)
    assert not fates(world) & {*GONE, "live"}
    assert ended.peak < MEMORY


@pytest.mark.heavy
@pytest.mark.parametrize("name", TELLING)
def test_no_fault_of_a_route_is_taken_for_a_fate(name: str, tmp_path: Path) -> None:
    (one,) = (one for one in FAULTS if one.name == name)
    world = World(folder=tmp_path, faults=[one])
    base = world.address(one).rstrip("/")
    endpoints = "\n".join(f'"{route}" = "{base}"' for route in ROUTES)
    configured(world, more=f'[endpoints]\n{endpoints}\n[options]\n"bluesky.proofs" = "no"\n')
    with world.serving():
        ended = world.run(*ADDRESSES)
    assert "Traceback" not in ended.err, ended.err
    assert world.places[name].asked
    assert world.rows("SELECT count(*) AS n FROM work_queue WHERE last_outcome <> ''")[0]["n"] == len(ADDRESSES)
    assert not fates(world) & {*GONE, "live"}


def chunked(lines: Iterator[bytes]) -> bytes:
    body = b"".join(b"%b\r\nx\r\n" % line for line in lines)
    return head("200 OK", "Transfer-Encoding: chunked") + body + b"0\r\nX: y\r\n\r\n"


def test_framing_is_kept_in_little_room_and_rebuilt_exactly() -> None:
    data = chunked(itertools.chain(itertools.repeat(b"1", 5), (b"1;%x" % n for n in range(5000)), [b"1", b"1"]))
    splitter = Splitter()
    body = b"".join(splitter.feed(data[at : at + 4096]) for at in range(0, len(data), 4096))
    framing = splitter.framing()
    assert (len(body), splitter.complete) == (5007, True)
    assert join(splitter.raw_head, io.BytesIO(body), framing) == data
    shape = Framing.parse(framing)
    assert (shape.chunks[0], len(shape.chunks), shape.chunks[-1]) == (("1", 5), 5003, ("0", 1))
    assert 5000 * 6 < splitter.overhead < 5003 * 16


def asked(ref: Ref, route: str, body: bytes, kind: str) -> read.Read:
    answer = read.answer_of(
        Request(ref=ref, route=route, url="https://a.example/"),
        status=200,
        headers=(("content-type", kind),),
        body=io.BytesIO(body),
        url="https://a.example/",
        failure=Failure.NONE,
        detail="",
        at="2026-01-02T03:04:05Z",
    )
    return read.read_answer(answer)


@pytest.mark.parametrize("body", [b"<p>x" * (read.MAX_TAGS + 1), PAGE + b"x" * read.MAX_PAGE])
def test_a_page_that_would_fill_the_memory_is_live_and_said_not_to_be_read(body: bytes) -> None:
    found = asked(REF, "page", body, "text/html")
    assert [finding.outcome for finding in found.reading.findings] == [Outcome.LIVE]
    assert (found.document, found.mentions) == (None, ())
    assert "are read as documents" in found.reading.unread[-1].reason
    small = asked(REF, "page", PAGE, "text/html")
    assert small.document is not None
    assert small.reading.unread == ()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b" \r\n\t"])
@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,"])
def test_json_that_would_fill_the_memory_is_not_read(part: bytes, start: bytes) -> None:
    heavy = start + b"[" + part * (read.MAX_WEIGHT // 60) + b"1]"
    found = asked(X, "syndication", heavy, "application/json")
    assert {finding.outcome for finding in found.reading.findings} == {Outcome.UNREADABLE}
    assert "fill the memory" in found.reading.findings[0].reason
    large = start + b'{"text": "' + b"word " * (1 << 20) + b'"}'
    told = asked(X, "syndication", large, "application/json")
    assert "fill the memory" not in told.reading.findings[0].reason
