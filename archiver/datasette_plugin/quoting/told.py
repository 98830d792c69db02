"""What the archive knows of mentions: their words, what each stands for, and the verdicts, as plain values.

Everything is bounded: of long words and posts a window around what was compared is read, of many comparisons the first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from archiver.datasette_plugin.reader import Reader, Row
from archiver.quotes.audit import warnings
from archiver.quotes.meaning import FLAGS
from archiver.render import glossary

SHOWN = 1_500
"""Code points of words or of a post that are shown on one page; the rest stands on the page of the post."""
BEFORE = 200
"""How much of a long text is shown before what was compared."""
COMPARED = 4
SOURCES = 5
CHANGES = 40
LARGEST_CHANGES = 200_000
"""Bytes of the changes of one comparison: more are not listed here."""

Place = tuple[str, int]
"""A mention by the SHA-256 of its document and its ordinal in it."""

_ASKED = """
    WITH asked AS (
        SELECT j.key AS n, m.id AS mention, json_extract(j.value, '$[2]') AS first FROM json_each(:places) j
        CROSS JOIN refs r ON r.ref = 'doc:document:' || json_extract(j.value, '$[0]')
        CROSS JOIN mentions m ON m.document = r.id AND m.ordinal = json_extract(j.value, '$[1]'))
"""
_COMPARED = f"""{_ASKED}
    SELECT a.n, x.rank, x.verdict, x.standard, x.faithful, x.found_by, x.flags, x.steps, x.omitted,
        substr(x.reason, 1, 1000) AS reason,
        CASE WHEN length(CAST(x.changes AS BLOB)) <= :largest THEN x.changes END AS changes,
        x.quoted_start, x.quoted_end, x.original_start, x.original_end, q.ref AS post, v.sha256 AS version, v.truncated,
        max(coalesce(x.original_start, 0) - :before, 0) AS text_from,
        substr(v.text, max(coalesce(x.original_start, 0) - :before, 0) + 1, :shown) AS text,
        length(v.text) AS text_length, p.handle, p.name, p.posted_at, p.outcome, p.outcome_at, p.url AS address,
        p.edits, p.text IS v.text AS current, c.uid AS capture, c.observed_at AS first_seen
    FROM asked a CROSS JOIN matches x ON x.mention = a.mention AND x.rank < :compared
    LEFT JOIN refs q ON q.id = x.post LEFT JOIN versions v ON v.id = x.version LEFT JOIN posts p ON p.id = v.post
    LEFT JOIN captures c ON c.id = (SELECT min(g.capture) FROM sightings g WHERE g.version = x.version)
    ORDER BY a.n, x.rank"""
_MENTION = f"""{_ASKED}
    SELECT a.n, r.ref AS passage, m.ordinal, m.kind, m.markup, m.text_start, m.text_end, m.quote_start, m.quote_end,
        a.first AS words_from, substr(m.quoted, a.first + 1, :shown) AS words, length(m.quoted) AS words_length,
        m.handle, m.name, m.day, m.day_zone, m.url, m.platform, t.ref AS target,
        substr(d.title, 1, 200) AS title, c.url AS document_name, f.remote_id AS document, s.status, s.how,
        substr(s.reason, 1, 1000) AS resolution_reason, s.id_low, s.id_high, sr.ref AS resolved, sc.ref AS candidate,
        (SELECT count(*) FROM matches x WHERE x.mention = m.id) AS comparisons,
        p.id IS NOT NULL AS captured, substr(p.text, 1, :shown) AS post_text, length(p.text) AS post_length,
        p.handle AS post_handle, p.name AS post_name, p.posted_at, p.outcome, p.outcome_at, p.edits,
        p.url AS post_address
    FROM asked a CROSS JOIN mentions m ON m.id = a.mention JOIN refs r ON r.id = m.ref
    JOIN documents d ON d.id = m.document JOIN refs f ON f.id = d.id JOIN captures c ON c.id = d.capture
    LEFT JOIN refs t ON t.id = m.target LEFT JOIN resolutions s ON s.mention = m.id
    LEFT JOIN refs sr ON sr.id = s.ref LEFT JOIN refs sc ON sc.id = s.candidate
    LEFT JOIN posts p ON p.id = coalesce(s.ref, s.candidate)
    ORDER BY a.n"""
_ASKED_FOR = """
    SELECT r.ref, o.outcome, substr(o.reason, 1, 400) AS reason, c.observed_at, c.uid AS capture,
        (SELECT t.ref FROM edges e JOIN refs t ON t.id = e.target WHERE e.source = r.id AND e.kind = 'reposts'
            ORDER BY e.id LIMIT 1) AS reposts
    FROM json_each(:refs) j CROSS JOIN refs r ON r.ref = j.value
    CROSS JOIN outcomes o ON o.id = (
        SELECT k.id FROM outcomes k JOIN captures l ON l.id = k.capture
        WHERE k.ref = r.id AND l.tier <> 'import' ORDER BY k.id DESC LIMIT 1)
    JOIN captures c ON c.id = o.capture ORDER BY r.ref"""
_SOURCES = f"""{_ASKED}
    SELECT a.n, x.rank, r.ref, x.words, x.verdict, x.claimed_at, x.first_seen, x.place_start, x.place_end,
        p.handle, substr(d.title, 1, 200) AS title, c.url,
        (SELECT count(*) FROM sources o WHERE o.mention = x.mention) AS held
    FROM asked a CROSS JOIN sources x ON x.mention = a.mention AND x.rank < :sources JOIN refs r ON r.id = x.source
    LEFT JOIN posts p ON p.id = x.source LEFT JOIN documents d ON d.id = x.source
    LEFT JOIN captures c ON c.id = d.capture ORDER BY a.n, x.rank"""


def mentions(reader: Reader, places: Sequence[Place]) -> list[Row]:
    """The mentions at these places, in this order; those that the archive does not hold are left out."""
    asked = json.dumps([[document, ordinal, 0] for document, ordinal in places])
    compared: dict[int, list[Row]] = {}
    for row in reader.rows(
        "Comparisons with posts",
        _COMPARED,
        places=asked,
        largest=LARGEST_CHANGES,
        before=BEFORE,
        shown=SHOWN,
        compared=COMPARED,
    ):
        compared.setdefault(row.pop("n"), []).append(_compared(row))
    # Of long words the window that is read begins shortly before what was changed in them.
    firsts = [_first(compared.get(number, [])) for number in range(len(places))]
    asked = json.dumps([[*place, first] for place, first in zip(places, firsts, strict=True)])
    sources: dict[int, list[Row]] = {}
    for row in reader.rows("Where passages occur", _SOURCES, places=asked, sources=SOURCES):
        sources.setdefault(row.pop("n"), []).append(_source(row))
    rows = reader.rows("Mentions", _MENTION, places=asked, shown=SHOWN)
    wanted = {ref for row in rows if not row["captured"] and (ref := row["resolved"] or row["candidate"])}
    outcomes = {
        row["ref"]: row for row in reader.rows("Last answers", _ASKED_FOR, refs=json.dumps(sorted(wanted))) if wanted
    }
    return [_mention(row, compared.get(row["n"], []), sources.get(row["n"], []), outcomes) for row in rows]


def _first(compared: Sequence[Row]) -> int:
    """Where the window of a mention's words begins: 0 but for changes that stand further on than it reaches."""
    spans = [change["quoted_span"] for one in compared[:1] for change in one["changes"]]
    return max(0, spans[0][0] - BEFORE) if spans and spans[0][1] > SHOWN else 0


