"""Resolving mentions: which post each place in a document stands for, how that is known, or what was tried.

The rules, in this order:
 1. a person's statement decides;
 2. an address that names a post (permalink, embed) is that post; what the signature says otherwise is noted;
 3. a short link proposes a post: accepted only when the captured author and day agree with the signature, else
    recorded as `media-source` with the reason; a bare short link that is no media link is the post it leads to;
 4. words and signature alone are matched against the captured posts of that author and day (see `match`), also where
    rule 3 found only where a medium comes from;
 5. else the mention stays unresolved, with its id range and what was tried.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from archiver.jobs.aliases import canonical
from archiver.jobs.places import Place
from archiver.model import POST_KINDS, MentionKind, Ref
from archiver.platforms import claim
from archiver.platforms.x import day_ids
from archiver.store.archive import Archive

LONGEST_CHAIN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """`status` is resolved, media-source, pending, unresolved or other-page; `how` is statement, embed, permalink,
    short-link, text or empty. `ref` is the post; `candidate` what a short link proposed but nothing confirmed."""

    status: str
    how: str = ""
    ref: Ref | None = None
    candidate: Ref | None = None
    id_low: str = ""
    id_high: str = ""
    reason: str = ""


def resolve(archive: Archive, mention: Place) -> Resolution:
    """Rules 1 to 3 for one mention; rule 4 needs verdicts."""
    stated = archive.one(
        "SELECT object, reason FROM statements WHERE what = 'resolves' AND subject = ? ORDER BY leaf DESC LIMIT 1",
        str(mention.passage),
    )
    if stated is not None:
        return Resolution(
            status="resolved", how="statement", ref=_stated(archive, stated["object"]), reason=stated["reason"]
        )
    low, high = _id_range(mention)
    target = None if mention.target is None else canonical(archive, mention.target)
    if target is not None and target.kind in POST_KINDS:
        how = "embed" if mention.kind is MentionKind.EMBED else "permalink"
        reason = "; ".join(_disagreements(archive, mention, target))
        return Resolution(status="resolved", how=how, ref=target, id_low=low, id_high=high, reason=reason)
    if target is not None and target.kind != "short":
        return Resolution(status="other-page", ref=target, reason="the address is no post of a platform known here")
    shorts = [] if target is None else [target]
    shorts += mention.shorts
    tried: list[str] = []
    proposed: Resolution | None = None
    for short in shorts:
        found = _through(archive, mention, short, low, high, tried)
        if found is not None and found.status == "resolved":
            return found
        proposed = proposed or found
    if proposed is not None:
        return proposed
    if not shorts:
        tried.append("no address of a post stands in it")
    return Resolution(status="unresolved", id_low=low, id_high=high, reason="; ".join(tried))


def _stated(archive: Archive, text: str) -> Ref:
    claimed = claim(text)
    return canonical(archive, claimed if claimed is not None else Ref.parse(text))


def _id_range(mention: Place) -> tuple[str, str]:
    """X's ids carry their time: the ids that the claimed UTC day allows."""
    if mention.platform == "x" and mention.day and mention.day_zone == "utc":
        return day_ids(mention.day)
    return "", ""


def _through(archive: Archive, mention: Place, short: Ref, low: str, high: str, tried: list[str]) -> Resolution | None:
    """Follows a short link through what its captures showed. None when it led to no post (`tried` says why)."""
    here, seen = short, {short}
    for _ in range(LONGEST_CHAIN):
        row = archive.one(
            "SELECT t.ref FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
            "JOIN captures c ON c.id = e.capture WHERE e.kind = 'resolves-to' AND s.ref = ? "
            "ORDER BY c.origin, c.leaf DESC, t.ref LIMIT 1",
            str(here),
        )
        if row is None:
            tried.append(_attempted(archive, here))
            return None
        here = canonical(archive, Ref.parse(row[0]))
        if here in seen:
            tried.append(f"{named(short)} leads round in a circle")
            return None
        seen.add(here)
        if here.kind in POST_KINDS and here.kind != "repost":
            return _accepted(archive, mention, short, here, low, high)
        if here.kind != "short":
            tried.append(f"{named(short)} leads to {named(here)}, which is no post")
            return None
    tried.append(f"{named(short)} leads through more than {LONGEST_CHAIN} short links")
    return None


