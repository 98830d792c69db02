"""What leaves the house: from the posts and documents that were named to every capture that stands behind them.

Integer keys are local: they are gathered here and never written into a bundle.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from archiver.graph import DEEPEST
from archiver.model import Ref
from archiver.platforms.bluesky.addresses import account_ref
from archiver.platforms.bluesky.routes import RECORDS
from archiver.platforms.web.unchanged import REFERS
from archiver.store.archive import Archive, Row

BATCH = 500
UPSTREAM = "('quotes', 'reposts', 'replies-to')"
_SAME = (
    "WITH RECURSIVE same(id) AS (SELECT value FROM json_each(?1) UNION SELECT a.ref FROM aliases a JOIN same s "
    "ON a.alias = s.id UNION SELECT a.alias FROM aliases a JOIN same s ON a.ref = s.id) "
)
_THEIRS = "(SELECT value FROM json_each(?1))"
_BEHIND = (
    # What showed a post, and what said what became of it.
    f"SELECT s.capture FROM sightings s JOIN versions v ON v.id = s.version WHERE v.post IN {_THEIRS}",
    f"SELECT capture FROM outcomes WHERE ref IN {_THEIRS}",
    f"SELECT capture FROM media WHERE post IN {_THEIRS}",
    f"SELECT capture FROM edges WHERE source IN {_THEIRS}",
    f"SELECT capture FROM aliases WHERE alias IN {_THEIRS} OR ref IN {_THEIRS}",
    f"SELECT capture FROM proofs WHERE ref IN {_THEIRS}",
    f"SELECT capture FROM files WHERE ref IN {_THEIRS}",
    # What was asked about it, with whatever answer.
    f"SELECT id FROM captures WHERE ref IN (SELECT ref FROM refs WHERE id IN {_THEIRS})",
)
_KEYS = (
    # What says which keys an account signs with, and since when. An event of Nostr needs nothing but itself: whatever
    # else its author signed stays at home, unless it stands in a capture that leaves.
    f"SELECT capture FROM proofs WHERE kind <> 'nostr-event' AND ref IN {_THEIRS}",
    "SELECT id FROM captures WHERE route IN ('did', 'plc-log') AND ref IN "
    f"(SELECT ref FROM refs WHERE id IN {_THEIRS})",
)
_UNCHANGED = (
    # What was said later of a page that is held: that it had not changed.
    "SELECT n.id FROM captures c JOIN captures n ON n.ref = c.ref AND n.route = c.route AND n.status = 304 "
    f"WHERE c.route = 'page' AND c.id IN {_THEIRS}"
)
_REFERRED = (
    # The capture that a 304 says nothing has changed since, and the robots.txt that a page was asked for under.
    # Rows of a file that others made may hold anything where JSON should stand.
    "SELECT held.id FROM captures c, "
    "json_each(CASE WHEN json_valid(c.request) THEN c.request ELSE '{}' END, '$.given') g JOIN captures held "
    "ON held.uid = CASE WHEN g.type = 'array' THEN json_extract(g.value, '$[1]') END "
    f"WHERE CASE WHEN g.type = 'array' THEN json_extract(g.value, '$[0]') IN {REFERS!r} END AND c.id IN {_THEIRS}"
)

Keys = Sequence[int]
"""Local keys, eight bytes each (array) where there may be many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Local keys of what a bundle holds, in ascending order: `named` are the refs that were asked for, with those of
    the posts that the named documents quote; `posts` have rows of their own; `whole` are documents that were named,
    `documents` these and those that quote a named post. `erased` are captures whose leaf is gone: they stay, and are
    told of. `derived` are files made from the bodies of the others. `refs` are all posts with their aliases."""

    named: Keys
    posts: Keys
    whole: Keys
    documents: Keys
    mentions: Keys
    captures: Keys
    erased: Keys
    derived: Keys
    refs: Keys
    media: Keys


def choose(archive: Archive, posts: Iterable[int], documents: Iterable[int]) -> Choice:
    """Follows what was named: quotations to posts, posts upstream to their origins, posts to the documents that quote
    them, and all of these to their captures, with redirects, refusals and the answers that prove an author's hand."""
    whole = _sorted(documents)
    quoted = _keys(
        archive,
        "SELECT target FROM mentions WHERE document IN (SELECT value FROM json_each(?1)) UNION "
        "SELECT s.ref FROM resolutions s JOIN mentions m ON m.id = s.mention WHERE m.document IN "
        "(SELECT value FROM json_each(?1)) UNION SELECT x.post FROM matches x JOIN mentions m ON m.id = x.mention "
        "WHERE m.document IN (SELECT value FROM json_each(?1))",
        whole,
    )
    asked = _sorted(posts)
    named = _same(archive, [*asked, *quoted])
    everything = _upstream(archive, named)
    with_row = _keys(archive, f"SELECT id FROM posts WHERE id IN {_THEIRS}", everything)
    quoting = _keys(
        archive,
        f"SELECT document FROM mentions WHERE target IN {_THEIRS} UNION SELECT m.document FROM resolutions s "
        f"JOIN mentions m ON m.id = s.mention WHERE s.ref IN {_THEIRS} UNION SELECT m.document FROM matches x "
        f"JOIN mentions m ON m.id = x.mention WHERE x.post IN {_THEIRS} AND x.rank = 0",
        _same(archive, asked),
    )
    held = _sorted([*whole, *quoting])
    mentions = _mentions(archive, whole, held, named)
    media = _keys(archive, f"SELECT file FROM media WHERE post IN {_THEIRS}", everything)
    linked = _keys(archive, f"SELECT ref FROM mention_links WHERE mention IN {_THEIRS}", mentions)
    short = _keys(archive, f"SELECT id FROM refs WHERE id IN {_THEIRS} AND platform = 'x' AND kind = 'short'", linked)
    authors = {*_keys(archive, f"SELECT author FROM posts WHERE id IN {_THEIRS}", everything)}
    for start in range(0, len(everything), BATCH):
        authors.update(repositories(archive, everything[start : start + BATCH]).values())
    captures: set[int] = set()
    for sql in _BEHIND:
        captures.update(_keys(archive, sql, [*everything, *media, *short]))
    for sql in _KEYS:
        captures.update(_keys(archive, sql, authors))
    captures.update(_keys(archive, f"SELECT capture FROM documents WHERE id IN {_THEIRS}", held))
    captures.update(_keys(archive, f"SELECT capture FROM collection_documents WHERE document IN {_THEIRS}", held))
    captures.update(_keys(archive, _UNCHANGED, captures))
    captures.update(_keys(archive, _REFERRED, captures))
    _hops(archive, captures)
    erased = _keys(
        archive,
        "SELECT c.id FROM captures c JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf "
        "WHERE length(l.data) = 0 AND c.id IN (SELECT value FROM json_each(?1))",
        captures,
    )
    captures.difference_update(erased)
    chosen = _sorted(captures)
    return Choice(
        named=named,
        posts=with_row,
        whole=whole,
        documents=held,
        mentions=mentions,
        captures=chosen,
        erased=erased,
        derived=_derived(archive, chosen),
        refs=everything,
        media=media,
    )


