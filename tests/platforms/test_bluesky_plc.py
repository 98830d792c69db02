"""DID documents and audit logs: what verifies, and each way of tampering that must be refused."""

import base64
import hashlib
import json
from typing import Any

import libipld
import pytest
from test_bluesky_proofs import DID, Signer

from archiver.errors import ParseError, ProofError
from archiver.platforms.bluesky import dag, keys, plc
from archiver.platforms.fields import load


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Log:
    """An audit log of the test: operations in order, each signed by the key that is given."""

    def __init__(self) -> None:
        self.did, self.entries = "", []

    def operate(self, operation: dict[str, Any], by: Signer, at: str, prev: str | None = None) -> str:
        unsigned = operation | {"prev": prev}
        signed = unsigned | {"sig": base64url(by.sign(libipld.encode_dag_cbor(unsigned)))}
        block = libipld.encode_dag_cbor(signed)
        if not self.entries:
            self.did = "did:plc:" + base64.b32encode(hashlib.sha256(block).digest()).decode().lower()[:24]
        entry = {"did": self.did, "operation": signed, "cid": dag.cid_of(block), "nullified": False, "createdAt": at}
        self.entries.append(entry)
        return str(entry["cid"])

    def verify(self, did: str = "") -> plc.PlcLog:
        return plc.verify_log(load(json.dumps(self.entries).encode()), did or self.did)


MASTER, HOST, SIGNING = Signer(11), Signer(12, "p256"), Signer(13)


def operation(handle: str = "alice.example", **changes: Any) -> dict[str, Any]:
    return {
        "type": "plc_operation",
        "rotationKeys": [MASTER.did_key, HOST.did_key],
        "verificationMethods": {"atproto": SIGNING.did_key},
        "alsoKnownAs": [f"at://{handle}"],
        "services": {"atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": "https://pds.example"}},
    } | changes


CREATE = {
    "type": "create",
    "signingKey": HOST.did_key,
    "recoveryKey": MASTER.did_key,
    "handle": "alice.example",
    "service": "https://pds.example",
}


def test_a_log_is_verified_to_its_head() -> None:
    log = Log()
    first = log.operate(operation(), HOST, "2023-01-01T00:00:00.000Z")
    log.operate(operation("desk.example"), HOST, "2023-01-02T00:00:00.000Z", first)
    state = log.verify()
    assert (state.operations, state.nullified, state.handle) == (2, 0, "desk.example")
    assert keys.PublicKey.parse(state.key) == SIGNING.key
    assert state.pds == "https://pds.example"


def test_the_old_create_operation_starts_a_log_but_does_not_continue_one() -> None:
    log = Log()
    first = log.operate(CREATE, MASTER, "2022-12-01T00:00:00.000Z")
    assert log.verify().key == HOST.did_key
    log.operate(operation(), HOST, "2022-12-02T00:00:00.000Z", first)
    assert log.verify().key == SIGNING.did_key
    log.operate(CREATE, MASTER, "2022-12-03T00:00:00.000Z", str(log.entries[-1]["cid"]))
    with pytest.raises(ProofError, match="not allowed"):
        log.verify()


def recovery(*, by: Signer, at: str) -> Log:
    log = Log()
    first = log.operate(operation(), HOST, "2023-01-01T00:00:00.000Z")
    log.operate(operation("taken.example"), HOST, "2023-01-02T00:00:00.000Z", first)
    log.entries[-1]["nullified"] = True
    log.operate(operation("back.example"), by, at, first)
    return log


def test_a_higher_key_rewrites_history_within_72_hours() -> None:
    state = recovery(by=MASTER, at="2023-01-04T23:59:59.000Z").verify()
    assert (state.operations, state.nullified, state.handle) == (3, 1, "back.example")
    with pytest.raises(ProofError, match="window"):
        recovery(by=MASTER, at="2023-01-05T00:00:01.000Z").verify()
    with pytest.raises(ProofError, match="authority"):
        recovery(by=HOST, at="2023-01-03T00:00:00.000Z").verify()


def test_a_tombstone_ends_a_log_and_nothing_follows_it() -> None:
    log = Log()
    first = log.operate(operation(), HOST, "2023-01-01T00:00:00.000Z")
    last = log.operate({"type": "plc_tombstone"}, MASTER, "2023-01-02T00:00:00.000Z", first)
    state = log.verify()
    assert (state.tombstone, state.key, state.pds) == (True, "", "")
    log.operate(operation(), MASTER, "2023-01-03T00:00:00.000Z", last)
    with pytest.raises(ProofError, match="no rotation key"):
        log.verify()


