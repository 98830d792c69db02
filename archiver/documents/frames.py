"""Posts by the address of a frame or by the bare id that an element carries: what widget scripts leave behind."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from archiver.documents.elements import Element

STATUS = re.compile(r"[0-9]{1,20}")
_SOURCES = ("src", "data-src", "data-lazy-src", "data-cmp-src", "data-src-no-cookie", "data-url")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BSKY_FRAME = re.compile(r"/embed/(did:[^/?#]{1,250})/app\.bsky\.feed\.post/([A-Za-z0-9._~:-]{1,64})")


def value(element: Element, name: str) -> str:
    """An attribute without what JSON escaping put around it, for markup that was exported inside strings."""
    return element.get(name).strip(" \t\r\n\"'\\").replace("\\/", "/")


def custom(element: Element) -> str:
    """The address that an element with the bare id of a post stands for."""
    for name in ("data-tweet-id", "data-tweetid", "data-tweetId".lower(), "tweet-id"):
        if STATUS.fullmatch(value(element, name)):
            return f"https://x.com/i/status/{value(element, name)}"
    if element.tag == "amp-instagram" and _KEY.fullmatch(value(element, "data-shortcode")):
        return f"https://www.instagram.com/p/{value(element, 'data-shortcode')}/"
    video = value(element, "data-videoid") or value(element, "videoid")
    if element.tag in {"amp-youtube", "lite-youtube"} and _KEY.fullmatch(video):
        return f"https://www.youtube.com/watch?v={video}"
    return ""


def frame(element: Element) -> str:
    """The post that a frame shows, by the address of the frame."""
    if STATUS.fullmatch(value(element, "data-tweet-id")):
        return custom(element)
    for name in _SOURCES:
        url = value(element, name)
        if url.startswith("//"):
            url = f"https:{url}"
        shown = _shown(url) if url.startswith(("http://", "https://")) else ""
        if shown:
            return shown
    return ""


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, max_num_fields=100)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    path = parts.path.rstrip("/")
    steps = path.strip("/").split("/")
    if host in {"platform.twitter.com", "platform.x.com", "twitframe.com"}:
        given = query.get("id", [""])[0]
        return f"https://x.com/i/status/{given}" if STATUS.fullmatch(given) else query.get("url", [""])[0]
    if host in {"youtube.com", "youtube-nocookie.com"} and steps[0] == "embed" and len(steps) == 2:
        return f"https://www.youtube.com/watch?v={steps[1]}" if steps[1] != "videoseries" else ""
    if host == "facebook.com" and path.startswith("/plugins/"):
        return query.get("href", [""])[0]
    if host == "embed.bsky.app":
        found = _BSKY_FRAME.fullmatch(path)
        return f"https://bsky.app/profile/{found[1]}/post/{found[2]}" if found else ""
    if host in {"redditmedia.com", "embed.reddit.com"} and "comments" in steps:
        return f"https://www.reddit.com{path}/"
    if host == "tiktok.com" and steps[:1] == ["embed"] and STATUS.fullmatch(steps[-1]):
        return f"https://www.tiktok.com/embed/v2/{steps[-1]}"
    if host == "t.me" and "embed" in query:
        return f"https://t.me{path}"
    if host in {"instagram.com", "threads.net", "threads.com"} and "embed" in steps:
        return f"https://www.{host}/{'/'.join(steps[: steps.index('embed')])}/"
    if path.endswith("/embed") and (_mastodon(element_path := path.removesuffix("/embed")) or "truthsocial" in host):
        return f"https://{parts.netloc}{element_path}"
    return ""


def _mastodon(path: str) -> bool:
    return bool(
        re.fullmatch(r"/@[\w.@-]{1,300}/[0-9A-Za-z]{1,40}|/users/[\w.-]{1,300}/statuses/[0-9A-Za-z]{1,40}", path)
    )
