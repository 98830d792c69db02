"""`archiver check`: every quotation of a text against the archive. Reads only, stores nothing, asks nobody."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from archiver.documents import mentions as mention_rules
from archiver.documents import places as lines
from archiver.documents.quoted import Quoted
from archiver.errors import InputError
from archiver.jobs import link, match, read, sources
from archiver.jobs.checked import CheckedDocument, Compared, Difference, Occurrence, Quotation, Report, Where
from archiver.jobs.intake import printable
from archiver.jobs.places import Place, places_of
from archiver.model import Answer, Change, Document, Failure, Ref, Request, Span, VerdictKind
from archiver.quotes.verdict import is_faithful
from archiver.store import schema
from archiver.store.archive import Archive, open_reader


def check_files(db: Path, files: Iterable[str], *, media_type: str = "", stdin: BinaryIO | None = None) -> Report:
    """Checks files, `-` for standard input, against one state of the archive. InputError when the archive cannot be
    read; a file that cannot be checked is a message in `problems`, and the rest goes on."""
    archive = open_reader(db)
    try:
        archive.db.execute("BEGIN")  # one state, whatever a run beside it writes
        _current(archive)
        coverage = sources.coverage(archive)
        report = Report(
            archive=str(db),
            posts=coverage.posts,
            documents=coverage.documents,
            cutoff=coverage.cutoff,
            policy=match.POLICY,
        )
        for file in files:
            name = "stdin" if file == "-" else printable(file)
            try:
                report.checked.append(_checked(archive, coverage, name, _bytes(file, stdin), media_type))
            except InputError as error:
                report.problems.append(printable(str(error)))
            except OSError as error:
                report.problems.append(printable(f"{file}: {error.strerror or error}"))
        counted = Counter(q.verdict or q.status for document in report.checked for q in document.quotations)
        report.counts = dict(sorted(counted.items()))
        return report
    finally:
        archive.db.close()


def _current(archive: Archive) -> None:
    """Readings of another version have other tables; only a writer may make them again."""
    row = archive.one("SELECT value FROM work_state WHERE name = 'readings_version'")
    if row is None or row[0] != schema.READINGS_VERSION:
        raise InputError(
            "the readings of this archive were made by another version",
            place=str(archive.path),
            hint="Run `archiver rebuild` once, then check again",
        )


def _bytes(file: str, stdin: BinaryIO | None) -> bytes:
    if file == "-":
        if stdin is None:
            raise InputError("nothing on standard input", place="-", hint="Pipe a document into the command")
        data = stdin.read(read.MAX_SEED + 1)
    else:
        path = Path(file)
        if "://" in file and not path.exists():
            raise InputError(
                "an address cannot be checked: nothing is asked for", place=file, hint="Give a saved copy of the page"
            )
        if path.is_dir():
            raise InputError("this is a folder", place=file, hint="Name the files in it")
        if not path.is_file():
            raise InputError("no such file", place=file, hint="Name a document, or - for standard input")
        with path.open("rb") as body:
            data = body.read(read.MAX_SEED + 1)
    if len(data) > read.MAX_SEED:
        raise InputError(f"more than {read.MAX_SEED:,} bytes", place=file, hint="Check it in parts")
    return data


def _checked(archive: Archive, coverage: sources.Coverage, name: str, data: bytes, media_type: str) -> CheckedDocument:
    """Reads one file as a seed is read, and judges its quotations as those of archived documents are judged."""
    sha256 = hashlib.sha256(data).hexdigest()
    given = (("name", name), ("media_type", media_type))
    request = Request(
        ref=Ref(platform="doc", kind="document", id=sha256), route="seed", url=f"seed:{name}", given=given, follow=False
    )
    answer = Answer(
        request=request, status=None, headers=(), body=data, url=request.url, failure=Failure.NONE, detail="", at=""
    )
    result = read.read_answer(answer)
    document = result.document
    if document is None:
        told = "; ".join(finding.reason for finding in result.reading.findings if finding.reason)
        raise InputError(told or "cannot be read", place=name)
    quoting = [mention for mention in result.mentions if mention.quote is not None]
    judged = [
        _judged(archive, place, mention_rules.quoted(document, mention))
        for mention, place in zip(quoting, places_of(document, quoting), strict=True)
    ]
    located = _located(document, judged)
    notes = [part.reason + (f" ({part.pointer})" if part.pointer else "") for part in document.unread]
    notes += [f"damaged encoding: {repair.before} → {repair.after}" for repair in document.repairs]
    return CheckedDocument(
        name=name,
        ref=str(document.ref),
        media_type=document.media_type,
        encoding=document.encoding,
        characters=len(document.text),
        mentions=len(result.mentions),
        notes=tuple(notes),
        quotations=tuple(_quotation(archive, coverage, one, located) for one in judged),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One mention with what is known of it: `held` are its sources where no post was found, None where one was."""

    place: Place
    quoted: Quoted
    resolution: link.Resolution
    matches: tuple[match.Match, ...]
    held: tuple[sources.Source, ...] | None


def _judged(archive: Archive, place: Place, quoted: Quoted) -> Judged:
    resolution, matches = match.judge(archive, place, link.resolve(archive, place))
    found = resolution.status == "resolved" or any(is_faithful(one.verdict.kind) for one in matches)
    held = None if found else _sources(archive, place, {one.post for one in matches})
    return Judged(place=place, quoted=quoted, resolution=resolution, matches=matches, held=held)


