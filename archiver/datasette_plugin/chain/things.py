"""What the archive knows of the things in a chain: posts, documents, pages, short links; also what it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from archiver.datasette_plugin.chain.edges import Edges
from archiver.datasette_plugin.chain.times import id_time
from archiver.model import POST_KINDS, Outcome

Row = dict[str, Any]
EXCERPT = 280
"""Characters of a text that are told here; the thing's own page has all of it."""

_POSTS = """
    select p.id, substr(p.handle, 1, 300) as handle, substr(p.name, 1, 300) as name,
      substr(p.text, 1, :most) as text, length(p.text) > :most as cut, p.posted_at,
      p.outcome, p.outcome_at, p.truncated
    from json_each(:ids) g join posts p on p.id = g.value order by p.id"""
_DOCUMENTS = """
    select d.id, substr(d.title, 1, 300) as title, d.media_type, d.mentions, substr(c.url, 1, 2000) as url,
      c.observed_at
    from json_each(:ids) g join documents d on d.id = g.value join captures c on c.id = d.capture order by d.id"""
_OUTCOMES = """
    select g.value as id, o.outcome, substr(o.reason, 1, 300) as reason, c.observed_at as outcome_at, c.uid as capture
    from json_each(:ids) g join outcomes o on o.id = (select x.id from outcomes x join captures k on k.id = x.capture
      where x.ref = g.value order by k.origin, k.leaf desc, x.id limit 1)
    join captures c on c.id = o.capture order by c.origin, c.leaf desc, o.id"""
_PAGES = """
    select g.value as id, substr(p.title, 1, 300) as title
    from json_each(:ids) g join pages p on p.id = (select x.id from pages x
      join captures k on k.id = x.capture where x.ref = g.value order by k.origin, k.leaf desc, x.id limit 1)
    order by g.value"""
_ERASED = """
    select g.value as id, e.at, e.reason from json_each(:ids) g join refs r on r.id = g.value
    join erasures e on e.what = r.ref order by e.id"""


def things(edges: Edges, refs: Iterable[str]) -> dict[str, Row]:
    """What is known of each ref, by ref. `captured` says whether a capture showed it: what was never captured has the
    outcome of the last try, or none where nobody tried."""
    groups = {ref: edges.group(key) for ref in refs if (key := edges.key(ref)) is not None}
    ids = json.dumps(sorted({key for group in groups.values() for key in group}))
    reader = edges.reader
    posts = _by_id(reader.rows("Posts of the chain", _POSTS, ids=ids, most=EXCERPT))
    documents = _by_id(reader.rows("Documents of the chain", _DOCUMENTS, ids=ids))
    erased = _by_id(reader.rows("What was erased of the chain", _ERASED, ids=ids))
    blank = [group for group in groups.values() if not any(key in posts or key in documents for key in group)]
    tried = json.dumps(sorted({key for group in blank for key in group}))
    outcomes = reader.rows("Last answers about what was never captured", _OUTCOMES, ids=tried) if blank else []
    pages = _by_id(reader.rows("Titles of web pages", _PAGES, ids=tried)) if blank else {}
    found = {}
    for ref, group in groups.items():
        row = _blank(ref, [edges.ref(key) for key in group[1:]])
        post = next((posts[key] for key in group if key in posts), None)
        document = next((documents[key] for key in group if key in documents), None)
        last = next((answer for answer in outcomes if answer["id"] in group), None)
        if post is not None:
            row |= {name: post[name] for name in ("handle", "name", "text", "posted_at", "outcome", "outcome_at")}
            row |= {"captured": True, "cut": bool(post["cut"]), "truncated": bool(post["truncated"])}
        elif document is not None:
            row |= {"captured": True, "seed": document["url"], "observed_at": document["observed_at"]}
            row |= {"title": document["title"], "places": document["mentions"], "media_type": document["media_type"]}
        elif last is not None:
            row |= {name: last[name] for name in ("outcome", "outcome_at", "reason", "capture")}
            row["captured"] = row["kind"] != "post" and last["outcome"] == Outcome.LIVE
            row["title"] = next((pages[key]["title"] for key in group if key in pages), "")
        gone = next((erased[key] for key in group if key in erased), None)
        row["erased_at"] = gone["at"] if gone is not None and post is None else ""
        found[ref] = row
    return found


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {int(row["id"]): row for row in rows}


def _blank(ref: str, aliases: list[str]) -> Row:
    platform, _, rest = ref.partition(":")
    kind = rest.partition(":")[0]
    sort = "document" if (platform, kind) == ("doc", "document") else "post" if kind in POST_KINDS else kind
    row: Row = {"ref": ref, "kind": sort, "platform": platform, "aliases": aliases, "captured": False}
    row |= dict.fromkeys(("handle", "name", "title", "text", "seed", "posted_at", "observed_at", "outcome"), "")
    row |= dict.fromkeys(("outcome_at", "reason", "capture", "media_type", "erased_at"), "")
    return row | {"id_time": id_time(ref), "cut": False, "truncated": False, "places": 0}
