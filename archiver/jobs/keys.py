"""How the keys of a log are made, replaced, given up and shown. Which of them count is said by `key` leaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from archiver.custody import note
from archiver.errors import InputError, IntegrityError
from archiver.jobs.config import LOG_KEY, Config
from archiver.jobs.keyring import PrivateKey, Ring, checked, key_path, ring, seen, write_private
from archiver.jobs.session import Session
from archiver.store.checkpoints import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of a key: made, adopted (it was at hand and the log did not know it), added or retired."""

    origin: str
    how: str
    vkey: str
    place: str
    notes: tuple[str, ...] = ()


def create(session: Session) -> Changed:
    """Gives the log its first key: the one at hand, or a new one. InputError when it has one, or none can be kept;
    IntegrityError when it was renamed behind our back."""
    tree = session.evidence.tree
    origin, active = tree.name(), tree.active()
    if active:
        ids = ", ".join(key.id.hex() for key in active)
        raise InputError(
            f"{origin} has a key already ({ids})", place=str(session.archive.path), hint="Replace it with `keys rotate`"
        )
    if history := tree.key_history():
        raise IntegrityError(f"the log is called {origin}, and its keys are those of {history[-1].name}")
    held = ring(session.config, origin)
    return _added(session, held, origin, "adopted" if held.keys else "made", fresh=not held.keys)


def rotate(session: Session) -> Changed:
    """Adds a key: from now on all that are at hand sign, until the older ones are retired. InputError when no key was
    made before, or the keys come from the environment and hold no new one."""
    tree = session.evidence.tree
    origin, active = tree.name(), tree.active()
    if not active:
        raise InputError(f"{origin} has no key yet", hint="Make one with `archiver keys create`")
    held = ring(session.config, origin)
    known = {key.vkey for key in tree.key_history()}
    new = tuple(key for key in held.keys if str(key.public) not in known)
    if not new and held.path is None:
        raise InputError(
            "the keys come from the environment, and all of them are known",
            place=LOG_KEY,
            hint="Put the new one on a line of its own after the old one, and run this again",
        )
    lost = [f"{key.id.hex()} is not in {held.place}" for key in active if held.find(str(key)) is None]
    notes = [f"{what}: it cannot sign in the overlap; give it up with `archiver keys retire`" for what in lost]
    return _added(session, held, origin, "added", fresh=not new, notes=tuple(notes))


def _added(session: Session, held: Ring, origin: str, how: str, *, fresh: bool, notes: tuple[str, ...] = ()) -> Changed:
    """The private part is durable before any leaf names the key: a crash in between leaves a key to adopt."""
    known = {key.vkey for key in session.evidence.tree.key_history()}
    if fresh:
        key = checked(PrivateKey(name=origin, seed=secrets.token_bytes(32)))
        assert held.path is not None
        write_private(held.path, _text((*held.others, *held.keys, key)), replace=bool(held.keys or held.others))
    else:
        key = next(key for key in held.keys if str(key.public) not in known)
    vkey = str(key.public)
    with session.archive.transaction():
        session.evidence.key(origin, vkey, "add")
        session.archive.db.execute("UPDATE origin SET vkey = ? WHERE id = ?", (vkey, session.evidence.origin))
    if held.path is not None and held.path.parent.resolve().is_relative_to(session.archive.path.parent.resolve()):
        notes += ("the key lies beside the archive: whoever copies the folder can sign in its name",)
    return Changed(origin=origin, how=how, vkey=vkey, place=held.place, notes=notes)


def _text(keys: tuple[PrivateKey, ...]) -> str:
    return "".join(f"{key.secret()}\n" for key in keys)


