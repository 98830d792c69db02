"""Timestamp answers: those of OpenSSL's own service, which judges too, and tokens in which one thing is wrong."""

import contextlib
import datetime
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archiver.custody import certificates, cms, der, timestamp
from archiver.custody.timestamp import Checked, Token, Verdict
from archiver.errors import ParseError
from tests.custody import authority
from tests.custody.authority import Making, OpenSSL, Party, party

DIGEST = hashlib.sha256(b"log.example/archive\n1300\n").digest()
NONCE = 7


@cache
def trust() -> tuple[Party, Party, Party]:
    """A root, an authority below it, and a clock."""
    root = party("Root", authority=True)
    middle = party("Middle", root, authority=True)
    return root, middle, party("Clock", middle)


def made(content: bytes | None = None, **options: Any) -> bytes:
    _, middle, clock = trust()
    making = Making(**{"signer": clock, "along": (clock.der, middle.der), **options})
    return making(authority.info(DIGEST) if content is None else content)


def judged(reply: bytes, roots: tuple[bytes, ...] | None = None, **options: Any) -> Checked:
    given_roots = (trust()[0].der,) if roots is None else roots
    return timestamp.check(Token.parse(reply), DIGEST, given_roots, **options)


# ---- OpenSSL ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> OpenSSL:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    return OpenSSL.make(tmp_path_factory.mktemp("tsa"))


def test_openssl_reads_our_question(service: OpenSSL) -> None:
    path = service.folder / "asked.tsq"
    path.write_bytes(timestamp.query(DIGEST, 0x1234ABCD, authority.POLICY))
    said = service.run("-query", "-in", path, "-text").stdout.decode()
    assert "Hash Algorithm: sha256" in said
    assert "Nonce: 0x1234ABCD" in said
    assert f"Policy OID: {authority.POLICY}" in said
    assert "Certificate required: yes" in said


@pytest.mark.parametrize("hash", ["sha256", "sha384", "sha512"])
def test_a_token_of_openssl_holds(service: OpenSSL, hash: str) -> None:
    digest = hashlib.new(hash, b"checkpoint").digest()
    nonce = 2**64 - 1
    reply = service.reply(timestamp.query(digest, nonce))
    token = Token.parse(reply)
    assert bytes(token) == reply
    assert (token.digest, token.hash, token.nonce, token.policy) == (digest, hash, nonce, authority.POLICY)
    assert token.accuracy == 1_500_100
    assert token.signer == service.signer.der
    assert set(token.certificates) == {service.signer.der, service.middle.der, service.root.der}
    now = datetime.datetime.now(datetime.UTC)
    assert abs(datetime.datetime.fromisoformat(token.time) - now) < datetime.timedelta(minutes=5)
    checked = timestamp.check(token, digest, [service.root.der], nonce=nonce)
    assert checked == Checked(
        verdict=Verdict.HOLDS,
        time=token.time,
        chain=(service.signer.der, service.middle.der, service.root.der),
    )
    if hash == "sha256":
        assert service.verifies(reply, digest)


