"""Taking content out of an archive where an `erase` leaf allows it, and out of pages that its files leave unused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from archiver.custody import redaction
from archiver.store.archive import Archive
from archiver.store.erasing import Capture
from archiver.store.evidence import dump_request, load_request
from archiver.store.schema import TABLES


def drop(archive: Archive, origin: int, blobs: Iterable[str], captures: Iterable[Capture]) -> None:
    """Takes out bytes inside the caller's transaction, after the `erase` leaf that names them was appended."""
    for sha256 in blobs:
        key = "(SELECT id FROM blobs WHERE sha256 = ?)"
        archive.db.execute(f"DELETE FROM blob_chunks WHERE blob_id = {key}", (sha256,))
        archive.db.execute(f"DELETE FROM blob_at WHERE blob = {key}", (sha256,))
    for one in captures:
        if not one.own:
            continue
        archive.db.execute("UPDATE log_leaf SET data = x'' WHERE origin = ? AND idx = ?", (origin, one.leaf))
        row = archive.one("SELECT request FROM captures WHERE id = ?", one.id)
        held = load_request("{}" if row is None else row[0])
        bare = type(held)(ref=held.ref, route=held.route, url="", method=held.method, refs=held.refs)
        archive.db.execute(
            "UPDATE captures SET sent = x'', response_head = x'', framing = '', url = '', detail = '', request = ? "
            "WHERE id = ?",
            (dump_request(bare), one.id),
        )


def drop_reasons(archive: Archive, origin: int, leaves: Iterable[int]) -> None:
    """Empties the reasons of statements whose leaves the `erase` leaf names, with the bytes of these leaves."""
    for leaf in leaves:
        archive.db.execute("UPDATE log_leaf SET data = x'' WHERE origin = ? AND idx = ?", (origin, leaf))
        archive.db.execute("UPDATE statements SET reason = '' WHERE origin = ? AND leaf = ?", (origin, leaf))


def quoting(archive: Archive, origin: int, words: Collection[str]) -> list[int]:
    """Leaves of statements whose reason holds one of the pieces."""
    rows = archive.all("SELECT leaf, reason FROM statements WHERE origin = ? ORDER BY leaf", origin)
    return [int(row["leaf"]) for row in rows if redaction.holds(row["reason"], words)]


def unwatch(archive: Archive, refs: Iterable[str], words: Iterable[str]) -> None:
    """Takes refs out of the queue, and what is remembered of verdicts that compared with them or show the words."""
    before = "DELETE FROM work_state WHERE name LIKE 'before doc:%' AND "
    for ref in refs:
        archive.db.execute("DELETE FROM work_queue WHERE ref = ?", (ref,))
        archive.db.execute("DELETE FROM work_led WHERE ref = ?1 OR led_by = ?1", (ref,))
        compared = "? IN (json_extract(value, '$.ref'), json_extract(value, '$.post'))"
        archive.db.execute(before + compared, (ref,))
    for piece in words:
        for text in (piece, json.dumps(piece)[1:-1]):
            archive.db.execute(before + "instr(value, ?)", (text,))


def clean(archive: Archive) -> bool:
    """Overwrites what is not in use any more: full-text indexes merged, the file written anew without free pages, the
    write-ahead log emptied. False where another process reads in it, so that old pages are left in that log."""
    for table in TABLES:
        if table.search:
            archive.db.execute(f"INSERT INTO {table.name}_fts ({table.name}_fts) VALUES ('optimize')")
    # In memory a large archive would not fit; what VACUUM writes aside holds nothing that was erased.
    archive.db.execute("PRAGMA temp_store = FILE")
    archive.db.execute("VACUUM")
    archive.db.execute("PRAGMA temp_store = MEMORY")
    archive.db.execute("PRAGMA busy_timeout = 2000")  # ms: who reads for longer is told of
    row = archive.one("PRAGMA wal_checkpoint(TRUNCATE)")
    return row is not None and row[0] == 0


def secure(archive: Archive) -> None:
    """From now on this connection overwrites what it deletes with zeros."""
    archive.db.execute("PRAGMA secure_delete = ON")
