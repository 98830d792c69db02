"""Timestamps of RFC 3161: the question, the answer (`.tsr`, as `openssl ts` reads it), and whether a token holds.

A token says that a service saw a digest at a time. `check` tells three things apart: it *holds*; it is *bad*, for its
bytes contradict each other or what was asked; or it is *unverified*, for the trust in its signer cannot be shown, or
an algorithm is not known here. That a parser refuses an answer says nothing against it: such a one is unverified too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from archiver.custody import certificates, cms, der
from archiver.custody.cms import HASHES, SignerInfo
from archiver.errors import ParseError, ProofError

TST_INFO = "1.2.840.113549.1.9.16.1.4"
MAX_REPLY = 1 << 18
STATUS = ("granted", "granted with modifications", "rejected", "waiting", "revocation warning", "revoked")
FAILURES = {
    0: "the algorithm is not accepted",
    2: "the request is not accepted",
    5: "the request is malformed",
    14: "the service has no time",
    15: "the policy is not accepted",
    16: "the extension is not accepted",
    17: "the additional information is not available",
    25: "the system failed",
}
"""PKIFailureInfo of RFC 3161 section 2.4.2."""
_BY_LENGTH = {32: "sha256", 48: "sha384", 64: "sha512"}
_OIDS = {name: oid for oid, name in HASHES.items()}


def query(digest: bytes, nonce: int, policy: str = "") -> bytes:
    """The TimeStampReq (DER) for a SHA-256, SHA-384 or SHA-512 digest; the certificates are asked for with it.

    ValueError for a digest of another length, a negative nonce, or a policy that is no object identifier.
    """
    if len(digest) not in _BY_LENGTH:
        raise ValueError(f"a digest of {len(digest)} bytes is none of SHA-256, SHA-384 and SHA-512")
    if nonce < 0:
        raise ValueError("a nonce is not negative")
    algorithm = der.write(der.SEQUENCE, der.write_oid(_OIDS[_BY_LENGTH[len(digest)]]), der.write(der.NULL))
    return der.write(
        der.SEQUENCE,
        der.write_integer(1),
        der.write(der.SEQUENCE, algorithm, der.write(der.OCTET_STRING, digest)),
        der.write_oid(policy) if policy else b"",
        der.write_integer(nonce),
        der.write(der.BOOLEAN, b"\xff"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What an answer says, whether it holds or not.

    `reply` are the bytes of the whole answer, `time` is UTC in ISO 8601, `accuracy` how far off it may be
    (microseconds, 0 where nothing is said), `hash` the name of the hash of `digest`, `policy` an object identifier
    with dots, `certificates` those that came along and `signer` the one among them that the signature names (DER,
    empty where it did not come along).
    """

    reply: bytes
    time: str
    accuracy: int
    hash: str
    digest: bytes
    serial: int
    policy: str
    nonce: int | None
    certificates: tuple[bytes, ...]
    signer: bytes
    content: bytes
    critical: tuple[str, ...]
    signed: SignerInfo

    @classmethod
    def parse(cls, reply: bytes) -> Token:
        """From a TimeStampResp in DER. ParseError when it is none, or when it says that nothing was granted: the
        message then is what the service said."""
        if len(reply) > MAX_REPLY:
            raise ParseError(f"the answer is larger than {MAX_REPLY} bytes")
        answer = der.whole(reply, "timestamp answer").of(der.SEQUENCE, "timestamp answer").items("timestamp answer")
        refusal = _refusal(answer.sequence("status"))
        if refusal:
            raise ParseError(refusal)
        content, held, signed = cms.signed_data(answer.next("token"), TST_INFO)
        answer.end()
        info = der.whole(content, "timestamp").of(der.SEQUENCE, "timestamp").items("timestamp")
        if info.next("version").integer("version") != 1:
            raise ParseError("the timestamp is not of version 1")
        policy = info.next("policy").oid("policy")
        imprint = info.sequence("imprint")
        hash = HASHES.get(cms.algorithm(imprint.next("hash"))[0], "")
        digest = imprint.next("digest").octets("digest")
        imprint.end()
        serial = info.next("serial number").integer("serial number")
        time = info.next("time").time("time")
        accuracy = info.maybe("accuracy", der.SEQUENCE)
        ordering = info.maybe("ordering", der.BOOLEAN)
        if ordering is not None:
            ordering.boolean("ordering")
        nonce = info.maybe("nonce", der.INTEGER)
        info.maybe("name of the service", der.CONSTRUCTED)
        extensions = info.maybe("extensions", der.CONSTRUCTED + 1)
        info.end()
        return cls(
            reply=reply,
            time=time,
            accuracy=0 if accuracy is None else _accuracy(accuracy.items("accuracy")),
            hash=hash,
            digest=digest,
            serial=serial,
            policy=policy,
            nonce=None if nonce is None else nonce.integer("nonce"),
            certificates=held,
            signer=next((one for one in held if signed.names(one)), b""),
            content=content,
            critical=() if extensions is None else _critical(extensions.items("extensions")),
            signed=signed,
        )

    def __bytes__(self) -> bytes:
        return self.reply


