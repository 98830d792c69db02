"""Verdicts: each quotation against the post versions that it may quote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from archiver.custody import canonical
from archiver.documents.mentions import policy as mentions_policy
from archiver.jobs.link import Resolution, same_day
from archiver.jobs.session import Session
from archiver.model import Ref, Verdict, VerdictKind
from archiver.quotes import shingles, verdict
from archiver.store import runs
from archiver.store.archive import Row

MOST_CANDIDATES = 12
FEWEST_WORDS = 5
POLICY = f"{mentions_policy()} {verdict.QUOTES_POLICY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One version that a quotation may quote."""

    version: int
    post: Ref
    sha256: str
    text: str
    truncated: bool
    posted_at: str
    handle: str


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
        return resolution, matches
    signed = _judged(quoted, _by_signature(session, mention), open_start, "signature")
    words = [] if mention["markup"].startswith("speech") else _by_words(session, quoted)
    if mention["handle"]:
        words = [original for original in words if original.handle.casefold() == mention["handle"].casefold()]
    found = _judged(quoted, words, open_start, "words")
    matches = tuple(match for match in (*signed, *found) if _worth_telling(match.verdict))
    matches = _distinct(matches)
    faithful = [match for match in matches if verdict.is_faithful(match.verdict.kind) and _long_enough(quoted, match)]
    if not faithful:
        spliced = _splice(quoted, [match.original for match in (*signed, *found) if match.original is not None])
        if spliced:
            return resolution, (*spliced, *matches)
        return resolution, matches or (_nothing(mention, bool(signed)),)
    if resolution.status == "unresolved" and faithful[0].original is not None:
        post = faithful[0].original.post
        reason = "; ".join(filter(None, (resolution.reason, "its words stand in this post")))
        resolution = replace(resolution, status="resolved", how="text", ref=post, reason=reason)
    return resolution, matches


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
        "WITH same(id) AS (SELECT id FROM refs WHERE ref = ? UNION SELECT a.alias FROM aliases a JOIN refs t "
        "ON t.id = a.ref WHERE t.ref = ?), held(id) AS (SELECT id FROM same UNION SELECT e.target FROM edges e "
        f"JOIN same ON e.source = same.id WHERE e.kind IN ('reposts', 'resolves-to')) {_ORIGINAL} "
        "WHERE p.id IN (SELECT id FROM held) ORDER BY v.truncated, first, r.ref, v.sha256",
        str(post),
        str(post),
    )
    return _originals(rows)


_ORIGINAL = (
    "SELECT v.id, v.sha256, v.text, v.truncated, v.posted_at, p.handle, r.ref, (SELECT min(c.leaf) FROM sightings s "
    "JOIN captures c ON c.id = s.capture WHERE s.version = v.id) AS first "
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
    original = match.original
    if original is None:
        return (*verdict.preference(match.verdict), "", "", "", match.found_by)
    key = verdict.preference(match.verdict)
    return (*key, original.posted_at, str(original.post), original.sha256, match.found_by)


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
