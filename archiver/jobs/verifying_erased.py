"""What `erase` leaves say was taken out on purpose."""

from __future__ import annotations

from archiver.jobs import verifying_log
from archiver.jobs.verifying_found import Erased
from archiver.store.archive import Archive


def erased(archive: Archive, origin: int | None) -> Erased:
    """What `erase` leaves name: leaves of the log `origin` (of any log where it is None), and blobs. The leaves are
    themselves checked with all others."""
    leaves: set[int] = set()
    blobs: set[str] = set()
    for row in archive.db.execute(
        "SELECT e.origin, l.data FROM erasures e CROSS JOIN log_leaf l ON l.origin = e.origin AND l.idx = e.leaf"
    ):
        fields = verifying_log.read_leaf(row["data"])
        if isinstance(fields, str):
            continue  # told as the leaf that it is
        blobs.update(str(item) for item in _listed(fields.get("sha256")))
        if origin is None or row["origin"] == origin:
            leaves.update(int(str(item)) for item in _listed(fields.get("leaf_indexes")) if str(item).isdecimal())
    return Erased(leaves=frozenset(leaves), blobs=frozenset(blobs))


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
