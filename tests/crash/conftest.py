"""The bench of the tests with a shim."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.bench import Bench, benched


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with benched(tmp_path) as made:
        yield made