def repositories(archive: Archive, refs: Collection[int]) -> dict[int, int]:
    """The account of each record of the AT Protocol, by local keys: also of one that no answer ever showed, for its
    ref names the repository in which it has to be."""
    rows = archive.all(f"SELECT id, ref FROM refs WHERE platform = 'bluesky' AND id IN {_THEIRS}", json.dumps([*refs]))
    of: dict[str, list[int]] = {}
    for row in rows:
        ref = Ref.parse(row["ref"])
        if ref.kind in RECORDS:
            did = ref.id.removeprefix("at://").partition("/")[0]
            of.setdefault(str(account_ref(did)), []).append(row["id"])
    known = archive.all(f"SELECT id, ref FROM refs WHERE ref IN {_THEIRS}", json.dumps([*of]))
    return {record: row["id"] for row in known for record in of[row["ref"]]}


def _derived(archive: Archive, captures: Keys) -> Keys:
    """Files made from the bodies of captures. What an erasure kept of readings is none: it speaks of other posts."""

    def ours(sha256: str) -> bool:
        found = archive.db.execute(
            "SELECT c.id FROM captures c JOIN blobs b ON b.id = c.blob WHERE b.sha256 = ?", (sha256,)
        )
        return any(within(captures, row[0]) for row in found)

    made = archive.db.execute("SELECT id, inputs, arguments FROM derived ORDER BY id")
    return _sorted(
        row["id"] for row in made if not _of_leaves(row["arguments"]) and any(map(ours, row["inputs"].split()))
    )


