"""What an author wrote: text, media, and whom a note answers, quotes and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from archiver.model import EdgeKind, Evidence, Media, Post, Ref
from archiver.platforms import web
from archiver.platforms.nostr.address import claim, code_of, note, of_coordinate, of_event, profile
from archiver.platforms.nostr.event import Event, is_digits
from archiver.platforms.nostr.gathered import Gathered
from archiver.platforms.web.address import normal

NOTE, COMMENT, ARTICLE = 1, 1111, 30_023
POSTS = frozenset({NOTE, 11, 20, 21, 22, COMMENT})
MOST_LINKS = 200
_URL = re.compile(r"https?://[^\s<>\"`\\^{|}]+", re.IGNORECASE)
_URI = re.compile(r"(?<![\w/])nostr:(?:note|nevent|naddr|npub|nprofile)1[02-9ac-hj-np-z]+", re.IGNORECASE | re.ASCII)
_PLACE = re.compile(r"#\[([0-9]{1,4})\]")
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_FILE = re.compile(
    r"\.(?:(jpe?g|png|gif|webp|avif|heic|bmp|svg)|(mp4|webm|mov|m4v|ogv)|(mp3|ogg|oga|m4a|wav|flac|opus))", re.I
)
_KINDS = ("image", "video", "audio")
_LANGUAGE = re.compile("[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_BROKEN = re.compile("[\x00\ud800-\udfff]")


def read_post(event: Event, ref: Ref, moment: Callable[[int], str], out: Gathered) -> None:
    """The post that an event is, with its edges."""
    media = _media(event, out)
    title = event.value("title") or event.value("subject")
    body = event.content if not title or event.kind == NOTE else f"{title}\n\n{event.content}"
    written, first = moment(event.created_at), _published(event)
    warned = event.named("content-warning")
    replied, root = _threads(event)
    out.posts.append(
        Post(
            ref=ref,
            author=profile(event.pubkey),
            text=_BROKEN.sub("\N{REPLACEMENT CHARACTER}", body),
            posted_at=moment(first) if first else written,
            name=out.names.get(event.pubkey, ""),
            lang=_language(event),
            warning=_BROKEN.sub("\N{REPLACEMENT CHARACTER}", warned[0][1][1]) if warned else "",
            sensitive=any(tag[0] == "content-warning" for tag in event.tags),
            url=f"nostr:{code_of(ref)}" if code_of(ref) else "",
            whole=event.kind != ARTICLE,  # pictures and quotes of an article stand in its Markdown
            edited=bool(first and first < event.created_at),
            edited_at=written if first and first < event.created_at else "",
            version_id=event.id if ref.kind == "address" else "",
            conversation=root,
            media=media,
            pointer=event.pointer,
        )
    )
    for place, goal in replied:
        out.edge(EdgeKind.REPLIES_TO, ref, goal, _tag(event, place))
    _quotes(event, ref, {goal for _, goal in replied}, out)
    for place, tag in event.named("p"):
        if is_digits(tag[1], 64):
            out.edge(EdgeKind.NAMES, ref, profile(tag[1]), _tag(event, place))
    shown = {item.url for item in media}
    for number, url in enumerate(_links(event.content)):
        if number == MOST_LINKS:
            out.skip(f"more than {MOST_LINKS} links", f"{event.pointer}/content")
            break
        if (page := web.claim(url)) is not None and url not in shown and page.id not in shown:
            out.edge(EdgeKind.LINKS_TO, ref, page, f"{event.pointer}/content")


def _language(event: Event) -> str:
    """What a label of NIP-32 says; empty for what is no code of a language."""
    codes = (tag[1] for _, tag in event.named("l") if len(tag) > 2 and tag[2].startswith("ISO-639"))
    return next((code for code in codes if _LANGUAGE.fullmatch(code)), "")


def _tag(event: Event, place: int) -> str:
    return f"{event.pointer}/tags/{place}/1"


def _published(event: Event) -> int:
    """When an article says that it was first published, in seconds; 0 where it does not say, or says it was later."""
    text = event.value("published_at") if event.kind == ARTICLE else ""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
    return seconds if seconds <= event.created_at else 0


def _threads(event: Event) -> tuple[list[tuple[int, Ref]], Ref | None]:
    """What an event answers, with the place of the tag, and where the conversation begins."""
    if event.kind == COMMENT:
        return _comment(event)
    if event.kind != NOTE:
        return [], None
    tags = [(place, tag) for place, tag in event.named("e") if is_digits(tag[1], 64)]
    marked = {tag[3]: (place, note(tag[1])) for place, tag in reversed(tags) if len(tag) > 3 and tag[3]}
    if answered := marked.get("reply") or marked.get("root"):
        return [answered], marked.get("root", answered)[1]
    if marked.keys() - {"mention"}:
        return [], None
    mentioned = {int(place) for place in _PLACE.findall(event.content)}  # `#[2]`: the old way to name a tag in a text
    plain = [(place, note(tag[1])) for place, tag in tags if place not in mentioned and (len(tag) < 4 or not tag[3])]
    return (plain[-1:], plain[0][1]) if plain else ([], None)


def _comment(event: Event) -> tuple[list[tuple[int, Ref]], Ref | None]:
    """NIP-22: the parent in lower case, the root in upper case; an address goes before the version beside it."""

    def first(names: str) -> tuple[int, Ref] | None:
        found = [(place, _scope(name, tag[1])) for name in names for place, tag in event.named(name)]
        return next(((place, goal) for place, goal in found if goal is not None), None)

    parent, root = first("aei"), first("AEI")
    return [parent] if parent else [], root[1] if root else None


def _scope(name: str, value: str) -> Ref | None:
    if name in "iI":
        return web.claim(value)
    return of_coordinate(value) if name in "aA" else of_event(value)


def _quotes(event: Event, ref: Ref, answered: set[Ref], out: Gathered) -> None:
    """`q` tags (NIP-18) are the author's own word for it; a `nostr:` URI in the text (NIP-27) without one is shown as a
    quotation by clients."""
    tagged = set()
    for place, tag in event.named("q"):
        goal = of_event(tag[1])
        if goal is None:
            out.skip("a quotation of what is no event", _tag(event, place))
            continue
        tagged.add(goal)
        out.edge(EdgeKind.QUOTES, ref, goal, _tag(event, place))
    for uri in dict.fromkeys(_URI.findall(event.content)):
        named = claim(uri)
        if named is None or named in tagged or named in answered:
            continue
        kind = EdgeKind.NAMES if named.kind == "profile" else EdgeKind.QUOTES
        evidence = Evidence.ASSERTED if named.kind == "profile" else Evidence.CLAIMED
        out.edge(kind, ref, named, f"{event.pointer}/content", evidence)
    for place, tag in event.named("e"):
        if len(tag) > 3 and tag[3] == "mention" and is_digits(tag[1], 64):
            out.edge(EdgeKind.LINKS_TO, ref, note(tag[1]), _tag(event, place))


def _links(content: str) -> Iterator[str]:
    """The web addresses of a text, without the punctuation that follows them, each once."""
    seen = set()
    for found in _URL.finditer(content):
        url = found[0].rstrip(".,;:!?'’*_~")
        while url.endswith((")", "]")) and url.count(")") + url.count("]") > url.count("(") + url.count("["):
            url = url[:-1].rstrip(".,;:!?'’*_~")
        if url not in seen:
            seen.add(url)
            yield url


def _media(event: Event, out: Gathered) -> tuple[Media, ...]:
    """NIP-92 `imeta` tags, and files that the text names by an address with a known ending."""
    found: dict[str, Media] = {}
    for place, tag in enumerate(event.tags):
        if tag[0] != "imeta":
            continue
        pointer = f"{event.pointer}/tags/{place}"
        fields: dict[str, str] = {}
        for part in tag[1:]:
            name, _, value = part.partition(" ")
            fields.setdefault(name, value.strip())
        url = normal(fields.get("url", ""))
        if url is None:
            out.skip("a medium without a web address", pointer)
            continue
        size = _SIZE.fullmatch(fields.get("dim", ""))
        kind = _BROKEN.sub("", fields.get("m", ""))[:100]
        found.setdefault(
            url,
            Media(
                key=url,
                kind=_kind_of(kind, url),
                url=url,
                alt=_BROKEN.sub("\N{REPLACEMENT CHARACTER}", fields.get("alt", "")),
                width=int(size[1]) if size else 0,
                height=int(size[2]) if size else 0,
                content_type=kind,
                sha256=fields["x"] if is_digits(fields.get("x", ""), 64) else "",
                pointer=pointer,
            ),
        )
    for link in _links(event.content):
        url = normal(link)
        if url is not None and url not in found and _ending(url):
            found[url] = Media(key=url, kind=_kind_of("", url), url=url, pointer=f"{event.pointer}/content")
        if len(found) >= MOST_LINKS:
            break
    return tuple(found.values())


def _ending(url: str) -> str:
    """image, video or audio by the ending of an address; empty for any other."""
    path = url.split("/", 3)[3].partition("?")[0]
    found = _FILE.fullmatch(path[path.rfind(".") :]) if "." in path else None
    return "" if found is None else _KINDS[(found.lastindex or 1) - 1]


def _kind_of(content_type: str, url: str) -> str:
    kind = content_type.partition("/")[0].lower()
    return kind if kind in _KINDS else _ending(url) or "image"