def _mention(row: Row, compared: list[Row], sources: list[Row], outcomes: dict[str, Row]) -> Row:
    post = None
    if row["captured"]:
        post = {
            "text": row["post_text"],
            "text_length": row["post_length"],
            "handle": row["post_handle"],
            "name": row["post_name"],
            "posted_at": row["posted_at"],
            "outcome": row["outcome"],
            "outcome_at": row["outcome_at"],
            "address": row["post_address"],
            "edits": row["edits"],
        }
    leading = compared[0] if compared else None
    ref = row["resolved"] or row["candidate"] or ""
    return {
        "number": row["ordinal"] + 1,
        "document": row["document"],
        "called": called(row["title"], row["document_name"]),
        "passage": row["passage"],
        "kind": row["kind"],
        "markup": row["markup"],
        "start": row["text_start"],
        "end": row["text_end"],
        "quote_start": row["quote_start"],
        "quote_end": row["quote_end"],
        "words": row["words"],
        "words_from": row["words_from"],
        "words_length": row["words_length"],
        "handle": row["handle"],
        "name": row["name"],
        "day": row["day"],
        "url": row["url"],
        "platform": row["platform"],
        "target": row["target"],
        "resolution": {
            "status": row["status"] or "",
            "how": row["how"] or "",
            "ref": ref,
            "sure": bool(row["resolved"]),
            "reason": row["resolution_reason"] or "",
            "id_low": row["id_low"] or "",
            "id_high": row["id_high"] or "",
        },
        "verdict": leading["verdict"] if leading else "",
        "standard": leading["standard"] if leading else "",
        "compared": compared,
        "comparisons": row["comparisons"],
        "post": post,
        "answer": outcomes.get(ref),
        "sources": sources,
        "sources_held": sources[0]["held"] if sources else 0,
    }


def _compared(row: Row) -> Row:
    listed = _listed(row["changes"])
    flags = row["flags"].split()
    warns = warnings(flags)
    return {
        **row,
        "flags": [{"flag": flag, "means": FLAGS.get(flag, flag), "warns": flag in warns} for flag in flags],
        "steps": [glossary.step(step) for step in row["steps"].split()],
        "omitted": row["omitted"].split(),
        "changes": (listed or [])[:CHANGES],
        "changes_listed": listed is not None,
        "changes_count": len(listed or []),
    }


def _listed(written: str | None) -> list[dict[str, Any]] | None:
    """Changes as they stand in a row; None where they are too long, or where the row does not hold any."""
    try:
        return None if written is None else [_change(change) for change in json.loads(written)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _change(change: dict[str, Any]) -> dict[str, Any]:
    spans = {name: change[name] for name in ("quoted_span", "original_span")}
    return {
        "op": str(change["op"]),
        "quoted": change["quoted"][:SHOWN],
        "original": change["original"][:SHOWN],
        **{name: [int(span["start"]), int(span["end"])] for name, span in spans.items()},
    }


def _source(row: Row) -> Row:
    title, url = row.pop("title") or "", row.pop("url") or ""
    row["name"] = called(title, url) or (f"@{row['handle']}" if row["handle"] else row["ref"])
    return row


def called(title: str, url: str) -> str:
    """What a document is called: its title, or else its address, or the name of the file that it was given as."""
    name = url.removeprefix("seed:")
    return title or (name if "://" in name else name.rstrip("/").rpartition("/")[2] or name)
