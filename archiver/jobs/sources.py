"""Source finding: which archived documents and posts hold the words of a passage that nothing attributes.

A source shares a run of at least eight words with the passage, as words are compared. Which of them is the origin,
nobody can read from the words: all are told, the earliest claimed time first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from archiver.jobs.places import Place
from archiver.model import Ref, Span, Verdict
from archiver.quotes import shingles, verdict
from archiver.quotes.speech import judge_speech
from archiver.store import marks
from archiver.store.archive import Archive, Row

POLICY = f"sources/1 {marks.RUN}-words"
MOST = 50
"""So many sources of one passage are told."""
ENOUGH = 2 * MOST  # documents, and posts, that hold a run: no more are looked for, and the earliest of them are told
TRIED = 1000  # documents, and versions of posts, that are compared: those that share most
REACH = 500  # code points around a mark, beside the length of the passage, in which its words are looked for
LATEST = "9999"
STRETCHES = 16  # of one document that are compared with a passage: those with most marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document or post that holds a run of the words. `words` is the length of the run, `passage` where it stands
    in the quoted words, `place` where in the text of the document or of the post's `version` (a local id, None for a
    document). `claimed_at` is the time that page or post gives itself, empty where it gives none; `first_seen` the
    observation that first showed it. The spans of `verdict` count as `passage` and `place` do. `name` is for readers:
    the address of a document, the handle of a post."""

    ref: Ref
    words: int
    passage: Span
    place: Span
    verdict: Verdict
    claimed_at: str
    first_seen: str
    name: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What "no source in the archive" is said of: how many documents and posts it holds, the time of its last capture
    (UTC), and the rule that was applied."""

    documents: int
    posts: int
    cutoff: str
    policy: str = POLICY


def coverage(archive: Archive) -> Coverage:
    """What is in the archive now. Computed when it is told, never stored."""
    last = archive.one("SELECT observed_at FROM captures ORDER BY id DESC LIMIT 1")
    return Coverage(
        documents=_how_many(archive, "documents"),
        posts=_how_many(archive, "posts"),
        cutoff="" if last is None else str(last[0]),
    )


def _how_many(archive: Archive, table: str) -> int:
    """Rows of a table, from the counts that are kept; an archive of an older version keeps none."""
    kept = archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'tallies'") is not None
    count = "SELECT coalesce(sum(n), 0) FROM tallies WHERE name = ?1" if kept else f"SELECT count(*) FROM {table}"
    return int(str(archive.value(count, *((table,) if kept else ()))))


def searchable(quoted: str) -> bool:
    """Whether a passage is long enough to be looked for: eight words."""
    return len(shingles.words(quoted)) >= marks.RUN


def find(archive: Archive, place: Place, own: Ref, told: Container[Ref | None] = ()) -> tuple[Source, ...]:
    """The documents and posts that share a run of eight words with what a place quotes, the earliest claimed time
    first (those without one last, by first observation and ref); at most `MOST`.

    `own` is the document that quotes. It is no source of itself, nor is what else was captured at its addresses. Posts
    in `told`, against which the words were judged, are left out.
    """
    if place.quote is None:
        return ()
    looked_up = marks.marks_of(place.quoted)
    if not looked_up:
        return ()
    posts = [source for source in _posts(archive, place, looked_up) if source.ref not in told]
    found = [*islice(_documents(archive, place, looked_up, own), ENOUGH), *posts]
    found.sort(key=lambda one: (one.claimed_at or LATEST, one.first_seen, str(one.ref)))
    return tuple(found[:MOST])


def tell(sources: Iterable[Source], covered: Coverage) -> str:
    """The sentence for readers: where the words occur, or what was looked through in vain."""
    held = list(sources)
    if not held:
        looked = _counted(covered.documents, "document")
        cutoff = f"{covered.cutoff[:19]}Z" if covered.cutoff else "none"
        return f"no source in the archive ({looked}, cut-off {cutoff}, policy {covered.policy})"
    posts = sum(one.version is not None for one in held)
    documents = len(held) - posts
    parts = [_counted(documents, "archived document")] if documents else []
    parts += [_counted(posts, "post" if documents else "archived post")] if posts else []
    least = "at least " if len(held) >= MOST else ""
    return f"occurs in {least}{' and '.join(parts)}, earliest {_when(held[0])} ({held[0].name or held[0].ref})"


def _when(source: Source) -> str:
    """The day that a source gives itself; where it gives none, that it was seen, which is later than it was written."""
    return source.claimed_at[:10] or f"seen {source.first_seen[:10]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def named(url: str | None, handle: str | None) -> str:
    """How readers know a source: the address that a document was captured at, or the handle of a post."""
    return url.removeprefix("seed:") if url else f"@{handle}" if handle else ""


# ---- documents --------------------------------------------------------------------------------------------------

_SAME_ADDRESS = f"""
WITH own(ref, url) AS (SELECT ref, url FROM captures WHERE entity_sha256 = ? AND {marks.READ}),
same(sha256) AS (
    SELECT c.entity_sha256 FROM own o JOIN captures c ON c.url = o.url AND c.{marks.READ}
    UNION SELECT c.entity_sha256 FROM own o JOIN captures c ON c.ref = o.ref AND c.{marks.READ}
    UNION SELECT ?
)
SELECT r.id FROM same s JOIN refs r ON r.ref = 'doc:document:' || s.sha256
"""
# A page says when it was published; of several captures that read as one document the earliest time counts.
_DOCUMENT = f"""
SELECT r.ref, d.characters, c.url, c.observed_at AS first_seen, coalesce((
    SELECT min(p.published_at) FROM captures o JOIN pages p ON p.capture = o.id
    WHERE o.entity_sha256 = d.sha256 AND o.{marks.READ} AND p.published_at <> ''), '') AS claimed_at
