"""FEP-8b32 object integrity proofs with the cryptosuite eddsa-jcs-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0,
§3.3): Ed25519 over SHA-256 of the proof's options and SHA-256 of the document, both in JCS (RFC 8785).

The object and the key come in two answers: `prepare` takes from the object what is signed, as text that travels in
the actor request's `given`; `check` verifies it with the actor's key.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from archiver.errors import ParseError, ProofError
from archiver.model import Proof, Ref
from archiver.platforms.fields import Node

KIND = "fep-8b32"
_ALPHABET = {letter: value for value, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_ED25519 = b"\xed\x01"  # multicodec ed25519-pub


def prepare(document: Node, signer: str) -> tuple[tuple[str, str], ...]:
    """What the proof of a document signs, for `Request.given`; empty when it carries no proof. `signer` is the actor
    that the document names. Raises ProofError when the proof cannot be one of that actor's for this document."""
    proof = document.get("proof")
    if proof is None:
        return ()
    if type(proof.value) is not dict:
        raise ProofError("more than one proof, or none that is an object")
    options: dict[str, Any] = dict(proof.value)
    value = options.pop("proofValue", None)
    method = options.get("verificationMethod")
    expected = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod"}
    for key, word in expected.items():
        if options.get(key) != word:
            raise ProofError(f"{key} is not {word}")
    if type(value) is not str or type(method) is not str:
        raise ProofError("proofValue or verificationMethod is not a string")
    if method.partition("#")[0] != signer:
        raise ProofError("the key is not the author's")
    unsecured = {key: item for key, item in document.value.items() if key != "proof"}
    if "@context" in options:
        context, wanted = _array(unsecured.get("@context")), _array(options["@context"])
        if context[: len(wanted)] != wanted:
            raise ProofError("the proof's @context is not the document's")
        unsecured["@context"] = options["@context"]
    return (
        ("proof.method", method),
        ("proof.value", value),
        ("proof.options", _hash(options)),
        ("proof.document", _hash(unsecured)),
    )


def check(given: dict[str, str], actor: Node, ref: Ref) -> Proof:
    """The proof prepared in `given`, verified with the key that the actor document lists under `assertionMethod`."""
    # cryptography takes 20 ms to import, and most runs check no proof.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    method = given.get("proof.method", "")
    try:
        key = _key(actor, method)
        if key is None:
            return Proof(kind=KIND, ref=ref, valid=None, detail=f"the actor lists no key {method}", pointer="/proof")
        signed = bytes.fromhex(given["proof.options"]) + bytes.fromhex(given["proof.document"])
        Ed25519PublicKey.from_public_bytes(key).verify(_multibase(given["proof.value"]), signed)
    except InvalidSignature:
        return Proof(
            kind=KIND, ref=ref, valid=False, detail="the signature does not fit the document", pointer="/proof"
        )
    except (ProofError, ValueError, KeyError) as error:
        return Proof(kind=KIND, ref=ref, valid=False, detail=f"cannot be verified: {error}", pointer="/proof")
    return Proof(kind=KIND, ref=ref, valid=True, detail=f"eddsa-jcs-2022 by {method}", pointer="/proof")


def _key(actor: Node, method: str) -> bytes | None:
    """The raw Ed25519 key of a verification method that the actor itself controls."""
    owner = actor.string("id")
    if method.partition("#")[0] != owner:
        raise ProofError("the document is not the key owner's")
    methods = actor.get("assertionMethod")
    if methods is None:
        return None
    for item in methods.items() if type(methods.value) is list else (methods,):
        if type(item.value) is not dict or item.string("id") != method:
            continue
        if item.string("controller", owner) != owner:
            raise ProofError("the key is controlled by another")
        raw = _multibase(item.string("publicKeyMultibase"))
        if not raw.startswith(_ED25519):
            raise ProofError("the key is not Ed25519")
        return raw[2:]
    return None


def _multibase(text: str) -> bytes:
    """Base58 (Bitcoin alphabet) behind the multibase prefix `z`; bounded, for decoding is quadratic."""
    if not 2 <= len(text) <= 200 or text[0] != "z":
        raise ProofError("not base58 multibase of a key or signature")
    number, digits = 0, text[1:]
    for letter in digits:
        if letter not in _ALPHABET:
            raise ProofError("not base58")
        number = number * 58 + _ALPHABET[letter]
    zeros = len(digits) - len(digits.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _array(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def _hash(value: Any) -> str:
    try:
        return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise ParseError(f"no canonical form: {error}", pointer="/proof") from None
