"""Links of Markdown (CommonMark 0.31, 4.7 and 6.3–6.5) in their places: the text of a Markdown document is its source.

Inline links, reference links, `<addresses>`, `a` elements in raw HTML, and bare addresses. What stands in code is
none of these. The address of a picture counts as bare.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise

from archiver.documents.addresses import bare
from archiver.documents.references import in_attribute
from archiver.model import Link, Span

_FENCE = re.compile(r"^(?:[ ]{0,3}>)*[ ]{0,3}(`{3,}+|~{3,}+)([^\n]*+)$", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*+\n")
_TICKS = re.compile(r"`++")
_MARK = re.compile(r"\\[^\n]|\[|\]")
_TITLE = r"""(?:\s++(?:"(?:[^"\\]|\\.){0,999}+"|'(?:[^'\\]|\\.){0,999}+'|\((?:[^()\\]|\\.){0,999}+\)))?"""
_INNER = r"(?:[^\s()<\\]|\\.)"
DESTINATION = re.compile(
    rf"\(\s*+(?:<([^<>\n]{{0,2048}}+)>|((?:{_INNER}|\({_INNER}{{0,2048}}+\)){{1,2048}}+)){_TITLE}\s*+\)"
)
LABEL = re.compile(r"\[([^\[\]]{0,999}+)\]")
_DEFINITION = re.compile(r"^[ ]{0,3}\[([^\[\]]{1,999}+)\]:[ \t]*+\n?[ \t]*+(?:<([^<>\n]++)>|(\S++))", re.MULTILINE)
_AUTOLINK = re.compile(r"<(https?://[^\s<>]++|at://[^\s<>]++)>", re.IGNORECASE)
_ANCHOR = re.compile(
    r"""<a\s(?:[^<>"']|"[^"<>]*+"|'[^'<>]*+'){0,1024}?\bhref\s*=\s*(?:"([^"<>]++)"|'([^'<>]++)'|([^\s"'<>]++))[^<>]{0,2048}+>""",
    re.IGNORECASE,
)
_ANCHOR_END = re.compile(r"</a\s*>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def links(source: str) -> tuple[Link, ...]:
    """All links of a Markdown source in order; both spans of each point into the source."""
    code = _code(source)
    definitions = list(_DEFINITION.finditer(source))
    addresses = defined(source)
    defining = [match.span() for match in definitions]
    found = [*_bracketed(source, code, addresses), *_anchors(source)]
    for match in _AUTOLINK.finditer(source):
        words, whole = Span(start=match.start(1), end=match.end(1)), Span(start=match.start(), end=match.end())
        if not _inside(defining, match.start()):
            found.append(Link(url=match[1], text=words, source=whole))
    found = [link for link in found if not _inside(code, link.source.start)]
    used = {link.url for link in found}
    # A definition that nothing uses is shown by no reader, but somebody wrote the address down.
    for match in definitions:
        url, whole = _plain(match[2] or match[3]), Span(start=match.start(), end=match.end())
        if url not in used and "://" in url and not _inside(code, whole.start):
            found.append(Link(url=url, text=whole, source=whole, role="bare"))
    taken = _merged([(link.source.start, link.source.end) for link in found] + defining)
    found += [
        link for link in bare(source) if not _inside(code, link.source.start) and not _inside(taken, link.source.start)
    ]
    return tuple(sorted(found, key=lambda link: (link.source.start, link.source.end, link.url)))


def defined(source: str) -> dict[str, str]:
    """The addresses that a Markdown source defines by label; of several with one label the first counts."""
    definitions = list(_DEFINITION.finditer(source))
    return {label(match[1]): _plain(match[2] or match[3]) for match in reversed(definitions)}


def label(text: str) -> str:
    """A label as it is compared."""
    return " ".join(text.split()).casefold()


def _bracketed(source: str, code: list[tuple[int, int]], addresses: dict[str, str]) -> list[Link]:
    """Inline and reference links, innermost first; a bracket matches within its paragraph."""
    found: list[Link] = []
    opened: list[int] = []
    edges = [match.start() for match in _BLANK.finditer(source)]
    edge = bisect_left(edges, 0)
    skip = 0
    for mark in _MARK.finditer(source):
        at = mark.start()
        if at < skip or len(mark[0]) == 2 or _inside(code, at):
            continue
        while edge < len(edges) and edges[edge] < at:
            opened.clear()
            edge += 1
        if mark[0] == "[":
            opened.append(at)
            continue
        if not opened:
            continue
        start = opened.pop()
        target = DESTINATION.match(source, at + 1)
        given = None if target else LABEL.match(source, at + 1)
        words = Span(start=start + 1, end=at)
        if target:
            url, end = _plain(target[1] or target[2] or ""), target.end()
        elif source.startswith(":", at + 1):
            continue  # A definition.
        else:
            name = (given[1] if given else "") or (source[words.start : words.end] if at - start < 1000 else "")
            url, end = addresses.get(label(name), ""), given.end() if given else at + 1
        if not url:
            continue
        skip = end
        if not source.startswith("!", start - 1) or start == 0:
            found.append(Link(url=url, text=words, source=Span(start=start, end=end)))
    return found


def _anchors(source: str) -> list[Link]:
    """`a` elements of raw HTML."""
    found = []
    ends = [match.start() for match in _ANCHOR_END.finditer(source)]
    for match in _ANCHOR.finditer(source):
        after = bisect_left(ends, match.end())
        close = ends[after] if after < len(ends) else match.end()
        end = source.find(">", close) + 1 if after < len(ends) else match.end()
        url = in_attribute(match[1] or match[2] or match[3]).strip()
        words = Span(start=match.end(), end=close)
        if url:
            found.append(Link(url=url, text=words, source=Span(start=match.start(), end=end)))
    return found


def fences(source: str) -> list[tuple[int, int]]:
    """Where fenced blocks of code lie, in order."""
    ranges: list[tuple[int, int]] = []
    fence, start = "", 0
    for match in _FENCE.finditer(source):
        run, rest = match[1], match[2]
        if not fence:
            if run[0] == "~" or "`" not in rest:
                fence, start = run, match.start()
        elif run[0] == fence[0] and len(run) >= len(fence) and not rest.strip():
            ranges.append((start, match.end()))
            fence = ""
    if fence:
        ranges.append((start, len(source)))
    return ranges


def _code(source: str) -> list[tuple[int, int]]:
    """Where fenced blocks and code spans lie, in order, without overlap."""
    ranges = fences(source)
    edges = [0, *(match.end() for match in _BLANK.finditer(source)), len(source)]
    spans: list[tuple[int, int]] = []
    for first, last in pairwise(edges):
        runs = [match.span() for match in _TICKS.finditer(source, first, last)]
        if runs and not _inside(ranges, runs[0][0]):
            spans += _code_spans(runs)
    return _merged(ranges + spans)


def _code_spans(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Code spans of a paragraph: a run of backticks to the next run of the same length."""
    places: dict[int, list[int]] = {}
    for number, (start, end) in enumerate(runs):
        places.setdefault(end - start, []).append(number)
    found, number = [], 0
    while number < len(runs):
        same = places[runs[number][1] - runs[number][0]]
        after = bisect_right(same, number)
        if after < len(same):
            found.append((runs[number][0], runs[same[after]][1]))
            number = same[after]
        number += 1
    return found


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _inside(ranges: list[tuple[int, int]], at: int) -> bool:
    place = bisect_right(ranges, at, key=lambda item: item[0]) - 1
    return place >= 0 and at < ranges[place][1]


def _plain(destination: str) -> str:
    """A destination without its escapes and character references."""
    return in_attribute(_ESCAPE.sub(r"\1", destination))
