"""The players of an invented world: X, a Mastodon host, web sites (Bluesky is in `sky`).

All people, posts and handles are invented. Nothing here uses the code under test.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playing import JSON, NOTHING, Reply, Server, answer, chunked, message, zipped

# ---- X --------------------------------------------------------------------------------------------------------


def snowflake(moment: str) -> str:
    """The X id of a UTC time."""
    since = datetime.fromisoformat(moment.replace("Z", "+00:00")) - datetime(1970, 1, 1, tzinfo=UTC)
    return str((since // timedelta(milliseconds=1) - 1288834974657) << 22)


@dataclass
class Tweet:
    """A post of X as this world holds it; `quote` is the id of what it quotes."""

    id: str
    handle: str
    name: str
    text: str
    at: str
    quote: str = ""
    gone: bool = False

    def user(self) -> dict[str, str]:
        number = int(hashlib.sha256(self.handle.encode()).hexdigest()[:12], 16)
        return {"id_str": str(number), "screen_name": self.handle, "name": self.name}


class X:
    """Syndication (which refuses a wrong token), FxTwitter, oEmbed, t.co and the official API on one port.

    `stale` are ids that a quoting post still shows by value though they are gone. `busy` are ids whose first ask
    is answered with 429. `tokens` are the tokens that V8 computes for the ids of this world.
    """

    def __init__(self, tokens: dict[str, str]) -> None:
        self.posts: dict[str, Tweet] = {}
        self.stale: set[str] = set()
        self.busy: dict[str, str] = {}
        self.short: dict[str, str] = {}
        self.tokens = tokens
        self.bearer = ""
        self.server = Server(self.respond)

    def add(self, handle: str, name: str, text: str, at: str, quote: str = "") -> Tweet:
        tweet = Tweet(snowflake(at), handle, name, text, at, quote)
        self.posts[tweet.id] = tweet
        return tweet

    def delete(self, tweet: Tweet, *, still_shown: bool = False) -> None:
        tweet.gone = True
        if still_shown:
            self.stale.add(tweet.id)

    def endpoints(self) -> dict[str, str]:
        base = self.server.base
        return {
            "x.syndication": f"{base}/syndication",
            "x.fxtwitter": f"{base}/fx",
            "x.oembed": f"{base}/oembed",
            "x.tco": f"{base}/tco",
            "x.v2": f"{base}/v2",
        }

    def respond(self, target: str, raw: bytes) -> Reply:
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        match parts.path.split("/")[1:]:
            case ["syndication", "tweet-result"]:
                return self._syndication(query)
            case ["fx", "2", "status", id]:
                return self._gone_fx() if not self._here(id) else answer({"code": 500, "message": "ERROR"})
            case ["oembed"]:
                id = query["url"].rpartition("/")[2]
                return NOTHING if not self._here(id) else answer({}, status="500 Internal Server Error")
            case ["tco", key]:
                where = self.short.get(key)
                return NOTHING if where is None else message(b"", f"Location: {where}", status="301 Moved")
            case ["v2", "2", "tweets"]:
                return self._v2(query["ids"], raw)
        return NOTHING

    def _here(self, id: str) -> bool:
        return id in self.posts and not self.posts[id].gone

    def _syndication(self, query: dict[str, str]) -> Reply:
        id = query["id"]
        if query.get("token") != self.tokens.get(id) or query.get("lang") != "en":
            return answer({})
        if id in self.busy:
            return message(b"slow down", f"Retry-After: {self.busy.pop(id)}", status="429 Too Many Requests")
        if not self._here(id):
            return answer({"__typename": "TweetTombstone", "tombstone": {"text": {"text": "words decide nothing"}}})
        return zipped({"__typename": "Tweet", **self._tweet(self.posts[id])})

    def _tweet(self, tweet: Tweet, depth: int = 0) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id_str": tweet.id,
            "text": tweet.text,
            "created_at": tweet.at,
            "user": tweet.user(),
            "entities": {"urls": [], "media": []},
            "lang": "en",
            "favorite_count": 3,
        }
        if tweet.quote and depth < 3 and (self._here(tweet.quote) or tweet.quote in self.stale):
            shown["quoted_tweet"] = self._tweet(self.posts[tweet.quote], depth + 1)
        return shown

    @staticmethod
    def _gone_fx() -> Reply:
        return answer({"code": 404, "message": "NOT_FOUND"}, status="404 Not Found")

    def _v2(self, id: str, raw: bytes) -> Reply:
        """Echoes the token that it was sent, as a careless server may: in a header and in the body."""
        given = re.search(rb"\r\nauthorization: bearer ([^\r\n]+)", raw, re.IGNORECASE)
        if given is None or given[1].decode() != self.bearer:
            return answer({"title": "Unauthorized", "status": 401}, status="401 Unauthorized")
        tweet, echo = self.posts[id], given[1].decode()
        user = {"id": tweet.user()["id_str"], "username": tweet.handle, "name": tweet.name}
        data = {"id": id, "text": tweet.text, "author_id": user["id"], "created_at": tweet.at, "lang": "en"}
        return answer({"data": [data], "includes": {"users": [user]}, "debug": echo}, f"X-Echo: {echo}")


# ---- a Mastodon host --------------------------------------------------------------------------------------------


class Mastodon:
    """`/api/v1/statuses/:id` and files. `toots` maps an id to the JSON, or to None for what was deleted."""

    def __init__(self) -> None:
        self.toots: dict[str, dict[str, Any] | None] = {}
        self.busy: dict[str, str] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.server = Server(self.respond)

    def uri(self, user: str, id: str) -> str:
        return f"{self.server.base}/users/{user}/statuses/{id}"

    def url(self, user: str, id: str) -> str:
        return f"{self.server.base}/@{user}/{id}"

    def toot(self, user: str, id: str, html: str, at: str, **more: Any) -> dict[str, Any]:
        base = self.server.base
        self.toots[id] = {
            "id": id,
            "uri": self.uri(user, id),
            "url": self.url(user, id),
            "created_at": at,
            "content": html,
            "language": "en",
            "account": {
                "id": hashlib.sha256(user.encode()).hexdigest()[:9],
                "acct": user,
                "display_name": user.title(),
                "url": f"{base}/@{user}",
                "uri": f"{base}/users/{user}",
            },
            "media_attachments": [],
            **more,
        }
        return self.toots[id] or {}

    def picture(self, name: str) -> dict[str, Any]:
        meta = {"original": {"width": 8, "height": 8}}
        url = f"{self.server.base}/media/{name}"
        return {"id": name.partition(".")[0], "type": "image", "url": url, "description": "a bridge", "meta": meta}

    def respond(self, target: str, raw: bytes) -> Reply:
        del raw
        path = urlsplit(target).path
        if path in self.files:
            kind, data = self.files[path]
            return message(data, f"Content-Type: {kind}")
        found = re.fullmatch(r"/api/v1/statuses/(\d+)", path)
        if found and found[1] in self.busy:
            pause = self.busy.pop(found[1])
            return answer({"error": "Too many"}, f"Retry-After: {pause}", status="429 Too Many Requests")
        toot = self.toots.get(found[1]) if found else None
        if toot is not None:
            return chunked(json.dumps(toot).encode(), JSON)
        return answer({"error": "Record not found"}, status="404 Not Found") if found else NOTHING


# ---- sites --------------------------------------------------------------------------------------------------------


class Site:
    """Pages by path; what has no page is 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply] = {}
        self.server = Server(lambda target, raw: self.pages.get(target, NOTHING))

    def url(self, path: str) -> str:
        return self.server.base + path


def jpeg(seed: int, size: int = 2000) -> bytes:
    """Bytes with the marks of a JPEG file at both ends; nothing here decodes pictures."""
    noise = b"".join(hashlib.sha256(f"{seed}.{n}".encode()).digest() for n in range(size // 32))
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + noise + b"\xff\xd9"


def embedded(words: str, tweet: Tweet, day: str) -> str:
    """The markup that X hands out for an embed."""
    return (
        f'<blockquote class="twitter-tweet"><p lang="en" dir="ltr">{words}</p>&mdash; {tweet.name} (@{tweet.handle}) '
        f'<a href="https://twitter.com/{tweet.handle}/status/{tweet.id}?ref_src=twsrc%5Etfw">{day}</a></blockquote>'
    )
