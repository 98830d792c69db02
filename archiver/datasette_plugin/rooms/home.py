"""What an archive holds, how fresh and how whole it is, on one screen.

Nothing is counted here: numbers come from tallies, from sums over evidence, and from the ends of indexes.
"""

from __future__ import annotations

import json
from typing import Any

from datasette import Forbidden

from archiver.datasette_plugin.allowed import ensure
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.places import Places
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row, read
from archiver.jobs import before, rules
from archiver.net.clock import utc_now
from archiver.store import schema, tallies
from archiver.store.archive import DatabaseError

READS = ("posts", "documents", "mentions", "matches", "captures", "events", "tallies")
MOST = 10_000
"""What is counted at all is counted so far."""
LATELY = 5
UNCOMPARED = ("", "not-found", "not-judged")
"""Verdicts that say of no post that it was compared word for word."""


def gather(reader: Reader, asked: Asked) -> Row:
    """`holds`: numbers. `fresh`: last run and capture, looks that are due. `whole`: how far the log is signed, dated
    and checked, and what was not read. `lately`: what changed last. `altered`: quotations that differ, judged last.
    `compared`: how many quotations were compared with a post."""
    counts = _counts(reader)
    now = utc_now()
    held = tallies.held(reader.archive)
    captures = sum(held.captures.values())
    holds = {
        **{name: sum(row["n"] for row in rows) for name, rows in counts.items()},
        "captures": captures,
        "failed_captures": captures - held.captures.get("", 0),
        "blobs": held.blobs,
        "bytes": held.bytes,
    }
    return {
        "now": now,
        "empty": captures == 0,
        "holds": holds,
        "platforms": _by(counts["posts"], "a"),
        "outcomes": _by(counts["posts"], "b"),
        "verdicts": _by(counts["verdicts"], "a"),
        "resolutions": _by(counts["resolutions"], "a"),
        "fresh": _fresh(reader, now),
        "whole": _whole(reader, counts["verdicts"], holds),
        "lately": _lately(reader),
        "altered": _altered(reader, counts["verdicts"]),
        "compared": sum(row["n"] for row in counts["verdicts"] if row["a"] not in UNCOMPARED),
    }


def _counts(reader: Reader) -> dict[str, list[Row]]:
    """The tallies but the long one, by their names; every name is there."""
    rows = reader.rows(
        "How many there are",
        "SELECT name, a, b, c, n FROM tallies WHERE name < 'outcomes' OR name > 'outcomes' ORDER BY name, n DESC, id",
    )
    found: dict[str, list[Row]] = {tally.name: [] for tally in tallies.TALLIES if tally.name != "outcomes"}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


def _by(rows: list[Row], word: str) -> list[Row]:
    """The sums by one of the words, the largest first; a post without outcome was never asked for by itself."""
    found: dict[str, int] = {}
    for row in rows:
        found[row[word]] = found.get(row[word], 0) + row["n"]
    return [{"word": key, "n": found[key]} for key in sorted(found, key=lambda key: (-found[key], key))]


def _fresh(reader: Reader, now: str) -> Row:
    return {
        "run": reader.row(
            "The last run",
            "SELECT started_at, ended_at, captures, failures, exit_code FROM work_runs ORDER BY id DESC LIMIT 1",
        ),
        "capture": reader.row(
            "The last capture",
            "SELECT uid, ref, observed_at, failure, tier FROM captures WHERE id = (SELECT max(id) FROM captures)",
        ),
        "overdue": reader.value(
            "How many looks are due",
            "SELECT count(*) FROM (SELECT 1 FROM work_queue WHERE due_at <= :now LIMIT :most)",
            now=now,
            most=MOST,
        ),
        "oldest": reader.row(
            "The look that is due longest",
            "SELECT ref, due_at FROM work_queue WHERE due_at <= :now ORDER BY due_at, ref LIMIT 1",
            now=now,
        ),
        "next": reader.row(
            "The next look",
            "SELECT ref, due_at FROM work_queue WHERE due_at > :now ORDER BY due_at, ref LIMIT 1",
            now=now,
        ),
        "most": MOST,
    }


