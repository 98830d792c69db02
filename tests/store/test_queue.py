"""The queue: hosts and seeds in turns, by index, leases and fences, what a killed run and a wrong clock leave."""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.jobs.gate import Gate
from archiver.jobs.turns import HANDFUL, SLICE, Turns
from archiver.model import Ref
from archiver.net.manners import Book, Rule
from archiver.net.pace import Pace
from archiver.store.archive import Archive, open_archive
from archiver.store.hosts import Day, HostState, days, forget, load, store
from archiver.store.queue import Frontier, Task

BEFORE, NOW, LATER = "2026-11-22T11:00:00.000000Z", "2026-11-22T12:00:00.000000Z", "2026-11-22T13:00:00.000000Z"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    held = open_archive(tmp_path / "archive.db", now=BEFORE, origin="archive.example/log")
    held.db.execute("PRAGMA synchronous=OFF")
    yield held
    held.close()


def ref(name: object) -> Ref:
    return Ref(platform="web", kind="page", id=f"https://a.example/{name}")


def add(
    archive: Archive, name: object, *, host: str = "a.example", seed: str = "s", priority: int = 1, depth: int = 0
) -> None:
    Frontier(archive).add(ref(name), host=host, purpose="post", depth=depth, seed=seed, now=BEFORE, priority=priority)


def fill(archive: Archive, rows: Iterator[tuple[object, str, str, int, int, str | None]]) -> None:
    """(name, host, seed, priority, depth, due) at once."""
    with archive.transaction():
        archive.db.executemany(
            "INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, due_at) "
            f"VALUES (?, ?, 'post', ?, ?, ?, '{BEFORE}', ?)",
            ((str(ref(name)), host, depth, seed, priority, due) for name, host, seed, priority, depth, due in rows),
        )


def drain(turns: Turns, frontier: Frontier, *, most: int = 10**9) -> list[Task]:
    """Looks at all that may begin, and lets the oldest look end before anything more begins."""
    done: list[Task] = []
    begun: deque[Task] = deque()
    while len(done) < most:
        while (task := turns.next()) is not None:
            begun.append(task)
        if not begun:
            break
        done.append(begun.popleft())
        assert frontier.record(done[-1], outcome="live", at=NOW, due_at=LATER, failed=False)
        turns.done(done[-1])
    return done


def turns_of(archive: Archive, *, hosts: int = 2, per_host: int = 4, gate: Gate | None = None, **more: Any) -> Turns:
    return Turns(Frontier(archive), gate, now=lambda: NOW, hosts=hosts, per_host=per_host, **more)


def test_a_seed_of_thousands_keeps_one_of_three_waiting_for_no_more_than_a_handful(archive: Archive) -> None:
    fill(archive, ((f"big{n:05}", "a.example", "big", 1, 0, BEFORE) for n in range(5000)))
    fill(archive, ((f"small{n}", "a.example", "small", 1, 0, BEFORE) for n in range(3)))
    done = drain(turns_of(archive), Frontier(archive), most=200)
    first = [task.seed for task in done[: 2 * HANDFUL]]
    assert first.count("small") == 3
    assert len(done) == 200, "and the large one goes on"


def test_hosts_take_turns_within_a_run_and_from_one_run_to_the_next(archive: Archive) -> None:
    frontier = Frontier(archive)
    hosts = [f"h{n}.example" for n in range(5)]
    fill(archive, ((f"{host}/{n}", host, "s", 1, 0, BEFORE) for host in hosts for n in range(400)))
    served = Counter(task.host for task in drain(turns_of(archive, hosts=2), frontier, most=SLICE * 6))
    assert set(served) == set(hosts)
    assert max(served.values()) <= SLICE * 2
    archive.db.execute("UPDATE work_hosts SET leased_until = '', worker = ''")
    for _ in range(10):  # short runs, each for one slice of two hosts: nobody is always the first
        turns = turns_of(archive, hosts=2)
        served.update(task.host for task in drain(turns, frontier, most=40))
        turns.end()
    assert min(served.values()) > 40, served


