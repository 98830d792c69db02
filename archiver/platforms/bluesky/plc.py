"""DID documents, and the PLC directory's audit log verified from the genesis operation on.

The log proves which keys and which host an account had, without trust in the directory: each operation is named by
its hash, signed by a rotation key of the one before, and the DID is the hash of the first. What the directory could
still do is leave out or reorder branches within the recovery window. Source: web.plc.directory/spec/v0.1/did-plc.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from archiver.errors import ProofError
from archiver.platforms.bluesky import dag, keys
from archiver.platforms.bluesky.addresses import is_handle
from archiver.platforms.fields import Node

RECOVERY_WINDOW = timedelta(hours=72)
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DidDocument:
    """What a DID document says that the AT Protocol uses. `key` and `key_type` are the `#atproto` verification
    method as written, `pds` the `#atproto_pds` service's address without a trailing slash, `handle` the first
    at:// alias (the document's claim alone). Each is empty where the document has none that can be used."""

    did: str
    handle: str
    key: str
    key_type: str
    pds: str


def read_document(document: Node, did: str) -> DidDocument:
    """Raises ParseError for a document of another DID and for wrong types."""
    subject = document.at("id")
    if subject.text() != did:
        raise subject.fail(f"the document of {did}")
    aliases = [alias.text() for alias in document.list("alsoKnownAs")]
    handles = [alias.removeprefix("at://") for alias in aliases if alias.startswith("at://")]
    key, key_type = "", ""
    for method in document.list("verificationMethod"):
        if not key and method.at("id").text() in {"#atproto", f"{did}#atproto"}:
            key, key_type = method.string("publicKeyMultibase"), method.string("type")
    pds = ""
    for service in document.list("service"):
        named = service.at("id").text() in {"#atproto_pds", f"{did}#atproto_pds"}
        if not pds and named and service.string("type") == "AtprotoPersonalDataServer":
            pds = origin(service.at("serviceEndpoint").text())
    handle = next((handle.lower() for handle in handles if is_handle(handle)), "")
    return DidDocument(did=did, handle=handle, key=key, key_type=key_type, pds=pds)


def origin(url: str) -> str:
    """An http(s) origin without path, query or user; empty for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    plain = parts.scheme in {"http", "https"} and parts.path in {"", "/"} and not (parts.query or parts.fragment)
    if not plain or not parts.hostname or parts.username is not None or parts.password is not None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def document_url(did: str, directory: str) -> str:
    """Where the DID document is: the PLC directory, or the host that did:web names."""
    if did.startswith("did:plc:"):
        return f"{directory}/{did}"
    return f"https://{unquote(did.removeprefix('did:web:'))}/.well-known/did.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcLog:
    """The state that a verified log ends in. `key` is the did:key of the `atproto` verification method, `pds` the
    service's address; all are empty after a tombstone. Counts are of operations; times are the directory's."""

    did: str
    operations: int
    nullified: int
    created_at: str
    key: str
    pds: str
    handle: str
    tombstone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One accepted operation, with the index in the previous operation's rotation keys of the key that signed it."""

    cid: str
    rotation: tuple[keys.PublicKey, ...]
    signer: int
    at: datetime
    key: str = ""
    pds: str = ""
    handle: str = ""
    tombstone: bool = False


