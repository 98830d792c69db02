"""Addresses of X and the refs that they stand for.

Refs: `x:post:ID`, `x:account:ID`, `x:handle:HANDLE` (lower case, where only a handle is known), `x:short:KEY`
(t.co, pic.twitter.com and pic.x.com share one key space; keys are case-sensitive).
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

from archiver.model import Ref
from archiver.platforms.x.snowflake import is_id

EXAMPLES = {
    "https://x.com/example_user/status/1850688931230646272": "x:post:1850688931230646272",
    "https://twitter.com/example_user/status/1850688931230646272/photo/1?s=20": "x:post:1850688931230646272",
    "http://www.twitter.com/example_user/statuses/1850688931230646272": "x:post:1850688931230646272",
    "https://mobile.twitter.com/example_user/status/1850688931230646272": "x:post:1850688931230646272",
    "https://twitter.com/#!/example_user/status/1850688931230646272": "x:post:1850688931230646272",
    "https://x.com/i/status/1850688931230646272": "x:post:1850688931230646272",
    "https://twitter.com/i/web/status/1850688931230646272": "x:post:1850688931230646272",
    "https://fxtwitter.com/example_user/status/1850688931230646272": "x:post:1850688931230646272",
    "https://platform.twitter.com/embed/Tweet.html?id=1850688931230646272": "x:post:1850688931230646272",
    "https://x.com/Example_User": "x:handle:example_user",
    "https://x.com/i/user/1234567890": "x:account:1234567890",
    "https://t.co/AbCdEf1234": "x:short:AbCdEf1234",
    "pic.twitter.com/AbCdEf1234": "x:short:AbCdEf1234",
    "https://pic.x.com/AbCdEf1234": "x:short:AbCdEf1234",
}

_OWN = frozenset(
    prefix + host for host in ("x.com", "twitter.com") for prefix in ("", "www.", "mobile.", "m.")
)  # the site itself
_MIRRORS = frozenset(
    [
        "fxtwitter.com",
        "vxtwitter.com",
        "fixupx.com",
        "fixvx.com",
        "twittpr.com",
        "www.fxtwitter.com",
        "www.vxtwitter.com",
    ]
)  # services that stand a preview in front of the same paths
_SHORT = frozenset(["t.co", "www.t.co", "pic.twitter.com", "pic.x.com"])
_WIDGET = frozenset(["platform.twitter.com", "platform.x.com"])
_PORTS = {"http": (None, 80), "https": (None, 443)}

_POST = re.compile(
    r"/(?:i/(?:web/)?|(?:#!/)?[A-Za-z0-9_]{1,50}/)?(?i:status(?:es)?)/([1-9][0-9]{0,19})(?:/[^?#]*)?", re.ASCII
)
_ACCOUNT = re.compile(
    r"/(?:#!/)?([A-Za-z0-9_]{1,15})(?:/(?:with_replies|media|likes|highlights|articles))?/?", re.ASCII
)
_USER = re.compile(r"/i/user/([1-9][0-9]{0,19})/?", re.ASCII)
_KEY = re.compile(r"/([A-Za-z0-9]{1,32})/?", re.ASCII)
_BARE = re.compile(r"pic\.(?:twitter|x)\.com/[A-Za-z0-9]{1,32}/?", re.ASCII | re.IGNORECASE)
_UNSAFE = re.compile(r"[\s\\\x00-\x20\x7f]")
_PAGES = frozenset(
    [
        *("about", "account", "compose", "download", "explore", "hashtag", "help", "home", "i", "intent", "jobs"),
        *("login", "logout", "messages", "notifications", "oauth", "personalization", "privacy", "safety", "search"),
        *("search-advanced", "settings", "share", "signup", "status", "statuses", "tos", "who_to_follow", "widgets"),
    ]
)  # first path words that are the site's own pages, not accounts


def post_ref(id: str) -> Ref:
    return Ref(platform="x", kind="post", id=id)


def account_ref(id: str) -> Ref:
    return Ref(platform="x", kind="account", id=id)


def handle_ref(handle: str) -> Ref:
    return Ref(platform="x", kind="handle", id=handle.lower())


def short_ref(key: str) -> Ref:
    return Ref(platform="x", kind="short", id=key)


def claim(url: str) -> Ref | None:
    """The ref of an address of X, or None when it is no such address.

    Every spelling of a post, account or short link; hosts are compared whole (x.com.evil.example is not X),
    credentials, foreign schemes and foreign ports are refused. Without a scheme only pic.twitter.com/KEY and
    pic.x.com/KEY, which stand so in running text.
    """
    if _BARE.fullmatch(url):
        url = f"https://{url}"
    if _UNSAFE.search(url) or url[:4].lower() != "http":
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None or port not in _PORTS.get(parts.scheme, ()):
        return None
    if host in _OWN or host in _MIRRORS:
        return _on_site(parts, own=host in _OWN)
    if host in _SHORT:
        key = _KEY.fullmatch(parts.path)
        return short_ref(key[1]) if key else None
    if host in _WIDGET and parts.path.lower() in {"/embed/tweet.html", "/embed/index.html"}:
        return _named(parts, "id", "post")
    return None


def _on_site(parts: SplitResult, *, own: bool) -> Ref | None:
    path = parts.path
    if path in {"", "/"} and parts.fragment.startswith("!/"):
        # The addresses of 2010 to 2012 carry the path in the fragment.
        path = f"/#{parts.fragment.partition('?')[0]}"
    if post := _POST.fullmatch(path):
        return post_ref(post[1])
    if not own:
        return None
    if user := _USER.fullmatch(path):
        return account_ref(user[1])
    if path == "/intent/user":
        return _named(parts, "user_id", "account")
    account = _ACCOUNT.fullmatch(path)
    return handle_ref(account[1]) if account and account[1].lower() not in _PAGES else None


def _named(parts: SplitResult, key: str, kind: str) -> Ref | None:
    """The ref whose id stands in the query, when exactly one does."""
    try:
        values = parse_qs(parts.query, max_num_fields=100).get(key, [])
    except ValueError:
        return None
    return Ref(platform="x", kind=kind, id=values[0]) if len(values) == 1 and is_id(values[0]) else None
