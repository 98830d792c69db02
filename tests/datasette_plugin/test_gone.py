"""What disappeared, came back or changed: the page, its chart, and the feed."""

from __future__ import annotations

import itertools
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from archiver.datasette_plugin.events import chart, details, feed
from tests.datasette_plugin import filling
from tests.datasette_plugin.filling import fill
from tests.datasette_plugin.opening import Room

ATOM = "{http://www.w3.org/2005/Atom}"
IVY = "bluesky:post:at://did:plc:34l4tfaa5kv7gvgvwuyoix2w/app.bsky.feed.post/3mgwae75i2222"
PAYLOAD = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202eturned\x00\ufffe]]>&{{7*7}}'


@pytest.fixture(scope="module")
def story(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, sqlite3.Connection]]:
    """The demonstration with rows of our own: sixty events of one moment, one that returned, hostile words."""
    path = tmp_path_factory.mktemp("gone") / "archive.db"
    shutil.copy(db, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        capture = sql.execute("SELECT max(id) FROM captures").fetchone()[0]

        def event(post: int, kind: str, outcome: str, at: str, **more: object) -> None:
            named = {"post": post, "kind": kind, "outcome": outcome, "platform": "x", "capture": capture}
            fill(sql, "events", **named, at=at, told_at=at, month=at[:7], **more)

        for number in range(60):
            post = filling.post(sql, f"x:post:{9000 + number}", handle=f"h{number}", text="words")
            outcome = ("login-required", "not-found", "suspended")[number % 3]
            event(post, "gone", outcome, "2026-01-05T10:00:00.000000Z")
        evil = filling.post(sql, "x:post:666", handle=PAYLOAD, name=PAYLOAD, text=PAYLOAD * 3)
        event(evil, "gone", "deleted", "2026-05-05T10:00:00.000000Z")
        event(evil, "returned", "live", "2026-05-06T10:00:00.000000Z")
        before = fill(sql, "versions", post=evil, text=f"said ninety people {PAYLOAD}", sha256="a" * 64)
        after = fill(sql, "versions", post=evil, text=f"said nineteen people {PAYLOAD}", sha256="b" * 64)
        event(evil, "edited", "marker", "2026-05-07T10:00:00.000000Z", before=before, after=after)
        mention, document = sql.execute("SELECT min(id), document FROM mentions WHERE quoted <> ''").fetchone()
        sql.execute("UPDATE mentions SET quoted = 'said ninety people' WHERE id = ?", (mention,))
        sql.execute("DELETE FROM matches WHERE mention = ?", (mention,))
        fill(sql, "matches", mention=mention, verdict="exact", version=before, post=evil, changes="[]", faithful=1)
        sql.execute("UPDATE resolutions SET ref = ?, status = 'resolved' WHERE mention = ?", (evil, mention))
        sql.execute("UPDATE documents SET title = ? WHERE id = ?", (PAYLOAD, document))
        _went_twice(sql)
        room = Room(path)
        yield room, sql
        room.close()


def _went_twice(sql: sqlite3.Connection) -> None:
    """A post that stood beside another, was proved absent, came back, and was called deleted by its platform."""
    captures = [row[0] for row in sql.execute("SELECT id FROM captures WHERE tier <> 'import' ORDER BY id LIMIT 4")]
    post = filling.post(sql, "x:post:777", text="words")
    said = (("live", ""), ("not-found", details.ABSENT), ("live", ""), ("deleted", ""))
    for capture, (outcome, reason) in zip(captures, said, strict=True):
        fill(sql, "outcomes", ref=post, capture=capture, outcome=outcome, reason=reason)
    for number, (kind, outcome) in enumerate((("gone", "deleted"), ("returned", "live"), ("gone", "deleted")), 1):
        at = f"2026-06-0{number}T10:00:00.000000Z"
        seen = {"capture": captures[number], "capture_before": captures[number - 1], "at": at, "told_at": at}
        fill(sql, "events", post=post, kind=kind, outcome=outcome, platform="x", month="2026-06", **seen)


def test_each_event_is_told_with_its_own_answers(story: tuple[Room, sqlite3.Connection]) -> None:
    room, _ = story
    second, _, first = room.json("/archive/-/gone.json?month=2026-06")["events"]
    assert [one["outcome"] for one in first["answers"]] == ["not-found"]
    assert first["said"] == "Deleted: the author’s own signed repository held it, and holds it no more"
    assert second["said"] == "Deleted, as its platform says"


def test_a_copy_beside_another_post_is_told_as_one(story: tuple[Room, sqlite3.Connection]) -> None:
    room, sql = story
    first = room.json("/archive/-/gone.json?month=2026-06")["events"][-1]
    beside = sql.execute("SELECT ref FROM captures WHERE tier <> 'import' ORDER BY id LIMIT 1").fetchone()[0]
    assert first["last_before"]["beside"] == beside
    assert "beside another post, which was asked for" in room.text("/archive/-/gone?month=2026-06")
    assert "beside another post, which was asked for" in room.text("/archive/-/gone.atom")
    ivy = next(event for event in room.json("/archive/-/gone.json?kind=gone")["events"] if event["ref"] == IVY)
    assert ivy["last_before"]["beside"] == ""


def test_the_demonstration_tells_what_went_and_what_changed(room: Room) -> None:
    found = room.json("/archive/-/gone.json")
    told = {(event["kind"], event["outcome"], event["handle"]) for event in found["events"]}
    assert told == {
        ("gone", "deleted", "ivy.lanternwick.example"),
        ("gone", "deleted", "gale@social.lanternwick.example"),
        ("gone", "not-found", "town_of_lanternwick"),
        ("edited", "marker", "moss@social.lanternwick.example"),
        ("edited", "same-route", "ivy.lanternwick.example"),
    }
    assert found["totals"] == {"deleted": 2, "not shown": 1, "edited": 2, "returned": 0}
    assert found["months"] == [{"month": "2026-03", **found["totals"]}]
    assert found["next"] == ""


def test_each_event_stands_between_two_observations(room: Room) -> None:
    events = {event["ref"]: event for event in room.json("/archive/-/gone.json?kind=gone")["events"]}
    ivy = events[IVY]
    assert (ivy["last_before"]["route"], ivy["last_before"]["at"][:10]) == ("record-proof", "2026-03-16")
    assert (ivy["first_after"]["route"], ivy["first_after"]["at"][:10]) == ("posts", "2026-03-30")
    assert [(one["route"], one["outcome"]) for one in ivy["answers"]] == [
        ("posts", "unavailable"),
        ("record", "not-found"),
        ("record-proof", "not-found"),
    ]
    assert ivy["said"] == "Deleted: the author’s own signed repository held it, and holds it no more"
    assert "addresses.txt" in ivy["documents"][0]["name"]


def test_the_page_says_what_its_json_says(room: Room) -> None:
    page = HTMLParser(room.text("/archive/-/gone"))
    found = room.json("/archive/-/gone.json")
    cards = page.css("article.qc-event")
    assert len(cards) == len(found["events"]) == 5
    for card, event in zip(cards, found["events"], strict=True):
        assert event["said"] in card.text()
        links = {link.attributes["href"] for link in card.css("a")}
        assert {event["url"], *(url for url in event["capture_urls"] if url)} <= links
        assert all(one["url"] in links for one in event["documents"])
    assert page.css_first('link[type="application/atom+xml"]').attributes["href"] == "/archive/-/gone.atom"
    assert [cell.text() for cell in page.css(".qc-months tbody td")] == ["2", "1", "2", "0"]


def test_edits_are_marked_on_both_sides(room: Room) -> None:
    page = HTMLParser(room.text("/archive/-/gone?kind=edited&platform=bluesky"))
    (card,) = page.css("article.qc-event")
    for hidden in card.css(".qc-sr"):
        hidden.decompose()
    assert [mark.text() for mark in card.css("del")] == ["five"]
    assert [mark.text() for mark in card.css("ins")] == ["seven"]
    assert [words.text() for words in card.css("blockquote")] == [
        "The harbour café opens at five for everybody who has to walk.",
        "The harbour café opens at seven for everybody who has to walk.",
    ]
    assert any("/-/compare/bluesky:post:" in (link.attributes["href"] or "") for link in card.css("a"))


def test_only_what_a_platform_calls_so_is_called_deleted(story: tuple[Room, sqlite3.Connection]) -> None:
    room, _ = story
    for outcome in ("login-required", "not-found", "suspended"):
        events = room.json(f"/archive/-/gone.json?outcome={outcome}&month=2026-01")["events"]
        assert len(events) == 20
        for event in events:
            assert not event["said"].lower().startswith("deleted")
    assert not any(said.lower().startswith("deleted") for name, said in details.SAID.items() if name != "deleted")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        *(("kind=edited", 2), ("kind=gone", 3), ("kind=returned", 0), ("platform=x", 1), ("month=2026-03", 5)),
        *(("month=2026-02", 0), ("outcome=deleted", 2), ("outcome=deleted&platform=x", 0), ("quoted=1", 5)),
        *(("platform=nowhere", 0), ("kind=gone&platform=fediverse&month=2026-03&outcome=deleted&quoted=1", 1)),
    ],
)
def test_filters(room: Room, asked: str, expected: int) -> None:
    assert len(room.json(f"/archive/-/gone.json?{asked}")["events"]) == expected
    page = HTMLParser(room.text(f"/archive/-/gone?{asked}"))
    assert len(page.css("article.qc-event")) == expected


