"""From a post to its origin, and to everyone who quoted it."""

from __future__ import annotations

from archiver.datasette_plugin.chain import CSS, READS, gather, picture
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.jobs.show import find


def chain(reader: Reader, asked: Asked) -> Row:
    """The chain around a thing, whichever of its names was given."""
    ref = str(find(reader.archive, asked.parts["ref"]))
    return {"asked_for": asked.parts["ref"], **gather(reader, ref)}


def dress(found: Row, asked: Asked) -> Row:
    return {"graph": picture(found, asked.at)}


PAGES = (
    Page(
        path=r"chain/(?P<ref>[^/]+?)", template="archiver_chain.html", gather=chain, dress=dress, reads=READS, css=CSS
    ),
)
