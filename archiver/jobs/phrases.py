"""Phrases: words in quotation marks that stand in another passage or post become inferred same-text edges.

From the text that quotes to the text where the words stand. Two words are looked for in the same document and the
posts that it refers to; three or more in every captured post and quotation, through the index of runs; eight or more
in every other document too, through that of marks.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

from archiver.jobs import sources
from archiver.jobs.found import in_document
from archiver.jobs.places import Place
from archiver.jobs.session import Session
from archiver.model import Edge, EdgeKind, Evidence, Ref, Span
from archiver.quotes import phrases, shingles
from archiver.store import holding, marks, runs
from archiver.store.archive import Row
from archiver.store.readings import passage

MOST_PHRASES = 400
MOST_HITS = 20
MOST_PLACES = 200  # of one run of words, in all documents together
TRIED = 8  # of them, in one document: a run may stand there ten thousand times
REACH = 500  # code points around a mark, beside the length of the phrase


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

    near = _Pairs([place for place, _ in quoting])
    for span in phrases.quoted_phrases(text)[:MOST_PHRASES]:
        words = text[span.start : span.end]
        owner, own = next((pair for pair in quoting if _holds(pair[0], span)), (None, None))
        source = passage(sha256, span) if owner is None else owner.passage
        for place, at in _beside(words, [one for one in near.holders(words) if one is not owner], span):
            found(source, place.passage, f"{span}>{in_document(place, at)}")
        for post, content in shown:
            there = None if post == own else phrases.find_phrase(words, content)
            if there is not None:
                found(source, post, f"{span}>{there}")
        _far(session, document, source, own, span, words, found)
    for edge in edges.values():
        session.readings.edge(document["capture"], edge)
    return list(edges.values()) + between(shown)


class _Pairs:
    """The quotations of one document by their pairs of neighbouring words: a document may hold ten thousand."""

    __slots__ = ("_held", "_places")

    def __init__(self, places: list[Place]) -> None:
        self._places = places
        self._held: dict[tuple[str, ...], list[int]] = {}
        for number, place in enumerate(places):
            keys = [word for word, _ in shingles.words(place.quoted)]
            for pair in dict.fromkeys(itertools.pairwise(keys)):
                self._held.setdefault(pair, []).append(number)

    def holders(self, phrase: str) -> list[Place]:
        """The quotations with the rarest pair of the phrase's words; all where it has no two."""
        keys = [word for word, _ in shingles.words(phrase)]
        held = [self._held.get(pair, []) for pair in itertools.pairwise(keys)]
        return [self._places[number] for number in min(held, key=len)] if held else self._places


def _beside(words: str, places: list[Place], span: Span) -> list[tuple[Place, Span]]:
    """Where a phrase stands in other quotations of its document, the first `MOST_HITS` of them."""
    out: list[tuple[Place, Span]] = []
    for place in places:
        there = None if _holds(place, span) else phrases.find_phrase(words, place.quoted)
        if there is not None:
            out.append((place, there))
            if len(out) == MOST_HITS:
                break
    return out


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
    """Phrases of three or more words: in every captured post and in the quotations of every other document; those of
    eight or more in their texts too."""
    keys = tuple(word for word, _ in shingles.words(words))
    if len(keys) < holding.LENGTH:
        return
    session.readings.add(
        "phrases",
        {
            "document": document["id"],
            "start": span.start,
            "end": span.end,
            "owner": session.readings.ref(source),
            "text": words,
            "gram": runs.run(keys),
            "mark": marks.first_mark(keys),
        },
    )
    for row in holding.versions(session.archive, keys, MOST_HITS):
        place, post = phrases.find_phrase(words, row["text"]), Ref.parse(row["ref"])
        if place is not None and post != own:
            found(source, post, f"{span}>{place}")
    for row in holding.mentions(session.archive, keys, document["id"], MOST_HITS):
        place = phrases.find_phrase(words, row["quoted"])
        if place is not None:
            there = Span(start=row["quote_start"], end=row["quote_end"])
            if there.end - there.start == len(row["quoted"]):  # no markup stands between the words
                there = Span(start=there.start + place.start, end=there.start + place.end)
            found(source, Ref.parse(row["ref"]), f"{span}>{there}")
    if len(keys) >= marks.RUN:
        _in_documents(session, document, source, span, words, keys, found)


def _in_documents(
    session: Session,
    document: Row,
    source: Ref,
    span: Span,
    words: str,
    keys: tuple[str, ...],
    found: Callable[[Ref, Ref, str], None],
) -> None:
    own = Ref(platform="doc", kind="document", id=document["sha256"])
    apart = sources.apart(session.archive, own)
    tried: Counter[int] = Counter()
    held: set[int] = set()
    for row in holding.documents(session.archive, keys, apart, MOST_PLACES):
        if row["id"] in held or tried[row["id"]] >= TRIED:
            continue
        tried[row["id"]] += 1
        start = max(0, row["at"] - REACH)
        text = str(
            session.archive.value(
                "SELECT substr(text, ?, ?) FROM documents WHERE id = ?",
                start + 1,
                row["at"] - start + 2 * len(words) + REACH,
                row["id"],
            )
        )
        place = phrases.find_phrase(words, text)
        if place is not None:
            held.add(row["id"])
            found(source, Ref.parse(row["ref"]), f"{span}>{Span(start=start + place.start, end=start + place.end)}")
