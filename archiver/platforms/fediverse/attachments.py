"""Media of ActivityPub objects: `attachment`, `image`, and the renderings that a Video lists in `url`."""

from __future__ import annotations

from archiver.model import EdgeKind, Media
from archiver.platforms.fediverse.address import post, target
from archiver.platforms.fediverse.gathered import Gathered, web_uri
from archiver.platforms.fields import Node
from archiver.platforms.web.address import normal

_KINDS = frozenset(("image", "video", "audio"))


def media(node: Node, out: Gathered) -> tuple[str, tuple[Media, ...]]:
    """The page of a post (its `url` that is HTML or untyped), and its media."""
    page, found = "", []
    for rank, item in enumerate(_each(node, "url")):
        kind = _type(item)
        if type(item.value) is str:
            page = page or web_uri(item.text())
        elif kind.startswith("text/html"):
            page = page or web_uri(item.string("href"))
        elif kind.split("/")[0] in _KINDS and (href := web_uri(item.string("href"))):
            size = item.integer("height")
            found.append(
                Media(key=node.string("id"), kind=kind.split("/")[0], url=href, rank=size or -rank, height=size,
                      width=item.integer("width"), content_type=kind, pointer=item.pointer)
            )  # fmt: skip
    for key in ("attachment", "image"):
        for item in _each(node, key):
            found.extend(_attachment(node, item, out))
    return page, tuple(found)


def _attachment(node: Node, item: Node, out: Gathered) -> list[Media]:
    if type(item.value) is str:
        url = web_uri(item.text())
        return [Media(key=url, kind="unknown", url=url, pointer=item.pointer)] if url else []
    word = next((kind.text() for kind in _each(item, "type")), "")
    content_type = _type(item)
    kind = content_type.split("/")[0] if content_type.split("/")[0] in _KINDS else word.lower()
    addresses = (*_each(item, "url"), *_each(item, "href"))
    links = [(part, web_uri(part.text() if type(part.value) is str else part.string("href"))) for part in addresses]
    links = [(part, url) for part, url in links if url]
    if kind not in _KINDS and word in {"Link", "Page", "Note", "Article"}:
        for part, url in links:
            out.edge(EdgeKind.LINKS_TO, post(node.string("id")), target(normal(url) or url), part.pointer)
        return []
    if not links:
        if word != "PropertyValue":
            out.skip("an attachment without an address", item.pointer)
        return []
    return [
        Media(key=links[0][1], kind=kind if kind in _KINDS else "unknown", url=url, rank=-rank, alt=item.string("name"),
              width=item.integer("width"), height=item.integer("height"), content_type=content_type,
              pointer=item.pointer)
        for rank, (_, url) in enumerate(links)
    ]  # fmt: skip


def _type(item: Node) -> str:
    """The media type of a link or document; PeerTube once wrote `mimeType`."""
    if type(item.value) is not dict:
        return ""
    return item.string("mediaType") or item.string("mimeType")


def _each(node: Node, key: str) -> tuple[Node, ...]:
    child = node.get(key)
    if child is None:
        return ()
    return tuple(child.items()) if type(child.value) is list else (child,)
