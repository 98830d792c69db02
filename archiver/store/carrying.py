"""Which posts carry which bytes, and what the bytes of media files are: what the pages of media are made of.

Both follow from what was read before, whatever the order: rows of a post are made anew when the post or one of its
files is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archiver.model import Outcome
from archiver.store.archive import Archive
from archiver.store.readings import Readings

HIDDEN = (Outcome.WITHHELD, Outcome.AGE_GATED)
"""Outcomes of a post whose media are not shown unasked."""
UNSEEN = (
    "SELECT b.sha256, b.size FROM blobs b WHERE b.id = ? AND EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) "
    "AND NOT EXISTS (SELECT 1 FROM media_blobs m WHERE m.blob = b.id)"
)
"""The hash and size of a blob that is here and was not looked at."""
_HIDDEN = ", ".join(f"'{outcome.value}'" for outcome in HIDDEN)
_MADE = (
    "INSERT INTO media_carriers (blob, post, capture, platform, author, kind, sensitive, described) "
    "SELECT f.blob, p.id, (SELECT min(n.capture) FROM files n WHERE n.blob = f.blob), p.platform, p.author, "
    "coalesce((SELECT b.kind FROM media_blobs b WHERE b.blob = f.blob), ''), "
    f"p.warning <> '' OR p.outcome IN ({_HIDDEN}) "
    "OR EXISTS (SELECT 1 FROM versions v WHERE v.post = p.id AND (v.sensitive OR v.warning <> '')) "
    "OR EXISTS (SELECT 1 FROM blurred x WHERE x.post = p.id) "
    f"OR EXISTS (SELECT 1 FROM outcomes o WHERE o.ref = p.id AND o.outcome IN ({_HIDDEN})), max(m.alt <> '') "
    "FROM media m JOIN posts p ON p.id = m.post JOIN files f ON f.ref = m.file "
    "WHERE m.post IN ({posts}) AND f.blob IS NOT NULL GROUP BY f.blob, p.id"
)


def keep(readings: Readings, blob: int, looked: Mapping[str, Any]) -> None:
    """Stores what a blob is: `looked` has kind, media_type, width, height, animated, dhash and reason."""
    dhash = str(looked["dhash"])
    row = {name: looked[name] for name in ("kind", "media_type", "width", "height", "dhash", "reason")}
    row |= {f"quarter_{name}": dhash[at : at + 4] for name, at in zip("abcd", range(0, 16, 4), strict=True)}
    first = readings.archive.value("SELECT min(capture) FROM files WHERE blob = ?", blob)
    readings.add("media_blobs", {"blob": blob, "animated": int(looked["animated"]), "capture": first, **row})
    readings.archive.db.execute("UPDATE media_carriers SET kind = ? WHERE blob = ?", (row["kind"], blob))


def of_file(archive: Archive, file: int) -> None:
    """Makes the rows of all posts anew that carry a file, which was just read."""
    _made(archive, "SELECT post FROM media WHERE file = :id", file)


def of_post(archive: Archive, post: int) -> None:
    """Makes the rows of one post anew."""
    _made(archive, ":id", post)


def _made(archive: Archive, posts: str, given: int) -> None:
    archive.db.execute(f"DELETE FROM media_carriers WHERE post IN ({posts})", {"id": given})
    archive.db.execute(_MADE.format(posts=posts), {"id": given})
