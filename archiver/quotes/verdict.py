"""Verdicts on quotations: one original, several, or several at once, and which verdict is preferred."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.model import Verdict, VerdictKind
from archiver.quotes.audit import warnings
from archiver.quotes.judging import FAITHFUL, is_faithful, judge
from archiver.quotes.policy import QUOTES_POLICY
from archiver.quotes.splice import splice, spliced

__all__ = ["FAITHFUL", "QUOTES_POLICY", "best", "is_faithful", "judge", "judge_all", "preference", "splice", "spliced"]

_ORDER = (
    VerdictKind.EXACT,
    VerdictKind.NORMALISED,
    VerdictKind.PARTIAL,
    VerdictKind.SAME_WORDS,
    VerdictKind.TRUNCATED,
    VerdictKind.BRACKETED,
    VerdictKind.ELIDED,
    VerdictKind.SPLICED,
)


def judge_all(
    quoted: str, originals: Sequence[str], *, truncated: Sequence[bool] = (), open_start: bool = False
) -> tuple[Verdict, ...]:
    """A verdict per original, in their order. `truncated` says which are known to be cut (missing ones are not)."""
    cut = [*truncated, *[False] * len(originals)]
    return tuple(
        judge(quoted, original, truncated=cut[n], open_start=open_start) for n, original in enumerate(originals)
    )


def preference(verdict: Verdict) -> tuple[int, float, int]:
    """A sort key, smallest first: faithful kinds in their order, then the rest by the share of words found.

    Between an altered and a not-judged reading of equal share, not-judged comes first: the missing words may fit.
    """
    if verdict.kind in FAITHFUL:
        return _ORDER.index(verdict.kind), float(len(warnings(verdict.flags))), 0
    rest = {VerdictKind.NOT_JUDGED: 0, VerdictKind.ALTERED: 1, VerdictKind.NOT_FOUND: 2}[verdict.kind]
    return len(_ORDER) + (rest == 2), -verdict.score, rest


def best(verdicts: Sequence[Verdict]) -> Verdict:
    """The preferred verdict, the earliest of equals; not-judged where there are none."""
    none = Verdict(kind=VerdictKind.NOT_JUDGED, reason="no original to compare with")
    return min(verdicts, key=preference, default=none)
