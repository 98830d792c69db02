"""English contractions in full: what stands for one thing always, what stands for two as another report has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from archiver.quotes.normal import SINGLE_QUOTES, fold

Heard = frozenset[tuple[str, ...]]
"""The runs of two and three words of a report, in lower case."""

_FULL = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "gonna": "going to",
    "wanna": "want to", "gotta": "got to", "lemme": "let me", "gimme": "give me", "dunno": "do not know",
    "kinda": "kind of", "sorta": "sort of", "'em": "them", "'cause": "because", "cuz": "because", "y'all": "you all",
}  # fmt: skip
# "Can not only" is no "cannot only", and "I got to go" says that I could, not that I must.
_NOT_ONLY = re.compile(r"\s+(?:only|just|merely|simply|solely|but)(?!\w)", re.I)
_HAVE_GOT = re.compile(rf"(?:(?<!\w)ha(?:ve|s)|['{SINGLE_QUOTES}](?:ve|s))\s+$", re.I)
_ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am"}
_OPEN_ENDINGS = {"'s": (" is", " has"), "'d": (" would", " had")}
CONTRACTIONS = re.compile(
    rf"(?<![\w'{SINGLE_QUOTES}-])(?:(?:gonna|wanna|gotta|lemme|gimme|dunno|kinda|sorta|cuz|cannot)(?!\w)"
    rf"|[^\W\d]{{0,30}}['{SINGLE_QUOTES}](?:[^\W\d]{{1,5}})(?![\w'-]))",
    re.I,
)
_OPEN = re.compile(rf"\w['{SINGLE_QUOTES}][sd](?!\w)", re.I)
NOTHING: Heard = frozenset()
_NEXT = 40  # code points after a contraction that the next word is looked for in


def full(heard: Heard) -> Callable[[re.Match[str]], str]:
    """What is put for a match of `CONTRACTIONS` in a report, where the other report holds the runs `heard`."""
    return partial(_full, heard=heard)


def is_open(text: str) -> bool:
    """Whether a text may hold contractions that stand for two things."""
    return _OPEN.search(text) is not None


def heard(other: str) -> Heard:
    """What a report holds, with the contractions in full that stand for one thing."""
    told = _words(CONTRACTIONS.sub(full(NOTHING), other))
    return frozenset(pairwise(told)) | frozenset(zip(told, told[1:], told[2:], strict=False))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)*", _even(text))


def _even(text: str) -> str:
    return re.sub(f"[{SINGLE_QUOTES}]", "'", fold(text))


def _full(match: re.Match[str], heard: Heard) -> str:
    """A contraction in full; what may stand for two things only as the other report has it with the word after it."""
    word = match.group()
    plain, text, end = _even(word), match.string, match.end()
    if plain in _FULL:
        if plain in ("can't", "cannot") and _NOT_ONLY.match(text, end):
            return word
        if plain == "gotta" and not _HAVE_GOT.search(text[max(0, match.start() - 8) : match.start()]):
            return word
        return _FULL[plain]
    for ending, long in _ENDINGS.items():
        if plain.endswith(ending) and plain != ending:
            return word[: -len(ending)] + long
    for ending, fulls in _OPEN_ENDINGS.items():
        stem = plain[: -len(ending)]
        if heard and stem and plain.endswith(ending):
            after = _words(text[end : end + _NEXT])[:1]
            after = _FULL.get(after[0], after[0]).split()[:1] if after else []
            there = [long for long in fulls if (stem, long.strip(), *after) in heard]
            if len(there) == 1 and (plain, *after) not in heard:
                return word[: -len(ending)] + there[0]
    return word
