"""Erasing: what a person may have taken out is gone from every file, and the log still proves the rest."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import story
from running import Desk, lines


@pytest.fixture
def world() -> Iterator[story.World]:
    with story.playing() as world:
        yield world


def desk_of(world: story.World, folder: Path) -> Desk:
    desk = Desk(folder, world.configure(folder))
    assert (
        desk.call("run", desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")]))).code == 0
    )
    return desk


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


def test_a_post_is_listed_then_gone_and_the_log_still_holds(world: story.World, tmp_path: Path) -> None:
    desk = desk_of(world, tmp_path)
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
    check = desk.call("rebuild", "--check")
    assert (check.code, "0 differences" in check.out) == (0, True)
