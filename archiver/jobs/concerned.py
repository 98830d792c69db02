"""Which documents new evidence may concern: exactly what must be settled again, and in proportion to what is new.

A verdict depends on few things, and each has its look-up here: the posts that a mention names or that its links lead
to (through aliases, copies and reposts), the posts of a signature's author and day, the texts that share runs of words
with a quotation, the texts that hold a phrase, and a person's statement. `settle` on all documents gives the same.
"""

from __future__ import annotations

import json

from archiver.jobs.session import Session
from archiver.store import marks, runs

_NEW = "new(id) AS MATERIALIZED (SELECT id FROM captures WHERE origin = :origin AND leaf > :upto)"
# What is new, everything that aliases join with it, and what leads there. CROSS JOIN and + keep SQLite from beginning
# with all that an archive holds: without statistics it takes any index for a good one.
_NEAR = f"""
{_NEW}, fresh(id) AS (
    SELECT o.ref FROM new CROSS JOIN outcomes o ON o.capture = new.id
    UNION SELECT v.post FROM new CROSS JOIN sightings s ON s.capture = new.id CROSS JOIN versions v ON v.id = s.version
    UNION SELECT a.alias FROM new CROSS JOIN aliases a ON a.capture = new.id
    UNION SELECT a.ref FROM new CROSS JOIN aliases a ON a.capture = new.id
    UNION SELECT e.source FROM new CROSS JOIN edges e ON e.capture = new.id AND +e.kind IN ('reposts', 'resolves-to')
), near(id) AS (
    SELECT id FROM fresh
    UNION SELECT a.ref FROM near CROSS JOIN aliases a ON a.alias = near.id
    UNION SELECT a.alias FROM near CROSS JOIN aliases a ON a.ref = near.id
    UNION SELECT e.source FROM near CROSS JOIN edges e ON e.target = near.id AND e.kind IN ('reposts', 'resolves-to')
)
"""
_NAMED = f"""
WITH RECURSIVE {_NEAR}
SELECT d.id FROM new CROSS JOIN documents d ON d.capture = new.id
UNION SELECT m.document FROM near CROSS JOIN mentions m ON m.target = near.id
UNION SELECT m.document FROM near CROSS JOIN mention_links l ON l.ref = near.id
    CROSS JOIN mentions m ON m.id = l.mention
UNION SELECT m.document FROM near CROSS JOIN resolutions s ON s.ref = near.id CROSS JOIN mentions m ON m.id = s.mention
UNION SELECT m.document FROM near CROSS JOIN resolutions s ON s.candidate = near.id
    CROSS JOIN mentions m ON m.id = s.mention
UNION SELECT m.document FROM near CROSS JOIN matches x ON x.post = near.id CROSS JOIN mentions m ON m.id = x.mention
UNION SELECT m.document FROM statements t CROSS JOIN refs r ON r.ref = t.subject CROSS JOIN mentions m ON m.ref = r.id
    WHERE t.origin = :origin AND t.leaf > :upto
"""
# Versions that nothing showed before, and those of posts whose handle may have changed since.
_VERSIONS = f"""
WITH {_NEW}, seen(id) AS (
    SELECT DISTINCT s.version FROM new CROSS JOIN sightings s ON s.capture = new.id
), changed(id) AS (
    SELECT v.post FROM seen CROSS JOIN versions v ON v.id = seen.id CROSS JOIN versions o ON o.post = v.post
    CROSS JOIN sightings s ON s.version = o.id AND s.handle <> ''
    GROUP BY v.post HAVING count(DISTINCT s.handle) > 1 OR min(s.capture IN (SELECT id FROM new))
)
SELECT id, text FROM versions WHERE id IN (
    SELECT id FROM seen WHERE NOT EXISTS (
        SELECT 1 FROM sightings s WHERE s.version = seen.id AND s.capture NOT IN (SELECT id FROM new))
    UNION SELECT v.id FROM changed CROSS JOIN versions v ON v.post = changed.id
) ORDER BY id
"""


def _user(handle: str) -> str:
    """An expression for a handle without case and server: what may be the same by `link.same_handle`."""
    bare = f"ltrim(lower({handle}), '@') || '@'"
    return f"substr({bare}, 1, instr({bare}, '@') - 1)"


_SIGNED = f"""
SELECT DISTINCT m.document FROM (
    SELECT DISTINCT p.platform, lower(s.handle) AS handle, date(p.posted_at) AS day FROM versions v CROSS JOIN
    posts p ON p.id = v.post CROSS JOIN versions o ON o.post = p.id CROSS JOIN sightings s ON s.version = o.id
    WHERE v.id = ? AND s.handle <> '' AND p.posted_at <> ''
) k CROSS JOIN mentions m ON m.platform = k.platform AND {_user("m.handle")} = {_user("k.handle")}
    AND m.day BETWEEN date(k.day, '-1 day') AND date(k.day, '+1 day')
WHERE m.day <> '' AND m.quote_start IS NOT NULL
"""
# A faithful quotation of the post that it names is compared with no other.
_COMPARED = """
SELECT m.document FROM mentions m WHERE m.id = ? AND NOT EXISTS (
    SELECT 1 FROM matches x WHERE x.mention = m.id AND x.rank = 0 AND +x.found_by = 'target' AND x.faithful)
"""


# A document that is read again may have another address, or another time that it claims.
_READ = f"""
WITH {_NEW}
SELECT DISTINCT d.id, d.text FROM new CROSS JOIN captures c ON c.id = new.id
CROSS JOIN refs r ON r.ref = 'doc:document:' || c.entity_sha256 CROSS JOIN documents d ON d.id = r.id
WHERE c.{marks.READ}
"""


def concerned(session: Session, upto: int) -> set[int]:
    """The local ids of the documents that evidence after leaf `upto` may concern."""
    db, since = session.archive.db, {"upto": upto, "origin": session.evidence.origin}
    found = {int(row[0]) for row in db.execute(_NAMED, since)}
    for row in db.execute(_READ, since):
        found |= {int(row["id"])} | marks.waiting_for(session.archive, row["text"])
    for version in db.execute(_VERSIONS, since):
        found |= {int(row[0]) for row in db.execute(_SIGNED, (version["id"],))}
        for mention in runs.mentions_sharing(session.archive, version["text"]):
            found |= {int(row[0]) for row in db.execute(_COMPARED, (mention,))}
        found |= marks.waiting_for(session.archive, version["text"])
        found |= _by_phrases(session, version["text"])
    for row in db.execute(_QUOTED, since):
        found |= _by_phrases(session, row["quoted"])
    return found


_QUOTED = f"""
WITH {_NEW} SELECT m.quoted FROM new CROSS JOIN documents d ON d.capture = new.id
CROSS JOIN mentions m ON m.document = d.id WHERE m.quoted <> ''
"""
_PHRASES = "SELECT p.document FROM json_each(?) j JOIN phrases p ON p.gram = j.value"


def _by_phrases(session: Session, text: str) -> set[int]:
    """Documents that hold a phrase whose first run a new text holds too."""
    if session.archive.one("SELECT 1 FROM phrases LIMIT 1") is None:
        return set()
    held = json.dumps(sorted(runs.runs_of(text)))
    return {int(row[0]) for row in session.archive.all(_PHRASES, held)}
