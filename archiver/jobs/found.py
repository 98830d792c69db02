"""Sources as readings: the rows that settling stores for a passage, with an edge to each source, and back."""

from __future__ import annotations

from archiver.jobs.places import Place
from archiver.jobs.session import Session
from archiver.jobs.sources import POLICY, Source, find, named
from archiver.model import Edge, EdgeKind, Evidence, Ref, Span, Verdict, VerdictKind
from archiver.store.archive import Archive, Row


def store(session: Session, document: Row, place: Place) -> list[object]:
    """Stores the sources of one mention of a stored document, each with an inferred edge to it. What was stored, for
    the hash of the result."""
    result: list[object] = []
    own = Ref(platform="doc", kind="document", id=document["sha256"])
    for rank, source in enumerate(find(session.archive, place, own)):
        row = row_of(source, rank)
        local = {"mention": place.key, "source": session.readings.ref(source.ref), "version": source.version}
        session.readings.add("sources", local | row)
        edge = Edge(
            kind=EdgeKind.SAME_TEXT,
            source=place.passage,
            target=source.ref,
            evidence=Evidence.INFERRED,
            pointer=f"{in_document(place, source.passage)}>{source.place}",
        )
        session.readings.edge(document["capture"], edge)
        result += [row, edge]
    return result


def row_of(source: Source, rank: int) -> dict[str, object]:
    """A source as a row of `sources` (without mention, source and version, which the caller knows as local ids)."""
    told = source.verdict
    return {
        "words": source.words,
        "verdict": told.kind.value,
        "standard": told.standard,
        "score": f"{told.score:.4f}",
        "steps": " ".join(told.steps),
        "flags": " ".join(told.flags),
        "reason": told.reason,
        "passage_start": source.passage.start,
        "passage_end": source.passage.end,
        "place_start": source.place.start,
        "place_end": source.place.end,
        "claimed_at": source.claimed_at,
        "first_seen": source.first_seen,
        "rank": rank,
        "policy": POLICY,
    }


def stored(archive: Archive, mention: int) -> tuple[Source, ...]:
    """The sources of a mention (its local id) as they were settled, in order; their verdicts without spans."""
    rows = archive.all(
        "SELECT s.*, r.ref, c.url, p.handle FROM sources s JOIN refs r ON r.id = s.source "
        "LEFT JOIN documents d ON d.id = s.source LEFT JOIN captures c ON c.id = d.capture "
        "LEFT JOIN posts p ON p.id = s.source WHERE s.mention = ? ORDER BY s.rank",
        mention,
    )
    return tuple(
        Source(
            ref=Ref.parse(row["ref"]),
            words=row["words"],
            passage=Span(start=row["passage_start"], end=row["passage_end"]),
            place=Span(start=row["place_start"], end=row["place_end"]),
            verdict=Verdict(
                kind=VerdictKind(row["verdict"]),
                standard=row["standard"],
                steps=tuple(row["steps"].split()),
                flags=tuple(row["flags"].split()),
                score=float(row["score"]),
                reason=row["reason"],
            ),
            claimed_at=row["claimed_at"],
            first_seen=row["first_seen"],
            name=named(row["url"], row["handle"]),
            version=row["version"],
        )
        for row in rows
    )


def in_document(place: Place, words: Span) -> Span:
    """Where words of a quotation stand in its document; the whole quotation where markup stands between its words."""
    if place.quote is None or place.quote.end - place.quote.start != len(place.quoted):
        return place.quote or words
    return Span(start=place.quote.start + words.start, end=place.quote.start + words.end)
