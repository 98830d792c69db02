"""HTML as text with a source map, in one positioned walk: every element, link and word knows its place.

The walk renders as a browser without scripting does (WHATWG 13.2 and 15.3): references resolved, white space
collapsed, blocks on lines of their own, `noscript` shown, scripts and styles not. Whether a style sheet hides
something is not judged. Attributes and comments are kept, for embeds live there.

Two things a browser shows as pictures are rendered as text, for quotations hold them: an emoji image as its
`alt`, and the quotation marks of `q`.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.documents.flow import Flow
from archiver.documents.tokens import WS, Kind, Token, tokens
from archiver.documents.tree import HEADINGS, VOID, OpenElements
from archiver.model import Link, Run, Span, Unread

# Line breaks at the edges: two where a browser's style sheet has a margin, else one.
_APART = HEADINGS | {"p", "blockquote", "pre", "figure", "ul", "ol", "dl", "menu", "table", "hr", "listing", "xmp"}
_BLOCK = _APART | frozenset({
    "address", "article", "aside", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dt",
    "fieldset", "figcaption", "footer", "form", "header", "hgroup", "html", "legend", "li", "main", "nav",
    "noscript", "optgroup", "option", "section", "search", "summary", "tbody", "textarea", "tfoot", "thead", "tr",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
_PRE = frozenset({"pre", "listing", "xmp", "textarea", "plaintext"})
_SHOWN_RAW = frozenset({"textarea", "xmp", "plaintext"})
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
        "base",
        "ends",
        "extended",
        "flow",
        "heads",
        "inner_ends",
        "lang",
        "open",
        "outer_ends",
        "source",
        "title",
        "unfinished",
        "unread",
    )

    def __init__(self, source: str) -> None:
        self.source = source
        self.flow = Flow(source)
        self.open = OpenElements()
        # One entry an element in each list; the starts of their texts stand in the flow.
        self.heads: list[tuple[Token, int]] = []
        self.inner_ends: list[int] = []
        self.outer_ends: list[int] = []
        self.ends: list[int] = []
        self.title = self.lang = self.base = ""
        self.unread: list[Unread] = []
        self.after_pre = -1
        # A link that a block cut short goes on to its own end tag: browsers reopen it behind the block's edge.
        self.unfinished = -1
        self.extended: dict[int, tuple[int, int]] = {}

    def take(self, token: Token) -> None:
        match token.kind:
            case Kind.TEXT:
                # A line feed right behind <pre> belongs to the tag.
                skip = token.start == self.after_pre and self.source.startswith("\n", token.start)
                self.flow.text(token.start + skip, token.end)
            case Kind.START:
                self._start(token)
            case Kind.END:
                self._end(token)
            case Kind.COMMENT:
                if token.name:
                    self._leaf(token)
            case Kind.RAW:
                self._raw(token)
            case Kind.DATA:
                self.flow.literal(*token.inner)
            case Kind.CUT:
                line = self.source.count("\n", 0, token.start) + 1
                column = token.start - self.source.rfind("\n", 0, token.start)
                reason = "markup begins here that nothing closes: the rest of the source is not rendered"
                self.unread.append(Unread(reason=reason, pointer=f"text:{line}:{column}"))

    def _start(self, token: Token) -> None:
        tag = token.name
        self._close(self.open.before(tag), token.start, token.start, -1)
        if tag in {"html", "body"} and self.open.has(tag):
            return
        if tag == "html":
            self.lang = _attribute(token, "lang") or _attribute(token, "xml:lang")
        elif tag == "base":
            self.base = self.base or _attribute(token, "href").strip(WS)
        elif tag == "a":
            self.unfinished = -1
        elif tag == "br":
            self.flow.line()
        elif tag in {"img", "image"}:
            self._picture(token)
        elif tag in _CELLS:
            self.flow.cell(token.start)
        elif tag == "q":
            self.flow.insert("“", token.start, token.end)
        if tag in _BLOCK:
            self.flow.block(2 if tag in _APART else 1)
        if tag in VOID or token.empty:
            self._leaf(token)
            return
        self.heads.append((token, self.open.top))
        self.inner_ends.append(-1)
        self.outer_ends.append(-1)
        self.ends.append(-1)
        self.flow.open()
        self.open.push(len(self.heads) - 1, tag)
        if tag in _PRE:
            self.flow.pre += 1
            self.after_pre = token.end
        self.flow.hidden += _hides(token)

    def _leaf(self, token: Token) -> None:
        """An element without content, or a comment."""
        self.heads.append((token, self.open.top))
        self.inner_ends.append(token.inner[1] if token.kind is Kind.COMMENT else token.end)
        self.outer_ends.append(token.end)
        self.flow.place()
        self.ends.append(self.flow.length)

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
            token, _ = self.heads[element]
            tag = token.name
            self.inner_ends[element] = start
            self.outer_ends[element] = end if element == owner else start
            self.ends[element] = self.flow.close(element)
            self.flow.pre -= tag in _PRE
            self.flow.hidden -= _hides(token)
            if tag in _BLOCK:
                self.flow.block(2 if tag in _APART else 1)
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
        alt = _attribute(token, "alt").strip(WS)
        classes = _attribute(token, "class").lower().split()
        if alt and not alt.isascii() and not _EMOJI_CLASSES.isdisjoint(classes):
            self.flow.insert(alt, token.start, token.end)

    def finish(self) -> Rendering:
        size = len(self.source)
        self._close(self.open.rest(), size, size, -1)
        text, runs = self.flow.rendered()
        elements = []
        links = []
        for index, (token, parent) in enumerate(self.heads):
            inner = token.inner[0] if token.kind is Kind.COMMENT else token.end
            element = Element(
                tag=token.name,
                attrs=token.attrs,
                outer=Span(start=token.start, end=self.outer_ends[index]),
                inner=Span(start=inner, end=self.inner_ends[index]),
                text=Span(start=self.flow.starts[index], end=self.ends[index]),
                parent=parent,
            )
            elements.append(element)
            url = _address(element.get("href")) if token.name in {"a", "area"} else ""
            if url:
                words, end = element.text, element.outer.end
                if index in self.extended:
                    last, end = self.extended[index]
                    words = Span(start=min(last, _ink(text, words.start)), end=last)
                links.append(Link(url=url, text=words, source=Span(start=token.start, end=end)))
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


def _attribute(token: Token, name: str) -> str:
    return next((value for key, value in token.attrs if key == name), "")


def _hides(token: Token) -> bool:
    """A template is not shown, but for a declarative shadow root."""
    return token.name == "template" and not _attribute(token, "shadowrootmode")


def _address(href: str) -> str:
    """An address as the URL standard takes it from an attribute: no white space around it, no line breaks inside."""
    return href.strip(WS).replace("\n", "").replace("\r", "").replace("\t", "")
