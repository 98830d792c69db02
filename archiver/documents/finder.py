"""One pass over one document: each kind of place is looked for in turn, and covers what later ones must not repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from archiver.documents import blocks, embeds, kept, passages, quotation, seen, shortcodes, signatures
from archiver.documents.addresses import bare
from archiver.documents.embed import Embed
from archiver.documents.placed import belongs, embedded, is_post, kind_of, quoted_block
from archiver.documents.views import View, views
from archiver.model import Document, Link, Mention, MentionKind, Ref, Span

Claim = Callable[[str], Ref | None]

_LISTS = frozenset({"text/csv", "text/tab-separated-values", "text/uri-list"})
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml", "application/feed+json"})


class Finder:
    """One pass over one document; each step covers the places that later steps must not report again."""

    __slots__ = ("claim", "code", "covered", "document", "found", "langs", "links", "quoted", "signed", "views")

    def __init__(self, document: Document, claim: Claim) -> None:
        self.document, self.claim = document, cache(claim)  # one address often stands in a document many times
        self.langs = (document.lang,) if document.lang else ()
        self.views = views(document)
        self.code = blocks.merged(span for view in self.views for span in view.code)
        self.links = self._links()
        self.found: list[Mention] = []
        self.covered: tuple[Span, ...] = ()  # in the text: embeds and delimited quotations
        self.signed: tuple[Span, ...] = ()  # in the text: signatures
        self.quoted: tuple[Span, ...] = ()  # in the text: block quotations that were reported

    def mentions(self) -> tuple[Mention, ...]:
        prose = self.document.media_type not in _LISTS
        if prose:
            self._embeds()
            self._signatures()
            self._blocks()
        self._permalinks()
        if prose:
            self._passages()
            self._escaped()
        found: list[Mention] = []
        same, last = 0, None  # where those of one key begin, for equal mentions have equal keys; the key
        for mention in sorted(self.found, key=_key):
            if _key(mention) != last:
                same, last = len(found), _key(mention)
            if mention not in found[same:]:
                found.append(mention)
        return tuple(found)

    def _links(self) -> tuple[Link, ...]:
        """The document's links and the bare addresses that it does not list, claimed; in order of their source."""
        given = [link for link in self.document.links if link.role != "bare"]
        shown = blocks.merged(link.text for link in given if link.text.start < link.text.end)
        known = blocks.merged(link.source for link in given)
        found: list[Link] = [self._claimed(link, link.source) for link in given]
        scanned: list[Span] = []
        for link in bare(self.document.text):
            source = self.views[0].to_source(link.text)
            if not blocks.overlaps(shown, link.text) and not blocks.overlaps(known, source):
                found.append(self._claimed(link, source))
                scanned.append(link.text)
        taken = blocks.merged(scanned)
        left = [link for link in self.document.links if link.role == "bare" and not blocks.overlaps(taken, link.text)]
        found += [self._claimed(link, link.source) for link in left]
        found = [link for link in found if not shortcodes.touches(self.code, link.source.start)]
        return tuple(sorted(found, key=lambda link: (link.source.start, link.source.end, link.url)))

    def _claimed(self, link: Link, source: Span) -> Link:
        return Link(url=link.url, text=link.text, source=source, role=link.role, ref=link.ref or self.claim(link.url))

    def _embeds(self) -> None:
        found: list[tuple[View, Embed]] = []
        for view in self.views:
            found += [(view, embed) for embed in embeds.find(view.rendering, view.source, self.langs, self.claim)]
            found += [(view, embed) for embed in kept.find(view.rendering, view.source, self.langs, self.claim)]
            if view.plain and view.source.lstrip()[:1] in {"{", "["}:
                found += [(view, embed) for embed in kept.in_text(view.source, self.langs, self.claim)]
        placed: list[Mention] = [embedded(view, embed, self.document.source, self.claim) for view, embed in found]
        placed = _first_of_scripted(placed)
        placed += [self._shortcode(each) for each in shortcodes.find(self.document.source, self.code)]
        others = blocks.merged(each.source for each in placed if each.markup != "wp-block")
        for mention in placed:
            if mention.markup == "wp-block":
                if blocks.overlaps(others, mention.source):
                    continue  # the block holds what it was rendered to
                mention = replace(mention, text=self._over(mention.source))
            links = self._inside(mention)
            self.found.append(replace(mention, links=links + mention.links) if links else mention)
        outer = blocks.merged(mention.source for mention in self.found)
        self.covered = blocks.merged(mention.text for mention in self.found)
        self.links = tuple(link for link in self.links if not blocks.overlaps(outer, link.source))

    def _shortcode(self, shortcode: shortcodes.Shortcode) -> Mention:
        target = self.claim(shortcode.url)
        return Mention(
            kind=MentionKind.EMBED,
            text=self._over(shortcode.span),
            source=shortcode.span,
            platform=target.platform if target else "",
            target=target,
            url=shortcode.url,
            markup=shortcode.markup,
        )

    def _over(self, source: Span) -> Span:
        return self.views[0].over(source)

    def _inside(self, mention: Mention) -> tuple[Link, ...]:
        return tuple(link for link in blocks.between(self.links, mention.source) if belongs(link, mention.target))

    def _signatures(self) -> None:
        text = self.document.text
        quotes = blocks.merged(block.text for view in self.views for block in view.blocks)
        floor = 0
        signed: list[Span] = []
        gone: list[Span] = []
        for signature in signatures.find(text, self.langs):
            span = signature.span
            if blocks.overlaps(self.covered, span):
                continue
            if self.code and shortcodes.touches(self.code, self._source(span).start):
                continue
            low = max(floor, blocks.end_before(self.covered, span.start))
            found = quotation.signed(text, signature, low, quotes)
            whole = Span(start=found.span.start if found else span.start, end=span.end)
            source = self._source(whole)
            links = blocks.between(self.links, source) if self.links else ()
            posts = [link for link in links if is_post(link.ref) and link.text.end > span.start]
            target, url = (posts[-1].ref, posts[-1].url) if posts else (None, "")
            if target is None and signature.url:
                claimed = self.claim(signature.url)
                target, url = (claimed, signature.url) if is_post(claimed) else (None, "")
            place = Mention(
                kind=MentionKind.SIGNED_QUOTATION,
                text=whole,
                source=source,
                quote=found.span if found else None,
                platform=target.platform if target else signature.platform,
                target=target,
                url=url,
                handle=signature.handle,
                name=signature.name,
                day=signature.day,
                dated=signature.dated,
                day_zone=signature.zone if signature.dated else "",
                markup=f"{signature.platform}-signature{'-open' if found and found.open else ''}",
                links=tuple(link for link in links if belongs(link, target)),
            )
            # In an open window a link may stand before the quotation: it is reported by itself, too.
            open_end = whole.end - quotation.SHOWN if found and found.open else whole.start
            self.found.append(place)
            signed.append(span)
            gone.append(Span(start=max(whole.start, min(open_end, span.start)), end=span.end))
            floor = span.end
        self.signed = blocks.merged(signed)
        self.covered = blocks.merged([*self.covered, *gone])
        if self.links:
            taken = blocks.merged(self._source(span) for span in gone)
            self.links = tuple(link for link in self.links if not blocks.overlaps(taken, link.source))

    def _blocks(self) -> None:
        """Block quotations without a signature: they are signed by a link in their last line or by their address."""
        reported: list[Span] = []
        taken: list[Span] = []
        embedded = {mention.source.start for mention in self.found if mention.kind is MentionKind.EMBED}
        for view in self.views:
            for block in view.blocks:
                if block.text.end - block.text.start < 5:
                    continue  # too short for three words
                if block.source.start in embedded or shortcodes.touches(self.code, block.source.start):
                    continue
                if blocks.overlaps(self.signed, block.text) or blocks.overlaps(
                    blocks.merged(reported[-1:]), block.text
                ):
                    continue
                free = blocks.without(block.text, self.covered)
                if passages.words(" ".join(self.document.text[part.start : part.end] for part in free)) < 3:
                    continue
                inside = blocks.between(self.links, block.source)
                mention = quoted_block(self.document, block, inside, self.claim)
                self.found.append(mention)
                reported.append(block.text)
                if mention.kind is MentionKind.SIGNED_QUOTATION:
                    taken.append(mention.source)
        gone = blocks.merged(taken)
        self.quoted = blocks.merged(reported)
        self.links = tuple(link for link in self.links if not blocks.overlaps(gone, link.source))

    def _permalinks(self) -> None:
        for link in self.links:
            kind = kind_of(link)
            if kind is None or link.ref is None:
                continue
            self.found.append(
                Mention(
                    kind=kind,
                    text=link.text,
                    source=link.source,
                    platform=link.ref.platform,
                    target=link.ref,
                    url=link.url,
                    markup=link.role,
                    links=(link,),
                )
            )

    def _escaped(self) -> None:
        """Embeds in the escaped markup of a feed that nothing else gave: frames have neither words nor links."""
        if self.document.media_type not in _FEEDS:
            return
        known = {mention.target for mention in self.found}
        taken = blocks.merged(mention.source for mention in self.found)
        for embed in kept.in_text(self.document.source, self.langs, self.claim):
            target = self.claim(embed.url)
            if target is not None and target not in known and not blocks.overlaps(taken, embed.outer):
                known.add(target)
                text = self._over(embed.outer)
                self.found.append(
                    Mention(
                        kind=MentionKind.EMBED,
                        text=text,
                        source=embed.outer,
                        platform=target.platform,
                        target=target,
                        url=embed.url,
                        markup=embed.markup,
                    )
                )

    def _passages(self) -> None:
        text = self.document.text
        head = shortcodes.front_matter(text) if text == self.document.source else Span(start=0, end=0)
        code = blocks.merged([*(self._over(span) for span in self.code), head])
        closed = blocks.merged([*self.covered, *self.quoted, head])
        shown = seen.of(self.document, code)
        found = [
            replace(each, text=shown.span(each.text), quote=shown.span(each.quote))
            for each in passages.marked(shown.text)
        ]
        found = [each for each in found if not blocks.overlaps(closed, each.text)]
        found += passages.elided(text, blocks.merged([*closed, *code, *self.signed]))
        for each in found:
            self.found.append(
                Mention(
                    kind=MentionKind.PASSAGE,
                    text=each.text,
                    source=self._source(each.text),
                    quote=each.quote,
                    markup=each.markup,
                )
            )

    def _source(self, span: Span) -> Span:
        return self.views[0].to_source(span)


def _key(mention: Mention) -> tuple[int, int, str, int, str]:
    return mention.text.start, mention.text.end, mention.kind, mention.source.start, mention.url


def _first_of_scripted(placed: list[Mention]) -> list[Mention]:
    """Without what scripts repeat: markup kept as a string counts only for a post that the page does not show."""
    shown = {each.target for each in placed if each.markup != kept.MARKUP}
    first: list[Mention] = []
    for each in placed:
        if each.markup == kept.MARKUP:
            if each.target is None or each.target in shown:
                continue
            shown.add(each.target)
        first.append(each)
    return first
