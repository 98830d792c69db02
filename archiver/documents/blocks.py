"""Ranges that stand in order and apart, and the block quotations of a document."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.model import Link, Span

_QUOTED_LINE = re.compile(r"(?m)^[ \t]{0,3}>[^\n]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block quotation: its place in text and source, and the address that its markup cites."""

    text: Span
    source: Span
    cite: str = ""


def markdown(source: str) -> tuple[Block, ...]:
    """The block quotations of a Markdown source: runs of lines that start with `>`."""
    found: list[Span] = []
    for line in _QUOTED_LINE.finditer(source):
        if found and line.start() == found[-1].end + 1:
            found[-1] = Span(start=found[-1].start, end=line.end())
        else:
            found.append(Span(start=line.start(), end=line.end()))
    return tuple(Block(text=span, source=span) for span in found)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same places as ranges in order that do not overlap; empty ranges are dropped."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.start < span.end):
        if found and span.start < found[-1].end:
            found[-1] = Span(start=found[-1].start, end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def overlaps(spans: tuple[Span, ...], span: Span) -> bool:
    """Whether a range shares a character with one of the merged ranges; an empty range, whether it lies inside one."""
    if not spans:
        return False
    index = bisect_right(spans, span.start, key=lambda each: each.start) - 1
    if index >= 0 and spans[index].end > span.start:
        return True
    return index + 1 < len(spans) and spans[index + 1].start < span.end


def end_before(spans: tuple[Span, ...], place: int) -> int:
    """Where the last merged range before a place ends; 0 where there is none."""
    index = bisect_right(spans, place, key=lambda each: each.end) - 1
    return spans[index].end if index >= 0 else 0


def without(span: Span, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """What of a range the merged ranges leave over."""
    parts, start = [], span.start
    for index in range(bisect_right(spans, span.start, key=lambda each: each.end), len(spans)):
        if spans[index].start >= span.end:
            break
        parts.append(Span(start=start, end=max(start, spans[index].start)))
        start = max(start, spans[index].end)
    parts.append(Span(start=min(start, span.end), end=span.end))
    return tuple(part for part in parts if part.start < part.end)


def between(links: tuple[Link, ...], source: Span) -> tuple[Link, ...]:
    """The links that start inside a range of the source; `links` stand in its order."""
    first = bisect_left(links, source.start, key=lambda link: link.source.start)
    last = bisect_left(links, source.end, key=lambda link: link.source.start)
    return links[first:last]
