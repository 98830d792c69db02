"""Hands out evidence: what was asked for, found in the archive, written as a bundle, and logged as having left."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from archiver.bundle import recorded
from archiver.bundle.bag import Sign
from archiver.bundle.choice import Choice, choose, neighbours
from archiver.bundle.indexing import Indexing
from archiver.bundle.leaves import leaves
from archiver.bundle.proving import Head, head
from archiver.bundle.writing import Plan, Written, write
from archiver.custody import note, sshsig
from archiver.errors import InputError
from archiver.jobs import checkpoint, keyring
from archiver.jobs.renewing import renewing
from archiver.jobs.session import Session
from archiver.jobs.show import find
from archiver.model import Ref
from archiver.net.clock import utc_now
from archiver.net.uid import new_uid
from archiver.store.archive import Archive, DatabaseError, open_reader
from archiver.store.checkpoints import Tree

NAMESPACE = "quotechain-bundle"
_KEYS = "Make its key with `archiver keys create`, or fetch it from a backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants exported: refs or addresses of posts and documents, documents, a query whose first column
    holds refs, a collection. At least one of them."""

    refs: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    query: str = ""
    collection: str = ""

    def __str__(self) -> str:
        parts = [*self.refs, *(f"document {name}" for name in self.documents)]
        parts += [f"query {self.query}"] * bool(self.query) + [f"collection {self.collection}"] * bool(self.collection)
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What would leave the house. `neighbours` are (ref, handle) of posts that nobody asked for and that stand in the
    same answers; `missing` are bodies that were erased; `erased` says how many captures stay since their leaf was;
    `size` are the bytes of all bodies, `carried` those of the web archive, which holds a body once for each capture;
    `head` is the size of the signed head that they would be proved under, 0 where one is to be signed first."""

    what: str
    posts: tuple[str, ...]
    documents: tuple[str, ...]
    captures: tuple[tuple[str, str], ...]
    neighbours: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    erased: int
    leaves: int
    blobs: int
    size: int
    carried: int
    head: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A bundle that was written: where, how large in bytes, what it holds, its signed head, the leaf that says so.
    `broken` says that the log is not the one that was signed last: what is proved still is, under an older head."""

    path: str
    size: int
    origin: str
    head: int
    leaf: int
    sealed: bool
    written: Written
    notes: tuple[str, ...] = field(default=())
    broken: str = ""


def choice_of(archive: Archive, asked: Asked, found: Iterable[Ref] | None = None) -> Choice:
    """What is asked for, by local keys. `found` are the refs that its query gave, where somebody has asked it already.
    InputError when the archive does not know it, or it is nothing to export."""
    posts: list[int] = []
    documents: list[int] = []
    for what in asked.refs:
        _file(archive, find(archive, what), what, posts, documents)
    for what in asked.documents:
        ref = find(archive, what)
        _file(archive, ref, what, posts, documents)
        if ref.platform != "doc":
            documents += _documents_at(archive, ref, what)
    if asked.query:
        given = _queried(archive, asked.query) if found is None else (find(archive, str(ref)) for ref in found)
        for ref in given:
            _file(archive, ref, str(ref), posts, documents)
    if asked.collection:
        held = archive.all(
            "SELECT d.document FROM collection_documents d JOIN collections c ON c.id = d.collection WHERE c.name = ?",
            asked.collection,
        )
        if not held:
            raise InputError(f"no collection {asked.collection!r}", hint=_collections(archive))
        documents += [row[0] for row in held]
    if not posts and not documents:
        raise InputError("nothing was named to export", hint="Give refs, --document, --query or --collection")
    choice = choose(archive, posts, documents)
    if not len(choice.captures):
        if len(choice.erased):
            raise InputError(f"all that was captured of {asked} was erased", hint="There is nothing to export")
        raise InputError(f"nothing of {asked} was captured", hint="Capture it first: `archiver run ADDRESS`")
    return choice


def _file(archive: Archive, ref: Ref, what: str, posts: list[int], documents: list[int]) -> None:
    key = int(str(archive.value("SELECT id FROM refs WHERE ref = ?", str(ref))))
    if archive.one("SELECT 1 FROM documents WHERE id = ?", key) is not None:
        documents.append(key)
    elif (passage := archive.one("SELECT document FROM mentions WHERE ref = ?", key)) is not None:
        documents.append(passage[0])
    elif pages := _documents_at(archive, ref, what, strict=False):
        documents += pages
    else:
        posts.append(key)


