"""Single quotation marks that quote: ‘…’ (British house style), ‚…‘ (German) and '…', told from apostrophes.

The same sign is an apostrophe ten times as often, so nothing is found where two readings are possible: a pair counts
only where each mark that may open has one that may close, and what is left over can be an apostrophe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIGNS = re.compile("[‘’‚'\n]")
# Words that begin with an apostrophe, which word processors set as an opening mark. A capital shows most of them to be
# the first word of a quotation ("‘Round one is ours …’"), but not those that are no words without it.
_NO_WORDS = "tis twas twere twill twould em til cuz n tude s d ll ve re"
_SMALL = "cause cos bout round neath gainst mongst nother kay ello ere nuff scuse im er ole"
_HEADLESS, _HEADLESS_SMALL = frozenset(_NO_WORDS.split()), frozenset(_SMALL.split())
_DECADE = re.compile(r"\d\ds?\b")
# Words that end in one: "o’ the", "th’ other", "un po’ di".
_TAILLESS = frozenset({"o", "th", "an", "wi", "tha", "ol", "fo", "mo", "po", "lil"})
_WORD_AFTER = re.compile(r"\w+")
_WORD_BEFORE = re.compile(r"\w+$")
_OPENING = '([{—–-:>“„«"¿¡'


def opens(text: str, place: int, before: str = _OPENING) -> bool:
    """Whether a mark stands where one may open: behind white space or a bracket, before a word."""
    head, after = text[place - 1 : place], text[place + 1 : place + 2]
    if head and head in "*_~":  # of Markdown, or of a plain text that writes as if it were
        head = text[max(0, place - 4) : place].rstrip("*_~")[-1:]
    return (not head or head.isspace() or head in before) and bool(after) and not after.isspace()


def pairs(text: str, closed: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """The quotations between single marks, the outermost ones, in order: where the marks stand, the closing one
    included. `closed` are the quotations between double marks (in order): a mark inside one belongs to it."""
    found: list[tuple[int, int]] = []
    skipped = iter([*closed, (len(text), len(text))])
    start, end = next(skipped)
    paragraphs: dict[str, list[int]] = {"‘": [], "‚": [], "'": []}
    for sign in _SIGNS.finditer(text):
        place = sign.start()
        while end <= place and start < len(text):
            start, end = next(skipped)
        if sign[0] == "\n":
            found += _paragraph(text, paragraphs)
        elif not start <= place < end:
            if sign[0] in "‘’":
                paragraphs["‘"].append(place)
            if sign[0] in "‚‘’":
                paragraphs["‚"].append(place)
            if sign[0] == "'":
                paragraphs["'"].append(place)
    found += _paragraph(text, paragraphs)
    return found


def _paragraph(text: str, marks: dict[str, list[int]]) -> list[tuple[int, int]]:
    """The quotations of one paragraph, whose marks are then forgotten."""
    found: list[tuple[int, int]] = []
    for opening, places in marks.items():
        if places:
            if len(places) > 1 and (opening != "‚" or any(text[place] == "‚" for place in places)):
                found += _Paired(text, opening, places).outermost()
            places.clear()
    found.sort()
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if apart and start < apart[-1][1]:
            if end > apart[-1][1]:
                apart.pop()  # two styles that cross: neither is sure
            continue
        apart.append((start, end))
    return apart


class _Open:
    """A mark that may open: `likely` and `unlikely` are the places that may close it if nothing better does."""

    __slots__ = ("likely", "place", "unlikely")

    def __init__(self, place: int) -> None:
        self.place = place
        self.likely: list[int] = []
        self.unlikely: list[int] = []


class _Paired:
    """The marks of one style in one paragraph."""

    __slots__ = ("_found", "_opened", "_weak")

    def __init__(self, text: str, opening: str, places: list[int]) -> None:
        self._found: list[tuple[int, int]] = []
        self._opened: list[_Open] = []
        self._weak = -1  # the number of a pair that another closing mark would make unsure
        for place in places:
            sign = text[place]
            if sign == opening and opens(text, place):
                if not _headless(text, place):
                    self._opened.append(_Open(place))
                    self._weak = -1
            elif sign != "‚" and (sign != "‘" or opening == "‚"):
                self._close(place, _closing(text, place))
        for each in self._opened:
            sure = each.likely or each.unlikely
            if len(sure) == 1:
                self._found.append((each.place, sure[0] + 1))

    def outermost(self) -> list[tuple[int, int]]:
        """The pairs that no other holds, in order."""
        found: list[tuple[int, int]] = []
        for start, end in sorted(self._found):
            if not found or start >= found[-1][1]:
                found.append((start, end))
        return found

    def _close(self, place: int, how: str) -> None:
        if how in {"sure", "weak"}:
            if self._opened:
                self._found.append((self._opened.pop().place, place + 1))
                self._weak = len(self._found) - 1 if how == "weak" else -1
            elif self._weak >= 0:
                del self._found[self._weak :]
                self._weak = -1
        elif how == "likely" and self._opened:
            self._opened[-1].likely.append(place)
        elif how == "unlikely" and self._opened:
            self._opened[-1].unlikely.append(place)


def _headless(text: str, place: int) -> bool:
    """Whether the mark stands for letters left out at the beginning of a word."""
    if _DECADE.match(text, place + 1):
        return True
    word = _WORD_AFTER.match(text, place + 1, place + 20)
    return word is not None and (word[0].casefold() in _HEADLESS or word[0] in _HEADLESS_SMALL)


def _closing(text: str, place: int) -> str:
    """How surely a mark closes a quotation: `sure`, `weak` (nothing but a space follows), `likely` and `unlikely` (a
    possessive, "boys’", or a word without its end, "goin’"), or not at all."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or before.isspace() or after.isalnum():
        return ""
    alone = not after or after in "\r\n" or not after.isspace()
    if not before.isalnum():
        return "sure"
    word = _WORD_BEFORE.search(text, max(0, place - 20), place)
    last = word[0].casefold() if word else ""
    if last == "n" and text[place - 2 : place - 1] in {"‘", "’", "'"}:
        return ""  # rock ’n’ roll
    if last in _TAILLESS or last.endswith(("s", "z", "x", "in")):
        return "likely" if alone else "unlikely"
    return "sure" if alone else "weak"
