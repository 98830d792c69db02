"""Addresses of fediverse posts. Any host may be a server, so only the shape of the path can tell: the shapes here are
those that the servers' software uses, with ids that ordinary pages do not have.

Mastodon: 15 to 20 digits (snowflakes since October 2017); older posts had short numbers, which only paths that no
other site uses may carry. GoToSocial: ULID. Hollo: UUID. Pleroma and Akkoma: flake ids. Misskey: aid, aidx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.model import Ref
from archiver.platforms.web.address import host_of, normal

# Large sites whose addresses could look like ours. Their subdomains count too.
ELSEWHERE = frozenset(
    ("twitter.com", "x.com", "bsky.app", "youtube.com", "tiktok.com", "threads.net", "threads.com", "medium.com",
     "instagram.com", "facebook.com", "reddit.com", "linkedin.com", "vk.com", "t.me", "substack.com", "brunch.co.kr",
     "weibo.com", "weibo.cn", "steemit.com", "hive.blog", "odysee.com", "note.com", "unsplash.com", "github.com",
     "gitlab.com", "pinterest.com", "telegram.me", "web.archive.org", "archive.org", "archive.today", "archive.ph")
)  # fmt: skip

_SNOWFLAKE, _NUMBER = r"[1-9][0-9]{14,19}", r"[1-9][0-9]{0,19}"
_ULID, _UUID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}", r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_FLAKE = r"[9A-C][0-9A-Za-z]{17}"
_AID = r"(?=[a-z0-9]{0,15}[0-9])[7-9a-c][0-9a-z]{9}(?:[0-9a-z]{6})?"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?"
_DOMAIN = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+(?::[0-9]{1,5})?"
_STRICT = f"(?:{_SNOWFLAKE}|{_ULID}|{_UUID})"
_LOOSE = f"(?:{_NUMBER}|{_ULID}|{_UUID})"

# How every path below starts: most addresses of the web are told apart by this one look.
_FIRST = re.compile(r"/(?:@|(?:web|deck|users|ap|statuses|api|notice|p|objects|notes)/)")
# Paths of posts; the group `api` is an id that the server's Mastodon API takes.
_POSTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"/(?:web/|deck/)?@{_NAME}/(?:statuses/|posts/)?(?P<api>{_STRICT}|(?<=posts/){_FLAKE})(?:/embed)?/?",
        rf"/(?:web/|deck/)?@{_NAME}@{_DOMAIN}/(?:posts/)?(?P<api>{_LOOSE}|{_FLAKE})/?",
        rf"/users/{_NAME}/statuses/(?P<api>{_LOOSE})(?:/embed)?/?",
        rf"/ap/users/{_NUMBER}/statuses/(?P<api>{_LOOSE})/?",
        rf"/(?:web/)?statuses/(?P<api>{_STRICT})/?",
        rf"/api/v1/statuses/(?P<api>{_LOOSE}|{_FLAKE})",
        rf"/notice/(?P<api>{_FLAKE})/?",
        rf"/p/{_NAME}/(?P<api>{_SNOWFLAKE})/?",
        rf"/objects/{_UUID}/?",
        rf"/notes/(?:{_AID}|{_ULID})/?",
        rf"/users/{_NAME}/notes/[A-Za-z0-9_-]{{1,64}}",
    )
)
_BOOST = re.compile(rf"(?:/ap)?/users/{_NAME}/statuses/{_LOOSE}/activity")
_REMOTE_ACCOUNT = re.compile(rf"/(?:web/|deck/)?@({_NAME})@({_DOMAIN})/?")
_BY_ID = re.compile(r"/(?:api/v1/)?statuses/(?P<api>[A-Za-z0-9_-]{1,64})")
# Hollo gives boosts and posts ids of one shape, and serves a boost as a note of the booster.
_BOOSTS_LOOK_LIKE_POSTS = re.compile(rf"/@{_NAME}/{_UUID}")
_ACTIVITY = re.compile(r"/(?:activity|announces?|boosts?|shares?)(?:/[^/]*)?/?$")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer came from: `base` is scheme and authority."""

    base: str

    @property
    def host(self) -> str:
        return host_of(self.base + "/")

    def owns(self, address: str) -> bool:
        """Whether this server may speak for an address: the same host and port, and not over http for https."""
        url = normal(address)
        if url is None or host_of(url) != self.host:
            return False
        return url.startswith("http:") or self.base.startswith("https:")

    def numbered(self, status: str) -> Ref:
        """A provisional ref by the server's own id: it becomes an alias once the ActivityPub id is seen."""
        return post(f"{self.base}/statuses/{status}")


