"""Which seeds keep which refs: what no seed keeps any more is not looked at again. Evidence stays.

A seed leads to refs, and these to others (`work_led`). A ref is kept while some kept seed leads to it, by whatever
way. A seed is kept until a run over its folder finds that folder in order without it, or until a person says so; a
file that was written anew keeps what it names now. What cannot be read decides nothing.

What is not kept has no time at which it is due (`work_queue.kept` is 0, `due_at` is null); kept again, it is due.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from archiver.errors import InputError
from archiver.jobs.session import Session
from archiver.schedule import DEFAULT, OURS, SETTLED, parse_time, time_text
from archiver.store.archive import Archive

MISSING = "not found in its folder any more"
"""The reason of a seed that a run did not find. Found again, it is kept again; what a person dropped is not."""
FILLED = "led_filled"
ROOT = "seed:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One seed: since when it is no longer kept, and why; both empty for one that is. `refs` are those in the queue
    that it leads to itself."""

    seed: str
    folder: str
    seen_at: str
    dropped_at: str
    reason: str
    refs: int


def led(archive: Archive, ref: str, led_by: str, *, now: str, new: bool = False) -> None:
    """Remembers what led to a queued ref. A seed that had not led to it before makes it due again where its watch had
    ended; whatever is kept and leads to it makes it kept."""
    cursor = archive.db.execute("INSERT OR IGNORE INTO work_led (ref, led_by) VALUES (?, ?)", (ref, led_by))
    if cursor.rowcount == 0 or new:  # what was just queued is kept and due
        return
    row = archive.one("SELECT kept, due_at, purpose, last_at FROM work_queue WHERE ref = ?", ref)
    if row is None:
        return
    if not row["kept"]:
        if _keeps(archive, led_by):
            _keep_all(archive, _below(archive, [ref]), now)
    elif led_by.startswith(ROOT) and row["due_at"] is None and row["last_at"] and row["purpose"] not in SETTLED:
        archive.db.execute("UPDATE work_queue SET due_at = ? WHERE ref = ?", (now, ref))


def _keeps(archive: Archive, led_by: str) -> bool:
    if led_by.startswith(ROOT):
        sql = "SELECT 1 FROM work_seeds WHERE seed = ? AND dropped_at <> ''"
        return archive.one(sql, led_by.removeprefix(ROOT)) is None
    return archive.one("SELECT 1 FROM work_queue WHERE ref = ? AND kept = 1", led_by) is not None


def seen(session: Session, names: Iterable[str], folder: str = "") -> None:
    """A run found these seeds, in a folder where it read one. Those that were only missing are kept again. What is as
    it was is written once a day: cron finds the same seeds each quarter of an hour."""
    archive, now = session.archive, session.now()
    with archive.transaction():
        for name in names:
            row = archive.one("SELECT folder, seen_at, dropped_at, reason FROM work_seeds WHERE seed = ?", name)
            if row is None or row["seen_at"][:10] != now[:10] or (folder and row["folder"] != folder):
                archive.db.execute(
                    "INSERT INTO work_seeds (seed, folder, seen_at) VALUES (?, ?, ?) ON CONFLICT (seed) DO UPDATE SET "
                    "folder = coalesce(nullif(excluded.folder, ''), folder), seen_at = excluded.seen_at",
                    (name, folder, now),
                )
            if row is not None and row["dropped_at"] and row["reason"] == MISSING:
                _keep(session, name)


def same_place(archive: Archive, seed: str, folder: str) -> bool:
    """Whether a seed found in this folder is the one that is known by its name, as far as that can be told: a relative
    name means another file in another folder."""
    row = archive.one("SELECT folder FROM work_seeds WHERE seed = ?", seed)
    return row is None or not folder or row["folder"] in ("", folder)


def listed(session: Session, folder: str, names: Collection[str], *, notes: list[str], dropped: list[str]) -> None:
    """After a folder was read to its end: drops the seeds that it held and that are not in it any more. Adds to
    `dropped` what is no longer looked at, in words, and to `notes` the seeds by which nothing changes.

    Only a file that is missing beside others says that somebody took it away: a folder that is missing, empty or
    cannot be read (a disk that is not mounted, a right that was lost) decides nothing."""
    for row in session.archive.all(
        "SELECT seed, folder FROM work_seeds WHERE dropped_at = '' AND folder <> '' ORDER BY seed"
    ):
        within = row["folder"] == folder or row["folder"].startswith(folder.rstrip("/") + "/")
        if not within or row["seed"] in names or os.path.lexists(row["seed"]):
            continue
        if not _taken_away(Path(row["seed"]), names):
            notes.append(
                f"{row['seed']}: is not there, nor anything else in its folder, so it is kept: "
                "`archiver seeds drop` if it was taken away"
            )
            continue
        lost, told = drop(session, row["seed"], MISSING)
        (dropped if lost else notes).append(told)


