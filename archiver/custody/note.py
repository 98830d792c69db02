"""Signed notes, verifier keys, checkpoints and cosignatures.

Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint and, for the cosignatures of witnesses (types 4 and 6),
c2sp.org/tlog-cosignature. What is signed here is signed with Ed25519; cosignatures by ML-DSA-44 are checked too.
Every parser is strict, so that a text has one reading and one writing: what it refuses is a ParseError whose
pointer names the line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.custody import ed25519, mldsa
from archiver.errors import ParseError, ProofError

ED25519 = 1
COSIGNATURE = 4
COSIGNATURE_ML_DSA = 6
"""Signature types of c2sp.org/signed-note; the other assigned ones are not read."""
WITNESSES = frozenset({COSIGNATURE, COSIGNATURE_ML_DSA})
MAX_NOTE = 1 << 20
MAX_SIGNATURES = 100
DASH = "\u2014"
MAX_SIZE = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def at_line(number: int) -> str:
    """The pointer of an error in line `number`, counted from 1."""
    return f"text:{number}:1"


def from_base64(text: str, line: int = 1) -> bytes:
    """RFC 4648 section 4 in its one canonical writing. ParseError for any other."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ParseError("this is not base64", pointer=at_line(line)) from None
    if to_base64(data) != text:
        raise ParseError("this base64 is not canonical", pointer=at_line(line))
    return data


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def from_decimal(text: str, what: str, line: int = 1) -> int:
    """A count in ASCII digits without leading zeros, up to 2^63-1. ParseError for any other."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise ParseError(f"{what} is not a decimal number without leading zeros", pointer=at_line(line))
    return int(text)


def _name_fault(name: str) -> str:
    if not name:
        return "a key name is empty"
    if "+" in name or _CONTROL.search(name) or any(character.isspace() for character in name):
        return "a key name holds a space, a plus or a control character"
    return "" if encodable(name) else "a key name is not UTF-8"


def encodable(text: str) -> bool:
    """Whether text can be written as UTF-8: it holds no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _text_fault(text: str) -> str:
    if not text.endswith("\n"):
        return "the text of a note ends in a newline"
    if _CONTROL.search(text):
        return "a note holds a control character"
    return "" if encodable(text) else "a note is not UTF-8"


