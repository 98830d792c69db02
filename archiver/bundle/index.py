"""The shape of `data/bundle.json`: what a bundle holds, for machines and for its report. Text fields that say nothing
are empty; times are UTC ISO 8601 with `Z`; hashes are hexadecimal; ranges count code points [start, end)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypedDict, TypeVar

Entry = TypeVar("Entry", covariant=True)


class Many(Protocol[Entry]):
    """A list, or as many rows as there are, of which one at a time is in memory."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Entry]: ...


class Bracket(TypedDict):
    """The time of the outside token that the capture names as older, and the earliest one over a head that holds it."""

    not_before: str | None
    not_after: str | None
    not_before_by: str | None
    not_after_by: str | None


class CaptureEntry(TypedDict):
    """One capture: `captures/<uid>.json`, `proofs/<leaf>.leaf.json`, `proofs/<leaf>.tlog-proof`. `body_sha256` is empty
    where no body came, `body_missing` says why one that came is not in the bundle."""

    uid: str
    leaf: int
    tier: str
    method: str
    parent: str
    ended_at: str
    body_size: int
    body_missing: str
    declared_type: str
    sniffed_type: str
    ref: str
    url: str
    route: str
    status: int | None
    failure: str
    observed_at: str
    body_sha256: str
    bracket: Bracket


class SightingEntry(TypedDict):
    """Which capture showed a version, at which place of its answer (an RFC 6901 pointer); `whole` 0 is a cut text."""

    capture: str
    route: str
    pointer: str
    whole: int
    edited: int


class VersionEntry(TypedDict):
    """`edited_at` is the platform's own word; `captures` are those that showed it, oldest first."""

    sha256: str
    version_id: str
    text: str
    posted_at: str
    edited_at: str
    truncated: bool
    first_seen: str
    last_seen: str
    captures: list[str]
    sightings: list[SightingEntry]


class CheckEntry(TypedDict):
    """`state` is `holds`, `does not hold` or `not checked`; `reason` says why, where there is a reason."""

    state: str
    reason: str


class ManifestEntry(TypedDict):
    """One C2PA manifest of a file, as docs/media-manifests.md explains the words. `signer` and `issuer` are the names
    in a certificate that came along, `stamped` the time of a timestamp, `actions` what was done, `ingredients` how many
    files it was made from."""

    label: str
    active: bool
    generator: str
    title: str
    synthetic: bool
    algorithm: str
    signature: CheckEntry
    binding: CheckEntry
    contents: CheckEntry
    signer: str
    issuer: str
    stamped: str
    actions: list[str]
    ingredients: int


class C2paEntry(TypedDict):
    """What the manifests of a file claim: `told` for people, `unread` is why none could be read."""

    told: list[str]
    unread: str
    manifests: list[ManifestEntry]


class MediaEntry(TypedDict):
    """`sha256` is empty where the file was not fetched; `type` is what its first bytes show (`sniffed_type`); `c2pa` is
    null where the file has no C2PA manifest, or is too large to be looked into."""

    key: str
    kind: str
    url: str
    alt: str
    sha256: str
    size: int
    type: str
    capture: str
    c2pa: C2paEntry | None


class EdgeEntry(TypedDict):
    kind: str
    evidence: str
    source: str
    target: str
    capture: str
    pointer: str


class StepEntry(TypedDict):
    """One edge of the way up from a named post, depth first; `again` marks a thing that was met before."""

    depth: int
    kind: str
    evidence: str
    source: str
    target: str
    again: bool


class EditEntry(TypedDict):
    """`shown_by` says what shows the edit; `before` and `after` are hashes of versions."""

    shown_by: str
    route: str
    before: str
    after: str
    capture_before: str
    capture_after: str


class OutcomeEntry(TypedDict):
    """What an answer said of whether the post is to be had."""

    outcome: str
    reason: str
    capture: str
    pointer: str


class ProofEntry(TypedDict):
    """An author's own proof: 1 held, 0 refused, null where it could not be checked. `pointer` is its place in the
    decoded answer (RFC 6901), empty where it is the whole of it."""

    kind: str
    valid: int | None
    detail: str
    ref: str
    capture: str
    pointer: str


class PostEntry(TypedDict):
    """`named` says that it was asked for, or quoted by a document that was; `chain` is empty elsewhere."""

    ref: str
    named: bool
    aliases: list[str]
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
    edits: list[EditEntry]
    outcomes: list[OutcomeEntry]
    edges: list[EdgeEntry]
    chain: list[StepEntry]
    proofs: list[ProofEntry]
    captures: list[str]


class DocumentEntry(TypedDict):
    """`sha256` is that of the document's own bytes after decoding of the transfer."""

    ref: str
    named: bool
    observed_at: str
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


class StatementEntry(TypedDict):
    """What a person decided."""

    uid: str
    leaf: int
    at: str
    who: str
    what: str
    subject: str
    object: str
    reason: str


class DerivedEntry(TypedDict):
    """A file that a tool made from bodies (`inputs`, by SHA-256): a picture of a page, a copy without what was erased.
    Its bytes are at `data/blobs/<sha256>`."""

    uid: str
    leaf: int
    at: str
    tool: str
    version: str
    arguments: str
    inputs: list[str]
    sha256: str
    size: int


class ErasedEntry(TypedDict):
    """A capture that is not in the bundle, since its leaf was erased: its place in the log, what it asked for, and the
    day and reason of the erasure as the keeper gave them (a retention policy names itself)."""

    leaf: int
    ref: str
    why: str


class LeafEntry(TypedDict):
    """One leaf of the log and its proof, by their paths. `capture` is the one that it is about, or empty."""

    index: int
    type: str
    capture: str
    leaf: str
    proof: str


class AnchorEntry(TypedDict):
    """What an outside service said of the head of `size` leaves, whose signed bytes are at `over`. `chain` are the
    certificates of a timestamp, `revocations` what authorities said of them, `roots` those that are trusted here."""

    path: str
    kind: str
    service: str
    at: str
    size: int
    over: str
    sha256: str
    chain: list[str]
    revocations: list[str]
    roots: list[str]


class Files(Protocol):
    """Paths and SHA-256, in the order of paths."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class Index(TypedDict):
    """The whole index. `what` says what was asked for, `named` the refs; paths start at the bag's folder. `proofs` are
    of what was asked for or quoted and no capture showed, and of its author's keys."""

    v: int
    what: str
    named: Many[str]
    vkeys: list[str]
    made: str
    tool: str
    origin: str
    size: int
    root: str
    captures: Many[CaptureEntry]
    posts: Many[PostEntry]
    proofs: Many[ProofEntry]
    documents: Many[DocumentEntry]
    verdicts: Many[VerdictEntry]
    statements: Many[StatementEntry]
    derived: Many[DerivedEntry]
    erased: Many[ErasedEntry]
    leaves: Many[LeafEntry]
    anchors: list[AnchorEntry]
    files: Files