@pytest.mark.parametrize(
    "asked",
    [
        *("kind=vanished", "outcome=refused", "outcome=live", "month=2026-13", "month=March", "platform=<x>"),
        *("quoted=yes", "after=nothing", "after=a/gone//x:post:1", "after=" + "/" * 2000),
    ],
)
def test_what_cannot_be_meant_is_refused(room: Room, asked: str) -> None:
    assert room.json(f"/archive/-/gone.json?{asked}", 400)["next"]
    assert "qc-main" in room.text(f"/archive/-/gone?{asked}", 400)


def test_pages_are_walked_by_key(story: tuple[Room, sqlite3.Connection]) -> None:
    room, sql = story
    seen: list[str] = []
    path = "/archive/-/gone.json"
    while path:
        found = room.json(path)
        seen += [event["key"] for event in found["events"]]
        path = found["next"]
    assert len(seen) == len(set(seen)) == sql.execute("SELECT count(*) FROM events").fetchone()[0]
    assert "First page" in room.text(f"/archive/-/gone?after={quote(seen[30], safe='')}")


def test_what_documents_quote_is_looked_for_within_bounds(
    story: tuple[Room, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _ = story
    whole = {event["key"] for event in room.json("/archive/-/gone.json?quoted=1")["events"]}
    monkeypatch.setattr("archiver.datasette_plugin.events.listing.SCANNED", 7)
    seen: list[str] = []
    path, pages = "/archive/-/gone.json?quoted=1", 0
    while path:
        found = room.json(path)
        seen += [event["key"] for event in found["events"]]
        path, pages = found["next"], pages + 1
        assert bool(path) == bool(found["looked_down_to"])
    assert set(seen) == whole
    assert len(seen) == len(whole)
    assert pages > 5


def test_what_came_back_and_what_became_unfaithful(story: tuple[Room, sqlite3.Connection]) -> None:
    room, _ = story
    (back,) = room.json("/archive/-/gone.json?kind=returned&month=2026-05")["events"]
    assert (back["said"], back["ref"]) == ("Shown again", "x:post:666")
    (edited,) = room.json("/archive/-/gone.json?kind=edited&platform=x")["events"]
    (quotation,) = edited["unfaithful"]
    assert (quotation["quoted"], quotation["before"], quotation["after"]) == ("said ninety people", "exact", "altered")
    page = HTMLParser(room.text("/archive/-/gone?kind=edited&platform=x")).css_first("article.qc-event")
    assert "Unfaithful since" in page.text()
    assert quotation["url"] in {link.attributes["href"] for link in page.css("a")}


def test_hostile_words_stay_words(story: tuple[Room, sqlite3.Connection]) -> None:
    room, _ = story
    page = room.text("/archive/-/gone?month=2026-05")
    parsed = HTMLParser(page)
    assert len(parsed.css("article.qc-event")) == 3
    assert "alert(1)" not in "".join(script.text() for script in parsed.css("script"))
    assert not parsed.css("[onerror]")
    assert not parsed.css(".qc-main img")
    assert "\u202e" not in page
    assert "U+202E" in page


def test_the_feed_is_atom(story: tuple[Room, sqlite3.Connection]) -> None:
    room, _ = story
    answer = room.get("/archive/-/gone.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    valid(answer.text)
    root = ElementTree.fromstring(answer.text)
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 71
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in entries]
    assert any("<script>alert(1)</script>" in title and "U+202E" in title for title in titles)
    told = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert root.findtext(f"{ATOM}updated") == max(told)
    for content in (entry.findtext(f"{ATOM}content") or "" for entry in entries):
        assert not HTMLParser(content).css("script, img, [onerror]")


def valid(text: str) -> None:
    """What RFC 4287 asks of a feed, as far as elements and their forms go."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{ATOM}feed"
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
    for holder in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(holder.findall(f"{ATOM}{name}")) == 1, name
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", holder.findtext(f"{ATOM}id") or "")
        assert re.fullmatch(moment, holder.findtext(f"{ATOM}updated") or "")
        assert holder.findtext(f"{ATOM}title")
        assert len(holder.findall(f"{ATOM}link[@rel='alternate']")) == 1
        for link in holder.findall(f"{ATOM}link"):
            assert re.fullmatch(r"http://localhost/[!-~]*", link.get("href") or "")
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert len(root.findall(f"{ATOM}link[@rel='self']")) == 1
    ids = [one.text for one in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    for entry in root.findall(f"{ATOM}entry"):
        assert re.fullmatch(moment, entry.findtext(f"{ATOM}published") or "")
        assert entry.findall(f"{ATOM}content[@type='html']")
        assert all(category.get("term") for category in entry.findall(f"{ATOM}category"))


def test_a_feed_of_one_platform_and_of_none(room: Room) -> None:
    root = ElementTree.fromstring(room.text("/archive/-/gone.atom?platform=bluesky"))
    assert len(root.findall(f"{ATOM}entry")) == 2
    assert "?platform=bluesky" in root.find(f"{ATOM}link[@rel='self']").get("href")
    assert root.findtext(f"{ATOM}id") != ElementTree.fromstring(room.text("/archive/-/gone.atom")).findtext(f"{ATOM}id")
    empty = room.text("/archive/-/gone.atom?platform=nowhere")
    valid(empty)
    assert not ElementTree.fromstring(empty).findall(f"{ATOM}entry")
    assert room.get("/archive/-/gone.atom?platform=%3Cx%3E").status_code == 400


def test_a_feed_is_bounded(story: tuple[Room, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.datasette_plugin.rooms.gone.ENTRIES", 10)
    root = ElementTree.fromstring(story[0].text("/archive/-/gone.atom"))
    assert len(root.findall(f"{ATOM}entry")) == 10


def test_a_feed_that_is_known_is_not_sent_again(room: Room) -> None:
    answer = room.get("/archive/-/gone.atom")
    tag, changed = answer.headers["etag"], answer.headers["last-modified"]
    for headers in ({"if-none-match": tag}, {"if-none-match": f'"x", W/{tag}'}, {"if-modified-since": changed}):
        again = room.get("/archive/-/gone.atom", headers=headers)
        assert (again.status_code, again.text) == (304, ""), headers
        assert again.headers["etag"] == tag
    for headers in (
        {"if-none-match": '"x"'},
        {"if-none-match": '"x"', "if-modified-since": changed},
        {"if-modified-since": "Mon, 02 Mar 2026 09:00:00 GMT"},
        {"if-modified-since": "yesterday"},
    ):
        assert room.get("/archive/-/gone.atom", headers=headers).status_code == 200, headers


def test_ids_of_entries_come_from_evidence(room: Room) -> None:
    ids = [one.text for one in ElementTree.fromstring(room.text("/archive/-/gone.atom")).iter(f"{ATOM}id")]
    keys = [event["key"] for event in room.json("/archive/-/gone.json")["events"]]
    name = room.rows("/archive/origin.json?_col=name")[0]["name"]
    assert ids[1:] == [feed.urn(name, "event", key) for key in keys]


@pytest.mark.parametrize("path", ["gone", "gone.json", "gone.atom"])
def test_whoever_may_not_see_the_archive_gets_no_events(db: Path, path: str) -> None:
    for metadata in ({"allow": False}, {"tables": {"posts": {"allow": False}}}):
        closed = Room(db, metadata={"databases": {"archive": metadata}})
        try:
            assert closed.get(f"/archive/-/{path}").status_code == 403
        finally:
            closed.close()


def test_a_feed_of_what_is_no_archive(room: Room, tmp_path: Path) -> None:
    assert room.get("/nowhere/-/gone.atom").status_code == 404
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as sql:
        sql.execute("CREATE TABLE t (x)")
        sql.commit()
    strange = Room(other)
    try:
        assert strange.get("/other/-/gone.atom").status_code == 404
    finally:
        strange.close()


def test_bars_fit_their_drawing() -> None:
    months: list[dict[str, Any]] = [
        {"month": "2026-03", "deleted": 100_000, "not shown": 1, "edited": 0, "returned": 3},
        {"month": "2023-11", "deleted": 0, "not shown": 0, "edited": 1, "returned": 0},
    ]
    drawn = chart.bars(months)
    assert [column["month"] for column in drawn["columns"]][0::23] == ["2024-04", "2026-03"]
    assert len(drawn["columns"]) == chart.MONTHS
    for column in drawn["columns"]:
        assert column["x"] + drawn["bar"] <= drawn["width"]
        boxes = column["boxes"]
        assert all(box["y"] >= 0 and box["y"] + box["height"] <= drawn["base"] + 0.01 for box in boxes)
        assert all(under["y"] >= over["y"] + over["height"] - 0.01 for under, over in itertools.pairwise(boxes))
    assert [box["n"] for box in drawn["columns"][-1]["boxes"]] == [100_000, 1, 3]
    assert chart.bars([])["columns"] == []
    assert len(chart.bars([{**months[0], "month": "nonsense"}])["columns"]) == 1


@pytest.mark.parametrize("char", ["\x00", "\x0b", "\ufffe", "\ud800", "\u202e", "\u200b"])
def test_what_xml_cannot_hold_is_replaced(char: str) -> None:
    shown = feed.plain(f"a{char}b")
    assert char not in shown
    assert ElementTree.fromstring(f"<a>{shown}</a>").text == shown
