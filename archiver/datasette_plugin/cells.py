"""Datasette's tables lead to our pages: refs, hashes of documents and uids of captures are links where they stand, and
the page of a row names the page that shows the same thing."""

from __future__ import annotations

import re
from typing import Any

from datasette import Forbidden
from markupsafe import Markup

from archiver.datasette_plugin.allowed import ensure
from archiver.datasette_plugin.places import Places
from archiver.datasette_plugin.reader import read
from archiver.errors import PageError
from archiver.platforms import all_platforms
from archiver.render import markup
from archiver.store.archive import DatabaseError

_REF = re.compile(rf"(?:doc|{'|'.join(map(re.escape, all_platforms()))}):[a-z-]+:[^\x00]{{1,2000}}")
_HOLD_REFS = ("ref", "passage", "document", "post", "source", "target")
"""Columns of tables, views and prepared queries whose text is a ref."""
_HOLD = {("documents", "sha256"): "document", ("captures", "uid"): "capture"}
_NAMED = re.compile(r"[0-9a-f-]{36,64}")
_ROWS = {
    "refs": ("ref", "SELECT ref FROM refs WHERE id = :key"),
    "posts": ("ref", "SELECT ref FROM refs WHERE id = :key"),
    "accounts": ("ref", "SELECT ref FROM refs WHERE id = :key"),
    "versions": ("ref", "SELECT r.ref FROM versions v JOIN refs r ON r.id = v.post WHERE v.id = :key"),
    "mentions": ("ref", "SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE m.id = :key"),
    "media": ("ref", "SELECT r.ref FROM media m JOIN refs r ON r.id = m.post WHERE m.id = :key"),
    "outcomes": ("ref", "SELECT r.ref FROM outcomes o JOIN refs r ON r.id = o.ref WHERE o.id = :key"),
    "matches": ("ref", "SELECT r.ref FROM matches x JOIN mentions m ON m.id = x.mention JOIN refs r ON r.id = m.ref "
                "WHERE x.id = :key"),
    "documents": ("document", "SELECT sha256 FROM documents WHERE id = :key"),
    "captures": ("capture", "SELECT uid FROM captures WHERE id = :key"),
}  # fmt: skip
"""Of each table, which page shows a row of it, and what it is called there."""


def cell(at: Places, table: str | None, column: str, value: object) -> Markup | None:
    """A cell as a link to our page. None leaves it to Datasette."""
    if not isinstance(value, str):
        return None
    if column in _HOLD_REFS and _REF.fullmatch(value):
        return _link(at.ref(value), value)
    page = _HOLD.get((table or "", column))
    return _link(at(page, value), value) if page and _NAMED.fullmatch(value) else None


async def row_page(datasette: Any, actor: Any, at: Places, table: str, key: str) -> str:
    """The address of the page that shows what a row is about, empty where there is none."""
    page, sql = _ROWS.get(table, ("", ""))
    if not page or not key.isdecimal() or len(key) > 18:
        return ""
    try:
        closed = await ensure(datasette, actor, at.database, (table,))
        found = await read(
            datasette,
            at.database,
            lambda reader: reader.value("The page of a row", sql, key=int(key)),
            milliseconds=1000,
            closed=closed,
        )
    except (Forbidden, PageError, DatabaseError):  # closed, half built, or locked: the row itself says so
        return ""
    if not isinstance(found, str):
        return ""
    return at.ref(found) if page == "ref" else at(page, found)


def _link(address: str, value: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, Markup(markup.text(value)))
