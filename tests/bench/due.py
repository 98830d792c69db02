"""Runs with much to watch: one without anything due, and one with a hundred thousand refs due on fifty hosts.

`python -m tests.bench.due` makes both and prints what they took and, as the servers saw it, the smallest time between
two requests to a host, the most at once, and the most on one day. The second runs the real loop, its threads, queue,
gate and archive on a clock that stands still while anybody works and leaps when all wait: no network, no sleep.
"""

from __future__ import annotations

import heapq
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from archiver.jobs.asking import gate_of
from archiver.jobs.capture import Capturing, Summary
from archiver.jobs.config import Config, load
from archiver.jobs.looking import Event
from archiver.jobs.session import open_session
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.clock import text_of
from archiver.net.pace import Pace
from archiver.net.uid import new_uid

START = datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC)
ANSWERS = (0.2, 0.9)
"""Seconds that a server takes, at least and at most."""
RULES = """
[pace]
default = 1.0
[follow]
hosts = {hosts}
per_host = 4
[hosts."slow.example"]
pace = 7.5
at_once = 1
[hosts."*.paced.example"]
pace = 0.25
at_once = 2
[hosts."*.spent.example"]
requests_per_day = {budget}
[hosts."off.example"]
off = true
"""


class Clock:
    """Time that leaps to the next who wakes when all workers sleep. Threads sleep in it; one thread lets it leap."""

    def __init__(self) -> None:
        self.at = 0.0
        self._lock = threading.Condition()
        self._sleeping: list[tuple[float, int, threading.Event]] = []
        self._count = 0

    def seconds(self) -> float:
        return self.at

    def unix(self) -> float:
        return START.timestamp() + self.at

    def text(self) -> str:
        return text_of(START + timedelta(seconds=self.at))

    def sleep(self, seconds: float) -> None:
        wake = threading.Event()
        with self._lock:
            self._count += 1
            heapq.heappush(self._sleeping, (self.at + max(seconds, 1e-6), self._count, wake))
            self._lock.notify_all()
        wake.wait()

    def leap(self, workers: int, told: Callable[[], bool]) -> None:
        """Once so many sleep, wakes the one who sleeps shortest; unless something was told meanwhile."""
        with self._lock:
            self._lock.wait_for(lambda: told() or len(self._sleeping) >= workers, timeout=20)
            if told() or len(self._sleeping) < workers:
                return
            self.at, _, wake = heapq.heappop(self._sleeping)
        wake.set()

    def stir(self) -> None:
        """Somebody told something."""
        with self._lock:
            self._lock.notify_all()


class Events(queue.SimpleQueue[Event]):
    """Events of the workers. Who waits for one lets the clock leap."""

    def __init__(self, clock: Clock, job: Capturing) -> None:
        self.clock, self.job, self.threads = clock, job, job.session.config.hosts * job.session.config.per_host

    def put(self, item: Event, block: bool = True, timeout: float | None = None) -> None:
        super().put(item)
        self.clock.stir()

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        while True:
            try:
                return self.get_nowait()
            except queue.Empty:
                self.clock.leap(min(self.job.flying, self.threads), lambda: not self.empty())


@dataclass
class Servers:
    """Answers every request after a while, and writes down when each began and ended."""

    clock: Clock
    failing: frozenset[str] = frozenset()
    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    open: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, request: Request) -> tuple[Exchange, ...]:
        host, began = urlsplit(request.url).netloc, self.clock.text()
        with self.lock:
            number = len(self.starts[host])
            self.starts[host].append(self.clock.at)
            self.open[host] += 1
            self.most[host] = max(self.most[host], self.open[host])
            self.days[host, began[:10]] += 1
        self.clock.sleep(ANSWERS[0] + (ANSWERS[1] - ANSWERS[0]) * (number % 7) / 6)
        with self.lock:
            self.open[host] -= 1
        status = 404 if host not in self.failing else None
        return (
            Exchange(
                uid=new_uid(),
                request=request,
                url=request.url,
                started_at=began,
                ended_at=self.clock.text(),
                sent=b"GET / HTTP/1.1\r\n\r\n",
                status=status,
                failure=Failure.NONE if status else Failure.CONNECT,
                response_head=b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n" if status else b"",
            ),
        )

    def close(self) -> None: ...


