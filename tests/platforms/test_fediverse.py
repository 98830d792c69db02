"""The fediverse on answers of our own making: what is claimed, asked, believed, and refused."""

import copy
import json
import time
from html import unescape
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Evidence, Failure, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import fediverse
from archiver.platforms.fediverse import content, proof
from archiver.platforms.fields import Node

AP = "application/activity+json"
NUMBER = "109876543210987654"
URL = f"https://social.example/@ada/{NUMBER}"
URI = f"https://social.example/users/ada/statuses/{NUMBER}"
UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
SIGNER = Settings(options={"fediverse.signer": "https://us.example/actor"})


def ref(url: str) -> Ref:
    return Ref(platform="fediverse", kind="post", id=url)


def answer(request: Request, body: Any, status: int = 200, kind: str = "", url: str = "") -> Answer:
    kind = kind or ("application/json" if request.route in {"status", "history"} else AP)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(request=request, status=status, headers=(("content-type", kind),), body=data, url=url or request.url)


def ask(url: str, route: str, body: Any, status: int = 200, kind: str = "", final: str = "") -> Reading:
    request = Request(ref=ref(url), route=route, url=final or url)
    return fediverse.parse(request, answer(request, body, status, kind, final or url))


def status(**more: Any) -> dict[str, Any]:
    return {
        "id": NUMBER,
        "uri": URI,
        "url": URL,
        "created_at": "2024-03-01T09:00:00.000Z",
        "content": "<p>Hello &amp; <b>goodbye</b></p><p>two<br>lines</p>",
        "account": {"id": "1", "acct": "ada", "display_name": "Ada", "url": "https://social.example/@ada",
                    "uri": "https://social.example/users/ada"},
    } | more  # fmt: skip


def note(**more: Any) -> dict[str, Any]:
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": URI,
        "type": "Note",
        "attributedTo": "https://social.example/users/ada",
        "content": "<p>Hello</p>",
        "published": "2024-03-01T09:00:00Z",
    } | more


def edges(reading: Reading, kind: EdgeKind) -> list[tuple[str, str]]:
    return [(str(edge.target), edge.evidence) for edge in reading.edges if edge.kind is kind]


def outcome(reading: Reading, url: str) -> tuple[Outcome, str]:
    return next((finding.outcome, finding.reason) for finding in reading.findings if finding.ref == ref(url))


@pytest.mark.parametrize(("url", "expected"), fediverse.EXAMPLES.items())
def test_examples(url: str, expected: str) -> None:
    assert str(fediverse.claim(url)) == expected
    assert Ref.parse(expected) == fediverse.claim(url)


@pytest.mark.parametrize(
    "url",
    ["https://medium.com/@ada/a-title-0123456789ab", "https://blog.example/@ada/a-title-0123456789ab",
     "https://www.tiktok.com/@ada/video/7123456789012345678", "https://www.youtube.com/@ada", "https://x.com/ada/status/20",
     "https://twitter.com/statuses/1098765432109876543", "https://www.threads.net/@ada/post/CabcDEF123_",
     "https://brunch.co.kr/@ada/123", "https://site.example/@ada/123", "https://site.example/@ada", "https://site.example/",
     "https://site.example/notes/introduction", "https://site.example/notes/background", "https://site.example/statuses/12",
     "https://site.example/notice/administrativelaws", "https://site.example/users/ada", "https://site.example/p/12345",
     "https://site.example/users/1/posts/2", "ftp://social.example/@ada/109876543210987654",
     "https://u:p@social.example/@ada/109876543210987654", "https://site.example/@ada/109876543210987654/edit",
     "https://web.archive.org/web/2020/https://social.example/@ada/109876543210987654", "not an address"],
)  # fmt: skip
def test_ordinary_pages_are_not_claimed(url: str) -> None:
    assert fediverse.claim(url) is None


