"""The checks of authors' signatures in verify.py, each beside another implementation, and what they must refuse."""

from __future__ import annotations

import ast
import base64
import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libipld
import pytest
import rfc8785
import test_bluesky_plc as plc_tests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bluesky_proofs import (
    COLLECTION,
    DID,
    KEY,
    RECORDS,
    RKEY,
    Repository,
    Signer,
    link,
    post,
    rewritten,
)

from archiver.bundle import shell, verify_curves, verify_objects, verify_repo
from archiver.bundle.verify_files import Refused
from archiver.errors import ParseError, ProofError
from archiver.platforms.bluesky import dag, proof
from archiver.platforms.fields import load
from tests import noding

CURVES = {"secp256k1": ec.SECP256K1(), "p256": ec.SECP256R1()}


def test_no_name_of_one_part_hides_that_of_another() -> None:
    """verify.py is put together of its parts: what each defines at its top stands beside what the others do."""
    tops = [
        target.id
        for node in ast.parse(shell.verifier()).body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in ast.walk(node)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    ]
    assert len(tops) > 40
    assert sorted(set(tops)) == sorted(tops)


def signer_of(made: Signer) -> verify_curves.Signer:
    return verify_curves.signer_of("Multikey", made.multibase)


# ---- curves ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES)
def test_signatures_are_judged_as_openssl_judges_them(curve: str) -> None:
    chance, order, judged = random.Random(7), Signer(1, curve).order, 0
    for number in range(12):
        made, message = Signer(number, curve), chance.randbytes(number * 9)
        key, good = signer_of(made), made.sign(message)
        assert str(key) == made.did_key
        key.check(message, good)
        r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
        others = [(r ^ 1 << chance.randrange(255), s), (r, s ^ 1 << chance.randrange(250)), (s, r), (0, s), (r, 0),
                  (order, s), (r, order // 2), (1, 1), (r + 1, s)]  # fmt: skip
        for one, two in others:
            if not two <= order // 2 or max(one, two).bit_length() > 256:
                continue
            try:
                made.private.public_key().verify(encode_dss_signature(one, two), message, ec.ECDSA(hashes.SHA256()))
            except InvalidSignature:
                judged += 1
                with pytest.raises(Refused, match="does not verify"):
                    key.check(message, one.to_bytes(32, "big") + two.to_bytes(32, "big"))
        for wrong in (message + b"x", b""):
            if wrong != message:
                with pytest.raises(Refused, match="does not verify"):
                    key.check(wrong, good)
        with pytest.raises(Refused, match="high-S"):
            key.check(message, made.sign(message, high=True))
        with pytest.raises(Refused, match="63 bytes"):
            key.check(message, good[1:])
        with pytest.raises(Refused, match="does not verify"):
            signer_of(Signer(number + 1, curve)).check(message, good)
    assert judged > 60


@pytest.mark.parametrize("curve", [verify_curves.K1, verify_curves.R1])
def test_points_of_the_curve(curve: verify_curves.Curve) -> None:
    base, order = curve.base, curve.order
    assert verify_curves.combined(curve, 1, 0, base) == base
    assert verify_curves.combined(curve, order, 0, base) is None
    assert verify_curves.combined(curve, order - 1, 1, base) is None
    assert verify_curves.combined(curve, 1, 1, base) == verify_curves.combined(curve, 2, 0, base)
    minus = verify_curves.combined(curve, order - 1, 0, base)
    assert minus == (base[0], curve.field - base[1])
    assert verify_curves.lifted(curve, base[0], base[1] & 1) == base
    with pytest.raises(Refused, match="not a point"):
        verify_curves.lifted(curve, curve.field + 1, 0)
    private = ec.derive_private_key(123456789, CURVES[curve.name]).public_key().public_numbers()
    assert verify_curves.combined(curve, 123456789, 0, base) == (private.x, private.y)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("Multikey", "m123", "not base58"),
        ("Multikey", "z0OIl", "not base58"),
        ("Multikey", "z" + "1" * 300, "not base58"),
        ("Multikey", "z6Mkmdz3uMkqo3Tg23bkeVephyCbCWZZLZw5GjwRhhG4eJzx", "is not known"),
        ("Other", "z11", "is not known"),
        ("EcdsaSecp256k1VerificationKey2019", "z" + "2" * 44, "is not known"),
    ],
)
def test_keys_that_are_none_are_refused(kind: str, text: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        verify_curves.signer_of(kind, text)


def test_old_documents_write_the_bare_point() -> None:
    from cryptography.hazmat.primitives.serialization import PublicFormat

    made = Signer(3)
    for form in (PublicFormat.CompressedPoint, PublicFormat.UncompressedPoint):
        text = str(libipld.encode_multibase("z", made.point(form)))
        assert str(verify_curves.signer_of("EcdsaSecp256k1VerificationKey2019", text)) == made.did_key


# ---- DAG-CBOR -------------------------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_dag_cbor_is_written_and_read_as_another_library_does(value: Any) -> None:
    block = libipld.encode_dag_cbor(value)
    assert verify_repo.cbor(value) == block
    assert verify_repo.uncbor(block) == value


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40) | PLAIN.map(libipld.encode_dag_cbor).flatmap(lambda data: st.just(data + b"\0")))
def test_what_is_not_canonical_is_refused(block: bytes) -> None:
    try:
        value = verify_repo.uncbor(block)
    except Refused:
        return
    assert verify_repo.cbor(value) == block
    dag.decode(block)  # the archive's own reader takes it, too


