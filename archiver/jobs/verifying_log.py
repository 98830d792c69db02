"""The log recomputed: each leaf against its hash, its canonical form and its row; the tiles; the head at any size.

The leaves are taken in spans, which may be worked on in several processes; what comes back of a span is small.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from archiver.custody import canonical, log
from archiver.jobs import verifying_rows as rows
from archiver.jobs import verifying_written
from archiver.jobs.verifying_found import Erased, Findings, Mark, Outside, Place
from archiver.schedule import parse_time
from archiver.store.archive import Archive, DatabaseError
from archiver.store.checkpoints import folded

SPAN = 16 * log.WIDTH
"""Leaves a span."""
SLACK = timedelta(seconds=60)
"""How far the clock of this host and that of a service may be apart before a time is called a contradiction."""
LAG = timedelta(minutes=10)
"""How long a capture that has ended may wait for its leaf."""

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _whole(text: str) -> int:
    if len(text) > 15 and abs(int(text)) >= 2**53:
        raise ValueError("a number is beyond 2^53-1")
    return int(text)


def _fraction(text: str) -> float:
    raise ValueError(f"the number {text} is not a whole one")


_DECODE = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=_fraction).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The leaves [low, high) of one log. `low` is the first of a tile. Those before `first` are taken by their stored
    hash. `sizes` are those at which a head is wanted, `erased` the leaves here whose bytes were taken out. `alone` says
    that nothing is wanted but what the leaves say by themselves: `low` may be any leaf, and no tile is compared."""

    origin: int
    low: int
    high: int
    first: int = 0
    sizes: tuple[int, ...] = ()
    erased: frozenset[int] = frozenset()
    outside: Outside = field(default_factory=Outside)
    alone: bool = False


@dataclass(slots=True, kw_only=True)
class SpanFound:
    """`folds` are the hashes of the full tiles here, `edges` those of the smaller complete subtrees that the wanted
    heads need, by level and index; `leaves` were compared, `erased` could only be taken by hash."""

    low: int
    folds: bytes = b""
    edges: dict[tuple[int, int], bytes] = field(default_factory=dict)
    leaves: int = 0
    rows: int = 0
    erased: int = 0
    bracketed: int = 0
    wrong: Findings = field(default_factory=Findings)
    unchecked: Findings = field(default_factory=Findings)


def spans(
    origin: int, size: int, sizes: Iterable[int], erased: Erased, outside: Outside, *, first: int = 0
) -> Iterable[Span]:
    """The whole log, cut."""
    wanted = sorted({*sizes, size})
    for low in range(0, size, SPAN):
        high = min(low + SPAN, size)
        yield Span(
            origin=origin,
            low=low,
            high=high,
            first=first,
            sizes=tuple(wanted[bisect_right(wanted, low) : bisect_right(wanted, high)]),
            erased=frozenset(index for index in erased.leaves if low <= index < high),
            outside=outside,
        )


def check_span(archive: Archive, span: Span, tables: frozenset[str] = frozenset()) -> SpanFound:
    """Everything that can be said of a span by itself. `tables` are those that the archive has, where that is known."""
    tables = tables or rows.present(archive)
    try:
        return _check_span(archive, span, tables)
    except DatabaseError:  # a text that is none, as a rule: it is read again in a slower way, and named
        before, archive.db.text_factory = archive.db.text_factory, any_text
        try:
            return _check_span(archive, span, tables)
        finally:
            archive.db.text_factory = before


def any_text(data: bytes) -> str:
    """A text column whatever its bytes are: those that are no UTF-8 become lone surrogates, which equal nothing."""
    return data.decode("utf-8", "surrogateescape")


def _check_span(archive: Archive, span: Span, tables: frozenset[str]) -> SpanFound:
    found = SpanFound(low=span.low)
    held = {
        table: rows.read(archive, table, span.origin, max(span.low, span.first), span.high, found.wrong)
        for table in rows.TABLES
        if table in tables
    }
    hashes: list[bytes] = []
    leaves = archive.db.execute(
        "SELECT idx, data, hash FROM log_leaf WHERE origin = ? AND idx >= ? AND idx < ? ORDER BY idx",
        (span.origin, span.low, span.high),
    )
    for row in leaves:
        index = row[0]
        while span.low + len(hashes) < index:
            _gone(span.low + len(hashes), found)
            hashes.append(bytes(32))
        hashes.append(_leaf(span, index, row[1], row[2], held, found))
    while span.low + len(hashes) < span.high:
        _gone(span.low + len(hashes), found)
        hashes.append(bytes(32))
    for table, left in held.items():
        for row in left.values():
            _stray(table, row, found)
    if not span.alone:
        _tiles(archive, span, b"".join(hashes), found)
    return found


def _gone(index: int, found: SpanFound) -> None:
    found.wrong.add("leaf", "is not there", Place(table="log_leaf", leaf=index))


def _stray(table: str, row: rows.Values, found: SpanFound) -> None:
    found.wrong.add("row", "has no leaf of its kind", Place(table=table, key=str(row[1] or ""), leaf=row[0]))