@given(st.text(max_size=60))
def test_claim_never_raises_and_is_stable(text: str) -> None:
    for url in (text, "https://social.example/" + text, "https://social.example/@" + text):
        claimed = fediverse.claim(url)
        if claimed is not None:
            assert Ref.parse(str(claimed)) == claimed
            assert claimed.kind == "handle" or fediverse.claim(claimed.id) == claimed


def test_a_status() -> None:
    reading = ask(URL, "status", status(
        spoiler_text="warning", sensitive=True, language="en", edited_at="2024-03-01T10:00:00+01:00", replies_count=2,
        in_reply_to_id="12", mentions=[{"acct": "Bo@Other.example"}], card={"url": "https://news.example/x"},
        media_attachments=[{"id": "m", "type": "image", "url": "https://cdn.example/m.png", "remote_url": None,
                            "description": "alt", "meta": {"original": {"width": 3, "height": 2}}}],
    ))  # fmt: skip
    (post,) = reading.posts
    assert (post.ref, str(post.author)) == (ref(URI), "fediverse:account:https://social.example/users/ada")
    assert post.text == "Hello & goodbye\n\ntwo\nlines"
    assert (post.warning, post.sensitive, post.lang, post.handle) == ("warning", True, "en", "ada@social.example")
    assert (post.posted_at, post.edited, post.edited_at) == ("2024-03-01T09:00:00Z", True, "2024-03-01T09:00:00Z")
    assert (post.media[0].alt, post.media[0].width, post.counts) == ("alt", 3, (("replies", 2),))
    assert {(str(a.alias), str(a.ref)) for a in reading.aliases} >= {
        (f"fediverse:post:{URL}", f"fediverse:post:{URI}"),
        (f"fediverse:post:https://social.example/statuses/{NUMBER}", f"fediverse:post:{URI}"),
        ("fediverse:handle:ada@social.example", "fediverse:account:https://social.example/users/ada"),
    }
    assert edges(reading, EdgeKind.REPLIES_TO) == [("fediverse:post:https://social.example/statuses/12", "asserted")]
    assert edges(reading, EdgeKind.NAMES) == [("fediverse:handle:bo@other.example", "asserted")]
    assert edges(reading, EdgeKind.LINKS_TO) == [("web:page:https://news.example/x", "asserted")]
    assert outcome(reading, URL) == (Outcome.LIVE, "")


def test_another_status_than_the_one_asked_is_refused() -> None:
    with pytest.raises(ParseError, match="another status"):
        ask(URL, "status", status(id="109876543210987655"))


def test_a_copy_is_not_attributed_and_speaks_under_its_own_ref() -> None:
    uri = "https://other.example/users/bo/statuses/5"
    reading = ask(f"https://social.example/@bo@other.example/{NUMBER}", "status", status(
        uri=uri, url="https://other.example/@bo/5", content="<p>words that bo never wrote</p>",
        account={"acct": "bo@other.example", "uri": "https://other.example/users/bo"},
    ))  # fmt: skip
    (post,) = reading.posts
    copy_ref = ref(f"https://social.example/statuses/{NUMBER}")
    assert (post.ref, post.author, post.handle) == (copy_ref, None, "bo@other.example")
    assert [str(edge.target) for edge in reading.edges if edge.kind is EdgeKind.RESOLVES_TO] == [
        f"fediverse:post:{uri}"
    ]
    assert not any(ref(uri) in (alias.alias, alias.ref) for alias in reading.aliases)
    assert not any(finding.ref == ref(uri) for finding in reading.findings)
    assert reading.accounts == ()


def test_a_boost_is_an_edge_and_its_words_are_not_the_boosters() -> None:
    boost = "https://social.example/users/bo/statuses/109876543210987699/activity"
    wrapper = status(id="109876543210987699", uri=boost, url=None, content="<p>Hello</p>", reblog=status(),
                     account={"acct": "bo", "uri": "https://social.example/users/bo"})  # fmt: skip
    reading = ask("https://social.example/@bo/109876543210987699", "status", wrapper)
    assert [(post.ref, str(post.author)) for post in reading.posts] == [
        (ref(URI), "fediverse:account:https://social.example/users/ada")
    ]
    (edge,) = [edge for edge in reading.edges if edge.kind is EdgeKind.REPOSTS]
    assert (str(edge.source), edge.target) == (f"fediverse:repost:{boost}", ref(URI))


