"""AT URIs, DIDs, handles and record keys, and the web addresses that stand for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from archiver.errors import InputError
from archiver.model import Ref

POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
PROFILE = "app.bsky.actor.profile"

EXAMPLES = {
    "https://bsky.app/profile/alice.example.com/post/3kaheyt6vpc22": (
        "bluesky:post:at://alice.example.com/app.bsky.feed.post/3kaheyt6vpc22"
    ),
    "https://bsky.app/profile/did:plc:ewvi7nxzyoun6zhxrhs64oiz/post/3kaheyt6vpc22": (
        "bluesky:post:at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kaheyt6vpc22"
    ),
    "https://embed.bsky.app/embed/did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kaheyt6vpc22": (
        "bluesky:post:at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kaheyt6vpc22"
    ),
    "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.repost/3kaheyt6vpc22": (
        "bluesky:repost:at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.repost/3kaheyt6vpc22"
    ),
    "https://bsky.app/profile/alice.example.com": "bluesky:handle:alice.example.com",
    "https://bsky.app/profile/did:plc:ewvi7nxzyoun6zhxrhs64oiz": "bluesky:account:did:plc:ewvi7nxzyoun6zhxrhs64oiz",
}

# The official client, its previews, and clients that are built from its source and keep its paths.
CLIENTS = frozenset(
    [
        "bsky.app",
        "www.bsky.app",
        "staging.bsky.app",
        "main.bsky.dev",
        "deer.social",
        "blacksky.community",
        "witchsky.app",
    ]
)
EMBED_HOST = "embed.bsky.app"
# Pages about one post below its own address.
SUBPAGES = frozenset(["quotes", "reposted-by", "liked-by"])

_HANDLE = re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
_PLC = re.compile(r"did:plc:[a-z2-7]{24}")
_NSID = re.compile(
    r"[a-zA-Z]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}"
)
_RKEY = re.compile(r"[a-zA-Z0-9_~.:-]{1,512}")
_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_TID_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_DID_WEB = "did:web:"
_LOCAL_PORT = re.compile(r"localhost%3A[0-9]{1,5}", re.IGNORECASE)


def is_handle(text: str) -> bool:
    """Handle syntax: a domain name of at most 253 characters whose last label does not start with a digit."""
    return len(text) <= 253 and _HANDLE.fullmatch(text) is not None


def is_did(text: str) -> bool:
    """DID syntax of the AT Protocol, any method."""
    return len(text) <= 2048 and _DID.fullmatch(text) is not None


def is_blessed_did(text: str) -> bool:
    """A DID that the network resolves: did:plc (24 characters of base32) or did:web (a host name, no path)."""
    if text.startswith(_DID_WEB):
        host = text.removeprefix(_DID_WEB)
        return is_handle(host) or _LOCAL_PORT.fullmatch(host) is not None
    return _PLC.fullmatch(text) is not None


def is_tid(text: str) -> bool:
    """TID syntax: 13 characters of sortable base32, the top bit zero."""
    return _TID.fullmatch(text) is not None


def tid_microseconds(tid: str) -> int:
    """Microseconds since 1970 that a TID names. Raises InputError for what is no TID."""
    if not is_tid(tid):
        raise InputError(f"{tid!r} is not a TID", hint="A TID is 13 characters of 2-7 and a-z")
    number = 0
    for digit in tid:
        number = number * 32 + _TID_DIGITS.index(digit)
    return number >> 10


def is_rkey(text: str) -> bool:
    """Record key syntax: 1 to 512 characters, not `.` and not `..`. Clients may choose keys that are no TID."""
    return _RKEY.fullmatch(text) is not None and text not in {".", ".."}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtUri:
    """`at://AUTHORITY[/COLLECTION[/RKEY]]` as records may hold it: no query, no fragment, no trailing slash."""

    authority: str
    collection: str = ""
    rkey: str = ""

    def __str__(self) -> str:
        return "/".join(["at:/", *filter(None, [self.authority, self.collection, self.rkey])])

    @classmethod
    def parse(cls, text: str) -> AtUri:
        """The inverse of `str`. Raises InputError for anything that is not an AT URI (at-uri-scheme specification)."""
        scheme, slashes, rest = text.partition("//")
        parts = rest.split("/")
        if scheme != "at:" or not slashes or len(text) > 8192 or len(parts) > 3:
            raise InputError(f"{text[:200]!r} is not an AT URI", hint="Write at://did/collection/rkey")
        authority, collection, rkey = (*parts, "", "")[:3]
        if not (is_handle(authority) or is_did(authority)):
            raise InputError(f"{authority[:200]!r} is neither a DID nor a handle")
        if len(parts) > 1 and not (len(collection) <= 317 and _NSID.fullmatch(collection)):
            raise InputError(f"{collection[:200]!r} is not a collection")
        if len(parts) > 2 and not is_rkey(rkey):
            raise InputError(f"{rkey[:200]!r} is not a record key")
        return cls(authority=authority, collection=collection, rkey=rkey)


def account_ref(did: str) -> Ref:
    return Ref(platform="bluesky", kind="account", id=did)


def actor_ref(actor: str) -> Ref:
    """The ref of an account by DID, or by handle (lower case: handles do not distinguish case)."""
    if is_did(actor):
        return account_ref(actor)
    return Ref(platform="bluesky", kind="handle", id=actor.lower())


def record_ref(uri: AtUri) -> Ref:
    """The ref of a record: its kind follows from the collection."""
    kind = {POST: "post", REPOST: "repost"}.get(uri.collection, "record")
    authority = uri.authority if is_did(uri.authority) else uri.authority.lower()
    return Ref(
        platform="bluesky", kind=kind, id=str(AtUri(authority=authority, collection=uri.collection, rkey=uri.rkey))
    )


def web_url(uri: AtUri) -> str:
    """The address at which the official client shows a post; empty for other records."""
    return f"https://bsky.app/profile/{uri.authority}/post/{uri.rkey}" if uri.collection == POST else ""


def claim(url: str) -> Ref | None:
    """The ref of a post, repost or account that an AT URI or a client's web address stands for; else None.

    Short links (go.bsky.app) are left to `web`: they lead to starter packs, not to posts.
    """
    text = url.strip()
    if text.startswith("at://"):
        return _claim_uri(text)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"}:
        return None
    path = [unquote(part) for part in parts.path.split("/") if part]
    match path:
        case ["profile", actor] if host in CLIENTS:
            return actor_ref(actor) if _is_actor(actor) else None
        case ["profile", actor, "post", rkey, *rest] if host in CLIENTS:
            known = not rest or (len(rest) == 1 and rest[0] in SUBPAGES)
            return _post(actor, rkey) if known else None
        case ["embed", actor, "app.bsky.feed.post", rkey] if host == EMBED_HOST:
            return _post(actor, rkey)
    return None


def _is_actor(actor: str) -> bool:
    return is_blessed_did(actor) or is_handle(actor)


def _post(actor: str, rkey: str) -> Ref | None:
    if not (_is_actor(actor) and is_rkey(rkey)):
        return None
    return record_ref(AtUri(authority=actor, collection=POST, rkey=rkey))


def _claim_uri(text: str) -> Ref | None:
    try:
        uri = AtUri.parse(text)
    except InputError:
        return None
    if not _is_actor(uri.authority):
        return None
    if not uri.collection or (uri.collection == PROFILE and uri.rkey == "self"):
        return actor_ref(uri.authority)
    return record_ref(uri) if uri.collection in {POST, REPOST} and uri.rkey else None
