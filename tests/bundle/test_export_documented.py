"""The documentation of a bundle says what a bundle holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.bundle import index
from archiver.cli import main
from archiver.custody import note
from archiver.custody.sshsig import public_line
from tests.bundle.leaving import ADA, House, files_of, index_of

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "custody.md"
SHAPES = {name: shape for name, shape in vars(index).items() if typing.is_typeddict(shape)}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House.build(tmp_path_factory.mktemp("house"))
    house.export("all.zip", collection="seeds")
    return house


@pytest.fixture(scope="module")
def bag(house: House) -> Path:
    return house.unpacked("all.zip")


def section() -> str:
    return DOCUMENT.read_text("utf-8").split("### `bundle.json`")[1].split("```")[1]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_each_field_is_documented(name: str) -> None:
    told = set(re.findall(r'"([a-z0-9_]+)"', section()))
    assert set(SHAPES[name].__annotations__) <= told


def test_no_other_field_is_documented() -> None:
    known = {field for shape in SHAPES.values() for field in shape.__annotations__}
    told = set(re.findall(r'(?<!\|)"([a-z0-9_]+)"(?=[:,}])', section()))
    assert told - known == set()


def fits(value: object, shape: object) -> bool:
    """Whether a value of JSON is of a type as the shapes write it."""
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if typing.is_typeddict(shape):
        hints = typing.get_type_hints(shape)
        return isinstance(value, dict) and set(value) == set(hints) and all(fits(value[n], hints[n]) for n in hints)
    if shape is index.Files:
        return isinstance(value, dict) and {*map(type, value), *map(type, value.values())} == {str}
    if origin in (list, index.Many):
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, arguments[1]) for item in value.values())
    if arguments:
        return any(fits(value, one) for one in arguments)
    return type(value) is shape or (value is None and shape is type(None))


def test_a_bundle_has_the_shape_that_is_written_down(bag: Path) -> None:
    held = index_of(bag)
    for name, shape in typing.get_type_hints(index.Index).items():
        assert fits(held[name], shape), name
    assert set(held) == set(index.Index.__annotations__)
    assert not fits({**held, "size": "1"}, index.Index)
    assert all(held[name] for name in ("captures", "posts", "documents", "verdicts", "leaves", "files"))


def test_the_commands_for_a_stranger_hold_as_they_are_written(house: House, tmp_path: Path) -> None:
    block = DOCUMENT.read_text("utf-8").split("### With tools that others wrote")[1].split("```")[1]
    for tool in ("unzip", "sha256sum", "sha512sum", "ssh-keygen", "openssl", "xxd"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    house.export("one.zip", ADA)
    shutil.copy(house.folder / "one.zip", tmp_path / "evidence.zip")
    for form in ("ssh", "pem"):
        ended = CliRunner().invoke(main, ["keys", "export", f"--{form}", "--db", str(house.db)])
        (tmp_path / f"key.{form}").write_text(ended.stdout)

    def run(script: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    code, out = run(block.removeprefix("sh\n"))
    assert (code, "Good" in out, "All held" in out) == (0, True, True), out
    other = public_line(note.verifier_key("log", bytes(32)).public)
    (tmp_path / "key.ssh").write_text(f"{other}\n")
    (tmp_path / "bundle").rename(tmp_path / "before")
    code, out = run(block.removeprefix("sh\n"))
    assert (code != 0, "All held" in out) == (True, False), out


def test_each_file_of_a_bundle_is_in_the_table(bag: Path) -> None:
    table = DOCUMENT.read_text("utf-8").split("## The bundle")[1].split("The zip holds")[0]
    names = re.findall(r"`([^`]+)`", table)
    patterns = [re.escape(name).replace(r"\*", ".*") for name in names]
    patterns = [re.sub(r"SHA256|UID|INDEX|SIZE|SERVICE|\bN\b", "[^/]+", pattern) for pattern in patterns]
    for path in files_of(bag):
        assert any(re.fullmatch(pattern, path) for pattern in patterns), path
