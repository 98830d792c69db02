"""Where a document holds markup, and how places in it are places in the document.

HTML is one view, whose rendering is the document's text. Markdown and plain text may hold raw HTML between their
words: there the text is the source itself, so places are carried over by the source. A feed holds HTML in CDATA
sections, one view each; escaped HTML in feeds is read through the document's own text and links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archiver.documents import blocks, shortcodes
from archiver.documents.carried import COMPONENTS
from archiver.documents.markup import Rendering, walk, walk_page
from archiver.documents.sourcemap import to_source, to_text
from archiver.model import Document, Run, Span

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_MARKDOWN = "text/markdown"
_CODE = frozenset({"code", "textarea", "xmp"})
_UNSEEN = _CODE | {"#comment"}
_QUOTES = frozenset({"blockquote"})
_KEEPING = frozenset({"template", "script", "textarea", "iframe"})
_KEPT = frozenset({"text/template", "text/html", "text/plain", "text/x-template", "text/x-handlebars-template"})
_CDATA = re.compile(r"<!\[CDATA\[")
_RAW = re.compile(
    rf"<(?:!--|(?:blockquote|div|iframe|script|figure|aside|amp-iframe|embed|{'|'.join(sorted(COMPONENTS))})[\s/>]"
    r"|a\s[^<>]{0,200}?embed(?:ly-card|Pin))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One stretch of markup. `source` starts at `offset` in the document's source. `same` says that the rendering is
    the document's text, `plain` that the document's text is its source. `blocks` and `code` are in the document."""

    rendering: Rendering
    source: str
    offset: int
    runs: tuple[Run, ...]
    same: bool
    plain: bool
    blocks: tuple[blocks.Block, ...] = ()
    code: tuple[Span, ...] = ()

    def in_source(self, span: Span) -> Span:
        """A range of this view's source in the document's source."""
        return Span(start=span.start + self.offset, end=span.end + self.offset)

    def in_text(self, span: Span, outer: Span) -> Span:
        """A range of this view's rendering in the document's text; `outer` is the element around it."""
        if self.same:
            return span
        if span.start == span.end:
            return self.over(self.in_source(outer))
        return self.over(self.in_source(to_source(self.rendering.runs, span)))

    def over(self, source: Span) -> Span:
        """The text that a range of the document's source renders as; where it renders as nothing, its place."""
        if self.plain:
            return source
        found = to_text(self.runs, source)
        if found is not None:
            return found
        before = to_text(self.runs, Span(start=0, end=source.start)) if source.start else None
        point = before.end if before else 0
        return Span(start=point, end=point)

    def to_source(self, span: Span) -> Span:
        """The source of a range of the document's text."""
        return span if self.plain else to_source(self.runs, span)


def views(document: Document) -> tuple[View, ...]:
    """The views of a document, at least one."""
    plain = document.text == document.source
    if document.media_type in _HTML:
        rendering = walk_page(document.source)
        same = rendering.text == document.text
        view = View(rendering=rendering, source=document.source, offset=0, runs=document.runs, same=same, plain=plain)
        return (_quoting(view), *_hidden(document, rendering))
    if plain:
        code = shortcodes.code(document.source, indented=document.media_type == _MARKDOWN)
        source = _masked(document.source, code)
        rendering = walk(source if _RAW.search(source) else "")
        unseen = rendering.elements.places(_UNSEEN)
        code = blocks.merged([*code, *unseen])
        view = View(rendering=rendering, source=source, offset=0, runs=document.runs, same=False, plain=True, code=code)
        raw = _quoting(view).blocks
        return (_with(view, (*raw, *blocks.markdown(source))),)
    found = []
    for start, end in _sections(document.source):
        rendering = walk(document.source[start:end])
        section = document.source[start:end]
        view = View(rendering=rendering, source=section, offset=start, runs=document.runs, same=False, plain=False)
        found.append(_quoting(view))
    empty = View(rendering=walk(""), source="", offset=0, runs=document.runs, same=False, plain=plain)
    return tuple(found) or (empty,)


def _hidden(document: Document, rendering: Rendering) -> list[View]:
    """Markup that a page keeps for its scripts to place, in templates: embeds behind a consent wait there."""
    found: list[View] = []
    end = -1
    for element in rendering.elements.tagged(_KEEPING):
        kept = (
            element.tag == "iframe"
            or (element.tag == "template" and element.text.start == element.text.end)
            or (element.tag == "script" and element.get("type").lower() in _KEPT)
            or (element.tag == "textarea" and any(name == "hidden" for name, _ in element.attrs))
        )
        if kept and element.outer.start >= end:
            end = element.outer.end
            inner = document.source[element.inner.start : element.inner.end]
            if _RAW.search(inner):
                view = View(
                    rendering=walk(inner),
                    source=inner,
                    offset=element.inner.start,
                    runs=document.runs,
                    same=False,
                    plain=False,
                )
                found.append(view)
    return found


def _quoting(view: View) -> View:
    """The view with its block quotations and its code."""
    quotes = [
        blocks.Block(
            text=view.in_text(element.text, element.outer),
            source=view.in_source(element.outer),
            cite=element.get("cite").strip(),
        )
        for element in view.rendering.elements.tagged(_QUOTES)
        if element.text.start < element.text.end
    ]
    code = [view.in_source(place) for place in view.rendering.elements.places(_CODE)]
    return _with(view, tuple(quotes), blocks.merged(code))


def _with(view: View, quotes: tuple[blocks.Block, ...], code: tuple[Span, ...] | None = None) -> View:
    ordered = tuple(sorted(quotes, key=lambda block: (block.source.start, -block.source.end)))
    return replace(view, blocks=ordered, code=view.code if code is None else code)


def _masked(source: str, code: tuple[Span, ...]) -> str:
    """The source with its code blanked and JSON's escaped end tags (`<\\/p>`) undone, every place kept."""
    parts, at = [], 0
    for span in code:
        parts += [source[at : span.start], re.sub(r"[^\n]", " ", source[span.start : span.end])]
        at = span.end
    parts.append(source[at:])
    return "".join(parts).replace("<\\/", " </")


def _sections(source: str) -> list[tuple[int, int]]:
    """The CDATA sections of an XML source."""
    found: list[tuple[int, int]] = []
    at = 0
    while True:
        head = _CDATA.search(source, at)
        if head is None:
            return found
        end = source.find("]]>", head.end())
        if end < 0:
            return found
        found.append((head.end(), end))
        at = end
