"""What an archive holds and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archiver.jobs import anchored, before, rules
from archiver.net.clock import utc_now
from archiver.store.anchors import Anchors
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree

COUNTED = ("documents", "mentions", "posts", "versions", "edits", "captures", "blobs", "edges", "matches", "statements")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Counts by table, bytes of blobs, leaves of the log, outcomes by latest look, the queue, the last runs. `older`
    counts verdicts by the rules that made them, where those are not the present ones; `replaced` mentions were judged
    again under newer rules and nobody was told what differs. `keys` sign the log, which is signed up to `signed` leaves
    since `signed_at`. `vouching` are the outside services that answered about
    the log, `unanswered` the questions that are open, `exposed` the timestamps that end first, and when another is
    taken."""

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


def status_of(archive: Archive, *, now: Callable[[], str] = utc_now, renew_days: int = anchored.RENEW_DAYS) -> Status:
    """Reads the status of an archive. Timestamps are taken again `renew_days` before they end."""
    exposed = None
    vouching, unanswered = list[anchored.Vouching](), list[anchored.Unanswered]()
    keys, head = list[str](), None
    if archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'log_anchor'") is not None:  # an older archive has none
        local = int(str(archive.value("SELECT id FROM origin WHERE local = 1")))
        keys = [key.id.hex() for key in Tree(archive, local).active()]
        head = archive.one("SELECT size, at FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", local)
        held = Anchors(archive, local)
        vouching, unanswered = anchored.overview(held, now(), renew_days)
        exposed = anchored.exposed(held, now(), renew_days)

    def counts(sql: str) -> dict[str, int]:
        return {str(row[0]): int(row[1]) for row in archive.all(sql)}

    def number(sql: str) -> int:
        return int(str(archive.value(sql)))

    queue = archive.one(
        "SELECT count(*), coalesce(sum(attempts > 0), 0), coalesce(min(due_at), '') FROM work_queue "
        "WHERE due_at IS NOT NULL"
    )
    return Status(
        counts={table: number(f"SELECT count(*) FROM {table}") for table in COUNTED},
        blob_bytes=number("SELECT coalesce(sum(size), 0) FROM blobs"),
        leaves=number("SELECT count(*) FROM log_leaf"),
        keys=keys,
        signed=0 if head is None else int(head["size"]),
        signed_at="" if head is None else str(head["at"]),
        outcomes=counts(
            "SELECT outcome, count(*) FROM posts WHERE outcome <> '' GROUP BY outcome ORDER BY count(*) DESC, outcome"
        ),
        verdicts=counts(
            "SELECT verdict, count(*) FROM matches WHERE rank = 0 GROUP BY verdict ORDER BY count(*) DESC, verdict"
        ),
        resolutions=counts("SELECT status, count(*) FROM resolutions GROUP BY status ORDER BY count(*) DESC, status"),
        scheduled=0 if queue is None else int(queue[0]),
        waiting=0 if queue is None else int(queue[1]),
        next_due="" if queue is None else str(queue[2]),
        hosts=[
            (row["host"], row["waiting"], row["failed"])
            for row in archive.all(
                "SELECT host, count(*) AS waiting, sum(attempts > 0) AS failed FROM work_queue "
                "WHERE due_at IS NOT NULL GROUP BY host ORDER BY waiting DESC, host LIMIT 12"
            )
        ],
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
    )
