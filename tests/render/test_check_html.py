"""The page of a check: all of the words at their exact places, and nothing of theirs that runs, loads or breaks out."""

import base64
import hashlib
import re
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.jobs.checked import Quotation, Report
from archiver.quotes import meaning as meanings
from archiver.render import glossary, markup
from archiver.render.check_html import OPEN_CONTENTS, anchor, html_of
from archiver.render.check_style import STYLE
from tests.render import reports
from tests.render.test_check_text import replaced

NOW = "2026-03-17T08:00:00.000Z"
BREAKING_OUT = (
    '<script>alert(1)</script></style></title></textarea><!-- --><img src=x onerror=alert(1)> "\' onclick="x" '
    "javascript:alert(1) &lt;b&gt; &#x3c;i&#x3e; ]]> {{x}} <svg/onload=x> \x00\ud800\u202e\u2066\x1b\ufeff\r\n\tend"
)
ADDRESSES = (
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)//https://x.example/",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//x.example/a",
    "https:x.example",
    "https://",
    "https://user@x.example/",
    "https://x.example@evil.example/",
    "https://x.example/\u202egpj.exe",
    "https://x.example/ a",
    "https://x.example/\n",
    " https://x.example/",
    "ht\ttps://x.example/",
    "https://[::1/",
    'https://x.example/"onmouseover="x',
    "https://x.example\\@evil.example/",
    "\x01https://x.example/",
)
_ELEMENTS = """
html head meta title style body a header h1 h2 h3 h4 p span ul ol li dl div dt dd nav details summary main section
article blockquote del ins bdi
"""
ELEMENTS = frozenset(_ELEMENTS.split())
_ATTRIBUTES = "class id href rel dir lang aria-labelledby data-n data-char charset content name http-equiv"
ATTRIBUTES = frozenset(_ATTRIBUTES.split())


def page(report: Report) -> LexborHTMLParser:
    written = html_of(report, made_at=NOW)
    written.encode("utf-8")
    return LexborHTMLParser(written)


def faults(tree: LexborHTMLParser) -> list[str]:
    """What a page holds that is not ours: elements, attributes, addresses that are not of the web."""
    found: list[str] = []
    for node in tree.css("*"):
        if node.tag not in ELEMENTS:
            found.append(f"<{node.tag}>")
        for name, value in node.attributes.items():
            if name not in ATTRIBUTES:
                found.append(f"{node.tag} {name}")
            if name == "href" and not re.match(r"#[A-Za-z0-9-]+$|https?://[^/@]+(/|$)", value or ""):
                found.append(f"href {value}")
    if len(tree.css("style")) != 1 or len(tree.css("title")) != 1:
        found.append("more than one style or title")
    return found


def shown(node: LexborNode) -> str:
    """The text that a reader sees: without labels for screen readers, characters that cannot be seen as they were."""
    out: list[str] = []
    for child in node.iter(include_text=True):
        kind = (child.attributes.get("class") or "") if child.tag != "-text" else ""
        if child.tag == "-text":
            out.append(child.text_content or "")
        elif kind == "char":
            out.append(chr(int(child.attributes["data-char"] or "", 16)))
        elif kind != "sr":
            out.append(shown(child))
    return "".join(out)


