"""Texts as words with places. Emoji, links, ellipses and bracketed insertions are marks between words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from archiver.model import Span
from archiver.quotes.normal import EMOJI, LINK, SHAPES, UNSPACED, Mapped, letter_forms, mapped, marks_class

_CURRENCY = "$€£¥₹₽₩₺₴₿¢"
# "." between: "..." and ". . ." and "…"; in square or round brackets too.
_LINK_BEGINS = r"https?://|pic\.(?:twitter|x)\.com/"
_DOTS = r"(?:…|\.(?:\s?[.…])+)"


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
    word = rf"{letter}+(?:'{letter}+)*"
    parts = [
        rf"(?P<link>{LINK})",
        rf"(?P<ellipsis>\[\s*{_DOTS}\s*\]|\(\s*{_DOTS}\s*\)|{_DOTS})",
    ]
    if brackets:
        parts.append(rf"(?P<letter>(?<!\w)\[\w\]{letter}+(?:'{letter}+)*)|(?P<bracket>\w*\[[^\[\]]{{0,80}}\]\w*)")
    if not ascii_only:
        parts.append(rf"(?P<emoji>{EMOJI})")
    if unspaced:
        parts.append(rf"(?P<character>[{UNSPACED}][{marks}]*)")
    if glued:
        parts.append(rf"(?P<before>[@#]?{letter}+?(?={_LINK_BEGINS}))")
    parts.append(
        rf"(?P<number>(?:(?<![^\s({_CURRENCY}])[-+](?=\.?\d))?(?:(?<![\w.])\.)?\d+(?:[.,:/'^-]\d+)*{letter}*(?:'{letter}+)*(?:\s?%|\+(?!\w))?)"
        rf"|(?P<sign>[{_CURRENCY}]|[<>=≠≤≥±≈×÷+]+(?=\s?[\d{_CURRENCY}])|(?<=\w\s)[<>=≠≤≥±≈×÷+]+(?=\s\w))"
        rf"|(?P<word>(?<!\w)[A-F]-(?![\w-])|[@#]?{word}(?:\+{{1,2}}(?!\w))?)"
    )
    return re.compile("|".join(parts), re.I)


@lru_cache(maxsize=8192)
def key(raw: str) -> str:
    """How a word is compared: without case, apostrophes, # and @, and letter forms."""
    word = raw.casefold()
    if not word.isascii():
        word = unicodedata.normalize("NFC", letter_forms(word).casefold())
    word = re.sub(r"(?<!\d)'|'(?!\d)", "", word.lstrip("@#+")).replace("[", "").replace("]", "")
    if word.endswith("%"):
        word = "".join(word.split())
    bare = word if raw.startswith("@") else word.strip("_")
    return bare or raw.casefold()


def tokenise(
    text: str, *, steps: Sequence[str] = (), brackets: bool = False, kept: frozenset[str] = frozenset()
) -> Tokens:
    """The words and marks of a text after HTML entities, `steps`, NFC, invisible characters and typographic shapes.

    With `brackets`, [text in square brackets] is one mark, unless its lower-case content is in `kept`.
    """
    source = mapped(text, ("html-entities", *steps, "nfc", "invisible"))
    folded = source.text if source.text.isascii() else source.text.translate(SHAPES)
    source = Mapped(text=folded, starts=source.starts, ends=source.ends, length=source.length)
    keys: list[str] = []
    at: list[tuple[int, int]] = []
    marks: list[Mark] = []
    unspaced = not folded.isascii() and re.search(f"[{UNSPACED}]", folded) is not None
    # An address may stick to the word before it: embeds write "nightpic.twitter.com/x", and a dropped emoji glues.
    glued = re.search(rf"\w(?:{_LINK_BEGINS})", folded, re.I) is not None
    pattern = _pattern(folded.isascii(), unspaced, brackets and "[" in folded, glued)
    plain = _pattern(folded.isascii(), unspaced, False, glued)
    place = 0
    while match := pattern.search(folded, place):
        kind, place = match.lastgroup or "", match.end()
        if kind in ("bracket", "letter") and inside(match.group()) in kept:
            place = match.start() + 1
            match = plain.match(folded, match.start()) or plain.search(folded, place)
            if match is None:
                break
            kind, place = match.lastgroup or "", match.end()
        if kind in ("link", "ellipsis", "bracket", "emoji"):
            marks.append(Mark(kind=kind, place=len(keys), text=match.group(), start=match.start(), end=match.end()))
        else:
            keys.append(key(match.group()))
            at.append(match.span())
    return Tokens(source=source, keys=tuple(keys), at=tuple(at), marks=tuple(marks))


def inside(bracketed: str) -> str:
    """The lower-case text between the square brackets of a mark."""
    return bracketed[bracketed.find("[") + 1 : bracketed.rfind("]")].strip().casefold()


