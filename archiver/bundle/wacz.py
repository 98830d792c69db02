"""The captures as a WACZ 1.1.1 (specs.webrecorder.net/wacz), which replay programs open: WARC, index, pages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import chain
from typing import IO
from urllib.parse import urlsplit

from archiver.bundle import recorded, warc
from archiver.bundle.pack import Pack, Stream
from archiver.bundle.recorded import Held
from archiver.bundle.spool import Rows, Sorter, Spools
from archiver.custody import framing
from archiver.errors import ParseError
from archiver.store.archive import Archive, Row
from archiver.store.blobs import BlobStore

WARC = "archive/captures.warc"
PAGES = {"format": "json-pages-1.0", "id": "pages", "title": "All pages"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def write(
    into: IO[bytes],
    archive: Archive,
    captures: Sequence[int],
    held: Held,
    *,
    spools: Spools,
    origin: str,
    size: int,
    made: str,
    tool: str,
    title: str,
) -> None:
    """A whole WACZ, front to back."""
    with Pack(into, spools, both=False) as pack:
        _write(
            pack, archive, captures, held, spools=spools, origin=origin, size=size, made=made, tool=tool, title=title
        )


def _write(
    pack: Pack,
    archive: Archive,
    captures: Sequence[int],
    held: Held,
    *,
    spools: Spools,
    origin: str,
    size: int,
    made: str,
    tool: str,
    title: str,
) -> None:
    store, index, pages = BlobStore(archive), Sorter(spools), Rows[dict[str, str]](spools)
    with pack.entry(WARC, about=held.size * 2) as stream:
        _put(stream, warc.info(origin, size, made, tool))
        for row in recorded.rows(archive, captures):
            for record in warc.records(row, store, held.missing.get(row["body_sha256"] or "", "")):
                start = stream.size
                _put(stream, record)
                if record.kind == "response":
                    mime = _mime(row)
                    index.add(_line(row, mime, start, stream.size - start).encode("utf-8"))
                    if mime == "text/html" and row["status"] == 200:
                        pages.add({"id": row["uid"], "url": warc.target(row["url"]), "ts": row["observed_at"]})
    resources = [_resource(WARC, stream)]
    for name, lines in (
        ("indexes/index.cdx", (line + b"\n" for line in index)),
        ("pages/pages.jsonl", chain([json.dumps(PAGES).encode() + b"\n"], pages.lines())),
    ):
        with pack.entry(name) as stream:
            for line in lines:
                stream.write(line)
        resources.append(_resource(name, stream))
    package = {
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "title": title,
        "software": tool,
        "created": made,
        "resources": resources,
    }
    data = (json.dumps(package, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
    digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    pack.add("datapackage.json", (data,))
    pack.add("datapackage-digest.json", ((json.dumps(digest, indent=2) + "\n").encode(),))
    pack.close()


def _put(stream: Stream, record: warc.Record) -> None:
    for piece in record.pieces():
        stream.write(piece)


def _resource(path: str, stream: Stream) -> dict[str, str | int]:
    digests = stream.digests
    return {"name": path.split("/")[1], "path": path, "hash": f"sha256:{digests.sha256}", "bytes": digests.size}


def _line(row: Row, mime: str, offset: int, length: int) -> str:
    """One line of CDXJ."""
    url = warc.target(row["url"])
    fields = {"url": url, "mime": mime, "status": str(row["status"] or 0)}
    fields |= {"digest": f"sha256:{row['body_sha256'] or ''}", "length": str(length), "offset": str(offset)}
    fields["filename"] = WARC.split("/")[1]
    stamp = "".join(character for character in row["observed_at"] if character.isdigit())[:14]
    return f"{surt(url)} {stamp} {json.dumps(fields)}"


def surt(url: str) -> str:
    """An address as a key that sorts by domain: `com,example)/path?query`, in lower case."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url.lower()
    host = ",".join(reversed((parts.hostname or "").split(".")))
    host = host.removesuffix(",www")
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        host += f":{port}"
    return f"{host}){parts.path or '/'}{'?' + parts.query if parts.query else ''}".lower()


def _mime(row: Row) -> str:
    try:
        declared = framing.parse_head(row["response_head"]).values("content-type")
    except ParseError:
        declared = []
    return _type(declared[-1] if declared else "") or row["sniffed_type"] or "unk"


def _type(value: str) -> str:
    return value.split(";")[0].strip().lower()
