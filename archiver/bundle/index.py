"""The shape of `data/bundle.json`: what a bundle holds, for machines and for its report. Text fields that say nothing
are empty; times are UTC ISO 8601 with `Z`; hashes are hexadecimal; ranges count code points [start, end)."""

from __future__ import annotations

from typing import TypedDict


class Bracket(TypedDict):
    """The time of the outside token that the capture names as older, and the earliest one over a head that holds it."""

    not_before: str | None
    not_after: str | None


class CaptureEntry(TypedDict):
    """One capture: `captures/<uid>.json`, `proofs/<leaf>.leaf.json`, `proofs/<leaf>.tlog-proof`."""

    uid: str
    leaf: int
    ref: str
    url: str
    route: str
    status: int | None
    failure: str
    observed_at: str
    body_sha256: str
    bracket: Bracket


class VersionEntry(TypedDict):
    sha256: str
    text: str
    posted_at: str
    edited_at: str
    truncated: bool
    first_seen: str
    last_seen: str
    captures: list[str]


class MediaEntry(TypedDict):
    """`sha256` is empty where the file was not fetched; `type` is what its first bytes show (`sniffed_type`)."""

    key: str
    kind: str
    url: str
    alt: str
    sha256: str
    size: int
    type: str


class EdgeEntry(TypedDict):
    kind: str
    evidence: str
    source: str
    target: str


class ProofEntry(TypedDict):
    """An author's own proof: 1 held, 0 refused, null where it could not be checked."""

    kind: str
    valid: int | None
    detail: str


class PostEntry(TypedDict):
    ref: str
    platform: str
    author: str
    handle: str
    name: str
    url: str
    posted_at: str
    text: str
    lang: str
    warning: str
    outcome: str
    outcome_at: str
    truncated: bool
    versions: list[VersionEntry]
    media: list[MediaEntry]
    edges: list[EdgeEntry]
    proofs: list[ProofEntry]
    captures: list[str]


class DocumentEntry(TypedDict):
    ref: str
    title: str
    url: str
    media_type: str
    sha256: str
    captures: list[str]


class Range(TypedDict):
    start: int
    end: int


class ChangeEntry(TypedDict):
    """As `matches.changes` holds them."""

    op: str
    quoted: str
    original: str
    quoted_span: Range
    original_span: Range


class VerdictEntry(TypedDict):
    """One quotation against one version of a post; `words` are the quoted words, `text` the version compared with."""

    passage: str
    document: str
    kind: str
    words: str
    handle: str
    name: str
    day: str
    status: str
    post: str
    version: str
    text: str
    verdict: str
    standard: str
    faithful: bool
    flags: list[str]
    steps: list[str]
    changes: list[ChangeEntry]
    quoted_span: Range | None
    original_span: Range | None
    reason: str
    policy: str


class Index(TypedDict):
    v: int
    made: str
    tool: str
    origin: str
    size: int
    root: str
    captures: list[CaptureEntry]
    posts: list[PostEntry]
    documents: list[DocumentEntry]
    verdicts: list[VerdictEntry]
    files: dict[str, str]