def _documents_at(archive: Archive, ref: Ref, what: str, *, strict: bool = True) -> list[int]:
    """The documents that captures of a page read as."""
    rows = archive.all(
        "SELECT DISTINCT d.id FROM documents d JOIN captures c ON c.id = d.capture WHERE c.ref = ? ORDER BY d.id",
        str(ref),
    )
    if strict and not rows:
        raise InputError(f"{what} is no document", hint="Give the ref of a document, its address or the name of a seed")
    return [row[0] for row in rows]


def _queried(archive: Archive, query: str) -> Iterator[Ref]:
    """The refs that a query finds, one after the other."""
    reader = open_reader(archive.path)  # whatever the query says, it cannot write
    found = False
    try:
        for row in reader.db.execute(query):
            found = True
            try:
                ref = Ref.parse(row[0])
            except (InputError, TypeError, AttributeError):
                raise InputError(
                    f"the query gives {row[0]!r}, which is no ref",
                    place="--query",
                    hint="Its first column must hold refs, as in `SELECT ref FROM gone`",
                ) from None
            yield find(archive, str(ref))
    except DatabaseError as error:
        raise InputError(f"the query cannot be answered: {error}", place="--query") from None
    finally:
        reader.db.close()
    if not found:
        raise InputError("the query finds nothing", place="--query")


def _collections(archive: Archive) -> str:
    names = [row[0] for row in archive.all("SELECT name FROM collections ORDER BY name LIMIT 20")]
    return f"There are these: {', '.join(names)}" if names else "There are none"


def listed(archive: Archive, asked: Asked, found: Iterable[Ref] | None = None) -> Listed:
    """What would leave the house; a connection that only reads is enough. `found` as for `choice_of`."""
    choice = choice_of(archive, asked, found)
    tree, indexing = Tree(archive, local(archive)), Indexing(archive, choice)
    held = recorded.bodies(archive, choice)
    rows = [(row["uid"], row["url"], row["body_size"] or 0) for row in recorded.rows(archive, choice.captures)]
    chosen = leaves(archive, tree.origin, choice)
    signed = head(archive, tree, chosen.needed)
    if signed is None:
        keys: tuple[int, ...] = tuple(key.leaf for key in tree.key_history())
    else:
        chosen, _ = renewing(archive, tree.origin, choice, chosen, signed.checkpoint.size, utc_now())
        keys = signed.key_leaves
    return Listed(
        what=str(asked),
        posts=tuple(indexing.post_refs()),
        documents=tuple(entry["ref"] for entry in indexing.documents()),
        captures=tuple((uid, url) for uid, url, _ in rows),
        neighbours=tuple((row["ref"], row["handle"]) for row in neighbours(archive, choice)),
        missing=tuple(held.missing.items()),
        erased=len(choice.erased),
        leaves=len({*chosen.indexes, *keys}),
        blobs=len(held.blobs) + len(held.missing),
        size=held.size,
        carried=sum(size for _, _, size in rows),
        head=0 if signed is None else signed.checkpoint.size,
    )


def export(session: Session, asked: Asked, path: Path, *, made: str = "") -> Exported:
    """Writes the bundle to a temporary name beside `path` and renames it; then logs that it left. `made` is the time
    that it states; default now. InputError, and nothing is left, when it cannot be written or nothing is signed."""
    archive, tree = session.archive, session.evidence.tree
    if path.exists():
        raise InputError("this file exists", place=str(path), hint="Choose another name: nothing is replaced")
    choice = choice_of(archive, asked)
    chosen = leaves(archive, tree.origin, choice)
    notes: list[str] = []
    signed = _signed(session, chosen.needed, notes)
    origin, size = tree.origin, signed.checkpoint.size
    chosen, needed = renewing(archive, origin, choice, chosen, size, made or session.now())
    if needed > size:
        signed = _signed(session, needed, notes)
    sign, signers = _seal(session, signed, notes)
    plan = Plan(
        what=str(asked),
        made=made or session.now(),
        head=signed,
        leaves=chosen,
        sign=sign,
        signers=signers,
        organisation=session.config.site,
        operator=session.config.operator,
        roots=_roots(session, notes),
        beside=path.parent,
    )
    written = _written(path, lambda file: write(file, archive, tree, choice, plan))
    try:
        leaf = _logged(session, str(asked), written)
    except BaseException:
        path.unlink(missing_ok=True)  # what the log does not remember has not left
        raise
    sealed = checkpoint.seal(session, make=False)
    notes += [*sealed.notes, *sealed.problems]
    told = [line for line in dict.fromkeys(notes) if not any(line != other and line in other for other in notes)]
    return Exported(
        path=str(path),
        size=path.stat().st_size,
        origin=signed.checkpoint.origin,
        head=signed.checkpoint.size,
        leaf=leaf,
        sealed=sign is not None,
        written=written,
        notes=tuple(told),
        broken=sealed.broken,
    )


