"""What becomes of media by the policies of the configuration: blurred, announced, erased; and what protects them."""

from __future__ import annotations

import contextlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import story
from click.testing import CliRunner
from running import Desk

from archiver.cli import main
from archiver.errors import InputError
from archiver.jobs import config, retaining
from archiver.jobs.retention import Policy, parse
from archiver.jobs.session import open_session

DROP = '[retention."article.html"]\nmedia = "drop"\ndays = 30\n'
BLUR = '[retention."article.html"]\nmedia = "blur"\n'
EVERY = '[retention."*"]\nmedia = "drop"\ndays = 30\n'


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of an article that quotes a post with a picture, and of a note that quotes another post."""
    folder = tmp_path_factory.mktemp("retention")
    desk = Desk(folder / "desk", folder / "desk" / "archiver.toml")
    desk.folder.mkdir()
    with story.playing() as world, pytest.MonkeyPatch.context() as patch, contextlib.chdir(desk.folder):
        patch.setenv("XDG_CONFIG_HOME", str(folder / "keys"))
        world.configure(desk.folder)
        picture = f"http://{world.mastodon.server.place}/@ruth/113300000000000001"
        (desk.folder / "article.html").write_text(f"<p>As shown: {picture}</p>")
        (desk.folder / "note.txt").write_text(f"See https://x.com/i/status/{world.tweets['origin'].id}")
        assert desk.call("run", "article.html", "note.txt").code in (0, 1)
    return folder


@pytest.fixture
def desk(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A copy of it, which is one test's own."""
    shutil.copytree(ran / "desk", tmp_path, dirs_exist_ok=True)
    shutil.copytree(ran / "keys", tmp_path / "keys")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, tmp_path / "archiver.toml")


def policy(desk: Desk, text: str) -> None:
    kept = desk.config.read_text().split("[retention.")[0]
    desk.config.write_text(kept + text)


def day(number: float) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def at(desk: Desk, days: float) -> Any:
    """A session on some other day."""
    return open_session(desk.db, config.load(desk.config), now=lambda: day(days))


def due(desk: Desk, days: float) -> list[retaining.Due]:
    with at(desk, days) as session:
        return retaining.due(session.archive, session.config.retention, now=session.now())


def announced(desk: Desk, days: float) -> list[str]:
    with at(desk, days) as session:
        return retaining.announce(session, session.config.retention)


def dropped(desk: Desk, days: float) -> retaining.Dropped:
    with at(desk, days) as session:
        return retaining.drop(session, session.config.retention, who="Desk")


def verified(desk: Desk) -> int:
    """How `archiver verify` ends."""
    return CliRunner().invoke(main, ["verify", str(desk.db)]).exit_code


def media(desk: Desk) -> int:
    return int(
        desk.value("SELECT count(*) FROM media_blobs m WHERE EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = m.blob)")
    )


def test_blurred_media_are_sensitive_and_the_log_says_why(desk: Desk) -> None:
    assert desk.value("SELECT max(sensitive) FROM media_carriers") == 0
    policy(desk, BLUR)
    ran = desk.call("run", "--offline")
    assert "media of article.html are blurred from now on" in ran.out
    assert desk.value("SELECT min(sensitive) FROM media_carriers") == 1
    (row,) = desk.rows("SELECT * FROM statements")
    assert (row["what"], row["subject"], row["who"]) == ("blur", "retention:article.html", "Desk")
    assert "from now on" not in desk.call("run", "--offline").out, "it is decided once"
    assert desk.call("rebuild", "--check").code == 0
    assert verified(desk) in (0, 1)


def test_what_is_no_longer_blurred_is_shown_again(desk: Desk) -> None:
    policy(desk, BLUR)
    desk.call("run", "--offline")
    policy(desk, "")
    assert "no longer blurred" in desk.call("run", "--offline").out
    assert desk.value("SELECT max(sensitive) FROM media_carriers") == 0
    assert desk.call("rebuild", "--check").code == 0


def test_a_name_that_fits_no_seed_blurs_nothing(desk: Desk) -> None:
    policy(desk, BLUR.replace("article", "other"))
    desk.call("run", "--offline")
    assert desk.value("SELECT max(sensitive) FROM media_carriers") == 0


