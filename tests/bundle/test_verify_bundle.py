"""verify.py, as it travels with a bundle: what it accepts, and that it names whatever was changed."""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import making
import pytest

from archiver.bundle import shell, verify
from archiver.custody import note

TIME = 1772600000
Bundle = Callable[..., Path]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.bundle(tmp_path_factory.mktemp("whole") / "bag", cosigned=TIME)


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "bag")
    return tmp_path / "bag"


def check(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = verify.main([str(path), "--key", str(making.KEY), "--key", str(making.WITNESS_KEY), *more])
    return code, capsys.readouterr().out


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_whole_bundle_holds(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = check(whole, capsys)
    assert (code, out.count("WRONG"), out.count("unchecked ")) == (0, 0, 0), out
    assert "signed by dbe481da" in out
    assert "eye.example saw the log with 300 leaves at 2026-03-04T04:53:20Z" in out
    code, zipped = check(making.zipped(whole, tmp_path / "a.zip"), capsys)
    assert (code, zipped) == (0, out)
    assert check(making.zipped(whole, tmp_path / "b.zip", top=""), capsys) == (0, out)


def test_without_keys_of_ones_own_the_bundle_vouches_for_itself(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main([str(whole)]) == 1
    out = capsys.readouterr().out
    assert "the keys came with the bundle" in out
    assert "WRONG" not in out


def test_another_key_is_not_the_logs(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = note.verifier_key(making.ORIGIN, bytes(32))
    assert verify.main([str(whole), "--key", str(other)]) == 4
    out = capsys.readouterr().out
    told = f"no key of desk.example/log that you trust signed it: dbe481da did, and you gave {making.ORIGIN}+"
    assert f"{told}{other.id.hex()}" in out
    assert "\\n" not in out


def test_roots_and_blocks_that_are_none_are_told(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "root.cer").write_bytes(b"\x30\x82")
    for option, given, told in (
        ("--roots", tmp_path / "root.cer", "root.cer: no certificate in PEM; `openssl x509 -inform DER"),
        ("--roots", tmp_path / "nowhere.pem", "nowhere.pem: cannot be read: No such file"),
        ("--block", "zz", "--block: the header of a block is 80 bytes"),
        ("--block", "00" * 79, "--block: the header of a block is 80 bytes"),
    ):
        with pytest.raises(SystemExit) as ended:
            verify.main([str(whole), option, str(given)])
        err = capsys.readouterr().err
        assert (ended.value.code, told in err) == (2, True), err


def test_keys_come_from_files_too(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "log.vkey"
    keys.write_text(f"{making.KEY}\n\n{making.WITNESS_KEY}\n")
    assert verify.main([str(whole), "--key", str(keys)]) == 0
    capsys.readouterr()
    secret = f"PRIVATE+KEY+{making.KEY!s}"
    for text, told in (
        (f"{making.KEY}\n{secret}\n", f"{keys}:2: this is the private key"),
        ("-----BEGIN PUBLIC KEY-----\n", f"{keys}:1: not a verifier key"),
        ("\n", f"{keys}: holds no key"),
        ("\udce9", "utf-8"),
        (None, f"{keys}: no such file, and not a verifier key"),
    ):
        keys.unlink()
        if text is not None:
            keys.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(SystemExit) as ended:
            verify.main([str(whole), "--key", str(keys)])
        err = capsys.readouterr().err
        assert (ended.value.code, told in err, secret in err) == (2, True, False), err


def test_json(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = check(whole, capsys, "--json")
    found = json.loads(out)
    assert (code, found["code"], found["result"], found["v"]) == (0, 0, "held", 1)
    assert {one["check"] for one in found["checks"]} >= {"bag", "log", "seal", "leaves", "captures", "blobs", "index"}


@pytest.mark.parametrize("key", ["", "x", "a+b+c", f"{making.KEY}x", f"desk.example/other+{str(making.KEY)[17:]}"])
def test_a_key_that_is_none_is_a_wrong_command(whole: Path, key: str) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main([str(whole), "--key", key])
    assert ended.value.code == 2


def test_each_flipped_byte_of_each_file_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file())
    assert len(names) > 25
    for number, name in enumerate(names):
        size = (copy / name).stat().st_size
        for at in {0, size // 2, size - 1} if size < 2000 else {number * 37 % size}:
            flip(copy / name, at)
            code, out = check(copy, capsys)
            assert code == 4, (name, at, out)
            if name not in ("bagit.txt", "bag-info.txt") and not name.startswith(("manifest", "tagmanifest")):
                assert f"{name}: " in out, (name, at, out)
            flip(copy / name, at)
    assert check(copy, capsys)[0] == 0


def test_files_that_are_missing_or_extra_are_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("data/extra.txt", "extra.txt", "seal/extra.txt", "data/blobs/" + "0" * 64):
        (copy / name).write_text("x")
        code, out = check(copy, capsys)
        assert (code, f"{name}: extra" in out) == (4, True), out
        (copy / name).unlink()
    for path in sorted(copy.rglob("*")):
        if path.is_file() and path.parent.name != "seal":
            data, name = path.read_bytes(), str(path.relative_to(copy))
            path.unlink()
            code, out = check(copy, capsys)
            assert (code, f"{name}: missing" in out) == (4, True), (name, out)
            path.write_bytes(data)


# ---- a forger who writes the manifests anew and seals them, with the genuine key even --------------------------


def leaf_of(bag: Path) -> Path:
    return bag / "data/proofs/5.leaf.json"


def row_of(bag: Path) -> Path:
    return bag / "data/captures/0190a000-0000-7000-8000-000000000005.json"


FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "leaf": (
        lambda bag: change(leaf_of(bag), "Desk", "Dusk"),
        "data/proofs/5.leaf.json: does not stand in the log at 5",
    ),
    "leaf of another place": (
        lambda bag: shutil.copy(bag / "data/proofs/96.leaf.json", leaf_of(bag)) and None,
        "data/proofs/5.leaf.json: does not stand in the log at 5",
    ),
    "proof of another place": (
        lambda bag: shutil.copy(bag / "data/proofs/96.tlog-proof", bag / "data/proofs/5.tlog-proof") and None,
        "data/proofs/5.tlog-proof: is of leaf 96",
    ),
    "index of a proof": (
        lambda bag: change(bag / "data/proofs/5.tlog-proof", "index 5", "index 6"),
        "data/proofs/5.tlog-proof: is of leaf 6",
    ),
    "zero before an index": (
        lambda bag: change(bag / "data/proofs/5.tlog-proof", "index 5", "index 05"),
        "data/proofs/5.tlog-proof: not an index",
    ),
    "proof without leaf": (lambda bag: leaf_of(bag).unlink(), "data/proofs/5.tlog-proof: a proof without its leaf"),
    "leaf without proof": (
        lambda bag: (bag / "data/proofs/5.tlog-proof").unlink(),
        "data/proofs/5.tlog-proof: missing",
    ),
    "capture gone": (lambda bag: row_of(bag).unlink(), "leaf 5: its capture is missing"),
    "capture twice": (
        lambda bag: shutil.copy(row_of(bag), bag / "data/captures/other.json") and None,
        "data/captures/other.json: is not the name of the capture",
    ),
    "capture of no leaf": (
        lambda bag: change(row_of(bag), '"leaf": 5', '"leaf": 6'),
        "0005.json: no leaf of a capture stands in the log at 6",
    ),
    "sent": (
        lambda bag: change(row_of(bag), '"sent": "R0VU', '"sent": "R0VV'),
        "0005.json: sent has the SHA-256",
    ),
    "head": (
        lambda bag: change(row_of(bag), '"response_head": "SFRU', '"response_head": "SFRV'),
        "0005.json: response_head has the SHA-256",
    ),
    "framing": (
        lambda bag: change(row_of(bag), '"framing": ""', '"framing": "1"'),
        "0005.json: framing has the SHA-256",
    ),
    "certificates": (
        lambda bag: change(row_of(bag), '"tls_chain": [', '"tls_chain": ["x", '),
        "0005.json: tls_chain is",
    ),
    "key twice": (
        lambda bag: change(row_of(bag), '"ref": ', '"ref": "x:post:1", "ref": '),
        "0005.json: a key stands twice in one object",
    ),
    "no JSON": (lambda bag: row_of(bag).write_text("{") and None, "0005.json: not JSON"),
    "NaN": (lambda bag: row_of(bag).write_text('{"leaf": NaN}') and None, "0005.json: NaN is no JSON"),
    "deep JSON": (lambda bag: row_of(bag).write_text("[" * 200_000) and None, "0005.json: not JSON"),
    "a long number": (lambda bag: row_of(bag).write_text('{"leaf": ' + "9" * 9000 + "}") and None, "0005.json: "),
    "no UTF-8": (lambda bag: row_of(bag).write_bytes(b'{"leaf": "\xff"}') and None, "0005.json: not UTF-8"),
    "a list": (lambda bag: row_of(bag).write_text("[5]") and None, "0005.json: no leaf of a capture"),
    "blob": (
        lambda bag: flip(bag / "data/blobs" / making.sha256(making.PICTURE), 5),
        f"data/blobs/{making.sha256(making.PICTURE)}: its SHA-256 is",
    ),
    "blob gone": (
        lambda bag: (bag / "data/blobs" / making.sha256(making.PICTURE)).unlink(),
        f"its body data/blobs/{making.sha256(making.PICTURE)} is missing",
    ),
    "blob of nobody": (
        lambda bag: (bag / "data/blobs" / making.sha256(b"x")).write_bytes(b"x") and None,
        f"data/blobs/{making.sha256(b'x')}: no leaf in this bundle names it",
    ),
    "another key": (
        lambda bag: change(bag / "data/proofs/log.vkey", "", f"{note.verifier_key('desk.example/log', bytes(32))}\n"),
        "data/proofs/log.vkey: the key 7fd53c48 did not sign the checkpoint",
    ),
    "another pem": (
        lambda bag: change(bag / "data/proofs/log.pem", "MCowBQYDK2VwAyEA", "MCowBQYDK2VwAyEB"),
        "data/proofs/log.pem: holds another key than log.vkey",
    ),
    "no pem": (lambda bag: (bag / "data/proofs/log.pem").write_text("") and None, "data/proofs/log.pem: holds no key"),
    "size of the head": (
        lambda bag: change(bag / "data/proofs/checkpoint", "\n300\n", "\n301\n"),
        "the signature of desk.example/log (dbe481da) does not hold",
    ),
    "zero before the size": (
        lambda bag: change(bag / "data/proofs/checkpoint", "\n300\n", "\n0300\n"),
        "data/proofs/checkpoint:2: the size is not a number without leading zeros",
    ),
    "no blank line": (
        lambda bag: change(bag / "data/proofs/checkpoint", "\n\n", "\n"),
        "data/proofs/checkpoint: not a checkpoint",
    ),
    "cosignature": (
        lambda bag: change(bag / "data/proofs/checkpoint", "\u2014 eye.example vkp4eQ", "\u2014 eye.example vkp4eR"),
        "",
    ),
    "size in the index": (
        lambda bag: change(bag / "data/bundle.json", '"size": 300', '"size": 301'),
        "data/bundle.json: origin and size are not those of the checkpoint",
    ),
    "status in the index": (
        lambda bag: change(bag / "data/bundle.json", '"status": 200', '"status": 404'),
        "data/bundle.json: 0190a000-0000-7000-8000-000000000005: status is 404, its leaf says 200",
    ),
    "file in the index": (
        lambda bag: change(bag / "data/bundle.json", '"data/blobs/', '"data/blobs/x'),
        "is missing, or has another SHA-256",
    ),
    "capture left out of the index": (
        lambda bag: change(bag / "data/bundle.json", '"uid": "0190a000-0000-7000-8000-000000000005"', '"uid": "x"'),
        '"0190a000-0000-7000-8000-000000000005\\" stands in it or in the log, not in both'[1:],
    ),
    "index twice": (
        lambda bag: change(bag / "data/bundle.json", '"v": 1', '"v": 1, "v": 1'),
        "data/bundle.json: a key stands twice in one object",
    ),
    "words of a statement": (
        lambda bag: change(bag / "data/bundle.json", '"what": "same"', '"what": "other"'),
        'data/bundle.json: the statement "s1" is not as it was logged',
    ),
    "tool of a derived file": (
        lambda bag: change(bag / "data/bundle.json", '"tool": "chromium"', '"tool": "firefox"'),
        'data/bundle.json: the derived "d1" is not as it was logged',
    ),
    "bracket out of the air": (
        lambda bag: change(bag / "data/bundle.json", '"not_after": null', '"not_after": "2026-03-01T00:00:00Z"'),
        "",
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_a_forger_of_manifests_changed_is_named(copy: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    forge, told = FORGERIES[what]
    forge(copy)
    making.again(copy)
    code, out = check(copy, capsys)
    if told:
        assert code == 4, out
        assert told in out.replace('\\"', '"') or told in out, out
    else:
        assert code in (1, 4), out


@pytest.mark.parametrize("field", [name for name in verify.capture_faults.__globals__["FIELDS"] if name != "leaf"])
def test_each_field_of_a_capture_is_held_against_its_leaf(
    copy: Path, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in ("other", 7, None, True, ["x"], {}):
        row = json.loads(row_of(copy).read_text())
        row[field] = given
        row_of(copy).write_text(json.dumps(row))
        making.again(copy)
        code, out = check(copy, capsys)
        assert (code, f"0005.json: {field} is " in out) == (4, True), (given, out)


@pytest.mark.parametrize("field", ["sent", "response_head", "framing", "tls_chain", "url", "body_sha256"])
def test_a_field_that_is_left_out_is_wrong(copy: Path, field: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(row_of(copy).read_text())
    del row[field]
    row_of(copy).write_text(json.dumps(row))
    making.again(copy)
    code, out = check(copy, capsys)
    assert (code, f"0005.json: {field}" in out) == (4, True), out


def test_a_body_that_was_erased_is_told_and_not_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = making.story()
    sha256 = making.sha256(making.PICTURE)
    del made.files[f"blobs/{sha256}"]
    made.index["captures"][1]["body_missing"] = "erased 2026-03-03T00:00:00Z: asked for"
    making.prove(made)
    bag = making.write(made, tmp_path / "bag")
    code, out = check(bag, capsys)
    assert code == 1, out
    assert f"its body data/blobs/{sha256} is missing" in out
    assert "asked for" in out


def test_nothing_that_a_terminal_obeys_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = making.story()
    making.prove(made)
    made.index["captures"][0]["uid"] = "\x1b]0;owned\x07\u202e"
    code, out = check(making.write(made, tmp_path / "bag"), capsys)
    assert code == 4
    assert out.isascii()
    assert all(character.isprintable() or character == "\n" for character in out)


WRONG = (None, True, 7, -1, 1.5, "", "other", [], ["x"], {}, {"x": []}, [[[]]], "\ud800", 2**70)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in JSON."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return value


@pytest.mark.parametrize("which", ["index", "capture", "leaf"])
def test_wrong_types_anywhere_are_told_and_break_nothing(
    tmp_path: Path, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forger with a key of his own writes whatever he likes: the answer is a report, never another exception."""
    chance = random.Random(which)
    made = making.story()
    making.prove(made)
    name = "captures/0190a000-0000-7000-8000-000000000005.json"
    value = {"index": made.index, "capture": json.loads(made.files[name]), "leaf": json.loads(made.leaves[5])}[which]
    files = {f"data/{name}": data for name, data in made.files.items()} | {"data/report.html": b""}
    paths = list(places(value))
    brackets = [path for path in paths if "bracket" in path]
    for number in range(120):
        path, wrong = chance.choice(brackets if brackets and number % 4 == 0 else paths), WRONG[number % len(WRONG)]
        forged = put(json.loads(json.dumps(value)), path, wrong)
        bag = tmp_path / str(number)
        if which == "leaf":
            other = making.story()
            plain = json.dumps(forged, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            other.leaves[5] = plain.encode("utf-8", "surrogatepass")
            making.prove(other)
            files |= {f"data/{name}": data for name, data in other.files.items() if name.startswith("proofs/")}
        index = forged if which == "index" else made.index
        written = json.dumps(index).encode()
        row = json.dumps(forged).encode() if which == "capture" else files[f"data/{name}"]
        making.bag({**files, "data/bundle.json": written, f"data/{name}": row}, bag)
        code, out = check(bag, capsys)
        assert code in (0, 1, 4), (path, wrong)
        if which != "index" and path[:1] not in ((), ("nonce",), ("objects",), ("after",)):
            assert code == 4 or put(json.loads(json.dumps(value)), path, wrong) == value, (path, wrong, out)
        shutil.rmtree(bag)


# ---- the file that travels -----------------------------------------------------------------------------------


def test_the_file_that_travels_stands_alone(whole: Path, tmp_path: Path) -> None:
    """It imports the standard library alone, is Python 3.8, and says in another process what the module says."""
    source = shell.verifier()
    tree = ast.parse(source, feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(alias.name in sys.stdlib_module_names for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] in {*sys.stdlib_module_names, "__future__"}
        elif isinstance(node, ast.Attribute):
            assert node.attr not in {
                "removeprefix",
                "removesuffix",
                "file_digest",
                "bit_count",
                "UTC",
                "is_relative_to",
            }
        elif isinstance(node, ast.Call):  # zip(strict=) is of 3.10
            assert not any(keyword.arg == "strict" for keyword in node.keywords)
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert len(defined) == len(set(defined)), "two parts use one name"
    assert (whole / "verify.py").read_text("utf-8") == source
    command = [sys.executable, "-I", str(whole / "verify.py")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "Result: 7 held, 2 unchecked, 0 wrong" in ended.stdout
    assert sorted(os.listdir(tmp_path)) == []
    keyed = [*command, str(whole), "--key", str(making.KEY), "--key", str(making.WITNESS_KEY)]
    assert subprocess.run(keyed, capture_output=True, timeout=60, check=False).returncode == 0
