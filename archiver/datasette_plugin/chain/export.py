"""A chain as a file for other programs: Graphviz DOT (https://graphviz.org/doc/info/lang.html) and GraphML
(http://graphml.graphdrawing.org/specification.html). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from archiver.datasette_plugin.chain import telling
from archiver.datasette_plugin.chain.edges import SIDES

Row = dict[str, Any]
DOT = "text/vnd.graphviz; charset=utf-8"
GRAPHML = "application/graphml+xml; charset=utf-8"
_STYLES = {"asserted": "solid", "claimed": "dashed", "inferred": "dotted"}
_NODE = ("label", "kind", "outcome", "posted_at", "text")
_EDGE = ("kind", "evidence", "pinned", "pointer", "capture", "observed_at")


def dot(found: Row) -> str:
    """The things and edges that a page shows. What it leaves out stands in a comment."""
    lines = ["digraph chain {", "  rankdir=RL;", "  node [shape=box];"]
    for ref, thing in sorted(found["things"].items()):
        label = f"{telling.who(thing)}\n{telling.state(thing)} {thing['posted_at']}".strip()
        lines.append(f"  {quoted(ref)} [label={quoted(label)}];")
    for source, target, edge in _edges(found):
        label, style = quoted(edge["kind"]), _STYLES.get(edge["evidence"], "dotted")
        lines.append(f"  {quoted(source)} -> {quoted(target)} [label={label}, style={style}];")
    left = _left_out(found)
    return "\n".join([*lines, *([f"  // {left} edges are left out here"] if left else []), "}", ""])


def quoted(given: str) -> str:
    """A string of DOT. Within it a backslash begins an escape, so it is doubled; what cannot stand in a text file is
    replaced. A line feed becomes the escape for a new line."""
    clean = _clean(given).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + clean.replace("\n", "\\n") + '"'


def graphml(found: Row) -> str:
    """The same with all that is known of each."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    for prefix, names in (("node", _NODE), ("edge", _EDGE)):
        typed = f'for="{prefix}" attr.type="string"'
        lines += [f'<key id="{prefix}-{name}" attr.name="{name}" {typed}/>' for name in names]
    lines.append('<graph id="chain" edgedefault="directed">')
    for ref, thing in sorted(found["things"].items()):
        values = {**thing, "label": telling.who(thing), "outcome": telling.state(thing)}
        lines.append(f"<node id={attribute(ref)}>{_data('node', _NODE, values)}</node>")
    for source, target, edge in _edges(found):
        ends = f"source={attribute(source)} target={attribute(target)}"
        lines.append(f"<edge {ends}>{_data('edge', _EDGE, edge)}</edge>")
    left = _left_out(found)
    lines += ["</graph>", *([f"<!-- {left} edges are left out here -->"] if left else []), "</graphml>", ""]
    return "\n".join(lines)


def attribute(given: str) -> str:
    """A quoted attribute of XML."""
    spelt = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
    return f'"{escape(_clean(given), spelt)}"'


def _data(prefix: str, names: tuple[str, ...], values: Row) -> str:
    return "".join(f'<data key="{prefix}-{name}">{escape(_clean(str(values[name])))}</data>' for name in names)


def _clean(given: str) -> str:
    """Without what XML 1.0 cannot hold: control characters, lone surrogates and two noncharacters become U+FFFD."""
    return "".join(char if char in "\t\n" or _allowed(ord(char)) else "\ufffd" for char in given)


def _allowed(code: int) -> bool:
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000


def _edges(found: Row) -> Iterator[tuple[str, str, Row]]:
    """Every edge that is shown between the things at its ends, which may have other names than the edge gives."""
    if "node" in found:
        up = found["side"] == SIDES[0]
        for edge in found["rows"]:
            ends = (found["node"], edge["ref"]) if up else (edge["ref"], found["node"])
            yield (*ends, edge)
        return
    for side in SIDES:
        for row in found[side]:
            ends = (row["parent"], row["ref"]) if side == SIDES[0] else (row["ref"], row["parent"])
            for edge in row["edges"]:
                yield (*ends, edge)


def _left_out(found: Row) -> str:
    """How many edges are not shown; empty where all are."""
    if "node" in found:
        return "more" if found["next"] else ""
    folds = [fold for side in SIDES for fold in found["folded"][side]]
    folds += [fold for side in SIDES for row in found[side] for fold in row["folded"]]
    total = sum(fold["count"] for fold in folds) + sum(row["more"] for side in SIDES for row in found[side])
    return f"{total:,}{' or more' if any(fold['over'] for fold in folds) else ''}" if total else ""
