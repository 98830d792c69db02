"""A quotation made of several posts names each, and one of a single post or with a foreign word is none."""

from __future__ import annotations

import time

import pytest

from archiver.model import VerdictKind
from archiver.quotes.splice import LEAST_WORDS, LONGEST, MOST_PARTS, MOST_TEXT
from archiver.quotes.verdict import is_faithful, judge, splice, spliced

FIRST = "We will build the new bridge by May and"
SECOND = "nobody will stop this great city from growing."
POST = "We will build the new bridge by May, and nobody will stop “this” city… 300 homes 👍 https://mill.example/a "
OTHER = "The library stays open on Sundays."


def test_two_posts_are_named_with_their_parts() -> None:
    quoted = f"{FIRST} {SECOND}"
    parts = splice(quoted, [OTHER, SECOND, FIRST])
    assert parts is not None
    assert [number for number, _ in parts] == [2, 1]
    cuts = [(verdict.quoted_span.start, verdict.quoted_span.end) for _, verdict in parts if verdict.quoted_span]
    assert [quoted[a:b] for a, b in cuts] == [FIRST, SECOND]
    assert all(is_faithful(verdict.kind) for _, verdict in parts)
    whole = spliced(parts)
    assert whole.kind is VerdictKind.SPLICED
    assert whole.reason == "originals 2, 1"
    assert whole.quoted_span is not None
    assert (whole.quoted_span.start, whole.quoted_span.end) == (0, len(quoted))


def test_three_posts_with_dots_and_typography() -> None:
    quoted = f"“{FIRST} … nobody will stop this GREAT city from growing. The library stays open…"
    parts = splice(quoted, [OTHER, SECOND, FIRST])
    assert parts is not None
    assert [number for number, _ in parts] == [2, 1, 0]


@pytest.mark.parametrize(
    "quoted",
    [
        FIRST,
        f"{FIRST} nobody will ever stop this great city from growing.",
        f"{FIRST} not {SECOND}",
        f"{FIRST} nobody will stop",
        "",
        "… 👍",
    ],
)
def test_what_is_no_splice(quoted: str) -> None:
    assert splice(quoted, [FIRST, SECOND, OTHER]) is None


def test_one_original_is_no_splice() -> None:
    assert splice(f"{FIRST} {SECOND}", [f"{FIRST} {SECOND}", SECOND]) is None
    assert splice(f"{FIRST} {SECOND}", [FIRST]) is None


def test_words_of_one_post_in_another_order_are_no_splice() -> None:
    """Neither beside a copy of the post, nor beside one that repeats a part of it, nor with words left out between."""
    post = f"{FIRST} {SECOND}"
    turned = f"{SECOND} {FIRST}"
    for others in ([post], [post.upper()], [SECOND], [FIRST], [SECOND, FIRST], [f"{SECOND} Really?"], [OTHER]):
        for originals in ([post, *others], [*others, post]):
            assert splice(turned, originals) is None
            assert not any(is_faithful(judge(turned, original).kind) for original in originals)
    between = f"{FIRST} as the whole council has said {SECOND}"
    assert splice(post, [FIRST, between, SECOND]) is None
    assert splice(turned, [FIRST, SECOND]) is not None


def test_each_part_is_warned_of_by_itself() -> None:
    """A part that begins behind a negation of its post says so, wherever it stands in the quotation."""
    denied = "I do not believe that taxes must rise again next year."
    asked = "Nobody has said that the mill will be closed in spring."
    parts = splice(
        f"{OTHER} taxes must rise again next year. the mill will be closed in spring.", [denied, OTHER, asked]
    )
    assert parts is not None
    assert [number for number, _ in parts] == [1, 0, 2]
    assert ["context-negation" in verdict.flags for _, verdict in parts] == [False, True, True]
    assert "context-negation" in spliced(parts).flags


@pytest.mark.parametrize("size", range(1, 7))
def test_a_part_has_four_words_or_more(size: int) -> None:
    borrowed = " ".join(SECOND.split()[:size])
    for quoted in (f"{FIRST} {borrowed}", f"{borrowed} {FIRST}", f"{OTHER} {borrowed} {FIRST}"):
        found = splice(quoted, [FIRST, SECOND, OTHER])
        assert (found is not None) == (size >= LEAST_WORDS), quoted


def test_a_splice_of_more_parts_than_are_looked_at_is_none() -> None:
    posts = [f"word{n} stands here for{n} us all{n}" for n in range(MOST_PARTS + 1)]
    found = splice(" ".join(posts[:MOST_PARTS]), posts)
    assert found is not None
    assert [number for number, _ in found] == list(range(MOST_PARTS))
    assert splice(" ".join(posts), posts) is None


@pytest.mark.heavy
@pytest.mark.parametrize(
    "unit", ["I I we we ", "東京都", "#aB ", "U.", "don't ", "donâ€™t ", "1,000 ", "a 👍 ", "the and ", POST]
)
def test_the_longest_quotation_beside_the_most_originals_ends(unit: str) -> None:
    """Originals that all differ, and one that is long enough for sixteen parts."""
    text = (unit * LONGEST)[:LONGEST]
    long = LONGEST // (MOST_PARTS - 1)
    originals = [text[:long], *(f"{text[: (MOST_TEXT - long) // 63 - 10]} end{n}" for n in range(63))]
    begin = time.process_time()
    splice(text, originals)
    took = time.process_time() - begin
    print(f"{took:.2f} s")
    assert took < 4
