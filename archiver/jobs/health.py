"""How an archive is: a verdict with its reasons and what to do next, for whoever is asleep until it matters.

`ok`: nothing needs a person. What failed and will be tried again is no trouble by itself. `attention`: somebody should
look within a day: work piles up, a platform or a hook does not answer, the log is not signed. `broken`: evidence is
at stake, or nothing is captured any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from archiver.jobs import holding, routes
from archiver.jobs.status import Status
from archiver.jobs.trouble import ATTENTION, BROKEN, OK, Trouble
from archiver.net.clock import time_of

SILENT, LOST = timedelta(days=1), timedelta(days=7)
"""So long without a successful run although something is due: look at it; nothing is watched any more."""
FULL, LITTLE = 64 << 20, 512 << 20
"""Bytes free on the disk: below the first no large body can be stored, below the second somebody should make room."""
WEEKS = 2
"""So many weeks of growth must be free, at least."""
MANY = 5
"""Tries since yesterday's midnight, none answered, before a platform is called failing; refs overdue before a backlog
is told."""
LATE = timedelta(hours=1)
"""Hooks that take nothing for so long are told."""
UNVOUCHED = timedelta(days=7)
AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The verdict is that of the worst trouble; `troubles` stand worst first."""

    verdict: str = OK
    troubles: list[Trouble] = field(default_factory=list)


def health_of(found: Iterable[Trouble]) -> Health:
    """The verdict on these troubles."""
    troubles = sorted(found, key=lambda one: (one.level != BROKEN, one.key))
    return Health(verdict=troubles[0].level if troubles else OK, troubles=troubles)


def judge(status: Status) -> Health:
    """The health of an archive, from its status alone."""
    seen = {one.key: one for one in status.seen}
    found = [*_runs(status), *_work(status), *_platforms(status), *_disk(status), *_log(status), *_hooks(status)]
    return health_of([*seen.values(), *(one for one in found if one.key not in seen)])


def _runs(status: Status) -> Iterator[Trouble]:
    held = status.holder
    if held is not None and held.stuck:
        yield Trouble(key="stuck", level=BROKEN, what=str(held), next=holding.advice(held))
    last = status.runs[0] if status.runs else None
    if last is None:
        return
    code = 0 if last["exit_code"] is None else int(str(last["exit_code"]))
    if not last["ended_at"] and held is None:
        what = f"the run of {_short(last['started_at'])} did not end: it was killed or failed, or the machine stopped"
        yield Trouble(
            key="died", level=ATTENTION, what=what, next="Nothing recorded is lost: the next run goes on where it ended"
        )
    if code & 4:
        what = f"the run of {_short(last['started_at'])} found that evidence or the log does not agree with itself"
        yield Trouble(key="integrity", level=BROKEN, what=what, next="archiver verify, and see docs/custody.md")
    elif code & 2:
        what = f"the run of {_short(last['started_at'])} could not use a seed or a key"
        yield Trouble(key="input", level=ATTENTION, what=what, next="archiver run --offline tells which and why")
    if time_of(str(last["started_at"])) - time_of(status.at) > AHEAD:
        what = f"the last run began at {_short(last['started_at'])}, which is still to come: the clock went back"
        yield Trouble(key="clock", level=ATTENTION, what=what, next="Check the clock of this machine (timedatectl)")
    silent = time_of(status.at) - time_of(status.last_ended or status.first_run or status.at)
    if silent > SILENT and (status.backlog.due or not last["ended_at"]) and held is None:
        since = f"since {_short(status.last_ended)}" if status.last_ended else "yet"
        yield Trouble(
            key="silent",
            level=BROKEN if silent > LOST else ATTENTION,
            what=f"no run has ended {since}",
            next="See whether cron or the timer is there (archiver doctor), and run `archiver run` by hand",
        )


def _work(status: Status) -> Iterator[Trouble]:
    queue = status.backlog
    if queue.overdue < MANY or not _grows(status):
        return
    before = "" if queue.before is None else f", {queue.before:,} a day ago"
    yield Trouble(
        key="backlog",
        level=ATTENTION,
        what=f"{queue.overdue:,} refs are due for more than a day, the first since {_short(queue.oldest)}{before}",
        next="Run more often or for longer, raise the pace or the budget of hosts ([hosts]), or watch less ([watch])",
    )


def _grows(status: Status) -> bool:
    """A backlog that shrinks is being worked off; one of which nothing earlier is known is told."""
    return status.backlog.before is None or status.backlog.overdue >= status.backlog.before


