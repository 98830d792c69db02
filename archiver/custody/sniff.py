"""The media type that the first bytes show, whatever the server declared (after the WHATWG MIME Sniffing Standard)."""

from __future__ import annotations

import re

WINDOW = 512
"""How many first bytes are looked at."""

MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"WARC/1.", "application/warc"),
    (0, b"#EXTM3U", "application/vnd.apple.mpegurl"),
    (257, b"ustar", "application/x-tar"),
)
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
}
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
HTML_TAG = re.compile(
    r"<(?:!doctype html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|blockquote|meta|link|!--)"
    r"[\s>/]|<!--",
    re.IGNORECASE,
)
BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def sniff(first: bytes) -> str:
    """The media type of content that starts with these bytes; empty when there are none.

    Text that is nothing more special is `text/plain`, other bytes `application/octet-stream`.
    """
    first = first[:WINDOW]
    if not first:
        return ""
    return _magic(first) or _text(first)


def _magic(first: bytes) -> str:
    for at, magic, media_type in MAGIC:
        if first.startswith(magic, at):
            return media_type
    if first[:4] == b"RIFF":
        return RIFF.get(first[8:12], "")
    if first[4:8] == b"ftyp":
        return BRANDS.get(first[8:12], "video/mp4")
    if first[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in first else "video/x-matroska"
    if first[0] == 0x47 and len(first) > 188 and first[188] == 0x47:
        return "video/mp2t"
    if first[0] == 0xFF and len(first) > 1 and first[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return ""


def _text(first: bytes) -> str:
    codec, start = next(((codec, len(bom)) for bom, codec in BOMS if first.startswith(bom)), ("latin-1", 0))
    text = first[start:].decode(codec, "ignore").lstrip(" \t\r\n\f")
    if BINARY.search(text):
        return "application/octet-stream"
    if text[:1] in "{[" and text:
        return "application/json" if _like_json(text) else "text/plain"
    if HTML_TAG.match(text):
        return "text/html"
    if text[:5].lower() == "<?xml":
        return _xml(text)
    if re.match(r"<svg[\s>]", text):
        return "image/svg+xml"
    if re.match(r"<(?:rss|feed|rdf:RDF)[\s>]", text):
        return "application/xml"
    return "text/plain"


def _like_json(text: str) -> bool:
    return re.match(r"\{\s*(?:\"|\}|$)|\[\s*(?:[\]\[{\"0-9-]|true|false|null|$)", text) is not None


def _xml(text: str) -> str:
    if re.search(r"<svg[\s>]", text):
        return "image/svg+xml"
    if re.search(r"<!doctype html|<html[\s>]", text, re.IGNORECASE):
        return "application/xhtml+xml"
    return "application/xml"
