"""What `archiver verify` prints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from archiver.jobs.verify import Verified
from archiver.jobs.verifying_found import Finding
from archiver.render.text import as_json as print_json
from archiver.render.text import line, safe

SHOWN = 50
CHECKS = {
    "blob": "bytes against their hash",
    "leaf": "leaves of the log",
    "row": "rows against their leaves",
    "tile": "tiles of the log",
    "checkpoint": "signed heads against the log",
    "signature": "signatures of heads",
    "kept": "heads kept elsewhere",
    "anchor": "outside tokens",
    "after": "tokens that captures name",
    "bracket": "clocks against outside times",
    "proof": "authors' own proofs",
    "file": "the file",
}
_ONE = {"captures": "capture", "blobs": "blob", "log_tile": "tile", "log_checkpoint": "checkpoint"}
_ONE |= {"log_anchor": "token", "log_key": "key", "reading_marks": "reading", "statements": "statement"}


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # takes 40 ms to import: only where a terminal shows it
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks = {what: bar.add_task(what, total=None, visible=False) for what in ("leaves", "bytes")}

        def moving(what: str, done: int, of: int) -> None:
            bar.update(tasks[what], completed=done, total=of, visible=True)

        yield moving


def print_verified(report: Verified, *, as_json: bool) -> None:
    """The outcome: what is wrong, what could not be checked, what held."""
    if as_json:
        print_json(asdict(report))
        return
    for log in report.logs:
        line(f"Log: {safe(log)}")
    _all(report.wrong, report.wrong_counts, "WRONG", "bold red")
    _all(report.unchecked, report.unchecked_counts, "Not checked", "yellow")
    for note in report.notes:
        line(f"Note: {safe(note)}")
    held = ", ".join(f"{number:,} {what}" for what, number in report.held.items()) or "nothing"
    line(f"Checked ({safe(report.scope)}): {held}.")
    if report.fixity is not None:
        line(f"Recorded as leaf {report.fixity}.")
    unchecked = sum(report.unchecked_counts.values())
    if report.faults:
        line((f"{report.faults:,} found wrong.", "bold red"))
    elif unchecked:
        line((f"Nothing is wrong; {unchecked:,} could not be checked.", "yellow"))
    else:
        line(("Everything that was checked holds.", "green"))


def _all(findings: list[Finding], counts: dict[str, int], word: str, style: str) -> None:
    for check, count in counts.items():
        line((f"{word}: {CHECKS[check]} ({count:,})", style))
        of_check = [finding for finding in findings if finding.check == check]
        for finding in of_check[:SHOWN]:
            line(f"  {safe(where(finding))}: {safe(finding.reason)}")
        if count > SHOWN:
            line(f"  … and {count - SHOWN:,} more: `--json` lists {min(count, len(of_check)):,}")


def where(finding: Finding) -> str:
    """The place of a finding in words: `capture UID (leaf 12)`."""
    place = finding.place
    name = _ONE.get(place.table, place.table)
    if place.table == "log_leaf":
        return place.key or ("the log" if place.leaf is None else f"leaf {place.leaf}")
    told = f"{name} {place.key}" if place.key else name
    return told if place.leaf is None else f"{told} (leaf {place.leaf})"