def test_links_are_told_from_bytes() -> None:
    cid = verify_repo.cid_of(b"block")
    assert verify_repo.uncbor(verify_repo.cbor({"a": cid, "b": bytes(cid)})) == {"a": cid, "b": bytes(cid)}
    assert type(verify_repo.uncbor(verify_repo.cbor([cid]))[0]) is verify_repo.Cid
    assert str(cid) == dag.cid_of(b"block")
    for deep in (b"\x81" * 5000 + b"\x01", b"\x9b" + b"\xff" * 8, b"\x5b" + b"\xff" * 8, b"\xd8\x2a\x41\x01", b"\xf7"):
        with pytest.raises(Refused):
            verify_repo.uncbor(deep)


# ---- repositories ---------------------------------------------------------------------------------------------------


def both(car: bytes, made: Signer, *, did: str = DID, rkey: str = RKEY) -> tuple[str, str]:
    """What verify.py and the archive say of a CAR: what it proves, or that it is refused."""
    try:
        found = verify_repo.check_record(car, did, f"{COLLECTION}/{rkey}", signer_of(made))
        ours = f"{found.commit} {found.rev} {found.cid} {found.record!r}"
    except Refused as error:
        ours = f"REFUSED {error}"
    try:
        proven = proof.verify_record(car, did=did, collection=COLLECTION, rkey=rkey, key=made.key)
        theirs = f"{proven.commit} {proven.rev} {proven.cid} {proven.record!r}"
    except ProofError as error:
        theirs = f"REFUSED {error}"
    return ours, theirs


@pytest.fixture(scope="module", params=["secp256k1", "p256"])
def made(request: pytest.FixtureRequest) -> Signer:
    return Signer(1, request.param)


def test_each_record_and_each_absence_is_proved(made: Signer) -> None:
    repository = Repository(RECORDS, made)
    car = repository.car()
    for name in [*sorted(RECORDS)[::9], f"{COLLECTION}/3zzzzzzzzzzzz", f"{COLLECTION}/2222222222222"]:
        ours, theirs = both(car, made, rkey=name.rpartition("/")[2])
        assert ours == theirs
        assert (" None None" in ours) == (name not in RECORDS)


def refused(car: bytes, made: Signer, told: str, **other: str) -> None:
    ours, theirs = both(car, made, **other)
    assert ours.startswith("REFUSED")
    assert theirs.startswith("REFUSED")
    assert told in ours, ours


def test_tampered_repositories_are_refused_by_name(made: Signer) -> None:
    repository = Repository(RECORDS, made)
    car, record = repository.car(), libipld.encode_dag_cbor(RECORDS[KEY])
    refused(rewritten(repository, b"Words 3d", b"Words 3e"), made, "the signature does not verify")
    refused(car.replace(b"Words 3d", b"Words 3e"), made, "does not match its CID")
    refused(car, Signer(2, made.curve), "the signature does not verify")
    refused(car, made, "another account's", did="did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")
    refused(repository.car(without=link(record)), made, "the record's block is missing")
    refused(repository.car(without=repository.root), made, "the commit's block is missing")
    path = [cid for cid in repository.nodes if "REFUSED" in both(repository.car(without=cid), made)[0]]
    assert path
    refused(repository.car(without=path[-1]), made, "a node of the tree on the path to the key is missing")
    refused(car[:-1], made, "cut within a block")
    refused(repository.car(root=link(record)), made, "not a commit of version 3")
    refused(Repository(RECORDS, made, version=2).car(), made, "not a commit of version 3")
    refused(Repository(RECORDS, made, rev="now").car(), made, "not a TID")
    refused(b"", made, "not DAG-CBOR")
    other = Repository(RECORDS | {KEY: post("Other words")}, Signer(2, made.curve))
    refused(other.car(), made, "the signature does not verify")


