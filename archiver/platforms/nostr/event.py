"""NIP-01: an event, its id and its signature. https://github.com/nostr-protocol/nips/blob/master/01.md

The name of an author is the key itself, so an event proves its author by itself, whoever hands it on. What it does
not prove is its time: `created_at` is what the author wrote.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from archiver.errors import ParseError, ProofError
from archiver.platforms.fields import Node
from archiver.platforms.nostr import bip340

MEMBERS = frozenset({"id", "pubkey", "created_at", "kind", "tags", "content", "sig"})
_HEX = re.compile("(?:[0-9a-f]{2})+")
_ESCAPES = str.maketrans(
    {"\n": "\\n", '"': '\\"', "\\": "\\\\", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)  # fmt: skip
_LAST_SECOND = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it stands in an answer; `id`, `pubkey` and `sig` are lower-case hexadecimal digits. Texts are as they
    were signed: they may hold NUL and lone surrogates, which `text_of` and `value_of` replace for the archive."""

    id: str
    pubkey: str
    created_at: int
    kind: int
    tags: tuple[tuple[str, ...], ...]
    content: str
    sig: str
    pointer: str = ""

    def named(self, name: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """The tags of a name that have a value, with their places among all tags."""
        return tuple((place, tag) for place, tag in enumerate(self.tags) if len(tag) > 1 and tag[0] == name)

    def value(self, name: str) -> str:
        """The value of the first tag of a name, or an empty string."""
        return next((tag[1] for _, tag in self.named(name)), "")


def looks_like_event(node: Node) -> bool:
    """Whether a value has the members of an event, whatever is in them."""
    return type(node.value) is dict and node.value.keys() >= MEMBERS


def read(node: Node) -> Event:
    """The event that a value is. ParseError, with a pointer, where a member is not what NIP-01 says."""
    tags = tuple(tuple(_string(item) for item in tag.items()) for tag in node.at("tags").items())
    for place, tag in enumerate(tags):
        if not tag:
            raise ParseError("expected a tag with a name, found an empty array", pointer=f"{node.pointer}/tags/{place}")
    created, kind = node.at("created_at"), node.at("kind")
    if not 0 <= created.number() < _LAST_SECOND:
        raise created.fail("seconds since 1970")
    if not 0 <= kind.number() <= 65_535:
        raise kind.fail("a number up to 65535")
    return Event(
        id=digits(node.at("id"), 64),
        pubkey=digits(node.at("pubkey"), 64),
        created_at=created.number(),
        kind=kind.number(),
        tags=tags,
        content=_string(node.at("content")),
        sig=digits(node.at("sig"), 128),
        pointer=node.pointer,
    )


def digits(node: Node, size: int) -> str:
    """So many lower-case hexadecimal digits. ParseError for anything else."""
    if type(node.value) is not str or not is_digits(node.value, size):
        raise node.fail(f"{size} lower-case hexadecimal digits")
    return node.value


def is_digits(text: str, size: int) -> bool:
    """Whether a text is so many lower-case hexadecimal digits."""
    return len(text) == size and _HEX.fullmatch(text) is not None


def check(event: Event) -> None:
    """ProofError, with the check that failed, unless the event's own key signed exactly this event."""
    try:
        strict, loose = _hash(serialised(event)), _hash(_as_programs_write(event))
    except UnicodeEncodeError:
        raise ProofError("half a character: what is no UTF-8 has no id") from None
    if event.id not in (strict, loose):
        raise ProofError("the id is not the hash of the event")
    if not bip340.verify(bytes.fromhex(event.pubkey), bytes.fromhex(event.id), bytes.fromhex(event.sig)):
        raise ProofError("the signature is not one of the event's key")


def serialised(event: Event) -> str:
    """The text whose SHA-256 is the id: NIP-01 escapes seven characters and leaves all others as they are."""
    tags = ",".join(f"[{','.join(map(_quoted, tag))}]" for tag in event.tags)
    return f"[0,{_quoted(event.pubkey)},{event.created_at},{event.kind},[{tags}],{_quoted(event.content)}]"


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _as_programs_write(event: Event) -> str:
    """The same by an encoder of JSON, which many programs use: it escapes the other control characters, too. Two
    events never share such a text, so it is as good an id."""
    fields = [0, event.pubkey, event.created_at, event.kind, event.tags, event.content]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _string(node: Node) -> str:
    if type(node.value) is not str:
        raise node.fail("a string")
    return node.value
