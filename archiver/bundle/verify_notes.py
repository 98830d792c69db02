"""Who signed: Ed25519, C2SP verifier keys, signed notes, proofs of the log, SSH signatures.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from typing import NamedTuple

from archiver.bundle.verify_files import Refused, unbase64

# ---- Ed25519 (RFC 8032), over public values only ------------------------------------------------------------

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)


def _add(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, ...]:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: tuple[int, ...]) -> tuple[int, ...]:
    held: tuple[int, ...] = (0, 1, 1, 0)
    while factor:
        held = _add(held, point) if factor & 1 else held
        point, factor = _add(point, point), factor >> 1
    return held


def _point(data: bytes) -> tuple[int, ...] | None:
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = _point(bytes([0x58]) + b"\x66" * 31) or ()


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds. Under a key of small order, for which anybody can sign, none does."""
    key = _point(public) if len(public) == 32 and len(signature) == 64 else None
    factor = int.from_bytes(signature[32:], "little")
    if key is None or factor >= L or _times(8, key)[0] == 0:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x, y, z, _ = _add(_times(factor, BASE), _times(challenge, (P - key[0], key[1], 1, P - key[3])))
    inverse = pow(z, P - 2, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little") == signature[:32]


# ---- C2SP notes and proofs of the log -----------------------------------------------------------------------


class Key(NamedTuple):
    """A verifier key: type 1 signs the log, type 4 is a witness. `given` says that it did not come with the bundle."""

    name: str
    id: bytes
    type: int
    public: bytes
    given: bool


def parse_key(text: str, given: bool) -> Key:
    name, _, rest = text.partition("+")
    number, _, coded = rest.partition("+")
    data = unbase64(coded, "a verifier key")
    known = hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + data).digest()[:4]
    if not name or len(data) != 33 or data[0] not in (1, 4) or number != known.hex():
        raise Refused(f"not a verifier key NAME+ID+KEY of type 1 or 4: {text[:100]}")
    return Key(name, known, data[0], data[1:], given)


def given_keys(text: str) -> list[Key]:
    """The keys that somebody gives: one as it is, or those in the file of that name, one a line. Refused without
    repeating what a file holds: it may be the private key."""
    if not os.path.isfile(text):
        if "+" not in text:
            raise Refused(f"{text}: no such file, and not a verifier key NAME+ID+KEY")
        return [_given(text, "--key")]
    with open(text, encoding="utf-8") as file:
        found = [_given(line.strip(), f"{text}:{number}") for number, line in enumerate(file, 1) if line.strip()]
    if not found:
        raise Refused(f"{text}: holds no key")
    return found


def _given(line: str, place: str) -> Key:
    if line.startswith("PRIVATE+KEY+"):
        raise Refused(f"{place}: this is the private key: keep it to yourself, and give the line of `keys export`")
    try:
        return parse_key(line, True)
    except Refused:
        raise Refused(f"{place}: not a verifier key NAME+ID+KEY of type 1 or 4") from None