FROM documents d JOIN refs r ON r.id = d.id JOIN captures c ON c.id = d.capture WHERE d.id = ?
"""


def apart(archive: Archive, own: Ref) -> set[int]:
    """The documents (local ids) that are no sources for `own`: itself, and what was read at the same addresses."""
    return {int(row[0]) for row in archive.all(_SAME_ADDRESS, own.id, own.id)}


def _documents(archive: Archive, place: Place, looked_up: list[int], own: Ref) -> Iterator[Source]:
    for document in marks.documents_sharing(archive, looked_up, apart(archive, own), TRIED):
        row = archive.one(_DOCUMENT, document)
        at = marks.places(archive, looked_up, document)
        best = None if row is None else _longest(archive, place.quoted, document, at, row["characters"])
        if row is not None and best is not None:
            run, there, words, around, text = best
            yield Source(
                ref=Ref.parse(row["ref"]),
                words=words,
                passage=run,
                place=there,
                verdict=_moved(_judge(place, text), around.start),
                claimed_at=row["claimed_at"],
                first_seen=row["first_seen"],
                name=named(row["url"], None),
            )


def _longest(
    archive: Archive, quoted: str, document: int, at: list[int], size: int
) -> tuple[Span, Span, int, Span, str] | None:
    """The longest run of words that a passage shares with a document: where it stands in both, its length, the
    stretch of the document around it and its text. None where it is shorter than eight words."""
    reach, best = REACH + len(quoted), (Span(start=0, end=0), Span(start=0, end=0), 0)
    stretches = _richest(list(_stretches(at, reach, size)), at)
    if not stretches:
        return None
    first = stretches[0].start
    text = _text(archive, document, Span(start=first, end=stretches[-1].end))
    for stretch in stretches:
        run, there, words = shingles.common_run(quoted, text[stretch.start - first : stretch.end - first])
        if words > best[2]:
            best = run, Span(start=there.start + stretch.start, end=there.end + stretch.start), words
    run, there, words = best
    if words < marks.RUN:
        return None
    around = Span(start=max(first, there.start - reach), end=min(stretches[-1].end, there.end + reach))
    return run, there, words, around, text[around.start - first : around.end - first]


def _richest(stretches: list[Span], at: list[int]) -> list[Span]:
    """The stretches with most marks, at most `STRETCHES`, in order."""
    ranked = sorted(stretches, key=lambda s: bisect_left(at, s.start) - bisect_left(at, s.end))
    return sorted(ranked[:STRETCHES])


def _stretches(at: list[int], reach: int, size: int) -> Iterator[Span]:
    """The stretches of a text around places (in order), those that meet as one."""
    start = end = -1
    for place in at:
        if start >= 0 and place - reach <= end:
            end = place + reach
            continue
        if start >= 0:
            yield Span(start=start, end=min(size, end))
        start, end = max(0, place - reach), place + reach
    if start >= 0:
        yield Span(start=start, end=min(size, end))


def _text(archive: Archive, document: int, stretch: Span) -> str:
    return str(
        archive.value(
            "SELECT substr(text, ?, ?) FROM documents WHERE id = ?",
            stretch.start + 1,
            stretch.end - stretch.start,
            document,
        )
    )


# ---- posts ------------------------------------------------------------------------------------------------------

_VERSION = """
SELECT v.id, v.text, v.truncated, v.posted_at, p.handle, r.ref, (
    SELECT c.observed_at FROM sightings s JOIN captures c ON c.id = s.capture WHERE s.version = v.id
    ORDER BY c.origin, c.leaf LIMIT 1) AS first_seen
