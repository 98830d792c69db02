"""A document's text as quotation marks are looked for in it, and where each of its characters stands.

In Markdown without what no reader sees: a mark in the title of a link quotes nothing, and an address has no words. In
code a mark is code. A line end inside a paragraph is a space: in Markdown each one, in plain text those of paragraphs
that were wrapped by a program, which shows in their lines: none has room for the first word of the next one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from archiver.documents.inlines import unseen
from archiver.model import Document, Span

MARKS = "“”„«»「」『』‘’‚\"'"
_MARK = re.compile(f"[{MARKS}]")
_SOFT = re.compile(
    r"(?:(?<=\S)|(?<=\S[ \t\r])|(?<=\S[ \t]{2})|(?<=\S[ \t]{2}\r))\n"
    r"(?![ \t]{0,40}(?:[>#|<\r\n]|[-+*=_][ \t*=_\r\n-]|\d{1,9}[.)][ \t]|```|~~~|\Z))"
)
_PARAGRAPH = re.compile(r"(?m)^[^\S\n]*+\S[^\n]*+(?:\n[^\S\n]*+\S[^\n]*+){2,}+")
_NARROWEST, _WIDEST = 40, 100  # code points of the lines that programs wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`text` is what is looked at; `kept` and `places` say where each piece of it starts, there and in the document."""

    text: str
    kept: tuple[int, ...]
    places: tuple[int, ...]

    def span(self, span: Span) -> Span:
        """A range that is not empty, in the document's text."""
        return Span(start=self._place(span.start), end=self._place(span.end - 1) + 1)

    def _place(self, at: int) -> int:
        piece = bisect_right(self.kept, at) - 1
        return self.places[piece] + at - self.kept[piece]


def of(document: Document, code: tuple[Span, ...]) -> Seen:
    """The text of a document as a reader sees it; `code` are merged ranges of it."""
    text = document.text
    if not _MARK.search(text):
        return Seen(text="", kept=(0,), places=(0,))
    text = _without_marks(text, code)
    if document.media_type == "text/markdown":
        text = _SOFT.sub(" ", text)
        return _shown(text, unseen(document.text).dropped)
    if document.media_type == "text/plain":
        text = _PARAGRAPH.sub(_unwrapped, text)
    return Seen(text=text, kept=(0,), places=(0,))


def _without_marks(text: str, code: tuple[Span, ...]) -> str:
    """The same text, as long, whose code has no quotation marks."""
    parts, at = [], 0
    for span in code:
        parts += [text[at : span.start], _MARK.sub("\ufffc", text[span.start : span.end])]
        at = span.end
    return "".join([*parts, text[at:]]) if parts else text


def _shown(text: str, dropped: tuple[tuple[int, int], ...]) -> Seen:
    parts: list[str] = []
    kept, places = [0], [0]
    length = at = 0
    for start, end in dropped:
        if at < start:
            parts.append(text[at:start])
            length += start - at
        if end > at:
            at = end
            if kept[-1] == length:
                places[-1] = at
            else:
                kept.append(length)
                places.append(at)
    parts.append(text[at:])
    return Seen(text="".join(parts), kept=tuple(kept), places=tuple(places))


def _unwrapped(paragraph: re.Match[str]) -> str:
    """A paragraph of three lines and more, on one line if a program wrapped it."""
    lines = paragraph[0].split("\n")
    width = max(map(len, lines))
    if not _NARROWEST <= width <= _WIDEST:
        return paragraph[0]
    for line, following in pairwise(lines):
        if len(line) < _NARROWEST or len(line) + 1 + len(following.split(None, 1)[0]) <= width:
            return paragraph[0]
    return " ".join(lines)
