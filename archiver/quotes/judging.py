"""One quotation against one original: the ladder first, then segments of words, then the differences.

Nothing here is decided by similarity: a faithful verdict needs every word of the quotation, in order, at a
place that the original shows, and every word left out inside must be marked by the quotation itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes import audit, signs
from archiver.quotes.align import Index, Segment, place
from archiver.quotes.differences import differences
from archiver.quotes.encodings import damage_between
from archiver.quotes.meeting import meet, unglue
from archiver.quotes.normal import REPOST, VERBATIM, needed
from archiver.quotes.reading import Reading, Texts
from archiver.quotes.tokens import Mark, Tokens, bracketed, tokenise

FAITHFUL = frozenset(set(VerdictKind) - {VerdictKind.ALTERED, VerdictKind.NOT_FOUND, VerdictKind.NOT_JUDGED})
_BOUNDARY = re.compile(r"[.!?:;…\n\"'”’)\]。！？」』-]\s*$")
_MOST_READINGS = 20  # places of the same words that are tried when something stands against the first
LONGEST = 100_000  # code points of a quotation or original: four times the longest posts there are
MOST_GAPS = 300  # ellipses and brackets of one quotation


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
    mark = None if verdict.kind in FAITHFUL else REPOST.match(quoted)
    if mark:
        inner = _judge(quoted[mark.end() :], original, truncated, open_start)
        if inner.kind in FAITHFUL:
            # A text after a step is not exact any more.
            kind = VerdictKind.NORMALISED if inner.kind is VerdictKind.EXACT else inner.kind
            marked = replace(inner, kind=kind, steps=("repost-mark", *inner.steps), flags=("repost-mark", *inner.flags))
            verdict = shifted(marked, mark.end())
    if truncated and verdict.kind in (VerdictKind.ALTERED, VerdictKind.NOT_FOUND):
        reason = "the original is truncated: what is missing may hold the quoted words"
        return Verdict(kind=VerdictKind.NOT_JUDGED, score=verdict.score, reason=reason)
    if truncated and verdict.kind in (VerdictKind.EXACT, VerdictKind.NORMALISED):
        verdict = replace(verdict, kind=VerdictKind.PARTIAL, reason="the original is truncated and goes on")
    if truncated and verdict.kind in (VerdictKind.PARTIAL, VerdictKind.SAME_WORDS) and not verdict.reason:
        verdict = replace(verdict, reason="the original is truncated and goes on")
    if verdict.kind in FAITHFUL and verdict.kind is not VerdictKind.EXACT:
        flags = (*verdict.flags, *signs.differing(verdict, quoted, original))
        verdict = replace(verdict, flags=audit.warnings_first(flags))
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
    reach = (50 if not open_start else 8) * len(original) + 10_000
    if len(quoted) > reach:
        # Entities and damage lengthen a text, but not so much.
        if not open_start:
            return Verdict(kind=VerdictKind.NOT_FOUND, reason="the quotation is far longer than the original")
        skipped = len(quoted) - reach
        return shifted(_judge(quoted[skipped:], original, truncated, open_start), skipped)
    if max(len(quoted), len(original)) > LONGEST:
        return Verdict(kind=VerdictKind.NOT_JUDGED, reason=f"a text longer than {LONGEST:,} characters is not compared")
    codec = damage_between(quoted, original)
    damage = (f"encoding:{codec}",) if codec else ()
    ladder = ("html-entities", *damage, *VERBATIM[1:])
    held = tokenise(original, steps=damage)
    quote = tokenise(quoted, steps=damage, brackets=True, kept=bracketed(original))
    # Texts that are equal after the ladder have equal words, but for a dash between numbers.
    if not truncated and (quote.keys == held.keys or "--" in quoted or "--" in original):
        steps = needed(quoted, original, ladder, str.__eq__)
        if steps is not None:
            return replace(whole, kind=VerdictKind.NORMALISED, steps=steps)
    if not quote.keys:
        return _wordless(quoted, original, quote, held)
    reached = len(quote.keys) - len(held.keys) - 1 if open_start else 0
    if sum(mark.kind in ("ellipsis", "bracket") and mark.place >= reached for mark in quote.marks) > MOST_GAPS:
        reason = f"a quotation with more than {MOST_GAPS} ellipses and brackets is not compared"
        return Verdict(kind=VerdictKind.NOT_JUDGED, reason=reason)
    known = set(held.keys)
    if open_start or len(quote.keys) < 12 or 4 * sum(key in known for key in quote.keys) >= len(quote.keys):
        quote = meet(unglue(quote, held) if open_start else quote, held)
    texts = Texts(
        quoted=quoted,
        original=original,
        quote=quote,
        held=held,
        ladder=ladder,
        truncated=truncated,
        open_start=open_start,
    )
    return Comparison(texts=texts).verdict()


def _wordless(quoted: str, original: str, quote: Tokens, held: Tokens) -> Verdict:
    """A quotation of nothing but emoji: they stand in the original as they are, none cut out of a longer one."""
    ours = [mark for mark in quote.marks if mark.kind == "emoji"]
    theirs = [mark for mark in held.marks if mark.kind == "emoji"]
    wanted = [mark.text for mark in ours]
    for n in range(len(theirs) - len(ours) + 1 if ours else 0):
        found = theirs[n : n + len(ours)]
        between = held.source.text[found[0].start : found[-1].end]
        if [mark.text for mark in found] == wanted and not any(map(str.isalnum, between)):
            span = held.source.span(found[0].start, found[-1].end)
            if not original.startswith(quoted.strip(), span.start):
                continue
            if "\u200d" in original[max(0, span.start - 1) : span.start] + original[span.end : span.end + 2]:
                continue  # part of a joined emoji
            whole = len(theirs) == len(ours) and not held.keys
            kind = VerdictKind.EXACT if quoted == original else VerdictKind.PARTIAL
            return Verdict(
                kind=kind,
                score=1.0,
                flags=() if whole else ("mid-sentence",),
                quoted_span=Span(start=0, end=len(quoted)),
                original_span=span,
            )
    return Verdict(kind=VerdictKind.NOT_JUDGED, reason="the quotation holds no words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The search for a faithful reading of one quotation in one original."""

    texts: Texts

    def verdict(self) -> Verdict:
        quote, held = self.texts.quote, self.texts.held
        known = set(held.keys)
        found = sum(key in known for key in quote.keys) / len(quote.keys)
        index = Index(held.keys)
        cut_places = len(held.keys) - self._unsure()
        first = self._first(index) if self.texts.open_start else 0
        if self.texts.open_start or (found > 0.4 and len(quote.keys) <= len(held.keys) + 1):
            for cut in (False, True):
                verdict = self._faithful(index, first, cut, cut_places)
                if verdict is not None:
                    return verdict
        if index.spent:
            reason = "the words may stand in more places than are looked at"
            return Verdict(kind=VerdictKind.NOT_JUDGED, reason=reason)
        told = differences(quote, held, self.texts.open_start, self.texts.objections)
        return replace(told, changes=tuple(map(self._as_given, told.changes)))

    def _as_given(self, change: Change) -> Change:
        """A change with its words as they stand in the texts."""
        ours, theirs = change.quoted_span, change.original_span
        return replace(
            change,
            quoted=self.texts.quoted[ours.start : ours.end],
            original=self.texts.original[theirs.start : theirs.end],
        )

    def _unsure(self) -> int:
        """How many words at the end of a truncated original may be cut words: one, unless a space ends it."""
        if not self.texts.truncated or not self.texts.held.keys:
            return 0
        after = self.texts.held.source.text[self.texts.held.at[-1][1] :]
        number = self.texts.held.keys[-1][-1:].isdigit()  # "5," may be the beginning of "5,000"
        return 0 if after[:1].isspace() or after[:1] in tuple("!?;" if number else "!?,;:") else 1

    def _segments(self, first: int, last: int) -> list[Segment]:
        """The runs of words between ellipses and brackets, of the words [first, last)."""
        out: list[Segment] = []
        start, loose = first, True
        for mark in self.texts.quote.marks:
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
        total = len(self.texts.quote.keys)
        low, high = max(0, total - len(self.texts.held.keys) - 1), total
        while low < high:
            middle = (low + high) // 2
            segments = self._segments(middle, total)
            if segments and place(index, self.texts.quote.keys, segments) is not None:
                high = middle
            else:
                low = middle + 1
        return low

    def _cut_mark(self) -> Mark | None:
        """The ellipsis that ends the quotation, if one does."""
        last = [mark for mark in self.texts.quote.marks if mark.place == len(self.texts.quote.keys)]
        ends = [mark for mark in last if mark.kind == "ellipsis"]
        return ends[-1] if ends else None

    def _faithful(self, index: Index, first: int, cut: bool, sure: int) -> Verdict | None:
        """The faithful reading of the quotation from word `first`, or None. With `cut`, its last word may be cut."""
        quote, held, total = self.texts.quote, self.texts.held, len(self.texts.quote.keys)
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
        begin = 0
        for _ in range(_MOST_READINGS if len(segments) <= 4 else 1):
            starts = place(index, quote.keys, segments, fits, begin)
            if starts is None:
                return None
            verdict = self._read(segments, starts, first, cut, sure)
            if verdict is not None:
                return verdict
            begin = starts[0] + 1
        return None

    def _read(self, segments: list[Segment], starts: list[int], first: int, cut: bool, sure: int) -> Verdict | None:
        """What one placement says, or None where something stands against it."""
        held, ending = self.texts.held, self._cut_mark()
        if self.texts.open_start and first > 0 and not self._start_stands(first, starts[0]):
            return None
        reading = Reading(self.texts, segments, starts, cut, ending)
        if self.texts.truncated and reading.end > sure:
            # The last word of a cut original is trusted only in a quotation that is cut at the same place.
            if not ending or reading.end != len(held.keys):
                return None
            verdict = reading.verdict()
            return None if verdict is None else replace(verdict, kind=VerdictKind.TRUNCATED)
        return reading.verdict()

    def _start_stands(self, first: int, at: int) -> bool:
        """Whether what an open start skips is unrelated text and not an altered beginning."""
        quote, held = self.texts.quote, self.texts.held
        size = len(quote.keys) - first
        # A word that was cut free has nothing before it: that is where lost markup began a new text.
        glued = quote.at[first - 1][1] == quote.at[first][0]
        boundary = glued or _BOUNDARY.search(quote.source.text[: quote.at[first][0]]) is not None
        if at == 0 or all(held.raw(n).startswith("@") for n in range(at)):
            return size >= 4 or (size == len(held.keys) and (size >= 2 or boundary))
        if size < 4 or any(map(audit.is_negation, held.keys[max(0, at - 3) : at])):
            return False
        before, missing = quote.keys[max(0, first - 8) : first], held.keys[max(0, at - 8) : at]
        alike = sum(word in missing for word in set(before))
        if alike >= max(1, -(-35 * min(len(before), len(missing)) // 100)):
            return False
        return boundary or at > 3
