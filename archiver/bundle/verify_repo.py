"""Repositories of the AT Protocol: what an account's key signed. CAR and DAG-CBOR (ipld.io), the Merkle search tree and
its commit (atproto.com/specs/repository), the log of a did:plc (web.plc.directory/spec/v0.1/did-plc).

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from archiver.bundle.verify_curves import Signer, did_key
from archiver.bundle.verify_files import Refused, unbase64

# ---- DAG-CBOR and CIDs --------------------------------------------------------------------------------------

DEEP, WINDOW = 100, datetime.timedelta(hours=72)
TID = re.compile("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}")
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?Z", re.A)


class Cid(bytes):
    """A link: version 1, dag-cbor (0x71) or raw (0x55), SHA-256."""

    def __str__(self) -> str:
        return "b" + base64.b32encode(self).decode().rstrip("=").lower()


def cid_of(block: bytes) -> Cid:
    return Cid(b"\x01\x71\x12\x20" + hashlib.sha256(block).digest())


def cid_from(data: bytes, what: str) -> Cid:
    if len(data) != 36 or data[:4] not in (b"\x01\x71\x12\x20", b"\x01\x55\x12\x20"):
        raise Refused(f"{what} is not a CIDv1 with SHA-256")
    return Cid(data)


def cbor(value: Any) -> bytes:
    """The one canonical encoding of a value."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int) and -(2**64) <= value < 2**64:
        return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, Cid):
        return cbor_head(6, 42) + cbor_head(2, len(value) + 1) + b"\x00" + value
    if isinstance(value, (bytes, str)):
        data = value if isinstance(value, bytes) else value.encode("utf-8")
        return cbor_head(2 if isinstance(value, bytes) else 3, len(data)) + data
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        members = sorted((len(key.encode("utf-8")), key.encode("utf-8"), key) for key in value)
        return cbor_head(5, len(value)) + b"".join(cbor(key) + cbor(value[key]) for _, _, key in members)
    raise Refused(f"DAG-CBOR holds no {type(value).__name__} of this size")


def cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    step = next(step for step in range(4) if number < 1 << (8 << step))
    return bytes([major << 5 | 24 + step]) + number.to_bytes(1 << step, "big")


def uncbor(block: bytes) -> Any:
    """The value of a block that is its own canonical encoding."""
    try:
        value, end = cbor_value(block, 0, 0)
        same = end == len(block) and cbor(value) == block
    except (IndexError, ValueError, struct.error, AttributeError, TypeError) as error:
        raise Refused(f"not DAG-CBOR: {error}") from None
    if not same:
        raise Refused("the block is not canonical DAG-CBOR")
    return value


def cbor_value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    major, number, start = data[at] >> 5, data[at] & 31, at + 1
    if depth > DEEP or number > 27:
        raise Refused("nested too deeply, or without a length")
    if major == 7:
        if number == 27:
            return struct.unpack_from(">d", data, start)[0], start + 8
        return {20: False, 21: True, 22: None}[number] if 20 <= number <= 22 else cbor_lost(), start
    if number > 23:
        size = 1 << (number - 24)
        number, start = int.from_bytes(data[start : start + size], "big"), start + size
    if major < 2:
        return number if major == 0 else -1 - number, start
    if major < 4:
        if start + number > len(data):
            raise Refused("the block is cut off")
        held = data[start : start + number]
        return held if major == 2 else held.decode("utf-8"), start + number
    if major == 6:
        held, end = cbor_value(data, start, depth + 1)
        if number != 42 or held[:1] != b"\x00":
            raise Refused("a tag that is no link")
        return cid_from(held[1:], "a link"), end
    if number > len(data):
        raise Refused("the block is cut off")
    items: list[Any] = []
    for _ in range(number if major == 4 else 2 * number):
        item, start = cbor_value(data, start, depth + 1)
        items.append(item)
    return items if major == 4 else {items[n]: items[n + 1] for n in range(0, len(items), 2)}, start


def cbor_lost() -> Any:
    raise Refused("a value that DAG-CBOR does not know")


