"""What `archiver status` prints."""

from __future__ import annotations

from dataclasses import asdict

from archiver.jobs.health import Health, size
from archiver.jobs.rules import told
from archiver.jobs.status import Status
from archiver.jobs.trouble import BROKEN
from archiver.render.text import as_json as print_json
from archiver.render.text import console, line, moment, safe, short

HEALTH = {"ok": "green", "attention": "yellow", "broken": "red"}
ROUTES = {"works": "green", "partly": "yellow", "fails": "red", "unknown": ""}


def print_status(status: Status, health: Health, *, as_json: bool) -> None:
    """The status of an archive: how it is first."""
    if as_json:
        print_json({"health": asdict(health), **asdict(status)})
        return
    out = console()
    _health(status, health)
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
    _queue(status)
    _platforms(status)
    for hook in status.hooks:
        why = f", takes none: {short(hook.failing.partition(' ')[2], 120)}" if hook.failing else ""
        line(f"Hook {hook.channel}: {hook.events} events wait, the first since {moment(hook.since)}{why}")
    grows = f", {size(status.disk.growth)} received in seven days" if status.disk.growth else ""
    line(f"Disk: the archive takes {size(status.disk.file)}{grows}; {size(status.disk.free)} are free.")
    for run in status.runs:
        ended = f"{run['captures']} captures, exit {run['exit_code']}" if run["ended_at"] else "did not end"
        until = f" – {moment(str(run['ended_at']))}" if run["ended_at"] else ""
        line(f"Run {moment(str(run['started_at']))}{until}: {ended}")


def _health(status: Status, health: Health) -> None:
    """The verdict, the reasons for it, and what to do about each."""
    success = f"; the last run that ended well: {moment(status.last_success)}" if status.last_success else ""
    now = f"; {safe(str(status.holder))}" if status.holder is not None else ""
    line("Health: ", (health.verdict, HEALTH[health.verdict]), success, now)
    for trouble in health.troubles:
        colour = "red" if trouble.level == BROKEN else "yellow"
        line((f"! {short(trouble.what, 400)}", colour), f". {safe(trouble.next)}")


def _queue(status: Status) -> None:
    queue = status.backlog
    if not status.scheduled:
        line("Queue: empty")
        return
    due = f", {queue.due:,} due now" if queue.due else ""
    due += f" ({queue.overdue:,} for more than a day)" if queue.overdue else ""
    due += f", {queue.switched_off:,} at hosts that are switched off" if queue.switched_off else ""
    failed = f", {status.waiting:,} after a failed look"
    line(f"Queue: {status.scheduled:,} refs{due}{failed}; next due {moment(status.next_due)}")
    paused = dict(status.paused)
    for host, waiting, count in status.hosts:
        until = f", left alone until {moment(paused[host])}" if host in paused else ""
        line(f"  {safe(host)}: {waiting:,}" + (f" ({count:,} failed)" if count else "") + until)
    others = [host for host in paused if host not in {name for name, _, _ in status.hosts}]
    if others:
        line(f"  and {len(others)} other hosts are left alone for now")


def _platforms(status: Status) -> None:
    """Which routes work, by platform: since yesterday and in a week."""
    for platform, state in status.platforms.items():
        line(f"Platform {platform}: ", (state, ROUTES[state]))
        for one in status.routes:
            if one.platform != platform:
                continue
            last = f", last answer {moment(one.last_answer)}" if one.last_answer else ""
            counts = f"since yesterday {_tries(one.day)}; in seven days {_tries(one.week)}{last}"
            line(f"  {one.name}: ", (one.state, ROUTES[one.state]), f"; {counts}")


def _tries(tries: tuple[int, int, int]) -> str:
    words = ("answered", "refused", "failed")
    return ", ".join(f"{n:,} {word}" for n, word in zip(tries, words, strict=True) if n) or "no try"


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
