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


_HOSTS = """
SELECT host, count(*) AS scheduled, sum(due_at <= ?1) AS due, sum(due_at <= ?2) AS overdue, min(due_at) AS next
FROM work_queue INDEXED BY work_queue_turn WHERE due_at IS NOT NULL AND kept = 1 GROUP BY host
"""
_FAILED = "SELECT host, count(*) FROM work_queue WHERE attempts > 0 AND due_at IS NOT NULL{} GROUP BY host"


def backlog_of(archive: Archive, now: str, off: Callable[[str], bool]) -> Backlog:
    """The queue as it stands, without what earlier runs tell."""
    return queue_of(archive, now, off)[0]


def queue_of(archive: Archive, now: str, off: Callable[[str], bool]) -> tuple[Backlog, list[tuple[str, int, int]]]:
    day_ago = text_of(time_of(now) - OVERDUE)
    rows = archive.all(_HOSTS, now, day_ago)
    failed = {row[0]: int(row[1]) for row in archive.all(_FAILED.format(" AND kept = 1"))}
    on = [row for row in rows if not off(str(row["host"]))]
    oldest = min((str(row["next"]) for row in on if row["overdue"]), default="")
    backlog = Backlog(
        scheduled=sum(row["scheduled"] for row in rows),
        due=sum(row["due"] for row in on),
        overdue=sum(row["overdue"] for row in on),
        oldest=oldest,
        waiting=sum(failed.values()),
        next_due=min((str(row["next"]) for row in rows), default=""),
        before=_before(archive, now),
        switched_off=sum(row["due"] for row in rows) - sum(row["due"] for row in on),
    )
    return backlog, _largest(Counter({row["host"]: row["scheduled"] for row in rows}), failed)


def older_queue(archive: Archive) -> tuple[Backlog, list[tuple[str, int, int]]]:
    """The queue of an archive that an older version wrote: nothing is known of what is kept."""
    rows = archive.all("SELECT host, count(*), min(due_at) FROM work_queue WHERE due_at IS NOT NULL GROUP BY host")
    failed = {row[0]: int(row[1]) for row in archive.all(_FAILED.format(""))}
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
    """How many refs were overdue at the end of the run that ended last before a day ago, of the last 500 runs."""
    day_ago = text_of(time_of(now) - OVERDUE)
    rows = archive.all("SELECT ended_at, summary FROM work_runs WHERE summary <> '' ORDER BY id DESC LIMIT 500")
    for row in rows:
        if row["ended_at"] and str(row["ended_at"]) <= day_ago:
            told = json.loads(row["summary"])
            overdue = told.get("overdue") if isinstance(told, dict) else None
            return overdue if isinstance(overdue, int) else None
    return None
