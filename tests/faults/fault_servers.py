"""Servers that fail, on real sockets: each fault has a listener of its own, so that nothing that one does can be taken
for what another did. And a name server, which says of each name what the test wants.
"""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

CLIENTS_PATIENCE = 30.0
"""Seconds after which a server gives up waiting for a client to go away: longer than any bound of the tests."""


class Line:
    """One connection, as the server of a fault sees it. `number` counts the connections to this fault from 1."""

    def __init__(self, connection: socket.socket, place: Place, number: int, stop: threading.Event) -> None:
        self.connection, self.place, self.number, self._stop = connection, place, number, stop
        connection.settimeout(CLIENTS_PATIENCE)

    def request(self) -> bytes:
        """The next request head; empty when the client went away."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.connection.recv(65536)
            if not piece:
                return b""
            data += piece
        self.place.asked.append(data)
        return data

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.sendall(part)
            self.place.sent += len(part)

    def pour(self, pieces: Iterable[bytes]) -> None:
        """Sends without end, until the client goes away or the pieces end."""
        for piece in pieces:
            if self._stop.is_set():
                return
            self.send(piece)

    def drip(self, pieces: Iterable[bytes], every: float = 0.15) -> None:
        """Sends piece by piece, with seconds between."""
        for piece in pieces:
            self.send(piece)
            if self._stop.wait(every):
                return

    def hang(self) -> None:
        """Says nothing more until the client goes away."""
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def secure(self, context: ssl.SSLContext) -> None:
        """The server's half of a TLS handshake."""
        self.connection = context.wrap_socket(self.connection, server_side=True)


Serve = Callable[[Line], None]


@dataclass
class Place:
    """Where a fault is served, and what came of it: requests asked, bytes sent, connections."""

    serve: Serve
    port: int
    asked: list[bytes] = field(default_factory=list)
    sent: int = 0
    connections: int = 0


class Servers:
    """All listeners, accepted by one thread; each connection is served in a thread of its own."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._wake, waker = socket.socketpair()
        self._waker = waker
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def add(self, serve: Serve, *, address: str = "127.0.0.1", port: int = 0) -> Place:
        """Listens for one fault; before `start`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family, backlog=128)
        place = Place(serve, listener.getsockname()[1])
        self._selector.register(listener, selectors.EVENT_READ, place)
        return place

    def forget(self, place: Place) -> None:
        """Closes a listener, so that its port refuses; before `start`."""
        listener = next(key.fileobj for key in self._selector.get_map().values() if key.data is place)
        assert isinstance(listener, socket.socket)
        self._selector.unregister(listener)
        listener.close()

    def start(self) -> None:
        self._accepting.start()

    def close(self) -> None:
        self._stop.set()
        self._waker.send(b".")
        self._accepting.join(5)
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()
        self._waker.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select():
                if key.data is None:
                    continue
                assert isinstance(key.fileobj, socket.socket)
                try:
                    connection, _ = key.fileobj.accept()
                except OSError:
                    continue
                key.data.connections += 1
                line = Line(connection, key.data, key.data.connections, self._stop)
                thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, line: Line) -> None:
        plain = line.connection
        with self._lock:
            self._open.add(plain)
        try:
            line.place.serve(line)
        except OSError:  # the client went away, which is what many of them are to make it do
            pass
        finally:
            with self._lock:
                self._open.discard(plain)
            with contextlib.suppress(OSError):
                line.connection.close()
            plain.close()


NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
A, AAAA = 1, 28


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the name server says of a name: addresses, or a code, or nothing at all (`silent`)."""

    addresses: tuple[str, ...] = ()
    code: int = NO_ERROR
    silent: bool = False


class NameServer:
    """DNS over UDP on loopback (RFC 1035), as much as is needed. `told` has a sequence for each name: what is said at
    the first look-up, at the second, and so on, the last again and again. `looked_up` counts look-ups by name."""

    def __init__(self, told: Mapping[str, Sequence[Told]]) -> None:
        self.told = dict(told)
        self.looked_up: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(2048)
            if not query:
                return
            answer = self._answer(query)
            if answer is not None:
                self._socket.sendto(answer, client)

    def _answer(self, query: bytes) -> bytes | None:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
            at += 1 + query[at]
        kind = struct.unpack_from(">H", query, at + 1)[0]
        name = ".".join(labels)
        if kind == A:  # a look-up asks for A and then for AAAA
            self.looked_up[name] += 1
        turns = self.told.get(name, (Told(code=NO_SUCH_NAME),))
        told = turns[min(max(self.looked_up[name], 1), len(turns)) - 1]
        if told.silent:
            return None
        version = 4 if kind == A else 6
        found = [ip for text in told.addresses if (ip := ipaddress.ip_address(text)).version == version]
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(address.packed)) + address.packed for address in found
        )
        flags = 0x8180 | told.code
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + query[12 : at + 5] + records


@contextlib.contextmanager
def serving(servers: Servers, names: NameServer) -> Iterator[None]:
    """Both at work, and ended whatever happens."""
    servers.start()
    names.start()
    try:
        yield
    finally:
        names.close()
        servers.close()
