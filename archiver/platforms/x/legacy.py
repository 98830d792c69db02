"""v1.1: REST answers, streaming objects, the own-account archive, and what the Wayback Machine keeps of them.

One reader for all renderings of a v1.1 post: classic (`text`), extended (`full_text`), compatibility with
`extended_tweet` (whole) or without it (`truncated`: the text is cut). Lists, searches (`statuses`) and premium
results (`results`) are read element by element: one that cannot be read is noted and does not hide the others.
"""

from __future__ import annotations

from archiver.errors import ParseError
from archiver.model import Outcome, Ref
from archiver.platforms.fields import Node
from archiver.platforms.x import entities, signals
from archiver.platforms.x.address import post_ref
from archiver.platforms.x.sheet import Author, Sheet, Status, Target


def read(node: Node, asked: Ref | None, sheet: Sheet) -> None:
    """A whole answer: one post, a list, a search, a user with its latest post, or `errors` with a code."""
    if type(node.value) is list:
        read_each(tuple(node.items()), sheet)
        return
    failed = signals.errors(node)
    if failed is not None:
        if asked is not None:
            sheet.find(asked, *failed)
        return
    for key in ("statuses", "results"):
        if node.get(key) is not None:
            read_each(node.list(key), sheet)
            return
    inner = node.get("status")
    if inner is not None and node.get("screen_name") is not None:
        post(inner, sheet, author(node))
    else:
        post(node, sheet, None)


def read_each(nodes: tuple[Node, ...], sheet: Sheet) -> None:
    """Each element by itself."""
    for node in nodes:
        part = Sheet()
        try:
            post(node, part, None)
        except ParseError as error:
            sheet.note(error.message, error.pointer)
        else:
            sheet.take(part)


def author(user: Node) -> Author:
    return Author(
        id=entities.id_of(user.at("id_str")),
        handle=entities.handle(user, "screen_name"),
        name=user.string("name"),
        pointer=user.pointer,
    )


def _nested(node: Node, key: str, sheet: Sheet) -> tuple[Target, bool]:
    inner = node.get(key)
    if inner is None:
        return Target(), True
    part = Sheet()
    try:
        id = post(entities.bounded(inner), part, None)
    except ParseError as error:
        sheet.note(f"{key}: {error.message}", error.pointer)
        return Target(), False
    sheet.take(part)
    return Target(id=id, pointer=f"{inner.pointer}/id_str"), True


def _same(field: Target, shown: Target) -> Target:
    """The post that a field names and the one that is shown must be the same."""
    if field.id and shown.id and field.id != shown.id:
        raise ParseError("the post shown is not the post named", pointer=shown.pointer)
    return field if field.id else shown


def post(node: Node, sheet: Sheet, by: Author | None) -> str:
    """One v1.1 post with what it quotes or reposts. Gives its id."""
    id = entities.id_of(node.at("id_str"))
    user = node.get("user")
    if user is not None:
        by = author(user)
    long = node.get("extended_tweet")
    body = long or node
    written = body.get("full_text") or node.at("text")
    marks = body.get("entities")
    extended = body.get("extended_entities") or node.get("extended_entities") or marks
    quoted, quote_read = _nested(node, "quoted_status", sheet)
    reposted, repost_read = _nested(node, "retweeted_status", sheet)
    repost = _same(entities.target(node, "retweeted_status_id_str"), reposted)
    # A repost repeats the quotation of the original in its own fields: it belongs to the original.
    quote = Target() if repost.id else _same(entities.target(node, "quoted_status_id_str"), quoted)
    cut = node.truth("truncated") and long is None and body.get("full_text") is None
    edits, edits_pointer = entities.versions(node.get("edit_control"))
    outcome, reason = signals.withheld(
        tuple(country.text() for country in node.list("withheld_in_countries")),
        copyright=node.truth("withheld_copyright"),
        scope=node.string("withheld_scope"),
    )
    status = Status(
        id=id,
        pointer=node.pointer,
        author=by,
        text=written.text(),
        created=node.at("created_at").time(),
        links=entities.links(marks),
        attached=entities.media_links(marks) + (entities.media_links(extended) if extended is not marks else ()),
        media=() if extended is None else tuple(entities.media(medium) for medium in extended.list("media")),
        quote=quote,
        reply=entities.target(node, "in_reply_to_status_id_str"),
        repost=repost,
        edits=edits,
        edits_pointer=edits_pointer,
        lang=node.string("lang"),
        sensitive=node.truth("possibly_sensitive"),
        counts=counts(node),
        truncated=cut,
        whole=quote_read and repost_read,
        tells_quotes=node.get("is_quote_status") is not None and not node.truth("is_quote_status"),
        reason=reason,
    )
    if outcome is not Outcome.LIVE:
        # The text of a post that is withheld for us is a notice of X, not the author's words.
        sheet.find(post_ref(id), outcome, reason, f"{node.pointer}/withheld_in_countries")
        return id
    sheet.write(status)
    return id


_COUNTS = (
    ("likes", "favorite_count"),
    ("reposts", "retweet_count"),
    ("replies", "reply_count"),
    ("quotes", "quote_count"),
    ("bookmarks", "bookmark_count"),
)


def counts(node: Node) -> tuple[tuple[str, int], ...]:
    return tuple((name, entities.amount(node, key)) for name, key in _COUNTS if node.get(key) is not None)
