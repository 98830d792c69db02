"""Bundles that are none: verify.py refuses them with a message, reads nothing twice, and writes nothing anywhere."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import making
import pytest

from archiver.bundle import verify

ENTRY = tuple[str, bytes, int, int]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.bundle(tmp_path_factory.mktemp("whole") / "bag")


@pytest.fixture(scope="module")
def packed(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return making.zipped(whole, tmp_path_factory.mktemp("zip") / "a.zip").read_bytes()


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, of which a test can say that nothing was written into or beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "here"))
    return tmp_path


def refused(data: bytes, inside: Path, capsys: pytest.CaptureFixture[str], told: str) -> None:
    path = inside / "bundle.zip"
    path.write_bytes(data)
    assert verify.main([str(path)]) == 4
    out = capsys.readouterr().out
    assert out.startswith("WRONG"), out
    assert told in out, out
    assert sorted(os.listdir(inside)) == ["bundle.zip", "here"]
    assert os.listdir(inside / "here") == []


def rewritten(packed: bytes, change: Iterable[tuple[zipfile.ZipInfo, bytes]] = (), *, last: str = "") -> bytes:
    """The zip with further entries before all others, or with one name moved to the end."""
    held = io.BytesIO(packed)
    out = io.BytesIO()
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(out, "w") as new:
        for info, data in change:
            new.writestr(info, data)
        for name in sorted(old.namelist(), key=lambda name: (name == last, name)):
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name))
    return out.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
    info.filename = info.orig_filename = name
    info.create_system, info.external_attr = 3, mode << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../evil", "bundle/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "C:evil", "bundle//evil", "bundle/./evil",
     "bundle/a%2e", "bundle/\u00e9", "bundle/a\nb", "bundle/a*", "."],
)  # fmt: skip
def test_names_that_lead_out(packed: bytes, inside: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(rewritten(packed, [(entry(name), b"x")]), inside, capsys, "a name ")


def test_a_name_cut_by_nul(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = rewritten(packed, [(entry("bundle/aXb"), b"x")]).replace(b"bundle/aXb", b"bundle/a\0b")
    refused(data, inside, capsys, "a name holds characters")


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR | 0o755])
def test_links_and_devices(packed: bytes, inside: Path, mode: int, capsys: pytest.CaptureFixture[str]) -> None:
    refused(rewritten(packed, [(entry("bundle/a", mode), b"/etc/passwd")]), inside, capsys, "a link, folder or device")


def test_folders_as_entries(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(rewritten(packed, [(entry("bundle/", stat.S_IFDIR), b"")]), inside, capsys, "bundle/: ")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["bundle/bagit.txt", "bundle/BAGIT.TXT"])
def test_names_that_stand_twice(packed: bytes, inside: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(rewritten(packed, [(entry(name), b"x")]), inside, capsys, "a name stands twice")


def test_another_order(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(rewritten(packed, last="bundle/bag-info.txt"), inside, capsys, "not in the order of their names")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb(packed: bytes, inside: Path, method: int, capsys: pytest.CaptureFixture[str]) -> None:
    info = entry("bundle/a")
    info.compress_type = method
    data = rewritten(packed, [(info, bytes(50_000_000))])
    started = time.process_time()
    refused(data, inside, capsys, "so it cannot swell")
    assert time.process_time() - started < 2


def central(data: bytes, name: bytes) -> int:
    """Where the entry of a name in the directory begins."""
    return data.rindex(b"PK\x01\x02", 0, data.rindex(name))


@pytest.mark.parametrize(
    ("size", "told"), [(2**31, "declared larger than the zip"), (10**6, "overlaps the file before it")]
)
def test_sizes_that_are_declared_too_large(
    packed: bytes, inside: Path, size: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(packed)
    at = central(packed, b"bundle/verify.sh" if size > 2**30 else b"bundle/bag-info.txt")
    data[at + 20 : at + 28] = struct.pack("<II", size, size)
    refused(bytes(data), inside, capsys, told)


def test_entries_that_share_bytes(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(packed)
    first, second = central(packed, b"bundle/bag-info.txt"), central(packed, b"bundle/bagit.txt")
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    refused(bytes(data), inside, capsys, "overlaps")


def test_encrypted(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(packed)
    data[central(packed, b"bundle/bagit.txt") + 8] |= 1
    refused(bytes(data), inside, capsys, "encrypted")


def test_a_zip_that_was_cut(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in [0, 1, 21, *range(22, len(packed), len(packed) // 40), len(packed) - 1]:
        refused(packed[:at], inside, capsys, "not a whole zip")


def test_any_byte_of_the_zip(packed: bytes, inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever becomes of the container, the answer is a report: never another exception, never silence."""
    chance, path = random.Random(5), inside / "bundle.zip"
    assert verify.main([str(making_zip(path, packed))]) == 1
    for _ in range(150):
        data, at = bytearray(packed), chance.randrange(len(packed))
        data[at] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        code = verify.main([str(path)])
        out = capsys.readouterr().out
        assert (code, "WRONG" in out) == (4, True), (at, out)
    assert os.listdir(inside / "here") == []


def making_zip(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_is_no_bundle(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    refused(empty.getvalue(), inside, capsys, "bagit.txt: missing")
    refused(b"<html>", inside, capsys, "not a whole zip")
    assert verify.main([str(inside / "here")]) == 4
    assert "bagit.txt: missing" in capsys.readouterr().out
    for place, told in (("nowhere", "no such file or folder"), ("", "name that")):
        with pytest.raises(SystemExit) as ended:
            verify.main([str(inside / place)] if place else [str(parent(inside))])
        assert (ended.value.code, told in capsys.readouterr().err) == (2, True)


def parent(inside: Path) -> Path:
    """A folder in which the folder of a bundle lies, as unzip leaves it."""
    (inside / "unpacked" / "bundle").mkdir(parents=True)
    (inside / "unpacked" / "bundle" / "bagit.txt").write_bytes(b"")
    return inside / "unpacked"


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "name"])
def test_folders_that_hold_more_than_files(
    whole: Path, inside: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = making.bundle(inside / "bag")
    place = bag / "data" / ("a\nb" if kind == "name" else "x")
    if kind == "link":
        place.symlink_to("/etc/passwd")
    elif kind == "folder":
        place.symlink_to(inside, target_is_directory=True)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.write_text("x")
    assert verify.main([str(bag)]) == 4
    out = capsys.readouterr().out
    assert ("a name holds characters" if kind == "name" else "a link or device") in out
