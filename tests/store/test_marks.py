"""The index of winnowed runs: every common run of eight words shares a mark, whatever the piece, and little else."""

from __future__ import annotations

import csv
import json
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.jobs import sources
from archiver.jobs.config import Config
from archiver.jobs.places import Place
from archiver.jobs.session import Session, open_session
from archiver.model import Document, MentionKind, Ref, Span
from archiver.quotes import shingles
from archiver.store import marks, runs
from archiver.store.readings import passage
from tests.jobs.histories import Pen

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdgklmnprst"]


def prose(draw: random.Random, count: int) -> str:
    """Invented words with the white space, case, punctuation and addresses of real texts."""
    between = (" ", " ", " ", " ", ", ", ". ", "\n", "\n\n", " – ", " https://a.example/b ", " … ", "\u00a0")
    return "".join(draw.choice(WORDS) + draw.choice(between) for _ in range(count))


def flat(text: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for piece in marks.winnowed(text):
        for mark, at in piece:
            found.setdefault(mark, set()).add(at)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_every_common_run_of_eight_words_shares_a_mark_where_it_stands(seed: int) -> None:
    draw = random.Random(seed)
    text = prose(draw, 400)
    words = shingles.words(text)
    for _ in range(20):
        first = draw.randrange(len(words) - marks.RUN)
        run = text[words[first][1].start : words[first + marks.RUN - 1][1].end]
        elsewhere = f"{prose(draw, draw.randint(0, 9))} {run.upper()} {prose(draw, draw.randint(0, 9))}"
        shared = flat(text).keys() & flat(elsewhere).keys()
        assert any(words[first][1].start <= at < words[first + 3][1].start for m in shared for at in flat(text)[m])


def test_texts_without_a_common_run_of_six_words_share_no_mark() -> None:
    draw = random.Random(1)
    one, other = prose(draw, 3000), prose(draw, 3000)
    assert not flat(one).keys() & flat(other).keys()
    assert marks.marks_of("one two three four five six seven") == []
    assert len(marks.marks_of("one two three four five six seven eight")) >= 1


def test_pieces_give_the_marks_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text is taken in pieces; no run is lost where they meet, and places count in the whole text."""
    text = prose(random.Random(2), 5000)
    words = shingles.words(text)
    whole = flat(text)
    monkeypatch.setattr(marks, "PIECE", 1500)
    pieces = flat(text)
    assert whole.keys() <= pieces.keys()
    starts = {span.start for _, span in words}
    assert all(places <= starts for places in pieces.values())
    for n in range(len(words) - marks.RUN):
        run = text[words[n][1].start : words[n + marks.RUN - 1][1].end]
        assert any(words[n][1].start <= at < words[n + 3][1].start for m in flat(run) for at in pieces.get(m, ())), n


@pytest.mark.parametrize(
    "text", ["", "\0" * 50, "a" * 200_000, "\ud800 " * 30, "。" * 5000, "漢字" * 50_000, " " * 150_000]
)
def test_strange_texts_have_an_end(text: str) -> None:
    assert all(0 <= mark < 1 << 48 for mark in flat(text))


def test_the_first_mark_of_a_phrase_is_a_mark_of_every_text_that_holds_it() -> None:
    draw = random.Random(3)
    for _ in range(100):
        phrase = prose(draw, 12)
        keys = tuple(word for word, _ in shingles.words(phrase))
        assert marks.first_mark(keys) in flat(f"{prose(draw, 30)} {phrase} {prose(draw, 30)}")
        assert runs.run(keys) in runs.runs_of(f"{prose(draw, 3)} {phrase} {prose(draw, 3)}")
    assert marks.first_mark(("a", "b", "c", "d", "e", "f", "g")) == 0


@pytest.mark.heavy
def test_memory_does_not_grow_with_the_text() -> None:
    text = prose(random.Random(4), 200_000)
    tracemalloc.start()
    count = sum(len(piece) for piece in marks.winnowed(text))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{len(text):,} code points, {count:,} marks, {most / (1 << 20):.1f} MiB at most")
    assert count > 90_000
    assert most < 24 << 20


# ---- recorded articles ------------------------------------------------------------------------------------------


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with open_session(tmp_path / "a.db", Config()) as opened:
        opened.archive.db.execute("PRAGMA synchronous=OFF")
        yield opened


def place_of(quoted: str, number: int = 0) -> Place:
    """A passage of a text that is not stored."""
    span = Span(start=number, end=number + len(quoted))
    return Place(
        passage=passage("0" * 64, span),
        kind=MentionKind.PASSAGE,
        markup="blockquote",
        text=span,
        quote=span,
        quoted=quoted,
        platform="",
        target=None,
        handle="",
        name="",
        day="",
        day_zone="",
        url="",
    )


def articles(path: Path) -> list[str]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


@pytest.mark.heavy
@pytest.mark.corpus
def test_reused_passages_are_found_in_recorded_articles_and_unrelated_ones_nowhere(
    corpus: Path, session: Session
) -> None:
    held = articles(corpus / "quotes" / "isot_reuters_articles.csv")
    quoting = articles(corpus / "quotes" / "isot_blog_articles.csv")
    with (corpus / "quotes" / "isot_reuse_gold.jsonl").open(encoding="utf-8") as file:
        gold = [json.loads(line) for line in file]
    pen = Pen(session)
    number_of: dict[Ref, set[int]] = {}
    begin = time.perf_counter()
    spent, size = 0.0, 0
    with session.archive.transaction():
        for number, text in enumerate(held):
            sha256 = pen.document(text, name=f"{number}.txt", readable=False)
            ref = Ref(platform="doc", kind="document", id=sha256)
            number_of.setdefault(ref, set()).add(number)
            read = Document(
                ref=ref, sha256=sha256, media_type="text/plain", encoding="", encoding_from="", text=text, source=""
            )
            capture = int(str(session.archive.value("SELECT max(id) FROM captures")))
            begin = time.perf_counter()
            session.readings.document(capture, read, (), "", "")
            spent, size = spent + time.perf_counter() - begin, size + len(text)
    rows = int(str(session.archive.value("SELECT count(*) FROM _document_marks")))
    own = Ref(platform="doc", kind="document", id="0" * 64)

    hits = told = 0
    begin = time.perf_counter()
    for row in gold:
        found = sources.find(session.archive, place_of(row["text"]), own)
        hits += any(number_of[one.ref] & set(row["reuters_articles"]) for one in found[:5])
        told += len(found)
        for one in found:
            (text,) = {held[number] for number in number_of[one.ref]}
            ours = [word for word, _ in shingles.words(row["text"][one.passage.start : one.passage.end])]
            theirs = [word for word, _ in shingles.words(text[one.place.start : one.place.end])]
            assert ours == theirs
            assert len(ours) == one.words >= 8
    each = 1000 * (time.perf_counter() - begin) / len(gold)

    draw = random.Random(7)
    unrelated: list[str] = []
    known: set[tuple[str, ...]] = set()
    for text in held:
        keys = [word for word, _ in shingles.words(text)]
        known |= {tuple(keys[n : n + 8]) for n in range(len(keys) - 7)}
    while len(unrelated) < 400:
        words = shingles.words(draw.choice(quoting))
        if len(words) < 60:
            continue
        first = draw.randrange(len(words) - 45)
        keys = [word for word, _ in words[first : first + 45]]
        if not any(tuple(keys[n : n + 8]) in known for n in range(38)):
            unrelated.append(" ".join(keys))
    begin = time.perf_counter()
    false = sum(bool(sources.find(session.archive, place_of(text), own)) for text in unrelated)
    nothing = 1000 * (time.perf_counter() - begin) / len(unrelated)
    print(
        f"{len(held)} articles, {size:,} characters, {rows:,} marks, {1e6 * spent / size:.2f} µs a character; "
        f"{len(gold)} passages: recall@5 {hits / len(gold):.3f}, {told} sources, {each:.2f} ms each; "
        f"{len(unrelated)} unrelated: {false} false sources, {nothing:.2f} ms each"
    )
    assert hits == len(gold)
    assert false == 0
