"""How SQLite would find the rows of a statement: which statements walk what grows with an archive.

The plans are those of an archive without statistics (no command makes any), so those of a small one are those of an
archive of millions: without them SQLite takes any index for a good one, also one of a word that half of all rows have.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_GROWS = """
captures blobs blob_at blob_chunks log_leaf refs documents mentions mention_links resolutions matches sources phrases
posts versions sightings edits events edges aliases outcomes accounts media files media_blobs media_carriers
reading_marks work_queue work_led
"""
GROWS = frozenset(_GROWS.split())
"""Tables with a row or more for each capture, post or mention."""
_COARSE = "kind evidence platform status verdict found_by failure how outcome route tier media_type"
COARSE = frozenset(_COARSE.split())
"""Columns of few words: an index by these alone gives a large part of its table."""
_STEP = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX \w+)?(?: \((.*)\))?")
_NAMED = re.compile(
    r"\b(?:FROM|JOIN|UPDATE|INTO)\s+\"?(\w+)\"?(?:\s+AS)?"
    r"(?:\s+(?!(?:ON|WHERE|JOIN|LEFT|CROSS|ORDER|GROUP|INDEXED|UNION|LIMIT|SET|VALUES|SELECT)\b)(\w+))?"
)
_LIMITED = re.compile(r"\bLIMIT 1\s*$")


def walks(db: sqlite3.Connection, sql: str, *parameters: object) -> list[str]:
    """The steps by which a statement would walk a table that grows with the archive; none where it finds each row."""
    tables = {alias or table: table for table, alias in _NAMED.findall(sql)}
    found = []
    for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters):
        step = _STEP.match(row[3])
        if step is None or tables.get(step[2], step[2]) not in GROWS:
            continue
        by = set(re.findall(r"(\w+)[=<>]", step[3] or ""))
        if (step[1] == "SCAN" and not _LIMITED.search(sql)) or (step[1] == "SEARCH" and by and by <= COARSE):
            found.append(row[3])
    return found


@contextmanager
def overheard() -> Iterator[dict[str, str]]:
    """The statements that this process hands to SQLite meanwhile, each once, by what they are without their values."""
    statements: dict[str, str] = {}
    connect = sqlite3.connect

    def said(sql: str) -> None:
        if not sql.startswith("--"):  # what triggers do
            statements.setdefault(re.sub(r"'[^']*'|\b\d+\b", "?", sql), sql)

    def listened(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)
        connection.set_trace_callback(said)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", listened)
        yield statements
