"""A network backend for httpcore that records exact bytes and checks addresses, and the transport around it.

Recording works below HTTP: the stream writes what passes to the Tape that the context variable names, so
heads, chunk framing and 1xx answers are kept exactly as they were. Source of the seam: httpcore's public
NetworkBackend and NetworkStream; `HTTPTransport._pool` is httpx's private name and held by a test.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

from archiver.errors import BlockedError
from archiver.model import Connection, Failure
from archiver.net.guard import check_address
from archiver.net.lookup import Lookups, Resolve
from archiver.net.policy import Policy
from archiver.net.tape import Stopped, Tape

TAPE: ContextVar[Tape] = ContextVar("tape")
"""The tape of the exchange that this thread is making."""

KEEPALIVE = 15.0
"""Seconds that an idle connection is kept."""
TRIED = 8
"""Addresses of a family, IPv4 or IPv6, that are tried for one request."""
CLOSED = "the connection was closed on this side"
DER = 2
"""The encoding that CPython's Certificate.public_bytes calls ENCODING_DER."""


def _tried(addresses: list[str]) -> list[str]:
    """The first of each family, in their order: whoever owns a name says to how many it resolves, and to whose."""
    families = [[one for one in addresses if (":" in one) is six][:TRIED] for six in (False, True)]
    return [one for one in addresses if one in families[0] or one in families[1]]


def _certificates(tls: Any) -> tuple[bytes, ...]:
    """The chain that the peer sent, DER, leaf first; the leaf alone where the interpreter cannot tell the chain."""
    chain = tls.get_unverified_chain() if hasattr(tls, "get_unverified_chain") else None
    if chain:
        return tuple(entry if isinstance(entry, bytes) else entry.public_bytes(DER) for entry in chain)
    leaf = tls.getpeercert(True)
    return (leaf,) if leaf else ()


