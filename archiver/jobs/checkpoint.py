"""The signed head that ends a run. What cannot be signed is told and keeps nothing from being captured."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.custody import note
from archiver.errors import InputError, IntegrityError
from archiver.jobs import keyring, keys
from archiver.jobs.session import Session
from archiver.jobs.trouble import ATTENTION, Trouble, of_text

UNSIGNED = "checkpoints are unsigned until `archiver keys create`"


@dataclass(slots=True, kw_only=True)
class Sealed:
    """`head` is what was signed, None where nothing came since the last time or nothing could be signed; `told` says
    that a key was made; `notes` why a signature is missing; `problems` what is wrong with a key file; `broken` that
    this log is not the one that was signed before; `troubles` what of it must reach who reads no report."""

    head: note.Checkpoint | None = None
    signers: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    broken: str = ""
    troubles: list[Trouble] = field(default_factory=list)


def seal(session: Session, *, make: bool) -> Sealed:
    """Signs the head with every key of the log that is at hand. With `make`, a log that has no key is given one.

    Never raises for a key that is missing, refused or of another log, nor for a log that was rolled back: see `Sealed`.
    """
    sealed = Sealed()
    try:
        _seal(session, sealed, make=make)
    except InputError as error:
        sealed.problems.append(str(error))
        sealed.troubles.append(
            of_text(ATTENTION, "key", str(error), "Nothing is signed meanwhile: see archiver doctor")
        )
    except IntegrityError as error:
        sealed.broken = f"{error}. Nothing was signed"
    return sealed


def _seal(session: Session, sealed: Sealed, *, make: bool) -> None:
    tree, config = session.evidence.tree, session.config
    origin, size = tree.name(), tree.size()
    before = keyring.seen(config, origin)
    if before is not None and not tree.holds(before):
        sealed.broken = _rolled_back(before, size)
        return
    if size == tree.signed():
        return
    if not tree.active() and not _first_key(session, sealed, origin, make=make):
        return
    held, active = keyring.ring(config, origin), tree.active()
    found = {str(key): held.find(str(key)) for key in active}
    signing = [key for key in found.values() if key is not None]
    missing = [key.id.hex() for key in active if found[str(key)] is None]
    if not signing:
        what = f"checkpoints are unsigned: the key of this log ({', '.join(missing)}) is not in {held.place}"
        _unsigned(sealed, what, "Put it there; if it is lost, `archiver keys rotate` adds another")
        return
    if missing:
        sealed.notes.append(f"the key {', '.join(missing)} of this log is not in {held.place}: it did not sign")
    signatures: list[note.Signature] = []

    def sign(text: str) -> list[note.Signature]:
        signatures.extend(key.sign(text) for key in signing)
        return signatures

    sealed.head = session.evidence.checkpoint(sign)
    sealed.signers = tuple(key.public.id.hex() for key in signing)
    if sealed.head is None:
        return
    try:
        keyring.remember(config, note.SignedNote(text=str(sealed.head), signatures=tuple(signatures)), origin)
    except InputError as error:
        what = f"the checkpoint is not kept beside the key, so a restored backup goes unnoticed: {error}"
        sealed.notes.append(what)
        next_ = "Let the user of the runs write there"
        sealed.troubles.append(Trouble(key="unkept", level=ATTENTION, what=what, next=next_, passing=True))


def _first_key(session: Session, sealed: Sealed, origin: str, *, make: bool) -> bool:
    """Whether a log without keys has one now. A key that is at hand is taken; a new one is made only with `make`."""
    config = session.config
    try:
        if not make and not keyring.ring(config, origin).keys:
            return False
        made = keys.create(session)
    except InputError as error:
        if config.log_key or keyring.present(config, origin):
            raise  # what a person put there is wrong
        _unsigned(sealed, f"{UNSIGNED}: {error}", "Let the user of the runs write there")
        return False
    sealed.notes += made.notes
    key_id = note.VerifierKey.parse(made.vkey).id.hex()
    if made.how == "made":
        kept = f"its private part is in {made.place}, of which you should keep a copy elsewhere"
        sealed.told.append(f"The log {origin} has its key now, {key_id}: {kept}.")
    else:
        sealed.told.append(f"The log {origin} is signed by the key {key_id} of {made.place} from now on.")
    return True


def _unsigned(sealed: Sealed, what: str, next: str) -> None:
    """Nothing is lost by it: what is not signed now is signed with the next head."""
    sealed.notes.append(f"{what}. {next}")
    sealed.troubles.append(Trouble(key="unsigned", level=ATTENTION, what=what, next=next))


def _rolled_back(before: note.Checkpoint, size: int) -> str:
    what = (
        f"it has {size} leaves, and {before.size} were signed under its name"
        if before.size > size
        else f"its first {before.size} leaves are not those that were signed under its name"
    )
    return (
        f"the log {before.origin} is not the one that was signed last: {what}. It was restored from a backup, copied, "
        "or changed. Nothing was signed. Fetch the newer file back, or go on under another name: `archiver keys "
        "new-origin --reason WHY`"
    )
