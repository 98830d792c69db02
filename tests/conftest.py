"""Shared by all tests: where the corpus is, and how it is asked for."""

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("QUOTECHAIN_CORPUS", Path(__file__).parent.parent.parent / "shared" / "corpus"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of recorded answers; the test is skipped, with the reason, where there is none."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}: set QUOTECHAIN_CORPUS")
    return CORPUS