def place_of(url: str) -> Place | None:
    """The server of an address; None when it is none."""
    address = normal(url)
    return None if address is None else Place(base="/".join(address.split("/", 3)[:3]))


def post(uri: str) -> Ref:
    return Ref(platform="fediverse", kind="post", id=uri)


def repost(uri: str) -> Ref:
    return Ref(platform="fediverse", kind="repost", id=uri)


def account(uri: str) -> Ref:
    return Ref(platform="fediverse", kind="account", id=uri)


def handle(acct: str, host: str) -> Ref:
    """`user@host` in lower case; a local name gets the host that showed it."""
    return Ref(platform="fediverse", kind="handle", id=(acct if "@" in acct else f"{acct}@{host}").lower())


def claim(url: str) -> Ref | None:
    """`fediverse:post:ADDRESS` (query and fragment dropped), `fediverse:repost:` for a boost's own id,
    `fediverse:handle:user@host` for `https://any/@user@host`; None for everything else."""
    address = normal(url)
    if address is None:
        return None
    base, path = _split(address)
    host = host_of(address).rpartition(":")[0] or host_of(address)
    if not _FIRST.match(path) or _elsewhere(host):
        return None
    if _BOOST.fullmatch(path):
        return repost(base + path)
    if any(pattern.fullmatch(path) for pattern in _POSTS):
        return post(base + path.removesuffix("/").removesuffix("/embed"))
    match = _REMOTE_ACCOUNT.fullmatch(path)
    return handle(f"{match[1]}@{match[2]}", "") if match else None


def _elsewhere(host: str) -> bool:
    """Whether a host is one of those sites or below one."""
    while host:
        if host in ELSEWHERE:
            return True
        host = host.partition(".")[2]
    return False


def target(url: str) -> Ref:
    """The ref of an address that a post points at: ours where the shape tells, a web page otherwise (jobs ask the
    other platforms). The address must be normal."""
    return claim(url) or Ref(platform="web", kind="page", id=url)


def api_id(uri: str) -> str:
    """The id that the Mastodon API of the address's own server takes; empty when the address does not show one."""
    address = normal(uri)
    if address is None:
        return ""
    path = _split(address)[1]
    for pattern in (*_POSTS, _BY_ID):
        match = pattern.fullmatch(path)
        if match:
            return match.groupdict().get("api") or ""
    return ""


def is_page(uri: str) -> bool:
    """Whether an address can be asked for its ActivityPub object: refs by the API's id alone cannot."""
    address = normal(uri)
    return address is not None and not _BY_ID.fullmatch(_split(address)[1])


def boosts_look_like_posts(uri: str) -> bool:
    """Whether an id has a shape under which a server may serve a boost as the booster's own note: such a note alone
    does not show who wrote it."""
    path = _split(uri)[1]
    return bool(_BOOSTS_LOOK_LIKE_POSTS.fullmatch(path) or _ACTIVITY.search(path))


def _split(address: str) -> tuple[str, str]:
    """Scheme with authority, and the path without query."""
    parts = address.split("/", 3)
    return "/".join(parts[:3]), "/" + parts[3].split("#")[0].split("?")[0]
