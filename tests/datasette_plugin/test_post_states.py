"""What pages say of states that come with years: refused since, blurred by a policy, never asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.datasette_plugin.rooms.post import set_back
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.uid import new_uid
from tests.datasette_plugin.looking import Seen, post
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.test_post import BO, FERRY, changed


@pytest.fixture
def opened(db: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    """A copy of the demonstration after the SQL that the test is given."""
    room = Room(changed(db, tmp_path, *request.param))
    yield room
    room.close()


_VIDEO = "UPDATE files SET sniffed_type = 'video/mp4'"


@pytest.mark.parametrize(
    "opened", [[("INSERT INTO blurred (post) SELECT id FROM posts", ()), (_VIDEO, ())]], indirect=True
)
def test_what_a_policy_blurs_is_not_played_either(opened: Room) -> None:
    told = opened.text(post(FERRY))
    assert "not shown here, by a policy of this archive" in told
    assert "<video" not in told


_NEWEST = "SELECT max(o.id) FROM outcomes o JOIN refs r ON r.id = o.ref WHERE r.ref = ?"
_REFUSED = f"UPDATE outcomes SET outcome = 'refused' WHERE id = ({_NEWEST})"


@pytest.mark.parametrize("opened", [[(_REFUSED, (BO,))]], indirect=True)
def test_what_was_live_and_is_refused_since_is_not_said_to_be_shown_now(opened: Room) -> None:
    page = " ".join(Seen(opened.text(post(BO))).text.split())
    assert "The platform showed the post, as seen" in page
    assert "Answers since then did not show it: syndication refused" in page
    assert set_back([{"tier": "wire", "observed_at": at} for at in ("2026-03-01", "2026-03-02")])
    assert not set_back([{"tier": "wire", "observed_at": at} for at in ("2026-03-02", "2026-03-01")])


@pytest.mark.usefixtures("own_keys")
def test_of_what_was_blocked_no_page_says_that_a_server_was_asked(tmp_path: Path) -> None:
    path, at = tmp_path / "archive.db", "2026-03-01T00:00:00.000000Z"
    request = Request(ref=Ref.parse("web:page:https://a.example/1"), route="page", url="https://a.example/1")
    exchange = Exchange(
        uid=new_uid(),
        request=request,
        url=request.url,
        tier="wire",
        started_at=at,
        ended_at=at,
        failure=Failure.BLOCKED,
        detail="not asked: robots.txt of a.example forbids it",
    )
    with open_session(path, Config()) as session:
        session.evidence.record(exchange)
    room = Room(path)
    told = Seen(room.text(f"/archive/-/capture/{exchange.uid}")).text
    room.close()
    assert "A server was asked" not in told
    assert "Nothing was asked at this address" in told
