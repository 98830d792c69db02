"""Mentions of whole documents: what covers what, where quotations start, links, passages, and that spans are true."""

import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archiver.documents import mentions, passages
from archiver.documents.markup import walk
from archiver.documents.sourcemap import identity
from archiver.model import Document, Link, Mention, MentionKind, Ref, Span

SEED = Path(__file__).parent.parent.parent / "seeds" / "000_372a103416b235e9.txt"
SIGNED, PASSAGE, PERMALINK = MentionKind.SIGNED_QUOTATION, MentionKind.PASSAGE, MentionKind.PERMALINK


def claim(url: str) -> Ref | None:
    """A stand-in for the platforms: X posts and short links, posts of one example host, else pages."""
    tail = url.split("://", 1)[-1].partition("?")[0].rstrip("/")
    host, _, path = tail.partition("/")
    if host in {"twitter.com", "x.com"} and "/status/" in path:
        return Ref(platform="x", kind="post", id=path.rpartition("/")[2])
    if host in {"t.co", "pic.twitter.com", "pic.x.com"} and path:
        return Ref(platform="x", kind="short", id=path)
    if host == "social.example" and path.startswith("@") and "/" in path:
        return Ref(platform="fediverse", kind="post", id=f"https://{tail}")
    return Ref(platform="web", kind="page", id=url) if "://" in url else None


def document(source: str, media_type: str = "text/plain", links: tuple[Link, ...] = ()) -> Document:
    """A document as `read` makes it."""
    ref = Ref(platform="doc", kind="document", id="0" * 64)
    text, runs = source, identity(len(source))
    if media_type == "text/html":
        rendering = walk(source)
        text, runs, links = rendering.text, rendering.runs, rendering.links
    return Document(
        ref=ref, sha256="0" * 64, media_type=media_type, encoding="utf-8", encoding_from="utf-8",
        text=text, source=source, runs=runs, links=links,
    )  # fmt: skip


def found(source: str, media_type: str = "text/plain", kind: MentionKind | None = None) -> list[Mention]:
    return [each for each in mentions.find(document(source, media_type), claim) if kind in (None, each.kind)]


def quotes(source: str, media_type: str = "text/plain", kind: MentionKind = SIGNED) -> list[tuple[str, str]]:
    given = document(source, media_type)
    return [(mentions.words(given, each), each.markup) for each in mentions.find(given, claim) if each.kind is kind]


def test_the_seed() -> None:
    text = SEED.read_bytes().decode("utf-8")
    all_found = found(text)
    signed = [each for each in all_found if each.kind is SIGNED]
    assert [(each.handle, each.day, each.day_zone, each.markup) for each in signed] == [
        ("SecGenNATO", "2024-10-28", "utc", "x-signature"),
        ("United24media", "2024-10-28", "utc", "x-signature"),
    ]
    lines = text.split("\n")
    media = " pic.twitter.com/"
    assert [text[each.quote.start : each.quote.end] for each in signed if each.quote] == [
        "\n".join(lines[:5]).partition(media)[0],
        "\n".join(lines[6:9]).partition(media)[0],
    ]
    assert [[link.url for link in each.links] for each in signed] == [
        ["https://pic.twitter.com/0XEzz0d037"],
        ["https://pic.twitter.com/G1DJIUS2Oc"],
    ]
    (excerpt,) = [each for each in all_found if each.markup == "elision-excerpt"]
    words = text[excerpt.text.start : excerpt.text.end]
    assert "\n".join(lines[12:18]) in words
    assert lines[17].endswith("Russian region.")
    assert words.endswith(lines[17])
    assert (excerpt.target, excerpt.handle) == (None, "")
    assert {each.kind for each in all_found} == {SIGNED, PASSAGE}
    assert "speech" in {each.markup for each in all_found}


SIGN = "— Ann Lee (@annlee) October 28, 2024"
STATUS = "https://x.com/annlee/status/1850000000000000001"


