"""What `archiver doctor` finds: one value for each thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, WRONG = "ok", "warning", "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing that was looked at: under which heading, how it stands (ok, warning, wrong), what was seen, where, and
    the next step, empty where all is well."""

    check: str
    state: str
    what: str
    place: str = ""
    next: str = ""


def ok(check: str, what: str, place: str = "") -> Sign:
    """Nothing is to be done."""
    return Sign(check=check, state=OK, what=what, place=place)


def warning(check: str, what: str, next: str, place: str = "") -> Sign:
    """Somebody should look."""
    return Sign(check=check, state=WARNING, what=what, place=place, next=next)


def wrong(check: str, what: str, next: str, place: str = "") -> Sign:
    """It does not work, or evidence is at stake."""
    return Sign(check=check, state=WRONG, what=what, place=place, next=next)
