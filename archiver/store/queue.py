"""The frontier: which refs are to be looked at, when, and who is looking. Work, not evidence: it may be lost."""

from __future__ import annotations

import json
from dataclasses import dataclass

from archiver import schedule
from archiver.model import Outcome, Ref
from archiver.store.archive import Archive, Row

# The hosts one after the other, each by one look into the index: grouping walked a queue of a million for each claim.
# The one that was leased longest ago comes first; a fence is a ticket that grows with each lease of any host. Hosts of
# the same seeds (told by the first and the last of them) take turns with those of others: a page can link to ten
# thousand names that nobody asked before, and each of them would come before every host that was.
_WAITING = """
WITH RECURSIVE hosts(host) AS (
    SELECT min(host) FROM work_queue
    UNION ALL SELECT (SELECT min(q.host) FROM work_queue q WHERE q.host > hosts.host) FROM hosts WHERE host IS NOT NULL
), waiting(host, first) AS (
    SELECT host, (SELECT min(q.due_at) FROM work_queue q WHERE q.host = hosts.host) FROM hosts WHERE host IS NOT NULL
)
SELECT host FROM (
    SELECT w.host, w.first, coalesce(h.fence, 0) AS fence, row_number() OVER (
        PARTITION BY (SELECT q.seed FROM work_queue q INDEXED BY work_queue_turn
                WHERE q.host = w.host AND q.due_at IS NOT NULL AND q.kept = 1 ORDER BY q.seed LIMIT 1),
            (SELECT q.seed FROM work_queue q INDEXED BY work_queue_turn
                WHERE q.host = w.host AND q.due_at IS NOT NULL AND q.kept = 1 ORDER BY q.seed DESC LIMIT 1)
        ORDER BY coalesce(h.fence, 0), w.first, w.host) AS turn
    FROM waiting w LEFT JOIN work_hosts h ON h.host = w.host
    WHERE w.first <= ?1 AND coalesce(h.leased_until, '') <= ?1 AND coalesce(h.not_before, '') <= ?1
    AND w.host NOT IN (SELECT value FROM json_each(?2))
) ORDER BY turn, fence, first, host LIMIT ?3
"""
_SEEDS = """
WITH RECURSIVE seeds(seed) AS (
    SELECT (SELECT q.seed FROM work_queue q INDEXED BY work_queue_turn
            WHERE q.host = ?1 AND q.due_at IS NOT NULL AND q.kept = 1 ORDER BY q.seed LIMIT 1)
    UNION ALL SELECT (SELECT q.seed FROM work_queue q INDEXED BY work_queue_turn WHERE q.host = ?1
            AND q.seed > seeds.seed AND q.due_at IS NOT NULL AND q.kept = 1 ORDER BY q.seed LIMIT 1)
    FROM seeds WHERE seed IS NOT NULL
)
SELECT seed FROM seeds WHERE seed IS NOT NULL
"""
# What is due of one seed may stand behind much that is not, of a more urgent kind: each kind is looked into by itself.
_KIND = """
SELECT priority, depth FROM work_queue INDEXED BY work_queue_turn WHERE host = ?1 AND seed = ?2
AND (priority, depth) > (?3, ?4) AND due_at IS NOT NULL AND kept = 1 ORDER BY priority, depth LIMIT 1
"""
_DUE = """
SELECT * FROM work_queue INDEXED BY work_queue_turn WHERE host = ?1 AND seed = ?2 AND priority = ?3 AND depth = ?4
AND due_at <= ?5 AND due_at IS NOT NULL AND kept = 1 ORDER BY due_at, ref LIMIT ?6
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One ref to look at. `depth` counts steps upstream from a seed; `attempts` the failed looks in a row; `last_at` is
    when it was looked at last, `changed_at` when it was last seen to change (both empty for never), `looks` how many
    looks were answered."""

    ref: Ref
    host: str
    purpose: str
    depth: int
    seed: str
    attempts: int
    fence: int
    added_at: str
    last_at: str = ""
    changed_at: str = ""
    looks: int = 0


