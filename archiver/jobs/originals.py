"""The versions of posts that a quotation may quote: those it names, those of its signature, those with its words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from archiver.jobs.places import Place
from archiver.model import Ref
from archiver.store import runs
from archiver.store.archive import Archive, Row

MOST_CANDIDATES = 12


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


def versions_of(archive: Archive, post: Ref) -> list[Original]:
    """Every version of a post (also those kept under its aliases: X gives each edit an id of its own), and of what
    it reposts or is a copy of, oldest first."""
    rows = archive.all(
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


def by_signature(archive: Archive, mention: Place) -> list[Original]:
    """The captured posts of the handle and day that the mention is signed with: the UTC day, or also its neighbours
    where the day is somebody's local one."""
    if not (mention.handle and mention.day and mention.platform):
        return []
    try:
        day, reach = date.fromisoformat(mention.day), timedelta(days=0 if mention.day_zone == "utc" else 1)
        first, last = (day - reach).isoformat(), (day + reach).isoformat()
    except (ValueError, OverflowError):
        return []
    return of_versions(archive, runs.versions_of_day(archive, mention.platform, mention.handle, first, last))


def by_words(archive: Archive, quoted: str, *, handle: str = "", platform: str = "") -> list[Original]:
    """The posts that share most words in a row with a passage; of one handle and platform where they are given."""
    found = runs.versions_sharing(archive, quoted, MOST_CANDIDATES, handle=handle, platform=platform)
    return of_versions(archive, found)


def of_versions(archive: Archive, versions: list[int]) -> list[Original]:
    """The versions with these local ids, in their order."""
    rows = archive.all(f"{_ORIGINAL} WHERE v.id IN (SELECT value FROM json_each(?))", json.dumps(versions))
    return sorted(_originals(rows), key=lambda original: versions.index(original.version))
