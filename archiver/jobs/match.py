"""Verdicts: each quotation against the post versions that it may quote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from archiver.custody import canonical
from archiver.jobs import originals, ruling, spliced
from archiver.jobs.link import Resolution, against_signature, same_handle
from archiver.jobs.originals import Original
from archiver.jobs.places import Place
from archiver.jobs.sources import spoken
from archiver.model import POST_KINDS, Ref, Verdict, VerdictKind
from archiver.platforms import unasked
from archiver.quotes import shingles, verdict
from archiver.quotes.audit import warnings, warnings_first
from archiver.quotes.duplicates import likeness, near_duplicates
from archiver.quotes.normal import repost_of
from archiver.store import erasing
from archiver.store.archive import Archive

FEWEST_WORDS = 5
LATEST = "9999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A verdict with the version it was given against; `found_by` is target, signature or words. `repeats` is the
    earlier post that this one says (nearly) the same as."""

    verdict: Verdict
    original: Original | None
    found_by: str
    post: Ref | None = None
    repeats: Ref | None = None


def judge(archive: Archive, mention: Place, resolution: Resolution) -> tuple[Resolution, tuple[Match, ...]]:
    """The verdicts on one mention, the leading one first, and the resolution that they lead to (rule 4 of `link`)."""
    if mention.quote is None or not mention.quoted.strip():
        return resolution, ()
    named = resolution.ref if resolution.ref is not None and resolution.ref.kind in POST_KINDS else None
    if named is not None:
        return resolution, _warned(mention, _against_named(archive, mention, named))
    platform = mention.platform if mention.handle else ""
    signed = originals.by_signature(archive, mention)
    narrowed = originals.by_words(archive, mention.quoted, handle=mention.handle, platform=platform)
    found = [*_judged(mention, signed, "signature"), *_judged(mention, narrowed, "words")]
    matches = _distinct(sorted((match for match in found if _worth_telling(match.verdict)), key=_earliest_first))
    if not any(_fits(mention, match) for match in matches):
        others = originals.by_words(archive, mention.quoted) if mention.handle else []
        parts = _splice(archive, mention, (), [*signed, *narrowed, *others])
        matches = _distinct((*parts, *matches, *_elsewhere(mention, others)))
        return resolution, _warned(mention, matches or (_nothing(archive, mention, bool(signed)),))
    faithful = [match for match in matches if verdict.is_faithful(match.verdict.kind)]  # an unlike one is no news now
    matches = _warned(mention, _repeating(_with_paragraphs_before(mention, faithful)))
    return _resolved_by_text(mention, resolution, [match for match in matches if _fits(mention, match)]), matches


def _against_named(archive: Archive, mention: Place, post: Ref) -> tuple[Match, ...]:
    """The versions of the post that a mention names; where none is quoted faithfully, also whose words they are."""
    held = originals.versions_of(archive, post)
    if not held:
        return (_not_judged(archive, post),)
    matches = tuple(sorted(_judged(mention, held, "target"), key=_best_first))
    if verdict.is_faithful(matches[0].verdict.kind):
        return _distinct(_with_paragraphs_before(mention, matches))
    others = originals.by_signature(archive, mention) + originals.by_words(archive, mention.quoted)
    parts = _splice(archive, mention, held, others)
    return _distinct((*parts, *matches, *_elsewhere(mention, others)))


def _elsewhere(mention: Place, held: list[Original]) -> list[Match]:
    """Posts of anybody that hold the words: told where the post or author that a mention names does not."""
    found = _judged(mention, held, "words")
    return sorted((match for match in found if _fits(mention, match)), key=_earliest_first)


BEFORE, ALTERED_BEFORE = "paragraphs-before", "altered-before"
"""Flags: the paragraphs before the quotation are the same post's, too; they seem to be, but differ from it."""


def _with_paragraphs_before(mention: Place, matches: Iterable[Match]) -> Iterator[Match]:
    """The matches; where one leaves out the beginning of its post and the document has paragraphs before, with a flag
    of what they are. Plain text does not say where a post of several paragraphs begins."""
    for match in matches:
        told, original = match.verdict, match.original
        starts = told.original_span
        lacks = starts is not None and original is not None and bool(shingles.words(original.text[: starts.start]))
        if mention.wider and starts and original and lacks and verdict.is_faithful(told.kind):
            wide = verdict.judge(mention.wider, original.text, truncated=original.truncated, open_start=True)
            if wide.original_span is not None and wide.original_span.start < starts.start:
                more = (BEFORE,) if verdict.is_faithful(wide.kind) else ()
                more = (ALTERED_BEFORE,) if wide.kind is VerdictKind.ALTERED else more
                match = replace(match, verdict=replace(told, flags=(*told.flags, *more)))
        yield match


