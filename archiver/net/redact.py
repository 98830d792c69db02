"""Secrets: put in where `{secret:NAME}` stands, taken out of everything that is recorded.

A request template carries placeholders; `fill` gives what is sent. `Redactor` puts the placeholder back
wherever a value occurs, in each spelling in which it may have been sent or echoed (as it is, URL-encoded,
JSON-escaped, HTML-escaped), before anything is stored or hashed.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import quote, quote_plus

from archiver.errors import InputError

PLACEHOLDER = re.compile(r"\{secret:([A-Za-z0-9_.-]+)\}")
SHORTEST = 8
PIECE = 64 * 1024


def checked(secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets, if they can be kept out of records. Raises InputError for values that are too short or not one line.

    A value of a few characters would be found, and replaced, in bodies where it only stands by chance.
    """
    for name, value in secrets.items():
        if not PLACEHOLDER.fullmatch(f"{{secret:{name}}}"):
            raise InputError(f"{name!r} is not a name for a secret", hint="Use letters, digits, _ . and -")
        if len(value) < SHORTEST or not value.isascii() or not value.isprintable() or value != value.strip():
            hint = f"It is one line of at least {SHORTEST} printable ASCII characters"
            raise InputError(f"the secret {name} cannot be used", place=name, hint=hint)
    return dict(secrets)


def names_in(text: str) -> set[str]:
    """The names of the secrets that a template asks for."""
    return set(PLACEHOLDER.findall(text))


def fill(text: str, secrets: Mapping[str, str], *, spelling: str = "") -> str:
    """The template with these values; others stay. `spelling` is `url`, `form`, `json` or empty (as it is)."""

    def value(match: re.Match[str]) -> str:
        return _spell(secrets[match[1]], spelling) if match[1] in secrets else match[0]

    return PLACEHOLDER.sub(value, text)


def _spell(value: str, spelling: str) -> str:
    match spelling:
        case "url":
            return quote(value, safe="")
        case "form":
            return quote_plus(value)
        case "json":
            return json.dumps(value)[1:-1]
    return value


def _spellings(value: str) -> set[str]:
    plain = {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1], html.escape(value)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in plain}
    slashes = {text.replace("/", "\\/") for text in plain}
    return plain | lower | slashes


class Redactor:
    """Puts placeholders back where the values of these secrets stand."""

    def __init__(self, used: Mapping[str, str]) -> None:
        self._names = {
            spelled.encode("ascii"): f"{{secret:{name}}}".encode()
            for name, value in used.items()
            for spelled in _spellings(value)
        }
        ordered = sorted(self._names, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """Bytes without the values."""
        return self._pattern.sub(lambda found: self._names[found[0]], data) if self._pattern else data

    def text(self, text: str) -> str:
        """Text without the values. Lone surrogates stay."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def stream(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pieces without the values, also where a value lies across two pieces."""
        held = b""
        for piece in pieces:
            held += piece
            safe = len(held) - self._longest
            if safe > 0:
                out, held = self._replace(held, safe)
                yield out
        yield self._replace(held, len(held))[0]

    def _replace(self, data: bytes, safe: int) -> tuple[bytes, bytes]:
        """Replace what starts before `safe`; what follows stays for later."""
        out: list[bytes] = []
        at = 0
        for found in self._pattern.finditer(data) if self._pattern else ():
            if found.start() >= safe:
                break
            out += (data[at : found.start()], self._names[found[0]])
            at = found.end()
        end = max(at, safe)
        return b"".join((*out, data[at:end])), data[end:]

    def occurs_in(self, pieces: Iterator[bytes]) -> bool:
        """Whether a value stands in these pieces, also across two of them."""
        if self._pattern is None:
            return False
        held = b""
        for piece in pieces:
            held = held[-self._longest :] + piece
            if self._pattern.search(held):
                return True
        return False


def file_pieces(body: BinaryIO) -> Iterator[bytes]:
    """A file from its start, in pieces."""
    body.seek(0)
    while piece := body.read(PIECE):
        yield piece
