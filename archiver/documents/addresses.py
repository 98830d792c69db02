"""Addresses that stand bare in a text: with a scheme, or one of the few hosts that people write without.

An X short link (`t.co/KEY`, `pic.twitter.com/KEY`, `pic.x.com/KEY`) is often glued to the words around it, and its
key has at most ten letters and digits: so it may start inside a word and ends after the tenth. A code of Nostr (NIP-19)
is an address with its scheme (`nostr:npub1…`) and, where it names something posted, without (`note1…`, `nevent1…`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from archiver.model import POST_KINDS, Link, Ref, Span

_STOP = r"\s<>\"`|\\…“”„«»。、，）」』】\[\]{}"
_KEY = r"/[A-Za-z0-9]{1,10}"
_LETTERS = "[02-9ac-hj-np-zAC-HJ-NP-Z]{40,5000}(?![A-Za-z0-9])"  # of bech32 (BIP-173): no 1, b, i, o behind the first 1
_CODE = re.compile(rf"(?:(?:web\+)?nostr:)?(?:npub|nprofile|note|nevent|naddr)1{_LETTERS}", re.IGNORECASE)
_ADDRESS = re.compile(
    rf"(?:https?://)?pic\.(?:twitter|x)\.com{_KEY}"
    rf"|https?://t\.co{_KEY}"
    rf"|(?<![\w.@/-])t\.co{_KEY}"
    rf"|https?://[^{_STOP}]+"
    rf"|(?<![\w.@/-])(?:(?:www|mobile|m)\.)?(?:twitter\.com|x\.com|bsky\.app)/[^{_STOP}]+"
    rf"|(?<![\w/])at://did:[^{_STOP}]+"
    rf"|(?<![\w/.@+-])(?:(?:web\+)?nostr:(?:npub|nprofile|note|nevent|naddr)|note|nevent|naddr)1{_LETTERS}",
    re.IGNORECASE,
)
MEDIA_LINK = re.compile(r"(?:https?://)?pic\.(?:twitter|x)\.com/[A-Za-z0-9]{1,10}", re.IGNORECASE)
_SHORT = re.compile(r"(?:https?://)?(?:t\.co|pic\.(?:twitter|x)\.com)/", re.IGNORECASE)
# Posts by the shape of their address, for platforms that no module here claims.
_POST = re.compile(
    r"https?://(?:[a-z0-9-]{1,20}\.){0,2}(?:"
    r"(?:twitter|x)\.com/(?:#!/)?[^/?#]{1,40}/(?:web/)?status(?:es)?/[0-9]"
    r"|bsky\.app/profile/[^/?#]{1,300}/post/"
    r"|instagram\.com/(?:[\w.]{1,40}/)?(?:p|reels?|tv)/[\w-]"
    r"|facebook\.com/(?:[^/?#]{1,200}/(?:posts|videos|photos|permalink)/|groups/[^/?#]{1,200}/(?:posts|permalink)/"
    r"|permalink\.php|story\.php|photo|watch|reel/|share/[pvr]/)|fb\.watch/"
    r"|tiktok\.com/(?:@[^/?#]{1,100}/(?:video|photo)|embed(?:/v2)?|v|t)/[\w-]|vm\.tiktok\.com/[\w-]"
    r"|reddit\.com/(?:r|u|user)/[^/?#]{1,60}/(?:comments|s)/|redd\.it/\w"
    r"|youtube(?:-nocookie)?\.com/(?:watch|shorts/|live/|embed/|v/)|youtu\.be/[\w-]"
    r"|threads\.(?:net|com)/@[^/?#]{1,60}/post/|t\.me/(?:s/|c/)?\w{1,64}/[0-9]"
    r"|vk\.com/(?:[^?#]{0,100}\?(?:[^#]{0,100}&)?w=)?wall-?[0-9]{1,20}_[0-9]"
    r"|truthsocial\.com/@[^/?#]{1,60}/(?:posts/)?[0-9]|linkedin\.com/(?:posts|feed/update)/"
    r"|pinterest\.[a-z.]{2,6}/pin/[0-9]|[\w-]{1,60}\.tumblr\.com/post/[0-9])",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'’*_~)&"


def bare(text: str) -> tuple[Link, ...]:
    """Every bare address of a text, in order, without the punctuation that follows it; both spans point into `text`.

    `url` always has a scheme: `https://` is added where the text has none.
    """
    if "/" not in text and _CODE.search(text) is None:
        return ()
    return tuple(_link(text, found.start(), found.end()) for found in _ADDRESS.finditer(text))


def names_post(url: str, claim: Callable[[str], Ref | None] | None = None) -> bool:
    """Whether an address is one of a post: by its shape, or because a platform claims it as one."""
    if _POST.match(url):
        return True
    ref = claim(url) if claim is not None and ("://" in url or has_code(url)) else None
    return ref is not None and ref.kind in POST_KINDS


def has_code(url: str) -> bool:
    """Whether an address is a code of Nostr by its shape."""
    return _CODE.fullmatch(url) is not None


def is_short(url: str) -> bool:
    """Whether an address is one of X's short links."""
    return bool(_SHORT.match(url))


def _link(text: str, start: int, end: int) -> Link:
    opened = text.count("(", start, end) - text.count(")", start, end)
    while end > start and text[end - 1] in _TRAILING:
        if text[end - 1] == ")":
            if opened >= 0:
                break
            opened += 1
        end -= 1
    url = text[start:end]
    span = Span(start=start, end=end)
    return Link(url=with_scheme(url), text=span, source=span, role="bare")


def with_scheme(address: str) -> str:
    """An address as it would be with its scheme: `nostr:` before a code, `https://` before a host."""
    if has_code(address):
        return address if ":" in address else f"nostr:{address}"
    return address if "://" in address else f"https://{address}"
