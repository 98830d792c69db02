"""The author's own proof that a repository holds a record, or does not: CAR → blocks → signed commit → MST → record.

Every block is hashed here: readers of CAR files do not. Absence is proved by the nodes at which the key would have to
stand. Sources: atproto.com/specs/repository, ipld.io/specs/transport/car/carv1, com.atproto.sync.getRecord.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from archiver.errors import ProofError
from archiver.platforms.bluesky import dag, keys
from archiver.platforms.bluesky.addresses import is_tid


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a verified CAR shows. `record` is the record's DAG-CBOR block and `cid` its CID, both None when the
    repository does not hold it. `rev` is the commit's TID: the host's clock at the last change of the repository."""

    commit: str
    rev: str
    cid: str | None
    record: bytes | None


def verify_record(car: bytes, *, did: str, collection: str, rkey: str, key: keys.PublicKey) -> Proven:
    """Verify an answer of com.atproto.sync.getRecord. Raises ProofError with the check that refused it."""
    root, blocks = read_car(car)
    commit = _commit(blocks, root, did, key)
    leaf = find(blocks, commit["data"], f"{collection}/{rkey}".encode())
    if leaf is None:
        return Proven(commit=dag.cid_text(root), rev=commit["rev"], cid=None, record=None)
    if leaf not in blocks:
        raise ProofError("the record's block is missing")
    return Proven(commit=dag.cid_text(root), rev=commit["rev"], cid=dag.cid_text(leaf), record=blocks[leaf])


def read_car(car: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The first root and the blocks by CID of a CARv1. Every block is hashed against its CID."""
    size, start = _varint(car, 0)
    header = dag.decode(car[start : start + size])
    roots = header.get("roots") if isinstance(header, dict) else None
    if not isinstance(roots, list) or not roots or header.get("version") != 1:
        raise ProofError("not a CARv1 with a root")
    root, offset, blocks = _link(roots[0], "the root"), start + size, {}
    while offset < len(car):
        size, offset = _varint(car, offset)
        end = offset + size
        if end > len(car):
            raise ProofError("the CAR is cut within a block")
        cid, block = car[offset : offset + dag.CID_LENGTH], car[offset + dag.CID_LENGTH : end]
        if size < dag.CID_LENGTH or cid[:4] not in (dag.RECORD, dag.BLOB):
            raise ProofError("a block's CID is not a CIDv1 with SHA-256")
        if hashlib.sha256(block).digest() != cid[4:]:
            raise ProofError(f"block {dag.cid_text(cid)} does not match its CID")
        blocks[cid], offset = block, end
    return root, blocks


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if offset >= len(data) or shift > 63:
            raise ProofError("the CAR is cut within a length")
        byte = data[offset]
        number |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return number, offset


def _link(value: Any, what: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != dag.CID_LENGTH or value[:4] != dag.RECORD:
        raise ProofError(f"{what} is not a link to a record")
    return value


def _commit(blocks: Mapping[bytes, bytes], root: bytes, did: str, key: keys.PublicKey) -> dict[str, Any]:
    """The commit at the root, its signature verified."""
    if root not in blocks:
        raise ProofError("the commit's block is missing")
    commit = dag.decode(blocks[root])
    if not isinstance(commit, dict) or commit.get("version") != 3:
        raise ProofError("the root is not a commit of version 3")
    if commit.get("did") != did:
        raise ProofError("the commit is of another account's repository")
    if not isinstance(commit.get("rev"), str) or not is_tid(commit["rev"]):
        raise ProofError("the commit's rev is not a TID")
    _link(commit.get("data"), "the commit's data")
    signature = commit.get("sig")
    if not isinstance(signature, bytes):
        raise ProofError("the commit is not signed")
    keys.verify(key, dag.encode({name: value for name, value in commit.items() if name != "sig"}), signature)
    return commit


def find(blocks: Mapping[bytes, bytes], root: bytes, key: bytes) -> bytes | None:
    """The CID under a key (`collection/rkey`) of the Merkle search tree at `root`; None when the tree proves that the
    key is not in it. Raises ProofError when a node on the path is missing or breaks the tree's order."""
    child: bytes | None = root
    low, high, layer = b"", b"\xff", None
    while child is not None:
        if child not in blocks:
            raise ProofError("a node of the tree on the path to the key is missing")
        child, entries = _node(blocks[child])
        layer = _layer(entries, layer)
        names = [low, *(entry.key for entry in entries), high]
        if any(left >= right for left, right in pairwise(names)):
            raise ProofError("the keys of the tree are out of order")
        for entry in entries:
            if entry.key == key:
                return entry.value
            if entry.key > key:
                high = entry.key
                break
            low, child = entry.key, entry.right
    return None


def _layer(entries: Sequence[_Entry], expected: int | None) -> int | None:
    """The layer below the node of these entries. A key's layer is fixed by its hash; a node without keys (a bare step
    down) has none of its own. Raises ProofError when a key stands in another layer than its node."""
    layers = {key_layer(entry.key) for entry in entries}
    if len(layers) > 1 or (expected is not None and layers and layers != {expected}):
        raise ProofError("a key stands in the wrong layer of the tree")
    layer = layers.pop() if layers else expected
    return None if layer is None else layer - 1


def key_layer(key: bytes) -> int:
    """Leading zeros of SHA-256 of the key, in pairs of bits."""
    digest = hashlib.sha256(key).digest()
    return (256 - int.from_bytes(digest, "big").bit_length()) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    key: bytes
    value: bytes
    right: bytes | None


def _node(block: bytes) -> tuple[bytes | None, list[_Entry]]:
    """The leftmost child and the entries of a tree node, keys written out."""
    node = dag.decode(block)
    if not isinstance(node, dict) or node.keys() != {"l", "e"} or not isinstance(node["e"], list):
        raise ProofError("a block on the path is not a node of the tree")
    entries: list[_Entry] = []
    key = b""
    for entry in node["e"]:
        if not isinstance(entry, dict) or entry.keys() != {"p", "k", "v", "t"}:
            raise ProofError("an entry of the tree is malformed")
        shared, rest = entry["p"], entry["k"]
        if type(shared) is not int or not 0 <= shared <= len(key) or not isinstance(rest, bytes):
            raise ProofError("a key of the tree is malformed")
        key = key[:shared] + rest
        entries.append(_Entry(key=key, value=_link(entry["v"], "an entry's value"), right=_child(entry["t"])))
    return _child(node["l"]), entries


def _child(value: Any) -> bytes | None:
    return None if value is None else _link(value, "a child of the tree")