@pytest.mark.parametrize("state", ["deleted", "revoked", "pending", "rejected", "unauthorized", "blocked_account"])
def test_the_state_of_a_quote_says_nothing_of_the_quoted_post(state: str) -> None:
    quoted = status(id="12", uri="https://social.example/users/bo/statuses/12", url="https://social.example/@bo/12")
    for quote in ({"state": state, "quoted_status": quoted}, {"state": state, "quoted_status_id": "12"}):
        reading = ask(URL, "status", status(quote=quote))
        assert (Outcome.UNKNOWN, f"quote-state:{state}") in [(f.outcome, f.reason) for f in reading.findings]
        assert len(edges(reading, EdgeKind.QUOTES)) == 1
        assert not any(f.outcome in {Outcome.DELETED, Outcome.NOT_FOUND} for f in reading.findings)
    reading = ask(URL, "status", status(quote={"state": state, "quoted_status": None}))
    assert [unread.reason for unread in reading.unread] == [f"quote-state:{state}, and the quoted post is not named"]


def test_the_fallback_of_a_quote_is_left_out_and_claimed_where_no_field_names_it() -> None:
    html = f'<p class="quote-inline">RE: <a href="{URL}"><span class="invisible">https://</span><span>x</span></a></p><p>Mine</p>'
    reading = ask(URL, "status", status(content=html))
    assert reading.posts[0].text == "Mine"
    assert edges(reading, EdgeKind.QUOTES) == [(f"fediverse:post:{URL}", Evidence.CLAIMED)]
    reading = ask(URL, "status", status(content=html, quote={"state": "accepted", "quoted_status_id": "12"}))
    assert edges(reading, EdgeKind.QUOTES) == [("fediverse:post:https://social.example/statuses/12", "asserted")]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p>\n<p>b</p>", "a\n\nb"),
        ("a<br />b<br>c", "a\nb\nc"),
        ("<p>x  \n y&nbsp;z</p>", "x y\u00a0z"),
        ('<p><a href="https://a.example/long/path"><span class="invisible">https://</span>'
         '<span class="ellipsis">a.example/lo</span><span class="invisible">ng/path</span></a></p>',
         "https://a.example/long/path"),
        ('<a href="https://a.example/long/path">a.example/lo…</a>', "https://a.example/long/path"),
        ('<a href="https://a.example/long/path">my words…</a>', "my words…"),
        ('<a href="https://s.example/@bo" class="u-url mention">@<span>bo</span></a> hi', "@bo hi"),
        ('hi <img class="custom-emoji" alt=":cat:" src="x"> <img alt="a photo" src="y">', "hi :cat:"),
        ("<script>alert(1)</script><p>1 &lt; 2 < 3</p>", "1 < 2 < 3"),
        ("<pre><code>a\n  b</code></pre>", "a\nb"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ('<span class="quote-inline">the words that count</span> more', "the words that count more"),
        ('<p class="quote-inline">引用ではなく本文です<a href="https://a.example/"></a></p>', "引用ではなく本文です"),
        ('<p class="quote-inline">RE: <a href="https://a.example/x">link</a></p>', ""),
        ("", ""),
    ],
)  # fmt: skip
def test_content_as_text(html: str, text: str) -> None:
    assert content.read(html).text == text


@given(st.text(alphabet="<>/ abp=\"'&;\nspan class=quote-inline", max_size=200))
def test_any_content_can_be_read(html: str) -> None:
    there = set(html) | set(unescape(html))  # `&lt` is `<`, with its semicolon or without
    assert not set(content.read(html).text) - there - set("\u2060\xa0 \n"), "only what was there is shown"