def _leaf(
    span: Span, index: int, data: bytes, stored: bytes, held: dict[str, dict[int, rows.Values]], found: SpanFound
) -> bytes:
    """The hash of a leaf as its bytes give it, and everything that is wrong with it."""
    if index < span.first:
        return stored
    if not data:
        if index in span.erased:
            found.erased += 1
        else:
            reason = "its bytes are not there, and no `erase` leaf says that they were taken out"
            found.wrong.add("leaf", reason, Place(table="log_leaf", leaf=index))
        for name, left in held.items():
            rows.compare_erased(name, left.pop(index, None), found.wrong)
        return stored
    found.leaves += 1
    value = hashlib.sha256(b"\x00" + data).digest()
    if value != stored:
        found.wrong.add("leaf", "its bytes do not have the hash that is stored", Place(table="log_leaf", leaf=index))
    if _as_written(span, index, data, held, found):
        return value
    leaf = read_leaf(data)
    if isinstance(leaf, str):
        found.wrong.add("leaf", leaf, Place(table="log_leaf", leaf=index))
        return value
    if leaf.get("seq") != str(index) or leaf.get("v") != 1 or leaf["v"] is True:
        found.wrong.add("leaf", "does not name its own place", Place(table="log_leaf", leaf=index))
    kind = str(leaf.get("type"))
    table = rows.OF_TYPE.get(kind)
    if table is None:
        if kind not in rows.ROWLESS:
            reason = f"is of a type that this version does not know: {kind!r}"
            found.unchecked.add("leaf", reason, Place(table="log_leaf", leaf=index))
        return value
    row = held[table].pop(index, None) if table in held else None
    if row is None:
        found.wrong.add("row", f"the leaf of type {kind} has no row", Place(table=table, key=_uid(leaf), leaf=index))
        return value
    found.rows += 1
    rows.compare(leaf, table, row, found.wrong)
    if table == "captures":
        _times(span.outside, _clock(leaf), index, found)
    return value


def _as_written(span: Span, index: int, data: bytes, held: dict[str, dict[int, rows.Values]], found: SpanFound) -> bool:
    """Whether a leaf is what its row gives: then it need not be read."""
    marks, captures = held.get("reading_marks"), held.get("captures")  # a forger may have dropped a table
    row = marks.get(index) if marks else None
    if marks and row is not None:
        if not verifying_written.reading(row, index, data):
            return False
        del marks[index]
    else:
        row = captures.get(index) if captures else None
        if not captures or row is None or not verifying_written.capture(row, index, data):
            return False
        del captures[index]
        _times(span.outside, _Clock(*verifying_written.clock(row, data)), index, found)
    found.rows += 1
    return True


def _uid(leaf: Mapping[str, Any]) -> str:
    uid = leaf.get("uid", "")
    return uid if isinstance(uid, str) else ""


def read_leaf(data: bytes) -> Mapping[str, Any] | str:
    """The fields of a leaf, or why its bytes are not the canonical ones (RFC 8785) of an object.

    Bytes that are read and written again are the same only when keys stand in order, none stands twice, and nothing is
    escaped or spaced otherwise. What is left are numbers: leaves hold integers up to 2^53-1 alone.
    """
    try:
        text = data.decode("utf-8")
        leaf = _DECODE(text)
        if not isinstance(leaf, dict):
            return "is not an object"
        if _ENCODE(leaf) != text:
            return "is not in canonical form"
        if not data.isascii():
            canonical.dumps(leaf)  # refuses keys that are not ASCII, for which another order holds
    except (ValueError, RecursionError) as error:
        return f"is not canonical JSON: {error}" if str(error) else "is not canonical JSON"
    return leaf


class _Clock(NamedTuple):
    """What a capture says of its time. What a leaf lacks or has otherwise may stand here as it is."""

    uid: str
    tier: Any
    after: str | None
    began: Any
    ended: Any


def _clock(leaf: Mapping[str, Any]) -> _Clock:
    clock = leaf.get("clock")
    told = clock if isinstance(clock, dict) else {}
    after = None if leaf.get("after") is None else str(leaf["after"])
    return _Clock(_uid(leaf), leaf.get("tier"), after, told.get("wall", ""), told.get("end", ""))


