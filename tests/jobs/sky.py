"""Bluesky as a player: one account with keys, a signed repository on its PDS, the directory and the AppView.

Made anew from the specifications (DAG-CBOR, CAR, Merkle search tree, did:plc): no code under test is used.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import libipld
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playing import NOTHING, Reply, Server, answer, message


class Key:
    """A secp256k1 key pair, always the same for a number; signatures with a low S, as the protocol asks."""

    ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

    def __init__(self, number: int) -> None:
        self.private = ec.derive_private_key(number + 10**30, ec.SECP256K1())
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.multibase = str(libipld.encode_multibase("z", b"\xe7\x01" + point))

    @property
    def did_key(self) -> str:
        return f"did:key:{self.multibase}"

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, self.ORDER - s).to_bytes(32, "big")


def cid(block: bytes, codec: int = 0x71) -> bytes:
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()


def cid_text(raw: bytes) -> str:
    return "b" + base64.b32encode(raw).decode().rstrip("=").lower()


def linked(value: Any) -> Any:
    """The JSON form of a record with its links as CIDs, ready for DAG-CBOR."""
    if isinstance(value, dict):
        if set(value) == {"$link"}:
            return base64.b32decode(value["$link"][1:].upper() + "======")
        return {key: linked(item) for key, item in value.items()}
    return [linked(item) for item in value] if isinstance(value, list) else value


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


class Bluesky:
    """One account with one live post on its PDS, and the AppView and directory that know it.

    The repository has a single record, so its tree is one node: it proves this record present, every other absent.
    """

    POST = "app.bsky.feed.post"

    def __init__(self, handle: str, rkey: str) -> None:
        self.handle, self.rkey = handle, rkey
        self.signing, self.rotation = Key(1), Key(2)
        self.pds = Server(self._pds)
        self.net = Server(self._net)
        self.blobs: dict[str, tuple[str, bytes]] = {}
        unsigned = {
            "type": "plc_operation",
            "rotationKeys": [self.rotation.did_key],
            "verificationMethods": {"atproto": self.signing.did_key},
            "alsoKnownAs": [f"at://{handle}"],
            "services": {"atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": self.pds.base}},
            "prev": None,
        }
        mark = base64.urlsafe_b64encode(self.rotation.sign(libipld.encode_dag_cbor(unsigned))).decode().rstrip("=")
        self.genesis = unsigned | {"sig": mark}
        block = libipld.encode_dag_cbor(self.genesis)
        self.did = "did:plc:" + base64.b32encode(hashlib.sha256(block).digest()).decode().lower()[:24]
        self.genesis_cid = cid_text(cid(block))
        self.record: dict[str, Any] = {}

    def endpoints(self) -> dict[str, str]:
        return {"bluesky.appview": self.net.base, "bluesky.plc": f"{self.net.base}/plc"}

    def uri(self, rkey: str = "") -> str:
        return f"at://{self.did}/{self.POST}/{rkey or self.rkey}"

    def url(self, rkey: str = "") -> str:
        return f"https://bsky.app/profile/{self.handle}/post/{rkey or self.rkey}"

    def image(self, data: bytes) -> dict[str, Any]:
        name = cid_text(cid(data, 0x55))
        self.blobs[name] = ("image/jpeg", data)
        blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": "image/jpeg", "size": len(data)}
        return {"$type": "app.bsky.embed.images", "images": [{"alt": "a map", "image": blob}]}

    def write(self, text: str, at: str, *, quoted: str, image: bytes) -> None:
        """The live post: a picture, and a quotation of a post of the same account that is not there any more."""
        gone = cid_text(cid(libipld.encode_dag_cbor({"$type": self.POST, "text": "gone", "createdAt": at})))
        quote = {"$type": "app.bsky.embed.record", "record": {"uri": self.uri(quoted), "cid": gone}}
        both = {"$type": "app.bsky.embed.recordWithMedia", "record": quote, "media": self.image(image)}
        self.record = {"$type": self.POST, "text": text, "createdAt": at, "langs": ["en"], "embed": both}

    def car(self) -> bytes:
        record = libipld.encode_dag_cbor(linked(self.record))
        entry = {"p": 0, "k": f"{self.POST}/{self.rkey}".encode(), "v": cid(record), "t": None}
        node = libipld.encode_dag_cbor({"l": None, "e": [entry]})
        unsigned = {"did": self.did, "version": 3, "rev": "3l7gexamp2lc2", "prev": None, "data": cid(node)}
        commit = libipld.encode_dag_cbor(unsigned | {"sig": self.signing.sign(libipld.encode_dag_cbor(unsigned))})
        header = libipld.encode_dag_cbor({"version": 1, "roots": [cid(commit)]})
        parts = [header, *(cid(block) + block for block in (commit, node, record))]
        return b"".join(varint(len(part)) + part for part in parts)

    def _pds(self, target: str, raw: bytes) -> Reply:
        del raw
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        here = query.get("rkey") == self.rkey
        match parts.path.rpartition("/")[2]:
            case "com.atproto.repo.getRecord" if here:
                name = cid_text(cid(libipld.encode_dag_cbor(linked(self.record))))
                return answer({"uri": self.uri(), "cid": name, "value": self.record})
            case "com.atproto.repo.getRecord":
                return answer({"error": "RecordNotFound", "message": "no"}, status="400 Bad Request")
            case "com.atproto.sync.getRecord":
                return message(self.car(), "Content-Type: application/vnd.ipld.car")
            case "com.atproto.sync.getRepoStatus":
                return answer({"did": self.did, "active": True, "rev": "3l7gexamp2lc2"})
            case "com.atproto.sync.getBlob" if query.get("cid") in self.blobs:
                kind, data = self.blobs[query["cid"]]
                return message(data, f"Content-Type: {kind}")
        return NOTHING

    def _net(self, target: str, raw: bytes) -> Reply:
        del raw
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        match parts.path.rpartition("/")[2]:
            case "com.atproto.identity.resolveHandle" if query["handle"] == self.handle:
                return answer({"did": self.did})
            case "app.bsky.feed.getPosts":
                return answer({"posts": [self._view()] if query["uris"] == self.uri() else []})
            case "audit":
                at = "2024-01-01T00:00:00.000Z"
                entry = {"did": self.did, "operation": self.genesis, "cid": self.genesis_cid}
                return answer([entry | {"nullified": False, "createdAt": at}])
            case self.did:
                return answer(self._document())
        return answer({"error": "InvalidRequest", "message": "no"}, status="400 Bad Request")

    def _view(self) -> dict[str, Any]:
        gone = self.record["embed"]["record"]["record"]["uri"]
        lost = {"$type": "app.bsky.embed.record#viewNotFound", "uri": gone, "notFound": True}
        images = {"thumb": f"{self.pds.base}/thumb", "fullsize": f"{self.pds.base}/full", "alt": "a map"}
        return {
            "uri": self.uri(),
            "cid": cid_text(cid(libipld.encode_dag_cbor(linked(self.record)))),
            "author": {"did": self.did, "handle": self.handle, "displayName": "Ines"},
            "record": self.record,
            "embed": {
                "$type": "app.bsky.embed.recordWithMedia#view",
                "record": {"record": lost},
                "media": {"$type": "app.bsky.embed.images#view", "images": [images]},
            },
            "likeCount": 1,
            "indexedAt": self.record["createdAt"],
        }

    def _document(self) -> dict[str, Any]:
        method = {"id": f"{self.did}#atproto", "type": "Multikey", "publicKeyMultibase": self.signing.multibase}
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.pds.base}
        return {
            "id": self.did,
            "alsoKnownAs": [f"at://{self.handle}"],
            "verificationMethod": [method],
            "service": [service],
        }
