"""HTML as text with a source map, in one positioned walk: every element, link and word knows its place.

The walk renders as a browser without scripting does (WHATWG 13.2 and 15.3): references resolved, white space
collapsed, blocks on lines of their own, `noscript` shown, scripts and styles not. Whether a style sheet hides
something is not judged. Attributes and comments are kept, for embeds live there.

Two things a browser shows as pictures are rendered as text, for quotations hold them: an emoji image as its
`alt`, and the quotation marks of `q`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from archiver.documents.elements import Attributes, Elements
from archiver.documents.flow import Flow
from archiver.documents.tokens import COMMENT, DATA, END, RAW_TEXT, START, TEXT, WS, tokens
from archiver.documents.tree import HEADINGS, IMPLYING, VOID, OpenElements
from archiver.model import Link, Run, Span, Unread

# Line breaks at the edges: two where a browser's style sheet has a margin, else one.
_APART = HEADINGS | {"p", "blockquote", "pre", "figure", "ul", "ol", "dl", "menu", "table", "hr", "listing", "xmp"}
_BLOCK = _APART | frozenset({
    "address", "article", "aside", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dt",
    "fieldset", "figcaption", "footer", "form", "header", "hgroup", "html", "legend", "li", "main", "nav",
    "noscript", "optgroup", "option", "section", "search", "summary", "tbody", "textarea", "tfoot", "thead", "tr",
})  # fmt: skip
# Five hundred bytes each; the longest pages on the web have a tenth of it.
MAX_ELEMENTS = 500_000
KEPT = 8 << 20  # Code points of a page whose rendering is kept: a larger one is rendered again rather than held.
_CELLS = frozenset({"td", "th"})
_PRE = frozenset({"pre", "listing", "xmp", "textarea", "plaintext"})
_SHOWN_RAW = frozenset({"textarea", "xmp", "plaintext"})
_ACTING = _CELLS | {"html", "body", "base", "a", "br", "q", "img", "image"}
_LINES, _IS_PRE, _IS_VOID, _ACTS, _IMPLIES = 3, 4, 8, 16, 32
_EMOJI_CLASSES = frozenset({"emoji", "wp-smiley", "twemoji", "emojione"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a source renders as. `elements` and `links` stand in document order; `links` are `a` and `area` with
    an address as written (not resolved against `base`). `unread` names a construct that swallows the rest."""

    text: str
    runs: tuple[Run, ...]
    elements: Elements
    links: tuple[Link, ...]
    title: str = ""
    lang: str = ""
    base: str = ""
    unread: tuple[Unread, ...] = ()


def walk(source: str) -> Rendering:
    """Reads HTML in one pass, in time linear in its length. Takes any text: there is no malformed HTML."""
    walker = _Walker(source)
    walker.take()
    return walker.finish()


def walk_page(source: str) -> Rendering:
    """The same; the rendering of the last page is kept, for its mentions are looked for right after it was read."""
    return _last_page(source) if len(source) <= KEPT else walk(source)


