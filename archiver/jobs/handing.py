"""Hands out a bundle without writing into the archive: for whoever may only read it, as the reading room does.

It is the bundle that `archiver export` makes of the same choice at the same moment, but for four things that need more
than reading: no seal (the private key is not here), no `export` leaf, no new head for captures that none covers yet,
and nothing of the configuration (operator, roots of timestamping services).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from archiver.bundle.leaves import leaves
from archiver.bundle.proving import Head, head
from archiver.bundle.writing import Plan, Written, write
from archiver.errors import InputError
from archiver.jobs.export import Asked, choice_of, local
from archiver.jobs.renewing import renewing
from archiver.model import Ref
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree

SAID = (
    "Handed out by the reading room of an archive, which only reads: it is not sealed, and no export leaf of the log "
    "names it."
)
"""Stands in bag-info.txt of each such bundle."""


def hand_out(
    archive: Archive,
    asked: Asked,
    file: BinaryIO,
    *,
    made: str,
    found: Iterable[Ref] | None = None,
    beside: Path | None = None,
) -> Written:
    """Writes the bundle into a file that can be sought in. `made` is the time that it states, `beside` the folder of
    what waits on the disk meanwhile. InputError when there is nothing to export, or no signed head covers it."""
    choice = choice_of(archive, asked, found)
    origin = local(archive)
    tree = Tree(archive, origin)
    chosen = leaves(archive, origin, choice)
    signed = covering(archive, tree, chosen.needed)
    chosen, needed = renewing(archive, origin, choice, chosen, signed.checkpoint.size, made)
    if needed > signed.checkpoint.size:
        signed = covering(archive, tree, needed)
    site = archive.value("SELECT site FROM origin WHERE id = ?", origin)
    plan = Plan(
        what=str(asked), made=made, head=signed, leaves=chosen, organisation=str(site), beside=beside, said=SAID
    )
    return write(file, archive, tree, choice, plan)


def covering(archive: Archive, tree: Tree, needed: int) -> Head:
    """The signed head for so many leaves. InputError where none was signed: who only reads cannot sign one."""
    found = head(archive, tree, needed)
    if found is None:
        hint = "The next `archiver run` signs them, where the log has a key (`archiver keys create` makes one)"
        raise InputError("no signed checkpoint covers these captures yet", hint=hint)
    return found
