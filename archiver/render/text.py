"""Small pieces of what a terminal shows."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

# rich takes 40 ms to import: it is imported where it shows something.
if TYPE_CHECKING:
    from rich.console import Console

Styled = tuple[str, str]
"""Words, and the style that a terminal shows them in."""

COLOURS = {
    "exact": "green",
    "normalised": "green",
    "same-words": "green",
    "partial": "green",
    "truncated": "green",
    "elided": "cyan",
    "bracketed": "cyan",
    "spliced": "magenta",
    "altered": "bold red",
    "not-found": "yellow",
    "not-judged": "dim",
    "live": "green",
    "deleted": "red",
    "not-found-post": "red",
    "suspended": "red",
    "unreachable": "yellow",
    "resolved": "green",
    "media-source": "magenta",
    "pending": "yellow",
    "unresolved": "yellow",
}
UNWRAPPED = 4000


def console() -> Console:
    """Standard output; plain and unwrapped where it is no terminal, so that it can be piped."""
    from rich.console import Console
    from rich.segment import Segment

    class Plain(Console):
        """What stands in archived text commands no terminal, whatever it is printed as."""

        def print(self, *objects: Any, **how: Any) -> None:
            super().print(*(one_line(one) if isinstance(one, str) else one for one in objects), **how)

        def render(self, renderable: Any, options: Any = None) -> Any:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(safe(segment.text), segment.style)

    terminal = sys.stdout.isatty()
    return Plain(
        highlight=False,
        soft_wrap=True,
        no_color=None if terminal else True,
        emoji=False,
        markup=False,
        width=None if terminal else UNWRAPPED,
    )


def line(*given: str | Styled) -> None:
    """Prints one line of pieces, styled on a terminal, as they are elsewhere. What stands in them breaks no line and
    commands no terminal: names of hosts, routes and logs come out of archives that somebody else may have made."""
    pieces = [one_line(piece) if isinstance(piece, str) else (one_line(piece[0]), piece[1]) for piece in given]
    if sys.stdout.isatty():
        from rich.text import Text

        console().print(Text.assemble(*pieces))
    else:
        print("".join(piece if isinstance(piece, str) else piece[0] for piece in pieces))


def say(text: str, *, err: bool = False) -> None:
    """Prints one plain line, to standard error with `err`; like `line` whatever stands in it."""
    print(one_line(text), file=sys.stderr if err else sys.stdout)


def word(name: str) -> Styled:
    """An outcome, status or verdict in its colour."""
    return name, COLOURS.get(name, "")


def safe(text: str) -> str:
    """Archived text for a terminal: control and bidirectional characters are shown, never obeyed."""
    return "".join(
        char
        if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs") or char == "\u200d"
        else f"\\u{ord(char):04x}"
        for char in text
    )


def one_line(text: str) -> str:
    """The same in one line: a line break is shown, too."""
    return safe(text).replace("\n", "\\n")


def short(text: str, length: int = 90) -> str:
    """One line of at most `length` characters."""
    line = " ".join(safe(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def moment(text: str) -> str:
    """A UTC time to the second: `2026-03-16 09:00:27Z`."""
    return f"{text[:10]} {text[11:19]}Z" if len(text) > 19 and text.endswith("Z") else text


def as_json(value: Any) -> None:
    """Prints a value as JSON (UTF-8, two spaces)."""
    print(json.dumps(value, indent=2, ensure_ascii=True))
