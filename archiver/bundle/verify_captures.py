"""Whether a capture is what its leaf says, field by field.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from archiver.bundle.verify_files import Refused, at, load, unbase64

FIELDS = {  # fields of captures, and where their leaves say the same
    "uid": "uid", "ref": "ref", "route": "route", "tier": "tier", "observed_at": "clock.wall",
    "ended_at": "clock.end", "mono_ns": "clock.mono", "method": "request.method", "url": "request.url",
    "request": "request.meaning", "parent": "request.parent", "hop": "request.hop", "status": "response.status",
    "received": "response.body_size", "entity_sha256": "response.entity_sha256",
    "body_sha256": "response.body_sha256", "failure": "response.failure", "rebuilt": "response.rebuilt",
    "peer_ip": "peer.ip", "peer_port": "peer.port", "tls_version": "peer.tls", "tls_cipher": "peer.cipher",
    "source_pointer": "source.pointer", "tool_version": "tool.version", "config_sha256": "tool.config_sha256",
    "operator": "operator", "leaf": "seq",
}  # fmt: skip

HASHED = frozenset({"sent", "response_head", "framing", "tls_chain", "platform", "body_size"})  # or that follow


def unnamed(row: dict[str, Any]) -> set[str]:
    """What a capture says and no leaf does."""
    return {cut(field)[1:-1] for field in row if field not in FIELDS and field not in HASHED}


def capture_faults(row: dict[str, Any], leaf: dict[str, Any], name: str) -> Iterator[str]:
    """What a capture says otherwise than its leaf. `sent` and `response_head` are in base64, and the leaf holds their
    SHA-256, as it does of the framing. Numbers may be text in one of the two."""
    for field, path in FIELDS.items():
        given, logged = row.get(field), at(leaf, path)
        if not same("" if given is None and field == "body_sha256" else given, logged):
            yield f"{field} is {cut(given)}, its leaf says {cut(logged)}"
    for field, path in (("sent", "request.sent_sha256"), ("response_head", "response.head_sha256")):
        try:
            given = hashlib.sha256(unbase64(row.get(field), field)).hexdigest()
        except Refused as error:
            yield str(error)
            continue
        if given != at(leaf, path):
            yield f"{field} has the SHA-256 {given}, its leaf says {cut(at(leaf, path))}"
    framing = hashlib.sha256(str(row.get("framing")).encode("utf-8", "replace")).hexdigest()
    if framing != at(leaf, "response.framing_sha256"):
        yield f"framing has the SHA-256 {framing}, its leaf says {cut(at(leaf, 'response.framing_sha256'))}"
    platform, size = str(at(leaf, "ref")).partition(":")[0], row.get("body_size")
    if row.get("platform", platform) != platform:
        yield f"platform is {cut(row['platform'])}, its leaf says {cut(platform)}"
    if size is not None and not same(size, at(leaf, "response.body_size")):
        yield f"body_size is {cut(size)}, its leaf says {cut(at(leaf, 'response.body_size'))}"
    chain = row.get("tls_chain")
    chain = load(chain.encode("utf-8", "replace"), f"{name}: tls_chain") if isinstance(chain, str) else chain
    if chain != at(leaf, "peer.chain_sha256"):
        yield f"tls_chain is {cut(chain)}, its leaf says {cut(at(leaf, 'peer.chain_sha256'))}"


def same(given: Any, logged: Any) -> bool:
    """Equal, or the same number as text, or a 0 or 1 for a truth value."""
    if isinstance(logged, bool):
        return given in (int(logged), logged) and isinstance(given, int)
    return (type(given) is type(logged) and given == logged) or (type(given) is int and str(given) == logged)


def cut(value: Any) -> str:
    """A value to be shown."""
    return json.dumps(value, default=str)[:200]
