"""Text and addresses of others inside our own HTML: nothing of theirs becomes markup, runs, or turns the page round.

Text is escaped. Control, bidirectional and other characters that cannot be seen, and lone surrogates, are shown as
`<span class="char" data-char="202E">U+202E</span>`: `data-char` gives back the code point. White space is kept as it
is, and so are the joiners that letters and emoji need.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from urllib.parse import urlsplit

from archiver.render.marked import Piece, Range, pieces

_SPECIAL = re.compile(  # the first alternative: flags of parts of countries, which are spelt in tag characters
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f|[^ !#-%(-;=?-~\n\t]"
)
_KEPT = "\u200c\u200d"
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def text(given: str) -> str:
    """Given text as HTML."""
    return _SPECIAL.sub(_shown, given)


def _shown(found: re.Match[str]) -> str:
    char = found.group()
    if len(char) > 1 or char in _KEPT:
        return char
    if unicodedata.category(char) in _UNSEEN:
        return f'<span class="char" dir="ltr" data-char="{ord(char):04X}">U+{ord(char):04X}</span>'
    return html.escape(char)


def plain(given: str) -> str:
    """Given text for an attribute: what cannot be seen is spelt out."""
    return html.escape("".join(f"U+{ord(c):04X}" if unicodedata.category(c) in _UNSEEN else c for c in given))


def name(given: str) -> str:
    """A name inside a sentence of ours: it has its own direction."""
    return f'<bdi lang="">{text(given)}</bdi>'


def address(given: str) -> str:
    """An address as a link where it is plainly one of the web, and as text where it is anything else."""
    shown = f'<bdi class="address" lang="">{text(given)}</bdi>'
    if not linkable(given):
        return shown
    return f'<a href="{plain(given)}" rel="noreferrer noopener">{shown}</a>'


def linkable(given: str) -> bool:
    """Whether an address is http or https, names a host and no user, and hides nothing in characters unseen."""
    if not given.isprintable() or any(char.isspace() or char in '\\"<>`' for char in given):
        return False
    try:
        parts = urlsplit(given)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc


Tags = Mapping[int, tuple[str, str]]
"""For each mark: the element that shows it (`del`, `ins` or `span`), and what a screen reader says before it."""


def marked(given: str, stretch: Range, marks: Sequence[Range], tags: Tags) -> str:
    """Text with its marks, each numbered from 1 in `data-n`. What stands outside the stretch is in `span.out`. But for
    the labels for screen readers (`span.sr`), the text content is the given text."""
    out: list[str] = []
    for inside, held in groupby(pieces(given, stretch, marks), key=lambda piece: piece.inside or not piece.text):
        shown = "".join(_piece(piece, tags) if piece.marks else text(piece.text) for piece in held)
        around = shown if inside else f"{unseen('[not compared: ')}{shown}{unseen(']')}"
        out.append(around if inside else f'<span class="out">{around}</span>')
    return "".join(out)


def _piece(piece: Piece, tags: Tags) -> str:
    element, label = min((tags[mark] for mark in piece.marks), key=lambda tag: tag[0] == "span")
    numbers = " ".join(str(mark + 1) for mark in piece.marks)
    if not piece.text:
        return f'<span class="caret" data-n="{numbers}">{unseen(f"[change {numbers}: {label} here]")}</span>'
    before, after = unseen(f"[change {numbers}, {label}: "), unseen("]")
    kind = "" if element != "span" else ' class="own"'
    return f'<{element}{kind} data-n="{numbers}">{before}{text(piece.text)}{after}</{element}>'


def unseen(label: str) -> str:
    """Words of ours for a screen reader alone; with a direction of their own, so that they do not decide that of the
    text around them."""
    return f'<span class="sr" dir="ltr" lang="en">{label}</span>'


def items(tag: str, lines: Sequence[str], *, kind: str = "") -> str:
    """A list of HTML lines; nothing where there are none."""
    named = f' class="{kind}"' if kind else ""
    return f"<{tag}{named}>" + "".join(f"<li>{line}</li>" for line in lines) + f"</{tag}>\n" if lines else ""


def facts(rows: Sequence[tuple[str, str]], *, kind: str = "facts") -> str:
    """Names and HTML values, those that are empty left out."""
    held = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in rows if value)
    return f'<dl class="{kind}">{held}</dl>\n' if held else ""


def each(values: Sequence[str], write: Callable[[str], str] = text) -> str:
    """Values with commas between them."""
    return ", ".join(map(write, values))
