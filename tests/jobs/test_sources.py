"""Where the words of a passage occur: a common run of eight words, ordered by claimed time, counted honestly."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.jobs import found, settle, sources
from archiver.jobs.config import Config
from archiver.jobs.rebuild import rebuild
from archiver.jobs.session import Session, open_session
from archiver.jobs.sources import Coverage, find, tell
from archiver.model import Ref, Verdict, VerdictKind
from archiver.platforms import all_platforms
from archiver.quotes import shingles
from archiver.store import schema
from tests.jobs.histories import Pen, Toy
from tests.store.test_marks import place_of

WORDS = "the council will build seven new bridges across the river before the end of next spring"
REPORT = f"Monday. In a long session it was decided: {WORDS}, if the money is found. Nobody objected."
OTHER = "Nothing in this text has anything to do with what stands in the other texts of this small archive."
OWN = Ref(platform="doc", kind="document", id="0" * 64)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    with open_session(tmp_path / "a.db", Config()) as opened:
        opened.archive.db.execute("PRAGMA synchronous=OFF")
        yield opened


@pytest.fixture
def pen(session: Session) -> Pen:
    return Pen(session)


def post(number: int, text: str, at: str = "2024-10-28T10:00:00Z", **more: Any) -> dict[str, Any]:
    fields = {"ref": f"x:post:{number}", "author": None, "text": text, "posted_at": at, "handle": "ada_example"}
    return {"posts": [{**fields, "name": "Ada", **more}]}


def document_of(sha256: str) -> Ref:
    return Ref(platform="doc", kind="document", id=sha256)


# ---- finding ----------------------------------------------------------------------------------------------------


def test_a_document_is_found_with_spans_on_both_sides(session: Session, pen: Pen) -> None:
    sha256, _ = pen.document(REPORT, name="report.txt"), pen.document(OTHER, name="other.txt")
    quoted = f"It said “{WORDS.upper()}” then"
    (one,) = find(session.archive, place_of(quoted), OWN)
    assert (one.ref, one.name, one.words, one.version) == (document_of(sha256), "report.txt", 16, None)
    assert quoted[one.passage.start : one.passage.end] == WORDS.upper()
    assert REPORT[one.place.start : one.place.end] == WORDS
    assert (one.claimed_at, one.first_seen[:10]) == ("", "2026-01-02")
    (same,) = find(session.archive, place_of(WORDS), OWN)
    told = same.verdict
    assert (told.kind, told.standard) == (VerdictKind.PARTIAL, "text")
    assert told.original_span is not None
    assert REPORT[told.original_span.start : told.original_span.end] == WORDS


def test_seven_words_are_no_source_and_eight_are(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    words = WORDS.split()
    assert find(session.archive, place_of("so " + " ".join(words[:7]) + " or not as they say"), OWN) == ()
    (one,) = find(session.archive, place_of("so " + " ".join(words[:8]) + " or not as they say"), OWN)
    assert one.words == 8
    assert find(session.archive, place_of(" ".join(words[:7])), OWN) == ()
    assert not sources.searchable(" ".join(words[:7]))
    assert sources.searchable(" ".join(words[:8]))


def test_a_changed_word_between_is_altered_and_still_a_source(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    (one,) = find(session.archive, place_of(WORDS.replace("seven", "eleven") + ", if the money is found"), OWN)
    assert one.verdict.kind is VerdictKind.ALTERED
    (change,) = one.verdict.changes
    assert REPORT[change.original_span.start : change.original_span.end] == "seven"


def test_what_is_marked_as_spoken_is_never_called_altered(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    changed = place_of(WORDS.replace("seven", "eleven") + ", if the money is found")
    (one,) = find(session.archive, replace(changed, markup="speech"), OWN)
    assert (one.verdict.kind, one.verdict.standard) == (VerdictKind.NOT_JUDGED, "speech")
    assert "wording-differs" in one.verdict.flags
    assert [change.original for change in one.verdict.changes] == ["seven"]
    (same,) = find(session.archive, replace(place_of(WORDS), markup="speech"), OWN)
    assert (same.verdict.kind, same.verdict.standard) == (VerdictKind.PARTIAL, "speech")


def test_a_document_is_no_source_of_itself_nor_of_another_state_of_its_address(session: Session, pen: Pen) -> None:
    first = pen.document(REPORT, name="page.txt")
    later = pen.document(f"{REPORT} Corrected on Tuesday.", name="page.txt")
    other = pen.document(f"A reprint. {REPORT}", name="elsewhere.txt")
    assert [one.ref for one in find(session.archive, place_of(WORDS), document_of(first))] == [document_of(other)]
    assert [one.ref for one in find(session.archive, place_of(WORDS), document_of(later))] == [document_of(other)]
    found = find(session.archive, place_of(WORDS), document_of(other))
    assert {one.ref for one in found} == {document_of(first), document_of(later)}
    pen.document(f"A reprint. {REPORT}", name="page.txt")  # known content, now read at the address of the first too
    assert find(session.archive, place_of(WORDS), document_of(first)) == ()


def test_posts_are_named_as_posts_and_the_earliest_claimed_time_leads(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    pen.answer(post(1, f"Look: {WORDS}!", "2024-10-29T10:00:00Z"))
    pen.answer(post(2, f"{WORDS}", "2024-10-28T10:00:00Z"))
    pen.answer(post(2, f"{WORDS.replace('next', 'this')} (edited)", "2024-10-28T10:00:00Z"), route="two")
    pen.answer(post(3, f"{WORDS}?", ""))
    found = find(session.archive, place_of(WORDS), OWN)
    assert [str(one.ref)[:10] for one in found] == ["x:post:2", "x:post:1", "doc:docume", "x:post:3"]
    assert found[0].words == 16, "of two versions the one that shares the longer run"
    assert found[0].verdict.kind is VerdictKind.EXACT
    assert (found[0].name, found[0].version is None) == ("@ada_example", False)
    covered = sources.coverage(session.archive)
    assert tell(found, covered) == "occurs in 1 archived document and 3 posts, earliest 2024-10-28 (@ada_example)"
    assert tell(found[2:3], covered) == "occurs in 1 archived document, earliest seen 2026-01-02 (report.txt)"
    assert tell(found[:2], covered) == "occurs in 2 archived posts, earliest 2024-10-28 (@ada_example)"


def test_a_truncated_post_never_makes_the_words_altered(session: Session, pen: Pen) -> None:
    pen.answer(post(1, " ".join(WORDS.split()[:10]), truncated=True))
    (one,) = find(session.archive, place_of(f"{WORDS} and never again"), OWN)
    assert one.verdict.kind is VerdictKind.NOT_JUDGED


def test_what_was_looked_through_in_vain_is_told_with_its_bounds(session: Session, pen: Pen) -> None:
    assert tell((), sources.coverage(session.archive)) == (
        "no source in the archive (0 documents, cut-off none, policy sources/1 8-words)"
    )
    pen.document(OTHER, name="other.txt")
    pen.answer(post(1, "Short."))
    covered = sources.coverage(session.archive)
    assert covered == Coverage(documents=1, posts=1, cutoff="2026-01-02T00:00:02.000000Z")
    assert find(session.archive, place_of(WORDS), OWN) == ()
    said = "no source in the archive (1 document, cut-off 2026-01-02T00:00:02Z, policy sources/1 8-words)"
    assert tell((), covered) == said


def test_common_words_are_bounded_counted_as_at_least_and_fast(session: Session, pen: Pen) -> None:
    """Boilerplate in many documents: fifty are told, and that there may be more."""
    with session.archive.transaction():
        for number in range(300):
            pen.document(f"Page {number}. {WORDS}. {'Filler words. ' * 50}", name=f"{number}.txt")
    begin = time.perf_counter()
    found = find(session.archive, place_of(WORDS), OWN)
    spent = time.perf_counter() - begin
    print(f"boilerplate in 300 documents: {1000 * spent:.0f} ms")
    assert len(found) == sources.MOST
    assert [one.name for one in found[:3]] == ["0.txt", "1.txt", "2.txt"], "the first that were archived lead"
    assert tell(found, sources.coverage(session.archive)).startswith("occurs in at least 50 archived documents, ")
    assert spent < 5


def test_documents_that_only_begin_alike_hide_no_source(session: Session, pen: Pen) -> None:
    """Six words in a row propose a document; only eight make it a source, however many were proposed."""
    words = WORDS.split()
    with session.archive.transaction():
        for number in range(150):
            pen.document(f"{' '.join(words[:6])} {number}. {' '.join(words[8:14])} {number}.", name=f"{number}.txt")
        pen.document(f"Late, and short: {' '.join(words[5:13])}.", name="late.txt")
    (one,) = find(session.archive, place_of(WORDS), OWN)
    assert (one.name, one.words) == ("late.txt", 8)


@pytest.mark.parametrize(
    "quoted",
    [
        pytest.param("\0".join(WORDS.split()), id="NULs"),
        pytest.param("\ud800 " + WORDS + " \udfff", id="lone surrogates"),
        pytest.param(f"{WORDS} " * 2000, id="longer than any document"),
        pytest.param(f"{OTHER} " * 500 + WORDS, id="much else before"),
        pytest.param("the " * 5000, id="one word"),
        pytest.param("…" * 5000, id="no words"),
        pytest.param("", id="nothing"),
    ],
)
def test_bad_passages_are_answered(session: Session, pen: Pen, quoted: str) -> None:
    pen.document(REPORT, name="report.txt")
    pen.answer(post(1, f"Look: {WORDS}!"))
    begin = time.perf_counter()
    found = find(session.archive, place_of(quoted), OWN)
    assert time.perf_counter() - begin < 10
    for one in found:
        shared = [key for key, _ in shingles.words(quoted[one.passage.start : one.passage.end])]
        assert len(shared) == one.words >= 8
    assert len(found) == (2 if "bridges" in quoted else 0)


# ---- readings ---------------------------------------------------------------------------------------------------

ROWS = """
SELECT r.ref AS source, s.words, s.verdict, s.standard, s."rank", s.claimed_at, m.quoted, t.ref AS passage, s.version
FROM sources s JOIN mentions m ON m.id = s.mention JOIN refs t ON t.id = m.ref JOIN refs r ON r.id = s.source
ORDER BY t.ref, s."rank"
"""


def quoting(words: str = WORDS) -> str:
    return f"An article without any address.\n\n> {words}\n\nThat was all.\n"


def test_sources_are_stored_with_their_edges_and_go_when_a_post_is_found(session: Session, pen: Pen) -> None:
    held = pen.document(REPORT, name="report.txt")
    own = pen.document(quoting(), name="article.md")
    pen.settle()
    (row,) = session.archive.all(ROWS)
    assert (row["source"], row["words"], row["rank"], row["version"]) == (f"doc:document:{held}", 16, 0, None)
    edge = session.archive.one(
        "SELECT s.ref AS source, e.evidence, e.pointer FROM edges e JOIN refs s ON s.id = e.source "
        "JOIN refs t ON t.id = e.target WHERE e.kind = 'same-text' AND t.ref = ?",
        row["source"],
    )
    assert edge is not None
    assert (edge["source"], edge["evidence"]) == (row["passage"], "inferred")
    ours, _, theirs = edge["pointer"].partition(">")
    start, end = map(int, ours.split("-"))
    text = str(
        session.archive.value(
            "SELECT text FROM documents d JOIN refs r ON r.id = d.id WHERE r.ref = ?", f"doc:document:{own}"
        )
    )
    assert text[start:end] == WORDS
    assert REPORT[slice(*map(int, theirs.split("-")))] == WORDS
    pen.answer(post(1, WORDS))
    pen.settle()
    assert session.archive.all(ROWS) == [], "the passage stands for the post now"
    assert rebuild(session, check=True).differences == {}


def test_a_document_that_comes_later_is_found_for_passages_that_stand_and_only_those_are_settled(
    session: Session, pen: Pen
) -> None:
    for number in range(10):
        pen.document(
            quoting(f"Passage {number} has words that nobody else has{number} and not one bridge at all"),
            name=f"{number}.md",
        )
    pen.document(quoting(), name="article.md")
    pen.settle()
    assert session.archive.all(ROWS) == []
    pen.document(REPORT, name="report.txt")
    assert settle.settle(session).documents == 2
    assert len(session.archive.all(ROWS)) == 1
    assert rebuild(session, check=True).differences == {}


def test_what_is_stored_hangs_neither_on_how_much_nor_on_when(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    pen.document(quoting(), name="article.md")
    pen.settle()
    before = session.archive.all(ROWS)
    for number in range(5):
        pen.document(f"{OTHER} {number}", name=f"other{number}.txt")
    assert settle.settle(session).documents == 5
    assert session.archive.all(ROWS) == before


def page(published: str, text: str) -> str:
    meta = f'<meta property="article:published_time" content="{published}">' if published else ""
    return f"<!DOCTYPE html><html><head><title>A page</title>{meta}</head><body><p>{text}</p></body></html>"


def test_the_earliest_time_that_a_page_claims_leads(session: Session, pen: Pen) -> None:
    """What was archived first is not what was published first."""
    pen.document(quoting(), name="article.md")
    pen.document(REPORT, name="report.txt")
    pen.page("https://late.example/b", page("2017-03-03T10:00:00Z", REPORT))
    pen.page("https://early.example/a", page("2017-03-01T23:30:00-02:00", f"{REPORT} Again."))
    pen.page("https://silent.example/c", page("", REPORT))
    pen.settle()
    told = [(row["claimed_at"], row["rank"]) for row in session.archive.all(ROWS)]
    assert told == [("2017-03-02T01:30:00Z", 0), ("2017-03-03T10:00:00Z", 1), ("", 2), ("", 3)]
    mention = int(str(session.archive.value("SELECT min(mention) FROM sources")))
    said = tell(found.stored(session.archive, mention), sources.coverage(session.archive))
    assert said == "occurs in 4 archived documents, earliest 2017-03-02 (https://early.example/a)"
    assert rebuild(session, check=True).differences == {}


def test_a_page_that_is_read_again_at_the_address_of_another_changes_what_is_a_source(
    session: Session, pen: Pen
) -> None:
    """The same bytes at a second address: from then on both documents are states of one address."""
    quotes, reprint = f"<p>{OTHER}</p><blockquote>{WORDS}</blockquote>", page("2017-03-01T10:00:00Z", REPORT)
    pen.page("https://one.example/a", page("", quotes))
    pen.page("https://two.example/b", reprint)
    pen.settle()
    assert len(session.archive.all(ROWS)) == 1
    pen.page("https://one.example/a", reprint)
    pen.settle()
    assert session.archive.all(ROWS) == []
    assert rebuild(session, check=True).differences == {}


def test_sources_that_were_tampered_with_are_a_difference(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    pen.document(quoting(), name="article.md")
    pen.settle()
    session.archive.db.execute("UPDATE sources SET words = 99")
    assert set(rebuild(session, check=True).differences) == {"sources"}


@pytest.mark.heavy
def test_thousands_of_passages_in_one_document(session: Session, pen: Pen) -> None:
    """Each is looked for; one in a hundred stands in another document."""
    held = [f"report {n} of the harbour office says that pier {n} is closed for ships of class {n}" for n in range(50)]
    pen.document(". ".join(held), name="report.txt")
    other = "nobody{0} knows{0} what{0} this{0} line{0} of{0} words{0} stands{0} for{0}"
    lines = [f"> {held[n // 100] if n % 100 == 0 else other.format(n)}" for n in range(5_000)]
    pen.document("\n\n".join(lines), name="many.md")
    begin = time.perf_counter()
    pen.settle()
    spent = time.perf_counter() - begin
    found = int(str(session.archive.value("SELECT count(*) FROM sources")))
    print(f"5,000 passages settled in {spent:.1f} s, {found} sources")
    assert int(str(session.archive.value("SELECT count(*) FROM mentions"))) == 5_000
    assert found == 50


def test_stored_sources_read_back_as_they_were_found(session: Session, pen: Pen) -> None:
    pen.document(REPORT, name="report.txt")
    pen.document(quoting(WORDS.replace("river", "lake")), name="article.md")
    pen.settle()
    mention = int(str(session.archive.value("SELECT mention FROM sources")))
    (one,) = found.stored(session.archive, mention)
    assert (one.name, one.words, one.verdict.kind) == ("report.txt", 9, VerdictKind.ALTERED)
    assert schema.BY_NAME["sources"].unique == ("mention", "source")
    assert isinstance(one.verdict, Verdict)
    assert json.dumps(found.row_of(one, 0))


# ---- phrases ----------------------------------------------------------------------------------------------------

EDGES = """
SELECT s.ref AS source, t.ref AS target, e.pointer FROM edges e JOIN refs s ON s.id = e.source
JOIN refs t ON t.id = e.target WHERE e.kind = 'same-text' AND s.platform = 'doc' ORDER BY s.ref, t.ref
"""


def test_a_phrase_of_three_words_is_found_in_posts_and_quotations_whichever_comes_first(
    session: Session, pen: Pen
) -> None:
    text = "He spoke of a “Most Orderly Retreat,” and left.\n"
    pen.document(text, name="first.md")
    pen.answer(post(1, "It was a most … orderly retreat from the coast."))
    pen.answer(post(2, "It was an orderly, most retreat from the coast."))
    other = pen.document("> They want a most orderly retreat now.\n", name="other.md")
    pen.settle()
    pen.answer(post(3, "A most orderly retreat!"))
    pen.settle()
    found = session.archive.all(EDGES)
    assert [row["target"] for row in found if row["target"].startswith("x:")] == ["x:post:1", "x:post:3"]
    (quoted,) = [row for row in found if row["target"].startswith(f"doc:passage:{other}")]
    assert text[slice(*map(int, quoted["pointer"].partition(">")[0].split("-")))] == "Most Orderly Retreat,"
    assert rebuild(session, check=True).differences == {}


def test_a_phrase_of_two_words_is_not_looked_for_elsewhere(session: Session, pen: Pen) -> None:
    pen.document("He spoke of an “orderly retreat” and left.\n", name="first.md")
    pen.answer(post(1, "It was a most orderly retreat from the coast."))
    pen.settle()
    assert session.archive.all(EDGES) == []


def test_a_phrase_of_eight_words_is_found_in_documents_that_come_later(session: Session, pen: Pen) -> None:
    phrase = " ".join(WORDS.split()[3:13])
    link = "https://x.com/ada_example/status/1850800000000000000"
    pen.document(f"See {link} where “{phrase}” stands.\n", name="first.md")
    pen.document(OTHER, name="other.txt")
    pen.settle()
    assert session.archive.all(EDGES) == []
    held = pen.document(REPORT, name="report.txt")
    pen.settle()
    found = [row for row in session.archive.all(EDGES) if row["target"] == f"doc:document:{held}"]
    assert len(found) == 1
    assert REPORT[slice(*map(int, found[0]["pointer"].partition(">")[2].split("-")))] == phrase
    assert rebuild(session, check=True).differences == {}


# ---- the report -------------------------------------------------------------------------------------------------


def test_the_report_of_a_run_says_where_a_passage_occurs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seeds = Path("seeds")
    seeds.mkdir()
    (seeds / "article.md").write_text(quoting())
    (seeds / "nowhere.md").write_text(quoting(OTHER))
    (seeds / "report.txt").write_text(REPORT)
    arguments = ["run", str(seeds), "--offline", "--db", "a.db"]
    shown = CliRunner().invoke(main, arguments, catch_exceptions=False).output
    somewhere = r"occurs in 1 archived document, earliest seen \d{4}-\d\d-\d\d \(seeds/report\.txt\)\n"
    assert re.search(somewhere, shown), shown
    nowhere = r"  passages without a source: no source in the archive \(3 documents, cut-off [-0-9T:.]+Z, policy .+\)\n"
    assert len(re.findall(nowhere, shown)) == 1, shown
    assert "stands in doc:document" not in shown, "a source is told as a source, not as a phrase too"
    told = json.loads(CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False).output)
    said = [mention["sources"] for document in told["documents"] for mention in document["mentions"]]
    assert sorted(text.split(" (")[0].split(",")[0] for text in said) == [
        "no source in the archive",
        "occurs in 1 archived document",
    ]
