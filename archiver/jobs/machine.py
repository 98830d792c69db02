"""What `archiver doctor` asks the machine: disk, file system, permissions, versions."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from importlib import metadata
from pathlib import Path

from archiver import __version__
from archiver.jobs.diagnosed import Sign, ok, warning, wrong
from archiver.net.clock import text_of, time_of
from archiver.store import backups, engine
from archiver.store.archive import Archive, DatabaseError, Row

SOON, NOW = 30, 3
"""Days of growth that should be free, and must be."""
LEAST = 100 << 20
"""Bytes free below which nothing should be begun."""
SPOOL = 256 << 20
"""Bytes of the largest body that waits in a temporary file, as configured by default."""
ROW = 4096
"""Bytes that a capture takes beside its body, about."""
LATEST, WEEK = 20_000, timedelta(days=7)
REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "vboxsf", "virtiofs"}
)
"""File systems over which the locks and the shared memory that SQLite's write-ahead log needs do not hold."""
FLEETING = frozenset({"tmpfs", "ramfs"})


def disk(db: Path, archive: Archive | None, *, now: str, largest: int = SPOOL) -> Iterator[Sign]:
    """Room for what comes, on the disk of the archive and where temporary files go."""
    folder = _existing(db.absolute().parent)
    free, grows = backups.free_bytes(folder), growth(archive, now) if archive is not None else 0
    size = _bytes(db)
    days = free / grows if grows else float("inf")
    said = f"{backups.told(free)} free, the archive has {backups.told(size)}"
    said += f" and grew by {backups.told(grows)} a day in the last week" if grows else ""
    room = "Make room, or move the archive to a larger disk"
    if free < LEAST or days < NOW:
        yield wrong("disk", said, room, str(folder))
    elif days < SOON:
        yield warning("disk", f"{said}: enough for {days:.0f} days", room, str(folder))
    elif free < size:
        yield warning("disk", f"{said}: no room for a copy, which an upgrade makes first", room, str(folder))
    else:
        yield ok("disk", said, str(folder))
    inodes = os.statvfs(folder)
    if inodes.f_files and inodes.f_favail < 1000:
        yield wrong(
            "disk", f"{inodes.f_favail} more files can be made", "Delete files, or use another disk", str(folder)
        )
    yield from _temporary(largest)
    if made := backups.of_migrations(db.absolute()):
        kept = backups.told(sum(map(_bytes, made)))
        yield ok("disk", f"{len(made)} copies from before upgrades take {kept}: delete them when content", str(made[0]))


def _temporary(largest: int) -> Iterator[Sign]:
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError:
        yield wrong("disk", "no folder for temporary files can be written", "Make one, and name it in TMPDIR")
        return
    free = backups.free_bytes(folder)
    said = f"{backups.told(free)} free for temporary files"
    if free < largest:
        yield warning(
            "disk",
            f"{said}: a body of {backups.told(largest)} does not fit",
            "Name a larger one in TMPDIR",
            str(folder),
        )
    else:
        yield ok("disk", said, str(folder))


def growth(archive: Archive, now: str) -> int:
    """Bytes a day that captures of the last week took, 0 where there were none or none can be read."""
    since = text_of(time_of(now) - WEEK)
    try:
        rows = _latest(archive, since, now)
    except (DatabaseError, UnicodeDecodeError):  # SQLite quotes a damaged schema in its message
        return 0
    if not rows:
        return 0
    days = max((time_of(now) - time_of(rows[0]["recorded_at"])) / timedelta(days=1), 1.0)
    return int(sum(row["received"] + ROW for row in rows) / days)


def _latest(archive: Archive, since: str, now: str) -> list[Row]:
    return archive.all(
        "SELECT recorded_at, received FROM (SELECT id, recorded_at, received FROM captures ORDER BY id DESC LIMIT ?) "
        "WHERE recorded_at >= ? AND recorded_at <= ? ORDER BY id",
        LATEST,
        since,
        now,
    )


