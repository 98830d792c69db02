"""The parts that X's own shapes share (v1.1, streaming, syndication, the web's GraphQL): links, media, versions."""

from __future__ import annotations

import base64
import binascii
import re

from archiver.errors import ParseError
from archiver.model import Media
from archiver.platforms.fields import Node
from archiver.platforms.x.sheet import Link, Target
from archiver.platforms.x.snowflake import is_id

_HANDLE = re.compile(r"[A-Za-z0-9_]{1,50}", re.ASCII)
_WEB = re.compile(r"https?://[A-Za-z0-9.-]+/[!-~]+", re.ASCII)
_MAX_DEPTH = 60
_STEM = re.compile(r"[A-Za-z0-9_-]{15}", re.ASCII)


def id_of(node: Node) -> str:
    """A platform id. ParseError for anything but 1 to 20 digits without a leading zero (old answers write "0" or
    "-1" for nothing; `optional_id` reads those)."""
    text = node.digits()
    if not is_id(text):
        raise node.fail("an id")
    return text


def optional_id(node: Node, key: str) -> str:
    """The id under a key; empty when it is absent, null or an empty string."""
    found = node.get(key)
    return "" if found is None or found.value == "" else id_of(found)


def handle(node: Node, key: str) -> str:
    """A handle without @; empty when it is absent, null or an empty string (some users lack names)."""
    text = node.string(key)
    if text and not _HANDLE.fullmatch(text):
        raise node.at(key).fail("a handle")
    return text


def web(node: Node) -> str:
    """The address of a medium: http or https with a host and a path."""
    text = node.text()
    if not _WEB.fullmatch(text):
        raise node.fail("a web address")
    return text


def bounded(node: Node) -> Node:
    """A post inside a post. ParseError where the nesting is deeper than any answer of X goes (three or four)."""
    if node.pointer.count("/") > _MAX_DEPTH:
        raise ParseError("posts nested too deeply", pointer=node.pointer)
    return node


def target(node: Node, key: str) -> Target:
    """The post that a field names by id."""
    found = optional_id(node, key)
    return Target(id=found, pointer=f"{node.pointer}/{key}") if found else Target()


def elements(entities: Node, key: str) -> tuple[Node, ...]:
    """The elements of an array; syndication writes an empty one as `{}` at times."""
    return () if type(entities.value) is dict and entities.value.get(key) == {} else entities.list(key)


def links(entities: Node | None) -> tuple[Link, ...]:
    """`urls` of an `entities` object. A link that leads nowhere known (old ones lack `expanded_url`) is left out."""
    if entities is None:
        return ()
    found = []
    for url in elements(entities, "urls"):
        address, expanded = url.string("url"), url.string("expanded_url")
        if address and expanded:
            found.append(Link(address=address, expanded=expanded, pointer=url.pointer))
    return tuple(found)


def media_links(entities: Node | None) -> tuple[Link, ...]:
    """The links that stand for attached media; where they lead names the post that the media belong to."""
    if entities is None:
        return ()
    return tuple(
        Link(
            address=medium.string("url"),
            expanded=medium.string("expanded_url"),
            pointer=f"{medium.pointer}/expanded_url",
        )
        for medium in elements(entities, "media")
    )


def versions(control: Node | None) -> tuple[tuple[str, ...], str]:
    """The ids of all versions, oldest first, of an `edit_control`, and the pointer to them.

    GraphQL nests the list of a later version under `edit_control_initial`. ParseError when the list does not
    begin with the `initial_tweet_id` that it should.
    """
    if control is None:
        return (), ""
    holder = control if control.get("edit_tweet_ids") else control.get("edit_control_initial")
    if holder is None:
        return (), ""
    ids = tuple(id_of(id) for id in holder.list("edit_tweet_ids"))
    initial = optional_id(control, "initial_tweet_id")
    if initial and ids and ids[0] != initial:
        raise ParseError("the first version is not the initial one", pointer=f"{control.pointer}/initial_tweet_id")
    return ids, f"{holder.pointer}/edit_tweet_ids"


def media(node: Node) -> Media:
    """One medium: of a photo the original size, of a video or GIF the mp4 with the highest bitrate."""
    kind = node.string("type", "photo")
    url = web(node.get("media_url_https") or node.get("media_url") or node.at("media_url_https"))
    size = node.get("original_info")
    width, height = (size.integer("width"), size.integer("height")) if size else (0, 0)
    key = optional_id(node, "id_str") or key_of(url)
    alt = node.string("ext_alt_text")
    info = node.get("video_info")
    if info is None:
        return Media(
            key=key,
            kind=kind,
            url=original(url),
            alt=alt,
            width=width,
            height=height,
            content_type=photo_type(url),
            pointer=node.pointer,
        )
    bitrate, best = best_mp4(info, "bitrate")
    return Media(
        key=key,
        kind=kind,
        url=best,
        alt=alt,
        width=width,
        height=height,
        bitrate=bitrate,
        content_type="video/mp4",
        pointer=node.pointer,
    )


def amount(node: Node, key: str) -> int:
    """A count or rate: an integer, or its digits as text (own-account archives write all numbers so)."""
    found = node.get(key)
    if found is None:
        return 0
    return int(found.digits()[:18]) if type(found.value) is str else found.number()


def best_mp4(node: Node, rate: str) -> tuple[int, str]:
    """Bitrate (bit/s) and address of the best mp4 among `variants`. A GIF's bitrate is 0. ParseError when none is."""
    best: tuple[int, str] | None = None
    for variant in node.list("variants"):
        if variant.string("content_type") != "video/mp4":
            continue
        found = (amount(variant, rate), web(variant.at("url")))
        if best is None or found[0] > best[0]:
            best = found
    if best is None:
        raise ParseError("no mp4 among the variants", pointer=f"{node.pointer}/variants")
    return best


def original(url: str) -> str:
    """The address of a photo in the size that was uploaded (a bare pbs.twimg.com address serves a smaller one)."""
    if not url.startswith(("https://pbs.twimg.com/media/", "http://pbs.twimg.com/media/")):
        return url
    return f"https{url[url.index(':') :].partition('?')[0]}?name=orig"


def photo_type(url: str) -> str:
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}.get(ending, "")


def key_of(url: str) -> str:
    """The key of a medium whose id the answer does not give (syndication), from its address.

    The address of a video's still names the id as a path segment. The file name of a photo is base64url and
    begins with the eight bytes of a snowflake: of the medium in most cases, of the upload it was copied from in
    some (4 of 795 recorded ones), so it names the picture, not the attachment. Otherwise the file name.
    """
    parts = url.partition("?")[0].split("/")
    for part in parts[3:-1]:
        if len(part) >= 15 and is_id(part):
            return part
    stem = parts[-1].partition(".")[0]
    if _STEM.fullmatch(stem):
        try:
            number = int.from_bytes(base64.urlsafe_b64decode(f"{stem}=")[:8], "big")
        except binascii.Error:
            return stem
        if 1 << 58 < number < 1 << 63:
            return str(number)
    return stem or url
