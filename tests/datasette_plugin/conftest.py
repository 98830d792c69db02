"""One archive and one Datasette for all tests of the plugin that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.leaving import House
from tests.datasette_plugin import album, chains, keeping
from tests.datasette_plugin.opening import Room, make_demo
from tests.datasette_plugin.walking import Answer, Walk, walked


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("room") / "archive.db")


@pytest.fixture(scope="session")
def room(db: Path) -> Iterator[Room]:
    opened = Room(db)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def walk(room: Room) -> Walk:
    """Where the links of the demonstration's archive lead."""

    def get(path: str) -> Answer:
        found = room.get(path, follow_redirects=True)
        text = found.text if "html" in found.headers.get("content-type", "") else ""
        return Answer(found.status_code, found.headers.get("content-type", ""), text, found.url.path)

    return walked(get, "archive", each=3)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The archive of the demonstration with a key, signed heads, tokens, an export and a fixity run."""
    return keeping.build(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def kept(house: House) -> Iterator[Room]:
    opened = Room(house.db)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of posts with files of every kind."""
    return album.make(tmp_path_factory.mktemp("album"), album.POSTS)


@pytest.fixture(scope="session")
def pictured(photos: Path) -> Iterator[Room]:
    opened = Room(photos)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shapes_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of invented chains: circles, gaps, aliases in the middle, fans."""
    path = tmp_path_factory.mktemp("chain") / "archive.db"
    with chains.rows(path) as made:
        chains.fill(made)
    return path


@pytest.fixture(scope="session")
def shapes(shapes_db: Path) -> Iterator[Room]:
    opened = Room(shapes_db)
    yield opened
    opened.close()


@pytest.fixture
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of this test alone: two copies of one archive that both sign would be told to be a rolled back log."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own keys"))
