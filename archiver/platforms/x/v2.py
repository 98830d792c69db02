"""The official API v2, GET /2/tweets: `data` (one post or many), `includes`, and `errors` per id.

The reasons of `errors` are problem types. `resource-not-found` is "no such post" only with the title
"Not Found Error"; `not-authorized-for-resource` covers protected, blocked and suspended accounts alike, so it is
unavailable. The id of an error stands in `resource_id` or `value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from archiver.errors import ParseError
from archiver.model import Media, Outcome, Ref
from archiver.platforms.fields import Node
from archiver.platforms.x import entities, signals
from archiver.platforms.x.address import post_ref
from archiver.platforms.x.sheet import Author, Link, Sheet, Status, Target
from archiver.platforms.x.snowflake import is_id

_KINDS = {"photo": "photo", "video": "video", "animated_gif": "animated_gif"}
_REFERENCES = ("quoted", "replied_to", "retweeted")


def read(node: Node, asked: Ref | None, sheet: Sheet) -> None:
    """A whole answer. Included posts may lack their media (the API includes those of `data` alone)."""
    includes = node.get("includes")
    people = _people(includes)
    media = _media(includes, sheet)
    data = node.get("data")
    posts = () if data is None else tuple(data.items()) if type(data.value) is list else (data,)
    for post in posts + (includes.list("tweets") if includes else ()):
        part = Sheet()
        try:
            _post(post, people, media, part)
        except ParseError as failure:
            sheet.note(failure.message, failure.pointer)
        else:
            sheet.take(part)
    errors = node.list("errors")
    for error in errors:
        _error(error, sheet)
    if data is None and not errors:
        _problem(node, asked, sheet)


def _problem(node: Node, asked: Ref | None, sheet: Sheet) -> None:
    """A problem document (RFC 7807) instead of an answer, or an empty result."""
    title = node.get("title")
    if title is not None and asked is not None:
        sheet.find(asked, Outcome.REFUSED, title.text(), title.pointer)
    elif title is None and node.get("meta") is None:
        raise ParseError("neither data nor errors", pointer="/")


def _error(error: Node, sheet: Sheet) -> None:
    if error.string("resource_type") != "tweet":
        return
    id = error.string("resource_id") or error.string("value")
    if not is_id(id):
        sheet.note("an error that names no post", error.pointer)
        return
    kind, title = error.string("type").rpartition("/")[2], error.string("title")
    gone = kind == "resource-not-found" and title == "Not Found Error"
    outcome = Outcome.NOT_FOUND if gone else Outcome.UNAVAILABLE
    sheet.find(post_ref(id), outcome, f"{kind}: {title}" if kind else title, error.pointer)


def _people(includes: Node | None) -> Mapping[str, Author]:
    found: dict[str, Author] = {}
    for user in includes.list("users") if includes else ():
        id = entities.id_of(user.at("id"))
        found[id] = Author(
            id=id, handle=entities.handle(user, "username"), name=user.string("name"), pointer=user.pointer
        )
    return MappingProxyType(found)


def _media(includes: Node | None, sheet: Sheet) -> Mapping[str, Media]:
    found: dict[str, Media] = {}
    for node in includes.list("media") if includes else ():
        key = node.at("media_key").text()
        try:
            found[key] = _medium(node, key)
        except ParseError as error:
            sheet.note(error.message, error.pointer)
    return MappingProxyType(found)


def _medium(node: Node, key: str) -> Media:
    """The key is what stands after the kind in `media_key` (`3_ID`), so that it is the same on every route."""
    kind = _KINDS.get(node.string("type"), node.string("type"))
    url, bitrate, type = (entities.web(node.at("url")) if node.get("url") else ""), 0, ""
    if node.get("variants") is not None:
        bitrate, url = entities.best_mp4(node, "bit_rate")
        type = "video/mp4"
    elif url and kind == "photo":
        type = entities.photo_type(url)
        url = entities.original(url)
    elif not url:
        # Without `variants` in the request there is only the still.
        kind, url = f"{kind}-preview", entities.web(node.at("preview_image_url"))
        type = entities.photo_type(url)
    return Media(
        key=key.partition("_")[2] or key,
        kind=kind,
        url=url,
        alt=node.string("alt_text"),
        width=node.integer("width"),
        height=node.integer("height"),
        bitrate=bitrate,
        content_type=type,
        pointer=node.pointer,
    )


def _references(node: Node) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for reference in node.list("referenced_tweets"):
        kind = reference.at("type")
        if kind.text() not in _REFERENCES:
            raise kind.fail(f"one of {', '.join(_REFERENCES)}")
        found[kind.text()] = Target(id=entities.id_of(reference.at("id")), pointer=f"{reference.pointer}/id")
    return found


def _post(node: Node, people: Mapping[str, Author], media: Mapping[str, Media], sheet: Sheet) -> None:
    id = entities.id_of(node.at("id"))
    by = entities.optional_id(node, "author_id")
    references = _references(node)
    repost = references.get("retweeted", Target())
    note = node.get("note_tweet")
    holder = node.get("attachments")
    keys = [key.text() for key in holder.list("media_keys")] if holder else []
    links, attached = _links(node.get("entities"))
    if note is not None:
        links += _links(note.get("entities"))[0]
    held = node.get("withheld")
    outcome, reason = Outcome.LIVE, ""
    if held is not None:
        outcome, reason = signals.withheld(
            tuple(country.text() for country in held.list("country_codes")),
            copyright=held.truth("copyright"),
            scope=held.string("scope"),
        )
    edits = tuple(entities.id_of(edit) for edit in node.list("edit_history_tweet_ids"))
    created = node.get("created_at")
    if outcome is not Outcome.LIVE:
        sheet.find(post_ref(id), outcome, reason, f"{node.pointer}/withheld")
        return
    sheet.write(
        Status(
            id=id,
            pointer=node.pointer,
            author=people.get(by, Author(id=by, pointer=f"{node.pointer}/author_id")) if by else None,
            text=(note.at("text") if note else node.at("text")).text(),
            created=created.time() if created else "",
            links=links,
            attached=attached,
            media=tuple(media[key] for key in keys if key in media),
            quote=Target() if repost.id else references.get("quoted", Target()),
            reply=references.get("replied_to", Target()),
            repost=repost,
            conversation=entities.optional_id(node, "conversation_id"),
            edits=edits,
            edits_pointer=f"{node.pointer}/edit_history_tweet_ids",
            lang=node.string("lang"),
            sensitive=node.truth("possibly_sensitive"),
            counts=_counts(node.get("public_metrics")),
            whole=all(key in media and not media[key].kind.endswith("-preview") for key in keys),
            reason=reason,
        )
    )


def _links(marks: Node | None) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """Links, and those that stand for attached media (they carry a `media_key` or lead to /photo/N, /video/N)."""
    links, attached = [], []
    for url in marks.list("urls") if marks else ():
        address, expanded = url.string("url"), url.string("expanded_url")
        if url.get("media_key") is not None or url.string("display_url").startswith(("pic.twitter.com/", "pic.x.com/")):
            attached.append(Link(address=address, expanded=expanded, pointer=f"{url.pointer}/expanded_url"))
        elif address and expanded:
            links.append(Link(address=address, expanded=expanded, pointer=url.pointer))
    return tuple(links), tuple(attached)


_COUNTS = (
    ("likes", "like_count"),
    ("reposts", "retweet_count"),
    ("replies", "reply_count"),
    ("quotes", "quote_count"),
    ("bookmarks", "bookmark_count"),
    ("views", "impression_count"),
)


def _counts(metrics: Node | None) -> tuple[tuple[str, int], ...]:
    if metrics is None:
        return ()
    return tuple((name, metrics.integer(key)) for name, key in _COUNTS if metrics.get(key) is not None)
