"""Makes the index of a bundle from the readings of what was chosen: rows of the archive as values of JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from archiver import graph
from archiver.bundle import index as shape
from archiver.bundle.choice import Choice, repositories
from archiver.bundle.manifests import Manifests
from archiver.model import EdgeKind, Evidence, Ref
from archiver.store.archive import Archive, Row

_IN = "IN (SELECT value FROM json_each(?1))"


class Indexing:
    """The readings behind one choice. What is asked for by a key is read once, and grouped."""

    def __init__(self, archive: Archive, choice: Choice, manifests: Manifests | None = None) -> None:
        self._archive, self._choice, self._manifests = archive, choice, manifests
        self._ref = {
            row["id"]: row["ref"] for row in self._rows("SELECT id, ref FROM refs WHERE id " + _IN, choice.refs)
        }
        self._local = {ref: local for local, ref in self._ref.items()}
        self._group = self._groups()
        self._accounts = repositories(archive, choice.refs)

    def named(self) -> list[str]:
        """The posts and documents that were asked for."""
        posts = [self._ref[key] for key in {*self._choice.named} & {*self._choice.posts}]
        documents = [row[0] for row in self._rows("SELECT ref FROM refs WHERE id " + _IN, self._choice.whole)]
        return sorted({*posts, *documents})

    def post_refs(self) -> list[str]:
        """The refs of all posts alone."""
        return sorted(self._ref[key] for key in self._choice.posts)

    def posts(self) -> list[shape.PostEntry]:
        """Every post, in the order of refs."""
        choice = self._choice
        rows = self._rows(
            "SELECT p.*, r.ref, a.ref AS author_ref FROM posts p JOIN refs r ON r.id = p.id "
            "LEFT JOIN refs a ON a.id = p.author WHERE p.id " + _IN + " ORDER BY r.ref",
            choice.posts,
        )
        versions, edits, media = self._versions(), self._edits(), self._media()
        outcomes, edges, proofs = self._outcomes(), self._edges(), self._proofs()
        named, captures = set(choice.named), self._captures_of()
        found: list[shape.PostEntry] = []
        for row in rows:
            key = row["id"]
            same = self._group[key]
            told = [item for alias in same for item in outcomes.get(alias, [])]
            entry: Any = {
                "ref": row["ref"],
                "named": bool(named & set(same)),
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
                "chain": self._chain(key, edges) if named & set(same) else [],
                "proofs": [proof for alias in self._signers(same, row["author"]) for proof in proofs.get(alias, [])],
                "captures": sorted({uid for alias in same for uid in captures.get(alias, [])}),
            }
            found.append(entry)
        return found

    def documents(self) -> list[shape.DocumentEntry]:
        """Every document, in the order of refs."""
        named = set(self._choice.whole)
        rows = self._rows(
            "SELECT d.id, r.ref, d.title, d.media_type, d.sha256, c.url, c.observed_at, c.uid FROM documents d "
            "JOIN refs r ON r.id = d.id JOIN captures c ON c.id = d.capture WHERE d.id " + _IN + " ORDER BY r.ref",
            self._choice.documents,
        )
        again = defaultdict(list)
        for row in self._rows(
            "SELECT x.document, c.uid FROM collection_documents x JOIN captures c ON c.id = x.capture "
            "WHERE x.document " + _IN + " ORDER BY c.leaf",
            self._choice.documents,
        ):
            again[row[0]].append(row[1])
        return [
            {
                "ref": row["ref"],
                "named": row["id"] in named,
                "title": row["title"],
                "url": row["url"],
                "media_type": row["media_type"],
                "sha256": row["sha256"],
                "observed_at": row["observed_at"],
                "captures": list(dict.fromkeys([row["uid"], *again[row["id"]]])),
            }
            for row in rows
        ]

    def verdicts(self) -> list[shape.VerdictEntry]:
        """Every mention, with each verdict on it, in the order of documents, places and rank."""
        rows = self._rows(
            "SELECT r.ref AS passage, d.ref AS document, m.kind, m.quoted, m.handle, m.name, m.day, s.status, "
            "s.reason AS unresolved, p.ref AS post, v.sha256 AS version, v.text, x.verdict, x.standard, "
            "x.faithful, x.flags, x.steps, x.changes, x.reason, x.policy, x.quoted_start, x.quoted_end, "
            "x.original_start, x.original_end FROM mentions m "
            "JOIN refs r ON r.id = m.ref JOIN refs d ON d.id = m.document LEFT JOIN resolutions s ON s.mention = m.id "
            "LEFT JOIN matches x ON x.mention = m.id LEFT JOIN versions v ON v.id = x.version "
            "LEFT JOIN refs p ON p.id = coalesce(x.post, s.ref, s.candidate, m.target) WHERE m.id "
            + _IN
            + " ORDER BY d.ref, m.ordinal, x.rank, x.id",
            self._choice.mentions,
        )
        found: list[Any] = [
            {
                **_texts(row, "passage", "document", "kind"),
                "words": row["quoted"],
                **_texts(row, "handle", "name", "day", "status", "post", "version", "text", "verdict", "standard"),
                "faithful": bool(row["faithful"]),
                "flags": (row["flags"] or "").split(),
                "steps": (row["steps"] or "").split(),
                "changes": json.loads(row["changes"] or "[]"),
                "quoted_span": _span(row, "quoted"),
                "original_span": _span(row, "original"),
                "reason": row["reason"] or row["unresolved"] or "",
                **_texts(row, "policy"),
            }
            for row in rows
        ]
        return found

    # ---- parts of posts, by local key --------------------------------------------------------------------

    def _versions(self) -> dict[int, list[shape.VersionEntry]]:
        seen = defaultdict(list)
        for row in self._rows(
            "SELECT s.version, c.uid, c.observed_at, s.route, s.pointer, s.whole, s.edited FROM sightings s "
            "JOIN versions v ON v.id = s.version JOIN captures c ON c.id = s.capture WHERE v.post "
            + _IN
            + " ORDER BY c.leaf, s.pointer",
            self._choice.refs,
        ):
            seen[row["version"]].append(row)
        found: dict[int, list[shape.VersionEntry]] = defaultdict(list)
        for row in self._rows("SELECT * FROM versions WHERE post " + _IN + " ORDER BY id", self._choice.refs):
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
            self._choice.refs,
        )
        return _grouped(rows, "shown_by", "route", "before", "after", "capture_before", "capture_after")

    def _outcomes(self) -> dict[int, list[shape.OutcomeEntry]]:
        rows = self._rows(
            "SELECT o.ref AS id, o.outcome, o.reason, c.uid AS capture, o.pointer FROM outcomes o "
            "JOIN captures c ON c.id = o.capture WHERE o.ref " + _IN + " ORDER BY c.leaf, o.pointer, o.outcome",
            self._choice.refs,
        )
        return _grouped(rows, "outcome", "reason", "capture", "pointer")

    def _edges(self) -> dict[int, list[shape.EdgeEntry]]:
        rows = self._rows(
            "SELECT e.source AS id, e.kind, e.evidence, s.ref AS source, t.ref AS target, c.uid AS capture, e.pointer "
            "FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
            "JOIN captures c ON c.id = e.capture WHERE e.source "
            + _IN
            + " ORDER BY e.kind, t.ref, e.evidence, c.leaf, e.pointer",
            self._choice.refs,
        )
        return _grouped(rows, "kind", "evidence", "source", "target", "capture", "pointer")

    def _proofs(self) -> dict[int, list[shape.ProofEntry]]:
        keys = self._rows("SELECT author FROM posts WHERE author IS NOT NULL AND id " + _IN, self._choice.refs)
        found: dict[int, list[shape.ProofEntry]] = defaultdict(list)
        for row in self._rows(
            "SELECT p.ref AS id, p.kind, p.valid, p.detail, p.pointer, r.ref, c.uid FROM proofs p "
            "JOIN refs r ON r.id = p.ref JOIN captures c ON c.id = p.capture WHERE p.ref "
            + _IN
            + " ORDER BY c.leaf, p.kind, p.pointer",
            [*self._choice.refs, *(row[0] for row in keys), *self._accounts.values()],
        ):
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
            self._choice.refs,
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
            self._choice.refs,
        ):
            found[row["id"]].append(row["uid"])
        return found

    def _chain(self, key: int, edges: dict[int, list[shape.EdgeEntry]]) -> list[shape.StepEntry]:
        by_ref = self._local

        def canonical(ref: str) -> Ref:
            local = by_ref.get(ref)
            return Ref.parse(ref if local is None else self._ref[self._group[local][0]])

        def upstream(here: Ref) -> list[tuple[EdgeKind, Evidence, Ref]]:
            steps = [
                (EdgeKind(edge["kind"]), Evidence(edge["evidence"]), canonical(edge["target"]))
                for alias in self._group.get(by_ref.get(str(here), 0), [])
                for edge in edges.get(alias, [])
                if EdgeKind(edge["kind"]) in graph.UPSTREAM
            ]
            return [step for step in dict.fromkeys(steps) if step[2] != here]

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

    def _groups(self) -> dict[int, list[int]]:
        """Each ref with all that are the same thing: the one that has a post's row first."""
        leader = {key: key for key in self._ref}

        def find(key: int) -> int:
            while leader[key] != key:
                key = leader[key]
            return key

        for row in self._rows("SELECT alias, ref FROM aliases WHERE alias " + _IN, list(self._ref)):
            if row["ref"] in leader:
                leader[find(row["alias"])] = find(row["ref"])
        sets: dict[int, list[int]] = defaultdict(list)
        for key in self._ref:
            sets[find(key)].append(key)
        posts = set(self._choice.posts)
        groups = {}
        for members in sets.values():
            members.sort(key=lambda key: (key not in posts, self._ref[key]))
            groups.update({key: [key, *(other for other in members if other != key)] for key in members})
        return groups

    def _rows(self, sql: str, keys: Sequence[int]) -> list[Row]:
        return self._archive.all(sql, json.dumps(list(keys))) if keys else []


def _texts(row: Row, *names: str) -> Any:
    return {name: row[name] or "" for name in names}


def _grouped(rows: list[Row], *names: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["id"]].append(_texts(row, *names))
    return found


def _span(row: Row, what: str) -> shape.Range | None:
    start, end = row[f"{what}_start"], row[f"{what}_end"]
    return None if start is None or end is None else {"start": start, "end": end}
