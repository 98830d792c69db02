"""A disk that fills up in the middle of an erasure: what happened is told, and the same command finishes it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import story
from running import Desk, lines

FULL = """
import resource, sys
from archiver.cli import main

size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
main(sys.argv[2:])
"""


@pytest.fixture
def world() -> Iterator[story.World]:
    with story.playing() as world:
        yield world


ROOM = {0.2: "cannot be written", 0.9: "may still stand in unused pages"}
"""How much the disk takes of the archive's size, and what is told: broken off before it was logged, and after."""


@pytest.mark.parametrize("room", ROOM)
def test_a_full_disk_is_told_and_the_same_command_finishes(world: story.World, tmp_path: Path, room: float) -> None:
    desk = Desk(tmp_path, world.configure(tmp_path))
    desk.call("run", desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")])))
    gone, logged = world.ref("gone"), room > 0.5
    texts = desk.table(f"SELECT ref, text FROM posts JOIN refs USING (id) WHERE ref <> '{gone}' ORDER BY ref")
    arguments = ["erase", gone, "--reason", "asked", "--yes", "--db", str(desk.db), "--config", str(desk.config)]
    size = int(desk.db.stat().st_size * room)
    command = [sys.executable, "-c", FULL, str(size), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ROOM[room] in ended.stderr
    assert desk.value("SELECT count(*) FROM erasures") == logged
    assert desk.value("SELECT count(*) FROM posts JOIN refs USING (id) WHERE ref = ?", gone) == (not logged)
    again = desk.call("erase", gone, "--reason", "asked", "--yes")
    assert again.code == 0, again.err
    assert desk.value("SELECT count(*) FROM erasures") == 1
    assert not [path.name for path in tmp_path.iterdir() if path.is_file() and story.GONE.encode() in path.read_bytes()]
    assert desk.table("SELECT ref, text FROM posts JOIN refs USING (id) ORDER BY ref") == texts
    assert "0 differences" in desk.call("rebuild", "--check").out
