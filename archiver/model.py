"""The values that flow between rooms: Seed → Document → Mention → Ref → Request → Answer → Reading → Match.

Values only: frozen, slotted, keyword-only; no behaviour beyond construction and its inverse. Times are UTC
ISO 8601 text with `Z`; platform ids are text; spans count code points, half open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from archiver.errors import InputError


class Outcome(StrEnum):
    """What one capture says about one ref. From structured signals only, never from words in a page."""

    LIVE = "live"
    DELETED = "deleted"
    SUSPENDED = "suspended"
    PROTECTED = "protected"
    WITHHELD = "withheld"
    AGE_GATED = "age-gated"
    LOGIN_REQUIRED = "login-required"
    NOT_FOUND = "not-found"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate-limited"
    REFUSED = "refused"
    BLOCKED = "blocked"
    TOO_LARGE = "too-large"
    TRUNCATED = "truncated"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


class EdgeKind(StrEnum):
    QUOTES = "quotes"
    REPOSTS = "reposts"
    REPLIES_TO = "replies-to"
    EMBEDS = "embeds"
    LINKS_TO = "links-to"
    NAMES = "names"
    SAME_MEDIA = "same-media"
    SAME_TEXT = "same-text"
    RESOLVES_TO = "resolves-to"


class Evidence(StrEnum):
    """Who says that an edge exists: the platform's own field, a document, or our matching."""

    ASSERTED = "asserted"
    CLAIMED = "claimed"
    INFERRED = "inferred"


class Failure(StrEnum):
    """Why no whole answer came back: transport facts. NONE means that the message is complete."""

    NONE = ""
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    PROTOCOL = "protocol"
    BLOCKED = "blocked"
    TOO_LARGE = "too-large"
    TRUNCATED = "truncated"
    DECODING = "decoding"
    REDIRECTS = "redirects"
    NOT_RECORDED = "not-recorded"


class MentionKind(StrEnum):
    EMBED = "embed"
    PERMALINK = "permalink"
    SHORT_LINK = "short-link"
    MEDIA_LINK = "media-link"
    SIGNED_QUOTATION = "signed-quotation"
    PASSAGE = "passage"


class VerdictKind(StrEnum):
    """How a quotation relates to an original. Everything but ALTERED and NOT_FOUND is faithful in its named way."""

    EXACT = "exact"
    NORMALISED = "normalised"
    SAME_WORDS = "same-words"
    PARTIAL = "partial"
    TRUNCATED = "truncated"
    ELIDED = "elided"
    BRACKETED = "bracketed"
    SPLICED = "spliced"
    ALTERED = "altered"
    NOT_FOUND = "not-found"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Ref:
    """The canonical address of a thing: `platform:kind:id`, split at the first two colons, id verbatim text.

    >>> str(Ref.parse("bluesky:post:at://did:plc:a/app.bsky.feed.post/b"))
    'bluesky:post:at://did:plc:a/app.bsky.feed.post/b'
    """

    platform: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """The inverse of `str`. Raises InputError when a part is missing or empty."""
        parts = text.split(":", 2)
        if len(parts) != 3 or not all(parts):
            raise InputError(f"{text!r} is not a ref", hint="Write platform:kind:id, for example x:post:20")
        return cls(platform=parts[0], kind=parts[1], id=parts[2])


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A half-open range [start, end) in code points."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"

    @classmethod
    def parse(cls, text: str) -> Span:
        """The inverse of `str`. Raises InputError when the text is not START-END with START <= END."""
        start, dash, end = text.partition("-")
        if not (dash and start.isdecimal() and end.isdecimal() and int(start) <= int(end)):
            raise InputError(f"{text!r} is not a span", hint="Write START-END in code points, for example 0-14")
        return cls(start=int(start), end=int(end))


