"""One command's hold on one archive: the connection, who writes, the clock, the run lock."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from archiver import __version__
from archiver.errors import InputError
from archiver.jobs import before, holding, rules
from archiver.jobs.config import Config
from archiver.jobs.eventlog import EventLog
from archiver.net.clock import utc_now
from archiver.store import schema
from archiver.store.archive import Archive, open_archive
from archiver.store.evidence import Evidence, Tool
from archiver.store.queue import Frontier
from archiver.store.readings import Readings
from archiver.store.refusals import DatabaseError, refusal

STEPS = 1_000_000
"""Instructions of SQLite's machine, some tens of milliseconds, between two calls of what gives a sign of life."""


@dataclass(slots=True, kw_only=True)
class Session:
    """An open archive with everything that jobs need. `now` gives UTC ISO 8601 text."""

    archive: Archive
    evidence: Evidence
    readings: Readings
    frontier: Frontier
    config: Config
    now: Callable[[], str]
    notes: list[str] = field(default_factory=list)
    held: holding.Hold | None = None
    log: EventLog = field(default_factory=EventLog)

    def beat(self, doing: str = "") -> None:
        """Tells whoever asks that this command is alive, and what it does now. Cheap enough for each commit."""
        if self.held is not None:
            self.held.beat(doing)

    def state(self, name: str) -> str:
        """What work remembers under a name, or an empty text."""
        row = self.archive.one("SELECT value FROM work_state WHERE name = ?", name)
        return "" if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Keeps a value of work, inside the caller's transaction or one of its own."""
        self.archive.db.execute(
            "INSERT INTO work_state (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def only(self, tier: str) -> None:
        """Replayed and wire captures never share an archive: InputError where it holds those of the other tier."""
        other = "wire" if tier == "replay" else "replay"
        # No run ever mixed them, so the first and the last speak for all: no index knows tiers, a scan takes minutes.
        sql = "SELECT tier FROM captures WHERE tier IN ('wire', 'replay') ORDER BY id {} LIMIT 1"
        ends = [self.archive.one(sql.format(end)) for end in ("ASC", "DESC")]
        if other in {row["tier"] for row in ends if row is not None}:
            raise InputError(
                f"this archive holds {other} captures: a {tier} run may not write into it",
                place=str(self.archive.path),
                hint="Choose another --db",
            )


@contextmanager
def open_session(
    path: Path,
    config: Config,
    *,
    now: Callable[[], str] = utc_now,
    worker: str = "",
    lock: bool = True,
    doing: str = "writing",
    backup: Path | None = None,
) -> Iterator[Session]:
    """Opens (or makes) an archive for writing; one writer at a time. Raises InputError when another is at work, who is
    told what this one is `doing`. `backup` is a copy of an archive of an older schema, which is made where none is
    given."""
    with holding.hold(path, doing) if lock else nullcontext() as held:
        origin = config.origin or f"quotechain/{secrets.token_hex(8)}"
        archive = open_archive(path, now=now(), origin=origin, site=config.site, backup=backup)
        tool = Tool(
            version=__version__,
            config_sha256=config.sha256,
            operator=config.operator,
            site=config.site,
            worker=worker or f"pid-{os.getpid()}",
        )
        try:
            session = Session(
                archive=archive,
                evidence=Evidence(archive, tool, now=now),
                readings=Readings(archive),
                frontier=Frontier(archive),
                config=config,
                now=now,
                held=held,
            )
            if held is not None:  # a long statement is a sign of life, too
                archive.db.set_progress_handler(held.beat, STEPS)
            if archive.backup is not None:
                session.notes.append(f"brought to the schema of this version; as it was it is kept as {archive.backup}")
            _ready(session)
            yield session
        except (DatabaseError, OSError) as error:  # what the disk or another program refused; all else goes on up
            told = refusal(error, path)
            if told is None:
                raise
            raise told from error
        finally:
            archive.close()


def _ready(session: Session) -> None:
    """Makes the tables of readings when there are none, or when another version made them, and remembers from where
    on mentions are found by the present rules."""
    made = session.state("readings_version")
    if made != schema.READINGS_VERSION:
        with session.archive.transaction():
            if made:
                session.notes.append(f"readings of version {made} are made again as version {schema.READINGS_VERSION}")
                if not before.keep_all(session.archive, session.state("read_upto")):
                    session.notes.append(f"verdicts of version {made} cannot be compared: its tables are others")
            schema.drop(session.archive.db)
            schema.create(session.archive.db)
            before.drop_state(session.archive)
            session.remember("readings_version", schema.READINGS_VERSION)
    held = session.state(rules.STATE)
    present = str(rules.now(session.archive, held, session.state("read_upto")))
    if present != held:
        session.remember(rules.STATE, present)
