"""A loopback server that sends exactly the bytes that a test wrote, and keeps the bytes that it got.

Usable from any test: `with RawServer({"/path": Reply(b"HTTP/1.1 200 OK\r\n...")}) as server: server.url("/path")`.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """Parts are sent with `pause` seconds between them, then the connection is kept, closed, reset or hung."""

    data: bytes | tuple[bytes, ...]
    then: str = "keep"
    pause: float = 0.0

    @property
    def parts(self) -> tuple[bytes, ...]:
        return self.data if isinstance(self.data, tuple) else (self.data,)


def message(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(message(b"", f"Location: {location}", status=f"{status} Moved"))


Route = Reply | Sequence[Reply]


class RawServer:
    """Answers each path with its Reply; a list of them is served in order, the last one again and again."""

    def __init__(self, routes: Mapping[str, Route], *, tls: ssl.SSLContext | None = None) -> None:
        self.routes = dict(routes)
        self.got: list[bytes] = []
        self.connections = 0
        self.asked = threading.Event()
        self._tls = tls
        self._asked: dict[str, int] = {}
        self._open: list[socket.socket] = []
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *unused: object) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.append(connection)
        try:
            if self._tls is not None:
                plain, connection = connection, self._tls.wrap_socket(connection, server_side=True)
                self._open.remove(plain)
                self._open.append(connection)
            while (request := self._request(connection)) is not None:
                self.got.append(request)
                self.asked.set()
                if not self._answer(connection, request):
                    return
        except OSError:
            return
        finally:
            if connection in self._open:
                self._open.remove(connection)
            connection.close()

    def _request(self, connection: socket.socket) -> bytes | None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65536)):
                return None
            data += piece
        length = re.search(rb"\r\ncontent-length: (\d+)", data, re.IGNORECASE)
        whole = data.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
        while len(data) < whole:
            data += connection.recv(65536)
        return data

    def _answer(self, connection: socket.socket, request: bytes) -> bool:
        path = request.split(b" ", 2)[1].decode("ascii")
        route = self.routes.get(path, Reply(message(b"no such path", status="404 Not Found")))
        turn = self._asked[path] = self._asked.get(path, -1) + 1
        reply = route if isinstance(route, Reply) else route[min(turn, len(route) - 1)]
        for at, part in enumerate(reply.parts):
            if at and self._stop.wait(reply.pause):
                return False
            connection.sendall(part)
        if reply.then == "hang":
            self._stop.wait(30)
        if reply.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return reply.then == "keep"