# ---- network ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that a platform plans. What a parser needs later stands here, so that reading is repeatable.

    `ref` is what the request is about and `refs` the others of a batch. `given` are facts taken from earlier
    answers (a DID's signing key, a PDS address): they are recorded with the capture. A header or URL may hold
    `{secret:NAME}`; the network replaces it, records keep the placeholder. `signer` asks for an HTTP
    signature of our own actor. `follow` is whether redirects are followed (each hop is a capture).
    `max_bytes` 0 means the configured bound.
    """

    ref: Ref
    route: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    refs: tuple[Ref, ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    signer: bool = False
    follow: bool = True
    max_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a request, decoded: transport facts and the entity (empty when `failure` says so).

    `url` is the address that answered (after redirects), `status` None when no response head came. `at` is
    when it was observed. Header names are lower case.
    """

    request: Request
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""
    failure: Failure = Failure.NONE
    detail: str = ""
    at: str = ""

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key == name.lower()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person configured that a platform's plan may depend on. `secrets` are names, never values.

    `endpoints` maps `platform.route` to a base address, so that a mirror or a test server can stand in.
    """

    endpoints: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)

    def endpoint(self, name: str, default: str) -> str:
        """The configured base address without a trailing slash."""
        return self.endpoints.get(name, default).rstrip("/")


# ---- what a parser says ----------------------------------------------------------------------------------


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
    `valid` True, False, or None where it could not be checked; `detail` says what was checked, or why it was refused."""

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


# ---- documents -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the source map: `text` was rendered from `source`. Equal lengths map point to point,
    unequal ones (a character reference, collapsed white space) map whole to whole."""

    text: Span
    source: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address in a document. `text` covers the words that carry it (empty for markup without words)."""

    url: str
    text: Span
    source: Span
    role: str = "a"
    ref: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A plan that undoes damaged encoding in one place; nothing is changed in place. `steps` are
    (`encode` | `decode`, codec) pairs, replayed in order on the text of `span`, giving `after`."""

    span: Span
    steps: tuple[tuple[str, str], ...]
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a seed or captured page reads as. `source` is the decoded source, `text` its rendering, `runs` map between.

    `sha256` is of the source bytes; `ref` is `doc:document:SHA256`. `encoding` is the codec used and
    `encoding_from` what decided it (bom, http, meta, utf-8, detected). For feeds and address lists, `links`
    with role `entry` or `address` are what the document asks to be looked at.
    """

    ref: Ref
    sha256: str
    media_type: str
    encoding: str
    encoding_from: str
    text: str
    source: str
    runs: tuple[Run, ...] = ()
    links: tuple[Link, ...] = ()
    repairs: tuple[Repair, ...] = ()
    title: str = ""
    lang: str = ""
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in a document that refers to a post or quotes words. Its ref is `doc:passage:SHA256:START-END`.

    `text` and `source` are the whole place; `quote` the quoted words alone (None where nothing is quoted).
    `target` is the ref that the place itself names, None where it names none. `day` is the UTC day that a
    signature claims (YYYY-MM-DD, empty where there is none; `dated` is the date as written, `day_zone` is `utc`
    or `local` as the platform's embeds are known to be). `markup` names the form that was recognised.
    """

    kind: MentionKind
    text: Span
    source: Span
    quote: Span | None = None
    platform: str = ""
    target: Ref | None = None
    url: str = ""
    handle: str = ""
    name: str = ""
    day: str = ""
    dated: str = ""
    day_zone: str = ""
    markup: str = ""
    links: tuple[Link, ...] = ()


# ---- quotations ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference between quotation and original: `op` is replaced, added, removed, elided or bracketed.
    Spans point into the quotation and the original as given (empty spans mark the place of what is missing)."""

    op: str
    quoted: str
    original: str
    quoted_span: Span
    original_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one quotation against one original. `steps` are the normalisations that were needed, in order;
    `omitted` the kinds of non-text left out (emoji, links, media); `flags` what a reader must be warned of
    (`negation-elided`, `number-elided`, …). `quoted_span` and `original_span` are what was aligned;
    `score` is the share of the quotation's words found in order, 0 to 1: it never decides."""

    kind: VerdictKind
    steps: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    omitted: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    quoted_span: Span | None = None
    original_span: Span | None = None
    score: float = 0.0
    reason: str = ""
