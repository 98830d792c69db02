"""What the wire showed for one hop: the value that the network hands to the store. Transport facts only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from archiver.model.network import Request
from archiver.model.words import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The peer as the socket saw it. `chain` are DER certificates, leaf first. `dns` are all addresses resolved."""

    peer_ip: str = ""
    peer_port: int = 0
    http_version: str = ""
    alpn: str = ""
    tls_version: str = ""
    tls_cipher: str = ""
    chain: tuple[bytes, ...] = ()
    dns: tuple[str, ...] = ()
    proxy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back, or that nothing did.

    `uid` is a UUIDv7; `parent` the uid of the hop before, `hop` 0 for the address asked first. `sent` and
    `response_head` are exact bytes (secrets replaced by their placeholder). `body` is a readable, seekable
    file at 0: the message body without chunk framing, still content-coded; None when there was none.
    `framing` is JSON that rebuilds the chunked message byte for byte, empty when it was not chunked.
    `sha256` and `size` are of `body`; `entity_sha256` is after content decoding (equal when there was no
    coding; empty when it could not be decoded). `failure` NONE means that the whole message came.
    `expected` is the declared Content-Length, or None. Times are UTC ISO 8601 with microseconds and Z;
    `mono_ns` is the monotonic clock at the start.
    """

    uid: str
    request: Request
    url: str
    tier: str = "wire"
    parent: str = ""
    hop: int = 0
    started_at: str
    first_byte_at: str = ""
    ended_at: str
    mono_ns: int = 0
    sent: bytes = b""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    response_head: bytes = b""
    framing: str = ""
    body: BinaryIO | None = None
    size: int = 0
    sha256: str = ""
    entity_sha256: str = ""
    sniffed_type: str = ""
    expected: int | None = None
    rebuilt: bool = False
    failure: Failure = Failure.NONE
    detail: str = ""
    connection: Connection = field(default_factory=Connection)
    source_pointer: str = ""
