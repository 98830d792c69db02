"""Summaries of readings that depend on several captures: a post's row, its edits, its outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from archiver.model import Outcome
from archiver.store import carrying, fates
from archiver.store.archive import Archive
from archiver.store.fates import outcome_of
from archiver.store.readings import Readings

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
# An alias that is a post of its own (a later version on X) has an outcome of its own. An answer is a post's own where
# it was asked about this post, and not about one that quotes it.
_OUTCOMES = """
WITH RECURSIVE same(id) AS (
    SELECT ? UNION SELECT a.alias FROM aliases a JOIN same ON a.ref = same.id
    WHERE a.alias NOT IN (SELECT id FROM posts)
)
SELECT o.outcome, o.reason, c.route, c.observed_at, o.capture,
    c.tier = 'import' OR c.ref = r.ref OR c.ref IN (SELECT m.ref FROM same n JOIN refs m ON m.id = n.id)
    OR CASE WHEN json_valid(c.request) THEN EXISTS (
        SELECT 1 FROM json_each(c.request, '$.refs') j WHERE j.value = r.ref) ELSE 0 END AS own
FROM outcomes o JOIN same ON o.ref = same.id
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
    archive.db.execute("DELETE FROM events WHERE post = ?", (post,))
    edits = list(_edits(sightings))
    count = sum(readings.add("edits", {"post": post, **edit})[1] for edit in edits)
    shown = max(sightings, key=lambda s: (not s["truncated"], s["whole"], s["leaf"], s["pointer"]), default=None)
    if shown is None:
        return
    answers = archive.all(_OUTCOMES, post)
    outcome, at = _requested(archive, post) or outcome_of(answers)
    _events(archive, readings, post, answers, edits, sightings)
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
            count,
            shown["truncated"],
            post,
        ),
    )
    carrying.of_post(archive, post)


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


def _events(
    archive: Archive,
    readings: Readings,
    post: int,
    answers: list[sqlite3.Row],
    edits: list[dict[str, object]],
    sightings: list[sqlite3.Row],
) -> None:
    """Writes what happened to a post between two observations, each change once."""
    row = archive.one("SELECT p.platform, a.ref FROM posts p LEFT JOIN refs a ON a.id = p.author WHERE p.id = ?", post)
    platform, author = ("", None) if row is None else row
    words = {int(s["version"]): (str(s["text"]), str(s["warning"])) for s in sightings}
    observed = {int(s["capture"]): str(s["observed_at"]) for s in sightings}
    found = fates.departures(answers, "" if author is None else f"{REQUESTED}{author}")
    for event in [*found, *fates.rewordings(edits, words, observed)]:
        readings.add(
            "events",
            {
                "post": post,
                "platform": platform,
                "kind": event.kind,
                "outcome": event.outcome,
                "at": event.at,
                "told_at": event.told_at,
                "month": event.at[:7],
                "capture_before": event.before,
                "capture": event.capture,
                "before": event.versions[0],
                "after": event.versions[1],
            },
        )


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
