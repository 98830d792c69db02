"""One text against the archive: quotations judged as in archived documents, with their places in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from archiver.documents import blocks
from archiver.documents import mentions as mention_rules
from archiver.documents import places as lines
from archiver.documents.quoted import Quoted
from archiver.documents.sourcemap import to_source
from archiver.errors import InputError
from archiver.jobs import link, match, read, sources
from archiver.jobs.checked import (
    CheckedDocument,
    Compared,
    Difference,
    Holder,
    Occurrence,
    Phrase,
    Quotation,
    Where,
)
from archiver.jobs.phrases import MOST_HITS, MOST_PHRASES
from archiver.jobs.places import Place, places_of
from archiver.model import Answer, Change, Document, Failure, Ref, Request, Span, VerdictKind
from archiver.quotes import phrases, shingles
from archiver.quotes.verdict import is_faithful
from archiver.store import holding
from archiver.store.archive import Archive


def checked_document(
    archive: Archive, coverage: sources.Coverage, name: str, data: bytes, media_type: str
) -> CheckedDocument:
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
    shown, short = _phrases(archive, document, [one.place.text for one in judged])
    located = _located(document, judged, [span for span, _ in shown])
    notes = [part.reason + (f" ({part.pointer})" if part.pointer else "") for part in document.unread]
    notes += [f"damaged encoding: {repair.before} → {repair.after}" for repair in document.repairs]
    if short:
        notes.append(f"{short} in quotation marks with fewer than eight words that no archived post holds: not judged")
    return CheckedDocument(
        name=name,
        ref=str(document.ref),
        media_type=document.media_type,
        encoding=document.encoding,
        characters=len(document.text),
        mentions=len(result.mentions),
        notes=tuple(notes),
        quotations=tuple(_quotation(archive, coverage, one, located.words) for one in judged),
        phrases=tuple(
            Phrase(where=located.text(span), words=document.text[span.start : span.end], posts=posts)
            for span, posts in shown
        ),
    )


def _phrases(
    archive: Archive, document: Document, taken: list[Span]
) -> tuple[list[tuple[Span, tuple[Holder, ...]]], int]:
    """Words in quotation marks outside every mention, with the posts that hold them; and how many none holds."""
    found, short = [], 0
    held = blocks.merged(taken)
    for span in phrases.quoted_phrases(document.text)[:MOST_PHRASES]:
        words = document.text[span.start : span.end]
        keys = tuple(word for word, _ in shingles.words(words))
        if len(keys) < holding.LENGTH or blocks.overlaps(held, span):
            continue
        posts = dict.fromkeys(
            str(row["ref"])
            for row in holding.versions(archive, keys, MOST_HITS)
            if phrases.find_phrase(words, row["text"])
        )
        if posts:
            found.append((span, tuple(_holder(archive, post) for post in posts)))
        else:
            short += 1
    return found, short


def _holder(archive: Archive, post: str) -> Holder:
    row = archive.one(
        "SELECT p.handle, p.posted_at, p.url FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?", post
    )
    handle, posted_at, address = ("", "", "") if row is None else (row["handle"], row["posted_at"], row["url"])
    return Holder(post=post, handle=handle, posted_at=posted_at, address=address)


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
    own = Ref(platform="doc", kind="document", id=place.passage.id.partition(":")[0])
    held = None if found else sources.find(archive, place, own, {one.post for one in matches})
    return Judged(place=place, quoted=quoted, resolution=resolution, matches=matches, held=held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Lines and columns in the file of all that is told: `found` maps offsets in the source."""

    document: Document
    found: dict[int, lines.Place]

    def words(self, quoted: Quoted, words: Span) -> Where:
        """Where a stretch of quoted words stands."""
        return self._where(quoted.in_source(words))

    def text(self, span: Span) -> Where:
        """Where a stretch of the document's text stands."""
        return self._where(_in_source(self.document, span))

    def _where(self, source: Span) -> Where:
        start, end = self.found[source.start], self.found[source.end]
        return Where(line=start.line, column=start.column, end_line=end.line, end_column=end.column)


def _located(document: Document, judged: list[Judged], spans: list[Span]) -> Located:
    """Places of all quotations and what was changed in them, and of stretches of the text, in one pass."""
    places = [_in_source(document, span) for span in spans]
    for one in judged:
        changes = [change.quoted_span for m in one.matches for change in m.verdict.changes]
        places += [one.quoted.in_source(words) for words in (_whole(one.quoted), *changes)]
    offsets = sorted({offset for place in places for offset in (place.start, place.end)})
    found = dict(zip(offsets, lines.places(document.source, offsets), strict=True))
    return Located(document=document, found=found)


def _in_source(document: Document, span: Span) -> Span:
    return span if document.text == document.source else to_source(document.runs, span)


def _whole(quoted: Quoted) -> Span:
    return Span(start=0, end=len(quoted.text))


def _quotation(
    archive: Archive, coverage: sources.Coverage, one: Judged, located: Callable[[Quoted, Span], Where]
) -> Quotation:
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
        source=_source(one, coverage),
        occurrences=tuple(_occurrence(source) for source in one.held or ()),
    )


def _source(one: Judged, coverage: sources.Coverage) -> str:
    """Where the words occur, or what was searched in vain; nothing where a post is told that they were held against."""
    judged = any(match.original is not None for match in one.matches)
    if one.held is None or not sources.searchable(one.place.quoted) or (judged and not one.held):
        return ""
    return sources.tell(one.held, coverage)


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
