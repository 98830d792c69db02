"""What became of a post, as the answers about it tell in log order: its outcome now, and when it went, came back or was
edited. Pure: rows in, values out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from archiver.model import Outcome

# What an answer says of the post itself, most telling first. All other outcomes speak of the attempt.
GONE = (
    Outcome.SUSPENDED,
    Outcome.PROTECTED,
    Outcome.WITHHELD,
    Outcome.AGE_GATED,
    Outcome.LOGIN_REQUIRED,
    Outcome.DELETED,
    Outcome.NOT_FOUND,
    Outcome.UNAVAILABLE,
)
ABSENT = "absent-from-repository"
ROUND = timedelta(hours=1)
"""Routes are asked one after another. One that says "gone" and another that shows the post within this time disagree:
nothing has happened to the post."""
WENT, RETURNED, EDITED = "gone", "returned", "edited"
Words = tuple[str, str]


def own(capture: str, ref: str, post: str) -> str:
    """SQL: whether a capture (an alias of that table) was asked about a post, given by its ref and local id, and not
    about another whose answer shows it, too."""
    return (
        f"({capture}.tier = 'import' OR {capture}.ref = {ref} OR EXISTS (SELECT 1 FROM refs ox JOIN aliases oa "
        f"ON oa.alias = ox.id WHERE ox.ref = {capture}.ref AND oa.ref = {post}) OR CASE WHEN "
        f"json_valid({capture}.request) THEN EXISTS (SELECT 1 FROM json_each({capture}.request, '$.refs') oj "
        f"WHERE oj.value = {ref}) ELSE 0 END)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change between two observations: `before` is the capture that last showed the other state (None: none did),
    `capture` the first that showed this one, at `at`. What is gone has the outcome that its answers together came to,
    first told at `told_at`. `versions` are those before and after an edit."""

    kind: str
    outcome: str
    at: str
    told_at: str
    before: int | None
    capture: int
    versions: tuple[int | None, int | None] = (None, None)


class Fate:
    """What all answers so far together say of a ref. See `outcome_of`."""

    __slots__ = ("_flipped", "_last", "_removed", "_requested", "_shown", "_since", "_spoke")

    def __init__(self, requested: str = "") -> None:
        self._last: dict[str, Any] = {}
        self._since: dict[str, str] = {}
        self._flipped: set[str] = set()
        self._shown, self._removed = False, ""
        self._spoke: dict[bool, Any] = {}
        self._requested = (requested, "")

    def add(self, row: Any) -> bool:
        """The next answer in log order. False where it says nothing: platforms go on to show a post by value beside one
        that quotes it, after they have called it gone by the same route at its own address."""
        route, before = row["route"], self._last.get(row["route"])
        gone = before is not None and before["own"] and before["outcome"] in GONE
        if gone and row["outcome"] == Outcome.LIVE and not row["own"]:
            return False
        self._spoke[row["outcome"] != Outcome.UNREADABLE] = row
        if self._requested[0] and row["reason"] == self._requested[0] and not self._requested[1]:
            self._requested = (self._requested[0], str(row["observed_at"]))
        if row["outcome"] == Outcome.LIVE:
            self._flipped.clear()
            self._shown, self._removed = True, ""
        elif row["outcome"] not in GONE:
            return True
        else:
            if before is not None and before["outcome"] == Outcome.LIVE:
                self._flipped.add(route)
            if row["reason"] == ABSENT and self._shown:
                self._removed = self._removed or str(row["observed_at"])
        if before is None or before["outcome"] != row["outcome"]:
            self._since[route] = str(row["observed_at"])
        self._last[route] = row
        return True

    def told(self) -> tuple[str, str]:
        """The outcome, and since which observation."""
        if self._requested[1]:
            return Outcome.DELETED.value, self._requested[1]
        live = [row for row in self._last.values() if row["outcome"] == Outcome.LIVE]
        if live and not self._flipped:
            newest = max(live, key=lambda row: str(row["observed_at"]))
            return str(newest["outcome"]), str(newest["observed_at"])
        gone = [
            row for row in self._last.values() if row["outcome"] in GONE and (not live or row["route"] in self._flipped)
        ]
        if gone:
            telling = min(gone, key=lambda row: (GONE.index(Outcome(row["outcome"])), self._since[row["route"]]))
            if self._removed and GONE.index(Outcome(telling["outcome"])) > GONE.index(Outcome.DELETED):
                return Outcome.DELETED.value, self._removed
            return str(telling["outcome"]), self._since[telling["route"]]
        spoke = self._spoke.get(True, self._spoke.get(False))
        return ("", "") if spoke is None else (str(spoke["outcome"]), str(spoke["observed_at"]))


