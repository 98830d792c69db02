"""Chains: what the page says of the demonstration's chain of four, and of shapes that are invented here."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from archiver.datasette_plugin.chain import gather, measure, picture
from archiver.datasette_plugin.chain.export import attribute, quoted
from archiver.datasette_plugin.chain.fans import LONG
from archiver.datasette_plugin.chain.picture import SIZES
from archiver.datasette_plugin.places import Places, decode, encode
from archiver.datasette_plugin.reader import Reader
from archiver.store.archive import Archive, open_reader
from tests.datasette_plugin.chains import NOW, Rows, rows
from tests.datasette_plugin.opening import Room

TOWN, BO, CLEO, ADA = (
    f"x:post:{n}" for n in ("2030916496389046272", "2031271334507446272", "2031705444971446272", "2032135780561846272")
)
DOCUMENT = f"doc:document:{'d' * 64}"
EVIL = "\"'></text></svg><script>window.pwned=1</script><img src=x onerror=alert(1)>{{7*7}}]]>-->\\\u202egnp"
PAYLOADS = ("<script", "<img", 'onerror="', "javascript:")
BIG = {"refs", "edges", "aliases", "captures", "posts", "outcomes", "documents", "pages", "x", "e", "r", "c", "o", "p"}


def fill(made: Rows) -> None:
    """Shapes: a circle (loop), one that was never captured between two (gap), an alias in the middle, a long chain,
    times that cannot be, several kinds of edges between two, an erased post, hostile words."""
    for ref in ("x:post:a1", "x:post:a2"):
        made.post(ref, handle=ref[-2:], at=NOW)
    made.edge("x:post:a1", "quotes", "x:post:a2")
    made.edge("x:post:a2", "quotes", "x:post:a1")

    made.post("x:post:b1", handle="above", at="2026-03-01T00:00:00Z")
    made.post("x:post:b3", handle="below", at="2026-03-03T00:00:00Z")
    made.edge("x:post:b3", "quotes", "x:post:b2")
    made.edge("x:post:b2", "quotes", "x:post:b1")
    made.outcome("x:post:b2", "not-found", "HTTP 404")
    made.post("x:post:b4", handle="gone_between", at="2026-03-02T00:00:00Z", outcome="deleted")
    made.edge("x:post:b3", "replies-to", "x:post:b4")
    made.edge("x:post:b4", "quotes", "x:post:b1")
    made.edge("x:post:b3", "quotes", "x:post:never")

    made.post("x:post:c1", handle="origin")
    made.post("x:post:c2", handle="middle")
    made.post("x:post:c3", handle="late")
    made.alias("x:post:c2-edit", "x:post:c2")
    made.alias("x:post:c2-older", "x:post:c2-edit")
    made.edge("x:post:c3", "quotes", "x:post:c2-older")
    made.edge("x:post:c2-edit", "replies-to", "x:post:c1")
    made.alias("x:post:round", "x:post:trip")
    made.alias("x:post:trip", "x:post:round")
    made.edge("x:post:round", "quotes", "x:post:c1")

    for number in range(1, 16):
        made.edge(f"x:post:long{number}", "reposts", f"x:post:long{number + 1}")

    made.post("x:post:2030916496389046272", handle="liar", at="2020-01-01T00:00:00Z")
    made.post("x:post:later", handle="later", at="2020-01-02T00:00:00Z")
    made.edge("x:post:2030916496389046272", "quotes", "x:post:later")

    made.document(DOCUMENT, "A letter", mentions=2)
    for start in (0, 9):
        passage = f"doc:passage:{'d' * 64}:{start}-{start + 9}"
        made.edge(passage, "embeds", "x:post:c3", "claimed", pointer=f"{start}-{start + 9}")
        made.edge(passage, "same-text", "x:post:c1", "inferred")
        made.edge(passage, "same-text", f"doc:passage:{'d' * 64}:5-6", "inferred")
        made.edge(passage, "names", "x:handle:late", "claimed")
    made.edge(f"doc:passage:{'d' * 64}:0-9", "links-to", "x:short:abc", "claimed")
    made.edge("x:short:abc", "resolves-to", "x:post:c3", pinned="https://social.example/c3")
    made.outcome("x:short:abc", "live", "HTTP 301")
    made.edge("web:page:https://news.example/", "embeds", "x:post:c3", "claimed")

    made.post("x:post:many", handle="many")
    for number in range(LONG + 30):
        made.edge(f"x:post:fan{number:03d}", "reposts", "x:post:many" if number % 2 else "x:post:many-alias")
    made.alias("x:post:many-alias", "x:post:many")

    made.edge("x:post:wiped", "quotes", "x:post:c1")
    made.archive.db.execute(
        "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) "
        f"VALUES ('{'e' * 36}', 1, {made.capture()}, '{NOW}', 'keeper', 'x:post:wiped', '', 'asked')"
    )

    made.post("x:post:huge", "漢" * 3_000_000, handle="h" * 3_000_000, name="n" * 3_000_000)
    made.edge("x:post:huge", "quotes", "x:post:rtl", pointer="p" * 3_000_000)

    evil = f"x:post:{EVIL}"
    made.post(evil, EVIL * 3, handle=EVIL, name=EVIL, at=EVIL, outcome=EVIL)
    made.post(
        "x:post:rtl", "שלום 👩‍👩‍👧 " * 40, handle="漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", name="W" * 300
    )
    made.edge(evil, "quotes", "x:post:rtl", pinned=EVIL, pointer=EVIL)
    made.edge("x:post:rtl", "quotes", "x:post:c1")
    made.document(f"doc:document:{'e' * 64}", EVIL)
    made.edge(f"doc:passage:{'e' * 64}:0-1", "quotes", evil, "claimed", pointer=EVIL)
    made.edge(f"web:page:https://news.example/{EVIL}", "links-to", evil, "claimed")
    made.outcome(f"web:page:https://news.example/{EVIL}", "unreachable", EVIL)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain") / "archive.db"
    with rows(path) as made:
        fill(made)
    return path


@pytest.fixture(scope="module")
def shapes(path: Path) -> Iterator[Room]:
    opened = Room(path)
    yield opened
    opened.close()


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


# ---- exports ----------------------------------------------------------------------------------------------------


def test_the_chain_leaves_as_dot(shapes: Room, room: Room) -> None:
    text = room.text(at(ADA, ".dot"))
    assert text.startswith("digraph chain {")
    assert f'"{ADA}" -> "{CLEO}" [label="quotes", style=solid];' in text
    evil = shapes.text(at(f"x:post:{EVIL}", ".dot"))
    for line in evil.splitlines()[3:-1]:  # strings aside, nothing but our own words stands in a line
        rest = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        assert re.fullmatch(r'  (""( -> "")? \[label=""(, style=[a-z]+)?\];|// [0-9, a-z]+)', rest), line
    assert "edges are left out" in shapes.text(at("x:post:many", ".dot"))


def test_the_chain_leaves_as_graphml(shapes: Room, room: Room) -> None:
    space = {"g": "http://graphml.graphdrawing.org/xmlns"}
    tree = ElementTree.fromstring(room.text(at(ADA, ".graphml")))
    assert len(tree.findall(".//g:node", space)) == 5
    answer = shapes.get(at(f"x:post:{EVIL}", ".graphml"))
    assert answer.headers["content-type"].startswith("application/graphml+xml")
    evil = ElementTree.fromstring(answer.text)
    assert f"x:post:{EVIL}" in {node.get("id") for node in evil.findall(".//g:node", space)}
    assert {node.tag.split("}")[1] for node in evil.iter()} == {"graphml", "key", "graph", "node", "edge", "data"}
    fan = ElementTree.fromstring(shapes.text(f"{at('x:post:many', '.graphml')}?node=x:post:many&side=down"))
    assert len(fan.findall(".//g:edge", space)) == LONG


def test_what_no_file_can_hold_is_replaced() -> None:
    assert quoted('a"b\\\n\x00') == '"a\\"b\\\\\\n\ufffd"'
    assert attribute('a"<&\x00\ud800') == '"a&quot;&lt;&amp;\ufffd\ufffd"'


# ---- hostile words ----------------------------------------------------------------------------------------------


def test_hostile_words_stay_words(shapes: Room) -> None:
    for ref in (f"x:post:{EVIL}", "x:post:rtl", "x:post:c1", f"doc:document:{'e' * 64}"):
        for query in ("", f"?node={encode(ref).replace('~', '%')}&side=down"):
            page = shapes.text(at(ref) + query)
            tree = HTMLParser(page)
            assert "window.pwned" not in "".join(node.text() for node in tree.css("script"))
            assert not tree.css("img")
            for node in tree.css("*"):
                for name, value in node.attributes.items():
                    assert not name.startswith("on"), (name, value)
                    assert not str(value).lower().startswith("javascript:")
            assert "49]]" not in page
            assert "\u202e" not in page
    assert "U+202E" in shapes.text(at("x:post:rtl"))


def test_megabytes_are_not_carried_into_a_page(shapes: Room) -> None:
    assert len(shapes.text(at("x:post:huge"))) < 40_000
    assert len(shapes.text(at("x:post:huge", ".json"))) < 40_000


def test_all_words_stand_inside_their_boxes(path: Path) -> None:
    archive = open_reader(path)
    try:
        for ref in (f"x:post:{EVIL}", "x:post:rtl", "x:post:c1", "x:post:many", DOCUMENT, "x:post:long3"):
            for small in (False, True):
                reader = Reader(archive=archive, database="archive")
                drawn = picture(gather(reader, ref, small=small), Places(base="/", database="archive"))
                words = [(item, text) for item in drawn["items"] for text in item["texts"]]
                assert words
                for item, text in words:
                    wide = measure.width(text["text"], SIZES[text["size"]])
                    left = text["x"] - wide if text["backwards"] else text["x"]
                    assert item["left"] <= left
                    assert left + wide <= item["left"] + item["wide"]
                    assert item["top"] + SIZES[text["size"]] <= text["y"] <= item["top"] + item["high"] - 4
    finally:
        archive.close()


# ---- bounds -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each more than is counted: reposts of one post, quotes of it, and places of a document."""
    path = tmp_path_factory.mktemp("crowd") / "archive.db"
    with rows(path) as made:
        made.post("x:post:star", handle="star")
        made.edges("reposts", (f"x:repost:{n}" for n in range(20_000)), "x:post:star")
        made.edges("quotes", (f"x:post:{n}" for n in range(11_000)), "x:post:star")
        made.document(DOCUMENT, "A list")
        made.edges("links-to", (f"doc:passage:{'d' * 64}:{n}-{n + 1}" for n in range(11_000)), "x:post:star")
    return path


