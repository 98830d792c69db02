"""Proofs: what verifies, and each way of tampering that must be refused. Repository, keys and logs are made here."""

import base64
import hashlib
from itertools import pairwise
from typing import Any

import libipld
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.errors import ProofError
from archiver.platforms.bluesky import dag, keys, proof

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
REV = "3kaheyt6vpc22"
COLLECTION = "app.bsky.feed.post"
CURVES = {"secp256k1": ec.SECP256K1(), "p256": ec.SECP256R1()}
PREFIX = {"secp256k1": b"\xe7\x01", "p256": b"\x80\x24"}


class Signer:
    """A key pair of the test, always the same for a number."""

    def __init__(self, number: int, curve: str = "secp256k1") -> None:
        self.curve, self.private = curve, ec.derive_private_key(number + 10**40, CURVES[curve])
        self.order = keys._ORDERS[curve]

    def point(self, form: PublicFormat) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, form)

    @property
    def multibase(self) -> str:
        prefixed = PREFIX[self.curve] + self.point(PublicFormat.CompressedPoint)
        return str(libipld.encode_multibase("z", prefixed))

    @property
    def did_key(self) -> str:
        return f"did:key:{self.multibase}"

    @property
    def key(self) -> keys.PublicKey:
        return keys.from_multibase("Multikey", self.multibase)

    def sign(self, message: bytes, *, high: bool = False) -> bytes:
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        if (s > self.order // 2) is not high:
            s = self.order - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def link(block: bytes) -> bytes:
    return dag.RECORD + hashlib.sha256(block).digest()


class Repository:
    """A signed repository: every block of it, so that tests can take some away."""

    def __init__(self, records: dict[str, Any], signer: Signer, did: str = DID, **commit: Any) -> None:
        self.blocks: dict[bytes, bytes] = {}
        items = sorted((key.encode(), self.add(value)) for key, value in records.items())
        top = max((proof.key_layer(key) for key, _ in items), default=0)
        data = self.tree(items, top) or self.add({"l": None, "e": []})
        self.nodes = list(self.blocks)[len(items) :]
        unsigned = {"did": did, "version": 3, "rev": REV, "prev": None, "data": data} | commit
        self.root = self.add(unsigned | {"sig": signer.sign(libipld.encode_dag_cbor(unsigned))})

    def add(self, value: Any) -> bytes:
        block = libipld.encode_dag_cbor(value)
        self.blocks[link(block)] = block
        return link(block)

    def tree(self, items: list[tuple[bytes, bytes]], layer: int) -> bytes | None:
        if not items:
            return None
        places = [index for index, (key, _) in enumerate(items) if proof.key_layer(key) == layer]
        entries, previous = [], b""
        for place, end in pairwise([*places, len(items)]):
            key, value = items[place]
            shared = next((n for n in range(len(key)) if key[: n + 1] != previous[: n + 1]), len(key))
            right = self.tree(items[place + 1 : end], layer - 1)
            entries.append({"p": shared, "k": key[shared:], "v": value, "t": right})
            previous = key
        left = self.tree(items[: places[0]] if places else items, layer - 1)
        return self.add({"l": left, "e": entries})

    def car(self, *, root: bytes | None = None, without: bytes = b"") -> bytes:
        header = libipld.encode_dag_cbor({"version": 1, "roots": [root or self.root]})
        parts = [cid + block for cid, block in self.blocks.items() if cid != without]
        return b"".join(varint(len(part)) + part for part in [header, *parts])


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def rewritten(repository: Repository, old: bytes, new: bytes) -> bytes:
    """The CAR after a change of bytes, with every CID up to the root recomputed: only the signature is not."""
    blocks, root = dict(repository.blocks), repository.root
    changes = {old: new}
    while changes:
        following: dict[bytes, bytes] = {}
        for cid, block in list(blocks.items()):
            changed = block
            for before, after in changes.items():
                changed = changed.replace(before, after)
            if changed != block:
                del blocks[cid]
                blocks[link(changed)] = changed
                following[cid] = link(changed)
        root, changes = following.get(root, root), following
    other = Repository.__new__(Repository)
    other.blocks, other.root = blocks, root
    return other.car()


def post(text: str) -> dict[str, Any]:
    return {"$type": COLLECTION, "text": text, "createdAt": "2024-05-01T10:00:00.000Z"}


RECORDS = {f"{COLLECTION}/3kaheyt6vpc{a}{b}": post(f"Words {a}{b}") for a in "234567" for b in "abcdefgh"}
KEY = f"{COLLECTION}/3kaheyt6vpc3d"
RKEY = KEY.rpartition("/")[2]


def verify(car: bytes, key: keys.PublicKey, *, did: str = DID, rkey: str = RKEY) -> proof.Proven:
    return proof.verify_record(car, did=did, collection=COLLECTION, rkey=rkey, key=key)


def outcome(car: bytes, key: keys.PublicKey, rkey: str) -> proof.Proven | str:
    try:
        return verify(car, key, rkey=rkey)
    except ProofError as error:
        return str(error)


@pytest.fixture(params=["secp256k1", "p256"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer(1, request.param)


def test_presence_of_each_record_is_proved(signer: Signer) -> None:
    repository = Repository(RECORDS, signer)
    assert len(repository.nodes) > 5
    for key, record in RECORDS.items():
        proven = verify(repository.car(), signer.key, rkey=key.rpartition("/")[2])
        assert proven.record is not None
        assert dag.to_json(dag.decode(proven.record)) == record
        assert proven.cid == dag.record_cid(record)
        assert (proven.commit, proven.rev) == (dag.cid_text(repository.root), REV)


@pytest.mark.parametrize("rkey", ["222", "3kaheyt6vpc3dd", "3kaheyt6vpc5", "zzz"])
def test_absence_is_proved(signer: Signer, rkey: str) -> None:
    proven = verify(Repository(RECORDS, signer).car(), signer.key, rkey=rkey)
    assert proven.cid is proven.record is None


def test_absence_from_an_empty_repository_is_proved(signer: Signer) -> None:
    assert verify(Repository({}, signer).car(), signer.key).cid is None


@pytest.mark.parametrize("rkey", [RKEY, "3kaheyt6vpc3dd"])
def test_a_node_taken_away_never_changes_the_answer(signer: Signer, rkey: str) -> None:
    repository = Repository(RECORDS, signer)
    whole = verify(repository.car(), signer.key, rkey=rkey)
    answers = [outcome(repository.car(without=cid), signer.key, rkey) for cid in repository.blocks]
    refused = [answer for answer in answers if isinstance(answer, str)]
    assert all("missing" in reason for reason in refused)
    assert all(answer == whole for answer in answers if not isinstance(answer, str))
    assert len(refused) >= (3 if rkey == RKEY else 2)


def test_tampering_is_refused(signer: Signer) -> None:
    repository = Repository(RECORDS, signer)
    car, key, stranger = repository.car(), signer.key, Signer(2, signer.curve)
    other_curve = Signer(1, "p256" if signer.curve == "secp256k1" else "secp256k1")
    commit = libipld.decode_dag_cbor(repository.blocks[repository.root])
    signature = commit["sig"]
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    twin = signature[:32] + (signer.order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    node = repository.nodes[-1]
    tampered: dict[str, tuple[bytes, keys.PublicKey, str]] = {
        "does not match its CID": (car.replace(b"Words 3d", b"Words 3D"), key, DID),
        "does not verify": (rewritten(repository, b"Words 3d", b"Words 3D"), key, DID),
        "flipped": (rewritten(repository, signature, flipped), key, DID),
        "high-S": (rewritten(repository, signature, twin), key, DID),
        "cut within a block": (car[:-10], key, DID),
        "another account": (car, key, "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"),
        "another key": (car, stranger.key, DID),
        "another curve": (car, other_curve.key, DID),
        "not a commit": (repository.car(root=node), key, DID),
        "is missing": (repository.car(without=repository.root), key, DID),
        "not a CARv1": (varint(1) + b"\xa0", key, DID),
        "not DAG-CBOR": (b"", key, DID),
    }
    for reason, (data, public, did) in tampered.items():
        expected = "does not verify" if reason in {"flipped", "another key", "another curve"} else reason
        expected = "cut within a length" if reason == "not DAG-CBOR" else expected
        with pytest.raises(ProofError, match=expected):
            verify(data, public, did=did)
    for size in range(len(car)):
        if size % 37 == 0:
            with pytest.raises(ProofError):
                verify(car[:size], key)


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        ({"version": 2}, "version 3"),
        ({"did": 5}, "another account"),
        ({"rev": "now"}, "not a TID"),
        ({"rev": None}, "not a TID"),
        ({"data": None}, "not a link"),
        ({"data": b"short"}, "not a link"),
        ({"data": dag.BLOB + bytes(32)}, "not a link"),
    ],
)
def test_a_signed_commit_of_another_shape_is_refused(commit: dict[str, Any], reason: str) -> None:
    signer = Signer(1)
    with pytest.raises(ProofError, match=reason):
        verify(Repository(RECORDS, signer, **commit).car(), signer.key)


def entry(key: bytes, **changes: Any) -> dict[str, Any]:
    return {"p": 0, "k": key, "v": dag.RECORD + bytes(32), "t": None} | changes


LOW = sorted(key for n in range(200) if proof.key_layer(key := f"a.b/{n}".encode()) == 0)[:4]
HIGH = max(key for n in range(200) if proof.key_layer(key := f"a.b/{n}".encode()) == 1)


@pytest.mark.parametrize(
    "node",
    [
        [],
        {"l": None},
        {"l": None, "e": {}},
        {"l": 1, "e": []},
        {"l": b"x", "e": []},
        {"l": None, "e": [1]},
        {"l": None, "e": [{"p": 0, "k": LOW[0]}]},
        {"l": None, "e": [entry(LOW[0], p=1)]},
        {"l": None, "e": [entry(LOW[0], p=True)]},
        {"l": None, "e": [entry(LOW[0], k="text")]},
        {"l": None, "e": [entry(LOW[0], v=None)]},
        {"l": None, "e": [entry(LOW[0], t="x")]},
        {"l": None, "e": [entry(LOW[1]), entry(LOW[0])]},
        {"l": None, "e": [entry(LOW[0]), entry(LOW[0])]},
        {"l": None, "e": sorted([entry(LOW[0]), entry(HIGH)], key=lambda item: item["k"])},
    ],
)
def test_a_signed_tree_of_another_shape_is_refused(node: Any) -> None:
    """The walk trusts no node: a host that signs for its accounts could sign these too."""
    blocks = {link(block := libipld.encode_dag_cbor(node)): block}
    with pytest.raises(ProofError):
        proof.find(blocks, link(block), b"zzz")


def test_a_child_outside_its_parents_range_is_refused() -> None:
    child = libipld.encode_dag_cbor({"l": None, "e": [entry(LOW[0])]})
    parent = libipld.encode_dag_cbor({"l": None, "e": [entry(HIGH, t=link(child))]})
    blocks = {link(child): child, link(parent): parent}
    assert LOW[0] < HIGH
    with pytest.raises(ProofError, match="out of order"):
        proof.find(blocks, link(parent), b"zzz")


@pytest.mark.parametrize(
    "block", [b"\x18\x01", b"\xa2ab\x01aa\x02", b"\xbf\xff", b"\x81" * 5000, b"\xfb\x7f\xf8" + bytes(6)]
)
def test_blocks_that_are_not_canonical_are_refused(block: bytes) -> None:
    with pytest.raises(ProofError):
        dag.decode(block)


def test_bytes_that_read_as_a_cid_are_not_taken_for_a_link() -> None:
    """The library decodes both alike: such a block is refused, such a JSON value is not hashed."""
    cid = dag.RECORD + bytes(32)
    with pytest.raises(ProofError, match="not canonical"):
        dag.decode(b"\x58\x24" + cid)
    with pytest.raises(ProofError, match="reads as a CID"):
        dag.record_cid({"a": {"$bytes": base64.b64encode(cid).decode()}})


@pytest.mark.parametrize("value", [{"a": 1.5}, {"a": {"$link": "x"}}, {"a": {"$bytes": "?"}}, {"a": "\ud800"}, 1 << 70])
def test_json_outside_the_data_model_has_no_cid(value: Any) -> None:
    with pytest.raises(ProofError):
        dag.record_cid(value)


def test_cid_text_reads_back_and_loose_bits_are_refused() -> None:
    text = dag.cid_of(b"\xa0")
    assert dag.cid_text(dag.cid_bytes(text)) == text
    for wrong in ("", text.upper(), text[:-1], text + "a", text[:-1] + ("b" if text[-1] == "a" else text[-1] + "b")):
        assert not dag.is_cid(wrong)


def test_keys_read_back_and_one_key_is_equal_in_every_form(signer: Signer) -> None:
    assert keys.PublicKey.parse(str(signer.key)) == signer.key
    assert str(signer.key) == signer.did_key
    old = {"secp256k1": "EcdsaSecp256k1VerificationKey2019", "p256": "EcdsaSecp256r1VerificationKey2019"}[signer.curve]
    for form in (PublicFormat.CompressedPoint, PublicFormat.UncompressedPoint):
        bare = libipld.encode_multibase("z", signer.point(form))
        assert keys.from_multibase(old, bare) == signer.key
    for kind, text in [
        ("Multikey", ""),
        ("Multikey", "z"),
        ("Multikey", "m" + signer.multibase[1:]),
        ("Multikey", libipld.encode_multibase("z", b"\xed\x01" + bytes(32))),
        ("Multikey", libipld.encode_multibase("z", PREFIX[signer.curve] + b"\x02" + b"\xff" * 32)),
        ("JsonWebKey2020", signer.multibase),
        (old, signer.multibase),
    ]:
        with pytest.raises(ProofError):
            keys.from_multibase(kind, text)


def test_signatures_other_than_64_low_s_bytes_are_refused(signer: Signer) -> None:
    keys.verify(signer.key, b"words", signer.sign(b"words"))
    der = signer.private.sign(b"words", ec.ECDSA(hashes.SHA256()))
    for wrong in (signer.sign(b"words", high=True), signer.sign(b"other"), der, b"", bytes(64)):
        with pytest.raises(ProofError):
            keys.verify(signer.key, b"words", wrong)


def test_libipld_writes_what_dag_cbor_says() -> None:
    """One value by hand (sorted keys, lengths first), so that signer and verifier are not wrong together."""
    assert libipld.encode_dag_cbor({"bb": 1, "a": "x"}) == b"\xa2\x61a\x61x\x62bb\x01"
