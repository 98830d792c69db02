"""The reading room: Datasette, whichever line is installed, on an archive of the demonstration's invented people."""

import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import InputError
from archiver.jobs.serving import SETTINGS, command_for
from archiver.store.fates import GONE
from archiver.store.schema import TABLES
from archiver.store.views import LABELS, VIEWS
from tests.datasette_plugin.opening import METADATA, ONE, Room

DESCRIBED = METADATA["databases"]["archive"]
QUERIES = DESCRIBED["queries"]
SHOWN = sorted(name for name, table in DESCRIBED["tables"].items() if not table.get("hidden"))
BIG = {"posts", "edges", "captures", "refs", "versions", "sightings", "outcomes", "media", "aliases", "reading_marks"}


@pytest.fixture
def sql(db: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


# ---- the command ------------------------------------------------------------------------------------------------


def flags(command: list[str], name: str) -> list[str]:
    return [command[at + 1] for at, word in enumerate(command) if word == name]


@pytest.mark.parametrize(("line", "configured"), [("0.65.5", False), ("1.0a41", True), ("1.0", True), ("2.1", True)])
def test_each_line_gets_the_flags_that_it_needs(tmp_path: Path, line: str, configured: bool) -> None:
    db, metadata = tmp_path / "archive.db", tmp_path / "m.json"
    db.touch()
    metadata.write_text("{}")
    command = command_for(db, port=8001, host="127.0.0.1", metadata=metadata, datasette=line)
    (given,) = flags(command, "--metadata")
    assert flags(command, "--config") == ([given] if configured else [])
    assert not {"-i", "--immutable", "--root", "--cors"} & set(command)
    settings = {command[at + 1]: command[at + 2] for at, word in enumerate(command) if word == "--setting"}
    assert settings == SETTINGS
    assert settings["allow_download"] == "off"


@pytest.mark.parametrize(
    ("host", "open_to_sql"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.5", False)],
)
def test_strangers_get_no_sql_of_their_own(tmp_path: Path, host: str, open_to_sql: bool) -> None:
    (tmp_path / "archive.db").touch()
    command = command_for(tmp_path / "archive.db", port=8001, host=host, extra=("--cors",))
    assert ("default_allow_sql" in command) is not open_to_sql
    assert command[-1] == "--cors"


def test_nothing_is_served_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no archive"):
        command_for(tmp_path / "none.db", port=8001, host="127.0.0.1")
    (tmp_path / "archive.db").touch()
    with pytest.raises(InputError, match="metadata"):
        command_for(tmp_path / "archive.db", port=8001, host="127.0.0.1", metadata=tmp_path / "none.json")


def test_an_archive_of_any_name_is_described_and_its_bytes_are_closed(tmp_path: Path) -> None:
    (tmp_path / "court case 7.db").touch()
    command = command_for(tmp_path / "court case 7.db", port=8001, host="127.0.0.1")
    (given,) = flags(command, "--metadata")
    assert json.loads(Path(given).read_text("utf-8"))["databases"] == {"court case 7": DESCRIBED}
    (tmp_path / "broken.json").write_text("[]")
    with pytest.raises(InputError, match="metadata"):
        command_for(tmp_path / "court case 7.db", port=8001, host="127.0.0.1", metadata=tmp_path / "broken.json")


# ---- the metadata -----------------------------------------------------------------------------------------------


def test_archive_and_demo_are_described_alike() -> None:
    assert METADATA["databases"]["archive"] == METADATA["databases"]["demo"]


def test_what_the_metadata_names_is_there(sql: sqlite3.Connection) -> None:
    for name, table in DESCRIBED["tables"].items():
        columns = {row[1] for row in sql.execute(f"PRAGMA table_xinfo({name})")}
        assert columns, name
        named = {*table.get("columns", ()), *table.get("facets", ()), *table.get("units", ())}
        named |= {table[key] for key in ("label_column", "sort", "sort_desc") if key in table}
        assert named <= columns, name


def test_every_table_that_keys_point_to_has_a_label() -> None:
    pointed = {other for table in TABLES for other in table.keys.values()}
    assert {name for name in pointed if "label_column" not in DESCRIBED["tables"][name]} == set()
    assert all(DESCRIBED["tables"][name]["label_column"] == "label" for name in LABELS)


def test_gone_means_what_the_summaries_mean() -> None:
    meant = {outcome.value for outcome in GONE}
    (view,) = (view.sql for view in VIEWS if view.name == "gone")
    for text in (view, QUERIES["gone_posts"]["sql"]):
        (listed,) = re.findall(r"outcome in \((.*?)\)", text, re.I | re.S)
        assert set(re.findall(r"'([a-z-]+)'", listed)) == meant


# ---- keys and indexes -------------------------------------------------------------------------------------------


def foreign_keys(db: sqlite3.Connection, table: str) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for number, _, other, column, *_ in db.execute(f"PRAGMA foreign_key_list({table})"):
        found.setdefault(number, []).append((column, other))
    return found


def unindexed(db: sqlite3.Connection) -> list[str]:
    """Foreign keys that no index starts with."""
    missing = []
    for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        indexes = (
            [["id"]] if any(row[1] == "id" and row[5] for row in db.execute(f"PRAGMA table_info({table})")) else []
        )
        for _, index, _, _, partial in db.execute(f"PRAGMA index_list({table})").fetchall():
            if not partial:
                indexes.append([row[2] for row in db.execute(f"PRAGMA index_info({index})")])
        for columns in foreign_keys(db, table).values():
            names = {column for column, _ in columns}
            if not any(set(index[: len(names)]) == names for index in indexes):
                missing.append(f"{table}.{','.join(sorted(names))}")
    return missing


def test_every_key_is_declared_holds_and_has_an_index(sql: sqlite3.Connection) -> None:
    for table in TABLES:
        declared = dict(pair for pairs in foreign_keys(sql, table.name).values() for pair in pairs)
        assert declared == table.keys, table.name
    assert sql.execute("PRAGMA foreign_key_check").fetchall() == []
    assert unindexed(sql) == []


def test_a_key_without_an_index_is_noticed(sql: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(":memory:")) as copy:
        sql.backup(copy)
        copy.execute("DROP INDEX phrases_owner")
        copy.execute("DROP INDEX reading_marks_leaf")
        assert sorted(unindexed(copy)) == ["phrases.owner", "reading_marks.leaf,origin", "reading_marks.origin"]


# ---- pages ------------------------------------------------------------------------------------------------------


def test_every_table_page_answers_in_both_forms(room: Room, sql: sqlite3.Connection) -> None:
    assert room.get("/").status_code == 200
    for name in SHOWN:
        page = room.text(f"/archive/{name}")
        described = DESCRIBED["tables"][name]
        assert described["description"].split("`")[0].split("'")[0] in page, name
        (count,) = sql.execute(f"SELECT count(*) FROM {name}").fetchone()
        assert len(room.rows(f"/archive/{name}.json?_size=1000")) == count, name
        for column in described.get("facets", ()):
            shown = room.rows(f"/archive/{name}.json?_size=1000&{column}__notnull=1")
            assert len(shown) <= count
            assert f"_facet={column}" in page or f'data-column="{column}"' in page, (name, column)


def test_the_first_page_lists_what_a_reader_wants_and_hides_the_rest(room: Room) -> None:
    listed = json.loads(room.text("/archive.json"))
    tables = {table["name"]: table["hidden"] for table in listed["tables"]}
    views = {view["name"] if isinstance(view, dict) else view for view in listed["views"]}
    assert views == {view.name for view in VIEWS}
    assert {name for name, hidden in tables.items() if not hidden} == set(SHOWN) - views
    queries = {query["name"] for query in listed["queries"]}
    if ONE:  # lists five and links to the rest
        assert len(queries) == 5
        queries |= set(re.findall(r'href="/archive/(\w+)"', room.text("/archive/-/queries")))
    assert queries >= set(QUERIES)


def test_facets_count_and_filter(room: Room, sql: sqlite3.Connection) -> None:
    asked = "?_size=1" if not ONE else "?_size=1&_extra=facet_results"
    facets = json.loads(room.text(f"/archive/edges.json{asked}"))["facet_results"]
    found = {fact["value"]: fact["count"] for fact in facets.get("results", facets)["kind"]["results"]}
    assert found == dict(sql.execute("SELECT kind, count(*) FROM edges GROUP BY kind"))
    assert len(room.rows("/archive/edges.json?kind=quotes&_size=1000")) == found["quotes"]


def test_keys_read_as_words(room: Room, sql: sqlite3.Connection) -> None:
    page = room.text("/archive/edges?kind=quotes")
    (target,) = sql.execute(
        "SELECT r.ref FROM edges e JOIN refs r ON r.id = e.target WHERE e.kind = 'quotes' ORDER BY e.id LIMIT 1"
    ).fetchone()
    assert f">{target}</a>" in page
    assert re.search(r">doc:passage:[0-9a-f]{8}…:\d+-\d+</a>", room.text("/archive/edges?evidence=claimed"))
    assert re.search(r'/versions/\d+">[^<]{1,90}</a>', room.text("/archive/sightings"))
    longest = [sql.execute(f"SELECT max(length(label)) FROM {name}").fetchone()[0] for name in LABELS if name != "refs"]
    assert max(longest) <= 200


@pytest.mark.parametrize("table", [table for table in TABLES if table.search], ids=lambda table: table.name)
def test_search_takes_what_people_type(room: Room, table: Any) -> None:
    for typed in ("bridge", "don%27t", "%23NATO", "https%3A%2F%2Fa.example%2F%3Fb%3D1", "%2A", "bridge+AND"):
        assert isinstance(room.rows(f"/archive/{table.name}.json?_search={typed}"), list)
        assert room.get(f"/archive/{table.name}?_search={typed}").status_code == 200


def test_search_finds(room: Room, sql: sqlite3.Connection) -> None:
    (count,) = sql.execute("SELECT count(*) FROM posts WHERE text LIKE '%bridge%'").fetchone()
    assert count
    assert len(room.rows("/archive/posts.json?_search=bridge&_size=1000")) >= count
    assert room.rows("/archive/posts.json?_search=nobodysaidthis") == []


PARAMETERS = {"document": "article", "ref": ""}


def asked(name: str, sql: sqlite3.Connection) -> str:
    """The query's address with parameters that find something."""
    start = {"chain_above": "source", "chain_below": "target"}.get(name, "source")
    (ref,) = sql.execute(
        f"SELECT r.ref FROM edges e JOIN refs r ON r.id = e.{start} WHERE e.kind = 'quotes' "
        "AND e.evidence = 'asserted' AND r.ref LIKE 'x:%' ORDER BY e.id LIMIT 1"
    ).fetchone()
    (passage,) = sql.execute(
        "SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE m.kind = 'passage' ORDER BY m.id LIMIT 1"
    ).fetchone()
    return f"?document={PARAMETERS['document']}&ref={ref}&passage={passage}"


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_each_query_answers_in_both_forms(room: Room, sql: sqlite3.Connection, name: str) -> None:
    parameters = re.findall(r":([a-z]+)", QUERIES[name]["sql"])
    page = room.text(f"/archive/{name}")  # as it opens from the list: a form, no error
    assert QUERIES[name]["title"] in page
    for parameter in parameters:
        assert f'name="{parameter}"' in page
    rows = room.rows(f"/archive/{name}.json{asked(name, sql)}")
    assert rows, name
    assert isinstance(json.loads(room.text(f"/archive/{name}.json{asked(name, sql)}&_shape=array")), list)
    assert "error" not in json.loads(room.text(f"/archive/{name}.json{asked(name, sql)}&_shape=objects")) or not ONE


def test_chains_are_whole(room: Room, sql: sqlite3.Connection) -> None:
    """The invented chain has four posts: from its end all are above, from its origin all are below."""
    above: list[list[dict[str, Any]]] = []
    for (ref,) in sql.execute("SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id").fetchall():
        above.append(room.rows(f"/archive/chain_above.json?ref={ref}"))
        assert above[-1][0] | {"text": ""} == above[-1][0] | {"depth": 0, "step": "", "ref": ref, "text": ""}
    longest = max(above, key=len)
    assert [row["depth"] for row in longest[:4]] == [0, 1, 2, 3]
    assert all(row["step"].endswith("(asserted)") for row in longest[1:4])
    below = [row["ref"] for row in room.rows(f"/archive/chain_below.json?ref={longest[3]['ref']}")]
    assert {row["ref"] for row in longest[:4]} <= set(below)
    assert room.rows("/archive/chain_above.json?ref=x:post:0") == []


def test_a_ring_of_quotes_and_aliases_ends(tmp_path: Path, db: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    with closing(sqlite3.connect(copy)) as archive:
        ids = [row[0] for row in archive.execute("SELECT id FROM posts ORDER BY id LIMIT 3")]
        for source, target in zip(ids, ids[1:] + ids[:1], strict=True):
            archive.execute(
                "INSERT OR IGNORE INTO edges (kind, source, target, evidence, pinned, capture, pointer) "
                "VALUES ('quotes', ?, ?, 'asserted', 'ring', 1, '')",
                (source, target),
            )
            archive.execute(
                "INSERT OR IGNORE INTO aliases (alias, ref, capture, pointer, observed_at) VALUES (?, ?, 1, '', '')",
                (source, target),
            )
        (ref,) = archive.execute("SELECT ref FROM refs WHERE id = ?", ids[:1]).fetchone()
        for name in ("chain_above", "chain_below"):
            rows = archive.execute(QUERIES[name]["sql"], {"ref": ref}).fetchall()
            assert {row[-1] for row in rows} >= {ref}


def test_queries_tell_the_story(room: Room) -> None:
    altered = room.rows("/archive/altered_quotations.json")
    assert {row["verdict"] for row in altered} == {"altered", "spliced"}
    assert all(row["original"] and row["passage"] for row in altered)
    gone = room.rows("/archive/gone_posts.json")
    assert "deleted" in {row["outcome"] for row in gone}
    assert [row["ref"] for row in room.rows("/archive/gone.json?_size=1000")]
    assert not {row["outcome"] for row in gone} - {outcome.value for outcome in GONE}
    assert room.rows("/archive/edited_posts.json")
    quotations = room.rows("/archive/quotations.json?_size=1000")
    assert len(quotations) == len({row["passage"] for row in quotations})
    assert "altered" in {row["verdict"] for row in quotations}


def walks(db: sqlite3.Connection, query: str) -> set[str]:
    """The aliases of tables that the plan reads from end to end."""
    names = re.findall(r":([a-z]+)", query)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", dict.fromkeys(names, "x"))]
    return {match[1] for line in plan if (match := re.match(r"SCAN (\w+)", line))}


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_queries_walk_no_big_table(sql: sqlite3.Connection, name: str) -> None:
    query = QUERIES[name]["sql"]
    names = {alias: table for table, alias in re.findall(r"(?:from|join) (\w+) (\w+)", query)}
    walked = {names.get(alias, alias) for alias in walks(sql, query)}
    assert not walked & BIG, walked


def test_counting_a_view_joins_nothing(sql: sqlite3.Connection) -> None:
    """SQLite does not leave joins out of a count: at half a million rows that was 2.5 s for each page of a view."""
    for view in VIEWS:
        plan = [row[3] for row in sql.execute(f"EXPLAIN QUERY PLAN SELECT count(*) FROM {view.name}")]
        assert len(plan) == 1, (view.name, plan)
    joined = "SELECT count(*) FROM mentions m LEFT JOIN refs r ON r.id = m.ref"
    assert len(sql.execute(f"EXPLAIN QUERY PLAN {joined}").fetchall()) == 2, "what the test looks for is there"


def test_a_walk_is_noticed(sql: sqlite3.Connection) -> None:
    assert walks(sql, "select p.url from posts p where p.url like :ref") == {"p"}


# ---- safety -----------------------------------------------------------------------------------------------------


def test_bytes_are_not_served_and_nothing_is_downloaded(room: Room) -> None:
    assert room.get("/archive/blob_chunks").status_code == 403
    assert room.get("/archive/blob_chunks/1,0.blob?_blob_column=data").status_code == 403
    assert room.get("/archive.db").status_code in (403, 404)
    answer = room.get("/archive/captures/1.blob?_blob_column=response_head")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_without_sql_of_their_own_readers_keep_pages_queries_and_facets(db: Path) -> None:
    room = Room(db, default_allow_sql=False)
    try:
        own = "/archive/-/query" if ONE else "/archive"
        assert room.get(f"{own}?sql=select+zeroblob(1)").status_code == 403
        assert room.get("/archive/posts?_where=1=1").status_code == 403
        for name in QUERIES:
            assert room.get(f"/archive/{name}?ref=x:post:1&document=a").status_code == 200
        assert room.get("/archive/posts?_facet=outcome&_search=bridge").status_code == 200
    finally:
        room.close()


def test_pages_answer_while_a_run_writes(tmp_path: Path, db: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    room, held, end = Room(copy), threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(copy, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode=WAL")
            for number in range(200):
                writer.execute("BEGIN IMMEDIATE")
                writer.execute(
                    "INSERT INTO refs (ref, platform, kind, remote_id) VALUES (?, 'x', 'post', '')", (str(number),)
                )
                if number == 100:
                    held.set()
                    end.wait(60)
                writer.execute("COMMIT")

    thread = threading.Thread(target=write)
    try:
        before = len(room.rows("/archive/refs.json?_size=1000"))
        thread.start()
        held.wait(60)
        for name in ("posts", "edges", "captures", "gone_posts", "quotations"):
            assert room.get(f"/archive/{name}").status_code == 200
        assert len(room.rows("/archive/refs.json?_size=1000")) == before + 100
        end.set()
        for name in SHOWN:
            assert room.get(f"/archive/{name}").status_code == 200
        thread.join(60)
        assert len(room.rows("/archive/refs.json?_size=1000")) == before + 200
    finally:
        end.set()
        thread.join(60)
        room.close()
