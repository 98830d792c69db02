"""Words of Markdown as a reader sees them: each mark that is none of the author's, and its twin that is a word."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.documents import mentions
from archiver.documents.inlines import unseen
from archiver.documents.read import read
from archiver.model import Document, Mention, Span
from archiver.platforms import claim

SIGN = "— Ann Lee (@annlee) October 28, 2024"
TAIL = "\n\n[1]: https://page.example/\n[^n]: A note\n"


def first(source: str, media_type: str = "text/markdown") -> tuple[Document, Mention]:
    document = read(source.encode(), media_type=media_type)
    return document, next(each for each in mentions.find(document, claim) if each.quote is not None)


def words(quotation: str, media_type: str = "text/markdown") -> str:
    return mentions.words(*first(f"Prose.\n\n> {quotation}\n> {SIGN}{TAIL}", media_type))


MARKS = [
    ("We **will** not _go_ there", "We will not go there"),
    ("We *will\n> not* go", "We will\nnot go"),
    ("***We*** will __not__ go", "We will not go"),
    ("We **will *not* go** there", "We will not go there"),
    ("un*believ*able words here", "unbelievable words here"),
    ("We will ~~not~~ go there", "We will not go there"),
    ("see snake\\_case and \\*stars\\* here", "see snake_case and *stars* here"),
    ("1\\. We \\[will\\] go", "1. We [will] go"),
    ("run `a*b*c` and ``x`y`` now", "run a*b*c and x`y now"),
    ("run ` a ` and `\\*` now", "run a and \\* now"),
    ("We `<b>` and \\<b> and `&amp;` go", "We <b> and <b> and &amp; go"),
    ("We `<b>` and <i>will</i> \\&amp; &amp; go", "We <b> and will &amp; & go"),
    ("We [will *not*](https://page.example/a_b_c) go", "We will not go"),
    ("We [will][1] not [go][] there [1]", "We will not [go][] there 1"),
    ("We ![will](https://page.example/a.png \"Title\") go", "We will go"),
    ("We will go.[^n] They will not", "We will go. They will not"),
    ("We <https://page.example/?a=1&copy=2> *go* there", "We https://page.example/?a=1&copy=2 go there"),
    ("We will\\\n> go there", "We will\ngo there"),
]  # fmt: skip

WORDS = [
    "snake_case and an_other_name stay",
    "2 * 3 * 4 and 5*",
    "We *will not go",
    "We * will * not go",
    "We _will_not go",
    "a price~~ of ~~5",
    "We [will] go and [sic] stay",
    "We [will][2] go[^m] there",
    "see https://page.example/_a_/_b_ there",
    "a`b and c there",
    "C:\\docs and 5 \\ 6",
    "«We» will **«not»**go",
]


@pytest.mark.parametrize(("quotation", "expected"), MARKS)
def test_marks_are_no_words(quotation: str, expected: str) -> None:
    assert words(quotation) == expected


@pytest.mark.parametrize("quotation", WORDS)
def test_what_only_looks_like_a_mark_is_a_word(quotation: str) -> None:
    assert words(quotation) == quotation.rstrip("* ")


def test_a_mark_does_not_reach_over_a_blank_line() -> None:
    assert words("We *will\n>\n> not* go") == "We *will\n\nnot* go"


@pytest.mark.parametrize("quotation", [each for each, _ in MARKS if each[0] != "*" and not {"&", "<"} & set(each)])
def test_in_plain_text_nothing_is_a_mark(quotation: str) -> None:
    assert words(quotation, "text/plain") == quotation.replace("\n> ", "\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # A mark does not reach over an item, a heading, a row or a fence.
        ("> We *will\n> - not* go", "We *will\n- not* go"),
        ("> We *will\n> # not* go", "We *will\n# not* go"),
        ("> We *will\n> ```\n> a*\n> ```\n> go*", "We *will\n```\na*\n```\ngo"),
        # Raw HTML is no Markdown until a blank line.
        ("<blockquote><p>We *will* \\_go\\_ there</p>", "We *will* \\_go\\_ there"),
        ("<!-- *a -->\n> We *will* go", "We will go"),
    ],
)
def test_where_marks_belong_together(source: str, expected: str) -> None:
    assert mentions.words(*first(f"{source}\n\n{SIGN}\n")).endswith(expected)


def test_a_mark_may_begin_before_the_quotation() -> None:
    nine = "one two three **four** five six seven eight nine"
    document, mention = first(f"She wrote *“{nine}” and* no more\n")
    assert mentions.words(document, mention) == "one two three four five six seven eight nine"


def test_a_tag_at_the_end_of_the_words_is_no_word() -> None:
    for media_type in ("text/plain", "text/markdown"):
        assert words("We will <b>not</b>", media_type) == "We will not"
        assert words("<p>We will not</p>", media_type) == "We will not"
    assert words("We are 3 > 2") == "We are 3 > 2"


PIECES = st.sampled_from(
    ["one ", "two", "*", "**", "_", "__", "***", "~~", "`", "``", "\\", "\\*", "[", "](x_y)", "]", "![", "[1]", "<b>",
     "&amp;", "&", "<", "\n> ", "\n>\n> ", "\n> - ", "«", ".", " ", "é", "<https://e.example/a_b>",
     "https://e.example/_c_", "```", "<!--", "-->", "<div>"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_every_word_is_one_of_the_source_in_its_place(quotation: str) -> None:
    document = read(f"> Zero {quotation} end\n> {SIGN}{TAIL}".encode(), media_type="text/markdown")
    ranges = unseen(document.text).dropped
    assert list(ranges) == sorted(ranges)
    for mention in mentions.find(document, claim):
        quoted = mentions.quoted(document, mention)
        for at, sign in enumerate(quoted.text):
            place = quoted.in_text(Span(start=at, end=at + 1))
            held = document.text[place.start : place.end]
            assert (
                held == sign or held.startswith(("&", "<")) or (sign.isspace() and not held.strip("> \n\\`*_~[]()xy!"))
            )


HOSTILE = [
    "*", "* ", "*a", "_a_ ", "**a* ", "*_", "`", "`` ` ", "[", "![", "[a](b) ", "![[a](b) ", "](", "\\", "<a ", "<!--",
    "<", "\n", "<b>\n", "a\n<b>\n", "> *\n", "# *a*\n", "- *\n", "<div>\n", "<pre>\n", "http://", "http://___", "[^1]",
    "*a_b*c_", "```\n", "~~a",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_unseen_marks_are_found_in_linear_time(piece: str) -> None:
    """200 kB of each hostile piece; the bound is for a busy machine and far below what a quadratic step would take."""
    source = piece * (200_000 // len(piece))
    start = time.process_time()
    unseen.__wrapped__(source)
    assert time.process_time() - start < 1.5
