"""The capture loop: plans are pure, fetches run in threads, and this thread alone writes.

A *look* is one ref with all its routes: plan → fetch → record → read → plan again, until the plan is empty.
Each try of each request is a capture of its own, recorded before anything is parsed.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from archiver import schedule
from archiver.jobs import follow, read, robots, unchanged, waiting, watching
from archiver.jobs.gate import Gate
from archiver.jobs.limits import Limits
from archiver.jobs.link import named
from archiver.jobs.looking import Event, Look, outcome_of_look, why
from archiver.jobs.session import Session
from archiver.jobs.trying import Fetcher, Trying, Waiting
from archiver.jobs.turns import Turns
from archiver.model import Answer, Exchange, Failure, Outcome, Reading, Request, Unread
from archiver.net.manners import host_of
from archiver.platforms import platform_of
from archiver.store import hosts
from archiver.store.queue import Task

MOST_REQUESTS = 40
MOST_TOLD = 100
BETWEEN_DAYS = 32
"""Captures between two times that counts of hosts without a budget are stored."""
LONGEST_PAUSE = 7 * 86_400.0  # seconds: a mistaken or hostile server must not end a watch for years


@dataclass(slots=True, kw_only=True)
class Summary:
    """What a run did. `outcomes` counts looks by how they ended, `failed` those that must be tried again or cannot be;
    `failures` are the first of these: seed, address, outcome and reason. `stopped` is the bound that ended it early,
    `left` are the hosts that were not asked, and why; `forbidden` counts pages by the host whose robots.txt forbids
    them, `cut` the links beyond the bound by what they stand in; `pages` are what was looked at for its own sake."""

    captures: int = 0
    looks: int = 0
    failed: int = 0
    new_refs: int = 0
    received: int = 0
    stopped: str = ""
    pages: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    forbidden: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Capturing:
    """One run over everything that is due."""

    def __init__(
        self,
        session: Session,
        fetcher: Fetcher,
        *,
        tier: str = "wire",
        gate: Gate | None = None,
        limits: Limits | None = None,
        sleep: Callable[[float], object] | None = None,
        progress: Callable[[Summary, int], None] | None = None,
    ) -> None:
        self.session, self.progress, self.gate, self.limits = session, progress, gate, limits or Limits()
        config = session.config
        self.trying = Trying(
            fetcher,
            Waiting(longest=config.wait, now=session.now, sleep=sleep),
            tier=tier,
            gate=gate,
            threads=config.hosts * config.manners.most_at_once,
        )
        self.summary = Summary()
        self.turns = Turns(session.frontier, gate, now=session.now, hosts=config.hosts, per_host=config.per_host)
        self.flying = 0
        self.started = time.monotonic()
        self.robots: robots.Robots | None = None
        if gate is not None and config.robots:
            self.robots = robots.Robots(session, slower=gate.slower)
            self.trying.permit = self.robots.permit
        session.only(tier)

    def run(self) -> Summary:
        """Looks at everything that is due, and at what that leads to. Interrupting it loses nothing recorded."""
        self.session.frontier.release_all()
        try:
            while True:
                self._start()
                if not self.flying and not self.turns.looking():
                    return self.summary
                self._handle(self._wait())
                if self.progress is not None:
                    self.progress(self.summary, self.turns.looking())
        except BaseException:
            self.trying.stop()
            if self.session.archive.db.in_transaction:
                self.session.archive.db.execute("ROLLBACK")  # half a capture or half a reading must not be committed
                if self.gate is not None:
                    self.gate.unstored()
            raise
        finally:
            self._commit()
            self.trying.end()
            self._remember_hosts(days=True)
            self.turns.end()
            self.summary.left = {host: reason.reason for host, reason in self.turns.left.items()}

    def _start(self) -> None:
        """Opens looks while there is room and no bound is reached."""
        while not self.summary.stopped:
            self.summary.stopped = self.limits.reached(time.monotonic() - self.started, self.summary.received)
            if self.summary.stopped or (task := self.turns.next()) is None:
                return
            self._open(task)

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
        self.session.beat()

    def _begin(self) -> None:
        if not self.session.archive.db.in_transaction:
            self.session.archive.db.execute("BEGIN IMMEDIATE")

    def _open(self, task: Task) -> None:
        platform = platform_of(task.ref)
        if platform is None:  # queued by a version that had it: not asked again, unless by --recheck
            self._begin()
            self.session.frontier.record(task, outcome="unknown", at=self.session.now(), due_at=None, failed=True)
            self._failed(f"{task.seed}: {task.ref}: no platform of this version knows it")
            self.turns.done(task)
            return
        self._advance(Look(task=task, platform=platform))

    def _advance(self, look: Look) -> None:
        """Asks the plan what comes next; the look ends when nothing does."""
        if look.waiting:
            return
        for request in self._planned(look):
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

    def _planned(self, look: Look) -> tuple[Request, ...]:
        """What the plan asks for after the answers so far; where it fails on them, that ends this look alone."""
        answers = tuple(answer for answer in look.answers if answer.request.route != robots.ROUTE)
        settings = self.session.config.settings
        planned = read.attempt("plan", lambda: look.platform.plan(look.task.ref, answers, settings))
        if isinstance(planned, Unread):
            look.stuck, look.because = True, planned.reason
            return ()
        return planned

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
        return None if self.robots is None else self.robots.before(look, request)

    def _prepare(self, look: Look, request: Request) -> Request:
        """The request as it is made: with the capture that lets it pass, and under a condition where one is known."""
        if self.robots is not None:
            request = self.robots.marked(look, request)
        if self.gate is not None and self.session.config.conditional and look.task.last_at and not look.whole:
            request = unchanged.conditional(self.session, request)
        return request

    def _again(self, look: Look, answer: Answer) -> bool:
        """Whether a planned request has to be made once more, so that this answer to it is none for the plan."""
        if unchanged.refused(answer):
            look.whole = True
        elif self.robots is None or not self.robots.again(look, answer):
            return False
        look.asked.discard(_key(answer.request))
        return True

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
        if event.skipped is not None and event.planned is not None:
            # The plan goes on to the next route, as after a host that is down; what was not asked is not recorded.
            look.skipped.append(event.skipped)
            reason = event.skipped.reason
            look.answers.append(Answer(request=event.planned, status=None, failure=Failure.BLOCKED, detail=reason))
        answer = look.latest.pop(event.number, None)
        if answer is not None and not self._again(look, answer):
            look.answers.append(answer)
        waiting = [] if self.robots is None else self.robots.ended(look)
        for one in (look, *waiting):
            self._advance(one)

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
                if exchange.request.route != robots.ROUTE:
                    look.reads.append(result)
                self._leave_alone(look, exchange)
            else:
                result = read.Read(reading=Reading())
            self._begin()
            read.store_reading(session, read.captured_now(exchange, recorded), result)
            self.summary.captures += 1
            self.summary.received += exchange.size
            session.log.capture(exchange)
            if exchange.body is not None:
                exchange.body.close()
        self._remember_hosts(days=self.summary.captures % BETWEEN_DAYS == 0)

    def _leave_alone(self, look: Look, exchange: Exchange) -> None:
        """A host that asks for a longer pause than one run waits is not asked before it is over, by no later run."""
        asked = self.trying.asked_to_wait(exchange)
        if asked > self.session.config.wait and self.gate is not None:
            asked = min(asked, LONGEST_PAUSE)
            look.retry_after = max(look.retry_after, asked)
            self.gate.leave_alone(host_of(exchange.url), asked)
            self.session.log.say("paused", host=host_of(exchange.url), seconds=asked)

    def _remember_hosts(self, *, days: bool) -> None:
        """Stores who is to be left alone, and what the day has cost."""
        if self.gate is not None:
            hosts.store(self.session.archive, *self.gate.changed(days=days))

    def _close(self, look: Look) -> None:
        session, task = self.session, look.task
        if look.skipped and not look.reads:
            if self.gate is not None and self.gate.closed(task.host) is not None:
                self.turns.done(task)  # nothing was asked: it is due as before, for the run that may ask its host
                return
            look.postponed, look.retry_after = True, max(skip.seconds for skip in look.skipped)
        outcome = outcome_of_look(look)
        now = session.now()
        failed = look.postponed or outcome in schedule.ATTEMPT_FAILED
        ended = Outcome.RATE_LIMITED if look.postponed else outcome
        self._begin()
        with session.archive.transaction():
            new = follow.follow_reading(session, task, look.reads, cut=self.summary.cut)
            named_new = 0
            if task.purpose == "seed":
                self.summary.pages.append(str(task.ref))
                for result in look.reads:
                    named_new += follow.follow_document(session, result, seed=task.seed, led_by=str(task.ref))
            due = watching.again(session, task, ended, retry_after=look.retry_after, news=named_new > 0)
            due = _sooner(look, due, now)
            told = "postponed" if look.postponed and not look.reads else outcome.value
            ended_at = session.now()  # later than what the next look was reckoned from, also where the clock leapt
            session.frontier.record(task, outcome=told, at=ended_at, due_at=due, failed=failed)
            waiting.saw(session, ended_at)
        if new + named_new:
            self.turns.more(task.seed)
            self.summary.new_refs += new + named_new
        self.summary.looks += 1
        self.summary.outcomes[told] += 1
        session.log.say("outcome", ref=str(task.ref), host=task.host, outcome=told, attempts=task.attempts, due=due)
        if look.forbidden and outcome is Outcome.BLOCKED:
            self.summary.forbidden[look.forbidden] += 1
        elif failed or look.stuck or outcome in schedule.OURS:
            self._failed(f"{task.seed}: {named(task.ref)}: {told}{why(look, told)}")
        self.turns.done(task)

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


def _sooner(look: Look, due: str | None, now: str) -> str | None:
    """When the first look at a ref went without a route whose host was left alone, what that route alone tells (the
    whole of a long post) is asked for as soon as that is over."""
    waits = [skip.seconds for skip in look.skipped if skip.seconds]
    if due is None or not waits or look.task.last_at:
        return due
    pause = max(timedelta(seconds=min(waits)), schedule.RETRY_FIRST)
    return min(due, schedule.time_text(schedule.parse_time(now) + pause))
