"""Each verdict on fictional posts, and for each faithful kind the tampered quotation that it must refuse."""

from __future__ import annotations

import pytest

from archiver.model import Verdict, VerdictKind
from archiver.quotes.normal import replay
from archiver.quotes.verdict import FAITHFUL, best, is_faithful, judge, judge_all, preference

POST = "We will never raise taxes. If the council agrees, 300 new homes come. Only then will I resign."

FAITHFUL_CASES = [
    ("exact", POST, POST),
    ("exact", "👍", "👍"),
    ("normalised", "Tom & “Jo” – don’t", 'Tom &amp; "Jo" - don\'t'),
    ("normalised", "hello \r\n  there ", "hello there"),
    ("normalised", "cafe\u0301 is open", "café is open"),
    ("normalised", "in\u00advisi\u200bble", "invisible"),
    ("normalised", "Wait... what?", "Wait… what?"),
    ("normalised", "donâ€™t go to the cafÃ©", "don’t go to the café"),
    ("normalised", "РјРѕСЃС‚ открыт", "мост открыт"),
    ("normalised", f"RT @mayor: {POST}", POST),
    ("partial", "300 new homes come.", POST),
    ("partial", "is “open” today", 'It is "open" today and tomorrow'),
    ("partial", "東京に行きます", "今日は東京に行きます"),
    ("partial", "हिन्दी भाषा", "हिन्दी भाषा अच्छी है।"),
    ("same-words", "ONLY THEN WILL I RESIGN", POST),
    ("same-words", "don t do it", "don't do it"),
    ("same-words", "dont do it", "don't do it"),
    ("same-words", "I don't like it", "I don t like it"),
    ("same-words", "Thanks mayor for the BridgeDay", "Thanks @mayor for the #BridgeDay"),
    ("same-words", "We won big", "We won big 🇺🇸 https://t.co/abc"),
    ("same-words", "On #BridgeDayI thank all", "On #BridgeDay💜I thank all"),
    ("same-words", "see https://t.co/abc now", "see https://www.example.com/a now"),
    ("same-words", "a great nightpic.twitter.com/abc", "a great night"),
    ("same-words", "It is the capital.", "IT IS THE CAPITAL.pic.twitter.com/abc"),
    ("same-words", "Ｈｅｌｌｏ my friend", "Hello my friend"),
    ("same-words", "[O]nly then will I resign.", POST),
    ("truncated", "We will never raise taxes. If the coun…", POST),
    ("truncated", "We will never raise taxes...", POST),
    ("truncated", "RT @mayor: We will never raise taxes. If the…", POST),
    ("truncated", "Join us tonight at the hall https://t.co…", "Join us tonight at the hall https://t.co/abcdef"),
    ("truncated", "Join us tonight at the hall ht…", "Join us tonight at the hall https://t.co/abcdef"),
    ("elided", "We will … raise taxes.", POST),
    ("elided", "We will never raise taxes. […] 300 new homes come.", POST),
    ("elided", "We will never raise taxes . . . will I resign", POST),
    ("bracketed", "[The mayor] will never raise taxes", POST),
    ("bracketed", "Only then will [the mayor] resign", POST),
    ("bracketed", "he walk[ed] home again", "he walks home again"),
]

NOT_FAITHFUL = [
    ("it is 5 now", "it is .5 now"),
    ("a tax of 5", "a tax of 5 - 10"),
    ("000 people came", "1 000 people came"),
    ("x² + y = 4", "x² - y = 4"),
    ("2^3 people", "2 3 people"),
    ("We will raise taxes. If the council agrees, 300 new homes come.", POST),
    ("We will never raise taxes. If the council agrees, 3000 new homes come.", POST),
    ("We will always raise taxes", POST),
    ("never We will raise taxes", POST),
    ("therapist", "the rapist"),
    ("the rapist was here", "the therapist was here"),
    ("I will raise taxes by 5", "I will raise taxes by 5%"),
    ("it is -5 degrees", "it is 5 degrees"),
    ("it cost $5 million", "it cost €5 million"),
    ("a > 5 is fine", "a < 5 is fine"),
    ("500 people came", "2,500 people came"),
    ("it cost 5", "it cost 5 million"),
    ("he is 510 tall", "he is 5'10 tall"),
    ("10² is big", "102 is big"),
    ("an A- rating", "an A+ rating"),
    ("racist activist", "He is an anti-racist activist"),
    ("this drink is sugar", "this drink is sugar-free"),
    ("We won 👍 big", "We won 👎 big"),
    ("We won 🖕 big", "We won big"),
    ("see https://other.example/a now", "see https://www.example.com/a now"),
    ("see now https://other.example/a", "see now"),
    ("I am [not] guilty of this", "I am guilty of this"),
    ("He is dis[honest] about it", "He is honest about it"),
    ("[A great wonderful] day", "A bad day"),
    ("we're going there", "were going there"),
    ("I can…", "I can't do this"),
    ("it cost 2…", "it cost 2,500 at least"),
    ("今日は東京に行きます", "明日は東京に行きます"),
    ("cafe is open", "café is open"),
    ("раypal is down", "paypal is down"),
    ("n̶o̶t̶ guilty at all", "not guilty at all"),
    ("I resign … raise taxes", POST),
    ("raise … raise taxes", POST),
    ("We will never raise taxes. If the council agrees, 300 new homes come. Only then will I resign. Promise.", POST),
    ("completely other words about fishing in winter", POST),
]


