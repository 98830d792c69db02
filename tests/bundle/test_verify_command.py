"""`archiver verify` on a bundle says what the verify.py in it says."""

from __future__ import annotations

import json
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


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    code, out = said(tmp_path)
    assert code == 2
    assert "Name an archive file or a bundle" in out
