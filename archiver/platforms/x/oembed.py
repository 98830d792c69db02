"""publish.x.com/oembed: the embed's markup. The words and the author, but no media, no time of day, no quotation.

`html` holds a `blockquote.twitter-tweet`: the text in its `p`, the permalink as its last link. A long post is
cut there with an ellipsis. The time is that of the id (the markup has only the day).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

from archiver.errors import ParseError
from archiver.model import Ref
from archiver.platforms.fields import Node
from archiver.platforms.x import signals
from archiver.platforms.x.address import claim
from archiver.platforms.x.sheet import Author, Link, Sheet, Status
from archiver.platforms.x.snowflake import snowflake_second

MOST_MARKUP = 16 << 10
"""Characters of an embed that are read: the longest have some thousand, the parser's time grows with their square."""


class _Embed(HTMLParser):
    """The text, language and links of one embed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.inside = self.quoted = False
        self.lang, self.text = "", ""
        self.links: list[tuple[str, str, bool]] = []
        self._href: str | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {key: value or "" for key, value in attrs}
        if tag == "blockquote" and "twitter-tweet" in named.get("class", "").split():
            self.quoted = True
        elif tag == "p" and self.quoted and not self.text:
            self.inside, self.lang = True, named.get("lang", "")
        elif tag == "br" and self.inside:
            self.text += "\n"
        elif tag == "a" and self.quoted:
            self._href, self._label = named.get("href", ""), ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self.inside = False
        elif tag == "a" and self._href is not None:
            self.links.append((self._href, self._label, self.inside))
            self._href = None
        elif tag == "blockquote":
            self.quoted = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.text += data
        if self._href is not None:
            self._label += data

    def shown(self) -> Iterator[tuple[str, str]]:
        return ((href, label) for href, label, inside in self.links if inside)


def read(node: Node, asked: Ref | None, sheet: Sheet, status: int) -> None:
    """A whole answer. Errors carry X's codes; without a body only the status speaks."""
    failed = signals.errors(node) if status >= 400 else None
    if failed is not None and asked is not None:
        sheet.find(asked, *failed)
        return
    url = node.at("url")
    ref = claim(url.text())
    if ref is None or ref.kind != "post":
        raise url.fail("the permalink of a post")
    markup = node.at("html")
    if len(markup.text()) > MOST_MARKUP:
        raise markup.fail(f"at most {MOST_MARKUP} characters of markup")
    embed = _Embed()
    embed.feed(markup.text())
    embed.close()
    if not embed.links or claim(embed.links[-1][0]) != ref:
        raise ParseError("the markup is not the embed of this post", pointer=markup.pointer)
    _day(embed.links[-1][1], ref.id, markup, sheet)
    author = node.get("author_url")
    by = claim(author.text()) if author else None
    if author is not None and (by is None or by.kind != "handle"):
        raise author.fail("the address of an account")
    handle = urlsplit(author.text()).path.strip("/") if author else ""
    text, links, hidden = embed.text, [], []
    for href, label in embed.shown():
        if label.startswith(("pic.twitter.com/", "pic.x.com/")):
            # The markup shows media by their short name; the rule of texts is about t.co addresses.
            text = text.replace(label, href)
            hidden.append(href)
        elif claim(label) is not None and "://t.co/" in label:
            links.append(Link(address=label, expanded=href, pointer=markup.pointer))
    sheet.write(
        Status(
            id=ref.id,
            pointer=node.pointer,
            author=Author(handle=handle, name=node.string("author_name"), pointer="/author_url") if handle else None,
            text=text,
            escaped=False,
            created="",
            links=tuple(links),
            hidden=tuple(hidden),
            lang=embed.lang,
            truncated=text.endswith("…") or "… https://t.co/" in text[-40:],
            whole=False,
        )
    )


def _day(label: str, id: str, markup: Node, sheet: Sheet) -> None:
    """The last link's label is the UTC day of the post, in English: held against the id where it can be read."""
    try:
        day = datetime.strptime(label, "%B %d, %Y").strftime("%Y-%m-%d")
    except ValueError:
        return
    stamp = snowflake_second(id)
    if stamp and stamp[:10] != day:
        sheet.note(f"the day {day} is not that of the id ({stamp})", markup.pointer)