def test_no_flipped_bit_of_a_small_repository_goes_unnoticed(made: Signer) -> None:
    """Each byte of it, one after the other: whatever still verifies proves the same record of the same commit."""
    repository = Repository({KEY: RECORDS[KEY], f"{COLLECTION}/3kaheyt6vpc2a": post("x")}, made)
    car, kept = repository.car(), 0
    whole = both(car, made)[0]
    for place in range(len(car)):
        ours = both(car[:place] + bytes([car[place] ^ 1 << place % 8]) + car[place + 1 :], made)
        if place % 7 == 0:
            assert ours[0].startswith("REFUSED") == ours[1].startswith("REFUSED"), place
        kept += ours[0] == whole
        assert ours[0] == whole or ours[0].startswith("REFUSED"), place
    assert kept == 0, "a byte that is not covered"


def trees() -> Iterator[tuple[str, Any]]:
    """Trees that are signed, and that break the rules by which absence is proved."""
    made, block = Signer(1), libipld.encode_dag_cbor(post("x"))
    entry = {"p": 0, "k": KEY.encode(), "v": link(block), "t": None}
    deep = next(name for name in RECORDS if proof.key_layer(name.encode()) != proof.key_layer(KEY.encode()))
    second = {"p": 0, "k": deep.encode(), "v": link(block), "t": None}
    pair = sorted([entry, second], key=lambda one: one["k"])
    for told, node in (
        ("out of order", {"l": None, "e": [entry, entry]}),
        ("the wrong layer", {"l": None, "e": pair}),
        ("a key of the tree is malformed", {"l": None, "e": [entry | {"p": 5}]}),
        ("an entry of the tree is malformed", {"l": None, "e": [{"p": 0}]}),
        ("not a link", {"l": None, "e": [entry | {"v": b"x"}]}),
        ("not a link", {"l": b"x", "e": [entry]}),
        ("not a node", {"l": None, "e": 7}),
        ("not a node", [1]),
    ):
        repository = Repository({}, made)
        data = repository.add(node)
        unsigned = {"did": DID, "version": 3, "rev": "3kaheyt6vpc22", "prev": None, "data": data}
        repository.root = repository.add(unsigned | {"sig": made.sign(libipld.encode_dag_cbor(unsigned))})
        repository.add(post("x"))
        yield told, repository.car()


def test_trees_that_break_the_rules_are_refused() -> None:
    for told, car in trees():
        refused(car, Signer(1), told)


def node_says(cars: list[tuple[bytes, Signer, str, str]]) -> list[str]:
    jobs = [
        {"do": "repository", "car": base64.b64encode(car).decode(), "did": did, "name": name, "key": made.multibase}
        for car, made, did, name in cars
    ]
    return [f"REFUSED {one['refused']}" if isinstance(one, dict) else str(one) for one in noding.ran(jobs)]


def test_the_report_judges_repositories_alike(made: Signer) -> None:
    """Its code, run by Node, over sound repositories and each tampered twin, with the same words for refusals."""
    repository = Repository(RECORDS, made)
    car, record = repository.car(), libipld.encode_dag_cbor(RECORDS[KEY])
    cases = [(car, made, DID, name) for name in [*sorted(RECORDS)[::9], f"{COLLECTION}/3zzzzzzzzzzzz"]]
    cases += [
        (tampered, by, did, KEY)
        for tampered, by, did in [
            (rewritten(repository, b"Words 3d", b"Words 3e"), made, DID),
            (car.replace(b"Words 3d", b"Words 3e"), made, DID),
            (car, Signer(2, made.curve), DID),
            (car, made, "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"),
            (repository.car(without=link(record)), made, DID),
            (repository.car(without=repository.root), made, DID),
            (car[:-1], made, DID),
            (repository.car(root=link(record)), made, DID),
            (Repository(RECORDS, made, version=2).car(), made, DID),
            (Repository(RECORDS, made, rev="now").car(), made, DID),
            *((repository.car(without=cid), made, DID) for cid in repository.nodes),
            *((broken, Signer(1), DID) for _, broken in trees()),
        ]
    ]
    small = Repository({KEY: RECORDS[KEY], f"{COLLECTION}/3kaheyt6vpc2a": post("x")}, made).car()
    flips = range(0, len(small), 11)
    cases += [(small[:at] + bytes([small[at] ^ 4]) + small[at + 1 :], made, DID, KEY) for at in flips]
    differing = []
    for (tampered, by, did, name), theirs in zip(cases, node_says(cases), strict=True):
        try:
            found = verify_repo.check_record(tampered, did, name, signer_of(by))
            record_hex = found.record and found.record.hex()
            ours = str([str(found.commit), found.cid and str(found.cid), record_hex])
        except Refused as error:
            ours = f"REFUSED {error}"
        if ours != theirs:
            differing.append((ours, theirs))
    # Which of two faults of one broken block is named first may differ, and what a library says of broken bytes.
    assert all(ours.startswith("REFUSED") and theirs.startswith("REFUSED") for ours, theirs in differing), differing
    assert len(differing) < len(cases) // 4, differing


