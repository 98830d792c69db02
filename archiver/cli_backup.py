"""`archiver backup`: a checked copy of the archive."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.cli import config_of, config_option, db_option, json_option
from archiver.errors import InputError


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="In a folder: keep the newest N copies.")
@click.option("--force", is_flag=True, help="Replace an archive that is at PATH, once the copy was checked.")
@click.option("--migrate", is_flag=True, help="Then bring the archive to this version's schema: PATH is its copy.")
@click.option("--quiet", is_flag=True, help="Print nothing when all is well.")
@db_option
@config_option
@json_option
def backup(
    path: Path,
    keep: int | None,
    force: bool,
    migrate: bool,
    quiet: bool,
    db: Path,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Copies the archive to PATH, a file, or under a dated name into PATH, a folder: one state of it, also beside a run
    that goes on. The copy is verified before it gets its name. Keys are not in it. docs/operation.md says how it is
    put back."""
    from archiver.jobs import backup as jobs
    from archiver.render.backup import print_backed_up
    from archiver.render.verify import progress_bar

    if migrate and keep:
        raise InputError("--migrate and --keep exclude each other", hint="Choose one")
    config = config_of(config_path)
    with progress_bar(quiet=as_json or quiet) as progress:
        made = jobs.back_up(db, config, path, keep=keep or 0, force=force, progress=progress)
    if migrate:
        jobs.migrate(db, config, Path(made.path))
    print_backed_up(made, as_json=as_json, quiet=quiet)
