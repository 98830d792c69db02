"""Activity Streams, the form of Gnip and PowerTrack archives: `id` is `tag:search.twitter.com,2005:ID`.

`body` is the text (of a long post `long_object.body`), a repost is `verb: share` with the original as `object`.
"""

from __future__ import annotations

from archiver.errors import ParseError
from archiver.platforms.fields import Node
from archiver.platforms.x import entities
from archiver.platforms.x.address import claim
from archiver.platforms.x.sheet import Author, Sheet, Status, Target
from archiver.platforms.x.snowflake import is_id


def is_activity(node: Node) -> bool:
    return type(node.value) is dict and node.value.get("objectType") == "activity"


def read(node: Node, sheet: Sheet) -> str:
    """One activity with what it quotes or reposts. Gives its id."""
    id = _id(node.at("id"))
    actor = node.at("actor")
    verb = node.at("verb")
    if verb.text() not in {"post", "share"}:
        raise verb.fail("post or share")
    repost = quote = Target()
    whole = True
    if verb.value == "share":
        repost, whole = _nested(node, "object", sheet)
    elif node.get("twitter_quoted_status") is not None:
        quote, whole = _nested(node, "twitter_quoted_status", sheet)
    long = node.get("long_object")
    body = long or node
    marks = body.get("twitter_entities")
    extended = body.get("twitter_extended_entities") or marks
    sheet.write(
        Status(
            id=id,
            pointer=node.pointer,
            author=Author(
                id=_id(actor.at("id")),
                handle=entities.handle(actor, "preferredUsername"),
                name=actor.string("displayName"),
                pointer=actor.pointer,
            ),
            text=body.at("body").text(),
            created=node.at("postedTime").time(),
            links=entities.links(marks),
            attached=entities.media_links(marks),
            media=() if extended is None else tuple(entities.media(medium) for medium in extended.list("media")),
            quote=quote,
            reply=_reply(node),
            repost=repost,
            lang=node.string("twitter_lang"),
            truncated=long is None and _ends_in_own_link(id, marks),
            whole=whole,
            tells_quotes=False,
        )
    )
    return id


def _id(node: Node) -> str:
    id = node.text().rpartition(":")[2]
    if not is_id(id):
        raise node.fail("a name that ends in an id")
    return id


def _nested(node: Node, key: str, sheet: Sheet) -> tuple[Target, bool]:
    inner = node.at(key)
    part = Sheet()
    try:
        id = read(entities.bounded(inner), part)
    except ParseError as error:
        sheet.note(f"{key}: {error.message}", error.pointer)
        return Target(), False
    sheet.take(part)
    return Target(id=id, pointer=f"{inner.pointer}/id"), True


def _reply(node: Node) -> Target:
    link = node.find("inReplyTo", "link")
    if link is None:
        return Target()
    ref = claim(link.text())
    if ref is None or ref.kind != "post":
        raise link.fail("the permalink of a post")
    return Target(id=ref.id, pointer=link.pointer)


def _ends_in_own_link(id: str, marks: Node | None) -> bool:
    """A cut text ends in a link to the whole post."""
    for link in entities.links(marks):
        ref = claim(link.expanded)
        if ref is not None and ref.kind == "post" and ref.id == id and "/i/web/status/" in link.expanded:
            return True
    return False
