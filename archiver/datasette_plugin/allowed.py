"""Who may see what. Datasette checks its own pages only: every route of a plugin asks for itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from datasette import Forbidden

_BYTES = re.compile(r"blob_chunks|.*_fts_[a-z]+", re.I)
"""Tables that close no page: the bytes, which are closed to everybody as a table and handed out one by one to whoever
may see `blobs`, and the inside of indexes, which 1.0 closes and which are as open as what they index."""


async def may_see(datasette: Any, actor: Any, database: str) -> bool:
    """Whether an actor may see a database, on either line of Datasette."""
    if hasattr(datasette, "permission_allowed"):  # 0.65: from the narrowest to the widest, the first that decides
        for action, resource in (("view-database", database), ("view-instance", None)):
            said = await datasette.permission_allowed(actor, action, resource=resource, default=None)
            if said is not None:
                return bool(said)
        return True
    from datasette.resources import DatabaseResource  # 1.0 alone has it

    resource = DatabaseResource(database=database)
    return bool(await datasette.allowed(action="view-database", resource=resource, actor=actor))


async def may_write_sql(datasette: Any, actor: Any, database: str) -> bool:
    """Whether an actor may send SQL of their own: only then a page links to its queries."""
    if hasattr(datasette, "permission_allowed"):
        return bool(await datasette.permission_allowed(actor, "execute-sql", resource=database, default=True))
    from datasette.resources import DatabaseResource

    resource = DatabaseResource(database=database)
    return bool(await datasette.allowed(action="execute-sql", resource=resource, actor=actor))


async def ensure(datasette: Any, actor: Any, database: str, tables: Iterable[str]) -> frozenset[str]:
    """Raises Forbidden unless the actor may see the database and each of these tables. Gives the tables that are closed
    to the actor, which `reader.read` keeps from being read, whatever a page says that it reads."""
    if not await may_see(datasette, actor, database):
        raise Forbidden(f"view-database {database}")
    closed = await _closed(datasette, actor, database)
    for table in tables:
        if table in closed:
            raise Forbidden(f"view-table {database} {table}")
    return closed


async def _closed(datasette: Any, actor: Any, database: str) -> frozenset[str]:
    """The tables and views of a database that an actor may not see, in small letters."""
    if hasattr(datasette, "permission_allowed"):
        asked = [name for name in await _named(datasette, database) if not _BYTES.fullmatch(name)]
        said = [await datasette.permission_allowed(actor, "view-table", (database, name), None) for name in asked]
        return frozenset(name.lower() for name, open_to in zip(asked, said, strict=True) if open_to is False)
    from datasette.resources import TableResource

    listed = await datasette.allowed_resources("view-table", actor, parent=database, limit=1000)
    seen = {resource.child.lower() for resource in listed.resources}
    names = [name for name in await _tables(datasette, database) if not _BYTES.fullmatch(name)]
    left = [name for name in names if name.lower() not in seen]
    closed = set()
    for name in left:  # closed, or made since Datasette looked which tables there are
        resource = TableResource(database=database, table=name)
        if not await datasette.allowed(action="view-table", resource=resource, actor=actor):
            closed.add(name.lower())
    return frozenset(closed)


async def _named(datasette: Any, database: str) -> list[str]:
    """On 0.65, the tables that somebody could have closed: asking for one takes a millisecond, and there are sixty."""
    from datasette.plugins import pm  # loads all plugins, this one too, so not before this one is whole

    asked = {hook.plugin_name for hook in pm.hook.permission_allowed.get_hookimpls()}
    if asked - {"datasette.default_permissions"}:
        return await _tables(datasette, database)
    described = datasette.metadata("tables", database=database)
    tables = described.items() if isinstance(described, dict) else ()
    return [name for name, table in tables if isinstance(table, dict) and table.get("allow") is not None]


async def _tables(datasette: Any, database: str) -> list[str]:
    found = await datasette.databases[database].execute_fn(
        lambda conn: conn.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    )
    return [row[0] for row in found]
