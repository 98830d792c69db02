"""One document: its text with each mention in place, beside the posts that it quotes, in parts that stay small."""

from __future__ import annotations

import re

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.quoting import layout, parts, told
from archiver.datasette_plugin.quoting.coverage import coverage
from archiver.datasette_plugin.quoting.layout import CARDS
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.model import Span
from archiver.store import erasing

LISTED = 50
CAPTURES = 20
CARRIED = 5
_MOST = 10**12

_DOCUMENT = """
    SELECT d.title, d.media_type, d.lang, d.encoding, d.encoding_from, d.characters, d.mentions, c.uid AS capture,
        c.observed_at AS captured_at, c.url, c.ref AS captured_ref, b.sha256 AS blob,
        EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) AS kept
    FROM refs r JOIN documents d ON d.id = r.id JOIN captures c ON c.id = d.capture LEFT JOIN blobs b ON b.id = c.blob
    WHERE r.ref = :ref"""
_TEXT = "SELECT substr(d.text, :first + 1, :count) FROM refs r JOIN documents d ON d.id = r.id WHERE r.ref = :ref"
_START = """
    SELECT m.text_start FROM refs r JOIN mentions m ON m.document = r.id
    WHERE r.ref = :ref AND m.ordinal = :ordinal"""
_CARRIED = """
    SELECT m.ordinal, m.text_start, m.text_end, m.quoted <> '' AS quotes FROM refs r
    CROSS JOIN mentions m ON m.document = r.id WHERE r.ref = :ref AND m.ordinal < :first AND m.text_end > :start
    ORDER BY m.ordinal DESC LIMIT :most"""
_LIST = """
    SELECT m.ordinal + 1 AS number, m.kind, substr(m.quoted, 1, 120) AS words, length(m.quoted) AS words_length, m.url,
        m.handle, m.text_start AS start, m.text_end AS "end", x.verdict, s.status
    FROM refs r JOIN mentions m ON m.document = r.id LEFT JOIN resolutions s ON s.mention = m.id
    LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0
    WHERE r.ref = :ref AND m.ordinal >= :first ORDER BY m.ordinal LIMIT :most"""
_CAPTURES = """
    SELECT c.uid, c.observed_at, c.url, c.route, c.tier, c.ref FROM captures c
    WHERE c.entity_sha256 = :sha256 AND c.route IN ('page', 'seed') ORDER BY c.id DESC LIMIT :most"""
_COLLECTIONS = """
    SELECT n.name FROM refs r JOIN collection_documents d ON d.document = r.id JOIN collections n ON n.id = d.collection
    WHERE r.ref = :ref ORDER BY n.name LIMIT 20"""
_REPAIRS = """
    SELECT p.start, p."end", p.steps, substr(p.before, 1, 200) AS before, substr(p.after, 1, 200) AS after
    FROM refs r JOIN repairs p ON p.document = r.id
    WHERE r.ref = :ref AND p.start < :stop AND p."end" > :start ORDER BY p.ordinal LIMIT 20"""
_DAMAGED = "SELECT count(*) FROM refs r JOIN repairs p ON p.document = r.id WHERE r.ref = :ref"
_UNREAD = """
    SELECT substr(u.reason, 1, 400) AS reason, u.pointer FROM refs r JOIN documents d ON d.id = r.id
    JOIN unread u ON u.capture = d.capture WHERE r.ref = :ref ORDER BY u.ordinal LIMIT 20"""


def gather(reader: Reader, asked: Asked) -> Row:
    """A part of the document, the mentions in it with what is known of each, and what is known of the whole."""
    sha256 = asked.parts["sha256"]
    ref = f"doc:document:{sha256}"
    document = reader.row("The document", _DOCUMENT, ref=ref)
    if document is None:
        raise _missing(reader, asked, ref)
    wanted = _wanted(reader, asked, sha256, document["characters"])
    part, text = _part(reader, asked, ref, document["characters"], wanted)
    first, last = (_ordinal(reader, ref, document["mentions"], at) for at in (part.start, part.end))
    if part.number == part.parts:
        last = document["mentions"]  # those without words of their own may stand at the very end
    page = _first_card(reader, asked, sha256, first, last, wanted)
    ordinals = range(page, min(page + CARDS, last))
    cards = told.mentions(reader, [(sha256, ordinal) for ordinal in ordinals])
    listed = asked.number("list", 1, most=_MOST)
    rows = reader.rows("Contents", _LIST, ref=ref, first=max(0, listed - 1), most=LISTED + 1)
    document["called"] = told.called(document["title"], document["url"]) or ref
    document["name"] = document.pop("url").removeprefix("seed:")
    document["kept"] = bool(document["kept"])
    return {
        "document": {"ref": ref, "sha256": sha256, **document},
        "coverage": coverage(reader, [sha256])[sha256],
        "part": {"number": part.number, "parts": part.parts, "start": part.start, "end": part.end, "text": text},
        "place": None if wanted is None else {"start": wanted.start, "end": wanted.end},
        "mentions": cards,
        "mentions_in_part": {"first": first + 1, "last": last, "shown_first": page + 1, "shown_last": ordinals.stop},
        "carried": _carried(reader, ref, first, part.start),
        "list": rows[:LISTED],
        "list_first": listed or 1,
        "list_next": rows[LISTED]["number"] if len(rows) > LISTED else None,
        "captures": reader.rows("Captures that read as it", _CAPTURES, sha256=sha256, most=CAPTURES),
        "collections": [row["name"] for row in reader.rows("Collections", _COLLECTIONS, ref=ref)],
        "repairs": reader.rows("Damaged encoding", _REPAIRS, ref=ref, start=part.start, stop=part.end),
        "repairs_count": reader.value("How much is damaged", _DAMAGED, ref=ref),
        "unread": reader.rows("What could not be read", _UNREAD, ref=ref),
    }


