"""One quotation against one original: the ladder first, then segments of words, then the differences.

Nothing here is decided by similarity: a faithful verdict needs every word of the quotation, in order, at a
place that the original shows, and every word left out inside must be marked by the quotation itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes import audit, marks
from archiver.quotes.align import Index, Segment, place
from archiver.quotes.differences import differences
from archiver.quotes.normal import VERBATIM, WORDS, contains, damage_between, needed, replay
from archiver.quotes.tokens import Mark, Tokens, bracketed, meet, tokenise

FAITHFUL = frozenset(set(VerdictKind) - {VerdictKind.ALTERED, VerdictKind.NOT_FOUND, VerdictKind.NOT_JUDGED})
_REPOST = re.compile(r"^\s*RT @\w+:?\s+")
_BOUNDARY = re.compile(r"[.!?:;…\n\"'”’)\]。！？」』-]\s*$")
_ENOUGH_WORDS = 8  # from here on a quotation cut inside a word looks like a technical limit and not like a choice


def is_faithful(kind: VerdictKind) -> bool:
    """Whether a kind says that the quotation is faithful, in its named way."""
    return kind in FAITHFUL


def judge(quoted: str, original: str, *, truncated: bool = False, open_start: bool = False) -> Verdict:
    """The verdict on `quoted` against `original`, with spans in code points of both as given.

    `truncated`: the original is known to be cut, so its last word is not trusted and neither `altered` nor
    `not-found` is said. `open_start`: where the quotation begins is a guess; a prefix of `quoted` may be
    unrelated text, and `quoted_span` says where the quotation really starts. Never raises.
    """
    verdict = _judge(quoted, original, truncated, open_start)
    mark = None if verdict.kind in FAITHFUL else _REPOST.match(quoted)
    if mark:
        inner = _judge(quoted[mark.end() :], original, truncated, open_start)
        if inner.kind in FAITHFUL:
            verdict = shifted(replace(inner, steps=("repost-mark", *inner.steps)), mark.end())
    if truncated and verdict.kind in (VerdictKind.ALTERED, VerdictKind.NOT_FOUND):
        reason = "the original is truncated: what is missing may hold the quoted words"
        return Verdict(kind=VerdictKind.NOT_JUDGED, score=verdict.score, reason=reason)
    if truncated and verdict.kind in (VerdictKind.EXACT, VerdictKind.NORMALISED):
        return replace(verdict, kind=VerdictKind.PARTIAL, reason="the original is truncated and goes on")
    return verdict


def shifted(verdict: Verdict, by: int) -> Verdict:
    """The verdict on a part of a quotation with its spans counted in the whole quotation."""
    changes = tuple(replace(change, quoted_span=_moved(change.quoted_span, by)) for change in verdict.changes)
    span = None if verdict.quoted_span is None else _moved(verdict.quoted_span, by)
    return replace(verdict, changes=changes, quoted_span=span)


def _moved(span: Span, by: int) -> Span:
    return Span(start=span.start + by, end=span.end + by)


def _judge(quoted: str, original: str, truncated: bool, open_start: bool) -> Verdict:
    whole = Verdict(
        kind=VerdictKind.EXACT,
        quoted_span=Span(start=0, end=len(quoted)),
        original_span=Span(start=0, end=len(original)),
        score=1.0,
    )
    if not quoted.strip():
        return Verdict(kind=VerdictKind.NOT_JUDGED, reason="nothing is quoted")
    if quoted == original and not truncated:
        return whole
    codec = damage_between(quoted, original)
    damage = (f"encoding:{codec}",) if codec else ()
    ladder = ("html-entities", *damage, *VERBATIM[1:])
    steps = needed(quoted, original, ladder, str.__eq__)
    if steps is not None and not truncated:
        return replace(whole, kind=VerdictKind.NORMALISED, steps=steps)
    held = tokenise(original, steps=damage)
    quote = meet(tokenise(quoted, steps=damage, brackets=True, kept=bracketed(original)), held)
    if not quote.keys:
        return _wordless(quoted, original, ladder, quote)
    return Comparison(quoted, original, quote, held, ladder, truncated, open_start).verdict()


def _wordless(quoted: str, original: str, ladder: Sequence[str], quote: Tokens) -> Verdict:
    if any(mark.kind == "emoji" for mark in quote.marks) and quoted in original:
        at = original.index(quoted)
        spans = Span(start=0, end=len(quoted)), Span(start=at, end=at + len(quoted))
        kind = VerdictKind.EXACT if quoted == original else VerdictKind.PARTIAL
        return Verdict(kind=kind, score=1.0, quoted_span=spans[0], original_span=spans[1])
    return Verdict(kind=VerdictKind.NOT_JUDGED, reason="the quotation holds no words")


@dataclass(slots=True)
class Comparison:
    """The words of one quotation beside those of one original."""

    quoted: str
    original: str
    quote: Tokens
    held: Tokens
    ladder: tuple[str, ...]
    truncated: bool
    open_start: bool

    def verdict(self) -> Verdict:
        quote, held = self.quote, self.held
        known = set(held.keys)
        found = sum(key in known for key in quote.keys) / len(quote.keys)
        index = Index(held.keys)
        cut_places = len(held.keys) - self._unsure()
        first = self._first(index) if self.open_start else 0
        if found > 0.4 or self.open_start:
            for cut in (False, True):
                verdict = self._faithful(index, first, cut, cut_places)
                if verdict is not None:
                    return verdict
        return differences(quote, held, self.open_start)

    def _unsure(self) -> int:
        """How many words at the end of a truncated original may be cut words: one, unless a space ends it."""
        if not self.truncated or not self.held.keys:
            return 0
        after = self.held.source.text[self.held.at[-1][1] :]
        return 0 if after[:1].isspace() or after[:1] in tuple("!?,;:") else 1

    def _segments(self, first: int, last: int) -> list[Segment]:
        """The runs of words between ellipses and brackets, of the words [first, last)."""
        out: list[Segment] = []
        start, loose = first, True
        for mark in self.quote.marks:
            if mark.kind in ("ellipsis", "bracket") and first <= mark.place <= last:
                if mark.place > start:
                    out.append(Segment(start=start, end=mark.place, loose=loose))
                    start, loose = mark.place, mark.kind == "ellipsis"
                else:
                    loose = loose or mark.kind == "ellipsis"
        if start < last:
            out.append(Segment(start=start, end=last, loose=loose))
        return out

    def _first(self, index: Index) -> int:
        """With an open start: the first word from which on all of the quotation can be placed."""
        total = len(self.quote.keys)
        low, high = max(0, total - len(self.held.keys) - 1), total
        while low < high:
            middle = (low + high) // 2
            segments = self._segments(middle, total)
            if segments and place(index, self.quote.keys, segments) is not None:
                high = middle
            else:
                low = middle + 1
        return low

    def _cut_mark(self) -> Mark | None:
        """The ellipsis that ends the quotation, if one does."""
        last = [mark for mark in self.quote.marks if mark.place == len(self.quote.keys)]
        ends = [mark for mark in last if mark.kind == "ellipsis"]
        return ends[-1] if ends else None

    def _faithful(self, index: Index, first: int, cut: bool, sure: int) -> Verdict | None:
        """The faithful reading of the quotation from word `first`, or None. With `cut`, its last word may be cut."""
        quote, held, total = self.quote, self.held, len(self.quote.keys)
        ending, last = self._cut_mark(), total
        text = quote.source.text
        fits = None
        if cut:
            stop = ending.start if ending else len(text.rstrip())
            tail = text[quote.at[-1][0] : stop]
            link_like = "https://".startswith(tail.casefold()) and len(tail) > 0
            last = total - 1
            if (link_like and tail[-1:] in ":/") or (ending and not text[quote.at[-1][1] : stop].strip(" :/")):
                adjacent = ending is not None and quote.at[-1][1] == ending.start

                def fits(end: int) -> bool:
                    word = quote.keys[-1]
                    if adjacent and end < len(held.keys) and held.keys[end] != word and held.keys[end].startswith(word):
                        return True
                    return link_like and any(mark.kind == "link" and mark.place == end for mark in held.marks)
            else:
                return None
        segments = self._segments(first, last)
        if not segments or (cut and last <= first):
            return None
        starts = place(index, quote.keys, segments, fits)
        if starts is None:
            return None
        if self.open_start and first > 0 and not self._start_stands(first, starts[0]):
            return None
        reading = _Reading(self, segments, starts, cut, ending)
        if self.truncated and reading.end > sure and not (ending and reading.end == len(held.keys)):
            return None
        return reading.verdict()

    def _start_stands(self, first: int, at: int) -> bool:
        """Whether what an open start skips is unrelated text and not an altered beginning."""
        quote, held = self.quote, self.held
        size = len(quote.keys) - first
        boundary = _BOUNDARY.search(quote.source.text[: quote.at[first][0]]) is not None
        if at == 0 or all(held.raw(n).startswith("@") for n in range(at)):
            return size >= 4 or (size == len(held.keys) and (size >= 2 or boundary))
        if size < 4:
            return False
        before, missing = quote.keys[max(0, first - 8) : first], held.keys[max(0, at - 8) : at]
        alike = sum(word in missing for word in set(before))
        if alike >= max(1, -(-35 * min(len(before), len(missing)) // 100)):
            return False
        return boundary or at > 3


class _Reading:
    """A placement of all segments, and what it says."""

    __slots__ = ("_c", "_cut", "_ending", "end", "segments", "start", "starts")

    def __init__(
        self, c: Comparison, segments: list[Segment], starts: list[int], cut: bool, ending: Mark | None
    ) -> None:
        self._c, self._cut, self._ending = c, cut, ending
        self.segments, self.starts = segments, starts
        self.start = starts[0]
        self.end = starts[-1] + segments[-1].end - segments[-1].start

    def verdict(self) -> Verdict | None:
        c = self._c
        quote, held = c.quote, c.held
        gaps = self._gaps()
        if gaps is None:
            return None
        elided, brackets, flags, changes = gaps
        whole = self.start == 0 and self.end == len(held.keys)
        compared = marks.compare(quote, held, self.segments, self.starts, whole)
        if compared.added:
            return None
        omitted = set(compared.omitted)
        cut_flags = self._cut_word() if self._cut else ()
        if cut_flags is None:
            return None
        flags += cut_flags
        rest = len(held.keys) - self.end
        links_after = any(mark.kind == "link" and mark.place == self.end for mark in held.marks)
        own_dots = any(mark.kind == "ellipsis" and mark.place == self.end for mark in held.marks)
        cut_end = self._cut or (self._ending is not None and not own_dots and (rest > 0 or (links_after and whole)))
        if self._cut and links_after:
            omitted.add("links")
        before = list(held.keys[max(0, self.start - 4) : self.start])
        if self.start and audit.crosses_sentence(self._between(self.start - 1, self.start)):
            before = []
        after = list(held.keys[self.end : self.end + 1])
        if rest and audit.crosses_sentence(self._between(self.end - 1, self.end)):
            after = []
        if not self._cut and audit.negated_outside(before, after):
            flags += ("context-negation",)
        if c.open_start and self.segments[0].start > 0:
            flags += ("start-guessed",)
        words = sum(segment.end - segment.start for segment in self.segments)
        if elided and words < 2 * len(self.segments):
            if len(held.keys) > 400:
                return None
            flags += ("fragments",)
        if not elided and not brackets:
            kind, steps = self._contiguous(whole, omitted, cut_end)
        elif elided:
            kind, steps = VerdictKind.ELIDED, self._steps()
        else:
            kind, steps = VerdictKind.BRACKETED, self._steps()
        return Verdict(
            kind=kind,
            steps=steps,
            changes=tuple(changes),
            omitted=tuple(sorted(omitted)),
            flags=tuple(dict.fromkeys(flags)),
            quoted_span=self._quoted_span(),
            original_span=c.held.span(self.start, self.end),
            score=1.0,
        )

    def _between(self, left: int, right: int) -> str:
        held = self._c.held
        return held.source.text[held.at[left][1] : held.at[right][0]]

    def _gaps(self) -> tuple[bool, bool, tuple[str, ...], list[Change]] | None:
        """Whether something is elided, whether something is bracketed, flags and changes; None when a bracket
        adds or takes a negation, which is no editor's clarification."""
        c, changes = self._c, []
        quote, held = c.quote, c.held
        flags: tuple[str, ...] = ()
        elided = bracketed = False
        for left, right, at, following in zip(
            self.segments, self.segments[1:], self.starts, self.starts[1:], strict=False
        ):
            end = at + left.end - left.start
            taken = held.keys[end:following]
            here = [m for m in quote.marks if m.place == right.start and m.kind in ("ellipsis", "bracket")]
            loose = [m for m in here if m.kind == "ellipsis"]
            if loose and taken:
                elided = True
                flags += audit.gone(taken)
                if audit.crosses_sentence(self._between(end - 1, following)):
                    flags += ("sentence-joined",)
                changes.append(self._change("elided", loose[0], end, following))
            elif taken:
                flags += audit.gone(taken)
        for mark in quote.marks:
            if mark.kind != "bracket" or not self.segments[0].start <= mark.place <= self.segments[-1].end:
                continue
            bracketed = True
            end = following = self.start if mark.place <= self.segments[0].start else self.end
            for (left, right), at, next_at in zip(pairwise(self.segments), self.starts, self.starts[1:], strict=False):
                if right.start == mark.place:
                    end, following = at + left.end - left.start, next_at
                    if right.loose:
                        following = end
            said = tokenise(mark.text.replace("[", " ").replace("]", " ")).keys
            if any(map(audit.is_negation, said)) != any(map(audit.is_negation, held.keys[end:following])):
                return None
            changes.append(self._change("bracketed", mark, end, following))
        return elided, bracketed, flags, changes

    def _change(self, op: str, mark: Mark, start: int, end: int) -> Change:
        c = self._c
        span = c.held.span(start, end)
        return Change(
            op=op,
            quoted=c.quoted[slice(*_ends(c.quote.source.span(mark.start, mark.end)))],
            original=c.original[slice(*_ends(span))],
            quoted_span=c.quote.source.span(mark.start, mark.end),
            original_span=span,
        )

    def _cut_word(self) -> tuple[str, ...] | None:
        """Flags for a last word that was cut inside; None where the cut makes another statement."""
        c, held = self._c, self._c.held
        if self.end >= len(held.keys) or not held.keys[self.end].startswith(c.quote.keys[-1]):
            return ()
        whole = held.keys[self.end]
        flags = audit.gone([whole])
        long = self.start == 0 and len(c.quote.keys) >= _ENOUGH_WORDS
        changed = audit.is_negation(whole) or any(char.isdigit() for char in whole)
        return flags if long or not changed else None

    def _contiguous(self, whole: bool, omitted: set[str], cut_end: bool) -> tuple[VerdictKind, tuple[str, ...]]:
        c = self._c
        if cut_end:
            return VerdictKind.TRUNCATED, self._steps()
        quoted = c.quoted[slice(*_ends(self._quoted_span()))]
        if not omitted:
            steps = needed(quoted, c.original, c.ladder, contains)
            if steps is not None:
                return VerdictKind.PARTIAL, steps
        return VerdictKind.SAME_WORDS, self._steps()

    def _steps(self) -> tuple[str, ...]:
        """The steps after which quotation and original agree on each segment (the differing ones where no
        step is enough, as with a lost apostrophe that became a space)."""
        c = self._c
        plan = (*c.ladder[:-1], *WORDS)
        out: list[str] = []
        for segment, at in zip(self.segments, self.starts, strict=True):
            quoted = c.quoted[slice(*_ends(c.quote.span(segment.start, segment.end)))]
            original = c.original[slice(*_ends(c.held.span(at, at + segment.end - segment.start)))]
            if len(self.segments) == 1:
                quoted = c.quoted[slice(*_ends(self._quoted_span()))]
            steps = needed(quoted, original, plan, str.__eq__)
            if steps is None:
                loose = tuple(
                    step for step in plan if replay(quoted, (step,)) != quoted or replay(original, (step,)) != original
                )
                steps = loose
            out += [step for step in steps if step not in out]
        return tuple(step for step in dict.fromkeys(plan) if step in out)

    def _quoted_span(self) -> Span:
        """From the first aligned word (the beginning, when nothing was skipped) to the end of the quotation."""
        c = self._c
        if self.segments[0].start > 0:
            return Span(start=c.quote.span(self.segments[0].start, self.segments[0].end).start, end=len(c.quoted))
        return Span(start=0, end=len(c.quoted))


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.end
