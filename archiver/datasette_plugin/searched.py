"""Searches of Datasette's own table pages for words that very many rows hold.

Datasette joins every hit with its table to count it, and again for each facet: half a second for a word of every third
of a million posts, of which the facets then time out. Where an index of words holds more than `MOST` hits, the page is
asked for without the count and the facets (Datasette's own `_nocount` and `_nofacet`); rows, paging and JSON stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from datasette.database import QueryInterrupted
from datasette.utils import escape_sqlite

from archiver.datasette_plugin.archives import held
from archiver.datasette_plugin.places import decode
from archiver.store.archive import DatabaseError

MOST = 20_000
WITHOUT = b"&_nocount=1&_nofacet=1"


def asked(path: str, base: str, query: bytes) -> tuple[str, str, str] | None:
    """Database, table and words of a search on a page of a table, or of its JSON. None for any other request.

    >>> asked("/archive/posts", "/", b"_search=ferry")
    ('archive', 'posts', 'ferry')
    >>> asked("/archive/posts", "/", b"outcome=deleted"), asked("/archive/-/search", "/", b"q=ferry")
    (None, None)
    """
    if b"_search=" not in query or b"_nocount=" in query:
        return None
    parts = ("/" + path.removeprefix(base).lstrip("/")).split("/")
    words = parse_qs(query.decode("latin-1")).get("_search", [])
    if len(parts) != 3 or len(words) != 1 or not words[0].strip():
        return None
    return decode(parts[1]), decode(parts[2].removesuffix(".json")), words[0]


def wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Adds `WITHOUT` to the query of a request that asks for too many rows."""

    def wrap(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and b"_search=" in (scope.get("query_string") or b""):
                named = asked(scope["path"], datasette.setting("base_url"), scope["query_string"])
                if named is not None and await _many(datasette, *named):
                    scope = {**scope, "query_string": scope["query_string"] + WITHOUT}
            await app(scope, receive, send)

        return answer

    return wrap


async def _many(datasette: Any, database: str, table: str, words: str) -> bool:
    if held(datasette, database) is None:
        return False
    index = escape_sqlite(f"{table}_fts")
    hits = f"SELECT 1 FROM {index} WHERE {index} MATCH escape_fts(:words) LIMIT {MOST + 1:d}"
    try:
        found = await datasette.databases[database].execute(
            f"SELECT count(*) FROM ({hits})", {"words": words}, log_sql_errors=False
        )
    except QueryInterrupted:
        return True
    except DatabaseError:  # no such index, or a file that cannot be asked: the page itself tells it
        return False
    return bool(found.single_value() > MOST)
