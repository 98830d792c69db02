"""When a ref is due after a look: which policy of the configuration it has, and when it was last seen to change."""

from __future__ import annotations

import hashlib
import zlib

from archiver import schedule
from archiver.jobs.session import Session
from archiver.model import Outcome, Ref
from archiver.schedule import Policy
from archiver.store.archive import Archive, Row
from archiver.store.evidence import load_request
from archiver.store.queue import Task, task_of

WATCH = "watch"
"""Under this name work remembers what `[watch]` said in the last run, as a digest."""
_LOOKED_AT = (
    "SELECT * FROM work_queue WHERE kept = 1 AND attempts = 0 AND last_at <> '' "
    f"AND last_outcome IN ({', '.join(sorted(repr(outcome.value) for outcome in Outcome))}) "
    "AND ref > ? ORDER BY ref LIMIT ?"
)
BATCH = 2_000
MOST_KEEPERS = 50
"""Seeds that are asked how a ref is to be watched."""


def again(
    session: Session,
    task: Task,
    outcome: Outcome,
    *,
    retry_after: float = 0.0,
    news: bool = False,
    jitter: float | None = None,
) -> str | None:
    """When a ref is due after this look, whose readings are stored already; None for never. Remembers, within the
    caller's transaction, when it last changed; a list that brings `news` did. `jitter` (0..1) is worked out of the
    ref where none is given: refs that were queued at one time need not stay together."""
    now = session.now()
    changed = task.changed_at if task.changed_at <= now else ""  # by a clock that was ahead
    if outcome not in schedule.ATTEMPT_FAILED and task.purpose not in schedule.SETTLED:
        changed = now if news else max(changed, _changed(session.archive, task, outcome, now))
    if changed != task.changed_at:
        session.archive.db.execute("UPDATE work_queue SET changed_at = ? WHERE ref = ?", (changed, str(task.ref)))
    return schedule.next_look(
        Outcome.LIVE if outcome in schedule.VANISHED and _shown(session.archive, task.ref) else outcome,
        purpose=task.purpose,
        now=now,
        added_at=task.added_at,
        attempts=task.attempts,
        retry_after=retry_after,
        policy=policy_of(session, task.ref, task.seed),
        changed_at=changed,
        answered=task.looks > 0,
        jitter=spread(f"{task.ref} {task.attempts} {task.looks}") if jitter is None else jitter,
    )


def mind_policy(session: Session) -> list[str]:
    """What `[watch]` says otherwise than in the run before holds at once: what is looked at sooner by it, or still,
    though its watch had ended, is due as if it had held at the last look. Says so. Failed looks wait as they did."""
    says = hashlib.sha256(repr(session.config.watch).encode()).hexdigest()
    held = session.state(WATCH)
    if held == says:
        return []
    count, last = 0, ""
    with session.archive.transaction():
        session.remember(WATCH, says)
        while held and (rows := session.archive.all(_LOOKED_AT, last, BATCH)):
            last = rows[-1]["ref"]
            sooner = [(due, row["ref"]) for row in rows if (due := _sooner(session, row))]
            session.archive.db.executemany("UPDATE work_queue SET due_at = ? WHERE ref = ?", sooner)
            count += len(sooner)
    refs = "1 ref is" if count == 1 else f"{count} refs are"
    return [f"[watch] was changed: {refs} looked at again sooner by it"] if count else []


def _sooner(session: Session, row: Row) -> str | None:
    """When a row of the queue would be due by the present policy, if that is sooner."""
    task = task_of(row)
    due = schedule.next_look(
        Outcome(row["last_outcome"]),
        purpose=task.purpose,
        now=task.last_at,
        added_at=task.added_at,
        attempts=0,
        policy=policy_of(session, task.ref, task.seed),
        changed_at=task.changed_at,
        answered=task.looks > 0,
        jitter=spread(f"{task.ref} {task.attempts} {task.looks}"),
    )
    return due if due is not None and (row["due_at"] is None or due < row["due_at"]) else None


