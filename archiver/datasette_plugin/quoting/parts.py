"""A long text in parts, so that no page grows with its document. Pure.

Parts follow from the text alone: part N ends at the last paragraph, line or word that ends shortly before N times
`SIZE`, so an address of a part stays true, and each part is found by reading little more than itself. A part is laid
out in rows: a row is a stretch without mentions, or the lines in which mentions begin, beside which their posts stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SIZE = 16_000
"""Code points of a part, more or less."""
SLACK = 2_000
"""How far before its measure a part may end, so that it ends with a paragraph."""
_ENDS = ("\n\n", "\n", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Part `number` (from 1) of `parts`: code points [start, end) of the text."""

    number: int
    parts: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Code points [start, end) of a part; `begin` are the places in the given list that begin here, in order."""

    start: int
    end: int
    begin: tuple[int, ...]


def parts(characters: int) -> int:
    """How many parts a text of so many code points has: an empty one has one."""
    return max(1, -(-characters // SIZE))


def window(number: int, characters: int) -> tuple[int, int]:
    """The code points [start, end) that must be read to know where part `number` begins and ends."""
    return max(0, (number - 1) * SIZE - SLACK), min(characters, number * SIZE)


def part(number: int, characters: int, read: str) -> Part:
    """Part `number`, from what `window` says to read of the text."""
    held = parts(characters)
    low = window(number, characters)[0]
    begins = low + _cut(read[: (number - 1) * SIZE - low]) if number > 1 else 0
    ends = low + _cut(read[: number * SIZE - low]) if number < held else characters
    return Part(number=number, parts=held, start=begins, end=max(begins, ends))


def _cut(before: str) -> int:
    """Where a part ends in the text before its measure."""
    low = max(0, len(before) - SLACK)
    for end in _ENDS:
        found = before.rfind(end, low)
        if found >= 0:
            return found + len(end)
    return len(before)


def rows(text: str, places: Sequence[tuple[int, int]]) -> list[Row]:
    """The rows of a text with these places (code points [start, end), ordered by start), which together are the text.
    Whole lines stay together, and so does what a place covers, as far as it stands in this text."""
    found: list[Row] = []
    at = 0
    for start, end, begin in _merged(text, places):
        if at < start:
            found.append(Row(start=at, end=start, begin=()))
        found.append(Row(start=start, end=end, begin=begin))
        at = end
    if at < len(text) or not found:
        found.append(Row(start=at, end=len(text), begin=()))
    return found


def _merged(text: str, places: Iterable[tuple[int, int]]) -> list[tuple[int, int, tuple[int, ...]]]:
    merged: list[tuple[int, int, tuple[int, ...]]] = []
    for number, (start, end) in enumerate(places):
        first = min(max(start, 0), len(text))
        last = min(max(end, first), len(text))
        low = text.rfind("\n", 0, first) + 1
        stop = text.find("\n", max(low, last - 1))
        high = len(text) if stop < 0 else stop + 1
        while high < len(text) and text[high] == "\n":
            high += 1  # the space between paragraphs stays with what it follows
        if merged and low < merged[-1][1]:
            before = merged.pop()
            merged.append((before[0], max(before[1], high), (*before[2], number)))
        else:
            merged.append((low, high, (number,)))
    return merged
