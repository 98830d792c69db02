"""What an AppView shows: posts with their author, counts and the posts that they quote.

An AppView is a witness of its own index, not of the repository: so every record shown is hashed against its CID, and a
quote that shows another version than the one it pins is reported. What it shows in place of a quoted post:

    viewRecord    the post itself: a sighting, `live`
    viewNotFound  `unavailable`: the same for deleted, taken down, deactivated and never seen
    viewBlocked   `unavailable`: a block between the two authors, which says nothing of the post
    viewDetached  `unknown`: its author took it out of this quote; the post itself need not have changed

Sources: the lexicons app.bsky.feed.defs#postView, app.bsky.embed.record#view and its members.
"""

from __future__ import annotations

from collections.abc import Iterator

from archiver.errors import ParseError
from archiver.model import Account, Alias, Edge, EdgeKind, Finding, Outcome, Post, Proof, Ref, Unread
from archiver.platforms.bluesky.addresses import POST, account_ref, actor_ref, is_handle, record_ref
from archiver.platforms.bluesky.embeds import Source
from archiver.platforms.bluesky.names import read_cid, read_did, read_uri
from archiver.platforms.bluesky.records import SENSITIVE, read_record
from archiver.platforms.fields import Node

Item = Finding | Post | Account | Edge | Alias | Proof | Unread

INVALID_HANDLE = "handle.invalid"  # what an AppView writes when handle and DID do not agree
MAX_QUOTES_DEEP = 8
_RECORD = "app.bsky.embed.record#view"
_RECORD_WITH_MEDIA = "app.bsky.embed.recordWithMedia#view"
_IMAGES = {"app.bsky.embed.images#view": "images", "app.bsky.embed.gallery#view": "items"}
_COUNTS = {
    "replies": "replyCount",
    "reposts": "repostCount",
    "likes": "likeCount",
    "quotes": "quoteCount",
    "bookmarks": "bookmarkCount",
}
_WITHHELD = {
    "viewNotFound": (Outcome.UNAVAILABLE, "notFound"),
    "viewBlocked": (Outcome.UNAVAILABLE, "blocked"),
    "viewDetached": (Outcome.UNKNOWN, "detached"),
}


def read_account(profile: Node) -> Iterator[Account | Alias]:
    """An author or profile: the account by DID, and the handle that the AppView found to be its own."""
    did, handle = read_did(profile.at("did")), profile.at("handle").text()
    ref, known = account_ref(did), is_handle(handle) and handle != INVALID_HANDLE
    yield Account(
        ref=ref,
        handle=handle if known else "",
        name=profile.string("displayName"),
        url=f"https://bsky.app/profile/{did}",
        pointer=profile.pointer,
    )
    if known:
        yield Alias(alias=actor_ref(handle), ref=ref, pointer=profile.at("handle").pointer)


def read_post(view: Node, *, key: str = "record", depth: int = 0) -> Iterator[Item]:
    """A post view with everything in it; `key` is where it holds the record (`record`, or `value` when quoted).

    Raises ParseError where the view itself is broken; what is broken in a quoted view is unread there.
    """
    uri_node, author = view.at("uri"), view.at("author")
    uri = read_uri(uri_node)
    if uri.collection != POST or uri.authority != author.at("did").text():
        raise uri_node.fail("the AT URI of a post of its author")
    ref, record = record_ref(uri), view.at(key)
    people = list(read_account(author))
    account = next(person for person in people if isinstance(person, Account))
    shown = (view.get("embed"),) if key == "record" else view.list("embeds")
    embeds = tuple(embed for embed in shown if embed is not None)
    images, unread = _images(embeds)
    source = Source(
        uri=uri,
        cid=read_cid(view.at("cid")),
        handle=account.handle,
        name=account.name,
        images=images,
        counts=tuple((name, view.integer(member)) for name, member in _COUNTS.items() if view.get(member)),
        sensitive=_sensitive(view),
        complete=not unread and (bool(embeds) or not _has_media(record)),
        pointer=view.pointer,
    )
    items: list[Item] = list(read_record(record, source))
    yield Finding(ref=ref, outcome=Outcome.LIVE, pointer=view.pointer)
    yield from (*people, *items, *unread)
    quotes = [item for item in items if isinstance(item, Edge) and item.kind in {EdgeKind.QUOTES, EdgeKind.EMBEDS}]
    for embed in embeds:
        try:
            quoted = _quoted(embed)
            if quoted is not None:
                yield from _read_quoted(quoted, quotes, depth)
        except ParseError as error:
            yield Unread(reason=error.message, pointer=error.pointer)


