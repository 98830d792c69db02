"""Two versions of a post beside each other: what differs to the letter, who showed which, and whether it is an edit."""

from __future__ import annotations

import re

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.post.differing import sides
from archiver.datasette_plugin.post.meant import Meant, meant
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.model import Span
from archiver.quotes.between import between

LISTED, SIGHTINGS = 200, 50
"""How many differences are listed, and how many sightings of each version."""
_SHA256 = re.compile(r"[0-9a-f]{8,64}")
FIELDS = {
    "posted_at": "the time it claims",
    "edited_at": "the time of the edit that it claims",
    "lang": "its language",
    "warning": "its content warning",
    "sensitive": "whether it is marked as sensitive",
    "version_id": "the platform’s own id of the version",
    "truncated": "whether it is cut off",
}
LONGEST = 16 << 20
"""Code points of a text that is compared at all."""


def gather(reader: Reader, asked: Asked) -> Row:
    """Both versions, the stretch of each that was compared, and the differences. PageError for a hash that no version
    of this post has, or that fits several."""
    found = meant(reader, asked)
    before, after = (_version(reader, asked, found, asked.parts[name]) for name in ("before", "after"))
    texts = [str(side.pop("text")) for side in (before, after)]
    compared = between(texts[0], texts[1])
    edit = reader.row(
        "Whether it is an edit, and between which observations",
        """
        SELECT e.shown_by, e.route, cb.observed_at AS last_seen_before, cb.uid AS capture_before,
          ca.observed_at AS first_seen_after, ca.uid AS capture_after
        FROM edits e JOIN captures ca ON ca.id = e.capture_after LEFT JOIN captures cb ON cb.id = e.capture_before
        WHERE e.post IN (SELECT value FROM json_each(:keys)) AND e.before = :before AND e.after = :after
        ORDER BY ca.leaf, e.shown_by, e.route LIMIT 1
        """,
        keys=found.keys,
        before=before["key"],
        after=after["key"],
    )
    routes = [{sighting["route"] for sighting in side["sightings"]} for side in (before, after)]
    return {
        **found.plain(),
        "before": {name: value for name, value in before.items() if name != "key"}
        | _stretch(texts[0], compared.before),
        "after": {name: value for name, value in after.items() if name != "key"} | _stretch(texts[1], compared.after),
        "same_words": texts[0] == texts[1],
        "whole": compared.whole,
        "coarse": compared.coarse,
        "differences": [
            {
                "op": one.op,
                "before": {"start": one.before.start, "end": one.before.end, "text": _cut(texts[0], one.before)},
                "after": {"start": one.after.start, "end": one.after.end, "text": _cut(texts[1], one.after)},
            }
            for one in compared.differences[:LISTED]
        ],
        "differences_total": len(compared.differences),
        "fields": [
            {"field": name, "before": before[name], "after": after[name]}
            for name in FIELDS
            if before[name] != after[name]
        ],
        "edit": edit,
        "routes_in_common": sorted(routes[0] & routes[1]),
    }


def _version(reader: Reader, asked: Asked, found: Meant, sha256: str) -> Row:
    if not _SHA256.fullmatch(sha256):
        raise PageError(400, f"{sha256[:80]!r} is no SHA-256 of a version", hint="Copy it from the page of the post")
    rows = reader.rows(
        "The versions that are compared",
        """
        SELECT v.id AS key, v.sha256, v.posted_at, v.edited_at, v.truncated, v.lang, v.warning, v.sensitive,
          v.version_id, substr(v.text, 1, :longest) AS text, length(v.text) AS characters
        FROM versions v WHERE v.post IN (SELECT value FROM json_each(:keys)) AND v.sha256 >= :low AND v.sha256 < :high
        ORDER BY v.sha256, v.post LIMIT 2
        """,
        keys=found.keys,
        low=sha256,
        high=f"{sha256}g",
        longest=LONGEST,
    )
    if len({row["sha256"] for row in rows}) != 1:
        told = "no version" if not rows else "several versions"
        links = ((asked.at("post", str(found.ref)), "The post and its versions"),)
        raise PageError(404, f"{told} of {found.ref} begin with {sha256}", hint="Give its whole hash", links=links)
    seen = reader.rows(
        "Who showed them",
        """
        SELECT c.uid AS capture, c.observed_at, s.route, s.whole, s.handle, s.name FROM sightings s
        JOIN captures c ON c.id = s.capture WHERE s.version = :version ORDER BY s.capture, s.pointer LIMIT :most
        """,
        version=rows[0]["key"],
        most=SIGHTINGS,
    )
    return rows[0] | {"sightings": seen}


def _stretch(text: str, span: Span) -> Row:
    return {"start": span.start, "end": span.end, "text": text[span.start : span.end]}


def _cut(text: str, span: Span) -> str:
    return text[span.start : min(span.end, span.start + 2000)]


def dress(found: Row, asked: Asked) -> Row:
    """Both stretches with what differs marked. The stretches are compared anew: that gives the same places in them."""
    before, after = found["before"]["text"], found["after"]["text"]
    left, right = sides(before, after, between(before, after))
    return {
        "left": left,
        "fields_mean": FIELDS,
        "right": right,
        "other": asked.at("compare", found["ref"], found["after"]["sha256"], found["before"]["sha256"]),
    }


PAGES = (
    Page(
        path="compare/(?P<ref>.+)/(?P<before>[^/]+)/(?P<after>[^/.]+)",
        template="archiver_compare.html",
        gather=gather,
        dress=dress,
        reads=("posts", "versions", "sightings", "captures", "refs"),
        css=("reading-room-post.css",),
    ),
)
