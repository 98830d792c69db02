"""The bytes of the demonstration: HTTP answers, pictures, and the two forms in which a recording is written."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from archiver.net.recording import INDEX, RecordedAnswer, RecordedRequest, Recording

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """One answer of a server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, moment: datetime) -> str:
        headers = (*self.headers, ("Content-Length", str(len(self.body))), ("Date", format_datetime(moment, True)))
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *(f"{k}: {v}" for k, v in headers)]
        return "\r\n".join(lines) + "\r\n\r\n"


def plain(body: bytes, kind: str, status: int = 200, *headers: tuple[str, str]) -> Reply:
    return Reply(status, (("Content-Type", kind), *headers), body)


def answer(value: Any, status: int = 200, kind: str = JSON) -> Reply:
    return plain(json.dumps(value, ensure_ascii=False, indent=1).encode(), kind, status)


def png(rows: list[list[int]], palette: list[tuple[int, int, int]]) -> bytes:
    """A picture with a palette. Its data are stored, not compressed, so that any zlib makes the same bytes."""
    data = b"".join(b"\0" + bytes(row) for row in rows)
    length = len(data).to_bytes(2, "little")
    stored = b"\x78\x01\x01" + length + bytes(255 - byte for byte in length) + data + zlib.adler32(data).to_bytes(4)
    head = len(rows[0]).to_bytes(4) + len(rows).to_bytes(4) + b"\x08\x03\0\0\0"
    chunks = [(b"IHDR", head), (b"PLTE", bytes(sum(palette, ()))), (b"IDAT", stored), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4) for name, body in chunks
    )


def _moments(start: str) -> Any:
    moment = datetime.fromisoformat(start).astimezone(UTC)
    while True:
        yield moment
        moment += timedelta(seconds=1)


def write_folder(folder: Path, start: str, answers: Mapping[str, Reply]) -> None:
    """A folder of recorded answers, one a second from `start` on, in place of what an earlier run left there. Equal
    bodies share one file."""
    if (folder / INDEX).is_file():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    names: dict[bytes, str] = {b"": ""}
    requests: list[RecordedRequest] = []
    for (url, reply), moment in zip(answers.items(), _moments(start), strict=False):
        if reply.body not in names:
            names[reply.body] = f"{len(names):02}-{_name(url)}{_suffix(reply)}"
            (folder / names[reply.body]).write_bytes(reply.body)
        recorded = RecordedAnswer(
            observed_at=moment.isoformat().replace("+00:00", "Z"),
            head=reply.head(moment),
            body_file=names[reply.body],
        )
        requests.append(RecordedRequest(url=url, answers=(recorded,)))
    (folder / INDEX).write_bytes(str(Recording(requests=tuple(requests))).encode())


def _name(url: str) -> str:
    host, _, path = url.removeprefix("https://").partition("/")
    return host + "-" + "-".join(re.findall(r"[A-Za-z0-9]+", path.partition("?")[0])[-2:])


def _suffix(reply: Reply) -> str:
    kind = dict(reply.headers)["Content-Type"].partition(";")[0]
    known = {"text/html": ".html", "image/png": ".png", "application/vnd.ipld.car": ".car"}
    return known.get(kind, ".json")


def write_warc(path: Path, start: str, answers: Mapping[str, Reply]) -> None:
    """A WARC 1.1 file (ISO 28500) with one response record for each answer, one a second from `start` on."""
    records = [_record("warcinfo", start, b"software: data/demo/make.py\r\nformat: WARC File Format 1.1\r\n")]
    for (url, reply), moment in zip(answers.items(), _moments(start), strict=False):
        block = reply.head(moment).encode("latin-1") + reply.body
        records.append(_record("response", moment.isoformat().replace("+00:00", "Z"), block, url, reply.body))
    path.write_bytes(b"".join(records))


def _record(kind: str, moment: str, block: bytes, url: str = "", payload: bytes = b"") -> bytes:
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {moment} {url}")
    fields = [("WARC-Type", kind), ("WARC-Record-ID", f"<urn:uuid:{name}>"), ("WARC-Date", moment)]
    if url:
        fields += [("WARC-Target-URI", url), ("WARC-Payload-Digest", _digest(payload))]
    fields += [("Content-Type", "application/http; msgtype=response" if url else "application/warc-fields")]
    fields += [("WARC-Block-Digest", _digest(block)), ("Content-Length", str(len(block)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"WARC/1.1\r\n{head}\r\n".encode() + block + b"\r\n\r\n"


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()
