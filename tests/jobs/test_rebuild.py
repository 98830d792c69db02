"""Readings are a function of the evidence: what runs made bit by bit is what a rebuild makes at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.jobs import settle
from archiver.jobs.config import Config
from archiver.jobs.rebuild import rebuild
from archiver.jobs.session import Session, open_session
from archiver.platforms import all_platforms
from tests.jobs.histories import POSTS, Pen, Random, Toy


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(all_platforms(), "toy", Toy())  # a platform that exists in this test alone
    with open_session(tmp_path / "a.db", Config()) as opened:
        opened.archive.db.execute("PRAGMA synchronous=OFF")
        yield opened


@pytest.mark.parametrize("seed", range(16))
def test_any_history_is_what_its_rebuild_is(session: Session, seed: int) -> None:
    Random(seed).write(Pen(session), 40)
    report = rebuild(session, check=True)
    assert report.captures > 10
    assert report.documents > 2
    assert report.differences == {}, report.shown


def test_histories_hold_documents_that_are_sources_of_others(session: Session) -> None:
    """Passages with several sources, documents and posts: the histories of the test above are made to hold them."""
    Random(4).write(Pen(session), 60)
    kinds = session.archive.all(
        "SELECT r.platform, count(*), max(s.rank) FROM sources s JOIN refs r ON r.id = s.source GROUP BY 1 ORDER BY 1"
    )
    print([tuple(row) for row in kinds])
    assert [row[0] for row in kinds] == ["doc", "x"]
    assert all(row[2] > 0 for row in kinds)
    assert rebuild(session, check=True).differences == {}


def test_a_reading_that_was_tampered_with_is_a_difference(session: Session) -> None:
    Random(0).write(Pen(session), 40)
    session.archive.db.execute("UPDATE matches SET verdict = 'exact'")
    report = rebuild(session, check=True)
    assert set(report.differences) == {"matches", "tallies"}


def shown(number: int, text: str, **more: object) -> dict[str, object]:
    fields = {"ref": POSTS[number], "author": "x:account:1", "text": text, "posted_at": "2024-10-28T10:00:00Z"}
    return {"posts": [{**fields, "handle": "ada_example", "name": "Ada", **more}]}


QUOTING, QUOTED = "they speak of a “calm and orderly retreat” again", "it was a calm and orderly retreat from the coast"


def link(number: int) -> str:
    return f"https://x.com/ada_example/status/{POSTS[number].split(':')[2]}"


def test_an_edge_between_posts_outlives_the_document_that_first_showed_it(session: Session) -> None:
    """Two documents refer to both posts; the first is decided otherwise, and the edge stays, by the second."""
    pen = Pen(session)
    pen.answer(shown(0, QUOTING))
    pen.answer(shown(1, QUOTED))
    first = pen.document(f"One {link(0)} and two {link(1)}\n", name="1.md")
    pen.document(f"Again {link(0)} and {link(1)}\n", name="2.md")
    pen.settle()
    edge = (
        "SELECT c.url FROM edges e JOIN refs s ON s.id = e.source JOIN captures c ON c.id = e.capture "
        "WHERE e.kind = 'same-text' AND s.platform = 'x'"
    )
    assert [row[0] for row in session.archive.all(edge)] == ["seed:1.md"]
    mention = session.archive.value(
        "SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE r.ref LIKE ? ORDER BY m.ordinal LIMIT 1",
        f"doc:passage:{first}:%",
    )
    pen.decide(str(mention), POSTS[5])
    pen.settle()
    assert [row[0] for row in session.archive.all(edge)] == ["seed:2.md"]
    assert rebuild(session, check=True).differences == {}


def test_only_what_is_concerned_is_settled_again(session: Session) -> None:
    """A new post settles the documents that share its words or its signature, not every unresolved passage."""
    pen = Pen(session)
    for number in range(20):
        pen.document(
            f"> Passage {number} is about thing {number} and words that nobody else has{number}.\n", name=f"{number}.md"
        )
    pen.document("> The council has voted against the new road again.\n", name="road.md")
    settle.settle(session)
    pen.answer(shown(0, "Friends, the council has voted against the new road again. Sad."))
    assert settle.settle(session).documents == 1
    assert settle.settle(session).documents == 0
    assert rebuild(session, check=True).differences == {}
