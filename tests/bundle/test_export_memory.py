"""Memory of an export does not grow with the number of posts."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from archiver.bundle import bag, choice, indexing, leaves, pack, report_choice, shell, spool
from archiver.jobs.config import Config
from archiver.jobs.export import Asked, export
from archiver.jobs.session import open_session
from tests.bench.export import QUERY, built

FEW, MANY = 40, 240
EACH = 10_000
"""So many bytes a post may add among so few, where buffers still fill. Its rows and files took 40,000 when all of them
were kept; among tens of thousands it adds about 1,000 (`python -m tests.bench.export`)."""


def peak(folder: Path, posts: int) -> int:
    """The most that Python held at once while a bundle was written, in bytes."""
    house = built(folder, posts, 2000)
    with open_session(house / "archive.db", Config(log_key_file=str(house / "log.key"))) as session:
        gc.collect()
        tracemalloc.start()
        try:
            export(session, Asked(query=QUERY), folder / "a.zip")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.heavy
def test_more_posts_take_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read, sorted, shown or kept at once is made small, so that few posts are many."""
    for module, name, most in (
        (bag, "_BEHIND", 10), (choice, "BATCH", 10), (indexing, "POSTS", 10), (spool, "SMALL", 4000),
        (spool, "RUN", 100_000), (spool, "PIECE", 4000), (pack, "WAITING", 50_000), (pack, "PIECE", 4000),
        (leaves, "_KEPT", 64), (report_choice, "POSTS", 5), (report_choice, "LEAVES", 10),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, most)
    monkeypatch.setattr(shell, "verifier", lambda: "")  # putting it together takes 4 MB, whatever is exported
    peak(tmp_path / "once", 1)  # what is loaded at the first use is not counted
    few, many = peak(tmp_path / "few", FEW), peak(tmp_path / "many", MANY)
    print(f"{few / 1e6:.2f} MB for {FEW} posts, {many / 1e6:.2f} MB for {MANY}")
    assert many - few < (MANY - FEW) * EACH
