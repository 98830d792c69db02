"""Records as their author wrote them (app.bsky.feed.post, app.bsky.feed.repost): the same from an AppView, a PDS or a
proof. What cannot be read of one record is kept as unread, and the rest stands.

Sources: the lexicons app.bsky.feed.post, app.bsky.feed.repost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from archiver.errors import ParseError, ProofError
from archiver.model import Edge, EdgeKind, Media, Post, Proof, Ref, Unread
from archiver.platforms.bluesky import dag
from archiver.platforms.bluesky.addresses import POST, REPOST, account_ref, record_ref, web_url
from archiver.platforms.bluesky.embeds import Part, Source, kept, read_embed, read_facets
from archiver.platforms.bluesky.names import edge_to, strong_ref
from archiver.platforms.fields import Node

# Label values of the official labeler and of authors themselves that ask for a cover over the content.
SENSITIVE = frozenset(["!warn", "porn", "sexual", "nudity", "graphic-media", "gore", "sexual-figurative", "self-harm"])

T = TypeVar("T")
NONE: tuple[str, ...] = ()


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
    shown = [*kept(read_embed(record.get("embed"), ref, source)), *kept(_reply(record.get("reply"), ref))]
    links = [*kept(read_facets(record, ref))]
    lacking = [part for part in shown if isinstance(part, Unread)]
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
        whole=source.complete and not lacking,
        version_id=version,
        conversation=_root(record),
        media=tuple(part for part in shown if isinstance(part, Media)),
        counts=source.counts,
        pointer=source.pointer,
    )
    yield from (part for part in (*shown, *links) if not isinstance(part, Media))
    yield from (*no_time, *no_langs, *no_labels)


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
    yield edge_to(EdgeKind.REPOSTS, ref, record.at("subject"))
    if (via := record.get("via")) is not None:
        yield edge_to(EdgeKind.REPOSTS, ref, via)
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


def _root(record: Node) -> Ref | None:
    try:
        root = record.find("reply", "root")
        return None if root is None else record_ref(strong_ref(root)[0])
    except ParseError:
        return None  # `_reply` keeps the reason


def _reply(reply: Node | None, ref: Ref) -> Iterator[Part]:
    if reply is not None:
        yield edge_to(EdgeKind.REPLIES_TO, ref, reply.at("parent"))
        strong_ref(reply.at("root"))
