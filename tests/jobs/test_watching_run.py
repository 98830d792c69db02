"""Whole runs, weeks apart: what seeds keep is looked at again by policy, what they let go is not; evidence stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import story
from players import Tweet, embedded
from playing import page
from running import Desk, lines, sound

from archiver.jobs.config import load
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.net.clock import text_of


@dataclass
class Desks:
    world: story.World
    desk: Desk
    ahead: timedelta = timedelta()

    def run(self) -> Report:
        for server in self.world.servers:
            server.log.clear()
        options = Options(seeds=(str(self.desk.folder / "seeds"),))
        return run_archive(self.desk.db, load(self.desk.config), options, now=self.now)

    def now(self) -> str:
        return text_of(datetime.now(UTC) + self.ahead)

    def watch(self, text: str) -> None:
        self.desk.config.write_text(f"{self.desk.config.read_text()}\n{text}\n")

    def due(self) -> set[str]:
        return {ref for (ref,) in self.desk.table("SELECT ref FROM work_queue WHERE due_at IS NOT NULL")}


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    with story.playing() as world:
        world.x.busy.clear()
        desk = Desk(tmp_path, world.configure(tmp_path))
        desk.seed("paper.txt", lines([world.paper.url("/story")]))
        desk.seed("blog.txt", lines([world.blog.url("/notes")]))
        yield Desks(world, desk)


def test_what_a_seed_led_to_is_not_asked_after_it_was_taken_away(desks: Desks) -> None:
    world, desk = desks.world, desks.desk
    desks.run()
    evidence = desk.table("SELECT uid, leaf, url FROM captures ORDER BY leaf")
    kept = desks.due()
    assert {world.ref("first"), world.ref("third"), world.ref("origin"), world.ref("busy")} <= kept
    (desk.folder / "seeds" / "paper.txt").rename(desk.folder / "paper.txt")
    desks.ahead = timedelta(days=1)
    report = desks.run()
    (note,) = [note for note in report.notes if "paper.txt" in note]
    assert "not found in its folder any more" in note
    assert "are not looked at again" in note
    asked = " ".join(asked.target for asked in world.log())
    assert world.tweets["first"].id not in asked
    assert world.tweets["third"].id not in asked, "led to by what is not kept"
    assert world.tweets["origin"].id in asked, "the blog quotes it, too"
    assert world.tweets["busy"].id in asked
    assert desk.table("SELECT uid, leaf, url FROM captures ORDER BY leaf")[: len(evidence)] == evidence
    assert "no seed keeps it" in desk.call("show", world.ref("first")).out
    (desk.folder / "paper.txt").rename(desk.folder / "seeds" / "paper.txt")
    desks.ahead = timedelta(days=1, minutes=1)
    desks.run()
    assert world.tweets["first"].id in " ".join(asked.target for asked in world.log())
    assert desks.due() == kept
    sound(desk)
    assert desk.call("rebuild", "--check").code == 0


def test_each_seed_is_watched_by_its_own_policy(desks: Desks) -> None:
    world, desk = desks.world, desks.desk
    desks.watch('[watch.platforms.x]\nfirst = "12h"\n[watch.seeds."*/paper.txt"]\nnever = true')
    desks.run()
    assert world.ref("first") not in desks.due()
    assert {world.ref("origin"), world.ref("busy")} <= desks.due(), "the blog keeps them"
    times = dict(desk.table("SELECT ref, due_at FROM work_queue WHERE due_at IS NOT NULL"))
    hours = (datetime.fromisoformat(times[world.ref("busy")]) - datetime.now(UTC)) / timedelta(hours=1)
    assert 0.9 * 12 - 0.1 < hours <= 12
    assert "its watch is over" in desk.call("show", world.ref("first")).out
    desks.ahead = timedelta(days=40)
    desks.run()
    asked = " ".join(asked.target for asked in world.log())
    assert world.tweets["first"].id not in asked
    assert world.tweets["busy"].id in asked


def test_a_page_of_a_list_that_names_something_new_is_looked_at_as_often_as_what_is_new(desks: Desks) -> None:
    """A feed that brings something each week would else be asked every two weeks, once it is old."""
    world, desk = desks.world, desks.desk
    front = world.blog.url("/front")

    def names(*posts: Tweet) -> None:
        world.blog.pages["/front"] = page("front", *(embedded(post.text, post, "May 1") for post in posts))

    def hours() -> float:
        due = desk.value("SELECT due_at FROM work_queue WHERE ref = ?", f"web:page:{front}")
        return float((datetime.fromisoformat(due) - datetime.now(UTC) - desks.ahead) / timedelta(hours=1))

    for name in ("paper.txt", "blog.txt"):
        (desk.folder / "seeds" / name).unlink()
    desk.seed("front.txt", lines([front]))
    names(world.tweets["origin"])
    desks.run()
    desks.ahead = timedelta(days=100)
    desks.run()
    assert hours() > 200, "it said nothing new for a hundred days"
    new = world.x.add("kit_of_ash", "Kit", "The bridge is open again.", "2024-10-29T14:00:00Z")
    names(world.tweets["origin"], new)
    desks.ahead = timedelta(days=111)
    desks.run()
    assert hours() <= 6


def test_another_policy_holds_at_once_also_for_what_was_looked_at_no_more(desks: Desks) -> None:
    world, desk = desks.world, desks.desk
    plain = desk.config.read_text()
    desks.watch("[watch]\nnever = true")
    desks.run()
    assert world.ref("first") not in desks.due()
    desks.ahead = timedelta(hours=1)
    desk.config.write_text(plain)
    report = desks.run()
    assert [note for note in report.notes if note.startswith("[watch] was changed: ")]
    assert {world.ref("first"), world.ref("origin")} <= desks.due()
    assert world.log() == [], "none of them is due already"
    desks.watch('[watch]\nfirst = "30m"')
    desks.run()
    asked = " ".join(asked.target for asked in world.log())
    assert world.tweets["first"].id in asked
    assert not [note for note in desks.run().notes if note.startswith("[watch]")], "told once"
