"""Summaries of readings that depend on several captures: a post's row, its edits, its outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from archiver.model import Outcome
from archiver.store.archive import Archive
from archiver.store.readings import Readings

# What an answer says of the post itself, most telling first. All other outcomes speak of the attempt.
GONE = (
    Outcome.SUSPENDED,
    Outcome.PROTECTED,
    Outcome.WITHHELD,
    Outcome.AGE_GATED,
    Outcome.LOGIN_REQUIRED,
    Outcome.DELETED,
    Outcome.NOT_FOUND,
    Outcome.UNAVAILABLE,
)
ABSENT = "absent-from-repository"
REQUESTED = "deletion requested by "
"""The reason of an outcome that somebody's signed request is (Nostr): the ref of who signed it follows. It counts for a
post of that author alone, and nobody can take it back (NIP-09)."""


def refresh(archive: Archive, refs: Iterable[int]) -> None:
    """Brings the rows of these posts, and of the posts that these refs are aliases of, up to date with all readings,
    inside the caller's transaction."""
    readings = Readings(archive)
    for row in archive.all(_POSTS, json.dumps(sorted(refs))):
        _refresh(archive, readings, int(row[0]))


_POSTS = """
WITH RECURSIVE meant(id) AS (
    SELECT value FROM json_each(?) UNION SELECT a.ref FROM aliases a JOIN meant ON a.alias = meant.id
)
SELECT p.id FROM posts p JOIN meant ON p.id = meant.id ORDER BY p.id
"""
# What was asked by an alias was asked of the post: a server that no longer has it says so under the address asked.
# An alias that is a post of its own (a later version on X) has an outcome of its own.
_OUTCOMES = """
WITH RECURSIVE same(id) AS (
    SELECT ? UNION SELECT a.alias FROM aliases a JOIN same ON a.ref = same.id
    WHERE a.alias NOT IN (SELECT id FROM posts)
)
SELECT o.outcome, o.reason, c.route, c.observed_at FROM outcomes o JOIN same ON o.ref = same.id
JOIN captures c ON c.id = o.capture JOIN refs r ON r.id = o.ref ORDER BY c.origin, c.leaf, r.ref
"""


def _refresh(archive: Archive, readings: Readings, post: int) -> None:
    sightings = archive.all(
        "SELECT s.version, s.capture, s.route, s.pointer, s.whole, s.edited, s.handle, s.name, v.sha256, v.text, "
        "v.posted_at, v.lang, v.warning, v.sensitive, v.version_id, v.truncated, v.edited_at, c.observed_at, c.leaf "
        "FROM sightings s "
        "JOIN versions v ON v.id = s.version JOIN captures c ON c.id = s.capture WHERE v.post = ? "
        "ORDER BY c.origin, c.leaf, s.pointer, v.sha256",
        post,
    )
    archive.db.execute("DELETE FROM edits WHERE post = ?", (post,))
    edits = 0
    for edit in _edits(sightings):
        edits += readings.add("edits", {"post": post, **edit})[1]
    shown = max(sightings, key=lambda s: (not s["truncated"], s["whole"], s["leaf"], s["pointer"]), default=None)
    if shown is None:
        return
    outcome, at = _requested(archive, post) or outcome_of(archive.all(_OUTCOMES, post))
    named = [s for s in sightings if s["handle"]] or [s for s in sightings if s["name"]]
    archive.db.execute(
        "UPDATE posts SET handle = ?, name = ?, text = ?, posted_at = ?, lang = ?, warning = ?, outcome = ?, "
        "outcome_at = ?, first_seen = ?, last_seen = ?, versions = ?, edits = ?, truncated = ? WHERE id = ?",
        (
            named[-1]["handle"] if named else "",
            named[-1]["name"] if named else "",
            shown["text"],
            shown["posted_at"],
            shown["lang"],
            shown["warning"],
            outcome,
            at,
            min(s["observed_at"] for s in sightings),
            max(s["observed_at"] for s in sightings),
            len({s["version"] for s in sightings}),
            edits,
            shown["truncated"],
            post,
        ),
    )


