"""How wide foreign text may become in a picture, and how it is cut to fit. Pure.

No font can be asked on a server, so each character is given more room than the widest of the common sans-serif fonts
needs (DejaVu Sans, bold): what fits by this measure fits on the reader's screen. Boxes are clipped all the same, for
fonts and letters that nobody thought of.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

_NARROW, _WIDE, _BROAD = frozenset("ijl.,:;!|'` ()[]ftrI/\\-"), frozenset("mwMW@%"), frozenset("+=<>~^#&")
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
"""Characters of a text that are looked at: no line holds more."""


def plain(given: str) -> str:
    """One line of foreign text: what cannot be seen is spelt out (`U+202E`), but for joiners and white space."""
    line = " ".join(given[:LONGEST].split())
    shown = "".join(piece if _kept(piece) else f"U+{ord(piece):04X}" for piece in _CLUSTER.findall(line))
    return shown + (CUT if len(given) > LONGEST else "")


def _kept(piece: str) -> bool:
    return len(piece) > 1 or piece in _JOINERS or unicodedata.category(piece) not in _UNSEEN


def clusters(line: str) -> list[str]:
    """What must not be cut apart: a letter with its marks, a joined emoji, a flag."""
    found: list[str] = []
    for piece in _CLUSTER.findall(line):
        joined = bool(found) and (found[-1].endswith("\u200d") or piece == "\u200c")
        if found and (joined or _CLINGS.fullmatch(piece) or unicodedata.category(piece[0]) in (*_ZERO, "Mc")):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def width(text: str, size: float) -> float:
    """Pixels that a line may need at a font size in pixels."""
    return size * sum(_em(piece) for piece in clusters(text))


def _em(cluster: str) -> float:
    """Of a cluster, each part is counted: a browser without the joined picture shows them one after the other."""
    total = 0.0
    for char in cluster:
        if char.isascii():
            broad = char.isupper() or char in _BROAD
            total += 0.5 if char in _NARROW else 1.12 if char in _WIDE else 0.88 if broad else 0.74
        elif unicodedata.category(char) in (*_ZERO, "Cf"):
            total += 0.0
        elif unicodedata.east_asian_width(char) in "WF" or ord(char) >= 0x1F000:
            total += 1.4 if ord(char) >= 0x1F000 else 1.1
        else:
            total += _VAST.get(char, 0.9 if ord(char) < 0x100 and char not in "ÆÐ" else 1.3)
    return total


def clip(line: str, room: float, size: float) -> str:
    """The beginning of a plain line that fits into `room` pixels, with an ellipsis where something was cut."""
    if width(line, size) <= room:
        return line
    return _fitting(clusters(line), room - width(CUT, size), size) + CUT


def _fitting(pieces: list[str], room: float, size: float) -> str:
    used, count = 0.0, 0
    for piece in pieces:
        used += width(piece, size)
        if used > room:
            break
        count += 1
    return "".join(pieces[:count]).rstrip()


def wrap(line: str, room: float, size: float, most: int) -> list[str]:
    """A plain line as at most `most` lines of `room` pixels, broken at spaces where there are any."""
    lines: list[str] = []
    rest = line
    while rest and len(lines) < most - 1 and width(rest, size) > room:
        head = _fitting(clusters(rest), room, size)
        if not head:
            break
        space = head.rfind(" ")
        if len(head) < len(rest) and rest[len(head)] != " " and space > len(head) // 3:
            head = head[:space]
        lines.append(head)
        rest = rest[len(head) :].lstrip()
    return [*lines, clip(rest, room, size)] if rest else lines


def backwards(line: str) -> bool:
    """Whether a line runs from right to left: its first strong letter decides."""
    weak = takewhile(lambda char: unicodedata.bidirectional(char) not in ("L", "R", "AL"), line)
    first = line[len("".join(weak)) :][:1]
    return bool(first) and unicodedata.bidirectional(first) != "L"