def _sources(archive: Archive, place: Place, told: set[Ref | None]) -> tuple[sources.Source, ...]:
    """Where the words occur, but for the posts that they were judged against."""
    own = Ref(platform="doc", kind="document", id=place.passage.id.partition(":")[0])
    return tuple(source for source in sources.find(archive, place, own) if source.ref not in told)


Located = Callable[[Quoted, Span], Where]
"""Where a stretch of quoted words stands in the file."""


def _located(document: Document, judged: list[Judged]) -> Located:
    """Lines and columns of all quotations and of all that was changed in them, found in one pass over the file."""
    wanted: set[int] = set()
    for one in judged:
        changes = [change.quoted_span for m in one.matches for change in m.verdict.changes]
        for words in (_whole(one.quoted), *changes):
            span = one.quoted.in_source(words)
            wanted |= {span.start, span.end}
    offsets = sorted(wanted)
    found = dict(zip(offsets, lines.places(document.source, offsets), strict=True))

    def located(quoted: Quoted, words: Span) -> Where:
        span = quoted.in_source(words)
        start, end = found[span.start], found[span.end]
        return Where(line=start.line, column=start.column, end_line=end.line, end_column=end.column)

    return located


def _whole(quoted: Quoted) -> Span:
    return Span(start=0, end=len(quoted.text))


def _quotation(archive: Archive, coverage: sources.Coverage, one: Judged, located: Located) -> Quotation:
    place, resolution = one.place, one.resolution
    leading = one.matches[0].verdict if one.matches else None
    return Quotation(
        passage=str(place.passage),
        kind=place.kind.value,
        markup=place.markup,
        where=located(one.quoted, _whole(one.quoted)),
        words=place.quoted,
        handle=place.handle,
        name=place.name,
        day=place.day,
        url=place.url,
        status=resolution.status,
        how=resolution.how,
        post="" if resolution.ref is None else str(resolution.ref),
        reason=resolution.reason,
        verdict="" if leading is None else leading.kind.value,
        standard="" if leading is None else leading.standard,
        compared=tuple(_compared(archive, m, partial(located, one.quoted)) for m in _telling(one.matches)),
        source="" if one.held is None else sources.tell(one.held, coverage),
        occurrences=tuple(_occurrence(source) for source in one.held or ()),
    )


def _telling(matches: tuple[match.Match, ...]) -> Iterator[match.Match]:
    """Without versions of a post that read the same as one before, or that differ where an earlier one is faithful:
    that the post was edited is told with that one."""
    seen: set[tuple[Ref | None, str]] = set()
    faithful: set[Ref | None] = set()
    for one in matches:
        text = "" if one.original is None else one.original.text
        told = is_faithful(one.verdict.kind)
        if (one.post, text) not in seen and (told or one.post not in faithful):
            yield one
        seen.add((one.post, text))
        faithful |= {one.post} if told else set()


def _occurrence(source: sources.Source) -> Occurrence:
    return Occurrence(
        ref=str(source.ref),
        name=source.name,
        words=source.words,
        claimed_at=source.claimed_at,
        first_seen=source.first_seen,
        verdict=source.verdict.kind.value,
        standard=source.verdict.standard,
    )


_VERSION = (
    "SELECT p.url, p.name, p.text AS now, p.outcome, p.outcome_at, c.uid, c.observed_at FROM versions v "
    "JOIN posts p ON p.id = v.post JOIN sightings s ON s.version = v.id JOIN captures c ON c.id = s.capture "
    "WHERE v.id = ? ORDER BY c.origin, c.leaf LIMIT 1"
)


def _compared(archive: Archive, one: match.Match, located: Callable[[Span], Where]) -> Compared:
    told, original = one.verdict, one.original
    compared = Compared(
        verdict=told.kind.value,
        standard=told.standard,
        faithful=is_faithful(told.kind) and told.kind is not VerdictKind.SPLICED,
        found_by=one.found_by,
        post="" if one.post is None else str(one.post),
        flags=told.flags,
        reason=told.reason,
        repeats="" if one.repeats is None else str(one.repeats),
    )
    row = None if original is None else archive.one(_VERSION, original.version)
    if original is None or row is None:
        return compared
    ours, theirs = told.quoted_span or Span(start=0, end=0), told.original_span or Span(start=0, end=0)
    return replace(
        compared,
        address=row["url"],
        handle=original.handle,
        name=row["name"],
        posted_at=original.posted_at,
        text=original.text,
        current=row["now"] == original.text,
        outcome=row["outcome"],
        outcome_at=row["outcome_at"],
        first_seen=row["observed_at"],
        capture=row["uid"],
        version=original.sha256,
        quoted_start=ours.start,
        quoted_end=ours.end,
        original_start=theirs.start,
        original_end=theirs.end,
        steps=told.steps,
        omitted=told.omitted,
        differences=tuple(_difference(change, located) for change in told.changes),
    )


def _difference(change: Change, located: Callable[[Span], Where]) -> Difference:
    return Difference(
        op=change.op,
        quoted=change.quoted,
        original=change.original,
        quoted_start=change.quoted_span.start,
        quoted_end=change.quoted_span.end,
        original_start=change.original_span.start,
        original_end=change.original_span.end,
        where=located(change.quoted_span),
    )
