"""An export that cannot be ended leaves nothing: no half of a file, no leaf, no unnamed one beside it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from archiver.bundle import choice, indexing, pack, spool
from tests.bundle.leaving import ADA, House


@pytest.fixture
def own(tmp_path: Path) -> House:
    """An archive of the test's own."""
    return House.build(tmp_path)


ARCHIVER = """
from archiver.cli import main
main(sys.argv[1:], prog_name="archiver")
"""
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
"""
ASIDE = """
import errno, os, signal, sys
from archiver.bundle import spool
spool.SMALL = 100  # so that what a bundle is put together of goes to the disk
made = []
def hook(event, args):
    if event == "open" and str(args[0]).startswith(FOLDER):
        made.append(args)
        if HAPPENS
sys.addaudithook(hook)
"""
FULL = "len(made) > 4: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"
INTERRUPTED = "len(made) == 5: os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    ("before", "code", "told"),
    [
        (LIMITED, 2, "full.zip: cannot be written: File too large. Nothing was left behind"),
        (ASIDE.replace("HAPPENS", FULL), 2, "full.zip: cannot be written: No space left on device. Nothing was left"),
        (ASIDE.replace("HAPPENS", INTERRUPTED), 1, "interrupted"),
    ],
    ids=["the disk fills up", "it fills up beside the bundle", "an interrupt"],
)
def test_an_export_that_is_broken_off_leaves_nothing(own: House, before: str, code: int, told: str) -> None:
    """A limit on the size of files stands for a full disk: the archive lies in larger ones already. Files that are made
    beside the bundle are seen by an audit hook."""
    (own.folder / "archiver.toml").write_text(f'[custody]\nkey_file = "{own.folder}/keys/log.key"\n')
    leaves = own.desk.value("SELECT count(*) FROM log_leaf")
    folder = own.folder / "out"
    folder.mkdir()
    command = ["export", "--collection", "seeds", "--to", folder / "full.zip", "--db", own.db]
    script = before.replace("FOLDER", repr(str(folder))) + ARCHIVER
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, command), "--config", own.folder / "archiver.toml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []
    assert own.desk.value("SELECT count(*) FROM log_leaf") == leaves
    own.export("full.zip", collection="seeds")


def test_a_bundle_that_cannot_be_logged_has_not_left(own: House) -> None:
    with closing(sqlite3.connect(own.db)) as db:
        db.execute("CREATE TRIGGER refuse BEFORE INSERT ON exports BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no room"):
        own.export("a.zip", ADA)
    assert [path.name for path in own.folder.iterdir() if "a.zip" in path.name] == []
    assert own.desk.value("SELECT count(*) FROM log_leaf WHERE json_extract(data, '$.type') = 'export'") == 0


def test_batches_and_spools_change_no_byte(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read at once, sorted at once or kept in memory."""
    own.export("plain.zip", collection="seeds")
    for module, name in ((choice, "BATCH"), (indexing, "POSTS"), (spool, "SMALL"), (spool, "PIECE"), (spool, "RUN")):
        monkeypatch.setattr(module, name, 3)
    monkeypatch.setattr(pack, "WAITING", 1000)
    own.export("pieces.zip", collection="seeds")
    assert (own.folder / "pieces.zip").read_bytes() == (own.folder / "plain.zip").read_bytes()