# ---- the log of a did:plc -------------------------------------------------------------------------------------------


def logs() -> Iterator[tuple[str, Any, str]]:
    """Logs of the archive's own tests: sound ones, and each way in which one is wrong."""
    master, host, signing = plc_tests.MASTER, plc_tests.HOST, plc_tests.SIGNING

    def fresh() -> plc_tests.Log:
        log = plc_tests.Log()
        first = log.operate(plc_tests.operation(), host, "2023-01-01T00:00:00.000Z")
        log.operate(plc_tests.operation("desk.example"), host, "2023-01-02T00:00:00.000Z", first)
        return log

    log = fresh()
    yield "", log.entries, log.did
    old = plc_tests.Log()
    first = old.operate(plc_tests.CREATE, master, "2022-12-01T00:00:00.000Z")
    yield "", list(old.entries), old.did
    old.operate(plc_tests.operation(), host, "2022-12-02T00:00:00.000Z", first)
    yield "", list(old.entries), old.did
    old.operate(plc_tests.CREATE, master, "2022-12-03T00:00:00.000Z", str(old.entries[-1]["cid"]))
    yield "not allowed there", old.entries, old.did
    taken = plc_tests.recovery(by=master, at="2023-01-04T23:59:59.000Z")
    yield "", taken.entries, taken.did
    late = plc_tests.recovery(by=master, at="2023-01-05T00:00:01.000Z")
    yield "after the recovery window", late.entries, late.did
    weak = plc_tests.recovery(by=host, at="2023-01-03T00:00:00.000Z")
    yield "no higher authority", weak.entries, weak.did
    unflagged = plc_tests.recovery(by=master, at="2023-01-03T00:00:00.000Z")
    unflagged.entries[1]["nullified"] = False
    yield "flagged as nullified", unflagged.entries, unflagged.did
    stranger = plc_tests.Log()
    first = stranger.operate(plc_tests.operation(), host, "2023-01-01T00:00:00.000Z")
    stranger.operate(plc_tests.operation("taken.example"), signing, "2023-01-02T00:00:00.000Z", first)
    yield "signed by no rotation key", stranger.entries, stranger.did
    gone = plc_tests.Log()
    first = gone.operate(plc_tests.operation(), host, "2023-01-01T00:00:00.000Z")
    last = gone.operate({"type": "plc_tombstone"}, master, "2023-01-02T00:00:00.000Z", first)
    yield "", list(gone.entries), gone.did
    gone.operate(plc_tests.operation(), master, "2023-01-03T00:00:00.000Z", last)
    yield "signed by no rotation key", gone.entries, gone.did

    def change(told: str, place: int, *path: str, to: Any) -> tuple[str, Any, str]:
        log = fresh()
        entries = json.loads(json.dumps(log.entries))
        target = entries[place]
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = to
        if path[0] == "operation":
            block = libipld.encode_dag_cbor(entries[place]["operation"])
            entries[place]["cid"] = dag.cid_of(block)
        return told, entries, log.did

    yield change("under another CID", 1, "cid", to="bafyreiaaaa")
    yield change("another DID", 1, "did", to="did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")
    yield change("out of order", 1, "createdAt", to="2022-01-01T00:00:00.000Z")
    yield change("flagged as nullified", 1, "nullified", to=True)
    yield change("signed by no rotation key", 1, "operation", "alsoKnownAs", to=["at://other.example"])
    yield change("not the hash of the genesis", 0, "operation", "alsoKnownAs", to=["at://other.example"])
    yield change("does not follow a valid one", 1, "operation", "prev", to="bafyreiaaaa")
    yield change("unpadded base64url", 1, "operation", "sig", to="AAAA")
    yield change("not a log", 1, "createdAt", to=7)
    yield change("not in UTC", 1, "createdAt", to="yesterday")
    yield "not start with a genesis", log.entries[1:], log.did
    yield "the log is empty", [], log.did
    yield "not a log", {"a": 1}, log.did
    yield "not the hash of the genesis", [one | {"did": "did:plc:aaaa"} for one in log.entries], "did:plc:aaaa"


