"""Emphasis of Markdown (CommonMark 0.31, 6.2; `~~` as in GitHub's): which of the signs between words are marks.

A run of `*` or `_` is a mark only where another fits it; whether it may open or close depends on the characters beside
it, so `snake_case`, `2 * 3` and a star before a footnote stay what they are.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class _Run:
    """A run of one sign: `start` and `left` are what of it is not yet a mark."""

    sign: str
    start: int
    left: int
    length: int
    opens: bool
    closes: bool
    number: int


class Emphasis:
    """The runs of one paragraph in order; `dropped` gathers the ranges that are marks."""

    __slots__ = ("_runs", "dropped")

    def __init__(self, dropped: list[tuple[int, int]]) -> None:
        self.dropped = dropped
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, text: str, start: int, end: int) -> None:
        """The next run."""
        sign = text[start]
        before, after = text[start - 1 : start], text[end : end + 1]
        space_before, space_after = not before or before.isspace(), not after or after.isspace()
        mark_before, mark_after = _is_punctuation(before), _is_punctuation(after)
        left = not space_after and (not mark_after or space_before or mark_before)
        right = not space_before and (not mark_before or space_after or mark_after)
        if sign == "_":  # never inside a word
            left, right = left and (not right or mark_before), right and (not left or mark_after)
        if sign == "~" and end - start != 2:
            return
        if left or right:
            length = end - start
            self._runs.append(
                _Run(sign=sign, start=start, left=length, length=length, opens=left, closes=right, number=0)
            )

    def forget(self, first: int) -> None:
        """The runs from number `first` on are no marks."""
        del self._runs[first:]

    def pair(self, first: int = 0) -> None:
        """Finds the marks among the runs from number `first` on, and forgets these: a link or a paragraph ends."""
        opened: list[_Run] = []
        # Below these no partner stands, by sign and by what the rule of three asks: keeps hostile text linear.
        bottom: dict[tuple[str, bool, int], int] = {}
        for number, run in enumerate(self._runs[first:], 1):
            run.number = number
            while run.closes and run.left:
                key = (run.sign, run.opens, run.length % 3)
                place = len(opened) - 1
                while place >= 0 and opened[place].number > bottom.get(key, 0) and not _fit(opened[place], run):
                    place -= 1
                if place < 0 or opened[place].number <= bottom.get(key, 0):
                    bottom[key] = opened[-1].number if opened else 0
                    break
                self._take(opened[place], run)
                del opened[place + 1 :]
                if not opened[place].left:
                    opened.pop()
            if run.opens and run.left:
                opened.append(run)
        self.forget(first)

    def _take(self, opener: _Run, closer: _Run) -> None:
        used = 2 if min(opener.left, closer.left) >= 2 else 1
        opener.left -= used
        self.dropped.append((opener.start + opener.left, opener.start + opener.left + used))
        self.dropped.append((closer.start, closer.start + used))
        closer.start, closer.left = closer.start + used, closer.left - used


def _fit(opener: _Run, closer: _Run) -> bool:
    if opener.sign != closer.sign:
        return False
    both = opener.closes or closer.opens
    return not (both and (opener.length + closer.length) % 3 == 0 and (opener.length % 3 or closer.length % 3))


def _is_punctuation(sign: str) -> bool:
    if sign.isalnum() or not sign:
        return False
    return sign in "*_" or unicodedata.category(sign)[0] in "PS"  # what the specification calls punctuation
