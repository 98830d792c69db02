"""Erasing what somebody posted, with everything that was made of it. Hashes stay, so that proofs hold; who and why
stands in the log.

What goes: the bodies that show it and those that came for it; the leaves, requests and heads of captures that asked for
it (addresses, redirects and facts given to later requests name who posted it); all readings of it. A capture that asked
for something else keeps its leaf and its row: they name only what was asked. Refs stay: they say what was erased, and
that it is not to be fetched again.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archiver import __version__
from archiver.custody import canonical, redaction
from archiver.errors import InputError
from archiver.jobs import checkpoint, follow, read, rebuild
from archiver.jobs.session import Session
from archiver.jobs.show import find
from archiver.model import POST_KINDS, Reading
from archiver.net.uid import new_uid
from archiver.store import dropping, erasing, remains
from archiver.store.archive import Archive, DatabaseError, no_room, open_reader
from archiver.store.blobs import BlobStore
from archiver.store.erasing import TOOL, Concerned

_BLOB = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_KINDS = POST_KINDS | {"media", "page", "document"}
EXPLAINED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An erasure that was made already."""

    leaf: int
    at: str
    who: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Shown:
    """What an erasure would touch; `before` when it was made already and nothing is left to erase."""

    concern: Concerned
    before: Before | None = None
    backups: list[str] = field(default_factory=list)
    exports: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Erased:
    """What was done. `leaf` is the erase leaf; `copies` maps a body that went to the copy that was kept, `uncopied` to
    why none was. `left` maps files to words that they still hold, `held_by` these words to what holds them; `cleaned`
    is False where another process keeps old pages in the write-ahead log; `broken` says that the log is not the one
    that was signed last."""

    shown: Shown
    leaf: int | None = None
    copies: dict[str, str] = field(default_factory=dict)
    uncopied: dict[str, str] = field(default_factory=dict)
    readings: int = 0
    cleaned: bool = True
    broken: bool = False
    looked_for: int = 0
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    held_by: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Words that stand in a file though no document quotes them and no other post says them."""
        found = {piece for pieces in self.left.values() for piece in pieces}
        return tuple(sorted(p for p in found if not any(":" in one for one in self.held_by.get(p, []))))


def show(db: Path, what: str) -> Shown:
    """What would go. Changes nothing. InputError when the archive does not know it, or holds nothing of it."""
    archive = open_reader(db)
    try:
        return shown(archive, what)
    finally:
        archive.db.close()


def shown(archive: Archive, what: str) -> Shown:
    """The same, in an archive that is open."""
    concern = _concern(archive, what)
    found = Shown(concern=concern, backups=remains.backups(archive.path))
    found.exports = [(row["at"], row["what"]) for row in remains.exported(archive)]
    if not any(one.goes or one.own for one in concern.captures) and not concern.sighted:
        row = erasing.earlier(archive, concern.what)
        if row is None:
            raise InputError(
                f"nothing of {concern.what} is stored: it is only referred to", hint="There is nothing to erase"
            )
        found.before = Before(leaf=row["leaf"], at=row["at"], who=row["who"], reason=row["reason"])
    return found


def _concern(archive: Archive, what: str) -> Concerned:
    blob = _BLOB.fullmatch(what)
    if blob is not None:
        if archive.one("SELECT 1 FROM blobs WHERE sha256 = ?", blob[1]) is None:
            hint = "Give a ref, an address, or the SHA-256 of a body as `archiver show` names it"
            raise InputError(f"no body of this archive has the SHA-256 {blob[1]}", hint=hint)
        return erasing.concerned_blob(archive, blob[1])
    ref = find(archive, what)
    if ref.kind not in _KINDS or (ref.platform == "doc" and ref.kind != "document"):
        hint = (
            "Erase each of its posts, a file (web:media:…), a page, a document (doc:document:…), or a body by SHA-256"
        )
        raise InputError(f"{ref} is no post", hint=hint)
    return erasing.concerned(archive, str(ref))


def erase(session: Session, what: str, *, reason: str, who: str) -> Erased:
    """Erases, or where it was erased before only cleans the file once more: an erasure that was interrupted after its
    transaction left old pages in it."""
    if not reason.strip():
        raise InputError("an erasure needs a reason", place="--reason", hint="Say why: it stands in the log for good")
    follow.catch_up(session)
    archive = session.archive
    done = Erased(shown=shown(archive, what))
    words: tuple[str, ...] = ()
    if done.shown.before is None:
        plan = _Plan(session, done)
        words = plan.words
        if redaction.holds(reason, words):
            hint = "Say why without quoting: the reason stands in the log for good"
            raise InputError("the reason repeats words that are to go", place="--reason", hint=hint)
        dropping.secure(archive)
        with archive.transaction():
            plan.carry_out(reason, who)
            rebuild.remake(session)
        sealed = checkpoint.seal(session, make=True)
        done.broken = bool(sealed.broken)
        done.notes += [*sealed.told, *sealed.notes, *sealed.problems, *([sealed.broken] if sealed.broken else [])]
    done.cleaned = _clean(archive)
    done.looked_for = len(words)
    done.left = remains.remains(archive.path, words)
    for piece in dict.fromkeys(piece for pieces in done.left.values() for piece in pieces):
        done.held_by[piece] = list(dict.fromkeys(remains.holders(archive, piece)))[:EXPLAINED]
    return done


def erase_files(session: Session, reasons: Mapping[str, str], *, who: str) -> Erased:
    """Erases media files, each ref for its reason, and makes the readings anew once for all of them. What nothing is
    stored of is left out. The outcome speaks of all; its `shown` is the last one's."""
    follow.catch_up(session)
    archive, done = session.archive, None
    dropping.secure(archive)
    with archive.transaction():
        for what, reason in reasons.items():
            try:
                one = Erased(shown=shown(archive, what))
            except InputError:
                continue  # its bytes went with another address of the same file
            if one.shown.before is not None:
                continue
            _Plan(session, one).carry_out(reason, who)
            one.notes += done.notes if done is not None else []
            done = one
        if done is None:
            raise InputError("nothing of these files is stored", hint="There is nothing to erase")
        rebuild.remake(session)
    sealed = checkpoint.seal(session, make=True)
    done.broken = bool(sealed.broken)
    done.notes += [*sealed.told, *sealed.notes, *sealed.problems, *([sealed.broken] if sealed.broken else [])]
    done.cleaned = _clean(archive)
    return done


