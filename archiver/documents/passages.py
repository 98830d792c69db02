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
_SAID_BEHIND = re.compile(rf"[\s,.—–-]{{0,4}}(?:[\w.’'-]+[ ]){{0,5}}?(?:{_SAYING})\b", re.IGNORECASE)
_SAID_BEFORE = re.compile(rf"\b(?:{_SAYING})\b[^.!?\n]{{0,60}}[,:]?\s?$", re.IGNORECASE)
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
    lines = _lines(text)
    closed = _touched(lines, bounds)
    found: list[tuple[int, int]] = []  # first and last line
    for mark in marks:
        line = bisect_right(lines, mark, key=lambda span: span.start) - 1
        if line in closed:
            continue
        floor = found[-1][1] + 1 if found else 0
        first = _reach(text, lines, closed, line, -1, floor)
        last = _reach(text, lines, closed, line, 1, len(lines) - 1)
        if found and first <= floor:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        elif first < line < last:
            found.append((first, last))
    passages = []
    for first, last in found:
        start, end = trimmed(text, lines[first].start, lines[last].end)
        if words(text[start:end]) >= WORDS:
            whole = Span(start=start, end=end)
            passages.append(Passage(text=whole, quote=whole, markup="elision-excerpt"))
    return tuple(passages)


def _lines(text: str) -> list[Span]:
    lines, start = [], 0
    for piece in text.split("\n"):
        lines.append(Span(start=start, end=start + len(piece)))
        start += len(piece) + 1
    return lines


def _touched(lines: list[Span], bounds: tuple[Span, ...]) -> set[int]:
    """The lines that a bound touches."""
    touched: set[int] = set()
    for bound in bounds:
        line = bisect_right(lines, bound.start, key=lambda span: span.start) - 1
        while line < len(lines) and lines[line].start < max(bound.end, bound.start + 1):
            touched.add(line)
            line += 1
    return touched


def _reach(text: str, lines: list[Span], closed: set[int], line: int, step: int, limit: int) -> int:
    """The last line, going up or down from an ellipsis, that belongs to its passage; `line` itself where none does."""

    def blank(place: int) -> bool:
        return not text[lines[place].start : lines[place].end].strip(" \t\r>\u00a0")

    def usable(place: int) -> bool:
        return (limit <= place if step < 0 else place <= limit) and place not in closed

    place = line + step
    apart = usable(place) and blank(place)
    while usable(place) and blank(place):
        place += step
    if not usable(place):
        return line
    while usable(place + step) and not blank(place + step) and (apart or abs(place - line) < _REACH):
        following = text[lines[place + step].start : lines[place + step].end]
        if not apart and _own_voice(following):
            break
        place += step
    return place


def _passage(text: str, start: int, end: int) -> list[Passage]:
    head, tail = start + 1, end - 1
    if tail - head > _LONGEST or words(text[head:tail]) < WORDS:
        return []
    said = _SAID_BEHIND.match(text[end : end + 100].partition("\n")[0]) or _SAID_BEFORE.search(
        text[max(0, start - 90) : start].rpartition("\n")[2]
    )
    quote = Span(start=head, end=tail)
    return [Passage(text=Span(start=start, end=end), quote=quote, markup="speech" if said else "quotation-marks")]


def _opens(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return (not before or before.isspace() or before in "([—–-:>") and bool(after) and not after.isspace()


def _closes(text: str, place: int) -> bool:
    return not text[place - 1].isspace() and not text[place + 1 : place + 2].isalnum()


def _own_voice(line: str) -> bool:
    return bool(_SELF.search(re.sub(_QUOTED, " ", line)))
