"""Markup that a page keeps as a string, for its scripts to place later: state of an application, consent placeholders.

It stands escaped (as JSON, sometimes twice; as character references; in base64) in a script or in an attribute. Its
words are no part of the page's text, so none are quoted: which post it stands for, by whom and of which day is read.
Structured content names posts without markup: objects whose type says that they are an embed, and whose address or
id says of what.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from archiver.documents import embeds
from archiver.documents.addresses import names_post
from archiver.documents.embed import Embed
from archiver.documents.markup import Rendering, walk
from archiver.model import Ref, Span

MARKUP = "script-string"
Claim = Callable[[str], Ref | None]

_SCRIPTS = frozenset({"script"})
_HEAD = re.compile(
    r"(?:<|&(?:amp;){0,2}lt;|\\{1,8}u003[cC]|\\{1,4}x3[cC])(?:blockquote|iframe|div|amp-[a-z]{4,9})(?=[\s\\&]|\\n)"
)
_WORTH = re.compile(
    r"twitter-(?:tweet|video)|bluesky-embed|mastodon-embed|instagram-media|tiktok-embed|reddit-(?:embed|card)|fb-post|"
    r"text-post-media|amp-(?:twitter|instagram|facebook|tiktok|reddit|youtube)|fb-video|data-(?:oembed|embed)-url|"
    r"platform\.(?:twitter|x)\.com|plugins|embed|t\.me"
)
_DIVISION = re.compile(r"twitter-tweet|fb-(?:post|video)|data-(?:oembed|embed)-url|twitter-embed")
_REACH = 6000  # an escaped embed of a long post
_LEVELS = 4
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\n", "b": " ", "f": " "}
_BASE64 = re.compile(r"\s*([A-Za-z0-9+/]{80,60000}={0,2})\s*")
_QUICK = ("lockquote", "iframe", "status", "weet", "bsky.app", "amp-", "instagram", "fb-post")

# A member whose value is a string; any other string (up to the line's end, if nothing closes it); a brace.
_MEMBER = re.compile(
    r'"([A-Za-z_$@-][\w$@-]{0,39})"\s{0,4}:\s{0,4}"((?:[^"\\]|\\.){0,2000}+)"'
    r'|"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\Z)|([{}])',
    re.DOTALL,
)
_KINDS = (
    *("type", "_type", "__typename", "subtype", "kind", "component", "name", "format", "embedType", "embed_type"),
    *("service", "provider", "provider_name", "providerName", "providerNameSlug", "blockType", "nodeType"),
)
_KIND = re.compile(r"tweet|twitter|o?embed|instagram|facebook|tiktok|bluesky|mastodon|threads|reddit|telegram", re.I)
_ADDRESS = ("url", "href", "src", "source", "link", "uri", "permalink", "canonicalUrl", "canonical_url", "referent")
_SAID = ("embedUrl", "embed_url", "embedURL", "tweetUrl", "tweet_url", "tweetURL", "twitterUrl")
_TWEET = re.compile(r"tweet|twitter|^x$", re.IGNORECASE)
_IDS = ("id", "tweetId", "tweet_id", "tweetID", "statusId", "status_id")
_NUMBER = re.compile(r"[0-9]{5,20}")


def find(rendering: Rendering, source: str, langs: tuple[str, ...], claim: Claim) -> tuple[Embed, ...]:
    """The embeds kept in scripts and attributes of a page; the span of each is the escaped markup in the source."""
    found: list[Embed] = []
    for element in rendering.elements.tagged(_SCRIPTS):
        inner = element.inner
        held: list[Embed] = []
        if any(source.find(sign, inner.start, inner.end) >= 0 for sign in _QUICK):
            held = [*_strings(source, inner, langs, claim), *_objects(source, inner, claim)]
        elif element.get("type").startswith("text/"):
            held = [*_encoded(source, inner, langs, claim)]
        point = Span(start=element.text.start, end=element.text.start)
        found += [replace(embed, text=point) for embed in held]
    if _HEAD.search(source):
        found += _attributes(rendering, langs, claim)
    return tuple(found)


def in_text(source: str, langs: tuple[str, ...], claim: Claim) -> tuple[Embed, ...]:
    """The same for a text that is JSON as a whole: what a publishing system or an interface exported."""
    whole = Span(start=0, end=len(source))
    found = [*_strings(source, whole, langs, claim), *_objects(source, whole, claim)]
    return tuple(replace(each, text=each.outer) for each in found)


def _strings(source: str, within: Span, langs: tuple[str, ...], claim: Claim) -> Iterator[Embed]:
    """Escaped markup between two places; the text's place is left to the caller (-1)."""
    end = -1
    heads = [head.start() for head in _HEAD.finditer(source, within.start, within.end)]
    for index, head in enumerate(heads):
        if head < end:
            continue
        following = next((each for each in heads[index + 1 : index + 2]), within.end)
        limit = min(following, head + _REACH)
        piece = source[head:limit]
        if not _WORTH.search(piece):
            continue
        division = "div" in piece[:12]
        if division and not _DIVISION.search(piece[:400]):
            continue
        markup = unescaped(piece)
        for embed in embeds.find(walk(markup), markup, langs, claim)[:1]:
            if names_post(embed.url, claim):
                # Where it ends among escapes is not known to the letter: where its own markup is closed.
                close = re.search(r"/(?:blockquote|iframe|div|amp-[a-z]+)(?:>|\\|&|$)", piece)
                end = head + (close.end() if close else len(piece))
                yield _kept(embed, Span(start=head, end=end))


