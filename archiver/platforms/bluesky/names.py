"""Typed reads of what names a thing on the network: AT URIs, CIDs, DIDs, and the edges that they make."""

from __future__ import annotations

from archiver.errors import InputError
from archiver.model import Edge, EdgeKind, Evidence, Ref
from archiver.platforms.bluesky import dag
from archiver.platforms.bluesky.addresses import AtUri, is_did, record_ref
from archiver.platforms.fields import Node


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


def edge_to(kind: EdgeKind, source: Ref, target: Node) -> Edge:
    """The edge that a strongRef makes, pinned to the version that it names."""
    uri, cid = strong_ref(target)
    return Edge(
        kind=kind,
        source=source,
        target=record_ref(uri),
        evidence=Evidence.ASSERTED,
        pointer=target.pointer,
        pinned=cid,
    )
