"""What `archiver status` prints."""

from __future__ import annotations

from dataclasses import asdict

from archiver.jobs.rules import told
from archiver.jobs.status import Status
from archiver.render.text import as_json as print_json
from archiver.render.text import console, line, moment, safe


def print_status(status: Status, *, as_json: bool) -> None:
    """The status of an archive."""
    if as_json:
        print_json(asdict(status))
        return
    out = console()
    out.print(", ".join(f"{count:,} {name}" for name, count in status.counts.items()))
    out.print(f"Log: {status.leaves:,} leaves{_signed(status)}. Blobs: {status.blob_bytes:,} bytes.")
    _anchors(status)
    for title, counts in (
        ("Posts by outcome", status.outcomes),
        ("Mentions", status.resolutions),
        ("Verdicts", status.verdicts),
    ):
        if counts:
            out.print(f"{title}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    for sentence in told(status.older, sum(status.verdicts.values()), status.replaced):
        out.print(sentence)
    if status.scheduled:
        out.print(
            f"Queue: {status.scheduled} refs, {status.waiting} after a failed look; next due {moment(status.next_due)}"
        )
        for host, waiting, failed in status.hosts:
            out.print(f"  {host}: {waiting}" + (f" ({failed} failed)" if failed else ""))
    else:
        out.print("Queue: empty")
    for run in status.runs:
        ended = f"{run['captures']} captures, exit {run['exit_code']}" if run["ended_at"] else "did not end"
        until = f" – {moment(str(run['ended_at']))}" if run["ended_at"] else ""
        out.print(f"Run {moment(str(run['started_at']))}{until}: {ended}")


def _signed(status: Status) -> str:
    """How much of the log is signed, and what to do where no key signs it."""
    if not status.keys:
        return ", and no key signs them: `archiver keys create` makes one"
    if not status.signed:
        return ", none of them signed yet: the next run signs them"
    when = f"signed at {moment(status.signed_at)}"
    if status.signed >= status.leaves:
        return f", all {when}"
    return f", the first {status.signed:,} {when}, the others by the next run"


def _anchors(status: Status) -> None:
    """Who vouches for the log, who does not yet, and whose certificates end soon."""
    for one in status.vouching:
        when = f"the first {one.verified:,} leaves, stated {moment(one.at)}" if one.at else ""
        more = f"an answer about {one.size:,} without a verified time" if one.size > one.verified else ""
        qualified = " (qualified, as configured)" if one.qualified else ""
        line(f"Anchor {one.kind} {one.service}{qualified}: {'; '.join(filter(None, (when, more)))}")
        if one.ends_soon:
            again = "each week a run takes another timestamp, until one holds for longer"
            line((f"! its certificates end at {moment(one.until)}: {again}", "yellow"))
    if status.exposed is not None:
        weak = status.exposed
        what = f"the first to end are {weak.count:,} of rfc3161 {weak.service}, at {moment(weak.until)}"
        line(f"Timestamps: {what}; from {moment(weak.renew_at)} on a run renews them")
    for question in status.unanswered:
        tries = f" after {question.attempts} tries" if question.attempts else ""
        last = f": {safe(question.last)}" if question.last else ""
        what = f"{question.kind} {question.service} about {question.size:,} leaves"
        line(f"To be asked{tries}: {what}, due {moment(question.due_at)}{last}")
