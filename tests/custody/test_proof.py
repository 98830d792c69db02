"""Proofs of inclusion as texts, against every flipped byte and other implementations."""

import argparse
import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import log, note, proof
from archiver.custody.note import Checkpoint, Signature, SignedNote
from archiver.custody.proof import LogProof
from archiver.errors import ParseError, ProofError

SEED, WITNESS_SEED = bytes(range(32)), bytes(range(2, 34))
ORIGIN = "log.example/archive"
KEY = note.verifier_key(ORIGIN, SEED)
WITNESS_KEY = note.verifier_key("witness.example/w1", WITNESS_SEED, note.COSIGNATURE)


def leaf(index: int) -> bytes:
    return b'{"nonce":"00","seq":"%d","type":"capture","v":1}' % index


def node(level: int, index: int) -> bytes:
    return log.fold([log.leaf_hash(leaf(i)) for i in range(index << level, (index + 1) << level)])


def made(index: int, size: int, extra: bytes = b"", origin: str = ORIGIN) -> LogProof:
    text = str(Checkpoint(origin=origin, size=size, root=log.root(node, size)))
    signatures = (
        note.sign(text, origin, SEED),
        note.cosign(text, WITNESS_KEY.name, WITNESS_SEED, 1_700_000_000),
    )
    path = log.inclusion(node, index, size)
    return LogProof(index=index, hashes=path, checkpoint=SignedNote(text=text, signatures=signatures), extra=extra)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21])
def test_the_proof_of_each_leaf(size: int) -> None:
    for index in range(size):
        given_proof = LogProof.parse(str(made(index, size, b"about" * (index % 2))))
        assert given_proof == made(index, size, b"about" * (index % 2))
        assert proof.check(leaf(index), given_proof, [KEY, WITNESS_KEY]).size == size
        with pytest.raises(ProofError, match="does not lead"):
            proof.check(leaf(index + 1), given_proof, [KEY])


def test_the_text_is_that_of_the_specification() -> None:
    one = made(2, 3, b"extra data")
    lines = str(one).split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmEgZGF0YQ==", "index 2"]
    assert lines[4:7] == ["", ORIGIN, "3"]
    assert str(one).endswith(str(one.checkpoint))


@pytest.mark.parametrize("bit", [1, 2, 0x20, 0x80])
def test_every_flipped_byte_of_a_proof_is_refused(bit: int) -> None:
    """But for the extra data, which nothing vouches for, and for making a signature that of an unknown key."""
    whole = str(made(5, 7, b"extra")).encode()
    free = range(whole.index(b"extra "), whole.index(b"\nindex"))
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
        try:
            head = proof.check(leaf(5), LogProof.parse(changed), [KEY, WITNESS_KEY])
            witnessed = note.verify(LogProof.parse(changed).checkpoint, [WITNESS_KEY])
        except (ParseError, ProofError):
            continue
        assert at in free or witnessed == (), (at, changed)
        assert str(head) == made(5, 7).checkpoint.text


def test_other_places_and_paths_are_refused() -> None:
    good = made(5, 7)
    for index in range(-1, 9):
        if index == 5:
            continue
        with pytest.raises((ProofError, ValueError)):
            proof.check(
                leaf(5), LogProof(index=index, hashes=good.hashes, checkpoint=good.checkpoint), [KEY]
            )  # the same leaf elsewhere
    for hashes in (good.hashes[1:], good.hashes[:-1], (*good.hashes, bytes(32)), good.hashes[::-1], ()):
        with pytest.raises(ProofError, match="does not lead"):
            proof.check(leaf(5), LogProof(index=5, hashes=hashes, checkpoint=good.checkpoint), [KEY])


def test_an_inner_node_is_no_leaf() -> None:
    """A proof of two hashes passed off as a leaf: the prefixes of RFC 6962 part them."""
    good = made(0, 4)
    inside = log.leaf_hash(leaf(0)) + log.leaf_hash(leaf(1))
    with pytest.raises(ProofError):
        proof.check(inside, LogProof(index=0, hashes=good.hashes[1:], checkpoint=good.checkpoint), [KEY])


def test_who_must_have_signed() -> None:
    good = made(5, 7)
    with pytest.raises(ProofError, match="no key of"):
        proof.check(leaf(5), good, [])
    with pytest.raises(ProofError, match="no key of"):
        proof.check(leaf(5), good, [WITNESS_KEY])
    with pytest.raises(ProofError, match="no key of"):
        proof.check(leaf(5), good, [note.verifier_key(ORIGIN, WITNESS_SEED)])
    text = good.checkpoint.text
    foreign = SignedNote(text=text, signatures=(note.sign(text, "other.example", SEED),))
    with pytest.raises(ProofError, match="no key of"):  # a good key, of another log
        proof.checkpoint(foreign, [note.verifier_key("other.example", SEED)])
    false = Signature(name=WITNESS_KEY.name, key_id=WITNESS_KEY.id, value=bytes(72))
    broken = SignedNote(text=text, signatures=(good.checkpoint.signatures[0], false))
    with pytest.raises(ProofError, match="witness"):
        proof.checkpoint(broken, [KEY, WITNESS_KEY])


def test_an_empty_log_has_one_root() -> None:
    for root, holds in ((log.EMPTY_ROOT, True), (bytes(32), False)):
        text = str(Checkpoint(origin=ORIGIN, size=0, root=root))
        signed = SignedNote(text=text, signatures=(note.sign(text, ORIGIN, SEED),))
        if holds:
            assert proof.checkpoint(signed, [KEY]).size == 0
        else:
            with pytest.raises(ProofError, match="empty log"):
                proof.checkpoint(signed, [KEY])


