"""What a bundle needs for timestamps whose certificates ended: the leaves by which they stand in the log, and a head
that holds these and was dated while their certificates were good."""

from __future__ import annotations

import hashlib
from array import array

from archiver.bundle import recorded
from archiver.bundle.choice import Choice
from archiver.bundle.leaves import Leaves
from archiver.bundle.proving import closest
from archiver.jobs.anchored import until
from archiver.schedule import parse_time
from archiver.store.anchors import Anchors, Stamp
from archiver.store.archive import Archive

MOST = 16
"""Renewals of renewals that are followed."""


def renewing(archive: Archive, origin: int, choice: Choice, chosen: Leaves, base: int, now: str) -> tuple[Leaves, int]:
    """The leaves of a bundle, and how many a head must cover at least. `base` is the size of the head that it would
    have if nothing had ended at `now` (ISO 8601, UTC); both stay as they are where nothing did."""
    held = Anchors(archive, origin)
    stamps = held.timestamps()
    ends = {stamp.chain: until(held, stamp) for stamp in {stamp.chain: stamp for stamp in stamps}.values()}
    ended = {chain for chain, end in ends.items() if end and parse_time(end) <= parse_time(now)}
    if not ended:
        return chosen, base
    sizes = closest(archive, origin, base, recorded.leaves(archive, choice.captures)) | {base}
    after = recorded.afters(archive, choice.captures)
    wanted = [
        stamp
        for stamp in stamps
        if stamp.chain in ended
        and (stamp.size in sizes or (stamp.leaf < base and _sha256(archive, origin, stamp) in after))
    ]
    types, size = dict(chosen.types), base
    for _ in range(MOST):
        renewals = [(stamp, by) for stamp in wanted if (by := _renewal(stamp, stamps, ends, ended)) is not None]
        types.update((stamp.leaf, "anchor") for stamp, _ in renewals)
        size = max([size, *(by.size for _, by in renewals)])
        wanted = [by for _, by in renewals if by.chain in ended]
        if not wanted:
            break
    return Leaves(indexes=array("q", sorted({*chosen.indexes, *types})), types=types), size


def _renewal(
    stamp: Stamp, stamps: list[Stamp], ends: dict[tuple[str, ...], str], ended: set[tuple[str, ...]]
) -> Stamp | None:
    """The first newer timestamp in time whose certificates are good; else the last one in time."""
    end = parse_time(ends[stamp.chain])
    newer = [one for one in stamps if one.size > stamp.leaf and parse_time(one.at) <= end]
    return next((one for one in newer if one.chain not in ended), newer[-1] if newer else None)


def _sha256(archive: Archive, origin: int, stamp: Stamp) -> str:
    row = archive.one("SELECT token FROM log_anchor WHERE origin = ? AND leaf = ?", origin, stamp.leaf)
    return "" if row is None else hashlib.sha256(row["token"]).hexdigest()
