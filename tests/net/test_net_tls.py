"""TLS as the record shows it, and the ways in which it fails; certificates are made here."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rawserver import RawServer, Reply, message, redirect

from archiver.errors import InputError
from archiver.model import Failure, Ref, Request
from archiver.net.fetch import Fetcher, Policy

REF = Ref(platform="web", kind="page", id="https://a.example/")
BEGIN = datetime.datetime(2020, 1, 1)
END = datetime.datetime(2100, 1, 1)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this test run."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @property
    def file(self) -> Path:
        path = self.folder / "ca.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def server(self, host: str, *, end: datetime.datetime = END) -> ssl.SSLContext:
        """A server's context with a certificate for `host`, and the authority's own behind it."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            x509.CertificateBuilder(self.certificate.subject, name(host), key.public_key(), 2, BEGIN, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{host}-{end.year}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
            + self.certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.load_cert_chain(path)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder(name("Test CA"), name("Test CA"), key.public_key(), 1, BEGIN, END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate, tmp_path_factory.mktemp("tls"))


def fetcher(verify: str, *, total: float = 5.0) -> Fetcher:
    policy = Policy(user_agent="test", allow_private=("127.0.0.1",), verify=verify, total_timeout=total)
    return Fetcher(policy, {}, resolve=lambda host, port: ["127.0.0.1"])


def request(url: str) -> Request:
    return Request(ref=REF, route="test", url=url)


def test_the_connection_is_recorded(authority: Authority) -> None:
    with (
        RawServer({"/": Reply(message(b"safe"))}, tls=authority.server("a.example")) as server,
        fetcher(str(authority.file)) as client,
    ):
        for _ in range(2):
            (exchange,) = client.fetch(request(server.url("/", "a.example")))
            assert exchange.failure is Failure.NONE, exchange.detail
            shown = exchange.connection
            assert (shown.tls_version, shown.alpn, shown.http_version) == ("TLSv1.3", "http/1.1", "HTTP/1.1")
            assert shown.tls_cipher.startswith("TLS_")
            assert (shown.peer_ip, shown.peer_port, shown.dns) == ("127.0.0.1", server.port, ("127.0.0.1",))
            assert len(shown.chain) == 2
            leaf, top = map(x509.load_der_x509_certificate, shown.chain)
            assert leaf.subject == name("a.example")
            assert top == authority.certificate
            assert exchange.sent.startswith(b"GET / HTTP/1.1\r\nHost: a.example:")
        assert server.connections == 1


def test_a_final_dot_does_not_matter_to_certificates(authority: Authority) -> None:
    with (
        RawServer({"/": Reply(message(b"safe"))}, tls=authority.server("a.example")) as server,
        fetcher(str(authority.file)) as client,
    ):
        (exchange,) = client.fetch(request(server.url("/", "a.example.")))
    assert exchange.failure is Failure.NONE, exchange.detail
    assert b"Host: a.example.:" in exchange.sent


@pytest.mark.parametrize(
    ("host", "end", "trusted", "words"),
    [
        ("a.example", END, False, "certificate refused"),
        ("b.example", END, True, "Hostname mismatch"),
        ("a.example", datetime.datetime(2021, 1, 1), True, "expired"),
    ],
)
def test_certificates_are_checked(
    host: str, end: datetime.datetime, trusted: bool, words: str, authority: Authority
) -> None:
    with (
        RawServer({"/": Reply(message(b"safe"))}, tls=authority.server(host, end=end)) as server,
        fetcher(str(authority.file) if trusted else "") as client,
    ):
        (exchange,) = client.fetch(request(server.url("/", "a.example")))
        assert server.got == []
    assert (exchange.failure, exchange.status, exchange.sent) == (Failure.TLS, None, b"")
    assert words in exchange.detail
    assert exchange.connection.peer_ip == "127.0.0.1"


def test_a_server_without_tls(authority: Authority) -> None:
    with RawServer({}) as server, fetcher(str(authority.file), total=0.2) as client:
        (exchange,) = client.fetch(request(f"https://a.example:{server.port}/"))
    assert exchange.failure in (Failure.TLS, Failure.TIMEOUT)


def test_a_tls_server_asked_in_plain(authority: Authority) -> None:
    with RawServer({}, tls=authority.server("a.example")) as server, fetcher(str(authority.file)) as client:
        (exchange,) = client.fetch(request(f"http://a.example:{server.port}/"))
    assert exchange.failure in (Failure.RESET, Failure.PROTOCOL)
    assert exchange.status is None


@pytest.mark.parametrize(
    ("head", "failure"),
    [(b"HTTP/1.0 200 OK\r\n\r\n", Failure.NONE), (b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n", Failure.TRUNCATED)],
)
def test_an_end_without_close_notify_is_told(head: bytes, failure: Failure, authority: Authority) -> None:
    with (
        RawServer({"/": Reply(head + b"some text", "close")}, tls=authority.server("a.example")) as server,
        fetcher(str(authority.file)) as client,
    ):
        (exchange,) = client.fetch(request(server.url("/", "a.example")))
    assert (exchange.failure, exchange.size) == (failure, 9)
    assert "without close_notify" in exchange.detail


def test_a_step_down_to_http_is_a_hop_without_credentials(authority: Authority) -> None:
    asked = Request(ref=REF, route="test", url="", headers=(("Authorization", "Basic x"),))
    with RawServer({"/2": Reply(message(b"plain"))}) as plain:
        down = redirect(plain.url("/2", "a.example"))
        with (
            RawServer({"/": down}, tls=authority.server("a.example")) as server,
            fetcher(str(authority.file)) as client,
        ):
            first, second = client.fetch(
                Request(ref=REF, route="test", url=server.url("/", "a.example"), headers=asked.headers)
            )
        assert b"Authorization" in first.sent
        assert b"Authorization" not in plain.got[0]
    assert (second.url.split(":")[0], second.status, second.connection.tls_version) == ("http", 200, "")


def test_a_ca_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for path in (tmp_path / "none.pem", empty):
        with fetcher(str(path)) as client, pytest.raises(InputError, match="no certificates"):
            client.fetch(request("https://a.example/"))


def test_certificates_are_der_of_the_leaf_first(authority: Authority) -> None:
    with (
        RawServer({"/": Reply(message())}, tls=authority.server("a.example")) as server,
        fetcher(str(authority.file)) as client,
    ):
        (exchange,) = client.fetch(request(server.url("/", "a.example")))
    fingerprint = x509.load_der_x509_certificate(exchange.connection.chain[0]).fingerprint(hashes.SHA256())
    assert fingerprint == hashlib.sha256(exchange.connection.chain[0]).digest()
