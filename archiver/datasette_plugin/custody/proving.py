"""How a leaf leads to a signed head, step by step, and the proof as a file that others can check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from archiver.custody import log, note
from archiver.custody.proof import LogProof
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import IntegrityError, PageError, ParseError
from archiver.jobs import bracketing, verifying_log, verifying_now
from archiver.jobs.verifying_found import Finding
from archiver.render.verify import CHECKS, where
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree

LEAF = 1 << 16
"""Bytes of a leaf that are shown."""


def leaf(reader: Reader, tree: Tree, index: int) -> Row:
    """A leaf of the log with its text, its hash, and the path to the newest signed head that covers it."""
    row = reader.row(
        "Its leaf in the log",
        "SELECT data, lower(hex(hash)) AS hash FROM log_leaf WHERE origin = :log AND idx = :leaf",
        log=tree.origin,
        leaf=index,
    )
    if row is None:
        return {
            "index": index,
            "there": False,
            "erased": False,
            "text": "",
            "size": 0,
            "hash": "",
            "after": None,
            "proof": None,
        }
    data = bytes(row["data"])
    fields = verifying_log.read_leaf(data) if data else {}
    after = None if isinstance(fields, str) else fields.get("after")
    return {
        "index": index,
        "after": after if isinstance(after, str) else None,
        "there": True,
        "erased": not data,
        "text": data[:LEAF].decode("utf-8", "backslashreplace"),
        "size": len(data),
        "hash": row["hash"],
        "proof": _proof(reader, tree, index, log.leaf_hash(data) if data else bytes.fromhex(row["hash"])),
    }


def _proof(reader: Reader, tree: Tree, index: int, hashed: bytes) -> Row | None:
    """None where no signed head covers it. `leads` says whether the path ends at the root that was signed."""
    head = reader.row(
        "The newest signed head over it",
        "SELECT size, note, at FROM log_checkpoint WHERE origin = :log AND size > :leaf ORDER BY size DESC LIMIT 1",
        log=tree.origin,
        leaf=index,
    )
    if head is None:
        return None
    told: Row = {"size": head["size"], "at": head["at"], "root": "", "steps": [], "leads": False, "fault": ""}
    try:
        checkpoint = note.Checkpoint.parse(note.SignedNote.parse(head["note"]).text)
        told["root"] = checkpoint.root.hex()
        path = tree.inclusion(index, checkpoint.size)
    except (ParseError, IntegrityError, ValueError) as error:
        return {**told, "fault": str(error)}
    told["steps"] = list(_steps(index, checkpoint.size, hashed, path))
    told["leads"] = log.check_inclusion(hashed, index, checkpoint.size, path, checkpoint.root)
    return told


def _steps(index: int, size: int, hashed: bytes, path: tuple[bytes, ...]) -> Iterator[Row]:
    """Each sibling, on which side it stands, and the hash of the two: what a stranger computes."""
    low, value = index, hashed
    for (left, right), sibling in zip(log.siblings(index, size), path, strict=True):
        before = left < low
        value = log.node_hash(sibling, value) if before else log.node_hash(value, sibling)
        low = min(low, left)
        side = "left" if before else "right"
        yield {"side": side, "hash": sibling.hex(), "first": left, "last": right - 1, "result": value.hex()}


def proof(archive: Archive, origin: int, index: int) -> str:
    """The C2SP tlog-proof of a leaf under the newest signed head. PageError where none covers it."""
    row = archive.one(
        "SELECT note FROM log_checkpoint WHERE origin = ? AND size > ? ORDER BY size DESC LIMIT 1", origin, index
    )
    if row is None:
        raise PageError(404, f"no signed head covers leaf {index} yet", hint="The next run signs one")
    try:
        signed = note.SignedNote.parse(row["note"])
        size = note.Checkpoint.parse(signed.text).size
        hashes = Tree(archive, origin).inclusion(index, size)
        return str(LogProof(index=index, hashes=hashes, checkpoint=signed))
    except (ParseError, IntegrityError, ValueError) as error:
        raise PageError(500, f"there is no proof of leaf {index}: {error}", hint="Run `archiver verify`") from None


def bracket(archive: Archive, origin: int, index: int, after: str | None, began: str) -> Row:
    """Between which outside times a capture lies: the token that its leaf names, and those over heads that hold it."""
    found = bracketing.bracket(archive, origin, index, after, began)
    return {
        "not_before": None if found.before is None else asdict(found.before),
        "not_after": None if found.after is None else asdict(found.after),
        "missing": found.missing,
        "ahead": found.ahead,
    }


def told(findings: list[Finding]) -> list[dict[str, Any]]:
    """Findings as plain values: which check, where, why."""
    return [
        {"check": one.check, "what": CHECKS[one.check], "where": where(one), "reason": one.reason, **asdict(one.place)}
        for one in findings
    ]


def checked(found: verifying_now.Now) -> Row:
    """A verification as plain values."""
    return {
        "state": found.state,
        "bytes": found.size,
        "left": found.left,
        "logs": [
            {
                "name": one.name,
                "leaves": one.leaves,
                "size": one.size,
                "root": one.root,
                "at": one.at,
                "keys": one.keys,
                "wrong": told(one.wrong),
                "unchecked": told(one.unchecked),
            }
            for one in found.logs
        ],
        "captures": [
            {
                "uid": one.uid,
                "index": one.index,
                "state": one.state,
                "leaf": one.leaf,
                "head": one.head,
                "body": one.body,
                "wrong": told(one.wrong),
                "unchecked": told(one.unchecked),
            }
            for one in found.captures
        ],
    }
