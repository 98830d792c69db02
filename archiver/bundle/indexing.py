"""Makes the index of a bundle from the readings of what was chosen: rows of the archive as values of JSON."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from archiver.bundle import index as shape
from archiver.bundle.choice import Choice, batches, repositories, within
from archiver.bundle.manifests import Manifests
from archiver.bundle.posts import Names, Posts, proofs
from archiver.store.archive import Archive, Row

POSTS = 200
"""So many posts are read at once."""
_IN = "IN (SELECT value FROM json_each(?1))"


class Indexing:
    """The readings behind one choice, some at a time."""

    def __init__(self, archive: Archive, choice: Choice, manifests: Manifests | None = None) -> None:
        self._archive, self._choice, self._manifests = archive, choice, manifests

    def named(self) -> Iterator[str]:
        """The posts and documents that were asked for, in the order of refs."""
        posts = (key for key in self._choice.posts if within(self._choice.named, key))
        keys = sorted({*posts, *self._choice.whole})
        sql = f"SELECT ref FROM refs WHERE id {_IN} ORDER BY ref"
        yield from (row[0] for row in self._archive.db.execute(sql, (json.dumps([*keys]),)))

    def post_refs(self) -> list[str]:
        """The refs of all posts alone."""
        return [row[0] for row in self._rows(f"SELECT ref FROM refs WHERE id {_IN} ORDER BY ref", self._choice.posts)]

    def posts(self) -> Iterator[shape.PostEntry]:
        """Every post, in the order of refs."""
        names = Names(self._archive, self._choice)
        ordered = self._ordered(f"SELECT id FROM refs WHERE id {_IN} ORDER BY ref", self._choice.posts)
        for start in range(0, len(ordered), POSTS):
            some = ordered[start : start + POSTS]
            yield from Posts(self._archive, self._choice, names, some, self._manifests).entries()

    def proofs(self) -> Iterator[shape.ProofEntry]:
        """The proofs of what no capture showed (that a record is not in its author's repository, say), in the order of
        refs, each followed by those of the author's keys."""
        names, choice = Names(self._archive, self._choice), self._choice
        proved = self._ordered(
            f"SELECT DISTINCT p.ref FROM proofs p JOIN refs r ON r.id = p.ref WHERE p.ref {_IN} ORDER BY r.ref",
            choice.refs,
        )
        lost = [key for key in proved if not any(within(choice.posts, alias) for alias in names.of(key))]
        for batch in (lost[start : start + POSTS] for start in range(0, len(lost), POSTS)):
            accounts = repositories(self._archive, batch)
            found = proofs(self._archive, choice, [*batch, *accounts.values()])
            for key in batch:
                yield from found.get(key, ())
                yield from found.get(accounts.get(key, 0), ())

    def documents(self) -> Iterator[shape.DocumentEntry]:
        """Every document, in the order of refs."""
        for batch in batches(self._ordered(f"SELECT id FROM refs WHERE id {_IN} ORDER BY ref", self._choice.documents)):
            again = defaultdict(list)
            for row in self._archive.all(
                "SELECT x.document, c.uid FROM collection_documents x JOIN captures c ON c.id = x.capture "
                "WHERE x.document " + _IN + " ORDER BY c.leaf",
                batch,
            ):
                again[row[0]].append(row[1])
            for row in self._archive.all(
                "SELECT d.id, r.ref, d.title, d.media_type, d.sha256, c.url, c.observed_at, c.uid FROM documents d "
                "JOIN refs r ON r.id = d.id JOIN captures c ON c.id = d.capture WHERE d.id " + _IN + " ORDER BY r.ref",
                batch,
            ):
                yield {
                    "ref": row["ref"],
                    "named": within(self._choice.whole, row["id"]),
                    "title": row["title"],
                    "url": row["url"],
                    "media_type": row["media_type"],
                    "sha256": row["sha256"],
                    "observed_at": row["observed_at"],
                    "captures": list(dict.fromkeys([row["uid"], *again[row["id"]]])),
                }

    def verdicts(self) -> Iterator[shape.VerdictEntry]:
        """Every mention, with each verdict on it, in the order of documents, places and rank."""
        mentions = self._ordered(
            "SELECT m.id FROM mentions m JOIN refs d ON d.id = m.document WHERE m.id "
            + _IN
            + " ORDER BY d.ref, m.ordinal",
            self._choice.mentions,
        )
        for batch in batches(mentions):
            for row in self._archive.all(_VERDICTS, batch):
                entry: Any = {
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
                yield entry

    def _ordered(self, sql: str, keys: Sequence[int]) -> array[int]:
        return array("q", (row[0] for row in self._archive.db.execute(sql, (json.dumps([*keys]),))))

    def _rows(self, sql: str, keys: Sequence[int]) -> list[Row]:
        return self._archive.all(sql, json.dumps([*keys])) if keys else []


_VERDICTS = (
    "SELECT r.ref AS passage, d.ref AS document, m.kind, m.quoted, m.handle, m.name, m.day, s.status, "
    "s.reason AS unresolved, p.ref AS post, v.sha256 AS version, v.text, x.verdict, x.standard, "
    "x.faithful, x.flags, x.steps, x.changes, x.reason, x.policy, x.quoted_start, x.quoted_end, "
    "x.original_start, x.original_end FROM mentions m "
    "JOIN refs r ON r.id = m.ref JOIN refs d ON d.id = m.document LEFT JOIN resolutions s ON s.mention = m.id "
    "LEFT JOIN matches x ON x.mention = m.id LEFT JOIN versions v ON v.id = x.version "
    f"LEFT JOIN refs p ON p.id = coalesce(x.post, s.ref, s.candidate, m.target) WHERE m.id {_IN} "
    "ORDER BY d.ref, m.ordinal, x.rank, x.id"
)


def _texts(row: Row, *names: str) -> Any:
    return {name: row[name] or "" for name in names}


def _span(row: Row, what: str) -> shape.Range | None:
    start, end = row[f"{what}_start"], row[f"{what}_end"]
    return None if start is None or end is None else {"start": start, "end": end}
