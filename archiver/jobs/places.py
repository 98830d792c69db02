"""Mentions as they are settled: the same value whether they stand in the archive or in a text that is only checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archiver.documents.mentions import wider, words
from archiver.model import Document, Mention, MentionKind, Ref, Span
from archiver.store.archive import Archive
from archiver.store.readings import passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One mention with the words that it quotes. `key` is its local id, 0 where it is not stored; `shorts` are the
    short links that stand in it, in order; spans are in code points of the document's text. `wider` are the words of
    the widest window that the quotation may have (paragraphs before it that may be the post's too), mostly empty."""

    passage: Ref
    kind: MentionKind
    markup: str
    text: Span
    quote: Span | None
    quoted: str
    platform: str
    target: Ref | None
    handle: str
    name: str
    day: str
    day_zone: str
    url: str
    wider: str = ""
    shorts: tuple[Ref, ...] = ()
    key: int = 0

    @property
    def speech(self) -> bool:
        """Whether the document marks the words as spoken: speech is never held to the standard of a written post."""
        return self.markup.startswith("speech")

    @property
    def open_start(self) -> bool:
        """Whether it is a guess where the quoted words begin."""
        return self.markup.endswith("-open") or self.markup == "elision-excerpt"


def places_of(document: Document, mentions: Iterable[Mention]) -> list[Place]:
    """The mentions of a document that was just read."""
    found = list(mentions)
    return [
        Place(
            passage=passage(document.sha256, mention.text),
            kind=mention.kind,
            markup=mention.markup,
            text=mention.text,
            quote=mention.quote,
            quoted="" if mention.quote is None else words(document, mention),
            platform=mention.platform,
            target=mention.target,
            handle=mention.handle,
            name=mention.name,
            day=mention.day,
            day_zone=mention.day_zone,
            url=mention.url,
            wider=wide,
            shorts=tuple(link.ref for link in mention.links if link.ref is not None and link.ref.kind == "short"),
        )
        for mention, wide in zip(found, wider(document, found), strict=True)
    ]


def stored_places(archive: Archive, document: int) -> list[Place]:
    """The mentions of a stored document (its local id), in order."""
    shorts: dict[int, list[Ref]] = {}
    for row in archive.all(
        "SELECT l.mention, r.ref FROM mentions m JOIN mention_links l ON l.mention = m.id JOIN refs r ON r.id = l.ref "
        "WHERE m.document = ? AND r.kind = 'short' ORDER BY l.mention, l.ordinal",
        document,
    ):
        shorts.setdefault(int(row["mention"]), []).append(Ref.parse(row["ref"]))
    rows = archive.all(
        "SELECT m.*, r.ref AS passage, t.ref AS target_ref FROM mentions m JOIN refs r ON r.id = m.ref "
        "LEFT JOIN refs t ON t.id = m.target WHERE m.document = ? ORDER BY m.ordinal",
        document,
    )
    return [
        Place(
            passage=Ref.parse(row["passage"]),
            kind=MentionKind(row["kind"]),
            markup=row["markup"],
            text=Span(start=row["text_start"], end=row["text_end"]),
            quote=None if row["quote_start"] is None else Span(start=row["quote_start"], end=row["quote_end"]),
            quoted=row["quoted"],
            platform=row["platform"],
            target=None if row["target_ref"] is None else Ref.parse(row["target_ref"]),
            handle=row["handle"],
            name=row["name"],
            day=row["day"],
            day_zone=row["day_zone"],
            url=row["url"],
            wider=row["wider"],
            shorts=tuple(shorts.get(int(row["id"]), ())),
            key=int(row["id"]),
        )
        for row in rows
    ]