def test_logs_are_judged_as_the_archive_and_the_report_judge_them() -> None:
    sound, cases = 0, list(logs())
    pages = noding.ran([{"do": "plc", "log": entries, "did": did} for _, entries, did in cases])
    for (told, entries, did), page in zip(cases, pages, strict=True):
        try:
            branch = verify_repo.check_plc(entries, did)
            ours = f"{branch[-1].key} {branch[-1].host}"
        except Refused as error:
            ours = f"REFUSED {error}"
        try:
            state = plc_tests.plc.verify_log(load(json.dumps(entries).encode()), did)
            theirs = f"{state.key} {state.pds}"
        except (ProofError, ParseError):
            theirs = "REFUSED"
        if told:
            assert told in ours, ours
            assert theirs == "REFUSED", told
            assert told in page["refused"], (told, page)
        else:
            assert ours == theirs
            assert page == ours.partition(" ")[0]
            sound += 1
    assert sound == 5


# ---- JSON that is signed --------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20))
def test_json_has_its_one_canonical_form(value: Any) -> None:
    assert verify_objects.jcs({"b": [value], "a": {"é": value, "\ue000": None, "𝄞": True}}).encode() == rfc8785.dumps(
        {"b": [value], "a": {"é": value, "\ue000": None, "𝄞": True}}
    )


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800", {"\udc00": 1}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match="no canonical form"):
        verify_objects.jcs([value])


VECTORS = """
F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9,0000000000000000000000000000000000000000000000000000000000000000,E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA821525F66A4A85EA8B71E482A74F382D2CE5EBEEE8FDB2172F477DF4900D310536C0,TRUE
DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659,243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89,6896BD60EEAE296DB48A229FF71DFE071BDE413E6D43F917DC8DCF8C78DE33418906D11AC976ABCCB20B091292BFF4EA897EFCB639EA871CFA95F6DE339E4B0A,TRUE
DD308AFEC5777E13121FA72B9CC1B7CC0139715309B086C960E18FD969774EB8,7E2D58D8B3BCDF1ABADEC7829054F90DDA9805AAB56C77333024B9D0A508B75C,5831AAEED7B44BB74E5EAB94BA9D4294C49BCF2A60728D8B4C200F50DD313C1BAB745879A5AD954A72C45A91C3A51D3C7ADEA98D82F8481E0E1E03674A6F3FB7,TRUE
DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659,243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89,FFF97BD5755EEEA420453A14355235D382F6472F8568A18B2F057A14602975563CC27944640AC607CD107AE10923D9EF7A73C643E166BE5EBEAFA34B1AC553E2,FALSE
""".strip()  # of https://github.com/bitcoin/bips/blob/master/bip-0340/test-vectors.csv: key, message, signature


def test_schnorr_signatures_of_the_standard() -> None:
    rows = list(csv.reader(VECTORS.split("\n")))
    assert [verify_curves.schnorr(*map(bytes.fromhex, row[:3])) for row in rows] == [row[3] == "TRUE" for row in rows]
    jobs = [{"do": "schnorr", "key": row[0], "message": row[1], "signature": row[2]} for row in rows]
    assert noding.ran(jobs) == [row[3] == "TRUE" for row in rows]
    public, message, signature, _ = rows[1]
    key, said, mark = map(bytes.fromhex, (public, message, signature))
    for place in range(0, 64, 5):
        assert not verify_curves.schnorr(key, said, mark[:place] + bytes([mark[place] ^ 1]) + mark[place + 1 :])
    assert not verify_curves.schnorr(key, said[1:], mark)
    assert not verify_curves.schnorr(b"\xff" * 32, said, mark)
    assert not verify_curves.schnorr(key, said, mark[:32] + b"\xff" * 32)
    assert not verify_curves.schnorr(key, said, b"\xff" * 32 + mark[32:])


