"""What differs between two versions of a text, to the letter."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.quotes.between import MOST, Compared, between

WORDS = st.lists(
    st.sampled_from(["a", "b", "ferry", " ", "  ", "\n", "五", "分", "👩‍👧", "é", "é", "،", "שלום"]), max_size=30
)
TEXTS = st.one_of(WORDS.map("".join), st.text(max_size=60))


def after_of(before: str, compared: Compared, after: str) -> str:
    """The text after, made of the text before and the differences alone."""
    out, at = [], compared.before.start
    for one in compared.differences:
        out += [before[at : one.before.start], after[one.after.start : one.after.end]]
        at = one.before.end
    return "".join([before[: compared.before.start], *out, before[at : compared.before.end]])


@given(TEXTS, TEXTS)
def test_the_differences_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    compared = between(before, after)
    assert compared.whole
    tail = before[compared.before.end :]
    assert tail == after[compared.after.end :]
    assert after_of(before, compared, after) + tail == after
    assert bool(compared.differences) == (before != after)


@given(TEXTS, TEXTS)
def test_each_difference_is_one(before: str, after: str) -> None:
    for one in between(before, after).differences:
        ours, theirs = before[one.before.start : one.before.end], after[one.after.start : one.after.end]
        assert ours != theirs
        assert one.op == ("replaced" if ours and theirs else "removed" if ours else "added")


def test_words_are_told_and_not_letters() -> None:
    before = "The ferry leaves at ten past and at forty past the hour."
    after = "The ferry leaves at five past and at thirty five past the hour."
    found = [
        (before[d.before.start : d.before.end], after[d.after.start : d.after.end])
        for d in between(before, after).differences
    ]
    assert found == [("ten", "five"), ("forty", "thirty five")]


@pytest.mark.parametrize(
    ("before", "after"), [("No.", "No!"), ("us", "US"), ("don’t", "don't"), ("a b", "a  b"), ("é", "e")]
)
def test_nothing_is_evened_out(before: str, after: str) -> None:
    assert between(before, after).differences


def test_an_emoji_is_not_cut() -> None:
    before, after = "ok 👩‍👧 go", "ok 👩‍👦 go"
    (one,) = between(before, after).differences
    assert before[one.before.start : one.before.end] == "👩‍👧"


def test_changes_with_only_a_space_between_them_are_one() -> None:
    assert len(between("one two three", "uno due three").differences) == 1


def test_long_texts_are_compared_where_they_differ_first() -> None:
    text = "x y " * 1_000_000
    began = time.perf_counter()
    compared = between(text, text[:2_000_000] + "zz" + text[2_000_000:])
    assert time.perf_counter() - began < 3
    assert compared.whole
    assert [one.op for one in compared.differences] == ["replaced"]
    assert compared.before.end - compared.before.start <= MOST


def test_what_is_past_the_stretch_is_said_not_to_be_compared() -> None:
    before = "one " + "x " * MOST + "two"
    after = "uno " + "x " * MOST + "due"
    compared = between(before, after)
    assert not compared.whole
    assert [before[d.before.start : d.before.end] for d in compared.differences] == ["one"]
    assert compared.before.end < len(before)


def test_what_is_too_long_to_look_into_is_one_difference() -> None:
    before = "".join(chr(0x4E00 + n % 5000) for n in range(MOST))
    after = "".join(chr(0x4E00 + (n * 7 + 1) % 5000) for n in range(MOST))
    compared = between(before, after)
    assert compared.coarse
    assert len(compared.differences) == 1
