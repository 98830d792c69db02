"""Records as their author wrote them (app.bsky.feed.post, app.bsky.feed.repost): the same from an AppView, a PDS or a
proof. What cannot be read of one record is kept as unread, and the rest stands.

Sources: the lexicons app.bsky.feed.post, app.bsky.feed.repost, app.bsky.embed.*, app.bsky.richtext.facet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from archiver.errors import InputError, ParseError, ProofError
from archiver.model import Edge, EdgeKind, Evidence, Media, Post, Proof, Ref, Unread
from archiver.platforms.bluesky import dag
from archiver.platforms.bluesky.addresses import POST, REPOST, AtUri, account_ref, claim, is_did, record_ref, web_url
from archiver.platforms.fields import Node

PDS_RANK = 10  # the uploaded bytes, which hash to the CID
APPVIEW_RANK = 1  # a re-encoding of them
# Label values of the official labeler and of authors themselves that ask for a cover over the content.
SENSITIVE = frozenset(["!warn", "porn", "sexual", "nudity", "graphic-media", "gore", "sexual-figurative", "self-harm"])

Part = Edge | Media | Unread
T = TypeVar("T")
NONE: tuple[str, ...] = ()


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


def read_uri(node: Node) -> AtUri:
    """The AT URI of a record. Raises ParseError for anything else."""
    try:
        uri = AtUri.parse(node.text())
    except InputError:
        raise node.fail("an AT URI") from None
    if not uri.rkey or not is_did(uri.authority):
        raise node.fail("the AT URI of a record")
    return uri


def read_cid(node: Node) -> str:
    """A CID as text. Raises ParseError for anything else."""
    if not dag.is_cid(text := node.text()):
        raise node.fail("a CID")
    return text


def read_did(node: Node) -> str:
    """A DID. Raises ParseError for anything else."""
    if not is_did(text := node.text()):
        raise node.fail("a DID")
    return text


def strong_ref(node: Node) -> tuple[AtUri, str]:
    """com.atproto.repo.strongRef: which record, in which version."""
    return read_uri(node.at("uri")), read_cid(node.at("cid"))


def cid_proof(ref: Ref, record: Node, cid: str) -> Proof:
    """Whether the record shown is the version that its CID names: it is encoded again and hashed."""
    try:
        actual = dag.record_cid(record.value)
    except ProofError as error:
        return Proof(kind="atproto-cid", ref=ref, valid=None, detail=str(error), pointer=record.pointer)
    detail = f"the record is {actual}" if actual == cid else f"the record is {actual}, shown as {cid}"
    return Proof(kind="atproto-cid", ref=ref, valid=actual == cid, detail=detail, pointer=record.pointer)


def read_record(record: Node, source: Source) -> Iterator[Post | Edge | Unread | Proof]:
    """Whatever a record says, by its collection, with the check of its CID. A version whose record does not hash to
    its CID is given without version: the CID is not its name. Raises ParseError where the record itself is broken."""
    kind = record.string("$type", source.uri.collection)
    if kind != source.uri.collection or kind not in _READERS:
        yield Unread(reason=f"a record of type {kind[:80]!r} in {source.uri.collection}", pointer=record.pointer)
        return
    proof = cid_proof(record_ref(source.uri), record, source.cid)
    yield proof
    yield from _READERS[kind](record, source, "" if proof.valid is False else source.cid)


def _read_post(record: Node, source: Source, version: str) -> Iterator[Post | Edge | Unread]:
    ref = record_ref(source.uri)
    text = record.at("text").text()
    posted_at, no_time = _tolerant(lambda: record.at("createdAt").time(), "")
    langs, no_langs = _tolerant(lambda: tuple(lang.text() for lang in record.list("langs")), NONE)
    labels, no_labels = _tolerant(lambda: _self_labels(record), NONE)
    parts = [
        *_kept(_embed(record.get("embed"), ref, source)),
        *_kept(_facets(record, ref)),
        *_kept(_reply(record.get("reply"), ref)),
    ]
    edges = [part for part in parts if isinstance(part, Edge)]
    unread = [part for part in parts if isinstance(part, Unread)]
    yield Post(
        ref=ref,
        author=account_ref(source.uri.authority),
        text=text,
        posted_at=posted_at,
        handle=source.handle,
        name=source.name,
        lang=langs[0] if langs else "",
        warning=", ".join(labels),
        sensitive=source.sensitive or not SENSITIVE.isdisjoint(labels),
        url=web_url(source.uri),
        whole=source.complete and not unread,
        version_id=version,
        conversation=_root(record),
        media=tuple(part for part in parts if isinstance(part, Media)),
        counts=source.counts,
        pointer=source.pointer,
    )
    yield from edges
    yield from (*unread, *no_time, *no_langs, *no_labels)


def _read_repost(record: Node, source: Source, version: str) -> Iterator[Post | Edge | Unread]:
    """A repost has no words of its own. `via` is the repost through which it was found."""
    ref = record_ref(source.uri)
    posted_at, no_time = _tolerant(lambda: record.at("createdAt").time(), "")
    yield Post(
        ref=ref,
        author=account_ref(source.uri.authority),
        text="",
        posted_at=posted_at,
        handle=source.handle,
        name=source.name,
        version_id=version,
        pointer=source.pointer,
    )
    yield _edge(EdgeKind.REPOSTS, ref, record.at("subject"))
    if (via := record.get("via")) is not None:
        yield _edge(EdgeKind.REPOSTS, ref, via)
    yield from no_time


_READERS: dict[str, Callable[[Node, Source, str], Iterator[Post | Edge | Unread]]] = {
    POST: _read_post,
    REPOST: _read_repost,
}


def _tolerant(read: Callable[[], T], default: T) -> tuple[T, tuple[Unread, ...]]:
    """A part without which the words still stand. Old clients, for one, wrote times without a zone, which name no
    moment."""
    try:
        return read(), ()
    except ParseError as error:
        return default, (Unread(reason=error.message, pointer=error.pointer),)


def _self_labels(record: Node) -> tuple[str, ...]:
    labels = record.get("labels")
    return NONE if labels is None else tuple(value.at("val").text() for value in labels.list("values"))


def _kept(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts up to the one that cannot be read, and that one as unread."""
    try:
        yield from parts
    except ParseError as error:
        yield Unread(reason=error.message, pointer=error.pointer)


