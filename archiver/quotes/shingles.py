"""Where a passage may come from: winnowed word n-grams for look-up, the longest common run of words as the check."""

from __future__ import annotations

import hashlib

from archiver.model import Span
from archiver.quotes.runs import Runs
from archiver.quotes.tokens import tokenise

LONGEST = 100_000  # code points of each text that a common run is looked for in


def words(text: str) -> tuple[tuple[str, Span], ...]:
    """The words of a text as they are compared (case-folded), each with its span in code points."""
    tokens = tokenise(text)
    return tuple((key, tokens.span(n, n + 1)) for n, key in enumerate(tokens.keys))


def fingerprints(text: str, k: int = 6, window: int = 3) -> frozenset[int]:
    """Winnowed hashes of `k`-word runs: every common run of k + window - 1 words, eight unless told, shares one
    (Schleimer, Wilkerson and Aiken 2003). BLAKE2b, 63 bits, so that they are the same in each run and fit SQLite's
    signed integers; empty when the text has fewer than `k` words."""
    keys = tokenise(text).keys
    known = _Hashes()
    hashes = [known[run] for run in zip(*(keys[n:] for n in range(k)), strict=False)]
    if len(hashes) < window:
        return frozenset([min(hashes)] if hashes else [])
    return frozenset(map(min, zip(*(hashes[n:] for n in range(window)), strict=False)))


class _Hashes(dict[tuple[str, ...], int]):
    """The hashes of runs of words, each worked out once."""

    def __missing__(self, run: tuple[str, ...]) -> int:
        found = self[run] = _hash(run)
        return found


def _hash(run: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("\0".join(run).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def common_run(a: str, b: str) -> tuple[Span, Span, int]:
    """The longest run of words that both texts hold: its span in each and its length in words (the first of equals).

    Empty spans at 0 and a length of 0 when they share no word. Linear in the length of both. A run that is found
    stands in both; only the first `LONGEST` code points of each are read, so that a longer one may stand behind.
    """
    left, right = tokenise(a[:LONGEST]), tokenise(b[:LONGEST])
    best, end_a, end_b = 0, 0, 0
    for n, (size, end) in enumerate(Runs(right.keys).ending(left.keys), 1):
        if size > best:
            best, end_a, end_b = size, n, end
    if not best:
        return Span(start=0, end=0), Span(start=0, end=0), 0
    return left.span(end_a - best, end_a), right.span(end_b - best, end_b), best