def _objects(source: str, within: Span, claim: Claim) -> Iterator[Embed]:
    """Objects that say by their type that they are an embed, and by an address or id of what."""
    opened: list[tuple[int, dict[str, str]]] = []
    for token in _MEMBER.finditer(source, within.start, within.end):
        if token[3] == "{":
            opened.append((token.start(), {}))
        elif token[3] and opened:
            start, members = opened.pop()
            url = _named(members, claim)
            if url:
                place = Span(start=start, end=token.end())
                yield Embed(outer=place, text=Span(start=-1, end=-1), markup=MARKUP, url=url)
        elif token[1] and opened and len(opened[-1][1]) < 100:
            opened[-1][1].setdefault(token[1], token[2])


def _named(members: dict[str, str], claim: Claim) -> str:
    kinds = [said for name in _KINDS if (said := members.get(name, "")) and len(said) < 80]
    embedded = any(_KIND.search(said) for said in kinds)
    for name in _SAID + (_ADDRESS if embedded else ()):
        url = unescaped(members.get(name, ""))
        if url and names_post(url, claim):
            return url
    tweet = any(_TWEET.search(said) for said in kinds)
    for name in _IDS if tweet else _IDS[1:4]:
        if _NUMBER.fullmatch(members.get(name, "")):
            return f"https://x.com/i/status/{members[name]}"
    return ""


def _encoded(source: str, within: Span, langs: tuple[str, ...], claim: Claim) -> Iterator[Embed]:
    """A script that holds nothing but base64: a consent tool's own hiding place."""
    whole = _BASE64.fullmatch(source, within.start, within.end)
    if not whole:
        return
    try:
        markup = base64.b64decode(whole[1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
    for embed in embeds.find(walk(markup), markup, langs, claim):
        if names_post(embed.url, claim):
            yield _kept(embed, within)


def _attributes(rendering: Rendering, langs: tuple[str, ...], claim: Claim) -> Iterator[Embed]:
    """Markup in attributes: `srcdoc`, and where tools keep what they put in after consent."""
    elements = rendering.elements
    for index, attrs in enumerate(elements.attrs):
        for _, held in attrs:
            if len(held) > 40 and ("<" in held or "\\u003" in held or "&lt;" in held) and _HEAD.search(held):
                element = elements[index]
                for embed in _strings(held, Span(start=0, end=len(held)), langs, claim):
                    point = Span(start=element.text.start, end=element.text.start)
                    outer = Span(start=element.outer.start, end=element.inner.start)
                    yield replace(embed, outer=outer, text=point)


def unescaped(text: str) -> str:
    """A string without what JSON and character references put around its letters, however often they did."""
    for _ in range(_LEVELS):
        before = text
        if "\\" in text:
            text = _ESCAPE.sub(_letter, text)
        if "&lt;" in text or "&quot;" in text or "&amp;" in text:
            text = html.unescape(text)
        if text == before:
            break
    return text


def _letter(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else _SIMPLE.get(escape[3], escape[3])


def _kept(embed: Embed, outer: Span) -> Embed:
    return replace(embed, outer=outer, text=Span(start=-1, end=-1), markup=MARKUP, quote=None)
