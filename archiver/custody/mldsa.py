"""ML-DSA-44 (FIPS 204) as witnesses cosign with it (c2sp.org/tlog-cosignature): checked only, never made here."""

from __future__ import annotations

from archiver.errors import ProofError

KEY_SIZE, SIGNATURE_SIZE = 1312, 2420


def cosigned_message(cosigner: str, time: int, origin: str, size: int, root: bytes) -> bytes:
    """The `cosigned_message` of a whole tree: extension lines of the checkpoint are not in it. ValueError for names
    longer than 255 bytes, which it cannot hold."""
    names = [name.encode("utf-8") for name in (cosigner, origin)]
    if any(not 1 <= len(name) <= 255 for name in names):
        raise ValueError("a name has 1 to 255 bytes in a cosignature")
    first, second = (bytes([len(name)]) + name for name in names)
    return b"subtree/v1\n\x00" + first + time.to_bytes(8, "big") + second + bytes(8) + size.to_bytes(8, "big") + root


def holds(data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether a signature holds. ProofError where the library cannot tell."""
    # cryptography takes 20 ms to import, and most runs sign and check nothing; its versions before 47 lack this.
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
    except ImportError:
        raise ProofError("ML-DSA-44 cannot be checked here: cryptography 47 or newer can") from None
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, data)
    except UnsupportedAlgorithm:
        raise ProofError("ML-DSA-44 cannot be checked here: the library was built without it") from None
    except (InvalidSignature, ValueError):
        return False
    return True
