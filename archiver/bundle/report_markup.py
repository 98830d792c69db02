"""Text of others inside the report: nothing of theirs becomes markup, runs, is asked for, or turns the page round.

Text is escaped. Characters that cannot be seen and lone surrogates are shown as `<span class="char"
data-char="202E">U+202E</span>`; `data-char` gives the code point back. Addresses are text, never links: a reader's
click must tell nobody that the evidence is being read.
"""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_KEPT = "\n\t\u200c\u200d"
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")

Range = tuple[int, int]


def text(given: str) -> str:
    """Given text as HTML."""
    if given.isascii() and given.isprintable():
        return html.escape(given)
    return "".join(map(_shown, given))


def _shown(char: str) -> str:
    if char not in _KEPT and unicodedata.category(char) in _UNSEEN:
        return f'<span class="char" dir="ltr" data-char="{ord(char):04X}">U+{ord(char):04X}</span>'
    return html.escape(char)


def plain(given: str) -> str:
    """Given text for an attribute: what cannot be seen is spelt out."""
    return html.escape("".join(f"U+{ord(c):04X}" if unicodedata.category(c) in _UNSEEN else c for c in given))


def own(given: str, kind: str = "") -> str:
    """Words of others inside a line of ours: with a direction of their own."""
    named = f' class="{kind}"' if kind else ""
    return f'<bdi lang=""{named}>{text(given)}</bdi>'


def words(given: str, marks: Sequence[Range] = (), tags: Sequence[str] = (), stretch: Range | None = None) -> str:
    """A text as a block. Each mark is shown by its tag (`del`, `ins`, `span`), numbered from 1 in `data-n`; a mark of
    no length is a caret. What stands outside the stretch that was compared is in `span.out`."""
    low, high = stretch or (0, len(given))
    cuts = sorted({0, len(given), *(min(max(at, 0), len(given)) for pair in (*marks, (low, high)) for at in pair)})
    out = []
    for here, there in zip(cuts, [*cuts[1:], len(given)], strict=True):
        out += [f'<span class="caret" data-n="{n}"></span>' for n, (a, b) in enumerate(marks, 1) if a == b == here]
        if here == there:
            continue
        over = [n for n, (a, b) in enumerate(marks, 1) if a <= here and there <= b]
        piece = text(given[here:there])
        if over:
            tag, numbers = tags[over[0] - 1], " ".join(map(str, over))
            piece = f'<{tag} data-n="{numbers}">{piece}</{tag}>'
        out.append(piece if low <= here < high else f'<span class="out">{piece}</span>')
    return f'<blockquote class="words" dir="auto" lang="">{"".join(out)}</blockquote>\n'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and HTML values, those that are empty left out."""
    held = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in rows if value)
    return f'<dl class="facts">{held}</dl>\n' if held else ""


def items(lines: Iterable[str], kind: str = "") -> str:
    """A list of HTML lines; nothing where there are none."""
    held = "".join(f"<li>{line}</li>" for line in lines)
    named = f' class="{kind}"' if kind else ""
    return f"<ul{named}>{held}</ul>\n" if held else ""


def block(kind: str, value: Mapping[str, Any]) -> str:
    """Data for the script of the page. No byte of it can end the block."""
    data = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json" class="{kind}">{data}</script>\n'


def moment(at: str) -> str:
    """A time as people read it: `2026-03-01 10:00:00 UTC`; whatever else stands there as it is."""
    if len(at) >= 20 and at[10] == "T" and at.endswith("Z"):
        return f"{at[:10]} {at[11:-1].split('.')[0]} UTC"
    return at
