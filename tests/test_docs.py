"""The documentation says what the code does."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.jobs import config
from archiver.model import Outcome
from archiver.schedule import DEFAULT, next_look, parse_time, time_text
from archiver.store.marks import _TABLES as MARKS
from archiver.store.runs import _TABLES as RUNS
from archiver.store.schema import TABLES
from archiver.store.views import LABELS, VIEWS
from tests import docs


@pytest.mark.parametrize("path", sorted(docs.PLACES))
def test_generated_parts_are_what_the_code_gives(path: str) -> None:
    assert (docs.ROOT / path).read_text("utf-8") == docs.written(path), "run python -m tests.docs"


def test_every_table_and_column_is_documented() -> None:
    text = (docs.ROOT / "docs" / "tables.md").read_text("utf-8")
    for name, columns in docs.evidence_tables().items():
        assert f"### `{name}`" in text
        assert columns, name
    for table in TABLES:
        assert f"### `{table.name}`" in text
        for column in table.columns:
            assert f"`{column}`" in text


def test_every_key_of_the_configuration_is_documented() -> None:
    text = (docs.ROOT / "docs" / "configuration.md").read_text("utf-8")
    for name, keys in config._TABLES.items():
        assert f"`[{name}]`" in text
        for key in keys if isinstance(keys, Mapping) else ():
            assert f"`{key}`" in text, key


def test_every_route_that_a_plan_can_ask_is_in_the_table() -> None:
    listed = " ".join(f"`{route['name']}` {route['gives']}" for route in docs.routes())
    for file in (docs.ROOT / "archiver" / "platforms").rglob("*.py"):
        for route in re.findall(r'\broute="([a-z0-9-]+)"', file.read_text("utf-8")):
            assert f"`{route}`" in listed, f"{file.name}: {route}"


def test_metadata_describes_every_table_and_only_those() -> None:
    metadata = json.loads((docs.ROOT / "datasette-metadata.json").read_text("utf-8"))
    known = {table.name for table in TABLES} | set(docs.evidence_tables())
    known |= {view.name for view in VIEWS} | set(RUNS) | set(MARKS)
    for database in metadata["databases"].values():
        assert set(database["tables"]) == known
        for table in TABLES:
            described = database["tables"][table.name]
            assert described["description"] == table.about
            more = {"label"} if table.name in LABELS else set()
            assert set(described.get("columns", {})) <= set(table.columns) | more
            assert set(described.get("facets", ())) <= set(table.columns)
        for view in VIEWS:
            assert database["tables"][view.name]["description"] == view.about


def test_dependencies_are_justified() -> None:
    text = (docs.ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text("utf-8")
    declared = (docs.ROOT / "pyproject.toml").read_text("utf-8").split("dependencies = [")[1].split("]")[0]
    for name in re.findall(r'"([a-z0-9-]+)', declared):
        assert f"| {name} |" in text, name


def test_the_transcript_is_what_the_demonstration_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs.ROOT)
    text = (docs.ROOT / "README.md").read_text("utf-8")
    transcript = text.split("<!-- transcript -->")[1].split("<!-- end of transcript -->")[0]
    db = str(tmp_path / "demo.db")
    commands = [["run", "data/demo/seeds", "--replay", "data/demo/first", "--db", db]]
    commands += [
        line.removeprefix("$ archiver ").replace("data/demo.db", db).split()
        for line in transcript.splitlines()
        if line.startswith("$ archiver ")
    ]
    printed = ""
    for arguments in commands:
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code in (0, 1), done.stderr
        printed += done.stdout
    shown = [line for line in transcript.splitlines() if line.strip() and not line.startswith(("```", "$"))]
    assert len(shown) > 10
    for line in shown:
        assert line.rstrip() in printed, line


def test_the_year_of_a_post_is_what_the_schedule_makes_of_it() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    moment, looks = begin, [begin]
    while moment < begin + timedelta(days=730):
        due = next_look(
            Outcome.LIVE,
            purpose="post",
            now=time_text(moment),
            added_at=time_text(begin),
            attempts=0,
            policy=DEFAULT,
            jitter=0.05,
        )
        moment = parse_time(str(due))
        looks.append(moment)
    ages = [(look - begin).days for look in looks]
    counted = [sum(low <= age < high for age in ages) for low, high in pairwise((0, 1, 7, 30, 90, 365, 730))]
    text = (docs.ROOT / "docs" / "operation.md").read_text("utf-8").split("## A post over a year")[1].split("## ")[0]
    assert [int(row) for row in re.findall(r"^\| (?:first|each)[^|]*\| (\d+)", text, re.MULTILINE)] == counted
