"""The gallery: which files, newest first, that fit what is asked for."""

from __future__ import annotations

import json

from archiver.datasette_plugin.media.tiles import tiles
from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.jobs.pictures import KINDS

PAGE = 48
AUTHORS = 20
_BEFORE = "coalesce((SELECT id FROM captures WHERE uid = :before), 9223372036854775807)"
WALKED = 20_000
"""Rows that one page looks through for what fits several conditions at once."""
_LED = {
    "author": "k.author = :author",
    "authors": "k.author IN (SELECT value FROM json_each(:authors))",
    "sensitive": "k.sensitive = :sensitive",
    "platform": "k.platform = :platform",
    "described": "k.described = :described",
}
"""What may be asked of the posts that carry a file, in the order of how few they are likely to leave: the first one
is looked up in its index, the others are compared row by row."""


def gather(reader: Reader, asked: Asked) -> Row:
    """A page of tiles. `more` is the key of the next page: the capture whose file was the last one looked at.
    `looked_through` is 0, or how many rows were looked through where that did not fill the page: then there may be
    more, further back."""
    known = [row["platform"] for row in reader.rows("Platforms whose posts carry files", PLATFORMS)]
    chosen = {
        "kind": asked.among("kind", KINDS),
        "platform": asked.among("platform", tuple(known)),
        "sensitive": asked.among("sensitive", ("yes", "no")),
        "described": asked.among("described", ("yes", "no")),
        "author": asked.get("author")[:500],
    }
    before = asked.get("before")
    if before and reader.value("Where the page begins", "SELECT 1 FROM captures WHERE uid = :uid", uid=before) is None:
        raise PageError(400, f"no capture has the uid {before[:40]!r}", hint="Go back to the first page")
    authors = _authors(reader, chosen["author"]) if chosen["author"] else []
    found: list[Row] = []
    upto = None
    if not chosen["author"] or authors:
        found, upto = _chosen(reader, chosen, authors, before)
    shown, more = found[:PAGE], ""
    last = shown[-1]["capture"] if len(found) > PAGE else upto
    if last is not None:
        more = reader.value("The key of the next page", "SELECT uid FROM captures WHERE id = :id", id=last)
    return {
        "chosen": chosen,
        "platforms": known,
        "known_author": bool(authors) or not chosen["author"],
        "files": tiles(reader, [row["blob"] for row in shown]),
        "more": more,
        "looked_through": WALKED if len(found) <= PAGE and upto is not None else 0,
    }


def _authors(reader: Reader, given: str) -> list[int]:
    """Accounts of this ref, or that were seen with this handle."""
    rows = reader.rows(
        "The author",
        """
        SELECT id FROM refs WHERE ref = :given
        UNION SELECT account FROM account_names WHERE handle IN (:handle, :lower) ORDER BY 1 LIMIT :most
        """,
        given=given,
        handle=given.removeprefix("@"),
        lower=given.removeprefix("@").lower(),
        most=AUTHORS,
    )
    return [row["id"] for row in rows]


def _chosen(reader: Reader, chosen: dict[str, str], authors: list[int], before: str) -> tuple[list[Row], int | None]:
    """Local ids of files and of the captures that they first came with, one more than a page shows; and the capture at
    which looking ended early, None where everything was looked at."""
    given: dict[str, object] = {"before": before, "most": PAGE + 1}
    if chosen["kind"]:
        given["kind"] = chosen["kind"]
    asked = _asked(chosen, authors, given)
    if not asked:
        where = f"m.kind = :kind AND m.capture < {_BEFORE}" if chosen["kind"] else f"m.capture < {_BEFORE}"
        sql = f"SELECT m.capture, m.blob FROM media_blobs m WHERE {where} ORDER BY m.capture DESC LIMIT :most"
        return reader.rows("The newest files", sql, **given), None
    first, *others = asked
    if not others and not chosen["kind"]:
        sql = (
            "SELECT DISTINCT k.capture, k.blob FROM media_carriers k "
            f"WHERE {_LED[first]} AND k.capture < {_BEFORE} AND +k.kind <> '' ORDER BY k.capture DESC LIMIT :most"
        )
        return reader.rows("The newest files of such posts", sql, **given), None
    fits = [_LED[name] for name in others] + (["k.kind = :kind"] if chosen["kind"] else ["k.kind <> ''"])
    walk = f"FROM media_carriers k WHERE {_LED[first]} AND k.capture < {_BEFORE} ORDER BY k.capture DESC"
    columns = "k.capture, k.blob, k.kind, k.platform, k.sensitive, k.described"
    sql = (
        f"SELECT DISTINCT k.capture, k.blob FROM (SELECT {columns} {walk} LIMIT :walked) k "
        f"WHERE {' AND '.join(fits)} ORDER BY k.capture DESC LIMIT :most"
    )
    found = reader.rows("The newest files of such posts", sql, walked=WALKED, **given)
    if len(found) > PAGE:
        return found, None
    bare = {name: value for name, value in given.items() if name in (first, "before")}
    end = f"SELECT k.capture {walk} LIMIT 1 OFFSET :walked"
    return found, reader.value("Where looking ended", end, walked=WALKED - 1, **bare)


def _asked(chosen: dict[str, str], authors: list[int], given: dict[str, object]) -> list[str]:
    """The names in `_LED` of what is asked, that which leads first; their values are put into `given`."""
    asked = []
    if authors:
        name = "author" if len(authors) == 1 else "authors"
        given[name] = authors[0] if name == "author" else json.dumps(authors)
        asked.append(name)
    for name in ("sensitive", "platform", "described"):
        if chosen[name]:
            given[name] = {"yes": 1, "no": 0}.get(chosen[name], chosen[name])
            asked.append(name)
    if chosen["sensitive"] == "no" and len(asked) > 1:  # nearly all are: that leads nowhere
        asked.remove("sensitive")
        asked.append("sensitive")
    return asked


PLATFORMS = """
WITH RECURSIVE named(platform) AS (
  SELECT min(platform) FROM media_carriers
  UNION ALL SELECT (SELECT min(k.platform) FROM media_carriers k WHERE k.platform > named.platform) FROM named
  WHERE named.platform IS NOT NULL
)
SELECT platform FROM named WHERE platform IS NOT NULL ORDER BY platform
"""
"""One step through the index for each platform, however many posts there are."""
