"""A text cut where marks begin and end, so that each piece can be shown in one way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Range = tuple[int, int]
"""Code points [start, end)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the text that the same `marks` (their numbers, in order) cover. A piece without text is the place
    of marks of no length. `inside` says whether it belongs to the stretch that was compared."""

    text: str
    marks: tuple[int, ...] = ()
    inside: bool = True


def pieces(text: str, stretch: Range, marks: Sequence[Range]) -> Iterator[Piece]:
    """The whole text, piece by piece. Ranges that reach beyond it are cut to it; an empty stretch means all of it."""
    low, high = _within(stretch, len(text))
    if low >= high:
        low, high = 0, len(text)
    opening: dict[int, list[int]] = defaultdict(list)
    closing: dict[int, list[int]] = defaultdict(list)
    points: dict[int, list[int]] = defaultdict(list)
    for number, mark in enumerate(marks):
        start, end = _within(mark, len(text))
        if start < end:
            opening[start].append(number)
            closing[end].append(number)
        else:
            points[start].append(number)
    cuts = sorted({0, len(text), low, high, *opening, *closing, *points})
    covered: set[int] = set()
    for here, following in zip(cuts, [*cuts[1:], len(text)], strict=True):
        covered.difference_update(closing[here])
        covered.update(opening[here])
        if points[here]:
            yield Piece(text="", marks=tuple(points[here]), inside=low <= here <= high)
        if here < following:
            yield Piece(text=text[here:following], marks=tuple(sorted(covered)), inside=low <= here < high)


def _within(wanted: Range, length: int) -> Range:
    start = min(max(wanted[0], 0), length)
    return start, min(max(wanted[1], start), length)
