"""Lines and columns of places in a text, both from 1, columns in code points.

A line ends after `\\n`, `\\r\\n` or a `\\r` alone. A place right behind a line's end is in the next line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A line and a column, both from 1. Written `LINE:COLUMN`."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """The inverse of `str`. ValueError for anything else.

        >>> str(Place.parse("3:14"))
        '3:14'
        """
        line, colon, column = text.partition(":")
        numbers = colon and all(part.isascii() and part.isdigit() and part[0] != "0" for part in (line, column) if part)
        if not (numbers and line and column):
            raise ValueError(f"{text!r} is not LINE:COLUMN")
        return cls(line=int(line), column=int(column))


def places(text: str, offsets: Iterable[int]) -> tuple[Place, ...]:
    """The place of each offset (0 to the text's length, in any order), in time O(n + k log n).

    IndexError for an offset outside the text.

    >>> [str(place) for place in places("ab\\r\\ncd", [0, 4, 6])]
    ['1:1', '2:1', '2:3']
    """
    starts = [0, *(end.end() for end in _END.finditer(text))]
    found = []
    for offset in offsets:
        if not 0 <= offset <= len(text):
            raise IndexError(f"offset {offset} is outside a text of {len(text)} code points")
        line = bisect_right(starts, offset)
        found.append(Place(line=line, column=offset - starts[line - 1] + 1))
    return tuple(found)