@pytest.mark.parametrize(
    ("source", "media_type", "expected"),
    [
        (f"Prose.\n\nThe words.\n\n{SIGN}\n\nMore.", "text/plain", [("The words.", "x-signature")]),
        (f"Prose.\n\nThe words. {SIGN}The rest.", "text/plain", [("The words.", "x-signature-open")]),
        (f"Prose.\n\nThe words. {SIGN}\nThe rest.", "text/plain", [("The words.", "x-signature")]),
        (f"Words one {SIGN}\nWords two {SIGN}", "text/plain",
         [("Words one", "x-signature"), ("Words two", "x-signature")]),
        (f"Words one {SIGN}Words two {SIGN}", "text/plain",
         [("Words one", "x-signature-open"), ("Words two", "x-signature-open")]),
        (f"{'Prose. ' * 60}Words. {SIGN}", "text/plain", [(f"{'Prose. ' * 60}Words.", "x-signature-open")]),
        (f"Words #tagpic.twitter.com/abcdefghij {SIGN}", "text/plain", [("Words #tag", "x-signature")]),
        (f"Words pic.twitter.com/abcdefghij SIGN UP NOW {SIGN}", "text/plain", [("Words", "x-signature")]),
        (f"Words. SIGN UP FOR OUR NEWSLETTER {SIGN}", "text/plain", [("Words.", "x-signature")]),
        (f"Words. VOTE NOW {SIGN}", "text/plain", [("Words. VOTE NOW", "x-signature")]),
        (f"Prose.\n\nWords\n\nhttps://t.co/abc\n\n{SIGN}", "text/plain",
         [("Words\n\nhttps://t.co/abc", "x-signature")]),
        (f"<tweet id='1'>Words {SIGN}</tweet>", "text/plain", [("Words", "x-signature")]),
        (f"“Words and words” {SIGN}", "text/plain", [("Words and words", "x-signature")]),
        (f"Prose.\n\n> One\n>\n> two\n>\n> {SIGN}\n\nMore", "text/markdown", [("One\n\ntwo", "x-signature")]),
        (f"> One\n> — Ann ([@annlee](https://x.com/annlee)) [October 28, 2024]({STATUS})", "text/markdown",
         [("One", "x-signature")]),
        (f"> One *two* [three](https://e.example)\n> — [Ann]({STATUS})", "text/markdown",
         [("One two three", "blockquote-link")]),
        (f"<p>Prose.</p><blockquote><p>One</p><p>two</p><p>{SIGN}</p></blockquote>", "text/html",
         [("One\n\ntwo", "x-signature")]),
        (f"<p>Prose.</p><p>Words<br>more<br>{SIGN}</p>", "text/html", [("Words\nmore", "x-signature")]),
        (f"<blockquote><p>One two three</p><p>via <a href='{STATUS}'>Ann</a></p></blockquote>", "text/html",
         [("One two three", "blockquote-link")]),
        (f"<blockquote cite='{STATUS}'>One two three</blockquote>", "text/html",
         [("One two three", "blockquote-cite")]),
        (f"<code>Words {SIGN}</code>", "text/html", []),
    ],
)  # fmt: skip
def test_where_a_quotation_starts_and_ends(source: str, media_type: str, expected: list[tuple[str, str]]) -> None:
    assert quotes(source, media_type) == expected


def test_the_permalink_behind_the_date_is_the_target() -> None:
    (mention,) = found(f"> One two\n> — Ann (@annlee) [October 28, 2024]({STATUS})", "text/markdown")
    assert (str(mention.target), mention.url) == ("x:post:1850000000000000001", STATUS)
    (mention,) = found(f"<p>One two — Ann (@annlee) <a href='{STATUS}'>October 28, 2024</a></p>", "text/html")
    assert str(mention.target) == "x:post:1850000000000000001"


def test_links_that_stand_alone() -> None:
    text = "See https://x.com/a/status/12, pic.twitter.com/abcdefghij. (t.co/abc) https://e.example/ x.com/b/status/13"
    assert [(each.kind, str(each.target), text[each.text.start : each.text.end]) for each in found(text)] == [
        (PERMALINK, "x:post:12", "https://x.com/a/status/12"),
        (MentionKind.MEDIA_LINK, "x:short:abcdefghij", "pic.twitter.com/abcdefghij"),
        (MentionKind.SHORT_LINK, "x:short:abc", "t.co/abc"),
        (PERMALINK, "x:post:13", "x.com/b/status/13"),
    ]


def test_a_short_key_ends_after_ten_characters() -> None:
    (mention,) = found("Wordspic.twitter.com/abcdefghijThe next")
    assert str(mention.target) == "x:short:abcdefghij"
    assert found("Go to netflix.com/a/status/12 or pinterest.co/abc") == []


