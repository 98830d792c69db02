"""Captures as WARC 1.1 records (ISO 28500:2017), in pieces: what was sent, what came back, or that nothing did.

A response keeps its exact head and transfer coding. Seeds are `resource` records; a try that ended without an answer is
a `metadata` record that says how. Every byte follows from the archive, so that the same captures give the same file.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO
from urllib.parse import quote

from archiver.custody import framing
from archiver.store.archive import Row
from archiver.store.blobs import BlobStore

VERSION = "WARC/1.1"
PIECE = 1 << 20
_TRUNCATED = {"too-large": "length", "timeout": "time", "reset": "disconnect", "truncated": "disconnect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record: its header fields, the length of its block in bytes, and the block in pieces."""

    kind: str
    fields: tuple[tuple[str, str], ...]
    length: int
    block: Iterator[bytes]

    def pieces(self) -> Iterator[bytes]:
        """The whole record. ValueError when its block is not as long as it says."""
        head = [VERSION, f"WARC-Type: {self.kind}", *(f"{name}: {value}" for name, value in self.fields)]
        yield "\r\n".join([*head, f"Content-Length: {self.length}", "", ""]).encode("utf-8")
        written = 0
        for piece in self.block:
            written += len(piece)
            yield piece
        if written != self.length:
            raise ValueError(f"a record of {self.length} bytes holds {written}")
        yield b"\r\n\r\n"


def info(origin: str, size: int, made: str, tool: str) -> Record:
    """The record at the start of the file."""
    text = f"software: {tool}\r\nformat: WARC File Format 1.1\r\nisPartOf: {_line(origin)}@{size}\r\n".encode()
    fields = (
        ("WARC-Record-ID", _derived(f"{origin}@{size}#warcinfo")),
        ("WARC-Date", made),
        ("Content-Type", "application/warc-fields"),
    )
    return Record(kind="warcinfo", fields=fields, length=len(text), block=iter((text,)))


def records(row: Row, store: BlobStore, missing: str) -> Iterator[Record]:
    """The records of one capture (a row with `body_sha256` and `body_size`): the answer first, then the request.
    `missing` says why the body's bytes are not in the archive any more."""
    common = (("WARC-Date", row["observed_at"]), ("WARC-Target-URI", target(row["url"])))
    name = f"<urn:uuid:{row['uid']}>"
    if row["tier"] == "import" and row["body_sha256"] and not missing:
        fields = (
            ("WARC-Record-ID", name),
            *common,
            ("WARC-Payload-Digest", f"sha256:{row['body_sha256']}"),
            ("Content-Type", _line(row["sniffed_type"] or row["declared_type"]) or "application/octet-stream"),
        )
        yield Record(kind="resource", fields=fields, length=row["body_size"], block=store.get(row["body_sha256"]))
    elif row["response_head"] and not missing:
        yield _response(row, store, (("WARC-Record-ID", name), *common))
    else:
        text = f"failure: {row['failure']}\r\ndetail: {_line(missing or row['detail'])}\r\n".encode()
        brief = (("WARC-Record-ID", name), *common, ("Content-Type", "application/warc-fields"))
        yield Record(kind="metadata", fields=brief, length=len(text), block=iter((text,)))
    if row["sent"]:
        fields = (
            ("WARC-Record-ID", _derived(f"{row['uid']}#request")),
            *common,
            ("WARC-Concurrent-To", name),
            ("Content-Type", "application/http;msgtype=request"),
        )
        yield Record(kind="request", fields=fields, length=len(row["sent"]), block=iter((row["sent"],)))


def _response(row: Row, store: BlobStore, fields: tuple[tuple[str, str], ...]) -> Record:
    more = [("WARC-IP-Address", row["peer_ip"])] if row["peer_ip"] else []
    if row["body_sha256"] and not row["framing"]:
        # Readers disagree on the digest of a chunked body, so it is left to the bundle's own manifest.
        more.append(("WARC-Payload-Digest", f"sha256:{row['body_sha256']}"))
    if row["failure"] in _TRUNCATED:
        more.append(("WARC-Truncated", _TRUNCATED[row["failure"]]))
    more.append(("Content-Type", "application/http;msgtype=response"))
    if row["framing"]:
        body: BinaryIO = store.open(row["body_sha256"]) if row["body_sha256"] else io.BytesIO()
        block = framing.pieces(row["response_head"], body, row["framing"])
    else:
        block = chain([row["response_head"]], store.get(row["body_sha256"]) if row["body_sha256"] else ())
    return Record(
        kind="response",
        fields=(*fields, *more),
        length=len(row["response_head"]) + _coded(row["framing"], row["body_size"] or 0),
        block=block,
    )


def _coded(text: str, size: int) -> int:
    """How many bytes a body of `size` takes with what stood around it."""
    if not text:
        return size
    shape = framing.Framing.parse(text)
    around = len(shape.tail)
    for at, (line, count) in enumerate(shape.chunks):
        data = int(line.split(";")[0].split()[0], 16) > 0
        last = shape.open and at == len(shape.chunks) - 1
        around += count * (len(line) + 2 + 2 * data) - (2 * data if last else 0)
    return size + around


def target(url: str) -> str:
    """An address as a URI of ASCII, whatever a seed is called."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~-._")


def _derived(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def _line(text: str) -> str:
    return " ".join(text.split())
