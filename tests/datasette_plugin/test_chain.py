"""Chains: what the page says of the demonstration's chain of four, and of shapes that are invented here."""

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from archiver.datasette_plugin.chain.fans import LONG
from archiver.datasette_plugin.places import Places, encode
from tests.datasette_plugin.chains import DOCUMENT, NOW
from tests.datasette_plugin.opening import Room

TOWN, BO, CLEO, ADA = (
    f"x:post:{n}" for n in ("2030916496389046272", "2031271334507446272", "2031705444971446272", "2032135780561846272")
)


def at(ref: str, ending: str = "") -> str:
    return f"/archive/-/chain/{encode(ref)}{ending}"


def tied(found: dict[str, Any], side: str) -> list[tuple[int, str, str]]:
    """(step, kinds, ref) of each row."""
    return [(row["step"], ",".join(edge["kind"] for edge in row["edges"]), row["ref"]) for row in found[side]]


def told(page: str) -> str:
    """The sentences of a page."""
    found = HTMLParser(page).css_first(".qc-told")
    return " ".join(found.text().split()) if found is not None else ""


# ---- the demonstration ------------------------------------------------------------------------------------------


def test_the_chain_of_four_leads_to_its_origin(room: Room) -> None:
    found = room.json(at(ADA, ".json"))
    assert [row[0::2] for row in tied(found, "up")] == [(1, CLEO), (2, BO), (3, TOWN)]
    assert found["origins"] == [{"ref": TOWN, "state": "origin"}]
    assert found["earliest"] == {"ref": TOWN, "posted_at": "2026-03-09T08:00:00Z"}
    assert found["contradictions"] == []
    assert found["circle"] is False
    (row,) = found["down"]
    assert found["things"][row["ref"]]["title"] == "Five days without a bridge"
    assert {edge["evidence"] for edge in row["edges"]} == {"claimed"}
    assert found["up"][1]["edges"][1]["pointer"] == "/quoted_tweet/entities/urls/0"


def test_the_page_shows_what_its_json_says(room: Room) -> None:
    found, page = room.json(at(BO, ".json")), room.text(at(BO))
    tree = HTMLParser(page)
    assert "Origin: @town_of_lanternwick 2026-03-09 08:00:00Z" in told(page)
    links = {node.attributes["href"] for node in tree.css("a")}
    for side in ("up", "down"):
        for row in found[side]:
            assert Places(base="/", database="archive").ref(row["ref"]) in links
            for edge in row["edges"]:
                assert f"/archive/-/capture/{edge['capture']}" in links
    boxes = len(found["up"]) + len(found["down"]) + 1
    assert len(tree.css("svg a.qc-node, svg g.qc-node")) == boxes
    assert len(tree.css("table tbody tr")) == boxes - 1
    passages = {edge["source"] for row in found["down"] for edge in row["edges"] if "doc:passage" in edge["source"]}
    assert passages
    for passage in passages:
        place = passage.split(":")[3]
        assert any(link and link.endswith(f"#q-{place}") for link in links)


def test_each_evidence_is_drawn_apart_and_says_so(room: Room) -> None:
    tree = HTMLParser(room.text(at(TOWN)))
    for word in ("asserted", "claimed", "inferred"):
        assert tree.css(f"svg.qc-graph path.qc-line-{word}"), word
    words = [node.text() for node in tree.css("svg.qc-graph text.qc-graph-small")]
    assert {"asserted", "claimed", "inferred", "quotes,", "links-to"} <= set(words)


def test_an_address_and_an_alias_lead_to_the_thing(room: Room) -> None:
    address = "https://x.com/ada_of_lanternwick/status/2032135780561846272"
    assert room.json(at(address, ".json"))["ref"] == ADA
    handle = "bluesky:post:at://ivy.lanternwick.example/app.bsky.feed.post/3mgttakvz2222"
    found = room.json(at(handle, ".json"))
    assert found["ref"].startswith("bluesky:post:at://did:plc:")
    page = room.text(at(handle))
    assert "asked for as" in page
    assert "asked for as" not in room.text(at(ADA))


