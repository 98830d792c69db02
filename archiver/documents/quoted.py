"""The words of a quotation as a reader sees them, and where each of them stands in the document.

The steps, in order; each keeps a map (runs) from what it gives to what it was given:

1. `prefix`    the `>` before each line of a quotation is taken away
2. `inline`    in Markdown: marks of emphasis, backslashes, backticks, and the brackets and addresses of links are taken
               away; a `<` or `&` that an escape or code makes a character is written as a reference for step 3
3. `markup`    tags are taken away, character references resolved, white space collapsed as a browser does

HTML is rendered when it is read: there the words are the text itself, and only step 3 may be needed for markup that
a hidden textarea keeps as it stands. In plain text nothing is a mark: stars and backslashes stay.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.documents.inlines import unseen
from archiver.documents.markup import walk
from archiver.documents.sourcemap import built, compose, identity, shift, to_source
from archiver.model import Document, Mention, Run, Span

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&[A-Za-z#][A-Za-z0-9]{1,30};")
_PREFIX = re.compile(r"(?m)^[ \t]*>[ \t]?")
_REFERENCES = {"<": "&lt;", "&": "&amp;"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Quoted words. `text` is what a reader sees, `runs` map it to the document's text, `source_runs` to its source.

    A run of equal lengths maps point to point; any other (a character reference, collapsed white space) as a whole.
    """

    text: str
    runs: tuple[Run, ...] = ()
    source_runs: tuple[Run, ...] = ()

    def in_text(self, span: Span) -> Span:
        """The range of `document.text` that these words stand for; empty for words that have no place of their own."""
        return to_source(self.runs, span)

    def in_source(self, span: Span) -> Span:
        """The range of `document.source` that these words were read from: what lies between its ends may be markup."""
        return to_source(self.source_runs, span)


def of(document: Document, mention: Mention) -> Quoted:
    """The words of a mention with their places; empty where nothing is quoted."""
    if mention.quote is None:
        return Quoted(text="")
    quote = mention.quote
    plain = document.text[quote.start : quote.end]
    steps = _Steps(plain)
    if document.text != document.source:
        source = to_source(document.runs, quote)
        # A hidden textarea keeps markup that is rendered as it stands.
        if plain == document.source[source.start : source.end] and _MARKUP.search(plain):
            steps.render()
    else:
        gone = [match.span() for match in _PREFIX.finditer(plain)]
        literal: list[int] = []
        if document.media_type == "text/markdown":
            marks, places = unseen(document.text).within(quote.start, quote.end)
            gone = sorted([*gone, *((low - quote.start, high - quote.start) for low, high in marks)])
            literal = [place - quote.start for place in places]
        steps.cut(gone, literal)
    runs = shift(steps.runs, 0, quote.start)
    same = document.text == document.source
    return Quoted(text=steps.text, runs=runs, source_runs=runs if same else compose(runs, document.runs))


class _Steps:
    """A text that is changed step by step, with the map from what it is to what it was."""

    __slots__ = ("runs", "text")

    def __init__(self, text: str) -> None:
        self.text, self.runs = text, identity(len(text))

    def cut(self, gone: list[tuple[int, int]], literal: list[int]) -> None:
        """Takes ranges away (in order), then reads what is left as markup where it holds any. `literal` are the places
        (in order) of `<` and `&` that are no markup."""
        text, at = self.text, 0
        pieces: list[tuple[int, int]] = []
        for start, end in gone:
            if at < start:
                pieces.append((at, start))
            at = max(at, end)
        pieces.append((at, len(text)))
        shown = list(text)
        for place in literal:
            shown[place] = " "
        plain = "".join(shown) if literal else text
        rendered = _MARKUP.search("".join([plain[start:end] for start, end in pieces])) is not None
        if rendered:
            pieces = _apart(pieces, literal)
        if len(pieces) > 1 or pieces[0] != (0, len(text)):
            written = set(literal) if rendered else ()
            self._keep(
                (text[start:end] if start not in written else _REFERENCES[text[start]], start, end)
                for start, end in pieces
            )
        if rendered:
            self.render()

    def _keep(self, pieces: Iterable[tuple[str, int, int]]) -> None:
        """The text is what these pieces of it are written as."""
        kept = array("q")
        parts: list[str] = []
        length = 0
        for written, start, end in pieces:
            if start < end:
                parts.append(written)
                kept.extend((length, length + len(written), start, end))
                length += len(written)
        self._changed("".join(parts), built(kept))

    def render(self) -> None:
        """Reads the text as markup."""
        rendering = walk(self.text)
        self._changed(rendering.text, rendering.runs)

    def _changed(self, text: str, runs: tuple[Run, ...]) -> None:
        self.text, self.runs = text, compose(runs, self.runs)


def _apart(pieces: list[tuple[int, int]], places: list[int]) -> list[tuple[int, int]]:
    """The same pieces, cut so that the sign at each of the places is one by itself."""
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        at = start
        for place in places[bisect_left(places, start) : bisect_left(places, end)]:
            found += [(at, place), (place, place + 1)]
            at = place + 1
        found.append((at, end))
    return [(start, end) for start, end in found if start < end]