def test_thousands_of_edges_on_one_post_cost_as_much_as_a_few(crowd: Path) -> None:
    archive = open_reader(crowd)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    try:
        reader = Reader(archive=archive, database="archive")
        archive.db.set_progress_handler(count, 1000)
        found = gather(reader, "x:post:star")
        archive.db.set_progress_handler(None, 1000)
        assert next(row for row in found["folded"]["down"] if row["kind"] == "reposts")["over"] is True
        assert len(found["down"]) <= 32
        assert steps < 400, f"{steps},000 steps of SQLite's machine"
        up = gather(Reader(archive=archive, database="archive"), DOCUMENT)
        assert up["folded"]["up"] == [{"kind": "", "count": 10_000, "over": True}]
    finally:
        archive.close()


def test_a_crowd_is_drawn_folded(crowd: Path) -> None:
    room = Room(crowd)
    try:
        page = room.text(at("x:post:star"))
        assert "10,000+" in page
        assert len(page) < 200_000
        assert "reposts (10,000+)" in room.text(f"{at('x:post:star')}?node=x:post:star&side=down")
        assert len(room.text(at(DOCUMENT))) < 200_000
    finally:
        room.close()


def plans(archive: Archive, reader: Reader) -> dict[str, list[str]]:
    found = {}
    for query in reader.queries:
        plan = archive.db.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
        found[query.name] = [row[3] for row in plan]
    return found


def test_no_query_walks_a_table(crowd: Path, path: Path) -> None:
    for file, refs in ((crowd, ("x:post:star", DOCUMENT)), (path, ("x:post:c3", "x:post:many", "x:post:b3", DOCUMENT))):
        archive = open_reader(file)
        try:
            for ref in refs:
                reader = Reader(archive=archive, database="archive")
                gather(reader, ref)
                for name, plan in plans(archive, reader).items():
                    walked = {match[1] for line in plan if (match := re.match(r"SCAN (\w+)(?! VIRTUAL)", line))}
                    assert not walked & BIG, (name, plan)
        finally:
            archive.close()


def test_what_a_reader_may_not_see_closes_the_page(path: Path) -> None:
    for table in ("edges", "aliases", "posts", "documents"):
        closed = Room(path, metadata={"databases": {"archive": {"tables": {table: {"allow": False}}}}})
        try:
            for ending in ("", ".json", ".dot"):
                assert closed.get(at("x:post:c1", ending)).status_code == 403
        finally:
            closed.close()


def test_refs_in_addresses_come_back_whole() -> None:
    assert decode(encode(f"x:post:{EVIL}")) == f"x:post:{EVIL}"
    assert json.dumps(EVIL)