def _clean(archive: Archive) -> bool:
    try:
        return dropping.clean(archive)
    except DatabaseError as error:
        if not no_room(error):
            raise
        raise InputError(
            f"it is erased and logged, but its words may still stand in unused pages of the file: {error}",
            place=str(archive.path),
            hint="Cleaning writes the file anew: make as much room as it takes, and run the same command again",
        ) from error


@dataclass(slots=True, kw_only=True)
class _Places:
    """Pointers in one body to what goes and to other posts, and what these say."""

    gone: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)


class _Plan:
    """One erasure, worked out before anything is changed."""

    def __init__(self, session: Session, done: Erased) -> None:
        self.session, self.done, self.concern = session, done, done.shown.concern
        self.archive, self.blobs = session.archive, BlobStore(session.archive)
        self.origin = session.evidence.origin
        self.gone = erasing.as_refs(self.concern.refs or {one.ref for one in self.concern.neighbours})
        said = self.concern.refs or erasing.only_here(self.archive, self.concern)
        texts, self.names = erasing.said(self.archive, said)
        self.words = redaction.pieces(texts)
        self.authors = erasing.authors(self.archive, self.gone)
        self.readings: dict[str, Reading] = {}
        self.new: list[tuple[str, list[str], bytes]] = []
        self.dropped = list(self.concern.blobs)
        self._read()

    def _read(self) -> None:
        pointers: dict[str, _Places] = {}
        bodies: dict[str, bytes] = {}
        going = set(self.concern.blobs)
        for one in self.concern.captures:
            row = self.archive.one(read.CAPTURE + "WHERE c.id = ?", one.id)
            if row is None or row["followed"]:
                continue
            answer = None if row["erased"] else read.answer_from_capture(self.session, row)
            reading = read.read_row(self.session, row).reading if answer is None else read.read_answer(answer).reading
            others = [post for post in reading.posts if post.ref not in self.gone]
            names = self.authors - {post.author for post in others if post.author is not None}
            self.readings[str(one.leaf)] = redaction.without(
                reading, self.gone, names=names, words=self.words, proofs=not (one.goes or one.own)
            )
            places = pointers.setdefault(one.sha256, _Places())
            places.gone |= {post.pointer for post in reading.posts if post.ref in self.gone}
            places.gone |= {account.pointer for account in reading.accounts if account.ref in names}
            places.kept |= {post.pointer for post in others}
            places.said += [said for post in others for said in (post.text, *(item.alt for item in post.media))]
            if answer is not None and one.sha256 in going:
                bodies[one.sha256] = answer.body
        for sha256, body in bodies.items():
            self._copy(sha256, body, pointers[sha256], replaced="")
        self._again(pointers)
        held = {"v": 1, "parser": read.PARSER, "readings": dict(sorted(self.readings.items()))}
        arguments: dict[str, object] = {"what": self.concern.what, "leaves": sorted(map(int, self.readings))}
        self._keep(arguments, list(self.concern.blobs), canonical.dumps(held))

    def _copy(self, sha256: str, body: bytes, places: _Places, *, replaced: str) -> None:
        """A copy of a body without what is erased, where other posts stand in it. Words that these say themselves are
        theirs."""
        gone, kept = places.gone - places.kept, places.kept - places.gone
        words = tuple(piece for piece in self.words if not any(piece in said for said in places.said))
        if not self.concern.refs or not (kept or sha256 in self.concern.found):
            return
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            self.done.uncopied[sha256] = "it is no JSON, so all of it goes; what was read of others is kept"
            return
        copy = redaction.redacted(answer, gone=gone, kept=kept, words=words, names=self.names)
        data = json.dumps(copy, separators=(",", ":")).encode("ascii")
        if any(form in data for piece in words for form in redaction.forms(piece)):
            self.done.uncopied[sha256] = "the words stand in it where no post was read; what was read of others is kept"
            return
        self.done.copies[sha256] = self._keep({"what": self.concern.what, "of": sha256}, [replaced or sha256], data)

    def _again(self, pointers: dict[str, _Places]) -> None:
        """Copies and readings that earlier erasures left of these captures are made anew."""
        for row in erasing.derived_with(self.archive, self.concern):
            held, arguments = b"".join(self.blobs.get(row["sha256"])), json.loads(row["arguments"])
            self.dropped.append(row["sha256"])
            if "of" in arguments:
                if arguments["of"] in pointers:
                    self._copy(arguments["of"], held, pointers[arguments["of"]], replaced=row["sha256"])
                continue
            for leaf, kept in json.loads(held)["readings"].items():
                self.readings.setdefault(leaf, redaction.read_back(kept))

    def _keep(self, arguments: dict[str, object], inputs: list[str], data: bytes) -> str:
        self.new.append((canonical.dumps(arguments).decode(), inputs, data))
        return hashlib.sha256(data).hexdigest()

    def carry_out(self, reason: str, who: str) -> None:
        """Logs the erasure, keeps the copies, drops the rest: inside the caller's transaction."""
        evidence, db = self.session.evidence, self.archive.db
        kept = {hashlib.sha256(data).hexdigest() for _, _, data in self.new}
        dropped = [sha256 for sha256 in dict.fromkeys(self.dropped) if sha256 not in kept]
        quoting = dropping.quoting(self.archive, self.origin, self.words)
        at, uid = self.session.now(), new_uid()
        leaves = [str(leaf) for leaf in sorted((*self.concern.leaves, *quoting))]
        fields = {"uid": uid, "at": at, "who": who, "what": self.concern.what, "reason": reason}
        self.done.leaf = leaf = evidence.append("erase", {**fields, "sha256": dropped, "leaf_indexes": leaves})
        db.execute(
            "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (uid, self.origin, leaf, at, who, self.concern.what, " ".join(dropped), reason),
        )
        for arguments, inputs, data in self.new:
            self._derived(at, arguments, " ".join(inputs), data)
        self.done.readings = len(self.readings)
        dropping.drop(self.archive, self.origin, dropped, self.concern.captures)
        dropping.drop_reasons(self.archive, self.origin, quoting)
        if quoting:
            self.done.notes.append(f"the reasons of {len(quoting)} decisions repeated its words: they are gone, too")
        dropping.unwatch(self.archive, (*self.concern.refs, *self.concern.media), self.words)

    def _derived(self, at: str, arguments: str, inputs: str, data: bytes) -> None:
        evidence, sha256 = self.session.evidence, hashlib.sha256(data).hexdigest()
        staged = evidence.blobs.stage(sha256, len(data), _chunks(data), sniffed_type="application/json")
        blob = evidence.blobs.publish(staged)
        fields = {"uid": new_uid(), "at": at, "tool": TOOL, "version": __version__, "arguments": arguments}
        fields["inputs"] = inputs
        leaf = evidence.append("derived", {**fields, "sha256": sha256})
        row = {**fields, "origin": self.origin, "leaf": leaf, "blob": blob}
        self.archive.db.execute(
            f"INSERT INTO derived ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )


def _chunks(data: bytes) -> list[bytes]:
    file = io.BytesIO(data)
    return list(iter(lambda: file.read(1 << 20), b""))
