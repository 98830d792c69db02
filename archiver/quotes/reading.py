"""What a placement of all words of a quotation says: which kind of faithful, with what left out or warned of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes import audit, edges, forms, marks
from archiver.quotes.align import Segment
from archiver.quotes.normal import WORDS, contains, needed, replay
from archiver.quotes.tokens import Mark, Tokens, inside, key, tokenise

_ENOUGH_WORDS = 8  # from here on a quotation cut inside a word looks like a technical limit and not like a choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A quotation and an original as given, and as words. `ladder` are the verbatim steps. `objections` collects
    what stood against a faithful reading although all words were there."""

    quoted: str
    original: str
    quote: Tokens
    held: Tokens
    ladder: tuple[str, ...]
    truncated: bool
    open_start: bool
    objections: list[Change] = field(default_factory=list)


class Reading:
    """A placement of all segments, and what it says."""

    __slots__ = ("_cut", "_ending", "_texts", "end", "segments", "start", "starts")

    def __init__(
        self, texts: Texts, segments: list[Segment], starts: list[int], cut: bool, ending: Mark | None
    ) -> None:
        self._texts, self._cut, self._ending = texts, cut, ending
        self.segments, self.starts = segments, starts
        self.start = starts[0]
        self.end = starts[-1] + segments[-1].end - segments[-1].start

    def verdict(self) -> Verdict | None:
        c = self._texts
        quote, held = c.quote, c.held
        if self._objected():
            return None
        gaps = self._gaps()
        if gaps is None:
            return None
        elided, brackets, flags, changes = gaps
        whole = self.start == 0 and self.end == len(held.keys)
        compared = marks.compare(quote, held, self.segments, self.starts, whole)
        if compared.added:
            return None
        omitted = set(compared.omitted)
        flags += compared.flags
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
        written = forms.compare(quote, held, self.segments, self.starts)
        for word, there in written.others:
            self._object("replaced", quote.span(word, word + 1), held.span(there, there + 1))
        if written.others:
            return None
        flags += written.flags
        tail = quote.source.text[quote.at[self.segments[-1].end - 1][1] :]
        flags += tuple(
            edges.around(
                held,
                c.original,
                self.start,
                self.end,
                cut=self._cut,
                goes_on=cut_end,
                truncated=c.truncated,
                first_of_quote=quote.source.text[: quote.at[self.segments[0].start][0]],
                last_of_quote=tail,
            )
        )
        if c.open_start and self.segments[0].start > 0:
            flags += tuple(edges.before_open_start(quote, self.segments[0].start))
            if self.start > 0:
                flags += ("start-guessed",)
        flags += self._lost()
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
            flags=audit.warnings_first(flags),
            quoted_span=self._quoted_span(),
            original_span=c.held.span(self.start, self.end),
            score=1.0,
        )

    def _objected(self) -> bool:
        """Whether an edge cuts a compound or a number, or a unit differs."""
        c, quote, held = self._texts, self._texts.quote, self._texts.held
        cuts: list[tuple[int, int]] = []
        objected = False
        end = 0
        for segment, at in zip(self.segments, self.starts, strict=True):
            if at > end or at == self.start:
                cuts.append((at, segment.start))
            if end and at > end:
                cuts.append((end, segment.start))
            end = at + segment.end - segment.start
            for n in range(segment.start, segment.end):
                there = at + n - segment.start
                ours, theirs = self._unit(quote, n), self._unit(held, there)
                if ours and theirs and ours != theirs:
                    self._object("replaced", quote.span(n, n + 1), held.span(there, there + 1))
                    objected = True
        if not self._cut:
            cuts.append((end, self.segments[-1].end))
        for edge, word in cuts:
            if 0 < edge < len(held.keys):
                span = held.source.span(held.at[edge - 1][1], held.at[edge][0])
                if audit.cut_apart(held.keys[edge - 1], c.original[span.start : span.end], held.keys[edge]):
                    gone = edge - 1 if word == self.segments[0].start else edge
                    self._object("removed", quote.span(word, word), held.span(gone, gone + 1))
                    objected = True
        return objected

    def _unit(self, tokens: Tokens, word: int) -> str:
        """The mark of feet or inches directly after a number: one that closes no quotation."""
        text, (start, end) = tokens.source.text, tokens.at[word]
        mark = text[end : end + 1]
        if mark not in ("'", '"') or mark == "" or not text[start:end].replace(".", "").isdigit():
            return ""
        return "" if re.search(rf"(?:^|[\s(\[]){mark}(?=\S)", text[:start]) or text[start - 1 : start] == mark else mark

    def _lost(self) -> tuple[str, ...]:
        """Flags where a number lost its dash ("3 4" for "3-4"), and where two words ran into one as the emoji between
        them went ("therapist")."""
        quote, held = self._texts.quote, self._texts.held
        flags: tuple[str, ...] = ()
        emoji = {mark.place for mark in held.marks if mark.kind == "emoji"}
        for segment, at in zip(self.segments, self.starts, strict=True):
            for n in range(segment.start, segment.end):
                word, there = quote.keys[n], at + n - segment.start
                if word[:1].isdigit() and "-" in word and "-" not in quote.raw(n):
                    flags += ("dash-lost",)
                if there in emoji and n > segment.start and quote.at[n - 1][1] == quote.at[n][0] and _latin(word):
                    flags += ("words-joined",)
        return flags

    def _object(self, op: str, ours: Span, theirs: Span) -> None:
        c = self._texts
        quoted, original = c.quoted[ours.start : ours.end], c.original[theirs.start : theirs.end]
        change = Change(op=op, quoted=quoted, original=original, quoted_span=ours, original_span=theirs)
        if change not in c.objections:
            c.objections.append(change)

    def _between(self, left: int, right: int) -> str:
        held = self._texts.held
        return held.source.text[held.at[left][1] : held.at[right][0]]

    def _gaps(self) -> tuple[bool, bool, tuple[str, ...], list[Change]] | None:
        """Whether something is elided, whether something is bracketed, flags and changes; None when a bracket
        adds or takes a negation, which is no editor's clarification."""
        c, changes = self._texts, []
        quote, held = c.quote, c.held
        flags: tuple[str, ...] = ()
        elided = bracketed = False
        inserted = 0
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
                if audit.negation_within(self._between(end - 1, following)):
                    flags += ("negation-elided",)
                if any(m.kind == "ellipsis" and end <= m.place <= following for m in held.marks):
                    flags += ("ellipsis-of-the-original",)
                joined = audit.crosses_sentence(self._between(end - 1, following))
                clause = self._between(end - 1, end).lstrip()[:1] in tuple(",;(-") and self._between(
                    following - 1, following
                ).rstrip()[-1:] in tuple(",;)-")
                flags += ("sentence-joined",) if joined else ("clause-elided",) if clause else ("elided-within",)
                if edges.splits(held, c.original, end) or edges.splits(held, c.original, following):
                    flags += (edges.COMPOUND,)
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
                        dots = [m.start for m in quote.marks if m.kind == "ellipsis" and m.place == mark.place]
                        end = following = next_at if dots and dots[0] < mark.start else end
            at_edge = mark.place in (self.segments[0].start, self.segments[-1].end) and end == following
            if at_edge and "[" in mark.text and (mark.text[0] != "[" or mark.text[-1] != "]"):
                # Half a word stands outside the brackets: it belongs to the next word of the original.
                if mark.place == self.segments[0].start:
                    end = max(0, end - 1)
                else:
                    following = min(len(held.keys), following + 1)
            taken = held.keys[end:following]
            lead = mark.text.split("[")[0].casefold() if "[" in mark.text else ""
            trail = mark.text.split("]")[-1].casefold() if "[" in mark.text else ""
            said = (
                *tokenise(mark.text.replace("[", " ").replace("]", " ")).keys,
                key(mark.text.replace("[", "").replace("]", "")),
            )
            stands = bool(taken) or not (lead or trail)
            stands = (
                stands and (not lead or taken[0].startswith(lead)) and not (trail and not taken[-1].endswith(trail))
            )
            inner = inside(mark.text)
            joined = bool((inner in (*audit.PREFIXES, "in", "a") and trail) or (inner in audit.SUFFIXES and lead))
            if inner in audit.BOUND and not lead and not trail and not taken:
                stands = False
            if joined and (not taken or key(f"{lead}{inner}{trail}") not in taken):
                stands = False
            if audit.number_clash(said, taken):
                stands = False
            if not stands or any(map(audit.is_negation, said)) != any(map(audit.is_negation, taken)):
                self._object(
                    "replaced" if taken else "added", quote.source.span(mark.start, mark.end), held.span(end, following)
                )
                return None
            inserted += len(said) - 1
            if any(word in audit.CONDITIONS for word in said) and not any(word in audit.CONDITIONS for word in taken):
                flags += ("condition-added",)
            changes.append(self._change("bracketed", mark, end, following))
            if not _comment_on(mark):
                number = any(map(audit.is_number, said)) or any(word in audit.SCALES for word in said)
                turns = number or not set(taken) <= audit.STAND_INS or (bool(taken) and set(said) <= audit.STAND_INS)
                flags += ("bracket-replaces" if turns else "bracket-adds",)
        if inserted > sum(segment.end - segment.start for segment in self.segments):
            for change in changes:
                if change.op == "bracketed":
                    self._object("replaced", change.quoted_span, change.original_span)
            return None
        return elided, bracketed, flags, changes

    def _change(self, op: str, mark: Mark, start: int, end: int) -> Change:
        c = self._texts
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
        c, held = self._texts, self._texts.held
        if self.end >= len(held.keys) or not held.keys[self.end].startswith(c.quote.keys[-1]):
            return ()
        whole = held.keys[self.end]
        flags = (*audit.gone([whole]), edges.WORD_CUT)
        long = self.start == 0 and len(c.quote.keys) >= _ENOUGH_WORDS
        changed = audit.is_negation(whole) or any(char.isdigit() for char in whole)
        return flags if long or not changed else None

    def _contiguous(self, whole: bool, omitted: set[str], cut_end: bool) -> tuple[VerdictKind, tuple[str, ...]]:
        c = self._texts
        if cut_end:
            return VerdictKind.TRUNCATED, self._steps()
        quoted = c.quoted[slice(*_ends(self._quoted_span()))]
        if not omitted:
            steps = needed(quoted, c.original, c.ladder, contains)
            if steps is not None:
                return VerdictKind.PARTIAL, steps
        return VerdictKind.SAME_WORDS, self._steps(edges=True)

    def _steps(self, edges: bool = False) -> tuple[str, ...]:
        """The steps after which quotation and original agree on each segment, or with `edges` on all from the first
        word to the end of the quotation. Spaces go only where nothing else is enough (a lost apostrophe that became
        one); where that is not enough either, the steps that change something."""
        c = self._texts
        # Dots are punctuation here: written out they would grow on to a link before them.
        plan = (*(step for step in c.ladder[:-1] if step != "ellipsis"), *WORDS)
        if edges:
            parts = [(self._quoted_span(), c.held.span(self.start, self.end))]
        else:
            parts = [
                (c.quote.span(segment.start, segment.end), c.held.span(at, at + segment.end - segment.start))
                for segment, at in zip(self.segments, self.starts, strict=True)
            ]
        out: set[str] = set()
        for ours, theirs in parts:
            quoted, original = c.quoted[slice(*_ends(ours))], c.original[slice(*_ends(theirs))]
            steps = needed(quoted, original, plan[:-1], str.__eq__)
            if steps is None:
                steps = needed(quoted, original, plan, str.__eq__)
            if steps is None:
                steps = tuple(
                    step for step in plan if replay(quoted, (step,)) != quoted or replay(original, (step,)) != original
                )
            out.update(steps)
        return tuple(step for step in dict.fromkeys(plan) if step in out)

    def _quoted_span(self) -> Span:
        """From the first aligned word (the beginning, when nothing was skipped) to the end of the quotation."""
        c = self._texts
        if self.segments[0].start > 0:
            return Span(start=c.quote.span(self.segments[0].start, self.segments[0].end).start, end=len(c.quoted))
        return Span(start=0, end=len(c.quoted))


def _comment_on(mark: Mark) -> bool:
    """Whether a bracket holds no words of an editor's own, but "sic"."""
    return inside(mark.text).strip("!") == "sic"


def _latin(word: str) -> bool:
    """Whether words of this one's script stand apart by spaces."""
    return word < "\u0e00"


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.end
