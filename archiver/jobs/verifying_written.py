"""Leaves as their rows would write them.

A leaf that is byte for byte what its row gives in canonical form is canonical and agrees with its row: it need not be
read. That is so for nearly all leaves, and takes half the time. All others are read and compared field by field.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from archiver.jobs import verifying_rows as rows

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
LARGEST = 2**53 - 1
"""The largest integer that canonical JSON has."""
_NONCE = b'"nonce":"'
_HEX = frozenset(b"0123456789abcdef")


def _nonce(data: bytes) -> str | None:
    """The nonce of a leaf, if one stands where it is looked for: 32 hexadecimal digits."""
    at = data.find(_NONCE) + len(_NONCE)
    found = data[at : at + 32]
    return found.decode("ascii") if _HEX.issuperset(found) else None


def _text(leaf: dict[str, Any]) -> bytes:
    """Empty for what has no canonical form."""
    try:
        return _ENCODE(leaf).encode()
    except (TypeError, ValueError):
        return b""


def reading(row: rows.Values, index: int, data: bytes) -> bool:
    """Whether a `reading` leaf is what its row gives."""
    capture, stage, parser, sha256 = row[2:]
    leaf = {
        "capture": capture,
        "nonce": _nonce(data),
        "parser": parser,
        "result_sha256": sha256,
        "seq": str(index),
        "stage": stage,
        "type": "reading",
        "v": 1,
    }
    return _text(leaf) == data


def capture(row: rows.Values, index: int, data: bytes) -> dict[str, Any] | None:
    """The fields of a `capture` or `import` leaf, if it is what its row gives."""
    sent, head, framed, chain, declared, size, imported, uid, ref, platform, route, tier, wall, end, mono = row[2:17]
    method, url, meaning, parent, hop, status, blob, received, entity, failure, rebuilt = row[17:28]
    ip, port, tls, cipher, pointer, version, config, operator = row[28:]
    if platform != ref.partition(":")[0] or not (size is None or str(size) == received) or rebuilt not in (0, 1):
        return None
    if max(hop, port, status or 0) > LARGEST:
        return None
    if head and rows.declared_type(head, declared) != declared:
        return None
    after = None if data.startswith(b'{"after":null') else data[10:74].decode("ascii", "replace")
    sha256 = hashlib.sha256
    try:
        certificates, framed_bytes = rows.json_list(chain), framed.encode()
    except ValueError:
        return None
    leaf = {
        "after": after,
        "clock": {"end": end, "mono": mono, "wall": wall},
        "nonce": _nonce(data),
        "objects": [],
        "operator": operator,
        "peer": {"chain_sha256": certificates, "cipher": cipher, "ip": ip, "port": port, "tls": tls},
        "ref": ref,
        "request": {
            "hop": hop,
            "meaning": meaning,
            "method": method,
            "parent": parent,
            "sent_sha256": sha256(sent).hexdigest(),
            "url": url,
        },
        "response": {
            "body_sha256": blob,
            "body_size": received,
            "entity_sha256": entity,
            "failure": failure,
            "framing_sha256": sha256(framed_bytes).hexdigest(),
            "head_sha256": sha256(head).hexdigest(),
            "rebuilt": bool(rebuilt),
            "status": status,
        },
        "route": route,
        "seq": str(index),
        "source": {"pointer": pointer},
        "tier": tier,
        "tool": {"config_sha256": config, "version": version},
        "type": "import" if imported else "capture",
        "uid": uid,
        "v": 1,
    }
    return leaf if _text(leaf) == data else None
