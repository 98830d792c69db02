"""What stands in quotation marks, in every shape, and what only looks so."""

from __future__ import annotations

import time

import pytest

from archiver.quotes.phrases import find_phrase, quoted_phrases


def inner(text: str) -> list[str]:
    return [text[span.start : span.end] for span in quoted_phrases(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He said “we will win” and left", ["we will win"]),
        ('He said "we will win," and "so will you."', ["we will win,", "so will you."]),
        ("Er sagte „wir gewinnen heute“ und ging", ["wir gewinnen heute"]),
        ("Il dit « nous gagnons » hier", ["nous gagnons"]),
        ("Hun sagde »vi vinder nu« i går", ["vi vinder nu"]),
        ("‹two words› here", ["two words"]),
        ("彼は「明日は行きます」と言った『四文字です』", ["明日は行きます", "四文字です"]),
        ("Han sa ”vi vinner nu” igår", ["vi vinner nu"]),
        ("“He told me ‘go home now’ twice”", ["He told me ‘go home now’ twice", "go home now"]),
        ("She said 'we will win' twice", ["we will win"]),
        ("‘It’s the drivers’ union,’ she said", ["It’s the drivers’ union,"]),
        ("the dogs' home and the cats' home", []),
        ("rock 'n' roll isn't 'em", []),
        ("a 6' 2\" man and a 5' 9\" woman", []),
        ("one “word” only", []),
        ("“never closed and on it goes", []),
        ("“first part goes on\n\n“second part ends here” he said", ["first part goes on\n\n“second part ends here"]),
        ("“lost mark here\n\nA new paragraph. “A new quote here”", ["A new quote here"]),
        ("", []),
    ],
)
def test_quoted_phrases(text: str, expected: list[str]) -> None:
    assert inner(text) == expected


@pytest.mark.parametrize(
    "text", ['"a ' * 300_000, "'a " * 300_000, "“‘a " * 200_000, "a” " * 300_000, "“a b\n\n" * 150_000]
)
def test_linear_time(text: str) -> None:
    begin = time.process_time()
    quoted_phrases(text)
    assert time.process_time() - begin < 4


def test_find_phrase() -> None:
    text = "They fear a significant escalation in the “North–South” talks; don’t they?"
    for phrase, found in [
        ("significant escalation.", "significant escalation"),
        ("“SIGNIFICANT  Escalation,”", "significant escalation"),
        ("north-south talks", "North–South” talks"),
        ("don t they", "don’t they"),
    ]:
        span = find_phrase(phrase, text)
        assert span is not None
        assert text[span.start : span.end] == found
    for absent in ["significant de-escalation", "escalation significant", "cant escalation", "", "…"]:
        assert find_phrase(absent, text) is None