def _repeating(matches: Iterable[Match]) -> Iterator[Match]:
    """The matches; each whose post says (nearly) what the post of an earlier one says, with that."""
    known = list(matches)
    texts = ["" if match.original is None else match.original.text for match in known]
    for match, text, first in zip(known, texts, near_duplicates(texts), strict=True):
        other = None if first is None else known[first].post
        if first is not None and other is not None and other != match.post:
            kind = "duplicate" if likeness(texts[first], text) == 1 else "near-duplicate"
            reason = "; ".join(filter(None, (match.verdict.reason, f"a {kind} of {other}")))
            match = replace(match, repeats=other, verdict=replace(match.verdict, reason=reason))
        yield match


REPOST_MARK = "repost-mark"
WARNINGS = (AUTHOR_DIFFERS, DAY_DIFFERS, COPY) = ("author-differs", "day-differs", "copy")
"""Flags of a match, beside those of its words: the signature names another author or day than the post has, or the
words were compared with what another server shows of a post."""


def _warned(mention: Place, matches: Iterable[Match]) -> tuple[Match, ...]:
    """The matches with what a reader must be warned of in the posts that they were compared with."""
    out = []
    for match in matches:
        original = match.original
        if original is not None:
            against = against_signature(mention, original.handles, original.posted_at)
            said = tuple(flag for flag in match.verdict.flags if flag != REPOST_MARK)
            named = repost_of(mention.quoted) if len(said) < len(match.verdict.flags) else ""
            another = bool(named and original.handles) and not any(same_handle(named, one) for one in original.handles)
            if named and not original.handles:  # whether the name before the words is the author's is not known
                said = (*said, REPOST_MARK)
            flags = (AUTHOR_DIFFERS, DAY_DIFFERS, COPY)
            true = (against.author or another, against.day, original.copy)
            more = tuple(flag for flag, holds in zip(flags, true, strict=True) if holds)
            match = replace(match, verdict=replace(match.verdict, flags=warnings_first((*said, *more))))
        out.append(match)
    return tuple(out)


def _resolved_by_text(mention: Place, resolution: Resolution, faithful: list[Match]) -> Resolution:
    """Rule 4 of `link`: the post that holds the words, when nothing speaks against it. A post that only a copy shows,
    of another author or day than the signature's, or one of several authors' with the same words, is told, but the
    mention is not said to be it."""
    if resolution.status not in ("unresolved", "media-source", "pending"):
        return resolution
    sure = [match for match in faithful if not set(WARNINGS) & set(match.verdict.flags)]
    leading = next((match.original for match in sure if match.original is not None), None)
    if leading is None:
        return resolution
    authors = {(m.original.post.platform, m.original.handle.casefold()) for m in sure if m.original is not None}
    if not mention.handle and len(authors) > 1:
        told = f"its words stand in posts of {len(authors)} authors"
        return replace(resolution, reason="; ".join(filter(None, (resolution.reason, told))))
    reason = "; ".join(filter(None, (resolution.reason, "its words stand in this post")))
    return replace(resolution, status="resolved", how="text", ref=leading.post, reason=reason)


def _nothing(archive: Archive, mention: Place, compared: bool) -> Match:
    """No original at all. Where a signature names an author whose post of that day was never captured, nothing was
    compared, so nothing is said of the words. What was erased may have been captured, and may have held them."""
    gone = erasing.counted(archive)
    but = f", from which {gone} {'thing was' if gone == 1 else 'things were'} erased" if gone else ""
    if mention.handle and not compared:
        posts = f"no post of @{mention.handle} of {mention.day or 'any day'}"
        reason = f"{posts} is in the archive{but}" if gone else f"{posts} was captured"
        return Match(verdict=Verdict(kind=VerdictKind.NOT_JUDGED, reason=reason), original=None, found_by="signature")
    reason = f"no post in the archive{but}, holds all of these words" if gone else _NOT_FOUND
    told = Verdict(kind=VerdictKind.NOT_FOUND, reason=reason)
    return Match(verdict=told, original=None, found_by="words")


_NOT_FOUND = "no captured post holds all of these words"


