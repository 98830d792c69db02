"""Phrase edges between posts that one document refers to. The first such document, in log order, stands for the edge;
another takes its place when the first no longer refers to both."""

from __future__ import annotations

import json
from itertools import groupby

from archiver.jobs import phrases
from archiver.jobs.session import Session
from archiver.model import Ref
from archiver.quotes.phrases import quoted_phrases

_REMOVE = """
DELETE FROM edges WHERE id IN (
    SELECT e.id FROM json_each(:posts) j CROSS JOIN edges e ON e.source = j.value AND e.kind = 'same-text'
    UNION SELECT e.id FROM json_each(:posts) j CROSS JOIN edges e ON e.target = j.value AND e.kind = 'same-text'
) AND +evidence = 'inferred' AND EXISTS (SELECT 1 FROM refs r WHERE r.id = edges.source AND +r.platform <> 'doc')
"""
_TOGETHER = """
SELECT DISTINCT d.capture, c.origin, c.leaf, r.ref, r.id IN (SELECT value FROM json_each(:posts)) AS touched
FROM (SELECT DISTINCT m.document FROM json_each(:posts) j CROSS JOIN resolutions s ON s.ref = j.value
    CROSS JOIN mentions m ON m.id = s.mention WHERE +s.status = 'resolved') h
CROSS JOIN documents d ON d.id = h.document CROSS JOIN captures c ON c.id = d.capture
CROSS JOIN mentions m ON m.document = d.id CROSS JOIN resolutions s ON s.mention = m.id AND +s.status = 'resolved'
CROSS JOIN refs r ON r.id = s.ref
ORDER BY c.origin, c.leaf, r.ref
"""


def link_posts(session: Session, touched: set[int]) -> None:
    """Makes the phrase edges to and from these posts again, inside the caller's transaction."""
    db, given = session.archive.db, {"posts": json.dumps(sorted(touched))}
    db.execute(_REMOVE, given)
    compared: set[tuple[str, str]] = set()
    for capture, rows in groupby(db.execute(_TOGETHER, given).fetchall(), key=lambda row: int(row["capture"])):
        group = {str(row["ref"]): bool(row["touched"]) for row in rows}
        held = {str(post): (post, text) for post, text in phrases.texts(session, [Ref.parse(ref) for ref in group])}
        # A document may name ten thousand posts: only those that were captured and hold a phrase are paired.
        pairs = {
            (min(one, other), max(one, other))
            for one in held
            if quoted_phrases(held[one][1])
            for other in held
            if one != other and (group[one] or group[other])
        }
        for first, second in sorted(pairs - compared):
            compared.add((first, second))
            for edge in phrases.between([held[first], held[second]]):
                session.readings.edge(capture, edge)
