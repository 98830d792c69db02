"""Passages: words that a document quotes from elsewhere without signing them.

Three rules, each named in the mention's markup; none of them attributes anything.

- `blockquote`: a block quotation, of HTML or of Markdown (`>`).
- `quotation-marks`: at least eight words between quotation marks, inside one paragraph; several paragraphs
  each of which opens the marks again are one passage. It is `speech` where a verb of saying stands beside the
  marks: speech is never held to the standard of a written post. An attribution may divide a statement (“We will go,”
  she wrote, “and we will win.”): each part is a passage, the later ones are `…-continued`, and a short part is
  kept for the sake of a long one. Single marks count where they cannot be apostrophes (see `singles`).
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
from functools import cache
from itertools import accumulate

from archiver.documents import singles, speech
from archiver.documents.quotation import trimmed
from archiver.model import Span

WORDS = 8
PART = 3  # of one statement; fewer words are found nowhere
_REACH = 5
_LONGEST = 4000  # code points between one pair of marks: beyond it a mark was lost
_CLOSING = {"“": "”“", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "”": "”"}
_MARKS = re.compile('[“”„«»「」『』"\n]')
_WORD = re.compile(r"\w[\w'’-]*")
_APART = re.compile(r"\S\s+\S")  # an address between single marks, as scripts write it, has no words
_BEFORE = "([—–-:>"  # beside white space, what stands before a mark that opens
_ELISION = re.compile(r"(?m)^[ \t\u00a0>]*[\[(]?[ \t]*(?:…|\.[ \t]?\.[ \t]?\.|\.\.\.\.)[ \t]*[\])]?[ \t\u00a0]*\r?$")
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
    if text.isascii():
        return len(_WORD.findall(text))
    spaced, east = _east().subn(" ", text)
    return len(_WORD.findall(spaced)) + east // 2


@cache
def _east() -> re.Pattern[str]:
    return re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # compiled when it is needed: takes milliseconds


def marked(text: str) -> tuple[Passage, ...]:
    """Passages between quotation marks, in order. A part of a statement that an attribution divides is one, however
    short (three words), where another part is long enough."""
    double = _double(text)
    single = [each for each in singles.pairs(text, double) if _APART.search(text, each[0] + 1, each[1] - 1)]
    found: list[Passage] = []
    statement: list[tuple[int, int]] = []
    held = 0  # where the last quotation between single marks ends: what it holds belongs to it
    for start, end, quotes in sorted([*((*each, '"') for each in double), *((*each, "'") for each in single)]):
        if start < held or end - start - 2 > _LONGEST:
            continue
        held = end if quotes == "'" else held
        last = statement[-1][1] if statement else start
        if not last < start or not speech.continues(text[last:start], text[start + 1 : start + 40]):
            found += _passages(text, statement)
            statement = []
        statement.append((start, end))
    found += _passages(text, statement)
    return tuple(sorted(found, key=lambda passage: (passage.text.start, passage.text.end)))


def _double(text: str) -> list[tuple[int, int]]:
    """The quotations between double marks, in order: where the marks stand, the closing one included."""
    found: list[tuple[int, int]] = []
    opened, closing, straight = -1, "", -1
    for mark in _MARKS.finditer(text):
        sign, place = mark[0], mark.start()
        if sign == "\n":
            # Marks do not reach over a paragraph, unless the next one opens with the same mark again.
            straight = -1
            if opened >= 0:
                following = text[place : place + 4].strip("\n\r \t>")
                if text[opened] != "“" or not following.startswith("“"):
                    opened = -1
        elif sign == '"':
            if straight >= 0 and _closes(text, place):
                found.append((straight, place + 1))
                straight = -1
            elif singles.opens(text, place, _BEFORE):
                straight = place
        elif opened >= 0 and sign in closing and not (sign == "“" and text[opened] == "“"):
            if place - opened <= _LONGEST:
                found.append((opened, place + 1))
            opened = -1
        elif opened < 0 and sign in "“„«「『" and (sign != "“" or singles.opens(text, place, _BEFORE)):
            opened, closing = place, _CLOSING[sign]
    return sorted(found)


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


def _passages(text: str, statement: list[tuple[int, int]]) -> list[Passage]:
    """The parts of one statement, which is mostly one part, that are long enough."""
    counts = [words(text[start + 1 : end - 1]) for start, end in statement]
    if not counts or max(counts) < WORDS:
        return []
    beside = [
        (text[max(0, start - 90) : start].rpartition("\n")[2], text[end : end + 100].partition("\n")[0])
        for start, end in statement
    ]
    spoken = any(speech.said(*each) for each in beside) and not any(speech.written(*each) for each in beside)
    markup = "speech" if spoken else "quotation-marks"
    return [
        Passage(
            text=Span(start=start, end=end),
            quote=Span(start=start + 1, end=end - 1),
            markup=markup if number == 0 else f"{markup}-continued",
        )
        for number, ((start, end), count) in enumerate(zip(statement, counts, strict=True))
        if count >= (WORDS if len(statement) == 1 else PART)
    ]


def _closes(text: str, place: int) -> bool:
    return not text[place - 1].isspace() and not text[place + 1 : place + 2].isalnum()
