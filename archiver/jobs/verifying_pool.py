"""The work of a verification on all cores: processes, each with a connection of its own that only reads.

They see the file through a mapping, which spares a system call for each page: blobs are then read as quickly as
hashlib reads a file. SQLite maps 2 GiB at most. A mapped file that is cut short, or a disk that fails, ends the process
with a signal, which is why this is not done in the process that was asked: it takes over, reads without a mapping, and
gets an error that can be told.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from archiver.errors import IntegrityError
from archiver.store.archive import Archive, DatabaseError, open_reader
from archiver.store.straight import Straight

Task = TypeVar("Task")
Found = TypeVar("Found")
Work = Callable[[Archive, Task], Found]

WAITING = 2
"""Tasks that each process has before it, so that memory stays flat."""
MAPPED = 1 << 31
"""Bytes of the file that a process maps, as far as SQLite lets it."""


class _Otherwise(Exception):
    """A process sees another state of the file than the one who asks."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """`processes` at work, or none: then everything is done here, which is quicker for small archives."""

    def __init__(self, path: Path, processes: int) -> None:
        self.path, self.processes = path, processes
        self._executor: ProcessPoolExecutor | None = None
        self._erased: int | None = None

    def fork(self) -> None:
        """Starts the processes now, as copies of this one: that takes a twentieth of the time that new ones take, a
        third of a second of all cores. Only on Linux, where this process has no second thread, whose locks the copies
        would wait for; and it must not have opened the archive, since SQLite would take the locks of this process for
        theirs. Elsewhere they are started anew with the first task.
        """
        if self.processes > 1 and sys.platform == "linux" and threading.active_count() == 1:
            self._executor = self._started("fork")
            self._executor.submit(_ready)

    def _started(self, method: str) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.processes, multiprocessing.get_context(method), _begin, (self.path,))

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def run(self, archive: Archive, work: Work[Task, Found], tasks: Iterable[Task]) -> Iterator[Found]:
        """What `work` finds in each task, in their order. `work` is a function of a module.

        A process that the system ended, for want of memory or for a fault of the machine, takes no finding with it:
        what it had before it is done here. So it is when something was erased after `archive` began to read: the
        processes began later, and would miss what is not yet known here to be gone. IntegrityError when the file
        cannot be read.
        """
        if self.processes < 2:
            yield from (_here(archive, work, task) for task in tasks)
            return
        waiting: deque[tuple[Task, Future[Found]]] = deque()
        for task in tasks:
            if self.processes < 2:  # the processes were given up on
                while waiting:
                    yield self._first(archive, work, waiting)
                yield _here(archive, work, task)
                continue
            if len(waiting) == self.processes * WAITING:
                yield self._first(archive, work, waiting)
            waiting.append((task, self._submit(archive, work, task)))
        while waiting:
            yield self._first(archive, work, waiting)

    def _submit(self, archive: Archive, work: Work[Task, Found], task: Task) -> Future[Found]:
        if self._executor is None:
            self._executor = self._started("spawn")
        if self._erased is None:
            self._erased = erasures(archive)
        try:
            return self._executor.submit(_do, work, task, self._erased)
        except BrokenProcessPool as error:
            failed: Future[Found] = Future()
            failed.set_exception(error)
            return failed

    def _first(self, archive: Archive, work: Work[Task, Found], waiting: deque[tuple[Task, Future[Found]]]) -> Found:
        task, future = waiting.popleft()
        try:
            return future.result()
        except (BrokenProcessPool, _Otherwise):
            self.processes = 1
            return _here(archive, work, task)


def _here(archive: Archive, work: Work[Task, Found], task: Task) -> Found:
    try:
        return work(archive, task)
    except (DatabaseError, OSError) as error:
        raise IntegrityError(f"{archive.path} cannot be read: {error}") from error


def erasures(archive: Archive) -> int:
    """How many there were. All other changes of evidence only add to it."""
    if archive.one("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'erasures'") is None:
        return 0
    return int(str(archive.value("SELECT count(*) FROM erasures")))


_path = Path()
_reading: Archive | None = None
_erased = 0


def _begin(path: Path) -> None:
    """In a new process: Ctrl-C is the business of the one that started it."""
    global _path
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 50, 50)  # a span makes many small values and no circles: looking for them was a tenth
    _path = path


def _ready() -> None:
    """Lets a process begin."""


def _open() -> Archive:
    """With the first task, so that what is read is not older than what the one who asks has read."""
    global _reading, _erased
    archive = open_reader(_path)
    archive.db.execute("BEGIN")  # one state of the file, and one lock for everything that is read
    _erased = erasures(archive)
    archive.straight = Straight.open(archive.db, archive.path)
    _reading = archive
    return archive


def _do(work: Work[Task, Found], task: Task, erased: int) -> Found:
    archive = _reading or _open()
    if erased != _erased:
        raise _Otherwise
    for size in (0, MAPPED):  # anew for each task: what was seen through a mapping counts as memory of the process
        archive.db.execute(f"PRAGMA mmap_size = {size}")
    return _here(archive, work, task)