def _signed(session: Session, needed: int, notes: list[str]) -> Head:
    """The head that the bundle is proved under: one that is there, or one that is signed now."""
    archive, tree = session.archive, session.evidence.tree
    found = head(archive, tree, needed)
    if found is None or not set(found.keys) & set(tree.active()):
        sealed = checkpoint.seal(session, make=False)
        found = head(archive, tree, needed)
        if found is None:
            reasons = [*([sealed.broken] if sealed.broken else []), *sealed.problems, *sealed.notes]
            told = reasons[0] if reasons else "this log has no key"
            raise InputError(f"no signed checkpoint covers these captures: {told}", hint=_KEYS)
        notes += sealed.notes
    return found


def _seal(session: Session, signed: Head, notes: list[str]) -> tuple[Sign | None, str]:
    """How the bundle is sealed: by the first key of the head that is at hand."""
    origin = signed.checkpoint.origin
    try:
        held = keyring.ring(session.config, origin)
    except InputError as error:
        notes.append(f"the bundle has no seal: {error}")
        return None, ""
    for key in signed.keys:
        private = held.find(str(key))
        if private is not None:
            return partial(sshsig.sign, seed=private.seed, namespace=NAMESPACE), _signers(origin, key)
    notes.append(f"the bundle has no seal: none of the keys that signed its checkpoint is in {held.place}")
    return None, ""


def _roots(session: Session, notes: list[str]) -> tuple[tuple[str, str], ...]:
    """The root certificates that are configured for timestamps, by the name of their service."""
    found = []
    for service in session.config.anchors:
        if service.roots:
            try:
                found.append((service.name, Path(service.roots).read_text("utf-8")))
            except (OSError, ValueError) as error:
                notes.append(f"the roots of {service.name} are not in the bundle: {error}")
    return tuple(found)


def _signers(origin: str, key: note.VerifierKey) -> str:
    try:
        return sshsig.allowed_signers(origin, key.public, namespace=NAMESPACE)
    except ValueError:  # a name that cannot stand in such a file
        return sshsig.allowed_signers("log", key.public, namespace=NAMESPACE)


def _written(path: Path, make: Callable[[BinaryIO], Written]) -> Written:
    """A file, whole under its name or not at all."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as file:
                written = make(file)
                file.flush()
                os.fsync(handle)
            os.replace(aside, path)
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()
    except OSError as error:
        hint = "Nothing was left behind. Make room, or choose another place"
        raise InputError(f"cannot be written: {error.strerror or error}", place=str(path), hint=hint) from error
    return written


def _logged(session: Session, what: str, written: Written) -> int:
    """The leaf that says what left the house."""
    evidence, uid = session.evidence, new_uid()
    with session.archive.transaction():
        at, who = session.now(), session.config.operator
        fields = {"what": what, "manifest_sha256": written.manifest_sha256, "leaves": written.leaves}
        leaf = evidence.append("export", {"uid": uid, "at": at, "who": who, **fields})
        session.archive.db.execute(
            "INSERT INTO exports (uid, origin, leaf, at, who, what, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (uid, evidence.origin, leaf, at, who, what, written.manifest_sha256),
        )
    return leaf


def local(archive: Archive) -> int:
    """The log that this archive itself appends to, by its local key."""
    return int(str(archive.value("SELECT id FROM origin WHERE local = 1")))
