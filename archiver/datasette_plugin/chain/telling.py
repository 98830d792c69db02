"""How things and edges of a chain are called, in the drawing, the tables and exports. Pure; nothing is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archiver.datasette_plugin.chain.edges import UP
from archiver.model import EdgeKind, Evidence

Row = dict[str, Any]
EVIDENCE = {
    Evidence.ASSERTED.value: "the platform's own field says so",
    Evidence.CLAIMED.value: "a document says so",
    Evidence.INFERRED.value: "our matching of words or media says so",
}
"""What each class of evidence means."""
THOSE = {
    "": "edges",
    EdgeKind.QUOTES.value: "quotes",
    EdgeKind.REPLIES_TO.value: "replies",
    EdgeKind.REPOSTS.value: "reposts",
    EdgeKind.EMBEDS.value: "embeds",
    EdgeKind.LINKS_TO.value: "links",
    EdgeKind.SAME_TEXT.value: "same text",
    EdgeKind.SAME_MEDIA.value: "same media",
    EdgeKind.RESOLVES_TO.value: "short links",
}
"""Edges of a kind, counted."""

CALLED = {"short": "A short link", "page": "A web page", "account": "An account", "handle": "A name of an account"}
"""Things that are no posts."""


def who(thing: Row) -> str:
    """What a thing is called: its author, its title, or its own id."""
    if thing["handle"]:
        return f"@{thing['handle']}"
    title: str = thing["name"] or thing["title"] or thing["seed"].removeprefix("seed:").rpartition("/")[2]
    platform, _, rest = thing["ref"].partition(":")
    kind, _, remote = rest.partition(":")
    if title:
        return title
    if kind == "short":
        return f"t.co/{remote}" if platform == "x" else str(remote)
    return str(remote) if kind == "page" else f"{kind} {remote[:16]}…" if platform == "doc" else f"{platform} {remote}"


def state(thing: Row) -> str:
    """A word for what became of a thing: an outcome, or that nobody captured it."""
    if thing["erased_at"]:
        return "erased"
    if thing["kind"] == "document":
        return "document"
    return str(thing["outcome"]) or ("captured" if thing["captured"] else "never asked for")


def dated(thing: Row) -> str:
    """The day that a thing claims; empty where it claims none."""
    return str(thing["posted_at"])[:10]


def words(thing: Row) -> str:
    """What a thing says, or why nothing of it is shown."""
    if thing["kind"] == "document":
        places = thing["places"]
        refer = f"{places:,} mention{'' if places == 1 else 's'} in it"
        return f"Captured {thing['observed_at'][:10]}: {refer}"
    if thing["text"]:
        return str(thing["text"]) + ("…" if thing["cut"] else "")
    if thing["erased_at"]:
        return "Its content was erased"
    if thing["kind"] != "post":
        return CALLED.get(str(thing["kind"]), str(thing["kind"]))
    return "No words" if thing["captured"] else "No capture shows it"


def kinds(edges: Sequence[Row]) -> str:
    """The kinds of several edges, each once."""
    return ", ".join(dict.fromkeys(edge["kind"] for edge in edges))


def evidence(edges: Sequence[Row]) -> str:
    """The classes of evidence of several edges, each once, the strongest first."""
    return ", ".join(word for word in EVIDENCE if any(edge["evidence"] == word for edge in edges))


def strongest(edges: Sequence[Row]) -> str:
    """The strongest class of evidence among edges."""
    return next((word for word in EVIDENCE if any(edge["evidence"] == word for edge in edges)), Evidence.INFERRED.value)


def left_out(folded: Sequence[Row], cut: str, side: str) -> tuple[str, str]:
    """What is not drawn, as a heading and what it is made of."""
    total, over = sum(row["count"] for row in folded), any(row["over"] for row in folded)
    number = f"{total:,}{'+' if over else ''}"
    made = ", ".join(f"{THOSE[row['kind']]} {row['count']:,}{'+' if row['over'] else ''}" for row in folded)
    way = "up" if side == UP else "down"
    return (f"{number} further {way}" if cut else f"and {number} more"), made
