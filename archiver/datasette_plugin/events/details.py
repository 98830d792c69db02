"""What is told of one event: by which routes, how the words differ, which documents quote the post."""

from __future__ import annotations

from typing import Any

from archiver.datasette_plugin.events import listing
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row
from archiver.model import Span
from archiver.quotes.between import between
from archiver.quotes.judging import is_faithful, judge
from archiver.store.fates import ABSENT, EDITED, GONE, RETURNED
from archiver.store.summaries import REQUESTED

SHOWN = 2000
"""Code points of a text that a list shows and compares."""
LONGEST = 5000
"""Code points of a version that quotations are compared with here."""
ANSWERS, DOCUMENTS, JUDGED = 8, 3, 4
WINDOW = 2000
"""Answers, of all posts, among which those about one event are looked for."""

SAID = {
    "deleted": "Deleted, as its platform says",
    "suspended": "Not shown any more: the account is suspended",
    "protected": "Not shown any more: its author shows it to followers only",
    "withheld": "Not shown any more in some places: withheld",
    "age-gated": "Shown only after a check of age, which is no deletion",
    "login-required": "Shown only after a login, which is no deletion",
    "not-found": "Not found any more, which does not say that it was deleted",
    "unavailable": "Not shown any more; the platform does not say why",
}


def told(reader: Reader, event: Row, *, judged: bool = True) -> Row:
    """One event as plain values."""
    edited = event["kind"] == EDITED
    documents, more = _documents(reader, event["post"])
    answers = [] if edited else _answers(reader, event)
    return {
        "key": listing.key(event),
        "kind": event["kind"],
        "outcome": event["outcome"],
        "said": said(event, answers),
        "ref": event["ref"],
        "platform": event["platform"],
        "handle": event["handle"],
        "name": event["name"],
        "posted_at": event["posted_at"],
        "outcome_now": event["outcome_now"],
        "at": event["at"],
        "told_at": event["told_at"],
        "last_before": _capture(event, "before_uid", "before_route", "before_at", "before_beside"),
        "first_after": _capture(event, "uid", "route", "observed_at", "beside"),
        "answers": answers,
        "text": event["text"],
        "cut": bool(event["cut"]),
        "edit": _edit(reader, event) if edited else None,
        "documents": documents,
        "more_documents": more,
        "unfaithful": _unfaithful(reader, event) if edited and judged else [],
    }


def said(event: Row, answers: list[Row]) -> str:
    """What happened, in a sentence without its stop. What was deleted is said with whose word that is."""
    if event["kind"] == RETURNED:
        return "Shown again"
    if event["kind"] == EDITED:
        return "Edited, as its platform marks it" if event["outcome"] == "marker" else "Edited: two sightings differ"
    if event["outcome"] == "deleted" and all(one["outcome"] != "deleted" for one in answers):
        if any(one["reason"] == ABSENT for one in answers):
            return "Deleted: the author’s own signed repository held it, and holds it no more"
    elif any(one["reason"].startswith(REQUESTED) for one in answers):
        return "Deleted: its author asked for that, by signature"
    return SAID.get(event["outcome"], f"Not shown any more: {event['outcome']}")


def _capture(event: Row, uid: str, route: str, at: str, beside: str) -> Row | None:
    """An observation. `beside`: the ref that was asked for, where that is another, whose answer shows this one, too."""
    if event[uid] is None:
        return None
    return {"uid": event[uid], "route": event[route], "at": event[at], "beside": event[beside] or ""}


_SAME = (
    "WITH RECURSIVE same(id) AS (SELECT :post UNION SELECT a.alias FROM aliases a JOIN same ON a.ref = same.id "
    "WHERE a.alias NOT IN (SELECT id FROM posts) LIMIT 50) "
)


def _answers(reader: Reader, event: Row) -> list[Row]:
    """What the routes said, from the first capture that showed the change until the next: each route's word once."""
    rows = reader.rows(
        "What the routes answered",
        _SAME + "SELECT o.outcome, o.reason, c.route, c.observed_at, c.uid FROM "
        "(SELECT min(id) AS id FROM outcomes WHERE capture = :capture) f CROSS JOIN same CROSS JOIN outcomes o "
        "ON o.ref = same.id AND o.id >= f.id AND o.id < f.id + :window JOIN captures c ON c.id = o.capture "
        "WHERE o.capture < coalesce((SELECT min(n.capture) FROM events n WHERE n.post = :post AND n.capture > :capture "
        "AND n.kind <> 'edited'), o.capture + 1) ORDER BY o.id LIMIT 40",
        post=event["post"],
        capture=event["capture"],
        window=WINDOW,
    )
    kept: dict[tuple[str, str, str], Row] = {}
    speaking = {str(outcome) for outcome in GONE} if event["kind"] != RETURNED else {"live"}
    for row in rows:
        if row["outcome"] in speaking:
            kept.setdefault((row["route"], row["outcome"], row["reason"]), row)
    return list(kept.values())[:ANSWERS]