@pytest.mark.parametrize(("kind", "quoted", "original"), FAITHFUL_CASES)
def test_each_faithful_kind(kind: str, quoted: str, original: str) -> None:
    verdict = judge(quoted, original)
    assert verdict.kind == kind
    assert is_faithful(verdict.kind)
    assert verdict.score == 1.0


@pytest.mark.parametrize(("quoted", "original"), NOT_FAITHFUL)
def test_what_is_not_faithful(quoted: str, original: str) -> None:
    verdict = judge(quoted, original)
    assert verdict.kind in (VerdictKind.ALTERED, VerdictKind.NOT_FOUND)
    if verdict.kind is VerdictKind.ALTERED:
        assert verdict.changes


def test_altered_names_the_words_on_both_sides() -> None:
    quoted, original = "We will build the old bridge by May", "We will build the new bridge by May."
    (change,) = judge(quoted, original).changes
    assert (change.op, change.quoted, change.original) == ("replaced", "old", "new")
    assert quoted[change.quoted_span.start : change.quoted_span.end] == "old"
    assert original[change.original_span.start : change.original_span.end] == "new"


@pytest.mark.parametrize(
    ("quoted", "flag"),
    [
        ("We will … raise taxes.", "negation-elided"),
        ("If the council agrees … homes come", "number-elided"),
        ("raise taxes. … the council agrees", "condition-elided"),
        ("We will never raise taxes … the council agrees", "sentence-joined"),
        ("raise taxes.", "context-negation"),
        ("We will", "context-negation"),
    ],
)
def test_what_a_reader_is_warned_of(quoted: str, flag: str) -> None:
    verdict = judge(quoted, POST)
    assert is_faithful(verdict.kind)
    assert flag in verdict.flags


def test_no_warning_without_a_reason() -> None:
    assert judge("If the council agrees, 300 new homes come.", POST).flags == ()
    assert judge("He is a good man", "No! He is a good man").flags == ()
    assert judge("a good man", "No! He is a good man").flags == ("mid-sentence",)
    assert judge("a good man", "He is not a good man").flags == ("context-negation", "mid-sentence")
    assert judge("well go there", "we'll go there").flags == ("apostrophe-lost",)


@pytest.mark.parametrize(
    ("quoted", "original", "flag"),
    [
        ("he is guilty of it", "he is guilty of it? No.", "question-mark"),
        ("I will [reduce] taxes", "I will raise taxes", "bracket-replaces"),
        ("vaccines do work", "❌ vaccines do work", "negation-elided"),
        ("支持他", "我不支持他", "context-negation"),
        ("ชอบเขา", "ไม่ชอบเขา", "context-negation"),
        ("今日は東京に行か", "今日は東京に行かない。", "context-negation"),
    ],
)
def test_further_warnings(quoted: str, original: str, flag: str) -> None:
    flags = judge(quoted, original).flags
    assert flag in flags
    assert set(flags) <= {flag, "mid-sentence", "taken-back"}


def test_what_was_left_out_is_named() -> None:
    assert judge("We won big", "We won big 🇺🇸 https://t.co/abc").omitted == ("emoji", "links")
    assert judge("a great nightpic.twitter.com/abc", "a great night").omitted == ("media",)
    assert judge("We won", "We won big 🇺🇸").omitted == ()


def test_steps_can_be_replayed() -> None:
    quoted, original = "Tom & “Jo” – don’t\u200b go", 'so Tom &amp; "Jo" - don\'t  go there'
    verdict = judge(quoted, original)
    assert verdict.kind is VerdictKind.PARTIAL
    assert verdict.steps == ("html-entities", "invisible", "quotes", "dashes", "white-space")
    assert replay(quoted, verdict.steps) in replay(original, verdict.steps)


