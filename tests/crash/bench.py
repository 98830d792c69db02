"""An archive and its keys on a disk that the shim stands before, and what starts commands on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash import powercut, shim
from tests.crash.observing import command
from tests.crash.powercut import Record
from tests.crash.starter import Done, Starter
from tests.crash.world import SMALL, World, playing
from tests.jobs.running import Desk
from tests.jobs.tsa import Calendar, Street


@dataclass(frozen=True)
class Bench:
    """`disk` is all that the shim concerns: the archive, its keys, temporary files. The rest lies beside it."""

    folder: Path
    disk: Path
    desk: Desk
    seeds: Path
    starter: Starter
    world: World

    def call(self, name: str, *arguments: str | Path, **armed: int) -> Done:
        return self.starter.call(command(self.desk, name, *arguments), armed=armed)

    def recorded(self, name: str, *arguments: str | Path, lie: bool = False) -> list[Record]:
        """What a command does to its files."""
        done = self.call(name, *arguments, trace=1, lie=int(lie))
        assert done.code == 0, done.out
        return powercut.read(self.folder / "trace")

    def counted(self, name: str, *arguments: str | Path, kind: int = 0) -> tuple[int, int, int]:
        """How many steps a command takes, how many of them of a kind, and how often it looks at the clock."""
        done = self.call(name, *arguments, count=1, fail_kind=kind)
        assert done.code == 0, done.out
        steps, matching, looks = map(int, (self.folder / "trace").read_text().split())
        return steps, matching, looks

    def files(self) -> dict[str, bytes]:
        return powercut.snapshot(self.disk)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Makes the disk what it was."""
        powercut.restore(self.disk, files)


@contextmanager
def benched(folder: Path, *, anchors: bool = False) -> Iterator[Bench]:
    """A bench with an empty archive; with `anchors` a calendar vouches for its log."""
    disk = folder / "disk"
    for name in ("desk", "tmp"):
        (disk / name).mkdir(parents=True)
    environment = {
        "XDG_CONFIG_HOME": str(disk / "keys"),
        "TMPDIR": str(disk / "tmp"),
        "LD_PRELOAD": str(shim.built(folder)),
        "SHIM_ROOT": str(disk),
        "SHIM_TRACE": str(folder / "trace"),
    }
    with playing(SMALL) as world, Street() as street:
        more = ""
        if anchors:
            street.services["calendar"] = Calendar(url=street.url("calendar"))
            more = f'[[anchors.ots]]\nname = "calendar"\nurl = "{street.url("calendar")}"\n'
        starter = Starter(folder, environment)
        try:
            config = world.configure(folder, origin="log.example/bench", more=more)
            yield Bench(folder, disk, Desk(disk / "desk", config), world.seeds(folder), starter, world)
        finally:
            starter.close()
