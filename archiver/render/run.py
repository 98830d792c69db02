"""What `archiver run` prints."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from archiver.jobs.health import Health, size
from archiver.jobs.reporting import DocumentReport, MentionReport, Report
from archiver.quotes.audit import warnings
from archiver.render import happened
from archiver.render.text import Styled, line, moment, safe, short, word
from archiver.render.text import as_json as print_json

LISTS = ("text/uri-list", "text/csv", "text/tab-separated-values")
DEFAULT_DB = Path("data/archive.db")
SAID = ("embed", "signed-quotation")
"""Mentions that are always shown: their document says whose words they are."""
DOCUMENTS_IN_FULL, PASSAGES, ADDRESSES, PHRASES, REPAIRS = 20, 5, 20, 5, 5
PROBLEMS, FAILURES, NOTES = 50, 20, 20
OCCURS = "occurs in"
_DOCUMENT = re.compile(r"(?<=:)([0-9a-f]{12})[0-9a-f]{52}(?![0-9a-f])")


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
    """The report of a run: whole as JSON; as text what a person can read, with what was left out counted."""
    if as_json:
        print_json(asdict(report))
        return
    at = "" if db == DEFAULT_DB else f" --db {db}"
    for number, document in enumerate(report.documents):
        _document(document, at, full=number < DOCUMENTS_IN_FULL)
    _rest(report.documents[DOCUMENTS_IN_FULL:])
    _listed([f"! {_plain(problem)}" for problem in report.problems], PROBLEMS, "seeds that cannot be used", "yellow")
    _listed([f"! {_plain(failure)}" for failure in report.failures], FAILURES, "failed looks", "yellow")
    _listed([f"Note: {_plain(note)}" for note in report.notes], NOTES, "notes", "")
    if report.broken:
        line((f"! {_plain(report.broken)}", "red"))
    for told in report.log:
        line(safe(told))
    line(f"Seeds: {report.stored} stored, {report.known} known already.")
    if report.offline:
        line("Offline: nobody was asked.")
    else:
        told = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.items()) or "nothing was due"
        size = f" ({report.received:,} bytes)" if report.received else ""
        line(f"Looks: {told}. Captures: {report.captures}{size}.")
    if report.scheduled:
        waiting = f", {report.waiting} after a failed look" if report.waiting else ""
        refs = "1 ref" if report.scheduled == 1 else f"{report.scheduled} refs"
        line(f"Queue: {refs}{waiting}; the next is due {moment(report.next_due)}.")
    if report.waiting:
        line("What could not be captured stays queued and is tried again when due: run the command again.")
    if not (report.stored or report.known or report.problems or report.scheduled):
        line("Nothing to do: name a document, a folder or an address, or put documents into a folder seeds/ here.")
    line(f"Archive: {db} (open it with `archiver serve{at}`)")


def brief_line(report: Report, db: Path, health: Health | None) -> str:
    """The report of a run in one line."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.items())
    parts = [f"{report.looks} looks" + (f" ({outcomes})" if outcomes else "")]
    parts.append(f"{report.captures} captures" + (f" ({size(report.received)})" if report.received else ""))
    parts += [f"{report.stored} seeds stored"] * bool(report.stored)
    parts += [f"{report.happened} events"] * bool(report.happened)
    due = f"; next due {moment(report.next_due)}" if report.next_due else ""
    parts.append(f"{report.scheduled} refs queued, {report.waiting} after a failed look{due}")
    if report.problems or report.broken:
        parts.append(short(report.broken or f"{len(report.problems)} seeds cannot be used: {report.problems[0]}", 200))
    elif health is not None and health.troubles:
        parts.append(f"{health.verdict}: {short(health.troubles[0].what, 200)}")
    return f"archiver: {db}: {', '.join(parts[:-1])}; {parts[-1]}"


def _plain(message: str) -> str:
    """A message without pointers that only programs need: a line is called a line, the start of a file nothing."""
    message = re.sub(r" \(text:(\d+):\d+\)$", r" (line \1)", safe(message))
    message = re.sub(r" at text:(\d+):\d+$", r" at line \1", message)
    message = re.sub(r"^(\S+): \1: ", r"\1: ", message)  # an address that was given is its own seed
    return re.sub(r" at (?:byte:0|text:1:1|/)$", "", message)


def _listed(lines: list[str], most: int, what: str, style: str) -> None:
    """Lines up to a bound, and how many more there are."""
    for text in lines[:most]:
        line((text, style))
    if len(lines) > most:
        line(f"… and {len(lines) - most} more {what}: `--json` lists all.")


