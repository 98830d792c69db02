"""`archiver run` and `archiver status`: what cron calls, and what its operator looks at."""

from __future__ import annotations

import sys
from pathlib import Path

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
from archiver.errors import InputError


@click.command()
@click.argument("seeds", nargs=-1)
@with_seed_options
@db_option
@config_option
@private_option
@click.option("--offline", is_flag=True, help="Read and judge what is there; ask nobody.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True), help="Answer requests from a recording.")
@click.option("--recheck", is_flag=True, help="Look at every known ref again now, due or not.")
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
    as_json: bool,
) -> None:
    """Takes SEEDS (files, folders, addresses, or - for standard input), captures what they quote and what is due,
    and says what was found. With no SEEDS: the folder seeds/ if there is one."""
    from archiver.jobs.run import Options, run_archive
    from archiver.render.run import print_run, progress_bar

    if offline and replay:
        raise InputError("--offline and --replay exclude each other", hint="Choose one")
    if not seeds and Path("seeds").is_dir():
        seeds = ("seeds",)
    options = Options(
        seeds=seeds,
        collection=collection,
        column=column,
        media_type=media_type,
        offline=offline,
        replay=replay,
        recheck=recheck,
        command=" ".join(sys.argv[1:]),
    )
    with progress_bar(quiet=as_json) as progress:
        report = run_archive(db, config_of(config_path, allow_private), options, progress=progress)
    print_run(report, db, as_json=as_json)
    code = FAILED if report.failed else 0
    sys.exit(code | BAD_INPUT * bool(report.problems) | INTEGRITY * bool(report.broken))


@click.command()
@db_option
@config_option
@json_option
def status(db: Path, config_path: Path | None, as_json: bool) -> None:
    """What the archive holds, what waits and when, how the last runs ended."""
    from archiver.jobs.status import status_of
    from archiver.render.status import print_status
    from archiver.store.archive import open_reader

    days = config_of(config_path).renew_days
    print_status(status_of(open_reader(db), renew_days=days), as_json=as_json)
