"""What kind of document some bytes are: by declared type, else by the name's suffix, else by content."""

from __future__ import annotations

import re

from archiver.documents import listing
from archiver.errors import ParseError

PLAIN, MARKDOWN, HTML = "text/plain", "text/markdown", "text/html"
LIST, CSV, TSV = "text/uri-list", "text/csv", "text/tab-separated-values"
RSS, ATOM, JSON_FEED = "application/rss+xml", "application/atom+xml", "application/feed+json"
XML, JSON = "application/xml", "application/json"

_TYPES = {
    PLAIN: PLAIN, MARKDOWN: MARKDOWN, "text/x-markdown": MARKDOWN, HTML: HTML, "application/xhtml+xml": HTML,
    LIST: LIST, CSV: CSV, "application/csv": CSV, TSV: TSV, RSS: XML, ATOM: XML, "application/rdf+xml": XML,
    XML: XML, "text/xml": XML, JSON_FEED: JSON_FEED, JSON: JSON, "text/json": JSON,
}  # fmt: skip
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-unknown-content-type"})
_SUFFIXES = {
    "html": HTML, "htm": HTML, "xhtml": HTML, "md": MARKDOWN, "markdown": MARKDOWN, "mdown": MARKDOWN,
    "urls": LIST, "csv": CSV, "tsv": TSV, "tab": TSV, "rss": XML, "atom": XML, "rdf": XML, "xml": XML, "wxr": XML,
    "json": JSON,
}  # fmt: skip
_MAGIC = (
    (b"%PDF-", "a PDF"), (b"PK\x03\x04", "a ZIP archive (or an office document)"), (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"), (b"\x28\xb5\x2f\xfd", "Zstandard data"), (b"\xfd7zXZ\x00", "XZ data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"), (b"Rar!\x1a\x07", "a RAR archive"), (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"), (b"GIF87a", "a GIF image"), (b"GIF89a", "a GIF image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old office document"), (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "an SQLite database"), (b"\x7fELF", "a program"), (b"OggS\x00", "Ogg media"),
    (b"ID3\x03", "MP3 audio"), (b"ID3\x04", "MP3 audio"), (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"WARC/1.", "a WARC file"),
)  # fmt: skip
_HEAD = 4096
_PROLOG = re.compile(r"(?:\s++|<\?[^>]*+>|<!--(?:[^-]++|-(?!->))*+-->|<!(?!--)[^>\[]*+(?:\[[^\]]*+\][^>]*+)?>)*+")
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*+:)?+([A-Za-z_][\w.-]*+)[\s/>]")
_DOCTYPE = re.compile(r"<!doctype\s++html", re.IGNORECASE)
_MARKUP = frozenset({
    "html", "head", "body", "title", "meta", "link", "script", "style", "div", "p", "a", "blockquote", "article",
    "section", "main", "header", "h1", "h2", "h3", "table", "ul", "ol", "figure", "iframe", "span", "br", "b", "i",
    "em", "strong", "img", "font", "center", "noscript", "base", "li", "pre", "svg",
})  # fmt: skip


def refuse_binary(data: bytes) -> None:
    """Raises ParseError for bytes that a known format other than text begins with, saying which."""
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise ParseError(f"this looks like {what}, not a text: convert it to text or HTML first", pointer="byte:0")
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] in {b"WEBP", b"AVI ", b"WAVE"}):
        raise ParseError("this looks like an image, audio or video, not a text", pointer="byte:0")


def kind(text: str, *, media_type: str, name: str, column: str) -> str:
    """The kind of a document: one of this module's types; XML only for XML that is no feed by its root's name.

    ParseError for a declared type that is no document.
    """
    declared = media_type.partition(";")[0].strip().lower()
    if declared in _UNSAID:
        suffix = name.rpartition(".")[2].lower() if "." in name else ""
        found = _SUFFIXES.get(suffix, "")
    elif declared in _TYPES:
        found = _TYPES[declared]
    elif declared.endswith("+xml"):
        found = XML
    elif declared.startswith("text/") or declared.endswith("+json"):
        found = PLAIN
    else:
        raise ParseError(f"{declared[:80]} is not a document: give text, Markdown, HTML, a list or a feed", pointer="/")
    if found == XML:
        return _xml(text)
    if found == JSON:
        return JSON_FEED if _is_json_feed(text) else PLAIN
    if found == PLAIN:
        return LIST if listing.is_list(text) else PLAIN
    return found or _by_content(text, column)


def _by_content(text: str, column: str) -> str:
    if column:
        first = text[:_HEAD].lstrip().partition("\n")[0]
        return TSV if first.count("\t") > first.count(",") else CSV
    after = _PROLOG.match(text, 0, _HEAD)
    at = after.end() if after else 0
    root = _ROOT.match(text, at)
    if _DOCTYPE.search(text, 0, at) or (root and not root[1] and root[2].lower() in _MARKUP):
        return HTML
    if root and root[2].lower() in {"rss", "rdf", "feed"}:
        return _xml(text)
    if text[:_HEAD].lstrip().startswith("{") and _is_json_feed(text):
        return JSON_FEED
    return LIST if listing.is_list(text) else PLAIN


def _xml(text: str) -> str:
    after = _PROLOG.match(text)
    root = _ROOT.match(text, after.end() if after else 0)
    name = root[2].lower() if root else ""
    if name in {"rss", "rdf"}:
        return RSS
    if name == "feed":
        return ATOM
    return HTML if name == "html" else XML


def _is_json_feed(text: str) -> bool:
    return "jsonfeed.org/version/" in text or "jsonfeed.org\\/version\\/" in text