FROM versions v JOIN posts p ON p.id = v.post JOIN refs r ON r.id = p.id WHERE v.id = ?
"""


def _posts(archive: Archive, place: Place, looked_up: list[int]) -> list[Source]:
    """One source a post: the version that shares the longest run with the passage, the first of equals."""
    best: dict[str, tuple[Row, Span, Span, int]] = {}
    for version in marks.versions_sharing(archive, looked_up, TRIED):
        row = archive.one(_VERSION, version)
        if row is None:
            continue
        run, there, words = shingles.common_run(place.quoted, row["text"])
        if words >= marks.RUN and (row["ref"] not in best or words > best[row["ref"]][3]):
            best[row["ref"]] = row, run, there, words
            if len(best) >= ENOUGH:
                break
    return [_post(place, *one) for one in best.values()]


def _post(place: Place, row: Row, run: Span, there: Span, words: int) -> Source:
    return Source(
        ref=Ref.parse(row["ref"]),
        words=words,
        passage=run,
        place=there,
        verdict=_judge(place, row["text"], truncated=bool(row["truncated"])),
        claimed_at=row["posted_at"],
        first_seen=row["first_seen"],
        name=named(None, row["handle"]),
        version=row["id"],
    )


def _judge(place: Place, text: str, *, truncated: bool = False) -> Verdict:
    """The verdict of the whole passage against the words around the run."""
    if place.speech:
        return spoken(place.quoted, text, truncated=truncated)
    return verdict.judge(place.quoted, text, truncated=truncated, open_start=place.open_start)


def spoken(quoted: str, text: str, *, truncated: bool = False) -> Verdict:
    """The verdict on what is marked as spoken: by the standard of speech, which never says altered. A text that was
    cut off is no whole report: only what stands in it is told."""
    if truncated:
        return replace(verdict.judge(quoted, text, truncated=True), standard="speech")
    return judge_speech(quoted, text)


def _moved(told: Verdict, by: int) -> Verdict:
    """A verdict on a stretch with the spans of its changes counted in the whole text."""
    changes = tuple(
        replace(change, original_span=_shifted(change.original_span, by) or change.original_span)
        for change in told.changes
    )
    return replace(told, changes=changes, original_span=_shifted(told.original_span, by))


def _shifted(span: Span | None, by: int) -> Span | None:
    return None if span is None else Span(start=span.start + by, end=span.end + by)
