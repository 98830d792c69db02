"""Signed heads of the log against the log: their roots, their signatures, and heads that somebody kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from archiver.custody import note
from archiver.errors import InputError, ParseError, ProofError
from archiver.jobs.keyring import PREFIX
from archiver.jobs.verifying_found import Findings, Place
from archiver.store.archive import Archive, Row
from archiver.store.checkpoints import LogKey

MOST_KEYS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One stored checkpoint; `head` is None where it cannot be read."""

    size: int
    root: bytes
    text: str
    at: str
    signed: note.SignedNote | None
    head: note.Checkpoint | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A checkpoint that was kept outside the archive: where it comes from, and what it says. `signed` is None for one
    of which only the text was kept; `own` for the one that stands beside the key of the log."""

    place: str
    head: note.Checkpoint
    signed: note.SignedNote | None
    own: bool = False


def read_kept(path: Path) -> Kept:
    """A checkpoint from a file, with its signatures or without. InputError when it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(path), hint="Name a checkpoint file") from None
    hint = "Give a checkpoint as it was signed: origin, size, root, an empty line, signatures"
    try:
        if b"\n\n" not in data:
            return Kept(place=str(path), head=note.Checkpoint.parse(data), signed=None)
        signed = note.SignedNote.parse(data)
        return Kept(place=str(path), head=note.Checkpoint.parse(signed.text), signed=signed)
    except ParseError as error:
        raise InputError(f"this is no checkpoint: {error}", place=str(path), hint=hint) from None


def read_keys(text: str) -> tuple[note.VerifierKey, ...]:
    """A vkey, or those in the file of that name, one a line, as `keys export` prints them. InputError when it is
    neither."""
    hint = "Give a vkey, NAME+ID+KEY, or a file with the lines of `archiver keys export`"
    place = "--key"
    try:
        path = Path(text)
        if "+" in text and not path.is_file():
            lines = [text]
        else:
            place = text
            lines = [line for line in path.read_text("utf-8").split("\n") if line.strip()]
        if any(line.strip().startswith(PREFIX) for line in lines):
            raise InputError("this is the private key: keep it to yourself", place=place, hint=hint)
        found = tuple(note.VerifierKey.parse(line.strip()) for line in lines)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place, hint=hint) from None
    except ValueError:
        raise InputError("this is no text", place=place, hint=hint) from None
    except ParseError as error:  # it never repeats what stands there
        raise InputError(f"this is no vkey: {error}", place=place, hint=hint) from None
    if not found:
        raise InputError("no key stands here", place=place, hint=hint)
    return found


def stored(archive: Archive, origin: int) -> tuple[Stored, ...]:
    """Every stored checkpoint of a log, smallest first."""
    rows = archive.db.execute(
        "SELECT size, root, note, at FROM log_checkpoint WHERE origin = ? ORDER BY size", (origin,)
    )
    return tuple(map(_stored, rows))


def newest(archive: Archive, origin: int) -> Stored | None:
    """The stored checkpoint of the most leaves."""
    row = archive.one(
        "SELECT size, root, note, at FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", origin
    )
    return None if row is None else _stored(row)


def _stored(row: Row) -> Stored:
    signed = head = None
    fault = ""
    try:
        signed = note.SignedNote.parse(row["note"])
        head = note.Checkpoint.parse(signed.text)
    except ParseError as error:
        fault = f"is no signed checkpoint: {error}"
    return Stored(
        size=row["size"],
        root=bytes(row["root"]),
        text=row["note"],
        at=row["at"],
        signed=signed,
        head=head,
        fault=fault,
    )


class Keys:
    """The keys of one log as its `key` leaves say, and those that the verifier holds."""

    def __init__(self, history: Iterable[LogKey], given: Iterable[note.VerifierKey], wrong: Findings) -> None:
        self.given = tuple(given)
        self.added: list[tuple[int, note.VerifierKey]] = []
        self.retired: dict[str, int] = {}
        for entry in list(history)[:MOST_KEYS]:
            try:
                key = note.VerifierKey.parse(entry.vkey)
            except ParseError as error:
                wrong.add("signature", f"is no key: {error}", Place(table="log_key", key=entry.vkey, leaf=entry.leaf))
                continue
            if entry.action == "add":
                self.added.append((entry.leaf, key))
            else:
                self.retired.setdefault(entry.vkey, entry.leaf)

    def at(self, size: int) -> tuple[note.VerifierKey, ...]:
        """Those that signed a log of `size` leaves."""
        return tuple(key for leaf, key in self.added if leaf < size and self.retired.get(str(key), size) >= size)

    def all(self) -> tuple[note.VerifierKey, ...]:
        """Every key of the log, and every one that was given."""
        return tuple(dict.fromkeys((*self.given, *(key for _, key in self.added))))

    def names(self) -> frozenset[str]:
        return frozenset(key.name for _, key in self.added)