def lost(archive: Archive, folder: Path) -> list[str]:
    """What is the matter with a folder that is not there: seeds of it are kept, and what is added to it is not seen."""
    place = folder.resolve().as_posix()
    sql = "SELECT count(*) FROM work_seeds WHERE dropped_at = '' AND (folder = ?1 OR substr(folder, 1, ?2) = ?3)"
    count = int(str(archive.value(sql, place, len(place) + 1, place + "/")))
    if not count:
        return []
    held = f"{count} {'seed' if count == 1 else 'seeds'} of it {'is' if count == 1 else 'are'} kept"
    return [f"{folder}: this folder is gone; {held}: put it back, or `archiver seeds drop '{folder}/*' --reason WHY`"]


def _taken_away(path: Path, names: Collection[str]) -> bool:
    """Whether a file is missing from a folder that can be listed and still holds seeds."""
    parent = path.parent.as_posix()
    if not any(Path(name).parent.as_posix() == parent for name in names):
        return False
    try:
        with os.scandir(path.parent) as entries:
            return all(entry.name != path.name for entry in entries) and stat.S_ISDIR(path.parent.stat().st_mode)
    except OSError:
        return False


def drop(session: Session, seed: str, reason: str) -> tuple[int, str]:
    """Keeps a seed no longer. How many refs are not looked at any more, and that in words."""
    archive = session.archive
    with archive.transaction():
        fill(session)
        archive.db.execute(
            "INSERT INTO work_seeds (seed, seen_at, dropped_at, reason) VALUES (?1, ?2, ?2, ?3) "
            "ON CONFLICT (seed) DO UPDATE SET dropped_at = excluded.dropped_at, reason = excluded.reason",
            (seed, session.now(), reason),
        )
        lost = _settle(archive, _below(archive, [ROOT + seed]), session.now())
    return lost, f"{seed}: {reason}; {_lost(lost)}"


def keep(session: Session, seed: str) -> int:
    """Keeps a seed again, also where its folder does not hold it: a person said so. How many refs are looked at again
    by that."""
    with session.archive.transaction():
        session.archive.db.execute("UPDATE work_seeds SET folder = '' WHERE seed = ?", (seed,))
        return _keep(session, seed)


def _keep(session: Session, seed: str) -> int:
    archive = session.archive
    archive.db.execute("UPDATE work_seeds SET dropped_at = '', reason = '' WHERE seed = ?", (seed,))
    return _keep_all(archive, _below(archive, [ROOT + seed]), session.now())


def rewritten(session: Session, seed: str, queued: Collection[str]) -> list[str]:
    """After a seed was stored anew and read whole: it leads to these refs of the queue and to nothing else. What is no
    longer looked at, in words. A seed that names nothing any more (a file that was cut off) decides nothing."""
    archive, root = session.archive, ROOT + seed
    with archive.transaction():
        gone = [
            row[0]
            for row in archive.all("SELECT ref FROM work_led WHERE led_by = ? ORDER BY ref", root)
            if row[0] not in queued
        ]
        if not gone:
            return []
        if not queued:
            return [f"{seed}: names nothing any more; what it led to is kept: `archiver seeds drop` if that is meant"]
        fill(session)
        archive.db.executemany("DELETE FROM work_led WHERE ref = ? AND led_by = ?", [(ref, root) for ref in gone])
        lost = _settle(archive, _below(archive, gone), session.now())
    return [f"{seed}: was changed; {_lost(lost)}"] if lost else []


def _lost(refs: int) -> str:
    if not refs:
        return "nothing that only it led to was still looked at"
    return f"{refs} {'ref that only it led to is' if refs == 1 else 'refs that only it led to are'} not looked at again"


def _below(archive: Archive, starts: list[str]) -> list[str]:
    """These refs and all that they lead to. Seeds themselves are none."""
    archive.db.execute("CREATE TEMP TABLE IF NOT EXISTS starts (ref TEXT PRIMARY KEY) WITHOUT ROWID")
    archive.db.execute("DELETE FROM temp.starts")
    archive.db.executemany("INSERT OR IGNORE INTO temp.starts VALUES (?)", [(ref,) for ref in starts])
    rows = archive.all(
        "WITH RECURSIVE down(ref) AS (SELECT ref FROM temp.starts "
        "UNION SELECT l.ref FROM work_led l JOIN down ON l.led_by = down.ref) SELECT ref FROM down ORDER BY ref"
    )
    return [row["ref"] for row in rows if not row["ref"].startswith(ROOT)]


