"""OpenTimestamps proofs (`.ots` files): the path from a digest to a block of Bitcoin, without a node.

A proof is a tree: operations (hashes, bytes put before or after) turn the digest into commitments, and attestations
say where a commitment stands: *pending* at a calendar, which will know more later, or as the Merkle root of a block.
An attestation alone proves nothing; `check_header` holds the commitment against the 80 bytes of the block's header,
whose work nobody can forge cheaply. A block's time is right to about two hours.

Formats: the reference implementation (python-opentimestamps) and its calendars: POST /digest with a commitment gives
a tree over it, GET /timestamp/COMMITMENT gives one that goes further, once there is one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from archiver.errors import ParseError, ProofError

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
VERSION = 1
BITCOIN = bytes.fromhex("0588960d73d71901")
PENDING = bytes.fromhex("83dfe30d2ef90c8e")
SHA1, RIPEMD160, SHA256, KECCAK256, APPEND, PREPEND, REVERSE, HEXLIFY = 2, 3, 8, 0x67, 0xF0, 0xF1, 0xF2, 0xF3
_HASHES = {SHA1: "sha1", RIPEMD160: "ripemd160", SHA256: "sha256"}
_PLAIN = frozenset({SHA1, RIPEMD160, SHA256, KECCAK256, REVERSE, HEXLIFY})
MAX_PROOF = 1 << 16
MAX_DEPTH = 256
MAX_MESSAGE = 4096
MAX_PAYLOAD = 8192
_URI = re.compile(r"[A-Za-z0-9.\-_/:]{1,1000}")
_DIFFICULTY_1 = 0xFFFF << 208


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Operation:
    """One step: its tag, and the bytes that are put after (0xf0) or before (0xf1) the message."""

    tag: int
    argument: bytes = b""

    def __post_init__(self) -> None:
        if self.tag in (APPEND, PREPEND):
            if not 1 <= len(self.argument) <= MAX_MESSAGE:
                raise ValueError(f"1 to {MAX_MESSAGE} bytes are put before or after a message")
        elif self.tag not in _PLAIN or self.argument:
            raise ValueError(f"{self.tag:#04x} is no operation")

    def __bytes__(self) -> bytes:
        return bytes([self.tag]) + (_sized(self.argument) if self.argument else b"")

    def apply(self, message: bytes) -> bytes | None:
        """The next message; None where this machine cannot compute it (Keccak, and RIPEMD-160 in places).

        ProofError when it would be longer than 4096 bytes.
        """
        match self.tag:
            case _ if self.tag in _HASHES:
                try:
                    made = hashlib.new(_HASHES[self.tag], message, usedforsecurity=False).digest()
                except ValueError:
                    return None
            case _ if self.tag == APPEND:
                made = message + self.argument
            case _ if self.tag == PREPEND:
                made = self.argument + message
            case _ if self.tag == REVERSE:
                made = message[::-1]
            case _ if self.tag == HEXLIFY:
                made = message.hex().encode()
            case _:
                return None
        if len(made) > MAX_MESSAGE:
            raise ProofError(f"a message of an OpenTimestamps proof is longer than {MAX_MESSAGE} bytes")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """Where a commitment stands: eight bytes that name the kind, and a payload. Unknown kinds are kept as they are."""

    tag: bytes
    payload: bytes

    def __post_init__(self) -> None:
        if len(self.tag) != 8 or len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"an attestation is eight bytes and up to {MAX_PAYLOAD} more")
        try:
            _ = (self.height, self.uri)
        except ParseError as error:
            raise ValueError(error.message) from None

    @classmethod
    def bitcoin(cls, height: int) -> Attestation:
        return cls(tag=BITCOIN, payload=_number(height))

    @classmethod
    def pending(cls, uri: str) -> Attestation:
        return cls(tag=PENDING, payload=_sized(uri.encode()))

    @property
    def height(self) -> int | None:
        """The height of the block, of an attestation of Bitcoin."""
        if self.tag != BITCOIN:
            return None
        reader = _Reader(self.payload)
        number = reader.number()
        reader.end()
        return number

    @property
    def uri(self) -> str:
        """The calendar, of a pending attestation; else empty."""
        if self.tag != PENDING:
            return ""
        reader = _Reader(self.payload)
        uri = reader.sized(1000).decode("latin-1")
        reader.end()
        if not _URI.fullmatch(uri):
            raise ParseError("the address of a calendar has characters that it may not have")
        return uri

    def __bytes__(self) -> bytes:
        return b"\x00" + self.tag + _sized(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What is known of one message: attestations of it, and the messages that operations make of it. Both are sorted
    and without repetition, as the reference implementation writes them: see `of`."""

    attestations: tuple[Attestation, ...] = ()
    branches: tuple[tuple[Operation, Tree], ...] = ()

    def __post_init__(self) -> None:
        operations = [operation for operation, _ in self.branches]
        if not self.attestations and not operations:
            raise ValueError("a tree ends in attestations")
        if _sorted(self.attestations) != self.attestations or sorted(set(operations)) != operations:
            raise ValueError("a tree is sorted and without repetition")

    @classmethod
    def of(cls, attestations: Iterable[Attestation], branches: Iterable[tuple[Operation, Tree]] = ()) -> Tree:
        """Sorts, and joins branches of the same operation."""
        joined: dict[Operation, Tree] = {}
        for operation, tree in branches:
            joined[operation] = joined[operation].merged(tree) if operation in joined else tree
        return cls(attestations=_sorted(attestations), branches=tuple(sorted(joined.items(), key=_first)))

    @classmethod
    def parse(cls, data: bytes) -> Tree:
        """The answer of a calendar. ParseError for whatever is no tree."""
        reader = _Reader(data)
        tree = _tree(reader, 0)
        reader.end()
        return tree

    def __bytes__(self) -> bytes:
        parts = [bytes(attestation) for attestation in self.attestations]
        parts += [bytes(operation) + bytes(tree) for operation, tree in self.branches]
        return b"".join(b"\xff" + part for part in parts[:-1]) + parts[-1]

    def merged(self, other: Tree) -> Tree:
        """All that either knows of the same message."""
        return Tree.of((*self.attestations, *other.attestations), (*self.branches, *other.branches))

    def walk(self, message: bytes | None) -> Iterator[tuple[Attestation, bytes | None]]:
        """Each attestation with the commitment that it is about; None where it cannot be computed here."""
        for tree, made in self.nodes(message):
            for attestation in tree.attestations:
                yield attestation, made

    def nodes(self, message: bytes | None) -> Iterator[tuple[Tree, bytes | None]]:
        """This tree and each one below it, with the message that it is about."""
        yield self, message
        for operation, tree in self.branches:
            yield from tree.nodes(None if message is None else operation.apply(message))

    def grown(self, message: bytes, commitment: bytes, more: Tree) -> Tree:
        """With `more` known of each message that is `commitment`; itself where there is none."""
        branches = []
        for operation, tree in self.branches:
            made = operation.apply(message)
            branches.append((operation, tree if made is None else tree.grown(made, commitment, more)))
        grown = Tree.of(self.attestations, branches)
        return grown.merged(more) if message == commitment else grown


