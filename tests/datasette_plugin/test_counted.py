"""Facets of table pages come from counts that are kept, and say what counting would say; rules of the metadata are kept
for as long as it reads the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from datasette import hookimpl
from datasette.plugins import pm

from archiver.datasette_plugin import counted, rules
from archiver.store import tallies
from tests.datasette_plugin.opening import METADATA, ONE, Room

FACETS = {
    name: table["facets"] for name, table in METADATA["databases"]["archive"]["tables"].items() if table.get("facets")
}
KEPT = {"posts", "refs", "mentions", "events", "outcomes", "media", "edges", "resolutions", "matches", "captures"}


def facets(room: Room, table: str, query: str = "") -> dict[str, dict[Any, int]]:
    found = facet_answer(room, table, query)["facet_results"]
    found = found.get("results", found)
    return {name: {one["value"]: one["count"] for one in facet["results"]} for name, facet in found.items()}


def facet_answer(room: Room, table: str, query: str = "") -> Any:
    more = "&_extra=facet_results,facets_timed_out" if ONE else ""
    return json.loads(room.text(f"/archive/{table}.json?_size=1{more}{query}"))


@pytest.fixture(scope="module")
def sql(db: Path) -> Iterator[sqlite3.Connection]:
    conn = sqlite3.connect(db)
    yield conn
    conn.close()


@pytest.mark.parametrize("table", sorted(FACETS))
def test_facets_say_what_counting_says(room: Room, sql: sqlite3.Connection, table: str) -> None:
    def counts(column: str, where: str = "", *given: str) -> dict[Any, int]:
        query = f"SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL {where} GROUP BY 1"
        return dict(sql.execute(query, given))

    assert facets(room, table) == {column: counts(column) for column in FACETS[table]}
    for first in FACETS[table]:
        for (word,) in sql.execute(f"SELECT DISTINCT {first} FROM {table} WHERE {first} IS NOT NULL").fetchall():
            found = facets(room, table, f"&{first}={quote(str(word))}")
            assert found == {column: counts(column, f"AND {first} = ?", word) for column in FACETS[table]}, (
                first,
                word,
            )


def test_the_large_tables_are_not_counted() -> None:
    for table in KEPT:
        for column in FACETS[table]:
            assert counted.statement(table, column, {}) is not None, (table, column)
            assert counted.statement(table, column, dict.fromkeys(FACETS[table], "x")) is not None
    assert counted.statement("posts", "lang", {}) is None
    assert counted.statement("posts", "platform", {"lang": "en"}) is None
    assert counted.statement("matches", "verdict", {"rank": "0"}) is None
    assert counted.statement("proofs", "kind", {}) is None


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("", {}),
        ('where "platform" = :p0', {"platform": "x"}),
        ('where "outcome" = :p1 and "platform" = :p0', {"platform": "x", "outcome": "live"}),
        ('where "platform" != :p0', None),
        ('where "platform" = :p0 or 1', None),
        ('where "platform" = :p7', None),
        ('where "platform" = :p0 and "platform" = :p1', None),
        ("where rowid in (select rowid from posts_fts where posts_fts match escape_fts(:search))", None),
        ('where "platform" like :p0', None),
        ("where id in (select post from edits)", None),
    ],
)
def test_only_equal_words_are_asked_of_a_tally(where: str, asked: dict[str, object] | None) -> None:
    params: dict[str, object] = {"p0": "x", "p1": "live", "search": "lantern"}
    assert counted.asked_words(f"select id, platform from posts {where}", "posts", params) == asked
    assert counted.asked_words("select 1 from (select * from other)", "posts", params) is None


def test_other_filters_are_counted_as_before(room: Room, sql: sqlite3.Connection) -> None:
    found = facets(room, "edges", "&kind__startswith=q")
    assert found["kind"] == dict(sql.execute("SELECT kind, count(*) FROM edges WHERE kind LIKE 'q%' GROUP BY 1"))
    found = facets(room, "posts", "&_search=the")
    hits = "SELECT platform, count(*) FROM posts WHERE id IN (SELECT rowid FROM posts_fts('the')) GROUP BY 1"
    assert found["platform"] == dict(sql.execute(hits))
    asked = facets(room, "posts", "&_facet=lang&platform=x")
    assert asked["lang"] == dict(sql.execute("SELECT lang, count(*) FROM posts WHERE platform = 'x' GROUP BY 1"))
    assert facets(room, "posts", "&platform=nowhere") == {"platform": {}, "outcome": {}}
    assert facets(room, "posts", f"&platform={quote(chr(39) + ' or 1=1 --')}") == {"platform": {}, "outcome": {}}


def test_facets_link_to_what_they_count(room: Room) -> None:
    page = room.text("/archive/posts?outcome=deleted")
    for platform in facets(room, "posts", "&outcome=deleted")["platform"]:
        assert f"outcome=deleted&amp;platform={platform}" in page
    answer = facet_answer(room, "posts", "&_facet_size=1")
    found = answer["facet_results"]
    outcome = found.get("results", found)["outcome"]
    assert (len(outcome["results"]), outcome["truncated"], outcome["type"]) == (1, True, "column")


def test_captures_are_counted_where_no_sum_is_remembered(db: Path, tmp_path: Path) -> None:
    own = tmp_path / "archive.db"
    with sqlite3.connect(db) as held, sqlite3.connect(own) as copy:
        held.backup(copy)
        copy.execute("DELETE FROM work_state WHERE name = ?", (tallies.STATE,))
        expected = dict(copy.execute("SELECT failure, count(*) FROM captures GROUP BY 1"))
    room = Room(own)
    assert facets(room, "captures")["failure"] == expected
    room.close()


def test_a_database_that_is_no_archive_keeps_its_own_facets(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with sqlite3.connect(path) as other:
        other.executescript("CREATE TABLE posts (id INTEGER PRIMARY KEY, platform, outcome)")
        other.execute("INSERT INTO posts (platform, outcome) VALUES ('x', 'live')")
    room = Room(path)
    assert facets(room, "posts") == {"platform": {"x": 1}, "outcome": {"live": 1}}
    room.close()


# ---- rules ------------------------------------------------------------------------------------------------------


class Old:
    """What `rules.remember` needs of Datasette 0.65."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata_local = metadata
        self.asked = 0

    def _table_permission_allows(self, database: str, table: str) -> list[Any]:
        self.asked += 1
        found = self._metadata_local["databases"][database]["tables"].get(table, {})
        return [found["allow"]] if "allow" in found else []


