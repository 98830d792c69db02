"""When: RFC 3161 time stamps, by OpenSSL; OpenTimestamps proofs, as far as they can be followed without a block.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from archiver.bundle.verify_files import Refused

DIGESTS = ("sha256", "sha384", "sha512")
BAD = ("message imprint mismatch", "signature failure", "digest failure", "bad signature", "cannot find signature")
OTS = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294") + b"\x01\x08"
FLOOR, EASIEST = 5e13, 0xFFFF << 208  # the least difficulty of a block that is believed; the target of difficulty 1
BITCOIN, PENDING = bytes.fromhex("0588960d73d71901"), bytes.fromhex("83dfe30d2ef90c8e")


class Unchecked(Exception):
    """Nothing speaks against it, and it could not be checked; the message says why."""


def utc(when: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(max(when, 0), 253402300799)))


def check_stamp(
    token: bytes, texts: list[bytes], roots: list[bytes], along: list[bytes] | None = None, at: int | None = None
) -> tuple[int, bytes, str]:
    """The Unix time of a time stamp reply, which of the texts it is over, and what stands beside it. `roots` are PEM,
    `along` certificates in DER that may lead to them. The certificates must be good `at` a time: by default now, or at
    that of the token where they expired since.

    Refused when it is over others or was changed; Unchecked without OpenSSL, without roots, and where OpenSSL does not
    trust the signer."""
    held = [text for text in texts if any(hashlib.new(name, text).digest() in token for name in DIGESTS)]
    if not held:
        raise Refused("a time stamp of something else than the checkpoint")
    tool = shutil.which("openssl")
    if tool is None:
        raise Unchecked("no openssl on this machine: install it, or have the token checked where it is")
    with tempfile.TemporaryDirectory() as folder:
        reply, data, trusted = (os.path.join(folder, name) for name in ("reply.tsr", "data", "roots.pem"))
        between = os.path.join(folder, "between.pem")
        chain = b"".join(map(pem, along or ()))
        for path, content in ((reply, token), (data, held[0]), (trusted, b"\n".join(roots)), (between, chain)):
            with open(path, "wb") as file:
                file.write(content)
        shown = _openssl(tool, "-reply", "-in", reply, "-text")[1]
        found = re.findall(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", shown, re.M)
        if not found:
            raise Unchecked("openssl does not read this reply")
        if len(found) > 1:  # what nobody signed stands in the same text: the words beside the status
            raise Refused("openssl shows more than one time in this reply: somebody wrote one into its status")
        when = calendar.timegm(time.strptime(" ".join(found[0]), "%b %d %H:%M:%S %Y"))
        if not roots:
            raise Unchecked(f"it says {utc(when)}; no root certificate to trust: --roots PEM")
        check = (
            "-verify",
            "-in",
            reply,
            "-data",
            data,
            "-CAfile",
            trusted,
            *(("-untrusted", between) if along else ()),
        )
        code, told = _openssl(tool, *check, *(() if at is None else ("-attime", str(at))))
        beside = ""
        if code and "has expired" in told and at is None:
            code, told = _openssl(tool, *check, "-attime", str(when))
            beside = ", by a certificate that has expired since"
    if code:
        reason = " ".join(told.split())[-300:]
        bad = "certificate verify error" not in told and any(word in told for word in BAD)
        raise (Refused if bad else Unchecked)(f"it says {utc(when)}; openssl: {reason}")
    return when, held[0], beside


def given_root(path: str) -> bytes:
    """The certificates in a file that somebody trusts, as PEM."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Refused(f"--roots {path}: cannot be read: {error.strerror}") from None
    if b"CERTIFICATE-----" not in data:
        raise Refused(f"--roots {path}: no certificate in PEM; `openssl x509 -inform DER -in FILE` makes it of DER")
    return data


def given_block(text: str) -> bytes:
    """The header of a block from its hexadecimal digits."""
    if not re.fullmatch("[0-9A-Fa-f]{160}", text):
        raise Refused("--block: the header of a block is 80 bytes: 160 hexadecimal digits")
    return bytes.fromhex(text)


def pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def _openssl(tool: str, *arguments: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            [tool, "ts", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unchecked(f"openssl: {error}") from None
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Refused("this OpenTimestamps proof ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        value = shift = 0
        while shift < 64:
            byte = self.take(1)[0]
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
        raise Refused("a number in this OpenTimestamps proof is too large")

    def sized(self) -> bytes:
        return self.take(self.number())


class Attested(NamedTuple):
    """`told` is a calendar, or what a block must hold: its Merkle `root`, where that can be computed here."""

    kind: str
    told: str
    root: bytes | None = None


def stamped(proof: bytes, texts: list[bytes]) -> bytes:
    """The text that an OpenTimestamps proof is over. Refused when it is over others, or is no such proof."""
    if len(proof) > 1 << 16 or not proof.startswith(OTS):
        raise Refused("no OpenTimestamps proof over a SHA-256")
    for text in texts:
        if hashlib.sha256(text).digest() == proof[len(OTS) : len(OTS) + 32]:
            return text
    raise Refused("an OpenTimestamps proof of something else than the checkpoint")


def attestations(proof: bytes, texts: list[bytes]) -> Iterator[Attested]:
    """What an OpenTimestamps proof over one of the texts leads to, pending, bitcoin or unknown. Refused when it is over
    others, or is no such proof."""
    text = stamped(proof, texts)
    reader = _Reader(proof[len(OTS) + 32 :])
    yield from _walk(reader, hashlib.sha256(text).digest(), 0)
    if reader.at != len(reader.data):
        raise Refused("bytes follow this OpenTimestamps proof")


def _walk(reader: _Reader, message: bytes | None, depth: int) -> Iterator[Attested]:
    if depth > 256:
        raise Refused("this OpenTimestamps proof is too deep")
    while True:
        tag = reader.take(1)[0]
        fork = tag == 0xFF
        tag = reader.take(1)[0] if fork else tag
        if tag == 0:
            yield _attested(reader.take(8), reader.sized(), message)
            if not fork:
                return
        elif fork:
            yield from _walk(reader, _applied(tag, reader, message), depth + 1)
        else:
            message = _applied(tag, reader, message)


def _attested(kind: bytes, payload: bytes, message: bytes | None) -> Attested:
    inside = _Reader(payload)
    if kind == PENDING:
        return Attested("pending", inside.sized().decode("ascii", "replace"))
    if kind != BITCOIN:
        return Attested("unknown", kind.hex())
    root = "a value that cannot be computed here" if message is None else message[::-1].hex()
    return Attested("bitcoin", f"block {inside.number()} must have the Merkle root {root}", message)


def block_time(header: bytes) -> int:
    """When a block was made (Unix time, two hours off at most), as its header says. Refused when the work of the header
    is not done, or is less than any block of Bitcoin has taken since 2023: then anybody may have made it. That it
    stands in the chain at its height is for whoever gave it to know."""
    bits = int.from_bytes(header[72:76], "little")
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    target = mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)
    done = hashlib.sha256(hashlib.sha256(header).digest()).digest()[::-1]
    if bits & 0x800000 or exponent > 32 or not 0 < target < 1 << 256 or int.from_bytes(done, "big") > target:
        raise Refused("the work of the header that was given for its block is not done")
    if EASIEST / target < FLOOR:
        raise Refused(f"the difficulty of the header that was given for its block, {EASIEST // target}, is too low")
    return int.from_bytes(header[68:72], "little")


def _applied(tag: int, reader: _Reader, message: bytes | None) -> bytes | None:
    """The next message; None where this machine lacks a hash."""
    argument = reader.sized() if tag in (0xF0, 0xF1) else b""
    if tag not in (0x02, 0x03, 0x08, 0x67, 0xF0, 0xF1, 0xF2, 0xF3):
        raise Refused(f"{tag:#04x} is no operation of OpenTimestamps")
    if message is None or tag == 0x67:
        return None
    if tag in (0x02, 0x03, 0x08):
        try:
            return hashlib.new({2: "sha1", 3: "ripemd160", 8: "sha256"}[tag], message).digest()
        except ValueError:
            return None
    made = {0xF0: message + argument, 0xF1: argument + message, 0xF2: message[::-1], 0xF3: message.hex().encode()}[tag]
    if len(made) > 4096:
        raise Refused("a message of this OpenTimestamps proof is too long")
    return made
