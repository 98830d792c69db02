"""Signed quotations in plain text: what sites leave of embeds, the forms of dates, wider windows, code set in."""

import pytest

from archiver.documents import mentions
from archiver.documents.read import read
from archiver.model import Document, Mention, MentionKind, Ref

STATUS = "https://x.com/annlee/status/1850000000000000001"
SIGN = "— Ann Lee (@annlee) October 28, 2024"


def claim(url: str) -> Ref | None:
    """X posts by number and short links by key, else nothing."""
    host, _, path = url.split("://", 1)[-1].partition("?")[0].rstrip("/").partition("/")
    if host in {"x.com", "twitter.com"} and "/status/" in path:
        return Ref(platform="x", kind="post", id=path.rpartition("/")[2])
    return Ref(platform="x", kind="short", id=path) if host in {"t.co", "pic.twitter.com", "pic.x.com"} else None


def document(source: str, media_type: str = "text/plain") -> Document:
    return read(source.encode(), media_type=media_type)


def signed(given: Document) -> list[Mention]:
    return [each for each in mentions.find(given, claim) if each.kind is MentionKind.SIGNED_QUOTATION]


@pytest.mark.parametrize(
    ("source", "words", "day"),
    [
        (f"Words here.pic.twitter.com/abcdefghij{SIGN}The next.", "Words here.", "2024-10-28"),
        (f"Words here https://t.co/abcdefghij{SIGN}", "Words here https://t.co/abcdefghij", "2024-10-28"),
        ("Words here — Ann Lee (@annlee) October 28, 2019The next sentence", "Words here", "2019-10-28"),
        ("Words here — Ann Lee (@annlee) October 28, 20192 more things", "Words here", "2019-10-28"),
        (f"Words here pic.x.com/abcdefghij\n{SIGN}", "Words here", "2024-10-28"),
        (f"Words here pic.twitter.com/abcdefghij SIGN UP FOR OUR NEWSLETTER {SIGN}", "Words here", "2024-10-28"),
        (f"Words here. ADVERTISEMENT {SIGN}", "Words here.", "2024-10-28"),
        (f"Words here\n\n{SIGN}", "Words here", "2024-10-28"),
        (f"Words here\n\n~ {SIGN[2:]}", "Words here", "2024-10-28"),
        (f"Words here\n-- {SIGN[2:]}", "Words here", "2024-10-28"),
    ],
)
def test_words_and_day_of_what_is_left_of_an_embed(source: str, words: str, day: str) -> None:
    given = document(f"Prose.\n\n{source}")
    (mention,) = signed(given)
    assert (mentions.words(given, mention), mention.day, mention.handle) == (words, day, "annlee")


@pytest.mark.parametrize(
    "signature",
    [
        f"[{SIGN}]({STATUS})",
        f"— Ann Lee ([@annlee](https://x.com/annlee)) [October 28, 2024]({STATUS})",
        f"— [Ann Lee (@annlee)](https://x.com/annlee) [October 28, 2024]({STATUS})",
        f"&mdash; Ann Lee (@annlee) [October 28, 2024]({STATUS})",
        f"— **Ann Lee** (@annlee) [October 28, 2024]({STATUS})",
    ],
)
def test_a_signature_as_markdown_links_names_its_post(signature: str) -> None:
    given = document(f"Prose.\n\nWords here\n\n{signature}\n\nMore.", "text/markdown")
    (mention,) = signed(given)
    assert mentions.words(given, mention) == "Words here"
    assert (str(mention.target), mention.handle) == ("x:post:1850000000000000001", "annlee")
    assert mention.day == "2024-10-28"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("October 28, 2024", "2024-10-28"), ("Feb 28, 2024", "2024-02-28"), ("2024年5月25日", "2024-05-25"),
        ("2015, 12月 31", "2015-12-31"), ("28. September 2018", "2018-09-28"), ("13 maggio 2017", "2017-05-13"),
        ("7 января 2018 г.", "2018-01-07"), ("28 de octubre de 2024", "2024-10-28"), ("2018년 1월 7일", "2018-01-07"),
        ("October 28th, 2024", "2024-10-28"), ("28/10/2024", "2024-10-28"), ("2024-10-28", "2024-10-28"),
        ("8:04 PM · Oct 28, 2024", "2024-10-28"), ("10/11/2024", ""),
    ],
)  # fmt: skip
def test_dates_as_signatures_write_them(written: str, day: str) -> None:
    (mention,) = signed(document(f"Words here — Ann Lee (@annlee) {written}"))
    assert (mention.day, mention.dated) == (day, written)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (f"First part.\n\nSecond part. {SIGN}", "First part.\n\nSecond part."),
        (f"# Heading\n\nFirst part.\n\nSecond part. {SIGN}", "First part.\n\nSecond part."),
        (f"Other words. {SIGN}\n\nFirst part.\n\nSecond part. {SIGN}", "First part.\n\nSecond part."),
        (f"> Cited.\n\nFirst part.\n\nThen more.\n\nLast part. {SIGN}", "First part.\n\nThen more.\n\nLast part."),
    ],
)
def test_a_post_of_several_paragraphs_is_looked_for_in_a_wider_window(source: str, words: str) -> None:
    given = document(source, "text/markdown")
    narrow = signed(given)[-1]
    assert words.endswith(mentions.words(given, narrow))
    assert narrow.markup == "x-signature"
    assert mentions.wider(given, [narrow]) == [words]


@pytest.mark.parametrize(
    ("source", "media_type"),
    [
        (f"Words here {SIGN}", "text/plain"),
        (f"Prose.\n\n> Words here\n> {SIGN}", "text/markdown"),
        (f"# Heading\n\nWords here {SIGN}", "text/markdown"),
        (f"Other words. {SIGN}\n\nWords here {SIGN}", "text/plain"),
    ],
)
def test_there_is_no_wider_window_where_a_boundary_is_known(source: str, media_type: str) -> None:
    given = document(source, media_type)
    assert mentions.wider(given, signed(given)[-1:]) == [""]


def test_only_a_signed_quotation_can_be_widened() -> None:
    given = document(f"See {STATUS} and “one two three four five six seven eight nine” there.")
    assert mentions.wider(given, mentions.find(given, claim)) == ["", ""]


EMBED = f'<blockquote class="twitter-tweet"><a href="{STATUS}">x</a></blockquote>'


@pytest.mark.parametrize("line", [EMBED, '{{< x user="annlee" id="1850000000000000001" >}}', STATUS])
@pytest.mark.parametrize("indent", ["    ", "\t", "      "])
def test_code_that_is_set_in_does_not_count(line: str, indent: str) -> None:
    source = f"Write:\n\n{indent}{line}\n\nto embed."
    assert mentions.find(document(source, "text/markdown"), claim) == ()
    assert len(mentions.find(document(source, "text/plain"), claim)) == 1


@pytest.mark.parametrize(
    "source",
    [
        f"- an item\n\n    {EMBED}\n",
        f"1. an item\n\n    {EMBED}\n",
        f"<div>\n\n    {EMBED}\n\n</div>",
        f"Prose\n    {EMBED}",
    ],
)
def test_what_continues_an_item_or_a_line_is_no_code(source: str) -> None:
    assert [str(each.target) for each in mentions.find(document(source, "text/markdown"), claim)] == [
        "x:post:1850000000000000001"
    ]
