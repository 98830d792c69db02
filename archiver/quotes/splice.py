"""A quotation made of two or more originals: each part faithful by itself, and each original named."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from archiver.model import Span, Verdict, VerdictKind
from archiver.quotes.align import Index
from archiver.quotes.judging import is_faithful, judge, shifted
from archiver.quotes.meeting import meet
from archiver.quotes.tokens import tokenise

LEAST_WORDS = 4


def splice(quoted: str, originals: Sequence[str]) -> tuple[tuple[int, Verdict], ...] | None:
    """The parts of `quoted` in order, each as (index of its original, verdict with spans in the whole quotation).

    None unless at least two originals are needed, every part has four words or more, and each is faithful by
    itself. At most 64 originals are looked at.
    """
    quote = tokenise(quoted, brackets=True)
    total = len(quote.keys)
    candidates = []
    for number, original in enumerate(originals[:64]):
        held = tokenise(original)
        met = meet(quote, held)
        # Where a lost apostrophe joins words the places shift: such an original is compared by its own cut.
        candidates.append((number, Index(held.keys), met.keys if len(met.keys) == total else quote.keys))
    if total < 2 * LEAST_WORDS or len(candidates) < 2 or any(index.find(keys) >= 0 for _, index, keys in candidates):
        return None

    def reach(number: int, start: int) -> int:
        """How many words from `start` on stand together in an original."""
        _, index, keys = candidates[number]
        low, high = 0, total - start
        while low < high:
            middle = (low + high + 1) // 2
            if index.find(keys[start : start + middle]) >= 0:
                low = middle
            else:
                high = middle - 1
        return low

    @cache
    def reaches(start: int) -> tuple[tuple[int, int], ...]:
        found = [(reach(number, start), number) for number in range(len(candidates))]
        return tuple(
            sorted(((size, number) for size, number in found if size >= LEAST_WORDS), key=lambda x: (-x[0], x[1]))
        )

    dead: set[int] = set()

    def cover(start: int) -> list[tuple[int, int, int]] | None:
        """Parts (original, start, end) that cover the words from `start` on, with as few parts as greed finds."""
        stack: list[tuple[int, list[tuple[int, int, int]]]] = [(start, [])]
        while stack:
            at, parts = stack.pop()
            if at == total:
                return parts
            if at in dead or len(parts) >= 16:
                continue
            dead.add(at)
            options = [(size, n) for most, n in reaches(at) for size in {most, *range(LEAST_WORDS, most)}]
            options = [(size, n) for size, n in options if total - at - size == 0 or total - at - size >= LEAST_WORDS]
            for size, n in sorted(options, key=lambda x: (x[0], -x[1]))[-200:]:
                stack.append((at + size, [*parts, (n, at, at + size)]))
        return None

    parts = cover(0)
    if parts is None or len({number for number, _, _ in parts}) < 2:
        return None
    out: list[tuple[int, Verdict]] = []
    for n, (number, start, _end) in enumerate(parts):
        begin = 0 if n == 0 else quote.span(start, start + 1).start
        stop = len(quoted) if n == len(parts) - 1 else quote.span(parts[n + 1][1], parts[n + 1][1] + 1).start
        verdict = judge(quoted[begin:stop].strip(), originals[number])
        if not is_faithful(verdict.kind):
            return None
        lead = len(quoted[begin:stop]) - len(quoted[begin:stop].lstrip())
        out.append((number, shifted(verdict, begin + lead)))
    return tuple(out)


def spliced(parts: Sequence[tuple[int, Verdict]]) -> Verdict:
    """One verdict for the parts of a spliced quotation; `reason` names the originals in the order of the quotation."""
    spans = [verdict.quoted_span for _, verdict in parts if verdict.quoted_span is not None]
    return Verdict(
        kind=VerdictKind.SPLICED,
        steps=tuple(dict.fromkeys(step for _, verdict in parts for step in verdict.steps)),
        omitted=tuple(sorted({kind for _, verdict in parts for kind in verdict.omitted})),
        flags=tuple(dict.fromkeys(flag for _, verdict in parts for flag in verdict.flags)),
        quoted_span=Span(start=spans[0].start, end=spans[-1].end) if spans else None,
        score=1.0,
        reason="originals " + ", ".join(str(number) for number, _ in parts),
    )
