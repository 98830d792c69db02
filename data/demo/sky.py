"""Bluesky for the demonstration: accounts with fixed keys, their identity log, and repositories that they sign.

Nothing here uses the code that checks it. Signatures are deterministic (RFC 6979), so the same bytes come out each
time. Sources: atproto.com/specs/repository, web.plc.directory/spec/v0.1/did-plc, ipld.io/specs/transport/car/carv1.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import libipld
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POST = "app.bsky.feed.post"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tid(moment: str) -> str:
    """The record key of a UTC time: microseconds and a clock id of 0, in sortable base 32."""
    number = (datetime.fromisoformat(moment) - EPOCH) // timedelta(microseconds=1) << 10
    return "".join(DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def cid(block: bytes, codec: int = 0x71) -> bytes:
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()


def text_of(raw: bytes) -> str:
    return "b" + base64.b32encode(raw).decode().rstrip("=").lower()


def block_of(record: dict[str, Any]) -> bytes:
    """A record in DAG-CBOR, its `$link` objects as CIDs."""
    return libipld.encode_dag_cbor(_linked(record))


def _linked(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$link"}:
            return base64.b32decode(value["$link"][1:].upper() + "======")
        return {key: _linked(item) for key, item in value.items()}
    return [_linked(item) for item in value] if isinstance(value, list) else value


class Key:
    """A secp256k1 key pair, always the same for a name. These keys are public: they protect nothing."""

    def __init__(self, name: str) -> None:
        number = int.from_bytes(hashlib.sha256(f"lanternwick {name}".encode()).digest()) % (ORDER - 1) + 1
        self.private = ec.derive_private_key(number, ec.SECP256K1())
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.multibase = str(libipld.encode_multibase("z", b"\xe7\x01" + point))

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)


@dataclass
class Account:
    """One account with its repository: `records` by record key, all of them posts."""

    handle: str
    name: str
    pds: str
    since: str
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.signing, rotation = Key(f"{self.handle} signing"), Key(f"{self.handle} rotation")
        unsigned = {
            "type": "plc_operation",
            "rotationKeys": [f"did:key:{rotation.multibase}"],
            "verificationMethods": {"atproto": f"did:key:{self.signing.multibase}"},
            "alsoKnownAs": [f"at://{self.handle}"],
            "services": {"atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": self.pds}},
            "prev": None,
        }
        mark = base64.urlsafe_b64encode(rotation.sign(libipld.encode_dag_cbor(unsigned))).decode().rstrip("=")
        self.genesis = unsigned | {"sig": mark}
        block = libipld.encode_dag_cbor(self.genesis)
        self.did = "did:plc:" + base64.b32encode(hashlib.sha256(block).digest()).decode().lower()[:24]
        self.genesis_cid = text_of(cid(block))

    def uri(self, rkey: str) -> str:
        return f"at://{self.did}/{POST}/{rkey}"

    def cid(self, rkey: str) -> str:
        return text_of(cid(block_of(self.records[rkey])))

    def strong(self, rkey: str) -> dict[str, str]:
        """A reference that pins the version: what a quotation holds."""
        return {"uri": self.uri(rkey), "cid": self.cid(rkey)}

    def post(self, text: str, moment: str, **more: Any) -> str:
        """Writes a post, or writes it anew; gives its record key."""
        rkey = tid(moment)
        self.records[rkey] = {"$type": POST, "text": text, "createdAt": moment, "langs": ["en"], **more}
        return rkey

    def image(self, data: bytes, alt: str) -> dict[str, Any]:
        name = text_of(cid(data, 0x55))
        self.blobs[name] = data
        blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": "image/png", "size": len(data)}
        return {"$type": "app.bsky.embed.images", "images": [{"alt": alt, "image": blob}]}

    def log(self) -> list[dict[str, Any]]:
        entry = {"did": self.did, "operation": self.genesis, "cid": self.genesis_cid}
        return [entry | {"nullified": False, "createdAt": self.since}]

    def document(self) -> dict[str, Any]:
        method = {"id": f"{self.did}#atproto", "type": "Multikey", "controller": self.did}
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.pds}
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": self.did,
            "alsoKnownAs": [f"at://{self.handle}"],
            "verificationMethod": [method | {"publicKeyMultibase": self.signing.multibase}],
            "service": [service],
        }

    def car(self, rkey: str, rev: str) -> bytes:
        """The signed commit of revision `rev` with the tree, and the record under this key if there is one."""
        blocks: list[bytes] = []
        entries = [(f"{POST}/{key}".encode(), cid(block_of(self.records[key]))) for key in sorted(self.records)]
        root = _tree(entries, max(_layer(key) for key, _ in entries), blocks)
        unsigned = {"did": self.did, "version": 3, "rev": rev, "prev": None, "data": root}
        commit = libipld.encode_dag_cbor(unsigned | {"sig": self.signing.sign(libipld.encode_dag_cbor(unsigned))})
        if rkey in self.records:
            blocks.append(block_of(self.records[rkey]))
        header = libipld.encode_dag_cbor({"version": 1, "roots": [cid(commit)]})
        parts = [header, *(cid(block) + block for block in (commit, *blocks))]
        return b"".join(_varint(len(part)) + part for part in parts)


def _layer(key: bytes) -> int:
    """Leading zeros of the key's SHA-256, in pairs of bits."""
    return (256 - int.from_bytes(hashlib.sha256(key).digest()).bit_length()) // 2


def _tree(entries: list[tuple[bytes, bytes]], layer: int, blocks: list[bytes]) -> bytes | None:
    """The Merkle search tree of sorted entries, its nodes appended to `blocks`; the CID of its root."""
    if not entries:
        return None
    here = [index for index, (key, _) in enumerate(entries) if _layer(key) == layer]
    bounds = [*here, len(entries)]
    node: dict[str, Any] = {"l": _tree(entries[: bounds[0]], layer - 1, blocks), "e": []}
    before = b""
    for index, following in zip(here, bounds[1:], strict=True):
        key, value = entries[index]
        shared = next((n for n, pair in enumerate(zip(key, before, strict=False)) if pair[0] != pair[1]), len(before))
        right = _tree(entries[index + 1 : following], layer - 1, blocks)
        node["e"].append({"p": shared, "k": key[shared:], "v": value, "t": right})
        before = key
    blocks.append(libipld.encode_dag_cbor(node))
    return cid(blocks[-1])


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])
