"""What stands around a post: its media, the documents that quote it, and how much points to it and from it."""

from __future__ import annotations

import json

from archiver.datasette_plugin.post.meant import Meant
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row
from archiver.model import EdgeKind
from archiver.render.glossary import FOUND_BY

MEDIA, QUOTED, COUNTED = 100, 50, 10_000
_KEYS = "(SELECT value FROM json_each(:keys))"
_KEPT = "EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id)"


def media(reader: Reader, meant: Meant) -> list[Row]:
    """Its media, each once: the rendering of highest rank whose bytes are kept, or else the highest. `sha256` is empty
    where it was not fetched; `erased` where the bytes went; `sensitive` where any post that carries the file is;
    `blurred` where a policy of this archive says so."""
    rows = reader.rows(
        "Its media",
        f"""
        SELECT m.key, m.kind, m.alt, m.width, m.height, m.url, coalesce(b.sha256, '') AS sha256,
          coalesce(b.size, 0) AS size, coalesce(nullif(f.sniffed_type, ''), f.declared_type, '') AS type,
          EXISTS (SELECT 1 FROM media_carriers s WHERE s.blob = b.id AND s.sensitive = 1) AS sensitive,
          EXISTS (SELECT 1 FROM blurred u WHERE u.post = m.post) AS blurred,
          b.id IS NOT NULL AND NOT {_KEPT} AS erased,
          CASE WHEN {_KEPT} THEN '' ELSE (SELECT substr(e.at, 1, 10) || ': ' || substr(e.reason, 1, 200)
            FROM erasures e WHERE instr(e.sha256, b.sha256) ORDER BY e.id DESC LIMIT 1) END AS erased_why
        FROM (SELECT id FROM media WHERE post IN {_KEYS} ORDER BY post, key, url LIMIT :most) n
        JOIN media m ON m.id = n.id
        LEFT JOIN files f ON f.id = (
          SELECT g.id FROM files g WHERE g.ref = m.file ORDER BY g.blob IS NULL, g.capture DESC, g.id LIMIT 1)
        LEFT JOIN blobs b ON b.id = f.blob
        ORDER BY m.key, b.id IS NULL, m.rank DESC, m.url, m.post
        """,
        keys=meant.keys,
        most=MEDIA,
    )
    return list({row["key"]: row for row in reversed(rows)}.values())[::-1]


def quoted(reader: Reader, meant: Meant) -> list[Row]:
    """Mentions that stand for it, whose words were compared with it, or that hold its address or a link that leads to
    it, in the order in which their documents were read; one more than a page shows. `verdict` is empty where no words
    were compared."""
    return reader.rows(
        "Where it is quoted",
        f"""
        SELECT r.ref AS passage, c.url AS document, d.title, substr(m.quoted, 1, 600) AS quoted, m.kind,
          s.status, s.how, s.reason, x.verdict, x.flags, x.changes, x.found_by, c.observed_at
        FROM (
          SELECT mention FROM (SELECT mention FROM resolutions WHERE ref IN {_KEYS} ORDER BY id LIMIT :most)
          UNION SELECT mention FROM (SELECT mention FROM matches WHERE post IN {_KEYS} ORDER BY id LIMIT :most)
          UNION SELECT mention FROM (
            SELECT mention FROM mention_links WHERE ref IN (
              SELECT value FROM json_each(:keys) UNION
              SELECT * FROM (SELECT source FROM edges WHERE target IN {_KEYS} AND kind = 'resolves-to' LIMIT :most)
            ) ORDER BY id LIMIT :most)
          ORDER BY mention LIMIT :most
        ) n JOIN mentions m ON m.id = n.mention JOIN refs r ON r.id = m.ref
        JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture
        LEFT JOIN resolutions s ON s.mention = m.id
        LEFT JOIN matches x ON x.id = (
          SELECT min(y.id) FROM matches y WHERE y.mention = m.id AND y.post IN {_KEYS})
        ORDER BY c.leaf, m.document, m.ordinal
        """,
        keys=meant.keys,
        most=QUOTED + 1,
    )


def told(rows: list[Row]) -> list[Row]:
    """The same as plain values: flags as a list, changes read, a seed by its name, each document as it is called."""
    return [
        row
        | {
            "document": str(row["document"]).removeprefix("seed:"),
            "called": called(row["title"], row["document"]),
            "flags": (row["flags"] or "").split(),
            "changes": json.loads(row["changes"]) if row["changes"] else [],
            "found_told": FOUND_BY.get(row["found_by"] or "", row["found_by"] or "a way that has no name"),
        }
        for row in rows
    ]


def pointing(reader: Reader, meant: Meant) -> list[Row]:
    """How many edges of each kind lead to it and from it; `more` where there are more than were counted."""
    rows = reader.rows(
        "How much points to it, and how much it points to",
        f"""
        SELECT w.value AS way, k.value AS kind, CASE w.value
          WHEN 'to it' THEN (SELECT count(*) FROM (
            SELECT 1 FROM edges WHERE target IN {_KEYS} AND kind = k.value LIMIT :most))
          ELSE (SELECT count(*) FROM (SELECT 1 FROM edges WHERE source IN {_KEYS} AND kind = k.value LIMIT :most))
          END AS edges
        FROM json_each('["to it", "from it"]') w, json_each(:kinds) k ORDER BY w.key, k.key
        """,
        keys=meant.keys,
        kinds=json.dumps([kind.value for kind in EdgeKind]),
        most=COUNTED + 1,
    )
    return [row | {"edges": min(row["edges"], COUNTED), "more": row["edges"] > COUNTED} for row in rows if row["edges"]]
