"""Making all readings again from the evidence, and comparing: readings are a function of the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.jobs import before, follow, read, rules, ruling, settle
from archiver.jobs.differing import differing
from archiver.jobs.session import Session
from archiver.store import schema

MOST_SHOWN = 20


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """`captures` were read, `documents` settled; `rows` counts readings; `differences` maps a table to
    (rows that are gone, rows that are new), `shown` a few of them as text; `notes` say what older rules have
    to do with it; not `comparable` where mentions were found by older rules: then a difference may be no fault."""

    captures: int = 0
    documents: int = 0
    rows: int = 0
    differences: dict[str, tuple[int, int]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    comparable: bool = True


_OLDER = (
    "{count} verdicts were made under older rules ({policies}), which are gone: nothing was compared with them. "
    "`archiver rebuild --matches` judges them again and tells what differs"
)
_OTHER_MENTIONS = (
    "mentions were found by older rules ({policies}), so what differs cannot be told from a fault: `archiver rebuild "
    "--matches` finds and judges them again and tells what differs"
)


class _Undo(Exception):
    """Ends a check: everything it did is rolled back."""


def rebuild(session: Session, *, check: bool) -> Rebuilt:
    """Drops and makes all readings again in one transaction; with `check`, only compares and changes nothing."""
    report = Rebuilt()
    try:
        with session.archive.transaction():
            if check:
                _judge_older(session, report)
            else:
                follow.catch_up(session)
                before.keep_all(session.archive, session.state("read_upto"))
            _rebuild(session, report)
            if check:
                raise _Undo
            if next(differing(session.archive), None) is None:
                before.forget(session.archive)
            else:
                report.notes.append("what is said of mentions changed: `archiver rebuild --matches` tells what")
    except _Undo:
        pass
    return report


def _judge_older(session: Session, report: Rebuilt) -> None:
    """Judges again, inside the transaction of a check, the documents whose verdicts are of older rules: what these said
    can be compared with nothing, and a changed rule is no fault of the archive. Mentions of older rules do differ."""
    held = rules.MentionRules.parse(session.state(rules.STATE)).policies - {rules.mentions_of(ruling.POLICY)}
    older = rules.older(session.archive)
    if held:
        report.comparable = False
        report.notes.append(_OTHER_MENTIONS.format(policies=", ".join(sorted(held))))
    elif older:
        report.notes.append(_OLDER.format(count=sum(older.values()), policies=", ".join(older)))
    if older:
        found = session.archive.all(
            "SELECT DISTINCT m.document FROM matches x JOIN mentions m ON m.id = x.mention WHERE x.policy <> ? "
            "ORDER BY m.document",
            ruling.POLICY,
        )
        for start in range(0, len(found), settle.BATCH):
            keys = [int(row[0]) for row in found[start : start + settle.BATCH]]
            settle.settle_batch(session, keys, settle.Settled())


def _rebuild(session: Session, report: Rebuilt) -> None:
    db = session.archive.db
    for table in schema.TABLES:
        db.execute(f"DROP TABLE IF EXISTS temp.before_{table.name}")
        db.execute(f"CREATE TEMP TABLE before_{table.name} AS {schema.natural(table)}")
    report.captures, report.documents = remake(session)
    for table in schema.TABLES:
        now = schema.natural(table)
        former = f"SELECT * FROM temp.before_{table.name}"
        report.rows += db.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]
        gone = db.execute(f"SELECT * FROM ({former} EXCEPT {now}) ORDER BY 1").fetchall()
        new = db.execute(f"SELECT * FROM ({now} EXCEPT {former}) ORDER BY 1").fetchall()
        if gone or new:
            report.differences[table.name] = (len(gone), len(new))
            shown = [f"- {table.name}: {row[0]}" for row in gone[:MOST_SHOWN]]
            shown += [f"+ {table.name}: {row[0]}" for row in new[:MOST_SHOWN]]
            report.shown += [line.replace("\x1f", " | ").replace("\x1e", " / ") for line in shown]
        db.execute(f"DROP TABLE temp.before_{table.name}")


def remake(session: Session) -> tuple[int, int]:
    """Drops and makes all readings again, inside the caller's transaction. How many captures were read and documents
    settled."""
    db = session.archive.db
    schema.drop(db)
    schema.create(db)
    version = session.state("readings_version")
    before.drop_state(session.archive)
    session.remember("readings_version", version)
    session.remember(rules.STATE, str(rules.now(session.archive, "", "")))
    captures = sum(1 for _ in read.read_pending(session))
    return captures, settle.settle(session, everything=True).documents
