"""Signs that turn what words say: a reader is warned of each; what is only typography warns of nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.quotes.speech import judge_speech
from archiver.quotes.verdict import is_faithful, judge


@pytest.mark.parametrize(
    ("quoted", "original"),
    [
        ("profits > lives here", "profits < lives here"),
        ("profits>lives", "profits<lives"),
        ("War=peace", "War≠peace"),
        ("Bob->Ada now", "Bob<-Ada now"),
        ("$5 million lost", "-$5 million lost"),
        ('we had "5" degrees', 'we had "-5" degrees'),
        ("₫500 a day", "₪500 a day"),
        ("39 ℉ today", "39 ℃ today"),
        ("500 mW plant", "500 MW plant"),
        ("USD1-5bn lost", "USD1.5bn lost"),
        ("5 10 people", "5 – 10 people"),
        ("I am guilty of this", "I am ⓝⓞⓣ guilty of this"),
    ],
)
def test_a_changed_sign_is_warned_of_or_refused(quoted: str, original: str) -> None:
    verdict = judge(quoted, original)
    assert not is_faithful(verdict.kind) or "signs-differ" in verdict.flags
    back = judge(original, quoted)
    assert not is_faithful(back.kind) or "signs-differ" in back.flags


@pytest.mark.parametrize(
    ("quoted", "original", "flag"),
    [
        ("We paid \u202e51\u202c crowns", "We paid 51 crowns", "bidi-override"),
        ("他偷了钱。", "他偷了钱？", "question-mark"),
        ("You think I lied. I did.", "You think I lied? I did.", "question-mark"),
        ("I will resign", "I will resign if the audit finds fraud", "context-condition"),
        ("the mayor stole it", "I never said that the mayor stole it", "context-negation"),
    ],
)
def test_what_stands_around_the_words_is_warned_of(quoted: str, original: str, flag: str) -> None:
    assert flag in judge(quoted, original).flags


@pytest.mark.parametrize(
    ("quoted", "original"),
    [
        ("don’t do it — now", "don't do it - now"),
        ("a &lt; b for all", "a < b for all"),
        ("5% of all people", "5% of all people know this"),
        ("“Great day” – see", '"Great day" - see https://t.co/a?b=1'),
        ("costs $5 … here", "costs $5 or more from here"),
        ("5％ more people", "5% more people"),
    ],
)
def test_typography_warns_of_no_sign(quoted: str, original: str) -> None:
    assert "signs-differ" not in judge(quoted, original).flags


def test_words_glued_to_a_short_link_do_not_vanish_with_it() -> None:
    assert not is_faithful(judge("他说的 我知道", "他说的https://t.co/AbCd是假的 我知道").kind)
    assert is_faithful(judge("他说的 我知道", "他说的 https://t.co/AbCd 我知道").kind)


def test_a_comma_at_the_end_of_a_cut_number_is_not_trusted() -> None:
    assert not is_faithful(judge("We paid about 5", "We paid about 5,", truncated=True).kind)


@pytest.mark.parametrize(
    ("quoted", "original"),
    [("I did kill him", "I did [inaudible] kill him"), ("Number 1 is to blame", "No one is to blame"),
     ("Das hat getan", "Das hat er getan"), ("She said no to it", "She said no no no to it")],
)  # fmt: skip
def test_speech_keeps_what_may_be_a_word(quoted: str, original: str) -> None:
    assert not is_faithful(judge_speech(quoted, original).kind)


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_it(quoted: str, original: str, truncated: bool) -> None:
    verdict = judge(quoted, original, truncated=truncated)
    assert len(set(verdict.flags)) == len(verdict.flags)