def test_slow_hosts_keep_others_waiting_for_a_minute_and_not_for_64_looks(archive: Archive) -> None:
    """A server that takes its time with each answer, or asks for half a minute between two, holds a place."""
    fill(archive, ((f"slow{n}/{m}", f"slow{n}.example", "s", 1, 0, BEFORE) for n in range(2) for m in range(200)))
    fill(archive, ((f"quick/{m}", "zz.example", "s", 1, 0, BEFORE) for m in range(3)))
    clock = iter(range(0, 10**6, 30))
    done = drain(turns_of(archive, hosts=2, per_host=1, clock=lambda: float(next(clock))), Frontier(archive), most=20)
    assert [task.host for task in done].count("zz.example") == 3


def test_a_seed_of_thousands_of_hosts_keeps_those_of_others_waiting_for_no_more_than_their_turn(
    archive: Archive,
) -> None:
    """Names cost nothing: a page may link to ten thousand that never answer, each of which nobody asked before."""
    frontier = Frontier(archive)
    for n, host in enumerate(("x.example", "y.example")):
        assert frontier.claim("run", host, BEFORE, BEFORE)
        frontier.release("run", host)
        fill(archive, ((f"{host}/{seed}", host, seed, 1, 0, BEFORE) for seed in ("first", "second")[: n + 1]))
    fill(archive, ((f"{n}", f"h{n:04}.evil.example", "big", 1, 0, BEFORE) for n in range(3000)))
    done = drain(turns_of(archive, hosts=2), frontier, most=20)
    assert {"x.example", "y.example"} <= {task.host for task in done[:10]}


def test_a_small_seed_whose_turn_a_slice_cut_off_has_it_when_its_host_is_served_again(archive: Archive) -> None:
    frontier, hosts = Frontier(archive), ("a.example", "b.example")
    fill(archive, ((f"{host}/{n}", host, "big", 1, 0, BEFORE) for host in hosts for n in range(600)))
    fill(archive, ((f"{host}/x{n}", host, f"seed{n:02}", 1, 0, BEFORE) for host in hosts for n in range(45)))
    done = drain(turns_of(archive, hosts=1), frontier)
    assert len(done) == 1290
    for host in hosts:
        small = [task.seed for task in done[: 4 * SLICE] if task.host == host and task.seed != "big"]
        assert len(set(small)) == len(small) == 45, "each small one had its turn before the large one's third slice"


def test_the_most_urgent_of_a_seed_comes_first_though_much_of_it_is_not_due(archive: Archive) -> None:
    fill(archive, ((f"later{n}", "a.example", "s", 0, 0, LATER) for n in range(100)))
    fill(archive, ((f"never{n}", "a.example", "s", 0, 1, None) for n in range(100)))
    for name, priority, depth in (("media", 2, 0), ("deep", 1, 3), ("near", 1, 0), ("page", 3, 0)):
        add(archive, name, priority=priority, depth=depth)
    done = drain(turns_of(archive), Frontier(archive))
    assert [task.ref for task in done] == [ref("near"), ref("deep"), ref("media"), ref("page")]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a.example", "b.example", "c.example"]),
            st.sampled_from(["", "s", "t", "seeds/ä.txt"]),
            st.integers(0, 3),
            st.integers(0, 3),
            st.sampled_from([BEFORE, NOW, LATER, None]),
            st.sampled_from([0, 1, 1, 1]),
        ),
        max_size=120,
    ),
    hosts=st.integers(1, 4),
    per_host=st.integers(1, 4),
)
def test_everything_that_is_due_is_looked_at_once_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, int, int, str | None, int]],
    hosts: int,
    per_host: int,
) -> None:
    path = tmp_path_factory.mktemp("queue") / "archive.db"
    archive = open_archive(path, now=BEFORE, origin="archive.example/log")
    archive.db.execute("PRAGMA synchronous=OFF")
    fill(archive, ((n, row[0], row[1], row[2], row[3], row[4] if row[5] else None) for n, row in enumerate(rows)))
    archive.db.execute("UPDATE work_queue SET kept = 0 WHERE due_at IS NULL")
    done = drain(turns_of(archive, hosts=hosts, per_host=per_host), Frontier(archive))
    due = {ref(n) for n, row in enumerate(rows) if row[5] and row[4] is not None and row[4] <= NOW}
    assert sorted(map(str, due)) == sorted(str(task.ref) for task in done)
    archive.close()


