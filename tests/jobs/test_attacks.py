"""The threat table, acted out: each attack on an archive that the project made itself, and who notices.

A  hashes of rows: bytes against the hash that stands beside them (blobs, leaves, rows against leaves)
B  a hash chain: this log has none. What can be rebuilt as a chain can be is the tiles, so they stand for it here
C  the signed Merkle log: signed heads against the leaves, under the key of the log
D  RFC 3161 tokens over signed heads, and the clock of captures between two of them: those of `openssl ts -reply`, on
   the clock of this machine. In the one row where the service takes part, its lies are made by hand with its key
E  an independent witness, asked about the next head. Here it is one of the tests' own; `make witness` acts out the
   same table before one that others wrote (tests/jobs/test_real_witness.py)
F  an old head that anybody kept: that of the first day

Where a column is not claimed it is shown to be silent. What nothing notices is the last row: evidence that was
invented when it was captured. Only authors' own proofs, other archives and other observers help against that.
"""

from __future__ import annotations

import datetime
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sealed
from sealed import DAY, Desk, kept, owner
from tsa import Clock, Stock

from archiver.custody import note
from archiver.errors import IntegrityError
from archiver.jobs.config import Config
from archiver.jobs.verify import Options, Verified, verify
from archiver.jobs.verifying_found import Finding
from archiver.net.timestamps import State
from archiver.store.anchors import Anchors

CLAIMED = {"blob": "A", "leaf": "A", "row": "A", "tile": "B", "checkpoint": "C", "signature": "C", "kept": "F"}
CLAIMED |= {"after": "D", "bracket": "D"}
TARGET = 20
"""The capture of the first day that is attacked: the kept head covers it."""
LIE = b"The ferry never left, and nobody ever said that it would.\n" * 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """With OpenSSL's timestamping service outside; where there is no OpenSSL, with one of the tests' own."""
    folder = tmp_path_factory.mktemp("sealed")
    return sealed.build(folder / "desk", tsa=Stock.make(folder / "tsa") if shutil.which("openssl") else Clock.make())


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    """A copy of the desk, which may be attacked."""
    copy = sealed.copied(made, tmp_path / "desk")
    # What the desk itself keeps is another column's business.
    (copy.folder / "keys" / "log.example%2Fsealed.seen").unlink()
    return copy


def column(finding: Finding) -> str:
    if finding.check == "anchor":
        return "D" if finding.place.key.startswith("rfc3161") else "E"
    return CLAIMED[finding.check]


def noticed(desk: Desk, report: Verified | None = None) -> str:
    """The columns that notice something, in the order of the table."""
    report = report or desk.verify(kept=(kept(desk.heads[0]),))
    assert report.unchecked == []
    found = {column(finding) for finding in report.wrong}
    return "".join(sorted(found | ({"E"} if refused(desk) else set())))


def refused(desk: Desk) -> bool:
    """Whether the witness refuses the next head that the desk signs with its genuine key. Where the archive refuses to
    sign at all the witness never hears of it."""
    with desk.open() as session:
        (recorded,) = session.evidence.record(sealed.exchange(9000, desk.host.shown, b"the next one"))
        assert recorded.leaf
        try:
            head = session.evidence.checkpoint(lambda text: (note.sign(text, sealed.ORIGIN, desk.seed),))
        except IntegrityError:
            return False
        assert head is not None
        signed = str(session.archive.value("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1"))
        known = Anchors(session.archive, session.evidence.origin).covered("witness", "w1")
        said = sealed.asked(desk, session, signed, min(known, head.size))
    assert said.state in (State.HOLDS, State.DISPUTED), said.reason
    return said.state is State.DISPUTED


def replace_a_blob(desk: Desk) -> None:
    with owner(desk) as db:
        blob = db.execute("SELECT blob FROM captures WHERE uid = ?", (f"0190-{TARGET:06d}",)).fetchone()[0]
        size = db.execute("SELECT length(data) FROM blob_chunks WHERE blob_id = ?", (blob,)).fetchone()[0]
        db.execute("UPDATE blob_chunks SET data = ? WHERE blob_id = ?", (LIE[:size].ljust(size), blob))


