"""Which elements are open: implied end tags and scopes of WHATWG 13.2.6, each step in constant time.

Every open element stands on a stack; for each tag and each kind of boundary a list says where on the stack it
stands. So "is there a p in button scope" is a comparison of two numbers, however deep the nesting.
"""

from __future__ import annotations

from collections import defaultdict

VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "basefont", "bgsound", "frame", "keygen",
})  # fmt: skip
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)  # fmt: skip
_CLOSES_P = HEADINGS | frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "li", "listing", "main", "menu",
    "nav", "ol", "p", "plaintext", "pre", "search", "section", "summary", "table", "ul", "xmp",
})  # fmt: skip
_SCOPE = frozenset({"applet", "caption", "html", "table", "td", "th", "marquee", "object", "template", "foreignobject"})
_TABLE = frozenset({"html", "table", "template"})
_TABLE_PARTS = frozenset({"caption", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"})
_SPECIAL = (
    HEADINGS
    | _SCOPE
    | _TABLE_PARTS
    | (_CLOSES_P - {"dialog", "fieldset", "search"})
    | frozenset({"body", "button", "fieldset", "frameset", "head", "iframe", "noembed", "noframes", "noscript"})
    | frozenset({"script", "search", "section", "select", "style", "textarea", "title"})
)
_SECTIONS = ("tbody", "thead", "tfoot")
# What a start tag of a table part closes first, innermost last.
_CLOSED_BY: dict[str, tuple[tuple[str, ...], ...]] = {
    "td": (("td", "th"),),
    "th": (("td", "th"),),
    "tr": (("tr",),),
    "tbody": ((*_SECTIONS, "caption", "colgroup"), ("tr",)),
    "thead": ((*_SECTIONS, "caption", "colgroup"), ("tr",)),
    "tfoot": ((*_SECTIONS, "caption", "colgroup"), ("tr",)),
}


# Start tags that can end elements which are open.
IMPLYING = _CLOSES_P | _CLOSED_BY.keys() | {"a", "option", "optgroup", "button", "body"}


def _keys(tag: str) -> tuple[str, ...]:
    """The lists in which an open element of this tag stands: its own and those of the boundaries that it is."""
    keys = [tag]
    if tag in _SCOPE:
        keys.append("#scope")
    if tag in _SCOPE or tag == "button":
        keys.append("#button")
    if tag in _SCOPE or tag in {"ol", "ul"}:
        keys.append("#list")
    if tag in _TABLE:
        keys.append("#table")
    if tag in _SPECIAL:
        keys.append("#special")
        if tag not in {"address", "div", "p"}:
            keys.append("#stop")
    if tag in HEADINGS:
        keys.append("#heading")
    return tuple(keys)


def _boundary(tag: str) -> str:
    """Beyond what an end tag does not reach."""
    if tag == "p":
        return "#button"
    if tag == "li":
        return "#list"
    if tag in _TABLE_PARTS or tag == "table":
        return "#table"
    return "#scope" if tag in _SPECIAL or tag in FORMATTING else "#special"


# Of the tags that are no plain ones; all others have their own list alone, and end at `#special`.
_KEYS = {tag: _keys(tag) for tag in _SPECIAL | _SCOPE | _TABLE | HEADINGS | {"ol", "ul", "button"}}
_BOUNDARIES = {tag: _boundary(tag) for tag in _SPECIAL | FORMATTING | _TABLE_PARTS | {"p", "li", "table"}}


class OpenElements:
    """The stack of open elements, each by its number; `top` is the innermost, -1 when none is open.

    The methods that close answer the numbers of what ends, innermost first.
    """

    __slots__ = ("_places", "_stack", "_tags", "top")

    def __init__(self) -> None:
        # A formatting element that was ended out of order stays on the stack as number -1 until what it holds ends.
        self._stack: list[int] = []
        self._tags: list[str] = []
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        self.top = -1

    def has(self, tag: str) -> bool:
        return bool(self._places[tag])

    def push(self, element: int, tag: str) -> None:
        place = len(self._stack)
        for key in _KEYS.get(tag) or (tag,):
            self._places[key].append(place)
        self._stack.append(element)
        self._tags.append(tag)
        self.top = element

    def before(self, tag: str) -> list[int]:
        """What a start tag of this name ends first."""
        closed: list[int] = []
        if tag in _CLOSES_P and self._last("p") > self._last("#button"):
            closed += self._cut(self._last("p"))
        if tag in {"li", "dd", "dt"}:
            stop = self._last("#stop")
            if stop >= 0 and self._tags[stop] in ({"li"} if tag == "li" else {"dd", "dt"}):
                closed += self._cut(stop)
        elif tag in HEADINGS:
            if self._tags and self._tags[-1] in HEADINGS:
                closed += self._cut(len(self._stack) - 1)
        elif tag == "a":
            if self._last("a") > self._last("#scope"):
                closed += self._end_formatting("a")
        elif tag in {"option", "optgroup"}:
            while self._tags and self._tags[-1] in ({"option"} if tag == "option" else {"option", "optgroup"}):
                closed += self._cut(len(self._stack) - 1)
        elif tag == "button":
            if self._last("button") > self._last("#scope"):
                closed += self._cut(self._last("button"))
        elif tag == "body":
            if self.has("head"):
                closed += self._cut(self._last("head"))
        elif tag in _CLOSED_BY:
            for names in reversed(_CLOSED_BY[tag]):
                place = max(self._last(name) for name in names)
                if place > self._last("#table"):
                    closed += self._cut(place)
        return closed

    def end(self, tag: str) -> tuple[list[int], int]:
        """What an end tag of this name ends, and which of them it belongs to (-1: none, it is stray)."""
        if tag in HEADINGS:
            place, limit = self._last("#heading"), self._last("#scope")
        else:
            place, limit = self._last(tag), self._last(_BOUNDARIES.get(tag, "#special"))
        if place < 0 or place < limit:
            return [], -1
        element = self._stack[place]
        if tag in FORMATTING and self._last("#special") > place:
            return self._end_formatting(tag), element
        return self._cut(place), element

    def rest(self) -> list[int]:
        """Everything that is still open when the source ends."""
        return self._cut(0)

    def _last(self, key: str) -> int:
        places = self._places.get(key)
        return places[-1] if places else -1

    def _cut(self, place: int) -> list[int]:
        closed = []
        stack, tags, lists = self._stack, self._tags, self._places
        while len(stack) > place:
            element, tag = stack.pop(), tags.pop()
            if element >= 0:
                closed.append(element)
                for key in _KEYS.get(tag) or (tag,):
                    lists[key].pop()
        while stack and stack[-1] < 0:
            stack.pop()
            tags.pop()
        self.top = stack[-1] if stack else -1
        return closed

    def _end_formatting(self, tag: str) -> list[int]:
        """Ends the last formatting element of this name alone: the blocks inside it stay open."""
        place = self._places[tag][-1]
        if place == len(self._stack) - 1:
            return self._cut(place)
        for key in _KEYS.get(tag) or (tag,):
            self._places[key].pop()
        element = self._stack[place]
        self._stack[place] = -1
        return [element]