def _requested(archive: Archive, post: int) -> tuple[str, str] | None:
    """That the author of a post asked for its deletion, and when that was first seen; None where nobody did, or another
    key than the author's."""
    row = archive.one(
        "SELECT c.observed_at FROM posts p JOIN refs a ON a.id = p.author JOIN outcomes o ON o.ref = p.id "
        "JOIN captures c ON c.id = o.capture WHERE p.id = ? AND o.reason = ? || a.ref "
        "ORDER BY c.origin, c.leaf LIMIT 1",
        post,
        REQUESTED,
    )
    return None if row is None else (Outcome.DELETED.value, str(row[0]))


def _edits(sightings: list[sqlite3.Row]) -> list[dict[str, object]]:
    """The edits that a post's sightings, in log order, show: by the platform's marker (once a version), or by two
    differing whole sightings through one route. Routes that render differently are never compared."""
    found: list[dict[str, object]] = []
    last: dict[str, sqlite3.Row] = {}
    marked: set[int] = set()
    for sighting in sightings:
        route, before = sighting["route"], last.get(sighting["route"])
        fields = {"route": route, "after": sighting["version"], "capture_after": sighting["capture"]}
        if (sighting["edited"] or sighting["edited_at"]) and sighting["version"] not in marked:
            marked.add(sighting["version"])
            earlier = before if before is not None and before["version"] != sighting["version"] else None
            found.append(
                {
                    "shown_by": "marker",
                    "before": None if earlier is None else earlier["version"],
                    "capture_before": None if earlier is None else earlier["capture"],
                    **fields,
                }
            )
        if not sighting["whole"] or sighting["truncated"]:
            continue
        if before is not None and before["version"] != sighting["version"] and _edited(before, sighting):
            found.append(
                {
                    "shown_by": "same-route",
                    "before": before["version"],
                    "capture_before": before["capture"],
                    **fields,
                }
            )
        last[route] = sighting
    return found


_WORDS = ("text", "warning", "posted_at", "version_id", "edited_at")
_LABELS = ("lang", "sensitive")


def _edited(before: sqlite3.Row, after: sqlite3.Row) -> bool:
    """Whether somebody changed the post between two versions: a platform guesses the language anew and marks what it
    finds sensitive, and where these labels alone differ nobody edited anything."""
    if any(before[name] != after[name] for name in _WORDS):
        return True
    return all(before[name] == after[name] for name in _LABELS)  # then its media or their descriptions differ


def outcome_of(rows: list[sqlite3.Row]) -> tuple[str, str]:
    """What all captures together say of a ref, and since which observation.

    Rows are (outcome, reason, route, observed_at) in log order. Routes disagree (one is cut off, another still serves):
    a post is called gone only when no route's last word is `live`, or when a route that did show it has since
    said otherwise and no route has shown it later. Failed attempts never count while any answer spoke. A proof that
    a repository does not hold what an earlier capture showed means deleted. Of what is gone the time is when it was
    first said, as long as that route said nothing else since; of what is live, when it was last seen.
    """
    last: dict[str, sqlite3.Row] = {}
    since: dict[str, str] = {}
    flipped: set[str] = set()
    shown, removed = False, ""
    for row in rows:
        route, before = row["route"], last.get(row["route"])
        if row["outcome"] == Outcome.LIVE:
            flipped.clear()
            shown, removed = True, ""
        elif row["outcome"] not in GONE:
            continue
        else:
            if before is not None and before["outcome"] == Outcome.LIVE:
                flipped.add(route)
            if row["reason"] == ABSENT and shown:
                removed = removed or str(row["observed_at"])
        if before is None or before["outcome"] != row["outcome"]:
            since[route] = str(row["observed_at"])
        last[route] = row
    live = [row for row in last.values() if row["outcome"] == Outcome.LIVE]
    if live and not flipped:
        newest = max(live, key=lambda row: str(row["observed_at"]))
        return str(newest["outcome"]), str(newest["observed_at"])
    gone = [row for row in last.values() if row["outcome"] in GONE and (not live or row["route"] in flipped)]
    if gone:
        telling = min(gone, key=lambda row: (GONE.index(Outcome(row["outcome"])), since[row["route"]]))
        if removed and GONE.index(Outcome(telling["outcome"])) > GONE.index(Outcome.DELETED):
            return Outcome.DELETED.value, removed
        return str(telling["outcome"]), since[telling["route"]]
    spoke = [row for row in rows if row["outcome"] != Outcome.UNREADABLE] or rows
    if spoke:
        return str(spoke[-1]["outcome"]), str(spoke[-1]["observed_at"])
    return "", ""
