"""What a bundle must not hold: notes and proofs that are none, keys that are others, files without end. verify.py reads
them as strictly as the archiver does, and says in a sentence what is wrong."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import making
import pytest

from archiver.bundle import verify, verify_files, verify_notes
from archiver.bundle.verify_files import Refused
from archiver.custody import log, note
from archiver.custody.proof import LogProof
from archiver.errors import ParseError
from tests.custody import test_note, test_proof

HEAD, KEYS = Path("data/proofs/checkpoint"), Path("data/proofs/log.vkey")
PROOF = Path("data/proofs/5.tlog-proof")
ROOT = note.to_base64(bytes(32))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.bundle(tmp_path_factory.mktemp("whole") / "bag", cosigned=1772600000)


def said(bag: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = verify.main([str(bag), "--key", str(making.KEY), "--key", str(making.WITNESS_KEY), *more])
    return code, capsys.readouterr().out


# ---- two readers, one language ----------------------------------------------------------------------------------


def changed(text: str, count: int, seed: int) -> Iterator[str]:
    """The text with pieces of it left out, put in or replaced."""
    chance = random.Random(seed)
    pieces = [
        "",
        "\n",
        "\n\n",
        " ",
        "0",
        "+",
        "\u2014",
        "\r",
        "\t",
        "\0",
        "\x85",
        "\u2028",
        "é",
        "=",
        "A",
        "- ",
        "\x7f",
    ]
    for _ in range(count):
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.randrange(6))
        yield text[:start] + chance.choice(pieces) + text[end:]


def table(test: object) -> list[str]:
    """The texts of a table of malformed ones, but for those that no bytes are, and one whose size is told sooner."""
    texts: list[str] = [row[0] for mark in test.pytestmark for row in mark.args[1]]  # type: ignore[attr-defined]
    return [text for text in texts if note.encodable(text) and len(text) < 1 << 20]


def ours(text: str) -> tuple[object, ...] | None:
    try:
        read = note.SignedNote.parse(text)
        head = note.Checkpoint.parse(read.text)
    except ParseError:
        return None
    return head.origin, head.size, head.root, [(one.name, one.key_id, one.value) for one in read.signatures]


def theirs(text: str) -> tuple[object, ...] | None:
    try:
        read = verify_notes.parse_note(text, "note")
    except Refused:
        return None
    return read.origin, read.size, read.root, list(read.signatures)


def test_notes_are_read_as_strictly_as_the_archiver_reads_them() -> None:
    start = f"o\n1\n{ROOT}\n"
    texts = [start + text.removeprefix("text\n") for text in table(test_note.test_malformed_notes)]
    texts += [text + "\n\u2014 a AAAAAAA=\n" for text in table(test_note.test_malformed_checkpoints)]
    whole = str(test_note.made())
    refused = 0
    for text in [whole, *texts, *changed(whole, 4000, 3)]:
        assert theirs(text) == ours(text), text[:400]
        refused += ours(text) is None
    assert refused > 2000
    assert ours(whole) is not None


def test_proofs_are_read_as_strictly_as_the_archiver_reads_them() -> None:
    whole = str(test_proof.made(2, 7, b"about"))

    def theirs(text: str) -> tuple[object, ...] | None:
        try:
            index, path, rest = verify_notes.parse_proof(text, "proof")
            verify_notes.parse_note(rest, "proof")
        except Refused:
            return None
        return index, tuple(path)

    def ours(text: str) -> tuple[object, ...] | None:
        try:
            read = LogProof.parse(text)
        except ParseError:
            return None
        return read.index, read.hashes

    refused = 0
    for text in [whole, *table(test_proof.test_malformed_proofs), *changed(whole, 4000, 4)]:
        assert theirs(text) == ours(text), text[:400]
        refused += ours(text) is None
    assert refused > 2000


# ---- what is told of them ---------------------------------------------------------------------------------------


def signed(text: str, name: str = making.ORIGIN) -> str:
    """Any text, with the genuine signature of the log."""
    return f"{text}\n{note.sign(text, name, making.SEED)}\n"


def head_of(size: str = "300", root: str = "", extra: str = "") -> str:
    made = making.story()
    root = root or note.to_base64(log.root(making.node(made.leaves), 300))
    return f"{making.ORIGIN}\n{size}\n{root}\n{extra}"


def appended(bag: Path, path: Path, text: str) -> None:
    (bag / path).write_text((bag / path).read_text("utf-8") + text, "utf-8")


def another_id(bag: Path) -> None:
    """The line of the log's signature under another key id."""
    lines = (bag / HEAD).read_text("utf-8").split("\n")
    dash, name, coded = lines[4].split(" ")
    data = note.from_base64(coded)
    lines[4] = " ".join((dash, name, note.to_base64(bytes([data[0] ^ 1]) + data[1:])))
    (bag / HEAD).write_text("\n".join(lines), "utf-8")


