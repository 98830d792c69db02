"""Fingerprints are stable and shared by common runs; the longest common run is exact; FTS words are safe."""

from __future__ import annotations

import time

import pytest

from archiver.model import Span
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


@pytest.mark.parametrize(("k", "window"), [(6, 3), (1, 1), (3, 5), (8, 2)])
def test_of_each_window_the_least_hash_is_kept(k: int, window: int) -> None:
    """Held against the definition, for texts on both sides of each length."""
    for size in range(k + window + 6):
        text = " ".join(f"word{n % 5}" for n in range(size))
        each = [min(fingerprints(" ".join(text.split()[n : n + k]), k, 1)) for n in range(size - k + 1)]
        least = {min(each[n : n + window]) for n in range(max(1, len(each) - window + 1))} if each else set()
        assert fingerprints(text, k, window) == least


@pytest.mark.heavy
@pytest.mark.parametrize("unit", ["U.", "a … ", "a 👍 ", "… ", "the mill is open "])
def test_a_megabyte_is_fingerprinted(unit: str) -> None:
    begin = time.process_time()
    fingerprints(unit * (1_000_000 // len(unit.encode())))
    took = time.process_time() - begin
    print(f"{took:.2f} s")
    assert took < 4
