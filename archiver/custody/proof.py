"""Proofs that a leaf stands in the log: c2sp.org/tlog-proof, a text that can be checked offline.

c2sp.org/tlog-proof@v1
extra BASE64                    (only where there is some)
index 73894
BASE64 OF 32 BYTES              (the audit path from the leaf's sibling upwards, RFC 6962 section 2.1.1)
                                (an empty line)
the checkpoint, a signed note, verbatim
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archiver.custody import log
from archiver.custody.note import (
    ED25519,
    MAX_SIZE,
    Checkpoint,
    SignedNote,
    VerifierKey,
    at_line,
    decoded,
    from_base64,
    from_decimal,
    signers,
    to_base64,
)
from archiver.errors import ParseError, ProofError

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """The place of a leaf, its audit path and the checkpoint that it leads to. `extra` is vouched for by nothing."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: SignedNote
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SIZE:
            raise ValueError(f"{self.index} is no index of a leaf")
        if len(self.hashes) > MAX_HASHES or any(len(value) != 32 for value in self.hashes):
            raise ValueError(f"an audit path is up to {MAX_HASHES} hashes of 32 bytes")

    @classmethod
    def parse(cls, text: str | bytes) -> LogProof:
        """ParseError, naming the line, for whatever is not this format in its one writing."""
        head, blank, rest = decoded(text).partition("\n\n")
        lines = head.split("\n")
        if lines[0] != HEADER:
            raise ParseError(f"a proof starts with {HEADER}", pointer=at_line(1))
        extra, at = b"", 1
        if at < len(lines) and lines[at].startswith("extra "):
            extra, at = from_base64(lines[at].removeprefix("extra "), at + 1), at + 1
            if not extra:
                raise ParseError("the line of extra data is left out where there are none", pointer=at_line(at))
        if at == len(lines) or not lines[at].startswith("index "):
            raise ParseError("the line of the index is missing", pointer=at_line(at + 1))
        index, at = from_decimal(lines[at].removeprefix("index "), "the index", at + 1), at + 1
        if len(lines) - at > MAX_HASHES:
            raise ParseError(f"an audit path has more than {MAX_HASHES} hashes", pointer=at_line(at + MAX_HASHES + 1))
        hashes = tuple(from_base64(line, at + n) for n, line in enumerate(lines[at:], 1))
        for n, value in enumerate(hashes, 1):
            if len(value) != 32:
                raise ParseError(f"a hash has 32 bytes, not {len(value)}", pointer=at_line(at + n))
        if not blank:
            raise ParseError("no empty line parts the path from the checkpoint", pointer=at_line(len(lines)))
        try:
            note = SignedNote.parse(rest)
            Checkpoint.parse(note.text)
        except ParseError as error:
            line = int(error.pointer.split(":")[1]) + len(lines) + 1
            raise ParseError(error.message, pointer=at_line(line)) from None
        return cls(index=index, hashes=hashes, checkpoint=note, extra=extra)

    def __str__(self) -> str:
        extra = f"extra {to_base64(self.extra)}\n" if self.extra else ""
        path = "".join(f"{to_base64(value)}\n" for value in self.hashes)
        return f"{HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint}"


def check(leaf_bytes: bytes, proof: LogProof, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint under which these bytes are shown to stand at `proof.index`.

    A key of type 1 that bears the log's origin as its name must have signed it; signatures that name another of the
    keys must hold too. ProofError, with the reason, otherwise.
    """
    head = checkpoint(proof.checkpoint, keys)
    if not log.check_inclusion(log.leaf_hash(leaf_bytes), proof.index, head.size, proof.hashes, head.root):
        raise ProofError(f"the path does not lead from this leaf at {proof.index} to the root of {head.size} leaves")
    return head


def checkpoint(note: SignedNote, keys: Iterable[VerifierKey]) -> Checkpoint:
    """What a signed checkpoint says, once a key of its own log vouches for it. ProofError otherwise; ParseError when
    the note is no checkpoint."""
    head = Checkpoint.parse(note.text)
    if head.size == 0 and head.root != log.EMPTY_ROOT:
        raise ProofError("the root of an empty log is not that of nothing")
    if not any(key.type == ED25519 and key.name == head.origin for key in signers(note, keys)):
        raise ProofError(f"no key of {head.origin} signed this checkpoint")
    return head
