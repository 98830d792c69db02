"""Posts whose media are not shown unasked, because a person decided so for a seed or a collection.

The decision is a statement: `blur` about `retention:NAME`, taken back by `unblur`. Which posts it concerns follows from
the readings: those that documents of the seed or collection refer to, and what these quote, repost or reply to. They
stand in the table `blurred`, from which `media_carriers` takes whether a medium is sensitive.
"""

from __future__ import annotations

import json

from archiver.store import carrying
from archiver.store.archive import Archive

BLUR, SHOW, SUBJECT = "blur", "unblur", "retention:"
DOCUMENTS = (
    "SELECT d.id FROM documents d JOIN captures c ON c.id = d.capture "
    "WHERE c.tier = 'import' AND (substr(c.url, 6) = ?1 OR substr(c.url, 6) GLOB ?1) "
    "UNION SELECT h.document FROM collections k JOIN collection_documents h ON h.collection = k.id "
    "WHERE k.name = ?1 OR k.name GLOB ?1"
)
"""Documents of a seed or of a collection, by name or by a pattern with `*`, `?` and `[…]`."""
_LED_TO = """
WITH RECURSIVE led(id) AS (
    SELECT s.ref FROM json_each(?) j JOIN mentions m ON m.document = j.value
        JOIN resolutions s ON s.mention = m.id WHERE s.ref IS NOT NULL
    UNION SELECT e.target FROM led JOIN edges e ON e.source = led.id WHERE e.kind IN ('quotes', 'reposts', 'replies-to')
    UNION SELECT a.ref FROM led JOIN aliases a ON a.alias = led.id
)
SELECT p.id FROM led JOIN posts p ON p.id = led.id
"""


def documents(archive: Archive, name: str) -> set[int]:
    """The documents (local ids) of a seed or collection, or of all that a pattern fits."""
    return {int(row[0]) for row in archive.all(DOCUMENTS, name)}


def led_to(archive: Archive, found: set[int]) -> set[int]:
    """The posts (local ids) that documents refer to, and those that stand upstream of them."""
    return {int(row[0]) for row in archive.all(_LED_TO, json.dumps(sorted(found)))} if found else set()


def in_force(archive: Archive) -> dict[str, str]:
    """The names for which media are blurred, each with the reason of the decision."""
    held: dict[str, str] = {}
    for row in archive.all(
        "SELECT what, subject, reason FROM statements WHERE what IN (?, ?) ORDER BY origin, leaf", BLUR, SHOW
    ):
        name = str(row["subject"]).removeprefix(SUBJECT)
        if row["what"] == BLUR:
            held[name] = str(row["reason"])
        else:
            held.pop(name, None)
    return held


def settle(archive: Archive) -> int:
    """Makes `blurred` what the decisions say now. How many posts changed."""
    wanted: set[int] = set()
    for name in in_force(archive):
        wanted |= led_to(archive, documents(archive, name))
    held = {int(row[0]) for row in archive.all("SELECT post FROM blurred")}
    with archive.transaction():
        archive.db.executemany("INSERT INTO blurred (post) VALUES (?)", [(post,) for post in sorted(wanted - held)])
        archive.db.executemany("DELETE FROM blurred WHERE post = ?", [(post,) for post in sorted(held - wanted)])
        for post in sorted(wanted ^ held):
            carrying.of_post(archive, post)
    return len(wanted ^ held)