class Note(NamedTuple):
    """A checkpoint: its text, what it says, and its signatures (name, key id, value)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


CONTROL, MOST = re.compile(r"[\x00-\x09\x0b-\x1f]"), 2**63 - 1


def counted(text: str) -> int:
    """A number in ASCII digits without leading zeros up to 2^63-1; -1 for any other."""
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,18}", text, re.A) and int(text) <= MOST else -1


def signature_line(line: str, place: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    data = unbase64(coded, place)
    if dash != "\u2014" or not name or "+" in name or name.split() != [name] or len(data) < 5:
        raise Refused(f"{place}: not a signature: a dash, a name and base64")
    return name, data[:4], data[4:]


def parse_note(text: str, place: str) -> Note:
    body, blank, tail = text.rpartition("\n\n")
    lines, signed = body.split("\n"), tail.split("\n")
    if not blank or signed.pop() or not signed or len(lines) < 3 or "" in lines:
        raise Refused(f"{place}: not a checkpoint: origin, size, root, a blank line, signatures")
    if CONTROL.search(text):
        raise Refused(f"{place}: holds a control character")
    if len(signed) > 100:
        raise Refused(f"{place}: more than 100 signatures")
    if counted(lines[1]) < 0:
        raise Refused(f"{place}:2: the size is not a number without leading zeros")
    root = unbase64(lines[2], f"{place}:3")
    if len(root) != 32:
        raise Refused(f"{place}:3: a root has 32 bytes")
    first = len(lines) + 2
    found = tuple(signature_line(line, f"{place}:{first + n}") for n, line in enumerate(signed))
    return Note(body + "\n", lines[0], int(lines[1]), root, found)


def signed_by(text: str, signature: tuple[str, bytes, bytes], key: Key) -> int:
    """Unix time of a cosignature, 0 of a plain signature. Refused when it does not hold."""
    value, when, message = signature[2], 0, text
    if key.type == 4:
        when, value = int.from_bytes(value[:8], "big"), value[8:]
        message = f"cosignature/v1\ntime {when}\n{text}"
    if not ed25519(key.public, message.encode("utf-8"), value):
        raise Refused(f"the signature of {key.name} ({key.id.hex()}) does not hold")
    return when


def parse_proof(text: str, place: str) -> tuple[int, list[bytes], str]:
    """c2sp.org/tlog-proof@v1: the index, the audit path and the note."""
    head, blank, rest = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not blank:
        raise Refused(f"{place}: not a proof of the log")
    at = 2 if len(lines) > 1 and lines[1].startswith("extra ") else 1
    if at == 2 and not unbase64(lines[1][len("extra ") :], f"{place}:2"):
        raise Refused(f"{place}:2: the line of extra data is left out where there are none")
    word, _, number = (lines[at] if len(lines) > at else "").partition(" ")
    path = [unbase64(line, f"{place}:{at + 2 + n}") for n, line in enumerate(lines[at + 1 :])]
    if word != "index" or counted(number) < 0 or len(path) > 63 or any(len(one) != 32 for one in path):
        raise Refused(f"{place}: not an index and up to 63 hashes")
    return counted(number), path, rest


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2: whether the path leads from these bytes at `index` to the root of `size` leaves."""
    first, last, value = index, size - 1, hashlib.sha256(b"\x00" + leaf).digest()
    for sibling in path:
        if last == 0:
            return False
        if first & 1 or first == last:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        first, last = first >> 1, last >> 1
    return 0 <= index < size and last == 0 and value == root


def parse_consistency(text: str, place: str) -> tuple[int, list[bytes], str]:
    """The body of add-checkpoint (c2sp.org/tlog-witness): the older size, the proof and the newer note."""
    head, blank, rest = text.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, number = first.partition(" ")
    path = [unbase64(line, f"{place}:{n}") for n, line in enumerate(lines, 2)]
    if not blank or word != "old" or counted(number) < 0 or len(path) > 63 or any(len(one) != 32 for one in path):
        raise Refused(f"{place}: not an older size, up to 63 hashes and a checkpoint")
    return counted(number), path, rest


def continued(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2: whether the log of `new` leaves begins with that of `old`, which has fewer."""
    path = [old_root, *path] if old & (old - 1) == 0 else path
    if not 0 < old < new or not path:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            older = hashlib.sha256(b"\x01" + sibling + older).digest()
            newer = hashlib.sha256(b"\x01" + sibling + newer).digest()
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            newer = hashlib.sha256(b"\x01" + newer + sibling).digest()
        first, last = first >> 1, last >> 1
    return last == 0 and (older, newer) == (old_root, new_root)


# ---- SSH signatures (OpenSSH, PROTOCOL.sshsig) --------------------------------------------------------------


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def check_seal(armoured: str, data: bytes, namespace: str) -> bytes:
    """The Ed25519 key that sealed the data. Refused when the seal does not hold."""
    lines = armoured.split("\n")
    begin, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
    if len(lines) < 4 or lines[0] != begin or lines[-2:] != [end, ""]:
        raise Refused("not an SSH signature")
    blob = unbase64("".join(lines[1:-2]), "SSH signature")
    for name, digest in (("sha512", hashlib.sha512(data)), ("sha256", hashlib.sha256(data))):
        public, value = blob[33:65], blob[-64:]
        fields = _string(namespace.encode()) + _string(b"") + _string(name.encode())
        key = _string(b"ssh-ed25519") + _string(public)
        whole = b"SSHSIG\x00\x00\x00\x01" + _string(key) + fields + _string(_string(b"ssh-ed25519") + _string(value))
        if whole == blob and ed25519(public, b"SSHSIG" + fields + _string(digest.digest()), value):
            return public
    raise Refused(f"no Ed25519 signature of these bytes in the namespace {namespace}")


def signers_line(name: str, public: bytes) -> str:
    """The line of an `allowed_signers` file by which ssh-keygen checks the seal."""
    blob = base64.b64encode(_string(b"ssh-ed25519") + _string(public)).decode()
    return f'{name} namespaces="quotechain-bundle" ssh-ed25519 {blob}'
