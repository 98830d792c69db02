"""One archive and one Datasette for all tests of the plugin that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datasette_plugin.opening import Room, make_demo


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("room") / "archive.db")


@pytest.fixture(scope="session")
def room(db: Path) -> Iterator[Room]:
    opened = Room(db)
    yield opened
    opened.close()
