"""Answers of the Mastodon API (`/api/v1/statuses/:id`, `/history`), which Mastodon, GoToSocial, Hollo, Pleroma and
others serve. https://docs.joinmastodon.org/entities/Status/

A server speaks for its own posts alone. Its copy of another server's post stands under the copy's own ref without an
author, and a RESOLVES_TO edge leads to the original: a copy can be altered, and servers have shown a boost as the
booster's own words.
"""

from __future__ import annotations

from archiver.errors import ParseError
from archiver.model import Account, EdgeKind, Evidence, Media, Outcome, Post, Ref, Request
from archiver.platforms.fediverse import content
from archiver.platforms.fediverse.address import ID, account, api_id, handle, post, repost, target
from archiver.platforms.fediverse.gathered import Gathered, web_uri
from archiver.platforms.fields import Node
from archiver.platforms.web.address import normal

DEPTH = 4
_COUNTS = (("replies_count", "replies"), ("reblogs_count", "reposts"), ("favourites_count", "likes"),
           ("quotes_count", "quotes"))  # fmt: skip


def is_status(node: Node) -> bool:
    """Whether a document looks like a status at all (some other site may answer 200 with its own JSON)."""
    return type(node.value) is dict and {"id", "account", "content"} <= node.value.keys()


def read_status(node: Node, request: Request, out: Gathered) -> None:
    """One status that was asked for, and what it quotes, boosts and replies to."""
    asked, given = api_id(request.ref.id), _id(node)
    if asked and asked.lower() != given.lower():
        raise ParseError("the answer is about another status than the one asked", pointer="/id")
    ref = _status(node, out, 0)
    out.answered(request, ref, "/uri", "boost" if node.get("reblog") else "")


def _id(node: Node) -> str:
    child = node.at("id")
    text = child.text()
    if not ID.fullmatch(text):
        raise child.fail("a status id")
    return text


def _status(node: Node, out: Gathered, depth: int) -> Ref:
    """Reads a status into `out`; its ref: the ActivityPub id on its own server, the copy's address elsewhere."""
    number, uri = _id(node), web_uri(node.at("uri").text())
    local = bool(uri) and out.place.owns(uri)
    copy = out.place.numbered(number)
    reblog = node.get("reblog")
    ref = copy if not local else repost(uri) if reblog else post(uri)
    if local:
        out.alias(copy, ref, f"{node.pointer}/uri")
        url = web_uri(node.string("url"))
        if url and out.place.owns(url) and (known := target(url)).platform == "fediverse":
            out.alias(known, ref, f"{node.pointer}/url")
    elif uri:
        out.edge(EdgeKind.RESOLVES_TO, copy, repost(uri) if reblog else post(uri), f"{node.pointer}/uri")
    else:
        out.skip("a status whose uri is no web address", f"{node.pointer}/uri")
    author = _account(node.at("account"), out)
    if reblog is not None:
        # A server may repeat the boosted words in the wrapper: they are not the booster's, so no post is read here.
        out.edge(EdgeKind.REPOSTS, ref, _nested(reblog, out, depth), reblog.pointer)
        out.edge(EdgeKind.NAMES, ref, author, f"{node.pointer}/account")
        return ref
    quotes, named = _quotes(node, ref, out, depth)
    text = content.read(node.at("content").text(), quoted=quotes)
    edited = node.get("edited_at")
    out.posts.append(
        Post(
            ref=ref,
            author=author if local else None,
            text=text.text,
            truncated=text.truncated,
            posted_at=node.at("created_at").time(),
            handle=_acct(node.at("account"), out),
            name=node.at("account").string("display_name"),
            lang=node.string("language"),
            warning=node.string("spoiler_text"),
            sensitive=node.truth("sensitive"),
            url=web_uri(node.string("url")),
            edited=edited is not None,
            edited_at=edited.time() if edited else "",
            media=_media(node, out),
            counts=tuple((name, node.integer(key)) for key, name in _COUNTS if node.get(key) is not None),
            pointer=node.pointer or "/",
        )
    )
    _edges(node, ref, text, named, out)
    if depth and local:
        out.found(ref, Outcome.LIVE, "shown by its own server", node.pointer)
    return ref


def _nested(node: Node, out: Gathered, depth: int) -> Ref:
    """Reads a nested status (to a depth); the far end of the edge to it: the original's id, also where only a copy of
    it was shown."""
    uri = web_uri(node.at("uri").text())
    if depth >= DEPTH:
        out.skip("a status nested deeper than what is read", node.pointer)
        return post(uri) if uri else out.place.numbered(_id(node))
    inner = _status(node, out, depth + 1)
    return inner if not uri or inner.id == uri else post(uri)


def _edges(node: Node, ref: Ref, text: content.Content, quotes: bool, out: Gathered) -> None:
    if (reply := node.get("in_reply_to_id")) is not None:
        if not ID.fullmatch(reply.text()):
            raise reply.fail("a status id")
        out.edge(EdgeKind.REPLIES_TO, ref, out.place.numbered(reply.text()), reply.pointer)
    for mention in node.list("mentions"):
        out.edge(EdgeKind.NAMES, ref, handle(mention.at("acct").text(), out.place.host), mention.pointer)
    content_edges(node, "content", ref, text, quotes, out)
    if (card := node.get("card")) is not None and (url := normal(card.string("url"))):
        out.edge(EdgeKind.LINKS_TO, ref, target(url), card.pointer)