def test_a_document_leads_to_what_it_quotes(room: Room) -> None:
    (row,) = room.json(at(ADA, ".json"))["down"]
    found = room.json(at(row["ref"], ".json"))
    assert (1, "quotes,embeds", ADA) in tied(found, "up")
    passage = row["edges"][0]["source"]
    assert room.json(at(passage, ".json"))["ref"] == row["ref"]


# ---- shapes -----------------------------------------------------------------------------------------------------


def test_a_circle_is_told_and_has_no_origin(shapes: Room) -> None:
    found = shapes.json(at("x:post:a1", ".json"))
    assert tied(found, "up") == [(1, "quotes", "x:post:a2"), (2, "quotes", "x:post:a1")]
    assert [(row["again"], row["circle"]) for row in found["up"]] == [(False, False), (True, True)]
    assert [(row["ref"], row["again"], row["circle"]) for row in found["down"]] == [("x:post:a2", True, True)]
    assert (found["origins"], found["circle"]) == ([], True)
    page = shapes.text(at("x:post:a1"))
    assert "Origin: none." in told(page)
    assert "again: a circle" in page


def test_gaps_are_told_with_their_outcome(shapes: Room) -> None:
    found = shapes.json(at("x:post:b3", ".json"))
    things = found["things"]
    assert (things["x:post:b2"]["captured"], things["x:post:b2"]["outcome"]) == (False, "not-found")
    assert (things["x:post:b4"]["captured"], things["x:post:b4"]["outcome"]) == (True, "deleted")
    assert {"ref": "x:post:never", "state": "not-captured"} in found["origins"]
    assert {"ref": "x:post:b1", "state": "origin"} in found["origins"]
    said = told(shapes.text(at("x:post:b3")))
    assert "Gap: x post:b2" in said or "Gap: x b2 stands between, but was never captured (not-found)." in said
    assert "Gap: @gone_between stands between, and is shown no more: deleted" in said
    assert "never was never captured (never asked for), so what it quotes is not known." in said


def test_what_nobody_captured_has_no_known_origin(shapes: Room) -> None:
    assert "Origin: unknown." in told(shapes.text(at("x:post:never")))
    assert "quotes, reposts and answers nothing that was captured" in told(shapes.text(at("x:post:c1")))


def test_look_ups_pass_through_aliases_and_rows_stay_apart(shapes: Room) -> None:
    found = shapes.json(at("x:post:c3", ".json"))
    assert tied(found, "up") == [(1, "quotes", "x:post:c2"), (2, "replies-to", "x:post:c1")]
    (first, second) = found["up"]
    assert first["edges"][0]["target"] == "x:post:c2-older"
    assert second["edges"][0]["source"] == "x:post:c2-edit"
    assert found["things"]["x:post:c2"]["aliases"] == ["x:post:c2-edit", "x:post:c2-older"]
    below = shapes.json(at("x:post:c1", ".json"))
    assert (1, "replies-to", "x:post:c2") in tied(below, "down")
    assert (2, "quotes", "x:post:c3") in tied(below, "down")
    assert (1, "quotes", "x:post:round") in tied(below, "down")
    circle = shapes.json(at("x:post:trip", ".json"))
    assert (circle["ref"], circle["things"]["x:post:round"]["aliases"]) == ("x:post:round", ["x:post:trip"])


def test_edges_between_two_things_are_one_line(shapes: Room) -> None:
    found = shapes.json(at("x:post:c3", ".json"))
    rows = [row for row in found["down"] if row["ref"] == DOCUMENT and not row["again"]]
    assert len(rows) == 1
    assert [edge["kind"] for edge in rows[0]["edges"]] == ["embeds", "embeds"]
    assert {edge["pointer"] for edge in rows[0]["edges"]} == {"0-9", "9-18"}
    kinds = {edge["kind"] for row in found["down"] for edge in row["edges"]}
    assert kinds == {"embeds", "resolves-to", "links-to"}
    up = shapes.json(at(DOCUMENT, ".json"))
    assert {row["ref"] for row in up["up"]} == {"x:post:c3", "x:post:c1", "x:short:abc", "x:post:c2"}
    assert up["things"]["x:short:abc"]["captured"] is True


