"""SIGKILL before a write, a sync or a rename of every command that writes: what was under way is taken up or made
again, and ends as if nobody had been killed."""

from __future__ import annotations

import lzma
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash.bench import Bench, benched
from tests.crash.observing import Seen, result, unchanged, verified, whole

SIGKILL = -9
SCHEMAS = Path(__file__).parent.parent / "store" / "schemas"
Words = tuple[str | Path, ...]


def trials(
    bench: Bench, words: Words, count: int, seed: int, *, after: Callable[[], object] = lambda: None
) -> tuple[int, int]:
    """Kills a command at so many of its steps, from one state; then a run without seeds and the same command. (kills,
    steps)."""
    before, chance = bench.files(), random.Random(seed)
    steps, _, _ = bench.counted(*map(str, words))
    after()
    expected = result(bench.desk)
    killed = 0
    for _ in range(count):
        bench.put(before)
        seen = Seen()
        if bench.desk.db.exists():
            seen.see(bench.desk.db)
        at = chance.randint(1, steps)
        done = bench.call(*map(str, words), kill_at=at)
        assert done.code in (SIGKILL, 0), (at, done.out)
        killed += done.code == SIGKILL
        if words[0] != "erase" and bench.desk.db.exists():
            seen.see(bench.desk.db)
        healed = bench.call("run", "--offline")
        assert healed.code == 0, (at, healed.out)
        if words[0] != "erase":
            seen.see(bench.desk.db)
        verified(bench.starter, bench.desk)
        whole(bench.desk.db)
        again = bench.call(*map(str, words))
        assert again.code == 0, (at, again.out)
        after()
        verified(bench.starter, bench.desk)
        _same(expected, result(bench.desk), at)
    unchanged(bench.starter, bench.desk)
    print(f"{words[0]}: {killed} kills among {steps} steps")
    return killed, steps


def _same(expected: dict[str, list[tuple[Any, ...]]], said: dict[str, list[tuple[Any, ...]]], at: int) -> None:
    for name, rows in expected.items():
        if said[name] != rows:
            gone, new = (
                sorted(set(one) - set(other), key=repr) for one, other in ((rows, said[name]), (said[name], rows))
            )
            raise AssertionError(f"killed at step {at}: of {name} are missing {gone[:3]}, and new {new[:3]}")


def test_a_command_that_is_killed_before_a_write_is_taken_up(bench: Bench) -> None:
    killed, _ = trials(bench, ("add", bench.seeds), 2, seed=1)
    assert killed == 2


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["add", "run", "rebuild", "matches", "erase", "rotate"])
def test_every_command_that_writes_is_taken_up(tmp_path: Path, kind: str) -> None:
    with benched(tmp_path, anchors=True) as bench:
        erased = bench.world.post(0, 1)
        words: dict[str, Words] = {
            "add": ("add", bench.seeds),
            "run": ("run", bench.seeds),
            "rebuild": ("rebuild",),
            "matches": ("rebuild", "--matches"),
            "erase": ("erase", erased, "--reason", "asked", "--yes"),
            "rotate": ("keys", "rotate"),
        }
        if kind not in ("add", "run"):
            assert bench.call("run", bench.seeds).code == 0
        killed, _ = trials(bench, words[kind], 12, seed=len(kind))
        assert killed >= 9


@pytest.mark.heavy
@pytest.mark.parametrize("version", [1, 4, 7])
def test_an_archive_that_is_brought_to_the_present_schema_is_taken_up(bench: Bench, version: int) -> None:
    bench.desk.db.write_bytes(lzma.decompress((SCHEMAS / f"schema{version}.db.xz").read_bytes()))
    killed, _ = trials(bench, ("run", "--offline"), 12, seed=version)
    assert killed >= 9


@pytest.mark.heavy
def test_a_backup_that_is_killed_is_none_or_whole(bench: Bench) -> None:
    """Whatever has the name of a copy holds all and verifies; the archive is as it was, and what was left is swept."""
    assert bench.call("run", bench.seeds).code == 0
    copies = bench.disk / "copies"
    copies.mkdir()
    (copies / "earlier.db").write_bytes(bench.desk.db.read_bytes())
    before, chance, outcomes = bench.files(), random.Random(6), set()
    steps, _, _ = bench.counted("backup", copies)
    for at in (*range(1, 4), *(chance.randint(1, steps) for _ in range(12)), steps - 1, steps):
        bench.put(before)
        done = bench.call("backup", copies, kill_at=at)
        assert done.code in (SIGKILL, 0), (at, done.out)
        left = {name: data for name, data in bench.files().items() if name not in before}
        named = [name for name in left if name.endswith(".db")]
        outcomes.add(len(named))
        assert all(bench.files()[name] == data for name, data in before.items()), at
        for name in named:
            checked = bench.starter.call(["verify", name, "--config", bench.desk.config])
            assert checked.code == 0, (at, checked.out)
            Path(name).unlink()  # the next may be of the same second
        again = bench.call("backup", copies, "--keep", "2")
        assert again.code == 0, (at, again.out)
        assert not [name for name in bench.files() if ".part" in name], at
    assert outcomes == {0, 1}
