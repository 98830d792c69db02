"""What stands in quotation marks inside a text, and where a phrase stands in another text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archiver.model import Span
from archiver.quotes.align import Index
from archiver.quotes.meeting import meet
from archiver.quotes.normal import UNSPACED, fold, letter_forms, replay
from archiver.quotes.tokens import tokenise

# Each opening mark with the marks that may close it: German closes „ with “, Swedish opens and closes with ”,
# Danish and some German books turn guillemets round.
_PAIRS = {
    "“": "”", "„": "“”", "‟": "”", "«": "»", "»": "«", "‹": "›", "›": "‹", "‘": "’", "‚": "‘’", "「": "」", "『": "』",
    "”": "”", '"': '"', "'": "'", "’": "’", "‛": "’",
}  # fmt: skip
# Three equal marks and more quote nothing.
_MARKS = re.compile(r"([“”„‟«»‹›‘’‚‛\"'])\1{2,}|[“”„‟«»‹›‘’‚‛「」『』\"']|\n\s*\n")
_LONGEST = 20_000  # code points: a mark without a partner ends here, not at the end of the text
_DEEPEST = 8
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())


def quoted_phrases(text: str) -> tuple[Span, ...]:
    """The spans inside quotation marks (without the marks), outer and nested ones, in order of their beginning.

    All quote shapes count; single quotes only where they cannot be apostrophes. At least two words, or four
    characters of a script without spaces. A quotation that goes on in the next paragraph, where its mark is
    opened again, is one span. Linear in the length of the text.
    """
    found: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    matches = list(_MARKS.finditer(text))
    # A straight or ambiguous mark that opens must find a closing one of its own in the same paragraph.
    skipped = -1
    for number, match in enumerate(matches):
        mark, at = match.group(), match.start()
        if number == skipped or match.lastindex:
            continue
        if mark[0] == "\n":
            stack, skipped = _paragraph(stack, matches, number, text)
            continue
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        while stack and at - stack[0][1] > _LONGEST:
            stack.pop(0)
        single = mark in "'’‘‛"
        closes = next((n for n in range(len(stack) - 1, -1, -1) if mark in _PAIRS[stack[n][0]]), -1)
        can_open = not after.isspace() and after != "" and not (before.isalnum() and mark not in "「『")
        can_close = not before.isspace() and before != ""
        if mark in "«‹»›":
            # French sets spaces inside: « mots ».
            can_open = can_open or (mark in "«‹" and not before.isalnum() and after != "")
            can_close = can_close or (mark in "»›" and closes >= 0)
        if single and before.isalnum() and after.isalnum():
            continue
        if closes >= 0 and can_close and (not single or not after.isalnum()):
            if single and _possessive(stack[closes][1], at, text):
                continue
            found.append((stack[closes][1] + 1, at))
            del stack[closes:]
        elif mark in _PAIRS and can_open and len(stack) < _DEEPEST and (mark not in "’" or not single):
            stack.append((mark, at))
    kept = sorted({(a, b) for a, b in found if _enough(text[a:b])}, key=lambda span: (span[0], -span[1]))
    return tuple(_trimmed(text, a, b) for a, b in kept)


def _paragraph(
    stack: list[tuple[str, int]], matches: list[re.Match[str]], number: int, text: str
) -> tuple[list[tuple[str, int]], int]:
    """What stays open over a paragraph's end: a double quotation which the next paragraph opens again. The
    second value is the number of that repeated mark, which is no beginning of its own."""
    if stack and number + 1 < len(matches):
        following = matches[number + 1]
        opener = stack[0][0]
        if following.start() == matches[number].end() and following.group() == opener and opener not in "'‘’‚":
            return stack[:1], number + 1
    return [], -1


def _possessive(start: int, at: int, text: str) -> bool:
    """Whether a single mark after an s is more likely a possessive ("the drivers' union") inside a single quotation."""
    if text[at - 1 : at] not in ("s", "S", "z") or text[at + 1 : at + 2] != " ":
        return False
    closing = text.find(text[at], at + 1, min(start + _LONGEST, at + 100))
    line = text.find("\n", at)
    return (
        closing >= 0
        and (line < 0 or closing < line)
        and not text[closing + 1 : closing + 2].isalnum()
        and (not text[closing - 1 : closing].isspace())
    )


def _enough(inner: str) -> bool:
    if len(re.findall(f"[{UNSPACED}]", inner[:200])) >= 4:
        return True
    return len(_WORD.findall(inner, 0, 400)) >= 2


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start=start, end=end)


def find_phrase(phrase: str, text: str) -> Span | None:
    """Where the words of `phrase` stand together in `text`, or None: without regard to case, typography and
    punctuation, so “significant escalation.” is found in "a significant escalation in". A phrase of more than 20,000
    code points, which no quotation mark opens, is found as it stands only.

    >>> find_phrase("significant escalation.", "a significant escalation in")
    Span(start=2, end=24)
    """
    if len(phrase) > _LONGEST:
        at = text.find(phrase)
        return Span(start=at, end=at + len(phrase)) if at >= 0 else None
    words = tokenise(phrase)
    if not _may_hold(text, words.keys):
        return None
    held = tokenise(text)
    wanted = meet(words, held)
    at = Index(held.keys).find(wanted.keys) if wanted.keys else -1
    return held.span(at, at + len(wanted.keys)) if at >= 0 else None


def _may_hold(text: str, keys: Sequence[str]) -> bool:
    """Whether the letters and figures of each plain word stand together in a text from which all else was taken out.

    Most texts do not hold a phrase, and this is far sooner seen than their words are read: what is done to words
    before they are compared takes signs from between letters, or puts them there, but never moves a letter.
    """
    if "&" in text:
        text = replay(text, ("html-entities",)).replace("&", "and")
    squeezed = _plain(fold(letter_forms(text)))
    return all(not key.isascii() or _plain(key) in squeezed for key in keys)


def _plain(text: str) -> bytes:
    return text.encode("ascii", "ignore").translate(None, _SIGNS)
