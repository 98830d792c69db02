"""Pictures with C2PA manifests, made by hand with whatever is to be wrong in them. Names are invented, keys new."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from archiver.custody import cose
from tests.custody.authority import START, Party

LABEL = "urn:c2pa:00000000-0000-4000-8000-000000000001"
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
UUIDS = {letters: letters.encode() + bytes.fromhex("00110010800000aa00389b71") for letters in (
    "c2pa", "c2ma", "c2um", "c2as", "c2cl", "c2cs", "cbor", "json",
)}  # fmt: skip
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def cbor(value: Any) -> bytes:
    """CBOR with definite lengths. A tuple is (tag, value)."""
    if isinstance(value, bool) or value is None:
        return bytes([{False: 0xF4, True: 0xF5, None: 0xF6}[value]])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())
    return head(6, value[0]) + cbor(value[1])


def head(major: int, number: int) -> bytes:
    for at, limit in enumerate((1 << 8, 1 << 16, 1 << 32, 1 << 64)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < limit:
            return bytes([major << 5 | 24 + at]) + number.to_bytes(1 << at, "big")
    raise AssertionError(number)


def box(kind: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (len(content) + 8).to_bytes(4, "big") + kind.encode() + content


def superbox(letters: str, label: str, *parts: bytes) -> bytes:
    return box("jumb", box("jumd", UUIDS[letters], b"\x03", label.encode() + b"\0"), *parts)


def signer(name: str, key: Any) -> Party:
    """A certificate as C2PA wants them (specification 2.2, section 14.5), by an issuer that nobody knows."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    named = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, cn),
                        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example Press")])
             for cn in (name, "Root of Example")]  # fmt: skip
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False)  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named[0])
        .issuer_name(named[1])
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(START)
        .not_valid_after(START.replace(year=START.year + 20))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer, hashes.SHA256())
    )
    return Party(key=key, certificate=certificate)