def test_what_is_queued_while_a_run_goes_on_is_looked_at_too(archive: Archive) -> None:
    frontier = Frontier(archive)
    add(archive, "first")
    turns = turns_of(archive)
    (first,) = drain(turns, frontier)
    assert first.ref == ref("first")
    add(archive, "second", seed="s")
    add(archive, "third", seed="other", host="b.example")
    turns.more("s")
    turns.more("other")
    assert {task.ref for task in drain(turns, frontier)} == {ref("second"), ref("third")}
    assert turns.next() is None


def test_a_host_bears_so_many_looks_at_once_and_a_probe_one(archive: Archive) -> None:
    fill(archive, ((n, host, "s", 1, 0, BEFORE) for n, host in enumerate(["a.example"] * 9 + ["b.example"] * 9)))
    fill(archive, ((100 + n, "off.example", "s", 1, 0, BEFORE) for n in range(3)))
    book = Book(rules={"off.example": Rule(off=True)}, at_once=3)
    state = HostState(host="b.example", failures=7, opened_at=BEFORE, not_before=BEFORE)
    gate = Gate(book, Pace(), now=lambda: NOW, jitter=lambda: 0.0, states=[state])
    turns = turns_of(archive, hosts=4, gate=gate)
    begun = Counter[str]()
    while (task := turns.next()) is not None:
        begun[task.host] += 1
    assert begun == {"a.example": 3, "b.example": 1}
    assert turns.looking() == 4
    assert "switched off" in turns.left["off.example"].reason


def test_a_late_worker_writes_nothing(archive: Archive) -> None:
    add(archive, 1)
    frontier = Frontier(archive)
    assert frontier.claim("one", "a.example", BEFORE, NOW)
    (old,) = frontier.take("a.example", "s", NOW, taken=frozenset(), limit=9)
    assert not frontier.claim("two", "a.example", BEFORE, LATER), "it is leased"
    assert frontier.claim("two", "a.example", NOW, LATER), "the lease is over"
    assert not frontier.record(old, outcome="live", at=NOW, due_at=LATER, failed=False)
    (new,) = frontier.take("a.example", "s", NOW, taken=frozenset(), limit=9)
    assert frontier.record(new, outcome="live", at=NOW, due_at=LATER, failed=False)
    assert not frontier.renew("one", "a.example", LATER)
    assert frontier.renew("two", "a.example", LATER)


def test_a_killed_run_leaves_leases_that_the_next_one_drops(archive: Archive) -> None:
    add(archive, 1)
    frontier = Frontier(archive)
    assert frontier.claim("run", "a.example", NOW, LATER)
    assert frontier.hosts(NOW, limit=9) == ()
    frontier.release_all()
    assert frontier.hosts(NOW, limit=9) == ("a.example",)


def test_a_clock_that_was_ahead_is_healed(archive: Archive) -> None:
    far, past = "2031-01-01T00:00:00.000000Z", "2030-06-01T00:00:00.000000Z"
    for name in ("ahead", "right", "new", "settled"):
        add(archive, name)
    change = "UPDATE work_queue SET last_at = ?, due_at = ?, added_at = ? WHERE ref = ?"
    for name, last, due, added in (
        ("ahead", past, far, BEFORE),
        ("right", BEFORE, LATER, BEFORE),
        ("new", "", past, past),
        ("settled", past, None, BEFORE),
    ):
        archive.db.execute(change, (last, due, added, str(ref(name))))
    store(archive, [HostState(host="a.example", not_before=far), HostState(host="b.example", not_before=LATER)], [])
    frontier = Frontier(archive)
    assert frontier.set_back(NOW, pause=LATER) == 2
    due = dict(archive.db.execute("SELECT ref, due_at FROM work_queue").fetchall())
    assert due == {
        str(ref("ahead")): NOW,
        str(ref("right")): LATER,
        str(ref("new")): NOW,
        str(ref("settled")): None,
    }
    assert {state.host: state.not_before for state in load(archive)} == {"a.example": LATER, "b.example": LATER}
    assert frontier.set_back(NOW, pause=LATER) == 0, "once is enough"


def test_what_is_known_of_hosts_and_days_is_kept_and_forgotten(archive: Archive) -> None:
    states = [
        HostState(host="a.example", failures=3),
        HostState(host="b.example", failures=9, opened_at=NOW, not_before=LATER),
    ]
    counted = [
        Day(host="a.example", day=day, requests=5, bytes=70) for day in ("2026-09-01", "2026-11-22", "2026-11-23")
    ]
    store(archive, states, counted)
    store(archive, [], [Day(host="a.example", day="2026-11-22", requests=6, bytes=80)])
    assert load(archive) == states
    assert [(day.day, day.requests) for day in days(archive, "2026-11-22")] == [("2026-11-22", 6), ("2026-11-23", 5)]
    store(archive, [HostState(host="a.example")], [])
    assert [state.host for state in load(archive)] == ["b.example"]
    forget(archive, "2026-11-01")
    assert archive.value("SELECT count(*) FROM work_days") == 2


