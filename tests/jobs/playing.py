"""A server on loopback that sends exactly the bytes that a test wrote, and keeps what it got, sent and when.

Also the messages that it sends: plain, chunked with extension and trailer, compressed, redirects.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JSON = "Content-Type: application/json; charset=utf-8"
HTML = "Content-Type: text/html; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """`then` is what follows the bytes: keep, close, hang, or endless (zeros until the client goes away)."""

    data: bytes
    then: str = "keep"


def message(body: bytes = b"", *headers: str, status: str = "200 OK") -> Reply:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return Reply("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def chunked(body: bytes, *headers: str, size: int = 700) -> Reply:
    """Chunks with an extension on the first and a trailer, so that the framing has something to keep."""
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(
        f"{len(part):X}{';n=1' if not at else ''}\r\n".encode() + part + b"\r\n" for at, part in enumerate(parts)
    )
    return Reply(head + framed + b"0\r\nX-Trailer: end\r\n\r\n")


def answer(value: Any, *headers: str, status: str = "200 OK") -> Reply:
    return message(json.dumps(value).encode(), JSON, *headers, status=status)


def zipped(value: Any) -> Reply:
    return chunked(gzip.compress(json.dumps(value).encode(), mtime=0), JSON, "Content-Encoding: gzip", size=90)


def moved(location: str) -> Reply:
    return message(b"", f"Location: {location}", status="302 Found")


NOTHING = message(b"nothing here", "Content-Type: text/plain", status="404 Not Found")


@dataclass
class Asked:
    """One request: its exact bytes, when its last byte came, the reply, and how many bytes of it were taken."""

    raw: bytes
    target: str
    at: float
    reply: Reply
    taken: int = 0


class Server:
    """Answers on 127.0.0.1 with what `respond(target, raw)` gives; `pause` seconds before each answer."""

    def __init__(self, respond: Callable[[str, bytes], Reply], *, pause: float = 0.0) -> None:
        self.respond, self.pause = respond, pause
        self.log: list[Asked] = []
        self.connections = 0
        self._stop = threading.Event()
        self._arrived = threading.Condition()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"http://{self.place}"

    def targets(self) -> list[str]:
        return [asked.target for asked in list(self.log)]

    def wait_for(self, count: int, seconds: float = 20.0) -> bool:
        """Until so many requests have come."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.log) >= count, seconds)

    def close(self) -> None:
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
        with contextlib.suppress(OSError), connection:
            while (raw := self._request(connection)) is not None:
                target = raw.split(b" ", 2)[1].decode("latin-1")
                asked = Asked(raw=raw, target=target, at=time.monotonic(), reply=self.respond(target, raw))
                with self._arrived:
                    self.log.append(asked)
                    self._arrived.notify_all()
                if self.pause and self._stop.wait(self.pause):
                    return
                connection.sendall(asked.reply.data)
                asked.taken = len(asked.reply.data)
                if asked.reply.then == "hang":
                    self._stop.wait(60)
                if asked.reply.then == "endless":
                    self._pour(connection, asked)
                if asked.reply.then != "keep":
                    return

    def _pour(self, connection: socket.socket, asked: Asked) -> None:
        zeros = bytes(65536)
        while not self._stop.is_set():
            connection.sendall(zeros)
            asked.taken += len(zeros)

    @staticmethod
    def _request(connection: socket.socket) -> bytes | None:
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


def page(title: str, *parts: str) -> Reply:
    body = f"<!doctype html><html lang=en><title>{title}</title><body>{''.join(parts)}</body></html>"
    return chunked(body.encode(), HTML)
