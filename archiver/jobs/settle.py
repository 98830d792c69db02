"""After reading: every mention gets its resolution and verdicts, every document its phrase edges.

Only documents that something new may concern are settled again; the result is the same as settling all of them
(`archiver rebuild --check` holds the two equal).
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.custody import canonical
from archiver.jobs import link, match, phrases
from archiver.jobs.session import Session
from archiver.model import Edge, EdgeKind, Evidence, Ref
from archiver.store.archive import Row

_NEW = "SELECT id FROM captures WHERE leaf > :upto"
_CONCERNED = f"""
WITH fresh(id) AS (
    SELECT o.ref FROM outcomes o WHERE o.capture IN ({_NEW})
    UNION SELECT v.post FROM sightings s JOIN versions v ON v.id = s.version WHERE s.capture IN ({_NEW})
    UNION SELECT alias FROM aliases WHERE capture IN ({_NEW})
    UNION SELECT ref FROM aliases WHERE capture IN ({_NEW})
    UNION SELECT source FROM edges WHERE capture IN ({_NEW})
), near(id) AS (
    SELECT id FROM fresh
    UNION SELECT a.ref FROM aliases a JOIN fresh ON a.alias = fresh.id
    UNION SELECT e.source FROM edges e JOIN fresh ON e.target = fresh.id WHERE e.kind IN ('reposts', 'resolves-to')
)
SELECT id FROM documents WHERE capture IN ({_NEW})
UNION SELECT document FROM mentions WHERE target IN (SELECT id FROM near)
UNION SELECT m.document FROM mention_links l JOIN mentions m ON m.id = l.mention WHERE l.ref IN (SELECT id FROM near)
UNION SELECT m.document FROM resolutions s JOIN mentions m ON m.id = s.mention
    WHERE s.ref IN (SELECT id FROM near) OR s.candidate IN (SELECT id FROM near)
UNION SELECT m.document FROM resolutions s JOIN mentions m ON m.id = s.mention
    WHERE (s.status <> 'resolved' OR s.how = 'text') AND EXISTS (SELECT 1 FROM fresh)
UNION SELECT m.document FROM matches x JOIN mentions m ON m.id = x.mention
    WHERE x.verdict IN ('altered', 'not-found', 'spliced') AND EXISTS (SELECT 1 FROM fresh)
UNION SELECT m.document FROM statements t JOIN refs r ON r.ref = t.subject JOIN mentions m ON m.ref = r.id
    WHERE t.leaf > :upto
