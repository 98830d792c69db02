"""Which texts hold the words of a quotation piece by piece: candidates for one that was put together from several.

Those that share most keys with it (`runs.versions_sharing`) need not be those that it was made of, nor hold all of it
between them. Here every run of words is looked at in its place, so that what is found depends only on the texts that
hold the longest runs, however many others hold more of the words here and there.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from archiver.quotes.runs import Runs
from archiver.quotes.tokens import tokenise
from archiver.store import runs
from archiver.store.archive import Archive

MOST_READ = 400_000  # code points that one search reads: of texts, and of the quotation again for each
MOST_PIECES = 100_000  # that one search weighs: a quotation may say one thing a hundred times, as many posts do


@dataclass(frozen=True, slots=True, order=True)
class _Piece:
    """Words from `start` on that the text of number `text` may hold together, or does (`sure`). In the order in which
    they are wanted: what goes on farthest (`before` is its end, negated), of equals what begins first, then the text.
    """

    before: int
    start: int
    text: int
    sure: bool = False


def versions_covering(
    archive: Archive, quoted: str, limit: int, *, least: int, handle: str = "", platform: str = ""
) -> list[int]:
    """The fewest versions that hold the words in pieces of `least` words or more (three at least), in the order of the
    pieces; of equals the earliest by claimed time (none last), then by ref and content. Words in no piece are left out.

    `handle` and `platform` narrow as in `runs.versions_sharing`. Costs one look-up of each run of three words, some
    operations on an integer of as many bits as there are words for each text that holds enough of them, and the
    reading of texts, mostly one a piece: when `MOST_READ` is spent no more pieces are looked for. Of more than
    `MOST_PIECES` those of the earliest texts count. Of a passage so long that its keys are sampled nothing is found: in
    a sample no run is whole.
    """
    if len(runs.looked_up(quoted)) >= runs.MOST_KEYS:
        return []
    keys = tokenise(quoted).keys
    places: dict[int, int] = {}  # of each run, a bit for every place where it stands
    for n in range(len(keys) - runs.LENGTH + 1):
        key = runs.run(keys[n : n + runs.LENGTH])
        places[key] = places.get(key, 0) | 1 << n
    held = _held(archive, places, least, handle, platform)
    order = runs.in_order(archive, list(held)) if len(held) > 1 else list(held)
    order.sort(key=lambda version: held[version].minute)  # what claims no time comes last
    possible = (
        _Piece(before=-end - runs.LENGTH + 1, start=start, text=number)
        for number, version in enumerate(order)
        for start, end in _stretches(held[version].bits, least - runs.LENGTH + 1)
    )
    found = _chosen(archive, quoted, order, list(islice(possible, MOST_PIECES)), least)
    return [order[text] for text in dict.fromkeys(islice(found, limit))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Where the runs of three of one text stand in the quotation, as bits, and the minute that it claims."""

    bits: int
    minute: int


def _held(archive: Archive, places: dict[int, int], least: int, handle: str, platform: str) -> dict[int, _Held]:
    """The versions whose runs stand in a row in the quotation. In the text they may stand apart."""
    wanted, enough = list(places), least - runs.LENGTH + 1
    once = all(bits.bit_count() == 1 for bits in places.values())  # else one row may be several places
    rows = archive.db.execute(
        "SELECT k.id, min(k.minute) AS minute, group_concat(j.key) AS held FROM json_each(?) j "
        "CROSS JOIN _version_runs k ON k.run = j.value GROUP BY k.id HAVING count(*) >= ?",
        (json.dumps(wanted), enough if once else 1),
    )
    held: dict[int, _Held] = {}
    for row in rows:
        bits = 0
        for number in row["held"].split(","):
            bits |= places[wanted[int(number)]]
        if any(_stretches(bits, enough)):
            held[row["id"]] = _Held(bits=bits, minute=row["minute"])
    if handle or platform:
        fitting = runs.narrowed(archive, set(held), handle, platform)
        held = {version: one for version, one in held.items() if version in fitting}
    return held


def _stretches(bits: int, least: int) -> Iterator[tuple[int, int]]:
    """Where `least` bits or more in a row are set: the first, and the one after the last."""
    left, have = bits, 1
    while have < least and left:
        step = min(have, least - have)
        left &= left >> step
        have += step
    while left:
        start = (left & -left).bit_length() - 1
        gap = ~(left >> start)
        after = start + (gap & -gap).bit_length() - 1
        yield start, after + least - 1
        left = left >> after << after


def _chosen(archive: Archive, quoted: str, order: list[int], possible: list[_Piece], least: int) -> Iterator[int]:
    """The texts of the pieces: always of that which goes on farthest of those that begin before the end of the last.
    A text is read when a piece of it is wanted; then only what it really holds together counts."""
    keys = tokenise(quoted).keys
    later = [(piece.start, piece) for piece in possible]
    heapq.heapify(later)
    near: list[_Piece] = []
    read: set[int] = set()
    at, room = 0, MOST_READ
    while later or near:
        while later and later[0][0] <= at:
            heapq.heappush(near, heapq.heappop(later)[1])
        if not near:
            at = later[0][0]
            continue
        piece = heapq.heappop(near)
        if -piece.before <= at:
            near.clear()
        elif piece.sure:
            yield piece.text
            at = -piece.before
        elif piece.text not in read:
            read.add(piece.text)
            text = str(archive.value("SELECT text FROM versions WHERE id = ?", order[piece.text]))
            room -= len(text) + len(quoted)
            if room < 0:
                return
            for start, end in _together(keys, tokenise(text).keys, least):
                heapq.heappush(later, (start, _Piece(before=-end, start=start, text=piece.text, sure=True)))


def _together(keys: tuple[str, ...], text: tuple[str, ...], least: int) -> Iterator[tuple[int, int]]:
    """The longest runs of `least` words or more that stand together in both: where they begin and end in `keys`."""
    # Read from the right, so that each word knows how far the text goes on from it.
    ahead = [size for size, _ in Runs(text[::-1]).ending(keys[::-1])][::-1]
    for start, size in enumerate(ahead):
        if size >= least and (start == 0 or ahead[start - 1] != size + 1):
            yield start, start + size