def bracketed(text: str) -> frozenset[str]:
    """What stands in square brackets in a text, in lower case."""
    return frozenset(inside(found) for found in re.findall(r"\[[^\[\]]{0,80}\]", text)) if "[" in text else frozenset()


def unglue(quote: Tokens, original: Tokens) -> Tokens:
    """The quotation's words with the original's first word cut free where lost markup glued it to what stands
    before ("2017We will", "a green cardWould"): after a digit or before a capital only."""
    if not original.keys:
        return quote
    firsts = dict.fromkeys((original.raw(0), original.raw(0).split("'")[0]))
    keys: list[str] = []
    at: list[tuple[int, int]] = []
    moved: list[int] = []
    for n, (start, end) in enumerate(quote.at):
        raw = quote.raw(n)
        moved.append(len(keys))
        size = next((len(first) for first in firsts if _glued(raw, first)), 0)
        if size:
            keys += (key(raw[:-size]), key(raw[-size:]))
            at += ((start, end - size), (end - size, end))
        else:
            keys.append(quote.keys[n])
            at.append((start, end))
    moved.append(len(keys))
    return _with_words(quote, keys, at, moved)


def _glued(raw: str, word: str) -> bool:
    before = raw[: -len(word)] if word else ""
    if not before or not raw.endswith(word) or not word[0].isalpha():
        return False
    return before[-1].isdigit() or (before[-1].islower() and word[0].isupper())


def _with_words(quote: Tokens, keys: list[str], at: list[tuple[int, int]], moved: list[int]) -> Tokens:
    marks = tuple(
        Mark(kind=mark.kind, place=moved[mark.place], text=mark.text, start=mark.start, end=mark.end)
        for mark in quote.marks
    )
    return Tokens(source=quote.source, keys=tuple(keys), at=tuple(at), marks=marks)


def meet(quote: Tokens, original: Tokens) -> Tokens:
    """The quotation's words cut as the original's are, where an apostrophe or an emoji was lost.

    "don t" meets "don't" (never words that the original does not hold together by an apostrophe), and "dayone"
    meets "day💜one" (never words that the original does not hold apart by an emoji alone).
    """
    split: dict[tuple[str, ...], str] = {}
    for n, (start, end) in enumerate(original.at):
        raw = original.source.text[start:end]
        if "'" in raw or (raw[0].isdigit() and "-" in raw):
            pieces = tuple(key(piece) for piece in re.split(r"['-]", raw) if piece)
            if len(pieces) > 1:
                split[pieces] = original.keys[n]
    glued: dict[str, int] = {}
    for mark in original.marks:
        if mark.kind == "emoji" and 0 < mark.place < len(original.at):
            between = original.source.text[original.at[mark.place - 1][1] : original.at[mark.place][0]]
            if not any(char.isspace() for char in between):
                left, right = original.keys[mark.place - 1], original.keys[mark.place]
                glued[left + right] = len(left)
    known = set(original.keys)
    pairs: set[tuple[str, ...]] = set()
    if any("'" in quote.raw(n) and word not in known for n, word in enumerate(quote.keys)):
        pairs = set(pairwise(original.keys))
    if not split and not glued and not pairs:
        return quote
    held = {mark.place for mark in quote.marks}
    most = max(map(len, split), default=0)
    keys: list[str] = []
    at: list[tuple[int, int]] = []
    moved: list[int] = []
    n = 0
    while n < len(quote.keys):
        moved.append(len(keys))
        for size in range(most, 1, -1):
            joined = split.get(quote.keys[n : n + size])
            if joined is None or any(place in held for place in range(n + 1, n + size)):
                continue
            between = quote.source.text[quote.at[n][0] : quote.at[n + size - 1][1]]
            if len(between) - sum(b - a for a, b in quote.at[n : n + size]) > size:
                continue
            keys.append(joined)
            at.append((quote.at[n][0], quote.at[n + size - 1][1]))
            moved.extend([len(keys)] * (size - 1))
            n += size
            break
        else:
            start, end = quote.at[n]
            raw = quote.raw(n)
            cut = 0 if quote.keys[n] in known else glued.get(quote.keys[n], 0)
            skip = 1 if cut and raw[0] in "@#" else 0
            apart = raw.find("'")
            if cut and skip + cut < len(raw):
                keys += (quote.keys[n][:cut], quote.keys[n][cut:])
                at += ((start, start + skip + cut), (start + skip + cut, end))
            elif apart > 0 and quote.keys[n] not in known and (key(raw[:apart]), key(raw[apart + 1 :])) in pairs:
                keys += (key(raw[:apart]), key(raw[apart + 1 :]))
                at += ((start, start + apart), (start + apart + 1, end))
            else:
                keys.append(quote.keys[n])
                at.append((start, end))
            n += 1
    moved.append(len(keys))
    return _with_words(quote, keys, at, moved)
