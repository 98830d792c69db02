"""The strings of a JSON document (RFC 8259) with their places: one pass, no recursion."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator

from archiver.documents.sourcemap import built
from archiver.documents.xmlplaces import Value
from archiver.errors import ParseError
from archiver.model import Span

_TOKEN = re.compile(r'[ \t\r\n]*+(?:("(?:[^"\\\x00-\x1f]++|\\.)*+")|([{}\[\],:])|([^\s{}\[\],:"]++))', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u])")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}


def strings(source: str) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Every string value with the path of keys and indexes to it. ParseError, with the place, when it is no JSON."""
    try:
        json.loads(source)
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg}", pointer=f"text:{error.lineno}:{error.colno}") from None
    except RecursionError:
        raise ParseError("JSON nested too deeply", pointer="text:1:1") from None
    except ValueError as error:
        raise ParseError(f"not JSON: {error}", pointer="text:1:1") from None
    path: list[str | int] = []
    key = False  # Whether the next string is a name.
    for token in _TOKEN.finditer(source):
        text, mark, _ = token.groups()
        if mark == "{":
            path.append("")
            key = True
        elif mark == "[":
            path.append(0)
            key = False
        elif mark in {"}", "]"}:
            path.pop()
        elif mark == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            key = not isinstance(last, int)
        elif text and key:
            path[-1], key = _value(source, token.start(1) + 1, token.end(1) - 1).text, False
        elif text and len(path) <= 3:
            yield tuple(map(str, path)), _value(source, token.start(1) + 1, token.end(1) - 1)


def _value(source: str, start: int, end: int) -> Value:
    """The text of a string whose content lies at `start` to `end`. Lone surrogates and NUL become U+FFFD."""
    parts: list[str] = []
    runs = array("q")
    length, at = 0, start

    def add(text: str, first: int, last: int) -> None:
        nonlocal length
        parts.append(text)
        runs.extend((length, length + len(text), first, last))
        length += len(text)

    for escape in _ESCAPE.finditer(source, start, end):
        if escape.start() > at:
            add(source[at : escape.start()], at, escape.start())
        text = json.loads(f'"{escape[0]}"') if escape[0][1] == "u" else _SIMPLE[escape[0][1]]
        at = escape.end()
        add(text if text != "\x00" and not "\ud800" <= text <= "\udfff" else "\ufffd", escape.start(), at)
    if at < end:
        add(source[at:end], at, end)
    return Value(text="".join(parts), runs=built(runs), span=Span(start=start, end=end))
