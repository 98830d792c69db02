"""What all pages share: headers, permissions, JSON, SQL, addresses, and what is told when something is the matter."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.datasette_plugin import places, policy, routes
from tests.datasette_plugin.opening import Room


@given(st.text())
def test_an_address_gives_back_what_was_put_in(part: str) -> None:
    clean = part.encode("utf-8", "replace").decode("utf-8")
    assert places.decode(places.encode(part)) == clean
    assert not set(places.encode(part)) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:~-")


def test_every_page_has_an_address_of_its_own() -> None:
    patterns = [page.pattern for page in routes.pages()]
    assert len(patterns) == len(set(patterns)) > 0


def test_our_pages_run_no_inline_script_but_that_of_the_frame(room: Room) -> None:
    answer = room.get("/archive/-/home")
    held = answer.headers["content-security-policy"]
    script = held.split("script-src ")[1].split(";")[0]
    assert "'unsafe-inline'" not in script
    assert "'sha256-" in script
    assert "default-src 'none'" in held
    assert policy.frame_hashes("<p>nothing</p>") == ""
    assert policy.frame_hashes("<script>one()</script>") != policy.frame_hashes("<script>two()</script>")


def test_datasettes_own_pages_get_headers_too(room: Room) -> None:
    for path in ("/", "/archive", "/archive/posts", "/archive/posts.json"):
        headers = room.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["referrer-policy"] == "no-referrer"


def test_the_way_around_is_on_every_page(room: Room) -> None:
    for path in ("/", "/archive", "/archive/posts", "/archive/-/home"):
        page = room.text(path)
        for name, label in places.NAVIGATION:
            assert f'href="/archive/-/{name}"' in page, (path, name)
            assert label in page


def test_a_page_tells_its_json_and_its_sql(room: Room) -> None:
    page = room.text("/archive/-/home")
    assert 'href="/archive/-/home.json"' in page
    found = room.json("/archive/-/home.json")
    assert found["ok"] is True
    assert found["queries"]
    assert "?sql=" in page


def test_no_sql_is_linked_where_none_may_be_asked(db: Path) -> None:
    closed = Room(db, default_allow_sql=False)
    try:
        assert "?sql=" not in closed.text("/archive/-/home")
    finally:
        closed.close()


def test_addresses_stand_below_the_prefix_that_datasette_is_given(db: Path) -> None:
    below = Room(db, base_url="/reading/")
    try:
        page = below.text("/archive/-/home")  # the client puts the prefix before it
        assert 'href="/reading/archive/-/home.json"' in page
        assert 'href="/reading/archive/-/search"' in page
    finally:
        below.close()


@pytest.mark.parametrize("allow", [{"id": "ada"}, False])
def test_whoever_may_not_see_the_database_sees_no_page(db: Path, allow: object) -> None:
    closed = Room(db, metadata={"databases": {"archive": {"allow": allow}}})
    try:
        for path in ("/archive/-/home", "/archive/-/home.json"):
            assert closed.get(path).status_code == 403
        assert "qc-nav" not in closed.text("/", 200)
    finally:
        closed.close()


def test_a_closed_table_closes_the_pages_that_read_it(db: Path) -> None:
    closed = Room(db, metadata={"databases": {"archive": {"tables": {"posts": {"allow": False}}}}})
    try:
        assert closed.get("/archive/-/home").status_code == 403
    finally:
        closed.close()


def test_a_database_that_is_no_archive_is_left_alone(db: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    room = Room(other)
    try:
        assert "qc-nav" not in room.text("/")
        assert "qc-nav" not in room.text("/other/t")
        assert "is no archive" in room.text("/other/-/home", 404)
        assert room.get("/none/-/home").status_code == 404
    finally:
        room.close()


def test_the_plugin_is_whole_whichever_is_imported_first() -> None:
    """Datasette loads its plugins when it is imported: were it imported by ours, it would find ours half made."""
    held = "len(pm.get_hookcallers(pm.get_plugin('quotechain')))"
    look = f"import sys; from datasette.plugins import pm; sys.exit({held} < 7)"
    for first in ("archiver.datasette_plugin", "archiver.datasette_plugin.trouble", "datasette.app"):
        assert subprocess.run([sys.executable, "-c", f"import {first}; {look}"], check=False).returncode == 0, first


def test_an_address_that_nothing_answers_is_told(room: Room) -> None:
    assert "no page" in room.text("/archive/-/no-such-page", 404)
    assert room.json("/archive/-/no-such-page.json", 404)["ok"] is False
    assert room.get("/a/b/c/d/e").status_code == 404


def test_a_half_built_archive_says_so(db: Path, tmp_path: Path) -> None:
    half = tmp_path / "archive.db"
    shutil.copy(db, half)
    with closing(sqlite3.connect(half)) as connection:
        for what in ("VIEW gone", "VIEW quotations", "TABLE posts"):
            connection.execute(f"DROP {what}")
        connection.commit()
    room = Room(half)
    try:
        page = room.text("/archive/-/home", 503)
        assert "half built" in page
        assert "archiver run" in page
        assert room.json("/archive/-/home.json", 503)["next"]
    finally:
        room.close()