def _edge(kind: EdgeKind, source: Ref, target: Node) -> Edge:
    uri, cid = strong_ref(target)
    return Edge(
        kind=kind,
        source=source,
        target=record_ref(uri),
        evidence=Evidence.ASSERTED,
        pointer=target.pointer,
        pinned=cid,
    )


def _root(record: Node) -> Ref | None:
    try:
        root = record.find("reply", "root")
        return None if root is None else record_ref(strong_ref(root)[0])
    except ParseError:
        return None  # `_reply` keeps the reason


def _reply(reply: Node | None, ref: Ref) -> Iterator[Part]:
    if reply is not None:
        yield _edge(EdgeKind.REPLIES_TO, ref, reply.at("parent"))
        strong_ref(reply.at("root"))


def _embed(embed: Node | None, ref: Ref, source: Source) -> Iterator[Part]:
    if embed is None:
        return
    match embed.at("$type").text():
        case "app.bsky.embed.record":
            yield _quote(embed.at("record"), ref)
        case "app.bsky.embed.recordWithMedia":
            yield _quote(embed.at("record", "record"), ref)
            yield from _media(embed.at("media"), ref, source)
        case _:
            yield from _media(embed, ref, source)


def _quote(target: Node, ref: Ref) -> Edge:
    """Posts are quoted; lists, feeds and packs are shown as cards."""
    edge = _edge(EdgeKind.QUOTES, ref, target)
    if edge.target.kind == "post":
        return edge
    return _edge(EdgeKind.EMBEDS, ref, target)


def _media(embed: Node, ref: Ref, source: Source) -> Iterator[Part]:
    match embed.at("$type").text():
        case "app.bsky.embed.images":
            yield from _images(embed.at("images"), source)
        case "app.bsky.embed.gallery":
            yield from _images(embed.at("items"), source)
        case "app.bsky.embed.video":
            yield _medium("video", embed, "video", source)
            for caption in embed.list("captions"):
                yield _medium("captions", caption, "file", source)
        case "app.bsky.embed.external":
            external = embed.at("external")
            yield _link(external.at("uri"), ref)
            if external.get("thumb") is not None:
                yield _medium("thumbnail", external, "thumb", source)
        case kind:
            yield Unread(reason=f"an embed of type {kind[:80]!r}", pointer=embed.pointer)


def _images(images: Node, source: Source) -> Iterator[Part]:
    nodes = tuple(images.items())
    urls = source.images if len(source.images) == len(nodes) else ("",) * len(nodes)
    for node, url in zip(nodes, urls, strict=True):
        yield _medium("image", node, "image", source, url)


def _medium(kind: str, node: Node, key: str, source: Source, rendering: str = "") -> Media:
    """A blob of the record (also in the form without `$type` of 2022). Without a host its address is left empty."""
    blob = node.at(key)
    link = blob.at("cid") if blob.get("ref") is None else blob.at("ref", "$link")
    cid, shape = read_cid(link), node.get("aspectRatio")
    original = bool(source.pds)
    url = rendering
    if original:
        query = urlencode({"did": source.uri.authority, "cid": cid}, safe=":")
        url = f"{source.pds}/xrpc/com.atproto.sync.getBlob?{query}"
    return Media(
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


def _facets(record: Node, ref: Ref) -> Iterator[Part]:
    for facet in record.list("facets"):
        for feature in facet.list("features"):
            match feature.string("$type"):
                case "app.bsky.richtext.facet#link":
                    yield _link(feature.at("uri"), ref)
                case "app.bsky.richtext.facet#mention":
                    did = feature.at("did")
                    target = account_ref(read_did(did))
                    yield Edge(
                        kind=EdgeKind.NAMES,
                        source=ref,
                        target=target,
                        evidence=Evidence.ASSERTED,
                        pointer=did.pointer,
                    )


def _link(node: Node, ref: Ref) -> Part:
    url = node.text()
    target = claim(url)
    if target is None:
        if not url.lower().startswith(("http://", "https://")):
            return Unread(reason="a link that is not a web address", pointer=node.pointer)
        target = Ref(platform="web", kind="page", id=url)
    return Edge(kind=EdgeKind.LINKS_TO, source=ref, target=target, evidence=Evidence.ASSERTED, pointer=node.pointer)
