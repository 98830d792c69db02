"""A part of a document laid out: rows of its text, each beside the mentions that begin in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.quoting import highlight, parts, sides
from archiver.datasette_plugin.quoting.highlight import Place
from archiver.datasette_plugin.reader import Row
from archiver.quotes.meaning import VERDICTS
from archiver.render.glossary import UNMARKED

CARDS = 25
"""Mentions that one page shows beside its text."""
_SAID = {"replaced": "other words than the post's", "added": "not in the post", "removed": "words are missing"}


def dress(found: Row, asked: Asked) -> Row:
    """`rows` of the text, with the cards that stand beside each; `anchors` of the contents; what the verdicts mean."""
    part, mentions = found["part"], found["mentions"]
    anchors = names(mentions)
    cards = [
        {**sides.dressed(mention), "anchor": anchor, "href": f"#q-{anchor}"}
        for mention, anchor in zip(mentions, anchors, strict=True)
    ]
    for card in cards:
        card["in_place"] = bool(changes(card, part))
        card["here"] = found["place"] == {"start": card["start"], "end": card["end"]}
    return {
        "rows": rows(found, cards),
        "elsewhere": _elsewhere(found, asked),
        "meanings": [(name, VERDICTS[name]) for name in found["coverage"]["verdicts"] if name in VERDICTS],
    }


def names(mentions: Sequence[Row]) -> list[str]:
    """What the place of each mention is called in the page: its range; a second one of the same range has a number."""
    taken: dict[str, int] = {}
    found = []
    for mention in mentions:
        span = f"{mention['start']}-{mention['end']}"
        taken[span] = taken.get(span, 0) + 1
        found.append(span if taken[span] == 1 else f"{span}-{taken[span]}")
    return found


def changes(card: Row, part: Row) -> tuple[tuple[int, int, str], ...]:
    """The changed words of a mention as ranges of the part's text, with what is said of them. Nothing where the words
    do not stand in the text letter by letter (in markup, or behind the signs of a quotation): there they are marked in
    the card alone, since a mark in the wrong place is worse than none."""
    if card["quote_start"] is None or not card["compared"]:
        return ()
    first = card["quote_start"] - part["start"]
    start, end = first + card["words_from"], first + card["words_from"] + len(card["words"])
    stands = part["text"][max(start, 0) : max(end, 0)]
    whole = card["quote_end"] - card["quote_start"] == card["words_length"]
    if not whole or start < 0 or stands != card["words"][: len(stands)] or not stands:
        return ()
    seen = sides.visible(card, card["compared"][0])
    return tuple(
        (first + change["quoted_span"][0], first + change["quoted_span"][1], _SAID.get(change["op"], "differs"))
        for change in seen
        if change["op"] in UNMARKED
    )


def rows(found: Row, cards: Sequence[Row]) -> list[Row]:
    """The rows of a part: `text` as HTML and the `cards` of the mentions that begin in it."""
    part, text = found["part"], found["part"]["text"]
    places = [_place(card, part) for card in cards]
    carried = [
        Place(start=one["start"] - part["start"], end=one["end"] - part["start"], number="", href="#carried")
        for one in found["carried"]
    ]
    asked = _asked(found, cards)
    out: list[Row] = []
    for row in parts.rows(text, [(place.start, place.end) for place in places]):
        here = [places[number] for number in row.begin]
        across = [one for one in (*carried, *asked) if one.end > row.start and one.start < row.end]
        shown = highlight.highlighted(text[row.start : row.end], [_moved(one, row.start) for one in (*across, *here)])
        out.append({"text": shown, "cards": [cards[number] for number in row.begin]})
    return out


def _place(card: Row, part: Row) -> Place:
    return Place(
        start=card["start"] - part["start"],
        end=card["end"] - part["start"],
        number=str(card["number"]),
        anchor=f"q-{card['anchor']}",
        href=f"#p-{card['anchor']}",
        kind=card["colour"],
        label=card["label"],
        here=card["here"],
        changes=changes(card, part),
    )


def _asked(found: Row, cards: Sequence[Row]) -> list[Place]:
    """The place that was asked for, where it is not one of the mentions."""
    place, part = found["place"], found["part"]
    if place is None or place["start"] == place["end"] or any(card["here"] for card in cards):
        return []
    start, end = place["start"] - part["start"], place["end"] - part["start"]
    anchor = f"q-{place['start']}-{place['end']}"
    return [
        Place(
            start=start, end=end, number="→", href=f"#{anchor}", anchor=anchor, label="the place asked for", here=True
        )
    ]


def _moved(place: Place, by: int) -> Place:
    """The same place in a text that begins so much later."""
    first = place.start - by >= 0
    return Place(
        start=place.start - by,
        end=place.end - by,
        number=place.number if first else "",
        href=place.href,
        anchor=place.anchor if first else "",
        kind=place.kind,
        label=place.label,
        here=place.here,
        changes=tuple((start - by, end - by, label) for start, end, label in place.changes),
    )


def _elsewhere(found: Row, asked: Asked) -> dict[str, Any]:
    """Addresses of the parts before and after, and of further mentions in this one."""
    sha256, part, held = found["document"]["sha256"], found["part"], found["mentions_in_part"]
    at, number = asked.at, part["number"]
    first, last = held["shown_first"], held["shown_last"]
    return {
        "before": at("document", sha256, part=number - 1) if number > 1 else "",
        "after": at("document", sha256, part=number + 1) if number < part["parts"] else "",
        "fewer": at("document", sha256, part=number, **{"from": max(held["first"], first - CARDS)})
        if first > held["first"]
        else "",
        "more": at("document", sha256, part=number, **{"from": last + 1}) if last < held["last"] else "",
    }
