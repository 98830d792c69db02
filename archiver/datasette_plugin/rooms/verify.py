"""Verify now: each capture behind one post, document or other thing, checked while the reader waits."""

from __future__ import annotations

import time

from archiver.datasette_plugin.custody import proves, proving
from archiver.datasette_plugin.custody.busy import CHECKS
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.jobs import verifying_now
from archiver.jobs.show import find

MOST, BYTES, SECONDS = 50, 128 << 20, 3.0
"""Captures, bytes of bodies and time of one page."""
_THEIRS = """
    WITH RECURSIVE same(id) AS (
        SELECT id FROM refs WHERE ref = :ref
        UNION SELECT a.ref FROM aliases a JOIN same s ON a.alias = s.id
        UNION SELECT a.alias FROM aliases a JOIN same s ON a.ref = s.id
        LIMIT 1000
    ), behind(capture) AS (
        SELECT capture FROM outcomes WHERE ref IN (SELECT id FROM same)
        UNION SELECT s.capture FROM versions v JOIN sightings s ON s.version = v.id
            WHERE v.post IN (SELECT id FROM same)
        UNION SELECT id FROM captures WHERE ref IN (SELECT ref FROM refs WHERE id IN (SELECT id FROM same))
        UNION SELECT f.capture FROM media m JOIN files f ON f.ref = m.file WHERE m.post IN (SELECT id FROM same)
        UNION SELECT capture FROM documents WHERE id IN (SELECT id FROM same)
        UNION SELECT capture FROM collection_documents WHERE document IN (SELECT id FROM same)
        UNION SELECT capture FROM proofs WHERE ref IN (SELECT id FROM same)
    )
    SELECT c.uid, c.origin, c.leaf, c.observed_at, c.ref, c.route, c.status, c.failure, c.tier, c.blob,
        coalesce(b.sha256, '') AS sha256, coalesce(b.size, 0) AS size
    FROM behind JOIN captures c ON c.id = behind.capture LEFT JOIN blobs b ON b.id = c.blob
    WHERE c.uid < :before ORDER BY c.uid DESC LIMIT :most
"""


def gather(reader: Reader, asked: Asked) -> Row:
    """What was found wrong, what could not be checked, what held. PageError (503) when too many ask at once."""
    started = time.monotonic()
    with CHECKS.one():
        ref = str(find(reader.archive, asked.parts["ref"]))
        before = asked.get("before", "g")  # behind every uid, which are hexadecimal digits
        rows = reader.rows("The captures behind it", _THEIRS, ref=ref, before=before, most=MOST + 1)
        shown = rows[:MOST]
        captures = [
            verifying_now.Capture(
                uid=row["uid"],
                origin=row["origin"],
                leaf=row["leaf"],
                began=row["observed_at"],
                blob=row["blob"],
                sha256=row["sha256"],
                size=row["size"],
            )
            for row in shown
        ]
        now = verifying_now.check(
            reader.archive, captures, most_bytes=BYTES, late=lambda: time.monotonic() - started > SECONDS
        )
    told = proving.checked(now)
    by_uid = {row["uid"]: row for row in shown}
    for one in told["captures"]:
        row = by_uid[one["uid"]]
        one |= {name: row[name] for name in ("observed_at", "ref", "route", "status", "failure", "tier")}
        one |= {"body_sha256": row["sha256"], "body_size": row["size"]}
    reached = told["captures"][-1]["uid"] if told["captures"] else None
    return {
        "ref": ref,
        **told,
        "more": reached if reached is not None and (now.left or len(rows) > MOST) else None,
        "bounds": {"captures": MOST, "bytes": BYTES, "seconds": SECONDS},
        "cannot": proves.cannot(told),
    }


def dress(found: Row, asked: Asked) -> Row:
    """Counts for the sentence on top, and where to go on."""
    words = [one["state"] for one in found["captures"]]
    at, ref = asked.at, found["ref"]
    return {
        "held": words.count(verifying_now.HELD),
        "wrong": words.count(verifying_now.WRONG),
        "open": words.count(verifying_now.UNCHECKED),
        "next": at("verify", ref, before=found["more"]) if found["more"] else "",
        "first": at("verify", ref) if asked.get("before") else "",
        "bundle": at("bundle", ref),
    }


PAGES = (
    Page(
        path=r"verify/(?P<ref>[^/.]+)",
        template="archiver_verify.html",
        gather=gather,
        dress=dress,
        reads=("captures", "blobs", "log_leaf", "log_checkpoint", "refs", "outcomes", "sightings", "documents"),
        css=("custody.css",),
        milliseconds=8000,
    ),
)
