"""Later runs: only what is due is asked again, an edit is shown with both observations, readings are made again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import story
from playing import JSON, message
from running import Desk, lines, sound

from archiver.jobs.config import load
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.net.clock import text_of


@dataclass
class Later:
    """A clock that is ahead of the real one by as much as a test says."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> str:
        return text_of(datetime.now(UTC) + self.ahead)


@dataclass
class Newsroom:
    world: story.World
    desk: Desk
    seed: Path
    clock: Later

    def run(self, *, recheck: bool = False) -> Report:
        options = Options(seeds=(str(self.seed),), recheck=recheck)
        return run_archive(self.desk.db, load(self.desk.config), options, now=self.clock)

    def evidence(self) -> list[tuple[object, ...]]:
        return self.desk.table("SELECT uid, url, leaf, observed_at, blob FROM captures ORDER BY leaf")

    def readings(self) -> dict[str, list[tuple[object, ...]]]:
        tables = ("posts", "versions", "edges", "mentions", "matches", "resolutions", "aliases", "media", "documents")
        return {table: self.desk.table(f"SELECT * FROM {table} ORDER BY id") for table in tables}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    with story.playing() as world:
        desk = Desk(tmp_path, world.configure(tmp_path))
        seed = desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")]))
        world.x.busy.clear()  # each first run would wait a second for it
        yield Newsroom(world, desk, seed, Later())


def test_a_second_run_adds_nothing_when_nothing_is_due(room: Newsroom) -> None:
    first = room.run()
    evidence, readings, asked = room.evidence(), room.readings(), len(room.world.log())
    leaves = room.desk.value("SELECT count(*) FROM log_leaf")
    second = room.run()
    assert (second.stored, second.known, second.captures, second.outcomes) == (0, 1, 0, {})
    assert (second.scheduled, second.next_due) == (first.scheduled, first.next_due)
    assert (room.evidence(), len(room.world.log())) == (evidence, asked)
    assert room.readings() == readings
    assert room.desk.value("SELECT count(*) FROM log_leaf") == leaves
    assert room.desk.value("SELECT count(*) FROM work_runs") == 2


def test_only_what_is_due_is_asked_again(room: Newsroom) -> None:
    loop = room.world.blog.url("/round")
    room.seed.write_text(room.seed.read_text() + loop + "\n")
    assert room.run().failed
    evidence = room.evidence()
    for server in room.world.servers:
        server.log.clear()
    room.clock.ahead = timedelta(minutes=14)
    assert room.run().captures == 0
    room.clock.ahead = timedelta(minutes=19)  # a quarter longer at most
    report = room.run()
    assert (report.captures, report.outcomes, report.failed) == (2, {"refused": 1}, True)
    assert [asked.target for asked in room.world.log()] == ["/round", "/about"]
    assert room.evidence()[: len(evidence)] == evidence
    attempts = room.desk.table("SELECT ref, attempts FROM work_queue WHERE attempts > 0")
    assert attempts == [(f"web:page:{loop}", 2)]
    room.clock.ahead = timedelta(minutes=19 + 29)
    assert room.run().captures == 0, "the pause doubles"
    room.clock.ahead = timedelta(minutes=19 + 38)
    assert room.run().captures == 2


EDITS = (
    "SELECT r.ref, e.shown_by, e.route, b.text AS was, a.text AS became, cb.observed_at AS before, "
    "ca.observed_at AS after, cb.leaf AS first, ca.leaf AS later FROM edits e JOIN refs r ON r.id = e.post "
    "JOIN versions a ON a.id = e.after LEFT JOIN versions b ON b.id = e.before "
    "JOIN captures ca ON ca.id = e.capture_after LEFT JOIN captures cb ON cb.id = e.capture_before ORDER BY ca.leaf"
)


