"""Phrases: words in quotation marks that stand in another passage or post become inferred same-text edges.

From the text that quotes to the text where the words stand. Two or three words are looked for in the same
document and the posts that it refers to; four or more in the whole archive, through the full-text index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from archiver.jobs.places import Place
from archiver.jobs.session import Session
from archiver.model import Edge, EdgeKind, Evidence, Ref, Span
from archiver.quotes import phrases, shingles
from archiver.store.archive import Row
from archiver.store.readings import passage

GRAM = 4
MOST_PHRASES = 400
MOST_HITS = 20


def gram(words: tuple[str, ...]) -> int:
    """A signed 63-bit fingerprint of the first four words."""
    digest = hashlib.blake2b(" ".join(words[:GRAM]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def grams_of(text: str) -> set[int]:
    """The fingerprints of every run of four words in a text."""
    words = tuple(word for word, _ in shingles.words(text))
    return {gram(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}


def link_phrases(session: Session, document: Row, settled: list[tuple[Place, Ref | None]]) -> list[Edge]:
    """Finds and returns the phrase edges of one document, whose mentions stand for the posts beside them (None: for
    none). Stores those that leave the document; those between posts are stored by `pairs`, for they may hang on
    several documents."""
    text, sha256 = document["text"], document["sha256"]
    quoting = [(place, post) for place, post in settled if place.quote is not None]
    shown = texts(session, [post for _, post in settled if post is not None])
    edges: dict[tuple[Ref, Ref], Edge] = {}

    def found(source: Ref, target: Ref, pointer: str) -> None:
        if source != target:
            edge = Edge(
                kind=EdgeKind.SAME_TEXT, source=source, target=target, evidence=Evidence.INFERRED, pointer=pointer
            )
            edges.setdefault((source, target), edge)

    for span in phrases.quoted_phrases(text)[:MOST_PHRASES]:
        words = text[span.start : span.end]
        owner, own = next((pair for pair in quoting if _holds(pair[0], span)), (None, None))
        source = passage(sha256, span) if owner is None else owner.passage
        for place, _ in quoting:
            if place is owner or _holds(place, span):
                continue
            there = phrases.find_phrase(words, place.quoted)
            if there is not None:
                found(source, place.passage, f"{span}>{_in_document(place.quote, place.quoted, there)}")
        for post, content in shown:
            there = None if post == own else phrases.find_phrase(words, content)
            if there is not None:
                found(source, post, f"{span}>{there}")
        _far(session, document, source, own, span, words, found)
    for edge in edges.values():
        session.readings.edge(document["capture"], edge)
    return list(edges.values()) + between(shown)


def between(shown: list[tuple[Ref, str]]) -> list[Edge]:
    """The phrase edges among posts and their texts: one each way at most, the first phrase that stands in the other."""
    edges: dict[tuple[Ref, Ref], Edge] = {}
    for post, content in shown:
        for span in phrases.quoted_phrases(content)[:MOST_PHRASES]:
            for other, elsewhere in shown:
                if other == post or (post, other) in edges:
                    continue
                place = phrases.find_phrase(content[span.start : span.end], elsewhere)
                if place is not None:
                    edges[post, other] = Edge(
                        kind=EdgeKind.SAME_TEXT,
                        source=post,
                        target=other,
                        evidence=Evidence.INFERRED,
                        pointer=f"{span}>{place}",
                    )
    return list(edges.values())


def _holds(place: Place, span: Span) -> bool:
    return place.text.start <= span.start and span.end <= place.text.end


def _in_document(quote: Span | None, quoted: str, place: Span) -> Span:
    """Where words of a quotation stand in its document; the whole quotation where markup stands between its words."""
    if quote is None or quote.end - quote.start != len(quoted):
        return quote or place
    return Span(start=quote.start + place.start, end=quote.start + place.end)


def texts(session: Session, posts: list[Ref]) -> list[tuple[Ref, str]]:
    """The captured posts among these refs with their texts, as last seen, in the order of their refs."""
    shown = []
    for post in sorted(set(posts)):
        row = session.archive.one(
            "SELECT p.text FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ? AND p.text <> ''", str(post)
        )
        if row is not None:
            shown.append((post, str(row[0])))
    return shown


def _far(
    session: Session,
    document: Row,
    source: Ref,
    own: Ref | None,
    span: Span,
    words: str,
    found: Callable[[Ref, Ref, str], None],
) -> None:
    """Phrases of four or more words: in every captured post and in the passages of every other document."""
    keys = tuple(word for word, _ in shingles.words(words))
    if len(keys) < GRAM:
        return
    session.readings.add(
        "phrases",
        {
            "document": document["id"],
            "start": span.start,
            "end": span.end,
            "owner": session.readings.ref(source),
            "text": words,
            "gram": gram(keys),
        },
    )
    query = '"' + " ".join(keys).replace('"', '""') + '"'
    rows = session.archive.all(
        "SELECT r.ref, v.text FROM versions_fts f JOIN versions v ON v.id = f.rowid JOIN refs r ON r.id = v.post "
        "WHERE versions_fts MATCH ? ORDER BY v.posted_at, r.ref, v.sha256 LIMIT ?",
        query,
        MOST_HITS,
    )
    for row in rows:
        place, post = phrases.find_phrase(words, row["text"]), Ref.parse(row["ref"])
        if place is not None and post != own:
            found(source, post, f"{span}>{place}")
    rows = session.archive.all(
        "SELECT r.ref, m.quoted, m.quote_start, m.quote_end FROM mentions_fts f JOIN mentions m ON m.id = f.rowid "
        "JOIN refs r ON r.id = m.ref WHERE mentions_fts MATCH ? AND m.document <> ? ORDER BY r.ref LIMIT ?",
        query,
        document["id"],
        MOST_HITS,
    )
    for row in rows:
        place = phrases.find_phrase(words, row["quoted"])
        if place is not None:
            quote = Span(start=row["quote_start"], end=row["quote_end"])
            found(source, Ref.parse(row["ref"]), f"{span}>{_in_document(quote, row['quoted'], place)}")
