"""Leads talks with outside services: many at once, each answer in bounded time, with the guard and the manners of
captures. A talk stays in the thread that owns the archive; only its requests leave it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

from archiver.errors import InputError
from archiver.jobs import asking
from archiver.jobs.config import Config
from archiver.jobs.read import answer_from_exchange
from archiver.model import Answer, Exchange, Failure, Request
from archiver.net.clock import utc_now
from archiver.net.fetch import Fetcher
from archiver.net.pace import Pace
from archiver.net.timestamps import Said, Talk

AT_ONCE = 8
Key = TypeVar("Key")
Ask = Callable[[Request, float], Answer]
"""(request, until when it may wait for its turn, on the monotonic clock) → answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of a talk, and for how many seconds its last answer asked to be left alone (RFC 9110, Retry-After)."""

    said: Said
    retry_after: int = 0


@contextmanager
def network(config: Config, patience: float) -> Iterator[Ask]:
    """The fetcher of captures, with its guard and its pace, that waits `patience` seconds for one answer."""
    limits = {
        name: min(float(config.network.get(name, patience)), patience)
        for name in ("connect_timeout", "read_timeout", "total_timeout")
    }
    pace = Pace(interval=config.pace_default, intervals=config.pace, at_once=config.per_host)
    with asking.network(replace(config, network={**config.network, **limits})) as fetcher:
        yield lambda request, deadline: _ask(fetcher, pace, request, deadline)


def _ask(fetcher: Fetcher, pace: Pace, request: Request, deadline: float) -> Answer:
    """One answer. A connection that was reset is tried once more: a kept one may have ended meanwhile."""
    try:
        host = urlsplit(request.url).hostname or ""
    except ValueError:
        host = ""  # the guard will say what is wrong with it
    while (wait := pace.begin(host)) > 0:
        if time.monotonic() + wait > deadline:
            return late(request)
        time.sleep(wait)
    exchange = _failed(request, "it was not asked")
    try:
        for _ in range(2):
            exchange = fetcher.fetch(request)[-1]
            if exchange.failure is not Failure.RESET:
                break
        return answer_from_exchange(exchange)
    except InputError as error:
        return answer_from_exchange(_failed(request, str(error)))
    finally:
        pace.finished(host, exchange)
        if exchange.body is not None:
            exchange.body.close()


def _failed(request: Request, why: str) -> Exchange:
    now = utc_now()
    return Exchange(
        uid="", request=request, url=request.url, started_at=now, ended_at=now, failure=Failure.BLOCKED, detail=why
    )


def late(request: Request) -> Answer:
    """The answer to a question that could not be asked in time."""
    return Answer(request=request, status=None, failure=Failure.TIMEOUT, detail="no time was left in this run")


def converse(
    talks: Mapping[Key, Talk], ask: Ask, *, budget: float, clock: Callable[[], float] = time.monotonic
) -> dict[Key, Ended]:
    """Leads all talks to their end, their questions side by side. After `budget` seconds each is answered by a
    time-out, so that what came until then is kept."""
    ended: dict[Key, Ended] = {}
    open_ones: dict[Key, Request] = {}
    deadline = clock() + budget

    def step(key: Key, answer: Answer | None) -> None:
        try:
            open_ones[key] = next(talks[key]) if answer is None else talks[key].send(answer)
        except StopIteration as stop:
            ended[key] = Ended(said=stop.value, retry_after=0 if answer is None else _retry_after(answer))

    for key in talks:
        step(key, None)
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        while open_ones:
            asked, open_ones = open_ones, {}
            if clock() < deadline:
                answers = list(pool.map(lambda request: ask(request, deadline), asked.values()))
            else:
                answers = [late(request) for request in asked.values()]
            for key, answer in zip(asked, answers, strict=True):
                step(key, answer)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who interrupts a run need not wait for a service
    return ended


def _retry_after(answer: Answer) -> int:
    value = answer.header("retry-after").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0
