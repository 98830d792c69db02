"""The demonstration's archive with a key, and bundles of it: unpacked, changed, judged by programs of others."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archiver.jobs import checkpoint, keys
from archiver.jobs.config import Config
from archiver.jobs.export import Asked, Exported, export
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import open_session
from tests.jobs.running import Desk

ROOT = Path(__file__).parent.parent.parent
ADA = "x:post:2032135780561846272"
MADE = "2026-04-01T12:00:00.000000Z"


@dataclass(frozen=True)
class House:
    """An archive that may be written by one test module, its configuration, and a folder for bundles."""

    folder: Path
    config: Config
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "desk", Desk(self.folder, self.folder / "none.toml"))

    @classmethod
    def build(cls, folder: Path, *, key: bool = True) -> House:
        """Replays the first recording of the demonstration."""
        house = cls(folder, Config(log_key_file=str(folder / "keys" / "log.key"), operator="Desk", site="House"))
        here = Path.cwd()
        os.chdir(ROOT)
        try:
            run_archive(house.db, house.config, Options(seeds=("data/demo/seeds",), replay=ROOT / "data/demo/first"))
        finally:
            os.chdir(here)
        if key:
            with open_session(house.db, house.config) as session:
                keys.create(session)
                checkpoint.seal(session, make=False)
        return house

    @property
    def db(self) -> Path:
        return self.desk.db

    def export(self, name: str, *refs: str, made: str = MADE, **more: Any) -> Exported:
        """Writes a bundle; its path is `folder / name`."""
        with open_session(self.db, self.config) as session:
            return export(session, Asked(refs=refs, **more), self.folder / name, made=made)

    def unpacked(self, name: str) -> Path:
        """The bag's folder of a bundle, in a folder of its own."""
        place = self.folder / f"{name}.unpacked"
        shutil.rmtree(place, ignore_errors=True)
        with zipfile.ZipFile(self.folder / name) as packed:
            packed.extractall(place)
        return place / "bundle"


def index_of(bag: Path) -> dict[str, Any]:
    """The bundle's own index."""
    loaded: dict[str, Any] = json.loads((bag / "data/bundle.json").read_bytes())
    return loaded


def files_of(bag: Path) -> dict[str, bytes]:
    """Every file by its path from the bag's folder."""
    found = (path for path in sorted(bag.rglob("*")) if path.is_file())
    return {path.relative_to(bag).as_posix(): path.read_bytes() for path in found}


def judge(*command: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> tuple[int, str]:
    """How a program of others ended, and what it said. Skips where it is not installed."""
    program = str(command[0])
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [found, *map(str, command[1:])], input=stdin, capture_output=True, cwd=cwd, check=False, timeout=120
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def flipped(data: bytes, at: int | None = None) -> bytes:
    """The same bytes with one bit of one byte turned."""
    place = len(data) // 2 if at is None else at
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