def steps(archive: Archive, sql: str, *parameters: object) -> list[str]:
    return [str(row[3]) for row in archive.db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()]


def test_nothing_of_the_queue_is_walked_to_choose_what_comes_next(archive: Archive) -> None:
    seen: list[str] = []
    archive.db.set_trace_callback(seen.append)
    add(archive, 1)
    turns = turns_of(archive)
    drain(turns, Frontier(archive))
    turns.end()
    archive.db.set_trace_callback(None)
    asked = [sql for sql in seen if "work_queue" in sql and sql.lstrip().startswith(("SELECT", "WITH"))]
    assert len(asked) >= 4
    for sql in asked:
        for step in steps(archive, sql):
            assert not step.startswith(("SCAN work_queue", "SCAN q")), (step, sql)
            assert "TEMP B-TREE FOR ORDER BY" not in step or "work_hosts" in sql, (step, sql)


def test_choosing_costs_the_same_in_a_long_queue(tmp_path: Path) -> None:
    """Counted in instructions of SQLite's machine, not by a clock."""
    spent = []
    for count in (1_000, 20_000):
        archive = open_archive(tmp_path / f"{count}.db", now=BEFORE, origin="archive.example/log")
        archive.db.execute("PRAGMA synchronous=OFF")
        fill(archive, ((n, "a.example", f"s{n % 7}", n % 4, 0, LATER if n % 10 else BEFORE) for n in range(count)))
        ticks = Counter[str]()

        def tick(ticks: Counter[str] = ticks) -> int:
            ticks["steps"] += 1
            return 0

        archive.db.set_progress_handler(tick, 10)
        done = drain(turns_of(archive), Frontier(archive), most=90)
        archive.db.set_progress_handler(None, 0)
        assert len(done) == 90
        spent.append(ticks["steps"])
        archive.close()
    print(f"instructions / 10: {spent}")
    assert spent[1] < spent[0] * 1.5


def test_leasing_a_host_costs_the_same_among_many(archive: Archive) -> None:
    """A crawl meets hosts by the ten thousand, and each is leased in a run."""
    frontier, spent = Frontier(archive), list[int]()
    for known in (100, 10_000):
        rows = ((f"h{known}-{n}.example", n, BEFORE) for n in range(known))
        archive.db.executemany("INSERT INTO work_hosts (host, fence, leased_until) VALUES (?, ?, ?)", rows)
        assert frontier.claim("w", f"first{known}.example", NOW, LATER)
        ticks = Counter[str]()

        def tick(ticks: Counter[str] = ticks) -> int:
            ticks["steps"] += 1
            return 0

        archive.db.set_progress_handler(tick, 1)
        for n in range(20):
            assert frontier.claim("w", f"new{known}-{n}.example", NOW, LATER)
        archive.db.set_progress_handler(None, 0)
        spent.append(ticks["steps"])
    assert spent[1] < spent[0] * 1.5, spent


def test_a_lease_fences_off_the_one_before_whoever_counts(archive: Archive) -> None:
    """Each frontier counts its tickets by itself; of one host each lease has a higher one."""
    one, other = Frontier(archive), Frontier(archive)
    add(archive, 1)
    assert one.claim("one", "a.example", BEFORE, NOW)
    for n in range(5):
        assert other.claim("other", f"h{n}.example", BEFORE, NOW)
    fences = []
    for frontier in (other, one, other):
        assert frontier.claim("w", "a.example", LATER, BEFORE)
        fences.append(archive.value("SELECT fence FROM work_hosts WHERE host = 'a.example'"))
    assert fences == sorted(set(fences))


def test_the_index_of_turns_is_the_one_that_is_named(archive: Archive) -> None:
    archive.db.execute("DROP INDEX work_queue_turn")
    add(archive, 1)
    with pytest.raises(sqlite3.OperationalError, match="no such index"):
        drain(turns_of(archive), Frontier(archive))
