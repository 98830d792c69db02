"""What happened to a post, in sentences: each names the two observations that it lies between, and the routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archiver.render.text import moment, short
from archiver.store.fates import GONE

SHOWN = 200
"""Characters of one side of a difference."""
_MEANS = {
    "deleted": "deleted",
    "suspended": "not shown: the account is suspended",
    "protected": "not shown: its author shows it to followers only",
    "withheld": "withheld in some places",
    "age-gated": "shown only after a check of age",
    "login-required": "shown only after a login",
    "not-found": "not found",
    "unavailable": "not shown",
}
_MEANS_NOT = {
    "age-gated": ", which is no deletion",
    "login-required": ", which is no deletion",
    "not-found": ", which does not say that it was deleted",
    "unavailable": ", and the platform does not say why",
}
"""What an outcome leaves open: said after its time, which is not the time of a deletion."""

_SHOWN_BY = {"marker": "the platform's marker", "same-route": "two sightings by one route"}


def lines(happened: Iterable[dict[str, Any]]) -> Iterator[str]:
    """`Live at T1 (route); not found at T2 by two routes …`, `Shown again at T3 …`, `Edited between T1 and T2 …`."""
    for one in happened:
        kind, before, after = one["kind"], one["last_before"], one["first_after"]
        if kind == "edited":
            yield from _edited(one, before, after)
        elif kind == "returned":
            yield f"Shown again at {moment(after['at'])}{_routes(one['answers'], after)}{_since(before, 'not shown')}"
        else:
            first, last = _telling(one), str(one["outcome"])
            sentence = f"{_live(before)}{_means(first)} at {moment(after['at'])}{_routes(one['answers'], after)}"
            sentence += _MEANS_NOT.get(first, "")
            if first != last:
                sentence += f"; {_means(last)} since {moment(one['told_at'])}{_MEANS_NOT.get(last, '')}"
            yield sentence[0].upper() + sentence[1:]


def state(outcome: str, *, edited: bool) -> str:
    """What became of a post, in a clause, and no more than the outcome says; empty where it is live and as it was."""
    told = ["the post was edited"] if edited else []
    if outcome in _MEANS:
        told.append(f"the post is {_MEANS[outcome]}{_MEANS_NOT.get(outcome, '')}")
    elif outcome not in ("", "live", "unknown"):
        told.append(f"what became of the post is not known ({outcome})")
    return "; ".join(told)


def _means(outcome: str) -> str:
    return _MEANS.get(outcome, f"not shown ({short(outcome, 40)})")


def _live(before: dict[str, Any] | None) -> str:
    """The observation that last showed it: at its own address, or only beside another post, where copies outlive it."""
    if before is None:
        return ""
    seen = f"at {moment(before['at'])} ({short(before['route'], 40)}); "
    return f"Shown beside {short(before['beside'], 120)} {seen}" if before["beside"] else f"Live {seen}"


def _telling(one: dict[str, Any]) -> str:
    """What the look came to that first found it gone: a later one may have told more."""
    said = {answer["outcome"] for answer in one["answers"]}
    if one["told_at"] == one["at"] or not said or one["outcome"] in said:
        return str(one["outcome"])
    return next((outcome for outcome in map(str, GONE) if outcome in said), str(one["outcome"]))


def _since(before: dict[str, Any] | None, what: str) -> str:
    return "" if before is None else f"; last {what} at {moment(before['at'])} ({short(before['route'], 40)})"


def _routes(answers: list[dict[str, Any]], after: dict[str, Any]) -> str:
    """` by two routes (a: not-found, b: deleted)`: which routes said so, and what each said where they differ."""
    said: dict[str, list[str]] = {}
    for answer in answers or [{"route": after["route"], "outcome": ""}]:
        said.setdefault(answer["route"], []).append(answer["outcome"])
    same = len({outcome for outcomes in said.values() for outcome in outcomes}) < 2
    named = [short(route, 40) + ("" if same else f": {', '.join(outcomes)}") for route, outcomes in said.items()]
    count = {1: "one route", 2: "two routes"}.get(len(named), f"{len(named)} routes")
    return f" by {count} ({'; '.join(named) if not same else ', '.join(named)})"


def _edited(one: dict[str, Any], before: dict[str, Any] | None, after: dict[str, Any]) -> Iterator[str]:
    shown_by: dict[str, list[str]] = {}
    for shown in one["shown_by"]:
        shown_by.setdefault(_SHOWN_BY.get(shown["by"], shown["by"]), []).append(short(shown["route"], 40))
    by = " and ".join(f"{name} ({', '.join(routes)})" for name, routes in shown_by.items())
    when = f"before {moment(after['at'])}"
    if before is not None:
        when = f"between {moment(before['at'])} and {moment(after['at'])}"
    yield f"Edited {when}: shown by {by}"
    for change in one["differences"]:
        old, new = short(change["before"], SHOWN), short(change["after"], SHOWN)
        told = {"added": f"added “{new}”", "removed": f"removed “{old}”"}.get(change["op"], f"“{old}” became “{new}”")
        yield f"  {told}"
    if one["more"]:
        yield f"  and {one['more']} more differences"
    if one["before"] is None:
        yield "  the words before were never seen"
    elif one["before"] == one["after"]:
        yield "  the words are the same: media, their descriptions, a warning or a date changed"