needs_metadata_hook = pytest.mark.skipif(ONE, reason="Datasette 1.0 has no such method")


@needs_metadata_hook
def test_rules_are_kept_while_the_metadata_reads_the_same() -> None:
    old: Any = Old(deepcopy(METADATA))
    rules.remember(old)
    tables = old._metadata_local["databases"]["archive"]["tables"]
    for _ in range(3):
        assert old._table_permission_allows("archive", "posts") == []
        assert old._table_permission_allows("archive", "blob_chunks") == [False]
    assert old.asked == 2
    tables["posts"]["allow"] = {"id": "root"}  # deep inside what was given
    assert old._table_permission_allows("archive", "posts") == [{"id": "root"}]
    tables["posts"]["allow"]["id"] = "editor"
    assert old._table_permission_allows("archive", "posts") == [{"id": "editor"}]
    old._metadata_local = {"databases": {"archive": {"tables": {}}}}
    assert old._table_permission_allows("archive", "blob_chunks") == []


@needs_metadata_hook
def test_nothing_is_kept_where_a_plugin_adds_metadata() -> None:
    class More:
        __name__ = "tests.more_metadata"

        @hookimpl  # type: ignore[untyped-decorator]
        def get_metadata(self) -> dict[str, Any]:
            return {}

    old: Any = Old(deepcopy(METADATA))
    rules.remember(old)
    plugin = More()
    pm.register(plugin)
    try:
        for _ in range(3):
            old._table_permission_allows("archive", "posts")
    finally:
        pm.unregister(plugin)
    assert old.asked == 3


@needs_metadata_hook
def test_tables_that_are_not_there_fill_no_memory() -> None:
    old: Any = Old({"databases": {"archive": {"tables": {}}}})
    rules.remember(old)
    allows = old._table_permission_allows
    for number in range(3 * rules.MOST):
        assert allows("archive", f"t{number}") == []
    known = next(cell.cell_contents for cell in allows.__closure__ if isinstance(cell.cell_contents, dict))
    assert len(known) <= rules.MOST + 1


@needs_metadata_hook
def test_a_table_that_is_closed_while_pages_are_asked_is_closed_at_once(db: Path) -> None:
    room = Room(db)
    assert room.get("/archive/edits").status_code == 200
    room.datasette._metadata_local["databases"]["archive"]["tables"]["edits"]["allow"] = False
    assert room.get("/archive/edits").status_code == 403
    del room.datasette._metadata_local["databases"]["archive"]["tables"]["edits"]["allow"]
    assert room.get("/archive/edits").status_code == 200
    room.close()


def test_an_instance_without_the_method_is_left_alone() -> None:
    class New:
        pass

    new = New()
    rules.remember(new)
    assert vars(new) == {}


# ---- the list of tables -----------------------------------------------------------------------------------------


def listed(room: Room) -> dict[str, Any]:
    return {table["name"]: table["count"] for table in json.loads(room.text("/archive.json"))["tables"]}


def test_the_list_of_tables_says_how_many_rows_there_are(db: Path, sql: sqlite3.Connection) -> None:
    room = Room(db)
    before = listed(room)  # of Datasette itself: the archive is known from the first page of ours on
    room.text("/archive/-/home")
    counts = {name: n for name, n in listed(room).items() if n is not None}
    assert {name for name in before if name not in counts} == {name for name in before if "_fts" in name}
    for name, count in counts.items():
        assert count == sql.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0], name
        assert before[name] in (count, None), name  # Datasette gives up counting after 10 ms
    room.close()


def test_rows_are_counted_where_no_tally_can_be_read(db: Path, tmp_path: Path) -> None:
    own = tmp_path / "archive.db"
    with sqlite3.connect(db) as held, sqlite3.connect(own) as copy:
        held.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'tally_%'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        copy.execute("DROP TABLE tallies")
        (posts,) = copy.execute("SELECT count(*) FROM posts").fetchone()
    room = Room(own)
    room.text("/archive/-/custody")
    assert listed(room)["posts"] == posts > 0
    room.close()


def test_what_is_not_kept_is_counted(db: Path, tmp_path: Path) -> None:
    """An archive of another version may hold other tallies, or none."""
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    before = Room(copy)
    try:
        kept = facets(before, "edges")
    finally:
        before.close()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TABLE tallies")
        connection.commit()
    after = Room(copy)
    try:
        assert facets(after, "edges") == kept
    finally:
        after.close()
