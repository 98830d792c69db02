"""Seeds: what was given, what was read in it, and what became of the posts that it refers to."""

from __future__ import annotations

import json

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.net.clock import utc_now
from archiver.store.fates import GONE

READS = ("captures", "documents", "mentions", "posts", "resolutions", "collections")
SHOWN, COLLECTIONS = 25, 60
MENTIONS = 1000
"""Of one document so many mentions are looked at: a list of seeds counts, it does not read."""
QUEUED = 1000
REASONS = 3
_LAST = "\U0010ffff"
_GONE = ", ".join(f"'{outcome.value}'" for outcome in GONE)


def gather(reader: Reader, asked: Asked) -> Row:
    """Seeds by name, or those of one collection in the order in which they were given."""
    collection, start, after = asked.get("collection"), asked.get("q"), asked.get("after")
    rows = _of_collection(reader, collection, after) if collection else _by_name(reader, start, after)
    more = ""
    if len(rows) > SHOWN:
        rows = rows[:SHOWN]
        key = rows[-1]["uid"] if collection else rows[-1]["url"].removeprefix("seed:")
        more = asked.at("seeds", collection=collection, q=start, after=key)
    coverage = _coverage(reader, [row["document"] for row in rows if row["document"] is not None])
    names = [row["url"].removeprefix("seed:") for row in rows]
    queued = _queued(reader, names)
    return {
        "seeds": [
            {
                **{key: row[key] for key in ("url", "uid", "observed_at", "recorded_at", "given", "title", "mentions")},
                "name": name,
                "ref": row["ref"] if row["document"] is not None else "",
                "said": None if row["document"] is not None else {"outcome": row["outcome"], "reason": row["reason"]},
                "coverage": coverage.get(row["document"]),
                "queued": queued.get(name),
            }
            for row, name in zip(rows, names, strict=True)
        ],
        "collections": reader.rows(
            "Collections",
            "SELECT k.name, (SELECT count(*) FROM (SELECT 1 FROM collection_documents d WHERE d.collection = k.id "
            "LIMIT :most)) AS documents FROM collections k ORDER BY k.name LIMIT :shown",
            most=QUEUED,
            shown=COLLECTIONS,
        ),
        "erased": reader.value(
            "Seeds that were erased",
            "SELECT count(*) FROM (SELECT 1 FROM captures WHERE tier = 'import' AND url = '' LIMIT :most)",
            most=QUEUED,
        ),
        "collection": collection,
        "q": start,
        "counted": MENTIONS,
        "most": QUEUED,
        "more": more,
    }


_FIELDS = (
    "c.url, c.uid, c.observed_at, c.recorded_at, c.ref, d.id AS document, coalesce(d.title, '') AS title, "
    "coalesce(d.mentions, 0) AS mentions, coalesce(o.outcome, '') AS outcome, substr(coalesce(o.reason, ''), 1, 300) "
    "AS reason"
)
_JOINED = (
    "JOIN captures c ON c.id = s.last LEFT JOIN refs r ON r.ref = c.ref LEFT JOIN documents d ON d.id = r.id "
    "LEFT JOIN outcomes o ON o.capture = c.id AND o.ref = r.id"
)


def _by_name(reader: Reader, start: str, after: str) -> list[Row]:
    """The newest capture of each name. What was erased has no name any more."""
    return reader.rows(
        "Seeds by name",
        f"SELECT {_FIELDS}, s.given FROM (SELECT url, count(*) AS given, max(id) AS last FROM captures "
        "WHERE tier = 'import' AND url > :after AND url >= :low AND url < :high GROUP BY url ORDER BY url LIMIT :most"
        f") s {_JOINED} ORDER BY c.url, c.id",
        after=f"seed:{after}",
        low=f"seed:{start}",
        high=f"seed:{start}{_LAST}",
        most=SHOWN + 1,
    )


