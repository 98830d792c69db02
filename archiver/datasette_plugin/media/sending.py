"""Sending bytes in pieces: one piece in memory, whatever the size of the file and however slowly somebody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from archiver.datasette_plugin.functions import widened
from archiver.datasette_plugin.media.held import PIECE, Held
from archiver.store.blobs import CHUNK

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Sending:
    """An answer that Datasette sends by `asgi_send`. `start` and `end` bound the bytes [start, end) of `held`, none of
    which is read where they are equal. It stops when the reader goes away."""

    def __init__(
        self,
        datasette: Any,
        database: str,
        held: Held,
        *,
        status: int,
        headers: dict[str, str],
        start: int,
        end: int,
        receive: Receive,
    ) -> None:
        self.datasette, self.database, self.held = datasette, database, held
        self.status, self.headers, self.start, self.end, self.receive = status, headers, start, end, receive

    async def asgi_send(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Sends head and body. Where a piece is gone by now (erased meanwhile) it ends before the length that it told,
        so that the server breaks the connection off and nobody takes the part for the whole."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        gone = asyncio.ensure_future(self._gone())
        left = self.end - self.start
        try:
            async for piece in self._pieces():
                if gone.done():
                    return
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        if not left:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _gone(self) -> None:
        """Ends when the reader has gone away."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Each piece is one look into the archive: no snapshot and no thread is held while somebody reads slowly."""
        database = self.datasette.databases[self.database]
        for n in range(self.start // CHUNK, -(-self.end // CHUNK) if self.end > self.start else 0):
            data = await database.execute_fn(lambda conn, n=n: piece(conn, self.held.id, n))
            part = data[max(0, self.start - n * CHUNK) : self.end - n * CHUNK]
            if not part:
                return
            yield part


def piece(conn: Any, blob: int, n: int) -> bytes:
    """One piece of a blob; empty where it is not there."""
    with widened(conn):
        row = conn.execute(PIECE, {"blob": blob, "n": n}).fetchone()
    return b"" if row is None else bytes(row[0])
