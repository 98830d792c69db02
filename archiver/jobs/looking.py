"""One ref being looked at, and how the look ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.jobs import read
from archiver.jobs.gate import NotNow
from archiver.model import Answer, Exchange, Outcome, Request
from archiver.platforms import Platform
from archiver.store import fates
from archiver.store.queue import Task


@dataclass(slots=True, kw_only=True)
class Look:
    """One ref being looked at. `skipped` says why requests were not made; `led` are addresses that redirects led to and
    whose robots.txt was not known; `forbidden` is the host whose robots.txt does not let the page be asked for;
    `because` why it is put off, or `stuck`: what comes next cannot be planned; `whole` that no condition is put
    again."""

    task: Task
    platform: Platform
    answers: list[Answer] = field(default_factory=list)
    reads: list[read.Read] = field(default_factory=list)
    asked: set[tuple[str, str, str, bool]] = field(default_factory=set)
    latest: dict[int, Answer] = field(default_factory=dict)
    waiting: int = 0
    retry_after: float = 0.0
    postponed: bool = False
    skipped: list[NotNow] = field(default_factory=list)
    led: list[str] = field(default_factory=list)
    forbidden: str = ""
    because: str = ""
    stuck: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """From a worker to the writer: a finished try (`exchanges`), or the end of a request (`exchanges` empty), which may
    not have been made: `postponed` for so many seconds, or `skipped`, with the request as it was `planned`."""

    look: Look
    number: int
    exchanges: tuple[Exchange, ...] = ()
    postponed: float = 0.0
    skipped: NotNow | None = None
    planned: Request | None = None
    bug: BaseException | None = None


def outcome_of_look(look: Look) -> Outcome:
    """How a look ended: live when any route showed the post, else the most telling answer, else the last failure."""
    same = {look.task.ref}
    for result in look.reads:
        same |= {alias.ref for alias in result.reading.aliases if alias.alias in same}
    found = [finding.outcome for result in look.reads for finding in result.reading.findings if finding.ref in same]
    if Outcome.LIVE in found:
        return Outcome.LIVE
    if look.stuck:
        return Outcome.UNREADABLE
    told = [outcome for outcome in found if outcome in fates.GONE]
    if told:
        return min(told, key=fates.GONE.index)
    return found[-1] if found else Outcome.UNKNOWN


def why(look: Look, told: str) -> str:
    """The reason that the last answer about the ref gave, behind a colon; empty when there was none."""
    found = [finding for result in look.reads for finding in result.reading.findings if finding.ref == look.task.ref]
    reason = found[-1].reason.removeprefix(f"{told}: ") if found else ""
    reason = look.because or reason
    return f": {reason}" if reason else ""
