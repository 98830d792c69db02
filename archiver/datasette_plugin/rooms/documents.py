"""All documents, newest first, each with how much of what it quotes is in the archive."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.quoting.coverage import coverage
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError

LISTED = 25
COUNTED = 4_000
"""Mentions that are counted for one page of the list: a document that exceeds it is counted on its own page."""

# `k` walks an index alone: what else stands in a row of documents lies behind its text.
_COLUMNS = """
    SELECT k.sha256, d.title, d.media_type, d.lang, d.characters, d.mentions, c.url, c.observed_at AS captured_at,
        c.uid AS capture FROM k JOIN documents d ON d.id = k.id JOIN captures c ON c.id = k.capture
    ORDER BY k.capture DESC, k.id DESC"""
_ALL = f"""
    WITH after AS (SELECT d.capture, d.id FROM refs r JOIN documents d ON d.id = r.id
        WHERE r.ref = 'doc:document:' || :after),
    k AS (SELECT d.id, d.capture, r.remote_id AS sha256 FROM documents d JOIN refs r ON r.id = d.id
        WHERE :after = '' OR (d.capture, d.id) < (SELECT capture, id FROM after)
        ORDER BY d.capture DESC, d.id DESC LIMIT :most)
    {_COLUMNS}"""
_OF_COLLECTION = f"""
    WITH after AS (SELECT r.id FROM refs r WHERE r.ref = 'doc:document:' || :after),
    k AS (SELECT n.document AS id, n.capture, r.remote_id AS sha256 FROM collections o
        CROSS JOIN collection_documents n ON n.collection = o.id JOIN refs r ON r.id = n.document
        WHERE o.name = :collection AND (:after = '' OR n.document < (SELECT id FROM after))
        ORDER BY n.document DESC LIMIT :most)
    {_COLUMNS.replace("k.capture DESC, ", "")}"""


def gather(reader: Reader, asked: Asked) -> Row:
    """A page of the list: documents, their numbers, and the collections to choose from."""
    collection, after = asked.get("collection"), asked.get("after")
    collections = reader.rows(
        "Collections", "SELECT name FROM collections WHERE name > '' ORDER BY name LIMIT :most", most=200
    )
    if collection and not reader.rows(
        "The collection", "SELECT name FROM collections WHERE name = :collection", collection=collection
    ):
        raise PageError(404, f"There is no collection {collection[:80]!r}", links=((asked.at("documents"), "All"),))
    if after and not reader.rows("After", "SELECT ref FROM refs WHERE ref = 'doc:document:' || :after", after=after):
        hint = "Begin with the first page"
        raise PageError(404, "The list cannot go on from there", hint=hint, links=((asked.at("documents"), "All"),))
    if collection:
        rows = reader.rows(
            "Documents of the collection", _OF_COLLECTION, collection=collection, after=after, most=LISTED + 1
        )
    else:
        rows = reader.rows("Documents", _ALL, after=after, most=LISTED + 1)
    shown = rows[:LISTED]
    room, counted = COUNTED, []
    for row in shown:
        if row["mentions"] <= room:
            room -= row["mentions"]
            counted.append(row["sha256"])
    numbers = coverage(reader, counted)
    for row in shown:
        row["called"] = called(row["title"], row["url"]) or row["sha256"]
        row["name"] = row.pop("url").removeprefix("seed:")
        row["coverage"] = numbers.get(row["sha256"])
    return {
        "documents": shown,
        "collection": collection,
        "collections": [row["name"] for row in collections],
        "next": shown[-1]["sha256"] if len(rows) > LISTED else None,
        "after": after,
    }


PAGES = (
    Page(
        path="documents",
        template="archiver_documents.html",
        gather=gather,
        reads=("documents", "mentions", "resolutions", "matches", "posts", "captures"),
        css=("quoting.css",),
    ),
)