def test_a_tampered_log_is_refused() -> None:
    def fresh() -> Log:
        log = Log()
        first = log.operate(operation(), HOST, "2023-01-01T00:00:00.000Z")
        log.operate(operation("desk.example"), HOST, "2023-01-02T00:00:00.000Z", first)
        return log

    def recomputed(log: Log) -> None:
        log.entries[1]["cid"] = dag.record_cid(log.entries[1]["operation"])

    log = fresh()
    with pytest.raises(ProofError, match="another DID"):
        log.verify("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")
    for place in (0, 1):
        log = fresh()
        log.entries[place]["operation"]["alsoKnownAs"] = ["at://eve.example"]
        with pytest.raises(ProofError, match="another CID"):
            log.verify()
    log = fresh()
    log.entries[1]["operation"]["alsoKnownAs"] = ["at://eve.example"]
    recomputed(log)
    with pytest.raises(ProofError, match="no rotation key"):
        log.verify()
    log = fresh()
    log.entries[0]["operation"]["alsoKnownAs"] = ["at://eve.example"]
    log.entries[0]["cid"] = dag.record_cid(log.entries[0]["operation"])
    with pytest.raises(ProofError, match="hash of the genesis"):
        log.verify()
    for change in ("=", "A"):
        log = fresh()
        log.entries[1]["operation"]["sig"] += change
        recomputed(log)
        with pytest.raises(ProofError, match="base64url"):
            log.verify()
    log = fresh()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    signature = log.entries[1]["operation"]["sig"]
    loose = alphabet[alphabet.index(signature[-1]) ^ 1]
    log.entries[1]["operation"]["sig"] = signature[:-1] + loose
    recomputed(log)
    with pytest.raises(ProofError, match="loose"):
        log.verify()
    log = fresh()
    log.entries[1]["nullified"] = True
    with pytest.raises(ProofError, match="flagged"):
        log.verify()
    log = fresh()
    log.entries.reverse()
    with pytest.raises(ProofError, match="genesis"):
        log.verify()
    log = fresh()
    log.entries[1]["createdAt"] = "2022-01-01T00:00:00.000Z"
    with pytest.raises(ProofError, match="order"):
        log.verify()
    log = fresh()
    del log.entries[0]
    with pytest.raises(ProofError, match="genesis"):
        log.verify()
    log.entries.clear()
    with pytest.raises(ProofError, match="empty"):
        log.verify()
    log = Log()
    log.operate(operation(), SIGNING, "2023-01-01T00:00:00.000Z")
    with pytest.raises(ProofError, match="no rotation key"):
        log.verify()
    log = Log()
    log.operate({"type": "plc_tombstone"}, MASTER, "2023-01-01T00:00:00.000Z")
    with pytest.raises(ProofError, match="not allowed"):
        log.verify()


def document(did: str, **changes: Any) -> dict[str, Any]:
    method = {"id": f"{did}#atproto", "type": "Multikey", "controller": did, "publicKeyMultibase": SIGNING.multibase}
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example/"}
    return {
        "id": did,
        "alsoKnownAs": ["https://alice.example", "at://Alice.example"],
        "verificationMethod": [method | {"id": f"{did}#other"}, method],
        "service": [service | {"id": "#labeler"}, service],
    } | changes


def read_document(value: dict[str, Any]) -> plc.DidDocument:
    return plc.read_document(load(json.dumps(value).encode()), DID)


def test_a_did_document_gives_handle_key_and_host() -> None:
    read = read_document(document(DID))
    assert (read.handle, read.pds) == ("alice.example", "https://pds.example")
    assert keys.from_multibase(read.key_type, read.key) == SIGNING.key
    with pytest.raises(ParseError) as error:
        read_document(document("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"))
    assert error.value.pointer == "/id"


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://pds.example", "https://user@pds.example", "https://pds.example/x", "https://", "https://[", "https://a:b"],
)
def test_a_host_that_is_no_origin_is_not_used(endpoint: str) -> None:
    value = document(DID)
    value["service"][1]["serviceEndpoint"] = endpoint
    assert read_document(value).pds == ""
