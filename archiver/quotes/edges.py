"""What stands around quoted words where they were taken from: the rest of their sentence, compounds that a cut opened,
and words or signs that take them back. Nothing here decides; each is told to the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.quotes import audit
from archiver.quotes.normal import UNSPACED
from archiver.quotes.tokens import Tokens

MID_SENTENCE, COMPOUND, NUMBER_CUT = "mid-sentence", "compound-cut", "number-at-edge"
NEGATION, CONDITION, TAKEN_BACK = "context-negation", "context-condition", "taken-back"
DOCUMENT_NEGATION = "document-negation"

_FAR = 16  # words of the same sentence, on each side, in which a negation may turn the quoted ones
_BEFORE_NUMBERS = "to or and than between from minus plus point bis und oder à et ou y o e до и"
_JOINERS = frozenset(_BEFORE_NUMBERS.split())
_PREFIXES = "anti non ex pseudo quasi semi half"  # also written as words of their own
_APART = frozenset(_PREFIXES.split())
_EM = "—―"  # sets sentences apart, where a hyphen or an en dash makes one word of two
_BACK = (
    "not|nope|psych|(?:just |only )?(?:kidding|joking)|j/?k|sarcasm|satire|joke|as if|yeah right"
    "|said (?:no ?one|nobody)(?: ever)?"
)
_TAKEN_BACK = re.compile(
    rf"^[\W_]*(?:{_BACK})\b[\W_]*(?:$|[.!?\n])|(?:^|\s)/(?:s|j|sarcasm|joke)(?:\s|$)"
    r"|#(?:not|sarcas\w*|satir\w*|iron(?:y|ic)|jok\w*|parody|kidding|jk|fake\w*|hoax)\b",
    re.I,
)
_LABEL = re.compile(r"\b(?:fake|hoax|myth|satire|parody|rumou?rs?|fiction|joke|lies?|false|untrue)\b", re.I)
_SENTENCE = re.compile(r"[.!?。！？؟।\n](?=\W|$)")
_NO_SPACES = re.compile(f"[{UNSPACED}]")


def around(
    held: Tokens, original: str, start: int, end: int, *, cut: bool, goes_on: bool, last_of_quote: str
) -> Iterator[str]:
    """Flags for what stands in the original before word `start` and from word `end` on. `cut`: the last word is cut
    inside, so that nothing is known of what follows; `goes_on`: the quotation itself says that the original does.
    `last_of_quote` is what the quotation has after its words."""
    opens, closes = _opens(held, start), cut or _closes(held, end)
    if not opens or not (closes or goes_on):
        yield MID_SENTENCE
    before = [] if opens else _before(held, start)
    after = [] if closes else _after(held, end)[: 1 if goes_on else None]
    text = held.source.text
    left = text[max(0, held.at[start][0] - 24) : held.at[start][0]]
    right = "" if cut else text[held.at[end - 1][1] : held.at[end - 1][1] + (8 if goes_on else 24)]
    if any(map(audit.is_negation, before + after)) or audit.negated_unspaced(left, right):
        yield NEGATION
    if audit.conditions(before[-1:]) or audit.conditions(after[:1]):
        yield CONDITION
    last = not closes and audit.is_number(held.keys[end - 1]) and not re.search("[,;:)]", _gap(held, end))
    if last or (not opens and audit.is_number(held.keys[start]) and _may_go_on(held, start)):
        yield NUMBER_CUT
    if _taken_back(held, start, end, cut, last_of_quote):
        yield TAKEN_BACK
    if (not opens and splits(held, original, start)) or (not closes and splits(held, original, end)):
        yield COMPOUND


def before_open_start(quote: Tokens, first: int) -> Iterator[str]:
    """Flags for the words that a guessed beginning skips in the document, as far as they belong to its sentence."""
    skipped = quote.source.text[: quote.at[first][0]]
    ends = [match.end() for match in _SENTENCE.finditer(skipped)]
    begin = ends[-1] if ends else 0
    words = [quote.keys[n] for n in range(first) if quote.at[n][0] >= begin]
    if any(map(audit.is_negation, words)) or _LABEL.search(skipped, begin):
        yield DOCUMENT_NEGATION


def splits(held: Tokens, original: str, edge: int) -> bool:
    """Whether a cut before word `edge` of the original takes two words apart that are written as one."""
    if not 0 < edge < len(held.keys):
        return False
    if held.keys[edge - 1] in _APART:
        return True
    span = held.source.span(held.at[edge - 1][1], held.at[edge][0])
    between = original[span.start : span.end]
    if any(map(str.isspace, between)) or any(char in _EM for char in between) or "--" in between:
        return False
    if any(mark.place == edge for mark in held.marks) or audit.crosses_sentence(_gap(held, edge)):
        return False
    return not (_NO_SPACES.match(held.keys[edge]) or _NO_SPACES.match(held.keys[edge - 1]))


def _gap(held: Tokens, edge: int) -> str:
    return held.source.text[held.at[edge - 1][1] : held.at[edge][0]]


def _opens(held: Tokens, start: int) -> bool:
    """Whether a sentence begins at word `start`; the names that a reply begins with belong to none."""
    if start == 0 or _parted(held, start):
        return True
    return all(held.raw(n).startswith("@") for n in range(start))


def _closes(held: Tokens, end: int) -> bool:
    if end == len(held.keys) or _parted(held, end):
        return True
    return all(held.raw(n)[0] in "#@" for n in range(end, len(held.keys)))


def _parted(held: Tokens, edge: int) -> bool:
    """Whether a sentence ends before word `edge`: with a stop, or with an emoji or a link before a capital."""
    if audit.crosses_sentence(_gap(held, edge)):
        return True
    return held.raw(edge)[0].isupper() and any(mark.place == edge and mark.kind != "ellipsis" for mark in held.marks)


def _before(held: Tokens, start: int) -> list[str]:
    at = start
    while at > 0 and start - at < _FAR and not audit.crosses_sentence(_gap(held, at)):
        at -= 1
    return list(held.keys[at:start])


def _after(held: Tokens, end: int) -> list[str]:
    at = end
    while at < len(held.keys) and at - end < _FAR and not audit.crosses_sentence(_gap(held, at)):
        at += 1
    return list(held.keys[end:at])


def _may_go_on(held: Tokens, start: int) -> bool:
    left = held.keys[start - 1]
    return left in _JOINERS or audit.is_number(left) or not _gap(held, start).isspace()


def _taken_back(held: Tokens, start: int, end: int, cut: bool, last_of_quote: str) -> bool:
    text = held.source.text
    if not cut and _TAKEN_BACK.search(text[held.at[end - 1][1] :][:400]) and not _TAKEN_BACK.search(last_of_quote):
        return True
    opening = text[: held.at[start][0]]
    ends = [match.end() for match in _SENTENCE.finditer(opening[-200:])]
    label = opening[-200:][ends[-1] if ends else 0 :]
    if start and _LABEL.search(label):
        return True
    if start == 0 and end == len(held.keys):
        return False  # emoji left out of a whole text are told as such
    turning = [mark for mark in held.marks if mark.kind == "emoji" and mark.place in (start, end)]
    return any(mark.text[0] in audit.TURNING_EMOJI and mark.text not in last_of_quote for mark in turning)