def content_edges(node: Node, key: str, ref: Ref, text: content.Content, quotes: bool, out: Gathered) -> None:
    """Links in the content; a quote's stand-in counts as a claimed quote where no field names the quoted post."""
    pointer = f"{node.pointer}/{key}"
    for url in text.links:
        out.edge(EdgeKind.LINKS_TO, ref, target(url), pointer)
    for url in () if quotes else text.fallback:
        out.edge(EdgeKind.QUOTES, ref, target(url), pointer, Evidence.CLAIMED)


def _quotes(node: Node, ref: Ref, out: Gathered, depth: int) -> tuple[tuple[str, ...], bool]:
    """Edges of quote fields; the addresses quoted, and whether a field names the quoted post. A state other than
    `accepted` says what became of the quote, not of the quoted post: some servers write `deleted` for what lives."""
    found: list[str] = []
    named = False
    quote = node.get("quote")
    if quote is not None:
        state = quote.string("state", "accepted")
        status = quote.get("quoted_status") if "state" in quote.value else quote
        number = quote.string("quoted_status_id") or node.string("quote_id")
        goal = None
        if status is not None:
            uri = web_uri(status.at("uri").text())
            goal = _nested(status, out, depth)
            found += [text for text in (uri, normal(status.string("url")) or "") if text]
        elif number:
            if not ID.fullmatch(number):
                raise quote.fail("a status id")
            goal = out.place.numbered(number)
        if goal is not None:
            named = True
            out.edge(EdgeKind.QUOTES, ref, goal, quote.pointer)
            if state != "accepted":
                out.found(goal, Outcome.UNKNOWN, f"quote-state:{state}", f"{quote.pointer}/state")
        elif state != "accepted":
            out.skip(f"quote-state:{state}, and the quoted post is not named", quote.pointer)
    pleroma = node.get("pleroma")
    if pleroma is not None and quote is None and (url := web_uri(pleroma.string("quote_url"))):
        out.edge(EdgeKind.QUOTES, ref, target(normal(url) or url), f"{pleroma.pointer}/quote_url")
        found.append(url)
    return tuple(found), named or bool(found)


def _acct(node: Node, out: Gathered) -> str:
    acct = node.at("acct").text()
    if not acct or len(acct) > 400 or any(letter.isspace() for letter in acct):
        raise node.at("acct").fail("user or user@host")
    return acct if "@" in acct else f"{acct}@{out.place.host}"


def _account(node: Node, out: Gathered) -> Ref:
    """The account by its ActivityPub id where the answer gives it (Mastodon from 4.3), else by its handle."""
    acct, uri = _acct(node, out), web_uri(node.string("uri"))
    by_handle = handle(acct, out.place.host)
    local = bool(uri) and out.place.owns(uri)
    ref = account(uri) if uri else by_handle
    if local:
        out.alias(by_handle, ref, f"{node.pointer}/uri")
    if local or not uri:
        name, url = node.string("display_name"), web_uri(node.string("url"))
        out.accounts.append(Account(ref=ref, handle=acct, name=name, url=url, pointer=node.pointer))
    return ref


def _media(node: Node, out: Gathered) -> tuple[Media, ...]:
    """Each attachment as the answering server has it, and as the author's server had it (the higher rank)."""
    found: list[Media] = []
    for item in node.list("media_attachments"):
        original = item.find("meta", "original")
        urls = [(1, web_uri(item.string("url"))), (2, web_uri(item.string("remote_url")))]
        for rank, url in urls:
            if url:
                found.append(
                    Media(
                        key=item.at("id").text(),
                        kind=item.string("type", "unknown"),
                        url=url,
                        rank=rank,
                        alt=item.string("description"),
                        width=original.integer("width") if original else 0,
                        height=original.integer("height") if original else 0,
                        bitrate=original.integer("bitrate") if original else 0,
                        pointer=item.pointer,
                    )
                )
        if not any(url for _, url in urls):
            out.skip("an attachment without an address", item.pointer)
    return tuple(found)


def read_history(node: Node, request: Request, out: Gathered) -> None:
    """The versions of an edited status, oldest first (`StatusEdit`). The answer names no post: `given` does, as the
    status before it did. Quotes and replies are not in it, so no version is a whole rendering."""
    uri = dict(request.given).get("uri", "")
    if not uri or not out.place.owns(uri):
        raise ParseError("the history of a post that this server does not own", pointer="/")
    versions = tuple(node.items())
    first = versions[0].at("created_at").time() if versions else ""
    for index, version in enumerate(versions):
        text, at = content.read(version.at("content").text()), version.at("created_at").time()
        out.posts.append(
            Post(
                ref=post(uri),
                author=_account(version.at("account"), out),
                text=text.text,
                truncated=text.truncated,
                posted_at=first,
                handle=_acct(version.at("account"), out),
                name=version.at("account").string("display_name"),
                warning=version.string("spoiler_text"),
                sensitive=version.truth("sensitive"),
                whole=False,
                edited=index > 0,
                edited_at=at if index else "",
                media=_media(version, out),
                pointer=version.pointer,
            )
        )
