"""Speech: what two reports of one utterance may differ in, and that no difference of words is ever called altered."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.model import VerdictKind
from archiver.quotes.judging import LONGEST
from archiver.quotes.speech import SPEECH, judge_speech, rewritten
from archiver.quotes.verdict import is_faithful, judge

SAID = "We are not going to close the old mill. We have 25 people there, and I will not let them down."

# step, quotation, original, and a twin whose words differ
STEPS = [
    ("interjections", "We will keep the mill", "We will [applause] keep (laughter) the mill", "We will sell the mill"),
    ("fillers", "We will keep the mill", "We, uh, will, you know, keep the, um, mill", "We would keep the mill"),
    ("false-starts", "The mill stays with us", "Th- the mill stays wi- with us", "The mall stays with us"),
    ("stutters", "We will keep the mill", "We will we will keep the, the mill", "We will keep a mill"),
    ("contractions", "We are not going to sell it", "We aren't gonna sell it", "We are going to sell it"),
    ("contractions", "He has sold the old mill", "He's sold the old mill", "He was sold the old mill"),
    ("contractions", "I cannot say we would go", "I can't say we'd go", "I can say we would go"),
    (
        "number-words",
        "It took 25 years and 5% of it",
        "It took twenty-five years and five percent of it",
        "It took 26 years",
    ),
    (
        "number-words",
        "There were 300 people there",
        "There were three hundred people there",
        "There were 30 people there",
    ),
]


@pytest.mark.parametrize(("step", "quoted", "original", "tampered"), STEPS)
def test_a_step_and_its_tampered_twin(step: str, quoted: str, original: str, tampered: str) -> None:
    for ours, theirs in ((quoted, original), (original, quoted)):
        verdict = judge_speech(ours, theirs)
        assert verdict.kind is VerdictKind.SAME_WORDS, verdict
        assert verdict.standard == "speech"
        assert [name for name in verdict.steps if name in SPEECH] == [step]
        assert not is_faithful(judge(ours, theirs).kind) or step == "interjections"
    refused = judge_speech(tampered, original)
    assert refused.kind in (VerdictKind.NOT_JUDGED, VerdictKind.NOT_FOUND)
    assert refused.standard == "speech"


@pytest.mark.parametrize(
    ("kind", "quoted"),
    [
        ("exact", SAID),
        ("normalised", SAID.replace(" ", "\n", 3)),
        ("partial", "We have 25 people there"),
        ("same-words", "WE HAVE 25 PEOPLE THERE"),
        ("truncated", "We are not going to close the old mi…"),
        ("elided", "We are not … close the old mill"),
        ("bracketed", "We are not going to close [it] the old mill"),
    ],
)
def test_what_is_faithful_as_text_is_faithful_as_speech(kind: str, quoted: str) -> None:
    verdict = judge_speech(quoted, SAID)
    assert (verdict.kind, verdict.standard) == (kind, "speech")


def test_other_words_are_not_judged_and_shown() -> None:
    quoted = "Well, we're not gonna close that old mill. We've got twenty-five people there, and I will let them down."
    verdict = judge_speech(quoted, SAID)
    assert verdict.kind is VerdictKind.NOT_JUDGED
    assert verdict.flags[:2] == ("wording-differs", "negation-changed")
    assert "cannot be said" in verdict.reason
    assert "that" in [change.quoted for change in verdict.changes]
    for change in verdict.changes:
        assert change.quoted == quoted[change.quoted_span.start : change.quoted_span.end]
        assert change.original == SAID[change.original_span.start : change.original_span.end]
    assert judge(quoted, SAID).kind in (VerdictKind.ALTERED, VerdictKind.NOT_FOUND)
    assert judge_speech("A poem about the sea in winter", SAID).kind is VerdictKind.NOT_FOUND
    assert judge_speech("", SAID).kind is VerdictKind.NOT_JUDGED


@pytest.mark.parametrize(
    ("quoted", "original"),
    [
        ("the answer was known", "You know the answer was known"),
        ("it is not true at all", "it is not not true at all"),
        ("a two draw at home", "a two two draw at home"),
        ("he had gone there then", "he would gone there then"),
        ("he is there on time", "he has there on time"),
        ("it is a very good mill", "it is a good mill"),
        ("we have 15 people there", "we have fifty people there"),
    ],
)
def test_what_no_step_sets_aside(quoted: str, original: str) -> None:
    assert judge_speech(quoted, original).kind in (VerdictKind.NOT_JUDGED, VerdictKind.NOT_FOUND, VerdictKind.PARTIAL)
    assert rewritten(quoted, SPEECH, original).split() != rewritten(original, SPEECH, quoted).split()


PIECES = st.sampled_from(
    ["we", "We're", "are", "uh,", "um", "you know,", "th-", "the", "mill", "five", "5", "hundred", "5%", "percent",
     "[applause]", "(laughs)", "not", "don't", "do not", "…", "I", "I", "he's", "he is", "—", "\ud800", "é",
     "東京", "''"]
)  # fmt: skip
MESS = st.lists(PIECES, max_size=14).map(" ".join)


@given(MESS, MESS)
@settings(max_examples=300, deadline=None)
def test_speech_is_never_called_altered(quoted: str, original: str) -> None:
    verdict = judge_speech(quoted, original)
    assert verdict.kind is not VerdictKind.ALTERED
    assert verdict.standard == "speech"
    if is_faithful(judge(quoted, original).kind):
        assert is_faithful(verdict.kind)
    for span, text in ((verdict.quoted_span, quoted), (verdict.original_span, original)):
        assert span is None or 0 <= span.start <= span.end <= len(text)
    for change in verdict.changes:
        assert change.quoted == quoted[change.quoted_span.start : change.quoted_span.end]
        assert change.original == original[change.original_span.start : change.original_span.end]


HOSTILE = [
    "uh, um, ", "uh ", "you know, ", "What I saw, you know, and ", "he'd ", "he's there ", "I'd go, I had gone, ",
    "one ", "one hundred and ", "two hundred and five ", "a thousand ", "nine point ", "1,", "1,000,",
    "5 thousand ", "5% per cent ", "the the ", "I, I ", "we will we will ", "of the of the ", "th- the ", "w— we ",
    "[applause] ", "(laughs, (laughs ", "the mill is open, ", "'em ", "gotta ", "cannot only ", "-five ", "twenty-",
    "half a million to ",
]  # fmt: skip


@pytest.mark.heavy
def test_the_longest_reports_end() -> None:
    """Reports of 100,000 code points made of what the steps look for, each beside one with a change."""
    slow = []
    for unit in HOSTILE:
        text = ("we have it. " + unit * LONGEST)[: LONGEST - 10]
        begin = time.process_time()
        judge_speech(text, f"{text[:50_000]} other {text[50_007:]}")
        slow.append((time.process_time() - begin, unit))
    print(f"slowest {max(slow)[0]:.2f} s, {max(slow)[1]!r}")
    assert max(slow)[0] < 4, max(slow)


@pytest.mark.parametrize("name", SPEECH)
def test_a_step_is_taken_once(name: str) -> None:
    """What a step leaves is nothing that it would take again, but for words said more than twice."""
    for _, one, other, _ in STEPS:
        for text in (one, other):
            once = rewritten(text, (name,), other)
            assert rewritten(once, (name,), other) == once


def test_where_he_d_stands_decides_what_it_is() -> None:
    """The other report holds both; the word after it tells which."""
    full = "He had gone home, and he would go again, if he had time and would go"
    short = "He'd gone home, and he'd go again, if he'd time and would go"
    assert judge_speech(short, full).kind is VerdictKind.SAME_WORDS
    assert rewritten("and he'd come", ("contractions",), "he had come, and he would come") == "and he'd come"
    assert rewritten("and he'd come", ("contractions",), "he would come") == "and he would come"
    assert rewritten("and he'd come", ("contractions",), "he'd come, as he would come") == "and he'd come"


NUMBERS = st.integers(0, 999_999)
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TO_19 = f"zero one two three four five six seven eight nine {_TEENS}".split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelled(number: int, joint: str, after_hundred: str) -> str:
    if number >= 1000:
        rest = number % 1000
        gap = after_hundred if rest < 100 else " "
        return (
            spelled(number // 1000, joint, after_hundred)
            + " thousand"
            + (gap + spelled(rest, joint, after_hundred) if rest else "")
        )
    if number >= 100:
        rest = number % 100
        return (
            _TO_19[number // 100] + " hundred" + (after_hundred + spelled(rest, joint, after_hundred) if rest else "")
        )
    if number >= 20:
        return _TENS[number // 10 - 2] + (joint + _TO_19[number % 10] if number % 10 else "")
    return _TO_19[number]


@given(NUMBERS, NUMBERS, st.sampled_from("- "), st.sampled_from([" ", " and "]))
@settings(max_examples=400, deadline=None)
def test_a_number_in_words_is_the_number_in_figures_and_no_other(number: int, other: int, joint: str, gap: str) -> None:
    said = f"we have {spelled(number, joint, gap)} mills"
    for figures in (f"we have {number} mills", f"we have {number:,} mills"):
        assert rewritten(said, ("number-words",)) == rewritten(figures, ("number-words",)) == f"we have {number} mills"
    beside = f"we have {other:,} mills"
    assert is_faithful(judge_speech(said, beside).kind) == (number == other)
