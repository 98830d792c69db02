"""A server that fails says nothing of a post."""

from __future__ import annotations

import pytest

from archiver import schedule
from archiver.jobs.read import read_answer
from archiver.model import Answer, Outcome, Ref, Request
from archiver.store.fates import GONE

ASKED = (
    ("x:post:1850800000000000000", "syndication"),
    ("bluesky:post:at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3kaaaaaaaaaaa", "posts"),
    ("fediverse:post:https://a.example/users/ada/statuses/1", "object"),
    ("web:page:https://a.example/", "page"),
    ("web:media:https://a.example/1.jpg", "media"),
)


@pytest.mark.parametrize(("ref", "route"), ASKED)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_failing_server_is_a_failed_attempt(ref: str, route: str, status: int) -> None:
    request = Request(ref=Ref.parse(ref), route=route, url="https://a.example/")
    read = read_answer(Answer(request=request, status=status, url=request.url, at="2026-01-02T03:04:05Z"))
    (outcome,) = {finding.outcome for finding in read.reading.findings}
    assert outcome not in GONE
    assert outcome is not Outcome.LIVE
    due = schedule.next_look(
        outcome, purpose="media", now="2026-01-02T00:00:00Z", added_at="2026-01-01T00:00:00Z", attempts=0
    )
    assert due == "2026-01-02T00:15:00.000000Z"
