"""Pages that are asked for only if they changed: what is sent, what a 304 is believed, what stands in the archive."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playing import Reply, Server, message, moved
from running import Desk, lines, sound

from archiver.cli import main
from archiver.jobs.config import load
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import open_session
from archiver.jobs.unchanged import conditional, validator
from archiver.model import Exchange, Ref, Request
from archiver.net.clock import text_of
from archiver.net.uid import new_uid
from archiver.platforms import web

HTML = "Content-Type: text/html"
BODY = b"<!doctype html><title>Notes</title><p>The first words of the page.</p>"
OLD, NEW = "Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT"
SEEN = datetime(2026, 1, 1, tzinfo=UTC)


def same(*headers: str) -> Reply:
    return message(b"", *headers, status="304 Not Modified")


@dataclass
class Page:
    """One page whose server does as a test says."""

    desk: Desk
    respond: Callable[[str, bytes], Reply]
    ahead: timedelta = field(default_factory=timedelta)
    follow: str = ""

    def __post_init__(self) -> None:
        self.server = Server(lambda target, raw: self.respond(target, raw))

    @property
    def ref(self) -> str:
        return f"web:page:{self.server.base}/a"

    def run(self, ahead: timedelta | None = None) -> Report:
        self.ahead = self.ahead if ahead is None else ahead
        self.desk.config.write_text(
            f'[archive]\noperator = "Desk"\n[network]\nallow_private = ["{self.server.place}"]\n'
            f"[pace]\ndefault = 0.0\n[follow]\n{self.follow}\n"
        )
        seed = self.desk.seed("list.txt", lines([f"{self.server.base}/a"]))
        options = Options(seeds=(str(seed),), recheck=self.ahead > timedelta(0))
        now = lambda: text_of(datetime.now(UTC) + self.ahead)  # noqa: E731
        return run_archive(self.desk.db, load(self.desk.config), options, now=now)

    def conditions(self) -> list[bytes]:
        """Of each request the line that puts a condition, or nothing."""
        found = [re.findall(rb"\r\n(if-[^\r]*)", asked.raw, re.IGNORECASE) for asked in self.server.log]
        return [one[0] if one else b"" for one in found]

    def outcomes(self) -> list[tuple[str, str]]:
        rows = self.desk.rows(
            "SELECT o.outcome, o.reason FROM outcomes o JOIN refs r ON r.id = o.ref WHERE r.ref = ? ORDER BY o.capture",
            self.ref,
        )
        return [(row["outcome"], row["reason"]) for row in rows]

    def uids(self) -> list[str]:
        return [row["uid"] for row in self.desk.rows("SELECT uid FROM captures WHERE route = 'page' ORDER BY id")]

    def held(self) -> None:
        """Readings are a function of the evidence, and the archive verifies."""
        sound(self.desk)
        rebuilt = self.desk.call("rebuild", "--check")
        assert rebuilt.code == 0, rebuilt.out
        verified = CliRunner().invoke(main, ["verify", str(self.desk.db)])
        assert verified.exit_code == 0, verified.output


def honest(target: str, raw: bytes) -> Reply:
    del target
    return same('ETag: "v1"') if b'if-none-match: "v1"' in raw.lower() else message(BODY, HTML, 'ETag: "v1"')


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    made = Page(Desk(tmp_path, tmp_path / "archiver.toml"), honest)
    yield made
    made.server.close()


def test_a_page_that_did_not_change_is_not_sent_again(page: Page) -> None:
    page.run()
    report = page.run(timedelta(days=3))
    page.run(timedelta(days=6))
    assert page.conditions() == [b"", b'If-None-Match: "v1"', b'If-None-Match: "v1"']
    first, *_ = page.uids()
    said = ("live", f"http-304: not changed since capture {first}, by its entity tag")
    assert page.outcomes() == [("live", "text/html"), said, said]
    assert (report.outcomes, report.failed) == ({"live": 1}, False)
    statuses = page.desk.table("SELECT status, blob IS NULL, received FROM captures WHERE route = 'page' ORDER BY id")
    assert [row[0] for row in statuses] == [200, 304, 304]
    assert statuses[1][2] == 0
    assert page.desk.value("SELECT count(*) FROM documents WHERE media_type = 'text/html'") == 1
    # The page stands in the report as it was read.
    assert [one.media_type for one in report.documents] == ["text/uri-list", "text/html"]
    page.held()


def test_a_changed_page_is_sent_whole_and_is_what_is_asked_about_then(page: Page) -> None:
    page.run()

    def changed(target: str, raw: bytes) -> Reply:
        return same('ETag: "v2"') if b'if-none-match: "v2"' in raw.lower() else message(b"<p>other", HTML, 'ETag: "v2"')

    page.respond = changed
    page.run(timedelta(days=3))
    page.run(timedelta(days=6))
    assert page.conditions() == [b"", b'If-None-Match: "v1"', b'If-None-Match: "v2"']
    assert page.outcomes()[2][1].startswith(f"http-304: not changed since capture {page.uids()[1]}")
    page.held()


def test_a_page_that_went_and_came_back_unchanged_is_told_so(page: Page) -> None:
    page.run()
    page.respond = lambda target, raw: message(b"", status="404 Not Found")
    page.run(timedelta(days=3))
    page.respond = honest
    page.run(timedelta(days=6))
    assert [outcome for outcome, _ in page.outcomes()] == ["live", "not-found", "live"]
    assert page.conditions()[2] == b'If-None-Match: "v1"'
    page.held()


def test_a_date_stands_in_for_a_missing_tag(page: Page) -> None:
    def dated(target: str, raw: bytes) -> Reply:
        if f"if-modified-since: {OLD}".lower().encode() in raw.lower():
            return same(f"Last-Modified: {OLD}")
        return message(BODY, HTML, f"Last-Modified: {OLD}")

    page.respond = dated
    page.run()
    page.run(timedelta(days=3))
    assert page.conditions() == [b"", f"If-Modified-Since: {OLD}".encode()]
    assert page.outcomes()[1][1].endswith("by its date")
    page.held()


@pytest.mark.parametrize(
    "lie",
    [same('ETag: "v2"'), same("ETag: v1"), same('ETag: "v1"', 'ETag: "v2"')],
    ids=["another version", "no tag", "two versions"],
)
def test_a_304_that_cannot_be_believed_is_asked_once_more_without_a_condition(page: Page, lie: Reply) -> None:
    page.run()
    page.respond = lambda target, raw: (
        lie if b"if-none-match" in raw.lower() else message(b"<p>new", HTML, 'ETag: "v2"')
    )
    report = page.run(timedelta(days=3))
    assert page.conditions() == [b"", b'If-None-Match: "v1"', b""]
    assert [outcome for outcome, _ in page.outcomes()] == ["live", "unknown", "live"]
    assert (report.outcomes, report.failed) == ({"live": 1}, False)
    # Such a server is asked for the whole page from now on.
    page.run(timedelta(days=6))
    assert page.conditions()[3:] == [b""]
    page.held()


def test_a_server_that_says_304_to_everything_is_not_believed(page: Page) -> None:
    page.respond = lambda target, raw: same('ETag: "v1"')
    report = page.run()
    assert page.outcomes() == [("unknown", "http-304: nothing was asked under a condition")]
    assert report.failed
    page.held()


def test_a_server_that_always_says_unchanged_is_found_out_after_a_month(page: Page) -> None:
    page.run()
    page.respond = lambda target, raw: same() if b"if-none-match" in raw.lower() else message(b"<p>new", HTML)
    page.run(timedelta(days=29))
    page.run(timedelta(days=31))
    assert page.conditions() == [b"", b'If-None-Match: "v1"', b""]
    assert page.desk.value("SELECT count(*) FROM documents WHERE media_type = 'text/html'") == 2


def test_a_condition_does_not_follow_a_redirect(page: Page) -> None:
    page.run()

    def elsewhere(target: str, raw: bytes) -> Reply:
        if target == "/a":
            return moved(f"{page.server.base}/b")
        return same('ETag: "v1"') if b"if-none-match" in raw.lower() else message(b"<p>b", HTML, 'ETag: "v1"')

    page.respond = elsewhere
    page.run(timedelta(days=3))
    page.run(timedelta(days=6))  # what a redirect led to is no answer of this address
    put = list(zip(page.server.targets(), page.conditions(), strict=True))
    assert [line for target, line in put if target == "/a"] == [b"", b'If-None-Match: "v1"', b'If-None-Match: "v1"']
    # Four times: as a redirect led there, and as the page that it is, of which alone there is something to ask about.
    assert sorted(line for target, line in put if target == "/b") == [b"", b"", b"", b'If-None-Match: "v1"']
    assert [outcome for outcome, _ in page.outcomes()] == ["live", "live", "live"]
    page.held()


def test_it_can_be_switched_off(page: Page) -> None:
    page.follow = "conditional = false"
    page.run()
    page.run(timedelta(days=3))
    assert page.conditions() == [b"", b""]


@pytest.mark.parametrize("what", ["page", "document", "blob"])
def test_what_was_erased_is_never_asked_about(page: Page, what: str) -> None:
    page.run()
    page.run(timedelta(days=3))
    page.held()
    sha256 = page.desk.value("SELECT b.sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE c.status = 200")
    erased = {"page": page.ref, "document": f"doc:document:{sha256}", "blob": sha256}[what]
    ended = page.desk.call("erase", erased, "--reason", "asked for", "--yes")
    assert ended.code == 0, ended.err + ended.out
    rebuilt = page.desk.call("rebuild", "--check")
    assert rebuilt.code == 0, rebuilt.out
    if what == "page":  # it is not fetched again at all
        return
    page.run(timedelta(days=6))
    assert page.conditions() == [b"", b'If-None-Match: "v1"', b""]


def test_a_bundle_brings_the_capture_that_a_304_refers_to(page: Page, tmp_path: Path) -> None:
    page.run()
    page.run(timedelta(days=3))
    out = tmp_path / "bundle.zip"
    exported = page.desk.call("export", page.ref, "--to", out)
    assert exported.code == 0, exported.err + exported.out
    with zipfile.ZipFile(out) as bundle:
        held = b"".join(bundle.read(name) for name in bundle.namelist())
    assert all(uid.encode() in held for uid in page.uids())
    judged = CliRunner().invoke(main, ["verify", str(out)])
    assert "0 wrong" in judged.output, judged.output
    assert judged.exit_code == 1, "all but who the keys belong to"


def test_media_that_did_not_change_are_no_new_file(page: Page) -> None:
    page.run()
    picture = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500) + b"\xff\xd9"

    def file(target: str, raw: bytes) -> Reply:
        if b"if-none-match" in raw.lower():
            return same('ETag: "p"')
        return message(picture, "Content-Type: image/jpeg", 'ETag: "p"')

    page.respond = file
    ref = f"web:media:{page.server.base}/p.jpg"
    with sqlite3.connect(page.desk.db) as db:
        db.execute(
            "INSERT INTO work_queue (ref, host, purpose, depth, seed, priority, added_at, due_at) "
            "SELECT ?, host, 'media', 0, seed, 2, added_at, added_at FROM work_queue LIMIT 1",
            (ref,),
        )
    db.close()
    page.run(timedelta(days=3))
    page.run(timedelta(days=6))
    rows = page.desk.table("SELECT status FROM captures WHERE route = 'media' ORDER BY id")
    assert rows == [(200,), (304,)]
    assert page.desk.value("SELECT count(*) FROM files") == 1
    page.held()


def test_a_feed_that_did_not_change_keeps_its_entries(page: Page) -> None:
    entry = f"{page.server.base}/story"
    feed = (
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>urn:x:1</id>'
        f'<entry><id>urn:x:2</id><title>One</title><link href="{entry}"/></entry></feed>'
    ).encode()

    def respond(target: str, raw: bytes) -> Reply:
        if target == "/story":
            return message(BODY, HTML)
        kind = "Content-Type: application/atom+xml"
        return same('ETag: "f"') if b"if-none-match" in raw.lower() else message(feed, kind, 'ETag: "f"')

    page.respond = respond
    page.run()
    page.run(timedelta(days=3))
    page.run(timedelta(days=6))
    put = list(zip(page.server.targets(), page.conditions(), strict=True))
    assert sorted(line for target, line in put if target == "/a") == [b"", b'If-None-Match: "f"', b'If-None-Match: "f"']
    assert [target for target, _ in put].count("/story") == 3
    kept = page.desk.table("SELECT ref, kept, due_at IS NOT NULL FROM work_queue WHERE ref LIKE 'web:%' ORDER BY ref")
    assert kept == [(page.ref, 1, 1), (f"web:page:{entry}", 1, 1)]
    page.held()


@pytest.mark.parametrize(
    "change",
    [
        {"route": "status"},
        {"method": "POST"},
        {"signer": True},
        {"body": b"x"},
        {"headers": (("Accept", "text/plain"),)},
        {"headers": (("Authorization", "Bearer {secret:X_BEARER_TOKEN}"),)},
        {"url": "{base}/b"},
    ],
    ids=str,
)
def test_only_the_same_request_for_a_web_page_is_put_under_a_condition(page: Page, change: dict[str, Any]) -> None:
    page.run()
    config = load(page.desk.config)
    ref = Ref.parse(page.ref)
    with open_session(page.desk.db, config) as session:
        (request,) = web.plan(ref, (), config.settings)
        assert dict(conditional(session, request).headers)["If-None-Match"] == '"v1"'
        if "url" in change:
            change = {"url": f"{page.server.base}/b"}
        other = replace(request, **change)
        assert conditional(session, other) == other


@pytest.mark.parametrize(
    ("ref", "asked"),
    [("web:page:https://a.example/1", True), ("fediverse:post:https://a.example/users/ada/statuses/1", False)],
)
def test_posts_are_asked_for_whole(page: Page, ref: str, asked: bool) -> None:
    """The page of a post has the route of other pages, and an entity tag as these have."""
    page.run()
    request = Request(ref=Ref.parse(ref), route="page", url="https://a.example/1", headers=(("Accept", "text/html"),))
    sha256 = hashlib.sha256(BODY).hexdigest()
    with open_session(page.desk.db, load(page.desk.config)) as session:
        held = Exchange(
            uid=new_uid(),
            request=request,
            url=request.url,
            started_at=session.now(),
            ended_at=session.now(),
            status=200,
            response_head=b'HTTP/1.1 200 OK\r\nETag: "v1"\r\n\r\n',
            body=io.BytesIO(BODY),
            size=len(BODY),
            sha256=sha256,
            entity_sha256=sha256,
        )
        session.evidence.record(held)
        assert (conditional(session, request) != request) is asked


# ---- which validator ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        (['ETag: "v1"'], ("If-None-Match", '"v1"')),
        (['ETag: W/"v1"', f"Last-Modified: {OLD}"], ("If-None-Match", 'W/"v1"')),
        (["ETag: v1", f"Last-Modified: {OLD}"], None),  # broken: nothing of it is trusted
        (['ETag: "v1"', 'ETag: "v2"'], None),
        (['ETag: "{secret:X_BEARER_TOKEN}"'], None),
        ([f"Last-Modified: {OLD}"], ("If-Modified-Since", OLD)),
        ([f"Last-Modified: {OLD}", f"Date: {OLD}"], None),  # changed within the second of the answer
        ([f"Last-Modified: {OLD}", "Date: Mon, 01 Jan 2024 00:01:00 GMT"], ("If-Modified-Since", OLD)),
        (["Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT ({secret:X_BEARER_TOKEN})"], None),
        (["Last-Modified: yesterday"], None),
        # what no date can hold, or nothing can be added to, ended the run
        (["Last-Modified: Fri, 31 Dec 9999 23:59:59 GMT"], None),
        (["Last-Modified: Mon, 01 Jan 99999999999999 00:00:00 GMT"], None),
        (
            [f"Last-Modified: {OLD}", "Date: Mon, 01 Jan 2024 99999999999999999999:00:00 GMT"],
            ("If-Modified-Since", OLD),
        ),
        ([], None),
    ],
)
def test_the_validator_of_a_head(fields: list[str], sent: tuple[str, str] | None) -> None:
    head = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode("latin-1")
    assert validator(head, SEEN) == sent


def test_no_head_is_no_validator() -> None:
    assert validator(b"", SEEN) is None
    assert json.dumps(validator(b"no HTTP", SEEN)) == "null"
