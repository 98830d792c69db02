"""Names of DESIGN: outcomes, kinds, refs, spans."""

from __future__ import annotations

from dataclasses import dataclass
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
    """How a quotation relates to an original. EXACT to BRACKETED are faithful, each in its named way; SPLICED is
    faithful only part by part; ALTERED is not; NOT_FOUND and NOT_JUDGED say nothing against the words."""

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


POST_KINDS = frozenset({"post", "repost", "note", "address"})
"""Kinds of refs that stand for something that an author posted, on whichever platform: `note` and `address` are those
of Nostr, where an id does not tell a post from a repost."""


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


MOST_DIGITS = 18
"""Of a number in a text form: Python refuses to read numbers of thousands of digits, with another error."""


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
        digits = start.isdecimal() and end.isdecimal() and max(len(start), len(end)) <= MOST_DIGITS
        if not (dash and digits and int(start) <= int(end)):
            raise InputError(f"{text!r} is not a span", hint="Write START-END in code points, for example 0-14")
        return cls(start=int(start), end=int(end))
