"""Reading: bytes of a seed or a captured page → document. Pure; time and memory linear in the input.

What cannot be read at all is an error that names the place; what can be read in part is a document with notes
(`unread`). The source is the decoded text as it is: nothing is repaired in place, repairs are plans beside it.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from archiver.documents import feeds, listing, markdown, markup, repair, sniff, sourcemap
from archiver.documents.addresses import bare
from archiver.documents.encoding import Decoded, decode, place
from archiver.errors import ParseError
from archiver.model import Document, Link, Ref, Unread

MAX_DOCUMENT = 64 << 20  # Bytes. A rendering with its map takes several times as much memory.


def read(
    data: bytes, *, name: str = "", media_type: str = "", charset: str = "", url: str = "", column: str = ""
) -> Document:
    """Reads one document.

    `media_type` and `charset` are what the transport said, `name` a file name (its suffix counts where no type is
    given), `url` where the document came from (relative links are resolved against it), `column` the column of a
    table that holds addresses. ParseError: empty, too large, binary or not what its type says; InputError: no such
    column, or none with addresses.
    """
    if len(data) > MAX_DOCUMENT:
        limit = f"{MAX_DOCUMENT >> 20} MiB"
        reason = f"too large: {len(data):,} bytes, and documents are read up to {limit}; split it"
        raise ParseError(reason, pointer=f"byte:{MAX_DOCUMENT}")
    if not data.strip():
        raise ParseError("empty", pointer="byte:0")
    sniff.refuse_binary(data)
    decoded = decode(data, charset=charset)
    if decoded.binary:
        raise ParseError("binary data, not a text: too many control characters", pointer="byte:0")
    if not decoded.text.strip():
        raise ParseError("empty but for a byte order mark and white space", pointer="byte:0")
    kind = sniff.kind(decoded.text, media_type=media_type, name=name, column=column)
    return _kinds(data, decoded, kind, url, column)


def _kinds(data: bytes, decoded: Decoded, kind: str, url: str, column: str) -> Document:
    source = decoded.text
    digest = sha256(data).hexdigest()
    document = Document(
        ref=Ref(platform="doc", kind="document", id=digest),
        sha256=digest,
        media_type=kind,
        encoding=decoded.encoding,
        encoding_from=decoded.source,
        text=source,
        source=source,
        runs=sourcemap.identity(len(source)),
        unread=decoded.unread,
    )
    if kind == sniff.PLAIN:
        document = replace(document, links=bare(source))
    elif kind == sniff.MARKDOWN:
        links = tuple(_resolved(link, url) for link in markdown.links(source))
        document = replace(document, links=links)
    elif kind == sniff.LIST:
        links, notes = listing.lines(source)
        document = replace(document, links=links, unread=document.unread + notes)
    elif kind in {sniff.CSV, sniff.TSV}:
        delimiter = "\t" if kind == sniff.TSV else ""
        links, notes = listing.table(source, delimiter=delimiter, column=column)
        document = replace(document, links=links, unread=document.unread + notes)
    elif kind in {sniff.RSS, sniff.ATOM, sniff.JSON_FEED}:
        document = _feed(document, kind, url)
    else:
        document = _page(document, kind, url)
    repairs, end = repair.planned(document.text)
    if end >= 0:
        reason = f"more than {repair.MAX_PIECES} pieces of damaged text: what follows is not repaired"
        note = Unread(reason=reason, pointer=place(document.text, end))
        document = replace(document, unread=(*document.unread, note))
    return replace(document, repairs=repairs)


def _feed(document: Document, kind: str, url: str) -> Document:
    if kind == sniff.JSON_FEED:
        feed = feeds.read_json(document.source, url=url)
    else:
        kind, feed = feeds.read_xml(document.source, url=url)
    return replace(
        document,
        media_type=kind,
        text=feed.text,
        runs=feed.runs,
        links=feed.links,
        title=feed.title,
        lang=feed.lang,
        unread=document.unread + feed.unread,
    )


def _page(document: Document, kind: str, url: str) -> Document:
    page = markup.walk_page(document.source)
    notes = document.unread + page.unread
    if kind == sniff.XML:
        notes += (Unread(reason="XML of an unknown kind: read as markup", pointer="text:1:1"),)
    base = feeds.urljoin_safe(url, page.base)
    return replace(
        document,
        media_type=sniff.HTML,
        text=page.text,
        runs=page.runs,
        links=tuple(_resolved(link, base) for link in page.links),
        title=page.title,
        lang=page.lang,
        unread=notes,
    )


def _resolved(link: Link, base: str) -> Link:
    return replace(link, url=feeds.urljoin_safe(base, link.url)) if base else link
