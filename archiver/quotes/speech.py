"""Quotations of speech, where two reports of one utterance are compared and neither is its letter.

News style guides hold direct quotation to the words: the AP Stylebook ("quotations in the news") alters none even to
correct grammar, removes slips of the tongue by ellipsis only, and keeps spellings such as "gonna" out; the Guardian's
lets ums and ahems go unmarked. So words stay. Because two transcribers differ more than one reporter may edit, this
is set aside as well, each as a named step, so that a stricter reader can refuse it:

- `interjections`: what a transcriber noted: [applause], (laughter); never [inaudible], which may hide a word;
- `fillers`: uh, um, er, and "you know" where punctuation sets it apart and it is no clause of its own;
- `false-starts`: a piece that is no word, broken off by a dash and begun again: "th- the";
- `stutters`: words said twice in a row that can end no phrase, so that the first saying is no statement: "the the";
- `contractions`: we're and we are, gonna and going to; he's, he'd only as the other report resolves them there;
- `number-words`: twenty-five and 25, 5 percent and 5%, 2,500 and 2500, never numbers of another value.

All steps but the first know English only, and are taken only where one of the reports holds common English words.
Where it is not sure that nothing is lost, nothing is set aside: "act— actually", "that that", "I mean" stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes import contractions, spoken
from archiver.quotes.judging import is_faithful, judge
from archiver.quotes.normal import Mapped
from archiver.quotes.numerals import NUMBER, digits

SPEECH = ("interjections", "fillers", "false-starts", "stutters", "contractions", "number-words")
_LONGEST_PLAN = 20_000  # code points: up to here each step that is named is needed
_ENGLISH = re.compile(
    r"(?<!\w)(?:the|and|with|have|has|this|that|you|they|we|it|would|been|were|are|what|not|of|is)(?![\w'’])", re.I
)

Step = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_STEPS: dict[str, Step] = {
    "interjections": (spoken.NOTES, lambda match: " "),
    "fillers": (spoken.FILLERS, spoken.without_filler),
    "false-starts": (spoken.FALSE_STARTS, spoken.begun_again),
    "stutters": (spoken.STUTTERS, spoken.said_once),
    "number-words": (NUMBER, digits),
}


def judge_speech(quoted: str, original: str) -> Verdict:
    """The verdict on one report of speech against another, with `standard="speech"` and spans in both as given.

    Faithful kinds say what they say of text, after the named steps. Where the words differ all the same the verdict
    is not-judged, with the changes and the flag `wording-differs`: two reports of one speech differ, and which is
    right cannot be said from text. Never altered; not-found where less than most words are common. Never raises.
    """
    plain = judge(quoted, original)
    if is_faithful(plain.kind) or plain.kind is VerdictKind.NOT_JUDGED:
        return _heard_whole(replace(plain, standard="speech"))
    told, ours, theirs = _after(quoted, original, SPEECH, plain)
    if is_faithful(told.kind):
        kept = [name for name in SPEECH if _changes(name, quoted, original)]
        for name in tuple(kept) if len(quoted) + len(original) <= _LONGEST_PLAN else ():
            fewer = [other for other in kept if other != name]
            again, again_ours, again_theirs = _after(quoted, original, fewer, plain)
            if is_faithful(again.kind):
                told, ours, theirs, kept = again, again_ours, again_theirs, fewer
        kind = told.kind
        if kind in (VerdictKind.EXACT, VerdictKind.NORMALISED, VerdictKind.PARTIAL):
            kind = VerdictKind.SAME_WORDS
        given = replace(_given(told, quoted, original, ours, theirs), kind=kind, steps=(*kept, *told.steps))
        return _heard_whole(given)
    if told.kind is VerdictKind.ALTERED:
        return replace(
            _given(told, quoted, original, ours, theirs),
            kind=VerdictKind.NOT_JUDGED,
            flags=("wording-differs", *told.flags),
            reason="two reports of one speech differ: which is right cannot be said from text",
        )
    return replace(_given(told, quoted, original, ours, theirs), standard="speech")


def _heard_whole(told: Verdict) -> Verdict:
    """The verdict, unless a bracket of the quotation says that words stood there which its reporter did not hear."""
    if any(change.op == "bracketed" and spoken.UNHEARD.search(change.quoted) for change in told.changes):
        return replace(told, kind=VerdictKind.NOT_JUDGED, reason="the quotation says that not all was heard")
    return told


def rewritten(text: str, steps: Sequence[str], other: str = "") -> str:
    """The text after the speech steps, in order. `other` is the report that resolves he's and he'd."""
    return _mapped(text, steps, other).text


def _after(quoted: str, original: str, steps: Sequence[str], plain: Verdict) -> tuple[Verdict, Mapped, Mapped]:
    ours, theirs = _mapped(quoted, steps, original), _mapped(original, steps, quoted)
    if (ours.text, theirs.text) == (quoted, original):
        return plain, ours, theirs
    return judge(ours.text, theirs.text), ours, theirs


def _changes(name: str, quoted: str, original: str) -> bool:
    return rewritten(quoted, (name,), original) != quoted or rewritten(original, (name,), quoted) != original


def _given(told: Verdict, quoted: str, original: str, ours: Mapped, theirs: Mapped) -> Verdict:
    """The verdict with its spans, and the words of its changes, in the texts as given."""

    def change(found: Change) -> Change:
        left = ours.span(found.quoted_span.start, found.quoted_span.end)
        right = theirs.span(found.original_span.start, found.original_span.end)
        return replace(
            found,
            quoted=quoted[left.start : left.end],
            original=original[right.start : right.end],
            quoted_span=left,
            original_span=right,
        )

    def span(found: Span | None, source: Mapped) -> Span | None:
        return None if found is None else source.span(found.start, found.end)

    return replace(
        told,
        standard="speech",
        changes=tuple(map(change, told.changes)),
        quoted_span=span(told.quoted_span, ours),
        original_span=span(told.original_span, theirs),
    )


def _mapped(text: str, steps: Sequence[str], other: str) -> Mapped:
    """The text after the steps, which remembers where each code point was."""
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    length = len(text)
    for pattern, put in _taken(text, steps, other):
        parts: list[str] = []
        new_starts: list[int] = []
        new_ends: list[int] = []
        at = 0
        for match in pattern.finditer(text):
            start, end = match.span()
            after = put(match)
            if after == match.group():
                continue
            parts += (text[at:start], after)
            new_starts += starts[at:start]
            new_ends += ends[at:start]
            new_starts += [starts[start]] * len(after)
            new_ends += [ends[end - 1]] * len(after)
            at = end
        text = "".join([*parts, text[at:]])
        starts, ends = [*new_starts, *starts[at:]], [*new_ends, *ends[at:]]
    return Mapped(text=text, starts=starts, ends=ends, length=length)


def _taken(text: str, steps: Sequence[str], other: str) -> Iterator[Step]:
    """What each step looks for and puts there. Steps of English are left out where no report is English."""
    english = _ENGLISH.search(text) or _ENGLISH.search(other)
    for n, name in enumerate(steps):
        if name == "contractions" and english:
            yield contractions.CONTRACTIONS, contractions.full(_heard(text, other, steps[:n]))
        elif name == "interjections" or english:
            yield _STEPS[name]


def _heard(text: str, other: str, before: Sequence[str]) -> contractions.Heard:
    """What the other report holds after the same steps, where anything asks for it."""
    if not contractions.is_open(text):
        return contractions.NOTHING
    for pattern, put in map(_STEPS.__getitem__, before):
        other = pattern.sub(put, other)
    return contractions.heard(other)