def _first(branch: tuple[Operation, Tree]) -> Operation:
    return branch[0]


def _sorted(attestations: Iterable[Attestation]) -> tuple[Attestation, ...]:
    """By tag; blocks by their height, calendars by their address, others by their bytes."""
    return tuple(sorted(set(attestations), key=lambda a: (a.tag, a.height or 0, a.uri.encode() or a.payload)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtsProof:
    """A `.ots` file: the SHA-256 of the file that is stamped, and what is known of it. `bytes` is the file."""

    digest: bytes
    tree: Tree

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise ValueError(f"a SHA-256 has 32 bytes, not {len(self.digest)}")

    @classmethod
    def parse(cls, data: bytes) -> OtsProof:
        """ParseError, naming the byte, for whatever is no such file; of another hash than SHA-256 too."""
        reader = _Reader(data)
        if reader.take(len(MAGIC)) != MAGIC:
            raise ParseError("this is no OpenTimestamps proof", pointer="byte 0")
        if reader.number() != VERSION:
            raise reader.error("an OpenTimestamps proof of another version")
        if reader.take(1) != bytes([SHA256]):
            raise reader.error("an OpenTimestamps proof over another hash than SHA-256")
        digest = reader.take(32)
        tree = _tree(reader, 0)
        reader.end()
        return cls(digest=digest, tree=tree)

    def __bytes__(self) -> bytes:
        return MAGIC + _number(VERSION) + bytes([SHA256]) + self.digest + bytes(self.tree)

    def attestations(self) -> tuple[tuple[Attestation, bytes | None], ...]:
        """Each attestation with its commitment (None where an operation cannot be computed here). ProofError when a
        message grows too long."""
        return tuple(self.tree.walk(self.digest))

    def pending(self) -> tuple[tuple[str, bytes], ...]:
        """The calendars that may know more: their address, and the commitment to ask them for."""
        return tuple((a.uri, message) for a, message in self.attestations() if a.uri and message is not None)

    def blocks(self) -> tuple[tuple[int, bytes], ...]:
        """The blocks of Bitcoin that are named: height, and the Merkle root that the header must have."""
        return tuple(
            (a.height, message) for a, message in self.attestations() if a.height is not None and message is not None
        )


def commitment(digest: bytes, nonce: bytes = b"") -> bytes:
    """What a calendar is handed: the digest, or with a nonce SHA-256(digest ‖ nonce), which tells it nothing."""
    return hashlib.sha256(digest + nonce).digest() if nonce else digest


def stamped(digest: bytes, nonce: bytes, answer: bytes) -> OtsProof:
    """The proof that a calendar's first answer makes. ParseError when the answer is none, ProofError when it makes a
    message grow too long."""
    tree = Tree.parse(answer)
    if nonce:
        hashed = Tree.of((), [(Operation(tag=SHA256), tree)])
        tree = Tree.of((), [(Operation(tag=APPEND, argument=nonce), hashed)])
    return _readable(OtsProof(digest=digest, tree=tree))


def merge(proof: OtsProof, about: bytes, answer: bytes) -> OtsProof:
    """The proof with a calendar's later answer about one of its commitments. ParseError when the answer is none,
    ProofError when the proof has no such commitment."""
    more = Tree.parse(answer)
    if all(message != about for _, message in proof.tree.nodes(proof.digest)):
        raise ProofError(f"the proof has no commitment {about.hex()}")
    return _readable(OtsProof(digest=proof.digest, tree=proof.tree.grown(proof.digest, about, more)))


def _readable(proof: OtsProof) -> OtsProof:
    """What is stored can be read again: it is not too large, not too deep, and each commitment can be computed."""
    proof.attestations()
    return OtsProof.parse(bytes(proof))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A block's header that a commitment stands in: its hash as explorers show it, time and difficulty."""

    hash: str
    time: str
    difficulty: float


def check_header(header80: bytes, commitment: bytes, floor: float) -> Mined:
    """Holds a commitment against a block's header. ProofError, with the reason, when it is not the header's Merkle
    root, when the header's work is not done, or when its difficulty is below `floor`.

    The header says nothing of its height, and that it stands in the chain of Bitcoin shows by its work alone: `floor`
    is what a forger would have to spend, and should be near the network's difficulty of that time.
    """
    if len(header80) != 80:
        raise ProofError(f"a block's header has 80 bytes, not {len(header80)}")
    if header80[36:68] != commitment:
        raise ProofError("the commitment is not the Merkle root of this block")
    bits = int.from_bytes(header80[72:76], "little")
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    target = mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)
    if bits & 0x800000 or not 0 < target <= _DIFFICULTY_1:
        raise ProofError("the target of this header is none that Bitcoin allows")
    done = hashlib.sha256(hashlib.sha256(header80).digest()).digest()[::-1]
    if int.from_bytes(done, "big") > target:
        raise ProofError("the work of this header is not done")
    difficulty = _DIFFICULTY_1 / target
    if difficulty < floor:
        raise ProofError(f"the difficulty of this header, {difficulty:.0f}, is below {floor:.0f}")
    seconds = int.from_bytes(header80[68:72], "little")
    time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Mined(hash=done.hex(), time=time, difficulty=difficulty)


def _number(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    if not 0 <= value < 2**63:
        raise ValueError(f"{value} is no number of a proof")
    groups = [value & 0x7F]
    while value := value >> 7:
        groups[-1] |= 0x80
        groups.append(value & 0x7F)
    return bytes(groups)


def _sized(data: bytes) -> bytes:
    return _number(len(data)) + data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        if len(data) > MAX_PROOF:
            raise self.error(f"an OpenTimestamps proof is larger than {MAX_PROOF} bytes")

    def error(self, message: str) -> ParseError:
        return ParseError(message, pointer=f"byte {self._at}")

    def take(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        if len(data) < count:
            raise self.error("an OpenTimestamps proof is cut off")
        self._at += count
        return data

    def number(self) -> int:
        value = 0
        for place in range(9):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if place and not byte:
                    raise self.error("a number is written longer than it needs to be")
                return value
        raise self.error("a number is too large")

    def sized(self, most: int) -> bytes:
        count = self.number()
        if count > most:
            raise self.error(f"{count} bytes where {most} are the most")
        return self.take(count)

    def end(self) -> None:
        if self._at < len(self._data):
            raise self.error("an OpenTimestamps proof holds more than it should")


def _tree(reader: _Reader, depth: int) -> Tree:
    if depth > MAX_DEPTH:
        raise reader.error(f"an OpenTimestamps proof is deeper than {MAX_DEPTH} operations")
    attestations: list[Attestation] = []
    branches: list[tuple[Operation, Tree]] = []
    more = True
    while more:
        tag = reader.take(1)[0]
        more = tag == 0xFF
        if more:
            tag = reader.take(1)[0]
        try:
            if tag == 0:
                attestations.append(Attestation(tag=reader.take(8), payload=reader.sized(MAX_PAYLOAD)))
            else:
                argument = reader.sized(MAX_MESSAGE) if tag in (APPEND, PREPEND) else b""
                branches.append((Operation(tag=tag, argument=argument), _tree(reader, depth + 1)))
        except ValueError as error:
            raise reader.error(str(error)) from None
    return Tree.of(attestations, branches)
