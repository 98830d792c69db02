"""Leaves as their rows would write them.

A leaf that is byte for byte what its row gives in canonical form is canonical and agrees with its row: it need not be
read. That is so for nearly all leaves, and takes a third of the time. All others are read and compared field by field.
The form is written out here, with its keys in their order, since an encoder takes as long as everything else together.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from json.encoder import encode_basestring as _quoted

from archiver.jobs import verifying_rows as rows

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
LARGEST = 2**53 - 1
"""The largest integer that canonical JSON has."""
_NONCE = b'"nonce":"'
_HEX = b"0123456789abcdef"
_NOTHING = hashlib.sha256(b"").hexdigest()


def _nonce(data: bytes) -> str:
    """The nonce of a leaf: 32 hexadecimal digits. ValueError where it is something else."""
    at = data.find(_NONCE) + len(_NONCE)
    found = data[at : at + 32]
    if len(found) != 32 or found.strip(_HEX):
        raise ValueError("no nonce")
    return found.decode("ascii")


@lru_cache(maxsize=1024)
def _list(text: str) -> str:
    """A list in canonical form; few recur often."""
    return _ENCODE(json.loads(text))


def reading(row: rows.Values, index: int, data: bytes) -> bool:
    """Whether a `reading` leaf is what its row gives."""
    capture, stage, parser, sha256 = row[2:]
    try:
        text = (
            f'{{"capture":{_quoted(capture)},"nonce":"{_nonce(data)}","parser":{_quoted(parser)},'
            f'"result_sha256":{_quoted(sha256)},"seq":"{index}","stage":{_quoted(stage)},"type":"reading","v":1}}'
        )
        return text.encode() == data
    except (TypeError, ValueError):  # no text, or one that has no UTF-8
        return False


def capture(row: rows.Values, index: int, data: bytes) -> bool:
    """Whether a `capture` or `import` leaf is what its row gives."""
    sent, head, framed, chain, declared, size, imported, uid, ref, platform, route, tier, wall, end, mono = row[2:17]
    method, url, meaning, parent, hop, status, blob, received, entity, failure, rebuilt = row[17:28]
    ip, port, tls, cipher, pointer, version, config, operator = row[28:]
    try:
        if platform != ref.partition(":")[0] or not (size is None or str(size) == received) or rebuilt not in (0, 1):
            return False
        if max(hop, port, status or 0) > LARGEST or (head and rows.declared_type(head, declared) != declared):
            return False
        sha256 = hashlib.sha256
        framing = _NOTHING if framed == "" else sha256(framed.encode()).hexdigest()
        text = (
            f'{{"after":{_after(data)},"clock":{{"end":{_quoted(end)},"mono":{_quoted(mono)},"wall":{_quoted(wall)}}},'
            f'"nonce":"{_nonce(data)}","objects":[],"operator":{_quoted(operator)},'
            f'"peer":{{"chain_sha256":{_list(chain)},"cipher":{_quoted(cipher)},"ip":{_quoted(ip)},"port":{port:d},'
            f'"tls":{_quoted(tls)}}},"ref":{_quoted(ref)},'
            f'"request":{{"hop":{hop:d},"meaning":{_quoted(meaning)},"method":{_quoted(method)},'
            f'"parent":{_quoted(parent)},"sent_sha256":"{sha256(sent).hexdigest()}","url":{_quoted(url)}}},'
            f'"response":{{"body_sha256":{_quoted(blob)},"body_size":{_quoted(received)},'
            f'"entity_sha256":{_quoted(entity)},"failure":{_quoted(failure)},"framing_sha256":"{framing}",'
            f'"head_sha256":"{sha256(head).hexdigest()}","rebuilt":{"true" if rebuilt else "false"},'
            f'"status":{"null" if status is None else format(status, "d")}}},'
            f'"route":{_quoted(route)},"seq":"{index}","source":{{"pointer":{_quoted(pointer)}}},'
            f'"tier":{_quoted(tier)},"tool":{{"config_sha256":{_quoted(config)},"version":{_quoted(version)}}},'
            f'"type":"{"import" if imported else "capture"}","uid":{_quoted(uid)},"v":1}}'
        )
        return text.encode() == data
    except (
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ):  # a column of another type, or a text that has no UTF-8
        return False


def clock(row: rows.Values, data: bytes) -> tuple[str, str, str | None, str, str]:
    """Of a capture whose leaf is what its row gives: its uid, tier, the outside token that the leaf names, begin and
    end."""
    after = None if data.startswith(b'{"after":null') else data[10:74].decode("ascii")
    return row[9], row[13], after, row[14], row[15]


def _after(data: bytes) -> str:
    """No column holds it: whatever stands there, if it is a hash or null."""
    if data.startswith(b'{"after":null'):
        return "null"
    found = data[10:74]
    if len(found) != 64 or found.strip(_HEX):
        raise ValueError("no hash")
    return f'"{found.decode("ascii")}"'
