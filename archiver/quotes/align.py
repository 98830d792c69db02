"""Word alignment: where segments of a quotation stand in an original, and what differs where they do not.

Segments are found with substring search over joined words and differences with a bit-parallel longest common
subsequence, so that neither is quadratic in interpreted steps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BRACKET_WORDS = 4  # how many words of the original one editor's bracket may stand for
_MOST_BITS = 400_000_000  # cells of one exact difference: 50 MB of bit rows
_BUDGET = 30_000_000  # characters that one search for places may read

Pair = tuple[int, int]
Keys = Sequence[str]


class Index:
    """The words of an original as one string, so that a run of words is found at C speed."""

    __slots__ = ("_budget", "_offsets", "_text", "keys")

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._budget = _BUDGET
        offsets, at = [], 0
        for key in keys:
            offsets.append(at)
            at += len(key) + 1
        self._offsets = offsets
        self._text = "\0" + "\0".join(keys) + "\0"

    def find(self, run: Keys, start: int = 0) -> int:
        """The first place at or after `start` where the run stands, or -1."""
        if start + len(run) > len(self.keys):
            return -1
        if not run:
            return start
        if self._budget < 0:
            return -1
        wanted = "\0" + "\0".join(run) + "\0"
        at = self._text.find(wanted, self._offsets[start])
        read = (at if at >= 0 else len(self._text)) - self._offsets[start]
        self._budget -= 100 + 4 * len(wanted) + read // 4
        return -1 if at < 0 else bisect_left(self._offsets, at)

    def stands(self, run: Keys, at: int) -> bool:
        """Whether the run stands exactly there."""
        if self.keys[at : at + 1] != run[:1]:
            return False
        self._budget -= 100 + len(run)
        return not self.spent and self.keys[at : at + len(run)] == run

    @property
    def spent(self) -> bool:
        """Whether so much was searched that the last answers were "nowhere" without looking."""
        return self._budget < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Words [start, end) of a quotation that must stand together. `loose` is what precedes: an ellipsis (a gap of
    any size) or the beginning; otherwise a bracket that may stand for up to `BRACKET_WORDS` words."""

    start: int
    end: int
    loose: bool


Fits = Callable[[int], bool]


def place(
    index: Index, keys: Keys, segments: Sequence[Segment], fits: Fits | None = None, begin: int = 0
) -> list[int] | None:
    """Where each segment stands in the original from word `begin` on, in order and without overlap, or None.

    The earliest end is taken, then gaps are made as small as they can be. `fits` judges the word after the last.
    """
    groups: list[list[Segment]] = []
    for segment in segments:
        if segment.loose or not groups:
            groups.append([segment])
        else:
            groups[-1].append(segment)
    placed: list[list[int]] = []
    at = begin
    for n, group in enumerate(groups):
        found = _place_group(index, keys, group, at, fits if n == len(groups) - 1 else None)
        if found is None:
            return None
        placed.append(found)
        at = found[-1] + group[-1].end - group[-1].start
    for n in range(len(groups) - 2, -1, -1):
        later, size = placed[n], groups[n][-1].end - groups[n][-1].start
        for _ in range(50):
            next_found = _place_group(index, keys, groups[n], later[0] + 1, None)
            if next_found is None or next_found[-1] + size > placed[n + 1][0]:
                break
            later = next_found
        placed[n] = later
    return [start for group in placed for start in group]


def _place_group(index: Index, keys: Keys, group: Sequence[Segment], start: int, fits: Fits | None) -> list[int] | None:
    first = keys[group[0].start : group[0].end]
    while (at := index.find(first, start)) >= 0:
        found = [at]
        end = at + len(first)
        for segment in group[1:]:
            run = keys[segment.start : segment.end]
            gaps = (end + gap for gap in range(BRACKET_WORDS + 1))
            there = next((g for g in gaps if index.stands(run, g)), -1)
            if there < 0:
                break
            found.append(there)
            end = there + len(run)
        else:
            if fits is None or fits(end):
                return found
        start = at + 1
    return None


