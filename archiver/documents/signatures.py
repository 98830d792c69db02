"""Signatures: the line under a quoted post, `— Name (@handle) October 28, 2024`.

What makes a signature is a handle in parentheses with a date right behind it, or a dash at a line start before
the name. The dash may be lost, the whole may be glued to the words before it, and the date to the word after it
(51 of 373 signatures in recorded articles are glued). Handles say which platform it is: letters only for X, a
domain for Bluesky, user@host for the fediverse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.documents import dates
from archiver.model import Span

_HANDLE = re.compile(
    r"[(（]\s?\[?@((?:[A-Za-z0-9_-]|\\_|\.(?=[A-Za-z0-9])|@(?=[A-Za-z0-9])){1,253})(?:\]\([^()\s]{0,500}\))?\s?[)）]"
)
# From the handle to its date: the end of a Markdown link around the name, emphasis, a separator, the start of a link.
_TO_DATE = re.compile(
    r"(?:\]\([^()\s]{0,500}\))?[*_]{0,3}(?:[\s,:·•|–—-]|&nbsp;|<br ?/?>){0,6}(?:on\s)?(?:<a\s[^<>]{0,500}>)?[\[(]{0,2}"
)
_LINKED = re.compile(r"\]\(\s?<?([^()\s<>]{1,500}(?:\([^()\s]{0,100}\))?)[^()\n]{0,100}\)|</a>")
_HREF = re.compile(r"href\s?=\s?[\"']?([^\"'\s>]{1,400})", re.IGNORECASE)
_CUT_DATE = re.compile(r"([^\W\d_]{3,12})\.?\s\d{1,2}(?:,?\s?\d{1,3})?(?!\d)")
_INSTAGRAM = re.compile(r"A (?:post|photo|video) (?:shared|posted) by ", re.IGNORECASE)
_DASH = re.compile(
    r"&mdash;|&ndash;|&#8212;|&#8211;|&horbar;|&#x201[345];|â€”|â€“|[—–―‒]|(?<![^\s])\\?-{2,3}(?=[\s\[*\w])|--(?=\s)"
    r"|(?<![^\s])\\?-(?=[\s\[*\w])|(?<![^\n])~(?=\s)",
    re.IGNORECASE,
)
_ANY_DASH = re.compile("[-—–―‒&â]")
_FIRM = ("&", "â", "—", "―")  # dashes that hardly occur inside a name
_WRAPPED = re.compile(r"\[([^\[\]]{1,120})\]\([^()\s]{0,500}\)")
_BREAK = re.compile(r"\n|\s{2,}")
_LINK_END = re.compile(r"(?:pic\.(?:twitter|x)\.com|https?:/)/\S{1,100}\s")
_SENTENCE_END = re.compile(r"[.!?…”\"]\s")
_CAPITALS = re.compile(r"(?:[^\W\d_a-z]\S*\s){0,4}[^\W\d_a-z]\S*$")
_BACK = 120  # X allows 50 characters in a name; markup around it takes more


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature. `span` runs from the dash (or the name, where the dash is lost) to the end of the date.

    `day` is empty where there is no date or its order is not certain; `dated` is the date as written. `url` is
    where the date links to, if the text itself says so (Markdown, raw HTML). `clock` is true when a time of day
    stands beside the date; `dash` when a dash opens the signature.
    """

    span: Span
    platform: str
    handle: str
    name: str
    day: str = ""
    dated: str = ""
    url: str = ""
    clock: bool = False
    dash: bool = False

    @property
    def zone(self) -> str:
        """X renders the UTC day into embeds; Bluesky the day of whoever embedded, and a time of day is a reader's."""
        return "utc" if self.platform == "x" and not self.clock else "local"


def find(text: str, langs: tuple[str, ...] = (), within: Span | None = None) -> tuple[Signature, ...]:
    """Every signature of a text (or a part of it), in order, none overlapping another."""
    found: list[Signature] = []
    floor = within.start if within else 0
    ceiling = within.end if within else len(text)
    for handle in _HANDLE.finditer(text, floor, ceiling):
        signature = _read(text, handle, floor, ceiling, langs)
        if signature is not None:
            found.append(signature)
            floor = signature.span.end
    return tuple(found)


def last(text: str, within: Span, langs: tuple[str, ...] = ()) -> Signature | None:
    """The signature of a block that is known to be an embed: the last handle in it, with or without a date."""
    handles = list(_HANDLE.finditer(text, within.start, within.end))
    return _read(text, handles[-1], within.start, within.end, langs, embed=True) if handles else None