def sign(key: Any, algorithm: str, data: bytes) -> bytes:
    """A signature as COSE writes it."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    hash = HASHES[algorithm[2:]]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(mgf=padding.MGF1(hash), salt_length=hash.digest_size), hash)
    size = (key.curve.key_size + 7) // 8
    pair = decode_dss_signature(key.sign(data, ec.ECDSA(hash)))
    return b"".join(number.to_bytes(size, "big") for number in pair)


@dataclass(kw_only=True)
class Making:
    """How a manifest is made; each field can be made wrong."""

    signer: Party
    algorithm: str = "ES256"
    label: str = LABEL
    kind: str = "c2ma"
    version: int = 2
    claim: dict[str, Any] = field(default_factory=dict)  # instead of what the claim would hold; None takes it out
    assertions: dict[str, Any] = field(default_factory=dict)  # content by label, as CBOR; bytes as they are
    exclusions: Callable[[int, int], list[dict[str, Any]]] = lambda start, size: [{"start": start, "length": size}]
    data_hash: dict[str, Any] = field(default_factory=dict)
    unnamed: tuple[bytes, ...] = ()  # assertions that the claim does not name
    protected: dict[Any, Any] = field(default_factory=dict)
    unprotected: Callable[[bytes, bytes, bytes], dict[Any, Any]] = lambda claim, protected, signature: {}
    payload: bytes | None = None
    signed: Callable[[bytes], bytes] = lambda claim: claim  # what is signed in place of the claim
    tagged: bool = True
    before: tuple[bytes, ...] = ()  # manifests that stand before it

    def manifest(self, file: Callable[[bytes], tuple[bytes, int, int]]) -> bytes:
        """The box of one manifest. `file` puts a store into a picture: (file, start, length of what wraps it)."""
        done = self._box(b"\0" * 32, 0, 1 << 16)
        _, start, size = file(self.store(done))
        for _ in range(3):  # the ranges stand in the manifest, and their own length is part of them
            done = self._box(b"\0" * 32, start, size)
            _, start, size = file(self.store(done))
        data, start, size = file(self.store(done))
        kept, at = b"", 0
        for one in sorted(self.exclusions(start, size), key=lambda one: one["start"]):
            kept, at = kept + data[at : one["start"]], one["start"] + one["length"]
        return self._box(hashlib.sha256(kept + data[at:]).digest(), start, size)

    def store(self, manifest: bytes) -> bytes:
        return superbox("c2pa", "c2pa", *self.before, manifest)

    def _box(self, digest: bytes, start: int, size: int) -> bytes:
        held = {"c2pa.actions.v2": {"actions": [{"action": "c2pa.created", "digitalSourceType": AI}]}}
        binding = {"exclusions": self.exclusions(start, size), "alg": "sha256", "hash": digest, "pad": b""}
        held |= {"c2pa.hash.data": binding | self.data_hash} | self.assertions
        boxes, named = [], []
        for label, content in held.items():
            if content is None:
                continue
            made = superbox("cbor", label, box("cbor", content if isinstance(content, bytes) else cbor(content)))
            boxes.append(made)
            url = f"self#jumbf=c2pa.assertions/{label}"
            named.append({"url": url, "hash": hashlib.sha256(made[8:]).digest()})
        claim: dict[str, Any] = {
            "instanceID": "xmp:iid:00000000-0000-4000-8000-000000000002",
            "signature": f"self#jumbf=/c2pa/{self.label}/c2pa.signature",
            "dc:title": "A calm coast",
            "alg": "sha256",
        }
        if self.version == 1:
            claim |= {"claim_generator": "Example_Camera/1.0", "dc:format": "image/jpeg", "assertions": named}
            claim["claim_generator_info"] = [{"name": "Example Camera", "version": "1.0"}]
        else:
            claim["claim_generator_info"] = {"name": "Example Camera", "version": "1.0"}
            claim["created_assertions"] = named
        claim = {key: value for key, value in (claim | self.claim).items() if value is not None}
        data = cbor(claim)
        number = next(number for number, name in cose.ALGORITHMS.items() if name == self.algorithm)
        protected = cbor({1: number, 33: self.signer.der} | self.protected)
        signed = cbor(["Signature1", protected, b"", self.signed(data)])
        signature = sign(self.signer.key, self.algorithm, signed)
        sign1: Any = [protected, self.unprotected(data, protected, signature), self.payload, signature]
        return superbox(
            self.kind,
            self.label,
            superbox("c2as", "c2pa.assertions", *boxes, *self.unnamed),
            superbox("c2cl", "c2pa.claim.v2" if self.version == 2 else "c2pa.claim", box("cbor", data)),
            superbox("c2cs", "c2pa.signature", box("cbor", cbor((18, sign1) if self.tagged else sign1))),
        )

    def __call__(self, file: Callable[[bytes], tuple[bytes, int, int]]) -> bytes:
        """The picture with its manifest."""
        return file(self.store(self.manifest(file)))[0]


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(store: bytes) -> tuple[bytes, int, int]:
    """A grey picture of 8 by 8 points."""
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    held = chunk(b"caBX", store)
    lines = b"".join(b"\0" + bytes(range(row * 8, row * 8 + 8)) for row in range(8))
    return start + held + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""), len(start), len(held)


def segments(store: bytes, *, most: int = 60000, first: int = 1) -> bytes:
    """APP11 segments, each with the head of the box."""
    pieces = [store[at : at + most] for at in range(8, len(store), most)]
    return b"".join(
        b"\xff\xeb" + (len(piece) + 18).to_bytes(2, "big") + b"JP\x02\x11" + n.to_bytes(4, "big") + store[:8] + piece
        for n, piece in enumerate(pieces, first)
    )


JFIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
PICTURE = bytes.fromhex(
    "ffdb004300" + "08" * 64 + "ffc0000b080008000801011100"
    "ffc40014000100000000000000000000000000000005ffc4001410010000000000000000000000000000000000"
    "ffda0008010100003f003fffd9"
)


def jpeg(store: bytes, most: int = 60000) -> tuple[bytes, int, int]:
    """A picture of 8 by 8 points."""
    held = segments(store, most=most)
    return JFIF + held + PICTURE, len(JFIF), len(held)


def webp(store: bytes) -> tuple[bytes, int, int]:
    """A file of the shape of a WebP."""
    held, fill = b"C2PA" + len(store).to_bytes(4, "little") + store, b"\0" * (len(store) % 2)
    first = b"VP8L" + (6).to_bytes(4, "little") + b"\x2f\x07\xc0\x01\x00\x00"
    size = 4 + len(first) + len(held) + len(fill)
    return b"RIFF" + size.to_bytes(4, "little") + b"WEBP" + first + held + fill, 26, len(held)


def mp4(store: bytes) -> tuple[bytes, int, int]:
    """A file of the shape of an MP4."""
    first = box("ftyp", b"isom\0\0\2\0isomiso2")
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    held = box("uuid", uuid, b"\0\0\0\0manifest\0", b"\0" * 8, store)
    return first + held + box("mdat", b"what is seen"), len(first), len(held)
