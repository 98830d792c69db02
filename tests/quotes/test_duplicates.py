"""Texts that repeat an earlier one, nearly or in the same words."""

from __future__ import annotations

import time

import pytest

from archiver.quotes.duplicates import NEAR, likeness, near_duplicates

POST = "The old mill opens again this Saturday at noon, with music, bread and a tour of the wheel."


def test_the_earliest_repeated_text_is_named() -> None:
    texts = [
        POST,
        "The library stays closed on Monday because of the storm, sorry to all readers.",
        POST.upper() + " https://mill.example/a",
        POST.replace("noon", "one"),
        "",
        POST + " #OldMill",
        "The library stays closed on Monday because of the storm, sorry to all our readers.",
        POST.split(",")[0],
        "",
    ]
    assert near_duplicates(texts) == (None, None, 0, 0, None, 0, 1, None, None)


@pytest.mark.parametrize(
    ("other", "same", "near"),
    [
        (POST.upper(), True, True),
        (POST.replace("noon", "one"), False, True),
        (POST + " Come all!", False, True),
        (POST.split(",")[0], False, False),
        (" ".join(reversed(POST.split())), False, False),
        ("Something else altogether.", False, False),
        ("", False, False),
    ],
)
def test_same_is_told_from_near(other: str, same: bool, near: bool) -> None:
    for a, b in ((POST, other), (other, POST)):
        assert (likeness(a, b) == 1.0) == same
        assert (likeness(a, b) >= NEAR) == near


def test_many_texts_end() -> None:
    texts = [
        f"word{n % 97} word{n % 89} word{n % 83} the old mill opens again word{n % 79} at noon" for n in range(1500)
    ]
    begin = time.process_time()
    found = near_duplicates(texts)
    spent = time.process_time() - begin
    print(f"{len(texts)} texts, {sum(other is not None for other in found)} repeat one, {spent:.2f} s")
    assert all(other is None or other < n for n, other in enumerate(found))
    assert spent < 20