class _Walker:
    __slots__ = (
        "after_pre",
        "base",
        "elements",
        "extended",
        "flow",
        "full",
        "lang",
        "open",
        "source",
        "title",
        "unfinished",
        "unread",
    )

    def __init__(self, source: str) -> None:
        self.source = source
        self.flow = Flow(source)
        self.open = OpenElements()
        self.elements = Elements(self.flow.starts)
        self.title = self.lang = self.base = ""
        self.unread: list[Unread] = []
        self.full = False
        self.after_pre = -1
        # A link that a block cut short goes on to its own end tag: browsers reopen it behind the block's edge.
        self.unfinished = -1
        self.extended: dict[int, tuple[int, int]] = {}

    def take(self) -> None:
        source, text = self.source, self.flow.text
        for kind, start, end, name, attrs, inner, empty in tokens(source):
            if kind == TEXT:
                # A line feed right behind <pre> belongs to the tag.
                text(start + (start == self.after_pre and source.startswith("\n", start)), end)
            elif kind == START:
                self._start(name, attrs, start, end, empty)
            elif kind == END:
                self._end(name, start, end)
            elif kind == COMMENT:
                if name:
                    self._leaf(name, (), (start, end), inner)
            elif kind == RAW_TEXT:
                self._raw(name, start, end)
            elif kind == DATA:
                self.flow.literal(*inner)
            else:
                self._note("markup begins here that nothing closes: the rest of the source is not rendered", start)

    def _start(self, tag: str, attrs: Attributes, start: int, end: int, empty: bool) -> None:
        trait = _TRAITS.get(tag, 0)
        if trait:
            if trait & _IMPLIES:
                closed = self.open.before(tag)
                if closed:
                    self._close(closed, start, start, -1)
            if trait & _ACTS and not self._act(tag, attrs, start, end):
                return
            if trait & _LINES:
                self.flow.block(trait & _LINES)
        if trait & _IS_VOID or empty:
            self._leaf(tag, attrs, (start, end), (end, end))
            return
        number = self._element(tag, attrs, (start, -1), (end, -1), -1)
        if number < 0:
            return
        self.flow.open()
        self.open.push(number, tag)
        if trait & _IS_PRE:
            self.flow.pre += 1
            self.after_pre = end
        elif tag == "template":
            self.flow.hidden += _hides(attrs)

    def _act(self, tag: str, attrs: Attributes, start: int, end: int) -> bool:
        """What the start of some elements means beyond their place; False where no element begins."""
        if tag in {"html", "body"}:
            if self.open.has(tag):
                return False
            if tag == "html":
                self.lang = _attribute(attrs, "lang") or _attribute(attrs, "xml:lang")
        elif tag == "base":
            self.base = self.base or _attribute(attrs, "href").strip(WS)
        elif tag == "a":
            self.unfinished = -1
        elif tag == "br":
            self.flow.line()
        elif tag == "q":
            self.flow.insert("“", start, end)
        elif tag in _CELLS:
            self.flow.cell(start)
        else:
            self._picture(attrs, start, end)
        return True

    def _leaf(self, tag: str, attrs: Attributes, outer: tuple[int, int], inner: tuple[int, int]) -> None:
        """An element without content, or a comment."""
        if self._element(tag, attrs, outer, inner, self.flow.length) >= 0:
            self.flow.place()

    def _element(
        self, tag: str, attrs: Attributes, outer: tuple[int, int], inner: tuple[int, int], text_end: int
    ) -> int:
        """Notes an element and answers its number; -1 when there are too many."""
        if len(self.elements.tags) < MAX_ELEMENTS:
            return self.elements.add(tag, attrs, outer, inner, text_end, self.open.top)
        if not self.full:
            self._note(f"more than {MAX_ELEMENTS} elements: embeds and links from here on are not read", outer[0])
        self.full = True
        return -1

    def _end(self, tag: str, start: int, end: int) -> None:
        if tag in {"html", "body"}:
            return  # What follows still belongs to the body.
        if tag == "br":
            self.flow.line()
            return
        closed, owner = self.open.end(tag)
        if closed:
            self._close(closed, start, end, owner)
        if owner >= 0:
            if tag == "q":
                self.flow.insert("”", start, end)
        elif tag == "p":
            self.flow.block(2)
        elif tag == "a" and self.unfinished >= 0:
            self.extended[self.unfinished] = (self.flow.length, end)
            self.unfinished = -1

    def _close(self, closed: list[int], start: int, end: int, owner: int) -> None:
        """Ends elements: `owner` by the tag at `start` to `end`, the others by implication at `start`."""
        elements, flow = self.elements, self.flow
        for element in closed:
            tag = elements.tags[element]
            trait = _TRAITS.get(tag, 0)
            elements.inner_ends[element] = start
            elements.outer_ends[element] = end if element == owner else start
            elements.text_ends[element] = flow.close(element)
            if trait & _LINES:
                flow.block(trait & _LINES)
            if trait & _IS_PRE:
                flow.pre -= 1
            elif tag == "template":
                flow.hidden -= _hides(elements.attrs[element])
            elif tag == "a" and element != owner:
                self.unfinished = element

    def _raw(self, tag: str, start: int, end: int) -> None:
        if tag == "title":
            if not self.title:
                self.title = " ".join(in_text(self.source[start:end]).split())
        elif tag == "textarea":
            self.flow.text(start + self.source.startswith("\n", start), end)
        elif tag in _SHOWN_RAW:
            self.flow.literal(start, end)

    def _picture(self, attrs: Attributes, start: int, end: int) -> None:
        alt = _attribute(attrs, "alt").strip(WS)
        classes = _attribute(attrs, "class").lower().split()
        if alt and not alt.isascii() and not _EMOJI_CLASSES.isdisjoint(classes):
            self.flow.insert(alt, start, end)

    def _note(self, reason: str, at: int) -> None:
        line = self.source.count("\n", 0, at) + 1
        self.unread.append(Unread(reason=reason, pointer=f"text:{line}:{at - self.source.rfind(chr(10), 0, at)}"))

    def finish(self) -> Rendering:
        size = len(self.source)
        self._close(self.open.rest(), size, size, -1)
        text, runs = self.flow.rendered()
        links = []
        for number, tag in enumerate(self.elements.tags):
            if tag not in {"a", "area"}:
                continue
            element = self.elements[number]
            url = _address(element.get("href"))
            if url:
                words, end = element.text, element.outer.end
                if number in self.extended:
                    last, end = self.extended[number]
                    words = Span(start=min(last, _ink(text, words.start)), end=last)
                links.append(Link(url=url, text=words, source=Span(start=element.outer.start, end=end)))
        return Rendering(
            text=text,
            runs=runs,
            elements=self.elements,
            links=tuple(links),
            title=self.title,
            lang=self.lang,
            base=self.base,
            unread=tuple(self.unread),
        )


def _trait(tag: str) -> int:
    """What the walk does at a tag, as bits: the line breaks at its edges in the lowest two."""
    trait = 2 if tag in _APART else 1 if tag in _BLOCK else 0
    trait |= _IS_PRE if tag in _PRE else 0
    trait |= _IS_VOID if tag in VOID else 0
    trait |= _ACTS if tag in _ACTING else 0
    return trait | (_IMPLIES if tag in IMPLYING else 0)


_TRAITS = {tag: _trait(tag) for tag in _BLOCK | _PRE | VOID | _ACTING | IMPLYING}


_last_page = lru_cache(maxsize=1)(walk)


def in_text(source: str) -> str:
    """Character data with its references resolved, white space as it is."""
    flow = Flow(source)
    flow.pre = 1
    flow.text(0, len(source))
    return flow.rendered()[0]


def _ink(text: str, at: int) -> int:
    """The first place from `at` that is no white space."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _attribute(attrs: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in attrs if key == name), "")


def _hides(template: tuple[tuple[str, str], ...]) -> bool:
    """A template is not shown, but for a declarative shadow root."""
    return not _attribute(template, "shadowrootmode")


def _address(href: str) -> str:
    """An address as the URL standard takes it from an attribute: no white space around it, no line breaks inside."""
    return href.strip(WS).replace("\n", "").replace("\r", "").replace("\t", "")
