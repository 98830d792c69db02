"""Certificates of timestamping services: what they say, and the path from a signer to a trusted root (RFC 5280).

The path is held to what timestamps need: signatures, days of validity, the right to sign certificates, the purpose
of timestamping, no critical extension that is not understood. Revocation is not looked at here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from archiver.custody import der
from archiver.errors import ParseError, ProofError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_CERTIFICATES = 32
MAX_PATH = 8
MAX_TRIES = 100
"""Signatures of certificates that are checked for one path: a service could send many that all fit each other."""
TIME_STAMPING, ANY_PURPOSE = "1.3.6.1.5.5.7.3.8", "2.5.29.37.0"
UNDERSTOOD = frozenset({"2.5.29.15", "2.5.29.19", "2.5.29.32", "2.5.29.37"})
"""Critical extensions that are heeded: key usage, basic constraints, policies (any will do), extended key usage."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a certificate says: names (RFC 4514), days (UTC, ISO 8601), and where to ask whether it was revoked."""

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    ocsp: tuple[str, ...] = ()
    crls: tuple[str, ...] = ()


def from_pem(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a PEM file, in DER. ParseError when there are none, or one cannot be read."""
    # cryptography takes 20 ms to import, and most runs read no certificate.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    found = []
    for block in _PEM.findall(data):
        try:
            found.append(x509.load_pem_x509_certificate(block).public_bytes(Encoding.DER))
        except ValueError as error:
            raise ParseError(f"certificate {len(found) + 1} of a PEM file cannot be read: {error}") from None
    if not found:
        raise ParseError("a PEM file holds no certificate")
    return tuple(found)


def load(certificate: bytes) -> Certificate:
    """A DER certificate. ParseError when it cannot be read."""
    # Late for the same reason as above.
    from cryptography import x509

    # A KeyError is what cryptography 43 says to an odd tag in a name.
    odd = (ValueError, KeyError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of certificates that are odd: they are judged below, not here
            read = x509.load_der_x509_certificate(certificate)
            # Its parts are decoded when they are asked for: asked here, so that none fails later.
            for part in (read.subject, read.issuer):
                part.rfc4514_string()
            _ = (read.not_valid_before_utc, read.not_valid_after_utc, read.extensions)
            return read
    except odd as error:
        raise ParseError(f"a certificate cannot be read: {error}") from None


def describe(certificate: bytes) -> Description:
    """What a DER certificate says. ParseError when it cannot be read."""
    # Late for the same reason as above.
    from cryptography import x509

    read = load(certificate)
    ocsp: list[str] = []
    crls: list[str] = []
    for extension in read.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            named = (
                access.access_location
                for access in extension.value
                if access.access_method == x509.oid.AuthorityInformationAccessOID.OCSP
            )
            ocsp += [name.value for name in named if isinstance(name, x509.UniformResourceIdentifier)]
        if isinstance(extension.value, x509.CRLDistributionPoints):
            places = (name for point in extension.value for name in point.full_name or ())
            crls += [name.value for name in places if isinstance(name, x509.UniformResourceIdentifier)]
    return Description(
        subject=read.subject.rfc4514_string(),
        issuer=read.issuer.rfc4514_string(),
        serial=str(issuer_and_serial(certificate)[1]),
        not_before=_text(read.not_valid_before_utc),
        not_after=_text(read.not_valid_after_utc),
        ocsp=tuple(ocsp),
        crls=tuple(crls),
    )


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def issuer_and_serial(certificate: bytes) -> tuple[bytes, int]:
    """The issuer's name as it stands in the certificate (DER), and the serial number."""
    body = der.whole(certificate, "certificate").of(der.SEQUENCE, "certificate").items("certificate").sequence("body")
    body.maybe("version", der.CONSTRUCTED)
    serial = body.next("serial number").integer("serial number")
    body.sequence("algorithm")
    return body.next("issuer", der.SEQUENCE).raw, serial


def key_identifier(certificate: bytes) -> bytes:
    """The subject key identifier; empty when there is none."""
    # Late for the same reason as above.
    from cryptography import x509

    try:
        return load(certificate).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return b""


def path(signer: bytes, others: Iterable[bytes], roots: Iterable[bytes], at: datetime) -> tuple[bytes, ...]:
    """The certificates from the signer's to a root, all good at `at` (DER). ProofError, with the reason of the
    longest try, when none leads there; ParseError when the signer's cannot be read."""
    trusted = dict.fromkeys(roots)
    if not trusted:
        raise ProofError(
            "no roots are configured for this service: name their file by `roots`, or give it with --roots"
        )
    first = load(signer)
    _purpose(first)
    _good(first, at, "the signer's certificate")
    pool = dict.fromkeys((*trusted, *list(others)[:MAX_CERTIFICATES]))
    loaded = {data: read for data in pool if (read := _tried(data)) is not None}
    reasons: list[tuple[int, str]] = []
    tries = iter(range(MAX_TRIES))

    def leads(chain: tuple[bytes, ...], subject: Certificate) -> Iterator[tuple[bytes, ...]]:
        if chain[-1] in trusted:
            yield chain
            return
        reasons.append((len(chain), f"no root of the configured ones issued {subject.issuer.rfc4514_string()!r}"))
        if len(chain) >= MAX_PATH:
            return
        for data, issuer in loaded.items():
            if data in chain or subject.issuer != issuer.subject:
                continue
            if next(tries, None) is None:
                raise ProofError("too many certificates fit each other to find a path among them")
            try:
                _issued(subject, issuer)
                _good(issuer, at, f"the certificate of {issuer.subject.rfc4514_string()!r}")
                _authority(issuer, len(chain) - 1)
            except ProofError as error:
                reasons.append((len(chain) + 1, str(error)))
                continue
            yield from leads((*chain, data), issuer)

    for found in leads((signer,), first):
        return found
    raise ProofError(max(reasons, key=lambda reason: reason[0])[1])


def _tried(certificate: bytes) -> Certificate | None:
    try:
        return load(certificate)
    except ParseError:
        return None


def _issued(subject: Certificate, issuer: Certificate) -> None:
    # Late for the same reason as above.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        name = issuer.subject.rfc4514_string()
        raise ProofError(f"the certificate said to be issued by {name!r} is not signed by it") from None


def _good(certificate: Certificate, at: datetime, what: str) -> None:
    """Its days, and that no critical extension goes unheeded."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        days = f"{_text(certificate.not_valid_before_utc)} to {_text(certificate.not_valid_after_utc)}"
        raise ProofError(f"{what} is valid from {days}, not at {_text(at)}")
    for extension in certificate.extensions:
        if extension.critical and extension.oid.dotted_string not in UNDERSTOOD:
            raise ProofError(f"{what} has the critical extension {extension.oid.dotted_string}")


def _purpose(signer: Certificate) -> None:
    """RFC 3161 section 2.3: timestamping as its only purpose, in a critical extension."""
    # Late for the same reason as above.
    from cryptography import x509

    try:
        purpose = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise ProofError("the signer's certificate is not one for timestamping") from None
    usage = [item.value for item in signer.extensions if isinstance(item.value, x509.KeyUsage)]
    if not purpose.critical or [item.dotted_string for item in purpose.value] != [TIME_STAMPING]:
        raise ProofError("the signer's certificate is not one for timestamping alone")
    for item in usage:
        others = (item.key_encipherment, item.data_encipherment, item.key_agreement, item.key_cert_sign, item.crl_sign)
        if not (item.digital_signature or item.content_commitment) or any(others):
            raise ProofError("the key of the signer's certificate is not one for signatures alone")


def _authority(issuer: Certificate, below: int) -> None:
    """That a certificate may issue others, with `below` authorities between it and the signer's."""
    # Late for the same reason as above.
    from cryptography import x509

    name, authority = f"the certificate of {issuer.subject.rfc4514_string()!r}", False
    for extension in issuer.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            authority = value.ca
            if value.path_length is not None and value.path_length < below:
                raise ProofError(f"{name} allows fewer authorities below it")
        if isinstance(value, x509.KeyUsage) and not value.key_cert_sign:
            raise ProofError(f"{name} is not one to sign certificates with")
        if isinstance(value, x509.ExtendedKeyUsage):
            purposes = {item.dotted_string for item in value}
            if not purposes & {TIME_STAMPING, ANY_PURPOSE}:
                raise ProofError(f"{name} is not one for timestamping")
    if not authority:
        raise ProofError(f"{name} is not that of an authority")
