"""What work keeps of hosts from one run to the next: who is left alone until when, what was asked of whom on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archiver.store.archive import Archive

KEPT_DAYS = 60
"""Days whose counts are kept: for the operator's eyes. The budget needs the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """Failures in a row, since when its circuit is open (empty: it is not), and until when it is left alone."""

    host: str
    failures: int = 0
    opened_at: str = ""
    not_before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Requests made of a host on a day (UTC, `2026-01-31`), and the bytes that it sent."""

    host: str
    day: str
    requests: int = 0
    bytes: int = 0


def load(archive: Archive) -> list[HostState]:
    """The hosts of which something is known."""
    return [
        HostState(host=row["host"], failures=row["failures"], opened_at=row["opened_at"], not_before=row["not_before"])
        for row in archive.all(
            "SELECT host, failures, opened_at, not_before FROM work_hosts WHERE failures > 0 OR not_before <> ''"
        )
    ]


def days(archive: Archive, since: str) -> list[Day]:
    """The counts of a day and of those after it, which a clock that went back has left."""
    return [
        Day(host=row["host"], day=row["day"], requests=row["requests"], bytes=row["bytes"])
        for row in archive.all("SELECT host, day, requests, bytes FROM work_days WHERE day >= ?", since)
    ]


def store(archive: Archive, states: Iterable[HostState], counted: Iterable[Day]) -> None:
    """Keeps what changed, inside the caller's transaction or one of its own. Counts are whole, not additions."""
    states, counted = list(states), list(counted)
    if not states and not counted:
        return
    with archive.transaction():
        for state in states:
            archive.db.execute(
                "INSERT INTO work_hosts (host, failures, opened_at, not_before) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (host) DO UPDATE SET failures = excluded.failures, opened_at = excluded.opened_at, "
                "not_before = excluded.not_before",
                (state.host, state.failures, state.opened_at, state.not_before),
            )
        for day in counted:
            archive.db.execute(
                "INSERT INTO work_days (host, day, requests, bytes) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (host, day) DO UPDATE SET requests = excluded.requests, bytes = excluded.bytes",
                (day.host, day.day, day.requests, day.bytes),
            )


def forget(archive: Archive, before: str) -> None:
    """Drops the counts of days before this one."""
    archive.db.execute("DELETE FROM work_days WHERE day < ?", (before,))
