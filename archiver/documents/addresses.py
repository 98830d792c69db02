"""Addresses that stand bare in a text: with a scheme, or one of the few hosts that people write without.

An X short link (`t.co/KEY`, `pic.twitter.com/KEY`, `pic.x.com/KEY`) is often glued to the words around it, and its
key has at most ten letters and digits: so it may start inside a word and ends after the tenth.
"""

from __future__ import annotations

import re

from archiver.model import Link, Span

_STOP = r"\s<>\"`|\\…“”„«»。、，）」』】\[\]{}"
_KEY = r"/[A-Za-z0-9]{1,10}"
_ADDRESS = re.compile(
    rf"(?:https?://)?pic\.(?:twitter|x)\.com{_KEY}"
    rf"|https?://t\.co{_KEY}"
    rf"|(?<![\w.@/-])t\.co{_KEY}"
    rf"|https?://[^{_STOP}]+"
    rf"|(?<![\w.@/-])(?:(?:www|mobile|m)\.)?(?:twitter\.com|x\.com|bsky\.app)/[^{_STOP}]+"
    rf"|(?<![\w/])at://did:[^{_STOP}]+",
    re.IGNORECASE,
)
MEDIA_LINK = re.compile(r"(?:https?://)?pic\.(?:twitter|x)\.com/[A-Za-z0-9]{1,10}", re.IGNORECASE)
_SHORT = re.compile(r"(?:https?://)?(?:t\.co|pic\.(?:twitter|x)\.com)/", re.IGNORECASE)
_TRAILING = ".,;:!?'’*_~)&"


def bare(text: str) -> tuple[Link, ...]:
    """Every bare address of a text, in order, without the punctuation that follows it; both spans point into `text`.

    `url` always has a scheme: `https://` is added where the text has none.
    """
    if "/" not in text:
        return ()
    return tuple(_link(text, found.start(), found.end()) for found in _ADDRESS.finditer(text))


def is_short(url: str) -> bool:
    """Whether an address is one of X's short links."""
    return bool(_SHORT.match(url))


def _link(text: str, start: int, end: int) -> Link:
    opened = text.count("(", start, end) - text.count(")", start, end)
    while end > start and text[end - 1] in _TRAILING:
        if text[end - 1] == ")":
            if opened >= 0:
                break
            opened += 1
        end -= 1
    url = text[start:end]
    span = Span(start=start, end=end)
    return Link(url=url if "://" in url else f"https://{url}", text=span, source=span, role="bare")
