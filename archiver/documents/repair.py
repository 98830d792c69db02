"""Repairs of damaged encoding (text decoded in the wrong code page), as plans that anyone can replay.

Nothing is changed in place. ftfy finds the plan (`fix_encoding` alone, which leaves clean text as it is; never
`fix_text`, which also straightens quotation marks); `apply` replays it step by step and refuses any other result.

Written form: a JSON array of `[START, END, [[STEP, NAME], …], BEFORE, AFTER]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from archiver.errors import ParseError
from archiver.model import Repair, Span

_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"\S+")
# Longer pieces than a paragraph are looked at word by word: damage is local, and memory stays bounded.
_PIECE = 20_000
_BLOCK = 4_000
# Different damaged pieces, each of which takes up to a tenth of a millisecond: a text of two million characters that
# is damaged throughout has so many lines.
MAX_PIECES = 20_000
# Where the damage begins in a piece, the damaged text, the steps that undo it, what they give.
_Undone = tuple[int, str, tuple[tuple[str, str], ...], str]
_AT_START = re.compile(r"[ÃÂ]\s")
# `encode` and `decode` name a codec. The other two name functions of ftfy on bytes and on text, for damage that
# lost a byte (a no-break space that became a space) or that is mixed with clean text.
_STEPS = {
    "encode": re.compile(r"(latin-1|iso-8859-2|macroman|cp437|sloppy-windows-12\d\d|sloppy-iso-8859-\d+)"),
    "decode": re.compile(r"(utf-8|utf-8-variants|windows-1252)"),
    "transcode": re.compile(r"(restore_byte_a0|replace_lossy_sequences)"),
    "apply": re.compile(r"(decode_inconsistent_utf8|fix_c1_controls)"),
}


def plan(text: str) -> tuple[Repair, ...]:
    """What would undo damaged encoding in a text: one repair for each damaged piece of a line, in order."""
    return planned(text)[0]


def planned(text: str) -> tuple[tuple[Repair, ...], int]:
    """The plan, and where it ends: -1, or the place after which no damage was looked for since there is too much."""
    found: list[Repair] = []
    known: dict[str, _Undone | None] = {}
    if not text.isascii():
        for start, end in _blocks(text):
            for line in _LINE.finditer(text, start, end):
                stop = -1 if line[0].isascii() else _line(line, known, found)
                if stop >= 0:
                    return tuple(found), stop
    return tuple(found), -1


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of whole lines that may be damaged. Looking at many lines at once, ftfy says sooner that none is.

    Its marks of damage stay marks when more text stands around them, but for one at the start of a line.
    """
    # Loading ftfy takes a fifth of a second: only when there is text beyond ASCII.
    import ftfy.badness

    start, size = 0, len(text)
    while start < size:
        end = text.find("\n", start + _BLOCK) + 1 or size
        block = text[start:end]
        if not block.isascii() and (ftfy.badness.is_bad(block) or _AT_START.search(block)):
            yield start, end
        start = end


def apply(text: str, repairs: tuple[Repair, ...]) -> str:
    """The text with its repairs replayed. ParseError when one does not fit the text or gives another result."""
    parts, at = [], 0
    for repair in repairs:
        start, end = repair.span.start, repair.span.end
        if start < at or text[start:end] != repair.before:
            raise ParseError("a repair does not fit its text", pointer=str(repair.span))
        if _replay(repair.before, repair.steps, str(repair.span)) != repair.after:
            raise ParseError("a repair gives another text than it says", pointer=str(repair.span))
        parts += [text[at:start], repair.after]
        at = end
    return "".join(parts) + text[at:]


def dump(repairs: tuple[Repair, ...]) -> str:
    """The written form of repairs."""
    rows = [[r.span.start, r.span.end, [list(step) for step in r.steps], r.before, r.after] for r in repairs]
    return json.dumps(rows, ensure_ascii=True, separators=(",", ":"))


def load(text: str) -> tuple[Repair, ...]:
    """The inverse of `dump`. ParseError with a pointer for anything else."""
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("not a list of repairs: not JSON", pointer="/") from None
    if type(rows) is not list:
        raise ParseError("not a list of repairs", pointer="/")
    return tuple(_load(row, f"/{index}") for index, row in enumerate(rows))


