"""An archive that somebody else made: what its rows say commands no terminal and forges no line of what is printed, and
what stands beside it leads nowhere else."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import running
import sealed
from click.testing import CliRunner
from players import Mastodon
from sealed import Desk, owner

from archiver.cli import main
from archiver.errors import InputError
from archiver.jobs import news
from archiver.jobs.config import load
from archiver.jobs.holding import hold, holder
from archiver.jobs.run import Options, run_archive
from archiver.jobs.trouble import BROKEN, Trouble
from archiver.net.clock import utc_now

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"
FORGED = "\nHealth: ok, nothing is wrong\n"
NAMED = {
    "origin": ("name",),
    "log_key": ("key_id",),
    "captures": ("route", "url"),
    "work_queue": ("host", "seed", "last_outcome"),
    "work_hosts": ("host",),
    "tallies": ("a", "b"),
    "outcomes": ("outcome", "reason"),
}
"""Columns whose texts commands print, and whose values decide nothing before that."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return sealed.build(tmp_path_factory.mktemp("sealed") / "desk")


@pytest.mark.parametrize("command", ["status", "keys show", "doctor", "backup", "seeds", "verify", "retain"])
def test_rows_command_no_terminal(made: Desk, tmp_path: Path, command: str) -> None:
    desk = sealed.copied(made, tmp_path / "desk")
    with owner(desk) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for table, columns in NAMED.items():
            known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            for column in known & set(columns):
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = {column} || ?", (ESCAPES + FORGED,))
        later = "2099-01-01T00:00:00.000000Z"
        db.execute("INSERT INTO work_hosts (host, not_before) VALUES (?, ?)", (f"a.example{ESCAPES}{FORGED}", later))
    words = command.split()
    words += {"backup": [str(tmp_path / "copy.db"), "--db"], "verify": []}.get(command, ["--db"])
    told = CliRunner().invoke(main, [*words, str(desk.db)])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    out = told.output
    assert not any(sign in out for sign in ("\x1b", "\x07", "\x9b", "\u202e"))
    assert "Health: ok, nothing is wrong" not in out.splitlines()


def test_names_that_a_server_gave_command_no_terminal(tmp_path: Path) -> None:
    host, desk = Mastodon(), running.Desk(tmp_path, tmp_path / "archiver.toml")
    host.toot("vera", "113360000000000001", "<p>Words.</p>", "2024-10-24T11:45:00.000Z")
    desk.config.write_text(f'[network]\nallow_private = ["{host.server.place}"]\n[pace]\ndefault = 0.0\n')
    seed = desk.seed("list.txt", running.lines([host.url("vera", "113360000000000001")]))
    run_archive(desk.db, load(desk.config), Options(seeds=(str(seed),)))
    host.server.close()
    with closing(sqlite3.connect(desk.db)) as db, db:
        (ref,) = db.execute("SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id ORDER BY p.id LIMIT 1").fetchone()
        db.execute("UPDATE posts SET handle = ?1, name = ?1, url = ?1, text = ?1", (ESCAPES + FORGED,))
    told = CliRunner().invoke(main, ["show", ref, "--db", str(desk.db)])
    assert told.exit_code == 0, told.output
    assert not any(sign in told.output for sign in ("\x1b", "\x07", "\x9b", "\u202e"))
    assert "Health: ok, nothing is wrong" not in told.output.splitlines()


# ---- what stands beside it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [".lock", ".told"])
def test_a_link_beside_an_archive_leads_to_no_other_file(tmp_path: Path, end: str) -> None:
    """A folder that was handed over may hold a link in the place of a file that we write: what it leads to stays."""
    other = tmp_path / "thesis.txt"
    other.write_text("the only copy")
    db = tmp_path / "archive.db"
    db.with_name(f"archive.db{end}").symlink_to(other)
    if end == ".told":
        trouble = Trouble(key="disk", level=BROKEN, what="the disk is full", next="Make room")
        assert news.news(db, [trouble], utc_now()).troubles == [trouble]
    else:
        with pytest.raises(InputError, match=r"archive\.db"), hold(db, "run"):
            pass
        assert holder(db) is None
    assert other.read_text() == "the only copy"


@pytest.mark.parametrize("end", [".lock", ".told"])
def test_a_pipe_beside_an_archive_keeps_nobody_waiting(tmp_path: Path, end: str) -> None:
    db = tmp_path / "archive.db"
    os.mkfifo(db.with_name(f"archive.db{end}"))
    process = multiprocessing.get_context("fork").Process(target=_look if end == ".lock" else _told, args=(db,))
    process.start()
    process.join(10)
    waits = process.is_alive()
    process.kill()
    process.join()
    assert (waits, process.exitcode) == (False, 0)


def _look(db: Path) -> None:
    assert holder(db) is None


def _told(db: Path) -> None:
    assert news.read(db) == {}
