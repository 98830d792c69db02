"""Words of a quotation cut as those of the original are, where an apostrophe, an emoji, a space or markup was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from archiver.quotes.align import Index
from archiver.quotes.tokens import Mark, Tokens, key

_UNIT = re.compile(r"([\d.,:]*\d)([^\W\d]{1,4})")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Za-z]\.){2,}")
# Where a word may be cut: at an apostrophe, between the pieces of a Persian word, between a number and its unit or
# the name before it, and in "cannot".
_CUTS = re.compile(
    "(?<=\\w)['\u200c](?=\\w)|(?<=\\d)(?=[^\\W\\d]{1,4}$)|(?<=[^\\W\\d])(?=\\d+$)|(?<=^can)(?=not$)"
    "|(?<=\\d)[\u00a0\u202f\u2009](?=\\d)",
    re.I,
)
# Before these "can not" and "cannot" say opposite things: one can not only go, but stay.
_LIMITS = frozenset(("only", "just", "merely", "simply", "but", "help"))
_THIN = re.compile("[\u00a0\u202f\u2009]")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_LINE_END = re.compile(r"-[ \t]*\r?\n[ \t>]*")
_NUMBERED = re.compile(r"([^\W\d]+)(\d+)")


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
    """The quotation's words cut as the original's are, where only what stands between them differs.

    "don t" meets "don't", "7 pm" meets "7pm", "Bridge Day" meets "#BridgeDay", "U.S." meets "US" (never "us"): always
    words that the original holds together in this way. "dayone" meets "day💜one" (words that the original holds apart
    by an emoji alone), and the other way round for units and initials.
    """
    if quote.keys == original.keys:
        return quote
    joined, dotted = _joined(original)
    joined = {pieces: word for pieces, word in joined.items() if pieces[0] in set(quote.keys)}
    glued = _by_emoji(original)
    initials = {tuple(found.replace(".", "").casefold()) for found in _INITIALS.findall(original.source.text)}
    known = set(original.keys)
    pairs: set[tuple[str, ...]] = set()
    if any(word not in known and _CUTS.search(quote.raw(n)) for n, word in enumerate(quote.keys)):
        pairs = set(pairwise(original.keys))
    wrapped = set(_wrapped(quote))
    if not joined and not glued and not pairs and not initials and not wrapped:
        return quote
    held = {mark.place for mark in quote.marks}
    most = max(map(len, joined), default=0)
    keys: list[str] = []
    at: list[tuple[int, int]] = []
    moved: list[int] = []
    n = 0
    while n < len(quote.keys):
        moved.append(len(keys))
        if n + 1 in wrapped and (whole := quote.keys[n] + quote.keys[n + 1]) in known:
            keys.append(whole)
            at.append((quote.at[n][0], quote.at[n + 1][1]))
            moved.append(len(keys))
            n += 2
            continue
        for size in range(most, 1, -1):
            pieces = quote.keys[n : n + size]
            word = joined.get(pieces)
            if word is None or any(place in held for place in range(n + 1, n + size)):
                continue
            between = quote.source.text[quote.at[n][0] : quote.at[n + size - 1][1]]
            if len(between) - sum(b - a for a, b in quote.at[n : n + size]) > size:
                continue
            if pieces == ("can", "not") and set(quote.keys[n + 2 : n + 3]) & _LIMITS:
                continue
            if pieces in dotted and not _INITIALS.fullmatch(between + "."):
                continue
            keys.append(word)
            at.append((quote.at[n][0], quote.at[n + size - 1][1]))
            moved.extend([len(keys)] * (size - 1))
            n += size
            break
        else:
            if quote.keys[n] in known or (quote.keys[n] == "cannot" and set(quote.keys[n + 1 : n + 2]) & _LIMITS):
                keys.append(quote.keys[n])
                at.append(quote.at[n])
                n += 1
                continue
            for piece, place in _cut(quote, n, glued, pairs, initials):
                keys.append(piece)
                at.append(place)
            n += 1
    moved.append(len(keys))
    return _with_words(quote, keys, at, moved)


def _wrapped(quote: Tokens) -> Iterator[int]:
    """The words that a hyphen at the end of a line, or in Korean a space, parts from the word before."""
    text = quote.source.text
    for n in range(1, len(quote.at)):
        if _HANGUL.match(quote.keys[n]) and _HANGUL.fullmatch(quote.keys[n - 1]):
            yield n
    if "-\n" in text or "-\r" in text:
        for n in range(1, len(quote.at)):
            if _LINE_END.fullmatch(text, quote.at[n - 1][1], quote.at[n][0]):
                yield n


def _joined(original: Tokens) -> tuple[dict[tuple[str, ...], str], set[tuple[str, ...]]]:
    """Words of the original by the pieces that they fall into, and the pieces that must stand as initials."""
    joined: dict[tuple[str, ...], str] = {}
    dotted: set[tuple[str, ...]] = set()
    apart = Index(original.keys)  # pieces that stand apart too are met there
    for n, word in enumerate(original.keys):
        raw = original.raw(n)
        if "'" in raw or "\u200c" in raw or (raw[0].isdigit() and "-" in raw):
            pieces = tuple(key(piece) for piece in re.split("['\u200c-]", raw) if piece)
        elif raw[0].isdigit() and _THIN.search(raw):
            pieces = tuple(_THIN.split(raw))
        elif word == "cannot":
            pieces = ("can", "not")
        elif numbered := _NUMBERED.fullmatch(raw):
            pieces = (key(numbered[1]), key(numbered[2]))
        elif raw[0].isdigit() and (unit := _UNIT.fullmatch(raw)):
            pieces = (key(unit[1]), key(unit[2]))
        elif raw[0] == "#":
            pieces = tuple(map(key, _CAMEL.findall(raw)))
            pieces = pieces if "".join(pieces) == word else ()
        elif raw.isupper() and _shouted_alone(original, n):
            pieces = tuple(word)
            dotted.add(pieces)
        else:
            continue
        if len(pieces) > 1 and ("'" in raw or "-" in raw or apart.find(pieces) < 0):
            joined[pieces] = word
    return joined, dotted


def _by_emoji(original: Tokens) -> dict[str, int]:
    """Two words with only an emoji between them, or of Hangul, as one word, with the length of the first."""
    glued: dict[str, int] = {}
    for mark in original.marks:
        if mark.kind == "emoji" and 0 < mark.place < len(original.at):
            between = original.source.text[original.at[mark.place - 1][1] : original.at[mark.place][0]]
            if not any(map(str.isspace, between)):
                left, right = original.keys[mark.place - 1], original.keys[mark.place]
                glued[left + right] = len(left)
    for left, right in pairwise(original.keys):
        # Korean is written with and without spaces between words that lean on each other.
        if "\uac00" <= left[0] <= "\ud7a3" and _HANGUL.fullmatch(left) and _HANGUL.fullmatch(right):
            glued[left + right] = len(left)
    return glued


def _shouted_alone(tokens: Tokens, n: int) -> bool:
    """Whether a word stands in capitals among words that do not: among others it may be any word ("JOIN US NOW")."""
    raw = tokens.raw(n)
    if not (2 <= len(raw) <= 5 and raw.isascii() and raw.isalpha() and raw.isupper()):
        return False
    beside = [tokens.raw(m) for m in (n - 1, n + 1) if 0 <= m < len(tokens.keys)]
    return all(not any(map(str.isalpha, word)) or any(map(str.islower, word)) for word in beside)


def _cut(
    quote: Tokens, n: int, glued: dict[str, int], pairs: set[tuple[str, ...]], initials: set[tuple[str, ...]]
) -> list[tuple[str, tuple[int, int]]]:
    """A word of the quotation that the original does not hold, or its pieces where the original holds them apart."""
    word, raw, (start, end) = quote.keys[n], quote.raw(n), quote.at[n]
    cut = glued.get(word, 0)
    skip = 1 if raw[0] in "@#" else 0
    if cut and skip + cut < len(raw):
        return [(word[:cut], (start, start + skip + cut)), (word[cut:], (start + skip + cut, end))]
    if tuple(word) in initials and _shouted_alone(quote, n):
        return [(char, (start + m, start + m + 1)) for m, char in enumerate(word)]
    if pairs and (apart := _CUTS.search(raw)):
        left, right = key(raw[: apart.start()]), key(raw[apart.end() :])
        if (left, right) in pairs:
            return [(left, (start, start + apart.start())), (right, (start + apart.end(), end))]
    return [(word, (start, end))]
