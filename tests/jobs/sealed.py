"""An archive of three days as the project itself makes it: captures with bodies, statements, marks, signed heads, an
outside timestamp and a cosignature for each day. And whoever does things to the file that its owner can do.

Times, services, addresses and words are invented. The clock of the host and that of the timestamping service are told.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsa import Clock, Played, Stock, Witness
from witnessing import Outside

from archiver.custody import canonical, log, note
from archiver.jobs import checkpoint, keyring
from archiver.jobs.config import Config
from archiver.jobs.session import Session, open_session
from archiver.jobs.verify import Options, Verified, verify
from archiver.jobs.verifying_heads import Kept
from archiver.model import Answer, Exchange, Failure, Ref, Request
from archiver.net import timestamps
from archiver.net.clock import text_of
from archiver.net.timestamps import Said, State, Talk
from archiver.store.anchors import Anchors, Received
from tests.anew import Growing

ORIGIN = "log.example/sealed"
DAY = datetime.timedelta(days=1)
PER_DAY = 140
"""Captures a day, each with its mark: so the log has full tiles."""


@dataclass
class Hands:
    """The clock of the host, one second further at each look. `lie` is how far it is off the true time `at`."""

    at: datetime.datetime
    lie: datetime.timedelta = datetime.timedelta(0)

    def __call__(self) -> str:
        self.at += datetime.timedelta(seconds=1)
        return text_of(self.shown)

    @property
    def shown(self) -> datetime.datetime:
        return self.at + self.lie


@dataclass
class Live:
    """The clock of this machine, where the services that vouch have no other. `at` cannot be moved."""

    lie: datetime.timedelta = datetime.timedelta(0)

    @property
    def at(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    @at.setter
    def at(self, time: datetime.datetime) -> None:
        pass

    def __call__(self) -> str:
        return text_of(self.shown)

    @property
    def shown(self) -> datetime.datetime:
        return self.at + self.lie


@dataclass
class Desk:
    """The archive, its key, its clock, and those outside that vouch for it. `heads` are the notes of the days, as
    somebody may have kept them; `backups` the file as it was at the end of each day."""

    folder: Path
    host: Hands | Live
    tsa: Clock | Stock
    witness: Witness | Outside
    seed: bytes = b""
    heads: list[str] = field(default_factory=list)

    @property
    def db(self) -> Path:
        return self.folder / "archive.db"

    @property
    def config(self) -> Config:
        return Config(origin=ORIGIN, log_key_file=str(self.folder / "keys" / "log.key"))

    @property
    def vkey(self) -> note.VerifierKey:
        return note.verifier_key(ORIGIN, self.seed)

    @contextmanager
    def open(self) -> Iterator[Session]:
        with open_session(self.db, self.config, now=self.host) as session:
            yield session

    def verify(self, *, alone: bool = False, **options: Any) -> Verified:
        """As a stranger does it: with the keys of the log and of the witness and the roots of the service, and with
        nothing that the desk keeps beside its own key."""
        given = {"keys": (self.vkey, note.VerifierKey.parse(self.witness.vkey)), "roots": (self.tsa.root.der,)}
        config = Config(log_key_file=str(self.folder / "none"))
        return verify(self.db, config, Options(**{**given, **options}), alone=alone)


def exchange(number: int, at: datetime.datetime, body: bytes | None, **changes: Any) -> Exchange:
    sha256 = "" if body is None else hashlib.sha256(body).hexdigest()
    url = f"https://site.example/post/{number}"
    fields = {
        "uid": f"0190-{number:06d}",
        "request": Request(ref=Ref.parse(f"web:page:{url}"), route="page", url=url),
        "url": url,
        "started_at": text_of(at),
        "ended_at": text_of(at + datetime.timedelta(seconds=1)),
        "sent": f"GET /post/{number} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode(),
        "status": 200,
        "headers": (("content-type", "text/plain"),),
        "response_head": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
        "body": None if body is None else io.BytesIO(body),
        "size": len(body or b""),
        "sha256": sha256,
        "entity_sha256": sha256,
    }
    if body is None:
        fields |= {"status": None, "response_head": b"", "headers": (), "failure": Failure.TIMEOUT}
    return Exchange(**{**fields, **changes})


def words(number: int) -> bytes:
    return f"The ferry of {number} leaves at noon, says nobody but post {number}.\n".encode() * 20


def a_day(desk: Desk, day: int, captures: int = PER_DAY) -> None:
    """Captures of a day, a statement, a signed head, and those who vouch for it."""
    with desk.open() as session:
        evidence = session.evidence
        for number in range(day * 1000, day * 1000 + captures):
            at = desk.host.shown
            body = None if number % 50 == 49 else words(number)
            (recorded,) = evidence.record(exchange(number, at, body))
            evidence.mark(recorded.id, "parse", "parse/1", hashlib.sha256(b"%d" % number).hexdigest())
        about = {"subject": f"doc:passage:{day}", "object": "x:post:20", "reason": "it is the same sentence"}
        evidence.state(f"statement-{day}", who="Desk", what="resolves", **about)
        sealed = checkpoint.seal(session, make=True)
        assert sealed.head is not None
        desk.heads.append(vouched(desk, session))


def vouched(desk: Desk, session: Session) -> str:
    """The newest head with the token of the service and the cosignature of the witness. Its note."""
    held = Anchors(session.archive, session.evidence.origin)
    head = held.newest_head()
    assert head is not None
    if not desk.seed:
        desk.seed = desk_key(desk)
        desk.witness.trusted.append(desk.vkey)
    desk.tsa.now = lambda: desk.host.at
    desk.witness.now = lambda: desk.host.at.timestamp()
    digest = hashlib.sha256(head.note.encode()).digest()
    stamp = timestamps.timestamp_of("https://tsa.example", digest, nonce=7, roots=(desk.tsa.root.der,), now=desk.host())
    for kind, service, said in (
        ("rfc3161", "clock", talk(stamp, desk.tsa)),
        ("witness", "w1", asked(desk, session, head.note)),
    ):
        assert said.state is State.HOLDS, said.reason
        received = Received(
            size=head.size, kind=kind, service=service, token=said.token, at=said.time, chain=said.chain
        )
        held.add(session.evidence, received, now=desk.host())
    return head.note


def desk_key(desk: Desk) -> bytes:
    return keyring.ring(desk.config, ORIGIN).keys[0].seed


def asked(desk: Desk, session: Session, signed: str, old: int | None = None) -> Said:
    """What the witness says of a head."""
    known = desk.witness.size if old is None else old
    key = note.VerifierKey.parse(desk.witness.vkey)
    head = note.Checkpoint.parse(note.SignedNote.parse(signed).text)

    def proof(size: int) -> tuple[bytes, ...]:
        return session.evidence.consistency(size, head.size)

    return talk(timestamps.cosignature_of("https://w.example", key, signed, known, proof), desk.witness)


def talk(said: Talk, play: Callable[[str, bytes], Played]) -> Said:
    """Leads a talk to its end, with the service in this process."""
    request = next(said)
    while True:
        path = request.url.rpartition("/")[2] if "add-checkpoint" in request.url else ""
        played = play(path, request.body)
        headers = (("content-type", played.kind),)
        try:
            request = said.send(Answer(request=request, status=played.status, headers=headers, body=played.body))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def copied(made: Desk, folder: Path) -> Desk:
    """A copy of a desk, to which anything may be done. It has a witness of its own, that has seen the same."""
    shutil.copytree(made.folder, folder)
    assert isinstance(made.witness, Witness)
    witness = Witness(trusted=list(made.witness.trusted), size=made.witness.size, root=made.witness.root)
    host = Live() if isinstance(made.host, Live) else Hands(made.host.at)
    return Desk(folder=folder, host=host, tsa=made.tsa, witness=witness, seed=made.seed, heads=list(made.heads))


def build(
    folder: Path, days: int = 3, *, tsa: Clock | Stock | None = None, witness: Witness | Outside | None = None
) -> Desk:
    """The archive after so many days; the last one is some weeks ago. With a service that has a clock of its own they
    are moments, and the present ones."""
    folder.mkdir(parents=True, exist_ok=True)
    began = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - 30 * DAY
    live = isinstance(tsa, Stock) or isinstance(witness, Outside)
    host = Live() if live else Hands(began)
    desk = Desk(folder=folder, host=host, tsa=tsa or Clock.make(), witness=witness or Witness())
    for day in range(days):
        desk.host.at = began + day * DAY
        a_day(desk, day, PER_DAY if day < days - 1 else 20)
        with closing(sqlite3.connect(desk.db)) as db:
            db.execute("VACUUM INTO ?", (str(folder / f"backup-{day}.db"),))
    return desk


# ---- what the owner of the file can do --------------------------------------------------------------------------


@contextmanager
def owner(desk: Desk) -> Iterator[sqlite3.Connection]:
    """The file under somebody's hands: no trigger and no foreign key holds."""
    with closing(sqlite3.connect(desk.db)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = OFF")
        kept = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for trigger in kept:
            db.execute(f"DROP TRIGGER {trigger['name']}")
        yield db
        for trigger in kept:
            db.execute(trigger["sql"])
        db.commit()


def leaf(db: sqlite3.Connection, index: int) -> dict[str, Any]:
    found = db.execute("SELECT data FROM log_leaf WHERE idx = ?", (index,)).fetchone()
    return dict(json.loads(found["data"]))


def put_leaf(db: sqlite3.Connection, index: int, fields: dict[str, Any]) -> None:
    """Replaces a leaf, with the hash beside it."""
    data = canonical.dumps(fields)
    db.execute("UPDATE log_leaf SET data = ?, hash = ? WHERE idx = ?", (data, log.leaf_hash(data), index))


def rebuild_tiles(db: sqlite3.Connection) -> None:
    """The tiles as they would stand if the leaves had always been these."""
    hashes = [row["hash"] for row in db.execute("SELECT hash FROM log_leaf ORDER BY idx")]
    db.execute("DELETE FROM log_tile")
    level = 0
    while len(hashes) >= log.WIDTH:
        whole = [hashes[n : n + log.WIDTH] for n in range(0, len(hashes) - log.WIDTH + 1, log.WIDTH)]
        for n, tile in enumerate(whole):
            db.execute("INSERT INTO log_tile VALUES (1, ?, ?, ?)", (level, n, b"".join(tile)))
        hashes, level = [log.fold(tile) for tile in whole], level + 1


def resign(desk: Desk, db: sqlite3.Connection, tsa: Clock | Stock | None = None) -> None:
    """Signs every head again with the genuine key, oldest first, and makes leaves name the new roots. With `tsa` the
    timestamping service takes part: it makes its tokens anew, with their old times."""
    for row in db.execute("SELECT size FROM log_checkpoint ORDER BY size").fetchall():
        size = row["size"]
        head = note.Checkpoint(origin=ORIGIN, size=size, root=root_of(db, size))
        signed = str(note.SignedNote(text=str(head), signatures=(note.sign(str(head), ORIGIN, desk.seed),)))
        db.execute("UPDATE log_checkpoint SET root = ?, note = ? WHERE size = ?", (head.root, signed, size))
        for anchor in db.execute("SELECT * FROM log_anchor WHERE size = ?", (size,)).fetchall():
            token, old = anchor["token"], hashlib.sha256(anchor["token"]).hexdigest()
            if tsa is not None and anchor["kind"] == "rfc3161":
                token = stamped_at(tsa, signed, anchor["at"])
                db.execute("UPDATE log_anchor SET token = ? WHERE id = ?", (token, anchor["id"]))
            new = hashlib.sha256(token).hexdigest()
            put_leaf(db, anchor["leaf"], leaf(db, anchor["leaf"]) | {"root": head.root.hex(), "token_sha256": new})
            for other in db.execute("SELECT idx, data FROM log_leaf WHERE idx >= ?", (size,)).fetchall():
                fields = json.loads(other["data"])
                if fields.get("after") == old:
                    put_leaf(db, other["idx"], fields | {"after": new})
    rebuild_tiles(db)


def stamped_at(tsa: Clock | Stock, signed: str, time: str) -> bytes:
    """A token that the service makes with whatever time it is asked for."""
    then = datetime.datetime.fromisoformat(time)
    return tsa.token_at(hashlib.sha256(signed.encode()).digest(), 7, then)


def root_of(db: sqlite3.Connection, size: int) -> bytes:
    """The head over the first leaves, from their hashes alone."""
    growing = Growing()
    for row in db.execute("SELECT hash FROM log_leaf WHERE idx < ? ORDER BY idx", (size,)):
        growing.append(row["hash"])
    return growing.root()


def edit(db: sqlite3.Connection, number: int, text: bytes) -> int:
    """Puts other words into a capture and makes everything beside it agree: blob, row, leaf and the leaf's hash. The
    index of the leaf."""
    row = db.execute("SELECT * FROM captures WHERE uid = ?", (f"0190-{number:06d}",)).fetchone()
    sha256 = hashlib.sha256(text).hexdigest()
    db.execute("UPDATE blob_chunks SET data = ? WHERE blob_id = ?", (text, row["blob"]))
    db.execute("UPDATE blobs SET sha256 = ?, size = ? WHERE id = ?", (sha256, len(text), row["blob"]))
    changed = (sha256, len(text), row["id"])
    db.execute("UPDATE captures SET entity_sha256 = ?, received = ? WHERE id = ?", changed)
    fields = leaf(db, row["leaf"])
    fields["response"] |= {"body_sha256": sha256, "entity_sha256": sha256, "body_size": str(len(text))}
    put_leaf(db, row["leaf"], fields)
    return int(row["leaf"])


def delete(db: sqlite3.Connection, number: int) -> int:
    """Takes a capture out with its mark, and moves everything behind it up. The index that its leaf had."""
    row = db.execute("SELECT * FROM captures WHERE uid = ?", (f"0190-{number:06d}",)).fetchone()
    index = int(row["leaf"])
    db.execute("DELETE FROM reading_marks WHERE capture = ?", (row["id"],))
    db.execute("DELETE FROM captures WHERE id = ?", (row["id"],))
    forget_bodies(db)
    db.execute("DELETE FROM log_leaf WHERE idx IN (?, ?)", (index, index + 1))
    for other in db.execute("SELECT idx, data FROM log_leaf WHERE idx > ? ORDER BY idx", (index,)).fetchall():
        fields = json.loads(other["data"])
        fields["seq"] = str(other["idx"] - 2)
        if fields["type"] == "reading" and int(fields["capture"]) > index:
            fields["capture"] = str(int(fields["capture"]) - 2)
        put_leaf(db, other["idx"], fields)
        db.execute("UPDATE log_leaf SET idx = idx - 2 WHERE idx = ?", (other["idx"],))
    for table in ("captures", "reading_marks", "statements", "log_key", "log_anchor"):
        moved = db.execute(f"SELECT leaf FROM {table} WHERE leaf > ? ORDER BY leaf", (index,)).fetchall()
        for one in moved:
            db.execute(f"UPDATE {table} SET leaf = leaf - 2 WHERE leaf = ?", (one["leaf"],))
    return index


def shorten(db: sqlite3.Connection) -> None:
    """Makes the heads be about as many leaves fewer as `delete` took out, so that they can be signed again."""
    for row in db.execute("SELECT size FROM log_checkpoint ORDER BY size").fetchall():
        db.execute("UPDATE log_checkpoint SET size = size - 2 WHERE size = ?", (row["size"],))
        db.execute("UPDATE log_anchor SET size = size - 2 WHERE size = ?", (row["size"],))
    for row in db.execute("SELECT leaf, size FROM log_anchor").fetchall():
        put_leaf(db, row["leaf"], leaf(db, row["leaf"]) | {"size": str(row["size"])})


def drop_tail(db: sqlite3.Connection, size: int) -> None:
    """Takes out every leaf from `size` on, with its rows and bodies; signed heads stay."""
    for table in ("reading_marks", "captures", "statements", "log_anchor"):
        db.execute(f"DELETE FROM {table} WHERE leaf >= ?", (size,))
    db.execute("DELETE FROM log_leaf WHERE idx >= ?", (size,))
    forget_bodies(db)
    rebuild_tiles(db)


def forget_bodies(db: sqlite3.Connection) -> None:
    """Takes out the blobs that no capture has any more."""
    for table, column in (("blob_chunks", "blob_id"), ("blob_at", "blob"), ("blobs", "id")):
        db.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT blob FROM captures WHERE blob IS NOT NULL)")


def kept(text: str) -> Kept:
    """A head that somebody kept."""
    signed = note.SignedNote.parse(text)
    return Kept(place="kept.txt", head=note.Checkpoint.parse(signed.text), signed=signed)
