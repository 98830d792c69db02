"""What is no post: accounts, pages, short links, files."""

from pathlib import Path

import pytest

from archiver.datasette_plugin.places import encode
from tests.datasette_plugin.looking import NASTY, Seen, post
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.test_post import ADA, BO, FERRY, changed

DIARY = "web:page:https://beacon.lanternwick.example/2026/03/bridge-diary"
ACCOUNT, HANDLE = "x:account:220970503657880", "x:handle:ada_of_lanternwick"


def thing(ref: str, form: str = "", more: str = "") -> str:
    return f"/archive/-/thing/{encode(ref)}{form}{more}"


def test_an_account_shows_its_names_and_posts(room: Room) -> None:
    page, found = Seen(room.text(thing(ACCOUNT))), room.json(thing(ACCOUNT, ".json"))
    assert found["account"]["handle"] == "ada_of_lanternwick"
    assert [name["name"] for name in found["account"]["names"]] == ["Ada Quillfeather"]
    assert found["account"]["posts"] == len(found["posts"]) == 3
    assert {post(one["ref"]) for one in found["posts"]} <= set(page.links)
    assert found["aliases"] == [HANDLE]
    assert not page.faults


def test_a_handle_leads_to_its_account(room: Room) -> None:
    page = room.text(thing(HANDLE))
    assert "You asked for" in page
    assert f'<link rel="canonical" href="{thing(ACCOUNT)}">' in page


def test_a_web_page_shows_what_it_said_of_itself_and_reads_as(room: Room) -> None:
    page, found = Seen(room.text(thing(DIARY))), room.json(thing(DIARY, ".json"))
    assert {one["title"] for one in found["pages"]} == {"A bridge diary"}
    assert len(found["pages"]) == 2
    (document,) = found["documents"]
    assert f"/archive/-/document/{document['ref'].rpartition(':')[2]}" in page.links
    assert f"/archive/-/cite/{encode(DIARY)}" in page.links
    assert "not said" in page.text


def test_a_short_link_leads_somewhere(room: Room) -> None:
    page, found = Seen(room.text(thing("x:short:DemoPic06"))), room.json(thing("x:short:DemoPic06", ".json"))
    assert [(one["kind"], one["ref"]) for one in found["leads_from"]] == [("resolves-to", BO)]
    assert post(BO) in page.links
    assert found["quoted_in"]


def test_a_file_names_its_bytes_and_the_posts_that_carry_it(room: Room) -> None:
    ref = "web:media:https://pbs.twimg.com/media/LanternwickDemoFerry.png?name=orig"
    page, found = Seen(room.text(thing(ref))), room.json(thing(ref, ".json"))
    assert {file["sniffed_type"] for file in found["files"]} == {"image/png"}
    assert f"/archive/-/media/{found['files'][0]['sha256']}" in page.links
    assert [one["ref"] for one in found["carriers"]] == [FERRY]


def test_what_was_never_captured_says_so(db: Path, tmp_path: Path) -> None:
    sql = "INSERT INTO refs (ref, platform, kind, remote_id) VALUES ('x:account:7', 'x', 'account', '7')"
    room = Room(changed(db, tmp_path, (sql, ())))
    try:
        assert "It was never captured" in Seen(room.text(thing("x:account:7"))).text
    finally:
        room.close()


@pytest.mark.parametrize("ref", [ADA, "doc:document:4c57d2da"])
def test_a_post_or_a_document_has_a_page_of_its_own(room: Room, ref: str) -> None:
    links = Seen(room.text(thing(ref), 404)).links
    assert any(link.startswith(("/archive/-/post/", "/archive/-/document/")) for link in links)


@pytest.mark.parametrize("given", [NASTY, "x:account:0", "x:nothing:1", "x" * 9000])
def test_what_the_archive_never_met_is_told(room: Room, given: str) -> None:
    assert not Seen(room.text(thing(given), 404)).faults


def test_posts_of_an_account_are_paged_by_their_refs(db: Path, tmp_path: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45) "
    refs = (
        many
        + "INSERT INTO refs (id, ref, platform, kind, remote_id) SELECT 9000 + i, 'x:post:' || i, 'x', 'post', i FROM n"
    )
    posts = (
        "INSERT INTO posts (id, platform, handle, text, posted_at, outcome, outcome_at, edits, versions, first_seen, "
        "last_seen, url, name, author, lang, warning, truncated) SELECT r.id, 'x', 'ada', 'post ' || r.id, '', 'live', "
        "'', 0, 1, '', '', '', '', a.id, '', '', 0 FROM refs r, refs a WHERE r.id > 9000 AND a.ref = ?"
    )
    room = Room(changed(db, tmp_path, (refs, ()), (posts, (ACCOUNT,))))
    try:
        seen, path = [], thing(ACCOUNT, ".json")
        for _ in range(9):
            found = room.json(path)
            seen += [one["ref"] for one in found["posts"]]
            if not found["next"]:
                break
            path = found["next"].replace("?", ".json?")
        assert len(seen) == len(set(seen)) == 48
        assert 'rel="next"' in room.text(thing(ACCOUNT))
        assert "There is no post" in room.text(thing(ACCOUNT, more="?after=x:post:no"), 400)
    finally:
        room.close()
