"""One embed: what an element of a page says of the post that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.documents.elements import Element
from archiver.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """One embed. `outer` is the element in the source, `text` what it renders as, `quote` the post's words there.

    `url` is the address that the markup itself names, empty where it names none. `cid` is the version that a
    Bluesky embed pins.
    """

    outer: Span
    text: Span
    markup: str
    url: str = ""
    quote: Span | None = None
    platform: str = ""
    handle: str = ""
    name: str = ""
    day: str = ""
    dated: str = ""
    zone: str = ""
    cid: str = ""


def plain(element: Element, markup: str, url: str) -> Embed | None:
    """An embed of which only the address is read; None without one.

    An element that nothing closes (a component of MDX, which closes itself, is one to a parser of HTML) is its
    start tag alone: the rest of the document does not belong to it.
    """
    if not url:
        return None
    if element.outer.end == element.inner.end and element.inner.start < element.inner.end:
        start = element.text.start
        outer = Span(start=element.outer.start, end=element.inner.start)
        return Embed(outer=outer, text=Span(start=start, end=start), markup=markup, url=url)
    return Embed(outer=element.outer, text=element.text, markup=markup, url=url)
