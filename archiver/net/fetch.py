"""One try of one request, recorded: what was asked of whom, what came back, or why nothing did.

Nothing that a server or the network does raises here; it becomes an Exchange with a Failure. InputError is
raised for what a person configured: a secret that is missing, a header that cannot be sent.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import httpx

from archiver.errors import BlockedError, InputError
from archiver.model import Exchange, Failure, Request
from archiver.net.clock import text_of
from archiver.net.guard import canonical_host, check_url
from archiver.net.lookup import Resolve, resolve
from archiver.net.policy import Policy
from archiver.net.record import joined, received
from archiver.net.redact import Redactor, checked, fill, names_in
from archiver.net.redirects import Hop, follow
from archiver.net.sign import Signer
from archiver.net.tape import Stopped, Tape
from archiver.net.uid import new_uid
from archiver.net.wire import TAPE, GuardedBackend, transport

__all__ = ["Fetcher", "Policy"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
HTTP2_SETTINGS = b"\x04\x00\x00\x00\x00\x00"
"""What follows the length of the frame that begins an answer of HTTP/2 (RFC 9113 sections 3.4, 4.1 and 6.5)."""
_OURS = frozenset({"host", "connection", "transfer-encoding", "content-length", "te", "trailer", "upgrade", "expect"})


class Gate(Protocol):
    """What lets a redirect pass to the next host: `enter` waits until an address may be asked, or says why it is not;
    `left` is told what each address answered, before the next is entered. The first one is the asker's to enter."""

    def enter(self, url: str) -> str: ...

    def left(self, url: str, exchange: Exchange) -> None: ...


