"""Which events a page shows: chosen by filters, the newest first, paged by key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.store.fates import EDITED, GONE, RETURNED, WENT, own

KINDS = (WENT, RETURNED, EDITED)
OUTCOMES = tuple(map(str, GONE))
SCANNED = 20_000
"""Events that one page looks through for those of posts that documents quote."""
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")
_LAST = "~"
"""Sorts after all that a time may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters of a list; empty means all. `after` is the key of an event: UID/KIND/SHA256/REF."""

    kind: str = ""
    platform: str = ""
    outcome: str = ""
    month: str = ""
    quoted: bool = False
    after: str = ""

    @classmethod
    def of(cls, asked: Asked) -> Wanted:
        """Those of a request. PageError for what cannot be meant."""
        month, platform = asked.get("month"), asked.get("platform")
        if month and not _MONTH.fullmatch(month):
            raise PageError(400, f"month is not YYYY-MM: {month[:40]!r}", hint="Correct the address")
        if platform and not _PLATFORM.fullmatch(platform):
            raise PageError(400, f"there is no platform {platform[:40]!r}", hint="Choose one on the page")
        return cls(
            kind=asked.among("kind", KINDS),
            platform=platform,
            outcome=asked.among("outcome", OUTCOMES),
            month=month,
            quoted=bool(asked.among("quoted", ("1",))),
            after=asked.get("after"),
        )

    def args(self) -> dict[str, object]:
        """The arguments of an address that asks for the same, from its first page."""
        chosen = {"kind": self.kind, "platform": self.platform, "outcome": self.outcome, "month": self.month}
        return {**chosen, "quoted": "1" if self.quoted else ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Some events, and the key to go on from (empty at the end). `upto` is the time down to which was looked where the
    look was broken off, else empty."""

    rows: list[Row]
    more: str = ""
    upto: str = ""


_COLUMNS = f"""
SELECT e.id, e.post, r.ref, e.kind, e.outcome, e.at, e.told_at, e.platform, p.handle, p.name, p.posted_at,
    p.outcome AS outcome_now, substr(p.text, 1, 2000) AS text, length(p.text) > 2000 AS cut, e.capture, c.uid,
    c.route, c.observed_at, b.uid AS before_uid, b.route AS before_route, b.observed_at AS before_at,
    CASE WHEN {own("c", "r.ref", "e.post")} THEN '' ELSE c.ref END AS beside,
    CASE WHEN {own("b", "r.ref", "e.post")} THEN '' ELSE b.ref END AS before_beside,
    e.before, e.after, coalesce(v.sha256, '') AS sha256
"""
_JOINS = """
JOIN refs r ON r.id = e.post JOIN posts p ON p.id = e.post JOIN captures c ON c.id = e.capture
LEFT JOIN captures b ON b.id = e.capture_before LEFT JOIN versions v ON v.id = e.after
"""
_QUOTED = "EXISTS (SELECT 1 FROM resolutions s WHERE s.ref = e.post AND s.status = 'resolved')"


def key(event: Row) -> str:
    """What names an event for good: local ids do not survive `rebuild`."""
    return f"{event['uid']}/{event['kind']}/{event['sha256']}/{event['ref']}"


def events(reader: Reader, wanted: Wanted, *, most: int) -> Found:
    """The newest events that fit, at most so many."""
    where, names = _where(wanted)
    if wanted.after:
        names |= _place(reader, wanted.after)
        where.append("(e.at, e.id) < (:from_at, :from_id)")
    floor = None
    if wanted.quoted:
        bounds = " AND ".join(where) or "1"
        floor = reader.row(
            "How far one page looks",
            f"SELECT e.at, e.id FROM events e WHERE {bounds} ORDER BY e.at DESC, e.id DESC LIMIT 1 OFFSET :scanned",
            **names,
            scanned=SCANNED,
        )
        where.append(_QUOTED)
        if floor is not None:
            where.append("(e.at, e.id) >= (:to_at, :to_id)")
            names |= {"to_at": floor["at"], "to_id": floor["id"]}
    chosen = f"SELECT e.id FROM events e WHERE {' AND '.join(where) or '1'} ORDER BY e.at DESC, e.id DESC LIMIT :most"
    rows = reader.rows(
        "What happened, the newest first",
        f"{_COLUMNS}FROM ({chosen}) k JOIN events e ON e.id = k.id {_JOINS} ORDER BY e.at DESC, e.id DESC",
        **names,
        most=most + 1,
    )
    if len(rows) > most:
        return Found(rows=rows[:most], more=key(rows[most - 1]))
    if floor is None:
        return Found(rows=rows)
    last = reader.rows("Where to go on", f"{_COLUMNS}FROM events e {_JOINS} WHERE e.id = :id", id=floor["id"])
    return Found(rows=rows, more=key(last[0]), upto=str(floor["at"]))


def _where(wanted: Wanted) -> tuple[list[str], dict[str, object]]:
    where, names = list[str](), dict[str, object]()
    for column, value in (("kind", wanted.kind), ("platform", wanted.platform), ("outcome", wanted.outcome)):
        if value:
            where.append(f"e.{column} = :{column}")
            names[column] = value
    if wanted.month:
        where.append("e.at >= :month AND e.at < :month_end")
        names |= {"month": wanted.month, "month_end": wanted.month + _LAST}
    return where, names


def _place(reader: Reader, after: str) -> dict[str, object]:
    uid, _, rest = after.partition("/")
    kind, _, rest = rest.partition("/")
    sha256, _, ref = rest.partition("/")
    found = reader.row(
        "Where the last page ended",
        "SELECT e.at, e.id FROM captures c JOIN events e ON e.capture = c.id JOIN refs r ON r.id = e.post "
        "LEFT JOIN versions v ON v.id = e.after WHERE c.uid = :uid AND e.kind = :kind AND r.ref = :ref "
        "AND coalesce(v.sha256, '') = :sha256 ORDER BY e.id LIMIT 1",
        uid=uid,
        kind=kind,
        ref=ref,
        sha256=sha256,
    )
    if found is None:
        hint = "It may have been read anew since. Begin with the first page"
        raise PageError(400, "the place where the last page ended is not in the list", hint=hint)
    return {"from_at": found["at"], "from_id": found["id"]}
