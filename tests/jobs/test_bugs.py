"""A platform of ours that has a bug: what it stumbles over is told, and the run and all others go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from players import Site
from playing import page
from running import Desk, lines, sound

from archiver.jobs.config import load
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.model import Answer, Reading, Ref, Request, Settings
from archiver.net.clock import text_of
from archiver.platforms import all_platforms, web


@dataclass
class Faulty:
    """The platform of web pages in a version that fails on one address, before or after it was asked."""

    after: int
    __name__: str = web.__name__
    EXAMPLES = web.EXAMPLES
    failures: int = 0

    def claim(self, url: str) -> Ref | None:
        return web.claim(url)

    def parse(self, request: Request, answer: Answer) -> Reading:
        return web.parse(request, answer)

    def plan(self, ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
        if "/odd" in ref.id and len(answers) == self.after:
            self.failures += 1
            raise KeyError("nobody thought of this")
        return web.plan(ref, answers, settings)


@dataclass
class Pages:
    desk: Desk
    site: Site = field(default_factory=Site)
    ahead: timedelta = field(default_factory=timedelta)

    def run(self) -> Report:
        private = f'[network]\nallow_private = ["{self.site.server.place}"]\n'
        self.desk.config.write_text(f'[archive]\noperator = "Desk"\n{private}[pace]\ndefault = 0.0\n')
        seed = self.desk.seed("list.txt", lines([self.site.url("/odd"), self.site.url("/even")]))
        now = text_of(datetime.now(UTC) + self.ahead)
        return run_archive(self.desk.db, load(self.desk.config), Options(seeds=(str(seed),)), now=lambda: now)

    def outcome(self, path: str) -> str:
        sql = "SELECT last_outcome FROM work_queue WHERE ref = ?"
        return str(self.desk.rows(sql, f"web:page:{self.site.url(path)}")[0][0])


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    made = Pages(Desk(tmp_path, tmp_path / "archiver.toml"))
    made.site.pages |= {"/odd": page("odd", "words"), "/even": page("even", "words")}
    yield made
    made.site.server.close()


@pytest.mark.parametrize("after", [0, 1])
def test_a_bug_in_a_plan_ends_one_look(pages: Pages, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    faulty = Faulty(after)
    monkeypatch.setitem(all_platforms(), "web", faulty)
    report = pages.run()
    assert faulty.failures
    assert pages.site.server.targets().count("/even") == 1
    assert pages.outcome("/even") == "live"
    assert pages.outcome("/odd") == ("unreadable" if after == 0 else "live")
    told = f"{pages.site.url('/odd')}: {pages.outcome('/odd')}: a bug in the plan: KeyError: 'nobody thought of this'"
    assert report.failed
    assert any(told in failure for failure in report.failures), report.failures
    monkeypatch.undo()
    pages.ahead = timedelta(days=2)
    assert not pages.run().failed
    assert pages.outcome("/odd") == "live"
    sound(pages.desk)
