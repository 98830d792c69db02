"""A small part of the fuzzing in each run of the tests, always the same; `make fuzz` takes as long as it is given."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, run

EXAMPLES, SEEDS = 60, 60


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_input_is_read_or_refused(target: str) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.binary(min_size=4, max_size=200))
    def attempt(data: bytes) -> None:
        run(target, data)

    attempt()


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_input_of_other_shapes_is_read_or_refused(target: str) -> None:
    """Choices that have no structure at all reach other places than those that hypothesis makes."""
    for seed in range(SEEDS):
        random = Random(seed)
        run(target, random.randbytes(random.randrange(8, 300)))