def key_id(name: str, type: int, public: bytes) -> bytes:
    """The four bytes that name a key in signature lines: SHA-256(name ‖ newline ‖ type ‖ public key)[:4]."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([type]) + public).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key and what it signs as: `NAME+ID+BASE64(type ‖ key)`, a vkey.

    Refused, by ParseError in `parse` and by ValueError otherwise: other types than 1, 4 and 6, names that no
    signature line can carry, an id that is not the key's own, encodings of a point of small order or of none in
    canonical form.
    """

    name: str
    type: int = ED25519
    public: bytes

    def __post_init__(self) -> None:
        if fault := _name_fault(self.name) or self._fault():
            raise ValueError(fault)

    def _fault(self) -> str:
        if self.type == COSIGNATURE_ML_DSA:
            return "" if len(self.public) == mldsa.KEY_SIZE else f"an ML-DSA-44 key has {mldsa.KEY_SIZE} bytes"
        if self.type not in (ED25519, COSIGNATURE):
            return f"a key of signature type {self.type} is neither Ed25519 (1) nor that of a witness (4, 6)"
        return ed25519.key_fault(self.public)

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.type, self.public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        name, plus, rest = text.partition("+")
        number, second, material = rest.partition("+")
        if not plus or not second:
            raise ParseError("a verifier key is NAME+ID+KEY", pointer=at_line(1))
        data = from_base64(material)
        if not data:
            raise ParseError("a verifier key holds no key", pointer=at_line(1))
        try:
            key = cls(name=name, type=data[0], public=data[1:])
        except ValueError as error:
            raise ParseError(str(error), pointer=at_line(1)) from None
        if number != key.id.hex():
            raise ParseError("the id of a verifier key is not that of its name and key", pointer=at_line(1))
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{to_base64(bytes([self.type]) + self.public)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: `— NAME BASE64(key id ‖ value)`, without its newline."""

    name: str
    key_id: bytes
    value: bytes

    def __post_init__(self) -> None:
        if fault := _name_fault(self.name):
            raise ValueError(fault)
        if len(self.key_id) != 4 or not self.value:
            raise ValueError("a signature is four bytes of key id and a value")

    @classmethod
    def parse(cls, text: str, line: int = 1) -> Signature:
        dash, _, rest = text.partition(" ")
        name, space, coded = rest.partition(" ")
        if dash != DASH or not space:
            raise ParseError("a signature line is a dash, a name and base64", pointer=at_line(line))
        data = from_base64(coded, line)
        try:
            return cls(name=name, key_id=data[:4], value=data[4:])
        except ValueError as error:
            raise ParseError(str(error), pointer=at_line(line)) from None

    def __str__(self) -> str:
        return f"{DASH} {self.name} {to_base64(self.key_id + self.value)}"


def signature_lines(text: str, first: int = 1) -> tuple[Signature, ...]:
    """The signature lines of a note, or of a witness's answer: one at least, each ended by a newline."""
    *lines, end = text.split("\n")
    if not lines or end:
        raise ParseError("the last line is not a signature that ends in a newline", pointer=at_line(first + len(lines)))
    if len(lines) > MAX_SIGNATURES:
        raise ParseError(f"more than {MAX_SIGNATURES} signatures", pointer=at_line(first + MAX_SIGNATURES))
    return tuple(Signature.parse(line, first + n) for n, line in enumerate(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A text that ends in a newline, and who signed it. Says nothing of whether the signatures hold: see `verify`."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if fault := _text_fault(self.text):
            raise ValueError(fault)
        if not 0 < len(self.signatures) <= MAX_SIGNATURES:
            raise ValueError(f"a note has 1 to {MAX_SIGNATURES} signatures")

    @classmethod
    def parse(cls, text: str | bytes) -> SignedNote:
        text = decoded(text)
        cut = text.rfind("\n\n")
        if cut < 0:
            raise ParseError("no blank line parts a text from signatures", pointer=at_line(text.count("\n") + 1))
        body = text[: cut + 1]
        return cls(text=body, signatures=signature_lines(text[cut + 2 :], body.count("\n") + 2))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)


def decoded(text: str | bytes) -> str:
    """A note as text: at most 1 MiB of UTF-8 without control characters but newlines. ParseError for any other."""
    if len(text) > MAX_NOTE:
        raise ParseError(f"a note is larger than {MAX_NOTE} bytes", pointer=at_line(1))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise ParseError("a note is not UTF-8", pointer=at_line(line)) from None
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise ParseError("a note holds a control character", pointer=at_line(line))
    if not encodable(text):
        raise ParseError("a note is not UTF-8", pointer=at_line(1))
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log, the text of a note: origin, tree size, root hash (32 bytes) and extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise ValueError(f"{self.size} is no tree size")
        if len(self.root) != 32:
            raise ValueError(f"a root hash has 32 bytes, not {len(self.root)}")
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line or _text_fault(line + "\n"):
                raise ValueError("a line of a checkpoint is empty, holds a control character or is not UTF-8")

    @classmethod
    def parse(cls, text: str | bytes) -> Checkpoint:
        """From the text of a note, without signatures."""
        lines = decoded(text).split("\n")
        if len(lines) < 4 or lines.pop():
            raise ParseError(
                "a checkpoint is three lines or more, each ended by a newline", pointer=at_line(len(lines))
            )
        for number, line in enumerate(lines, 1):
            if not line:
                raise ParseError("a line of a checkpoint is empty", pointer=at_line(number))
        root = from_base64(lines[2], 3)
        if len(root) != 32:
            raise ParseError(f"a root hash has 32 bytes, not {len(root)}", pointer=at_line(3))
        return cls(
            origin=lines[0], size=from_decimal(lines[1], "the tree size", 2), root=root, extensions=tuple(lines[3:])
        )

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, to_base64(self.root), *self.extensions))


