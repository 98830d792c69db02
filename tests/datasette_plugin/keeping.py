"""The demonstration's archive with a key, heads, tokens, an export and a fixity run; and whoever changes its file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from archiver.cli import main
from archiver.jobs import checkpoint
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import Session, open_session
from archiver.store.anchors import Anchors, Received
from tests.bundle.leaving import ADA, ROOT, House

BEFORE, AFTER = "2026-03-20T00:00:00Z", "2026-04-02T00:00:00Z"
"""What the two services say: between the two looks of the demonstration, and after the second."""
DATED, PENDING, LATE, REFUSED = b"a token of Clock", b"no proof at all", b"a later token of Clock", b"refused"


def vouch(session: Session, kind: str, service: str, token: bytes, at: str, now: str) -> None:
    """A token over the newest head, as if it had been verified. None of them is a real one: pages verify no tokens."""
    held = Anchors(session.archive, session.evidence.origin)
    head = held.newest_head()
    assert head is not None
    held.add(session.evidence, Received(size=head.size, kind=kind, service=service, token=token, at=at), now=now)


def build(folder: Path) -> House:
    """Two looks, two heads and more, a token before and one after the second look."""
    house = House.build(folder)
    with open_session(house.db, house.config) as session:
        vouch(session, "rfc3161", "Clock", DATED, BEFORE, BEFORE)
        vouch(session, "ots", "Calendar", PENDING, "", BEFORE)
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        run_archive(house.db, house.config, Options(seeds=(), replay=ROOT / "data/demo/later.warc", recheck=True))
    finally:
        os.chdir(here)
    with open_session(house.db, house.config) as session:
        checkpoint.seal(session, make=False)
        vouch(session, "rfc3161", "Clock", LATE, AFTER, AFTER)
        vouch(session, "rfc3161", "Another", REFUSED, "", AFTER)
    house.export("one.zip", ADA)
    (folder / "none.toml").write_text("", "utf-8")
    CliRunner().invoke(main, ["verify", str(house.db), "--log", "--config", str(folder / "none.toml")])
    with open_session(house.db, house.config) as session:
        checkpoint.seal(session, make=False)
    return house


def copied(house: House, folder: Path) -> House:
    """A copy to which anything may be done, with a copy of the key: what is signed here is not seen there."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(house.db)) as db:
        db.execute("VACUUM INTO ?", (str(folder / "archive.db"),))
    shutil.copytree(Path(house.config.log_key_file).parent, folder / "keys")
    key = str(folder / "keys" / "log.key")
    (folder / "none.toml").write_text(f'[custody]\nkey_file = "{key}"\n', "utf-8")
    return House(folder, replace(house.config, log_key_file=key))


@contextmanager
def owner(db: Path) -> Iterator[sqlite3.Connection]:
    """The file under somebody's hands: no trigger and no foreign key holds."""
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()


def value(db: Path, sql: str, *given: object) -> object:
    """The first column of the first row."""
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute(sql, given).fetchone()[0]
