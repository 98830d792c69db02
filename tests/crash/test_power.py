"""A power cut at any moment: what was told as committed or signed before it is there afterwards, and the file is sound.

Everything that runs do to their files is recorded; of it images are made as a power cut may leave them. A disk that
only says that it has synced is tried, too: nothing can be promised then but that it is told.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash import powercut
from tests.crash.bench import Bench
from tests.crash.observing import Seen, command, unchanged, verified, whole
from tests.crash.powercut import Disk, Record
from tests.crash.starter import CRASHED


def at(bench: Bench, before: dict[str, bytes], records: list[Record], likely: float, chance: random.Random) -> None:
    """Puts what a power cut after these records leaves on the disk."""
    disk = Disk(before)
    for record in records:
        disk.play(record)
    powercut.restore(bench.disk, disk.left(chance, likely))


def promised(bench: Bench, before: dict[str, bytes], records: list[Record]) -> Seen:
    """What SQLite had told as committed: what stood there at the last commit that returned."""
    last = max((n for n, record in enumerate(records) if record.kind == "M"), default=-1)
    seen = Seen()
    if last >= 0 or before:
        at(bench, before, records[: last + 1], 1, random.Random(0))
        if bench.desk.db.exists():
            seen.see(bench.desk.db)
    return seen


def cut(bench: Bench, before: dict[str, bytes], records: list[Record], count: int, seed: int) -> int:
    """As many power cuts at random moments of what was recorded. How many rows were promised in all."""
    chance, rows = random.Random(seed), 0
    for _ in range(count):
        upto = chance.randint(1, len(records))
        if chance.random() < 0.5:  # around a sync or a commit, where it matters most
            upto = chance.choice([n for n, record in enumerate(records) if record.kind in "SMURL"]) + chance.randint(
                0, 2
            )
        seen = promised(bench, before, records[:upto])
        at(bench, before, records[:upto], chance.choice((0.0, 0.3, 0.5, 0.9, 1.0)), chance)
        if bench.desk.db.exists():
            seen.see(bench.desk.db)
        done = bench.starter.call(command(bench.desk, "run", "--offline", bench.seeds))
        assert done.code == 0, (upto, done.out)
        seen.see(bench.desk.db)
        verified(bench.starter, bench.desk)
        whole(bench.desk.db)
        rows += sum(map(len, seen.rows.values()))
    unchanged(bench.starter, bench.desk)
    return rows


def cuts(bench: Bench, count: int, seed: int) -> None:
    """Power cuts in a first run, in one that goes on, in a rebuild, and when a key is added."""
    steps = [["run", bench.seeds / "list.txt"], ["run", bench.seeds], ["rebuild"], ["keys", "rotate"]]
    for n, (name, *arguments) in enumerate(steps):
        before = powercut.snapshot(bench.disk)
        records = bench.recorded(name, *arguments)
        after = powercut.snapshot(bench.disk)
        rows = cut(bench, before, records, count, seed + n)
        print(f"{name}: {count} power cuts among {len(records)} steps, {rows} rows promised and found")
        powercut.restore(bench.disk, after)


def test_what_was_told_outlives_a_power_cut(bench: Bench) -> None:
    records = bench.recorded("run", bench.seeds)
    synced = {record.path for record in records if record.kind == "S"}
    made = {str(bench.disk / "keys" / name) for name in ("", "quotechain", "quotechain/keys")}
    assert made | {str(bench.disk)} <= synced, "a folder of keys that a power cut takes away takes the key with it"
    rows = cut(bench, {}, records, 2, 5)
    print(f"2 power cuts among {len(records)} steps, {rows} rows promised and found")
    assert rows


@pytest.mark.heavy
def test_what_was_told_outlives_many_power_cuts(bench: Bench) -> None:
    cuts(bench, 25, 23)


@pytest.mark.heavy
def test_a_disk_that_lies_about_syncs_is_found_out_or_harmless(bench: Bench) -> None:
    """Without syncs a power cut may break anything. Whatever it breaks, no command says that all is well."""
    records = bench.recorded("run", bench.seeds, lie=True)
    chance, broken = random.Random(3), 0
    for _ in range(30):
        at(bench, {}, records[: chance.randint(1, len(records))], chance.choice((0.3, 0.5, 0.9, 0.99)), chance)
        if not bench.desk.db.exists() or not bench.desk.db.stat().st_size:
            continue
        sound = _sound(bench.desk.db)
        done = bench.starter.call(command(bench.desk, "verify"))
        assert done.code != CRASHED, done.out
        if not sound:
            broken += 1
            run = bench.starter.call(command(bench.desk, "run", "--offline", bench.seeds))
            assert run.code != CRASHED, run.out
            assert done.code or run.code, "a file that SQLite finds broken was taken for whole"
    print(f"30 power cuts of a disk that syncs nothing: {broken} files were broken")
    assert broken


def _sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False
