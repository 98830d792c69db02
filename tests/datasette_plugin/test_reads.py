"""Whoever may not see one table sees no page that reads it: what each page reads is seen by SQLite's authorizer, and
each of these tables is closed in turn."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from datasette import hookimpl
from datasette.plugins import pm

from archiver.datasette_plugin.functions import without
from tests.bundle.leaving import House
from tests.datasette_plugin.opening import METADATA, ONE, Room
from tests.datasette_plugin.walking import Answer, Walk, walked

ANYBODY = re.compile(r"sqlite_.*|_.*|blob_chunks|json_.*|pragma_.*")
"""Tables that close no page by themselves: SQLite's own, our indexes, and the bytes, which no table page shows anybody
and which the table `blobs` stands for."""
POST = "x:post:2032746051793846272"
CLOSED = ("refs", "versions", "captures", "mentions", "origin", "aliases", "erasures", "work_state", "edges")
"""Tables that are closed in turn: those that most pages read, and some that few pages name."""
KIND = re.compile(r"(?<=/-/)([a-z-]+)/(?:[^/.]+/?)+?(?=/(?:leaf|proof|row|sent|head)|\.|$)")
"""What stands between the name of a page and its form."""
INDEX = re.compile(r"_fts(?:_[a-z]+)?$")


class Watch:
    """A plugin that sees which tables are read."""

    __name__ = "tests.watch"

    def __init__(self) -> None:
        self.read: set[str] = set()
        self._open: list[sqlite3.Connection] = []

    @hookimpl
    def prepare_connection(self, conn: sqlite3.Connection) -> None:
        self._open.append(conn)

    def begin(self) -> None:
        """Forgets what was read. A new authorizer makes SQLite prepare each statement anew."""
        self.read = set()
        for conn in self._open:
            conn.set_authorizer(self._seen)

    def forget(self, conn: sqlite3.Connection) -> None:
        conn.set_authorizer(None)
        self._open.remove(conn)

    def _seen(self, action: int, table: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table and not ANYBODY.fullmatch(table):
            self.read.add(INDEX.sub("", table))
        return sqlite3.SQLITE_OK


class Watched:
    """An archive whose pages were all asked for: an address of each kind, and what it read. The actor that is
    named after a table may see every table but this."""

    def __init__(self, db: Path, watch: Watch) -> None:
        metadata = deepcopy(METADATA)
        tables = metadata["databases"]["archive"]["tables"]
        for name in CLOSED:
            others = [other for other in (*CLOSED, "all") if other != name]
            tables[name] = tables.get(name, {}) | {"allow": {"id": others}}
        self.room = Room(db, metadata=metadata)
        self.pages: dict[str, tuple[str, set[str]]] = {}
        self.watch = watch
        self.walk: Walk = walked(self._get, "archive", each=2)

    def _get(self, path: str) -> Answer:
        self.room.get("/-/actor.json")  # a connection stands in each thread that answers
        self.watch.begin()
        found = self.as_one("all", path, follow_redirects=True)
        media_type = found.headers.get("content-type", "")
        kind = KIND.sub(r"\1/*", path.split("?")[0])
        if found.status_code == 200 and path.startswith("/archive/-/"):
            self.pages.setdefault(kind, (path, self.watch.read & set(CLOSED)))
        return Answer(found.status_code, media_type, found.text if "html" in media_type else "", found.url.path)

    def as_one(self, who: str, path: str, **more: Any) -> Any:
        cookies = {"ds_actor": self.room.datasette.sign({"a": {"id": who}}, "actor")}
        return self.room.get(path, cookies=cookies, **more)


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    plugin = Watch()
    pm.register(plugin, name="tests.watch")
    yield plugin
    pm.unregister(plugin)


@pytest.fixture(scope="module")
def watched_house(house: House, watch: Watch) -> Iterator[Watched]:
    opened = Watched(house.db, watch)
    yield opened
    opened.room.close()


def test_what_is_read_without_leave_is_noticed(house: House, watch: Watch) -> None:
    """The watch itself: a query that reads through a view, an index of words and a key of its own."""
    with closing(sqlite3.connect(house.db)) as conn:
        watch.prepare_connection(conn)
        watch.begin()
        conn.execute("SELECT ref FROM gone").fetchall()
        conn.execute("SELECT rowid FROM versions_fts WHERE versions_fts MATCH 'x'").fetchall()
        assert {"refs", "posts", "versions"} <= watch.read
        watch.forget(conn)


def test_a_closed_table_is_closed_through_its_views_and_its_index(house: House) -> None:
    with closing(sqlite3.connect(house.db)) as conn:
        for sql in (
            "SELECT count(*) FROM posts", "SELECT ref FROM gone",
            "SELECT rowid FROM posts_fts WHERE posts_fts MATCH 'x'",
            "SELECT id FROM refs WHERE id IN (SELECT id FROM POSTS)",
        ):  # fmt: skip
            conn.execute(sql).fetchall()
            with pytest.raises(sqlite3.DatabaseError), without(conn, frozenset({"posts"})):
                conn.execute(sql).fetchall()
            conn.execute(sql).fetchall()


def unguarded(found: Watched) -> dict[str, list[str]]:
    """Of each page, the tables that it reads although they are closed."""
    open_to: dict[str, list[str]] = defaultdict(list)
    for path, read in found.pages.values():
        for table in sorted(read):
            status = found.as_one(table, path, follow_redirects=True).status_code
            if status != 403:
                open_to[f"{path} {status}"].append(table)
    return dict(open_to)


@pytest.mark.skipif(ONE, reason="1.0 takes any authorizer from its connections when it asks for permissions")
def test_each_table_that_a_page_reads_closes_it(watched_house: Watched) -> None:
    assert len(watched_house.pages) > 25, sorted(watched_house.pages)
    assert sum(len(read) for _, read in watched_house.pages.values()) > 80
    assert unguarded(watched_house) == {}


@pytest.mark.parametrize(
    ("table", "page"),
    [
        ("aliases", "post/{}"), ("aliases", "post/{}.json"),
        ("origin", "custody"), ("origin", "gone.atom"), ("origin", "bundle/{}.zip"), ("edges", "bundle/{}.zip"),
        ("aliases", "cite/{}.bib"),
        ("edges", "chain/{}.dot"), ("work_state", "home"),
    ],
)  # fmt: skip
def test_a_closed_table_closes_what_reads_it(watched_house: Watched, table: str, page: str) -> None:
    """Also where the page does not say that it reads it."""
    path = f"/archive/-/{page.format(POST)}"
    assert watched_house.as_one("all", path).status_code == 200
    refused = watched_house.as_one(table, path)
    assert refused.status_code == 403
    assert "x-frame-options" in refused.headers
