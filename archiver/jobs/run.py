"""One run: intake, capture, settle, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archiver.errors import InputError
from archiver.jobs import checkpoint, follow, found, intake, read, rules, settle, sources
from archiver.jobs.config import Config
from archiver.jobs.session import Session, open_session
from archiver.jobs.show import find_mention
from archiver.model import POST_KINDS, Ref
from archiver.net.clock import utc_now
from archiver.net.uid import new_uid
from archiver.platforms import claim
from archiver.store.archive import Row

Progress = Callable[[str, int, int], None]
"""(what is done, done, waiting)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked to do."""

    seeds: tuple[str, ...] = ()
    collection: str = ""
    column: str = ""
    media_type: str = ""
    offline: bool = False
    replay: Path | None = None
    recheck: bool = False
    command: str = ""


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
    for it, `broken` that the log is not the one that was signed or cosigned before."""

    stored: int = 0
    known: int = 0
    captures: int = 0
    received: int = 0
    looks: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    scheduled: int = 0
    next_due: str = ""
    failed: bool = False
    offline: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    broken: str = ""
    documents: list[DocumentReport] = field(default_factory=list)


def run_archive(
    db: Path,
    config: Config,
    options: Options,
    *,
    progress: Progress | None = None,
    now: Callable[[], str] = utc_now,
    stdin: BinaryIO | None = None,
) -> Report:
    """Runs once over one archive. InputError when it cannot be opened or another run is at work."""
    report = Report(offline=options.offline)
    with open_session(db, config, now=now) as session:
        report.notes += session.notes
        if not options.offline:
            session.only("wire" if options.replay is None else "replay")
        started = session.now()
        session.archive.db.execute(
            "INSERT INTO work_runs (started_at, command) VALUES (?, ?)", (started, intake.printable(options.command))
        )
        run_id = session.archive.value("SELECT max(id) FROM work_runs")
        _catch_up(session)
        source = stdin if stdin is not None else (sys.stdin.buffer if "-" in options.seeds else None)
        taken = intake.take(
            session,
            options.seeds,
            collection=options.collection,
            column=options.column,
            media_type=options.media_type,
            stdin=source,
        )
        report.stored, report.known, report.problems = taken.stored, taken.known, taken.problems
        report.notes += taken.notes
        if not options.offline:
            _capture(session, options, report, progress)
        settle.settle(session)
        report.notes += rules.notes(session.archive)
        _count(session, report)
        _tell(session, report, taken.names, started)
        _seal(session, options, report)
        _anchor(session, options, report)
        code = int(report.failed) | 2 * bool(report.problems) | 4 * bool(report.broken)
        session.archive.db.execute(
            "UPDATE work_runs SET ended_at = ?, captures = ?, failures = ?, exit_code = ? WHERE id = ?",
            (session.now(), report.captures, report.waiting, code, run_id),
        )
    return report


def _catch_up(session: Session) -> None:
    """Reads what a crash left unread; seeds among it are followed as they would have been."""
    for row, result in read.read_pending(session):
        if row["tier"] == "import":
            follow.follow_document(session, result, seed=row["url"].removeprefix("seed:"))


def _capture(session: Session, options: Options, report: Report, progress: Progress | None) -> None:
    """Looks at everything that is due. The network layer is loaded only when something is."""
    if options.recheck:
        session.frontier.make_due(session.now())
    due = session.frontier.next_due()
    if due is None or due > session.now():
        return
    from archiver.jobs.asking import capturing  # loads httpx: only when something is due

    with capturing(session, replay=options.replay, progress=progress) as job:
        summary = job.run()
    report.captures, report.received, report.looks = summary.captures, summary.received, summary.looks
    report.outcomes = dict(sorted(summary.outcomes.items()))
    report.failed, report.failures = summary.failed > 0, summary.failures


def _seal(session: Session, options: Options, report: Report) -> None:
    """Ends the run with a signed head. A recording that is replayed is no evidence: no key is made for it."""
    sealed = checkpoint.seal(session, make=options.replay is None)
    report.log, report.broken = sealed.told, sealed.broken
    report.notes += sealed.notes
    report.problems += sealed.problems


