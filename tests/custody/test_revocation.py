"""Answers about revocation: what is believed, and that a changed one is not."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import revocation
from archiver.errors import ParseError, ProofError
from tests.custody.authority import Party, party

NOW = "2026-03-01T12:00:00.000000Z"
MOMENT = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
ROOT = party("Root of Example", authority=True)
OTHER = party("Root of Example", authority=True)
SIGNER = party("Clock of Example", ROOT)
TWIN = party("Clock of Example", OTHER, serial=SIGNER.certificate.serial_number)
RESPONDER = party("Responder of Example", ROOT, purposes=("1.3.6.1.5.5.7.3.9",))


def said(
    about: Party = SIGNER,
    issuer: Party = ROOT,
    signer: Party | None = None,
    *,
    revoked: bool = False,
    made: datetime.datetime = MOMENT,
    until: datetime.datetime | None = MOMENT + DAY,
    status: Any = None,
) -> bytes:
    signing = signer or issuer
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=about.certificate,
            issuer=issuer.certificate,
            algorithm=hashes.SHA1(),
            cert_status=status or (ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD),
            this_update=made,
            next_update=until,
            revocation_time=MOMENT - 30 * DAY if revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signing.certificate)
    )
    if signer is not None:
        builder = builder.certificates([signer.certificate])
    algorithm = None if isinstance(signing.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signing.key, algorithm).public_bytes(Encoding.DER)


def listed(
    issuer: Party = ROOT,
    *,
    revoked: bool = False,
    made: datetime.datetime = MOMENT,
    until: datetime.datetime = MOMENT + DAY,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(made)
        .next_update(until)
    )
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(SIGNER.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(MOMENT - 30 * DAY).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def read(kind: str, answer: bytes) -> revocation.Standing:
    return revocation.read(kind, answer, SIGNER.der, ROOT.der, NOW)


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("signer", [None, RESPONDER])
def test_an_ocsp_answer_of_the_issuer_or_its_responder_is_believed(revoked: bool, signer: Party | None) -> None:
    standing = read("ocsp", said(signer=signer, revoked=revoked))
    assert standing == revocation.Standing(
        revoked="2026-01-30T12:00:00Z" if revoked else "", made="2026-03-01T12:00:00Z", until="2026-03-02T12:00:00Z"
    )


@pytest.mark.parametrize("revoked", [False, True])
def test_a_list_of_the_issuer_is_believed(revoked: bool) -> None:
    assert (read("crl", listed(revoked=revoked)).revoked != "") is revoked


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
def test_issuers_with_other_keys(key: Any) -> None:
    root = party("Root of Example", authority=True, key=key)
    signer = party("Clock of Example", root)
    answer = said(signer, root)
    assert revocation.read("ocsp", answer, signer.der, root.der, NOW).revoked == ""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said(party("Another", ROOT)), "another certificate"),
        (said(TWIN, OTHER, RESPONDER), "another certificate"),
        (said(issuer=OTHER), "not signed"),
        (said(signer=OTHER), "not signed"),
        (said(signer=party("No responder", ROOT)), "not signed"),
        (
            said(signer=party("Late", ROOT, purposes=("1.3.6.1.5.5.7.3.9",), days=(MOMENT - 9 * DAY, MOMENT - DAY))),
            "not",
        ),
        (said(made=MOMENT - 9 * DAY, until=MOMENT - DAY), "was good until"),
        (said(made=MOMENT + DAY, until=None), "yet to come"),
        (said(status=ocsp.OCSPCertStatus.UNKNOWN), "does not know"),
        (
            ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER),
            "try later",
        ),
    ],
)
def test_an_ocsp_answer_that_is_not_right_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(ProofError, match=reason):
        read("ocsp", answer)


def point(**more: Any) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    names = (
        *("full_name", "relative_name", "only_some_reasons"),
        *("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"),
    )
    values: dict[str, Any] = {name: None if n < 3 else False for n, name in enumerate(names)}
    return ((x509.IssuingDistributionPoint(**{**values, **more}), True),)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (listed(OTHER), "not signed"),
        (listed(party("Somebody", authority=True)), "another issuer"),
        (listed(made=MOMENT - 9 * DAY, until=MOMENT - DAY), "was good until"),
        (listed(made=MOMENT + DAY, until=MOMENT + 2 * DAY), "yet to come"),
        (listed(more=point(only_contains_ca_certs=True)), "other kinds"),
        (listed(more=point(indirect_crl=True)), "only a part"),
        (listed(more=((x509.DeltaCRLIndicator(1), True),)), "critical extension"),
    ],
)
def test_a_list_that_is_not_right_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(ProofError, match=reason):
        read("crl", answer)


def test_a_list_of_the_certificates_of_users_is_about_a_signer() -> None:
    assert read("crl", listed(more=point(only_contains_user_certs=True))).revoked == ""


@pytest.mark.parametrize("kind", ["ocsp", "crl"])
def test_a_changed_byte_never_changes_what_is_said(kind: str) -> None:
    answer = said(revoked=True) if kind == "ocsp" else listed(revoked=True)
    truth = read(kind, answer)
    refused = 0
    for at in range(len(answer)):
        for bit in (1, 0x80):
            changed = answer[:at] + bytes([answer[at] ^ bit]) + answer[at + 1 :]
            try:
                assert read(kind, changed) == truth
            except (ParseError, ProofError):
                refused += 1
    assert refused > 2 * len(answer) * 0.9


@pytest.mark.parametrize("kind", ["ocsp", "crl"])
@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=300), keep=st.integers(0, 120))
def test_chance_bytes_are_refused(kind: str, data: bytes, keep: int) -> None:
    whole = said() if kind == "ocsp" else listed()
    with pytest.raises((ParseError, ProofError)):
        read(kind, whole[:keep] + data)


def test_a_question_names_the_certificate() -> None:
    asked = ocsp.load_der_ocsp_request(revocation.query(SIGNER.der, ROOT.der))
    assert asked.serial_number == SIGNER.certificate.serial_number
    with pytest.raises(ParseError):
        revocation.query(b"no certificate", ROOT.der)
