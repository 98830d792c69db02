"""The places of a document that refer to posts or quote words: embeds, signed quotations, links, passages.

Each place is reported once, by the strongest form that it has: an embed covers the links and signatures in it,
a signed quotation covers its links. Code that repeats embed markup is not a mention. What names no post is still
reported where words are quoted: a lost quotation is worse than one too many, and nothing here attributes or judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archiver.documents.finder import Finder
from archiver.documents.policy import MENTIONS_POLICY
from archiver.documents.quoted import Quoted, of
from archiver.documents.wider import windows
from archiver.model import Document, Mention, Ref

Claim = Callable[[str], Ref | None]


def policy() -> str:
    """The fingerprint of these rules: it changes whenever other mentions may be found."""
    return MENTIONS_POLICY


def find(document: Document, claim: Claim) -> tuple[Mention, ...]:
    """Every mention of a document, ordered by (text.start, text.end, kind, source.start). Pure.

    `claim` says which ref an address stands for; None for what is no address. The document must be as `read` makes
    it: `text` is the rendering of `source` (HTML, feeds) or equal to it, `runs` map between them.
    """
    return Finder(document, claim).mentions()


def words(document: Document, mention: Mention) -> str:
    """The quoted words of a mention as a reader sees them; empty where nothing is quoted. See `quoted`."""
    return of(document, mention).text


def quoted(document: Document, mention: Mention) -> Quoted:
    """The quoted words of a mention as a reader sees them, with the place of each in the document.

    In HTML the words are the text under `mention.quote`. In Markdown and plain text, whose text is the source itself,
    tags, character references and `>` prefixes inside the quotation are taken away; in Markdown also marks of emphasis,
    escapes, backticks and the addresses of links. In plain text a star is a star.
    """
    return of(document, mention)


def wider(document: Document, mentions: Iterable[Mention]) -> list[str]:
    """For each mention the words of the widest window that it may have, up to its signature; empty where it can have
    no wider one than its own.

    Plain text does not say whether the paragraphs before the last one are the post's, too: a post may hold blank
    lines. `find` gives the narrow window; where its words turn out to be the end of a longer post, this is the place
    in which to look for the rest. Where the post begins in it is a guess. For signed quotations of text and Markdown
    without block markup; it never reaches over another signature, an embed or a heading.
    """
    return ["" if window is None else of(document, window).text for window in windows(document, mentions)]