def test_an_edit_between_two_runs_is_shown_with_both_observations(room: Newsroom) -> None:
    x, tweets = room.world.ref, room.world.tweets
    room.run()
    assert room.desk.rows(EDITS) == []
    before = room.evidence()
    tweets["first"].text = edited = story.FIRST.replace("twice I was told", "once I was told")
    toot = room.world.mastodon.toots["113300000000000001"]
    assert toot is not None
    toot |= {"content": "<p>Does anybody still have the flyer?</p>", "edited_at": "2024-10-25T07:00:00.000Z"}
    for server in room.world.servers:
        server.log.clear()
    room.clock.ahead = timedelta(days=1, minutes=1)
    report = room.run()
    assert report.outcomes == {"live": 11, "not-found": 2}
    assert room.evidence()[: len(before)] == before, "what was stored stays as it was"
    asked = [asked.target for asked in room.world.log()]
    assert len(asked) == report.captures
    assert not any(part in target for target in asked for part in ("/media/", "getBlob", "/tco/")), "they are settled"
    (edit,) = [row for row in room.desk.rows(EDITS) if row["ref"] == x("first")]
    assert (edit["shown_by"], edit["route"]) == ("same-route", "syndication")
    assert (edit["was"], edit["became"]) == (story.FIRST, edited)
    observed = dict(room.desk.table("SELECT leaf, observed_at FROM captures"))
    assert (edit["before"], edit["after"]) == (observed[edit["first"]], observed[edit["later"]])
    assert edit["first"] <= max(row[2] for row in before) < edit["later"]
    shown = room.desk.call("show", x("first"), "--json").json
    assert [(item["before"], item["after"]) for item in shown["edits"]] == [(story.FIRST, edited)]
    assert [version["text"] for version in shown["versions"]] == [story.FIRST, edited]
    assert (shown["post"]["text"], shown["post"]["versions"], shown["post"]["edits"]) == (edited, 2, 1)
    quoted = [row for row in shown["quotations"] if row["rank"] == 0]
    assert [row["verdict"] for row in quoted] == ["exact"], "faithful to the version that was there"
    others = room.desk.table(f"SELECT r.ref FROM edits e JOIN refs r ON r.id = e.post WHERE r.ref <> '{x('first')}'")
    assert {ref for (ref,) in others} == {f"fediverse:post:{room.world.mastodon.uri('ruth', '113300000000000001')}"}, (
        "nothing else was edited"
    )
    sound(room.desk)
    check = room.desk.call("rebuild", "--check", "--json")
    assert (check.code, check.json["differences"]) == (0, {})


def test_a_deletion_between_two_runs_leaves_the_chain_and_what_was_seen(room: Newsroom) -> None:
    x, tweets = room.world.ref, room.world.tweets
    room.run()
    room.world.x.delete(tweets["third"])
    room.clock.ahead = timedelta(days=1, minutes=1)
    room.run()
    post = room.desk.rows("SELECT p.* FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?", x("third"))[0]
    assert (post["text"], post["outcome"], post["versions"]) == (story.THIRD, "not-found", 1)
    assert post["outcome_at"] > post["last_seen"]
    chain = room.desk.call("show", x("first"), "--json").json["chain"]
    assert [(step["target"], step["outcome"]) for step in chain] == [
        (x("gone"), "not-found"),
        (x("third"), "not-found"),
        (x("origin"), "live"),
    ]
    verdicts = dict(room.desk.table("SELECT m.quoted, x.verdict FROM matches x JOIN mentions m ON m.id = x.mention"))
    assert sorted(verdicts.values()) == ["altered", "elided", "exact", "exact", "not-found", "truncated"]
    assert room.desk.call("rebuild", "--check").code == 0


def test_a_silent_network_deletes_nothing(room: Newsroom) -> None:
    room.run()
    room.world.configure(room.desk.folder, follow="wait = 0.0")
    outcomes = "SELECT r.ref, p.outcome, p.text FROM posts p JOIN refs r ON r.id = p.id ORDER BY r.ref"
    before = room.desk.table(outcomes)
    for server in room.world.servers:
        server.close()
    room.clock.ahead = timedelta(days=1, minutes=1)
    report = room.run()
    assert set(report.outcomes) == {"unreachable", "postponed"}
    tried = room.desk.table(
        "SELECT DISTINCT c.failure, o.outcome FROM captures c JOIN outcomes o ON o.capture = c.id "
        "WHERE c.tier = 'wire' AND c.status IS NULL"
    )
    assert ("connect", "unreachable") in tried
    assert {outcome for _, outcome in tried} == {"unreachable"}
    assert report.failed
    assert room.desk.table(outcomes) == before
    assert room.desk.call("rebuild", "--check").code == 0


def test_a_long_pause_that_a_host_asks_for_is_kept_by_later_runs_too(room: Newsroom) -> None:
    world = room.world
    world.mastodon.busy["113300000000000002"] = "3600"
    world.x.busy[world.tweets["busy"].id] = "3600"
    started = room.clock()
    report = room.run()
    assert report.failed
    assert report.outcomes["rate-limited"] >= 1
    hour = text_of(datetime.fromisoformat(started) + timedelta(hours=1))
    late = room.desk.table("SELECT ref, due_at FROM work_queue WHERE last_outcome IN ('rate-limited', 'postponed')")
    assert len(late) >= 2
    assert all(due >= hour for _, due in late), late
    asked = {server: len(server.log) for server in (world.mastodon.server, world.x.server)}
    another = world.mastodon.url("ruth", "113300000000000001")
    room.seed.write_text(room.seed.read_text() + another + "\n")
    room.clock.ahead = timedelta(minutes=50)
    room.run()
    assert {server: len(server.log) for server in asked} == asked, "nor is anything else of that host asked"
    room.clock.ahead = timedelta(minutes=61)
    report = room.run()
    assert not report.failed
    assert all(len(server.log) > count for server, count in asked.items())
    assert room.desk.value("SELECT count(*) FROM posts") == 10
    assert room.desk.call("rebuild", "--check").code == 0


