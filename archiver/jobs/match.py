"""Verdicts: each quotation against the post versions that it may quote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from archiver.custody import canonical
from archiver.documents.mentions import policy as mentions_policy
from archiver.jobs.link import Resolution, against_signature, same_day, same_handle
from archiver.jobs.session import Session
from archiver.model import Ref, Verdict, VerdictKind
from archiver.quotes import shingles, verdict
from archiver.store import runs
from archiver.store.archive import Row

MOST_CANDIDATES = 12
FEWEST_WORDS = 5
LATEST = "9999"
POLICY = f"{mentions_policy()} {verdict.QUOTES_POLICY} match/2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One version that a quotation may quote. `handles` are all that its post was seen with; `copy` is what another
    server shows of a post that is not its own: anybody can write one, so it proves nothing about the author."""

    version: int
    post: Ref
    sha256: str
    text: str
    truncated: bool
    posted_at: str
    handle: str
    handles: tuple[str, ...]
    copy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A verdict with the version it was given against; `found_by` is target, signature or words."""

    verdict: Verdict
    original: Original | None
    found_by: str
    post: Ref | None = None


def judge(session: Session, mention: Row, resolution: Resolution) -> tuple[Resolution, tuple[Match, ...]]:
    """The verdicts on one mention, best first, and the resolution that they lead to (rule 4 of `link`)."""
    quoted = mention["quoted"]
    if mention["quote_start"] is None or not quoted.strip():
        return resolution, ()
    open_start = mention["markup"].endswith("-open") or mention["markup"] == "elision-excerpt"
    named = resolution.ref if resolution.ref is not None and resolution.ref.kind in ("post", "repost") else None
    if named is not None:
        originals = versions_of(session, named)
        if not originals:
            return resolution, (_not_judged(session, named),)
        matches = _judged(quoted, originals, open_start, "target")
        if not verdict.is_faithful(matches[0].verdict.kind):
            others = _by_signature(session, mention) + _by_words(session, quoted)
            spliced = _splice(quoted, [*originals, *others])
            matches = (*spliced, *matches)
        return resolution, _warned(mention, matches)
    signed = _judged(quoted, _by_signature(session, mention), open_start, "signature")
    words = [] if mention["markup"].startswith("speech") else _by_words(session, quoted)
    if mention["handle"]:
        words = [original for original in words if same_handle(mention["handle"], original.handle)]
    found = _judged(quoted, words, open_start, "words")
    matches = tuple(match for match in (*signed, *found) if _worth_telling(match.verdict))
    matches = _warned(mention, _distinct(matches))
    faithful = [match for match in matches if verdict.is_faithful(match.verdict.kind) and _long_enough(quoted, match)]
    if not faithful:
        spliced = _splice(quoted, [match.original for match in (*signed, *found) if match.original is not None])
        if spliced:
            return resolution, (*_warned(mention, spliced), *matches)
        return resolution, matches or (_nothing(mention, bool(signed)),)
    return _resolved_by_text(mention, resolution, faithful), matches


WARNINGS = (AUTHOR_DIFFERS, DAY_DIFFERS, COPY) = ("author-differs", "day-differs", "copy")
"""Flags of a match, beside those of its words: the signature names another author or day than the post has, or the
words were compared with what another server shows of a post."""


def _warned(mention: Row, matches: Iterable[Match]) -> tuple[Match, ...]:
    """The matches with what a reader must be warned of in the posts that they were compared with."""
    out = []
    for match in matches:
        original = match.original
        if original is not None:
            against = against_signature(mention, original.handles, original.posted_at)
            flags = (AUTHOR_DIFFERS, DAY_DIFFERS, COPY)
            true = (against.author, against.day, original.copy)
            more = tuple(flag for flag, holds in zip(flags, true, strict=True) if holds)
            match = replace(match, verdict=replace(match.verdict, flags=(*match.verdict.flags, *more)))
        out.append(match)
    return tuple(out)


def _resolved_by_text(mention: Row, resolution: Resolution, faithful: list[Match]) -> Resolution:
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
    if not mention["handle"] and len(authors) > 1:
        told = f"its words stand in posts of {len(authors)} authors"
        return replace(resolution, reason="; ".join(filter(None, (resolution.reason, told))))
    reason = "; ".join(filter(None, (resolution.reason, "its words stand in this post")))
    return replace(resolution, status="resolved", how="text", ref=leading.post, reason=reason)


def _nothing(mention: Row, compared: bool) -> Match:
    """No original at all. Where a signature names an author whose post of that day was never captured, nothing was
    compared, so nothing is said of the words."""
    if mention["handle"] and not compared:
        reason = f"no post of @{mention['handle']} of {mention['day'] or 'any day'} was captured"
        return Match(verdict=Verdict(kind=VerdictKind.NOT_JUDGED, reason=reason), original=None, found_by="signature")
    told = Verdict(kind=VerdictKind.NOT_FOUND, reason="no captured post holds these words")
    return Match(verdict=told, original=None, found_by="words")


def _not_judged(session: Session, post: Ref) -> Match:
    row = session.archive.one(
        "SELECT o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref JOIN captures c ON c.id = o.capture "
        "WHERE r.ref = ? ORDER BY c.origin, c.leaf DESC LIMIT 1",
        str(post),
    )
    why = "was not asked for yet" if row is None else f"was asked for: {row['outcome']}"
    told = Verdict(kind=VerdictKind.NOT_JUDGED, reason=f"no capture shows the text of {post}; it {why}")
    return Match(verdict=told, original=None, found_by="target", post=post)


def versions_of(session: Session, post: Ref) -> list[Original]:
    """Every version of a post (also those kept under its aliases: X gives each edit an id of its own), and of what
    it reposts or is a copy of, oldest first."""
    rows = session.archive.all(
        f"{_HELD} {_ORIGINAL} WHERE p.id IN (SELECT id FROM held) ORDER BY v.truncated, first, r.ref, v.sha256",
        str(post),
    )
    return _originals(rows)


# Aliases are followed both ways, copies and reposts only to what they show.
_HELD = """
WITH RECURSIVE held(id) AS (
    SELECT id FROM refs WHERE ref = ?
    UNION SELECT a.alias FROM held JOIN aliases a ON a.ref = held.id
    UNION SELECT a.ref FROM held JOIN aliases a ON a.alias = held.id
    UNION SELECT e.target FROM held JOIN edges e ON e.source = held.id AND e.kind IN ('reposts', 'resolves-to')
)
"""
_ORIGINAL = (
    "SELECT v.id, v.sha256, v.text, v.truncated, v.posted_at, p.handle, r.ref, (SELECT min(c.leaf) FROM sightings s "
    "JOIN captures c ON c.id = s.capture WHERE s.version = v.id) AS first, "
    "(SELECT json_group_array(DISTINCT s.handle) FROM versions o JOIN sightings s ON s.version = o.id "
    "WHERE o.post = p.id AND s.handle <> '') AS handles, "
    "EXISTS (SELECT 1 FROM edges e WHERE e.source = p.id AND e.kind = 'resolves-to') AS copy "
    "FROM versions v JOIN posts p ON p.id = v.post JOIN refs r ON r.id = p.id"
)


def _originals(rows: Iterable[Row]) -> list[Original]:
    return [
        Original(
            version=row["id"],
            post=Ref.parse(row["ref"]),
            sha256=row["sha256"],
            text=row["text"],
            truncated=bool(row["truncated"]),
            posted_at=row["posted_at"],
            handle=row["handle"],
            handles=tuple(json.loads(row["handles"])),
            copy=bool(row["copy"]),
        )
        for row in rows
    ]


def _by_signature(session: Session, mention: Row) -> list[Original]:
    """The captured posts of the handle and day that the mention is signed with."""
    if not (mention["handle"] and mention["day"] and mention["platform"]):
        return []
    rows = session.archive.all(
        f"{_ORIGINAL} WHERE p.platform = ? AND lower(p.handle) = lower(?) ORDER BY v.posted_at, r.ref, v.sha256",
        mention["platform"],
        mention["handle"],
    )
    return [
        original
        for original in _originals(rows)
        if original.posted_at and same_day(mention["day"], original.posted_at, mention["day_zone"])
    ]


def _by_words(session: Session, quoted: str) -> list[Original]:
    """The posts that share most runs of words with a passage."""
    keys = runs.versions_sharing(session.archive, quoted, MOST_CANDIDATES)
    rows = session.archive.all(f"{_ORIGINAL} WHERE v.id IN (SELECT value FROM json_each(?))", json.dumps(keys))
    return sorted(_originals(rows), key=lambda original: keys.index(original.version))


def _judged(quoted: str, originals: Iterable[Original], open_start: bool, found_by: str) -> tuple[Match, ...]:
    """Every original judged; best first, then by claimed time."""
    matches = [
        Match(
            verdict=verdict.judge(quoted, original.text, truncated=original.truncated, open_start=open_start),
            original=original,
            found_by=found_by,
            post=original.post,
        )
        for original in originals
    ]
    return _distinct(matches)


def _distinct(matches: Iterable[Match]) -> tuple[Match, ...]:
    """One match a version, best first; equals by claimed time, then ref: the earliest original leads."""
    ordered = sorted(matches, key=_order)
    seen: set[int] = set()
    kept = []
    for match in ordered:
        if match.original is None or match.original.version not in seen:
            kept.append(match)
        if match.original is not None:
            seen.add(match.original.version)
    return tuple(kept)


def _order(match: Match) -> tuple[object, ...]:
    """What a post's own server showed comes before any copy of it; then best first, then by claimed time, where a
    post without one stands last."""
    original, key = match.original, verdict.preference(match.verdict)
    if original is None:
        return (False, *key, "", "", "", match.found_by)
    when = original.posted_at or LATEST
    return (original.copy, *key, when, str(original.post), original.sha256, match.found_by)


def _worth_telling(told: Verdict) -> bool:
    return verdict.is_faithful(told.kind) or (told.kind is VerdictKind.ALTERED and told.score >= 0.6)


def _long_enough(quoted: str, match: Match) -> bool:
    """A few common words prove nothing about where they come from, unless a signature names the author and day."""
    span = match.verdict.quoted_span
    if match.found_by == "signature" or span is None:
        return span is not None
    return len(shingles.words(quoted[span.start : span.end])) >= FEWEST_WORDS


def _splice(quoted: str, originals: list[Original]) -> tuple[Match, ...]:
    """The parts of a quotation that was put together from several posts; empty when it was not."""
    unique = list({original.version: original for original in originals}.values())
    if len({original.post for original in unique}) < 2:
        return ()
    parts = verdict.splice(quoted, [original.text for original in unique])
    if not parts:
        return ()
    return tuple(
        Match(
            verdict=replace(part, kind=VerdictKind.SPLICED, reason=f"part {number} of {len(parts)}"),
            original=unique[index],
            found_by="words",
            post=unique[index].post,
        )
        for number, (index, part) in enumerate(parts, 1)
    )


def row_of(match: Match, rank: int) -> dict[str, object]:
    """A match as a row of `matches` (without mention and post, which the caller knows as local ids)."""
    told = match.verdict
    return {
        "version": None if match.original is None else match.original.version,
        "verdict": told.kind.value,
        "faithful": int(verdict.is_faithful(told.kind) and told.kind is not VerdictKind.SPLICED),
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
        "policy": POLICY,
        "reason": told.reason,
    }
