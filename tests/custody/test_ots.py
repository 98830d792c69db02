"""OpenTimestamps proofs, against the reference implementation, real headers of blocks, and every flipped byte."""

import contextlib
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import ots
from archiver.custody.ots import Attestation, Operation, OtsProof, Tree
from archiver.errors import ParseError, ProofError

DIGEST = hashlib.sha256(b"log.example/archive\n1300\n").digest()
NONCE = bytes(range(16))
CALENDAR = "https://calendar.example/a-1"
# Block 125,552, the example of a header in Bitcoin's own documentation, and the first block.
HEADER = bytes.fromhex(
    "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000"
    "e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695"
)
FIRST = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b2"
    "7ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)


def sha256(tree: Tree) -> Tree:
    return Tree.of((), [(Operation(tag=ots.SHA256), tree)])


def after(argument: bytes, tree: Tree) -> Tree:
    return Tree.of((), [(Operation(tag=ots.APPEND, argument=argument), tree)])


def waiting(uri: str = CALENDAR) -> Tree:
    """A calendar's first answer: hashed with others, and pending."""
    return after(b"others", sha256(Tree.of([Attestation.pending(uri)])))


def upgraded(height: int = 125552) -> Tree:
    """Its later answer about the commitment that was pending."""
    before = Tree.of(
        (), [(Operation(tag=ots.PREPEND, argument=b"left"), sha256(Tree.of([Attestation.bitcoin(height)])))]
    )
    return sha256(before)


def first_proof() -> OtsProof:
    return ots.stamped(DIGEST, NONCE, bytes(waiting()))


def full_proof() -> OtsProof:
    ((_, about),) = first_proof().pending()
    return ots.merge(first_proof(), about, bytes(upgraded()))


