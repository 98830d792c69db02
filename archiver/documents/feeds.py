"""Feeds as documents: RSS 0.9x, 1.0 and 2.0 (and WordPress exports, which are RSS), Atom (RFC 4287), JSON Feed 1.x.

The text is the entries in order, each its title and its content, a blank line between them; content in HTML is
rendered like a page. Every run points into the feed's own source, through CDATA and through escapes. Links with
role `entry` are the pages of the entries, all others are those of the content.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from urllib.parse import urljoin

from archiver.documents import markup, sourcemap
from archiver.documents.addresses import bare
from archiver.documents.encoding import place
from archiver.documents.jsonplaces import strings
from archiver.documents.xmlplaces import Node, Value, nodes
from archiver.errors import ParseError
from archiver.model import Link, Run, Span, Unread

RSS, ATOM, JSON = "application/rss+xml", "application/atom+xml", "application/feed+json"
_NOTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed's text with its map into the source, and its links."""

    text: str
    runs: tuple[Run, ...]
    links: tuple[Link, ...]
    title: str = ""
    lang: str = ""
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """The parts of one entry. `link` is the address of its page and where that stands; `html` how `content` is read."""

    at: int
    title: Value | None
    content: Value | None
    html: bool
    link: str
    link_at: Span
    base: str = ""


def read_xml(source: str, *, url: str = "") -> tuple[str, Feed]:
    """Reads RSS or Atom; answers its media type too. ParseError with the place when it is neither."""
    tree, notes = nodes(source)
    root = next((node for node in tree if node.parent < 0), None)
    if root is None or root.name not in {"rss", "rdf", "feed"}:
        raise ParseError("not a feed: the root is none of rss, rdf:RDF, feed", pointer=place(source, 0))
    atom = root.name == "feed"
    inside: list[list[int]] = [[] for _ in tree]
    for number, node in enumerate(tree):
        if node.parent >= 0:
            inside[node.parent].append(number)
    channel = next((n for n, node in enumerate(tree) if node.name == "channel"), 0)
    titles = [tree[n] for n in inside[0] + inside[channel] if tree[n].qname == "title"]
    langs = [tree[n].value(source).text for n in inside[channel] if tree[n].name == "language"]
    entries = []
    for number, node in enumerate(tree):
        if node.name == ("entry" if atom else "item"):
            parts = [tree[child] for child in inside[number]]
            entries.append((_atom if atom else _rss)(source, node, parts, url))
    feed = _assemble(
        source,
        entries,
        title=" ".join(titles[0].value(source).text.split()) if titles else "",
        lang=root.get("xml:lang") or (langs[0].strip() if langs else ""),
        notes=notes,
        url=url,
    )
    return (ATOM if atom else RSS), feed


def read_json(source: str, *, url: str = "") -> Feed:
    """Reads a JSON Feed (https://www.jsonfeed.org/version/1.1/). ParseError where it is not one."""
    found = {key: value for key, value in strings(source) if len(key) <= 3}
    if "jsonfeed.org/version/" not in (found[("version",)].text if ("version",) in found else ""):
        raise ParseError("not a JSON feed: version names no https://jsonfeed.org/version/", pointer="/version")
    items: dict[int, dict[str, Value]] = {}
    for key, value in found.items():
        if len(key) == 3 and key[0] == "items" and key[1].isdecimal():
            items.setdefault(int(key[1]), {})[key[2]] = value
    entries = []
    for _, item in sorted(items.items()):
        page = item.get("url") or item.get("external_url")
        content = item.get("content_html") or item.get("content_text") or item.get("summary")
        first = min(value.span.start for value in item.values())
        entries.append(
            _Entry(
                at=first,
                title=item.get("title"),
                content=content,
                html=content is not None and content is item.get("content_html"),
                link=urljoin_safe(url, page.text) if page else "",
                link_at=page.span if page else Span(start=first, end=first),
            )
        )
    title = found[("title",)].text if ("title",) in found else ""
    lang = found[("language",)].text if ("language",) in found else ""
    return _assemble(source, entries, title=" ".join(title.split()), lang=lang, notes=(), url=url)


def urljoin_safe(base: str, url: str) -> str:
    """An address resolved against a base; as it is written where either cannot be read."""
    try:
        return urljoin(base, url.strip())
    except ValueError:
        return url


def _rss(source: str, item: Node, parts: list[Node], url: str) -> _Entry:
    named = {part.qname: part for part in reversed(parts)}
    link = named.get("link") or named.get("atom:link")
    address = link.value(source).text.strip() or link.get("href") if link else ""
    guid = named.get("guid")
    if not address and guid and guid.get("ispermalink").lower() != "false":
        text = guid.value(source).text.strip()
        address, link = (text, guid) if text.startswith(("http://", "https://")) else ("", link)
    bodies = (named[name].value(source) for name in ("content:encoded", "xhtml:body", "description") if name in named)
    content = next((body for body in bodies if body.text.strip()), None)
    span = Span(start=item.start, end=item.start)
    return _Entry(
        at=item.start,
        title=named["title"].value(source) if "title" in named else None,
        content=content,
        html=True,
        link=urljoin_safe(url, address) if address else "",
        link_at=Span(start=link.start, end=link.end) if link else span,
    )


