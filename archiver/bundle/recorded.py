"""Captures and bodies in a bundle: rows as canonical JSON, bytes under their hash."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from archiver.bundle.bag import Bag
from archiver.bundle.choice import Choice, batches
from archiver.bundle.index import CaptureEntry, DerivedEntry, ErasedEntry
from archiver.bundle.manifests import Manifests
from archiver.bundle.proving import Anchors
from archiver.bundle.spool import Rows
from archiver.custody import canonical
from archiver.custody.note import to_base64
from archiver.errors import IntegrityError
from archiver.store.archive import Archive, Row
from archiver.store.blobs import BlobStore

_AS_BASE64 = ("sent", "response_head")
_LEFT_OUT = ("id", "blob", "body_sha256", "body_size", "origin_name", "origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The bodies and derived files of a choice: the local keys of those that are there, in the order of the file, their
    bytes in all, and why the others are not in the archive any more, by SHA-256."""

    blobs: array[int]
    size: int
    missing: dict[str, str]


def rows(archive: Archive, captures: Sequence[int]) -> Iterator[Row]:
    """The rows of captures with the name of their log and the hash of their body, in the order of the log."""
    for batch in batches(_in_order(archive, captures)):
        yield from archive.all(
            "SELECT c.*, o.name AS origin_name, b.sha256 AS body_sha256, b.size AS body_size FROM captures c "
            "JOIN origin o ON o.id = c.origin LEFT JOIN blobs b ON b.id = c.blob "
            "WHERE c.id IN (SELECT value FROM json_each(?)) ORDER BY c.origin, c.leaf",
            batch,
        )


def _in_order(archive: Archive, captures: Sequence[int]) -> array[int]:
    found = archive.db.execute(
        "SELECT id FROM captures WHERE id IN (SELECT value FROM json_each(?)) ORDER BY origin, leaf",
        (json.dumps(list(captures)),),
    )
    return array("q", (row[0] for row in found))


def bodies(archive: Archive, choice: Choice) -> Held:
    """Each body and derived file once. IntegrityError for one that is gone and was not erased."""
    keys: set[int] = set()
    for table, of in (("captures", choice.captures), ("derived", choice.derived)):
        for batch in batches(of):
            sql = f"SELECT blob FROM {table} WHERE blob IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
            keys.update(row[0] for row in archive.db.execute(sql, (batch,)))
    there, size, missing = array("q"), 0, dict[str, str]()
    for batch in batches(sorted(keys)):
        for row in archive.all(
            "SELECT id, sha256, size, EXISTS (SELECT 1 FROM blob_chunks WHERE blob_id = id) AS held FROM blobs "
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            batch,
        ):
            if row["held"] or not row["size"]:
                there.append(row["id"])
                size += row["size"]
            else:
                missing[row["sha256"]] = _missing(archive, row["sha256"])
    return Held(blobs=there, size=size, missing=missing)


def _missing(archive: Archive, sha256: str) -> str:
    erased = archive.one("SELECT at, reason FROM erasures WHERE instr(sha256, ?) > 0 ORDER BY id DESC LIMIT 1", sha256)
    if erased is None:
        raise IntegrityError(f"the bytes of blob {sha256} are gone, and nobody erased them")
    return f"erased {erased['at']}: {erased['reason']}"


def write_bodies(bag: Bag, archive: Archive, held: Held, manifests: Manifests) -> None:
    """Each body under its hash, looked through for manifests on its way. IntegrityError for one that is not what it
    was stored as."""
    store = BlobStore(archive)
    for batch in batches(held.blobs):
        for body in archive.all(
            "SELECT sha256, size FROM blobs WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", batch
        ):
            pieces = manifests.watch(body["sha256"], store.get(body["sha256"]))
            written = bag.add(f"blobs/{body['sha256']}", pieces, about=body["size"])
            if (written.sha256, written.size) != (body["sha256"], body["size"]):
                raise IntegrityError(f"blob {body['sha256']} holds other bytes: SHA-256 {written.sha256}")


