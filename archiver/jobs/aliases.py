"""Refs that captures showed to be the same thing: look-ups pass through their aliases, rows are never merged."""

from __future__ import annotations

from archiver.model import Ref
from archiver.store.archive import Archive


def canonical(archive: Archive, ref: Ref) -> Ref:
    """The ref that aliases lead to; the smallest of them where they go round in a circle."""
    seen = {ref}
    while True:
        row = archive.one(
            "SELECT t.ref FROM aliases a JOIN refs f ON f.id = a.alias JOIN refs t ON t.id = a.ref "
            "JOIN captures c ON c.id = a.capture WHERE f.ref = ? ORDER BY c.origin, c.leaf, t.ref LIMIT 1",
            str(ref),
        )
        if row is None:
            return ref
        ref = Ref.parse(row[0])
        if ref in seen:
            return min(seen)
        seen.add(ref)
