"""One file: what it is, who carries it, what looks like it, what it claims, and how it came here."""

from __future__ import annotations

import json
from typing import Any

from archiver.bundle.manifests import entry
from archiver.custody import c2pa_store, framing
from archiver.custody.sniff import WINDOW
from archiver.datasette_plugin.media.alike import alike
from archiver.datasette_plugin.media.held import OPAQUE, SHOWN, Held, held
from archiver.datasette_plugin.media.tiles import CARRIERS, COUNTED, tiles
from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError, ParseError
from archiver.store.blobs import BlobStore

CLAIMS = 4 << 20
"""Bytes of a file whose C2PA manifests are read with its page; of a larger one they are read when asked for."""
CLAIMS_ASKED = 32 << 20
POSTS, DOCUMENTS, CAPTURES, NAMED, REFS = 24, 24, 24, 24, 500
WORLDWIDE = ("bluesky", "x")
"""Platforms whose names of media are names everywhere; elsewhere each server counts from one."""


def gather(reader: Reader, asked: Asked) -> Row:
    """Everything that is known of the file. `gone` says why its bytes are not here; then what is left is told."""
    sha256 = asked.parts["sha256"].lower()
    row = reader.row(
        "The file",
        """
        SELECT b.id, b.size, m.kind, m.media_type, m.width, m.height, m.animated, m.dhash, m.reason,
          EXISTS (SELECT 1 FROM media_carriers s WHERE s.blob = b.id AND s.sensitive = 1) AS sensitive,
          (SELECT count(*) FROM (SELECT 1 FROM media_carriers n WHERE n.blob = b.id LIMIT :counted)) AS posts
        FROM blobs b LEFT JOIN media_blobs m ON m.blob = b.id WHERE b.sha256 = :sha256
        """,
        sha256=sha256,
        counted=COUNTED,
    )
    here: Held | None = None
    gone = ""
    try:
        here = held(reader, asked.at, sha256)
    except PageError as error:
        if row is None:
            raise
        gone = error.message
    assert row is not None
    blob = row.pop("id")
    captures = _captures(reader, blob)
    bits, more_alike = alike(reader, blob, (row["dhash"] or "") if here is not None else "")
    looks = [{**tile, "bits": bits[other]} for other, tile in zip(bits, tiles(reader, bits), strict=True)]
    posts = reader.rows("Posts that carry it", CARRIERS, blob=blob, after=asked.get("after"), most=POSTS + 1)
    sniffed = "" if here is None else here.sniffed
    return {
        "sha256": sha256,
        **row,
        "sensitive": bool(row["sensitive"]),
        "animated": bool(row["animated"]),
        "gone": gone,
        "sniffed": sniffed,
        "sent_as": OPAQUE if sniffed not in SHOWN else sniffed,
        "shown": asked.get("shown") == "1" or not row["sensitive"],
        "carriers": posts[:POSTS],
        "more_carriers": posts[POSTS - 1]["ref"] if len(posts) > POSTS else "",
        "documents": _documents(reader, blob),
        "same_name": _same_name(reader, blob),
        "alike": looks,
        "more_alike": more_alike,
        "captures": captures,
        "claims": _claims(reader, here, asked),
    }


def _captures(reader: Reader, blob: int) -> list[Row]:
    """How it came: newest first, each with the type and the content coding that were declared."""
    rows = reader.rows(
        "Captures that brought it",
        """
        SELECT c.uid, c.ref, c.url, c.status, c.observed_at, c.declared_type, c.response_head
        FROM captures c WHERE c.blob = :blob ORDER BY c.id DESC LIMIT :most
        """,
        blob=blob,
        most=CAPTURES,
    )
    for row in rows:
        row["coding"] = _coding(row.pop("response_head"))
    return rows


def _coding(head: bytes) -> str:
    """The content coding that a response declared."""
    try:
        headers = framing.parse_head(head).headers if head else ()
    except ParseError:
        return ""
    said = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    return "" if said.lower() == "identity" else said[:100]


def _documents(reader: Reader, blob: int) -> list[Row]:
    """Documents that link to the file itself."""
    rows = reader.rows(
        "Documents that link to it",
        """
        SELECT d.sha256, d.title FROM (
          SELECT m.document FROM (SELECT DISTINCT ref FROM files WHERE blob = :blob LIMIT :refs) f
            CROSS JOIN mention_links l ON l.ref = f.ref CROSS JOIN mentions m ON m.id = l.mention
          UNION
          SELECT m.document FROM (SELECT DISTINCT ref FROM files WHERE blob = :blob LIMIT :refs) f
            CROSS JOIN mentions m ON m.target = f.ref
          LIMIT :most) n
        CROSS JOIN documents d ON d.id = n.document ORDER BY d.id
        """,
        blob=blob,
        refs=REFS,
        most=DOCUMENTS,
    )
    return [{"sha256": row["sha256"], "title": row["title"][:300]} for row in rows]


def _same_name(reader: Reader, blob: int) -> list[Row]:
    """Posts whose medium has the same name at its platform, whatever bytes came for it, or none."""
    return reader.rows(
        "Posts whose medium the platform calls by the same name",
        """
        SELECT DISTINCT r.ref, p.platform, p.handle, p.name, p.posted_at, p.outcome, substr(p.text, 1, 601) AS text
        FROM (SELECT DISTINCT n.key, q.platform
          FROM (SELECT DISTINCT ref FROM files WHERE blob = :blob LIMIT :refs) f CROSS JOIN media n ON n.file = f.ref
          CROSS JOIN posts q ON q.id = n.post
          WHERE n.key <> '' AND q.platform IN (SELECT value FROM json_each(:worldwide)) LIMIT 20) k
        CROSS JOIN media m ON m.key = k.key CROSS JOIN posts p ON p.id = m.post AND p.platform = k.platform
        CROSS JOIN refs r ON r.id = m.post
        WHERE NOT EXISTS (SELECT 1 FROM media_carriers c WHERE c.blob = :blob AND c.post = m.post)
        ORDER BY m.key, m.post LIMIT :most
        """,
        blob=blob,
        refs=REFS,
        worldwide=json.dumps(WORLDWIDE),
        most=NAMED,
    )


def _claims(reader: Reader, here: Held | None, asked: Asked) -> dict[str, Any] | None:
    """What the C2PA manifests of the file say; None where there is none. `waits` where it is too large to be read
    unasked: `?claims=1` asks."""
    if here is None or here.sniffed.partition("/")[0] not in ("image", "video", "audio"):
        return None
    store = BlobStore(reader.archive)
    mark = c2pa_store.mark(b"".join(store.range(here.sha256, 0, min(here.size, WINDOW))))
    if not mark:
        return None
    if here.size > (CLAIMS_ASKED if asked.get("claims") == "1" else CLAIMS):
        return {"waits": here.size <= CLAIMS_ASKED, "told": [], "manifests": [], "unread": ""}
    data = b"".join(store.get(here.sha256))
    told = entry(data) if mark in data else None
    return None if told is None else {"waits": False, **told}
