"""What all captures together say of a post: routes that disagree, addresses that turn out to be one post, proofs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from archiver.jobs.config import Config
from archiver.jobs.session import Session, open_session
from archiver.model import Alias, Exchange, Finding, Media, Outcome, Post, Reading, Ref, Request
from archiver.net.uid import new_uid
from archiver.store import summaries
from archiver.store.fates import ABSENT, outcome_of


def said(*rows: str) -> tuple[str, str]:
    """`route:outcome[:reason]` in log order, observed at 0, 1, 2 …"""
    made = []
    for number, row in enumerate(rows):
        route, outcome, *reason = row.split(":")
        more = {"observed_at": str(number), "own": True}
        made.append({"route": route, "outcome": outcome, "reason": "".join(reason), **more})
    return outcome_of(cast(Any, made))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((), ("", "")),
        (("a:live",), ("live", "0")),
        (("a:live", "a:unreachable"), ("live", "0")),
        (("a:live", "a:not-found"), ("not-found", "1")),
        (("a:not-found", "b:live"), ("live", "1")),
        (("a:live", "b:not-found"), ("live", "0")),
        (("a:live", "b:live", "a:not-found"), ("not-found", "2")),
        (("a:live", "a:not-found", "b:live"), ("live", "2")),
        (("a:unreachable", "a:rate-limited"), ("rate-limited", "1")),
        # What the route that flipped says last, since it first said so; another route's cache does not hide it.
        (("a:live", "b:live", "a:protected", "a:deleted", "a:unreachable", "a:deleted"), ("deleted", "3")),
        (("a:live", "a:not-found", "a:not-found"), ("not-found", "1")),
        (("a:not-found", "a:deleted", "a:not-found"), ("not-found", "2")),
        (("a:live", "b:live", "c:suspended", "a:unreachable"), ("live", "1")),
        # A proof of absence after a sighting means deleted, whichever route said so first.
        (("record:live", "proof:live", "record:not-found", f"proof:not-found:{ABSENT}"), ("deleted", "3")),
        (("posts:live", "posts:unavailable", f"proof:not-found:{ABSENT}"), ("deleted", "2")),
        (("posts:live", "proof:live", "posts:live", f"proof:not-found:{ABSENT}"), ("deleted", "3")),
        # The first proof is when it was known, as long as nothing showed the post again.
        (("a:live", "a:not-found", f"p:not-found:{ABSENT}", f"p:not-found:{ABSENT}"), ("deleted", "2")),
        # Never seen: absence alone says nothing of what was there.
        (("record:not-found", f"proof:not-found:{ABSENT}"), ("not-found", "0")),
        (("record:unavailable", f"proof:not-found:{ABSENT}", "record:live"), ("live", "2")),
        # An account that is suspended says more than its post does.
        (("proof:live", "status:suspended", f"proof:not-found:{ABSENT}"), ("suspended", "1")),
    ],
)
def test_the_outcome_of_all_captures(rows: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert said(*rows) == expected


POST, ADDRESS, NUMBER = (
    Ref(platform="fediverse", kind="post", id=f"https://a.example/{path}") for path in ("users/a/1", "@a/1", "1")
)


class Archive:
    """An archive into which readings are written, each from a capture of its own."""

    def __init__(self, session: Session) -> None:
        self.session, self.second = session, 0

    def read(self, route: str, reading: Reading) -> None:
        self.second += 1
        at = f"2026-01-02T03:04:{self.second:02}.000000Z"
        request = Request(ref=POST, route=route, url="https://a.example/")
        exchange = Exchange(uid=new_uid(), request=request, url=request.url, tier="replay", started_at=at, ended_at=at)
        (recorded,) = self.session.evidence.record(exchange)
        with self.session.archive.transaction():
            touched = self.session.readings.write(recorded.id, route, at, reading)
            summaries.refresh(self.session.archive, touched)

    def outcome(self) -> tuple[str, str]:
        row = self.session.archive.one(
            "SELECT outcome, outcome_at FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?", str(POST)
        )
        assert row is not None
        return row["outcome"], row["outcome_at"][17:19]


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    with open_session(tmp_path / "a.db", Config()) as session:
        yield Archive(session)


def finds(ref: Ref, outcome: Outcome) -> Reading:
    return Reading(findings=(Finding(ref=ref, outcome=outcome),))


SHOWN = Reading(
    findings=(Finding(ref=POST, outcome=Outcome.LIVE), Finding(ref=ADDRESS, outcome=Outcome.LIVE)),
    posts=(Post(ref=POST, author=None, text="words", posted_at="2026-01-01T00:00:00Z"),),
    aliases=(Alias(alias=ADDRESS, ref=POST),),
)


def test_what_is_said_of_an_alias_is_said_of_the_post(archive: Archive) -> None:
    archive.read("status", SHOWN)
    assert archive.outcome() == ("live", "01")
    archive.read("status", finds(ADDRESS, Outcome.NOT_FOUND))
    assert archive.outcome() == ("not-found", "02")
    archive.read("object", finds(ADDRESS, Outcome.DELETED))
    assert archive.outcome() == ("deleted", "03")
    archive.read("status", SHOWN)
    assert archive.outcome() == ("live", "04")


def test_an_alias_may_be_learnt_after_its_outcome(archive: Archive) -> None:
    archive.read("status", SHOWN)
    archive.read("status", finds(NUMBER, Outcome.NOT_FOUND))
    assert archive.outcome() == ("live", "01")
    archive.read("other", Reading(aliases=(Alias(alias=NUMBER, ref=ADDRESS),)))
    assert archive.outcome() == ("not-found", "02")


def test_aliases_that_go_round_in_a_circle_end(archive: Archive) -> None:
    archive.read("status", SHOWN)
    archive.read("other", Reading(aliases=(Alias(alias=POST, ref=ADDRESS),)))
    assert archive.outcome() == ("live", "01")
    archive.read("status", finds(ADDRESS, Outcome.SUSPENDED))
    assert archive.outcome() == ("suspended", "03")


def test_an_alias_that_is_a_post_of_its_own_speaks_for_itself(archive: Archive) -> None:
    archive.read("status", SHOWN)
    version = Post(ref=NUMBER, author=None, text="other words", posted_at="2026-01-01T00:00:00Z")
    archive.read("other", Reading(posts=(version,), aliases=(Alias(alias=NUMBER, ref=POST),)))
    archive.read("status", finds(NUMBER, Outcome.NOT_FOUND))
    assert archive.outcome() == ("live", "01")


def sighting(**changes: Any) -> Reading:
    fields: dict[str, Any] = {"text": "words", "posted_at": "2026-01-01T00:00:00Z", "lang": "en"} | changes
    return Reading(posts=(Post(ref=POST, author=None, **fields),))


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        ({"lang": "und"}, 0),
        ({"sensitive": True}, 0),
        ({"text": "other words"}, 1),
        ({"text": "other words", "lang": "und"}, 1),
        ({"warning": "beware"}, 1),
        ({"media": (Media(key="k", kind="photo", url="https://m.example/1"),)}, 1),
        ({"text": "other words", "truncated": True}, 0),
        ({"text": "other words", "whole": False}, 0),
    ],
)
def test_an_edit_is_a_change_that_somebody_made(archive: Archive, changes: dict[str, Any], edits: int) -> None:
    archive.read("status", sighting())
    archive.read("status", sighting(**changes))
    assert archive.session.archive.value("SELECT edits FROM posts") == edits
