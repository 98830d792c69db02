"""`archiver export`: evidence for others, as a bundle that they check without us."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import click

from archiver.cli import INTEGRITY, config_of, config_option, db_option, json_option
from archiver.errors import InputError
from archiver.jobs import export as jobs
from archiver.jobs.session import open_session
from archiver.render.text import say
from archiver.store.archive import open_reader

MOST = 20


@click.command()
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option(
    "--document", "documents", multiple=True, metavar="REF", help="A document with all it quotes. Repeatable."
)
@click.option("--query", default="", metavar="SQL", help="A SELECT whose first column holds refs.")
@click.option("--collection", default="", metavar="NAME", help="Every document that is filed under this name.")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.zip", help="The bundle to write."
)
@click.option("--dry-run", is_flag=True, help="Only list what would leave the house: write and log nothing.")
@db_option
@config_option
@json_option
def export(
    refs: tuple[str, ...],
    documents: tuple[str, ...],
    query: str,
    collection: str,
    path: Path | None,
    dry_run: bool,
    db: Path,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Writes a bundle of evidence: the posts REF with every capture that shows them, their media, what they quote and
    who quotes them, verdicts, and proofs that all of it stands in the signed log. The log says what was exported. REF
    is a ref (x:post:20), an address, the name of a seed, or a doc: ref as a report shortens it."""
    asked = jobs.Asked(refs=refs, documents=documents, query=query, collection=collection)
    if dry_run:
        _list(jobs.listed(open_reader(db), asked), as_json=as_json)
        return
    if path is None:
        raise InputError("no file is named to write", place="--to", hint="Give --to FILE.zip, or --dry-run")
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    with open_session(db, config_of(config_path), doing="export") as session:
        exported = jobs.export(session, asked, path)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(exported), indent=2))
        sys.exit(INTEGRITY if exported.broken else 0)
    written = exported.written
    say(
        f"{exported.path}: {exported.size:,} bytes, {written.posts} posts, {written.documents} documents, "
        f"{written.verdicts} verdicts, {written.captures} captures, {written.leaves} leaves."
    )
    head = f"{exported.head} leaves of {exported.origin}"
    say(f"Proved under the checkpoint of {head}; logged as leaf {exported.leaf}.")
    say(f"SHA-256 of its manifest: {written.manifest_sha256}")
    for line in exported.notes:
        say(f"Note: {line}")
    if exported.broken:
        say(f"! {exported.broken}")
    say("Whoever gets it needs the public key by another way: what `archiver keys export` prints.")
    sys.exit(INTEGRITY if exported.broken else 0)


def _list(listed: jobs.Listed, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(listed), indent=2))
        return
    say(
        f"{len(listed.posts)} posts, {len(listed.documents)} documents, {len(listed.captures)} captures, "
        f"{listed.leaves} leaves, {listed.blobs} bodies of {listed.size:,} bytes would leave the house."
    )
    _some("Posts", list(listed.posts))
    _some("Documents", list(listed.documents))
    _some("Captures", [f"{uid} {url}" for uid, url in listed.captures])
    others = [f"{ref} @{handle}" for ref, handle in listed.neighbours]
    _some("In the same answers, though nobody asked for them", others)
    if listed.erased:
        say(f"{listed.erased} captures stay at home: their leaves were erased.")
    _some("Not in the archive any more", [f"{sha256} {reason}" for sha256, reason in listed.missing])


def _some(title: str, lines: list[str]) -> None:
    if not lines:
        return
    say(f"{title}:")
    for line in lines[:MOST]:
        say(f"  {line}")
    if len(lines) > MOST:
        say(f"  and {len(lines) - MOST} more (--json lists all)")
