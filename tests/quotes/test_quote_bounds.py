"""A megabyte of anything ends: about a second each on an idle machine, and no faster than the text grows."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from archiver.model import VerdictKind
from archiver.quotes.encodings import damage_between
from archiver.quotes.judging import LONGEST, MOST_GAPS
from archiver.quotes.phrases import find_phrase, quoted_phrases
from archiver.quotes.shingles import common_run, fingerprints
from archiver.quotes.speech import judge_speech
from archiver.quotes.verdict import is_faithful, judge, splice

POST = "We will build the new bridge by May, and nobody will stop “this” city… 300 homes 👍 https://t.co/abc"
UNITS = {
    "one word": "the ", "two words": "the and ", "ellipses": "… ", "words and ellipses": "a … ", "brackets": "a [x] b ",
    "open brackets": "[", "quotation marks": '"', "quoted words": "“a” ", "emoji": "👍", "words and emoji": "a 👍 ",
    "links": "https://t.co/abc ", "no space": "a", "no space in Chinese": "東京都", "combining marks": "e\u0301",
    "marks alone": "\u0301", "entities": "&amp;amp;amp;", "mojibake": "donâ€™t ", "mojibake alone": "â€™",
    "lost letters": "\ufffd ", "paragraphs": "one two\n\n",
    "apostrophes": "don't ", "numbers": "1,000 ", "digits": "1,",
    "dashes": "-", "dots": ". ", "hashes": "#aB", "reposts": "RT @x: ", "posts": POST + " ", "zero width": "\u200b",
    "surrogates": "\ud800", "half width": "ｶﾞ", "initials": "U.", "stutter": "I I we we ", "spaces": " \n",
}  # fmt: skip
MEGA = 1_000_000
SECONDS = 4.0  # the aim is one on an idle machine; the bound leaves room for a busy one and refuses quadratic work


def filled(unit: str, size: int) -> str:
    """About `size` bytes of UTF-8."""
    return unit * (size // len(unit.encode("utf-8", "surrogatepass")))


def changed(text: str) -> str:
    return f"{text[: len(text) // 2]} other {text[len(text) // 2 + 7 :]}"


def spent(work: Callable[[str], object], text: str) -> float:
    begin = time.process_time()
    work(text)
    return time.process_time() - begin


WORK: dict[str, Callable[[str], object]] = {
    "judge, one change": lambda text: judge(text, changed(text)),
    "judge against a post": lambda text: judge(text, POST),
    "judge with an open start": lambda text: judge(text, POST, open_start=True),
    "judge a post in it": lambda text: judge(POST, text),
    "judge speech": lambda text: judge_speech(text, changed(text)),
    "splice": lambda text: splice(text, [POST, text[:900]] * 32),
    "quoted phrases": quoted_phrases,
    "find a phrase": lambda text: find_phrase(POST, text),
    "fingerprints": fingerprints,
    "common run": lambda text: common_run(text, changed(text)),
    "damage": lambda text: damage_between(text, changed(text)),
}


@pytest.mark.heavy
@pytest.mark.parametrize("work", WORK, ids=str)
def test_time_grows_with_the_text(work: str) -> None:
    for name, unit in UNITS.items():
        took = spent(WORK[work], filled(unit, MEGA // 20))
        assert took < SECONDS / 2, name


@pytest.mark.heavy
@pytest.mark.parametrize("work", WORK, ids=str)
def test_a_megabyte_ends(work: str) -> None:
    slow = []
    for name, unit in UNITS.items():
        quarter, whole = (spent(WORK[work], filled(unit, size)) for size in (MEGA // 4, MEGA))
        slow.append((whole, name))
        assert whole < SECONDS, name
        assert whole < 0.5 or whole < 12 * quarter, (name, quarter, whole)
    print(f"{work}: slowest {max(slow)[1]}, {max(slow)[0]:.2f} s")


@pytest.mark.heavy
@pytest.mark.parametrize("work", ["judge, one change", "judge a post in it", "judge speech", "splice"])
def test_the_longest_text_that_is_compared_ends(work: str) -> None:
    bound = 20_000 if work == "splice" else LONGEST - 10
    slow = []
    for name, unit in UNITS.items():
        text = (unit * bound)[:bound]
        took = spent(WORK[work], text)
        slow.append((took, name))
        assert took < SECONDS, name
    print(f"{work}, {bound:,} characters: slowest {max(slow)[1]}, {max(slow)[0]:.2f} s")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("quoted", "original"),
    [
        ("a … b c " * 20_000, "b c a … " * 20_000),
        ("👎 " * 30_000 + "x y z", "👍 " * 30_000 + "x y z"),
        ("https://t.co/a " * 6000 + "x y …", "https://t.co/b " * 6000 + "x y"),
        ("a [b] " * 290 + "c", "a d " * 20_000),
        ("a a a a b … " * 290, "a " * 49_000),
        ("the " * 24_000 + "end", "the " * 24_900),
        ("[x] " + "the " * 12_000 + "[y] " + "the " * 12_000, "the " * 24_900),
        (" ".join(f"w{n * 7919 % 911}" for n in range(16_000)), " ".join(f"w{n * 7 % 907}" for n in range(16_000))),
    ],
    ids=["gaps", "emoji", "links", "brackets", "near misses", "one word", "long runs", "mixed"],
)
def test_hostile_pairs_end(quoted: str, original: str) -> None:
    for open_start in (False, True):
        begin = time.process_time()
        verdict = judge(quoted, original, open_start=open_start)
        took = time.process_time() - begin
        print(f"{verdict.kind}, {took:.2f} s")
        assert took < SECONDS


def test_bounds_are_said_and_never_faithful() -> None:
    """A text past the bound is not judged, with the reason; equality needs no bound."""
    long = " ".join(f"word{n}" for n in range(20_000))
    assert len(long) > LONGEST
    assert judge(long, long).kind is VerdictKind.EXACT
    for quoted, original in ((long, long + " more"), (long.replace("word7 ", ""), long), ("word7 word8", long)):
        verdict = judge(quoted, original)
        assert verdict.kind is VerdictKind.NOT_JUDGED
        assert f"{LONGEST:,}" in verdict.reason
        assert judge_speech(quoted, original).kind is VerdictKind.NOT_JUDGED
    gaps = judge("a … " * (MOST_GAPS + 1) + "b", "a " * 900 + "b")
    assert gaps.kind is VerdictKind.NOT_JUDGED
    assert str(MOST_GAPS) in gaps.reason
    assert is_faithful(judge("we go … " * 90 + "home", "we go on " * 90 + "home").kind)
    assert splice(long, [long[:9000], long[9000:]]) is None
