"""The web's own GraphQL: TweetResultByRestId (guest), TweetDetail and timelines.

A post is a `Tweet` (or wrapped: `TweetWithVisibilityResults` holds it under `tweet`) with a v1.1 object under
`legacy`, its author under `core`, and the whole text of a long post under `note_tweet`. What is not shown is a
`TweetUnavailable` with a `reason`, a `TweetTombstone` with a localised text (no reason), or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from archiver.errors import ParseError
from archiver.model import Outcome, Ref
from archiver.platforms.fields import Node
from archiver.platforms.x import entities, legacy, signals
from archiver.platforms.x.address import post_ref
from archiver.platforms.x.sheet import Author, Sheet, Status, Target
from archiver.platforms.x.snowflake import is_id

_DEPTH = 60
_NOTHING: tuple[object, ...] = ({}, {"tweetResult": {}})
"""Data of an answer whose errors, if it has any, are what it says."""
_HIDDEN = frozenset({"TweetUnavailable", "TweetTombstone"})


def read(node: Node, asked: Ref | None, sheet: Sheet) -> None:
    """A whole answer of any of these queries (or one entry of a timeline)."""
    data = node.get("data") if type(node.value) is dict else None
    if data is None or data.value in _NOTHING:
        failed = signals.errors(node)
        if failed is not None:
            if asked is not None:
                sheet.find(asked, *failed)
            return
    data = data or node
    single = data.get("tweetResult") if type(data.value) is dict else None
    if single is not None:
        _single(single, asked, sheet)
        return
    seen = 0
    for holder, id in _holders(data, "", 0):
        seen += 1
        _shown(holder, id, sheet)
    if not seen:
        raise ParseError("no post in this answer", pointer=data.pointer or "/")


def _single(holder: Node, asked: Ref | None, sheet: Sheet) -> None:
    result = holder.get("result")
    if result is None:
        if asked is not None:
            sheet.find(asked, Outcome.UNAVAILABLE, "tweetResult, empty", holder.pointer)
        return
    if asked is None or result.at("__typename").text() not in _HIDDEN:
        post(result, sheet)
    else:
        _hidden(result, asked.id, sheet)


def _holders(node: Node, id: str, depth: int) -> Iterator[tuple[Node, str]]:
    """Each place of a timeline that shows a post, with the id that its entry names (`tweet-ID`)."""
    if depth > _DEPTH:
        raise ParseError("nested too deeply", pointer=node.pointer)
    if type(node.value) is list:
        for item in node.items():
            yield from _holders(item, id, depth + 1)
    elif type(node.value) is dict:
        entry = node.get("entryId")
        if entry is not None and type(entry.value) is str and is_id(entry.value.rpartition("-")[2]):
            id = entry.value.rpartition("-")[2]
        for key in node.value:
            child = node.get(key)
            if child is None:
                continue
            if key == "tweet_results":
                yield child, id
            else:
                yield from _holders(child, id, depth + 1)


def _shown(holder: Node, id: str, sheet: Sheet) -> None:
    """One place of a timeline: a post that cannot be read is noted and does not hide the others."""
    part = Sheet()
    try:
        result = holder.get("result")
        if result is None:
            if id:
                part.find(post_ref(id), Outcome.UNAVAILABLE, "tweet_results, empty", holder.pointer)
        elif result.at("__typename").text() in _HIDDEN:
            _hidden(result, id, part)
        else:
            post(result, part)
    except ParseError as error:
        sheet.note(error.message, error.pointer)
    else:
        sheet.take(part)


def _hidden(result: Node, id: str, sheet: Sheet) -> None:
    """A post that is not shown. Without an id nothing can be said of any post."""
    if not id:
        sheet.note("a post that is not shown and not named", result.pointer)
        return
    if result.at("__typename").text() == "TweetTombstone":
        sheet.find(post_ref(id), Outcome.UNAVAILABLE, "tombstone", result.pointer)
        return
    reason = result.string("reason")
    sheet.find(post_ref(id), signals.reason(reason), reason or "no reason", f"{result.pointer}/reason")


def _inner(node: Node, holder: str, id: str, sheet: Sheet) -> tuple[Target, bool]:
    """The post under `HOLDER.result`: shown, or named by `id` and hidden. False when it cannot be read."""
    result = node.find(holder, "result")
    if result is None:
        return Target(), True
    part = Sheet()
    try:
        if result.at("__typename").text() in _HIDDEN:
            _hidden(result, id, part)
            found = ""
        else:
            found = post(entities.bounded(result), part)
    except ParseError as error:
        sheet.note(f"{holder}: {error.message}", error.pointer)
        return Target(), False
    sheet.take(part)
    return Target(id=found, pointer=result.pointer), True


def post(node: Node, sheet: Sheet) -> str:
    """One `Tweet` with what it quotes or reposts. Gives its id."""
    kind = node.at("__typename")
    if kind.text() == "TweetWithVisibilityResults":
        node = node.at("tweet")
    elif kind.text() != "Tweet":
        raise kind.fail("Tweet")
    id = entities.id_of(node.at("rest_id"))
    old = node.get("legacy")
    if old is None:
        raise ParseError("legacy is missing", pointer=f"{node.pointer}/legacy")
    if entities.optional_id(old, "id_str") not in {"", id}:
        raise old.at("id_str").fail("the same id as rest_id")
    quote, quote_read = _quoted(node, old, sheet)
    repost, repost_read = _reposted(old, sheet)
    long = node.find("note_tweet", "note_tweet_results", "result")
    marks = old.get("entities")
    extended = old.get("extended_entities") or marks
    note_links = entities.links(long.get("entity_set")) if long else ()
    edits, edits_pointer = entities.versions(node.get("edit_control"))
    status = Status(
        id=id,
        pointer=node.pointer,
        author=_author(node.at("core", "user_results", "result")),
        text=(long.at("text") if long else old.at("full_text")).text(),
        created=old.at("created_at").time(),
        links=note_links + entities.links(marks),
        attached=entities.media_links(marks) + (entities.media_links(extended) if extended is not marks else ()),
        hidden=_permalink(old),
        media=() if extended is None else tuple(entities.media(medium) for medium in extended.list("media")),
        quote=Target() if repost.id else quote,
        reply=entities.target(old, "in_reply_to_status_id_str"),
        repost=repost,
        conversation=entities.optional_id(old, "conversation_id_str"),
        edits=edits,
        edits_pointer=edits_pointer,
        lang=old.string("lang"),
        sensitive=old.truth("possibly_sensitive"),
        counts=legacy.counts(old) + _views(node),
        truncated=long is None and node.get("note_tweet") is not None,
        whole=quote_read and repost_read,
        tells_quotes=not old.truth("is_quote_status"),
    )
    sheet.write(status)
    if node.get("article") is not None:
        sheet.note("the body of an article is not read", f"{node.pointer}/article")
    return id


def _permalink(old: Node) -> tuple[str, ...]:
    permalink = old.get("quoted_status_permalink")
    return (permalink.string("url"),) if permalink else ()


def _quoted(node: Node, old: Node, sheet: Sheet) -> tuple[Target, bool]:
    field = entities.target(old, "quoted_status_id_str")
    bare = node.find("quotedRefResult", "result")
    if not field.id and bare is not None:
        # A quotation inside a quotation is named by its id alone.
        field = entities.target(bare, "rest_id")
    for holder in ("quoted_status_result", "quoted_tweet_results"):
        if node.get(holder) is not None:
            shown, read = _inner(node, holder, field.id, sheet)
            # An edited post may be shown in a later version than the one that was quoted.
            return (field if field.id else shown), read
    return field, True


def _reposted(old: Node, sheet: Sheet) -> tuple[Target, bool]:
    field = entities.target(old, "retweeted_status_id_str")
    for holder in ("retweeted_status_result", "retweeted_status_results"):
        if old.get(holder) is not None:
            shown, read = _inner(old, holder, field.id, sheet)
            return (shown if shown.id else field), read
    return field, True


def _author(user: Node) -> Author:
    """Names stand under `core` since 2025, under `legacy` before."""
    core, old = user.get("core"), user.get("legacy")
    names = core if core is not None and core.get("screen_name") else old
    return Author(
        id=entities.id_of(user.at("rest_id")),
        handle=entities.handle(names, "screen_name") if names else "",
        name=names.string("name") if names else "",
        pointer=user.pointer,
    )


def _views(node: Node) -> tuple[tuple[str, int], ...]:
    count = node.find("views", "count")
    return () if count is None else (("views", int(count.digits()[:18])),)
