"""Timestamps in the signatures of C2PA (specification 2.2, section 10.3.2.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from archiver.custody import cbor, certificates, cose, der, timestamp
from archiver.custody.c2pa_binding import HASHES
from archiver.custody.cose import Check, State
from archiver.errors import ParseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A timestamp over the claim or its signature: its time (UTC, ISO 8601; empty where it cannot be read), the name
    in the certificate of its service, and whether it holds under the roots that were given."""

    time: str
    service: str
    check: Check


def stamped(sign1: cose.Sign1, claim: bytes, roots: Sequence[bytes]) -> Stamp | None:
    """The first timestamp of a signature: `sigTst` is over the claim, `sigTst2` over the signature. None when it has
    none; `roots` are certificates (DER) of services."""
    second = "sigTst2" in sign1.unprotected
    held = sign1.unprotected.get("sigTst2" if second else "sigTst")
    match held:
        case None:
            return None
        case {"tstTokens": [{"val": bytes() as answer}, *_]}:
            pass
        case _:
            return _unread_stamp("the timestamp is not where it should be")
    try:
        token = timestamp.Token.parse(_as_answer(answer))
    except ParseError as error:
        return _unread_stamp(f"the timestamp cannot be read: {error}")
    if token.hash not in HASHES:
        return _unread_stamp("the hash of the timestamp is not known here")
    # Writers wrap the signature once more as a byte string; the specification can be read without that, too.
    over = (cbor.encode_bytes(sign1.signature), sign1.signature) if second else (claim,)
    digests = [
        hashlib.new(token.hash, cose.to_be_signed("CounterSignature", sign1.protected, data)).digest() for data in over
    ]
    digest = token.digest if token.digest in digests else digests[0]
    # Without roots its own certificate vouches for a service, to tell what holds together from what does not.
    found = timestamp.check(token, digest, roots or (token.signer,))
    service = ""
    if token.signer:
        with suppress(ParseError):
            service = certificates.describe(token.signer).subject
    states = {timestamp.Verdict.HOLDS: State.HOLDS, timestamp.Verdict.BAD: State.FAILS}
    check = Check(state=states.get(found.verdict, State.UNCHECKED), reason=found.reason)
    if check.state is State.HOLDS and not roots:
        check = Check(state=State.UNCHECKED, reason="it holds together, but nobody here vouches for its service")
    return Stamp(time=token.time, service=service, check=check)


def _unread_stamp(reason: str) -> Stamp:
    return Stamp(time="", service="", check=Check(state=State.UNCHECKED, reason=reason))


def _as_answer(token: bytes) -> bytes:
    """A whole answer of a service (RFC 3161), also where only the token in it was kept."""
    inner = der.whole(token, "timestamp").of(der.SEQUENCE, "timestamp").items("timestamp")
    if inner.next("timestamp").tag != der.OID:
        return token
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, der.write_integer(0)), token)
