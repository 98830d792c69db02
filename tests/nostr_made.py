"""Signed events of invented people: BIP-340 signing for tests alone (its keys are public, it takes no care of time)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from archiver.platforms.nostr import bip340
from archiver.platforms.nostr.bip340 import BASE, FIELD, ORDER

ANN, BEN, EVE = 3, 5, 7
"""Private keys."""
NOON = 1_730_116_800  # 2024-10-28T12:00:00Z


def _times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    x, y, z = bip340._combined(0, factor, point)
    inverse = pow(z, -1, FIELD)
    return x * inverse**2 % FIELD, y * inverse**3 % FIELD


def key(secret: int) -> str:
    return _times(secret, BASE)[0].to_bytes(32, "big").hex()


def sign(secret: int, message: bytes, aux: bytes = b"\x00" * 32) -> bytes:
    """BIP-340, default signing."""

    def tagged(tag: str, data: bytes) -> bytes:
        name = hashlib.sha256(tag.encode()).digest()
        return hashlib.sha256(name + name + data).digest()

    x, y = _times(secret, BASE)
    d = secret if y % 2 == 0 else ORDER - secret
    public = x.to_bytes(32, "big")
    mixed = (d ^ int.from_bytes(tagged("BIP0340/aux", aux), "big")).to_bytes(32, "big")
    k = int.from_bytes(tagged("BIP0340/nonce", mixed + public + message), "big") % ORDER
    rx, ry = _times(k, BASE)
    k = k if ry % 2 == 0 else ORDER - k
    r = rx.to_bytes(32, "big")
    e = int.from_bytes(tagged("BIP0340/challenge", r + public + message), "big") % ORDER
    return r + ((k + e * d) % ORDER).to_bytes(32, "big")


def made(
    secret: int,
    content: str = "",
    *tags: list[str],
    kind: int = 1,
    at: int = NOON,
    written: str | None = None,
) -> dict[str, Any]:
    """An event, signed. `written` is the text that is hashed, where it is not what an encoder of JSON writes."""
    public = key(secret)
    fields = [0, public, at, kind, list(tags), content]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")) if written is None else written
    digest = hashlib.sha256(text.encode()).digest()
    return {
        "id": digest.hex(),
        "pubkey": public,
        "created_at": at,
        "kind": kind,
        "tags": list(tags),
        "content": content,
        "sig": sign(secret, digest).hex(),
    }
