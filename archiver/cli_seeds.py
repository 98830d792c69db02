"""`archiver seeds`: which seeds keep what they lead to under watch, and a person's word on that."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from archiver.cli import config_of, config_option, db_option, json_option
from archiver.errors import InputError


@click.group(invoke_without_command=True)
@db_option
@json_option
@click.pass_context
def seeds(context: click.Context, db: Path, as_json: bool) -> None:
    """Which seeds lead to how many refs, and which are kept no longer. What no seed keeps is not looked at again; what
    was captured stays."""
    if context.invoked_subcommand is not None:
        return
    from archiver.jobs.keeping import seeds as kept_seeds
    from archiver.render.text import line, moment, safe
    from archiver.store.archive import open_reader

    found = kept_seeds(open_reader(db))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(kept) for kept in found], indent=2))
        return
    for kept in found:
        refs = f"{kept.refs} ref{'' if kept.refs == 1 else 's'}"
        ended = f"kept no longer since {moment(kept.dropped_at)}: {kept.reason}" if kept.dropped_at else "kept"
        line((safe(kept.seed), "bold"), f"  {refs}, {safe(ended)}")
    if not found:
        click.echo("No seed leads to anything yet: `archiver run SEED`.")


@seeds.command()
@click.argument("names", nargs=-1, required=True, metavar="SEED...")
@click.option("--reason", required=True, help="Why: shown beside the seed.")
@db_option
@config_option
def drop(names: tuple[str, ...], reason: str, db: Path, config_path: Path | None) -> None:
    """Keeps SEED (a name, or a glob) no longer: what only it leads to is not looked at again, also when a run finds the
    seed. Nothing that was captured is touched."""
    from archiver.jobs import keeping
    from archiver.jobs.session import open_session

    reason = " ".join(reason.split())
    if not reason or reason == keeping.MISSING:
        raise InputError("a decision needs a reason", place="--reason", hint="Say why it is not to be watched")
    _existing(db)
    with open_session(db, config_of(config_path)) as session:
        for name in dict.fromkeys(found for given in names for found in keeping.known(session.archive, given)):
            click.echo(keeping.drop(session, name, reason)[1])


@seeds.command()
@click.argument("names", nargs=-1, required=True, metavar="SEED...")
@db_option
@config_option
def keep(names: tuple[str, ...], db: Path, config_path: Path | None) -> None:
    """Keeps SEED (a name, or a glob) again: what it leads to is due at once, or six hours after
    its last look."""
    from archiver.jobs import keeping
    from archiver.jobs.session import open_session

    _existing(db)
    with open_session(db, config_of(config_path)) as session:
        for name in dict.fromkeys(found for given in names for found in keeping.known(session.archive, given)):
            again = keeping.keep(session, name)
            click.echo(f"{name}: kept; {again} ref{'' if again == 1 else 's'} looked at again")


def _existing(db: Path) -> None:
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
