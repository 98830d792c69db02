"""The tree of a log made anew from its leaves alone, in another way than the archive makes it: a judge for tests, and
the floor of what a full recomputation costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from archiver.custody import log
from archiver.store.checkpoints import Tree


class Growing:
    """A tree that grows leaf by leaf and can tell its head at any moment, in memory for the logarithm of its size: the
    roots of the complete subtrees that it consists of, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """One more leaf, by its hash."""
        size, peaks = self.size, self.peaks
        while size & 1:
            leaf = hashlib.sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree head now."""
        if not self.peaks:
            return log.EMPTY_ROOT
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = log.node_hash(peak, value)
        return value


@dataclass(slots=True, kw_only=True)
class Recomputed:
    """What the leaves themselves say. `roots` maps each size that was asked for to the tree head there, from the bytes
    of the leaves alone. `wrong` are leaves whose stored hash is not theirs, `missing` indexes without a leaf (the heads
    after the first of them are not told), `erased` leaves whose bytes are gone: their kept hash is taken instead."""

    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    wrong: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)


def recompute(tree: Tree, sizes: Iterable[int] = ()) -> Recomputed:
    """Hashes every leaf and makes the tree anew, trusting neither stored hashes nor tiles: the head over all of it and
    over each of `sizes`. One pass in flat memory."""
    found, growing, sha256 = Recomputed(), Growing(), hashlib.sha256
    asked = sorted({size for size in sizes if size > 0}, reverse=True)
    rows = tree.archive.db.execute("SELECT idx, data, hash FROM log_leaf WHERE origin = ? ORDER BY idx", (tree.origin,))
    for index, data, kept in rows:
        if index < 0:
            found.wrong.append(index)
            continue
        if index != found.size:
            found.missing += range(found.size, min(index, found.size + 1000))  # enough to be told
            found.size = index
        if data:
            value = sha256(b"\x00" + data).digest()
            if value != kept:
                found.wrong.append(index)
        else:
            value = kept
            found.erased.append(index)
        found.size += 1
        if found.missing:
            continue
        growing.append(value)
        if asked and asked[-1] == growing.size:
            found.roots[asked.pop()] = growing.root()
    if not found.missing:
        found.roots[growing.size] = growing.root()
    return found
