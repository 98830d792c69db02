"""A bundle for somebody who waits: built into a file without a name, then sent piece by piece, and gone.

It is built first, since lengths and hashes that stand before the bytes are known only then, and since a fault is told
as a page only while nothing was sent. The file lies where the system keeps temporary ones (TMPDIR); whatever happens,
nothing of it is left, for it never had a name.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from archiver.datasette_plugin.functions import without
from archiver.errors import PageError
from archiver.jobs.export import Asked
from archiver.jobs.handing import hand_out
from archiver.model import Ref
from archiver.net.clock import utc_now
from archiver.store.archive import DatabaseError, no_room, open_reader

PIECE = 1 << 18
SECONDS, PATIENCE = 300.0, 60.0
"""How long it may take to build one, and to get rid of one piece."""
STEPS = 20_000
"""Steps of SQLite's machine between two looks at whether to go on."""
_LARGER = "Write it on the machine of the archive: `archiver export`, with the same choice"


class Bounded:
    """A file for writing that refuses to grow beyond `most` bytes, and to go on once `why` gives a reason."""

    def __init__(self, file: IO[bytes], most: int, why: Callable[[], str]) -> None:
        self._file, self._most, self._why = file, most, why
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, place: int) -> int:
        self._at = self._file.seek(place)
        return self._at

    def write(self, data: bytes) -> int:
        if self._at + len(data) > self._most:
            told = f"this bundle is larger than the {self._most:,} bytes that may be downloaded here"
            raise PageError(413, told, hint=_LARGER)
        if reason := self._why():
            raise PageError(503, reason, hint=_LARGER)
        self._at += self._file.write(data)
        return len(data)


async def built(
    path: Path,
    asked: Asked,
    found: list[Ref] | None,
    file: IO[bytes],
    receive: Any,
    *,
    most: int,
    closed: frozenset[str],
) -> bool:
    """Writes the bundle into `file`, in a thread with a connection of its own that only reads. False when whoever asked
    went away meanwhile: the work ends then. Nothing is read from tables that are `closed` to them. PageError,
    InputError, IntegrityError or DatabaseError when it cannot."""
    gone = threading.Event()
    ends = time.monotonic() + SECONDS

    def why() -> str:
        if gone.is_set():
            return "nobody waits for it any more"
        return f"this bundle was not ready within {SECONDS:.0f} seconds" if time.monotonic() > ends else ""

    def build() -> None:
        archive = open_reader(path)
        try:
            archive.db.set_progress_handler(lambda: 1 if why() else 0, STEPS)
            archive.db.execute("BEGIN")
            with without(archive.db, closed):
                hand_out(archive, asked, cast(BinaryIO, Bounded(file, most, why)), made=utc_now(), found=found)
        except (OSError, DatabaseError) as error:
            if reason := why():
                raise PageError(503, reason, hint=_LARGER) from error
            if no_room(error):
                raise PageError(503, "there is no room for this bundle on the server's disk", hint=_LARGER) from error
            raise
        finally:
            archive.db.close()

    watching = asyncio.ensure_future(_watch(receive, gone))
    building = asyncio.get_running_loop().run_in_executor(None, build)
    try:
        await asyncio.shield(building)
    except PageError:
        if not gone.is_set():
            raise
    except asyncio.CancelledError:
        gone.set()
        await asyncio.wait([building])  # the file stays open until nobody writes into it
        raise
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return not gone.is_set()


async def _watch(receive: Any, gone: threading.Event) -> None:
    """Waits until the client is away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def sent(file: IO[bytes], headers: dict[str, str], send: Any) -> None:
    """Sends a whole file, one piece in memory. A client that takes no piece for a minute is left alone: it finds fewer
    bytes than were announced."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    told = {**headers, "content-length": str(size)}
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()],
    }
    await send(start)
    left = size
    while left:
        piece = await asyncio.to_thread(file.read, PIECE)
        left -= len(piece)
        body = {"type": "http.response.body", "body": piece, "more_body": left > 0}
        try:
            await asyncio.wait_for(send(body), PATIENCE)
        except (TimeoutError, OSError):
            return
