"""`archiver doctor`: is everything there that a run needs?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archiver.cli import db_option, json_option


@click.command()
@click.option("--network", is_flag=True, help="Ask each service of [anchors] once; nothing of it is kept.")
@click.option("--probe", is_flag=True, help="Ask each route of each platform once; nothing of it is kept.")
@click.option(
    "--example",
    "examples",
    multiple=True,
    metavar="ADDRESS",
    help="With --probe: the post or page to ask a platform for, in place of its example. Repeatable.",
)
@db_option
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), help="Configuration; default archiver.toml if present."
)
@json_option
def doctor(
    network: bool, probe: bool, examples: tuple[str, ...], db: Path, config_path: Path | None, as_json: bool
) -> None:
    """Looks at configuration, secrets, clock, disk, permissions, key, log, cron and versions, and says what is wrong
    and what to do. Changes nothing, and asks nobody but with --network or --probe. Exit code 1: somebody should look;
    2: something is wrong."""
    from archiver.jobs.doctor import diagnose
    from archiver.render.doctor import print_diagnosis

    found = diagnose(db, config_path, network=network, probe=probe or bool(examples), examples=examples)
    print_diagnosis(found, as_json=as_json)
    sys.exit(found.code)
