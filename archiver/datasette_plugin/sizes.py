"""How many rows each table has, for Datasette's list of tables: from tallies where these know, counted where not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasette.utils import escape_sqlite, sqlite_timelimit

from archiver.store import tallies
from archiver.store.archive import Archive, DatabaseError

_INDEX = re.compile(r"_fts(?:_[a-z]+)?$")
_METHOD = "table_counts"


def keep(held: Any) -> None:
    """Lets an archive that is open in Datasette answer `table_counts` from here: Datasette's own counts seventy tables
    one by one for the list of tables, and in 1.0 for each page of a query, too: 0.3 s at a million posts."""
    if not held.is_mutable or not hasattr(held, _METHOD):
        return

    async def table_counts(limit: int = 10) -> dict[str, int | None]:
        """Rows by table; None where counting them took longer than `limit` milliseconds, and of text indexes."""
        found: dict[str, int | None] = await held.execute_fn(_counts(Path(held.path), limit, _most(held)))
        return found

    held.__dict__[_METHOD] = table_counts


def _most(held: Any) -> int:
    """How many rows Datasette 1.0 counts at most: it says that there are more. -1 on 0.65, which counts all."""
    most = getattr(held, "count_limit", None)
    return most + 1 if isinstance(most, int) else -1


def _counts(path: Path, limit: int, most: int) -> Callable[[Any], dict[str, int | None]]:
    def count(conn: Any) -> dict[str, int | None]:
        archive = Archive(path, conn)
        names = [str(row[0]) for row in archive.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, int | None] = dict.fromkeys(names)
        try:
            known = _known(archive)
        except DatabaseError:  # readings that an older version made, or half a rebuild: they are counted, too
            known = {}
        for name in names:
            if name in known:
                found[name] = known[name]
            elif not _INDEX.search(name):
                rows = escape_sqlite(name) if most < 0 else f"(SELECT 1 FROM {escape_sqlite(name)} LIMIT {most:d})"
                try:
                    with sqlite_timelimit(conn, limit):
                        found[name] = conn.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]
                except DatabaseError:
                    found[name] = None
        return found

    return count


def _known(archive: Archive) -> dict[str, int]:
    """The tables of which a tally counts every row, and captures and blobs."""
    summed = {str(name): int(n) for name, n in archive.all("SELECT name, sum(n) FROM tallies GROUP BY name")}
    found = {tally.table: summed.get(tally.name, 0) for tally in tallies.TALLIES if not tally.when}
    held = tallies.held(archive)
    return found | {"captures": sum(held.captures.values()), "blobs": held.blobs}
