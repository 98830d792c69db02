"""Markdown as publishing systems read it: code that repeats markup, and the shortcodes that stand for posts.

Liquid (Jekyll, dev.to), Hugo and WordPress shortcodes name a post by address or by id. A shortcode inside code
is documentation, as is Hugo's escaped form `{{</* … */>}}`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass

from archiver.model import Span

_NAMES = (
    r"(tweet|twitter|x|tweet_simple|twitter_simple|x_simple|instagram|instagram_simple|youtube|bluesky|bsky|mastodon|"
    r"toot|fediverse|embed|oembed|tiktok|reddit|threads|facebook|telegram)"
)
_LIQUID = re.compile(rf"(?<!\{{)\{{%-?\s{{0,4}}{_NAMES}\s{{1,4}}([^%{{}}\n]{{1,400}})%\}}", re.IGNORECASE)
# Jekyll themes keep an include for each platform: {% include embed/twitter.html id="12" %}.
_INCLUDE = re.compile(
    rf"\{{%-?\s{{0,4}}include(?:_cached)?\s{{1,4}}[\w/-]{{0,40}}?{_NAMES}[\w-]{{0,20}}(?:\.html|\.liquid|\.md)?\s{{1,4}}"
    r"([^%{}\n]{1,400})%\}",
    re.IGNORECASE,
)
_HUGO = re.compile(rf"\{{\{{[<%]\s{{0,4}}{_NAMES}\s{{1,4}}([^<>{{}}\n]{{1,400}}?)/?\s{{0,4}}[>%]\}}\}}", re.IGNORECASE)
_ZOLA = re.compile(rf"\{{\{{\s{{0,4}}{_NAMES}\(([^(){{}}\n]{{1,400}})\)\s{{0,4}}\}}\}}", re.IGNORECASE)
_DIRECTIVE = re.compile(rf"(?m)^:{{2,3}}{_NAMES}(?:\[[^\]\n]{{0,200}}\])?\{{([^{{}}\n]{{1,400}})\}}", re.IGNORECASE)
_WORDPRESS = re.compile(
    r"\[(embed|tweet|embedyt)(?:\s[^\]\n]{0,200})?\]\s{0,4}(https?://[^\s\[\]<>]{1,400})\s{0,4}\[/\1\]"
)
_WORDPRESS_ID = re.compile(
    r"(?<!\[)\[(tweet|youtube|instagram|facebook|tiktok|blackbirdpie)[\s=]{1,4}([^\[\]\n]{1,400})\](?![\[(:])"
)
_NAMED = re.compile(r"([A-Za-z_-]{1,20})\s?=\s?[\"'“”]?([^\"'“”\s]{1,400})[\"'“”]?")
_URL = re.compile(r"https?://[^\s\"'“”<>]{4,400}")
_ID = re.compile(r"(?<![\w=/-])[\"'“”]?([0-9]{1,20})[\"'“”]?(?![\w-])")
_WORD = re.compile(r"[\"'“”]?([A-Za-z0-9_-]{4,40})[\"'“”]?")
_FENCE = re.compile(r"(?m)^[ \t>]{0,12}(`{3,}|~{3,})([^\n]*)$")
_SET_IN = re.compile(
    r"(?:\A|\n[ \t]{0,40}\r?\n)((?:(?: {4}| {0,3}\t)[^\n]*\S[^\n]*(?:\n[ \t]{0,40}\r?(?=\n))*+(?:\n|\Z))++)"
)
_CONTINUED = re.compile(r"\s{0,20}(?:[-*+]|[0-9]{1,9}[.)]|>)\s|[ \t]|<|:::")
_TICKS = re.compile(r"`+|\n")
_FRONT = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcode:
    """One shortcode: `markup` names its form (liquid, hugo, zola, directive, wordpress), `url` the address it means."""

    span: Span
    markup: str
    url: str


def find(source: str, code: tuple[Span, ...] = ()) -> tuple[Shortcode, ...]:
    """The shortcodes of a source that stand for a post, in order, those inside `code` left out."""
    found: list[Shortcode] = []
    for markup, pattern in (
        ("liquid", _LIQUID), ("liquid", _INCLUDE), ("hugo", _HUGO), ("zola", _ZOLA), ("directive", _DIRECTIVE),
        ("wordpress", _WORDPRESS), ("wordpress", _WORDPRESS_ID),
    ):  # fmt: skip
        for match in pattern.finditer(source):
            url = "" if touches(code, match.start()) else _address(match[1].lower(), match[2])
            if url:
                span = Span(start=match.start(), end=match.end())
                found.append(Shortcode(span=span, markup=markup, url=url))
    return tuple(sorted(found, key=lambda shortcode: (shortcode.span.start, shortcode.span.end)))


def touches(spans: tuple[Span, ...], place: int) -> bool:
    """Whether a place lies in one of the spans, which stand in order and apart."""
    index = bisect_right(spans, place, key=lambda span: span.start) - 1
    return index >= 0 and place < spans[index].end


def code(source: str, *, indented: bool = False) -> tuple[Span, ...]:
    """The code of a Markdown source: fenced blocks, and spans between backticks inside a line. In order, apart.

    `indented` adds indented blocks (CommonMark 0.31, 4.4), which plain text has no notion of: lines set in by four
    columns behind a blank line, but not what continues a list item or stands under a line of HTML.
    """
    fences: list[Span] = []
    opened = -1
    fence = ""
    for line in _FENCE.finditer(source):
        if opened < 0:
            if line[1][0] == "`" and "`" in line[2]:
                continue  # a code span that begins a line, not a fence
            opened, fence = line.start(), line[1]
        elif line[1].startswith(fence) and not line[2].strip():
            fences.append(Span(start=opened, end=line.end()))
            opened = -1
    if opened >= 0:
        fences.append(Span(start=opened, end=len(source)))
    if indented:
        fences = [*fences, *(span for span in _set_in(source) if not touches(tuple(fences), span.start))]
        fences.sort()
    outside = tuple(fences)
    spans = [
        span for span in _ticked(source) if not touches(outside, span.start) and not touches(outside, span.end - 1)
    ]
    return tuple(sorted([*fences, *spans]))


def _set_in(source: str) -> list[Span]:
    """Indented code blocks."""
    found: list[Span] = []
    for block in _SET_IN.finditer(source):
        above = source[max(0, block.start() - 2000) : block.start()].rstrip().rpartition("\n")[2]
        if not _CONTINUED.match(above):
            found.append(Span(start=block.start(1), end=block.end(1)))
    return found


def front_matter(source: str) -> Span:
    """The metadata block at the head of a Markdown file, empty where there is none."""
    head = _FRONT.match(source)
    if head:
        end = re.compile(r"(?m)^" + re.escape(head[1]) + r"[ \t]*\r?$").search(source, head.end(), head.end() + 20000)
        if end:
            return Span(start=0, end=end.end())
    return Span(start=0, end=0)


def _ticked(source: str) -> list[Span]:
    """Code spans: from a run of backticks to the next run of the same length in the same line."""
    found: list[Span] = []
    runs: list[tuple[int, int]] = []
    for tick in _TICKS.finditer(source + "\n"):
        if tick[0] != "\n":
            runs.append((tick.start(), tick.end()))
            continue
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for start, end in runs:
            by_length[end - start].append(start)
        at = 0
        for start, end in runs:
            starts = by_length[end - start]
            following = bisect_left(starts, end)
            if start >= at and following < len(starts):
                at = starts[following] + end - start
                found.append(Span(start=start, end=at))
        runs.clear()
    return found


def _address(name: str, given: str) -> str:
    """The address that a shortcode's arguments stand for; empty where they name none."""
    url = _URL.search(given)
    if url:
        return url[0]
    named = {key.lower(): value for key, value in _NAMED.findall(given)}
    kind = name.partition("_")[0]
    if kind in {"tweet", "twitter", "x", "blackbirdpie"}:
        path = re.search(r"([A-Za-z0-9_]{1,20})/status/([0-9]{1,20})", given)
        if path:
            return f"https://x.com/{path[1]}/status/{path[2]}"
        plain = _ID.search(given)
        number: str = named.get("id", "") or (plain[1] if plain and "id" not in named else "")
        return f"https://x.com/{named.get('user', 'i')}/status/{number}" if number.isdecimal() else ""
    word = _WORD.match(given.strip())
    key: str = named.get("id", "") or (word[1] if word and not named else "")
    if kind == "instagram" and key:
        return f"https://www.instagram.com/p/{key}/"
    if kind == "youtube" and key:
        return f"https://www.youtube.com/watch?v={key}"
    if kind == "tiktok" and key.isdecimal():
        return f"https://www.tiktok.com/embed/v2/{key}"
    host = named.get("host", "") or named.get("instance", "")
    if kind in {"mastodon", "toot", "fediverse"} and named.get("user") and host and key.isdecimal():
        return f"https://{host}/@{named['user'].lstrip('@')}/{key}"
    return ""
