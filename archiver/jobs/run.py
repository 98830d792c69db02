"""One run: intake, capture, settle, report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archiver.jobs import checkpoint, follow, intake, read, rules, settle
from archiver.jobs.config import Config
from archiver.jobs.reporting import Report, tell
from archiver.jobs.session import Session, open_session
from archiver.net.clock import utc_now

Progress = Callable[[str, int, int], None]
"""(what is done, done, waiting)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked to do."""

    seeds: tuple[str, ...] = ()
    collection: str = ""
    column: str = ""
    media_type: str = ""
    offline: bool = False
    replay: Path | None = None
    recheck: bool = False
    command: str = ""


def run_archive(
    db: Path,
    config: Config,
    options: Options,
    *,
    progress: Progress | None = None,
    now: Callable[[], str] = utc_now,
    stdin: BinaryIO | None = None,
) -> Report:
    """Runs once over one archive. InputError when it cannot be opened or another run is at work."""
    report = Report(offline=options.offline)
    with open_session(db, config, now=now, doing="run") as session:
        report.notes += session.notes
        if not options.offline:
            session.only("wire" if options.replay is None else "replay")
        started = session.now()
        session.archive.db.execute(
            "INSERT INTO work_runs (started_at, command) VALUES (?, ?)", (started, intake.printable(options.command))
        )
        run_id = session.archive.value("SELECT max(id) FROM work_runs")
        _catch_up(session)
        source = stdin if stdin is not None else (sys.stdin.buffer if "-" in options.seeds else None)
        taken = intake.take(
            session,
            options.seeds,
            collection=options.collection,
            column=options.column,
            media_type=options.media_type,
            stdin=source,
        )
        report.stored, report.known, report.problems = taken.stored, taken.known, taken.problems
        report.notes += taken.notes
        if not options.offline:
            _capture(session, options, report, progress)
        settle.settle(session)
        report.notes += rules.notes(session.archive)
        _count(session, report)
        tell(session, report, taken.names, started)
        _seal(session, options, report)
        _anchor(session, options, report)
        code = int(report.failed) | 2 * bool(report.problems) | 4 * bool(report.broken)
        session.archive.db.execute(
            "UPDATE work_runs SET ended_at = ?, captures = ?, failures = ?, exit_code = ? WHERE id = ?",
            (session.now(), report.captures, report.waiting, code, run_id),
        )
    return report


def _catch_up(session: Session) -> None:
    """Reads what a crash left unread; seeds among it are followed as they would have been."""
    for row, result in read.read_pending(session):
        if row["tier"] == "import":
            follow.follow_document(session, result, seed=row["url"].removeprefix("seed:"))


def _capture(session: Session, options: Options, report: Report, progress: Progress | None) -> None:
    """Looks at everything that is due. The network layer is loaded only when something is."""
    if options.recheck:
        session.frontier.make_due(session.now())
    due = session.frontier.next_due()
    if due is None or due > session.now():
        return
    from archiver.jobs.asking import capturing  # loads httpx: only when something is due

    with capturing(session, replay=options.replay, progress=progress) as job:
        summary = job.run()
    report.captures, report.received, report.looks = summary.captures, summary.received, summary.looks
    report.outcomes = dict(sorted(summary.outcomes.items()))
    report.failed, report.failures = summary.failed > 0, summary.failures


def _seal(session: Session, options: Options, report: Report) -> None:
    """Ends the run with a signed head. A recording that is replayed is no evidence: no key is made for it."""
    sealed = checkpoint.seal(session, make=options.replay is None)
    report.log, report.broken = sealed.told, sealed.broken
    report.notes += sealed.notes
    report.problems += sealed.problems


def _anchor(session: Session, options: Options, report: Report) -> None:
    """Has the configured services vouch for the head; neither for a recording nor for a log that is broken."""
    if not session.config.anchors or options.offline or options.replay is not None or report.broken:
        return
    from archiver.jobs.anchor import anchor  # loads httpx: only when there is somebody to ask

    anchored = anchor(session)
    report.log += anchored.told
    report.notes += anchored.notes
    report.broken = "; ".join(anchored.broken)


def _count(session: Session, report: Report) -> None:
    row = session.archive.one(
        "SELECT count(*), coalesce(sum(attempts > 0), 0) FROM work_queue WHERE due_at IS NOT NULL"
    )
    report.scheduled, report.waiting = (0, 0) if row is None else (int(row[0]), int(row[1]))
    report.failed = report.failed or report.waiting > 0
    report.next_due = session.frontier.next_due() or ""
