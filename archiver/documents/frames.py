"""Posts by the address of a frame: what widget scripts leave behind, and what waits for consent or for scrolling."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from archiver.documents.addresses import has_code, names_post
from archiver.documents.elements import Element

STATUS = re.compile(r"[0-9]{1,20}")
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BSKY_FRAME = re.compile(r"/embed/(did:[^/?#]{1,250})/app\.bsky\.feed\.post/([A-Za-z0-9._~:-]{1,64})")
_OWNED = re.compile(r"-?[0-9]{1,20}")
_FACEBOOK = frozenset({"/plugins/post.php", "/plugins/video.php", "/plugins/comment_embed.php"})
_WRAPPERS = frozenset({"cdn.embedly.com", "iframe.ly", "cdn.iframe.ly", "noembed.com", "twitframe.com"})
_NOSTR = re.compile("(?:note|nevent|naddr)1", re.IGNORECASE)
_FORUM = re.compile(r"/iframe/(?:[0-9]/)?(twitter|instagram)(?:\.min)?\.html")
_MASTODON = re.compile(
    r"/@[\w.@-]{1,300}/[0-9A-Za-z]{1,40}|/@[\w.-]{1,300}/(?:posts|statuses)/[0-9A-Za-z]{1,40}"
    r"|/users/[\w.-]{1,300}/statuses/[0-9A-Za-z]{1,40}"
)


def value(element: Element, name: str) -> str:
    """An attribute without what JSON escaping put around it, for markup that was exported inside strings."""
    return element.get(name).strip(" \t\r\n\"'\\").replace("\\/", "/")


def frame(element: Element) -> str:
    """The post that a frame shows. Whichever attribute holds its address counts: each tool for consent or for
    loading late has its own (`data-src`, `data-cookieblock-src`, `data-litespeed-src`, `suppressedsrc`, …)."""
    if STATUS.fullmatch(value(element, "data-tweet-id")):
        return f"https://x.com/i/status/{value(element, 'data-tweet-id')}"
    for name, _ in element.attrs:
        url = value(element, name)
        found = shown(url) if url.startswith(("http://", "https://", "//")) else ""
        if found:
            return found
    return ""


def shown(url: str, *, wrapped: bool = False) -> str:
    """The address of the post that a frame of this address shows; empty where it shows none. `wrapped` says that the
    address was taken out of another frame's: frames in frames are not followed further."""
    try:
        parts = urlsplit(f"https:{url}" if url.startswith("//") else url)
        query = parse_qs(parts.query, max_num_fields=100)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""

    def asked(name: str) -> str:
        return query.get(name, [""])[0]

    path = parts.path.rstrip("/")
    steps = path.strip("/").split("/")
    if _NOSTR.match(steps[-1]) and has_code(steps[-1]):  # njump.me/nevent1…?embed=yes, njump.me/embed/nevent1…
        return f"nostr:{steps[-1]}"
    if host in {"platform.twitter.com", "platform.x.com"}:
        known = path.startswith("/embed/") and STATUS.fullmatch(asked("id"))
        return f"https://x.com/i/status/{asked('id')}" if known else ""
    if host in _WRAPPERS:
        if names_post(asked("url")):
            return asked("url")
        return "" if wrapped else shown(asked("src"), wrapped=True)
    if host in {"youtube.com", "youtube-nocookie.com", "m.youtube.com", "youtube.googleapis.com"}:
        known = len(steps) == 2 and steps[0] in {"embed", "v", "shorts"} and KEY.fullmatch(steps[1].partition("&")[0])
        key = steps[-1].partition("&")[0]
        return f"https://www.youtube.com/watch?v={key}" if known and key not in {"videoseries", "live_stream"} else ""
    if host in {"facebook.com", "web.facebook.com", "m.facebook.com"}:
        return asked("href") if re.sub(r"^/v[\d.]{1,6}(?=/)", "", path) in _FACEBOOK else ""
    if host == "embed.bsky.app":
        found = _BSKY_FRAME.fullmatch(path)
        return f"https://bsky.app/profile/{found[1]}/post/{found[2]}" if found else ""
    if host in {"redditmedia.com", "embed.reddit.com"} and "comments" in steps:
        return f"https://www.reddit.com{path}/"
    if host == "tiktok.com" and steps[0] in {"embed", "player"} and STATUS.fullmatch(steps[-1]):
        return f"https://www.tiktok.com/embed/v2/{steps[-1]}"
    if host == "t.me" and "embed" in query:
        return f"https://t.me{path}"
    if host in {"instagram.com", "threads.net", "threads.com"} and "embed" in steps:
        return f"https://www.{host}/{'/'.join(steps[: steps.index('embed')])}/"
    if host in {"vk.com", "vkvideo.ru"}:
        owner, post = asked("owner_id") or asked("oid"), asked("post_id") or asked("id")
        known = path in {"/widget_post.php", "/video_ext.php"} and _OWNED.fullmatch(owner) and STATUS.fullmatch(post)
        return f"https://vk.com/{'wall' if 'post' in path else 'video'}{owner}_{post}" if known else ""
    if host == "linkedin.com" and steps[:3] == ["embed", "feed", "update"] and len(steps) == 4:
        return f"https://www.linkedin.com/feed/update/{steps[3]}/"
    if host == "s9e.github.io":
        forum, key = _FORUM.fullmatch(path), parts.fragment.partition("#")[0]
        if forum and KEY.fullmatch(key):
            return f"https://x.com/i/status/{key}" if forum[1] == "twitter" else f"https://www.instagram.com/p/{key}/"
        return ""
    if steps[:2] == ["embed", "notes"] and len(steps) == 3:
        return f"https://{parts.netloc}/notes/{steps[2]}"  # Misskey and what grew from it
    inner = path.removesuffix("/embed")
    if inner != path and (_MASTODON.fullmatch(inner) or "truthsocial" in host):
        return f"https://{parts.netloc}{inner}"
    return ""
