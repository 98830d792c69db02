"""How wide foreign text may become in a picture, and how it is cut to fit. Pure.

No font can be asked on a server, so each character is given more room than the widest of the common sans-serif fonts
needs (DejaVu Sans, bold): what fits by this measure fits on the reader's screen. Boxes are clipped all the same, for
fonts and letters that nobody thought of.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

_ASCII = (  # from the space to the tilde, in hundredths of the size: DejaVu Sans, rounded up
    "32 41 46 84 64 95 78 28 39 39 50 84 32 37 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 54 "
    "100 69 69 70 77 64 58 78 76 30 30 66 56 87 75 79 61 79 70 64 62 74 69 99 69 62 69 39 34 39 84 50 "
    "50 62 64 55 64 62 36 64 64 28 28 58 28 98 64 62 64 64 42 53 40 64 60 82 60 60 53 64 34 64 84"
)
_WIDTHS = {chr(32 + place): int(width) / 100 for place, width in enumerate(_ASCII.split())}
_BOLD = 0.12
"""What a bold letter may need more."""
_ZERO = ("Mn", "Me")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")
_JOINERS = "\u200c\u200d"
_VAST = {"\ufdfd": 14.0, "\u2e3a": 2.4, "\u2e3b": 3.4}
"""Letters that take the room of a whole line."""
_CLUSTER = re.compile(  # flags of parts of countries, flags, then a letter or emoji with all that clings to it
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f|[\U0001f1e6-\U0001f1ff]{2}|."
)
_CLINGS = re.compile("[\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
CUT = "…"
LONGEST = 2000
"""Characters of a text that are looked at."""
MOST = 200
"""Characters of a line that are looked at: no box has room for more, but for marks without a width."""


def plain(given: str) -> str:
    """One line of foreign text: what cannot be seen is spelt out (`U+202E`), but for joiners and white space."""
    line = " ".join(given[:LONGEST].split())
    if line.isascii() and line.isprintable():
        return line + (CUT if len(given) > LONGEST else "")
    shown = "".join(piece if _kept(piece) else f"U+{ord(piece):04X}" for piece in _CLUSTER.findall(line))
    return shown + (CUT if len(given) > LONGEST else "")


def _kept(piece: str) -> bool:
    return len(piece) > 1 or piece in _JOINERS or unicodedata.category(piece) not in _UNSEEN


def clusters(line: str) -> list[str]:
    """What must not be cut apart: a letter with its marks, a joined emoji, a flag."""
    if line.isascii():
        return list(line)
    found: list[str] = []
    for piece in _CLUSTER.findall(line):
        joined = bool(found) and (found[-1].endswith("\u200d") or piece == "\u200c")
        if found and (joined or _CLINGS.fullmatch(piece) or unicodedata.category(piece[0]) in (*_ZERO, "Mc")):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that a line may need at a font size in pixels."""
    return size * sum(_em(char, bold) for char in text)


def _em(char: str, bold: bool) -> float:
    """Each part of a cluster counts: a browser without the joined picture shows them one after the other."""
    if char in _WIDTHS:
        return _WIDTHS[char] + (_BOLD if bold else 0.0)
    if unicodedata.category(char) in (*_ZERO, "Cf"):
        return 0.0
    if ord(char) >= 0x1F000:
        return 1.4
    if unicodedata.east_asian_width(char) in "WF":
        return 1.1
    return _VAST.get(char, 0.95 if ord(char) < 0x100 and char not in "ÆÐ" else 1.3)


def clip(line: str, room: float, size: float, *, bold: bool = False) -> str:
    """The beginning of a plain line that fits into `room` pixels, with an ellipsis where something was cut."""
    head = _fitting(line, room, size, bold)
    return (
        head
        if len(head) == len(line)
        else _fitting(line, room - width(CUT, size, bold=bold), size, bold).rstrip() + CUT
    )


def _fitting(line: str, room: float, size: float, bold: bool = False) -> str:
    """As much of the beginning as fits; no more of the line is looked at."""
    used, end, pieces = 0.0, 0, clusters(line[:MOST])
    if len(line) > MOST and len(pieces) > 1:
        pieces.pop()  # it may go on
    for piece in pieces:
        used += width(piece, size, bold=bold)
        if used > room:
            break
        end += len(piece)
    return line[:end]


def wrap(line: str, room: float, size: float, most: int) -> list[str]:
    """A plain line as at most `most` lines of `room` pixels, broken at spaces where there are any."""
    lines: list[str] = []
    rest = line
    while rest and len(lines) < most - 1:
        head = _fitting(rest, room, size)
        if not head or len(head) == len(rest):
            break
        space = head.rfind(" ")
        if rest[len(head) : len(head) + 1] != " " and space > len(head) // 3:
            head = head[:space]
        lines.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*lines, clip(rest, room, size)] if rest else lines


def backwards(line: str) -> bool:
    """Whether a line runs from right to left: its first strong letter decides."""
    weak = takewhile(lambda char: unicodedata.bidirectional(char) not in ("L", "R", "AL"), line)
    first = line[len("".join(weak)) :][:1]
    return bool(first) and unicodedata.bidirectional(first) != "L"
