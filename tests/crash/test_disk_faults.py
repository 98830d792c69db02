"""Disks that fail, fill up or are read-only, a file that another program holds, a clock that jumps: at any moment of a
run. The command says where and what to do next; nothing half-stored is visible; the next run heals it."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.crash.bench import Bench
from tests.crash.observing import Seen, command, result, told, unchanged, verified, whole

SYNC, WRITE, OPEN = 1, 2, 4
FAULTS = {
    "syncs fail for ever": {"fail_kind": SYNC, "fail_errno": errno.EIO},
    "one sync fails": {"fail_kind": SYNC, "fail_errno": errno.EIO, "fail_for": 1},
    "the disk is full": {"fail_kind": WRITE, "fail_errno": errno.ENOSPC},
    "one write fails": {"fail_kind": WRITE, "fail_errno": errno.EIO, "fail_for": 1},
    "the quota is spent": {"fail_kind": WRITE | OPEN, "fail_errno": errno.EDQUOT},
    "the disk turns read-only": {"fail_kind": WRITE | OPEN | SYNC, "fail_errno": errno.EROFS},
}


def healed(bench: Bench, seen: Seen, expected: object = None) -> None:
    """After a fault the next run does what was left."""
    done = bench.call("run", bench.seeds)
    assert done.code == 0, done.out
    seen.see(bench.desk.db)
    verified(bench.starter, bench.desk)
    whole(bench.desk.db)
    if expected is not None:
        assert result(bench.desk) == expected


def faulty(bench: Bench, fault: str, count: int, seed: int) -> tuple[int, int]:
    """So many runs in which the fault begins at a random step of its kind. (told, harmless)."""
    armed, chance, ends = FAULTS[fault], random.Random(seed), {0: 0, 2: 0}
    before = bench.files()
    _, matching, _ = bench.counted("run", bench.seeds, kind=armed["fail_kind"])
    expected = result(bench.desk)
    for _ in range(count):
        bench.put(before)
        at = chance.randint(1, matching)
        done = bench.call("run", bench.seeds, **armed, fail_at=at)
        assert "Traceback" not in done.out, (at, done.out)
        if done.code & 2:
            told(done, str(bench.disk), codes=(2, 3))
        ends[done.code & 2] += 1
        seen = Seen()
        if bench.desk.db.exists():
            seen.see(bench.desk.db)
        healed(bench, seen, expected)
    unchanged(bench.starter, bench.desk)
    print(f"{fault}: {count} runs of {matching} such steps; {ends[2]} said so, for {ends[0]} it made no difference")
    return ends[2], ends[0]


@pytest.mark.heavy
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_moment_is_told_and_the_next_run_heals(bench: Bench, fault: str) -> None:
    said, _ = faulty(bench, fault, 15, len(fault))
    assert said


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A file system of its own in memory; the test is skipped where it may not be mounted."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


@pytest.mark.heavy
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_a_small_disk_fills_up_is_made_larger_and_turns_read_only(bench: Bench) -> None:
    """A file system that is really full, at several sizes, and really read-only."""
    for size in ("200k", "1m", "2m", "5m", "9m"):
        bench.put({})  # a log of its own each time, with a key of its own
        with small_disk(bench.disk / "desk", size):
            done = bench.call("run", bench.seeds)
            told(done, str(bench.disk), codes=(2, 3))
            seen = Seen()
            if bench.desk.db.exists() and bench.desk.db.stat().st_size:
                seen.see(bench.desk.db)
            kept = seen.captures
            remount(bench.disk / "desk", "size=200m")
            healed(bench, seen)
            remount(bench.disk / "desk", "ro")
            told(bench.call("run", bench.seeds), str(bench.desk.db))
            assert bench.call("show", bench.world.post(0, 0)).code == 0, "reading is never refused"
            verified(bench.starter, bench.desk)
            remount(bench.disk / "desk", "rw")
            healed(bench, seen)
        print(f"{size}: {kept} captures before it was full")


# ---- another program holds the file -----------------------------------------------------------------------------


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The write lock of the file, as a program has it that writes to it beside us."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def under_way(bench: Bench, count: int) -> None:
    """Waits until so many requests have come."""
    until = time.monotonic() + 20
    while len(bench.world.log()) < count and time.monotonic() < until:
        time.sleep(0.002)
    assert len(bench.world.log()) >= count


@pytest.mark.heavy
def test_a_file_that_another_program_holds_for_a_while_is_waited_for(bench: Bench) -> None:
    running = bench.starter.start(command(bench.desk, "run", bench.seeds))
    under_way(bench, 5)
    with held(bench.desk.db):
        assert not running.ended(3.0)
    done = running.wait()
    assert done.code == 0, done.out
    healed(bench, Seen())


@pytest.mark.heavy
@pytest.mark.parametrize("when", ["before", "within"])
def test_a_file_that_another_program_holds_for_ever_is_told(bench: Bench, when: str) -> None:
    if when == "before":
        assert bench.call("add", bench.seeds).code == 0
        with held(bench.desk.db):
            done = bench.call("run", bench.seeds)
    else:
        running = bench.starter.start(command(bench.desk, "run", bench.seeds))
        under_way(bench, 5)
        with held(bench.desk.db):
            assert running.ended(100)
        done = running.wait()
    told(done, str(bench.desk.db))
    assert "run again" in done.out
    seen = Seen()
    seen.see(bench.desk.db)
    healed(bench, seen)


# ---- a damaged file -----------------------------------------------------------------------------------------------


@pytest.mark.heavy
def test_a_damaged_file_is_never_taken_for_whole_and_never_a_traceback(bench: Bench) -> None:
    assert bench.call("run", bench.seeds).code == 0
    whole_file, chance, said = bench.desk.db.read_bytes(), random.Random(9), 0
    for _ in range(25):
        data = bytearray(whole_file)
        for _ in range(chance.randint(1, 30)):
            page = chance.randrange(len(data) // 4096) * 4096
            data[page : page + 4096] = chance.randbytes(4096) if chance.random() < 0.5 else bytes(4096)
        bench.desk.db.write_bytes(data)
        for words in (
            ["verify"],
            ["run", "--offline"],
            ["status"],
            ["show", bench.world.post(0, 0)],
            ["rebuild", "--check"],
        ):
            done = bench.starter.call(command(bench.desk, *words))
            assert "Traceback" not in done.out, (words, done.out)
            if words == ["verify"]:
                assert done.code, "a damaged file was taken for whole"
                said += 1
    print(f"{said} damaged files")


# ---- the clock ------------------------------------------------------------------------------------------------------

HOUR, YEAR = 3_600_000, 365 * 24 * 3_600_000


def jumping(bench: Bench, count: int, seed: int) -> None:
    """Runs whose clock jumps back or forward at a random moment; then one whose clock is right."""
    before, chance = bench.files(), random.Random(seed)
    _, _, looks = bench.counted("run", bench.seeds)
    expected = result(bench.desk)
    for _ in range(count):
        bench.put(before)
        by = chance.choice((-10 * YEAR, -YEAR, -HOUR, -5000, 5000, HOUR, YEAR, 10 * YEAR))
        at = chance.randint(1, looks)
        done = bench.call("run", bench.seeds, clock_at=at, clock_by=by)
        assert done.code in (0, 1), (at, by, done.out)
        seen = Seen()
        seen.see(bench.desk.db)
        seen.done.clear()  # what was looked at under a wrong clock may be looked at again
        healed(bench, seen, expected)
        assert bench.desk.value(AHEAD) <= RAREST, (at, by, "a look is put off for years by a clock that leapt")
    unchanged(bench.starter, bench.desk)
    print(f"{count} jumps of the clock among {looks} looks at it")


AHEAD = "SELECT max(julianday(due_at)) - julianday('now') FROM work_queue WHERE due_at IS NOT NULL"
"""Days until the last look that is planned."""
RAREST = 31
"""More than any policy of the defaults lets a ref wait that is kept. What was first seen under a clock that was years
behind counts as old from then on, and is looked at as rarely."""


@pytest.mark.heavy
def test_a_clock_that_jumps_within_a_run_is_healed_by_the_next(bench: Bench) -> None:
    jumping(bench, 20, 2)
