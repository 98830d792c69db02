"""The signed head of a bundle and the proofs of its leaves, judged by others: Go's x/mod, and tlog-scales."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.leaving import House, flipped

GO = """package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func hash(text string) (tlog.Hash, error) {
	var made tlog.Hash
	data, err := base64.StdEncoding.DecodeString(text)
	if err == nil && copy(made[:], data) != len(data) {
		err = fmt.Errorf("a hash of %d bytes", len(data))
	}
	return made, err
}

// check holds one leaf against its proof: an index, the hashes of the path, a blank line, the signed head.
func check(path string, verifier note.Verifier) error {
	leaf, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(strings.TrimSuffix(path, ".leaf.json") + ".tlog-proof")
	if err != nil {
		return err
	}
	head, signed, _ := strings.Cut(string(data), "\\n\\n")
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	told, lines := strings.Split(opened.Text, "\\n"), strings.Split(head, "\\n")
	size, err := strconv.ParseInt(told[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := hash(told[2])
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil || lines[0] != "c2sp.org/tlog-proof@v1" || told[0] != verifier.Name() {
		return fmt.Errorf("no proof: %v", err)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		one, err := hash(line)
		if err != nil {
			return err
		}
		proof = append(proof, one)
	}
	return tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(leaf))
}

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Println("key:", err)
		os.Exit(3)
	}
	for _, folder := range os.Args[2:] {
		head, _ := os.ReadFile(filepath.Join(folder, "checkpoint"))
		_, err := note.Open(head, note.VerifierList(verifier))
		leaves, _ := filepath.Glob(filepath.Join(folder, "*.leaf.json"))
		held := 0
		for _, leaf := range leaves {
			if check(leaf, verifier) == nil {
				held++
			}
		}
		fmt.Println(err == nil, held, len(leaves))
	}
}
"""
GOPATH = Path("/usr/share/gocode")


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data/proofs` of a bundle of the demonstration."""
    house = House.build(tmp_path_factory.mktemp("house"))
    house.export("a.zip", collection="seeds")
    return house.unpacked("a.zip") / "data/proofs"


@pytest.fixture
def changed(proofs: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Copies in each of which one byte of one file of the first leaf was flipped, with that file."""
    return _changed(proofs, tmp_path)


def _changed(proofs: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    leaf = first(proofs)
    for name in (leaf.name, leaf.name.replace(".leaf.json", ".tlog-proof"), "checkpoint"):
        size = (proofs / name).stat().st_size
        # In a proof and a head the last bytes are those of a signature line: its base64 has spare bits there.
        for at in (0, size // 3, size // 2, size - 12):
            folder = Path(shutil.copytree(proofs, tmp_path / f"{name}-{at}"))
            (folder / name).write_bytes(flipped((folder / name).read_bytes(), at))
            yield folder, folder / name


def first(proofs: Path) -> Path:
    return min(proofs.glob("*.leaf.json"), key=lambda path: int(path.name.split(".")[0]))


def vkey(proofs: Path) -> str:
    return (proofs / "log.vkey").read_text().splitlines()[0]


@pytest.mark.heavy
@pytest.mark.skipif(
    shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir(),
    reason="no Go with golang-golang-x-mod-dev on this machine",
)
def test_go_follows_each_proof_and_no_changed_one(
    proofs: Path, changed: Iterator[tuple[Path, Path]], tmp_path: Path
) -> None:
    (tmp_path / "main.go").write_text(GO)
    places = list(changed)
    environment = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    command = ["go", "run", "main.go", vkey(proofs), str(proofs), *(str(folder) for folder, _ in places)]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=True
    )
    whole, *others = done.stdout.splitlines()
    count = len(list(proofs.glob("*.leaf.json")))
    assert whole == f"true {count} {count}"
    assert count > 50
    for (_, path), line in zip(places, others, strict=True):
        expected = f"false {count} {count}" if path.name == "checkpoint" else f"true {count - 1} {count}"
        assert line == expected, path


def test_tlog_scales_follows_each_proof_and_no_changed_one(proofs: Path, changed: Iterator[tuple[Path, Path]]) -> None:
    signing = pytest.importorskip("tlog_scales.signing", reason="tlog-scales is not installed: pip install -e '.[dev]'")
    tlog = pytest.importorskip("tlog_scales.tlog")
    key = signing.Vkey.from_string(vkey(proofs))

    def held(leaf: Path) -> None:
        head, _, signed = leaf.with_name(leaf.name.replace(".leaf.json", ".tlog-proof")).read_text().partition("\n\n")
        for text in (signed, (leaf.parent / "checkpoint").read_text()):
            checkpoint = tlog.Checkpoint.from_text(text)
            checkpoint.verify(key)
        lines = head.split("\n")
        assert lines[0] == "c2sp.org/tlog-proof@v1"
        path = [base64.b64decode(line, validate=True) for line in lines[2:]]
        proof = tlog.InclusionProof(int(lines[1].removeprefix("index ")), checkpoint.size, path)
        proof.check(hashlib.sha256(b"\0" + leaf.read_bytes()).digest(), checkpoint.root_hash)

    leaves = list(proofs.glob("*.leaf.json"))
    for leaf in leaves:
        held(leaf)
    assert len(leaves) > 50
    for folder, _ in changed:
        with pytest.raises(Exception):  # noqa: B017, PT011  # theirs are of many kinds
            held(first(folder))
