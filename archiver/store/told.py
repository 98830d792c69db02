"""What hooks are told: an outbox that outlives runs, and remembers what was told by id.

An id is `SUBJECT-EVENT.N`: digests of the ref that an event is about and of the event, and a number that grows by one
each time something else is said of it (that it was not so after all, and again that it was). One row for each hook
that is told; `-` in place of a hook is an event that stood before anybody was to be told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.custody import canonical
from archiver.store.archive import Archive

NOBODY = "-"
RETRACTED = "retracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said last of one event: its number, and the kind with what it came to (`gone:deleted`)."""

    number: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event that a hook is still to be told. `tries` have failed."""

    id: str
    channel: str
    body: str
    made_at: str
    tries: int


def subject(ref: str) -> str:
    """The first part of the ids of all events about a ref: 16 hexadecimal digits."""
    return hashlib.sha256(ref.encode()).hexdigest()[:16]


def name_of(about: str, *facts: str) -> str:
    """`SUBJECT-EVENT`: the same for the same facts, whenever and in whichever row they are found."""
    return f"{subject(about)}-{canonical.digest(list(facts))[:16]}"


class Outbox:
    """The outbox of one archive. Every method joins the caller's transaction, or is one."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    def said(self, about: str) -> dict[str, Said]:
        """What was said last of each event about a ref, by `SUBJECT-EVENT`."""
        found: dict[str, Said] = {}
        start = subject(about) + "-"
        rows = self.archive.all("SELECT id, kind FROM work_told WHERE id >= ? AND id < ?", start, start + "g")
        for row in rows:
            name, _, rest = str(row["id"]).partition(".")
            number = int(rest.partition("/")[0])
            if name not in found or number > found[name].number:
                found[name] = Said(number=number, kind=row["kind"])
        return found

    def put(self, id: str, channel: str, *, kind: str, body: str, now: str, due: bool = True) -> bool:
        """Queues an event for a hook, due now; not `due`: as told already. Whether it is new."""
        cursor = self.archive.db.execute(
            "INSERT INTO work_told (id, kind, body, made_at, due_at, told_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO NOTHING",
            (f"{id}/{channel}", kind, body, now, now if due else None, "" if due else now),
        )
        return cursor.rowcount == 1

    def due(self, channel: str, now: str, limit: int) -> list[Entry]:
        """What a hook is to be told now, what waits longest first."""
        rows = self.archive.all(
            "SELECT id, body, made_at, tries FROM work_told WHERE due_at <= ? AND substr(id, -?) = ? "
            "ORDER BY due_at, id LIMIT ?",
            now,
            len(channel) + 1,
            f"/{channel}",
            limit,
        )
        return [
            Entry(
                id=str(row["id"]).rpartition("/")[0],
                channel=channel,
                body=row["body"],
                made_at=row["made_at"],
                tries=row["tries"],
            )
            for row in rows
        ]

    def took(self, entry: Entry, now: str) -> None:
        """A hook took an event: it is not told again, and of what was said only the id and the kind stay."""
        self.archive.db.execute(
            "UPDATE work_told SET told_at = ?, due_at = NULL, body = '', tries = tries + 1 WHERE id = ?",
            (now, f"{entry.id}/{entry.channel}"),
        )

    def later(self, entry: Entry, due_at: str) -> None:
        """A hook did not take an event: it is told again at `due_at`."""
        self.archive.db.execute(
            "UPDATE work_told SET due_at = ?, tries = tries + 1 WHERE id = ?",
            (due_at, f"{entry.id}/{entry.channel}"),
        )

    def forget(self, about: str) -> None:
        """Drops what is still to be told about a ref, which was erased."""
        start = subject(about) + "-"
        self.archive.db.execute(
            "UPDATE work_told SET body = '', due_at = NULL WHERE id >= ? AND id < ? AND due_at IS NOT NULL",
            (start, start + "g"),
        )

    def waiting(self) -> list[tuple[str, int, str, int]]:
        """Of each hook that is still to be told something: its name, how many events, since when the first waits, and
        how often the one that failed most was tried."""
        rows = self.archive.all(
            "SELECT substr(id, instr(id, '/') + 1) AS channel, count(*), min(made_at), max(tries) FROM work_told "
            "WHERE due_at IS NOT NULL GROUP BY channel ORDER BY channel"
        )
        return [(str(row[0]), int(row[1]), str(row[2]), int(row[3])) for row in rows]
