"""Between which outside times one capture was made, as far as its archive knows: looked up, not verified again.

The work is bounded however many tokens there are: tokens have no index by their hash, so that a token which a leaf
names is looked for among those that were the newest when the capture began, which is how it was chosen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.store.archive import Archive, Row
from archiver.store.dating import dated_ahead

LOOKED = 200
"""Tokens that are looked at for each side of a bracket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One stored token: over the checkpoint of `size` leaves, `at` its own time."""

    kind: str
    service: str
    size: int
    at: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """`before` is the token that the leaf names as older than the capture, `after` the earliest one over a head that
    holds it; None where there is none. `missing` is the SHA-256 of a token that is named and was not found."""

    before: Token | None = None
    after: Token | None = None
    missing: str = ""
    ahead: bool = False


def bracket(archive: Archive, origin: int, leaf: int, after: str | None, began: str) -> Bracket:
    """The bracket of the capture of a leaf. `after` is what its leaf says, `began` its own clock (ISO 8601, UTC).
    `ahead` says that the token it names is dated later than it came, so that its time bounds nothing."""
    named = None if after is None else named_token(archive, after, began)
    ahead = named is not None and dated_ahead(named["kind"], named["token"], named["at"], named["received_at"])
    return Bracket(
        before=None if named is None or ahead else _token(named),
        after=_closing(archive, origin, leaf),
        missing=after if after is not None and named is None else "",
        ahead=ahead,
    )


def named_token(archive: Archive, sha256: str, began: str) -> Row | None:
    """The token of that hash, among the newest that were there when a capture began. Of any log of the archive."""
    rows = archive.db.execute(
        "SELECT id, kind, service, size, at, received_at, token FROM log_anchor WHERE at <> '' AND received_at <= ? "
        "ORDER BY at DESC, id DESC LIMIT ?",
        (began, LOOKED),
    )
    return next((row for row in rows if hashlib.sha256(row["token"]).hexdigest() == sha256), None)


def _closing(archive: Archive, origin: int, leaf: int) -> Token | None:
    """Heads stand in the order of their sizes, so that the first that were dated come first."""
    rows = archive.all(  # by the index of sizes: that of times would have to be read to its end and sorted
        "SELECT id, size, at FROM log_anchor WHERE origin = ? AND size > ? AND +at <> '' "
        "ORDER BY size, kind, service, token LIMIT ?",
        origin,
        leaf,
        LOOKED,
    )
    first = min(rows, key=lambda row: (row["at"], row["size"], row["id"]), default=None)
    if first is None:
        return None
    found = archive.one("SELECT kind, service, size, at, token FROM log_anchor WHERE id = ?", first["id"])
    return None if found is None else _token(found)


def _token(row: Row) -> Token:
    return Token(
        kind=row["kind"],
        service=row["service"],
        size=row["size"],
        at=row["at"],
        sha256=hashlib.sha256(row["token"]).hexdigest(),
    )
