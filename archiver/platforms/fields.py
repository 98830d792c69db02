"""Typed reads of foreign JSON. Each read knows its pointer (RFC 6901): a wrong type is a ParseError that names
the place, never a crash and never a wrong value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from archiver.errors import ParseError

_BROKEN = re.compile("[\x00\ud800-\udfff]")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)")
_TWITTER = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})")


class Node:
    """One value of a JSON document together with the pointer to it."""

    __slots__ = ("pointer", "value")

    def __init__(self, value: Any, pointer: str = "") -> None:
        self.value, self.pointer = value, pointer

    def fail(self, expected: str) -> ParseError:
        """A ParseError that says what was expected here."""
        return ParseError(f"expected {expected}, found {_kind(self.value)}", pointer=self.pointer or "/")

    def get(self, key: str) -> Node | None:
        """The member, or None when it is absent or null. ParseError when this is not an object."""
        if type(self.value) is not dict:
            raise self.fail("an object")
        value = self.value.get(key)
        if value is None:
            return None
        return Node(value, f"{self.pointer}/{key if key.isidentifier() else _escape(key)}")

    # The typed reads below look at the member first and make a Node of it only to name a fault: they are most
    # of what a parser does, and half of its time went into pointers that nobody asked for.

    def at(self, *keys: str) -> Node:
        """The member at the end of a path of keys, which must exist."""
        node = self
        for key in keys:
            child = node.get(key)
            if child is None:
                raise ParseError(f"{key} is missing", pointer=f"{node.pointer}/{_escape(key)}")
            node = child
        return node

    def find(self, *keys: str) -> Node | None:
        """The member at the end of a path of keys, or None when any step is absent or null."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            node = node.get(key)
        return node

    def items(self) -> Iterator[Node]:
        """The elements of an array."""
        if type(self.value) is not list:
            raise self.fail("an array")
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.pointer}/{index}")

    def list(self, key: str) -> tuple[Node, ...]:
        """The elements of the array under `key`; empty when it is absent or null."""
        if type(self.value) is dict:
            value = self.value.get(key)
            if value is None or value == []:
                return ()
        node = self.get(key)
        return () if node is None else tuple(node.items())

    def text(self) -> str:
        """A string. Lone surrogates and NUL become U+FFFD (the bytes are in the blob)."""
        if type(self.value) is not str:
            raise self.fail("a string")
        return _whole(self.value)

    def string(self, key: str, default: str = "") -> str:
        """The string under `key`, or the default when it is absent or null."""
        if type(self.value) is dict:
            value = self.value.get(key)
            if value is None:
                return default
            if type(value) is str:
                return _whole(value)
        node = self.get(key)
        return default if node is None else node.text()

    def number(self) -> int:
        """An integer (never a boolean, never a float)."""
        if type(self.value) is not int:
            raise self.fail("an integer")
        return self.value

    def integer(self, key: str, default: int = 0) -> int:
        """The integer under `key`, or the default when it is absent or null."""
        if type(self.value) is dict:
            value = self.value.get(key)
            if value is None:
                return default
            if type(value) is int:
                return value
        node = self.get(key)
        return default if node is None else node.number()

    def truth(self, key: str, default: bool = False) -> bool:
        """The boolean under `key`, or the default when it is absent or null."""
        if type(self.value) is dict:
            value = self.value.get(key)
            if value is None:
                return default
            if type(value) is bool:
                return value
        node = self.get(key)
        if node is None:
            return default
        if type(node.value) is not bool:
            raise node.fail("a boolean")
        return node.value

    def digits(self) -> str:
        """A platform id: a string of ASCII digits. Numbers are refused: above 2^53 they may have been rounded."""
        if type(self.value) is not str or not (self.value.isascii() and self.value.isdigit()):
            raise self.fail("a string of digits")
        return self.value

    def time(self) -> str:
        """A time (RFC 3339, or the form of X's v1.1 answers) as UTC ISO 8601 with Z; fractions kept when not zero."""
        text = self.text()
        try:
            return utc_text(text)
        except ValueError:
            raise self.fail("a time") from None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}.get(type(value), "a number")


def _escape(key: str) -> str:
    """A key as it stands in a pointer. A foreign one may hold what no text of ours does."""
    return _whole(key).replace("~", "~0").replace("/", "~1")


def _whole(text: str) -> str:
    if text.isascii() and "\x00" not in text:
        return text
    return _BROKEN.sub("\N{REPLACEMENT CHARACTER}", text)


def utc_text(text: str) -> str:
    """RFC 3339, X's v1.1 form or RFC 5322 → `2024-10-28T13:05:09Z` (with `.fff` when there is a fraction).

    Raises ValueError for anything else, and for times without a zone: a local time is not a UTC time.
    """
    if _RFC3339.fullmatch(text):
        moment = datetime.fromisoformat(_trim(text.upper().replace(" ", "T")))
    elif match := _TWITTER.fullmatch(text):
        month, day, clock, zone, year = match.groups()
        moment = datetime.strptime(f"{day} {month} {year} {clock} {zone}", "%d %b %Y %H:%M:%S %z")
    else:
        moment = _written(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    try:
        return iso(moment.astimezone(UTC))
    except OverflowError as error:
        raise ValueError("out of range") from error


def _written(text: str) -> datetime:
    """RFC 5322. Its reader passes numbers of any length on to what holds them in a machine word."""
    try:
        return parsedate_to_datetime(text)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _trim(text: str) -> str:
    """`datetime` keeps microseconds: digits beyond are cut."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def iso(moment: datetime) -> str:
    """An aware UTC moment as ISO 8601 text with Z; milliseconds or microseconds only when they are not zero."""
    spec = "seconds" if not moment.microsecond else "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def load(body: bytes) -> Node:
    """The JSON document in `body` (UTF-8, a BOM is allowed). ParseError for anything else: also for duplicate keys,
    NaN, and nesting or numbers beyond what can be read safely."""
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8: {error.reason}", pointer=f"byte:{error.start}") from None
    try:
        return Node(_DECODER.decode(text))
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg}", pointer=f"text:{error.lineno}:{error.colno}") from None
    except RecursionError:
        raise ParseError("JSON nested too deeply", pointer="/") from None
    except ValueError as error:
        raise ParseError(f"not JSON: {error}", pointer="/") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:80]!r} stands twice in one object")
            seen.add(key)
    return members


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