def from_json(value: Any, depth: int = 0) -> Any:
    """The data of its JSON form (`$link`, `$bytes`)."""
    if depth > DEEP or isinstance(value, float):
        raise Refused("nested too deeply, or a fraction, which the data model does not hold")
    if isinstance(value, list):
        return [from_json(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$link"} and re.fullmatch("b[a-z2-7]{58}", str(value["$link"])):
        return cid_from(base64.b32decode(value["$link"][1:].upper() + "======"), "a link")
    if set(value) == {"$bytes"} and isinstance(value["$bytes"], str):
        text = value["$bytes"].rstrip("=")
        return unbase64(text + "=" * (-len(text) % 4), "$bytes")
    return {key: from_json(item, depth + 1) for key, item in value.items()}


# ---- repositories -------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """What a CAR proves: the commit, its `rev` (the host's clock), and the record's block, where it is there."""

    commit: Cid
    rev: str
    cid: Cid | None
    record: bytes | None


def check_record(car: bytes, did: str, name: str, key: Signer) -> Found:
    """The answer of com.atproto.sync.getRecord about `collection/rkey`. Refused with the check that failed."""
    root, blocks = read_car(car)
    commit = uncbor(taken(blocks, root, "the commit's block is missing"))
    if not isinstance(commit, dict) or commit.get("version") != 3:
        raise Refused("the root is not a commit of version 3")
    if commit.get("did") != did:
        raise Refused("the commit is of another account's repository")
    rev, signature, data = commit.get("rev"), commit.pop("sig", None), commit.get("data")
    if not isinstance(rev, str) or not TID.fullmatch(rev):
        raise Refused("the commit's rev is not a TID")
    if type(signature) is not bytes or type(data) is not Cid:
        raise Refused("the commit is not signed, or names no tree")
    key.check(cbor(commit), signature)
    leaf = tree_entry(blocks, data, name.encode("utf-8"))
    record = None if leaf is None else taken(blocks, leaf, "the record's block is missing")
    return Found(root, rev, leaf, record)


def taken(blocks: dict[Cid, bytes], cid: Cid, otherwise: str) -> bytes:
    if cid not in blocks:
        raise Refused(otherwise)
    return blocks[cid]


def read_car(car: bytes) -> tuple[Cid, dict[Cid, bytes]]:
    """The first root and the blocks of a CAR, version 1; each block is hashed."""
    parts = car_parts(car)
    header = uncbor(next(parts, b""))
    roots = header.get("roots") if isinstance(header, dict) and header.get("version") == 1 else None
    if not isinstance(roots, list) or not roots or type(roots[0]) is not Cid:
        raise Refused("not a CARv1 with a root")
    blocks: dict[Cid, bytes] = {}
    for part in parts:
        cid, block = cid_from(part[:36], "a block's CID"), part[36:]
        if hashlib.sha256(block).digest() != cid[4:]:
            raise Refused(f"block {cid} does not match its CID")
        blocks[cid] = block
    return roots[0], blocks


def car_parts(car: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(car):
        size = shift = 0
        while True:
            if at >= len(car) or shift > 63:
                raise Refused("the CAR is cut within a length")
            byte, at = car[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if at + size > len(car):
            raise Refused("the CAR is cut within a block")
        yield car[at : at + size]
        at += size


def tree_entry(blocks: dict[Cid, bytes], root: Cid, wanted: bytes) -> Cid | None:
    """What the Merkle search tree holds under a key; None when its nodes prove that it holds nothing."""
    child: Cid | None = root
    low, high, layer = b"", b"\xff", None  # type: bytes, bytes, int | None
    while child is not None:
        child, entries = tree_node(taken(blocks, child, "a node of the tree on the path to the key is missing"))
        layers = {tree_layer(key) for key, _, _ in entries}
        if len(layers) > 1 or (layer is not None and layers and layers != {layer}):
            raise Refused("a key stands in the wrong layer of the tree")
        layer = layers.pop() if layers else layer
        layer = None if layer is None else layer - 1
        names = [low, *(key for key, _, _ in entries), high]
        if any(names[n] >= names[n + 1] for n in range(len(names) - 1)):
            raise Refused("the keys of the tree are out of order")
        for key, value, right in entries:
            if key == wanted:
                return value
            if key > wanted:
                high = key
                break
            low, child = key, right
    return None


def tree_layer(key: bytes) -> int:
    """Leading zeros of SHA-256 of the key, in pairs of bits."""
    return (256 - int.from_bytes(hashlib.sha256(key).digest(), "big").bit_length()) // 2


def tree_node(block: bytes) -> tuple[Cid | None, list[tuple[bytes, Cid, Cid | None]]]:
    """The leftmost child, and each key, written out, with its value and the child to its right."""
    node, entries, key = uncbor(block), [], b""  # type: Any, list[tuple[bytes, Cid, Cid | None]], bytes
    if not isinstance(node, dict) or set(node) != {"l", "e"} or not isinstance(node["e"], list):
        raise Refused("a block on the path is not a node of the tree")
    for entry in node["e"]:
        if not isinstance(entry, dict) or set(entry) != {"p", "k", "v", "t"}:
            raise Refused("an entry of the tree is malformed")
        shared, rest = entry["p"], entry["k"]
        if type(shared) is not int or not 0 <= shared <= len(key) or type(rest) is not bytes:
            raise Refused("a key of the tree is malformed")
        key = key[:shared] + rest
        if type(entry["v"]) is not Cid or type(entry["t"]) not in (Cid, type(None)):
            raise Refused("an entry's value is not a link")
        entries.append((key, entry["v"], entry["t"]))
    if type(node["l"]) not in (Cid, type(None)):
        raise Refused("a child of the tree is not a link")
    return node["l"], entries


# ---- the log of a did:plc -----------------------------------------------------------------------------------


class Operation(NamedTuple):
    """An accepted operation; `signer` is the place of the key that signed it among those of the one before. The key of
    the account is a did:key, empty after a tombstone."""

    cid: str
    rotation: tuple[Signer, ...]
    signer: int
    at: datetime.datetime
    told_at: str
    key: str
    host: str


def check_plc(log: Any, did: str) -> list[Operation]:
    """The operations that hold, the first first, of an audit log (`/DID/log/audit`). Refused when the log does not
    follow from the DID by signatures and the directory's rules. What the directory left out cannot be seen."""
    branch: list[Operation] = []
    flagged, nullified, last = set(), set(), None  # type: set[str], set[str], datetime.datetime | None
    entries: list[Any] = log if isinstance(log, list) else [log]
    for entry in entries:
        operation = entry.get("operation") if isinstance(entry, dict) else None
        if not isinstance(operation, dict) or not isinstance(entry.get("createdAt"), str):
            raise Refused("not a log of operations with their times")
        if entry.get("did") != did:
            raise Refused("an operation of another DID stands in the log")
        at, cid = moment_of(entry["createdAt"]), cid_of(cbor(from_json(operation)))
        if entry.get("cid") != str(cid):
            raise Refused(f"operation {cid} is logged under another CID")
        if entry.get("nullified") is True:
            flagged.add(str(cid))
        if last is not None and at < last:
            raise Refused("the log is out of order")
        last = at
        nullified.update(accepted(branch, operation, did, cid, at, entry["createdAt"]))
    if not branch:
        raise Refused("the log is empty")
    if flagged != nullified:
        raise Refused("the operations flagged as nullified are not those that the log nullifies")
    return branch


def accepted(
    branch: list[Operation], operation: dict[str, Any], did: str, cid: Cid, at: datetime.datetime, told_at: str
) -> set[str]:
    """Appends the operation as the directory's rules demand. The CIDs of those that it nullifies."""
    if not branch:
        if operation.get("prev") is not None:
            raise Refused("the log does not start with a genesis operation")
        if did != "did:plc:" + base64.b32encode(cid[4:]).decode().lower()[:24]:
            raise Refused("the DID is not the hash of the genesis operation")
        new = operation_of(operation, str(cid), 0, at, told_at, first=True)
        plc_signer(new.rotation, operation, cid)
        branch.append(new)
        return set()
    fork = next((n for n, known in enumerate(branch) if known.cid == operation.get("prev")), None)
    if fork is None:
        raise Refused(f"operation {cid} does not follow a valid one")
    signer, lost = plc_signer(branch[fork].rotation, operation, cid), branch[fork + 1 :]
    if lost and signer >= lost[0].signer:
        raise Refused(f"operation {cid} rewrites history with a key of no higher authority")
    if lost and at - lost[0].at > WINDOW:
        raise Refused(f"operation {cid} rewrites history after the recovery window")
    branch[fork + 1 :] = [operation_of(operation, str(cid), signer, at, told_at)]
    return {known.cid for known in lost}


def operation_of(
    operation: dict[str, Any], cid: str, signer: int, at: datetime.datetime, told_at: str, first: bool = False
) -> Operation:
    kind, rotation, key, host = operation.get("type"), [], "", ""  # type: Any, Any, Any, Any
    if kind == "plc_operation":
        rotation, named, services = map(operation.get, ("rotationKeys", "verificationMethods", "services"))
        key = named.get("atproto", "") if isinstance(named, dict) else None
        server = services.get("atproto_pds") if isinstance(services, dict) else None
        host = server.get("endpoint", "") if isinstance(server, dict) else ""
    elif kind == "create" and first:  # the old form
        key, host = operation.get("signingKey"), operation.get("service")
        rotation = [operation.get("recoveryKey"), key]
    elif kind != "plc_tombstone" or first:
        raise Refused(f"operation {cid} is of type {str(kind)[:80]!r}, which is not allowed there")
    if not isinstance(rotation, list) or not all(isinstance(one, str) for one in (*rotation, key, host)):
        raise Refused(f"operation {cid} is malformed")
    return Operation(cid, tuple(map(did_key, rotation)), signer, at, told_at, key, host)


def plc_signer(rotation: tuple[Signer, ...], operation: dict[str, Any], cid: Cid) -> int:
    """The place of the rotation key that signed an operation."""
    text = str(operation.get("sig"))
    raw = base64.urlsafe_b64decode(text + "==") if SIGNATURE.fullmatch(text) else b""
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise Refused(f"the signature of operation {cid} is not 64 bytes in unpadded base64url")
    message = cbor(from_json({name: value for name, value in operation.items() if name != "sig"}))
    for place, key in enumerate(rotation):
        try:
            key.check(message, raw)
        except Refused:
            continue
        return place
    raise Refused(f"operation {cid} is signed by no rotation key")


def moment_of(text: str) -> datetime.datetime:
    found = MOMENT.fullmatch(text)
    try:
        whole = datetime.datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S") if found else None
    except ValueError:
        whole = None
    if whole is None or found is None:
        raise Refused("a time of the log is not in UTC as RFC 3339 writes it")
    return whole + datetime.timedelta(microseconds=int((found[3] or ".0")[1:].ljust(6, "0")))
