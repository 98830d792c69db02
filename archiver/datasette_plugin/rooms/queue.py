"""The queue: which refs are looked at, when next, and how the last look ended."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.net.clock import utc_now
from archiver.schedule import SETTLED

READS = ("refs", "captures")
SHOWN, HOSTS = 50, 60
COUNTED = 1000
"""What waits at one host is counted so far."""
STATES = ("due", "failed", "settled")
_WHICH = {
    "": "q.due_at > :due",
    "due": "q.due_at <= :now AND q.due_at > :due",
    "failed": "q.attempts > 0 AND q.due_at > :due",
    "settled": "q.due_at IS NULL AND q.ref > :ref",
}
_SAME = {"": "", "due": "AND :now >= :due", "failed": "AND q.attempts > 0"}
_BY = {"": "", "host": "AND q.host = :whose", "seed": "AND q.seed = :whose"}
_COLUMNS = (
    "q.ref, q.host, q.purpose, q.depth, q.seed, q.added_at, q.due_at, q.attempts, q.last_outcome, q.last_at, q.kept, "
    f"q.purpose IN ({', '.join(repr(purpose) for purpose in sorted(SETTLED))}) AS once "
    "FROM work_queue q"
)


def gather(reader: Reader, asked: Asked) -> Row:
    """Refs by when they are looked at next; `state` "due" is what waits already, "failed" what waits after looks that
    ended without an answer, "settled" what is not looked at again: no seed keeps it (`kept` is 0), it is asked for
    `once`, or its watch is over. Of one host or of one seed."""
    state, host, seed = asked.among("state", STATES), asked.get("host"), asked.get("seed")
    if host and seed:
        raise PageError(400, "the queue is shown of a host or of a seed, not of both", hint="Leave one of them out")
    due, ref, now = asked.get("due"), asked.get("ref"), utc_now()
    by, name = ("host", host) if host else ("seed", seed) if seed else ("", "")
    rows = _rows(reader, state=state, by=by, name=name, due=due, ref=ref, now=now)
    more = ""
    if len(rows) > SHOWN:
        rows = rows[:SHOWN]
        last = rows[-1]
        more = asked.at("queue", state=state, host=host, seed=seed, due=last["due_at"], ref=last["ref"])
    return {
        "now": now,
        "state": state,
        "host": host,
        "seed": seed,
        "refs": rows,
        "more": more,
        "hosts": [] if by or due or state else _hosts(reader, now),
        "counted": COUNTED,
    }


def _rows(reader: Reader, *, state: str, by: str, name: str, due: str, ref: str, now: str) -> list[Row]:
    """Those at the same moment as the last of the page before, then later ones: two ranges of one index."""
    given = {"due": due, "ref": ref, "now": now, "most": SHOWN + 1, **({"whose": name} if by else {})}
    later = f"SELECT {_COLUMNS} WHERE {_WHICH[state]} {_BY[by]} ORDER BY q.due_at, q.ref LIMIT :most"
    same = f"SELECT {_COLUMNS} WHERE q.due_at = :due AND q.ref > :ref {_SAME.get(state, '')} {_BY[by]} "
    same += "ORDER BY q.ref LIMIT :most"
    used = {key: value for key, value in given.items() if f":{key}" in later}
    if state == "settled":
        return reader.rows("Refs that are settled", later, **used)
    rows = reader.rows("Refs by when they are due", later, **used) if not due else []
    if due:
        used = {key: value for key, value in given.items() if f":{key}" in same}
        rows = reader.rows("Refs that are due at the same time", same, **used)
        if len(rows) <= SHOWN:
            used = {key: value for key, value in given.items() if f":{key}" in later}
            rows += reader.rows("Refs by when they are due", later, **used)
    return rows[: SHOWN + 1]


def _hosts(reader: Reader, now: str) -> list[Row]:
    """Hosts by name: how much waits there, and whether it is left alone for a time: it asked for that, or failed."""
    return reader.rows(
        "Hosts",
        "WITH RECURSIVE h(host) AS (SELECT min(host) FROM work_queue UNION ALL "
        "SELECT (SELECT min(q.host) FROM work_queue q WHERE q.host > h.host) FROM h WHERE h.host IS NOT NULL "
        "LIMIT :hosts) SELECT h.host, "
        "(SELECT count(*) FROM (SELECT 1 FROM work_queue q WHERE q.host = h.host AND q.due_at <= :now LIMIT :most)) "
        "AS due, "
        "(SELECT count(*) FROM (SELECT 1 FROM work_queue q WHERE q.host = h.host AND q.due_at > '' AND q.attempts > 0 "
        "LIMIT :most)) AS failed, "
        "(SELECT min(q.due_at) FROM work_queue q WHERE q.host = h.host AND q.due_at > :now) AS next, "
        "w.worker, w.leased_until, w.not_before, w.opened_at, w.failures FROM h "
        "LEFT JOIN work_hosts w ON w.host = h.host "
        "WHERE h.host IS NOT NULL ORDER BY h.host",
        now=now,
        most=COUNTED,
        hosts=HOSTS,
    )


PAGES = (Page(path="queue", template="archiver_queue.html", gather=gather, reads=READS, css=("overview.css",)),)
