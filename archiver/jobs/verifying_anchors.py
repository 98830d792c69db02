"""What outside services said of signed heads, verified again: timestamps, OpenTimestamps proofs, cosignatures."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from archiver.custody import certificates, note, ots, revocation, timestamp
from archiver.errors import ParseError, ProofError
from archiver.jobs.config import Config
from archiver.jobs.services import OTS, RFC3161, WITNESS
from archiver.jobs.verifying_found import Findings, Mark, Outside, Place
from archiver.jobs.verifying_heads import Stored
from archiver.jobs.verifying_renewed import Vouched, renewed
from archiver.net.clock import utc_now
from archiver.schedule import parse_time, time_text
from archiver.store.archive import Archive, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom the verifier believes. `roots` are certificates (DER) for every timestamping service, `service_roots` those
    for one service by its name; `witnesses` are keys of witnesses, `headers` those of Bitcoin blocks (80 bytes)."""

    roots: tuple[bytes, ...] = ()
    service_roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    witnesses: tuple[note.VerifierKey, ...] = ()
    headers: tuple[bytes, ...] = ()


FLOOR = 5e13
"""The least difficulty of a block that is believed; that of the network has been above it since 2023."""
BLOCK_SLACK = timedelta(hours=2)
"""How far the time of a block may be off."""
APART = timedelta(minutes=1)
"""How far the clocks of two services may be apart."""


class Revoked(ProofError):
    """A certificate of the chain had been revoked by the time that the token states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The `time` of a token that was verified; `until` is from when on its signature alone says nothing, and `why`."""

    time: str
    until: str = ""
    why: str = ""


def trust_of(
    config: Config, roots: tuple[bytes, ...], keys: tuple[note.VerifierKey, ...], headers: tuple[bytes, ...]
) -> Trust:
    """What the configuration and the command line name."""
    by_service: dict[str, tuple[bytes, ...]] = {}
    witnesses = [key for key in keys if key.type in note.WITNESSES]
    for service in config.anchors:
        if service.kind == RFC3161:
            by_service[service.name] = service.trusted()
        elif service.kind == WITNESS:
            witnesses.append(note.VerifierKey.parse(service.vkey))
    return Trust(roots=roots, service_roots=by_service, witnesses=tuple(dict.fromkeys(witnesses)), headers=headers)


@dataclass(slots=True, kw_only=True)
class Anchored:
    """`held` counts verified tokens by kind; `outside` is what they say of time, `notes` which of them hold by newer
    ones."""

    outside: Outside
    held: dict[str, int]
    notes: list[str]


def check(
    archive: Archive,
    origin: int,
    heads: tuple[Stored, ...],
    trust: Trust,
    wrong: Findings,
    unchecked: Findings,
    *,
    now: str = "",
) -> Anchored:
    """Every stored token, over the bytes of the checkpoint that it is about. `now` (ISO 8601, UTC) is the present
    unless it is given: a token whose certificates ended by then is held by a newer one, or unchecked."""
    by_size = {head.size: head for head in heads}
    found: list[tuple[str, Vouched]] = []
    digests = set()
    refused: dict[str, int] = defaultdict(int)
    rows = archive.all("SELECT * FROM log_anchor WHERE origin = ? ORDER BY id", origin)
    grown = {(row["size"], row["service"]) for row in rows if row["kind"] == OTS and _blocks(row)}
    for row in rows:
        digest = hashlib.sha256(row["token"]).hexdigest()
        digests.add(digest)
        at = Place(table="log_anchor", key=f"{row['kind']} {row['service']} on {row['size']}", leaf=row["leaf"])
        head = by_size.get(row["size"])
        if head is None:
            wrong.add("anchor", "the checkpoint that it is about is not there", at)
            continue
        if row["kind"] == OTS and (row["size"], row["service"]) in grown and not _blocks(row):
            continue  # what it waited for came, and is looked at itself
        try:
            if row["kind"] not in _KINDS:
                raise ParseError(f"this version knows no tokens of kind {row['kind']}")
            said = _KINDS[row["kind"]](archive, row, head, trust)
        except Revoked as error:
            if row["at"]:
                wrong.add("anchor", str(error), at)
            else:
                refused[f"{row['kind']} {row['service']}"] += 1
            continue
        except ProofError as error:
            wrong.add("anchor", str(error), at)
            continue
        except ParseError as error:
            unchecked.add("anchor", error.message, at)
            continue
        if row["at"] and row["at"] != said.time:
            reason = f"its row says {row['at']}, and the token {said.time}"
            wrong.add("anchor", reason, at)
        place = row["size"] if row["leaf"] is None else row["leaf"]
        made = Vouched(
            kind=row["kind"],
            service=row["service"],
            size=row["size"],
            leaf=place,
            time=said.time,
            until=said.until,
            why=said.why,
        )
        found.append((digest, made))
    _certificates(archive, wrong)
    now = now or utc_now()
    sound, notes = renewed([token for _, token in found], now, unchecked)
    held: dict[str, int] = defaultdict(int)
    for token in sound:
        held[token.kind] += 1
    notes += [
        f"{count} answers of {service} are by a certificate that was revoked before: their time was never relied on."
        for service, count in sorted(refused.items())
    ]
    return Anchored(outside=_outside(found, digests, wrong), held=dict(held), notes=notes)


