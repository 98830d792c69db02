"""Lines and columns of offsets, and the words of a quotation mapped back to the document."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archiver.documents import mentions
from archiver.documents.places import Place, places
from archiver.documents.quoted import Quoted
from archiver.documents.read import read
from archiver.model import Document, Mention, Ref, Span

LINES = st.text(st.sampled_from("ab\n\r\u2028é🇰🇷\t"), max_size=60)


def counted(text: str, offset: int) -> tuple[int, int]:
    """Line and column by walking through the text, one code point at a time."""
    line = column = 1
    at = 0
    while at < offset:
        if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
            line, column = line + 1, 0
        at, column = at + 1, column + 1
    return line, column


@given(LINES)
@example("\r\n")
def test_every_offset_has_the_place_that_walking_gives(text: str) -> None:
    offsets = range(len(text) + 1)
    assert [(each.line, each.column) for each in places(text, offsets)] == [counted(text, at) for at in offsets]


def test_places_are_asked_for_in_any_order() -> None:
    assert [str(each) for each in places("a\nb", [3, 0, 2, 2])] == ["2:2", "1:1", "2:1", "2:1"]


@pytest.mark.parametrize("offset", [-1, 4])
def test_an_offset_outside_the_text_is_refused(offset: int) -> None:
    with pytest.raises(IndexError, match="outside"):
        places("a\nb", [offset])


@given(st.integers(1), st.integers(1))
def test_a_place_is_read_as_it_is_written(line: int, column: int) -> None:
    place = Place(line=line, column=column)
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "1", "1:", ":1", "0:1", "1:0", "1:-1", "1:1:1", "a:b", "٣:1", " 1:1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="LINE:COLUMN"):
        Place.parse(text)


def test_many_offsets_take_no_time_for_each_line() -> None:
    text = "line\n" * 200_000
    start = time.process_time()
    found = places(text, range(0, len(text), 10))
    assert found[-1] == Place(line=199_999, column=1)
    assert time.process_time() - start < 2


def claim(url: str) -> Ref | None:
    """X posts by number, else nothing."""
    host = url.split("://", 1)[-1].split("/", 1)[0]
    number = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return Ref(platform="x", kind="post", id=number) if host in {"x.com", "twitter.com"} and "/status/" in url else None


SIGN = "— Ann Lee (@annlee) October 28, 2024"
STATUS = "https://x.com/annlee/status/1850000000000000001"


def first(source: str, media_type: str) -> tuple[Document, Mention, Quoted]:
    document = read(source.encode("utf-8", "surrogatepass"), media_type=media_type)
    mention = next(each for each in mentions.find(document, claim) if each.quote is not None)
    return document, mention, mentions.quoted(document, mention)


MARKED = f"Prose.\n\n> One *two*\n> [three](https://e.example) &amp; \\*four\\* five\n> {SIGN}\n"
CASES = [
    ("text/markdown", MARKED, "three"),
    ("text/markdown", MARKED, "*four*"),
    ("text/plain", f"Prose.\n\n<p>One <b>two</b> &quot;three&quot;</p> {SIGN}\n", "two"),
    ("text/html", f"<p>Prose.</p><blockquote><p>One <b>two</b></p><p>three</p><p>{SIGN}</p></blockquote>", "three"),
    ("text/markdown", f'<blockquote class="twitter-tweet"><p>One <i>two</i><br>three</p>&mdash; Ann (@annlee) '
     f'<a href="{STATUS}">October 28, 2024</a></blockquote>', "three"),
]  # fmt: skip


@pytest.mark.parametrize(("media_type", "source", "word"), CASES)
def test_a_word_of_a_quotation_is_found_in_text_and_source(media_type: str, source: str, word: str) -> None:
    document, mention, quoted = first(source, media_type)
    assert quoted.text == mentions.words(document, mention)
    start = quoted.text.index(word)
    span = Span(start=start, end=start + len(word))
    in_text, in_source = quoted.in_text(span), quoted.in_source(span)
    assert document.text[in_text.start : in_text.end].replace("\\", "") == word
    assert document.source[in_source.start : in_source.end].replace("\\", "") == word
    line = places(document.source, [in_source.start])[0].line
    assert word.strip("*") in document.source.splitlines()[line - 1]


def test_a_character_reference_maps_as_a_whole() -> None:
    document, _, quoted = first(f"> One &amp; two &#8212; three\n> {SIGN}\n", "text/markdown")
    assert quoted.text == "One & two — three"
    for sign, written in (("&", "&amp;"), ("—", "&#8212;")):
        at = quoted.text.index(sign)
        place = quoted.in_text(Span(start=at, end=at + 1))
        assert document.text[place.start : place.end] == written


def test_nothing_quoted_has_no_words_and_no_place() -> None:
    document = read(f"See {STATUS} there.".encode(), media_type="text/plain")
    (mention,) = mentions.find(document, claim)
    quoted = mentions.quoted(document, mention)
    assert quoted == Quoted(text="")
    assert quoted.in_text(Span(start=0, end=0)) == Span(start=0, end=0)


PIECES = st.sampled_from(
    ["one ", "two", " three", "é", "🇰🇷", "\n", "\n> ", "&amp;", "&#8212;", "&nbsp;", "\\*", "\\", "[four](https://e.example/a)",
     "![](b)", "[five]", "<b>", "</b>", "<br>", "<i class=\"x\">", "  ", "“", "> ", "`", "*six*", "&", "<"]
)  # fmt: skip


MEDIA_TYPES = ["text/markdown", "text/plain", "text/html"]


def is_same(held: str, sign: str) -> bool:
    """The same character, white space for white space with prefixes and unseen marks in it, a reference, or nothing
    for a break."""
    blank = sign.isspace() and not re.sub(r"!?\[\]\([^()]*\)|[\\`*> \n\u00a0]", "", held)
    return held == sign or blank or held.startswith(("&", "<"))


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=25).map("".join), st.sampled_from(MEDIA_TYPES))
def test_every_character_maps_to_itself_but_for_named_steps(words: str, media_type: str) -> None:
    quotation = f"Zero {words} end {SIGN}"
    source = f"<blockquote>{quotation}</blockquote>" if media_type == "text/html" else f"> {quotation}"
    document = read(source.encode(), media_type=media_type)
    for mention in mentions.find(document, claim):
        quoted = mentions.quoted(document, mention)
        assert quoted.text == mentions.words(document, mention)
        assert all(one.text.end <= two.text.start for one, two in pairwise(quoted.runs))
        for at, sign in enumerate(quoted.text):
            place = quoted.in_text(Span(start=at, end=at + 1))
            assert mention.quote is not None
            assert mention.quote.start <= place.start <= place.end <= mention.quote.end
            assert is_same(document.text[place.start : place.end], sign), (sign, place)
            origin = quoted.in_source(Span(start=at, end=at + 1))
            assert 0 <= origin.start <= origin.end <= len(document.source)
            assert is_same(document.source[origin.start : origin.end], sign), (sign, origin)
