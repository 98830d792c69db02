"""The outcome of a verification, kept in the log that was verified."""

from __future__ import annotations

from archiver.jobs import checkpoint
from archiver.jobs.session import Session
from archiver.jobs.verify import Verified


def record(session: Session, report: Verified) -> int:
    """Keeps in the log what was checked and how it ended: a `fixity` leaf. Its index."""
    counted = ", ".join(f"{number} {what}" for what, number in report.held.items())
    with session.archive.transaction():
        at, checked = session.now(), report.held.get("leaves", 0) + report.held.get("blobs", 0)
        fields = {
            "at": at,
            "checked": str(checked),
            "wrong": str(report.faults),
            "scope": report.scope,
            "detail": counted,
        }
        report.fixity = leaf = session.evidence.append("fixity", fields)
        session.archive.db.execute(
            "INSERT INTO fixities (origin, leaf, at, checked, wrong, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (session.evidence.origin, leaf, at, checked, report.faults, counted),
        )
    if report.faults:
        report.notes.append("The fixity leaf is not signed: what is wrong is to be looked at first")
        return leaf
    sealed = checkpoint.seal(session, make=False)
    report.notes += [*sealed.notes, *sealed.problems, *([sealed.broken] if sealed.broken else [])]
    return leaf
