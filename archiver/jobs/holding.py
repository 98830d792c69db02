"""Who holds an archive: one writer at a time, who he is, and when he last gave a sign of life.

The hold is an advisory lock (flock) on `NAME.lock` beside the archive: the system drops it when the process ends,
however it ends. The file tells who took it, as one line of JSON; what stands in it without the lock means nothing.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import InputError

SILENT = 3600.0
"""Seconds without a sign of life after which a holder is called stuck: more than one request can take with all its
tries (`total_timeout` is ten minutes), more than any step between two commits was seen to take."""
BEAT = 5.0
"""Seconds between two signs of life."""
LOOKS = (0.0, 0.02, 0.05, 0.1)
"""Seconds before each try to take the lock: who only looks whether it is held holds it for a moment himself."""
MOST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds an archive: process, machine, since when, what it does, and its last sign of life (Unix seconds). An
    older version wrote nothing: then `pid` is 0. `silent` are the seconds since that sign, 0 where the clock went
    back."""

    pid: int = 0
    machine: str = ""
    since: float = 0.0
    doing: str = ""
    beat: float = 0.0
    silent: float = 0.0

    @property
    def stuck(self) -> bool:
        """Whether there was no sign of life for too long."""
        return self.pid > 0 and self.silent >= SILENT

    def __str__(self) -> str:
        if not self.pid:
            return "another archiver is at work on this archive"
        told = f"another archiver is at work on this archive: {self.doing}, process {self.pid} on {self.machine}"
        told += f", since {_moment(self.since)}, last sign of life {_ago(self.silent)}"
        return f"{told}: it may be stuck" if self.stuck else told


class HeldError(InputError):
    """Another process holds the archive: `holder` says who."""

    def __init__(self, holder: Holder, place: str) -> None:
        self.holder = holder
        super().__init__(str(holder), place=place, hint=advice(holder))


class Hold:
    """An archive that this process holds. `beat` tells that it is alive; cheap enough for each commit."""

    def __init__(self, handle: int, doing: str, now: Callable[[], float] = time.time) -> None:
        self._handle, self._now, self._doing = handle, now, doing
        self._since = now()
        self._next = 0.0
        self._steps = 0
        self.beat()

    def beat(self, doing: str = "") -> None:
        """A sign of life, written at most every few seconds, at once where what is done is another thing."""
        mono = time.monotonic()
        if mono < self._next and doing in ("", self._doing):
            return
        self._next, self._doing = mono + BEAT, doing or self._doing
        told = {
            "pid": os.getpid(),
            "machine": socket.gethostname(),
            "since": self._since,
            "doing": self._doing,
            "beat": self._now(),
        }
        data = (json.dumps(told) + "\n").encode()
        with suppress(OSError):  # a full disk must not end a run for the sake of a sign of life
            os.ftruncate(self._handle, os.pwrite(self._handle, data, 0))


@contextmanager
def hold(path: Path, doing: str) -> Iterator[Hold]:
    """Holds an archive for writing. HeldError at once when another does, InputError when no file can be made beside
    it."""
    handle = _take(path)
    try:
        yield Hold(handle, doing)
    finally:
        with suppress(OSError):
            os.ftruncate(handle, 0)
        os.close(handle)


def holder(path: Path, *, now: Callable[[], float] = time.time) -> Holder | None:
    """Who holds an archive, None when nobody does. Asks the system, not only the file: a killed holder holds nothing.
    Never raises for what stands in the file."""
    try:
        handle = _open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(handle, now())
        except OSError:  # a file system that knows no locks: nobody can hold what is there
            return None
        return None
    finally:
        os.close(handle)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _open(path: Path, flags: int) -> int:
    """The lock file. OSError also where a link, a pipe or a device stands in its place: it is written to, and who made
    the folder may not have been us."""
    handle = os.open(_beside(path), flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"{_beside(path).name} is no file")
    return handle


def _take(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _open(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        # Where there is an archive, another one would begin anew.
        there = "See what is the matter with the disk, and whose the folder is: archiver doctor"
        hint = there if path.exists() else "Choose another --db"
        raise InputError(f"the archive cannot be written here: {error.strerror}", place=str(path), hint=hint) from error
    for pause in LOOKS:
        time.sleep(pause)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError as error:
            os.close(handle)
            raise InputError(f"the archive cannot be locked: {error.strerror}", place=str(path)) from error
        return handle
    held = _read(handle, time.time())
    os.close(handle)
    raise HeldError(held, str(path))


def advice(held: Holder) -> str:
    """What to do about a holder."""
    if held.stuck:
        return f"Look at process {held.pid}; if it does nothing, end it (kill {held.pid}): nothing recorded is lost"
    return "Wait for it to end"


def _read(handle: int, now: float) -> Holder:
    """What the file says, or nothing where it says what nobody of us wrote."""
    try:
        line = os.pread(handle, MOST, 0).partition(b"\n")[0]  # behind it may stand the rest of an older, longer line
        told = json.loads(line)
    except (OSError, ValueError, RecursionError):
        return Holder()
    if not isinstance(told, dict):
        return Holder()
    pid, machine, doing = told.get("pid"), told.get("machine"), told.get("doing")
    since, beat = told.get("since"), told.get("beat")
    if type(pid) is not int or pid <= 0 or not isinstance(machine, str) or not isinstance(doing, str):
        return Holder()
    if type(since) is not float or type(beat) is not float or not 0 <= since <= LAST or not 0 <= beat <= LAST:
        return Holder()
    return Holder(
        pid=pid,
        machine=_plain(machine),
        since=since,
        doing=_plain(doing),
        beat=beat,
        silent=max(0.0, now - beat),
    )


LAST = 253_402_300_799.0
"""The end of the year 9999: later moments are written by nobody."""


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in text)[:100]


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"