def test_a_post_that_quotes_itself_yields_its_edge() -> None:
    reading = ask(URI, "object", note(quoteUrl=URI, content=f'<p>Mine<br><br>RE: <a href="{URI}">{URI}</a></p>'))
    assert edges(reading, EdgeKind.QUOTES) == [(f"fediverse:post:{URI}", "asserted")]
    assert edges(reading, EdgeKind.LINKS_TO) == []
    assert reading.posts[0].text == "Mine"


def test_nesting_is_bounded_and_says_so() -> None:
    nested = status()
    for number in range(12):
        nested = status(id=NUMBER, uri=f"{URI}{number}", quote={"state": "accepted", "quoted_status": nested})
    reading = ask(URL, "status", nested)
    assert len(reading.posts) == 5
    assert [unread.reason for unread in reading.unread] == ["a status nested deeper than what is read"]
    assert len(edges(reading, EdgeKind.QUOTES)) == 5


@pytest.mark.parametrize(
    "html",
    ["RE:https://" * 150_000, "\u00a0" * 1_500_000, "<span class=quote-inline>" * 60_000, "<a href=x>" * 100_000,
     "<p>" * 400_000, "<pre>" + " " * 1_500_000, "&" * 1_500_000, "<br>" * 300_000],
)  # fmt: skip
def test_hostile_content_stays_bounded(html: str) -> None:
    started = time.process_time()
    content.read(html, quoted=[URI])
    assert time.process_time() - started < 10, "linear work on megabytes; quadratic work would take hours"


def test_history() -> None:
    versions = [status(), status(content="<p>Other words</p>", created_at="2024-03-01T10:00:00Z")]
    request = Request(ref=ref(URL), route="history", url=f"https://social.example/api/v1/statuses/{NUMBER}/history",
                      given=(("uri", URI),))  # fmt: skip
    reading = fediverse.parse(request, answer(request, versions))
    assert [(p.ref, p.edited, p.edited_at, p.posted_at, p.whole) for p in reading.posts] == [
        (ref(URI), False, "", "2024-03-01T09:00:00Z", False),
        (ref(URI), True, "2024-03-01T10:00:00Z", "2024-03-01T09:00:00Z", False),
    ]
    assert fediverse.parse(request, answer(request, b"Not Found", 404, "text/plain")) == Reading()
    foreign = Request(ref=ref(URL), route="history", url=request.url, given=(("uri", "https://other.example/1"),))
    with pytest.raises(ParseError):
        fediverse.parse(foreign, answer(foreign, versions))


def test_an_object() -> None:
    reading = ask(URL, "object", note(
        summary="cw", sensitive=True, contentMap={"de": "<p>Hello</p>"}, updated="2024-03-02T09:00:00Z",
        inReplyTo={"id": "https://other.example/notes/1"}, conversation="tag:x", quoteUrl="https://other.example/q",
        _misskey_quote="https://other.example/q", quoteAuthorization="https://other.example/stamp",
        tag=[{"type": "Mention", "href": "https://other.example/users/bo", "name": "@bo"}, "https://tag.example/"],
        attachment={"type": "Document", "mediaType": "image/png", "url": "https://cdn.example/a.png", "name": "alt"},
    ))  # fmt: skip
    (post,) = reading.posts
    assert (post.ref, str(post.author), post.text) == (
        ref(URI),
        "fediverse:account:https://social.example/users/ada",
        "Hello",
    )
    assert (post.warning, post.lang, post.edited_at, str(post.conversation)) == (
        "cw", "de", "2024-03-02T09:00:00Z", "fediverse:conversation:tag:x")  # fmt: skip
    assert [(m.kind, m.alt, m.content_type) for m in post.media] == [("image", "alt", "image/png")]
    assert edges(reading, EdgeKind.QUOTES) == [("fediverse:post:https://other.example/q", "asserted")]
    assert edges(reading, EdgeKind.REPLIES_TO) == [("fediverse:post:https://other.example/notes/1", "asserted")]
    assert edges(reading, EdgeKind.NAMES) == [("fediverse:account:https://other.example/users/bo", "asserted")]
    assert [(p.kind, p.valid) for p in reading.proofs] == [("fep-044f", None)]
    assert [(alias.alias, alias.ref) for alias in reading.aliases] == [(ref(URL), ref(URI))]


