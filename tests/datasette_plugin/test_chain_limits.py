"""Chains as files, hostile words in them, and how much is read of a crowd."""

import json
import re
from pathlib import Path
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
from tests.datasette_plugin.chains import DOCUMENT, EVIL, rows
from tests.datasette_plugin.opening import Room

BIG = {"refs", "edges", "aliases", "captures", "posts", "outcomes", "documents", "pages", "x", "e", "r", "c", "o", "p"}
ADA, CLEO = "x:post:2032135780561846272", "x:post:2031705444971446272"


def at(ref: str, ending: str = "") -> str:
    return f"/archive/-/chain/{encode(ref)}{ending}"


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


def test_all_words_stand_inside_their_boxes(shapes_db: Path) -> None:
    archive = open_reader(shapes_db)
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


def test_no_query_walks_a_table(crowd: Path, shapes_db: Path) -> None:
    for file, refs in (
        (crowd, ("x:post:star", DOCUMENT)),
        (shapes_db, ("x:post:c3", "x:post:many", "x:post:b3", DOCUMENT)),
    ):
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


def test_what_a_reader_may_not_see_closes_the_page(shapes_db: Path) -> None:
    for table in ("edges", "aliases", "posts", "documents"):
        closed = Room(shapes_db, metadata={"databases": {"archive": {"tables": {table: {"allow": False}}}}})
        try:
            for ending in ("", ".json", ".dot"):
                assert closed.get(at("x:post:c1", ending)).status_code == 403
        finally:
            closed.close()


def test_refs_in_addresses_come_back_whole() -> None:
    assert decode(encode(f"x:post:{EVIL}")) == f"x:post:{EVIL}"
    assert json.dumps(EVIL)
