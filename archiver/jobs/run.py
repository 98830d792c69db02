"""One run: intake, capture, settle, report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archiver import __version__
from archiver.jobs import checkpoint, happened, routes, rules, surroundings, trouble, waiting, watching
from archiver.jobs.backlog import backlog_of
from archiver.jobs.config import Config
from archiver.jobs.eventlog import EventLog
from archiver.jobs.limits import Limits
from archiver.jobs.reporting import Report, tell
from archiver.jobs.session import Session, open_session
from archiver.jobs.trouble import ATTENTION, INPUT, Trouble, of_text
from archiver.net.clock import utc_now
from archiver.store import blurring

FOLDER = Path("seeds")
"""Where seeds are looked for when none are named."""
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
    limits: Limits = field(default_factory=Limits)


def run_archive(
    db: Path,
    config: Config,
    options: Options,
    *,
    progress: Progress | None = None,
    now: Callable[[], str] = utc_now,
    stdin: BinaryIO | None = None,
    log: EventLog | None = None,
) -> Report:
    """Runs once over one archive. InputError when it cannot be opened or another run is at work. `log` is told what
    happens as it does."""
    report, began, made = Report(offline=options.offline), time.monotonic(), not db.exists()
    with open_session(db, config, now=now, doing="run") as session:
        session.log = log or session.log
        report.notes += session.notes
        if not options.offline:
            session.only("wire" if options.replay is None else "replay")
        _told(report, waiting.mind_clock(session), "clock leapt", "Check the clock of this machine (timedatectl)")
        for one in surroundings.found(session, made=made):
            report.troubles.append(one)
            report.notes += [] if one.passing else [f"{one.what}. {one.next}"]
        started = session.now()
        session.archive.db.execute(
            "INSERT INTO work_runs (started_at, command) VALUES (?, ?)", (started, _printable(options.command))
        )
        run_id = session.archive.value("SELECT max(id) FROM work_runs")
        _say_start(session, options, int(str(run_id)))
        happened.begin(session)
        names = _take(session, options, report, stdin)
        if not options.offline:
            _capture(session, options, report, progress)
        _retain(session, report)
        _settle(session)
        report.notes += rules.notes(session.archive)
        _retain(session, report, announce=True)
        _returned(session, report)
        _happened(session, report)
        _count(session, report)
        if names or report.pages:
            tell(session, report, names)
        _seal(session, options, report)
        _anchor(session, options, report)
        _hooks(session, options, report)
        if (seen := trouble.written(report.troubles)) != (session.state(trouble.STATE) or "[]"):
            session.remember(trouble.STATE, seen)
        code = int(report.failed) | 2 * bool(report.problems) | 4 * bool(report.broken)
        session.archive.db.execute(
            "UPDATE work_runs SET ended_at = ?, captures = ?, failures = ?, exit_code = ?, looks = ?, received = ?, "
            "summary = ? WHERE id = ?",
            (
                *(session.now(), report.captures, report.waiting, code, report.looks, report.received),
                *(json.dumps({"due": report.due, "overdue": report.overdue, "happened": report.happened}), run_id),
            ),
        )
        _say_end(session, report, code, time.monotonic() - began)
    return report


def _told(report: Report, notes: list[str], key: str, next: str) -> None:
    """Notes of what happened that must reach who reads no report."""
    report.notes += notes
    if notes:
        what = notes[0] + (f" (and {len(notes) - 1} more)" if len(notes) > 1 else "")
        report.troubles.append(Trouble(key=key, level=ATTENTION, what=what, next=next, passing=True))


def _printable(command: str) -> str:
    """A command as text that can be stored: bytes that are no UTF-8 are written as escapes."""
    return command.encode("utf-8", "backslashreplace").decode()


def _take(session: Session, options: Options, report: Report, stdin: BinaryIO | None) -> list[str]:
    """Reads what a crash left unread, then the seeds; their names. Where there is neither, what reads is not loaded."""
    if waiting.unread(session):
        from archiver.jobs import follow

        follow.catch_up(session)
    if not options.seeds:
        if not FOLDER.is_dir():
            from archiver.jobs import keeping

            for gone in keeping.lost(session.archive, FOLDER):
                report.problems.append(gone)
                report.troubles.append(of_text(ATTENTION, INPUT, gone, "`archiver seeds` lists what is kept"))
        return []
    from archiver.jobs import intake

    taken = intake.take(
        session,
        options.seeds,
        collection=options.collection,
        column=options.column,
        media_type=options.media_type,
        stdin=stdin if stdin is not None else (sys.stdin.buffer if "-" in options.seeds else None),
    )
    report.stored, report.known, report.problems = taken.stored, taken.known, taken.problems
    report.notes += taken.notes
    _told(report, taken.dropped, "seeds gone", "If it was not meant to go, put it back, or `archiver seeds keep NAME`")
    return taken.names


def _settle(session: Session) -> None:
    if waiting.unsettled(session):
        from archiver.jobs.settle import settle  # loads the rules of quotations: only where something came

        settle(session)


def _say_start(session: Session, options: Options, run: int) -> None:
    session.log.run = run
    session.log.say(
        "start",
        version=__version__,
        pid=os.getpid(),
        archive=str(session.archive.value("SELECT name FROM origin WHERE local = 1")),
        seeds=len(options.seeds),
        offline=options.offline,
    )


def _say_end(session: Session, report: Report, code: int, seconds: float) -> None:
    log = session.log
    for problem in report.problems:
        log.say("problem", text=problem)
    if report.broken:
        log.say("failed", kind="integrity", text=report.broken)
    for note in report.notes:
        log.say("note", text=note)
    log.say(
        "end",
        exit=code,
        seconds=round(seconds, 3),
        captures=report.captures,
        bytes=report.received,
        looks=report.looks,
        outcomes=report.outcomes,
        scheduled=report.scheduled,
        due=report.due,
        waiting=report.waiting,
        next_due=report.next_due,
        left_out=log.left_out,
    )
    report.notes += [log.trouble] if log.trouble else []


def _happened(session: Session, report: Report) -> None:
    """What is to be told of posts, and how the routes did: from what was read and settled."""
    with session.archive.transaction():
        routes.count(session.archive, session.now())
    report.happened = happened.collect(session)
    if report.happened:
        session.log.say("happened", new=report.happened)


def _hooks(session: Session, options: Options, report: Report) -> None:
    """Tells hooks what waits for them; not offline, and nothing of a recording."""
    if not session.config.hooks.channels or options.offline or options.replay is not None:
        return
    from archiver.jobs.telling import deliver  # loads what starts programs: only when there is somebody to tell

    report.notes += deliver(session).notes


def _retain(session: Session, report: Report, *, announce: bool = False) -> None:
    """What the policies of retention decide, before settling; what is due by them, after it."""
    policies = session.config.retention
    if not policies and not blurring.in_force(session.archive):
        return
    from archiver.jobs import retaining  # loads what erases: only where there are policies

    report.notes += retaining.announce(session, policies) if announce else retaining.decide(session, policies)
    report.troubles += retaining.unheeded(session) if announce else []


_RETURNED = """
SELECT DISTINCT e.what FROM erasures e JOIN refs r ON r.ref = e.what JOIN posts p ON p.id = r.id
ORDER BY e.what LIMIT 100
"""


def _returned(session: Session, report: Report) -> None:
    """What was erased and came back in the answer about another post: whoever erased it believes that it is gone."""
    found = [str(row["what"]) for row in session.archive.all(_RETURNED)]
    if found:
        named = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        what = f"erased, and here again, since the answer about another post shows it: {named}"
        next = "`archiver erase REF` takes it out again; `archiver seeds drop` ends the looks that bring it back"
        report.notes.append(f"{what}. {next}")
        report.troubles.append(Trouble(key=f"erased {' '.join(found)}"[:500], level=ATTENTION, what=what, next=next))


def _capture(session: Session, options: Options, report: Report, progress: Progress | None) -> None:
    """Looks at everything that is due. The network layer is loaded only when something is."""
    if options.recheck:
        session.frontier.make_due(session.now())
    report.notes += waiting.mind_bounds(session) + watching.mind_policy(session)
    if not waiting.askable(session):
        report.notes += waiting.off(session)
        return
    from archiver.jobs.asking import capturing  # loads httpx: only when something is due

    with capturing(session, replay=options.replay, limits=options.limits, progress=progress) as job:
        summary = job.run()
    report.notes += waiting.notes(session, summary.stopped, summary.left.items())
    report.notes += waiting.forbidden(summary.forbidden)
    report.notes += waiting.cut(summary.cut)
    report.captures, report.received, report.looks = summary.captures, summary.received, summary.looks
    report.outcomes = dict(sorted(summary.outcomes.items()))
    report.failed, report.failures, report.pages = summary.failed > 0, summary.failures, summary.pages


def _seal(session: Session, options: Options, report: Report) -> None:
    """Ends the run with a signed head. A recording that is replayed is no evidence: no key is made for it."""
    sealed = checkpoint.seal(session, make=options.replay is None)
    report.log, report.broken = sealed.told, sealed.broken
    report.notes += sealed.notes
    report.problems += sealed.problems
    report.troubles += sealed.troubles


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
    queue = backlog_of(session.archive, session.now(), lambda host: session.config.manners.of_host(host).off)
    report.scheduled, report.waiting, report.next_due = queue.scheduled, queue.waiting, queue.next_due
    report.due, report.overdue = queue.due, queue.overdue
    report.failed = report.failed or report.waiting > 0
