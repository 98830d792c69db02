"""The capture loop: plans are pure, fetches run in threads, and this thread alone writes.

A *look* is one ref with all its routes: plan → fetch → record → read → plan again, until the plan is empty.
Each try of each request is a capture of its own, recorded before anything is parsed.
"""

from __future__ import annotations

import queue
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from archiver import schedule
from archiver.jobs import follow, read, watching
from archiver.jobs.link import named
from archiver.jobs.looking import Event, Look, outcome_of_look, why
from archiver.jobs.session import Session
from archiver.jobs.trying import Fetcher, Trying, Waiting
from archiver.model import Exchange, Outcome, Reading, Ref, Request
from archiver.net.pace import Pace
from archiver.platforms import platform_of
from archiver.store.queue import Task

MOST_REQUESTS = 40
HANDFUL = 32
MOST_TOLD = 100
LEASE = timedelta(minutes=30)
LONGEST_PAUSE = 7 * 86_400.0  # seconds: a mistaken or hostile server must not end a watch for years


@dataclass(slots=True, kw_only=True)
class Summary:
    """What a run did. `outcomes` counts looks by how they ended, `failed` those that must be tried again or cannot be;
    `failures` are the first of these: seed, address, outcome and reason."""

    captures: int = 0
    looks: int = 0
    failed: int = 0
    new_refs: int = 0
    received: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Capturing:
    """One run over everything that is due."""

    def __init__(
        self,
        session: Session,
        fetcher: Fetcher,
        *,
        tier: str = "wire",
        pace: Pace | None = None,
        sleep: Callable[[float], object] | None = None,
        progress: Callable[[Summary, int], None] | None = None,
    ) -> None:
        self.session, self.progress = session, progress
        config = session.config
        self.trying = Trying(
            fetcher,
            Waiting(longest=config.wait, now=session.now, sleep=sleep),
            tier=tier,
            pace=pace,
            threads=config.hosts * config.per_host,
        )
        self.summary = Summary()
        self.active: dict[str, dict[Ref, Look]] = {}
        self.ready: dict[str, list[Task]] = {}
        self.drained: set[str] = set()
        self.pauses: dict[str, str] = {}
        self.claimable = True
        self.flying = 0
        session.only(tier)

    def run(self) -> Summary:
        """Looks at everything that is due, and at what that leads to. Interrupting it loses nothing recorded."""
        self.session.frontier.release_all()
        try:
            while True:
                self._start()
                if not self.flying and not any(self.active.values()):
                    return self.summary
                self._handle(self._wait())
                if self.progress is not None:
                    self.progress(self.summary, sum(map(len, self.active.values())))
        except BaseException:
            if self.session.archive.db.in_transaction:
                self.session.archive.db.execute("ROLLBACK")  # half a capture or half a reading must not be committed
            self.trying.stop()
            raise
        finally:
            self._commit()
            self.trying.end()
            for host in list(self.active):
                self._release(host)

    def _start(self) -> None:
        """Opens looks while there is room: from the hosts in hand first, then by claiming further ones."""
        while True:
            for host, looks in list(self.active.items()):
                while len(looks) < self.session.config.per_host and (task := self._next(host, looks)) is not None:
                    self._open(task)
                if not looks:
                    self._release(host)
                    del self.active[host]
                    self.claimable = True
            if not self.claimable or len(self.active) >= self.session.config.hosts:
                return
            now = self.session.now()
            until = schedule.time_text(schedule.parse_time(now) + LEASE)
            claimed = self.session.frontier.claim("run", now, until, skip=frozenset(self.active))
            if claimed is None:
                self.claimable = False
                return
            self.active[claimed] = {}
            self.drained.discard(claimed)  # a long run meets refs that became due meanwhile

    def _next(self, host: str, looks: dict[Ref, Look]) -> Task | None:
        """The next due task of a host, taken from the queue a handful at a time."""
        ready = self.ready.setdefault(host, [])
        if not ready and host not in self.drained:
            ready += self.frontier_take(host, looks)
            if not ready:
                self.drained.add(host)
        return ready.pop(0) if ready else None

    def frontier_take(self, host: str, looks: dict[Ref, Look]) -> tuple[Task, ...]:
        """A handful of due tasks that are not being looked at."""
        return self.session.frontier.take(host, self.session.now(), taken=frozenset(looks), limit=HANDFUL)

    def _wait(self) -> Event:
        """The next event. What was read is committed with the next capture, or before waiting for one."""
        try:
            return self.trying.events.get_nowait()
        except queue.Empty:
            self._commit()
            return self.trying.events.get()

    def _commit(self) -> None:
        if self.session.archive.db.in_transaction:
            self.session.archive.db.execute("COMMIT")

    def _begin(self) -> None:
        if not self.session.archive.db.in_transaction:
            self.session.archive.db.execute("BEGIN IMMEDIATE")

    def _open(self, task: Task) -> None:
        platform = platform_of(task.ref)
        if platform is None:  # queued by a version that had it: not asked again, unless by --recheck
            self._begin()
            self.session.frontier.record(task, outcome="unknown", at=self.session.now(), due_at=None, failed=True)
            self._failed(f"{task.seed}: {task.ref}: no platform of this version knows it")
            return
        look = Look(task=task, platform=platform)
        self.active[task.host][task.ref] = look
        self._advance(look)

    def _advance(self, look: Look) -> None:
        """Asks the plan what comes next; the look ends when nothing does."""
        if look.waiting:
            return
        requests = look.platform.plan(look.task.ref, tuple(look.answers), self.session.config.settings)
        for request in requests:
            if not _asks(look, request):
                continue
            first = self._before(look, request)
            if isinstance(first, Exchange):
                self._submit(look, request, answered=first)
            elif first is None:
                self._submit(look, self._prepare(look, request))
            elif _asks(look, first):
                self._submit(look, first)
        if not look.waiting:
            self._close(look)

    def _submit(self, look: Look, request: Request, *, answered: Exchange | None = None) -> None:
        """Has a request tried, once for each look, or gives it the answer that is known already."""
        look.asked.add(_key(request))
        look.waiting += 1
        self.flying += 1
        number = len(look.asked)
        if answered is None:
            self.trying.submit(look, number, request)
            return
        self.trying.events.put(Event(look=look, number=number, exchanges=(answered,)))
        self.trying.events.put(Event(look=look, number=number))

    def _before(self, look: Look, request: Request) -> Exchange | Request | None:
        """What stands before a planned request: nothing; the exchange that answers it without asking anybody, which is
        recorded; or another request, after whose answer this one is planned again."""
        return None

    def _prepare(self, look: Look, request: Request) -> Request:
        """The request as it is made: a condition may be added to its headers."""
        return request

    def _handle(self, event: Event) -> None:
        if event.bug is not None:
            raise event.bug
        look = event.look
        if event.exchanges:
            self._record(look, event)
            return
        self.flying -= 1
        look.waiting -= 1
        if event.postponed:
            look.postponed, look.retry_after = True, max(look.retry_after, event.postponed)
        answer = look.latest.pop(event.number, None)
        if answer is not None:
            look.answers.append(answer)
        self._advance(look)

    def _record(self, look: Look, event: Event) -> None:
        """Evidence first, committed before anything is parsed; then what it says, committed with what follows."""
        session = self.session
        stored = session.evidence.record(*event.exchanges)
        self._commit()
        for exchange, recorded in zip(event.exchanges, stored, strict=True):
            if recorded is stored[-1]:
                answer = read.answer_from_exchange(exchange)
                result = read.read_answer(answer)
                look.latest[event.number] = answer
                look.reads.append(result)
                self._leave_alone(look, exchange)
            else:
                result = read.Read(reading=Reading())
            self._begin()
            read.store_reading(session, read.captured_now(exchange, recorded), result)
            self.summary.captures += 1
            self.summary.received += exchange.size
            if exchange.body is not None:
                exchange.body.close()

    def _leave_alone(self, look: Look, exchange: Exchange) -> None:
        """A host that asks for a longer pause than one run waits is not asked before it is over, by no later run."""
        asked = self.trying.asked_to_wait(exchange)
        if asked > self.session.config.wait:
            asked = min(asked, LONGEST_PAUSE)
            look.retry_after = max(look.retry_after, asked)
            until = schedule.time_text(schedule.parse_time(self.session.now()) + timedelta(seconds=asked))
            host = urlsplit(exchange.url).netloc.lower()
            self.pauses[host] = max(until, self.pauses.get(host, ""))

    def _release(self, host: str) -> None:
        self.session.frontier.release("run", host, not_before=self.pauses.get(host, ""))

    def _jitter(self, task: Task) -> float:
        """Chance, 0..1, that spreads what would be due at one moment: another for each ref and each look at it."""
        return zlib.crc32(f"{task.ref} {self.session.now()}".encode()) / 0xFFFF_FFFF

    def _close(self, look: Look) -> None:
        session, task = self.session, look.task
        outcome = outcome_of_look(look)
        now = session.now()
        failed = look.postponed or outcome in schedule.ATTEMPT_FAILED
        ended = Outcome.RATE_LIMITED if look.postponed else outcome
        self._begin()
        with session.archive.transaction():
            due = watching.again(session, task, ended, retry_after=look.retry_after)
            told = "postponed" if look.postponed and not look.reads else outcome.value
            session.frontier.record(task, outcome=told, at=now, due_at=due, failed=failed)
            new = follow.follow_reading(session, task, look.reads)
            if task.purpose == "seed":
                for result in look.reads:
                    new += follow.follow_document(session, result, seed=task.seed)
        if new:
            self.claimable, self.drained = True, set()
            self.summary.new_refs += new
        self.summary.looks += 1
        self.summary.outcomes[told] += 1
        if failed or outcome in schedule.NEVER:
            self._failed(f"{task.seed}: {named(task.ref)}: {told}{why(look, told)}")
        del self.active[task.host][task.ref]

    def _failed(self, message: str) -> None:
        self.summary.failed += 1
        if len(self.summary.failures) < MOST_TOLD:
            self.summary.failures.append(message)


def _key(request: Request) -> tuple[str, str, str, bool]:
    """What makes two requests of one look the same."""
    return request.method, request.url, request.route, request.signer


def _asks(look: Look, request: Request) -> bool:
    """Whether a request of a look is still to be made."""
    return _key(request) not in look.asked and len(look.asked) < MOST_REQUESTS and not look.postponed
