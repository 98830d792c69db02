"""The tables of readings: a function of the evidence, so they can be dropped and made again.

`TABLES` is the one place where they are described: sqlite-utils makes readings.sql of it (see `design`), `archiver
rebuild --check` compares them by their natural keys, and docs/tables.md is held to it by a test.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from importlib import resources

from archiver.store import marks, runs, tallies
from archiver.store.archive import guard, migrations, statements_of
from archiver.store.views import VIEWS

READINGS_VERSION = "13"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of readings. `keys` maps a column to the table that it points to; `unique` is the natural key."""

    name: str
    about: str
    columns: dict[str, type]
    unique: tuple[str, ...]
    keys: dict[str, str]
    pk: str = "id"
    indexes: tuple[tuple[str, ...], ...] = ()
    search: tuple[str, ...] = ()


def _table(
    name: str,
    about: str,
    columns: str,
    *,
    unique: str,
    keys: str = "",
    indexes: tuple[str, ...] = (),
    search: str = "",
    pk: str = "id",
) -> Table:
    """`columns` are words `name` (text) or `name:int`; `keys` are words `column=table`."""
    types: dict[str, type] = {}
    for word in columns.split():
        column, _, kind = word.partition(":")
        types[column] = int if kind == "int" else str
    return Table(
        name=name,
        about=about,
        columns=types,
        unique=tuple(unique.split()),
        keys={column: other for column, _, other in (word.partition("=") for word in keys.split())},
        indexes=tuple(tuple(words.split()) for words in indexes),
        search=tuple(search.split()),
        pk=pk,
    )


