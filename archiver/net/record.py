"""From a tape to the Exchange that is handed to the store: secrets taken out, then hashed, nothing else changed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.custody.content import codings, decoded
from archiver.custody.framing import Head, parse_head
from archiver.errors import ParseError
from archiver.net.policy import Policy
from archiver.net.redact import Redactor, file_pieces
from archiver.net.tape import BodyWriter, Kept, Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a tape holds, as it may be kept. `body` is None when no body began."""

    head: bytes
    parsed: Head | None
    framing: str
    body: Kept | None
    rebuilt: bool
    notes: tuple[str, ...]


def received(tape: Tape, redactor: Redactor, *, whole: bool) -> Received:
    """Take the answer from a tape. Reads nothing twice unless secrets were sent."""
    splitter = tape.splitter
    head, framing, parsed = splitter.raw_head, splitter.framing(), splitter.head
    body = tape.writer.finish(whole=whole) if tape.writer is not None else None
    if not redactor:
        return Received(head=head, parsed=parsed, framing=framing, body=body, rebuilt=False, notes=tuple(tape.notes))
    notes, rebuilt = list(tape.notes), False
    if (clean := redactor.data(head)) != head:
        head = clean
        notes.append("a secret was taken out of the response head")
        if parsed is not None:
            parsed = parse_head(head)
    if redactor.text(framing) != framing:
        framing, rebuilt = "", True
        notes.append("a secret stood in the chunk framing, which is not kept")
    if body is not None and parsed is not None:
        clean_body = _without(body, parsed.headers, redactor, tape.policy, whole=whole)
        if clean_body is not None:
            body, framing, rebuilt = clean_body, "", True
            notes.append("a secret was taken out of the body")
    return Received(head=head, parsed=parsed, framing=framing, body=body, rebuilt=rebuilt, notes=tuple(notes))


def _without(
    body: Kept, headers: tuple[tuple[str, str], ...], redactor: Redactor, policy: Policy, *, whole: bool
) -> Kept | None:
    """The body without secrets, coded again as its head says; None when there were none in it."""
    names = codings(headers)

    def write(pieces: Iterator[bytes]) -> Kept:
        writer = BodyWriter(headers, limit=policy.max_entity, ratio=policy.max_ratio, spool_bytes=policy.spool_bytes)
        for piece in pieces:
            writer.write(piece)
        body.body.close()
        return writer.finish(whole=whole)

    def content() -> Iterator[bytes]:
        body.body.seek(0)
        try:
            yield from decoded(body.body, headers, limit=policy.max_entity, ratio=policy.max_ratio)
        except ParseError:
            return  # what could be read up to here is what a reader could see too

    if names and redactor.occurs_in(content()):
        pieces = redactor.stream(content())
        for name in names:
            pieces = _coded(pieces, name)
        return write(pieces)
    if redactor.occurs_in(file_pieces(body.body)):
        return write(redactor.stream(file_pieces(body.body)))
    body.body.seek(0)
    return None


def _coded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Content coded again, the same bytes each time. A coding that we cannot write leaves an empty body."""
    wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(name)
    if wbits is None:
        return
    coder = zlib.compressobj(6, zlib.DEFLATED, wbits)
    for piece in pieces:
        yield coder.compress(piece)
    yield coder.flush()


def joined(*texts: str) -> str:
    """Details as one line."""
    return "; ".join(text for text in texts if text)