def derived(archive: Archive, choice: Choice) -> list[DerivedEntry]:
    """The files that tools made from the bodies, in the order of the log."""
    found = archive.all(
        "SELECT d.uid, d.leaf, d.at, d.tool, d.version, d.arguments, d.inputs, b.sha256, b.size FROM derived d "
        "JOIN blobs b ON b.id = d.blob WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.origin, d.leaf",
        json.dumps([*choice.derived]),
    )
    return [cast(DerivedEntry, {**dict(row), "inputs": row["inputs"].split()}) for row in found]


def erased(archive: Archive, choice: Choice) -> list[ErasedEntry]:
    """The captures that are not in the bundle, in the order of the log."""
    found = archive.all(
        "SELECT c.leaf, c.ref, coalesce((SELECT substr(e.at, 1, 10) || ': ' || e.reason FROM erasures e "
        "WHERE e.what = c.ref OR instr(e.sha256, b.sha256) ORDER BY e.id DESC LIMIT 1), '') AS why "
        "FROM captures c LEFT JOIN blobs b ON b.id = c.blob WHERE c.id IN (SELECT value FROM json_each(?)) "
        "ORDER BY c.origin, c.leaf",
        json.dumps([*choice.erased]),
    )
    return [{"leaf": row["leaf"], "ref": row["ref"], "why": row["why"]} for row in found]


def text(row: Row) -> bytes:
    """One capture as canonical JSON: the columns of its row, with `origin` by name and the body by its hash."""
    fields: dict[str, object] = {name: row[name] for name in row.keys() if name not in _LEFT_OUT}  # noqa: SIM118
    fields |= {name: to_base64(row[name]) for name in _AS_BASE64}
    fields |= {"origin": row["origin_name"], "body_sha256": row["body_sha256"], "body_size": row["body_size"]}
    for name, value in fields.items():
        if isinstance(value, int) and abs(value) > 2**53 - 1:
            fields[name] = str(value)  # nanoseconds of a machine that runs for months
    return canonical.dumps(fields)


_AFTER = (
    "SELECT l.idx, CASE WHEN json_valid(CAST(l.data AS TEXT)) THEN json_extract(CAST(l.data AS TEXT), '$.after') END "
    "AS after FROM captures c JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf "
    "WHERE c.id IN (SELECT value FROM json_each(?))"
)


def afters(archive: Archive, captures: Sequence[int]) -> frozenset[str]:
    """The SHA-256 of every token that one of the captures names as older than itself."""
    named: set[str] = set()
    for batch in batches(captures):
        sql = f"SELECT DISTINCT after FROM ({_AFTER}) WHERE typeof(after) = 'text'"
        named.update(row[0] for row in archive.db.execute(sql, (batch,)))
    return frozenset(named)


def leaves(archive: Archive, captures: Sequence[int]) -> Iterator[int]:
    """The leaves of captures, in no order."""
    for batch in batches(captures):
        sql = "SELECT leaf FROM captures WHERE id IN (SELECT value FROM json_each(?))"
        yield from (row[0] for row in archive.db.execute(sql, (batch,)))


def write(bag: Bag, archive: Archive, captures: Sequence[int], anchors: Anchors, held: Held) -> Rows[CaptureEntry]:
    """Each capture as a file, and its line in the index."""
    entries = Rows[CaptureEntry](bag.spools)
    for batch in batches(_in_order(archive, captures)):
        after = {row["idx"]: row["after"] for row in archive.all(_AFTER, batch) if isinstance(row["after"], str)}
        for row in rows(archive, json.loads(batch)):
            bag.put(f"captures/{row['uid']}.json", text(row))
            sha256 = row["body_sha256"] or ""
            entries.add(
                {
                    "uid": row["uid"],
                    "leaf": row["leaf"],
                    "tier": row["tier"],
                    "ref": row["ref"],
                    "route": row["route"],
                    "method": row["method"],
                    "url": row["url"],
                    "parent": row["parent"],
                    "status": row["status"],
                    "failure": row["failure"],
                    "observed_at": row["observed_at"],
                    "ended_at": row["ended_at"],
                    "body_sha256": sha256,
                    "body_size": row["body_size"] or 0,
                    "body_missing": held.missing.get(sha256, ""),
                    "declared_type": row["declared_type"],
                    "sniffed_type": row["sniffed_type"],
                    "bracket": anchors.bracket(after.get(row["leaf"]), row["leaf"]),
                }
            )
    return entries
