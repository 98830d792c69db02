"""The bytes of files: whole or in parts, and as small pictures. Nothing in them can run in Datasette's origin."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from datasette import NotFound, Response

from archiver.datasette_plugin import policy, trouble
from archiver.datasette_plugin.allowed import ensure
from archiver.datasette_plugin.archives import is_archive
from archiver.datasette_plugin.media.held import OPAQUE, Held, held
from archiver.datasette_plugin.media.ranges import unchanged, wanted
from archiver.datasette_plugin.media.sending import Receive, Sending, piece
from archiver.datasette_plugin.media.thumbs import KEPT, etag
from archiver.datasette_plugin.places import Places, decode
from archiver.datasette_plugin.reader import Reader, read
from archiver.errors import PageError, ParseError
from archiver.jobs import pictures
from archiver.store.archive import DatabaseError
from archiver.store.blobs import CHUNK

HEADERS = {**policy.ALWAYS, "content-security-policy": policy.BYTES, "cache-control": "private, no-cache"}
"""Browsers keep the bytes and ask each time whether they still may: what was erased, or is sensitive by now, is not
shown out of their cache."""
READS = ("blobs", "captures")
MADE = {"blobs", "media_blobs", "media_carriers"}


async def blob(datasette: Any, request: Any, receive: Receive) -> Any:
    """The bytes of a file. `?download=1` saves what would be shown."""
    return await _answered(datasette, request, READS, lambda *asked: _blob(datasette, request, receive, *asked))


async def thumb(datasette: Any, request: Any) -> Any:
    """A small picture; of what is sensitive one that only hints at it, unless `?shown=1` asks for it."""
    return await _answered(datasette, request, tuple(MADE), lambda *asked: _thumb(datasette, request, *asked))


async def _answered(
    datasette: Any,
    request: Any,
    reads: tuple[str, ...],
    answer: Callable[[Places, str, frozenset[str]], Awaitable[Any]],
) -> Any:
    request.scope["archiver_page"] = True
    database, sha256 = decode(request.url_vars["database"]), request.url_vars["sha256"].lower()
    if not await is_archive(datasette, database):
        if database in datasette.databases:
            return await trouble.page(datasette, request, trouble.no_archive(database), json=False)
        raise NotFound(f"No database {database}")
    closed = await ensure(datasette, request.actor, database, reads)
    if request.method not in ("GET", "HEAD"):
        return Response.text("Only GET and HEAD", status=405, headers={**HEADERS, "allow": "GET, HEAD"})
    at = Places(base=datasette.urls.path("/"), database=database)
    try:
        return await answer(at, sha256, closed)
    except (PageError, DatabaseError) as error:
        told = trouble.of(error, database)
        if told.status == 410:
            KEPT.forget(sha256)
        return await trouble.page(datasette, request, told, json=False, at=at)


async def _blob(
    datasette: Any, request: Any, receive: Receive, at: Places, sha256: str, closed: frozenset[str]
) -> Sending:
    found = await read(
        datasette, at.database, lambda reader: held(reader, at, sha256), milliseconds=3000, closed=closed
    )
    tag = f'"{sha256}"'
    part = wanted(found.size, tag, request.method, request.headers)
    headers = {
        **HEADERS,
        "content-type": found.media_type,
        "content-disposition": _disposition(found, save=request.args.get("download") == "1"),
        "content-length": str(part.end - part.start),
        "accept-ranges": "bytes",
        "etag": tag,
        "repr-digest": f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode('ascii')}:",  # RFC 9530
    }
    if part.status == 206:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{found.size}"
    elif part.status == 416:
        headers["content-range"] = f"bytes */{found.size}"
    elif part.status == 304:
        del headers["content-length"]
    start, end = (part.start, part.end) if request.method == "GET" else (0, 0)
    if request.method == "HEAD":
        headers["content-length"] = str(found.size)
    return Sending(
        datasette,
        at.database,
        found,
        status=part.status,
        headers=headers,
        start=start,
        end=end,
        receive=receive,
    )


def _disposition(found: Held, *, save: bool) -> str:
    return f'{"attachment" if save or found.media_type == OPAQUE else "inline"}; filename="{found.name}"'


async def _thumb(datasette: Any, request: Any, at: Places, sha256: str, closed: frozenset[str]) -> Response:
    def look(reader: Reader) -> tuple[Held, bool]:
        found = held(reader, at, sha256)
        row = reader.row(
            "What the file is",
            """
            SELECT m.kind, m.reason,
              EXISTS (SELECT 1 FROM media_carriers c WHERE c.blob = m.blob AND c.sensitive = 1) AS sensitive
            FROM media_blobs m WHERE m.blob = :blob
            """,
            blob=found.id,
        )
        if row is None or row["kind"] != pictures.PICTURE or row["reason"]:
            reason = (
                "it is no picture of a post" if row is None else row["reason"] or f"it is {row['kind']}, no picture"
            )
            links = ((at("media", sha256), "What is known of this file"),)
            raise PageError(404, f"there is no small picture of this file: {reason}", links=links)
        return found, bool(row["sensitive"])

    found, sensitive = await read(datasette, at.database, look, milliseconds=3000, closed=closed)
    coarse = sensitive and request.args.get("shown") != "1"
    tag = etag(sha256, coarse=coarse)
    headers = {**HEADERS, "etag": tag}
    if unchanged(tag, request.headers.get("if-none-match", "")):
        return Response(b"", status=304, headers=headers, content_type="image/webp")
    made = KEPT.get(sha256, coarse=coarse)
    if made is None:
        made = await _made(datasette, at, found, coarse=coarse)
        KEPT.put(sha256, made, coarse=coarse)
    headers["content-disposition"] = f'inline; filename="{sha256}-small.webp"'
    return Response(b"" if request.method == "HEAD" else made, headers=headers, content_type="image/webp")


async def _made(datasette: Any, at: Places, found: Held, *, coarse: bool) -> bytes:
    """Two at a time, so that many that are asked for at once do not all stand in memory."""
    if found.size > pictures.LARGEST:
        raise PageError(413, f"of a picture of {found.size:,} bytes no small one is made")
    gate = datasette.__dict__.setdefault("_archiver_small", asyncio.Semaphore(2))
    async with gate:
        database, count = datasette.databases[at.database], -(-found.size // CHUNK)
        data = b"".join([await database.execute_fn(lambda c, n=n: piece(c, found.id, n)) for n in range(count)])
        try:
            return await asyncio.to_thread(pictures.small, data, coarse=coarse)
        except ParseError as error:
            links = ((at("media", found.sha256), "What is known of this file"),)
            raise PageError(415, f"the picture cannot be decoded: {error.message}", links=links) from error


ROUTES = (
    (r"^/(?P<database>[^/]+)/-/blob/(?P<sha256>[0-9a-fA-F]{64})$", blob),
    (r"^/(?P<database>[^/]+)/-/thumb/(?P<sha256>[0-9a-fA-F]{64})$", thumb),
)
