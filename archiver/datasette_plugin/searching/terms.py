"""What somebody typed, as terms and filters. Pure. Nothing that can be typed is an error.

Words go to the full-text index. Two kinds of text have no words there: scripts written without spaces, whose whole run
is one word of the index, and signs such as emoji, which are none. Such a term is a *run*: it is looked for letter by
letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from archiver.quotes.normal import UNSPACED

LONGEST, MOST = 1000, 32
"""Characters of what is typed that are read, and terms of it."""
SHORTEST_PREFIX = 3
"""Letters before an asterisk: fewer would mean a large part of the index."""
FIELDS = ("from", "platform", "since", "until", "outcome", "in")
_PIECE = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
_FIELD = re.compile(rf"({'|'.join(FIELDS)}):(\S+)", re.I)
_RUN = re.compile(f"[{UNSPACED}]")
_TOKEN = re.compile(r"[^\W_]+")
_QUOTES = str.maketrans("“”„‟«»＂", '"' * 7)


def folded(text: str) -> tuple[str, Sequence[int]]:
    """A text as the index folds it (without case and diacritics), and for each of its characters the place in the text
    given."""
    if text.isascii():
        return text.lower(), range(len(text))
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for piece in unicodedata.normalize("NFD", char) if not char.isascii() else char:
            if not "\u0300" <= piece <= "\u036f":
                lower = piece.lower()
                out.append(lower)
                places += [place] * len(lower)
    return "".join(out), places


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word, several that stand in a row, or a run. `tokens` are its words as the index holds them; of a run none."""

    text: str
    tokens: tuple[str, ...] = ()
    prefix: bool = False
    excluded: bool = False

    @property
    def run(self) -> bool:
        return not self.tokens

    def match(self) -> str:
        """The term for FTS5's MATCH: a string in quotation marks is never syntax."""
        return f'"{self.text.replace(chr(34), " ")}"' + ("*" if self.prefix else "")


@dataclass(frozen=True, kw_only=True)
class Query:
    """All of it. `fields` are filters that were typed, as `from:@handle`."""

    text: str
    terms: tuple[Term, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.run and not term.excluded)

    @property
    def runs(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.run and not term.excluded)

    @property
    def excluded(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.excluded)

    @property
    def empty(self) -> bool:
        return not self.words and not self.runs

    def match(self) -> str:
        """The words for FTS5's MATCH; empty where there are none."""
        wanted = " AND ".join(term.match() for term in self.words)
        without = "".join(f" NOT {term.match()}" for term in self.excluded if not term.run)
        return f"({wanted}){without}" if wanted and without else wanted

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """What finds each word in a text that was folded."""
        return tuple(_pattern(term) for term in self.words)

    @cached_property
    def unwanted(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_pattern(term) for term in self.excluded if not term.run)

    def fits(self, text: str) -> bool:
        """Whether a text holds all terms and none of those excluded: the same that the index would say."""
        low, _ = folded(text)
        wanted = all(pattern.search(low) for pattern in self.patterns) and self.holds_runs(text)
        return wanted and not any(pattern.search(low) for pattern in self.unwanted)

    def holds_runs(self, text: str) -> bool:
        """Whether a text holds all runs, and none of those excluded."""
        low = text.lower()
        wanted = all(term.text.lower() in low for term in self.runs)
        return wanted and not any(term.text.lower() in low for term in self.excluded if term.run)


def _pattern(term: Term) -> re.Pattern[str]:
    words = r"[\W_]+".join(map(re.escape, term.tokens))
    more = r"[^\W_]*" if term.prefix else ""
    return re.compile(rf"(?<![^\W_]){words}{more}(?![^\W_])")


def parse(typed: str) -> Query:
    """Reads what somebody typed: words, "phrases", prefix*, -without, and fields such as from:@handle."""
    text = " ".join(typed[:LONGEST].replace("\0", " ").split())
    terms: list[Term] = []
    fields: dict[str, str] = {}
    for found in _PIECE.finditer(text.translate(_QUOTES)):
        phrase = found["phrase"] is not None
        piece = found["phrase"] if phrase else found["word"]
        known = None if phrase or found["minus"] else _FIELD.fullmatch(piece)
        if known is not None:
            fields.setdefault(known[1].lower(), known[2])
            continue
        excluded = found["minus"] is not None and _TOKEN.search(piece) is not None
        terms += _terms(piece, phrase=phrase, excluded=excluded)
    kept = tuple(dict.fromkeys(terms))[:MOST]
    return Query(text=text, terms=kept, fields=fields)


def _terms(piece: str, *, phrase: bool, excluded: bool) -> list[Term]:
    prefix = not phrase and piece.endswith("*")
    low, _ = folded(piece)
    tokens = tuple(_TOKEN.findall(low))
    if phrase and _RUN.search(piece):
        return [Term(text=piece.strip(), excluded=excluded)]
    if _RUN.search(piece):
        # Words around a run stand apart from it where a space is; without one they are one word of the index.
        out: list[Term] = []
        for part in piece.rstrip("*").split():
            if _RUN.search(part):
                out.append(Term(text=part, excluded=excluded))
            else:
                out += _terms(part, phrase=False, excluded=excluded)
        return out
    if not tokens:
        signs = any(unicodedata.category(char) in ("So", "Sk", "Sc", "Sm") and not char.isascii() for char in piece)
        return [Term(text=piece, excluded=excluded)] if signs else []
    long_enough = prefix and len(tokens[-1]) >= SHORTEST_PREFIX
    return [Term(text=piece.rstrip("*"), tokens=tokens, prefix=long_enough, excluded=excluded)]