def _read(
    text: str, handle: re.Match[str], floor: int, ceiling: int, langs: tuple[str, ...], *, embed: bool = False
) -> Signature | None:
    to_date = _TO_DATE.match(text, handle.end(), ceiling)
    gap = to_date.end() if to_date else handle.end()
    dated = None if "\n\n" in text[handle.end() : gap] else dates.at(text, gap, langs)
    if dated is not None and dated.span.end > ceiling:
        dated = None
    cut = None
    if dated is None:
        cut = _CUT_DATE.match(text, gap, ceiling)
        if cut and dates.month_of(cut[1], langs) is None:
            cut = None
        if not (cut or embed or _ends_line(text, handle.end())):
            return None
        if not (embed or _ANY_DASH.search(text, max(floor, handle.start() - _BACK), handle.start())):
            return None  # without a date it takes a dash
    name_start, name, dash = _name(text, floor, handle.start())
    start = dash if dash >= 0 else name_start
    known = handle[1].replace("\\_", "_").rstrip("-.")
    shared = _INSTAGRAM.search(text, start, handle.start())
    if shared:
        platform, start, name = "instagram", shared.start(), _clean(text[shared.end() : handle.start()])
    else:
        platform = "fediverse" if "@" in known else "bluesky" if "." in known else "x"
    if platform == "x" and (len(known) > 20 or "-" in known):
        return None  # X handles have at most 15 characters (20 in its first years), and no hyphen
    if dated is None:
        if not (embed or (cut and dash >= 0) or _stands_alone(text, start, handle.end(), dash)):
            return None
        return Signature(
            span=Span(start=start, end=cut.end() if cut else handle.end()),
            platform=platform,
            handle=known,
            name=name,
            dated=cut[0] if cut else "",
            dash=dash >= 0,
        )
    linked = _LINKED.match(text, dated.span.end, ceiling)
    url = (linked[1] or "") if linked else ""
    if linked and not url:
        href = _HREF.search(text, handle.end(), gap)
        url = href[1] if href else ""
    return Signature(
        span=Span(start=start, end=linked.end() if linked else dated.span.end),
        platform=platform,
        handle=known,
        name=name,
        day=dated.day,
        dated=text[dated.span.start : dated.span.end],
        url=url,
        clock=dated.clock,
        dash=dash >= 0,
    )


def _stands_alone(text: str, start: int, end: int, dash: int) -> bool:
    """A signature without a date counts only as a line of its own that a long dash opens: a hyphen may be a list."""
    if dash < 0 or (text[dash] in "-\\–‒" and not text.startswith("--", dash)):
        return False
    before = text[max(0, start - 12) : start].rpartition("\n")[2]
    return not before.strip(" \t>*_") and _ends_line(text, end)


def _ends_line(text: str, end: int) -> bool:
    return not text[end : end + 12].partition("\n")[0].strip(" \t*_.\r")


def _name(text: str, floor: int, end: int) -> tuple[int, str, int]:
    """Where the name before a handle starts, the name, and where the dash before it stands (-1: it is lost)."""
    low = max(floor, end - _BACK)
    window = text[low:end].rstrip()
    paragraph = window.rfind("\n\n")
    if paragraph >= 0:
        low, window = low + paragraph + 2, window[paragraph + 2 :]
    breaks = [found.end() for found in _BREAK.finditer(window)]
    for found in reversed(list(_DASH.finditer(window))):
        name = _clean(window[found.end() :])
        firm = found[0].startswith(_FIRM) or (found[0].startswith("--") and found[0] != "-")
        later = [place for place in breaks if place > found.end() + 2]
        # A soft dash may be part of the quoted words: white space that only lost marks leave behind outweighs it.
        if name and (firm or not later) and window.count("\n", found.end()) <= 1:
            return low + found.end(), name, low + found.start()
    place = breaks[-1] if breaks else _after(_LINK_END, window) or _after(_SENTENCE_END, window)
    if not place and low > floor:
        capitals = _CAPITALS.search(window[-60:])
        place = len(window) - len(capitals[0]) if capitals else len(window)
    return low + place, _clean(window[place:]), -1


def _after(pattern: re.Pattern[str], window: str) -> int:
    return max((found.end() for found in pattern.finditer(window)), default=0)


def _clean(name: str) -> str:
    """A name without the markup around it."""
    plain = _WRAPPED.sub(r"\1", name).replace("\\_", "_")
    return " ".join(plain.strip(" \t\r\n[]*>\\").split())
