"""The Merkle tree against a definition written the other way round, and against tampering."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody import log


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def tree(count: int) -> tuple[list[bytes], log.NodeHash]:
    leaves = [b"leaf %d" % i for i in range(count)]

    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "an incomplete subtree was asked for"
        return log.fold([log.leaf_hash(leaf) for leaf in part])

    return leaves, node


# From the test vectors of RFC 6962 implementations: eight fixed inputs and the head over all of them.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
HEAD = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_published_vector() -> None:
    leaves = [bytes.fromhex(text) for text in INPUTS]
    head = log.root(lambda level, i: log.fold([log.leaf_hash(x) for x in leaves[i << level : (i + 1) << level]]), 8)
    assert head.hex() == HEAD == slow_root(leaves).hex()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 31, 33])
def test_roots_and_proofs_of_every_leaf(size: int) -> None:
    leaves, node = tree(size)
    head = log.root(node, size)
    assert head == slow_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = log.inclusion(node, index, size)
        assert log.check_inclusion(log.leaf_hash(leaf), index, size, proof, head)
        assert not log.check_inclusion(log.leaf_hash(b"x" + leaf), index, size, proof, head)
        assert not log.check_inclusion(log.leaf_hash(leaf), index, size, (*proof, head), head)
        if proof:
            assert not log.check_inclusion(log.leaf_hash(leaf), index, size, proof[:-1], head)
    for old in range(size + 1):
        proof = log.consistency(node, old, size)
        assert log.check_consistency(old, size, log.root(node, old), head, proof)
        if old and old != size:
            assert not log.check_consistency(old, size, head, head, proof)
            assert not log.check_consistency(old, size, log.root(node, old), log.root(node, old), proof)
            assert not log.check_consistency(old, size, log.root(node, old), head, proof[:-1])


@given(st.integers(1, 200), st.data())
def test_a_changed_byte_of_a_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves, node = tree(size)
    index = data.draw(st.integers(0, size - 1))
    proof = list(log.inclusion(node, index, size))
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = bytes([proof[place][0] ^ 1]) + proof[place][1:]
        assert not log.check_inclusion(log.leaf_hash(leaves[index]), index, size, proof, log.root(node, size))


def test_completed_tiles() -> None:
    assert list(log.completed_tiles(0)) == []
    assert list(log.completed_tiles(255)) == []
    assert list(log.completed_tiles(256)) == [(0, 0)]
    assert list(log.completed_tiles(512)) == [(0, 1)]
    assert list(log.completed_tiles(65536)) == [(0, 255), (1, 0)]


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="complete subtree"):
        log.fold([b"a" * 32] * 3)
    with pytest.raises(ValueError, match="full tile"):
        log.split_tile(b"short")
    with pytest.raises(ValueError, match="not in a log"):
        log.inclusion(tree(3)[1], 3, 3)
    with pytest.raises(ValueError, match="cannot start"):
        log.consistency(tree(3)[1], 4, 3)
