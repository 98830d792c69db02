"""`archiver erase`: takes content out for good, and keeps its hashes, so that the log still proves the rest."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click

from archiver.cli import FAILED, INTEGRITY, config_of, config_option, db_option, json_option
from archiver.errors import InputError
from archiver.jobs import erase as jobs
from archiver.jobs.session import open_session
from archiver.render.erase import print_erased, print_shown


@click.command()
@click.argument("what", metavar="REF|BLOB")
@click.option("--reason", required=True, help="Why: it stands in the log for good.")
@click.option("--who", default="", help="Who decides; default is the operator of the configuration, else the user.")
@click.option("--yes", is_flag=True, help="Erase. Without it only what would go is listed.")
@db_option
@config_option
@json_option
def erase(what: str, reason: str, who: str, yes: bool, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Takes a post (with its media), a file, a page, a document, or one body by its SHA-256, out of the archive:
    bodies, leaves and requests of the captures that asked for it, readings, indexes, free pages. Hashes, times and
    proofs stay, and an erase leaf says who did it and why. Other posts that stand in the same answers are kept in a
    copy without it. What is erased by its ref is not fetched again. Bundles and backups are beyond it, and are listed.
    This cannot be undone."""
    if not reason.strip():
        raise InputError("an erasure needs a reason", place="--reason", hint="Say why: it stands in the log for good")
    if not yes:
        print_shown(jobs.show(db, what), as_json=as_json)
        return
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    config = config_of(config_path)
    with open_session(db, config, doing="erase") as session:
        done = jobs.erase(session, what, reason=reason, who=who or config.operator or getpass.getuser())
    print_erased(done, as_json=as_json)
    sys.exit(INTEGRITY * done.broken | FAILED * bool(done.unexplained or not done.cleaned))
