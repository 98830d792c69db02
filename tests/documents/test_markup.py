"""HTML walks: what is rendered, and where it came from."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import markup
from archiver.documents.markup import Rendering, walk
from archiver.documents.sourcemap import to_source, to_text
from archiver.model import Span


def words(page: Rendering, span: Span) -> str:
    return page.text[span.start : span.end]


def sound(source: str, page: Rendering) -> None:
    """What holds for any source."""
    text_at = source_at = 0
    for run in page.runs:
        assert text_at <= run.text.start < run.text.end <= len(page.text)
        assert source_at <= run.source.start < run.source.end <= len(source)
        text_at, source_at = run.text.end, run.source.end
        length = run.text.end - run.text.start
        if length == run.source.end - run.source.start:
            piece = re.sub("[\t\n\f\r]", " ", source[run.source.start : run.source.end])
            assert re.sub("[\n\r]", " ", words(page, run.text)) == piece
    starts = [element.outer.start for element in page.elements]
    assert starts == sorted(starts)
    for number, element in enumerate(page.elements):
        assert 0 <= element.outer.start <= element.inner.start <= element.inner.end <= element.outer.end <= len(source)
        assert 0 <= element.text.start <= element.text.end <= len(page.text)
        assert -1 <= element.parent < number
        assert source[element.outer.start] == "<"
    for link in page.links:
        assert 0 <= link.text.start <= link.text.end <= len(page.text)
        assert 0 <= link.source.start < link.source.end <= len(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("a  b\n c", "a b c"),
        ("<p>One<p>Two", "One\n\nTwo"),
        ("a<div>b</div>c", "a\nb\nc"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("a<br></p>b", "a\n\nb"),
        ("<ul><li>x<li>y</ul>z", "x\ny\n\nz"),
        ("<table><tr><td>a<td>b<tr><th>c</table>", "a\tb\nc"),
        ("<pre>\n  a\n   b\n</pre>c", "  a\n   b\n\nc"),
        ("a <b> b</b> c", "a b c"),
        ("&amp;&lt;&#8212;&#x1F600;&copy;&notit;&unheard;", "&<—\U0001f600©¬it;&unheard;"),
        ("&#0;&#xD800;&#x110000;&#99999999999999999999;&#128;", "����€"),
        ("a&nbsp;b &#32; c", "a\xa0b c"),
        ("1 < 2 <3 a<b", "1 < 2 <3 a"),
        ("a<!-- b -->c<!-->d<!--->e<!-- f --!>g", "acdeg"),
        ("<script>if (a < b) '<p>no</p>'</script>yes", "yes"),
        ("<script><!--<script></script>no--></script>yes", "yes"),
        ("<style>p{}</style><noscript><p>shown</p></noscript>", "shown"),
        ("<template><p>no</p></template>yes", "yes"),
        ("<template shadowrootmode=open><p>yes</p></template>", "yes"),
        ("<iframe>no</iframe><textarea> a <b> &amp;</textarea>", " a <b> &"),
        ("<title>T &amp; U</title>x", "x"),
        ("<svg><title/><text>in</text></svg>out", "inout"),
        ("<svg><![CDATA[a<b]]></svg>", "a<b"),
        ("<svg><p>out</p><title>t</title>", "out"),
        ("<?php echo 1 ?><!doctype html>a</>b</3>c", "abc"),
        ("<q>said</q>.", "“said”."),
        ('<img class="emoji" alt="🎈"> <img class="wp-smiley" alt=":)"> <img alt="🎈">x', "🎈 x"),
        ("<p>a</p></div></b>b</br>c", "a\n\nb\nc"),
        ("<b><p>a</b>b</p>c", "ab\n\nc"),
        ("a</p>b", "a\n\nb"),
        ("<select><option>a<option>b</select>", "a\nb"),
    ],
)
def test_text(source: str, text: str) -> None:
    page = walk(source)
    assert page.text == text
    sound(source, page)


def test_elements_know_their_places() -> None:
    source = (
        '<html lang="en"><head><title> A \n B </title><base href="https://a.example/b/"></head><body>'
        '<!-- wp:embed {"url":"u"} --><blockquote class="x y" DATA-ID=\'1&amp;2\'><p lang=de>Words &mdash; here</p>'
        '&mdash; Name <a href=" /p?a=1&copy=2 ">day</a></blockquote><script async src=s></script><p>After</body></html>'
    )
    page = walk(source)
    sound(source, page)
    assert (page.title, page.lang, page.base) == ("A B", "en", "https://a.example/b/")
    by_tag = {element.tag: element for element in page.elements}
    comment, quote, script = by_tag["#comment"], by_tag["blockquote"], by_tag["script"]
    assert source[comment.inner.start : comment.inner.end] == ' wp:embed {"url":"u"} '
    assert quote.get("data-id") == "1&2"
    assert quote.get("class") == "x y"
    assert quote.get("none") == ""
    assert source[quote.outer.start :].startswith('<blockquote class="x y"')
    assert source[: quote.outer.end].endswith("</blockquote>")
    assert words(page, quote.text) == "Words — here\n\n— Name day"
    inner = next(e for e in page.elements if e.tag == "p" and e.get("lang") == "de")
    assert page.elements[inner.parent] is quote
    assert words(page, inner.text) == "Words — here"
    assert source[to_source(page.runs, inner.text).start : to_source(page.runs, inner.text).end] == "Words &mdash; here"
    assert script.text.start == script.text.end
    assert [(link.url, words(page, link.text)) for link in page.links] == [("/p?a=1&copy=2", "day")]
    assert source[page.links[0].source.start : page.links[0].source.end] == '<a href=" /p?a=1&copy=2 ">day</a>'


def test_a_link_that_a_block_cuts_goes_on_to_its_end_tag() -> None:
    page = walk("<p>see <a href=z><div>a <b>card</b></div></a> after")
    assert [words(page, link.text) for link in page.links] == ["a card"]
    page = walk("<a href=x>one <a href=y>two</a>")
    assert [words(page, link.text) for link in page.links] == ["one", "two"]


def test_scripts_keep_their_content_in_the_source() -> None:
    source = '<script type="x">{"a": "</b>"}</script>'
    (script,) = walk(source).elements
    assert source[script.inner.start : script.inner.end] == '{"a": "</b>"}'


def test_what_swallows_the_rest_is_noted() -> None:
    for source in ("a\nb <!-- c", "a\nb <p class='x", "a\nb <script>c", "a\nb <?c"):
        page = walk(source)
        assert page.text == "a b"
        assert [note.pointer for note in page.unread] == ["text:2:3"]
    assert walk("<p>whole</p>").unread == ()


def test_elements_are_bounded_and_text_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_ELEMENTS", 3)
    page = walk("<p>a<p>b<p>c<p>d<br><pre>e</pre>")
    assert len(page.elements) == 3
    assert page.text.split() == ["a", "b", "c", "d", "e"]
    assert len(page.unread) == 1


def test_a_coarse_map_still_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.documents.flow.MAX_RUNS", 5)
    source = "a&amp;" * 3000
    page = walk(source)
    sound(source, page)
    assert len(page.runs) < 20
    assert page.runs[-1].source.end == len(source)


def test_elements_are_found_by_name_without_building_the_others() -> None:
    page = walk("<div><p>a<b>b</b></p><!-- c --><p>d</p></div><p>e</p>")
    assert [element.tag for element in page.elements] == page.elements.tags == ["div", "p", "b", "#comment", "p", "p"]
    assert len(page.elements) == 6
    named = list(page.elements.tagged(frozenset({"p"})))
    assert [page.text[element.text.start : element.text.end] for element in named] == ["ab", "d", "e"]
    assert all(element is page.elements[number] for element, number in zip(named, (1, 4, 5), strict=True))
    assert [each.tag for each in page.elements.inside(0, 1000, frozenset({"b", "p"}))] == ["p", "b", "p"]
    assert [each.tag for each in page.elements.inside(0, 3, frozenset({"b", "p"}))] == ["p", "b"]
    assert page.elements.inside(5, 1000, frozenset({"p"})) == ()
    with pytest.raises(IndexError):
        page.elements[6]


def test_the_kept_page_is_the_same_page(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = "<p>one</p>", "<p>two</p>"
    assert markup.walk_page(first) is markup.walk_page(first)
    assert markup.walk_page(second).text == "two"
    assert markup.walk_page(first).text == walk(first).text
    monkeypatch.setattr("archiver.documents.markup.KEPT", 3)
    assert markup.walk_page(first) is not markup.walk_page(first)


@given(st.text(alphabet=st.sampled_from("<>/!-=\"'& \n\tabpq;#x1[]é🎈"), max_size=200))
def test_any_characters(source: str) -> None:
    sound(source, walk(source))


_TAGS = ["a href=x", "b", "p", "div", "li", "ul", "table", "tr", "td", "pre", "br", "svg", "title", "script", "h1", "q"]
_PIECES = [f"<{tag}>" for tag in _TAGS] + [f"</{tag.split()[0]}>" for tag in _TAGS]
_PIECES += ["<!-- c -->", "x", " ", "\n", "&amp;", "y z", "<option>", "<template>", "</template>", "<button>", "<body>"]


@given(st.lists(st.sampled_from(_PIECES), max_size=60))
def test_any_nesting(pieces: list[str]) -> None:
    source = "".join(pieces)
    page = walk(source)
    sound(source, page)
    for element in page.elements:
        if element.parent >= 0 and element.tag not in {"a", "b"}:
            around = page.elements[element.parent]
            assert around.outer.start <= element.outer.start
            assert around.tag in {"a", "b"} or element.outer.end <= around.outer.end


@given(st.lists(st.sampled_from(_PIECES), max_size=40), st.integers(0, 60), st.integers(0, 60))
def test_there_and_back_covers(pieces: list[str], first: int, second: int) -> None:
    page = walk("".join(pieces))
    start, end = sorted((min(first, len(page.text)), min(second, len(page.text))))
    span = Span(start=start, end=end)
    back = to_text(page.runs, to_source(page.runs, span))
    covered = [run for run in page.runs if run.text.start < end and run.text.end > start]
    if covered and start < end:
        assert back is not None
        assert back.start <= max(start, covered[0].text.start)
        assert back.end >= min(end, covered[-1].text.end)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "piece",
    [
        "<", "<!--", "&", "</", "<script>", "<!", "<title>", "</b>", "&#1", "&a", "<svg><title>", "<div ", "<a b='",
        "<div>", "<b>", "<p>", "<li>", "<a href=x>", "<p><b>", "<table><tr><td>", "<a><div>", "<i></i>", "<br>", "<q>",
    ],
)  # fmt: skip
def test_time_is_linear(piece: str) -> None:
    """Four times the source takes about four times as long: a quadratic walk would take sixteen times."""

    def seconds(size: int) -> float:
        source = piece * (size // len(piece))
        began = time.process_time()
        walk(source)
        return time.process_time() - began

    small, large = (min(seconds(size) for _ in range(3)) for size in (50_000, 200_000))
    assert large < 10 * small + 0.2


@pytest.mark.corpus
def test_words_agree_with_another_parser(corpus: Path) -> None:
    """The same characters of words in the same order as lexbor gives, scripts and their like aside."""
    from selectolax.lexbor import LexborHTMLParser

    pages = sorted([*(corpus / "x/html").rglob("*.html"), *(corpus / "quotes/tweetfinder").glob("*.html")])
    agree = 0
    for path in pages:
        source = path.read_bytes().decode("utf-8", "replace")
        page = walk(source)
        sound(source, page)
        tree = LexborHTMLParser(source)
        for node in tree.css("script,style,title,template,iframe,noembed,noframes"):
            node.decompose()
        theirs = tree.root.text(separator=" ") if tree.root else ""
        agree += "".join(re.findall(r"\w", page.text)) == "".join(re.findall(r"\w", theirs))
    print(f"{agree} of {len(pages)} pages have the same words as lexbor")
    assert len(pages) > 0
    assert agree >= 0.97 * len(pages)
