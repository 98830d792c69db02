"""What a verification finds: the values that its parts hand to each other and to whoever prints them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST = 1000
"""Findings of one check that are kept whole; further ones are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was found: `table` and `key` name a row (the uid of a capture, the SHA-256 of a blob, level/n of
    a tile, the size of a checkpoint, a file), `leaf` the index in the log, where there is one."""

    table: str = ""
    key: str = ""
    leaf: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or that could not be checked.

    `check` is what was compared: blob, leaf, row, tile, checkpoint, signature, kept, anchor, after, bracket, proof,
    file.
    """

    check: str
    reason: str
    place: Place


@dataclass(slots=True, kw_only=True)
class Findings:
    """Findings in the order in which they came, at most MOST of each check; `counts` has them all."""

    held: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, check: str, reason: str, place: Place) -> None:
        self.counts[check] += 1
        if self.counts[check] <= MOST:
            self.held.append(Finding(check=check, reason=reason, place=place))

    def take(self, other: Findings) -> None:
        """Adds what another part found."""
        for finding in other.held:
            self.counts[finding.check] += 1
            if self.counts[finding.check] <= MOST:
                self.held.append(finding)
        kept = Counter(finding.check for finding in other.held)
        self.counts.update(other.counts - kept)

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment that an outside token states, and the place in the log that it is about."""

    place: int
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What verified outside tokens say of time. Times are UTC, ISO 8601.

    `after` maps the SHA-256 of a token to its time: a capture that names it was made later. `logged` are anchor leaves:
    whatever stands behind leaf `place` was logged later. `heads` are signed heads of `place` leaves: whatever stands
    before was logged earlier. `stored` are the SHA-256 of all tokens, verified or not.
    """

    after: dict[str, str] = field(default_factory=dict)
    logged: tuple[Mark, ...] = ()
    heads: tuple[Mark, ...] = ()
    stored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What `erase` leaves say was taken out on purpose: leaves by index, blobs by SHA-256."""

    leaves: frozenset[int] = frozenset()
    blobs: frozenset[str] = frozenset()
