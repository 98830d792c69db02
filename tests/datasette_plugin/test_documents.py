"""The list of documents, and documents of the demonstration beside what they quote."""

import re
from pathlib import Path

import pytest

from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.quoting import content, parsed, text_of


@pytest.fixture(scope="module")
def shas(room: Room) -> dict[str, str]:
    """The documents of the demonstration by the end of their names."""
    return {
        re.split(r"[/]", one["name"])[-1]: one["sha256"] for one in room.json("/archive/-/documents.json")["documents"]
    }


def test_the_list_says_how_much_of_each_document_is_held(room: Room, shas: dict[str, str]) -> None:
    listed = {one["sha256"]: one for one in room.json("/archive/-/documents.json")["documents"]}
    bulletin = listed[shas["bulletin.txt"]]["coverage"]
    assert (bulletin["found"], bulletin["captured"], bulletin["open"], bulletin["worst"]) == (6, 3, 3, "altered")
    assert bulletin["open_by"] == {"unresolved": 3}
    notes = listed[shas["notes.md"]]["coverage"]
    assert (notes["gone"], notes["gone_by"]) == (2, {"deleted": 1, "not-found": 1})
    addresses = listed[shas["addresses.txt"]]["coverage"]
    assert (addresses["found"], addresses["captured"], addresses["known"], addresses["worst"]) == (5, 4, 1, "")
    page = room.text("/archive/-/documents")
    for one in listed.values():
        assert f'href="/archive/-/document/{one["sha256"]}"' in page
    assert "altered" in page


def test_the_list_is_paged_and_filtered(room: Room, shas: dict[str, str]) -> None:
    everything = [one["sha256"] for one in room.json("/archive/-/documents.json")["documents"]]
    after = room.json(f"/archive/-/documents.json?after={everything[1]}")["documents"]
    assert [one["sha256"] for one in after] == everything[2:]
    seeds = [one["sha256"] for one in room.json("/archive/-/documents.json?collection=seeds")["documents"]]
    assert shas["bulletin.txt"] in seeds
    assert shas["inspection"] not in seeds  # a page that was captured, which nobody gave
    assert room.json(f"/archive/-/documents.json?collection=seeds&after={seeds[-1]}")["documents"] == []
    room.text("/archive/-/documents?collection=none", 404)
    room.text("/archive/-/documents?after=" + "0" * 64, 404)


def test_a_misquoted_post_stands_beside_its_quotation_with_both_words_marked(room: Room, shas: dict[str, str]) -> None:
    page = room.text(f"/archive/-/document/{shas['bulletin.txt']}")
    tree = parsed(page)
    changed = [content(node) for node in tree.css(".qc-read del")]
    assert changed == ["nineteen"]
    card = tree.css_first("#p-226-379")
    assert card is not None
    assert [content(node) for node in card.css(".qc-text ins")] == ["ninety"]
    assert "says “nineteen” where the post says “ninety”" in content(card)
    assert "a number is among the changed words" in content(card)
    assert 'href="/archive/-/post/x:post:2032522075960246272"' in page
    there = tree.css_first("#q-226-379")
    assert there is not None
    assert there.attributes["href"] == "#p-226-379"
    assert card.css_first('a[href="#q-226-379"]') is not None
    assert text_of(page) == room.json(f"/archive/-/document/{shas['bulletin.txt']}.json")["part"]["text"]


def test_a_splice_stands_beside_every_post_that_it_was_made_of(room: Room, shas: dict[str, str]) -> None:
    card = parsed(room.text(f"/archive/-/document/{shas['bulletin.txt']}")).css_first("#p-380-557")
    assert card is not None
    assert [content(node).split(".")[0] for node in card.css(".qc-text")] == [
        "The town says that the bridge was inspected in January",
        "The harbour office holds no paper about any inspection this year",
    ]
    assert "part 1 of 2" in content(card)
    assert "part 2 of 2" in content(card)


