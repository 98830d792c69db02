"""X for the demonstration: what syndication, FxTwitter, oEmbed, t.co and the picture host answer.

Handles have more letters than X allows, keys of short links and pictures fewer or more than X makes, and the last
22 bits of every id are zero: nothing here can belong to anybody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sky import EPOCH
from wire import Reply, answer, plain

from archiver.platforms.x import token


def snowflake(moment: str) -> str:
    """The id of a UTC time; worker and sequence are 0."""
    since = datetime.fromisoformat(moment) - EPOCH
    return str((since // timedelta(milliseconds=1) - 1288834974657) << 22)


@dataclass(frozen=True)
class Tweet:
    """A post. `quotes` and `answers` are other posts; `short` ends the text and leads to `leads` (default: what it
    quotes, or its picture); it is `printed` when a document shows it, else nobody asks for it."""

    author: str
    at: str
    text: str
    quotes: Tweet | None = None
    answers: Tweet | None = None
    short: str = ""
    leads: str = ""
    printed: bool = True
    picture: str = ""
    alt: str = ""

    @property
    def id(self) -> str:
        return snowflake(self.at)

    @property
    def handle(self) -> str:
        return f"{self.author.split()[0].lower()}_of_lanternwick"

    @property
    def url(self) -> str:
        return f"https://x.com/{self.handle}/status/{self.id}"

    def where(self) -> str:
        """Where the short link leads: a page, the quoted post, or the post's own picture."""
        return self.leads or (self.quotes.url if self.quotes else f"{self.url}/photo/1")

    def shown(self, *, nested: bool = False) -> dict[str, Any]:
        """The form of cdn.syndication.twimg.com/tweet-result. A quoted post shows no further one."""
        number = str(int(hashlib.sha256(self.handle.encode()).hexdigest()[:12], 16))
        link = {"display_url": self.where()[8:30], "expanded_url": self.where(), "url": f"https://t.co/{self.short}"}
        photo = link | {"type": "photo", "media_url_https": self.picture, "ext_alt_text": self.alt}
        photo |= {"original_info": {"width": 64, "height": 40}}
        entities = {"hashtags": [], "user_mentions": [], "symbols": [], "urls": [] if self.picture else [link]}
        value: dict[str, Any] = {
            "__typename": "Tweet",
            "lang": "en",
            "favorite_count": len(self.text),
            "created_at": self.at.replace("Z", ".000Z"),
            "id_str": self.id,
            "text": f"{self.text} https://t.co/{self.short}" if self.short else self.text,
            "user": {"id_str": number, "name": self.author, "screen_name": self.handle, "verified": False},
            "entities": entities if self.short else entities | {"urls": []},
            "edit_control": {"edit_tweet_ids": [self.id], "is_edit_eligible": False, "edits_remaining": "5"},
            "conversation_count": 2,
            "news_action_type": "conversation",
            "isEdited": False,
            "isStaleEdit": False,
        }
        if self.picture:
            value |= {"mediaDetails": [photo]}
            value["entities"] |= {"media": [link]}
        if self.answers:
            value |= {"in_reply_to_status_id_str": self.answers.id, "parent": self.answers.shown(nested=True)}
        if self.quotes and not nested:
            value |= {"quoted_tweet": self.quotes.shown(nested=True)}
        return value

    def addresses(self, files: dict[str, bytes], *, gone: bool) -> dict[str, Reply]:
        """Every address of this post that an archive asks for, with the answer."""
        syndication = urlencode({"id": self.id, "lang": "en", "token": token(self.id)})
        permalink = {"url": f"https://x.com/i/status/{self.id}", "omit_script": "1", "dnt": "true", "lang": "en"}
        if gone:
            tombstone = {"text": {"text": "This Post is unavailable.", "entities": []}}
            answers = {
                f"https://cdn.syndication.twimg.com/tweet-result?{syndication}": answer(
                    {"__typename": "TweetTombstone", "tombstone": tombstone}
                ),
                f"https://api.fxtwitter.com/2/status/{self.id}": answer({"code": 404, "message": "NOT_FOUND"}, 404),
                f"https://publish.x.com/oembed?{urlencode(permalink)}": plain(b"", "text/html", 404),
            }
        else:
            answers = {f"https://cdn.syndication.twimg.com/tweet-result?{syndication}": answer(self.shown())}
        if self.picture:
            answers[f"{self.picture}?name=orig"] = plain(files[self.picture], "image/png")
        if self.short and self.printed:
            answers[f"https://t.co/{self.short}"] = plain(b"", "text/html", 301, ("Location", self.where()))
        return answers
