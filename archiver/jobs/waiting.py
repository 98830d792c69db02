"""What waits after a run and why, and what a clock that was ahead has left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta

from archiver import schedule
from archiver.jobs.config import Config
from archiver.jobs.session import Session
from archiver.model import Outcome
from archiver.net.policy import MAX_BYTES
from archiver.store import hosts

CLOCK = "clock"
"""The latest time that a run has seen."""
LIMIT, BLOCKING = "max_bytes", "blocking"
"""The largest body that the last run allowed, and by what it refused to ask, as a digest."""
TOLERATED = timedelta(hours=1)
"""A clock that is set right by less changes nothing that matters."""
LONGEST_PAUSE = timedelta(days=7)
COUNTED, TOLD = 10_000, 10


def mind_clock(session: Session) -> list[str]:
    """To be called once as a run begins, under its lock: drops leases that a killed run left, heals what a clock
    that was ahead has scheduled, and says so."""
    now = session.now()
    session.frontier.release_all()  # a killed run left its leases
    seen = session.state(CLOCK)
    told: list[str] = []
    if seen and schedule.parse_time(seen) - schedule.parse_time(now) > TOLERATED:
        pause = schedule.time_text(schedule.parse_time(now) + LONGEST_PAUSE)
        count = session.frontier.set_back(now, pause=pause)
        told.append(
            f"the clock stood at {seen} in an earlier run and stands at {now} now: {count} refs that it put off "
            "are due. Captures of that time carry the wrong one; their order in the log holds"
        )
    if now != seen:
        session.remember(CLOCK, now)
    hosts.forget(session.archive, _day(now, -hosts.KEPT_DAYS))
    return told


def mind_bounds(session: Session) -> list[str]:
    """What the run before refused by itself is due where this one may not: what was too large once larger bodies are
    allowed, what was blocked once other hosts, addresses or robots.txt are heeded. Says so."""
    told, now = list[str](), session.now()
    limit, held = int(session.config.network.get("max_bytes", MAX_BYTES)), session.state(LIMIT)
    if held != str(limit):
        with session.archive.transaction():
            session.remember(LIMIT, str(limit))
            count = session.frontier.again(Outcome.TOO_LARGE, now) if held and limit > int(held) else 0
        refs = "1 ref that was too large is" if count == 1 else f"{count} refs that were too large are"
        told += [f"bodies of up to {limit} bytes are allowed now, and {refs} due"] if count else []
    blocking, held = _blocking(session.config), session.state(BLOCKING)
    if held != blocking:
        with session.archive.transaction():
            session.remember(BLOCKING, blocking)
            count = session.frontier.again(Outcome.BLOCKED, now) if held else 0
        refs = "1 ref that was blocked is" if count == 1 else f"{count} refs that were blocked are"
        told += [f"what is blocked was configured anew, and {refs} due"] if count else []
    return told


def _blocking(config: Config) -> str:
    """By what requests are refused, as a digest."""
    book = config.manners
    off = sorted(name for name, rule in {"default": book.default, **book.rules}.items() if rule.off)
    says = (off, sorted(config.network.get("allow_private", ())), config.robots)
    return hashlib.sha256(repr(says).encode()).hexdigest()


def unread(session: Session) -> bool:
    """Whether captures were stored and not read: a crash came between, or readings are made anew."""
    upto = int(session.state("read_upto") or -1)
    sql = "SELECT 1 FROM captures WHERE origin = ? AND leaf > ? LIMIT 1"
    return session.archive.one(sql, session.evidence.origin, upto) is not None


def unsettled(session: Session) -> bool:
    """Whether the log has grown since documents were settled."""
    return session.state("settled_upto") != str(session.evidence.size() - 1)


def saw(session: Session, now: str) -> None:
    """Keeps the latest time at which a look ended, inside the caller's transaction: a clock may leap within a run, and
    be set right before the next."""
    session.archive.db.execute(
        "INSERT INTO work_state (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > value",
        (CLOCK, now),
    )


def askable(session: Session) -> bool:
    """Whether anything is due on a host that may be asked. Loads no network."""
    due, now = session.frontier.next_due(), session.now()
    if due is None or due > now:
        return False
    found = session.frontier.hosts(now, limit=COUNTED)
    return any(not session.config.manners.of_host(host).off for host in found)


def notes(session: Session, stopped: str, left: Iterable[tuple[str, str]]) -> list[str]:
    """Why something that is due was not looked at: the bound of the run, and hosts that were not asked."""
    now, told = session.now(), list[str]()
    if stopped:
        told.append(f"ended in order at {stopped}: {_count(session.frontier.due(now, COUNTED))} for the next run")
    for host, reason in sorted(left):
        count = session.frontier.due_on(host, now, COUNTED)
        if count:
            told.append(f"{reason}: {_count(count)} for it")
    return told if len(told) <= TOLD else [*told[:TOLD], f"and {len(told) - TOLD} more hosts that are not asked now"]


def off(session: Session) -> list[str]:
    """What waits for hosts that are switched off. Counted by index, only where a table says `off`."""
    book, now = session.config.manners, session.now()
    if not book.default.off and not any(rule.off for rule in book.rules.values()):
        return []
    waiting = [host for host in session.frontier.hosts(now, limit=COUNTED) if book.of_host(host).off]
    reasons = [(host, f"{host} is switched off in [hosts]") for host in waiting]
    return notes(session, "", reasons)


def forbidden(pages: Mapping[str, int]) -> list[str]:
    """How many crawled pages were not asked for, by the host whose robots.txt forbids them."""
    told = [
        f"{count} {'page was' if count == 1 else 'pages were'} not asked for: robots.txt of {host}"
        for host, count in sorted(pages.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return told if len(told) <= TOLD else [*told[:TOLD], f"and of {len(told) - TOLD} more hosts"]


def cut(beyond: Mapping[str, int]) -> list[str]:
    """How many links of which posts were not followed."""
    from archiver.jobs.follow import MOST  # it loads what reads documents, which a run with nothing due does not need

    told = [
        f"{ref} links to {count} more than the {MOST} that are followed"
        for ref, count in sorted(beyond.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return told if len(told) <= TOLD else [*told[:TOLD], f"and {len(told) - TOLD} more posts with too many links"]


def _count(count: int) -> str:
    more = "at least " if count == COUNTED else ""
    return f"{more}{count} {'ref waits' if count == 1 else 'refs wait'}"


def _day(now: str, days: int) -> str:
    return schedule.time_text(schedule.parse_time(now) + timedelta(days=days))[:10]
