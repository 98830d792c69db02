"""Whatever the texts are: no crash, honest spans, no legitimate change refused, no changed word accepted."""

from __future__ import annotations

import itertools
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.model import Span, Verdict, VerdictKind
from archiver.quotes.align import common
from archiver.quotes.encodings import CODECS
from archiver.quotes.normal import VERBATIM, WORDS, mapped, replay
from archiver.quotes.phrases import find_phrase, quoted_phrases
from archiver.quotes.shingles import common_run, fingerprints, words
from archiver.quotes.verdict import is_faithful, judge, splice

PLAIN = "harbour lantern meadow quarry orchard velvet canyon timber saddle copper marble falcon thistle ribbon gravel"
WORD = st.sampled_from(PLAIN.split())
POSTS = st.lists(WORD, min_size=6, max_size=24, unique=True)
PIECES = st.sampled_from(
    [
        *(
            "a",
            "The",
            "don't",
            "don’t",
            "5%",
            "-5",
            "$5",
            "2,500",
            "…",
            "...",
            "[x]",
            "[…]",
            "[",
            "]",
            "http",
            ":/",
            "not",
        ),
        *(
            "https://t.co/a",
            "pic.twitter.com/b",
            "👍",
            "🇫🇷",
            "👩\u200d👩\u200d👧",
            "1\ufe0f\u20e3",
            "“",
            "”",
            "'",
            '"',
            "«",
        ),
        *("\n", " ", "\u200b", "\u0301", "é", "â€™", "Ã", "東京", "ไทย", "हिन्दी", "&amp;", "&#x1F600;", "@bob", "#tag"),
        *("\ud800", "\x00", "İ", "ß", "RT @a: ", "e\u0301", "\ufeff"),
    ]
)
MESS = st.one_of(
    st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES, max_size=14).map(" ".join), st.text(max_size=60)
)


def holds(span: Span | None, text: str) -> None:
    if span is not None:
        assert 0 <= span.start <= span.end <= len(text)


def honest(verdict: Verdict, quoted: str, original: str) -> None:
    holds(verdict.quoted_span, quoted)
    holds(verdict.original_span, original)
    assert 0.0 <= verdict.score <= 1.0
    for change in verdict.changes:
        holds(change.quoted_span, quoted)
        holds(change.original_span, original)
        assert change.quoted or change.original
        assert quoted[change.quoted_span.start : change.quoted_span.end] == change.quoted
        assert original[change.original_span.start : change.original_span.end] == change.original
    if verdict.kind is VerdictKind.ALTERED:
        assert verdict.changes


def replays(verdict: Verdict, quoted: str, original: str) -> None:
    """What the plan promises for same words: the aligned parts are equal after the steps."""
    assert verdict.quoted_span is not None
    assert verdict.original_span is not None
    ours = quoted[verdict.quoted_span.start : verdict.quoted_span.end]
    theirs = original[verdict.original_span.start : verdict.original_span.end]
    assert replay(ours, verdict.steps) == replay(theirs, verdict.steps), verdict


