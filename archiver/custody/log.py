"""The Merkle tree of the log (RFC 6962, section 2; proofs checked as in RFC 9162, section 2.1), stored as C2SP
tlog tiles of height 8: a full tile holds 256 hashes; the right edge comes from the leaf hashes.

Pure: the caller hands in the hashes of complete subtrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

HEIGHT = 8
WIDTH = 1 << HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeHash = Callable[[int, int], bytes]
"""(level, index) → hash of the complete subtree over leaves [index·2^level, (index+1)·2^level)."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree from its 2^n hashes."""
    row = list(hashes)
    if not row or len(row) & (len(row) - 1):
        raise ValueError(f"{len(row)} hashes are not a complete subtree")
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def split_tile(data: bytes) -> tuple[bytes, ...]:
    """The 256 hashes of a full tile. ValueError for any other length."""
    if len(data) != WIDTH * 32:
        raise ValueError(f"a full tile has {WIDTH * 32} bytes, not {len(data)}")
    return tuple(data[i : i + 32] for i in range(0, len(data), 32))


def completed_tiles(size: int) -> Iterator[tuple[int, int]]:
    """The tiles (level, n) that become full when the log reaches `size` leaves."""
    level = 0
    while size and size % WIDTH == 0:
        size //= WIDTH
        yield level, size - 1
        level += 1


def subtree(node: NodeHash, low: int, high: int) -> bytes:
    """The head over the leaves [low, high), one at least, as it stands in a tree whose halves end at powers of two."""
    count = high - low
    if count & (count - 1) == 0 and low % count == 0:
        return node(count.bit_length() - 1, low // count)
    half = 1 << ((count - 1).bit_length() - 1)
    return node_hash(subtree(node, low, low + half), subtree(node, low + half, high))


def root(node: NodeHash, size: int) -> bytes:
    """The tree head over `size` leaves."""
    return subtree(node, 0, size) if size else EMPTY_ROOT


def siblings(index: int, size: int) -> Iterator[tuple[int, int]]:
    """Which leaves stand behind each hash of an audit path, from the leaf's sibling upwards: ranges [low, high).
    ValueError when the leaf is not in the tree of `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a log of {size}")
    first, last, level = index, size - 1, 0
    while last:
        if first & 1:
            yield (first - 1) << level, first << level
        elif first < last:
            yield (first + 1) << level, min((first + 2) << level, size)
        first, last, level = first >> 1, last >> 1, level + 1


def inclusion(node: NodeHash, index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of leaf `index` in the tree of `size` leaves. ValueError when it is not in it."""
    return tuple([subtree(node, low, high) for low, high in siblings(index, size)])


def consistency(node: NodeHash, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of `new` leaves starts with the tree of `old`. ValueError when old > new."""
    if not 0 <= old <= new:
        raise ValueError(f"a log of {new} cannot start with {old}")

    def proof(kept: int, low: int, high: int, whole: bool) -> Iterator[bytes]:
        count = high - low
        if kept == count:
            if not whole:
                yield subtree(node, low, high)
            return
        half = 1 << ((count - 1).bit_length() - 1)
        if kept <= half:
            yield from proof(kept, low, low + half, whole)
            yield subtree(node, low + half, high)
        else:
            yield from proof(kept - half, low + half, high, False)
            yield subtree(node, low, low + half)

    return tuple(proof(old, 0, new, True)) if old else ()


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], head: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether `proof` shows the leaf hash at `index` under the tree head `head`."""
    if not 0 <= index < size:
        return False
    first, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            value = node_hash(sibling, value)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and value == head


def check_consistency(old: int, new: int, old_head: bytes, new_head: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2: whether `proof` shows that the newer log only appended."""
    if old == new:
        return not proof and old_head == new_head
    if old == 0:
        return not proof and old_head == EMPTY_ROOT
    if not 0 < old < new or not proof:
        return False
    path = [old_head, *proof] if old & (old - 1) == 0 else list(proof)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_value = new_value = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_value = node_hash(new_value, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and old_value == old_head and new_value == new_head
