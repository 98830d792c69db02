"""A quotation made of two or more originals: each part faithful by itself, and each original named."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.model import Span, Verdict, VerdictKind
from archiver.quotes.judging import is_faithful, judge, shifted
from archiver.quotes.meeting import meet
from archiver.quotes.runs import Runs
from archiver.quotes.tokens import tokenise

LEAST_WORDS = 4
MOST_PARTS = 16
MOST_ORIGINALS = 64
LONGEST = 20_000  # code points of a quotation: a splice is made of sentences
MOST_TEXT = 60_000  # code points of all originals


def splice(quoted: str, originals: Sequence[str]) -> tuple[tuple[int, Verdict], ...] | None:
    """The parts of `quoted` in order, each as (index of its original, verdict with spans in the whole quotation).

    None unless at least two originals are needed, every part has four words or more, and each is faithful by
    itself: words of one original in another order are no splice. At most 64 originals are looked at and 16 parts;
    None too for a quotation of more than 20,000 code points or beside originals of more than 60,000 in all, which
    says nothing of its words.
    """
    if len(quoted) > LONGEST or len(originals) < 2:
        return None
    quote = tokenise(quoted, brackets=True)
    total = len(quote.keys)
    if total < 2 * LEAST_WORDS:
        return None
    originals = originals[:MOST_ORIGINALS]
    if sum(map(len, originals)) > MOST_TEXT:
        return None
    helds = list(map(tokenise, originals))
    if total > MOST_PARTS * max(len(held.keys) for held in helds):
        return None  # no part is longer than its original
    reaches: list[list[int]] = []
    for held in helds:
        met = meet(quote, held)
        # Where a lost apostrophe joins words the places shift: such an original is compared by its own cut.
        keys = met.keys if len(met.keys) == total else quote.keys
        # Runs are read from the right, so that each word knows how far the original goes on from it.
        reaches.append([size for size, _ in Runs(held.keys[::-1]).ending(keys[::-1])][::-1])
    if any(reach[0] == total for reach in reaches):
        return None
    parts = _cover(reaches, total)
    # Where one original holds all parts, they stand there in another order, or with words between that are not shown.
    if parts is None or any(all(reach[start] >= end - start for _, start, end in parts) for reach in reaches):
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


def _cover(reaches: Sequence[Sequence[int]], total: int) -> list[tuple[int, int, int]] | None:
    """The fewest parts (original, start, end) that cover all words, the longest first and of equals the first
    original. `reaches` says, by original and word, how many words from there on stand together in it."""
    columns = list(zip(*reaches, strict=True))
    before: dict[int, tuple[int, int]] = {0: (-1, -1)}
    free = list(range(total + 2))  # the first place from here on that no part ends at yet

    def unreached(place: int) -> int:
        while free[place] != place:
            free[place] = free[free[place]]
            place = free[place]
        return place

    layer = [0]
    for _ in range(MOST_PARTS):
        following = []
        for start in layer:
            most = max(columns[start])
            end = unreached(min(start + LEAST_WORDS, total + 1))
            while end <= start + most:
                before[end] = (start, columns[start].index(most))
                free[end] = end + 1
                following.append(end)
                end = unreached(end)
        if total in before:
            break
        layer = sorted(following, reverse=True)
    if total not in before:
        return None
    out = []
    end = total
    while end:
        start, number = before[end]
        out.append((number, start, end))
        end = start
    return out[::-1]


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