def outcome_of(rows: Iterable[sqlite3.Row]) -> tuple[str, str]:
    """What all captures together say of a ref, and since which observation.

    Rows are (outcome, reason, route, observed_at, own) in log order; `own` says that this ref was asked about, and not
    another whose answer shows it, too. Routes disagree (one is cut off, another still serves):
    a post is called gone only when no route's last word is `live`, or when a route that did show it has since
    said otherwise and no route has shown it later. Failed attempts never count while any answer spoke. A proof that
    a repository does not hold what an earlier capture showed means deleted. Of what is gone the time is when it was
    first said, as long as that route said nothing else since; of what is live, when it was last seen.
    """
    fate = Fate()
    for row in rows:
        fate.add(row)
    return fate.told()


def departures(rows: Iterable[Any], requested: str = "") -> list[Event]:
    """When a post that was shown was shown no more, and when it was shown again. Rows as for `outcome_of`, with
    `capture`. `requested` is the reason that its author's own request for deletion bears: nobody takes that back."""
    fate, out = Fate(requested), list[Event]()
    open_: Event | None = None
    routes: set[str] = set()
    shown: int | None = None
    last_gone: int | None = None
    for row in rows:
        if not fate.add(row):
            continue
        outcome, _ = fate.told()
        gone, at, capture = outcome in GONE, str(row["observed_at"]), int(row["capture"])
        asked = bool(requested) and row["reason"] == requested
        if open_ is None and gone and (shown is not None or asked):
            open_ = Event(kind=WENT, outcome=outcome, at=at, told_at=at, before=shown, capture=capture)
            routes = {str(row["route"])}
        elif open_ is not None and gone:
            if row["outcome"] in GONE:
                routes.add(str(row["route"]))
            if outcome != open_.outcome:
                open_ = replace(open_, outcome=outcome, told_at=at)
        elif open_ is not None and row["outcome"] == Outcome.LIVE:
            if row["route"] in routes or not _near(open_.at, at):
                back = Event(
                    kind=RETURNED,
                    outcome=outcome,
                    at=at,
                    told_at=at,
                    before=last_gone or open_.capture,
                    capture=capture,
                )
                out += [open_, back]
            open_ = None
        if row["outcome"] == Outcome.LIVE:
            shown = capture
        elif row["outcome"] in GONE:
            last_gone = capture
    return out if open_ is None else [*out, open_]


def rewordings(
    edits: Iterable[Mapping[str, Any]], words: Mapping[int, Words], observed: Mapping[int, str]
) -> list[Event]:
    """The edits of a post, each once, whatever the number of routes that showed it. `edits` in log order with the local
    ids of versions and captures; `words` are text and warning of each version, `observed` the time of each capture."""
    out: list[Event] = []
    worded = ("", "")
    for edit in edits:
        before, after = edit["before"], int(edit["after"])
        at, said = observed[edit["capture_after"]], words[after]
        same = before is not None and words[before] == said
        for n, known in enumerate(out):
            alike = known.versions[1] is not None and words[known.versions[1]] == said
            again = n == len(out) - 1 and not same and worded == said
            if alike and (again or _near(known.at, at)):
                if known.before is None and not same:
                    out[n] = replace(known, before=edit["capture_before"], versions=(before, known.versions[1]))
                break
        else:
            out.append(
                Event(
                    kind=EDITED,
                    outcome=str(edit["shown_by"]),
                    at=at,
                    told_at=at,
                    before=edit["capture_before"],
                    capture=edit["capture_after"],
                    versions=(before, after),
                )
            )
        if not same:
            worded = said
    return out


def _near(one: str, other: str) -> bool:
    """Whether two observations belong to one look through several routes."""
    try:
        return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other)) <= ROUND
    except (ValueError, TypeError):
        return False