def test_a_link_is_reported_once_and_by_its_words() -> None:
    source = f'<p>See <a href="{STATUS}">{STATUS}</a> and <a href="{STATUS}">this</a>.</p>'
    all_found = found(source, "text/html")
    assert [source[each.source.start : each.source.end][:3] for each in all_found] == ["<a ", "<a "]
    assert {each.kind for each in all_found} == {PERMALINK}


def test_a_link_before_an_open_quotation_is_not_lost() -> None:
    text = f"See https://x.com/a/status/12. {'Prose. ' * 80}Words. {SIGN}"
    assert [each.kind for each in found(text)] == [SIGNED, PERMALINK]


def test_address_lists_are_not_read_as_prose() -> None:
    text = f'url,text\n{STATUS},"one two three four five six seven eight nine"\n'
    assert [each.kind for each in found(text, "text/csv")] == [PERMALINK]


NINE = "one two three four five six seven eight nine"


@pytest.mark.parametrize(
    ("source", "media_type", "expected"),
    [
        (f"He wrote “{NINE}” there.", "text/plain", [(NINE, "quotation-marks")]),
        (f"“{NINE},” said Jane Roe.", "text/plain", [(f"{NINE},", "speech")]),
        (f"Jane Roe said: \"{NINE}.\"", "text/plain", [(f"{NINE}.", "speech")]),
        (f"« {NINE} », a déclaré Jane.", "text/plain", [(f" {NINE} ", "speech")]),
        (f"„{NINE}“ steht da", "text/plain", [(NINE, "quotation-marks")]),
        ("彼は「これはとても長い引用文であり八語以上に相当します」と書いた", "text/plain",
         [("これはとても長い引用文であり八語以上に相当します", "quotation-marks")]),
        ("A “short one” and \"another\" and 5\" by 6\".", "text/plain", []),
        (f"“{NINE}\n\nno end", "text/plain", []),
        (f"“{NINE}.\n\n“{NINE}.”", "text/plain", [(f"{NINE}.\n\n“{NINE}.", "quotation-marks")]),
        (f"Prose\n\n> {NINE}\n\nMore", "text/markdown", [(NINE, "blockquote")]),
        (f"<p>Prose</p><blockquote>{NINE} “{NINE}”</blockquote>", "text/html", [(f"{NINE} “{NINE}”", "blockquote")]),
        (f"Far up.\n\nBefore {NINE}.\n\n[…]\n\nAfter it.\n\nFar down.", "text/plain",
         [(f"Before {NINE}.\n\n[…]\n\nAfter it.", "elision-excerpt")]),
        (f"Before {NINE}.\n...\nAfter it.\nFrankly, I doubt it.", "text/plain",
         [(f"Before {NINE}.\n...\nAfter it.", "elision-excerpt")]),
        (f"{NINE}.\n…", "text/plain", []),
        ("a\n…\nb", "text/plain", []),
        (f"```\n{NINE}\n...\n{NINE}\n```", "text/markdown", []),
        (f"---\ntitle: {NINE}\n...\nlayout: {NINE}\n---\nText", "text/markdown", []),
    ],
)  # fmt: skip
def test_passages(source: str, media_type: str, expected: list[tuple[str, str]]) -> None:
    assert quotes(source, media_type, PASSAGE) == expected


def test_a_passage_names_nobody() -> None:
    for each in found(f"“{NINE},” said Jane Roe (@jane).\n\n{NINE}\n\n…\n\n{NINE}"):
        assert each.kind is PASSAGE
        assert (each.target, each.handle, each.name, each.day) == (None, "", "", "")


def test_a_cited_blockquote_names_its_page() -> None:
    (mention,) = found(f"<blockquote cite='https://news.example/a'>{NINE}</blockquote>", "text/html")
    assert (mention.kind, str(mention.target)) == (PASSAGE, "web:page:https://news.example/a")


def test_the_policy_names_these_rules() -> None:
    assert mentions.policy() == mentions.MENTIONS_POLICY == "mentions/5"


