"""What hits have in common: counts over the newest hits, each with the address that narrows the search to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.datasette_plugin.searching.asked import Sought
from archiver.datasette_plugin.searching.posts import HITS, meta

SHOWN = 12

_QUERIES = {
    "documents": "SELECT d.media_type, (SELECT n.name FROM collection_documents h CROSS JOIN collections n "
    "ON n.id = h.collection WHERE h.document = d.id ORDER BY n.name LIMIT 1) AS collection FROM json_each(:ids) j "
    "CROSS JOIN documents d ON d.id = j.value",
    "quotations": "SELECT m.kind, m.platform, coalesce(x.verdict, '') AS verdict FROM json_each(:ids) j "
    "CROSS JOIN mentions m ON m.id = j.value LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0",
    "versions": "SELECT p.platform, p.outcome FROM json_each(:ids) j CROSS JOIN versions v ON v.id = j.value "
    "CROSS JOIN posts p ON p.id = v.post",
}
_LABELS = {"media_type": "media type", "handle": "author", "kind": "place"}
_NARROWS = {"platform": "platform", "outcome": "outcome", "handle": "author", "collection": "collection"}
_CLOSED = {"documents": ("outcome", "handle", "platform"), "quotations": ("outcome",)}


def counted(reader: Reader, asked: Asked, wanted: Sought, kind: str, ids: list[int]) -> list[Row]:
    """The facets of the hits of a kind, those with more than one value or a value that narrows."""
    ids = ids[:HITS]
    rows = meta(reader, ids) if kind == "posts" else _rows(reader, kind, ids)
    if kind == "posts":
        rows = [row | {"month": row["posted_at"][:7]} for row in rows]
        names: tuple[str, ...] = ("platform", "outcome", "handle", "month")
    else:
        names = tuple(rows[0]) if rows else ()
    return [one for one in (_facet(asked, wanted, kind, name, rows) for name in names) if one["values"]]


def _rows(reader: Reader, kind: str, ids: list[int]) -> list[Row]:
    return reader.rows(f"Facets of {kind}", _QUERIES[kind], ids=json.dumps(ids))


def _facet(asked: Asked, wanted: Sought, kind: str, name: str, rows: Iterable[Row]) -> Row:
    counts = Counter(str(row[name]) for row in rows if row[name])
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    if name == "month":
        ordered = sorted(ordered, key=lambda one: one[0], reverse=True)
    return {
        "name": name,
        "label": _LABELS.get(name, name),
        "values": [
            {"value": value, "n": n, "url": _narrow(asked, wanted, kind, name, value)} for value, n in ordered[:SHOWN]
        ],
        "more": max(0, len(ordered) - SHOWN),
    }


def _narrow(asked: Asked, wanted: Sought, kind: str, name: str, value: str) -> str:
    """The address of the same search for one value; empty where there is no such filter."""
    args: dict[str, Any] = wanted.args() | {"kind": wanted.kind or ("" if kind == "posts" else kind)}
    if name == "month":
        return asked.at("search", **(args | {"since": value, "until": value}))
    if name not in _NARROWS or name in _CLOSED.get(kind, ()):
        return ""
    return asked.at("search", **(args | {_NARROWS[name]: value}))
