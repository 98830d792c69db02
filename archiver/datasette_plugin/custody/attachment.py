"""Bytes of an archive handed out as a file: never shown in the reader's browser as part of this site."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datasette import NotFound, Response

from archiver.datasette_plugin import policy, trouble
from archiver.datasette_plugin.allowed import ensure
from archiver.datasette_plugin.archives import is_archive
from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.places import Places, decode
from archiver.datasette_plugin.reader import Reader, read
from archiver.errors import InputError, IntegrityError, PageError
from archiver.store.archive import DatabaseError

View = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file in memory: a name of ours, its bytes, and a media type that no browser runs."""

    name: str
    data: bytes
    media_type: str = "application/octet-stream"


async def opened(datasette: Any, request: Any, reads: tuple[str, ...]) -> Asked | Response:
    """What a route of bytes is asked for, once the reader may see these tables; or the answer that it is no archive.
    NotFound where there is no such database, Forbidden where the reader may not see it."""
    request.scope["archiver_page"] = True  # what breaks from here on is told by `trouble.unhandled`
    given = {name: decode(value) for name, value in request.url_vars.items() if value is not None}
    database = given.pop("database")
    if not await is_archive(datasette, database):
        if database in datasette.databases:
            return await trouble.page(datasette, request, trouble.no_archive(database), json=False)
        raise NotFound(f"No database {database}")
    closed = await ensure(datasette, request.actor, database, reads)
    args = {name: request.args.getlist(name) for name in request.args}
    return Asked(at=Places(base=datasette.urls.path("/"), database=database), parts=given, args=args, closed=closed)


def route(path: str, gather: Callable[[Reader, Asked], File], reads: tuple[str, ...]) -> tuple[str, View]:
    """A route that hands out one file. `path` as for `Page`."""

    async def view(datasette: Any, request: Any) -> Response:
        asked = await opened(datasette, request, reads)
        if isinstance(asked, Response):
            return asked
        try:
            file = await read(
                datasette,
                asked.at.database,
                lambda reader: gather(reader, asked),
                milliseconds=3000,
                closed=asked.closed,
            )
        except (InputError, PageError, IntegrityError, DatabaseError) as error:
            told = trouble.of(error, asked.at.database)
            return await trouble.page(datasette, request, told, json=False, at=asked.at)
        return Response(file.data, content_type=file.media_type, headers=headers(file.name))

    return rf"^/(?P<database>[^/]+)/-/{path}$", view


def headers(name: str) -> dict[str, str]:
    """The headers of a file that is saved and not shown."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:120] or "file"
    return {
        "content-disposition": f'attachment; filename="{plain}"',
        "content-security-policy": policy.BYTES,
        "cache-control": "private, no-store",
        **policy.ALWAYS,
    }
