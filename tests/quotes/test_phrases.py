"""What stands in quotation marks, in every shape, and what only looks so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.quotes.align import Index
from archiver.quotes.meeting import meet
from archiver.quotes.phrases import find_phrase, quoted_phrases
from archiver.quotes.tokens import tokenise


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


@pytest.mark.heavy
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


ODD = st.sampled_from(
    ["don't", "dont", "don", "t", "7pm", "7", "pm", "U.S.", "US", "us", "#BridgeDay", "Bridge", "Day", "bridgeday",
     "day💜one", "dayone", "&", "and", "AT&amp;T", "R&D", "can’t", "ﬁne", "fine", "ＡＢＣ", "abc", "1,000", "1000",
     "5%", "5 %", "3-4", "34", "$5", "@name", "name", "_x_", "café", "cafe\u0301", "cafe", "…", "[the]", "the", "™",
     "İs", "is", "straße", "STRASSE", "e\u200bvery", "every", "&#39;", "&lt;b&gt;", "東京", "ｶﾞ", "C++", "½",
     "https://mill.example/a"]
)  # fmt: skip


@given(st.lists(ODD, max_size=3), st.lists(ODD, max_size=9), st.sampled_from([" ", "", "\n"]))
@settings(max_examples=400, deadline=None)
def test_what_is_seen_at_a_glance_is_what_reading_the_words_says(few: list[str], many: list[str], gap: str) -> None:
    """The quick look at letters never says that a text lacks a phrase which its words hold."""
    phrase, text = gap.join(few), " ".join(many)
    held = tokenise(text)
    wanted = meet(tokenise(phrase), held)
    at = Index(held.keys).find(wanted.keys) if wanted.keys else -1
    assert find_phrase(phrase, text) == (held.span(at, at + len(wanted.keys)) if at >= 0 else None)


@pytest.mark.heavy
@pytest.mark.parametrize("unit", ["U.", "#aB ", "a … ", "a 👍 ", "RT @x: ", "donâ€™t ", "the mill is open "])
def test_a_phrase_is_looked_for_in_a_megabyte(unit: str) -> None:
    """Also in one that holds each word of it, so that all of it must be read."""
    text = unit * (1_000_000 // len(unit.encode()))
    for more in ("", " the old mill … is, again 👍 open #aB U. tonight"):
        begin = time.process_time()
        assert find_phrase("the old mill is open again tonight", text + more) is None
        took = time.process_time() - begin
        print(f"{took:.2f} s")
        assert took < (4 if more else 1)


def test_words_that_only_look_so_are_not_found() -> None:
    for phrase, text in [
        ("no way out", "there is now a yout"),
        ("the rapist", "the therapist"),
        ("five people", "five. Peoples"),
        ("us now", "JOIN U.S. NOWHERE"),
        ("not one", "not o ne"),
        ("3 4", "34"),
    ]:
        assert find_phrase(phrase, text) is None