def test_a_long_chain_says_where_it_was_cut(shapes: Room) -> None:
    found = shapes.json(at("x:post:long1", ".json"))
    assert [row["step"] for row in found["up"]] == list(range(1, 11))
    last = found["up"][-1]
    assert (last["cut"], last["folded"]) == ("steps", [{"kind": "reposts", "count": 1, "over": False}])
    assert found["origins"] == [{"ref": "x:post:long11", "state": "cut"}]
    page = shapes.text(at("x:post:long1"))
    assert "Origin: further up." in told(page)
    assert f'href="{at("x:post:long11")}"' in page
    assert shapes.json(at("x:post:long11", ".json"))["origins"] == [{"ref": "x:post:long16", "state": "not-captured"}]


def test_times_that_contradict_are_told(shapes: Room) -> None:
    said = told(shapes.text(at(TOWN)))
    assert "@liar 2020-01-01 00:00:00Z is the time that it claims, but its id was made 2026-03-09 08:00:00Z" in said
    assert "refers to what claims to be later: @later" in said


def test_an_erased_post_is_said_to_be_one(shapes: Room) -> None:
    found = shapes.json(at("x:post:wiped", ".json"))
    assert found["things"]["x:post:wiped"]["erased_at"] == NOW
    page = shapes.text(at("x:post:wiped"))
    assert "erased" in page
    assert "asked for" not in told(page)


# ---- fans -------------------------------------------------------------------------------------------------------


def test_a_fan_is_folded_and_listed_by_pages(shapes: Room) -> None:
    found, page = shapes.json(at("x:post:many", ".json")), shapes.text(at("x:post:many"))
    drawn = len(found["down"])
    assert found["folded"]["down"] == [{"kind": "reposts", "count": LONG + 30 - drawn, "over": False}]
    assert f"and {LONG + 30 - drawn} more" in page
    link = HTMLParser(page).css_first("a.qc-node-more").attributes["href"]
    assert link is not None
    seen: list[str] = []
    pages = 0
    while link:
        pages += 1
        part = shapes.json(link.replace("?", ".json?"))
        seen += [edge["source"] for edge in part["rows"]]
        following = HTMLParser(shapes.text(link)).css_first('a[rel="next"]')
        link = "" if following is None else str(following.attributes["href"])
    assert pages == 2
    assert len(seen) == LONG + 30
    assert set(seen) == {f"x:post:fan{number:03d}" for number in range(LONG + 30)}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("node=x:post:nothing", 404),
        ("node=x:post:many&side=sideways", 400),
        ("node=x:post:many&kind=loves", 400),
        ("node=x:post:many&after=x:post:fan001&on=x:post:c1&kind=reposts&evidence=asserted", 404),
        ("node=x:post:many&after=nobody&on=x:post:many&kind=reposts&evidence=asserted", 404),
        (f"node={DOCUMENT}&side=up", 400),
    ],
)
def test_a_fan_that_is_not_there_says_so(shapes: Room, arguments: str, status: int) -> None:
    assert shapes.json(f"{at('x:post:many', '.json')}?{arguments}", status)["ok"] is False
    assert shapes.get(f"{at('x:post:many')}?{arguments}").status_code == status


def test_a_fan_without_edges_says_so(shapes: Room) -> None:
    assert "Nothing of this kind." in shapes.text(f"{at('x:post:c1')}?node=x:post:c1&side=up")


@pytest.mark.parametrize("ref", ["x:post:404", "nonsense", "https://x.com/a/status/404", "~00", "x:post:" + "9" * 5000])
def test_what_the_archive_never_met_is_not_found(shapes: Room, ref: str) -> None:
    assert shapes.get(at(ref)).status_code == 404
    assert shapes.json(at(ref, ".json"), 404)["next"]
