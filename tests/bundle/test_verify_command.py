"""`archiver verify` on a bundle says what the verify.py in it says."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.cli import main
from tests.bundle.leaving import ADA, House, flipped


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House.build(tmp_path_factory.mktemp("house"))
    house.export("a.zip", ADA)
    return house


def said(*arguments: str | Path) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["verify", *map(str, arguments)])
    return ended.exit_code, ended.output


def test_a_bundle_is_checked_packed_and_unpacked(house: House) -> None:
    packed = said(house.folder / "a.zip")
    assert packed[0] == 1  # the keys came with the bundle
    assert "0 wrong" in packed[1]
    bag = house.unpacked("a.zip")
    assert said(bag)[0] == 1
    key = bag / "data" / "proofs" / "log.vkey"
    code, out = said(bag, "--key", key, "--json")
    assert (code, json.loads(out)["result"]) == (0, "held")
    blob = next((bag / "data" / "blobs").iterdir())
    blob.write_bytes(flipped(blob.read_bytes()))
    code, out = said(bag)
    assert code == 4
    assert blob.name in out


@pytest.mark.parametrize("option", [("--since", "2026-01-01"), ("--sample", "3"), ("--log",)])
def test_what_is_for_archives_is_refused(house: House, option: tuple[str, ...]) -> None:
    code, out = said(house.folder / "a.zip", *option)
    assert code == 2
    assert f"{option[0]} is for archives" in out


def test_a_folder_that_is_no_bundle(house: House, tmp_path: Path) -> None:
    code, out = said(tmp_path)
    assert code == 2
    assert "Name an archive file or a bundle" in out
    around = house.unpacked("a.zip").parent
    code, out = said(around)
    assert (code, f"Name {around / 'bundle'}" in out) == (2, True), out


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (None, 2, "no such file. Name an archive file or a bundle"),
        (b"", 2, "this file is empty"),
        (b"<html>", 2, "this is neither an archive nor a bundle"),
        (b"PK\5\6" + bytes(18), 4, "bagit.txt: missing"),
    ],
)
def test_what_is_neither(tmp_path: Path, data: bytes | None, code: int, told: str) -> None:
    path = tmp_path / "evidence.zip"
    if data is not None:
        path.write_bytes(data)
    ended, out = said(path)
    assert (ended, told in out, "--db" in out) == (code, True, False), out


def test_a_bundle_that_lost_its_end_is_called_a_bundle(house: House, tmp_path: Path) -> None:
    data = (house.folder / "a.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[:-1])
    code, out = said(tmp_path / "cut.zip")
    assert (code, "WRONG     bundle    not a whole zip" in out, "have it sent again" in out) == (4, True, True), out


def test_an_archive_that_holds_a_zip_at_its_end_is_an_archive(house: House, tmp_path: Path) -> None:
    path = Path(shutil.copy(house.db, tmp_path / "archive.db"))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE zz (data)")
        db.execute("INSERT INTO zz VALUES (?)", (b"PK\5\6" + bytes(18),))
    assert zipfile.is_zipfile(path)
    code, out = said(path)
    assert (code, "Log: " in out, "bagit.txt" in out) == (0, True, False), out


def test_keys_are_taken_from_files_and_private_ones_refused(house: House) -> None:
    bag = house.unpacked("a.zip")
    keys = house.folder / "two.vkey"
    text = (bag / "data" / "proofs" / "log.vkey").read_text()
    keys.write_text(text + text)
    for path in (bag, house.db):
        assert said(path, "--key", keys)[0] == 0
        private = house.config.log_key_file
        code, out = said(path, "--key", private)
        assert (code, f"{private}: this is the private key" in out) == (2, True), out
        secret = Path(private).read_text().split("+", 4)[-1].strip()  # base64, which may hold a + of its own
        assert len(secret) == 44
        assert secret not in out
        code, out = said(path, "--key", "nowhere.vkey")
        assert (code, "nowhere.vkey: cannot be read: No such file" in out) == (2, True), out
