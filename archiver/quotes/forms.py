"""How the words of a quotation are written, beside the same words of the original: what may be another word, or
reads otherwise, is told.

Words are compared without case, apostrophes, points and marks. The rule here runs the other way round: whatever
differs between two words that count as the same is told, unless it belongs to a class that is known to be harmless.
Lists hold what is harmless, never what is dangerous, so what nobody thought of is told as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archiver.quotes import audit
from archiver.quotes.align import Segment
from archiver.quotes.normal import POINTS, letter_forms, without_points, without_tonos
from archiver.quotes.tokens import Tokens

CASE, CASE_WORD = "case-within", "case-changes-word"
APOSTROPHE_LOST, APOSTROPHE_ADDED = "apostrophe-lost", "apostrophe-added"
VOWELS, LETTERS, JOINED, NUMBER = "vowel-points", "letters-differ", "words-joined", "number-form"
PUNCTUATION, TURNED = "punctuation-within", "punctuation-turns"
QUOTATION, COMMENT, MARK = "quotation-marks-differ", "comment-differs", "mark-lost"

# What loses its apostrophe and is no other word. "its" and "it's" never tell two statements apart.
_LOST = """
dont doesnt didnt isnt wasnt arent werent couldnt wouldnt shouldnt hasnt havent hadnt mustnt neednt mightnt aint
youre theyre ive youve weve theyve im youll theyll itll itd youd theyd thatll thats whats heres theres wheres hes
shes whos hows its couldve wouldve shouldve mightve mustve yall oclock maam
"""
_HARMLESS = frozenset(_LOST.split())
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_COMMENT = re.compile(r"\(\s*[!?¡¿！？]+\s*\)|\[\s*[!?¡¿！？]+\s*\]|(?<!\S)/s(?!\S)")
_STOPS = ".!?。！？؟।;:"
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SENTENCE = re.compile(r"[.!?。！？؟।:\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """`flags` for the reader; `others` are pairs (word of the quotation, word of the original) that are not the same
    word, so that the placement does not stand."""

    flags: tuple[str, ...]
    others: tuple[tuple[int, int], ...]


def compare(quote: Tokens, held: Tokens, segments: Sequence[Segment], starts: Sequence[int]) -> Forms:
    """The words of the placed segments, and what stands between them, as both texts write them."""
    flags: dict[str, None] = {}
    others: list[tuple[int, int]] = []
    cased: list[tuple[int, int]] = []
    for segment, at in zip(segments, starts, strict=True):
        end = at + segment.end - segment.start
        ours = quote.source.text[quote.at[segment.start][0] : quote.at[segment.end - 1][1]]
        if ours == held.source.text[held.at[at][0] : held.at[end - 1][1]]:
            continue
        for n in range(segment.start, segment.end):
            there = at + n - segment.start
            mine, theirs = quote.raw(n), held.raw(there)
            if mine == theirs:
                continue
            told = _word(mine, theirs)
            if told == CASE:
                cased.append((n, there))
            elif told is None:
                others.append((n, there))
            elif told:
                flags[told] = None
        flags.update(dict.fromkeys(_between(quote, held, segment, at)))
    flags.update(dict.fromkeys(_case(quote, held, cased)))
    if _comments(quote, segments) != _held_comments(held, segments, starts):
        flags[COMMENT] = None
    return Forms(flags=tuple(flags), others=tuple(others))


def _word(mine: str, theirs: str) -> str | None:
    """The flag for two ways to write a word; "" for what is harmless, None for what is another word."""
    if "\n" in mine and mine.split("-")[0].casefold() in audit.PREFIXES:
        return JOINED  # "re-" at the end of a line may stand for "re-sign" or for "resign"
    ours, held = _letters(mine), _letters(theirs)
    if "#" in (mine[0], theirs[0]) and mine[0] != theirs[0]:
        tagged, plain = (mine, theirs) if mine[0] == "#" else (theirs, mine)
        if len(_HUMPS.findall(tagged)) > 1 and len(re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", plain)) == 1:
            return JOINED
    if (mine[0] == "@") != (theirs[0] == "@"):
        return MARK
    if ours == held:
        return ""
    if ours.lower() == held.lower():
        return CASE
    low, other = ours.lower(), held.lower()
    if (bare := without_points(low)) == (pure := without_points(other)):
        stretched = low.replace("\u0640", ""), other.replace("\u0640", "")
        if stretched[0] == stretched[1]:
            return ""
        return None if all(map(POINTS.search, stretched)) else VOWELS
    low, other = bare, pure
    plain, mate = _unspaced(low), _unspaced(other)
    if plain == mate:
        if "'" in low and "'" in other and low.replace(" ", "") != other.replace(" ", ""):
            return APOSTROPHE_ADDED
        if "'" not in low and "'" not in other:
            return JOINED if _HANGUL.match(low) else ""
        if ("'" in low or " " in low) == ("'" in other or " " in other) or plain in _HARMLESS or plain[:-1].isdigit():
            return ""
        if "'" in low:
            return None if plain in audit.HOMOGRAPHS else APOSTROPHE_ADDED
        return APOSTROPHE_LOST
    if plain[:1].isdigit() and mate[:1].isdigit():
        return NUMBER
    if plain.replace("ё", "е") == mate.replace("ё", "е"):
        return LETTERS
    if without_tonos(plain) == without_tonos(mate):
        return "" if ours.isupper() or held.isupper() else None
    return "" if plain.replace("ς", "σ") == mate.replace("ς", "σ") else LETTERS


def _letters(raw: str) -> str:
    word = raw.lstrip("@#").replace("[", "").replace("]", "").strip("_") or raw
    return word if word.isascii() else letter_forms(word).replace("i\u0307", "i").replace("İ", "I")


def _unspaced(word: str) -> str:
    return re.sub("[\\s'._\u200c-]", "", word)


def _case(quote: Tokens, held: Tokens, cased: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Whether capitals differ elsewhere than at the first letter of a sentence, and whether a word in capitals stands
    where the other text has none: "us" and "US", "who" and "WHO". Where a whole text is loud they say nothing."""
    if not cased or _loud(quote) != _loud(held):
        return
    for n, there in cased:
        mine, theirs = quote.raw(n), held.raw(there)
        one_letter = mine[1:] == theirs[1:]
        if one_letter and (_opens(quote, n) or _opens(held, there)):
            continue
        yield CASE
        if mine.isupper() != theirs.isupper() and len(mine) > 1:
            yield CASE_WORD