def test_no_server_ends_a_watch_for_years(room: Newsroom) -> None:
    room.world.mastodon.busy["113300000000000002"] = "315360000"
    room.run()
    ((due,),) = room.desk.table("SELECT due_at FROM work_queue WHERE last_outcome = 'rate-limited'")
    wait = datetime.fromisoformat(due) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < wait < timedelta(days=7, hours=1)


@pytest.mark.parametrize("status", ["520 Web Server Error", "503 Service Unavailable", "429 Too Many Requests"])
def test_an_outage_says_nothing_of_the_posts(room: Newsroom, status: str) -> None:
    room.run()
    outcomes = "SELECT r.ref, p.outcome, p.outcome_at, p.text FROM posts p JOIN refs r ON r.id = p.id ORDER BY r.ref"
    before = room.desk.table(outcomes)
    for server in room.world.servers:
        server.respond = lambda target, raw: message(b'{"error": "over capacity"}', JSON, status=status)
    room.world.configure(room.desk.folder, follow="wait = 0.0")
    room.clock.ahead = timedelta(days=1, minutes=1)
    report = room.run()
    assert report.failed
    assert room.desk.table(outcomes) == before
    assert not {"live", "not-found", "deleted", "unavailable"} & set(report.outcomes), report.outcomes
    soon = text_of(datetime.fromisoformat(room.clock()) + timedelta(hours=2))
    due = room.desk.table("SELECT ref, due_at FROM work_queue WHERE attempts > 0")
    assert len(due) == 13
    assert all(at < soon for _, at in due), "tried again soon, not tomorrow"
    assert room.desk.call("rebuild", "--check").code == 0


def test_recheck_looks_at_everything_again(room: Newsroom) -> None:
    room.world.x.busy[room.world.tweets["busy"].id] = "1"
    first = room.run()
    again = room.run(recheck=True)
    assert again.looks == first.looks
    assert again.captures == first.captures - 1, "all but the refusal with 429"
    blobs = room.desk.value("SELECT count(*) FROM blobs")
    assert blobs == room.desk.value("SELECT count(DISTINCT sha256) FROM blobs")
    assert room.desk.rows(EDITS) == []
    assert room.desk.call("rebuild", "--check").code == 0


def test_a_decision_of_a_person_is_kept_followed_and_made_again(room: Newsroom) -> None:
    x, world, desk = room.world.ref, room.world, room.desk
    room.run()
    (passage,) = desk.rows(
        "SELECT r.ref FROM resolutions s JOIN mentions m ON m.id = s.mention JOIN refs r ON r.id = m.ref "
        "WHERE s.status = 'media-source'"
    )[0]
    late = world.x.add("sol_marsh", "Sol Marsh", "The arch is about to fall down, look at it.", "2024-10-28T15:00:00Z")
    address = f"https://x.com/sol_marsh/status/{late.id}"
    for wrong, expected in (
        (("doc:passage:0:0-1", address, "--reason", "seen"), "no mention doc:passage:0:0-1"),
        ((passage, "https://x.com/sol_marsh", "--reason", "seen"), "is no post"),
        ((passage, address, "--reason", " "), "a decision needs a reason"),
    ):
        refused = desk.call("resolve", *wrong)
        assert (refused.code, expected in refused.err) == (2, True), refused.err
    decided = desk.call("resolve", passage, address, "--reason", "the author sent a copy", "--json")
    assert decided.code == 0
    assert (decided.json["post"], decided.json["queued"]) == (f"x:post:{late.id}", True)
    statement = desk.rows("SELECT * FROM statements")[0]
    assert (statement["who"], statement["what"], statement["subject"]) == ("Desk", "resolves", passage)
    assert (statement["object"], statement["reason"]) == (f"x:post:{late.id}", "the author sent a copy")
    assert statement["leaf"] == decided.json["leaf"]
    before = desk.call("show", f"x:post:{late.id}", "--json").json
    assert (before["post"], before["quotations"][0]["verdict"]) == (None, "not-judged")
    assert room.run().outcomes == {"live": 1}
    row = desk.rows(
        "SELECT s.status, s.how, s.reason, x.verdict FROM resolutions s JOIN mentions m ON m.id = s.mention "
        "JOIN refs r ON r.id = m.ref LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 WHERE r.ref = ?",
        passage,
    )[0]
    assert tuple(row) == ("resolved", "statement", "the author sent a copy", "exact")
    assert x("stranger") not in desk.call("show", passage.replace("passage", "document").rpartition(":")[0]).out
    check = desk.call("rebuild", "--check", "--json")
    assert (check.code, check.json["differences"]) == (0, {})
    assert desk.call("rebuild").code == 0
    assert desk.call("rebuild", "--check").code == 0