TABLES = (
    _table(
        "refs",
        "Every thing that anything refers to, whether it was captured or not.",
        "id:int ref platform kind remote_id",
        unique="ref",
        indexes=("platform", "kind", "platform kind"),
    ),
    _table(
        "collections",
        "Names under which seeds were given.",
        "id:int name",
        unique="name",
    ),
    _table(
        "documents",
        "What a seed or a captured page reads as: decoded text and the map back to its source.",
        "id:int title media_type mentions:int characters:int lang text capture:int sha256 encoding encoding_from "
        "source_map",
        unique="id",
        keys="id=refs capture=captures",
        indexes=("capture",),
        search="title text",
    ),
    _table(
        "collection_documents",
        "Which documents a collection holds.",
        "id:int collection:int document:int capture:int",
        unique="collection document",
        keys="collection=collections document=documents capture=captures",
        indexes=("document", "capture", "collection capture"),
    ),
    _table(
        "mentions",
        "Places in documents that refer to a post or quote words. Ranges count code points. Wider holds the words with "
        "the paragraphs before, where they may be the post's, too.",
        "id:int document:int ordinal:int kind quoted target:int handle name day url platform ref:int text_start:int "
        "text_end:int source_start:int source_end:int quote_start:int quote_end:int dated day_zone markup "
        "wider",
        unique="document ordinal",
        keys="ref=refs document=documents target=refs",
        indexes=("ref", "target", "kind", "platform", "kind platform"),
        search="quoted",
    ),
    _table(
        "mention_links",
        "Addresses inside a mention: media and short links of a signed quotation.",
        "id:int mention:int ordinal:int role url ref:int",
        unique="mention ordinal",
        keys="mention=mentions ref=refs",
        indexes=("ref",),
    ),
    _table(
        "repairs",
        "Plans that undo damaged encoding in one place of a document. Nothing is changed in place.",
        "id:int document:int ordinal:int start:int end:int steps before after",
        unique="document ordinal",
        keys="document=documents",
    ),
    _table(
        "posts",
        "One row a post, as last seen. Its history is in versions and sightings.",
        "id:int platform handle text posted_at outcome outcome_at edits:int versions:int first_seen last_seen url name "
        "author:int lang warning truncated:int",
        unique="id",
        keys="id=refs author=refs",
        indexes=("author", "platform", "outcome", "platform outcome", "outcome outcome_at", "posted_at"),
        search="text handle name",
    ),
    _table(
        "versions",
        "Contents that a post was seen with.",
        "id:int post:int text posted_at edited_at truncated:int lang warning sensitive:int version_id sha256",
        unique="post sha256",
        keys="post=posts",
        search="text",
    ),
    _table(
        "sightings",
        "Which capture showed which version, by which route, whole or in part.",
        "id:int version:int capture:int route whole:int edited:int handle name counts pointer",
        unique="version capture pointer",
        keys="version=versions capture=captures",
        indexes=("capture",),
    ),
    _table(
        "edits",
        "Changes of a post, shown by the platform's marker or by two whole sightings through one route.",
        "id:int post:int shown_by route before:int after:int capture_before:int capture_after:int",
        unique="post shown_by route before after capture_after",
        keys="post=posts before=versions after=versions capture_before=captures capture_after=captures",
        indexes=("before", "after", "capture_before", "capture_after"),
    ),
    _table(
        "events",
        "What happened to posts between two observations, each change once: gone, returned, edited. The outcome of "
        "what is gone is what the platform's answers came to: only deleted means deleted.",
        "id:int post:int kind outcome at platform month told_at capture_before:int capture:int before:int after:int",
        unique="post kind capture after",
        keys="post=posts capture_before=captures capture=captures before=versions after=versions",
        indexes=(
            *("at", "platform at", "kind at", "kind platform at", "outcome at", "outcome platform at"),
            *("month kind outcome platform", "before", "after", "capture_before", "capture"),
        ),
    ),
    _table(
        "accounts",
        "Accounts, as last seen.",
        "id:int platform handle name url",
        unique="id",
        keys="id=refs",
        indexes=("platform handle",),
    ),
    _table(
        "account_names",
        "Handles and names that an account was seen with.",
        "id:int account:int handle name capture:int pointer",
        unique="account handle name",
        keys="account=accounts capture=captures",
        indexes=("handle", "capture"),
    ),
    _table(
        "outcomes",
        "What each capture says of each ref: live, deleted, not found, unreachable …",
        "id:int ref:int outcome reason capture:int pointer",
        unique="capture ref",
        keys="capture=captures ref=refs",
        indexes=("ref", "outcome"),
    ),
    _table(
        "media",
        "Media of posts, each rendering that a route offers. The one of highest rank is fetched.",
        "id:int post:int kind alt width:int height:int url file:int rank:int bitrate:int content_type key sha256 "
        "capture:int pointer",
        unique="post key url",
        keys="post=posts file=refs capture=captures",
        indexes=("file", "capture", "kind", "key post"),
    ),
    _table(
        "files",
        "Media files that were fetched, and whether the bytes are what the platform says they are.",
        "id:int ref:int capture:int blob:int declared_type sniffed_type",
        unique="ref capture",
        keys="ref=refs capture=captures blob=blobs",
        indexes=("blob capture", "capture"),
    ),
    _table(
        "media_blobs",
        "Bytes of media files, once each: what they are, and of pictures the size and a perceptual hash (dhash, and "
        "its quarters), empty where the picture is too plain. Reason says why one could not be decoded.",
        "id:int blob:int kind media_type width:int height:int animated:int dhash quarter_a quarter_b quarter_c "
        "quarter_d capture:int reason",
        unique="blob",
        keys="blob=blobs capture=captures",
        indexes=("capture", "kind capture", *(f"quarter_{q} dhash" for q in "abcd")),
    ),
    _table(
        "media_carriers",
        "Which posts carry which bytes; capture is the first that brought them, kind what they are. Sensitive is 1 "
        "where the post is marked so, has a warning, was withheld or age-gated, or is blurred; described where a text "
        "stands with it.",
        "id:int blob:int post:int capture:int platform author:int kind sensitive:int described:int",
        unique="blob post",
        keys="blob=blobs post=posts capture=captures author=refs",
        indexes=(
            *("post", "author capture", "blob sensitive", "capture blob", "platform capture blob"),
            *("sensitive capture blob", "described capture blob"),
        ),
    ),
    _table(
        "blurred",
        "Posts whose media are not shown unasked, because a person decided so for a seed or a collection.",
        "id:int post:int",
        unique="post",
        keys="post=posts",
    ),
    _table(
        "aliases",
        "Refs that a capture showed to be the same thing. Look-ups go from alias to ref; rows are never merged.",
        "id:int alias:int ref:int capture:int pointer observed_at",
        unique="alias ref",
        keys="alias=refs ref=refs capture=captures",
        indexes=("ref", "capture"),
    ),
    _table(
        "edges",
        "Who quotes, reposts, answers, embeds, links to or names what; asserted, claimed or inferred.",
        "id:int kind source:int target:int evidence pinned capture:int pointer",
        unique="kind source target evidence pinned",
        keys="source=refs target=refs capture=captures",
        indexes=("source kind", "target kind", "capture", "kind", "evidence", "kind evidence"),
    ),
    _table(
        "proofs",
        "Authors' own proofs that were checked: 1 valid, 0 refused, empty where it could not be checked.",
        "id:int ref:int kind valid:int detail capture:int pointer",
        unique="capture ref kind pointer",
        keys="capture=captures ref=refs",
        indexes=("ref", "kind valid"),
    ),
    _table(
        "pages",
        "What web pages say of themselves, each time they were captured.",
        "id:int ref:int title author site published_at modified_at description lang canonical image capture:int",
        unique="capture ref",
        keys="capture=captures ref=refs",
        indexes=("ref",),
    ),
    _table(
        "unread",
        "What a parser could not read, with the reason and the place.",
        "id:int capture:int ordinal:int reason pointer",
        unique="capture ordinal",
        keys="capture=captures",
    ),
    _table(
        "resolutions",
        "Which post each mention stands for, how that is known, or what was tried.",
        "id:int mention:int status how ref:int candidate:int id_low id_high reason",
        unique="mention",
        keys="mention=mentions ref=refs candidate=refs",
        indexes=("ref", "candidate", "status", "status ref"),
    ),
    _table(
        "phrases",
        "Words in quotation marks inside documents; `gram` and `mark` find them when a new text holds the same words.",
        "id:int document:int start:int end:int owner:int text gram:int mark:int",
        unique="document start end",
        keys="document=documents owner=refs",
        indexes=("gram", "mark", "owner"),
    ),
    _table(
        "matches",
        "The verdict on each quotation against each post version that it may quote.",
        "id:int mention:int verdict flags version:int post:int changes faithful:int rank:int found_by reason score "
        "steps omitted quoted_start:int quoted_end:int original_start:int original_end:int standard policy",
        unique="mention version rank",
        keys="mention=mentions version=versions post=refs",
        indexes=("version", "post", "verdict", "found_by", "verdict found_by"),
    ),
    _table(
        "sources",
        "Archived documents and posts that share a run of eight words or more with a passage that stands for no post. "
        "Rank 0 claims the earliest time; none of them is said to be the origin.",
        "id:int mention:int source:int words:int verdict claimed_at first_seen rank:int version:int flags reason score "
        "steps standard passage_start:int passage_end:int place_start:int place_end:int policy",
        unique="mention source",
        keys="mention=mentions source=refs version=versions",
        indexes=("source", "version"),
    ),
    _table(
        "tallies",
        "How many rows of a table have the same words, kept by triggers: pages need not count. Name says which rows, "
        "and what a, b and c are.",
        "id:int name a b c n:int first_at last_at",
        unique="name a b c",
    ),
)
BY_NAME = {table.name: table for table in TABLES}


