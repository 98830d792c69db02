"""How refs are watched, as `[watch]` of the configuration says; see `watching` for which policy a ref has.

[watch]                         first, grow, rarest, gone_for, gone_rarest, stop, never
[watch.platforms.NAME]          the same keys, for the refs of a platform (x, bluesky, fediverse, nostr, web)
[watch.collections."NAME"]      for what seeds of a collection lead to
[watch.seeds."NAME or glob"]    for what a seed leads to

A key that stands in several tables that fit counts as the last of these four says it; among tables of one kind, as the
last in the file does. A ref that several seeds keep is watched as the most eager of them asks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from archiver import schedule
from archiver.errors import InputError
from archiver.platforms import all_platforms
from archiver.schedule import Period, Policy

PLATFORMS, COLLECTIONS, SEEDS = "platforms", "collections", "seeds"
_KINDS = (PLATFORMS, COLLECTIONS, SEEDS)
_PERIODS = ("first", "rarest", "gone_for", "gone_rarest", "stop")
_ENDLESS = ("gone_for", "stop")
_KEYS = (*_PERIODS, "grow", "never")
_SOONEST = Period(seconds=60)
MOST_GROWTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the configuration: what it says otherwise for what its name fits."""

    kind: str
    name: str
    says: Mapping[str, Any]

    def fits(self, text: str) -> bool:
        return text == self.name or (self.kind == SEEDS and fnmatchcase(text, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """All policies of a configuration: the default, and tables in the order in which they are applied."""

    default: Policy = schedule.DEFAULT
    tables: tuple[Table, ...] = ()
    known: dict[tuple[str, str, str], Policy] = field(default_factory=dict, repr=False, compare=False)

    @property
    def by_seed(self) -> bool:
        """Whether it matters which seeds keep a ref."""
        return any(table.kind != PLATFORMS for table in self.tables)

    def policy(self, *, platform: str, seed: str = "", collection: str = "") -> Policy:
        """How a ref of a platform is watched that one seed keeps."""
        asked = (platform, collection, seed)
        if asked not in self.known:
            names = dict(zip(_KINDS, asked, strict=True))
            policy = self.default
            for table in self.tables:
                if table.fits(names[table.kind]):
                    policy = replace(policy, **table.says)
            self.known[asked] = policy
        return self.known[asked]


def parse(place: str, raw: object) -> Watch:
    """The `[watch]` table of a configuration. InputError names the table and key that is wrong."""
    if not isinstance(raw, dict):
        raise InputError("watch must be a table", place=place, hint="Write [watch] above its keys")
    own = {key: value for key, value in raw.items() if key not in _KINDS}
    default = replace(schedule.DEFAULT, **_says(place, "[watch]", own))
    tables = []
    for kind in _KINDS:
        named = raw.get(kind, {})
        if not isinstance(named, dict) or not all(isinstance(table, dict) for table in named.values()):
            hint = f'Write [watch.{kind}."NAME"] above the keys of each'
            raise InputError(f"watch.{kind} must be tables", place=place, hint=hint)
        for name, table in named.items():
            if kind == PLATFORMS and name not in all_platforms():
                known = ", ".join(all_platforms())
                raise InputError(f"unknown platform {name!r} in [watch.{kind}]", place=place, hint=f"Known are {known}")
            tables.append(Table(kind=kind, name=name, says=_says(place, f'[watch.{kind}."{name}"]', table)))
    return Watch(default=default, tables=tuple(tables))


def _says(place: str, table: str, raw: Mapping[str, object]) -> dict[str, Any]:
    """The values of one table."""
    said: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in _KEYS:
            raise InputError(f"unknown key {key!r} in {table}", place=place, hint=f"Known are {', '.join(_KEYS)}")
        if key == "never":
            if not isinstance(value, bool):
                raise InputError(f"'never' in {table} must be true or false", place=place)
            said[key] = value
        elif key == "grow":
            right = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not right or not (math.isfinite(value) and 0 <= value <= MOST_GROWTH):  # type: ignore[arg-type,operator]
                raise InputError(f"'grow' in {table} must be a number from 0 to {MOST_GROWTH}", place=place)
            said[key] = float(value)  # type: ignore[arg-type]
        else:
            said[key] = _period(place, table, key, value)
    for low, high in (("first", "rarest"), ("first", "gone_rarest")):
        if low in said and high in said and said[low] > said[high]:
            raise InputError(f"{low!r} in {table} must not be longer than {high!r}", place=place)
    return said


def _period(place: str, table: str, key: str, value: object) -> Period | None:
    if not isinstance(value, str):
        raise InputError(f"{key!r} in {table} must be a text", place=place, hint='Write it like "6h" or "30d"')
    if value == "never" and key in _ENDLESS:
        return None
    try:
        period = Period.parse(value)
    except InputError as error:
        raise InputError(f"{key!r} in {table}: {error.message}", place=place, hint=error.hint) from None
    if key not in _ENDLESS and period < _SOONEST:
        raise InputError(f"{key!r} in {table} must not be shorter than {_SOONEST}", place=place)
    return period
