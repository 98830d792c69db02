"""A certificate authority of one test run, and the certificates that it should not have been asked for."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PAST, BEGIN = datetime.datetime(2010, 1, 1), datetime.datetime(2020, 1, 1)
ENDED, END = datetime.datetime(2021, 1, 1), datetime.datetime(2100, 1, 1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    """`file` is what the archiver is told to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self._certificate = (
            x509.CertificateBuilder(_name("Test CA"), _name("Test CA"), self._key.public_key(), 1, BEGIN, END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str, kind: str) -> ssl.SSLContext:
        """A server's context, with a certificate that is `good` for the host, or wrong in the way that is named."""
        key = ec.generate_private_key(ec.SECP256R1())
        begin = END - datetime.timedelta(days=1) if kind == "not-yet" else BEGIN
        end = ENDED if kind == "expired" else END
        shown = "elsewhere.faults.example" if kind == "wrong-host" else host
        own = kind == "self-signed"
        issuer, signer = (_name(shown), key) if own else (self._certificate.subject, self._key)
        leaf = (
            x509.CertificateBuilder(issuer, _name(shown), key.public_key(), x509.random_serial_number(), begin, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(shown)]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
            .sign(signer, hashes.SHA256())
        )
        path = self._folder / f"{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