def _of_collection(reader: Reader, collection: str, after: str) -> list[Row]:
    return reader.rows(
        "Seeds of one collection",
        f"SELECT {_FIELDS}, 1 AS given FROM (SELECT k.capture AS last FROM collection_documents k "
        "WHERE k.collection = (SELECT id FROM collections WHERE name = :collection) "
        "AND k.capture > coalesce((SELECT id FROM captures WHERE uid = :after), 0) ORDER BY k.capture LIMIT :most"
        f") s {_JOINED} ORDER BY c.id",
        collection=collection,
        after=after,
        most=SHOWN + 1,
    )


def _coverage(reader: Reader, documents: list[int]) -> dict[int, Row]:
    """Of each document (its local id): how many of its first mentions stand for a captured post, for one that is gone,
    for one that nothing has shown, and for none, with the commonest reasons."""
    if not documents:
        return {}
    rows = reader.rows(
        "What became of the mentions",
        "SELECT m.document, coalesce(s.status, '') AS status, coalesce(s.reason, '') AS reason, CASE "
        "WHEN s.status IS NOT 'resolved' THEN 'unresolved' WHEN p.outcome IS NULL THEN 'unseen' "
        f"WHEN p.outcome IN ({_GONE}) THEN 'gone' ELSE 'captured' END AS fate, count(*) AS n "
        "FROM json_each(:documents) j CROSS JOIN mentions m ON m.document = j.value AND m.ordinal < :most "
        "LEFT JOIN resolutions s ON s.mention = m.id LEFT JOIN posts p ON p.id = coalesce("
        "(SELECT q.id FROM posts q WHERE q.id = s.ref), "
        "(SELECT a.ref FROM aliases a JOIN posts q ON q.id = a.ref WHERE a.alias = s.ref ORDER BY a.ref LIMIT 1)) "
        "GROUP BY 1, 2, CASE WHEN s.status IS 'resolved' THEN '' ELSE coalesce(s.reason, '') END, 4 "
        "ORDER BY n DESC, 1, 2, 3, 4",
        documents=json.dumps(documents),
        most=MENTIONS,
    )
    found: dict[int, Row] = {}
    for row in rows:
        kept = found.setdefault(
            row["document"], {"captured": 0, "gone": 0, "unseen": 0, "unresolved": 0, "reasons": []}
        )
        kept[row["fate"]] += row["n"]
        if row["fate"] == "unresolved" and len(kept["reasons"]) < REASONS:
            told = {"status": row["status"], "reason": row["reason"][:200], "n": row["n"]}
            kept["reasons"].append(told)
    return found


def _queued(reader: Reader, seeds: list[str]) -> dict[str, Row]:
    """What stands in the queue for each seed, counted so far as `QUEUED`; since when it is kept no longer, and why."""
    planned = "SELECT 1 FROM work_queue q WHERE q.seed = j.value AND q.due_at"
    rows = reader.rows(
        "What is queued for each seed",
        "SELECT j.value AS seed, "
        f"(SELECT count(*) FROM ({planned} > '' LIMIT :most)) AS planned, "
        f"(SELECT count(*) FROM ({planned} <= :now LIMIT :most)) AS due, "
        "(SELECT count(*) FROM (SELECT 1 FROM work_queue q WHERE q.seed = j.value AND q.attempts > 0 "
        "AND q.due_at > '' LIMIT :most)) AS failed, "
        "(SELECT min(q.due_at) FROM work_queue q WHERE q.seed = j.value AND q.due_at > :now) AS next, "
        "coalesce(d.dropped_at, '') AS dropped_at, coalesce(d.reason, '') AS reason "
        "FROM json_each(:seeds) j LEFT JOIN work_seeds d ON d.seed = j.value ORDER BY j.key",
        seeds=json.dumps(seeds),
        now=utc_now(),
        most=QUEUED,
    )
    return {row.pop("seed"): row for row in rows}


PAGES = (Page(path="seeds", template="archiver_seeds.html", gather=gather, reads=READS, css=("overview.css",)),)
