"""Each shape of answer, on fixtures of our own: what must be read, and what must be refused."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Evidence, Outcome, Post, Reading, Ref, Request
from archiver.platforms.x import parse, parse_shape, post_ref
from archiver.platforms.x.text import plain, unescape

ID, QUOTED, PARENT, EARLIER = "1850688931230646273", "1850000000000000001", "1850000000000000002", "1850688000000000000"
TIME, TIME_V11 = "2024-10-28T00:00:00.000Z", "Mon Oct 28 00:00:00 +0000 2024"
QUOTED_TIME, QUOTED_V11 = "2024-10-26T02:22:18.000Z", "Sat Oct 26 02:22:18 +0000 2024"
PHOTO = "https://pbs.twimg.com/media/ExampleName.jpg"


def answered(route: str, value: Any, *, status: int = 200, id: str = ID, **more: Any) -> Reading:
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    request = Request(ref=post_ref(id), route=route, url="https://api.example/", **more)
    return parse(request, Answer(request=request, status=status, body=body))


def outcome(reading: Reading, id: str = ID) -> tuple[Outcome, str]:
    (found,) = [finding for finding in reading.findings if finding.ref == post_ref(id)]
    return found.outcome, found.reason


def post(reading: Reading, id: str = ID) -> Post:
    (found,) = [shown for shown in reading.posts if shown.ref == post_ref(id)]
    return found


def edges(reading: Reading) -> set[tuple[str, str, str]]:
    assert all(edge.evidence is Evidence.ASSERTED and edge.pointer for edge in reading.edges)
    return {(edge.kind.value, edge.source.id, edge.target.id) for edge in reading.edges if edge.target.platform == "x"}


def pages(reading: Reading) -> set[tuple[str, str]]:
    """Links that lead off the platform."""
    return {(edge.source.id, str(edge.target)) for edge in reading.edges if edge.target.platform == "web"}


def syndication(**changes: Any) -> dict[str, Any]:
    value = {
        "__typename": "Tweet",
        "lang": "en",
        "favorite_count": 3,
        "created_at": TIME,
        "display_text_range": [0, 20],
        "entities": {"hashtags": [], "urls": [], "user_mentions": [], "symbols": []},
        "id_str": ID,
        "text": "Ships &amp; sealing wax",
        "user": {"id_str": "42", "name": "Ada Example", "screen_name": "Ada_Example"},
        "edit_control": {"edit_tweet_ids": [ID], "edits_remaining": "5"},
        "isEdited": False,
    }
    return value | changes


def quoted(**changes: Any) -> dict[str, Any]:
    inner = syndication(id_str=QUOTED, created_at=QUOTED_TIME, text="Of cabbages", user={"id_str": "43"})
    inner["edit_control"] = {"edit_tweet_ids": [QUOTED]}
    return inner | changes


# Syndication


def test_a_syndicated_post() -> None:
    reading = answered("syndication", syndication())
    shown = post(reading)
    assert outcome(reading) == (Outcome.LIVE, "")
    assert (shown.text, shown.posted_at, shown.author) == (
        "Ships & sealing wax",
        "2024-10-28T00:00:00Z",
        Ref(platform="x", kind="account", id="42"),
    )
    assert shown.whole
    assert not shown.truncated
    assert not shown.edited
    assert shown.version_id == ID
    assert reading.unread == ()
    assert [(str(alias.alias), str(alias.ref)) for alias in reading.aliases] == [
        ("x:handle:ada_example", "x:account:42")
    ]


def test_an_empty_answer_is_a_refused_token() -> None:
    assert outcome(answered("syndication", {}))[0] is Outcome.REFUSED


@pytest.mark.parametrize("tombstone", [{}, {"text": {"text": "This Post was deleted by the Post author."}}])
def test_a_tombstone_is_never_deleted(tombstone: dict[str, Any]) -> None:
    reading = answered("syndication", {"__typename": "TweetTombstone", "tombstone": tombstone})
    assert outcome(reading)[0] is Outcome.UNAVAILABLE
    assert outcome(reading)[1].startswith("tombstone")
    assert reading.posts == ()


def test_the_status_of_syndication() -> None:
    assert outcome(answered("syndication", b"<html></html>", status=404))[0] is Outcome.NOT_FOUND
    assert outcome(answered("syndication", b"", status=400))[0] is Outcome.REFUSED
    assert outcome(answered("syndication", b"", status=429))[0] is Outcome.RATE_LIMITED


def test_a_quotation_and_a_parent() -> None:
    value = syndication(
        quoted_tweet=quoted(), parent=quoted(id_str=PARENT, created_at="2024-10-26T02:22:18.000Z", edit_control=None)
    )
    value["in_reply_to_status_id_str"] = PARENT
    reading = answered("syndication", value)
    assert edges(reading) == {("quotes", ID, QUOTED), ("replies-to", ID, PARENT)}
    assert outcome(reading, QUOTED) == (Outcome.LIVE, "")
    assert post(reading, QUOTED).pointer == "/quoted_tweet"
    assert post(reading, QUOTED).handle == ""
    assert {edge.pinned for edge in reading.edges} == {QUOTED, PARENT}


def test_a_long_post_is_truncated() -> None:
    shown = post(answered("syndication", syndication(note_tweet={"id": "Tm90ZQ=="})))
    assert shown.truncated


def test_a_link_to_a_post_is_not_a_quotation() -> None:
    link = {"url": "https://t.co/aaa", "expanded_url": f"https://x.com/bob_example/status/{QUOTED}", "indices": [0, 1]}
    value = syndication(text="See https://t.co/aaa", entities={"urls": [link]})
    reading = answered("syndication", value)
    assert edges(reading) == {("links-to", ID, QUOTED)}
    assert not post(reading).whole
    assert post(reading).text == f"See https://x.com/bob_example/status/{QUOTED}"


def test_the_quoted_permalink_is_no_text() -> None:
    link = {"url": "https://t.co/aaa", "expanded_url": f"https://x.com/bob_example/status/{QUOTED}", "indices": [0, 1]}
    named = syndication(text="See https://t.co/aaa", entities={"urls": [link]}, quoted_tweet=quoted())
    unnamed = syndication(text="See https://t.co/aaa", quoted_tweet=quoted())
    for value in (named, unnamed):
        reading = answered("syndication", value)
        assert post(reading).text == "See"
        assert edges(reading) == {("quotes", ID, QUOTED)}


def test_media_of_another_post_name_it() -> None:
    borrowed = {"url": "https://t.co/mmm", "expanded_url": f"https://x.com/bob_example/status/{QUOTED}/video/1"}
    own = {"url": "https://t.co/own", "expanded_url": f"https://x.com/ada_example/status/{ID}/photo/1"}
    value = syndication(text="Look https://t.co/mmm", entities={"urls": [], "media": [borrowed, own]})
    reading = answered("syndication", value)
    assert edges(reading) == {("same-media", ID, QUOTED)}
    assert (post(reading).text, post(reading).whole) == ("Look", True)


def test_versions_are_aliases_of_the_first() -> None:
    control = {"initial_tweet_id": EARLIER, "edit_tweet_ids": [EARLIER, ID]}
    reading = answered("syndication", syndication(edit_control=control, isEdited=True))
    assert [(alias.alias.id, alias.ref.id) for alias in reading.aliases if alias.ref.kind == "post"] == [(ID, EARLIER)]
    assert post(reading).edited
    assert post(reading).edited_at == "2024-10-28T00:00:00Z"
    asked_before = answered("syndication", syndication(edit_control=control, isEdited=True), id=EARLIER)
    assert outcome(asked_before, EARLIER) == (Outcome.LIVE, f"shown as version {ID}")
    with pytest.raises(ParseError, match="initial"):
        answered("syndication", syndication(edit_control=control | {"edit_tweet_ids": [QUOTED, ID]}))


def test_an_answer_about_another_post_says_nothing_of_the_one_asked_for() -> None:
    reading = answered("syndication", syndication(), id=PARENT)
    assert outcome(reading, PARENT)[0] is Outcome.UNKNOWN
    assert outcome(reading, ID)[0] is Outcome.LIVE
    assert reading.unread


def test_a_time_that_is_not_that_of_the_id_is_noted() -> None:
    reading = answered("syndication", syndication(created_at="2024-10-27T00:00:00.000Z"))
    assert [note.reason for note in reading.unread] == [
        "the time 2024-10-27T00:00:00Z is not that of the id (2024-10-28T00:00:00Z)"
    ]


def test_an_unreadable_quotation_does_not_hide_the_post() -> None:
    reading = answered("syndication", syndication(quoted_tweet=quoted(id_str=7)))
    assert post(reading).text == "Ships & sealing wax"
    assert not post(reading).whole
    assert [note.pointer for note in reading.unread] == ["/quoted_tweet/id_str"]


def video(*variants: tuple[int | None, str]) -> dict[str, Any]:
    listed = [
        {"content_type": kind, "url": f"https://video.twimg.com/{kind[-3:]}/{rate}.bin"}
        | ({"bitrate": rate} if rate is not None else {})
        for rate, kind in variants
    ]
    return {
        "type": "video",
        "media_url_https": "https://pbs.twimg.com/ext_tw_video_thumb/1850688900000000000/pu/img/x.jpg",
        "original_info": {"width": 1280, "height": 720},
        "video_info": {"variants": listed},
    }


def test_the_best_video_and_the_original_photo() -> None:
    photo = {
        "type": "photo",
        "media_url_https": PHOTO,
        "ext_alt_text": "A cabbage",
        "original_info": {"width": 4, "height": 3},
    }
    clip = video((None, "application/x-mpegURL"), (832000, "video/mp4"), (2176000, "video/mp4"), (256000, "video/mp4"))
    gif = video((0, "video/mp4")) | {"type": "animated_gif"}
    shown = post(answered("syndication", syndication(mediaDetails=[photo, clip, gif])))
    assert [(medium.kind, medium.url, medium.bitrate, medium.key) for medium in shown.media] == [
        ("photo", "https://pbs.twimg.com/media/ExampleName.jpg?name=orig", 0, "ExampleName"),
        ("video", "https://video.twimg.com/mp4/2176000.bin", 2176000, "1850688900000000000"),
        ("animated_gif", "https://video.twimg.com/mp4/0.bin", 0, "1850688900000000000"),
    ]
    assert (shown.media[0].alt, shown.media[0].width) == ("A cabbage", 4)
    with pytest.raises(ParseError, match="no mp4"):
        answered("syndication", syndication(mediaDetails=[video((None, "application/x-mpegURL"))]))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id_str": int(ID)}, "/id_str"),
        ({"id_str": "0"}, "/id_str"),
        ({"text": None}, "/text"),
        ({"created_at": "yesterday"}, "/created_at"),
        ({"user": {"id_str": "42", "screen_name": "a b"}}, "/user/screen_name"),
        (
            {"mediaDetails": [{"type": "photo", "media_url_https": "javascript:alert(1)"}]},
            "/mediaDetails/0/media_url_https",
        ),
        ({"edit_control": {"edit_tweet_ids": "x"}}, "/edit_control/edit_tweet_ids"),
        ({"__typename": "User"}, "/__typename"),
    ],
)
def test_wrong_values_are_named(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ParseError) as refused:
        answered("syndication", syndication(**change))
    assert refused.value.pointer == pointer


# The rule of texts


@pytest.mark.parametrize(
    ("text", "quotes", "expected"),
    [
        ("a https://t.co/known b", False, "a https://news.example/?a=1&copy=2 b"),
        ("@bob @eve &lt;b&gt; &amp;amp; &copy;", False, "@bob @eve <b> &amp; &copy;"),
        ("a https://t.co/media", False, "a"),
        ("a https://t.co/known https://t.co/media", False, "a https://news.example/?a=1&copy=2"),
        ("a https://t.co/media b", False, "a https://t.co/media b"),
        ("a https://t.co/strange", False, "a https://t.co/strange"),
        ("a https://t.co/strange", True, "a"),
        ("a https://t.co/known", True, "a https://news.example/?a=1&copy=2"),
        ("見よhttps://t.co/knownそして", False, "見よhttps://news.example/?a=1&copy=2そして"),
        ("https://t.co/knownfollowed", False, "https://news.example/?a=1&copy=2followed"),
        ("https://t.co/media", False, ""),
        ("👍🏽 &amp; https://t.co/known", False, "👍🏽 & https://news.example/?a=1&copy=2"),
    ],
)
def test_the_rule_of_texts(text: str, quotes: bool, expected: str) -> None:
    links = {"https://t.co/known": "https://news.example/?a=1&copy=2"}
    assert plain(text, links, {"https://t.co/media"}, escaped=True, quotes=quotes) == expected


def test_references_are_undone_once() -> None:
    assert unescape("&amp;lt;") == "&lt;"


# v1.1


def v11(**changes: Any) -> dict[str, Any]:
    value = {
        "created_at": TIME_V11,
        "id": int(ID),
        "id_str": ID,
        "full_text": "Ships &amp; sealing wax https://t.co/aaa",
        "truncated": False,
        "entities": {"urls": [{"url": "https://t.co/aaa", "expanded_url": "https://news.example/", "indices": [0, 1]}]},
        "user": {"id_str": "42", "name": "Ada Example", "screen_name": "Ada_Example"},
        "is_quote_status": False,
        "in_reply_to_status_id_str": None,
        "favorite_count": 7,
        "lang": "en",
    }
    return value | changes


def test_v11_renderings() -> None:
    extended = answered("v1.1", v11())
    assert post(extended).text == "Ships & sealing wax https://news.example/"
    assert dict(post(extended).counts) == {"likes": 7}
    own = {"url": "https://t.co/own", "expanded_url": f"https://twitter.com/i/web/status/{ID}", "indices": [0, 1]}
    cut = v11(truncated=True, text="Ships… https://t.co/own", entities={"urls": [own]})
    del cut["full_text"]
    assert (post(answered("v1.1", cut)).text, post(answered("v1.1", cut)).truncated) == ("Ships…", True)
    assert answered("v1.1", cut).edges == ()
    cut["extended_tweet"] = {"full_text": "Ships and sealing wax", "entities": {}}
    assert (post(answered("v1.1", cut)).text, post(answered("v1.1", cut)).truncated) == ("Ships and sealing wax", False)


def test_a_repost_has_no_text_of_its_own() -> None:
    original = v11(id_str=QUOTED, created_at=QUOTED_V11)
    reading = answered(
        "v1.1", v11(full_text="RT @bob_example: Ships &amp; sea…", entities={}, retweeted_status=original)
    )
    assert edges(reading) == {("reposts", ID, QUOTED)}
    assert (post(reading).whole, post(reading).truncated) == (False, True)
    assert post(reading, QUOTED).whole


def test_a_shown_post_must_be_the_named_one() -> None:
    reading = answered("v1.1", [v11(quoted_status_id_str=PARENT, quoted_status=v11(id_str=QUOTED))])
    assert reading.posts == ()
    assert reading.unread[0].reason == "the post shown is not the post named"
    with pytest.raises(ParseError):
        answered("v1.1", v11(quoted_status_id_str=PARENT, quoted_status=v11(id_str=QUOTED)))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (144, Outcome.NOT_FOUND),
        (179, Outcome.PROTECTED),
        (63, Outcome.SUSPENDED),
        (88, Outcome.RATE_LIMITED),
        (421, Outcome.UNAVAILABLE),
        (131, Outcome.UNREACHABLE),
        (999, Outcome.UNKNOWN),
    ],
)
def test_error_codes(code: int, expected: Outcome) -> None:
    body = {"errors": [{"code": code, "message": "This Post was deleted by the Post author."}]}
    assert outcome(answered("v1.1", body, status=404))[0] is expected
    assert outcome(answered("graphql", body | {"data": {}}))[0] is expected


def test_a_withheld_text_is_not_the_authors() -> None:
    notice = v11(
        full_text="This Post from @ada_example has been withheld.",
        withheld_in_countries=["DE"],
        withheld_scope="status",
    )
    assert outcome(answered("v1.1", notice))[0] is Outcome.WITHHELD
    assert answered("v1.1", notice).posts == ()
    elsewhere = v11(withheld_in_countries=["DE", "FR"])
    assert outcome(answered("v1.1", elsewhere)) == (Outcome.LIVE, "withheld in DE, FR")


# GraphQL


def tweet(**changes: Any) -> dict[str, Any]:
    old = v11(full_text="Ships &amp; sealing wax")
    del old["user"]
    return {
        "__typename": "Tweet",
        "rest_id": ID,
        "core": {"user_results": {"result": {"rest_id": "42", "core": {"screen_name": "Ada_Example", "name": "Ada"}}}},
        "legacy": old,
        "views": {"count": "12", "state": "EnabledWithCount"},
    } | changes


def result(value: Any) -> dict[str, Any]:
    return {"data": {"tweetResult": {"result": value}}}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("NsfwLoggedOut", Outcome.AGE_GATED),
        ("Protected", Outcome.PROTECTED),
        ("Suspended", Outcome.SUSPENDED),
        ("Deleted", Outcome.DELETED),
        ("SomethingNew", Outcome.UNAVAILABLE),
    ],
)
def test_reasons(reason: str, expected: Outcome) -> None:
    assert outcome(answered("graphql", result({"__typename": "TweetUnavailable", "reason": reason}))) == (
        expected,
        reason,
    )


def test_graphql_posts() -> None:
    plain_one = post(answered("graphql", result(tweet())))
    assert (plain_one.text, plain_one.handle, dict(plain_one.counts)["views"]) == (
        "Ships & sealing wax",
        "Ada_Example",
        12,
    )
    wrapped = result({"__typename": "TweetWithVisibilityResults", "tweet": tweet()})
    assert post(answered("graphql", wrapped)).pointer == "/data/tweetResult/result/tweet"
    note = {"note_tweet_results": {"result": {"text": "The whole of it", "entity_set": {"urls": []}}}}
    assert post(answered("graphql", result(tweet(note_tweet=note)))).text == "The whole of it"
    assert post(answered("graphql", result(tweet(note_tweet={"is_expandable": True})))).truncated
    assert outcome(answered("graphql", {"data": {"tweetResult": {}}}))[0] is Outcome.UNAVAILABLE
    with pytest.raises(ParseError):
        answered("graphql", result(tweet(rest_id=QUOTED)))


def test_a_hidden_quotation_is_still_a_quotation() -> None:
    value = tweet(quoted_status_result={"result": {"__typename": "TweetUnavailable", "reason": "Suspended"}})
    value["legacy"] |= {"is_quote_status": True, "quoted_status_id_str": QUOTED}
    reading = answered("graphql", result(value))
    assert edges(reading) == {("quotes", ID, QUOTED)}
    assert outcome(reading, QUOTED) == (Outcome.SUSPENDED, "Suspended")
    assert post(reading).whole


def test_a_thread_names_its_tombstones() -> None:
    def entry(id: str, value: Any) -> dict[str, Any]:
        return {"entryId": f"tweet-{id}", "content": {"itemContent": {"tweet_results": {"result": value}}}}

    entries = [
        entry(ID, tweet()),
        entry(QUOTED, {"__typename": "TweetTombstone", "tombstone": {}}),
        entry(PARENT, {"__typename": "Tweet"}),
    ]
    reading = answered("graphql", {"data": {"threaded": {"instructions": [{"entries": entries}]}}})
    assert outcome(reading) == (Outcome.LIVE, "")
    assert outcome(reading, QUOTED) == (Outcome.UNAVAILABLE, "tombstone")
    assert [note.pointer.rpartition("/")[2] for note in reading.unread] == ["rest_id"]


# v2


def test_v2() -> None:
    body = {
        "data": [
            {
                "id": ID,
                "text": "Ships &amp; wax https://t.co/q https://t.co/m",
                "created_at": TIME,
                "author_id": "42",
                "edit_history_tweet_ids": [ID],
                "referenced_tweets": [{"type": "quoted", "id": QUOTED}, {"type": "replied_to", "id": PARENT}],
                "attachments": {"media_keys": ["7_1850688900000000000"]},
                "entities": {
                    "urls": [
                        {"url": "https://t.co/q", "expanded_url": f"https://twitter.com/bob/status/{QUOTED}"},
                        {
                            "url": "https://t.co/m",
                            "expanded_url": f"https://twitter.com/a/status/{ID}/video/1",
                            "media_key": "7_1",
                        },
                    ]
                },
            }
        ],
        "includes": {
            "users": [{"id": "42", "username": "Ada_Example", "name": "Ada"}],
            "media": [
                {
                    "media_key": "7_1850688900000000000",
                    "type": "video",
                    "variants": [
                        {"bit_rate": 1, "content_type": "video/mp4", "url": "https://video.twimg.com/low.mp4"},
                        {"bit_rate": 9, "content_type": "video/mp4", "url": "https://video.twimg.com/high.mp4"},
                    ],
                }
            ],
        },
        "errors": [
            {
                "resource_type": "tweet",
                "value": QUOTED,
                "title": "Not Found Error",
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            },
            {
                "resource_type": "tweet",
                "value": PARENT,
                "title": "Authorization Error",
                "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
            },
        ],
    }
    reading = answered("v2", body)
    shown = post(reading)
    assert (shown.text, shown.handle, shown.media[0].url, shown.whole) == (
        "Ships & wax",
        "Ada_Example",
        "https://video.twimg.com/high.mp4",
        True,
    )
    assert edges(reading) == {("quotes", ID, QUOTED), ("replies-to", ID, PARENT)}
    assert outcome(reading, QUOTED)[0] is Outcome.NOT_FOUND
    assert outcome(reading, PARENT)[0] is Outcome.UNAVAILABLE
    del body["includes"]["media"]
    assert not post(answered("v2", body)).whole
    assert outcome(answered("v2", {"title": "Unauthorized", "status": 401}, status=401))[0] is Outcome.REFUSED


# FxTwitter, vxTwitter


def fx(**changes: Any) -> dict[str, Any]:
    status = {
        "type": "status",
        "id": ID,
        "text": "Ships & wax (https://news.example/)",
        "raw_text": {
            "text": "Ships &amp; wax https://t.co/aaa https://t.co/mmm",
            "display_text_range": [0, 1],
            "facets": [
                {
                    "type": "url",
                    "indices": [0, 1],
                    "original": "https://t.co/aaa",
                    "replacement": "https://news.example/",
                },
                {"type": "media", "indices": [0, 1], "original": "https://t.co/mmm"},
            ],
        },
        "created_at": TIME_V11,
        "author": {"type": "profile", "id": "42", "screen_name": "Ada_Example", "name": "Ada"},
        "media": {"all": [{"type": "photo", "url": PHOTO, "id": "1850688900000000000", "width": 4, "height": 3}]},
        "replying_to": {"screen_name": "bob_example", "status": PARENT},
        "likes": 5,
        "possibly_sensitive": None,
        "reposted_by": None,
    }
    return {"code": 200, "status": status | changes, "author": None}


def test_fxtwitter() -> None:
    quote = fx(id=QUOTED, created_at=QUOTED_V11, replying_to=None)["status"]
    reading = answered("fxtwitter", fx(quote=quote))
    assert post(reading).text == "Ships & wax https://news.example/"
    assert post(reading).media[0].url == f"{PHOTO}?name=orig"
    assert post(reading).whole
    assert edges(reading) == {("quotes", ID, QUOTED), ("replies-to", ID, PARENT)}


def test_fxtwitter_does_not_make_words_into_reasons() -> None:
    tombstone = {"type": "tombstone", "provider": "twitter", "reason": "deleted", "message": "Deleted", "id": QUOTED}
    reading = answered("fxtwitter", fx(quote=tombstone))
    assert outcome(reading, QUOTED) == (Outcome.UNAVAILABLE, "FxTwitter: tombstone (deleted)")
    assert ("quotes", ID, QUOTED) in edges(reading)
    whole = {"code": 200, "status": tombstone | {"id": ID}}
    assert outcome(answered("fxtwitter", whole))[0] is Outcome.UNAVAILABLE


def test_fxtwitter_codes() -> None:
    assert outcome(answered("fxtwitter", {"code": 401, "status": None}, status=401))[0] is Outcome.PROTECTED
    assert outcome(answered("fxtwitter", {"code": 404, "status": None}, status=404))[0] is Outcome.NOT_FOUND
    assert outcome(answered("fxtwitter", {"code": 500, "status": None}, status=500))[0] is Outcome.UNREACHABLE


@pytest.mark.parametrize("route", ["fxtwitter", "graphql", "v2", "vxtwitter", "wayback"])
def test_a_bare_404_of_a_third_party_says_nothing_of_the_post(route: str) -> None:
    assert outcome(answered(route, b"<html>no such path</html>", status=404))[0] is Outcome.UNKNOWN


def test_fxtwitter_answers_a_repost_with_the_original() -> None:
    reading = answered("fxtwitter", fx(id=QUOTED, created_at=QUOTED_V11, reposted_by={"id": "44"}, replying_to=None))
    assert edges(reading) == {("reposts", ID, QUOTED)}
    assert outcome(reading) == (Outcome.LIVE, "a repost")


def vx(**changes: Any) -> dict[str, Any]:
    return {
        "text": "Ships & wax &amp;",
        "date": TIME_V11,
        "tweetURL": f"https://twitter.com/Ada_Example/status/{ID}",
        "tweetID": ID,
        "media_extended": [
            {"type": "image", "url": PHOTO, "id_str": "1850688900000000000", "size": {"width": 4, "height": 3}}
        ],
        "qrtURL": f"https://twitter.com/i/status/{QUOTED}",
        "replyingToID": PARENT,
        "retweetURL": None,
        "possibly_sensitive": False,
        "lang": "en",
    } | changes


def test_vxtwitter() -> None:
    reading = answered("vxtwitter", vx())
    assert post(reading).text == "Ships & wax &amp;"
    assert str(post(reading).author) == "x:handle:ada_example"
    assert edges(reading) == {("quotes", ID, QUOTED), ("replies-to", ID, PARENT)}
    with pytest.raises(ParseError) as refused:
        answered("vxtwitter", vx(tweetURL=f"https://twitter.com/Ada_Example/status/{QUOTED}"))
    assert refused.value.pointer == "/tweetURL"
    with pytest.raises(ParseError):
        answered("vxtwitter", vx(qrtURL="https://twitter.com.evil.example/i/status/1"))


# oEmbed


def oembed(text: str, *, id: str = ID, day: str = "October 28, 2024") -> dict[str, Any]:
    link = f"https://twitter.com/Ada_Example/status/{id}?ref_src=twsrc%5Etfw"
    signature = f'&mdash; Ada (@Ada_Example) <a href="{link}">{day}</a>'
    markup = f'<blockquote class="twitter-tweet"><p lang="en" dir="ltr">{text}</p>{signature}</blockquote>'
    return {
        "url": f"https://twitter.com/Ada_Example/status/{ID}",
        "author_url": "https://twitter.com/Ada_Example",
        "author_name": "Ada",
        "html": markup,
    }


def test_oembed() -> None:
    words = 'Ships &amp; <a href="https://twitter.com/hashtag/wax">#wax</a><br>here <a href="https://t.co/mmm">pic.twitter.com/mmm</a>'
    reading = answered("oembed", oembed(words))
    assert post(reading).text == "Ships & #wax\nhere"
    assert (post(reading).posted_at, post(reading).lang, post(reading).whole) == ("2024-10-28T00:00:00Z", "en", False)
    assert reading.unread == ()
    assert answered("oembed", oembed("x", day="October 29, 2024")).unread
    with pytest.raises(ParseError, match="not the embed"):
        answered("oembed", oembed("x", id=QUOTED))
    assert outcome(answered("oembed", b"", status=404))[0] is Outcome.NOT_FOUND
    assert outcome(answered("oembed", {"errors": [{"code": 179}]}, status=403))[0] is Outcome.PROTECTED


# t.co


def short(body: bytes = b"", *, status: int = 301, location: str = "") -> Reading:
    ref = Ref(platform="x", kind="short", id="aB1")
    request = Request(ref=ref, route="tco", url="https://t.co/aB1", follow=False)
    headers = (("location", location),) if location else ()
    return parse(request, Answer(request=request, status=status, headers=headers, body=body, url="https://t.co/aB1"))


def test_short_links() -> None:
    address = f"https://twitter.com/ada_example/status/{ID}/photo/1"
    moved = short(location=address)
    refreshed = short(f'<head><META http-equiv="refresh" content="0;URL={address}"></head>'.encode(), status=200)
    for reading in (moved, refreshed):
        (edge,) = reading.edges
        assert (edge.kind, edge.source.id, str(edge.target), edge.pinned) == (
            EdgeKind.RESOLVES_TO,
            "aB1",
            f"x:post:{ID}",
            address,
        )
        assert reading.findings[0].outcome is Outcome.LIVE
    (edge,) = short(location="https://news.example/a?b=c").edges
    assert str(edge.target) == "web:page:https://news.example/a?b=c"
    (edge,) = short(location="https://x.com/safety/unsafe_link_warning?unsafe_link=https%3A%2F%2Fnews.example%2F").edges
    assert edge.pinned == "https://news.example/"
    assert short(status=404).findings[0].outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize("location", ["", "javascript:alert(1)", "https://", "https://[", "ftp://a.example/"])
def test_a_short_link_that_leads_nowhere(location: str) -> None:
    with pytest.raises(ParseError):
        short(location=location)
    with pytest.raises(ParseError):
        short(b"<html></html>", status=200)


# Wayback


def page(**changes: str) -> bytes:
    values = {"id": ID, "handle": "ada_example", "time": "1730073600"} | changes
    return f"""<html><div class="tweet permalink-tweet" data-tweet-id="{values["id"]}" data-user-id="42"
      data-screen-name="{values["handle"]}" data-name="Ada" data-conversation-id="{ID}">
      <span data-time="{values["time"]}"></span>
      <p class="TweetTextSize tweet-text" lang="en">Ships &amp; <img class="Emoji" alt="🚢">
