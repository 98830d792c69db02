"""Signatures of authors: ECDSA over P-256 and secp256k1 (FIPS 186-5, SEC 2), Schnorr over secp256k1 (BIP-340).

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts. It verifies only
and holds no secret, so nothing here takes care to run in constant time: never sign with it.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from archiver.bundle.verify_files import Refused

NOWHERE = (1, 1, 0)
"""The point at infinity. Points under way are (X, Y, Z) for (X/Z², Y/Z³), and this one has no Z."""


class Curve(NamedTuple):
    """y² = x³ + ax + b modulo `field`, with a base point of prime `order`. `code` is its multicodec in a did:key."""

    name: str
    code: bytes
    field: int
    a: int
    b: int
    order: int
    base: tuple[int, int]


K1 = Curve(
    "secp256k1", b"\xe7\x01", 2**256 - 2**32 - 977, 0, 7,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8),
)  # fmt: skip
R1 = Curve(
    "p256", b"\x80\x24", 2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5),
)  # fmt: skip


def doubled(curve: Curve, point: tuple[int, int, int]) -> tuple[int, int, int]:
    x, y, z = point
    square = y * y % curve.field
    s, m = 4 * x * square % curve.field, (3 * x * x + curve.a * pow(z, 4, curve.field)) % curve.field
    new = (m * m - 2 * s) % curve.field
    return new, (m * (s - new) - 8 * square * square) % curve.field, 2 * y * z % curve.field


def summed(curve: Curve, one: tuple[int, int, int], two: tuple[int, int, int]) -> tuple[int, int, int]:
    if not one[2] or not two[2]:
        return two if not one[2] else one
    p, first, second = curve.field, one[2] * one[2], two[2] * two[2]
    u, s = one[0] * second % p, one[1] * two[2] * second % p
    h, r = (two[0] * first - u) % p, (two[1] * one[2] * first - s) % p
    if not h:
        return NOWHERE if r else doubled(curve, one)
    square = h * h % p
    cube, v = h * square % p, u * square % p
    x = (r * r - cube - 2 * v) % p
    return x, (r * (v - x) - s * cube) % p, h * one[2] * two[2] % p


def combined(curve: Curve, a: int, b: int, point: tuple[int, int]) -> tuple[int, int] | None:
    """a times the base point and b times another, added up; None is the point at infinity."""
    base, other = (*curve.base, 1), (*point, 1)
    steps = (NOWHERE, base, other, summed(curve, base, other))
    held: tuple[int, int, int] = NOWHERE
    for bit in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        held = summed(curve, doubled(curve, held), steps[(a >> bit & 1) + 2 * (b >> bit & 1)])
    if not held[2]:
        return None
    inverse = pow(held[2], curve.field - 2, curve.field)
    return held[0] * inverse**2 % curve.field, held[1] * inverse**3 % curve.field


def lifted(curve: Curve, x: int, odd: int) -> tuple[int, int]:
    """The point of the curve with this x, and a y of this parity. Both primes are 3 modulo 4."""
    square = (x**3 + curve.a * x + curve.b) % curve.field
    y = pow(square, (curve.field + 1) // 4, curve.field)
    if x >= curve.field or y * y % curve.field != square:
        raise Refused("the key is not a point of its curve")
    return x, y if y & 1 == odd else curve.field - y


# ---- public keys, as DID documents write them ---------------------------------------------------------------

LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
OLD_TYPES = {"EcdsaSecp256k1VerificationKey2019": K1, "EcdsaSecp256r1VerificationKey2019": R1}


def base58(text: str) -> bytes:
    """Behind the multibase prefix `z`; bounded, for decoding takes quadratic time."""
    if not 2 <= len(text) <= 200 or text[0] != "z" or not set(text[1:]) <= set(LETTERS):
        raise Refused("not base58 multibase of a key or signature")
    number = 0
    for letter in text[1:]:
        number = number * 58 + LETTERS.index(letter)
    zeros = len(text) - 1 - len(text[1:].lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


class Signer(NamedTuple):
    """A public key of an account."""

    curve: Curve
    point: tuple[int, int]

    def __str__(self) -> str:
        """As a did:key."""
        x, y = self.point
        number, text = int.from_bytes(self.curve.code + bytes([2 + (y & 1)]) + x.to_bytes(32, "big"), "big"), ""
        while number:
            number, digit = divmod(number, 58)
            text = LETTERS[digit] + text
        return f"did:key:z{text}"

    def check(self, message: bytes, signature: bytes) -> None:
        """Refused unless the signature is this key's over SHA-256 of the message: r and s, 64 bytes, s in the lower
        half (atproto.com/specs/cryptography)."""
        order, r, s = self.curve.order, int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if len(signature) != 64:
            raise Refused(f"the signature has {len(signature)} bytes, not 64")
        if s > order // 2:
            raise Refused("high-S signature")
        if not 0 < r < order or not s:
            raise Refused("the signature does not verify")
        inverse = pow(s, order - 2, order)
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        found = combined(self.curve, digest * inverse % order, r * inverse % order, self.point)
        if found is None or found[0] % order != r:
            raise Refused("the signature does not verify")


def signer_of(kind: str, text: str) -> Signer:
    """The key of a verification method: a Multikey, or a bare point in old documents."""
    raw = base58(text)
    curve, point = OLD_TYPES.get(kind), raw
    if kind == "Multikey":
        curve, point = next((one for one in (K1, R1) if raw[:2] == one.code and len(raw) == 35), None), raw[2:]
    if curve is None or len(point) not in (33, 65) or (point[0], len(point)) not in ((2, 33), (3, 33), (4, 65)):
        raise Refused(f"a key of type {kind[:80]!r} and {len(raw)} bytes is not known")
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    found = lifted(curve, x, (y if len(point) == 65 else point[0]) & 1)
    if len(point) == 65 and found[1] != y:
        raise Refused("the key is not a point of its curve")
    return Signer(curve, found)


def did_key(text: str) -> Signer:
    if not text.startswith("did:key:"):
        raise Refused("not a did:key")
    return signer_of("Multikey", text[len("did:key:") :])


def schnorr(public: bytes, message: bytes, signature: bytes) -> bool:
    """BIP-340, verification: whether the signature of 64 bytes is that of the key with this x."""
    if len(public) != 32 or len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = lifted(K1, int.from_bytes(public, "big"), 0)
    except Refused:
        return False
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    challenge = hashlib.sha256(tag + tag + signature[:32] + public + message).digest()
    if r >= K1.field or s >= K1.order:
        return False
    found = combined(K1, s, -int.from_bytes(challenge, "big") % K1.order, key)
    return found is not None and not found[1] & 1 and found[0] == r
