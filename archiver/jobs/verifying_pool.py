"""The work of a verification on all cores: processes, each with a connection of its own that only reads."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from archiver.errors import IntegrityError
from archiver.store.archive import Archive, DatabaseError, open_reader

Task = TypeVar("Task")
Found = TypeVar("Found")
Work = Callable[[Archive, Task], Found]

WAITING = 2
"""Tasks that each process has before it, so that memory stays flat."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """`processes` at work, or none: then everything is done here, which is quicker for small archives."""

    def __init__(self, path: Path, processes: int) -> None:
        self.path, self.processes = path, processes
        self._executor: ProcessPoolExecutor | None = None

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def run(self, archive: Archive, work: Work[Task, Found], tasks: Iterable[Task]) -> Iterator[Found]:
        """What `work` finds in each task, in their order. `work` is a function of a module.

        A process that the system ended, for want of memory or for a fault of the machine, takes no finding with it:
        what it had before it is done here. IntegrityError when the file cannot be read.
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
            waiting.append((task, self._submit(work, task)))
        while waiting:
            yield self._first(archive, work, waiting)

    def _submit(self, work: Work[Task, Found], task: Task) -> Future[Found]:
        if self._executor is None:
            # Not forked: threads of a progress bar may be at work here.
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self.processes, context, _begin, (self.path,))
        try:
            return self._executor.submit(_do, work, task)
        except BrokenProcessPool as error:
            failed: Future[Found] = Future()
            failed.set_exception(error)
            return failed

    def _first(self, archive: Archive, work: Work[Task, Found], waiting: deque[tuple[Task, Future[Found]]]) -> Found:
        task, future = waiting.popleft()
        try:
            return future.result()
        except BrokenProcessPool:
            self.processes = 1
            return _here(archive, work, task)


def _here(archive: Archive, work: Work[Task, Found], task: Task) -> Found:
    try:
        return work(archive, task)
    except (DatabaseError, OSError) as error:
        raise IntegrityError(f"{archive.path} cannot be read: {error}") from error


_reading: Archive | None = None


def _begin(path: Path) -> None:
    """In a new process: Ctrl-C is the business of the one that started it."""
    global _reading
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 50, 50)  # a span makes many small values and no circles: looking for them was a tenth
    _reading = open_reader(path)


def _do(work: Work[Task, Found], task: Task) -> Found:
    assert _reading is not None
    return _here(_reading, work, task)