@pytest.mark.parametrize(
    ("relation", "kind"),
    [
        (None, EdgeKind.QUOTES),
        ("https://misskey-hub.net/ns#_misskey_quote", EdgeKind.QUOTES),
        ("payment", EdgeKind.LINKS_TO),
    ],
)
def test_object_links(relation: str | None, kind: EdgeKind) -> None:
    link = {"type": "Link", "mediaType": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
            "href": "https://other.example/q", "rel": relation}  # fmt: skip
    assert edges(ask(URI, "object", note(tag=link)), kind) == [("fediverse:post:https://other.example/q", "asserted")]


def test_an_object_is_believed_only_for_ids_of_the_host_that_answered() -> None:
    reading = ask("https://evil.example/users/x/statuses/1", "object", note())
    assert (reading.posts, reading.aliases, reading.edges) == ((), (), ())
    assert outcome(reading, "https://evil.example/users/x/statuses/1")[0] is Outcome.UNKNOWN
    reading = ask("http://social.example/users/ada/statuses/1", "object", note())
    assert reading.posts == (), "an answer over http does not speak for https"
    reading = ask(URI, "object", note(), final="https://evil.example/copy")
    assert (reading.posts, outcome(reading, URI)[0]) == ((), Outcome.UNKNOWN)
    reading = ask("https://old.example/@ada/109876543210987654", "object", note(), final=URI)
    assert reading.aliases == ()
    assert edges(reading, EdgeKind.RESOLVES_TO) == [(f"fediverse:post:{URI}", "asserted")]


@pytest.mark.parametrize(
    "attributed",
    ["https://other.example/users/bo", None, ["https://social.example/users/a", "https://social.example/users/b"], [],
     {"type": "Person"}, "http://social.example.evil.example/users/ada"],
)  # fmt: skip
def test_an_author_of_another_host_is_no_author(attributed: Any) -> None:
    (post,) = ask(URI, "object", note(attributedTo=attributed)).posts
    assert post.author is None


def test_a_note_whose_id_may_be_a_boosts_is_not_attributed_without_its_create() -> None:
    uri = f"https://hollo.example/@bo/{UUID}"
    forged = note(id=uri, attributedTo="https://hollo.example/@bo", content="<p>ada's words</p>")
    assert [post.author for post in ask(uri, "object", forged).posts] == [None]
    create = {"id": f"{uri}#create", "type": "Create", "actor": "https://hollo.example/@bo", "object": forged}
    assert [str(post.author) for post in ask(uri, "object", create).posts] == [
        "fediverse:account:https://hollo.example/@bo"
    ]
    create["actor"] = "https://hollo.example/@eve"
    assert [post.author for post in ask(uri, "object", create).posts] == [None]
    activity = note(id=f"{URI}/activity")
    assert [post.author for post in ask(f"{URI}/activity", "object", activity).posts] == [None]


def test_an_announce_is_believed_of_its_own_host_and_its_embedded_object_is_not_read() -> None:
    uri = f"{URI}/activity"
    foreign = note(id="https://other.example/1", attributedTo="https://other.example/users/bo")
    announce = {"id": uri, "type": "Announce", "actor": "https://social.example/users/ada", "object": foreign}
    reading = ask(uri, "object", announce)
    assert reading.posts == ()
    assert edges(reading, EdgeKind.REPOSTS) == [("fediverse:post:https://other.example/1", "asserted")]
    reading = ask(uri, "object", announce | {"actor": "https://other.example/users/bo"})
    assert (reading.edges, len(reading.unread)) == ((), 1)
    create = announce | {"type": "Create", "id": f"{URI}#create"}
    assert ask(URI, "object", create).posts == ()


