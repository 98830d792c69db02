"""Shared by all tests: where the corpus is, and how it is asked for; where the archives of tests are made."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

CORPUS = Path(os.environ.get("QUOTECHAIN_CORPUS", Path(__file__).parent.parent.parent / "shared" / "corpus"))
MEMORY = Path("/dev/shm")  # a file system in memory, on Linux
ROOM = 4 << 30  # bytes that must be free there: a whole run leaves some 1 GiB until its end

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("anew", deadline=None)
settings.load_profile("same")  # what a commit is judged by does not change from run to run (decision 40)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tests make some hundred archives, and each commit waits for the disk. In memory it waits for nothing, and the
    code under test is the same. `--basetemp` chooses another place; without room in memory all stays on the disk."""
    home = tempfile.mkdtemp(prefix="quotechain-config-")  # runs make keys: not among those of whoever tests
    os.environ["XDG_CONFIG_HOME"] = home
    os.environ.pop("QUOTECHAIN_KEY", None)
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        config.option.basetemp = Path(tempfile.mkdtemp(prefix="quotechain-", dir=MEMORY))
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of recorded answers; the test is skipped, with the reason, where there is none."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}: set QUOTECHAIN_CORPUS")
    return CORPUS
