"""Where events stand in the bytes of a file or an answer.

Known are: one event; an array of events; relay messages (`["EVENT", SUBSCRIPTION, {…}]`, NIP-01), each or in an array;
an object whose members are events or arrays of them; and lines of JSON, each any of these. A pointer leads from the
document to the event; in lines of JSON its first step is the number of the line, from 0, empty lines not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.errors import ParseError
from archiver.model import Unread
from archiver.platforms.fields import Node, load
from archiver.platforms.nostr.event import looks_like_event

_MESSAGES = frozenset({"EVENT", "OK", "EOSE", "CLOSED", "NOTICE", "AUTH", "COUNT", "REQ", "CLOSE"})
_DEEPEST = 4
MOST_NOTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The values that have the members of an event, and what else stands where events are expected."""

    events: tuple[Node, ...]
    others: tuple[Unread, ...]


def find(body: bytes) -> Held | None:
    """The events of a document; None where it is no JSON, holds none, or holds more other things than events."""
    if b'"pubkey"' not in body or b'"sig"' not in body:  # most documents: without being read as JSON
        return None
    events: list[Node] = []
    others: list[Unread] = []
    for node in _documents(body, others):
        for found in _inside(node, 0):
            if looks_like_event(found):
                events.append(found)
            else:
                others.append(Unread(reason="no event of Nostr, nor a message of a relay", pointer=found.pointer))
    if not events or len(others) > len(events):
        return None
    more = len(others) - MOST_NOTES
    notes = others[:MOST_NOTES]
    if more > 0:
        notes.append(Unread(reason=f"{more} further values that are no events"))
    return Held(events=tuple(events), others=tuple(notes))


def _documents(body: bytes, others: list[Unread]) -> Iterator[Node]:
    """The document, or each line of it."""
    try:
        yield load(body)
        return
    except ParseError as error:
        if b"\n" not in body:
            others.append(Unread(reason=error.message, pointer=error.pointer))
            return
    for place, line in enumerate(line for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()):
        try:
            yield Node(load(line).value, f"/{place}")
        except ParseError as error:
            others.append(Unread(reason=error.message, pointer=f"/{place}"))


def _inside(node: Node, depth: int) -> Iterator[Node]:
    """What stands where events are expected; a relay's message without an event stands for nothing."""
    value = node.value
    broken = type(value) is dict and ("pubkey" in value or "sig" in value)  # an event of which something is missing
    if looks_like_event(node) or broken or depth == _DEEPEST:
        yield node
    elif type(value) is list:
        if value and type(value[0]) is str and value[0] in _MESSAGES:
            if value[0] == "EVENT":
                yield from (item for item in node.items() if type(item.value) is dict)
            return
        for item in node.items():
            yield from _inside(item, depth + 1)
    elif type(value) is dict and value:
        for key in value:
            if (child := node.get(key)) is not None:
                yield from _inside(child, depth + 1)
    else:
        yield node
