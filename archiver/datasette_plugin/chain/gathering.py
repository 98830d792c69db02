"""A chain as plain values: what leads up from a thing to its origin, what leads down to everyone who quoted it."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from archiver.datasette_plugin.chain.edges import DOWN, UP, Edges
from archiver.datasette_plugin.chain.things import things
from archiver.datasette_plugin.chain.times import contradictions, earliest
from archiver.datasette_plugin.chain.walk import Bounds, Branch, listed, walk
from archiver.datasette_plugin.reader import Reader
from archiver.graph import DEEPEST, UPSTREAM
from archiver.model import EdgeKind

Row = dict[str, Any]
WHOLE = {
    UP: Bounds(steps=DEEPEST, things=20, fan=8, deeper=4),
    DOWN: Bounds(steps=4, things=24, fan=10, deeper=4),
}
SMALL = {
    UP: Bounds(steps=4, things=8, fan=3, deeper=2),
    DOWN: Bounds(steps=1, things=6, fan=6, deeper=1),
}
_LEADS = (*UPSTREAM, EdgeKind.EMBEDS, EdgeKind.RESOLVES_TO)
"""Kinds of edges that lead toward an origin. Of links, only those of documents and pages do: what a post links to is
more than what it quotes."""


def gather(reader: Reader, ref: str, *, small: bool = False) -> Row:
    """The chain around a canonical ref. Shape:

    `ref`; `bounds`; `things`: ref → what is known; `up` and `down`: rows of step, ref, parent, again, circle, cut,
    edges (kind, evidence, source, target, pinned, pointer, capture, observed_at), more, folded (kind, count, over), in
    the order of a tree; `folded`: side → what is left out beside the start itself; `cut`: side → why nothing was
    followed there; `origins`: rows of ref and state; `circle`; `earliest`; `contradictions`.
    """
    bounds = SMALL if small else WHOLE
    edges, seen = Edges(reader=reader), set[str]()
    roots = {side: walk(ref, partial(edges.fan, side), bounds[side], seen) for side in (UP, DOWN)}
    known = things(edges, sorted(seen))
    above = {branch.ref for branch in listed(roots[UP])}
    rows = {UP: _rows(roots[UP], set()), DOWN: _rows(roots[DOWN], above)}
    links = [
        (*((row["parent"], row["ref"]) if side == UP else (row["ref"], row["parent"])), _kinds(row))
        for side in (UP, DOWN)
        for row in rows[side]
    ]
    return {
        "ref": ref,
        "bounds": {side: asdict(bound) for side, bound in bounds.items()},
        "things": known,
        "up": rows[UP],
        "down": rows[DOWN],
        "folded": {side: list(root.folded) for side, root in roots.items()},
        "cut": {side: root.cut for side, root in roots.items()},
        **_origins(roots[UP], known),
        "earliest": earliest(known.values()),
        "contradictions": contradictions(known, links),
    }


def _kinds(row: Row) -> set[str]:
    return {edge["kind"] for edge in row["edges"]}


def _rows(root: Branch, above: set[str]) -> list[Row]:
    """`circle` says that a thing is met again on its own way, or, going down, among what the start leads up to."""
    found: list[Row] = []
    waiting: list[tuple[Branch, tuple[str, ...]]] = [(child, (root.ref,)) for child in reversed(root.branches)]
    while waiting:
        branch, way = waiting.pop()
        assert branch.link is not None
        row: Row = {"step": branch.step, "ref": branch.ref, "parent": way[-1], "again": branch.again}
        row |= {"circle": branch.again and (branch.ref in way or branch.ref in above)}
        row |= {"cut": branch.cut, "edges": list(branch.link.edges), "more": branch.link.more}
        found.append(row | {"folded": list(branch.folded)})
        waiting += [(child, (*way, branch.ref)) for child in reversed(branch.branches)]
    return found


def _origins(root: Branch, known: dict[str, Row]) -> Row:
    """The ends that lead no further up, by the edges that lead to an origin. `state` is "origin" (captured, and nothing
    that was captured leads further), "not-captured" (what it quotes is not known), or "cut" (the walk ended there).
    `circle` says that the chain only leads back to itself."""
    ends: list[Row] = []
    waiting, met = [root], False
    while waiting:
        branch = waiting.pop()
        leading = [child for child in branch.branches if _leads(branch, child)]
        met = met or any(child.again for child in leading)
        waiting += [child for child in reversed(leading) if not child.again]
        if not leading and (branch is not root or branch.cut):
            captured = known.get(branch.ref, {}).get("captured", False)
            followed = branch.cut or any(row["kind"] in ("", *_LEADS) for row in branch.folded)
            ends.append({"ref": branch.ref, "state": "cut" if followed else "origin" if captured else "not-captured"})
    return {"origins": ends, "circle": met and not ends}


def _leads(branch: Branch, child: Branch) -> bool:
    assert child.link is not None
    kinds = {edge["kind"] for edge in child.link.edges}
    spoken = not child.ref.startswith(("doc:", "web:")) and branch.ref.startswith(("doc:", "web:", "x:short:"))
    return bool(kinds & set(_LEADS)) or (spoken and EdgeKind.LINKS_TO.value in kinds)
