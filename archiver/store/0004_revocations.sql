-- What authorities answered when they were asked whether a certificate of a timestamping service was revoked: an OCSP
-- response or a revocation list, byte for byte. The anchor leaf of the token that it came with names its hash.
CREATE TABLE revocations (
    sha256 TEXT NOT NULL,
    certificate TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ocsp', 'crl')),
    url TEXT NOT NULL,
    der BLOB NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (sha256, certificate)
) STRICT;
CREATE INDEX revocations_certificate ON revocations(certificate, received_at);
