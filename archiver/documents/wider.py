"""A wider window for a signed quotation: the paragraphs before the last one, which may be the post's, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from archiver.documents import blocks, quotation, signatures
from archiver.documents.sourcemap import to_source
from archiver.model import Document, Mention, MentionKind, Span


def windows(document: Document, mentions: Iterable[Mention]) -> Iterator[Mention | None]:
    """For each mention the same with the widest window that its words may have; None where it can have no wider one."""
    marked = None
    for mention in mentions:
        if mention.kind is MentionKind.SIGNED_QUOTATION and marked is None:
            marked = blocks.merged(block.text for block in blocks.markdown(document.text))
        yield _widened(document, mention, marked or ())


def _widened(document: Document, mention: Mention, marked: tuple[Span, ...]) -> Mention | None:
    quote, text = mention.quote, document.text
    if mention.kind is not MentionKind.SIGNED_QUOTATION or quote is None or "-signature" not in mention.markup:
        return None
    if blocks.overlaps(marked, Span(start=quote.start, end=quote.start + 1)):
        return None  # the block says where the words start
    reach = Span(start=max(0, quote.start - quotation.WINDOW), end=quote.start)
    signed = signatures.find(text, (document.lang,) if document.lang else (), reach)
    low = signed[-1].span.end if signed else reach.start if reach.start else 0
    start, _ = quotation.trimmed(text, quotation.wider(text, quote.start, low), quote.end)
    if start >= quote.start:
        return None
    whole = Span(start=min(start, mention.text.start), end=mention.text.end)
    return replace(
        mention,
        text=whole,
        source=whole if document.text == document.source else to_source(document.runs, whole),
        quote=Span(start=start, end=quote.end),
        markup=f"{mention.markup.removesuffix('-open')}-open",
    )
