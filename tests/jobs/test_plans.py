"""No statement of a run walks an archive: what it looks up it finds, with a thousand rows as with a hundred million."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from plans import overheard, walks

from archiver.cli import main
from archiver.jobs import backlog, concerned, robots, unchanged
from archiver.jobs.config import Config
from archiver.jobs.session import open_session

ROOT = Path(__file__).parents[2]
ALTERED = "x:post:2032522075960246272"
COUNTING = (
    "SELECT host, count(*) FROM work_queue",  # the queue by host, from one covering index: decision 36
    "UPDATE work_queue SET due_at",  # --recheck
    "SELECT platform, failure, count(*), max(id) FROM captures WHERE 0 = 0",  # counted once, then carried on
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """An archive without a capture: SQLite plans for it as for any that has no statistics."""
    path = tmp_path_factory.mktemp("plans") / "archive.db"
    with open_session(path, Config()):
        pass
    with closing(sqlite3.connect(path)) as db:
        yield db


def test_a_run_a_status_and_a_look_at_a_post_walk_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run of the demonstration: documents are settled again, posts have gone and were edited."""
    monkeypatch.chdir(ROOT)
    db = str(tmp_path / "demo.db")
    demo = ROOT / "data" / "demo"
    first = CliRunner().invoke(main, ["run", "data/demo/seeds", "--replay", str(demo / "first"), "--db", db])
    assert first.exit_code == 0, first.output
    with overheard() as statements:
        again = ["run", "data/demo/seeds", "--replay", str(demo / "later.warc"), "--recheck", "--db", db]
        for command in (again, ["status", "--db", db], ["show", ALTERED, "--db", db], ["seeds", "--db", db]):
            ended = CliRunner().invoke(main, command)
            assert ended.exit_code == 0, ended.output
    assert len(statements) > 200
    with closing(sqlite3.connect(db)) as archive:
        planned = [sql for sql in statements.values() if sql.split(None, 1)[0] in PLANNED]
        found = {sql: walks(archive, sql) for sql in planned if not sql.startswith(COUNTING)}
    assert not {sql: steps for sql, steps in found.items() if steps}


PLANNED = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")
LOOKED_UP = {
    "the capture that a condition comes from": (unchanged._WHOLE, 3),
    "the last answers to conditions": (unchanged._NOT_MODIFIED, 3),
    "the newest robots.txt": (robots._NEWEST, 1),
    "the newest robots.txt with rules": (robots._NEWEST_RULES, 1),
    "since when there is no robots.txt": (robots._MISSING_SINCE, 1),
    "the signatures that a new post concerns": (concerned._SIGNED, 1),
}


@pytest.mark.parametrize("what", LOOKED_UP)
def test_what_each_request_looks_up_is_found_by_an_index(empty: sqlite3.Connection, what: str) -> None:
    sql, parameters = LOOKED_UP[what]
    assert walks(empty, sql, *[1] * parameters) == []


def test_the_queue_is_counted_from_indexes_alone(empty: sqlite3.Connection) -> None:
    """Rows of a million refs lie all over a disk: read one by one, a status took half a minute."""
    for sql in (backlog._HOSTS, backlog._FAILED):
        steps = empty.execute(f"EXPLAIN {sql}").fetchall()
        (table,) = [step[2] for step in steps if step[1] == "OpenRead"][:1]
        assert not [step for step in steps if step[1] == "Column" and step[2] == table]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT uid FROM captures WHERE status = 200 AND failure = ''",
        "SELECT c.uid FROM captures AS c WHERE c.ref LIKE '%x'",
        "SELECT x.post FROM mentions m JOIN matches x ON x.verdict = 'exact' WHERE m.id = 1",
    ],
)
def test_a_walk_is_seen(empty: sqlite3.Connection, sql: str) -> None:
    assert walks(empty, sql)