def verify_log(log: Node, did: str) -> PlcLog:
    """Verify an audit log (`/DID/log/audit`). Raises ParseError for wrong types, ProofError for what does not hold."""
    branch: list[_Operation] = []
    flagged: set[str] = set()
    nullified: set[str] = set()
    entries = tuple(log.items())
    last = ""
    for entry in entries:
        at = entry.at("createdAt").time()
        if entry.at("did").text() != did:
            raise ProofError("an operation of another DID stands in the log")
        operation = entry.at("operation")
        cid = _cid(operation)
        if entry.at("cid").text() != cid:
            raise ProofError(f"operation {cid} is logged under another CID")
        if entry.truth("nullified"):
            flagged.add(cid)
        if last and _moment(at) < _moment(last):
            raise ProofError("the log is out of order")
        last = at
        nullified.update(_accept(branch, operation, did, cid, _moment(at)))
    if not branch:
        raise ProofError("the log is empty")
    if flagged != nullified:
        raise ProofError("the operations flagged as nullified are not those that the log nullifies")
    head = branch[-1]
    return PlcLog(
        did=did,
        operations=len(entries),
        nullified=len(nullified),
        created_at=entries[0].at("createdAt").time(),
        key=head.key,
        pds=head.pds,
        handle=head.handle,
        tombstone=head.tombstone,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _cid(operation: Node) -> str:
    operation.string("type")
    return dag.cid_of(dag.encode(dag.from_json(operation.value)))


def _accept(branch: list[_Operation], node: Node, did: str, cid: str, at: datetime) -> set[str]:
    """Append the operation to the valid branch as the directory's rules demand; give the CIDs that it nullifies."""
    prev = node.string("prev")
    if not branch:
        if prev:
            raise ProofError("the log does not start with a genesis operation")
        if did != "did:plc:" + base64.b32encode(dag.cid_bytes(cid)[4:]).decode("ascii").lower()[:24]:
            raise ProofError("the DID is not the hash of the genesis operation")
        operation = _operation(node, cid, at)
        _signer(operation.rotation, node, cid)
        branch.append(operation)
        return set()
    fork = next((index for index, known in enumerate(branch) if known.cid == prev), None)
    if fork is None:
        raise ProofError(f"operation {cid} does not follow a valid one")
    index = _signer(branch[fork].rotation, node, cid)
    lost = branch[fork + 1 :]
    if lost and index >= lost[0].signer:
        raise ProofError(f"operation {cid} rewrites history with a key of no higher authority")
    if lost and at - lost[0].at > RECOVERY_WINDOW:
        raise ProofError(f"operation {cid} rewrites history after the recovery window")
    branch[fork + 1 :] = [_operation(node, cid, at, signer=index)]
    return {known.cid for known in lost}


def _operation(node: Node, cid: str, at: datetime, *, signer: int | None = None) -> _Operation:
    """`signer` None means genesis: only there the old `create` form is allowed, and a tombstone is not."""
    kind = node.at("type").text()
    if kind == "plc_operation":
        services = node.at("services")
        names = (alias.text() for alias in node.at("alsoKnownAs").items())
        return _Operation(
            cid=cid,
            rotation=tuple(keys.PublicKey.parse(key.text()) for key in node.at("rotationKeys").items()),
            signer=signer or 0,
            at=at,
            key=node.at("verificationMethods").string("atproto"),
            pds=(service.string("endpoint") if (service := services.get("atproto_pds")) else ""),
            handle=next((name.removeprefix("at://") for name in names if name.startswith("at://")), ""),
        )
    if kind == "create" and signer is None:
        rotation = (node.at("recoveryKey").text(), node.at("signingKey").text())
        return _Operation(
            cid=cid,
            rotation=tuple(keys.PublicKey.parse(key) for key in rotation),
            signer=0,
            at=at,
            key=rotation[1],
            pds=node.at("service").text(),
            handle=node.at("handle").text(),
        )
    if kind == "plc_tombstone" and signer is not None:
        return _Operation(cid=cid, rotation=(), signer=signer, at=at, tombstone=True)
    raise ProofError(f"operation {cid} is of type {kind[:80]!r}, which is not allowed there")


def _signer(rotation: tuple[keys.PublicKey, ...], node: Node, cid: str) -> int:
    signature = node.at("sig").text()
    if not _SIGNATURE.fullmatch(signature):
        raise ProofError(f"the signature of operation {cid} is not 64 bytes in unpadded base64url")
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
    except binascii.Error:
        raise ProofError(f"the signature of operation {cid} is not base64url") from None
    if base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=") != signature:
        raise ProofError(f"the signature of operation {cid} has loose final bits")
    unsigned = {name: value for name, value in node.value.items() if name != "sig"}
    index = keys.signer(rotation, dag.encode(dag.from_json(unsigned)), raw)
    if index is None:
        raise ProofError(f"operation {cid} is signed by no rotation key")
    return index
