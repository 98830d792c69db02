"""Right answers of every route, by platform: those that the tests of the platforms invented, to be made wrong."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from archiver.model import Answer, Ref, Request
from tests.fuzz import wholes
from tests.nostr_made import ANN, made

sys.path.append(str(Path(__file__).parent.parent / "platforms"))
import test_bluesky_plan as sky
import test_fediverse as fedi
import test_x_shapes as x

TCO = '<head><META http-equiv="refresh" content="0;URL=https://twitter.com/ada/status/20/photo/1"></head>'


def _answer(ref: str, route: str, body: Any, kind: str, url: str = "https://api.example/1", **given: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(ref=Ref.parse(ref), route=route, url=url, given=tuple(given.items()))
    headers = (("content-type", kind), ("location", "https://news.example/moved"))
    return Answer(request=request, status=200, headers=headers, body=content, url=url, at="2024-10-28T12:00:00Z")


@cache
def of(platform: str) -> tuple[Answer, ...]:
    """A few right answers of the platform, at least one of each route."""
    js, ap = "application/json", "application/activity+json"
    if platform == "bluesky":
        live = sky.run(sky.POST, sky.network())
        by_name = sky.run(sky.BY_HANDLE, sky.network())
        gone = sky.run(sky.POST, sky.network() | {"record": sky.refused("RecordNotFound")})
        profile = sky.run(Ref.parse(f"bluesky:account:{sky.ALICE}"), sky.network())
        return (
            *live.values(),
            by_name["resolve-handle"],
            gone["repo-status"],
            gone["record-proof"],
            profile["profile"],
        )
    if platform == "x":
        post, index = f"x:post:{x.ID}", [["original", "timestamp", "mimetype", "statuscode"]]
        index.append([f"https://twitter.com/a/status/{x.ID}", "20241101000000", "text/html", "200"])
        data = {
            "id": x.ID,
            "text": "Ships &amp; wax https://t.co/q",
            "created_at": x.TIME,
            "author_id": "42",
            "edit_history_tweet_ids": [x.ID],
            "referenced_tweets": [{"type": "quoted", "id": x.QUOTED}],
            "attachments": {"media_keys": ["7_1"]},
            "entities": {"urls": [{"url": "https://t.co/q", "expanded_url": "https://news.example/"}]},
        }
        media = {"media_key": "7_1", "type": "photo", "url": x.PHOTO, "width": 1, "height": 2}
        users = [{"id": "42", "username": "Ada_Example", "name": "Ada"}]
        quoted = data | {"id": x.QUOTED, "edit_history_tweet_ids": [x.QUOTED], "created_at": x.QUOTED_TIME}
        v2 = {"data": [data], "includes": {"users": users, "media": [media], "tweets": [quoted]}, "errors": []}
        return (
            *(_answer(post, route, make(), js) for route, make in x.BODIES.items()),
            _answer(post, "v2", v2, js),
            _answer(post, "guest", {"guest_token": "1850688931230646273"}, js),
            _answer(post, "wayback", x.page(), "text/html", stage="copy", timestamp="20241101000000"),
            _answer(post, "wayback", index, js, stage="index"),
            _answer("x:short:aB1", "tco", TCO.encode(), "text/html", url="https://t.co/aB1"),
        )
    if platform == "fediverse":
        post, url, uri = f"fediverse:post:{fedi.URL}", fedi.URL, fedi.URI
        noted = fedi.note(
            to=["https://www.w3.org/ns/activitystreams#Public"],
            quoteUrl="https://other.example/@bo/1",
            inReplyTo=uri + "1",
            attachment=[
                {"type": "Document", "mediaType": "image/png", "url": "https://social.example/p.png", "width": 3}
            ],
            tag=[{"type": "Mention", "href": "https://other.example/users/bo", "name": "@bo"}],
            updated="2024-03-02T09:00:00Z",
        )
        signed, actor = fedi.signed(noted)
        medium = {
            "id": "7",
            "type": "image",
            "url": "https://social.example/p.png",
            "description": "p",
            "meta": {"original": {"width": 3, "height": 2}},
        }
        shown = fedi.status(
            media_attachments=[medium],
            quote={"state": "accepted", "quoted_status": fedi.status(id="1", uri=uri + "1")},
            in_reply_to_id="2",
            replies_count=3,
            edited_at="2024-03-02T09:00:00.000Z",
            sensitive=True,
            spoiler_text="careful",
        )
        boost = fedi.status(id="9", uri=uri + "/activity", reblog=shown)
        finger = {"subject": "acct:ada@social.example", "links": [{"rel": "self", "type": ap, "href": fedi.ACTOR_ID}]}
        api = f"https://social.example/api/v1/statuses/{fedi.NUMBER}"
        return (
            _answer(post, "status", shown, js, url=api),
            _answer(post, "status", boost, js, url=api),
            _answer(f"fediverse:post:{uri}", "history", [fedi.status(), shown], js, url=f"{api}/history", uri=uri),
            _answer(f"fediverse:post:{uri}", "object", signed, ap, url=uri),
            _answer(post, "object", noted, ap, url=url),
            _answer(f"fediverse:account:{fedi.ACTOR_ID}", "actor", actor, ap, url=fedi.ACTOR_ID),
            _answer(
                "fediverse:handle:ada@social.example",
                "webfinger",
                finger,
                "application/jrd+json",
                url="https://social.example/.well-known/webfinger?resource=acct:ada@social.example",
            ),
            _answer(post, "page", wholes.HTML.encode(), "text/html", url=url),
        )
    if platform == "nostr":
        event = made(
            ANN,
            "words nostr:x https://a.example/i.png",
            ["e", "1" * 64, "", "reply"],
            ["imeta", "url https://a.example/i.png"],
        )
        other = made(ANN, json.dumps(event), ["e", event["id"]], ["p", event["pubkey"]], kind=6)
        gone = made(ANN, "", ["e", event["id"]], kind=5)
        ref, url = f"nostr:note:{event['id']}", "https://gate.example/e"
        return (
            _answer(ref, "event", {"event": event}, js, url=url),
            _answer(ref, "event", [event, other, gone], js, url=url),
            _answer(ref, "event", ["EVENT", "s", other], js, url=url),
        )
    page = "https://news.example/a/story.html"
    return (
        _answer(f"web:page:{page}", "page", wholes.HTML.encode(), "text/html; charset=utf-8", url=page),
        _answer(f"web:page:{page}", "page", wholes.HTML.encode("utf-16"), "", url=page),
        _answer(
            "web:media:https://news.example/a.png",
            "media",
            b"\x89PNG\r\n",
            "image/png",
            url="https://news.example/a.png",
        ),
    )
