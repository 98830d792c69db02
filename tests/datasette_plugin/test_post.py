"""The page of a post: what it says of the demonstration, of what was erased or never captured, and of hostile words."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.datasette_plugin.places import encode
from tests.datasette_plugin.looking import NASTY, Seen, post
from tests.datasette_plugin.opening import Room

ADA = "x:post:2032135780561846272"
BO = "x:post:2032522075960246272"
FERRY = "x:post:2032366047851446272"
MOSS = "fediverse:post:https://social.lanternwick.example/users/moss/statuses/116215499980800000"
MOSS_URL = "https://social.lanternwick.example/@moss/116215499980800000"
IVY = "bluesky:post:at://did:plc:34l4tfaa5kv7gvgvwuyoix2w/app.bsky.feed.post/3mgwae75i2222"
MAP = "bluesky:post:at://did:plc:yjn54gjeljng4g3jsarrhl3d/app.bsky.feed.post/3mgv3hznf2222"


def changed(db: Path, folder: Path, *statements: tuple[str, tuple[object, ...]]) -> Path:
    """A copy of an archive after some SQL."""
    copy = folder / "archive.db"
    shutil.copy(db, copy)
    with closing(sqlite3.connect(copy)) as connection:
        for sql, parameters in statements:
            connection.execute(sql, parameters)
        connection.commit()
    return copy


@pytest.fixture
def opened(db: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    """A copy of the demonstration after the SQL that the test is given."""
    room = Room(changed(db, tmp_path, *request.param))
    yield room
    room.close()


def test_a_post_says_what_was_captured(room: Room) -> None:
    page, found = Seen(room.text(post(BO))), room.json(post(BO, ".json"))
    assert found["ref"] == BO
    assert found["post"]["text"] == "The ferry carried ninety people this morning and left nobody on the quay."
    assert found["post"]["text"] in page.text
    assert "bo_of_lanternwick" in page.text
    assert "The platform shows the post" in page.text
    assert found["proven"] == "absent"
    assert not page.faults


def test_what_is_shown_is_in_the_json(room: Room) -> None:
    page, found = Seen(room.text(post(MOSS))), room.json(post(MOSS, ".json"))
    for version in found["versions"]:
        assert version["text"] in page.text
        assert version["sha256"][:16] in page.text
    for capture in found["captures"]:
        assert f"/archive/-/capture/{capture['uid']}" in page.links
    for alias in found["aliases"]:
        assert alias in page.text
    assert [query["name"] for query in found["queries"]]


def test_the_misquotation_stands_with_its_verdict(room: Room) -> None:
    (one,) = room.json(post(BO, ".json"))["quoted_in"]
    assert one["verdict"] == "altered"
    assert [(change["quoted"], change["original"]) for change in one["changes"]] == [("nineteen", "ninety")]
    page = Seen(room.text(post(BO)))
    assert "a number is among the changed words" in page.text
    digest, _, place = one["passage"].removeprefix("doc:passage:").partition(":")
    assert f"/archive/-/document/{digest}?at={place}#q-{place}" in page.links


def test_what_refers_to_it_is_counted_in_words(room: Room) -> None:
    assert "Embedded 1 ×; it answers 1 ×." in Seen(room.text(post(MOSS))).text


def test_an_edit_stands_between_two_observations(room: Room) -> None:
    found = room.json(post(MOSS, ".json"))
    first = found["edits"][0]
    assert {one["by"] for one in first["shown_by"]} == {"marker", "same-route"}
    assert first["last_seen_before"] < first["first_seen_after"]
    page = room.text(post(MOSS))
    assert f"/archive/-/compare/{encode(MOSS)}/{first['before']}/{first['after']}" in Seen(page).links
    assert "<del>" in page
    assert "ten" in page.split("<del>")[1].split("</del>")[0]
    assert "five" in page.split("<ins>")[1].split("</ins>")[0]


def test_routes_that_differ_are_no_edits(room: Room) -> None:
    routes = {one["route"]: one for one in room.json(post(MOSS, ".json"))["routes"]}
    assert routes["status"]["shows"] == "same"
    assert routes["history"]["shows"] == "some"
    assert routes["history"]["whole"] is False


def test_a_deleted_post_says_so_and_shows_its_words(room: Room) -> None:
    page, found = Seen(room.text(post(IVY))), room.json(post(IVY, ".json"))
    assert found["post"]["outcome"] == "deleted"
    assert "The post is deleted" in page.text
    assert "The bridge was built in 1888, I think." in page.text
    assert found["proven"] == "valid"
    assert "author’s proof: valid" in page.text
    assert 'class="qc-mark qc-mark-gone"' in room.text(post(IVY))


def test_who_vouches_for_the_time_is_said(db: Path, tmp_path: Path, room: Room) -> None:
    assert room.json(post(BO, ".json"))["vouched"] == "not signed"
    assert "No signed head and no outside timestamp covers it" in Seen(room.text(post(BO))).text
    head = (
        "INSERT INTO log_checkpoint (origin, size, root, note, at) VALUES (1, 1000, x'00', '', '2026-04-01T00:00:00Z')",
        (),
    )
    token = (
        "INSERT INTO log_anchor (origin, size, kind, service, token, at, received_at) VALUES "
        "(1, 1000, 'rfc3161', 'clock.example', x'01', '2026-04-01T00:00:05Z', '2026-04-01T00:00:06Z')",
        (),
    )
    (tmp_path / "signed").mkdir()
    for folder, sql, vouched in (("signed", (head,), "signed"), ("", (head, token), "timestamped")):
        opened = Room(changed(db, tmp_path / folder, *sql))
        try:
            found, page = opened.json(post(BO, ".json")), Seen(opened.text(post(BO)))
            assert found["vouched"] == vouched
            assert f"custody: {vouched}" in page.text
            assert found["custody"]["last"]["signed"] == 1000
            assert found["custody"]["last"]["not_after"] == ("2026-04-01T00:00:05Z" if token in sql else "")
            assert found["custody"]["last"]["not_before"] == ""
        finally:
            opened.close()
    assert "not after 2026-04-01 00:00:05Z ( clock.example )" in page.text


def test_media_come_from_this_archive_alone(room: Room) -> None:
    page, found = Seen(room.text(post(FERRY))), room.json(post(FERRY, ".json"))
    (item,) = found["media"]
    assert page.pictures == [f"/archive/-/thumb/{item['sha256']}"]
    assert f"/archive/-/media/{item['sha256']}" in page.links
    assert "A ferry" in page.text


def test_of_several_renderings_of_one_medium_the_kept_one_is_shown(room: Room) -> None:
    (item,) = room.json(post(MAP, ".json"))["media"]
    assert item["sha256"]
    assert "getBlob" in item["url"]


@pytest.mark.parametrize(
    "opened",
    [
        [("UPDATE versions SET sensitive = 1", ())],
        [("UPDATE posts SET warning = 'harsh words'", ())],
        [("UPDATE posts SET outcome = 'age-gated'", ())],
    ],
    indirect=True,
    ids=["marked", "warned", "gated"],
)
def test_sensitive_media_are_marked(opened: Room) -> None:
    assert opened.json(post(FERRY, ".json"))["sensitive"] is True
    assert "Marked as sensitive" in Seen(opened.text(post(FERRY))).text


@pytest.mark.parametrize(
    "path",
    [
        post(MOSS_URL),
        f"/archive/-/post/{MOSS_URL}",
        f"/archive/-/post?url={MOSS_URL}",
        post(f"fediverse:post:{MOSS_URL}"),
        "/archive/-/post/" + MOSS_URL.replace(":", "%3A"),
    ],
)
def test_other_names_lead_to_the_same_page(room: Room, path: str) -> None:
    page = room.text(path)
    assert f'<link rel="canonical" href="{post(MOSS)}">' in page
    assert "You asked for" in page
    assert post(MOSS) in Seen(page).links
    assert "You asked for" not in room.text(post(MOSS))


def test_what_the_archive_never_met_says_how_to_capture_it(room: Room) -> None:
    for path in (post("x:post:1"), post("https://x.com/nobody/status/1"), "/archive/-/post?url=nonsense"):
        page = Seen(room.text(path, 404))
        assert "archive knows nothing of" in page.text
        assert any(link.startswith("/archive/-/search?q=") for link in page.links)
        assert not page.faults
    assert "archiver run" in room.text(post("x:post:1"), 404)
    assert room.json(post("x:post:1", ".json"), 404)["ok"] is False


@pytest.mark.parametrize(
    "given", [NASTY, "x" * 9000, "a:b", ":::", "x:post:", "%", "~", "~~2F", "\u0660", "doc:document:ab"]
)
def test_an_address_that_means_nothing_is_told(room: Room, given: str) -> None:
    page = Seen(room.text(post(given), 404))
    assert not page.faults


def test_without_a_name_there_is_nothing_to_show(room: Room) -> None:
    assert "No post is named" in room.text("/archive/-/post", 400)


@pytest.mark.parametrize("ref", ["x:account:1948778346800", "x:handle:ada_of_lanternwick", "x:short:DemoLnk04"])
def test_what_is_no_post_has_a_page_of_its_own(room: Room, ref: str) -> None:
    page = Seen(room.text(post(ref), 404))
    assert any(link.startswith("/archive/-/thing/") for link in page.links)


def test_a_post_that_is_only_referred_to_says_so(db: Path, tmp_path: Path) -> None:
    room = Room(
        changed(
            db,
            tmp_path,
            ("INSERT INTO refs (ref, platform, kind, remote_id) VALUES (?, 'x', 'post', '77')", ("x:post:77",)),
        )
    )
    try:
        page, found = Seen(room.text(post("x:post:77"))), room.json(post("x:post:77", ".json"))
        assert "Its words were never captured" in page.text
        assert "archiver run x:post:77" in page.text
        assert found["post"] is None
        assert found["versions"] == found["captures"] == []
        assert "/archive/-/cite/x:post:77" not in page.links
    finally:
        room.close()


@pytest.mark.usefixtures("own_keys")
def test_an_erased_post_says_who_erased_it_and_what_stays(db: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    arguments = [
        "erase",
        BO,
        "--reason",
        "<b>She</b> asked for it",
        "--who",
        "Ada Quillfeather",
        "--yes",
        "--db",
        str(copy),
    ]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    room = Room(copy)
    try:
        page, found = Seen(room.text(post(BO))), room.json(post(BO, ".json"))
        (one,) = found["erased"]
        assert (one["who"], one["reason"]) == ("Ada Quillfeather", "<b>She</b> asked for it")
        assert "Erased" in page.text
        assert "<b>She</b> asked for it" in page.text
        assert "ninety" not in page.text
        assert found["post"] is None
        assert found["captures"]
        assert [row["status"] for row in found["quoted_in"]] == ["pending"]
    finally:
        room.close()


HOSTILE = [
    (f"UPDATE {table} SET {', '.join(f'{column} = ?1' for column in columns.split())}", (NASTY,))
    for table, columns in (
        ("posts", "text handle name url warning lang"),
        ("versions", "text warning lang version_id"),
        ("sightings", "handle name"),
        ("accounts", "handle name url"),
        ("media", "alt kind"),
        ("files", "declared_type sniffed_type"),
        ("documents", "title"),
        ("mentions", "quoted url handle name"),
        ("outcomes", "reason"),
        ("proofs", "detail kind"),
        ("pages", "title author site description canonical"),
        ("resolutions", "reason"),
    )
] + [
    ("UPDATE account_names SET handle = ?1 || id, name = ?1", (NASTY,)),
    ("UPDATE sightings SET route = ?1", (NASTY,)),
    ("UPDATE media SET url = ?1 || id", (NASTY,)),
    ("UPDATE edges SET pinned = ?1 || id", (NASTY,)),
]


@pytest.mark.parametrize("opened", [HOSTILE], indirect=True, ids=["everywhere"])
def test_nothing_that_others_wrote_runs_or_turns_the_page_round(opened: Room) -> None:
    for path in (
        *map(post, (ADA, BO, FERRY, MOSS, IVY, MAP)),
        *(f"/archive/-/cite/{encode(ref)}" for ref in (BO, MOSS, "web:page:https://beacon.lanternwick.example/2026/03/bridge-diary")),
        *(f"/archive/-/thing/{encode(ref)}" for ref in (
            "x:account:1948778346800", "x:short:DemoLnk04", "web:page:https://beacon.lanternwick.example/2026/03/bridge-diary",
            "web:media:https://social.lanternwick.example/media/bridge.png",
        )),
    ):  # fmt: skip
        page = Seen(opened.text(path))
        assert not page.faults, (path, page.faults)
        assert "alert(1)" in page.text, path
        assert "{{7*7}}" in page.text, path


@pytest.mark.parametrize(
    "opened",
    [
        [
            ("UPDATE posts SET text = ?1", ("é" * 5_000_000,)),
            ("UPDATE versions SET text = ?1 || sha256", ("ש " * 2_500_000,)),
        ]
    ],
    indirect=True,
    ids=["10 MB"],
)
@pytest.mark.heavy
def test_ten_megabytes_of_words_make_no_such_page(opened: Room) -> None:
    opened.get(post(MOSS))
    began = time.perf_counter()
    page = opened.text(post(MOSS))
    assert time.perf_counter() - began < 2
    assert len(page) < 400_000
    assert "of 5,000,000 characters" in page


MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
KEY = "(SELECT id FROM refs WHERE ref = ?1)"
EDGE = "edges (kind, source, target, evidence, pinned, capture, pointer)"
CROWDED = [
    (f"{MANY} INSERT INTO {insert}", (BO,))
    for insert in (
        f"{EDGE} SELECT 'quotes', {KEY}, {KEY}, 'asserted', i, 1, '' FROM n",
        f"{EDGE} SELECT 'reposts', 1 + i % 60, {KEY}, 'asserted', i, 1, '' FROM n",
        "sightings (version, capture, route, whole, edited, handle, name, counts, pointer) "
        f"SELECT v.id, 1, 'r' || i % 40, 1, 0, 'h' || i % 300, '', '{{}}', i FROM n JOIN versions v ON v.post = {KEY}",
        "matches (mention, verdict, flags, post, changes, faithful, rank, found_by, reason, score, steps, omitted, "
        f"standard, policy) SELECT 1 + i % 20, 'exact', '', {KEY}, '[]', 1, i, '', '', '', '', '', '', '' FROM n",
        f"mention_links (mention, ordinal, role, url, ref) SELECT 1 + i % 20, 100 + i, '', '', {KEY} FROM n",
        f"proofs (ref, kind, valid, detail, capture, pointer) SELECT {KEY}, 'k', i % 2, i, 1, i FROM n",
    )
]


@pytest.mark.parametrize("opened", [CROWDED], indirect=True, ids=["100,000 of each"])
@pytest.mark.heavy
def test_a_post_that_everybody_quotes_stays_a_page(opened: Room) -> None:
    opened.get(post(BO))
    began = time.process_time()
    page = opened.text(post(BO))
    assert time.process_time() - began < 1
    assert len(page) < 500_000
    found = opened.json(post(BO, ".json"))
    assert found["sightings_cut"] is True
    assert "by its newest 500 sightings" in page
    assert "reposted more than 10,000 ×" in page


def test_whoever_may_not_see_the_posts_sees_no_page(db: Path) -> None:
    closed = Room(db, metadata={"databases": {"archive": {"tables": {"versions": {"allow": False}}}}})
    try:
        for path in (post(BO), post(BO, ".json"), f"/archive/-/cite/{BO}.bib"):
            assert closed.get(path).status_code == 403
    finally:
        closed.close()


def test_headings_stand_in_order(room: Room) -> None:
    for ref in (ADA, MOSS, IVY):
        levels = [1, *Seen(room.text(post(ref))).headings]
        assert levels.count(1) == 2
        assert all(below <= above + 1 for above, below in pairwise(levels))


def test_how_a_quotation_was_found_is_told_as_on_other_pages(room: Room) -> None:
    page = room.text("/archive/-/post/x:post:2032522075960246272")
    assert "Found by: the post that the quotation names" in page
    assert "found by target" not in page
