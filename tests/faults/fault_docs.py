"""Writes docs/faults.md from the table (`python tests/faults/fault_docs.py`); test_faults.py holds the two equal."""

from __future__ import annotations

import itertools
from pathlib import Path

from fault_table import FAULTS, Fault

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN = """# What goes wrong, and what is made of it

Each line is a server, a connection or a name of a test (`tests/faults`), on real sockets, against `archiver run` as a
process of its own. All of them are asked in one run, which goes on with the others, ends, and takes less than 150 MB.
Whatever came is recorded as a capture with its failure, and `archiver verify` holds it. This page is written from the
table of the test by `python tests/faults/fault_docs.py`.

*Recorded* is the status of the last answer, as far as one was read, and the failure of the transport; a whole message
has none. *Outcome* is what the look says of the page. *Again* says when it is looked at next: **soon** is a failed
look, after a quarter of an hour, doubled up to a day; **asked** is not before the server said; **watched** is an
answer, after which the policy of the watch holds; **rarely** is after the policy's longest pause, since addresses,
rules, limits and servers change. Tries within a run, up to three, are not told here.

No fault is called deleted: of all these, 410 alone says so, which is a statement of the server about the page.
"""


def _line(fault: Fault) -> str:
    status = "" if fault.status is None else str(fault.status)
    recorded = ", ".join(filter(None, (status, fault.failure.replace("|", " or "))))
    return f"| {fault.does} | {recorded} | {fault.outcome} | {fault.again} |"


def written() -> str:
    """The whole page."""
    parts = [BEGIN]
    for group, faults in itertools.groupby(FAULTS, lambda fault: fault.group):
        lines = [f"## {group}", "", "| what happens | recorded | outcome | again |", "|---|---|---|---|"]
        parts.append("\n".join([*lines, *map(_line, faults)]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