"""


@dataclass(slots=True, kw_only=True)
class Settled:
    """How many documents were settled, and how many of them changed."""

    documents: int = 0
    changed: int = 0


def settle(session: Session, *, everything: bool = False) -> Settled:
    """Settles the documents that evidence since the last time may concern, or all of them."""
    before = session.state("settled_upto")
    size = session.evidence.size()
    done = Settled()
    for document in _documents(session, None if everything or not before else int(before)):
        done.documents += 1
        done.changed += _settle(session, document)
    session.remember("settled_upto", str(size - 1))
    return done


def _documents(session: Session, upto: int | None) -> list[Row]:
    """Rows of documents, in log order."""
    query = (
        "SELECT d.id, d.capture, d.sha256, d.text FROM documents d JOIN captures c ON c.id = d.capture "
        "{where} ORDER BY c.origin, c.leaf, d.sha256"
    )
    if upto is None:
        return session.archive.all(query.format(where=""))
    db = session.archive.db
    concerned = {int(row[0]) for row in db.execute(_CONCERNED, {"upto": upto})} | _by_phrases(session, upto)
    rows = (session.archive.one(query.format(where="WHERE d.id = ?"), document) for document in concerned)
    order = "SELECT c.leaf FROM documents d JOIN captures c ON c.id = d.capture WHERE d.id = ?"
    return sorted((row for row in rows if row is not None), key=lambda row: session.archive.value(order, row["id"]))  # type: ignore[arg-type,return-value]


def _by_phrases(session: Session, upto: int) -> set[int]:
    """Documents that hold a phrase which a new text holds too."""
    if session.archive.one("SELECT 1 FROM phrases LIMIT 1") is None:
        return set()
    rows = session.archive.db.execute(
        f"SELECT v.text FROM versions v WHERE v.id IN (SELECT version FROM sightings WHERE capture IN ({_NEW})) "
        "UNION ALL SELECT m.quoted FROM mentions m JOIN documents d ON d.id = m.document "
        f"WHERE d.capture IN ({_NEW}) AND m.quoted <> ''",
        {"upto": upto},
    )
    found: set[int] = set()
    for row in rows:
        for mark in phrases.grams_of(row[0]):
            found |= {int(hit[0]) for hit in session.archive.all("SELECT document FROM phrases WHERE gram = ?", mark)}
    return found


MENTIONS = (
    "SELECT m.*, r.ref AS passage, t.ref AS target_ref FROM mentions m JOIN refs r ON r.id = m.ref "
    "LEFT JOIN refs t ON t.id = m.target WHERE m.document = ? ORDER BY m.ordinal"
)


def _settle(session: Session, document: Row) -> bool:
    db, readings = session.archive.db, session.readings
    with session.archive.transaction():
        _clear(session, document)
        result: list[object] = []
        resolved: list[tuple[Row, Ref | None]] = []
        for mention in session.archive.all(MENTIONS, document["id"]):
            resolution, matches = match.judge(session, mention, link.resolve(session, mention))
            readings.add("resolutions", _resolution_row(session, mention, resolution))
            result.append([mention["passage"], resolution])
            for rank, one in enumerate(matches):
                row = match.row_of(one, rank)
                post = None if one.post is None else readings.ref(one.post)
                readings.add("matches", {"mention": mention["id"], "post": post, **row})
                shown = {name: value for name, value in row.items() if name != "version"}
                version = None if one.original is None else one.original.sha256
                result.append([shown, version, None if one.post is None else str(one.post)])
            post_ref = resolution.ref if resolution.status == "resolved" else None
            resolved.append((mention, post_ref))
            if post_ref is not None and mention["quote_start"] is not None:
                edge = _quotes(mention, post_ref, resolution.how)
                readings.edge(document["capture"], edge)
                result.append(edge)
        posts = [post for _, post in resolved if post is not None]
        db.execute("DELETE FROM phrases WHERE document = ?", (document["id"],))
        rows = session.archive.all(
            "SELECT m.*, r.ref AS passage, p.ref AS resolved FROM mentions m JOIN refs r ON r.id = m.ref "
            "LEFT JOIN resolutions s ON s.mention = m.id AND s.status = 'resolved' LEFT JOIN refs p ON p.id = s.ref "
            "WHERE m.document = ? ORDER BY m.ordinal",
            document["id"],
        )
        result += phrases.link_phrases(session, document, rows, posts)
        return session.evidence.mark(document["capture"], "match", match.POLICY, canonical.digest(result))


def _clear(session: Session, document: Row) -> None:
    """Removes what an earlier settling of this document said."""
    db, key = session.archive.db, (document["id"],)
    db.execute("DELETE FROM matches WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", key)
    db.execute("DELETE FROM resolutions WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", key)
    db.execute(
        "DELETE FROM edges WHERE capture = ? AND (evidence = 'inferred' OR (kind = 'quotes' AND source IN "
        "(SELECT ref FROM mentions WHERE document = ?)))",
        (document["capture"], document["id"]),
    )


def _resolution_row(session: Session, mention: Row, resolution: link.Resolution) -> dict[str, object]:
    ref, candidate = resolution.ref, resolution.candidate
    return {
        "mention": mention["id"],
        "status": resolution.status,
        "how": resolution.how,
        "ref": None if ref is None else session.readings.ref(ref),
        "candidate": None if candidate is None else session.readings.ref(candidate),
        "id_low": resolution.id_low,
        "id_high": resolution.id_high,
        "reason": resolution.reason,
    }


def _quotes(mention: Row, post: Ref, how: str) -> Edge:
    """The edge from a passage to the post that it quotes: the document's claim, or our inference from its words."""
    return Edge(
        kind=EdgeKind.QUOTES,
        source=Ref.parse(mention["passage"]),
        target=post,
        evidence=Evidence.INFERRED if how == "text" else Evidence.CLAIMED,
        pointer=f"{mention['quote_start']}-{mention['quote_end']}",
    )
