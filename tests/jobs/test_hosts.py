"""How hosts are asked: what the configuration says, what a host documents, and what every request passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from archiver.errors import InputError
from archiver.jobs.config import load
from archiver.jobs.gate import FAILURES, FIRST, LONGEST, Gate, NotNow
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.clock import text_of
from archiver.net.guard import check_url
from archiver.net.manners import DOCUMENTED, Book, Rule, host_of
from archiver.net.pace import Pace
from archiver.net.policy import Policy
from archiver.store.hosts import Day, HostState

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def book(folder: Path, text: str) -> Book:
    path = folder / "archiver.toml"
    path.write_text(text)
    return load(path).manners


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Blog.Example./a", "blog.example"),
        ("https://blog.example:443/a", "blog.example"),
        ("http://blog.example:443/a", "blog.example:443"),
        ("http://ann:secret@127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[::1]/", "[::1]"),
        ("http://blog.example:port/", ""),
        ("seed:list.txt", ""),
        # other spellings of one host, as Locations may have them: whom the guard connects to
        ("https://\uff42log.example/", "blog.example"),
        ("https://blog\u3002example/", "blog.example"),
        ("http://\uff11\uff12\uff17.0.0.1:8080/", "127.0.0.1:8080"),
        ("https://B\u00fccher.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://[0:0::0:1]:8080/", "[::1]:8080"),
        ("https://a\u200db.example/", "a\u200db.example"),  # no name: the guard refuses it
    ],
)
def test_whom_an_address_asks(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize("spelled", ["\uff42log.example", "blog\uff0eexample", "BLOG.example.", "blog.ex\u1d43mple"])
def test_a_host_is_switched_off_however_it_is_spelled(tmp_path: Path, spelled: str) -> None:
    rules = book(tmp_path, '[hosts."blog.example"]\noff = true\n')
    assert check_url(f"https://{spelled}/a", Policy(user_agent="q")).host.rstrip(".") == "blog.example"
    assert rules.of(f"https://{spelled}/a").off


def test_odd_ports_of_a_public_name_have_one_pace(tmp_path: Path) -> None:
    """A post can link to each port of somebody's server: that is one server."""
    rules = book(tmp_path, '[hosts."blog.example:8080"]\npace = 2\n[hosts."own.example/api/"]\npace = 3\n')
    pace = Pace(now=lambda: 0.0)
    gate = Gate(rules, pace, now=lambda: text_of(NOON), jitter=lambda: 0.5)
    assert gate.begin("http://blog.example:1/") == 0.0
    assert gate.begin("http://blog.example:2/") > 0.0
    assert gate.begin("http://8.8.8.8:1/") == 0.0
    assert gate.begin("http://8.8.8.8:2/") > 0.0
    for apart in (
        "http://blog.example/",
        "http://blog.example:8080/",
        "http://own.example:81/api/x",
        "http://c.example:1/",
    ):
        assert gate.begin(apart) == 0.0, apart
    for own in (
        "http://127.0.0.1:1/",
        "http://127.0.0.1:2/",
        "http://[::1]:1/",
        "http://[::1]:2/",
        "http://localhost:1/",
    ):
        assert gate.begin(own) == 0.0, "of our own network, each of which a person allows"


