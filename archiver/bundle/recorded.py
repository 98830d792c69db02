"""Captures and bodies in a bundle: rows as canonical JSON, bytes under their hash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from archiver.bundle.bag import Bag
from archiver.bundle.choice import Choice
from archiver.bundle.index import CaptureEntry, DerivedEntry, ErasedEntry
from archiver.bundle.manifests import Manifests
from archiver.bundle.proving import Anchors
from archiver.custody import canonical
from archiver.custody.note import to_base64
from archiver.errors import IntegrityError
from archiver.store.archive import Archive, Row
from archiver.store.blobs import BlobStore

_AS_BASE64 = ("sent", "response_head")
_LEFT_OUT = ("id", "blob", "body_sha256", "body_size", "origin_name", "origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One blob: its SHA-256 and size in bytes; `missing` says why its bytes are not in the archive any more."""

    sha256: str
    size: int
    missing: str = ""


def rows(archive: Archive, captures: Sequence[int]) -> Iterator[Row]:
    """The rows of captures with the name of their log and the hash of their body, in the order of the log."""
    yield from archive.db.execute(
        "SELECT c.*, o.name AS origin_name, b.sha256 AS body_sha256, b.size AS body_size FROM captures c "
        "JOIN origin o ON o.id = c.origin LEFT JOIN blobs b ON b.id = c.blob "
        "WHERE c.id IN (SELECT value FROM json_each(?)) ORDER BY c.origin, c.leaf",
        (json.dumps(list(captures)),),
    )


def bodies(archive: Archive, choice: Choice) -> list[Body]:
    """Each body and derived file once, in the order of the file. IntegrityError for one that is gone and was not
    erased."""
    found = archive.all(
        "SELECT id, sha256, size FROM blobs WHERE id IN (SELECT blob FROM captures WHERE id IN (SELECT value FROM "
        "json_each(?1))) OR id IN (SELECT blob FROM derived WHERE id IN (SELECT value FROM json_each(?2))) "
        "ORDER BY id",
        json.dumps(choice.captures),
        json.dumps(choice.derived),
    )
    return [Body(sha256=row["sha256"], size=row["size"], missing=_missing(archive, row)) for row in found]


def _missing(archive: Archive, blob: Row) -> str:
    if not blob["size"] or archive.one("SELECT 1 FROM blob_chunks WHERE blob_id = ? LIMIT 1", blob["id"]):
        return ""
    erased = archive.one(
        "SELECT at, reason FROM erasures WHERE instr(sha256, ?) > 0 ORDER BY id DESC LIMIT 1", blob["sha256"]
    )
    if erased is None:
        raise IntegrityError(f"the bytes of blob {blob['sha256']} are gone, and nobody erased them")
    return f"erased {erased['at']}: {erased['reason']}"


def write_bodies(bag: Bag, archive: Archive, held: Sequence[Body], manifests: Manifests) -> None:
    """Each body under its hash, looked through for manifests on its way. IntegrityError for one that is not what it
    was stored as."""
    store = BlobStore(archive)
    for body in held:
        if body.missing:
            continue
        written = bag.add(f"blobs/{body.sha256}", manifests.watch(body.sha256, store.get(body.sha256)), about=body.size)
        if (written.sha256, written.size) != (body.sha256, body.size):
            raise IntegrityError(f"blob {body.sha256} holds other bytes: SHA-256 {written.sha256}")


def derived(archive: Archive, choice: Choice) -> list[DerivedEntry]:
    """The files that tools made from the bodies, in the order of the log."""
    found = archive.all(
        "SELECT d.uid, d.leaf, d.at, d.tool, d.version, d.arguments, d.inputs, b.sha256, b.size FROM derived d "
        "JOIN blobs b ON b.id = d.blob WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.origin, d.leaf",
        json.dumps(choice.derived),
    )
    return [cast(DerivedEntry, {**dict(row), "inputs": row["inputs"].split()}) for row in found]


def erased(archive: Archive, choice: Choice) -> list[ErasedEntry]:
    """The captures that are not in the bundle, in the order of the log."""
    found = archive.all(
        "SELECT leaf, ref FROM captures WHERE id IN (SELECT value FROM json_each(?)) ORDER BY origin, leaf",
        json.dumps(choice.erased),
    )
    return [{"leaf": row["leaf"], "ref": row["ref"]} for row in found]


def text(row: Row) -> bytes:
    """One capture as canonical JSON: the columns of its row, with `origin` by name and the body by its hash."""
    fields: dict[str, object] = {name: row[name] for name in row.keys() if name not in _LEFT_OUT}  # noqa: SIM118
    fields |= {name: to_base64(row[name]) for name in _AS_BASE64}
    fields |= {"origin": row["origin_name"], "body_sha256": row["body_sha256"], "body_size": row["body_size"]}
    for name, value in fields.items():
        if isinstance(value, int) and abs(value) > 2**53 - 1:
            fields[name] = str(value)  # nanoseconds of a machine that runs for months
    return canonical.dumps(fields)


def afters(archive: Archive, origin: int, captures: Sequence[int]) -> dict[int, str]:
    """By leaf: the SHA-256 of the token that the capture names as older than itself."""
    found = archive.db.execute(
        "SELECT l.idx, l.data FROM captures c JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf "
        "WHERE c.origin = ? AND c.id IN (SELECT value FROM json_each(?))",
        (origin, json.dumps(list(captures))),
    )
    named = ((row["idx"], json.loads(row["data"] or b"{}").get("after")) for row in found)
    return {index: after for index, after in named if isinstance(after, str)}


def write(
    bag: Bag,
    archive: Archive,
    captures: Sequence[int],
    anchors: Anchors,
    size: int,
    after: dict[int, str],
    held: Sequence[Body],
) -> list[CaptureEntry]:
    """Each capture as a file, and its line in the index."""
    missing = {body.sha256: body.missing for body in held}
    entries: list[CaptureEntry] = []
    for row in rows(archive, captures):
        bag.add(f"captures/{row['uid']}.json", (text(row),))
        sha256 = row["body_sha256"] or ""
        entries.append(
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
                "body_missing": missing.get(sha256, ""),
                "declared_type": row["declared_type"],
                "sniffed_type": row["sniffed_type"],
                "bracket": anchors.bracket(after.get(row["leaf"]), size),
            }
        )
    return entries


def total(held: Sequence[Body]) -> int:
    """Bytes of all bodies."""
    return sum(body.size for body in held if not body.missing)
