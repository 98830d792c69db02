"""The log as a tree: its head at any size, proofs, and the signed heads that end runs.

The size is read anew each time, so that no process signs or proves what it remembers. What is kept between two calls is
only the folds of full tiles above which no full tile stood yet, since a full tile is never written again: at most one
for 256 leaves. Without them each proof would fold them anew, which takes 25 ms where it now takes less than one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from archiver.custody import log, note
from archiver.errors import IntegrityError, ParseError
from archiver.store.archive import Archive

Sign = Callable[[str], Iterable[note.Signature]]
"""The text of a note → its signatures, one at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """One line of the history of keys: `action` is add or retire, `vkey` a C2SP verifier key."""

    leaf: int
    name: str
    vkey: str
    action: str
    at: str

    @property
    def key(self) -> note.VerifierKey:
        """The key itself. IntegrityError for what is none."""
        try:
            return note.VerifierKey.parse(self.vkey)
        except ParseError as error:
            raise IntegrityError(f"the key of leaf {self.leaf} cannot be read: {error}") from None


class Tree:
    """The reading side of one log (`origin` is its local id). A connection that only reads is enough."""

    def __init__(self, archive: Archive, origin: int) -> None:
        self.archive, self.origin = archive, origin
        self.folds: dict[tuple[int, int], bytes] = {}

    def size(self) -> int:
        """How many leaves the log has."""
        row = self.archive.one("SELECT max(idx) FROM log_leaf WHERE origin = ?", self.origin)
        return 0 if row is None or row[0] is None else int(row[0]) + 1

    def tile(self, level: int, n: int) -> bytes | None:
        """The hashes of a full tile, or None where it is not full. IntegrityError for a stored one of wrong length."""
        row = self.archive.one(
            "SELECT data FROM log_tile WHERE origin = ? AND level = ? AND n = ?", self.origin, level, n
        )
        if row is None:
            return None
        data = row["data"]
        if len(data) != log.WIDTH * 32:
            raise IntegrityError(f"tile {level}/{n} of the log has {len(data)} bytes, not {log.WIDTH * 32}")
        return bytes(data)

    def reader(self) -> log.NodeHash:
        """Subtree hashes for the length of one proof: from full tiles where there are such, else from leaf hashes."""
        tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}

        def hashes(tier: int, first: int, count: int) -> bytes:
            """`count` neighbouring hashes of tier `tier`, all within one tile."""
            key, offset = (tier, first // log.WIDTH), first % log.WIDTH
            rows = tiles.get(key)
            if rows is None:
                whole = self.tile(*key)
                rows = tiles[key] = () if whole is None else (whole,)
            if rows:
                return rows[0][offset * 32 : (offset + count) * 32]
            if tier == 0:
                found = self.archive.all(
                    "SELECT hash FROM log_leaf WHERE origin = ? AND idx >= ? AND idx < ? ORDER BY idx",
                    self.origin,
                    first,
                    first + count,
                )
                if len(found) != count:
                    raise IntegrityError(f"leaves {first} to {first + count - 1} of the log are not all there")
                return b"".join([row[0] for row in found])
            return b"".join([fold(tier - 1, n) for n in range(first, first + count)])

        def fold(tier: int, n: int) -> bytes:
            """The root of the tile (tier, n), which is full."""
            held = self.folds.get((tier, n))
            if held is None:
                held = self.folds[tier, n] = _tile_root(hashes(tier, n * log.WIDTH, log.WIDTH))
            return held

        def node(level: int, index: int) -> bytes:
            tier, inside = divmod(level, log.HEIGHT)
            return folded(hashes(tier, index << inside, 1 << inside))

        return node

    def root(self, size: int | None = None) -> bytes:
        """The tree head over the first `size` leaves; over all of them by default."""
        return log.root(self.reader(), self._within(size))

    def inclusion(
        self, index: int, size: int | None = None, *, reader: log.NodeHash | None = None
    ) -> tuple[bytes, ...]:
        """The proof that leaf `index` is in the tree of `size` leaves, with a `reader` that more proofs share or one of
        its own. ValueError when it is not."""
        return log.inclusion(reader or self.reader(), index, self._within(size))

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the tree of `new` leaves starts with that of `old`. ValueError when old > new."""
        return log.consistency(self.reader(), old, self._within(new))

    def _within(self, size: int | None) -> int:
        held = self.size()
        if size is None:
            return held
        if not 0 <= size <= held:
            raise ValueError(f"the log has {held} leaves, not {size}")
        return size

    def name(self) -> str:
        """The origin: the first line of this log's checkpoints."""
        return str(self.archive.value("SELECT name FROM origin WHERE id = ?", self.origin))

    def signed(self) -> int:
        """The size of the newest signed head, 0 where there is none."""
        row = self.archive.one("SELECT max(size) FROM log_checkpoint WHERE origin = ?", self.origin)
        return 0 if row is None or row[0] is None else int(row[0])

    def newest(self) -> note.SignedNote | None:
        """The newest signed head. IntegrityError when what is stored is none."""
        row = self.archive.one(
            "SELECT note FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", self.origin
        )
        try:
            signed = None if row is None else note.SignedNote.parse(row["note"])
            if signed is not None:
                note.Checkpoint.parse(signed.text)
            return signed
        except ParseError as error:
            raise IntegrityError(f"the newest checkpoint cannot be read: {error}") from None

    def key_history(self) -> tuple[LogKey, ...]:
        """Every key that was added or retired, in the order of the log."""
        rows = self.archive.all(
            "SELECT leaf, name, vkey, action, at FROM log_key WHERE origin = ? ORDER BY leaf", self.origin
        )
        return tuple(LogKey(**dict(row)) for row in rows)

    def active(self) -> tuple[note.VerifierKey, ...]:
        """The keys that sign this log under its present name, oldest first. IntegrityError for a row that is no key."""
        name, held = self.name(), dict[str, note.VerifierKey]()
        for line in self.key_history():
            if line.action == "retire":
                held.pop(line.vkey, None)
            elif line.name == name:
                held[line.vkey] = line.key
        return tuple(held.values())

    def holds(self, head: note.Checkpoint) -> bool:
        """Whether this log starts with the tree whose head is given: it is as large, and has that root there."""
        return head.size <= self.size() and self.root(head.size) == head.root


def folded(data: bytes) -> bytes:
    """The root of a complete subtree from its 2^n hashes, as `log.fold` gives it, twice as fast."""
    sha256 = hashlib.sha256
    while len(data) > 32:
        data = b"".join([sha256(b"\x01" + data[i : i + 64]).digest() for i in range(0, len(data), 64)])
    return data


@lru_cache(maxsize=512)
def _tile_root(tile: bytes) -> bytes:
    """The root of a full tile. It is remembered by the bytes themselves: whoever only reads proves one leaf after the
    other in trees of their own, and a tile that was changed is another one. At most 4 MiB are kept."""
    return folded(tile)


def add(archive: Archive, tree: Tree, sign: Sign, *, at: str) -> note.Checkpoint | None:
    """Signs the present head, in a transaction of its own, and stores it. None when no leaf came since the last one.

    IntegrityError, and nothing is signed, when the log does not start with the tree that was signed last: it would
    be a second story under one name. ValueError when the log's name cannot stand in a note, or `sign` gives nothing.
    """
    with archive.transaction():
        size = tree.size()
        last = archive.one(
            "SELECT size, root FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", tree.origin
        )
        if last is not None and last["size"] > size:
            raise IntegrityError(f"the log has {size} leaves, and a checkpoint of {last['size']} is stored")
        if last is not None and tree.root(last["size"]) != last["root"]:
            raise IntegrityError(f"the first {last['size']} leaves of the log are not those that were signed")
        if size == (0 if last is None else last["size"]):
            return None
        head = note.Checkpoint(origin=tree.name(), size=size, root=tree.root(size))
        signed = note.SignedNote(text=str(head), signatures=tuple(sign(str(head))))
        archive.db.execute(
            "INSERT INTO log_checkpoint (origin, size, root, note, at) VALUES (?, ?, ?, ?, ?)",
            (tree.origin, size, head.root, str(signed), at),
        )
    return head