def test_the_closest_rule_counts_value_by_value(tmp_path: Path) -> None:
    rules = book(
        tmp_path,
        '[pace]\ndefault = 2.0\n"old.example" = 7.0\n[follow]\nper_host = 3\n'
        '[hosts.default]\nrequests_per_day = 1000\n[hosts."*.blog.example"]\npace = 4\nat_once = 1\n'
        '[hosts."a.blog.example"]\nat_once = 2\nbytes_per_day = 5\n[hosts."a.blog.example/api/"]\npace = 9.5\n'
        '[hosts."127.0.0.1:8080"]\noff = true\n[hosts."old.example"]\nat_once = 1\n',
    )
    plain = rules.of("https://other.example/")
    assert (plain.pace, plain.at_once, plain.requests_per_day, plain.off) == (2.0, 3, 1000, False)
    sub = rules.of("https://x.y.blog.example/")
    assert (sub.pace, sub.at_once, sub.bytes_per_day, sub.requests_per_day) == (4.0, 1, 0, 1000)
    assert rules.of("https://blog.example/").pace == 2.0, "a star stands for subdomains"
    near = rules.of("https://A.blog.example/")
    assert (near.pace, near.at_once, near.bytes_per_day, near.lane) == (4.0, 2, 5, "a.blog.example")
    part = rules.of("https://a.blog.example/api/x")
    assert (part.pace, part.at_once, part.bytes_per_day, part.host) == (9.5, 2, 5, "a.blog.example")
    assert part.lane != near.lane
    assert (rules.of("https://old.example/").pace, rules.of("https://old.example/").at_once) == (7.0, 1)
    assert rules.of("http://127.0.0.1:8080/").off
    assert not rules.of("http://127.0.0.1:8081/").off
    assert rules.of_host("127.0.0.1:8080").off


