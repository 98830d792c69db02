"""What templates can say: foreign text that cannot run or turn the page round, times, badges, numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from archiver.quotes.meaning import VERDICTS
from archiver.render import markup
from archiver.render.text import moment

GOOD, WARN, BAD, QUIET = "good", "warn", "bad", "quiet"
KINDS = {
    **dict.fromkeys(("live", "exact", "normalised", "same-words", "partial", "valid", "captured", "whole"), GOOD),
    **dict.fromkeys(("truncated", "elided", "bracketed", "edited", "pending", "rate-limited", "refused"), WARN),
    **dict.fromkeys(("deleted", "altered", "spliced", "suspended", "not-found", "withheld", "unavailable"), BAD),
}
"""How a word is coloured; what is not listed is quiet. Colour never stands alone: the word says it."""
LONG = 500
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:.]{5,20}(Z|[+-][0-9:]{4,6})?)?")


def said(given: object) -> Markup:
    """Foreign text: escaped, what cannot be seen is shown, direction left to its first strong letter."""
    return Markup(markup.text("" if given is None else str(given)))


def named(given: object) -> Markup:
    """A foreign name inside a sentence of ours."""
    return Markup(markup.name("" if given is None else str(given)))


def attribute(given: object) -> Markup:
    """Foreign text for an attribute, such as the description of a picture."""
    return Markup(markup.plain("" if given is None else str(given)))


def address(given: object) -> Markup:
    """An outside address: a link only where it is plainly http or https. Following it tells the platform."""
    return Markup(markup.address("" if given is None else str(given)))


def badge(word: object, kind: str = "", told: str = "") -> Markup:
    """A word in a coloured box; `told` is its meaning, on hover and for screen readers."""
    made = _badge if len(str(word)) + len(told) < LONG else _badge.__wrapped__  # long words are not kept
    return made(str(word), kind, told)


@lru_cache(maxsize=500)
def _badge(word: str, kind: str, told: str) -> Markup:
    shown = kind or KINDS.get(word, QUIET)
    more = Markup(' title="{}"').format(told) if told else Markup("")
    return Markup('<span class="qc-badge qc-{}"{}>{}</span>').format(shown, more, Markup(markup.plain(word)))


def verdict(word: object) -> Markup:
    """The badge of a verdict with its meaning. An empty one says that nothing was compared."""
    if not word:
        return badge("not compared", QUIET, "Nothing was compared: resolution and reason say why")
    return badge(word, verdict_kind(str(word)), VERDICTS.get(str(word), ""))


def verdict_kind(word: str) -> str:
    """How a verdict is coloured. `not-found` is an outcome, too; as a verdict it says nothing against the words."""
    return QUIET if word == "not-found" else KINDS.get(word, QUIET)


def when(given: object) -> Markup:
    """A time in UTC; `reading-room.js` puts the local time into its title. What is no time is foreign text."""
    if not given:
        return Markup('<span class="qc-none">–</span>')
    if not _TIME.fullmatch(str(given)):
        return said(given)
    return Markup('<time datetime="{}">{}</time>').format(attribute(given), said(moment(str(given))))


def count(given: object) -> str:
    """A number with commas."""
    return f"{int(str(given or 0)):,}"


def size(given: object) -> str:
    """Bytes as people read them: kB is 1,000."""
    number = float(str(given or 0))
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"


def teach(env: Any) -> None:
    """Gives the filters to a Jinja environment."""
    named_filters = {
        "said": said,
        "named": named,
        "plain": attribute,
        "address": address,
        "badge": badge,
        "verdict": verdict,
        "when": when,
        "count": count,
        "size": size,
    }
    for name, function in named_filters.items():
        env.filters[f"qc_{name}"] = function