@pytest.mark.parametrize("key", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_tokens_of_elliptic_keys_hold(tmp_path: Path, service: OpenSSL, key: Callable[[], ec.EllipticCurve]) -> None:
    other = OpenSSL.make(tmp_path, ec.generate_private_key(key()))
    token = Token.parse(other.reply(timestamp.query(DIGEST, NONCE)))
    assert timestamp.check(token, DIGEST, [other.root.der]).holds
    assert timestamp.check(token, DIGEST, [service.root.der]).verdict is Verdict.UNVERIFIED


def test_what_openssl_refuses_to_stamp_is_told(service: OpenSSL) -> None:
    reply = service.reply(timestamp.query(DIGEST, NONCE, "1.3.6.1.4.1.99999.2"))
    with pytest.raises(ParseError, match=r"rejected; the policy is not accepted"):
        Token.parse(reply)


def test_openssl_accepts_tokens_made_by_hand(service: OpenSSL) -> None:
    """So that what is refused below is refused for the one thing that is wrong in it."""
    now = datetime.datetime.now(datetime.UTC)
    content = authority.info(DIGEST, time=now.strftime("%Y%m%d%H%M%SZ"))
    making = Making(signer=service.signer, along=(service.signer.der, service.middle.der), sign=authority.pkcs1)
    assert service.verifies(making(content), DIGEST)
    assert timestamp.check(Token.parse(making(content)), DIGEST, [service.root.der]).holds


def test_wherever_openssl_refuses_a_flipped_byte_we_do(service: OpenSSL) -> None:
    reply = service.reply(timestamp.query(DIGEST, NONCE))
    token = Token.parse(reply)
    judged_alike = 0
    for at in range(0, len(reply), 61):
        changed = reply[:at] + bytes([reply[at] ^ 1]) + reply[at + 1 :]
        try:
            read = Token.parse(changed)
            holds = timestamp.check(read, DIGEST, [service.root.der]).holds
        except ParseError:
            holds = False
        if holds:
            assert (read.time, read.serial, read.policy) == (token.time, token.serial, token.policy)
            unneeded = reply.index(service.root.der) <= at < reply.index(service.root.der) + len(service.root.der)
            assert unneeded or service.verifies(changed, DIGEST), at
        judged_alike += 1
    print(f"{judged_alike} flipped bytes judged by OpenSSL and by us")


# ---- one thing is wrong ------------------------------------------------------------------------------------------


def test_a_good_token_holds_in_each_form() -> None:
    root, middle, _ = trust()
    assert judged(made(), nonce=NONCE).holds
    assert judged(made(first_version=True)).holds
    assert judged(made(by_key=True)).holds
    assert judged(made(along=(middle.der, trust()[2].der, root.der))).holds
    key = rsa.generate_private_key(65537, 2048)
    for sign in (authority.pkcs1, authority.pss):
        clock = party("RSA clock", middle, key=key)
        assert judged(made(signer=clock, along=(clock.der, middle.der), sign=sign)).holds
    clock = party("Edwards clock", middle, key=ed25519.Ed25519PrivateKey.generate())
    assert judged(made(signer=clock, along=(clock.der, middle.der), sign=authority.ed)).holds
    pinned = trust()[2].der
    assert judged(made(), roots=(pinned,)).chain == (pinned,)


def test_certificates_that_did_not_come_along_can_be_given() -> None:
    root, middle, clock = trust()
    alone = made(along=(root.der,))
    assert Token.parse(alone).signer == b""
    assert "did not come along" in judged(alone).reason
    assert judged(alone, others=[clock.der, middle.der]).holds


FORGED = {
    "other digest": lambda: judged(made(authority.info(hashlib.sha256(b"other").digest()))),
    "other nonce": lambda: judged(made(), nonce=8),
    "no nonce": lambda: judged(made(authority.info(DIGEST, nonce=None)), nonce=NONCE),
    "signed other content": lambda: judged(made(signed_content=authority.info(DIGEST, time="20250101000000Z"))),
    "signed another kind": lambda: judged(made(signed_kind="1.2.840.113549.1.7.1")),
    "names another certificate": lambda: judged(made(named=trust()[1].der)),
    "signed by another key": lambda: judged(made(sign=lambda key, data: authority.ecdsa(trust()[1].key, data))),
}


@pytest.mark.parametrize("name", FORGED)
def test_contradictions_are_bad(name: str) -> None:
    checked = FORGED[name]()
    assert checked.verdict is Verdict.BAD, checked
    assert checked.reason
    assert checked.chain == ()


def clocked(reason: str, **options: Any) -> tuple[Checked, str]:
    """The verdict on a token of a clock whose certificate is made in this way."""
    clock = party("Clock", trust()[1], **options)
    return judged(made(signer=clock, along=(clock.der, trust()[1].der))), reason


def below(reason: str, **options: Any) -> tuple[Checked, str]:
    """The verdict on a token of a clock whose authority is made in this way."""
    middle = party("Middle 2", trust()[0], **{"authority": True, **options})
    clock = party("Clock", middle)
    return judged(made(signer=clock, along=(clock.der, middle.der))), reason


def usage(**given: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: given.get(name, False) for name in names.split()})


