"""Citations of a post or a web page: as text, BibTeX, CSL-JSON and a template of Wikipedia.

Words of others are put on one line, and what cannot be seen is left out (the SHA-256 is of the words as they were
seen). Each format has its own function that escapes: nothing of theirs ends a field, a template or a sentence.

References: https://www.ctan.org/pkg/btxdoc (BibTeX counts braces also behind a backslash), the CSL-JSON schema at
https://github.com/citation-style-language/schema, https://en.wikipedia.org/wiki/Template:Cite_tweet and
https://en.wikipedia.org/wiki/Template:Cite_web. Of platforms here only X has a template of its own that was found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from archiver.model import Outcome

SITES = {"x": "X", "bluesky": "Bluesky", "nostr": "Nostr"}
"""What a platform is called; a server of the fediverse, and a page, by its host."""
WORDS, LONGEST = 20, 280
"""How much of a post stands as its title: words, and code points."""
_GONE = frozenset({Outcome.DELETED, Outcome.NOT_FOUND, Outcome.SUSPENDED, Outcome.UNAVAILABLE, Outcome.WITHHELD})
_FLAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_DAY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """What is cited, as an archive holds it. Times are UTC, ISO 8601; what is not known is empty.

    `text` are the words of a post or the title of a page; `url` is where the platform shows it; `permalink` is the page
    of this archive, empty where others could not open it; `sha256` names the version, `capture` (made at `captured_at`)
    is the newest that showed it; `outcome` was seen at `outcome_at`.
    """

    ref: str
    platform: str
    page: bool
    handle: str
    name: str
    text: str
    posted_at: str
    url: str
    lang: str
    outcome: str
    outcome_at: str
    archive: str
    permalink: str
    sha256: str
    capture: str
    captured_at: str

    @property
    def title(self) -> str:
        """The words, or the first of them."""
        return first_words(self.text) or ("Page without a title" if self.page else "Post without words")

    @property
    def author(self) -> str:
        """The name, or else the handle; a handle alone bears its sign."""
        return clean(self.name) or (f"@{clean(self.handle)}" if self.handle else "")

    @property
    def site(self) -> str:
        return SITES.get(self.platform) or host(self.url)


def clean(given: str) -> str:
    """Words of others on one line, without what cannot be seen; joiners and flags of emoji stay."""
    kept = (
        part if n % 2 else "".join(c for c in part if c.isspace() or c in "\u200c\u200d" or not _unseen(c))
        for n, part in enumerate(_FLAGS.split(given))
    )
    return " ".join("".join(kept).split())


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def first_words(given: str) -> str:
    """The first words of a text, with an ellipsis where more follow."""
    words = clean(given[: 40 * LONGEST]).split(" ")
    short = " ".join(words[:WORDS])
    cut = short if len(short) <= LONGEST else short[:LONGEST].rstrip("\u200d ")
    return f"{cut} …" if len(words) > WORDS or cut != short or len(given) > 40 * LONGEST else cut


def host(url: str) -> str:
    """The host of an address; empty where it has none."""
    try:
        return clean(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def day(at: str) -> str:
    """The day of a time; empty where it is not known."""
    found = _DAY.match(at)
    return found[0] if found else ""


def isolated(given: str) -> str:
    """Words in a direction of their own (UAX #9), where any of them runs from right to left."""
    turned = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in given)
    return f"\u2068{given}\u2069" if turned else given


def link(url: str) -> str:
    """An address as every format may hold it: what could end a field is percent-encoded. Empty where it is no http."""
    safe = quote(clean(url), safe="!#$%&()*+,-./:;=?@_~").replace("~~", "%7E%7E")
    return safe if safe.startswith(("http://", "https://")) else ""


# ---- text ---------------------------------------------------------------------------------------------------------


def plain(cited: Cited) -> str:
    """One line of text."""
    handle = clean(cited.handle)
    who = isolated(cited.author) or "Unknown author"
    if cited.name and handle:
        who += f" ({isolated('@' + handle)})"
    when = f"{_moment(cited.posted_at)}" if day(cited.posted_at) else "no date"
    held = f"Captured {_moment(cited.captured_at)} ({clean(cited.capture)})" if cited.capture else "Not captured"
    told = [
        f"{who}: “{isolated(cited.title)}”, {cited.site + ', ' if cited.site else ''}{when}",
        link(cited.url) or clean(cited.url),
        _fate(cited),
        f"{held}, archive “{clean(cited.archive)}”, {isolated(clean(cited.ref))}",
        cited.permalink,
        f"SHA-256 of this version: {clean(cited.sha256)}" if cited.sha256 else "",
    ]
    return ". ".join(part for part in told if part) + "."


def _fate(cited: Cited) -> str:
    gone = cited.outcome not in ("", "live")
    return f"Last seen {clean(cited.outcome)}, {_moment(cited.outcome_at)}" if gone else ""


def _moment(at: str) -> str:
    known = f"{at[:10]} {at[11:19]} UTC" if len(at) >= 20 and at.endswith("Z") else at[:10]
    return clean(known) or "at no known time"


# ---- BibTeX -------------------------------------------------------------------------------------------------------

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "#$%&_"},
}


