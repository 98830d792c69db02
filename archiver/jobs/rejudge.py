"""Judging every mention again under the present rules, and saying what is said otherwise.

Captures are not read again, unless the rules by which mentions are found have changed: then all readings are made
again, for other mentions may refer to other posts. What was said before is kept (`before`) in the transaction that
replaces it, until it was told: neither a crash nor a run in between loses an old verdict.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from archiver.jobs import before, follow, rebuild, rules, ruling, settle
from archiver.jobs.differing import Changed, Changes, differing
from archiver.jobs.session import Session
from archiver.model import Ref

STATE = "rejudging"
"""Under this name work remembers how far a re-judging has come that was broken off, or whose result was not told."""


@dataclass(slots=True, kw_only=True)
class Rejudged:
    """`mentions` of `documents` were judged again under `policy`; `policies` counts their old verdicts by the rules
    that gave them. `captures` is how many were read: all (`reread`) where mentions were found by other rules, else
    what was stored and not read yet. `earlier` mentions were judged again before this command, by runs or by a newer
    version, and are compared too (`earlier_policies`: as `policies`). `changed` are all mentions of which something
    else is said, most dangerous first; `queued` refs are asked for because of it. `resumed`: it goes on
    where an earlier one ended."""

    policy: str
    changed: Changes
    documents: int = 0
    mentions: int = 0
    policies: dict[str, int] = field(default_factory=dict)
    captures: int = 0
    reread: bool = False
    resumed: bool = False
    earlier: int = 0
    earlier_policies: dict[str, int] = field(default_factory=dict)
    queued: int = 0
    notes: list[str] = field(default_factory=list)


class _Undo(Exception):
    """Ends a check: everything it did is rolled back."""


def rejudge(session: Session, *, check: bool = False) -> Rejudged:
    """Judges every mention of every stored document again, a batch of documents a transaction; with `check`, in one
    transaction that is rolled back. `forget` must follow when the report was told."""
    report = Rejudged(policy=ruling.POLICY, changed=Changes(session.archive.path.parent), notes=list(session.notes))
    report.captures = follow.catch_up(session)
    if report.captures:  # also for a check: a run would do no other, and an archive without readings answers nothing
        settle.settle(session)
    if not check:
        _judge(session, report, fresh=False)
        return report
    try:
        with session.archive.transaction():
            _judge(session, report, fresh=True)
            raise _Undo
    except _Undo:
        pass
    return report


def forget(session: Session) -> None:
    """Drops what was kept for the report: it was told."""
    with session.archive.transaction():
        before.forget(session.archive)
        session.archive.db.execute("DELETE FROM work_state WHERE name = ?", (STATE,))


def _judge(session: Session, report: Rejudged, *, fresh: bool) -> None:
    report.earlier = before.kept(session.archive)
    report.earlier_policies = before.policies(session.archive)
    if _other_mentions(session):
        with session.archive.transaction():
            _count(session, report, [int(row[0]) for row in session.archive.all("SELECT id FROM documents")])
            before.keep_all(session.archive, session.state("read_upto"))
            report.captures, report.documents = rebuild.remake(session)
            report.reread = True
            _tell(session, report)
            report.queued = sum(_queue(session, changed) for changed in report.changed)
    else:
        _in_batches(session, report, fresh=fresh)
        session.remember(rules.STATE, str(rules.now(session.archive, "", "")))
        _tell(session, report)


def _other_mentions(session: Session) -> bool:
    """Whether any stored mention was, or may have been, found by other rules than the present ones."""
    present = rules.mentions_of(ruling.POLICY)
    found = {rules.mentions_of(row[0]) for row in session.archive.all("SELECT DISTINCT policy FROM matches")}
    return bool((found | rules.MentionRules.parse(session.state(rules.STATE)).policies) - {present})


def _in_batches(session: Session, report: Rejudged, *, fresh: bool) -> None:
    """Settles every document again, a batch a transaction, from where an earlier try under the same rules ended."""
    size, leaf = session.evidence.size(), -1
    state = "" if fresh else session.state(STATE)
    if state and (done := json.loads(state))["policy"] == ruling.POLICY:
        leaf, report.resumed = done["leaf"], True
        report.documents, report.mentions, report.policies = done["documents"], done["mentions"], done["policies"]
    while batch := session.archive.all(
        "SELECT d.id, c.leaf FROM documents d JOIN captures c ON c.id = d.capture "
        "WHERE c.leaf > ? ORDER BY c.leaf, d.sha256 LIMIT ?",
        leaf,
        settle.BATCH,
    ):
        keys, leaf = [int(row["id"]) for row in batch], int(batch[-1]["leaf"])
        with session.archive.transaction():
            _count(session, report, keys)
            for key in keys:
                before.keep(session.archive, key, always=True)
            done_now = settle.Settled()
            settle.settle_batch(session, keys, done_now)
            report.documents += done_now.documents
            for key in keys:
                _drop_equal(session, key)
            counts = {"documents": report.documents, "mentions": report.mentions, "policies": report.policies}
            session.remember(STATE, json.dumps({**counts, "policy": ruling.POLICY, "leaf": leaf}))
    if not report.resumed:
        session.remember("settled_upto", str(size - 1))


def _count(session: Session, report: Rejudged, keys: list[int]) -> None:
    """Counts the mentions of these documents, and their verdicts by the rules that gave them."""
    policies = Counter(report.policies)
    for row in session.archive.all(
        "SELECT x.policy, count(*) AS n FROM json_each(?) j JOIN mentions m ON m.document = j.value "
        "LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 GROUP BY x.policy",
        json.dumps(keys),
    ):
        report.mentions += row["n"]
        if row["policy"] is not None:
            policies[row["policy"]] += row["n"]
    report.policies = dict(sorted(policies.items()))


def _drop_equal(session: Session, document: int) -> None:
    """Of a document's kept mentions, drops those of which the same is said now. Where everything was kept, all stay: by
    what is missing there, new mentions are told from old ones."""
    if session.state(before.EVERYTHING):
        return
    sha256 = str(session.archive.value("SELECT sha256 FROM documents WHERE id = ?", document))
    now = {one.name: one.said for one in before.said_now(session.archive, document)}
    kept = before.stored_before(session.archive, sha256)
    equal = [one.name for one in kept if one.name in now and not now[one.name].differs(one.said)]
    before.forget(session.archive, equal)


def _tell(session: Session, report: Rejudged) -> None:
    for changed in differing(session.archive):
        report.changed.add(changed)


_NAMED = """
SELECT DISTINCT t.ref, c.url FROM refs p JOIN mentions m ON m.ref = p.id JOIN documents d ON d.id = m.document
JOIN captures c ON c.id = d.capture LEFT JOIN mention_links l ON l.mention = m.id
JOIN refs t ON t.id IN (m.target, l.ref)
WHERE p.ref = ? AND (c.tier = 'import' OR EXISTS (
    SELECT 1 FROM work_queue q WHERE q.ref = c.ref AND q.purpose = 'seed'))
ORDER BY t.ref, c.url
"""


def _queue(session: Session, changed: Changed) -> int:
    """Queues what a mention of a seed refers to, as reading the seed for the first time would. How many are new."""
    new = 0
    for row in session.archive.all(_NAMED, changed.passage):
        ref = Ref.parse(row["ref"])
        purpose = follow.purpose_of(ref)
        if purpose != "page" or session.config.pages:
            seed = str(row["url"]).removeprefix("seed:")
            new += follow.enqueue(session, ref, purpose=purpose, depth=0, seed=seed)
    return new