def two_authorities() -> tuple[Checked, str]:
    first = party("First", trust()[0], authority=True, path_length=0)
    second = party("Second", first, authority=True)
    clock = party("Clock", second)
    return judged(made(signer=clock, along=(clock.der, second.der, first.der))), "fewer authorities"


def under_a_false_name() -> tuple[Checked, str]:
    """An authority of our own making that bears the name of the genuine root."""
    false = party("Root", authority=True)
    clock = party("Clock", false)
    return judged(made(signer=clock, along=(clock.der, false.der))), "is not signed by it"


def in_rsa(parameters: bytes, reason: str) -> tuple[Checked, str]:
    """An RSA clock that says of its signature that it is PSS with these parameters."""
    clock = party("RSA clock", trust()[1], key=rsa.generate_private_key(65537, 2048))
    along = (clock.der, trust()[1].der)
    reply = made(signer=clock, along=along, sign=lambda key, data: (authority.algorithm(cms.RSA_PSS, parameters), b"x"))
    return judged(reply), reason


EARLIER = (datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC))
CRITICAL_EXTENSION = der.write(
    der.CONSTRUCTED + 1,
    der.write(der.SEQUENCE, der.write_oid("1.2.3.4"), der.write(der.BOOLEAN, b"\xff"), der.write(der.OCTET_STRING)),
)
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
SERVER, CLOCK = "1.3.6.1.5.5.7.3.1", certificates.TIME_STAMPING
DISTRUSTED: dict[str, Callable[[], tuple[Checked, str]]] = {
    "no roots": lambda: (judged(made(), roots=()), "no roots"),
    "another root": lambda: (judged(made(), roots=(party("Root", authority=True).der,)), "is not signed by it"),
    "a root of another name": lambda: (judged(made(), roots=(party("R", authority=True).der,)), "no root"),
    "no middle": lambda: (judged(made(along=(trust()[2].der,))), "no root"),
    "a false name": under_a_false_name,
    "an ended certificate": lambda: clocked("valid from", days=EARLIER),
    "a server's certificate": lambda: clocked("timestamping alone", purposes=(SERVER,)),
    "two purposes": lambda: clocked("timestamping alone", purposes=(CLOCK, SERVER)),
    "a purpose that may be ignored": lambda: clocked("timestamping alone", critical=False),
    "no purpose": lambda: clocked("not one for timestamping", purposes=()),
    "a key for encryption": lambda: clocked("not one for signatures", more=((usage(key_encipherment=True), True),)),
    "a key for more": lambda: clocked(
        "not one for signatures alone", more=((usage(digital_signature=True, key_cert_sign=True), True),)
    ),
    "a strange clock": lambda: clocked("critical extension 1.2.3.4", more=((STRANGE, True),)),
    "an ended authority": lambda: below("valid from", days=EARLIER),
    "no authority": lambda: below("not that of an authority", authority=False, purposes=()),
    "an authority without the right": lambda: below("sign certificates", more=((usage(crl_sign=True), True),)),
    "an authority for servers": lambda: below(
        "not one for timestamping", more=((x509.ExtendedKeyUsage([x509.ObjectIdentifier(SERVER)]), False),)
    ),
    "a strange authority": lambda: below("critical extension 1.2.3.4", more=((STRANGE, True),)),
    "too many authorities": two_authorities,
    "a time that the chain is not good at": lambda: (judged(made(), at="2028-01-01T00:00:00Z"), "valid from"),
    "a critical extension": lambda: (
        judged(made(authority.info(DIGEST, extensions=CRITICAL_EXTENSION))),
        "critical extension 1.2.3.4",
    ),
    "an unknown hash": lambda: (judged(made(authority.info(DIGEST, hash="2.16.840.1.101.3.4.2.8"))), "hash"),
    "no message digest": lambda: (judged(made(drop=cms.MESSAGE_DIGEST)), "is missing"),
    "no kind": lambda: (judged(made(drop=cms.CONTENT_TYPE)), "is missing"),
    "no certificate named": lambda: (judged(made(drop=cms.SIGNING_CERTIFICATE_V2)), "does not name"),
    "an unknown algorithm": lambda: (
        judged(made(sign=lambda key, data: (authority.algorithm("1.2.3.4"), b"value"))),
        "1.2.3.4",
    ),
    "PSS over SHA-1": lambda: in_rsa(
        der.write(der.SEQUENCE), "relies on SHA-1"
    ),
    "PSS with two hashes": lambda: in_rsa(
        der.write(
            der.SEQUENCE,
            der.write(der.CONSTRUCTED, authority.algorithm(authority.SHA256)),
            der.write(
                der.CONSTRUCTED + 1,
                authority.algorithm("1.2.840.113549.1.1.8", authority.algorithm("2.16.840.1.101.3.4.2.3")),
            ),
        ),
        "hashes of the signature",
    ),
    "PSS with no salt that there is": lambda: in_rsa(
        der.write(
            der.SEQUENCE,
            der.write(der.CONSTRUCTED, authority.algorithm(authority.SHA256)),
            der.write(
                der.CONSTRUCTED + 1,
                authority.algorithm("1.2.840.113549.1.1.8", authority.algorithm(authority.SHA256)),
            ),
            der.write(der.CONSTRUCTED + 2, der.write_integer(-3)),
        ),
        "cannot be used",
    ),
    "a certificate that cannot be read": lambda: (
        judged(made(along=(der.write(der.SEQUENCE), b"\x05\x00"))),
        "did not come along",
    ),
    "the algorithm of another key": lambda: (
        judged(made(sign=lambda key, data: (authority.algorithm(cms.RSA), b"value"))),
        "not known here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DISTRUSTED)
def test_what_cannot_be_trusted_is_unverified_and_not_bad(name: str) -> None:
    checked, reason = DISTRUSTED[name]()
    assert checked.verdict is Verdict.UNVERIFIED, checked
    assert reason in checked.reason
    assert checked.chain == ()


def test_a_certificate_that_ended_since_takes_nothing_from_a_token() -> None:
    assert judged(made(), at="2026-12-31T00:00:00Z").holds
    assert not judged(made(), at="2027-01-02T00:00:00Z").holds
    assert judged(made()).holds
    with pytest.raises(ValueError, match="isoformat"):
        judged(made(), at="yesterday")


def test_a_good_use_of_the_key_is_accepted() -> None:
    checked, _ = clocked("", more=((usage(content_commitment=True), True),))
    assert checked.holds


def test_many_certificates_that_fit_each_other_take_no_time() -> None:
    """Thirty authorities of one name and key issue each other: there are billions of paths, and none ends."""
    key = ec.generate_private_key(ec.SECP256R1())
    first = party("Maze", authority=True, key=key)
    maze = [party("Maze", first, authority=True, key=key, serial=number) for number in range(1, 30)]
    clock = party("Clock", first)
    checked = judged(made(signer=clock, along=(clock.der, *(one.der for one in maze))))
    assert checked.verdict is Verdict.UNVERIFIED
    assert "too many" in checked.reason


def test_a_root_is_found_among_many() -> None:
    """A service's roots may be the bundle of a whole system."""
    many = tuple(party(f"Root {number}", authority=True).der for number in range(80))
    assert judged(made(), roots=(*many, trust()[0].der)).holds


def test_more_certificates_than_anybody_needs_are_refused() -> None:
    clock = trust()[2]
    with pytest.raises(ParseError, match="more than 32"):
        Token.parse(made(along=(clock.der,) * 33))


def accuracy(*parts: bytes) -> bytes:
    return authority.info(DIGEST, accuracy=der.write(der.SEQUENCE, *parts))


def test_accuracy() -> None:
    seconds, parts = der.write_integer(2), der.write(der.CONTEXT + 1, b"\x03\xe7")
    assert Token.parse(made(accuracy(seconds))).accuracy == 2_000_000
    assert Token.parse(made(accuracy(parts))).accuracy == 999
    assert Token.parse(made(accuracy())).accuracy == 0
    wrong = (der.write(der.CONTEXT, b"\x03\xe8"), der.write_integer(-1), parts + seconds, parts + parts)
    for content in map(accuracy, wrong):
        with pytest.raises(ParseError):
            Token.parse(made(content))


def test_an_extension_that_may_be_ignored_is() -> None:
    for critical in (b"", der.write(der.BOOLEAN, b"\x00")):
        one = der.write(der.SEQUENCE, der.write_oid("1.2.3.4"), critical, der.write(der.OCTET_STRING, b"x"))
        assert judged(made(authority.info(DIGEST, extensions=der.write(der.CONSTRUCTED + 1, one)))).holds


def test_an_attribute_twice_is_not_judged() -> None:
    other = der.write(
        der.SEQUENCE,
        der.write_oid(cms.MESSAGE_DIGEST),
        der.write(der.SET, der.write(der.OCTET_STRING, hashlib.sha256(b"other").digest())),
    )
    assert "twice" in judged(made(more=[other])).reason


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"", "missing"),
        (b"<html><body>busy</body></html>", "timestamp answer"),
        (authority.answer(2, text="no service today", failure=25), "rejected; the system failed; no service today"),
        (authority.answer(2, failure=0), "rejected; the algorithm is not accepted"),
        (authority.answer(3), "waiting"),
        (authority.answer(77), "status 77"),
        (authority.answer(0), "token is missing"),
        (authority.answer(0, der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.7.1"))), "not signed data"),
        (b"\x30\x80\x00\x00", "not in DER"),
        (b"\x30\x81\x01\x00", "not in DER"),
        (b"\x30\x82\x00\x80", "not in DER"),
        (b"\x30\x84\xff\xff\xff\xff", "cut off"),
        (b"\x00" * (1 << 18 | 1), "larger"),
    ],
)
def test_answers_that_are_no_tokens(reply: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        Token.parse(reply)


@pytest.mark.parametrize(
    "content",
    [
        authority.info(DIGEST, version=der.write_integer(2)),
        authority.info(DIGEST, time="2026-03-01T12:00:00Z"),
        authority.info(DIGEST, time="20260301120000"),
        authority.info(DIGEST, time="202603011200Z"),
        authority.info(DIGEST, time="20260230120000Z"),
        authority.info(DIGEST, time="20260301126000Z"),
        authority.info(DIGEST, time="20260301120000.Z"),
        authority.info(DIGEST, time="20260301120000+0100"),
        authority.info(DIGEST) + b"\x05\x00",
        authority.info(DIGEST, extensions=b"\x05\x00"),
        b"",
    ],
)
def test_contents_that_are_no_timestamps(content: bytes) -> None:
    with pytest.raises(ParseError):
        Token.parse(made(content))


def test_fractions_of_a_second_are_kept() -> None:
    token = Token.parse(made(authority.info(DIGEST, time="20260301120000.25Z")))
    assert token.time == "2026-03-01T12:00:00.25Z"
    assert timestamp.check(token, DIGEST, [trust()[0].der]).holds


# ---- any bytes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", [1, 0x80])
def test_no_flipped_byte_makes_a_token_say_something_else(bit: int) -> None:
    """It is refused, or it holds and says the same: certificates that come along, and what the service says of how
    it granted, are not signed."""
    root, middle, clock = trust()
    reply = made()
    good, refused = Token.parse(reply), 0
    for at in range(len(reply)):
        changed = reply[:at] + bytes([reply[at] ^ bit]) + reply[at + 1 :]
        try:
            token = Token.parse(changed)
        except ParseError:
            refused += 1
            continue
        checked = timestamp.check(token, DIGEST, [root.der], others=[clock.der, middle.der])
        if not checked.holds:
            refused += 1
            assert checked.reason
            continue
        assert (token.content, token.time, token.digest) == (good.content, good.time, good.digest)
        assert not reply.index(good.content) <= at < reply.index(good.content) + len(good.content)
    unsigned = len(clock.der) + len(middle.der)
    assert refused > len(reply) - unsigned - 90
    for at in range(0, len(reply), 5):
        with pytest.raises(ParseError):
            Token.parse(reply[:at])


@cache
def one_reply() -> bytes:
    """The same bytes each time: an ECDSA signature is another one, at times of another length, whenever it is made."""
    return made()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bytes_make_the_parser_fail_otherwise(data: st.DataObject) -> None:
    reply = one_reply()
    start = data.draw(st.integers(0, len(reply)))
    end = data.draw(st.sampled_from([start, start + 1, start + 8, len(reply)]))
    changed = reply[:start] + data.draw(st.binary(max_size=8)) + reply[end:]
    for candidate in (changed, data.draw(st.binary(max_size=40))):
        with contextlib.suppress(ParseError):
            token = Token.parse(candidate)
            assert timestamp.check(token, DIGEST, [trust()[0].der]).verdict in Verdict


@example(-128)
@example(-(2**63))
@given(st.integers(-(2**200), 2**200))
def test_integers_are_read_as_written(value: int) -> None:
    assert der.whole(der.write_integer(value), "number").integer("number") == value


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**70), max_size=5))
def test_object_identifiers_are_read_as_written(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.whole(der.write_oid(dotted), "name").oid("name") == dotted


@pytest.mark.parametrize("coded", ["0200", "02020001", "0202ff80", "0600", "060180", "06028001", "0102ffff", "010101"])
def test_what_der_forbids_is_refused(coded: str) -> None:
    element = der.whole(bytes.fromhex(coded), "value")
    with pytest.raises(ParseError):
        {2: element.integer, 6: element.oid, 1: element.boolean}[element.tag]("value")


@pytest.mark.parametrize("dotted", ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.2.x", "1.-2"])
def test_what_is_no_object_identifier_is_not_written(dotted: str) -> None:
    with pytest.raises(ValueError, match="object identifier"):
        der.write_oid(dotted)


def test_questions_that_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        timestamp.query(bytes(20), 1)
    with pytest.raises(ValueError, match="negative"):
        timestamp.query(DIGEST, -1)
    with pytest.raises(ValueError, match="object identifier"):
        timestamp.query(DIGEST, 1, "any")


# ---- certificates ------------------------------------------------------------------------------------------------


def test_what_a_certificate_says() -> None:
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                x509.oid.AuthorityInformationAccessOID.OCSP,
                x509.UniformResourceIdentifier("http://ocsp.example/"),
            ),
            x509.AccessDescription(
                x509.oid.AuthorityInformationAccessOID.CA_ISSUERS,
                x509.UniformResourceIdentifier("http://ca.example/ca.der"),
            ),
        ]
    )
    point = x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example/1.crl")], None, None, None)
    clock = party("Clock", trust()[1], more=((access, False), (x509.CRLDistributionPoints([point]), False)), serial=99)
    said = certificates.describe(clock.der)
    assert (said.subject, said.issuer, said.serial) == ("CN=Clock", "CN=Middle", "99")
    assert (said.not_before, said.not_after) == ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert (said.ocsp, said.crls) == (("http://ocsp.example/",), ("http://crl.example/1.crl",))
    with pytest.raises(ParseError):
        certificates.describe(b"\x30\x00")


def test_roots_are_read_from_pem() -> None:
    root, middle, _ = trust()
    assert certificates.from_pem(b"a comment\n" + root.pem + b"\n" + middle.pem) == (root.der, middle.der)
    for text in (b"", b"no certificate", root.pem[:-30], root.pem.replace(b"MII", b"MIJ", 1)):
        with pytest.raises(ParseError):
            certificates.from_pem(text)


def test_openssl_reads_the_clock(service: OpenSSL) -> None:
    said = subprocess.run(
        ["openssl", "x509", "-in", str(service.folder / "signer.pem"), "-noout", "-serial"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(said.stdout.split("=")[1], 16) == certificates.issuer_and_serial(service.signer.der)[1]
