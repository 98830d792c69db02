"""Quotations of speech, where two reports of one utterance are compared and neither is its letter.

News style guides hold direct quotation to the words: the AP Stylebook ("quotations in the news") alters none even to
correct grammar, removes slips of the tongue by ellipsis only, and keeps spellings such as "gonna" out; the Guardian's
lets ums and ahems go unmarked. So words stay. Because two transcribers differ more than one reporter may edit, this
is set aside as well, each as a named step, so that a stricter reader can refuse it:

- `interjections`: what a transcriber noted: [applause], (laughter), [crosstalk];
- `fillers`: uh, um, er, and "you know" or "I mean" where punctuation sets them apart;
- `false-starts`: a word broken off by a dash and begun again: "th- the";
- `stutters`: up to three words said twice in a row, but no number and no "not";
- `contractions`: we're and we are, gonna and going to; he's, he'd only as the other report resolves them;
- `number-words`: twenty-five and 25, 5 percent and 5%, 2,500 and 2500, never numbers of another value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes.judging import is_faithful, judge
from archiver.quotes.normal import SINGLE_QUOTES, Mapped, fold

SPEECH = ("interjections", "fillers", "false-starts", "stutters", "contractions", "number-words")
_LONGEST_PLAN = 20_000  # code points: up to here each step that is named is needed

Put = Callable[[re.Match[str]], str]
_NOTES = (
    "applause|laughter|laughs?|laughing|chuckles?|"
    "cheers|cheering|boos?|booing|pause|silence|sighs?|coughs?|music|ph|phonetic"
)
_INTERJECTIONS = re.compile(rf"[\[(](?:{_NOTES})(?:(?:,| and|;) (?:{_NOTES}))*\.?[\])]", re.I)
_FILLERS = re.compile(
    r"(?<![\w'’-])(?:u+h+|(?:u+m+|er+m*|a+h+|h+m+m+|m+h+m+)(?=\s*(?:[,…–—]|\.\.\.)))(?![\w'’-])(?:,|\.\.\.|…)?"
    r"|(?:(?<=[,;.!?…–—-])|^)\s*(?:you know|i mean)(?=\s*[,–—…])[,–—…]?",
    re.I,
)
_FALSE_STARTS = re.compile(r"(?<!\w)(\w{1,20})(?:-{1,2}|–|—)\s+(?=\1\w)", re.I)
_STUTTERS = re.compile(
    r"(?<![\w'’-])((?:[^\W\d]{1,20}['’]?[^\W\d]{0,3} ){0,2}[^\W\d]{1,20}(?:['’][^\W\d]{1,3})?)"
    r"(?:\s*(?:,|-{1,2}|–|—|\.\.\.|…))?\s+(?=\1(?![\w'’-]))",
    re.I,
)
_TWICE = "no yes very go not never zero one two three four five six seven eight nine ten hundred thousand million"
_KEPT_TWICE = re.compile(rf"\b(?:{_TWICE.replace(' ', '|')}|\w+teen|\w+ty)\b", re.I)
_FULL = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "lemme": "let me", "gimme": "give me",
    "dunno": "do not know", "kinda": "kind of", "sorta": "sort of", "'em": "them", "'cause": "because",
    "cuz": "because", "y'all": "you all", "ma'am": "madam", "o'clock": "o'clock",
}  # fmt: skip
_ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am"}
_OPEN_ENDINGS = {"'s": (" is", " has"), "'d": (" would", " had")}
_CONTRACTIONS = re.compile(
    rf"(?<![\w'{SINGLE_QUOTES}-])(?:(?:gonna|wanna|gotta|lemme|gimme|dunno|kinda|sorta|cuz|cannot)(?!\w)"
    rf"|[^\W\d]{{0,30}}['{SINGLE_QUOTES}](?:[^\W\d]{{1,5}})(?![\w'-]))",
    re.I,
)
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {word: n for n, word in enumerate(f"{_UNITS} seventeen eighteen nineteen".split())}
_TENS_UP = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * n for n, word in enumerate(_TENS_UP.split(), 2)}
_ONE = "|".join(_SMALL)
_NUMBER = re.compile(
    rf"(?<![\w-])(?:(?P<tens>{'|'.join(_TENS)})(?:[ -](?P<unit>{'|'.join(list(_SMALL)[1:10])}))?|(?P<one>{_ONE}))"
    r"(?P<hundred> hundred)?(?![\w-])"
    r"|(?<![\w,.])(?P<grouped>\d{1,3}(?:,\d{3})+)(?![\w,]|\.\d)"
    r"|(?<=\d)(?P<percent>\s?%)|(?<=\d)\s?(?P<per>per ?cent)(?!\w)",
    re.I,
)


def judge_speech(quoted: str, original: str) -> Verdict:
    """The verdict on one report of speech against another, with `standard="speech"` and spans in both as given.

    Faithful kinds say what they say of text, after the named steps. Where the words differ all the same the verdict
    is not-judged, with the changes and the flag `wording-differs`: two reports of one speech differ, and which is
    right cannot be said from text. Never altered; not-found where less than most words are common. Never raises.
    """
    plain = judge(quoted, original)
    if is_faithful(plain.kind) or plain.kind is VerdictKind.NOT_JUDGED:
        return replace(plain, standard="speech")
    told, ours, theirs = _after(quoted, original, SPEECH)
    if is_faithful(told.kind):
        kept = [name for name in SPEECH if _changes(name, quoted, original)]
        for name in tuple(kept) if len(quoted) + len(original) <= _LONGEST_PLAN else ():
            fewer = [other for other in kept if other != name]
            again, again_ours, again_theirs = _after(quoted, original, fewer)
            if is_faithful(again.kind):
                told, ours, theirs, kept = again, again_ours, again_theirs, fewer
        kind = told.kind
        if kind in (VerdictKind.EXACT, VerdictKind.NORMALISED, VerdictKind.PARTIAL):
            kind = VerdictKind.SAME_WORDS
        return replace(_given(told, quoted, original, ours, theirs), kind=kind, steps=(*kept, *told.steps))
    if told.kind is VerdictKind.ALTERED:
        return replace(
            _given(told, quoted, original, ours, theirs),
            kind=VerdictKind.NOT_JUDGED,
            flags=("wording-differs", *told.flags),
            reason="two reports of one speech differ: which is right cannot be said from text",
        )
    return replace(_given(told, quoted, original, ours, theirs), standard="speech")


def rewritten(text: str, steps: Sequence[str], other: str = "") -> str:
    """The text after the speech steps, in order. `other` is the report that resolves he's and he'd."""
    return _mapped(text, steps, other).text


def _after(quoted: str, original: str, steps: Sequence[str]) -> tuple[Verdict, Mapped, Mapped]:
    ours, theirs = _mapped(quoted, steps, original), _mapped(original, steps, quoted)
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
    heard = f" {' '.join(re.findall(_HEARD, fold(other)))} " if "contractions" in steps else ""
    for name in steps:
        pattern, put = _STEPS[name] if name != "contractions" else (_CONTRACTIONS, lambda match: _full(match, heard))
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


_HEARD = r"\w+(?:['’]\w+)*"


def _full(match: re.Match[str], heard: str) -> str:
    """A contraction in full; what may stand for two things only as the other report has it, and not as it is."""
    word = match.group()
    plain = re.sub(f"[{SINGLE_QUOTES}]", "'", word.casefold())
    if plain in _FULL:
        return _FULL[plain]
    for ending, full in _ENDINGS.items():
        if plain.endswith(ending) and plain != ending:
            return word[: -len(ending)] + full
    for ending, fulls in _OPEN_ENDINGS.items():
        stem = plain[: -len(ending)]
        if plain.endswith(ending) and stem and f" {plain} " not in heard.replace("’", "'"):
            for full in fulls:
                if f" {stem}{full} " in heard:
                    return word[: -len(ending)] + full
    return word


def _once(match: re.Match[str]) -> str:
    return match.group() if _KEPT_TWICE.search(match.group(1)) else ""


def _digits(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["grouped"]:
        return found["grouped"].replace(",", "")
    if match.string[max(0, match.start() - 3) : match.start()].casefold() == "no ":
        return match.group()  # "no one" is nobody, not number 1
    if found["percent"] or found["per"]:
        return " percent"
    tens, unit = _TENS.get((found["tens"] or "").casefold(), 0), (found["unit"] or found["one"] or "").casefold()
    return str((tens + _SMALL.get(unit, 0)) * (100 if found["hundred"] else 1))


_STEPS: dict[str, tuple[re.Pattern[str], Put]] = {
    "interjections": (_INTERJECTIONS, lambda match: " "),
    "fillers": (_FILLERS, lambda match: " "),
    "false-starts": (_FALSE_STARTS, lambda match: ""),
    "stutters": (_STUTTERS, _once),
    "number-words": (_NUMBER, _digits),
}