class Fetcher:
    """Fetches from any thread, at most `policy.per_host` requests to one host at a time, and records each hop.

    `secrets` are the values of `{secret:NAME}`. `signer` signs requests that ask for it. `resolve` gives all
    addresses of a name.
    """

    def __init__(
        self,
        policy: Policy,
        secrets: Mapping[str, str],
        *,
        signer: Signer | None = None,
        resolve: Resolve = resolve,
        uids: Callable[[], str] = new_uid,
    ) -> None:
        self._policy, self._secrets = policy, checked(secrets)
        self._signer, self._uids = signer, uids
        self.gate: Gate | None = None
        self._backend = GuardedBackend(policy, resolve)
        self._transports: dict[str, httpx.HTTPTransport] = {}
        self._slots: dict[str, tuple[threading.BoundedSemaphore, int]] = {}
        self._closed = False
        self._lock = threading.Lock()

    def fetch(self, request: Request) -> tuple[Exchange, ...]:
        """Ask once, and follow redirects if the request says so: one Exchange a hop, the answer last."""
        _check(request)
        used = _used(request, self._secrets)
        redactor = Redactor(used)
        return follow(
            request,
            lambda hop: self._hop(request, hop, used, redactor),
            max_redirects=self._policy.max_redirects,
            holds_secret=lambda target: not names_in(redactor.text(target)).isdisjoint(used),
        )

    def close(self) -> None:
        """Close all connections, for good. Requests under way end with a failure."""
        with self._lock:
            self._closed = True
            transports, self._transports = list(self._transports.values()), {}
        for outer in transports:
            outer.close()
        self._backend.close()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _hop(self, request: Request, hop: Hop, used: Mapping[str, str], redactor: Redactor) -> Exchange:
        if hop.refused:
            return self._blocked(request, hop, redactor, hop.refused)
        if self.gate is not None and hop.number and (reason := self.gate.enter(hop.url)):
            return self._blocked(request, hop, redactor, reason)
        exchange = self._ask(request, hop, used, redactor)
        if self.gate is not None:
            self.gate.left(hop.url, exchange)
        return exchange

    def _ask(self, request: Request, hop: Hop, used: Mapping[str, str], redactor: Redactor) -> Exchange:
        try:
            url = check_url(fill(hop.url, used, spelling="url"), self._policy)
        except BlockedError as error:
            return self._blocked(request, hop, redactor, str(error))
        sending = self._message(hop, url, used)
        with self._slot(canonical_host(url.raw_host.decode("ascii"))):
            exchange = None
            for turn in range(self._policy.per_host + 1):
                # A kept connection that the server had ended by now owes no answer: it never saw the request.
                exchange = self._try(request, hop, sending, redactor, last=turn == self._policy.per_host)
                if exchange is not None:
                    break
        assert exchange is not None  # the last turn always gives one
        return exchange

    def _message(self, hop: Hop, url: httpx.URL, used: Mapping[str, str]) -> httpx.Request:
        """Exactly the headers that are sent, in their order."""
        host = url.netloc.decode("ascii")
        headers = {
            "user-agent": ("User-Agent", self._policy.user_agent),
            "accept": ("Accept", "*/*"),
            "accept-encoding": ("Accept-Encoding", "gzip"),
        }
        given = [(name, fill(value, used)) for name, value in hop.headers]
        for name, _ in given:
            headers.pop(name.lower(), None)
        pairs = [("Host", host), *headers.values(), *given]
        if hop.signer and self._signer is not None:
            pairs += self._signer.headers(hop.method, url.raw_path.decode("ascii"), host)
        return httpx.Request(
            hop.method,
            url,
            headers=[(name.encode("ascii"), _encoded(value)) for name, value in pairs],
            content=_filled(hop, used) or None,
        )

    def _try(
        self, request: Request, hop: Hop, sending: httpx.Request, redactor: Redactor, *, last: bool
    ) -> Exchange | None:
        """One message out, one in. None, but not on the `last` turn, when a kept connection had ended before."""
        policy = self._policy
        max_bytes = min(request.max_bytes or policy.max_bytes, policy.max_bytes)
        started, mono = datetime.now(UTC), time.monotonic()
        tape = Tape(method=hop.method, policy=policy, max_bytes=max_bytes, deadline=mono + policy.total_timeout)
        failure, detail = self._run(tape, sending)
        splitter = tape.splitter
        stale = tape.reused and not tape.first_byte_at and failure in (Failure.RESET, Failure.TRUNCATED)
        if stale and not last and hop.method in ("GET", "HEAD"):
            return None
        if failure is Failure.NONE and not splitter.complete:
            failure, detail = Failure.TRUNCATED, "the body ended before its end"
        got = received(tape, redactor, whole=failure is Failure.NONE)
        if failure is Failure.NONE and got.body is not None:
            failure, detail = got.body.failure, got.body.problem
        notes = list(got.notes)
        if splitter.by_close and splitter.complete:
            notes.append("the body ended with the connection: no length was declared")
        if splitter.excess:
            notes.append(f"{splitter.excess} bytes stood after the end of the message")
        body, head = got.body, got.parsed
        return Exchange(
            uid=self._uids(),
            request=request,
            url=redactor.text(hop.url),
            parent=hop.parent,
            hop=hop.number,
            started_at=text_of(started),
            first_byte_at=tape.first_byte_at,
            ended_at=text_of(datetime.now(UTC)),
            mono_ns=int(mono * 1e9),
            sent=redactor.data(bytes(tape.sent)),
            status=head.status if head is not None else None,
            headers=head.headers if head is not None else (),
            response_head=got.head,
            framing=got.framing,
            body=body.body if body is not None else None,
            size=body.size if body is not None else 0,
            sha256=body.sha256 if body is not None else "",
            entity_sha256=body.entity_sha256 if body is not None else "",
            sniffed_type=body.sniffed_type if body is not None else "",
            expected=splitter.expected,
            rebuilt=got.rebuilt,
            failure=failure,
            detail=redactor.text(joined(detail, *notes)),
            connection=replace(tape.connection, http_version=head.version if head is not None else ""),
        )

    def _run(self, tape: Tape, sending: httpx.Request) -> tuple[Failure, str]:
        """Send and receive; how it ended. What the tape holds is kept whatever this says."""
        policy = self._policy
        sending.extensions = {
            "timeout": {
                "connect": policy.connect_timeout,
                "read": policy.read_timeout,
                "write": policy.read_timeout,
                "pool": policy.connect_timeout,
            }
        }
        token = TAPE.set(tape)
        size = 0
        try:
            response = self._transport(sending.url.scheme).handle_request(sending)
            try:
                for piece in response.stream:  # type: ignore[union-attr]  # a sync transport gives a sync stream
                    size += len(piece)
            finally:
                response.close()
        except Stopped as stop:
            return stop.failure, stop.detail
        except httpx.RemoteProtocolError as error:
            return _protocol(tape, str(error))
        except httpx.TimeoutException as error:
            return Failure.TIMEOUT, str(error)
        except httpx.NetworkError as error:
            return Failure.RESET, str(error)
        except httpx.TransportError as error:
            return Failure.PROTOCOL, str(error)
        finally:
            TAPE.reset(token)
        if size != tape.splitter.size:
            # Two readers of one message that disagree: neither is believed.
            return Failure.PROTOCOL, f"the framing can be read as {size} or as {tape.splitter.size} bytes"
        return Failure.NONE, ""

    def _blocked(self, request: Request, hop: Hop, redactor: Redactor, reason: str) -> Exchange:
        now = text_of(datetime.now(UTC))
        return Exchange(
            uid=self._uids(),
            request=request,
            url=redactor.text(hop.url),
            parent=hop.parent,
            hop=hop.number,
            started_at=now,
            ended_at=now,
            mono_ns=time.monotonic_ns(),
            failure=Failure.BLOCKED,
            detail=redactor.text(reason),
        )

    def _transport(self, scheme: str) -> httpx.HTTPTransport:
        with self._lock:
            if self._closed:
                raise Stopped(Failure.DNS, "nothing is resolved: the fetcher is closed")
            outer = self._transports.get(scheme)
            if outer is None:
                outer = self._transports[scheme] = transport(self._backend, _context(scheme, self._policy.verify))
            return outer

    @contextmanager
    def _slot(self, host: str) -> Iterator[None]:
        with self._lock:
            slot, users = self._slots.get(host) or (threading.BoundedSemaphore(self._policy.per_host), 0)
            self._slots[host] = (slot, users + 1)
        try:
            with slot:
                yield
        finally:
            with self._lock:
                slot, users = self._slots[host]
                if users == 1:
                    del self._slots[host]
                else:
                    self._slots[host] = (slot, users - 1)