def named(ref: Ref) -> str:
    """A ref as a reader knows it: the address of a short link, not its key alone."""
    return f"t.co/{ref.id}" if (ref.platform, ref.kind) == ("x", "short") else ref.id


def _attempted(archive: Archive, ref: Ref) -> str:
    row = archive.one(
        "SELECT o.outcome, o.reason, count(*) OVER () AS tries FROM outcomes o JOIN refs r ON r.id = o.ref "
        "JOIN captures c ON c.id = o.capture WHERE r.ref = ? ORDER BY c.origin, c.leaf DESC LIMIT 1",
        str(ref),
    )
    if row is None:
        return f"{named(ref)} was not asked for yet"
    times = "once" if row["tries"] == 1 else f"{row['tries']} times"
    return f"{named(ref)} was asked for {times}: {row['outcome']}" + (f" ({row['reason']})" if row["reason"] else "")


def _accepted(archive: Archive, mention: Place, short: Ref, post: Ref, low: str, high: str) -> Resolution:
    row = archive.one("SELECT p.id, p.outcome FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?", str(post))
    fields = {"candidate": post, "id_low": low, "id_high": high}
    if row is None:
        reason = f"{named(short)} leads to {post}, which no capture has shown yet"
        return Resolution(status="pending", how="short-link", reason=reason, **fields)  # type: ignore[arg-type]
    seen = archive.one(_SEEN, str(post))
    against = _disagreements(archive, mention, post)
    if mention.kind is not MentionKind.SHORT_LINK:  # a medium may be another's: author and day must be seen to agree
        if not (mention.handle and mention.day):
            against.append("no signature says whose and of which day the words are")
        elif seen is None or not (json.loads(seen["handles"]) and seen["posted_at"]):
            against.append("no capture shows its author and day")
    if against:
        reason = f"{named(short)} leads to {post}, but {' and '.join(against)}"
        return Resolution(status="media-source", how="short-link", reason=reason, **fields)  # type: ignore[arg-type]
    return Resolution(status="resolved", how="short-link", ref=post, id_low=low, id_high=high)


_SEEN = (
    "SELECT p.handle, p.posted_at, (SELECT json_group_array(DISTINCT s.handle) FROM versions v "
    "JOIN sightings s ON s.version = v.id WHERE v.post = p.id AND s.handle <> '') AS handles "
    "FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?"
)


def _disagreements(archive: Archive, mention: Place, post: Ref) -> list[str]:
    """In what the captured post differs from the mention's signature; empty when it agrees or nothing can be said."""
    row = archive.one(_SEEN, str(post))
    if row is None:
        return []
    differs = against_signature(mention, json.loads(row["handles"]), row["posted_at"])
    against = []
    if differs.author:
        against.append(f"it is by @{row['handle']}, not @{mention.handle}")
    if differs.day:
        against.append(f"it is of {row['posted_at'][:10]}, not {mention.day}")
    return against


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """In what a post differs from a signature."""

    author: bool
    day: bool


def against_signature(mention: Place, handles: Sequence[str], posted_at: str) -> Against:
    """Whether a post (all handles that it was seen with, and its time) is another author's or another day's than the
    mention is signed with. What is not known differs in nothing."""
    author = mention.handle and handles and not any(same_handle(mention.handle, handle) for handle in handles)
    day = mention.day and posted_at and not same_day(mention.day, posted_at, mention.day_zone)
    return Against(author=bool(author), day=bool(day))


def same_handle(one: str, other: str) -> bool:
    """Whether two handles may be one account: without case; a server's part counts only where both have it."""
    first, second = (handle.removeprefix("@").casefold() for handle in (one, other))
    if ("@" in first) == ("@" in second):
        return first == second
    return first.partition("@")[0] == second.partition("@")[0]


def same_day(day: str, posted_at: str, zone: str) -> bool:
    """Whether a claimed day fits a time: the same UTC day, or a neighbour where the day is somebody's local one."""
    try:
        apart = abs(date.fromisoformat(day) - date.fromisoformat(posted_at[:10]))
    except ValueError:
        return False
    return apart <= (timedelta(0) if zone == "utc" else timedelta(days=1))
