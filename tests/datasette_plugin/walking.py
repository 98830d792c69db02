"""A walk over the links of an archive's pages: where each kind of page is, and what does not answer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from archiver.datasette_plugin import routes
from archiver.datasette_plugin.places import NAVIGATION
from archiver.datasette_plugin.routes import Page

EACH = 12
"""How many addresses of one kind are asked for: the rest are pages of the same code."""
HOST = "http://room.example"


def kind_of(page: Page) -> str:
    """The first word of a page's address."""
    return re.split(r"[^a-z-]", page.path, maxsplit=1)[0]


KINDS = sorted({kind_of(page) for page in routes.pages()})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answered: `path` is its own, after redirects."""

    status: int
    media_type: str
    text: str
    path: str


@dataclass(slots=True)
class Walk:
    """Addresses of our pages by kind, those of streams and of Datasette's own pages, and what is broken."""

    pages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    other: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    broken: list[str] = field(default_factory=list)

    def streams(self) -> list[str]:
        """Two addresses of each kind of bytes, feeds and other forms that are no page."""
        kinds = [found for kind, found in self.other.items() if kind != "datasette" and not kind.endswith(".json")]
        return [path for found in kinds for path in found[:2]]

    def ours(self) -> list[str]:
        """Two addresses of each kind of page, and the streams."""
        return [path for found in self.pages.values() for path in found[:2]] + self.streams()


def walked(get: Callable[[str], Answer], database: str, each: int = EACH) -> Walk:
    """Follows every link of every page of ours, some of each kind; links of Datasette's pages are not followed on."""
    walk = Walk()
    patterns = [(kind_of(page), re.compile(page.pattern)) for page in routes.pages()]
    todo = [(f"/{database}/-/{name}", "the way around") for name, _ in NAVIGATION] + [("/", "a start")]
    seen: set[str] = set()
    failed: Counter[str] = Counter()
    while todo:
        path, source = todo.pop(0)
        if path in seen:
            continue
        seen.add(path)
        plain = path.split("?")[0]
        kind = next((name for name, pattern in patterns if pattern.match(plain)), "")
        ours = bool(kind) and not re.search(r"\.[a-z]+$", plain)
        sort, found = (kind, walk.pages) if ours else (_sort(plain, database), walk.other)
        if len(found[sort]) >= each or failed[sort] >= each:
            continue
        answer = get(path)
        if answer.status >= 400:
            failed[sort] += 1
            walk.broken.append(f"{path} ({answer.status}), linked from {source}")
            continue
        found[sort].append(path)
        if ours and "html" in answer.media_type:
            todo += [(link, path) for link in links(answer.text, answer.path)]
    return walk


def links(html: str, path: str) -> Iterator[str]:
    """Where a page leads on the same server: links, pictures, video, styles and scripts."""
    for node in LexborHTMLParser(html).css("[href], [src], [poster]"):
        given = next((node.attributes[name] for name in ("href", "src", "poster") if node.attributes.get(name)), None)
        found = urlsplit(urljoin(HOST + path, given or "#"))
        if f"{found.scheme}://{found.netloc}" == HOST and given and not given.startswith("#"):
            yield found.path + (f"?{found.query}" if found.query else "")


def _sort(plain: str, database: str) -> str:
    """A name for addresses that are no page of ours: what follows `/-/` and its form, or Datasette."""
    found = re.match(rf"/{re.escape(database)}/-/([a-z-]+)", plain)
    form = re.search(r"\.([a-z]+)$", plain)
    return f"{found[1]}{'.' + form[1] if form else ''}" if found and found[1] != "query" else "datasette"