def test_only_needed_steps_are_listed() -> None:
    assert judge("“open”", '"open"').steps == ("quotes",)
    assert judge("donâ€™t", "don’t").steps == ("encoding:cp1252",)
    assert judge("hello THERE", "hello there").steps == ("case",)


def test_a_truncated_original_never_yields_altered_or_not_found() -> None:
    cut = "We love dogs and ca…"
    assert judge("We love dogs", cut, truncated=True).kind is VerdictKind.PARTIAL
    assert judge("We love dogs and ca…", cut, truncated=True).kind is VerdictKind.TRUNCATED
    # Its last word may be cut ("can" of "can't"), so a quotation that ends with it is not judged.
    assert judge("We love dogs and ca", cut, truncated=True).kind is VerdictKind.NOT_JUDGED
    for quoted in ("We love dogs and cats", "We hate dogs and", "Other words altogether here"):
        verdict = judge(quoted, cut, truncated=True)
        assert verdict.kind is VerdictKind.NOT_JUDGED
        assert "truncated" in verdict.reason
    assert judge("We hate dogs and", cut).kind is VerdictKind.ALTERED


def test_an_open_start_skips_unrelated_text_only() -> None:
    post = "We will build the new bridge by May."
    quoted = f"The mayor wrote on Tuesday: {post}"
    verdict = judge(quoted, post, open_start=True)
    assert verdict.kind is VerdictKind.PARTIAL
    assert verdict.quoted_span is not None
    assert quoted[verdict.quoted_span.start :] == post
    for altered in (
        "The mayor wrote on Tuesday: We will build the old bridge by May.",
        "The mayor said that they will not build the new bridge by May.",
        "On Tuesday: The will build the new bridge by May.",
        "On Tuesday: We will never build the new bridge by May.",
    ):
        verdict = judge(altered, post, open_start=True)
        assert verdict.kind is VerdictKind.ALTERED
        assert verdict.changes
    assert judge("About fishing in winter, by May.", post, open_start=True).kind is VerdictKind.NOT_FOUND


@pytest.mark.parametrize("quoted", ["", " \n", "…", "!?", "🙂"])
def test_nothing_to_compare_is_not_judged(quoted: str) -> None:
    verdict = judge(quoted, "x y z")
    assert verdict.kind is VerdictKind.NOT_JUDGED
    assert verdict.reason


def test_another_place_of_the_same_words_counts() -> None:
    post = "An anti-racist activist met a racist activist"
    assert judge("racist activist", post).kind is VerdictKind.PARTIAL


def test_order_of_preference() -> None:
    verdicts = judge_all("We will build the bridge", ["We will build the road", "We will build the bridge!", "other"])
    assert [verdict.kind for verdict in verdicts] == ["altered", "partial", "not-found"]
    assert best(verdicts) is verdicts[1]
    assert best(()).kind is VerdictKind.NOT_JUDGED
    kinds = sorted(VerdictKind, key=lambda kind: preference(Verdict(kind=kind)))
    assert kinds[0] is VerdictKind.EXACT
    assert kinds[-1] is VerdictKind.NOT_FOUND
    assert {kind for kind in kinds if is_faithful(kind)} == FAITHFUL == set(kinds[: len(FAITHFUL)])
    assert judge_all("We love cats", ["We love ca…"], truncated=[True])[0].kind is VerdictKind.NOT_JUDGED


def test_links_that_cannot_be_compared_are_flagged() -> None:
    verdict = judge("Thank you all https://t.co/abc", "Thank you all https://t.co/xyz")
    assert verdict.kind is VerdictKind.SAME_WORDS
    assert verdict.omitted == ("links",)
    assert verdict.flags == ("links-differ",)
    assert judge("Thank you all https://t.co…", "Thank you all https://t.co/xyz").flags == ()


def test_an_ellipsis_where_the_original_has_its_own_is_flagged() -> None:
    assert "ellipsis-of-the-original" in judge("We wait… for rain today", "We wait… and wait for rain today").flags


@pytest.mark.parametrize("before", ["December 1, 2017", "he holds a green card"])
def test_lost_markup_that_glues_an_open_start(before: str) -> None:
    post = "We won't build the bridge by May"
    quoted = f"{before}We won t build the bridge by May"
    verdict = judge(quoted, post, open_start=True)
    assert verdict.kind is VerdictKind.SAME_WORDS
    assert verdict.quoted_span is not None
    assert verdict.quoted_span.start == len(before)
    assert judge(f"{before}We will build the bridge by May", post, open_start=True).kind is VerdictKind.ALTERED


def test_an_open_start_does_not_begin_after_a_negation() -> None:
    post = "Please do not run again for mayor now"
    assert not is_faithful(judge("They agreed. Run again for mayor now", post, open_start=True).kind)
