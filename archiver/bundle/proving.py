"""The proofs of a bundle: which leaves leave the house, under which signed head, and what others say of that head."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.bundle.bag import Bag
from archiver.bundle.choice import Choice
from archiver.bundle.index import AnchorEntry, Bracket
from archiver.custody import note
from archiver.errors import IntegrityError, ParseError
from archiver.store.archive import Archive, Row
from archiver.store.checkpoints import Tree

ENDINGS = {"rfc3161": "tsr", "ots": "ots", "witness": "cosig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A signed head: its note as stored, what it says, and the keys of this log that signed it."""

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
        json.dumps(choice.mentions),
    )


def head(archive: Archive, tree: Tree, needed: int) -> Head | None:
    """The smallest signed head over at least `needed` leaves: the smallest that a service has dated, if there is one.

    The smallest, because its date bounds the captures most closely, and because it stays the same however much is
    appended. None when nothing that large was signed. IntegrityError when the stored head is not this log's.
    """
    row = archive.one(
        "SELECT c.note FROM log_checkpoint c WHERE c.origin = ?1 AND c.size >= ?2 ORDER BY NOT EXISTS (SELECT 1 "
        "FROM log_anchor a WHERE a.origin = c.origin AND a.size = c.size AND a.at <> ''), c.size LIMIT 1",
        tree.origin,
        needed,
    )
    if row is None:
        return None
    signed = note.SignedNote.parse(row["note"])
    checkpoint = note.Checkpoint.parse(signed.text)
    if not tree.holds(checkpoint):
        raise IntegrityError(f"the log does not hold the tree that its checkpoint of {checkpoint.size} leaves signed")
    history = [
        (key.leaf, note.VerifierKey.parse(key.vkey))
        for key in tree.key_history()
        if key.action == "add" and key.leaf < checkpoint.size and key.name == checkpoint.origin
    ]
    signers = note.signers(signed, [key for _, key in history])
    if not signers:
        raise IntegrityError(f"no key of {checkpoint.origin} signed its checkpoint of {checkpoint.size} leaves")
    return Head(
        stored=row["note"],
        checkpoint=checkpoint,
        keys=signers,
        key_leaves=tuple(leaf for leaf, key in history if key in signers),
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
    """The tokens of a bundle: those over its head, and those that its captures name as older than themselves."""

    def __init__(self, bag: Bag, archive: Archive, origin: int, roots: tuple[tuple[str, str], ...] = ()) -> None:
        self._bag, self._archive, self._origin = bag, archive, origin
        self._heads: dict[int, str] = {}
        self._by_token: dict[str, AnchorEntry] = {}
        self.entries: list[AnchorEntry] = []
        self._roots = [bag.text(f"anchors/roots/{_plain(name)}.pem", text) for name, text in roots]

    def over(self, size: int) -> None:
        """Writes every token over the head of `size` leaves."""
        for row in self._archive.all(
            "SELECT * FROM log_anchor WHERE origin = ? AND size = ? ORDER BY at = '', at, kind, service, id",
            self._origin,
            size,
        ):
            self._write(row)

    def named(self, wanted: frozenset[str]) -> None:
        """Writes the tokens whose SHA-256 captures name in `after`."""
        for row in self._tokens() if wanted else ():
            if hashlib.sha256(row["token"]).hexdigest() in wanted:
                self._write(row)

    def bracket(self, after: str | None, size: int) -> Bracket:
        """When a capture was made, as far as others vouch for it; `size` is that of the head it is proved under."""
        before = self._by_token.get(after or "")
        dated = [entry for entry in self.entries if entry["size"] == size and entry["at"]]
        first = min(dated, key=lambda entry: entry["at"], default=None)
        return {
            "not_before": None if before is None else before["at"],
            "not_after": None if first is None else first["at"],
            "not_before_by": None if before is None else before["path"],
            "not_after_by": None if first is None else first["path"],
        }

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


def _plain(name: str) -> str:
    """A name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60] or "service"
