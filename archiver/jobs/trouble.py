"""One thing that somebody must know who is asleep until it matters: how bad it is, what it is, what to do next."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

OK, ATTENTION, BROKEN = "ok", "attention", "broken"
INPUT, MEND = "input", "Mend it, or take it away"
"""The kind of trouble that a seed is which cannot be used, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One reason: `key` names it from run to run, `level` is attention or broken, `what` a sentence, `next` what to do.
    Not `again`: nobody need be told a second time while it stands, since no person can mend it, or only by choice.
    `passing`: it happened, and stands no longer than the run that tells it, so that its end is no news. `heals`: it
    often does so by itself, so that nobody is told before it has stood for a while."""

    key: str
    level: str
    what: str
    next: str
    again: bool = True
    passing: bool = False
    heals: bool = False


def of_text(level: str, kind: str, what: str, next: str, *, again: bool = True, passing: bool = False) -> Trouble:
    """A trouble that is told in words of its own: its key is made of them, to the letter."""
    digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Trouble(key=f"{kind} {digest}", level=level, what=what, next=next, again=again, passing=passing)


def of_error(what: str, next: str, *, level: str) -> Trouble:
    """An error that ended a run: the same, whatever numbers it counts."""
    same = of_text(level, "error", re.sub(r"\d+", "0", what), next)
    return Trouble(key=same.key, level=level, what=what, next=next)
