"""The parts of the report: quotations with their verdicts, posts, documents, captures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence

from archiver.bundle.drafts import METHODS
from archiver.bundle.index import (
    AnchorEntry,
    C2paEntry,
    CaptureEntry,
    ChangeEntry,
    DerivedEntry,
    DocumentEntry,
    ErasedEntry,
    MediaEntry,
    PostEntry,
    StatementEntry,
    VerdictEntry,
)
from archiver.bundle.report_markup import facts, items, moment, own, plain, text, words
from archiver.bundle.report_signed import lines
from archiver.quotes.meaning import FLAGS, VERDICTS

Read = Callable[[str], bytes | None]
"""The bytes of a file of the bundle by its path from the bag's folder, None where there is none."""

Heads = Mapping[str, tuple[str, str]]
Shown = Callable[[str], bool]
"""Whether a capture stands in the page, by its uid."""

EMBEDDED = 8 << 20
"""A media file of more bytes is named by its hash."""
SHOWN = {
    "image/jpeg": "img", "image/png": "img", "image/gif": "img", "image/webp": "img", "image/avif": "img",
    "video/mp4": "video", "video/webm": "video", "audio/mpeg": "audio", "audio/mp4": "audio", "audio/ogg": "audio",
}  # fmt: skip
"""Types that a browser shows without running anything. SVG is none of them."""
FITS = ("exact", "normalised", "same-words", "partial", "truncated", "elided", "bracketed")
STOPS = ("altered", "spliced")
GONE = ("deleted", "suspended", "protected", "withheld", "not-found", "unavailable")
_OWN = ("elided", "bracketed")


