"""Erasing: what a person may have taken out is gone from every file, and the log still proves the rest."""

import fcntl
import gzip
import hashlib
import html
import io
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import story
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from running import Desk, lines

from archiver.cli import main
from archiver.custody import canonical, redaction
from archiver.errors import ParseError
from archiver.jobs.config import load
from archiver.jobs.session import open_session
from archiver.model import Exchange, Post, Reading, Ref, Request
from archiver.net.uid import new_uid

OTHERS = "SELECT ref, text FROM posts JOIN refs USING (id) WHERE ref <> '{}' ORDER BY ref"


@pytest.fixture(scope="module")
def world() -> Iterator[story.World]:
    """For all tests that ask it nothing new; what they write is in folders of their own."""
    with story.playing() as world:
        yield world


@pytest.fixture
def fresh() -> Iterator[story.World]:
    with story.playing() as world:
        yield world


@pytest.fixture(scope="module")
def ran(world: story.World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive after a run, and one with its keys and what they signed."""
    folder = tmp_path_factory.mktemp("ran")
    desk = Desk(folder / "desk", folder / "desk" / "archiver.toml")
    desk.folder.mkdir()
    world.configure(desk.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "keys"))
        seed = desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")]))
        assert desk.call("run", seed).code == 0
    return folder


@pytest.fixture
def desk(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A copy of it, which is one test's own."""
    shutil.copytree(ran / "desk", tmp_path, dirs_exist_ok=True)
    shutil.copytree(ran / "keys", tmp_path / "keys")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    return Desk(tmp_path, tmp_path / "archiver.toml")


def holding(folder: Path, text: str) -> list[str]:
    """Files of a folder that hold a text, in whatever encoding."""
    escaped = json.dumps(text)[1:-1]
    wanted = {text.encode(codec) for codec in ("utf-8", "utf-16-le", "utf-16-be")}
    wanted |= {escaped.encode(), html.escape(text).encode(), html.escape(text, quote=False).encode()}
    wanted |= {html.escape(text).encode("ascii", "xmlcharrefreplace")}
    files = [path for path in folder.iterdir() if path.is_file()]
    return [path.name for path in files if any(form in path.read_bytes() for form in wanted)]


def kept(desk: Desk) -> dict[str, Any]:
    """The redacted copies, by the blob that they are made of."""
    rows = desk.rows("SELECT d.arguments, d.blob FROM derived d JOIN blob_at a ON a.blob = d.blob ORDER BY d.id")
    named = [(json.loads(row["arguments"]), row) for row in rows]
    return {arguments["of"]: json.loads(desk.body(row)) for arguments, row in named if "of" in arguments}


def bytes_of(desk: Desk, sha256: str) -> bytes:
    rows = desk.rows(
        "SELECT data FROM blob_chunks WHERE blob_id = (SELECT id FROM blobs WHERE sha256 = ?) ORDER BY n", sha256
    )
    return b"".join(row[0] for row in rows)


def whole(desk: Desk) -> None:
    """Readings are a function of the evidence, and nothing is called broken."""
    check = desk.call("rebuild", "--check")
    assert (check.code, "0 differences" in check.out) == (0, True), check.out
    verified = CliRunner().invoke(main, ["verify", str(desk.db), "--config", str(desk.config)])
    assert verified.exit_code == 0, verified.output
    assert "erased" in verified.output


def post(id: str, text: str) -> Post:
    return Post(ref=Ref.parse(f"x:post:{id}"), author=Ref.parse(f"x:account:{id}"), text=text, counts=(("likes", 1),))


def test_a_post_is_listed_then_gone_and_the_log_still_holds(world: story.World, desk: Desk, tmp_path: Path) -> None:
    gone, first = world.ref("gone"), world.ref("first")
    leaves = desk.table("SELECT idx, hash FROM log_leaf")
    blobs = desk.table("SELECT sha256, size FROM blobs")
    first_leaf = desk.value("SELECT leaf FROM captures WHERE ref = ? AND route = 'syndication'", first)
    others = desk.table(f"SELECT ref, text FROM posts JOIN refs USING (id) WHERE ref <> '{gone}' ORDER BY ref")
    before = desk.db.read_bytes()

    listed = desk.call("erase", gone, "--reason", "the author asked")
    assert listed.code == 0
    assert desk.db.read_bytes() == before
    for part in (first, world.ref("third"), world.ref("origin"), "Nobody asked the market", f"leaf {first_leaf},"):
        assert part in listed.out
    assert story.GONE not in listed.out

    done = desk.call("erase", gone, "--reason", "the author asked", "--who", "Ada", "--yes", "--json")
    assert done.code == 0, done.err
    assert (done.json["unexplained"], done.json["left"], done.json["cleaned"]) == ([], {}, True)
    assert done.json["looked_for"] > 0
    assert holding(tmp_path, story.GONE) == []
    assert holding(tmp_path, "stopped listening to its own") == []
    assert holding(tmp_path, "press_desk_h") == []

    assert desk.table("SELECT idx, hash FROM log_leaf")[: len(leaves)] == leaves, "every hash stays"
    assert set(blobs) <= set(desk.table("SELECT sha256, size FROM blobs"))
    empty = [row[0] for row in desk.table("SELECT idx FROM log_leaf WHERE length(data) = 0")]
    assert sorted(empty) == [row[0] for row in desk.table(f"SELECT leaf FROM captures WHERE ref = '{gone}' ORDER BY 1")]
    erased = json.loads(desk.value("SELECT data FROM log_leaf WHERE idx = ?", done.json["leaf"]))
    assert (erased["what"], erased["who"], erased["reason"]) == (gone, "Ada", "the author asked")
    assert sorted(map(int, erased["leaf_indexes"])) == sorted(empty)
    assert set(erased["sha256"]) == set(done.json["blobs"])
    assert first_leaf not in empty, "a capture that asked for another post keeps its leaf"

    copy = kept(desk)[
        desk.value("SELECT sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE leaf = ?", first_leaf)
    ]
    assert copy["text"] == story.FIRST
    assert copy["quoted_tweet"]["erased"] is True
    assert copy["quoted_tweet"]["quoted_tweet"]["text"] == story.THIRD
    after = desk.table(f"SELECT ref, text FROM posts JOIN refs USING (id) WHERE ref <> '{gone}' ORDER BY ref")
    assert after == others, "the other posts keep their readings"
    assert desk.value("SELECT count(*) FROM posts JOIN refs USING (id) WHERE ref = ?", gone) == 0
    whole(desk)


# ---- interrupted ------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from archiver.jobs import erase
from archiver.jobs.config import load
from archiver.jobs.session import open_session

db, config, what, at = sys.argv[1:]

def stop(statement):
    if statement.startswith(at):
        os.kill(os.getpid(), signal.SIGKILL)

with open_session(Path(db), load(Path(config))) as session:
    session.archive.db.set_trace_callback(stop)
    erase.erase(session, what, reason="the author asked", who="Ada")
"""
POINTS = {
    "INSERT INTO erasures": 0,
    "DELETE FROM blob_chunks": 0,
    "UPDATE captures": 0,
    "CREATE TABLE": 0,
    "INSERT INTO log_checkpoint": 1,
    "INSERT INTO posts_fts": 1,
    "VACUUM": 1,
    "PRAGMA wal_checkpoint": 1,
}
"""Where it is killed, and whether it was logged by then."""


@pytest.mark.parametrize("at", POINTS)
def test_what_was_killed_anywhere_is_finished_by_the_same_command(
    world: story.World, desk: Desk, tmp_path: Path, at: str
) -> None:
    gone, texts = world.ref("gone"), desk.table(OTHERS.format(world.ref("gone")))
    command = [sys.executable, "-c", KILLED, str(desk.db), str(desk.config), gone, at]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert desk.value("SELECT count(*) FROM erasures") == POINTS[at]
    if not POINTS[at]:
        assert desk.value("SELECT count(*) FROM log_leaf WHERE length(data) = 0") == 0, "all or nothing"
        assert holding(tmp_path, story.GONE)
    again = desk.call("erase", gone, "--reason", "the author asked", "--yes")
    assert again.code == 0, again.err
    assert holding(tmp_path, story.GONE) == []
    assert desk.value("SELECT count(*) FROM erasures") == 1
    assert desk.table(OTHERS.format(gone)) == texts
    whole(desk)


# ---- what stays and what does not -------------------------------------------------------------------------------


def test_the_next_posts_of_the_same_answer_can_be_erased_too(world: story.World, desk: Desk) -> None:
    for part in ("gone", "first"):
        assert desk.call("erase", world.ref(part), "--reason", "asked", "--yes").code == 0
        whole(desk)
    # `first` is quoted by a document, which keeps its own words: all else of it is gone.
    bodies = [row["data"] for row in desk.rows("SELECT k.data FROM blob_chunks k JOIN derived d ON d.blob = k.blob_id")]
    assert bodies
    assert not any(text.encode() in body for text in (story.FIRST, story.GONE) for body in bodies)
    (copy,) = kept(desk).values()
    assert (copy["erased"], copy["quoted_tweet"]["erased"]) == (True, True)
    assert copy["quoted_tweet"]["quoted_tweet"]["text"] == story.THIRD
    left = [row[0] for row in desk.table("SELECT ref FROM posts JOIN refs USING (id) WHERE ref LIKE 'x:%'")]
    assert world.ref("third") in left
    assert not {world.ref("gone"), world.ref("first")} & set(left)
    third = desk.call("erase", world.ref("third"), "--reason", "asked", "--yes")
    assert third.code == 0, third.out
    assert world.ref("origin") in [row[0] for row in desk.table("SELECT ref FROM posts JOIN refs USING (id)")]
    whole(desk)


def test_a_quotation_keeps_its_words_and_it_is_told_where(world: story.World, desk: Desk) -> None:
    quoted = desk.table("SELECT quoted FROM mentions ORDER BY id")
    done = desk.call("erase", world.ref("first"), "--reason", "asked", "--yes", "--json")
    assert (done.code, done.json["unexplained"]) == (0, [])
    assert done.json["left"], "the document says them"
    assert all(any(one.startswith("doc:document:") for one in held) for held in done.json["held_by"].values())
    assert desk.table("SELECT quoted FROM mentions ORDER BY id") == quoted
    assert desk.value("SELECT count(*) FROM versions WHERE text = ?", story.FIRST) == 0
    verdict = "SELECT x.verdict FROM matches x JOIN refs r ON r.id = x.post WHERE r.ref = ?"
    assert desk.value(verdict, world.ref("first")) == "not-judged", "nothing is compared with what is not there"


def test_a_reason_that_repeats_the_words_goes(world: story.World, desk: Desk, tmp_path: Path) -> None:
    mention = desk.value("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref ORDER BY m.id LIMIT 1")
    for reason in (f"the desk saw: {story.GONE}", "the editor knows"):
        assert desk.call("resolve", mention, world.ref("third"), "--reason", reason).code == 0
    done = desk.call("erase", world.ref("gone"), "--reason", "asked", "--yes", "--json")
    assert (done.code, done.json["left"]) == (0, {})
    assert [row[0] for row in desk.table("SELECT reason FROM statements ORDER BY id")] == ["", "the editor knows"]
    assert holding(tmp_path, story.GONE) == []
    document = desk.value(
        "SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id JOIN mentions m ON m.document = d.id"
    )
    out = tmp_path / "out"
    out.mkdir()
    assert desk.call("export", "--document", document, world.ref("first"), "--to", out / "a.zip").code == 0
    command = [sys.executable, "-m", "archiver.bundle.verify", str(out / "a.zip")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode in (0, 1), checked.stdout + checked.stderr
    whole(desk)


def test_files_go_with_their_post_unless_another_has_them(desk: Desk, tmp_path: Path) -> None:
    photo, chart = (hashlib.sha256(data).hexdigest() for data in (story.PHOTO, story.MAP))
    sky = desk.value("SELECT ref FROM posts JOIN refs USING (id) WHERE text = ?", story.SKY)
    reply = desk.value("SELECT ref FROM posts JOIN refs USING (id) WHERE text = ?", story.REPLY)
    assert desk.call("erase", reply, "--reason", "asked", "--yes").code == 0
    assert bytes_of(desk, photo) == story.PHOTO, "the post that it answers shows the same picture"
    assert desk.call("erase", sky, "--reason", "asked", "--yes").code == 0
    assert bytes_of(desk, chart) == b""
    assert holding(tmp_path, story.SKY) == holding(tmp_path, story.REPLY) == []
    assert not any(story.MAP[:64] in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    whole(desk)


def test_a_body_a_file_and_a_document_can_be_named_themselves(world: story.World, desk: Desk, tmp_path: Path) -> None:
    photo = hashlib.sha256(story.PHOTO).hexdigest()
    assert desk.call("erase", photo, "--reason", "asked", "--yes").code == 0
    assert bytes_of(desk, photo) == b""
    assert desk.value("SELECT count(*) FROM blobs WHERE sha256 = ?", photo) == 1
    answer = desk.value(
        "SELECT sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE ref = ? AND status = 200 LIMIT 1",
        world.ref("picture"),
    )
    assert desk.call("erase", answer, "--reason", "asked", "--yes").code == 0
    assert desk.value("SELECT count(*) FROM posts JOIN refs USING (id) WHERE ref = ?", world.ref("picture")) == 0
    story_ref = desk.value(
        "SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id JOIN captures c ON c.id = d.capture "
        "WHERE c.url LIKE '%/story'"
    )
    listed = desk.call("erase", story_ref, "--reason", "asked")
    assert story_ref in listed.out
    done = desk.call("erase", story_ref, "--reason", "asked", "--yes", "--json")
    assert done.code == 0, done.out
    assert desk.value("SELECT count(*) FROM documents d JOIN refs r ON r.id = d.id WHERE r.ref = ?", story_ref) == 0
    assert holding(tmp_path, "The arch is about to fall down") == []
    whole(desk)


ODD = 'Žena u mostu řekla: "Lávka / most" — it\'s closed & <locked>, 100 % for all of winter 🚧'
ENCODED = {
    "plain": ODD.encode(),
    "escaped": json.dumps({"note": ODD}).encode(),
    "escaped-twice": json.dumps({"html": f"<p>{html.escape(ODD)}</p>"}).encode(),
    "slashes": json.dumps({"note": ODD}).replace("/", "\\/").encode(),
    "references": html.escape(ODD).encode("ascii", "xmlcharrefreplace"),
    "utf-16": ODD.encode("utf-16"),
    "utf-16-be": ODD.encode("utf-16-be"),
    "packed": gzip.compress(ODD.encode()),
}


def test_words_are_found_in_every_form_and_go(fresh: story.World, tmp_path: Path) -> None:
    """Bodies that no parser reads hold the words, too; one of them beside what belongs to others."""
    host = fresh.mastodon
    host.toot("ana", "113300000000000009", f"<p>{html.escape(ODD)}</p>", "2024-10-24T07:00:00.000Z")
    desk = Desk(tmp_path, fresh.configure(tmp_path))
    assert desk.call("run", desk.seed("list.txt", host.url("ana", "113300000000000009"))).code == 0
    ref = desk.value("SELECT ref FROM posts JOIN refs USING (id) WHERE text = ?", ODD)
    with open_session(desk.db, load(desk.config)) as session:
        for name, body in ENCODED.items():
            head = b"HTTP/1.1 200 OK\r\n" + b"Content-Encoding: gzip\r\n" * (name == "packed") + b"\r\n"
            session.evidence.record(exchange(f"https://odd.example/{name}", body, head))
    assert holding(tmp_path, ODD)
    done = desk.call("erase", ref, "--reason", "asked", "--yes", "--json")
    assert (done.code, done.json["left"], done.json["unexplained"]) == (0, {}, []), done.json
    assert len(done.json["found"]) == len(ENCODED)
    for piece in (ODD, "Lávka / most", "100 % for all of winter"):
        assert holding(tmp_path, piece) == []
    left = desk.value("SELECT count(*) FROM captures JOIN blob_at USING (blob) WHERE url LIKE 'https://odd.example/%'")
    assert left == 0
    assert {name for name in ENCODED if name in ("escaped", "escaped-twice", "slashes")} == {
        desk.value("SELECT url FROM captures c JOIN blobs b ON b.id = c.blob WHERE b.sha256 = ?", sha256).rpartition(
            "/"
        )[2]
        for sha256 in kept(desk)
    }
    whole(desk)


def test_what_another_says_in_the_same_words_is_theirs(fresh: story.World, tmp_path: Path) -> None:
    host, ids = fresh.mastodon, ("113300000000000011", "113300000000000012")
    host.toot("ana", ids[0], f"<p>{html.escape(ODD)}</p>", "2024-10-24T07:00:00.000Z")
    host.toot("bo", ids[1], f"<p>{html.escape(ODD)}</p>", "2024-10-24T08:00:00.000Z")
    desk = Desk(tmp_path, fresh.configure(tmp_path))
    assert desk.call("run", desk.seed("list.txt", lines(map(host.url, ("ana", "bo"), ids)))).code == 0
    ana, bo = (host.uri(user, id) for user, id in zip(("ana", "bo"), ids, strict=True))
    bodies = desk.table("SELECT b.sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE c.ref LIKE '%/bo/%'")
    done = desk.call("erase", f"fediverse:post:{ana}", "--reason", "asked", "--yes", "--json")
    assert (done.code, done.json["found"], done.json["unexplained"]) == (0, [], [])
    assert all(f"fediverse:post:{bo}" in held for held in done.json["held_by"].values())
    assert desk.table("SELECT ref, text FROM posts JOIN refs USING (id)") == [(f"fediverse:post:{bo}", ODD)]
    assert all(bytes_of(desk, row[0]) for row in bodies)
    whole(desk)


def exchange(url: str, body: bytes, head: bytes) -> Exchange:
    at, sha256 = "2026-01-02T03:04:05.000000Z", hashlib.sha256(body).hexdigest()
    return Exchange(
        uid=new_uid(),
        request=Request(ref=Ref(platform="web", kind="page", id=url), route="other", url=url),
        url=url,
        started_at=at,
        ended_at=at,
        status=200,
        response_head=head,
        body=io.BytesIO(body),
        size=len(body),
        sha256=sha256,
        entity_sha256=sha256,
    )


@given(st.text(min_size=12, max_size=200))
def test_each_form_is_found_again(text: str) -> None:
    words = redaction.pieces([text])
    for word in words:
        for data in (
            word.encode("utf-8", "surrogatepass"),
            json.dumps(word).encode(),
            html.escape(word).encode("utf-8", "surrogatepass"),
        ):
            assert any(form in data for form in redaction.forms(word))
        assert redaction.holds(f"<p>{html.escape(word)}</p>", words)


def test_a_copy_keeps_others_and_only_what_leads_to_them() -> None:
    answer = {
        "data": [
            {"id": 1, "text": "gone", "quoted": {"id": 2, "text": "kept", "reply": {"id": 3, "text": "gone"}}},
            {"id": 4, "text": "kept, and says gone for good again"},
        ],
        "users": [{"name": "ada"}, {"name": "ben"}],
        "cursor": "x",
    }
    copy = redaction.redacted(
        answer,
        gone={"/data/0", "/data/0/quoted/reply"},
        kept={"/data/0/quoted", "/data/1"},
        words=("gone for good",),
        names=("ada",),
    )
    first, second = copy["data"]
    assert set(first) == {"erased", "sha256", "quoted"}
    assert (
        first["sha256"]
        == hashlib.sha256(json.dumps(answer["data"][0], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    )
    assert (first["quoted"]["text"], set(first["quoted"]["reply"])) == ("kept", {"erased", "sha256"})
    assert (second["id"], second["text"]["erased"]) == (4, True)
    assert copy["users"][0]["name"]["erased"] is True
    assert (copy["users"][1], copy["cursor"]) == ({"name": "ben"}, "x")


@pytest.mark.parametrize("wrong", [None, [], {}, {"posts": 1}, "text", 7])
def test_what_is_no_reading_is_refused(wrong: object) -> None:
    with pytest.raises(ParseError):
        redaction.read_back(wrong)
    held = json.loads(canonical.dumps(Reading(posts=(post("1", "words"),))))
    for name in held["posts"][0]:
        with pytest.raises(ParseError):
            redaction.read_back({**held, "posts": [{**held["posts"][0], name: {"wrong": wrong}}]})


def test_html_goes_whole_and_the_other_posts_keep_their_readings(tmp_path: Path) -> None:
    reading = Reading(posts=(post("1", "what is to go away for good"), post("2", "what is to stay as it was")))
    left = redaction.without(reading, {Ref.parse("x:post:1")}, names=set(), words=(), proofs=True)
    assert [str(one.ref) for one in left.posts] == ["x:post:2"]
    assert redaction.read_back(json.loads(canonical.dumps(left))) == left


def test_it_is_not_fetched_again(world: story.World, desk: Desk) -> None:
    gone = world.ref("gone")
    assert desk.call("erase", gone, "--reason", "asked", "--yes").code == 0
    for server in world.servers:
        server.log.clear()
    address = f"https://x.com/press_desk_h/status/{world.tweets['gone'].id}"
    assert desk.call("run", desk.seed("more.txt", lines([address])), "--recheck").code in (0, 1)
    asked = [one.target for one in world.log()]
    assert asked, "the others are looked at"
    assert not any(world.tweets["gone"].id in target for target in asked)


def test_what_another_post_brings_back_is_told_until_it_is_erased_again(world: story.World, desk: Desk) -> None:
    third = world.ref("third")
    assert "may bring it back" in desk.call("erase", third, "--reason", "asked", "--yes").out
    told = f"erased, and here again, since the answer about another post shows it: {third}"
    assert told not in desk.call("run", "--offline").out
    assert told in desk.call("run", "--recheck").out
    assert told in desk.call("run", "--offline", "--quiet").out, "who reads no report hears of it, too"
    assert desk.call("erase", third, "--reason", "asked again", "--yes").code == 0
    assert told not in desk.call("run", "--offline").out


def test_bytes_that_come_again_are_stored_again(desk: Desk, tmp_path: Path) -> None:
    name = next(path for path in (tmp_path / "seeds").iterdir())
    sha256 = hashlib.sha256(name.read_bytes()).hexdigest()
    assert desk.call("erase", f"doc:document:{sha256}", "--reason", "asked", "--yes").code == 0
    assert bytes_of(desk, sha256) == b""
    assert desk.call("add", name).code == 0
    assert bytes_of(desk, sha256) == name.read_bytes()
    assert desk.value("SELECT count(*) FROM documents WHERE sha256 = ?", sha256) == 1
    whole(desk)


def test_old_bundles_still_hold_and_new_ones_can_be_made(world: story.World, desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert desk.call("export", world.ref("gone"), "--to", out / "old.zip").code == 0
    listed = desk.call("erase", world.ref("gone"), "--reason", "asked")
    assert "What was exported cannot be reached" in listed.out
    assert desk.call("erase", world.ref("gone"), "--reason", "asked", "--yes").code == 0
    assert desk.call("export", world.ref("first"), "--to", out / "new.zip").code == 0
    for name in ("old.zip", "new.zip"):
        checked = subprocess.run(
            [sys.executable, "-m", "archiver.bundle.verify", str(out / name)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert checked.returncode in (0, 1), checked.stdout + checked.stderr
    with zipfile.ZipFile(out / "new.zip") as bundle:
        assert not any(story.GONE.encode() in bundle.read(member) for member in bundle.namelist())


# ---- refused ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_erased_is_told(world: story.World, desk: Desk, tmp_path: Path) -> None:
    before, gone = desk.db.read_bytes(), world.ref("gone")

    def told(*arguments: str) -> str:
        ended = desk.call("erase", *arguments)
        assert ended.code == 2
        return ended.err

    assert "knows nothing of x:post:1" in told("x:post:1", "--reason", "asked", "--yes")
    assert "no body of this archive" in told("0" * 64, "--reason", "asked", "--yes")
    assert "--reason" in told(gone, "--yes")
    assert "needs a reason" in told(gone, "--reason", "  ", "--yes")
    assert "repeats words" in told(gone, "--reason", f"because it says: {story.GONE}", "--yes")
    lost = desk.value("SELECT r.ref FROM refs r WHERE r.ref LIKE '%' || ? LIMIT 1", story.LOST)
    account = desk.value("SELECT ref FROM refs WHERE kind = 'account' LIMIT 1")
    assert "is no post" in told(account, "--reason", "asked", "--yes")
    del lost
    with open(desk.db.with_name("archive.db.lock"), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another archiver is at work" in told(gone, "--reason", "asked", "--yes")
        assert desk.call("erase", gone, "--reason", "asked").code == 0, "looking is free"
    assert desk.db.read_bytes() == before
    missing = Desk(tmp_path / "none", desk.config)
    assert "no archive here yet" in missing.call("erase", gone, "--reason", "asked", "--yes").err


def test_what_was_erased_is_told_with_who_and_why(world: story.World, desk: Desk) -> None:
    gone = world.ref("gone")
    assert desk.call("erase", gone, "--reason", "the author asked", "--who", "Ada", "--yes").code == 0
    for more in ((), ("--yes",)):
        again = desk.call("erase", gone, "--reason", "once more", *more)
        assert (again.code, "by Ada" in again.out, "the author asked" in again.out) == (0, True, True)
    shown = desk.call("show", gone)
    assert "by Ada" in shown.out
    assert "the author asked" in shown.out
    assert story.GONE not in shown.out
    upstream = desk.call("show", world.ref("first"), "--json").json
    assert upstream["origins"] == [world.ref("origin")], (
        "what was erased does not pass for the origin of what it quoted"
    )
    assert desk.value("SELECT count(*) FROM erasures") == 1


def test_who_reads_meanwhile_is_told_of(world: story.World, desk: Desk, tmp_path: Path) -> None:
    gone = world.ref("gone")
    with closing(sqlite3.connect(desk.db, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM posts").fetchone()
        ended = desk.call("erase", gone, "--reason", "asked", "--yes")
        assert ended.code == 1
        assert "Another process reads" in ended.out
    assert desk.call("erase", gone, "--reason", "asked", "--yes").code == 0
    assert holding(tmp_path, story.GONE) == []


def test_copies_beside_are_listed_and_not_touched(world: story.World, desk: Desk, tmp_path: Path) -> None:
    copies = {name: tmp_path / name for name in ("monday.db", "archive.db.bak", "packed.zip")}
    for path in copies.values():
        shutil.copy(desk.db, path)
    copies["packed.zip"].write_bytes(b"PK\x03\x04" + bytes(60))
    before = {name: path.read_bytes() for name, path in copies.items()}
    done = desk.call("erase", world.ref("gone"), "--reason", "asked", "--yes", "--json")
    assert [line.split()[0] for line in done.json["backups"]] == sorted(copies)
    assert {name: path.read_bytes() for name, path in copies.items()} == before


def test_triggers_let_go_only_what_an_erase_leaf_names(world: story.World, desk: Desk) -> None:
    mention = desk.value("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref ORDER BY m.id LIMIT 1")
    assert desk.call("resolve", mention, world.ref("third"), "--reason", "the editor knows").code == 0
    assert desk.call("erase", world.ref("gone"), "--reason", "asked", "--yes").code == 0
    erased = desk.value("SELECT leaf FROM captures WHERE ref = ? ORDER BY leaf LIMIT 1", world.ref("gone"))
    kept_leaf = desk.value("SELECT leaf FROM captures WHERE ref = ? ORDER BY leaf LIMIT 1", world.ref("first"))
    own = desk.value("SELECT leaf FROM erasures")
    refused = [
        f"UPDATE log_leaf SET data = x'' WHERE idx = {kept_leaf}",
        f"UPDATE log_leaf SET data = x'' WHERE idx = {own}",
        f"UPDATE log_leaf SET data = x'00' WHERE idx = {erased}",
        f"UPDATE log_leaf SET hash = x'00' WHERE idx = {erased}",
        f"DELETE FROM log_leaf WHERE idx = {erased}",
        f"UPDATE captures SET status = 404 WHERE leaf = {erased}",
        f"UPDATE captures SET url = 'https://elsewhere.example/' WHERE leaf = {erased}",
        f"UPDATE captures SET sent = x'' WHERE leaf = {kept_leaf}",
        "DELETE FROM blob_chunks WHERE blob_id = (SELECT min(blob_id) FROM blob_chunks)",
        "UPDATE blob_chunks SET data = x'' WHERE blob_id = (SELECT min(blob_id) FROM blob_chunks)",
        f"UPDATE statements SET reason = '' WHERE leaf <> {erased}",
        "UPDATE erasures SET reason = 'another'",
        "DELETE FROM blobs",
    ]
    with closing(sqlite3.connect(desk.db)) as db:
        for statement in refused:
            with pytest.raises(sqlite3.IntegrityError, match="evidence"):
                db.execute(statement)
            db.rollback()
