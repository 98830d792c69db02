"""The same events as a feed: Atom 1.0 (RFC 4287). Pure: values in, text out."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from archiver.datasette_plugin.reader import Row
from archiver.render import markup

NAMESPACE = "http://www.w3.org/2005/Atom"
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_NOUNS = uuid.UUID("8d0a4a0e-2a5b-5d0e-9a57-6b9f0a1c7a11")
"""The name space of the ids of our entries: chosen once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What surrounds the entries: `origin` names the log, `home` is the page, `here` the feed itself."""

    origin: str
    database: str
    home: str
    here: str
    updated: str
    platform: str = ""


def written(feed: Feed, entries: Sequence[tuple[Row, str]]) -> str:
    """The feed. Entries are events with the address of their post's page."""
    root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    scope = f" on {feed.platform}" if feed.platform else ""
    _add(root, "id", urn(feed.origin, "feed", feed.platform))
    _add(root, "title", f"Gone and edited{scope}: {feed.database}")
    _add(root, "subtitle", "Posts that were not shown any more, shown again, or edited, between two observations")
    _add(root, "updated", feed.updated)
    author = ElementTree.SubElement(root, "author")
    _add(author, "name", f"quotechain, archive {feed.database}")
    _add(root, "generator", "quotechain")
    ElementTree.SubElement(root, "link", rel="self", type="application/atom+xml", href=plain(feed.here))
    ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=plain(feed.home))
    for event, address in entries:
        entry = ElementTree.SubElement(root, "entry")
        _add(entry, "id", urn(feed.origin, "event", event["key"]))
        who = f"@{event['handle']}" if event["handle"] else event["ref"]
        _add(entry, "title", f"{who}: {event['said']}")
        _add(entry, "published", event["at"])
        _add(entry, "updated", event["told_at"])
        ElementTree.SubElement(entry, "link", rel="alternate", type="text/html", href=plain(address))
        for term in (event["kind"], event["outcome"], event["platform"]):
            ElementTree.SubElement(entry, "category", term=plain(term))
        _add(entry, "content", content(event), type="html")
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def urn(origin: str, *parts: str) -> str:
    """An id that stays the same as long as the evidence does: of the log's name and what names the event.

    >>> urn("a.example/log", "event", "1") == urn("a.example/log", "event", "1") != urn("a.example/log", "event", "2")
    True
    """
    return uuid.uuid5(_NOUNS, "\n".join((origin, *parts)).encode("utf-8", "replace").decode("utf-8")).urn


def plain(given: str) -> str:
    """Foreign text for XML: what XML cannot hold, and what cannot be seen or turns the text round, is spelt out."""
    shown = "".join(
        f"U+{ord(char):04X}"
        if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\n\t\u200c\u200d"
        else char
        for char in given
    )
    return _ILLEGAL.sub("\ufffd", shown)


def content(event: Row) -> str:
    """An entry as HTML: what was seen when, and the words."""
    said = [f"<p>{markup.text(event['said'])}.</p>"]
    if event["last_before"] is not None:
        said.append(f"<p>Before: {_seen(event['last_before'])}. After: {_seen(event['first_after'])}.</p>")
    else:
        said.append(f"<p>First seen so: {_seen(event['first_after'])}. What was before is not in the archive.</p>")
    if event["answers"]:
        answers = "; ".join(
            markup.text(f"{one['route']}: {one['outcome']}" + (f" ({one['reason']})" if one["reason"] else ""))
            for one in event["answers"]
        )
        said.append(f"<p>Answers: {answers}.</p>")
    edit = event["edit"]
    if edit is None:
        said.append(_quote(event["text"], event["cut"]))
    else:
        for label, side in (("Before", edit["before"]), ("After", edit["after"])):
            known = "<p>not in the archive</p>" if side is None else _quote(side["text"], side["cut"])
            said.append(f"<p>{label}:</p>{known}")
    said += [f"<p>Quoted in {markup.name(document['name'])}.</p>" for document in event["documents"]]
    return _ILLEGAL.sub("\ufffd", "".join(said))


def _seen(capture: Row) -> str:
    beside = ", beside another post, which was asked for" if capture["beside"] else ""
    return f"{markup.text(capture['at'])} by the route {markup.text(capture['route'])}{beside}"


def _quote(text: str, cut: bool) -> str:
    return f'<blockquote dir="auto">{markup.text(text)}{" […]" if cut else ""}</blockquote>' if text else ""


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    child = ElementTree.SubElement(parent, name, attributes)
    child.text = plain(text) if attributes.get("type") != "html" else text
