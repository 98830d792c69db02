"""Feeds: entries in order, text that points through CDATA and escapes, links at their places."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import feeds
from archiver.documents.read import read
from archiver.documents.sourcemap import to_source
from archiver.errors import InputError, ParseError
from archiver.model import Document, Span

RSS = """<?xml version="1.0"?>
<!DOCTYPE rss [<!ENTITY boom "x">]>
<rss version="2.0" xmlns:content="c"><channel><title>T &amp; U</title><language>en</language>
<item><title>One  &amp; two</title><link>https://a.example/1</link><media:title>no</media:title>
<description>&lt;p&gt;Hi &amp;amp; &lt;a href="/x"&gt;link &amp;lt;3&lt;/a&gt;&lt;/p&gt;</description></item>
<item><title><![CDATA[Two <b>]]></title><guid>https://a.example/2</guid><description>short</description>
<content:encoded><![CDATA[<p>He said <b>&amp;</b> so.</p><a href="https://b.example">b</a>]]></content:encoded></item>
<item><guid isPermaLink="false">https://a.example/3</guid><description>no page</description></item>
</channel></rss>"""


def at(document: Document, words: str) -> str:
    """The source behind the first place of some words in the text."""
    start = document.text.index(words)
    span = to_source(document.runs, Span(start=start, end=start + len(words)))
    return document.source[span.start : span.end]


def test_rss() -> None:
    document = read(RSS.encode(), name="feed.xml")
    assert (document.media_type, document.title, document.lang) == ("application/rss+xml", "T & U", "en")
    assert document.text == "One & two\nHi & link <3\n\nTwo <b>\nHe said & so.\n\nb\n\nno page"
    assert at(document, "Hi & link <3").startswith("Hi &amp;amp; &lt;a href")
    assert at(document, "He said & so.") == "He said <b>&amp;</b> so."
    assert at(document, "Two <b>") == "Two <b>"
    assert [(link.role, link.url) for link in document.links] == [
        ("entry", "https://a.example/1"),
        ("a", "https://a.example/x"),
        ("entry", "https://a.example/2"),
        ("a", "https://b.example"),
    ]
    assert document.source[document.links[3].source.start : document.links[3].source.end].startswith("<a href=")
    assert [note.pointer for note in document.unread] == ["text:8:1"]


def test_atom() -> None:
    source = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>F</title>
<entry><title>E</title><link rel="self" href="/s"/><link href="/e"/>
<content type="xhtml"><div>Hi <a href="y">l&amp;</a></div></content></entry>
<entry><media:title>no</media:title><link href="/2"/><content type="html">&lt;b&gt;bold&lt;/b&gt; text</content></entry>
<entry><link href="/3"/><summary>plain https://c.example/z &lt;b&gt;</summary></entry></feed>"""
    document = read(source.encode(), url="https://a.example/feed")
    assert (document.media_type, document.title, document.lang) == ("application/atom+xml", "F", "de")
    assert document.text == "E\nHi l&\n\nbold text\n\nplain https://c.example/z <b>"
    assert at(document, "bold text") == "bold&lt;/b&gt; text"
    assert [link.url for link in document.links] == [
        "https://a.example/e", "https://a.example/y", "https://a.example/2", "https://a.example/3", "https://c.example/z",
    ]  # fmt: skip


JSON: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "J",
    "language": "en",
    "items": [
        {
            "id": "1",
            "url": "https://a.example/1",
            "title": "Tä",
            "content_html": '<p>x 🎈 &amp; "y" <a href="z">q</a></p>',
        },
        {"id": "2", "external_url": "/2", "content_text": "see https://b.example/ ok"},
    ],
}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json(ascii_only: bool) -> None:
    document = read(json.dumps(JSON, ensure_ascii=ascii_only).encode(), url="https://w.example/feed")
    assert document.media_type == "application/feed+json"
    assert document.text == 'Tä\nx 🎈 & "y" q\n\nsee https://b.example/ ok'
    assert at(document, "🎈") == ("\\ud83c\\udf88" if ascii_only else "🎈")
    assert at(document, "q") == "q"
    assert [(link.role, link.url) for link in document.links] == [
        ("entry", "https://a.example/1"),
        ("a", "https://a.example/z"),
        ("entry", "https://w.example/2"),
        ("bare", "https://b.example/"),
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for key, child in value.items() for place in places(child, (*path, key))]
    if isinstance(value, list):
        found += [place for index, child in enumerate(value) for place in places(child, (*path, index))]
    return found


def swapped(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    copy = value.copy()
    copy[path[0]] = swapped(value[path[0]], path[1:], wrong)
    return copy


def test_wrong_types_in_json_are_no_crash_and_no_value() -> None:
    wrongs = [None, True, 0, 1.5, "\x00wrong\ud800", [], {}, [["deep"]], {"url": {"x": "nested"}}]
    refused = 0
    cases = [(path, wrong) for path in places(JSON) for wrong in wrongs]
    for path, wrong in cases:
        data = json.dumps(swapped(JSON, path, wrong)).encode()
        try:
            document = read(data, media_type="application/feed+json")
        except (ParseError, InputError):
            refused += 1
            continue
        assert "nested" not in document.text
        assert "deep" not in document.text
    print(f"{len(cases)} wrong values, {refused} refused")
    assert 0 < refused < len(cases)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "not JSON"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 200_000, "nested|not JSON"),
        (b'{"items": []}', "version"),
        (b'{"version": 1, "items": []}', "version"),
    ],
)
def test_what_is_no_json_feed_is_refused(data: bytes, word: str) -> None:
    with pytest.raises(ParseError, match=word) as refused:
        feeds.read_json(data.decode())
    assert refused.value.pointer


def test_what_is_no_xml_feed_is_refused() -> None:
    for source in ("words", "<html></html>", "", "<!-- <rss> -->"):
        with pytest.raises(ParseError, match="not a feed"):
            feeds.read_xml(source)


def test_careless_xml_is_read_and_noted() -> None:
    source = "<rss><channel><item><link>https://a.example/?a=1&b=2</link><title>A & B</b><description><![CDATA[<p>cut"
    _, feed = feeds.read_xml(source)
    assert feed.text == "A & B\ncut" or "A & B" in feed.text
    assert feed.links[0].url == "https://a.example/?a=1&b=2"
    reasons = " ".join(note.reason for note in feed.unread)
    assert "without a start" in reasons
    assert "nothing closes" in reasons


_PIECES = ["<rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "</link>", "<description>", "x"]
_PIECES += ["</description>", "<![CDATA[", "]]>", "<!--", "-->", "&lt;p&gt;", "&amp;", "<a href='b'>", "</a>", "<", " "]


@given(st.lists(st.sampled_from(_PIECES), max_size=50))
def test_any_xml(pieces: list[str]) -> None:
    source = "<rss><channel><item>" + "".join(pieces)
    _, feed = feeds.read_xml(source)
    text_at = source_at = 0
    for run in feed.runs:
        assert text_at <= run.text.start < run.text.end <= len(feed.text)
        assert source_at <= run.source.start < run.source.end <= len(source)
        text_at = run.text.end
    for link in feed.links:
        assert 0 <= link.text.start <= link.text.end <= len(feed.text)
        assert 0 <= link.source.start <= link.source.end <= len(source)
