"""What an operator is told when a run has ended, however it ended: one line where there is news, and the metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import ArchiverError, InputError, IntegrityError
from archiver.jobs import health, holding, metrics, news, trouble
from archiver.jobs.config import Config
from archiver.jobs.health import Health
from archiver.jobs.reporting import Report
from archiver.jobs.status import Status, status_of
from archiver.jobs.trouble import ATTENTION, BROKEN, INPUT, MEND, Trouble
from archiver.net.clock import time_of, utc_now
from archiver.store.archive import DatabaseError, open_reader

SHOWN = 3
FEW = 20
"""Seeds that cannot be used and are each remembered as told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, when it began (Unix seconds) and how many seconds it took; `report` where it came
    so far, else `error`. `busy` is who held the archive, so that nothing was done."""

    code: int
    began: float
    seconds: float
    report: Report | None = None
    error: BaseException | None = None
    busy: holding.Holder | None = None


def look(db: Path, config: Config | None, *, now: Callable[[], str] = utc_now) -> tuple[Status, Health] | None:
    """Status and health of an archive, None where it cannot be read."""
    config = config or Config()
    manners = config.manners
    try:
        with closing(open_reader(db)) as archive:
            status = status_of(
                archive,
                now=now,
                renew_days=config.renew_days,
                off=lambda h: manners.of_host(h).off,
                channels=config.hooks.channels,
            )
    except (InputError, IntegrityError, DatabaseError, OSError):
        return None
    return status, health.judge(status)


def troubles(ended: Ended, found: tuple[Status, Health] | None, aside: Iterable[str] = ()) -> list[Trouble]:
    """What is wrong after a run: what its end says in words of its own, and the health of the archive. `aside` could
    not be written beside it: a log, the metrics."""
    unwritten = [trouble.of_text(ATTENTION, "aside", text, "Mend it, or name another file") for text in aside]
    return health.health_of([*_troubles(ended, found), *unwritten]).troubles


def _troubles(ended: Ended, found: tuple[Status, Health] | None) -> list[Trouble]:
    if ended.busy is not None:
        held = ended.busy
        stuck = Trouble(key="stuck", level=BROKEN, what=str(held), next=holding.advice(held))
        return [stuck] if held.stuck else []
    if ended.error is not None:
        level = (
            BROKEN if isinstance(ended.error, IntegrityError) or not isinstance(ended.error, InputError) else ATTENTION
        )
        text = ended.error if isinstance(ended.error, (ArchiverError, OSError)) else repr(ended.error)
        hint = getattr(ended.error, "hint", "") or "archiver doctor"
        what = f"the run did not end well: {text}".removesuffix(f". {hint}")
        return [trouble.of_error(what, hint, level=level)]
    told = [] if found is None else found[1].troubles
    report = ended.report
    if report is None:
        return told
    mine = {one.key for one in report.troubles}
    told = [*report.troubles, *(one for one in told if one.key not in mine)]
    if report.problems:
        said = {one.what for one in report.troubles}
        seeds = [one for one in report.problems if one not in said]
        told = [one for one in told if one.key != "input"]
        told += [trouble.of_text(ATTENTION, INPUT, text, MEND) for text in seeds[:FEW]]
        if more := seeds[FEW:]:
            told.append(Trouble(key=f"{INPUT} more", level=ATTENTION, what=f"{len(more)} more seeds", next=MEND))
    if report.broken:
        told = [one for one in told if one.key != "integrity"]
        told.append(Trouble(key="integrity", level=BROKEN, what=report.broken, next="See docs/custody.md"))
    return told


def line(
    db: Path,
    ended: Ended,
    found: tuple[Status, Health] | None,
    aside: Iterable[str] = (),
    *,
    now: Callable[[], str] = utc_now,
) -> str:
    """The one line of news, empty where there is none: what is the matter, how much else, and what to do next."""
    whole = ended.error is None and ended.busy is None
    told = news.news(db, troubles(ended, found, aside), now(), whole=whole)
    parts = []
    if told.troubles:
        first, more = told.troubles[0], len(told.troubles) - 1
        asked = "run --offline" if any(one.key.startswith(INPUT) for one in told.troubles[1:]) else "status"
        others = f" And {more} more: archiver {asked} --db {db}." if more else ""
        word = "broken: " if first.level == BROKEN else ""
        parts.append(f"{word}{_one(first.what)}. {_one(first.next).rstrip('.')}.{others}")
    if told.over:
        rest = f" and {len(told.over) - SHOWN} more" if len(told.over) > SHOWN else ""
        parts.append(f"over: {'; '.join(_one(what) for what in told.over[:SHOWN])}{rest}.")
    return f"archiver: {db}: {' '.join(parts)}" if parts else ""


def write_metrics(path: Path, db: Path, ended: Ended, found: tuple[Status, Health] | None) -> str:
    """Writes the file of metrics. Why it could not, empty when it could."""
    report, name = ended.report or Report(), str(db.absolute())
    ran = metrics.Ran(
        exit_code=ended.code,
        ended=round(ended.began + ended.seconds, 3),
        seconds=round(ended.seconds, 3),
        captures=report.captures,
        received=report.received,
        outcomes=report.outcomes,
    )
    if found is None:
        return metrics.write(path, metrics.written(metrics.of_run(ran), name) + metrics.carried(path))
    status, judged = found
    success = time_of(status.last_success).timestamp() if status.last_success else 0.0
    told = metrics.of_run(ran) + metrics.of_archive(status, judged, success)
    return metrics.write(path, metrics.written(told, name))


def ended_with(error: BaseException, began: float, clock: Callable[[], float] = time.time) -> Ended:
    """How a run ended that an error ended. One that another archiver kept from beginning did nothing wrong."""
    busy = error.holder if isinstance(error, holding.HeldError) else None
    code = (
        1 if busy is not None or isinstance(error, KeyboardInterrupt) else 4 if isinstance(error, IntegrityError) else 2
    )
    return Ended(code=code, began=began, seconds=max(0.0, clock() - began), error=error, busy=busy)


def _one(text: str) -> str:
    """One line without what a terminal or a mail program would obey, bounded."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= 400 else plain[:399] + "…"