class Frontier:
    """The queue of one archive. A worker drains one host at a time; a fence keeps a late worker from writing."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._fence = 0

    def add(self, ref: Ref, *, host: str, purpose: str, depth: int, seed: str, now: str, priority: int = 0) -> bool:
        """Queues a ref, due now, unless it is queued already (then only its depth may shrink) or was erased, which is
        not fetched again. Whether it is new."""
        with self.archive.transaction():
            cursor = self.archive.db.execute(
                "INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, due_at) "
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7 WHERE NOT EXISTS (SELECT 1 FROM erasures WHERE what = ?1) "
                "ON CONFLICT (ref) DO NOTHING",
                (str(ref), host, purpose, depth, seed, priority, now),
            )
            if cursor.rowcount == 0:
                self.archive.db.execute(
                    "UPDATE work_queue SET depth = ? WHERE ref = ? AND depth > ?", (depth, str(ref), depth)
                )
        return cursor.rowcount == 1

    def hosts(self, now: str, *, skip: frozenset[str] = frozenset(), limit: int) -> tuple[str, ...]:
        """Hosts that have something due, that nobody holds and that need not be left alone: the one that was leased
        longest ago first."""
        rows = self.archive.all(_WAITING, now, json.dumps(sorted(skip)), limit)
        return tuple(str(row["host"]) for row in rows)

    def seeds(self, host: str) -> tuple[str, ...]:
        """The seeds that have something scheduled on a host, due or not."""
        return tuple(str(row["seed"]) for row in self.archive.all(_SEEDS, host))

    def claim(self, worker: str, host: str, now: str, until: str) -> bool:
        """Leases a host. False when somebody holds it by now."""
        if not self._fence:  # looked for once: no index knows fences
            self._fence = int(str(self.archive.value("SELECT coalesce(max(fence), 0) FROM work_hosts")))
        self._fence += 1
        cursor = self.archive.db.execute(
            "INSERT INTO work_hosts (host, worker, fence, leased_until) VALUES (?1, ?2, ?5, ?4) "
            "ON CONFLICT (host) DO UPDATE SET worker = excluded.worker, fence = max(excluded.fence, fence + 1), "
            "leased_until = excluded.leased_until WHERE leased_until <= ?3",
            (host, worker, now, until, self._fence),
        )
        return cursor.rowcount == 1

    def renew(self, worker: str, host: str, until: str) -> bool:
        """Extends a lease. False when somebody else holds the host by now."""
        cursor = self.archive.db.execute(
            "UPDATE work_hosts SET leased_until = ? WHERE host = ? AND worker = ?", (until, host, worker)
        )
        return cursor.rowcount == 1

    def take(self, host: str, seed: str, now: str, *, taken: frozenset[Ref], limit: int) -> tuple[Task, ...]:
        """The next due refs of a seed on a host that are not being looked at already, most urgent first."""
        fence = self.archive.one("SELECT fence FROM work_hosts WHERE host = ?", host)
        found: list[Task] = []
        kind = (-(1 << 62), 0)
        while len(found) < limit and (row := self.archive.one(_KIND, host, seed, *kind)) is not None:
            kind = (row["priority"], row["depth"])
            for due in self.archive.all(_DUE, host, seed, *kind, now, limit - len(found) + len(taken)):
                task = task_of(due, fence=0 if fence is None else fence["fence"])
                if task.ref not in taken and len(found) < limit:
                    found.append(task)
        return tuple(found)

    def record(self, task: Task, *, outcome: str, at: str, due_at: str | None, failed: bool) -> bool:
        """Writes how a look ended and when the next is due (None: never). What failed, or was refused by ourselves, is
        no answer. False when the fence has moved on."""
        answered = not failed and outcome not in schedule.OURS
        cursor = self.archive.db.execute(
            "UPDATE work_queue SET last_outcome = ?, last_at = ?, due_at = ?, attempts = CASE WHEN ? THEN attempts + 1 "
            "ELSE 0 END, looks = looks + ? "
            "WHERE ref = ? AND NOT EXISTS (SELECT 1 FROM work_hosts WHERE host = ? AND fence <> ?)",
            (outcome, at, due_at, int(failed), int(answered), str(task.ref), task.host, task.fence),
        )
        return cursor.rowcount == 1

    def release(self, worker: str, host: str) -> None:
        """Gives a host back."""
        self.archive.db.execute(
            "UPDATE work_hosts SET worker = '', leased_until = '' WHERE host = ? AND worker = ?", (host, worker)
        )

    def release_all(self) -> None:
        """Drops every lease: for the start of a run, when the run lock shows that nobody else is at work. What a host
        asked for stands: it is not asked before."""
        self.archive.db.execute("UPDATE work_hosts SET worker = '', leased_until = '' WHERE leased_until <> ''")

    def make_due(self, now: str) -> int:
        """Makes every ref due now that a seed keeps. How many there are."""
        return self.archive.db.execute("UPDATE work_queue SET due_at = ? WHERE kept = 1", (now,)).rowcount

    def again(self, outcome: Outcome, now: str) -> int:
        """Makes due now what was last looked at with this outcome, where a seed keeps it. How many that are."""
        sql = "UPDATE work_queue SET due_at = ?1 WHERE kept = 1 AND last_outcome = ?2 AND coalesce(due_at > ?1, 1)"
        return self.archive.db.execute(sql, (now, outcome.value)).rowcount

    def set_back(self, now: str, *, pause: str) -> int:
        """Mends what a clock that was ahead has left: what it looked at is due now, since its next look stands in a
        time that may be years away; nobody is left alone beyond `pause`. How many refs are due by this."""
        with self.archive.transaction():
            self.archive.db.execute("UPDATE work_hosts SET not_before = ?1 WHERE not_before > ?1", (pause,))
            due = (
                self.archive.db.execute(
                    "UPDATE work_queue SET due_at = ?1 WHERE last_at > ?1 AND due_at > ?1", (now,)
                ).rowcount
                + self.archive.db.execute(
                    "UPDATE work_queue SET due_at = ?1 WHERE last_at = '' AND due_at > ?1 AND added_at > ?1", (now,)
                ).rowcount
            )
            # What came in a time that is still ahead would be as new as can be until then, and be asked as often.
            self.archive.db.execute("UPDATE work_queue SET added_at = ?1 WHERE added_at > ?1", (now,))
        return due

    def due_on(self, host: str, now: str, most: int) -> int:
        """How many refs are due on a host, counted up to `most`."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM work_queue WHERE host = ? AND due_at <= ? LIMIT ?)"
        return int(str(self.archive.value(sql, host, now, most)))

    def due(self, now: str, most: int) -> int:
        """How many refs are due, counted up to `most`."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM work_queue WHERE due_at <= ? LIMIT ?)"
        return int(str(self.archive.value(sql, now, most)))

    def next_due(self) -> str | None:
        """When the next ref is due, or None when nothing waits."""
        row = self.archive.one("SELECT min(due_at) FROM work_queue")
        return None if row is None else row[0]


def task_of(row: Row, *, fence: int = 0) -> Task:
    """A row of the queue as a task."""
    return Task(
        ref=Ref.parse(row["ref"]),
        host=row["host"],
        purpose=row["purpose"],
        depth=row["depth"],
        seed=row["seed"],
        attempts=row["attempts"],
        fence=fence,
        added_at=row["added_at"],
        last_at=row["last_at"],
        changed_at=row["changed_at"],
        looks=row["looks"],
    )
