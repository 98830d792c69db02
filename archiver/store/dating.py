"""Which outside token a capture may name as older than itself: the newest whose own time can be believed that far."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from archiver.custody import timestamp
from archiver.errors import ParseError
from archiver.schedule import parse_time
from archiver.store.archive import Archive, Row

AHEAD = timedelta(minutes=1)
"""So much later than the moment at which we had it may a token be dated, beside the accuracy that it states."""
_VAGUE = timedelta(hours=1)
"""No service states an accuracy beyond this one: what is further ahead need not be read."""


def dated_ahead(kind: str, token: bytes, at: str, received_at: str) -> bool:
    """Whether a token is dated later than it was received (ISO 8601, UTC): then a clock was wrong, its service's or
    ours, and what came after the token did not for sure come after that time."""
    ahead = parse_time(at) - parse_time(received_at) if at else -AHEAD
    if not AHEAD < ahead < _VAGUE or kind != "rfc3161":
        return ahead > AHEAD
    try:
        accuracy = timestamp.Token.parse(token).accuracy
    except ParseError:
        accuracy = 0
    return ahead > AHEAD + timedelta(microseconds=accuracy)


class Newest:
    """Finds that token, in the length of one look at the newest row where nothing came since the last time."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._rows = -1
        self._found: tuple[str, str] | None = None  # when it was received, its SHA-256

    def before(self, started_at: str) -> str | None:
        """SHA-256 of the token with the latest time of its own among those that were received before `started_at`. None
        where there was none. A pending token states no time, and one that is dated later than it was received (its
        clock runs ahead, or ours behind) would give a time that is too late: neither is used."""
        row = self._archive.one("SELECT max(id) FROM log_anchor")
        rows = 0 if row is None or row[0] is None else int(row[0])
        if rows != self._rows:
            self._rows, self._found = rows, self._look("9999")
        if self._found is None:
            return None
        if self._found[0] < started_at:
            return self._found[1]
        found = self._look(started_at)  # a token came while this capture was under way
        return None if found is None else found[1]

    def _look(self, started_at: str) -> tuple[str, str] | None:
        rows = self._archive.db.execute(
            "SELECT id, at, received_at FROM log_anchor WHERE at <> '' AND received_at < ? ORDER BY at DESC, id DESC",
            (started_at,),
        )
        for row in rows:
            if row["at"] > row["received_at"] and self._ahead(row):
                continue
            token = self._archive.value("SELECT token FROM log_anchor WHERE id = ?", row["id"])
            assert isinstance(token, bytes)
            return row["received_at"], hashlib.sha256(token).hexdigest()
        return None

    def _ahead(self, row: Row) -> bool:
        full = self._archive.one("SELECT kind, token FROM log_anchor WHERE id = ?", row["id"])
        return full is None or dated_ahead(full["kind"], full["token"], row["at"], row["received_at"])
