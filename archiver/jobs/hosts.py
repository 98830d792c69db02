"""How hosts are asked, as `[hosts]` of the configuration says.

[hosts.default]            for all hosts that no other table names
[hosts."NAME"]             a host (with its port, if any), "*.NAME" for its subdomains, or "NAME/PATH/" for a part of it
    off = true             nothing is asked of it; what waits for it goes on waiting, and is told as such
    pace = 0.5             seconds between two requests
    at_once = 1            requests at once
    requests_per_day, bytes_per_day    spent: the host is left alone until the next day (UTC)

`[pace]` (seconds between requests by host) is read as before; a pace in `[hosts]` for the same name counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archiver.errors import InputError
from archiver.net.manners import Book, Rule

_KINDS: dict[str, type] = {
    "off": bool,
    "pace": float,
    "at_once": int,
    "requests_per_day": int,
    "bytes_per_day": int,
}
_OF_PARTS = ("pace", "at_once")
_NAMES = {bool: "true or false", float: "a number", int: "an integer"}
_PATTERN = re.compile(
    r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[0-9]{1,5})?(/[!-~]*)?|\[[0-9a-f:.]+\](:[0-9]{1,5})?(/[!-~]*)?"
)
MOST_AT_ONCE = 8
SLOWEST = 86_400.0


def parse(place: str, raw: object, *, pace: Mapping[str, float], default: float | None, at_once: int) -> Book:
    """The rules of a `[hosts]` table; `pace`, `default` and `at_once` are those of `[pace]` and `[follow]`. InputError
    names table and key. `default` is None where nobody set one."""
    if not isinstance(raw, dict):
        raise InputError("hosts must be a table", place=place, hint='Write [hosts."NAME"] above the keys of one')
    rules = {_pattern(place, "pace", host): Rule(pace=seconds) for host, seconds in pace.items()}
    general = Rule(pace=default)
    for name, table in raw.items():
        if not isinstance(table, dict):
            raise InputError(f"{name!r} in [hosts] must be a table", place=place, hint=f'Write [hosts."{name}"]')
        if name == "default":
            rule = _rule(place, name, table)
            general = rule if rule.pace is not None else replace(rule, pace=default)
            continue
        pattern = _pattern(place, "hosts", name)
        rule = _rule(place, name, table)
        if rule.pace is None and pattern in rules:
            rule = replace(rule, pace=rules[pattern].pace)
        rules[pattern] = rule
    return Book(rules=rules, default=general, at_once=at_once)


def _pattern(place: str, table: str, name: str) -> str:
    """A name of a table as rules know it. InputError where no host can have it."""
    host, slash, path = name.partition("/")
    pattern = host.lower().rstrip(".") + slash + path
    if not _PATTERN.fullmatch(pattern):
        hint = 'Write a host as "blog.example", its subdomains as "*.blog.example", a part as "blog.example/api/"'
        raise InputError(f"{name!r} in [{table}] names no host", place=place, hint=hint)
    if slash and host.startswith("*"):
        raise InputError(f"{name!r} in [{table}] has both a star and a path", place=place, hint="Name one host")
    return pattern


def _rule(place: str, name: str, table: Mapping[str, Any]) -> Rule:
    where = f"[hosts.{name}]" if name == "default" else f'[hosts."{name}"]'
    for key, value in table.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise InputError(f"unknown key {key!r} in {where}", place=place, hint=f"Known are {', '.join(_KINDS)}")
        right = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        if not right or (isinstance(value, bool) and kind is not bool):
            raise InputError(f"{key!r} in {where} must be {_NAMES[kind]}", place=place)
        if kind is not bool and not 0 <= value < math.inf:
            raise InputError(f"{key!r} in {where} must not be negative, infinite or nan", place=place)
        if "/" in name and key not in _OF_PARTS:
            hint = "Set it for the whole host; a part has a pace and a number of requests at once"
            raise InputError(f"{key!r} in {where} is of a whole host", place=place, hint=hint)
    if not 1 <= table.get("at_once", 1) <= MOST_AT_ONCE:
        raise InputError(f"'at_once' in {where} must be from 1 to {MOST_AT_ONCE}", place=place)
    if table.get("pace", 0) > SLOWEST:
        raise InputError(f"'pace' in {where} must be at most {SLOWEST:.0f} seconds", place=place)
    pace = table.get("pace")
    return Rule(
        pace=None if pace is None else float(pace),
        at_once=table.get("at_once"),
        requests_per_day=table.get("requests_per_day"),
        bytes_per_day=table.get("bytes_per_day"),
        off=table.get("off"),
    )
