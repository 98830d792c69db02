"""What is large passes through in pieces: memory stays bounded whatever a seed or a server holds."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import story
from players import jpeg
from running import Desk, digest, lines, sound

SIZE = 96 << 20
MEASURED = """
import atexit, resource, sys
atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
from archiver.cli import main
main()
"""


def peak(desk: Desk, *arguments: str | Path) -> tuple[int, int]:
    """Exit code and the largest resident size in MiB of one command in a process of its own."""
    command = [sys.executable, "-c", MEASURED, *desk.command("run", *arguments, "--json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return done.returncode, int(done.stderr.strip().splitlines()[-1]) // unit


@pytest.mark.heavy
@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="no resource usage here")
def test_large_media_films_and_seeds_do_not_fill_the_memory(tmp_path: Path) -> None:
    with story.playing() as world:
        (tmp_path / "small").mkdir()
        small = Desk(tmp_path / "small", world.configure(tmp_path / "small"))
        addresses = [world.mastodon.url("ruth", "113300000000000001"), world.blog.url("/film")]
        code, usual = peak(small, small.seed("list.txt", lines(addresses[:1])))
        assert code == 0
        film = jpeg(3, 1 << 16) * (SIZE >> 16)
        world.mastodon.files["/media/poster.jpg"] = ("image/jpeg", film)
        (tmp_path / "large").mkdir()
        desk = Desk(tmp_path / "large", world.configure(tmp_path / "large"))
        huge = desk.seed("huge.txt", b"")
        with huge.open("wb") as file:
            file.truncate(200 << 20)
        code, most = peak(desk, huge, desk.seed("list.txt", lines(addresses)))
        print(f"peak {usual} MiB with small files, {most} MiB with media of 96 MiB and a seed of 200 MiB")
        assert code == 3
        assert most < usual + 128, "a seed is read up to 65 MiB, all else in pieces"
        stored = desk.table("SELECT b.sha256, b.size FROM files f JOIN blobs b ON b.id = f.blob")
        assert stored == [(digest(film), len(film))]
        sound(desk)
