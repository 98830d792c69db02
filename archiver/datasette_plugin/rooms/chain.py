"""From a post to its origin, and to everyone who quoted it."""

from __future__ import annotations

from archiver.datasette_plugin.chain import CSS, READS, SCRIPTS, gather, measure, picture, summary, telling
from archiver.datasette_plugin.chain.edges import SIDES, UP, Edges
from archiver.datasette_plugin.chain.export import DOT, GRAPHML, dot, graphml
from archiver.datasette_plugin.chain.fans import fan
from archiver.datasette_plugin.chain.picture import left_out
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.places import Places
from archiver.datasette_plugin.reader import Reader, Row
from archiver.jobs.show import find


def chain(reader: Reader, asked: Asked) -> Row:
    """The chain around a thing, whichever of its names was given; with `?node=…`, one page of the fan of a thing."""
    ref = str(find(reader.archive, asked.parts["ref"]))
    if ref.startswith("doc:passage:"):
        edges = Edges(reader=reader)
        key = edges.key(ref)
        ref = ref if key is None else edges.ref(edges.end(key))
    if asked.get("node"):
        return {"asked_for": asked.parts["ref"], "ref": ref, **fan(Edges(reader=reader), asked)}
    return {"asked_for": asked.parts["ref"], **gather(reader, ref)}


def dress(found: Row, asked: Asked) -> Row:
    """The drawing, and the rows of both tables with their addresses."""
    at, things = asked.at, found["things"]
    names = {ref: telling.who(thing) for ref, thing in things.items()}
    heading = f"Chain of {measure.plain(names.get(found['ref']) or found['ref'])}"
    shared = {"heading": heading, "names": names, "means": telling.EVIDENCE, "place": _place, "UP": UP}
    if "node" in found:
        pages = {"side": found["side"], "node": found["node"]}
        more = found["next"] and at("chain", found["ref"], kind=found["kind"], **pages, **found["next"])
        first = at("chain", found["ref"], kind=found["kind"], **pages) if asked.get("after") else ""
        tabs = [{**row, "href": at("chain", found["ref"], kind=row["kind"], **pages)} for row in found["kinds"]]
        rows = [{**row, **_about(things[row["ref"]])} for row in found["rows"]]
        return {**shared, "fan_rows": rows, "more": more or "", "first": first, "tabs": tabs}
    tables = {side: [_row(row, side, found, at) for row in found[side]] for side in SIDES}
    rest = {}
    for side in SIDES:
        start = {"of": found["ref"], "side": side, "folded": found["folded"][side], "cut": found["cut"][side]}
        rest[side] = left_out(start, found["ref"], at)
    start = things[found["ref"]]
    told = {"start": start, "state": telling.state(start), "told": summary.lines(found)}
    return {**shared, **told, "graph": picture(found, at), "tables": tables, "rest": rest}


def _row(row: Row, side: str, found: Row, at: Places) -> Row:
    more = left_out({**row, "of": row["ref"], "side": side}, found["ref"], at)
    return {**row, **_about(found["things"][row["ref"]]), "left": more}


def _about(thing: Row) -> Row:
    return {"thing": thing, "state": telling.state(thing), "words": telling.words(thing)}


def _place(edge: Row) -> str:
    """The place in a document that an edge was read from; empty where it comes from something else."""
    return str(edge["source"]) if edge["source"].startswith("doc:passage:") else ""


PAGES = (
    Page(
        path=r"chain/(?P<ref>[^/]+?)",
        template="archiver_chain.html",
        gather=chain,
        dress=dress,
        reads=READS,
        css=CSS,
        scripts=SCRIPTS,
        forms={"dot": (DOT, dot), "graphml": (GRAPHML, graphml)},
    ),
)
