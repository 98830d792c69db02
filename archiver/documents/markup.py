"""HTML as text with a source map, in one positioned walk: every element, link and word knows its place.

The walk renders as a browser without scripting does (WHATWG 13.2 and 15.3): references resolved, white space
collapsed, blocks on lines of their own, `noscript` shown, scripts and styles not. Whether a style sheet hides
something is not judged. Attributes and comments are kept, for embeds live there.

Two things a browser shows as pictures are rendered as text, for quotations hold them: an emoji image as its
`alt`, and the quotation marks of `q`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from archiver.documents.flow import Flow
from archiver.documents.tokens import WS, Kind, Token, tokens
from archiver.documents.tree import HEADINGS, VOID, OpenElements, implies
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
_CELLS = frozenset({"td", "th"})
_PRE = frozenset({"pre", "listing", "xmp", "textarea", "plaintext"})
_SHOWN_RAW = frozenset({"textarea", "xmp", "plaintext"})
_ACTING = _CELLS | {"html", "body", "base", "a", "br", "q", "img", "image"}
_LINES, _IS_PRE, _IS_VOID, _ACTS, _IMPLIES = 3, 4, 8, 16, 32
_EMOJI_CLASSES = frozenset({"emoji", "wp-smiley", "twemoji", "emojione"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element or comment (`#comment`). `outer` and `inner` are ranges of the source, `text` of the rendering.

    `parent` is the index of the element around it, -1 at the top. Where an end tag is implied, `outer` and
    `inner` end at the same place.
    """

    tag: str
    attrs: tuple[tuple[str, str], ...]
    outer: Span
    inner: Span
    text: Span
    parent: int = -1

    def get(self, name: str) -> str:
        """The value of an attribute, or an empty string."""
        return next((value for key, value in self.attrs if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a source renders as. `elements` and `links` stand in document order; `links` are `a` and `area` with
    an address as written (not resolved against `base`). `unread` names a construct that swallows the rest."""

    text: str
    runs: tuple[Run, ...]
    elements: tuple[Element, ...]
    links: tuple[Link, ...]
    title: str = ""
    lang: str = ""
    base: str = ""
    unread: tuple[Unread, ...] = ()


def walk(source: str) -> Rendering:
    """Reads HTML in one pass, in time linear in its length. Takes any text: there is no malformed HTML."""
    walker = _Walker(source)
    for token in tokens(source):
        walker.take(token)
    return walker.finish()


class _Walker:
    __slots__ = (
        "after_pre",
        "attrs",
        "base",
        "ends",
        "extended",
        "flow",
        "full",
        "inner_ends",
        "inner_starts",
        "lang",
        "open",
        "outer_ends",
        "outer_starts",
        "parents",
        "source",
        "tags",
        "title",
        "unfinished",
        "unread",
    )

    def __init__(self, source: str) -> None:
        self.source = source
        self.flow = Flow(source)
        self.open = OpenElements()
        # One entry an element in each list; where its text starts stands in the flow.
        self.tags: list[str] = []
        self.attrs: list[tuple[tuple[str, str], ...]] = []
        self.outer_starts: list[int] = []
        self.outer_ends: list[int] = []
        self.inner_starts: list[int] = []
        self.inner_ends: list[int] = []
        self.ends: list[int] = []
        self.parents: list[int] = []
        self.title = self.lang = self.base = ""
        self.unread: list[Unread] = []
        self.full = False
        self.after_pre = -1
        # A link that a block cut short goes on to its own end tag: browsers reopen it behind the block's edge.
        self.unfinished = -1
        self.extended: dict[int, tuple[int, int]] = {}

    def take(self, token: Token) -> None:
        kind = token.kind
        if kind is Kind.TEXT:
            # A line feed right behind <pre> belongs to the tag.
            skip = token.start == self.after_pre and self.source.startswith("\n", token.start)
            self.flow.text(token.start + skip, token.end)
        elif kind is Kind.START:
            self._start(token)
        elif kind is Kind.END:
            self._end(token)
        elif kind is Kind.COMMENT:
            if token.name:
                self._leaf(token, token.inner)
        elif kind is Kind.RAW:
            self._raw(token)
        elif kind is Kind.DATA:
            self.flow.literal(*token.inner)
        else:
            reason = "markup begins here that nothing closes: the rest of the source is not rendered"
            self._note(reason, token.start)

    def _start(self, token: Token) -> None:
        tag = token.name
        trait = _trait(tag)
        if trait & _IMPLIES:
            self._close(self.open.before(tag), token.start, token.start, -1)
        if trait & _ACTS and not self._act(token):
            return
        if trait & _LINES:
            self.flow.block(trait & _LINES)
        if trait & _IS_VOID or token.empty:
            self._leaf(token, (token.end, token.end))
            return
        number = self._element(token, (token.end, -1), -1)
        if number < 0:
            return
        self.flow.open()
        self.open.push(number, tag)
        if trait & _IS_PRE:
            self.flow.pre += 1
            self.after_pre = token.end
        self.flow.hidden += tag == "template" and _hides(token.attrs)

    def _act(self, token: Token) -> bool:
        """What the start of some elements means beyond their place; False where no element begins."""
        tag = token.name
        if tag in {"html", "body"}:
            if self.open.has(tag):
                return False
            if tag == "html":
                self.lang = _attribute(token.attrs, "lang") or _attribute(token.attrs, "xml:lang")
        elif tag == "base":
            self.base = self.base or _attribute(token.attrs, "href").strip(WS)
        elif tag == "a":
            self.unfinished = -1
        elif tag == "br":
            self.flow.line()
        elif tag == "q":
            self.flow.insert("“", token.start, token.end)
        elif tag in _CELLS:
            self.flow.cell(token.start)
        else:
            self._picture(token)
        return True

    def _leaf(self, token: Token, inner: tuple[int, int]) -> None:
        """An element without content, or a comment."""
        if self._element(token, inner, token.end) >= 0:
            self.flow.place()

    def _element(self, token: Token, inner: tuple[int, int], end: int) -> int:
        """Notes an element and answers its number; -1 when there are too many."""
        if len(self.tags) == MAX_ELEMENTS:
            if not self.full:
                self._note(
                    f"more than {MAX_ELEMENTS} elements: embeds and links from here on are not read", token.start
                )
            self.full = True
            return -1
        self.tags.append(token.name)
        self.attrs.append(token.attrs)
        self.outer_starts.append(token.start)
        self.outer_ends.append(end)
        self.inner_starts.append(inner[0])
        self.inner_ends.append(inner[1])
        self.parents.append(self.open.top)
        self.ends.append(self.flow.length)
        return len(self.tags) - 1

    def _end(self, token: Token) -> None:
        tag = token.name
        if tag in {"html", "body"}:
            return  # What follows still belongs to the body.
        if tag == "br":
            self.flow.line()
            return
        closed, owner = self.open.end(tag)
        self._close(closed, token.start, token.end, owner)
        if owner >= 0:
            if tag == "q":
                self.flow.insert("”", token.start, token.end)
            return
        if tag == "p":
            self.flow.block(2)
        elif tag == "a" and self.unfinished >= 0:
            self.extended[self.unfinished] = (self.flow.length, token.end)
            self.unfinished = -1

    def _close(self, closed: list[int], start: int, end: int, owner: int) -> None:
        """Ends elements: `owner` by the tag at `start` to `end`, the others by implication at `start`."""
        for element in closed:
            tag = self.tags[element]
            trait = _trait(tag)
            self.inner_ends[element] = start
            self.outer_ends[element] = end if element == owner else start
            self.ends[element] = self.flow.close(element)
            if trait & _LINES:
                self.flow.block(trait & _LINES)
            if trait & _IS_PRE:
                self.flow.pre -= 1
            elif tag == "template":
                self.flow.hidden -= _hides(self.attrs[element])
            elif tag == "a" and element != owner:
                self.unfinished = element

    def _raw(self, token: Token) -> None:
        if token.name == "title":
            if not self.title:
                self.title = " ".join(in_text(self.source[token.start : token.end]).split())
        elif token.name == "textarea":
            self.flow.text(token.start + self.source.startswith("\n", token.start), token.end)
        elif token.name in _SHOWN_RAW:
            self.flow.literal(token.start, token.end)

    def _picture(self, token: Token) -> None:
        alt = _attribute(token.attrs, "alt").strip(WS)
        classes = _attribute(token.attrs, "class").lower().split()
        if alt and not alt.isascii() and not _EMOJI_CLASSES.isdisjoint(classes):
            self.flow.insert(alt, token.start, token.end)

    def _note(self, reason: str, at: int) -> None:
        line = self.source.count("\n", 0, at) + 1
        self.unread.append(Unread(reason=reason, pointer=f"text:{line}:{at - self.source.rfind(chr(10), 0, at)}"))

    def finish(self) -> Rendering:
        size = len(self.source)
        self._close(self.open.rest(), size, size, -1)
        text, runs = self.flow.rendered()
        elements = []
        links = []
        for number, tag in enumerate(self.tags):
            element = Element(
                tag=tag,
                attrs=self.attrs[number],
                outer=Span(start=self.outer_starts[number], end=self.outer_ends[number]),
                inner=Span(start=self.inner_starts[number], end=self.inner_ends[number]),
                text=Span(start=self.flow.starts[number], end=self.ends[number]),
                parent=self.parents[number],
            )
            elements.append(element)
            url = _address(element.get("href")) if tag in {"a", "area"} else ""
            if url:
                words, end = element.text, element.outer.end
                if number in self.extended:
                    last, end = self.extended[number]
                    words = Span(start=min(last, _ink(text, words.start)), end=last)
                links.append(Link(url=url, text=words, source=Span(start=element.outer.start, end=end)))
        return Rendering(
            text=text,
            runs=runs,
            elements=tuple(elements),
            links=tuple(links),
            title=self.title,
            lang=self.lang,
            base=self.base,
            unread=tuple(self.unread),
        )


@cache
def _trait(tag: str) -> int:
    """What the walk does at a tag, as bits: the line breaks at its edges in the lowest two."""
    trait = 2 if tag in _APART else 1 if tag in _BLOCK else 0
    trait |= _IS_PRE if tag in _PRE else 0
    trait |= _IS_VOID if tag in VOID else 0
    trait |= _ACTS if tag in _ACTING else 0
    return trait | (_IMPLIES if implies(tag) else 0)


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
