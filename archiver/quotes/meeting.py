"""Words of a quotation cut as those of the original are, where an apostrophe, an emoji, a space or markup was lost."""

from __future__ import annotations

import re
from itertools import pairwise

from archiver.quotes.tokens import Mark, Tokens, key


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
