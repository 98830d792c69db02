"""What of a Markdown source no reader sees: marks of emphasis, backslashes, backticks, brackets and addresses of links.

CommonMark 0.31: 6.1 code spans, 2.4 escapes, 6.2 emphasis (see `emphasis`), 6.3 links, 6.4 pictures (their description
stays), 6.5 addresses in angle brackets. What stands in fenced code and in blocks of raw HTML (4.6) is not Markdown:
there stars and backslashes are the words'. Tags are not touched here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from archiver.documents.emphasis import Emphasis
from archiver.documents.markdown import DESTINATION, LABEL, defined, fences, label

_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
# A blank line, or the beginning of a heading, a list item, a row, a fence or a block of HTML.
_EDGE = re.compile(
    r"(?:\A|\n)[ \t]*+(?:>[ \t]?)*+[ \t]*+(?:(?P<blank>(?=\r?\n|\Z))|(?P<head>\#{1,6}[ \t][^\n]*+)|"
    rf"(?P<html><(?:/?(?:{_BLOCK_TAGS})(?=[\s/>])|(?P<raw>pre|script|style|textarea)(?=[\s>])|(?P<comment>!--)))|"
    r"(?P<alone></?[A-Za-z][^<>\n]*+>[ \t]*+(?=\r?\n|\Z))|"
    r"(?=[-+*][ \t]|\d{1,9}[.)][ \t]|\||```|~~~))",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"\\(?:[!-/:-@\[-`{-~]|(?=\r?\n))|(?P<ticks>`++)|<(?P<address>(?:https?|at|mailto):[^\s<>]*+)>|"
    r"(?P<bare>https?://[^\s<>()\[\]*~`]*[^\s<>()\[\]*~`_.,:;!?'\"])|"
    r"<!--(?:[^<>-]++|-(?!->))*+-->|</?[A-Za-z](?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+>|"
    r"(?P<run>\*++|_++|~++)|(?P<open>!?\[)|(?P<close>\])"
)
_TICKS = re.compile(r"`++")
_REFERRING = re.compile(r"[<&]")
_SEEN = re.compile(r"[^\s>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """`dropped` are ranges of the source in order and apart; `literal` the places where `<` or `&` is a character."""

    dropped: tuple[tuple[int, int], ...]
    literal: tuple[int, ...]

    def within(self, start: int, end: int) -> tuple[list[tuple[int, int]], list[int]]:
        """Both for a part of the source; the places as they are in the source."""
        first = bisect_left(self.dropped, start, key=lambda each: each[1])
        last = bisect_left(self.dropped, end, key=lambda each: each[0])
        ranges = [(max(start, low), min(end, high)) for low, high in self.dropped[first:last]]
        return ranges, list(self.literal[bisect_left(self.literal, start) : bisect_left(self.literal, end)])


@lru_cache(maxsize=2)  # asked for each mention of one document after another
def unseen(source: str) -> Unseen:
    """What no reader of a Markdown source sees. Linear in its length."""
    found = _Found(source)
    for start, end in _paragraphs(source):
        found.read(start, end)
    return Unseen(dropped=tuple(sorted(found.dropped)), literal=tuple(sorted(found.literal)))


class _Found:
    """What was found so far in the paragraphs of a source."""

    __slots__ = ("_defined", "_source", "dropped", "literal")

    def __init__(self, source: str) -> None:
        self._source, self._defined = source, frozenset(defined(source))
        self.dropped: list[tuple[int, int]] = []
        self.literal: list[int] = []

    def read(self, start: int, end: int) -> None:
        """One paragraph."""
        source, emphasis = self._source, Emphasis(self.dropped)
        opened: list[tuple[int, int, int]] = []  # brackets: start, end, how many runs stood before
        linked = 0  # so many of them stand before a link: a link holds no other
        ticks: dict[int, list[int]] | None = None
        at = start
        while token := _TOKEN.search(source, at, end):
            place, at = token.start(), token.end()
            sign = token.lastgroup
            if sign == "run":
                emphasis.add(source, place, at)
            elif sign == "ticks":
                if ticks is None:
                    ticks = self._ticks(place, end)
                at = self._code(place, at, ticks)
            elif sign == "open":
                opened.append((place, at, len(emphasis)))
            elif sign == "close" and opened:
                head, inner, runs = opened.pop()
                picture = source[head] == "!"
                stop = self._linked(inner, place, end) if picture or len(opened) >= linked else place
                linked = min(linked, len(opened))
                if stop > place:
                    at = max(at, stop)
                    linked = linked if picture else len(opened)
                    self._link(head, inner, place, stop, runs, emphasis)
            elif sign == "address":
                self.dropped += [(place, place + 1), (at - 1, at)]
                self._literally(place + 1, at - 1)
            elif sign == "bare":
                self._literally(place, at)
            elif sign is None and token[0][0] == "\\":
                self.dropped.append((place, place + 1))
                self._literally(place + 1, at)
        emphasis.pair()

    def _literally(self, start: int, end: int) -> None:
        self.literal += [match.start() for match in _REFERRING.finditer(self._source, start, end)]

    def _ticks(self, start: int, end: int) -> dict[int, list[int]]:
        """Where the runs of backticks of each length stand."""
        found: dict[int, list[int]] = {}
        for run in _TICKS.finditer(self._source, start, end):
            found.setdefault(run.end() - run.start(), []).append(run.start())
        return found

    def _code(self, start: int, end: int, ticks: dict[int, list[int]]) -> int:
        """A code span that may begin here; where to go on."""
        same = ticks.get(end - start, [])
        number = bisect_left(same, end)
        if number == len(same):
            return end
        close, stop = same[number], same[number] + end - start
        inner = self._source[end:close]
        padded = inner[:1] in {" ", "\n"} and inner[-1:] in {" ", "\n"} and not inner.isspace()
        self.dropped += [(start, end + padded), (close - padded, stop)]
        self._literally(end + padded, close - padded)
        return stop

    def _linked(self, inner: int, close: int, end: int) -> int:
        """Where a link ends whose words stand from `inner` to `close`; `close` where it is none."""
        source = self._source
        target = DESTINATION.match(source, close + 1, end)
        if target:
            return target.end()
        given = LABEL.match(source, close + 1, end)
        name = (given[1] if given else "") or (source[inner:close] if close - inner < 1000 else "")
        if label(name) in self._defined:
            return given.end() if given and not name.startswith("^") else close + 1
        return close

    def _link(self, start: int, inner: int, close: int, stop: int, runs: int, emphasis: Emphasis) -> None:
        if stop == close + 1 and self._source[inner] == "^":  # the number of a footnote is nobody's word
            emphasis.forget(runs)
            self.dropped.append((start, stop))
        else:
            emphasis.pair(runs)
            self.dropped += [(start, inner), (close, stop)]


def _paragraphs(source: str) -> Iterator[tuple[int, int]]:
    """The stretches whose marks belong together: no code, no HTML."""
    closed = fences(source)
    start = skip = number = 0
    html = False
    for edge in _EDGE.finditer(source):
        place = edge.start()
        while number < len(closed) and closed[number][1] <= place:
            number += 1
        if place < skip:
            continue
        if number < len(closed) and closed[number][0] <= place + 1:
            if start < closed[number][0] and not html:
                yield start, closed[number][0]
            start = skip = closed[number][1]
            html = False
            continue
        if html:
            if edge["blank"] is None:
                continue
            start, html = place, False
            continue
        alone = edge["alone"] is not None and not _SEEN.search(source, start, place)
        if edge["alone"] is not None and not alone:
            continue
        if place - start > 2:  # not for each of many blank lines
            yield start, place
        start = place
        if edge["head"] is not None:
            yield edge.start("head"), edge.end()
            start = edge.end()
        elif edge["comment"] is not None or edge["raw"] is not None:
            mark = "-->" if edge["comment"] is not None else f"</{edge['raw'].lower()}"
            stop = source.find(mark, edge.end()) if mark == "-->" else _end_tag(source, mark, edge.end())
            line = source.find("\n", stop) if stop >= 0 else -1
            start = skip = line if line >= 0 else len(source)
        else:
            html = alone or edge["html"] is not None
    if start < len(source) and not html:
        yield start, len(source)


def _end_tag(source: str, mark: str, start: int) -> int:
    found = re.compile(re.escape(mark), re.IGNORECASE).search(source, start)
    return found.start() if found else -1
