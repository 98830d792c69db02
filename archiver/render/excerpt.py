"""A long text in one line, shortened around its marks: what is marked is never left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archiver.render.marked import Range, pieces
from archiver.render.text import Styled, safe

CUT = " […] "
AROUND, JOINED, WORD = 40, 16, 16
"""Code points kept on both sides of a mark; gaps too small to cut; how far a cut looks for a space."""


def excerpt(
    text: str, stretch: Range, marks: Sequence[Range], styles: Mapping[int, str], length: int
) -> list[str | Styled]:
    """The text with each mark in its style. Longer than `length`: its beginning and what is around the marks, or the
    beginning of the stretch where nothing is marked."""
    kept = [(0, len(text))] if len(text) <= length else _kept(text, stretch, marks, length)
    out: list[str | Styled] = []
    end = 0
    for start, stop in kept:
        if start > end:
            out.append(CUT if out else CUT.lstrip())
        part = text[start:stop]
        moved = [(a - start, b - start) if a < stop and b > start else (0, 0) for a, b in marks]
        for piece in pieces(part, (0, 0), moved):
            style = next((styles[mark] for mark in piece.marks if styles.get(mark)), "")
            out.append((flat(piece.text), style) if style else flat(piece.text))
        end = stop
    if end < len(text):
        out.append(CUT.rstrip())
    return out


def flat(text: str) -> str:
    """On one line, with nothing that a terminal obeys."""
    return safe(re.sub(r"\s+", " ", text))


def _kept(text: str, stretch: Range, marks: Sequence[Range], length: int) -> list[Range]:
    """The ranges to keep, in order, apart from one another."""
    low = min(max(stretch[0], 0), len(text))
    wanted = sorted((max(0, start - AROUND), min(len(text), max(start, end) + AROUND)) for start, end in marks)
    wanted = [(0, AROUND), *wanted] if wanted else [(low, min(len(text), low + length))]
    kept: list[Range] = []
    for start, end in wanted:
        start, end = _left(text, min(start, len(text))), _right(text, end)
        if kept and start <= kept[-1][1] + JOINED:
            kept[-1] = kept[-1][0], max(kept[-1][1], end)
        else:
            kept.append((start, end))
    return kept


def _left(text: str, at: int) -> int:
    """The beginning of the word at a place, where it is near."""
    space = text.rfind(" ", max(0, at - WORD), at)
    return space + 1 if space >= 0 else at


def _right(text: str, at: int) -> int:
    space = text.find(" ", at, at + WORD)
    return space if space >= 0 else at
