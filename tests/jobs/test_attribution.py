"""Whose words they are: signatures, reused media, copies on other servers, the same words by several people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.jobs.config import Config
from archiver.jobs.link import same_handle
from archiver.jobs.rebuild import rebuild
from archiver.jobs.session import Session, open_session
from archiver.platforms import all_platforms
from tests.jobs.histories import Pen, Toy

WORDS = "Nobody was hurt when the old tower fell into the harbour."
ID, OTHER, SHORT = "1850800000000000000", "1850900000000000000", "x:short:AbCdEfGh1"


@pytest.fixture
def pen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pen]:
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    with open_session(tmp_path / "a.db", Config()) as opened:
        yield Pen(opened)
        assert rebuild(opened, check=True).differences == {}


def post(ref: str, text: str = WORDS, handle: str = "ada_example", at: str = "2024-10-28T10:00:00Z") -> dict[str, Any]:
    return {"ref": ref, "author": None, "text": text, "posted_at": at, "handle": handle, "name": handle}


def told(session: Session) -> list[tuple[Any, ...]]:
    """(status, how, post, verdict, post compared with, flags) of the best match of each mention, in order."""
    rows = session.archive.all(
        "SELECT s.status, s.how, r.ref, x.verdict, p.ref, x.flags FROM mentions m "
        "JOIN resolutions s ON s.mention = m.id LEFT JOIN refs r ON r.id = s.ref "
        "LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 LEFT JOIN refs p ON p.id = x.post "
        "ORDER BY m.document, m.ordinal"
    )
    return [tuple(row) for row in rows]


def embed(words: str, handle: str, number: str, day: str = "October 28, 2024") -> str:
    link = f'<a href="https://twitter.com/{handle}/status/{number}">{day}</a>'
    return f'<blockquote class="twitter-tweet"><p>{words}</p>&mdash; A (@{handle}) {link}</blockquote>'


def test_true_words_under_a_false_name_are_flagged(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.document(embed(WORDS, "bob_example", ID), name="a.html")
    pen.settle()
    (row,) = told(pen.session)
    assert row == ("resolved", "embed", f"x:post:{ID}", "exact", f"x:post:{ID}", "author-differs")


@pytest.mark.parametrize(
    ("named", "flag"),
    [("RT @bob_example: ", "author-differs"), ("RT @Ada_Example: ", ""), ("@bob_example: ", "author-differs")],
)
def test_a_name_before_the_words_is_held_against_the_author(pen: Pen, named: str, flag: str) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.document(embed(named + WORDS, "ada_example", ID), name="a.html")
    pen.settle()
    (row,) = told(pen.session)
    assert row[3:] == ("normalised", f"x:post:{ID}", flag)


def test_a_name_before_the_words_of_an_unknown_author_is_told(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}", handle="")]})
    pen.document(embed(f"RT @bob_example: {WORDS}", "ada_example", ID), name="a.html")
    pen.settle()
    assert "repost-mark" in told(pen.session)[0][5].split()


def test_a_false_day_is_flagged_and_a_true_signature_is_not(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.document(embed(WORDS, "ada_example", ID, "March 3, 2021"), name="a.html")
    pen.document(embed(WORDS, "Ada_Example", ID), name="b.html")
    pen.settle()
    assert [row[5] for row in told(pen.session)] == ["day-differs", ""]


def test_a_handle_that_the_account_had_before_is_no_false_name(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}", handle="ada_before")]})
    pen.answer({"posts": [post(f"x:post:{ID}", handle="ada_example")]})
    pen.document(embed(WORDS, "ada_before", ID), name="a.html")
    pen.settle()
    assert told(pen.session)[0][5] == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada", "@ada", True),
        ("ada@a.example", "ADA", True),
        ("ada@a.example", "ada@b.example", False),
        ("ada.a.example", "ada", False),
        ("ada", "adam", False),
    ],
)
def test_same_handle(one: str, other: str, same: bool) -> None:
    assert same_handle(one, other) is same
    assert same_handle(other, one) is same


SIGNED = f"> {WORDS} pic.twitter.com/AbCdEfGh1\n>\n> — Ada (@ada_example) October 28, 2024\n"


def leads(target: str) -> dict[str, Any]:
    return {"edges": [{"kind": "resolves-to", "source": SHORT, "target": target}]}


def test_a_media_link_whose_author_and_day_agree_is_the_post(pen: Pen) -> None:
    pen.document(SIGNED)
    pen.answer(leads(f"x:post:{ID}"))
    pen.settle()
    assert told(pen.session)[0][0] == "pending"
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.settle()
    assert told(pen.session)[0][:4] == ("resolved", "short-link", f"x:post:{ID}", "exact")


@pytest.mark.parametrize(
    "shown",
    [
        post(f"x:post:{ID}", "Other words.", handle="bob_example"),
        post(f"x:post:{ID}", "Other words.", at="2024-10-27T10:00:00Z"),
        post(f"x:post:{ID}", "Other words.", handle=""),
        post(f"x:post:{ID}", "Other words.", at=""),
    ],
)
def test_a_reused_medium_is_a_media_source(pen: Pen, shown: dict[str, Any]) -> None:
    """3.3 % of media links name another status: what does not agree, or cannot be compared, is not the post."""
    pen.document(SIGNED)
    pen.answer(leads(f"x:post:{ID}"))
    pen.answer({"posts": [shown]})
    pen.settle()
    assert told(pen.session)[0][:3] == ("media-source", "short-link", None)
    pen.answer({"posts": [post(f"x:post:{OTHER}")]})  # the post itself, met on another way
    pen.settle()
    assert told(pen.session)[0][:4] == ("resolved", "text", f"x:post:{OTHER}", "exact")


def test_a_bare_media_link_names_where_a_medium_comes_from(pen: Pen) -> None:
    pen.document("Look: pic.twitter.com/AbCdEfGh1 and read https://t.co/AbCdEfGh1 too.\n")
    pen.answer(leads(f"x:post:{ID}"))
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.settle()
    assert [row[0] for row in told(pen.session)] == ["media-source", "resolved"]


COPY, ORIGINAL = "fediverse:post:https://evil.example/1", "fediverse:post:https://good.example/users/ada/1"
FORGED = {
    "posts": [post(COPY, "We will never keep our promise to the harbour town.", handle="ada@good.example")],
    "edges": [{"kind": "resolves-to", "source": COPY, "target": ORIGINAL}],
}


def test_a_forged_copy_does_not_make_words_the_authors(pen: Pen) -> None:
    pen.answer(FORGED)
    pen.document("> We will never keep our promise to the harbour town.\n")
    pen.settle()
    (row,) = told(pen.session)
    assert (row[0], row[2], row[3], row[5]) == ("unresolved", None, "exact", "copy")


def test_the_originals_own_words_come_before_a_copys(pen: Pen) -> None:
    session = pen.session
    pen.answer(FORGED)
    passage = pen.document("> We will never keep our promise to the harbour town.\n")
    mention = session.archive.value(
        "SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE r.ref LIKE ?", f"doc:passage:{passage}:%"
    )
    pen.decide(str(mention), COPY)
    pen.settle()
    assert told(session)[0][3:] == ("exact", COPY, "copy")
    pen.answer({"posts": [post(ORIGINAL, "We will always keep our promise to the harbour town.", handle="ada")]})
    pen.settle()
    assert told(session)[0][3:5] == ("altered", ORIGINAL)


def test_the_same_words_of_several_people_are_nobodys(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}"), post(f"x:post:{OTHER}", handle="bob_example")]})
    pen.document(f"> {WORDS}\n")
    pen.settle()
    assert told(pen.session)[0][:4] == ("unresolved", "", None, "exact")
    reason = pen.session.archive.value("SELECT reason FROM resolutions")
    assert "2 authors" in str(reason)


def test_words_of_the_author_but_of_another_day_are_told_not_taken(pen: Pen) -> None:
    pen.answer({"posts": [post(f"x:post:{ID}", at="2024-09-01T10:00:00Z")]})
    pen.document(f"> {WORDS}\n>\n> — Ada (@ada_example) October 28, 2024\n")
    pen.settle()
    assert told(pen.session)[0] == ("unresolved", "", None, "exact", f"x:post:{ID}", "day-differs")


def test_a_repost_of_an_address_shows_the_post_behind_it(pen: Pen) -> None:
    """The target of a repost may be an alias of the post, and the mention an alias of the repost."""
    pen.answer({"edges": [{"kind": "reposts", "source": f"x:post:{OTHER}", "target": "x:post:5"}]})
    pen.answer({"aliases": [{"alias": "x:post:5", "ref": f"x:post:{ID}"}]})
    pen.document(embed(WORDS, "ada_example", OTHER), name="a.html")
    pen.settle()
    pen.answer({"posts": [post(f"x:post:{ID}")]})
    pen.settle()
    assert told(pen.session)[0][3:5] == ("exact", f"x:post:{ID}")
