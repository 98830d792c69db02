"""cdn.syndication.twimg.com/tweet-result: what embeds are drawn from. One post, the quoted one, the parent.

Facts over 12,416 recorded answers: `__typename` decides, never the status; a tombstone's text is localised and
says nothing that a program may rely on; a long post (`note_tweet`) is cut without a mark in the text; the quoted
post is named by `quoted_tweet` alone; the permalink of a quotation without it stays in `entities.urls` and
may be a plain link. There is no media id.
"""

from __future__ import annotations

from archiver.errors import ParseError
from archiver.model import Outcome, Ref
from archiver.platforms.fields import Node
from archiver.platforms.x import entities
from archiver.platforms.x.address import post_ref
from archiver.platforms.x.sheet import Author, Sheet, Status, Target


def read(node: Node, asked: Ref, sheet: Sheet) -> None:
    """A whole answer. `{}` is the endpoint refusing the token; a tombstone gives no structured reason."""
    if node.value == {}:
        sheet.find(asked, Outcome.REFUSED, "empty answer: the token was refused", "/")
        return
    name = node.at("__typename")
    kind = name.text()
    if kind == "TweetTombstone":
        tombstone = node.at("tombstone")
        empty = tombstone.get("text") is None
        sheet.find(asked, Outcome.UNAVAILABLE, "tombstone, empty" if empty else "tombstone", tombstone.pointer)
    elif kind == "Tweet":
        _post(node, sheet)
    else:
        raise name.fail("Tweet or TweetTombstone")


def read_post(node: Node, sheet: Sheet) -> None:
    """A bare post object of this shape, as caches of embeds keep it."""
    _post(node, sheet)


def _nested(node: Node, key: str, sheet: Sheet) -> tuple[Target, bool]:
    """A post inside another. One that cannot be read is noted, and the outer one is not whole."""
    inner = node.get(key)
    if inner is None:
        return Target(), True
    part = Sheet()
    try:
        id = _post(entities.bounded(inner), part)
    except ParseError as error:
        sheet.note(f"{key}: {error.message}", error.pointer)
        return Target(), False
    sheet.take(part)
    return Target(id=id, pointer=f"{inner.pointer}/id_str"), True


def _post(node: Node, sheet: Sheet) -> str:
    id = entities.id_of(node.at("id_str"))
    user = node.at("user")
    marks = node.get("entities")
    edits, edits_pointer = entities.versions(node.get("edit_control"))
    edited = node.truth("isEdited")
    quote, quote_read = _nested(node, "quoted_tweet", sheet)
    parent, _ = _nested(node, "parent", sheet)
    reply = entities.target(node, "in_reply_to_status_id_str")
    if not reply.id:
        reply = parent
    elif parent.id and parent.id != reply.id and post_ref(reply.id) not in sheet.aliases:
        # A later version of the parent may be shown than the one that was answered; then its list names both.
        sheet.note("the parent shown is not the post that was answered", parent.pointer)
    status = Status(
        id=id,
        pointer=node.pointer,
        author=Author(
            id=entities.id_of(user.at("id_str")),
            handle=entities.handle(user, "screen_name"),
            name=user.string("name"),
            pointer=user.pointer,
        ),
        text=node.at("text").text(),
        created=node.at("created_at").time(),
        links=entities.links(marks),
        attached=entities.media_links(marks),
        media=tuple(entities.media(medium) for medium in entities.elements(node, "mediaDetails")),
        quote=quote,
        reply=reply,
        edits=edits,
        edits_pointer=edits_pointer,
        edited=edited,
        lang=node.string("lang"),
        sensitive=node.truth("possibly_sensitive"),
        counts=_counts(node),
        truncated=node.get("note_tweet") is not None,
        whole=quote_read,
        tells_quotes=False,
    )
    sheet.write(status)
    _notes(node, sheet)
    return id


_COUNTS = (
    ("likes", "favorite_count"),
    ("reposts", "retweet_count"),
    ("replies", "reply_count"),
    ("conversation", "conversation_count"),
)


def _counts(node: Node) -> tuple[tuple[str, int], ...]:
    return tuple((name, node.integer(key)) for name, key in _COUNTS if node.get(key) is not None)


def _notes(node: Node, sheet: Sheet) -> None:
    """What the answer has but does not show: the body of an article, media that were taken down."""
    if node.get("article") is not None:
        sheet.note("the body of an article is not in this answer", f"{node.pointer}/article")
    for medium in entities.elements(node, "mediaDetails"):
        state = medium.find("ext_media_availability", "status")
        if state is not None and state.text() != "Available":
            sheet.note(f"medium is {state.text()}", state.pointer)
