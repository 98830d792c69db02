"""What stands around quoted words where they were taken from: the rest of their sentence, compounds that a cut opened,
and words or signs that take them back. Nothing here decides; each is told to the reader."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from archiver.quotes import audit
from archiver.quotes.normal import UNSPACED
from archiver.quotes.tokens import Tokens

MID_SENTENCE, COMPOUND, NUMBER_CUT = "mid-sentence", "compound-cut", "number-at-edge"
NEGATION, CONDITION, TAKEN_BACK = "context-negation", "context-condition", "taken-back"
DOCUMENT_NEGATION, START_GUESSED, COMMENT = "document-negation", "start-guessed", "comment-follows"
QUOTED, HEADING, ANSWERS, WORD_CUT = "quoted-in-post", "under-heading", "answers-question", "word-cut"

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
_SENTENCE = re.compile(r"[.!?。！？؟።।](?=\W|$)|\n")
_STOP = re.compile(r"[.!?。！？؟።।…]")
_SHORT_FORMS = "etc bzw vol fig art inc rev usw abs nos pag cap ref approx incl excl evtl vgl"
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_HARD = "!?。！？؟።।"
_LIST_ITEM = re.compile(r"\n\s*(?:[-*•–—◦▪‣·>]|\d{1,3}[.)]|[A-Za-z][.)])\s")
_LINE_BEFORE = re.compile(r":[^\S\n]*\n")
_SHORT_COMMENT = 3  # words of a sentence that says nothing by itself: "Not!", "Nobody said so."
_NO_SPACES = re.compile(f"[{UNSPACED}]")


def around(
    held: Tokens,
    original: str,
    start: int,
    end: int,
    *,
    cut: bool,
    goes_on: bool,
    truncated: bool,
    first_of_quote: str,
    last_of_quote: str,
) -> Iterator[str]:
    """Flags for what stands in the original before word `start` and from word `end` on. `cut`: the last word is cut
    inside, so that nothing is known of what follows; `goes_on`: the quotation itself says that the original does;
    `truncated`: the original does beyond what is held. `first_of_quote` and `last_of_quote` are what the quotation
    has before and after its words.

    A sentence that may end silences nothing: only a sure end does."""
    total, text = len(held.keys), held.source.text
    left, right = _end_before(held, start), 2 if cut else _end_before(held, end)
    if truncated and end == total:
        right = 0
    if left < 2 or (right < 2 and not goes_on):
        yield MID_SENTENCE
    before = [] if left == 2 else _before(held, start)
    after = [] if right == 2 else _after(held, end)
    heading = _heading(held, start)
    near = text[max(0, held.at[start][0] - 24) : held.at[start][0]]
    far = "" if cut else text[held.at[end - 1][1] : held.at[end - 1][1] + 24]
    if any(map(audit.is_negation, [*before, *after, *heading])) or audit.negated_unspaced(near, far):
        yield NEGATION
    if audit.conditions(before[-1:]) or audit.conditions(after[:1]):
        yield CONDITION
    last = right < 2 and end < total and audit.is_number(held.keys[end - 1])
    last = last and not re.search("[,;:)!?]", _gap(held, end))
    if last or (left < 2 and start and audit.is_number(held.keys[start]) and _may_go_on(held, start)):
        yield NUMBER_CUT
    if (left < 2 and splits(held, original, start)) or (not cut and _splits_after(held, original, end, last_of_quote)):
        yield COMPOUND
    if start == 0 and end == total:
        return  # emoji and punctuation left out of a whole text are told as such
    if _taken_back(held, start, end, cut, last_of_quote):
        yield TAKEN_BACK
    elif not cut and right == 2 and end < total and _short_sentence(held, end):
        yield COMMENT
    if _quoted(held, start, end, first_of_quote):
        yield QUOTED
    if heading:
        yield HEADING
    if start and "?" in _gap(held, start):
        yield ANSWERS


def before_open_start(quote: Tokens, first: int) -> Iterator[str]:
    """Flags for the words that a guessed beginning skips in the document, as far as they belong to its sentence."""
    words = _before(quote, first)
    skipped = quote.source.text[: quote.at[first][0]]
    begin = quote.at[first - len(words)][0] if words else len(skipped)
    if any(map(audit.is_negation, words)) or _LABEL.search(skipped, begin):
        yield DOCUMENT_NEGATION
    same_line = _end_before(quote, first) < 2 and "\n" not in skipped[-3:]
    if audit.conditions(words) or same_line or _LINE_BEFORE.search(skipped[-40:]):
        yield START_GUESSED


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
    if any(mark.place == edge for mark in held.marks) or (not between.strip("-") and "-" not in between):
        return False
    if between and between[0] in '.!?:;,)"' and len(between) > 1:
        return False
    return not (_NO_SPACES.match(held.keys[edge]) or _NO_SPACES.match(held.keys[edge - 1]))


def _gap(held: Tokens, edge: int) -> str:
    return held.source.text[held.at[edge - 1][1] : held.at[edge][0]]


def _splits_after(held: Tokens, original: str, end: int, last_of_quote: str) -> bool:
    """Whether the cut after the last word takes off what is joined to it: a word, or a sign as in "HIV-", "safe*"."""
    if splits(held, original, end):
        return True
    sign = held.source.text[held.at[end - 1][1] : held.at[end - 1][1] + 2]
    return sign[:1] in tuple("-+*†‡#") and not sign[1:].isalnum() and sign != "--" and sign[0] not in last_of_quote[:1]


def _end_before(held: Tokens, edge: int) -> int:
    """Whether a sentence ends before word `edge`: 2 surely, 1 perhaps, 0 not. A stop ends one surely after a word that
    is no abbreviation and before a capital or a letter that knows none; a line where the next begins like that."""
    if edge in (0, len(held.keys)) or _only_tags(held, edge):
        return 2
    gap, next_letter = _gap(held, edge), held.raw(edge)[0]
    begins = next_letter.isupper() or next_letter.lower() == next_letter.upper()
    if "\n" in gap and (_LIST_ITEM.search(gap + " ") or _STOP.search(gap) or (begins and "\n\n" in gap)):
        return 2
    stop = _STOP.search(gap)
    if stop is None or "..." in gap or "…" in gap:
        marked = any(mark.place == edge and mark.kind != "ellipsis" for mark in held.marks)
        return 1 if stop or "\n" in gap or (marked and begins) else 0
    word = held.raw(edge - 1)
    if not (begins or gap[stop.end() :].strip(" ")):
        return 1
    if stop.group() in _HARD:
        return 2
    sure = len(word) >= 5 if word[0].isupper() else len(word) >= 3 and word not in _ABBREVIATIONS
    return 2 if sure and not word.isdigit() else 1


def _only_tags(held: Tokens, edge: int) -> bool:
    """Whether before a word stand only the names that a reply begins with, or from it on only tags after the text."""
    names = 0 < edge <= 50 and all(held.raw(n).startswith("@") for n in range(edge))
    first = held.raw(edge)[0]
    if names and ":" not in _gap(held, edge) and (first.isupper() or first.lower() == first.upper()):
        return True
    gap = _gap(held, edge)
    apart = _STOP.search(gap) or "\n" in gap or any(mark.place == edge for mark in held.marks)
    return (
        bool(apart) and len(held.keys) - edge <= 50 and all(held.raw(n)[0] in "#@" for n in range(edge, len(held.keys)))
    )


def _before(held: Tokens, start: int) -> list[str]:
    at = start
    while at > 0 and start - at < _FAR and _end_before(held, at) < 2:
        at -= 1
    return list(held.keys[at:start])


def _after(held: Tokens, end: int) -> list[str]:
    at = end
    while at < len(held.keys) and at - end < _FAR and (at == end or _end_before(held, at) < 2):
        at += 1
    return list(held.keys[end:at])


def _heading(held: Tokens, start: int) -> list[str]:
    """The words of the nearest line above that ends in a colon: it governs what stands below it."""
    above = held.source.text[max(0, held.at[start][0] - 1000) : held.at[start][0]]
    found = [match.start() for match in _LINE_BEFORE.finditer(above)]
    if not found:
        return []
    stop = held.at[start][0] - len(above) + found[-1] + 1
    begin = held.source.text.rfind("\n", 0, stop - 1) + 1
    low, high = bisect_left(held.at, (begin, 0)), bisect_left(held.at, (stop, 0))
    return list(held.keys[low:high])


def _quoted(held: Tokens, start: int, end: int, first_of_quote: str) -> bool:
    """Whether the words stand in quotation marks of the post that the quotation does not show, or in a line that the
    post cites with ">"."""
    text, (begin, stop) = held.source.text, (held.at[start][0], held.at[end - 1][1])
    if text[text.rfind("\n", 0, begin) + 1 : begin].lstrip().startswith(">"):
        return True
    return (text.count('"', 0, begin) - first_of_quote.count('"')) % 2 == 1 and '"' in text[stop:]


def _short_sentence(held: Tokens, end: int) -> bool:
    """Whether the sentence after the quoted words is so short that it may only be a comment on them."""
    words = _after(held, end)
    spaced = not _NO_SPACES.match(held.keys[end])
    return len(words) <= (_SHORT_COMMENT if spaced else 2 * _SHORT_COMMENT) and held.raw(end)[0] not in "#@"


def _may_go_on(held: Tokens, start: int) -> bool:
    left = held.keys[start - 1]
    return left in _JOINERS or audit.is_number(left) or not _gap(held, start).isspace()


def _taken_back(held: Tokens, start: int, end: int, cut: bool, last_of_quote: str) -> bool:
    text = held.source.text
    if not cut and _TAKEN_BACK.search(text[held.at[end - 1][1] :][:400]) and not _TAKEN_BACK.search(last_of_quote):
        return True
    label = _before(held, start)
    sentence = text[held.at[start - len(label)][0] : held.at[start][0]] if label else ""
    if start and not label:
        previous = _before_sure(held, start)
        sentence = text[held.at[start - previous][0] : held.at[start][0]] if previous <= _SHORT_COMMENT else ""
    if start and _LABEL.search(sentence):
        return True
    following = [] if cut else _after(held, end)
    if not cut and end < len(held.keys) and _end_before(held, end) == 2 and len(following) <= 2 * _SHORT_COMMENT:
        tail = text[held.at[end][0] : held.at[end + len(following) - 1][1]]
        if _LABEL.search(tail) or any(map(audit.is_negation, following)):
            return True
    turning = [mark for mark in held.marks if mark.kind == "emoji" and mark.place in (start, end)]
    return any(mark.text[0] in audit.TURNING_EMOJI and mark.text not in last_of_quote for mark in turning)


def _before_sure(held: Tokens, start: int) -> int:
    """How many words the sentence before this one has; at most sixteen."""
    return max(1, len(_before(held, start - 1)) + 1)
