"""A piece of a text around what was found in it. Places are worked out from the text itself, so nothing that stands in
a text can pass for a mark. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from archiver.datasette_plugin.reader import Row
from archiver.datasette_plugin.searching.terms import Query, folded
from archiver.render import markup

LENGTH, BEFORE, WORD = 260, 70, 20
READ = 40_000
"""Characters of a text that are read for a snippet."""
_MARKS = 40


def places(query: Query, text: str) -> list[tuple[int, int]]:
    """Where the terms stand, in code points of the text, in order and apart."""
    text = text[:READ]
    low = text.lower()
    at: Sequence[int] | None = None
    if not text.isascii():
        low, at = folded(text) if len(text) <= READ // 4 or len(low) != len(text) else (low, None)
    found: list[tuple[int, int]] = []
    for pattern in query.patterns:
        for number, match in enumerate(pattern.finditer(low)):
            if number == _MARKS:
                break
            start, end = match.span()
            found.append((start, end) if at is None else (at[start], at[end - 1] + 1))
    for term in query.runs:
        wanted, plain = term.text.lower(), text.lower()
        start = plain.find(wanted) if len(plain) == len(text) else -1
        while start >= 0 and len(found) < _MARKS * 4:
            found.append((start, start + len(wanted)))
            start = plain.find(wanted, start + len(wanted))
    return _apart(found)


def _apart(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], end)
        else:
            out.append((start, end))
    return out


def snippet(query: Query, text: str, *, offset: int = 0, whole: bool = True) -> Row:
    """The piece with most of the terms: `text`, `marks` in it, where it begins in the whole (`start`), and whether
    there is more before and after. `offset` is where the given text begins, `whole` says that it goes to the end."""
    text, whole = text[:READ], whole and len(text) <= READ
    found = places(query, text)
    reach = LENGTH - BEFORE
    best = max(found, key=lambda one: (sum(one[0] <= m[0] < one[0] + reach for m in found), -one[0]), default=None)
    start = 0 if best is None or best[1] < LENGTH else _word(text, best[0] - BEFORE)
    end = min(len(text), start + LENGTH)
    if end < len(text):
        space = text.rfind(" ", end - WORD, end)
        end = space if space > start else end
    marks = [[max(a, start) - start, min(b, end) - start] for a, b in found if a < end and b > start]
    return {
        "text": text[start:end],
        "marks": marks,
        "start": offset + start,
        "more_before": offset + start > 0,
        "more_after": end < len(text) or not whole,
    }


def _word(text: str, at: int) -> int:
    space = text.find(" ", max(0, at), max(0, at) + WORD)
    return space + 1 if space >= 0 else max(0, at)


def dressed(piece: Row) -> Markup:
    """A snippet as HTML: every word of it escaped, what was found in `mark`."""
    text, at, out = piece["text"], 0, list[str]()
    for start, end in piece["marks"]:
        out.append(f"{markup.text(text[at:start])}<mark>{markup.text(text[start:end])}</mark>")
        at = end
    out.append(markup.text(text[at:]))
    before, after = "… " if piece["more_before"] else "", " …" if piece["more_after"] else ""
    return Markup(f"{before}{''.join(out)}{after}")


def score(query: Query, text: str) -> float:
    """How well a text fits, for `sort=best`: terms near each other and early in a short text count most. Plain, and the
    same for each look; not comparable between different words."""
    found = places(query, text)
    if not found:
        return 0.0
    spread = found[-1][1] - found[0][0] if len(found) > 1 else 0
    wanted = max(1, len(query.words) + len(query.runs))
    near = min(len(found), 2 * wanted) / wanted
    return near / (1.0 + len(text[:READ]) / 400.0) + 1.0 / (1.0 + spread / 40.0) + 0.3 / (1.0 + found[0][0] / 60.0)
