"""Pictures that look alike: perceptual hashes that differ in few of their 64 bits."""

from __future__ import annotations

import json

from archiver.datasette_plugin.reader import Reader

FARTHEST = 7
"""Bits. Of two hashes that differ in so few, one of their four quarters differs in one bit or none."""
COMPARED = 4000
"""Hashes that are compared for each quarter."""
SHOWN = 24
QUARTERS = {
    name: f"SELECT blob, dhash FROM media_blobs INDEXED BY media_blobs_quarter_{name}_dhash "
    f"WHERE quarter_{name} IN (SELECT value FROM json_each(:near_{name})) LIMIT :most"
    for name in "abcd"
}


def distance(one: str, other: str) -> int:
    """In how many bits two hashes differ.

    >>> distance("00000000000000ff", "000000000000000f")
    4
    """
    return (int(one, 16) ^ int(other, 16)).bit_count()


def near(quarter: str) -> list[str]:
    """A quarter of a hash, and each that differs from it in one bit."""
    value = int(quarter, 16)
    return [f"{value:04x}", *(f"{value ^ 1 << bit:04x}" for bit in range(16))]


def alike(reader: Reader, blob: int, dhash: str) -> tuple[dict[int, int], bool]:
    """The nearest pictures: local ids of blobs to bits, nearest first; and whether there are others that are as near
    and not shown, or that could not be compared."""
    if not dhash:
        return {}, False
    seen: dict[int, int] = {}
    cut = False
    for name, at in zip("abcd", range(0, 16, 4), strict=True):
        given = {f"near_{name}": json.dumps(near(dhash[at : at + 4]))}
        rows = reader.rows(f"Pictures alike in quarter {name}", QUARTERS[name], most=COMPARED, **given)
        cut = cut or len(rows) == COMPARED
        seen |= {row["blob"]: distance(row["dhash"], dhash) for row in rows if row["blob"] not in seen}
    seen.pop(blob, None)
    nearest = sorted((bits, other) for other, bits in seen.items() if bits <= FARTHEST)
    return {other: bits for bits, other in nearest[:SHOWN]}, cut or len(nearest) > SHOWN