def test_what_is_not_known_is_told_with_the_reason(room: Room, shas: dict[str, str]) -> None:
    tree = parsed(room.text(f"/archive/-/document/{shas['bulletin.txt']}"))
    card = tree.css_first("#p-799-928")
    assert card is not None
    told = content(card)
    assert "t.co/DemoPic99 was asked for 2 times: not-found (HTTP 404)" in told
    assert "2032607639761846272" in told  # where ids of that day begin
    assert "no post of @cleo_of_lanternwick of 2026-03-14 was captured" in told
    passage = tree.css_first("#p-1138-1246")
    assert passage is not None
    badge = passage.css_first(".qc-badge")
    assert badge is not None
    assert (content(badge), (badge.attributes["class"] or "").split()) == ("not-found", ["qc-badge", "qc-quiet"])


def test_edited_deleted_and_reposted_posts_are_told(room: Room, shas: dict[str, str]) -> None:
    notes = content(parsed(room.text(f"/archive/-/document/{shas['notes.md']}")).css_first("main"))  # type: ignore[arg-type]
    assert "the post is deleted" in notes
    assert "edited" in notes
    assert "it does not find the post, which does not say that it was deleted" in notes
    addresses = room.text(f"/archive/-/document/{shas['addresses.txt']}")
    assert "A repost of" in addresses


def test_damaged_encoding_is_told_with_its_repair(room: Room, shas: dict[str, str]) -> None:
    found = room.json(f"/archive/-/document/{shas['bulletin.txt']}.json")
    assert found["repairs_count"] == 1
    assert (found["repairs"][0]["before"], found["repairs"][0]["after"]) == ("đźŚ‰:", "🌉:")
    assert "encode:sloppy-windows-1250 decode:utf-8" in room.text(f"/archive/-/document/{shas['bulletin.txt']}")


def test_a_document_says_how_it_was_read_and_leads_on(room: Room, shas: dict[str, str]) -> None:
    sha256 = shas["bulletin.txt"]
    found, page = room.json(f"/archive/-/document/{sha256}.json"), room.text(f"/archive/-/document/{sha256}")
    assert found["document"]["media_type"] == "text/plain"
    assert [one["uid"] for one in found["captures"]] == [found["document"]["capture"]]
    for place in ("capture/" + found["document"]["capture"], "blob/" + sha256, f"bundle/doc:document:{sha256}"):
        assert f'href="/archive/-/{place}"' in page
    assert "This page as JSON" in page


def test_a_place_that_is_asked_for_is_in_view(room: Room, shas: dict[str, str]) -> None:
    base = f"/archive/-/document/{shas['bulletin.txt']}"
    card = parsed(room.text(f"{base}?at=226-379")).css_first("#p-226-379")
    assert card is not None
    assert "qc-here" in (card.attributes["class"] or "")
    anywhere = parsed(room.text(f"{base}?at=4-8"))
    asked = anywhere.css_first("#q-4-8")
    assert asked is not None
    assert "the place asked for" in (asked.attributes["aria-label"] or "")
    assert text_of(room.text(f"{base}?at=4-8")) == room.json(f"{base}.json")["part"]["text"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("at=9-4", 400), ("at=x", 400), ("at=1", 400), ("at=0-999999", 404), ("at=-1-2", 400), ("at=٣-٤", 400),
        ("part=2", 404), ("part=x", 400), ("part=-1", 400), ("from=7", 404), ("from=x", 400), ("list=x", 400),
    ],
)  # fmt: skip
def test_a_wrong_place_is_told(room: Room, shas: dict[str, str], arguments: str, status: int) -> None:
    room.text(f"/archive/-/document/{shas['bulletin.txt']}?{arguments}", status)
    assert room.json(f"/archive/-/document/{shas['bulletin.txt']}.json?{arguments}", status)["ok"] is False


def test_an_unknown_document_is_told(room: Room) -> None:
    assert "holds no document" in room.text("/archive/-/document/" + "0" * 64, 404)


def test_whoever_may_not_see_a_table_sees_no_page_that_reads_it(db: Path, shas: dict[str, str]) -> None:
    room = Room(db, metadata={"databases": {"archive": {"tables": {"mentions": {"allow": False}}}}})
    try:
        for address in ("documents", f"document/{shas['bulletin.txt']}", "quotations", "quotations.json"):
            assert room.get(f"/archive/-/{address}").status_code == 403, address
    finally:
        room.close()
