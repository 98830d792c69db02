"""What must hold of everything that a parser gives, whatever it was given."""

from __future__ import annotations

import dataclasses
import math
import re
import time
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from archiver.errors import ArchiverError, InputError, ParseError, ProofError
from archiver.model import Media, Post, Ref, Request, Span
from archiver.platforms.fields import utc_text

WEB = ("https://", "http://")
CONTROL = re.compile(r"[\x00-\x20\x7f]")
SECONDS = 1.0
SECONDS_A_MEGABYTE = 2.0
"""CPU time that an input may take: so much, and so much more for each megabyte of it."""


class Unsound(AssertionError):
    """Something did not hold; says what, and where."""


def bounded(size: int, work: Callable[[], Any]) -> Any:
    """What the work gives; None where it refuses its input with an error of our own tree, in good time and with a
    place or message. Any other exception goes through."""
    start = time.thread_time()
    result = None
    try:
        result = work()
    except ParseError as error:
        need(bool(error.message), "a ParseError says what is wrong")
    except (InputError, ProofError) as error:
        need(bool(str(error)), "an error says what is wrong")
    except ArchiverError as error:
        need(bool(str(error)), f"{type(error).__name__} says what is wrong")
    took = time.thread_time() - start
    allowed = SECONDS + SECONDS_A_MEGABYTE * size / 1e6
    need(took <= allowed, f"{took:.2f} s of CPU for {size} bytes")
    return result


def need(holds: bool, what: str) -> None:
    if not holds:
        raise Unsound(what)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def typed(value: Any, declared: Any, place: str) -> None:
    """The value has exactly the type that is declared, down to its last part; texts can be stored."""
    origin = get_origin(declared)
    if declared is Any:
        return
    if origin in (Union, types.UnionType):
        found = [one for one in get_args(declared) if _fits(value, one)]
        need(bool(found), f"{place} is {value!r:.80}, not {declared}")
        typed(value, found[0], place)
    elif origin is tuple:
        need(type(value) is tuple, f"{place} is {type(value).__name__}, not a tuple")
        inner = get_args(declared)
        if len(inner) == 2 and inner[1] is Ellipsis:
            for at, item in enumerate(value):
                typed(item, inner[0], f"{place}/{at}")
        else:
            need(len(value) == len(inner), f"{place} has {len(value)} parts, not {len(inner)}")
            for at, (item, one) in enumerate(zip(value, inner, strict=True)):
                typed(item, one, f"{place}/{at}")
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        need(isinstance(value, Mapping), f"{place} is no mapping")
    elif dataclasses.is_dataclass(declared):
        need(type(value) is declared, f"{place} is {type(value).__name__}, not {declared}")
        sound(value, place)
    else:
        need(_fits(value, declared), f"{place} is {value!r:.80}, not {declared}")
        if type(value) is str:
            need(_storable(value), f"{place} cannot be stored: {value!r:.80}")
        if type(value) is float:
            need(math.isfinite(value), f"{place} is {value}")


def _fits(value: Any, declared: Any) -> bool:
    declared = get_origin(declared) or declared
    if isinstance(declared, type) and issubclass(declared, Enum):
        return isinstance(value, declared)
    return type(value) is declared or (declared is float and type(value) is int)


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def sound(value: Any, place: str = "") -> None:
    """Every field of a value of the model has its declared type, and what it names can be written and read back."""
    place = place or type(value).__name__
    for name, declared in _hints(type(value)).items():
        typed(getattr(value, name), declared, f"{place}.{name}")
    if isinstance(value, Ref):
        need(Ref.parse(str(value)) == value, f"{place}: {value} is read back as another ref")
    elif isinstance(value, Span):
        need(0 <= value.start <= value.end, f"{place}: {value} is no range")
        need(Span.parse(str(value)) == value, f"{place}: {value} is read back as another range")
    elif isinstance(value, Media):
        need(not value.url or value.url.startswith(WEB), f"{place}.url is {value.url!r:.80}")
        need(bool(value.key), f"{place}.key is empty")
        need(not value.sha256 or _hexadecimal(value.sha256), f"{place}.sha256 is {value.sha256!r:.80}")
        need(min(value.width, value.height, value.bitrate) >= 0, f"{place} has a negative size")
    elif isinstance(value, Post):
        for name in ("posted_at", "edited_at"):
            text = getattr(value, name)
            need(not text or (text.endswith("Z") and utc_text(text) == text), f"{place}.{name} is {text!r:.80}")
        need(not value.url or value.url.startswith((*WEB, "nostr:")), f"{place}.url is {value.url!r:.80}")
    elif isinstance(value, Request):
        need(value.url.startswith(WEB), f"{place}.url is {value.url!r:.80}")
        need(not CONTROL.search(value.url), f"{place}.url is {value.url!r:.80}")


def _hexadecimal(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