def _atom(source: str, item: Node, parts: list[Node], url: str) -> _Entry:
    base = urljoin_safe(url, item.get("xml:base"))
    prefix = item.qname.rpartition(":")[0]
    parts = [part for part in parts if part.qname.rpartition(":")[0] == prefix]  # Not media:title and its like.
    pages = [
        part for part in parts if part.name == "link" and part.get("rel") in {"", "alternate"} and part.get("href")
    ]
    bodies = [part for name in ("content", "summary") for part in parts if part.name == name]
    content, html = None, False
    for part in bodies:
        kind = part.get("type").lower()
        value = part.markup(source) if kind in {"xhtml", "application/xhtml+xml"} else part.value(source)
        if value.text.strip():
            content, html = value, "html" in kind
            base = urljoin_safe(base, part.get("xml:base"))
            break
    title = next((part.value(source) for part in parts if part.name == "title"), None)
    return _Entry(
        at=item.start,
        title=title,
        content=content,
        html=html,
        link=urljoin_safe(base, pages[0].get("href")) if pages else "",
        link_at=Span(start=pages[0].start, end=pages[0].end) if pages else Span(start=item.start, end=item.start),
        base=base,
    )


def _assemble(
    source: str, entries: list[_Entry], *, title: str, lang: str, notes: tuple[Unread, ...], url: str
) -> Feed:
    parts: list[str] = []
    runs: list[Run] = []
    links: list[Link] = []
    unread = list(notes)
    length = 0

    def add(text: str, pieces: tuple[Run, ...], apart: str) -> int:
        """Adds a rendering behind a separator; where it begins."""
        nonlocal length
        if not text:
            return length
        before = apart if length else ""
        parts.extend((before, text))
        start = length + len(before)
        runs.extend(sourcemap.shift(pieces, start, 0))
        length = start + len(text)
        return start

    for entry in entries:
        words = _words(entry.title) if entry.title else ("", ())
        start = add(*words, "\n\n")
        if entry.link:
            span = Span(start=start, end=start + len(words[0]))
            links.append(Link(url=entry.link, text=span, source=entry.link_at, role="entry"))
        elif len(unread) < _NOTED:
            unread.append(Unread(reason="an entry without the address of its page", pointer=place(source, entry.at)))
        if entry.content is None:
            continue
        text, pieces, found, missed = _content(entry.content, html=entry.html)
        start = add(text, pieces, "\n" if words[0] else "\n\n")
        if missed and len(unread) < _NOTED:
            where = place(source, entry.content.span.start)
            unread += [Unread(reason=reason, pointer=where) for reason in missed]
        for link in found:
            span = Span(start=link.text.start + start, end=link.text.end + start)
            address = urljoin_safe(entry.base or entry.link or url, link.url)
            links.append(Link(url=address, text=span, source=link.source, role=link.role))
    # An entry's own address may stand before or behind its content.
    links.sort(key=lambda link: (link.source.start, link.source.end, link.role, link.url))
    return Feed(
        text="".join(parts), runs=tuple(runs), links=tuple(links), title=title, lang=lang, unread=tuple(unread[:_NOTED])
    )


def _words(value: Value) -> tuple[str, tuple[Run, ...]]:
    """A title on one line: plain text, its white space collapsed."""
    words: list[str] = []
    runs = array("q")
    length = at = 0
    for word in value.text.split():
        at = value.text.index(word, at)
        length += bool(words)
        runs.extend((length, length + len(word), at, at + len(word)))
        words.append(word)
        length, at = length + len(word), at + len(word)
    return " ".join(words), sourcemap.compose(sourcemap.built(runs), value.runs)


def _content(value: Value, *, html: bool) -> tuple[str, tuple[Run, ...], list[Link], list[str]]:
    """Content as text with its map and links (sources in the feed), and what of it could not be read."""
    if not html:
        links = [
            Link(url=link.url, text=link.text, source=sourcemap.to_source(value.runs, link.source), role=link.role)
            for link in bare(value.text)
        ]
        return value.text, value.runs, links, []
    page = markup.walk(value.text)
    links = [
        Link(url=link.url, text=link.text, source=sourcemap.to_source(value.runs, link.source), role=link.role)
        for link in page.links
    ]
    return page.text, sourcemap.compose(page.runs, value.runs), links, [note.reason for note in page.unread]
