"""DAG-CBOR and CIDs: what a record's JSON form hashes to, and blocks that are exactly their canonical encoding.

libipld hands out links and byte strings alike as `bytes`, and writes bytes that read as a CID as a link. A block is
therefore accepted only when writing it again gives the same bytes: that also refuses non-canonical encodings.
Sources: ipld.io/specs/codecs/dag-cbor, atproto.com/specs/data-model.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

import libipld

from archiver.errors import ProofError

RECORD = b"\x01\x71\x12\x20"  # CIDv1, dag-cbor, sha2-256 of 32 bytes
BLOB = b"\x01\x55\x12\x20"  # CIDv1, raw, sha2-256 of 32 bytes
CID_LENGTH = 36
_CID_TEXT = re.compile(r"b[a-z2-7]{58}")


def cid_of(block: bytes) -> str:
    """The CID of a DAG-CBOR block, as text."""
    return cid_text(RECORD + hashlib.sha256(block).digest())


def cid_text(cid: bytes) -> str:
    """The text form (base32, lower case, prefix b) of a CID of 36 bytes."""
    return "b" + base64.b32encode(cid).decode("ascii").rstrip("=").lower()


def cid_bytes(text: str) -> bytes:
    """The 36 bytes of a CIDv1 with SHA-256. Raises ProofError for anything else, also for loose final bits."""
    if not _CID_TEXT.fullmatch(text):
        raise ProofError(f"{text[:80]!r} is not a CID in base32")
    cid = base64.b32decode(text[1:].upper() + "======")
    if cid[:4] not in (RECORD, BLOB) or cid_text(cid) != text:
        raise ProofError(f"{text!r} is not a CIDv1 of a record or blob with SHA-256")
    return cid


def is_cid(text: str) -> bool:
    """Whether the text is a CID as the AT Protocol writes them."""
    try:
        cid_bytes(text)
    except ProofError:
        return False
    return True


def blob_sha256(cid: str) -> str:
    """The SHA-256 (hex) that a blob's CID states of its bytes; empty where it states none."""
    try:
        raw = cid_bytes(cid)
    except ProofError:
        return ""
    return raw[4:].hex() if raw[:4] == BLOB else ""


def encode(value: Any) -> bytes:
    """Canonical DAG-CBOR. Raises ProofError for values that the format cannot hold."""
    try:
        encoded: bytes = libipld.encode_dag_cbor(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProofError(f"not encodable as DAG-CBOR: {str(error)[:200]}") from None
    return encoded


def decode(block: bytes) -> Any:
    """The value of a block that is its own canonical encoding. Raises ProofError for any other bytes."""
    try:
        value = libipld.decode_dag_cbor(block)
    except (ValueError, RecursionError) as error:
        raise ProofError(f"not DAG-CBOR: {str(error)[:200]}") from None
    if encode(value) != block:
        raise ProofError("the block is not canonical DAG-CBOR")
    return value


def from_json(value: Any) -> Any:
    """The data model's value of its JSON form (`$link`, `$bytes`). Raises ProofError where that form is broken or
    cannot be told apart (a byte string that reads as a CID), for fractions, which the data model forbids, and for
    nesting that is too deep."""
    try:
        return _from_json(value)
    except RecursionError:
        raise ProofError("nested too deeply") from None


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$link"} and isinstance(value["$link"], str):
            return cid_bytes(value["$link"])
        if value.keys() == {"$bytes"} and isinstance(value["$bytes"], str):
            return _byte_string(value["$bytes"])
        return {key: _from_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_from_json(member) for member in value]
    if isinstance(value, float):
        raise ProofError("a fraction: the data model has integers only")
    return value


def _byte_string(text: str) -> bytes:
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ProofError("$bytes is not base64") from None
    if _reads_as_cid(value):
        raise ProofError("a byte string that reads as a CID cannot be encoded safely")
    return value


def _reads_as_cid(value: bytes) -> bool:
    try:
        libipld.encode_cid(value)
    except ValueError:
        return False
    return True


def to_json(value: Any) -> Any:
    """The JSON form of a decoded block's value. Blocks come through `decode`, so bytes that read as a CID are links.

    Raises ProofError for nesting that is too deep."""
    try:
        return _to_json(value)
    except RecursionError:
        raise ProofError("nested too deeply") from None


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        if value[:4] in (RECORD, BLOB) and len(value) == CID_LENGTH:
            return {"$link": cid_text(value)}
        if _reads_as_cid(value):
            return {"$link": libipld.encode_cid(value)}
        return {"$bytes": base64.b64encode(value).decode("ascii").rstrip("=")}
    if isinstance(value, dict):
        return {key: _to_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_to_json(member) for member in value]
    return value


def record_cid(record: Any) -> str:
    """The CID that a record's JSON form hashes to. Raises ProofError when it has no DAG-CBOR form."""
    return cid_of(encode(from_json(record)))
