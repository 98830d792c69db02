"""What a reader must be warned of: words that an ellipsis, a cut or a bracket took away."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from archiver.quotes.tokens import SIGNS

# Compared as keys: lower case, without apostrophes. English first, then the most common words of other languages.
_NEGATIONS = """
no not never none cannot cant wont dont doesnt didnt isnt wasnt arent werent couldnt wouldnt shouldnt hasnt havent hadnt
mustnt neednt mightnt shant aint nor neither nothing nobody nowhere without hardly scarcely barely false untrue
deny denies denied
nicht kein keine keinen keinem keiner keines nie niemals nichts ohne weder niemand kaum keinerlei keineswegs nirgends
ne pas jamais rien aucun aucune sans ni nunca jamás nada nadie ningún ninguna sin não nem sem
non mai niente nessuno senza niet geen nooit niets zonder inte aldrig ingen ikke aldri нет не никогда ни без
不 没 沒 無 无 未 非 別 别 لا ليس ليست لست لسنا ليسوا لم لن ما غير بدون לא אין איני אינני אינו אינה אינם אל בלי אף
नहीं नही मत बिना না নয় نہیں نیست نه 안 못 아니다 không chẳng chưa tidak bukan jangan değil nie nigdy nikdy nem nincs
soha δεν δε μην όχι ποτέ χωρίς не ні ніколи без няма
"""
# Words that make of what is said something that is not so; left out, they are as telling as a condition.
_TURNING = """
refuse refuses refused pretend pretends pretended claim claims claimed fail fails failed stop stops stopped avoid
avoids lie lies lied wrongly falsely supposedly ostensibly unlikely unable impossible against doubt doubts doubted
"""
_CONDITIONS = """
if unless except only but however although though until till provided assuming allegedly reportedly maybe perhaps
might could would should may possibly almost nearly wenn falls außer aber nur si sauf mais seulement excepto pero solo
se mas eccetto ma als tenzij maar если но только
"""
_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty
ninety hundred hundreds thousand thousands million millions billion billions trillion trillions half third quarter
dozen dozens percent
"""
_IF = "if unless except until till provided assuming wenn falls sofern si sauf aunque se caso als tenzij jeśli om если"
_DEPENDS = frozenset(_IF.split())
NEGATIONS = frozenset(word.casefold() for word in _NEGATIONS.split())
CONDITIONS = frozenset(word.casefold() for word in (_CONDITIONS + _TURNING).split())
_OWNED = frozenset(("nobody", "none", "nothing", "noone", "neither"))  # "nobody's", without its apostrophe
NUMBERS = frozenset(_NUMBERS.split())
_CUT_PREFIXES = "re anti non un ex pseudo quasi counter dis ir il im mis de pre post half semi sub"
_CUT_SUFFIXES = "free less proof like ish"
BOUND = frozenset(("un", "non", "anti", "dis", "mis"))  # no words of their own
PREFIXES = frozenset(_CUT_PREFIXES.split())
SUFFIXES = frozenset(_CUT_SUFFIXES.split())
_SCALES = """
hundred thousand million billion trillion percent per pct cent k m bn dozen th st nd rd prozent millionen milliarden
"""
# What an editor's bracket may stand for without another sense: words that only point at somebody or something.
_STAND_INS = """
i me my we us our you your he him his she her it its they them their this that these those who the a an here there
ich wir du er sie es ihr mein unser sein der die das je tu il elle nous vous ils elles le la les un une
"""
STAND_INS = frozenset(_STAND_INS.split())
SCALES = frozenset(_SCALES.split())
# Without their apostrophe these are other words: a quotation that adds one may say something else.
_HOMOGRAPHS = "well hell shell were wed id ill shed cant wont"
HOMOGRAPHS = frozenset(_HOMOGRAPHS.split())
# Chinese, Thai, Khmer and Lao negate before, Japanese after.
_UNSPACED_BEFORE = ("不", "没", "沒", "別", "别", "未", "無", "无", "非", "ไม่", "มิ", "មិន", "ບໍ່")
_UNSPACED_AFTER = ("ない", "なかった", "なく", "ません", "ず", "ぬ")
_UNSPACED = ("ない", "なかった", "ません", "不", "没", "沒", "ไม่", "มิได้", "មិន", "ບໍ່")
_HANGUL = ("않", "못하", "못했", "아니", "아닌", "아닙", "없")
# Emoji that turn what stands beside them round, and those that take it back with a wink.
NEGATING_EMOJI = frozenset("❌🚫⛔👎✖❎🙅✗✘☒🚭🚷📵🈲🆖🚳")
TURNING_EMOJI = NEGATING_EMOJI | frozenset("🙄🙃😉😏🤡🤥😜🤪🧢🤔🤮🖕💩😂🤣")
_DASHES = ("-", "–", "—", "−")
_HYPHENS = ("-", "‐", "‑", "–")
# What tells the reader how words are quoted. Any other flag warns that they may say something else.
NOTES = frozenset(
    (
        "mid-sentence", "punctuation-within", "case-within", "clause-elided", "bracket-adds", "word-cut", "mark-lost",
        "repost-mark", "number-form", "links-differ", "vowel-points", "comment-follows", "under-heading",
        "answers-question",
    )
)  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?。！？؟।](?=[\s\"'”’)\]]|$|[^\W\d])|\n")


def warnings(flags: Iterable[str]) -> tuple[str, ...]:
    """The flags that warn of another sense; the others are notes on how words are quoted."""
    return tuple(flag for flag in flags if flag not in NOTES)


def warnings_first(flags: Iterable[str]) -> tuple[str, ...]:
    """Each flag once, what warns before what only notes."""
    return tuple(sorted(dict.fromkeys(flags), key=NOTES.__contains__))


def is_negation(key: str) -> bool:
    if key in NEGATIONS or (key.endswith("s") and key[:-1] in _OWNED):
        return True
    return "\uac00" <= key[:1] <= "\ud7a3" and any(part in key for part in _HANGUL)


def is_number(key: str) -> bool:
    return key in NUMBERS or any(char.isnumeric() for char in key)


def conditions(keys: Iterable[str]) -> bool:
    """Whether a word beside a quotation makes it depend on something: "if", "unless"."""
    return any(word in _DEPENDS for word in keys)


def gone(keys: Iterable[str]) -> tuple[str, ...]:
    """The flags for words that were left out."""
    words = list(keys)
    return tuple(
        flag
        for flag, hit in (
            ("negation-elided", any(map(is_negation, words))),
            ("number-elided", any(map(is_number, words))),
            ("condition-elided", any(word in CONDITIONS for word in words)),
        )
        if hit
    )


def crosses_sentence(between: str) -> bool:
    """Whether the stretch of the original from the last word before a gap to the first after it ends a sentence."""
    return _SENTENCE_END.search(between) is not None


def cut_apart(left: str, between: str, right: str) -> bool:
    """Whether a cut between two neighbouring words of the original (keys; `between` as it stands there) leaves
    another statement: "racist" of "anti-racist", "sugar" of "sugar-free", "5" of "5 million"."""
    if between in _HYPHENS and (left in PREFIXES or right in SUFFIXES):
        return True
    if not between and ((left in SIGNS and right[:1].isdigit()) or (right in SIGNS and left[-1:].isdigit())):
        return True
    if not left[-1:].isdigit():
        return False
    if right[:1].isdigit():
        # A range, "5 - 10", or one number in groups, "1 000".
        return between.strip() in _DASHES or (len(between) == 1 and len(left) <= 3 and len(right) == 3)
    return right in SCALES and len(between) <= 1


def number_clash(said: Iterable[str], taken: Iterable[str]) -> bool:
    """Whether numbers stand on both sides and are not the same."""
    ours, theirs = set(filter(is_number, said)), set(filter(is_number, taken))
    return bool(ours and theirs) and ours != theirs


def without_marks(key: str) -> str:
    """A word without its combining marks: accents, vowel points."""
    if key.isascii():
        return key
    plain = "".join(char for char in unicodedata.normalize("NFD", key) if unicodedata.category(char)[0] != "M")
    return unicodedata.normalize("NFC", plain) or key


def negated_unspaced(before: str, after: str) -> bool:
    """Whether the same sentence negates on either side, in scripts without spaces, where a negation is part of the
    running text."""
    left, right = _SENTENCE_END.split(before)[-1], _SENTENCE_END.split(after)[0]
    if before.endswith(_UNSPACED_BEFORE) or after.startswith(_UNSPACED_AFTER):
        return True
    return any(word in left or word in right for word in _UNSPACED)


def negation_within(text: str) -> bool:
    """Whether a stretch of text in a script without spaces holds a negation."""
    return any(word in text for word in (*_UNSPACED_BEFORE, *_UNSPACED_AFTER))
