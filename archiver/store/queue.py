"""The frontier: which refs are to be looked at, when, and who is looking. Work, not evidence: it may be lost."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.model import Ref
from archiver.store.archive import Archive

# The hosts one after the other, each by one look into the index: grouping walked a queue of a million for each claim.
_FREE = """
WITH RECURSIVE hosts(host) AS (
    SELECT min(host) FROM work_queue
    UNION ALL SELECT (SELECT min(q.host) FROM work_queue q WHERE q.host > hosts.host) FROM hosts WHERE host IS NOT NULL
), waiting(host, first) AS (
    SELECT host, (SELECT min(q.due_at) FROM work_queue q WHERE q.host = hosts.host) FROM hosts WHERE host IS NOT NULL
)
SELECT w.host, w.first FROM waiting w LEFT JOIN work_hosts h ON h.host = w.host
WHERE w.first <= ? AND coalesce(h.leased_until, '') <= ? AND coalesce(h.not_before, '') <= ? ORDER BY w.first, w.host
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One ref to look at. `depth` counts steps upstream from a seed; `attempts` the failed looks in a row."""

    ref: Ref
    host: str
    purpose: str
    depth: int
    seed: str
    attempts: int
    fence: int
    added_at: str


class Frontier:
    """The queue of one archive. A worker drains one host at a time; a fence keeps a late worker from writing."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

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

    def claim(self, worker: str, now: str, until: str, *, skip: frozenset[str] = frozenset()) -> str | None:
        """Leases a host that has something due and that nobody holds. Its name, or None when there is none."""
        with self.archive.transaction():
            rows = self.archive.all(
                _FREE,
                now,
                now,
                now,
            )
            host = next((str(row["host"]) for row in rows if row["host"] not in skip), None)
            if host is not None:
                self.archive.db.execute(
                    "INSERT INTO work_hosts (host, worker, fence, leased_until) VALUES (?, ?, 1, ?) "
                    "ON CONFLICT (host) DO UPDATE SET worker = excluded.worker, fence = fence + 1, "
                    "leased_until = excluded.leased_until",
                    (host, worker, until),
                )
        return host

    def renew(self, worker: str, host: str, until: str) -> bool:
        """Extends a lease. False when somebody else holds the host by now."""
        cursor = self.archive.db.execute(
            "UPDATE work_hosts SET leased_until = ? WHERE host = ? AND worker = ?", (until, host, worker)
        )
        return cursor.rowcount == 1

    def take(self, host: str, now: str, *, taken: frozenset[Ref], limit: int) -> tuple[Task, ...]:
        """The next due refs of a host that are not being looked at already, most urgent first."""
        if limit <= 0:
            return ()
        rows = self.archive.all(
            "SELECT q.*, coalesce(h.fence, 0) AS fence FROM work_queue q LEFT JOIN work_hosts h ON h.host = q.host "
            "WHERE q.host = ? AND q.due_at <= ? ORDER BY q.priority, q.depth, q.due_at, q.ref LIMIT ?",
            host,
            now,
            limit + len(taken),
        )
        tasks = (
            Task(
                ref=Ref.parse(row["ref"]),
                host=row["host"],
                purpose=row["purpose"],
                depth=row["depth"],
                seed=row["seed"],
                attempts=row["attempts"],
                fence=row["fence"],
                added_at=row["added_at"],
            )
            for row in rows
        )
        return tuple(task for task in tasks if task.ref not in taken)[:limit]

    def record(self, task: Task, *, outcome: str, at: str, due_at: str | None, failed: bool) -> bool:
        """Writes how a look ended and when the next is due (None: never). False when the fence has moved on."""
        cursor = self.archive.db.execute(
            "UPDATE work_queue SET last_outcome = ?, last_at = ?, due_at = ?, attempts = CASE WHEN ? THEN attempts + 1 "
            "ELSE 0 END WHERE ref = ? AND NOT EXISTS (SELECT 1 FROM work_hosts WHERE host = ? AND fence <> ?)",
            (outcome, at, due_at, int(failed), str(task.ref), task.host, task.fence),
        )
        return cursor.rowcount == 1

    def release(self, worker: str, host: str, *, not_before: str = "") -> None:
        """Gives a host back; nobody asks it again before `not_before`."""
        self.archive.db.execute(
            "UPDATE work_hosts SET worker = '', leased_until = '', not_before = ? WHERE host = ? AND worker = ?",
            (not_before, host, worker),
        )

    def release_all(self) -> None:
        """Drops every lease: for the start of a run, when the run lock shows that nobody else is at work. What a host
        asked for stands: it is not asked before."""
        self.archive.db.execute("UPDATE work_hosts SET worker = '', leased_until = ''")

    def make_due(self, now: str) -> int:
        """Makes every ref due now. How many there are."""
        return self.archive.db.execute("UPDATE work_queue SET due_at = ?", (now,)).rowcount

    def next_due(self) -> str | None:
        """When the next ref is due, or None when nothing waits."""
        row = self.archive.one("SELECT min(due_at) FROM work_queue")
        return None if row is None else row[0]