def _missing(reader: Reader, asked: Asked, ref: str) -> PageError:
    """Why there is no such document: it was erased, it could not be read, or nobody gave it."""
    links = ((asked.at("documents"), "All documents"),)
    if erasing.counted(reader.archive) and (gone := erasing.earlier(reader.archive, ref)) is not None:
        told_at = f"This document was erased on {gone['at'][:10]} (leaf {gone['leaf']}): {gone['reason']}"
        return PageError(410, told_at, hint="Its hash stays in the log", title="Erased", links=links)
    if reader.row("A capture of it", "SELECT uid FROM captures WHERE ref = :ref LIMIT 1", ref=ref) is not None:
        hint = "It was captured, and nothing in it could be read, or it was not read yet: `archiver run` reads it"
        return PageError(404, f"No text was read of {ref}", hint=hint, links=links)
    hint = "`archiver run FILE` archives a document; its address is the SHA-256 of its bytes"
    return PageError(404, f"This archive holds no document {ref[13:]}", hint=hint, links=links)


def _wanted(reader: Reader, asked: Asked, sha256: str, characters: int) -> Span | None:
    """The place that should be in view. PageError when there is none such in the text."""
    given = asked.get("at")
    if not given:
        return None
    known = re.fullmatch(r"([0-9]{1,15})-([0-9]{1,15})", given, re.ASCII)
    if known is None or int(known[1]) > int(known[2]):
        raise PageError(400, f"at is no place START-END: {given[:40]!r}", hint="Count code points, for example 0-14")
    span = Span(start=int(known[1]), end=int(known[2]))
    if span.end > characters:
        links = ((asked.at("document", sha256), "The document"),)
        raise PageError(404, f"The text ends at {characters:,}: there is no place {span}", links=links)
    return span


def _part(reader: Reader, asked: Asked, ref: str, characters: int, wanted: Span | None) -> tuple[parts.Part, str]:
    """The part that is asked for, by its number or by a place in it, and its text."""
    held = parts.parts(characters)
    number = asked.number("part", 0, most=_MOST)
    if number > held:
        links = ((asked.at.ref(ref), "The first part"),)
        raise PageError(404, f"This document has {held} parts, not {number}", hint="Begin with the first", links=links)
    if not number:
        number = 1 if wanted is None else min(wanted.start // parts.SIZE + 1, held)
    found, text = _read(reader, ref, number, characters)
    if wanted is not None and not asked.get("part") and wanted.start >= found.end and number < held:
        found, text = _read(reader, ref, number + 1, characters)  # a part ends before its measure
    return found, text


def _read(reader: Reader, ref: str, number: int, characters: int) -> tuple[parts.Part, str]:
    first, last = parts.window(number, characters)
    read = reader.value("The text", _TEXT, ref=ref, first=first, count=last - first) or ""
    found = parts.part(number, characters, read)
    return found, read[found.start - first : found.end - first]


def _ordinal(reader: Reader, ref: str, mentions: int, at: int) -> int:
    """The ordinal of the first mention that begins at or after a place: they are stored in the order of the text."""
    low, high = 0, mentions
    while low < high:
        middle = (low + high) // 2
        start = reader.value("Where a mention begins", _START, ref=ref, ordinal=middle)
        if start is not None and start < at:
            low = middle + 1
        else:
            high = middle
    return low


def _first_card(reader: Reader, asked: Asked, sha256: str, first: int, last: int, wanted: Span | None) -> int:
    """The ordinal of the first mention that is shown: a part may hold more of them than a page."""
    given = asked.number("from", 0, most=_MOST)
    if given:
        if not first < given <= max(last, first + 1):
            hint = f"Here begin mentions {first + 1:,} to {last:,}"
            raise PageError(404, f"Mention {given} does not begin in this part", hint=hint)
        return given - 1
    ordinal = None
    if wanted is not None:
        ordinal = reader.value(
            "The mention that is asked for",
            "SELECT min(m.ordinal) FROM refs r JOIN mentions m ON m.ref = r.id WHERE r.ref = :ref",
            ref=f"doc:passage:{sha256}:{wanted}",
        )
    if ordinal is None or not first <= ordinal < last:
        return first
    return first + (int(ordinal) - first) // CARDS * CARDS


def _carried(reader: Reader, ref: str, first: int, start: int) -> list[Row]:
    """Mentions that begin in an earlier part and reach into this one."""
    if not first:
        return []
    rows = reader.rows("Mentions from earlier parts", _CARRIED, ref=ref, first=first, start=start, most=CARRIED)
    return [{"number": row["ordinal"] + 1, "start": row["text_start"], "end": row["text_end"]} for row in rows]


PAGES = (
    Page(
        path="document/(?P<sha256>[0-9a-f]{64})",
        template="archiver_document.html",
        gather=gather,
        dress=layout.dress,
        reads=("documents", "mentions", "resolutions", "matches", "posts", "versions", "sources", "captures"),
        css=("quoting.css",),
    ),
)
