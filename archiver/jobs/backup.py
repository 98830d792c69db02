"""`archiver backup`: one checked file with all that an archive holds, made beside a run that goes on writing.

A copy gets its name only after it was verified as `archiver verify` would, and after it was found to hold every head
that was signed before it was begun. Keys are not in it: they lie outside the archive.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archiver.errors import InputError, IntegrityError
from archiver.jobs import keyring
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.jobs.verify import Options, Progress, Verified, verify
from archiver.jobs.verifying_heads import Kept
from archiver.net.clock import utc_now
from archiver.store import backups
from archiver.store.archive import Archive, DatabaseError, no_room, open_reader
from archiver.store.checkpoints import Tree

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One log of a copy: it holds the first `leaves` leaves, and a signed head of the first `signed`."""

    name: str
    leaves: int
    signed: int


@dataclass(slots=True, kw_only=True)
class BackedUp:
    """A copy that was made at `path`: its bytes, its schema, what it holds of each log, what was checked in it (as
    `archiver verify` counts), how many things could not be. `keys` are files that it needs and does not hold,
    `removed` older copies that were deleted after it."""

    archive: str
    path: str
    at: str
    size: int
    schema: int
    logs: list[Log]
    held: dict[str, int]
    unchecked: int
    keys: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def back_up(
    db: Path,
    config: Config,
    target: Path,
    *,
    keep: int = 0,
    force: bool = False,
    now: Callable[[], str] = utc_now,
    progress: Progress | None = None,
) -> BackedUp:
    """Copies the archive `db` to the file `target`, or under a dated name into the folder `target`, of whose copies of
    this archive the newest `keep` stay (0: all). A file is replaced only with `force`, and only by a checked one.

    InputError where it cannot be written, IntegrityError, and no file, where the copy does not verify."""
    at = now()
    archive = open_reader(db)
    try:
        path = _place(db, target, at, keep=keep, force=force)
        if target.is_dir():
            backups.sweep(target, f"{db.stem}-")
        before, heads = backups.held(archive.db), _heads(archive, config)
        with backups.copied(archive.db, db, path) as aside:
            backups.check(aside, before)
            report = verify(aside, config, Options(kept=heads, beside=False), progress=progress)
            if report.faults:
                raise IntegrityError(_faulty(db, report))
            made = _told(db, path, at, report, aside)
            backups.publish(aside, path, replace=force)
    except (DatabaseError, OSError) as error:
        if not no_room(error):
            raise
        raise InputError(f"the copy cannot be written: {error}", place=str(target), hint="Make room there") from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema in its message
        raise IntegrityError(f"{db} is damaged: its schema cannot be read. No backup was made") from error
    finally:
        archive.db.close()
    made.keys = _keys(config, made.logs)
    if keep:
        _rotate(db, path, keep, made)
    return made


def migrate(db: Path, config: Config, backup: Path) -> None:
    """Brings an archive to the schema of this version, for which `backup` is the copy. InputError when that holds
    another state of it."""
    with open_session(db, config, backup=backup):
        pass


def _place(db: Path, target: Path, at: str, *, keep: int, force: bool) -> Path:
    """The file to make. InputError when it must not be made."""
    if target.is_dir():
        path = target / f"{db.stem}-{_stamp(at)}.db"
    elif keep:
        raise InputError("--keep is for a folder of dated copies", place=str(target), hint="Name an existing folder")
    else:
        path = target
    if not path.parent.is_dir():
        hint = "It is not made: a disk may not be mounted. Make it, or mount the disk, and run this again"
        raise InputError("there is no such folder", place=str(path.parent), hint=hint)
    if path.exists() or path.is_symlink():
        if path.exists() and path.samefile(db):
            raise InputError("this is the archive itself", place=str(path), hint="Name another file")
        if not force:
            raise InputError("there is a file already", place=str(path), hint="Choose another name, or give --force")
        open_reader(path).db.close()  # only an archive is replaced
    return path


def _stamp(at: str) -> str:
    return re.sub(r"[-:]|\..*", "", at.removesuffix("Z")) + "Z"


def _heads(archive: Archive, config: Config) -> tuple[Kept, ...]:
    """What was signed before the copy is begun: a run beside it may sign more. What cannot be read is told by the run,
    by `verify` and by `doctor`."""
    found = []
    for (name,) in archive.all("SELECT name FROM origin WHERE local = 1"):
        try:
            head = keyring.seen(config, name)
            place = str(keyring.seen_path(config, name)) if head is not None else ""
        except InputError:
            continue
        if head is not None:
            found.append(Kept(place=place, head=head, signed=None, own=True))
    return tuple(found)


def _faulty(db: Path, report: Verified) -> str:
    first = "; ".join(f"{one.check} {one.place.key or one.place.leaf}: {one.reason}" for one in report.wrong[:SHOWN])
    return (
        f"no backup was made, {report.faults} things in the copy are wrong ({first}). `archiver verify {db}` says "
        "whether they are so in the archive, too; earlier copies were left alone"
    )


def _told(db: Path, path: Path, at: str, report: Verified, aside: Path) -> BackedUp:
    copy = open_reader(aside)
    try:
        schema = int(str(copy.value("PRAGMA user_version")))
        signed = copy.one("SELECT 1 FROM sqlite_schema WHERE name = 'log_checkpoint'") is not None
        logs = []
        for origin, name in copy.all("SELECT id, name FROM origin ORDER BY id"):
            tree = Tree(copy, origin)
            logs.append(Log(name=name, leaves=tree.size(), signed=tree.signed() if signed else 0))
    finally:
        copy.db.close()
    return BackedUp(
        archive=str(db),
        path=str(path),
        at=at,
        size=aside.stat().st_size,
        schema=schema,
        logs=logs,
        held=report.held,
        unchecked=sum(report.unchecked_counts.values()),
    )


def _keys(config: Config, logs: list[Log]) -> list[str]:
    """The private keys that are at hand, and the last signed heads beside them."""
    found = []
    for log in logs:
        for path_of in (keyring.key_path, keyring.seen_path):
            try:
                path = path_of(config, log.name)
                if path.is_file():
                    found.append(str(path))
            except (InputError, OSError):
                continue
    return found


# ---- dated copies -----------------------------------------------------------------------------------------


def _rotate(db: Path, made: Path, keep: int, report: BackedUp) -> None:
    """Deletes older dated copies of this archive, the newest `keep` with the one just made apart: whatever clocks say,
    that one stays. Copies of other archives and what cannot be read stay."""
    named = re.compile(re.escape(db.stem) + r"-[0-9]{8}T[0-9]{6}Z\.db")
    first = _first_leaf(made)
    others = [path for path in made.parent.iterdir() if named.fullmatch(path.name) and path != made]
    ours = sorted((path for path in others if first and _first_leaf(path) == first), key=lambda path: path.name)
    for path in ours[: max(len(ours) - (keep - 1), 0)]:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        report.removed.append(str(path))
    if strange := len(others) - len(ours):
        report.notes.append(f"{strange} files there have such names and are no copies of this archive: they stay")


def _first_leaf(path: Path) -> bytes:
    """What tells one archive from another, whatever its log is called now; empty for what cannot be read."""
    try:
        return backups.first_leaf(path)
    except (OSError, DatabaseError):
        return b""