def _platforms(status: Status) -> Iterator[Trouble]:
    for platform, state in sorted(status.platforms.items()):
        tried = [one for one in status.routes if one.platform == platform and one.state == routes.FAILS]
        if state == routes.FAILS and sum(sum(one.day) for one in tried) >= MANY:
            last = max(one.last_answer for one in tried)
            since = f"the last answer came at {_short(last)}" if last else "none ever did within our memory"
            told = ", ".join(f"{one.name} {_counts(one.day)}" for one in tried)
            yield Trouble(
                key=f"platform {platform}",
                level=ATTENTION,
                what=f"nothing of {platform} can be read since yesterday ({told}); {since}",
                next="What could not be looked at is tried again. Where nothing comes at all, see whether this machine "
                "reaches it (archiver doctor --probe); a newer version may read what the platform changed",
                heals=True,
            )
            continue
        for one in tried:
            if sum(one.day) >= MANY:
                yield Trouble(
                    key=f"route {one.name}",
                    level=ATTENTION,
                    what=f"the route {one.name} answers nothing since yesterday ({_counts(one.day)})",
                    next=f"Nothing is lost while other routes of {platform} answer; a newer version may mend it",
                    again=False,
                    heals=True,
                )


def _disk(status: Status) -> Iterator[Trouble]:
    disk = status.disk
    if not disk.total:
        return
    want = max(LITTLE, WEEKS * disk.growth)
    if disk.free < want:
        level = BROKEN if disk.free < FULL else ATTENTION
        grows = f", and the archive grows by {size(disk.growth)} a week" if disk.growth else ""
        what = f"{size(disk.free)} are free on the disk{grows}"
        yield Trouble(key="disk", level=level, what=what, next="Make room, or move the archive to a larger disk")


def _log(status: Status) -> Iterator[Trouble]:
    if not status.leaves:
        return
    at = time_of(status.at)
    unsigned = status.leaves - status.signed
    if not status.keys:
        what = f"no key signs the log, {status.leaves:,} leaves are unsigned"
        yield Trouble(key="unsigned", level=ATTENTION, what=what, next="archiver keys create")
    elif unsigned > 0 and status.signed_at and at - time_of(status.signed_at) > SILENT and not status.holder:
        what = f"{unsigned:,} leaves of the log are unsigned, the others were signed at {_short(status.signed_at)}"
        yield Trouble(key="unsigned", level=ATTENTION, what=what, next="archiver run: it signs, or says why it cannot")
    for one in status.vouching:
        old = [other for other in status.unanswered if (other.kind, other.service) == (one.kind, one.service)]
        if old and one.at and at - time_of(one.at) > UNVOUCHED and max(other.attempts for other in old) > 1:
            what = f"{one.kind} {one.service} has vouched for nothing since {_short(one.at)}"
            told = f": {old[-1].last}" if old[-1].last else ""
            next_ = "It is asked again each day; see [anchors] of the configuration"
            yield Trouble(key=f"anchor {one.kind} {one.service}", level=ATTENTION, what=what + told, next=next_)
    for other in status.unanswered:
        if other.attempts > 10 and not any((v.kind, v.service) == (other.kind, other.service) for v in status.vouching):
            what = f"{other.kind} {other.service} never vouched for the log, after {other.attempts} tries"
            told = f": {other.last}" if other.last else ""
            next_ = "Check its address in [anchors] of the configuration"
            yield Trouble(key=f"anchor {other.kind} {other.service}", level=ATTENTION, what=what + told, next=next_)
    if status.exposed is not None and at - time_of(status.exposed.renew_at) > UNVOUCHED:
        what = f"timestamps end at {_short(status.exposed.until)} and were to be renewed"
        next_ = "Configure a timestamping service that answers ([[anchors.rfc3161]])"
        yield Trouble(key="renewal", level=ATTENTION, what=what, next=next_)


def _hooks(status: Status) -> Iterator[Trouble]:
    for one in status.hooks:
        since = one.failing.partition(" ")[0] if one.failing else one.since
        if time_of(status.at) - time_of(since) > LATE:
            why = one.failing.partition(" ")[2]
            what = f"the {one.channel} of [hooks] is still to be told {one.events:,} events, the first since "
            what += _short(one.since) + (f": {why}" if why else "")
            yield Trouble(
                key=f"hook {one.channel}",
                level=ATTENTION,
                what=what,
                next="See whether it is there and what it answers; each event waits until it is taken",
            )


def _counts(tries: tuple[int, int, int]) -> str:
    words = ("answered", "refused", "failed")
    return ", ".join(f"{n} {word}" for n, word in zip(tries, words, strict=True) if n)


def _short(text: object) -> str:
    return f"{str(text)[:16]}Z".replace("T", " ")


def size(count: int) -> str:
    """Bytes as a person reads them: 3.2 GB."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:,.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
