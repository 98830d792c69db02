"""What is said between us and the services that vouch for the log from outside: RFC 3161 timestamps, OpenTimestamps
calendars, C2SP witnesses.

Each talk is a generator: it yields a Request, is sent the Answer, and returns a Said. Nothing here opens a connection;
whoever drives a talk does, so that many go on at once and every request passes the guard. Sources: RFC 3161 section
3.4, c2sp.org/tlog-witness, python-opentimestamps' calendar client, RFC 6960 appendix A, RFC 5280 section 4.2.1.13.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from archiver.custody import certificates, note, ots, revocation, timestamp
from archiver.errors import ParseError, ProofError
from archiver.model import Answer, Failure, Ref, Request
from archiver.net.guard import canonical_host

MAX_TOKEN = 1 << 18
MAX_LIST = 1 << 22
"""Bytes of an answer: of a service, of a revocation list."""
OTS_ACCEPT = "application/vnd.opentimestamps.v1"
TURNS = 3
REFUSED = "the witness refused: "
"""How the reason of a dispute begins."""
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


class State(Enum):
    """What came of a talk. UNVERIFIED and PENDING come with a token that vouches for nothing yet, NOTHING with none.
    DISPUTED is a witness that holds another log under this name."""

    HOLDS = "holds"
    UNVERIFIED = "unverified"
    PENDING = "pending"
    NOTHING = "nothing"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """An answer about one certificate (DER), as it came."""

    certificate: bytes
    kind: str
    url: str
    der: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`token` is what is kept, byte for byte. `time` is its own (ISO 8601, UTC), empty unless it was verified. `chain`
    are certificates (DER, the signer's first). `reason` says why there is no token, or why it is not verified; `notes`
    what else is to be told."""

    state: State
    token: bytes = b""
    time: str = ""
    chain: tuple[bytes, ...] = ()
    revocations: tuple[Revocation, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = field(default=())


Talk = Generator[Request, Answer, Said]


def _nothing(reason: str, *notes: str) -> Said:
    return Said(state=State.NOTHING, reason=reason, notes=notes)


def _request(
    url: str, *, body: bytes | None = None, kind: str = "", accept: str = "*/*", most: int = MAX_TOKEN
) -> Request:
    """Redirects are not followed: whoever configured a service said whom to ask."""
    headers = [("Accept", accept), ("Accept-Encoding", "identity")]
    if kind:
        headers.append(("Content-Type", kind))
    return Request(
        ref=Ref(platform="web", kind="page", id=url),
        route="anchor",
        url=url,
        method="GET" if body is None else "POST",
        headers=tuple(headers),
        body=body or b"",
        follow=False,
        max_bytes=most,
    )


def fault(answer: Answer, what: str) -> str:
    """Why an answer cannot be `what` was asked for; empty when it may be."""
    if answer.failure is not Failure.NONE:
        return f"no answer came: {answer.failure.value}" + (f" ({answer.detail})" if answer.detail else "")
    kind = answer.header("content-type").partition(";")[0].strip().lower()
    if answer.status != 200:
        said = ""
        if kind == "text/plain" and answer.body:
            said = "".join(c if c.isprintable() else " " for c in answer.body[:200].decode("utf-8", "replace")).strip()
        return f"it answered {answer.status}" + (f": {said}" if said else "")
    if kind in ("text/html", "application/xhtml+xml") or answer.body[:256].lstrip()[:1] == b"<":
        return f"it answered with a web page, not with {what}"
    return "" if answer.body else f"it answered with nothing, not with {what}"


def timestamp_of(
    url: str,
    digest: bytes,
    *,
    nonce: int,
    roots: Sequence[bytes],
    policy: str = "",
    now: str,
    known: Callable[[bytes], bool] = lambda certificate: False,
) -> Talk:
    """Asks a timestamping service (RFC 3161). The token is the whole answer, a `.tsr` as `openssl ts` reads it.

    `known` says whether an answer about the revocation of a certificate (DER) is at hand already.
    """
    question = timestamp.query(digest, nonce, policy)
    kind = "application/timestamp-query"
    answer = yield _request(url, body=question, kind=kind, accept="application/timestamp-reply")
    if reason := fault(answer, "a timestamp"):
        return _nothing(reason)
    try:
        token = timestamp.Token.parse(answer.body)
    except ParseError as error:
        return _nothing(f"its answer is no timestamp: {error.message}")
    checked = timestamp.check(token, digest, roots, nonce=nonce)
    if checked.verdict is timestamp.Verdict.BAD:
        return _nothing(f"its timestamp was refused: {checked.reason}")
    if policy and token.policy != policy:
        return _nothing(f"its timestamp was refused: it is under the policy {token.policy}, not under {policy}")
    if not checked.holds:
        return Said(
            state=State.UNVERIFIED, token=bytes(token), chain=_first(token), reason=f"not verified: {checked.reason}"
        )
    asked = yield from _standings(checked.chain, now, known)
    if asked.revoked:  # kept for what the authority says: older tokens are judged by it, too
        return Said(
            state=State.UNVERIFIED,
            token=bytes(token),
            chain=checked.chain,
            revocations=tuple(asked.held),
            reason=f"not believed: {asked.revoked}",
        )
    return Said(
        state=State.HOLDS,
        token=bytes(token),
        time=token.time,
        chain=checked.chain,
        revocations=tuple(asked.held),
        notes=tuple(asked.notes),
    )


def _first(token: timestamp.Token) -> tuple[bytes, ...]:
    """The certificates that came along, the signer's first."""
    others = tuple(one for one in token.certificates if one != token.signer)
    return (token.signer, *others) if token.signer else others


@dataclass(slots=True, kw_only=True)
class _Asked:
    held: list[Revocation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    revoked: str = ""


def _standings(
    chain: tuple[bytes, ...], now: str, known: Callable[[bytes], bool]
) -> Generator[Request, Answer, _Asked]:
    """Asks about each certificate but the root where it says to: the OCSP responder, else the revocation list."""
    asked = _Asked()
    for certificate, issuer in itertools.pairwise(chain):
        if known(certificate):
            continue
        said = certificates.describe(certificate)
        places = [(revocation.OCSP, url) for url in said.ocsp] + [(revocation.CRL, url) for url in said.crls]
        reasons: list[str] = []
        for kind, url in places:
            if not url.lower().startswith(("http://", "https://")):
                continue
            if kind == revocation.OCSP:
                body = revocation.query(certificate, issuer)
                answer = yield _request(url, body=body, kind="application/ocsp-request")
            else:
                answer = yield _request(url, most=MAX_LIST)
            reason = fault(answer, "an answer about revocation")
            if not reason:
                try:
                    standing = revocation.read(kind, answer.body, certificate, issuer, now)
                except ParseError as error:
                    reason = error.message
                except ProofError as error:
                    reason = str(error)
                else:
                    asked.held.append(Revocation(certificate=certificate, kind=kind, url=url, der=answer.body))
                    if standing.revoked:
                        asked.revoked = f"the certificate of {said.subject} was revoked at {standing.revoked}"
                        return asked
                    break
            reasons.append(f"{url}: {reason}")
        else:
            if reasons:
                told = "; ".join(reasons)
                asked.notes.append(f"whether the certificate of {said.subject} was revoked is not known: {told}")
    return asked


def stamp_of(url: str, digest: bytes) -> Talk:
    """Hands a digest to an OpenTimestamps calendar. The token is a `.ots` file, pending as a rule."""
    kind = "application/x-www-form-urlencoded"  # what the calendars' own client sends with the bare digest
    answer = yield _request(f"{url.rstrip('/')}/digest", body=digest, kind=kind, accept=OTS_ACCEPT)
    if reason := fault(answer, "a proof"):
        return _nothing(reason)
    try:
        proof = ots.stamped(digest, b"", answer.body)
    except ParseError as error:
        return _nothing(f"its answer is no OpenTimestamps proof: {error.message}")
    except ProofError as error:
        return _nothing(f"its proof was refused: {error}")
    return _proof(proof)


def _proof(proof: ots.OtsProof) -> Said:
    """A block's time is not known before its header is: no time is claimed for a proof that names one."""
    if proof.blocks():
        return Said(state=State.HOLDS, token=bytes(proof))
    if proof.pending():
        return Said(state=State.PENDING, token=bytes(proof), reason="it stands in no block yet")
    return _nothing("its proof names neither a block nor a calendar")


def upgrade_of(url: str, held: bytes) -> Talk:
    """Asks a calendar whether a pending proof stands in a block by now. PENDING without a token where it does not.

    Only the configured calendar is asked, whatever address the proof names.
    """
    try:
        proof = ots.OtsProof.parse(held)
        pending = proof.pending()
    except (ParseError, ProofError) as error:
        return _nothing(f"the proof that is kept cannot be read: {error}")
    reasons: list[str] = []
    before = bytes(proof)
    for uri, commitment in pending:
        if _host(uri) != _host(url):
            reasons.append(f"the proof is to be completed at {uri}: configure that calendar by its own address")
            continue
        answer = yield _request(f"{uri.rstrip('/')}/timestamp/{commitment.hex()}", accept=OTS_ACCEPT)
        if answer.failure is Failure.NONE and answer.status == 404:
            reasons.append("it stands in no block yet")
        elif reason := fault(answer, "a proof"):
            reasons.append(reason)
        else:
            try:
                proof = ots.merge(proof, commitment, answer.body)
            except ParseError as error:
                reasons.append(f"its answer is no OpenTimestamps proof: {error.message}")
            except ProofError as error:
                reasons.append(f"its proof was refused: {error}")
    if proof.blocks():
        return _proof(proof)
    token = b"" if bytes(proof) == before else bytes(proof)
    return Said(state=State.PENDING, token=token, reason="; ".join(dict.fromkeys(reasons)) or "it stands in no block")


def _host(url: str) -> str:
    found = re.match(r"https?://([^/?#]+)", url, re.I)
    return canonical_host(found[1]) if found else ""


def cosignature_of(
    url: str, key: note.VerifierKey, signed: str, old: int, consistency: Callable[[int], Sequence[bytes]]
) -> Talk:
    """Hands a checkpoint to a witness (c2sp.org/tlog-witness). The token are the signature lines of its answer.

    `signed` is the note, `old` the size that the witness cosigned last as far as we know, `consistency` gives the
    proof from such a size to that of the note (none from 0). ParseError when the note is no checkpoint.
    """
    head = note.Checkpoint.parse(note.SignedNote.parse(signed).text)
    for _ in range(TURNS):
        lines = [f"old {old}", *map(note.to_base64, consistency(old)), "", signed]
        body = "\n".join(lines).encode()
        answer = yield _request(f"{url.rstrip('/')}/add-checkpoint", body=body, kind="text/plain; charset=utf-8")
        if answer.failure is not Failure.NONE:
            return _nothing(fault(answer, "a cosignature"))
        match answer.status:
            case 200:
                return _cosigned(answer, key, signed)
            case 409:
                size = _SIZE.fullmatch(answer.body)
                if size is None:
                    return _nothing("it answered 409 without the size that it cosigned last")
                known = int(size[1])
                if known > head.size:
                    return _disputed(
                        f"it cosigned {known} leaves under the name {head.origin}, and now has {head.size}"
                    )
                if known == old:
                    if old == head.size:
                        return _disputed(f"it cosigned other leaves, {old} as well, under the name {head.origin}")
                    return _nothing(f"it answered 409, and that it knows {known} leaves, as it was told")
                old = known
            case 422:
                return _disputed(f"the log {head.origin} does not continue the {old} leaves that it cosigned")
            case 403:
                return _nothing("it answered 403: it knows none of the keys that signed. Give it the log's vkey")
            case 404:
                return _nothing(f"it answered 404: it does not know the log {head.origin}, or is not at this address")
            case _:
                return _nothing(fault(answer, "a cosignature"))
    return _nothing("it named another size each time that it was asked")


def _disputed(reason: str) -> Said:
    return Said(state=State.DISPUTED, reason=f"{REFUSED}{reason}")


def _cosigned(answer: Answer, key: note.VerifierKey, signed: str) -> Said:
    if reason := fault(answer, "a cosignature"):
        return _nothing(reason)
    try:
        text = note.decoded(answer.body)
        note.signature_lines(text)
        time = note.cosigned(note.SignedNote.parse(signed + text), key)
        at = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ParseError as error:
        return _nothing(f"its answer is no cosignature: {error}")
    except ProofError as error:
        return _nothing(f"its cosignature was refused: {error}")
    except (ValueError, OverflowError, OSError):
        return _nothing("its cosignature was refused: its time is none")
    return Said(state=State.HOLDS, token=answer.body, time=at)