def check(
    heads: tuple[Stored, ...],
    size: int,
    root: Callable[[int], bytes],
    names: frozenset[str],
    keys: Keys,
    wrong: Findings,
) -> None:
    """Each stored checkpoint against the log as it is, and the keys against the checkpoints."""
    for head in heads:
        at = Place(table="log_checkpoint", key=str(head.size))
        if head.head is None or head.signed is None:
            wrong.add("checkpoint", head.fault, at)
            continue
        if (head.head.size, head.head.root) != (head.size, head.root):
            wrong.add("checkpoint", "its row says another size or root than what was signed", at)
        if head.head.origin not in names:
            wrong.add("checkpoint", f"is of another log: {head.head.origin}", at)
        if reason := _against(head.head, size, root):
            wrong.add("checkpoint", reason, at)
        _signature(head.signed, head.head, keys, wrong, at)


def _against(head: note.Checkpoint, size: int, root: Callable[[int], bytes]) -> str:
    if head.size > size:
        return f"{head.size} leaves were signed, and the log has {size}"
    return "" if root(head.size) == head.root else f"the first {head.size} leaves are not those that were signed"


def _signature(signed: note.SignedNote, head: note.Checkpoint, keys: Keys, wrong: Findings, at: Place) -> None:
    try:
        signers = note.signers(signed, keys.all())
    except ProofError as error:
        wrong.add("signature", str(error), at)
        return
    if not signers:
        wrong.add("signature", "no key of this log signed it", at)
        return
    active = keys.at(head.size)
    given = [key for key in keys.given if keys.retired.get(str(key), head.size) >= head.size]
    if not any(key in active or key in given for key in signers):
        which = ", ".join(key.id.hex() for key in signers)
        wrong.add("signature", f"only keys signed it that were not those of the log then: {which}", at)


def check_given(heads: tuple[Stored, ...], keys: Keys, wrong: Findings, unchecked: Findings) -> None:
    """Whether the keys that the verifier holds vouch for the log: its own word on its keys is worth nothing to one
    who has them from elsewhere."""
    given = [key for key in keys.given if key.type == note.ED25519]
    if not given:
        return
    vouched = 0
    for head in heads:
        if head.signed is None:
            continue
        try:
            if note.signers(head.signed, given):
                vouched = max(vouched, head.size)
        except ProofError:
            continue  # told of the checkpoint itself
    newest = max((head.size for head in heads), default=0)
    told = ", ".join(f"{key.name} ({key.id.hex()})" for key in given)
    if not vouched:
        wrong.add(
            "signature", f"no checkpoint is signed by the key that you hold: {told}", Place(table="log_checkpoint")
        )
    elif vouched < newest and not any(str(key) in keys.retired for key in given):
        reason = f"the key that you hold signed the first {vouched} leaves, and nothing since: {told}"
        unchecked.add("signature", reason, Place(table="log_checkpoint", key=str(newest)))


def check_kept(
    kept: Kept, size: int, root: Callable[[int], bytes], keys: Keys, wrong: Findings, unchecked: Findings
) -> None:
    """A kept checkpoint against the log as it is. InputError when the file itself is not what was signed."""
    at = Place(table="log_leaf", key=kept.place)
    try:
        signers = () if kept.signed is None else note.signers(kept.signed, keys.all())
    except ProofError as error:
        raise InputError(str(error), place=kept.place, hint="This file was changed since it was signed") from None
    if not signers and not kept.own:
        reason = "no key that is known here signed it: that it is a head of this log is your word"
        unchecked.add("kept", reason, at)
    if reason := _against(kept.head, size, root):
        wrong.add("kept", f"{kept.head.origin}: {reason}", at)