def _refusal(status: der.Items) -> str:
    """What a PKIStatusInfo says when nothing was granted; empty otherwise."""
    number = status.next("status").integer("status")
    said: list[str] = []
    failures: list[str] = []
    texts = status.maybe("status text", der.SEQUENCE)
    if texts is not None:
        lines = (text.of(der.UTF8, "status text") for text in texts.items("status text").rest("status text"))
        said = [line.content.decode("utf-8", "replace") for line in lines]
    failed = status.maybe("failure", der.BIT_STRING)
    if failed is not None:
        bits = "".join(f"{byte:08b}" for byte in failed.content[1:5])
        failures = [FAILURES.get(at, f"failure {at}") for at, bit in enumerate(bits) if bit == "1"]
    status.end()
    if number in (0, 1):
        return ""
    name = STATUS[number] if 0 <= number < len(STATUS) else f"status {number}"
    return "; ".join([f"the service answered: {name}", *failures, *said])


def _accuracy(parts: der.Items) -> int:
    """Seconds, [0] milliseconds, [1] microseconds."""
    total, seconds = 0, parts.maybe("seconds", der.INTEGER)
    if seconds is not None:
        total += seconds.integer("seconds") * 1_000_000
    for tag, factor in ((der.CONTEXT, 1000), (der.CONTEXT + 1, 1)):
        part = parts.maybe("accuracy", tag)
        if part is not None:
            value = int.from_bytes(part.content, "big")
            if value > 999:
                raise ParseError("the accuracy has more than 999 parts")
            total += value * factor
    parts.end()
    if total < 0:
        raise ParseError("the accuracy is negative")
    return total


def _critical(extensions: der.Items) -> tuple[str, ...]:
    """The critical extensions: none is understood here."""
    found = []
    for element in extensions.rest("extension"):
        parts = element.of(der.SEQUENCE, "extension").items("extension")
        name, critical = parts.next("extension").oid("extension"), parts.maybe("critical", der.BOOLEAN)
        if critical is not None and critical.boolean("critical"):
            found.append(name)
    return tuple(found)


class Verdict(Enum):
    """What can be said of a token."""

    HOLDS = "holds"
    UNVERIFIED = "unverified"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The verdict on a token, with the reason where it does not hold; `chain` leads from its signer to a root (DER)."""

    verdict: Verdict
    reason: str = ""
    time: str = ""
    chain: tuple[bytes, ...] = ()

    @property
    def holds(self) -> bool:
        return self.verdict is Verdict.HOLDS


def check(
    token: Token,
    digest: bytes,
    roots: Iterable[bytes],
    at: str | None = None,
    *,
    nonce: int | None = None,
    others: Iterable[bytes] = (),
) -> Checked:
    """Whether a token is one over this digest, signed by a service that the roots (DER) vouch for.

    The chain must be good at `at` (ISO 8601, UTC), which is the token's own time unless it is given: a certificate
    that ended since takes nothing from a token. ValueError when `at` is no such time. `others` are certificates that
    did not come along; `nonce` is what was asked, if it is known.
    """

    def bad(reason: str) -> Checked:
        return Checked(verdict=Verdict.BAD, reason=reason, time=token.time)

    def unverified(reason: str) -> Checked:
        return Checked(verdict=Verdict.UNVERIFIED, reason=reason, time=token.time)

    if token.digest != digest:
        return bad(f"the token is over {token.digest.hex()}, not over {digest.hex()}")
    if nonce is not None and token.nonce != nonce:
        return bad("the token answers another question: its nonce is not the one that was sent")
    if token.hash != _BY_LENGTH.get(len(digest)):
        return unverified("the hash of the token is none of SHA-256, SHA-384 and SHA-512")
    if token.critical:
        return unverified(f"the token has the critical extension {token.critical[0]}")
    pool = (*token.certificates, *others)
    signer = token.signer or next((one for one in pool if token.signed.names(one)), b"")
    if not signer:
        return unverified("the certificate of the signer did not come along")
    moment = datetime.fromisoformat(_whole_seconds(token.time if at is None else at))
    try:
        fault = cms.fault(token.signed, token.content, TST_INFO, signer)
    except ParseError as error:
        return unverified(error.message)
    except ProofError as error:
        return unverified(str(error))
    if fault:
        return bad(fault)
    try:
        chain = certificates.path(signer, pool, roots, moment)
    except ParseError as error:
        return unverified(error.message)
    except ProofError as error:
        return unverified(str(error))
    return Checked(verdict=Verdict.HOLDS, time=token.time, chain=chain)


def _whole_seconds(time: str) -> str:
    """The days of certificates are in whole seconds, and Python reads fractions of 3 and 6 digits only."""
    return time.partition(".")[0].removesuffix("Z") + "+00:00"
