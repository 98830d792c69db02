"""Bodies that hold the words of a post though no post was read from them: a repository's blocks, a debugging answer."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable

from archiver.custody import content, framing, redaction
from archiver.errors import ParseError
from archiver.store.archive import Archive
from archiver.store.blobs import BlobStore

MOST = 32 << 20
ENOUGH = 24
"""Characters of a text that are taken for its words and not for anybody's: a shorter one is only told of afterwards."""

# Documents keep their own words, and media are no text. Copies of earlier erasures are looked after by themselves.
_BODIES = """
SELECT c.blob, b.sha256, min(c.id) AS capture FROM captures c JOIN blobs b ON b.id = c.blob
WHERE b.size > 0 AND c.route <> 'media' AND c.blob NOT IN (SELECT value FROM json_each(?))
AND EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id)
AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.sha256 = c.entity_sha256)
GROUP BY c.blob ORDER BY c.blob
"""
_SAYS = """
SELECT 1 FROM captures c JOIN sightings s ON s.capture = c.id JOIN versions v ON v.id = s.version
WHERE c.blob = ?1 AND (instr(v.text, ?2) OR instr(v.warning, ?2)
OR EXISTS (SELECT 1 FROM media m WHERE m.post = v.post AND instr(m.alt, ?2))) LIMIT 1
"""


def strays(archive: Archive, texts: Iterable[str], going: Collection[int]) -> set[int]:
    """Blobs (local ids) besides those that go already that hold one of the texts whole, after content decoding, in
    whatever form; none in which another post says these words. Reads every body but media once."""
    wanted = []
    for text in texts:
        parts = redaction.pieces([text])
        if sum(map(len, parts)) >= ENOUGH:
            wanted.append([(part, redaction.forms(part)) for part in parts])
    found: set[int] = set()
    if not wanted:
        return found
    for row in archive.all(_BODIES, json.dumps(sorted(going))):
        body = _decoded(archive, row["sha256"], row["capture"])
        for parts_of_text in wanted:
            held = all(any(form in body for form in forms) for _, forms in parts_of_text)
            if held and archive.one(_SAYS, row["blob"], parts_of_text[0][0]) is None:
                found.add(int(row["blob"]))
                break
    return found


def _decoded(archive: Archive, sha256: str, capture: int) -> bytes:
    raw = b"".join(BlobStore(archive).range(sha256, 0, MOST))
    row = archive.one("SELECT response_head FROM captures WHERE id = ?", capture)
    if row is None or not row["response_head"]:
        return raw
    try:
        return content.entity(io.BytesIO(raw), framing.parse_head(row["response_head"]).headers, MOST)
    except ParseError:
        return raw