def _times(outside: Outside, clock: _Clock, index: int, found: SpanFound) -> None:
    """The clock of a capture against outside times. What was imported tells of times before it was logged."""
    uid, tier, after, told, until_told = clock
    if after is None and not (outside.after or outside.heads or outside.logged):
        return
    name = Place(table="captures", key=uid, leaf=index)
    if after is not None and after not in outside.stored:
        found.wrong.add("after", f"names a token that is not stored: {after}", name)
    if tier != "wire" or not (outside.after or outside.heads or outside.logged):
        return
    try:
        began, ended = parse_time(told), parse_time(until_told)
    except (TypeError, ValueError, OverflowError):
        found.wrong.add("bracket", "its times cannot be read", name)
        return
    least = None if after is None else outside.after.get(after)
    before = _last(outside.logged, index)
    until = _first(outside.heads, index)
    found.bracketed += least is not None or until is not None
    if least is not None and began < parse_time(least) - SLACK:
        reason = f"says that it was made at {told}, and names a token of {least}"
        found.wrong.add("bracket", reason, name)
    elif before is not None and ended < parse_time(before) - LAG:
        reason = f"says that it was made at {told}, and stands in the log behind a token of {before}"
        found.wrong.add("bracket", reason, name)
    if until is not None and began > parse_time(until) + SLACK:
        reason = f"says that it was made at {told}, and was in the log at {until}"
        found.wrong.add("bracket", reason, name)


def _last(marks: tuple[Mark, ...], index: int) -> str | None:
    """The latest time among marks before a leaf. Marks stand in the order of places with times that never fall."""
    at = bisect_right(marks, index - 1, key=lambda mark: mark.place)
    return marks[at - 1].time if at else None


def _first(marks: tuple[Mark, ...], index: int) -> str | None:
    """The earliest time among heads that hold a leaf. Heads stand in the order of sizes with times that never fall."""
    at = bisect_right(marks, index, key=lambda mark: mark.place)
    return marks[at].time if at < len(marks) else None


def _tiles(archive: Archive, span: Span, hashes: bytes, found: SpanFound) -> None:
    """Full tiles against what is stored of them; the subtrees that stand at the right edge of the wanted sizes."""
    width = log.WIDTH * 32
    folds = []
    first = span.low // log.WIDTH
    stored = {
        row["n"]: row["data"]
        for row in archive.db.execute(
            "SELECT n, data FROM log_tile WHERE origin = ? AND level = 0 AND n >= ? AND n < ?",
            (span.origin, first, span.high // log.WIDTH),
        )
    }
    for n in range(first, span.high // log.WIDTH):
        tile = hashes[(n - first) * width : (n - first + 1) * width]
        folds.append(folded(tile))
        compare_tile(0, n, stored.get(n), tile, found.wrong)
    found.folds = b"".join(folds)
    for size in span.sizes:
        at = size - size % log.WIDTH
        while at < size:
            level = (size - at).bit_length() - 1
            start = (at - span.low) * 32
            found.edges[level, at >> level] = folded(hashes[start : start + (32 << level)])
            at += 1 << level


def compare_tile(level: int, n: int, stored: bytes | None, tile: bytes, wrong: Findings) -> None:
    """Adds a tile that is missing or is not made of the hashes below it."""
    if stored is None:
        wrong.add("tile", "is not there", Place(table="log_tile", key=f"{level}/{n}"))
    elif stored != tile:
        places = [i for i in range(log.WIDTH) if stored[i * 32 : i * 32 + 32] != tile[i * 32 : i * 32 + 32]]
        which = f"leaf {n * log.WIDTH + places[0]}" if level == 0 else f"tile {level - 1}/{n * log.WIDTH + places[0]}"
        reason = f"{len(places)} of its {log.WIDTH} hashes are not those of the log, the first for {which}"
        wrong.add("tile", reason, Place(table="log_tile", key=f"{level}/{n}"))


class Recomputed:
    """The tree over the leaves as they are. Memory: 64 bytes for 256 leaves."""

    def __init__(self) -> None:
        self.tiers: list[bytearray] = [bytearray()]
        self.edges: dict[tuple[int, int], bytes] = {}
        self._done: dict[int, bytes] = {}
        self._next = 0

    def take(self, found: SpanFound) -> None:
        """Spans may come in any order."""
        self.edges.update(found.edges)
        self._done[found.low] = found.folds
        while self._next in self._done:
            self.tiers[0] += self._done.pop(self._next)
            self._next += SPAN

    def finish(self) -> None:
        """Folds the tiers above, as far as they have full tiles."""
        width = log.WIDTH * 32
        while len(self.tiers[-1]) >= width:
            below = self.tiers[-1]
            whole = range(0, len(below) - width + 1, width)
            self.tiers.append(bytearray(b"".join([folded(bytes(below[i : i + width])) for i in whole])))

    def tiles(self) -> Iterable[tuple[int, int, bytes]]:
        """The full tiles above level 0: level, number, hashes."""
        width = log.WIDTH * 32
        for level, tier in enumerate(self.tiers, 1):
            for n in range(len(tier) // width):
                yield level, n, bytes(tier[n * width : (n + 1) * width])

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree, as `custody.log` asks for it."""
        tier, inside = divmod(level, log.HEIGHT)
        if tier == 0:
            return self.edges[level, index]
        below = self.tiers[tier - 1]
        first = index << inside
        return folded(bytes(below[first * 32 : (first + (1 << inside)) * 32]))

    def root(self, size: int) -> bytes:
        """The head over the first `size` leaves: the whole log, or a size that was asked for with the spans."""
        return log.root(self.node, size)
