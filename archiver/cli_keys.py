"""`archiver keys`: the keys that sign the log of an archive."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import click

from archiver.cli import INTEGRITY, config_of, config_option, db_option, json_option
from archiver.errors import InputError
from archiver.jobs import checkpoint
from archiver.jobs import keys as jobs
from archiver.jobs.session import Session, open_session
from archiver.render.text import say
from archiver.store.archive import open_reader
from archiver.store.checkpoints import Tree


@click.group()
def keys() -> None:
    """The keys that sign the log: heads of it (checkpoints) end every run. The private part lies outside the archive;
    the public part (a vkey) belongs into other hands, by another way than the archive."""


def _changed(session: Session, changed: jobs.Changed, *, as_json: bool) -> None:
    """Says what became of a key, and signs the head that the change made. Ends the command with 4 where the log is not
    the one that was signed before."""
    sealed = checkpoint.seal(session, make=False)
    notes = [*changed.notes, *sealed.notes, *sealed.problems, *([sealed.broken] if sealed.broken else [])]
    size = 0 if sealed.head is None else sealed.head.size
    if as_json:
        shown = {"origin": changed.origin, "how": changed.how, "vkey": changed.vkey, "place": changed.place}
        click.echo(json.dumps({**shown, "notes": notes, "signed": size}, indent=2))
        sys.exit(INTEGRITY if sealed.broken else 0)
    private = "" if changed.how == "retired" else f" (private part: {changed.place})"
    say(f"{changed.how}: {changed.vkey}{private}")
    for note in notes:
        say(f"Note: {note}")
    if size:
        say(f"Signed: {changed.origin}, {size} leaves.")
    if changed.how != "retired":
        say("Keep a copy of the private part elsewhere. Publish what `archiver keys export` prints.")
    sys.exit(INTEGRITY if sealed.broken else 0)


def _existing(db: Path) -> Path:
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    return db


@keys.command()
@db_option
@config_option
@json_option
def create(db: Path, config_path: Path | None, as_json: bool) -> None:
    """Makes the first key of this archive's log, or takes the one that is at hand. `archiver run` does the same."""
    with open_session(_existing(db), config_of(config_path)) as session:
        _changed(session, jobs.create(session), as_json=as_json)


@keys.command()
@db_option
@config_option
@json_option
def show(db: Path, config_path: Path | None, as_json: bool) -> None:
    """Which keys sign the log, where their private parts are, and what was last signed."""
    shown = jobs.show(_tree(db), config_of(config_path))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(shown), indent=2))
        return
    say(f"Log: {shown.origin}, {shown.leaves} leaves; private keys are looked for in {shown.place or 'no place'}.")
    if shown.problem:
        say(f"! {shown.problem}")
    for key in shown.keys:
        until = "" if key.retired is None else f" until leaf {key.retired}"
        here = "private part here" if key.here else "private part not here"
        say(f"{key.key_id}: since leaf {key.added}{until}; {here}")
        say(f"  {key.vkey}")
    if not shown.keys:
        say("It has no key: make one with `archiver keys create`.")
    signed = f"{shown.signed} leaves, {shown.signed_at}" if shown.signed else "nothing yet"
    say(f"Newest checkpoint: {signed}.")


@keys.command()
@db_option
@config_option
@json_option
def rotate(db: Path, config_path: Path | None, as_json: bool) -> None:
    """Adds a key. All keys sign from now on, until `retire` gives the old one up: give the new vkey out in between."""
    with open_session(_existing(db), config_of(config_path)) as session:
        _changed(session, jobs.rotate(session), as_json=as_json)


@keys.command()
@click.argument("key_id")
@db_option
@config_option
@json_option
def retire(key_id: str, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Gives up the key KEY_ID (eight digits, see `show`): it signs no more and leaves the key file."""
    with open_session(_existing(db), config_of(config_path)) as session:
        _changed(session, jobs.retire(session, key_id), as_json=as_json)


@keys.command("new-origin")
@click.option("--reason", required=True, help="Why: kept in the log.")
@click.option("--name", default="", help="The new name; default `quotechain/` and 16 random digits.")
@click.option("--by", default="", help="Who decides; default is the operator of the configuration.")
@db_option
@config_option
@json_option
def new_origin(reason: str, name: str, by: str, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Goes on under another name and key, after a backup was restored: a smaller log than the one that was signed must
    never be signed under the same name. A leaf of the log says so, and why."""
    config = config_of(config_path)
    with open_session(_existing(db), config) as session:
        made = jobs.new_origin(session, name=name, reason=reason, by=by or config.operator)
        _changed(session, made, as_json=as_json)


@keys.command()
@click.option("--pem", "form", flag_value="pem", help="As PEM, for openssl.")
@click.option("--ssh", "form", flag_value="ssh", help="As a line for ssh-keygen.")
@click.option("--vkey", "form", flag_value="vkey", default="vkey", help="As a C2SP verifier key (the default).")
@db_option
def export(form: str, db: Path) -> None:
    """Prints the public keys that sign the log now."""
    from archiver.custody.sshsig import public_line

    active = _tree(db).active()
    if not active:
        raise InputError("this log has no key yet", place=str(db), hint="Make one with `archiver keys create`")
    for key in active:
        text = {"pem": jobs.public_pem(key), "ssh": public_line(key.public, key.name)}.get(form, str(key))
        click.echo(text.rstrip("\n"))


def _tree(db: Path) -> Tree:
    archive = open_reader(db)
    if archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'log_key'") is None:
        raise InputError(
            "this archive was made by an older version", place=str(db), hint="Make its key with `archiver keys create`"
        )
    return Tree(archive, int(str(archive.value("SELECT id FROM origin WHERE local = 1"))))
