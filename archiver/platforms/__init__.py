"""Platforms: one module each, with four names, discovered from this folder.

    EXAMPLES  mapping of address → ref text; each address is claimed by this platform alone
    claim     (url) -> Ref | None: pure, no network
    plan      (ref, answers, settings) -> tuple[Request, ...]: pure; called again after each answer, empty when done
    parse     (request, answer) -> Reading: pure; raises ParseError with a pointer; about any number of refs

Two more names may stand in a module: `imported` (bytes of a file) -> Reading | None, where posts come as files that
prove themselves; and `UNASKED`, why `plan` gives no request.

`parse` is called for answers that have a status and a whole body; what the transport alone decides
(unreachable, blocked, too large, truncated) is read by `outcomes.transport`. A module may be a package when
its shapes need more than one file. `web` claims whatever is left, so it comes last.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol, cast

from archiver.model import Answer, Reading, Ref, Request, Settings


class Platform(Protocol):
    """The four names, and the module's own."""

    __name__: str
    EXAMPLES: Mapping[str, str]

    def claim(self, url: str) -> Ref | None: ...

    def plan(self, ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]: ...

    def parse(self, request: Request, answer: Answer) -> Reading: ...


NOT_PLATFORMS = frozenset({"fields", "outcomes"})
LAST = "web"
HANDED = ("nostr",)
"""The platforms that read files. Named here, for most seeds need none of the others to be loaded."""
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")


@cache
def all_platforms() -> dict[str, Platform]:
    """Every platform by name, in the order in which they are asked; `web` last."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name not in NOT_PLATFORMS)
    names.sort(key=lambda name: name == LAST)
    return {name: cast(Platform, importlib.import_module(f"{__name__}.{name}")) for name in names}


def claim(url: str) -> Ref | None:
    """The ref that an address stands for: the first platform that claims it. None for what is no web address."""
    for platform in all_platforms().values():
        ref = platform.claim(url)
        if ref is not None:
            return ref
    return None


def imported(body: bytes) -> Reading | None:
    """What a file says that some platform knows as one of its own; None for any other file. ParseError never."""
    for name in HANDED if _JSON.match(body) else ():
        reader: Callable[[bytes], Reading | None] = importlib.import_module(f"{__name__}.{name}").imported
        reading = reader(body)
        if reading is not None:
            return reading
    return None


def unasked(ref: Ref) -> str:
    """Why a ref was not asked for, as far as its platform can tell."""
    return str(getattr(platform_of(ref), "UNASKED", "")) or "it was not asked for yet"


def platform_of(ref: Ref) -> Platform | None:
    """The platform whose refs start with this name; None for documents and what no platform here knows."""
    return all_platforms().get(ref.platform)