def test_what_is_due_is_announced_and_goes_a_week_later(desk: Desk) -> None:
    policy(desk, DROP)
    before, proofs = media(desk), desk.value("SELECT count(*) FROM log_leaf")
    assert before > 0
    assert due(desk, 29) == []
    assert announced(desk, 29) == []
    found = due(desk, 31)
    assert found
    assert not any(one.announced or one.ripe for one in found)
    assert dropped(desk, 31).files == [], "not announced yet"
    (line,) = announced(desk, 31)
    assert "`archiver retain`" in line
    assert dropped(desk, 37).files == [], "not long enough ago"
    done = dropped(desk, 38.5)
    assert len(done.files) == len(found)
    assert not done.broken
    assert media(desk) == before - len(found)
    reasons = {row["reason"] for row in desk.rows("SELECT reason FROM erasures")}
    assert reasons == {"retention policy article.html: 30 days"}
    assert desk.value("SELECT count(*) FROM log_leaf") > proofs
    assert verified(desk) in (0, 1)
    assert desk.call("rebuild", "--check").code == 0
    assert due(desk, 40) == []


def test_posts_documents_and_words_stay(desk: Desk) -> None:
    policy(desk, EVERY)
    texts = desk.table("SELECT text FROM versions ORDER BY sha256")
    documents = desk.table("SELECT text FROM documents ORDER BY sha256")
    announced(desk, 31)
    assert dropped(desk, 60).files
    assert desk.table("SELECT text FROM versions ORDER BY sha256") == texts
    assert desk.table("SELECT text FROM documents ORDER BY sha256") == documents


def test_what_another_seed_leads_to_stays(desk: Desk, tmp_path: Path) -> None:
    policy(desk, DROP)
    assert due(desk, 31)
    url = desk.value(
        "SELECT m.url FROM mentions m JOIN documents d ON d.id = m.document WHERE m.platform = 'fediverse'"
    )
    second = tmp_path / "second.txt"
    second.write_text(f"Also here: {url}")
    desk.call("add", "second.txt")
    assert due(desk, 31) == [], "the second seed has no policy: it keeps the picture"


def test_a_clock_that_was_ahead_has_announced_nothing(desk: Desk) -> None:
    """A wrong clock announces in what is the future afterwards; the week is counted from a time that has been."""
    policy(desk, DROP)
    announced(desk, 400)
    announced(desk, 31)
    assert dropped(desk, 32).files == []


def test_nothing_is_due_without_a_policy(desk: Desk) -> None:
    policy(desk, "")
    assert due(desk, 40_000) == []
    assert desk.call("retain").out == "No media file has had its time.\n"
    assert "Nothing was to be erased" in desk.call("retain", "--yes").out


def test_the_command_lists_and_tells(desk: Desk) -> None:
    policy(desk, DROP.replace("30", "1"))
    listed = desk.call("retain", "--json")
    assert listed.code == 0
    assert json.loads(listed.out) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": {"media": "burn"}}, "'media' in"),
        ({"a": {"media": "drop"}}, "'days' in"),
        ({"a": {"media": "drop", "days": 0}}, "'days' in"),
        ({"a": {"media": "drop", "days": True}}, "'days' in"),
        ({"a": {"media": "drop", "days": "90"}}, "'days' in"),
        ({"a": {"media": "keep", "days": 90}}, "goes with"),
        ({"a": {"medium": "keep"}}, "unknown key 'medium'"),
        ({"a": {"media": "drop", "days": 9, "blur": "yes"}}, "'blur' in"),
        ({"a": "drop"}, "must be a table"),
        ({"": {"media": "blur"}}, "must be a table"),
        ("drop", "must be a table"),
        ([], "must be a table"),
        (None, "must be a table"),
    ],
)
def test_wrong_policies_are_refused(table: object, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("[", r"\[")):
        parse("archiver.toml", table)


def test_policies_are_read() -> None:
    given = {"press": {"media": "drop", "days": 90, "blur": True}, "a/*.html": {"media": "blur"}, "c": {}}
    assert parse("archiver.toml", given) == (
        Policy(name="press", blur=True, days=90),
        Policy(name="a/*.html", blur=True),
        Policy(name="c"),
    )
