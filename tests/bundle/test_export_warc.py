"""Captures of every kind as WARC records: whole, chunked, cut off, failed, given as files."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.bundle import recorded, wacz, warc
from archiver.custody import framing
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.warc import block, index
from archiver.store.blobs import BlobStore
from tests.bundle.leaving import judge

WHEN = "2026-02-03T04:05:06.000000Z"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n"


def exchange(number: int, message: bytes, **more: Any) -> Exchange:
    """What `message` on the wire is stored as."""
    head, body, around = framing.split(message)
    url = f"https://news.example/{number}?q=a b\r\nX: y&ü=1"
    fields: dict[str, Any] = {
        "uid": f"01990000-0000-7000-8000-{number:012d}",
        "request": Request(ref=Ref.parse(f"web:page:https://news.example/{number}"), route="page", url=url),
        "url": url,
        "started_at": WHEN,
        "ended_at": WHEN,
        "tier": "wire",
        "sent": b"GET /%d HTTP/1.1\r\nHost: news.example\r\n\r\n" % number,
        "response_head": head,
        "framing": around,
        "status": 200 if head else None,
        "body": io.BytesIO(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "entity_sha256": hashlib.sha256(body).hexdigest(),
        "size": len(body),
    }
    return Exchange(**(fields | more))


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, list[bytes]]:
    """A WARC of six captures, and the messages of those that were answered."""
    messages = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\nff\r\ncut",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ]
    exchanges = [exchange(number, message) for number, message in enumerate(messages)]
    exchanges[2] = exchange(2, messages[2], failure=Failure.TRUNCATED)
    lost: dict[str, Any] = {"body": None, "sha256": "", "entity_sha256": "", "size": 0, "failure": Failure.TIMEOUT}
    exchanges.append(exchange(4, b"", detail="nobody\r\nanswered", **lost))
    exchanges.append(exchange(5, messages[0], tier="import", sent=b"", response_head=b"", status=None))
    path = tmp_path / "a.warc"
    with open_session(tmp_path / "a.db", Config()) as session:
        kept = [stored.id for one in exchanges for stored in session.evidence.record(one)]
        store = BlobStore(session.archive)
        with path.open("wb") as file:
            for piece in warc.info("log.example", 6, WHEN, "quotechain 0").pieces():
                file.write(piece)
            for row in recorded.rows(session.archive, kept):
                for record in warc.records(row, store, ""):
                    for piece in record.pieces():
                        file.write(piece)
    return path, messages


def test_messages_stand_in_the_file_as_they_came(written: tuple[Path, list[bytes]]) -> None:
    path, messages = written
    answers = index(path)
    assert [b"".join(block(path, answer.offset)) for answer in answers] == messages
    assert [answer.truncated for answer in answers] == ["", "", "disconnect", ""]
    assert {answer.observed_at for answer in answers} == {WHEN}
    assert all(answer.request_at > 0 for answer in answers)


def test_what_was_not_answered_says_so_and_no_address_breaks_a_line(written: tuple[Path, list[bytes]]) -> None:
    data = written[0].read_bytes()
    assert b"WARC-Type: metadata\r\n" in data
    assert b"failure: timeout\r\ndetail: nobody answered\r\n" in data
    assert b"WARC-Type: resource\r\n" in data
    assert data.count(b"WARC/1.1\r\n") == 1 + 6 + 5
    assert b"\r\nX: y" not in data.replace(b"%0D%0AX:%20y", b"")
    code, told = judge("warcio", "check", written[0])
    assert code == 0, told


@given(
    chunks=st.lists(st.binary(max_size=40), max_size=5),
    end=st.sampled_from([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"", b"4\r\nab", b"0\r\n\r\nafter"]),
)
def test_the_length_is_known_before_the_block_is_written(chunks: list[bytes], end: bytes) -> None:
    message = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in chunks if data) + end
    head, body, around = framing.split(message)
    assert len(head) + warc._coded(around, len(body)) == len(message)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.News.example:443/A/b?Q=1", "example,news)/a/b?q=1"),
        ("http://news.example:8080", "example,news:8080)/"),
        ("https://[::1", "https://[::1"),
    ],
)
def test_addresses_sort_by_domain(url: str, key: str) -> None:
    assert wacz.surt(url) == key


def test_a_block_that_is_not_as_long_as_it_says_is_no_record() -> None:
    record = warc.Record(kind="metadata", fields=(), length=3, block=iter((b"ab",)))
    with pytest.raises(ValueError, match="a record of 3 bytes holds 2"):
        b"".join(record.pieces())