def _settle(archive: Archive, refs: list[str], now: str) -> int:
    """Works out which of these refs are kept: those that a kept seed leads to, or a kept ref outside of them, and what
    these lead to. How many are not looked at again by that."""
    inside, saved = set(refs), list[str]()
    for ref in refs:
        leading = archive.all("SELECT led_by FROM work_led WHERE ref = ?", ref)
        if any(row[0] not in inside and _keeps(archive, row[0]) for row in leading):
            saved.append(ref)
    kept = set(_below(archive, saved)) if saved else set[str]()
    _keep_all(archive, sorted(kept), now)
    lost = 0
    for ref in sorted(inside - kept):
        row = archive.one("SELECT due_at FROM work_queue WHERE ref = ? AND kept = 1", ref)
        if row is not None:
            archive.db.execute("UPDATE work_queue SET kept = 0, due_at = NULL WHERE ref = ?", (ref,))
            lost += row["due_at"] is not None
    return lost


def _keep_all(archive: Archive, refs: list[str], now: str) -> int:
    """Keeps these refs. How many are due by that: at once, or as soon after their last look as what is new; what is
    settled stays so."""
    changed = 0
    for ref in refs:
        row = archive.one(
            "SELECT purpose, attempts, last_at, last_outcome FROM work_queue WHERE ref = ? AND kept = 0", ref
        )
        if row is None:
            continue
        answered = row["last_at"] and not row["attempts"] and row["last_outcome"] not in OURS
        settled = row["purpose"] in SETTLED and answered
        due = None if settled else now
        if due and now >= row["last_at"] > "":
            due = max(now, time_text(parse_time(row["last_at"]) + DEFAULT.first.delta))
        archive.db.execute("UPDATE work_queue SET kept = 1, due_at = ? WHERE ref = ?", (due, ref))
        changed += due is not None
    return changed


def fill(session: Session) -> None:
    """Adds, once, what posts of an older archive led to: its migration knew of each ref only the seed, so a ref that
    a post led to would be lost with a line of a list."""
    if session.state(FILLED):
        return
    session.archive.db.execute(
        "INSERT OR IGNORE INTO work_led (ref, led_by) SELECT t.ref, s.ref FROM edges e JOIN refs s ON s.id = e.source "
        "JOIN refs t ON t.id = e.target JOIN work_queue a ON a.ref = s.ref JOIN work_queue b ON b.ref = t.ref "
        "WHERE e.kind IN ('quotes', 'reposts', 'replies-to', 'resolves-to', 'links-to') AND s.ref <> t.ref "
        "UNION SELECT f.ref, p.ref FROM media m JOIN refs p ON p.id = m.post JOIN refs f ON f.id = m.file "
        "JOIN work_queue a ON a.ref = p.ref JOIN work_queue b ON b.ref = f.ref"
    )
    session.remember(FILLED, "1")


def seeds(archive: Archive) -> list[Kept]:
    """Every seed that led to something or was seen by a run, by name. InputError for an archive of an older schema."""
    if archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'work_seeds'") is None:
        hint = "`archiver run` brings it up to date"
        raise InputError("this archive does not know what seeds keep", place=str(archive.path), hint=hint)
    rows = archive.all(
        "SELECT n.seed, coalesce(s.folder, '') AS folder, coalesce(s.seen_at, '') AS seen_at, "
        "coalesce(s.dropped_at, '') AS dropped_at, coalesce(s.reason, '') AS reason, "
        "(SELECT count(*) FROM work_led l WHERE l.led_by = 'seed:' || n.seed) AS refs FROM "
        "(SELECT seed FROM work_seeds UNION SELECT DISTINCT substr(led_by, 6) FROM work_led "
        "WHERE led_by >= 'seed:' AND led_by < 'seed;') n LEFT JOIN work_seeds s ON s.seed = n.seed ORDER BY n.seed"
    )
    return [Kept(**dict(row)) for row in rows]


def known(archive: Archive, pattern: str) -> list[str]:
    """The seeds that a name or glob means. InputError where there is none."""
    names = [kept.seed for kept in seeds(archive)]
    found = [name for name in names if name == pattern] or [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        raise InputError(f"no seed {pattern!r}", hint="`archiver seeds` lists all")
    return found
