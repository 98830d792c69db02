"""t.co: 301 with Location for a plain client, 200 with a meta refresh for a browser."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urljoin, urlsplit

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Outcome, Ref
from archiver.platforms.outcomes import http
from archiver.platforms.x.address import claim
from archiver.platforms.x.sheet import Sheet

_REFRESH = re.compile(r"""<meta\s+http-equiv=["']?refresh["']?\s+content=(["'])\s*\d+\s*;\s*url=(.*?)\1""", re.I | re.S)
MOST_PAGE = 32 << 10
"""Bytes of a page that are searched: it has some hundred, and a search without an end takes the square of them."""
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_WARNING = "/safety/unsafe_link_warning"


def read(asked: Ref, answer: Answer, sheet: Sheet) -> None:
    """The short link leads to a post or page: an asserted edge whose `pinned` is the exact address.

    ParseError when the answer should redirect and does not say where.
    """
    status = answer.status or 0
    if 300 <= status < 400:
        where, pointer = answer.header("location"), "header:location"
    else:
        outcome = http(status)
        if outcome is not None:
            sheet.find(asked, outcome, f"HTTP {status}", "status")
            return
        refresh = _REFRESH.search(answer.body[:MOST_PAGE].decode("utf-8", "replace"))
        where, pointer = (html.unescape(refresh[2]), "text:meta-refresh") if refresh else ("", "text:1:1")
    try:
        address = _warned(urljoin(answer.url or answer.request.url, where.strip())) if where else ""
        named = urlsplit(address).hostname
    except ValueError:
        address, named = "", None
    if not named or not address.startswith(("http://", "https://")) or _CONTROL.search(address):
        raise ParseError("a short link that leads nowhere", pointer=pointer)
    target = claim(address) or Ref(platform="web", kind="page", id=address)
    if target == asked:
        raise ParseError("a short link that leads to itself", pointer=pointer)
    sheet.edge(EdgeKind.RESOLVES_TO, asked, target, pointer, address)
    sheet.find(asked, Outcome.LIVE, f"HTTP {status}", pointer)


def _warned(address: str) -> str:
    """X may put a warning page in between; it names the real address."""
    parts = urlsplit(address)
    if parts.path == _WARNING and parts.hostname in {"x.com", "twitter.com"}:
        return parse_qs(parts.query).get("unsafe_link", [address])[0]
    return address
