"""What happened to a post, as statements: between which two observations, by which routes, with what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from archiver.quotes.between import between
from archiver.schedule import parse_time
from archiver.store.archive import Archive
from archiver.store.fates import EDITED, GONE, RETURNED, ROUND, own

DIFFERENCES = 40
"""Differences of one edit that are listed."""
_EVENTS = f"""
SELECT e.id, e.kind, e.outcome, e.at, e.told_at, e.after, c.uid, c.route, c.observed_at, c.origin, c.leaf,
    CASE WHEN {own("c", "r.ref", "e.post")} THEN '' ELSE c.ref END AS beside,
    b.uid AS before_uid, b.route AS before_route, b.observed_at AS before_at, b.leaf AS before_leaf,
    CASE WHEN {own("b", "r.ref", "e.post")} THEN '' ELSE b.ref END AS before_beside,
    v.text AS text_before, w.text AS text_after
FROM events e JOIN refs r ON r.id = e.post JOIN captures c ON c.id = e.capture
LEFT JOIN captures b ON b.id = e.capture_before LEFT JOIN versions v ON v.id = e.before
LEFT JOIN versions w ON w.id = e.after WHERE e.post IN (SELECT value FROM json_each(?))
ORDER BY c.origin, c.leaf, e.kind, w.sha256
"""
_ANSWERS = """
SELECT o.outcome, o.reason, c.route, c.observed_at, c.uid, c.leaf FROM outcomes o JOIN captures c ON c.id = o.capture
WHERE o.ref IN (SELECT value FROM json_each(?)) AND c.origin = ? AND c.leaf >= ? AND c.leaf < ?
ORDER BY c.leaf, o.outcome, o.reason LIMIT 400
"""
_SHOWN_BY = """
SELECT DISTINCT e.shown_by, e.route FROM edits e WHERE e.post IN (SELECT value FROM json_each(?)) AND e.after = ?
ORDER BY e.shown_by, e.route
"""
_LAST = 1 << 62


def changes(archive: Archive, group: str) -> list[dict[str, Any]]:
    """The events of a post, oldest first; `group` is a JSON list of the local ids of all its names. Each with its kind
    and outcome, `last_before` and `first_after` (capture, route, time, leaf; `beside`: the ref that was asked for,
    where that is another, whose answer shows this post, too), the `answers` of that look (each route's word once), and
    for an edit both texts with their `differences`."""
    rows = archive.all(_EVENTS, group)
    told = []
    for number, row in enumerate(rows):
        later = [other for other in rows[number + 1 :] if other["kind"] != EDITED and other["origin"] == row["origin"]]
        one: dict[str, Any] = {"kind": row["kind"], "outcome": row["outcome"], "at": row["at"]}
        one["told_at"] = row["told_at"]
        one["last_before"] = _observation(row, "before_")
        one["first_after"] = _observation(row, "")
        if row["kind"] == EDITED:
            one |= _edit(row["text_before"], row["text_after"])
            shown_by = archive.all(_SHOWN_BY, group, row["after"])
            one["shown_by"] = [{"by": by["shown_by"], "route": by["route"]} for by in shown_by]
        else:
            until = later[0]["leaf"] if later else _LAST
            speaking = {"live"} if row["kind"] == RETURNED else {str(outcome) for outcome in GONE}
            answers = archive.all(_ANSWERS, group, row["origin"], row["leaf"], until)
            one["answers"] = _answers(answers, speaking, parse_time(row["observed_at"]))
        told.append(one)
    return told


def _observation(row: Any, side: str) -> dict[str, Any] | None:
    if row[f"{side}uid"] is None:
        return None
    at = row["before_at" if side else "observed_at"]
    seen = {"capture": row[f"{side}uid"], "route": row[f"{side}route"], "at": at, "leaf": row[f"{side}leaf"]}
    return seen | {"beside": row[f"{side}beside"]}


def _answers(rows: Sequence[Any], speaking: set[str], at: datetime) -> list[dict[str, Any]]:
    """The first of each answer by each route in the look that began then."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["outcome"] in speaking and abs(parse_time(row["observed_at"]) - at) <= ROUND:
            named = {"route": row["route"], "outcome": row["outcome"], "reason": row["reason"]}
            kept.setdefault(
                (row["route"], row["outcome"]),
                named | {"at": row["observed_at"], "capture": row["uid"], "leaf": row["leaf"]},
            )
    return list(kept.values())


def _edit(before: str | None, after: str | None) -> dict[str, Any]:
    """Both texts, and what differs. Where the version before was never seen, there is nothing to compare."""
    found = [] if before is None or after is None else list(between(before, after).differences)
    differences = [
        {
            "op": one.op,
            "before": (before or "")[one.before.start : one.before.end],
            "after": (after or "")[one.after.start : one.after.end],
        }
        for one in found[:DIFFERENCES]
    ]
    return {"before": before, "after": after, "differences": differences, "more": max(0, len(found) - DIFFERENCES)}
