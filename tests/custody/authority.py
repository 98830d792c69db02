"""Timestamping services for tests: certificates, tokens made by hand (with whatever is to be wrong in them), and the
one of OpenSSL. All names are invented, all keys are made anew."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from archiver.custody import certificates, cms, der, timestamp

UTC = datetime.UTC
TIME = "20260301120000Z"
START, END = datetime.datetime(2026, 1, 1, tzinfo=UTC), datetime.datetime(2027, 1, 1, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.99999.1"
SHA256 = "2.16.840.1.101.3.4.2.1"


@dataclass(kw_only=True)
class Party:
    """A key and its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        pem: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem


def party(
    name: str,
    issuer: Party | None = None,
    *,
    key: Any = None,
    authority: bool = False,
    purposes: tuple[str, ...] = ("1.3.6.1.5.5.7.3.8",),
    critical: bool = True,
    days: tuple[datetime.datetime, datetime.datetime] = (START, END),
    path_length: int | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    serial: int = 0,
) -> Party:
    """A certificate; self-signed where there is no issuer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(days[0])
        .not_valid_after(days[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    elif purposes:
        named = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose) for purpose in purposes])
        builder = builder.add_extension(named, critical=critical)
    for extension, is_critical in more:
        builder = builder.add_extension(extension, critical=is_critical)
    signing = key if issuer is None else issuer.key
    algorithm = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Party(key=key, certificate=builder.sign(signing, algorithm))


def algorithm(oid: str, parameters: bytes = b"") -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(oid), parameters)


def info(digest: bytes, *, nonce: int | None = 7, time: str = TIME, hash: str = SHA256, **more: bytes) -> bytes:
    """A TSTInfo. `accuracy`, `extensions` and `version` stand in where they are given."""
    return der.write(
        der.SEQUENCE,
        more.get("version", der.write_integer(1)),
        der.write_oid(POLICY),
        der.write(der.SEQUENCE, algorithm(hash), der.write(der.OCTET_STRING, digest)),
        der.write_integer(4711),
        der.write(der.TIME, time.encode()),
        more.get("accuracy", b""),
        b"" if nonce is None else der.write_integer(nonce),
        more.get("extensions", b""),
    )


def ecdsa(key: Any, data: bytes) -> tuple[bytes, bytes]:
    return algorithm("1.2.840.10045.4.3.2"), key.sign(data, ec.ECDSA(hashes.SHA256()))


def ed(key: Any, data: bytes) -> tuple[bytes, bytes]:
    return algorithm(cms.ED25519), key.sign(data)


def pkcs1(key: Any, data: bytes) -> tuple[bytes, bytes]:
    return algorithm(cms.RSA, der.write(der.NULL)), key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def pss(key: Any, data: bytes) -> tuple[bytes, bytes]:
    sha256 = algorithm(SHA256)
    parameters = der.write(
        der.SEQUENCE,
        der.write(der.CONSTRUCTED, sha256),
        der.write(der.CONSTRUCTED + 1, algorithm("1.2.840.113549.1.1.8", sha256)),
        der.write(der.CONSTRUCTED + 2, der.write_integer(32)),
    )
    value = key.sign(data, padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())
    return algorithm(cms.RSA_PSS, parameters), value


@dataclass(kw_only=True)
class Making:
    """How a token is made; each field can be made wrong."""

    signer: Party
    along: tuple[bytes, ...] = ()
    sign: Callable[[Any, bytes], tuple[bytes, bytes]] = ecdsa
    kind: str = timestamp.TST_INFO
    signed_kind: str = timestamp.TST_INFO
    signed_content: bytes | None = None
    named: bytes | None = None  # the certificate that the signed attribute names
    first_version: bool = False
    by_key: bool = False  # the signer goes by its key identifier
    drop: str = ""  # a signed attribute that is left out
    more: list[bytes] = field(default_factory=list)

    def __call__(self, content: bytes) -> bytes:
        """The whole answer."""
        named = self.signer.der if self.named is None else self.named
        signed = content if self.signed_content is None else self.signed_content
        if self.first_version:
            ess, digest = cms.SIGNING_CERTIFICATE, hashlib.sha1(named).digest()
        else:
            ess, digest = cms.SIGNING_CERTIFICATE_V2, hashlib.sha256(named).digest()
        one = der.write(der.SEQUENCE, der.write(der.OCTET_STRING, digest))
        values = {
            cms.CONTENT_TYPE: der.write_oid(self.signed_kind),
            cms.MESSAGE_DIGEST: der.write(der.OCTET_STRING, hashlib.sha256(signed).digest()),
            ess: der.write(der.SEQUENCE, der.write(der.SEQUENCE, one)),
        }
        attributes = [
            der.write(der.SEQUENCE, der.write_oid(oid), der.write(der.SET, value))
            for oid, value in values.items()
            if oid != self.drop
        ]
        attributes = sorted([*attributes, *self.more])
        name, value = self.sign(self.signer.key, der.write(der.SET, *attributes))
        issuer, serial = certificates.issuer_and_serial(self.signer.der)
        sid = der.write(der.SEQUENCE, issuer, der.write_integer(serial))
        if self.by_key:
            sid = der.write(der.CONTEXT, certificates.key_identifier(self.signer.der))
        signer = der.write(
            der.SEQUENCE,
            der.write_integer(3 if self.by_key else 1),
            sid,
            algorithm(SHA256),
            der.write(der.CONSTRUCTED, *attributes),
            name,
            der.write(der.OCTET_STRING, value),
        )
        along = self.along or (self.signer.der,)
        data = der.write(
            der.SEQUENCE,
            der.write_integer(3),
            der.write(der.SET, algorithm(SHA256)),
            der.write(
                der.SEQUENCE,
                der.write_oid(self.kind),
                der.write(der.CONSTRUCTED, der.write(der.OCTET_STRING, content)),
            ),
            der.write(der.CONSTRUCTED, *along),
            der.write(der.SET, signer),
        )
        token = der.write(der.SEQUENCE, der.write_oid(cms.SIGNED_DATA), der.write(der.CONSTRUCTED, data))
        return answer(0, token)


def answer(status: int, token: bytes = b"", text: str = "", failure: int | None = None) -> bytes:
    """A TimeStampResp."""
    parts = [der.write_integer(status)]
    if text:
        parts.append(der.write(der.SEQUENCE, der.write(der.UTF8, text.encode())))
    if failure is not None:
        bits = (1 << (31 - failure)).to_bytes(4, "big")
        parts.append(der.write(der.BIT_STRING, b"\x00", bits))
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, *parts), token)


CONFIG = """[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
"""


@dataclass(kw_only=True)
class OpenSSL:
    """The service of `openssl ts`, in a folder of its own. Its tokens bear the time of this machine."""

    folder: Path
    root: Party
    middle: Party
    signer: Party

    @classmethod
    def make(cls, folder: Path, key: Any = None) -> OpenSSL:
        now = datetime.datetime.now(UTC)
        days = (now - datetime.timedelta(days=2), now + datetime.timedelta(days=2))
        root = party("Root of Example", authority=True, days=days)
        middle = party("Middle of Example", root, authority=True, days=days)
        signer = party("Clock of Example", middle, key=key or rsa.generate_private_key(65537, 2048), days=days)
        made = cls(folder=folder, root=root, middle=middle, signer=signer)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder, policy=POLICY))
        (folder / "signer.pem").write_bytes(signer.pem)
        (folder / "key.pem").write_bytes(signer.key_pem)
        (folder / "chain.pem").write_bytes(middle.pem + root.pem)
        (folder / "root.pem").write_bytes(root.pem)
        return made

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", "ts", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False, timeout=60)

    def reply(self, query: bytes, *options: str) -> bytes:
        """The answer to a TimeStampReq."""
        (self.folder / "query.tsq").write_bytes(query)
        out = self.folder / "reply.tsr"
        place, name = self.folder, ("-config", self.folder / "tsa.cnf", "-queryfile", self.folder / "query.tsq")
        keys = ("-signer", place / "signer.pem", "-inkey", place / "key.pem", "-chain", place / "chain.pem")
        done = self.run("-reply", *name, *keys, *options, "-out", out)
        assert done.returncode == 0, done.stderr
        return out.read_bytes()

    def verifies(self, reply: bytes, digest: bytes, root: bytes = b"") -> bool:
        """What `openssl ts -verify` says of an answer."""
        (self.folder / "asked.tsr").write_bytes(reply)
        (self.folder / "asked.pem").write_bytes(root or self.root.pem)
        files = ("-in", self.folder / "asked.tsr", "-CAfile", self.folder / "asked.pem")
        return self.run("-verify", "-digest", digest.hex(), *files).returncode == 0
