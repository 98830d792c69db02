"""`archiver retain`: media whose time is over by `[retention]` of the configuration."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
from pathlib import Path

import click

from archiver.cli import FAILED, INTEGRITY, config_of, config_option, db_option, json_option
from archiver.errors import InputError
from archiver.jobs import retaining
from archiver.jobs.session import open_session
from archiver.net.clock import utc_now
from archiver.render.text import say
from archiver.store.archive import open_reader

MOST = 50


@click.command()
@click.option("--who", default="", help="Who decides; default is the operator of the configuration, else the user.")
@click.option("--yes", is_flag=True, help="Erase what was announced seven days ago or earlier.")
@db_option
@config_option
@json_option
def retain(who: str, yes: bool, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Lists the media files whose time is over by [retention] of the configuration, and with --yes erases those that
    runs have announced for seven days: bytes go, hashes, times and proofs stay, and the log says by which policy."""
    config = config_of(config_path)
    if not yes:
        archive = open_reader(db)
        _list(retaining.due(archive, config.retention, now=utc_now()), as_json=as_json)
        return
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    with open_session(db, config) as session:
        done = retaining.drop(session, config.retention, who=who or config.operator or getpass.getuser())
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), indent=2))
    else:
        size = sum(one.size for one in done.files)
        say(f"Erased {len(done.files)} media files, {size:,} bytes." if done.files else "Nothing was to be erased.")
        for note in done.notes:
            say(f"Note: {note}")
        if not done.cleaned:
            say("Another process keeps old pages: run the command again when it has ended.")
    sys.exit(INTEGRITY * done.broken | FAILED * (not done.cleaned))


def _list(found: list[retaining.Due], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
        return
    if not found:
        say("No media file has had its time.")
        return
    for one in found[:MOST]:
        state = "may go" if one.ripe else f"announced {one.announced[:10]}" if one.announced else "not announced yet"
        name = one.refs[0] if one.refs else one.sha256
        say(f"{name}  {one.size:,} bytes, of {one.since[:10]} ({one.policy}; {state})")
    if len(found) > MOST:
        say(f"… and {len(found) - MOST:,} more (--json lists all)")
    say(
        f"{sum(one.ripe for one in found):,} of {len(found):,} may go: `archiver retain --yes` erases them. The others "
        "wait until runs have announced them for seven days."
    )
