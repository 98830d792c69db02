"""What differs between two versions of one text, to the letter: no word is evened out, as it is for quotations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from archiver.model import Span
from archiver.quotes.align import Pair, common
from archiver.quotes.normal import UNSPACED, marks_class

MOST = 20_000
"""Code points of each text that are compared: a stretch around the first difference."""
_CONTEXT = 400
_CELLS = 64_000_000  # words of one side times words of the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Words of the text before that stand otherwise after. One span may be empty; both count in the whole text."""

    before: Span
    after: Span

    @property
    def op(self) -> str:
        if self.before.start == self.before.end:
            return "added"
        return "removed" if self.after.start == self.after.end else "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The differences, in order, within the stretches `before` and `after` that were compared. `whole` says that these
    are all of both texts but for what is the same at their beginnings and ends; `coarse` that what differs was too long
    to be compared word by word, and is told as one difference."""

    before: Span
    after: Span
    differences: tuple[Difference, ...]
    whole: bool
    coarse: bool


@cache
def _words() -> re.Pattern[str]:
    join = rf"[{marks_class()}\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
    return re.compile(rf"(?:\s+|[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+|.){join}*(?:(?<=\u200d).{join}*)*", re.S)


def between(before: str, after: str) -> Compared:
    """Compares two texts word by word."""
    start = _common_start(before, after)
    end = min(_common_end(before, after), min(len(before), len(after)) - start)
    low = max(0, start - _CONTEXT)
    high = [len(text) - max(0, end - _CONTEXT) for text in (before, after)]
    whole = max(high) - low <= MOST
    ours, theirs = before[low : min(high[0], low + MOST)], after[low : min(high[1], low + MOST)]
    left, right = _cut(ours), _cut(theirs)
    pairs, coarse = _pairs([word for _, word in left], [word for _, word in right])
    gaps = _gaps(pairs, left, len(right))
    if not whole and len(gaps) > 1 and (gaps[-1][1] == len(left) or gaps[-1][3] == len(right)):
        # Where the stretch was cut off there may be a difference that the texts do not have.
        ours, theirs = ours[: _place(left, ours, gaps[-1][0])], theirs[: _place(right, theirs, gaps[-1][2])]
        gaps.pop()
    return Compared(
        before=Span(start=low, end=low + len(ours)),
        after=Span(start=low, end=low + len(theirs)),
        differences=tuple(
            Difference(
                before=Span(start=low + _place(left, ours, a), end=low + _place(left, ours, b)),
                after=Span(start=low + _place(right, theirs, c), end=low + _place(right, theirs, d)),
            )
            for a, b, c, d in gaps
        ),
        whole=whole,
        coarse=coarse,
    )


def _common_end(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_start(one: str, other: str) -> int:
    """How many code points two texts have in common at their beginning, in a few comparisons of slices."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str) -> list[tuple[int, str]]:
    return [(found.start(), found.group()) for found in _words().finditer(text)]


def _pairs(one: Sequence[str], other: Sequence[str]) -> tuple[list[Pair], bool]:
    """Places of words that both have, and whether the middle was too long to look into."""
    head = 0
    while head < min(len(one), len(other)) and one[head] == other[head]:
        head += 1
    tail = 0
    while tail < min(len(one), len(other)) - head and one[-1 - tail] == other[-1 - tail]:
        tail += 1
    if (len(one) - head - tail) * (len(other) - head - tail) <= _CELLS:
        return common(one, other), False
    ends = [(len(one) - n, len(other) - n) for n in range(tail, 0, -1)]
    return [*((n, n) for n in range(head)), *ends], True


def _gaps(pairs: Sequence[Pair], left: Sequence[tuple[int, str]], right: int) -> list[tuple[int, int, int, int]]:
    """What stands between common words, as places (from, to, from, to). Gaps with only white space between are one."""
    gaps: list[tuple[int, int, int, int]] = []
    i = j = 0
    for next_i, next_j in [*pairs, (len(left), right)]:
        if next_i > i or next_j > j:
            last = gaps[-1] if gaps else None
            if last is not None and all(left[n][1].isspace() for n in range(last[1], i)):
                gaps[-1] = (last[0], next_i, last[2], next_j)
            else:
                gaps.append((i, next_i, j, next_j))
        i, j = next_i + 1, next_j + 1
    return gaps


def _place(words: Sequence[tuple[int, str]], text: str, number: int) -> int:
    """Where a word begins; the end of the text after the last."""
    return min(words[number][0], len(text)) if number < len(words) else len(text)
