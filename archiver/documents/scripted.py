"""Embeds that a page keeps as escaped strings in its scripts (the state of a client-side application).

Their words are escaped more than once and are not part of the page's text, so only the post that they stand for is
read: the last status address inside the escaped blockquote.
"""

from __future__ import annotations

import re

from archiver.documents.embeds import Embed
from archiver.documents.markup import Rendering
from archiver.model import Span

MARKUP = "script-string"
_SCRIPTS = frozenset({"script"})
_HEAD = re.compile(r"twitter-(?:tweet|video)\\{1,8}(?:[\"']|u0022)")
_STATUS = re.compile(
    r"(?:twitter|x)\.com(?:\\{0,8}/|\\u002[fF])(\w{1,20})(?:\\{0,8}/|\\u002[fF])status(?:es)?(?:\\{0,8}/|\\u002[fF])([0-9]{1,20})"
)
_REACH = 6000  # an escaped embed of a long post


def find(rendering: Rendering, source: str) -> tuple[Embed, ...]:
    """The embeds kept in scripts, in order; the span of each is the escaped markup."""
    found: list[Embed] = []
    for element in rendering.elements.tagged(_SCRIPTS):
        heads = list(_HEAD.finditer(source, element.inner.start, element.inner.end))
        for index, head in enumerate(heads):
            following = heads[index + 1].start() if index + 1 < len(heads) else element.inner.end
            limit = min(following, head.end() + _REACH)
            end = source.find("blockquote", head.end(), limit)
            statuses = list(_STATUS.finditer(source, head.end(), end if end >= 0 else limit))
            if statuses:
                last = statuses[-1]
                place = Span(start=head.start(), end=last.end())
                point = Span(start=element.text.start, end=element.text.start)
                url = f"https://x.com/{last[1]}/status/{last[2]}"
                found.append(Embed(outer=place, text=point, markup=MARKUP, url=url, platform="x"))
    return tuple(found)