CHECKPOINT = str(made(0, 1).checkpoint)
HASH = note.to_base64(bytes(32))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\n" + CHECKPOINT, 1),
        (f"{proof.HEADER}\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nextra\nindex 0\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nextra \nindex 0\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nextra AB==\nindex 0\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nextra AA==\n\n{CHECKPOINT}", 3),
        (f"{proof.HEADER}\nindex 0\nextra AA==\n\n{CHECKPOINT}", 3),
        (f"{proof.HEADER}\nindex 00\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nindex -1\n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nindex 1 \n\n{CHECKPOINT}", 2),
        (f"{proof.HEADER}\nindex 0\n{HASH}\n{HASH[:-4]}\n\n{CHECKPOINT}", 4),
        (f"{proof.HEADER}\nindex 0\n{HASH[:-2]}B=\n\n{CHECKPOINT}", 3),
        (f"{proof.HEADER}\nindex 0\n{HASH} \n\n{CHECKPOINT}", 3),
        (f"{proof.HEADER}\nindex 0\n" + f"{HASH}\n" * 64 + f"\n{CHECKPOINT}", 66),
        (f"{proof.HEADER}\nindex 0\n\n\n{CHECKPOINT}", 4),
        (f"{proof.HEADER}\nindex 0\n{HASH}", 3),
        (f"{proof.HEADER}\nindex 0\n\n{CHECKPOINT.replace(chr(10) + '1' + chr(10), chr(10) + '01' + chr(10))}", 5),
        (f"{proof.HEADER}\nindex 0\n\n{CHECKPOINT}\n", 11),
        (f"{proof.HEADER}\nindex 0\n\n{CHECKPOINT}x", 10),
        (f"{proof.HEADER}\r\nindex 0\r\n\r\n{CHECKPOINT}", 1),
    ],
)
def test_malformed_proofs(text: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        LogProof.parse(text)
    assert caught.value.pointer == f"text:{line}:1", caught.value


hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)


@given(st.integers(0, 2**63 - 1), hashes, st.binary(max_size=50))
def test_proofs_are_read_as_written(index: int, path: tuple[bytes, ...], extra: bytes) -> None:
    one = LogProof(index=index, hashes=path, checkpoint=made(0, 1).checkpoint, extra=extra)
    assert LogProof.parse(str(one)) == one


WHOLE = str(made(5, 7, b"extra"))


@settings(max_examples=300)
@given(st.data())
def test_no_text_makes_the_parser_fail_otherwise(data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))))
    put = data.draw(st.sampled_from(["", "\n", "\n\n", "=", "A", "— ", "\x00", "\ud800", "é", WHOLE]) | st.text())
    text = data.draw(st.sampled_from([WHOLE[:start] + put + WHOLE[end:], put]))
    with contextlib.suppress(ParseError):
        assert str(LogProof.parse(text)) == text


def test_tlog_scales_follows_our_paths() -> None:
    tlog = pytest.importorskip("tlog_scales.tlog", reason="tlog-scales is not installed: pip install -e '.[dev]'")
    for size in (1, 2, 7, 21):
        for index in range(size):
            one = made(index, size)
            theirs = tlog.InclusionProof(index, size, list(one.hashes))
            root = Checkpoint.parse(one.checkpoint.text).root
            theirs.check(log.leaf_hash(leaf(index)), root)
            with pytest.raises(tlog.InclusionProofInvalid):
                theirs.check(log.leaf_hash(leaf(index + 1)), root)
        for old in range(1, size):
            theirs = tlog.ConsistencyProof(old, size, list(log.consistency(node, old, size)))
            theirs.check(log.root(node, old), log.root(node, size))


def test_tlog_scales_writes_the_same_proofs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tiles, checkpoint, path and text, made by another implementation from the same leaves and key."""
    pytest.importorskip("tlog_scales", reason="tlog-scales is not installed: pip install -e '.[dev]'")
    from tlog_scales import cli, signing, writer

    theirs = writer.TilesWriter.create(tmp_path / "log", ORIGIN)
    for index in range(300):
        theirs.add_leaf(leaf(index))
    theirs.commit([signing.PlainEd25519Signer(ORIGIN, SEED)])
    for index in (0, 255, 256, 299):
        cli.cmd_gen_proof(argparse.Namespace(location=str(tmp_path / "log"), leaf_index=index))
        text = capsys.readouterr().out
        ours = made(index, 300)
        signed = SignedNote(text=ours.checkpoint.text, signatures=ours.checkpoint.signatures[:1])
        assert text == str(LogProof(index=index, hashes=ours.hashes, checkpoint=signed))
        assert proof.check(leaf(index), LogProof.parse(text), [KEY]).size == 300


def test_aics_tlog_follows_our_paths() -> None:
    tree = pytest.importorskip("aics_tlog.tree", reason="aics-tlog is not installed: it needs Python 3.12")
    theirs = tree.MerkleTree([leaf(index) for index in range(21)])
    for size in (1, 2, 7, 21):
        assert theirs.root(size) == log.root(node, size)
        for index in range(size):
            assert tuple(theirs.inclusion_proof(index, size)) == log.inclusion(node, index, size)
        for old in range(1, size):
            assert tuple(theirs.consistency_proof(old, size)) == log.consistency(node, old, size)
