"""Searches of Datasette's own table pages, for words that too many rows hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.datasette_plugin import searched
from tests.datasette_plugin.opening import Room

WORDS = "posts?_search=the"


@pytest.fixture
def few(db: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A room for which two hits are too many."""
    monkeypatch.setattr(searched, "MOST", 1)
    room = Room(db)
    room.text("/archive/-/home")  # the archive is known from the first page of ours on
    yield room
    room.close()


def test_few_hits_are_counted_and_faceted(room: Room) -> None:
    room.text("/archive/-/home")
    answer = room.get(f"/archive/{WORDS}&_facet=platform&_shape=objects").text
    assert 'class="facet-info' in answer


def test_too_many_are_shown_without_being_counted(few: Room) -> None:
    answer = few.text(f"/archive/{WORDS}&_facet=platform")
    assert 'class="facet-info' not in answer
    assert "rows-and-columns" in answer, "the rows stay"


def test_the_json_of_it_has_the_same_rows(few: Room, room: Room) -> None:
    room.text("/archive/-/home")
    rows, same = (one.json("/archive/posts.json?_search=the&_shape=objects")["rows"] for one in (few, room))
    assert rows == same
    assert len(rows) > 1


@pytest.mark.parametrize(
    "query",
    [
        "_search=ferry&_nocount=1",
        "_search=",
        "_search=+",
        "_search=a&_search=b",
        "outcome=deleted",
        "_search_text=a",
        "%00",
    ],
)
def test_other_requests_are_left_alone(query: str) -> None:
    assert searched.asked("/archive/posts", "/", query.encode()) is None


@pytest.mark.parametrize("path", ["/archive", "/archive/posts/1", "/", "", "/archive/-/search"])
def test_other_pages_are_left_alone(path: str) -> None:
    assert searched.asked(path, "/", b"_search=a") is None


@pytest.mark.parametrize("table", ["nosuch", "captures", 'po"sts', "~00", "posts~2Ejson", "-"])
def test_what_has_no_index_of_words_is_datasettes(few: Room, room: Room, table: str) -> None:
    assert few.get(f"/archive/{table}?_search=the").status_code == room.get(f"/archive/{table}?_search=the").status_code


@pytest.mark.parametrize("words", ["%22", "AND", "*", "a:b", "%F0%9F%98%80", "NEAR(", "x" * 5000])
def test_words_of_any_kind(few: Room, room: Room, words: str) -> None:
    path = f"/archive/posts?_search={words}"
    assert few.get(path).status_code == room.get(path).status_code


def test_behind_a_prefix() -> None:
    assert searched.asked("/base/archive/posts.json", "/base/", b"_search=a+b") == ("archive", "posts", "a b")
