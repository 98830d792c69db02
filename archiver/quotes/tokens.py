"""Texts as words with places. Emoji, links, ellipses and bracketed insertions are marks between words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from archiver.model import Span
from archiver.quotes.normal import (
    AMPERSAND,
    EMOJI,
    GROUPED,
    LINK,
    SHAPES,
    UNSPACED,
    Mapped,
    fold,
    letter_forms,
    mapped,
    marks_class,
    ungrouped,
    without_points,
    without_tonos,
)

_CURRENCY = "$€£¥₹₽₩₺₴₿¢"
_SIGN = "<>=≠≤≥±≈×÷+~∼"
SIGNS = frozenset(_CURRENCY + _SIGN)
_LINK_BEGINS = r"https?://|pic\.(?:twitter|x)\.com/"
# "." between: "..." and ". . ." and "…"; three asterisks that stand alone; three full stops of CJK.
_DOTS = r"(?:[…⋯‥]|\.(?:\s{0,3}[.…])+|。。。+|(?<!\S)\*(?:\s?\*){2,}(?!\S))"
_APART = frozenset(("link", "ellipsis", "bracket", "emoji", "characters"))
_SHORT = 1000  # code points of a text whose words are remembered for a while
# Bracketed words that say that something was left out, and the note that an error stands in the original.
OMISSIONS = frozenset(
    ("snip", "cut", "omitted", "略", "中略", "後略", "前略", "省略", "생략", "중략", "-", "--", "---", "***")
)
# Letters of words that stand between spaces: Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Hangul.
_LETTERS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0388-\u038a\u038e-\u03a1\u03a3-\u03ff\u0400-\u0481\u048a-\u052f"
    "\u05d0-\u05ea\u0620-\u064a\u0671-\u06d3\u0904-\u0939\u1e00-\u1fbc\uac00-\ud7a3"
)
_DROPPED = re.compile(r"(?<!\d)'|'(?!\d)|[\[\]\u200c]")
_ROUND = r"sic!?|中略|後略|前略|略"
# Editors' brackets of East Asian typography, as long as what they stand for.
_BRACKETED = re.compile(rf"\[[^\[\]]{{0,80}}\]|\((?:{_ROUND})\)", re.I)
_GLUED = re.compile(rf"\w(?:{_LINK_BEGINS})", re.I)
_PLAIN = str.maketrans("［］〔〕（）％￡￥＄＃＠＆", "[][]()%£¥$#@&")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What stands between words: an emoji, link, ellipsis or bracket. `place` is the number of words before it."""

    kind: str
    place: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`keys` are the words as they are compared, `at` their ranges in `source.text`; `marks` in order."""

    source: Mapped
    keys: tuple[str, ...]
    at: tuple[tuple[int, int], ...]
    marks: tuple[Mark, ...]

    def span(self, start: int, end: int) -> Span:
        """The span, in the text as given, of the words [start, end); an empty one stands before word `start`."""
        if start < end:
            return self.source.span(self.at[start][0], self.at[end - 1][1])
        place = self.at[start][0] if start < len(self.at) else len(self.source.text)
        return self.source.span(place, place)

    def raw(self, word: int) -> str:
        """A word as it stands in the source text."""
        return self.source.text[slice(*self.at[word])]


@cache
def _pattern(ascii_only: bool, unspaced: bool, brackets: bool, glued: bool) -> re.Pattern[str]:
    marks = "" if ascii_only else marks_class()
    letter = rf"[\w{marks}]" if not unspaced else rf"(?:(?![{UNSPACED}])[\w{marks}])"
    plain = f"[A-Za-z{'' if ascii_only else _LETTERS}]"
    joiner = "'" if ascii_only else "['\u200c]"
    word = rf"{letter}+(?:{joiner}{letter}+)*"
    parts = [
        # Most words stand between spaces and are nothing else: a run of them is one match.
        rf"(?P<plain>(?<!\S){plain}+(?: {plain}+)*(?![^\s.,;])(?!\.\S))",
        rf"(?P<link>{LINK})",
        rf"(?P<ellipsis>\[\s*{_DOTS}\s*\]|\(\s*{_DOTS}\s*\)|{_DOTS})",
    ]
    if brackets:
        parts.append(
            rf"(?P<letter>(?<!\w)\[\w\]{letter}+(?:'{letter}+)*)"
            rf"|(?P<bracket>{letter}*\[[^\[\]]{{0,80}}\]{letter}*|\((?:{_ROUND})\))"
        )
    if not ascii_only:
        parts.append(rf"(?P<emoji>{EMOJI})")
    if unspaced:
        parts.append(rf"(?P<characters>[{UNSPACED}][{UNSPACED}{marks}\uff9e\uff9f]*)")
    if glued:
        parts.append(rf"(?P<before>[@#]?{letter}+?(?={_LINK_BEGINS}))")
    parts.append(r"(?P<meridiem>(?:(?<=\d)|(?<!\w))[ap]\.\s?m(?:\.|\b))")
    parts.append(
        rf"(?P<number>(?:(?<![^\s({_CURRENCY}])[-+](?=\.?\d))?(?:(?<![\w.])\.)?\d+(?:[.,:/'^-]\d+|[\u00a0\u202f\u2009]\d{{3}}(?!\d))*(?:(?![ap]\.\s?m\b){letter})*(?:'{letter}+)*(?:\s?%|\+(?!\w))?)"
        rf"|(?P<sign>[{_CURRENCY}]|(?<![{_SIGN}])[{_SIGN}]++(?=\s?[\d{_CURRENCY}])|(?<=\w\s)[{_SIGN}]++(?=\s\w)|{AMPERSAND})"
        rf"|(?P<word>(?<!\w)[A-F]-(?![\w-])|[@#]?{word}(?:\+{{1,2}}(?!\w)|(?<=\b[A-Ga-g])#(?!\w))?)"
    )
    return re.compile("|".join(parts), re.I)


@cache
def _one_character() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}][{marks_class()}\uff9e\uff9f]*")


@lru_cache(maxsize=8192)
def key(raw: str) -> str:
    """How a word is compared: without case, apostrophes, # and @, letter forms, points, and separators of thousands."""
    if raw == "&":
        return "and"
    word = raw.casefold()
    if not word.isascii():
        word = unicodedata.normalize("NFC", fold(letter_forms(word)))
        word = without_tonos(without_points(word)) or word
    if not word.isalnum():
        word = GROUPED.sub(lambda match: ungrouped(match.group()), word) if word[:1].isdigit() else word
        word = _DROPPED.sub("", word.lstrip("@#"))
        if word.endswith("m.") or word in ("a.m", "p.m"):
            word = word.replace(".", "")
        if word.endswith("%"):
            word = "".join(word.split())
        if not raw.startswith("@"):
            word = word.strip("_")
    return word or raw.casefold()


