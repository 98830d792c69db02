"""What an archive holds, what it waits for, and how its runs went: looked up and counted from indexes, so that asking
takes no longer where there are a million captures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from archiver.jobs import anchored, before, holding, routes, rules, trouble
from archiver.jobs.backlog import Backlog, older_queue, queue_of
from archiver.jobs.hooks import COMMAND, FAILING, WEBHOOK
from archiver.jobs.trouble import Trouble
from archiver.net.clock import text_of, time_of, utc_now
from archiver.store import tallies
from archiver.store.anchors import Anchors
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree
from archiver.store.told import Outbox

COUNTED = ("documents", "mentions", "posts", "versions", "edits", "captures", "blobs", "edges", "matches", "statements")
GROWTH = timedelta(days=7)
_SEEN = f"SELECT value FROM work_state WHERE name = '{trouble.STATE}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes: `free` and `total` of the file system that the archive is on, `file` of the archive with its write-ahead
    log, `blobs` of bodies, `growth` of bodies and heads that runs received within seven days."""

    free: int = 0
    total: int = 0
    file: int = 0
    blobs: int = 0
    growth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """A hook that is still to be told `events`, the first since `since`; `failing` says since when it takes none, and
    why (empty where it does)."""

    channel: str
    events: int
    since: str
    failing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Counts by table, bytes of blobs, leaves of the log, outcomes by latest look, the queue, the last runs. `older`
    counts verdicts by the rules that made them, where those are not the present ones; `replaced` mentions were judged
    again under newer rules and nobody was told what differs. `keys` sign the log, which is signed up to `signed` leaves
    since `signed_at`. `vouching` are the outside services that answered about
    the log, `unanswered` the questions that are open, `exposed` the timestamps that end first, and when another is
    taken. `last_success` is the end of the last run that ended with 0 or 1, `last_ended` of the last that ended at all,
    `first_run` when the first began; `failed_runs` how many in a row did not succeed since; `origin` names the log;
    `paused` are hosts that are left alone, with until when; `holder` writes now; `seen` is what the last run saw that
    only a run can see."""

    at: str
    origin: str
    counts: dict[str, int]
    blob_bytes: int
    leaves: int
    keys: list[str]
    signed: int
    signed_at: str
    outcomes: dict[str, int]
    verdicts: dict[str, int]
    resolutions: dict[str, int]
    scheduled: int
    waiting: int
    next_due: str
    hosts: list[tuple[str, int, int]]
    runs: list[dict[str, object]]
    older: dict[str, int]
    replaced: int
    vouching: list[anchored.Vouching]
    unanswered: list[anchored.Unanswered]
    exposed: anchored.Exposed | None
    backlog: Backlog = field(default_factory=Backlog)
    disk: Disk = field(default_factory=Disk)
    last_success: str = ""
    seen: list[Trouble] = field(default_factory=list)
    last_ended: str = ""
    first_run: str = ""
    failed_runs: int = 0
    routes: list[routes.Route] = field(default_factory=list)
    platforms: dict[str, str] = field(default_factory=dict)
    paused: list[tuple[str, str]] = field(default_factory=list)
    hooks: list[Waits] = field(default_factory=list)
    holder: holding.Holder | None = None


def status_of(
    archive: Archive,
    *,
    now: Callable[[], str] = utc_now,
    renew_days: int = anchored.RENEW_DAYS,
    off: Callable[[str], bool] = lambda host: False,
    channels: Collection[str] = (COMMAND, WEBHOOK),
) -> Status:
    """Reads the status of an archive. Timestamps are taken again `renew_days` before they end; `off` says which hosts
    the configuration switches off, `channels` which hooks it has: what waits for others waits for nobody."""
    at = now()
    exposed = None
    vouching, unanswered = list[anchored.Vouching](), list[anchored.Unanswered]()
    keys, head = list[str](), None
    tables = {str(row[0]) for row in archive.all("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    local = int(str(archive.value("SELECT id FROM origin WHERE local = 1")))
    if "log_anchor" in tables:  # an older archive has none
        keys = [key.id.hex() for key in Tree(archive, local).active()]
        head = archive.one("SELECT size, at FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", local)
        held = Anchors(archive, local)
        vouching, unanswered = anchored.overview(held, at, renew_days)
        exposed = anchored.exposed(held, at, renew_days)
    count = Counts(archive, kept="tallies" in tables)
    backlog, hosts = queue_of(archive, at, off) if "work_days" in tables else older_queue(archive)
    success, failed = _runs(archive)
    ended = "SELECT ended_at FROM work_runs WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1"
    first = "SELECT started_at FROM work_runs ORDER BY id LIMIT 1"
    working = routes.routes(archive, at) if "work_routes" in tables else []
    return Status(
        at=at,
        origin=str(archive.value("SELECT name FROM origin WHERE id = ?", local)),
        counts={table: count.of(table) for table in COUNTED},
        blob_bytes=count.bytes,
        leaves=Tree(archive, local).size(),
        keys=keys,
        signed=0 if head is None else int(head["size"]),
        signed_at="" if head is None else str(head["at"]),
        outcomes=count.by("posts", "b", "SELECT outcome, count(*) FROM posts WHERE outcome <> '' GROUP BY outcome"),
        verdicts=count.by("verdicts", "a", "SELECT verdict, count(*) FROM matches WHERE rank = 0 GROUP BY verdict"),
        resolutions=count.by("resolutions", "a", "SELECT status, count(*) FROM resolutions GROUP BY status"),
        scheduled=backlog.scheduled,
        waiting=backlog.waiting,
        next_due=backlog.next_due,
        hosts=hosts,
        runs=[
            dict(row)
            for row in archive.all(
                "SELECT started_at, ended_at, command, captures, failures, exit_code FROM work_runs "
                "ORDER BY id DESC LIMIT 5"
            )
        ],
        older=rules.older(archive),
        replaced=before.kept(archive),
        vouching=vouching,
        unanswered=unanswered,
        exposed=exposed,
        backlog=backlog,
        disk=_disk(archive, at, count.bytes, measured="work_days" in tables),
        last_success=success,
        seen=trouble.read(_text(archive, _SEEN)),
        last_ended=_text(archive, ended),
        first_run=_text(archive, first),
        failed_runs=failed,
        routes=working,
        platforms=routes.platforms(working),
        paused=_paused(archive, at),
        hooks=_hooks(archive, channels) if "work_told" in tables else [],
        holder=holding.holder(archive.path),
    )


class Counts:
    """Counts that are kept, where they are; counted in an archive that an older version wrote."""

    def __init__(self, archive: Archive, *, kept: bool) -> None:
        self.archive, self.kept = archive, kept
        held = tallies.held(archive) if kept else None
        self.evidence = {} if held is None else {"captures": sum(held.captures.values()), "blobs": held.blobs}
        self.bytes = held.bytes if held is not None else self._number("SELECT coalesce(sum(size), 0) FROM blobs")
        self.names = {tally.table: tally.name for tally in tallies.TALLIES if not tally.when} if kept else {}

    def of(self, table: str) -> int:
        """Rows of a table."""
        if table in self.evidence:
            return self.evidence[table]
        if table in self.names:
            return self._number("SELECT coalesce(sum(n), 0) FROM tallies WHERE name = ?", self.names[table])
        return self._number(f"SELECT count(*) FROM {table}")

    def by(self, name: str, column: str, sql: str) -> dict[str, int]:
        """Rows by a word, most first."""
        rows = self.archive.all(
            f"SELECT {column}, sum(n) FROM tallies WHERE name = ? AND {column} <> '' GROUP BY {column}"
            if self.kept
            else sql,
            *((name,) if self.kept else ()),
        )
        return {str(word): int(n) for word, n in sorted(rows, key=lambda row: (-int(row[1]), str(row[0])))}

    def _number(self, sql: str, *parameters: object) -> int:
        return int(str(self.archive.value(sql, *parameters)))


def _runs(archive: Archive) -> tuple[str, int]:
    """When the last run succeeded, and how many since did not."""
    good = (
        "SELECT id, ended_at FROM work_runs WHERE ended_at IS NOT NULL AND exit_code IN (0, 1) ORDER BY id DESC LIMIT 1"
    )
    row = archive.one(good)
    since = 0 if row is None else int(row["id"])
    failed = int(str(archive.value("SELECT count(*) FROM work_runs WHERE id > ?", since)))
    return "" if row is None else str(row["ended_at"]), failed


def _text(archive: Archive, sql: str) -> str:
    row = archive.one(sql)
    return "" if row is None else str(row[0])


def _paused(archive: Archive, now: str) -> list[tuple[str, str]]:
    rows = archive.all("SELECT host, not_before FROM work_hosts WHERE not_before > ? ORDER BY host", now)
    return [(str(row[0]), str(row[1])) for row in rows]


def _hooks(archive: Archive, channels: Collection[str]) -> list[Waits]:
    rows = archive.all("SELECT name, value FROM work_state WHERE name >= ? AND name < ?", FAILING, FAILING + "~")
    failing = {str(row[0]).removeprefix(FAILING): str(row[1]) for row in rows}
    return [
        Waits(channel=channel, events=events, since=since, failing=failing.get(channel, ""))
        for channel, events, since, _ in Outbox(archive).waiting()
        if channel in channels
    ]


def _disk(archive: Archive, now: str, blobs: int, *, measured: bool) -> Disk:
    """Room on the disk. What cannot be asked is 0."""
    path = Path(archive.path)
    try:
        usage = shutil.disk_usage(path.parent)
        free, total = usage.free, usage.total
    except OSError:
        free = total = 0
    size = 0
    for name in (path.name, path.name + "-wal"):
        one = path.with_name(name)
        size += one.stat().st_size if one.exists() else 0
    growth = 0
    if measured:
        week = text_of(time_of(now) - GROWTH)
        growth = int(str(archive.value("SELECT coalesce(sum(received), 0) FROM work_runs WHERE started_at >= ?", week)))
    return Disk(free=free, total=total, file=size, blobs=blobs, growth=growth)
