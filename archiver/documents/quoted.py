"""The words of a quotation as a reader sees them, and where each of them stands in the document.

The steps, in order; each keeps a map (runs) from what it gives to what it was given:

1. `prefix`    the `>` before each line of a Markdown quotation is taken away
2. `markup`    tags are taken away, character references resolved, white space collapsed as a browser does
3. `link`      Markdown links keep their words and lose their address
4. `escape`    a backslash before Markdown punctuation is taken away

HTML is rendered when it is read: there the words are the text itself, and only step 2 may be needed for markup that
a hidden textarea keeps as it stands.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass

from archiver.documents.markup import walk
from archiver.documents.sourcemap import built, compose, identity, shift, to_source
from archiver.model import Document, Mention, Run, Span

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&[A-Za-z#][A-Za-z0-9]{1,30};")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_PREFIX = re.compile(r"(?m)^[ \t]*>[ \t]?")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!>~|-])")


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
        steps.cut(_PREFIX)
        if _MARKUP.search(steps.text):
            steps.render()
        if document.media_type == "text/markdown":
            steps.cut(_LINK)
            steps.cut(_ESCAPED)
    runs = shift(steps.runs, 0, quote.start)
    same = document.text == document.source
    return Quoted(text=steps.text, runs=runs, source_runs=runs if same else compose(runs, document.runs))


class _Steps:
    """A text that is changed step by step, with the map from what it is to what it was."""

    __slots__ = ("runs", "text")

    def __init__(self, text: str) -> None:
        self.text, self.runs = text, identity(len(text))

    def cut(self, pattern: re.Pattern[str]) -> None:
        """Leaves of each match only its first group (nothing where it has none)."""
        kept = array("q")
        parts: list[str] = []
        length = at = 0

        def keep(start: int, end: int) -> None:
            nonlocal length
            if start < end:
                parts.append(self.text[start:end])
                kept.extend((length, length + end - start, start, end))
                length += end - start

        for match in pattern.finditer(self.text):
            keep(at, match.start())
            if pattern.groups:
                keep(match.start(1), match.end(1))
            at = match.end()
        if not at:
            return
        keep(at, len(self.text))
        self._changed("".join(parts), built(kept))

    def render(self) -> None:
        """Reads the text as markup."""
        rendering = walk(self.text)
        self._changed(rendering.text, rendering.runs)

    def _changed(self, text: str, runs: tuple[Run, ...]) -> None:
        self.text, self.runs = text, compose(runs, self.runs)