class Room:
    """How many bytes of media the page may still hold."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        fits = size <= min(EMBEDDED, self.left)
        self.left -= size if fits else 0
        return fits


def hashed(sha256: str) -> str:
    return f'<span class="hash">{text(sha256)}</span>'


def chip(verdict: str) -> str:
    kind = " stop" if verdict in STOPS else " fits" if verdict in FITS else ""
    return f'<span class="verdict{kind}">{text(verdict)}</span>'


def said_of(one: VerdictEntry) -> str:
    """The verdict, or what became of the look for the post."""
    return one["verdict"] or one["status"] or "not judged"


def signed(one: VerdictEntry) -> str:
    """Whose words they are said to be, and of when; which part of a splice this is."""
    part = f", {own(one['reason'])}" if one["verdict"] == "spliced" and one["reason"] else ""
    who = " ".join(part for part in (one["handle"], f"({one['name']})" if one["name"] else "") if part)
    return f"attributed to {own(who) if who else 'nobody'}{', ' + own(one['day']) if one['day'] else ''}{part}"


def mention(one: VerdictEntry, place: str) -> str:
    """A mention that quotes no words, on one line."""
    of = f" {own(one['post'], 'ref')}" if one["post"] else ""
    why = f": {own(one['reason'])}" if one["reason"] else ""
    return f'{text(one["kind"])} {text(one["status"])}{of}{why} <span class="quiet">in {place}</span>'


def quotation(number: int, one: VerdictEntry, place: str) -> str:
    """One quotation beside the version of the post that it was compared with. `place` names its document (HTML)."""
    verdict = said_of(one)
    changes, stretch, theirs = one["changes"], one["quoted_span"], one["original_span"]
    ours = [(change["quoted_span"]["start"], change["quoted_span"]["end"]) for change in changes]
    originals = [(change["original_span"]["start"], change["original_span"]["end"]) for change in changes]
    tags = [
        ("span" if change["op"] in _OWN else "del", "span" if change["op"] in _OWN else "ins") for change in changes
    ]
    out = [
        f'<article id="v{number}">\n<h3>{chip(verdict)} {signed(one)}</h3>\n'
        f'<p class="quiet">{text(VERDICTS.get(verdict, ""))}</p>\n<div class="sides"><div>\n<h4>The quotation</h4>\n',
        words(one["words"], ours, [tag for tag, _ in tags], (stretch["start"], stretch["end"]) if stretch else None),
        "</div><div>\n<h4>The post, as captured</h4>\n",
    ]
    if one["text"]:
        part = (theirs["start"], theirs["end"]) if theirs else None
        out.append(words(one["text"], originals, [tag for _, tag in tags], part))
    else:
        out.append(f'<p class="none">{text(one["reason"]) or "Nothing was compared."}</p>\n')
    out.append("</div></div>\n")
    out.append(items(_change(change) for change in changes))
    out.append(
        facts(
            (
                (
                    "Warnings",
                    items(f"{text(FLAGS.get(flag, flag))} <code>{text(flag)}</code>" for flag in one["flags"]),
                ),
                ("Evened out", text(", ".join(one["steps"]))),
                ("Said of it", own(one["reason"]) if one["reason"] and one["text"] else ""),
                ("Standard", text(one["standard"])),
                ("In", place),
                ("Post", own(one["post"], "ref")),
                ("Version", hashed(one["version"]) if one["version"] else ""),
                ("Passage", own(one["passage"], "ref")),
                ("Rules", text(one["policy"])),
            )
        )
    )
    return "".join([*out, "</article>\n"])


def _change(change: ChangeEntry) -> str:
    quoted, original = own(change["quoted"]), own(change["original"])
    if change["op"] in _OWN:
        return f"{text(change['op'])}, as the quotation marks: <del>{quoted}</del> for <ins>{original}</ins>"
    if not change["original"]:
        return f"not in the post: <del>{quoted}</del>"
    if not change["quoted"]:
        return f"missing from the quotation: <ins>{original}</ins>"
    return f"{text(change['op'])}: <del>{quoted}</del> where the post says <ins>{original}</ins>"


def post(number: int, one: PostEntry, heads: Heads, shown: Shown, read: Read, room: Room) -> Iterator[str]:
    """One post: words, media, versions, chain, what became of it. `heads` are author and beginning of posts."""
    who = " ".join(part for part in (one["handle"], f"({one['name']})" if one["name"] else "") if part)
    yield f'<article id="p{number}">\n<h3>{own(who or one["ref"])}</h3>\n'
    if one["outcome"] in GONE:
        yield f'<p class="bad">As seen {text(moment(one["outcome_at"]))}: {text(one["outcome"])}.</p>\n'
    if one["warning"]:
        yield f"<p>Content warning: {own(one['warning'])}</p>\n"
    yield words(one["text"]) if one["text"] else '<p class="none">No text was captured.</p>\n'
    if one["truncated"]:
        yield '<p class="bad">This text is known to be cut.</p>\n'
    for item in one["media"]:
        yield from _media(item, read, room)
    others = [version for version in one["versions"] if version["text"] != one["text"]]
    if others:
        yield f"<h4>As other captures showed it ({len(others)})</h4>\n{_ROUTES}"
        for version in others:
            routes = text(", ".join(sorted({sighting["route"] for sighting in version["sightings"]})))
            seen = f"{text(moment(version['first_seen']))} to {text(moment(version['last_seen']))}"
            cut = ", known to be cut" if version["truncated"] else ""
            yield f"<p>{seen}{', by ' + routes if routes else ''}{cut}</p>\n{words(version['text'])}"
    if one["edits"]:
        yield items(f"An edit is shown by {text(edit['shown_by'])} ({text(edit['route'])})" for edit in one["edits"])
    if one["chain"]:
        yield "<h4>Where it leads</h4>\n"
        yield items(_step(step["depth"], f"{step['kind']} ({step['evidence']})", step["target"], heads)
                    for step in one["chain"])  # fmt: skip
    yield facts(
        (
            ("Post", own(one["ref"], "ref")),
            ("Also known as", ", ".join(own(alias, "ref") for alias in one["aliases"])),
            ("Address", own(one["url"], "address") if one["url"] else ""),
            ("Author", own(one["author"], "ref") if one["author"] else ""),
            ("Time it claims", text(moment(one["posted_at"]))),
            ("Last seen as", text(f"{one['outcome']}, {moment(one['outcome_at'])}") if one["outcome"] else ""),
            ("Author’s proofs", items(lines(one["proofs"]))),
            ("Captures", _captures(one["captures"], shown)),
        )
    )
    yield "</article>\n"


def _captures(uids: Sequence[str], shown: Shown) -> str:
    """Captures, with links to those that stand in the page."""
    return ", ".join(f'<a href="#c-{plain(uid)}">{text(uid)}</a>' if shown(uid) else text(uid) for uid in uids)


_ROUTES = '<p class="quiet">Routes may render one post differently: that alone shows no edit.</p>\n'


def _step(depth: int, how: str, target: str, heads: Heads) -> str:
    known = heads.get(target)
    said = f": {own(known[0])} {own(known[1])}" if known else ", which was not captured"
    return f"{'&emsp;' * min(max(depth - 1, 0), 20)}↳ {text(how)} {own(target, 'ref')}{said}"


def _media(item: MediaEntry, read: Read, room: Room) -> Iterator[str]:
    element, path = SHOWN.get(item["type"], ""), f"data/blobs/{item['sha256']}"
    data = read(path) if item["sha256"] and element and room.take(item["size"]) else None
    yield '<figure class="media">\n'
    if data is not None:
        yield _embedded(element, item["type"], item["sha256"], data, item["alt"])
    elif item["sha256"]:
        size = f"{item['size']:,} bytes of {text(item['type'] or 'an unknown type')}"
        yield f'<p class="none">Not shown here: {size}, the file {text(path)} of the bundle.</p>\n'
    else:
        yield f'<p class="none">Not in the archive: {text(item["kind"])} {own(item["url"], "address")}</p>\n'
    told = f"<p>Described as: {own(item['alt'])}</p>" if item["alt"] else ""
    checked = ' <span class="check"></span>' if data is not None else ""
    yield f"<figcaption>{told}{hashed(item['sha256'])}{checked}{_manifests(item['c2pa'])}</figcaption>\n</figure>\n"


def _manifests(one: C2paEntry | None) -> str:
    """What the C2PA manifests of a file claim, as the archive read them: nothing of it is checked in the page."""
    if one is None:
        return ""
    synthetic = any(manifest["synthetic"] for manifest in one["manifests"])
    marked = '<p class="bad">Its manifest claims that a trained model had a part in it.</p>' if synthetic else ""
    lines = "".join(f"<li>{own(line)}</li>" for line in one["told"])
    return f'<div class="c2pa">{marked}<p>{_CLAIMED}</p><ul>{lines}</ul></div>'


_CLAIMED = "What the file says of itself (C2PA), as the archive read it; not checked by this page:"


def _embedded(element: str, type: str, sha256: str, data: bytes, alt: str) -> str:
    source = f"data:{type};base64,{base64.b64encode(data).decode('ascii')}"
    named = f'class="held" data-sha256="{plain(sha256)}" src="{source}"'
    if element == "img":
        return f'<img {named} alt="{plain(alt)}">\n'
    return f"<{element} {named} controls></{element}>\n"


def document(number: int, one: DocumentEntry, shown: Shown) -> str:
    return f'<article id="d{number}">\n<h3>{own(one["title"] or one["url"])}</h3>\n' + (
        facts(
            (
                ("Address", own(one["url"], "address")),
                ("Document", own(one["ref"], "ref")),
                ("Kind", text(one["media_type"])),
                ("SHA-256", hashed(one["sha256"])),
                ("Captures", _captures(one["captures"], shown)),
            )
        )
        + "</article>\n"
    )


def capture(one: CaptureEntry) -> str:
    """One capture. What its leaf says too bears the place in `data-path`, so that the page can hold the two equal."""
    bracket = one["bracket"]

    def logged(path: str, value: str, kind: str = "") -> str:
        return f'<bdi lang="" class="{kind}" data-path="{path}">{text(value)}</bdi>'

    how = f" ({METHODS[one['tier']]})" if one["tier"] in METHODS else ""
    status = "" if one["status"] is None else logged("response.status", str(one["status"]))
    failure = logged("response.failure", one["failure"], "bad") if one["failure"] else ""
    return (
        f'<article class="capture" id="c-{plain(one["uid"])}" data-leaf="{int(one["leaf"])}">\n'
        f'<h3>{logged("request.url", one["url"], "address")} <span class="check"></span></h3>\n'
    ) + (
        facts(
            (
                ("Capture", logged("uid", one["uid"], "hash")),
                ("About", logged("ref", one["ref"], "ref")),
                ("By", logged("route", one["route"])),
                ("Came from", logged("tier", one["tier"]) + how),
                ("Answer", f"{status} {failure}".strip()),
                ("Not before", stated(bracket, "not_before") or "unknown: no token of others was at hand by then"),
                ("Not after", stated(bracket, "not_after") or "unknown: no token of others covers it here"),
                ("By its own clock", logged("clock.wall", one["observed_at"])),
                (
                    "Body (SHA-256)",
                    logged("response.body_sha256", one["body_sha256"], "hash") if one["body_sha256"] else "",
                ),
                ("Leaf of the log", str(int(one["leaf"]))),
            )
        )
        + "</article>\n"
    )


def stated(bracket: Mapping[str, object], field: str) -> str:
    """A time, and the token that states it; empty where there is none."""
    at, path = str(bracket[field] or ""), str(bracket.get(f"{field}_by") or "")
    by = f", by {own(path, 'ref')}" if path else ""
    return f"{text(moment(at))}{by}" if at else ""


SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def derived(one: DerivedEntry, read: Read, room: Room) -> Iterator[str]:
    """A file that a tool made from captured bytes; a picture is shown."""
    yield f"<article>\n<h3>{own(one['tool'])} {own(one['version'])}</h3>\n"
    data = read(f"data/blobs/{one['sha256']}") if room.take(one["size"]) else None
    type = next((name for start, name in SIGNATURES if data is not None and data.startswith(start)), "")
    if data is not None and type:
        yield f'<figure class="media">\n{_embedded("img", type, one["sha256"], data, "")}<figcaption>'
        yield f'{hashed(one["sha256"])} <span class="check"></span></figcaption>\n</figure>\n'
    yield facts(
        (
            ("Made", text(moment(one["at"]))),
            ("By", own(one["arguments"])),
            ("From (SHA-256)", "<br>".join(map(hashed, one["inputs"]))),
            ("File", f"{own('data/blobs/' + one['sha256'], 'ref')}, {int(one['size']):,} bytes"),
            ("Leaf of the log", str(int(one["leaf"]))),
        )
    )
    yield "</article>\n"


def erased(one: ErasedEntry) -> str:
    why = f", erased {own(one['why'])}" if one["why"] else ""
    return f"{own(one['ref'], 'ref')}, leaf {int(one['leaf'])} of the log{why}"


def anchor(one: AnchorEntry) -> str:
    """What an outside service said of a head of the log, on one line."""
    at = moment(one["at"]) if one["at"] else "pending"
    over = f"over {int(one['size']):,} leaves, {own(one['path'], 'ref')}"
    return f"{text(at)}: {text(one['kind'])} of {own(one['service'])} {over}"


def statement(one: StatementEntry) -> str:
    """What a person decided, on one line."""
    about = f"{own(one['subject'], 'ref')}{' ' + own(one['object'], 'ref') if one['object'] else ''}"
    return f"{text(moment(one['at']))}, {own(one['who'])}: {own(one['what'])} {about}: {own(one['reason'])}"
