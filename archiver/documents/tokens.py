"""Tokens of HTML with their places: a small tokenizer in the manner of WHATWG 13.2.5, linear for any input.

Every search either finds its end, and all up to there is consumed, or finds none, and the rest of the source
belongs to the unfinished construct, as in a browser. So nothing is looked at more than a fixed number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.documents.references import in_attribute

WS = "\t\n\f\r "
RAW = frozenset({"script", "style", "iframe", "noembed", "noframes", "xmp", "textarea", "title", "plaintext"})
_FOREIGN = frozenset({"svg", "math"})
# Elements that end foreign content even when </svg> is missing (WHATWG 13.2.6.5).
_BREAKOUT = frozenset({
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3",
    "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby",
    "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var",
})  # fmt: skip
# What may stand inside foreign content and hold HTML again, so that a break-out there is none.
_INTEGRATION = frozenset({"foreignobject", "desc", "annotation-xml"})

_MARK = re.compile(r"<(?=[a-zA-Z!?]|/[\s\S])")
_TAG = re.compile(rf"<(/?)([a-zA-Z][^{WS}/>]*+)")
_ATTRIBUTE = re.compile(
    rf"[{WS}/]*+([^{WS}/>][^{WS}/>=]*+)"
    rf"""(?:[{WS}]*+=[{WS}]*+(?:"([^"]*+)"|'([^']*+)'|([^{WS}>"'][^{WS}>]*+)|(?=>)))?"""
)
_VALUE_FOLLOWS = re.compile(rf"[{WS}]*+=")
_TAG_END = re.compile(rf"[{WS}/]*+>")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT = re.compile(rf"<!--|-->|<(/?)script(?=[{WS}/>])", re.IGNORECASE | re.ASCII)
_RAW_END = {
    name: re.compile(rf"</{name}(?=[{WS}/>])", re.IGNORECASE | re.ASCII) for name in RAW - {"script", "plaintext"}
}


# Kinds of tokens. START and END are tags; RAW is the content of an element that holds no markup; COMMENT and DATA hold
# text. CUT says that the source ends inside a construct which began at `start`: the rest is not shown.
TEXT, START, END, COMMENT, RAW_TEXT, DATA, CUT = range(7)

# Kind, start and end in the source, name, attributes, the place of what a comment or CDATA section holds, and whether
# a start tag closes itself (which counts only in SVG and MathML). A plain tuple: there are hundreds of thousands.
Token = tuple[int, int, int, str, tuple[tuple[str, str], ...], tuple[int, int], bool]
_NOWHERE = (0, 0)


def tokens(source: str) -> Iterator[Token]:
    """All tokens of the source, in order."""
    at, size, foreign = 0, len(source), 0
    while at < size:
        mark = _MARK.search(source, at)
        lt = mark.start() if mark else size
        if lt > at:
            yield TEXT, at, lt, "", (), _NOWHERE, False
        if lt == size:
            return
        tag = _TAG.match(source, lt)
        if tag is None:
            kind, at, name, inner = _declaration(source, lt, foreign > 0)
            if at < 0:
                yield CUT, lt, size, "", (), _NOWHERE, False
                at = size
            yield kind, lt, at, name, (), inner, False
            continue
        name = tag[2].lower() if tag[2].isascii() else tag[2]
        attrs, end, slash = _attributes(source, tag.end())
        if end < 0:
            yield CUT, lt, size, "", (), _NOWHERE, False
            return
        if tag[1]:
            foreign -= foreign > 0 and name in _FOREIGN
            yield END, lt, end, name, (), _NOWHERE, False
            at = end
            continue
        if foreign and name in _BREAKOUT:
            foreign = 0
        empty = slash and foreign > 0
        if name in _FOREIGN and not slash:
            foreign += 1
        elif foreign and name in _INTEGRATION and not slash:
            foreign = 0
        yield START, lt, end, name, attrs, _NOWHERE, empty or (slash and name in _FOREIGN)
        at = end
        if name in RAW and not empty:
            at = _raw_end(source, name, end)
            if at < 0:
                yield CUT, lt, size, "", (), _NOWHERE, False
                at = size
            if at > end:
                yield RAW_TEXT, end, at, name, (), _NOWHERE, False


def _attributes(source: str, at: int) -> tuple[tuple[tuple[str, str], ...], int, bool]:
    """The attributes from `at`, where the tag ends (-1: nowhere), and whether it ends in a slash."""
    if source.startswith(">", at):
        return (), at + 1, False
    found: dict[str, str] = {}
    while True:
        end = _TAG_END.match(source, at)
        if end:
            return tuple(found.items()), end.end(), source[end.end() - 2] == "/"
        match = _ATTRIBUTE.match(source, at)
        if match is None:
            return (), -1, False
        at = match.end()
        name, double, single, bare = match.groups()
        value = double or single or bare or ""
        if not value and double is None and single is None:
            follows = _VALUE_FOLLOWS.match(source, at)
            if follows:  # A quotation mark that nothing closes.
                return (), -1, False
        found.setdefault(name.lower() if name.isascii() else name, in_attribute(value))


def _declaration(source: str, lt: int, foreign: bool) -> tuple[int, int, str, tuple[int, int]]:
    """What starts with `<` and is no tag: a comment or a CDATA section. Kind, end (-1 when nothing closes a comment),
    name, and where its content stands."""
    if source.startswith("<!--", lt):
        if source.startswith(">", lt + 4) or source.startswith("->", lt + 4):
            return COMMENT, source.index(">", lt) + 1, "#comment", (lt + 4, lt + 4)
        close = _COMMENT_END.search(source, lt + 4)
        return COMMENT, close.end() if close else -1, "#comment", (lt + 4, close.start() if close else len(source))
    if foreign and source.startswith("<![CDATA[", lt):
        close_at = source.find("]]>", lt + 9)
        if close_at < 0:
            return DATA, len(source), "", (lt + 9, len(source))
        return DATA, close_at + 3, "", (lt + 9, close_at)
    # A doctype, a processing instruction, an end tag without a name: comments to the parser, but nobody wrote one.
    end = source.find(">", lt + 2) + 1
    return COMMENT, end or -1, "", (lt + 2, end - 1 if end else len(source))


def _raw_end(source: str, name: str, at: int) -> int:
    """Where the content of a raw text element ends: before its end tag, or -1 when there is none."""
    if name == "plaintext":
        return len(source)
    if name != "script":
        close = _RAW_END[name].search(source, at)
        return close.start() if close else -1
    escaped, nested = False, False
    for mark in _SCRIPT.finditer(source, at):
        if mark[0] == "<!--":
            escaped = True
        elif mark[0] == "-->":
            escaped = nested = False
        elif not mark[1]:
            nested = nested or escaped
        elif nested:
            nested = False
        else:
            return mark.start()
    return -1