def spread(text: str) -> float:
    """A number from 0 up to 1 for each text, evenly spread."""
    return zlib.crc32(text.encode("utf-8", "backslashreplace")) / (1 << 32)


_SAME = (
    "WITH RECURSIVE same(id) AS (SELECT id FROM refs WHERE ref = ? "
    "UNION SELECT a.ref FROM aliases a JOIN same ON a.alias = same.id) "
)


def _shown(archive: Archive, ref: Ref) -> bool:
    """Whether what all routes said together is that a post is live: one that never showed it did not find it, while
    those that did were refused. That ends no watch."""
    sql = _SAME + "SELECT 1 FROM posts p WHERE p.id IN (SELECT id FROM same) AND p.outcome = 'live'"
    return archive.one(sql, str(ref)) is not None


def _changed(archive: Archive, task: Task, outcome: Outcome, now: str) -> str:
    """When a ref was last seen to change: by what its readings say happened to a post; of anything else, that it is
    shown now and was not before, or the other way round. What stands in a page changes with each look, and is none."""
    if not task.last_at:  # the first look: it is as new as can be
        return ""
    happened = archive.one(
        _SAME + "SELECT (SELECT max(at) FROM events e WHERE e.post IN (SELECT id FROM same) AND e.at <= ?) AS at, "
        "EXISTS (SELECT 1 FROM posts p WHERE p.id IN (SELECT id FROM same)) AS post",
        str(task.ref),
        now,
    )
    if happened is not None and happened["post"]:
        return str(happened["at"] or "")
    before = archive.all(
        _SAME + "SELECT o.outcome FROM outcomes o JOIN captures c ON c.id = o.capture "
        "WHERE o.ref IN (SELECT id FROM same) AND c.observed_at <= ? ORDER BY o.capture DESC LIMIT 40",
        str(task.ref),
        task.last_at,
    )
    shown = next((row[0] == Outcome.LIVE for row in before if _speaks(row[0])), None)
    return now if shown is not None and _speaks(outcome) and shown != (outcome is Outcome.LIVE) else ""


def _speaks(outcome: str) -> bool:
    return outcome == Outcome.LIVE or outcome in schedule.VANISHED


def policy_of(session: Session, ref: Ref, seed: str) -> Policy:
    """How a ref is watched: as the most eager of the seeds that keep it asks; `seed` is the one that first led to
    it."""
    watch = session.config.watch
    if not watch.by_seed:
        return watch.policy(platform=ref.platform)
    seeds = keepers(session.archive, ref) or (seed,)
    return schedule.eager(
        [
            watch.policy(platform=ref.platform, seed=name, collection=collection_of(session.archive, name))
            for name in seeds
        ]
    )


def keepers(archive: Archive, ref: Ref) -> tuple[str, ...]:
    """The seeds that lead to a ref, by themselves or through other refs, and are kept; at most `MOST_KEEPERS`."""
    rows = archive.all(
        "WITH RECURSIVE up(ref) AS (SELECT ? UNION SELECT l.led_by FROM work_led l JOIN up ON l.ref = up.ref) "
        "SELECT substr(up.ref, 6) AS seed FROM up WHERE up.ref LIKE 'seed:%' AND NOT EXISTS "
        "(SELECT 1 FROM work_seeds s WHERE s.seed = substr(up.ref, 6) AND s.dropped_at <> '') ORDER BY 1 LIMIT ?",
        str(ref),
        MOST_KEEPERS,
    )
    return tuple(str(row["seed"]) for row in rows)


def collection_of(archive: Archive, seed: str) -> str:
    """The collection that a seed was last filed under; empty where there is none."""
    row = archive.one(
        "SELECT request FROM captures WHERE tier = 'import' AND url = ? ORDER BY id DESC LIMIT 1", f"seed:{seed}"
    )
    return "" if row is None else dict(load_request(row[0]).given).get("collection", "")
