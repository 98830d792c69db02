"""Archives that are half built, old, new, locked, damaged, emptied, gone or none: each page of the room says what is
the matter, as HTML and as JSON, and none shows the inside of the server."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.datasette_plugin import functions
from archiver.store.archive import APPLICATION_ID, open_archive
from tests.datasette_plugin.opening import ONE, Room
from tests.datasette_plugin.walking import KINDS, Walk

TELL = re.compile(r'<p class="qc-lead">(.*?)</p>', re.S)


def run(db: Path, *statements: str) -> None:
    """Changes an archive past its guards."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        for statement in statements:
            connection.execute(statement)


def half_built(db: Path) -> None:
    """A run that was broken off while it made the readings."""
    views = ("gone", "quotations")
    tables = ("posts", "mentions", "outcomes", "media", "edges", "resolutions", "tallies", "sources", "pages")
    run(db, *(f"DROP VIEW IF EXISTS {name}" for name in views), *(f"DROP TABLE IF EXISTS {name}" for name in tables))


def older(db: Path) -> None:
    """As an earlier version left it: before erasures, exports and certificates, with fewer readings."""
    late = ("erasures", "exports", "fixities", "revocations", "certificates", "tallies", "media_blobs", "log_anchor")
    run(db, *(f"DROP TABLE IF EXISTS {name}" for name in late), "PRAGMA user_version = 2")


def newer(db: Path) -> None:
    run(db, "PRAGMA user_version = 99")


