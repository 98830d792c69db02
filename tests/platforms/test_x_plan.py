"""Which route of X is asked next."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from archiver.model import Answer, Failure, Ref, Request, Settings
from archiver.platforms.x import parse, plan, post_ref

ID, OTHER = "1850688931230646273", "1850000000000000001"
REF = post_ref(ID)
PLAIN = Settings()
EVERYTHING = Settings(
    secrets=frozenset({"X_BEARER_TOKEN", "X_GUEST_BEARER"}),
    options={"x.graphql_query_id": "Query_Id", "x.wayback": "yes"},
)


def syndication(**changes: Any) -> dict[str, Any]:
    return {
        "__typename": "Tweet",
        "created_at": "2024-10-28T00:00:00.000Z",
        "entities": {"urls": []},
        "id_str": ID,
        "text": "Ships",
        "user": {"id_str": "42", "screen_name": "Ada_Example"},
    } | changes


def answer(request: Request, value: Any = None, *, status: int | None = 200, **more: Any) -> Answer:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(request=request, status=status, body=body, url=request.url, **more)


def walk(settings: Settings, replies: dict[str, Any], ref: Ref = REF) -> list[Request]:
    """All requests, in order; a route without a reply answers 404 without a body."""
    answers: tuple[Answer, ...] = ()
    asked: list[Request] = []
    for _ in range(20):
        requests = plan(ref, answers, settings)
        if not requests:
            return asked
        for request in requests:
            asked.append(request)
            reply = replies.get(request.route)
            if callable(reply):
                reply = reply(request)
            answers += (answer(request, b"", status=404) if reply is None else answer(request, reply),)
    raise AssertionError("the plan does not end")


def routes(settings: Settings, replies: dict[str, Any]) -> list[str]:
    return [request.route for request in walk(settings, replies)]


def test_a_whole_answer_ends_the_row() -> None:
    assert routes(PLAIN, {"syndication": syndication()}) == ["syndication"]


def test_the_row_without_any_answer() -> None:
    assert routes(PLAIN, {}) == ["syndication", "fxtwitter", "oembed"]
    assert routes(EVERYTHING, {"guest": {"guest_token": "123"}}) == [
        *("v2", "syndication", "fxtwitter", "guest", "graphql", "oembed", "wayback", "wayback"),
    ]


def test_without_a_guest_token_the_web_is_not_asked() -> None:
    assert "graphql" not in routes(EVERYTHING, {"guest": {"guest_token": "not digits"}})
    assert "graphql" not in routes(EVERYTHING, {})


def test_what_is_not_whole_is_asked_for_again() -> None:
    link = {"url": "https://t.co/a", "expanded_url": f"https://x.com/b/status/{OTHER}"}
    for reply in (
        {},
        {"__typename": "TweetTombstone", "tombstone": {}},
        syndication(note_tweet={"id": "x"}),
        syndication(text="https://t.co/a", entities={"urls": [link]}),
        syndication(id_str=OTHER),
        b"not JSON",
    ):
        assert routes(PLAIN, {"syndication": reply}) == ["syndication", "fxtwitter", "oembed"]


def test_a_reply_without_its_parent_is_whole() -> None:
    assert routes(PLAIN, {"syndication": syndication(in_reply_to_status_id_str=OTHER)}) == ["syndication"]


def test_a_later_version_stands_for_the_one_asked_for() -> None:
    edited = syndication(id_str=ID, edit_control={"edit_tweet_ids": [OTHER, ID]})
    (only,) = walk(PLAIN, {"syndication": edited}, post_ref(OTHER))
    assert only.route == "syndication"


def test_an_answer_that_did_not_come_whole_is_no_answer() -> None:
    (first,) = plan(REF, (), PLAIN)
    broken = answer(first, syndication(), failure=Failure.TRUNCATED)
    silent = answer(first, b"", status=None, failure=Failure.TIMEOUT)
    for reply in (broken, silent):
        assert [request.route for request in plan(REF, (reply,), PLAIN)] == ["fxtwitter"]


def test_requests() -> None:
    asked = {request.route: request for request in walk(EVERYTHING, {"guest": {"guest_token": "123"}})}
    assert asked["v2"].headers == (("Authorization", "Bearer {secret:X_BEARER_TOKEN}"),)
    fields = parse_qs(urlsplit(asked["v2"].url).query)
    assert fields["ids"] == [ID]
    assert "note_tweet" in fields["tweet.fields"][0].split(",")
    assert "variants" in fields["media.fields"][0].split(",")
    assert "referenced_tweets.id" in fields["expansions"][0].split(",")
    assert asked["syndication"].url.startswith(
        f"https://cdn.syndication.twimg.com/tweet-result?id={ID}&lang=en&token=4"
    )
    assert asked["fxtwitter"].url == f"https://api.fxtwitter.com/2/status/{ID}"
    assert parse_qs(urlsplit(asked["oembed"].url).query)["url"] == [f"https://x.com/i/status/{ID}"]
    assert asked["guest"].method == "POST"
    assert ("x-guest-token", "123") in asked["graphql"].headers
    assert asked["graphql"].given == (("guest_token", "123"),)
    assert "/Query_Id/TweetResultByRestId?" in asked["graphql"].url
    assert all(request.ref == REF for request in asked.values())


def test_endpoints_can_be_replaced() -> None:
    names = ("x.syndication", "x.fxtwitter", "x.oembed")
    local = Settings(endpoints={name: f"http://127.0.0.1:9/{name}/" for name in names})
    for request in walk(local, {}):
        assert request.url.startswith(f"http://127.0.0.1:9/x.{request.route}")
        assert "//x." not in request.url


def test_the_wayback_machine_is_asked_for_both_spellings_then_for_one_copy() -> None:
    def reply(request: Request) -> Any:
        if dict(request.given)["stage"] == "copy":
            return syndication()
        rows = [["original", "timestamp", "mimetype", "statuscode"]]
        if dict(request.given)["spelling"] == "twitter.com":
            address = f"https://twitter.com/ada_example/status/{ID}"
            rows += [
                [address, "20250101000000", "text/html", "200"],
                [address, "20240101000000", "application/json", "200"],
                [address, "20230101000000", "application/json", "200"],
                [address, "20260101000000", "application/json", "404"],
                [f"https://twitter.com/ada_example/status/{OTHER}", "20270101000000", "application/json", "200"],
            ]
        return rows

    cut = syndication(note_tweet={"id": "x"})
    asked = [
        request for request in walk(EVERYTHING, {"wayback": reply, "syndication": cut}) if request.route == "wayback"
    ]
    assert [parse_qs(urlsplit(request.url).query)["url"][0] for request in asked[:2]] == [
        f"https://twitter.com/Ada_Example/status/{ID}",
        f"https://x.com/Ada_Example/status/{ID}",
    ]
    (copy,) = asked[2:]
    assert copy.url == f"https://web.archive.org/web/20240101000000id_/https://twitter.com/ada_example/status/{ID}"


def short(key: str) -> Ref:
    return Ref(platform="x", kind="short", id=key)


def test_short_links_are_followed_a_bounded_way() -> None:
    def chain(targets: dict[str, str]) -> list[str]:
        answers: tuple[Answer, ...] = ()
        asked: list[str] = []
        while requests := plan(short("a"), answers, PLAIN):
            (request,) = requests
            assert not request.follow
            assert request.url == f"https://t.co/{request.ref.id}"
            asked.append(request.ref.id)
            location = (("location", targets[request.ref.id]),)
            answers += (Answer(request=request, status=301, headers=location, url=request.url),)
            assert len(asked) < 20
        for reply in answers:
            assert parse(reply.request, reply).edges[0].source == reply.request.ref
        return asked

    assert chain({"a": f"https://x.com/i/status/{ID}"}) == ["a"]
    assert chain({"a": "https://t.co/b", "b": "https://news.example/"}) == ["a", "b"]
    assert chain({"a": "https://t.co/b", "b": "https://t.co/a"}) == ["a", "b"]
    assert chain({key: f"https://t.co/{following}" for key, following in zip("abcdefgh", "bcdefghi", strict=True)}) == [
        *"abcde"
    ]


def test_accounts_have_no_route() -> None:
    for kind, id in (("account", "42"), ("handle", "ada_example")):
        assert plan(Ref(platform="x", kind=kind, id=id), (), EVERYTHING) == ()
