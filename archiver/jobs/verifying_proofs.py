"""Authors' own proofs (signed repositories of the AT Protocol, signed objects of FEP-8b32), checked again from the
bytes that were captured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from archiver.custody import framing
from archiver.errors import IntegrityError, ParseError
from archiver.jobs.read import answer_of, read_answer
from archiver.jobs.verifying_found import Erased, Findings, Place
from archiver.model import Failure
from archiver.store import schema
from archiver.store.archive import Archive, Row
from archiver.store.blobs import BlobStore
from archiver.store.evidence import load_request

UNSAID = {None: "could not be checked", 0: "refused", 1: "valid"}


@dataclass(slots=True, kw_only=True)
class Proven:
    """How many proofs say the same as when they were read; `refused` of them say that something is not the author's.
    `erased` went with their captures."""

    held: int = 0
    refused: int = 0
    erased: int = 0


def check(archive: Archive, erased: Erased, wrong: Findings, unchecked: Findings) -> Proven:
    """Reads each capture with a proof again and compares what comes of it with what the archive says."""
    proven = Proven()
    made = archive.one("SELECT value FROM work_state WHERE name = 'readings_version'")
    if made is None or made[0] != schema.READINGS_VERSION:
        unchecked.add(
            "proof", "the readings were made by another version: run `archiver rebuild`", Place(table="proofs")
        )
        return proven
    captures = archive.db.execute(
        "SELECT c.*, b.sha256 FROM captures c LEFT JOIN blobs b ON b.id = c.blob "
        "WHERE c.id IN (SELECT capture FROM proofs) ORDER BY c.id"
    )
    for row in captures:
        at = Place(table="proofs", key=row["uid"], leaf=row["leaf"])
        stored = {
            (proof["kind"], proof["ref"], proof["pointer"]): proof["valid"]
            for proof in archive.all(
                "SELECT p.kind, r.ref, p.pointer, p.valid FROM proofs p JOIN refs r ON r.id = p.ref "
                "WHERE p.capture = ? ORDER BY p.id",
                row["id"],
            )
        }
        if row["leaf"] in erased.leaves or (row["sha256"] in erased.blobs and not _held(archive, row["blob"])):
            proven.erased += len(stored)
            continue
        try:
            again = _again(archive, row)
        except (IntegrityError, ParseError) as error:
            unchecked.add("proof", f"its capture cannot be read: {error}", at)
            continue
        for key, valid in stored.items():
            if key in again and again[key] == valid:
                proven.held += 1
                proven.refused += valid == 0
                continue
            now = UNSAID[again[key]] if key in again else "not found"
            wrong.add("proof", f"the {key[0]} proof of {key[1]} was {UNSAID[valid]}, and now is {now}", at)
    return proven


def _held(archive: Archive, blob: int) -> bool:
    """What was erased may have been captured once more since."""
    return archive.one("SELECT 1 FROM blob_chunks WHERE blob_id = ? LIMIT 1", blob) is not None


def _again(archive: Archive, row: Row) -> dict[tuple[str, str, str], int | None]:
    body: BinaryIO | None = None
    if row["sha256"] is not None:
        body = BlobStore(archive).open(row["sha256"])
    headers = framing.parse_head(row["response_head"]).headers if row["response_head"] else ()
    answer = answer_of(
        load_request(row["request"]),
        status=row["status"],
        headers=headers,
        body=body,
        url=row["url"],
        failure=Failure(row["failure"]),
        detail=row["detail"],
        at=row["observed_at"],
    )
    return {
        (proof.kind, str(proof.ref), proof.pointer): None if proof.valid is None else int(proof.valid)
        for proof in read_answer(answer).reading.proofs
    }
