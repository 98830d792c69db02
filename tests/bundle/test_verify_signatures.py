"""The checks of verify.py that stand on numbers: Ed25519, paths in the log, cosignatures, time stamps."""

from __future__ import annotations

import datetime
import hashlib
import json
import random
import shutil
from pathlib import Path

import making
import pytest

from archiver.bundle import verify, verify_notes, verify_stamps
from archiver.bundle.verify_files import Refused
from archiver.custody import ed25519, log, note, ots, timestamp
from tests.custody import authority

UTC = datetime.UTC
ORDER = 2**252 + 27742317777372353535851937790883648493
OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")

RFC8032 = (  # section 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
)


@pytest.mark.parametrize(("public", "message", "signature"), RFC8032)
def test_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, data, value = (bytes.fromhex(text) for text in (public, message, signature))
    assert verify_notes.ed25519(key, data, value)
    for at in range(64):
        changed = bytearray(value)
        changed[at] ^= 1 << at % 8
        assert not verify_notes.ed25519(key, data, bytes(changed))
    assert not verify_notes.ed25519(key, data + b"x", value)
    assert not verify_notes.ed25519(key, data, value[:63])
    assert not verify_notes.ed25519(key[:31], data, value)


def test_ed25519_agrees_with_the_library() -> None:
    chance = random.Random(8032)
    for number in range(60):
        seed, data = chance.randbytes(32), chance.randbytes(number)
        public, value = bytearray(ed25519.public_key(seed)), bytearray(ed25519.sign(data, seed))
        if number % 3:
            target = public if number % 3 == 1 else value
            target[chance.randrange(len(target))] ^= 1 << chance.randrange(8)
        mine = verify_notes.ed25519(bytes(public), data, bytes(value))
        assert mine == ed25519.holds(data, bytes(value), bytes(public)) == (number % 3 == 0)


def test_keys_of_small_order_and_second_writings_are_refused() -> None:
    """Under a key of small order the signature (R = identity, s = 0) would hold over anything."""
    small = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    identity = bytes([1]) + bytes(31)
    for key in (identity, bytes(32), bytes.fromhex(small), (2**255 - 20).to_bytes(32, "little")):
        assert not verify_notes.ed25519(key, b"anything", identity + bytes(32))
    public, message, value = (bytes.fromhex(text) for text in RFC8032[0])
    again = int.from_bytes(value[32:], "little") + ORDER
    assert not verify_notes.ed25519(public, message, value[:32] + again.to_bytes(32, "little"))
    assert not verify_notes.ed25519((2**255 - 19 + 1).to_bytes(32, "little"), b"", value)


def test_paths_of_every_leaf_of_small_logs() -> None:
    for size in range(1, 40):
        leaves = [bytes([number]) for number in range(size)]
        node = making.node(leaves)
        root = log.root(node, size)
        for index, leaf in enumerate(leaves):
            path = list(log.inclusion(node, index, size))
            assert verify_notes.included(leaf, index, size, path, root)
            assert not verify_notes.included(leaf + b"x", index, size, path, root)
            assert not verify_notes.included(leaf, index, size, [*path, bytes(32)], root)
            assert not verify_notes.included(leaf, index + size, size, path, root)
            if path:
                assert not verify_notes.included(leaf, index, size, path[:-1], root)
                assert not verify_notes.included(leaf, index ^ 1, size, path, root)


NO_NOTES = (
    "", "\n\n",
    "a\n1\nAA==\n\n{sig}\n", "a\n01\n{root}\n\n{sig}\n", "a\n-1\n{root}\n\n{sig}\n", "a\n1\n{root}\n{sig}\n",
    "a\n1\n{root}\n\n{sig}", "a\n1\n{root}\n\n- a AAAAAAA=\n", "a\n1\n{root}\n\n\u2014 a AAAAAAB=\n",
    "a\n1\n{root}\n\n\u2014 a AAAA\n", "a\n1\n{root}\n\n", "a\r\n1\n{root}\n\n{sig}\n", "a\n\u0661\n{root}\n\n{sig}\n",
    "a\n1\n {root}\n\n{sig}\n", "a\n1\n{root}\n\n\n{sig}\n",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_NOTES)
def test_notes_that_are_none(text: str) -> None:
    root = note.to_base64(bytes(32))
    good = f"a\n1\n{root}\n\n\u2014 a AAAAAAA=\n"
    assert verify_notes.parse_note(good, "x").size == 1
    with pytest.raises(Refused, match=r"^x"):
        verify_notes.parse_note(text.format(root=root, sig="\u2014 a AAAAAAA="), "x")


# ---- anchors -------------------------------------------------------------------------------------------------


