"""Recall and precision of embeds and permalinks on recorded pages, by folder and kind, as a table with floors.

What a page holds is read by another HTML parser with selectors of the platforms' own documentation. Both sides are
lists of (kind, key): a post counts as often as it is embedded.
"""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.documents import mentions
from archiver.documents.read import read
from archiver.model import Document, Mention, MentionKind
from archiver.platforms import claim

pytestmark = pytest.mark.corpus
Key = tuple[str, str]
FENCE = re.compile(r"(?ms)^ *(```|~~~).*?^ *\1[^\n]*$")
STATUS = re.compile(r"(?:twitter|x)\.com/(?:#!/)?[^/?#\s]+/status(?:es)?/(\d+)")
KEYS = (
    ("x", STATUS),
    ("bluesky", re.compile(r"bsky\.app/profile/[^/?#]+/post/([^/?#]+)|app\.bsky\.feed\.post/([^/?#]+)")),
    ("instagram", re.compile(r"instagram\.com/(?:p|reel|tv)/([\w-]+)")),
    ("youtube", re.compile(r"youtube(?:-nocookie)?\.com/(?:embed/|watch\?v=|v/)([\w-]+)")),
    ("tiktok", re.compile(r"tiktok\.com/(?:@[^/]+/video|embed/v2|embed)/(\d+)")),
    ("facebook", re.compile(r"facebook\.com/(.+)")),
    ("reddit", re.compile(r"reddit(?:media)?\.com/r/\w+/comments/(\w+)")),
    ("threads", re.compile(r"threads\.(?:net|com)/@[^/]+/post/([\w-]+)")),
    ("telegram", re.compile(r"t\.me/(\w+/\d+)")),
    ("mastodon", re.compile(r"https?://([^/]+/@[^/]+/\d+)")),
)
SHORTCODE = re.compile(r"\{\{?[<%] *(?:tweet|twitter|x)(?:_simple)? [^>%}\n]*?(\d{5,20})[^>%}\n]*[>%]\}\}?")
BLOCKS = (
    "blockquote.twitter-tweet, blockquote.twitter-video, blockquote.bluesky-embed, blockquote.mastodon-embed, "
    "blockquote.instagram-media, blockquote.tiktok-embed, blockquote.text-post-media, blockquote.reddit-card, "
    "blockquote.reddit-embed-bq, figure.wp-block-embed, blockquote.subbuzz-tweet__container"
)
LAST = {
    "twitter-tweet",
    "twitter-video",
    "subbuzz-tweet__container",
}  # the permalink is the last link: others stand in the post
NAMED = ("data-bluesky-uri", "data-embed-url", "data-instgrm-permalink", "cite", "data-text-post-permalink")


def key_of(address: str) -> Key | None:
    for kind, pattern in KEYS:
        match = pattern.search(address)
        if match:
            found = next(group for group in match.groups() if group)
            return kind, found.rstrip("/").removesuffix("/embed")
    return None


def shown(frame: LexborNode) -> Key | None:
    """The post of a frame, by whichever attribute holds its address."""
    attributes = frame.attributes
    if (attributes.get("data-tweet-id") or "").isdigit():
        return "x", attributes["data-tweet-id"] or ""
    for address in attributes.values():
        parts = urlsplit(address if address and "://" in address[:8] else f"https:{address}")
        query = parse_qs(parts.query)
        host = (parts.netloc or "").removeprefix("www.")
        if host in {"platform.twitter.com", "platform.x.com"} and "/embed/" in parts.path and "id" in query:
            return "x", query["id"][0]
        if host == "facebook.com" and re.search(r"/plugins/(?:post|video)\.php", parts.path) and "href" in query:
            return key_of(query["href"][0])
        playlist = parts.path.endswith(("/videoseries", "/live_stream"))
        if host in {"youtube.com", "youtube-nocookie.com"} and parts.path.startswith("/embed/") and not playlist:
            return key_of(address or "")
        if host in {"instagram.com", "tiktok.com", "embed.bsky.app"} and "embed" in parts.path:
            return key_of(address or "")
        if parts.path.endswith("/embed") and "/@" in parts.path:
            return key_of(address or "")
    return None


def embeds(markup: str) -> list[Key]:
    """What another parser finds embedded in markup."""
    tree = LexborHTMLParser(markup)
    found: list[Key | None] = []
    for node in tree.css(BLOCKS):
        classes = set((node.attributes.get("class") or "").split())
        named = [node.attributes.get(name) or "" for name in NAMED]
        hrefs = [link.attributes.get("href") or "" for link in node.css("a")]
        if "wp-block-embed" in classes:
            bare = "" if node.css("blockquote, iframe, a") else node.text()
            found.append(key_of(bare))
        elif classes & LAST:
            posts = [key for href in hrefs if (key := key_of(href)) and key[0] == "x"]
            found.append(posts[-1] if posts else None)
        else:
            found.append(next((key for each in [*named, *hrefs] if (key := key_of(each))), None))
    named_divisions = tree.css("div.fb-post[data-href], div.fb-video[data-href], div.tweet[data-url]")
    found += [
        key_of(node.attributes.get("data-href") or node.attributes.get("data-url") or "") for node in named_divisions
    ]
    found += [
        ("x", node.attributes["data-embed-id"] or "") for node in tree.css("[data-embed-type=twitter][data-embed-id]")
    ]
    found += [shown(node) for node in tree.css("iframe")]
    return [key for key in found if key]


