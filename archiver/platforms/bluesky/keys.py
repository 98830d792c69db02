"""Public keys of accounts and signatures by them: secp256k1 and P-256, ECDSA with SHA-256, low-S, 64 bytes r‖s.

Source: atproto.com/specs/cryptography.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libipld

from archiver.errors import ProofError

# cryptography takes 20 ms to import, and most runs check no proof: it is imported where a key is used.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_ORDERS = {
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
_MULTICODEC = {b"\xe7\x01": "secp256k1", b"\x80\x24": "p256"}
# Verification method types of old DID documents, where the multibase is a bare point without a multicodec prefix.
_OLD_TYPES = {"EcdsaSecp256k1VerificationKey2019": "secp256k1", "EcdsaSecp256r1VerificationKey2019": "p256"}
_DID_KEY = "did:key:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A point in compressed form, so that the same key is equal however it was written."""

    curve: str
    point: bytes

    def __str__(self) -> str:
        """The did:key form."""
        prefix = next(code for code, curve in _MULTICODEC.items() if curve == self.curve)
        return _DID_KEY + str(libipld.encode_multibase("z", prefix + self.point))

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """The inverse of `str`: a did:key. Raises ProofError."""
        if not text.startswith(_DID_KEY):
            raise ProofError("not a did:key")
        return from_multibase("Multikey", text.removeprefix(_DID_KEY))


def from_multibase(kind: str, multibase: str) -> PublicKey:
    """The key of a DID document's verification method of type `kind`: Multikey, or a bare point (old documents).

    Raises ProofError for other types, curves and encodings.
    """
    if not multibase.startswith("z") or len(multibase) > 200:  # 65 bytes are 89 characters
        raise ProofError("the key is not in base58btc multibase")
    try:
        raw: bytes = libipld.decode_multibase(multibase)[1]
    except ValueError:
        raise ProofError("the key is not multibase") from None
    if kind == "Multikey":
        if raw[:2] not in _MULTICODEC or len(raw) != 35:
            raise ProofError("the key is neither secp256k1 nor P-256 in compressed form")
        return _point(_MULTICODEC[raw[:2]], raw[2:])
    if kind in _OLD_TYPES and len(raw) in {33, 65}:
        return _point(_OLD_TYPES[kind], raw)
    raise ProofError(f"a key of type {kind[:80]!r} and {len(raw)} bytes is not known")


def _point(curve: str, encoded: bytes) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = _public(curve, encoded)
    except ValueError:
        raise ProofError("the key is not a point of its curve") from None
    return PublicKey(curve=curve, point=key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def _public(curve: str, encoded: bytes) -> EllipticCurvePublicKey:
    """Raises ValueError for what is no point of the curve."""
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, ec.EllipticCurve] = {"secp256k1": ec.SECP256K1(), "p256": ec.SECP256R1()}
    return ec.EllipticCurvePublicKey.from_encoded_point(curves[curve], encoded)


def verify(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Raise ProofError unless the signature is `key`'s over SHA-256 of the message, 64 bytes, low-S."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(signature) != 64:
        raise ProofError(f"the signature has {len(signature)} bytes, not 64")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if s > _ORDERS[key.curve] // 2:
        raise ProofError("high-S signature")
    public = _public(key.curve, key.point)
    try:
        public.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except InvalidSignature:
        raise ProofError("the signature does not verify") from None


def signer(keys: tuple[PublicKey, ...], message: bytes, signature: bytes) -> int | None:
    """The index of the first key that signed the message; None when none did."""
    for index, key in enumerate(keys):
        try:
            verify(key, message, signature)
        except ProofError:
            continue
        return index
    return None
