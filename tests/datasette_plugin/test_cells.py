"""Datasette's tables lead to our pages, and only to what is there."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.datasette_plugin.cells import _ROWS, cell
from archiver.datasette_plugin.places import Places
from tests.datasette_plugin import hostile
from tests.datasette_plugin.opening import ONE, Room

AT = Places(base="/", database="archive")


@pytest.mark.parametrize(
    ("table", "column", "value", "address"),
    [
        ("refs", "ref", "x:post:20", "/archive/-/post/x:post:20"),
        (None, "passage", f"doc:passage:{'a' * 64}:3-9", f"/archive/-/document/{'a' * 64}?at=3-9#q-3-9"),
        ("documents", "sha256", "a" * 64, f"/archive/-/document/{'a' * 64}"),
        ("captures", "uid", "01a20740-8355-75f9-8e78-cdf027372375", None),
        ("posts", "text", "x:post:20", ""), ("refs", "ref", "nobody:post:20", ""), ("refs", "ref", 20, ""),
        ("refs", "ref", "x:post:", ""), ("documents", "sha256", '"><script>', ""), ("blobs", "sha256", "a" * 64, ""),
    ],
)  # fmt: skip
def test_what_is_a_link_and_what_is_not(table: str | None, column: str, value: object, address: str | None) -> None:
    shown = cell(AT, table, column, value)
    if address == "":
        assert shown is None
    else:
        wanted = f"/archive/-/capture/{value}" if address is None else address
        assert f'href="{wanted}"' in str(shown)


@given(st.text(), st.sampled_from(["ref", "passage", "sha256", "uid"]))
def test_no_value_breaks_out(text: str, column: str) -> None:
    for value in (text, f"x:post:{text}", f"doc:passage:{text}"):
        shown = cell(AT, "documents", column, value)
        assert shown is None or hostile.escapes(str(shown), ours=True) == []
        assert shown is None or re.fullmatch(r'<a href="[^"<>]*">.*</a>', str(shown), re.S)


def test_tables_and_queries_lead_to_our_pages(room: Room) -> None:
    room.text("/archive/-/home")
    assert re.search(r'href="/archive/-/post/[^"]+"', room.text("/archive/refs?kind=post"))
    assert re.search(r'href="/archive/-/document/[0-9a-f]{64}"', room.text("/archive/documents"))
    assert re.search(r'href="/archive/-/capture/[0-9a-f-]{36}"', room.text("/archive/captures"))
    assert re.search(r'href="/archive/-/post/[^"]+"', room.text("/archive/gone_posts"))


@pytest.mark.parametrize("table", sorted(_ROWS))
def test_a_row_names_its_page(room: Room, table: str) -> None:
    page = room.text(f"/archive/{table}?_size=1")
    row = re.search(rf'href="(/archive/{table}/\d+)"', page)
    assert row, table
    found = re.search(r'<a href="([^"]+)">The page of this row', room.text(row[1]))
    assert found, row[1]
    assert room.get(found[1]).status_code == 200, found[1]


def test_other_rows_name_none(room: Room, db: Path) -> None:
    assert "The page of this row" not in room.text("/archive/blobs/1")
    assert room.get("/archive/posts/999999999").status_code == 404
    assert ONE or room.get("/archive/posts/x").status_code == 404