# ---- recorded answers -----------------------------------------------------------------------------------------------


@pytest.mark.corpus
def test_recorded_repositories_and_logs_hold(corpus: Path) -> None:
    """Every recorded CAR with the key of the log or document of its account; changed by a byte it is refused."""
    folder, keys = corpus / "atproto", dict[str, verify_curves.Signer]()
    jobs: list[dict[str, Any]] = []
    counted = {"logs": 0, "documents": 0, "present": 0, "absent": 0, "refused": 0}
    for path in sorted(folder.rglob("*.json")):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(document, list) and document and isinstance(document[0], dict) and "operation" in document[0]:
            jobs.append({"do": "plc", "log": document, "did": document[0]["did"]})
            head = verify_repo.check_plc(document, document[0]["did"])[-1]
            counted["logs"] += 1
            if head.key:
                keys[document[0]["did"]] = verify_curves.did_key(head.key)
        elif isinstance(document, dict) and str(document.get("id")).startswith("did:"):
            for method in document.get("verificationMethod", []):
                if method["id"].endswith("#atproto") and document["id"] not in keys:
                    keys[document["id"]] = verify_curves.signer_of(method["type"], method["publicKeyMultibase"])
                    counted["documents"] += 1
    for line in (folder / "MANIFEST.tsv").read_text("utf-8").splitlines():
        name, request, status, *_ = line.split("\t")
        if not name.endswith(".car") or status != "200" or "sync.getRecord" not in request:
            continue
        query = dict(pair.split("=", 1) for pair in request.partition("?")[2].split("&"))
        if query["did"] not in keys:
            continue
        data, what = (folder / name).read_bytes(), f"{query['collection']}/{query['rkey']}"
        found = verify_repo.check_record(data, query["did"], what, keys[query["did"]])
        counted["present" if found.cid else "absent"] += 1
        coded, key = base64.b64encode(data).decode(), str(keys[query["did"]]).partition("did:key:")[2]
        jobs.append({"do": "repository", "car": coded, "did": query["did"], "name": what, "key": key})
        middle = len(data) // 2
        with pytest.raises(Refused):
            verify_repo.check_record(
                data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :], query["did"], what, keys[query["did"]]
            )
        counted["refused"] += 1
    said = noding.ran(jobs)
    assert not [one for one in said if isinstance(one, dict)], "the report refuses what verify.py takes"
    print(counted, f"the report says the same of all {len(said)}")
    assert counted["logs"] >= 1
    assert counted["present"] >= 1


@pytest.mark.corpus
def test_recorded_objects_and_events_hold(corpus: Path) -> None:
    fedify = corpus / "fediverse" / "fedify"
    document = json.loads((fedify / "ap.create.with-integrity-proof.json").read_bytes())
    actor = json.loads((fedify / "ap.actor.json").read_bytes())
    ref = f"fediverse:post:{document['object']['id']}"
    assert verify_objects.check_object(document, actor, ref) == document["proof"]["verificationMethod"]
    for change in ("content", "published"):
        twin = json.loads(json.dumps(document))
        twin["object"][change] += "x"
        with pytest.raises(Refused, match="does not fit"):
            verify_objects.check_object(twin, actor, ref)
    with pytest.raises(Refused, match="what was signed is"):
        verify_objects.check_object(document, actor, ref + "x")
    held = wrong = 0
    for event in events(json.loads((corpus / "fediverse/nostr/relay-answers.json").read_bytes())):
        assert verify_objects.check_event(event, f"nostr:note:{event['id']}") == event["pubkey"]
        held += 1
        for name in ("content", "pubkey", "sig", "id", "created_at"):
            value = event[name]
            twin = event | {
                name: value + "x" if name == "content" else value + 1 if name == "created_at" else other(value)
            }
            with pytest.raises(Refused):
                verify_objects.check_event(twin, f"nostr:note:{twin['id']}")
            wrong += 1
    print(f"1 object, {held} events held, {wrong} tampered ones were refused")
    assert held


def other(digits: str) -> str:
    return digits[:-1] + ("0" if digits[-1] != "0" else "1")


def events(value: Any) -> Iterator[dict[str, Any]]:
    """Every event in a recording, wherever it stands."""
    if isinstance(value, dict):
        if {"id", "pubkey", "sig", "tags"} <= set(value):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from events(item)
