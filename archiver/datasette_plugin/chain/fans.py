"""The whole fan of one thing, by pages: every edge of a kind that leaves it or leads to it, in the order of reading."""

from __future__ import annotations

from typing import Any

from archiver.datasette_plugin.chain.edges import COUNTED, FIELDS, KINDS, SIDES, UP, Edges, told
from archiver.datasette_plugin.chain.things import things
from archiver.datasette_plugin.page import Asked
from archiver.errors import PageError

Row = dict[str, Any]
LONG = 100
"""Edges on one page."""

_PAGE = f"""
    select {FIELDS} from edges e join captures c on c.id = e.capture
    where e.%s = :id and e.kind = :kind and e.id > :after order by e.id limit :most"""
_PLACE = """
    select id from edges where kind = :kind and source = :source and target = :target and evidence = :evidence
    and pinned = :pinned"""


def fan(edges: Edges, asked: Asked) -> Row:
    """One page of the fan that `?node=REF&side=up|down&kind=…` names. `on`, `after`, `evidence` and `pinned` say which
    edge ended the page before: the ref of the thing as that edge has it, that of the other end, and the edge's own.

    Shape: `node`, `side`, `kind`, `kinds` (rows of kind, count, over), `rows` (edges, with `ref` for the thing at the
    other end), `things`, `next` (arguments of the next page, or None). PageError for what is not there."""
    key = edges.key(asked.get("node"))
    if key is None:
        raise PageError(404, f"the archive knows nothing of {asked.get('node')[:200]!r}", hint="Correct the address")
    key = edges.end(key)
    node, side = edges.ref(key), asked.among("side", SIDES) or SIDES[1]
    if side == UP and node.startswith("doc:document:"):
        links = ((asked.at.ref(node), "All its places"),)
        raise PageError(400, "what a document refers to stands on its own page", hint="Open it there", links=links)
    own, other = ("source", "target") if side == UP else ("target", "source")
    kinds = _kinds(edges, key, own)
    kind = asked.among("kind", tuple(KINDS)) or (kinds[0]["kind"] if kinds else KINDS[0].value)
    group = edges.group(key)
    member, after = _place(edges, asked, group, kind, own, other)
    rows = list[Row]()
    for here in group[group.index(member) :]:
        name = f"Edges of a kind by their {own}"
        most = LONG + 1 - len(rows)
        rows += edges.reader.rows(name, _PAGE % own, id=here, kind=kind, after=after, most=most)
        after = 0
        if len(rows) > LONG:
            break
    edges.look(row[other] for row in rows)
    shown = [{**told(edges, row), "ref": edges.ref(edges.end(row[other]))} for row in rows[:LONG]]
    following = None
    if len(rows) > LONG:
        last = shown[-1]
        following = {"on": last[own], "after": last[other], "evidence": last["evidence"], "pinned": last["pinned"]}
    known = things(edges, [node, *(row["ref"] for row in shown)])
    return {
        "node": node,
        "side": side,
        "kind": kind,
        "kinds": kinds,
        "rows": shown,
        "things": known,
        "next": following,
    }


def _kinds(edges: Edges, key: int, own: str) -> list[Row]:
    found = []
    for row in edges.counts(key, own):
        if row["count"]:
            over = row["count"] > COUNTED
            found.append({"kind": row["kind"], "count": min(row["count"], COUNTED), "over": over})
    return found


def _place(edges: Edges, asked: Asked, group: list[int], kind: str, own: str, other: str) -> tuple[int, int]:
    """Where the page begins: a row of the thing, and the edge after which."""
    if not asked.get("after"):
        return group[0], 0
    near, far = edges.key(asked.get("on")), edges.key(asked.get("after"))
    given = {own: near, other: far, "evidence": asked.get("evidence"), "pinned": asked.get("pinned")}
    found = edges.reader.value("Where the page begins", _PLACE, kind=kind, **given)
    if near not in group or found is None:
        hint = "Begin at the first page: what was read may have changed"
        raise PageError(404, "no edge of this thing is the one that this page should follow", hint=hint)
    return near, int(found)