def _sensitive(view: Node) -> bool:
    """Whether a label asks for a cover. An AppView shows the labels in force; a negation among them is none."""
    return any(
        label.at("val").text() in SENSITIVE and not label.truth("neg", default=False) for label in view.list("labels")
    )


def _has_media(record: Node) -> bool:
    """Whether a record holds more than words and a quote. Views nested twice leave its rendering out."""
    embed = record.get("embed")
    if embed is None:
        return False
    return not isinstance(embed.value, dict) or embed.value.get("$type") != "app.bsky.embed.record"


def _images(embeds: tuple[Node, ...]) -> tuple[tuple[str, ...], tuple[Unread, ...]]:
    """The addresses of the renderings of a post's images. One that is broken costs the renderings, not the post."""
    urls: list[str] = []
    try:
        for embed in embeds:
            media = embed.at("media") if embed.string("$type") == _RECORD_WITH_MEDIA else embed
            if (member := _IMAGES.get(media.string("$type"))) is not None:
                urls += [_address(image.at("fullsize")) for image in media.list(member)]
    except ParseError as error:
        return (), (Unread(reason=error.message, pointer=error.pointer),)
    return tuple(urls), ()


def _address(node: Node) -> str:
    if not (url := node.text()).startswith(("https://", "http://")):
        raise node.fail("a web address")
    return url


def _quoted(embed: Node) -> Node | None:
    """What the view of an embed shows in place of a record; None for embeds that hold none."""
    if (kind := embed.string("$type")) == _RECORD:
        return embed.at("record")
    return embed.at("record", "record") if kind == _RECORD_WITH_MEDIA else None


def _read_quoted(view: Node, quotes: list[Edge], depth: int) -> Iterator[Item]:
    uri = read_uri(view.at("uri"))
    ref = record_ref(uri)
    edge = next((edge for edge in quotes if edge.target == ref), None)
    if edge is None:
        raise ParseError("a quoted record that the post itself does not name", pointer=view.pointer)
    if edge.kind is EdgeKind.EMBEDS:
        return  # a list, feed or pack: the edge says all that we keep
    name = view.string("$type").rpartition("#")[2]
    if name in _WITHHELD:
        outcome, member = _WITHHELD[name]
        if not view.truth(member):
            raise view.at(member).fail("true")
        yield Finding(ref=ref, outcome=outcome, reason=name, pointer=view.pointer)
        return
    if name != "viewRecord":
        raise ParseError(f"a quoted post shown as {name[:80]!r}", pointer=view.pointer)
    if depth >= MAX_QUOTES_DEEP:
        raise ParseError("quotes nested too deeply", pointer=view.pointer)
    cid = read_cid(view.at("cid"))
    yield from read_post(view, key="value", depth=depth + 1)
    if edge.pinned != cid:
        yield pinned_version(ref, edge, cid, view.pointer)


def pinned_version(ref: Ref, edge: Edge, cid: str, pointer: str) -> Proof:
    """The evidence of a rewrite: the quote names one version, the AppView shows another under it."""
    return Proof(
        kind="atproto-pinned-version",
        ref=ref,
        valid=False,
        detail=f"the quote {edge.source.id} pins {edge.pinned}, the AppView shows {cid}",
        pointer=pointer,
    )