PIECES = st.sampled_from(
    ["<blockquote class=twitter-tweet>", "</blockquote>", "<p>", "</p>", "<br>", "&mdash;", "— ", "(@ann) ",
     "October 28, 2024",
     "pic.twitter.com/abcdefghij", " https://x.com/a/status/12 ", "“", "”", "\"", "\n", "\n\n", "> ", "…",
     "one two three four ",
     "`", "```\n", "{{< x 12 >}}", "<!-- wp:embed {\"url\":\"https://x.com/a/status/1\"} -->",
     "<a href='https://x.com/a/status/2'>",
     "</a>", "é", "🇰🇷", "&amp;", "<textarea hidden>", "<template>", "<script>", "</script>", "said ", "]](", "[a](b)"]
)  # fmt: skip


LINK = "<a href='https://x.com/a/status/2'>"


@settings(max_examples=300, deadline=None)
@example(f"&mdash;<blockquote class=twitter-tweet>{LINK}{LINK}&mdash;", "text/html")
@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["text/html", "text/markdown", "text/plain"]))
def test_spans_are_true_for_any_document(source: str, media_type: str) -> None:
    given_document = document(source, media_type)
    all_found = mentions.find(given_document, claim)
    text = given_document.text
    keys = [(each.text.start, each.text.end, each.kind, each.source.start) for each in all_found]
    assert keys == sorted(keys)
    assert len(set(all_found)) == len(all_found)
    for each in all_found:
        assert 0 <= each.text.start <= each.text.end <= len(text)
        assert 0 <= each.source.start <= each.source.end <= len(source)
        assert each.dated == "" or each.day_zone in {"utc", "local"}
        if each.quote is not None:
            assert each.text.start <= each.quote.start < each.quote.end <= each.text.end
            quoted = text[each.quote.start : each.quote.end]
            assert quoted
            if each.kind is MentionKind.EMBED or each.markup.startswith("x-signature"):
                assert not quoted.endswith("pic.twitter.com/abcdefghij")
        if each.kind in {SIGNED, PASSAGE}:
            assert each.quote is None or mentions.words(given_document, each) is not None
    assert mentions.find(given_document, claim) == all_found


@given(st.text(max_size=300))
def test_any_text_is_read(source: str) -> None:
    for media_type in ("text/html", "text/markdown", "text/plain"):
        for each in mentions.find(document(source, media_type), claim):
            assert each.text.end <= len(document(source, media_type).text)


HOSTILE = [
    "<blockquote class=twitter-tweet>",
    "<blockquote>",
    "<figure class=wp-block-embed>",
    '<div class="twitter-tweet-rendered">',
    "<blockquote class=twitter-tweet>(@a) <a href='https://x.com/a/status/1'>x</a></blockquote>",
    "> a\n\n",
    "“a ",
    '" a',
    "…\n\n",
    "a\n…\n",
    "`",
    "` `` ",
    "``` \n",
    "{% tweet ",
    "{{< x ",
    "[embed]",
    "[a](",
    "http://",
    "pic.twitter.com/",
    "(((",
    "<!-- wp:embed {",
    "<![CDATA[",
    "<template>",
    '<script>twitter-tweet\\"',
    "— N (@a) May 1, 2019 ",
    '<Tweet id="12345678" />',
    "<script>{",
    '<script>"a":"b"',
    '<script>"<iframe embed ',
    '<script>{"type":"tweet",',
    '<div data-a="&lt;blockquote class=twitter-tweet ">',
    '<div data-embed-url="https://a.example/">',
    "[tweet ",
    "{{ tweet(",
    "    a\n\n",
    "\n\n\t",
    "{% include x",
    "<iframe><blockquote>",
    "x https://x.com/a/status/1 ",
]


@pytest.mark.heavy
@pytest.mark.parametrize("media_type", ["text/html", "text/markdown"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_linearly(piece: str, media_type: str) -> None:
    """200 kB of each hostile piece; the bound is for a busy machine and far below what a quadratic step would take."""
    given_document = document(piece * (200_000 // len(piece)), media_type)
    start = time.perf_counter()
    mentions.find(given_document, claim)
    assert time.perf_counter() - start < 4


def test_words_are_counted_in_scripts_with_and_without_spaces() -> None:
    assert passages.words("one two-three don’t") == 3
    assert passages.words("これはとても長い") == 4
    assert Span(start=0, end=1) < Span(start=1, end=2)
