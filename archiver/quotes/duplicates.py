"""Which texts repeat an earlier one: the same words, or nearly the same in the same order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from archiver.quotes.align import common
from archiver.quotes.tokens import tokenise

# The share of the words of both texts together that stand in common order. Of 6,000 recorded posts, pairs from 0.85
# on were one statement with a hashtag, a signature or an address more; from 0.8 to 0.85 also forms filled in anew.
NEAR = 0.85
_SEEDS = 64  # earlier texts that are compared with one text: those that share the most runs of two words


def near_duplicates(texts: Sequence[str]) -> tuple[int | None, ...]:
    """For each text, the index of the earliest text before it with the same words, or else of the earliest that it
    nearly repeats (`likeness` of at least `NEAR`) among the 64 that share most with it, or None. Texts without words
    repeat nothing."""
    words = [tokenise(text).keys for text in texts]
    firsts: dict[tuple[str, ...], int] = {}
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    counts: dict[int, Counter[str]] = {}
    out: list[int | None] = []
    for number, keys in enumerate(words):
        if keys in firsts or not keys:
            out.append(firsts.get(keys))
            continue
        firsts[keys] = number
        runs = {keys[n : n + 2] for n in range(max(1, len(keys) - 1))}
        shared: Counter[int] = Counter()
        for run in runs:
            shared.update(holders[run])
            holders[run].append(number)
        candidates = sorted(other for other, _ in shared.most_common(_SEEDS))
        counts[number] = Counter(keys)
        near = (other for other in candidates if _may_be_alike(counts[other], counts[number]))
        out.append(next((other for other in near if _alike(words[other], keys) >= NEAR), None))
    return tuple(out)


def likeness(a: str, b: str) -> float:
    """How much of two texts stands in common order, 0 to 1: 1 is the same words (a duplicate), from `NEAR` on a
    near-duplicate. Twice the common words over the words of both, so that a part is not its whole."""
    return _alike(tokenise(a).keys, tokenise(b).keys)


def _alike(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    if not a or not b:
        return 0.0
    return 2 * len(common(a, b)) / (len(a) + len(b))


def _may_be_alike(a: Counter[str], b: Counter[str]) -> bool:
    """Whether enough words are common in any order: what is cheap to see first."""
    return 2 * (a & b).total() >= NEAR * (a.total() + b.total())
