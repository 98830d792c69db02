"""Facets of table pages that are kept, not counted: how many rows have which word stands in `tallies` already.

Datasette counts each facet over all rows that a page selects: 0.2 s over three million. Where a page selects all rows,
or those with given words, and a tally knows the words, the numbers come from there; everything else is Datasette's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasette.facets import ColumnFacet

from archiver.datasette_plugin.archives import held as known_archive
from archiver.store import tallies
from archiver.store.archive import Archive, DatabaseError

SEARCH_MS = 100
"""How long a facet may be counted over the hits of a search: words that most rows hold would take seconds. Datasette
says which ones it did not count."""
_EQUAL = re.compile(r'"(\w+)" = :(p\d+)')
_NO_ROWS = (
    "WITH counted(a, b, c, n) AS (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), '', "
    "json_extract(value, '$[2]') FROM json_each(:qc_counts))"
)
_KEPT = "WITH counted(a, b, c, n) AS (SELECT a, b, c, n FROM tallies WHERE name = :qc_name)"


class Counted(ColumnFacet):  # type: ignore[misc]  # Datasette is not typed
    """Datasette's facet of a column, whose numbers come from a tally where one has them."""

    ds: Any
    _only: list[Any] | None = None

    def get_configs(self) -> list[Any]:
        return super().get_configs() if self._only is None else self._only

    async def facet_results(self) -> tuple[list[Any], list[str]]:
        """As Datasette gives them: the facets, and the names of those that took too long."""
        if known_archive(self.ds, self.database) is None or self.table is None:
            return await super().facet_results()  # type: ignore[no-any-return]
        found: list[Any] = []
        late: list[str] = []
        real, configs = self.ds, super().get_configs()
        wanted = asked_words(self.sql, self.table, dict(self.params))
        searched = any(name.startswith("_search") for name in self.request.args)
        try:
            for config in configs:
                self._only = [config]
                column = config["config"].get("column") or config["config"].get("simple")
                answer = None if wanted is None else statement(self.table, column, wanted)
                self.ds = _Answering(real, answer, self.get_facet_size() + 1, SEARCH_MS if searched else 0)
                more, timed_out = await super().facet_results()
                found += more
                late += timed_out
        finally:
            self.ds, self._only = real, None
        return found, late


class _Answering:
    """Datasette, but for one query: the count of a facet is asked of a tally, or is given less time."""

    def __init__(self, real: Any, answer: tuple[str, dict[str, object]] | None, limit: int, most_ms: int) -> None:
        self._real, self._answer, self._limit, self._most_ms = real, answer, limit, most_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def execute(self, database: str, sql: str, params: Any = None, **more: Any) -> Any:
        if self._answer is not None:
            kept, known = self._answer[0], {**self._answer[1], "qc_limit": self._limit}
            try:
                if ":qc_counts" in kept:
                    known["qc_counts"] = await self._real.databases[database].execute_fn(
                        _captures(database, self._real)
                    )
                return await self._real.execute(database, kept, known, **more)
            except DatabaseError:  # an archive of another version: what is not kept is counted
                return await self._real.execute(database, sql, params, **more)
        if self._most_ms and more.get("custom_time_limit"):
            more["custom_time_limit"] = min(more["custom_time_limit"], self._most_ms)
        return await self._real.execute(database, sql, params, **more)


def _captures(database: str, datasette: Any) -> Any:
    path = Path(datasette.databases[database].path)

    def read(conn: Any) -> str:
        return json.dumps(tallies.held(Archive(path, conn)).rows())

    return read


def asked_words(sql: str, table: str, params: dict[str, object]) -> dict[str, object] | None:
    """What the selected rows have in which column, of Datasette's own SQL for a page: empty for all rows, None where
    the page asks for anything but equal words."""
    _, named, where = sql.partition(f" from {table} ")
    if not named:
        return None
    where = where.strip()
    if not where:
        return {}
    found: dict[str, object] = {}
    for part in where.removeprefix("where ").split(" and "):
        equal = _EQUAL.fullmatch(part)
        if equal is None or equal[2] not in params or equal[1] in found:
            return None
        found[equal[1]] = params[equal[2]]
    return found


def statement(table: str, column: str, wanted: dict[str, object]) -> tuple[str, dict[str, object]] | None:
    """The query for the words of a column among rows that have the words `wanted`, and its parameters but the limit
    `qc_limit`. None where no tally knows all these columns."""
    for name, columns in _known(table):
        if column not in columns or not set(wanted) <= set(columns):
            continue
        given = {f"qc_{columns[asked]}": value for asked, value in wanted.items()}
        which = "".join(f" AND {columns[asked]} = :qc_{columns[asked]}" for asked in wanted)
        word = columns[column]
        head = _KEPT if name else _NO_ROWS
        sql = (
            f"{head} SELECT {word} AS value, sum(n) AS count FROM counted WHERE n > 0{which} "
            f"GROUP BY {word} ORDER BY count DESC, value LIMIT :qc_limit"
        )
        return sql, {**given, **({"qc_name": name} if name else {"qc_counts": ""})}
    return None


def _known(table: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each tally of all rows of a table: its name, and which of `a`, `b` and `c` holds which column. Captures are
    evidence, whose sum has no name."""
    if table == "captures":
        yield "", {"platform": "a", "failure": "b"}
    for tally in tallies.TALLIES:
        if tally.table == table and not tally.when:
            words = zip(tally.words, "abc", strict=False)
            yield tally.name, {word.removeprefix("{r}."): at for word, at in words if word.startswith("{r}.")}
