"""Whether a certificate was revoked: OCSP (RFC 6960) and revocation lists (RFC 5280 section 5), as answers that are
kept. An answer is believed when the issuer, or a responder that the issuer named for it, signed it, and its time is
right; a ParseError or a ProofError says why it is not.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver.custody import certificates, der
from archiver.errors import ParseError, ProofError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList
    from cryptography.x509.ocsp import OCSPResponse

OCSP, CRL = "ocsp", "crl"
SLACK = timedelta(hours=1)
"""How far the clock of an authority may be ahead of ours."""
_UNREADABLE = (ValueError, TypeError, KeyError)  # the last by older versions of cryptography, of names of odd types


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an authority says: `revoked` is since when (ISO 8601, UTC), empty for a certificate that is good, and
    `reason` why, in the words of RFC 5280 (section 5.3.1), empty where nothing is said; `made` is the time that the
    answer speaks of, `until` when a newer one is due (empty where nothing is said)."""

    revoked: str = ""
    reason: str = ""
    made: str
    until: str = ""

    @property
    def past_holds(self) -> bool:
        """Whether what was signed before the revocation holds all the same: its reason is one of those by which no key
        was given away (RFC 3161, section 4). Where none is stated, the key may have been."""
        return self.reason in ("unspecified", "affiliationChanged", "superseded", "cessationOfOperation")


def query(certificate: bytes, issuer: bytes) -> bytes:
    """The OCSPRequest (DER) for one certificate; without a nonce, which few responders answer. ParseError when a
    certificate cannot be read."""
    # cryptography takes 20 ms to import, and most runs ask for no revocation.
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import ocsp

    pair = certificates.load(certificate), certificates.load(issuer)
    # SHA-1 only names the certificate here; responders are not bound to know another hash (RFC 5019 section 2.1.1).
    return ocsp.OCSPRequestBuilder().add_certificate(*pair, SHA1()).build().public_bytes(Encoding.DER)


def read(kind: str, answer: bytes, certificate: bytes, issuer: bytes, now: str) -> Standing:
    """What an answer says of a certificate at `now` (ISO 8601, UTC)."""
    judge = _ocsp if kind == OCSP else _crl
    moment = datetime.fromisoformat(now.replace("Z", "+00:00"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd serial numbers: what matters is judged here
        return judge(answer, certificates.load(certificate), certificates.load(issuer), moment)


def _ocsp(answer: bytes, certificate: Certificate, issuer: Certificate, now: datetime) -> Standing:
    # Late for the same reason as above.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import ocsp

    try:
        response = ocsp.load_der_ocsp_response(answer)
        status = response.response_status
        if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise ProofError(f"the OCSP responder answered: {status.name.lower().replace('_', ' ')}")
        _signed(response, issuer, now)
        for single in response.responses:
            if single.serial_number == certificate.serial_number and _same_issuer(single, issuer):
                if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
                    raise ProofError("the OCSP responder does not know the certificate")
                _timely(single.this_update_utc, single.next_update_utc, now)
                revoked = single.revocation_time_utc
                reason = None if revoked is None else single.revocation_reason
                return Standing(
                    revoked="" if revoked is None else _text(revoked),
                    reason="" if reason is None else str(reason.value),
                    made=_text(single.this_update_utc),
                    until="" if single.next_update_utc is None else _text(single.next_update_utc),
                )
    except (*_UNREADABLE, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise ParseError(f"the OCSP answer cannot be read: {error}") from None
    raise ProofError("the OCSP answer is about another certificate")


def _same_issuer(single: Any, issuer: Certificate) -> bool:
    # Late for the same reason as above.
    from cryptography.hazmat.primitives.hashes import Hash

    def digest(data: bytes) -> bytes:
        made = Hash(single.hash_algorithm)
        made.update(data)
        return bytes(made.finalize())

    return bool(
        digest(issuer.subject.public_bytes()) == single.issuer_name_hash
        and digest(_key_bits(issuer)) == single.issuer_key_hash
    )


def _key_bits(certificate: Certificate) -> bytes:
    """The bits of the public key, as its SubjectPublicKeyInfo holds them."""
    # Late for the same reason as above.
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    parts = der.whole(info, "key").of(der.SEQUENCE, "key").items("key")
    parts.sequence("algorithm")
    return parts.next("bits", der.BIT_STRING).content[1:]


def _signed(response: OCSPResponse, issuer: Certificate, now: datetime) -> None:
    """By the issuer, or by a responder that the issuer gave a certificate for it (RFC 6960 section 4.2.2.2)."""
    # Late for the same reason as above.
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    for signer in (issuer, *response.certificates):
        try:
            if signer is not issuer:
                signer.verify_directly_issued_by(issuer)
                purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
                if x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
                    continue
                if not signer.not_valid_before_utc <= now + SLACK or now - SLACK > signer.not_valid_after_utc:
                    continue
            _verify(signer.public_key(), response)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, x509.ExtensionNotFound):
            continue
        return
    raise ProofError("the OCSP answer is not signed by the issuer, nor by a responder of it")


def _verify(key: Any, response: OCSPResponse) -> None:
    # Late for the same reason as above.
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    signature, said, hash = response.signature, response.tbs_response_bytes, response.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey) and hash is not None:
        key.verify(signature, said, padding.PKCS1v15(), hash)
    elif isinstance(key, ec.EllipticCurvePublicKey) and hash is not None:
        key.verify(signature, said, ec.ECDSA(hash))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, said)
    else:
        raise ValueError("a key of another kind")


def _crl(answer: bytes, certificate: Certificate, issuer: Certificate, now: datetime) -> Standing:
    # Late for the same reason as above.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        made = x509.load_der_x509_crl(answer)
        if made.issuer != issuer.subject:
            raise ProofError("the revocation list is of another issuer")
        if not made.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # kinds of keys that sign none
            raise ProofError("the revocation list is not signed by the issuer")
        _whole(made, certificate)
        _timely(made.last_update_utc, made.next_update_utc, now)
        entry = made.get_revoked_certificate_by_serial_number(certificate.serial_number)
        stated = [item.value for item in (entry.extensions if entry is not None else ())]
        reason = next((value.reason.value for value in stated if isinstance(value, x509.CRLReason)), "")
        return Standing(
            revoked="" if entry is None else _text(entry.revocation_date_utc),
            reason=str(reason),
            made=_text(made.last_update_utc),
            until="" if made.next_update_utc is None else _text(made.next_update_utc),
        )
    except (*_UNREADABLE, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion) as error:
        raise ParseError(f"the revocation list cannot be read: {error}") from None


def _whole(made: CertificateRevocationList, certificate: Certificate) -> None:
    """That the list is a whole one for certificates of this kind: what a part does not name may be revoked."""
    # Late for the same reason as above.
    from cryptography import x509

    for extension in made.extensions:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            if value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs:
                raise ProofError("the revocation list is only a part of one")
            authority = any(
                item.value.ca for item in certificate.extensions if isinstance(item.value, x509.BasicConstraints)
            )
            if value.only_contains_user_certs if authority else value.only_contains_ca_certs:
                raise ProofError("the revocation list is about other kinds of certificates")
        elif extension.critical:
            raise ProofError(f"the revocation list has the critical extension {extension.oid.dotted_string}")


def _timely(made: datetime, until: datetime | None, now: datetime) -> None:
    if made > now + SLACK:
        raise ProofError(f"the answer about revocation is of {_text(made)}, which is yet to come")
    if until is not None and until < now - SLACK:
        raise ProofError(f"the answer about revocation was good until {_text(until)}")


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
