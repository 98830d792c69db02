"""Where a passage may come from: winnowed word n-grams for look-up, the longest common run of words as the check."""

from __future__ import annotations

import hashlib

from archiver.model import Span
from archiver.quotes.tokens import tokenise


def words(text: str) -> tuple[tuple[str, Span], ...]:
    """The words of a text as they are compared (case-folded), each with its span in code points."""
    tokens = tokenise(text)
    return tuple((key, tokens.span(n, n + 1)) for n, key in enumerate(tokens.keys))


def fingerprints(text: str, k: int = 6, window: int = 3) -> frozenset[int]:
    """Winnowed hashes of `k`-word runs: every common run of k + window - 1 words shares one (Schleimer, Wilkerson
    and Aiken 2003). BLAKE2b, 63 bits, so that they are the same in each run and fit SQLite's signed integers;
    empty when the text has fewer than `k` words."""
    keys = tokenise(text).keys
    hashes = [_hash(keys[n : n + k]) for n in range(len(keys) - k + 1)]
    if not hashes:
        return frozenset()
    return frozenset(min(hashes[n : n + window]) for n in range(max(1, len(hashes) - window + 1)))


def _hash(run: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("\0".join(run).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def common_run(a: str, b: str) -> tuple[Span, Span, int]:
    """The longest run of words that both texts hold: its span in each and its length in words (the first of equals).

    Empty spans at 0 and a length of 0 when they share no word. Linear in the length of both: a suffix automaton
    of `b` reads `a`.
    """
    left, right = tokenise(a), tokenise(b)
    steps: list[dict[str, int]] = [{}]
    link, longest, first_end = [-1], [0], [0]
    last = 0
    for n, key in enumerate(right.keys):
        state = len(steps)
        steps.append({})
        longest.append(longest[last] + 1)
        first_end.append(n + 1)
        link.append(0)
        at = last
        while at >= 0 and key not in steps[at]:
            steps[at][key] = state
            at = link[at]
        if at >= 0:
            target = steps[at][key]
            if longest[target] == longest[at] + 1:
                link[state] = target
            else:
                clone = len(steps)
                steps.append(dict(steps[target]))
                longest.append(longest[at] + 1)
                first_end.append(first_end[target])
                link.append(link[target])
                while at >= 0 and steps[at].get(key) == target:
                    steps[at][key] = clone
                    at = link[at]
                link[target] = link[state] = clone
        last = state
    best, end_a, end_b = 0, 0, 0
    state = run = 0
    for n, key in enumerate(left.keys):
        while state and key not in steps[state]:
            state = link[state]
            run = longest[state]
        if key in steps[state]:
            state, run = steps[state][key], run + 1
        if run > best:
            best, end_a, end_b = run, n + 1, first_end[state]
    if not best:
        return Span(start=0, end=0), Span(start=0, end=0), 0
    return left.span(end_a - best, end_a), right.span(end_b - best, end_b), best
