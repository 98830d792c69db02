"""When a host may be asked again: a minimum interval, a number of requests at once, and what the host asks for.

Nothing sleeps here: the caller asks `begin`, and sleeps for as long as it says. Rate-limit headers: Retry-After
(RFC 9110 section 10.2.3), and on 429 the reset headers that platforms send instead (`x-rate-limit-reset` of X,
`ratelimit-reset` of Bluesky, `x-ratelimit-reset` of Mastodon).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from archiver.model import Exchange, Failure
from archiver.net.clock import time_of
from archiver.net.guard import canonical_host

BUSY = frozenset({429, 503})
UNREACHED = frozenset({Failure.CONNECT, Failure.TIMEOUT, Failure.RESET})
"""A name that does not resolve is not among them: there is no server to be polite to."""
RESETS = ("x-rate-limit-reset", "ratelimit-reset", "x-ratelimit-reset")
EPOCHS = 1_000_000_000
"""A reset number from here on is Unix time, below it is a delay in seconds."""
MOST_ASKED = 999_999_999.0
"""Seconds. Who asks for more, by mistake or malice, asks for this."""
MANY_HOSTS = 4096


def retry_after(exchange: Exchange, now: float) -> float | None:
    """Seconds to wait, counted from Unix time `now`, that an answer asks for; None when it asks for nothing.

    A date is read against the answer's own Date header, so that a wrong clock on either side does no harm.
    """
    headers = dict(reversed(exchange.headers))
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,99}", value):
        return min(float(value), MOST_ASKED)
    at = _http_date(value)
    if at is not None:
        date = _http_date(headers.get("date", ""))
        return max(0.0, at - (now if date is None else date))
    if exchange.status != 429:
        return None
    return next((delay for name in RESETS if (delay := _reset(headers.get(name, ""), now)) is not None), None)


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _reset(text: str, now: float) -> float | None:
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", text):
        number = float(text)
        return max(0.0, number - now) if number >= EPOCHS else number
    try:
        return max(0.0, time_of(text).timestamp() - now)
    except ValueError:
        return None


@dataclass(slots=True)
class _Host:
    """What is known of one host. Mutable; only touched under the lock of its Pace."""

    active: int = 0
    next_at: float = 0.0
    left_until: float = 0.0
    refusals: int = 0


class Pace:
    """Keeps the pace towards every host; usable from any thread.

    `interval` is the least number of seconds between two starts, `intervals` the same by host name, `at_once`
    how many requests may run at a time. A host that answers 429 or 503, or cannot be reached, is left alone
    for as long as it says, at most `longest`; if it says nothing, for `backoff` seconds, doubled each time.
    `now` is a clock in seconds, monotonic by default; `wall` is Unix time, for dates in headers.
    """

    def __init__(
        self,
        *,
        interval: float = 1.0,
        intervals: Mapping[str, float] | None = None,
        at_once: int = 2,
        backoff: float = 5.0,
        longest: float = 3600.0,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._interval, self._at_once = interval, at_once
        self._intervals = {canonical_host(host): seconds for host, seconds in (intervals or {}).items()}
        self._backoff, self._longest = backoff, longest
        self._now, self._wall = now, wall
        self._hosts: dict[str, _Host] = {}
        self._many = MANY_HOSTS
        self._lock = threading.Lock()

    def interval(self, host: str) -> float:
        """Seconds between two starts to this host."""
        return self._intervals.get(canonical_host(host), self._interval)

    def ready_at(self, host: str) -> float:
        """When, on the clock `now`, a request may start. With all slots taken: when to ask again, at the earliest."""
        with self._lock:
            return self._ready_at(canonical_host(host))

    def begin(self, host: str, *, lane: str = "", interval: float | None = None, at_once: int | None = None) -> float:
        """Start if that is possible now: 0.0 means that a slot was taken (`finished` gives it back).

        Otherwise the number of seconds after which to try again. `ready_at` and `started` in one step, so that
        two threads cannot both start. A `lane` is a part of a host with an interval and slots of its own; what the
        host asks for holds in all of them. `interval` and `at_once` replace those that this was made with.
        """
        host = canonical_host(host)
        lane = lane or host
        with self._lock:
            ready = self._ready_at(lane, interval, at_once)
            now = self._now()  # read after it: a host that is ready now must not have to wait for the difference
            wait = ready - now
            if lane != host and (whole := self._hosts.get(host)) is not None:
                wait = max(wait, whole.left_until - now)
            if wait > 0:
                return wait
            self._start(lane, interval)
            return 0.0

    def asked(self, host: str) -> float:
        """Seconds for which a host is still to be left alone for what it answered, whatever our interval."""
        with self._lock:
            state = self._hosts.get(canonical_host(host))
            return 0.0 if state is None else max(0.0, state.left_until - self._now())

    def started(self, host: str) -> None:
        """A request to this host starts now."""
        with self._lock:
            self._start(canonical_host(host))

    def finished(self, host: str, exchange: Exchange, *, lane: str = "") -> None:
        """A request ended with this answer: give its slot back, and heed what the host asks for."""
        key = canonical_host(host)
        with self._lock:
            now = self._now()
            used = self._hosts.setdefault(lane or key, _Host())
            used.active = max(0, used.active - 1)
            state = self._hosts.setdefault(key, _Host())
            asked = retry_after(exchange, self._wall())
            if exchange.status in BUSY or (exchange.status is None and exchange.failure in UNREACHED):
                state.refusals += 1
                doubled = self._backoff * 2.0 ** min(state.refusals - 1, 16)
                asked = doubled if asked is None else asked
            elif exchange.status is not None:
                state.refusals = 0
            if asked is not None:
                state.left_until = max(state.left_until, now + min(asked, self._longest))
                state.next_at = max(state.next_at, state.left_until)
            self._forget(now)

    def _ready_at(self, key: str, interval: float | None = None, at_once: int | None = None) -> float:
        state = self._hosts.get(key)
        if state is None:
            return self._now()
        if state.active >= (self._at_once if at_once is None else at_once):
            return max(state.next_at, self._now() + max(self._between(key, interval), 0.05))
        return max(state.next_at, self._now())

    def _start(self, key: str, interval: float | None = None) -> None:
        state = self._hosts.setdefault(key, _Host())
        state.active += 1
        state.next_at = max(state.next_at, self._now() + self._between(key, interval))

    def _between(self, key: str, interval: float | None) -> float:
        return self._intervals.get(key, self._interval) if interval is None else interval

    def _forget(self, now: float) -> None:
        """Hosts of which nothing is to be kept any more, once there are many."""
        if len(self._hosts) > self._many:
            self._hosts = {
                host: state
                for host, state in self._hosts.items()
                if state.active or state.refusals or state.next_at > now
            }
            self._many = max(MANY_HOSTS, 2 * len(self._hosts))  # not with each request, where most are to be kept
