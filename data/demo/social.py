"""A Mastodon server for the demonstration, and a second one whose post it holds a copy of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sky import EPOCH
from wire import Reply, answer, plain

ACTIVITY = "application/activity+json; charset=utf-8"


def number(moment: str) -> str:
    """Mastodon's id of a UTC time: milliseconds and 16 bits, here 0."""
    return str((datetime.fromisoformat(moment) - EPOCH) // timedelta(milliseconds=1) << 16)


@dataclass
class Toot:
    """A post. `home` is the server of its author; `boosts` and `answers` are posts of the same server."""

    user: str
    at: str
    html: str
    home: str = "https://social.lanternwick.example"
    answers: Toot | None = None
    boosts: Toot | None = None
    edited: str = ""
    before: str = ""
    media: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return number(self.at)

    @property
    def uri(self) -> str:
        return f"{self.home}/users/{self.user}/statuses/{self.id}" + ("/activity" if self.boosts else "")

    @property
    def url(self) -> str:
        return f"{self.home}/@{self.user}/{self.id}"

    def account(self, here: str) -> dict[str, Any]:
        acct = self.user if here == self.home else f"{self.user}@{self.home.removeprefix('https://')}"
        known = {"uri": f"{self.home}/users/{self.user}", "url": f"{self.home}/@{self.user}"}
        return {
            "id": number("2025-01-01T00:00:00Z"),
            "username": self.user,
            "acct": acct,
            "display_name": self.name(),
        } | known

    def name(self) -> str:
        return self.user.title()

    def status(self, here: str = "") -> dict[str, Any]:
        """https://docs.joinmastodon.org/entities/Status/"""
        return {
            "id": self.id,
            "created_at": self.at.replace("Z", ".000Z"),
            "in_reply_to_id": self.answers.id if self.answers else None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": "en",
            "uri": self.uri,
            "url": self.url,
            "replies_count": 1,
            "reblogs_count": 1,
            "favourites_count": len(self.html),
            "edited_at": self.edited.replace("Z", ".000Z") or None,
            "content": self.html,
            "reblog": None,
            "account": self.account(here or self.home),
            "media_attachments": self.media,
            "mentions": [],
            "tags": [],
            "emojis": [],
            "card": None,
            "poll": None,
        }

    def history(self) -> list[dict[str, Any]]:
        """https://docs.joinmastodon.org/entities/StatusEdit/"""
        common = {"spoiler_text": "", "sensitive": False, "account": self.account(self.home), "media_attachments": []}
        versions = [(self.before, self.at), (self.html, self.edited)]
        return [
            {"content": html, "created_at": at.replace("Z", ".000Z"), "emojis": []} | common for html, at in versions
        ]

    def note(self) -> dict[str, Any]:
        """The ActivityPub object, as its own server hands it out."""
        return {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": self.uri,
            "type": "Note",
            "url": self.url,
            "attributedTo": f"{self.home}/users/{self.user}",
            "content": self.html,
            "published": self.at,
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
        }

    def announce(self) -> dict[str, Any]:
        """A boost: the activity, which names the boosted post."""
        return {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": self.uri,
            "type": "Announce",
            "actor": f"{self.home}/users/{self.user}",
            "object": self.boosts.uri if self.boosts else "",
            "published": self.at,
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
        }

    def addresses(self, *, gone: bool = False) -> dict[str, Reply]:
        """Every address of this post that an archive asks for, with the answer."""
        api = f"{self.home}/api/v1/statuses/{self.id}"
        if gone:
            tombstone = {"@context": "https://www.w3.org/ns/activitystreams", "id": self.uri, "type": "Tombstone"}
            left = answer(tombstone | {"atomUri": self.uri}, 410, ACTIVITY)
            return {api: answer({"error": "Record not found"}, 404), self.url: left, self.uri: left}
        if self.boosts:
            return {self.uri: answer(self.announce(), 200, ACTIVITY)}
        answers = {api: answer(self.status())}
        if self.edited:
            answers[f"{api}/history"] = answer(self.history())
        return answers

    def picture(self, url: str, alt: str) -> None:
        meta = {"original": {"width": 64, "height": 40, "size": "64x40"}}
        item = {"id": self.id, "type": "image", "url": url, "preview_url": url, "remote_url": None}
        self.media.append(item | {"description": alt, "meta": meta})


def copied(toot: Toot, here: str, id: str) -> dict[str, Reply]:
    """A post of another server as `here` shows its copy, and the original that the other server hands out: it speaks
    ActivityPub, but has no Mastodon API."""
    return {
        f"{here}/api/v1/statuses/{id}": answer(toot.status(here) | {"id": id}),
        f"{toot.home}/api/v1/statuses/{toot.id}": plain(b"<!doctype html><title>Not here</title>", "text/html", 404),
        toot.uri: answer(toot.note(), 200, ACTIVITY),
    }


def file(data: bytes) -> Reply:
    return plain(data, "image/png")
