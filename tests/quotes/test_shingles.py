"""Fingerprints are stable and shared by common runs; the longest common run is exact; FTS words are safe."""

from __future__ import annotations

import sqlite3

import pytest

from archiver.model import Span
from archiver.quotes.candidates import fts_query, rarest
from archiver.quotes.shingles import common_run, fingerprints, words

TEXT = "the council will build seven new bridges across the river before the end of next spring"


def test_words_are_folded_and_placed() -> None:
    assert words("The “End”") == (("the", Span(start=0, end=3)), ("end", Span(start=5, end=8)))


def test_fingerprints_do_not_change_between_runs() -> None:
    assert fingerprints("one two three four five six") == frozenset([FIRST])
    assert fingerprints("one two three four five") == frozenset()
    assert all(0 <= mark < 2**63 for mark in fingerprints(TEXT))
    assert fingerprints(TEXT) == fingerprints(TEXT.upper().replace(" ", "\n"))


# BLAKE2b-64 of the six words joined by NUL, shifted right by one bit.
FIRST = 0x1C034F0EAA6E5951


def test_a_common_run_of_nine_words_shares_a_fingerprint() -> None:
    run = " ".join(TEXT.split()[2:11])
    for before, after in [("alpha beta", "gamma"), ("x", "y z w v u"), ("", "")]:
        assert fingerprints(TEXT) & fingerprints(f"{before} {run} {after}")
    assert not fingerprints(TEXT) & fingerprints(" ".join(reversed(TEXT.split())))


@pytest.mark.parametrize(
    ("a", "b", "run_a", "run_b", "size"),
    [
        ("x Seven NEW bridges y", TEXT, "Seven NEW bridges", "seven new bridges", 3),
        ("a b a b c", "a b c a b", "a b c", "a b c", 3),
        ("nothing shared", "at all", "", "", 0),
        ("", "", "", "", 0),
    ],
)
def test_the_longest_common_run(a: str, b: str, run_a: str, run_b: str, size: int) -> None:
    left, right, found = common_run(a, b)
    assert (a[left.start : left.end], b[right.start : right.end], found) == (run_a, run_b, size)


def test_the_rarest_words_come_first() -> None:
    counts = {"the": 900, "bridge": 4, "opens": 7, "don": 50, "t": 60, "cut": 1}
    asked = rarest("The bridge opens; don't https://t.co/abc unknown cut…", lambda word: counts.get(word, 0))
    assert asked == ("bridge", "opens", "don", "t", "the")
    assert rarest("The bridge opens", lambda word: counts.get(word, 0), limit=1) == ("bridge",)
    assert rarest("", lambda word: 1) == ()


def test_a_query_is_safe_whatever_the_words_are() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE posts USING fts5(text)")
    connection.execute("INSERT INTO posts VALUES ('near the AND bridge')")
    hostile = ["NEAR", "AND", "*", 'a"b', "text:", "-", "(", "bridge", "\0", "", "^x", "OR"]
    query = fts_query(hostile)
    assert connection.execute("SELECT count(*) FROM posts WHERE posts MATCH ?", (query,)).fetchone() == (1,)
    for word in hostile:
        single = fts_query([word])
        if single:
            connection.execute("SELECT count(*) FROM posts WHERE posts MATCH ?", (single,)).fetchone()
    assert fts_query([]) == fts_query(["", "\0"]) == ""
    connection.close()
