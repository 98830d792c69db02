"""Content coding: decoded or refused, within bounds; and what first bytes show."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody.content import BoundError, codings, decoded, entity
from archiver.custody.sniff import sniff
from archiver.errors import ParseError

packed = partial(gzip.compress, mtime=0)  # the name of a test must be the same in each process

TEXT = b"A post about nothing at all. " * 99
GZIP = (("Content-Encoding", "gzip"),)
DEFLATE = (("content-encoding", "deflate"),)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (TEXT, ()),
        (TEXT, (("Content-Encoding", "identity"),)),
        (packed(TEXT), GZIP),
        (packed(TEXT), (("Content-Encoding", " X-GZIP "),)),
        (packed(TEXT[:9]) + packed(TEXT[9:]), GZIP),
        (packed(TEXT) + b"\x00" * 99, GZIP),
        (packed(TEXT) + b"\x1f", GZIP),
        (zlib.compress(TEXT), DEFLATE),
        (zlib.compress(TEXT, wbits=-15), DEFLATE),
        (packed(zlib.compress(TEXT)), (("Content-Encoding", "deflate, gzip"),)),
        (packed(zlib.compress(TEXT)), (*DEFLATE, *GZIP)),
    ],
)
def test_codings_are_undone(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    assert entity(BytesIO(body), headers) == TEXT


def test_no_bytes_are_an_empty_entity() -> None:
    assert entity(BytesIO(b""), GZIP) == b""


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (TEXT, GZIP),
        (packed(TEXT)[:-1], GZIP),
        (packed(TEXT)[:30], GZIP),
        (packed(TEXT)[:-8] + b"\x00" * 8, GZIP),
        (b"\x1f", GZIP),
        (zlib.compress(TEXT)[:-1], DEFLATE),
        (b"x", DEFLATE),
        (TEXT, (("Content-Encoding", "compress"),)),
        (TEXT, (("Content-Encoding", "gzip, gzip, gzip, gzip"),)),
        (TEXT, (("Content-Encoding", "a" * 99),)),
    ],
)
def test_what_cannot_be_undone_is_refused(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ParseError):
        entity(BytesIO(body), headers)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "gzip, deflate"]))
def test_any_bytes_are_decoded_or_refused(body: bytes, coding: str) -> None:
    try:
        found = entity(BytesIO(body), (("content-encoding", coding),), 10_000)
    except ParseError:
        return
    assert len(found) <= 10_000


BOMB = packed(b"\x00" * (32 << 20), 9)


@pytest.mark.parametrize(("body", "headers"), [(BOMB, GZIP), (packed(BOMB), (("Content-Encoding", "gzip, gzip"),))])
def test_a_bomb_is_stopped_early(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    size = 0

    def consume() -> None:
        nonlocal size
        for piece in decoded(BytesIO(body), headers):
            size += len(piece)

    with pytest.raises(BoundError, match="more than 200 to 1"):
        consume()
    assert size < 14 << 20


def test_the_size_is_bounded_with_and_without_coding() -> None:
    for body, headers in ((TEXT, ()), (packed(TEXT), GZIP)):
        assert entity(BytesIO(body), headers, len(TEXT)) == TEXT
        with pytest.raises(BoundError):
            entity(BytesIO(body), headers, len(TEXT) - 1)


@pytest.mark.parametrize(("pack", "name"), [(partial(brotli.compress, quality=1), "br"), (zstandard.compress, "zstd")])
def test_codings_that_nobody_asked_for(pack: Callable[[bytes], bytes], name: str) -> None:
    headers = (("Content-Encoding", name),)
    assert entity(BytesIO(pack(TEXT)), headers) == TEXT
    for wrong in (pack(TEXT)[:-1], TEXT):
        with pytest.raises(ParseError):
            entity(BytesIO(wrong), headers)
    with pytest.raises(BoundError):
        entity(BytesIO(pack(b"\x00" * (64 << 20))), headers, 32 << 20)


def test_codings_are_listed_in_order() -> None:
    headers = (("Content-Encoding", "Deflate ,, identity"), ("X", "br"), ("content-encoding", "GZIP"))
    assert codings(headers) == ("deflate", "gzip")


@pytest.mark.parametrize(
    ("first", "media_type"),
    [
        (b"", ""),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a\x01", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\x00\x00\x00\x18ftypmp42\x00", "video/mp4"),
        (b"\x00\x00\x00\x18ftypqt  \x00", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypavif\x00", "image/avif"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", "video/x-matroska"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (b"SQLite format 3\x00", "application/vnd.sqlite3"),
        (b"G" + b"\x00" * 187 + b"G" + b"\x00" * 10, "video/mp2t"),
        (b"#EXTM3U\n", "application/vnd.apple.mpegurl"),
        (b"\xef\xbb\xbf<!DOCTYPE HTML>", "text/html"),
        (b"  <HTML lang=en>", "text/html"),
        (b"<!-- x --><p>", "text/html"),
        (b"<?xml version='1.0'?><rss>", "application/xml"),
        (b"<?xml version='1.0'?><html xmlns='x'>", "application/xhtml+xml"),
        (b"<?xml version='1.0'?>\n<svg width='1'>", "image/svg+xml"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", "application/xml"),
        (b' {"id": 1}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"[1] see below", "application/json"),
        (b"[note] see below", "text/plain"),
        (b"{braces} in a text", "text/plain"),
        ("Grüße".encode(), "text/plain"),
        (b"\xff\xfeh\x00i\x00", "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream"),
    ],
)
def test_first_bytes_show_the_type(first: bytes, media_type: str) -> None:
    assert sniff(first) == media_type


@given(st.binary(max_size=600))
def test_any_bytes_have_a_type(first: bytes) -> None:
    assert (sniff(first) == "") == (first == b"")