def _tells(mention: MentionReport) -> bool:
    """Whether a mention says more than that words or an address stand in a document."""
    if mention.kind in SAID or mention.edits or mention.outcome not in ("", "live"):
        return True
    if warnings(mention.flags.split()) or mention.parts or mention.verdict not in ("", "not-found", "not-judged"):
        return True
    if mention.sources.startswith(OCCURS):
        return True
    if mention.kind == "passage":
        return bool(mention.ref)
    if mention.status == "resolved":
        return bool(mention.reason) and not mention.verdict
    return mention.status not in ("other-page", "pending", "unresolved")


def _document(document: DocumentReport, at: str, *, full: bool) -> None:
    """A document with its passages without a source and its plain addresses bounded; not in full: without them."""
    shown = [mention for mention in document.mentions if full or _tells(mention)]
    if not (full or shown):
        return
    line((safe(document.name), "bold"), f" ({document.characters:,} characters)")
    if full:
        for repair in document.repairs[:REPAIRS]:
            line(f"  damaged encoding: {safe(repair)}")
        _more(len(document.repairs) - REPAIRS, "piece of damaged text", "pieces of damaged text", "`--json` lists all")
    passages = addresses = 0
    for mention in shown:
        if _tells(mention):
            _mention(mention)
        elif mention.kind == "passage":
            passages += 1
            if passages <= PASSAGES:
                _passage(mention)
        else:
            addresses += 1
            if addresses <= ADDRESSES:
                _mention(mention)
    lists = f"`archiver show {_shorter(document.ref)}{at}` lists all"
    nowhere = next((m.sources for m in shown if m.kind == "passage" and m.sources and not _tells(m)), "")
    if nowhere:
        line(f"  passages without a source: {safe(nowhere)}")
    _more(passages - PASSAGES, "passage without a source", "passages without a source", lists)
    _more(addresses - ADDRESSES, "address", "addresses", lists)
    if full:
        for phrase in document.phrases[:PHRASES]:
            line(f"  phrase: {_shorter(safe(phrase))}")
        phrases = len(document.phrases) - PHRASES
        _more(phrases, "phrase that stands elsewhere", "phrases that stand elsewhere", "`--json` lists all")
        if not document.mentions:
            line("  a list of addresses" if document.media_type in LISTS else "  no mention of a post found")
    line()


def _more(count: int, one: str, many: str, where: str) -> None:
    if count > 0:
        line(f"  and {count} more {one if count == 1 else many}; {where}")


def _rest(documents: list[DocumentReport]) -> None:
    """How much of the documents that are not shown in full was left out."""
    if not documents:
        return
    left = Counter(m.kind for document in documents for m in document.mentions if not _tells(m))
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(left.items()))
    line(
        f"{len(documents)} more documents: only embeds, signed quotations and judged words are shown; "
        f"left out: {told or 'nothing'}. `--json` lists all."
    )
    line()


def _passage(mention: MentionReport) -> None:
    """Words without a source: nothing is said of them, so one line."""
    reason = "" if mention.verdict == "not-found" else f" ({short(mention.reason, 60)})" if mention.reason else ""
    line(
        f"  passage: “{short(mention.words, 80)}” ",
        word(mention.verdict or mention.status),
        reason,
        (f" {_shorter(mention.passage)}", "dim"),
    )


def _mention(mention: MentionReport) -> None:
    who = f" @{safe(mention.handle)}" if mention.handle else ""
    when = f" {mention.day}" if mention.day else ""
    line(f"  {mention.kind}{who}{when}: “{short(mention.words, 80)}”")
    told: list[str | Styled] = ["    ", word(mention.status)]
    if mention.ref:
        told.append(f" {safe(mention.ref)}" + (f" by {mention.how}" if mention.how else ""))
    if mention.verdict:
        told += [", verdict ", word(mention.verdict)]
    if warned := warnings(mention.flags.split()):
        told.append((f" [{' '.join(warned)}]", "bold yellow"))
    line(*told)
    for change in mention.changes:
        line((f"    {short(change, 200)}", "bold red" if mention.verdict == "altered" else ""))
    if mention.parts:
        line(f"    put together from {' and '.join(map(safe, mention.parts))}")
    fate = happened.state(mention.outcome, edited=bool(mention.edits))
    if fate and mention.status == "resolved":
        line((f"    {fate}", "red"))
    if mention.reason:
        line(f"    {short(mention.reason, 200)}")
    if mention.sources.startswith(OCCURS):
        line((f"    {_shorter(safe(mention.sources))}", "cyan"))
    if mention.id_low and mention.status != "resolved":
        line(f"    a post of that day has an id between {mention.id_low} and {mention.id_high}")
    if mention.verdict or mention.status != "resolved":
        line((f"    {_shorter(mention.passage)}", "dim"))


def _shorter(text: str) -> str:
    """Document hashes by their first twelve digits: enough to tell apart, short enough to read."""
    return _DOCUMENT.sub(r"\1…", text)