SCRIPT = "readings.sql"
"""Beside this file: the statements that sqlite-utils made of `TABLES`."""


def create(db: sqlite3.Connection) -> None:
    """Makes the tables, their indexes and full-text indexes, inside the caller's transaction."""
    for statement in statements_of(resources.files("archiver.store").joinpath(SCRIPT).read_text("utf-8")):
        db.execute(statement)
    runs.create(db)
    marks.create(db)
    tallies.create(db)


def programs() -> dict[str, str]:
    """The views and triggers that this version makes, evidence's too: name and SQL."""
    db = sqlite3.connect(":memory:")
    try:
        for _, script in migrations():
            for statement in statements_of(script):
                db.execute(statement)
        guard(db)
        create(db)
        return dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"))
    finally:
        db.close()


def drop(db: sqlite3.Connection) -> None:
    """Drops every table of readings, whatever version made it, inside the caller's transaction."""
    marks.drop(db)
    runs.drop(db)
    for view in VIEWS:
        db.execute(f"DROP VIEW IF EXISTS {view.name}")
    db.execute("DROP TABLE IF EXISTS versions_vocabulary")
    for table in reversed(TABLES):
        db.execute(f"DROP TABLE IF EXISTS {table.name}_fts")
        db.execute(f"DROP TABLE IF EXISTS {table.name}")


def natural(table: Table) -> str:
    """A query that gives the rows of a table as text without local integer keys: references become what they name."""
    shown = []
    for column in table.columns:
        if column in table.keys:
            shown.append(f"quote({_natural_key(table.keys[column], f't.{column}')})")
        elif column != table.pk:
            shown.append(f"quote(t.{column})")
    query = f"SELECT {' || char(31) || '.join(shown)} FROM {table.name} t"
    if table.name == "refs":  # a ref that nothing holds any more says nothing
        held = [f"SELECT {c} FROM {other.name}" for other in TABLES for c, to in other.keys.items() if to == "refs"]
        query += f" WHERE t.id IN ({' UNION '.join(held)})"
    return query


def _natural_key(table: str, value: str) -> str:
    """An expression that names the row `value` of `table` by its natural key."""
    if table == "refs":
        return f"(SELECT ref FROM refs WHERE id = {value})"
    if table == "captures":
        return f"(SELECT uid FROM captures WHERE id = {value})"
    if table == "blobs":
        return f"(SELECT sha256 FROM blobs WHERE id = {value})"
    spec, alias = BY_NAME[table], f"{table}_{value.count('.')}{len(value)}"
    if spec.unique == ("id",):
        return _natural_key(spec.keys["id"], value)
    parts = []
    for column in spec.unique:
        inner = f"{alias}.{column}"
        parts.append(_natural_key(spec.keys[column], inner) if column in spec.keys else inner)
    return f"(SELECT {' || char(30) || '.join(parts)} FROM {table} {alias} WHERE {alias}.id = {value})"
