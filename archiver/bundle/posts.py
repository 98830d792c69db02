"""The readings of some posts at a time: what a bundle says of each, as values of JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from archiver import graph
from archiver.bundle import index as shape
from archiver.bundle.choice import Choice, repositories, within
from archiver.bundle.manifests import Manifests
from archiver.model import EdgeKind, Evidence, Ref
from archiver.store.archive import Archive, Row

_IN = "IN (SELECT value FROM json_each(?1))"


class Names:
    """Which refs of a choice are the same thing. Only those that have another name are in memory."""

    def __init__(self, archive: Archive, choice: Choice) -> None:
        leader: dict[int, int] = {}

        def find(key: int) -> int:
            while leader.setdefault(key, key) != key:
                key = leader[key]
            return key

        for row in archive.db.execute(
            "SELECT alias, ref FROM aliases WHERE alias " + _IN, (json.dumps([*choice.refs]),)
        ):
            if within(choice.refs, row["ref"]):
                leader[find(row["alias"])] = find(row["ref"])
        sets: dict[int, list[int]] = defaultdict(list)
        for key in list(leader):
            sets[find(key)].append(key)
        self._same: dict[int, tuple[int, ...]] = {}
        for members in sets.values():
            self._same.update(dict.fromkeys(members, tuple(members)))

    def of(self, key: int) -> Sequence[int]:
        """A ref with all that are the same thing."""
        return self._same.get(key, (key,))


class Posts:
    """Some posts of a choice, by their local keys, and what stands behind them."""

    def __init__(
        self, archive: Archive, choice: Choice, names: Names, keys: Sequence[int], manifests: Manifests | None
    ) -> None:
        self._archive, self._choice, self._names, self._manifests = archive, choice, names, manifests
        self._posts = keys
        self._refs = sorted({alias for key in keys for alias in names.of(key)})
        self._ref: dict[int, str] = {}
        self._local: dict[str, int] = {}
        self._know("id", self._refs)
        self._accounts = repositories(archive, self._refs)

    def entries(self) -> Iterator[shape.PostEntry]:
        """Every post of them, in the order of refs."""
        rows = self._rows(
            "SELECT p.*, r.ref, a.ref AS author_ref FROM posts p JOIN refs r ON r.id = p.id "
            "LEFT JOIN refs a ON a.id = p.author WHERE p.id " + _IN + " ORDER BY r.ref",
            self._posts,
        )
        versions, edits, media = self._versions(), self._edits(), self._media()
        outcomes, proofs, captures = self._outcomes(), self._proofs(), self._captures_of()
        edges = self._edges(self._refs)
        self._climb(edges)
        for row in rows:
            key = row["id"]
            same = self._same(key)
            named = any(within(self._choice.named, alias) for alias in same)
            told = [item for alias in same for item in outcomes.get(alias, [])]
            entry: Any = {
                "ref": row["ref"],
                "named": named,
                "aliases": sorted(self._ref[alias] for alias in same if alias != key),
                "platform": row["platform"],
                "author": row["author_ref"] or "",
                **_texts(row, "handle", "name", "url", "posted_at", "text", "lang", "warning"),
                **_texts(row, "outcome", "outcome_at"),
                "truncated": bool(row["truncated"]),
                "versions": versions.get(key, []),
                "media": media.get(key, []),
                "edits": edits.get(key, []),
                "outcomes": told,
                "edges": [edge for alias in same for edge in edges.get(alias, [])],
                "chain": self._chain(key, edges) if named else [],
                "proofs": [proof for alias in self._signers(same, row["author"]) for proof in proofs.get(alias, [])],
                "captures": sorted({uid for alias in same for uid in captures.get(alias, [])}),
            }
            yield entry

    def _same(self, key: int) -> list[int]:
        """A ref with all that are the same thing: itself, those that have a post's row, and the others."""
        others = (alias for alias in self._names.of(key) if alias != key)
        return [key, *sorted(others, key=lambda one: (not within(self._choice.posts, one), self._ref[one]))]

    def _versions(self) -> dict[int, list[shape.VersionEntry]]:
        seen = defaultdict(list)
        for row in self._rows(
            "SELECT s.version, c.uid, c.observed_at, s.route, s.pointer, s.whole, s.edited FROM sightings s "
            "JOIN versions v ON v.id = s.version JOIN captures c ON c.id = s.capture WHERE v.post "
            + _IN
            + " ORDER BY c.leaf, s.pointer",
            self._posts,
        ):
            seen[row["version"]].append(row)
        found: dict[int, list[shape.VersionEntry]] = defaultdict(list)
        for row in self._rows("SELECT * FROM versions WHERE post " + _IN + " ORDER BY id", self._posts):
            shown = seen[row["id"]]
            times = [one["observed_at"] for one in shown]
            entry: Any = {
                **_texts(row, "sha256", "version_id", "text", "posted_at", "edited_at"),
                "truncated": bool(row["truncated"]),
                "first_seen": min(times, default=""),
                "last_seen": max(times, default=""),
                "captures": list(dict.fromkeys(one["uid"] for one in shown)),
                "sightings": [
                    {
                        "capture": one["uid"],
                        **_texts(one, "route", "pointer"),
                        "whole": one["whole"],
                        "edited": one["edited"],
                    }
                    for one in shown
                ],
            }
            found[row["post"]].append(entry)
        for versions in found.values():
            versions.sort(key=lambda entry: (entry["first_seen"], entry["sha256"]))
        return found

    def _edits(self) -> dict[int, list[shape.EditEntry]]:
        rows = self._rows(
            "SELECT e.post AS id, e.shown_by, e.route, b.sha256 AS before, a.sha256 AS after, cb.uid AS "
            "capture_before, ca.uid AS capture_after FROM edits e JOIN versions a ON a.id = e.after "
            "LEFT JOIN versions b ON b.id = e.before JOIN captures ca ON ca.id = e.capture_after "
            "LEFT JOIN captures cb ON cb.id = e.capture_before WHERE e.post " + _IN + " ORDER BY ca.leaf, e.shown_by",
            self._posts,
        )
        return _grouped(rows, "shown_by", "route", "before", "after", "capture_before", "capture_after")

    def _outcomes(self) -> dict[int, list[shape.OutcomeEntry]]:
        rows = self._rows(
            "SELECT o.ref AS id, o.outcome, o.reason, c.uid AS capture, o.pointer FROM outcomes o "
            "JOIN captures c ON c.id = o.capture WHERE o.ref " + _IN + " ORDER BY c.leaf, o.pointer, o.outcome",
            self._refs,
        )
        return _grouped(rows, "outcome", "reason", "capture", "pointer")

    def _edges(self, sources: Collection[int]) -> dict[int, list[shape.EdgeEntry]]:
        rows = self._rows(
            "SELECT e.source AS id, e.kind, e.evidence, s.ref AS source, t.ref AS target, c.uid AS capture, e.pointer "
            "FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
            "JOIN captures c ON c.id = e.capture WHERE e.source "
            + _IN
            + " ORDER BY e.kind, t.ref, e.evidence, c.leaf, e.pointer",
            sources,
        )
        return _grouped(rows, "kind", "evidence", "source", "target", "capture", "pointer")

    def _climb(self, edges: dict[int, list[shape.EdgeEntry]]) -> None:
        """Adds the edges upstream of the named posts, and the names of what they lead to, as far up as chains go."""
        front = {a for key in self._posts for a in self._names.of(key) if within(self._choice.named, a)}
        front, seen = {alias for key in front for alias in self._names.of(key)}, set[int]()
        for _ in range(graph.DEEPEST):
            seen |= front
            fresh = [key for key in front if key not in edges]
            edges.update({key: [] for key in fresh} | self._edges(fresh))
            steps = (edge for key in front for edge in edges[key] if EdgeKind(edge["kind"]) in graph.UPSTREAM)
            targets = {edge["target"] for edge in steps}
            self._know("ref", targets - self._local.keys())
            reached = {self._local[target] for target in targets if target in self._local}
            front = {a for key in reached if within(self._choice.refs, key) for a in self._names.of(key)} - seen
            self._know("id", front - self._ref.keys())
            if not front:
                return

    def _know(self, column: str, values: Collection[object]) -> None:
        found = self._archive.all(f"SELECT id, ref FROM refs WHERE {column} {_IN}", json.dumps([*values]))
        self._ref.update((row["id"], row["ref"]) for row in found)
        self._local.update((row["ref"], row["id"]) for row in found)

    def _proofs(self) -> dict[int, list[shape.ProofEntry]]:
        keys = self._rows("SELECT author FROM posts WHERE author IS NOT NULL AND id " + _IN, self._refs)
        about = [*self._refs, *(row[0] for row in keys), *self._accounts.values()]
        return proofs(self._archive, self._choice, about)

    def _signers(self, same: list[int], author: int | None) -> list[int]:
        """A post under all its names, and the accounts whose keys may have signed it, each once."""
        accounts = [self._accounts[key] for key in same if key in self._accounts]
        return list(dict.fromkeys([*same, *([] if author is None else [author]), *accounts]))

    def _media(self) -> dict[int, list[shape.MediaEntry]]:
        found: dict[int, dict[tuple[str, str], shape.MediaEntry]] = defaultdict(dict)
        for row in self._rows(
            "SELECT m.post, m.key, m.kind, m.url, m.alt, b.sha256, b.size, f.sniffed_type, f.declared_type, c.uid "
            "FROM media m LEFT JOIN files f ON f.ref = m.file AND f.blob IS NOT NULL "
            "LEFT JOIN blobs b ON b.id = f.blob LEFT JOIN captures c ON c.id = f.capture WHERE m.post "
            + _IN
            + " ORDER BY m.post, m.key, m.rank DESC, m.url, c.leaf",
            self._posts,
        ):
            held = found[row["post"]]
            if row["sha256"] is None and any(key == row["key"] for key, _ in held):
                continue  # another size of what is there
            entry: Any = {
                **_texts(row, "key", "kind", "url", "alt", "sha256"),
                "size": row["size"] or 0,
                "type": row["sniffed_type"] or row["declared_type"] or "",
                "capture": row["uid"] or "",
                "c2pa": self._manifests.of(row["sha256"], row["size"]) if self._manifests and row["sha256"] else None,
            }
            held.setdefault((row["key"], entry["sha256"]), entry)
        return {post: list(entries.values()) for post, entries in found.items()}

    def _captures_of(self) -> dict[int, list[str]]:
        """By ref: the captures that showed it or said what became of it."""
        found = defaultdict(list)
        for row in self._rows(
            "SELECT v.post AS id, c.uid FROM sightings s JOIN versions v ON v.id = s.version "
            "JOIN captures c ON c.id = s.capture WHERE v.post " + _IN + " UNION SELECT o.ref, c.uid FROM outcomes o "
            "JOIN captures c ON c.id = o.capture WHERE o.ref " + _IN,
            self._refs,
        ):
            found[row["id"]].append(row["uid"])
        return found

    def _chain(self, key: int, edges: dict[int, list[shape.EdgeEntry]]) -> list[shape.StepEntry]:
        def upstream(here: Ref) -> list[tuple[EdgeKind, Evidence, Ref]]:
            steps = [
                (EdgeKind(edge["kind"]), Evidence(edge["evidence"]), Ref.parse(edge["target"]))
                for alias in self._around(str(here))
                for edge in edges.get(alias, [])
                if EdgeKind(edge["kind"]) in graph.UPSTREAM
            ]
            return [step for step in dict.fromkeys(steps) if step[2] != here]

        if not any(edges.get(alias) for alias in self._names.of(key)):
            return []
        return [
            {
                "depth": step.depth,
                "kind": step.kind.value,
                "evidence": step.evidence.value,
                "source": str(step.source),
                "target": str(step.target),
                "again": step.again,
            }
            for step in graph.chain(Ref.parse(self._ref[key]), upstream)
        ]

    def _around(self, ref: str) -> list[int]:
        """A ref of the choice with all that are the same thing."""
        key = self._local.get(ref)
        return [] if key is None or not within(self._choice.refs, key) else self._same(key)

    def _rows(self, sql: str, keys: Collection[int]) -> list[Row]:
        return self._archive.all(sql, json.dumps(list(keys))) if keys else []


def proofs(archive: Archive, choice: Choice, about: Sequence[int]) -> dict[int, list[shape.ProofEntry]]:
    """The proofs in captures that leave, by the local key of what they are about, in the order of the log."""
    found: dict[int, list[shape.ProofEntry]] = defaultdict(list)
    for row in archive.all(
        "SELECT p.ref AS id, p.capture, p.kind, p.valid, p.detail, p.pointer, r.ref, c.uid FROM proofs p "
        "JOIN refs r ON r.id = p.ref JOIN captures c ON c.id = p.capture WHERE p.ref "
        + _IN
        + " ORDER BY c.leaf, p.kind, p.pointer",
        json.dumps([*about]),
    ):
        if not within(choice.captures, row["capture"]):
            continue  # erased, or what else the author signed
        found[row["id"]].append(
            {
                "kind": row["kind"],
                "valid": row["valid"],
                "detail": row["detail"],
                "ref": row["ref"],
                "capture": row["uid"],
                "pointer": row["pointer"],
            }
        )
    return found


def _texts(row: Row, *names: str) -> Any:
    return {name: row[name] or "" for name in names}


def _grouped(rows: list[Row], *names: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["id"]].append(_texts(row, *names))
    return found
