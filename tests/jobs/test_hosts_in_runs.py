"""Runs and their manners, as the servers see them: pace, number at once, budget, switch, circuit, also of redirects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import story
from click.testing import CliRunner
from playing import Reply, Server, moved, page
from running import Desk, lines, sound

from archiver.cli import main
from archiver.jobs.config import load
from archiver.jobs.run import Options, run_archive
from archiver.net.clock import text_of
from tests.bench import due


def test_no_host_is_ever_asked_above_what_its_rules_allow(tmp_path: Path) -> None:
    seen = due.run(tmp_path, refs=900, hosts=20, budget=10, seeds=7)
    asked = {host: len(starts) for host, starts in seen.servers.starts.items()}
    print(f"{sum(asked.values())} requests to {len(asked)} hosts in {seen.simulated:.0f} simulated seconds")
    assert seen.breaches() == []
    assert "off.example" not in asked
    assert asked["dead.example"] == 5, "then its circuit is open"
    assert {count for host, count in asked.items() if ".spent." in host} == {10}
    assert {count for host, count in asked.items() if ".plain." in host or ".paced." in host} == {45}
    assert set(seen.summary.left) == {"off.example", "dead.example", *(f"h{n}.spent.example" for n in range(4))}
    assert seen.simulated >= 44 * 7.5, "the slow one sets how long it takes"
    assert seen.simulated < 44 * 7.5 + 120, "and nobody waits for its turn behind it"


def test_a_breach_would_be_seen(tmp_path: Path) -> None:
    seen = due.run(tmp_path, refs=60, hosts=20, budget=10, seeds=3)
    assert seen.breaches() == []
    starts = seen.servers.starts
    starts["h0.plain.example"].append(starts["h0.plain.example"][-1] + 0.5)
    seen.servers.most["h0.paced.example"] = 3
    seen.servers.days["h0.spent.example", "2026-03-01"] = 11
    starts["off.example"].append(1.0)
    told = " ".join(seen.breaches())
    for host in ("h0.plain.example", "h0.paced.example", "h0.spent.example", "off.example"):
        assert host in told


@pytest.fixture
def world() -> Iterator[story.World]:
    with story.playing() as world:
        yield world


class Runs:
    """Runs over one archive at times that the test chooses."""

    def __init__(self, world: story.World, folder: Path) -> None:
        self.world, self.desk, self.ahead = world, Desk(folder, world.configure(folder)), timedelta()

    def rule(self, text: str) -> None:
        path = self.world.configure(self.desk.folder)
        path.write_text(path.read_text() + text)

    def now(self) -> str:
        return text_of(datetime.now(UTC) + self.ahead)

    def run(self, *seeds: Path) -> list[str]:
        report = run_archive(self.desk.db, load(self.desk.config), Options(seeds=tuple(map(str, seeds))), now=self.now)
        self.report = report
        return report.notes


def host(address: str) -> str:
    return address.split("/")[2]


def test_a_host_that_is_switched_off_keeps_its_refs_waiting_and_says_so(world: story.World, tmp_path: Path) -> None:
    runs = Runs(world, tmp_path)
    blog = host(world.blog.url("/notes"))
    seed = runs.desk.seed("list.txt", lines([world.blog.url("/notes")]))
    runs.rule(f'[hosts."{blog}"]\noff = true\n')
    for _ in range(2):
        notes = runs.run(seed)
        assert f"{blog} is switched off in [hosts]: 1 ref waits for it" in notes
        assert not runs.report.failed, "it is as the operator wants it"
        assert world.blog.server.targets() == []
        assert runs.desk.value("SELECT count(*) FROM captures WHERE tier = 'wire'") == 0
    runs.rule("")
    runs.run(seed)
    assert "/notes" in world.blog.server.targets()
    sound(runs.desk)


def test_what_a_redirect_leads_to_is_asked_by_its_own_rules(world: story.World, tmp_path: Path) -> None:
    runs = Runs(world, tmp_path)
    paper, blog = host(world.paper.url("/story")), host(world.blog.url("/notes"))
    world.paper.pages["/moved"] = moved(world.blog.url("/notes"))
    seed = runs.desk.seed("list.txt", lines([world.paper.url("/moved")]))
    runs.rule(f'[hosts."{blog}"]\noff = true\n')
    runs.run(seed)
    assert (world.paper.server.targets().count("/moved"), world.blog.server.targets()) == (1, [])
    hops = runs.desk.table("SELECT failure, detail FROM captures WHERE tier = 'wire' AND url LIKE '%/notes'")
    assert hops == [("blocked", f"{blog} is switched off in [hosts]")]
    runs.rule("")
    runs.ahead = timedelta(days=40)
    runs.run(seed)
    assert "/notes" in world.blog.server.targets(), "what we refused ourselves is asked when that is over"
    counted = dict(runs.desk.table("SELECT host, sum(requests) FROM work_days GROUP BY host"))
    assert counted[paper] >= 2
    assert counted[blog] >= 1, "a hop counts for the host that it asks"


def test_a_day_s_budget_holds_over_several_runs_and_ends_at_midnight(world: story.World, tmp_path: Path) -> None:
    runs = Runs(world, tmp_path)
    blog = host(world.blog.url("/notes"))
    for name in range(5):
        world.blog.pages[f"/p{name}"] = world.blog.pages["/notes"]
    seed = runs.desk.seed("list.urls", lines([world.blog.url(f"/p{name}") for name in range(5)]))
    runs.rule(f'[hosts."{blog}"]\nrequests_per_day = 2\n')
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    runs.ahead = midnight + timedelta(hours=1) - datetime.now(UTC)
    pages = lambda: [target for target in world.blog.server.targets() if target.startswith("/p")]  # noqa: E731
    for _ in range(2):
        notes = runs.run(seed)
        assert len(pages()) == 2
        assert f"the requests for {blog} are spent for this day: 3 refs wait for it" in notes
    assert not runs.report.failed
    runs.ahead += timedelta(days=1)
    runs.run(seed)
    assert len(pages()) >= 4
    days = [row["requests"] for row in runs.desk.rows("SELECT requests FROM work_days WHERE host = ?", blog)]
    assert days == [2, 2]
    sound(runs.desk)


def test_a_run_after_the_clock_went_back_looks_again_and_says_so(world: story.World, tmp_path: Path) -> None:
    runs = Runs(world, tmp_path)
    seed = runs.desk.seed("list.txt", lines([world.blog.url("/notes")]))
    runs.ahead = timedelta(days=3000)
    runs.run(seed)
    asked = world.blog.server.targets().count("/notes")
    runs.ahead = timedelta()
    (told,) = [note for note in runs.run(seed) if "the clock stood at" in note]
    assert "1 refs that it put off are due" in told or "refs that it put off are due" in told
    assert world.blog.server.targets().count("/notes") > asked
    assert not [note for note in runs.run(seed) if "the clock stood at" in note], "it is told once"
    assert world.blog.server.targets().count("/notes") == asked + 1, "and nothing loops"
    sound(runs.desk)
    order = runs.desk.table("SELECT uid FROM captures ORDER BY leaf")
    assert len(order) == len(set(order))
    assert runs.desk.call("rebuild", "--check").code == 0
    checked = CliRunner().invoke(main, ["verify", str(runs.desk.db)])
    assert checked.exit_code in (0, 1), checked.output


def test_a_host_may_be_asked_more_at_once_than_others(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def respond(target: str, raw: bytes) -> Reply:
        del raw
        if target.startswith("/page"):
            together.wait(10)
        return page("here")

    server = Server(respond)
    try:
        (tmp_path / "list.urls").write_text(lines([f"{server.base}/page/{n}" for n in range(6)]))
        (tmp_path / "archiver.toml").write_text(
            f'[network]\nallow_private = ["127.0.0.1"]\n[hosts."{server.place}"]\nat_once = 6\npace = 0.0\n'
        )
        options = Options(seeds=(str(tmp_path / "list.urls"),))
        report = run_archive(tmp_path / "archive.db", load(tmp_path / "archiver.toml"), options)
    finally:
        server.close()
    assert report.outcomes == {"live": 6}


def test_what_was_too_large_is_asked_for_as_soon_as_larger_bodies_are_allowed(tmp_path: Path) -> None:
    server = Server(lambda target, raw: page("a long one", "x" * 5000))
    seed, config = tmp_path / "list.urls", tmp_path / "archiver.toml"
    seed.write_text(lines([f"{server.base}/long"]))

    def run(limit: int) -> list[str]:
        config.write_text(f'[network]\nallow_private = ["127.0.0.1"]\nmax_bytes = {limit}\n[pace]\ndefault = 0.0\n')
        report = run_archive(tmp_path / "archive.db", load(config), Options(seeds=(str(seed),)))
        return [*report.outcomes, *(note for note in report.notes if "too large" in note)]

    try:
        assert run(1000) == ["too-large"]
        assert run(900) == run(900) == []
        raised = "bodies of up to 100000 bytes are allowed now, and 1 ref that was too large is due"
        assert run(100_000) == ["live", raised]
        assert run(200_000) == []
    finally:
        server.close()
