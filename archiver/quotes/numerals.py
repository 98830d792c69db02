"""Numbers in English words as digits, one way of writing for each value, and nothing where the value is not sure.

A run of number words is read as a whole or left as it stands: "nineteen eighty" is no 19 and no 80, "half a million"
no million, and "five to ten million" no 5. A billion is a thousand million, as in all style guides of today.
"""

from __future__ import annotations

import re

_UNITS = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_BIG = {"million": 10**6, "billion": 10**9, "trillion": 10**12}
_VALUES = {
    "a": 1, "zero": 0, "hundred": 100, "thousand": 1000,
    **{word: n for n, word in enumerate(_UNITS.split(), 1)},
    **{word: n for n, word in enumerate(_TEENS.split(), 10)},
    **{word: 10 * n for n, word in enumerate(_TENS.split(), 2)},
    **_BIG,
}  # fmt: skip
# Each word of a run as one letter, so that what is a number can be said as a pattern.
_CLASS = {
    "a": "a", "zero": "z", "hundred": "h", "thousand": "k", "million": "m", "billion": "b", "trillion": "q",
    "and": "&", "point": "p",
    **dict.fromkeys(_UNITS.split(), "u"), **dict.fromkeys(_TEENS.split(), "t"), **dict.fromkeys(_TENS.split(), "T"),
}  # fmt: skip
_TO_99 = "(?:Tu?|t|u)"
_TO_999 = f"(?:(?:{_TO_99}|a)h(?:&?{_TO_99})?|{_TO_99})"
_TO_MILLION = f"(?:(?:{_TO_999}|a)k(?:&{_TO_99}|{_TO_999})?|{_TO_999})"
_BIGS = "".join(f"(?:(?:{_TO_999}|a){scale})?" for scale in "qbm")
_WHOLE = re.compile(f"z|{_BIGS}(?:&?{_TO_99}|{_TO_MILLION})?")
_DECIMAL = re.compile(f"(?:{_TO_99}|z)p[uz]+[mbq]?")
_WITH_DIGITS = re.compile("d[hkmbq]?")
_YEAR = re.compile("[tT](?:t|Tu?)")
_CENTURIES = range(16, 21)

_SMALL = "|".join((*_UNITS.split(), *_TEENS.split(), *_TENS.split()))
_SPACE = r"(?:\r\n|\s)"
_SCALE = "(?:hundred|thousand|million|billion|trillion)(?!\\w)"
_WORD = rf"(?:(?:zero|{_SMALL})(?!\w)|{_SCALE}(?:{_SPACE}and(?={_SPACE}(?:{_SMALL})(?!\w)))?)"
_FIGURE = r"(?>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)(?!\w|[.,:/'’–—-]\d)"
# One space only between words: more are left by a filler that was set aside ("twenty uh five").
# A run is taken whole or not at all, so nothing of it is given back: what follows may make another number of it.
NUMBER = re.compile(
    rf"(?<![\w.,/:'’–—‐‑-])(?P<run>(?>(?:{_FIGURE}|{_WORD}|a{_SPACE}(?={_SCALE}){_WORD})"
    rf"(?:(?:{_SPACE}(?:point{_SPACE})?|[-‐‑]){_WORD})*))(?![-‐‑–—]?\w|\s{{1,4}}\d)"
    r"|(?<=\d)(?P<sign>\s?%)|(?<!\w)per\s?cent(?!\w)",
    re.I,
)
_PIECE = re.compile(r"[\d.,]+|\w+")
_PARTS = (
    "half|halves|quarters?|thirds?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|elevenths?|twelfths?"
)
# What follows a number and makes another of it, or a part: "twenty first", "two thirds", "two and a half".
_GOES_ON = re.compile(
    r"\s{1,4}(?:and\s{1,4}(?:a|an|one|two|three)[\s-]{1,4})?"
    rf"(?:{_PARTS}|first|second|\w{{3,6}}tee?nths?|\w{{3,6}}tieths?|hundredths?|thousandths?|millionths?|odd)(?!\w)",
    re.I,
)
# What stands before a number and makes another of it: "no one", "half a million", "a quarter of a million".
_BEFORE = re.compile(r"(?<!\w)(?:no|half|point|minus)\s+$", re.I)
_BEFORE_A = re.compile(r"(?<!\w)(?:many|of|such)\s+$", re.I)
# "five to ten million": the scale may belong to both numbers.
_RANGE = re.compile(
    rf"(?:(?<!\w)(?:{_SMALL})|(?<![\w,.])\d{{1,3}})(?:\s+(?:to|or|and|through|versus)\s+|\s*[,–—-]\s*)$", re.I
)
_REACH = 24  # code points before a number that are looked at


def digits(match: re.Match[str]) -> str:
    """What a match of `NUMBER` is in digits, or the match as it stands where that is not sure.

    Thousands are written out (200000), a million and more keep their scale (2.5 million) as newspapers print them.
    """
    if match["sign"]:
        return " percent"
    run = match["run"]
    if run is None:
        return "percent"
    before = match.string[max(0, match.start() - _REACH) : match.start()]
    if _GOES_ON.match(match.string, match.end()) or _BEFORE.search(before):
        return run
    words = [word.casefold() for word in _PIECE.findall(run)]
    if words[0] == "a" and _BEFORE_A.search(before):
        return run
    return _written(words, _RANGE.search(before) is not None) or run


def _written(words: list[str], ranged: bool) -> str | None:
    code = "".join("d" if word[0].isdigit() else _CLASS[word] for word in words)
    big = [word for word in words if word in _BIG]
    if _WITH_DIGITS.fullmatch(code):
        figure = words[0].replace(",", "")
        if len(words) == 1 or big:
            return " ".join((figure, *words[1:]))
        return None if ranged or "." in figure else str(int(figure) * _VALUES[words[1]])
    if _DECIMAL.fullmatch(code):
        at = words.index("point")
        rest = words[at + 1 : len(words) - len(big)]
        figure = f"{_sum(words[:at])}.{''.join(str(_VALUES[word]) for word in rest)}"
        return " ".join((figure, *big))
    if _YEAR.fullmatch(code) and _VALUES[words[0]] in _CENTURIES:
        return f"{_VALUES[words[0]]}{_sum(words[1:])}"
    if not _WHOLE.fullmatch(code):
        return None
    if ranged and code[-1] in "hkmbq" and len(words) > 1:
        return f"{_sum(words[:-1])} {words[-1]}" if re.fullmatch(f"{_TO_999}|a", code[:-1]) else None
    if len(big) == 1 and words[-1] == big[0]:
        return f"{_sum(words[:-1])} {big[0]}"
    return str(_sum(words))


def _sum(words: list[str]) -> int:
    total = part = 0
    for word in words:
        value = _VALUES.get(word, 0)
        if value < 100:
            part += value
        elif value == 100:
            part *= 100
        else:
            total, part = total + part * value, 0
    return total + part