def file_system(db: Path, mounts: str = "/proc/self/mountinfo") -> Iterator[Sign]:
    """What kind of disk the archive is on: some lie about locks, some forget."""
    folder = _existing(db.absolute().parent)
    kind, place = mounted(folder, mounts)
    if not kind:
        yield ok(
            "file system", "not known here: the archive must lie on a disk of this machine, not on a share", str(folder)
        )
    elif kind in REMOTE or kind.startswith("fuse.sshfs"):
        what = f"{kind}: locks and shared memory do not hold there, so that two programs may damage the file"
        yield wrong("file system", what, "Move the archive to a disk of this machine", place)
    elif kind in FLEETING:
        yield wrong("file system", f"{kind}: all of it is gone when the machine is switched off", "Use a disk", place)
    elif kind.startswith("fuse") or kind == "overlay":
        what = f"{kind}: it may not keep what was written, or not honour locks"
        yield warning("file system", what, "In a container, mount a volume; else use a local disk", place)
    else:
        yield ok("file system", kind, place)
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        yield wrong("file system", "it is mounted read-only", "See what the kernel says of the disk (dmesg)", place)


def mounted(folder: Path, mounts: str) -> tuple[str, str]:
    """Type and mount point of the file system of a folder, from proc(5); empty where that cannot be read."""
    best = ("", "")
    try:
        lines = Path(mounts).read_bytes().splitlines()
    except OSError:
        return best
    here = os.fsencode(folder.resolve())
    for line in lines:
        fields = line.split(b" ")
        if b"-" not in fields[6:] or len(fields) < 10:
            continue
        point = _plain(fields[4])
        inside = here == point or here.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= len(os.fsencode(best[1])):  # of equal ones the later hides the earlier
            best = fields[fields.index(b"-", 6) + 1].decode(errors="replace"), os.fsdecode(point)
    return best


def _plain(field: bytes) -> bytes:
    """A field of mountinfo: space, tab, line end and backslash are written as octal numbers."""
    for code, char in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        field = field.replace(code, char)
    return field


def permissions(db: Path) -> Iterator[Sign]:
    """Who may read and write the archive and what stands beside it."""
    folder, seen = db.absolute().parent, False
    for name in (db.name, f"{db.name}-wal", f"{db.name}-shm", f"{db.name}.lock"):
        path = folder / name
        try:
            found = path.stat()
        except OSError:
            continue
        if not os.access(path, os.R_OK | os.W_OK):
            what = f"this user may not write it (it is of user {found.st_uid}, mode {found.st_mode & 0o777:o})"
            yield wrong("permissions", what, "Run as its owner, or give it to this user with chown", str(path))
            seen = True
        elif found.st_uid != os.geteuid() and os.geteuid() != 0:
            what = f"it belongs to user {found.st_uid}, not to this one ({os.geteuid()})"
            yield warning("permissions", what, "Let one user alone run the archive", str(path))
            seen = True
        if name == db.name and found.st_mode & stat.S_IWOTH:  # the others get its mode from SQLite
            yield wrong("permissions", "anybody may change it", f"chmod o-w {path}", str(path))
            seen = True
    if folder.is_dir() and not os.access(folder, os.W_OK):
        yield wrong("permissions", "this user may make no file beside the archive", "Run as its owner", str(folder))
        seen = True
    if folder.is_dir() and folder.stat().st_mode & stat.S_IWOTH and not folder.stat().st_mode & stat.S_ISVTX:
        yield wrong("permissions", "anybody may replace the archive", f"chmod o-w {folder}", str(folder))
        seen = True
    if not seen and db.exists():
        readable = db.stat().st_mode & 0o044
        who = "everybody on this machine may read it" if readable & 0o004 else "no stranger on this machine may read it"
        yield ok("permissions", f"mode {db.stat().st_mode & 0o777:o}: {who}", str(db))


def versions() -> Iterator[Sign]:
    """What the program runs on."""
    found, python = engine.engine(), ".".join(map(str, sys.version_info[:3]))
    if found.missing:
        what = f"SQLite {found.version} lacks {', '.join(found.missing)}"
        yield wrong("versions", what, "Use a Python with a newer SQLite")
        return
    known = {name: _version(name) for name in ("datasette", "sqlite-utils", "httpx")}
    more = ", ".join(f"{name} {version}" for name, version in known.items())
    what = f"quotechain {__version__}, Python {python}, SQLite {found.version}, {more}"
    if found.resets:
        what += " (this SQLite can damage a file to which two connections write at once; here only one ever does)"
    yield ok("versions", what)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(missing)"


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _existing(folder: Path) -> Path:
    """The folder, or the one above it that there is."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