@given(MESS, MESS, st.booleans(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_input_crashes(quoted: str, original: str, truncated: bool, open_start: bool) -> None:
    verdict = judge(quoted, original, truncated=truncated, open_start=open_start)
    honest(verdict, quoted, original)
    if truncated:
        assert verdict.kind not in (
            VerdictKind.ALTERED,
            VerdictKind.NOT_FOUND,
            VerdictKind.EXACT,
            VerdictKind.NORMALISED,
        )
    if verdict.kind is VerdictKind.NORMALISED:
        assert replay(original, verdict.steps) == replay(quoted, verdict.steps)
    if verdict.kind is VerdictKind.PARTIAL and verdict.quoted_span is not None:
        part = quoted[verdict.quoted_span.start : verdict.quoted_span.end]
        assert replay(part, verdict.steps) in replay(original, verdict.steps)
    if verdict.kind is VerdictKind.EXACT:
        assert quoted == original


@given(MESS)
@settings(max_examples=200, deadline=None)
def test_a_text_quotes_itself(text: str) -> None:
    verdict = judge(text, text)
    assert verdict.kind is (VerdictKind.EXACT if text.strip() else VerdictKind.NOT_JUDGED)


@given(MESS, MESS)
@settings(max_examples=150, deadline=None)
def test_the_other_functions_hold_their_spans(a: str, b: str) -> None:
    for span in quoted_phrases(a):
        holds(span, a)
        assert a[span.start : span.end].strip()
    holds(find_phrase(a, b), b)
    left, right, size = common_run(a, b)
    holds(left, a)
    holds(right, b)
    assert (size == 0) == (left.start == left.end)
    for key, span in words(a):
        assert key
        assert a[span.start : span.end]
    assert all(0 <= mark < 2**63 for mark in fingerprints(a, 2, 2))
    for number, verdict in splice(a + " " + b, [a, b]) or ():
        honest(verdict, a + " " + b, [a, b][number])


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_a_mapped_text_is_the_replayed_text(text: str) -> None:
    for step in [*VERBATIM, *WORDS, *(f"encoding:{codec}" for codec in CODECS)]:
        result = mapped(text, (step,))
        assert result.text == replay(text, (step,))
        assert len(result.starts) == len(result.ends) == len(result.text)
        for n in range(len(result.text)):
            holds(result.span(n, n + 1), text)
    assert replay(text, ("nfc",)) == unicodedata.normalize("NFC", text) or not unicodedata.is_normalized("NFC", text)


STEPS = st.lists(
    st.sampled_from(["upper", "spaces", "quotes", "dots", "zero", "part", "cut", "gap", "bracket", "link"]), max_size=4
)


@given(POSTS, STEPS, st.data())
@settings(max_examples=300, deadline=None)
def test_a_quote_built_by_legitimate_steps_is_faithful(post: list[str], steps: list[str], data: st.DataObject) -> None:
    original = " ".join(post) + " https://t.co/abc"
    said = list(post)
    if "part" in steps:
        start = data.draw(st.integers(0, len(said) - 4))
        said = said[start : data.draw(st.integers(start + 4, len(said)))]
    if "gap" in steps and len(said) >= 6:
        at = data.draw(st.integers(2, len(said) - 3))
        said = [*said[:at], "…", *said[at + 1 :]]
    if "bracket" in steps:
        said.insert(data.draw(st.integers(1, len(said) - 1)), "[sic]")
    quoted = " ".join(said)
    if "link" in steps and said == post:
        quoted += " https://t.co/abc"
    if "upper" in steps:
        quoted = quoted.upper()
    if "spaces" in steps:
        quoted = quoted.replace(" ", " \n ", 2)
    if "zero" in steps:
        quoted = "\u200b" + quoted
    if "quotes" in steps:
        quoted = f"“{quoted}”"
    if "dots" in steps:
        quoted = f"… {quoted}"
    if "cut" in steps and quoted[-1].isalpha() and quoted[-2].isalpha() and "link" not in steps:
        quoted = quoted[:-1] + "…"
    verdict = judge(quoted, original)
    assert is_faithful(verdict.kind), (quoted, verdict)
    honest(verdict, quoted, original)


@given(POSTS, st.data())
@settings(max_examples=300, deadline=None)
def test_one_changed_word_is_never_faithful(post: list[str], data: st.DataObject) -> None:
    original = " ".join(post)
    at = data.draw(st.integers(0, len(post) - 1))
    other = data.draw(st.sampled_from(["granite", "not", "7", post[at] + "s", post[at][:-1] + "x", "[not]"]))
    how = data.draw(st.sampled_from(["replace", "insert", "remove", "swap"]))
    said = list(post)
    if how == "replace":
        said[at] = other
    elif how == "insert":
        said.insert(at, other)
    elif how == "remove":
        at = min(max(at, 1), len(said) - 2)
        del said[at]
    else:
        at = min(at, len(said) - 2)
        said[at], said[at + 1] = said[at + 1], said[at]
    verdict = judge(" ".join(said), original)
    assert not is_faithful(verdict.kind), (said, verdict)
    honest(verdict, " ".join(said), original)


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
@settings(max_examples=200, deadline=None)
def test_the_bit_parallel_difference_is_a_longest_one(a: list[str], b: list[str]) -> None:
    pairs = common(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in itertools.pairwise(pairs))
    row = [0] * (len(b) + 1)
    for left in a:
        above = row[:]
        for n, right in enumerate(b, 1):
            row[n] = above[n - 1] + 1 if left == right else max(above[n], row[n - 1])
    assert len(pairs) == row[-1]


@given(
    st.sampled_from(CODECS),
    st.lists(
        st.sampled_from(["don’t", "“yes”", "café", "naïve", "—", "über", "мост", "stone"]), min_size=2, max_size=8
    ),
)
@settings(max_examples=200, deadline=None)
def test_damage_is_verified_against_the_original(codec: str, parts: list[str]) -> None:
    original = " ".join(parts)
    damaged = original.encode("utf-8").decode(codec, "replace")
    if "\ufffd" in damaged or damaged == original:
        return
    assert is_faithful(judge(damaged, original).kind)
    assert not is_faithful(judge(damaged + " not", original).kind)


SCRIPTS = {
    "Latin": (
        ["harbour", "lantern", "meadow", "quarry", "orchard", "velvet", "canyon", "timber", "saddle"],
        " ",
        "granite",
    ),
    "accents": (["château", "forêt", "été", "naïve", "façade", "über", "straße", "mañana"], " ", "château-fort"),
    "Cyrillic": (["гавань", "фонарь", "луг", "карьер", "сад", "бархат", "каньон"], " ", "гранит"),
    "Arabic": (["ميناء", "فانوس", "مرج", "محجر", "بستان", "مخمل", "وادي"], " ", "صخر"),
    "Hebrew": (["נמל", "פנס", "אחו", "מחצבה", "פרדס", "קטיפה", "קניון"], " ", "סלע"),
    "Hindi": (["बंदरगाह", "लालटेन", "मैदान", "खदान", "बाग", "मखमल", "घाटी"], " ", "पत्थर"),
    "Japanese": (["港の", "灯りが", "草原に", "果樹園を", "谷間へ", "木材と", "大理石も"], "", "花崗岩"),
    "Chinese": (["港口", "灯笼", "草地", "果园", "峡谷", "木材", "石头"], "", "铁路"),
    "Thai": (["ท่าเรือ", "โคมไฟ", "ทุ่งหญ้า", "สวนผลไม้", "หุบเขา", "ไม้ซุง"], "", "หินอ่อน"),
    "Khmer": (["កំពង់ផែ", "ចង្កៀង", "វាលស្មៅ", "ចម្ការ", "ជ្រលង", "ឈើ"], "", "ថ្ម"),
    "Korean": (["항구", "등불", "초원", "과수원", "계곡", "목재", "대리석"], " ", "화강암"),
}
LEGITIMATE = [
    "decompose", "entities", "quotation marks", "white space", "invisible", "bidi", "mojibake", "upper", "no marks",
    "leading dots", "part", "gap", "bracket", "emoji", "link", "repost", "paragraphs", "full stop",
]  # fmt: skip


def built(parts: list[str], join: str, steps: set[str], data: st.DataObject) -> str:
    """A quotation of these words by legitimate steps."""
    said = list(parts)
    if "part" in steps:
        start = data.draw(st.integers(0, len(said) - 4))
        said = said[start : data.draw(st.integers(start + 4, len(said)))]
    if "gap" in steps:
        at = data.draw(st.integers(1, len(said) - 2))
        said[at] = data.draw(st.sampled_from([" … ", " [...] ", "...", " (…) ", " . . . "]))
    if "bracket" in steps:
        said.insert(data.draw(st.integers(1, len(said) - 1)), " [sic] ")
    if "paragraphs" in steps:
        said.insert(data.draw(st.integers(1, len(said) - 1)), "\n\n“")
    text = join.join(said)
    for step in sorted(steps):
        text = {
            "decompose": lambda t: unicodedata.normalize("NFD", t),
            "entities": lambda t: t.replace("…", "&#8230;").replace("“", "&#8220;"),
            "quotation marks": lambda t: f"«{t}»",
            "white space": lambda t: t.replace(" ", " \n "),
            "invisible": lambda t: "\ufeff" + t + "\u200b",
            "bidi": lambda t: f"\u2067{t}\u2069",
            "upper": str.upper,
            "leading dots": lambda t: "… " + t,
            "full stop": lambda t: t + ".",
        }.get(step, lambda t: t)(text)
    if "repost" in steps:
        text = f"RT @harbour_master: {text}"
    if "mojibake" in steps:
        text = text.encode("utf-8").decode("latin-1")
    return text


@given(st.sampled_from(sorted(SCRIPTS)), st.lists(st.sampled_from(LEGITIMATE), max_size=7), st.data())
@settings(max_examples=600, deadline=None)
def test_any_composition_of_legitimate_steps_is_faithful(script: str, chosen: list[str], data: st.DataObject) -> None:
    parts, join, _ = SCRIPTS[script]
    steps = set(chosen)
    original = join.join(parts) + " 👍🇫🇷" * ("emoji" in steps) + " https://t.co/a" * ("link" in steps)
    quoted = built(parts, join, steps, data)
    verdict = judge(quoted, original)
    honest(verdict, quoted, original)
    assert is_faithful(verdict.kind), (quoted, verdict)
    if verdict.kind is VerdictKind.SAME_WORDS:
        replays(verdict, quoted, original)
    if verdict.kind in (VerdictKind.ELIDED, VerdictKind.BRACKETED):
        parted(verdict, quoted, original)


def parted(verdict: Verdict, quoted: str, original: str) -> None:
    """What the plan promises where something is elided or bracketed: the parts between are equal after the steps,
    but for punctuation at their edges."""
    assert verdict.quoted_span is not None
    assert verdict.original_span is not None
    ours, theirs = [], []
    at, there = verdict.quoted_span.start, verdict.original_span.start
    for change in sorted(verdict.changes, key=lambda change: change.quoted_span):
        ours.append(quoted[at : change.quoted_span.start])
        theirs.append(original[there : change.original_span.start])
        at, there = change.quoted_span.end, change.original_span.end
    ours.append(quoted[at : verdict.quoted_span.end])
    theirs.append(original[there : verdict.original_span.end])
    steps = ("html-entities", "encoding:latin-1", *verdict.steps, "invisible", "emoji", "punctuation", "white-space")
    assert [replay(part, steps) for part in ours] == [replay(part, steps) for part in theirs], verdict


@given(st.sampled_from(sorted(SCRIPTS)), st.sets(st.sampled_from([*LEGITIMATE, "none"])), st.data())
@settings(max_examples=600, deadline=None)
def test_one_changed_word_is_never_faithful_in_any_script(script: str, steps: set[str], data: st.DataObject) -> None:
    parts, join, other = SCRIPTS[script]
    said = list(parts)
    at = data.draw(st.integers(1, len(said) - 2))
    how = data.draw(st.sampled_from(["replace", "insert", "remove", "swap"]))
    if how == "replace":
        said[at] = other
    elif how == "insert":
        said.insert(at, other)
    elif how == "remove":
        del said[at]
    else:
        said[at], said[at + 1] = said[at + 1], said[at]
    # Steps that leave words out may leave out the changed one.
    quoted = built(said, join, steps - {"part", "gap", "bracket", "paragraphs"}, data)
    verdict = judge(quoted, join.join(parts))
    honest(verdict, quoted, join.join(parts))
    assert not is_faithful(verdict.kind), (quoted, verdict)
