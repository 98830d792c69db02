"""Runs: when the engine was at work, what it captured and what failed; and one run with its captures."""

from __future__ import annotations

from datetime import timedelta

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.net.clock import time_of, utc_now

READS = ("captures", "outcomes")
SHOWN, CAPTURES = 30, 50
COUNTED = 500
"""Failed captures of one run are counted so far."""
CODES = ((1, "something stays queued"), (2, "a seed could not be used"), (4, "the log is not the one that was signed"))
SHOW = ("failed", "all")


def bounds(started_at: str, ended_at: str) -> tuple[str, str]:
    """The uids of captures that were made in a time: each begins with its millisecond (UUIDv7). Not before the first,
    before the second.

    >>> bounds("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:01.000500Z")
    ('00000000-03e8', '00000000-03e9')
    """
    first, last = (int(time_of(at).timestamp() * 1000) for at in (started_at, ended_at))
    return tuple(f"{ms >> 16:08x}-{ms & 0xFFFF:04x}" for ms in (first, last + 1))  # type: ignore[return-value]


def told(code: int | None) -> list[str]:
    """What an exit code says, in words; an empty list for success or where there is none."""
    return [words for bit, words in CODES if (code or 0) & bit]


_RUNS = "SELECT started_at, ended_at, command, captures, failures, exit_code FROM work_runs"


def gather(reader: Reader, asked: Asked) -> Row:
    """The last runs, newest first, each with its failed captures by how they failed."""
    before = _moment(asked.get("before")) if asked.get("before") else ""
    rows = reader.rows(
        "Runs, newest first",
        f"{_RUNS} WHERE :before = '' OR started_at < :before ORDER BY id DESC LIMIT :most",
        before=before,
        most=SHOWN + 1,
    )
    more = ""
    if len(rows) > SHOWN:
        rows = rows[:SHOWN]
        more = asked.at("runs", before=rows[-1]["started_at"])
    newest = not before
    return {
        "runs": [_run(reader, row, newest and not n) for n, row in enumerate(rows)],
        "counted": COUNTED,
        "more": more,
    }


def _run(reader: Reader, row: Row, newest: bool) -> Row:
    """A run with how it ended: None for `seconds` while that is not known."""
    end = row["ended_at"] or (utc_now() if newest else row["started_at"])
    first, last = bounds(row["started_at"], end)
    failed = reader.rows(
        "Failed captures of a run",
        "SELECT failure, count(*) AS n FROM (SELECT failure FROM captures WHERE failure <> '' AND uid >= :first "
        "AND uid < :last ORDER BY uid LIMIT :most) GROUP BY failure ORDER BY n DESC, failure",
        first=first,
        last=last,
        most=COUNTED,
    )
    spent = time_of(end) - time_of(row["started_at"])
    ended = "ended" if row["ended_at"] else "at work, or broken off" if newest else "broken off"
    return {
        **row,
        "seconds": spent // timedelta(seconds=1) if row["ended_at"] else None,
        "state": ended,
        "meaning": told(row["exit_code"]),
        "failed": failed,
        "first_uid": first,
        "last_uid": last,
    }


def _moment(given: str) -> str:
    try:
        time_of(given)
    except ValueError:
        raise PageError(400, f"{given[:40]!r} is no time", hint="Open the list of runs") from None
    return given


def one(reader: Reader, asked: Asked) -> Row:
    """One run, named by when it started, and its captures in order: those that failed, or all."""
    show = asked.among("show", SHOW) or "failed"
    started = _moment(asked.parts["started"])
    row = reader.row("The run", f"{_RUNS} WHERE started_at = :started ORDER BY id LIMIT 1", started=started)
    if row is None:
        raise PageError(
            404,
            f"no run started at {started[:40]}",
            hint="Runs are work: they may have been lost",
            links=((asked.at("runs"), "All runs"),),
        )
    last = reader.value("The last run", "SELECT started_at FROM work_runs ORDER BY id DESC LIMIT 1")
    run = _run(reader, row, last == started)
    captures = reader.rows(
        "Captures of the run",
        "SELECT c.uid, c.observed_at, c.ref, c.platform, c.route, c.url, c.status, c.failure, substr(c.detail, 1, 300) "
        "AS detail, coalesce((SELECT o.outcome FROM outcomes o WHERE o.capture = c.id ORDER BY o.ref LIMIT 1), '') "
        f"AS outcome FROM captures c WHERE c.uid >= :first AND c.uid > :after AND c.uid < :last {_FAILED[show]} "
        "ORDER BY c.uid LIMIT :most",
        first=run["first_uid"],
        last=run["last_uid"],
        after=asked.get("after"),
        most=CAPTURES + 1,
    )
    more = ""
    if len(captures) > CAPTURES:
        captures = captures[:CAPTURES]
        more = asked.at("run", started, show=show, after=captures[-1]["uid"])
    return {"run": run, "show": show, "captures": captures, "counted": COUNTED, "more": more}


_FAILED = {"failed": "AND c.failure <> ''", "all": ""}

PAGES = (
    Page(path="runs", template="archiver_runs.html", gather=gather, reads=READS, css=("overview.css",)),
    Page(path="run/(?P<started>[^/]+?)", template="archiver_run.html", gather=one, reads=READS, css=("overview.css",)),
)
