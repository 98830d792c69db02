"""The proofs of a bundle: which leaves leave the house, under which signed head, and what others say of that head."""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archiver.bundle.bag import Bag
from archiver.bundle.choice import Choice
from archiver.bundle.index import AnchorEntry, Bracket
from archiver.custody import log, note
from archiver.errors import IntegrityError, ParseError
from archiver.store.archive import Archive, Row
from archiver.store.checkpoints import Tree
from archiver.store.dating import dated_ahead

ENDINGS = {"rfc3161": "tsr", "ots": "ots", "witness": "cosig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A signed head: its note as stored, what it says, the keys of this log that signed it, and the leaves by which
    keys of this log, under whatever name it had, began and ceased to sign."""

    stored: str
    checkpoint: note.Checkpoint
    keys: tuple[note.VerifierKey, ...]
    key_leaves: tuple[int, ...]


def statements(archive: Archive, origin: int, choice: Choice) -> list[Row]:
    """What persons decided about the posts, documents and passages of a choice. A decision whose leaf was erased stays
    behind: nothing vouches for it."""
    return archive.all(
        "WITH about(id) AS MATERIALIZED (SELECT value FROM json_each(?2) UNION SELECT ref FROM mentions WHERE id IN "
        "(SELECT value FROM json_each(?3))) SELECT uid, leaf, at, who, what, subject, object, reason FROM statements s "
        "WHERE origin = ?1 AND EXISTS (SELECT 1 FROM refs r WHERE r.ref IN (s.subject, s.object) AND r.id IN "
        "(SELECT id FROM about)) AND EXISTS (SELECT 1 FROM log_leaf l WHERE l.origin = ?1 AND l.idx = s.leaf "
        "AND length(l.data) > 0) ORDER BY leaf",
        origin,
        json.dumps([*choice.refs, *choice.documents]),
        json.dumps([*choice.mentions]),
    )


def head(archive: Archive, tree: Tree, needed: int) -> Head | None:
    """The smallest signed head over at least `needed` leaves: the smallest that a service has dated, if there is one.

    The smallest, because its date bounds the captures most closely, and because it stays the same however much is
    appended. Heads come first that a key signed which still signs the log under its present name: the keys that were
    given up are not those that readers are told. None when nothing that large was signed. IntegrityError when the
    stored head is not this log's.
    """
    rows = archive.db.execute(
        "SELECT c.note FROM log_checkpoint c WHERE c.origin = ?1 AND c.size >= ?2 ORDER BY NOT EXISTS (SELECT 1 "
        "FROM log_anchor a WHERE a.origin = c.origin AND a.size = c.size AND a.at <> ''), c.size",
        (tree.origin, needed),
    )
    row, active = None, {(key.name, key.id) for key in tree.active()}
    for one in rows:
        row = one if row is None else row
        if any((line.name, line.key_id) in active for line in note.SignedNote.parse(one["note"]).signatures):
            row = one
            break
    rows.close()
    if row is None:
        return None
    signed = note.SignedNote.parse(row["note"])
    checkpoint = note.Checkpoint.parse(signed.text)
    if not tree.holds(checkpoint):
        raise IntegrityError(f"the log does not hold the tree that its checkpoint of {checkpoint.size} leaves signed")
    history = [key for key in tree.key_history() if key.leaf < checkpoint.size]
    own = [key.key for key in history if key.action == "add" and key.name == checkpoint.origin]
    signers = note.signers(signed, own)
    if not signers:
        raise IntegrityError(f"no key of {checkpoint.origin} signed its checkpoint of {checkpoint.size} leaves")
    return Head(
        stored=row["note"],
        checkpoint=checkpoint,
        keys=signers,
        key_leaves=tuple(key.leaf for key in history),
    )


def cosigned(archive: Archive, origin: int, signed: Head) -> str:
    """The note with the signatures of witnesses below those of the log."""
    rows = archive.all(
        "SELECT token FROM log_anchor WHERE origin = ? AND size = ? AND kind = 'witness' ORDER BY service, id",
        origin,
        signed.checkpoint.size,
    )
    lines = list(note.SignedNote.parse(signed.stored).signatures)
    for row in rows:
        try:
            lines += note.signature_lines(bytes(row["token"]).decode("utf-8"))
        except (ParseError, UnicodeDecodeError):
            continue  # it stands among the anchors as it came
    return str(note.SignedNote(text=str(signed.checkpoint), signatures=tuple(dict.fromkeys(lines))))


def pem(key: note.VerifierKey) -> str:
    """The public key as SubjectPublicKeyInfo (RFC 8410), which openssl reads."""
    der = bytes.fromhex("302a300506032b6570032100") + key.public
    return f"-----BEGIN PUBLIC KEY-----\n{note.to_base64(der)}\n-----END PUBLIC KEY-----\n"


class Anchors:
    """The tokens of a bundle: those over its head, those over earlier heads that bound its captures more closely, and
    those that its captures name as older than themselves. Each earlier head comes with the proof that the log of the
    bundle's head begins with it."""

    def __init__(
        self, bag: Bag, archive: Archive, tree: Tree, signed: Head, roots: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._bag, self._archive, self._tree, self._origin = bag, archive, tree, tree.origin
        self._signed = signed
        self._heads: dict[int, str] = {}
        self._ahead: set[str] = set()
        self._by_token: dict[str, AnchorEntry] = {}
        self._bounds: tuple[list[int], list[AnchorEntry]] | None = None
        self.entries: list[AnchorEntry] = []
        self._roots = [bag.text(f"anchors/roots/{_plain(name)}.pem", text) for name, text in roots]

    def over(self, size: int) -> None:
        """Writes every token over the head of `size` leaves; of a calendar's proofs the last, which holds the rest."""
        rows = self._archive.all(
            "SELECT * FROM log_anchor WHERE origin = ? AND size = ? ORDER BY at = '', at, kind, service, id",
            self._origin,
            size,
        )
        last = {row["service"]: row["id"] for row in rows if row["kind"] == "ots"}
        for row in rows:
            if row["kind"] != "ots" or row["id"] == last[row["service"]]:
                self._write(row)

    def closer(self, leaves: Iterable[int]) -> None:
        """Writes the tokens over those earlier heads that bound one of the leaves more closely than any other does: at
        most one head for each time that ends a bracket."""
        for size in sorted(closest(self._archive, self._origin, self._signed.checkpoint.size, leaves)):
            self.over(size)

    def named(self, wanted: frozenset[str]) -> None:
        """Writes the tokens whose SHA-256 captures name in `after`."""
        for row in self._tokens() if wanted else ():
            if hashlib.sha256(row["token"]).hexdigest() in wanted:
                self._write(row)

    def bracket(self, after: str | None, leaf: int) -> Bracket:
        """When the capture of a leaf was made, as far as others vouch for it, once all tokens are written. One that is
        dated later than we had it says nothing of what came after it."""
        before, first = self._by_token.get(after or ""), self._first(leaf)
        if before is not None and before["sha256"] in self._ahead:
            before = None
        return {
            "not_before": None if before is None else before["at"],
            "not_after": None if first is None else first["at"],
            "not_before_by": None if before is None else before["path"],
            "not_after_by": None if first is None else first["path"],
        }

    def _first(self, leaf: int) -> AnchorEntry | None:
        """The earliest token over a head that holds a leaf."""
        if self._bounds is None:
            dated = sorted((entry for entry in self.entries if entry["at"]), key=lambda entry: entry["size"])
            sizes, closest = _earliest([(place, entry["at"]) for place, entry in enumerate(dated)])
            self._bounds = [dated[place]["size"] for place in sizes], [dated[place] for place in closest]
        sizes, entries = self._bounds
        place = bisect_right(sizes, leaf)
        return entries[place] if place < len(sizes) else None

    def _tokens(self) -> Iterator[Row]:
        yield from self._archive.db.execute(
            "SELECT * FROM log_anchor WHERE origin = ? AND at <> '' ORDER BY id", (self._origin,)
        )

    def _write(self, row: Row) -> None:
        sha256 = hashlib.sha256(row["token"]).hexdigest()
        if sha256 in self._by_token:
            return
        size = row["size"]
        if size not in self._heads:
            stored = self._archive.value(
                "SELECT note FROM log_checkpoint WHERE origin = ? AND size = ?", self._origin, size
            )
            self._heads[size] = self._bag.text(f"anchors/checkpoint-{size}", str(stored))
            self._continued(size, str(stored))
        name = f"anchors/{len(self.entries) + 1}-{_plain(row['service'])}.{ENDINGS[row['kind']]}"
        self._bag.add(name, (row["token"],))
        entry: AnchorEntry = {
            "path": f"data/{name}",
            "kind": row["kind"],
            "service": row["service"],
            "at": row["at"],
            "size": size,
            "over": self._heads[size],
            "sha256": sha256,
            "chain": [],
            "revocations": [],
            "roots": self._roots if row["kind"] == "rfc3161" else [],
        }
        for certificate in json.loads(row["chain"]):
            self._certificate(certificate, entry)
        self.entries.append(entry)
        self._by_token[sha256] = entry
        self._bounds = None
        if dated_ahead(row["kind"], row["token"], row["at"], row["received_at"]):
            self._ahead.add(sha256)

    def _continued(self, size: int, stored: str) -> None:
        """Writes the proof that the log of the bundle's head begins with an earlier head: the body with which a witness
        would be asked to go from one to the other (c2sp.org/tlog-witness, add-checkpoint). IntegrityError when the log
        does not begin with it."""
        newer = self._signed.checkpoint
        if size >= newer.size:
            return
        head = note.Checkpoint.parse(note.SignedNote.parse(stored).text)
        path = log.consistency(self._tree.reader(), size, newer.size)
        if head.size != size or not log.check_consistency(size, newer.size, head.root, newer.root, path):
            raise IntegrityError(f"the log does not begin with its checkpoint of {size} leaves")
        lines = "".join(f"{line}\n" for line in (f"old {size}", *map(note.to_base64, path)))
        self._bag.text(f"proofs/checkpoint-{size}.consistency", f"{lines}\n{self._signed.stored}")

    def _certificate(self, sha256: str, entry: AnchorEntry) -> None:
        """Writes a certificate, and what authorities said of it."""
        for row in self._archive.all("SELECT der FROM certificates WHERE sha256 = ?", sha256):
            entry["chain"].append(self._once(f"anchors/certificates/{sha256}.cer", row["der"]))
        for row in self._archive.all(
            "SELECT sha256, kind, der FROM revocations WHERE certificate = ? ORDER BY received_at, sha256", sha256
        ):
            entry["revocations"].append(self._once(f"anchors/revocations/{row['sha256']}.{row['kind']}", row["der"]))

    def _once(self, name: str, data: bytes) -> str:
        if f"data/{name}" not in self._bag.files:
            self._bag.add(name, (data,))
        return f"data/{name}"


def closest(archive: Archive, origin: int, size: int, leaves: Iterable[int]) -> set[int]:
    """The sizes of those dated heads, up to `size`, that bound one of the leaves more closely than any other does."""
    rows = archive.all(
        "SELECT size, min(at) AS at FROM log_anchor WHERE origin = ? AND size <= ? AND at <> '' GROUP BY size "
        "ORDER BY size",
        origin,
        size,
    )
    sizes, found = _earliest([(row["size"], str(row["at"])) for row in rows])
    wanted = {bisect_right(sizes, leaf) for leaf in leaves}
    return {found[place] for place in wanted if place < len(sizes)}


def _earliest(dated: list[tuple[int, str]]) -> tuple[list[int], list[int]]:
    """From places with times, in the order of places: the places, and for each the place from there on whose time is
    the earliest (the first of several such)."""
    closest: list[int] = []
    best: tuple[str, int] | None = None
    for place, at in reversed(dated):
        best = min(best or (at, place), (at, place))
        closest.append(best[1])
    return [place for place, _ in dated], closest[::-1]


def _plain(name: str) -> str:
    """A name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60] or "service"
