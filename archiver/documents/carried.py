"""Elements that carry a post's address or bare id in an attribute: components, widgets, cards, consent placeholders.

Components: AMP (amp.dev), custom elements, and what blogs write in MDX (mdx-embed, react-tweet, react-twitter-embed,
react-social-media-embed, Astro Embed). Attributes: CKEditor's `oembed[url]` and `data-oembed-url`, Drupal's
`data-embed-url`, Discourse's `data-onebox-src`, Tumblr's `data-url`, s9e's forum frames, Substack's `data-attrs`.
An address counts only when it is one of a post: the same attributes also serve buttons and profiles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from archiver.documents import dates
from archiver.documents.addresses import names_post
from archiver.documents.elements import Element
from archiver.documents.embed import Embed
from archiver.documents.frames import KEY, STATUS, shown, value
from archiver.model import Ref

Claim = Callable[[str], Ref | None]

_NAMES = {
    "x": "amp-twitter twitter-widget twitterwidget twitter-tweet tweet tweet-embed embed-tweet embedded-tweet "
    "lite-tweet static-tweet client-tweet twitter-embed twitter-tweet-embed twitter-post twitter x-embed x-post "
    "x-tweet react-tweet",
    "instagram": "amp-instagram instagram-embed instagram-post instagram",
    "facebook": "amp-facebook facebook-embed facebook-post fb:post fb:video",
    "tiktok": "amp-tiktok tiktok-embed tiktok-video tiktok",
    "reddit": "amp-reddit reddit-embed reddit-post",
    "youtube": "amp-youtube lite-youtube youtube-video youtube-embed lite-youtube-embed lite-yt-embed youtube",
    "bluesky": "bluesky-post bluesky-embed bsky-post bsky-embed bluesky",
    "fediverse": "mastodon-post mastodon-embed mastodon-status mastodon toot",
    "threads": "threads-embed threads-post",
    "": "oembed o-embed drupal-url amp-embedly-card",
}
_PLATFORMS = {name.replace("-", ""): platform for platform, names in _NAMES.items() for name in names.split()}
COMPONENTS = frozenset(
    form for names in _NAMES.values() for name in names.split() for form in (name, name.replace("-", ""))
)
_IDS = {
    "x": frozenset({"id", "tweetid", "statusid", "postid", "tweet"}),
    "instagram": frozenset({"id", "instagramid", "shortcode", "postid"}),
    "tiktok": frozenset({"id", "tiktokid", "videoid", "src"}),
    "youtube": frozenset({"id", "youtubeid", "videoid", "video"}),
}
_PAGES = {
    "x": "https://x.com/i/status/{}",
    "instagram": "https://www.instagram.com/p/{}/",
    "tiktok": "https://www.tiktok.com/embed/v2/{}",
    "youtube": "https://www.youtube.com/watch?v={}",
}
_FORMS = {
    "x": STATUS,
    "instagram": re.compile(r"[A-Za-z0-9_-]{3,64}"),
    "tiktok": re.compile(r"[0-9]{3,24}"),
    "youtube": KEY,
}
_STATUS_PATH = re.compile(r"/?([A-Za-z0-9_]{1,20})/status/([0-9]{1,20})")
_MORE = " \t\r\n\"'`{}\\"

# Attributes that name a post by themselves, and those that do so beside a word that says what the element is.
_TWEET_IDS = ("data-tweet-id", "data-tweetid", "tweetid", "tweet-id")
_OWN = ("data-onebox-src", "data-oembed-url", "data-embed-url", "data-tweet-url", "data-bluesky-uri")
_WITH_HINT = ("data-url", "data-href", "data-src", "data-link", "data-permalink")
_SAYING = ("class", "data-provider", "data-type", "data-service", "data-network", "data-embed-type", "data-media-type")
_HINT = re.compile(
    r"tweet|twitter|instagram|facebook|fb-(?:post|video|comment)|tiktok|bluesky|mastodon|threads|telegram|reddit|"
    r"tumblr|tmblr|embed",
    re.IGNORECASE,
)
_BUTTON = re.compile(r"share|button|btn|follow|timeline|intent|icon", re.IGNORECASE)
_HOME_MADE = frozenset({"tweet", "tweet-embed", "twitter-embed", "embed-tweet", "embed-twitter", "embedded-tweet"})
_HOME_MADE |= {"twitter-tweet-embed", "twitter-tweet"}
_LONG_ID = re.compile(r"[0-9]{15,20}")
_BSKY_AT = re.compile(r"at://(did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,250})/app\.bsky\.feed\.post/([A-Za-z0-9._~:-]{1,64})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}Z")


def component(element: Element, claim: Claim) -> str:
    """The address of the post that a component stands for; empty where its attributes name none."""
    platform = _PLATFORMS.get(element.tag.replace("-", ""), "")
    for name, raw in element.attrs:
        key = name.removeprefix("data-").replace("-", "")
        given = raw.strip(_MORE)
        address = bluesky(given) or given
        if "://" in given:
            if names_post(address, claim):
                return address
            continue
        path = _STATUS_PATH.fullmatch(given) if platform == "x" else None
        if path:
            return f"https://x.com/{path[1]}/status/{path[2]}"
        if key in _IDS.get(platform, ()) and _FORMS[platform].fullmatch(given):
            # The `id` of an element may be any anchor: only what is as long as an id of the platform counts.
            if name == "id" and (len(given) < 8 or (platform == "youtube" and len(given) != 11)):
                continue
            return _PAGES[platform].format(given)
    return ""


def attribute(element: Element, claim: Claim) -> str:
    """The address of the post that an attribute of an ordinary element names; empty where none does."""
    attrs = dict(element.attrs)
    if not any(name.startswith(("data-", "tweet")) for name in attrs):
        return ""
    for name in _TWEET_IDS:
        if name in attrs and STATUS.fullmatch(value(element, name)):
            return _PAGES["x"].format(value(element, name))
    said = " ".join(attrs.get(name, "") for name in _SAYING)
    hinted = bool(_HINT.search(said)) and not _BUTTON.search(said)
    for name in _OWN + (_WITH_HINT if hinted else ()):
        given = value(element, name) if name in attrs else ""
        if "%3A%2F%2F" in given[:16]:
            given = unquote(given)  # Tumblr writes addresses so
        given = f"https:{given}" if given.startswith("//") else bluesky(given) or given
        if given and names_post(given, claim):
            return given
    given = value(element, "data-embed-id")
    if value(element, "data-embed-type") == "twitter" and STATUS.fullmatch(given):
        return _PAGES["x"].format(given)
    given = value(element, "data-id") or value(element, "data-tweet")
    if _LONG_ID.fullmatch(given) and not _HOME_MADE.isdisjoint(value(element, "class").split()):
        return _PAGES["x"].format(given)
    for name, raw in element.attrs:
        if name.startswith("data-") and raw.startswith(("http", "//")):
            found = shown(raw)
            if found:
                return found  # a frame that waits for consent, or for being scrolled to
    return _forum_frame(element.get("data-s9e-mediaembed-iframe"))


def bluesky(uri: str) -> str:
    """The address of a Bluesky post by its AT URI; empty for anything else."""
    found = _BSKY_AT.fullmatch(uri)
    return f"https://bsky.app/profile/{found[1]}/post/{found[2]}" if found else ""


def substack(element: Element, langs: tuple[str, ...]) -> Embed | None:
    """Substack keeps the post by value in `data-attrs`: {url, full_text, username, name, date, photos, …} for X,
    {uri, authorHandle, authorName, createdAt, …} for Bluesky, {instagram_id, …}, {videoId}, {url} for others."""
    data = _json(element.get("data-attrs"))
    if not isinstance(data, dict):
        return None

    def said(*keys: str) -> str:
        return next((found for key in keys if isinstance(found := data.get(key), str) and found), "")

    url = bluesky(said("uri")) or said("url")
    if KEY.fullmatch(said("instagram_id")):
        url = _PAGES["instagram"].format(said("instagram_id"))
    elif KEY.fullmatch(said("videoId")) and "outube" in element.get("data-component-name"):
        url = _PAGES["youtube"].format(said("videoId"))
    written = said("date", "createdAt")
    if not url or not (written or names_post(url)):
        return None  # other widgets keep their state in the same attribute
    handle = said("username", "authorHandle", "author_name").removeprefix("@")
    day = written[:10] if _ISO.fullmatch(written) else ""
    return Embed(
        outer=element.outer,
        text=element.text,
        markup="substack",
        url=url,
        platform="bluesky" if "bsky.app/" in url else "x" if said("username") else "",
        handle=handle,
        name=said("name", "authorName"),
        day=day or dates.parse(written, langs, rare=False),
        dated=written,
        zone="utc" if day else "local" if written else "",
    )


def _forum_frame(given: str) -> str:
    """s9e/MediaEmbed keeps a frame that is loaded late as a flat JSON list of names and values."""
    pairs = _json(given) if given else None
    if isinstance(pairs, list) and "src" in pairs[:-1]:
        address = pairs[pairs.index("src") + 1]
        return shown(address) if isinstance(address, str) else ""
    return ""


def _json(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found
