"""How many rows a large archive has, and what each of them says: pure functions of their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
SPAN = timedelta(days=730)
NOW = "2026-03-01T09:00:00.000000Z"
PLATFORMS = ("x", "x", "x", "bluesky", "bluesky", "fediverse")
ROUTES = {"x": ("syndication", "oembed", "tco"), "bluesky": ("posts", "record", "did"), "fediverse": ("status",)}
OUTCOMES = ("live",) * 90 + ("deleted",) * 4 + ("not-found",) * 3 + ("suspended", "protected", "unavailable")
FAILURES = ("",) * 95 + ("timeout", "dns", "tls", "reset", "truncated")
KINDS = ("quotes", "quotes", "replies-to", "links-to", "reposts", "embeds", "names")
VERDICTS = ("exact",) * 12 + ("normalised",) * 4 + ("altered", "spliced", "not-found", "truncated")
WORDS = ("bridge", "ferry", "harbour", "quay", "tide", "gull", "lantern", "market", "basin", "walk", "fish", "clock")
TYPES = ("image/jpeg",) * 7 + ("image/png",) * 2 + ("video/mp4",)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many rows; ids of refs stand in this order: posts, accounts, documents, mentions, media files."""

    posts: int

    @property
    def captures(self) -> int:
        return 3 * self.posts

    @property
    def edges(self) -> int:
        return 2 * self.posts

    @property
    def heavy(self) -> int:
        """Edges that lead to the post that is quoted most."""
        return self.posts // 10

    @property
    def accounts(self) -> int:
        return self.posts // 20

    @property
    def documents(self) -> int:
        return self.posts // 40

    @property
    def mentions(self) -> int:
        return self.posts // 2

    @property
    def long(self) -> int:
        """Mentions of the document that has most."""
        return self.mentions // 25

    @property
    def files(self) -> int:
        return 3 * self.posts // 10

    @property
    def first(self) -> dict[str, int]:
        """The id before the first ref of each kind."""
        found, at = {}, 0
        for name in ("posts", "accounts", "documents", "mentions", "files"):
            found[name] = at
            at += getattr(self, name)
        return found


def text(number: int) -> str:
    """Sentences that differ, of few words, so that a search finds many; every hundredth holds a rare one."""
    rare = f" rare{number % 977}" if number % 100 == 0 else ""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in range(2, 22)) + f" {number}{rare}"


def moment(scale: Scale, capture: int) -> str:
    """When a capture was made: they are spread over two years."""
    return (START + SPAN * (capture / scale.captures)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def uid(scale: Scale, capture: int) -> str:
    """A UUIDv7 (RFC 9562) of that moment."""
    ms = int((START + SPAN * (capture / scale.captures)).timestamp() * 1000)
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{capture & 0xFFF:03x}-8{capture >> 24 & 0xFFF:03x}-{capture:012x}"


def platform(post: int) -> str:
    return PLATFORMS[post % 6]


def post_ref(post: int) -> str:
    return f"{platform(post)}:post:{post}"


def author(scale: Scale, post: int) -> int:
    """The account of a post, from 1: every fiftieth post is of the first account."""
    return 1 if post % 50 == 0 else post % scale.accounts + 1


def failed(capture: int) -> str:
    return FAILURES[capture * 13 % 100]


def outcome(post: int) -> str:
    return OUTCOMES[post * 7 % 100]


def post_of(scale: Scale, capture: int) -> int:
    """Which post a capture asked for: every 1500th asked for the first."""
    return 1 if capture % 1500 == 0 else capture % scale.posts + 1


def medium_of(scale: Scale, capture: int) -> int:
    """Which media file a capture asked for, from 1; 0 for none."""
    number = capture // 10
    return number if capture % 10 == 0 and number <= scale.files and capture % 1500 else 0


def kind_of(scale: Scale, capture: int) -> str:
    """The first captures, one a document, are seeds; every tenth is of a medium."""
    if capture <= scale.documents:
        return "seed"
    return "media" if medium_of(scale, capture) else "post"


def media_url(number: int) -> str:
    return f"https://media.example/{number}.jpg"


def document_sha(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 & (1 << 64) - 1:016x}{number:048x}"


def blob_sha(number: int) -> str:
    return f"{number * 0xC2B2AE3D27D4EB4F & (1 << 64) - 1:016x}{number:048x}"


def passage(scale: Scale, mention: int) -> str:
    start = (mention % scale.long) * 100
    return f"{document_sha(document_of(scale, mention))}:{start}-{start + 60}"


def document_of(scale: Scale, mention: int) -> int:
    """The first document has a twenty-fifth of all mentions."""
    return 1 if mention <= scale.long else mention % (scale.documents - 1) + 2
