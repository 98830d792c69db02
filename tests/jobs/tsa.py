"""Services that vouch for a log, played on loopback: a timestamping service (by hand, or OpenSSL's), the authority that
says whether its certificates were revoked, an OpenTimestamps calendar, a witness. All names are invented."""

from __future__ import annotations

import datetime
import hashlib
import re
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from archiver.custody import der, log, note, ots
from archiver.custody.note import Checkpoint, SignedNote, VerifierKey
from archiver.errors import ParseError, ProofError
from tests.custody.authority import POLICY, Making, OpenSSL, Party, answer, info, party, pkcs1

UTC = datetime.UTC
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Played:
    """One answer."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()


Play = Callable[[str, bytes], Played]
"""(path below the service's own, body) → answer."""


class Street:
    """One loopback server with a service at each first part of a path; `asked` keeps (path, body)."""

    def __init__(self) -> None:
        self.services: dict[str, Play] = {}
        self.asked: list[tuple[str, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def times(self, name: str) -> int:
        """How often a service was asked."""
        return sum(path.split("/")[1] == name for path, _ in self.asked)

    def __enter__(self) -> Street:
        return self

    def __exit__(self, *unused: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        street = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._play(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def do_GET(self) -> None:
                self._play(b"")

            def _play(self, body: bytes) -> None:
                street.asked.append((self.path, body))
                _, name, *rest = self.path.split("/")
                service = street.services.get(name)
                played = Played(status=404) if service is None else service("/".join(rest), body)
                self.send_response(played.status)
                self.send_header("Content-Type", played.kind)
                self.send_header("Content-Length", str(len(played.body)))
                for header, value in played.headers:
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(played.body)

            def log_message(self, *unused: Any) -> None:
                pass

        return Handler


def access(url: str, crl: str = "") -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Extensions that name an OCSP responder, or a revocation list."""
    found: list[tuple[x509.ExtensionType, bool]] = []
    if url:
        method = x509.oid.AuthorityInformationAccessOID.OCSP
        described = x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        found.append((x509.AuthorityInformationAccess([described]), False))
    if crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        found.append((x509.CRLDistributionPoints([point]), False))
    return tuple(found)


@dataclass(kw_only=True)
class Clock:
    """A timestamping service: a root, a signer under it, and tokens that bear the time that it is told."""

    root: Party
    signer: Party
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(UTC)
    change: Callable[[bytes, int], bytes] | None = None

    @classmethod
    def make(
        cls, *, good_for: datetime.timedelta = 400 * DAY, ocsp_url: str = "", crl_url: str = "", **more: Any
    ) -> Clock:
        now = datetime.datetime.now(UTC).replace(microsecond=0)
        days = (now - 400 * DAY, now + good_for)
        root = party("Root of Example", authority=True, days=days)
        signer = party("Clock of Example", root, days=days, more=access(ocsp_url, crl_url))
        return cls(root=root, signer=signer, **more)

    def __call__(self, path: str, body: bytes) -> Played:
        digest, nonce = asked(body)
        if self.change is not None:
            return Played(self.change(digest, nonce), kind="application/timestamp-reply")
        return Played(self.token(digest, nonce), kind="application/timestamp-reply")

    def token(self, digest: bytes, nonce: int | None) -> bytes:
        return self.token_at(digest, nonce, self.now())

    def token_at(self, digest: bytes, nonce: int | None, time: datetime.datetime) -> bytes:
        """What the service signs when it takes part in a lie: a token with whatever time."""
        return Making(signer=self.signer)(info(digest, nonce=nonce, time=time.strftime("%Y%m%d%H%M%SZ")))


@dataclass(kw_only=True)
class Stock:
    """The service of `openssl ts -reply`, a process a token, on the clock of this machine; `now` is told to it in
    vain. Its lies are made by hand with its own key, since OpenSSL takes no time but the present."""

    service: OpenSSL
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(UTC)

    @classmethod
    def make(cls, folder: Path) -> Stock:
        folder.mkdir(parents=True)
        return cls(service=OpenSSL.make(folder))

    @property
    def root(self) -> Party:
        return self.service.root

    def __call__(self, path: str, body: bytes) -> Played:
        return Played(self.service.reply(body), kind="application/timestamp-reply")

    def token_at(self, digest: bytes, nonce: int | None, time: datetime.datetime) -> bytes:
        along = (self.service.signer.der, self.service.middle.der)
        made = Making(signer=self.service.signer, along=along, sign=pkcs1)
        return made(info(digest, nonce=nonce, time=time.strftime("%Y%m%d%H%M%SZ")))


def asked(query: bytes) -> tuple[bytes, int]:
    """The digest and the nonce of a TimeStampReq."""
    parts = der.whole(query, "query").of(der.SEQUENCE, "query").items("query")
    parts.next("version")
    imprint = parts.sequence("imprint")
    imprint.next("hash")
    digest = imprint.next("digest").octets("digest")
    parts.maybe("policy", 0x06)
    return digest, parts.next("nonce").integer("nonce")


@dataclass(kw_only=True)
class Authority:
    """Says of certificates of one issuer whether they were revoked: OCSP for POST, a revocation list for GET."""

    issuer: Party
    certificates: list[Party]
    revoked: bool = False
    signer: Party | None = None
    made: datetime.timedelta = datetime.timedelta(0)
    reason: str = "keyCompromise"

    def __call__(self, path: str, body: bytes) -> Played:
        if not body:
            return Played(self.list(), kind="application/pkix-crl")
        serial = ocsp.load_der_ocsp_request(body).serial_number
        found = next(one for one in self.certificates if one.certificate.serial_number == serial)
        return Played(self.standing(found), kind="application/ocsp-response")

    def standing(self, about: Party) -> bytes:
        now = datetime.datetime.now(UTC) + self.made
        signer = self.signer or self.issuer
        made = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=about.certificate,
                issuer=self.issuer.certificate,
                algorithm=hashes.SHA1(),
                cert_status=ocsp.OCSPCertStatus.REVOKED if self.revoked else ocsp.OCSPCertStatus.GOOD,
                this_update=now,
                next_update=now + DAY,
                revocation_time=now - DAY if self.revoked else None,
                revocation_reason=x509.ReasonFlags(self.reason) if self.revoked and self.reason else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        )
        if self.signer is not None:
            made = made.certificates([self.signer.certificate])
        return made.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def list(self) -> bytes:
        now = datetime.datetime.now(UTC) + self.made
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.certificate.subject)
            .last_update(now)
            .next_update(now + DAY)
        )
        for one in self.certificates if self.revoked else []:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
            if self.reason:
                entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(self.reason)), critical=False)
            made = made.add_revoked_certificate(entry.revocation_date(now - DAY).build())
        return made.sign((self.signer or self.issuer).key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(kw_only=True)
class Calendar:
    """An OpenTimestamps calendar; `height` 0 means that no block came yet."""

    url: str
    height: int = 0
    stamps: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, path: str, body: bytes) -> Played:
        if path == "digest":
            steps = self._steps(b"calendar")
            commitment = hashlib.sha256(body + b"calendar").digest()
            self.stamps[commitment.hex()] = commitment
            return Played(bytes(self._tree(steps, ots.Attestation.pending(self.url))))
        commitment = self.stamps.get(path.removeprefix("timestamp/"), b"")
        if not self.height or not commitment:
            return Played(b"Pending confirmation in Bitcoin blockchain", 404, "text/plain")
        return Played(bytes(self._tree(self._steps(b"block"), ots.Attestation.bitcoin(self.height))))

    @staticmethod
    def _steps(salt: bytes) -> list[ots.Operation]:
        return [ots.Operation(tag=ots.APPEND, argument=salt), ots.Operation(tag=ots.SHA256)]

    @staticmethod
    def _tree(steps: list[ots.Operation], end: ots.Attestation) -> ots.Tree:
        tree = ots.Tree.of([end])
        for step in reversed(steps):
            tree = ots.Tree.of((), [(step, tree)])
        return tree


@dataclass(kw_only=True)
class Witness:
    """A C2SP witness as its specification says, for one log."""

    seed: bytes = b"\x07" * 32
    name: str = "witness.example/w1"
    trusted: list[VerifierKey] = field(default_factory=list)
    size: int = 0
    root: bytes = log.EMPTY_ROOT
    now: Callable[[], float] = time.time

    @property
    def vkey(self) -> str:
        return str(note.verifier_key(self.name, self.seed, note.COSIGNATURE))

    def __call__(self, path: str, body: bytes) -> Played:
        if path != "add-checkpoint":
            return Played(status=404)
        head, _, signed = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        said = re.fullmatch(r"old (0|[1-9]\d*)", first)
        try:
            parsed = SignedNote.parse(signed)
            checkpoint = Checkpoint.parse(parsed.text)
        except ParseError:
            return Played(status=400)
        if said is None or len(lines) > 63 or int(said[1]) > checkpoint.size:
            return Played(status=400)
        if checkpoint.origin not in {key.name for key in self.trusted}:
            return Played(status=404)
        try:
            if not note.verify(parsed, self.trusted):
                return Played(status=403)
        except ProofError:
            return Played(status=403)
        same = int(said[1]) == checkpoint.size and self.root != checkpoint.root
        if int(said[1]) != self.size or same:
            return Played(f"{self.size}\n".encode(), 409, "text/x.tlog.size")
        proof = [note.from_base64(line) for line in lines]
        if not log.check_consistency(self.size, checkpoint.size, self.root, checkpoint.root, proof):
            return Played(status=422)
        self.size, self.root = checkpoint.size, checkpoint.root
        line = note.cosign(parsed.text, self.name, self.seed, int(self.now()))
        return Played(f"{line}\n".encode(), kind="text/plain")


def write_roots(folder: Path, clock: Clock, name: str = "roots.pem") -> Path:
    """The root of a service, as a PEM file."""
    path = folder / name
    path.write_bytes(clock.root.pem)
    return path


REJECTED = answer(2, text="no time for you", failure=14)
__all__ = [
    "POLICY", "REJECTED", "Authority", "Calendar", "Clock", "Played", "Stock", "Street", "Witness", "access", "asked",
]  # fmt: skip
