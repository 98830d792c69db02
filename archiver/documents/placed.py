"""Mentions made of what was found: an embed, a block quotation; and what a link is by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from archiver.documents import blocks, passages, quotation
from archiver.documents.addresses import MEDIA_LINK
from archiver.documents.embed import Embed
from archiver.documents.views import View
from archiver.model import POST_KINDS, Document, Link, Mention, MentionKind, Ref, Span

Claim = Callable[[str], Ref | None]

_BLOCK_END = re.compile(r"<!--\s{0,4}/wp:[^>]{0,80}-->")


def embedded(view: View, embed: Embed, source: str, claim: Claim) -> Mention:
    """The mention of an embed that was found in a view of a document; `source` is the document's."""
    outer = view.in_source(embed.outer)
    if embed.markup == "wp-block":
        end = _BLOCK_END.search(source, outer.end, outer.end + 4000)
        following = source.find("<!-- wp:", outer.end, outer.end + 4000)
        if end and not 0 <= following < end.start():
            outer = Span(start=outer.start, end=end.end())
    target = claim(embed.url) if embed.url else None
    quote = view.in_text(embed.quote, embed.outer) if embed.quote else None
    pinned = Link(url=embed.cid, text=Span(start=0, end=0), source=outer, role="cid")
    return Mention(
        kind=MentionKind.EMBED,
        text=view.in_text(embed.text, embed.outer),
        source=outer,
        quote=quote if quote and quote.start < quote.end else None,
        platform=target.platform if target else embed.platform,
        target=target,
        url=embed.url,
        handle=embed.handle,
        name=embed.name,
        day=embed.day,
        dated=embed.dated,
        day_zone=embed.zone,
        markup=embed.markup,
        links=(pinned,) if embed.cid else (),
    )


def quoted_block(document: Document, block: blocks.Block, links: tuple[Link, ...], claim: Claim) -> Mention:
    """The mention of a block quotation; `links` are those inside it. It is signed by a link in its last line, or by
    the address that its markup cites; otherwise it is a passage."""
    text = document.text
    start, end = quotation.trimmed(text, block.text.start, block.text.end)
    posts = [link for link in links if is_post(link.ref)]
    line = text.rfind("\n", start, end) + 1
    cited = claim(block.cite) if block.cite else None
    last = posts[-1] if posts and len({link.ref for link in posts}) == 1 else None
    mention = Mention(
        kind=MentionKind.PASSAGE,
        text=block.text,
        source=block.source,
        quote=Span(start=start, end=end),
        target=cited,
        platform=cited.platform if cited else "",
        url=block.cite,
        markup="blockquote",
    )
    if last and last.ref and last.text.start >= line and passages.words(text[line:end]) <= 15:
        stop = line if line > start else min(last.text.start, last.source.start if text is document.source else end)
        first, stop = quotation.trimmed(text, start, max(stop, start))
        return replace(
            mention,
            kind=MentionKind.SIGNED_QUOTATION,
            quote=Span(start=first, end=stop) if first < stop else None,
            target=last.ref,
            platform=last.ref.platform,
            url=last.url,
            markup="blockquote-link",
        )
    if is_post(cited):
        return replace(mention, kind=MentionKind.SIGNED_QUOTATION, markup="blockquote-cite")
    return mention


def belongs(link: Link, target: Ref | None) -> bool:
    """Whether a link in a place belongs to it: to a post or a short link, but for the one that names its target."""
    return link.ref is not None and link.ref != target and kind_of(link) is not None


def is_post(ref: Ref | None) -> bool:
    """Whether a ref is a post, or one handed on."""
    return ref is not None and ref.kind in POST_KINDS


def kind_of(link: Link) -> MentionKind | None:
    """What a link by itself is; None where it refers to no post."""
    if is_post(link.ref):
        return MentionKind.PERMALINK
    if link.ref is None or (link.ref.platform, link.ref.kind) != ("x", "short"):
        return None
    return MentionKind.MEDIA_LINK if MEDIA_LINK.match(link.url) else MentionKind.SHORT_LINK