def _of_leaves(arguments: str) -> bool:
    try:
        return "leaves" in json.loads(arguments)
    except (ValueError, TypeError):
        return False


def batches(keys: Sequence[int]) -> Iterator[str]:
    """Some hundred keys at a time, as JSON for a query."""
    for start in range(0, len(keys), BATCH):
        yield json.dumps(list(keys[start : start + BATCH]))


def neighbours(archive: Archive, choice: Choice) -> list[Row]:
    """Posts that nobody named and that stand in the same answers: they leave the house with them."""
    return archive.all(
        "SELECT DISTINCT r.ref, p.handle FROM sightings s JOIN versions v ON v.id = s.version JOIN posts p "
        "ON p.id = v.post JOIN refs r ON r.id = p.id WHERE s.capture IN (SELECT value FROM json_each(?1)) "
        "AND p.id NOT IN (SELECT value FROM json_each(?2)) ORDER BY r.ref",
        json.dumps([*choice.captures]),
        json.dumps([*choice.posts]),
    )


def within(keys: Keys, key: int) -> bool:
    """Whether a key is among others, which are in ascending order."""
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


def _sorted(keys: Iterable[int]) -> Keys:
    return array("q", sorted(keys if isinstance(keys, set) else {*keys}))


def _keys(archive: Archive, sql: str, keys: Iterable[int]) -> Keys:
    """The first column of a query about some keys, asked for each batch of them, without NULL, in ascending order."""
    found: set[int] = set()
    for batch in batches(array("q", keys)):
        found.update(row[0] for row in archive.db.execute(sql, (batch,)) if row[0] is not None)
    return _sorted(found)


def _same(archive: Archive, keys: Collection[int]) -> Keys:
    """Refs with whatever captures showed to be the same things."""
    return _keys(archive, f"{_SAME} SELECT id FROM same", keys)


def _upstream(archive: Archive, named: Collection[int]) -> Keys:
    seen = set(named)
    front = seen
    for _ in range(DEEPEST):
        targets = _keys(archive, f"SELECT target FROM edges WHERE source IN {_THEIRS} AND kind IN {UPSTREAM}", front)
        front = set(_same(archive, targets)) - seen
        if not front:
            break
        seen |= front
    return _sorted(seen)


def _mentions(archive: Archive, whole: Keys, held: Keys, named: Keys) -> Keys:
    """Every mention of a document that was named; of the others those that speak of the named posts."""
    rows = archive.db.execute(
        "SELECT m.id FROM mentions m LEFT JOIN resolutions s ON s.mention = m.id WHERE m.document IN "
        "(SELECT value FROM json_each(?1)) AND (m.document IN (SELECT value FROM json_each(?2)) "
        "OR m.target IN (SELECT value FROM json_each(?3)) OR s.ref IN (SELECT value FROM json_each(?3)) "
        "OR m.id IN (SELECT x.mention FROM matches x WHERE x.post IN (SELECT value FROM json_each(?3)) "
        "AND x.rank = 0))",
        (json.dumps([*held]), json.dumps([*whole]), json.dumps([*named])),
    )
    return _sorted(row[0] for row in rows)


def _hops(archive: Archive, captures: set[int]) -> None:
    """Adds the other hops of redirects: all that lead to one of the captures, and all that follow."""
    front = captures
    while front:
        found: set[int] = set()
        for sql in (
            "SELECT p.id FROM captures c JOIN captures p ON p.uid = c.parent WHERE c.parent <> '' AND c.id IN ",
            "SELECT c.id FROM captures p JOIN captures c ON c.parent = p.uid AND c.parent <> '' WHERE p.id IN ",
        ):
            found.update(_keys(archive, sql + _THEIRS, front))
        front = found - captures
        captures |= front