def retire(session: Session, key_id: str) -> Changed:
    """Gives a key up: it signs no more, and its private part leaves the key file. InputError for the last one."""
    tree = session.evidence.tree
    active = tree.active()
    chosen = [key for key in active if key.id.hex() == key_id.lower()]
    if not chosen:
        ids = ", ".join(key.id.hex() for key in active) or "none"
        raise InputError(f"no key {key_id} signs this log", hint=f"Those that do: {ids}")
    if len(active) == 1:
        raise InputError(f"{key_id} is the only key of this log", hint="Add another with `archiver keys rotate` first")
    origin, vkey = tree.name(), str(chosen[0])
    held = ring(session.config, origin)
    rest = tuple(key for key in held.keys if str(key.public) != vkey)
    if not any(str(key.public) in {str(other) for other in active} for key in rest):
        raise InputError(
            f"no other key of this log is in {held.place}", hint="Put it there first: nothing could be signed after"
        )
    with session.archive.transaction():
        session.evidence.key(origin, vkey, "retire")
        newest = str(next(key for key in reversed(active) if str(key) != vkey))
        session.archive.db.execute("UPDATE origin SET vkey = ? WHERE id = ?", (newest, session.evidence.origin))
    notes: tuple[str, ...] = ()
    if held.path is not None and len(rest) < len(held.keys):
        write_private(held.path, _text((*held.others, *rest)), replace=True)
    elif held.path is None:
        notes = (f"take it out of {LOG_KEY}, too",)
    return Changed(origin=origin, how="retired", vkey=vkey, place=held.place, notes=notes)


def new_origin(session: Session, *, name: str, reason: str, by: str) -> Changed:
    """Goes on under another name and key: what a log that was restored from a backup must do, since under its old name
    a larger tree was signed. A `transfer` leaf says from which name, at which size and root, and why. Keys of the old
    name sign no more; its checkpoints stay and are heads of the same tree. InputError or IntegrityError, and nothing
    is changed, when it cannot be done."""
    tree = session.evidence.tree
    old, name = tree.name(), name or f"quotechain/{secrets.token_hex(8)}"
    if not reason.strip():
        raise InputError("a new origin needs a reason", place="--reason", hint="Say what was restored, and why")
    if session.archive.one("SELECT 1 FROM origin WHERE name = ?", name) or any(
        k.name == name for k in tree.key_history()
    ):
        raise InputError(f"{name} was a name of this log before", place="--name", hint="Choose a new one")
    checked(PrivateKey(name=name, seed=bytes(32)))
    newest = tree.newest()
    if newest is not None and not tree.holds(note.Checkpoint.parse(newest.text)):
        raise IntegrityError("the log does not hold the tree that its own newest checkpoint signed")
    held = ring(session.config, name)
    if seen(session.config, name) is not None:
        raise InputError(f"{name} was signed before by this user", place="--name", hint="Choose a new one")
    with session.archive.transaction():
        size = tree.size()
        fields = {"from": old, "to": name, "size": str(size), "root": tree.root().hex()}
        session.evidence.append("transfer", {**fields, "at": session.now(), "who": by, "reason": reason})
        for key in tree.active():
            session.evidence.key(old, str(key), "retire")
        session.archive.db.execute("UPDATE origin SET name = ? WHERE id = ?", (name, session.evidence.origin))
        return _added(session, held, name, "adopted" if held.keys else "made", fresh=not held.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One key as `keys show` tells it: since which leaf it signs, until which; whether its private part is at hand."""

    vkey: str
    key_id: str
    added: int
    retired: int | None
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The keys of a log, where private parts are looked for, what is wrong there, and the newest checkpoint."""

    origin: str
    place: str
    problem: str
    keys: tuple[Listed, ...]
    leaves: int
    signed: int
    signed_at: str


def show(tree: Tree, config: Config) -> Shown:
    """Reads only."""
    origin, problem = tree.name(), ""
    held = Ring(place=LOG_KEY if config.log_key else "", path=None)
    try:
        if not config.log_key:
            held = Ring(place=str(key_path(config, origin)), path=None)
        held = ring(config, origin)
    except InputError as error:
        problem = str(error)
    history = tree.key_history()
    gone = {key.vkey: key.leaf for key in history if key.action == "retire"}
    newest = tree.archive.one(
        "SELECT size, at FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", tree.origin
    )
    return Shown(
        origin=origin,
        place=held.place,
        problem=problem,
        keys=tuple(
            Listed(
                vkey=key.vkey,
                key_id=key.key.id.hex(),
                added=key.leaf,
                retired=gone.get(key.vkey),
                here=held.find(key.vkey) is not None,
            )
            for key in history
            if key.action == "add"
        ),
        leaves=tree.size(),
        signed=0 if newest is None else int(newest["size"]),
        signed_at="" if newest is None else str(newest["at"]),
    )


def public_pem(key: note.VerifierKey) -> str:
    """The public key as SubjectPublicKeyInfo (RFC 8410), which openssl reads."""
    der = bytes.fromhex("302a300506032b6570032100") + key.public
    return f"-----BEGIN PUBLIC KEY-----\n{note.to_base64(der)}\n-----END PUBLIC KEY-----\n"