def test_deletion_needs_the_owner() -> None:
    tombstone = {"id": URI, "type": "Tombstone", "formerType": "Note", "deleted": "2024-03-02T09:00:00Z"}
    wanted = (Outcome.DELETED, "tombstone; formerType=Note; deleted=2024-03-02T09:00:00Z")
    assert outcome(ask(URI, "object", tombstone, 410), URI) == wanted
    assert outcome(ask(URL, "object", tombstone, 200), URL) == wanted
    other = "https://social.example/users/ada/statuses/99"
    assert outcome(ask(other, "object", tombstone, 200), other)[0] is Outcome.UNKNOWN
    evil = ask("https://evil.example/@ada/109876543210987654", "object", tombstone, 200)
    assert {finding.outcome for finding in evil.findings} == {Outcome.UNKNOWN}
    assert outcome(ask(URI, "object", b"Gone", 410, "text/plain"), URI) == (Outcome.DELETED, "http-410")
    assert outcome(ask(URI, "object", {"error": "Gone"}, 410), URI) == (Outcome.DELETED, "http-410")


@pytest.mark.parametrize(
    ("status_code", "body", "kind", "expected"),
    [
        (404, {"error": "Record not found"}, "application/json", Outcome.NOT_FOUND),
        (404, b"<html>", "text/html", Outcome.UNKNOWN),
        (410, {"error": "Gone"}, "application/json", Outcome.DELETED),
        (410, b"This server has closed", "text/html", Outcome.UNKNOWN),
        (401, {"error": "x"}, "application/json", Outcome.LOGIN_REQUIRED),
        (403, b"", "text/html", Outcome.REFUSED),
        (429, b"", "text/html", Outcome.RATE_LIMITED),
        (503, b"", "text/html", Outcome.UNREACHABLE),
        (200, b"<html>", "text/html", Outcome.UNKNOWN),
        (200, {"id": "1"}, "application/json", Outcome.UNKNOWN),
        (200, [], "application/json", Outcome.UNKNOWN),
        (302, b"", "text/html", Outcome.UNKNOWN),
    ],
)
def test_outcomes_of_the_api(status_code: int, body: Any, kind: str, expected: Outcome) -> None:
    assert outcome(ask(URL, "status", body, status_code, kind), URL)[0] is expected


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain", "application/ld+json", ""])
def test_a_file_of_another_type_speaks_for_nobody(kind: str) -> None:
    request = Request(ref=ref(URI), route="object", url=URI)
    headers = (("content-type", kind),) if kind else ()
    found = fediverse.parse(
        request, Answer(request=request, status=200, headers=headers, body=json.dumps(note()).encode(), url=URI)
    )
    assert (found.posts, found.findings[0].outcome) == ((), Outcome.UNKNOWN)


def test_transport_failures() -> None:
    request = Request(ref=ref(URI), route="object", url=URI)
    found = fediverse.parse(request, Answer(request=request, status=None, failure=Failure.TIMEOUT))
    assert found.findings[0].outcome is Outcome.UNREACHABLE


def routes(url: str, *answers: tuple[int, Any, str], settings: Settings | None = None) -> list[tuple[str, str]]:
    """Plays a plan against prepared answers; the requests that it made."""
    given: tuple[Answer, ...] = ()
    made: list[tuple[str, str]] = []
    while planned := fediverse.plan(ref(url), given, settings or Settings()):
        (request,) = planned
        made.append((request.route, request.url))
        if len(given) == len(answers):
            return made
        code, body, kind = answers[len(given)]
        given += (answer(request, body, code, kind),)
    return made


API = f"https://social.example/api/v1/statuses/{NUMBER}"
JSON, HTML = "application/json", "text/html"