def _outside(found: list[tuple[str, Vouched]], digests: set[str], wrong: Findings) -> Outside:
    """What tokens say of the times of leaves. Two tokens that contradict each other are named, and the later of the
    two times says nothing of what came after it: else captures would pay for a clock that ran ahead."""
    after: dict[str, str] = {}
    logged: list[Mark] = []
    marks = [Mark(place=token.size, time=token.time) for _, token in found]
    bounds = _falling(marks)
    for digest, token in found:
        if token.kind == OTS:
            continue
        place = bisect_right(bounds, token.leaf, key=lambda mark: mark.place)
        first = bounds[place] if place < len(bounds) else None
        if first is not None and parse_time(first.time) < parse_time(token.time) - APART:
            other = next(one for _, one in found if one.size >= first.place and one.time == first.time)
            at = Place(table="log_anchor", key=f"{token.label} on {token.size}", leaf=token.leaf)
            told = f"says {token.time}, and {other.label}, over {other.size} leaves that hold it, {other.time}"
            wrong.add("anchor", f"{told}: the clock of one of them was wrong", at)
            continue
        after[digest] = token.time
        logged.append(Mark(place=token.leaf, time=token.time))
    return Outside(after=after, logged=_rising(logged), heads=bounds, stored=frozenset(digests))


def _rising(marks: list[Mark]) -> tuple[Mark, ...]:
    """In the order of places, each with the latest time up to there."""
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.place):
        later = not found or parse_time(mark.time) > parse_time(found[-1].time)
        found.append(mark if later else Mark(place=mark.place, time=found[-1].time))
    return tuple(found)


def _falling(marks: list[Mark]) -> tuple[Mark, ...]:
    """In the order of sizes, each with the earliest time from there on."""
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: -mark.place):
        earlier = not found or parse_time(mark.time) < parse_time(found[-1].time)
        found.append(mark if earlier else Mark(place=mark.place, time=found[-1].time))
    return tuple(reversed(found))


def _signed(head: Stored) -> bytes:
    """The bytes of a checkpoint as it is stored, also where they are no text."""
    return head.text.encode("utf-8", "surrogateescape")


def _timestamp(archive: Archive, row: Row, head: Stored, trust: Trust) -> Said:
    """What a verified token says. ProofError when it is bad, ParseError when it cannot be verified."""
    token = timestamp.Token.parse(row["token"])
    roots = (*trust.roots, *trust.service_roots.get(row["service"], ()))
    digest = hashlib.new(token.hash or "sha256", _signed(head)).digest()
    checked = timestamp.check(token, digest, roots, others=_chain(archive, row))
    if checked.verdict is timestamp.Verdict.BAD:
        raise ProofError(checked.reason)
    if not checked.holds:
        raise ParseError(checked.reason)
    until, why = min([_ends(checked), *_given_up(archive, checked)], key=lambda end: parse_time(end[0]))
    return Said(time=checked.time, until=until, why=why)


def _ends(checked: timestamp.Checked) -> tuple[str, str]:
    """When the first certificate of a chain ends. That of the root may end earlier: who trusts it names it."""
    return min(map(_end, checked.chain[:-1] or checked.chain), key=parse_time), "its certificates ended at"