def edit_a_row_and_its_hash(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.edit(db, TARGET, LIE)


def edit_and_rebuild(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.edit(db, TARGET, LIE)
        sealed.rebuild_tiles(db)


def delete_and_rebuild(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.delete(db, TARGET)
        sealed.rebuild_tiles(db)


def drop_the_tail(desk: Desk) -> None:
    with owner(desk) as db:
        size = db.execute("SELECT max(size) FROM log_checkpoint").fetchone()[0]
        sealed.drop_tail(db, size - 10)


def roll_back(desk: Desk) -> None:
    """The file of the second evening, with all that was signed and stamped by then."""
    shutil.copy(desk.folder / "backup-1.db", desk.db)


def edit_and_sign_again(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.edit(db, TARGET, LIE)
        sealed.resign(desk, db)


def delete_and_sign_again(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.delete(db, TARGET)
        sealed.shorten(db)
        sealed.resign(desk, db)


def rebuild_with_the_service(desk: Desk) -> None:
    with owner(desk) as db:
        sealed.edit(db, TARGET, LIE)
        sealed.resign(desk, db, desk.tsa)


def backdate(desk: Desk) -> None:
    """A capture whose host says that it is last year."""
    desk.host.at, desk.host.lie = desk.host.at + DAY, -365 * DAY
    sealed.a_day(desk, 7, 3)
    desk.host.lie = datetime.timedelta(0)


def postdate(desk: Desk) -> None:
    desk.host.at, desk.host.lie = desk.host.at + DAY, 365 * DAY
    sealed.a_day(desk, 7, 3)
    desk.host.lie = datetime.timedelta(0)


def fabricate(desk: Desk) -> None:
    """Words that nobody said, captured as if a server had sent them."""
    desk.host.at += DAY
    with desk.open() as session:
        session.evidence.record(sealed.exchange(7000, desk.host.shown, LIE))
        session.evidence.checkpoint(lambda text: (note.sign(text, sealed.ORIGIN, desk.seed),))
        sealed.vouched(desk, session)


TABLE = [
    # attack, who notices
    (replace_a_blob, "A"),
    (edit_a_row_and_its_hash, "BCF"),
    (edit_and_rebuild, "CF"),
    (delete_and_rebuild, "CF"),
    (drop_the_tail, "C"),
    (roll_back, "E"),
    (edit_and_sign_again, "DEF"),
    (delete_and_sign_again, "DEF"),
    (rebuild_with_the_service, "EF"),
    (backdate, "D"),
    (postdate, "D"),
    (fabricate, ""),
]


def test_the_timestamping_service_is_not_ours(made: Desk) -> None:
    if not isinstance(made.tsa, Stock):
        pytest.skip("openssl is not installed: a timestamping service of the tests' own stood in its place")
    with closing(sqlite3.connect(made.db)) as db:
        rows = db.execute("SELECT size, token FROM log_anchor WHERE kind = 'rfc3161' ORDER BY id").fetchall()
        notes = dict(db.execute("SELECT size, note FROM log_checkpoint").fetchall())
    assert len(rows) == 3
    for size, token in rows:
        digest = hashlib.sha256(notes[size].encode()).digest()
        assert made.tsa.service.verifies(token, digest), "as openssl ts -verify judges it"
        assert not made.tsa.service.verifies(token, bytes(32))


def test_nobody_notices_anything_where_nothing_was_done(desk: Desk) -> None:
    assert noticed(desk) == ""


@pytest.mark.parametrize(("attack", "columns"), TABLE, ids=[attack.__name__ for attack, _ in TABLE])
def test_who_notices(desk: Desk, attack: Callable[[Desk], None], columns: str) -> None:
    attack(desk)
    assert noticed(desk) == columns


def test_a_head_that_is_newer_than_the_backup_notices_it(desk: Desk) -> None:
    """Column F holds for what was signed before it was kept, and for nothing after. The desk keeps its own last head
    beside its key, so that a restored backup is told at once where the key is."""
    roll_back(desk)
    assert noticed(desk, desk.verify(kept=(kept(desk.heads[2]),))) == "EF"
    report = verify(desk.db, Config(log_key_file=str(desk.folder / "keys" / "log.key")), Options())
    assert report.wrong == []
    beside = desk.folder / "keys" / "log.example%2Fsealed.seen"
    beside.write_text(desk.heads[2])
    (finding,) = verify(desk.db, Config(log_key_file=str(desk.folder / "keys" / "log.key")), Options()).wrong
    assert (finding.check, finding.place.key) == ("kept", str(beside))


def test_where_an_edit_lies_is_named(desk: Desk) -> None:
    """The capture by its hash; else the heads and the tile between which it lies."""
    replace_a_blob(desk)
    (finding,) = desk.verify().wrong
    assert (finding.check, finding.place.table, len(finding.place.key)) == ("blob", "blobs", 64)
    edit_a_row_and_its_hash(desk)
    found = {finding.check: finding for finding in desk.verify().wrong}
    assert found["tile"].reason == "1 of its 256 hashes are not those of the log, the first for leaf 40"
    assert [f.place.key for f in desk.verify().wrong if f.check == "checkpoint"] == ["282", "565", "608"]


def test_a_capture_at_a_time_between_its_tokens_is_believed(desk: Desk) -> None:
    """A clock that is a little off is no lie: what is within a minute of the tokens around it is not told."""
    desk.host.at, desk.host.lie = desk.host.at + DAY, datetime.timedelta(seconds=45)
    sealed.a_day(desk, 7, 3)
    desk.host.lie = datetime.timedelta(0)
    assert noticed(desk) == ""
