"""What one try put on the wire and took from it: the tape that the recording stream writes.

Bytes are hashed, cut and spooled as they arrive; a body is never in memory as a whole. Bounds are looked at
here too, since this is where every byte passes.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO

from archiver.custody.content import BoundError, Decoder
from archiver.custody.framing import Splitter
from archiver.custody.sniff import WINDOW, sniff
from archiver.errors import ArchiverError, ParseError
from archiver.model import Connection, Failure
from archiver.net.clock import utc_now
from archiver.net.policy import Policy

MAX_FRAMING = 1 << 20
"""Bytes of chunk framing that are kept: enough for 256 MiB in chunks of 4 KiB, no two in a row of a size."""


class Stopped(ArchiverError):
    """The exchange ends here, for this reason: how the recording stream tells the fetcher. Never leaves this room."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure, self.detail = failure, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A body as it is handed on: at 0, hashed. `problem` is why there is no `entity_sha256` for a whole body."""

    body: BinaryIO
    size: int
    sha256: str
    entity_sha256: str
    sniffed_type: str
    failure: Failure = Failure.NONE
    problem: str = ""


class BodyWriter:
    """Spools a body and hashes it, as it is and decoded, while it arrives.

    Up to `spool_bytes` it stays in memory, then it moves to a temporary file. (SpooledTemporaryFile would do,
    but warns of every small body that is not closed by hand.)
    """

    def __init__(self, headers: tuple[tuple[str, str], ...], *, limit: int, ratio: int, spool_bytes: int) -> None:
        self.file: BinaryIO = BytesIO()
        self.size = 0
        self._spool_bytes = spool_bytes
        self._digest = hashlib.sha256()
        self._entity = self._digest
        self._first = b""
        self._shown = b""
        self._decoder: Decoder | None = None
        self._failure, self._problem = Failure.NONE, ""
        try:
            decoder = Decoder(headers, limit=limit, ratio=ratio)
        except ParseError as error:
            self._give_up(error)
            return
        if decoder.codes:
            self._decoder, self._entity = decoder, hashlib.sha256()

    def write(self, data: bytes) -> None:
        if self.size <= self._spool_bytes < self.size + len(data):
            small, self.file = self.file, TemporaryFile()  # noqa: SIM115  # it is handed on, open
            small.seek(0)
            self.file.write(small.read())
        self.size += len(data)
        self._digest.update(data)
        self.file.write(data)
        if len(self._first) < WINDOW:
            self._first += data[:WINDOW]
        if self._decoder is None or self._problem:
            return
        try:
            for piece in self._decoder.feed(data):
                self._entity.update(piece)
                if len(self._shown) < WINDOW:
                    self._shown += piece[:WINDOW]
        except ParseError as error:
            self._give_up(error)

    def _give_up(self, error: ParseError) -> None:
        self._failure = Failure.TOO_LARGE if isinstance(error, BoundError) else Failure.DECODING
        self._problem = error.message

    def finish(self, *, whole: bool) -> Kept:
        """The body is over. If it is not `whole`, that its entity is not whole either is no problem of its own."""
        if self._decoder is not None and not self._problem:
            try:
                self._decoder.finish()
            except ParseError as error:
                self._give_up(error)
        self.file.seek(0)
        return Kept(
            body=self.file,
            size=self.size,
            sha256=self._digest.hexdigest(),
            entity_sha256="" if self._problem else self._entity.hexdigest(),
            sniffed_type=sniff(self._shown or self._first),
            failure=self._failure if whole else Failure.NONE,
            problem=self._problem if whole else "",
        )


class Tape:
    """One try of one request. `deadline` is on the monotonic clock."""

    def __init__(self, *, method: str, policy: Policy, max_bytes: int, deadline: float) -> None:
        self.policy, self.max_bytes, self.deadline = policy, max_bytes, deadline
        self.sent = bytearray()
        self.splitter = Splitter(method)
        self.writer: BodyWriter | None = None
        self.connection = Connection()
        self.reused = False
        self.ended = False
        self.first_byte_at = ""
        self.notes: list[str] = []

    def left(self, timeout: float | None) -> float:
        """Seconds that the next operation may take. Raises Stopped when the exchange has had its time."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Stopped(Failure.TIMEOUT, f"not complete after {self.policy.total_timeout:g} s")
        return left if timeout is None else min(left, timeout)

    def received(self, data: bytes) -> None:
        """Bytes came from the peer; none at all mean that it ended the connection. Raises Stopped at a bound."""
        splitter = self.splitter
        if not data:
            self.ended = True
            splitter.close()
            return
        if not self.first_byte_at:
            self.first_byte_at = utc_now()
        body = splitter.feed(data)
        if self.writer is None:
            self._begin()
        if body and self.writer is not None:
            self.writer.write(body)
            if self.writer.size > self.max_bytes:
                raise Stopped(Failure.TOO_LARGE, f"more than {self.max_bytes} bytes")
        if splitter.overhead > MAX_FRAMING:
            raise Stopped(Failure.TOO_LARGE, f"more than {MAX_FRAMING} bytes of chunk framing")

    def _begin(self) -> None:
        """Look at the head as soon as it is whole, and at its size before."""
        splitter, policy = self.splitter, self.policy
        if splitter.head_size > policy.max_head:
            raise Stopped(Failure.TOO_LARGE, f"more than {policy.max_head} bytes of response head")
        head = splitter.head
        if head is None and not splitter.by_close:
            return
        headers = head.headers if head is not None else ()
        if len(headers) > policy.max_fields:
            raise Stopped(Failure.TOO_LARGE, f"{len(headers)} header fields; {policy.max_fields} are allowed")
        self.writer = BodyWriter(
            headers, limit=policy.max_entity, ratio=policy.max_ratio, spool_bytes=policy.spool_bytes
        )
        if splitter.expected is not None and splitter.expected > self.max_bytes and not splitter.complete:
            detail = f"{splitter.expected} bytes declared; {self.max_bytes} are allowed"
            raise Stopped(Failure.TOO_LARGE, detail)
