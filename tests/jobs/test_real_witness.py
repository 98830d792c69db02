"""A witness that others wrote (PyPI `aics-witness`) cosigns what the archive signs, and refuses what it must: each
attack is made with the genuine key, by whoever owns the file. `make witness` makes its environment and runs this."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sealed
from running import Desk
from test_anchors import ORIGIN, House, house
from test_attacks import TABLE, noticed
from test_bracket_bundle import Evenings
from tsa import Clock, Stock, write_roots
from witnessing import MISSING, PROGRAM, Outside, Real

from archiver.custody import log, note
from archiver.custody.note import SignedNote, VerifierKey
from archiver.jobs import keyring
from archiver.jobs.anchor import anchor
from archiver.jobs.config import Config, load
from archiver.jobs.session import open_session
from archiver.store.anchors import Anchors, Waiting

__all__ = ["house"]


@pytest.fixture
def real(house: House, tmp_path: Path) -> Iterator[Real]:
    """A witness that knows the log of the house, which it has cosigned once."""
    if not PROGRAM.exists():
        pytest.skip(MISSING)
    made = Real.make(tmp_path / "witness")
    (key,) = house.trusted_log()
    made.command("add-log", "--origin", ORIGIN, "--vkey", str(key))
    made.serve()
    try:
        house.configure(made.table())
        assert house.run().code == 0
        yield made
    finally:
        made.close()


def rewritten(house: House, work: Callable[[sqlite3.Connection], object]) -> None:
    """What the owner of the file and of the key does: changes leaves, rebuilds the tree, forgets every checkpoint."""
    with closing(sqlite3.connect(house.desk.db)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        work(db)
        for index, data in db.execute("SELECT idx, data FROM log_leaf").fetchall():
            db.execute("UPDATE log_leaf SET hash = ? WHERE idx = ?", (log.leaf_hash(data), index))
        db.execute("DELETE FROM log_tile")
        db.execute("DELETE FROM log_checkpoint")
        db.execute("DELETE FROM log_anchor")
        db.execute("DELETE FROM work_anchor")
        db.commit()
    keyring.seen_path(Config(), ORIGIN).unlink()


def test_it_cosigns_every_head_and_we_accept_what_it_signs(house: House, real: Real) -> None:
    for _ in range(3):
        assert house.run().code == 0
    key = VerifierKey.parse(real.vkey)
    tokens = house.tokens()
    assert len(tokens) == 4
    for size, _, _, token, at in tokens:
        assert at
        assert note.cosigned(SignedNote.parse(house.note(size) + token.decode()), key)
    assert '"size"' in real.command("status", "--json")


def test_it_is_asked_by_its_own_size_where_ours_is_forgotten(house: House, real: Real) -> None:
    house.configure(real.table().replace('"real"', '"again"'))
    ended = house.run()
    assert (ended.code, len(house.tokens())) == (0, 2), ended.out


def test_it_refuses_a_log_that_was_rolled_back(house: House, real: Real) -> None:
    backup = house.desk.folder / "backup.db"
    shutil.copy(house.desk.db, backup)
    house.run()
    house.run()
    shutil.copy(backup, house.desk.db)
    keyring.seen_path(Config(), ORIGIN).unlink()
    ended = house.desk.call("run", house.desk.seed("short.txt", "Shorter.\n"), "--json")
    assert ended.code == 4
    assert "it cosigned" in ended.json["broken"]


def test_it_refuses_a_log_from_which_a_leaf_was_deleted(house: House, real: Real) -> None:
    def delete(db: sqlite3.Connection) -> None:
        db.execute("UPDATE log_leaf SET data = (SELECT data FROM log_leaf WHERE idx = 3) WHERE idx = 2")

    rewritten(house, delete)
    ended = house.run()
    assert ended.code == 4
    assert "does not continue" in ended.json["broken"]
    assert house.tokens() == []
    assert "split" in real.command("evidence") or ORIGIN in real.command("evidence"), "it keeps what we signed"


def test_it_refuses_another_tree_of_the_same_size(house: House, real: Real) -> None:
    house.run(fresh=False)
    ((size,),) = house.table("SELECT max(size) FROM log_anchor")
    rewritten(house, lambda db: [db.execute("UPDATE log_leaf SET data = x'7b7d' WHERE idx = 1"), cut(db, size)])
    with open_session(house.desk.db, load(house.desk.config)) as session:
        ring = keyring.ring(session.config, ORIGIN)
        head = session.evidence.checkpoint(lambda text: [key.sign(text) for key in ring.keys])
        assert head is not None
        assert head.size == size
        held = Anchors(session.archive, 1)
        held.wait(Waiting(size=size, kind="witness", service="real", due_at="", attempts=0, last=""))
        told = anchor(session)
    assert len(told.broken) == 1, told
    assert house.tokens() == []


def cut(db: sqlite3.Connection, size: int) -> Any:
    return db.execute("DELETE FROM log_leaf WHERE idx >= ?", (size,))


def test_it_refuses_a_log_of_another_key(house: House, real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    path = house.desk.folder.parent / "elsewhere"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(path))
    other = House(Desk(house.desk.folder / "other", house.desk.config), house.street)
    other.desk.folder.mkdir()
    ended = other.run()
    assert any("none of the keys" in told for told in ended.json["notes"])


def test_it_takes_the_proof_of_an_earlier_head_from_a_bundle_as_it_is(house: House, tmp_path: Path) -> None:
    """Each `.consistency` file is the body of its add-checkpoint: it goes from the one head to the other by it."""
    if not PROGRAM.exists():
        pytest.skip(MISSING)
    (key,) = house.trusted_log()
    clock = Clock.make()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    for _ in range(3):
        assert house.run().code == 0
    bag = Evenings(house, clock, tmp_path / "roots.pem").bundle(tmp_path / "all")
    witness = Outside(Real.make(tmp_path / "witness"))
    witness.trusted.append(key)
    try:
        proofs = sorted(bag.glob("data/proofs/*.consistency"))
        assert len(proofs) == 2
        head = (bag / "data/anchors" / proofs[0].stem).read_text()
        assert witness("add-checkpoint", f"old 0\n\n{head}".encode()).status == 200
        lines = proofs[0].read_text().split("\n")
        changed = "\n".join([lines[0], note.to_base64(bytes(32)), *lines[2:]])
        assert witness("add-checkpoint", changed.encode()).status == 422
        assert witness("add-checkpoint", proofs[0].read_bytes()).status == 200
    finally:
        witness.real.close()


# ---- the threat table, before this witness -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> sealed.Desk:
    """The archive of the attack suite, cosigned by the real witness and stamped by OpenSSL."""
    if not PROGRAM.exists():
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("judged")
    witness = Outside(Real.make(folder / "witness"))
    try:
        tsa = Stock.make(folder / "tsa") if shutil.which("openssl") else Clock.make()
        return sealed.build(folder / "desk", tsa=tsa, witness=witness)
    finally:
        witness.real.close()


@pytest.fixture
def attacked(days: sealed.Desk, tmp_path: Path) -> Iterator[sealed.Desk]:
    """A copy of the archive, which may be attacked, and one of the witness with what it remembers."""
    folder = tmp_path / "desk"
    shutil.copytree(days.folder, folder)
    (folder / "keys" / "log.example%2Fsealed.seen").unlink()
    assert isinstance(days.witness, Outside)
    witness = days.witness.copy(tmp_path / "witness")
    desk = sealed.Desk(
        folder=folder, host=sealed.Live(), tsa=days.tsa, witness=witness, seed=days.seed, heads=list(days.heads)
    )
    try:
        yield desk
    finally:
        witness.real.close()


def test_where_nothing_was_done_it_cosigns(attacked: sealed.Desk) -> None:
    assert noticed(attacked) == ""


@pytest.mark.parametrize(("attack", "columns"), TABLE, ids=[attack.__name__ for attack, _ in TABLE])
def test_it_notices_what_the_table_says_and_nothing_else(
    attacked: sealed.Desk, attack: Callable[[sealed.Desk], None], columns: str
) -> None:
    """Each row by the same hands as in the attack suite: in column E, and silent where E claims nothing."""
    attack(attacked)
    assert noticed(attacked) == columns