def sides(tree: LexborHTMLParser) -> list[LexborNode]:
    return tree.css("article .words")


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    written = html_of(reports.every_verdict(), made_at=NOW)
    tree = LexborHTMLParser(written)
    assert faults(tree) == []
    policy = tree.css_first('meta[http-equiv="Content-Security-Policy"]').attributes["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = tree.css_first("style").text()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    assert f"'sha256-{digest}'" in policy
    assert written.index("Content-Security-Policy") < written.index("<style>")
    assert not re.search(r"url\(|@import|expression", STYLE)
    assert written == html_of(reports.every_verdict(), made_at=NOW)


@pytest.mark.parametrize(
    "broken",
    [
        "<script>x</script>",
        "<p onclick=x>",
        '<p style="color:red">',
        '<a href="javascript:x">',
        "<iframe src=x>",
        "<style>p{}</style>",
        '<img src="https://x.example/">',
        '<a href="https://user@x.example/">',
    ],
)
def test_the_check_of_pages_refuses_what_it_must(broken: str) -> None:
    written = html_of(reports.every_verdict(), made_at=NOW).replace("<main", f"{broken}<main", 1)
    assert faults(LexborHTMLParser(written))


@pytest.mark.parametrize("number", [-7, 0, 5, 10**9])
@pytest.mark.parametrize("text", [BREAKING_OUT, *ADDRESSES[:3], "</blockquote></article></main>", "\u202e" * 5, ""])
def test_nothing_of_theirs_breaks_out(text: str, number: int) -> None:
    report = replaced(reports.every_verdict(), text, number)
    tree = page(report)
    assert faults(tree) == []
    articles = len(reports.every_verdict().checked[0].quotations)
    assert len(tree.css("main > section > article")) == articles
    assert all(shown(side) == text for side in sides(tree))
    raw = tree.body.text(deep=True)  # type: ignore[union-attr]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ud800-\udfff]", raw)


def test_each_kind_of_field_is_shown_escaped_somewhere() -> None:
    tree = page(replaced(reports.every_verdict(), "<b>&amp;\u202e", 3))
    text = tree.css_first("main").text(deep=True)
    assert text.count("<b>&amp;U+202E") > 100
    assert "<b>&amp;U+202E" in tree.css_first("header").text(deep=True)
    assert "<b>&amp;U+202E" in tree.css_first("nav").text(deep=True)


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_plain_addresses_of_the_web_become_links(address: str) -> None:
    assert not markup.linkable(address)
    exact = reports.every_verdict().checked[0].quotations[0]
    held = replace(exact, compared=(replace(exact.compared[0], address=address),))
    tree = page(reports.one_file(held))
    assert faults(tree) == []
    assert not tree.css('main a:not([href^="#"])')
    assert shown(tree.css_first("main .address")) == address


def test_an_address_becomes_a_link_that_tells_nobody_where_it_was_followed() -> None:
    tree = page(reports.every_verdict())
    links = tree.css('main a[href^="http"]')
    assert len(links) >= 11
    assert {link.attributes["rel"] for link in links} == {"noreferrer noopener"}
    assert all(link.text() == link.attributes["href"] for link in links)
    assert markup.linkable("http://xn--bcher-kva.example:8080/a?b=c#d")
    assert markup.linkable("https://bücher.example/käse")


def marked(side: LexborNode, number: int) -> str:
    """The text of all pieces of one change, in order."""
    found = [node for node in side.css("[data-n]") if str(number) in (node.attributes["data-n"] or "").split()]
    assert found, number
    return "".join(shown(node) for node in found)


def test_changed_words_are_marked_at_their_exact_places_on_both_sides() -> None:
    quotation = reports.altered()
    ours, theirs = sides(page(reports.one_file(quotation)))
    compared = quotation.compared[0]
    assert shown(ours) == quotation.words
    assert shown(theirs) == compared.text
    for number, change in enumerate(compared.differences, 1):
        assert marked(ours, number) == quotation.words[change.quoted_start : change.quoted_end] == change.quoted
        assert marked(theirs, number) == compared.text[change.original_start : change.original_end] == change.original
    assert [node.attributes["data-n"] for node in ours.css("del")] == ["1", "2"]
    assert [node.attributes["data-n"] for node in theirs.css("ins")] == ["1", "3"]
    assert [node.attributes["data-n"] for node in ours.css(".caret")] == ["3"]
    assert [node.attributes["data-n"] for node in theirs.css(".caret")] == ["2"]
    assert [shown(node) for node in theirs.css(".out")] == [" Thank you all."]
    labels = [node.text() for node in ours.css(".sr")]
    assert labels == [
        "[change 1, not in the post: ", "]", "[change 2, not in the post: ", "]",
        "[change 3: words of the post are missing here]",
    ]  # fmt: skip


def test_what_the_quotation_itself_marks_is_no_deletion() -> None:
    ours, theirs = sides(page(reports.one_file(reports.elided())))
    assert not ours.css("del")
    assert not theirs.css("ins")
    assert [shown(node) for node in ours.css(".own")] == ["…", "[it]"]
    assert [shown(node) for node in theirs.css(".own")] == ["not ", "the new bridge"]


SAMPLES = {"struck": "del", "underlined": "ins", "here": ".caret", "dotted": ".own", "small and grey": ".out"}
"""Samples of the legend by their words, each with what it stands for on the page."""


def legend(tree: LexborHTMLParser) -> dict[str, str]:
    return {
        row.css_first("dt").text(deep=True): row.css_first("dd").text(deep=True) for row in tree.css(".legend dl > div")
    }


def test_a_legend_before_the_first_quotation_explains_every_mark_that_the_page_holds() -> None:
    written = html_of(reports.every_verdict(), made_at=NOW)
    tree = LexborHTMLParser(written)
    assert written.index('class="legend"') < written.index("<article")
    assert set(legend(tree)) == {*SAMPLES, "number"}
    assert "not those of the post" in legend(tree)["struck"]
    for row in tree.css(".legend dt"):
        mark = SAMPLES.get(row.text(deep=True), "[data-n]")
        assert row.css(mark), mark
        assert tree.css(f".words {mark}"), "a mark that is explained stands on the page"


@pytest.mark.parametrize(
    ("quotation", "told"),
    [
        (reports.altered(), {"struck", "underlined", "here", "number", "small and grey"}),
        (reports.elided(), {"dotted", "number", "small and grey"}),
        (reports.every_verdict().checked[0].quotations[0], set()),
        (replace(reports.every_verdict().checked[0].quotations[0], words="a\u202eb"), {"U+202E"}),
        (replace(reports.every_verdict().checked[0].quotations[0], words='<del>x</del> class="own" data-n="1"'), set()),
    ],
)
def test_the_legend_holds_no_mark_that_the_page_does_not_hold(quotation: Quotation, told: set[str]) -> None:
    tree = page(reports.one_file(quotation))
    assert set(legend(tree)) == told
    assert bool(tree.css(".legend")) == bool(told)


@pytest.mark.parametrize("mark", ["del", "ins", ".own", ".out", ".caret::before", ".char"])
def test_every_mark_is_told_without_its_colour(mark: str) -> None:
    """WCAG 2.2, 1.4.1: a line, a size, a frame or a sign of its own, and no two the same."""
    cues = {}
    for selector, body in re.findall(r"^([^\n{}@]+) \{([^}]*)\}", STYLE, re.MULTILINE):
        cue = re.findall(r"text-decoration: [^;]+|font-size: [^;]+|content: [^;]+|border: [^;]+", body)
        for one in selector.split(", "):
            cues.setdefault(one, []).extend(cue)
    assert cues[mark], mark
    others = [cues[one] for one in ("del", "ins", ".own", ".out", ".caret::before", ".char") if one != mark]
    assert cues[mark] not in others


def test_what_was_not_compared_is_said_to_a_screen_reader() -> None:
    _, theirs = sides(page(reports.one_file(reports.altered())))
    (outside,) = theirs.css(".out")
    assert outside.text(deep=True) == "[not compared:  Thank you all.]"


ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    ["\r\n\na", "\n\nb", "<b>&amp;\x00\ud800", "\u202eabc", "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "נא\u200fלא", "می‌خواهم", "e\u0301\u0327"]
)
RANGES = st.lists(st.tuples(st.integers(-3, 65), st.integers(-3, 65)), max_size=5)


@settings(max_examples=200, deadline=None)
@given(ANY, RANGES, st.tuples(st.integers(-3, 65), st.integers(-3, 65)))
def test_any_text_comes_back_whole_with_any_marks(
    text: str, marks: list[tuple[int, int]], stretch: tuple[int, int]
) -> None:
    tags = {n: (("del", "x"), ("ins", "y"), ("span", "z"))[n % 3] for n in range(len(marks))}
    written = f'<blockquote class="words">{markup.marked(text, stretch, marks, tags)}</blockquote>'
    side = LexborHTMLParser(written).css_first(".words")
    assert shown(side) == text
    for number, (start, end) in enumerate(marks, 1):
        start = min(max(start, 0), len(text))
        assert marked(side, number) == text[start : max(start, end)]


def test_direction_is_that_of_the_words_not_of_our_labels() -> None:
    tree = page(reports.every_verdict())
    assert all(side.attributes["dir"] == "auto" for side in sides(tree))
    assert all(label.attributes["dir"] == "ltr" for label in tree.css(".sr, .words .char"))


def test_every_quotation_has_a_place_and_the_altered_ones_come_first_in_the_contents() -> None:
    tree = page(reports.every_verdict())
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    linked = [(node.attributes["href"] or "")[1:] for node in tree.css('a[href^="#"]')]
    assert set(linked) <= set(ids)
    articles = [node.attributes["id"] for node in tree.css("article")]
    assert set(articles) <= {(node.attributes["href"] or "")[1:] for node in tree.css("nav a")}
    chips = [node.css_first(".verdict").text() for node in tree.css("nav li")]
    assert chips[:2] == ["altered", "spliced"]
    assert chips[2:5] == ["bracketed", "elided", "not-judged"]
    assert len(chips) == 13
    assert [node.text() for node in tree.css("nav h3")] == [
        "Altered or put together (2)", "Another author’s words (1)", "To look at, whatever the verdict (2)",
        "The others (8)",
    ]  # fmt: skip


def test_the_place_of_a_quotation_depends_on_its_passage_alone() -> None:
    alone = page(reports.one_file(reports.altered()))
    among = page(reports.every_verdict())
    place = alone.css_first("article").attributes["id"]
    assert place == anchor(reports.altered().passage) == f"q-{reports.SHA[:12]}-1200-1287"
    assert among.css(f"article#{place}")
    assert re.fullmatch(r"q-[0-9a-f]{64}", anchor('"><script>\ud800'))
    twice = reports.report(*[reports.one_file(reports.altered()).checked[0]] * 2)
    assert [node.attributes["id"] for node in page(twice).css("article")] == [place, f"{place}-again-2"]


def test_provenance_and_what_was_compared_are_stated() -> None:
    tree = page(reports.one_file(reports.altered()))
    head, body = tree.css_first("header").text(deep=True), tree.css_first("article").text(deep=True)
    for told in (
        "1,234 posts and 56 documents",
        "2026-03-16 10:00:00Z",
        "quotes/2",
        "2026-03-17 08:00:00Z",
        "article.md",
    ):
        assert told in head, told
    held = reports.altered().compared[0]
    for told in (held.post, held.address, held.capture, held.version, "2026-03-14 08:00:00Z", "2026-03-13 09:00:27Z"):
        assert told in body, told
    for told in ("the post is deleted", "a negation is among the changed words", "x:post:7", "but this fits"):
        assert told in body, told


def test_phrases_stand_with_their_posts_and_are_not_said_to_come_from_them() -> None:
    tree = page(reports.every_verdict())
    shown_phrases = tree.css_first(".phrases").text(deep=True)
    assert "28:4 “delay with a large” stands in" in shown_phrases
    assert "x:post:2 by @ada_of_lanternwick, 2026-03-13 09:00:27Z" in shown_phrases
    assert len(tree.css(".phrases a")) == 2
    assert "does not say that they come from it" in tree.css_first("main").text(deep=True)


def test_the_meaning_of_every_verdict_and_of_each_flag_and_step_in_use_is_given() -> None:
    report = reports.every_verdict()
    meaning = page(report).css_first(".words-of").text(deep=True)
    for verdict, means in meanings.VERDICTS.items():
        assert verdict in meaning
        assert means in meaning
    for compared in [one for quotation in report.checked[0].quotations for one in quotation.compared]:
        for flag in compared.flags:
            assert meanings.FLAGS[flag] in meaning
        for step in compared.steps:
            assert glossary.STEPS[step] in meaning


def test_an_empty_archive_and_a_report_without_quotations_say_so() -> None:
    document = reports.every_verdict().checked[1]
    text = page(reports.report(document, posts=0)).css_first("header").text(deep=True)
    assert "No quotations were found" in text
    assert "The archive holds no post: nothing could be compared." in text
    assert "letter.pdf" in page(reports.every_verdict()).css_first("header").text(deep=True)


def test_nothing_found_is_never_told_as_faithful() -> None:
    quiet = reports.every_verdict().checked[0].quotations[-1]
    text = page(reports.one_file(quiet, quiet)).css_first(".result").text(deep=True)
    assert "Faithful, each in the way that its verdict names: 0. Neither found nor judged: 2." in text


def test_headings_go_down_without_a_gap() -> None:
    tree = page(reports.every_verdict())
    levels = [int(node.tag[1]) for node in tree.css("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for landmark in ("header", "nav", "main"):
        assert len(tree.css(landmark)) == 1
    for node in tree.css("[aria-labelledby]"):
        assert tree.css(f"#{node.attributes['aria-labelledby']}")


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast_is_at_least_that_of_wcag_aa(scheme: int) -> None:
    colours = {name: values for name, *values in _palettes()}
    for ink, papers in {
        "ink": ("paper", "tint"),
        "quiet": ("paper", "tint"),
        "link": ("paper",),
        "bad": ("paper", "tint", "bad-tint"),
        "good": ("paper", "tint", "good-tint"),
        "note": ("paper", "tint", "note-tint"),
    }.items():
        for paper in papers:
            light, dark = sorted((_luminance(colours[ink][scheme]), _luminance(colours[paper][scheme])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def _palettes() -> list[tuple[str, str, str]]:
    found: dict[str, list[str]] = {}
    for name, colour in re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", STYLE):
        found.setdefault(name, []).append(colour)
    assert all(values[0] == values[2] for values in found.values()), "paper is printed light"
    return [(name, values[0], values[1]) for name, values in found.items()]


def test_ten_thousand_quotations_make_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    plain: Any = reports.every_verdict().checked[0].quotations
    many = [
        replace(plain[n % len(plain)], passage=f"doc:passage:{reports.SHA}:{n}-{n + 9}", where=reports.where(n + 1, 1))
        for n in range(10_000)
    ]
    started = time.process_time()
    written = html_of(reports.one_file(*many), made_at=NOW)
    took = time.process_time() - started
    with capsys.disabled():
        print(f"\n10,000 quotations: a page of {len(written):,} characters in {took:.2f} s")
    assert written.count("<article ") == 10_000
    assert "<details><summary>The others" in written
    assert len(many) > OPEN_CONTENTS
