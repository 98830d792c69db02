"""The ladder of normalisations: each step has a name, does one thing, and can be replayed on any text.

Verbatim may be said after `VERBATIM` steps; `WORDS` steps keep the words only. `encoding:CODEC` is *verified*
encoding damage: UTF-8 bytes that were read as CODEC are read as UTF-8 again, on both sides, and only where the
other side then holds the same characters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from archiver.errors import InputError
from archiver.model import Span
from archiver.quotes import encodings

VERBATIM = ("html-entities", "nfc", "invisible", "ellipsis", "quotes", "dashes", "white-space")
WORDS = (
    "links", "emoji", "letter-forms", "points", "number-groups", "marks", "ampersand", "apostrophes", "case",
    "punctuation", "white-space", "word-breaks",
)  # fmt: skip

SINGLE_QUOTES = "‘’‚‛′ʼʻʹʽʾʿ׳`´"
DOUBLE_QUOTES = "“”„‟″«»״"
DASHES = "–—‒―−‐‑﹣－"
_QUOTES = {ord(c): "'" for c in SINGLE_QUOTES} | {ord(c): '"' for c in DOUBLE_QUOTES}
SHAPES = {ord(c): "'" for c in SINGLE_QUOTES} | {ord(c): '"' for c in DOUBLE_QUOTES} | {ord(c): "-" for c in DASHES}

# Hosts which stand for another address or for a medium: two of them cannot be compared as text.
_SHORT = """
t.co pic.twitter.com pic.x.com bit.ly tinyurl.com goo.gl ow.ly is.gd buff.ly dlvr.it fb.me youtu.be amzn.to nyti.ms
wapo.st ift.tt lnkd.in trib.al instagr.am twitpic.com yfrog.com tl.gd j.mp tmblr.co
"""
SHORT_HOSTS = frozenset(_SHORT.split())
_TLD = (
    "com|org|net|gov|edu|mil|int|info|io|co|me|tv|ly|gl|gd|us|uk|de|fr|eu|ca|au|in|jp|cn|ru|be|it|es|nl|ch|at|se|no"
    "|ms|to|st|tt|app|news|social|example"
)
# An address ends where another script begins directly after its letters: "https://a.example/b这是" ends at "b".
_IN_LINK = r"(?:[!#-;=?-~]|(?<![A-Za-z0-9])[^\s…\"“”«»<>\x00-\x7f])"
LINK = (
    r"(?:https?://t\.co/[A-Za-z0-9]+(?=[^\x00-\x7f…])"  # what is glued to a short link is no part of it
    rf"|https?:(?:/{{1,2}}(?:{_IN_LINK}*[^\s…\"“”«»<>.,;:!?'’)\]])?)?"
    r"|pic\.(?:twitter|x)\.com/[A-Za-z0-9_]+"
    rf"|(?<![\w@.-])(?!(?:[\w-]+\.)*\w*pic\.(?:twitter|x)\.com/)(?:[\w-]+\.)+(?:{_TLD})/(?:{_IN_LINK}*[^\s…\"“”«»<>.,;:!?'’)\]])?)"
)
# Scripts written without spaces: one word per character (with its combining marks).
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U000323af"
)
_PICTURE = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\u2500-\u25ff"
    "\u203c\u2049\u2139\u3030\u303d\u3297\u3299\u00a9\u00ae\u2122"
)
_MODIFIERS = "\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
EMOJI = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[#*]\ufe0f?\u20e3|[{_PICTURE}](?:[{_MODIFIERS}]|\u200d[{_PICTURE}])*)"
# Zero-width and directional characters, soft hyphen, variation selectors, C1 controls.
_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\x7f-\x84\x86-\x9f"
# A repost or a hand-made one: "RT @name:", "RT @name", "@name:", with a quotation mark before it at most.
_NAME = r"@([\w.-]*\w(?:@[\w.-]*\w)?)"
REPOST = re.compile(rf"^\s*(?:[\"“”„«'‘]\s*)?(?:RT\s+{_NAME}\s?:?|{_NAME}\s?:)\s+", re.I)
POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]+")
_ACCENTED = re.compile("[\u0370-\u03ff\u1f00-\u1fffёЁ]")
_TONOS = re.compile("[\u0300\u0301\u0308\u0313\u0314\u0342]")
_ARABIC_LETTERS = "\u0620-\u06ff"
_ALIKE = {
    "\u06cc": "\u064a",
    "\u06a9": "\u0643",
    "µ": "μ",
    "ş": "ș",
    "ţ": "ț",
    "Ş": "Ș",
    "Ţ": "Ț",
    "œ": "oe",
    "Œ": "OE",
}
_LIGATURES = frozenset("ĳĲŀĿǆǅǄǉǈǇǌǋǊǳǲǱ₀₁₂₃₄₅₆₇₈₉ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ")
_GROUPS = r"(?:,\d{3})+|(?:'\d{3})+|(?:[\u00a0\u202f\u2009]\d{3})+|(?:\.\d{3}){2,}"
# Thousands; "1.000" may be one, and stays.
GROUPED = re.compile(rf"(?<![\w.,])\d{{1,3}}(?:{_GROUPS})(?![,']?\d)(?!\.\d+[.,]\d)")
AMPERSAND = r"(?<!\w)&(?!\w)"
_MINIMAL = 20_000
# Compatibility decompositions that change how a letter looks, not what it says: ² or ½ would become another number.
_FORMS = ("<wide>", "<narrow>", "<font>", "<initial>", "<medial>", "<final>", "<isolated>")


@cache
def marks_class() -> str:
    """The combining marks (categories Mn, Mc, Me) as the inside of a character class: `\\w` leaves them out."""
    runs: list[list[int]] = []
    for point in range(0x300, 0x1F000):
        if unicodedata.category(chr(point))[0] == "M" and not 0xFE00 <= point <= 0xFE0F and point != 0x20E3:
            if runs and runs[-1][1] == point - 1:
                runs[-1][1] = point
            else:
                runs.append([point, point])
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in runs)


@lru_cache(maxsize=4096)
def _letter(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char in _ALIKE:
        return _ALIKE[char]
    form = unicodedata.decomposition(char).split(" ", 1)[0]
    if form in _FORMS or char in _LIGATURES or "\ufb00" <= char <= "\ufb06":
        return unicodedata.normalize("NFKC", char)
    return char


def letter_forms(text: str) -> str:
    """Full-width, half-width, mathematical and ligature letters as plain ones, decimal digits of any script as those
    of ASCII, letters that stand for one another (Persian and Arabic yeh and kaf, cedilla and comma below, œ and oe) as
    one; nothing else changes."""
    if text.isascii():
        return text
    plain = "".join(map(_letter, text))
    # A half-width voiced mark is a letter of its own, a combining one once it is plain.
    return text if plain == text else unicodedata.normalize("NFC", plain)


def without_points(text: str) -> str:
    """Without what Arabic and Hebrew may or may not write: vowel points, and the tatweel that stretches a line."""
    return text if text.isascii() else POINTS.sub("", text)


def without_tonos(text: str) -> str:
    """Greek letters without accent and breathing, as capitals are written, and the Russian ё as е, as print has it;
    other letters as they are."""
    return text if text.isascii() else _ACCENTED.sub(lambda m: _bare(m.group()), text)


@cache
def _bare(char: str) -> str:
    return unicodedata.normalize("NFC", _TONOS.sub("", unicodedata.normalize("NFD", char)))


def repost_of(quoted: str) -> str:
    """The handle that stands before the words of a repost ("RT @name: …"), without "@"; empty where there is none."""
    found = REPOST.match(quoted)
    return next(filter(None, found.groups()), "") if found else ""


def ungrouped(number: str) -> str:
    """A number without the separators of its thousands."""
    return re.sub(r"\D", "", number)


def fold(text: str) -> str:
    """Without case. The capital \u0130 is only ever a capital i, and its folding leaves a dot of its own behind."""
    folded = text.casefold()
    return folded if folded.isascii() else folded.replace("i\u0307", "i")


Change = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


@cache
def _step(name: str) -> Change:
    """What a step looks for and what it puts there. Raises InputError for a name that is none."""
    if name.startswith("encoding:") and name.removeprefix("encoding:") in encodings.CODECS:
        codec = name.removeprefix("encoding:")
        return encodings.pattern(codec), lambda m: encodings.restored(m.group(), codec)
    steps: dict[str, Callable[[], Change]] = {
        # A reference may be escaped again and again: "&amp;amp;lt;".
        "html-entities": lambda: (
            re.compile(r"&(?:amp;)*(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});", re.A), _entity
        ),
        "nfc": lambda: (
            re.compile(rf"[^{marks_class()}\u1160-\u11ff]?[{marks_class()}\u1160-\u11ff]+|[\u0340-\u0387\u0958-\u09df\u0a33"
                       rf"-\u0a5e\u0b5c\u0b5d\u0f43-\u0fb9\u1f71-\u1ffd\u2000\u2001\u2126\u212a\u212b\u2329\u232a\u2adc\uf900"
                       rf"-\ufaff\ufb1d-\ufb4e\U0001d15e-\U0001d1c0\U0002f800-\U0002fa1d]"),
            lambda m: unicodedata.normalize("NFC", m.group()),
        ),
        "invisible": lambda: (re.compile(f"[{_INVISIBLE}]+"), lambda m: ""),
        # For words: what parts the pieces of a Persian word says where it may be written apart.
        "invisible-in-words": lambda: (
            re.compile(f"(?:(?!(?<=[{_ARABIC_LETTERS}])\u200c[{_ARABIC_LETTERS}])[{_INVISIBLE}])+"), lambda m: ""
        ),
        "ellipsis": lambda: (re.compile(r"…|\.(?: ?\.){2,}"), lambda m: "..."),
        "quotes": lambda: (re.compile(f"[{SINGLE_QUOTES}{DOUBLE_QUOTES}]"), lambda m: SHAPES[ord(m.group())]),
        "dashes": lambda: (re.compile(f"[{DASHES}]|--+"), lambda m: "-"),
        "white-space": lambda: (re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]"), _space),
        "links": lambda: (re.compile(LINK, re.I), lambda m: " "),
        "emoji": lambda: (re.compile(f"{EMOJI}|[\\ufe0e\\ufe0f\\u200d]"), lambda m: " "),
        "letter-forms": lambda: (re.compile(r"[^\x00-\x7f]+"), lambda m: letter_forms(m.group())),
        "points": lambda: (
            re.compile(f"{POINTS.pattern}|{_ACCENTED.pattern}"), lambda m: without_tonos(without_points(m.group()))
        ),
        "number-groups": lambda: (GROUPED, lambda m: ungrouped(m.group())),
        "marks": lambda: (re.compile(r"[@#](?=\w)"), lambda m: ""),
        "ampersand": lambda: (re.compile(AMPERSAND), lambda m: "and"),
        "apostrophes": lambda: (re.compile(rf"(?<=\w)['{SINGLE_QUOTES}](?=\w)"), lambda m: ""),
        "case": lambda: (re.compile(r".+", re.S), lambda m: fold(m.group())),
        "punctuation": lambda: (re.compile(rf"(?:[^\w\s{marks_class()}]|_)+"), lambda m: " "),
        "word-breaks": lambda: (re.compile(r"\s+"), lambda m: ""),
        "repost-mark": lambda: (REPOST, lambda m: ""),
    }  # fmt: skip
    if name not in steps:
        raise InputError(f"{name!r} is not a normalisation step")
    return steps[name]()


def _space(match: re.Match[str]) -> str:
    return " " if match.start() > 0 and match.end() < len(match.string) else ""


def _entity(match: re.Match[str]) -> str:
    # Only references closed by a semicolon: "&copy=2" inside an address is not a character.
    found = match.group()
    return html.unescape("&" + found.replace("&", "", 1).replace("amp;", "") if found.count(";") > 1 else found)


def replay(text: str, steps: Sequence[str]) -> str:
    """The text after `steps`, in order. Raises InputError for an unknown step.

    >>> replay("Tom &amp; “Jo”", ("html-entities", "quotes"))
    'Tom & "Jo"'
    """
    for name in steps:
        whole = _WHOLE.get(name)
        if whole is not None:
            text = whole(text)
            continue
        pattern, put = _step(name)
        if _may_change(name, text):
            text = pattern.sub(put, text)
    return text


# Steps that have a quicker way over a whole text, to the same result.
_WHOLE: dict[str, Callable[[str], str]] = {
    "white-space": lambda text: " ".join(text.split()),
    "word-breaks": lambda text: "".join(text.split()),
    "quotes": lambda text: text.translate(_QUOTES) if "`" in text or not text.isascii() else text,
    "case": fold,
}
# Whether a step may change a text, where that is cheap to see.
_MAY: dict[str, Callable[[str], bool]] = {
    "html-entities": lambda text: "&" in text and ";" in text,
    "ellipsis": lambda text: "…" in text or "." in text,
    "links": lambda text: "/" in text or ":" in text,
    "marks": lambda text: "@" in text or "#" in text,
    "ampersand": lambda text: "&" in text,
    "repost-mark": lambda text: "@" in text,
    "nfc": lambda text: not unicodedata.is_normalized("NFC", text),
    "emoji": lambda text: not text.isascii(),
    "letter-forms": lambda text: not text.isascii(),
    "invisible": lambda text: not text.isascii() or "\x7f" in text,
    "invisible-in-words": lambda text: not text.isascii() or "\x7f" in text,
    "dashes": lambda text: not text.isascii() or "--" in text,
    "apostrophes": lambda text: not text.isascii() or "'" in text or "`" in text,
    "quotes": lambda text: not text.isascii() or "`" in text,
}


def _may_change(name: str, text: str) -> bool:
    may = _MAY.get(name)
    return may(text) if may is not None else not (name.startswith("encoding:") and text.isascii())


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A text after some steps; `starts[i]` and `ends[i]` bound what code point i was in the text as given."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    length: int

    def span(self, start: int, end: int) -> Span:
        """The span of the text as given which [start, end) of this text came from."""
        if start < end:
            return Span(start=self.starts[start], end=self.ends[end - 1])
        place = self.starts[start] if start < len(self.text) else self.length
        return Span(start=place, end=place)


def mapped(text: str, steps: Iterable[str]) -> Mapped:
    """The text after `steps`, which remembers where each code point was."""
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    length = len(text)
    for name in steps:
        pattern, put = _step(name)
        if not _may_change(name, text):
            continue
        parts: list[str] = []
        new_starts: list[int] = []
        new_ends: list[int] = []
        at = 0
        for match in pattern.finditer(text):
            after, (start, end) = put(match), match.span()
            if after == match.group():
                continue
            parts += (text[at:start], after)
            new_starts.extend(starts[at:start])
            new_ends.extend(ends[at:start])
            new_starts.extend([starts[start]] * len(after))
            new_ends.extend([ends[end - 1]] * len(after))
            at = end
        if parts:
            parts.append(text[at:])
            new_starts.extend(starts[at:])
            new_ends.extend(ends[at:])
            text, starts, ends = "".join(parts), new_starts, new_ends
    return Mapped(text=text, starts=starts, ends=ends, length=length)


def contains(whole: str, part: str) -> bool:
    """Whether `part` stands in `whole` without beginning or ending inside a word."""
    at, tries = whole.find(part), 0
    while at >= 0 and part and tries < 1000:
        end = at + len(part)
        inside = at > 0 and _joined(whole[at - 1], part[0])
        if not inside and not (end < len(whole) and _joined(part[-1], whole[end])):
            return True
        at, tries = whole.find(part, at + 1), tries + 1
    return False


@cache
def _without_spaces() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]")


def _joined(left: str, right: str) -> bool:
    if unicodedata.category(right)[0] == "M":
        return True
    return (
        left.isalnum() and right.isalnum() and not _without_spaces().match(left) and not _without_spaces().match(right)
    )


def needed(
    quoted: str, original: str, steps: Sequence[str], fits: Callable[[str, str], bool]
) -> tuple[str, ...] | None:
    """The steps without which `fits(replayed original, replayed quotation)` fails; None when all do not suffice.

    Past 20,000 code points, the steps that change something: they suffice too."""
    ours, theirs = quoted, original
    kept: list[str] = []
    fit = fits(theirs, ours)
    for name in steps:
        if fit:
            break
        before = ours, theirs
        ours, theirs = replay(ours, (name,)), replay(theirs, (name,))
        if (ours, theirs) != before:
            kept.append(name)
            fit = fits(theirs, ours)
    if not fit:
        return None
    if len(quoted) + len(original) > _MINIMAL:
        return tuple(dict.fromkeys(kept))
    for name in tuple(kept):
        fewer = [other for other in kept if other != name]
        if fits(replay(original, fewer), replay(quoted, fewer)):
            kept = fewer
    return tuple(kept)
