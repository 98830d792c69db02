"""Signed data of CMS (RFC 5652) with one signer, as timestamp tokens are: read, and its signature checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.custody import certificates, der
from archiver.errors import ParseError, ProofError

SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""SHA-1 and older ones are not here: what they vouch for can be forged."""
RSA, RSA_PSS, EC, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1", "1.3.101.112"
SIGNATURES = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
"""RSA (PKCS #1 v1.5) and ECDSA with their hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """Who signed and how: the signer by issuer (DER) and serial number or by key identifier, the hash over the
    content, the attributes that were signed (DER, as a SET), the algorithm with its parameters, and the value."""

    issuer: bytes
    serial: int
    key_identifier: bytes
    hash: str
    attributes: bytes
    algorithm: str
    parameters: bytes
    value: bytes

    def names(self, certificate: bytes) -> bool:
        """Whether a certificate (DER) is the one that the signer goes by."""
        try:
            if self.key_identifier:
                return certificates.key_identifier(certificate) == self.key_identifier
            return certificates.issuer_and_serial(certificate) == (self.issuer, self.serial)
        except ParseError:
            return False


def algorithm(element: der.Element) -> tuple[str, bytes]:
    """An AlgorithmIdentifier: its object identifier, and its parameters in DER."""
    parts = element.of(der.SEQUENCE, "algorithm").items("algorithm")
    name, parameters = parts.next("algorithm").oid("algorithm"), parts.rest("parameters")
    if len(parameters) > 1:
        raise ParseError("an algorithm has more than its parameters")
    return name, parameters[0].raw if parameters else b""


def signed_data(element: der.Element, kind: str) -> tuple[bytes, tuple[bytes, ...], SignerInfo]:
    """The content, the certificates that came along (DER) and the one signer of a ContentInfo that holds content of
    this kind (an object identifier). ParseError when it is anything else."""
    outer = element.of(der.SEQUENCE, "token").items("token")
    if outer.next("kind of token").oid("kind of token") != SIGNED_DATA:
        raise ParseError("the token is not signed data")
    inner = outer.next("signed data", der.CONSTRUCTED).items("signed data")
    outer.end()
    data = inner.sequence("signed data")
    inner.end()
    data.next("version").integer("version")
    data.next("hashes", der.SET)
    held = data.sequence("content")
    if held.next("kind of content").oid("kind of content") != kind:
        raise ParseError("the token signs content of another kind")
    wrapped = held.next("content", der.CONSTRUCTED).items("content")
    content = wrapped.next("content").octets("content")
    wrapped.end()
    held.end()
    along = data.maybe("certificates", der.CONSTRUCTED)
    found = () if along is None else along.items("certificates").rest("certificate")
    data.maybe("revocation lists", der.CONSTRUCTED + 1)
    signers = data.next("signers", der.SET).items("signers")
    signer = _signer(signers.sequence("signer"))
    signers.end()
    data.end()
    if len(found) > certificates.MAX_CERTIFICATES:
        raise ParseError(f"more than {certificates.MAX_CERTIFICATES} certificates came along")
    return content, tuple(one.raw for one in found if one.tag == der.SEQUENCE), signer


def _signer(parts: der.Items) -> SignerInfo:
    parts.next("version").integer("version")
    issuer, serial, identifier = b"", 0, parts.maybe("key identifier", der.CONTEXT)
    if identifier is None:
        named = parts.sequence("signer")
        issuer = named.next("issuer", der.SEQUENCE).raw
        serial = named.next("serial number").integer("serial number")
        named.end()
    hash = HASHES.get(algorithm(parts.next("hash"))[0], "")
    attributes = parts.next("signed attributes", der.CONSTRUCTED)
    name, parameters = algorithm(parts.next("algorithm of the signature"))
    value = parts.next("signature").octets("signature")
    parts.maybe("unsigned attributes", der.CONSTRUCTED + 1)
    parts.end()
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_identifier=b"" if identifier is None else identifier.content,
        hash=hash,
        attributes=bytes([der.SET]) + attributes.raw[1:],  # what is signed bears the tag of a set (section 5.4)
        algorithm=name,
        parameters=parameters,
        value=value,
    )


def fault(signer: SignerInfo, content: bytes, kind: str, certificate: bytes) -> str:
    """Where the signature contradicts its content or its certificate; empty when it holds. ParseError or ProofError
    when that cannot be judged: an unknown algorithm, attributes or a certificate that cannot be read."""
    if not signer.hash:
        raise ProofError("the hash of the signature is none of SHA-256, SHA-384 and SHA-512")
    attributes = _attributes(signer.attributes)
    for needed in (CONTENT_TYPE, MESSAGE_DIGEST):
        if needed not in attributes:
            raise ParseError(f"the signed attribute {needed} is missing")
    if attributes[CONTENT_TYPE].oid("kind of content") != kind:
        return "the signature is over content of another kind"
    if attributes[MESSAGE_DIGEST].octets("digest") != hashlib.new(signer.hash, content).digest():
        return "the signature is over other content: the digest differs"
    if not _names_certificate(attributes, certificate):
        return "the signature names another certificate as its signer's"
    return "" if _signature_holds(signer, certificate) else "the signature does not hold under the signer's key"


def _attributes(data: bytes) -> dict[str, der.Element]:
    """The signed attributes by name, each once and with one value."""
    found: dict[str, der.Element] = {}
    for element in der.whole(data, "signed attributes").items("signed attributes").rest("attribute"):
        parts = element.of(der.SEQUENCE, "attribute").items("attribute")
        name, values = parts.next("attribute").oid("attribute"), parts.next("values", der.SET).items("values")
        parts.end()
        value = values.next("value")
        if name in (CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2):
            values.end()
            if name in found:
                raise ParseError(f"the signed attribute {name} stands twice")
        found[name] = value
    return found


def _names_certificate(attributes: dict[str, der.Element], certificate: bytes) -> bool:
    """Whether the signing-certificate attributes (RFC 2634, RFC 5035), of which there must be one, name it."""
    said = []
    if SIGNING_CERTIFICATE in attributes:
        first = _first_certificate(attributes[SIGNING_CERTIFICATE])
        said.append(first.next("hash").octets("hash") == hashlib.sha1(certificate, usedforsecurity=False).digest())
    if SIGNING_CERTIFICATE_V2 in attributes:
        first = _first_certificate(attributes[SIGNING_CERTIFICATE_V2])
        named = first.maybe("algorithm", der.SEQUENCE)
        hash = "sha256" if named is None else HASHES.get(algorithm(named)[0], "")
        if not hash:
            raise ProofError("the signer's certificate is named by a hash that is not known here")
        said.append(first.next("hash").octets("hash") == hashlib.new(hash, certificate).digest())
    if not said:
        raise ParseError("the token does not name the certificate of its signer")
    return all(said)


def _first_certificate(value: der.Element) -> der.Items:
    parts = value.of(der.SEQUENCE, "signing certificate").items("signing certificate")
    return parts.sequence("certificates").sequence("certificate")


def _signature_holds(signer: SignerInfo, certificate: bytes) -> bool:
    # cryptography takes 20 ms to import, and most runs check no timestamp.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    known: dict[str, hashes.HashAlgorithm] = {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    name = signer.hash if signer.algorithm in (RSA, EC) else SIGNATURES.get(signer.algorithm, "")
    read = certificates.load(certificate)
    try:
        key = read.public_key()
        if isinstance(key, rsa.RSAPublicKey) and signer.algorithm == RSA_PSS:
            pss, salt = _pss(signer.parameters)
            key.verify(
                signer.value,
                signer.attributes,
                padding.PSS(mgf=padding.MGF1(known[pss]), salt_length=salt),
                known[pss],
            )
        elif isinstance(key, rsa.RSAPublicKey) and name and signer.algorithm.startswith("1.2.840.113549.1.1."):
            key.verify(signer.value, signer.attributes, padding.PKCS1v15(), known[name])
        elif isinstance(key, ec.EllipticCurvePublicKey) and name and signer.algorithm.startswith("1.2.840.10045."):
            key.verify(signer.value, signer.attributes, ec.ECDSA(known[name]))
        elif isinstance(key, ed25519.Ed25519PublicKey) and signer.algorithm == ED25519:
            key.verify(signer.value, signer.attributes)
        else:
            raise ProofError(f"a signature by the algorithm {signer.algorithm} under this key is not known here")
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError) as error:
        raise ProofError(f"the signer's key cannot be used: {error}") from None
    return True


def _pss(parameters: bytes) -> tuple[str, int]:
    """The hash and the length of the salt (RFC 4055 section 3.1); one hash for the data and for MGF1."""
    parts = der.whole(parameters, "parameters").of(der.SEQUENCE, "parameters").items("parameters")
    hashed, masked = parts.maybe("hash", der.CONSTRUCTED), parts.maybe("mask", der.CONSTRUCTED + 1)
    salted = parts.maybe("salt", der.CONSTRUCTED + 2)
    if hashed is None or masked is None:
        raise ProofError("the signature relies on SHA-1")
    hash = HASHES.get(algorithm(hashed.items("hash").next("hash"))[0], "")
    _, inner = algorithm(masked.items("mask").next("mask"))
    if not hash or HASHES.get(algorithm(der.whole(inner, "mask"))[0]) != hash:
        raise ProofError("the hashes of the signature are not known here")
    return hash, 20 if salted is None else salted.items("salt").next("salt").integer("salt")