def _not_judged(archive: Archive, post: Ref) -> Match:
    row = archive.one(
        "SELECT o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref JOIN captures c ON c.id = o.capture "
        "WHERE r.ref = ? AND c.tier <> 'import' ORDER BY c.origin, c.leaf DESC LIMIT 1",  # a file was not asked
        str(post),
    )
    why = unasked(post) if row is None else f"it was asked for: {row['outcome']}"
    if erasing.counted(archive) and (gone := erasing.earlier(archive, str(post))) is not None:
        why = f"it was erased {gone['at'][:10]} (leaf {gone['leaf']})"
    told = Verdict(kind=VerdictKind.NOT_JUDGED, reason=f"no capture shows the text of {post}; {why}")
    return Match(verdict=told, original=None, found_by="target", post=post)


def _judged(mention: Place, held: Iterable[Original], found_by: str) -> list[Match]:
    """A verdict against every original."""
    return [
        Match(
            verdict=_told(mention, original),
            original=original,
            found_by=found_by,
            post=original.post,
        )
        for original in held
    ]


def _told(mention: Place, original: Original) -> Verdict:
    """What is marked as spoken is held to the standard of speech, which never says altered."""
    if mention.speech:
        return spoken(mention.quoted, original.text, truncated=original.truncated)
    return verdict.judge(mention.quoted, original.text, truncated=original.truncated, open_start=mention.open_start)


def _distinct(matches: Iterable[Match]) -> tuple[Match, ...]:
    """The first match of each version."""
    kept: dict[object, Match] = {}
    for match in matches:
        kept.setdefault(match if match.original is None else match.original.version, match)
    return tuple(kept.values())


def _best_first(match: Match) -> tuple[object, ...]:
    """Versions of one post: what its own server showed before any copy, then by verdict, then by claimed time."""
    return (_copied(match), *verdict.preference(match.verdict), *_when(match))


def _earliest_first(match: Match) -> tuple[object, ...]:
    """Posts that may be the original: those that fit without a warning by claimed time, then those that fit with one,
    then the rest by verdict. None of them is "the source": the earliest only leads."""
    told = match.verdict
    if verdict.is_faithful(told.kind):
        return (_copied(match), int(bool(warnings(told.flags))), *_when(match), *verdict.preference(told))
    return (_copied(match), 2, *verdict.preference(told), *_when(match))


def _copied(match: Match) -> bool:
    return match.original is not None and match.original.copy


def _when(match: Match) -> tuple[str, str, str]:
    """The claimed time (a post without one stands last), then what makes the order unique."""
    original = match.original
    return ("", "", "") if original is None else (original.posted_at or LATEST, str(original.post), original.sha256)


def _worth_telling(told: Verdict) -> bool:
    unlike = told.kind is VerdictKind.ALTERED or "wording-differs" in told.flags
    return verdict.is_faithful(told.kind) or (unlike and told.score >= 0.6)


def _fits(mention: Place, match: Match) -> bool:
    """Whether the words are quoted faithfully from there. A few common words prove nothing about where they come
    from, unless a signature names the author and day."""
    span = match.verdict.quoted_span
    if span is None or not verdict.is_faithful(match.verdict.kind):
        return False
    return match.found_by == "signature" or len(shingles.words(mention.quoted[span.start : span.end])) >= FEWEST_WORDS


def _splice(archive: Archive, mention: Place, first: Iterable[Original], then: Iterable[Original]) -> tuple[Match, ...]:
    """The parts of a quotation that was put together from several posts; empty when it was not."""
    parts = spliced.parts(archive, mention, first, then)
    return tuple(
        Match(
            verdict=replace(part, kind=VerdictKind.SPLICED, reason=f"part {number} of {len(parts)}"),
            original=original,
            found_by="words",
            post=original.post,
        )
        for number, (original, part) in enumerate(parts, 1)
    )


def row_of(match: Match, rank: int) -> dict[str, object]:
    """A match as a row of `matches` (without mention and post, which the caller knows as local ids)."""
    told = match.verdict
    return {
        "version": None if match.original is None else match.original.version,
        "verdict": told.kind.value,
        "faithful": int(verdict.is_faithful(told.kind) and told.kind is not VerdictKind.SPLICED),
        "standard": told.standard,
        "score": f"{told.score:.4f}",
        "steps": " ".join(told.steps),
        "changes": json.dumps(json.loads(canonical.dumps(told.changes)), ensure_ascii=False),
        "omitted": " ".join(told.omitted),
        "flags": " ".join(told.flags),
        "quoted_start": None if told.quoted_span is None else told.quoted_span.start,
        "quoted_end": None if told.quoted_span is None else told.quoted_span.end,
        "original_start": None if told.original_span is None else told.original_span.start,
        "original_end": None if told.original_span is None else told.original_span.end,
        "found_by": match.found_by,
        "rank": rank,
        "policy": ruling.POLICY,
        "reason": told.reason,
    }
