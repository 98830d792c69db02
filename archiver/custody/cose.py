"""COSE_Sign1 (RFC 9052) as C2PA signs claims: one signature over bytes that stand elsewhere, with certificates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from archiver.custody import cbor, certificates
from archiver.errors import ParseError

ALGORITHMS = {
    -7: "ES256",
    -35: "ES384",
    -36: "ES512",
    -37: "PS256",
    -38: "PS384",
    -39: "PS512",
    -8: "EdDSA",
    -19: "EdDSA",
}
"""RFC 9053 and RFC 9864 (Ed25519 by a number of its own)."""
_ALGORITHM, _CRITICAL, _CHAIN = 1, 2, 33


class State(Enum):
    """What was found of a check. `HOLDS` is arithmetic: it says nothing of whether anybody should be believed."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A state, with its reason where it is not `HOLDS`."""

    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign1:
    """What a COSE_Sign1 says. `payload` is None when it stands elsewhere; `algorithm` is empty where it is not one of
    ALGORITHMS; `chain` are certificates (DER), the signer's first."""

    protected: bytes
    unprotected: dict[int | str, cbor.Value]
    payload: bytes | None
    signature: bytes
    algorithm: str
    critical: bool
    chain: tuple[bytes, ...]


def parse(data: bytes) -> Sign1:
    """ParseError when the data are no COSE_Sign1, or its certificates stand in two places."""
    item = cbor.decode(data)
    if isinstance(item, cbor.Tag):
        if item.number != 18:
            raise ParseError(f"the signature bears the tag {item.number}, not 18")
        item = item.value
    match item:
        case [bytes() as protected, dict() as unprotected, (bytes() | None) as payload, bytes() as signature]:
            pass
        case _:
            raise ParseError("the signature is not a COSE_Sign1")
    head = cbor.decode(protected) if protected else {}
    if not isinstance(head, dict):
        raise ParseError("the protected header of the signature is not a map")
    found = [place[key] for place in (head, unprotected) for key in (_CHAIN, "x5chain") if key in place]
    if len(found) > 1:
        raise ParseError("the certificates of the signer stand in several places")
    chain = found[0] if found else []
    held = chain if isinstance(chain, list) else [chain]
    ders = tuple(one for one in held if isinstance(one, bytes))
    if len(ders) != len(held) or len(ders) > certificates.MAX_CERTIFICATES:
        raise ParseError("the certificates of the signer are not a few byte strings")
    number = head.get(_ALGORITHM)
    return Sign1(
        protected=protected,
        unprotected=unprotected,
        payload=payload,
        signature=signature,
        algorithm=ALGORITHMS.get(number, "") if isinstance(number, int) else "",
        critical=_CRITICAL in head,
        chain=ders,
    )


def to_be_signed(context: str, protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure of RFC 9052 section 4.4, with no external data."""
    parts = (cbor.encode_text(context), *map(cbor.encode_bytes, (protected, b"", payload)))
    return b"\x84" + b"".join(parts)


def check(sign1: Sign1, payload: bytes) -> Check:
    """Whether the signature is over this payload by the key of its first certificate. The certificate itself is not
    judged: whoever made it, and for whom."""

    def unchecked(reason: str) -> Check:
        return Check(state=State.UNCHECKED, reason=reason)

    if sign1.payload is not None and sign1.payload != payload:
        return Check(state=State.FAILS, reason="what was signed is not what the manifest shows")
    if sign1.critical:
        return unchecked("the signature has critical headers that are not understood here")
    if not sign1.algorithm:
        return unchecked("the algorithm of the signature is not known here")
    if not sign1.chain:
        return unchecked("the certificate of the signer did not come along")
    try:
        holds = _holds(sign1, to_be_signed("Signature1", sign1.protected, payload))
    except ParseError as error:
        return unchecked(error.message)
    if holds is None:
        return unchecked(f"the key in the certificate is not one for {sign1.algorithm}")
    if not holds:
        return Check(state=State.FAILS, reason="the signature is not over this claim by the key in the certificate")
    return Check(state=State.HOLDS)


def _holds(sign1: Sign1, data: bytes) -> bool | None:
    """None when the key cannot be used with the algorithm. ParseError when the certificate cannot be read."""
    # cryptography takes 20 ms to import, and most media have no manifest.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    known: dict[str, hashes.HashAlgorithm] = {
        "256": hashes.SHA256(),
        "384": hashes.SHA384(),
        "512": hashes.SHA512(),
    }
    kind, value, certificate = sign1.algorithm[:2], sign1.signature, certificates.load(sign1.chain[0])
    try:
        key = certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ES":
            size = (key.curve.key_size + 7) // 8
            if len(value) != 2 * size:
                return False
            pair = encode_dss_signature(int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big"))
            key.verify(pair, data, ec.ECDSA(known[sign1.algorithm[2:]]))
        elif isinstance(key, rsa.RSAPublicKey) and kind == "PS":
            hash = known[sign1.algorithm[2:]]
            key.verify(value, data, padding.PSS(mgf=padding.MGF1(hash), salt_length=hash.digest_size), hash)
        elif isinstance(key, ed25519.Ed25519PublicKey) and kind == "Ed":
            key.verify(value, data)
        else:
            return None
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None
    return True
