"""Kills at random instants, on archives that are killed again and again until everything is captured.

After each kill the archive is held against what an outsider saw of it just before; then a whole run follows (without
the network, so that there is something left to kill), `archiver verify`, and what SQLite says of the file. When nothing
is left to capture, the archive must say the same as one that was never killed.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.observing import Seen, command, result, unchanged, verified, whole
from tests.crash.starter import Starter
from tests.crash.world import World
from tests.jobs.running import Desk

OFTEN = 5
"""After every so manieth kill readings are made again and compared, which takes a second."""
AT_ONCE = 8 * 2 * 4
"""What may be asked twice for one kill: eight hosts, two looks at each, some requests a look."""


@dataclass(kw_only=True)
class Told:
    """What was done, counted. `during` are kills by what was killed, `spared` commands that ended before their kill;
    `again` captures beyond those of an archive that was never killed: looks that were not over at a kill."""

    kills: int = 0
    spared: int = 0
    runs: int = 0
    verified: int = 0
    unchanged: int = 0
    archives: int = 0
    captures: int = 0
    again: int = 0
    seconds: float = 0.0
    during: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        during = ", ".join(f"{n} in {what}" for what, n in sorted(self.during.items()))
        return (
            f"{self.kills} kills ({during}; {self.spared} commands ended first), {self.runs} runs and {self.verified} "
            f"verifications after them, {self.unchanged} rebuild --check; {self.archives} archives carried to their "
            f"end with {self.captures} captures, {self.again} of them asked again after a kill; 0 lost, 0 duplicated, "
            f"0 inconsistent; {self.seconds:.0f} s"
        )


class Killing:
    """One world, one folder, one stream of random numbers."""

    def __init__(self, world: World, folder: Path, seed: int) -> None:
        self.world, self.folder, self.random = world, folder, random.Random(seed)
        self.name = f"log.example/{seed}"
        self.starter = Starter(folder, {"XDG_CONFIG_HOME": str(folder / "keys")})
        self.told = Told()
        self.seeds = world.seeds(folder)
        self.desk, self.seen, self.here = self._desk("whole"), Seen(), 0

    def close(self) -> None:
        self.starter.close()

    def _desk(self, name: str) -> Desk:
        folder = self.folder / name
        folder.mkdir()
        return Desk(folder, self.world.configure(folder, origin=f"{self.name}/{name}"))

    def never_killed(self) -> dict[str, list[tuple[Any, ...]]]:
        """The archive that all others must equal in the end."""
        done = self.starter.call(command(self.desk, "run", self.seeds))
        assert done.code == 0, done.out
        verified(self.starter, self.desk)
        unchanged(self.starter, self.desk)
        whole(self.desk.db)
        return result(self.desk)

    def run(self, kills: int) -> Told:
        """Kills so often; every archive is carried to its end."""
        since, expected = time.monotonic(), self.never_killed()
        fewest = int(self.desk.value("SELECT count(*) FROM captures"))
        while self.told.kills < kills:
            self.desk, self.seen, self.here = self._desk(f"a{self.told.archives}"), Seen(), 0
            while self.told.kills < kills and not self._over():
                self._kill()
            self._finish(expected, fewest)
            self.desk.db.unlink()
        self.told.seconds = time.monotonic() - since
        return self.told

    def _over(self) -> bool:
        """Whether every look was made: then a kill of a run would meet nothing any more."""
        left = "SELECT count(*) FROM work_queue WHERE last_at = ''"
        return bool(self.seen.captures) and self.desk.value(left) == 0

    def _kill(self) -> None:
        """One command, killed at a random instant; and what must hold afterwards."""
        seeds = str(self.seeds)
        choices = (["run", seeds], ["run", "--offline", seeds], ["rebuild"], ["rebuild", "--matches"])
        words = self.random.choices(choices, (16, 2, 1, 1) if self.seen.captures else (1, 0, 0, 0))[0]
        running = self.starter.start(command(self.desk, *words))
        longest = self.random.choice((0.05, 0.4, 1.0, 2.5))
        if running.ended(self.random.uniform(0.0, longest)):
            done = running.wait()
            assert done.code == 0, done.out
            self.told.spared += 1
            self._look()
            return
        self._look()
        running.signal(signal.SIGKILL)
        done = running.wait()
        assert done.code in (-signal.SIGKILL, 0), done.out
        self._look()
        if done.code == 0:  # it ended while it was looked at
            self.told.spared += 1
            return
        self.told.kills += 1
        self.here += 1
        self.told.during[" ".join(word for word in words if word != str(self.seeds))] += 1
        self._heals()

    def _look(self) -> None:
        if self.desk.db.exists():
            self.seen.see(self.desk.db)
        else:
            assert not self.seen.captures, "the archive is gone"

    def _heals(self) -> None:
        """The next run, and that it healed what was broken off."""
        done = self.starter.call(command(self.desk, "run", "--offline", self.seeds))
        assert done.code == 0, done.out
        self.told.runs += 1
        self._look()
        verified(self.starter, self.desk)
        self.told.verified += 1
        whole(self.desk.db)
        if self.told.kills % OFTEN == 0:
            unchanged(self.starter, self.desk)
            self.told.unchanged += 1

    def _finish(self, expected: dict[str, list[tuple[Any, ...]]], fewest: int) -> None:
        """Runs to the end: the same is said as where nobody was killed."""
        done = self.starter.call(command(self.desk, "run", self.seeds))
        assert done.code == 0, done.out
        self._look()
        verified(self.starter, self.desk)
        unchanged(self.starter, self.desk)
        whole(self.desk.db)
        said = result(self.desk)
        for name, rows in expected.items():
            assert said[name] == rows, (name, sorted(set(rows) ^ set(said[name]), key=repr)[:5])
        again = self.seen.captures - fewest
        assert 0 <= again <= self.here * AT_ONCE, f"{again} captures more than without {self.here} kills"
        self.told.again += again
        self.told.captures += self.seen.captures
        self.told.archives += 1
