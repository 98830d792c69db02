"""Signed heads, tokens and keys are evidence, too: append-only, also after a migration; the tree behind them."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody import log, note
from archiver.errors import IntegrityError
from archiver.model import Exchange, Ref, Request
from archiver.store import archive as archives
from archiver.store.archive import GUARDED, Archive, open_archive
from archiver.store.checkpoints import Tree, folded
from archiver.store.evidence import Evidence, Tool
from tests.anew import Growing, recompute

NOW, ORIGIN, SEED = "2026-01-02T03:04:05.000000Z", "test.example/log", bytes(range(32))
NEW = ("log_key", "log_checkpoint", "log_anchor", "erasures", "exports", "fixities")


def archive(folder: Path, name: str = "a.db") -> Archive:
    return open_archive(folder / name, now=NOW, origin=ORIGIN)


def evidence(opened: Archive) -> Evidence:
    return Evidence(opened, Tool(version="0", config_sha256="0" * 64), now=lambda: NOW)


def grow(e: Evidence, count: int) -> None:
    with e.archive.transaction():
        for number in range(count):
            e.append("fixity", {"n": number})


def sign(text: str) -> list[note.Signature]:
    return [note.sign(text, ORIGIN, SEED)]


def unguarded(a: Archive, *statements: str) -> None:
    """What whoever owns the file can do."""
    for (name,) in a.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        a.db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        a.db.execute(statement)


# ---- the migration ------------------------------------------------------------------------------------------


def test_an_archive_of_the_schema_before_keeps_its_rows_and_gets_tables_and_guards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = archives.migrations()
    before = [one for one in shipped if one[0] < 3]
    known = tuple(table for table in GUARDED if any(f"CREATE TABLE {table} (" in script for _, script in before))
    assert not set(NEW) & set(known)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "migrations", lambda: before)
        patch.setattr(archives, "GUARDED", known)
        old = archive(tmp_path)
        old.db.execute("INSERT INTO log_leaf VALUES (1, 0, x'7b7d', x'00')")
        assert old.value("PRAGMA user_version") == 2
        old.close()
    new = archive(tmp_path)
    assert new.value("PRAGMA user_version") == shipped[-1][0] >= 3
    assert [tuple(row) for row in new.all("SELECT idx, data, hash FROM log_leaf")] == [(0, b"{}", b"\x00")]
    triggers = {row[0] for row in new.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    for table in GUARDED:
        assert {f"{table}_no_{action}" for action in ("update", "delete", "replace")} <= triggers
    assert set(NEW) <= set(GUARDED)
    with pytest.raises(sqlite3.IntegrityError, match="evidence"):
        new.db.execute("DELETE FROM log_leaf")


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path).close()
    shipped = archives.migrations()
    broken = (shipped[-1][0] + 1, "CREATE TABLE more (a TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);\n")
    monkeypatch.setattr(archives, "migrations", lambda: [*shipped, broken])
    with pytest.raises(archives.InputError, match="nowhere"):
        archive(tmp_path)
    monkeypatch.undo()
    again = archive(tmp_path)
    assert again.one("SELECT 1 FROM sqlite_schema WHERE name = 'more'") is None


# ---- what the tables refuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("INSERT INTO log_anchor VALUES (1,1,1,'blockchain','s',x'00','','','[]',0)", "CHECK"),
        ("INSERT INTO log_anchor VALUES (1,1,7,'ots','s',x'00','','','[]',0)", "FOREIGN KEY"),
        ("INSERT INTO log_anchor VALUES (1,1,1,'ots','s',x'00','','','[]',99)", "FOREIGN KEY"),
        ("INSERT INTO log_anchor VALUES (1,1,1,'ots','s','text','','','[]',0)", "cannot store"),
        ("INSERT INTO log_key VALUES (1,0,'n','v','lose','')", "CHECK"),
        ("INSERT INTO log_key VALUES (1,99,'n','v','add','')", "FOREIGN KEY"),
        ("INSERT INTO log_checkpoint VALUES (1,1,x'00','again','')", "never replaced"),
        ("INSERT INTO log_checkpoint VALUES (9,1,x'00','','')", "FOREIGN KEY"),
        ("INSERT INTO fixities VALUES (1,1,0,'','many',0,'')", "cannot store"),
        ("INSERT INTO erasures VALUES (1,'e',1,99,'','','','','')", "FOREIGN KEY"),
        ("INSERT INTO exports VALUES (1,'e',1,NULL,'','','','')", "NOT NULL"),
    ],
)
def test_rows_that_name_nothing_are_refused(tmp_path: Path, sql: str, reason: str) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 1)
    assert e.checkpoint(sign) is not None
    with pytest.raises(sqlite3.IntegrityError, match=reason):
        a.db.execute(sql)


def test_the_same_answer_of_a_service_is_stored_once_and_another_beside_it(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 1)
    e.checkpoint(sign)
    a.db.execute("INSERT INTO log_anchor VALUES (1,1,1,'ots','s',x'00','','','[]',0)")
    for form in ("INSERT", "INSERT OR REPLACE"):
        with pytest.raises(sqlite3.IntegrityError, match="never replaced"):
            a.db.execute(f"{form} INTO log_anchor VALUES (2,1,1,'ots','s',x'00','','','[]',0)")
    a.db.execute("INSERT INTO log_anchor VALUES (2,1,1,'ots','s',x'01','','','[]',0)")
    a.db.execute("INSERT INTO work_anchor VALUES (1,1,'ots','s',?,0,'')", (NOW,))
    a.db.execute("UPDATE work_anchor SET attempts = 1")
    a.db.execute("DELETE FROM work_anchor")


# ---- after --------------------------------------------------------------------------------------------------


def capture(e: Evidence, number: int, started_at: str) -> Any:
    """The leaf of a capture that began at a time."""
    request = Request(ref=Ref.parse("x:post:20"), route="syndication", url="https://x.example/1")
    (stored,) = e.record(
        Exchange(uid=f"u{number}", request=request, url=request.url, started_at=started_at, ended_at=started_at)
    )
    return json.loads(str(e.archive.value("SELECT CAST(data AS TEXT) FROM log_leaf WHERE idx = ?", stored.leaf)))


def test_a_capture_names_the_newest_token_that_was_stored_before_its_fetch(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 1)
    e.checkpoint(sign)
    assert capture(e, 0, NOW)["after"] is None
    tokens = [  # kind, token, its own time, when it was stored
        ("rfc3161", b"first", "2026-01-02T04:00:00Z", "2026-01-02T04:00:01.000000Z"),
        ("rfc3161", b"second", "2026-01-02T05:00:00Z", "2026-01-02T05:00:01.000000Z"),
        ("ots", b"pending", "", "2026-01-02T05:00:02.000000Z"),
        ("ots", b"older block, stored late", "2026-01-02T04:30:00Z", "2026-01-02T05:00:03.000000Z"),
        ("witness", b"third", "2026-01-02T06:00:00Z", "2026-01-02T06:00:01.000000Z"),
    ]
    for kind, token, at, received in tokens:
        a.db.execute(
            "INSERT INTO log_anchor (origin, size, kind, service, token, at, received_at) VALUES (1,1,?,'s',?,?,?)",
            (kind, token, at, received),
        )
    for number, (started, token) in enumerate(
        [
            ("2026-01-02T04:00:00.999999Z", None),
            ("2026-01-02T04:00:01.000000Z", None),
            ("2026-01-02T04:00:01.000001Z", b"first"),
            ("2026-01-02T05:30:00.000000Z", b"second"),
            ("2026-01-02T06:00:00.500000Z", b"second"),
            ("2026-01-02T07:00:00.000000Z", b"third"),
        ],
        1,
    ):
        expected = None if token is None else hashlib.sha256(token).hexdigest()
        assert capture(e, number, started)["after"] == expected, started


def test_the_hops_of_one_try_name_what_was_known_before_the_first(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 1)
    e.checkpoint(sign)
    a.db.execute(
        "INSERT INTO log_anchor (origin, size, kind, service, token, at, received_at) VALUES (1,1,'ots','s',x'00',?,?)",
        ("2026-01-02T04:00:00Z", "2026-01-02T04:00:00.000000Z"),
    )
    request = Request(ref=Ref.parse("x:post:20"), route="syndication", url="https://x.example/1")
    hops = [
        Exchange(uid=f"h{n}", request=request, url=request.url, started_at=at, ended_at=at, hop=n)
        for n, at in enumerate(("2026-01-02T03:59:59.000000Z", "2026-01-02T04:00:01.000000Z"))
    ]
    leaves = [stored.leaf for stored in e.record(*hops)]
    named = [json.loads(a.value("SELECT data FROM log_leaf WHERE idx = ?", leaf))["after"] for leaf in leaves]  # type: ignore[arg-type]
    assert named == [None, None]


def test_looking_for_a_token_takes_an_index(tmp_path: Path) -> None:
    """And while no token comes, a look at the newest row."""
    a = archive(tmp_path)
    e = evidence(a)
    said: list[str] = []
    a.db.set_trace_callback(said.append)
    capture(e, 1, NOW)
    newest, looked = [sql for sql in said if "log_anchor" in sql]
    said.clear()
    capture(e, 2, NOW)
    a.db.set_trace_callback(None)
    assert [sql for sql in said if "log_anchor" in sql] == [newest]
    plans = [" ".join(str(row["detail"]) for row in a.all(f"EXPLAIN QUERY PLAN {sql}")) for sql in (newest, looked)]
    assert plans[0] == "SEARCH log_anchor"
    assert "log_anchor_at" in plans[1]
    assert "TEMP B-TREE" not in plans[1]


# ---- the tree -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """66,000 leaves: a full tile of the second level, and a ragged edge on each."""
    a = archive(tmp_path_factory.mktemp("large"))
    grow(evidence(a), 66_000)
    yield Tree(a, 1)
    a.close()


SIZES = (1, 2, 255, 256, 257, 511, 512, 513, 1023, 65_535, 65_536, 65_537, 65_999, 66_000)


def test_heads_and_proofs_are_those_of_the_leaves_alone(large: Tree) -> None:
    found = recompute(large, SIZES)
    assert set(found.roots) == set(SIZES)
    assert (found.size, found.wrong, found.missing, found.erased) == (66_000, [], [], [])
    assert [row[0] for row in large.archive.all("SELECT count(*) FROM log_tile GROUP BY level ORDER BY level")] == [
        257,
        1,
    ]
    hashes = [bytes(row[0]) for row in large.archive.all("SELECT hash FROM log_leaf ORDER BY idx")]
    for size in SIZES:
        assert large.root(size) == found.roots[size]
        for index in {0, size // 3, size - 1}:
            proof = large.inclusion(index, size)
            assert log.check_inclusion(hashes[index], index, size, proof, found.roots[size])
            assert not log.check_inclusion(hashes[index] + b"", index + 1, size, proof, found.roots[size])
        for old in SIZES:
            if old <= size:
                proof = large.consistency(old, size)
                assert log.check_consistency(old, size, found.roots[old], found.roots[size], proof)
                if old < size:
                    assert not log.check_consistency(old, size, found.roots[size], found.roots[size], proof)


def test_sizes_beyond_the_log_are_refused(large: Tree) -> None:
    for ask in (lambda: large.root(66_001), lambda: large.inclusion(0, 66_001), lambda: large.consistency(5, 66_001)):
        with pytest.raises(ValueError, match="66000 leaves"):
            ask()
    for ask in (lambda: large.inclusion(10, 10), lambda: large.consistency(11, 10), lambda: large.root(-1)):
        with pytest.raises(ValueError, match=r"leaves|not in a log|cannot start"):
            ask()


def test_a_second_connection_proves_the_same_and_a_proof_reads_little(large: Tree) -> None:
    reader = archives.open_reader(large.archive.path)
    other, said = Tree(reader, 1), list[str]()
    assert other.inclusion(40_000) == large.inclusion(40_000)  # by now the folds of the right edge are known
    reader.db.set_trace_callback(said.append)
    other.inclusion(1234)
    reader.db.set_trace_callback(None)
    assert len(said) <= 12, said
    reader.db.close()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_a_growing_tree_has_the_head_of_a_whole_one(hashes: list[bytes]) -> None:
    growing = Growing()
    for count, value in enumerate(hashes):
        assert growing.root() == log.root(lambda level, i: log.fold(hashes[i << level : (i + 1) << level]), count)
        growing.append(value)
    assert growing.size == len(hashes)
    for level in range(7):
        if len(hashes) >> level:
            part = hashes[: 1 << level]
            assert folded(b"".join(part)) == log.fold(part)


def test_what_was_changed_under_the_log_is_named_by_making_it_anew(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 700)
    head = e.checkpoint(sign)
    assert head is not None
    unguarded(a, "UPDATE log_leaf SET data = CAST(replace(CAST(data AS TEXT), '\"n\":7,', '\"n\":8,') AS BLOB)")
    found = recompute(e.tree, [500])
    assert found.wrong == [7]
    assert found.roots[700] != head.root
    unguarded(a, "UPDATE log_leaf SET data = x'' WHERE idx = 7")
    found = recompute(e.tree, [500])
    assert (found.wrong, found.erased, found.roots[700]) == ([], [7], head.root), "an erased leaf keeps its hash"
    unguarded(a, "DELETE FROM log_leaf WHERE idx IN (20, 21, 500)")
    found = recompute(e.tree, [10, 500])
    assert (found.missing, found.size) == ([20, 21, 500], 700)
    assert set(found.roots) == {10}
    unguarded(a, "UPDATE log_tile SET data = x'00' WHERE n = 1")
    with pytest.raises(IntegrityError, match="tile 0/1"):
        Tree(a, 1).root()


# ---- checkpoints --------------------------------------------------------------------------------------------


def test_a_checkpoint_is_a_signed_note_over_all_leaves_and_comes_once(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    assert e.checkpoint(sign) is None, "an empty log says nothing"
    grow(e, 3)
    head = e.checkpoint(sign)
    assert head == note.Checkpoint(origin=ORIGIN, size=3, root=e.root())
    assert e.checkpoint(sign) is None, "nothing came since"
    stored = e.tree.newest()
    assert stored is not None
    assert note.verify(stored, [note.verifier_key(ORIGIN, SEED)]) == (ORIGIN,)
    row = a.one("SELECT size, root, note, at FROM log_checkpoint")
    assert row is not None
    assert tuple(row) == (3, e.root(), str(stored), NOW)
    grow(e, 2)
    newer = e.checkpoint(sign)
    assert newer is not None
    assert log.check_consistency(3, 5, head.root, newer.root, e.consistency(3, 5))
    assert e.tree.signed() == 5


def test_nothing_is_stored_when_signing_fails(tmp_path: Path) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 3)
    with pytest.raises(ValueError, match="signatures"):
        e.checkpoint(lambda text: [])
    with pytest.raises(RuntimeError):
        e.checkpoint(lambda text: (_ for _ in ()).throw(RuntimeError()))
    assert a.value("SELECT count(*) FROM log_checkpoint") == 0
    assert e.checkpoint(sign) is not None


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("DELETE FROM log_leaf WHERE idx >= 2", "a checkpoint of 5 is stored"),
        ("UPDATE log_leaf SET hash = zeroblob(32) WHERE idx = 1", "first 5 leaves"),
        ("UPDATE log_leaf SET idx = -1 WHERE idx = 1", "not all there"),
    ],
)
def test_a_log_that_is_not_the_signed_one_is_never_signed_again(tmp_path: Path, attack: str, reason: str) -> None:
    a = archive(tmp_path)
    e = evidence(a)
    grow(e, 5)
    e.checkpoint(sign)
    unguarded(a, "PRAGMA foreign_keys = OFF", attack)
    with pytest.raises(IntegrityError, match=reason):
        e.checkpoint(sign)
    assert a.value("SELECT count(*) FROM log_checkpoint") == 1


def test_keys_are_those_of_the_present_name_that_were_not_retired(tmp_path: Path) -> None:
    e = evidence(archive(tmp_path))
    old, new = (str(note.verifier_key(ORIGIN, bytes([n] * 32))) for n in (1, 2))
    foreign = str(note.verifier_key("other.example/log", SEED))
    for name, vkey, action in ((ORIGIN, old, "add"), (ORIGIN, new, "add"), ("other.example/log", foreign, "add")):
        leaf = e.key(name, vkey, action)
        held = json.loads(e.archive.value("SELECT data FROM log_leaf WHERE idx = ?", leaf))  # type: ignore[arg-type]
        assert (held["type"], held["name"], held["vkey"], held["action"]) == ("key", name, vkey, action)
    assert [str(key) for key in e.tree.active()] == [old, new]
    e.key(ORIGIN, old, "retire")
    assert [str(key) for key in e.tree.active()] == [new]
    assert [key.action for key in e.tree.key_history()] == ["add", "add", "add", "retire"]