@pytest.mark.parametrize(
    ("answers", "settings", "expected"),
    [
        ([(200, status(), JSON)], None, [("status", API)]),
        ([(200, status(edited_at="2024-03-01T10:00:00Z"), JSON), (404, b"", HTML)], None,
         [("status", API), ("history", API + "/history")]),
        ([(404, {"error": "x"}, JSON), (404, b"", HTML)], None, [("status", API), ("object", URL)]),
        ([(401, {"error": "x"}, JSON), (401, b"", HTML), (200, b"<title>", HTML)], None,
         [("status", API), ("object", URL), ("page", URL)]),
        ([(404, b"", HTML), (200, b"<html>", HTML), (200, b"<title>", HTML)], None,
         [("status", API), ("object", URL), ("page", URL)]),
        ([(401, b"", JSON), (403, b"", HTML), (403, b"", HTML), (404, b"", HTML)], SIGNER,
         [("status", API), ("object", URL), ("object-signed", URL), ("page", URL)]),
        ([(401, {"error": "x"}, JSON), (401, b"", HTML), (200, note(), AP)], SIGNER,
         [("status", API), ("object", URL), ("object-signed", URL)]),
        ([(200, b"<html>", HTML), (200, note(), AP)], None, [("status", API), ("object", URL)]),
        ([(429, b"", HTML)], None, [("status", API)]),
        ([(200, status(uri="https://other.example/users/bo/statuses/5"), JSON), (200, note(), AP)], None,
         [("status", API), ("object", "https://other.example/users/bo/statuses/5")]),
        ([(200, status(uri="tag:other.example,2017:1"), JSON)], None, [("status", API)]),
    ],
)  # fmt: skip
def test_plan(answers: list[tuple[int, Any, str]], settings: Settings | None, expected: list[tuple[str, str]]) -> None:
    assert routes(URL, *answers, settings=settings) == expected


def test_plan_of_other_refs() -> None:
    assert routes("https://misskey.example/notes/9abcdefg12", (200, note(), AP)) == [
        ("object", "https://misskey.example/notes/9abcdefg12")
    ]
    assert routes("https://social.example/statuses/12", (404, {"error": "x"}, JSON)) == [
        ("status", "https://social.example/api/v1/statuses/12")
    ]
    assert routes("file:///etc/passwd") == []
    handle = Ref(platform="fediverse", kind="handle", id="ada@social.example")
    (request,) = fediverse.plan(handle, (), Settings())
    assert request.url == "https://social.example/.well-known/webfinger?resource=acct:ada@social.example"
    link = {"rel": "self", "type": AP, "href": "https://social.example/users/ada"}
    found = fediverse.parse(request, answer(request, {"subject": "acct:Ada@social.example", "links": [link]}))
    assert [str(alias.ref) for alias in found.aliases] == ["fediverse:account:https://social.example/users/ada"]
    found = fediverse.parse(request, answer(request, {"subject": "acct:bo@social.example", "links": [link]}))
    assert found.aliases == ()


def test_a_page_is_evidence_but_does_not_show_that_a_post_lives() -> None:
    request = Request(ref=ref(URL), route="page", url=URL)
    reading = fediverse.parse(request, answer(request, b"<title>Ada: Hello</title>", kind=HTML))
    assert [page.title for page in reading.pages] == ["Ada: Hello"]
    assert [str(finding.ref) for finding in reading.findings] == [f"web:page:{URL}"]
    gone = fediverse.parse(request, answer(request, b"<title>Gone</title>", 404, HTML))
    assert outcome(gone, URL) == (Outcome.NOT_FOUND, "page: http-404")


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\x00"))) + text


ACTOR_ID = "https://social.example/users/ada"


