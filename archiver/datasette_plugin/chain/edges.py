"""The edges of an archive around one thing, looked up through aliases; and what stands at their ends.

Every query is bounded and goes by an index, whatever a post has attracted: 100,000 edges on one post cost as much as
twenty. Places in a document are told as the document; each edge still names its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from archiver.datasette_plugin.chain.walk import Fan, Link
from archiver.datasette_plugin.reader import Reader
from archiver.model import EdgeKind

Row = dict[str, Any]
READS = ("refs", "edges", "aliases", "captures", "posts", "documents", "outcomes", "pages", "erasures")
"""Tables that a reader of a chain must be allowed to see."""
KINDS = (
    EdgeKind.QUOTES,
    EdgeKind.REPLIES_TO,
    EdgeKind.REPOSTS,
    EdgeKind.EMBEDS,
    EdgeKind.LINKS_TO,
    EdgeKind.SAME_TEXT,
    EdgeKind.SAME_MEDIA,
    EdgeKind.RESOLVES_TO,
)
"""Kinds of edges that make a chain, in the order in which a fan is filled. Names of accounts do not."""
UP, DOWN = "up", "down"
SIDES = (UP, DOWN)
COUNTED = 10_000
"""Edges that are counted; of more it is said that there are more."""
SAME = 64
"""Refs of one thing that are looked through."""
TOLD = 6
"""Edges between two things that are told one by one."""

_GROUP = """
    with recursive same(id, depth) as (select :id, 0 union select a.alias, s.depth + 1 from same s
      join aliases a on a.ref = s.id where s.depth < 8 and s.id = (select b.ref from aliases b
        join captures c on c.id = b.capture join refs t on t.id = b.ref where b.alias = a.alias
        order by c.origin, c.leaf, t.ref limit 1) limit :most)
    select s.id, r.ref from same s join refs r on r.id = s.id order by min(s.depth, 1), r.ref"""
_NEXT = """
    select a.ref from aliases a join captures c on c.id = a.capture join refs t on t.id = a.ref
    where a.alias = :id order by c.origin, c.leaf, t.ref limit 1"""
_ENDS = """
    select r.id, r.ref, exists (select 1 from aliases a where a.alias = r.id) as alias
    from json_each(:ids) g join refs r on r.id = g.value order by r.id"""
FIELDS = """e.id, e.kind, e.evidence, e.source, e.target, e.pinned, substr(e.pointer, 1, 500) as pointer,
      c.uid as capture, c.observed_at"""
_FAN = f"""
    select {FIELDS}
    from json_each(:kinds) k cross join json_each(:ids) g
    cross join edges e on e.id in (select x.id from edges x where x.%s = g.value and x.kind = k.value
      order by x.id limit :most)
    join captures c on c.id = e.capture order by k.key, g.key, e.id"""
_PASSAGES = f"""
    select {FIELDS}
    from refs r cross join edges e on e.source = r.id join captures c on c.id = e.capture
    where r.ref >= :low and r.ref < :high and e.kind in (select value from json_each(:kinds))
    order by r.ref, e.kind, e.id limit :most"""
_BETWEEN = f"""
    select {FIELDS}
    from json_each(:kinds) k cross join json_each(:sources) s cross join json_each(:targets) t
    cross join edges e on e.kind = k.value and e.source = s.value and e.target = t.value
    join captures c on c.id = e.capture order by e.kind, e.id limit :most"""
_COUNT = """
    select k.value as kind, (select sum((select count(*) from (select 1 from edges x where x.%s = g.value
      and x.kind = k.value limit :most))) from json_each(:ids) g) as count from json_each(:kinds) k order by k.key"""
_COUNT_PASSAGES = """
    select count(*) from (select 1 from refs r cross join edges e on e.source = r.id
    where r.ref >= :low and r.ref < :high and e.kind in (select value from json_each(:kinds)) limit :most)"""


@dataclass(slots=True, kw_only=True)
class Edges:
    """Looks edges up for one page, and remembers whose ref is whose."""

    reader: Reader
    _ends: dict[int, int] = field(default_factory=dict)
    _refs: dict[int, str] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)
    _groups: dict[int, list[int]] = field(default_factory=dict)

    def key(self, ref: str) -> int | None:
        """The row of a ref as it is written; None where the archive never met it."""
        if ref in self._ids:
            return self._ids[ref]
        found = self.reader.value("A ref", "select id from refs where ref = :ref", ref=ref)
        if found is not None:
            self._refs[int(found)], self._ids[ref] = ref, int(found)
        return None if found is None else int(found)

    def ref(self, key: int) -> str:
        """The ref of a row."""
        if key not in self._refs:
            self._refs[key] = str(self.reader.value("The ref of a row", "select ref from refs where id = :id", id=key))
        return self._refs[key]

    def end(self, key: int) -> int:
        """The thing that an end of an edge means: a place means its document, an alias what it leads to. The smallest
        ref of a circle of aliases means them all."""
        if key not in self._ends:
            self.look([key])
        return self._ends.get(key, key)

    def look(self, keys: Iterable[int]) -> None:
        """Finds out what several ends mean, for `end`."""
        new = sorted(set(keys) - set(self._ends))
        if not new:
            return
        for row in self.reader.rows("The things at the ends of edges", _ENDS, ids=json.dumps(new)):
            key, ref = int(row["id"]), row["ref"]
            self._refs[key] = ref
            if ref.startswith("doc:passage:"):
                self._ends[key] = self.key(f"doc:document:{ref[12:76]}") or key
            else:
                self._ends[key] = self._canonical(key) if row["alias"] else key

    def _canonical(self, key: int) -> int:
        seen = [key]
        while True:
            following = self.reader.value("Where an alias leads", _NEXT, id=seen[-1])
            if following is None:
                return seen[-1]
            if following in seen:
                return min(seen, key=self.ref)
            seen.append(int(following))

    def group(self, key: int) -> list[int]:
        """The rows of every ref that means the same thing, the thing's own first."""
        if key not in self._groups:
            rows = self.reader.rows("Every ref of a thing", _GROUP, id=key, most=SAME)
            self._refs.update({int(row["id"]): row["ref"] for row in rows})
            self._groups[key] = list(dict.fromkeys(int(row["id"]) for row in rows))
        return self._groups[key]

    def fan(self, side: str, ref: str, most: int) -> Fan:
        """What a thing is tied to on one side: at most `most` links, the rest counted by kind."""
        key = self.key(ref)
        if key is None:
            return Fan()
        own, other = ("source", "target") if side == UP else ("target", "source")
        group, passages = self.group(key), side == UP and ref.startswith("doc:document:")
        wide = most * 2 + 1
        if passages:
            rows = self.reader.rows("Edges that leave a document", _PASSAGES, **_places(ref), most=wide)
        else:
            name = "Edges that leave a thing" if side == UP else "Edges that lead to a thing"
            rows = self.reader.rows(name, _FAN % own, ids=json.dumps(group), kinds=json.dumps(KINDS), most=wide)
        full = {kind for kind in KINDS if sum(row["kind"] == kind for row in rows) >= wide} if not passages else set()
        self.look(row[other] for row in rows)
        taken, itself = dict[int, list[Row]](), list[Row]()
        for row in rows:
            end = self.end(row[other])
            if end == key:
                itself.append(row)
            elif end in taken or len(taken) < most:
                taken.setdefault(end, []).append(row)
        known = itself + [row for edges in taken.values() for row in edges]
        whole = len(known) == len(rows) and not full and not (passages and len(rows) >= wide)
        if full:
            self._complete(taken, full)
            known = itself + [row for edges in taken.values() for row in edges]
        links = tuple(self._link(end, edges) for end, edges in taken.items())
        return Fan(links=links, folded=() if whole else self._folded(key, own, known, passages))

    def _complete(self, taken: dict[int, list[Row]], full: set[EdgeKind]) -> None:
        """Adds what a full list of one kind left out between things that are shown."""
        for edges in taken.values():
            sources = json.dumps(sorted({edge["source"] for edge in edges}))
            targets = json.dumps(sorted({edge["target"] for edge in edges}))
            more = self.reader.rows(
                "Edges between two things",
                _BETWEEN,
                sources=sources,
                targets=targets,
                kinds=json.dumps(sorted(full)),
                most=TOLD * 4,
            )
            held = {edge["id"] for edge in edges}
            edges += [row for row in more if row["id"] not in held]

    def _link(self, end: int, edges: list[Row]) -> Link:
        order = {kind.value: place for place, kind in enumerate(KINDS)}
        edges.sort(key=lambda edge: (order[edge["kind"]], edge["id"]))
        rows = tuple(told(self, edge) for edge in edges[:TOLD])
        self._ids[self.ref(end)] = end
        return Link(ref=self.ref(end), edges=rows, more=len(edges) - len(rows))

    def counts(self, key: int, own: str, beside: int = 0) -> list[Row]:
        """How many edges of each kind have a thing as their `own` end; of those beside `beside` at most COUNTED and one
        are counted."""
        name = f"How many edges have a thing as their {own}, by kind"
        ids, kinds = json.dumps(self.group(key)), json.dumps(KINDS)
        rows = self.reader.rows(name, _COUNT % own, ids=ids, kinds=kinds, most=COUNTED + 1 + beside)
        return [{"kind": row["kind"], "count": int(row["count"] or 0)} for row in rows]

    def _folded(self, key: int, own: str, known: list[Row], passages: bool) -> tuple[Row, ...]:
        """How many edges are left out, by kind. `known` are told, or lead from a thing to itself."""
        most = COUNTED + 1 + len(known)
        if passages:
            name = "How many edges leave a document"
            count = int(self.reader.value(name, _COUNT_PASSAGES, **_places(self.ref(key)), most=most))
            counted = [{"kind": "", "count": count}]
        else:
            counted = self.counts(key, own, len(known))
        folded = []
        for row in counted:
            left = row["count"] - sum(not row["kind"] or edge["kind"] == row["kind"] for edge in known)
            if left > 0:
                folded.append({"kind": row["kind"], "count": min(left, COUNTED), "over": left > COUNTED})
        return tuple(folded)


def told(edges: Edges, edge: Row) -> Row:
    """An edge as plain values that name no rows."""
    row = {name: edge[name] for name in ("kind", "evidence", "pinned", "pointer", "capture", "observed_at")}
    return {**row, "source": edges.ref(edge["source"]), "target": edges.ref(edge["target"])}


def _places(document: str) -> Row:
    """The refs of all places in a document: a range of the index of refs."""
    low = f"{document.replace('doc:document:', 'doc:passage:', 1)}:"
    return {"low": low, "high": f"{low[:-1]};", "kinds": json.dumps(KINDS)}  # the semicolon comes after the colon
