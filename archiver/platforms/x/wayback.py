"""The Wayback Machine: its index (CDX as JSON) and its copies (`web/TIMEids_/URL`).

A copy says what was shown then, not whether the post is there now: no outcome but unknown comes from it. Until
2020 copies are the old page, whose `div.permalink-tweet` carries ids as attributes; the page of 2020 to 2022
holds no post; since then copies are JSON in the shape of v1.1 or v2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archiver.errors import ParseError
from archiver.model import Finding, Outcome, Ref
from archiver.platforms import fields
from archiver.platforms.x import legacy, v2
from archiver.platforms.x.address import claim, post_ref
from archiver.platforms.x.sheet import Author, Link, Sheet, Status, Target
from archiver.platforms.x.snowflake import is_id

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SECONDS = re.compile(r"\d{9,10}", re.ASCII)
_TIME = re.compile(r"\d{14}", re.ASCII)
_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset(
    {b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source", b"wbr"}
)
DEEPEST = 3000
"""Elements in elements that are read: the parser's time grows with the square of them, and pages have some dozens."""
COLUMNS = ("original", "timestamp", "mimetype", "statuscode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One line of the index: address and time (YYYYMMDDhhmmss, UTC) of a copy, and what it was said to be."""

    original: str
    timestamp: str
    mimetype: str
    status: str


def index(body: bytes) -> tuple[Copy, ...]:
    """The lines of a CDX answer (`output=json`: the first row names the columns). Empty when nothing is kept."""
    rows = tuple(fields.load(body).items())
    if not rows:
        return ()
    names = [cell.text() for cell in rows[0].items()]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise ParseError(f"no column {missing[0]}", pointer=rows[0].pointer)
    found = []
    for row in rows[1:]:
        cells = tuple(row.items())
        if not cells:
            break  # an empty row stands before a resume key
        if len(cells) != len(names):
            raise ParseError(f"expected {len(names)} columns, found {len(cells)}", pointer=row.pointer)
        line = dict(zip(names, cells, strict=True))
        if not _TIME.fullmatch(line["timestamp"].text()):
            raise line["timestamp"].fail("a time of 14 digits")
        found.append(
            Copy(
                original=line["original"].text(),
                timestamp=line["timestamp"].text(),
                mimetype=line["mimetype"].text(),
                status=line["statuscode"].text(),
            )
        )
    return tuple(found)


def best(copies: tuple[Copy, ...], ref: Ref) -> Copy | None:
    """The copy of this post to read: JSON before HTML (it has the fields), then the latest."""
    usable = [copy for copy in copies if copy.status == "200" and claim(copy.original) == ref]
    return max(usable, key=lambda copy: ("json" in copy.mimetype, copy.timestamp, copy.original), default=None)


def read_index(body: bytes, asked: Ref, sheet: Sheet) -> None:
    copies = [copy for copy in index(body) if claim(copy.original) == asked]
    sheet.find(asked, Outcome.UNKNOWN, f"{len(copies)} copies in the Wayback Machine", "/")


def read_copy(body: bytes, asked: Ref | None, sheet: Sheet, when: str = "") -> None:
    """One copy, as JSON or HTML."""
    part = Sheet()
    if body.lstrip()[:1] in {b"{", b"["}:
        node = fields.load(body)
        if type(node.value) is dict and ("data" in node.value or "includes" in node.value):
            v2.read(node, asked, part)
        else:
            legacy.read(node, asked, part)
    else:
        _page(body, part)
    reason = f"a copy of {when}" if when else "a copy"
    part.findings = {
        ref: Finding(ref=ref, outcome=Outcome.UNKNOWN, reason=reason, pointer=finding.pointer)
        for ref, finding in part.findings.items()
    }
    sheet.take(part)


def _page(body: bytes, sheet: Sheet) -> None:
    from selectolax.lexbor import LexborHTMLParser  # 5 ms at each start, and most runs read no archived page

    if _depth(body) > DEEPEST:
        raise ParseError("a page that is nested too deeply", pointer="text:1:1")
    tree = LexborHTMLParser(body)
    post = tree.css_first("div.permalink-tweet[data-tweet-id]")
    if post is None:
        raise ParseError("no post in this page", pointer="text:1:1")
    id = _attribute(post, "data-tweet-id")
    text = post.css_first("p.tweet-text")
    if text is None:
        raise ParseError("the post has no text", pointer=f"div[data-tweet-id={id}]")
    stamp = post.css_first("[data-time]")
    seconds = (stamp.attributes.get("data-time") or "") if stamp is not None else ""
    quoted = post.css_first("div.QuoteTweet-innerContainer[data-item-id]")
    quote = (
        Target(id=_attribute(quoted, "data-item-id"), pointer="div.QuoteTweet-innerContainer") if quoted else Target()
    )
    rendered, links, hidden = _render(text)
    handle = post.attributes.get("data-screen-name") or ""
    if claim(f"https://x.com/{handle}/status/{id}") != post_ref(id):
        raise ParseError("data-screen-name is not a handle", pointer="div.permalink-tweet")
    author = Author(
        id=_attribute(post, "data-user-id"),
        handle=handle,
        name=post.attributes.get("data-name") or "",
        pointer="div.permalink-tweet",
    )
    status = Status(
        id=id,
        pointer="div.permalink-tweet",
        author=author,
        text=rendered,
        escaped=False,
        created=_utc(seconds),
        links=links,
        hidden=hidden,
        quote=quote,
        conversation=_attribute(post, "data-conversation-id") if "data-conversation-id" in post.attributes else "",
        lang=text.attributes.get("lang") or "",
        whole=False,
    )
    sheet.write(status)


def _depth(body: bytes) -> int:
    """How deeply elements are nested, at most: what nothing closes counts as if it held all that follows."""
    most = depth = 0
    for tag in _TAG.finditer(body):
        if tag[1]:
            depth = max(0, depth - 1)
        elif tag[2].lower() not in _VOID:
            depth += 1
            most = max(most, depth)
    return most


def _utc(seconds: str) -> str:
    """The page's own time, in seconds since 1970; empty where it has none."""
    if not seconds:
        return ""
    if not _SECONDS.fullmatch(seconds):
        raise ParseError("data-time is not a time", pointer="[data-time]")
    return fields.iso(datetime.fromtimestamp(int(seconds), UTC))


def _attribute(element: LexborNode, name: str) -> str:
    value = element.attributes.get(name) or ""
    if not is_id(value):
        raise ParseError(f"{name} is not an id", pointer=f"{element.tag}[{name}]")
    return value


def _render(text: LexborNode) -> tuple[str, tuple[Link, ...], tuple[str, ...]]:
    """The words of the old page's paragraph: emoji are images with the character as `alt`, links have data."""
    pieces: list[str] = []
    links: list[Link] = []
    hidden: list[str] = []
    for child in text.iter(include_text=True):
        if child.tag == "img":
            pieces.append(child.attributes.get("alt") or "")
        elif child.tag == "a" and "://t.co/" in (href := child.attributes.get("href") or ""):
            pieces.append(href)
            expanded = child.attributes.get("data-expanded-url") or ""
            if "u-hidden" in (child.attributes.get("class") or "") or not expanded:
                hidden.append(href)
            else:
                links.append(Link(address=href, expanded=expanded, pointer="p.tweet-text a"))
        else:
            pieces.append(child.text(deep=True))
    return "".join(pieces), tuple(links), tuple(hidden)
