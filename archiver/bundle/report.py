"""report.html: what a bundle holds as one page, which checks itself in the reader's browser and asks for nothing.

The page holds its data, its style and its script; its policy (Content Security Policy Level 3) lets nothing else
apply and nothing be loaded. What it shows of captures is held against the leaves of the log, these against the signed
checkpoint, and media against their hashes. What authors signed is
checked from the captured answers. Its verifier came with it, and it says so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sized
from importlib import resources
from itertools import chain, groupby, islice

from archiver.bundle import report_choice, report_signed
from archiver.bundle.index import Index
from archiver.bundle.report_choice import Chosen, Quotations, first, more, quoting
from archiver.bundle.report_entries import (
    Read,
    Room,
    anchor,
    capture,
    chip,
    derived,
    document,
    erased,
    mention,
    post,
    quotation,
    statement,
)
from archiver.bundle.report_markup import block, facts, items, moment, own, text
from archiver.bundle.report_signed import lines

TITLE = "Evidence of social posts"
EMBEDDED_IN_ALL = 64 << 20
"""So many bytes of media stand in the page; the rest is named by hash."""
SCRIPTS = ("report_proofs.js", "report_authors.js", "report_script.js")


def _packaged(name: str) -> str:
    return resources.files("archiver.bundle").joinpath(name).read_text("utf-8")


def _source(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode('utf-8')).digest()).decode('ascii')}'"


def page(index: Index, read: Read = lambda path: None) -> Iterator[str]:
    """The page in pieces (HTML, to be written as UTF-8). `read` gives files of the bundle; those that it does not give
    are named and not shown. Equal bundles give equal pages."""
    script, style = "\n".join(map(_packaged, SCRIPTS)), _packaged("report_style.css")
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{TITLE}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    chosen, quotations = Chosen(index), Quotations(index)
    yield _head(index)
    yield _contents(index, quotations)
    yield "<main>\n"
    yield from _verdicts(index, quotations)
    room = Room(EMBEDDED_IN_ALL)
    if len(index["posts"]):
        yield f'<h2 id="posts">Posts ({len(index["posts"]):,})</h2>\n'
        yield more(len(index["posts"]), report_choice.POSTS, "posts", "data/posts.csv and data/bundle.json")
        for number, single in enumerate(report_choice.posts(index), 1):
            yield from post(number, single, chosen.heads, chosen.shows, read, room)
    yield from _of_the_lost(index)
    if len(index["documents"]):
        yield f'<h2 id="documents">Documents ({len(index["documents"]):,})</h2>\n'
        yield _rest(index["documents"], "documents")
        for number, held in enumerate(first(index["documents"]), 1):
            yield document(number, held, chosen.shows)
    yield f'<h2 id="derived">Files made from captures ({len(index["derived"]):,})</h2>\n'
    yield _rest(index["derived"], "files")
    for made_of in first(index["derived"]):
        yield from derived(made_of, read, room)
    if not len(index["derived"]):
        yield _NO_PICTURES
    if len(index["erased"]):
        yield f'<h2 id="erased">Erased, and so not in this bundle</h2>\n{items(map(erased, first(index["erased"])))}'
        yield _rest(index["erased"], "places in the log")
    if len(index["statements"]):
        said = items(map(statement, first(index["statements"])))
        yield f'<h2 id="statements">What persons decided</h2>\n{said}{_rest(index["statements"], "decisions")}'
    if index["anchors"]:
        said = items(map(anchor, first(index["anchors"])))
        yield f'<h2 id="anchors">What others say of the log</h2>\n{said}{_rest(index["anchors"], "tokens")}'
    yield f'<h2 id="captures">Captures ({len(index["captures"]):,})</h2>\n{_CAPTURES}'
    yield more(len(index["captures"]), report_choice.LEAVES, "captures", "data/captures.csv and data/captures/")
    for made in index["captures"]:
        if chosen.shows(made["uid"]):
            yield capture(made)
    yield _LIMITS + "</main>\n"
    yield from _data(index, chosen, read)
    yield "<script>"
    yield from (script[at : at + 10_000] for at in range(0, len(script), 10_000))
    yield "</script>\n</body>\n</html>\n"


def _head(index: Index) -> str:
    about = facts(
        (
            ("Asked for", own(index["what"])),
            ("Log", f'<bdi lang="" id="origin" class="ref">{text(index["origin"])}</bdi>'),
            (
                "Signed head",
                f'{int(index["size"]):,} leaves, root <span id="root" class="hash">{text(index["root"])}</span>',
            ),
            ("Keys of the log", "<br>".join(f'<span class="hash key">{text(vkey)}</span>' for vkey in index["vkeys"])),
            ("Made", text(f"{moment(index['made'])} by {index['tool']}")),
        )
    )
    return (
        f"<header>\n<h1>{TITLE}</h1>\n{_ABOUT}{about}</header>\n"
        '<section id="checks" data-state="none">\n<h2>Checks in this browser</h2>\n'
        '<p id="result" role="status">Nothing was checked: this browser did not run the checks of this page. '
        'verify.py and verify.sh, beside this page’s folder, check more.</p>\n<ul id="found"></ul>\n'
        "<p><strong>This page supplies its own verifier, and the bundle its own keys.</strong> That these checks hold "
        "says that the page fits together, not who made it. Compare the keys above with keys that you had from the "
        "keeper of the log by another way, and check the bundle with a verify.py that you trust, or with "
        "<code>sha256sum</code>, <code>openssl</code> and <code>ssh-keygen</code>: "
        "<code>python3 verify.py --key KEY</code>. Time stamps and the seal are checked there, not here.</p>\n"
        "</section>\n"
    )


def _of_the_lost(index: Index) -> Iterator[str]:
    """What is proved of posts that no capture showed, a ref at a time."""
    if not len(index["proofs"]):
        return
    yield f'<h2 id="proofs">Proofs about what no capture showed ({len(index["proofs"]):,})</h2>\n'
    yield _rest(index["proofs"], "proofs")
    for ref, some in groupby(first(index["proofs"]), key=lambda one: one["ref"]):
        yield f"<article>\n<h3>{own(ref)}</h3>\n"
        yield facts((("About", own(ref, "ref")), ("Proofs", items(lines(list(some)))))) + "</article>\n"


def _rest(rows: Sized, what: str) -> str:
    return more(len(rows), report_choice.LISTED, what, "data/bundle.json")


def _contents(index: Index, quotations: Quotations) -> str:
    sections = (
        ("quotations", "Quotations", quotations.count),
        ("posts", "Posts", len(index["posts"])),
        ("documents", "Documents", len(index["documents"])),
        ("captures", "Captures", len(index["captures"])),
    )
    links = [f'<a href="#{place}">{name}</a> ({count:,})' for place, name, count in sections if count]
    counts = [f"{chip(verdict)} {count:,}" for verdict, count in sorted(quotations.told.items())]
    stops = items(f'{chip(said)} <a href="#v{number}">{whose}</a>' for number, said, whose in quotations.stops)
    stops += more(quotations.stopped, report_choice.QUOTATIONS, "quotations that are not faithful", "data/verdicts.csv")
    heading = '<h2 class="small">Not faithful</h2>\n' if quotations.stops else ""
    return f'<nav aria-label="Contents">\n{items(links, "counts")}{items(counts, "counts")}{heading}{stops}</nav>\n'


def _verdicts(index: Index, quotations: Quotations) -> Iterator[str]:
    """Quotations, then mentions that quote nothing."""
    titles = {
        one["ref"]: f'<a href="#d{number}">{own(one["title"] or one["url"])}</a>'
        for number, one in enumerate(first(index["documents"]), 1)
    }
    if quotations.count:
        yield f'<h2 id="quotations">Quotations ({quotations.count:,})</h2>\n'
        yield more(quotations.count, report_choice.QUOTATIONS, "quotations", "data/verdicts.csv and data/bundle.json")
    if quotations.told["spliced"]:
        yield _PARTS
    for number, one in quoting(index):
        if number in quotations.shown:
            yield quotation(number, one, titles.get(one["document"], own(one["document"], "ref")))
    if quotations.others:
        yield f"<h3>Mentions that quote no words ({quotations.others:,})</h3>\n"
        yield more(quotations.others, report_choice.LISTED, "mentions", "data/verdicts.csv") + "<ul>"
        for one in first(one for one in index["verdicts"] if not (one["words"] or one["verdict"])):
            yield f"<li>{mention(one, titles.get(one['document'], own(one['document'], 'ref')))}</li>"
        yield "</ul>\n"


_ABOUT = (
    "<p>What servers answered when the posts below were asked for, the documents that quote them, and how the quoted "
    "words stand to the words of the posts. Times are UTC. Read also what this page "
    '<a href="#limits">does not say</a>.</p>\n'
)
_PARTS = (
    '<p class="quiet">A quotation that was put together from several posts stands here, and is counted, once for each '
    "of them.</p>\n"
)
_NO_PICTURES = (
    '<p class="none">None. No picture was taken of how a browser shows a post or page: posts stand here in words and '
    "media, and data/web/captures.wacz replays the captured pages in a reader of web archives.</p>\n"
)
_CAPTURES = (
    '<p class="quiet">A capture is one request and what came back. It was made between <em>not before</em> and '
    "<em>not after</em>, for which others vouch by time stamps over this head of the log or earlier ones (verify.py "
    "checks them, and that the log continues each); its own clock is the word of the archive alone.</p>\n"
)
_LIMITS = (
    '<section id="limits">\n<h2>What this page does not say</h2>\n<p>A capture shows what a server answered, not that '
    "the author wrote it; whoever ran the archive at the time of a capture could have fed it a false answer, and no "
    "log, signature or time stamp shows that: compare with the author’s own proofs, other archives and other "
    "observers. Posts, media and verdicts were read out of the captured bytes by the archiver; the bytes are in the "
    "bundle. A verdict is about words, not about meaning.</p>\n</section>\n"
)


def _data(index: Index, chosen: Chosen, read: Read) -> Iterator[str]:
    """What the script checks: the signed head, the keys, the leaves of what the page shows, and their proofs."""
    note = read("data/proofs/checkpoint")
    if note is None:
        return
    shown = chosen.leaves | {one["leaf"] for one in first(index["derived"])}
    leaves = list(islice((leaf for leaf in index["leaves"] if leaf["index"] in shown), report_choice.LEAVES))
    yield block("log", {"note": note.decode("utf-8", "replace"), "vkeys": list(index["vkeys"]), "leaves": len(leaves)})
    for entry in leaves:
        leaf, proof = read(entry["leaf"]), read(entry["proof"])
        if leaf is not None and proof is not None:
            path = proof.decode("utf-8", "replace").partition("\n\n")[0].split("\n")
            hashes = path[next((n for n, line in enumerate(path) if line.startswith("index ")), 0) + 1 :]
            data = {"index": entry["index"], "leaf": base64.b64encode(leaf).decode("ascii"), "path": hashes}
            yield block("leaf", data)
    proofs = chain.from_iterable(post["proofs"] for post in report_choice.posts(index))
    yield from report_signed.answers(chain(proofs, first(index["proofs"])), index["captures"], chosen.shows, read)
