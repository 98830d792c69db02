"""Which of Datasette's databases are archives, and whether this version can read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archiver.datasette_plugin import sizes
from archiver.datasette_plugin.allowed import may_see
from archiver.datasette_plugin.places import Places, decode
from archiver.store.archive import APPLICATION_ID, DatabaseError


async def is_archive(datasette: Any, database: str) -> bool:
    """Whether a database is an archive. Known for good once it is; a file that is none now may be one later.
    DatabaseError where the file cannot be asked: `trouble.unhandled` tells it."""
    known: set[str] = datasette.__dict__.setdefault("_archiver_known", set())
    if database not in known:
        held = datasette.databases.get(database)
        if held is None or held.path is None or not await held.execute_fn(_marked):
            return False
        known.add(database)
        sizes.keep(held)
    return True


async def seems_archive(datasette: Any, database: str) -> bool:
    """The same for pages that only mention archives: a file that cannot be asked is none."""
    try:
        return await is_archive(datasette, database)
    except DatabaseError:
        return False


_marked: Callable[[Any], bool] = lambda conn: (  # noqa: E731
    conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
)


def held(datasette: Any, database: str | None) -> Places | None:
    """The archive of a name, where it is known to be one already (see `is_archive`)."""
    if database is None or database not in datasette.__dict__.get("_archiver_known", ()):
        return None
    return Places(base=datasette.urls.path("/"), database=database)


async def all_of(datasette: Any) -> list[str]:
    """The names of all archives that are open."""
    return [name for name in list(datasette.databases) if await seems_archive(datasette, name)]


async def meant(datasette: Any, database: str | None, request: Any) -> Places | None:
    """The archive that a page is about: the named one, that of the address, or else the only one. None where there
    is none, or where the reader may not see it."""
    given = (request.url_vars or {}).get("database") if request is not None else None
    name = database or (decode(given) if given else None)
    if name is None or name not in datasette.databases:
        archives = await all_of(datasette)
        name = archives[0] if len(archives) == 1 else None
    if name is None or not await seems_archive(datasette, name):
        return None
    if not await may_see(datasette, request.actor if request is not None else None, name):
        return None
    return Places(base=datasette.urls.path("/"), database=name)
