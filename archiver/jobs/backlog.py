"""The queue as its operator sees it: what waits, what is due, and whether runs keep up with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from archiver.net.clock import text_of, time_of
from archiver.store.archive import Archive

OVERDUE = timedelta(days=1)
"""What is due for longer was not kept up with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The queue: refs that wait for their time, among them those that are due, those due for more than a day
    (`overdue`, since `oldest` at the earliest), and those after a failed look (`waiting`). `before` is how many were
    overdue at the end of a run about a day ago, None where no run tells. `switched_off` refs are due at hosts that the
    configuration switches off: they count neither as due nor as overdue."""

    scheduled: int = 0
    due: int = 0
    overdue: int = 0
    oldest: str = ""
    waiting: int = 0
    next_due: str = ""
    before: int | None = None
    switched_off: int = 0


# One walk over a covering index, which only counts: times are looked at where a host has something due.
_KEPT = "FROM work_queue INDEXED BY work_queue_turn WHERE due_at IS NOT NULL AND kept = 1"
_HOSTS = f"SELECT host, count(*) {_KEPT} GROUP BY host"
_FIRST = "SELECT min(due_at) FROM work_queue INDEXED BY work_queue_host WHERE host = ? AND due_at IS NOT NULL"
_DUE = f"SELECT coalesce(sum(due_at <= ?), 0), coalesce(sum(due_at <= ?), 0), min(due_at) {_KEPT} AND host = ?"
_NEXT = "SELECT due_at FROM work_queue INDEXED BY work_queue_due WHERE due_at > '' AND kept = 1 ORDER BY due_at LIMIT 1"
# What is not kept is never due: asked for `kept`, SQLite would read each of these rows, all over a cold disk.
_FAILED = "SELECT host, count(*) FROM work_queue WHERE attempts > 0 AND due_at IS NOT NULL GROUP BY host"


def backlog_of(archive: Archive, now: str, off: Callable[[str], bool]) -> Backlog:
    """The queue as it stands, without what earlier runs tell."""
    return queue_of(archive, now, off)[0]


def queue_of(archive: Archive, now: str, off: Callable[[str], bool]) -> tuple[Backlog, list[tuple[str, int, int]]]:
    day_ago = text_of(time_of(now) - OVERDUE)
    scheduled = Counter({str(row[0]): int(row[1]) for row in archive.all(_HOSTS)})
    failed = {row[0]: int(row[1]) for row in archive.all(_FAILED)}
    due = overdue = switched_off = 0
    oldest = ""
    for host in scheduled:
        if str(archive.value(_FIRST, host)) > now:
            continue
        row = archive.all(_DUE, now, day_ago, host)[0]
        if off(host):
            switched_off += int(row[0])
            continue
        due, overdue = due + int(row[0]), overdue + int(row[1])
        if row[1]:
            oldest = min(oldest or str(row[2]), str(row[2]))
    following = archive.one(_NEXT)
    backlog = Backlog(
        scheduled=scheduled.total(),
        due=due,
        overdue=overdue,
        oldest=oldest,
        waiting=sum(failed.values()),
        next_due="" if following is None else str(following[0]),
        before=_before(archive, now),
        switched_off=switched_off,
    )
    return backlog, _largest(scheduled, failed)


def older_queue(archive: Archive) -> tuple[Backlog, list[tuple[str, int, int]]]:
    """The queue of an archive that an older version wrote: nothing is known of what is kept."""
    rows = archive.all("SELECT host, count(*), min(due_at) FROM work_queue WHERE due_at IS NOT NULL GROUP BY host")
    failed = {row[0]: int(row[1]) for row in archive.all(_FAILED)}
    backlog = Backlog(
        scheduled=sum(row[1] for row in rows),
        waiting=sum(failed.values()),
        next_due=min((str(row[2]) for row in rows), default=""),
    )
    return backlog, _largest(Counter({row[0]: row[1] for row in rows}), failed)


def _largest(scheduled: Counter[str], failed: dict[str, int]) -> list[tuple[str, int, int]]:
    found = sorted(scheduled.items(), key=lambda item: (-item[1], item[0]))[:12]
    return [(host, waiting, failed.get(host, 0)) for host, waiting in found]


def _before(archive: Archive, now: str) -> int | None:
    """How many refs were overdue at the end of the run that ended last before a day ago."""
    day_ago = text_of(time_of(now) - OVERDUE)
    sql = "SELECT summary FROM work_runs WHERE summary <> '' AND ended_at <= ? ORDER BY id DESC LIMIT 1"
    row = archive.one(sql, day_ago)
    told = None if row is None else json.loads(row["summary"])
    overdue = told.get("overdue") if isinstance(told, dict) else None
    return overdue if isinstance(overdue, int) else None