def verifier_key(name: str, seed: bytes, type: int = ED25519) -> VerifierKey:
    """The public part of a private key (32 byte seed). ValueError for a wrong length or name."""
    return VerifierKey(name=name, type=type, public=ed25519.public_key(seed))


def sign(note_text: str, name: str, private_key_seed: bytes) -> Signature:
    """An Ed25519 signature (type 1) over the text of a note. ValueError for a text that cannot stand in a note."""
    if fault := _text_fault(note_text):
        raise ValueError(fault)
    key = verifier_key(name, private_key_seed)
    return Signature(name=name, key_id=key.id, value=ed25519.sign(note_text.encode("utf-8"), private_key_seed))


def cosign(note_text: str, name: str, private_key_seed: bytes, time: int) -> Signature:
    """A cosignature/v1 over a checkpoint at a Unix time, as a witness makes it. ParseError for another text."""
    Checkpoint.parse(note_text)
    key = verifier_key(name, private_key_seed, COSIGNATURE)
    value = time.to_bytes(8, "big") + ed25519.sign(_cosigned_message(note_text, time), private_key_seed)
    return Signature(name=name, key_id=key.id, value=value)


def _cosigned_message(note_text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{note_text}".encode()


def _check(text: str, key: VerifierKey, signature: Signature) -> int:
    """The time of a cosignature, 0 of a plain signature. ProofError when it does not hold."""
    value, time, message = signature.value, 0, text.encode("utf-8")
    if key.type in WITNESSES:
        time, value = int.from_bytes(value[:8], "big"), value[8:]
        if not 0 < time <= MAX_SIZE:
            raise ProofError(f"the cosignature of {key.name} gives no time")
        message = _cosigned_message(text, time)
    if key.type == COSIGNATURE_ML_DSA:
        good = mldsa.holds(_tree_message(text, key.name, time), value, key.public)
    else:
        good = ed25519.holds(message, value, key.public)
    if not good:
        raise ProofError(f"the signature of {key.name} ({key.id.hex()}) does not hold")
    return time


def _tree_message(note_text: str, cosigner: str, time: int) -> bytes:
    try:
        head = Checkpoint.parse(note_text)
        return mldsa.cosigned_message(cosigner, time, head.origin, head.size, head.root)
    except (ParseError, ValueError) as error:
        raise ProofError(f"{cosigner} cannot have cosigned this: {error}") from None


def signers(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys among `keys` that signed the note. Signatures of other keys are not looked at.

    ProofError when a signature that names one of the keys does not hold: such a note is refused as a whole. Empty
    when none of the keys signed, which says that nothing vouches for the text.
    """
    held = []
    for key in dict.fromkeys(keys):
        own = [signature for signature in note.signatures if (signature.name, signature.key_id) == (key.name, key.id)]
        for signature in own:
            _check(note.text, key, signature)
        if own:
            held.append(key)
    return tuple(held)


def verify(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[str, ...]:
    """The names whose signature holds, each once; as `signers` otherwise."""
    return tuple(dict.fromkeys(key.name for key in signers(note, keys)))


def cosigned(note: SignedNote, vkey: VerifierKey) -> int:
    """The Unix time at which a witness (a key of type 4 or 6) cosigned this checkpoint; the earliest of several,
    since what it bounds is how late the checkpoint can have been made.

    ProofError when it did not, or when a cosignature of it does not hold; ParseError when the note is no checkpoint.
    """
    if vkey.type not in WITNESSES:
        raise ProofError(f"the key {vkey.name} is not one of a witness (type 4 or 6)")
    Checkpoint.parse(note.text)
    own = [signature for signature in note.signatures if (signature.name, signature.key_id) == (vkey.name, vkey.id)]
    if not own:
        raise ProofError(f"{vkey.name} did not cosign this checkpoint")
    return min(_check(note.text, vkey, signature) for signature in own)
