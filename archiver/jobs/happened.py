"""What hooks are to be told: posts that were edited, went or came back, quotations that turned out altered.

They come from readings, and readings are made again by a rebuild. So each event has an id made of facts that a rebuild
finds again (the ref, the capture, the version), and what is told is the difference between what stands now and what was
said last: nothing is told twice, and what does not stand any more is taken back (`retracted`), since a wrong "deleted"
that nobody takes back is worse than none. Only what concerns captures that were read, or documents that were judged,
since the last time is looked at (`reading_marks` grows with each); what stood before hooks were configured is not told.
No words of posts are told: who is told looks them up, so an erasure need not hunt for copies of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archiver.jobs.session import Session
from archiver.model import VerdictKind
from archiver.store import fates
from archiver.store.archive import Row
from archiver.store.told import NOBODY, RETRACTED, Outbox, name_of

STATE = "told hooks"
"""Under this name work remembers up to which row of `reading_marks` events were looked for, and from which capture on
they are told."""
TYPES = {fates.WENT: "post.gone", fates.RETURNED: "post.returned", fates.EDITED: "post.edited"}
ALTERED = "altered"
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event as it stands now. `name` is its `SUBJECT-EVENT`, `said` its kind and what it came to."""

    name: str
    kind: str
    said: str
    at: str
    data: dict[str, Any]


def begin(session: Session) -> None:
    """Remembers from where on events are told, when hooks are configured for the first time: for the start of a run."""
    if not session.config.hooks.channels or session.state(STATE):
        return
    outbox, now = Outbox(session.archive), session.now()
    with session.archive.transaction():
        for row in session.archive.all(_ALTERED.format(which="x.verdict = ?"), VerdictKind.ALTERED.value):
            told = _altered(row, now)
            outbox.put(f"{told.name}.1", NOBODY, kind=told.said, body="", now=now, due=False)
        _remember(session, _last(session, "reading_marks"), _last(session, "captures"))


def collect(session: Session) -> int:
    """Queues for each hook what changed since the last time; in one transaction, so that a crash loses and doubles
    nothing. How many events."""
    state = session.state(STATE)
    if not session.config.hooks.channels or not state:
        return 0
    marks, captures = map(int, state.split())
    last = _last(session, "reading_marks")
    if last == marks:
        return 0
    count = 0
    with session.archive.transaction():
        for start in range(marks, last, BATCH):
            rows = session.archive.all(_MARKED, start, min(start + BATCH, last))
            read = {int(row["capture"]) for row in rows if row["stage"] != "match"}
            judged = {int(row["capture"]) for row in rows if row["stage"] == "match"}
            count += _posts(session, read, captures) + _documents(session, judged)
        _remember(session, last, captures)
    return count


_MARKED = "SELECT DISTINCT capture, stage FROM reading_marks WHERE id > ? AND id <= ?"
_CONCERNED = """
WITH RECURSIVE named(id) AS (
    SELECT o.ref FROM json_each(?1) j JOIN outcomes o ON o.capture = j.value
    UNION SELECT v.post FROM json_each(?1) j JOIN sightings s ON s.capture = j.value JOIN versions v ON v.id = s.version
    UNION SELECT a.alias FROM json_each(?1) j JOIN aliases a ON a.capture = j.value
), meant(id) AS (SELECT id FROM named UNION SELECT a.ref FROM aliases a JOIN meant ON a.alias = meant.id)
SELECT p.id, r.ref, p.url, p.platform, p.handle FROM posts p JOIN meant ON p.id = meant.id JOIN refs r ON r.id = p.id
ORDER BY r.ref
"""
_OWN = """(k.ref = ?1 OR EXISTS (
    SELECT 1 FROM refs x JOIN aliases a ON a.alias = x.id WHERE x.ref = k.ref AND a.ref = ?2))"""
_ASKED = f"""
SELECT 1 FROM outcomes o JOIN captures k ON k.id = o.capture
WHERE o.ref = ?2 AND o.outcome = 'live' AND k.id >= ?3 AND k.id < ?4 AND {_OWN} LIMIT 1
"""
_EVENTS = f"""
SELECT e.kind, e.outcome, e.at, e.told_at, e.capture, v.sha256 AS version,
    c.uid, c.route, c.observed_at, b.uid AS uid_before, b.route AS route_before, b.observed_at AS observed_before,
    CASE WHEN {fates.own("c", "r.ref", "e.post")} THEN '' ELSE c.ref END AS beside,
    CASE WHEN {fates.own("b", "r.ref", "e.post")} THEN '' ELSE b.ref END AS beside_before
FROM events e JOIN refs r ON r.id = e.post JOIN captures c ON c.id = e.capture
LEFT JOIN captures b ON b.id = e.capture_before LEFT JOIN versions v ON v.id = e."after" WHERE e.post = ?
ORDER BY c.origin, c.leaf, e.kind, v.sha256
"""
_ALTERED = """
SELECT d.ref AS document, m.kind AS mention, p.ref AS passage, t.ref AS post, o.url, x.flags, x.policy, c.url AS seed
FROM matches x JOIN mentions m ON m.id = x.mention JOIN refs d ON d.id = m.document JOIN refs p ON p.id = m.ref
JOIN documents n ON n.id = m.document JOIN captures c ON c.id = n.capture
LEFT JOIN refs t ON t.id = x.post LEFT JOIN posts o ON o.id = x.post
WHERE x.rank = 0 AND {which} ORDER BY p.ref, t.ref
"""


