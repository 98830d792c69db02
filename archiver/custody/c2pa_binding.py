"""Whether a file is the one that a `c2pa.hash.data` was made over (C2PA specification 2.2, section 18.5)."""

from __future__ import annotations

import hashlib

from archiver.custody import cbor
from archiver.custody.c2pa_assertions import items, text
from archiver.custody.cose import Check, State
from archiver.errors import ParseError

MAX_EXCLUSIONS = 256
HASHES = frozenset({"sha256", "sha384", "sha512"})


def bind(fields: dict[int | str, cbor.Value], usual: str, data: bytes, ranges: tuple[tuple[int, int], ...]) -> Check:
    """Holds the hash in these fields against a file. `usual` is the hash that the claim names for those that name
    none, `ranges` are where the file keeps the manifest: what else is left out is not bound, and so does not hold.

    ParseError when the fields cannot be read.
    """

    def unchecked(reason: str) -> Check:
        return Check(state=State.UNCHECKED, reason=reason)

    def fails(reason: str) -> Check:
        return Check(state=State.FAILS, reason=reason)

    hash, algorithm, exclusions = fields.get("hash"), text(fields, "alg") or usual or "sha256", _exclusions(fields)
    if not isinstance(hash, bytes):
        raise ParseError("not a hash", pointer="/hash")
    if algorithm not in HASHES:
        return unchecked(f"the hash {algorithm[:40]} is not known here")
    at, sum, view = 0, hashlib.new(algorithm), memoryview(data)
    for start, end in exclusions:
        if start < at:
            return fails("the ranges that the hash leaves out overlap")
        if end > len(data):
            return fails("the hash leaves out bytes behind the end of the file")
        sum.update(view[at:start])
        at = end
    sum.update(view[at:])
    if sum.digest() != hash:
        return fails("the file is not the one that was signed: its hash differs")
    beyond = _outside(exclusions, ranges)
    if beyond:
        return unchecked(f"the hash holds, but leaves out {beyond} bytes that are not the manifest's")
    return Check(state=State.HOLDS)


def _exclusions(fields: dict[int | str, cbor.Value]) -> list[tuple[int, int]]:
    """The ranges [start, end) that a hash leaves out, in their order in the file."""
    found = []
    for at, entry in enumerate(items(fields, "exclusions")):
        match entry:
            case {"start": int() as start, "length": int() as length} if (
                start >= 0 and length >= 0 and not isinstance(start, bool) and not isinstance(length, bool)
            ):
                found.append((start, start + length))
            case _:
                raise ParseError("a range is none", pointer=f"/exclusions/{at}")
    if len(found) > MAX_EXCLUSIONS:
        raise ParseError(f"{len(found)} ranges", pointer="/exclusions")
    return sorted(found)


def _outside(exclusions: list[tuple[int, int]], ranges: tuple[tuple[int, int], ...]) -> int:
    """How many bytes are left out that do not hold the manifest."""
    kept = sum(max(0, min(end, stop) - max(start, begin)) for start, end in exclusions for begin, stop in ranges)
    return sum(end - start for start, end in exclusions) - kept
