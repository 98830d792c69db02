"""What hangs on a post: media, quotes, cards and links, from the record's `embed` and `facets`.

Sources: the lexicons app.bsky.embed.*, app.bsky.richtext.facet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from archiver.errors import ParseError
from archiver.model import Edge, EdgeKind, Evidence, Media, Ref, Unread
from archiver.platforms.bluesky import dag
from archiver.platforms.bluesky.addresses import AtUri, account_ref, claim
from archiver.platforms.bluesky.names import edge_to, read_cid, read_did
from archiver.platforms.fields import Node

PDS_RANK = 10  # the uploaded bytes, which hash to the CID
APPVIEW_RANK = 1  # a re-encoding of them

Part = Edge | Media | Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a record was shown: what it is, and by which addresses its blobs can be fetched.

    `cid` is the name that the route gives this version. `images` are an AppView's renderings of the record's images,
    in order; `pds` is the base address of the host of the originals. `complete` is False for a rendering that leaves
    out media of the record.
    """

    uri: AtUri
    cid: str
    handle: str = ""
    name: str = ""
    pds: str = ""
    images: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    sensitive: bool = False
    complete: bool = True
    pointer: str = ""


def kept(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts up to the one that cannot be read, and that one as unread."""
    try:
        yield from parts
    except ParseError as error:
        yield Unread(reason=error.message, pointer=error.pointer)


def read_embed(embed: Node | None, ref: Ref, source: Source) -> Iterator[Part]:
    """Media, quote or card. Each is read apart: a broken medium does not cost the quote, nor the other way round."""
    if embed is None:
        return
    match embed.at("$type").text():
        case "app.bsky.embed.record":
            yield from _quote(embed, ref)
        case "app.bsky.embed.recordWithMedia":
            yield from kept(_quote(embed.at("record"), ref))
            yield from kept(_media(embed.at("media"), ref, source))
        case _:
            yield from _media(embed, ref, source)


def _quote(embed: Node, ref: Ref) -> Iterator[Edge]:
    """Posts are quoted; lists, feeds and packs are shown as cards."""
    target = embed.at("record")
    edge = edge_to(EdgeKind.QUOTES, ref, target)
    yield edge if edge.target.kind == "post" else edge_to(EdgeKind.EMBEDS, ref, target)


def _media(embed: Node, ref: Ref, source: Source) -> Iterator[Part]:
    match embed.at("$type").text():
        case "app.bsky.embed.images":
            yield from _images(embed.at("images"), source)
        case "app.bsky.embed.gallery":
            yield from _images(embed.at("items"), source)
        case "app.bsky.embed.video":
            yield from kept(_medium("video", embed, "video", source))
            for caption in embed.list("captions"):
                yield from kept(_medium("captions", caption, "file", source))
        case "app.bsky.embed.external":
            external = embed.at("external")
            yield from kept(_link(external, ref))
            if external.get("thumb") is not None:
                yield from kept(_medium("thumbnail", external, "thumb", source))
        case kind:
            yield Unread(reason=f"an embed of type {kind[:80]!r}", pointer=embed.pointer)


def _images(images: Node, source: Source) -> Iterator[Part]:
    nodes = tuple(images.items())
    urls = source.images if len(source.images) == len(nodes) else ("",) * len(nodes)
    for node, url in zip(nodes, urls, strict=True):
        yield from kept(_medium("image", node, "image", source, url))


def _medium(kind: str, node: Node, key: str, source: Source, rendering: str = "") -> Iterator[Media]:
    """A blob of the record (also in the form without `$type` of 2022). Without a host its address is left empty."""
    blob = node.at(key)
    link = blob.at("cid") if blob.get("ref") is None else blob.at("ref", "$link")
    cid, shape = read_cid(link), node.get("aspectRatio")
    original = bool(source.pds)
    url = rendering
    if original:
        query = urlencode({"did": source.uri.authority, "cid": cid}, safe=":")
        url = f"{source.pds}/xrpc/com.atproto.sync.getBlob?{query}"
    yield Media(
        key=cid,
        kind=kind,
        url=url,
        rank=PDS_RANK if original else APPVIEW_RANK if rendering else 0,
        alt=node.string("alt"),
        width=shape.integer("width") if shape else 0,
        height=shape.integer("height") if shape else 0,
        content_type="" if rendering and not original else blob.string("mimeType"),
        sha256="" if rendering and not original else dag.blob_sha256(cid),
        pointer=blob.pointer,
    )


def read_facets(record: Node, ref: Ref) -> Iterator[Part]:
    """The links and mentions in the text. Facets mark places of the text; they do not change it."""
    for facet in record.list("facets"):
        yield from kept(_features(facet, ref))


def _features(facet: Node, ref: Ref) -> Iterator[Part]:
    for feature in facet.list("features"):
        match feature.string("$type"):
            case "app.bsky.richtext.facet#link":
                yield from kept(_link(feature, ref))
            case "app.bsky.richtext.facet#mention":
                yield from kept(_mention(feature.at("did"), ref))


def _mention(did: Node, ref: Ref) -> Iterator[Edge]:
    target = account_ref(read_did(did))
    yield Edge(kind=EdgeKind.NAMES, source=ref, target=target, evidence=Evidence.ASSERTED, pointer=did.pointer)


def _link(node: Node, ref: Ref) -> Iterator[Part]:
    uri = node.at("uri")
    url = uri.text()
    target = claim(url)
    if target is None and url.lower().startswith(("http://", "https://")):
        target = Ref(platform="web", kind="page", id=url)
    if target is None:
        yield Unread(reason="a link that is not a web address", pointer=uri.pointer)
        return
    yield Edge(kind=EdgeKind.LINKS_TO, source=ref, target=target, evidence=Evidence.ASSERTED, pointer=uri.pointer)