def tokenise(
    text: str, *, steps: Sequence[str] = (), brackets: bool = False, kept: frozenset[str] = frozenset()
) -> Tokens:
    """The words and marks of a text after HTML entities, `steps`, NFC, invisible characters and typographic shapes.

    With `brackets`, [text in square brackets] is one mark, unless its lower-case content is in `kept`.
    """
    if len(text) <= _SHORT:
        return _known(text, tuple(steps), brackets, kept)
    return _tokens(text, steps, brackets, kept)


@lru_cache(maxsize=1024)
def _known(text: str, steps: tuple[str, ...], brackets: bool, kept: frozenset[str]) -> Tokens:
    # A quotation is judged against many posts, and a post is judged for many quotations.
    return _tokens(text, steps, brackets, kept)


def _tokens(text: str, steps: Sequence[str], brackets: bool, kept: frozenset[str]) -> Tokens:
    source = mapped(text, ("html-entities", *steps, "nfc", "invisible-in-words"))
    ascii_only = source.text.isascii()
    folded = source.text if ascii_only and "`" not in source.text else source.text.translate(SHAPES)
    folded = folded if ascii_only else folded.translate(_PLAIN)
    source = Mapped(text=folded, starts=source.starts, ends=source.ends, length=source.length)
    keys: list[str] = []
    at: list[tuple[int, int]] = []
    marks: list[Mark] = []
    unspaced = not ascii_only and _one_character().search(folded) is not None
    # An address may stick to the word before it: embeds write "nightpic.twitter.com/x", and a dropped emoji glues.
    glued = "/" in folded and _GLUED.search(folded) is not None
    brackets = brackets and ("[" in folded or "(" in folded)
    found = _pattern(ascii_only, unspaced, brackets, glued).finditer(folded)
    if brackets and kept:
        found = _kept(folded, ascii_only, unspaced, glued, kept)
    for match in found:
        kind = match.lastgroup
        if kind == "plain":
            place = match.start()
            for word in match.group().split(" "):
                keys.append(word.lower() if ascii_only else key(word))
                at.append((place, place + len(word)))
                place += len(word) + 1
        elif kind not in _APART:
            keys.append(key(match.group()))
            at.append(match.span())
        elif kind == "characters":
            for char in _one_character().finditer(folded, match.start(), match.end()):
                keys.append(key(char.group()))
                at.append(char.span())
        else:
            text = match.group()
            kind = "ellipsis" if kind == "bracket" and inside(text) in OMISSIONS else str(kind)
            marks.append(Mark(kind=kind, place=len(keys), text=text, start=match.start(), end=match.end()))
    return Tokens(source=source, keys=tuple(keys), at=tuple(at), marks=tuple(marks))


def _kept(text: str, ascii_only: bool, unspaced: bool, glued: bool, kept: frozenset[str]) -> Iterator[re.Match[str]]:
    """Words and marks, where the brackets that the original holds too are read as words."""
    pattern, plain = (_pattern(ascii_only, unspaced, brackets, glued) for brackets in (True, False))
    place = 0
    while match := pattern.search(text, place):
        if match.lastgroup in ("bracket", "letter") and inside(match.group()) in kept:
            found = plain.search(text, match.start())
            if found is None:
                return
            match = found
        place = match.end()
        yield match


def inside(bracketed: str) -> str:
    """The lower-case text between the brackets of a mark."""
    if "[" not in bracketed:
        return bracketed.strip("()").casefold()
    return bracketed[bracketed.find("[") + 1 : bracketed.rfind("]")].strip().casefold()


def bracketed(text: str) -> frozenset[str]:
    """What stands in brackets in a text, in lower case."""
    if text.isascii() and "[" not in text and "(" not in text:
        return frozenset()
    return frozenset(map(inside, _BRACKETED.findall(text.translate(_PLAIN))))