def hosts_of(count: int) -> list[str]:
    """Slow ones, fast ones, ones with a budget, one that is switched off, and plain ones."""
    named = ["slow.example", "off.example", "dead.example"]
    named += [f"h{n}.paced.example" for n in range(count // 5)]
    named += [f"h{n}.spent.example" for n in range(count // 5)]
    return [*named, *(f"h{n}.plain.example" for n in range(count - len(named)))]


def fill(db: Path, config: Config, hosts: list[str], refs: int, *, due: str, seeds: int) -> None:
    """A queue of so many refs, spread over hosts and seeds."""
    with open_session(db, config) as session, session.archive.transaction():
        session.archive.db.executemany(
            "INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, due_at, last_at) "
            "VALUES (?, ?, 'media', 0, ?, 2, ?, ?, '')",
            (
                (
                    str(Ref(platform="web", kind="media", id=f"https://{hosts[n % len(hosts)]}/{n}.jpg")),
                    hosts[n % len(hosts)],
                    f"seeds/{n // len(hosts) % seeds}.txt",
                    text_of(START),
                    due,
                )
                for n in range(refs)
            ),
        )


@dataclass(frozen=True)
class Seen:
    """What the servers saw of a run, and what the run says of itself."""

    servers: Servers
    summary: Summary
    config: Config
    simulated: float
    real: float

    def breaches(self) -> list[str]:
        """Hosts that were asked faster, more at once, or more in a day than their rules allow."""
        found = []
        for host, starts in sorted(self.servers.starts.items()):
            manners = self.config.manners.of_host(host)
            closest = min((after - before for before, after in pairwise(starts)), default=1e9)
            if closest < manners.pace - 1e-6:
                found.append(f"{host}: {closest} s between two requests, {manners.pace} s are asked for")
            if self.servers.most[host] > manners.at_once:
                found.append(f"{host}: {self.servers.most[host]} at once")
            if manners.off:
                found.append(f"{host} is switched off and was asked")
        for (host, day), count in sorted(self.servers.days.items()):
            if 0 < self.config.manners.of_host(host).requests_per_day < count:
                found.append(f"{host}: {count} requests on {day}")
        return found


def run(folder: Path, *, refs: int, hosts: int, budget: int, seeds: int = 100, at_once: int = 16) -> Seen:
    """One run over a queue of which everything is due."""
    (folder / "archiver.toml").write_text(RULES.format(hosts=at_once, budget=budget))
    config = load(folder / "archiver.toml")
    db, clock = folder / "archive.db", Clock()
    fill(db, config, hosts_of(hosts), refs, due=text_of(START), seeds=seeds)
    servers = Servers(clock, failing=frozenset({"dead.example"}))
    began = time.monotonic()
    with open_session(db, config, now=clock.text) as session:
        session.archive.db.execute("PRAGMA synchronous=OFF")
        pace = Pace(now=clock.seconds, wall=clock.unix)
        gate = gate_of(session, pace=pace, jitter=lambda: 0.5)
        job = Capturing(session, servers, gate=gate, sleep=clock.sleep)
        job.trying.events = Events(clock, job)
        summary = job.run()
    return Seen(servers=servers, summary=summary, config=config, simulated=clock.at, real=time.monotonic() - began)


def nothing_due(folder: Path, refs: int) -> list[float]:
    """Seconds of each of five runs over a queue of which nothing is due, as a command of its own."""
    db = folder / "quiet.db"
    fill(db, Config(), hosts_of(50), refs, due="2999-01-01T00:00:00.000000Z", seeds=1000)
    command = [sys.executable, "-m", "archiver", "run", "--quiet", "--db", str(db)]
    taken = []
    for _ in range(6):
        began = time.monotonic()
        subprocess.run(command, cwd=folder, check=True)
        taken.append(time.monotonic() - began)
    return taken[1:]  # the first makes the tables of readings


def main() -> None:
    refs, hosts = (int(text) for text in (*sys.argv[1:], "100000", "50")[:2])
    with tempfile.TemporaryDirectory() as name:
        taken = nothing_due(Path(name), refs)
        print(
            f"nothing due of {refs}: {median(taken):.2f} s in the median of {len(taken)} runs, {max(taken):.2f} at most"
        )
        seen = run(Path(name), refs=refs, hosts=hosts, budget=500)
        asked = sum(map(len, seen.servers.starts.values()))
        hours = seen.simulated / 3600
        print(
            f"{refs} due on {hosts} hosts: {asked} requests in {hours:.1f} simulated hours, {seen.real:.0f} s of work"
        )
        print(f"  most at once of one host {max(seen.servers.most.values())}, looks {seen.summary.looks}")
        print(f"  hosts that were left: {len(seen.summary.left)}")
        for breach in seen.breaches():
            print(f"  BREACH {breach}")
        print(f"  hosts above their pace, number at once or budget: {len(seen.breaches())}")


if __name__ == "__main__":
    main()
