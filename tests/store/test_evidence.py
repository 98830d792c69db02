"""Evidence is append-only, whole or absent, and has its leaf."""

import hashlib
import io
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody import log
from archiver.errors import InputError, IntegrityError
from archiver.model import Exchange, Failure, Ref, Request
from archiver.store import blobs
from archiver.store.archive import GUARDED, Archive, open_archive
from archiver.store.evidence import Evidence, Tool, dump_request, load_request

NOW = "2024-10-28T12:00:00Z"
TOOL = Tool(version="0", config_sha256="0" * 64)


def archive(tmp_path: Path, name: str = "a.db") -> Archive:
    return open_archive(tmp_path / name, now=NOW, origin="test.example/log")


def evidence(opened: Archive) -> Evidence:
    return Evidence(opened, TOOL, now=lambda: NOW)


def exchange(number: int, body: bytes | None = b"hello", **changes: object) -> Exchange:
    fields: dict[str, object] = {
        "uid": f"uid-{number}",
        "request": Request(ref=Ref.parse("x:post:20"), route="syndication", url="https://x.example/1"),
        "url": "https://x.example/1",
        "started_at": NOW,
        "ended_at": NOW,
        "status": 200,
        "response_head": b"HTTP/1.1 200 OK\r\n\r\n",
        "body": None if body is None else io.BytesIO(body),
        "size": len(body or b""),
        "sha256": hashlib.sha256(body).hexdigest() if body is not None else "",
    }
    return Exchange(**(fields | changes))  # type: ignore[arg-type]


def test_a_capture_has_blob_and_leaf(tmp_path: Path) -> None:
    a = archive(tmp_path)
    (stored,) = evidence(a).record(exchange(1))
    row = a.one("SELECT * FROM captures JOIN log_leaf ON idx = leaf WHERE uid = 'uid-1'")
    assert row is not None
    leaf = json.loads(row["data"])
    assert (leaf["type"], leaf["seq"], leaf["uid"]) == ("capture", str(stored.leaf), "uid-1")
    assert leaf["response"]["body_sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert row["hash"] == log.leaf_hash(row["data"])
    assert b"".join(evidence(a).blobs.get(leaf["response"]["body_sha256"])) == b"hello"


def test_the_same_record_handed_in_again_changes_nothing(tmp_path: Path) -> None:
    e = evidence(archive(tmp_path))
    assert e.record(exchange(1)) == e.record(exchange(1))
    assert e.size() == 1


def test_a_failure_is_a_capture_too(tmp_path: Path) -> None:
    a = archive(tmp_path)
    evidence(a).record(exchange(1, None, status=None, failure=Failure.DNS, detail="no such name", response_head=b""))
    row = a.one("SELECT status, failure, detail, blob FROM captures")
    assert row is not None
    assert tuple(row) == (None, "dns", "no such name", None)


def test_hops_are_stored_all_or_none(tmp_path: Path) -> None:
    a = archive(tmp_path)
    broken = exchange(2, b"x", sha256="f" * 64)
    with pytest.raises(IntegrityError):
        evidence(a).record(exchange(1), broken)
    with pytest.raises(IntegrityError, match="two captures"):
        evidence(a).record(exchange(3), exchange(3, b"other"))
    assert [a.value(f"SELECT count(*) FROM {t}") for t in ("captures", "log_leaf", "blobs", "blob_chunks")] == [0] * 4


@pytest.mark.parametrize("table", GUARDED)
def test_evidence_refuses_change(tmp_path: Path, table: str) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    e.record(exchange(1))
    e.mark(1, "parse", "x/1", "0" * 64)
    e.state("s1", who="t", what="resolves", subject="a", object="b", reason="c")
    with a.transaction():
        for n in range(e.size(), 256):
            e.append("fixity", {"n": n})
        leaf = e.append("derived", {})
        a.db.execute("INSERT INTO derived VALUES (1,'d',1,?,'','','','','',1)", (leaf,))
        a.db.execute("INSERT INTO certificates VALUES ('x', x'00')")
        a.db.execute("INSERT INTO log_key VALUES (1,?,'','','add','')", (leaf,))
        a.db.execute("INSERT INTO log_checkpoint VALUES (1,1,x'00','','')")
        a.db.execute("INSERT INTO log_anchor VALUES (1,1,1,'rfc3161','',x'00','','','[]',?)", (leaf,))
        for table_name, columns in (("erasures", 6), ("exports", 5)):
            a.db.execute(
                f"INSERT INTO {table_name} VALUES (1,'e',1,?{',?' * (columns - 1)})", (leaf, *("",) * (columns - 1))
            )
        a.db.execute("INSERT INTO revocations VALUES ('x','y','crl','',x'00','')")
        a.db.execute("INSERT INTO fixities VALUES (1,1,?,'',1,0,'')", (leaf,))
    assert a.value(f"SELECT count(*) FROM {table}")
    other = sqlite3.connect(a.path)
    column = other.execute(f"SELECT name FROM pragma_table_info('{table}') LIMIT 1").fetchone()[0]
    for connection in (a.db, other):
        for sql in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.DatabaseError, match="evidence"):
                connection.execute(sql)
            connection.rollback()
    with pytest.raises(sqlite3.DatabaseError, match="published blob"):
        other.execute("DELETE FROM blob_chunks")
    other.close()