def kept(markup: str) -> set[Key]:
    """What stands embedded in markup that a page keeps as a string: scripts, templates, attributes, hidden areas."""
    tree = LexborHTMLParser(markup)
    held = [node.html or "" for node in tree.css("script, textarea, template")]
    held += [
        value
        for node in tree.css("*")
        for value in node.attributes.values()
        if value and ("<blockquote" in value or "<iframe" in value or "&lt;" in value)
    ]
    held = [
        re.sub(r"^<[^>]*>", "", each) if each.startswith(("<script", "<textarea", "<template")) else each
        for each in held
    ]
    for _ in range(3):
        held = [unescape(each).replace("\\u003c", "<").replace("\\u003e", ">").replace("\\", "") for each in held]
    return {key for each in held for key in embeds(each)}


def permalinks(markup: str) -> set[str]:
    """The X posts that links outside of embeds point to."""
    tree = LexborHTMLParser(markup)
    for node in tree.css(f"{BLOCKS}, code, pre, textarea"):
        node.decompose()
    hrefs = [link.attributes.get("href") or "" for link in tree.css("a")]
    return {match[1] for href in hrefs if (match := STATUS.search(href))}


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def held(path: Path, data: bytes) -> tuple[Document, list[str]]:
    """A recorded file as we read it, and the pieces of markup in it as others would take them out."""
    if path.suffix == ".xml":
        # The content of each item, and the embeds that WordPress keeps beside it (`_oembed_…`).
        texts = [node.text or "" for node in ElementTree.fromstring(data).iter()]
        return read(data, name=path.name), [text for text in texts if "<" in text]
    if path.suffix == ".json" and "embed-html" in path.parts:
        code = json.loads(data)["embed_code"]
        return read(code.encode(), media_type="text/html"), [code]
    if path.suffix == ".json":
        return read(data, name=path.name), [each for each in strings(json.loads(data)) if "<" in each]
    if path.suffix == ".md":
        document = read(data, name=path.name)
        return document, [FENCE.sub("", document.source)]
    document = read(data, name="a.html", media_type="text/html")
    return document, [document.source]


def ours(found: tuple[Mention, ...]) -> list[Key]:
    return [key for each in found if each.kind is MentionKind.EMBED and (key := key_of(each.url))]


FOLDERS = ("quotes/tweetfinder", "x/html", "x/residue", "x/md", "x/wxr", "x/cms-export", "x/embed-html")


def recorded(corpus: Path) -> Iterator[tuple[str, Path, bytes]]:
    for folder in FOLDERS:
        for path in sorted((corpus / folder).rglob("*")):
            name = path.name.removesuffix(".gz")
            wanted = name.endswith((".html", ".md", ".xml")) or (name.endswith(".json") and "residue" not in folder)
            if wanted and path.is_file():
                data = path.read_bytes()
                yield folder, path, gzip.decompress(data) if path.suffix == ".gz" else data


def test_table_of_embeds_and_permalinks(corpus: Path) -> None:
    table: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    files: Counter[str] = Counter()
    missed: list[tuple[str, Key]] = []
    beyond: list[tuple[str, Key]] = []
    for folder, path, data in recorded(corpus):
        files[folder] += 1
        document, pieces = held(path, data)
        found = mentions.find(document, claim)
        expected = Counter(key for piece in pieces for key in embeds(piece))
        expected.update(("x", number) for number in SHORTCODE.findall(pieces[0] if path.suffix == ".md" else ""))
        got = Counter(ours(found))
        if path.suffix in {".html", ".gz"}:
            # What a page keeps for its scripts must be found once, unless the page shows it.
            expected.update({key for key in kept(pieces[0]) if not expected[key]})
        for key in expected | got:
            row = table[folder, key[0]]
            row["expected"] += expected[key]
            row["found"] += min(expected[key], got[key])
            row["beyond"] += max(0, got[key] - expected[key])
        missed += [(path.name, key) for key in (expected - got).elements()]
        beyond += [(path.name, key) for key in (got - expected).elements()]
        if path.suffix in {".html", ".gz"}:
            links = set().union(*(permalinks(piece) for piece in pieces))
            named = {each.target.id for each in found if each.target and each.target.kind == "post"}
            named |= {link.ref.id for each in found for link in each.links if link.ref and link.ref.kind == "post"}
            row = table[folder, "x permalink"]
            row["expected"] += len(links)
            row["found"] += len(links & named)
    print(f"\n{'folder':20} {'kind':12} {'expected':>8} {'found':>6} {'beyond':>6}")
    for (folder, kind), row in sorted(table.items()):
        print(f"{folder:20} {kind:12} {row['expected']:8} {row['found']:6} {row['beyond']:6}")
    wanted = sum(row["expected"] for row in table.values())
    hit = sum(row["found"] for row in table.values())
    extra = sum(row["beyond"] for row in table.values())
    print(f"{dict(files)} files; recall {hit}/{wanted} = {hit / wanted:.3f}; beyond the other parser {extra}, "
          f"precision at least {hit / (hit + extra):.3f}\nmissed {missed}\nbeyond {beyond}")  # fmt: skip
    assert hit >= 0.97 * wanted
    assert hit >= 0.98 * (hit + extra)
