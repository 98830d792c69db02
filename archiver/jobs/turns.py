"""Whose turn it is: hosts are served in turns, and within a host the seeds, so that none waits for a large one to end.

A host is leased for a slice of looks; where others wait, it is given back after that and comes again when they had
theirs. A seed of a hundred thousand refs and one of three get as many looks in a row.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import timedelta

from archiver import schedule
from archiver.jobs.gate import Gate, NotNow
from archiver.model import Ref
from archiver.store.queue import Frontier, Task

HANDFUL = 32
SLICE = 64
"""Looks that a host is given in a row while others wait."""
LONG = 60.0
"""Seconds that a host is served for while others wait: one that takes its time is given back for that."""
LEASE = timedelta(minutes=30)
WORKER = "run"
MOST_HOSTS = 1024
REST = 20.0
"""Between two searches for hosts so many times the time that one takes: it walks all hosts of the queue."""


class Turns:
    """The looks of one run. `hosts` are leased at once, each with `per_host` looks."""

    def __init__(
        self,
        frontier: Frontier,
        gate: Gate | None,
        *,
        now: Callable[[], str],
        hosts: int,
        per_host: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.frontier, self.gate, self.now, self.clock = frontier, gate, now, clock
        self.hosts, self.per_host = hosts, per_host
        self.active: dict[str, set[Ref]] = {}
        self.left: dict[str, NotNow] = {}
        self._seeds: dict[str, OrderedDict[str, None]] = {}
        self._ready: dict[str, deque[Task]] = {}
        self._served: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._waiting: deque[str] = deque()
        self._claimable, self._next_search = True, 0.0

    def next(self) -> Task | None:
        """The next task to look at, taken from its host's queue; None while nothing more can begin."""
        while True:
            for host, looks in list(self.active.items()):
                if len(looks) < self._room(host) and (task := self._task(host, looks)) is not None:
                    looks.add(task.ref)
                    self._served[host] += 1
                    return task
                if not looks:
                    self._give_back(host)
            if len(self.active) >= self.hosts or not self._claim():
                return None

    def done(self, task: Task) -> None:
        """A look has ended."""
        self.active[task.host].discard(task.ref)

    def more(self, seed: str) -> None:
        """Refs were queued that this seed leads to, on whatever hosts."""
        self._claimable = True
        for seeds in self._seeds.values():
            seeds.setdefault(seed)

    def looking(self) -> int:
        """How many looks are under way."""
        return sum(map(len, self.active.values()))

    def end(self) -> None:
        """Gives all hosts back."""
        for host in list(self.active):
            self._give_back(host)

    def _room(self, host: str) -> int:
        """How many looks a host is given at once now; none when it is left alone, or its slice is over."""
        long = self._served[host] >= SLICE or (self._served[host] and self.clock() - self._since[host] >= LONG)
        if self._closed(host) or (long and self._others()):
            self._put_back(host)
            return 0
        return self.per_host if self.gate is None else self.gate.at_once(host)

    def _closed(self, host: str) -> bool:
        reason = None if self.gate is None else self.gate.closed(host)
        if reason is not None:
            self.left[host] = reason
        return reason is not None

    def _others(self) -> bool:
        """Whether a host waits for the place of this one."""
        if len(self.active) < self.hosts:
            return False
        self._search()
        while self._waiting and (self._waiting[0] in self.active or self._closed(self._waiting[0])):
            self._waiting.popleft()
        return bool(self._waiting)

    def _task(self, host: str, looks: set[Ref]) -> Task | None:
        ready = self._ready.setdefault(host, deque())
        if not ready:
            ready.extend(self._take(host, looks))
        return ready.popleft() if ready else None

    def _take(self, host: str, looks: set[Ref]) -> list[Task]:
        """A handful of due tasks of a host, as many of each of its seeds in turn. A seed that has none left is not
        asked again until something is queued for it."""
        seeds = self._seeds.get(host)
        if seeds is None:
            seeds = self._seeds[host] = OrderedDict.fromkeys(self.frontier.seeds(host))
        found: list[Task] = []
        now = self.now()
        while seeds and len(found) < HANDFUL:
            share = max(1, (HANDFUL - len(found)) // len(seeds))
            seed, _ = seeds.popitem(last=False)
            taken = frozenset(looks | {task.ref for task in found})
            tasks = self.frontier.take(host, seed, now, taken=taken, limit=share)
            found += tasks
            if len(tasks) == share:
                seeds[seed] = None
        return found

    def _claim(self) -> bool:
        """Leases another host. False when none has anything due."""
        self._search()
        while self._waiting:
            host = self._waiting.popleft()
            if host in self.active or self._closed(host):
                continue
            now = self.now()
            until = schedule.time_text(schedule.parse_time(now) + LEASE)
            if self.frontier.claim(WORKER, host, now, until):
                self.active[host], self._served[host], self._since[host] = set(), 0, self.clock()
                if not self._seeds.get(host):  # a long run meets refs that became due meanwhile
                    self._seeds.pop(host, None)
                return True
        return False

    def _search(self) -> None:
        """Looks for hosts with something due, once for many claims."""
        started = time.monotonic()
        if self._waiting or not self._claimable or (self.active and started < self._next_search):
            return
        known = frozenset(self.active) | {host for host in self.left if self._closed(host)}
        self._waiting.extend(self.frontier.hosts(self.now(), skip=known, limit=MOST_HOSTS))
        self._claimable = len(self._waiting) == MOST_HOSTS
        self._next_search = time.monotonic() + REST * (time.monotonic() - started)

    def _put_back(self, host: str) -> None:
        """What was taken and not begun is due as before; its seeds come first when the host is served again."""
        for task in self._ready.pop(host, ()):
            seeds = self._seeds[host]
            seeds[task.seed] = None
            seeds.move_to_end(task.seed, last=False)

    def _give_back(self, host: str) -> None:
        self._put_back(host)
        self.frontier.release(WORKER, host)
        del self.active[host]
        del self._since[host]
        if self._served.pop(host) or host in self.left:
            self._claimable = True