def tex(given: str) -> str:
    """Words for a field in braces. No brace of theirs is left: BibTeX counts them even behind a backslash."""
    return "".join(_TEX.get(char, char) for char in clean(given))


def bibtex(cited: Cited) -> str:
    """An `@online` entry (biblatex; old styles take it as `@misc`)."""
    fields = {
        "author": f"{{{tex(cited.author)}}}" if cited.author else "",
        "title": f"{{{tex(cited.title)}}}",
        "date": day(cited.posted_at),
        "year": day(cited.posted_at)[:4],
        "organization": tex(cited.site),
        "url": link(cited.url),
        "urldate": day(cited.captured_at),
        "language": tex(cited.lang) if _LANGUAGE.fullmatch(cited.lang) else "",
        "note": tex(". ".join(_held(cited))),
        "addendum": rf"\url{{{cited.permalink}}}" if cited.permalink else "",
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@online{{{key(cited)},\n{lines}}}\n"


def key(cited: Cited) -> str:
    """The name of an entry: platform, day and eight digits of the version's hash, all of it plain ASCII."""
    parts = (cited.platform, day(cited.posted_at).replace("-", ""), cited.sha256[:8] or cited.capture[-8:])
    return "-".join(re.sub(r"[^A-Za-z0-9]", "", part) for part in parts if part)


def _held(cited: Cited) -> Iterable[str]:
    if fate := _fate(cited):
        yield fate
    yield f"Archive “{clean(cited.archive)}”: {clean(cited.ref)}"
    if cited.capture:
        yield f"Capture {clean(cited.capture)}, {_moment(cited.captured_at)}"
    if cited.sha256:
        yield f"SHA-256 of this version {clean(cited.sha256)}"


# ---- CSL-JSON -----------------------------------------------------------------------------------------------------


def csl(cited: Cited) -> dict[str, Any]:
    """One item of CSL-JSON. Empty fields are left out."""
    item = {
        "id": key(cited),
        "type": "webpage" if cited.page else "post",
        "author": [{"literal": cited.author}] if cited.author else [],
        "title": cited.title,
        "container-title": cited.site,
        "issued": _parts(cited.posted_at),
        "accessed": _parts(cited.captured_at),
        "URL": link(cited.url),
        "language": cited.lang if _LANGUAGE.fullmatch(cited.lang) else "",
        "archive": clean(cited.archive),
        "archive_location": cited.permalink or clean(cited.ref),
        "status": _fate(cited),
        "version": clean(cited.sha256),
        "note": ". ".join(_held(cited)),
    }
    return {name: value for name, value in item.items() if value}


def _parts(at: str) -> dict[str, list[list[int]]]:
    return {"date-parts": [[int(part) for part in day(at).split("-")]]} if day(at) else {}


# ---- Wikipedia ----------------------------------------------------------------------------------------------------

_WIKI = {char: f"&#{ord(char)};" for char in "|[]{}<>&"}
_RUNS = re.compile(r"'{2,}|_{2,}|~{3,}|://")
_HANDLE = re.compile(r"[A-Za-z0-9_]+")
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Za-z]{2,4})?")


def wiki(given: str) -> str:
    """Words for a parameter of a template: pipes, brackets, tags, quote marks that make bold type, signatures and links
    become character references."""
    escaped = "".join(_WIKI.get(char, char) for char in clean(given))
    escaped = _RUNS.sub(lambda run: "".join(f"&#{ord(char)};" for char in run.group()), escaped)
    return f"&#{ord(escaped[0])};{escaped[1:]}" if escaped.startswith(("*", "#", ":", ";", "=")) else escaped


def wikipedia(cited: Cited) -> str:
    """{{Cite tweet}} for a post of X whose author's handle is known, else {{Cite web}}; {{Cite document}} for what has
    no address at all: without `url`, {{Cite web}}, `access-date` and `archive-url` are errors on Wikipedia."""
    number, handle = cited.ref.rpartition(":")[2], clean(cited.handle)
    tweet = cited.platform == "x" and not cited.page and number.isascii() and number.isdecimal()
    tweet = tweet and _HANDLE.fullmatch(handle) is not None
    about = (
        {"user": handle, "number": number, "author": clean(cited.name)}
        if tweet
        else {"author": cited.author, "url": "", "website": cited.site}
    )
    fields = {name: value if name == "user" else wiki(value) for name, value in about.items()}
    address = link(cited.url)
    if not tweet:
        fields["url"] = address or link(cited.permalink)
    found = tweet or bool(fields["url"])
    fields |= {
        "title": wiki(cited.title),
        "date": day(cited.posted_at),
        "language": cited.lang if _LANGUAGE.fullmatch(cited.lang) and not cited.lang.startswith("en") else "",
        "access-date": day(cited.captured_at) if found else "",
    }
    if cited.permalink and day(cited.captured_at) and (tweet or address):
        gone, live = cited.outcome in _GONE, cited.outcome == "live"
        fields |= {"archive-url": link(cited.permalink), "archive-date": day(cited.captured_at)}
        fields["url-status"] = "dead" if gone else "live" if live else ""
    shown = " ".join(f"|{name}={value}" for name, value in fields.items() if value)
    return f"{{{{Cite {'tweet' if tweet else 'web' if found else 'document'} {shown}}}}}"
