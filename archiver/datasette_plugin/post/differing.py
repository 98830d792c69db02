"""Two versions of a post as HTML: each on its side, or both in one line of reading. But for the labels for screen
readers, the text content of a side is the text."""

from __future__ import annotations

from markupsafe import Markup

from archiver.quotes.between import Compared, Difference, between
from archiver.render import markup

AROUND = 160
"""Characters of what is the same that stand around a difference where both versions are told in one."""
_LABEL = {"replaced": "replaced", "added": "added", "removed": "removed"}


def sides(before: str, after: str, compared: Compared) -> tuple[Markup, Markup]:
    """The stretches that were compared, with what differs marked: removed on the left, added on the right."""
    ranges = [
        [_within(one.before.start, one.before.end, compared.before.start) for one in compared.differences],
        [_within(one.after.start, one.after.end, compared.after.start) for one in compared.differences],
    ]
    left = {number: ("del", _LABEL[one.op]) for number, one in enumerate(compared.differences)}
    right = {number: ("ins", _LABEL[one.op]) for number, one in enumerate(compared.differences)}
    ours = before[compared.before.start : compared.before.end]
    theirs = after[compared.after.start : compared.after.end]
    return (
        Markup(markup.marked(ours, (0, len(ours)), ranges[0], left)),
        Markup(markup.marked(theirs, (0, len(theirs)), ranges[1], right)),
    )


def _within(start: int, end: int, low: int) -> tuple[int, int]:
    return start - low, end - low


def inline(before: str, after: str, *, most: int = 40) -> Markup:
    """Both versions in one text: what went is struck out, what came stands after it. At most `most` differences, each
    with some words around it."""
    compared = between(before, after)
    out, at = [], compared.before.start
    for one in compared.differences[:most]:
        out += [_same(before[at : one.before.start], begins=at == 0, ends=False), _gone(one, before, after)]
        at = one.before.end
    rest = before[at : at + AROUND + 1] if len(compared.differences) <= most else ""
    out.append(_same(before[at : at + len(rest)], begins=False, ends=at + len(rest) >= len(before)))
    if len(compared.differences) > most:
        out.append(f" … [{len(compared.differences) - most} more differences]")
    return Markup("".join(out))


def _gone(one: Difference, before: str, after: str) -> str:
    old, new = before[one.before.start : one.before.end], after[one.after.start : one.after.end]
    told = ""
    if old:
        told += f"<del>{markup.unseen('[before: ')}{markup.text(old[:2000])}{markup.unseen(']')}</del>"
    if new:
        told += f"<ins>{markup.unseen('[after: ')}{markup.text(new[:2000])}{markup.unseen(']')}</ins>"
    return told


def _same(text: str, *, begins: bool, ends: bool) -> str:
    """What is the same, with its middle left out where it is long."""
    head, tail = (0 if begins else AROUND), (0 if ends else AROUND)
    if len(text) <= head + tail + 20 or (begins and ends):
        return markup.text(text)
    return f"{markup.text(text[:head])} … {markup.text(text[len(text) - tail :]) if tail else ''}"
