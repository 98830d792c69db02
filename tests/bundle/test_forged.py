"""Bundles by an expert of the other side, who has no key of the log and takes a genuine bundle for his own: whatever
somebody with the true key would believe of them is refused, or told to be the word of nobody."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import making
import pytest

from archiver.bundle import verify, verify_stamps
from archiver.bundle.verify_files import Refused
from archiver.custody import note, timestamp
from archiver.custody.sshsig import allowed_signers, sign
from tests import nostr_made
from tests.custody import authority

THEIRS = bytes([7]) * 32
"""The forger's own key, under the name of the log."""
OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
Index = dict[str, Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.bundle(tmp_path_factory.mktemp("whole") / "bag", cosigned=1772600000)


@pytest.fixture
def bag(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "bag")
    return tmp_path / "bag"


def check(bag: Path, capsys: pytest.CaptureFixture[str], *keys: note.VerifierKey) -> tuple[int, str]:
    given = keys or (making.KEY, making.WITNESS_KEY)
    code = verify.main([str(bag), *(part for key in given for part in ("--key", str(key)))])
    return code, capsys.readouterr().out.replace('\\"', '"')


def retold(bag: Path, change: Callable[[Index], object]) -> None:
    """Another bundle.json, and manifests to match; sealed by the key of the log."""
    index = json.loads((bag / "data/bundle.json").read_text())
    change(index)
    (bag / "data/bundle.json").write_text(json.dumps(index))
    making.again(bag)


def sealed_by(bag: Path, seed: bytes) -> None:
    seal = sign((bag / "tagmanifest-sha256.txt").read_bytes(), seed, "quotechain-bundle")
    (bag / "seal/tagmanifest-sha256.txt.sig").write_text(seal)
    key = note.verifier_key(making.ORIGIN, seed)
    signers = allowed_signers(making.ORIGIN, key.public, namespace="quotechain-bundle")
    (bag / "seal/allowed_signers").write_text(signers)


def signed_too(bag: Path, line: object, key: note.VerifierKey) -> None:
    """One more signature under the genuine head, and its key beside that of the log."""
    head, keys = bag / "data/proofs/checkpoint", bag / "data/proofs/log.vkey"
    head.write_text(f"{head.read_text()}{line}\n")
    keys.write_text(f"{keys.read_text()}{key}\n")


def other_words(index: Index) -> None:
    index["posts"][0]["text"] = index["verdicts"][0]["text"] = "Nobody needs that bridge."
    index["verdicts"][0]["verdict"] = "faithful"


def test_other_words_in_a_bag_whose_seal_was_taken_off_are_nobodys(
    bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retold(bag, other_words)
    shutil.rmtree(bag / "seal")
    code, out = check(bag, capsys)
    assert code == 1, out
    assert "unchecked seal      the bag is not sealed: anybody may have written what no leaf names" in out


def test_a_head_that_the_forger_signed_beside_the_log_makes_him_no_keeper(
    bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = note.SignedNote.parse((bag / "data/proofs/checkpoint").read_text()).text
    signed_too(bag, note.sign(text, making.ORIGIN, THEIRS), note.verifier_key(making.ORIGIN, THEIRS))
    retold(bag, other_words)
    sealed_by(bag, THEIRS)
    code, out = check(bag, capsys)
    assert code == 4, out
    assert "seal/tagmanifest-sha256.txt.sig: sealed by a key that is none of the log's" in out
    assert "data/proofs/log.vkey: no leaf says that the key" in out
    assert "is sealed by" not in out


def test_a_witness_that_the_bundle_brings_sees_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, early = making.story(), 1577836800
    making.prove(made)
    key = note.verifier_key("eye.example", THEIRS, note.COSIGNATURE)
    text = note.SignedNote.parse(made.note).text
    line = note.cosign(text, "eye.example", THEIRS, early)
    made.files["anchors/1-eye.cosig"] = f"{line}\n".encode()
    made.index["captures"][0]["bracket"]["not_after"] = "2020-01-01T00:00:00Z"
    bag = making.write(made, tmp_path / "bag")
    signed_too(bag, line, key)
    making.again(bag)
    code, out = check(bag, capsys, making.KEY)
    assert code == 4, out
    assert f"data/proofs/log.vkey: the key {key.id.hex()} is no key of a log, but of a witness" in out
    assert "saw the log" not in out
    assert 'not_after "2020-01-01T00:00:00Z": no token that held says so' in out


def test_the_key_of_a_witness_alone_vouches_for_no_log(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = check(whole, capsys, making.WITNESS_KEY)
    assert (code, "unchecked trust     the keys came with the bundle" in out) == (1, True), out
    stranger = note.verifier_key("other.example", THEIRS, note.COSIGNATURE)
    code, out = check(whole, capsys, stranger)
    assert (code, "unchecked trust     the keys came with the bundle" in out) == (1, True), out


TOLD: dict[str, tuple[Callable[[Index], object], str]] = {
    "a capture twice": (
        lambda index: index["captures"].insert(0, {**index["captures"][0], "observed_at": "2020-01-01T00:00:00Z"}),
        "stands in it 2 times",
    ),
    "tier": (lambda index: index["captures"][0].update(tier="replay"), 'tier is "replay", its leaf says "wire"'),
    "failure": (lambda index: index["captures"][0].update(failure="reset"), 'failure is "reset", its leaf says ""'),
    "root": (lambda index: index.update(root="0" * 64), f'root is "{"0" * 64}", the checkpoint says'),
    "keys": (
        lambda index: index["vkeys"].append(str(note.verifier_key(making.ORIGIN, THEIRS))),
        "is none that signed the checkpoint",
    ),
    "type of a leaf": (
        lambda index: index["leaves"][0].update(type="statement"),
        'the leaf 0 of type "statement" is not as it was logged',
    ),
    "a leaf that is not here": (
        lambda index: index["leaves"].append({"index": 9}),
        "the leaf 9 of its list is not here",
    ),
    "erased and here": (
        lambda index: index["erased"].append({"leaf": 5, "ref": "x:post:1"}),
        "the leaf 5 is told to be",
    ),
    "a file that is left out": (
        lambda index: index["files"].pop("data/proofs/log.pem"),
        'its list of files leaves "data/proofs/log.pem" out',
    ),
    "no list of files": (lambda index: index.update(files=[]), "its list of files leaves"),
    "a token out of the air": (
        lambda index: index["anchors"].append({"path": "data/anchors/1-x.tsr", "at": "2020-01-01T00:00:00Z"}),
        'the token "data/anchors/1-x.tsr" is missing',
    ),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_the_index_tells_otherwise_than_the_log_is_wrong(
    bag: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, told = TOLD[what]
    retold(bag, change)
    code, out = check(bag, capsys)
    assert (code, told in out) == (4, True), out


def test_what_no_check_reads_is_told(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a seal that holds, too: its holder may have read the bytes wrongly, or left some out."""
    row = bag / "data/captures/0190a000-0000-7000-8000-000000000005.json"
    row.write_text(json.dumps({**json.loads(row.read_text()), "detail": "the server said so", "\x1b[2J": 1}))

    def change(index: Index) -> None:
        index["posts"][0]["captures"].append("0190a000-0000-7000-8000-999999999999")
        index["files"][str(row.relative_to(bag))] = making.sha256(row.read_bytes())

    retold(bag, change)
    code, out = check(bag, capsys)
    assert code == 1, out
    assert "absent    reading   no check reads posts again" in out
    assert "nothing was left out" in out
    assert "absent    captures  no leaf names " in out
    assert "detail of captures: nothing vouches for what they say" in out
    assert '999999999999", which is not in this bundle' in out
    assert out.isascii()
    assert "\x1b" not in out


@pytest.mark.parametrize(("field", "value"), [("platform", "x"), ("body_size", 7), ("body_size", "")])
def test_what_follows_from_a_leaf_is_compared_with_it(
    bag: Path, field: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    row = bag / "data/captures/0190a000-0000-7000-8000-000000000005.json"
    row.write_text(json.dumps({**json.loads(row.read_text()), field: value}))
    making.again(bag)
    code, out = check(bag, capsys)
    assert (code, f"0005.json: {field} is {json.dumps(value)}, its leaf says" in out) == (4, True), out


@pytest.mark.parametrize("name", ["tagmanifest-notes.txt", "tagmanifest-x/report.html", "tagmanifest-md5.txt"])
def test_a_file_that_no_manifest_lists_is_extra_whatever_its_name(
    bag: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (bag / name).parent.mkdir(exist_ok=True)
    (bag / name).write_text("The post was deleted.")
    code, out = check(bag, capsys)
    assert (code, f"{name}: extra" in out) == (4, True), out


# ---- proofs of authors ------------------------------------------------------------------------------------------


def noted(tmp_path: Path, change: Callable[[Index], object]) -> Path:
    """A post of Nostr with its event, beside another post."""
    made = making.story()
    event = nostr_made.made(nostr_made.ANN, "The bridge stays open.")
    ref, author = f"nostr:note:{event['id']}", f"nostr:profile:{event['pubkey']}"
    made.leaves = made.leaves[:299]
    uid = making.capture(made, "seed:events.json", json.dumps(event).encode(), ref="doc:document:2", kind="import")
    proof = {"kind": "nostr-event", "valid": 1, "detail": "", "ref": ref, "capture": uid, "pointer": ""}
    seen = {"capture": uid, "route": "file", "pointer": "", "whole": 1, "edited": 0}
    version = {
        **made.index["posts"][0]["versions"][0],
        "text": event["content"],
        "sightings": [seen],
        "captures": [uid],
    }
    post = {**made.index["posts"][1], "ref": ref, "platform": "nostr", "author": author, "text": event["content"]}
    made.index["posts"].append({**post, "versions": [version], "proofs": [proof], "captures": [uid]})
    making.prove(made)
    bag = making.write(made, tmp_path / "bag")
    retold(bag, change)
    return bag


def moved(index: Index) -> None:
    """The proof stands with a post whose author signed nothing."""
    index["posts"][0]["proofs"] = index["posts"][2].pop("proofs")


def unseen(index: Index) -> None:
    """Other words, told to be seen elsewhere."""
    post = index["posts"][2]
    post["text"] = post["versions"][0]["text"] = "The bridge closes."
    post["versions"][0]["sightings"][0]["pointer"] = "/content"


PROOFS: dict[str, tuple[Callable[[Index], object], str]] = {
    "of another post": (moved, '"fediverse:post:1": shows a proof of something else: "nostr:note:'),
    "under other words": (unseen, "bundle.json shows no version with the words that were signed"),
    "under another author": (
        lambda index: index["posts"][2].update(author="nostr:profile:" + "0" * 64),
        'bundle.json shows the author "nostr:profile:0000',
    ),
}


def test_an_event_beside_its_post_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = check(noted(tmp_path, lambda index: None), capsys, making.KEY)
    assert (code, "held      proofs" in out) == (0, True), out


@pytest.mark.parametrize("what", PROOFS)
def test_a_genuine_proof_in_a_false_place_is_wrong(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, told = PROOFS[what]
    code, out = check(noted(tmp_path, change), capsys, making.KEY)
    assert (code, told in out) == (4, True), out


# ---- tokens -----------------------------------------------------------------------------------------------------


def sequence(tag: int, content: bytes) -> bytes:
    size = len(content)
    short = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + short + content


@OPENSSL
def test_a_time_beside_the_signed_one_is_refused(tmp_path: Path) -> None:
    """Words in the status of a reply are not signed, and OpenSSL prints them line by line."""
    (tmp_path / "tsa").mkdir()
    tsa, text = authority.OpenSSL.make(tmp_path / "tsa"), b"a head"
    reply = tsa.reply(timestamp.query(hashlib.sha256(text).digest(), 7))
    when, _, _ = verify_stamps.check_stamp(reply, [text], [tsa.root.pem])
    start = 2 + (reply[1] & 127 if reply[1] > 127 else 0)
    token = reply[start + 2 + reply[start + 1] :]
    early = b"x\nTime stamp: Jan  1 00:00:00 2019 GMT\n"
    status = sequence(0x30, b"\x02\x01\x00" + sequence(0x30, sequence(0x0C, early)))
    forged = sequence(0x30, status + token)
    with pytest.raises(Refused, match="more than one time"):
        verify_stamps.check_stamp(forged, [text], [tsa.root.pem])
    plain = sequence(0x30, sequence(0x30, b"\x02\x01\x00" + sequence(0x30, sequence(0x0C, b"well"))) + token)
    assert verify_stamps.check_stamp(plain, [text], [tsa.root.pem])[0] == when


def test_what_the_index_tells_of_a_token_is_what_the_token_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = making.story()
    making.prove(made)
    line = f"{note.cosign(note.SignedNote.parse(made.note).text, 'eye.example', making.WITNESS, 1772600000)}\n".encode()
    path = "data/anchors/1-eye.cosig"
    made.files["anchors/1-eye.cosig"] = line
    row = {
        "path": path,
        "kind": "witness",
        "sha256": making.sha256(line),
        "size": 300,
        "service": "eye",
        "at": "2026-03-04T04:53:20Z",
    }
    cases: list[tuple[Index, int]] = [
        ({}, 0), ({"at": "2020-01-01T00:00:00Z"}, 4), ({"size": 5}, 4), ({"sha256": "0" * 64}, 4), ({"at": ""}, 0),
    ]  # fmt: skip
    for number, (told, code) in enumerate(cases):
        made.index["anchors"] = [{**row, **told}]
        found, out = check(making.write(made, tmp_path / str(number)), capsys)
        assert (found, f'the token "{path}"' in out) == (code, code == 4), out
