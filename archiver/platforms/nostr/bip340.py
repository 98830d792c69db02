"""BIP-340: Schnorr signatures over secp256k1, verification only.

https://github.com/bitcoin/bips/blob/master/bip-0340.mediawiki. Nothing here holds a secret, so nothing takes care to
run in constant time: never sign with it.
"""

from __future__ import annotations

import hashlib
from functools import cache

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_CHALLENGE = hashlib.sha256(b"BIP0340/challenge").digest() * 2
_WINDOW = 4  # bits of both factors that one step takes

# (X, Y, Z) stands for the point (X/Z², Y/Z³); Z is 0 at infinity.
Point = tuple[int, int, int]
_INFINITY: Point = (1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature (64 bytes) of the message is that of the key (32 bytes, an x coordinate)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key = lift_x(int.from_bytes(public_key, "big"))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if key is None or r >= FIELD or s >= ORDER:
        return False
    digest = hashlib.sha256(_CHALLENGE + signature[:32] + public_key + message).digest()
    x, y, z = _combined(s, -int.from_bytes(digest, "big") % ORDER, key)
    if not z:
        return False
    inverse = pow(z, -1, FIELD)
    square = inverse * inverse % FIELD
    return x * square % FIELD == r and y * square * inverse % FIELD % 2 == 0


def lift_x(x: int) -> tuple[int, int] | None:
    """The point of the curve with this x and an even y; None where there is none."""
    if not 0 <= x < FIELD:
        return None
    square = (x * x * x + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        return None
    return x, y if y % 2 == 0 else FIELD - y


def _combined(first: int, second: int, key: tuple[int, int]) -> Point:
    """`first` times the base point and `second` times the key, added up: both at once, a window at a time."""
    bases, keys, held = _base_multiples(), _multiples(key), _INFINITY
    mask = (1 << _WINDOW) - 1
    for shift in range(256 - _WINDOW, -1, -_WINDOW):
        for _ in range(_WINDOW):
            held = _doubled(held)
        held = _summed(_summed(held, bases[first >> shift & mask]), keys[second >> shift & mask])
    return held


@cache
def _base_multiples() -> tuple[Point, ...]:
    return _multiples(BASE)


def _multiples(point: tuple[int, int]) -> tuple[Point, ...]:
    one: Point = (*point, 1)
    found = [_INFINITY]
    for _ in range((1 << _WINDOW) - 1):
        found.append(_summed(found[-1], one))
    return tuple(found)


def _doubled(point: Point) -> Point:
    x, y, z = point
    square = y * y % FIELD
    s = 4 * x * square % FIELD
    m = 3 * x * x % FIELD
    new = (m * m - 2 * s) % FIELD
    return new, (m * (s - new) - 8 * square * square) % FIELD, 2 * y * z % FIELD


def _summed(one: Point, two: Point) -> Point:
    if not one[2]:
        return two
    if not two[2]:
        return one
    first, second = one[2] * one[2] % FIELD, two[2] * two[2] % FIELD
    u, s = one[0] * second % FIELD, one[1] * two[2] * second % FIELD
    h, r = (two[0] * first - u) % FIELD, (two[1] * one[2] * first - s) % FIELD
    if not h:
        return _doubled(one) if not r else _INFINITY
    square = h * h % FIELD
    cube, v = h * square % FIELD, u * square % FIELD
    x = (r * r - cube - 2 * v) % FIELD
    return x, (r * (v - x) - s * cube) % FIELD, h * one[2] * two[2] % FIELD
