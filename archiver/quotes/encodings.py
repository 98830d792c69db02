"""Damaged encodings: UTF-8 bytes that were read as another codec, read as UTF-8 again.

Only whole characters are read back, so that two different texts stay different. What a codec lost stays damaged, but
for dashes and quotation marks. A codec counts as the cause only when the original holds what is read back, or when
that is punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# One byte, one character.
SINGLE_BYTE = (
    "cp1252", "latin-1", "cp1250", "cp1251", "mac_roman", "cp1254", "iso8859-2", "iso8859-15", "cp437", "cp850",
    "cp1253", "koi8_r", "cp866", "mac_cyrillic", "mac_latin2", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
    "iso8859-5", "iso8859-7",
)  # fmt: skip
# Several bytes may be one character, so that damage reaches over the letters beside it, but never over a space.
MULTI_BYTE = ("gbk", "gb18030", "cp932", "big5", "cp949", "euc_jp")
CODECS = (*SINGLE_BYTE, *MULTI_BYTE)
_CHUNK = re.compile(r"[!-\x7f]*[^\x00-\x7f][^\x00-\x20]*")
_WIDE = re.compile("[\u3000-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\ue000-\uf8ff]")
_LOST = "\ufffd"  # what decoders put where a byte means nothing
_CUT = b"\xe2\x80"  # U+2000 to U+203F begin so: dashes and quotation marks
_LONGEST = 20_000  # code points: what is damaged shows it early


@cache
def _byte_of(codec: str) -> dict[str, int]:
    """The byte of each character beyond ASCII; a byte without one is written as the C1 control of its number."""
    out: dict[str, int] = {}
    for number in range(0x80, 0x100):
        out.setdefault(bytes([number]).decode(codec, "ignore") or chr(number), number)
    return out


@cache
def _single(codec: str) -> re.Pattern[str]:
    number = _byte_of(codec)

    def between(low: int, high: int) -> str:
        return "[" + "".join(re.escape(char) for char, byte in number.items() if low <= byte <= high) + "]"

    later, dashes = between(0x80, 0xBF), between(0xE2, 0xE2) + between(0x80, 0x80)
    if "[]" in dashes:  # a codec without these bytes damages no dash or quotation mark in this way
        dashes = r"(?!)"
    leads = ((0xC2, 0xDF, 1), (0xE0, 0xEF, 2), (0xF0, 0xF4, 3))
    whole = [f"{lead}{later}{{{size}}}" for low, high, size in leads if (lead := between(low, high)) != "[]"]
    # A cut one begins U+2000 to U+203F: there stand dashes and quotation marks.
    return re.compile("|".join([*whole, rf"{dashes}{_LOST}?"]))


@cache
def _run(codec: str) -> re.Pattern[str]:
    # Nothing beyond ASCII survives damage: a run that is damage only in part is none. Only quotation marks and dots
    # may have come later, from character references.
    return re.compile(rf"(?<![^\x00-\x7f“”‘’«»…])(?:{_single(codec).pattern})+(?![^\x00-\x7f“”‘’«»…])")


@lru_cache(maxsize=8192)
def restored(damaged: str, codec: str) -> str:
    """What `pattern(codec)` finds, read as UTF-8 again; unchanged where it is none."""
    if codec in MULTI_BYTE:
        return _chunk(damaged, codec)
    shown = _single(codec).sub(lambda match: _restored(match.group(), codec), damaged)
    # Three letters may as well be a word: "рад" in cp866 would be one character of a script that nobody writes.
    word = len(damaged) == 3 and damaged.isalpha() and unicodedata.category(shown[0])[0] != "P"
    return damaged if word else shown


def _restored(damaged: str, codec: str) -> str:
    number = _byte_of(codec)
    raw = bytes(number[char] for char in damaged if char != _LOST)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "”" if raw == _CUT else damaged


def _chunk(chunk: str, codec: str) -> str:
    try:
        parts = [part.encode(codec) for part in chunk.split(_LOST)]
        whole = b"".join(part + b"\x9d" if part.endswith(_CUT) else part for part in parts[:-1])
        shown = (whole + parts[-1]).decode("utf-8")
    except UnicodeError:
        return chunk
    if shown.isascii() or not all(part.endswith(_CUT) for part in parts[:-1]):
        return chunk
    return shown


@cache
def pattern(codec: str) -> re.Pattern[str]:
    """The stretches of text that damage by this codec may have left."""
    return _CHUNK if codec in MULTI_BYTE else _run(codec)


def whole_restored(text: str, codec: str) -> str:
    """A text with all that `pattern(codec)` finds in it restored."""
    return pattern(codec).sub(lambda match: restored(match.group(), codec), text)


@cache
def _shows(codec: str) -> frozenset[str]:
    return frozenset(char for char, byte in _byte_of(codec).items() if byte >= 0xC2)


def damage_between(quoted: str, original: str) -> str:
    """The codec whose damage explains the foreign characters of the quotation (or of the original, which may be the
    damaged one), or an empty string. The cause is the codec that brings back most characters which the other text
    holds, in either case; punctuation that comes back counts half, for a document may have set its own around words.

    The first 20,000 code points of each are looked at: a quotation that is damaged is damaged from its beginning."""
    quoted, original = quoted[:_LONGEST], original[:_LONGEST]
    if original.isascii() and quoted.isascii():
        return ""
    ours = {char for char in quoted if char > "\x7f"}
    theirs = {char for char in original if char > "\x7f"}
    best, most = "", (0, 0)
    for damaged, whole, foreign in ((quoted, original, ours - theirs), (original, quoted, theirs - ours)):
        if not foreign:
            continue
        wide = _WIDE.search("".join(foreign)) is not None
        for codec in CODECS:
            if not wide if codec in MULTI_BYTE else foreign.isdisjoint(_shows(codec)):
                continue
            there = whole_restored(damaged, codec)
            if there != damaged:
                back = _characters(there) - _characters(damaged)
                marks = sum(unicodedata.category(char)[0] in "PC" for char in back)
                # "Â«" is "«" again: nothing comes back, but what stood against the words is gone.
                other = back - _characters(whole)
                explained = not back and bool(_characters(damaged) - _characters(there))
                left = len(_characters(there) - _characters(whole))
                found = (2 * (len(back) - len(other)) + marks + explained, -left)
                if found[0] and found > most:
                    best, most = codec, found
    return best


def _characters(text: str) -> set[str]:
    """The characters beyond ASCII, composed, as they are and without case."""
    composed = unicodedata.normalize("NFC", text)
    return {char for char in composed + composed.casefold() if char > "\x7f"}
