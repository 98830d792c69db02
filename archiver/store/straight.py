"""Large values read from the pages of the file, many in one call.

SQLite asks the system for each page by itself, which takes as long as a quarter of hashing what is on it, and it maps
2 GiB of a file at most. So `archiver verify` finds large values here by the format of the file
(https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1) and reads their overflow pages, which stand in a row as
a rule, in one call. SQLite names each row before, and what it says of it has to agree; a value that is not found just
as the format says is left to SQLite, and so is all that is to be called wrong.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

MAGIC = b"SQLite format 3\x00"
READ = 1 << 20
"""Bytes that are read at once: a chunk of a blob, with the links of its pages."""
_PARTS = 1024  # IOV_MAX: as many places as one call fills
_DEEPEST = 20  # SQLite's own bound for the levels of a tree
_HELD = 1000  # inner pages kept: each names some hundreds of others
_WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
"""Serial types of integers and the bytes that they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of `blob_chunks` as SQLite names it: `length` is that of its bytes."""

    rowid: int
    blob: int
    n: int
    length: int


class _NotSo(Exception):
    """Something that is not as this reader expects it; SQLite may well read it."""


class Straight:
    """The values of `blob_chunks`. The file stays open until the process ends: closing it would take the locks of
    SQLite with it, which belong to the process (https://www.sqlite.org/howtocorrupt.html, section 2.2)."""

    def __init__(self, file: int, page: int, root: int) -> None:
        self._file, self._page, self._root = file, page, root
        self._inner: dict[int, tuple[list[int], list[int]]] = {}
        count = min(READ // page + 1, _PARTS // 2)
        self._links, self._bytes = memoryview(bytearray(4 * count)), memoryview(bytearray((page - 4) * count))
        self._parts = [
            part
            for i in range(count)
            for part in (self._links[4 * i : 4 * i + 4], self._bytes[(page - 4) * i : (page - 4) * (i + 1)])
        ]

    @classmethod
    def open(cls, db: sqlite3.Connection, path: Path) -> Straight | None:
        """None where the file alone does not hold what `db` reads, or is of a kind that is not read here.

        A transaction that reads has to be open: no checkpoint can then write to pages that it sees.
        """
        path = path.resolve()  # as SQLite does: what belongs to a file stands beside it, not beside a link to it
        wal = path.with_name(path.name + "-wal")
        if not hasattr(os, "preadv") or not db.in_transaction:
            return None
        query = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'blob_chunks'"
        row = db.execute(query).fetchone()  # with it the transaction begins to read
        if row is None or (wal.exists() and wal.stat().st_size > 0):
            return None
        file = os.open(path, os.O_RDONLY)
        head = os.pread(file, 100, 0)
        page = int.from_bytes(head[16:18], "big")
        page = 65536 if page == 1 else page
        if len(head) < 100 or head[:16] != MAGIC or page < 512 or head[20] != 0:  # no bytes reserved on each page
            return None
        return cls(file, page, int(row[0]))

    def read(self, row: Row) -> Iterator[memoryview]:
        """The bytes of a row, in pieces that last until the next is asked for. LookupError, perhaps in the midst of
        them, when it is not found where the format says that it is."""
        try:
            yield from self._value(row)
        except (_NotSo, IndexError, struct.error, OSError) as error:
            raise LookupError(f"row {row.rowid}: {error}") from error

    def _value(self, row: Row) -> Iterator[memoryview]:
        page = self._leaf(row.rowid)
        cell, size = _cell(page, row.rowid)
        local = _local(size, self._page)
        body, kinds = _header(page, cell)
        start = body + sum(_WIDTHS[kind] for kind in kinds[:2])
        said = (_integer(page, body, kinds[0]), _integer(page, body + _WIDTHS[kinds[0]], kinds[1]), kinds[2])
        if said != (row.blob, row.n, 12 + 2 * row.length) or start - cell + row.length != size or start > cell + local:
            raise _NotSo("another row")
        yield memoryview(page)[start : cell + local]
        if local < size:
            yield from self._chain(int.from_bytes(page[cell + local : cell + local + 4], "big"), size - local)

    def _chain(self, first: int, left: int) -> Iterator[memoryview]:
        """The bytes on overflow pages from `first` on. Each names the next, the last none."""
        page, room = self._page, self._page - 4
        at, calls = first, 8 + left // room // 16
        while left:
            want = min(-(-left // room), len(self._parts) // 2)
            calls -= 1
            if calls < 0:
                raise _NotSo("its pages are scattered")
            got = os.preadv(self._file, self._parts[: 2 * want], (at - 1) * page) if at else 0
            if got != want * page:
                raise _NotSo("a page is missing")
            run = _in_a_row(self._links[: 4 * want], at)
            size = min(run * room, left)
            left -= size
            at = int.from_bytes(self._links[4 * run - 4 : 4 * run], "big")
            if (at == 0) != (left == 0):
                raise _NotSo("the chain has another length")
            yield self._bytes[:size]

    def _leaf(self, rowid: int) -> bytes:
        """The page of the table's tree on which a row stands."""
        number = self._root
        for _ in range(_DEEPEST):
            known = self._inner.get(number)
            if known is None:
                page = os.pread(self._file, self._page, (number - 1) * self._page) if number > 1 else b""
                if len(page) != self._page:
                    raise _NotSo("a page is missing")
                if page[0] == 0x0D:
                    return page
                if len(self._inner) >= _HELD:
                    self._inner.clear()
                known = self._inner[number] = _inner(page)
            keys, children = known
            number = children[bisect_left(keys, rowid)]
        raise _NotSo("the tree has no end")


def _in_a_row(links: memoryview, first: int) -> int:
    """How many pages from `first` on belong to a chain: all but the last of them name the page behind themselves."""
    count = len(links) // 4
    ones, steps = _counting(count - 1)
    # Compared as one number of 32 bits a page: to look at each by itself takes a twentieth of hashing what is on it.
    if int.from_bytes(links[:-4], "big") == ones * first + steps:
        return count
    return (
        next((i for i, (link,) in enumerate(struct.iter_unpack(">I", links)) if link != first + i + 1), count - 1) + 1
    )


@lru_cache(maxsize=1024)
def _counting(count: int) -> tuple[int, int]:
    """The numbers 1, 1, 1… and 1, 2, 3…, each of 32 bits, as one number."""
    ones, steps = struct.pack(f">{count}I", *[1] * count), struct.pack(f">{count}I", *range(1, count + 1))
    return int.from_bytes(ones, "big"), int.from_bytes(steps, "big")


def _inner(page: bytes) -> tuple[list[int], list[int]]:
    """The keys of an inner page, and the pages below: below each key what is not above it, then the rest."""
    if page[0] != 0x05:
        raise _NotSo("a page of another kind")
    count = int.from_bytes(page[3:5], "big")
    keys, children = [], []
    for (cell,) in struct.iter_unpack(">H", page[12 : 12 + 2 * count]):
        children.append(int.from_bytes(page[cell : cell + 4], "big"))
        keys.append(_varint(page, cell + 4)[0])
    if len(keys) != count or any(a >= b for a, b in pairwise(keys)):
        raise _NotSo("keys are out of order")
    return keys, [*children, int.from_bytes(page[8:12], "big")]


def _cell(page: bytes, rowid: int) -> tuple[int, int]:
    """Where the payload of a row begins on a leaf, and its size in all."""
    count = int.from_bytes(page[3:5], "big")
    for (cell,) in struct.iter_unpack(">H", page[8 : 8 + 2 * count]):
        size, at = _varint(page, cell)
        key, at = _varint(page, at)
        if key == rowid:
            return at, size
    raise _NotSo("not on its page")


def _local(size: int, page: int) -> int:
    """How much of a payload stands on the leaf itself."""
    if size <= page - 35:
        return size
    least = (page - 12) * 32 // 255 - 23
    more = least + (size - least) % (page - 4)
    return more if more <= page - 35 else least


def _header(page: bytes, at: int) -> tuple[int, tuple[int, int, int]]:
    """Where the values of a record begin, and their serial types: two integers, and then what should be bytes."""
    length, place = _varint(page, at)
    first, place = _varint(page, place)
    second, place = _varint(page, place)
    third, place = _varint(page, place)
    if place != at + length or first not in _WIDTHS or second not in _WIDTHS:
        raise _NotSo("a record of other types")
    return place, (first, second, third)


def _integer(page: bytes, at: int, kind: int) -> int:
    """Serial types 8 and 9 are the integers 0 and 1 themselves."""
    return int.from_bytes(page[at : at + _WIDTHS[kind]], "big", signed=True) if kind < 8 else kind - 8


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """An integer of one to nine bytes, and where it ends. Negative ones, which have nine, are none of ours."""
    value = 0
    for place in range(at, at + 8):
        byte = page[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise _NotSo("a number too large")