def anchored(tmp_path: Path, files: dict[str, bytes], **changes: str) -> Path:
    """A bundle with tokens over its checkpoint; `changes` are fields of the bracket of its first capture."""
    made = making.story()
    making.prove(made)
    made.files |= {f"anchors/{name}": data for name, data in files.items()}
    made.index["captures"][0]["bracket"] |= changes
    return making.write(made, tmp_path / "bag")


def head() -> note.SignedNote:
    made = making.story()
    making.prove(made)
    return note.SignedNote.parse(made.note)


def run(bag: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = verify.main([str(bag), "--key", str(making.KEY), *more])
    return code, capsys.readouterr().out


def test_cosignatures_that_stand_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"{note.cosign(head().text, 'eye.example', making.WITNESS, 1772600000)}\n".encode()
    bag = anchored(tmp_path, {"1-eye.cosig": line})
    code, out = run(bag, capsys)
    assert (code, "the key of eye.example (be4a7879) is not known" in out) == (1, True), out
    code, out = run(bag, capsys, "--key", str(making.WITNESS_KEY))
    assert code == 0, out
    assert "1-eye.cosig: eye.example saw the log of 300 leaves at 2026-03-04T04:53:20Z" in out
    changed = f"{note.cosign(head().text.replace('300', '301'), 'eye.example', making.WITNESS, 1772600000)}\n".encode()
    code, out = run(anchored(tmp_path / "b", {"1-eye.cosig": changed}), capsys, "--key", str(making.WITNESS_KEY))
    assert (code, "over none of the checkpoints" in out) == (4, True), out


def test_opentimestamps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digest = hashlib.sha256(str(head()).encode()).digest()
    leaf = ots.Tree.of([ots.Attestation.bitcoin(800000), ots.Attestation.pending("https://calendar.example")])
    deeper = ots.Tree.of([ots.Attestation.bitcoin(800001)])
    hashed = ots.Operation(tag=ots.SHA256)
    tree = ots.Tree.of(
        [ots.Attestation(tag=b"12345678", payload=b"x")],
        [
            (ots.Operation(tag=ots.APPEND, argument=b"a"), ots.Tree.of([], [(hashed, leaf)])),
            (ots.Operation(tag=ots.PREPEND, argument=b"b"), ots.Tree.of([], [(hashed, deeper)])),
        ],
    )
    proof = bytes(ots.OtsProof(digest=digest, tree=tree))
    code, out = run(anchored(tmp_path, {"1-cal.ots": proof}), capsys)
    first, second = hashlib.sha256(digest + b"a").digest(), hashlib.sha256(b"b" + digest).digest()
    assert code == 1, out
    assert f"1-cal.ots: bitcoin: block 800000 must have the Merkle root {first[::-1].hex()}" in out
    assert f"1-cal.ots: bitcoin: block 800001 must have the Merkle root {second[::-1].hex()}" in out
    assert "1-cal.ots: pending: https://calendar.example" in out
    assert "1-cal.ots: unknown: 3132333435363738" in out
    for number, bad in enumerate(
        (proof[:-1], proof + b"x", proof[:40], b"", bytes(ots.OtsProof(digest=bytes(32), tree=tree)))
    ):
        code, out = run(anchored(tmp_path / str(number), {"1-cal.ots": bad}), capsys)
        assert (code, "WRONG     time      data/anchors/1-cal.ots: " in out) == (4, True), out


def test_opentimestamps_that_would_swell() -> None:
    start = verify_stamps.OTS + hashlib.sha256(b"x").digest()
    for bad in (
        b"\xf3" * 40,
        b"\xff\xf2" * 30000,
        b"\xf2" * 60000,
        b"\xf0" + b"\xff" * 20,
        b"\x55",
        b"\x00" + bytes(8),
    ):
        with pytest.raises(Refused):
            list(verify_stamps.attestations(start + bad, [b"x"]))


def service(folder: Path) -> authority.OpenSSL:
    folder.mkdir()
    return authority.OpenSSL.make(folder)


def stamp(tsa: authority.OpenSSL, data: bytes) -> bytes:
    return tsa.reply(timestamp.query(hashlib.sha256(data).digest(), 7))


@OPENSSL
def test_time_stamps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tsa, other = service(tmp_path / "tsa"), service(tmp_path / "other")
    reply = stamp(tsa, str(head()).encode())
    when, _, _ = verify_stamps.check_stamp(reply, [str(head()).encode()], [tsa.root.pem])
    told = verify_stamps.utc(when)
    bag = anchored(tmp_path, {"1-tsa.tsr": reply, "roots/tsa.pem": tsa.root.pem}, not_after=told[:-1] + ".25Z")
    code, out = run(bag, capsys)
    assert code == 1, out
    assert f"1-tsa.tsr: the log of 300 leaves was there at {told}" in out
    assert "1-tsa.tsr: its root came with the bundle" in out
    assert "1 times of captures are those of tokens" in out
    own = ("--roots", str(tmp_path / "tsa" / "root.pem"))
    assert run(bag, capsys, *own)[0] == 0
    code, out = run(bag, capsys, "--roots", str(tmp_path / "other" / "root.pem"))
    assert (code, "unchecked time      data/anchors/1-tsa.tsr: it says " in out) == (1, True), out
    code, out = run(anchored(tmp_path / "a", {"1-tsa.tsr": reply}, not_after="2020-01-01T00:00:00Z"), capsys, *own)
    assert (code, f'not_after is \\"2020-01-01T00:00:00Z\\", the token says {told}' in out) == (4, True), out
    code, out = run(anchored(tmp_path / "b", {"1-tsa.tsr": stamp(tsa, b"else")}), capsys, *own)
    assert (code, "a time stamp of something else than the checkpoint" in out) == (4, True), out
    code, out = run(anchored(tmp_path / "c", {"1-tsa.tsr": reply[:-1] + bytes([reply[-1] ^ 1])}), capsys, *own)
    assert code != 0
    assert "was there at" not in out
    code, out = run(anchored(tmp_path / "d", {"1-tsa.tsr": b"<html>"}), capsys, *own)
    assert code == 4, out
    code, out = run(anchored(tmp_path / "e", {"1-tsa.tsr": reply}), capsys)
    assert (code, "no root certificate to trust" in out) == (1, True), out
    assert other.root.pem != tsa.root.pem


@OPENSSL
def test_a_stamp_of_another_tree_of_the_same_size_bounds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator who stamped one log and shows another of the same size: two signed stories, and no bracket."""
    tsa = service(tmp_path / "tsa")
    text = str(note.Checkpoint(origin=making.ORIGIN, size=300, root=bytes(32)))
    old = str(note.SignedNote(text=text, signatures=(note.sign(text, making.ORIGIN, making.SEED),))).encode()
    files = {"1-tsa.tsr": stamp(tsa, old), "checkpoint-300": old}
    code, out = run(
        anchored(tmp_path, files, not_after="2026-03-01T00:00:00Z"), capsys, "--roots", str(tmp_path / "tsa/root.pem")
    )
    assert code == 4
    assert "another log of the same name and size: two stories were signed" in out
    assert 'not_after \\"2026-03-01T00:00:00Z\\": no token that held says so' in out


@OPENSSL
def test_certificates_that_expired_or_stand_apart() -> None:
    """One vouches for the time at which it stamped, where it was valid then, and for no later one."""
    digest = hashlib.sha256(b"text").digest()
    asked = authority.info(digest, time="20260301120000Z")
    root = authority.party("Root", authority=True)
    days = (authority.START, datetime.datetime(2026, 6, 1, tzinfo=UTC))
    signer = authority.party("Clock", root, days=days)
    when, text, beside = verify_stamps.check_stamp(authority.Making(signer=signer)(asked), [b"text"], [root.pem])
    assert (verify_stamps.utc(when), text) == ("2026-03-01T12:00:00Z", b"text")
    assert beside == ", by a certificate that has expired since"
    late = authority.info(digest, time="20260701120000Z")
    with pytest.raises(verify_stamps.Unchecked, match="expired"):
        verify_stamps.check_stamp(authority.Making(signer=signer)(late), [b"text"], [root.pem])
    middle = authority.party("Middle", root, authority=True)
    below = authority.party("Below", middle)
    reply = authority.Making(signer=below)(asked)
    with pytest.raises(verify_stamps.Unchecked, match="unable to get local issuer"):
        verify_stamps.check_stamp(reply, [b"text"], [root.pem])
    assert verify_stamps.check_stamp(reply, [b"text"], [root.pem], [middle.der])[0] == when
    forged = authority.Making(signer=signer, signed_content=b"else")(asked)
    with pytest.raises((Refused, verify_stamps.Unchecked)):
        verify_stamps.check_stamp(forged, [b"text"], [root.pem])


def test_without_openssl_nothing_is_said_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(verify_stamps.Unchecked, match="no openssl"):
        verify_stamps.check_stamp(hashlib.sha256(b"text").digest(), [b"text"], [b"x"])


def test_the_key_of_a_witness_does_not_sign_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A note under which only a cosignature stands is signed by nobody of its log."""
    made = making.story()
    making.prove(made, cosigned=1772600000)
    lines = made.note.split("\n")
    made.files["proofs/checkpoint"] = "\n".join(line for line in lines if "\u2014 desk" not in line).encode()
    code, out = run(making.write(made, tmp_path / "bag"), capsys, "--key", str(making.WITNESS_KEY))
    assert (code, "no key of desk.example/log that you trust signed it" in out) == (4, True), out
    assert json.dumps(out).isascii()