<a href="https://t.co/aaa" data-expanded-url="https://news.example/">news</a><a
 href="https://t.co/mmm" class="twitter-timeline-link u-hidden">pic.twitter.com/mmm</a></p></div></html>""".encode()


def test_a_copy_says_nothing_of_today() -> None:
    given = {"given": (("stage", "copy"), ("timestamp", "20241101000000"))}
    for body in (page(), v11(), {"data": {"id": ID, "text": "Ships", "created_at": TIME}}):
        reading = answered("wayback", body, **given)
        assert outcome(reading) == (Outcome.UNKNOWN, "a copy of 20241101000000")
        assert post(reading).text.startswith("Ships")
        assert reading.unread == ()
    assert post(answered("wayback", page(), **given)).text == "Ships & 🚢\nhttps://news.example/"


@pytest.mark.parametrize("change", [{"id": "x"}, {"handle": "a b"}, {"time": "soon"}])
def test_a_tampered_copy(change: dict[str, str]) -> None:
    with pytest.raises(ParseError):
        answered("wayback", page(**change))


def test_the_index() -> None:
    rows = [
        ["original", "timestamp", "mimetype", "statuscode"],
        [f"https://twitter.com/a/status/{ID}", "20241101000000", "text/html", "200"],
    ]
    given = {"given": (("stage", "index"),)}
    assert outcome(answered("wayback", rows, **given)) == (Outcome.UNKNOWN, "1 copies in the Wayback Machine")
    assert outcome(answered("wayback", [], **given))[1].startswith("0 copies")
    for bad in ([["timestamp"]], [*rows, ["a"]], [rows[0], [rows[1][0], "yesterday", "a", "200"]], {"a": 1}):
        with pytest.raises(ParseError):
            answered("wayback", bad, **given)


# Activity Streams, archives


def test_activity_streams() -> None:
    value = {
        "id": f"tag:search.twitter.com,2005:{ID}",
        "objectType": "activity",
        "verb": "post",
        "actor": {"id": "id:twitter.com:42", "preferredUsername": "Ada_Example", "displayName": "Ada"},
        "postedTime": TIME,
        "body": "Ships &amp; wax",
        "inReplyTo": {"link": f"http://twitter.com/bob_example/statuses/{PARENT}"},
        "twitter_entities": {"urls": []},
    }
    reading = answered("v1.1", value)
    assert (post(reading).text, edges(reading)) == ("Ships & wax", {("replies-to", ID, PARENT)})
    with pytest.raises(ParseError):
        answered("v1.1", value | {"id": "tag:search.twitter.com,2005:x"})


def test_an_archive() -> None:
    entry = v11(favorite_count="7")
    del entry["user"]
    body = b"window.YTD.tweets.part0 = " + json.dumps([{"tweet": entry}]).encode()
    (shown,) = parse_shape("twitter-archive", body).posts
    assert (shown.author, dict(shown.counts)) == (None, {"likes": 7})
    with pytest.raises(ParseError):
        parse_shape("twitter-archive", b"[]")


# Wrong types, everywhere

WRONG: tuple[Any, ...] = (None, True, -1, 7, 1.5, "", "x", "https://[", [], ["x"], {}, {"x": 1}, [[{"x": [None]}]])


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, inner in steps for place in places(inner, (*at, key)))]


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    value = copy.copy(value)
    value[place[0]] = replaced(value[place[0]], place[1:], by)
    return value


def sound(reading: Reading) -> None:
    """No value of a wrong type is stored anywhere."""
    for shown in reading.posts:
        assert isinstance(shown.text, str)
        assert shown.ref.id.isdigit()
        assert all(isinstance(count, int) and not isinstance(count, bool) for _, count in shown.counts)
        assert all(medium.url.startswith(("https://", "http://")) and medium.key for medium in shown.media)
        assert all(isinstance(flag, bool) for flag in (shown.sensitive, shown.truncated, shown.whole, shown.edited))
    for ref in [edge.target for edge in reading.edges] + [finding.ref for finding in reading.findings]:
        assert Ref.parse(str(ref)) == ref


BODIES: dict[str, Callable[[], Any]] = {
    "syndication": lambda: syndication(quoted_tweet=quoted(), parent=quoted(), mediaDetails=[video((1, "video/mp4"))]),
    "v1.1": lambda: v11(
        quoted_status_id_str=QUOTED,
        quoted_status=v11(id_str=QUOTED),
        extended_entities={"media": [video((1, "video/mp4"))]},
    ),
    "graphql": lambda: result(tweet(quoted_status_result={"result": tweet(rest_id=QUOTED, legacy=v11(id_str=QUOTED))})),
    "fxtwitter": lambda: fx(quote=fx(id=QUOTED)["status"]),
    "vxtwitter": vx,
    "oembed": lambda: oembed('<a href="https://t.co/a">https://t.co/a</a>'),
}


@pytest.mark.parametrize("route", BODIES)
def test_wrong_types_are_refused_by_name(route: str) -> None:
    value = BODIES[route]()
    cases = unnamed = 0
    for place in places(value):
        for wrong in WRONG:
            cases += 1
            try:
                sound(answered(route, replaced(value, place, wrong)))
            except ParseError as error:
                unnamed += not error.pointer
    print(f"{route}: {cases} wrong values")
    assert unnamed == 0
    assert cases > 50


@pytest.mark.parametrize(
    "route", ["syndication", "v1.1", "graphql", "v2", "fxtwitter", "vxtwitter", "oembed", "wayback"]
)
def test_depth_is_bounded(route: str) -> None:
    key = {"syndication": "quoted_tweet", "v1.1": "quoted_status", "fxtwitter": "quote"}.get(route, "data")
    deep: Any = {"id_str": ID, "type": "status", "__typename": "Tweet"}
    for _ in range(400):
        deep = {key: deep, "id_str": ID, "id": ID, "type": "status", "__typename": "Tweet", "code": 200}
    for body in (b"[" * 100_000, b'{"data":' * 5_000, json.dumps(deep).encode()):
        try:
            reading = answered(route, body)
        except ParseError:
            continue
        assert reading.posts == ()
        assert outcome(reading)[0] is Outcome.UNKNOWN


def test_quotations_nested_deeper_than_any_answer_are_not_read() -> None:
    value = quoted()
    for _ in range(150):
        value = quoted(quoted_tweet=value)
    reading = answered("syndication", syndication(quoted_tweet=value))
    assert any("too deeply" in note.reason for note in reading.unread)


def test_an_unknown_route() -> None:
    with pytest.raises(ParseError):
        answered("telegraph", {})


def test_links_that_lead_off_the_platform_are_edges_and_ask_no_further_route() -> None:
    value = syndication()
    value["text"] += " https://t.co/elsewhere1"
    value["entities"]["urls"] = [
        {"url": "https://t.co/elsewhere1", "expanded_url": "https://paper.example/story", "indices": [0, 1]}
    ]
    reading = answered("syndication", value)
    assert (ID, "web:page:https://paper.example/story") in pages(reading)
    assert next(post for post in reading.posts if post.ref.id == ID).whole
    value["entities"]["urls"][0]["expanded_url"] = "javascript:alert(1)"
    assert (ID, "web:page:javascript:alert(1)") not in pages(answered("syndication", value))
