"""Files as tiles of a gallery: what each is, which posts carry it, and whether it is shown unasked."""

from __future__ import annotations

import json
from collections.abc import Iterable

from archiver.datasette_plugin.reader import Reader, Row
from archiver.jobs.pictures import PICTURE

CARRYING = 3
COUNTED = 1000
"""Posts that are counted: beyond, a page says "1,000 or more"."""
FILES = """
SELECT b.sha256, b.size, m.blob, m.kind, m.media_type, m.width, m.height, m.animated, m.reason,
  c.uid AS capture, c.observed_at AS first_seen,
  EXISTS (SELECT 1 FROM media_carriers s WHERE s.blob = m.blob AND s.sensitive = 1) AS sensitive,
  (SELECT count(*) FROM (SELECT 1 FROM media_carriers n WHERE n.blob = m.blob LIMIT :counted)) AS posts
FROM json_each(:blobs) j JOIN media_blobs m ON m.blob = j.value JOIN blobs b ON b.id = m.blob
JOIN captures c ON c.id = m.capture ORDER BY j.key
"""
CARRIERS = """
SELECT r.ref, p.platform, p.handle, p.name, p.posted_at, p.outcome, k.sensitive, substr(p.text, 1, 601) AS text,
  coalesce((SELECT m.alt FROM media m JOIN files f ON f.ref = m.file
    WHERE m.post = k.post AND f.blob = k.blob AND m.alt <> '' ORDER BY m.id LIMIT 1), '') AS alt
FROM media_carriers k JOIN posts p ON p.id = k.post JOIN refs r ON r.id = k.post
WHERE k.blob = :blob AND k.post > coalesce((SELECT id FROM refs WHERE ref = :after), 0) ORDER BY k.post LIMIT :most
"""


def tiles(reader: Reader, blobs: Iterable[int]) -> list[Row]:
    """Tiles of these files, in this order. `alt` is the first alternative text that a post gives, empty where none
    does; `small` says that there is a small picture to show."""
    found = reader.rows("What the files are", FILES, blobs=json.dumps(list(blobs)), counted=COUNTED)
    for tile in found:
        carried = reader.rows("Posts that carry a file", CARRIERS, blob=tile.pop("blob"), after="", most=CARRYING)
        tile["carriers"] = [{name: post[name] for name in ("ref", "platform", "handle", "name")} for post in carried]
        tile["alt"] = next((post["alt"] for post in carried if post["alt"]), "")
        for name in ("sensitive", "animated"):
            tile[name] = bool(tile[name])
        tile["small"] = tile["kind"] == PICTURE and not tile["reason"]
    return found
