"""HTML as a stream of tags: what a page says about itself stands in tags, so no tree is built.

A tree would cost quadratic time and memory on hostile nesting; this reads each character a bounded number of
times. It follows the tokenisation stage of the WHATWG HTML standard (§13.2.5) for tags, attributes, comments and
raw text, and knows of the tree only what changes that stage: svg, math and template.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.entities import html5

LIMIT = 8 * 1024 * 1024

_TAG = re.compile(
    r"<(/?)([a-zA-Z][^\s/>]*+)((?:[\s/]*+[^\s/>][^\s/>=]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+|(?=>)))?+)*+[\s/]*+)>"
)
_ATTRIBUTE = re.compile(
    r"[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+)|(?=>)))?+"
)
_REFERENCE = re.compile(
    r"&(?:#0{0,32}[0-9]{1,7}(?![0-9]);?|#[xX]0{0,32}[0-9a-fA-F]{1,6}(?![0-9a-fA-F]);?|([a-zA-Z][a-zA-Z0-9]{0,40})(;?))"
)
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
_RCDATA = frozenset({"title", "textarea"})
_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_BREAKOUT = frozenset(
    ("b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3",
     "h4", "h5", "h6", "head", "hr", "i", "img", "li", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small",
     "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var")
)  # fmt: skip
_META = re.compile(rb"""<meta[^>]{0,500}?charset\s{0,20}=\s{0,20}["']?\s{0,20}([a-zA-Z0-9_:.-]{1,40})""", re.IGNORECASE)
_CODEC = re.compile(
    r"(utf-?8|utf-?16(-?[lb]e)?|windows-?(125\d|874)|iso-?8859-?\d{1,2}|koi8-?[ru]|gb(k|2312|18030)|big5(-?hkscs)?"
    r"|euc-?(jp|kr)|iso-?2022-?jp|shift[-_]?jis|macintosh|us-?ascii|latin-?1|tis-?620|ks_c_5601-1987|x-sjis|cp\d{3,4})"
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# The encoding standard reads these labels as the wider code page that browsers always used.
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A start tag (`name` in lower case), an end tag (`end`), or text between (`name` empty). `text` of a start tag
    is the raw text that it opens (title, script …). `blob` are the attributes as written."""

    name: str = ""
    end: bool = False
    blob: str = ""
    text: str = ""
    foreign: bool = False

    def attributes(self) -> dict[str, str]:
        """Names in lower case to decoded values; the first of a repeated name counts."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.blob):
            value = next((text for text in match.groups()[1:] if text is not None), "")
            found.setdefault(match[1].lower(), references(value, attribute=True))
        return found


def references(text: str, *, attribute: bool = False) -> str:
    """Character references decoded. In an attribute, a name without its semicolon before `=` or a letter is text
    (`?a=1&copy=2` stays), as the standard has it. References longer than any code point stay as they are."""

    def one(match: re.Match[str]) -> str:
        name, semicolon = match[1], match[2]
        if attribute and name and not semicolon:
            follows = text[match.end() : match.end() + 1]
            return match[0] if follows == "=" or name not in html5 else html5[name]
        return unescape(match[0])

    return _REFERENCE.sub(one, text) if "&" in text else text


def tags(source: str, *, with_text: bool = False) -> Iterator[Tag]:
    """The tags of a page in order; with `with_text` also the decoded text between them. Content of `template` is
    left out: it is not part of the page."""
    position, foreign, inert, length = 0, 0, 0, len(source)
    while position < length:
        start = source.find("<", position)
        if with_text and not inert and (start if start >= 0 else length) > position:
            yield Tag(text=references(source[position : start if start >= 0 else length]), foreign=foreign > 0)
        if start < 0:
            return
        match = _TAG.match(source, start)
        if match is None:
            end = _not_a_tag(source, start, foreign > 0)
            if end < 0:
                return
            if with_text and not inert and end == start + 1:
                yield Tag(text="<", foreign=foreign > 0)
            position = end
            continue
        closing, name, blob, position = match[1] == "/", match[2].lower(), match[3], match.end()
        closed = blob.endswith("/")
        if name in {"svg", "math"}:
            foreign = max(0, foreign - 1) if closing else foreign + (not closed)
        elif foreign and not closing and name in _BREAKOUT:
            foreign = 0
        if name == "template":
            inert = max(0, inert - 1) if closing else inert + 1
            continue
        raw = ""
        if not closing and not foreign and name in _RAW:
            ending = _END[name].search(source, position)
            stop = ending.start() if ending else length
            raw, position = source[position:stop], stop
            raw = references(raw) if name in _RCDATA else raw
        if not inert:
            yield Tag(name=name, end=closing, blob=blob, text=raw, foreign=foreign > 0)
        if name == "plaintext" and not closing and not foreign:
            return


def _not_a_tag(source: str, start: int, foreign: bool) -> int:
    """Where reading goes on after a `<` that opens no whole tag; -1 when the rest of the page is inside of it."""
    if source.startswith("<!--", start):
        if source.startswith((">", "->"), start + 4):
            return source.index(">", start + 4) + 1
        end = source.find("-->", start + 4)
        return end + 3 if end >= 0 else -1
    if foreign and source.startswith("<![CDATA[", start):
        end = source.find("]]>", start + 9)
        return end + 3 if end >= 0 else -1
    after = source[start + 1 : start + 3]
    if after[:1] in {"!", "?"} or (after[:1] == "/" and after[1:] and not (after[1].isascii() and after[1].isalpha())):
        end = source.find(">", start + 1)
        return end + 1 if end >= 0 else -1
    opens = after.lstrip("/")[:1]
    return -1 if opens.isascii() and opens.isalpha() else start + 1


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a page: by BOM, else the HTTP charset, else a meta in its first 1,024 bytes, else UTF-8 when it is
    that, else windows-1252 (the order of the HTML standard §13.2.3.2). What cannot be decoded becomes U+FFFD."""
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    declared = re.search(r"charset\s*=\s*[\"']?([^\s;\"']{1,40})", content_type, re.IGNORECASE)
    inside = _META.search(body[:1024])
    for label in (declared[1] if declared else "", inside[1].decode("ascii") if inside else ""):
        name = _codec(label)
        if inside and not declared and name.startswith("utf-16"):
            name = "utf-8"  # a meta that could be read as ASCII is not UTF-16
        if name:
            return body.decode(name, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = error.end >= len(body) and error.reason == "unexpected end of data"
        return body.decode("utf-8" if whole else "cp1252", "replace")


def _codec(label: str) -> str:
    label = label.strip().lower()
    if not _CODEC.fullmatch(label):
        return ""
    try:
        name = codecs.lookup({"macintosh": "mac-roman", "x-sjis": "shift_jis"}.get(label, label)).name
    except LookupError:
        return ""
    return _WIDER.get(name, name)
