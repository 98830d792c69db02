"""Counts that are kept are the counts: after any run of changes, after a rebuild, and while evidence grows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.store import schema, tallies
from archiver.store.archive import Archive, open_archive

NOW = "2026-03-16T09:00:00Z"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = open_archive(tmp_path / "a.db", now=NOW, origin="tallies.example/log")
    with opened.transaction():
        schema.create(opened.db)
    yield opened
    opened.close()


def kept(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    columns = "name, a, b, c, n, first_at, last_at"
    return [tuple(row) for row in db.execute(f"SELECT {columns} FROM tallies ORDER BY name, a, b, c")]


def counted(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    """The same, by counting everything; nothing stays changed."""
    db.execute("SAVEPOINT counting")
    for tally in tallies.TALLIES:
        tallies.count(db, tally)
    found = kept(db)
    db.execute("ROLLBACK TO counting")
    db.execute("RELEASE counting")
    return found


def post(db: sqlite3.Connection, key: int, platform: str) -> None:
    db.execute("INSERT INTO refs (id, ref, platform, kind, remote_id) VALUES (?, ?, ?, 'post', ?)",
               (key, f"{platform}:post:{key}", platform, str(key)))  # fmt: skip
    db.execute(
        "INSERT INTO posts (id, platform, handle, text, posted_at, outcome, outcome_at, edits, versions, first_seen, "
        "last_seen, url, name, lang, warning, truncated) "
        "VALUES (?, ?, '', '', '', '', '', 0, 0, '', '', '', '', '', '', 0)",
        (key, platform),
    )


OUTCOMES = st.sampled_from(("", "live", "deleted", "suspended", "unreachable"))
CHANGES = st.lists(
    st.tuples(st.integers(1, 5), OUTCOMES, st.sampled_from(("2026-01-05T00:00:00Z", "2026-02-07T00:00:00Z"))),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES, gone=st.sets(st.integers(1, 5)))
def test_what_is_kept_is_what_would_be_counted(changes: list[tuple[int, str, str]], gone: set[int]) -> None:
    db = memory()
    for key in range(1, 6):
        post(db, key, ("x", "bluesky")[key % 2])
    for key, outcome, at in changes:
        db.execute("UPDATE posts SET outcome = ?, outcome_at = ?, text = 'new' WHERE id = ?", (outcome, at, key))
        assert kept(db) == counted(db)
    for key in gone:
        db.execute("DELETE FROM posts WHERE id = ?", (key,))
    assert kept(db) == counted(db)
    assert sum(row[0] for row in db.execute("SELECT n FROM tallies WHERE name = 'posts'")) == 5 - len(gone)
    db.close()


def memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript("".join(script for _, script in schema.migrations()))
    schema.create(db)
    return db


@pytest.mark.parametrize("policy", ["", "OR IGNORE", "OR REPLACE", "OR FAIL"])
def test_what_an_insert_does_on_a_conflict_is_not_what_the_count_does(policy: str) -> None:
    db = memory()
    for key in range(1, 4):
        db.execute(f"INSERT {policy} INTO refs (id, ref, platform, kind, remote_id) VALUES (?, ?, 'x', 'post', '')",
                   (key, f"x:post:{key}"))  # fmt: skip
        db.execute(
            f"INSERT {policy} INTO accounts (id, platform, handle, name, url) VALUES (?, 'x', '', '', '')", (key,)
        )
    assert kept(db) == counted(db) == [("accounts", "x", "", "", 3, "", ""), ("refs", "x", "post", "", 3, "", "")]
    db.close()


def test_a_wrong_count_is_noticed() -> None:
    db = memory()
    post(db, 1, "x")
    db.execute("UPDATE tallies SET n = 2 WHERE name = 'posts'")
    assert kept(db) != counted(db)
    db.close()


def test_every_tally_has_its_triggers_and_its_table() -> None:
    db = memory()
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    for tally in tallies.TALLIES:
        assert {f"tally_{tally.name}_insert", f"tally_{tally.name}_delete"} <= names
        assert (f"tally_{tally.name}_in" in names) is bool(tally.words)
        assert tally.table in schema.BY_NAME
        assert tally.about
    evidence = {"captures", "blobs", "log_leaf", "statements"}
    assert not {tally.table for tally in tallies.TALLIES} & evidence, "a capture must depend on no count"
    db.close()


# ---- evidence ---------------------------------------------------------------------------------------------------


def capture(archive: Archive, number: int, failure: str) -> None:
    db = archive.db
    db.execute("INSERT INTO blobs (sha256, size) VALUES (?, ?)", (f"{number:064x}", number * 10))
    db.execute("INSERT INTO log_leaf (origin, idx, data, hash) VALUES (1, ?, x'', x'')", (number,))
    db.execute(
        "INSERT INTO captures (uid, origin, leaf, tier, platform, route, ref, request, method, url, observed_at, "
        "recorded_at, ended_at, sent, response_head, failure, tool_version, config_sha256) "
        "VALUES (?, 1, ?, 'wire', 'x', 'oembed', 'x:post:1', '{}', 'GET', '', ?, ?, ?, x'', x'', ?, '0', '')",
        (f"u{number}", number, NOW, NOW, NOW, failure),
    )


def test_evidence_is_summed_up_and_carried_on(archive: Archive) -> None:
    assert tallies.held(archive) == tallies.Held()
    for number in range(1, 8):
        capture(archive, number, "dns" if number % 3 == 0 else "")
        found = tallies.held(archive)
        assert found.captures == {key: n for key, n in (("", number - number // 3), ("dns", number // 3)) if n}
        assert (found.blobs, found.bytes) == (number, 10 * number * (number + 1) // 2)
        assert found.rows() == [("x", failure, n) for failure, n in sorted(found.captures.items())]
        if number in (2, 3, 6):
            tallies.advance(archive)
    remembered = archive.value("SELECT value FROM work_state WHERE name = 'counted'")
    assert tallies.Held.parse(str(remembered)).capture == 6
    assert str(tallies.Held.parse(str(remembered))) == remembered


def test_a_capture_needs_no_count(archive: Archive) -> None:
    archive.db.execute("DROP TABLE tallies")
    capture(archive, 1, "")
    assert archive.value("SELECT count(*) FROM captures") == 1
