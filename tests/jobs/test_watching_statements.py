"""What is said of a post over time: between which two observations, by which routes, with what changed; and what never
becomes a word about the post: walls, failures, and answers without a structured reason."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.jobs import read, watching
from archiver.jobs.config import Config
from archiver.jobs.read import read_answer
from archiver.jobs.rebuild import rebuild
from archiver.jobs.session import Session, open_session
from archiver.model import Answer, Exchange, Outcome, Ref, Request
from archiver.net.uid import new_uid
from archiver.platforms import all_platforms
from archiver.schedule import ATTEMPT_FAILED, parse_time, time_text
from archiver.store.fates import GONE
from archiver.store.queue import Task
from tests.jobs.histories import Toy

REF = "x:post:1850000000000000001"
TEXT = "The bridge closes on Friday at noon and will not open again before spring."
BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Days:
    """Writes what routes answer on a day."""

    def __init__(self, session: Session) -> None:
        self.session, self.seconds = session, itertools.count()

    def say(self, day: int, said: Mapping[str, Any], *, route: str = "one", about: str = REF) -> None:
        at = time_text(BEGIN + timedelta(days=day, seconds=next(self.seconds)))
        ref = Ref(platform="toy", kind="answer", id=route)
        request = Request(ref=ref, refs=(Ref.parse(about),), route=route, url=f"https://toy.example/{route}")
        body = json.dumps(said).encode()
        exchange = Exchange(
            uid=new_uid(),
            request=request,
            url=request.url,
            tier="replay",
            started_at=at,
            ended_at=at,
            status=200,
            response_head=b"HTTP/1.1 200 OK\r\n\r\n",
            body=io.BytesIO(body),
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            entity_sha256=hashlib.sha256(body).hexdigest(),
        )
        (recorded,) = self.session.evidence.record(exchange)
        row = self.session.archive.one(read.CAPTURE + "WHERE c.id = ?", recorded.id)
        assert row is not None
        read.read_capture(self.session, row)

    def live(self, day: int, text: str = TEXT, *, route: str = "one", about: str = REF) -> None:
        post = {"ref": REF, "text": text, "handle": "ada", "posted_at": "2026-02-01T00:00:00Z", "whole": True}
        self.say(day, {"posts": [post], "findings": [{"ref": REF, "outcome": "live"}]}, route=route, about=about)

    def answer(self, day: int, outcome: str, *, route: str = "one") -> None:
        self.say(day, {"findings": [{"ref": REF, "outcome": outcome}]}, route=route)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    with open_session(tmp_path / "a.db", Config()) as opened:
        opened.archive.db.execute("PRAGMA synchronous=OFF")
        yield opened


@pytest.fixture
def days(session: Session) -> Days:
    return Days(session)


STATEMENTS = ("Live at", "Shown beside", "Not found", "Shown again", "Edited ", "  “", "  added ", "  removed ")


def printed(session: Session) -> str:
    result = CliRunner().invoke(main, ["show", REF, "--db", str(session.archive.path)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def shown(session: Session) -> list[str]:
    found = printed(session)
    assert rebuild(session, check=True).differences == {}
    return [line for line in found.splitlines() if line.startswith(STATEMENTS)]


def happened(session: Session) -> list[Any]:
    result = CliRunner().invoke(main, ["show", REF, "--json", "--db", str(session.archive.path)])
    return list(json.loads(result.output)["happened"])


def test_live_then_not_found_by_two_routes_then_returned(session: Session, days: Days) -> None:
    days.live(0)
    days.live(0, route="two")
    days.answer(2, "not-found")
    days.answer(2, "not-found", route="two")
    days.answer(3, "refused")
    days.answer(9, "not-found", route="three")
    days.live(12)
    assert shown(session) == [
        "Live at 2026-03-01 09:00:01Z (two); not found at 2026-03-03 09:00:02Z by two routes (one, two), "
        "which does not say that it was deleted",
        "Shown again at 2026-03-13 09:00:06Z by one route (one); last not shown at 2026-03-10 09:00:05Z (three)",
    ]
    gone, back = happened(session)
    assert [answer["route"] for answer in gone["answers"]] == ["one", "two"]
    assert gone["last_before"]["leaf"] < gone["first_after"]["leaf"] < back["first_after"]["leaf"]
    assert back["last_before"]["at"] < back["first_after"]["at"]


def test_what_is_told_later_is_told_with_its_own_time(session: Session, days: Days) -> None:
    days.live(0)
    days.answer(2, "not-found")
    days.answer(9, "deleted")
    (told,) = shown(session)
    assert told == (
        "Live at 2026-03-01 09:00:00Z (one); not found at 2026-03-03 09:00:01Z by one route (one), "
        "which does not say that it was deleted; deleted since 2026-03-10 09:00:02Z"
    )


def test_what_stood_only_beside_another_post_is_not_said_to_have_been_live(session: Session, days: Days) -> None:
    days.live(0, about="x:post:1850000000000000002")
    days.answer(0, "unavailable")
    (told,) = shown(session)
    assert told == (
        "Shown beside toy:answer:one at 2026-03-01 09:00:00Z (one); not shown at 2026-03-01 09:00:01Z by one route "
        "(one), and the platform does not say why"
    )


def test_what_is_live_is_told_with_the_time_at_which_it_was_seen(session: Session, days: Days) -> None:
    days.live(0)
    days.answer(40, "refused")
    assert "live when last seen, 2026-03-01 09:00:00Z" in printed(session)


def test_the_next_look_is_told_by_whichever_name_it_is_queued(session: Session, days: Days) -> None:
    alias = "x:post:1850000000000000009"
    days.live(0)
    days.say(0, {"aliases": [{"alias": alias, "ref": REF}]})
    queue = {"host": "x.example", "purpose": "post", "depth": 0, "seed": "a.txt", "priority": 1}
    session.frontier.add(Ref.parse(alias), now=time_text(BEGIN), **queue)
    assert "Next look: 2026-03-01 09:00:00Z" in printed(session)
    session.archive.db.execute("UPDATE work_queue SET kept = 0, due_at = NULL")
    assert "Not looked at again: no seed keeps it" in printed(session)


def test_routes_that_say_different_things_are_told_apart(session: Session, days: Days) -> None:
    days.live(0)
    days.answer(2, "not-found")
    days.answer(2, "deleted", route="two")
    (told,) = shown(session)
    assert told.endswith("deleted at 2026-03-03 09:00:01Z by two routes (one: not-found; two: deleted)")


def test_a_changed_text_is_told_with_its_difference(session: Session, days: Days) -> None:
    days.live(0)
    days.live(4, TEXT.replace("noon", "three"))
    days.live(6, TEXT.replace("noon", "three") + " Perhaps.")
    assert shown(session) == [
        "Edited between 2026-03-01 09:00:00Z and 2026-03-05 09:00:01Z: shown by two sightings by one route (one)",
        "  “noon” became “three”",
        "Edited between 2026-03-05 09:00:01Z and 2026-03-07 09:00:02Z: shown by two sightings by one route (one)",
        "  added “Perhaps.”",
    ]


def test_other_words_by_another_route_are_no_edit(session: Session, days: Days) -> None:
    days.live(0)
    days.live(4, TEXT + " …", route="two")
    assert shown(session) == []


@pytest.mark.parametrize("outcome", sorted(ATTEMPT_FAILED | {Outcome.BLOCKED, Outcome.TOO_LARGE}))
def test_no_failed_attempt_is_ever_a_word_about_the_post(session: Session, days: Days, outcome: Outcome) -> None:
    days.live(0)
    for day in range(1, 5):
        days.answer(day, outcome)
        days.answer(day, outcome, route="two")
    assert shown(session) == []
    row = session.archive.one("SELECT outcome FROM posts")
    assert row is not None
    assert row["outcome"] == "live"


# ---- walls ----------------------------------------------------------------------------------------------------------

LOGIN = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form action=/login><input type=password></form>"
CAPTCHA = (
    b'<!DOCTYPE html><title>Just a moment...</title><div id="cf-challenge">This post was deleted. 404 Not Found</div>'
)
HTML, JSON = ("content-type", "text/html"), ("content-type", "application/json")
ROUTES = [
    ("x:post:1850800000000000000", "syndication"),
    ("x:post:1850800000000000000", "fxtwitter"),
    ("x:post:1850800000000000000", "oembed"),
    ("x:post:1850800000000000000", "v2"),
    ("x:post:1850800000000000000", "v1.1"),
    ("x:post:1850800000000000000", "graphql"),
    ("bluesky:post:at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3kaaaaaaaaaaa", "posts"),
    ("fediverse:post:https://a.example/users/ada/statuses/1", "object"),
]
WALLS: dict[str, tuple[int, tuple[str, str], bytes]] = {
    "403": (403, HTML, b"<h1>Access denied</h1>"),
    "403 with words": (403, HTML, CAPTCHA),
    "429": (429, HTML, b"slow down"),
    "500": (500, JSON, b'{"error": "not found"}'),
    "503": (503, HTML, CAPTCHA),
    "520": (520, HTML, b"deleted"),
    "login page": (200, HTML, LOGIN),
    "captcha": (200, HTML, CAPTCHA),
    "nothing": (200, JSON, b""),
    "no content": (204, JSON, b""),
    "an empty object": (200, JSON, b"{}"),
    "null": (200, JSON, b"null"),
    "a list": (200, JSON, b"[]"),
    "half an answer": (200, JSON, b'{"posts": ['),
    "over capacity": (503, JSON, b'{"errors":[{"code":130,"message":"Over capacity"}]}'),
    "internal error": (200, JSON, b'{"errors":[{"code":131,"message":"Dependency: Internal error."}],"data":{}}'),
    "nothing but an error": (200, JSON, b'{"errors":[{"code":131}],"data":{"tweetResult":{}}}'),
    "timed out": (200, JSON, b'{"errors":[{"code":29,"message":"Timeout: Unspecified"}]}'),
    "a query that is outdated": (400, JSON, b'{"errors":[{"code":336,"message":"features cannot be null"}]}'),
    "an error without a code": (400, JSON, b'{"errors":[{"message":"deleted"}]}'),
    "not found, and failing": (500, JSON, b'{"errors":[{"code":144,"message":"No status found with that ID."}]}'),
}


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize(("ref", "route"), ROUTES)
def test_a_wall_says_nothing_of_the_post(ref: str, route: str, wall: str) -> None:
    status, header, body = WALLS[wall]
    request = Request(ref=Ref.parse(ref), route=route, url="https://a.example/1")
    answer = Answer(
        request=request, status=status, headers=(header,), body=body, url=request.url, at="2026-01-02T03:04:05Z"
    )
    outcomes = {finding.outcome for finding in read_answer(answer).reading.findings if str(finding.ref) == ref}
    assert outcomes, "it is told as something"
    assert not outcomes & set(GONE), outcomes
    assert Outcome.LIVE not in outcomes


def test_an_empty_tombstone_is_unavailable_and_never_deleted(session: Session) -> None:
    request = Request(ref=Ref.parse(REF), route="syndication", url="https://a.example/1")
    for body in (b'{"__typename":"TweetTombstone","tombstone":{}}', b'{"__typename":"TweetTombstone"}'):
        answer = Answer(
            request=request, status=200, headers=(JSON,), body=body, url=request.url, at="2026-01-02T03:04:05Z"
        )
        (finding,) = read_answer(answer).reading.findings
        assert finding.outcome in (Outcome.UNAVAILABLE, Outcome.UNREADABLE)


# ---- and the schedule follows it -----------------------------------------------------------------------------------


WORK = ("host", "purpose", "depth", "seed", "attempts", "added_at")


def again(session: Session, outcome: Outcome, day: int) -> timedelta:
    """How long until the next look, after one on that day."""
    now = BEGIN + timedelta(days=day, hours=1)
    session.now = lambda: time_text(now)
    row = session.archive.one("SELECT * FROM work_queue WHERE ref = ?", REF)
    assert row is not None
    fields = {name: row[name] for name in (*WORK, "last_at", "changed_at", "looks")}
    task = Task(ref=Ref.parse(REF), fence=0, **fields)
    due = watching.again(session, task, outcome, jitter=0.0)
    session.frontier.record(task, outcome=outcome.value, at=session.now(), due_at=due, failed=False)
    return timedelta() if due is None else parse_time(due) - now


def test_what_was_edited_or_came_back_is_new_again(session: Session, days: Days) -> None:
    session.frontier.add(
        Ref.parse(REF), host="x.example", purpose="post", depth=0, seed="a.txt", now=time_text(BEGIN), priority=1
    )
    days.live(0)
    assert again(session, Outcome.LIVE, 0) == timedelta(hours=6)
    days.live(50)
    assert again(session, Outcome.LIVE, 50) > timedelta(days=5)
    days.live(60, "other words")
    assert again(session, Outcome.LIVE, 60) == timedelta(hours=6)
    days.answer(80, "not-found")
    assert again(session, Outcome.NOT_FOUND, 80) == timedelta(hours=6)
    days.answer(100, "refused")
    days.answer(100, "not-found")
    assert again(session, Outcome.NOT_FOUND, 100) > timedelta(days=2), "a failure between two looks changes nothing"
    days.live(110)
    assert again(session, Outcome.LIVE, 110) == timedelta(hours=6)
    row = session.archive.one("SELECT looks, changed_at FROM work_queue")
    assert row is not None
    assert (row["looks"], row["changed_at"][:10]) == (6, (BEGIN + timedelta(days=110)).isoformat()[:10])


def test_a_watch_does_not_end_while_no_route_that_showed_a_post_says_that_it_is_gone(
    session: Session, days: Days
) -> None:
    session.frontier.add(
        Ref.parse(REF), host="x.example", purpose="post", depth=0, seed="a.txt", now=time_text(BEGIN), priority=1
    )
    days.live(0)
    again(session, Outcome.LIVE, 0)
    days.answer(400, "refused")
    days.answer(400, "not-found", route="two")
    assert timedelta() < again(session, Outcome.NOT_FOUND, 400) <= timedelta(days=14)
    days.answer(420, "not-found")
    assert again(session, Outcome.NOT_FOUND, 420) == timedelta(hours=6), "now it is gone, and that is news"
    days.answer(800, "not-found")
    assert again(session, Outcome.NOT_FOUND, 800) == timedelta(), "gone for more than a year"


def test_a_change_that_a_clock_ahead_has_dated_makes_nothing_new_for_years(session: Session, days: Days) -> None:
    session.frontier.add(
        Ref.parse(REF), host="x.example", purpose="post", depth=0, seed="a.txt", now=time_text(BEGIN), priority=1
    )
    days.live(0)
    again(session, Outcome.LIVE, 0)
    days.live(4000, "other words")
    assert again(session, Outcome.LIVE, 4000) == timedelta(hours=6)
    days.live(100, "other words")
    assert again(session, Outcome.LIVE, 100) > timedelta(days=9), "the clock was set right"
