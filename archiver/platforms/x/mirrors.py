"""FxTwitter (api.fxtwitter.com/2/status/ID) and vxTwitter (api.vxtwitter.com): what a third party makes of X's GraphQL.

FxTwitter mirrors an HTTP status in `code`. Its 401 stands for X's own reason "Protected"; its 404 for everything
else that it could not show. The `reason` of its tombstones is in part guessed from X's localised wording, so
a tombstone is unavailable, whatever it says. It answers a repost with the original and `reposted_by`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from archiver.errors import ParseError
from archiver.model import EdgeKind, Media, Outcome, Ref
from archiver.platforms.fields import Node
from archiver.platforms.outcomes import http
from archiver.platforms.x import entities
from archiver.platforms.x.address import claim, post_ref
from archiver.platforms.x.sheet import Author, Link, Sheet, Status, Target

_CODES = {401: Outcome.PROTECTED, 404: Outcome.NOT_FOUND}
_KINDS = {"photo": "photo", "image": "photo", "video": "video", "gif": "animated_gif"}
_UNSAID = frozenset({"blocked", "deleted", "private", "suspended", "unavailable"})


def read_fx(node: Node, asked: Ref, sheet: Sheet) -> None:
    """An answer of /2/status/ID."""
    code = node.at("code")
    number = code.number()
    status = node.get("status")
    if number != 200 or status is None:
        outcome = _CODES.get(number) or http(number) or Outcome.UNKNOWN
        sheet.find(asked, outcome, f"FxTwitter: code {number}", code.pointer)
        return
    if status.at("type").text() == "tombstone":
        _tombstone(status, asked, sheet)
        return
    id = _fx_post(status, sheet)
    if id != asked.id and status.get("reposted_by") is not None:
        # The answer is about the original; that `asked` reposts it is what `reposted_by` says.
        sheet.edge(EdgeKind.REPOSTS, asked, post_ref(id), f"{status.pointer}/reposted_by", id)
        sheet.find(asked, Outcome.LIVE, "a repost", f"{status.pointer}/reposted_by")


def _tombstone(node: Node, about: Ref, sheet: Sheet) -> None:
    said = node.at("reason").text()
    reason = f"FxTwitter: tombstone ({said})" if said in _UNSAID else "FxTwitter: tombstone"
    sheet.find(about, Outcome.UNAVAILABLE, reason, node.pointer)


def _fx_quote(node: Node, sheet: Sheet) -> tuple[Target, bool]:
    quote = node.get("quote")
    if quote is None:
        return Target(), True
    part = Sheet()
    try:
        if quote.at("type").text() == "tombstone":
            id = entities.optional_id(quote, "id")
            if id:
                _tombstone(quote, post_ref(id), part)
            else:
                part.note("a quoted post that is not shown and not named", quote.pointer)
        else:
            id = _fx_post(entities.bounded(quote), part)
    except ParseError as error:
        sheet.note(f"quote: {error.message}", error.pointer)
        return Target(), False
    sheet.take(part)
    return Target(id=id, pointer=f"{quote.pointer}/id"), bool(id)


def _fx_post(node: Node, sheet: Sheet) -> str:
    if node.at("type").text() != "status":
        raise node.at("type").fail("status or tombstone")
    id = entities.id_of(node.at("id"))
    author = node.at("author")
    quote, quote_read = _fx_quote(node, sheet)
    raw = node.get("raw_text")
    links, attached = _facets(raw)
    reply = node.get("replying_to")
    media = node.find("media", "all")
    sheet.write(
        Status(
            id=id,
            pointer=node.pointer,
            author=Author(
                id=entities.id_of(author.at("id")),
                handle=entities.handle(author, "screen_name"),
                name=author.string("name"),
                pointer=author.pointer,
            ),
            text=(raw.at("text") if raw else node.at("text")).text(),
            escaped=raw is not None,
            created=node.at("created_at").time(),
            links=links,
            attached=attached,
            media=() if media is None else tuple(_fx_medium(medium) for medium in media.items()),
            quote=quote,
            reply=entities.target(reply, "status") if reply else Target(),
            lang=node.string("lang"),
            sensitive=node.truth("possibly_sensitive"),
            counts=tuple((name, node.integer(name)) for name in _FX_COUNTS if node.get(name) is not None),
            whole=quote_read,
        )
    )
    return id


_FX_COUNTS = ("likes", "reposts", "replies", "quotes", "bookmarks", "views")


def _facets(raw: Node | None) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    links, attached = [], []
    for facet in raw.list("facets") if raw else ():
        kind, address = facet.string("type"), facet.string("original")
        if kind == "media":
            attached.append(Link(address=address, expanded=facet.string("replacement"), pointer=facet.pointer))
        elif kind == "url" and address and facet.string("replacement"):
            links.append(Link(address=address, expanded=facet.string("replacement"), pointer=facet.pointer))
    return tuple(links), tuple(attached)


def _fx_medium(node: Node) -> Media:
    kind = node.at("type")
    if kind.text() not in _KINDS:
        raise kind.fail("photo, video or gif")
    url, bitrate = entities.web(node.at("url")), 0
    for format in node.list("formats"):
        if format.string("container") == "mp4" and format.integer("bitrate") > bitrate:
            url, bitrate = entities.web(format.at("url")), format.integer("bitrate")
    photo = kind.value == "photo"
    return Media(
        key=entities.optional_id(node, "id") or entities.key_of(url),
        kind=_KINDS[kind.text()],
        url=entities.original(url) if photo else url,
        alt=node.string("altText"),
        width=node.integer("width"),
        height=node.integer("height"),
        bitrate=bitrate,
        content_type=entities.photo_type(url) if photo else "video/mp4",
        pointer=node.pointer,
    )


_RT = re.compile(r"RT @\w{1,20}: ")


def read_vx(node: Node, sheet: Sheet) -> None:
    """An answer of api.vxtwitter.com: flat, links already expanded, the author by handle alone."""
    id = entities.id_of(node.at("tweetID"))
    permalink = node.at("tweetURL")
    if claim(permalink.text()) != post_ref(id):
        raise permalink.fail("the permalink of this post")
    handle = urlsplit(permalink.text()).path.split("/")[1]
    text = node.at("text").text()
    repost = _named(node, "retweetURL")
    media = tuple(_vx_medium(medium) for medium in node.list("media_extended"))
    sheet.write(
        Status(
            id=id,
            pointer=node.pointer,
            author=Author(
                handle="" if handle == "i" else handle,
                name=node.string("user_name"),
                pointer=permalink.pointer,
            ),
            text=text,
            escaped=False,
            created=node.at("date").time(),
            media=media,
            quote=Target() if repost.id else _named(node, "qrtURL"),
            reply=entities.target(node, "replyingToID"),
            repost=repost,
            conversation=entities.optional_id(node, "conversationID"),
            lang=node.string("lang"),
            sensitive=node.truth("possibly_sensitive"),
            truncated=bool(repost.id and _RT.match(text) and text.endswith("…")),
        )
    )


def _named(node: Node, key: str) -> Target:
    """The post whose permalink stands under a key."""
    url = node.get(key)
    if url is None or url.value == "":
        return Target()
    ref = claim(url.text())
    if ref is None or ref.kind != "post":
        raise url.fail("the permalink of a post")
    return Target(id=ref.id, pointer=url.pointer)


def _vx_medium(node: Node) -> Media:
    kind = node.at("type")
    if kind.text() not in _KINDS:
        raise kind.fail("image, video or gif")
    url = entities.web(node.at("url"))
    size = node.get("size")
    photo = kind.value == "image"
    return Media(
        key=entities.optional_id(node, "id_str") or entities.key_of(url),
        kind=_KINDS[kind.text()],
        url=entities.original(url) if photo else url,
        alt=node.string("altText"),
        width=size.integer("width") if size else 0,
        height=size.integer("height") if size else 0,
        content_type=entities.photo_type(url) if photo else "video/mp4",
        pointer=node.pointer,
    )
