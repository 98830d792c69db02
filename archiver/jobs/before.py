"""What was said of mentions before they are judged under newer rules, kept until somebody was told what differs.

Verdicts are readings: a later settling or a rebuild replaces them, and the log keeps only their hash. So before a
verdict of other rules is replaced, it is kept among what work remembers (`work_state`, names that begin with
`before`), in the transaction that replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from archiver.jobs import ruling
from archiver.model import Span
from archiver.store.archive import Archive, Row

KEPT = "before doc:passage:"
_END = "before doc:passage;"  # the first name after those that begin with KEPT
EVERYTHING = "before everything"
"""Under this name stands the last leaf that was read when every verdict was kept: mentions of documents up to there
that were not kept are new."""
LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of one mention: how it stands for which post, and the leading verdict on its words (empty where
    none was given) with the post they were compared with. `changes` are (op, quoted, original)."""

    words: str
    status: str
    ref: str
    verdict: str
    faithful: bool
    post: str
    flags: str
    changes: tuple[tuple[str, str, str], ...]
    reason: str
    policy: str

    def differs(self, other: Said) -> bool:
        """Whether the other says something else of the same words, whatever its rules and reasons."""
        return self._meaning() != other._meaning()

    def _meaning(self) -> tuple[object, ...]:
        return self.status, self.ref, self.verdict, self.faithful, self.post, self.flags, self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What is said of the mention at `passage` (a ref); `name` tells mentions of the same place apart."""

    name: str
    passage: str
    said: Said

    @property
    def span(self) -> Span:
        """Where it stands in its document."""
        return Span.parse(self.passage.rpartition(":")[2])


# One row a mention that was settled: a name and JSON. Mentions of the same place are told apart by their order.
_SAID = f"""
SELECT '{KEPT}' || substr(r.ref, 13) || ' ' || (
    SELECT count(*) FROM mentions o WHERE o.ref = m.ref AND o.document = m.document AND o.ordinal < m.ordinal
) AS name, json_object(
    'words', substr(CASE WHEN m.quoted <> '' THEN m.quoted ELSE m.url END, 1, {LONGEST}),
    'status', s.status, 'ref', coalesce(t.ref, ''),
    'verdict', coalesce(x.verdict, ''), 'faithful', coalesce(x.faithful, 0), 'post', coalesce(p.ref, ''),
    'flags', coalesce(x.flags, ''), 'changes', json(coalesce(x.changes, '[]')),
    'reason', coalesce(x.reason, s.reason), 'policy', coalesce(x.policy, '')
) AS said
FROM mentions m JOIN refs r ON r.id = m.ref JOIN resolutions s ON s.mention = m.id
LEFT JOIN refs t ON t.id = s.ref LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0
LEFT JOIN refs p ON p.id = x.post
"""
_NEEDED = {
    "mentions": {"id", "ref", "document", "ordinal", "quoted", "url"},
    "resolutions": {"mention", "status", "ref", "reason"},
    "matches": {"mention", "rank", "verdict", "faithful", "post", "flags", "changes", "reason", "policy"},
}


def keep_all(archive: Archive, read_upto: str) -> bool:
    """Keeps what is said of every mention; what was kept before stays. Whether these tables could be read: those of
    another version may have other columns."""
    for table, columns in _NEEDED.items():
        held = {row[0] for row in archive.all("SELECT name FROM pragma_table_info(?)", table)}
        if not columns <= held:
            return not held
    archive.db.execute(f"INSERT OR IGNORE INTO work_state (name, value) {_SAID}")
    archive.db.execute(
        "INSERT INTO work_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        (EVERYTHING, read_upto or "-1"),
    )
    return True


def keep(archive: Archive, document: int, *, always: bool = False) -> None:
    """Keeps what is said of the mentions of a document, where other rules said it; with `always`, whatever rules."""
    if not always:
        other = "SELECT 1 FROM mentions m JOIN matches x ON x.mention = m.id WHERE m.document = ? AND x.policy <> ?"
        if archive.one(f"{other} LIMIT 1", document, ruling.POLICY) is None:
            return
    archive.db.execute(
        f"INSERT OR IGNORE INTO work_state (name, value) {_SAID} WHERE m.document = ?",
        (document,),
    )


def kept(archive: Archive) -> int:
    """How many mentions are kept."""
    row = archive.one("SELECT count(*) FROM work_state WHERE name >= ? AND name < ?", KEPT, _END)
    return 0 if row is None else int(row[0])


def policies(archive: Archive) -> dict[str, int]:
    """How many verdicts are kept, by the rules that gave them."""
    rows = archive.all(
        "SELECT json_extract(value, '$.policy') AS policy, count(*) FROM work_state WHERE name >= ? AND name < ? "
        "AND json_extract(value, '$.verdict') <> '' GROUP BY policy ORDER BY policy",
        KEPT,
        _END,
    )
    return {str(row[0]): int(row[1]) for row in rows}


def stored_before(archive: Archive, sha256: str) -> list[Placed]:
    """What is kept of one document."""
    first = f"{KEPT}{sha256}:"
    return _placed(
        archive.all(
            "SELECT name, value FROM work_state WHERE name >= ? AND name < ? ORDER BY name", first, f"{first[:-1]};"
        )
    )


def said_now(archive: Archive, document: int) -> list[Placed]:
    """What is said now of the mentions of a document (its local id), in order."""
    return _placed(archive.all(f"{_SAID} WHERE m.document = ? ORDER BY m.ordinal", document))


def documents(archive: Archive) -> Iterator[str]:
    """The SHA-256 of every document of which anything is kept, in order."""
    rows = archive.db.execute("SELECT name FROM work_state WHERE name >= ? AND name < ? ORDER BY name", (KEPT, _END))
    for sha256, _ in groupby(rows, key=lambda row: str(row[0])[len(KEPT) :].partition(":")[0]):
        yield sha256


def forget(archive: Archive, names: list[str] | None = None) -> None:
    """Drops what was kept under these names, or all of it, when it was told or there is nothing to tell."""
    if names is None:
        archive.db.execute("DELETE FROM work_state WHERE name >= ? AND name < ?", (KEPT, _END))
        archive.db.execute("DELETE FROM work_state WHERE name = ?", (EVERYTHING,))
    else:
        archive.db.executemany("DELETE FROM work_state WHERE name = ?", ((name,) for name in names))


def drop_state(archive: Archive) -> None:
    """Drops what work remembers of readings that are about to be made again, but not what is kept, nor what was told
    and counted of evidence (names that begin with `told `)."""
    archive.db.execute(
        "DELETE FROM work_state WHERE NOT (name >= ? AND name < ?) AND name <> ? AND name NOT LIKE 'told %'",
        (KEPT, _END, EVERYTHING),
    )


def _placed(rows: list[Row]) -> list[Placed]:
    out = []
    for row in rows:
        fields = json.loads(row[1])
        changes = tuple((str(c["op"]), str(c["quoted"]), str(c["original"])) for c in fields.pop("changes"))
        said = Said(**{**fields, "faithful": bool(fields["faithful"])}, changes=changes)
        out.append(Placed(name=row[0], passage=row[0].removeprefix("before ").rpartition(" ")[0], said=said))
    return out