def _loud(tokens: Tokens) -> bool:
    """Whether the words of a text stand in capitals: all of them, or nearly all of four letters and more."""
    words = [raw for raw in map(tokens.raw, range(len(tokens.keys))) if len(raw) > 1 and raw.lower() != raw.upper()]
    long = [word for word in words if len(word) > 3]
    if len(words) > 2 and all(map(str.isupper, words)):
        return True
    return len(long) > 3 and 4 * sum(map(str.isupper, long)) >= 3 * len(long)


def _opens(tokens: Tokens, word: int) -> bool:
    if word == 0:
        return True
    return _SENTENCE.search(tokens.source.text[tokens.at[word - 1][1] : tokens.at[word][0]]) is not None


def _between(quote: Tokens, held: Tokens, segment: Segment, at: int) -> Iterator[str]:
    """Whether commas, stops or quotation marks between the words differ."""
    marks = {mark.start: mark.end for mark in quote.marks}, {mark.start: mark.end for mark in held.marks}
    for n in range(segment.start, segment.end - 1):
        there = at + n - segment.start
        mine = quote.source.text[quote.at[n][1] : quote.at[n + 1][0]]
        theirs = held.source.text[held.at[there][1] : held.at[there + 1][0]]
        if mine == theirs:
            continue
        if "-" in mine and "-" in theirs and mine[0].isspace() != theirs[0].isspace():
            yield PUNCTUATION  # "man-eating" and "man - eating"
        ours = _points(quote, n, marks[0]) if len(mine) > 1 or not mine.isspace() else ""
        other = _points(held, there, marks[1]) if len(theirs) > 1 or not theirs.isspace() else ""
        if ours != other:
            yield PUNCTUATION
            if ours.count('"') + ours.count("'") != other.count('"') + other.count("'"):
                yield QUOTATION
            near = held.keys[max(0, there - 1) : there + 3]
            stops = ([char for char in points if char in _STOPS] for points in (ours, other))
            if any(map(audit.is_negation, near)) or next(stops) != next(stops):
                yield TURNED
        elif not mine and theirs.isspace() and _HANGUL.match(held.keys[there + 1]):
            yield JOINED


def _points(tokens: Tokens, word: int, marks: dict[int, int]) -> str:
    """The punctuation between a word and the next one, without marks, and without what re-opens a paragraph."""
    text, place, stop = tokens.source.text, tokens.at[word][1], tokens.at[word + 1][0]
    out: list[str] = []
    while place < stop:
        if place in marks:
            place = marks[place]
            continue
        out.append(text[place])
        place += 1
    between = re.sub(r"\n[\s>*\"'-]*", "\n", "".join(out))
    return "".join(char for char in letter_forms(between) if not (char.isspace() or char in "@#_[]"))


def _comments(quote: Tokens, segments: Sequence[Segment]) -> int:
    """How many signs of doubt or irony, "(?)" and "(!)", stand among or after the words."""
    return len(_COMMENT.findall(quote.source.text[quote.at[segments[0].start][0] :]))


def _held_comments(held: Tokens, segments: Sequence[Segment], starts: Sequence[int]) -> int:
    end = starts[-1] + segments[-1].end - segments[-1].start
    stop = held.at[end][0] if end < len(held.at) else len(held.source.text)
    return len(_COMMENT.findall(held.source.text[held.at[starts[0]][0] : stop]))
