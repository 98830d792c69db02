"""Where segments stand, what differs, and that large or hostile inputs end."""

from __future__ import annotations

import time

import pytest

from archiver.quotes.align import Index, Segment, common, place, tighten, window
from archiver.quotes.meeting import meet
from archiver.quotes.shingles import common_run
from archiver.quotes.tokens import tokenise
from archiver.quotes.verdict import is_faithful, judge


def keys(text: str) -> tuple[str, ...]:
    return tokenise(text).keys


def test_a_run_is_found_at_whole_words_only() -> None:
    index = Index(("the", "therapist", "the", "rapist"))
    assert index.find(("the", "rapist")) == 2
    assert index.find(("rapist",)) == 3
    assert index.find(("the",), 1) == 2
    assert index.find(("thera",)) == -1
    assert index.find(("the",), 9) == -1


def test_gaps_are_as_small_as_they_can_be() -> None:
    held = Index(("a", "b", "a", "c", "d", "a", "e"))
    quote = ("a", "d")
    segments = [Segment(start=0, end=1, loose=True), Segment(start=1, end=2, loose=True)]
    assert place(held, quote, segments) == [2, 4]
    assert place(held, ("d", "c"), segments) is None


def test_a_bracket_stands_for_at_most_four_words() -> None:
    segments = [Segment(start=0, end=1, loose=True), Segment(start=1, end=2, loose=False)]
    assert place(Index(("x", "1", "2", "3", "4", "y")), ("x", "y"), segments) == [0, 5]
    assert place(Index(("x", "1", "2", "3", "4", "5", "y")), ("x", "y"), segments) is None


def test_differences_and_tightening() -> None:
    pairs = common(["a", "b", "c"], ["a", "x", "b", "c"])
    assert pairs == [(0, 0), (1, 2), (2, 3)]
    assert tighten([(0, 0), (1, 3)], ["a", "x", "a", "b"]) == [(0, 2), (1, 3)]
    long = ["filler"] * 500 + ["one", "two", "three"] + ["filler"] * 500
    low, high = window(["one", "two", "three"], long)
    assert low <= 500
    assert high >= 503
    assert high - low < 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 2,500 at 7:30 PM", ("its", "2500", "at", "7:30", "pm")),
        ("a 2-1/2-year plan", ("a", "2-1/2", "year", "plan")),
        ("-5% or $5", ("-5%", "or", "$", "5")),
        ("東京 Tower", ("東", "京", "tower")),
        ("हिन्दी भाषा", ("हिन्दी", "भाषा")),
        ("#One @two_ _three_", ("one", "two_", "three")),
        ("go https://a.example/b?c=d, now", ("go", "now")),
        ("U.S. C++ A-", ("u", "s", "c++", "a-")),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert keys(text) == expected


def test_words_point_into_the_text_as_given() -> None:
    text = "Tom &amp; Jo\u200banna’s “caf\u0065\u0301”"
    tokens = tokenise(text)
    assert [text[slice(*(lambda s: (s.start, s.end))(tokens.span(n, n + 1)))] for n in range(len(tokens.keys))] == [
        "Tom",
        "&amp;",
        "Jo\u200banna’s",
        "caf\u0065\u0301",
    ]


def test_words_meet_only_where_the_original_holds_them_together() -> None:
    assert meet(tokenise("don t go"), tokenise("don't go")).keys == ("dont", "go")
    assert meet(tokenise("the rapist"), tokenise("therapist")).keys == ("the", "rapist")
    assert meet(tokenise("dayone"), tokenise("day💜one")).keys == ("day", "one")
    assert meet(tokenise("dayone"), tokenise("day one")).keys == ("dayone",)


MEGA = 1_000_000


@pytest.mark.parametrize(
    ("name", "quoted", "original"),
    [
        ("same words", "the " * (MEGA // 4), "the " * 60),
        ("post words", "lorem ipsum dolor the " * (MEGA // 22), "the quick brown the fox " * 12),
        ("long original", "the quick brown fox jumps over dogs " * 7, "lorem ipsum dolor the " * (MEGA // 22)),
        (
            "5,000 words",
            " ".join(f"w{n * 7919 % 911}" for n in range(5000)),
            " ".join(f"w{n * 7 % 907}" for n in range(5000)),
        ),
        ("5,000 equal words", "the " * 5000, "the " * 4999 + "end"),
        ("hyphens", "-" * MEGA, "a b c"),
        ("brackets", "[" * MEGA, "a b c"),
        ("one word", "a" * MEGA, "a b c d"),
        ("ellipses", "a … " * (MEGA // 4), "a b " * 70),
        ("many gaps", "a … " * 2000, "b a " * 20000),
        ("emoji", "😂" * (MEGA // 4) + " hi there", "hi there 😂"),
        ("labels", "a.b." * (MEGA // 4), "a b c"),
        ("white space", " \n" * (MEGA // 2) + "x y", "x y"),
        ("near misses", "a a a a b … " * 3000, "a " * 100_000),
        ("entities", "&amp" * (MEGA // 4), "&amp; a"),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
@pytest.mark.parametrize("open_start", [False, True])
def test_hostile_inputs_end(name: str, quoted: str, original: str, open_start: bool) -> None:
    begin = time.process_time()
    verdict = judge(quoted, original, open_start=open_start)
    spent = time.process_time() - begin
    print(f"{name}: {verdict.kind}, {spent:.2f} s")
    # A second on an idle machine; the bound leaves room for a busy one and still refuses quadratic work.
    assert spent < 4


def test_long_texts_are_compared() -> None:
    original = " ".join(f"word{n}" for n in range(5000))
    assert is_faithful(judge(original.upper(), original).kind)
    changed = original.replace("word2500 ", "other ")
    (change,) = judge(changed, original).changes
    assert (change.quoted, change.original) == ("other", "word2500")
    assert common_run(changed, original)[2] == 2500
