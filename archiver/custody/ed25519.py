"""Ed25519 (RFC 8032) over bytes: keys are 32 bytes, signatures 64. It is deterministic: signing needs no chance."""

from __future__ import annotations

_P = 2**255 - 19
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of the eight points of small order: under such a key anybody can sign."""


def key_fault(public: bytes) -> str:
    """Why a public key must not be trusted; empty when nothing speaks against it."""
    if len(public) != 32:
        return f"an Ed25519 key has 32 bytes, not {len(public)}"
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= _P:
        return "the encoding of an Ed25519 key is not canonical"
    return "an Ed25519 key of small order, for which anybody can sign" if y in _SMALL_ORDER else ""


def public_key(seed: bytes) -> bytes:
    """The public key of a seed. ValueError for one that has not 32 bytes."""
    # cryptography takes 20 ms to import, and most runs sign and check nothing.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(data: bytes, seed: bytes) -> bytes:
    """The signature. ValueError for a seed that has not 32 bytes."""
    # Late for the same reason as above.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(data)


def holds(data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether a signature holds. Under a key that `key_fault` refuses none does."""
    # Late for the same reason as above.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if key_fault(public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