def signed(document: dict[str, Any], **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document with a proof of a key made here, and the actor that holds it."""
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    config = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod",
              "verificationMethod": f"{ACTOR_ID}#key", "created": "2024-03-01T09:00:00Z"} | options  # fmt: skip
    inputs = dict(proof.prepare(Node(document | {"proof": config | {"proofValue": "z1"}}), ACTOR_ID))
    signature = key.sign(bytes.fromhex(inputs["proof.options"]) + bytes.fromhex(inputs["proof.document"]))
    public = b"\xed\x01" + key.public_key().public_bytes_raw()
    actor = {"id": ACTOR_ID, "type": "Person", "preferredUsername": "ada",
             "assertionMethod": [{"id": f"{ACTOR_ID}#key", "type": "Multikey", "controller": ACTOR_ID,
                                  "publicKeyMultibase": "z" + base58(public)}]}  # fmt: skip
    return document | {"proof": config | {"proofValue": "z" + base58(signature)}}, actor


def verdict(document: dict[str, Any], actor: dict[str, Any]) -> list[bool | None]:
    """What the plan and both parses say of a proof, from the object to the actor's key."""
    request = Request(ref=ref(URI), route="object", url=URI)
    came = answer(request, document)
    said = [item.valid for item in fediverse.parse(request, came).proofs]
    api = Request(ref=ref(URI), route="status", url=API)
    for request in fediverse.plan(ref(URI), (answer(api, b"", 404), came), Settings()):
        assert (request.route, request.url) == ("actor", ACTOR_ID)
        said += [item.valid for item in fediverse.parse(request, answer(request, actor)).proofs]
    return said


def test_a_proof_is_verified_with_the_authors_key() -> None:
    document, actor = signed(note())
    assert verdict(document, actor) == [True]
    document, actor = signed(note(), **{"@context": "https://www.w3.org/ns/activitystreams"})
    assert verdict(document, actor) == [True]


def test_tampered_proofs_are_refused() -> None:
    document, actor = signed(note())
    for change in ({"content": "<p>Other words</p>"}, {"published": "2024-03-01T09:00:01Z"}, {"extra": 1}):
        assert verdict(document | change, actor) == [False]
    later = copy.deepcopy(document)
    later["proof"]["created"] = "2024-03-02T09:00:00Z"
    assert verdict(later, actor) == [False]
    for value in ("", "z", "x123", "z0OIl", "z" + "1" * 300, "z111"):
        broken = copy.deepcopy(document)
        broken["proof"]["proofValue"] = value
        assert verdict(broken, actor) == [False]
    for change in (
        {"id": f"{ACTOR_ID}#other"},
        {"controller": "https://evil.example/"},
        {"publicKeyMultibase": "z6MkBogus"},
    ):
        other = copy.deepcopy(actor)
        other["assertionMethod"][0] |= change
        assert verdict(document, other) in ([False], [None])
    assert verdict(document, actor | {"assertionMethod": []}) == [None]


@pytest.mark.parametrize(
    "change",
    [{"cryptosuite": "ecdsa-jcs-2019"}, {"type": "Other"}, {"proofPurpose": "authentication"}, {"proofValue": 7},
     {"verificationMethod": "https://social.example/users/eve#key"}, {"verificationMethod": None},
     {"@context": ["https://other.example/"]}],
)  # fmt: skip
def test_proofs_that_cannot_be_the_authors_are_not_checked(change: dict[str, Any]) -> None:
    document, actor = signed(note())
    document["proof"] |= change
    assert verdict(document, actor) == [None]


def test_an_actor_that_does_not_answer_leaves_the_proof_unchecked() -> None:
    document, _ = signed(note())
    request = Request(ref=ref(URI), route="object", url=URI)
    api = answer(Request(ref=ref(URI), route="status", url=API), b"", 404)
    (actor,) = fediverse.plan(ref(URI), (api, answer(request, document)), Settings())
    found = fediverse.parse(actor, answer(actor, b"", 503, HTML))
    assert [(item.ref, item.valid) for item in found.proofs] == [(ref(URI), None)]
    assert found.findings == ()
