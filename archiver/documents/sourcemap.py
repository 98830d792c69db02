"""The source map: runs that say which piece of the source each piece of a rendering was made from.

Runs stand in order and do not overlap, in the text and in the source alike. Text that no run covers (a line
break between blocks) has no source of its own; source that no run covers (a tag) is not rendered. A run of
equal lengths maps point to point, any other maps whole to whole: a span that touches it takes all of it.

Written form: one field a run, separated by single spaces, `GAP+LENGTH@GAP` and, where the lengths differ,
`=LENGTH`: the code points of text skipped and covered, then those of source skipped and covered.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right

from archiver.errors import ParseError
from archiver.model import Run, Span

_FIELD = re.compile(r"(0|[1-9][0-9]{0,9})\+([1-9][0-9]{0,9})@(0|[1-9][0-9]{0,9})(?:=([1-9][0-9]{0,9}))?")
_SET_START, _SET_END = Span.__dict__["start"].__set__, Span.__dict__["end"].__set__
_SET_TEXT, _SET_SOURCE = Run.__dict__["text"].__set__, Run.__dict__["source"].__set__


def identity(length: int) -> tuple[Run, ...]:
    """The map of a text that is its own source."""
    whole = Span(start=0, end=length)
    return (Run(text=whole, source=whole),) if length else ()


def built(numbers: array[int]) -> tuple[Run, ...]:
    """The runs of a flat array: for each its start and end in the text, then in the source.

    A page has hundreds of thousands, and their frozen constructors take three times as long as this.
    """
    new = object.__new__
    runs: list[Run] = []
    each = iter(numbers)
    for start, end, source_start, source_end in zip(each, each, each, each, strict=True):
        text, source, run = new(Span), new(Span), new(Run)
        _SET_START(text, start)
        _SET_END(text, end)
        _SET_START(source, source_start)
        _SET_END(source, source_end)
        _SET_TEXT(run, text)
        _SET_SOURCE(run, source)
        runs.append(run)
    return tuple(runs)


def to_source(runs: tuple[Run, ...], span: Span) -> Span:
    """The smallest range of the source that the given range of the text was rendered from.

    A range without source of its own is empty, at the end of the source of what stands before it.
    """
    first = bisect_right(runs, span.start, key=lambda run: run.text.end)
    last = bisect_left(runs, span.end, key=lambda run: run.text.start) - 1
    if span.start == span.end or first > last:
        return _point(runs, span.start, first)
    head, tail = runs[first], runs[last]
    start, end = head.source.start, tail.source.end
    if _even(head):
        start += max(0, span.start - head.text.start)
    if _even(tail):
        end = min(end, tail.source.start + span.end - tail.text.start)
    return Span(start=start, end=end)


def to_text(runs: tuple[Run, ...], span: Span) -> Span | None:
    """The range of the text that was rendered from any part of the given range of the source; None when nothing was."""
    first = bisect_right(runs, span.start, key=lambda run: run.source.end)
    last = bisect_left(runs, span.end, key=lambda run: run.source.start) - 1
    if span.start == span.end:
        if first == len(runs) or runs[first].source.start > span.start or not _even(runs[first]):
            return None
        point = runs[first].text.start + span.start - runs[first].source.start
        return Span(start=point, end=point)
    if first > last:
        return None
    head, tail = runs[first], runs[last]
    start, end = head.text.start, tail.text.end
    if _even(head):
        start += max(0, span.start - head.source.start)
    if _even(tail):
        end = min(end, tail.text.start + span.end - tail.source.start)
    return Span(start=start, end=end)


def dump(runs: tuple[Run, ...]) -> str:
    """The written form of a map."""
    fields, text, source = [], 0, 0
    for run in runs:
        size = "" if _even(run) else f"={run.source.end - run.source.start}"
        length = run.text.end - run.text.start
        fields.append(f"{run.text.start - text}+{length}@{run.source.start - source}{size}")
        text, source = run.text.end, run.source.end
    return " ".join(fields)


def load(text: str) -> tuple[Run, ...]:
    """The inverse of `dump`. ParseError, with the column, for anything that `dump` does not write."""
    numbers = array("q")
    at, rendered, source = 0, 0, 0
    while at < len(text):
        field = _FIELD.match(text, at)
        after = field.end() if field else at
        if not field or field[4] == field[2] or text[after : after + 1] not in {"", " "} or after + 1 == len(text):
            raise ParseError("not a source map: expected GAP+LENGTH@GAP", pointer=f"text:1:{at + 1}")
        start, origin = rendered + int(field[1]), source + int(field[3])
        rendered, source = start + int(field[2]), origin + int(field[4] or field[2])
        numbers.extend((start, rendered, origin, source))
        at = after + 1
    return built(numbers)


def _even(run: Run) -> bool:
    return run.text.end - run.text.start == run.source.end - run.source.start


def _point(runs: tuple[Run, ...], at: int, first: int) -> Span:
    """The place in the source of a place in the text; `first` is the first run that ends after it."""
    if first < len(runs) and runs[first].text.start <= at:
        run = runs[first]
        point = run.source.start + (at - run.text.start if _even(run) else 0)
    else:
        point = runs[first - 1].source.end if first else (runs[0].source.start if runs else 0)
    return Span(start=point, end=point)


def shift(runs: tuple[Run, ...], text: int, source: int) -> tuple[Run, ...]:
    """The same map for a piece that stands further on, by so many code points of text and of source."""
    numbers = array("q")
    for run in runs:
        of, by = run.text, run.source
        numbers.extend((of.start + text, of.end + text, by.start + source, by.end + source))
    return built(numbers)


def compose(inner: tuple[Run, ...], outer: tuple[Run, ...]) -> tuple[Run, ...]:
    """The map of a rendering whose source was itself rendered: text → value (`inner`), value → source (`outer`).

    In time linear in `inner` and the part of `outer` that it covers. A piece of the value without source of its own is
    left out.
    """
    numbers = array("q")
    first = bisect_right(outer, inner[0].source.start, key=lambda run: run.text.end) if inner else 0
    for run in inner:
        low, high = run.source.start, run.source.end
        while first < len(outer) and outer[first].text.end <= low:
            first += 1
        at = first
        while at < len(outer) and outer[at].text.start < high:
            piece, source = outer[at].text, outer[at].source
            start, end = max(low, piece.start), min(high, piece.end)
            if piece.end - piece.start == source.end - source.start:
                origin, stop = start + source.start - piece.start, end + source.start - piece.start
            else:
                origin, stop = source.start, source.end
            if _even(run):
                by = run.text.start - low
                numbers.extend((start + by, end + by, origin, stop))
            elif len(numbers) and numbers[-4] == run.text.start and numbers[-3] == run.text.end:
                numbers[-1] = stop
            else:
                numbers.extend((run.text.start, run.text.end, origin, stop))
            at += 1
    return built(numbers)