def no_readings(db: Path) -> None:
    """Evidence and nothing read from it yet."""
    with closing(sqlite3.connect(db)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    keep = re.compile(r"captures|blobs|blob_|log_|origin|statements|derived|erasures|exports|fixities|work_|sqlite_")
    gone = [name for name in names if not keep.match(name) and "_fts_" not in name]
    views = ("DROP VIEW IF EXISTS gone", "DROP VIEW IF EXISTS quotations")
    run(db, *views, *(f"DROP TABLE IF EXISTS {name}" for name in gone))


def no_blobs(db: Path) -> None:
    run(db, "DELETE FROM blob_chunks")


def no_blob_rows(db: Path) -> None:
    """What captures point to is not there at all: foreign keys are off, as after a bad repair."""
    run(db, "DELETE FROM blob_chunks", "DELETE FROM blob_at", "DELETE FROM blobs")


def emptied(db: Path) -> None:
    """An archive into which nothing was put yet."""
    db.unlink()
    open_archive(db, now="2026-03-16T09:00:00Z", origin="lanternwick.example/log").close()


def nonsense(db: Path) -> None:
    """The first page is right, the others are noise."""
    raw = bytearray(db.read_bytes())
    raw[4096:] = bytes(range(251)) * (len(raw) // 251 - 15)
    db.write_bytes(raw)


def cut_off(db: Path) -> None:
    raw = db.read_bytes()
    db.write_bytes(raw[: len(raw) // 3])


def no_database(db: Path) -> None:
    db.write_bytes(b"<html>404 not found</html>\n" * 400)


def another(db: Path) -> None:
    """SQLite, and no archive."""
    db.unlink()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("CREATE TABLE letters (id INTEGER PRIMARY KEY, text TEXT)")
        connection.commit()


TROUBLES: dict[str, Callable[[Path], None]] = {
    made.__name__: made
    for made in (half_built, older, newer, no_readings, no_blobs, no_blob_rows, emptied, nonsense, cut_off, no_database,
                 another)
}  # fmt: skip
DAMAGED = {"nonsense", "cut_off", "no_database"}
NOTHING_WORKS = {"another"} if ONE else DAMAGED | {"another"}
BEFORE = [True] if ONE else [True, False]
"""Datasette 1.0 does not start on a file that it cannot read: there the trouble comes while it is served, and what a
connection has read before may still be told."""


MANY = {"no_readings", "no_blob_rows", "cut_off", "no_database"}
"""Like others, and so left to the heavy tests."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.heavy] if name in MANY else []) for name in TROUBLES],
)
def troubled(request: pytest.FixtureRequest, db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tmp_path_factory.mktemp(request.param) / "archive.db"
    shutil.copy(db, path)
    if not (ONE and request.param in DAMAGED):
        TROUBLES[request.param](path)
    opened = Room(path)
    if ONE and request.param in DAMAGED:
        opened.text("/")
        TROUBLES[request.param](path)
    yield request.param, opened, path
    opened.close()


def checked(room: Room, path: str, folder: Path) -> int:
    """Asks for an address. Whatever the status: it is said what is the matter, and nothing of the server is shown."""
    answer = room.get(path, follow_redirects=True)  # of spaces and other signs that Datasette writes as ~20
    text = answer.text if "zip" not in answer.headers.get("content-type", "") else ""
    assert "Traceback" not in text, path
    assert "site-packages" not in text, path
    assert str(folder) not in text, path
    assert "sqlite3." not in text, path
    if answer.status_code < 400:
        return int(answer.status_code)
    assert answer.status_code in (400, 403, 404, 410, 413, 500, 503), (path, answer.status_code, text[:300])
    if "json" in answer.headers["content-type"]:
        told = json.loads(text)
        assert told["ok"] is False
        assert told["error"], path
        said = told["error"]
    elif "html" in answer.headers["content-type"]:
        found = TELL.search(text)
        assert found, (path, text[-1500:])
        said = found[1]
    else:
        said = text
    assert said.strip(), path
    assert "mistake in quotechain" not in said, path
    return int(answer.status_code)


@pytest.mark.parametrize("kind", KINDS)
def test_each_page_says_what_is_the_matter(troubled: Any, walk: Walk, kind: str) -> None:
    name, room, path = troubled
    found = walk.pages.get(kind)
    if not found:
        pytest.skip("no link leads to such a page")
    for address in dict.fromkeys([found[0], found[-1]]):
        plain, _, query = address.partition("?")
        for asked in (address, f"{plain}.json?{query}"):
            status = checked(room, asked, path.parent)
            if name in NOTHING_WORKS:
                assert status >= 400, (name, asked)


def test_streams_say_what_is_the_matter(troubled: Any, walk: Walk) -> None:
    _, room, path = troubled
    for address in walk.streams():
        checked(room, address, path.parent)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Datasette leaves facets unasked
def test_datasettes_first_page_answers(troubled: Any) -> None:
    """Whatever is the matter with one archive, the instance stands."""
    _, room, path = troubled
    for address in ("/", "/archive", "/archive/posts", "/archive/posts.json"):
        answer = room.get(address)
        assert answer.status_code in (200, 400, 404, 500, 503), address
        assert "Traceback" not in answer.text
        assert str(path.parent) not in answer.text


def test_a_newer_archive_is_told_to_be_one(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    shutil.copy(db, path)
    newer(path)
    room = Room(path)
    try:
        assert "newer" in room.text("/archive/-/home", 503)
        assert "newer" in room.json("/archive/-/home.json", 503)["error"]
    finally:
        room.close()


# ---- locked, gone, replaced ---------------------------------------------------------------------------------------


@pytest.fixture
def copy(db: Path, tmp_path: Path) -> Path:
    path = tmp_path / "archive.db"
    shutil.copy(db, path)
    return path


@pytest.mark.parametrize("opened_before", BEFORE)
def test_a_locked_archive_says_so(copy: Path, walk: Walk, monkeypatch: pytest.MonkeyPatch, opened_before: bool) -> None:
    monkeypatch.setattr(functions, "PATIENCE", 30)
    run(copy)
    room = Room(copy)
    try:
        if opened_before:
            room.text("/archive/-/home")
        with closing(sqlite3.connect(copy, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            for kind, found in walk.pages.items():
                if not found:
                    continue
                answer = room.get(found[0])
                assert answer.status_code == 503, (kind, answer.text[-800:])
                assert "locked by another program" in answer.text
                assert answer.headers["retry-after"]
            assert "locked" in room.json("/archive/-/home.json", 503)["error"]
            for address in walk.streams():
                assert room.get(address).status_code == 503, address
            writer.execute("COMMIT")
        assert room.get("/archive/-/home").status_code == 200
    finally:
        room.close()


def test_a_writer_in_the_log_locks_nobody_out(copy: Path, walk: Walk) -> None:
    room = Room(copy)
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("BEGIN EXCLUSIVE")
            for found in filter(None, walk.pages.values()):
                assert room.get(found[0]).status_code == 200
            writer.execute("ROLLBACK")
    finally:
        room.close()


@pytest.mark.parametrize("opened_before", BEFORE)
def test_a_file_that_goes_away_is_told(copy: Path, walk: Walk, opened_before: bool) -> None:
    room = Room(copy)
    try:
        if opened_before:
            room.text("/archive/-/home")
        for beside in copy.parent.glob("archive.db*"):
            beside.unlink()
        for found in filter(None, walk.pages.values()):
            status = checked(room, found[0], copy.parent)
            assert opened_before or status == 503
        if not opened_before:
            page = room.text("/archive/-/home", 503)
            assert "could not be opened" in page
            assert "folder can be written to" in page
    finally:
        room.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every folder")
def test_a_folder_that_cannot_be_written_to_is_told(copy: Path, walk: Walk) -> None:
    """Reading beside a write-ahead log needs a file `-shm`; where none can be made, SQLite cannot open the archive."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    for beside in (copy.with_name("archive.db-shm"), copy.with_name("archive.db-wal")):
        beside.unlink(missing_ok=True)
    copy.parent.chmod(0o555)
    room = Room(copy)
    try:
        assert "folder can be written to" in room.text("/archive/-/home", 503)
        for found in filter(None, walk.pages.values()):
            assert checked(room, found[0], copy.parent) == 503
    finally:
        copy.parent.chmod(0o755)
        room.close()


def test_the_mark_of_an_archive_is_asked_again_until_it_is_there(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE refs (id)")
        connection.commit()
    room = Room(path)
    try:
        assert room.get("/archive/-/home").status_code == 404
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        assert room.get("/archive/-/home").status_code == 503
    finally:
        room.close()


# ---- erased, unknown, and what people type ------------------------------------------------------------------------


@pytest.mark.usefixtures("own_keys")
def test_what_was_erased_is_told_to_be(copy: Path, walk: Walk) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        (ref,) = connection.execute(
            "SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id WHERE p.text <> '' ORDER BY r.ref LIMIT 1"
        ).fetchone()
    given = ["erase", ref, "--reason", "asked for by the author", "--who", "Ada", "--yes", "--db", str(copy)]
    result = CliRunner().invoke(main, given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    room = Room(copy)
    try:
        for found in filter(None, walk.pages.values()):
            for address in found:
                checked(room, address, copy.parent)
        for address in walk.streams():
            checked(room, address, copy.parent)
    finally:
        room.close()


UNKNOWN = (
    "x:post:1",
    "no such thing",
    "~",
    "~GG",
    "%00",
    "0" * 64,
    "a" * 2000,
    "..",
    "doc:document:",
    ":::",
    "‮x",
    "-1",
)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_ids_are_told(room: Room, db: Path, walk: Walk, kind: str) -> None:
    found = walk.pages.get(kind)
    if not found or urlsplit(found[0]).path.endswith(f"/-/{kind}"):
        pytest.skip("a page without an id")
    head = f"/archive/-/{kind}"
    parts = urlsplit(found[0]).path.removeprefix(head).strip("/").split("/")
    for unknown in UNKNOWN:
        for at in range(len(parts)):
            changed = [*parts[:at], unknown, *parts[at + 1 :]]
            for form in ("", ".json"):
                address = f"{head}/{'/'.join(changed)}{form}"
                assert checked(room, address, db.parent) in (400, 404, 410), address


TYPED = ("-1", "9" * 40, "x", "'\"><script>", "\x00", "\u202e", "\u0663", "1e9", "null", "ref:", "a" * 5000)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_arguments_are_told(room: Room, db: Path, walk: Walk, kind: str) -> None:
    """Each argument that a link gives, with what it cannot be, and one that is unknown."""
    found = walk.pages.get(kind, [])
    asked = {urlsplit(address).path: dict(parse_qsl(urlsplit(address).query)) for address in found}
    for path, known in list(asked.items())[-2:]:
        names = {name for given in asked.values() for name in given} | {"after", "before", "page", "at", "q", "unknown"}
        for name in sorted(names):
            for typed in TYPED:
                address = f"{path}?{urlencode(known | {name: typed})}"
                assert checked(room, address, db.parent) in (200, 302, 400, 404), address
