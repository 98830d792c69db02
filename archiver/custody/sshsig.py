"""Detached signatures that `ssh-keygen -Y verify` reads: SSHSIG (OpenSSH, PROTOCOL.sshsig), Ed25519 over SHA-512.

Check with stock tools:
    ssh-keygen -Y verify -f allowed_signers -I PRINCIPAL -n NAMESPACE -s FILE.sig < FILE
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.custody import ed25519
from archiver.custody.note import at_line, from_base64, to_base64
from archiver.errors import ParseError, ProofError

MAGIC = b"SSHSIG"
KEY_TYPE = b"ssh-ed25519"
HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
WIDTH = 70
MAX_ARMOURED = 1 << 16


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _take(data: bytes, what: str) -> tuple[bytes, bytes]:
    """The string that `data` starts with, and what follows it."""
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < 4 or len(data) < end:
        raise ParseError(f"an SSH signature ends within its {what}")
    return data[4:end], data[end:]


def key_blob(public: bytes) -> bytes:
    """An Ed25519 public key as SSH writes it."""
    return _string(KEY_TYPE) + _string(public)


def public_line(public: bytes, comment: str = "") -> str:
    """The line of a `.pub` file, without its newline."""
    return f"{KEY_TYPE.decode()} {to_base64(key_blob(public))} {comment}".rstrip(" ")


def allowed_signers(principal: str, *public: bytes, namespace: str = "") -> str:
    """An `allowed_signers` file (ssh-keygen(1)): one line for each key of the principal. ValueError for a principal
    or namespace that would not stand alone in its field: spaces, quotation marks, commas, patterns."""
    if not _plain(principal) or (namespace and not _plain(namespace)):
        raise ValueError("a principal and a namespace are words without space, comma, quotation mark or pattern")
    option = f'namespaces="{namespace}" ' if namespace else ""
    return "".join(f"{principal} {option}{public_line(key)}\n" for key in public)


def _plain(word: str) -> bool:
    return word.isascii() and word.isprintable() and word != "" and not set(word) & set(" ,\"'*?!#\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSignature:
    """One signature: the signer's 32 byte public key, the namespace, the hash by which the data were read (sha256 or
    sha512) and the 64 byte value. `str` is the armoured text."""

    public: bytes
    namespace: str
    hash: str = "sha512"
    value: bytes

    def __post_init__(self) -> None:
        if len(self.public) != 32 or len(self.value) != 64 or self.hash not in HASHES or not self.namespace:
            raise ValueError("an SSH signature here is Ed25519 over SHA-256 or SHA-512, in a namespace")

    @classmethod
    def parse(cls, text: str) -> SshSignature:
        """ParseError for whatever is not such a signature; of another key type than Ed25519 too."""
        if len(text) > MAX_ARMOURED:
            raise ParseError("an SSH signature is longer than any", pointer=at_line(1))
        *lines, rest = text.split("\n")
        if len(lines) < 3 or rest or lines[0] != BEGIN or lines[-1] != END:
            raise ParseError(f"an SSH signature stands between {BEGIN} and {END}", pointer=at_line(1))
        data = from_base64("".join(lines[1:-1]), 2)
        if data[:10] != MAGIC + b"\x00\x00\x00\x01":
            raise ParseError("an SSH signature starts with its name and version 1", pointer=at_line(2))
        key, data = _take(data[10:], "key")
        namespace, data = _take(data, "namespace")
        reserved, data = _take(data, "reserved field")
        name, data = _take(data, "name of the hash")
        signature, data = _take(data, "signature")
        kind, public = _take(key, "key type")
        public, key_rest = _take(public, "key")
        other_kind, value = _take(signature, "signature type")
        value, value_rest = _take(value, "signature")
        if kind != KEY_TYPE or other_kind != KEY_TYPE:
            raise ParseError("an SSH signature of another type than Ed25519", pointer=at_line(2))
        if data or reserved or key_rest or value_rest:
            raise ParseError("an SSH signature holds more than it should", pointer=at_line(2))
        try:
            made = cls(public=public, namespace=namespace.decode(), hash=name.decode(), value=value)
        except ValueError as error:
            raise ParseError(str(error), pointer=at_line(2)) from None
        if str(made) != text:
            raise ParseError(f"the lines of an SSH signature are not of {WIDTH} characters", pointer=at_line(2))
        return made

    def __str__(self) -> str:
        blob = MAGIC + b"\x00\x00\x00\x01" + _string(key_blob(self.public)) + _string(self.namespace.encode())
        blob += _string(b"") + _string(self.hash.encode()) + _string(_string(KEY_TYPE) + _string(self.value))
        coded = to_base64(blob)
        body = "".join(f"{coded[at : at + WIDTH]}\n" for at in range(0, len(coded), WIDTH))
        return f"{BEGIN}\n{body}{END}\n"


def _message(digest: bytes, hash: str, namespace: str) -> bytes:
    return MAGIC + _string(namespace.encode()) + _string(b"") + _string(hash.encode()) + _string(digest)


def sign(data: bytes, seed: bytes, namespace: str) -> str:
    """The armoured signature of `data` by a 32 byte Ed25519 seed. ValueError for a wrong seed or an empty namespace."""
    return sign_digest(hashlib.sha512(data).digest(), seed, namespace)


def sign_digest(sha512: bytes, seed: bytes, namespace: str) -> str:
    """As `sign`, of data whose SHA-512 is known: large files are read once, in pieces."""
    if len(sha512) != 64:
        raise ValueError(f"a SHA-512 has 64 bytes, not {len(sha512)}")
    value = ed25519.sign(_message(sha512, "sha512", namespace), seed)
    return str(SshSignature(public=ed25519.public_key(seed), namespace=namespace, value=value))


def check(data: bytes, armoured: str, public: bytes, namespace: str) -> SshSignature:
    """The signature, once it is shown that this key made it over these data in this namespace. ProofError, with the
    reason, when it did not; ParseError when the text is no such signature."""
    read = SshSignature.parse(armoured)
    if read.public != public:
        raise ProofError("the SSH signature is by another key")
    if read.namespace != namespace:
        raise ProofError(f"the SSH signature is for {read.namespace!r}, not for {namespace!r}")
    if not ed25519.holds(_message(HASHES[read.hash](data).digest(), read.hash, namespace), read.value, public):
        raise ProofError("the SSH signature does not hold over these data")
    return read
