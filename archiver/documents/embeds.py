"""Embeds in markup: which elements stand for a post of a platform, and which of their words are the post's.

The forms are those that the platforms hand out (oEmbed answers, share dialogs), that publishing systems make of
them (WordPress blocks, Substack, AMP, BuzzFeed, IFTTT), and that widget scripts leave in saved pages. An embed
holds the words by value: it is a claim of the document, not a capture of the post.

Spans are in the rendering given; the caller carries them over to its document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from archiver.documents import carried, dates, signatures
from archiver.documents.addresses import names_post
from archiver.documents.elements import Element, Elements
from archiver.documents.embed import Embed, plain
from archiver.documents.frames import frame, shown, value
from archiver.documents.markup import Rendering
from archiver.documents.quotation import end_before, trimmed, without_media
from archiver.model import POST_KINDS, Ref, Span

Claim = Callable[[str], Ref | None]

_CODE = frozenset({"code", "pre", "textarea", "xmp", "style", "template"})
_FRAMES = frozenset({"iframe", "amp-iframe", "embed"})
_DIVISIONS = frozenset({"div", "span", "section", "article", "p", "aside", "figure"})
_BARELY = frozenset({"script", "#comment"})  # what may be an embed without any attribute
_EMBEDDING = carried.COMPONENTS | _FRAMES | _DIVISIONS | _BARELY | {"blockquote", "a"}
_INNER_FRAMES = frozenset({"iframe", "twitter-widget"})
_RENDERED = frozenset({"iframe", "blockquote", "a", "script"})
_BLOCKS = frozenset({"blockquote"})
_WORDED = frozenset({"a", "p"})
_CARDS = frozenset({"div", "span"})
_X_BLOCKS = frozenset({"twitter-tweet", "twitter-video", "subbuzz-tweet__container", "tweet-embed"})
_OTHERS = (
    ("mastodon-embed", "data-embed-url", "mastodon-blockquote"),
    ("instagram-media", "data-instgrm-permalink", "instagram-blockquote"),
    ("tiktok-embed", "cite", "tiktok-blockquote"),
    ("text-post-media", "data-text-post-permalink", "threads-blockquote"),
    ("reddit-embed-bq", "", "reddit-blockquote"),
    ("reddit-card", "", "reddit-blockquote"),
    ("embedly-card", "", "embedly-blockquote"),
)
_KNOWN_BLOCKS = _X_BLOCKS | {name for name, _, _ in _OTHERS} | {"bluesky-embed"}
_RARE = 20  # dates in languages outside the table that one document may ask for: each is slow
_INSIDE = 1000  # elements of one embed: real ones have tens; bounds the time on hostile nesting
_VK = re.compile(r"VK\.Widgets\.Post\(\s?[\"'][^\"']{0,80}[\"']\s?,\s?(-?[0-9]{1,20})\s?,\s?([0-9]{1,20})")
_BLOCK_URL = re.compile(r"wp:(?:core-)?(?:embed|core-embed)(?:/[a-z-]{1,40})?\s{1,4}\{")
_BYLINE = re.compile(r"([^\n@]{1,100})\s@([A-Za-z0-9_]{1,20})(?=\n)")
_BARE = re.compile(r"https?://[^\s<>\"']{4,2000}")


def find(rendering: Rendering, source: str, langs: tuple[str, ...], claim: Claim) -> tuple[Embed, ...]:
    """Every embed of a rendering, in order, none inside another and none inside code."""
    reader = _Reader(rendering, source, langs, claim)
    elements = rendering.elements
    within = _within_code(elements)
    found: list[Embed] = []
    covered = -1
    for index, tag in enumerate(elements.tags):
        if tag not in _EMBEDDING or not (elements.attrs[index] or tag in _BARELY):
            continue
        if elements.outer_starts[index] < covered or within[index]:
            continue
        embed = reader.read(index, elements[index])
        if embed is not None:
            found.append(embed)
            covered = embed.outer.end
    return tuple(found)


def _within_code(elements: Elements) -> bytearray:
    """For each element, whether it is code or stands in some. A template that is not shown is read by itself."""
    within = bytearray(len(elements))
    if not _CODE.isdisjoint(elements.tags):
        starts, ends = elements.text_starts, elements.text_ends
        for index, (tag, parent) in enumerate(zip(elements.tags, elements.parents, strict=True)):
            within[index] = (tag in _CODE and (tag != "template" or starts[index] == ends[index])) or (
                parent >= 0 and within[parent]
            )
    return within


class _Reader:
    __slots__ = ("claim", "elements", "langs", "rare", "rendering", "source")

    def __init__(self, rendering: Rendering, source: str, langs: tuple[str, ...], claim: Claim) -> None:
        self.rendering, self.source, self.langs, self.claim = rendering, source, langs, claim
        self.elements = rendering.elements
        self.rare = _RARE

    def read(self, index: int, element: Element) -> Embed | None:
        tag = element.tag
        if tag in _FRAMES:
            found = frame(element)
            return plain(element, "iframe", found or (carried.attribute(element, self.claim) if element.attrs else ""))
        if tag == "script":
            return self._script(element)
        if tag == "#comment":
            return self._comment(element)
        classes = frozenset(value(element, "class").split())
        if tag in carried.COMPONENTS:
            return self._around(index, element, carried.component(element, self.claim), tag)
        if tag == "blockquote":
            return self._blockquote(index, element, classes)
        if tag == "a":
            return self._anchor(element, classes)
        if tag == "figure":
            found_figure = self._figure(index, element, classes)
            if found_figure or "wp-block-embed" in classes:
                return found_figure
        return self._division(index, element, classes)

    def _inside(self, index: int, tags: frozenset[str]) -> tuple[Element, ...]:
        return self.elements.inside(index, _INSIDE, tags)

    def _around(self, index: int, element: Element, url: str, markup: str) -> Embed | None:
        """An element that names its post, and may hold the post's words for readers without scripts."""
        if not url:
            return None
        if element.outer.end == element.inner.end:
            return plain(element, markup, url)
        blocks = self._inside(index, _BLOCKS)
        if any(not _KNOWN_BLOCKS.isdisjoint(value(block, "class").split()) for block in blocks):
            return None  # the block says more
        if blocks or signatures.find(self.rendering.text, self.langs, element.text):
            return self._signed(index, element, markup, url)
        return plain(element, markup, url)

    def _blockquote(self, index: int, element: Element, classes: frozenset[str]) -> Embed | None:
        if classes & _X_BLOCKS:
            subbuzz = "subbuzz-tweet__container" in classes
            url = "" if self._names_post(index) else carried.attribute(element, self.claim)
            return self._signed(index, element, "x-subbuzz" if subbuzz else "x-blockquote", url)
        if "bluesky-embed" in classes:
            return self._signed(
                index, element, "bluesky-blockquote", carried.bluesky(value(element, "data-bluesky-uri"))
            )
        for name, attribute, markup in _OTHERS:
            if name in classes:
                url = value(element, attribute).removesuffix("/embed") if attribute else ""
                return self._other(index, element, markup, url)
        return None

    def _names_post(self, index: int) -> bool:
        anchors = self._inside(index, _WORDED)
        return any(_is_post(self.claim(value(inner, "href"))) for inner in anchors if inner.tag == "a")

    def _anchor(self, element: Element, classes: frozenset[str]) -> Embed | None:
        """A link that a script turns into the post: Embedly's card, Pinterest's pin."""
        if "embedly-card" in classes or element.get("data-pin-do") == "embedPin":
            href = value(element, "href")
            return plain(element, "card", href if names_post(href, self.claim) else "")
        return None

    def _division(self, index: int, element: Element, classes: frozenset[str]) -> Embed | None:
        if classes & {"twitter-tweet-rendered", "twitter-tweet", "twitter-video"}:
            own = carried.attribute(element, self.claim)
            inside = self._inside(index, _INNER_FRAMES)
            urls = [url for inner in inside if (url := frame(inner) or carried.component(inner, self.claim))]
            if urls or own:
                return plain(element, "x-rendered", urls[0] if urls else own)
            if "twitter-tweet" in classes and element.text.start < element.text.end:
                return self._signed(index, element, "x-blockquote", "")
            return None
        if classes & {"fb-post", "fb-video", "fb-comment-embed"} and value(element, "data-href"):
            return self._other(index, element, "facebook-div", value(element, "data-href"))
        if "onebox" in classes and element.tag == "aside":
            return self._onebox(index, element)
        if element.get("data-attrs"):
            return carried.substack(element, self.langs)
        if "subbuzz-tweet__container" in classes:
            return self._signed(index, element, "x-subbuzz", "")
        if classes & {"reddit-embed", "tumblr-post"}:
            return self._other(index, element, "reddit-div" if "reddit-embed" in classes else "tumblr-div", "")
        url = carried.attribute(element, self.claim)
        if not url:
            return None
        hinted = self.claim(url)
        x = hinted is not None and hinted.platform == "x"
        return self._around(index, element, url, "x-div" if x else element.tag)

    def _onebox(self, index: int, element: Element) -> Embed | None:
        """Discourse's card of a post: its words in `.tweet-description`, the author's name and time beside them."""
        found = plain(element, "onebox", carried.attribute(element, self.claim))
        if found is None or "twitterstatus" not in value(element, "class").split():
            return found
        parts = {
            name: inner
            for inner in reversed(self.elements.inside(index, _INSIDE, _CARDS | _WORDED))
            for name in value(inner, "class").split()
        }
        text = self.rendering.text

        def said(name: str) -> str:
            return text[parts[name].text.start : parts[name].text.end].strip() if name in parts else ""

        words = parts.get("tweet-description") or parts.get("tweet")
        start, end = trimmed(text, words.text.start, words.text.end) if words else (0, 0)
        written = said("timestamp") or said("date").partition("\n")[0]
        day = dates.at(written, 0, self.langs)
        return replace(
            found,
            quote=Span(start=start, end=end) if start < end else None,
            platform="x",
            handle=said("twitter-screen-name").removeprefix("@"),
            day=day.day if day else "",
            dated=written if day else "",
            zone="local" if day else "",
        )

    def _signed(self, index: int, element: Element, markup: str, url: str) -> Embed:
        """An X or Bluesky block: words, signature, permalink."""
        inside = self._inside(index, _WORDED)
        anchors = [(inner, value(inner, "href")) for inner in inside if inner.tag == "a" and inner.get("href")]
        posts = [(inner, href) for inner, href in anchors if _is_post(self.claim(href))]
        outer, text = element.outer, element.text
        if element.outer.end == element.inner.end and posts:
            # The block is never closed: it ends with its permalink, or the rest of the document would be lost in it.
            end = posts[0][0]
            # A permalink without words may stand before the line break that the block began with.
            outer = Span(start=outer.start, end=end.outer.end)
            text = Span(start=text.start, end=max(text.start, end.text.end))
            posts = posts[:1]
            inside = tuple(inner for inner in inside if inner.outer.start < outer.end)
        last = posts[-1] if posts else None
        signature = signatures.last(self.rendering.text, text, self.langs)
        dated, day = (signature.dated, signature.day) if signature else ("", "")
        clock = bool(signature and signature.clock)
        if not dated and last:
            written = self.rendering.text[last[0].text.start : last[0].text.end].strip()
            day = dates.parse(written, self.langs, rare=self.rare > 0)
            self.rare -= not day
            found = dates.at(written, 0, self.langs)
            dated, clock = (written, bool(found and found.clock)) if day or found else ("", False)
        platform = "bluesky" if markup.startswith("bluesky") else "x"
        byline = _BYLINE.match(self.rendering.text, text.start, text.end) if markup == "x-subbuzz" else None
        cid = value(element, "data-bluesky-cid")
        return Embed(
            outer=outer,
            text=text,
            markup=markup,
            url=url or (last[1] if last else ""),
            quote=self._words(text, inside, signature, last[0] if last else None),
            platform=platform,
            handle=signature.handle if signature else byline[2] if byline else "",
            name=signature.name if signature else byline[1] if byline else "",
            day=day,
            dated=dated,
            zone=("utc" if platform == "x" and not clock else "local") if dated else "",
            cid=cid,
        )

    def _words(
        self, text: Span, inside: tuple[Element, ...], signature: signatures.Signature | None, link: Element | None
    ) -> Span | None:
        """The post's words: its paragraphs, or what stands before the signature."""
        stop = signature.span.start if signature else text.end
        paragraphs = [inner.text for inner in inside if inner.tag == "p" and inner.text.start < stop]
        if paragraphs:
            start, end = paragraphs[0].start, min(max(span.end for span in paragraphs), stop)
        else:
            start = text.start
            end = end_before(self.rendering.text, stop, start) if signature else stop
        if link is not None and signature is None:
            end = min(end, link.text.start) if link.text.start > start else start
        while end > start and self.rendering.text[end - 1] in "—–- \n\t":
            end -= 1
        start, end = trimmed(self.rendering.text, start, without_media(self.rendering.text, start, end))
        return Span(start=start, end=end) if start < end else None

    def _other(self, index: int, element: Element, markup: str, url: str) -> Embed | None:
        """A block of another platform: its words have no signature of a known form, so none are quoted."""
        if not url:
            anchors = [value(inner, "href") for inner in self._inside(index, _WORDED) if inner.tag == "a"]
            url = next((href for href in anchors if _is_post(self.claim(href))), next(iter(filter(None, anchors)), ""))
        return Embed(outer=element.outer, text=element.text, markup=markup, url=url)

    def _script(self, element: Element) -> Embed | None:
        """A widget's own script, or markup that a page keeps as a string for its scripts to place later."""
        post = value(element, "data-telegram-post")
        if post:
            return plain(element, "script", f"https://t.me/{post}")
        source = value(element, "src")
        if "/embed/n" in source and (code := shown(source)).startswith("nostr:"):
            return plain(element, "script", code)
        inner = element.inner
        found = _VK.search(self.source, inner.start, min(inner.end, inner.start + 4000))
        return plain(element, "script", f"https://vk.com/wall{found[1]}_{found[2]}") if found else None

    def _comment(self, element: Element) -> Embed | None:
        """A WordPress block: the words between its comments are read first, the comment only if they hold no embed."""
        found = _BLOCK_URL.search(self.source, element.inner.start, element.inner.end)
        if not found:
            return None
        data = _json(self.source[found.end() - 1 : element.inner.end].rstrip(" /\n\t"))
        url = data.get("url") if isinstance(data, dict) else None
        return plain(element, "wp-block", url if isinstance(url, str) else "")

    def _figure(self, index: int, element: Element, classes: frozenset[str]) -> Embed | None:
        if "wp-block-embed" not in classes:
            return None
        if self._inside(index, _RENDERED):
            return None  # what the block was rendered to is read instead
        found = _BARE.search(self.rendering.text, element.text.start, element.text.end)
        if not found:
            return None
        return Embed(outer=element.outer, text=element.text, markup="wp-figure", url=found[0])


def _is_post(ref: Ref | None) -> bool:
    return ref is not None and ref.kind in POST_KINDS


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
