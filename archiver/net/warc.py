"""Response records of a WARC file (1.0 and 1.1, ISO 28500), plain or with one gzip member for each record.

The file is read once to learn where the records are and that their block digests hold; blocks are then read
from their offsets, in pieces.
"""

from __future__ import annotations

import ipaddress
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.errors import InputError
from archiver.net.clock import text_of, time_of

PIECE = 64 * 1024
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) \S+ HTTP/")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcAnswer:
    """Where a response stands: offsets in the file, in bytes. `request_at` is -1 without a request record."""

    url: str
    observed_at: str
    offset: int
    method: str = "GET"
    peer_ip: str = ""
    request_at: int = -1
    truncated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    offset: int
    method: str
    belongs_to: str


def index(path: Path) -> tuple[WarcAnswer, ...]:
    """All HTTP responses, in the order of the file. Raises InputError for what is no WARC and for a broken digest."""
    answers: list[tuple[str, str, WarcAnswer]] = []
    asked: dict[str, _Asked] = {}
    kinds: set[str] = set()
    with _records(path, 0) as records:
        for record in records.iterator:
            kind, fields = record.rec_type or "", record.rec_headers
            kinds.add(kind)
            name = fields.get_header("WARC-Record-ID") or ""
            partner = fields.get_header("WARC-Concurrent-To") or ""
            if not (fields.get_header("Content-Type") or "").lower().startswith("application/http"):
                kind = ""
            block_start, size = _drain(record)
            offset = records.iterator.get_record_offset()
            _check_digest(record, path, offset)
            line = _REQUEST_LINE.match(block_start)
            if kind == "request" and line is not None:
                asked[name] = _Asked(offset=offset, method=line[1].decode(), belongs_to=partner)
            elif kind == "response":
                whole = size == int(fields.get_header("Content-Length") or -1)
                answers.append((name, partner, _answer(fields, path, offset, whole=whole)))
    if not kinds or "" in kinds:
        raise InputError("the file holds no records, or one without a WARC-Type", place=str(path))
    by_response = {entry.belongs_to: entry for entry in asked.values()}
    found: list[WarcAnswer] = []
    for name, partner, answer in answers:
        entry = by_response.get(name) or asked.get(partner)
        found.append(answer if entry is None else replace(answer, method=entry.method, request_at=entry.offset))
    return tuple(found)


def block(path: Path, offset: int) -> Iterator[bytes]:
    """The block of the record at this offset, in pieces: for a response, the HTTP message."""
    with _records(path, offset) as records:
        stream = next(iter(records.iterator)).raw_stream
        while piece := stream.read(PIECE):
            yield piece


@dataclass(frozen=True, slots=True)
class _Open:
    iterator: Any


@contextmanager
def _records(path: Path, offset: int) -> Iterator[_Open]:
    # warcio is needed for recordings only.
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        with path.open("rb") as file:
            file.seek(offset)
            yield _Open(ArchiveIterator(file, no_record_parse=True, check_digests=True))
    except (ArchiveLoadFailed, OSError, EOFError, ValueError, zlib.error) as error:
        first = str(error).strip().partition("\n")[0]
        hint = "Give a WARC file, plain or with one gzip member for each record"
        raise InputError(f"the WARC cannot be read: {first}", place=str(path), hint=hint) from None


def _drain(record: Any) -> tuple[bytes, int]:
    start, size = b"", 0
    while piece := record.raw_stream.read(PIECE):
        start = start or bytes(piece[:4096])
        size += len(piece)
    return start, size


def _check_digest(record: Any, path: Path, offset: int) -> None:
    failed = [text for text in record.digest_checker.problems if "block digest failed" in text]
    if failed:
        raise InputError("the record is not what its block digest says", place=f"{path}:{offset}")


def _answer(fields: Any, path: Path, offset: int, *, whole: bool) -> WarcAnswer:
    try:
        observed_at = text_of(time_of(fields.get_header("WARC-Date") or ""))
    except ValueError:
        raise InputError("the record has no WARC-Date", place=f"{path}:{offset}") from None
    peer_ip = fields.get_header("WARC-IP-Address") or ""
    try:
        ipaddress.ip_address(peer_ip)
    except ValueError:
        peer_ip = ""
    return WarcAnswer(
        url=(fields.get_header("WARC-Target-URI") or "").strip("<>"),
        observed_at=observed_at,
        offset=offset,
        peer_ip=peer_ip,
        truncated=fields.get_header("WARC-Truncated") or ("" if whole else "unspecified"),
    )