def twice(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


# ---- from a digest to a block ------------------------------------------------------------------------------------


def test_a_proof_grows_from_pending_to_a_block() -> None:
    handed = ots.commitment(DIGEST, NONCE)
    assert handed == hashlib.sha256(DIGEST + NONCE).digest()
    about = hashlib.sha256(handed + b"others").digest()
    assert first_proof().pending() == ((CALENDAR, about),)
    assert first_proof().blocks() == ()
    root = hashlib.sha256(b"left" + hashlib.sha256(about).digest()).digest()
    assert full_proof().blocks() == ((125552, root),)
    assert full_proof().pending() == ((CALENDAR, about),)
    assert OtsProof.parse(bytes(full_proof())) == full_proof()
    again = ots.merge(full_proof(), about, bytes(upgraded()))
    assert again == full_proof()


def test_without_a_nonce_the_digest_itself_is_handed_over() -> None:
    assert ots.commitment(DIGEST) == DIGEST
    assert ots.stamped(DIGEST, b"", bytes(waiting())).tree == waiting()


def test_two_calendars_in_one_proof() -> None:
    second = ots.merge(first_proof(), ots.commitment(DIGEST, NONCE), bytes(waiting("https://calendar.example/b")))
    assert [uri for uri, _ in second.pending()] == [CALENDAR, "https://calendar.example/b"]
    assert len({about for _, about in second.pending()}) == 1


def test_an_answer_about_something_else_is_not_merged() -> None:
    with pytest.raises(ProofError, match="no commitment"):
        ots.merge(first_proof(), bytes(32), bytes(upgraded()))


def test_an_operation_that_cannot_be_computed_hides_only_what_follows_it() -> None:
    keccak = Tree.of((), [(Operation(tag=ots.KECCAK256), Tree.of([Attestation.bitcoin(1)]))])
    proof = OtsProof(digest=DIGEST, tree=keccak.merged(Tree.of([Attestation.bitcoin(2)])))
    assert proof.blocks() == ((2, DIGEST),)
    assert [message for _, message in proof.attestations()] == [DIGEST, None]


# ---- headers -----------------------------------------------------------------------------------------------------


def test_headers_of_real_blocks() -> None:
    mined = ots.check_header(HEADER, HEADER[36:68], 200_000)
    assert mined.hash == "00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d"
    assert mined.time == "2011-05-21T17:26:31Z"
    assert round(mined.difficulty, 4) == 244112.4878
    mined = ots.check_header(FIRST, FIRST[36:68], 1)
    assert mined.hash == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert (mined.time, mined.difficulty) == ("2009-01-03T18:15:05Z", 1.0)


def test_every_flipped_byte_of_a_header_is_refused() -> None:
    for at in range(80):
        for bit in (1, 0x80):
            changed = HEADER[:at] + bytes([HEADER[at] ^ bit]) + HEADER[at + 1 :]
            with pytest.raises(ProofError):
                ots.check_header(changed, HEADER[36:68], 200_000)
            with pytest.raises(ProofError):
                ots.check_header(changed, changed[36:68], 200_000)


@pytest.mark.parametrize(
    ("header", "root", "floor", "reason"),
    [
        (HEADER[:-1], HEADER[36:68], 1, "80 bytes"),
        (HEADER + b"\x00", HEADER[36:68], 1, "80 bytes"),
        (HEADER, FIRST[36:68], 1, "Merkle root"),
        (HEADER, HEADER[36:68][::-1], 1, "Merkle root"),
        (HEADER, HEADER[36:68], 300_000, "below 300000"),
        (HEADER[:72] + bytes.fromhex("ffff7f20") + HEADER[76:], HEADER[36:68], 0, "that Bitcoin allows"),
        (HEADER[:72] + bytes.fromhex("00000000") + HEADER[76:], HEADER[36:68], 0, "that Bitcoin allows"),
        (HEADER[:72] + bytes.fromhex("ffff8003") + HEADER[76:], HEADER[36:68], 0, "that Bitcoin allows"),
        (HEADER[:72] + bytes.fromhex("ffff00ff") + HEADER[76:], HEADER[36:68], 0, "that Bitcoin allows"),
        (HEADER[:72] + bytes.fromhex("01000002") + HEADER[76:], HEADER[36:68], 0, "that Bitcoin allows"),
    ],
)
def test_headers_that_prove_nothing(header: bytes, root: bytes, floor: float, reason: str) -> None:
    with pytest.raises(ProofError, match=reason):
        ots.check_header(header, root, floor)


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", [1, 0x10, 0x80])
def test_no_flipped_byte_leaves_the_same_block_proven(bit: int) -> None:
    """Refused, or another block or root is named, or only the pending calendar is another."""
    whole, good = bytes(full_proof()), full_proof().blocks()
    uri = whole.index(CALENDAR.encode())
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
        try:
            read = OtsProof.parse(changed)
            blocks = read.blocks()
        except (ParseError, ProofError):
            continue
        about_the_calendar = uri - 10 <= at < uri + len(CALENDAR)
        assert about_the_calendar or blocks != good or read.digest != DIGEST, at
    for at in range(len(whole)):
        with pytest.raises(ParseError):
            OtsProof.parse(whole[:at])
        with pytest.raises(ParseError):
            OtsProof.parse(whole + whole[: at + 1])


PENDING = b"\x00" + ots.PENDING
CALENDAR_BYTES = bytes([len(CALENDAR)]) + CALENDAR.encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "cut off"),
        (b"<html>busy</html>", "no operation"),
        (b"\x00", "cut off"),
        (b"\x08", "cut off"),
        (b"\x09" + bytes(Tree.of([Attestation.bitcoin(1)])), "no operation"),
        (b"\xff" + bytes(Tree.of([Attestation.bitcoin(1)])), "cut off"),
        (b"\xff\xff" + bytes(Tree.of([Attestation.bitcoin(1)])), "no operation"),
        (b"\xf0\x00" + bytes(Tree.of([Attestation.bitcoin(1)])), "1 to 4096"),
        (b"\xf0\x81\x20" + bytes(4097) + bytes(Tree.of([Attestation.bitcoin(1)])), "4096 are the most"),
        (b"\x08" * 258 + bytes(Tree.of([Attestation.bitcoin(1)])), "deeper"),
        (bytes(Tree.of([Attestation.bitcoin(1)])) + b"\x00", "more than it should"),
        (b"\x00" + ots.BITCOIN + b"\x02\x81\x00", "longer than it needs"),
        (b"\x00" + ots.BITCOIN + b"\x02\x01\x01", "more than it should"),
        (b"\x00" + ots.BITCOIN + b"\x0a" + b"\xff" * 9 + b"\x01", "too large"),
        (b"\x00" + ots.BITCOIN + b"\x00", "cut off"),
        (PENDING + bytes([len(CALENDAR) + 2]) + CALENDAR_BYTES + b"x", "more than it should"),
        (PENDING + b"\x03\x02a\n", "characters"),
        (PENDING + b"\x03\x02a?", "characters"),
        (PENDING + b"\x01\x00", "characters"),
        (b"\x00" + bytes(8) + b"\x81\x40" + bytes(8193), "8192 are the most"),
        (b"\x08" * (1 << 16 | 1), "larger"),
    ],
)
def test_answers_of_calendars_that_are_none(answer: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        ots.stamped(DIGEST, NONCE, answer)
    with pytest.raises(ParseError, match=reason):
        ots.merge(first_proof(), first_proof().pending()[0][1], answer)


def test_messages_do_not_grow_without_end() -> None:
    longer = Tree.of([Attestation.bitcoin(1)])
    for _ in range(9):
        longer = Tree.of((), [(Operation(tag=ots.HEXLIFY), longer)])
    with pytest.raises(ProofError, match="longer than 4096"):
        ots.stamped(DIGEST, b"", bytes(longer))


def test_a_proof_that_could_not_be_read_again_is_not_made() -> None:
    deep = Tree.of([Attestation.bitcoin(1)])
    for _ in range(256):
        deep = sha256(deep)
    assert ots.stamped(DIGEST, b"", bytes(deep)).blocks()
    with pytest.raises(ParseError, match="deeper"):
        ots.stamped(DIGEST, NONCE, bytes(deep))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"x" + data[1:], "no OpenTimestamps proof"),
        (lambda data: data[:31] + b"\x02" + data[32:], "another version"),
        (lambda data: data[:32] + b"\x02" + data[33:], "another hash"),
    ],
)
def test_other_files(change: Any, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        OtsProof.parse(change(bytes(first_proof())))


def test_what_cannot_be_written_is_not_made() -> None:
    for operation in ({"tag": 0x55}, {"tag": ots.SHA256, "argument": b"x"}, {"tag": ots.APPEND}):
        with pytest.raises(ValueError, match=r"operation|bytes"):
            Operation(**operation)
    with pytest.raises(ValueError, match="ends in attestations"):
        Tree.of(())
    with pytest.raises(ValueError, match="sorted"):
        Tree(attestations=(Attestation.bitcoin(2), Attestation.bitcoin(1)))
    with pytest.raises(ValueError, match="32 bytes"):
        OtsProof(digest=b"short", tree=waiting())
    with pytest.raises(ValueError, match="characters"):
        Attestation.pending("https://calendar.example/?a")
    with pytest.raises(ValueError, match="no number"):
        Attestation.bitcoin(-1)


# ---- any bytes ---------------------------------------------------------------------------------------------------

attestations = st.one_of(
    st.builds(Attestation.bitcoin, st.integers(0, 2**63 - 1)),
    st.builds(Attestation.pending, st.from_regex(r"[A-Za-z0-9.\-_/:]{1,40}", fullmatch=True)),
    st.builds(
        Attestation,
        tag=st.binary(min_size=8, max_size=8).filter(lambda tag: tag not in (ots.BITCOIN, ots.PENDING)),
        payload=st.binary(max_size=40),
    ),
)
operations = st.one_of(
    st.sampled_from([Operation(tag=tag) for tag in (2, 3, 8, 0x67, 0xF2, 0xF3)]),
    st.builds(Operation, tag=st.sampled_from([ots.APPEND, ots.PREPEND]), argument=st.binary(min_size=1, max_size=40)),
)
trees = st.recursive(
    st.lists(attestations, min_size=1, max_size=3).map(Tree.of),
    lambda inner: st.builds(
        Tree.of, st.lists(attestations, max_size=2), st.lists(st.tuples(operations, inner), min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(min_size=32, max_size=32), trees)
def test_proofs_are_read_as_written(digest: bytes, tree: Tree) -> None:
    proof = OtsProof(digest=digest, tree=tree)
    assert OtsProof.parse(bytes(proof)) == proof
    assert Tree.parse(bytes(tree)) == tree


@given(trees, trees)
def test_merging_loses_nothing_and_knows_no_order(one: Tree, other: Tree) -> None:
    merged = one.merged(other)
    assert merged == other.merged(one) == merged.merged(one)
    with contextlib.suppress(ProofError):
        known = set(merged.walk(DIGEST))
        assert known == set(one.walk(DIGEST)) | set(other.walk(DIGEST))


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_make_the_parser_fail_otherwise(data: st.DataObject) -> None:
    whole = bytes(full_proof())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.sampled_from([start, start + 1, len(whole)]))
    changed = whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]
    for candidate in (changed, data.draw(st.binary(max_size=40))):
        with contextlib.suppress(ParseError, ProofError):
            OtsProof.parse(candidate).attestations()
        with contextlib.suppress(ParseError):
            Tree.parse(candidate)


# ---- the reference implementation --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:OpReverse may get removed")
@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=32, max_size=32), trees)
def test_the_reference_implementation_reads_what_we_write(digest: bytes, tree: Tree) -> None:
    timestamp = pytest.importorskip("opentimestamps.core.timestamp", reason="opentimestamps is not installed")
    serialize = pytest.importorskip("opentimestamps.core.serialize", reason="opentimestamps is not installed")
    notary = pytest.importorskip("opentimestamps.core.notary", reason="opentimestamps is not installed")
    proof = OtsProof(digest=digest, tree=tree)
    try:
        ours = proof.attestations()
    except ProofError:
        return
    if any(message is None for _, message in ours) or any(
        a.tag[0] in (0x06, 0x30) for a, _ in ours
    ):  # operations that one of the two cannot compute, and attestations to other chains than Bitcoin's
        return
    context = serialize.BytesDeserializationContext(bytes(proof))
    theirs = timestamp.DetachedTimestampFile.deserialize(context)
    context.assert_eof()
    assert theirs.file_digest == digest
    found = set()
    for message, attestation in theirs.timestamp.all_attestations():
        if isinstance(attestation, notary.BitcoinBlockHeaderAttestation):
            found.add((Attestation.bitcoin(attestation.height), message))
        elif isinstance(attestation, notary.PendingAttestation):
            found.add((Attestation.pending(attestation.uri), message))
        else:
            found.add((Attestation(tag=attestation.TAG, payload=attestation.payload), message))
    assert found == set(ours)
    written = serialize.BytesSerializationContext()
    theirs.serialize(written)
    assert written.getbytes() == bytes(proof)
