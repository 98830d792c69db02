"""Signs that turn what words say, where the words themselves agree: "<" for ">", a lost minus, "%" for "‰".

Words are compared without punctuation. What stands here is no punctuation, so where it differs a reader is warned:
the verdict stays, with a flag.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from archiver.model import Span, Verdict, VerdictKind
from archiver.quotes.normal import replay

SIGNS, QUESTION, OVERRIDE = "signs-differ", "question-mark", "bidi-override"
EMOTICON, DASH = "emoticon-differs", "punctuation-within"
_LINK = re.compile(
    r"(?i)(?<![\w.-])(?:https?://|www\.|pic\.(?:twitter|x)\.com/|t\.co/|(?:[\w-]++\.)++(?<=\.)[a-z]{2,}+/)[!-~]*"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFFE1: ord("£"), 0xFFE5: ord("¥")}
_DASHES = dict.fromkeys(map(ord, "−–—‐‑‒⁻⁃﹣➖"), "-")
_MINUS = re.compile(r"(?<![\w)])-(?=[^\w\s]?\d)")
_JOINTS = re.compile(r"(?<=\d)\s?([^\w\s])\s?(?=\d)")
_UNITS = re.compile(r"\d\s?([kKmMgGbBwWaAµμ][A-Za-z]{0,2})(?![^\W\d_])")
_MORE = frozenset("%‰‱٪′″°")  # of other categories: they change the number before them
_PLAIN = frozenset("|`^©®™№")  # separators and ornaments that carry nothing
_MAYBE = re.compile("[^\\w\\s!-#&-*,-/:;?@\\[-`{}]|[^\\x00-\\x7f]")
_ASKS = re.compile("[?？؟፧⁇⁈⁉‽❓❔]")
_EMOTICON = re.compile(r"(?<!\w)(?:[:;=8xX]['’]?-?[()\[\]{}DPpOo/\\|*3]+|<3+|\^_*\^|-_+-|[oO][._][oO])(?!\w)")
_EM_JOINS = re.compile(r"(?<=[^\W\d])[—―](?=[^\W\d])")
_GREEK = re.compile("[\u0370-\u03ff]")
_PAIRED = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_TURNS = re.compile("[\u202d\u202e]")
_MARKING = (VerdictKind.ELIDED, VerdictKind.BRACKETED)


def differing(verdict: Verdict, quoted: str, original: str) -> tuple[str, ...]:
    """The flags for a faithful verdict on two texts as given, of signs, questions, emoticons, joining dashes and
    characters that turn the direction of writing."""
    ours, theirs = verdict.quoted_span, verdict.original_span
    if ours is None or theirs is None:
        return ()
    steps = [step for step in verdict.steps if step == "html-entities" or step.startswith("encoding:")]
    left, right = _reached(quoted, ours), _reached(original, theirs)
    if quoted[left] == original[right]:
        return ()
    near, far = _plain(quoted[_widened(quoted, ours)], steps), _plain(original[_widened(original, theirs)], steps)
    mine, held = _plain(quoted[left], steps), _plain(original[right], steps)
    asks = _questions(_plain(quoted[ours.end - 1 : left.stop], steps)) != _questions(
        _plain(original[theirs.end - 1 : right.stop], steps)
    )
    if verdict.kind in _MARKING:  # what was left out may hold signs, but none may come in
        added = bool(Counter(_signs(near)) - Counter(_signs(far)))
        return tuple(flag for flag, hit in ((SIGNS, added), (QUESTION, asks)) if hit)
    mine_joins, held_joins = (len(_EM_JOINS.findall(text)) for text in (near, far))
    compared = (
        (SIGNS, _all(near) != _all(far) or near.count("~~") != far.count("~~")),
        (QUESTION, _questions(mine) != _questions(held)),
        (EMOTICON, _EMOTICON.findall(mine) != _EMOTICON.findall(held)),
        (DASH, mine_joins != held_joins),
        (OVERRIDE, len(_TURNS.findall(quoted[left])) != len(_TURNS.findall(original[right]))),
    )
    return tuple(flag for flag, hit in compared if hit)


def _plain(text: str, steps: Sequence[str]) -> str:
    plain = replay(text, steps) if steps else text
    if plain.isascii():  # the same, for the letters that there are
        plain = " ".join(plain.replace("`", "'").replace("\x7f", "").split())
        return _LINK.sub(" ", plain) if "/" in plain or "www." in plain.lower() else plain
    plain = replay(plain, ("nfc", "invisible", "quotes", "white-space"))
    return _PAIRED.sub(" ", _LINK.sub(" ", plain)).translate(_FULL_WIDTH)


def _questions(text: str) -> int:
    """How many question marks; in Greek the semicolon is one."""
    greek = text.count(";") if _GREEK.search(text) else 0
    return len(_ASKS.findall(text)) + greek


def _reached(text: str, span: Span) -> slice:
    """The span with all that stands around it up to the next words."""
    start, end = span.start, span.end
    while start > 0 and not text[start - 1].isalnum():
        start -= 1
    while end < len(text) and not text[end].isalnum():
        end += 1
    return slice(start, end)


def _widened(text: str, span: Span) -> slice:
    """The span with the signs that touch it: a word's "$" or "%" is no part of the word."""
    start, end = span.start, span.end
    while start > 0 and not (text[start - 1].isalnum() or text[start - 1].isspace()):
        start -= 1
    while end < len(text) and not (text[end].isalnum() or text[end].isspace()):
        end += 1
    return slice(start, end)


def _all(text: str) -> tuple[Counter[str], int, list[str], list[str]]:
    even = text.translate(_DASHES)
    units = [unit for unit in _UNITS.findall(text) if unit.casefold() not in ("am", "k", "a", "b", "bb", "kk")]
    return Counter(_signs(text)), len(_MINUS.findall(even)), _JOINTS.findall(even), units


def _signs(text: str) -> list[str]:
    """Mathematical and currency signs, arrows, letters and numbers in circles; no emoji, which are marks already."""
    return [char for char in _MAYBE.findall(text) if _is_sign(char)]


@lru_cache(maxsize=4096)
def _is_sign(char: str) -> bool:
    if char in _PLAIN or char == "~":
        return False
    kind = unicodedata.category(char)
    symbol = kind == "So" and (char < "\u2600" or "\u2800" <= char <= "\u28ff" or "\U0001f100" <= char < "\U0001f1e6")
    return kind in ("Sm", "Sc", "No") or symbol or char in _MORE
