"""`archiver run` and `archiver status`: what cron calls, and what its operator looks at."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli import (
    BAD_INPUT,
    FAILED,
    INTEGRITY,
    config_of,
    config_option,
    db_option,
    json_option,
    private_option,
    with_seed_options,
)
from archiver.errors import ArchiverError, InputError
from archiver.store.refusals import DatabaseError, refusal

if TYPE_CHECKING:
    from archiver.jobs.afterwards import Ended
    from archiver.jobs.config import Config
    from archiver.jobs.eventlog import EventLog
    from archiver.jobs.reporting import Report


@click.command()
@click.argument("seeds", nargs=-1)
@with_seed_options
@db_option
@config_option
@private_option
@click.option("--offline", is_flag=True, help="Read and judge what is there; ask nobody.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True), help="Answer requests from a recording.")
@click.option("--recheck", is_flag=True, help="Look at every known ref again now, due or not.")
@click.option("--max-time", metavar="TIME", help="Begin nothing new after this long, 10m or 2h; the rest stays due.")
@click.option("--max-bytes", metavar="SIZE", help="Begin nothing new after so many bytes came, 500MB or 2GB.")
@click.option("--brief", is_flag=True, help="Print one line: what was done, what waits, what is the matter.")
@click.option(
    "--quiet",
    is_flag=True,
    help="For cron: print one line where something is the matter that was not told within a day, or is over; else "
    "nothing.",
)
@click.option(
    "--log-json",
    default="",
    metavar="FILE|-",
    help="Append what happens to FILE as it does, one JSON object a line; - for standard output, without a report.",
)
@click.option(
    "--metrics",
    "metrics_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write numbers for Prometheus to this file when the run ends; default as configured.",
)
@json_option
def run(
    seeds: tuple[str, ...],
    collection: str,
    column: str,
    media_type: str,
    db: Path,
    config_path: Path | None,
    allow_private: tuple[str, ...],
    offline: bool,
    replay: Path | None,
    recheck: bool,
    max_time: str | None,
    max_bytes: str | None,
    brief: bool,
    quiet: bool,
    log_json: str,
    metrics_path: Path | None,
    as_json: bool,
) -> None:
    """Takes SEEDS (files, folders, addresses, or - for standard input), captures what they quote and what is due,
    and says what was found. With no SEEDS: the folder seeds/ if there is one."""
    from archiver.jobs.eventlog import EventLog
    from archiver.jobs.limits import Limits, Size
    from archiver.jobs.run import FOLDER, Options, run_archive
    from archiver.render.run import print_run, progress_bar
    from archiver.schedule import Period

    if offline and replay:
        raise InputError("--offline and --replay exclude each other", hint="Choose one")
    if sum((as_json, brief, quiet)) > 1 or (log_json == "-" and as_json):
        raise InputError("--json, --brief and --quiet exclude each other, and --log-json - is one, too")
    if not seeds and FOLDER.is_dir():
        seeds = (str(FOLDER),)
    options = Options(
        seeds=seeds,
        collection=collection,
        column=column,
        media_type=media_type,
        offline=offline,
        replay=replay,
        recheck=recheck,
        limits=Limits(
            time=None if max_time is None else Period.parse(max_time),
            size=None if max_bytes is None else Size.parse(max_bytes),
        ),
        command=" ".join(sys.argv[1:]),
    )
    log = EventLog.to(log_json)

    def work(config: Config) -> Report:
        with progress_bar(quiet=as_json or brief or quiet or log_json == "-") as progress:
            return run_archive(db, config, options, progress=progress, log=log)

    ended, config = _run(db, lambda: config_of(config_path, allow_private), work, log)
    watched = _Watched(quiet=quiet, brief=brief, aside=log_json == "-", metrics=metrics_path)
    told = _afterwards(db, config, ended, watched, log)
    log.close()
    if ended.error is not None:
        if quiet and not isinstance(ended.error, KeyboardInterrupt):
            sys.exit(0 if ended.busy is not None and not ended.busy.stuck else ended.code)
        if ended.busy is not None:  # nothing that was given is wrong: it is still to be done
            click.echo(f"archiver: {ended.error}", err=True)
            sys.exit(ended.code)
        raise ended.error
    if ended.report is not None and not (quiet or brief or log_json == "-"):
        print_run(ended.report, db, as_json=as_json)
    for problem in () if quiet else told:
        click.echo(f"archiver: {problem}", err=True)
    sys.exit(ended.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """Who wants to know how a run ended. `aside`: standard output is taken."""

    quiet: bool
    brief: bool
    aside: bool
    metrics: Path | None


def _run(
    db: Path, configure: Callable[[], Config], work: Callable[[Config], Report], log: EventLog
) -> tuple[Ended, Config | None]:
    """Runs, and says how it ended, also where an error ended it. What is no error of ours goes on up."""
    from archiver.jobs.afterwards import Ended, ended_with

    began, config = time.time(), None
    try:
        config = configure()
        report = work(config)
    except (ArchiverError, DatabaseError, OSError, KeyboardInterrupt) as raised:
        told = refusal(raised, db) if isinstance(raised, (DatabaseError, OSError)) else None
        if isinstance(raised, DatabaseError) and told is None:
            raise  # a fault of this program
        error = told or raised
        ended = ended_with(error, began)
        log.say("failed", kind="busy" if ended.busy else type(error).__name__, text=str(error))
        log.say("end", exit=ended.code, seconds=round(ended.seconds, 3), left_out=log.left_out)
        return ended, config
    code = FAILED * report.failed | BAD_INPUT * bool(report.problems) | INTEGRITY * bool(report.broken)
    return Ended(code=code, began=began, seconds=max(0.0, time.time() - began), report=report), config


def _afterwards(db: Path, config: Config | None, ended: Ended, watched: _Watched, log: EventLog) -> list[str]:
    """Prints the line, writes the metrics. Of what could not be written, what no report told."""
    path = watched.metrics or (Path(config.metrics) if config is not None and config.metrics else None)
    if not (watched.quiet or watched.brief or path):
        return []
    from archiver.jobs import afterwards
    from archiver.render.run import brief_line

    found = afterwards.look(db, config) if ended.busy is None else None
    told = []
    if path is not None and ended.busy is None:  # who holds the archive writes its own
        told += [text] if (text := afterwards.write_metrics(path, db, ended, found)) else []
    if watched.quiet and not isinstance(ended.error, KeyboardInterrupt):
        line = afterwards.line(db, ended, found, [*told, *([log.trouble] if log.trouble else [])])
        if line:
            click.echo(line, err=watched.aside)
    elif watched.brief and ended.report is not None:
        click.echo(brief_line(ended.report, db, None if found is None else found[1]), err=watched.aside)
    return told


@click.command()
@db_option
@config_option
@click.option(
    "--check",
    is_flag=True,
    help="For monitors: exit with 1 where something needs attention, with 4 where it is broken.",
)
@json_option
def status(db: Path, config_path: Path | None, check: bool, as_json: bool) -> None:
    """How the archive is and why, what it holds, what waits and when, which platforms work today, how the last runs
    ended."""
    from contextlib import closing

    from archiver.jobs.health import judge
    from archiver.jobs.status import status_of
    from archiver.jobs.trouble import ATTENTION, BROKEN
    from archiver.render.status import print_status
    from archiver.store.archive import open_reader

    config = config_of(config_path)
    with closing(open_reader(db)) as archive:
        found = status_of(
            archive,
            renew_days=config.renew_days,
            off=lambda host: config.manners.of_host(host).off,
            channels=config.hooks.channels,
        )
    health = judge(found)
    print_status(found, health, as_json=as_json)
    sys.exit({ATTENTION: FAILED, BROKEN: INTEGRITY}.get(health.verdict, 0) if check else 0)