def _anchor(session: Session, options: Options, report: Report) -> None:
    """Has the configured services vouch for the head; neither for a recording nor for a log that is broken."""
    if not session.config.anchors or options.offline or options.replay is not None or report.broken:
        return
    from archiver.jobs.anchor import anchor  # loads httpx: only when there is somebody to ask

    anchored = anchor(session)
    report.log += anchored.told
    report.notes += anchored.notes
    report.broken = "; ".join(anchored.broken)


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


def _count(session: Session, report: Report) -> None:
    row = session.archive.one(
        "SELECT count(*), coalesce(sum(attempts > 0), 0) FROM work_queue WHERE due_at IS NOT NULL"
    )
    report.scheduled, report.waiting = (0, 0) if row is None else (int(row[0]), int(row[1]))
    report.failed = report.failed or report.waiting > 0
    report.next_due = session.frontier.next_due() or ""


def _tell(session: Session, report: Report, names: list[str], since: str) -> None:
    """The documents of the seeds, and of the pages that they asked for and that were looked at in this run."""
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
            unreadable = f"known already, and not readable: {reason['reason'] if reason else 'no text'}"
            report.notes.append(f"{name}: {posts or unreadable}")
    for page in session.archive.all(
        "SELECT q.ref FROM work_queue q WHERE q.purpose = 'seed' AND q.last_at >= ? ORDER BY q.ref", since
    ):
        shown = session.archive.one(
            "SELECT d.id, r.ref, d.characters, d.media_type, c.url FROM captures c "
            "JOIN refs r ON r.ref = 'doc:document:' || c.entity_sha256 JOIN documents d ON d.id = r.id "
            "WHERE c.ref = ? AND c.route = 'page' AND c.status BETWEEN 200 AND 299 ORDER BY c.id DESC LIMIT 1",
            page["ref"],
        )
        if shown is not None:
            report.documents.append(_document(session, covered, shown["url"], shown))


def _document(session: Session, covered: sources.Coverage, name: str, document: Row) -> DocumentReport:
    key = document["id"]
    rows = session.archive.all(
        "SELECT m.id, m.kind, r.ref AS passage, m.quoted, m.handle, m.day, m.url, s.status, s.how, p.ref AS post, "
        "s.reason, s.id_low, s.id_high, x.verdict, x.flags, x.changes, x.reason AS told, t.outcome, t.edits, "
        "(SELECT json_group_array(ref) FROM (SELECT q.ref FROM matches y JOIN refs q ON q.id = y.post "
        "WHERE y.mention = m.id AND y.verdict = 'spliced' ORDER BY y.rank)) AS parts "
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as it was stored: `leaf` is its statement, `signed` whether a head of the log covers it; `notes` say
    why not, or that a key was made; `broken` that the log is not the one that was signed before. `queued` when the post
    is to be captured still."""

    mention: str
    post: str
    reason: str
    leaf: int
    queued: bool
    signed: bool
    broken: bool
    notes: tuple[str, ...]


def resolve_mention(
    db: Path, config: Config, mention: str, url: str, *, reason: str, by: str = "", now: Callable[[], str] = utc_now
) -> Decided:
    """Records a person's decision as a statement, queues the post and settles the document again."""
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    ref = claim(url)
    if ref is None:
        try:
            ref = Ref.parse(url)
        except InputError:
            raise InputError(f"{url!r} is neither an address nor a ref", hint="For example x:post:20") from None
    if ref.kind not in POST_KINDS:
        raise InputError(f"{url} is no post ({ref})", hint="Give the address of the post itself")
    if not reason.strip():
        raise InputError("a decision needs a reason", place="--reason", hint="Say why this mention is that post")
    with open_session(db, config, now=now) as session:
        mention = find_mention(session.archive, mention)
        stored = session.evidence.state(
            new_uid(),
            who=by or config.operator,
            what="resolves",
            subject=mention,
            object=str(ref),
            reason=reason,
        )
        queued = follow.enqueue(session, ref, purpose="post", depth=0, seed=mention)
        settle.settle(session)
        sealed = checkpoint.seal(session, make=True)
    return Decided(
        mention=mention,
        post=str(ref),
        reason=reason,
        leaf=stored.leaf,
        queued=queued,
        signed=sealed.head is not None,
        broken=bool(sealed.broken),
        notes=(*sealed.told, *sealed.notes, *sealed.problems, *filter(None, (sealed.broken,))),
    )
