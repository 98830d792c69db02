"""What `archiver run` prints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from archiver.jobs.rebuild import Rebuilt
from archiver.jobs.run import DocumentReport, MentionReport, Report
from archiver.render.text import Styled, line, moment, safe, short, word
from archiver.render.text import as_json as print_json

LISTS = ("text/uri-list", "text/csv", "text/tab-separated-values")


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A moving line on a terminal; a plain line every hundred captures elsewhere; nothing when quiet."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():

        def plain(what: str, done: int, active: int) -> None:
            if done and done % 100 == 0:
                print(f"{done} {what}, {active} under way", file=sys.stderr)

        yield plain
        return
    from rich.console import Console  # takes 40 ms to import: only where a terminal shows it
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("captures", total=None)

        def moving(what: str, done: int, active: int) -> None:
            bar.update(task, description=f"{done} {what}, {active} under way")

        yield moving


def print_run(report: Report, db: Path, *, as_json: bool) -> None:
    """The report of a run."""
    if as_json:
        print_json(asdict(report))
        return
    for document in report.documents:
        _document(document)
    for problem in report.problems:
        line((f"! {safe(problem)}", "yellow"))
    for failure in report.failures:
        line((f"! {safe(failure)}", "yellow"))
    for note in report.notes:
        line(f"Note: {safe(note)}")
    line(f"Seeds: {report.stored} stored, {report.known} known already.")
    if report.offline:
        line("Offline: nobody was asked.")
    else:
        told = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.items()) or "nothing was due"
        size = f" ({report.received:,} bytes)" if report.received else ""
        line(f"Looks: {told}. Captures: {report.captures}{size}.")
    if report.scheduled:
        waiting = f", {report.waiting} after a failed look" if report.waiting else ""
        line(f"Queue: {report.scheduled} refs{waiting}; the next is due {moment(report.next_due)}.")
    if report.waiting:
        line("What could not be captured stays queued and is tried again when due: run the command again.")
    line(f"Archive: {db} (open it with `archiver serve{'' if str(db) == 'data/archive.db' else f' --db {db}'}`)")


def _document(document: DocumentReport) -> None:
    line((safe(document.name), "bold"), f" ({document.characters:,} characters)")
    for repair in document.repairs:
        line(f"  damaged encoding: {repair}")
    for mention in document.mentions:
        _mention(mention)
    for phrase in document.phrases:
        line(f"  phrase: {_shorter(phrase)}")
    if not document.mentions:
        line("  a list of addresses" if document.media_type in LISTS else "  no mention of a post found")
    line()


def _mention(mention: MentionReport) -> None:
    who = f" @{mention.handle}" if mention.handle else ""
    when = f" {mention.day}" if mention.day else ""
    line(f"  {mention.kind}{who}{when}: “{short(mention.words, 80)}”")
    told: list[str | Styled] = ["    ", word(mention.status)]
    if mention.ref:
        told.append(f" {mention.ref}" + (f" by {mention.how}" if mention.how else ""))
    if mention.verdict:
        told += [", verdict ", word(mention.verdict)]
    if mention.flags:
        told.append((f" [{mention.flags}]", "bold yellow"))
    line(*told)
    for change in mention.changes:
        line((f"    {short(change, 200)}", "bold red" if mention.verdict == "altered" else ""))
    if mention.parts:
        line(f"    put together from {' and '.join(mention.parts)}")
    fate = [mention.outcome] if mention.outcome not in ("", "live") else []
    fate += ["edited"] if mention.edits else []
    if fate and mention.status == "resolved":
        line((f"    the post is {' and '.join(fate)}", "red"))
    if mention.reason:
        line(f"    {short(mention.reason, 200)}")
    if mention.id_low and mention.status != "resolved":
        line(f"    a post of that day has an id between {mention.id_low} and {mention.id_high}")
    if mention.verdict or mention.status != "resolved":
        line((f"    {_shorter(mention.passage)}", "dim"))


def _shorter(text: str) -> str:
    """Document hashes by their first twelve digits: enough to tell apart, short enough to read."""
    return " ".join(
        f"{part[: -len(rest)]}{rest[:12]}…{rest[64:]}" if len(rest := part.split(":", 2)[-1]) >= 64 else part
        for part in text.split(" ")
    )


def print_rebuilt(report: Rebuilt, *, check: bool, as_json: bool) -> None:
    """The report of a rebuild."""
    if as_json:
        print_json(asdict(report))
        return
    changed = sum(gone + new for gone, new in report.differences.values())
    line(f"{report.captures} captures read, {report.documents} documents settled, {report.rows} rows.")
    for difference in report.shown:
        line(short(difference, 400))
    verb = "differ" if check else "changed"
    line((f"{changed} differences" if check else f"{changed} rows {verb}", "bold" if changed else ""))
