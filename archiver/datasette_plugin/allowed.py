"""Who may see what. Datasette checks its own pages only: every route of a plugin asks for itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from datasette import Forbidden


async def may_see(datasette: Any, actor: Any, database: str, table: str = "") -> bool:
    """Whether an actor may see a database, or one table of it, on either line of Datasette."""
    if hasattr(datasette, "permission_allowed"):  # 0.65: from the narrowest to the widest, the first that decides
        checks: list[tuple[str, Any]] = [("view-database", database), ("view-instance", None)]
        if table:
            checks.insert(0, ("view-table", (database, table)))
        for action, resource in checks:
            said = await datasette.permission_allowed(actor, action, resource=resource, default=None)
            if said is not None:
                return bool(said)
        return True
    from datasette.resources import DatabaseResource, TableResource  # 1.0 alone has these

    seen = await datasette.allowed(action="view-database", resource=DatabaseResource(database=database), actor=actor)
    if table:
        resource = TableResource(database=database, table=table)
        seen = seen and await datasette.allowed(action="view-table", resource=resource, actor=actor)
    return bool(seen)


async def may_write_sql(datasette: Any, actor: Any, database: str) -> bool:
    """Whether an actor may send SQL of their own: only then a page links to its queries."""
    if hasattr(datasette, "permission_allowed"):
        return bool(await datasette.permission_allowed(actor, "execute-sql", resource=database, default=True))
    from datasette.resources import DatabaseResource

    resource = DatabaseResource(database=database)
    return bool(await datasette.allowed(action="execute-sql", resource=resource, actor=actor))


async def ensure(datasette: Any, actor: Any, database: str, tables: Iterable[str]) -> None:
    """Raises Forbidden unless the actor may see the database and each of these tables."""
    if not await may_see(datasette, actor, database):
        raise Forbidden(f"view-database {database}")
    for table in tables:  # the database is open: only what is said of each table can still close it
        if not await _open(datasette, actor, database, table):
            raise Forbidden(f"view-table {database} {table}")


async def _open(datasette: Any, actor: Any, database: str, table: str) -> bool:
    if hasattr(datasette, "permission_allowed"):
        said = await datasette.permission_allowed(actor, "view-table", resource=(database, table), default=None)
        return said is None or bool(said)
    from datasette.resources import TableResource

    resource = TableResource(database=database, table=table)
    return bool(await datasette.allowed(action="view-table", resource=resource, actor=actor))
