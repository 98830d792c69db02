"""Words to ask a full-text index for: the rarest of a quotation, quoted so that none is read as an operator."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from archiver.quotes.normal import LINK, replay

_LINK = re.compile(LINK, re.I)
_DOTS = ("…", "...")


def rarest(quoted: str, frequency: Callable[[str], int], limit: int = 8) -> tuple[str, ...]:
    """Up to `limit` words of the quotation that fewest documents hold, rarest first, equals in the quotation's order.

    Words are cut as SQLite's unicode61 tokenizer cuts them (letters, digits and marks; "don't" is two words), in
    lower case. `frequency` says how many documents hold a word; words that none holds cannot find one and are left out.
    """
    text = replay(quoted, ("html-entities", "nfc", "invisible"))
    # A last word may be cut where dots follow at once.
    body = text.rstrip()
    cut = body.endswith(_DOTS)
    found = _words(_LINK.sub(" ", body.rstrip(".…") if cut else body))
    if cut and len(found) > 1 and not body.rstrip(".…")[-1:].isspace():
        found = found[:-1]
    counted = [(frequency(word), n, word) for n, word in enumerate(dict.fromkeys(found))]
    held = sorted(entry for entry in counted if entry[0] > 0)
    return tuple(word for _, _, word in held[:limit])


def _words(text: str) -> list[str]:
    out: list[str] = []
    word: list[str] = []
    for char in [*text.casefold(), " "]:
        kind = unicodedata.category(char)
        if kind[0] in "LN" or kind == "Co" or (kind[0] == "M" and word):
            word.append(char)
        elif word:
            out.append("".join(word))
            word = []
    return out


def fts_query(words: Sequence[str]) -> str:
    """An FTS5 query for documents that hold any of the words: each in double quotes, so that AND, NEAR, `*`, `-` or
    `:` are words too. Empty when there is no word; an empty query must not be run (FTS5 refuses it).

    >>> fts_query(["near", 'a"b'])
    '"near" OR "a""b"'
    """
    quoted = ('"' + word.replace("\0", "").replace('"', '""') + '"' for word in words)
    return " OR ".join(entry for entry in quoted if entry != '""')
