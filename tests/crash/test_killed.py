"""A sample of `make crash`: kills at random instants in a small run."""

from pathlib import Path

import pytest

from tests.crash.killing import Killing
from tests.crash.world import FULL, SMALL, Size, playing


def killed(folder: Path, size: Size, kills: int, seed: int) -> None:
    with playing(size) as world:
        killing = Killing(world, folder, seed)
        try:
            told = killing.run(kills)
        finally:
            killing.close()
    print(f"seed {seed}: {told}")
    assert (told.kills, told.runs, told.verified) == (kills, kills, kills)


def test_a_run_that_is_killed_at_random_instants_loses_and_repeats_nothing(tmp_path: Path) -> None:
    killed(tmp_path, SMALL, 2, seed=7)


@pytest.mark.heavy
def test_a_run_of_500_captures_that_is_killed_at_random_instants_loses_and_repeats_nothing(tmp_path: Path) -> None:
    killed(tmp_path, FULL, 12, seed=11)
