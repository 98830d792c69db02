"""What a run has to say: the documents of its seeds, each mention with its post and verdict, what failed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.jobs.session import Session
from archiver.jobs.trouble import ATTENTION, INPUT, MEND, Trouble, of_text
from archiver.store.archive import Row

if TYPE_CHECKING:
    from archiver.jobs import sources


@dataclass(slots=True, kw_only=True)
class MentionReport:
    """One mention as the report shows it. `changes` says what an altered quotation changed, `parts` which posts a
    spliced one was put together from; `outcome` and `edits` are those of the post. `sources` says where else in the
    archive the words of eight or more that stand for no post occur, or what was looked through in vain."""

    kind: str
    passage: str
    words: str
    handle: str
    day: str
    status: str
    how: str
    ref: str
    reason: str
    verdict: str
    flags: str
    id_low: str
    id_high: str
    outcome: str
    edits: int
    changes: list[str]
    parts: list[str]
    sources: str = ""


@dataclass(slots=True, kw_only=True)
class DocumentReport:
    """One document of this run's seeds, or of a page that they asked for."""

    ref: str
    name: str
    media_type: str
    characters: int
    repairs: list[str]
    phrases: list[str]
    mentions: list[MentionReport]


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run did. `waiting` refs are queued after a failed look, `scheduled` in all; `next_due` is when.
    `problems` are seeds that cannot be used, `notes` parts of them that could not be read, `failures` looks that ended
    without an answer: seed, address, outcome, reason. `log` says what is new about the keys of the log and who vouched
    for it, `broken` that the log is not the one that was signed or cosigned before. Of the queue `due` refs are
    due now and `overdue` for more than a day; `happened` events were queued for hooks; `pages` of seeds were looked at.
    `troubles` are what of all this must reach who reads no report.
    """

    stored: int = 0
    known: int = 0
    captures: int = 0
    received: int = 0
    looks: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    scheduled: int = 0
    due: int = 0
    overdue: int = 0
    happened: int = 0
    next_due: str = ""
    failed: bool = False
    offline: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    broken: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    documents: list[DocumentReport] = field(default_factory=list)


def tell(session: Session, report: Report, names: list[str]) -> None:
    """The documents of the seeds, and of the pages that they asked for and that were looked at in this run."""
    from archiver.jobs import sources  # loads the rules of quotations: only where there is a document to tell of

    covered = sources.coverage(session.archive)
    for name in names:
        newest = session.archive.one(  # the newest capture alone: an unreadable one has no document, nor an older one's
            "SELECT d.id, r.ref, d.characters, d.media_type FROM captures c JOIN refs r ON r.ref = c.ref "
            "JOIN documents d ON d.id = r.id "
            "WHERE c.id = (SELECT max(id) FROM captures WHERE tier = 'import' AND url = ?)",
            f"seed:{name}",
        )
        if newest is not None:
            report.documents.append(_document(session, covered, name, newest))
        elif not any(problem.startswith(f"{name}: ") for problem in report.problems):
            reason = session.archive.one(
                "SELECT o.reason FROM outcomes o JOIN captures c ON c.id = o.capture "
                "WHERE c.id = (SELECT max(id) FROM captures WHERE tier = 'import' AND url = ?) "
                "AND o.ref = (SELECT id FROM refs WHERE ref = c.ref) AND o.outcome <> 'live'",
                f"seed:{name}",
            )
            posts = None if reason else _handed(session, name)
            why = (reason["reason"] if reason else "") or "no text"
            report.notes.append(f"{name}: {posts or f'known already, and not readable: {why}'}")
            if not posts:  # told when it was stored: it stands until the file is another one, or gone
                report.troubles.append(of_text(ATTENTION, INPUT, f"{name}: {why}", MEND, again=False))
    for page in sorted(report.pages):
        shown = session.archive.one(
            "SELECT d.id, r.ref, d.characters, d.media_type, c.url FROM captures c "
            "JOIN refs r ON r.ref = 'doc:document:' || c.entity_sha256 JOIN documents d ON d.id = r.id "
            "WHERE c.ref = ? AND c.route = 'page' AND c.status BETWEEN 200 AND 299 ORDER BY c.id DESC LIMIT 1",
            page,
        )
        if shown is not None:
            report.documents.append(_document(session, covered, shown["url"], shown))


def _document(session: Session, covered: sources.Coverage, name: str, document: Row) -> DocumentReport:
    key = document["id"]
    rows = session.archive.all(
        "SELECT m.id, m.kind, r.ref AS passage, m.quoted, m.handle, m.day, m.url, s.status, s.how, p.ref AS post, "
        "s.reason, s.id_low, s.id_high, x.verdict, x.flags, x.changes, x.reason AS told, t.outcome, t.edits, "
        "(SELECT json_group_array(ref) FROM (SELECT q.ref FROM matches y JOIN refs q ON q.id = y.post "
        "WHERE y.mention = m.id AND +y.verdict = 'spliced' ORDER BY y.rank)) AS parts "
        "FROM mentions m JOIN refs r ON r.id = m.ref "
        "LEFT JOIN resolutions s ON s.mention = m.id LEFT JOIN refs p ON p.id = coalesce(s.ref, s.candidate) "
        "LEFT JOIN posts t ON t.id = p.id "
        "LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 WHERE m.document = ? ORDER BY m.ordinal",
        key,
    )
    repairs = session.archive.all('SELECT before, "after", steps FROM repairs WHERE document = ? ORDER BY ordinal', key)
    phrases = session.archive.all(
        "SELECT s.ref AS source, t.ref AS target, e.pointer FROM edges e JOIN documents d ON d.capture = e.capture "
        "JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
        "WHERE d.id = ? AND e.kind = 'same-text' AND NOT EXISTS (SELECT 1 FROM mentions m "
        "JOIN sources x ON x.mention = m.id AND x.source = e.target WHERE m.ref = e.source) ORDER BY s.ref, t.ref",
        key,
    )
    text = str(session.archive.value("SELECT text FROM documents WHERE id = ?", key))
    return DocumentReport(
        ref=document["ref"],
        name=name,
        media_type=document["media_type"],
        characters=document["characters"],
        repairs=[f"{row['before']} → {row['after']} ({row['steps']})" for row in repairs],
        phrases=[_phrase(text, row["source"], row["target"], row["pointer"]) for row in phrases],
        mentions=[
            MentionReport(
                kind=row["kind"],
                passage=row["passage"],
                words=row["quoted"] or row["url"],
                handle=row["handle"],
                day=row["day"],
                status=row["status"] or "",
                how=row["how"] or "",
                ref=row["post"] or "",
                reason="; ".join(filter(None, (row["reason"], "" if row["verdict"] == "spliced" else row["told"]))),
                verdict=row["verdict"] or "",
                flags=row["flags"] or "",
                id_low=row["id_low"] or "",
                id_high=row["id_high"] or "",
                outcome=row["outcome"] or "",
                edits=row["edits"] or 0,
                changes=[_CHANGED[change["op"]].format(**change) for change in _changes(row["changes"])],
                parts=json.loads(row["parts"]),
                sources=_sources(session, covered, row),
            )
            for row in rows
        ],
    )


def _sources(session: Session, covered: sources.Coverage, row: Row) -> str:
    from archiver.jobs import found, sources

    if row["status"] == "resolved" or not sources.searchable(row["quoted"]):
        return ""
    return sources.tell(found.stored(session.archive, row["id"]), covered)


_CHANGED = {
    "replaced": "says “{quoted}” where the post says “{original}”",
    "added": "adds “{quoted}”",
    "removed": "leaves out “{original}”",
}


def _changes(written: str | None) -> list[dict[str, str]]:
    """The differences that make a quotation unfaithful: what is marked as left out or added is not among them."""
    return [change for change in json.loads(written or "[]") if change["op"] in _CHANGED]


def _phrase(text: str, source: str, target: str, pointer: str) -> str:
    start, _, end = pointer.partition(">")[0].partition("-")
    words = text[int(start) : int(end)] if source.startswith("doc:") else ""
    return f"“{words}” {source} stands in {target}"


def _handed(session: Session, name: str) -> str:
    """What a seed that is no document held: posts that prove themselves; empty where it held none."""
    row = session.archive.one(
        "SELECT count(*), coalesce(sum(p.valid), 0), (SELECT count(DISTINCT v.post) FROM sightings s "
        "JOIN versions v ON v.id = s.version WHERE s.capture = p.capture) FROM proofs p "
        "WHERE p.capture = (SELECT max(id) FROM captures WHERE tier = 'import' AND url = ?)",
        f"seed:{name}",
    )
    if row is None or not row[0]:
        return ""
    refused = f", {row[0] - row[1]} refused" if row[0] > row[1] else ""
    return f"a file of signed posts: {row[2]} posts; {row[1]} signatures hold{refused}"
