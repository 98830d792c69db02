"""Post content: sanitised HTML as plain text. Paragraphs are parted by an empty line, `<br>` is a line break, a
link shows its whole address where the server only hid parts of it, custom emoji are `:shortcode:`.

What software adds for readers that do not know quotes (`quote-inline`, "RE: address") is not the author's words and
is left out; but only when it holds nothing else, so that no words can be hidden behind its class.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from archiver.platforms.web.address import normal
from archiver.platforms.web.markup import Tag, tags

_BLOCKS = frozenset(
    ("p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "table", "figure")
)
_LINES = frozenset(("li", "tr", "dt", "dd", "hr"))
_FALLBACK = frozenset(("quote-inline", "reference-link-inline"))
_MENTION = frozenset(("mention", "hashtag", "u-hashtag"))
_SPACE = re.compile("[ \t\n\f\r]+")
_ONLY_A_LINK = re.compile(r"\s*(?:[A-Z]{2}:\s*)?(?:[!-~…]{1,2000}|\S{1,8})\s*")  # one address, or one short word
_TRAILING = re.compile(r"\b(?:RE|QT|QP): ?(https?://\S+)$")
_TAIL = 4_000  # only the end of a text is searched for a quote's stand-in
LONGEST = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`links` are addresses in the text, in normal form, but for mentions and hashtags; `fallback` those that stood in
    a quote's stand-in; `truncated` when there was more than what is read."""

    text: str
    links: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    truncated: bool = False


@dataclass(slots=True)
class _Anchor:
    href: str
    start: int
    mention: bool


def read(html: str, *, quoted: Collection[str] = ()) -> Content:
    """The text and links of HTML content. `quoted` are addresses that the post quotes by its fields."""
    out: list[str] = []
    links: list[str] = []
    fallback: list[str] = []
    anchor: _Anchor | None = None
    aside: tuple[str, int, int] | None = None  # element name, open depth, start in `out`
    aside_links: list[str] = []
    pre = 0
    for tag in tags(html[:LONGEST], with_text=True):
        if not tag.name:
            out.append(tag.text if pre else _SPACE.sub(" ", tag.text))
            continue
        if aside is not None and tag.name == aside[0]:
            aside = (aside[0], aside[1] + (-1 if tag.end else 1), aside[2])
        if tag.name == "a":
            if anchor is not None:
                _close(anchor, out, aside_links if aside else links)
            anchor = None if tag.end else _open(tag, len(out))
        elif tag.name == "br":
            out.append("\n")
        elif tag.name == "img" and not tag.end:
            out.append(_emoji(tag))
        elif tag.name in _LINES:
            out.append("\n")
        if tag.name == "pre":
            pre = max(0, pre + (-1 if tag.end else 1))
        if aside is not None and aside[1] <= 0:
            inside = "".join(out[aside[2] :])
            if aside_links and _ONLY_A_LINK.fullmatch(inside):
                del out[aside[2] :]
                fallback.extend(aside_links)
            else:
                links.extend(aside_links)
            aside, aside_links = None, []
        if tag.name in _BLOCKS:
            out.append("\n\n")
        if not tag.end and aside is None and _classes(tag) & _FALLBACK:
            aside = (tag.name, 1, len(out))
    if anchor is not None:
        _close(anchor, out, links)
    links.extend(aside_links)
    text = tidy("".join(out))
    trailing = _TRAILING.search(text, max(0, len(text) - _TAIL))
    if trailing and trailing[1] in quoted:
        text = text[: trailing.start()].rstrip()
    return Content(
        text=text,
        links=tuple(url for url in dict.fromkeys(links) if url not in quoted),
        fallback=tuple(dict.fromkeys(fallback)),
        truncated=len(html) > LONGEST,
    )


def _open(tag: Tag, start: int) -> _Anchor:
    values = tag.attributes()
    classes = set(values.get("class", "").split())
    return _Anchor(
        href=normal(values.get("href", "").strip()) or "",
        start=start,
        mention=bool(classes & _MENTION) or "tag" in values.get("rel", "").split(),
    )


def _close(anchor: _Anchor, out: list[str], links: list[str]) -> None:
    """Records the link; a shown address that was cut with an ellipsis is written out."""
    if anchor.mention or not anchor.href:
        return
    links.append(anchor.href)
    shown = "".join(out[anchor.start :]).strip()
    stem = shown.removesuffix("…").removesuffix("...")
    bare = anchor.href.split("://", 1)[1]
    if stem != shown and stem and (anchor.href.startswith(stem) or bare.removeprefix("www.").startswith(stem)):
        out[anchor.start :] = [anchor.href]


def _classes(tag: Tag) -> set[str]:
    return set(tag.attributes().get("class", "").split()) if "class" in tag.blob else set()


def _emoji(tag: Tag) -> str:
    alt = tag.attributes().get("alt", "")
    return alt if "emoji" in tag.attributes().get("class", "") or re.fullmatch(r":[\w.@-]{1,100}:", alt) else ""


def tidy(text: str) -> str:
    """No blanks at line ends, at most one empty line, nothing at the ends."""
    lines = [line.strip(" \t") for line in text.replace("\r\n", "\n").split("\n")]
    text = re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")
    return re.sub("[\x00\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
