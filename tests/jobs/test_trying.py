"""Requests in threads, at the pace of their hosts: places that are given back, paces that are ours, circuits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playing import Reply, Server, message, moved, page

from archiver.jobs.config import Config, load
from archiver.jobs.gate import FAILURES, Gate, NotNow
from archiver.jobs.looking import Event, Look
from archiver.jobs.robots import Robots
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import open_session
from archiver.jobs.trying import Trying, Waiting
from archiver.model import Ref, Request
from archiver.net.clock import text_of
from archiver.net.fetch import Fetcher, Policy
from archiver.net.manners import Book, Rule
from archiver.net.pace import Pace
from archiver.platforms import all_platforms, platform_of
from archiver.store.hosts import HostState
from archiver.store.queue import Task

NOON = text_of(datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC))
MOST_RESTS = 200
"""Rests, none of which takes any time, after which a test ends what waits for ever."""


class Trials:
    """Requests of one look through a gate, over the network."""

    def __init__(self, book: Book, *, longest: float = 60.0, states: tuple[HostState, ...] = ()) -> None:
        self.slept: list[float] = []
        self.at = 0.0
        pace = Pace(interval=0.0, now=lambda: self.at)
        self.gate = Gate(book, pace, now=lambda: NOON, jitter=lambda: 0.5, states=states)
        fetcher = Fetcher(Policy(user_agent="test", allow_private=("127.0.0.1",), per_host=8), {})
        waiting = Waiting(longest=longest, now=lambda: NOON, sleep=self._sleep)
        self.trying = Trying(fetcher, waiting, gate=self.gate)
        fetcher.gate = self.trying

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        if len(self.slept) > MOST_RESTS:
            self.trying.stop()

    def ask(self, *urls: str) -> list[Event]:
        """All at once; every event until each has ended."""
        ref = Ref(platform="web", kind="page", id=urls[0])
        platform = platform_of(ref)
        assert platform is not None
        task = Task(ref=ref, host="", purpose="page", depth=0, seed="s", attempts=0, fence=0, added_at=NOON, last_at="")
        look, events = Look(task=task, platform=platform), list[Event]()
        for number, url in enumerate(urls):
            self.trying.submit(look, number, Request(ref=ref, route="page", url=url))
        while sum(not event.exchanges for event in events) < len(urls):
            events.append(self.trying.events.get(timeout=20))
            assert events[-1].bug is None
        return events


@contextmanager
def trials(book: Book, *, longest: float = 60.0, states: tuple[HostState, ...] = ()) -> Iterator[Trials]:
    made = Trials(book, longest=longest, states=states)
    try:
        yield made
    finally:
        made.trying.stop()
        made.trying.end()


@pytest.mark.parametrize("at_once", [1, 2])
def test_nobody_waits_for_himself_where_a_redirect_stays_on_its_host(at_once: int) -> None:
    """One place on a host, or as many as looks that are redirected within it at one time: none is kept over a hop."""
    together = threading.Barrier(at_once)

    def respond(target: str, raw: bytes) -> Reply:
        del raw
        if not target.startswith("/to"):
            return page("here")
        together.wait(20)
        return moved(target.removeprefix("/to"))

    server = Server(respond)
    try:
        with trials(Book(default=Rule(pace=0.0, at_once=at_once))) as made:
            events = made.ask(*(f"{server.base}/to/{n}" for n in range(at_once)))
    finally:
        server.close()
    hops = [[hop.status for hop in event.exchanges] for event in events if event.exchanges]
    assert hops == [[302, 200]] * at_once


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(lambda target, raw: page("here"))
    yield made
    made.close()


def test_our_own_pace_is_no_pause_that_a_server_asked_for(server: Server) -> None:
    """Nothing is postponed for it: `wait` bounds what servers ask for, not how polite we are ourselves."""
    with trials(Book(default=Rule(pace=20.0)), longest=0.0) as made:
        events = made.ask(*(f"{server.base}/{n}" for n in range(4)))
    assert not [event for event in events if event.postponed or event.skipped]
    assert [event.exchanges[0].status for event in events if event.exchanges] == [200] * 4
    assert made.at >= 60.0


def test_a_host_that_is_asked_more_slowly_than_a_run_waits_is_left_to_the_next(server: Server) -> None:
    with trials(Book(default=Rule(pace=600.0))) as made:
        events = made.ask(*(f"{server.base}/{n}" for n in range(3)))
        closed = made.gate.closed(server.place)
        (state,) = made.gate.changed()[0]
    skipped = [event.skipped for event in events if event.skipped]
    assert (len(server.log), len(skipped)) == (1, 2)
    assert all(reason.standing and 590 <= reason.seconds <= 600 for reason in skipped)
    assert not [event for event in events if event.postponed], "that is no failed look"
    assert closed is not None
    assert "is asked once in 600 seconds" in closed.reason
    assert state.not_before == "2026-11-22T12:10:00.000000Z", "later runs keep to it, too"
    assert not made.slept


def test_a_pause_that_a_server_asks_for_is_its_answer_whatever_our_pace(server: Server) -> None:
    busy = message(b"", "Retry-After: 900", status="429 Too Many Requests")
    server.respond = lambda target, raw: busy
    with trials(Book(default=Rule(pace=1.0))) as made:
        assert made.ask(f"{server.base}/1")[-1].postponed == 0.0
        (event,) = made.ask(f"{server.base}/2")
    assert 890 <= event.postponed <= 900
    assert len(server.log) == 1


def test_a_host_that_only_redirects_closes_its_circuit_by_that(server: Server) -> None:
    """What is judged is the answer at the end of the redirects. The hosts before it have answered, too."""
    other = Server(lambda target, raw: moved(f"{server.base}{target}"))
    failed = HostState(host=other.place, failures=FAILURES, opened_at=NOON)
    try:
        with trials(Book(default=Rule(pace=0.0)), states=(failed,)) as made:
            assert made.gate.at_once(other.place) == 1
            made.ask(f"{other.base}/1")
            assert made.gate.at_once(other.place) == 4
            assert [(state.host, state.failures) for state in made.gate.changed()[0]] == [(other.place, 0)]
    finally:
        other.close()


def test_who_waits_for_a_file_that_is_not_asked_for_is_put_off_like_who_was_to_ask(tmp_path: Path) -> None:
    """The budget of the host is spent: no look has failed, all are due as before."""
    with open_session(tmp_path / "archive.db", Config(), now=lambda: NOON) as session:
        robots, looks = Robots(session), []
        for number in range(2):
            ref = Ref(platform="web", kind="page", id=f"https://a.example/{number}")
            task = Task(ref=ref, host="a.example", purpose="page", depth=1, seed="s", attempts=0, fence=0, added_at="")
            looks.append(Look(task=task, platform=all_platforms()["web"]))
            robots.before(looks[-1], Request(ref=ref, route="page", url=ref.id))
        first, second = looks
        assert (first.waiting, second.waiting) == (0, 1), "the caller asks for the first"
        first.skipped.append(NotNow("spent", 600.0, standing=True))
        assert robots.ended(first) == [second]
        assert (second.waiting, second.skipped, second.postponed) == (0, first.skipped, False)


def test_a_run_that_is_cut_right_after_an_answer_remembers_whom_to_leave_alone(server: Server, tmp_path: Path) -> None:
    server.respond = lambda target, raw: message(b"", "Retry-After: 7200", status="429 Too Many Requests")
    config, seed, db = tmp_path / "archiver.toml", tmp_path / "list.urls", tmp_path / "archive.db"
    config.write_text(f'[network]\nallow_private = ["{server.place}"]\n')
    seed.write_text(f"{server.base}/1\n")

    def cut(doing: str, done: int, waiting: int) -> None:
        del waiting
        if doing == "captures" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_archive(db, load(config), Options(seeds=(str(seed),)), progress=cut)
    run_archive(db, load(config), Options(seeds=(str(seed),)))
    assert len(server.log) == 1
