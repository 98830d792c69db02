"""verify.sh: the checks that a person can follow by hand, with sha256sum, xxd and openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import making
import pytest

from archiver.bundle import shell
from archiver.custody import log, note

TOOLS = ("sh", "sha256sum", "sha512sum", "xxd", "openssl", "find", "comm")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="a tool of verify.sh is missing"
)


def run(bag: Path, *more: str) -> tuple[int, str]:
    ended = subprocess.run(
        ["sh", str(bag / "verify.sh"), *more], capture_output=True, text=True, timeout=120, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return making.bundle(tmp_path / "a bag", cosigned=1772600000)


def test_it_is_short_and_holds(bag: Path) -> None:
    assert len((bag / "verify.sh").read_text().splitlines()) <= 40
    code, out = run(bag)
    assert (code, out) == (0, "All held: files, signature of data/proofs/log.pem, leaves in the log of 300\n")


@pytest.mark.heavy
def test_each_file_that_is_changed_missing_or_extra_is_named(bag: Path) -> None:
    for name in ("data/proofs/5.leaf.json", "data/report.html", "bag-info.txt", "verify.py"):
        held = (bag / name).read_bytes()
        (bag / name).write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        code, out = run(bag)
        assert (code, f"{name}: FAILED" in out) == (4, True), out
        (bag / name).unlink()
        code, out = run(bag)
        assert (code, name in out) == (4, True), out
        (bag / name).write_bytes(held)
    for name in ("data/extra", ".hidden", "seal/notes.txt"):
        (bag / name).write_text("x")
        code, out = run(bag)
        assert (code, f"{name}\n" in out) == (4, True), out
        (bag / name).unlink()
    for extra in ("READ ME FIRST.txt", "tagmanifest-sha999.txt", "more/verify.py"):
        (bag / extra).parent.mkdir(exist_ok=True)
        (bag / extra).write_text("x")
        code, out = run(bag)
        assert (code, extra in out) == (4, True), out
        (bag / extra).unlink()
    assert run(bag)[0] == 0


def test_a_forger_who_writes_manifests_anew(bag: Path) -> None:
    leaf = bag / "data/proofs/5.leaf.json"
    leaf.write_text(leaf.read_text().replace("Desk", "Dusk"))
    making.again(bag)
    code, out = run(bag)
    assert (code, "WRONG: data/proofs/5.leaf.json: does not stand in the log at 5" in out) == (4, True), out


def test_another_key_and_a_head_that_was_changed(bag: Path, tmp_path: Path) -> None:
    other = note.to_base64(bytes.fromhex("302a300506032b6570032100") + note.verifier_key("x", bytes(32)).public)
    (tmp_path / "other.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{other}\n-----END PUBLIC KEY-----\n")
    code, out = run(bag, str(tmp_path / "other.pem"))
    assert (code, "WRONG: data/proofs/checkpoint: not signed by" in out) == (4, True), out
    shutil.copy(bag / "data/proofs/log.pem", tmp_path / "mine.pem")
    assert run(bag, str(tmp_path / "mine.pem"))[0] == 0
    head = bag / "data/proofs/checkpoint"
    head.write_text(head.read_text().replace("\n300\n", "\n299\n"))
    making.again(bag)
    code, out = run(bag)
    assert (code, "not signed by data/proofs/log.pem" in out) == (4, True), out


@pytest.mark.parametrize("lost", ["xxd", "openssl", "rawin", "key"])
def test_what_is_missing_is_not_called_wrong(bag: Path, tmp_path: Path, lost: str) -> None:
    """A machine without a tool, or with OpenSSL 1.1, cannot check: that says nothing of the bundle."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in {*TOOLS, "dirname", "mktemp", "rm", "grep", "sed", "cut", "sort", "cmp", "cat", "tail"} - {lost}:
        (tools / tool).symlink_to(str(shutil.which(tool)))
    if lost == "rawin":
        (tools / "openssl").unlink()
        (tools / "openssl").write_text("#!/bin/sh\necho usage\n")
        (tools / "openssl").chmod(0o755)
    command = ["/bin/sh", str(bag / "verify.sh"), *(["nowhere.pem"] if lost == "key" else [])]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={"PATH": str(tools)})
    named = {"rawin": "openssl 3", "key": "nowhere.pem"}.get(lost, lost)
    assert (ended.returncode, ended.stdout) == (2, f"Nothing was checked: {named} is missing here\n"), ended.stderr


@pytest.mark.heavy
def test_paths_of_logs_of_every_shape(tmp_path: Path) -> None:
    """The arithmetic of the shell is that of RFC 9162, also at the right edge of a tree that is not full."""
    for size in (1, 2, 3, 5, 6, 7, 11):
        made = making.story()
        made.leaves, made.index["captures"] = [bytes([65 + n]) for n in range(size)], []
        made.files = {}
        head = log.root(making.node(made.leaves), size)
        checkpoint = note.Checkpoint(origin=making.ORIGIN, size=size, root=head)
        signed = note.SignedNote(
            text=str(checkpoint), signatures=(note.sign(str(checkpoint), making.ORIGIN, making.SEED),)
        )
        bag = tmp_path / str(size)
        making.proofs_of(made, signed, range(size))
        making.bag({f"data/{name}": data for name, data in made.files.items()}, bag)
        assert run(bag)[0] == 0
        if size > 2:
            proofs = bag / "data/proofs"
            leaf = (proofs / "0.leaf.json").read_bytes()
            (proofs / "0.leaf.json").write_bytes((proofs / "1.leaf.json").read_bytes())
            (proofs / "1.leaf.json").write_bytes(leaf)
            making.again(bag)
            code, out = run(bag)
            assert (code, out.count("does not stand in the log")) == (4, 2), out


def test_a_hostile_name_stays_a_comment() -> None:
    script = shell.script({"origin": "x\nrm -rf /\u2028", "size": 1})  # type: ignore[typeddict-item]
    assert "\nrm" not in script
    assert script.splitlines()[1] == "# Checks the unpacked bundle of x?rm -rf /? (1 leaves): sh verify.sh [KEY.pem]"
