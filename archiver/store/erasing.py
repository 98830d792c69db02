"""Erasing content and keeping hashes: what an erasure concerns, and what is kept of it.

`jobs.erase` decides and logs; `store.dropping` takes out, `store.remains` looks for what is left in the files.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from archiver.custody import redaction
from archiver.errors import IntegrityError
from archiver.model import Reading, Ref
from archiver.store import strays
from archiver.store.archive import Archive, Row
from archiver.store.blobs import BlobStore
from archiver.store.evidence import load_request
from archiver.store.marks import READ

TOOL = "archiver erase"
"""Of `derived` rows: redacted copies, whose arguments name the blob `of` which they are, and readings without what was
erased, whose arguments name the `leaves` of their captures."""
KEPT = (
    "SELECT 1 FROM derived d, json_each(d.arguments, '$.leaves') j "
    f"WHERE d.tool = '{TOOL}' AND d.origin = c.origin AND j.value = c.leaf"
)
"""Whether a reading of capture `c` was kept when something in it was erased."""


# ---- what is concerned ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture that is concerned: `own` when it asked for what is erased, so that its leaf and request go, too;
    `goes` when its body does."""

    id: int
    uid: str
    leaf: int
    ref: str
    route: str
    at: str
    own: bool
    sha256: str
    size: int
    media_type: str
    goes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another post that a body shows which goes."""

    ref: str
    handle: str
    words: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Everything that an erasure of `what` touches. `refs` are all names of it, `media` refs of files that are of these
    posts alone, `shared` refs and blobs that stay since others need them, with the reason. `documents` are read from
    bodies that go, `quoting` quote these posts and stay; `found` are bodies that only their words led to; `sighted`
    when readings show the posts."""

    what: str
    refs: tuple[str, ...]
    media: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    documents: tuple[str, ...] = ()
    quoting: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    sighted: bool = False
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def blobs(self) -> tuple[str, ...]:
        """SHA-256 of the bodies that go."""
        return tuple(dict.fromkeys(one.sha256 for one in self.captures if one.goes))

    @property
    def leaves(self) -> tuple[int, ...]:
        """Leaves whose bytes go."""
        return tuple(one.leaf for one in self.captures if one.own)


def same(archive: Archive, ref: str) -> tuple[str, ...]:
    """All names of one thing, aliases both ways, and what leads to it or is another server's copy of it."""
    rows = archive.all(
        "WITH RECURSIVE held(id) AS (SELECT id FROM refs WHERE ref = ? "
        "UNION SELECT a.alias FROM held JOIN aliases a ON a.ref = held.id "
        "UNION SELECT a.ref FROM held JOIN aliases a ON a.alias = held.id "
        "UNION SELECT e.source FROM held CROSS JOIN edges e ON e.target = held.id AND e.kind = 'resolves-to') "
        "SELECT r.ref FROM held JOIN refs r ON r.id = held.id ORDER BY r.ref <> ?, r.ref",
        ref,
        ref,
    )
    return tuple(str(row[0]) for row in rows) or (ref,)


_POSTS = "SELECT id FROM refs WHERE ref IN (SELECT value FROM json_each(:refs))"
_CAPTURED = (
    "SELECT c.id, c.uid, c.leaf, c.ref, c.route, c.observed_at, c.request, c.status, c.blob, c.declared_type, "
    "c.sniffed_type, "
    "coalesce(b.sha256, '') AS sha256, coalesce(b.size, 0) AS size, length(l.data) > 0 AS whole, "
    "EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = c.blob) AS held "
    "FROM captures c JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf LEFT JOIN blobs b ON b.id = c.blob "
)


def concerned(archive: Archive, ref: str) -> Concerned:
    """What an erasure of a post, a file, a page or a document touches."""
    refs = same(archive, ref)
    given = {"refs": json.dumps(refs)}
    media, shared = _media(archive, given)
    asked = json.dumps([*refs, *media])
    sha256 = ref.removeprefix("doc:document:") if ref.startswith("doc:document:") else ""
    own = archive.all(
        _CAPTURED + "WHERE c.ref IN (SELECT value FROM json_each(?1)) OR (?2 <> '' AND c.entity_sha256 = ?2 "
        f"AND c.{READ}) ORDER BY c.leaf",
        asked,
        sha256,
    )
    names = {*refs, *media}
    alone = {row["id"] for row in own if _asked(row) <= names or sha256}
    sighted = {row[0] for row in archive.db.execute(_SIGHTED.format(posts=_POSTS), given)}
    forced = not sighted and not media  # a file, a page or a document is named itself
    going: set[int] = set()
    for row in own:
        if row["blob"] is None or not row["held"] or not row["size"] or row["id"] not in alone:
            continue
        others = archive.all("SELECT id, ref FROM captures WHERE blob = ? ORDER BY leaf", row["blob"])
        elsewhere = [other["ref"] for other in others if other["id"] not in alone | sighted]
        if elsewhere and not (forced and row["status"] in (None, 200)) and row["id"] not in sighted:
            reason = f"the same bytes came for {elsewhere[0]}" + (" and others" if len(elsewhere) > 1 else "")
            shared.append((row["sha256"], reason))
        else:
            going.add(row["blob"])
    touched = alone | sighted
    rows = archive.all(_CAPTURED + "WHERE c.id IN (SELECT value FROM json_each(?))", json.dumps(sorted(touched)))
    going |= {row["blob"] for row in rows if row["id"] in sighted and row["blob"] is not None and row["held"]}
    found = strays.strays(archive, _texts(archive, refs), going) if sighted else set()
    return _told(archive, ref, refs, media, alone, touched, going | found, shared, found=found)


