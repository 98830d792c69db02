"""Signed notes against the published vectors, against other implementations, and against every flipped byte."""

import base64
import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import ed25519, note
from archiver.custody.note import Checkpoint, Signature, SignedNote, VerifierKey
from archiver.errors import ParseError, ProofError

# c2sp.org/signed-note, "Verifier keys", example.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The vector of the reference implementation (Go, x/mod/sumdb/note).
GO_NAME = "PeterNeumann"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# c2sp.org/tlog-cosignature, the example of a checkpoint with a cosignature.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n"
)

SEED, OTHER_SEED, WITNESS_SEED = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
ORIGIN = "log.example/archive"
WITNESS = "witness.example/w1"
HEAD = Checkpoint(origin=ORIGIN, size=1300, root=bytes(range(32)))
KEY = note.verifier_key(ORIGIN, SEED)
WITNESS_KEY = note.verifier_key(WITNESS, WITNESS_SEED, note.COSIGNATURE)
TIME = 1_700_000_000


def made() -> SignedNote:
    """A checkpoint signed by its log and cosigned by a witness."""
    text = str(HEAD)
    return SignedNote(
        text=text,
        signatures=(note.sign(text, ORIGIN, SEED), note.cosign(text, WITNESS, WITNESS_SEED, TIME)),
    )


# ---- published vectors -------------------------------------------------------------------------------------------


