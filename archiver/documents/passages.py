"""Passages: words that a document quotes from elsewhere without signing them.

Three rules, each named in the mention's markup; none of them attributes anything.

- `blockquote`: a block quotation, of HTML or of Markdown (`>`).
- `quotation-marks`: at least eight words between quotation marks, inside one paragraph; several paragraphs
  each of which opens the marks again are one passage. It is `speech` where a verb of saying stands beside the
  marks: speech is never held to the standard of a written post.
- `elision-excerpt`: a line that is nothing but an ellipsis says that what stands around it was cut out of
  something longer. The passage is the paragraph before and the paragraph after, as blank lines delimit them.
  Where paragraphs are single lines, it is the run of up to five lines on each side, ended by a signature, a
  blank line, the document's end, or a line in the first person singular outside quotation marks (the author's
  own voice); the lines next to the ellipsis always belong to it. How far it really goes up cannot be known
  from the document: the text is aligned by windows later.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from archiver.documents.quotation import trimmed
from archiver.model import Span

WORDS = 8
_REACH = 5
_LONGEST = 4000  # code points between one pair of marks: beyond it a mark was lost
_CLOSING = {"“": "”“", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "”": "”"}
_MARKS = re.compile('[“”„«»「」『』"\n]')
_WORD = re.compile(r"\w[\w'’-]*")
# As text: patterns with large classes take milliseconds to compile, so that waits until one is used.
_EAST = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_ELISION = re.compile(r"(?m)^[ \t\u00a0>]*[\[(]?[ \t]*(?:…|\.[ \t]?\.[ \t]?\.|\.\.\.\.)[ \t]*[\])]?[ \t\u00a0]*\r?$")
_SAYING = (
    r"said|says|say|saying|told|tells|added|adds|stated|states|explained|asked|replied|recalled|insisted|warned|noted|"
    r"announced|argued|continued|concluded|declared|admitted|remarked|testified|sagte|sagt|erklärte|betonte|meinte|"
    r"déclaré|dit|affirmé|expliqué|ajouté|dijo|afirmó|declaró|añadió|explicó|disse|afirmou|detto|dichiarato|spiegato|"
    r"сказал|сказала|заявил|заявила|отметил|отметила|добавил|сказав|заявив|powiedział|powiedziała|zei|sade"
)
_VERBS = frozenset(_SAYING.split("|"))
_SAID_BEHIND = re.compile(rf"[\s,.—–-]{{0,4}}(?:[\w.’'-]+[ ]){{0,5}}?(?:{_SAYING})\b", re.IGNORECASE)
_SAID_BEFORE = re.compile(rf"\b(?:{_SAYING})\b[^.!?\n]{{0,60}}[,:]?\s?$", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\b(?:re)?tweet(?:s|ed|ing)?\b|\bpost(?:s|ed|ing)?\b|\b(?:wrote|writes|written|thread)\b|\bon X\b|"
    r"\b(?:Twitter|Bluesky|Mastodon|Facebook|Threads|Truth Social|Instagram|Telegram)\b|(?<!\w)@\w|https?://"
)
_SENTENCE = re.compile(r"[.!?][\s\"”]+(?=[A-Z])")
_SELF = re.compile(r"(?<![\w’'.])(?:I|I['’](?:m|ve|ll|d)|ich|je|j['’]\w+|yo|eu|io|я|ja)(?![\w.])")
_QUOTED = r"[“„«\"][^“”„«»\"\n]{0,2000}[”“»\"]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """`text` covers the passage with its marks, `quote` the words alone; `markup` names the rule."""

    text: Span
    quote: Span
    markup: str


def words(text: str) -> int:
    """How many words a text has; two characters of a script without spaces count as one."""
    return len(_WORD.findall(re.sub(_EAST, " ", text))) + len(re.findall(_EAST, text)) // 2


def marked(text: str) -> tuple[Passage, ...]:
    """Passages between quotation marks, in order, none inside another."""
    found: list[Passage] = []
    opened, closing, at, straight = -1, "", 0, -1
    for mark in _MARKS.finditer(text):
        sign, place = mark[0], mark.start()
        if place < at:
            continue
        if sign == "\n":
            # Marks do not reach over a paragraph, unless the next one opens with the same mark again.
            straight = -1
            following = text[place : place + 4].strip("\n\r \t>")
            if opened >= 0 and (text[opened] != "“" or not following.startswith("“")):
                opened = -1
        elif sign == '"':
            if straight >= 0 and _closes(text, place):
                found += _passage(text, straight, place + 1)
                straight = -1
            elif _opens(text, place):
                straight = place
        elif opened >= 0 and sign in closing and not (sign == "“" and text[opened] == "“"):
            if place - opened <= _LONGEST:
                found += _passage(text, opened, place + 1)
            opened = -1
        elif opened < 0 and sign in "“„«「『" and (sign != "“" or _opens(text, place)):
            opened, closing = place, _CLOSING[sign]
    return tuple(sorted(found, key=lambda passage: (passage.text.start, passage.text.end)))


def elided(text: str, bounds: tuple[Span, ...] = ()) -> tuple[Passage, ...]:
    """Passages around lines that are nothing but an ellipsis. `bounds` are signatures, embeds and code: no passage
    takes a line that one of them touches. Passages that meet are one."""
    marks = [found.start() for found in _ELISION.finditer(text)]
    if not marks:
        return ()
    lines = _Lines(text, bounds)
    found: list[tuple[int, int]] = []  # first and last line
    for mark in marks:
        line = bisect_right(lines.starts, mark) - 1
        if line in lines.closed:
            continue
        floor = found[-1][1] + 1 if found else 0
        first = lines.reach(line, -1, floor)
        last = lines.reach(line, 1, len(lines.starts) - 1)
        if found and first <= floor:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        elif first < line < last:
            found.append((first, last))
    passages = []
    for first, last in found:
        start, end = trimmed(text, lines.starts[first], lines.ends[last])
        if words(text[start:end]) >= WORDS:
            whole = Span(start=start, end=end)
            passages.append(Passage(text=whole, quote=whole, markup="elision-excerpt"))
    return tuple(passages)


class _Lines:
    """The lines of a text. `closed` are those that a bound touches."""

    __slots__ = ("_blank", "_own", "closed", "ends", "starts", "text")

    def __init__(self, text: str, bounds: tuple[Span, ...]) -> None:
        self.text = text
        pieces = text.split("\n")
        self._blank = bytearray(not piece.strip(" \t\r>\u00a0") for piece in pieces)
        self.ends = [end - 1 for end in accumulate(len(piece) + 1 for piece in pieces)]
        self.starts = [0, *(end + 1 for end in self.ends[:-1])]
        self._own: dict[int, bool] = {}
        self.closed: set[int] = set()
        for bound in bounds:
            line = bisect_right(self.starts, bound.start) - 1
            while line < len(self.starts) and self.starts[line] < max(bound.end, bound.start + 1):
                self.closed.add(line)
                line += 1

    def reach(self, line: int, step: int, limit: int) -> int:
        """The last line, going up or down from an ellipsis, that belongs to its passage; `line` where none does."""
        blank, closed = self._blank, self.closed

        def usable(place: int) -> bool:
            return (limit <= place if step < 0 else place <= limit) and place not in closed

        place = line + step
        apart = usable(place) and bool(blank[place])
        while usable(place) and blank[place]:
            place += step
        if not usable(place):
            return line
        while usable(place + step) and not blank[place + step] and (apart or abs(place - line) < _REACH):
            if not apart and self._own_voice(place + step):
                break
            place += step
        return place

    def _own_voice(self, line: int) -> bool:
        """Whether the author speaks: the first person singular outside quotation marks."""
        if line not in self._own:
            own = re.sub(_QUOTED, " ", self.text[self.starts[line] : self.ends[line]])
            self._own[line] = bool(_SELF.search(own))
        return self._own[line]


def _passage(text: str, start: int, end: int) -> list[Passage]:
    head, tail = start + 1, end - 1
    if tail - head > _LONGEST or words(text[head:tail]) < WORDS:
        return []
    behind = text[end : end + 100].partition("\n")[0]
    before = text[max(0, start - 90) : start].rpartition("\n")[2]
    # The patterns are slow and few passages are speech: they are asked where a verb of saying stands at all.
    # "said on X", "said in a post", an address or a handle beside it: these are written words, whatever the verb.
    said = (_says(behind) and _SAID_BEHIND.match(behind)) or (_says(before) and _SAID_BEFORE.search(before))
    written = said and _WRITTEN.search(f"{_SENTENCE.split(before)[-1]}\n{_SENTENCE.split(behind)[0]}")
    quote = Span(start=head, end=tail)
    return [
        Passage(
            text=Span(start=start, end=end), quote=quote, markup="speech" if said and not written else "quotation-marks"
        )
    ]


def _says(text: str) -> bool:
    return not _VERBS.isdisjoint(re.findall(r"\w+", text.lower()))


def _opens(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if before and before in "*_~":  # of Markdown, or of a plain text that writes as if it were
        before = text[max(0, place - 4) : place].rstrip("*_~")[-1:]
    return (not before or before.isspace() or before in "([—–-:>") and bool(after) and not after.isspace()


def _closes(text: str, place: int) -> bool:
    return not text[place - 1].isspace() and not text[place + 1 : place + 2].isalnum()
