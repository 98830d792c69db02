"""What a search shows: one section for each kind of thing, its hits with snippets, and how to go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row
from archiver.datasette_plugin.searching import posts, snippets, texts
from archiver.datasette_plugin.searching.asked import KINDS, Sought
from archiver.datasette_plugin.searching.posts import HITS, Hits
from archiver.errors import PageError

PER_PAGE = 25
TOGETHER = {"posts": 10, "documents": 5, "quotations": 5, "versions": 3}
"""Hits of each kind that are shown where all kinds are."""
ORDERED = {"posts": HITS, "documents": 50, "quotations": 500, "versions": 200}
"""Hits of each kind that `best` looks at."""
READ = {"posts": 1000, "documents": 4000, "quotations": 1000, "versions": 1000}
"""Characters of each text that `best` looks at."""
COMMON = 200
"""Posts beside which earlier versions are looked for too, where all kinds are shown."""
LABELS = {
    "posts": "Posts",
    "documents": "Documents",
    "quotations": "Quoted words in documents",
    "versions": "Posts that do not read so any more",
}
_FIND: dict[str, Callable[[Reader, Sought, int], Hits]] = {
    "posts": posts.found,
    "documents": texts.documents,
    "quotations": texts.quotations,
    "versions": texts.versions,
}
_ALL = 1 << 62


def gathered(reader: Reader, asked: Asked, wanted: Sought) -> tuple[list[Row], dict[str, list[int]]]:
    """The sections of a search, and the local ids of all hits by kind, which stay here."""
    sections, ids = list[Row](), dict[str, list[int]]()
    for kind in (wanted.kind,) if wanted.kind else KINDS:
        if kind == "versions" and not wanted.kind and len(ids["posts"]) > COMMON:
            sections.append(_unlooked(asked, wanted))
            continue
        hits = _FIND[kind](reader, wanted, _below(reader, wanted, kind))
        ids[kind] = hits.ids
        sections.append(_section(reader, asked, wanted, kind, hits))
    return sections, ids


def _unlooked(asked: Asked, wanted: Sought) -> Row:
    """Earlier versions are not looked at beside many posts; a page of their own does it."""
    url = asked.at("search", form="json" if asked.json else "", **(wanted.args() | {"kind": "versions"}))
    empty: Row = {"kind": "versions", "label": LABELS["versions"], "count": None, "more_than": False, "hits": []}
    return empty | {"limits": [], "next": "", "all_url": url}


def _below(reader: Reader, wanted: Sought, kind: str) -> int:
    """The local id below which the page begins: that of the last hit of the page before."""
    if not wanted.after or not wanted.kind or wanted.sort == "best":
        return _ALL
    sha256, _, ref = wanted.after.partition("/") if kind == "versions" else ("", "", wanted.after)
    queries = {
        "posts": "SELECT id FROM refs WHERE ref = :ref",
        "documents": "SELECT id FROM refs WHERE ref = :ref",
        "quotations": "SELECT min(m.id) FROM refs r JOIN mentions m ON m.ref = r.id WHERE r.ref = :ref",
        "versions": "SELECT v.id FROM refs r JOIN versions v ON v.post = r.id "
        "WHERE r.ref = :ref AND v.sha256 = :sha256",
    }
    names = {"ref": ref} | ({"sha256": sha256} if kind == "versions" else {})
    found = reader.value("Where the last page ended", queries[kind], **names)
    if found is None:
        hint = "It may have been read anew since. Begin with the first page"
        raise PageError(400, "the place where the last page ended is not in the archive", hint=hint)
    return int(found)


def _section(reader: Reader, asked: Asked, wanted: Sought, kind: str, hits: Hits) -> Row:
    most = PER_PAGE if wanted.kind else TOGETHER[kind]
    ids, start = hits.ids, 0
    if wanted.sort == "best" and not wanted.query.empty:
        ids = _best(reader, wanted, kind, ids)
        start = min(_number(wanted.after), len(ids)) if wanted.kind else 0
    shown = ids[start : start + most]
    rows = _rows(reader, wanted, kind, shown)
    more = ""
    if wanted.sort == "best":
        more = str(start + most) if start + most < len(ids) else ""
    elif len(ids) > most:
        more = _key(rows[-1])
    elif hits.more is not None:
        more = str(reader.value("Where to go on", "SELECT ref FROM refs WHERE id = :id", id=hits.more) or "")
    args: dict[str, Any] = wanted.args() | {"kind": kind}
    form = "json" if asked.json else ""
    return {
        "kind": kind,
        "label": LABELS[kind],
        "count": min(len(hits.ids), HITS),
        "more_than": len(hits.ids) > HITS or bool(hits.more),
        "hits": [_hit(asked, row) for row in rows],
        "limits": hits.limits,
        "next": asked.at("search", form=form, **(args | {"after": more})) if more and wanted.kind else "",
        "all_url": asked.at("search", form=form, **args) if more and not wanted.kind else "",
    }


def _number(after: str) -> int:
    return int(after) if after.isascii() and after.isdecimal() and len(after) < 6 else 0


def _key(row: Row) -> str:
    return f"{row['sha256']}/{row['ref']}" if row["kind_of_hit"] == "versions" else str(row["ref"])


def _best(reader: Reader, wanted: Sought, kind: str, ids: list[int]) -> list[int]:
    """The newest hits, those that fit best first; of equals the newer."""
    ids = ids[: ORDERED[kind]]
    if kind == "posts":
        held = posts.texts(reader, ids, read=READ[kind])
    else:
        held = {int(row["id"]): str(row["text"]) for row in texts.rows(reader, kind, ids, read=READ[kind])}
    return sorted(ids, key=lambda one: (-snippets.score(wanted.query, held.get(one, "")), -one))


def _rows(reader: Reader, wanted: Sought, kind: str, ids: list[int]) -> list[Row]:
    """What is shown of these hits, in their order."""
    if kind == "posts":
        held = posts.texts(reader, ids)
        found = [row | {"text": held[row["id"]]} for row in posts.meta(reader, ids)]
    else:
        found = texts.rows(reader, kind, ids, read=posts.READ)
    by_id = {row["id"]: row for row in found}
    left = texts.FAR
    out = []
    for one in ids:
        row = by_id[one]
        text, offset = row.pop("text"), 0
        whole = len(text) < posts.READ
        if kind == "documents" and not whole and not snippets.places(wanted.query, text):
            later = texts.far(reader, wanted, row, left)
            left -= row["characters"]
            if later is not None:
                text, offset, whole = later["text"], int(later["offset"]), False
        piece = snippets.snippet(wanted.query, text, offset=offset, whole=whole)
        out.append(row | {"snippet": piece, "kind_of_hit": kind})
    return out


def _hit(asked: Asked, row: Row) -> Row:
    """One hit without local ids, with the address of what it is."""
    kind, piece = row["kind_of_hit"], row["snippet"]
    out = {name: value for name, value in row.items() if name not in ("id", "kind_of_hit")} | {"kind_of_hit": kind}
    if kind == "documents":
        start = piece["start"] + piece["marks"][0][0] if piece["marks"] else None
        end = None if start is None else piece["start"] + piece["marks"][0][1]
        at = "" if start is None or row["characters"] < (end or 0) else f"{start}-{end}"
        out["url"] = asked.at("document", row["sha256"], at=at)
        out["named"] = called(row["title"], row["url"])[:300]
    elif kind == "quotations":
        out["url"] = asked.at.ref(row["ref"])
        out["named"] = called(row["title"], row["url"])[:300]
    else:
        out["url"] = asked.at("post", row["ref"])
    return out
