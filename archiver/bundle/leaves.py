"""The leaves of a bundle and their proofs under its head, in batches: what is in memory does not grow with the log."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge

from archiver.bundle.bag import Bag
from archiver.bundle.choice import Choice, Keys, batches, within
from archiver.bundle.index import LeafEntry
from archiver.bundle.proving import Head, cosigned, pem, statements
from archiver.bundle.spool import Rows
from archiver.custody import log, note
from archiver.custody.proof import HEADER
from archiver.errors import IntegrityError
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree

_KEPT = 1 << 12
"""Hashes of the tree that are kept: neighbouring leaves share most of their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """Which leaves leave the house: their indexes in ascending order, and the types of those that no capture has."""

    indexes: array[int]
    types: dict[int, str]

    @property
    def needed(self) -> int:
        """How many leaves a head has to cover."""
        return self.indexes[-1] + 1 if self.indexes else 0


def leaves(archive: Archive, origin: int, choice: Choice) -> Leaves:
    """The leaves of captures, of what was read and made from them, and of statements about what is exported."""
    types: dict[int, str] = {}
    for kind, rows in (
        ("derived", _of(archive, "derived WHERE id", choice.derived, origin)),
        ("statement", (row["leaf"] for row in statements(archive, origin, choice))),
    ):
        types.update(dict.fromkeys(rows, kind))
    found = array("q", types)
    found.extend(_of(archive, "captures WHERE id", choice.captures, origin))
    found.extend(_of(archive, "reading_marks WHERE capture", choice.captures, origin))
    return Leaves(indexes=array("q", sorted(found)), types=types)


def _of(archive: Archive, where: str, keys: Keys, origin: int) -> Iterator[int]:
    for batch in batches(keys):
        sql = f"SELECT leaf FROM {where} IN (SELECT value FROM json_each(?1)) AND origin = ?2"
        yield from (row[0] for row in archive.db.execute(sql, (batch, origin)))


class Prover:
    """Gives leaves and their proofs under one head, which bears the signatures of witnesses below those of the log."""

    def __init__(self, archive: Archive, tree: Tree, signed: Head) -> None:
        self._archive, self._tree, self._signed = archive, tree, signed
        self._size, self._node = signed.checkpoint.size, tree.reader()
        # A range of leaves has one hash and one line in every path that it stands in.
        self._hash = lru_cache(_KEPT)(lambda low, high: log.subtree(self._node, low, high))
        self._line = lru_cache(_KEPT)(lambda low, high: f"{note.to_base64(self._hash(low, high))}\n")
        self._leaf = lru_cache(1)(self._read)  # whoever asks for a leaf asks for its proof next
        self._proved: dict[tuple[int, int], bytes] = {}
        self.note = cosigned(archive, tree.origin, signed)

    def leaf(self, index: int) -> bytes:
        """The bytes of a leaf. IntegrityError when it is not the one that was logged."""
        return self._leaf(index)

    def _read(self, index: int) -> bytes:
        row = self._archive.one(
            "SELECT data, hash FROM log_leaf WHERE origin = ? AND idx = ?", self._tree.origin, index
        )
        if row is None:
            raise IntegrityError(f"leaf {index} is not the one that was logged")
        return _logged(index, row["data"], row["hash"])

    def proof(self, index: int) -> str:
        """The tlog-proof of a leaf. IntegrityError when the leaf does not lead to the signed head."""
        return self._proof(index, log.leaf_hash(self.leaf(index)))

    def _proof(self, index: int, hashed: bytes) -> str:
        beside = list(log.siblings(index, self._size))
        self._lead(index, hashed, beside)
        path = "".join([self._line(low, high) for low, high in beside])
        return f"{HEADER}\nindex {index}\n{path}\n{self.note}"

    def _lead(self, index: int, hashed: bytes, beside: list[tuple[int, int]]) -> None:
        """Follows a leaf upwards to the signed head, or to a hash that was found to lead there. IntegrityError when it
        does not lead there. A node that leads there vouches for the two below it."""
        if len(self._proved) > _KEPT:
            self._proved.clear()
        self._proved[0, self._size] = self._signed.checkpoint.root
        low, high, value, passed = index, index + 1, hashed, []
        for left, right in beside:
            if (low, high) in self._proved:
                break
            sibling = self._hash(left, right)
            passed += [((low, high), value), ((left, right), sibling)]
            value = log.node_hash(sibling, value) if left < low else log.node_hash(value, sibling)
            low, high = min(low, left), max(high, right)
        if self._proved.get((low, high)) != value:
            raise IntegrityError(f"leaf {index} does not lead to the signed head of {self._size} leaves")
        self._proved.update(passed)

    def write(self, bag: Bag, chosen: Leaves) -> Rows[LeafEntry]:
        """Writes each leaf with its proof, and the head with the keys that signed it."""
        entries = Rows[LeafEntry](bag.spools)
        keys = sorted({key for key in self._signed.key_leaves if not within(chosen.indexes, key)})
        types, indexes = {**chosen.types, **dict.fromkeys(keys, "key")}, array("q", merge(chosen.indexes, keys))
        for batch in batches(indexes):
            self._node = self._tree.reader()  # it keeps every tile that it has read
            rows = self._archive.all(
                "SELECT l.idx, l.data, l.hash, c.uid, c.tier, r.uid AS read FROM json_each(?1) j "
                "LEFT JOIN log_leaf l ON l.origin = ?2 AND l.idx = j.value "
                "LEFT JOIN captures c ON c.origin = ?2 AND c.leaf = j.value "
                "LEFT JOIN reading_marks m ON m.origin = ?2 AND m.leaf = j.value "
                "LEFT JOIN captures r ON r.id = m.capture ORDER BY j.value",
                batch,
                self._tree.origin,
            )
            for index, row in zip(json.loads(batch), rows, strict=True):
                data = _logged(index, row["data"] or b"", row["hash"])
                of_capture = "import" if row["tier"] == "import" else "capture" if row["uid"] else "reading"
                bag.put(f"proofs/{index}.leaf.json", data)
                entries.add(
                    {
                        "index": index,
                        "type": types.get(index, of_capture),
                        "capture": row["uid"] or row["read"] or "",
                        "leaf": f"data/proofs/{index}.leaf.json",
                        "proof": bag.text(f"proofs/{index}.tlog-proof", self._proof(index, row["hash"])),
                    }
                )
        bag.text("proofs/checkpoint", self.note)
        bag.text("proofs/log.vkey", "".join(f"{key}\n" for key in self._signed.keys))
        bag.text("proofs/log.pem", pem(self._signed.keys[0]))
        return entries


def _logged(index: int, data: bytes, hashed: bytes) -> bytes:
    if log.leaf_hash(data) != hashed:
        raise IntegrityError(f"leaf {index} is not the one that was logged")
    return bytes(data)
