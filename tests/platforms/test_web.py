"""Web pages: addresses, outcomes, statements and links; hostile pages stay bounded."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from archiver.model import Answer, EdgeKind, Evidence, Outcome, Page, Reading, Ref, Settings
from archiver.platforms import web
from archiver.platforms.web.address import normal, resolve
from archiver.platforms.web.markup import LIMIT, decode, references, tags
from archiver.platforms.web.statements import LINKS, clean

HERE = "https://news.example/a/story.html"


def read(body: bytes | str, *, url: str = HERE, final: str = "", status: int = 200, kind: str = "text/html") -> Reading:
    ref = web.claim(url)
    assert ref is not None
    request = web.plan(ref, (), Settings())[0]
    body = body.encode() if isinstance(body, str) else body
    headers = (("content-type", kind),) if kind else ()
    return web.parse(request, Answer(request=request, status=status, headers=headers, body=body, url=final or url))


def about(body: bytes | str, **given: str) -> Page:
    return read(body, **given).pages[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(("url", "ref"), web.EXAMPLES.items())
def test_examples(url: str, ref: str) -> None:
    claimed = web.claim(url)
    assert str(claimed) == ref
    assert Ref.parse(ref) == claimed
    assert web.claim(Ref.parse(ref).id) == claimed, "a normal address is its own normal form"


@pytest.mark.parametrize(
    "url",
    ["", "news.example", "ftp://news.example/", "javascript:alert(1)", "http://", "https:///x", "http://a b.example/",
     "https://user:secret@news.example/", "https://user@news.example/", "http://news.example:99999/",
     "http://news.example:0/", "http://news.example:-1/", "http://news.example:٣/", "http://[::1/", "http://[::g]/",
     "http://..example/", "http://-a.example/", "http://a.example\\@b.example/", "http://a.example\\b",
     "http://%61.example/", "http://a.example/\nx", "http://a.example/\x00", "http://a.example/\ud800",
     "http://" + "a" * 64 + ".example/", "http://" + "ü" * 300 + ".example/", "https://a.example/" + "x" * 20_000,
     "//a.example/x", "https//a.example/", "data:text/html,<p>", "mailto:a@b.example"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert web.claim(url) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example:443", "https://a.example/"),
        ("http://a.example:443/", "http://a.example:443/"),
        ("http://a.example:/x", "http://a.example/x"),
        ("https://a.example?q=1", "https://a.example/?q=1"),
        ("https://a.example/%7Eu/../B?x=%2f&y#f#g", "https://a.example/%7Eu/../B?x=%2f&y"),
        ("https://a.example/x?", "https://a.example/x?"),
        ("https://a.example./x", "https://a.example./x"),
        ("http://[2001:DB8:0:0::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("https://straße.example/ü", "https://strasse.example/ü"),
        ("https://a_b.example/", "https://a_b.example/"),
    ],
)
def test_normal_form(url: str, expected: str) -> None:
    assert normal(url) == expected
    assert normal(expected) == expected


@given(st.text(max_size=80))
def test_normal_is_idempotent_and_never_raises(text: str) -> None:
    for url in (text, "http://" + text, "https://a.example/" + text):
        once = normal(url)
        assert once is None or (normal(once) == once and "@" not in once.split("/", 3)[2])
        resolve(HERE, url)


def test_plan_is_one_request_each() -> None:
    ref = Ref(platform="web", kind="media", id="https://cdn.example/a.jpg")
    (request,) = web.plan(ref, (), Settings())
    assert (request.route, request.headers) == ("media", (("Accept-Encoding", "identity"),))
    assert web.plan(ref, (Answer(request=request, status=500),), Settings()) == ()
    assert web.plan(Ref(platform="web", kind="page", id="file:///etc/passwd"), (), Settings()) == ()
    assert web.plan(Ref(platform="web", kind="other", id="https://a.example/"), (), Settings()) == ()
    found = web.parse(request, Answer(request=request, status=200, headers=(("content-type", "image/jpeg"),)))
    assert [(f.ref, f.outcome, f.reason) for f in found.findings] == [(ref, Outcome.LIVE, "image/jpeg")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Outcome.LIVE), (202, Outcome.UNKNOWN), (203, Outcome.LIVE), (204, Outcome.UNKNOWN),
     (206, Outcome.TRUNCATED), (302, Outcome.UNKNOWN), (304, Outcome.UNKNOWN), (401, Outcome.LOGIN_REQUIRED),
     (403, Outcome.REFUSED), (404, Outcome.NOT_FOUND), (410, Outcome.DELETED), (429, Outcome.RATE_LIMITED),
     (451, Outcome.WITHHELD), (503, Outcome.UNREACHABLE)],
)  # fmt: skip
def test_outcomes_come_from_the_status_and_never_from_words(status: int, outcome: Outcome) -> None:
    reading = read("<title>404 Not Found</title><p>This post was deleted. Checking your browser.", status=status)
    assert [finding.outcome for finding in reading.findings] == [outcome]
    assert bool(reading.pages) == (outcome is Outcome.LIVE)


def test_a_redirect_is_an_edge_and_no_alias() -> None:
    reading = read("<title>Home</title>", final="https://news.example/")
    old, new = Ref.parse(f"web:page:{HERE}"), Ref.parse("web:page:https://news.example/")
    assert [(f.ref, f.outcome) for f in reading.findings] == [(old, Outcome.LIVE), (new, Outcome.LIVE)]
    assert [(e.kind, e.source, e.target) for e in reading.edges] == [(EdgeKind.RESOLVES_TO, old, new)]
    assert reading.aliases == ()
    assert reading.pages[0].ref == new


def test_statements() -> None:
    page = about("""<!doctype html><html lang="en-GB"><head><title>  Title &amp; more\n</title>
      <meta property="og:title" content="A headline &#x2014; here"><meta property=og:site_name content='The Example'>
      <meta name="description" content="What it says"><meta property="og:image" content="/i.png">
      <link rel="canonical" href="/a/canonical">
      <script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
        {"@type": "Organization", "name": "Nope"},
        {"@type": ["Thing", "NewsArticle"], "headline": "Other", "author": [{"name": "Ada Example"}, "Bo Example"],
         "datePublished": "2024-03-01T09:00:00+01:00", "dateModified": "2024-03-02"}]}</script>
      <meta property="article:modified_time" content="2024-03-02T10:00:00Z"></head><body>""")
    assert page == Page(
        ref=Ref.parse(f"web:page:{HERE}"),
        title="A headline — here",
        author="Ada Example, Bo Example",
        site="The Example",
        description="What it says",
        lang="en-GB",
        published_at="2024-03-01T08:00:00Z",
        modified_at="2024-03-02T10:00:00Z",
        canonical="https://news.example/a/canonical",
        image="https://news.example/i.png",
    )


@pytest.mark.parametrize(
    ("source", "published"),
    [
        ('<time itemprop="datePublished" datetime="2024-03-01T09:00:00+01:00">', "2024-03-01T08:00:00Z"),
        ('<time pubdate datetime="2024-03-01T09:00Z">', "2024-03-01T09:00:00Z"),
        ('<time datetime="2024-03-01T09:00:00Z">a comment</time>', ""),
        ('<meta name="date" content="2024-03-01">', ""),
        ('<meta name="date" content="2024-03-01T09:00:00">', ""),
        ('<meta property="article:published_time" content="2024-13-41T09:00:00Z">', ""),
    ],
)
def test_only_a_time_with_a_zone_is_a_time(source: str, published: str) -> None:
    assert about(source).published_at == published


@pytest.mark.parametrize(
    "value",
    ["null", "3", '"x"', "[]", "{}", '{"@type": "Article", "headline": 7, "author": {"name": null}}', "[[[[]]]]",
     '{"@type": {"a": 1}, "headline": "no"}', '{"@type": "Article", "headline": {"@value": "x"}, "author": [1, null]}',
     '{"@graph": {"@graph": {"@graph": []}}}', '{"@type": "Article", "author": {"name": ["x"]}, "publisher": true}',
     '{"@type": "Article", "datePublished": 20240301, "dateModified": ["x"], "inLanguage": {"name": "en"}}'],
)  # fmt: skip
def test_linked_data_of_the_wrong_type_says_nothing(value: str) -> None:
    reading = read(f'<title>T</title><script type="application/ld+json">{value}</script>')
    assert reading.pages == (Page(ref=Ref.parse(f"web:page:{HERE}"), title="T"),)


@pytest.mark.parametrize("value", ["{", "NaN", "[" * 100_000, '{"a":1,"a":2}', "x" * 2_000_000, '{"a": 1e999999}', ""])
def test_unreadable_linked_data_is_kept_as_unread(value: str) -> None:
    reading = read(f'<title>T</title><script type="application/ld+json">{value}</script>')
    assert reading.pages[0].title == "T"
    assert [unread.pointer for unread in reading.unread] == ([] if value.endswith("999999}") else ["ld+json:0"])


@pytest.mark.parametrize(
    ("href", "aliased"),
    [("https://news.example/a/other", True), ("https://evil.example/a/other", False), ("https://news.example/", False),
     ("https://news.example:8443/a/other", False), (HERE, False), ("javascript:1", False), ("", False)],
)  # fmt: skip
def test_canonical_is_an_alias_only_on_its_own_host(href: str, aliased: bool) -> None:
    reading = read(f'<link rel="canonical" href="{href}">')
    assert [str(alias.ref) for alias in reading.aliases] == ([f"web:page:{href}"] if aliased else [])


def test_contradicting_canonicals_say_nothing() -> None:
    assert about('<link rel=canonical href="/b"><link rel=canonical href="/c">').canonical == ""


def test_links() -> None:
    reading = read("""<base href="https://other.example/dir/"><a href="x y">1</a>
      <a href='//third.example/q?a=1&amp;b&copy=2'>2</a><a href="x%20y#again"></a><a name=n></a><a href=https://news.example/a/story.html#self></a>
      <a href="java\nscript:alert(1)"></a><a href="http://u:p@f.example/"></a><A HREF=\t"\thttps://four\n.example\t">
      <!-- <a href="https://comment.example"> --><script>"<a href='https://script.example'>"</script>
      <template><a href="https://inert.example"></a></template><svg><title>s</title><a href="https://svg.example"/></svg>
      <textarea><a href="https://raw.example"></textarea><a data-x='<a href="https://attr.example">'></a>""")
    assert [(e.target.id, e.pointer) for e in reading.edges] == [
        ("https://other.example/dir/x%20y", "a:0"),
        ("https://third.example/q?a=1&b&copy=2", "a:1"),
        ("https://four.example/", "a:6"),
        ("https://svg.example/", "a:7"),
    ]
    assert {(e.kind, e.evidence) for e in reading.edges} == {(EdgeKind.LINKS_TO, Evidence.CLAIMED)}


@pytest.mark.parametrize("kind", ["application/pdf", "image/png", "application/json", "text/plain"])
def test_what_is_no_html_is_live_without_a_page(kind: str) -> None:
    reading = read("<title>T</title>", kind=kind)
    assert (reading.findings[0].outcome, reading.findings[0].reason, reading.pages) == (Outcome.LIVE, kind, ())


def test_a_missing_type_is_sniffed() -> None:
    assert read("\ufeff\n<!DOCTYPE html><title>T</title>", kind="").pages[0].title == "T"
    assert read("%PDF-1.7", kind="").pages == ()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<title>Grüße</title>".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("<title>Grüße</title>".encode("cp1252"), "text/html"),
        ("<title>Grüße</title>".encode(), 'text/html; charset="utf8"'),
        (b"\xef\xbb\xbf" + "<title>Grüße</title>".encode(), "text/html; charset=windows-1251"),
        (b"\xff\xfe" + "<title>Grüße</title>".encode("utf-16-le"), "text/html"),
        (b"<meta charset=utf-16><title>Gr\xc3\xbc\xc3\x9fe</title>", "text/html"),
        (
            b"<meta http-equiv=Content-Type content='text/html; charset=koi8-bogus'><title>Gr\xc3\xbc\xc3\x9fe</title>",
            "",
        ),
        (b"<!doctype html><title>Gr\xc3\xbc\xc3\x9fe</title>", "text/html; charset=unicode_escape"),
    ],
)
def test_encodings(body: bytes, kind: str) -> None:
    assert about(body, kind=kind or "text/html").title == "Grüße"


def test_references_follow_the_standard() -> None:
    assert references("&copy=1 &copy;2 &amp;amp; &#x41;&#0;&#99999999;&nope; &notit;") == (
        "©=1 ©2 &amp; A\ufffd&#99999999;&nope; ¬it;"
    )
    assert references("?a&copy=1&copyright=2&copy;&lt=&lt", attribute=True) == "?a&copy=1&copyright=2©&lt=<"
    assert references("&#" + "9" * 10_000 + ";").startswith("&#9999")


HOSTILE = {
    "nested elements": "<div>" * 375_000,
    "formatting": "".join(f"<b id={n}>x" for n in range(50_000)) + "<p>y" * 125_000,
    "attributes": "<a " + " ".join(f"x{n}=1" for n in range(225_000)) + ">",
    "links": "".join(f'<a href="/{n}">x</a>' for n in range(50_000)),
    "one link": "<a href=x>" * 125_000,
    "open quotes": "<a href='" * 100_000,
    "open double quotes": '<a "=' * 175_000,
    "open comments": "<!--" * 250_000,
    "less than": "<" * 2_000_000,
    "end tags": "</" * 750_000,
    "open tags": "<a " * 500_000,
    "half tags": "<a/" * 500_000,
    "equals": "<a " + "=" * 1_500_000,
    "raw text": "<script><title>" * 100_000,
    "closed raw text": "<title></title >" * 100_000,
    "ampersands": "<title>" + "&" * 1_500_000 + "</title>",
    "references": "<title>" + "&#0000000000" * 125_000 + "</title>",
    "metas": "".join(f"<meta name=n{n} content=c>" for n in range(62_500)),
    "one meta": "<meta name=author content=someone>" * 50_000,
    "times": "<time pubdate datetime=2024-99-99T00:00:00Z>" * 37_500,
    "scripts": '<script type="application/ld+json">{"@type":"Article"}</script>' * 25_000,
    "long title": "<title>" + "x " * 1_000_000,
    "canonicals": "".join(f"<link rel=canonical href=/{n}>" for n in range(50_000)),
    "cdata": "<svg>" + "<![CDATA[" * 200_000,
    "svg": "<svg><style>" * 150_000,
    "big": "<p>" + "lorem ipsum " * 4_500_000,
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_stay_bounded(name: str) -> None:
    source = HOSTILE[name].encode()
    started = time.process_time()
    reading = read(source)
    spent = time.process_time() - started
    assert spent < 10, "linear work on megabytes; quadratic work would take hours"
    assert len(reading.edges) <= LINKS
    assert len(reading.pages[0].title) <= 2_000
    assert bool([u for u in reading.unread if u.pointer.startswith("byte:")]) == (len(source) > LIMIT)


@given(st.text(alphabet="<>/!-='\"a&;# \nscript[]CDATAsvg", max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for tag in tags(text, with_text=True):
        tag.attributes()
    assert read(text).findings[0].outcome is Outcome.LIVE


@pytest.mark.corpus
def test_recorded_pages_agree_with_an_independent_parser(corpus: Path) -> None:
    files = sorted([*corpus.glob("**/*.html")])
    linked = 0
    for path in files:
        body = path.read_bytes()
        reading = read(body)
        tree = LexborHTMLParser(decode(body, "text/html"))
        headlines = [clean(node.attributes.get("content") or "") for node in tree.css('meta[property="og:title"]')]
        names = [clean(node.text()) for node in tree.css("title") if node.parent is None or node.parent.tag != "svg"]
        anchors = [resolve(HERE, node.attributes["href"] or "") for node in tree.css("a[href]")]
        if tree.css_first("base[href]") is None:
            expected = list(dict.fromkeys(url for url in anchors if url and url != HERE))[:LINKS]
            assert [edge.target.id for edge in reading.edges] == expected, path.name
            linked += len(expected)
        assert reading.pages[0].title == next(text for text in headlines + names if text), path.name
        assert reading.findings[0].outcome is Outcome.LIVE
    assert files
    print(f"\n{len(files)} pages, {linked} links")


@pytest.mark.corpus
def test_recorded_pages_cut_anywhere_can_be_read(corpus: Path) -> None:
    files = sorted(corpus.glob("**/*.html"))
    cuts = 0
    for path in files:
        body = path.read_bytes()
        for cut in range(0, len(body), max(1, len(body) // 7)):
            assert read(body[:cut]).findings[0].outcome is Outcome.LIVE
            cuts += 1
    print(f"\n{cuts} cut pages of {len(files)}")
