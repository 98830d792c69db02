"""Mentions shown where they stand in a text: coloured, numbered, with what was changed in them. Pure.

The text content of what is made is the text itself, but for the numbers that lead to the posts (`a.qc-at`) and the
words for screen readers (`span.sr`). Places may overlap, nest, be equal or be empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from archiver.datasette_plugin.words import BAD, GOOD, QUIET, WARN
from archiver.render import markup
from archiver.render.marked import Piece, pieces

WORST = (BAD, WARN, GOOD, QUIET)
"""Colours, the one that is shown where several mentions cover the same words first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A mention in a text: code points [start, end) of it, which may reach beyond it on both sides. `anchor` is its id
    in the page, empty where it began in an earlier part; `href` leads to what it quotes; `label` says what was found,
    `kind` is its colour. `changes` are ranges of the text with what is said of them."""

    start: int
    end: int
    number: str
    href: str
    anchor: str = ""
    kind: str = QUIET
    label: str = ""
    here: bool = False
    changes: tuple[tuple[int, int, str], ...] = field(default=())


def highlighted(text: str, places: Sequence[Place]) -> Markup:
    """The text as HTML. Ranges count its code points."""
    changes = [one for place in places for one in place.changes if one[0] >= 0 and one[1] <= len(text)]
    marks = [(place.start, place.end) for place in places] + [(start, end) for start, end, _ in changes]
    out: list[str] = []
    opened: set[int] = set()
    at = 0
    for piece in pieces(text, (0, 0), marks):
        held = [mark for mark in piece.marks if mark < len(places)]
        for mark in held:
            if mark not in opened and places[mark].number:
                opened.add(mark)
                out.append(_begin(places[mark]))
        labels = [changes[mark - len(places)][2] for mark in piece.marks if mark >= len(places)]
        out.append(_piece(piece, [places[mark] for mark in held], labels))
        at += len(piece.text)
        out += [
            markup.unseen(f"[end of mention {escape(places[mark].number)}]")
            for mark in held
            if piece.text and places[mark].number and places[mark].end == at
        ]
    return Markup("".join(out))


def _begin(place: Place) -> str:
    """The number that stands before a mention and leads to what it quotes."""
    told = Markup(markup.plain(f"Mention {place.number}, {place.label}" if place.label else f"Mention {place.number}"))
    here = " qc-here" if place.here else ""
    anchor = Markup(' id="{}"').format(place.anchor) if place.anchor else ""
    return Markup('<a class="qc-at qc-{}{}"{} href="{}" aria-label="{}: to what it quotes">{}</a>').format(
        place.kind, here, anchor, place.href, told, place.number
    )


def _piece(piece: Piece, places: Sequence[Place], labels: Sequence[str]) -> str:
    shown = markup.text(piece.text)
    if labels and piece.text:
        shown = f"<del>{markup.unseen(f'[{escape(labels[0])}: ')}{shown}{markup.unseen(']')}</del>"
    elif labels:
        shown = f'<span class="caret">{markup.unseen(f"[{escape(labels[0])} here]")}</span>'
    if not places or not shown:
        return shown
    kind = min((place.kind for place in places), key=WORST.index)
    here = " qc-here" if any(place.here for place in places) else ""
    return f'<mark class="qc-m qc-{kind}{here}">{shown}</mark>'