def _posts(session: Session, captures: set[int], since: int) -> int:
    count = 0
    for post in session.archive.all(_CONCERNED, json.dumps(sorted(captures))) if captures else ():
        standing = []
        for row in _believed(session, post):
            kind, after = str(row["kind"]), str(row["version"] or "")
            data = {"ref": post["ref"], "url": post["url"], "platform": post["platform"], "handle": post["handle"]}
            data |= {"outcome": row["outcome"], "first_told_at": row["told_at"]}
            before = {"capture": row["uid_before"], "route": row["route_before"], "at": row["observed_before"]}
            before["beside"] = row["beside_before"]
            data["between"] = [
                before if row["uid_before"] else None,
                {"capture": row["uid"], "route": row["route"], "at": row["observed_at"], "beside": row["beside"]},
            ]
            happened = Happened(
                name=name_of(post["ref"], kind, row["uid"], after),
                kind=kind,
                said=f"{kind}:{row['outcome']}" if kind == fates.WENT else kind,
                at=row["at"],
                data=data,
            )
            if int(row["capture"]) > since or happened.name in Outbox(session.archive).said(post["ref"]):
                standing.append(happened)
        count += _tell(session, str(post["ref"]), standing)
    return count


def _believed(session: Session, post: Row) -> list[Row]:
    """The events of a post in log order, without those that come of a copy alone: another post may show by value what
    is gone for long. That it is back is believed when the post itself was asked for and shown; it goes once."""
    rows = session.archive.all(_EVENTS, post["id"])
    kept: list[Row] = []
    gone = False
    for n, row in enumerate(rows):
        if row["kind"] == fates.RETURNED:
            until = next((later["capture"] for later in rows[n + 1 :] if later["kind"] == fates.WENT), 1 << 62)
            if session.archive.one(_ASKED, post["ref"], post["id"], row["capture"], until) is None:
                continue
            gone = False
        elif row["kind"] == fates.WENT:
            if gone:
                continue
            gone = True
        kept.append(row)
    return kept


def _documents(session: Session, captures: set[int]) -> int:
    count, now = 0, session.now()
    query = "SELECT r.ref, d.id FROM documents d JOIN refs r ON r.id = d.id WHERE d.capture = ? ORDER BY r.ref"
    for capture in sorted(captures):
        for document in session.archive.all(query, capture):
            which = _ALTERED.format(which="x.verdict = ? AND m.document = ?")
            rows = session.archive.all(which, VerdictKind.ALTERED.value, document["id"])
            count += _tell(session, str(document["ref"]), [_altered(row, now) for row in rows])
    return count


def _altered(row: Any, now: str) -> Happened:
    data = {"ref": row["passage"], "document": row["document"], "seed": str(row["seed"]).removeprefix("seed:")}
    data |= {"mention": row["mention"], "post": row["post"] or "", "url": row["url"] or ""}
    data |= {"flags": str(row["flags"]).split(), "policy": row["policy"]}
    return Happened(
        name=name_of(row["document"], ALTERED, row["passage"], row["post"] or ""),
        kind=ALTERED,
        said=ALTERED,
        at=now,
        data=data,
    )


def _tell(session: Session, about: str, standing: Iterable[Happened]) -> int:
    """Queues what is said otherwise of a ref than it was said last."""
    hooks, outbox, now = session.config.hooks, Outbox(session.archive), session.now()
    if session.archive.one("SELECT 1 FROM erasures WHERE what = ?", about) is not None:
        outbox.forget(about)
        return 0
    said = outbox.said(about)
    new: list[tuple[str, str, dict[str, Any]]] = []
    names = set()
    for one in standing:
        names.add(one.name)
        last = said.get(one.name)
        if one.kind not in hooks.kinds or (last is not None and last.kind == one.said):
            continue
        number = 1 if last is None else last.number + 1
        data = one.data | {"replaces": f"{one.name}.{number - 1}" if last is not None else None}
        kind = TYPES.get(one.kind, "quotation.altered")
        new.append((f"{one.name}.{number}", one.said, {"type": kind, "timestamp": one.at, "data": data}))
    for name, last in sorted(said.items()):
        if name not in names and last.kind != RETRACTED:
            data = {"ref": about, "retracts": f"{name}.{last.number}", "was": last.kind}
            body = {"type": RETRACTED, "timestamp": now, "data": data}
            new.append((f"{name}.{last.number + 1}", RETRACTED, body))
    origin = session.archive.value("SELECT name FROM origin WHERE local = 1") if new else ""
    for id, kind, body in new:
        text = _json({"id": id, **body, "archive": origin})
        for channel in hooks.channels:
            outbox.put(id, channel, kind=kind, body=text, now=now)
    return len(new)


def _json(body: dict[str, Any]) -> str:
    """ASCII, and without the mark of a secret: whoever posts such an address must not get one of ours filled in."""
    return json.dumps(body, separators=(",", ":")).replace("{secret:", "\\u007bsecret:")


def _last(session: Session, table: str) -> int:
    return int(str(session.archive.value(f"SELECT coalesce(max(id), 0) FROM {table}")))


def _remember(session: Session, marks: int, captures: int) -> None:
    session.remember(STATE, f"{marks} {captures}")
