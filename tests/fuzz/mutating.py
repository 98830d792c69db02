"""Small wrongs done to what was right: to a JSON document at one of its places, to an address, to bytes."""

from __future__ import annotations

import json
from typing import Any

from tests.fuzz.choosing import Chooser

STRINGS = (
    "",
    "\0",
    "x",
    "\ud800",
    "wr\0ng",
    "  ",
    "\u202e",
    "İ",
    "ﬁ",
    "𝕏",
    "a" * 300,
    "<" * 60,
    "%",
    "%00",
    "%F0%9F",
    "{secret:A}",
    "https://",
    "https://[",
    "http://[::1",
    "http://[::1]",
    "https://a:99999/",
    "https://a:x/",
    "https://a.example:０/",
    "//",
    "//b.example",
    "javascript:x",
    "data:,",
    "http://a@b.example/",
    "https://a.example/\n",
    "https://é.example/é",
    "https://a..example/",
    "https://xn--a.example/",
    "http://１.2.3.4/",
    "https://a.example/#x",
    "at://",
    "at://x",
    "/",
    "?",
    "..",
    "did:plc:",
    "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
    "did:web:",
    "did:web:a.example%3A1",
    "x:y:z",
    ":",
    "::",
    "9" * 5000,
    "1" * 20,
    "-1",
    "1e400",
    "１２",
    "²",
    "0x1",
    "+1",
    "1_0",
    "018446744073709551616",
    "2024-13-45T99:99:99Z",
    "2024-02-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.1234567891Z",
    "2024-01-01T24:00:00Z",
    "２024-01-01T00:00:00Z",
    "2024-01-01T00:00:00+99:99",
    "Mon, 01 Jan 2020 00:00:00 +99999999999999",
    "Mon, 01 Jan 2020 00:00:00 GMT",
    "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT",
    "Mon, 01 Jan 99999 00:00:00 GMT",
    "1 Jan 2020 0:0 -9999",
    "Mon Oct 28 00:00:00 +9999 2024",
    "Mon Oct 28 24:61:61 +0000 2024",
    "Mon Xxx 28 00:00:00 +0000 2024",
    "&#x110000;",
    "&#99999999999;",
    "&amp;amp;",
    "&",
    "<a href='https://[",
    "<p",
    "</",
    "<!--",
    "<![CDATA[",
    "]]>",
    "text/html; charset=",
    "application/json; charset=utf-7",
    "gzip, gzip, gzip",
    "identity",
    "chunked",
)
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    7,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**64),
    10**30,
    10**400,
    1.5,
    -0.0,
    1e308,
    float("inf"),
    float("nan"),
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, {"x": [{}]}, ["x"], [[{"x": [None]}]])
LARGE = 100_000
"""Bytes from which on nothing is repeated: what is large takes its time, and `test_slow` bounds that."""
DEPTHS = (0, 0, 0, 0, 2, 100, 990, 5000)


def wrong(chooser: Chooser) -> Any:
    """A value that is hardly what was expected."""
    kind = chooser.number(4)
    if kind == 0:
        return chooser.pick(STRINGS)
    if kind == 1:
        return chooser.pick(NUMBERS)
    if kind == 2:
        return chooser.pick(OTHERS)
    return chooser.some(12).decode("utf-8", "replace")


def string(chooser: Chooser, text: str) -> str:
    """A text with something put in, cut out, turned or repeated."""
    start = chooser.number(len(text) + 1)
    end = min(len(text), start + chooser.number(len(text) + 1))
    kind = chooser.number(7)
    if kind == 0:
        return text[:start] + chooser.pick(STRINGS) + text[start:]
    if kind == 1:
        return text[:start] + text[end:]
    if kind == 2:
        return text[:start] + chooser.pick(STRINGS) + text[end:]
    if kind == 3:
        return text[:end] + text[start:end] * chooser.number(40) + text[end:]
    if kind == 4:
        return text[:start] + chr(chooser.number(0x3000)) + text[start + 1 :]
    if kind == 5:
        return text[:start] + text[start:end].swapcase() + text[end:]
    return text[:start] + chooser.some(16).decode("latin-1") + text[start:]


def document(chooser: Chooser, value: Any) -> Any:
    """A JSON value, changed at one to four of its places."""
    changed = value
    for _ in range(1 + chooser.number(4)):
        changed = _at(chooser, changed, value)
    return changed


def _at(chooser: Chooser, value: Any, whole: Any) -> Any:
    """Goes down into the value, and does something to what it comes to."""
    if isinstance(value, dict) and value and chooser.number(5):
        key = chooser.pick(sorted(value))
        kind = chooser.number(12)
        if kind == 0:
            return {name: kept for name, kept in value.items() if name != key}
        if kind == 1:
            return value | {chooser.pick(STRINGS): value[key]}
        if kind == 2:
            return value | {key: value[chooser.pick(sorted(value))]}
        return value | {key: _at(chooser, value[key], whole)}
    if isinstance(value, list) and value and chooser.number(5):
        at = chooser.number(len(value))
        kind = chooser.number(10)
        if kind == 0:
            return [*value[:at], *value[at + 1 :]]
        if kind == 1:
            return value + [value[at]] * chooser.number(60)
        return [*value[:at], _at(chooser, value[at], whole), *value[at + 1 :]]
    kind = chooser.number(6)
    if isinstance(value, str) and kind < 4:
        return string(chooser, value)
    if kind == 4:
        return _part(chooser, whole)
    return wrong(chooser)


def _part(chooser: Chooser, value: Any) -> Any:
    """Some part of the whole document, to stand where it does not belong."""
    while isinstance(value, (dict, list)) and value and chooser.number(4):
        value = value[chooser.pick(sorted(value))] if isinstance(value, dict) else value[chooser.number(len(value))]
    depth = chooser.pick(DEPTHS)
    for _ in range(min(depth, 400)):  # what encodes it here must not run out of stack itself
        value = [value]
    return value


def encoded(chooser: Chooser, value: Any) -> bytes:
    """As JSON, mostly; sometimes deeper than an encoder would go, in another encoding, or damaged."""
    text = json.dumps(value, ensure_ascii=bool(chooser.number(2)))
    kind = chooser.number(12)
    if kind == 1:
        depth = chooser.pick(DEPTHS)
        text = text.replace("null", "[" * depth + "]" * depth, 1)
    data = text.encode("utf-8", "surrogatepass")
    if kind == 2:
        data = b"\xef\xbb\xbf" + data
    if kind == 3:
        data = text.encode("utf-16", "surrogatepass")
    return content(chooser, data) if kind == 4 else data


def content(chooser: Chooser, data: bytes) -> bytes:
    """Bytes, changed at one to four of their places."""
    for _ in range(1 + chooser.number(4)):
        if len(data) > LARGE:
            break
        start = chooser.number(len(data) + 1)
        end = min(len(data), start + chooser.number(len(data) + 1))
        kind = chooser.number(6)
        if kind == 0:
            data = data[:start] + chooser.some(24) + data[start:]
        elif kind == 1:
            data = data[:start] + data[end:]
        elif kind == 2:
            data = data[:start] + bytes([chooser.byte()]) + data[start + 1 :]
        elif kind == 3:
            data = data[:end] + data[start:end] * chooser.number(30) + data[end:]
        elif kind == 4:
            data = data[:start] + chooser.pick(STRINGS).encode("utf-8", "surrogatepass") + data[end:]
        else:
            data = data[:start]
    return data
