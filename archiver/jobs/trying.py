"""Asking: requests are tried in worker threads, at the pace that each host allows, and handed back as events.

Nothing here writes to the archive. A host that asks for a longer pause than one run waits postpones the look; one that
is not asked for reasons of our own (switched off, spent, left alone since earlier, asked too slowly) is passed over.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential, wait_random

from archiver import schedule
from archiver.jobs.gate import BUSY, PATIENCE, Gate, NotNow
from archiver.jobs.looking import Event, Look
from archiver.model import Exchange, Failure, Request
from archiver.net.pace import retry_after

TRIES = 3
TRANSIENT = frozenset({Failure.TIMEOUT, Failure.RESET, Failure.TRUNCATED})


class Fetcher(Protocol):
    """What makes requests: the network, or a recording. Never raises for what a server does."""

    def fetch(self, request: Request) -> tuple[Exchange, ...]: ...

    def close(self) -> None: ...


class Postponed(Exception):
    """A host asked for a longer pause than one run waits. Raised and caught inside this module."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long is waited: `longest` seconds for one host within one run; `now` gives UTC ISO 8601 text; `sleep` is the
    clock's, or a test's."""

    longest: float
    now: Callable[[], str]
    sleep: Callable[[float], object] | None = None


class Trying:
    """The worker threads of one run. `gate` is None for a recording, which nobody need wait for."""

    def __init__(
        self, fetcher: Fetcher, waiting: Waiting, *, tier: str = "wire", gate: Gate | None = None, threads: int = 8
    ) -> None:
        self.fetcher, self.tier, self.gate, self.waiting = fetcher, tier, gate, waiting
        self._thread = threading.local()
        self.permit: Callable[[Request, str], str] | None = None
        self.stopping = threading.Event()
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._sleep = waiting.sleep or self.stopping.wait
        self._retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=self._pause,
            retry=retry_if_result(self._worth_another_try),
            sleep=self._rest,
            retry_error_callback=lambda state: None if state.outcome is None else state.outcome.result(),
        )
        self._pool = ThreadPoolExecutor(threads, "fetch")

    def submit(self, look: Look, number: int, request: Request) -> None:
        """Has a request of a look tried. Each try gives an event with its exchanges, the end one without."""
        self._pool.submit(self._work, look, number, request)

    def stop(self) -> None:
        """Ends all waiting, and the requests under way with a failure."""
        self.stopping.set()
        self.fetcher.close()

    def end(self) -> None:
        """Waits for the threads. What has not begun is not asked."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def asked_to_wait(self, exchange: Exchange) -> float:
        """Seconds that a server asked for; none of a recording's."""
        if self.gate is None or exchange.status not in BUSY:
            return 0.0
        return self._asked(exchange)

    def enter(self, url: str) -> str:
        """Waits until the address that a redirect leads to may be asked, in the thread that follows it. Why it is not
        asked, or an empty text; then `left` must follow."""
        if self.permit is not None and (reason := self.permit(self._thread.request, url)):
            return reason
        try:
            self._enter(url)
        except NotNow as reason:
            self._thread.refused = reason.seconds
            return reason.reason
        except Postponed as reason:
            self._thread.refused = reason.seconds
            return "the pause that this host asked for is not over"
        return ""

    def left(self, url: str, exchange: Exchange) -> None:
        """What the address that this thread entered last answered. It holds one at a time: who waited for the next hop
        of a redirect with the place of the one before would wait for himself, or for others that do the same."""
        if self.gate is not None:
            self._thread.entered = False
            self.gate.ended(url, exchange)

    def _work(self, look: Look, number: int, request: Request) -> None:
        try:
            if self.gate is None:
                self._once(look, number, request)
            else:
                last = self._retrying(self._once, look, number, request)
                self.gate.judge(last.url, last)
        except Postponed as reason:
            self.events.put(Event(look=look, number=number, postponed=reason.seconds))
        except NotNow as reason:
            if reason.standing:
                self.events.put(Event(look=look, number=number, skipped=reason, planned=request))
            else:
                self.events.put(Event(look=look, number=number, postponed=reason.seconds))
        except BaseException as bug:  # noqa: BLE001 - handed to the writing thread, which raises it
            self.events.put(Event(look=look, number=number, bug=bug))
        else:
            self.events.put(Event(look=look, number=number))

    def _once(self, look: Look, number: int, request: Request) -> Exchange:
        if self.gate is None:
            exchanges = self.fetcher.fetch(request)
        else:
            self._thread.refused, self._thread.request = 0.0, request
            self._enter(request.url)
            exchanges = self.fetcher.fetch(request)
            if self._thread.entered:  # a fetcher that follows no redirects tells nobody of its hops
                self.left(request.url, exchanges[0])
        if self.tier != "wire":
            exchanges = tuple(replace(exchange, tier=self.tier) for exchange in exchanges)
        self.events.put(Event(look=look, number=number, exchanges=exchanges))
        if self.gate is not None and self._thread.refused:
            raise Postponed(self._thread.refused)
        return exchanges[-1]

    def _enter(self, url: str) -> None:
        if self.gate is None:
            return
        while (wait := self.gate.begin(url)) > 0:
            if (asked := self.gate.asked(url)) > self.waiting.longest:
                raise Postponed(asked)
            if wait > max(self.waiting.longest, PATIENCE):
                raise self.gate.too_slow(url, wait)
            self._rest(wait)
        self._thread.entered = True

    def _rest(self, seconds: float) -> None:
        """Waits; when the run ends meanwhile, what was to follow is left for the next one."""
        self._sleep(seconds)
        if self.stopping.is_set():
            raise Postponed(seconds)

    def _worth_another_try(self, exchange: Exchange) -> bool:
        if exchange.failure in TRANSIENT:
            return True
        return exchange.status in BUSY and self._asked(exchange) <= self.waiting.longest

    def _asked(self, exchange: Exchange) -> float:
        return retry_after(exchange, schedule.parse_time(self.waiting.now()).timestamp()) or 0.0

    def _pause(self, state: RetryCallState) -> float:
        """At least what the server asked for, else exponential with jitter."""
        backoff = (wait_exponential(multiplier=0.5, max=8.0) + wait_random(0.0, 1.0))(state)
        asked = 0.0
        if state.outcome is not None and not state.outcome.failed:
            asked = self._asked(state.outcome.result())
        return max(asked, backoff)