def _whole(reader: Reader, verdicts: list[Row], holds: dict[str, int]) -> Row:
    size = reader.value(
        "Leaves of the log",
        "SELECT coalesce(max(idx) + 1, 0) FROM log_leaf WHERE origin = (SELECT id FROM origin WHERE local = 1)",
    )
    head = reader.row(
        "How far the log is signed",
        "SELECT size, at FROM log_checkpoint WHERE origin = (SELECT id FROM origin WHERE local = 1) "
        "ORDER BY size DESC LIMIT 1",
    )
    unread = reader.value(
        "Captures that were not read yet",
        "SELECT count(*) FROM (SELECT 1 FROM captures WHERE origin = (SELECT id FROM origin WHERE local = 1) "
        "AND leaf > (SELECT coalesce(max(CAST(value AS INTEGER)), -1) FROM work_state WHERE name = 'read_upto') "
        "LIMIT :most)",
        most=MOST,
    )
    made = reader.value("Version of the readings", "SELECT value FROM work_state WHERE name = 'readings_version'")
    leading = sum(row["n"] for row in verdicts)
    return {
        "leaves": size,
        "signed": head["size"] if head else 0,
        "signed_at": head["at"] if head else "",
        "anchor": reader.row(
            "The last outside timestamp or witness",
            "SELECT kind, service, size, at FROM log_anchor WHERE at <> '' ORDER BY at DESC, id DESC LIMIT 1",
        ),
        "fixity": reader.row(
            "The last check that was recorded",
            "SELECT at, checked, wrong, detail FROM fixities ORDER BY id DESC LIMIT 1",
        ),
        "unread_places": holds["unread"],
        "captures_not_read": unread,
        "most": MOST,
        "rules": rules.told(rules.older(reader.archive), leading, before.kept(reader.archive)),
        "rebuild": made is not None and made != schema.READINGS_VERSION,
    }


def _lately(reader: Reader) -> list[Row]:
    return reader.rows(
        "What changed lately",
        "SELECT e.kind, e.outcome, e.at, r.ref, p.handle, substr(p.text, 1, 160) AS text FROM events e "
        "JOIN posts p ON p.id = e.post JOIN refs r ON r.id = e.post ORDER BY e.at DESC, e.id DESC LIMIT :most",
        most=LATELY,
    )


def _altered(reader: Reader, verdicts: list[Row]) -> list[Row]:
    """Of each way in which a post was found the last ones by index, then the last of these."""
    chosen = [[row["a"], row["c"]] for row in verdicts if row["a"] in ("altered", "spliced")]
    if not chosen:
        return []
    rows = reader.rows(
        "Quotations that differ, judged last",
        "SELECT x.verdict, substr(m.quoted, 1, 160) AS quoted, m.handle, t.ref AS passage, p.ref AS post, d.title, "
        "c.url FROM json_each(:chosen) j CROSS JOIN matches x ON x.id IN (SELECT y.id FROM matches y "
        "WHERE y.verdict = json_extract(j.value, '$[0]') AND y.found_by = json_extract(j.value, '$[1]') AND y.rank = 0 "
        "ORDER BY y.id DESC LIMIT :most) JOIN mentions m ON m.id = x.mention JOIN refs t ON t.id = m.ref "
        "JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture LEFT JOIN refs p ON p.id = x.post "
        "ORDER BY x.id DESC LIMIT :most",
        chosen=json.dumps(chosen),
        most=LATELY,
    )
    return [row | {"called": called(row["title"] or "", row["url"])} for row in rows]


async def short(datasette: Any, request: Any, at: Places | None) -> Row | None:
    """What Datasette's own first pages say of the archive; None where the reader may not see it, or it is not told."""
    if at is None:
        return None
    actor = request.actor if request is not None else None
    try:
        closed = await ensure(datasette, actor, at.database, READS)
        found: Row = await read(datasette, at.database, _short, milliseconds=1000, closed=closed)
    except (Forbidden, DatabaseError):
        return None
    return found


def _short(reader: Reader) -> Row:
    counts = _counts(reader)
    held = tallies.held(reader.archive)
    last = reader.value(
        "The last capture", "SELECT observed_at FROM captures WHERE id = (SELECT max(id) FROM captures)"
    )
    return {
        "documents": sum(row["n"] for row in counts["documents"]),
        "posts": sum(row["n"] for row in counts["posts"]),
        "verdicts": _by(counts["verdicts"], "a"),
        "captures": sum(held.captures.values()),
        "bytes": held.bytes,
        "last": last or "",
    }


PAGES = (Page(path="home", template="archiver_home.html", gather=gather, reads=READS, css=("overview.css",)),)
