"""One thing that somebody must know who is asleep until it matters: how bad it is, what it is, what to do next."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
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


STATE = "troubles"
"""Under this name work remembers what the last run saw, for whoever asks for the status."""
MOST, LONGEST = 20, 500
_TEXTS = ("key", "level", "what", "next")


def written(troubles: Iterable[Trouble]) -> str:
    """Those that stand and that a person can mend, as JSON: what is told once is nothing for a monitor."""
    kept = [one for one in troubles if one.again and not one.passing]
    return json.dumps([{name: getattr(one, name)[:LONGEST] for name in _TEXTS} for one in kept[:MOST]])


def read(text: str) -> list[Trouble]:
    """The inverse, as far as it goes; nothing of what nobody of us wrote."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = []
    for one in held if isinstance(held, list) else ():
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in _TEXTS):
            continue
        if one["level"] in (ATTENTION, BROKEN):
            found.append(Trouble(**{name: one[name] for name in _TEXTS}))
    return found