class OpenStreams:
    """The connections that a backend made, so that all of them can be ended from another thread: also one that was
    only just made, of which the pool does not know yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._streams: WeakSet[RecordingStream] = WeakSet()

    def add(self, stream: RecordingStream) -> RecordingStream:
        """The stream; Stopped when all were ended already."""
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                return stream
        stream.close()
        raise Stopped(Failure.RESET, CLOSED)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.close()


class RecordingStream(httpcore.NetworkStream):
    """A connection whose traffic goes to a tape. It serves one exchange at a time, as HTTP/1.1 does."""

    def __init__(self, inner: httpcore.NetworkStream, connection: Connection, streams: OpenStreams) -> None:
        self._inner = inner
        self._connection = connection
        self._streams = streams
        self._closed = False
        self._tape: Tape | None = None
        self._used = False
        self._spoiled = False

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._closed:
            raise Stopped(Failure.RESET, CLOSED)
        tape = TAPE.get()
        if tape is not self._tape:
            self._tape, tape.connection, tape.reused = tape, self._connection, self._used
            self._used = True
        tape.sent += buffer
        try:
            self._inner.write(buffer, tape.left(timeout))
        except httpcore.WriteTimeout:
            raise Stopped(Failure.TIMEOUT, "the server did not take the request in time") from None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        tape = self._tape
        if self._closed:
            raise Stopped(Failure.RESET, CLOSED)
        if tape is None:
            raise Stopped(Failure.PROTOCOL, "an answer without a request")
        wait = tape.left(timeout)
        try:
            data = self._inner.read(max_bytes, wait)
        except httpcore.ReadTimeout:
            tape.left(None)
            raise Stopped(Failure.TIMEOUT, f"no byte for {wait:g} s") from None
        except httpcore.ReadError as error:
            if not isinstance(error.__cause__, ssl.SSLEOFError):
                raise Stopped(Failure.RESET, f"the connection broke: {error}") from None
            # Many servers end without close_notify. Whether that cut the body is told by its length, if it has one.
            tape.notes.append("TLS ended without close_notify")
            data = b""
        if self._closed:  # while it waited: what a shutdown gives is not the server's end
            raise Stopped(Failure.RESET, CLOSED)
        tape.received(data)
        if tape.splitter.excess:
            # What stands after the end of this message must never be read as the answer to the next request.
            self._spoiled = True
        return data

    def close(self) -> None:
        self._closed, self._tape = True, None
        # A thread that waits for bytes is not woken by a close alone. The plain shutdown also of a TLS socket: its own
        # would take the TLS state from under that thread.
        with suppress(OSError):
            socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        tape = TAPE.get()
        try:
            # Certificates name hosts without the final dot that an address may have.
            name = server_hostname.rstrip(".") if server_hostname else None
            inner = self._inner.start_tls(ssl_context, name, tape.left(timeout))
        except httpcore.ConnectTimeout:
            raise Stopped(Failure.TIMEOUT, "no TLS connection in time") from None
        except httpcore.ConnectError as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise Stopped(Failure.TLS, f"certificate refused: {cause.verify_message}") from None
            raise Stopped(Failure.TLS, f"no TLS connection: {error}") from None
        except ValueError as error:  # a host that cannot be a server name
            self._inner.close()
            raise Stopped(Failure.TLS, f"no TLS connection: {error}") from None
        tls, plain = inner.get_extra_info("ssl_object"), inner.get_extra_info("socket")
        if isinstance(plain, ssl.SSLSocket):
            plain.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # set by wrap_socket, not in typeshed
        cipher = tls.cipher()
        connection = replace(
            self._connection,
            alpn=tls.selected_alpn_protocol() or "",
            tls_version=tls.version() or "",
            tls_cipher=cipher[0] if cipher else "",
            chain=_certificates(tls),
        )
        tape.connection = connection
        return self._streams.add(RecordingStream(inner, connection, self._streams))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._spoiled:
            return True  # httpcore then takes the idle connection for ended, and closes it
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves a name itself, checks every address it got, and connects to a checked one: no second look-up."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy = policy
        self._inner = httpcore.SyncBackend()
        self._streams = OpenStreams()
        self._lookups = Lookups(resolve)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        tape = TAPE.get()
        addresses = self._addresses(host, port, tape.left(timeout))
        tape.connection = Connection(dns=tuple(addresses), peer_port=port)
        for address in addresses:
            try:
                check_address(address, host, self._policy, port)
            except BlockedError as error:
                raise Stopped(Failure.BLOCKED, str(error)) from None
            except ValueError:
                raise Stopped(Failure.BLOCKED, f"{address} is not an address") from None
        failure, reasons = Failure.CONNECT, []
        tried = _tried(addresses)
        for address in tried:
            try:
                inner = self._inner.connect_tcp(address, port, tape.left(timeout), local_address, socket_options)
            except httpcore.ConnectTimeout:
                failure = Failure.TIMEOUT
                reasons.append(f"{address}: no connection in time")
            except httpcore.ConnectError as error:
                reasons.append(f"{address}: {error}")
            else:
                tape.connection = replace(tape.connection, peer_ip=address)
                return self._streams.add(RecordingStream(inner, tape.connection, self._streams))
        if len(addresses) > len(tried):
            reasons.append(f"{len(addresses) - len(tried)} more were not tried")
        raise Stopped(failure, "; ".join(reasons) or f"{host} has no address")

    def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return self._lookups.addresses(host, port, timeout)

    def close(self) -> None:
        self._lookups.close()
        self._streams.close()


def transport(backend: httpcore.NetworkBackend, context: ssl.SSLContext) -> httpx.HTTPTransport:
    """httpx's transport over a pool of ours: HTTP/1.1, kept alive, no retries and nothing from the environment."""
    outer = httpx.HTTPTransport(verify=context, trust_env=False)
    outer._pool.close()
    outer._pool = httpcore.ConnectionPool(
        ssl_context=context,
        max_connections=None,  # the fetcher bounds connections by host
        max_keepalive_connections=32,
        keepalive_expiry=KEEPALIVE,
        http1=True,
        http2=False,
        retries=0,
        network_backend=backend,
    )
    return outer
