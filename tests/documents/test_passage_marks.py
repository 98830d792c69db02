"""Passages between quotation marks: single ones and apostrophes that are none, divided statements, wrapped lines."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.documents import mentions, passages, singles
from archiver.documents.read import read
from archiver.model import MentionKind
from archiver.platforms import claim

NINE = "one two three four five six seven eight nine"
SHORT = "and so we go"


def found(source: str, media_type: str = "text/plain") -> list[tuple[str, str]]:
    document = read(source.encode(), media_type=media_type)
    return [
        (mentions.words(document, each), each.markup)
        for each in mentions.find(document, claim)
        if each.kind is MentionKind.PASSAGE
    ]


def quoted(source: str, media_type: str = "text/plain") -> list[str]:
    return [words for words, _ in found(source, media_type)]


SINGLE = [
    (f"She wrote ‘{NINE}’ there.", NINE),
    (f"She wrote ‘{NINE}.’", f"{NINE}."),
    (f"‘{NINE}’, she wrote.", NINE),
    (f"(‘{NINE}’)", NINE),
    (f"She wrote '{NINE}' there.", NINE),
    (f"She wrote: '{NINE}.' Then she left.", f"{NINE}."),
    (f"Sie schrieb ‚{NINE}‘ dort.", NINE),
    (f"Pisze: ‚{NINE}’.", NINE),
    # Apostrophes inside.
    (f"‘We don’t, we won’t, {NINE}’, she wrote.", f"We don’t, we won’t, {NINE}"),
    (f"'We don't, we won't, {NINE}', she wrote.", f"We don't, we won't, {NINE}"),
    (f"‘The boys’ club {NINE}’, she wrote.", f"The boys’ club {NINE}"),
    (f"‘The boys’ club and the girls’ club {NINE}.’", f"The boys’ club and the girls’ club {NINE}."),
    (f"‘It ’tis the ’90s {NINE}’, she wrote.", f"It ’tis the ’90s {NINE}"),
    (f"‘We’re goin’ there {NINE}!’ she wrote.", f"We’re goin’ there {NINE}!"),
    (f"‘{NINE} by the Russians’, she wrote.", f"{NINE} by the Russians"),
    (f"‘{NINE} by the Russians’ she wrote.", f"{NINE} by the Russians"),
    (f"‘Rock ‘n’ roll {NINE}’, she wrote.", f"Rock ‘n’ roll {NINE}"),
    (f"‘Round {NINE}’, she wrote.", f"Round {NINE}"),
    (f"‘{NINE} un po’ di tutto’ dice.", f"{NINE} un po’ di tutto"),
    # The outer marks are the quotation.
    (f"‘They say ‘no’ to {NINE}’, she wrote.", f"They say ‘no’ to {NINE}"),
    (f"‘They say “no” to {NINE}’, she wrote.", f"They say “no” to {NINE}"),
    (f"“They say ‘{NINE}’ to us”, she wrote.", f"They say ‘{NINE}’ to us"),
    (f"‘They say “{NINE}” to us’, she wrote.", f"They say “{NINE}” to us"),
]  # fmt: skip

APOSTROPHES = [
    f"’Tis so, {NINE}, and the boys’ club",
    f"‘Tis so, {NINE}, and so’ on",
    f"‘Twas the boys’ club, {NINE}.’",
    f"In the ‘90s {NINE} don’t’ go",
    f"In the '90s {NINE} goin' there",
    f"In the '68 {NINE} there'",
    f"Tell ‘em {NINE} there’ll be’ more",
    f"The boys’ club {NINE} of the girls’ club",
    f"The boys' club {NINE} of the girls' club",
    f"Rock ’n’ roll {NINE} rock ’n’ roll",
    f"5' 6\" {NINE} 6' 2\"",
    f"o'clock {NINE} o' clock",
    f"un po’ di {NINE} un po’ di",
    f"l’homme d’{NINE} qu’il",
    f"'cause {NINE} and so' on",
    f"‘{NINE} without an end",
    # More than one reading.
    f"‘{NINE} of the boys’ club and the girls’ club",
    f"‘{NINE} of the boys’, and the girls’, and us",
    f"She wrote ‘{NINE}” there.",
    "js.src = 'https://page.example/a/b/c/d/e/f/g/h/i/j';",
    f"‘one two’ and ‘three four’ {NINE}",
]


@pytest.mark.parametrize(("source", "expected"), SINGLE)
@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "text/html"])
def test_single_marks_quote(source: str, expected: str, media_type: str) -> None:
    assert quoted(source, media_type) == [expected]


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown"])
def test_a_single_mark_beside_emphasis_or_without_its_end(media_type: str) -> None:
    assert quoted(f"She wrote *‘{NINE}’* there.", media_type) == [NINE]
    assert quoted(f"‘{NINE}\n\nwithout an end’", media_type) == []


@pytest.mark.parametrize("source", APOSTROPHES)
@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "text/html"])
def test_apostrophes_quote_nothing(source: str, media_type: str) -> None:
    assert quoted(source, media_type) == []


def test_many_single_quotations_of_a_paragraph() -> None:
    source = f"‘{NINE}’, she wrote. The boys’ club won’t. ‘{NINE} of the boys’, he wrote. ‘Ten {NINE}.’"
    assert quoted(source) == [NINE, f"{NINE} of the boys", f"Ten {NINE}."]


@given(st.text(st.sampled_from("a s‘’‚'\n.,“”n"), max_size=60))
@settings(max_examples=400, deadline=None)
def test_pairs_stand_apart_and_inside_a_paragraph(text: str) -> None:
    at = 0
    for start, end in singles.pairs(text):
        assert at <= start < end - 1 < len(text)
        assert text[start] in "‘‚'"
        assert text[end - 1] in "’‘'"
        assert "\n" not in text[start:end]
        at = end


DIVIDED = [
    (f"“{NINE},” she wrote, “{SHORT}.”",
     [(f"{NINE},", "quotation-marks"), (f"{SHORT}.", "quotation-marks-continued")]),
    (f"“{SHORT},” wrote Ann Lee, “{NINE}.”",
     [(f"{SHORT},", "quotation-marks"), (f"{NINE}.", "quotation-marks-continued")]),
    (f"“{NINE},” said Mr. Lee of the council, “{SHORT}.”",
     [(f"{NINE},", "speech"), (f"{SHORT}.", "speech-continued")]),
    (f"“{NINE},” she said in a post on X, “{SHORT}.”",
     [(f"{NINE},", "quotation-marks"), (f"{SHORT}.", "quotation-marks-continued")]),
    (f"“{SHORT},” she wrote, “{NINE},” she added, “{SHORT}.”",
     [(f"{SHORT},", "quotation-marks"), (f"{NINE},", "quotation-marks-continued"),
      (f"{SHORT}.", "quotation-marks-continued")]),
    (f"‘{NINE},’ she wrote, ‘{SHORT}.’",
     [(f"{NINE},", "quotation-marks"), (f"{SHORT}.", "quotation-marks-continued")]),
    (f"“{NINE},” she wrote, “I will go.”",
     [(f"{NINE},", "quotation-marks"), ("I will go.", "quotation-marks-continued")]),
    (f"„{NINE}“, schrieb sie, „{SHORT}.“",
     [(NINE, "quotation-marks"), (f"{SHORT}.", "quotation-marks-continued")]),
]  # fmt: skip

UNDIVIDED = [
    f"“{NINE},” she wrote. “{SHORT}.”",  # another sentence
    f"“{NINE},” she wrote, “And so we go.”",
    f"“{NINE},” and then “{SHORT}.”",  # nobody says it
    f"“{NINE},” she wrote, and Bo Roe said, “{SHORT}.”",  # two speakers
    f"“{NINE},” she wrote; “{SHORT}.”",
    f"“{NINE},” she wrote.\n“{SHORT}.”",
    f"“{NINE},” she wrote, “so go.”",  # two words are found nowhere
    f"“{NINE},” she wrote {'of this and that ' * 9}, “{SHORT}.”",
]


@pytest.mark.parametrize(("source", "expected"), DIVIDED)
def test_a_short_part_of_a_divided_statement_is_kept(source: str, expected: list[tuple[str, str]]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize("source", UNDIVIDED)
def test_a_short_quotation_beside_another_is_no_part_of_it(source: str) -> None:
    assert quoted(source) == [f"{NINE},"]


def test_two_short_parts_are_too_short() -> None:
    assert quoted(f"“{SHORT},” she wrote, “{SHORT}.”") == []


TEN_LINES = (
    "She wrote of this and that and of a whole lot of other things, and then\n"
    "“one two three four five six seven eight nine ten eleven twelve thirteen\n"
    "fourteen fifteen” and of still more of this and that, and that was that.\n"
)


def test_a_quotation_goes_on_in_the_next_line_of_a_paragraph() -> None:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen\nfourteen fifteen"
    for source in (TEN_LINES, TEN_LINES.replace("“", '"').replace("”", '"')):
        assert quoted(source) == [words]
        assert quoted(source, "text/markdown") == [words]
    assert quoted(TEN_LINES.replace("\n", "\r\n")) == [words.replace("\n", "\r\n")]
    assert quoted(f"“{NINE}\nten”", "text/markdown") == [f"{NINE}\nten"]


@pytest.mark.parametrize("between", ["\n\n", "\n- ", "\n> ", "\n# ", "\n| ", "\n1. ", "\n```\n", "\n  \n"])
def test_a_quotation_ends_with_its_paragraph(between: str) -> None:
    assert quoted(f"“{NINE}{between}ten”", "text/markdown") in ([], ["ten”"])


def test_lines_that_nobody_wrapped_are_paragraphs() -> None:
    assert quoted(f"“{NINE}\nten eleven”\nand more") == []
    assert (
        quoted("\n".join([f"A “{NINE}, and so on to the end of it.", "Another” line.", "And a third line of it."]))
        == []
    )


@pytest.mark.parametrize("media_type", ["text/markdown", "text/html"])
def test_code_inside_a_quotation_loses_none(media_type: str) -> None:
    code = ("`", "`") if media_type == "text/markdown" else ("<code>", "</code>")
    assert quoted(f"She wrote “{NINE} {code[0]}ten{code[1]}” there", media_type) == [f"{NINE} ten"]
    assert quoted(f"She wrote “{NINE} {code[0]}”{code[1]} ten” there", media_type) == [f"{NINE} ” ten"]
    assert quoted(f"See {code[0]}“{NINE}”{code[1]} there", media_type) == []
    assert quoted(f"See {code[0]}“{NINE}{code[1]} and” there", media_type) == []


def test_titles_and_addresses_of_links_are_no_words() -> None:
    assert quoted(f'See [this](https://page.example/ "{NINE}") there', "text/markdown") == []
    assert quoted("“[one two](https://page.example/a/b/c/d/e/f/g/h/i)”", "text/markdown") == []
    assert quoted(f'“[{NINE}](https://page.example/ "A title")”', "text/markdown") == [NINE]
    assert quoted(f"She wrote **“{NINE}”** there", "text/markdown") == [NINE]


def test_a_hyphen_at_the_end_of_a_line_stays() -> None:
    """Whether it was the author's ("anti-racist") only the original says: the words are given as they stand."""
    assert quoted(f"“{NINE} govern-\nment”", "text/markdown") == [f"{NINE} govern-\nment"]


@pytest.mark.parametrize(
    "piece", ["'", "‘", "’", "‘a ", "a’ ", "s’ ", "‘a b’ ", "'s' ", "‚a‘", "‘s’ ", "‘a’ ‘", "“‘", "‘“a” "]
)
def test_single_marks_are_paired_in_linear_time(piece: str) -> None:
    start = time.process_time()
    passages.marked(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 1.5
