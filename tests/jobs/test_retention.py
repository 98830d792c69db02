"""What becomes of media by the policies of the configuration: blurred, announced, erased; and what protects them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import zipfile
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
from archiver.model import Exchange, Ref, Request
from archiver.net.uid import new_uid
from archiver.store.blobs import BlobStore

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


def shown(desk: Desk, ref: str) -> str:
    """What `archiver show` prints, on one line."""
    return " ".join(desk.call("show", ref).out.split())


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
    post = desk.value("SELECT r.ref FROM media m JOIN refs r ON r.id = m.post")
    assert f"erased on {day(38.5)[:10]}: retention policy article.html: 30 days; its sha256 stays" in shown(desk, post)
    reasons = {row["reason"] for row in desk.rows("SELECT reason FROM erasures")}
    assert reasons == {"retention policy article.html: 30 days"}
    assert desk.value("SELECT count(*) FROM log_leaf") > proofs
    assert verified(desk) in (0, 1)
    assert desk.call("rebuild", "--check").code == 0
    assert due(desk, 40) == []
    assert desk.call("export", post, "--to", desk.folder / "bundle.zip").code == 0
    with zipfile.ZipFile(desk.folder / "bundle.zip") as bundle:
        index = json.loads(bundle.read("bundle/data/bundle.json"))
        report = bundle.read("bundle/data/report.html").decode()
    why = f"{day(38.5)[:10]}: retention policy article.html: 30 days"
    assert {one["why"] for one in index["erased"]} == {why}
    assert why in report


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


def recorded(desk: Desk, ref: str, route: str, body: bytes, media_type: str = "image/png") -> None:
    """One more capture, made by hand, and read."""
    with open_session(desk.db, config.load(desk.config)) as session:
        sha256 = hashlib.sha256(body).hexdigest()
        held = Exchange(
            uid=new_uid(),
            request=Request(ref=Ref.parse(ref), route=route, url=ref.split(":", 2)[2]),
            url=ref.split(":", 2)[2],
            started_at=session.now(),
            ended_at=session.now(),
            status=200,
            headers=(("content-type", media_type),),
            response_head=f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n\r\n".encode(),
            body=io.BytesIO(body),
            size=len(body),
            sha256=sha256,
            entity_sha256=sha256,
            sniffed_type=media_type,
        )
        session.evidence.record(held)
    assert desk.call("rebuild").code == 0


def test_bytes_that_are_evidence_of_something_else_stay(desk: Desk) -> None:
    """A post may name as its picture the address of an answer, a page or a seed that the archive holds: the bytes are
    one blob, and erasing the picture would take what others rest on."""
    policy(desk, DROP)
    (one,) = due(desk, 31)
    with at(desk, 0) as session:
        body = b"".join(BlobStore(session.archive).get(one.sha256))
    recorded(desk, "web:page:https://other.example/page", "page", body)
    assert due(desk, 31) == []
    announced(desk, 31)
    assert dropped(desk, 60).files == []


def test_an_address_that_gave_a_file_of_others_too_stays(desk: Desk) -> None:
    """Media are erased by address: one that gave at another time what stays is let alone."""
    policy(desk, DROP)
    (one,) = due(desk, 31)
    pictures = b"\x89PNG\r\n\x1a\n another"
    recorded(desk, one.refs[0], "media", pictures)
    recorded(desk, "web:page:https://other.example/page", "page", pictures)
    assert due(desk, 31) == []


def test_an_address_that_gave_two_files_of_its_own_goes_with_both(desk: Desk) -> None:
    policy(desk, DROP)
    (one,) = due(desk, 31)
    recorded(desk, one.refs[0], "media", b"\x89PNG\r\n\x1a\n another")
    assert {found.refs for found in due(desk, 31)} == {one.refs}
    announced(desk, 31)
    assert dropped(desk, 60).files
    assert media(desk) == 0


def test_what_nobody_drops_is_told_to_who_reads_only_mail(desk: Desk) -> None:
    """Who says that media go after 30 days must hear that they do not: no run erases by itself."""
    policy(desk, DROP)

    def unheeded(days: float) -> list[str]:
        announced(desk, days)
        with at(desk, days) as session:
            return [f"{one.key}: {one.what}" for one in retaining.unheeded(session)]

    assert unheeded(31) == []
    assert unheeded(38.5) == [], "whoever calls `archiver retain --yes` once a week is late by no more"
    (told,) = unheeded(46)
    assert told.startswith("retention: ")
    assert "media files" in told
    dropped(desk, 46)
    assert unheeded(47) == []


def test_a_clock_that_was_ahead_has_announced_nothing(desk: Desk) -> None:
    """A wrong clock announces in what is the future afterwards; the week is counted from a time that has been."""
    policy(desk, DROP)
    announced(desk, 400)
    announced(desk, 31)
    assert dropped(desk, 32).files == []


def test_what_is_due_is_looked_for_once_a_day_and_told_by_each_run(desk: Desk) -> None:
    """It takes a walk over all documents and files of a policy, which no run of each quarter of an hour may take."""
    policy(desk, DROP)
    lines = announced(desk, 31)
    assert lines
    walked: list[str] = []
    with at(desk, 31) as session:
        session.archive.db.set_trace_callback(walked.append)
        assert retaining.announce(session, session.config.retention) == lines
        assert not any("media_carriers" in sql or "documents" in sql for sql in walked)
    policy(desk, DROP.replace("30", "300"))
    assert announced(desk, 31) == [], "another policy is another question"
    policy(desk, DROP)
    assert announced(desk, 31) == lines
    assert announced(desk, 32) != [], "the next day"


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