def replace(bag: Path, path: Path, old: str, new: str) -> None:
    text = (bag / path).read_text("utf-8")
    assert old in text
    (bag / path).write_text(text.replace(old, new, 1), "utf-8")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a size with a zero before it, signed by the log": (
        lambda bag: (bag / HEAD).write_text(signed(head_of("0300")), "utf-8"),
        "data/proofs/checkpoint:2: the size is not a number without leading zeros",
    ),
    "a size that no log has": (
        lambda bag: (bag / HEAD).write_text(signed(head_of("9223372036854775808")), "utf-8"),
        "data/proofs/checkpoint:2: the size is not a number",
    ),
    "a size in other digits": (
        lambda bag: (bag / HEAD).write_text(signed(head_of("\u0663\u0660\u0660")), "utf-8"),
        "data/proofs/checkpoint:2: the size is not a number",
    ),
    "a short root": (
        lambda bag: (bag / HEAD).write_text(signed(head_of(root="AAAA")), "utf-8"),
        "data/proofs/checkpoint:3: a root has 32 bytes",
    ),
    "an empty line among the text": (
        lambda bag: (bag / HEAD).write_text(signed(head_of(extra="\nmore\n")), "utf-8"),
        "data/proofs/checkpoint: not a checkpoint",
    ),
    "a line of the text that nobody signed": (
        lambda bag: replace(bag, HEAD, "\n\n", "\nmore\n\n"),
        "the signature of desk.example/log (dbe481da) does not hold",
    ),
    "a line after the signatures": (
        lambda bag: appended(bag, HEAD, "more\n"),
        "data/proofs/checkpoint:7: not a signature: a dash, a name and base64",
    ),
    "an empty line after the signatures": (lambda bag: appended(bag, HEAD, "\n"), "data/proofs/checkpoint: not a"),
    "no newline at the end": (
        lambda bag: (bag / HEAD).write_text((bag / HEAD).read_text("utf-8")[:-1], "utf-8"),
        "data/proofs/checkpoint: not a checkpoint",
    ),
    "lines as Windows ends them": (
        lambda bag: (bag / HEAD).write_bytes((bag / HEAD).read_bytes().replace(b"\n", b"\r\n")),
        "data/proofs/checkpoint: not a checkpoint",
    ),
    "another key id": (another_id, "no key of desk.example/log that you trust signed it"),
    "another name": (
        lambda bag: (bag / HEAD).write_text(signed(head_of(), "other.example/log"), "utf-8"),
        "no key of desk.example/log that you trust signed it",
    ),
    "signatures without end": (
        lambda bag: appended(bag, HEAD, "\u2014 eye.example AAAAAAA=\n" * 100),
        "data/proofs/checkpoint: more than 100 signatures",
    ),
    "a note without end": (
        lambda bag: (bag / HEAD).write_text(signed(head_of(extra="x" * (1 << 20) + "\n")), "utf-8"),
        "data/proofs/checkpoint: larger than 1048576 bytes",
    ),
    "no UTF-8": (lambda bag: (bag / HEAD).write_bytes(b"\xff\n300\n"), "data/proofs/checkpoint: not UTF-8"),
    "a key with another id": (
        lambda bag: replace(bag, KEYS, "+dbe481da+", "+dbe481db+"),
        "data/proofs/log.vkey: not a verifier key NAME+ID+KEY of type 1 or 4: desk.example/log+dbe481db+",
    ),
    "a key that is none": (lambda bag: (bag / KEYS).write_text("hello\n"), "data/proofs/log.vkey: not a verifier key"),
    "an index with a zero before it": (
        lambda bag: replace(bag, PROOF, "index 5\n", "index 05\n"),
        "data/proofs/5.tlog-proof: not an index",
    ),
    "a proof with a hash more": (
        lambda bag: replace(bag, PROOF, "index 5\n", f"index 5\n{ROOT}\n"),
        "data/proofs/5.leaf.json: does not stand in the log at 5",
    ),
    "a proof without its last hash": (
        lambda bag: replace(
            bag, PROOF, (bag / PROOF).read_text("utf-8").split("\n\n")[0].rpartition("\n")[2] + "\n", ""
        ),
        "data/proofs/5.leaf.json: does not stand in the log at 5",
    ),
    "a proof of 64 hashes": (
        lambda bag: replace(bag, PROOF, "index 5\n", "index 5\n" + f"{ROOT}\n" * 64),
        "data/proofs/5.tlog-proof: not an index and up to 63 hashes",
    ),
    "a proof under a signature that is none": (
        lambda bag: replace(bag, PROOF, "\u2014 desk.example/log 2+SB2", "\u2014 desk.example/log 2+SB3"),
        "data/proofs/5.tlog-proof: leads to another checkpoint than data/proofs/checkpoint",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_notes_and_proofs_that_are_none(
    whole: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Put there by somebody who writes the manifests anew and seals them with the key of the log."""
    change, told = BAD[what]
    bag = Path(shutil.copytree(whole, tmp_path / "bag"))
    change(bag)
    making.again(bag)
    code, out = said(bag, capsys)
    assert (code, told in out) == (4, True), out
    assert max(map(len, out.splitlines())) < 400
    # What needs the head is not called wrong beside it: the sum in the index, and what was changed itself, are told.
    assert out.count("WRONG") <= 4, out


def test_a_key_of_somebody_else_vouches_for_nothing(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = note.verifier_key(making.ORIGIN, bytes(32))
    assert verify.main([str(whole), "--key", str(other)]) == 4
    assert "no key of desk.example/log that you trust signed it" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        verify.main([str(whole), "--key", str(making.KEY).replace("+dbe481da+", "+00000000+")])
    assert ended.value.code == 2
    assert "not a verifier key NAME+ID+KEY" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["data/bundle.json", "data/captures/0190a000-0000-7000-8000-000000000005.json"])
def test_files_without_end_are_not_read_whole(
    whole: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = Path(shutil.copytree(whole, tmp_path / "bag"))
    monkeypatch.setattr(verify_files.read, "__defaults__", (100_000,))
    assert said(bag, capsys)[0] == 0
    with (bag / name).open("r+b") as file:
        file.truncate(100_001)
    code, out = said(bag, capsys)
    assert (code, f"{name}: larger than 100000 bytes" in out) == (4, True), out


def test_manifests_in_another_order_or_with_a_line_twice_are_named(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = Path(shutil.copytree(whole, tmp_path / "bag"))
    path = bag / "manifest-sha256.txt"
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in reversed(lines)))
    code, out = said(bag, capsys)
    told = "manifest-sha256.txt: changed, tagmanifest-sha256.txt and tagmanifest-sha512.txt say otherwise"
    assert (code, told in out) == (4, True), out
    path.write_text("".join(f"{line}\n" for line in [*lines, lines[0]]))
    code, out = said(bag, capsys)
    name = lines[0].split("  ")[1]
    assert (code, f"manifest-sha256.txt:{len(lines) + 1}: {name} stands twice" in out) == (4, True), out