def _context(scheme: str, verify: str) -> ssl.SSLContext:
    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading certificates would cost 20 ms
    if not verify:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"no certificates can be read: {error}", place=verify) from None


def _check(request: Request) -> None:
    """Raises InputError for what cannot be sent: our plan is at fault then, not a server."""
    if not _TOKEN.fullmatch(request.method):
        raise InputError(f"{request.method!r} is not a method", place=request.route)
    for name, value in request.headers:
        if not _TOKEN.fullmatch(name) or _NO_VALUE.search(value) or name.lower() in _OURS:
            raise InputError(f"the header {name!r} cannot be sent", place=request.route)


def _used(request: Request, secrets: Mapping[str, str]) -> dict[str, str]:
    texts = (request.url, request.body.decode("latin-1"), *(value for _, value in request.headers))
    names = set().union(*map(names_in, texts))
    if missing := sorted(names - set(secrets)):
        raise InputError(f"no secret {missing[0]} is configured", place=missing[0])
    return {name: secrets[name] for name in names}


def _encoded(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _filled(hop: Hop, secrets: Mapping[str, str]) -> bytes:
    text = hop.body.decode("latin-1")
    if not names_in(text):
        return hop.body
    kind = next((value for name, value in hop.headers if name.lower() == "content-type"), "")
    spelling = "form" if "x-www-form-urlencoded" in kind else "json" if "json" in kind else ""
    return fill(text, secrets, spelling=spelling).encode("latin-1")


def _protocol(tape: Tape, message: str) -> tuple[Failure, str]:
    splitter = tape.splitter
    begun = splitter.raw_head[:9]
    if begun[3:9] == HTTP2_SETTINGS:
        return Failure.PROTOCOL, "the server speaks HTTP/2, which it was not asked for"
    if not tape.ended:
        return Failure.PROTOCOL, message
    if not b"HTTP/".startswith(begun[:5]):
        return Failure.PROTOCOL, "the answer has no status line"
    if not splitter.head_size:
        return Failure.RESET, "the server closed the connection without an answer"
    if splitter.head is None and not splitter.by_close:
        return Failure.TRUNCATED, "the connection closed inside the response head"
    if splitter.head is not None and not splitter.complete and not splitter.by_close:
        return Failure.TRUNCATED, message
    return Failure.PROTOCOL, message
