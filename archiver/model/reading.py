"""What a parser says of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.model.words import EdgeKind, Evidence, Outcome, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as one capture showed it. `ref` is by stable id where one is known."""

    ref: Ref
    handle: str = ""
    name: str = ""
    url: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One medium of a post. `key` is the platform's own id for it; of several renderings the highest `rank` is fetched.

    `sha256` is what the platform says that the bytes hash to (AT Protocol CIDs), empty where it says nothing.
    `bitrate` in bit/s, `width` and `height` in pixels, 0 where unknown.
    """

    key: str
    kind: str
    url: str
    rank: int = 0
    alt: str = ""
    width: int = 0
    height: int = 0
    bitrate: int = 0
    content_type: str = ""
    sha256: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One sighting of one version of a post, as one route rendered it.

    `text` is plain text with the platform's escapes and link shorteners undone where the answer itself says how.
    `truncated` is a text known to be cut; `whole` is a rendering that would show every quote, reply and medium.
    `version_id` is the platform's own name of this version (CID, edit id), empty where it has none.
    `edited` is the platform's own marker. `counts` (likes, replies, …) belong to the sighting, not the version.
    """

    ref: Ref
    author: Ref | None
    text: str
    posted_at: str = ""
    handle: str = ""
    name: str = ""
    lang: str = ""
    warning: str = ""
    sensitive: bool = False
    url: str = ""
    truncated: bool = False
    whole: bool = True
    edited: bool = False
    edited_at: str = ""
    version_id: str = ""
    conversation: Ref | None = None
    media: tuple[Media, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`pinned` is the version of the target that the source names (a strongRef's CID), empty where it names none."""

    kind: EdgeKind
    source: Ref
    target: Ref
    evidence: Evidence
    pointer: str = ""
    pinned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A capture showed that two refs are the same thing: look-ups go from `alias` to `ref`."""

    alias: Ref
    ref: Ref
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one capture for one ref, with the structured signal it was read from."""

    ref: Ref
    outcome: Outcome
    reason: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An author's own proof that was checked: `kind` (atproto-record, atproto-absence, plc-log, fep-8b32, …),
    `valid` True, False, or None where it could not be checked; `detail` says what was checked or why it was refused."""

    kind: str
    ref: Ref
    valid: bool | None
    detail: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A web page's own statements about itself."""

    ref: Ref
    title: str = ""
    author: str = ""
    site: str = ""
    description: str = ""
    lang: str = ""
    published_at: str = ""
    modified_at: str = ""
    canonical: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A part of an answer that could not be read: kept, with reason and pointer."""

    reason: str
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that a parser says of one answer, about any number of refs."""

    findings: tuple[Finding, ...] = ()
    posts: tuple[Post, ...] = ()
    accounts: tuple[Account, ...] = ()
    edges: tuple[Edge, ...] = ()
    aliases: tuple[Alias, ...] = ()
    proofs: tuple[Proof, ...] = ()
    pages: tuple[Page, ...] = ()
    unread: tuple[Unread, ...] = ()