def _line(line: re.Match[str], known: dict[str, _Undone | None], found: list[Repair]) -> int:
    """Adds the repairs of a line; -1, or where to stop since too many pieces were looked at."""
    whole = _repair(line[0], line.start(), known) if len(line[0]) <= _PIECE else None
    if whole:
        found.append(whole)
        return line.end() if len(known) >= MAX_PIECES else -1
    # Characters that no code page has (an emoji beside the damage) keep a line from being read as a whole.
    for word in _WORD.finditer(line.string, line.start(), line.end()):
        if len(known) >= MAX_PIECES:
            return word.start()
        repair = None if word[0].isascii() or len(word[0]) > _PIECE else _repair(word[0], word.start(), known)
        if repair:
            found.append(repair)
    return -1


def _repair(before: str, start: int, known: dict[str, _Undone | None]) -> Repair | None:
    import ftfy.badness  # Slow to load, so only here.

    if not ftfy.badness.is_bad(before):
        return None
    if before not in known:
        known[before] = _undone(before)
    undone = known[before]
    if undone is None:
        return None
    head, inner, steps, after = undone
    return Repair(span=Span(start=start + head, end=start + head + len(inner)), steps=steps, before=inner, after=after)


def _undone(before: str) -> _Undone | None:
    """How the damage of a piece is undone: where it begins in the piece, the damaged text, the steps, the result."""
    import ftfy

    fixed = ftfy.fix_encoding_and_explain(before)
    if fixed.text == before or not fixed.explanation:
        return None
    steps = tuple((str(action), str(name)) for action, name in fixed.explanation)
    head, tail = _shared(before, fixed.text)
    inner, after = before[head : len(before) - tail], fixed.text[head : len(fixed.text) - tail]
    if _outcome(inner, steps) != after:
        head, inner, after = 0, before, fixed.text
        if _outcome(inner, steps) != after:
            return None  # A plan of ftfy's that cannot be replayed by itself is none.
    return head, inner, steps, after


def _shared(before: str, after: str) -> tuple[int, int]:
    """How much both begin and end with, in whole words."""
    head = 0
    for word in re.finditer(r"\S*\s+", before):
        if not after.startswith(word[0], head):
            break
        head = word.end()
    tail = 0
    for word in reversed(list(re.finditer(r"\s+\S*", before[head:]))):
        if not after.endswith(word[0], head, len(after) - tail) or len(after) - tail - len(word[0]) < head:
            break
        tail += len(word[0])
    return head, tail


def _outcome(text: str, steps: tuple[tuple[str, str], ...]) -> str | None:
    try:
        return _replay(text, steps, "")
    except ParseError:
        return None


def _replay(text: str, steps: tuple[tuple[str, str], ...], pointer: str) -> str:
    import ftfy  # Registers the codecs that a plan names; slow to load, so only here.

    for action, name in steps:
        if action not in _STEPS or not _STEPS[action].fullmatch(name):
            raise ParseError(f"{action} {name} is no step of a repair", pointer=pointer)
    try:
        result = ftfy.apply_plan(text, list(steps))
    except (UnicodeError, AttributeError, TypeError) as error:
        raise ParseError(f"a repair cannot be replayed: {type(error).__name__}", pointer=pointer) from None
    if not isinstance(result, str):
        raise ParseError("a repair does not end in text", pointer=pointer)
    return result


def _load(row: object, pointer: str) -> Repair:
    match row:
        case [int() as start, int() as end, [*steps], str() as before, str() as after]:
            pairs = tuple(_step(step, f"{pointer}/2/{index}") for index, step in enumerate(steps))
            if type(start) is int and type(end) is int and 0 <= start <= end and end - start == len(before):
                return Repair(span=Span(start=start, end=end), steps=pairs, before=before, after=after)
    raise ParseError("expected [START, END, STEPS, BEFORE, AFTER]", pointer=pointer)


def _step(step: object, pointer: str) -> tuple[str, str]:
    match step:
        case [str() as action, str() as name] if action in _STEPS and _STEPS[action].fullmatch(name):
            return action, name
    raise ParseError("expected a step of a repair", pointer=pointer)
