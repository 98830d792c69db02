"""What an erasure leaves of an answer: a copy without the objects of some posts, and readings without these posts.

Words are looked for in every form in which files hold them: UTF-8, JSON with escapes, HTML with references, UTF-16.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import types
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from archiver.errors import ParseError
from archiver.model import EdgeKind, Reading, Ref

LEAST = 12
"""Characters of a text that can be told from other texts: what is shorter stands everywhere and is not looked for."""
WINDOW = 40


def mark(value: object) -> dict[str, object]:
    """What stands in a copy in place of an erased value: its SHA-256 as JSON with sorted keys and without spaces."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
    return {"erased": True, "sha256": hashlib.sha256(data).hexdigest()}


# ---- words ------------------------------------------------------------------------------------------------------


def pieces(texts: Iterable[str]) -> tuple[str, ...]:
    """Runs of words of these texts that can be looked for: of each stretch without a line break or an address its
    begin, middle and end, so that one of them stands whole wherever a file or a markup cuts the text."""
    found: dict[str, None] = {}
    for text in texts:
        for stretch in re.split(r"[\r\n]+|https?://\S+", text):
            stretch = stretch.strip()
            if len(stretch) < LEAST:
                continue
            middle = max(0, len(stretch) // 2 - WINDOW // 2)
            for start in (0, middle, max(0, len(stretch) - WINDOW)):
                found.setdefault(stretch[start : start + WINDOW].strip())
    return tuple(piece for piece in found if len(piece) >= LEAST)


def forms(piece: str) -> frozenset[bytes]:
    """The bytes by which a file may hold a piece of text."""
    ascii_json = json.dumps(piece)[1:-1]
    plain_json = json.dumps(piece, ensure_ascii=False)[1:-1]
    texts = {piece, ascii_json, plain_json, ascii_json.replace("/", "\\/"), plain_json.replace("/", "\\/")}
    texts |= {re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), ascii_json)}
    for escaped in {html.escape(piece), html.escape(piece, quote=False), html.escape(piece).replace("&#x27;", "&#39;")}:
        numbers = escaped.encode("ascii", "xmlcharrefreplace").decode()
        hexadecimal = "".join(c if ord(c) < 128 else f"&#x{ord(c):x};" for c in escaped)
        texts |= {escaped, numbers, hexadecimal, json.dumps(escaped)[1:-1], json.dumps(numbers)[1:-1]}
    found = {text.encode("utf-8", "surrogatepass") for text in texts}
    wide = {text.encode(codec, "surrogatepass") for text in (piece,) for codec in ("utf-16-le", "utf-16-be")}
    return frozenset(found | wide)


def holds(text: str, words: Collection[str]) -> bool:
    """Whether a text holds one of the pieces, in whatever of these forms."""
    if not text or not words:
        return False
    plain = html.unescape(text)
    return any(piece in text or piece in plain for piece in words)


# ---- answers ----------------------------------------------------------------------------------------------------


def redacted(
    answer: object, *, gone: Collection[str], kept: Collection[str], words: Collection[str], names: Collection[str]
) -> object:
    """A JSON value without the objects at the pointers `gone` (RFC 6901). Of such an object only what leads to an
    object at a pointer of `kept` stays. Outside all of these a text that holds a piece of `words` or is one of `names`
    goes, inside what is kept only one that holds a piece."""
    below = {path[:end] for path in kept for end in [i for i, c in enumerate(path) if c == "/"]}

    def walk(node: Any, here: str, state: str) -> Any:
        state = "gone" if here in gone else "kept" if here in kept else state
        if state == "gone" and here not in below:
            return mark(node)
        if isinstance(node, dict):
            steps = {name: f"{here}/{name.replace('~', '~0').replace('/', '~1')}" for name in node}
            inside = {
                name: walk(node[name], step, state)
                for name, step in steps.items()
                if state != "gone" or step in below or step in kept
            }
            return {**mark(node), **inside} if state == "gone" else inside
        if isinstance(node, list):
            return [walk(item, f"{here}/{n}", state) for n, item in enumerate(node)]
        if isinstance(node, str) and (holds(node, words) or (state == "" and node in names)):
            return mark(node)
        return node

    return walk(answer, "", "")


UPSTREAM = frozenset({EdgeKind.QUOTES, EdgeKind.REPOSTS, EdgeKind.REPLIES_TO, EdgeKind.RESOLVES_TO})
"""Edges of an erased post that stay, refs without a word: else it would pass for the origin of what it quoted."""


def without(
    reading: Reading, posts: Collection[Ref], *, names: Collection[Ref], words: Collection[str], proofs: bool
) -> Reading:
    """A reading without what it says of these posts and of the accounts `names`, and without authors' proofs where the
    bytes that they could be checked by go (`proofs` False). What was asked and how it ended stays, and so do other
    names of the posts: they are addresses, which say what was erased. Other posts stay as they are."""

    def clean(item: Any) -> bool:
        return not any(holds(text, words) for text in _texts(item))

    return replace(
        reading,
        findings=tuple(f if clean(f) else replace(f, reason="") for f in reading.findings),
        posts=tuple(post for post in reading.posts if post.ref not in posts),
        accounts=tuple(account for account in reading.accounts if account.ref not in names and clean(account)),
        aliases=tuple(alias for alias in reading.aliases if alias.ref not in names and alias.alias not in names),
        edges=tuple(edge for edge in reading.edges if edge.source not in posts or edge.kind in UPSTREAM),
        proofs=tuple(proof for proof in reading.proofs if proofs and proof.ref not in posts and clean(proof)),
        pages=tuple(page for page in reading.pages if page.ref not in posts and clean(page)),
        unread=tuple(part for part in reading.unread if clean(part)),
    )


def _texts(item: Any) -> Iterable[str]:
    if isinstance(item, str):
        yield item
    elif is_dataclass(item):
        for field in fields(item):
            yield from _texts(getattr(item, field.name))


# ---- readings as JSON -------------------------------------------------------------------------------------------


def read_back(value: object) -> Reading:
    """The inverse of `canonical.plain` for readings. ParseError when the value is none."""
    try:
        found = _decoder(Reading)(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"is no reading: {error!r}") from None
    if not isinstance(found, Reading):
        raise ParseError("is no reading")
    return found


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            each = _decoder(arguments[0])
            return lambda value: tuple(each(item) for item in _of(value, list))
        parts = [_decoder(argument) for argument in arguments]
        return lambda value: tuple(part(item) for part, item in zip(parts, _of(value, list), strict=True))
    if origin in (Union, types.UnionType):
        inner = _decoder(next(argument for argument in arguments if argument is not type(None)))
        return lambda value: None if value is None else inner(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        decoders = {field.name: _decoder(hints[field.name]) for field in fields(kind)}

        def build(value: Any) -> Any:
            if set(_of(value, dict)) != set(decoders):
                raise ValueError(f"{kind!r} has other fields")
            return kind(**{name: decode(value[name]) for name, decode in decoders.items()})

        return build
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: kind(value)
    return lambda value: _of(value, kind)


def _of(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
    return value