def test_tiles_and_root_over_many_leaves(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    with a.transaction():
        for n in range(1100):
            e.append("fixity", {"n": n})
    hashes = [row[0] for row in a.all("SELECT hash FROM log_leaf ORDER BY idx")]
    assert e.root() == log.root(lambda level, i: log.fold(hashes[i << level : (i + 1) << level]), 1100)
    assert [tuple(r) for r in a.all("SELECT level, n FROM log_tile ORDER BY 1, 2")] == [(0, n) for n in range(4)]
    assert log.check_inclusion(hashes[700], 700, 1100, log.inclusion(e.node, 700, 1100), e.root())


def test_a_large_body_stays_invisible_until_published(tmp_path: Path) -> None:
    a = archive(tmp_path)
    store = blobs.BlobStore(a)
    data = bytes(range(256)) * 4096 * 6 + b"tail"
    sha = hashlib.sha256(data).hexdigest()
    staged = store.stage(sha, len(data), [data[i : i + 70_000] for i in range(0, len(data), 70_000)])
    assert a.value("SELECT count(*) FROM blob_chunks") == blobs.BATCH
    assert store.find(sha) is None
    a.close()
    a = archive(tmp_path)
    assert a.value("SELECT count(*) FROM blob_chunks") == 0, "the next start deletes what was not published"
    store = blobs.BlobStore(a)
    assert store.put(sha, len(data), [data]) == "created"
    assert store.put(sha, len(data), [data]) == "present"
    assert b"".join(store.get(sha)) == data
    assert b"".join(store.range(sha, 1048570, 1048580)) == data[1048570:1048580]
    assert staged.size == len(data)


def test_a_reading_is_logged_again_only_when_it_changes(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    e.record(exchange(1))
    assert e.mark(1, "parse", "x/1", "a" * 64)
    assert not e.mark(1, "parse", "x/1", "a" * 64)
    assert e.mark(1, "match", "m/1", "a" * 64)
    assert e.mark(1, "parse", "x/2", "b" * 64)
    assert e.mark(1, "parse", "x/3", "a" * 64), "back to what it said earlier is a change"
    assert e.size() == 5


def test_other_files_are_refused_with_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello, this is no database at all, just text that is long enough")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t(a)").connection.close()
    newer = archive(tmp_path, "newer.db")
    newer.db.execute("PRAGMA user_version = 99")
    newer.close()
    for name, words in (("text.db", "not a database"), ("other.db", "no archive"), ("newer.db", "schema 99")):
        with pytest.raises(InputError, match=words) as caught:
            archive(tmp_path, name)
        assert name in str(caught.value)
        assert caught.value.hint


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=3), st.binary(max_size=9), st.booleans())
def test_requests_round_trip(text: str, pairs: list[tuple[str, str]], body: bytes, flag: bool) -> None:
    request = Request(
        ref=Ref(platform="x", kind="post", id=text or "0"),
        route=text,
        url=text,
        headers=tuple(pairs),
        body=body,
        refs=(Ref(platform="a", kind="b", id="c:d"),),
        given=tuple(pairs),
        signer=flag,
        follow=not flag,
        max_bytes=7,
    )
    assert load_request(dump_request(request)) == request
