"""Leaves as their rows would write them: the form that is written out is the canonical one, for any text."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from archiver.custody import canonical
from archiver.jobs import verifying_rows as rows
from archiver.jobs import verifying_written
from archiver.jobs.verifying_log import Span, SpanFound, _leaf, check_span
from archiver.model import Connection, Exchange, Ref, Request
from archiver.store.archive import Archive, open_archive
from archiver.store.evidence import Evidence, Tool

NOW, LATER = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z"
ODD = [
    '"\\/',
    "\x00\x01\b\f\n\r\t\x1f\x7f",
    "\u2028\u2029\ufffe",
    "ěščř 漢字 \U0001f980",
    "</script>&<!--",
    "'\u00ad\u200b",
]


def exchange(number: int, odd: str, *, body: bytes | None) -> Exchange:
    url = f"https://site.example/{number}?{odd}"
    return Exchange(
        uid=f"uid-{number}-{odd}",
        request=Request(ref=Ref.parse(f"web:page:https://site.example/{number}"), route=f"page{odd}", url=url),
        url=url,
        started_at=NOW,
        ended_at=LATER,
        mono_ns=2**62,
        sent=odd.encode(),
        status=None if body is None else 200,
        headers=(("content-type", "text/plain"),) if body else (),
        response_head=b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" if body else b"",
        framing=odd if number % 2 else "",
        body=None if body is None else io.BytesIO(body),
        size=len(body or b""),
        sha256=hashlib.sha256(body or b"").hexdigest() if body is not None else "",
        parent=odd,
        hop=number,
        rebuilt=bool(number % 2),
        source_pointer=odd,
        connection=Connection(peer_ip=odd, peer_port=443, tls_cipher=odd, chain=(b"one", b"two") if number % 2 else ()),
    )


def logged(folder: Path) -> Archive:
    archive = open_archive(folder / "a.db", now=NOW, origin="written.example/log")
    for number, odd in enumerate(ODD * 2):
        evidence = Evidence(archive, Tool(version=odd, config_sha256="", operator=odd), now=lambda: NOW)
        (recorded,) = evidence.record(exchange(number, odd, body=[b"text", None, b""][number % 3]))
        evidence.mark(recorded.id, "parse", f"parse/1{odd}", "00", leaf=recorded.leaf, fresh=True)
    return archive


def both(archive: Archive) -> list[tuple[int, bytes, rows.Values, str]]:
    size = 4 * len(ODD)
    found = []
    for table in ("captures", "reading_marks"):
        for index, row in rows.read(archive, table, 1, 0, size).items():
            data = archive.value("SELECT data FROM log_leaf WHERE idx = ?", index)
            assert isinstance(data, bytes)
            found.append((index, data, row, table))
    assert len(found) == size
    return found


def as_written(table: str, row: rows.Values, index: int, data: bytes) -> bool:
    if table == "captures":
        return verifying_written.capture(row, index, data)
    return verifying_written.reading(row, index, data)


def test_every_leaf_is_what_its_row_writes(tmp_path: Path) -> None:
    archive = logged(tmp_path)
    for index, data, row, table in both(archive):
        assert as_written(table, row, index, data), (table, data)
        assert not as_written(table, row, index + 1, data)
    found = check_span(archive, Span(origin=1, low=0, high=4 * len(ODD)))
    assert (found.rows, found.wrong.total) == (4 * len(ODD), 0)
    archive.close()


def test_a_byte_more_or_less_is_another_leaf(tmp_path: Path) -> None:
    """All but the nonce, which no row has: it may be any, as long as it is one."""
    archive = logged(tmp_path)
    for index, data, row, table in both(archive)[::5]:
        nonce = data.index(b'"nonce":"') + 9
        for at in range(len(data)):
            for other in (
                data[:at] + data[at + 1 :],
                data[:at] + b"0" + data[at:],
                data[:at] + b"\xff" + data[at + 1 :],
            ):
                assert other == data or not as_written(table, row, index, other), (at, other)
        for text, holds in ((b"f" * 32, True), (b"F" * 32, False), (b"0_" * 16, False), (b"\xc3\xa9" * 16, False)):
            assert as_written(table, row, index, data[:nonce] + text + data[nonce + 32 :]) is holds
    archive.close()


def test_a_column_of_another_kind_is_left_to_who_reads_the_leaf(tmp_path: Path) -> None:
    archive = logged(tmp_path)
    for index, data, row, table in both(archive)[::7]:
        for place in range(2, len(row)):
            for wrong in (None, b"x", 1.5, 2**60, "\udc80", "[" * 100_000):
                if wrong == row[place]:
                    continue
                changed = (*row[:place], wrong, *row[place + 1 :])
                # A type where no head declares one, the size where no blob is, what is made of another column.
                if table == "captures" and (place in (6, 8) or (place, wrong) == (7, None)):
                    continue
                assert not as_written(table, changed, index, data), (table, place, wrong)
                found = SpanFound(low=index)
                _leaf(Span(origin=1, low=0, high=99), index, data, _hash(data), _held(table, index, changed), found)
    archive.close()


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _held(table: str, index: int, row: rows.Values) -> dict[str, dict[int, rows.Values]]:
    return {**{name: dict[int, rows.Values]() for name in rows.TABLES}, table: {index: row}}


def test_the_outside_token_of_a_leaf_is_told(tmp_path: Path) -> None:
    archive = logged(tmp_path)
    index, data, row, _ = both(archive)[0]
    token = hashlib.sha256(b"token").hexdigest()
    named = data.replace(b'{"after":null', f'{{"after":"{token}"'.encode())
    assert verifying_written.capture(row, index, named)
    assert verifying_written.clock(row, named)[2] == token
    assert verifying_written.clock(row, data)[2] is None
    for other in (token.upper(), token[:-1], token + "0", "x" * 64):
        wrong = data.replace(b'{"after":null', f'{{"after":"{other}"'.encode())
        assert not verifying_written.capture(row, index, wrong)
    archive.close()


def test_a_list_is_canonical() -> None:
    assert verifying_written._list(' [ "b" ,"é"]').encode() == canonical.dumps(["b", "é"])