def _edit(reader: Reader, event: Row) -> Row:
    """Both versions, as far as they are compared, and what differs: spans in code points of both texts."""
    versions = {
        row["id"]: row
        for row in reader.rows(
            "The versions before and after",
            "SELECT id, substr(text, 1, :shown + 1) AS text, sha256, warning, edited_at FROM versions "
            "WHERE id IN (:before, :after)",
            before=event["before"],
            after=event["after"],
            shown=SHOWN,
        )
    }
    sides: dict[str, Any] = {}
    for side in ("before", "after"):
        version = versions.get(event[side])
        sides[side] = version and {
            "text": version["text"][:SHOWN],
            "cut": len(version["text"]) > SHOWN,
            "sha256": version["sha256"],
            "warning": version["warning"],
            "edited_at": version["edited_at"],
        }
    differences = []
    if sides["before"] and sides["after"]:
        compared = between(sides["before"]["text"], sides["after"]["text"])
        differences = [
            {"op": one.op, "before": _pair(one.before), "after": _pair(one.after)} for one in compared.differences
        ]
    return {"shown_by": event["outcome"], **sides, "differences": differences}


def _pair(span: Span) -> list[int]:
    return [span.start, span.end]


def _documents(reader: Reader, post: int) -> tuple[list[Row], bool]:
    """Documents with places that stand for a post: the first few, and whether there are more."""
    rows = reader.rows(
        "Documents that quote it",
        "SELECT p.ref AS passage, d.sha256, d.title, c.url, coalesce(x.verdict, '') AS verdict FROM "
        "(SELECT mention FROM (SELECT * FROM resolutions WHERE ref = :post ORDER BY id LIMIT 400) "
        "WHERE status = 'resolved' LIMIT :most) s "
        "JOIN mentions m ON m.id = s.mention JOIN refs p ON p.id = m.ref JOIN documents d ON d.id = m.document "
        "JOIN captures c ON c.id = d.capture LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 ORDER BY m.id",
        post=post,
        most=10 * DOCUMENTS,
    )
    found: dict[str, Row] = {}
    for row in rows:
        name = called(row["title"], row["url"])[:200]
        found.setdefault(
            row["sha256"],
            {"passage": row["passage"], "sha256": row["sha256"], "name": name, "verdict": row["verdict"]},
        )
    return list(found.values())[:DOCUMENTS], len(found) > DOCUMENTS or len(rows) == 10 * DOCUMENTS


def _unfaithful(reader: Reader, event: Row) -> list[Row]:
    """Quotations that were faithful to the version before, and are not to the one after."""
    if event["before"] is None:
        return []
    rows = reader.rows(
        "Quotations of the words before",
        "SELECT r.ref AS passage, substr(m.quoted, 1, :longest + 1) AS quoted, x.verdict, d.sha256, d.title, c.url, "
        "substr(v.text, 1, :longest + 1) AS after, v.truncated FROM (SELECT mention, verdict FROM "
        "(SELECT * FROM matches WHERE version = :before ORDER BY id LIMIT 400) WHERE rank = 0 AND faithful = 1 "
        "LIMIT :most) x "
        "JOIN mentions m ON m.id = x.mention JOIN refs r ON r.id = m.ref JOIN documents d ON d.id = m.document "
        "JOIN captures c ON c.id = d.capture JOIN versions v ON v.id = :after ORDER BY m.id",
        before=event["before"],
        after=event["after"],
        longest=LONGEST,
        most=JUDGED,
    )
    out = []
    for row in rows:
        if max(len(row["quoted"]), len(row["after"])) > LONGEST or not row["quoted"].strip():
            continue
        now = judge(row["quoted"], row["after"], truncated=bool(row["truncated"]))
        if not is_faithful(now.kind) and str(now.kind) != "not-judged":
            out.append(
                {
                    "passage": row["passage"],
                    "document": called(row["title"], row["url"])[:200],
                    "quoted": row["quoted"][:300],
                    "before": row["verdict"],
                    "after": str(now.kind),
                }
            )
    return out
