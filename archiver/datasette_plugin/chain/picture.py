"""A gathered chain as a drawing: boxes with the words that fit into them, lines with theirs, and where each leads."""

from __future__ import annotations

from typing import Any

from archiver.datasette_plugin.chain import layout, measure, telling
from archiver.datasette_plugin.chain.edges import DOWN, SIDES, UP
from archiver.datasette_plugin.chain.layout import Box, Line, Tree
from archiver.datasette_plugin.places import Places
from archiver.datasette_plugin.words import KINDS, QUIET

Row = dict[str, Any]
INSIDE, FIRST, NEXT, LAST = 10, 21, 17, 12
"""From the side of a box to its words, from its top to the first line's foot, from line to line, from the last foot to
the end of the box."""
SIZES = {"name": 14, "word": 12, "text": 12, "small": 11}
"""Sizes of letters in pixels: chain.css says the same."""
LABEL = 12
"""From line to line of the words on an arrow: two above it, two below."""
ROOM = layout.WIDE - 2 * INSIDE
STYLES = tuple(telling.EVIDENCE)


def picture(chain: Row, at: Places) -> Row:
    """What `archiver_chain_graph.html` draws. Lengths are pixels; words are plain, one line each, still unescaped."""
    shown: dict[str, Row] = {}
    trees = {side: _tree(chain, side, at, shown) for side in SIDES}
    plan = layout.plan(trees[UP], trees[DOWN])
    lines = {line.name: line for line in plan.lines}
    items = []
    for box in plan.boxes:
        held, line = shown[box.name], lines.get(box.name)
        drawn = {"left": box.left, "top": box.top, "wide": box.wide, "high": box.high, "kind": held["kind"]}
        drawn |= {"href": held["href"], "texts": _stacked(held["texts"], box)}
        items.append({**drawn, "line": None if line is None else _line(line, held)})
    lists = {}
    for side in SIDES:
        start = {"of": chain["ref"], "side": side, "folded": chain["folded"][side], "cut": chain["cut"][side]}
        lists[side] = {"below": _nested(chain, side, at), "more": left_out(start, chain["ref"], at)}
    return {"wide": plan.wide, "high": plan.high, "items": items, "lists": lists, "alone": len(items) == 1}


def _tree(chain: Row, side: str, at: Places, shown: dict[str, Row]) -> Tree:
    """What is drawn on one side; `shown` takes what stands in each box."""

    def tree(name: str, held: Row, style: int = 0) -> Tree:
        shown[name] = held
        return Tree(name=name, high=FIRST + NEXT * (len(held["texts"]) - 1) + LAST, style=style)

    root = tree("start", _thing({"ref": chain["ref"], "start": True}, chain, at))
    path, trees = [root], [(root, {"ref": chain["ref"], "folded": chain["folded"][side], "cut": chain["cut"][side]})]
    for number, row in enumerate(chain[side]):
        style = STYLES.index(telling.strongest(row["edges"]))
        here = tree(f"{side}-{number}", {**_thing(row, chain, at), "edges": row["edges"]}, style)
        del path[row["step"] :]
        path[-1].below.append(here)
        path.append(here)
        trees.append((here, row))
    for here, row in trees:
        if row["folded"]:
            rest = _rest({"side": side, "of": row["ref"], "folded": row["folded"], "cut": row["cut"]}, chain, at)
            here.below.append(tree(f"{here.name}-{side}-more", rest))
    return root


def _nested(chain: Row, side: str, at: Places) -> list[Row]:
    """The same as lists inside lists."""
    path: list[list[Row]] = [[]]
    for row in chain[side]:
        thing = chain["things"][row["ref"]]
        item: Row = {"href": at.ref(row["ref"]), "who": telling.who(thing), "state": telling.state(thing)}
        item |= {"kinds": telling.kinds(row["edges"]), "evidence": telling.evidence(row["edges"])}
        item |= {"again": row["again"], "below": []}
        del path[row["step"] :]
        path[-1].append(item)
        path.append(item["below"])
        item["more"] = left_out({**row, "of": row["ref"], "side": side}, chain["ref"], at)
    return path[0]


def left_out(held: Row, start: str, at: Places) -> Row | None:
    """What is not shown of one thing, in words and with its address; None where all is shown. `held` has of, side,
    folded and cut."""
    if not held["folded"]:
        return None
    heading, made = telling.left_out(held["folded"], held["cut"], held["side"])
    return {"told": f"{heading} ({made})", "href": more(at, start, held)}


def _thing(held: Row, chain: Row, at: Places) -> Row:
    """What stands in the box of a thing, and where it leads."""
    thing = chain["things"][held["ref"]]
    texts, href = [_text(telling.who(thing), "name")], at.ref(held["ref"])
    if held.get("again"):
        told = "again: a circle" if held["circle"] else "again: it has its box"
        return {"kind": "again", "href": href, "texts": [*texts, _text(told, "small")]}
    word, dated = telling.state(thing), telling.dated(thing)
    texts.append({**_text(f"{word} · {dated}" if dated else word, "word"), "tone": KINDS.get(word, QUIET)})
    said = measure.plain(telling.words(thing))
    texts += [_text(line, "text") for line in measure.wrap(said, ROOM, SIZES["text"], 3)]
    kind = "start" if held.get("start") else "thing" if thing["captured"] else "missing"
    return {"kind": kind, "href": href, "texts": [text for text in texts if text["text"]]}


def _rest(held: Row, chain: Row, at: Places) -> Row:
    heading, made = telling.left_out(held["folded"], held["cut"], held["side"])
    texts = [_text(heading, "word"), _text(made, "small")]
    return {"kind": "more", "href": more(at, chain["ref"], held), "texts": texts, "edges": []}


def more(at: Places, start: str, held: Row) -> str:
    """Where what is left out is listed: all places of a document, the next part of the chain, or a list by pages."""
    of, side = held["of"], held["side"]
    if side == UP and of.startswith("doc:document:"):
        return at.ref(of)
    return at("chain", of) if held["cut"] else at("chain", start, node=of, side=side, kind=held["folded"][0]["kind"])


def _text(given: str, size: str) -> Row:
    line = measure.clip(measure.plain(given), ROOM, SIZES[size])
    return {"text": line, "size": size, "tone": "", "backwards": measure.backwards(line)}


def _stacked(texts: list[Row], box: Box) -> list[Row]:
    """Gives each line its place. A line that runs from right to left starts at the right side."""
    placed = []
    for number, text in enumerate(texts):
        across = box.left + (box.wide - INSIDE if text["backwards"] else INSIDE)
        placed.append({**text, "x": across, "y": box.top + FIRST + number * NEXT})
    return placed


def _line(line: Line, held: Row) -> Row:
    (x, y), *rest = line.points
    way = f"M{x} {y}" + "".join(f"L{a} {b}" for a, b in rest)
    drawn = {"way": way, "left": line.left, "middle": line.middle, "room": line.room}
    if not held["edges"]:
        return {**drawn, "evidence": "more", "words": []}
    words = []
    for told, first in ((telling.kinds(held["edges"]), -6), (telling.evidence(held["edges"]), 13)):
        lines = measure.wrap(measure.plain(told), line.room, SIZES["small"], 2)
        top = line.middle + first - (LABEL * (len(lines) - 1) if first < 0 else 0)
        words += [{"text": text, "y": top + number * LABEL} for number, text in enumerate(lines)]
    return {**drawn, "evidence": telling.strongest(held["edges"]), "words": words}