def concerned_blob(archive: Archive, sha256: str) -> Concerned:
    """What an erasure of one blob touches: each capture that it is the body of."""
    row = archive.one("SELECT id FROM blobs WHERE sha256 = ?", sha256)
    going = set() if row is None else {int(row[0])}
    touched = {row[0] for row in archive.db.execute("SELECT id FROM captures WHERE blob = ?", tuple(going) or (-1,))}
    return _told(archive, sha256, (), (), set(), touched, going, [])


_SIGHTED = "SELECT DISTINCT s.capture FROM sightings s JOIN versions v ON v.id = s.version WHERE v.post IN ({posts})"


def _asked(row: Row) -> set[str]:
    request = load_request(row["request"])
    return {str(ref) for ref in request.refs or (request.ref,)}


def _media(archive: Archive, given: dict[str, str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The files of these posts alone, and those that other posts have too, with the reason."""
    rows = archive.db.execute(
        "SELECT DISTINCT r.ref, (SELECT o.ref FROM media n JOIN refs o ON o.id = n.post WHERE n.file = m.file "
        f"AND n.post NOT IN ({_POSTS}) ORDER BY o.ref LIMIT 1) AS other "
        f"FROM media m JOIN refs r ON r.id = m.file WHERE m.post IN ({_POSTS}) ORDER BY r.ref",
        given,
    ).fetchall()
    alone = tuple(str(row["ref"]) for row in rows if row["other"] is None)
    return alone, [(row["ref"], f"is also a file of {row['other']}") for row in rows if row["other"] is not None]


def _told(
    archive: Archive,
    what: str,
    refs: tuple[str, ...],
    media: tuple[str, ...],
    alone: set[int],
    touched: set[int],
    going: set[int],
    shared: list[tuple[str, str]],
    *,
    found: Collection[int] = (),
) -> Concerned:
    rows = archive.all(
        _CAPTURED + "WHERE c.id IN (SELECT value FROM json_each(?1)) OR c.blob IN (SELECT value FROM json_each(?2)) "
        "ORDER BY c.leaf",
        json.dumps(sorted(touched)),
        json.dumps(sorted(going)),
    )
    captures = tuple(
        Capture(
            id=row["id"],
            uid=row["uid"],
            leaf=row["leaf"],
            ref=row["ref"],
            route=row["route"],
            at=row["observed_at"],
            own=row["id"] in alone and bool(row["whole"]),
            sha256=row["sha256"],
            size=row["size"],
            media_type=row["declared_type"] or row["sniffed_type"],
            goes=row["blob"] in going and bool(row["held"]),
        )
        for row in rows
    )
    ids = json.dumps([one.id for one in captures])
    # Of a blob that is named itself all posts go, but only here.
    others = archive.all(
        "SELECT DISTINCT r.ref, s.handle, v.text, coalesce(b.sha256, '') AS sha256 FROM sightings s "
        "JOIN versions v ON v.id = s.version JOIN refs r ON r.id = v.post JOIN captures c ON c.id = s.capture "
        "LEFT JOIN blobs b ON b.id = c.blob WHERE s.capture IN (SELECT value FROM json_each(?)) "
        "AND r.ref NOT IN (SELECT value FROM json_each(?)) ORDER BY r.ref, b.sha256, v.text",
        ids,
        json.dumps(refs),
    )
    documents = archive.all(
        "SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id JOIN captures c ON c.id = d.capture "
        "WHERE c.id IN (SELECT value FROM json_each(?1)) AND c.blob IN (SELECT value FROM json_each(?2)) ORDER BY 1",
        ids,
        json.dumps(sorted(going)),
    )
    quoting = archive.all(
        "SELECT DISTINCT d.ref FROM mentions m JOIN resolutions s ON s.mention = m.id JOIN refs p ON p.id = s.ref "
        "JOIN refs d ON d.id = m.document WHERE p.ref IN (SELECT value FROM json_each(?)) ORDER BY d.ref",
        json.dumps(refs),
    )
    return Concerned(
        what=what,
        refs=refs,
        media=media,
        captures=captures,
        neighbours=tuple(
            Neighbour(ref=row["ref"], handle=row["handle"], words=row["text"], sha256=row["sha256"]) for row in others
        ),
        documents=tuple(row[0] for row in documents),
        quoting=tuple(row[0] for row in quoting),
        sighted=archive.db.execute(_SIGHTED.format(posts=_POSTS), {"refs": json.dumps(refs)}).fetchone() is not None,
        shared=tuple(dict.fromkeys(shared)),
        found=tuple(dict.fromkeys(row["sha256"] for row in rows if row["blob"] in found)),
    )


def _texts(archive: Archive, refs: Iterable[str]) -> list[str]:
    """Everything that captures showed posts to say."""
    rows = archive.db.execute(
        f"SELECT text FROM versions WHERE post IN ({_POSTS}) "
        f"UNION SELECT warning FROM versions WHERE post IN ({_POSTS}) "
        f"UNION SELECT alt FROM media WHERE post IN ({_POSTS})",
        {"refs": json.dumps(sorted(refs))},
    )
    return [row[0] for row in rows if row[0]]


def said(archive: Archive, refs: Iterable[str]) -> tuple[list[str], list[str]]:
    """The words of what has these refs, and the names and handles of who said them, as captures showed them."""
    given = {"refs": json.dumps(sorted(refs))}
    more = archive.db.execute(
        f"SELECT text FROM documents WHERE id IN ({_POSTS}) UNION SELECT title FROM pages WHERE ref IN ({_POSTS}) "
        f"UNION SELECT description FROM pages WHERE ref IN ({_POSTS})",
        given,
    )
    texts = [*_texts(archive, json.loads(given["refs"])), *(row[0] for row in more if row[0])]
    names = archive.db.execute(
        "SELECT s.handle FROM sightings s JOIN versions v ON v.id = s.version "
        f"WHERE v.post IN ({_POSTS}) UNION SELECT s.name FROM sightings s JOIN versions v ON v.id = s.version "
        f"WHERE v.post IN ({_POSTS})",
        given,
    )
    return texts, [row[0] for row in names if row[0]]


def only_here(archive: Archive, concern: Concerned) -> tuple[str, ...]:
    """Posts that no other capture shows."""
    rows = archive.db.execute(
        "SELECT r.ref FROM versions v JOIN refs r ON r.id = v.post JOIN sightings s ON s.version = v.id GROUP BY r.ref "
        "HAVING min(s.capture IN (SELECT value FROM json_each(?))) ORDER BY r.ref",
        (json.dumps([one.id for one in concern.captures]),),
    )
    return tuple(row[0] for row in rows)


def authors(archive: Archive, posts: Iterable[Ref]) -> frozenset[Ref]:
    """The accounts that posted these."""
    rows = archive.db.execute(
        f"SELECT DISTINCT a.ref FROM posts p JOIN refs a ON a.id = p.author WHERE p.id IN ({_POSTS})",
        {"refs": json.dumps(sorted(map(str, posts)))},
    )
    return as_refs(row[0] for row in rows)


def earlier(archive: Archive, what: str) -> Row | None:
    """The newest erasure of this, or None."""
    return archive.one("SELECT * FROM erasures WHERE what = ? ORDER BY id DESC LIMIT 1", what)


def counted(archive: Archive) -> int:
    """How many erasures were made. An archive of an older version knows none."""
    if archive.one("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'erasures'") is None:
        return 0
    return int(str(archive.value("SELECT count(*) FROM erasures")))


# ---- what was kept of erased answers ----------------------------------------------------------------------------

_DERIVED = (
    "SELECT d.leaf, d.arguments, b.sha256 FROM derived d JOIN blobs b ON b.id = d.blob "
    f"WHERE d.tool = '{TOOL}' AND EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) "
)


def kept_reading(archive: Archive, origin: int, leaf: int) -> Reading:
    """What was kept of the reading of an erased capture. IntegrityError when it is not there."""
    row = archive.one(
        _DERIVED + "AND d.origin = ? AND EXISTS (SELECT 1 FROM json_each(d.arguments, '$.leaves') j WHERE j.value = ?) "
        "ORDER BY d.leaf DESC LIMIT 1",
        origin,
        leaf,
    )
    if row is None:
        raise IntegrityError(f"the capture of leaf {leaf} was erased, and what was kept of its reading is not there")
    held = json.loads(b"".join(BlobStore(archive).get(row["sha256"])))
    return redaction.read_back(held["readings"][str(leaf)])


def derived_with(archive: Archive, concern: Concerned) -> list[Row]:
    """Earlier copies and readings of the captures concerned: they hold what goes now, and are made anew."""
    leaves, blobs = json.dumps([c.leaf for c in concern.captures]), json.dumps([c.sha256 for c in concern.captures])
    return archive.all(
        _DERIVED + "AND (json_extract(d.arguments, '$.of') IN (SELECT value FROM json_each(?)) OR EXISTS (SELECT 1 "
        "FROM json_each(d.arguments, '$.leaves') j WHERE j.value IN (SELECT value FROM json_each(?)))) ORDER BY d.leaf",
        blobs,
        leaves,
    )


def as_refs(texts: Iterable[str]) -> frozenset[Ref]:
    """Refs from their texts."""
    return frozenset(Ref.parse(text) for text in texts)
