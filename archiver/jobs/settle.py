"""After reading: every mention gets its resolution and verdicts, every document its phrase edges.

Only documents that something new may concern are settled again; the result is the same as settling all of them
(`archiver rebuild --check` holds the two equal).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from archiver.custody import canonical
from archiver.jobs import before, concerned, found, link, match, pairs, phrases, rules
from archiver.jobs.places import Place, stored_places
from archiver.jobs.session import Session
from archiver.model import Edge, EdgeKind, Evidence, Ref
from archiver.store import blurring
from archiver.store.archive import Row

BATCH = 50


@dataclass(slots=True, kw_only=True)
class Settled:
    """How many documents were settled, and how many of them changed."""

    documents: int = 0
    changed: int = 0


def settle(session: Session, *, everything: bool = False) -> Settled:
    """Settles the documents that evidence since the last time may concern, or all of them.

    A crash in between loses nothing: what was settled is settled again from the same mark.
    """
    upto = session.state("settled_upto")
    size = session.evidence.size()
    chosen = None if everything or not upto else concerned.concerned(session, int(upto))
    done, waiting = Settled(), _in_log_order(session, chosen)
    while waiting:
        settle_batch(session, waiting[:BATCH], done)
        del waiting[:BATCH]
    blurring.settle(session.archive)
    session.remember("settled_upto", str(size - 1))
    return done


def settle_batch(session: Session, documents: list[int], done: Settled) -> None:
    """Settles these documents (local ids), with the edges between their posts: whole or not at all."""
    with session.archive.transaction():
        posts: set[int] = set()
        for key in documents:
            document = session.archive.one(
                "SELECT d.id, d.capture, d.sha256, d.text, c.leaf FROM documents d JOIN captures c ON c.id = d.capture "
                "WHERE d.id = ?",
                key,
            )
            if document is not None:
                done.documents += 1
                done.changed += _settle(session, document, posts)
        pairs.link_posts(session, posts)


def _in_log_order(session: Session, chosen: set[int] | None) -> list[int]:
    rows = session.archive.db.execute(
        "SELECT d.id FROM documents d JOIN captures c ON c.id = d.capture ORDER BY c.origin, c.leaf, d.sha256"
        if chosen is None
        else "SELECT d.id FROM json_each(?) j JOIN documents d ON d.id = j.value JOIN captures c ON c.id = d.capture "
        "ORDER BY c.origin, c.leaf, d.sha256",
        () if chosen is None else (json.dumps(sorted(chosen)),),
    )
    return [int(row[0]) for row in rows]


RESOLVED = (
    "SELECT s.ref FROM resolutions s JOIN mentions m ON m.id = s.mention WHERE m.document = ? AND s.status = 'resolved'"
)


def _settle(session: Session, document: Row, touched: set[int]) -> bool:
    """Settles one document; the posts that it stood for before and stands for now are added to `touched`. All its rows
    are of one policy, which names the rules by which its mentions were found."""
    db, readings = session.archive.db, session.readings
    policy = rules.under(rules.MentionRules.parse(session.state(rules.STATE)).of(document["leaf"]))
    with session.archive.transaction():
        before.keep(session.archive, document["id"])
        touched |= {int(row[0]) for row in db.execute(RESOLVED, (document["id"],))}
        _clear(session, document)
        result: list[object] = []
        settled: list[tuple[Place, Ref | None]] = []
        for mention in stored_places(session.archive, document["id"]):
            resolution, matches = match.judge(session.archive, mention, link.resolve(session.archive, mention))
            readings.add("resolutions", _resolution_row(session, mention, resolution))
            result.append([str(mention.passage), resolution])
            for rank, one in enumerate(matches):
                row = match.row_of(one, rank) | {"policy": policy}
                post = None if one.post is None else readings.ref(one.post)
                readings.add("matches", {"mention": mention.key, "post": post, **row})
                shown = {name: value for name, value in row.items() if name != "version"}
                version = None if one.original is None else one.original.sha256
                result.append([shown, version, None if one.post is None else str(one.post)])
            post_ref = resolution.ref if resolution.status == "resolved" else None
            if post_ref is None:
                result += found.store(session, document, mention)
            settled.append((mention, post_ref))
            if post_ref is not None and mention.quote is not None:
                edge = _quotes(mention, post_ref, resolution.how)
                readings.edge(document["capture"], edge)
                result.append(edge)
        touched |= {int(row[0]) for row in db.execute(RESOLVED, (document["id"],))}
        db.execute("DELETE FROM phrases WHERE document = ?", (document["id"],))
        result += phrases.link_phrases(session, document, settled)
        return session.evidence.mark(document["capture"], "match", policy, canonical.digest(result))


def _clear(session: Session, document: Row) -> None:
    """Removes what an earlier settling of this document said."""
    db, key = session.archive.db, (document["id"],)
    db.execute("DELETE FROM sources WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", key)
    db.execute("DELETE FROM matches WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", key)
    db.execute("DELETE FROM resolutions WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", key)
    db.execute(
        "DELETE FROM edges WHERE capture = ? AND +kind IN ('quotes', 'same-text') AND EXISTS "
        "(SELECT 1 FROM refs r WHERE r.id = edges.source AND +r.platform = 'doc' AND +r.kind = 'passage')",
        (document["capture"],),
    )


def _resolution_row(session: Session, mention: Place, resolution: link.Resolution) -> dict[str, object]:
    ref, candidate = resolution.ref, resolution.candidate
    return {
        "mention": mention.key,
        "status": resolution.status,
        "how": resolution.how,
        "ref": None if ref is None else session.readings.ref(ref),
        "candidate": None if candidate is None else session.readings.ref(candidate),
        "id_low": resolution.id_low,
        "id_high": resolution.id_high,
        "reason": resolution.reason,
    }


def _quotes(mention: Place, post: Ref, how: str) -> Edge:
    """The edge from a passage to the post that it quotes: the document's claim, or our inference from its words."""
    return Edge(
        kind=EdgeKind.QUOTES,
        source=mention.passage,
        target=post,
        evidence=Evidence.INFERRED if how == "text" else Evidence.CLAIMED,
        pointer=str(mention.quote),
    )