def test_what_hosts_document_holds_until_a_person_says_otherwise(tmp_path: Path) -> None:
    rules = book(tmp_path, "")
    cdx, memento = (
        rules.of("https://web.archive.org/cdx/search/cdx?url=x"),
        rules.of("https://web.archive.org/web/1id_/x"),
    )
    assert (cdx.pace, cdx.at_once, memento.pace) == (2.5, 1, 0.125)
    assert cdx.host == memento.host
    assert rules.of("https://api.fxtwitter.com/2/status/20").pace * 1000 / 60 >= 1
    assert rules.of("https://pds.host.bsky.network/xrpc/x").pace == 0.2
    assert rules.of("https://social.example/@ann/1").pace == 1.0, "300 in five minutes"
    slow = book(tmp_path, "[pace]\ndefault = 5.0\n")
    assert slow.of("https://api.fxtwitter.com/x").pace == 5.0, "nobody who wants to be slow is made faster"
    fast = book(tmp_path, "[pace]\ndefault = 0.0\n")
    assert fast.of("https://web.archive.org/cdx/x").pace == 2.5
    own = book(tmp_path, '[hosts."web.archive.org/cdx/"]\npace = 0.0\n')
    assert own.of("https://web.archive.org/cdx/x").pace == 0.0
    assert all(rule.off is None for rule in DOCUMENTED.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hosts = 3\n", "hosts must be a table"),
        ('[hosts]\n"a.example" = 3\n', "'a.example' in [hosts] must be a table"),
        ('[hosts."a.example"]\nspeed = 3\n', "unknown key 'speed' in [hosts.\"a.example\"]"),
        ('[hosts."a.example"]\noff = 1\n', "'off' in [hosts.\"a.example\"] must be true or false"),
        ('[hosts."a.example"]\npace = true\n', "'pace' in [hosts.\"a.example\"] must be a number"),
        ('[hosts."a.example"]\npace = nan\n', "must not be negative, infinite or nan"),
        ('[hosts."a.example"]\npace = 100000\n', "must be at most 86400 seconds"),
        ('[hosts."a.example"]\nrequests_per_day = 1.5\n', "must be an integer"),
        ('[hosts."a.example"]\nrequests_per_day = -1\n', "must not be negative"),
        ('[hosts."a.example"]\nat_once = 9\n', "must be from 1 to 8"),
        ("[hosts.default]\nat_once = 0\n", "'at_once' in [hosts.default] must be from 1 to 8"),
        ('[hosts."a.example/x/"]\noff = true\n', "is of a whole host"),
        ('[hosts."*.a.example/x/"]\npace = 1\n', "has both a star and a path"),
        ('[hosts."https://a.example"]\npace = 1\n', "names no host"),
        ('[hosts."a*.example"]\npace = 1\n', "names no host"),
        ('[hosts.""]\npace = 1\n', "names no host"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        book(tmp_path, text)
    assert told in str(caught.value)


class Times:
    """One clock for all: Unix seconds as the wall shows them."""

    def __init__(self) -> None:
        self.at = NOON

    def text(self) -> str:
        return text_of(self.at)

    def seconds(self) -> float:
        return self.at.timestamp()

    def ahead(self, **by: float) -> None:
        self.at += timedelta(**by)


def gate(times: Times, rules: Book, *, states: tuple[HostState, ...] = (), days: tuple[Day, ...] = ()) -> Gate:
    pace = Pace(now=times.seconds, wall=times.seconds, backoff=0.0)
    return Gate(rules, pace, now=times.text, jitter=lambda: 0.5, states=states, days=days)


def answered(url: str, status: int | None, failure: Failure = Failure.NONE, *, size: int = 0) -> Exchange:
    request = Request(ref=Ref(platform="web", kind="page", id=url), route="page", url=url)
    at = text_of(NOON)
    return Exchange(
        uid="u", request=request, url=url, started_at=at, ended_at=at, status=status, failure=failure, size=size
    )


A, B = "https://a.example/1", "https://b.example/1"


def ask(passing: Gate, url: str, status: int | None, failure: Failure = Failure.NONE, *, size: int = 0) -> None:
    assert passing.begin(url) == 0.0
    passing.ended(url, answered(url, status, failure, size=size))
    passing.judge(url, answered(url, status, failure))


QUICK = Book(default=Rule(pace=0.0))


def test_a_host_that_fails_is_left_alone_longer_each_time_until_it_answers() -> None:
    times = Times()
    first = gate(times, QUICK)
    ask(first, B, 200)
    for _ in range(FAILURES - 1):
        ask(first, A, 503)
    assert first.closed("a.example") is None
    ask(first, A, None, Failure.TIMEOUT)
    closed = first.closed("a.example")
    assert closed is not None
    assert closed.standing
    assert closed.seconds == FIRST
    assert f"failed {FAILURES} times" in closed.reason
    with pytest.raises(NotNow):
        first.begin("https://a.example/another")
    assert first.begin(B) == 0.0, "others are asked"
    pauses, states = [], first.changed()[0]
    for _ in range(9):
        times.ahead(seconds=closed.seconds + 1)
        later = gate(times, QUICK, states=tuple(states))
        ask(later, B, 200)
        assert later.at_once("a.example") == 1
        assert later.begin(A) == 0.0
        assert later.begin(A) > 0, "one probe, no more"
        later.ended(A, answered(A, 500))
        later.judge(A, answered(A, 500))
        closed = later.closed("a.example")
        assert closed is not None
        pauses.append(closed.seconds)
        states = later.changed()[0]
        assert [state.opened_at for state in states if state.host == "a.example"] == [text_of(NOON)]
    assert pauses == [min(FIRST * 2.0**n, LONGEST) for n in range(1, 10)]
    times.ahead(days=2)
    well = gate(times, QUICK, states=tuple(states))
    ask(well, A, 404)
    (state,) = well.changed()[0]
    assert (state.failures, state.opened_at) == (0, "")
    assert well.at_once("a.example") == 4


def test_an_answer_between_failures_keeps_the_circuit_closed() -> None:
    passing = gate(Times(), QUICK)
    for number in range(50):
        ask(passing, A, 200 if number % FAILURES == 0 else 500)
    assert passing.closed("a.example") is None


def test_what_we_refused_ourselves_is_no_failure_of_a_host() -> None:
    passing = gate(Times(), QUICK)
    for _ in range(50):
        ask(passing, A, None, Failure.BLOCKED)
    assert passing.closed("a.example") is None


def test_our_own_network_being_down_leaves_nobody_alone_for_long() -> None:
    times = Times()
    states: tuple[HostState, ...] = ()
    for _ in range(12):
        passing = gate(times, QUICK, states=states)
        for url in (A, B):
            while passing.closed(host_of(url)) is None:
                ask(passing, url, None, Failure.CONNECT)
        closed = passing.closed("a.example")
        assert closed is not None
        assert closed.seconds == FIRST
        states = tuple(passing.changed()[0])
        times.ahead(seconds=FIRST + 1)


def test_chance_spreads_the_pauses_within_bounds() -> None:
    chance, waits = Random(6), set()
    for _ in range(40):
        times = Times()
        passing = Gate(QUICK, Pace(now=times.seconds, backoff=0.0), now=times.text, jitter=chance.random)
        ask(passing, B, 200)
        for _ in range(FAILURES):
            ask(passing, A, 500)
        closed = passing.closed("a.example")
        assert closed is not None
        waits.add(closed.seconds)
    assert len(waits) > 30
    assert FIRST * 0.75 <= min(waits) < max(waits) <= FIRST * 1.25


def test_a_spent_day_ends_at_midnight_and_is_kept_by_later_runs() -> None:
    times = Times()
    rules = replace(QUICK, rules={"a.example": Rule(requests_per_day=3), "b.example": Rule(bytes_per_day=100)})
    first = gate(times, rules)
    ask(first, A, 200)
    ask(first, A, 404)
    ask(first, B, 200, size=99)
    assert first.closed("a.example") is None
    counted = tuple(first.changed(days=False)[1])
    assert {(day.host, day.day, day.requests, day.bytes) for day in counted} == {
        ("a.example", "2026-11-22", 2, 0),
        ("b.example", "2026-11-22", 1, 99),
    }
    second = gate(times, rules, days=counted)
    ask(second, A, 200)
    ask(second, B, 200, size=1)
    for host in ("a.example", "b.example"):
        closed = second.closed(host)
        assert closed is not None
        assert closed.standing
        assert closed.seconds == 12 * 3600
    with pytest.raises(NotNow, match="requests for a"):
        second.begin(A)
    counted = tuple(second.changed()[1])
    times.ahead(hours=13)
    third = gate(times, rules, days=counted)
    ask(third, A, 200)
    times.ahead(hours=-13)
    assert third.closed("a.example") is not None, "a day that comes twice is one day"


def test_a_budget_counts_what_is_under_way() -> None:
    passing = gate(Times(), replace(QUICK, rules={"a.example": Rule(requests_per_day=2)}))
    assert [passing.begin(A), passing.begin(A)] == [0.0, 0.0]
    with pytest.raises(NotNow):
        passing.begin(A)


def test_a_host_that_is_switched_off_is_asked_nothing() -> None:
    passing = gate(Times(), replace(QUICK, rules={"*.example": Rule(off=True)}))
    with pytest.raises(NotNow, match="is switched off"):
        passing.begin(A)


def test_a_part_of_a_host_has_a_pace_of_its_own_and_shares_its_pauses() -> None:
    times = Times()
    rules = Book(rules={"a.example/slow/": Rule(pace=60.0, at_once=1), "a.example": Rule(pace=1.0)})
    passing = gate(times, rules)
    slow = "https://a.example/slow/1"
    assert (passing.begin(slow), passing.begin(A)) == (0.0, 0.0)
    assert (passing.begin(slow) >= 60.0, passing.begin(A)) == (True, 1.0)
    busy = replace(answered(slow, 429), headers=(("retry-after", "500"),))
    passing.ended(slow, busy)
    assert (passing.begin(slow), passing.begin(A)) == (500.0, 500.0)


def test_a_pause_that_a_host_asks_for_outlasts_the_run() -> None:
    times = Times()
    first = gate(times, QUICK)
    first.leave_alone("a.example", 7200.0)
    closed = first.closed("a.example")
    assert closed is not None
    assert not closed.standing, "in the run that it answered it is an answer"
    later = gate(times, QUICK, states=tuple(first.changed()[0]))
    closed = later.closed("a.example")
    assert closed is not None
    assert closed.standing
    times.ahead(hours=2)
    assert later.closed("a.example") is None
