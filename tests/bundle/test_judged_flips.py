"""One flipped bit anywhere in a bundle is named: in every file, and in every byte of the zip that holds them."""

from __future__ import annotations

import functools
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import making
import pytest
from click.testing import CliRunner
from flipping import owners, said, unnamed

from archiver.bundle import pack, verify_files, verify_notes
from archiver.cli import main


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Signatures are checked once for the same bytes: what is flipped here are single bits of one bundle."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_notes, "ed25519", functools.cache(verify_notes.ed25519))
        yield


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.bundle(tmp_path_factory.mktemp("whole") / "bag", cosigned=1772600000)


@pytest.fixture(scope="module")
def packed(bag: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.zipped(bag, tmp_path_factory.mktemp("zip") / "a.zip")


def somewhere(size: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    """The first, middle and last byte, and one by chance."""
    for at in sorted({0, size // 2, size - 1, chance.randrange(size)}):
        yield at, chance.randrange(8)


def test_each_file_in_a_folder(bag: Path) -> None:
    chance, flips = random.Random(11), 0
    files = sorted(path for path in bag.rglob("*") if path.is_file())
    assert len(files) > 25
    for path in files:
        name, size = path.relative_to(bag).as_posix(), path.stat().st_size
        count, missed = unnamed(bag, path, somewhere(size, chance), [name] * size)
        assert missed == [], "\n".join(missed)
        flips += count
    assert flips > 90
    assert said(bag) == (0, [])


def test_each_file_in_a_zip_and_every_byte_around_one(packed: Path) -> None:
    chance, whose = random.Random(12), owners(packed)
    data, places = packed.read_bytes(), list[int]()
    for name in sorted(set(whose)):
        first, size = whose.index(name), whose.count(name)
        places += [first + at for at, _ in somewhere(size, chance)]
    # Every byte around one small file: its header, its line in the directory, and the end of the zip.
    first = whose.index("bagit.txt")
    line = data.rindex(b"PK\1\2", 0, data.rindex(b"bundle/bagit.txt"))
    places += [
        *range(first, first + 46),
        *range(line, line + 46 + len("bundle/bagit.txt")),
        *range(len(data) - 22, len(data)),
    ]
    flips = ((at, bit) for at in places for bit in chance.sample(range(8), 2))
    count, missed = unnamed(packed, packed, flips, whose)
    assert missed == [], "\n".join(missed)
    assert count > 500
    assert said(packed) == (0, [])


def test_the_command_says_the_same(packed: Path, bag: Path) -> None:
    data = packed.read_bytes()
    for at in (4, 10, len(data) // 2, len(data) - 30, len(data) - 1):
        packed.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        ended = CliRunner().invoke(main, ["verify", str(packed)])
        assert (ended.exit_code, "WRONG" in ended.output) == (4, True), (at, ended.output)
    packed.write_bytes(data)
    assert CliRunner().invoke(main, ["verify", str(packed)]).exit_code == 1  # the keys came with the bundle


def test_bytes_before_behind_and_between_are_named(packed: Path, tmp_path: Path) -> None:
    """What other programs skip when they read a zip: a program before it, a remark behind it, a gap in it."""
    data, path = packed.read_bytes(), tmp_path / "a.zip"
    end = len(data) - 22
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    later = data[:end] + data[end:-6] + (start + 4).to_bytes(4, "little") + data[-2:]
    gap = later[:start] + b"gap!" + later[start:]
    remark = data[:-2] + (6).to_bytes(2, "little") + b"remark"
    twice = data + data[start:-6] + len(data).to_bytes(4, "little") + data[-2:]
    for changed in (b"#!/bin/sh\n" + data, data + b"x", remark, gap, twice):
        path.write_bytes(changed)
        with zipfile.ZipFile(path) as other:  # so it is one, for others
            assert other.testzip() is None
        code, wrong = said(path)
        assert (code, len(wrong), "zip" in wrong[0]) == (4, 1, True), wrong


# ---- the shapes that large files take in a zip ------------------------------------------------------------------


@pytest.fixture
def small_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if files of 2000 bytes were as large as files of two gigabytes are."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 2000)
    monkeypatch.setattr(pack, "EDGE", 2000, raising=False)
    monkeypatch.setattr(verify_files, "EDGE", 2000)


def by_python(files: dict[str, bytes], path: Path, expected: bool) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            with file.open(info, "w", force_zip64=expected or len(data) > 2000) as target:
                target.write(data)


def by_the_archiver(files: dict[str, bytes], path: Path, expected: bool) -> None:
    with path.open("wb") as file, pack.Pack(file) as made:
        for name, data in files.items():
            about = pack.LARGE if expected or len(data) > 2000 else 0
            with made.entry(name, about=about) as target:
                target.write(data)
        made.close()


@pytest.mark.parametrize("writer", [by_python, by_the_archiver])
@pytest.mark.parametrize("expected", [False, True])
def test_files_of_many_gigabytes(
    bag: Path, tmp_path: Path, small_edge: None, writer: Callable[[dict[str, bytes], Path, bool], None], expected: bool
) -> None:
    """`expected` says that each file was expected to be large, whatever it is."""
    files = {f"bundle/{one.relative_to(bag).as_posix()}": one.read_bytes() for one in bag.rglob("*") if one.is_file()}
    path = tmp_path / "large.zip"
    writer(dict(sorted(files.items())), path, expected)
    assert said(path) == (0, [])
    data = path.read_bytes()
    assert b"PK\6\6" in data[-98:]
    chance, name = random.Random(13), b"bundle/bagit.txt"
    first, line = data.index(name) - 30, data.rindex(name) - 46
    places = [*range(first, first + 70), *range(line, line + 90), *range(len(data) - 98, len(data))]
    for at in places:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        assert said(path)[0] == 4, at
