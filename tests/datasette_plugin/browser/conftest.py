"""Archives, servers and one browser for the tests of this folder. Playwright keeps an event loop of its own, so these
tests ask a served process and never `Room`; the browser ends with its module."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archiver.cli import main
from tests.datasette_plugin.browser.looking import AXE, CHROMIUM, ROOT
from tests.datasette_plugin.browser.serving import served, walked_over
from tests.datasette_plugin.walking import Walk


@dataclass(frozen=True, slots=True)
class Site:
    """A served archive: its address, its name, and what its links lead to."""

    name: str
    base: str
    database: str
    walk: Walk


def make_seed(path: Path, recording: Path) -> Path:
    """The archive of `seeds/` on a machine without a network: everything that it quotes is unreachable."""
    recording.mkdir()
    (recording / "index.json").write_text("[]", "utf-8")
    arguments = ["run", str(ROOT / "seeds"), "--replay", str(recording), "--db", str(path)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return path


@pytest.fixture(scope="session")
def demo_site(db: Path) -> Iterator[Site]:
    with served(db) as base:
        yield Site("demo", base, db.stem, walked_over(base, db.stem))


@pytest.fixture(scope="session")
def seed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("seed")
    path = make_seed(folder / "archive.db", folder / "recording")
    with served(path) as base:
        yield Site("seed", base, path.stem, walked_over(base, path.stem))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright.sync_api", reason="no playwright")
    if not CHROMIUM:
        pytest.skip("no chromium")
    from tests.datasette_plugin.browser.looking import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def axe() -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core: make judges")
