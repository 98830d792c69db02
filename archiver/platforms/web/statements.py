"""What a page says about itself: Open Graph, JSON-LD (schema.org), meta, link, title and time; and where it links.

All of it is claimed by the page. A statement of the wrong type is no statement; it never stands for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import ParseError
from archiver.model import Page, Ref, Unread
from archiver.platforms.fields import load, utc_text
from archiver.platforms.web.address import resolve
from archiver.platforms.web.markup import Tag, tags

LINKS = 2_000
_SCRIPTS, _SCRIPT_BYTES, _NODES = 64, 1024 * 1024, 5_000
_ARTICLES = frozenset(
    ("Article", "NewsArticle", "AnalysisNewsArticle", "AskPublicNewsArticle", "BackgroundNewsArticle",
     "OpinionNewsArticle", "ReportageNewsArticle", "ReviewNewsArticle", "AdvertiserContentArticle",
     "SatiricalArticle", "ScholarlyArticle", "TechArticle", "Report", "BlogPosting", "LiveBlogPosting",
     "SocialMediaPosting", "DiscussionForumPosting")
)  # fmt: skip
_PAGES = frozenset({"WebPage", "ItemPage", "AboutPage", "ProfilePage", "QAPage", "CollectionPage", "VideoObject"})
_PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date", "sailthru.date",
    "dc.date.issued", "dcterms.created", "dcterms.issued", "dc.date", "dcterms.date", "pubdate", "publish-date", "date",
)  # fmt: skip
_MODIFIED = ("article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified",
             "dcterms.modified", "dc.date.modified", "last-modified", "lastmod")  # fmt: skip
_PUBLISHED_CLASSES = frozenset({"entry-published", "dt-published", "published", "entry-date"})
_MODIFIED_CLASSES = frozenset({"updated", "dt-updated"})


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Statements by the place they were found in, in document order; filled by one pass over the tags."""

    metas: dict[str, list[str]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    lang: str = ""
    base: str = ""
    canonicals: list[str] = field(default_factory=list)
    hrefs: list[tuple[int, str]] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    cut: bool = False

    def meta(self, *names: str) -> list[str]:
        return [value for name in names for value in self.metas.get(name, ())]


def gather(source: str) -> Gathered:
    """One pass over a page's tags."""
    found, anchors = Gathered(), 0
    for tag in tags(source):
        if tag.end:
            continue
        if tag.name == "a":
            href = tag.attributes().get("href")
            if href is not None:
                if len(found.hrefs) < LINKS * 8:
                    found.hrefs.append((anchors, href))
                else:
                    found.cut = True
                anchors += 1
        elif tag.name == "title" and not tag.foreign:
            found.titles.append(clean(tag.text))
        elif tag.name in {"meta", "link", "base", "html", "time", "script"}:
            _other(found, tag)
    return found


def _other(found: Gathered, tag: Tag) -> None:
    values = tag.attributes()
    match tag.name:
        case "meta":
            content = clean(values.get("content", ""))
            keys = (values.get(name, "").strip().lower() for name in ("property", "name", "itemprop", "http-equiv"))
            for key in dict.fromkeys(keys):
                slot = found.metas.setdefault(key, []) if key and content and len(found.metas) < 1_000 else []
                if len(slot) < 16:
                    slot.append(content)
        case "link" if "canonical" in values.get("rel", "").lower().split() and values.get("href"):
            found.canonicals.append(values["href"])
        case "base":
            found.base = found.base or values.get("href", "")
        case "html":
            found.lang = found.lang or clean(values.get("lang", "") or values.get("xml:lang", ""), 35)
        case "time":
            _time(found, values)
        case "script" if values.get("type", "").split(";")[0].strip().lower() == "application/ld+json":
            found.scripts.append(tag.text)


def _time(found: Gathered, values: dict[str, str]) -> None:
    stamp, classes = values.get("datetime", ""), set(values.get("class", "").lower().split())
    item = values.get("itemprop", "").lower().split()
    if "datemodified" in item or classes & _MODIFIED_CLASSES:
        found.modified.append(stamp)
    elif "datepublished" in item or "pubdate" in values or classes & _PUBLISHED_CLASSES:
        found.published.append(stamp)


def clean(text: str, longest: int = 2_000) -> str:
    """White space collapsed, NUL and lone surrogates as U+FFFD, cut to a length in code points."""
    return re.sub("[\x00\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", " ".join(text[: longest * 4].split()))[:longest]


def page(ref: Ref, found: Gathered) -> tuple[Page, tuple[Unread, ...]]:
    """The page's statements, the most specific first: Open Graph, then JSON-LD of an article, then meta and title.
    A time counts only with its zone: a local time is not a UTC time. `canonical` is a claim, in normal form."""
    articles, unread = _linked_data(found.scripts)
    base = resolve(ref.id, found.base) or ref.id
    canonicals = {url for href in found.canonicals or found.meta("og:url")[:1] if (url := resolve(base, href))}
    image = next(iter(found.meta("og:image:secure_url", "og:image", "twitter:image")), "")
    authors = filter(_is_name, found.meta("author", "parsely-author", "dc.creator", "article:author"))
    return Page(
        ref=ref,
        title=_first(found.meta("og:title"), _texts(articles, "headline"), found.meta("twitter:title"), found.titles,
                     _texts(articles, "name")),
        author=", ".join(dict.fromkeys(_names(articles, "author"))) or ", ".join(dict.fromkeys(authors)),
        site=_first(found.meta("og:site_name"), _names(articles, "publisher"), found.meta("application-name")),
        description=_first(found.meta("og:description", "description"), _texts(articles, "description")),
        lang=_first([found.lang], found.meta("content-language"), _texts(articles, "inLanguage"),
                    [locale.replace("_", "-") for locale in found.meta("og:locale")])[:35],
        published_at=_moment(_texts(articles, "datePublished"), found.meta(*_PUBLISHED), found.published),
        modified_at=_moment(_texts(articles, "dateModified"), found.meta(*_MODIFIED), found.modified),
        canonical=canonicals.pop() if len(canonicals) == 1 else "",
        image=(resolve(base, image) or "") if image else "",
    ), unread  # fmt: skip


def links(ref: Ref, found: Gathered) -> tuple[tuple[tuple[int, str], ...], bool]:
    """Outgoing addresses in document order, each once, with the number of its `a[href]`; and whether any were left."""
    base = resolve(ref.id, found.base) or ref.id
    seen: dict[str, int] = {}
    for index, href in found.hrefs:
        address = resolve(base, href)
        if address is None or address == ref.id or address in seen:
            continue
        if len(seen) >= LINKS:
            return tuple((number, url) for url, number in seen.items()), True
        seen[address] = index
    return tuple((number, url) for url, number in seen.items()), found.cut


def _linked_data(scripts: list[str]) -> tuple[list[dict[str, Any]], tuple[Unread, ...]]:
    """The objects of all JSON-LD that are articles (then pages), and the scripts that could not be read."""
    articles: list[dict[str, Any]] = []
    pages: list[dict[str, Any]] = []
    unread: list[Unread] = []
    for index, text in enumerate(scripts[:_SCRIPTS]):
        if len(text) > _SCRIPT_BYTES:
            unread.append(Unread(reason="JSON-LD longer than what is read", pointer=f"ld+json:{index}"))
            continue
        try:
            value = load(text.strip().encode("utf-8", "replace")).value
        except ParseError as error:
            unread.append(Unread(reason=f"JSON-LD: {error.message}", pointer=f"ld+json:{index}"))
            continue
        for node in _nodes(value):
            kinds = node.get("@type")
            kinds = kinds if type(kinds) is list else [kinds]
            named = {kind.rpartition("/")[2] for kind in kinds if type(kind) is str}
            if named & _ARTICLES:
                articles.append(node)
            elif named & _PAGES:
                pages.append(node)
    if len(scripts) > _SCRIPTS:
        unread.append(Unread(reason="more JSON-LD than what is read", pointer=f"ld+json:{_SCRIPTS}"))
    return articles[:1] + pages[:1], tuple(unread)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Top-level objects, members of arrays and of `@graph`, and main entities; breadth first, bounded."""
    queue = [value]
    for node in queue:  # it grows while it is read, up to the bound
        room = max(0, _NODES - len(queue))
        if type(node) is list:
            queue.extend(node[:room])
        elif type(node) is dict:
            yield node
            queue.extend([node[key] for key in ("@graph", "mainEntity") if type(node.get(key)) in {dict, list}][:room])


def _texts(nodes: list[dict[str, Any]], key: str) -> list[str]:
    """The strings under a key of each object (a string, or an array of strings)."""
    found: list[str] = []
    for node in nodes:
        value = node.get(key)
        found.extend(clean(item) for item in (value[:16] if type(value) is list else [value]) if type(item) is str)
    return found


def _names(nodes: list[dict[str, Any]], key: str) -> list[str]:
    """The names under a key: strings, or objects with a `name`; those of the first object that has any."""
    for node in nodes:
        value = node.get(key)
        items: list[Any] = value[:16] if type(value) is list else [value]
        found = [item.get("name") if type(item) is dict else item for item in items]
        names = [clean(name, 200) for name in found if type(name) is str and _is_name(name)]
        if names:
            return names
    return []


def _is_name(text: str) -> bool:
    """Not empty, no markup and no address: `article:author` often holds a profile's address."""
    start = text.strip().lower()
    return bool(start) and "<" not in start and not start.startswith(("http://", "https://", "//", "mailto:"))


def _first(*groups: list[str]) -> str:
    return next((text for group in groups for text in group if text), "")


def _moment(*groups: list[str]) -> str:
    for text in (text for group in groups for text in group if 0 < len(text) <= 64):
        try:
            return utc_text(text.strip())
        except (ValueError, TypeError, IndexError):  # the last two are what `email.utils` raises for some broken dates
            continue
    return ""