def common(quote: Keys, original: Keys) -> list[Pair]:
    """A longest common subsequence as pairs of places. Past 400 M cells only what unique words anchor is compared."""
    head = 0
    while head < min(len(quote), len(original)) and quote[head] == original[head]:
        head += 1
    tail = 0
    while tail < min(len(quote), len(original)) - head and quote[-1 - tail] == original[-1 - tail]:
        tail += 1
    pairs = [(n, n) for n in range(head)]
    pairs += _difference(quote, original, (head, len(quote) - tail), (head, len(original) - tail))
    return pairs + [(len(quote) - n, len(original) - n) for n in range(tail, 0, -1)]


def _difference(quote: Keys, original: Keys, q: Pair, o: Pair) -> list[Pair]:
    if (q[1] - q[0]) * (o[1] - o[0]) <= _MOST_BITS:
        return _subsequence(quote, original, q, o)
    once_q = {key for key, n in Counter(quote[slice(*q)]).items() if n == 1}
    once_o = {key for key, n in Counter(original[slice(*o)]).items() if n == 1}
    where = {original[j]: j for j in range(*o) if original[j] in once_o}
    anchors = _increasing([(i, where[quote[i]]) for i in range(*q) if quote[i] in once_q and quote[i] in where])
    pairs: list[Pair] = []
    i, j = q[0], o[0]
    for anchor in [*anchors, (q[1], o[1])]:
        if (anchor[0] - i) * (anchor[1] - j) <= _MOST_BITS // 100:
            pairs += _subsequence(quote, original, (i, anchor[0]), (j, anchor[1]))
        if anchor != (q[1], o[1]):
            pairs.append(anchor)
        i, j = anchor[0] + 1, anchor[1] + 1
    return pairs


def _increasing(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest run of pairs that rises on both sides."""
    ends: list[int] = []
    tips: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(pairs):
        k = bisect_left(ends, j)
        before.append(tips[k - 1] if k else -1)
        ends[k : k + 1] = [j]
        tips[k : k + 1] = [n]
    out: list[Pair] = []
    n = tips[-1] if tips else -1
    while n >= 0:
        out.append(pairs[n])
        n = before[n]
    return out[::-1]


def _subsequence(quote: Keys, original: Keys, q: Pair, o: Pair) -> list[Pair]:
    """Hyyrö's bit-parallel longest common subsequence, with its rows kept to read the pairs back."""
    n = q[1] - q[0]
    if n <= 0 or o[1] <= o[0]:
        return []
    places: dict[str, int] = {}
    for i in range(n):
        key = quote[q[0] + i]
        places[key] = places.get(key, 0) | (1 << i)
    every = (1 << n) - 1
    row, rows = every, [every]
    for j in range(*o):
        match = row & places.get(original[j], 0)
        if match:
            row = ((row + match) | (row - match)) & every
        rows.append(row)
    pairs: list[Pair] = []
    i, j = n - 1, len(rows) - 1
    # A cleared bit i in row j: the subsequence grows at word i within the first j words of the original.
    while i >= 0 and j > 0:
        if rows[j] >> i & 1:
            i -= 1
        elif not rows[j - 1] >> i & 1:
            j -= 1
        else:
            pairs.append((q[0] + i, o[0] + j - 1))
            i -= 1
            j -= 1
    return pairs[::-1]


def tighten(pairs: Sequence[Pair], original: Keys) -> list[Pair]:
    """The same words matched as late as the following match allows: no gap wider than it must be."""
    out = list(pairs)
    wanted = {original[j] for _, j in out}
    places: dict[str, list[int]] = {}
    for j, key in enumerate(original):
        if key in wanted:
            places.setdefault(key, []).append(j)
    for n in range(len(out) - 2, -1, -1):
        i, j = out[n]
        there = places[original[j]]
        out[n] = (i, there[bisect_left(there, out[n + 1][1]) - 1])
    return out


def window(quote: Keys, original: Keys) -> Pair:
    """The part of a long original where most words of a short quotation stand, judged by its rarer words."""
    size = len(quote)
    if len(original) <= 4 * size + 60:
        return (0, len(original))
    wanted = Counter(quote)
    count: Counter[str] = Counter(key for key in original if key in wanted)
    weight = {key: 1.0 / count[key] for key in count}
    reach = 2 * size + 20
    total, best, at = 0.0, -1.0, 0
    for j, key in enumerate(original):
        total += weight.get(key, 0.0)
        if j >= reach:
            total -= weight.get(original[j - reach], 0.0)
        if total > best + 1e-9:
            best, at = total, j
    return (max(0, at - reach - size), min(len(original), at + reach + size))