def test_rfc_8032_vectors() -> None:
    """Section 7.1, tests 1 and 2."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    value = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert ed25519.public_key(seed).hex() == public
    assert ed25519.sign(b"", seed).hex() == value
    assert ed25519.holds(b"", bytes.fromhex(value), bytes.fromhex(public))
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    value = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert ed25519.sign(b"\x72", seed).hex() == value
    assert not ed25519.holds(b"\x73", bytes.fromhex(value), ed25519.public_key(seed))


def test_the_example_of_the_specification() -> None:
    key, read = VerifierKey.parse(SPEC_KEY), SignedNote.parse(SPEC_NOTE)
    assert (str(key), str(read)) == (SPEC_KEY, SPEC_NOTE)
    assert read.text == "This is an example message.\n"
    assert note.verify(read, [key]) == ("example.com/foo",)


def test_the_first_example_of_the_specification() -> None:
    """Text with an accent and a blank line in it; its key is not published."""
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    whole = (
        f"{text}\n— quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    read = SignedNote.parse(whole.encode())
    assert (read.text, str(read)) == (text, whole)
    assert read.signatures[0].key_id.hex() == "367ba04b"


def test_the_answer_of_a_witness_in_the_specification() -> None:
    """c2sp.org/tlog-witness, add-checkpoint: two keys of one witness, and another witness."""
    answer = (
        "— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatV"
        "s0pWh6Up69HVOw==\n"
        "— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9Chd"
        "MkP1vi/lCAsmlw==\n"
        "— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3"
        "rXXvpysAdyP3wQ==\n"
    )
    read = note.signature_lines(answer)
    assert [line.name for line in read] == ["witness.example/w1", "witness.example/w1", "witness.example/w2"]
    assert "".join(f"{line}\n" for line in read) == answer
    assert {len(line.value) for line in read} == {72}


def test_the_vector_of_go() -> None:
    key = VerifierKey.parse(GO_KEY)
    assert str(key) == GO_KEY == str(note.verifier_key(GO_NAME, GO_SEED))
    read = SignedNote.parse(GO_NOTE.encode())
    assert str(read) == GO_NOTE
    assert read.signatures == (note.sign(GO_TEXT, GO_NAME, GO_SEED),)
    assert note.verify(read, [key]) == (GO_NAME,)


def test_the_checkpoint_of_the_specification() -> None:
    read = SignedNote.parse(COSIGNED)
    head = Checkpoint.parse(read.text)
    assert str(read) == COSIGNED
    assert str(head) == read.text
    assert (head.origin, head.size, head.extensions) == ("example.com/behind-the-sofa", 20852163, ())
    assert int.from_bytes(read.signatures[1].value[:8], "big") == 1679315147


# ---- what holds --------------------------------------------------------------------------------------------------


def test_who_signed() -> None:
    signed = made()
    assert SignedNote.parse(str(signed)) == signed
    assert note.verify(signed, [KEY, WITNESS_KEY]) == (ORIGIN, WITNESS)
    assert note.signers(signed, [WITNESS_KEY, WITNESS_KEY]) == (WITNESS_KEY,)
    assert note.cosigned(signed, WITNESS_KEY) == TIME
    assert note.verify(signed, []) == ()
    assert note.verify(signed, [note.verifier_key(ORIGIN, OTHER_SEED)]) == ()


def test_a_log_in_the_overlap_of_two_keys_signs_twice() -> None:
    text = str(HEAD)
    both = SignedNote(text=text, signatures=tuple(note.sign(text, ORIGIN, seed) for seed in (SEED, OTHER_SEED)))
    keys = [KEY, note.verifier_key(ORIGIN, OTHER_SEED)]
    assert note.signers(both, keys) == tuple(keys)
    assert note.verify(both, keys) == (ORIGIN,)


def test_the_earliest_of_two_cosignatures() -> None:
    text = str(HEAD)
    lines = tuple(note.cosign(text, WITNESS, WITNESS_SEED, time) for time in (TIME + 5, TIME))
    assert note.cosigned(SignedNote(text=text, signatures=lines), WITNESS_KEY) == TIME


def test_the_answer_of_a_witness() -> None:
    line = note.cosign(str(HEAD), WITNESS, WITNESS_SEED, TIME)
    assert note.signature_lines(f"{line}\n") == (line,)
    for text in ("", "\n", str(line), f"{line}\n\n", f"\n{line}\n", f"{line} \n", f" {line}\n"):
        with pytest.raises(ParseError):
            note.signature_lines(text)


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", [1, 0x20, 0x80])
def test_every_flipped_byte_of_a_note_is_refused(bit: int) -> None:
    """Refused as a text, or by a signature, or the signature is no longer that of a known key."""
    whole = str(made()).encode()
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
        try:
            read = SignedNote.parse(changed)
            held = note.signers(read, [KEY, WITNESS_KEY])
        except (ParseError, ProofError):
            continue
        assert len(held) == 1, (at, changed)
        assert read.text == made().text, "a changed text was vouched for"


def test_each_cut_and_each_repeated_byte_of_a_note_is_refused() -> None:
    whole = str(made())
    for at in range(len(whole)):
        for changed in (whole[:at], whole[:at] + whole[at] + whole[at:]):
            try:
                read = SignedNote.parse(changed)
                held = note.signers(read, [KEY, WITNESS_KEY])
            except (ParseError, ProofError):
                continue
            assert len(held) < 2, (at, changed)
            assert not held or read.text == made().text, (at, changed)


def test_a_note_with_one_false_signature_of_a_known_key_is_refused_as_a_whole() -> None:
    good = note.sign(str(HEAD), ORIGIN, SEED)
    false = Signature(name=ORIGIN, key_id=KEY.id, value=note.sign("other\n", ORIGIN, SEED).value)
    for lines in ((good, false), (false, good)):
        with pytest.raises(ProofError, match="does not hold"):
            note.verify(SignedNote(text=str(HEAD), signatures=lines), [KEY])


def test_a_signature_of_one_type_is_none_of_the_other() -> None:
    """A log's key under type 4, and a witness's under type 1, have other ids; renamed they do not hold."""
    text = str(HEAD)
    plain, cosigned = note.sign(text, WITNESS, WITNESS_SEED), note.cosign(text, WITNESS, WITNESS_SEED, TIME)
    as_plain = note.verifier_key(WITNESS, WITNESS_SEED)
    swapped = [
        (Signature(name=WITNESS, key_id=WITNESS_KEY.id, value=plain.value), WITNESS_KEY),
        (Signature(name=WITNESS, key_id=WITNESS_KEY.id, value=cosigned.value[8:]), WITNESS_KEY),
        (Signature(name=WITNESS, key_id=as_plain.id, value=cosigned.value), as_plain),
        (Signature(name=WITNESS, key_id=as_plain.id, value=cosigned.value[8:]), as_plain),
        (Signature(name=WITNESS, key_id=WITNESS_KEY.id, value=bytes(8) + cosigned.value[8:]), WITNESS_KEY),
        (Signature(name=WITNESS, key_id=WITNESS_KEY.id, value=b"\xff" + cosigned.value[1:]), WITNESS_KEY),
    ]
    for line, key in swapped:
        with pytest.raises(ProofError):
            note.verify(SignedNote(text=text, signatures=(line,)), [key])


def test_cosigned_says_why_not() -> None:
    text = str(HEAD)
    bare = SignedNote(text=text, signatures=(note.sign(text, ORIGIN, SEED),))
    with pytest.raises(ProofError, match="did not cosign"):
        note.cosigned(bare, WITNESS_KEY)
    with pytest.raises(ProofError, match="type 4 or 6"):
        note.cosigned(bare, KEY)
    with pytest.raises(ParseError):
        note.cosigned(SignedNote(text="hello\n", signatures=bare.signatures), WITNESS_KEY)
    with pytest.raises(ParseError):
        note.cosign("hello\n", WITNESS, WITNESS_SEED, TIME)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "blank line"),
        ("text\n", 2, "blank line"),
        ("text\n— a AAAAAAA=\n", 3, "blank line"),
        ("text\n\n", 3, "last line"),
        ("text\n\n— a AAAAAAA=", 3, "last line"),
        ("text\n\n- a AAAAAAA=\n", 3, "dash"),
        ("text\n\n—a AAAAAAA=\n", 3, "dash"),
        ("text\n\n—  AAAAAAA=\n", 3, "empty"),
        ("text\n\n— a+b AAAAAAA=\n", 3, "plus"),
        ("text\n\n— a\u00a0b AAAAAAA=\n", 3, "space"),
        ("text\n\n— a AAAAAAA\n", 3, "not base64"),
        ("text\n\n— a AAAAAAB=\n", 3, "not canonical"),
        ("text\n\n— a AAAAAA==\n", 3, "key id and a value"),
        ("text\n\n— a AAAAAAA= \n", 3, "base64"),
        ("text\n\n— a AAAAAAA=\r\n", 3, "control"),
        ("te\x00xt\n\n— a AAAAAAA=\n", 1, "control"),
        ("te\txt\n\n— a AAAAAAA=\n", 1, "control"),
        ("te\ud800xt\n\n— a AAAAAAA=\n", 1, "UTF-8"),
        ("text\n\n" + "— a AAAAAAA=\n" * 101, 103, "100 signatures"),
        ("x" * (1 << 20) + "\n\n— a AAAAAAA=\n", 1, "larger"),
    ],
)
def test_malformed_notes(text: str, line: int, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as caught:
        SignedNote.parse(text)
    assert caught.value.pointer == f"text:{line}:1"


def test_bytes_that_are_not_utf_8() -> None:
    with pytest.raises(ParseError) as caught:
        SignedNote.parse(b"a\nb\xff\n\n\xe2\x80\x94 a AAAAAAA=\n")
    assert caught.value.pointer == "text:2:1"


def test_blank_lines_belong_to_the_text_but_for_the_last() -> None:
    read = SignedNote.parse("a\n\n\nb\n\n\n— a AAAAAAA=\n— b AAAAAAA=\n")
    assert read.text == "a\n\n\nb\n\n"
    assert len(read.signatures) == 2


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        (f"o\n1\n{ROOT}", 3),
        ("o\n1\n", 3),
        (f"\n1\n{ROOT}\n", 1),
        (f"o\n01\n{ROOT}\n", 2),
        (f"o\n+1\n{ROOT}\n", 2),
        (f"o\n-1\n{ROOT}\n", 2),
        (f"o\n 1\n{ROOT}\n", 2),
        (f"o\n1_0\n{ROOT}\n", 2),
        (f"o\n١\n{ROOT}\n", 2),
        (f"o\n00\n{ROOT}\n", 2),
        (f"o\n\n{ROOT}\n", 2),
        (f"o\n9223372036854775808\n{ROOT}\n", 2),
        (f"o\n{'1' * 5000}\n{ROOT}\n", 2),
        ("o\n1\n!\n", 3),
        ("o\n1\nAAAA\n", 3),
        (f"o\n1\n{ROOT[:-2]}B=\n", 3),
        (f"o\n1\n{ROOT}\n\n", 4),
        (f"o\n1\n{ROOT}\nextra\n\nmore\n", 5),
        (f"o\r\n1\n{ROOT}\n", 1),
    ],
)
def test_malformed_checkpoints(text: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        Checkpoint.parse(text)
    assert caught.value.pointer == f"text:{line}:1"


def test_extension_lines_are_kept() -> None:
    head = Checkpoint.parse(f"o\n0\n{ROOT}\nfirst line\nsecond\n")
    assert head.extensions == ("first line", "second")
    assert Checkpoint.parse(str(head)) == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+00000000",
        "a+00000000+",
        GO_KEY + " ",
        GO_KEY + "\n",
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "0c74f20a3"),
        GO_KEY.replace("Peter", "Peter "),
        GO_KEY[:-4],
        "+" + GO_KEY,
        "a+7fd8ab8f+" + base64.b64encode(bytes([6]) + bytes(range(32))).decode(),  # of a type that we do not read
    ],
)
def test_malformed_verifier_keys(text: str) -> None:
    with pytest.raises(ParseError):
        VerifierKey.parse(text)


def test_every_flipped_character_of_a_verifier_key_is_refused() -> None:
    for text in (str(KEY), str(WITNESS_KEY)):
        for at, character in enumerate(text):
            for bit in (1, 2, 0x20):
                changed = text[:at] + chr(ord(character) ^ bit) + text[at + 1 :]
                with pytest.raises(ParseError):
                    VerifierKey.parse(changed)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 1])
def test_keys_that_anybody_can_sign_for_are_refused(y: int) -> None:
    for sign in (0, 1 << 255):
        public = (y | sign).to_bytes(32, "little")
        data = bytes([note.ED25519]) + public
        number = note.key_id("a", note.ED25519, public).hex()
        with pytest.raises(ParseError, match=r"anybody|canonical"):
            VerifierKey.parse(f"a+{number}+{base64.b64encode(data).decode()}")
        # The identity as R and nothing as S is a signature over everything, under the identity as the key.
        assert not ed25519.holds(b"anything", (1).to_bytes(32, "little") + bytes(32), public)


def test_what_cannot_be_written_is_not_made() -> None:
    with pytest.raises(ValueError, match="newline"):
        note.sign("no newline", ORIGIN, SEED)
    with pytest.raises(ValueError, match="control"):
        note.sign("a\tb\n", ORIGIN, SEED)
    with pytest.raises(ValueError, match="space"):
        note.sign("a\n", "log example", SEED)
    with pytest.raises(ValueError, match="32"):
        note.sign("a\n", ORIGIN, SEED[:-1])
    with pytest.raises(ValueError, match="1 to 100"):
        SignedNote(text="a\n", signatures=())
    with pytest.raises(ValueError, match="key id"):
        Signature(name="a", key_id=b"abc", value=b"x")
    with pytest.raises(ValueError, match="32 bytes"):
        VerifierKey(name="a", public=b"short")
    for bad in ({"origin": ""}, {"origin": "a\nb"}, {"size": -1}, {"root": b""}, {"extensions": ("",)}):
        with pytest.raises(ValueError, match=r"line|size|root"):
            Checkpoint(**{"origin": "o", "size": 1, "root": bytes(32), **bad})


# ---- ML-DSA-44 ---------------------------------------------------------------------------------------------------


def post_quantum(text: str, name: str = WITNESS, time: int = TIME) -> tuple[Signature, VerifierKey]:
    """A cosignature of type 6 and its key, made with the library alone, word for word as the specification says."""
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa", reason="cryptography is before 47")
    private = mldsa.MLDSA44PrivateKey.from_seed_bytes(WITNESS_SEED)
    key = VerifierKey(name=name, type=6, public=private.public_key().public_bytes_raw())
    head = Checkpoint.parse(text)
    message = b"subtree/v1\n\x00" + bytes([len(name)]) + name.encode() + time.to_bytes(8, "big")
    message += bytes([len(head.origin)]) + head.origin.encode() + bytes(8) + head.size.to_bytes(8, "big") + head.root
    return Signature(name=name, key_id=key.id, value=time.to_bytes(8, "big") + private.sign(message)), key


def test_a_cosignature_by_ml_dsa_holds_beside_others() -> None:
    line, key = post_quantum(str(HEAD))
    both = SignedNote(text=str(HEAD), signatures=(*made().signatures, line))
    assert SignedNote.parse(str(both)) == both
    assert VerifierKey.parse(str(key)) == key
    assert note.signers(both, [KEY, WITNESS_KEY, key]) == (KEY, WITNESS_KEY, key)
    assert note.cosigned(both, key) == TIME


def test_a_changed_cosignature_by_ml_dsa_does_not_hold() -> None:
    line, key = post_quantum(str(HEAD))
    for at in range(0, len(line.value), 41):
        value = line.value[:at] + bytes([line.value[at] ^ 1]) + line.value[at + 1 :]
        changed = Signature(name=WITNESS, key_id=key.id, value=value)
        with pytest.raises(ProofError):
            note.cosigned(SignedNote(text=str(HEAD), signatures=(changed,)), key)
    for old, new in ((ORIGIN, "other.example"), ("\n1300\n", "\n1301\n"), ("AAEC", "AAED")):
        with pytest.raises(ProofError, match="does not hold"):
            note.cosigned(SignedNote(text=str(HEAD).replace(old, new), signatures=(line,)), key)
    moved = VerifierKey(name="witness.example/w2", type=6, public=key.public)  # the name is signed too
    renamed = Signature(name=moved.name, key_id=moved.id, value=line.value)
    with pytest.raises(ProofError, match="does not hold"):
        note.cosigned(SignedNote(text=str(HEAD), signatures=(renamed,)), moved)
    with pytest.raises(ProofError, match="cannot have cosigned"):
        note.verify(SignedNote(text="no checkpoint\n", signatures=(line,)), [key])
    long = str(Checkpoint(origin="o" * 256, size=1, root=bytes(32)))
    with pytest.raises(ProofError, match="255 bytes"):
        note.verify(SignedNote(text=long, signatures=(line,)), [key])
    with pytest.raises(ValueError, match="1312"):
        VerifierKey(name="a", type=6, public=key.public[1:])


def test_tlog_scales_cosigns_with_ml_dsa() -> None:
    signing = pytest.importorskip("tlog_scales.signing", reason="tlog-scales is not installed: pip install -e '.[dev]'")
    tlog = pytest.importorskip("tlog_scales.tlog")
    theirs = signing.MLDSA44CosignatureSigner(WITNESS, WITNESS_SEED)
    written = tlog.Checkpoint.make_signed(ORIGIN, 1300, HEAD.root, [theirs]).serialize()
    key = VerifierKey.parse(theirs.vkey.serialize())
    assert note.cosigned(SignedNote.parse(written), key) > TIME
    tlog.Checkpoint.from_text(f"{HEAD}\n{post_quantum(str(HEAD))[0]}\n").verify(theirs.vkey)


# ---- any text ----------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1)
lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
signatures = st.builds(
    Signature,
    name=names,
    key_id=st.binary(min_size=4, max_size=4),
    value=st.binary(min_size=1, max_size=80),
)


@given(st.lists(lines, min_size=1, max_size=6), st.lists(signatures, min_size=1, max_size=4))
def test_notes_are_read_as_written(text: list[str], signed: list[Signature]) -> None:
    made = SignedNote(text="\n".join(text) + "\n", signatures=tuple(signed))
    assert SignedNote.parse(str(made)) == made == SignedNote.parse(str(made).encode())


@given(lines.filter(bool), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines.filter(bool)))
def test_checkpoints_are_read_as_written(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    head = Checkpoint(origin=origin, size=size, root=root, extensions=tuple(extensions))
    assert Checkpoint.parse(str(head)) == head


@given(names, st.sampled_from([1, 4]), st.binary(min_size=32, max_size=32))
def test_verifier_keys_are_read_as_written(name: str, type: int, seed: bytes) -> None:
    key = note.verifier_key(name, seed, type)
    assert VerifierKey.parse(str(key)) == key


@settings(max_examples=300)
@given(st.one_of(st.text(), st.binary(), st.from_regex(r"[ab\n]{0,9}\n\n(— [ab ]{0,3} [AB=]{0,9}\n){0,3}")))
def test_no_text_makes_a_parser_fail_otherwise(text: str | bytes) -> None:
    for parse in (SignedNote.parse, Checkpoint.parse):
        with contextlib.suppress(ParseError):
            assert str(parse(text)) == (text if isinstance(text, str) else text.decode())
    if isinstance(text, str):
        with contextlib.suppress(ParseError):
            assert str(VerifierKey.parse(text)) == text


# ---- other implementations ---------------------------------------------------------------------------------------


def test_tlog_scales_accepts_what_we_sign_and_refuses_what_is_changed() -> None:
    pytest.importorskip("tlog_scales", reason="tlog-scales is not installed: pip install -e '.[dev]'")
    from cryptography.exceptions import InvalidSignature
    from tlog_scales import signing, tlog

    theirs = tlog.Checkpoint.from_text(str(made()))
    assert (theirs.origin, theirs.size, theirs.root_hash) == (HEAD.origin, HEAD.size, HEAD.root)
    for key in (KEY, WITNESS_KEY):
        other = signing.Vkey.from_string(str(key))
        assert other.serialize() == str(key)
        theirs.verify(other)
        with pytest.raises(InvalidSignature):
            tlog.Checkpoint.from_text(str(made()).replace("\n1300\n", "\n1301\n")).verify(other)
    made_there = tlog.Checkpoint.make_signed(ORIGIN, 1300, HEAD.root, [signing.PlainEd25519Signer(ORIGIN, SEED)])
    assert made_there.serialize() == str(SignedNote(text=str(HEAD), signatures=made().signatures[:1]))


def test_aics_tlog_accepts_what_we_sign_and_refuses_what_is_changed() -> None:
    theirs = pytest.importorskip("aics_tlog.note", reason="aics-tlog is not installed: it needs Python 3.12")
    checkpoint = pytest.importorskip("aics_tlog.checkpoint", reason="aics-tlog is not installed")
    head, read = checkpoint.checkpoint_from_note(str(made()))
    assert (head.origin, head.size) == (HEAD.origin, HEAD.size)
    assert theirs.verify_note(read, [theirs.parse_vkey(str(KEY))])
    changed = theirs.parse_note(str(made()).replace("\n1300\n", "\n1301\n"))
    assert not theirs.verify_note(changed, [theirs.parse_vkey(str(KEY))])


GO = """package main

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Println("key:", err)
		os.Exit(3)
	}
	for _, path := range os.Args[2:] {
		data, _ := os.ReadFile(path)
		opened, err := note.Open(data, note.VerifierList(verifier))
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Printf("held %d %d %q\\n", len(opened.Sigs), len(opened.UnverifiedSigs), opened.Text)
	}
}
"""
GOPATH = Path("/usr/share/gocode")


def test_go_accepts_what_we_sign_and_refuses_what_is_changed(tmp_path: Path) -> None:
    """x/mod/sumdb/note, from Debian's golang-golang-x-mod-dev."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/note").is_dir():
        pytest.skip("no Go with golang-golang-x-mod-dev on this machine")
    (tmp_path / "main.go").write_text(GO)
    whole = str(made()).encode()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    paths = []
    for number, content in enumerate([whole, *flipped]):
        paths.append(tmp_path / f"{number}.note")
        paths[-1].write_bytes(content)
    environment = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin:/usr/local/bin:/usr/local/go/bin",
    }
    done = subprocess.run(
        ["go", "run", "main.go", str(KEY), *map(str, paths)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said = done.stdout.splitlines()
    assert said[0].startswith("held 1 1 ")
    assert len(said) == len(paths)
    for content, line in zip(flipped, said[1:], strict=True):
        try:
            ours = note.verify(SignedNote.parse(content), [KEY])
        except (ParseError, ProofError):
            ours = ()
        # Wherever Go refuses we do; where we refuse and Go does not, only a foreign signature line was changed.
        assert ours == () or line.startswith("held 1 1 ")
        assert line == "refused" or line.endswith(said[0].split(" ", 3)[3])