@lru_cache(256)
def _end(der: bytes) -> str:
    return certificates.describe(der).not_after


def _chain(archive: Archive, row: Row) -> list[bytes]:
    """The stored certificates that a token came with."""
    try:
        named = [str(item) for item in json.loads(row["chain"])]
    except (ValueError, TypeError):
        return []  # told when the row is compared with its leaf
    found = [archive.one("SELECT der FROM certificates WHERE sha256 = ?", sha256) for sha256 in named]
    return [bytes(certificate["der"]) for certificate in found if certificate is not None]


def _given_up(archive: Archive, checked: timestamp.Checked) -> list[tuple[str, str]]:
    """Since when certificates of a chain are revoked, where others may have the key. Revoked is raised where one was
    by the time of the token. All answers that are stored are asked, also those that came long after the token; one that
    cannot be believed says nothing."""
    if archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'revocations'") is None:
        return []
    found = []
    for certificate, issuer in pairwise(checked.chain):
        rows = archive.all(
            "SELECT kind, der, received_at FROM revocations WHERE certificate = ? ORDER BY received_at, sha256",
            hashlib.sha256(certificate).hexdigest(),
        )
        for row in rows:
            try:
                standing = revocation.read(row["kind"], row["der"], certificate, issuer, row["received_at"])
            except (ParseError, ProofError):
                continue
            if standing.revoked and parse_time(standing.revoked) <= parse_time(checked.time):
                raise Revoked(f"a certificate of its chain was revoked at {standing.revoked}")
            if standing.revoked and not standing.past_holds:
                why = f"a certificate of its chain was revoked ({standing.reason or 'no reason given'}) at"
                found.append((standing.revoked, why))
    return found


def _blocks(row: Row) -> bool:
    """Whether a proof names a block."""
    try:
        return bool(ots.OtsProof.parse(row["token"]).blocks())
    except (ParseError, ProofError):
        return False


def _ots(archive: Archive, row: Row, head: Stored, trust: Trust) -> Said:
    """By when the block stood that a proof leads to, where its header is at hand: the archive has none."""
    proof = ots.OtsProof.parse(row["token"])
    if proof.digest != hashlib.sha256(_signed(head)).digest():
        raise ProofError("the proof is over other bytes than this checkpoint")
    blocks = proof.blocks()
    if not blocks:
        raise ParseError("the proof stands in no block yet")
    for header in trust.headers:
        for _, root in blocks:
            if header[36:68] == root:
                mined = ots.check_header(header, root, FLOOR)
                return Said(time=time_text(parse_time(mined.time) + BLOCK_SLACK))
    told = ", ".join(f"block {height}, whose Merkle root must be {root[::-1].hex()}" for height, root in blocks)
    how = "take its header (80 bytes) from a node that you trust, bitcoin-cli getblockheader HASH false"
    raise ParseError(f"{how}, and give it with --block: {told}")


def _witness(archive: Archive, row: Row, head: Stored, trust: Trust) -> Said:
    """The time of a cosignature. ProofError when it does not hold, ParseError when no key for it is known here."""
    lines = note.decoded(row["token"])
    signatures = note.signature_lines(lines)
    known = [key for key in trust.witnesses if any((s.name, s.key_id) == (key.name, key.id) for s in signatures)]
    if not known:
        names = ", ".join(sorted({signature.name for signature in signatures}))
        raise ParseError(f"no key of this witness is known here: {names}")
    cosigned = note.SignedNote.parse(head.text + lines)
    time = max(note.cosigned(cosigned, key) for key in known)
    try:
        return Said(time=datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    except (ValueError, OverflowError, OSError):
        raise ProofError("the time of the cosignature is none") from None


_KINDS = {RFC3161: _timestamp, OTS: _ots, WITNESS: _witness}


def _certificates(archive: Archive, wrong: Findings) -> None:
    """Certificates, and what was said of their revocation, have the hash that names them."""
    for table in ("certificates", "revocations"):
        if archive.one("SELECT 1 FROM sqlite_schema WHERE name = ?", table) is None:
            continue
        for row in archive.db.execute(f"SELECT sha256, der FROM {table}"):
            if hashlib.sha256(row["der"]).hexdigest() != row["sha256"]:
                at = Place(table=table, key=row["sha256"])
                wrong.add("row", "its bytes do not have the hash that names them", at)
