"""What every request of a run passes: the switch of its host, the day's budget, the circuit breaker, the pace.

Usable from any thread. What must outlast the run (who is left alone until when, what a day has cost) is kept here
while it lasts and handed to the writing thread by `changed`; `jobs/capture.py` stores it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from archiver import schedule
from archiver.model import Exchange, Failure
from archiver.net.manners import Book, Manners, host_of
from archiver.net.pace import Pace
from archiver.store.hosts import Day, HostState

FAILURES = 5
"""Requests that fail in a row, each with all its tries, until a host is left alone."""
FIRST, LONGEST = 900.0, 86_400.0
"""Seconds that it is left alone for: at first, and at most."""
SPREAD = 0.25
"""The largest share by which chance shortens or lengthens such a pause."""
PATIENCE = 60.0
"""Seconds that a run waits for a pace of ours. Who is asked more slowly than that has his turn in later runs."""
BUSY = frozenset({429, 500, 502, 503, 504})
SILENT = frozenset({Failure.DNS, Failure.CONNECT, Failure.TLS, Failure.TIMEOUT, Failure.RESET, Failure.PROTOCOL})
UNASKED = frozenset({Failure.BLOCKED, Failure.NOT_RECORDED})


class NotNow(Exception):
    """An address is not asked now: why, and for how many seconds (0: nobody knows). `standing` tells that this is of
    our own making (switched off, spent, left alone since an earlier run) and no answer of the server. Raised and caught
    in jobs/trying.py."""

    def __init__(self, reason: str, seconds: float, *, standing: bool) -> None:
        self.reason, self.seconds, self.standing = reason, seconds, standing
        super().__init__(reason)


@dataclass(slots=True, kw_only=True)
class _Host:
    """What is known of a host. Mutable; only touched under the lock of its Gate."""

    failures: int = 0
    opened_at: str = ""
    not_before: str = ""
    asked: bool = False


class Gate:
    """One run's requests. `now` gives UTC ISO 8601 text, `jitter` chance as 0..1; `states` and `days` are what earlier
    runs left."""

    def __init__(
        self,
        book: Book,
        pace: Pace,
        *,
        now: Callable[[], str],
        jitter: Callable[[], float],
        states: Iterable[HostState] = (),
        days: Iterable[Day] = (),
    ) -> None:
        self._book, self._pace, self._now, self._jitter = book, pace, now, jitter
        self._hosts = {
            state.host: _Host(failures=state.failures, opened_at=state.opened_at, not_before=state.not_before)
            for state in states
        }
        self._days = {(day.host, day.day): [day.requests, day.bytes] for day in days}
        self._dirty: set[str] = set()
        self._counted: set[tuple[str, str]] = set()
        self._answered = False
        self._delays: dict[str, float] = {}
        self._lock = threading.Lock()

    def closed(self, host: str) -> NotNow | None:
        """Why a host is asked nothing now, None when it may be asked."""
        with self._lock:
            return self._closed(self._book.of_host(host))

    def at_once(self, host: str) -> int:
        """How many looks a host bears at once: one as a probe after it was left alone, until it answers."""
        with self._lock:
            return 1 if self._probing(host) else self._book.of_host(host).at_once

    def begin(self, url: str) -> float:
        """Begins a request if that is possible now (0.0: it counts, and `ended` must follow), else says for how many
        seconds its pace makes it wait. NotNow when its host is not asked."""
        manners = self._book.of(url)
        with self._lock:
            reason = self._closed(manners)
            if reason is not None:
                raise reason
            at_once = 1 if self._probing(manners.host) else manners.at_once
            pace = max(manners.pace, self._delays.get(manners.host, 0.0))
            wait = self._pace.begin(manners.host, lane=manners.lane, interval=pace, at_once=at_once)
            if wait == 0.0:
                day = self._day(manners.host)
                self._days[day][0] += 1
                self._counted.add(day)
            return wait

    def asked(self, url: str) -> float:
        """For how many seconds the host of an address is to be left alone for what it answered in this run."""
        return self._pace.asked(self._book.of(url).host)

    def too_slow(self, url: str, seconds: float) -> NotNow:
        """Our own pace makes an address wait for longer than a run does: its host is left alone that long, by later
        runs too. Why it is not asked now."""
        manners = self._book.of(url)
        with self._lock:
            state = self._hosts.setdefault(manners.host, _Host())
            state.not_before = max(state.not_before, self._after(seconds))
            self._dirty.add(manners.host)
            reason = f"{manners.host} is asked once in {manners.pace:g} seconds, as [hosts] says"
            return NotNow(f"{reason}: not before {state.not_before}", seconds, standing=True)

    def slower(self, host: str, seconds: float) -> None:
        """A host wants so many seconds between two requests: it is not asked faster in this run."""
        with self._lock:
            self._delays[host] = max(seconds, self._delays.get(host, 0.0))

    def ended(self, url: str, exchange: Exchange) -> None:
        """A request that began has ended so, a hop of a redirect among them. An answer closes the circuit."""
        manners = self._book.of(url)
        self._pace.finished(manners.host, exchange, lane=manners.lane)
        with self._lock:
            state = self._hosts.get(manners.host)
            if state is not None and (state.failures or state.opened_at) and _answered(exchange):
                state.failures, state.opened_at = 0, ""
                self._dirty.add(manners.host)
            day = self._day(manners.host)
            self._days[day][1] += exchange.size + len(exchange.response_head)
            self._counted.add(day)
            self._answered = self._answered or exchange.status is not None

    def judge(self, url: str, exchange: Exchange) -> None:
        """The last try of a request ended so: some failures in a row open the circuit of its host. While nobody
        answered in this run, our own network is as likely at fault: the pause stays the first."""
        if not _failed(exchange):
            return
        host = host_of(url)
        with self._lock:
            state = self._hosts.setdefault(host, _Host())
            alone = not self._answered and exchange.status is None
            state.failures = min(state.failures + 1, FAILURES) if alone else state.failures + 1
            self._dirty.add(host)
            if state.failures >= FAILURES:
                self._open(state)

    def leave_alone(self, host: str, seconds: float) -> None:
        """A host asked for a pause longer than one run waits: no later run asks it before that is over."""
        with self._lock:
            state = self._hosts.setdefault(host, _Host())
            state.not_before = max(state.not_before, self._after(seconds))
            state.asked = True
            self._dirty.add(host)

    def changed(self, *, days: bool = True) -> tuple[list[HostState], list[Day]]:
        """What is to be stored since the last call. Without `days` only the days of hosts with a budget."""
        with self._lock:
            states = [
                HostState(host=host, failures=state.failures, opened_at=state.opened_at, not_before=state.not_before)
                for host in sorted(self._dirty)
                if (state := self._hosts.get(host)) is not None
            ]
            chosen = {key for key in self._counted if days or self._budget(key[0])}
            counted = [
                Day(host=host, day=day, requests=self._days[host, day][0], bytes=self._days[host, day][1])
                for host, day in sorted(chosen)
            ]
            self._dirty.clear()
            self._counted -= chosen
        return states, counted

    def unstored(self) -> None:
        """What `changed` gave may not have been stored: all that is known is given again."""
        with self._lock:
            self._dirty |= set(self._hosts)
            self._counted |= set(self._days)

    def _closed(self, manners: Manners) -> NotNow | None:
        host = manners.host
        if manners.off:
            return NotNow(f"{host} is switched off in [hosts]", 0.0, standing=True)
        now = self._now()
        state = self._hosts.get(host)
        if state is not None and state.not_before > now:
            seconds = _between(now, state.not_before)
            why = "asked for it" if state.asked or state.failures < FAILURES else f"failed {state.failures} times"
            if manners.pace > PATIENCE and not state.asked and state.failures < FAILURES:
                why = f"is asked once in {manners.pace:g} seconds"
            return NotNow(f"{host} {why} and is left alone until {state.not_before}", seconds, standing=not state.asked)
        if manners.requests_per_day or manners.bytes_per_day:
            requests, size = self._days[self._day(host)]
            spent = "requests" if 0 < manners.requests_per_day <= requests else ""
            spent = spent or ("bytes" if 0 < manners.bytes_per_day <= size else "")
            if spent:
                seconds = _between(now, _midnight(now))
                return NotNow(f"the {spent} for {host} are spent for this day", seconds, standing=True)
        return None

    def _probing(self, host: str) -> bool:
        state = self._hosts.get(host)
        return state is not None and state.failures >= FAILURES

    def _open(self, state: _Host) -> None:
        doubled = min(FIRST * 2.0 ** min(state.failures - FAILURES, 10), LONGEST)
        pause = doubled * (1 - SPREAD + 2 * SPREAD * self._jitter())
        state.opened_at = state.opened_at or self._now()
        state.not_before = max(state.not_before, self._after(pause))

    def _after(self, seconds: float) -> str:
        return schedule.time_text(schedule.parse_time(self._now()) + timedelta(seconds=seconds))

    def _day(self, host: str) -> tuple[str, str]:
        key = (host, self._now()[:10])
        self._days.setdefault(key, [0, 0])
        return key

    def _budget(self, host: str) -> bool:
        manners = self._book.of_host(host)
        return bool(manners.requests_per_day or manners.bytes_per_day)


def _failed(exchange: Exchange) -> bool:
    return exchange.status in BUSY or (exchange.status is None and exchange.failure in SILENT)


def _answered(exchange: Exchange) -> bool:
    """Whether a host is there: also with an answer that was none of what was asked for."""
    return not _failed(exchange) and exchange.failure not in UNASKED


def _between(now: str, then: str) -> float:
    return max(1.0, (schedule.parse_time(then) - schedule.parse_time(now)).total_seconds())


def _midnight(now: str) -> str:
    day = schedule.parse_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return schedule.time_text(day + timedelta(days=1))
