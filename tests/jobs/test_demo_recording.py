"""The recordings of the demonstration: made again byte for byte, refused where they do not belong; and its script."""

from __future__ import annotations

import filecmp
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archiver.cli import main
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.model import Exchange, Ref, Request
from archiver.net.uid import new_uid

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
FIRST, LATER = DEMO / "first", DEMO / "later.warc"


def look(db: Path, recording: Path) -> Result:
    return CliRunner().invoke(main, ["run", str(DEMO / "seeds"), "--replay", str(recording), "--db", str(db)])


def test_making_the_recordings_again_gives_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DEMO / "make.py", tmp_path], check=True, cwd=ROOT)
    assert LATER.read_bytes() == (tmp_path / "later.warc").read_bytes()
    names = sorted(path.name for path in FIRST.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "first").iterdir())
    same, different, errors = filecmp.cmpfiles(FIRST, tmp_path / "first", names, shallow=False)
    assert (same, different, errors) == (names, [], [])


def test_a_recording_is_never_played_into_an_archive_with_wire_captures(tmp_path: Path) -> None:
    db, at = tmp_path / "wire.db", "2026-03-01T00:00:00.000000Z"
    ref = Ref(platform="web", kind="page", id="https://beacon.lanternwick.example/")
    request = Request(ref=ref, route="page", url=ref.id)
    with open_session(db, Config()) as session:
        session.evidence.record(
            Exchange(uid=new_uid(), request=request, url=ref.id, tier="wire", started_at=at, ended_at=at)
        )
    result = look(db, FIRST)
    assert result.exit_code == 2
    assert "this archive holds wire captures: a replay run may not write into it" in result.output
    opened = sqlite3.connect(db)
    assert opened.execute("SELECT DISTINCT tier FROM captures ORDER BY tier").fetchall() == [("wire",)]
    opened.close()


def test_a_tampered_recording_is_refused(tmp_path: Path) -> None:
    data = LATER.read_bytes()
    place = data.index(b"ninety people")
    broken = tmp_path / "later.warc"
    broken.write_bytes(data[:place] + b"twenty people" + data[place + 13 :])
    result = look(tmp_path / "demo.db", broken)
    assert result.exit_code == 2
    assert "not what its block digest says" in result.output


def test_the_script_runs_it_all(tmp_path: Path) -> None:
    shell, command = shutil.which("sh"), Path(sys.executable).with_name("archiver")
    if shell is None or not command.is_file():
        pytest.skip("no shell, or the package is not installed beside this Python")
    db = tmp_path / "demo.db"
    environment = {**os.environ, "BIN": str(command.parent), "DB": str(db)}
    done = subprocess.run(
        [shell, DEMO / "run.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"=== Open the reading room: archiver serve --db {db}\n\nhttp://127.0.0.1:8001/demo\n")
    assert "\n0 differences\n" in done.stdout
    assert done.stderr == ""
