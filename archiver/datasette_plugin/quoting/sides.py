"""The two sides of a comparison as HTML: the words as quoted and the post as captured, changes marked on both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from archiver.datasette_plugin.reader import Row
from archiver.datasette_plugin.words import BAD, QUIET, WARN, verdict_kind
from archiver.jobs.checked import Difference, Where
from archiver.quotes.meaning import VERDICTS
from archiver.render import glossary, markup

_NOWHERE = Where(line=0, column=0, end_line=0, end_column=0)
_CUT = '<span class="qc-cut">{}[…]</span>'
_OWN = ("elided", "bracketed")
_NO_WORDS = {
    "embed": "embedded post",
    "permalink": "address of a post",
    "short-link": "short link",
    "media-link": "link of a medium",
    "signed-quotation": "signature",
}
"""Kinds of mentions that quote no words."""
Change = dict[str, Any]


def dressed(mention: Row) -> Row:
    """A mention with what only HTML needs: `sides`, one for each comparison, and the words of its head."""
    return {
        **mention,
        "colour": colour(mention),
        "label": label(mention),
        "means": VERDICTS.get(mention["verdict"], ""),
        "kind_told": (glossary.KINDS if mention["words"] else _NO_WORDS).get(mention["kind"], mention["kind"]),
        "words_shown": plain(mention["words"], mention["words_from"], mention["words_length"]),
        "post_shown": None
        if mention["post"] is None
        else plain(mention["post"]["text"], 0, mention["post"]["text_length"]),
        "post_fate": "" if mention["post"] is None else fate(mention["post"]["outcome"]),
        "sides": [side(mention, one) for one in mention["compared"]],
    }


def colour(mention: Row) -> str:
    """How a mention is coloured: by its verdict, and a faithful one that warns of something as what warns."""
    kind = verdict_kind(mention["verdict"])
    warns = any(flag["warns"] for one in mention["compared"][:1] for flag in one["flags"])
    return WARN if warns and kind not in (BAD, QUIET) else kind


def label(mention: Row) -> str:
    """What was found, in a word: the verdict, or where nothing was compared what is known of the mention."""
    return mention["verdict"] or mention["resolution"]["status"] or "not looked up yet"


def side(mention: Row, one: Row) -> Row:
    """One comparison: `ours` and `theirs` are both texts with their marks, `changed` says each change in words."""
    seen = visible(mention, one)
    stretch = (one["quoted_start"] or 0, one["quoted_end"] or 0)
    window = mention["words"], mention["words_from"], mention["words_length"]
    ours = _marked(*window, stretch, seen, "quoted_span", _ours(seen))
    theirs = None
    if one["text"] is not None:
        stretch = (one["original_start"] or 0, one["original_end"] or 0)
        theirs = _marked(
            one["text"], one["text_from"], one["text_length"], stretch, seen, "original_span", _theirs(seen)
        )
    return {
        **one,
        "ours": ours,
        "theirs": theirs,
        "changed": [sentence(change) for change in seen],
        "more_changes": one["changes_count"] - len(seen),
        "means": VERDICTS.get(one["verdict"], ""),
        "found": glossary.FOUND_BY.get(one["found_by"], one["found_by"]),
        "fate": fate(one["outcome"]),
    }


def fate(outcome: str | None) -> str:
    """What became of a post, in words; empty while it is live."""
    return "" if outcome in (None, "", "live") else glossary.OUTCOMES.get(outcome, "the outcome has no name here")


def visible(mention: Row, one: Row) -> list[Change]:
    """The changes whose places stand in both windows, so that the numbers of both sides are the same."""
    low, high = mention["words_from"], mention["words_from"] + len(mention["words"])
    first, last = one["text_from"] or 0, (one["text_from"] or 0) + len(one["text"] or "")
    return [
        change
        for change in one["changes"]
        if low <= change["quoted_span"][0]
        and change["quoted_span"][1] <= high
        and first <= change["original_span"][0]
        and change["original_span"][1] <= last
    ]


def sentence(change: Change) -> Markup:
    """A change in words."""
    told = Difference(
        op=change["op"],
        quoted=change["quoted"],
        original=change["original"],
        quoted_start=change["quoted_span"][0],
        quoted_end=change["quoted_span"][1],
        original_start=change["original_span"][0],
        original_end=change["original_span"][1],
        where=_NOWHERE,
    )
    elements = {"quoted": '<del><bdi lang="">{}</bdi></del>', "original": '<ins><bdi lang="">{}</bdi></ins>'}
    if change["op"] in _OWN:
        elements = dict.fromkeys(elements, '<bdi class="own" lang="">{}</bdi>')
    return Markup(
        "".join(elements.get(whose, "{}").format(markup.text(said)) for whose, said in glossary.sentence(told))
    )


def plain(text: str, first: int, length: int) -> Markup:
    """A window of a text, with a sign where it was cut."""
    return _cut(markup.text(text), first, first + len(text) < length)


def _marked(
    text: str,
    first: int,
    length: int,
    stretch: tuple[int, int],
    changes: Sequence[Change],
    span: str,
    tags: markup.Tags,
) -> Markup:
    moved = [(change[span][0] - first, change[span][1] - first) for change in changes]
    shown = markup.marked(text, (stretch[0] - first, stretch[1] - first), moved, tags)
    return _cut(shown, first, first + len(text) < length)


def _cut(shown: str, first: int, more: bool) -> Markup:
    left = _CUT.format(markup.unseen("cut here: ")) if first else ""
    right = _CUT.format(markup.unseen("cut here: ")) if more else ""
    return Markup(f"{left}{shown}{right}")


def _ours(changes: Sequence[Change]) -> markup.Tags:
    said = {"added": "not in the post", "replaced": "other words than the post's", "removed": "words are missing"}
    return {
        number: ("span", "marked by the quotation")
        if change["op"] in _OWN
        else ("del", said.get(change["op"], "differs"))
        for number, change in enumerate(changes)
    }


def _theirs(changes: Sequence[Change]) -> markup.Tags:
    said = {"added": "the quotation adds words", "replaced": "not in the quotation", "removed": "not in the quotation"}
    return {
        number: ("span", "what the quotation marks")
        if change["op"] in _OWN
        else ("ins", said.get(change["op"], "differs"))
        for number, change in enumerate(changes)
    }
